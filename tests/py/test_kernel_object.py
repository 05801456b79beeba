"""The object behind @cuda.jit: signatures, pickles, copies, inspection, options."""
import copy
import functools
import io
import math
import pickle
import subprocess
import sys

import numpy as np
import pytest

from naja import cuda, errors, float32, float64, int32, void


@cuda.jit
def scale(a, s=2):
    i = cuda.grid(1)
    if i < a.size:
        a[i] *= s


def ones(kernel, *args):
    """What a kernel of one array makes of four ones."""
    a = np.ones(4)
    kernel[1, 4](a, *args)
    return a.tolist()


def test_eager_device_function_with_default():
    @cuda.jit('float64(float64, float64)', device=True)
    def f(a, b=3.0):
        return a * b

    @cuda.jit
    def kernel(a):
        a[0] = f(a[1])
        a[2] = f(2, 5)

    a = np.array([0, 2., 0])
    kernel[1, 1](a)
    assert a.tolist() == [6, 2, 10]


def test_array_variable_of_two_layouts():
    @cuda.jit
    def kernel(a, n, out):
        if n:
            v = a
        else:
            v = a[::2]
        out[0] = v[1]
        out[1] = v.size

    a, out = np.arange(6.), np.zeros(2)
    for n, expected in (0, [2, 3]), (1, [1, 6]):
        kernel[1, 1](a, n, out)
        assert out.tolist() == expected


def test_list_of_signatures():
    @cuda.jit([void(float32[:], int32), 'void(float64[:], int64)', (int32[:], int32)])
    def kernel(a, n):
        a[0] = n / 2

    for dtype, expected in (np.float32, 2.5), (np.float64, 2.5), (np.int32, 2):
        a = np.zeros(4, dtype)[::2]
        kernel[1, 1](a, 5)
        assert a[0] == expected
    assert len(kernel.signatures) == 3
    with pytest.raises(TypeError, match='int8'):
        kernel[1, 1](np.zeros(1, np.int8), 5)


def test_pickle_by_reference_and_by_value():
    assert pickle.loads(pickle.dumps(scale)) is scale
    factor = 3

    @cuda.jit(device=True)
    def times(x):
        return x * factor

    @cuda.jit(fastmath=True)
    def kernel(a):
        a[cuda.grid(1)] = times(a[cuda.grid(1)]) + math.sqrt(4)

    again = pickle.loads(pickle.dumps(kernel))
    assert again is kernel and ones(again) == [5] * 4        # in the process that sent it; elsewhere:
    code = 'import pickle, sys, numpy as np; k = pickle.load(sys.stdin.buffer); a = np.ones(4); k[1, 4](a); print(a.tolist())'
    done = subprocess.run([sys.executable, '-c', code], input=pickle.dumps(kernel), capture_output=True, check=True)
    assert done.stdout.strip() == b'[5.0, 5.0, 5.0, 5.0]'


def test_copies():
    for made in copy.copy(scale), copy.deepcopy(scale):
        assert made is not scale and ones(made, 3) == [3] * 4 and made.py_func is scale.py_func
    assert scale.__name__ == 'scale' and scale.__wrapped__ is scale.py_func


def test_inspection(capsys):
    ones(scale, 2)
    sig = scale.signatures[-1]
    assert 'define' in scale.inspect_llvm(sig) == scale.inspect_llvm()[sig]
    assert scale.inspect_asm(sig) == scale.inspect_asm()[sig]
    out = io.StringIO()
    scale.inspect_types(out)
    scale.inspect_types()
    assert 'cuda.grid' in out.getvalue() == capsys.readouterr().out
    for name in 'regs_per_thread', 'shared_mem_per_block', 'const_mem_size', 'local_mem_per_thread', 'max_threads_per_block':
        get = getattr(scale, 'get_' + name)
        assert get()[sig] == get(sig) == scale.overloads[sig][name]
    with pytest.raises(errors.CudaSupportError, match='needs a GPU'):
        scale.inspect_sass(sig)


FACTOR = 2


def test_recompile_sees_globals_anew():
    global FACTOR

    @cuda.jit
    def kernel(a):
        a[cuda.grid(1)] = FACTOR

    FACTOR = 2
    assert ones(kernel) == [2] * 4
    FACTOR = 5
    assert ones(kernel) == [2] * 4
    kernel.recompile()
    assert ones(kernel) == [5] * 4


def test_compile_specialize_and_disable():
    @cuda.jit
    def kernel(a):
        a[cuda.grid(1)] = 7

    kernel.compile('void(float32[:])')
    kernel.compile((float32[::1],))
    assert ones(kernel.specialize(np.ones(3))) == [7] * 4 and len(kernel.signatures) == 3
    kernel.disable_compile()
    with pytest.raises((RuntimeError, TypeError), match='disabled'):
        kernel[1, 1](np.zeros(1, np.int8))
    kernel.disable_compile(False)
    kernel[1, 1](np.zeros(1, np.int8))


@pytest.mark.parametrize('options, text', [
    (dict(fastmath=True), 'sqrt.approx'), (dict(lineinfo=True), '.loc'), (dict(debug=True, opt=False), 'debug'), (dict(opt=False), '.entry'),
    (dict(launch_bounds=(128, 2)), '.maxntid 128'), (dict(launch_bounds=64), '.maxntid 64')], ids=str)
def test_options_reach_the_code(options, text):
    @cuda.jit(**options)
    def kernel(a):
        i = cuda.grid(1)
        if i < a.size:
            a[i] = math.sqrt(a[i]) / 3

    assert np.allclose(ones(kernel), 1 / 3)
    assert text in cuda.compile_ptx(kernel, 'void(float32[:])', **options)[0]


def test_compile_names_and_result_types():
    def add(x, y):
        return x + y

    ptx, result = cuda.compile(add, (float32, int32))
    assert result == float64 and '.func' in ptx and ' add(' in ptx
    assert cuda.compile(lambda x: x * 2, 'float32(float32)', cc=(8, 0))[1] == float32
    ptx, result = cuda.compile_ptx(scale.py_func, void(float32[:], int32), cc=(9, 0, 'a'))
    assert '.entry scale(' in ptx and 'sm_90a' in ptx and str(result) in ('none', 'void')


@pytest.mark.parametrize('what', [functools.partial(scale.py_func, 1), len, object(), io.StringIO().write], ids=['partial', 'builtin', 'object', 'method'])
def test_only_python_functions(what):
    with pytest.raises(TypeError, match='Python function'):
        cuda.jit()(what)
