"""What users get wrong with kernels: each a named error that says what to change, and the arrays stay as they were."""
import datetime
import math
import sys

import numpy as np
import pytest

from naja import cuda, errors, float32, float64, int32, void

OUTER = {'a': 1}


@cuda.jit
def fill(out, value):
    i = cuda.grid(1)
    if i < out.size:
        out[i] = value


def launch(body, *args):
    """A kernel of one argument `a` (an array of four zeros) and more, with this body, launched."""
    names = ', '.join(['a', *(f'x{i}' for i in range(len(args)))])
    space = {'cuda': cuda, 'np': np, 'math': math, 'OUTER': OUTER, 'float32': float32, 'int32': int32, 'fill': fill,
             'datetime': datetime}
    lines = '\n    '.join(body.split('\n'))
    exec(f'@cuda.jit\ndef kernel({names}):\n    {lines}\n', space)
    a = np.zeros(4)
    try:
        space['kernel'][1, 4](a, *args)
    finally:
        assert not a.any()


# body of the kernel, further arguments, the exception, words of its message
BODIES = [
    ('a[0] = nothing_of_this_name', (), NameError, "name 'nothing_of_this_name' is not defined"),
    ('a[0] = b\nb = 1', (), errors.TypingError, "'b' is used before"),
    ('a[0] = math.no_such', (), errors.TypingError, "'math' has no attribute 'no_such'"),
    ('a[0] = np.no_such(1)', (), errors.TypingError, "'numpy' has no attribute 'no_such'"),
    ('cuda.no_such()', (), errors.TypingError, "'naja.cuda' has no attribute 'no_such'"),
    ('a[0] = a.no_such', (), errors.TypingError, "no attribute 'no_such'"),
    ('a[0] = cuda.threadIdx.w', (), errors.TypingError, "no attribute 'w'"),
    ('a[0] = OUTER["a"]', (), errors.NajaError, 'OUTER.*dict'),
    ('a[0] = "text"', (), errors.TypingError, 'cannot store'),
    ('a[0] = 1j', (), errors.TypingError, 'complex128'),
    ('a["k"] = 1', (), errors.TypingError, 'index'),
    ('a[1.5] = 1', (), errors.TypingError, 'index'),
    ('a[0, 0] = 1', (), errors.TypingError, 'too many indices'),
    ('a[0] = a[0] + "x"', (), errors.TypingError, r"no operation '\+'"),
    ('a[0] = a[0] @ a[1]', (), errors.NajaError, '@'),
    ('a[0] = (1, 2) < 3', (), errors.TypingError, 'compare'),
    ('v = 1\nif a[0] > 0:\n    v = (1, 2)\na[0] = v', (), errors.TypingError, "unify"),
    ('v = a\nif a[0] > 0:\n    v = 1.5\na[0] = v', (), errors.TypingError, "unify"),
    ('x, y, z = (1, 2)\na[0] = x', (), errors.TypingError, 'unpack'),
    ('a[0] = len(5)', (), errors.TypingError, 'len'),
    ('a[0] = math.sqrt()', (), errors.TypingError, 'sqrt'),
    ('a[0] = math.sqrt(1, 2)', (), errors.TypingError, 'sqrt'),
    ('a[0] = math.sqrt("x")', (), errors.TypingError, 'sqrt'),
    ('a[0] = int32(1, 2)', (), errors.TypingError, 'int32'),
    ('a[0] = x0(1)', (3,), errors.TypingError, 'not callable'),
    ('for i in 5:\n    a[0] = i', (), errors.TypingError, 'iterat'),
    ('i, j, k, l = cuda.grid(4)', (), errors.TypingError, '1, 2 or 3'),
    ('a[0] = cuda.grid(x0)', (1,), errors.TypingError, 'constant'),
    ('s = cuda.shared.array(x0, float32)\na[0] = s[0]', (5,), errors.TypingError, 'constant'),
    ('s = cuda.shared.array(-3, float32)\na[0] = s[0]', (), errors.TypingError, 'positive'),
    ('s = cuda.local.array(0, float32)\na[0] = s[0]', (), errors.TypingError, 'positive'),
    ('s = cuda.local.array((2, 0), float32)\na[0] = s[0, 0]', (), errors.TypingError, 'positive'),
    ('s = cuda.shared.array(4, "no_type")\na[0] = s[0]', (), errors.TypingError, 'shared.array'),
    ('s = cuda.shared.array(4)\na[0] = s[0]', (), errors.TypingError, "missing.*'dtype'"),
    ('s = cuda.shared.array(100000, float32)\na[0] = s[0]', (), errors.NajaError, '400000.*shared memory'),
    ('s = cuda.local.array(4, dtype=float32, align=3)\na[0] = s[0]', (), errors.TypingError, "keyword argument 'align'"),
    ('cuda.atomic.add(a, 0)', (), errors.TypingError, "missing.*'val'"),
    ('cuda.atomic.add(a, (0, 0), 1)', (), errors.TypingError, 'too many indices'),
    ('cuda.atomic.add(a, 0, "x")', (), errors.TypingError, 'atomic.add'),
    ('cuda.atomic.and_(a, 0, 1)', (), errors.TypingError, 'atomic.and_'),
    ('cuda.atomic.add(x0, 0, 1)', (np.zeros(2, np.int8),), errors.TypingError, 'int8'),
    ('cuda.atomic.add(x0, 0, 1)', (np.zeros(2, np.complex64),), errors.TypingError, 'complex64'),
    ('cuda.syncthreads(1)', (), errors.TypingError, 'syncthreads'),
    ('fill[1, 1](a, 2.0)', (), errors.NajaError, 'fill|index'),
    ('return 5', (), TypeError, 'must not return'),
    ('a[0] = [1, 2, 3][0]', (), errors.NajaError, 'list'),
    ('a[0] = {"x": 1}["x"]', (), errors.NajaError, 'dict'),
    ('a[0] = f"{1}"', (), errors.NajaError, 'string'),
    ('try:\n    a[0] = 0\nexcept ValueError:\n    pass', (), errors.UnsupportedError, 'try|except'),
    ('with a:\n    pass', (), errors.UnsupportedError, 'with'),
    ('yield a[0]', (), errors.UnsupportedError, 'generator'),
    ('a[0] = sorted((3, 1))[0]', (), errors.NajaError, 'sorted'),
    ('import os\na[0] = 1', (), errors.NajaError, 'import'),
    ('global OUTER\nOUTER = 2', (), errors.NajaError, 'global'),
    ('a[0] = 10 ** 30', (), errors.TypingError, '64 bits|too large|fit'),
    ('b = np.zeros(4)\na[0] = b[0]', (), errors.NajaError, 'zeros'),
    ('x0[0] = 1', ((1, 2),), errors.TypingError, 'tuple|Tuple'),
    ('a[0] = x0[5]', ((1, 2),), errors.TypingError, 'range|index'),
    ('a[0] = x0 + 1', (None,), errors.TypingError, 'none'),
    ('a[0] = datetime.date.today()', (), errors.NajaError, 'date'),
]


