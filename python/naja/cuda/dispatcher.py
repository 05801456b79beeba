"""dispatcher.py - @cuda.jit and the object it makes; PTX without a device."""
import functools

from .. import _naja
from ..errors import CudaSupportError

_INLINE = {'never': 2, 'always': 1, False: 2, True: 1}
# options of cuda.jit: those with a meaning here, then those that are accepted and change nothing
_OPTIONS = ('device', 'inline', 'forceinline', 'fastmath', 'debug', 'opt', 'lineinfo', 'max_registers', 'launch_bounds',
            'boundscheck', 'cache')
_ACCEPTED = ('link', 'lto', 'extensions', 'shared_memory_carveout', 'nopython')
DEFAULT_CC = (7, 5)


class CUDADispatcher(_naja.Kernel):
    """A function compiled for devices. Launch it as kernel[blocks, threads, stream, shared memory bytes](arguments).

    One specialisation is compiled for each tuple of argument types, at its first launch or for the signatures given to
    the decorator.
    """

    def __init__(self, func, sigs, **options):
        functools.update_wrapper(self, func)
        self.targetoptions = options

    def configure(self, griddim, blockdim, stream=0, sharedmem=0):
        """The same as kernel[griddim, blockdim, stream, sharedmem]."""
        return self[griddim, blockdim, stream, sharedmem]

    def forall(self, ntasks, tpb=0, stream=0, sharedmem=0):
        """A 1-D launch over at least `ntasks` threads, `tpb` in a block (0: naja's choice)."""
        if ntasks < 0:
            raise ValueError(f"can't create ForAll with negative task count: {ntasks}")
        return _ForAll(self, ntasks, tpb or 128, stream, sharedmem)

    def specialize(self, *args):
        """Compiles for the types of these arguments; returns the kernel."""
        self.compile(tuple(_naja.typeof(a) if not isinstance(a, _naja.DeviceArray) else a._numba_type_ for a in args))
        return self

    @property
    def signatures(self):
        """Argument types compiled so far, each a tuple."""
        return [tuple(s.args) for s in self._signatures()]

    nopython_signatures = property(lambda self: self._signatures())

    @property
    def overloads(self):
        """Signatures and their resources."""
        return {tuple(s.args): self._info(s) for s in self._signatures()}

    @property
    def specialized(self):
        """Were signatures declared?"""
        return bool(self._declared)

    def __copy__(self):
        return CUDADispatcher(self.py_func, list(self._declared), **self.targetoptions)

    def __deepcopy__(self, memo):
        return self.__copy__()

    def disable_compile(self, val=True):
        """Only what is compiled already may be launched; with False the rest is compiled again."""
        self._close(val)

    def _each(self, signature, get):
        if signature is not None:
            return get(signature)
        if self.specialized and len(self._signatures()) == 1:
            return get(self._signatures()[0])
        return {tuple(s.args): get(s) for s in self._signatures()}

    def inspect_llvm(self, signature=None):
        """LLVM text of a signature; without one a dict of all."""
        return self._each(signature, self._llvm)

    def inspect_asm(self, signature=None):
        """PTX (on the CPU device: assembly) of a signature; without one a dict of all."""
        return self._each(signature, self._asm)

    def inspect_sass(self, signature=None):
        """What the GPU executes for a signature, by nvdisasm; without one a dict of all."""
        return self._each(signature, lambda s: self._sass(s, False))

    def inspect_sass_cfg(self, signature=None):
        """The control flow of that as a graph for dot, by nvdisasm; without one a dict of all."""
        return self._each(signature, lambda s: self._sass(s, True))

    def inspect_types(self, file=None):
        """Prints the typed IR of every signature."""
        for s in self._signatures():
            print(f'{self.__name__} {s}\n{"-" * 80}\n{self._typed(s)}', file=file)

    def _resource(self, name, signature):
        return self._each(signature, lambda s: self._info(s)[name])

    def get_regs_per_thread(self, signature=None):
        """Registers of a thread, for a signature; without one as inspect_llvm()."""
        return self._resource('regs_per_thread', signature)

    def get_shared_mem_per_block(self, signature=None):
        """Bytes of static shared memory, for a signature; without one as inspect_llvm()."""
        return self._resource('shared_mem_per_block', signature)

    def get_const_mem_size(self, signature=None):
        """Bytes of constant memory, for a signature; without one as inspect_llvm()."""
        return self._resource('const_mem_size', signature)

    def get_local_mem_per_thread(self, signature=None):
        """Bytes of local memory of a thread, for a signature; without one as inspect_llvm()."""
        return self._resource('local_mem_per_thread', signature)

    def get_max_threads_per_block(self, signature=None):
        """The largest block it can be launched with, for a signature; without one as inspect_llvm()."""
        return self._resource('max_threads_per_block', signature)

    def recompile(self):
        """Compiles every signature again, with the globals as they are now."""
        old, closed = self._signatures(), self._closed
        self._reset()
        self._close(False)
        try:
            for s in old:
                self.compile(s)
        finally:
            self._close(closed)

    def __get__(self, obj, owner=None):
        return self if obj is None else functools.partial(self, obj)

    def __reduce__(self):
        from ..pickling import reduce_kernel
        return reduce_kernel(self)

    def __repr__(self):
        return f'<naja {"device function" if self._device else "kernel"} {self.__qualname__}>'


