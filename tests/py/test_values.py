"""Values as arguments: what types they have, what comes back, or why they are refused and what would do."""
import ctypes
import datetime
import decimal
import enum
import gc
import math
import weakref
from collections import namedtuple
from typing import NamedTuple

import numpy as np
import pytest

import naja
from naja import float32, float64, int64, njit, types


@njit
def importable(x):
    return x * 2


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Colour(enum.Enum):
    RED = 1


class Point(NamedTuple):
    x: int
    y: float


class Mine(np.ndarray):
    pass


class Frame:
    """What a data frame is to us: no array, but with one in it."""
    dtype, shape = np.dtype(float), (3,)

    def __array__(self, dtype=None, copy=None):
        return np.zeros(3)


VALUES = [
    (True, types.boolean), (2**63, types.uint64), (-2**63, int64), (2**64 - 1, types.uint64), (Level.HIGH, int64), (np.bool_(True), types.boolean),
    (np.int8(-3), types.int8), (np.uint64(2**63), types.uint64), (np.float32(1.5), float32), (np.complex64(1 + 2j), types.complex64),
    (None, types.none), (Point(1, 2.5), None), ((1, (2.0, (True, None))), None), ((), None), (1 + 2j, types.complex128),
]
ARRAYS = [np.array(3.5), np.arange(3.0).view(Mine), np.zeros((0, 3)), np.broadcast_to(np.float64(1), (3,)), np.arange(6)[::-2], np.zeros((1,) * 32)]
REFUSED = [
    (2**64, ValueError, "an integer of 65 bits"), (-2**63 - 1, ValueError, "64 bits"), ((1, 2**70), ValueError, "71 bits"), (10**5000, ValueError, "bits"),
    (Colour.RED, TypeError, "type Colour .*value"), (datetime.datetime.now(), TypeError, "datetime.datetime"),
    (datetime.date.today(), TypeError, "datetime.date"), (np.datetime64("2020-01-01"), TypeError, "datetime64"),
    (np.timedelta64(3, "s"), TypeError, "timedelta64"), (np.array(["2020-01-01"], "M8[s]"), TypeError, r"datetime64\[s\]"),
    (np.array([object()]), TypeError, "dtype object"), (Frame(), TypeError, "Frame .*numpy.asarray"), ({1: 2}, TypeError, "dict"),
    ([1, 2], TypeError, "list.*tuple"), ("text", TypeError, "str"), (object(), TypeError, "object"), (np.ma.array([1.0]), TypeError, "mask"),
    (np.arange(3, dtype=">f8"), TypeError, "byte order"), (len, TypeError, "builtin"), ((1, datetime.date.today()), TypeError, "datetime.date"),
    (Point(1, datetime.date.today()), TypeError, "datetime.date"),
]


@pytest.mark.parametrize("value, expected", VALUES, ids=lambda v: repr(v)[:30])
def test_values(value, expected):
    f = njit(lambda first, x: x)
    result = f(0, value)
    assert result == value and (expected is None or f.signatures[0][1] == expected)
    assert f(0, value) == value and len(f.signatures) == 1
    if isinstance(value, Point):
        assert type(result) is Point


@pytest.mark.parametrize("a", ARRAYS, ids=range(len(ARRAYS)))
def test_arrays_come_back(a):
    f = njit(lambda x: (x, x.shape, x.size))
    back, shape, size = f(a)
    assert back is a or (np.array_equal(back, a) and back.ctypes.data == a.ctypes.data)
    assert (shape, size) == (a.shape, a.size)


@pytest.mark.parametrize("value, error, words", REFUSED, ids=range(len(REFUSED)))
@pytest.mark.parametrize("seen", [False, True])
def test_refused_values(value, error, words, seen):
    """Before and after other types were compiled, and with declared signatures: the argument's name and what is wrong with it."""
    def f(first, second):
        return second
    for g in (njit(f), njit([(int64, int64), (int64, float64)])(f)):
        if seen:
            g(1, 2)
            g(1, 2.5)
        before = g.signatures
        with pytest.raises(error, match=f"argument 'second' of f: .*{words}"):
            g(0, value)
        with pytest.raises(error, match="argument 'second' of f: "):
            g(second=value, first=0)
        assert g.signatures == before and (not seen or g(1, 2) == 2)


