"""The whole CUDA path on a driver that only records: what reaches cuLaunchKernel, what comes back, every call failing.

Each program runs in a process of its own with NAJA_DEVICE=mock; NAJA_FAKE_CUDA is the fake driver's path.
"""
import os
import subprocess
import sys

import pytest

FAKE = os.environ.get('NAJA_FAKE_CUDA')
pytestmark = pytest.mark.skipif(not FAKE, reason='NAJA_FAKE_CUDA does not name the fake driver')

PRELUDE = r'''
import ctypes, gc, math, os
import numpy as np
fake = ctypes.CDLL(os.environ['NAJA_FAKE_CUDA'])
fake.nj_fake_launch_name.restype = fake.nj_fake_failed.restype = ctypes.c_char_p
fake.nj_fake_launch_stream.restype = ctypes.c_void_p
fake.nj_fake_live.restype = fake.nj_fake_calls.restype = fake.nj_fake_launch_count.restype = ctypes.c_long
fake.nj_fake_fail_at.argtypes = [ctypes.c_long, ctypes.c_int]
fake.nj_fake_launch_param.argtypes = [ctypes.c_long, ctypes.c_uint, ctypes.c_void_p, ctypes.c_uint]
fake.nj_fake_launch_geometry.argtypes = [ctypes.c_long, ctypes.c_void_p]
from naja import cuda, errors, float32, float64, int32, int64, void
from naja.cuda.cudadrv.driver import CudaAPIError

def geometry(i):
    g = (ctypes.c_uint * 8)()
    assert fake.nj_fake_launch_geometry(i, g) == 0
    return list(g)

def param(i, p, dtype=np.uint64):
    raw = np.zeros(1, dtype)
    assert fake.nj_fake_launch_param(i, p, raw.ctypes.data, raw.nbytes) == raw.nbytes
    return raw[0].item()

KERNEL = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.POINTER(ctypes.c_uint), ctypes.POINTER(ctypes.c_void_p))

def array_at(params, p, n, dtype):
    """The n elements behind pointer parameter p: the fake's device memory is the host's."""
    at = ctypes.cast(params[p], ctypes.POINTER(ctypes.c_uint64))[0]
    dtype = np.dtype(dtype)
    return np.frombuffer((ctypes.c_char * (n * dtype.itemsize)).from_address(at), dtype)

def raises(kinds, call, *args, **kws):
    try:
        call(*args, **kws)
    except kinds as e:
        return e
    raise AssertionError(f'{call} raised nothing')

@cuda.jit
def add(a, b, out):
    i = cuda.grid(1)
    if i < out.size:
        out[i] = a[i] + b[i]
'''


def mock(body, expect=0, **env):
    done = subprocess.run([sys.executable, '-c', PRELUDE + body], capture_output=True, text=True, timeout=120,
                          env={**os.environ, 'NAJA_DEVICE': 'mock', **env})
    assert done.returncode == expect, done.stdout + done.stderr
    return done.stdout


def test_parameters_geometry_and_stream():
    mock(r'''
@cuda.jit
def k(a, m, v, i, f, g, b, c, t, u):
    a[0] = m[0, 0] + v[0, 0] + i + f + g + b + c.real + t[0] + t[1][0] + u
a = cuda.to_device(np.arange(10.0))
m = cuda.to_device(np.zeros((5, 3), np.float32, order='F'))
v = cuda.to_device(np.zeros((6, 8), np.int16))[1:5, ::2]
s = cuda.stream()
k[(2, 3), (4, 2, 2), s, 1000](a, m, v, 7, np.float32(2.5), 0.5, True, 1 + 2j, (5, (np.int8(-6),)), np.uint16(9))
assert fake.nj_fake_launch_count() == 1 and b'k' in fake.nj_fake_launch_name(0)
assert geometry(0)[:7] == [2, 3, 1, 4, 2, 2, 1000], geometry(0)
assert fake.nj_fake_launch_stream(0) == int(s) != 0
values = [(a.ptr, np.uint64), (10, np.int64), (m.ptr, np.uint64), (5, np.int64), (3, np.int64),
          (v.ptr, np.uint64), (4, np.int64), (4, np.int64), (16, np.int64), (4, np.int64),
          (7, np.int64), (2.5, np.float32), (0.5, np.float64), (1, np.uint8), (1.0, np.float64), (2.0, np.float64),
          (5, np.int64), (-6, np.int8), (9, np.uint16)]
assert geometry(0)[7] == len(values)
for p, (value, dtype) in enumerate(values):
    assert param(0, p, dtype) == value, (p, param(0, p, dtype), value)
k[1, 1](a, m, v, 8, np.float32(2.5), 0.5, False, 1 + 2j, (5, (np.int8(-6),)), np.uint16(9))
assert fake.nj_fake_launch_stream(1) is None and param(1, 10, np.int64) == 8 and param(1, 13, np.uint8) == 0
assert len(k.signatures) == 1
''')


