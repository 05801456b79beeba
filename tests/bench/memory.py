"""memory.py - what a process keeps of functions that were compiled, called and dropped: it must not grow.

    python tests/bench/memory.py [FUNCTIONS]         10,000 by default; njit functions, a tenth as many kernels and ufuncs

Prints the resident memory on the way and the growth from a fifth of the functions, where caches and pools have their size, to all of
them. Status 1 when that is over 2 MiB.
"""
import gc
import os
import sys

LIMIT_KIB = 2048


def resident_kib():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * (os.sysconf("SC_PAGESIZE") // 1024)


def one_function(i):
    from naja import njit
    scope = {}
    exec(f"def f(x):\n    s = 0\n    for k in range(x):\n        s += k * {i}\n    return s", scope)
    assert njit(scope["f"])(3) == 3 * i


def one_kernel(i):
    import numpy as np
    from naja import cuda
    scope = {"cuda": cuda}
    exec(f"def k(a):\n    i = cuda.grid(1)\n    if i < a.size:\n        a[i] = {i}", scope)
    a = np.zeros(4)
    cuda.jit(scope["k"])[1, 4](a)
    assert a.tolist() == [i] * 4


def one_ufunc(i):
    import numpy as np
    from naja import vectorize
    scope = {}
    exec(f"def u(x):\n    return x + {i}", scope)
    assert vectorize(["float64(float64)"])(scope["u"])(np.ones(3)).tolist() == [1 + i] * 3


def growth(make, n, steps=5, show=print):
    """KiB by which the process grew from n / steps to n rounds of make(i)."""
    sizes = []
    for step in range(steps):
        for i in range(n * step // steps, n * (step + 1) // steps):
            make(i)
        gc.collect()
        sizes.append(resident_kib())
        show(f"{make.__name__[4:]:<10}{n * (step + 1) // steps:>8}{sizes[-1] / 1024:>9.1f} MiB")
    return sizes[-1] - sizes[0]


def main():
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 10000
    os.environ.setdefault("NAJA_CACHE", "off")
    os.environ.setdefault("NAJA_DEVICE", "cpu")
    grown = {make.__name__[4:]: growth(make, count, show=lambda line: print(line, flush=True))
             for make, count in ((one_function, n), (one_kernel, n // 10), (one_ufunc, n // 10))}
    print(", ".join(f"{what}: {kib / 1024:+.2f} MiB" for what, kib in grown.items()))
    return 1 if max(grown.values()) > LIMIT_KIB else 0


if __name__ == "__main__":
    sys.exit(main())
