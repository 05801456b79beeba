"""Indexing, views and assignment of arrays in every layout, beside NumPy; tuples, named tuples, casts."""
import collections

import numpy as np
import pytest

from both_ways import bits, outcome, program, same
from naja import njit

M = np.arange(24.0).reshape(4, 6)
LAYOUTS = {"C": M, "F": np.asfortranarray(M), "A": M[::2, ::-1], "T": M.T, "empty": M[:0], "int8": M.astype(np.int8),
           "complex64": (M + 1j).astype(np.complex64), "bool": M % 3 == 0}
T3 = np.arange(60).reshape(3, 4, 5)
Pair = collections.namedtuple("Pair", "x y")

READS = ["a[1:-1, ::2]", "a[::-1, ::-2]", "a[:, -1]", "a[..., 0]", "a[None]", "a[:, np.newaxis, 1]", "a[..., None]", "a[...]", "a[5:1]",
         "a[100:-100:-1]", "a[-100:100]", "a[1:][:, 0]", "a.T[1:]", "a[slice(None, None, -1)]", "a[:, slice(2)]", "a[::-2].T",
         "(a.shape, a.size, a.ndim, len(a), a.itemsize, a.nbytes)", "a.strides"]
ELEMENTS = ["a[-1]", "a[1, ...]", "a[1][2]", "a[1, 2]", "a[-2][-1]", "a[1:][0]", "a[(1, 2)]", "a[(1, slice(0, 3, 2))]"]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("expression", READS + ELEMENTS)
def test_views(expression, layout):
    a = LAYOUTS[layout]
    if len(a) == 0 and expression in ELEMENTS + ["a.strides"]:
        pytest.skip("an empty array: the index is out of bounds, its strides mean nothing")
    same(f"def f(a): return {expression}", (a,))


def test_views_share_memory():
    a = M.copy()
    v = njit(lambda a: a[1:, ::2])(a)
    v[0, 0] = 77
    assert a[1, 0] == 77


@pytest.mark.parametrize("i, j, k", [(3, 0, -1), (None, -1, 1), (-3, None, 2), (0, 0, 1), (10, 1, -2), (None, None, -1)])
def test_slices_at_run_time(i, j, k):
    same("def f(a, i, j, k): return a[i:j:k], a[i:j], a[:, i:j:k]", (M, i, j, k), (T3, i, j, k))
    same("def f(a, s): return a[s]", (M, slice(i, j, k)), (T3, slice(i, j)), (M, (1, 2)))


def test_a_step_of_zero():
    same("def f(a, k): return a[::k]", (M, 0), (M, 1))


@pytest.mark.parametrize("index", [np.uint8(3), np.uint64(2), np.int8(-3), np.int16(1)])
def test_index_types(index):
    same("def f(a, i): return a[i], a[i, i], a[i][1]", (M, index))


WRITES = ["a[1:3] = 7.5", "a[1:3] = a[0:2]", "a[:, 0] = a[:, 1]", "a[...] = 1", "a[::2, 1] = (1, 2)", "a[0] = a[1]", "a[:, :] = a[0]",
          "a[1:] = a[:-1]", "a[:-1] = a[1:]", "a[1, 2] = True", "a[:] = 3", "a[-1, -1] += 2.5; a[0][0] *= 3", "a[1] = (1, 2, 3, 4, 5, 6)",
          "a[0:2, 0:3] = a[0, 0:3]", "a[5:9] = 1.0", "a[1:1] = a[2:2]", "a[1:3][0, 0] = 9", "a.T[0] = 5", "a[:, 0:1] = a[:, 3:4]"]
# source and target overlap
SHARED = ["a[:, ::-1] = a", "a[::-1] = a", "a[::-1][1:, 0] = a[::-1][:-1, 0]", "a[0:3, 0] = a[1:2, 0]", "a[0, ::-1] = a[0]", "a[:2] = a[1]",
          "a[0, 1::2] = a[0, :3]", "a[1:, 1:] = a[:-1, :-1]", "a[:-1, 1:] = a[1:, :-1]", "a[:] = a", "a[:, 1:] = a[:, 0:1]",
          "a[0][::-1][1:] = a[0][::-1][:-1]", "a[:3, :3] = a[:3, :3].T", "a[0, 3:] = a[0, :3]"]


