"""devicearray.py - arrays on a device, by NumPy's rules of shape and view.

The geometry of a view is NumPy's own: a host array of the same shape and strides over no memory is sliced, reshaped or
transposed, and what comes out is read off its address.
"""
import math
import operator

import numpy as np

from .. import _naja

_CAN_SAY_NO_COPY = np.lib.NumpyVersion(np.__version__) >= '2.1.0'


class _Geometry:
    """An array interface over an address nobody reads: for shape and stride arithmetic only."""

    def __init__(self, shape, strides, dtype):
        self.__array_interface__ = {'shape': shape, 'strides': strides, 'typestr': dtype.str, 'data': (1 << 40, True),
                                    'version': 3}


def _ghost(a):
    return np.asarray(_Geometry(a.shape, a.strides, a.dtype))


def _address(ghost):
    return ghost.__array_interface__['data'][0] - (1 << 40)


def _reshaped(ghost, shape, order):
    """reshape() that never copies: a ghost cannot be read."""
    if _CAN_SAY_NO_COPY:
        return ghost.reshape(shape, order=order, copy=False)
    # older NumPy copies before it refuses: only what certainly needs no copy is let through
    if not (ghost.flags.f_contiguous if order == 'F' else ghost.flags.c_contiguous):
        raise ValueError('reshape of this array would need a copy')
    return ghost.reshape(shape, order=order)


def _strides(shape, itemsize, order):
    strides, step = [], itemsize
    axes = shape if order == 'F' else shape[::-1]
    for n in axes:
        strides.append(step)
        step *= max(n, 1)
    return tuple(strides if order == 'F' else strides[::-1])


def _shape_of(shape):
    try:
        shape = tuple(operator.index(n) for n in ((shape,) if np.ndim(shape) == 0 else shape))
    except TypeError:
        raise TypeError(f'a shape is an integer or a tuple of integers, not {shape!r}') from None
    if any(n < 0 for n in shape):
        raise ValueError(f'negative dimension in shape {shape}')
    return shape


