"""Device arrays: copies, views, and how they refuse."""
import pickle
import sys

import numpy as np
import pytest

from naja import cuda


@pytest.mark.parametrize('a', [np.arange(10), np.zeros((0, 3)), np.array(5.0), np.arange(24.0).reshape(2, 3, 4),
                               np.asfortranarray(np.arange(12.0).reshape(3, 4)), np.arange(20)[::3], np.arange(12).reshape(3, 4)[::-1, 1:3]])
def test_round_trip(a):
    d = cuda.to_device(a)
    assert (d.shape, d.dtype, d.size, d.ndim) == (a.shape, a.dtype, a.size, a.ndim)
    assert np.array_equal(d.copy_to_host(), a)


def test_allocation():
    d = cuda.device_array((3, 4), np.float32)
    assert d.strides == (16, 4) and d.nbytes == 48 and len(d) == 3
    assert cuda.device_array((3, 4), order='F').strides == (8, 24)
    like = cuda.device_array_like(np.zeros((5, 6), np.int8))
    assert (like.shape, like.dtype) == ((5, 6), np.int8)
    with pytest.raises(ValueError, match='negative'):
        cuda.device_array((2, -1))
    with pytest.raises(TypeError):
        cuda.device_array(3, dtype=object)


def test_copy_into():
    d = cuda.to_device(np.arange(6))
    out = np.zeros(6, np.int64)
    assert d.copy_to_host(out) is out and out.tolist() == list(range(6))
    with pytest.raises(TypeError, match='shape'):
        d.copy_to_host(np.zeros(5, np.int64))
    d.copy_to_device(np.arange(6)[::-1])
    assert d.copy_to_host().tolist() == [5, 4, 3, 2, 1, 0]
    with pytest.raises(ValueError, match='shape'):
        d.copy_to_device(np.zeros(7))
    e = cuda.device_array_like(d)
    e.copy_to_device(d)
    assert e.copy_to_host().tolist() == [5, 4, 3, 2, 1, 0]
    assert cuda.to_device(d) is d


@pytest.mark.parametrize('key', [1, -1, slice(1, None), (slice(None), 2), (0, slice(None, None, 2)), (Ellipsis, 1), (slice(None, None, -1), 0),
                                 (None, 1)])
def test_views(key):
    a = np.arange(24).reshape(4, 6)
    d = cuda.to_device(a)
    assert np.array_equal(d[key].copy_to_host(), a[key])
    b = a.copy()
    b[key] = -7
    d[key] = -7
    assert np.array_equal(d.copy_to_host(), b)


def test_elements_and_shapes():
    a = np.arange(24).reshape(4, 6)
    d = cuda.to_device(a)
    assert d[2, 3] == 15 and d[-1, -1] == 23
    d[0, 0] = 100
    assert d[0, 0] == 100
    assert np.array_equal(d.reshape(6, 4).copy_to_host().ravel(), d.ravel().copy_to_host())
    assert np.array_equal(d.T.copy_to_host(), d.copy_to_host().T)
    assert [len(s) for s in d.ravel().split(10)] == [10, 10, 4]
    with pytest.raises(ValueError):
        d.T.reshape(24)
    with pytest.raises(IndexError):
        d[5]
    with pytest.raises(IndexError):
        d[np.array([1, 2])]


def test_interface_and_kernel_on_view():
    @cuda.jit
    def inc(a):
        i = cuda.grid(1)
        if i < a.size:
            a[i] += 1

    d = cuda.to_device(np.zeros(10))
    inc[1, 32](d[::2])
    assert d.copy_to_host().tolist() == [1, 0] * 5
    assert d.__cuda_array_interface__['shape'] == (10,)

    class Foreign:
        __cuda_array_interface__ = d.__cuda_array_interface__

    inc[1, 32](Foreign())
    assert d.copy_to_host().tolist() == [2, 1] * 5
    assert cuda.is_cuda_array(Foreign()) and not cuda.is_cuda_ndarray(Foreign())
    assert np.array_equal(pickle.loads(pickle.dumps(d)).copy_to_host(), d.copy_to_host())
    assert np.asarray(d).sum() == 15