@pytest.mark.parametrize("layout", ["C", "F", "int8", "complex64"])
@pytest.mark.parametrize("statement", WRITES + SHARED)
def test_assignment(statement, layout):
    if layout == "int8" and "*=" in statement or layout in ("int8", "bool") and ".5" in statement:
        pytest.skip("NumPy refuses to narrow in place what compiled code converts as an assignment does")
    same(f"def f(a):\n    {statement}", (LAYOUTS[layout],), (LAYOUTS[layout][:, ::1],))


@pytest.mark.parametrize("statement", ["a[0:2] = a[0:3]", "a[0:2, 0:3] = a[0, 0:2]", "a[0] = (1, 2)"])
def test_shapes_that_do_not_fit(statement):
    compiled, plain = program(f"def f(a):\n    {statement}")
    for f in (compiled, plain):
        a = M.copy()
        with pytest.raises(ValueError):
            f(a)
        assert (a == M).all()


def test_three_and_four_dimensions():
    loop = """
def f(a):
    t = 0
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            for k in range(a.shape[2]):
                t += a[i, j, k] * (i + 2 * j + 3 * k)
    return t
"""
    same(loop, (T3,), (T3.T,), (np.asfortranarray(T3),), (T3[::-1, ::2, 1:],))
    same("def f(a): return a[0], a[:, 1], a[..., 2], a[1, 2, 3], a[1][2][3], a[1, :, 3], a[::-1, 0, ::2]", (T3,), (T3[..., ::-1],))
    same("def f(a): return a[1, 0, 2, 3], a.shape, a[1:, 0, :, -1]", (np.arange(120).reshape(2, 3, 4, 5),))


def test_no_dimensions():
    z = np.array(3.5)
    same("def f(a): return a[()], a.shape, a.ndim, a.size", (z,))
    same("def f(a):\n    a[()] = 5", (z,))
    same("def f(a):\n    a[...] = 6", (z,))


def test_read_only():
    r = np.arange(5.0)
    r.flags.writeable = False
    same("def f(a): return a[0], a[-1], len(a)", (r,))
    for statement in ("a[0] = 1", "a[1:] = 2", "a[1:][0] = 1", "a[::2] = a[::2]", "a[0] += 1"):
        with pytest.raises(TypeError, match="read-only"):
            program(f"def f(a):\n    {statement}")[0](r)
    assert not njit(lambda a: a[1:])(r).flags.writeable


@pytest.mark.parametrize("dtype", "? i1 i2 i4 i8 u1 u2 u4 u8 f4 f8 c8 c16".split())
def test_dtypes(dtype):
    a = np.array([0, 1, 1, 0]).astype(dtype)
    same("def f(a):\n    a[0] = a[1]\n    return a[2], a[0], a[::-1]", (a,))


@pytest.mark.parametrize("dtype", ["f2", ">f8", "O", "U2", "M8[D]", "V8"])
def test_refused_dtypes(dtype):
    with pytest.raises(TypeError, match="dtype"):
        njit(lambda a: a[0])(np.zeros(3, dtype))


def test_tuples():
    same("def f(p): return p.x, p.y, p[0], p[-1], len(p), p.x + p[1]", (Pair(1, 2.5),))
    p = njit(lambda p: p)(Pair(1, 2.5))
    assert type(p) is Pair and p == (1, 2.5)
    same("def f(t): return t[1][0], t[1][1][0], t[0][1:], t", (((1, 2, 3), (1.5, (True,))),))


@pytest.mark.parametrize("name", "int8 uint8 int16 uint16 int32 uint32 int64 uint64 float32 float64 bool_ complex64 complex128 intp".split())
def test_casts(name):
    f = program(f"def f(x): return np.{name}(x)")[0]
    for value in (3, 3.7, True, -2, 300):
        want = np.array(value).astype(name).item()
        assert bits(f(value)) == bits(want)


def test_outcome_sees_writes():
    """The comparison itself: a program that writes elsewhere is another outcome."""
    assert outcome(lambda a: a.fill(1), (M,)) != outcome(lambda a: a.fill(2), (M,))