class DeviceNDArray(_naja.DeviceArray):
    """An array in a device's memory. Made by to_device, device_array and device_array_like."""

    __array_priority__ = 100

    @property
    def __cuda_array_interface__(self):
        return {'shape': self.shape, 'strides': None if self._c_contiguous else self.strides, 'typestr': self.dtype.str,
                'data': (self.ptr, False), 'version': 3, 'stream': None}

    @property
    def gpu_data(self):
        """The memory object behind the array."""
        return self._memory

    @property
    def alloc_size(self):
        """Bytes of the memory behind the array, of which a view shows a part."""
        return self._memory.nbytes

    @property
    def flags(self):
        """{'C_CONTIGUOUS': bool, 'F_CONTIGUOUS': bool}"""
        return {'C_CONTIGUOUS': self._c_contiguous, 'F_CONTIGUOUS': self._f_contiguous}

    def is_c_contiguous(self):
        """Are the elements dense in C's order?"""
        return self._c_contiguous

    def is_f_contiguous(self):
        """Are the elements dense in Fortran's order?"""
        return self._f_contiguous

    # -- views ---------------------------------------------------------------------------------------------------

    def _view(self, ghost):
        return DeviceNDArray(self._memory, self._offset + _address(ghost), ghost.shape, ghost.strides, ghost.dtype)

    def __getitem__(self, key):
        return self.getitem(key)

    def _pick(self, key):
        """(view, is it one element?) of a key of integers and slices."""
        if not _is_basic(key):
            raise IndexError(f'device arrays are indexed by integers and slices, not by {key!r}')
        parts = key if isinstance(key, tuple) else (key,)
        if len(parts) != self.ndim or not all(isinstance(p, (int, np.integer)) for p in parts):
            return self._view(_ghost(self)[key]), False
        where = []                      # NumPy would read the element: there is nothing to read at a ghost
        for axis, (i, n) in enumerate(zip(parts, self.shape)):
            if not -n <= i < n:
                raise IndexError(f'index {i} is out of bounds for axis {axis} with size {n}')
            where.append(slice(i % n, i % n + 1))
        return self._view(_ghost(self)[tuple(where)]), True

    def getitem(self, key, stream=0):
        """A view, or a NumPy scalar where the key picks one element; IndexError out of bounds or for another key."""
        view, single = self._pick(key)
        return view.copy_to_host(stream=stream).reshape(())[()] if single else view

    def __setitem__(self, key, value):
        self.setitem(key, value)

    def setitem(self, key, value, stream=0):
        """Writes host or device data, broadcast and converted as NumPy's assignment does, into a view."""
        view, _ = self._pick(key)
        host = np.empty(view.shape, view.dtype)
        host[...] = value.copy_to_host() if isinstance(value, DeviceNDArray) else value
        view.copy_to_device(host, stream=stream)

    def __len__(self):
        if not self.ndim:
            raise TypeError('len() of a 0-dimensional array')
        return self.shape[0]

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def reshape(self, *shape, order='C'):
        """A view of another shape; ValueError where that takes a copy."""
        shape = shape[0] if len(shape) == 1 and not isinstance(shape[0], int) else shape
        return self._view(_reshaped(_ghost(self), shape, order))

    def ravel(self, order='C'):
        """A flat view; ValueError where that takes a copy."""
        return self.reshape(-1, order=order)

    def transpose(self, axes=None):
        """A view with the axes in this order; reversed without one."""
        return self._view(_ghost(self).transpose(axes))

    @property
    def T(self):
        """The view with its axes reversed."""
        return self.transpose()

    def squeeze(self, axis=None):
        """A view without axes of length 1; ValueError for an `axis` that is longer."""
        return self._view(_ghost(self).squeeze(axis))

    def view(self, dtype):
        """The same bytes as another dtype; ValueError where NumPy's view would raise it."""
        return self._view(_ghost(self).view(dtype))

    def split(self, section, stream=0):
        """Yields views of `section` elements each of a 1-D array; the last may be shorter."""
        for begin in range(0, self.size, section):
            yield self[begin:min(begin + section, self.size)]

    def bind(self, stream=0):
        """The array itself: operations take the stream as an argument."""
        return self

    # -- copies ----------------------------------------------------------------------------------------------------

    def _span(self):
        """(first byte, bytes) of the memory that the view touches."""
        low = sum((n - 1) * s for n, s in zip(self.shape, self.strides) if s < 0)
        high = sum((n - 1) * s for n, s in zip(self.shape, self.strides) if s > 0) + self.itemsize
        return self._offset + low, high - low, -low

    def _fetch(self, stream):
        """The touched bytes on the host, as an array of this shape over them."""
        first, nbytes, start = self._span()
        raw = np.empty(nbytes, np.uint8)
        self._memory.read(raw, first, stream)
        _wait(stream)
        return np.ndarray(self.shape, self.dtype, raw, start, self.strides), raw, first

    def copy_to_host(self, ary=None, stream=0):
        """The elements as a host array: a new one, or written into `ary`; TypeError for another shape or dtype."""
        if ary is None:
            ary = np.empty(self.shape, self.dtype, order='F' if self._f_contiguous and not self._c_contiguous else 'C')
        elif ary.shape != self.shape or ary.dtype != self.dtype:
            raise TypeError(f'copy_to_host into {ary.dtype} of shape {ary.shape}, but the device array is {self.dtype} '
                            f'of shape {self.shape}')
        if not self.size:
            return ary
        dense = (self._c_contiguous and ary.flags.c_contiguous) or (self._f_contiguous and ary.flags.f_contiguous)
        if dense:
            self._memory.read(ary, self._offset, stream)
        else:
            ary[...] = self._fetch(stream)[0]
        return ary

    def copy_to_device(self, ary, stream=0):
        """Writes a host or device array into this one, dtypes converted as by assignment; ValueError for other shapes."""
        if isinstance(ary, DeviceNDArray):
            if ary.shape == self.shape and ary.strides == self.strides and ary.dtype == self.dtype and \
                    (self._c_contiguous or self._f_contiguous):
                self._memory.copy_from(self._offset, ary._memory, ary._offset, self.nbytes, stream)
                return
            ary = ary.copy_to_host()
        ary = np.asarray(ary)
        if ary.shape != self.shape:
            raise ValueError(f'copy_to_device of shape {ary.shape} into shape {self.shape}')
        if not self.size:
            return
        if self._c_contiguous or self._f_contiguous:
            order = 'C' if self._c_contiguous else 'F'
            self._memory.write(np.asarray(ary, self.dtype, order=order), self._offset, stream)
        else:
            host, raw, first = self._fetch(stream)
            host[...] = ary
            self._memory.write(raw, first, stream)
        _wait(stream)                   # the host array may go before the stream has read it

    def __array__(self, dtype=None, copy=None):
        return self.copy_to_host() if dtype is None else self.copy_to_host().astype(dtype)

    def __repr__(self):
        return f'<naja device array, shape {self.shape}, {self.dtype}>'

    def __reduce__(self):
        return to_device, (self.copy_to_host(),)


def _wait(stream):
    if stream:                          # perhaps another library's, whose methods have other names
        now = _naja.Event(timing=False)
        now.record(stream)
        now.synchronize()


