"""calls.py - what calling compiled code costs, beside Numba where it is installed.

    python tests/bench/calls.py
"""
import time

import numpy as np

import naja


def nothing():
    pass


def one(x):
    return x


def size(a):
    return a.size


def three(a, b, c):
    return a.size + b.size + c.size


def add(a, b):
    return a + b


def loop_seconds(f, args, n):
    start = time.perf_counter()
    for _ in range(n):
        f(*args)
    return time.perf_counter() - start


def empty_seconds(n):
    start = time.perf_counter()
    for _ in range(n):
        pass
    return time.perf_counter() - start


def per_call(f, args, n=2000, rounds=100):
    """Nanoseconds of a call: the best of many short rounds, less the best empty loop."""
    f(*args)
    return (min(loop_seconds(f, args, n) for _ in range(rounds)) - min(empty_seconds(n) for _ in range(rounds))) / n * 1e9


def rows(compiler):
    a = np.ones(10)
    jit = compiler.njit
    signatures = ['float64(float64, float64)']
    ufuncs = {t: compiler.vectorize(signatures, target=t)(add) for t in ('cpu', 'parallel')}
    small = np.ones(100)
    return [('no arguments', jit(nothing), ()), ('a float', jit(one), (1.5,)), ('an int', jit(one), (3,)), ('an array', jit(size), (a,)),
            ('three arrays', jit(three), (a, a, a)), ('ufunc, 100 doubles', ufuncs['cpu'], (small, small)),
            ('parallel ufunc, 100 doubles', ufuncs['parallel'], (small, small))]


def main():
    try:
        import numba
    except ImportError:
        numba = None
    theirs = rows(numba) if numba else [None] * 99
    print(f'{"call":<30}{"naja":>9}{"numba":>12}{"ratio":>8}')
    for (name, f, args), peer in zip(rows(naja), theirs):
        ours = per_call(f, args)
        line = f'{name:<30}{ours:>6.0f} ns'
        if peer:
            other = per_call(peer[1], peer[2])
            line += f'{other:>9.0f} ns{ours / other:>8.2f}'
        print(line)
    small = np.ones(100)
    print(f'{"np.add, 100 doubles":<30}{per_call(np.add, (small, small)):>6.0f} ns')


if __name__ == '__main__':
    main()
