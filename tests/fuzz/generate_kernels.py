"""generate_kernels.py - seeded random kernels with barriers, and an oracle that runs their threads as Python generators.

    python tests/fuzz/generate_kernels.py SEED                 prints the source of one
    python tests/fuzz/generate_kernels.py --run FIRST COUNT    runs that many on naja's device against the oracle

One text serves both: where naja sees `cuda.syncthreads()`, the oracle sees a `yield`. A tame kernel has its barriers where
all threads that have not returned come together, and reads what other threads wrote in the phase before. A wild one has
them anywhere, also where threads part ways; its threads see each other through reductions and atomics alone, so
that it has one right answer whatever the order. All arithmetic is on small integers: results are equal or wrong.
"""
import random
import sys

import numpy as np

MASK = 0xFFFF
NX = 64                                  # elements of the input
REDUCTIONS = ('count', 'and', 'or')
DEVICE = '''
def rotate(s, t, n, v):
    s[t] = v
    SYNC()
    r = s[(t + 1) % n]
    SYNC()
    return r

def settle(s, t, n, v, rounds):
    for k in range(rounds):
        s[t] = v
        SYNC()
        v = (v + s[(t * 3 + k) % n]) & 0xFFFF
        SYNC()
        if k > 5:
            return v, k
    return v, rounds

def plain(a, b):
    if a > b:
        return a - b
    return (a * 3 + b) & 0xFFFF

def poll(v, rounds):
    for k in range(rounds):
        v = (v + REDUCE('count', v & 1)) & 0xFFFF
    return v

def vote(s, t, n, v):
    return CALL(rotate, s, t, n, v ^ 5) + REDUCE('or', v & 8)
'''