def test_round_trips():
    mock(r'''
cuda.get_current_device()
start = fake.nj_fake_live()
r = np.random.default_rng(0)
for dtype in '?', 'i1', 'u2', 'i4', 'u8', 'f4', 'f8', 'c8', 'c16':
    for shape in (), (0,), (7,), (3, 4), (2, 3, 4):
        x = (r.random(shape) * 100).astype(dtype)
        assert np.array_equal(cuda.to_device(x).copy_to_host(), x)
    x = np.asfortranarray((r.random((3, 5)) * 9).astype(dtype))
    d = cuda.to_device(x)
    assert d.is_f_contiguous() and np.array_equal(d.copy_to_host(), x) and np.array_equal(d[1:, ::2].copy_to_host(), x[1:, ::2])
    out = np.zeros_like(x)
    assert d.copy_to_host(out) is out and np.array_equal(out, x)
s = cuda.stream()
x = np.arange(1000.0)
d = cuda.to_device(x, stream=s)
y = np.zeros(1000)
d.copy_to_host(y, stream=s)
s.synchronize()
assert np.array_equal(x, y)
d[3:5] = 7
assert d[4] == 7 and d.copy_to_host()[3] == 7
e = cuda.device_array_like(d)
e.copy_to_device(d)
assert np.array_equal(e.copy_to_host(), d.copy_to_host())
del d, e, s
gc.collect()
assert fake.nj_fake_live() == start, (start, fake.nj_fake_live())
''')


def test_host_arrays_are_copied_in_and_out():
    mock(r'''
@KERNEL
def work(name, g, params):
    n = ctypes.cast(params[5], ctypes.POINTER(ctypes.c_int64))[0]
    array_at(params, 4, n, 'f8')[:] = array_at(params, 0, n, 'f8') + array_at(params, 2, n, 'f8')
fake.nj_fake_on_launch(work)
a, b, out = np.arange(10.0), np.full(10, 5.0), np.zeros(10)
add[1, 32](a, b, out)
assert np.array_equal(out, a + 5)
live = fake.nj_fake_live()
wide = np.zeros((10, 2))
add[1, 32](a, b, wide[:, 0])                          # strided: dense on the device, scattered on the way back
assert np.array_equal(wide[:, 0], a + 5) and not wide[:, 1].any()
fixed = a.copy(); fixed.flags.writeable = False
add[1, 32](fixed, fixed, out)
assert np.array_equal(out, a + a)
add[1, 32](out, out, out)                             # one array, one copy
assert np.array_equal(out, 4 * a)
add[1, 32, cuda.stream()](a, b, out)
assert np.array_equal(out, a + 5)
d = cuda.to_device(np.zeros(10))
add[1, 32](a, b, d)                                   # device and host arrays together
assert np.array_equal(d.copy_to_host(), a + 5)
del d
gc.collect()
last = fake.nj_fake_launch_count() - 2
assert fake.nj_fake_live() - live <= 3                # the modules of two more specialisations
''')


def test_shared_memory_over_48_kib_is_opted_into():
    mock(r'''
d = cuda.to_device(np.zeros(4))
add[1, 32, 0, 40000](d, d, d)
add[1, 32, 0, 90000](d, d, d)
assert [geometry(i)[6] for i in (0, 1)] == [40000, 90000]
e = raises(ValueError, lambda: add[1, 32, 0, 200000])
assert '200000 bytes of dynamic shared memory; naja fake device 0 takes from 0 to 101376' in str(e), e
assert fake.nj_fake_launch_count() == 2
add[1, 32](d, d, d)
''')


