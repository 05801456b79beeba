"""naja.cuda - kernels, devices, memory and streams, by Numba's names.

Kernels run on an NVIDIA GPU where a driver finds one, else on the CPU device: compiled for every core, with the
same grid, blocks, shared memory, barriers and atomics. NAJA_DEVICE=cpu, cuda or mock forces one.
"""
import os as _os
import sys as _sys

from .. import _naja

# where pip puts libNVVM and its kin
_naja.set_sites([p for p in _sys.path
                 if _os.path.basename(p) in ('site-packages', 'dist-packages') and _os.path.isdir(p)])

from . import stubs as _stubs
from .device import (CudaSupportError, Device, close, current_context, get_current_device, gpus, list_devices,
                     select_device, synchronize)
from .dispatcher import CUDADispatcher, compile, compile_ptx, jit
from .dispatcher import compile_for_current_device, compile_ptx_for_current_device

globals().update(_stubs.names)          # threadIdx, grid, syncthreads, shared, atomic ...: known to the compiler

Event = _naja.Event
_names_of_stubs = tuple(_stubs.names)


# Arrays need NumPy, which compiling alone does not: both come at first use.
_ARRAYS = ('DeviceNDArray', 'as_cuda_array', 'device_array', 'device_array_like', 'is_cuda_array', 'is_cuda_ndarray',
           'managed_array', 'mapped', 'mapped_array', 'mapped_array_like', 'pinned', 'pinned_array',
           'pinned_array_like', 'to_device')


# names of the peer that are still to come: an AttributeError that says so
_NOT_YET = frozenset(('shfl_sync shfl_up_sync shfl_down_sync shfl_xor_sync vote_sync_intrinsic all_sync any_sync eq_sync ballot_sync '
                      'match_any_sync match_all_sync activemask lanemask_lt nanosleep cg random reduce Reduce libdevice fp16 bf16 '
                      'declare_device guvectorize compile_all ipc_open open_ipc_array profile_start profile_stop profiling').split())


def __getattr__(name):
    if name == 'cudadrv':           # ported programs import numba.cuda and reach into it
        import importlib
        for part in ('devicearray', 'driver', 'error'):
            importlib.import_module('naja.cuda.cudadrv.' + part)
        return _sys.modules['naja.cuda.cudadrv']
    if name not in _ARRAYS:
        from ..errors import _missing
        raise _missing('naja.cuda', name, _NOT_YET, _sys._getframe(1))
    from . import devicearray, hostarray
    for array in _ARRAYS:
        globals()[array] = getattr(devicearray, array, None) or getattr(hostarray, array)
    return globals()[name]


class _Block:
    """A with block that gives `value` and calls `leave` at its end, unless an exception ends it."""

    def __init__(self, value, leave):
        self._value, self._leave = value, leave

    def __enter__(self):
        return self._value

    def __exit__(self, kind, *_):
        if kind is None:
            self._leave()


class In(_naja.ArgHint):
    """kernel[...](cuda.In(a)): the host array is copied to the device, and what the kernel writes there is dropped."""

    def __new__(cls, value):
        return super().__new__(cls, value, True, False)


class Out(_naja.ArgHint):
    """kernel[...](cuda.Out(a)): nothing is copied to the device; the host array gets what the kernel wrote."""

    def __new__(cls, value):
        return super().__new__(cls, value, False, True)


class InOut(_naja.ArgHint):
    """kernel[...](cuda.InOut(a)): copied both ways, as every host array is by default."""

    def __new__(cls, value):
        return super().__new__(cls, value, True, True)