def _is_basic(key):
    parts = key if isinstance(key, tuple) else (key,)
    return all(p is None or p is Ellipsis or isinstance(p, (slice, int, np.integer)) for p in parts)


def _geometry(shape, dtype, strides, order):
    """(shape, strides in bytes, dtype, bytes in all) of a new array."""
    shape, dtype = _shape_of(shape), np.dtype(_plain_dtype(dtype))
    if order not in ('C', 'F'):
        raise ValueError(f"order must be 'C' or 'F', not {order!r}")
    if strides is None:
        strides = _strides(shape, dtype.itemsize, order)
    else:
        strides = tuple(int(s) for s in np.atleast_1d(strides))
    nbytes = dtype.itemsize + sum((n - 1) * abs(s) for n, s in zip(shape, strides)) if math.prod(shape) else 0
    return shape, strides, dtype, nbytes


def device_array(shape, dtype=np.float64, strides=None, order='C', stream=0):
    """An uninitialised array on this thread's device.

    shape: an int or a tuple; dtype: NumPy's or naja's; strides in bytes, else by order, 'C' or 'F'.
    ValueError for another order, CudaOutOfMemoryError (a MemoryError) when a GPU has no room.
    """
    shape, strides, dtype, nbytes = _geometry(shape, dtype, strides, order)
    return DeviceNDArray(_naja.DeviceMemory(nbytes), 0, shape, strides, dtype)


def _plain_dtype(dtype):
    """naja's type objects are good dtypes, too."""
    return dtype.name if isinstance(dtype, _naja.Type) else dtype


def device_array_like(ary, stream=0):
    """device_array of the same shape, dtype and order; a strided array's copy is dense."""
    order = 'F' if _f_order(ary) else 'C'
    return device_array(ary.shape, ary.dtype, order=order)


def _f_order(ary):
    if isinstance(ary, DeviceNDArray):
        return ary._f_contiguous and not ary._c_contiguous
    return ary.flags.f_contiguous and not ary.flags.c_contiguous


def to_device(obj, stream=0, copy=True, to=None):
    """Copies an array-like to this thread's device (or into `to`); a device array comes back as it is."""
    if isinstance(obj, DeviceNDArray) and to is None:
        return obj
    if to is None and hasattr(obj, '__cuda_array_interface__'):
        return as_cuda_array(obj)
    host = np.asarray(obj)
    to = device_array_like(host) if to is None else to
    if copy:
        to.copy_to_device(host, stream=stream)
    return to


def _described(obj, sync):
    """(address, shape, strides, dtype) by __cuda_array_interface__; waits for the stream that it names."""
    desc = obj.__cuda_array_interface__
    try:
        shape, dtype = _shape_of(tuple(desc['shape'])), np.dtype(desc['typestr'])
        strides = tuple(map(operator.index, desc.get('strides') or _strides(shape, dtype.itemsize, 'C')))
        ptr, mask, stream = operator.index(desc['data'][0] or 0), desc.get('mask'), desc.get('stream')
    except (AttributeError, KeyError, TypeError, ValueError) as e:
        raise TypeError(f'the __cuda_array_interface__ of this {type(obj).__name__} is not one: '
                        f'{type(e).__name__}: {e}') from None
    if mask is not None:
        raise NotImplementedError(f'the {type(obj).__name__} has a mask, which naja would not see')
    if len(strides) != len(shape):
        raise TypeError(f'{len(shape)} dimensions with {len(strides)} strides in __cuda_array_interface__')
    if sync and stream:
        _naja.Stream(operator.index(stream)).synchronize()
    return ptr, shape, strides, dtype


def as_cuda_array(obj, sync=True):
    """A view of any object with __cuda_array_interface__ (CuPy, PyTorch ...), without a copy; TypeError for others.

    Work that its own library has queued on another stream is waited for; with sync=False it is not.
    """
    if isinstance(obj, DeviceNDArray):
        return obj
    if not is_cuda_array(obj):
        raise TypeError(f'{type(obj).__name__} has no __cuda_array_interface__')
    ptr, shape, strides, dtype = _described(obj, sync)
    low = sum((n - 1) * s for n, s in zip(shape, strides) if s < 0)
    high = sum((n - 1) * s for n, s in zip(shape, strides) if s > 0) + dtype.itemsize
    memory = _naja.DeviceMemory(high - low if math.prod(shape) else 0, ptr + low, obj)
    return DeviceNDArray(memory, -low, shape, strides, dtype)


def is_cuda_array(obj):
    """Does the object speak __cuda_array_interface__?"""
    return hasattr(obj, '__cuda_array_interface__')


def is_cuda_ndarray(obj):
    """Is it one of naja's device arrays?"""
    return isinstance(obj, DeviceNDArray)

