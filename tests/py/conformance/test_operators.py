"""Every operator over every pair of the 13 scalar types: the published result type (tests/data/type_rules.txt), and the value
that computing in that type gives, over the edges of each type."""
import itertools
import math
import operator
import os
import warnings

import numpy as np
import pytest

from both_ways import bits
from naja import njit

TYPES = {"bool": np.bool_, "i8": np.int8, "i16": np.int16, "i32": np.int32, "i64": np.int64, "u8": np.uint8, "u16": np.uint16,
         "u32": np.uint32, "u64": np.uint64, "f32": np.float32, "f64": np.float64, "c64": np.complex64, "c128": np.complex128}
LONG = {"bool": "bool", "i8": "int8", "i16": "int16", "i32": "int32", "i64": "int64", "u8": "uint8", "u16": "uint16",
        "u32": "uint32", "u64": "uint64", "f32": "float32", "f64": "float64", "c64": "complex64", "c128": "complex128"}
RULES = os.path.join(os.path.dirname(__file__), "..", "..", "data", "type_rules.txt")
SYMBOLS = {"add": "+", "sub": "-", "mul": "*", "truediv": "/", "floordiv": "//", "mod": "%", "pow": "**", "lshift": "<<",
           "rshift": ">>", "and": "&", "or": "|", "xor": "^", "lt": "<", "le": "<=", "eq": "==", "ne": "!=", "gt": ">", "ge": ">="}


def rules():
    with open(RULES) as file:
        for line in file:
            word = line.split()
            if word and word[0] in SYMBOLS:
                yield word[0], word[1], word[2], word[3]


