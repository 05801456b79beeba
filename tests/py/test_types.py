"""Types as Python objects: names, arrays, signatures, conversion of values, typeof."""
import pickle
from collections import namedtuple

import numpy as np
import pytest

import naja
from naja import (boolean, complex64, complex128, float32, float64, int8, int16, int32, int64, none, types, typeof, uint8, uint16,
                  uint32, uint64, void)
from naja import _naja

SCALARS = [boolean, int8, int16, int32, int64, uint8, uint16, uint32, uint64, float32, float64, complex64, complex128]


# -- names

@pytest.mark.parametrize("alias, meant", [
    ("i1", int8), ("i2", int16), ("i4", int32), ("i8", int64), ("u1", uint8), ("u2", uint16), ("u4", uint32), ("u8", uint64),
    ("f4", float32), ("f8", float64), ("c8", complex64), ("c16", complex128), ("b1", boolean), ("bool_", boolean),
    ("char", int8), ("uchar", uint8), ("byte", uint8), ("short", int16), ("ushort", uint16), ("intc", int32), ("uintc", uint32),
    ("int_", int64), ("uint", uint64), ("long_", int64), ("ulong", uint64), ("longlong", int64), ("ulonglong", uint64),
    ("intp", int64), ("uintp", uint64), ("size_t", uint64), ("ssize_t", int64), ("double", float64), ("float_", float32)])
def test_alias(alias, meant):
    assert getattr(naja, alias) is meant and getattr(types, alias) is meant
    assert _naja.type_from_text(alias) is meant


@pytest.mark.parametrize("t", SCALARS)
def test_scalar_says_its_name(t):
    assert repr(t) == str(t) == t.name
    assert _naja.type_from_text(str(t)) is t
    assert _naja.as_dtype(t) == np.dtype(str(t)) and naja.from_dtype(_naja.as_dtype(t)) is t


def test_families():
    assert isinstance(int32, types.Integer) and int32.signed and int32.bitwidth == 32
    assert isinstance(uint8, types.Integer) and not uint8.signed
    assert isinstance(float32, types.Float) and not isinstance(float32, types.Integer)
    assert isinstance(boolean, types.Boolean) and isinstance(complex64, types.Complex)
    assert not isinstance(3, types.Integer)
    with pytest.raises(AttributeError, match="float32 has no attribute 'signed'"):
        float32.signed


# -- arrays

@pytest.mark.parametrize("t, ndim, layout, name", [
    (float32[:], 1, "A", "array(float32, 1d, A)"), (float32[::1], 1, "C", "array(float32, 1d, C)"),
    (float64[:, :], 2, "A", "array(float64, 2d, A)"), (float64[:, ::1], 2, "C", "array(float64, 2d, C)"),
    (float64[::1, :], 2, "F", "array(float64, 2d, F)"), (int8[:, :, ::1], 3, "C", "array(int8, 3d, C)")])
def test_array_type(t, ndim, layout, name):
    assert (t.ndim, t.layout, str(t)) == (ndim, layout, name)
    assert t is types.Array(t.dtype, ndim, layout)
    assert isinstance(t, types.Array) and t.mutable


@pytest.mark.parametrize("make", [lambda: float32[1], lambda: float32[::2], lambda: float32[::1, ::1], lambda: float32[1:],
                                  lambda: float32[()], lambda: void[:], lambda: float32[:][:]])
def test_bad_array_type(make):
    with pytest.raises(TypeError, match="is written"):
        make()


def test_array_constructor_refuses_nonsense():
    for args in ((float64, 2, "X"), (float64, -1, "C"), (float64, 99, "C")):
        with pytest.raises(ValueError):
            types.Array(*args)


def test_copy():
    t = float64[:, ::1]
    assert t.copy(layout="A") is float64[:, :] and t.copy(ndim=1).ndim == 1
    assert not t.copy(readonly=True).mutable and t.copy(dtype=int8).dtype is int8


# -- calling: a signature or a value

def test_signature_by_call():
    s = float64(float64, int32[:])
    assert s.return_type is float64 and s.args == (float64, int32[:])
    assert s == float64(float64, int32[:]) and hash(s) == hash(float64(float64, int32[:]))
    assert s != float32(float64, int32[:]) and s != float64(float64)
    assert void().args == () and void().return_type is void
    assert str(s) == "(float64, array(int32, 1d, A)) -> float64"


@pytest.mark.parametrize("t, value, result", [(float32, 1.5, np.float32(1.5)), (int32, 7.9, np.int32(7)), (boolean, 3, np.bool_(True)),
                                              (complex64, 1j, np.complex64(1j)), (float64, "2.5", np.float64(2.5))])
def test_conversion_by_call(t, value, result):
    got = t(value)
    assert type(got) is type(result) and got == result