class Generator:
    def __init__(self, seed):
        self.r = random.Random(seed)
        self.wild = seed % 3 == 2
        self.free = seed % 7 == 3        # no barrier at all
        self.lines, self.depth, self.counter, self.budget = [], 1, 0, self.r.randrange(8, 26)
        self.wr = 0                      # tame: the shared array whose own element a thread may write; others are read
        self.same, self.own = ['n1', 'n2', 'bid'], ['t', 'd0', 'd1', 'd2']
        self.loops = 0

    # -- expressions ------------------------------------------------------------------------------------------

    def p(self, chance):
        return self.r.random() < chance

    def uniform(self, d=0):
        if d > 2 or self.p(0.5):
            return self.r.choice(self.same + ['1', '3', '7'])
        op = self.r.choice(['+', '*', '^', '&'])
        return f'(({self.uniform(d + 1)} {op} {self.uniform(d + 1)}) & {MASK})'

    def leaf(self):
        kind = self.r.randrange(7)
        if kind == 0:
            return f'x[({self.r.choice(self.own)} + {self.r.randrange(9)}) % {NX}]'
        if kind == 1:
            return f'la[{self.r.choice(self.own)} & 3]'
        if kind == 2:
            return f's{self.wr}[t]'
        if kind == 3 and not self.wild and not self.free:
            return f's{1 - self.wr}[({self.r.choice(self.own)} + {self.r.randrange(5)}) % n]'
        if kind == 4:
            return self.uniform(2)
        return self.r.choice(self.own)

    def expr(self, d=0):
        if d > 2 or self.p(0.3):
            return self.leaf()
        a, b = self.expr(d + 1), self.expr(d + 1)
        return self.r.choice([f'(({a} + {b}) & {MASK})', f'(({a} * {b}) & {MASK})', f'({a} ^ {b})', f'({a} & {b})',
                              f'({a} % 13)', f'(({a} >> 2) + 1)', f'(({a} - {b}) // 3 & {MASK})', f'(({a} - {b}) % 7)', f'plain({a}, {b})', f'({a} if {a} < {b} else {b})'])

    def cond(self):
        return self.r.choice([f'{self.expr(1)} % 3 == {self.r.randrange(3)}', f't < {self.r.randrange(20)}',
                              f'{self.expr(2)} < {self.expr(2)}', 't % 2 == 0'])

    def ucond(self):
        return self.r.choice([f'{self.uniform()} % 2 == {self.r.randrange(2)}', f'{self.uniform()} < {self.uniform()}'])

    # -- statements -------------------------------------------------------------------------------------------

    def put(self, line):
        self.lines.append('    ' * self.depth + line)

    def name(self, stem):
        self.counter += 1
        return f'{stem}{self.counter}'

    def body(self, fn):
        self.depth += 1
        n = len(self.lines)
        fn()
        if len(self.lines) == n:
            self.put('d0 = d0 ^ 1')
        self.depth -= 1

    def assign(self):
        kind = self.r.randrange(6)
        if kind == 0:
            self.put(f's{self.wr}[t] = {self.expr()}')
        elif kind == 1:
            self.put(f'la[{self.expr(2)} & 3] = {self.expr()}')
        elif kind == 2:
            self.put(f'ADD(sums, {self.expr(2)} & 7, {self.expr(2)} & 15)')
        else:
            self.put(f'{self.r.choice(["d0", "d1", "d2"])} = {self.expr()}')

    def assign_local(self):
        self.put(f'{self.r.choice(["d0", "d1", "d2"])} = (d0 + {self.uniform()}) & {MASK}')

    def own_block(self, depth=0):
        """Statements without a barrier, under a condition of the thread's own."""
        for _ in range(self.r.randrange(1, 3)):
            kind = self.r.random()
            if kind < 0.6 or depth > 1:
                self.assign()
            elif kind < 0.8:
                self.own_if(depth + 1)
            else:
                self.own_loop(depth + 1)

    def own_if(self, depth=0):
        self.put(f'if {self.cond()}:')
        self.body(lambda: self.own_block(depth))
        if self.p(0.4):
            self.put('else:')
            self.body(lambda: self.own_block(depth))

    def own_loop(self, depth=0):
        i = self.name('i')
        self.put(f'for {i} in range({self.expr(2)} & {self.r.choice([3, 7])}):')

        def inside():
            self.own_block(depth)
            self.put(f'd1 = (d1 + {i}) & {MASK}')
            if self.p(0.4):
                self.put(f'if {self.cond()}:')
                self.body(lambda: self.put(self.r.choice(['break', 'continue'])))
                self.own_block(2)
        self.body(inside)
        if self.p(0.3):
            self.put(f'd2 = d2 ^ {self.p(0.5) and "d1" or "7"}')

    def barrier(self):
        kind = self.r.random()
        if kind < 0.6:
            self.put('SYNC()')
        else:
            fresh = self.p(0.5) and not self.wild
            v = self.name('u') if fresh else self.r.choice(['d0', 'd1', 'd2'])
            self.put(f'{v} = REDUCE({self.r.choice(REDUCTIONS)!r}, {self.expr(1)} & {self.r.choice([1, 3, 0xFFFF])})')
            self.same += [v] if fresh else []
        if self.p(0.5):
            self.wr = 1 - self.wr

    def call(self):
        if self.wild:                    # the others read what their neighbours wrote: only tame kernels may
            self.put(f'd2 = CALL(poll, {self.expr(1)}, {self.expr(1)} & 3)')
            return
        which = self.r.choice(['rotate', 'settle', 'vote'])
        if which == 'settle':
            self.put(f'd0, d1 = CALL(settle, s2, t, n, {self.expr(1)}, {self.uniform()} % 4)')
        else:
            self.put(f'd2 = CALL({which}, s2, t, n, {self.expr(1)}) & {MASK}')

    def same_leave(self):
        """All threads leave the trip, the loop or the kernel; first they meet, since what follows is another phase."""
        self.put(f'if {self.ucond()}:')
        how = self.r.choice(['break', 'continue', 'break', 'continue', 'return'])
        self.body(lambda: [self.put(line) for line in (['out[gid] = d1 ^ d2', 'return'] if how == 'return' else ['SYNC()', how])])
        self.block(1)

    def same_trips(self):
        """The head of a loop with the same trips for all; its variable."""
        i = self.name('k')
        if self.p(0.6):
            self.put(f'for {i} in range({self.uniform()} % {self.r.choice([3, 4])}):')
            return i
        self.put(f'{i} = {self.uniform()} % {self.r.choice([4, 8])}')
        self.put(f'while {i} > 0:')
        self.put(f'    {i} {self.r.choice(["-= 2", "//= 2"])}')
        return i

    def same_loop(self):
        """All threads make the same trips, with barriers inside."""
        i, wr, known = self.same_trips(), self.wr, list(self.same)

        def inside():
            self.loops += 1
            self.same.append(i)
            self.block(2)
            if self.p(0.3):
                self.same_leave()
            if self.p(0.8) or self.wr != wr:
                self.put('SYNC()')
            self.loops -= 1
        self.body(inside)
        self.same = known
        if self.p(0.2):
            self.put('else:')
            self.body(self.assign_local)
        if self.wr != wr or self.p(0.2):
            self.put('SYNC()')
        self.wr = wr

    def same_if(self):
        wr, known = self.wr, list(self.same)
        self.put(f'if {self.ucond()}:')
        self.body(lambda: self.block(2))
        self.same = list(known)
        if self.p(0.4):
            self.wr = wr
            self.put('else:')
            self.body(lambda: self.block(2))
        self.same = known
        self.put('SYNC()')

    def halving(self):
        """A tree sum: the loop condition is a variable that all threads compute."""
        h = self.name('h')
        self.put('SYNC()')
        self.put(f's{self.wr}[t] = {self.expr(1)}')
        self.put('SYNC()')
        self.put(f'{h} = n')
        self.put(f'while {h} > 1:')
        self.depth += 1
        self.put(f'half = ({h} + 1) // 2')
        self.put(f'if t < {h} // 2:')
        self.put(f'    s{self.wr}[t] = (s{self.wr}[t] + s{self.wr}[t + half]) & {MASK}')
        self.put('SYNC()')
        self.put(f'{h} = half')
        self.depth -= 1
        self.put(f'd0 = (d0 + s{self.wr}[0]) & {MASK}')
        self.put('SYNC()')

    def sum_loop(self):
        """A sum of floats over trips that all threads make: what is cut for the sake of vectors, also under a condition."""
        k = self.name('k')
        guard = self.p(0.3)
        if guard:
            self.put(f'if {self.cond()}:')
            self.depth += 1
        self.put(f'for {k} in range({self.uniform()} % {self.r.choice([5, 40])}):')
        self.put(f'    f0 = f0 * 0.5 + x[({self.r.choice(self.own)} * {self.r.randrange(4)} + {k}) % {NX}]')
        if self.p(0.4):
            self.put(f'    if {self.cond()}:')
            self.put(f'        f1 = f1 * 0.25 + f0 + {k}')
        if guard:
            self.depth -= 1
        self.put(f'd2 = (d2 + int(f0)) & {MASK}')

    # Wild: barriers under conditions of the thread's own.

    def wild_if(self):
        self.put(f'if {self.cond()}:')
        self.body(lambda: self.block(2))
        if self.p(0.5):
            self.put('else:')
            self.body(lambda: self.block(2))

    def wild_loop(self):
        i = self.name('k')
        self.put(f'for {i} in range({self.expr(1)} & 3):')

        def inside():
            self.block(2)
            self.put(f'd2 = (d2 + {i}) & {MASK}')
            if self.p(0.5):
                self.put(f'if {self.cond()}:')
                self.body(lambda: self.put(self.r.choice(['break', 'continue', 'return'])))
                self.block(1)
        self.body(inside)

    def leave(self):
        self.put(f'if {self.cond()}:')
        self.depth += 1
        self.put('out[gid] = d0 ^ d1')
        self.put('return')
        self.depth -= 1

    def statement(self):
        choices = [(self.assign, 5), (self.own_if, 2), (self.own_loop, 2), (self.leave, 0.5), (self.sum_loop, 2)]
        choices += [] if self.free else [(self.barrier, 4), (self.call, 1)]
        choices += [(self.wild_if, 2), (self.wild_loop, 2)] if self.wild else []
        if not self.free and (not self.wild or self.loops == 0):
            choices += [(self.same_loop, 2), (self.same_if, 1)]
        if not self.wild and not self.free:
            choices += [(self.halving, 0.5)]
        fns, weights = zip(*choices)
        self.r.choices(fns, weights)[0]()

    def block(self, n):
        for _ in range(self.r.randrange(1, n + 1)):
            if self.depth > 4:
                self.assign()
            elif self.budget > 0:
                self.budget -= 1
                self.statement()

    def source(self):
        while self.budget > 0:
            self.block(3)
        head = ['def kernel(x, out, sums, n1, n2):',
                '    s0 = SHARED(128)', '    s1 = SHARED(128)', '    s2 = SHARED(128)', '    la = LOCAL(4)',
                '    n = cuda.blockDim.x * cuda.blockDim.y * cuda.blockDim.z',
                '    t = cuda.threadIdx.x + cuda.blockDim.x * (cuda.threadIdx.y + cuda.blockDim.y * cuda.threadIdx.z)',
                '    bid = cuda.blockIdx.x', '    gid = bid * n + t', '    d0 = t * 7', '    d1 = x[t % 64]', '    d2 = 3', '    f0 = 0.5', '    f1 = 0.0',
                '    for q in range(4):', '        la[q] = q + t', '    s0[t] = t', '    s1[t] = d1'] + ([] if self.free else ['    SYNC()'])
        tail = ['    out[gid] = (d0 + 3 * d1 + 5 * d2 + 7 * la[0] + 11 * la[3] + s0[t] + 13 * s1[t] + int(f1))']
        return '\n'.join(head + self.lines + tail) + '\n'


