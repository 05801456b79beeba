"""hostarray.py - host arrays that the device reaches without staging: pinned, mapped, managed."""
import numpy as np

from .. import _naja
from . import _Block
from .devicearray import _f_order, _geometry


def _over(memory_class, mapped, shape, dtype, strides, order):
    shape, strides, dtype, nbytes = _geometry(shape, dtype, strides, order)
    memory = _naja.HostMemory(nbytes, mapped)
    return memory_class(shape, dtype, memory, 0, strides), memory


class MappedNDArray(np.ndarray):
    """A host array that kernels use where it is: no copy is made for a launch."""

    _memory = _start = None

    def __array_finalize__(self, obj):
        if isinstance(obj, MappedNDArray):          # a view of one, or a copy: told apart by the address
            self._memory, self._start = obj._memory, obj._start

    @property
    def _device_pointer(self):
        offset = self.ctypes.data - self._start if self._memory else -1
        if not 0 <= offset <= self._memory_size():
            raise AttributeError('this array is a copy of mapped memory, which is plain host memory')
        return self._memory.ptr + offset

    def _memory_size(self):
        return self._memory.nbytes if self._memory else -1

    @property
    def __cuda_array_interface__(self):
        return {'shape': self.shape, 'strides': self.strides, 'typestr': self.dtype.str,
                'data': (self._device_pointer, not self.flags.writeable), 'version': 3, 'stream': None}


def pinned_array(shape, dtype=np.float64, strides=None, order='C'):
    """An uninitialised host array in page-locked memory, which copies to and from the device fastest.

    Arguments as of device_array, here and below.
    """
    return _over(np.ndarray, False, shape, dtype, strides, order)[0]


def mapped_array(shape, dtype=np.float64, strides=None, order='C', stream=0, portable=False, wc=False):
    """An uninitialised host array that kernels read and write where it is."""
    array, memory = _over(MappedNDArray, True, shape, dtype, strides, order)
    array._memory, array._start = memory, array.ctypes.data
    return array


def managed_array(shape, dtype=np.float64, strides=None, order='C', stream=0, attach_global=True):
    """An array that host and device both use at its address; naja maps host memory for it."""
    return mapped_array(shape, dtype, strides, order)


def _like(ary):
    return dict(shape=ary.shape, dtype=ary.dtype, order='F' if _f_order(ary) else 'C')


def pinned_array_like(ary):
    """pinned_array of the same shape, dtype and order."""
    return pinned_array(**_like(ary))


def mapped_array_like(ary, stream=0, portable=False, wc=False):
    """mapped_array of the same shape, dtype and order."""
    return mapped_array(**_like(ary))


def _locked(arrays, mapped):
    locks = []
    try:
        for a in arrays:
            locks.append(_naja.HostMemory.pin(a, mapped))
    except Exception:
        for lock in locks:
            lock.unpin()
        raise
    return locks


def _unlock(locks):
    for lock in locks:
        lock.unpin()


class _Locked(_Block):
    def __exit__(self, *_):
        self._leave()


def pinned(*arrays):
    """with cuda.pinned(a, b): the pages of these host arrays are locked inside the block."""
    locks = _locked(arrays, False)
    return _Locked(None, lambda: _unlock(locks))


def mapped(*arrays, **kws):
    """with cuda.mapped(a) as d: device arrays over these host arrays, whose pages are locked inside the block."""
    from .devicearray import DeviceNDArray
    locks = _locked(arrays, True)
    devs = [DeviceNDArray(_naja.DeviceMemory(lock.nbytes, lock.ptr, lock), 0, a.shape, a.strides, a.dtype)
            for a, lock in zip(arrays, locks)]
    return _Locked(devs[0] if len(devs) == 1 else devs, lambda: _unlock(locks))