class _ForAll:
    def __init__(self, kernel, ntasks, tpb, stream, sharedmem):
        self._kernel, self._ntasks = kernel, ntasks
        self._config = (-(-ntasks // tpb), tpb, stream, sharedmem)

    def __call__(self, *args, **kws):
        if self._ntasks:
            self._kernel[self._config](*args, **kws)


def _options(device, inline, forceinline, fastmath, debug, opt, lineinfo, max_registers, launch_bounds, boundscheck):
    if inline not in _INLINE:
        raise ValueError(f"inline must be 'never' or 'always', not {inline!r}")
    if max_registers is not None and not (isinstance(max_registers, int) and 0 <= max_registers <= 255):
        raise ValueError(f'max_registers must be from 0 to 255, not {max_registers!r}')
    level = 3 if opt is None or opt is True else int(opt)
    hint = 1 if forceinline or inline in ('always', True) else 0
    return dict(device=bool(device), fastmath=bool(fastmath), debug=bool(debug), lineinfo=bool(lineinfo), opt=level,
                inline=hint, max_registers=max_registers or 0, launch_bounds=launch_bounds,
                boundscheck=bool(debug if boundscheck is None else boundscheck))


def jit(func_or_sig=None, device=False, inline='never', forceinline=False, fastmath=False, debug=False, opt=None,
        lineinfo=False, max_registers=None, launch_bounds=None, boundscheck=None, cache=True, **kws):
    """Compiles a Python function for devices: a kernel, or with device=True a function that kernels call.

    @cuda.jit                                 types at the first launch
    @cuda.jit('void(float32[:], int64)')      this signature now; a list gives several
    @cuda.jit(device=True)                    a device function

    fastmath: fast and less exact float operations. debug: exceptions are checked, and bounds. lineinfo: source lines
    for profilers. opt: 0 to 3. max_registers: registers per thread. launch_bounds: (threads per block, blocks per
    multiprocessor, blocks per cluster). boundscheck: IndexError for an index out of bounds; by default with debug.
    cache=False: neither looked for on disk nor kept there.
    TypeError names an option that does not exist.
    """
    for name in kws:
        if name not in _ACCEPTED:
            raise TypeError(f"cuda.jit() has no option '{name}'; it has {', '.join(_OPTIONS + _ACCEPTED)}")
    if kws.get('link'):
        raise NotImplementedError('cuda.jit(link=...) is not supported yet: external device code cannot be linked')
    options = _options(device, inline, forceinline, fastmath, debug, opt, lineinfo, max_registers, launch_bounds,
                       boundscheck)
    options['cache'] = bool(cache)

    def wrap(func, sigs=()):
        if isinstance(func, (staticmethod, classmethod)):
            func = func.__func__
        func = getattr(func, 'py_func', func)
        if not hasattr(func, '__code__') or hasattr(func, '__self__'):
            raise TypeError(f'cuda.jit takes a Python function or a signature, not {func!r}')
        kernel = CUDADispatcher(func, list(sigs), **options)
        if not device and sigs:
            for sig in kernel._declared:
                _refuse_result(sig)
                kernel.compile(sig)
        return kernel

    if func_or_sig is None:
        return wrap
    if callable(func_or_sig) and not isinstance(func_or_sig, (_naja.Type, _naja.Signature)):
        return wrap(func_or_sig)
    sigs = func_or_sig if isinstance(func_or_sig, list) else [func_or_sig]
    for sig in sigs:
        if not isinstance(sig, (str, tuple, _naja.Type, _naja.Signature)):
            raise TypeError(f'cuda.jit takes a function or a signature, not {sig!r}')
    return lambda func: wrap(func, sigs)


def _refuse_result(sig):
    if sig.return_type is not None and str(sig.return_type) not in ('void', 'none'):
        raise TypeError(f'CUDA kernel must have void return type, but the signature says {sig.return_type}')


def _capability(cc):
    cc = DEFAULT_CC if cc is None else cc
    if not isinstance(cc, (tuple, list)) or len(cc) not in (2, 3) or not all(isinstance(n, int) for n in cc[:2]):
        raise ValueError(f"cc must be a compute capability such as (9, 0) or (9, 0, 'a'), not {cc!r}")
    return cc[0] * 10 + cc[1], cc[2] if len(cc) == 3 else ' '


def compile_ptx(pyfunc, sig, debug=False, lineinfo=False, device=False, fastmath=False, cc=None, opt=None,
                launch_bounds=None, forceinline=False, **kws):
    """PTX of a function for a signature and compute capability `cc`, such as (9, 0): (text, result type).

    Needs no GPU and no driver. libNVVM makes the PTX where it is installed, LLVM elsewhere. TypingError or
    UnsupportedError for a function that cannot be compiled, ValueError for what is no compute capability, LibraryError
    where no compiler knows that one.
    """
    if kws.pop('output', 'ptx') != 'ptx':
        raise NotImplementedError("only output='ptx' is supported")
    if kws.pop('abi', 'c') not in ('c', 'numba') or kws.pop('abi_info', None):
        raise NotImplementedError('only the C ABI is supported, without abi_info')
    if kws:
        raise TypeError(f"compile_ptx() has no option '{next(iter(kws))}'")
    number, suffix = _capability(cc)
    pyfunc = getattr(pyfunc, 'py_func', pyfunc)
    options = _options(device, 'never', forceinline, fastmath, debug, opt, lineinfo, None, launch_bounds, None)
    return _naja.cuda_ptx(CUDADispatcher(pyfunc, [], **options), sig, number, suffix, False)


def compile(pyfunc, sig, debug=False, lineinfo=False, device=True, fastmath=False, cc=None, opt=None, **kws):
    """compile_ptx with device=True by default."""
    return compile_ptx(pyfunc, sig, debug=debug, lineinfo=lineinfo, device=device, fastmath=fastmath, cc=cc, opt=opt,
                       **kws)


def _current_cc():
    info = _naja.device_info(_naja.device_current())
    if info['kind'] != 'cuda':
        raise CudaSupportError('there is no GPU whose compute capability could be taken: pass cc=')
    return info['compute_capability']


def compile_for_current_device(pyfunc, sig, **kws):
    """compile() for this thread's GPU; CudaSupportError where there is none."""
    return compile(pyfunc, sig, cc=_current_cc(), **kws)


def compile_ptx_for_current_device(pyfunc, sig, **kws):
    """compile_ptx() for this thread's GPU; CudaSupportError where there is none."""
    return compile_ptx(pyfunc, sig, cc=_current_cc(), **kws)