def edges(t):
    """Values worth trying: around 0, and the ends."""
    cls = TYPES[t]
    if t == "bool":
        return [cls(False), cls(True)]
    if t[0] in "iu":
        info = np.iinfo(cls)
        return [cls(v) for v in (0, 1, 2, 3, 7, info.max, info.max - 1, info.min, info.min + 1, info.max // 2)] + \
            ([cls(-1), cls(-5)] if t[0] == "i" else [])
    if t[0] == "f":
        return [cls(v) for v in (0.0, -0.0, 1.0, -1.0, 0.1, 2.5, -7.25, 1e30, 1e-30, math.inf, -math.inf, math.nan)]
    return [cls(v) for v in (0j, 1 + 0j, 1j, 0.1 - 2j, -3.5 + 0.25j)]


def wrap(value, t):
    """A Python integer as the 64-bit integer t holds it."""
    value &= 2**64 - 1
    return value - 2**64 if t == "i64" and value >= 2**63 else value


def floor_float(a, b, op, cls):
    """// and % of floats in one precision: CPython's way, in that precision."""
    with np.errstate(all="ignore"):
        if cls is np.float64:
            return cls(getattr(operator, op)(float(a), float(b)))
        rest = cls(np.fmod(a, b))
        quotient = cls((a - rest) / b)
        if rest:
            if (b < 0) != (rest < 0):
                rest, quotient = cls(rest + b), cls(quotient - cls(1))
        else:
            rest = np.copysign(cls(0), b)
        if op == "mod":
            return rest
        if not quotient:
            return np.copysign(cls(0), a / b)
        whole = np.floor(quotient)
        return cls(whole + 1) if quotient - whole > cls(0.5) else whole


def integers(op, a, b, t):
    """Integer arithmetic: exact, then cut to 64 bits; the operands are converted to the result's type first."""
    if op in ("floordiv", "mod"):
        a, b = wrap(a, t), wrap(b, t)
        if a == -2**63 and b == -1:
            return 0                # as published: there is no such quotient
    if op in ("lshift", "rshift"):
        a = wrap(a, t)
        return wrap(a << b, t) if op == "lshift" else wrap(a >> b, t)
    if op in ("and", "or", "xor"):
        op += "_" if op != "xor" else ""
    return wrap(getattr(operator, op)(a, b), t)


def expected(op, a, b, t):
    if op in ("lt", "le", "eq", "ne", "gt", "ge"):
        return compare(op, a, b)
    if t == "bool":
        return bool(getattr(operator, op + ("_" if op != "xor" else ""))(bool(a), bool(b)))
    if t[0] in "iu":
        return integers(op, int(a), int(b), t)
    cls = TYPES[t]
    with np.errstate(all="ignore"):
        a, b = cls(a), cls(b)
        if op in ("floordiv", "mod"):
            return floor_float(a, b, op, cls)
        return cls(getattr(operator, op)(a, b)).item()


def compare(op, a, b):
    """By value between integers; in the wider float where a float takes part."""
    kinds = {v.dtype.kind for v in (a, b)}
    if kinds <= set("biu"):
        return getattr(operator, op)(int(a), int(b))
    narrow = all(v.dtype in (np.float32, np.complex64, np.int8, np.int16, np.uint8, np.bool_) for v in (a, b))
    part = np.float32 if narrow else np.float64
    if "c" in kinds:
        return getattr(operator, op)(complex(a), complex(b))
    return bool(getattr(operator, op)(part(a), part(b)))


def is_skipped(op, a, b, t):
    """What has no value to compare: shifts out of range, and powers, divisions and complex products that libraries round their way."""
    zero = not b and op in ("truediv", "floordiv", "mod")
    if op in ("lshift", "rshift"):
        return not 0 <= int(b) < 64
    if op == "pow":
        return t[0] not in "iu" or int(b) < 0 or int(b) > 200
    return zero or (t[0] == "c" and op in ("truediv", "mul"))


@pytest.mark.parametrize("op", SYMBOLS)
def test_operator(op):
    scope = {}
    exec(f"def f(a, b): return a {SYMBOLS[op]} b", scope)
    wrong = []
    for name, left, right, result in rules():
        if name != op:
            continue
        f = njit(scope["f"])
        if result == "-":
            with pytest.raises(TypeError):
                f(edges(left)[1], edges(right)[1])
            continue
        for a, b in itertools.product(edges(left), edges(right)):
            if is_skipped(op, a, b, result):
                continue
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                got, want = f(a, b), expected(op, a, b, result)
            if bits(got) != bits(want):
                wrong.append(f"{left}({a!r}) {SYMBOLS[op]} {right}({b!r}): {got!r} instead of {want!r} ({result})")
        if f.nopython_signatures:
            kind = str(f.nopython_signatures[0].return_type)
            if kind != LONG[result]:
                wrong.append(f"{left} {SYMBOLS[op]} {right}: a {kind}, not {LONG[result]}")
    assert not wrong, f"{len(wrong)} wrong:\n" + "\n".join(wrong[:40])


def test_round_to_digits():
    """As CPython, which rounds the exact decimal value; over numbers that scaling alone gets wrong."""
    import random
    rng = random.Random(1)
    values = [2.675, 1.005, 1.115, 0.05, -0.05, -0.04999999999999999, 5e-324, 1e300, -0.0, math.inf, 4503599627370497.5,
              49141056842269.305, 5.4119867883158125e+17]
    values += [rng.uniform(-10, 10) for _ in range(300)] + [rng.randrange(-10**6, 10**6) / 2000 for _ in range(300)]
    values += [rng.randrange(10**17) / 10**rng.randrange(17) for _ in range(300)]
    f = njit(lambda x, n: round(x, n))
    known = {n: njit(eval(f"lambda x: round(x, {n})")) for n in (-2, 0, 1, 2, 7)}
    wrong = [(x, n) for x in values for n in range(-4, 18) if bits(f(x, n)) != bits(round(x, n))]
    wrong += [(x, n) for x in values for n, g in known.items() if bits(g(x)) != bits(round(x, n))]
    assert not wrong


@pytest.mark.parametrize("divisor", [1, 2, 3, 7, 8, -1, -2, -3, 10**9 + 7, 2**62, 2**63 - 1, -2**63])
def test_division_by_a_constant(divisor):
    values = [0, 1, -1, 2, -2, 5, -7, 100, -100, 2**40 + 3, -2**40 - 3, 2**63 - 1, -2**63 + 1]
    f = njit(eval(f"lambda a: (a // {divisor}, a % {divisor}, divmod(a, {divisor}))"))
    g = njit(eval(f"lambda a: (a // {divisor}, a % {divisor})"))
    for a in values:
        assert f(a) == f.py_func(a)
        narrow = np.int16(max(-2**15, min(a, 2**15 - 1)))
        assert g(narrow) == g.py_func(int(narrow))