FAILING = r'''
@KERNEL
def work(name, g, params):
    array_at(params, 4, 10, 'f8')[:] = 99
def program():
    a, b, out = np.arange(10.0), np.full(10, 5.0), np.zeros(10)
    ran = fake.nj_fake_launch_count()
    try:
        with_device(out, a, b)
    finally:
        if fake.nj_fake_launch_count() == ran:
            assert not out.any() and np.array_equal(a, np.arange(10.0)), 'arrays changed and nothing was launched'
def with_device(out, a, b):
    s = cuda.stream()
    d = cuda.to_device(a, stream=s)
    e = cuda.event()
    e.record(s)
    k = cuda.jit(lambda a, b, out: None)
    k[1, 32, s](d, b, out)
    k[2, 32, 0, 60000](a, d, out)
    e.synchronize()
    v = d[2:4]
    v[:] = 3
    d.copy_to_host()
    s.synchronize()
    cuda.current_context().get_memory_info()
    cuda.get_current_device().MULTIPROCESSOR_COUNT
    cuda.synchronize()
fake.nj_fake_on_launch(work)
'''


def test_every_driver_call_failing_in_turn():
    out = mock(FAILING + r'''
program()
gc.collect()
live, at = fake.nj_fake_live(), 1
seen = set()
while True:
    before = fake.nj_fake_calls()
    fake.nj_fake_fail_at(at, 719 if at % 2 else 2)
    try:
        program()
    except (CudaAPIError, AttributeError) as e:
        if isinstance(e, CudaAPIError):
            assert e.code == (719 if at % 2 else 2) and 'cu' in str(e), e
            assert isinstance(e, MemoryError) == (e.code == 2)
    name = fake.nj_fake_failed()
    fake.nj_fake_fail_at(0, 0)
    e = None
    gc.collect()
    if fake.nj_fake_calls() - before < at:
        break
    seen.add(name)
    assert fake.nj_fake_live() == live, (at, name, live, fake.nj_fake_live())
    at += 1
program()
print(at, len(seen))
''')
    calls, kinds = map(int, out.split())
    assert calls > 40 and kinds > 12


def test_opening_fails_at_every_call():
    for n in (1, 2, 5, 9):
        mock(r'''
e = raises(errors.CudaSupportError, cuda.to_device, np.zeros(3))
assert 'failed' in str(e) and fake.nj_fake_live() == 0, (e, fake.nj_fake_live())
e = raises(errors.CudaSupportError, lambda: add[1, 1])
assert not cuda.is_available()
''', NAJA_FAKE_FAIL=f'{n}:100')


def test_absent_driver():
    for env in ({'NAJA_LIBCUDA': 'none'}, {'NAJA_LIBCUDA': '/nowhere/libcuda.so.1'}):
        mock(r'''
e = raises(errors.CudaSupportError, lambda: add[1, 1])
assert 'no CUDA driver' in str(e)
assert not cuda.is_available()
assert 'ret;' in cuda.compile_ptx(add.py_func, (float64[:], float64[:], float64[:]), cc=(8, 0))[0]
''', NAJA_DEVICE='cuda', **env)
    out = mock(r'''
x = np.zeros(4)
add[1, 32](x + 1, x + 2, x)
print(x.tolist(), cuda.get_current_device().kind)
assert cuda.detect()
''', NAJA_DEVICE='', NAJA_LIBCUDA='/nowhere/libcuda.so.1')
    assert '[3.0, 3.0, 3.0, 3.0] cpu' in out and '/nowhere/libcuda.so.1' in out


def test_unknown_device_kind():
    mock("e = raises(errors.LibraryError, lambda: add[1, 1]); assert 'NAJA_DEVICE' in str(e)", NAJA_DEVICE='gpu')


