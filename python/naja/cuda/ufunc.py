"""ufunc.py - @vectorize(target='cuda'): an element-wise function over host and device arrays, one kernel per shape class.

The kernel is written in the kernel language, generated for the number of operands: flat over dense operands, by index
arithmetic over broadcast ones (stride 0 along repeated axes, so nothing is expanded in memory).
"""
import numpy as np

from .. import _naja
from .devicearray import DeviceNDArray, _Geometry, as_cuda_array, device_array, is_cuda_array, to_device
from .dispatcher import jit

_THREADS = 128

_FLAT = '''
def kernel({args}, out):
    i = grid(1)
    if i < out.size:
        out[i] = func({elements})
'''
_STRIDED = '''
def kernel({args}, out):
    i = grid(1)
    if i < out.size:
        {index}
        out[{where}] = func({elements})
'''


def _kernel_source(nin, ndim):
    names = [f'a{k}' for k in range(nin)]
    if ndim == 1:
        return _FLAT.format(args=', '.join(names), elements=', '.join(f'{a}[i]' for a in names))
    where = ', '.join(f'i{d}' for d in range(ndim))
    lines = ['rest = i']
    for d in reversed(range(1, ndim)):
        lines += [f'i{d} = rest % out.shape[{d}]', f'rest = rest // out.shape[{d}]']
    lines.append('i0 = rest')
    return _STRIDED.format(args=', '.join(names), index='\n        '.join(lines), where=where,
                           elements=', '.join(f'{a}[{where}]' for a in names))


class CUDAUFunc:
    """An element-wise function on this thread's device.

    Operands are host arrays, device arrays or scalars, broadcast by NumPy's rules. The result is on the device if an
    operand is, else on the host. TypeError names the operand dtypes when no signature fits.
    """

    def __init__(self, func, sigs):
        self.__name__, self.__doc__ = func.__name__, func.__doc__
        self._made_of = func, list(sigs)
        self._device = jit(device=True)(func)
        self._loops = [([np.dtype(t.name) for t in s.args], np.dtype(s.return_type.name)) for s in sigs]
        if len({len(args) for args, _ in self._loops}) != 1:
            raise TypeError('all signatures of a ufunc must have the same number of arguments')
        self.nin, self.nout, self.nargs = len(self._loops[0][0]), 1, len(self._loops[0][0]) + 1
        self.types = [''.join(d.char for d in args) + '->' + out.char for args, out in self._loops]
        self._kernels = {}

    def __reduce__(self):
        from ..pickling import reduce_ufunc
        func, sigs = self._made_of
        return reduce_ufunc(self, func, _rebuild, (sigs,))

    def _loop(self, dtypes):
        for args, out in self._loops:
            if all(np.can_cast(given, want, 'safe') for given, want in zip(dtypes, args)):
                return args, out
        raise TypeError(f"no signature of ufunc '{self.__name__}' fits operands of {', '.join(map(str, dtypes))}; "
                        f"it has {', '.join(self.types)}")

    def _kernel(self, ndim):
        if ndim not in self._kernels:
            from . import grid
            scope = {'func': self._device, 'grid': grid, '__name__': 'naja.cuda.ufunc'}
            exec(compile(_kernel_source(self.nin, ndim), f'<kernel of ufunc {self.__name__}>', 'exec'), scope)
            self._kernels[ndim] = jit(scope['kernel'])
        return self._kernels[ndim]

    def _operand(self, a, dtype, shape, stream):
        """On the device, of the loop's dtype, and of the common shape with stride 0 where it is repeated."""
        if isinstance(a, DeviceNDArray) and a.dtype != dtype:
            a = a.copy_to_host(stream=stream).astype(dtype)
        d = a if isinstance(a, DeviceNDArray) else to_device(np.asarray(a, dtype), stream=stream)
        ghost = np.broadcast_to(np.asarray(_Geometry(d.shape, d.strides, d.dtype)), shape)
        return d if d.shape == shape else DeviceNDArray(d._memory, d._offset, ghost.shape, ghost.strides, d.dtype)

    def __call__(self, *args, out=None, stream=0):
        if len(args) == self.nin + 1 and out is None:
            args, out = args[:-1], args[-1]
        if len(args) != self.nin:
            raise TypeError(f"ufunc '{self.__name__}' takes {self.nin} operands, not {len(args)}")
        args = [as_cuda_array(a) if is_cuda_array(a) else np.asarray(a) for a in args]
        if isinstance(out, tuple):
            out, = out
        dtypes, result = self._loop([a.dtype for a in args])
        shape = np.broadcast_shapes(*(a.shape for a in args))
        if out is not None and tuple(out.shape) != shape:
            raise ValueError(f'out has shape {tuple(out.shape)}, but the operands give {shape}')
        return self._run(args, dtypes, result, shape, out, stream)

    def _run(self, args, dtypes, result, shape, out, stream):
        keep = any(isinstance(a, DeviceNDArray) for a in args)
        operands = [self._operand(a, t, shape, stream) for a, t in zip(args, dtypes)]
        direct = isinstance(out, DeviceNDArray) and out.dtype == result
        target = out if direct else device_array(shape, result, stream=stream)
        n = target.size
        if n:
            every = operands + [target]
            if all(a._c_contiguous for a in every):
                every = [a.reshape(-1) for a in every]
            self._kernel(every[0].ndim)[-(-n // _THREADS), _THREADS, stream](*every)
        if direct:
            return out
        if out is not None:
            out[...] = target.copy_to_host(stream=stream)
            return out
        if keep:
            return target
        host = target.copy_to_host(stream=stream)
        return host if shape else host[()]

    def reduce(self, a, stream=0):
        """Folds a 1-D array by this binary function, in halves: the function must be associative."""
        if self.nin != 2:
            raise TypeError(f"ufunc '{self.__name__}' takes {self.nin} operands; only binary ones reduce")
        a = to_device(a, stream=stream)
        if a.ndim != 1 or not a.size:
            raise TypeError('reduce takes a 1-D array of at least one element')
        while a.size > 1:
            half = a.size // 2
            head = self(a[:half], a[half:2 * half], stream=stream)
            if a.size % 2:
                tail = self(head[:1], a[2 * half:], stream=stream)
                head[:1] = tail
            a = head
        return a[0]

    def __repr__(self):
        return f"<naja cuda ufunc '{self.__name__}'>"


def vectorize(func, sigs, identity=None, **options):
    """What naja.vectorize(target='cuda') makes of a function and its signatures."""
    if not sigs:
        raise TypeError("vectorize(target='cuda') needs signatures, such as ['float32(float32, float32)']")
    return CUDAUFunc(getattr(func, 'py_func', func), _naja.as_signatures(list(sigs)))


def _rebuild(func, sigs):
    return CUDAUFunc(func, sigs)
