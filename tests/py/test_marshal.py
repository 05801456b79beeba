"""Values into compiled code and out of it again: every kind of argument and result, and the wrong ones."""
import math
from collections import namedtuple

import numpy as np
import pytest

from naja import boolean, complex64, float32, float64, int8, int16, int32, int64, njit, types, uint8, uint32, uint64
from naja import _naja


@njit
def same(x):
    return x


SCALAR_DTYPES = "? b h i l B H I L f d F D".split()


@pytest.mark.parametrize("value", [0, 1, -1, 2**63 - 1, -2**63, 2**63, 2**64 - 1, 0.0, -0.0, 1e300, math.inf, 1.5 + 2j, True, False, None])
def test_python_scalar(value):
    got = same(value)
    assert type(got) is type(value) and got == value
    if value == 0.0 and isinstance(value, float):
        assert math.copysign(1, got) == math.copysign(1, value)


def test_nan():
    assert math.isnan(same(math.nan))


@pytest.mark.parametrize("char", SCALAR_DTYPES)
def test_numpy_scalar(char):
    cls = np.dtype(char).type
    for value in (cls(1), cls(0), cls(100) if char != "?" else cls(1)):
        got = same(value)
        assert got == value and type(got) in (bool, int, float, complex)
    assert _naja.type_from_text(np.dtype(char).name) in {s[0] for s in same.signatures}


@pytest.mark.parametrize("char", [c for c in SCALAR_DTYPES if c in "bhilBHIL"])
def test_integer_limits(char):
    info = np.iinfo(char)
    cls = np.dtype(char).type
    assert same(cls(info.max)) == info.max and same(cls(info.min)) == info.min


def test_types_do_not_leak_into_each_other():
    for value, t in [(True, boolean), (1, int64), (1.0, float64), (np.int8(1), int8), (np.float32(1), float32), (np.bool_(True), boolean)]:
        f = njit(lambda x: x)
        f(value)
        assert f.signatures == [(t,)]


def test_too_large():
    for value in (2**64, -2**63 - 1):
        with pytest.raises(ValueError, match="too large"):
            same(value)


# -- declared types convert

@pytest.mark.parametrize("t, value, result", [
    (float64, 3, 3.0), (float64, np.float32(0.5), 0.5), (float32, 0.1, float(np.float32(0.1))), (int64, True, 1), (int32, 2.9, 2),
    (int8, 300, 44), (uint8, 511, 255), (uint64, 2**64 - 1, 2**64 - 1), (boolean, 5, True), (boolean, 0.0, False), (complex64, 2, 2 + 0j),
    (int16, np.int64(-5), -5), (uint32, 2**32 + 7, 7), (int64, 2**63 - 1, 2**63 - 1)])
def test_declared_scalar(t, value, result):
    got = njit(t(t))(same.py_func)(value)
    assert type(got) is type(result) and got == result


def test_declared_refuses():
    f = njit(int64(int64))(same.py_func)
    for value in (1j, None, (1,), np.zeros(2), "x"):
        with pytest.raises(TypeError):
            f(value)


def test_optional():
    f = njit((types.Optional(float64),))(lambda x: 1.0 if x is None else 2.0)
    assert f(None) == 1.0 and f(3.5) == 2.0 and f(3) == 2.0


def test_optional_result():
    @njit
    def f(x):
        if x > 0:
            return x
        return None
    assert f(2) == 2 and f(-2) is None


# -- tuples

@pytest.mark.parametrize("value", [(), (1,), (1, 2), (1, 2.5, True, None), ((1, 2), (3.0, (4j,))), tuple(range(100))])
def test_tuple(value):
    got = same(value)
    assert got == value and [type(x) for x in got] == [type(x) for x in value]


def test_named_tuple():
    point = namedtuple("Point", "x y")

    @njit
    def f(p):
        return p.x + p.y
    assert f(point(1, 2.5)) == 3.5
    got = same(point(1, 2.5))
    assert type(got) is point and got == point(1, 2.5)


def test_tuple_types_are_told_apart():
    f = njit(lambda t: t[0])
    assert f((1, 2)) == 1 and f((1.5, 2)) == 1.5 and f((True, 2)) is True
    assert len(f.signatures) == 3


# -- arrays

@pytest.mark.parametrize("char", SCALAR_DTYPES)
def test_array_elements(char):
    a = np.array([1, 0, 1], dtype=char)
    f = njit(lambda a, i: a[i])
    assert [f(a, i) for i in range(3)] == a.tolist()


@pytest.mark.parametrize("make", [lambda a: a, lambda a: a.T, lambda a: a[::2], lambda a: a[:, ::-1], lambda a: np.asfortranarray(a)])
def test_array_layouts(make):
    a = make(np.arange(12.0).reshape(3, 4))
    get = njit(lambda a, i, j: a[i, j])
    got = [[get(a, i, j) for j in range(a.shape[1])] for i in range(a.shape[0])]
    assert got == a.tolist()


