import math
import cmath

DEBUG = False
SHAPE = (2, (3, 4.5), "s", None, True, 1j)
BIG = 2 ** 63


def constants():
    return SHAPE, BIG, 1e300, -0.0, ..., "text", b

b = -7


def switched(a):
    if DEBUG:
        print([a])
    if not DEBUG and SHAPE:
        a += 1
    return a


def modules(a):
    m = math
    return m.sin(a) + cmath.sqrt(a) + math.inf + abs(a)


def types(a):
    return int(a), float(a), complex(a), bool(a)


def make():
    scale, f = 3, math.exp

    def inner(a, k=2, *, w=5):
        return f(a) * scale + k + w
    return inner


def cell(a):
    b = a + 1
    return b
    return lambda: a + b


cases = [make()]
