"""helpers_device.py - device functions of another module, whose own globals apply there."""
import math

from naja import cuda, njit

SCALE = 3.0
_sqrt = math.sqrt


@cuda.jit(device=True)
def scaled(x):
    return SCALE * x + bias()


@cuda.jit(device=True)
def bias():
    return 0.25


@njit
def cpu_length(x, y):
    return _sqrt(x * x + y * y)


def plain(a, b):
    return a - b * SCALE


@cuda.jit(debug=True, opt=False)
def checking_kernel(a, limit):      # here, because pytest rewrites the asserts of test modules
    i = cuda.grid(1)
    assert a[i] >= 0, 'negative element'
    if a[i] > limit:
        raise ValueError('too large')
    a[i] += 1