def test_array_result_is_the_argument_itself():
    a = np.arange(6.0).reshape(2, 3)
    assert same(a) is a
    b = a[:, ::2]
    assert same(b) is b


def test_array_result_is_a_view_that_keeps_its_base():
    a = np.arange(10.0)
    f = njit(lambda a: a[2:8:2])
    b = f(a)
    assert b.tolist() == [2.0, 4.0, 6.0] and b.base is a
    b[0] = 99
    assert a[2] == 99
    del a
    assert b.tolist() == [99.0, 4.0, 6.0]


def test_view_of_an_array_inside_a_tuple():
    a, b = np.arange(4), np.arange(5.0)
    f = njit(lambda t: t[1][1:])
    got = f((a, b))
    assert got.tolist() == [1.0, 2.0, 3.0, 4.0] and np.shares_memory(got, b)


def test_tuple_of_arrays_result():
    a = np.arange(3.0)
    x, (y, n) = njit(lambda a: (a, (a[1:], len(a))))(a)
    assert x is a and y.tolist() == [1.0, 2.0] and n == 3


def test_empty_and_zero_dimensional():
    size = njit(lambda a: a.size)
    assert size(np.zeros(0)) == 0 and size(np.zeros((3, 0, 2))) == 0 and size(np.array(5.0)) == 1
    assert njit(lambda a: a[()])(np.array(5.0)) == 5.0


def test_readonly():
    a = np.arange(3.0)
    a.flags.writeable = False
    assert njit(lambda a: a[1])(a) == 1.0

    @njit
    def store(a):
        a[0] = 1
    with pytest.raises(TypeError, match="read-only"):
        store(a)
    assert a[0] == 0
    assert not same(a[1:]).flags.writeable


def test_writable_where_readonly_is_declared():
    f = njit((types.Array(float64, 1, "C", readonly=True),))(lambda a: a[0])
    assert f(np.ones(3)) == 1.0


def test_layout_converts_only_to_any():
    get = njit((float64[:],))(lambda a: a[1])
    assert get(np.arange(3.0)) == 1.0 and get(np.arange(6.0)[::2]) == 2.0
    strict = njit((float64[::1],))(lambda a: a[1])
    assert strict(np.arange(3.0)) == 1.0
    with pytest.raises(TypeError):
        strict(np.arange(6.0)[::2])
    with pytest.raises(TypeError):
        strict(np.arange(3))


@pytest.mark.parametrize("value, what", [
    (np.zeros(2, ">f8"), "byte order"), (np.zeros(17, np.uint8)[1:].view(np.float64), "not aligned"), (np.ma.array([1.0]), "mask"),
    (np.zeros(2, object), "object"), ([1, 2], "list"), ("text", "str"), (np.zeros(2, "M8[s]"), "datetime64")])
def test_refused(value, what):
    with pytest.raises(TypeError, match=what):
        same(value)


def test_refused_after_a_good_call():
    assert same(np.zeros(2)).tolist() == [0, 0]
    for value in (np.zeros(2, ">f8"), np.ma.array([1.0, 2.0])):
        with pytest.raises(TypeError):
            same(value)


def test_subclass():
    class Mine(np.ndarray):
        pass
    a = np.arange(3.0).view(Mine)
    assert njit(lambda a: a[2])(a) == 2.0


def test_object_that_claims_to_be_an_array():
    class Fake:
        _numba_type_ = float64[::1]
    with pytest.raises(TypeError, match="Fake"):
        same(Fake())
    with pytest.raises(TypeError, match="Fake"):
        njit((float64[::1],))(lambda a: a[0])(Fake())


def test_slice():
    f = njit(lambda a, s: a[s])
    assert f(np.arange(10), slice(2, 5)).tolist() == [2, 3, 4]
    assert f(np.arange(10), slice(None, None, -1)).tolist() == list(range(9, -1, -1))


def test_many_arguments():
    names = [f"a{i}" for i in range(100)]
    scope = {}
    exec(f"def f({', '.join(names)}):\n    return {' + '.join(names)}", scope)
    f = njit(scope["f"])
    assert f(*range(100)) == sum(range(100))
    assert f(*range(99), 1.5) == sum(range(99)) + 1.5


def test_references_do_not_leak():
    import sys
    a = np.zeros(3)
    f = njit(lambda a, t: (a, t[0]))
    t = (a, 1)
    f(a, t)
    before = sys.getrefcount(a), sys.getrefcount(t)
    for _ in range(1000):
        f(a, t)
    assert (sys.getrefcount(a), sys.getrefcount(t)) == before
