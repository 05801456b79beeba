"""The launch path under what users do: tuples of arrays, other libraries' arrays and streams, defaults, threads, recompiling."""
import collections
import gc
import os
import subprocess
import sys
import weakref

import numpy as np
import pytest

from naja import cuda, errors, njit
from test_mock import FAKE, mock

Pair = collections.namedtuple('Pair', 'x y')
needs_fake = pytest.mark.skipif(not FAKE, reason='NAJA_FAKE_CUDA does not name the fake driver')


class Foreign:
    """An array of another library."""

    def __init__(self, a, **more):
        self.a = a
        self.__cuda_array_interface__ = dict(shape=a.shape, typestr=a.dtype.str, data=(a.ctypes.data, False), version=3, **more)


class ForeignStream:
    def __init__(self, *answer):
        self.answer = answer

    def __cuda_stream__(self):
        return self.answer


@cuda.jit
def swap(pair, n):
    i = cuda.grid(1)
    if i < n:
        pair[0][i], pair[1][i] = pair[1][i], pair[0][i]


@cuda.jit
def fill(a, x, y=3):
    i = cuda.grid(1)
    if i < a.size:
        a[i] = x + y


def two():
    return np.arange(4.0), np.arange(4.0) + 10


@pytest.mark.parametrize('tuple_of', [lambda a, b: (a, b), Pair])
@pytest.mark.parametrize('wrap, read', [
    (lambda a: a, lambda a, w: a), (cuda.to_device, lambda a, w: w.copy_to_host()), (Foreign, lambda a, w: a),
    (cuda.InOut, lambda a, w: a), (lambda a: a[::2], lambda a, w: a[::2])])
def test_tuples_of_arrays(tuple_of, wrap, read):
    a, b = two()
    v, w = wrap(a), wrap(b)
    want = [x.copy() for x in (read(b, w), read(a, v))]
    swap[1, 32](tuple_of(v, w), len(want[0]))
    assert np.array_equal(read(a, v), want[0]) and np.array_equal(read(b, w), want[1])


def test_in_inside_of_a_tuple_keeps_the_array():
    a, b = two()
    swap[1, 32]((cuda.In(a), b), 4)
    assert a.tolist() == [0, 1, 2, 3] and b.tolist() == [0, 1, 2, 3]


def test_in_of_a_read_only_array_is_read_only():
    a = np.zeros(4)
    a.flags.writeable = False
    with pytest.raises(errors.TypingError, match='read-only'):
        fill[1, 4](cuda.In(a), 1.0)


@needs_fake
def test_tuples_of_host_arrays_are_copied_to_a_gpu():
    mock(r'''
import collections
Pair = collections.namedtuple('Pair', 'x y')
@cuda.jit
def k(p, n):
    p[0][0] = p[1][0] + n
@KERNEL
def work(name, g, params):
    array_at(params, 0, 4, 'f8')[:] = array_at(params, 2, 4, 'f8') + 1
fake.nj_fake_on_launch(work)
for make in Pair, lambda x, y: (x, y):
    a, b = np.zeros(4), np.arange(4.0)
    n = fake.nj_fake_launch_count()
    k[1, 1](make(a, b), 5)
    assert param(n, 0) not in (a.ctypes.data, b.ctypes.data) and param(n, 1) == 4 and param(n, 4) == 5
    assert a.tolist() == [1, 2, 3, 4] and b.tolist() == [0, 1, 2, 3], (a, b)
fake.nj_fake_on_launch(None)
a, b = np.zeros(8)[::2], np.arange(8.0)[::2]
k[1, 1]((cuda.Out(a), cuda.In(b)), 5)
assert param(n + 1, 1) == 4 and param(n + 1, 2) == 8, 'dense strides'
d = cuda.to_device(np.arange(4.0))
k[1, 1]((d, d), 1)
assert param(n + 2, 0) == d.ptr == param(n + 2, 2)
live = fake.nj_fake_live()
k[1, 1]((np.zeros(9), np.zeros(9)), 5)
assert fake.nj_fake_live() == live
''')