@pytest.mark.parametrize('cc', ['75', '86', '90', '120'])
def test_without_libnvvm(cc):
    mock(r'''
from naja import _naja
assert not _naja.has_nvvm()
@cuda.jit
def k(a, out):
    s = cuda.shared.array(32, float32)
    i = cuda.grid(1)
    s[cuda.threadIdx.x] = a[i]
    cuda.syncthreads()
    cuda.atomic.add(out, 0, s[31 - cuda.threadIdx.x])
    cuda.atomic.max(out, 1, s[0])
a = cuda.to_device(np.zeros(32, np.float32))
k[1, 32](a, a)
assert fake.nj_fake_launch_count() == 1
ptx = k.inspect_asm(k.signatures[0])
assert '.visible .entry' in ptx
if 'ptxas' in [name for name, path, *_ in _naja.toolkit_found() if path]:
    assert _naja.ptxas(ptx, 'sm_%s')[:4] == b'\x7fELF'
''' % cc, NAJA_LIBNVVM='none', NAJA_FAKE_CC=cc)


def test_broken_ptx_has_the_log_in_its_message():
    mock(r'''
fake.nj_fake_fail_call(b'cuModuleLoadDataEx', 218)
d = cuda.to_device(np.zeros(4))
e = raises(CudaAPIError, add[1, 1], d, d, d)
assert e.code == 218 and 'PTX' in str(e), e
fake.nj_fake_fail_call(None, 0)
add[1, 1](d, d, d)
''')


def test_two_devices():
    mock(r'''
assert len(cuda.gpus) == 2 and [d.id for d in cuda.list_devices()] == [0, 1]
a = cuda.to_device(np.zeros(4))
cuda.select_device(1)
assert cuda.get_current_device().id == 1
e = raises(ValueError, add[1, 1], a, a, a)
assert 'device 0' in str(e) and 'device 1' in str(e)
b = cuda.to_device(np.zeros(4))
add[1, 1](b, b, b)
with cuda.gpus[0]:
    assert cuda.get_current_device().id == 0
    add[1, 1](a, a, a)
    s = cuda.stream()
assert cuda.get_current_device().id == 1
e = raises(ValueError, lambda: add[1, 1, s])
assert 'stream' in str(e)
assert fake.nj_fake_launch_count() == 2
assert np.array_equal(a.copy_to_host(), np.zeros(4))    # a's own device, whatever is current
raises(IndexError, cuda.select_device, 2)
raises(IndexError, lambda: cuda.gpus[2])
import threading
ids = []
t = threading.Thread(target=lambda: ids.append(cuda.get_current_device().id)); t.start(); t.join()
assert ids == [0]                                       # the choice is a thread's own
''', NAJA_FAKE_DEVICES='2')


def test_allocations_that_are_too_large():
    mock(r'''
cuda.get_current_device()
live = fake.nj_fake_live()
e = raises(MemoryError, cuda.device_array, 1 << 50)
assert isinstance(e, CudaAPIError) and e.code == 2 and 'free on' in str(e)
assert fake.nj_fake_live() == live
''')


def test_many_arguments():
    mock(r'''
n = 256
names = ', '.join(f'x{i}' for i in range(n))
space = {'cuda': cuda}
exec(f'@cuda.jit\ndef k(out, {names}):\n    out[0] = x0 + x{n - 1}\n', space)
out = cuda.to_device(np.zeros(2))
space['k'][1, 1](out, *range(n))
assert geometry(0)[7] == n + 2 and [param(0, 2 + i, np.int64) for i in range(n)] == list(range(n))
''')


def test_host_arrays_of_signatures_with_strides():
    mock(r'''
k = cuda.jit('void(float32[:], int32, float64[:, :])')(lambda a, n, b: None)
a, b = np.zeros(7, np.float32), np.zeros((3, 5), order='F')
k[1, 1](a, 6, b)
k[1, 1](cuda.to_device(a), 6, cuda.to_device(b)[:, 1:3])
assert geometry(0)[7] == 9
for i, (strides, columns) in enumerate([((40, 8), 5), ((8, 24), 2)]):
    assert [param(i, 1, np.int64), param(i, 2, np.int64), param(i, 3, np.int32)] == [7, 4, 6]
    assert [param(i, p, np.int64) for p in (5, 6, 7, 8)] == [3, columns, *strides]
''')


