"""The ufunc protocol, each part beside np.add."""
import math
import pickle

import numpy as np
import pytest

from naja import float64, int64, njit, vectorize


@vectorize(["float32(float32,float32)", "float64(float64,float64)"])
def add(x, y):
    return x + y


@vectorize([int64(int64, int64), float64(float64, float64)], identity=0)
def plus(x, y):
    return x + y


@vectorize(["float64(float64)"], target="parallel")
def parallel_sin(x):
    return math.sin(x)


A, B, M = np.arange(10.0), np.arange(10.0)[::-1], np.arange(60.0).reshape(3, 4, 5)

SAME = {
    "contiguous": lambda f: f(A, B), "strided": lambda f: f(A[::2], B[::-2]), "backwards": lambda f: f(A[::-1], B),
    "scalar": lambda f: f(1.0, 2.0), "lists": lambda f: f([1, 2], [3.0, 4]), "no dimensions": lambda f: f(np.array(1.0), 2.0),
    "nothing": lambda f: f(np.ones((0, 3)), 1.0), "broadcast": lambda f: f(np.ones((3, 1, 4)), np.ones((5, 1))),
    "row and column": lambda f: f(A, A[:, None]), "Fortran": lambda f: f(np.asfortranarray(M), M), "transposed": lambda f: f(M.T, 1.0),
    "single": lambda f: f(A.astype("f4"), B.astype("f4")), "mixed": lambda f: f(A.astype("f4"), B), "other order": lambda f: f(A, 1, order="F"),
    "byte order": lambda f: f(A.astype(">f8"), B), "unaligned": lambda f: f(np.frombuffer(b"\0" * 81, np.uint8)[1:].view("f8"), 1.0),
    "out": lambda f: f(A, B, out=np.empty(10)), "out tuple": lambda f: f(A, B, out=(np.empty(10),)), "out third": lambda f: f(A, B, np.empty(10)),
    "out narrower": lambda f: f(A, B, out=np.empty(10, "f4")), "out strided": lambda f: f(A, B, out=np.zeros(20)[::2]),
    "where": lambda f: f(A, B, where=A > 5, out=np.zeros(10)), "dtype": lambda f: f(A.astype("f4"), B, dtype="f8"),
    "signature": lambda f: f(A, B, signature="dd->d"), "masked array": lambda f: f(np.ma.array(A, mask=A > 3), 1.0).filled(7),
    "reduce": lambda f: f.reduce(A), "reduce axis": lambda f: f.reduce(M, axis=1), "reduce axes": lambda f: f.reduce(M, axis=(0, 2)),
    "reduce all": lambda f: f.reduce(M, axis=None), "reduce keepdims": lambda f: f.reduce(M, axis=-1, keepdims=True),
    "reduce nothing": lambda f: f.reduce(A[:0]), "reduce initial": lambda f: f.reduce(A, initial=10.0),
    "reduce where": lambda f: f.reduce(A, where=A > 5), "reduce out": lambda f: f.reduce(M, axis=0, out=np.empty((4, 5))),
    "accumulate": lambda f: f.accumulate(A), "accumulate axis": lambda f: f.accumulate(M, axis=1), "reduceat": lambda f: f.reduceat(A, [0, 3, 5, 2]),
    "outer": lambda f: f.outer(A, B[:3]),
}


@pytest.mark.parametrize("name", SAME)
def test_as_numpy(name):
    got, want = SAME[name](plus), SAME[name](np.add)
    assert got.dtype == want.dtype or name == "single"         # plus has no loop of float32
    assert type(got) is type(want) and got.shape == want.shape and np.array_equal(got, want)


def overlap(f, statement):
    x = np.arange(12.0)
    exec(statement, {"f": f, "x": x, "np": np})
    return x


@pytest.mark.parametrize("statement", ["f(x[:-1], x[1:], out=x[1:])", "f(x[1:], x[:-1], out=x[:-1])", "f(x, x[::-1], out=x)", "f(x, x, out=x)",
                                       "f(x[::2], x[1::2], out=x[:6])", "f.at(x, [0, 1, 1, 1, 4], 2.0)", "f(x[:4], 1.0, out=x[2:6])",
                                       "f(x.reshape(3, 4).T[:3], x.reshape(3, 4)[:, :3], out=x.reshape(3, 4)[:, 1:])"])
def test_overlap(statement):
    assert np.array_equal(overlap(plus, statement), overlap(np.add, statement))


