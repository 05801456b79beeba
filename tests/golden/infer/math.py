import cmath
import math

import numpy as np

ROOT = math.sqrt
G = np.float32(2)


def reals(x):
    return math.sin(x), ROOT(x), math.fabs(x), math.isnan(x), math.degrees(x), math.floor(x), math.frexp(x), math.pi * x


def pairs(x, y):
    return math.pow(x, y), math.atan2(x, y), math.hypot(x, y), math.fmod(x, y), math.copysign(x, y)


def ufuncs(x):
    return np.sin(x), np.sqrt(x), np.floor(x), np.negative(x), np.abs(x), np.sign(x), np.square(x), np.isnan(x)


def ufunc_pairs(x, y):
    return (np.add(x, y), np.subtract(x, y), np.true_divide(x, y), np.floor_divide(x, y), np.power(x, y),
            np.maximum(x, y), np.less(x, y), np.logical_and(x, y))


def complexes(z):
    return z.real, z.imag, z.conjugate(), abs(z), z * 2, cmath.sqrt(z), cmath.phase(z), cmath.polar(z), np.exp(z), z == 1


def casts(x):
    return int(x), float(x), bool(x), complex(x), np.int8(x), np.float32(x), np.complex64(x), complex(x, x)


def builtins(x):
    return abs(x), round(x), round(x, 2), pow(x, 2), divmod(x, 2), min(x, 1), x ** 2


def literal_kinds(f):
    return f * 2, f * 2.0, f * G, f + True, 7 // 2, 7 / 2, 2 ** 40, 18446744073709551615


def rounded(x, n):
    return round(x, n), np.round(x), np.around(x, n), np.real(x), np.imag(x)


def own_width(x):
    return -x, ~x, np.gcd(x, x)


cases = [
    (rounded, "(f4, i8)"), (rounded, "(i4, i8)"), (own_width, "(u1)"),
    (reals, "(f4)"), (reals, "(i4)"), (reals, "(f4)", "cpudev"),
    (pairs, "(f4, f4)"), (pairs, "(f4, i8)"), (ufuncs, "(f4)"), (ufuncs, "(i4)"),
    (ufunc_pairs, "(i1, i1)"), (ufunc_pairs, "(u8, i8)"), (ufunc_pairs, "(f4, i2)"),
    (complexes, "(c8)"), (complexes, "(c16)"), (casts, "(f4)"), (casts, "(i4)"), (casts, "(b1)"),
    (builtins, "(f4)"), (builtins, "(u1)"), (literal_kinds, "(f4)"),
]
