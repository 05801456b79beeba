def index(t):
    return t[0], t[-1], t[1:], t[::-1], t[:-1]


def dynamic(t, i):
    return t[i]


def known(t):
    n = len(t)
    return t[n - 1]


def iterate(t):
    s = 0
    for x in t:
        s += x
    return s


def unpack(t):
    a, (b, c) = t
    b, a = a, b
    return a + b + c


def compare(a, b):
    return a == b, a < b, a != b


def member(x, t):
    return x in t, x not in t, x in (1, 2, 3)


def concat(a, b):
    return a + b, a + (1.5,)


def enumerated(a):
    s = 0.0
    for i, x in enumerate(a):
        s += i * x
    for x, y in zip(a, a[1:]):
        s += x * y
    for i, (j, x) in enumerate(zip(range(3), a)):
        s += i + j + x
    return s


def minmax(t):
    return min(t), max(t), sum(t), max(1, 2.5, True)


def repeated(t, n):
    return t * 2, t * 0, (0,) * len(t)


cases = [
    (index, "(Tuple((i8, f4, b1)))"),
    (dynamic, "(UniTuple(f4, 3), i8)"),
    (dynamic, "(Tuple((f4, f8)), i8)"),
    (known, "(Tuple((f4, f8)))"),
    (iterate, "(UniTuple(i4, 3))"),
    (iterate, "(Tuple((i4, f4)))"),
    (unpack, "(Tuple((i4, UniTuple(f4, 2))))"),
    (compare, "(UniTuple(i4, 2), Tuple((f4, u8)))"),
    (member, "(i8, UniTuple(f4, 2))"),
    (concat, "(UniTuple(i4, 1), UniTuple(f8, 2))"),
    (enumerated, "(f8[:])"),
    (minmax, "(Tuple((i4, u4)))"),
    (repeated, "(Tuple((i4, f4)), i8)"),
]
