"""loops.py - njit loops beside the same loops in C (`clang -O3 -march=native`) and, where it is installed, beside Numba.

    python tests/bench/loops.py

Prints, for each loop, the best time of each and naja's ratio to C. Results are compared before anything is timed.
"""
import argparse
import ctypes
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time

import numpy as np

import naja


def mandelbrot(x0, y0, step, out):
    for j in range(out.shape[0]):
        for i in range(out.shape[1]):
            cx, cy, x, y = x0 + i * step, y0 + j * step, 0.0, 0.0
            k = 0
            while k < 200:
                x, y = x * x - y * y + cx, 2 * x * y + cy
                if x * x + y * y > 4:
                    break
                k += 1
            out[j, i] = k


def sum_(a):
    s = 0.0
    for x in a:
        s += x
    return s


def sum_int(a):
    s = 0
    for i in range(a.size):
        s += a[i]
    return s


def dot(a, b):
    s = 0.0
    for i in range(a.size):
        s += a[i] * b[i]
    return s


def axpy(a, x, y):
    for i in range(x.size):
        y[i] = a * x[i] + y[i]


def stencil(a, out):
    for i in range(1, a.shape[0] - 1):
        for j in range(1, a.shape[1] - 1):
            out[i, j] = 0.25 * (a[i - 1, j] + a[i + 1, j] + a[i, j - 1] + a[i, j + 1])


def coslog(x, n):
    for _ in range(n):
        x = math.cos(math.log(x)) + 1.0
    return x


def nbody(pos, acc):
    for i in range(pos.shape[0]):
        ax = ay = az = 0.0
        for j in range(pos.shape[0]):
            dx, dy, dz = pos[j, 0] - pos[i, 0], pos[j, 1] - pos[i, 1], pos[j, 2] - pos[i, 2]
            r2 = dx * dx + dy * dy + dz * dz + 1e-3
            f = 1.0 / (r2 * math.sqrt(r2))
            ax += f * dx
            ay += f * dy
            az += f * dz
        acc[i, 0], acc[i, 1], acc[i, 2] = ax, ay, az


def reldiff(a, b, out):
    for i in range(a.size):
        out[i] = 2 * (a[i] - b[i]) / (a[i] + b[i])


def compile_c():
    """loops.c as a library, by the newest clang there is."""
    clang = next((c for c in ('clang-22', 'clang-21', 'clang-20', 'clang-19', 'clang') if shutil.which(c)), None)
    if clang is None:
        sys.exit('loops.py compares with clang, and there is none: apt-get install clang-22')
    path = os.path.join(tempfile.mkdtemp(), 'loops.so')
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'loops.c')
    subprocess.run([clang, '-O3', '-march=native', '-shared', '-fPIC', '-o', path, source, '-lm'], check=True)
    return ctypes.CDLL(path), clang


def pointer(a):
    return ctypes.c_void_p(a.ctypes.data)


def cases(n):
    """(name, function, jit options, arguments, C call of the library with those arguments, result type in C)"""
    rng = np.random.default_rng(0)
    a, b, out = rng.random(n), rng.random(n) + 0.5, np.zeros(n)
    ints = rng.integers(-1000, 1000, n)
    grid, grid_out = rng.random((n // 1000, 1000)), np.zeros((n // 1000, 1000))
    pos, acc = rng.random((700, 3)), np.zeros((700, 3))
    picture = np.zeros((200, 300), np.int32)
    i64, f64 = ctypes.c_int64, ctypes.c_double
    return [
        ('mandelbrot', mandelbrot, {}, (-2.2, -1.0, 0.01, picture),
         lambda c: c.mandelbrot(f64(-2.2), f64(-1.0), f64(0.01), pointer(picture), i64(200), i64(300)), None),
        ('sum', sum_, {}, (a,), lambda c: c.sum(pointer(a), i64(n)), f64),
        ('sum of integers', sum_int, {}, (ints,), lambda c: c.sum_int(pointer(ints), i64(n)), i64),
        ('dot', dot, {}, (a, b), lambda c: c.dot(pointer(a), pointer(b), i64(n)), f64),
        ('axpy', axpy, {}, (0.5, a, out), lambda c: c.axpy(f64(0.5), pointer(a), pointer(out), i64(n)), None),
        ('stencil', stencil, {}, (grid, grid_out),
         lambda c: c.stencil(pointer(grid), pointer(grid_out), i64(grid.shape[0]), i64(grid.shape[1])), None),
        ('cos(log(x))', coslog, {}, (1.0, 20000), lambda c: c.coslog(f64(1.0), i64(20000)), f64),
        ('n-body', nbody, {'error_model': 'numpy'}, (pos, acc), lambda c: c.nbody(pointer(pos), pointer(acc), i64(700)), None),
        ('relative difference', reldiff, {'error_model': 'numpy'}, (a, b, out),
         lambda c: c.reldiff(pointer(a), pointer(b), pointer(out), i64(n)), None),
    ]


def best(runs, rounds):
    """Best seconds of each of several callables, taken in turn so that the machine's moods hit all alike."""
    times = [math.inf] * len(runs)
    for _ in range(rounds):
        for i, run in enumerate(runs):
            start = time.perf_counter()
            run()
            times[i] = min(times[i], time.perf_counter() - start)
    return times


def check(name, ours, theirs, args, run):
    """Same answer, same arrays."""
    arrays = [x for x in args if isinstance(x, np.ndarray)]
    before = [x.copy() for x in arrays]
    first = ours(*args)
    after = [x.copy() for x in arrays]
    for x, old in zip(arrays, before):
        x[...] = old
    second = run()
    if first is not None and not np.isclose(first, second, rtol=1e-12):
        sys.exit(f'{name}: naja gives {first}, C gives {second}')
    for got, x in zip(after, arrays):
        # clang fuses multiplications and additions in C: a few pixels on the rim of the Mandelbrot set differ by a step
        if not (np.isclose(got, x, rtol=1e-9).mean() > 0.99):
            sys.exit(f'{name}: naja and C fill an array differently')


def main(argv=None):
    p = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
    p.add_argument('-n', type=int, default=200_000, help='elements (default: %(default)s, in cache)')
    p.add_argument('--rounds', type=int, default=30, help='of which the best counts (default: %(default)s)')
    args = p.parse_args(argv)
    library, clang = compile_c()
    try:
        import numba
    except ImportError:
        numba = None
    print(f'{"loop":<22}{"naja":>10}{clang + " -O3":>16}{"naja / C":>10}' + (f'{"numba / C":>11}' if numba else ''))
    worst = 0.0
    for name, func, options, values, call, restype in cases(args.n):
        symbol = {'sum': 'sum', 'sum of integers': 'sum_int', 'dot': 'dot', 'cos(log(x))': 'coslog'}.get(name)
        if symbol:
            getattr(library, symbol).restype = restype
        ours = naja.njit(**options)(func)
        check(name, ours, library, values, lambda: call(library))
        runs = [lambda: ours(*values), lambda: call(library)]
        if numba:
            theirs = numba.njit(**options)(func)
            theirs(*values)
            runs.append(lambda: theirs(*values))
        times = best(runs, args.rounds)
        worst = max(worst, times[0] / times[1])
        line = f'{name:<22}{times[0] * 1e6:>7.1f} us{times[1] * 1e6:>13.1f} us{times[0] / times[1]:>10.2f}'
        print(line + (f'{times[2] / times[1]:>11.2f}' if numba else ''))
    print(f'worst ratio to C: {worst:.2f}')


if __name__ == '__main__':
    main()
