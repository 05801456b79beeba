"""math, cmath and NumPy's scalar ufuncs beside CPython and NumPy, over edge values: zeros, subnormals, huge, infinite, NaN."""
import cmath
import math
import warnings

import numpy as np
import pytest

from both_ways import bits
from naja import njit

VALUES = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 1e-300, 5e-324, -5e-324, 1e300, -1e300, 1.7976931348623157e308, math.inf, -math.inf,
          math.nan, 0.1, 3.7, -3.7, 10.0, 100.5, 709.0, 710.0, -745.5, -746.0, 1e16, 0.9999999999999999, 1.0000000000000002, 123456.789]
ONE = """sqrt exp expm1 log log2 log10 log1p sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh ceil floor trunc fabs degrees
radians erf erfc isnan isinf isfinite modf frexp""".split() + [n for n in ("cbrt", "exp2") if hasattr(math, n)]
TWO = "pow atan2 hypot fmod copysign remainder".split() + ["nextafter"] * hasattr(math, "nextafter")


def distance(got, want):
    """In units in the last place; infinite where the kind, the sign of a zero, or infinity differ."""
    if isinstance(want, tuple):
        return max(map(distance, got, want))
    if type(got) is not type(want):
        return math.inf
    if not isinstance(want, float) or math.isnan(want) or got == want:
        return 0 if bits(got) == bits(want) else math.inf
    return abs(got - want) / math.ulp(want) if math.isfinite(got) and math.isfinite(want) else math.inf


def compiled(module, name, n):
    args = ", ".join("xy"[:n])
    scope = {"math": math, "cmath": cmath, "np": np}
    exec(f"def f({args}): return {module}.{name}({args})", scope)
    return njit(scope["f"]), scope["f"]


def check(module, name, arguments, ulps):
    f, plain = compiled(module, name, len(arguments[0]))
    wrong = []
    for args in arguments:
        try:
            want = plain(*args)
        except (ValueError, OverflowError):
            continue                        # compiled code gives NaN or an infinity, as the C library does
        if isinstance(want, int) and abs(want) >= 2**63:
            continue
        got = f(*args)
        if distance(got, want) > ulps:
            wrong.append((args, got, want))
    assert not wrong, wrong[:10]


@pytest.mark.parametrize("name", ONE)
def test_math_of_one(name):
    check("math", name, [(x,) for x in VALUES], 1)


@pytest.mark.parametrize("name", TWO)
def test_math_of_two(name):
    check("math", name, [(x, y) for x in VALUES for y in VALUES], 1)


@pytest.mark.parametrize("name", ["gamma", "lgamma"])
def test_gamma(name):
    check("math", name, [(x,) for x in (3.0, 5.25, 22.5, 170.6, 0.1, -0.9, -3.7, 2.0, 1.0)], 5)


def test_ldexp():
    check("math", "ldexp", [(x, n) for x in VALUES for n in (0, 1, -1, 10, 1023, -1074)], 0)


@pytest.mark.parametrize("a, b", [(12, 18), (0, 5), (5, 0), (-12, 18), (7, -21), (0, 0), (2**62, 2**40), (-2**62, 3)])
def test_gcd(a, b):
    assert njit(lambda a, b: math.gcd(a, b))(a, b) == math.gcd(a, b)


@pytest.mark.parametrize("name", "sqrt exp log sin floor ceil fabs atan2 pow isnan".split())
def test_integers_are_doubles(name):
    n = 2 if name in TWO else 1
    f, plain = compiled("math", name, n)
    for v in (True, 3, np.int8(2), np.uint64(7)):
        assert distance(f(*[v] * n), plain(*[int(v)] * n)) <= 1


def test_single_precision_stays():
    f = njit(lambda x: math.sqrt(x))
    assert f(np.float32(2)) == float(np.sqrt(np.float32(2)))
    assert str(f.nopython_signatures[0].return_type) == "float32"


# -- complex

PARTS = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 1e-300, 1e300, -1e300, math.inf, -math.inf, math.nan, 3.7, 100.5, 710.0, 1e-10, 1.0000000001]
COMPLEX = "sqrt exp log log10 sin cos tan sinh cosh tanh asin acos atan asinh acosh atanh phase polar isnan isinf isfinite".split()


def parts_of(z):
    return [z.real, z.imag] if isinstance(z, complex) else list(z) if isinstance(z, tuple) else [z]


def is_close(got, want):
    """To a few units of the larger part; where CPython has a NaN or infinite part the other one's sign is nobody's business."""
    got, want = parts_of(got), parts_of(want)
    if any(isinstance(w, bool) for w in want):
        return got == want
    special = [not math.isfinite(w) for w in want]
    if any(special):
        same = [math.isnan(g) == math.isnan(w) and (math.isnan(w) or abs(g) == abs(w)) for g, w in zip(got, want)]
        return all(same) or any(map(math.isnan, want)) and any(map(math.isnan, got))
    unit = max(math.ulp(w) for w in want)
    return all(abs(g - w) <= max(4 * math.ulp(w), unit) for g, w in zip(got, want))