# -- naja ---------------------------------------------------------------------------------------------------------

def for_naja(text):
    for how in REDUCTIONS:
        text = text.replace(f'REDUCE({how!r}, ', f'cuda.syncthreads_{how}(')
    text = rewrite(text, 'CALL', lambda args: '{}({})'.format(*args.split(', ', 1)))
    return (text.replace('SYNC()', 'cuda.syncthreads()').replace('ADD(', 'cuda.atomic.add(')
            .replace('SHARED(128)', 'cuda.shared.array(128, int64)').replace('LOCAL(4)', 'cuda.local.array(4, int64)'))


def run_naja(source, case, name):
    from naja import cuda, int64
    import linecache
    env = {'cuda': cuda, 'int64': int64}
    text = for_naja(DEVICE).replace('\ndef ', '\n@cuda.jit(device=True)\ndef ') + '\n@cuda.jit\n' + for_naja(source)
    linecache.cache[name] = (len(text), None, text.splitlines(True), name)
    exec(compile(text, name, 'exec'), env)
    out, sums = case.outputs()
    env['kernel'][case.grid, case.block](case.x, out, sums, case.n1, case.n2)
    return out, sums


# -- the oracle -----------------------------------------------------------------------------------------------------

def rewrite(line, word, make):
    """Every WORD(a, b) of the line as make('a, b'); parentheses balance."""
    while word + '(' in line:
        at = line.index(word + '(')
        depth, end = 0, at + len(word)
        while depth or end == at + len(word):
            depth += (line[end] == '(') - (line[end] == ')')
            end += 1
        line = line[:at] + make(line[at + len(word) + 1:end - 1]) + line[end:]
    return line