@needs_fake
def test_copies_go_through_the_stream_of_the_launch():
    mock(r'''
fake.nj_fake_called.restype = ctypes.c_long
a, s = np.arange(10.0), cuda.stream()
add[1, 32](a, a, a)
assert fake.nj_fake_called(b'cuMemcpyHtoDAsync') == 0
add[1, 32, s](a, a, a)
assert fake.nj_fake_called(b'cuMemcpyHtoDAsync') == 1 and fake.nj_fake_called(b'cuStreamSynchronize') >= 1
n = fake.nj_fake_called(b'cuStreamSynchronize')
b = a.copy()
b.flags.writeable = False
d = cuda.to_device(a)
add[1, 32, s](cuda.In(b), cuda.In(b), d)
assert fake.nj_fake_called(b'cuStreamSynchronize') == n + 1, 'the copies on the device go when nobody reads them any more'
''')


@needs_fake
def test_streams_of_other_libraries():
    mock(r'''
class Foreign:
    def __init__(self, *answer): self.answer = answer
    def __cuda_stream__(self): return self.answer
class Old:
    def __init__(self, answer): self.__cuda_stream__ = answer
s = cuda.stream()
d = cuda.to_device(np.zeros(10))
for i, foreign in enumerate((Foreign(0, int(s)), Old((0, int(s))), Foreign(0, 0))):
    k = add[1, 32, foreign]
    k(d, d, d)
    assert k.stream is foreign and (fake.nj_fake_launch_stream(i) or 0) == foreign.__cuda_stream__()[1] if i != 1 else True
assert fake.nj_fake_launch_stream(1) == int(s)
e = cuda.event()
e.record(Foreign(0, int(s)))
e.wait(Foreign(0, int(s)))
d.copy_to_host(stream=Foreign(0, int(s)))
d[::2].copy_to_host(stream=Foreign(0, int(s)))
assert 'version 1' in str(raises(ValueError, lambda: add[1, 1, Foreign(1, 5)]))
raises(TypeError, lambda: add[1, 1, Foreign(0)])
class Seen:
    pass
for stream, waits in (int(s), 1), (None, 0):
    o = Seen()
    o.__cuda_array_interface__ = dict(shape=(10,), typestr='<f8', data=(d.ptr, False), version=3, stream=stream)
    n = fake.nj_fake_called(b'cuStreamSynchronize')
    add[1, 32](o, d, d)
    assert fake.nj_fake_called(b'cuStreamSynchronize') == n + waits
''')


@pytest.mark.parametrize('stream, error, words', [
    ('', TypeError, 'not str'), ([], TypeError, 'not list'), (5, TypeError, 'external_stream'),
    (True, TypeError, 'external_stream'), (ForeignStream(2, 0), ValueError, 'version 2'),
    (ForeignStream('x', 0), TypeError, 'must give'), (ForeignStream(0, None), TypeError, 'must give')])
def test_what_is_no_stream(stream, error, words):
    with pytest.raises(error, match=words):
        fill[1, 1, stream]


def test_streams_that_mean_the_default():
    for stream in None, 0, False, np.int64(0), ForeignStream(0, 0), ForeignStream(0, 7), cuda.default_stream():
        a = np.zeros(2)
        fill[1, 2, stream](a, 1.0, 1.0)
        assert a.tolist() == [2, 2]


@pytest.mark.parametrize('config, error, words', [
    ((2**63, 1), ValueError, '9223372036854775808; it must be from 1'), ((1, -2**70), ValueError, 'it must be from 1'),
    ((1, 1, 0, 2**40), ValueError, '1099511627776 bytes of dynamic shared memory'), ((1, 1, 0, 1.5), TypeError, 'not a float'),
    ((1, 1, 0, 300000), ValueError, '300000 bytes of dynamic shared memory; .* takes from 0 to')])
def test_limits(config, error, words):
    with pytest.raises(error, match=words):
        fill[config]


