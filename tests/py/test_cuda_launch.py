"""Launches: configurations, arguments of every kind, errors that leave the arrays alone."""
import math

import numpy as np
import pytest

from naja import cuda, float32, float64, int32, void
from naja.core.errors import TypingError


@cuda.jit
def fill(out, value):
    i = cuda.grid(1)
    if i < out.size:
        out[i] = value


@pytest.mark.parametrize('config', [(4, 32), ((4,), (32,)), ([4], [32]), ((4, 1), (32, 1, 1)), (4, 32, 0), (4, 32, 0, 0), (4, 32, None, 64)])
def test_configurations(config):
    out = np.zeros(100)
    fill[config](out, 2.5)
    assert (out == 2.5).all()


@pytest.mark.parametrize('config, error, words', [
    ((0, 32), ValueError, 'grid dimension 0 is 0'),
    ((1, 0), ValueError, 'block dimension 0 is 0'),
    ((-1, 32), ValueError, 'grid dimension 0 is -1'),
    ((1, 2048), ValueError, 'at most 1024'),
    ((1, (32, 32, 2)), ValueError, '2048 threads'),
    ((1, (1, 1, 65)), ValueError, 'block dimension 2 is 65'),
    (((1, 1, 1, 1), 1), ValueError, '1, 2 or 3'),
    ((1.5, 1), TypeError, 'integers'),
    (('x', 1), TypeError, 'integers'),
    ((1,), ValueError, 'launch configuration'),
    ((1, 1, 0, -8), ValueError, 'shared memory'),
    ((1, 1, 'stream'), TypeError, 'stream'),
    (5, ValueError, 'launch configuration'),
])
def test_bad_configurations(config, error, words):
    with pytest.raises(error, match=words):
        fill[config]


def test_no_configuration():
    with pytest.raises(ValueError, match='launch configuration'):
        fill(np.zeros(3), 1.0)


def test_wrong_argument_count():
    out = np.zeros(3)
    with pytest.raises(TypeError):
        fill[1, 32](out)
    with pytest.raises(TypeError):
        fill[1, 32](out, 1.0, 2.0)
    assert (out == 0).all()


def test_unknown_argument_type():
    with pytest.raises((TypeError, ValueError)):
        fill[1, 32](np.zeros(3), object())


def test_keywords_and_defaults():
    @cuda.jit
    def kernel(out, a, b=3):
        out[0] = a - b

    out = np.zeros(1)
    kernel[1, 1](out, b=2, a=10)
    assert out[0] == 8
    kernel[1, 1](out, a=10)
    assert out[0] == 7


def test_read_only_output():
    out = np.zeros(3)
    out.flags.writeable = False
    with pytest.raises(TypingError, match='read-only'):
        fill[1, 32](out, 1.0)
    assert (out == 0).all()


@pytest.mark.parametrize('dtype', [np.bool_, np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64,
                                   np.float32, np.float64, np.complex64, np.complex128])
def test_dtypes(dtype):
    @cuda.jit
    def copy(a, b):
        i = cuda.grid(1)
        if i < a.shape[0]:
            b[i] = a[i]

    a = (np.arange(70) % 3).astype(dtype)
    b = np.zeros_like(a)
    copy[3, 32](a, b)
    assert np.array_equal(a, b)


@pytest.mark.parametrize('make', [lambda a: a, np.asfortranarray, lambda a: a[::2, ::-1], lambda a: a.T, lambda a: a[1:, 2:5]])
def test_layouts(make):
    @cuda.jit
    def double(a):
        i, j = cuda.grid(2)
        if i < a.shape[0] and j < a.shape[1]:
            a[i, j] *= 2

    a = make(np.arange(72.0).reshape(8, 9).copy())
    expected = a * 2
    double[(2, 2), (8, 8)](a)
    assert np.array_equal(a, expected)


def test_scalars_tuples_and_none():
    @cuda.jit
    def kernel(out, i, f, c, b, t, n):
        if n is None:
            out[0] = i + f + c.real + c.imag + t[0] + t[1][1]
            if b:
                out[0] += 1000

    out = np.zeros(1)
    kernel[1, 1](out, 1, 0.5, 2 + 3j, True, (10, (20.0, 30)), None)
    assert out[0] == 1 + 0.5 + 5 + 10 + 30 + 1000


