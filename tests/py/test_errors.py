"""What users see when something is wrong: places, source lines, classes, several findings, exceptions from compiled code."""
import os
import subprocess
import sys
import traceback
import warnings

import numpy as np
import pytest

import naja
from naja import errors, njit


def line_of(func, text):
    """The number of the line of func that contains text."""
    import inspect
    lines, first = inspect.getsourcelines(func)
    return first + next(i for i, line in enumerate(lines) if text in line)


# -- compile-time

def test_typing_error_shows_the_place():
    @njit
    def f(a, b):
        c = a * 2
        return c + b      # here
    with pytest.raises(errors.TypingError) as info:
        f(1.0, (1, 2))
    text = str(info.value)
    assert f"{__file__}:{line_of(f.py_func, '# here')}:" in text
    assert "return c + b" in text
    assert "^" in text or sys.version_info < (3, 11)        # 3.10 keeps no columns
    assert "float64" in text and "UniTuple(int64 x 2)" in text


def test_undefined_name():
    @njit
    def f(x):
        return x + undefined_name       # noqa: F821
    with pytest.raises(NameError, match="undefined_name"):
        f(1)


def test_unsupported_construct_names_it():
    @njit
    def f(x):
        return [y for y in range(x)]
    with pytest.raises((errors.UnsupportedError, errors.TypingError)) as info:
        f(1)
    assert "return [y for y in range(x)]" in str(info.value)


@pytest.mark.parametrize("source, what", [("def f(*a): return 1", r"\*args"), ("def f(x, **k): return 1", r"\*\*kwargs")])
def test_variadic_functions_are_refused(source, what):
    scope = {}
    exec(source, scope)
    with pytest.raises(errors.UnsupportedError, match=what):
        njit(scope["f"])(1)


@pytest.mark.parametrize("value, what", [("'text'", "unicode_type"), ("math.sin", "object"), ("(1, (2, 'x'))", "unicode_type")])
def test_results_without_a_python_object(value, what):
    scope = {}
    exec(f"import math\ndef f(): return {value}", scope)
    f = njit(scope["f"])
    with pytest.raises(errors.TypingError, match=what):
        f()
    assert f.signatures == []


def test_error_in_a_callee_points_there():
    @njit
    def inner(t):
        return t + None       # inner line

    @njit
    def outer(x):
        return inner(x)
    with pytest.raises(errors.TypingError) as info:
        outer(1)
    assert "# inner line" in str(info.value)


def test_functions_without_source():
    scope = {}
    exec("def f(a):\n    return a + None", scope)
    with pytest.raises(errors.TypingError) as info:
        njit(scope["f"])(1)
    assert "<string>:2" in str(info.value)


def test_functions_whose_source_only_linecache_knows():
    import linecache
    source = "def f(a):\n    return a + None\n"
    linecache.cache["<cell 1>"] = (len(source), None, source.splitlines(True), "<cell 1>")
    scope = {}
    exec(compile(source, "<cell 1>", "exec"), scope)
    with pytest.raises(errors.TypingError) as info:
        njit(scope["f"])(1)
    assert "return a + None" in str(info.value)


def test_failed_types_do_not_spoil_others():
    @njit
    def f(a):
        return a + 1
    with pytest.raises(errors.TypingError):
        f((1, 2))
    assert f(1) == 2
    with pytest.raises(errors.TypingError):
        f((1, 2))


def test_classes():
    assert issubclass(errors.TypingError, TypeError) and issubclass(errors.UnsupportedError, NotImplementedError)
    for name in ("TypingError", "NumbaError", "NumbaTypeError", "LoweringError", "UnsupportedError", "NumbaWarning",
                 "NumbaPerformanceWarning", "NumbaDeprecationWarning"):
        cls = getattr(naja.core.errors, name)
        assert issubclass(cls, Warning if name.endswith("Warning") else errors.NajaError)
    from naja.core.errors import TypingError
    assert TypingError is errors.TypingError is naja.TypingError


# -- run-time

def raised(f, *args):
    with pytest.raises(Exception) as info:
        f(*args)
    return info.value


def test_exception_with_arguments():
    @njit
    def f(x):
        if x < 0:
            raise ValueError("negative")
        if x == 0:
            raise KeyError
        return x
    assert f(1) == 1
    e = raised(f, -1)
    assert type(e) is ValueError and e.args == ("negative",)
    assert type(raised(f, 0)) is KeyError
    assert f(2) == 2


def test_traceback_shows_the_line_of_the_raise():
    @njit
    def f(x):
        y = x + 1
        if y > 3:
            raise ValueError("too much")      # raised here
        return y
    e = raised(f, 5)
    last = traceback.extract_tb(e.__traceback__)[-1]
    assert (last.filename, last.name) == (__file__, "f")
    assert last.lineno == line_of(f.py_func, "# raised here")