REFUSED = {
    "another shape": lambda f: f(np.ones(3), np.ones(4)), "out of another shape": lambda f: f(A, B, out=np.empty(9)),
    "read-only out": lambda f: f(A, B, out=np.broadcast_to(np.zeros(1), 10)), "out that cannot hold it": lambda f: f(A, B, out=np.empty(10, "i4")),
    "no casting": lambda f: f(np.arange(3, dtype="i2"), 1.0, casting="no"), "an object": lambda f: f(object(), 1.0), "text": lambda f: f("a", 1.0),
    "too few": lambda f: f(1.0), "too many": lambda f: f(1.0, 2.0, None, 4), "an unknown option": lambda f: f(1.0, 2.0, foo=1),
    "axes without identity": lambda f: add.reduce(M[:, :0], axis=1) if f is plus else np.fmod.reduce(M[:, :0], axis=1),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_as_numpy_does(name):
    with pytest.raises(Exception) as numpys:
        REFUSED[name](np.add)
    with pytest.raises((ValueError, TypeError)) as ours:
        REFUSED[name](plus)
    assert isinstance(ours.value, numpys.type) or isinstance(numpys.value, ours.type)


def test_attributes():
    assert isinstance(add, np.ufunc) and isinstance(parallel_sin, np.ufunc)
    assert (add.types, add.nin, add.nout, add.nargs, add.ntypes) == (["ff->f", "dd->d"], 2, 1, 3, 2)
    assert add.identity is None and plus.identity == 0 and add.__name__ == "add"
    assert vectorize(["f8(f8,f8)"], identity=1)(lambda x, y: x * y).identity == 1
    assert pickle.loads(pickle.dumps(add)) is add


class Taker:
    """Takes part in ufuncs by NEP 13."""

    def __array_ufunc__(self, ufunc, method, *args, **kwargs):
        return ufunc, method, len(args), sorted(kwargs)


class Refuser:
    __array_ufunc__ = None


def test_other_classes_take_over():
    assert add(Taker(), 1.0, where=True) == (add, "__call__", 2, ["where"])
    assert add.reduce(Taker()) == (add, "reduce", 1, [])
    lazy = vectorize(lambda x, y: x + y)
    assert lazy(Taker(), 1.0) == (lazy, "__call__", 2, [])
    for f in (add, lazy):
        with pytest.raises(TypeError, match="__array_ufunc__"):
            f(A, Refuser())
    assert lazy(1.5, 2.0) == 3.5


def test_lazy():
    lazy = vectorize(lambda x, y: x * 2 + y)
    assert lazy(1, 2) == 4 and lazy.types == ["ll->l"]
    assert lazy(1.5, 2) == 5.0 and lazy(1j, 2) == 2 + 2j
    assert np.array_equal(lazy(A, B, where=A > 2, out=np.zeros(10)), np.where(A > 2, A * 2 + B, 0))
    assert lazy.outer(A, B).shape == (10, 10) and lazy.reduce(np.ones(3)) == 7
    fresh = vectorize(lambda x, y: x + y)
    assert np.array_equal(fresh(A, B, where=A > 2, out=np.zeros(10)), np.where(A > 2, A + B, 0))
    assert fresh.reduce(M, axis=1).shape == (3, 5)


@pytest.mark.parametrize("target", ["cpu", "parallel"])
def test_errors_reach_the_caller(target):
    @vectorize(["float64(float64)"], target=target)
    def f(x):
        if x < 0:
            raise ValueError("negative")
        return x
    for n, bad in ((10, 3), (1000000, 777777)):
        with pytest.raises(ValueError, match="negative"):
            f(np.where(np.arange(n) == bad, -1.0, 1.0))
        assert f(np.ones(n)).sum() == n


def test_division_is_numpys():
    assert vectorize(["int64(int64,int64)"])(lambda x, y: x // y)(7, 0) == 0
    got = vectorize(["float64(int64,int64)"])(lambda x, y: x / y)(np.array([7, 0]), 0)
    assert math.isinf(got[0]) and math.isnan(got[1])


def test_parallel():
    for n in (0, 1, 7, 100, 1000000):
        x = np.linspace(0, 1, n)
        assert np.allclose(parallel_sin(x), np.sin(x), rtol=1e-15, atol=1e-15)
    x = np.arange(1e6).reshape(1000, 1000)
    assert np.allclose(parallel_sin(x.T[::2]), np.sin(x.T[::2]), rtol=1e-13)


@pytest.mark.parametrize("signature, python", [
    ("boolean(float64)", lambda x: x > 0), ("boolean(boolean)", lambda x: not x), ("complex128(complex128)", lambda x: x * x),
    ("complex64(complex64)", lambda x: x * x), ("uint8(uint8)", lambda x: x + 100), ("int32(int16)", lambda x: x * x),
    ("float32(int8)", lambda x: x / 2), ("int64(float64)", lambda x: x)])
def test_signatures(signature, python):
    result, argument = (np.dtype(t.replace("boolean", "bool")) for t in signature[:-1].split("("))
    x = np.array([0, 1, 5, 77]).astype(argument)
    got = vectorize([signature])(python)(x)
    with np.errstate(all="ignore"):
        want = np.array([python(v.item()) for v in x]).astype(result)
    assert got.dtype == result and np.array_equal(got, want)


@pytest.mark.parametrize("signatures, options, function, what", [
    (["float64(float63)"], {}, lambda x: x, "float63"), (["float64(float64,float64)"], {}, lambda x: x, "2 arguments"),
    (["float64(float64[:])"], {}, lambda x: x[0], "scalars"), (["void(float64)"], {}, lambda x: None, "void"),
    (["float64()"], {}, lambda: 1.0, "at least one argument"), (["float64(float64)"], {}, lambda x: (x, x), "UniTuple"),
    (["f8(f8)"], {"target": "gpu"}, lambda x: x, "Unsupported target"), (["f8(f8)"], {"identity": 5}, lambda x: x, "identity"),
    (["f8(f8)"], {"foo": 1}, lambda x: x, "foo"), ([], {"target": "parallel"}, lambda x: x, "needs signatures")])
def test_wrong_decorators(signatures, options, function, what):
    with pytest.raises((TypeError, ValueError), match=what):
        vectorize(signatures, **options)(function)


def test_called_from_compiled_code():
    assert njit(lambda a, b: add(a, b) + plus(1, 2))(1.0, 2.0) == 6.0
