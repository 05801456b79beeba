"""Device functions in every shape that programs use, factories, classes, optional results."""
import math

import numpy as np
import pytest

import naja
from naja import cuda, float32, float64, int32, jit, njit

from . import helpers_device
from .helpers_device import cpu_length, scaled
from .kernel_run import run

SCALE = 100.0           # not the one that helpers_device uses


@cuda.jit(device=True)
def plain_device(a, b):
    return a * b + 1


@cuda.jit('float64(float64, float64)', device=True)
def eager_device(a, b):
    return a * b + 1


@cuda.jit(device=True, inline=True)
def inline_device(a, b):
    return a * b + 1


@cuda.jit(device=True, inline='always')
def inline_always(a, b):
    return a * b + 1


@cuda.jit(device=True, forceinline=True)
def forced_device(a, b):
    return a * b + 1


@cuda.jit
def no_device_flag(a, b):
    return a * b + 1


@jit(nopython=True)
def cpu_jit(a, b):
    return a * b + 1


@njit
def cpu_njit(a, b):
    return a * b + 1


@njit(fastmath=True, inline='always')
def cpu_njit_options(a, b):
    return a * b + 1


def _plain(a, b):
    return a * b + 1


made_later = cuda.jit(_plain, device=True)
made_with_signature = cuda.jit('float64(float64, float64)', device=True)(_plain)
made_lambda = cuda.jit(device=True)(lambda a, b: a * b + 1)

SHAPES = [plain_device, eager_device, inline_device, inline_always, forced_device, no_device_flag, cpu_jit, cpu_njit,
          cpu_njit_options, made_later, made_with_signature, made_lambda]


@pytest.mark.parametrize('shape', range(len(SHAPES)))
def test_shapes_by_closure(run, shape):
    f = SHAPES[shape]

    @cuda.jit
    def kernel(a, b, out):
        i = cuda.grid(1)
        if i < out.size:
            out[i] = f(a[i], b[i])

    a, b = np.arange(50.0), np.linspace(-1, 1, 50)
    out = np.zeros(50)
    run(kernel[2, 32], a, b, out)
    assert np.allclose(out, a * b + 1)


@cuda.jit
def all_global_shapes(a, out):
    i = cuda.grid(1)
    if i < a.size:
        x = plain_device(a[i], 2.0) + eager_device(a[i], 2.0)
        x += inline_device(a[i], 2.0)
        x += no_device_flag(a[i], 2.0) * cpu_jit(a[i], 2.0)
        out[i] = x - made_later(b=a[i], a=2.0)


def test_shapes_by_global(run):
    a = np.arange(40.0)
    out = np.zeros(40)
    run(all_global_shapes[2, 32], a, out)
    y = 2 * a + 1
    assert np.allclose(out, 3 * y + y * y - y)


def test_other_module(run):
    @cuda.jit
    def kernel(x, out):
        i = cuda.grid(1)
        if i < x.size:
            out[i] = scaled(x[i]) + helpers_device.scaled(x[i]) + cpu_length(x[i], SCALE)

    x = np.arange(33.0)
    out = np.zeros(33)
    run(kernel[2, 32], x, out)
    assert np.allclose(out, 2 * (3 * x + .25) + np.sqrt(x * x + 1e4))


def test_other_modules_plain_function(run):
    other = cuda.jit(helpers_device.plain, device=True)

    @cuda.jit
    def kernel(x):
        x[cuda.grid(1)] = other(x[cuda.grid(1)], 2.0)

    x = np.arange(32.0)
    run(kernel[1, 32], x)
    assert np.allclose(x, np.arange(32) - 6)


def make_kernel(f, power, table):
    @cuda.jit
    def kernel(x):
        i = cuda.grid(1)
        if i < x.size:
            acc = 0.0
            for k in range(power):
                acc += f(x[i]) * table[k]
            x[i] = acc
    return kernel


def test_factory(run):
    @cuda.jit(device=True)
    def square(v):
        return v * v

    @cuda.jit(device=True)
    def negate(v):
        return -v

    for f, g in ((square, np.square), (negate, np.negative)):
        for power in (1, 3):
            x = np.arange(10.0)
            table = (1.0, 2.0, 4.0)
            run(make_kernel(f, power, table)[1, 32], x)
            assert np.allclose(x, g(np.arange(10.0)) * sum(table[:power]))


def test_exec():
    space = {'cuda': cuda, 'math': math}
    exec('@cuda.jit(device=True)\ndef f(x):\n    return math.sqrt(x)\n\n@cuda.jit\ndef k(x):\n    i = cuda.grid(1)\n    x[i] = f(x[i])\n', space)
    x = np.arange(8.0)
    space['k'][1, 8](x)
    assert np.allclose(x, np.sqrt(np.arange(8.0)))


@cuda.jit(device=True)
def find(a, value):
    for i in range(a.size):
        if a[i] == value:
            return i
    return None


@cuda.jit(device=True)
def find_or_fall_through(a, value):
    for i in range(a.size):
        if a[i] == value:
            return i


@pytest.mark.parametrize('f', [find, find_or_fall_through], ids=['None', 'nothing'])
def test_optional_result(run, f):
    @cuda.jit
    def kernel(hay, needles, out):
        i = cuda.grid(1)
        if i < needles.size:
            where = f(hay, needles[i])
            if where is None:
                out[i] = -1
            elif where >= 0:
                out[i] = where

    hay = np.array([5, 3, 8, 1], np.int32)
    needles = np.array([1, 2, 3, 5, 9], np.int32)
    out = np.full(5, 77, np.int32)
    run(kernel[1, 32], hay, needles, out)
    assert out.tolist() == [3, -1, 1, 0, -1]