def test_streams_and_events():
    s = cuda.stream()
    d = cuda.to_device(np.arange(5), stream=s)
    start, end = cuda.event(), cuda.event()
    start.record(s)
    with s.auto_synchronize():
        assert d.copy_to_host(stream=s).tolist() == [0, 1, 2, 3, 4]
    end.record(s)
    end.synchronize()
    assert end.query() and cuda.event_elapsed_time(start, end) >= 0
    s.synchronize()
    cuda.synchronize()


def test_devices():
    d = cuda.get_current_device()
    assert d.MAX_THREADS_PER_BLOCK == 1024 and d.WARP_SIZE == 32 and d.id == 0
    assert len(cuda.gpus) == len(cuda.list_devices()) >= 1
    with cuda.gpus[0] as g:
        assert g == d
    free, total = cuda.current_context().get_memory_info()
    assert 0 < free <= total
    with pytest.raises(IndexError):
        cuda.select_device(99)
    with pytest.raises(AttributeError):
        d.NO_SUCH_ATTRIBUTE
    assert cuda.is_available()


def test_no_reference_is_lost():
    d, s, e = cuda.to_device(np.arange(3)), cuda.stream(), cuda.event()
    before = [sys.getrefcount(type(x)) for x in (d, s, e)]
    for _ in range(100):
        cuda.to_device(np.arange(3))
        cuda.stream()
        cuda.event()
    assert [sys.getrefcount(type(x)) for x in (d, s, e)] == before


def test_in_out_inout():
    @cuda.jit
    def kernel(a, b, c):
        i = cuda.grid(1)
        b[i] = a[i]
        c[i] += a[i]
        a[i] = -1

    a, b, c = np.arange(4.0), np.zeros(4), np.ones(4)
    kernel[1, 4](cuda.In(a), cuda.Out(b), cuda.InOut(c))
    assert a.tolist() == b.tolist() == [0, 1, 2, 3] and c.tolist() == [1, 2, 3, 4]
    kernel[1, 4](cuda.In(a[::-1]), b, c)
    assert b.tolist() == [3, 2, 1, 0] and a.tolist() == [0, 1, 2, 3]


def test_pinned_mapped_and_managed():
    @cuda.jit
    def kernel(a):
        i = cuda.grid(1)
        if i < a.size:
            a[i] += 1

    for make in (cuda.pinned_array, cuda.mapped_array, cuda.managed_array):
        a = make(5, np.float32)
        a[:] = np.arange(5)
        kernel[1, 8](a)
        kernel[1, 8](a[2:])
        assert a.tolist() == [1, 2, 4, 5, 6]
    a = np.zeros(4)
    with cuda.pinned(a):
        kernel[1, 4](a)
    with cuda.mapped(a) as d:
        kernel[1, 4](d)
    assert a.tolist() == [2] * 4


def test_devices_contexts_and_callbacks():
    import asyncio
    import threading
    d = cuda.get_current_device()
    assert d.attributes['MAX_THREADS_PER_BLOCK'] == d.MAX_THREADS_PER_BLOCK == 1024 and d.WARP_SIZE == 32
    assert set(d.get_device_identity()) == {'pci_domain_id', 'pci_bus_id', 'pci_device_id'}
    c = cuda.current_context()
    c.push(), c.pop(), c.deallocations.clear()
    assert len(c.deallocations) == 0 and c.get_memory_info().free <= c.get_memory_info().total
    assert d.get_primary_context().device == d and cuda.is_supported_version()

    s, got, called = cuda.stream(), [], threading.Event()
    s.add_callback(lambda stream, status, arg: (got.append((stream, status, arg)), called.set()), 'x')
    assert called.wait(10) and got == [(s, 0, 'x')]

    async def wait():
        return await s.async_done()
    assert asyncio.run(wait()) is s


def test_every_name_of_all_is_there():
    for name in cuda.__all__:
        getattr(cuda, name)