def test_eager_signature_converts():
    @cuda.jit(void(float32[:], int32))
    def kernel(out, n):
        i = cuda.grid(1)
        if i < out.size:
            out[i] = n

    out = np.zeros(4, np.float32)
    kernel[1, 4](out, 7)
    assert (out == 7).all()
    with pytest.raises(TypeError):
        kernel[1, 4](np.zeros((2, 2), np.float32), 7)
    assert len(kernel.signatures) == 1


def test_kernel_must_return_nothing():
    @cuda.jit
    def kernel(out):
        return out[0]

    with pytest.raises(TypeError, match='must not return'):
        kernel[1, 1](np.zeros(1))
    with pytest.raises(TypeError, match='void'):
        @cuda.jit(float64(float64[:]))
        def other(out):
            return out[0]


def test_device_functions():
    @cuda.jit(device=True)
    def add(a, b=1):
        return a + b

    @cuda.jit('float32(float32)', device=True)
    def half(a):
        return a / 2

    @cuda.jit
    def kernel(out):
        i = cuda.grid(1)
        if i < out.size:
            out[i] = add(half(i), b=add(1))

    out = np.zeros(9, np.float32)
    kernel[1, 32](out)
    assert np.allclose(out, np.arange(9) / 2 + 2)
    with pytest.raises(TypeError, match='device function'):
        add(1, 2)
    with pytest.raises(TypeError, match='device function'):
        add[1, 1](1, 2)


def test_dynamic_shared_memory():
    @cuda.jit
    def reverse(a):
        s = cuda.shared.array(0, float64)
        i = cuda.threadIdx.x
        s[i] = a[i]
        cuda.syncthreads()
        a[i] = s[cuda.blockDim.x - 1 - i]

    a = np.arange(64.0)
    reverse[1, 64, 0, 64 * 8](a)
    assert np.array_equal(a, np.arange(64.0)[::-1])


def test_local_array_and_3d():
    @cuda.jit
    def kernel(out):
        x, y, z = cuda.grid(3)
        nx, ny, nz = cuda.gridsize(3)
        buffer = cuda.local.array(3, int32)
        buffer[0], buffer[1], buffer[2] = x, y, z
        total = 0
        for k in range(3):
            total = total * 10 + buffer[k]
        out[z, y, x] = total + 1000 * (nx + ny + nz)

    out = np.zeros((4, 6, 8), np.int64)
    kernel[(2, 3, 1), (4, 2, 4)](out)
    z, y, x = np.indices(out.shape)
    assert np.array_equal(out, x * 100 + y * 10 + z + 1000 * 18)


def test_atomics():
    @cuda.jit
    def kernel(x, total, biggest, smallest, fsum):
        i = cuda.grid(1)
        if i < x.size:
            cuda.atomic.add(total, 0, x[i])
            cuda.atomic.max(biggest, (0, 0), x[i])
            cuda.atomic.min(smallest, 0, x[i])
            cuda.atomic.add(fsum, i % 2, 0.5)

    x = np.random.default_rng(0).integers(-1000, 1000, 5000)
    total, biggest, smallest, fsum = np.zeros(1, np.int64), np.full((1, 1), -9999), np.full(1, 9999), np.zeros(2)
    kernel[20, 256](x, total, biggest, smallest, fsum)
    assert (total[0], biggest[0, 0], smallest[0]) == (x.sum(), x.max(), x.min())
    assert (fsum == 1250).all()


def test_math_in_kernels():
    @cuda.jit
    def kernel(x, out):
        i = cuda.grid(1)
        if i < x.size:
            out[i] = math.sin(x[i]) ** 2 + math.cos(x[i]) ** 2 + math.sqrt(x[i]) - math.exp(math.log(x[i]) / 2)

    x = np.linspace(0.1, 9, 100)
    out = np.zeros_like(x)
    kernel[1, 128](x, out)
    assert np.allclose(out, 1)


def test_forall_and_configured_once():
    out = np.zeros(1000)
    fill.forall(out.size)(out, 3.0)
    assert (out == 3).all()
    fill.forall(0)(out, 4.0)
    assert (out == 3).all()
    with pytest.raises(ValueError):
        fill.forall(-1)
    k = fill[8, 128]
    k(out, 1.0)
    assert (out == 1).all()
    assert (k.griddim, k.blockdim, k.sharedmem) == ((8, 1, 1), (128, 1, 1), 0)


def test_unknown_option():
    with pytest.raises(TypeError, match='no option'):
        cuda.jit(no_such_option=True)


def test_stub_outside_kernel():
    with pytest.raises(RuntimeError, match='inside a kernel'):
        cuda.syncthreads()