class Stream(_naja.Stream):
    """An order of work on a device; see stream()."""

    def add_callback(self, callback, arg=None):
        """Calls callback(stream, 0, arg) in a thread of its own once the work queued so far is done."""
        import threading
        done = event(timing=False)
        done.record(self)

        def wait():
            done.synchronize()
            callback(self, 0, arg)
        threading.Thread(target=wait, daemon=True).start()

    def async_done(self):
        """An asyncio future that is done once the work queued so far is."""
        import asyncio
        loop = asyncio.get_running_loop()
        future = loop.create_future()

        def finish():
            if not future.done():
                future.set_result(self)
        self.add_callback(lambda *_: loop.call_soon_threadsafe(finish))
        return future

    def auto_synchronize(self):
        """with stream.auto_synchronize(): on leaving the block, waits for everything queued on the stream."""
        return _Block(self, self.synchronize)


def stream():
    """A new stream: work queued on it runs in order, beside other streams."""
    return Stream()


def default_stream():
    """The default stream, which waits for all others and they for it."""
    return external_stream(0)


def legacy_default_stream():
    """CUDA's legacy default stream, which other streams wait for."""
    return external_stream(1)


def per_thread_default_stream():
    """The default stream of the calling thread."""
    return external_stream(2)


def external_stream(ptr):
    """A stream that another library made, by its CUstream address. It stays the other library's."""
    return Stream(int(ptr))


def event(timing=True):
    """A moment that can be recorded in a stream, waited for, and measured from."""
    return Event(timing=timing)


def event_elapsed_time(start, end):
    """Milliseconds between two recorded events."""
    return start.elapsed_time(end)


def is_available():
    """Can kernels be launched? True with a GPU and with the CPU device."""
    try:
        return _naja.device_count() > 0
    except Exception:
        return False


def cuda_error():
    """Why there is no GPU, or None."""
    is_available()
    reason = _naja.device_why_cpu()
    return CudaSupportError(reason) if reason else None


def is_supported_version():
    """Can PTX be made here? Any toolkit that naja finds will do, and LLVM without one."""
    return True


def is_float16_supported():
    """Has this thread's device float16 arithmetic?"""
    return get_current_device().supports_float16


def is_bfloat16_supported():
    """Has this thread's device bfloat16 arithmetic?"""
    return get_current_device().supports_bfloat16


def require_context(func):
    """A decorator for functions that need a device; naja opens it at first use."""
    return func


def detect():
    """Prints the devices kernels can run on; True if there is one."""
    devices = list_devices()
    print(f'found {len(devices)} device{"" if len(devices) == 1 else "s"}')
    for d in devices:
        cc = '.'.join(map(str, d.compute_capability))
        print(f'id {d.id}    {d.name}' + (f'    compute capability {cc}' if d.kind == 'cuda' else ''))
    reason = _naja.device_why_cpu()
    if reason:
        print(f'no GPU: {reason}')
    return bool(devices)


def defer_cleanup():
    """Frees no device memory inside the block that is still referenced; naja never does."""
    return _Block(None, lambda: None)


def vectorize(ftylist_or_function=(), **kws):
    """naja.vectorize with target='cuda'."""
    from .. import vectorize as _vectorize
    kws.setdefault('target', 'cuda')
    return _vectorize(ftylist_or_function, **kws)


__all__ = ['as_cuda_array', 'close', 'compile', 'compile_for_current_device', 'compile_ptx',
           'compile_ptx_for_current_device', 'cuda_error', 'CUDADispatcher', 'CudaSupportError', 'current_context',
           'default_stream', 'defer_cleanup', 'detect', 'Device', 'device_array', 'device_array_like', 'DeviceNDArray',
           'Event', 'event', 'event_elapsed_time', 'external_stream', 'get_current_device', 'gpus', 'In', 'InOut',
           'is_available', 'is_bfloat16_supported', 'is_cuda_array', 'is_cuda_ndarray', 'is_float16_supported',
           'is_supported_version', 'jit', 'legacy_default_stream', 'list_devices', 'managed_array', 'mapped',
           'mapped_array', 'mapped_array_like', 'Out', 'per_thread_default_stream', 'pinned', 'pinned_array',
           'pinned_array_like', 'require_context', 'select_device', 'Stream', 'stream', 'synchronize', 'to_device',
           'vectorize', *_names_of_stubs]
