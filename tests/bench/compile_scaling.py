"""compile_scaling.py - is compile time linear in the size of the program? Each shape at a size, twice and four times that.

    python tests/bench/compile_scaling.py [--factor 1.0] [--rounds 3]
    python tests/bench/compile_scaling.py --factor 0.1 --count        naja's own part in instructions (needs valgrind)

The shapes: one function of 10,000 statements, 1,000 small functions called from one, a chain of 200 calls (all at factor 1), then many
variables, branches, loops, divisions and stores. Prints the milliseconds of each stage as NAJA_LOG=1 reports
them, LLVM apart, and the exponents of growth of naja's own part and of the whole from the first size to the last: 1 is linear, 2
quadratic. Status 1 when naja's is over 1.35 or a whole over 1.6: LLVM gets fewer passes in steps (cpu/llvm/effort.c), so that its
share is no smooth line. Each figure is the best of a few processes, because machines have other things to do.
"""
import argparse
import math
import os
import re
import subprocess
import sys

LIMIT, WHOLE_LIMIT = 1.35, 1.6


def statements(n):
    """A function of n statements: arithmetic on a few variables."""
    lines = [f'    {"abcd"[i % 4]} = {"bcda"[i % 4]} * {i % 7 + 1} + {"cdab"[i % 4]}' for i in range(n)]
    return 'def top(a, b, c, d):\n' + '\n'.join(lines) + '\n    return a + b + c + d', '(1, 2, 3, 4)'


def variables(n):
    """As many variables as statements, all alive at the end."""
    lines = [f'    v{i} = a[{i % 4}] + {i}' for i in range(n)]
    sums = [f'    s += v{i}' for i in range(n)]
    return 'def top(a):\n    s = 0\n' + '\n'.join(lines + sums) + '\n    return s', '((1, 2, 3, 4),)'


def branches(n):
    """n ifs in a row: blocks, joins and phis."""
    lines = [f'    if y ^ {i} > x:\n        y += x\n    else:\n        z -= y' for i in range(n)]
    return 'def top(x):\n    y = z = 0\n' + '\n'.join(lines) + '\n    return y + z', '(5,)'


def functions(n):
    """n small functions called from one."""
    small = [f'@njit\ndef f{i}(x):\n    if x > {i}:\n        return x - {i}\n    return x + {i}' for i in range(n)]
    calls = [f'    s += f{i}(s)' for i in range(n)]
    return '\n'.join(small) + '\ndef top(s):\n' + '\n'.join(calls) + '\n    return s', '(1,)'


def chain(n):
    """Each of n functions calls the next."""
    small = ['@njit\ndef f0(x):\n    return x * 3'] + [f'@njit\ndef f{i}(x):\n    return f{i - 1}(x + {i}) ^ {i}' for i in range(1, n)]
    return '\n'.join(small) + f'\ndef top(x):\n    return f{n - 1}(x)', '(1,)'


def loops(n):
    """n loops in a row."""
    lines = [f'    for i in range(x):\n        y += i ^ {i}' for i in range(n)]
    return 'def top(x):\n    y = 0\n' + '\n'.join(lines) + '\n    return y', '(5,)'


def divisions(n):
    """Each may raise, and is a condition on one variable."""
    lines = [f'    y += (x + {i}) // (x + {i + 1})' for i in range(n)]
    return 'def top(x):\n    y = 0\n' + '\n'.join(lines) + '\n    return y', '(5,)'


def stores(n):
    """Into one array, each reads two elements: one block of memory operations."""
    lines = [f'    a[{i % 50}] = a[{(i * 7 + 1) % 50}] / 2 + a[{i * 3 % 50}]' for i in range(n)]
    return 'def top(a):\n' + '\n'.join(lines), '(__import__("numpy").ones(50),)'


SHAPES = {'statements': (statements, 10000), 'variables': (variables, 5000), 'branches': (branches, 1000),
          'functions': (functions, 1000), 'chain': (chain, 200), 'loops': (loops, 5000), 'divisions': (divisions, 1000),
          'stores': (stores, 5000)}
CHILD = '''
import sys, time
from naja import njit
sys.path.insert(0, {folder!r})
from compile_scaling import SHAPES
source, args = SHAPES[{shape!r}][0]({n})
njit(lambda: 0)()                            # LLVM is there
scope = {{'njit': njit}}
exec(compile(source, 'generated', 'exec'), scope)
f, args = njit(scope['top']), eval(args)
t = time.perf_counter(); got = f(*args); whole = time.perf_counter() - t
print(whole * 1e3)
'''