def test_shared_memory_of_its_own_beside_what_was_asked_for():
    @cuda.jit
    def k(a):
        s = cuda.shared.array(4000, np.float64)
        s[0] = a[0]
        cuda.syncthreads()
        a[0] = s[0]

    with pytest.raises(ValueError, match="kernel 'k': 2[0-9]* bytes of shared memory; at most"):
        k[1, 1, 0, 230000](np.zeros(1))


def test_an_exception_in_index_is_passed_on():
    class Index:
        def __index__(self):
            raise KeyError('mine')

    with pytest.raises(KeyError, match='mine'):
        fill[Index(), 1]


@pytest.mark.parametrize('value, error, words', [
    (dict(), TypeError, "is not one: KeyError: 'shape'"), (5, TypeError, 'is not one'), (dict(shape=(3,)), TypeError, 'typestr'),
    (dict(shape=(3,), typestr='<f8', data=(0, False), strides=(8, 8)), TypeError, '1 dimensions with 2 strides'),
    (dict(shape=(3,), typestr='<f8', data=(0, False), mask=1), NotImplementedError, 'mask'),
    (dict(shape=(-3,), typestr='<f8', data=(0, False)), TypeError, 'negative'),
    (dict(shape=(3,), typestr='nothing', data=(0, False)), TypeError, 'nothing')])
def test_what_is_no_cuda_array(value, error, words):
    o = type('Theirs', (), {'__cuda_array_interface__': value})()
    for launch in (lambda: fill[1, 1](o, 1.0), lambda: fill[1, 1]((o, 1), 1.0)):
        with pytest.raises(error, match=words):
            launch()


def test_defaults_and_keywords_bind_as_python_does():
    a = np.zeros(2)
    k = fill[1, 2]
    for args, kws, want in ((a, 1.0), {}, 4), ((a,), dict(x=2.0), 5), ((a, 1.0), dict(y=7.0), 8), ((), dict(y=1.0, x=1.0, a=a), 2):
        k(*args, **kws)
        assert a.tolist() == [want] * 2
    fill.forall(2)(a, x=0.0)
    assert a.tolist() == [3, 3]
    for args, kws, words in ((), {}, "missing a required argument: 'a'"), ((a, 1, 2, 3), {}, r'fill\(\) takes 3 positional'), \
            ((a, 1), dict(z=1), "unexpected keyword argument 'z'"), ((a, 1), dict(x=1), "multiple values for argument 'x'"):
        with pytest.raises(TypeError, match=words):
            k(*args, **kws)

    @cuda.jit
    def only(a, *, b=2):
        a[0] = b

    only[1, 1](a)
    assert a[0] == 2
    only[1, 1](a, b=5)
    assert a[0] == 5
    with pytest.raises(TypeError, match='positional'):
        only[1, 1](a, 5)


def test_star_arguments_are_refused_by_name():
    @cuda.jit
    def star(*args):
        args[0][0] = 1

    for args in (), (np.zeros(1),):
        with pytest.raises(errors.UnsupportedError, match=r'\*args'):
            star[1, 1](*args)


def test_a_kernel_is_made_of_a_function():
    class Callable:
        __code__ = fill.py_func.__code__

        def __call__(self):
            pass

    with pytest.raises(TypeError, match='Python function'):
        cuda.jit(Callable())


def test_launches_held_by_their_kernel_are_collected():
    @cuda.jit
    def k(a):
        a[0] = 1

    k.held = k[1, 1]
    k.held(np.zeros(1))
    dead = weakref.ref(k)
    del k
    gc.collect()
    assert dead() is None


def test_configurations_leave_nothing():
    a = cuda.to_device(np.zeros(1))
    fill[1, 1](a, 1.0, 1.0)
    gc.collect()
    before = sys.getallocatedblocks()
    for i in range(50000):
        fill[i % 1000 + 1, 32, 0, i % 64]
    for i in range(2000):
        fill[1, 1](a, 1.0)
        fill[1, 1]((a, 1)[0], x=1.0)
    assert sys.getallocatedblocks() - before < 500


