DEBUG = False


def phi(c, x):
    if c:
        y = 1
    else:
        y = x
    return y


def counter(n):
    x = 0
    while x < n:
        x += 0.5
    return x


def default(x, scale=None):
    if scale is None:
        scale = 2
    return x * scale


def optional(c):
    x = None
    if c:
        x = 1
    if x is None:
        return -1
    return x + 1


def returns_none(c):
    if c:
        return 1
    return None


def falls_off(a):
    a[0] = 1


def and_or(x, y):
    return x and y, x or y, not x


def chained(a, b, c):
    return a < b <= c


def debug(x):
    if DEBUG:
        return x.nothing
    return x


def ranges(i, u, b):
    s = 0
    for k in range(i):
        s += k
    for k in range(0, i):
        s += k
    for k in range(u):
        s += k
    for k in range(1, u, 2):
        s += k
    for k in range(b):
        s += k
    for k in range(10):
        s += k
    return s


def raises(x):
    assert x > 0, "positive"
    if x > 10:
        raise ValueError("too large", 3)
    if x > 9:
        raise ValueError
    return x


def never():
    raise RuntimeError("never")


def uses_never(x):
    if x:
        return 1
    raise OverflowError()


def empty(n):
    for x in ():
        n = x.nothing
    for i, x in enumerate(()):
        n = "never"
    return n


def mode(x):
    kind = "fast"
    if kind == "slow":
        return x.nothing
    return x


cases = [
    (phi, "(b1, f4)"), (phi, "(b1, c8)"), (phi, "(b1, u8)"),
    (counter, "(i4)"),
    (default, "(f8, none)"), (default, "(f8, f4)"), (default, "(f8, Optional(i8))"),
    (optional, "(b1)"), (returns_none, "(b1)"), (falls_off, "(f4[:])"),
    (and_or, "(i4, f4)"), (and_or, "(b1, b1)"), (chained, "(i8, f4, u8)"), (debug, "(i8)"),
    (ranges, "(i4, u8, u1)"), (raises, "(i8)"), (never, "()"), (uses_never, "(i8)"), (empty, "(i8)"), (mode, "(i8)"),
]
