import math

import numpy as np

THING = object()


def binop(a, n):
    x = n
    a[0] + "text"
    x & 1.5
    a + a
    return -a[0] ** None


def unify(c, a):
    if c:
        x = a
    else:
        x = 1
    return x


def returns(c, a):
    if c:
        return a
    return 1


def items(a, t):
    a[1.5]
    a[0, 0, 0]
    a[True]
    t[5]
    a["x"]
    t[0] = 1
    a[0] = "x"
    a[0] = 1j
    return a[0, 0]


def readonly(a):
    a[0] = 1


def attributes(a, n):
    a.nothing
    n.nothing
    math.nothing
    return a.dtype.nothing


def calls(n):
    math.sin("x")
    math.sin(1, 2)
    np.add(n)
    len(n)
    int("5")
    float(1j)
    return range(1.5)


def iteration(n):
    for i in n:
        pass
    a, b = n
    a, b = (1, 2, 3)


def truth(a):
    if a:
        return 1
    return "s" if not a else 2


def names():
    return undefined_name + THING


def raising(x):
    if x:
        raise ValueError(x)
    raise x


def compare(z, a):
    z < 1
    a < 1
    a == (1, 2)
    "x" in a
    return z == 1


def several(a):
    x = a + "1"
    y = x + 1
    z = a + "2"
    return y + z


cases = [
    (binop, "(f8[:], i8)"), (unify, "(b1, f8[:])"), (returns, "(b1, f8[:])"), (items, "(f8[:], UniTuple(i8, 2))"),
    (readonly, "(array(f8, 1, C, readonly))"), (attributes, "(f8[:], i8)"), (calls, "(i8)"), (iteration, "(i8)"),
    (truth, "(f8[:])"), (names, "()"), (raising, "(i8)"), (compare, "(c16, f8[:])"), (several, "(i8)"),
    (binop, "(f8[:])"),
]