def for_oracle(text):
    text = text.replace('SYNC()', "yield ('plain', 0)")
    text = rewrite(text, 'REDUCE', lambda args: f'(yield ({args}))')
    return rewrite(text, 'CALL', lambda args: '(yield from {}({}))'.format(*args.split(', ', 1)))


class Axis:
    def __init__(self, x, y, z):
        self.x, self.y, self.z = x, y, z


class Cuda:
    def __init__(self, thread, block, nthread):
        self.threadIdx, self.blockIdx, self.blockDim = Axis(*thread), Axis(*block), Axis(*nthread)


def one_round(threads, results):
    """Runs every thread to its next barrier. Those that return are gone."""
    asked = {}
    for key in list(threads):
        try:
            asked[key] = threads[key].send(results.get(key))
        except StopIteration:
            del threads[key]
    count = sum(1 for how, pred in asked.values() if how != 'plain' and pred)
    answer = {'plain': None, 'count': count, 'and': int(count == len(asked)), 'or': int(count > 0)}
    return {key: answer[how] for key, (how, _) in asked.items()}


def run_oracle(source, case):
    text = for_oracle(DEVICE) + '\n' + for_oracle(source)
    code = compile(text, 'oracle', 'exec')
    out, sums = case.outputs()
    bx, by, bz = case.block
    for b in range(case.grid):
        shared = [[0] * 128 for _ in range(3)]
        threads = {}
        for t in range(bx * by * bz):
            order = iter(shared)
            env = {'cuda': Cuda((t % bx, t // bx % by, t // bx // by), (b, 0, 0), case.block), 'LOCAL': lambda n: [0] * n,
                   'SHARED': lambda n, order=order: next(order), 'ADD': add}
            exec(code, env)
            run = env['kernel']([int(v) for v in case.x], out, sums, case.n1, case.n2)
            if run is not None:                  # without a `yield` in it, it has run already
                threads[t] = run
        results = {}
        while threads:
            results = one_round(threads, results)
    return out, sums


def add(array, i, v):
    array[i] += v


# -- cases --------------------------------------------------------------------------------------------------------------

class Case:
    def __init__(self, seed):
        r = random.Random(seed * 7919 + 1)
        self.x = np.array([r.randrange(1000) for _ in range(NX)], np.int64)
        self.block = r.choice([(1, 1, 1), (7, 1, 1), (16, 1, 1), (33, 1, 1), (64, 1, 1), (8, 4, 1), (5, 3, 1), (4, 3, 2)])
        self.grid, self.n1, self.n2 = r.randrange(1, 4), r.randrange(10), r.randrange(10)

    def outputs(self):
        n = self.block[0] * self.block[1] * self.block[2] * self.grid
        return np.full(n, -1, np.int64), np.zeros(8, np.int64)


def check(seed):
    """'' or what went wrong."""
    source, case = Generator(seed).source(), Case(seed)
    want = run_oracle(source, case)
    try:
        got = run_naja(source, case, f'<kernel {seed}>')
    except Exception as e:                          # noqa: BLE001 - any refusal is a finding
        return f'seed {seed}: {type(e).__name__}: {e}'
    for name, a, b in zip(('out', 'sums'), got, want):
        if not np.array_equal(a, b):
            i = int(np.flatnonzero(a != b)[0])
            return f'seed {seed}: {name}[{i}] is {a[i]}, the oracle says {b[i]}'
    return ''


def main():
    if sys.argv[1] != '--run':
        print(Generator(int(sys.argv[1])).source())
        return 0
    first, count = int(sys.argv[2]), int(sys.argv[3])
    wrong = [m for m in map(check, range(first, first + count)) if m]
    print('\n'.join(wrong) or f'{count} kernels agree')
    return bool(wrong)


if __name__ == '__main__':
    sys.exit(main())