def test_defaults_and_keywords(run):
    @cuda.jit(device=True)
    def f(x, scale=2.0, shift=1):
        return x * scale + shift

    @cuda.jit
    def kernel(out):
        out[0] = f(1.0)
        out[1] = f(1.0, 3.0)
        out[2] = f(1.0, shift=5)
        out[3] = f(scale=0.5, x=4.0)

    out = np.zeros(4)
    run(kernel[1, 1], out)
    assert out.tolist() == [3, 4, 7, 3]


def test_tuple_results_and_arguments(run):
    @cuda.jit(device=True)
    def cross(a, b):
        ax, ay, az = a
        return ay * b[2] - az * b[1], az * b[0] - ax * b[2], ax * b[1] - ay * b[0]

    @cuda.jit(device=True)
    def unit(v):
        n = math.sqrt(v[0] ** 2 + v[1] ** 2 + v[2] ** 2)
        return (v[0] / n, v[1] / n, v[2] / n)

    @cuda.jit
    def kernel(a, b, out):
        i = cuda.grid(1)
        if i < a.shape[0]:
            x, y, z = unit(cross((a[i, 0], a[i, 1], a[i, 2]), b[i]))
            out[i, 0], out[i, 1], out[i, 2] = x, y, z

    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(2, 40, 3))
    out = np.zeros((40, 3))
    run(kernel[2, 32], a, b, out)
    c = np.cross(a, b)
    assert np.allclose(out, c / np.linalg.norm(c, axis=1)[:, None])


class Holder:
    FACTOR = 4

    @staticmethod
    @cuda.jit
    def kernel(x):
        i = cuda.grid(1)
        if i < x.size:
            x[i] = x[i] * 2

    @staticmethod
    @cuda.jit(device=True)
    def helper(v):
        return v + 0.5

    def __init__(self, offset):
        helper = self.helper
        factor = self.FACTOR

        @cuda.jit
        def kernel(x):
            i = cuda.grid(1)
            if i < x.size:
                x[i] = helper(x[i]) * factor + offset
        self.mine = kernel

    def go(self, run, x):
        run(self.mine[1, 64], x)
        run(self.kernel[1, 64], x)


def test_kernels_in_classes(run):
    x = np.arange(20.0)
    Holder(3).go(run, x)
    assert np.allclose(x, ((np.arange(20) + .5) * 4 + 3) * 2)
    run(Holder.kernel[1, 32], x)
    assert np.allclose(x, ((np.arange(20) + .5) * 4 + 3) * 4)


def test_aliased_math(run):
    @cuda.jit
    def kernel(x):
        math_sqrt = math.sqrt
        s, c = math.sin, math.cos
        i = cuda.grid(1)
        if i < x.size:
            x[i] = math_sqrt(x[i]) + s(x[i]) * c(x[i])

    x = np.linspace(0, 5, 40)
    expected = np.sqrt(x) + np.sin(x) * np.cos(x)
    run(kernel[2, 32], x)
    assert np.allclose(x, expected)


def test_aliased_cuda(run):
    @cuda.jit
    def kernel(x):
        tid = cuda.threadIdx
        tx = tid.x
        add = cuda.atomic.add
        sync = cuda.syncthreads
        sync()
        add(x, 0, tx)

    x = np.zeros(1, np.int64)
    run(kernel[1, 32], x)
    assert x[0] == 496


def test_casts_through_dtypes(run):
    @cuda.jit
    def kernel(a, out):
        dtype = a.dtype
        half = dtype.type(0.5)
        i = cuda.grid(1)
        if i < a.size:
            out[i] = a[i] * half + float32(1) + np.float32(2) + a.dtype.type(3) + np.int32(1.9) + int32(2.9) + float64(1)

    for t in (np.float32, np.float64):
        a = np.arange(10, dtype=t)
        out = np.zeros(10, t)
        run(kernel[1, 32], a, out)
        assert np.allclose(out, a * .5 + 1 + 2 + 3 + 1 + 2 + 1)


def test_annotated_and_non_ascii(run):
    @cuda.jit
    def kernel(út):
        i: int = cuda.grid(1)
        π = 3.0
        temp: út.dtype = 0
        if i < út.size:
            temp = π * i
            út[i] = temp

    x = np.zeros(8)
    run(kernel[1, 8], x)
    assert np.allclose(x, np.arange(8) * 3)


def test_overloaded_by_type(run):
    @cuda.jit(device=True)
    def twice(v):
        return v + v

    @cuda.jit
    def kernel(i, f, c, b):
        i[0] = twice(i[0])
        f[0] = twice(f[0])
        c[0] = twice(c[0])
        b[0] = twice(twice(b[1])) > 3

    i, f, c, b = np.array([3]), np.array([1.5], np.float32), np.array([1 + 2j]), np.array([False, True])
    run(kernel[1, 1], i, f, c, b)
    assert (i[0], f[0], c[0], b[0]) == (6, 3, 2 + 4j, True)


def test_njit_called_from_both_sides(run):
    @njit
    def f(x):
        return x * x + 1 if x > 0 else -x

    @cuda.jit
    def kernel(x):
        i = cuda.grid(1)
        if i < x.size:
            x[i] = f(x[i])

    x = np.linspace(-3, 3, 30)
    expected = [f(v) for v in x]
    run(kernel[1, 32], x)
    assert np.allclose(x, expected)


def test_recursion_is_refused_or_right():
    @cuda.jit(device=True)
    def fact(n):
        if n <= 1:
            return 1
        return n * fact(n - 1)

    @cuda.jit
    def kernel(out):
        out[0] = fact(5)

    out = np.zeros(1, np.int64)
    try:
        kernel[1, 1](out)
    except naja.errors.NajaError as e:
        assert 'recurs' in str(e)
    else:
        assert out[0] == 120
