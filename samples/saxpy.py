"""saxpy.py - y = a x + y three ways: a grid-stride kernel, an njit loop, a parallel ufunc.

    python samples/saxpy.py
"""
import numpy as np

from naja import cuda, float32, njit, vectorize


@cuda.jit('void(float32, float32[::1], float32[::1])')
def saxpy_kernel(a, x, y):
    start, step = cuda.grid(1), cuda.gridsize(1)
    for i in range(start, x.size, step):
        y[i] = a * x[i] + y[i]


@njit
def saxpy_loop(a, x, y):
    for i in range(x.size):
        y[i] = a * x[i] + y[i]


@vectorize([float32(float32, float32, float32)], target='parallel')
def saxpy_ufunc(a, x, y):
    return a * x + y


def main(n=1 << 20):
    rng = np.random.default_rng(1)
    a, x, y = np.float32(2.5), rng.random(n, np.float32), rng.random(n, np.float32)
    expected = a * x + y
    by_kernel, by_loop = y.copy(), y.copy()
    saxpy_kernel[64, 128](a, x, by_kernel)
    saxpy_loop(a, x, by_loop)
    for name, got in (('kernel', by_kernel), ('loop', by_loop), ('ufunc', saxpy_ufunc(a, x, y))):
        np.testing.assert_allclose(got, expected, rtol=1e-6)
        print(f'saxpy {name}: {n} elements right')


if __name__ == '__main__':
    main()
