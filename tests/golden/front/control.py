def if_else(a):
    if a > 0:
        b = 1
    elif a:
        b = 2
    else:
        b = 3
    return b


def ternary(a, b):
    return (a if b else b) + (1 if a is None else 2)


def logic(a, b, c):
    d = a and b or c
    if not (a or b) and c:
        d = 1
    return d


def chained(a, b, c):
    if a < b <= c != 4:
        return 1
    return a < b < c


def loop(n):
    s = 0
    for i in range(n):
        s += i
    return s


def nested(a):
    s = 0
    for i in range(len(a)):
        for j in range(i):
            if j == 2:
                continue
            if j == 7:
                break
            s += a[i, j]
        else:
            s = -s
    return s


def while_else(n):
    while n:
        n -= 1
        if n == 3:
            break
    else:
        n = 9
    return n


def while_true(a):
    while True:
        a += 1
        if a > 4:
            return a


def loop_at_start(a):
    while a < 9:
        a += 1
        if a == 5:
            a = 7


def pairs(a, b):
    s = 0
    for i, (x, y) in enumerate(zip(a, b)):
        s += x * y + i
    return s


def none(a, b):
    if a is None and b is not None:
        return 1
    while a is not None:
        a = None
    return b is None


def membership(a, t):
    return a in t, a not in t, a is t


def early(a):
    for x in a:
        if x:
            return x
    return 0


def match_values(a):
    match a:
        case 1:
            return 10
        case 2:
            return 20
        case _:
            return 30


def asserts(a):
    assert a
    assert a > 1, "too small"
    assert a > 2, f2(a, 1)


def f2(a, b):
    if a:
        raise ValueError
    if b:
        raise ValueError("bad", 1)
    e = KeyError("later")
    raise e


def dead():
    if __debug__:
        return 1
    return [1]


def empty_if(a):
    if a.any():
        pass
    return a