def measure_once(shape, n):
    """{stage: ms} of one compilation; 'other' is what no stage of the log covers: the snapshot, the key, the call."""
    code = CHILD.format(folder=os.path.dirname(os.path.abspath(__file__)), shape=shape, n=n)
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, env={**os.environ, 'NAJA_CACHE': 'off', 'NAJA_LOG': '1'})
    if done.returncode:
        sys.exit(f'{shape}, {n}: {done.stderr[-2000:]}')
    line = [line for line in done.stderr.splitlines() if 'compiled top' in line][-1]
    stages = {name: float(ms) for name, ms in re.findall(r'(front|infer|lower|emit|code) ([\d.]+)', line)}
    stages['llvm'] = stages.pop('code')
    stages['other'] = float(done.stdout) - sum(stages.values())
    return stages


COUNTED = '''
import sys
from naja import errors, njit
for source, signature in eval(sys.stdin.read()):
    scope = {'njit': njit}
    exec(source, scope)
    try:
        njit(scope['top']).compile(signature)
        sys.exit('compiled without LLVM')
    except errors.LibraryError:              # LLVM's part comes last
        pass
'''


def sizes(shape, factor):
    """A quarter, a half and all of the shape's size."""
    return [max(1, int(SHAPES[shape][1] * factor / part)) for part in (4, 2, 1)]


def count(programs):
    """Instructions that naja's own part takes to compile [(shape, n), ...]: the same however busy the machine is."""
    import naja
    from counting import instructions
    jobs = []
    for shape, n in programs:
        source, args = SHAPES[shape][0](n)
        jobs.append((source, f'({", ".join(str(naja.typeof(a)) for a in eval(args))},)'))
    return instructions(sys.executable, '-S', '-c', COUNTED, stdin=repr(jobs), NAJA_LIBLLVM='none', NAJA_CACHE='off',
                        PYTHONPATH=os.path.dirname(os.path.dirname(naja.__file__)))


def measure(shape, n, rounds):
    runs = [measure_once(shape, n) for _ in range(rounds)]
    return {stage: min(run[stage] for run in runs) for stage in runs[0]}


def own(stages):
    return sum(ms for name, ms in stages.items() if name != 'llvm')


def rows(shape, factor, rounds):
    return [(n, measure(shape, n, rounds)) for n in sizes(shape, factor)]


def whole(stages):
    return sum(stages.values())


def growth(measured, of=own):
    """The exponent of a part; 1 for what takes no time worth speaking of."""
    (small, first), (large, last) = measured[0], measured[-1]
    return math.log(of(last) / of(first)) / math.log(large / small) if of(last) > 2 else 1.0


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
    p.add_argument('--factor', type=float, default=1.0, help='of the sizes (default: %(default)s)')
    p.add_argument('--rounds', type=int, default=3, help='processes for each figure (default: %(default)s)')
    p.add_argument('--count', action='store_true', help="instructions of naja's part under callgrind, instead of time")
    p.add_argument('--only', choices=SHAPES)
    args = p.parse_args()
    if args.count:
        for shape in SHAPES if args.only is None else [args.only]:
            counts = [count([(shape, n)]) for n in sizes(shape, args.factor)]
            print(f'{shape:<12}' + ''.join(f'{c:>14,}' for c in counts) + f'{counts[-1] / counts[0]:>8.2f} times', flush=True)
        return 0
    names, worst = ('front', 'infer', 'lower', 'emit', 'other', 'llvm'), 0
    print(f'{"shape":<12}{"size":>7}' + ''.join(f'{name:>9}' for name in names) + f'{"naja":>10}   (ms)')
    for shape in SHAPES if args.only is None else [args.only]:
        measured = rows(shape, args.factor, args.rounds)
        for n, stages in measured:
            print(f'{shape:<12}{n:>7}' + ''.join(f'{stages[name]:>9.1f}' for name in names) + f'{own(stages):>10.1f}', flush=True)
        print(f'{"":<12}naja grows with exponent {growth(measured):.2f}, the whole with {growth(measured, whole):.2f}', flush=True)
        worst = max(worst, growth(measured) / LIMIT, growth(measured, whole) / WHOLE_LIMIT)
    return 1 if worst > 1 else 0


if __name__ == '__main__':
    sys.exit(main())
