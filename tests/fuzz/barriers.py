"""barriers.py - random kernels with barriers in loops and branches, and what they must give.

A kernel is text over the words SYNC, COUNT(p), SHARED, LOCAL ..., and is spelled twice: for @cuda.jit, and as a generator
that yields at each barrier, so that plain Python runs the threads of a block in step. Branches and loops around barriers
depend on the block alone (the argument m, loop variables, counts); others on the thread. Elements stay small: Python's
integers do not wrap.

    python tests/fuzz/barriers.py FIRST LAST        compares a range of seeds
"""
import random
import sys

THREADS, ARGUMENTS = (1, 7, 33), (0, 3, 6)
KERNEL = {'SHARED': 'cuda.shared.array(64, int64)', 'LOCAL': 'cuda.local.array(4, int64)', 'BDIM': 'cuda.blockDim.x',
          'TID': 'cuda.threadIdx.x', 'SYNC': 'cuda.syncthreads()', 'COUNT(': 'cuda.syncthreads_count(', 'AT': 'cuda.blockIdx.x * n + i'}
PLAIN = {'SHARED': 'shared', 'LOCAL': '[0] * 4', 'BDIM': 'threads', 'TID': 'thread', 'SYNC': 'yield 0', 'COUNT(': '(yield ', 'AT': 'i'}


class Body:
    """The statements of one random kernel; `uniform` are the names that all threads agree on."""

    def __init__(self, seed):
        self.r = random.Random(seed)
        self.lines, self.uniform = [], ['m']
        self.loops = self.counts = 0
        self.budget = self.r.randint(4, 14)
        for line in ('s = SHARED', 'loc = LOCAL', 'n = BDIM', 'i = TID', 'for z in range(4):', '    loc[z] = z', 's[i] = i * 7 + m',
                     'v = i', 'SYNC'):
            self.emit(1, line)
        while self.budget > 0:
            self.statement(1, False)
        self.emit(1, 'out[AT] = v * 3 + s[i]')

    def emit(self, depth, *lines):
        self.lines += ['    ' * depth + line for line in lines]

    def condition(self):
        a, c = self.r.choice(self.uniform), self.r.randint(0, 4)
        return self.r.choice([f'{a} % 2 == 0', f'{a} > {c}', f'({a} + {c}) % 3 != 1', f'{a} == {c}'])

    def block(self, depth, in_loop):
        known = len(self.uniform)
        for _ in range(self.r.randint(1, 3)):
            if self.budget > 0:
                self.statement(depth, in_loop)
        self.emit(depth, 'pass')
        del self.uniform[known:]

    def statement(self, depth, in_loop):
        self.budget -= 1
        kinds = [self.exchange, self.exchange, self.update, self.diverge, self.diverge_in_loop, self.count, self.local]
        if depth < 5:
            kinds += [self.branch] + [self.for_loop, self.while_loop] * (self.loops < 4)
        if in_loop:
            kinds.append(self.leave)
        self.r.choice(kinds)(depth, in_loop)

    def exchange(self, d, in_loop):
        k = self.r.randint(1, 7)
        self.emit(d, f't = s[(i + {k}) % n]', 'SYNC', self.r.choice(
            [f's[i] = (s[i] + t * {k} + v) % 10007', 's[i] = (t ^ v) % 10007', f's[i] = (t - s[i] + {k}) % 10007']), 'SYNC')

    def update(self, d, in_loop):
        self.emit(d, f'v = (v * {self.r.randint(2, 9)} + i + {self.r.choice(self.uniform)}) % 10007')

    def diverge(self, d, in_loop):
        self.emit(d, f'if i % {self.r.randint(2, 4)} == {self.r.randint(0, 1)}:', f'    v += {self.r.randint(1, 9)}')
        if self.r.random() < .5:
            self.emit(d, 'else:', '    v = v // 2 - 3')

    def diverge_in_loop(self, d, in_loop):
        self.emit(d, f'for q in range(i % {self.r.randint(2, 5)}):', '    v = (v + q * s[i]) % 10007')
        if self.r.random() < .5:
            self.emit(d + 1, 'if v % 5 == 2:', '    ' + self.r.choice(['break', 'continue']))

    def count(self, d, in_loop):
        self.counts += 1
        name = f'c{self.counts}'
        self.emit(d, f'{name} = COUNT(v % {self.r.randint(2, 4)})', f'v = (v + {name}) % 10007')
        self.uniform.append(name)

    def local(self, d, in_loop):
        self.emit(d, f'loc[(i + v) % 4] += {self.r.randint(1, 4)}', f'v += loc[{self.r.randint(0, 3)}]')

    def branch(self, d, in_loop):
        self.emit(d, f'if {self.condition()}:')
        self.block(d + 1, in_loop)
        if self.r.random() < .5:
            self.emit(d, 'else:')
            self.block(d + 1, in_loop)

    def for_loop(self, d, in_loop):
        self.loops += 1
        name = f'j{self.loops}'
        self.emit(d, f'for {name} in range({self.r.choice(["3", "m % 4", "2", "1 + m % 3"])}):')
        self.loop_body(d, name)
        if self.r.random() < .2:
            self.emit(d, 'else:', '    v += 1')

    def while_loop(self, d, in_loop):
        self.loops += 1
        name = f'w{self.loops}'
        self.emit(d, f'{name} = {self.r.choice(["8", "m % 5", "6"])}', f'while {name} > 0:',
                  '    ' + self.r.choice([f'{name} -= 2', f'{name} //= 2']))
        self.loop_body(d, name)

    def loop_body(self, d, name):
        self.uniform.append(name)
        self.block(d + 1, True)
        self.uniform.remove(name)

    def leave(self, d, in_loop):
        self.emit(d, f'if {self.condition()}:', '    ' + self.r.choice(['break', 'continue', 'break', 'return']))

    def spelled(self, words, params):
        text = '\n'.join(self.lines)
        for word, spelling in words.items():
            text = text.replace(word, spelling)
        return f'def kernel({params}):\n{text}\n'


def expected(body, threads, m):
    """out of one block, or None where threads part at a barrier."""
    space = {}
    exec(body.spelled(PLAIN, 'out, m, shared, threads, thread'), space)
    shared, out = [0] * threads, [0] * threads
    running = [space['kernel'](out, m, shared, threads, i) for i in range(threads)]
    answers = [None] * threads
    while True:
        said = []
        for thread, answer in zip(running, answers):
            try:
                said.append(thread.send(answer))
            except StopIteration:
                said.append(None)
        if None in said:
            return out if said == [None] * threads else None
        answers = [sum(1 for p in said if p)] * threads


def wrong(seed):
    """What differs for a seed: (source, threads, m, got, expected), or None."""
    import numpy as np
    from naja import cuda, int64
    body = Body(seed)
    space = {'cuda': cuda, 'int64': int64}
    source = body.spelled(KERNEL, 'out, m')
    exec(source, space)
    kernel = cuda.jit(space['kernel'])
    for threads in THREADS:
        for m in ARGUMENTS:
            want = expected(body, threads, m)
            out = np.zeros(2 * threads, np.int64)
            kernel[2, threads](out, m)
            if want is None or out.tolist() != want + want:
                return source, threads, m, out.tolist(), want
    return None


if __name__ == '__main__':
    found = [(seed, wrong(seed)) for seed in range(int(sys.argv[1]), int(sys.argv[2]))]
    for seed, bad in found:
        if bad:
            print(f'seed {seed}, {bad[1]} threads, m = {bad[2]}\n{bad[0]}')
    print(sum(1 for _, bad in found if bad), 'wrong of', len(found))