def test_in_out_inout():
    mock(r'''
copies = []
@KERNEL
def work(name, g, params):
    for p in 0, 2, 4:
        a = array_at(params, p, 4, 'f8')
        copies.append(a.tolist())
        a[:] = p + 1
fake.nj_fake_on_launch(work)
k = cuda.jit(lambda a, b, c: None)
a, b, c = np.full(4, 7.0), np.full(4, 8.0), np.full(4, 9.0)
k[1, 1](cuda.In(a), cuda.Out(b), cuda.InOut(c))
assert copies[0] == [7] * 4 and copies[1] != [8] * 4 and copies[2] == [9] * 4
assert (a.tolist(), b.tolist(), c.tolist()) == ([7] * 4, [3] * 4, [5] * 4)
d = cuda.to_device(a)
k[1, 1](cuda.In(d), cuda.Out(d), d)
assert d.copy_to_host().tolist() == [5] * 4
frozen = a.copy(); frozen.flags.writeable = False
k[1, 1](cuda.In(frozen), b, c)
raises(TypeError, k[1, 1], cuda.In(object()), b, c)
raises(TypeError, cuda.In)
''')


def test_pinned_and_mapped():
    mock(r'''
cuda.get_current_device()
live = fake.nj_fake_live()
p = cuda.pinned_array((2, 3), np.float32, order='F')
assert type(p) is np.ndarray and p.shape == (2, 3) and p.flags.f_contiguous and fake.nj_fake_live() == live + 1
assert cuda.pinned_array_like(p).flags.f_contiguous
m = cuda.mapped_array(6)
m[:] = 5
@KERNEL
def work(name, g, params):
    array_at(params, 0, ctypes.cast(params[1], ctypes.POINTER(ctypes.c_int64))[0], 'f8')[:] = 1
fake.nj_fake_on_launch(work)
k = cuda.jit(lambda a: None)
k[1, 1](m)
k[1, 1](m[2:4])
assert param(1, 0) == param(0, 0) + 16 and m.tolist() == [1] * 6
fresh = m + 1
assert not hasattr(fresh, '__cuda_array_interface__')
k[1, 1](fresh)
assert fresh.tolist() == [1] * 6                      # a copy in plain memory is copied in and out
with cuda.pinned(fresh, np.asarray(m)[:0]):
    assert fake.nj_fake_live() > live + 2
with cuda.mapped(fresh) as d:
    fresh[:] = 3
    k[1, 1](d)
    assert fresh.tolist() == [1] * 6
e = raises(ValueError, cuda.pinned_array, -1)
e = raises((ValueError, BufferError), lambda: cuda.pinned(np.zeros((4, 4))[::2, ::2]))
fake.nj_fake_fail_at(1, 1)
for call in lambda: cuda.pinned_array(4), lambda: cuda.mapped_array(4), lambda: cuda.pinned(fresh):
    for n in 1, 2, 3:
        fake.nj_fake_fail_at(n, 1)
        try:
            call()
        except CudaAPIError:
            pass
        fake.nj_fake_fail_at(0, 0)
del p, m, d, fresh, k, e
gc.collect()
assert fake.nj_fake_live() == live, (live, fake.nj_fake_live())
''')


def test_the_bench_beside_bare_calls():
    """What tests/gpu/run.sh measures on a GPU: every case is launched by naja and from C."""
    import pathlib
    import shutil
    if not any(map(shutil.which, ('cc', 'gcc', 'clang'))):
        pytest.skip('no C compiler for the launches from C')
    bench = pathlib.Path(__file__).parents[1] / 'bench' / 'launch.py'
    for version in '12080', '13990':                      # older than libNVVM's PTX, and newer
        done = subprocess.run([sys.executable, bench, '--bare', '--bursts', '2'], capture_output=True, text=True,
                              timeout=120, env={**os.environ, 'NAJA_DEVICE': 'mock', 'NAJA_FAKE_VERSION': version})
        assert done.returncode == 0, done.stdout + done.stderr
        rows = [line for line in done.stdout.splitlines() if line.count(' ns') == 2]
        assert len(rows) == 5 and rows[0].startswith('no arguments') and rows[4].startswith('256 scalars'), done.stdout