@pytest.mark.parametrize("name", COMPLEX)
def test_cmath(name):
    f, plain = compiled("cmath", name, 1)
    wrong = []
    for z in (complex(a, b) for a in PARTS for b in PARTS):
        try:
            want = plain(z)
        except (ValueError, OverflowError):
            continue
        if not is_close(f(z), want):
            wrong.append((z, f(z), want))
    assert not wrong, wrong[:10]


@pytest.mark.parametrize("name", COMPLEX[:16])
def test_cmath_in_single_precision(name):
    f, plain = compiled("cmath", name, 1)
    for z in (0.3 + 0.7j, -1.5 + 0.25j, 2 - 3j, 30 + 1j, -0.5j):
        z = np.complex64(z)
        got, want = f(z), np.complex64(plain(complex(z)))
        assert np.allclose([got.real, got.imag], [want.real, want.imag], rtol=3e-6, atol=1e-6, equal_nan=True), (z, got, want)


def test_rect():
    f, plain = compiled("cmath", "rect", 2)
    for r, phi in [(1.0, 0.5), (-2.0, 3.0), (0.0, 1.0), (1e300, 0.1)]:
        assert is_close(f(r, phi), plain(r, phi))


# -- NumPy's ufuncs of scalars: the same type and value as the ufunc has

UNARY = """sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh exp exp2 expm1 log log2 log10 log1p sqrt cbrt fabs floor
ceil trunc rint absolute sign square reciprocal negative positive isnan isinf isfinite signbit logical_not degrees radians deg2rad
rad2deg conjugate invert""".split()
BINARY = """add subtract multiply divide true_divide floor_divide remainder mod power fmod hypot arctan2 copysign nextafter fmin fmax minimum
maximum less less_equal equal not_equal greater greater_equal logical_and logical_or logical_xor bitwise_and bitwise_or bitwise_xor
left_shift right_shift""".split()
SAMPLES = {"?": [0, 1], "b": [0, 1, -1, 5, -128, 127], "B": [0, 1, 5, 255], "i": [0, 3, -7, 2**31 - 1], "l": [0, 3, -7, 2**62],
           "L": [0, 3, 2**63], "f": [0.0, -0.0, 0.5, -2.25, 1e30, np.inf, np.nan], "d": [0.0, -0.0, 0.5, -2.25, 1e300, np.inf, np.nan]}


def numpy_close(got, want):
    if isinstance(got, (bool, int)):
        return got == want
    with np.errstate(all="ignore"):
        rtol = 1e-6 if want.dtype == np.float32 else 1e-14
    return bool(np.isclose(got, want, rtol=rtol, atol=0, equal_nan=True))


# where naja is with the published rules instead, or NumPy's answer is its compiler's: see host/doc/typing.txt
ELSE = {("divide", "?"), ("divide", "b"), ("divide", "B"), ("true_divide", "?"), ("true_divide", "b"), ("true_divide", "B"),
        ("conjugate", "?"), ("reciprocal", "i"), ("reciprocal", "l"), ("reciprocal", "L"), ("floor_divide", "b")}
# NumPy before 2.1 has floor, ceil and trunc of floats only
OLD = tuple(map(int, np.__version__.split(".")[:2])) < (2, 1)


def check_ufunc(name, arguments):
    f, _ = compiled("np", name, len(arguments[0]))
    ufunc, wrong = getattr(np, name), []
    for args in arguments:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                want = ufunc(*args)
            except (TypeError, ValueError):
                return                      # no loop for these types, or integers to negative powers
        if want.dtype == np.float16:
            continue                        # naja takes the float32 loop
        got = f(*args)
        kind = str(f.nopython_signatures[-1].return_type)
        if not numpy_close(got, want) or kind != str(want.dtype):
            wrong.append((args, got, kind, repr(want)))
    assert not wrong, wrong[:8]


@pytest.mark.parametrize("kind", SAMPLES)
@pytest.mark.parametrize("name", UNARY)
def test_unary_ufunc(name, kind):
    if OLD and name in ("floor", "ceil", "trunc"):
        pytest.skip("NumPy before 2.1 rounds integers to floats, naja as NumPy does since")
    if (name, kind) in ELSE:
        pytest.skip("naja follows the published typing rules here, not this NumPy: see host/doc/typing.txt")
    check_ufunc(name, [(np.dtype(kind).type(v),) for v in SAMPLES[kind]])


@pytest.mark.parametrize("kind", SAMPLES)
@pytest.mark.parametrize("name", BINARY)
def test_binary_ufunc(name, kind):
    if (name, kind) in ELSE:
        pytest.skip("naja follows the published typing rules here, not this NumPy: see host/doc/typing.txt")
    cls = np.dtype(kind).type
    check_ufunc(name, [(cls(a), cls(b)) for a in SAMPLES[kind] for b in SAMPLES[kind] if "shift" not in name or 0 <= b < 8])