def test_traceback_of_a_callee():
    @njit
    def inner(x):
        if x:
            raise IndexError("inside")        # inner raise
        return x

    @njit
    def outer(x):
        return inner(x) + 1
    e = raised(outer, 1)
    last = traceback.extract_tb(e.__traceback__)[-1]
    assert last.name == "inner" and last.lineno == line_of(inner.py_func, "# inner raise")


class Custom(Exception):
    pass


class Picky(Exception):
    def __init__(self):
        super().__init__("alone")


def test_exception_class_of_the_user():
    @njit
    def f(x):
        if x:
            raise Custom("mine", 7)
        return x
    e = raised(f, 1)
    assert type(e) is Custom and e.args == ("mine", 7)


def test_class_that_refuses_its_arguments():
    @njit
    def f(x):
        if x:
            raise Picky("no", "thanks")
        return x
    with pytest.raises(TypeError, match="positional"):
        f(1)


def test_division():
    f = njit(lambda a, b: a // b)
    assert f(7, 2) == 3
    assert type(raised(f, 7, 0)) is ZeroDivisionError
    assert type(raised(f, 7.0, 0.0)) is ZeroDivisionError


def test_assert():
    scope = {}
    exec("def f(x):\n    assert x > 0, 'must be positive'\n    return x", scope)      # pytest rewrites asserts of test files
    f = njit(scope["f"])
    assert f(1) == 1
    e = raised(f, -1)
    assert type(e) is AssertionError and e.args == ("must be positive",)


def test_raising_many_times_does_not_leak():
    import gc
    import sys

    @njit
    def f(x):
        if x:
            raise ValueError("again")
        return x
    for _ in range(10):
        raised(f, 1)
    gc.collect()
    before = sys.getrefcount(ValueError)
    for _ in range(200):
        raised(f, 1)
    gc.collect()
    assert abs(sys.getrefcount(ValueError) - before) < 5


def test_exception_leaves_arrays_as_they_were_written():
    @njit
    def f(a):
        for i in range(len(a)):
            if i == 3:
                raise ValueError("stop")
            a[i] = 1
    a = np.zeros(5)
    raised(f, a)
    assert a.tolist() == [1, 1, 1, 0, 0]


def test_missing_compiler_is_a_clear_error():
    code = "import naja\ntry:\n    naja.njit(lambda x: x)(1)\nexcept naja.errors.LibraryError as e:\n    print(e)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "NAJA_LIBLLVM": "/nowhere.so"})
    assert "/nowhere.so" in done.stdout, done.stderr


def test_dump():
    with pytest.raises(ValueError):
        naja.dump("\x01")


@pytest.mark.parametrize("make, args", [
    (lambda: njit(cache=False)(lambda a, i: a[i] + 1.5), (np.ones(3), 1)),
    (lambda: njit(cache=False)(lambda x: (x, 1 // x, (x, None))), (3,)),
    (lambda: naja.vectorize(["float64(float64, float64)"], cache=False)(lambda x, y: x / y), (1.0, 2.0)),
    (lambda: njit("float64(Tuple((int64, float64)))", cache=False)(lambda t: t[0] + t[1]), ((1, 2.0),))])
def test_every_allocation_failing_in_turn(make, args):
    from naja import _naja
    make()(*args)               # types outlive a compilation: they are made before
    good, failures = 0, 0
    for n in range(4000):
        _naja._alloc_fail_at(n)
        try:
            result = make()(*args)
        except MemoryError:
            failures += 1
        except errors.NajaError as e:
            assert "memory" in str(e), str(e)
            failures += 1
        else:
            good += 1
            assert result is not None
        finally:
            _naja._alloc_fail_at(-1)
        if good > 100:          # a table that grows rarely may still fail later
            break
    assert good > 100 and failures > 10


DUMPED = '''
import numpy as np
from naja import cuda, njit
njit(lambda x: x + 1, cache=False)(1)

def kernel(a):
    a[0] = 1
cuda.jit(kernel)[1, 1](np.ones(1))
cuda.compile_ptx(kernel, "void(float32[:])", cc=(8, 0))
'''


def test_dump_of_the_last_stage():
    """NAJA_DUMP=p: assembler of functions and of kernels on the CPU device, PTX."""
    env = dict(os.environ, NAJA_DUMP="p", NAJA_CACHE="off", NAJA_DEVICE="cpu")
    done = subprocess.run([sys.executable, "-c", DUMPED], env=env, capture_output=True, text=True, timeout=60)
    parts = ("\n" + done.stderr).split("\n-- ")[1:]
    assert [part.split(".")[0] for part in parts] == ["asm lambda", "asm kernel", "ptx kernel"], done.stderr
    assert all(".cfi_startproc" in asm for asm in parts[:2]) and ".visible .entry" in parts[2]
