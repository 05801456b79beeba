"""launch.py - what a configured launch costs: nanoseconds, and with --count instructions under callgrind.

    NAJA_DEVICE=mock NAJA_FAKE_CUDA=build/libcuda_fake.so python tests/bench/launch.py
    python tests/bench/launch.py --count        the same on the fake driver under valgrind, which must be installed
    python tests/bench/launch.py --peers        on a GPU: numba-cuda beside it

On the fake driver nothing runs; its checks are part of the figure, and with NAJA_FAKE_RECORD=1 so is its record of the launch.
"""
import argparse
import os
import re
import subprocess
import sys
import tempfile
import time

CASES = (('no arguments', 0, 0), ('1 array', 1, 0), ('16 arrays', 16, 0), ('1 scalar', 0, 1), ('256 scalars', 0, 256))


def make(arrays, scalars, cuda=None):
    """A launch and its arguments."""
    import numpy as np

    if cuda is None:
        from naja import cuda
    names = [f'a{i}' for i in range(arrays)] + [f's{i}' for i in range(scalars)]
    scope = {'cuda': cuda}
    exec(f'def kernel({", ".join(names)}):\n    pass', scope)
    kernel = cuda.jit(scope['kernel'])[1, 32]
    args = [cuda.to_device(np.zeros(4, np.float32)) for _ in range(arrays)] + [i for i in range(scalars)]
    kernel(*args)
    return kernel, args


def run(kernel, args, n):
    for _ in range(n):
        kernel(*args)


def time_one(kernel, args, n=20000, rounds=7):
    best = float('inf')
    for _ in range(rounds):
        start = time.perf_counter()
        run(kernel, args, n)
        best = min(best, time.perf_counter() - start)
    return best / n * 1e9


def collected(arrays, scalars, n):
    """Instructions that naja's extension executed in a process of n launches; the driver and Python do not count."""
    with tempfile.NamedTemporaryFile() as f:
        subprocess.run(['valgrind', '--tool=callgrind', f'--callgrind-out-file={f.name}', sys.executable, __file__, '--child',
                        f'{arrays},{scalars},{n}'], capture_output=True, check=True, env={**os.environ, 'PYTHONHASHSEED': '0'})
        rows = subprocess.run(['callgrind_annotate', '--threshold=100', f.name], capture_output=True, text=True).stdout
    return sum(int(m.group(1).replace(',', '')) for m in re.finditer(r'^ *([\d,]+) .*\[[^]]*_naja[^]]*\.so\]', rows, re.M))


def count_one(arrays, scalars):
    """Instructions of one launch: the difference of two counts of launches in two processes."""
    return (collected(arrays, scalars, 6000) - collected(arrays, scalars, 1000)) / 5000


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
    p.add_argument('--count', action='store_true', help='instructions, by callgrind')
    p.add_argument('--peers', action='store_true', help='numba-cuda too (needs a GPU)')
    p.add_argument('--child', help=argparse.SUPPRESS)
    args = p.parse_args()
    if args.child:
        arrays, scalars, n = map(int, args.child.split(','))
        run(*make(arrays, scalars), n)
        return
    if not args.peers:
        os.environ.setdefault('NAJA_DEVICE', 'mock')
        os.environ.setdefault('NAJA_FAKE_RECORD', '0')
    for name, arrays, scalars in CASES:
        if args.count:
            print(f'{name:<16}{count_one(arrays, scalars):>9.0f} instructions')
        else:
            line = f'{name:<16}{time_one(*make(arrays, scalars)):>9.0f} ns'
            if args.peers:
                from numba import cuda
                line += f'{time_one(*make(arrays, scalars, cuda), n=2000):>9.0f} ns numba-cuda'
            print(line)


if __name__ == '__main__':
    main()