def test_bad_calls():
    with pytest.raises(TypeError, match="void can only be called with types"):
        void(3)
    with pytest.raises(TypeError):
        float64(3, 4)
    with pytest.raises(TypeError, match="keyword"):
        float64(x=float64)


@pytest.mark.parametrize("text, ret, args", [
    ("f8(i4, f8[:])", float64, (int32, float64[:])), ("void(float32[:,::1])", void, (float32[:, ::1],)),
    ("(int64, uint8)", None, (int64, uint8)), ("float64()", float64, ()), ("b1(c16)", boolean, (complex128,)),
    ("f8(Tuple((int64, float64)))", float64, (types.Tuple((int64, float64)),)), ("i8(UniTuple(i4, 3))", int64, (types.UniTuple(int32, 3),))])
def test_signature_text(text, ret, args):
    s = _naja.as_signature(text)
    assert s.return_type is ret and s.args == args


@pytest.mark.parametrize("bad", ["", "f8(", "f8(f8", "f9(f8)", "f8(f8))", "f8(f8[)", "f8(f8,,f8)", "int32(nonsense)", "\0"])
def test_bad_signature_text(bad):
    with pytest.raises(TypeError, match="is not a signature|null|embedded"):
        _naja.as_signature(bad)


# -- identity, pickling

@pytest.mark.parametrize("t", SCALARS + [void, none, float64[:, ::1], int8[:], types.UniTuple(int64, 3), types.Tuple((int64, float64)),
                                         types.Optional(float64), types.Array(int8, 3, "F", readonly=True), types.Tuple(())])
def test_pickle_gives_the_same_object(t):
    assert pickle.loads(pickle.dumps(t)) is t


def test_pickle_signature():
    s = float64(float64, int32[::1])
    assert pickle.loads(pickle.dumps(s)) == s


def test_tuples():
    assert types.Tuple((int64, int64)) is types.UniTuple(int64, 2) is typeof((1, 2))
    t = types.Tuple((int64, float64))
    assert t.types == (int64, float64) and t.count == 2 and isinstance(t, types.Tuple) and not isinstance(t, types.UniTuple)
    assert types.UniTuple(int64, 2).dtype is int64


# -- typeof

def test_typeof_scalars():
    for value, t in [(True, boolean), (1, int64), (-2**63, int64), (2**63, uint64), (1.0, float64), (1j, complex128), (None, none)]:
        assert typeof(value) is t
    for t in SCALARS:
        assert typeof(_naja.as_dtype(t).type(1)) is t


def test_typeof_intsubclass():
    import enum

    class Color(enum.IntEnum):
        RED = 1
    assert typeof(Color.RED) is int64


def test_typeof_arrays():
    a = np.zeros((3, 4))
    assert typeof(a) is float64[:, ::1]
    assert typeof(a.T) is float64[::1, :]
    assert typeof(a[:, ::2]) is float64[:, :]
    assert typeof(np.zeros(3, np.int8)) is int8[::1]
    assert typeof(np.array(1.0)).ndim == 0
    a.flags.writeable = False
    assert not typeof(a).mutable
    assert typeof(np.zeros((3, 3)).view(np.matrix)) is float64[:, ::1]


def test_typeof_tuples():
    assert typeof(((1, 2.0), None)) is types.Tuple((types.Tuple((int64, float64)), none))
    point = namedtuple("Point", "x y")
    t = typeof(point(1, 2.0))
    assert t.fields == ("x", "y") and t.types == (int64, float64) and t is not typeof((1, 2.0))


@pytest.mark.parametrize("value, what", [
    ("text", "str"), ([1], "list"), ({}, "dict"), (object(), "object"), (np.zeros(2, ">f8"), "byte order"),
    (np.zeros(2, "U3"), "<U3"), (np.zeros(2, object), "object"), (np.ma.array([1.0]), "MaskedArray"),
    (np.zeros(9, np.uint8)[1:].view(np.float64), "not aligned"), (np.float16(1), "float16"), (np.datetime64("2020"), "datetime64"),
    ((1, "a"), "str")])
def test_typeof_refuses(value, what):
    with pytest.raises(TypeError, match=what):
        typeof(value)


def test_typeof_too_large():
    for value in (2**64, -2**63 - 1):
        with pytest.raises(ValueError, match="too large"):
            typeof(value)


def test_typeof_deep_tuple():
    value = ()
    for _ in range(100000):
        value = (value,)
    with pytest.raises(RecursionError):
        typeof(value)


def test_conversion_ranks():
    assert int8.can_convert_to(int64) == 1 and int64.can_convert_to(int8) == 3
    assert int64.can_convert_to(int64) == 0 and float64.can_convert_to(float64[:]) is None


def test_unify():
    assert _naja.unify(int32, int64) is int64 and _naja.unify(int64, float32) is float64 and _naja.unify(float64, float64[:]) is None
    assert _naja.unify(none, float64) is types.Optional(float64)
