"""@vectorize on the CPU targets: real ufuncs, types, protocol, errors, threads; and the ufunc that compiles for what it meets."""
import gc
import subprocess
import sys
import warnings

import numpy as np
import pytest

from naja import boolean, float32, float64, int32, int64, njit, vectorize
from naja.ufunc import DUFunc

TARGETS = ["cpu", "parallel"]


def plus(a, b):
    "adds two numbers"
    return a + b


def make(target="cpu", **options):
    return vectorize(["int64(int64, int64)", "float32(float32, float32)", "float64(float64, float64)"], target=target, **options)(plus)


@pytest.mark.parametrize("target", TARGETS)
def test_is_a_ufunc(target):
    u = make(target)
    assert isinstance(u, np.ufunc)
    assert (u.nin, u.nout, u.nargs, u.__name__) == (2, 1, 3, "plus") and "adds two numbers" in u.__doc__
    assert u.types == ["ll->l", "ff->f", "dd->d"]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("n", [0, 1, 7, 1000, 100003])
def test_values(target, n):
    u = make(target)
    rng = np.random.default_rng(n)
    for dtype in (np.int64, np.float32, np.float64):
        a, b = (rng.standard_normal(n) * 1000).astype(dtype), (rng.standard_normal(n) * 1000).astype(dtype)
        got = u(a, b)
        assert got.dtype == dtype and np.array_equal(got, a + b)


@pytest.mark.parametrize("target", TARGETS)
def test_strides_broadcasting_scalars(target):
    u = make(target)
    a = np.arange(200000.0).reshape(400, 500)
    for x, y in [(a, a[0]), (a[::2, ::-3], a[::2, ::-3]), (a, 2.0), (3.0, a.T), (a[:, :1], a[:1]), (a[::-1], a)]:
        assert np.array_equal(u(x, y), x + y)
    assert u(1, 2) == 3 and u(1.5, 2) == 3.5
    assert isinstance(u(1.5, 2.0), np.float64)


@pytest.mark.parametrize("target", TARGETS)
def test_keywords_of_the_protocol(target):
    u = make(target)
    a = np.arange(100000.0)
    out = np.empty_like(a)
    assert u(a, a, out=out) is out and np.array_equal(out, a + a)
    where = a % 2 == 0
    out[:] = -1
    u(a, 1, out=out, where=where)
    assert np.array_equal(out, np.where(where, a + 1, -1))
    assert u(np.ones(3, np.int32), 1, dtype=np.float64).dtype == np.float64
    with pytest.raises(TypeError):
        u(a, a, casting="no", dtype=np.float32)


@pytest.mark.parametrize("target", TARGETS)
def test_overlap(target):
    u = make(target)
    for shift in (1, 3, 5000):
        a = np.arange(100000.0)
        expected = a.copy()
        np.add(expected[shift:], expected[:-shift], out=expected[shift:])
        u(a[shift:], a[:-shift], out=a[shift:])
        assert np.array_equal(a, expected)


@pytest.mark.parametrize("target", TARGETS)
def test_methods(target):
    u = make(target, identity=0)
    a = np.random.default_rng(0).integers(0, 100, (300, 400))
    assert u.reduce(a.ravel()) == a.sum() and np.array_equal(u.reduce(a, axis=1), a.sum(axis=1))
    assert np.array_equal(u.reduce(a, axis=(0, 1)), a.sum()) and u.reduce(np.zeros(0)) == 0
    assert np.array_equal(u.accumulate(a.ravel()), np.cumsum(a)) and np.array_equal(u.accumulate(a, axis=0), np.cumsum(a, axis=0))
    assert np.array_equal(u.outer(a[0], a[1]), np.add.outer(a[0], a[1]))
    assert np.array_equal(u.reduceat(a[0], [0, 50, 100]), np.add.reduceat(a[0], [0, 50, 100]))
    b, c = np.zeros(5), np.zeros(5)
    u.at(b, [0, 0, 3], 1.0)
    np.add.at(c, [0, 0, 3], 1.0)
    assert np.array_equal(b, c)


@pytest.mark.parametrize("identity, value", [(0, 0), (1, 1), (None, None), ("reorderable", None)])
def test_identity(identity, value):
    u = make(identity=identity)
    assert u.identity == value
    a = np.ones((2, 3))
    if identity == "reorderable":
        assert u.reduce(a, axis=(0, 1)) == 6
    if identity is None:
        with pytest.raises(ValueError):
            u.reduce(a, axis=(0, 1))
        with pytest.raises(ValueError):
            u.reduce(np.zeros(0))


@pytest.mark.parametrize("bad", [2, "zero", -1, True, 1.5])
def test_bad_identity(bad):
    with pytest.raises(ValueError, match="identity"):
        make(identity=bad)


def test_order_of_signatures_is_numpys():
    narrow = vectorize(["float32(float32)", "float64(float64)"])(lambda x: x * 2)
    wide = vectorize(["float64(float64)", "float32(float32)"])(lambda x: x * 2)
    assert narrow(np.int8(1)).dtype == np.float32 and wide(np.int8(1)).dtype == np.float64
    assert narrow(np.float32(1)).dtype == np.float32 and narrow(1.0).dtype == np.float64


def test_signature_forms():
    for form in ("float64(float64)", [float64(float64)], ["float64(float64)"], [(float64,)], float64(float64), (float64(float64),)):
        assert vectorize(form)(lambda x: x + 1)(1.5) == 2.5


def test_mixed_types_and_bool():
    u = vectorize(["boolean(float64, int32)"])(lambda x, n: x > n)
    assert u.types == ["di->?"] and u([1.0, 5.0], 3).tolist() == [False, True]
    c = vectorize(["complex128(complex128)", "complex64(complex64)"])(lambda z: z * z)
    assert c(1j) == -1 and c(np.complex64(2j)).dtype == np.complex64


