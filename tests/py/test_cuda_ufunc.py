"""vectorize(target='cuda'): host and device operands, broadcasting, choice of signature."""
import numpy as np
import pytest

from naja import cuda, vectorize


@vectorize(['float32(float32, float32)', 'float64(float64, float64)'], target='cuda')
def blend(a, b):
    return a * 2 + b


def test_host_and_device():
    a, b = np.arange(1000.0), np.ones(1000)
    assert np.array_equal(blend(a, b), a * 2 + b)
    d = blend(cuda.to_device(a), b)
    assert isinstance(d, cuda.DeviceNDArray) and np.array_equal(d.copy_to_host(), a * 2 + b)
    assert blend(3.0, 4.0) == 10.0


def test_broadcasting():
    a, b = np.arange(6.0).reshape(2, 3), np.arange(3.0)
    assert np.array_equal(blend(a, b), a * 2 + b)
    assert np.array_equal(blend(a, 1.0), a * 2 + 1)
    assert np.array_equal(blend(a[:, ::-1], b[::-1]), a[:, ::-1] * 2 + b[::-1])
    assert blend(np.zeros((0, 3)), b).shape == (0, 3)
    with pytest.raises(ValueError):
        blend(np.zeros(3), np.zeros(4))


def test_choice_of_signature():
    assert blend(np.zeros(2, np.float32), np.zeros(2, np.float32)).dtype == np.float32
    assert blend(np.zeros(2, np.float32), np.zeros(2)).dtype == np.float64
    assert blend(np.zeros(2, np.int64), np.zeros(2)).dtype == np.float64
    with pytest.raises(TypeError, match='complex128'):
        blend(np.zeros(2, complex), np.zeros(2))
    with pytest.raises(TypeError, match='operands'):
        blend(np.zeros(2))


def test_out_and_reduce():
    out = np.zeros(4)
    assert blend(np.ones(4), np.ones(4), out=out) is out and (out == 3).all()
    with pytest.raises(ValueError, match='shape'):
        blend(np.ones(4), np.ones(4), out=np.zeros(5))

    @vectorize(['int64(int64, int64)'], target='cuda')
    def add(a, b):
        return a + b

    for n in (1, 2, 7, 64, 1001):
        assert add.reduce(np.arange(n)) == n * (n - 1) // 2
