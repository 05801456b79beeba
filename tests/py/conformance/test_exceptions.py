"""Exceptions from compiled code: class, arguments, place; division under both error models; bounds."""
import math
import traceback

import numpy as np
import pytest

from both_ways import outcome, same
from naja import njit


class Own(Exception):
    def __init__(self, a, b=2):
        super().__init__(a, b)


@njit
def raises(x):
    if x == 1:
        raise ValueError
    if x == 2:
        raise ValueError("msg", 1, 2.5, (1, 2), None, True)
    if x == 3:
        raise Own("a", 5)
    if x == 4:
        raise AssertionError("assert msg")         # pytest rewrites assert statements
    if x == 5:
        raise AssertionError
    if x == 6:
        raise KeyError("k")
    if x == 7:
        raise Own(a="kw")
    return x


@pytest.mark.parametrize("x", range(8))
def test_class_and_arguments(x):
    assert outcome(raises, (x,)) == outcome(raises.py_func, (x,))


def test_raise_from_is_refused_by_name():
    @njit
    def f():
        raise KeyError("k") from None
    with pytest.raises(NotImplementedError, match="raise ... from"):
        f()


@njit
def deep(a, i):
    return a // i           # here


@njit
def middle(a, i):
    return deep(a, i) + 1


@njit
def top(a, i):
    return middle(a, i) * 2


def test_the_traceback_ends_where_it_happened():
    assert top(6, 2) == 8
    with pytest.raises(ZeroDivisionError) as info:
        top(1, 0)
    last = traceback.extract_tb(info.value.__traceback__)[-1]
    assert last.name == "deep" and last.line.endswith("# here") and last.filename == __file__


DIVISIONS = ["a / b", "a // b", "a % b", "divmod(a, b)"]


@pytest.mark.parametrize("expression", DIVISIONS)
def test_division_by_zero_raises(expression):
    for a, b in [(1, 0), (-1, 0), (0, 0), (True, False), (7, 2), (-7, 2), (1.0, 0.0), (0.0, 0.0), (-1.0, -0.0), (1, 0.0), (1.0, 0), (7.5, -2.0)]:
        f = njit(eval(f"lambda a, b: {expression}"))
        try:
            want = f.py_func(a, b)
        except ZeroDivisionError:
            with pytest.raises(ZeroDivisionError):
                f(a, b)
        else:
            assert f(a, b) == want


def test_division_by_zero_as_numpy_has_it():
    def all_of(a, b):
        return a // b, a % b, a / b, divmod(a, b)
    f = njit(error_model="numpy")(all_of)
    inf, nan = math.inf, math.nan
    assert str(f(1, 0)) == str((0, 0, inf, (0, 0)))
    assert str(f(0, 0)) == str((0, 0, nan, (0, 0)))
    assert str(f(1.0, 0.0)) == str((inf, nan, inf, (inf, nan)))
    assert str(f(-1.0, 0.0)) == str((-inf, nan, -inf, (-inf, nan)))
    assert f(7, -2) == all_of(7, -2) and f(-7.5, 2.0) == all_of(-7.5, 2.0)


def test_a_callee_keeps_its_error_model():
    numpys = njit(error_model="numpy")(lambda a, b: a / b)
    pythons = njit(lambda a, b: a / b)
    assert math.isinf(njit(lambda a: numpys(a, 0.0))(1.0))
    with pytest.raises(ZeroDivisionError):
        njit(error_model="numpy")(lambda a: pythons(a, 0.0))(1.0)


def test_the_least_integer():
    least = -2**63
    assert njit(lambda a, b: (a // b, a % b))(least, -1) == (0, 0)
    assert njit(lambda a: (abs(a), -a, a - 1, a * -1))(least) == (least, least, 2**63 - 1, least)


@pytest.mark.parametrize("index", [3, -4, 2**40, -2**63])
def test_bounds(index):
    f = njit(boundscheck=True)(lambda a, i: a[i])
    with pytest.raises(IndexError, match="out of bounds"):
        f(np.zeros(3), index)

    @njit(boundscheck=True)
    def store(a, i):
        a[0, i] = 1
    a = np.zeros((2, 3))
    with pytest.raises(IndexError, match="axis 1"):
        store(a, index)
    assert not a.any()
    store(a, -3)
    assert a[0, 0] == 1


def test_tuples_check_their_index():
    same("def f(t, i): return t[i]", ((1, 2), 0), ((1, 2), -2), ((1, 2), 2), ((1, 2), -3))


def test_what_was_written_before_stays():
    same("""
def f(a):
    for i in range(len(a)):
        a[i] = 1 // (3 - i)
""", (np.zeros(5, np.int64),))


def test_negative_shifts():
    same("def f(a, n): return a << n, a >> n", (5, 3), (5, -1))