@pytest.mark.parametrize('body, args, error, words', BODIES, ids=[b[0].replace('\n', '; ')[:50] for b in BODIES])
def test_bodies(body, args, error, words):
    with pytest.raises(error, match=words) as e:
        launch(body, *args)
    if issubclass(error, errors.NajaError):
        assert 'kernel' in str(e.value)             # where it happened
    assert not isinstance(e.value, errors.InternalError)


class Odd:
    pass


# arguments of fill(out, value), the exception, words of its message
ARGUMENTS = [
    ((), TypeError, 'out|argument'),
    ((np.zeros(3),), TypeError, 'value|argument'),
    ((np.zeros(3), 1.0, 2), TypeError, 'argument'),
    ((np.zeros(3), Odd()), TypeError, 'Odd'),
    ((np.zeros(3), 'text'), TypeError, 'type str'),
    ((np.zeros(3), {'a': 1}), TypeError, 'dict'),
    ((np.zeros(3), [1, 2]), TypeError, 'list'),
    ((np.zeros(3), {1, 2}), TypeError, 'set'),
    ((np.zeros(3), datetime.datetime(2020, 1, 1)), TypeError, 'datetime'),
    ((np.zeros(3), object), TypeError, 'type'),
    ((np.zeros(3), len), TypeError, 'len|function'),
    ((np.zeros(3), 1 << 70), ValueError, 'too large.*64 bits'),
    ((np.zeros(3), 1j), errors.TypingError, 'complex'),
    ((np.zeros(3), None), errors.TypingError, 'none'),
    ((np.zeros(3), np.zeros(3)), errors.TypingError, 'cannot store|array'),
    ((5, 1.0), errors.TypingError, 'size|int64'),
    (([1.0, 2.0], 1.0), TypeError, 'list'),
    ((np.array(['a', 'b']), 1.0), TypeError, '<U1|str|dtype'),
    ((np.array([None, 1]), 1.0), TypeError, 'object'),
    ((np.zeros(3, 'M8[s]'), 1.0), TypeError, 'datetime64'),
    ((np.zeros(3, np.float16), 1.0), TypeError, 'float16'),
    ((np.zeros(3, '>f8'), 1.0), TypeError, '>f8|byte order'),
    ((memoryview(b'abc'), 1.0), TypeError, 'memoryview'),
    ((b'abc', 1.0), TypeError, 'bytes|attribute'),
]