class Flags(enum.Flag):
    A = 1


class Unhelpful:
    def __getattr__(self, name):
        raise RuntimeError(name)


class OnDevice:
    __cuda_array_interface__ = {}


# what the message says would work
HINTS = [
    (Flags.A, r"\.value"), (range(3), r"\.start"), ("text", "no strings"), (b"text", "frombuffer"), (bytearray(3), "frombuffer"), ({1}, "tuples or NumPy"),
    (np.float16(1), r"float\(\)"), (np.longdouble(1), r"float\(\)"), (np.void(b"abc"), "fields"), (np.zeros(2, "i4,f8")[0], "fields"),
    (np.zeros(2, "i4,f8"), "fields"), (np.zeros(2, np.float16), "astype"), (np.zeros(2, "M8[s]"), "view"), (np.zeros(2, "U3"), "view"),
    (np.ma.array([1.0]), "filled"), (np.zeros(9, np.uint8)[1:].view(float), "copy"), (ctypes.c_int(3), r"\.value"), (OnDevice(), "copy_to_host"),
    (decimal.Decimal(1), "float"), (datetime.timedelta(1), "total_seconds"), (datetime.datetime.now(), "timestamp"), (int, "by name"), (np.sin, "by name"),
    (importable, "by name"), (math, "by name"), (object(), "named tuple"), (Unhelpful(), "named tuple"), ((1, (2, "a")), "item 1 of a tuple: a value of type str"),
    (-2**63 - 1, "negative integer of 64 bits"), (Frame(), "asarray"), (3j.__abs__, "by name"),
]


@pytest.mark.parametrize("value, words", HINTS, ids=range(len(HINTS)))
def test_what_would_work(value, words):
    with pytest.raises(naja.ArgumentError, match=f"argument 'x' of <lambda>: .*{words}") as e:
        njit(lambda x: 0)(value)
    assert isinstance(e.value, (naja.TypingError, TypeError)) and isinstance(e.value, ValueError) and "0x" not in str(e.value)


def test_named_tuples_of_one_name():
    """Classes of the same name and fields stay apart, as arguments, results and captured values."""
    make = lambda: namedtuple("P", "x y")       # noqa: E731
    P, Q, other = make(), make(), namedtuple("P", "y x")
    both = njit(lambda a, b: (a, b))
    assert [type(v) for v in both(P(1, 2), Q(3, 4))] == [P, Q] and [type(v) for v in both(Q(1, 2), P(3, 4))] == [Q, P]
    first = njit(lambda a: a.x)
    assert [first(cls(1, 2)) for cls in (P, Q, other, P, Q)] == [1, 1, 2, 1, 1]
    captured = P(1, 2), Q(3, 4)
    assert [type(v) for v in njit(lambda: captured)()] == [P, Q]
    odd = type("a,b(c)", (P,), {})
    assert type(njit(lambda a: a)(odd(1, 2))) is odd and njit(lambda a: a.y)(odd(1, 2)) == 2


def test_classes_of_named_tuples_are_collected():
    cls = namedtuple("Gone", "x y")
    f = njit(lambda a: a)
    assert type(f(cls(1, 2))) is cls
    gone = weakref.ref(cls)
    del cls
    gc.collect()
    assert gone() is None
    again = namedtuple("Gone", "x y")
    assert type(f(again(1, 2))) is again and len(f.signatures) == 1


def test_dtypes_come_back_as_numpys():
    f = njit(lambda d: d)
    assert f(np.float32) == np.dtype("f4") and type(f(np.dtype("i2"))) is type(np.dtype("i2")) and f(float32) == np.dtype("f4")