RECOMPILE = r'''
import os, threading, numpy as np
from naja import cuda
F = 0
@cuda.jit
def k(a, t, n):
    i = cuda.grid(1)
    if i < a.size:
        s = 0.0
        for j in range(n):
            s += t[0][i] * j
        a[i] = F + 0 * s
def make():
    return cuda.to_device(np.zeros(64)), (np.ones(64), 1), 3000
k[2, 32](*make())
stop, errors = False, []
def run():
    try:
        a, launch = make(), k[2, 32]
        while not stop:
            launch(*a)
            launch(np.zeros(64), *a[1:])
    except BaseException as e:
        errors.append(e)
threads = [threading.Thread(target=run) for _ in range(3)]
for t in threads: t.start()
for F in range(1, 25):
    k.recompile()
    k.inspect_llvm()
stop = True
for t in threads: t.join()
assert not errors, errors
a = make()
k[2, 32](*a)
assert os.environ['NAJA_DEVICE'] == 'mock' or (a[0].copy_to_host() == F).all(), 'an old global'
'''


@pytest.mark.parametrize('device', ['cpu', pytest.param('mock', marks=needs_fake)])
def test_recompile_while_launching(device):
    done = subprocess.run([sys.executable, '-c', RECOMPILE], capture_output=True, text=True, timeout=300,
                          env={**os.environ, 'NAJA_DEVICE': device})
    assert done.returncode == 0, done.stderr


def test_recompile_of_a_kernel_that_compiles_no_more():
    @cuda.jit
    def k(a):
        a[0] = 1

    k[1, 1](np.zeros(1))
    k.disable_compile()
    k.recompile()
    k[1, 1](np.zeros(1))
    with pytest.raises(RuntimeError, match='disabled'):
        k[1, 1](np.zeros(1, np.int8))


@pytest.mark.parametrize('index, axis, size', [((3, 0), 0, 3), ((-4, 0), 0, 3), ((0, 4), 1, 4), ((2, -5), 1, 4), ((2**40, 0), 0, 3),
                                               ((np.uint8(200), 1), 0, 3)])
def test_index_errors_name_index_and_size(index, axis, size):
    @njit(boundscheck=True)
    def pick(a, i, j):
        return a[i, j]

    @njit(boundscheck=True)
    def outer(a, i, j):
        return pick(a, i, j) + 1

    @cuda.jit(boundscheck=True)
    def kernel(a, i, j):
        if cuda.grid(1) == 77:
            a[0, 0] = pick(a, i, j)

    @cuda.jit(boundscheck=True)
    def waiting(a, i, j):
        cuda.syncthreads()
        if cuda.grid(1) == 77:
            a[0, 0] = a[i, j]
        cuda.syncthreads()

    a = np.zeros((3, 4))
    for call in pick, outer, kernel[20, 32], waiting[20, 32]:
        with pytest.raises(IndexError) as e:
            call(a, *index)
        assert str(e.value) == f'index {index[axis]} is out of bounds for axis {axis} with size {size}'
    with pytest.raises(IndexError) as numpys:
        a[index]
    assert str(numpys.value) == str(e.value)


def test_index_errors_of_many_threads_are_one_of_theirs():
    @cuda.jit(boundscheck=True)
    def kernel(a, n):
        i = cuda.grid(1)
        if i < n:
            a[i] = i

    for n in 101, 400, 4096:
        with pytest.raises(IndexError, match='index [0-9]+ is out of bounds for axis 0 with size 100') as e:
            kernel[128, 32](np.zeros(100), n)
        assert 100 <= int(str(e.value).split()[1]) < n


def test_an_index_error_of_the_program_keeps_its_words():
    @njit(boundscheck=True)
    def f(a):
        if a.size > 2:
            raise IndexError('index is out of bounds for axis 0')
        return a[5]

    with pytest.raises(IndexError, match='index 5 is'):
        f(np.zeros(1))
    with pytest.raises(IndexError, match='^index is out of bounds for axis 0$'):
        f(np.zeros(3))