@pytest.mark.parametrize('args, error, words', ARGUMENTS, ids=range(len(ARGUMENTS)))
def test_arguments(args, error, words):
    before = [a.copy() for a in args if isinstance(a, np.ndarray)]
    with pytest.raises(error, match=words) as e:
        fill[1, 4](*args)
    assert not isinstance(e.value, errors.InternalError)
    for old, new in zip(before, [a for a in args if isinstance(a, np.ndarray)]):
        assert np.array_equal(old, new)


def frozen():
    a = np.zeros(4)
    a.flags.writeable = False
    return a


EAGER = cuda.jit(void(float32[::1], int32))(lambda out, n: None)
DEVICE = cuda.jit(device=True)(lambda x: x)

# a call, the exception, words of its message
CALLS = [
    (lambda: fill[0, 32], ValueError, 'from 1'),
    (lambda: fill[-5, 32], ValueError, 'from 1'),
    (lambda: fill[1, 0], ValueError, 'from 1'),
    (lambda: fill[1, 1025], ValueError, 'at most 1024'),
    (lambda: fill[1, (64, 64)], ValueError, '4096 threads'),
    (lambda: fill[(1, 70000), 1], ValueError, '65535'),
    (lambda: fill[1 << 40, 1], ValueError, 'from 1'),
    (lambda: fill[(), 1], ValueError, '1, 2 or 3'),
    (lambda: fill[None, 1], TypeError, 'integers'),
    (lambda: fill[1.0, 1], TypeError, 'integers'),
    (lambda: fill[1, 1, 0, 'many'], TypeError, 'int'),
    (lambda: fill[1, 1, 0, 1 << 40], ValueError, 'shared memory'),
    (lambda: fill[1, 1, 0, 300000](np.zeros(4), 1.0), ValueError, 'shared memory'),
    (lambda: fill[1, 1, 'stream'], TypeError, 'stream'),
    (lambda: fill(np.zeros(4), 1.0), ValueError, r'write fill\[blocks, threads\]'),
    (lambda: fill[1, 1](frozen(), 1.0), errors.TypingError, 'read-only'),
    (lambda: EAGER[1, 1](np.zeros(4), 1), TypeError, 'float64'),
    (lambda: EAGER[1, 1](np.zeros(8, np.float32)[::2], 1), TypeError, 'float32'),
    (lambda: EAGER[1, 1](np.zeros(4, np.float32)), TypeError, 'signature|argument'),
    (lambda: DEVICE[1, 1](1), TypeError, 'device function'),
    (lambda: DEVICE(1), TypeError, '^<lambda> is a device function'),
    (lambda: cuda.jit(5), TypeError, 'signature'),
    (lambda: cuda.jit('void(no_type)')(lambda x: None), TypeError, 'unknown type at column 6'),
    (lambda: cuda.jit('void(int32')(lambda x: None), TypeError, r'expected'),
    (lambda: cuda.jit('int32(int32)')(lambda x: x), TypeError, 'void'),
    (lambda: cuda.jit('void(int32, int32)')(lambda x: None), TypeError, 'argument|parameter'),
    (lambda: cuda.jit(max_registers=-1)(lambda x: None), ValueError, 'max_registers'),
    (lambda: cuda.jit(launch_bounds=(1, 2, 3, 4))(lambda x: None), ValueError, 'launch_bounds'),
    (lambda: cuda.jit(launch_bounds='many')(lambda x: None), (TypeError, ValueError), 'launch_bounds|int'),
    (lambda: cuda.jit(inline='sometimes')(lambda x: None), ValueError, 'inline'),
    (lambda: cuda.jit(no_option=1)(lambda x: None), TypeError, 'no_option'),
    (lambda: fill.forall(-1), ValueError, 'negative'),
    (lambda: fill.forall(5, tpb=5000)(np.zeros(5), 1.0), ValueError, 'at most 1024'),
    (lambda: cuda.compile_ptx(lambda x: None, 'void(int32)', cc=(1, 0)), (errors.NajaError, ValueError), '1.0|capability'),
    (lambda: cuda.compile_ptx(lambda x: None, 'void(int32)', cc=90), ValueError, r'cc.*\(9, 0\)'),
    (lambda: cuda.compile_ptx(lambda x: None, 'void(int32)', output='cubin'), NotImplementedError, 'output'),
    (lambda: cuda.compile_ptx(lambda x: None, 'void(int32)', no_option=1), TypeError, 'no_option'),
    (lambda: cuda.compile(lambda x: x, 'int32(int32)', output='ltoir'), NotImplementedError, 'ltoir|output'),
    (lambda: cuda.device_array(-1), ValueError, 'negative'),
    (lambda: cuda.device_array((2, -3)), ValueError, 'negative'),
    (lambda: cuda.device_array(3, dtype='no_type'), TypeError, 'no_type'),
    (lambda: cuda.device_array(3, order='X'), ValueError, 'order'),
    (lambda: cuda.device_array('3'), TypeError, 'shape'),
    (lambda: cuda.to_device(np.zeros(3)).copy_to_host(np.zeros(4)), (TypeError, ValueError), 'shape'),
    (lambda: cuda.to_device(np.zeros(3)).copy_to_host(np.zeros(3, 'f4')), TypeError, 'float32'),
    (lambda: cuda.to_device(np.zeros(3)).copy_to_host(frozen()[:3]), ValueError, 'read-only'),
    (lambda: cuda.to_device(np.zeros(3)).copy_to_device(np.zeros(4)), ValueError, 'shape'),
    (lambda: cuda.to_device(np.zeros(3))[5], IndexError, 'out of bounds'),
    (lambda: cuda.to_device(np.zeros(3))[[0, 1]], IndexError, 'integers and slices'),
    (lambda: cuda.to_device(np.zeros((3, 4))).T.reshape(12), ValueError, 'copy|reshape|shape'),
    (lambda: cuda.to_device(np.array([None])), TypeError, 'object'),
    (lambda: cuda.as_cuda_array(5), TypeError, '__cuda_array_interface__'),
    (lambda: cuda.select_device(99), IndexError, '99'),
    (lambda: cuda.get_current_device().NO_SUCH_ATTRIBUTE, AttributeError, 'no_such_attribute'),
    (lambda: cuda.event().elapsed_time(5), TypeError, 'event'),
    (lambda: cuda.event_elapsed_time(cuda.event(), cuda.event()), errors.NajaError, 'recorded'),
    (lambda: cuda.threadIdx.x(), RuntimeError, 'kernel'),
    (lambda: cuda.grid(1), RuntimeError, 'kernel'),
    (lambda: cuda.shared.array(3, float32), RuntimeError, 'kernel'),
    (lambda: fill.inspect_asm('void(no_type)'), TypeError, 'unknown type'),
]