def test_branches_and_math():
    import math

    @vectorize(["float64(float64)"])
    def f(x):
        if x < 0:
            return -1.0
        return math.sqrt(x)
    assert f([-5.0, 4.0, 9.0]).tolist() == [-1.0, 2.0, 3.0]


def test_division_follows_numpy():
    u = vectorize(["float64(float64, float64)"])(lambda a, b: a / b)
    with np.errstate(all="ignore"):
        assert u(1.0, 0.0) == np.inf and np.isnan(u(0.0, 0.0))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("n", [1, 1000, 200000])
def test_floating_point_errors_are_numpys(target, n):
    u = vectorize(["float64(float64, float64)"], target=target)(lambda a, b: a / b)
    a, b = np.ones(n), np.ones(n)
    with np.errstate(all="raise"):
        u(a, b)
        b[-1] = 0
        with pytest.raises(FloatingPointError):
            u(a, b)
    with np.errstate(all="ignore"):
        assert u(a, b)[-1] == np.inf


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("n", [1, 1000, 200000])
def test_what_is_not_computed_raises_no_flags(target, n):
    @vectorize(["float64(float64)"], target=target)
    def f(x):
        return 0.0 if x == 0.0 else 1.0 / x
    a = np.zeros(n)
    with np.errstate(all="raise"):
        assert f(a).sum() == 0


# -- errors

@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("n", [1, 100, 200000])
def test_exception_reaches_the_caller(target, n):
    @vectorize(["float64(float64)"], target=target)
    def f(x):
        if x == 3:
            raise ValueError("three")
        return x
    a = np.full(n, 2.0)
    assert np.array_equal(f(a), a)
    a[-1] = 3
    with pytest.raises(ValueError, match="three"):
        f(a)
    assert f(1.0) == 1.0


@pytest.mark.parametrize("bad, error", [
    (["float64(float64)"], TypeError), (["float64(float64[:], float64)"], TypeError), (["nonsense"], TypeError), ([3], TypeError)])
def test_bad_signatures(bad, error):
    with pytest.raises(error):
        vectorize(bad)(plus)


def test_bad_targets_and_options():
    with pytest.raises(ValueError, match="target"):
        vectorize(["f8(f8)"], target="quantum")(lambda x: x)
    with pytest.raises(TypeError, match="no option"):
        vectorize(["f8(f8)"], speed=11)(lambda x: x)
    with pytest.raises(TypeError, match="needs signatures"):
        vectorize(target="parallel")(lambda x: x)
    with pytest.raises(TypeError):
        vectorize(["f8(f8)"])(3)


def test_typing_error_at_decoration():
    with pytest.raises(TypeError, match="nonsense|attribute|None"):
        vectorize(["float64(float64)"])(lambda x: x + None)


# -- life

def test_ufunc_outlives_everything_else():
    u = make()
    gc.collect()
    assert u(1, 2) == 3
    del u
    gc.collect()


def test_code_goes_with_the_ufunc():
    code = """
import gc, naja, numpy as np
def blocks():
    return sum('naja' in line or 'r-xp 00000000 00:00 0' in line for line in open('/proc/self/maps'))
naja.vectorize(['f8(f8)'])(lambda x: x)
gc.collect()
before = blocks()
for i in range(50):
    naja.vectorize(['f8(f8)'])(lambda x: x + 1)
gc.collect()
print(blocks() - before)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert int(done.stdout) < 10, done.stderr


def test_called_from_compiled_code():
    u = make()
    f = njit(lambda x: u(x, 1.0) * 2)
    assert f(2.0) == 6.0


def test_dynamic_called_from_compiled_code():
    u = vectorize(plus)
    f = njit(lambda x: u(x, 1.0) * 2)
    assert f(2.0) == 6.0


# -- without signatures

def test_dynamic():
    u = vectorize(plus)
    assert isinstance(u, DUFunc) and u.types == []
    assert u(1, 2) == 3 and u.types == ["ll->l"]
    assert u(1.5, 2.5) == 4.0 and u.types == ["ll->l", "dd->d"]
    assert np.array_equal(u(np.arange(3), np.arange(3)), np.arange(3) * 2) and u.ntypes == 2
    a = np.arange(4.0)
    out = np.zeros(4)
    assert u(a, 1.0, out=out) is out and out.tolist() == [1, 2, 3, 4]


def test_dynamic_forms():
    for u in (vectorize()(plus), vectorize(identity=0)(plus), vectorize([])(plus)):
        assert isinstance(u, DUFunc) and u(1, 1) == 2


def test_dynamic_takes_a_loop_that_fits():
    u = vectorize(plus)
    u.add("float64(float64, float64)")
    assert u(np.int8(1), np.int8(2)) == 3.0 and u.ntypes == 1


def test_dynamic_methods():
    u = vectorize(plus, identity=0) if False else vectorize(identity=0)(plus)
    a = np.arange(10.0)
    assert u.reduce(a) == 45 and u.accumulate(a)[-1] == 45 and u.outer(a, a).shape == (10, 10)
    assert u.types == ["dd->d"] and u.nin == 2 and u.nout == 1 and u.__name__ == "plus"


def test_dynamic_frozen():
    u = vectorize(plus)
    u.add(int64(int64, int64))
    u.disable_compile()
    with pytest.raises(TypeError):
        u(1j, 2j)
    with pytest.raises(RuntimeError):
        u.add(float64(float64, float64))


def test_dynamic_wrong_count():
    with pytest.raises(TypeError, match=r"plus\(\) takes 2"):
        vectorize(plus)(1)