@pytest.mark.parametrize('call, error, words', CALLS, ids=range(len(CALLS)))
def test_calls(call, error, words):
    with pytest.raises(error, match=words) as e:
        call()
    assert not isinstance(e.value, errors.InternalError)


def test_several_errors_at_once():
    @cuda.jit
    def kernel(a):
        a[0] = a.no_such
        a[1] = math.sqrt("x")
        a[2] = a[0] + (1, 2)

    with pytest.raises(errors.TypingError) as e:
        kernel[1, 1](np.zeros(4))
    carets = ('^^^',) if sys.version_info >= (3, 11) else ()       # 3.10 keeps no columns
    assert all(w in str(e.value) for w in ('no_such', 'math.sqrt', 'UniTuple(int64', *carets))


def test_after_an_error_everything_goes_on():
    out = np.zeros(4)
    with pytest.raises(errors.TypingError):
        fill[1, 4](out, 1j)
    fill[1, 4](out, 1)
    assert (out == 1).all()


@pytest.mark.parametrize('options', [dict(boundscheck=True), dict(debug=True, opt=False)], ids=['boundscheck', 'debug'])
def test_bounds(options):
    @cuda.jit(**options)
    def shift(a, k):
        i = cuda.grid(1)
        a[i + k] = i

    a = np.zeros(8)
    shift[1, 4](a, 4)
    assert a.tolist() == [0, 0, 0, 0, 0, 1, 2, 3]
    for k in (5, -13):
        with pytest.raises(IndexError, match='out of bounds for axis 0'):
            shift[1, 4](a, k)


@pytest.mark.skipif(not hasattr(Exception, 'add_note'), reason='exceptions have notes from Python 3.11 on')
@pytest.mark.parametrize('barrier', [False, True])
def test_which_thread_raised(barrier):
    @cuda.jit(debug=True, opt=False)
    def kernel(a):
        x, y = cuda.grid(2)
        if barrier:
            cuda.syncthreads()
        if x == 5 and y == 3:
            raise ValueError('no good')

    with pytest.raises(ValueError, match='no good') as e:
        kernel[(2, 2), (4, 2)](np.zeros(1))
    assert e.value.__notes__ == ['raised in block (1, 1, 0), thread (1, 1, 0)']
