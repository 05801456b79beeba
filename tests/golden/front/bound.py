def maybe(a):
    if a:
        x = 1
    return x


def maybe_loop(n):
    for i in range(n):
        last = i * 2
    return last + i


def once(a):
    if a:
        x = 1
    b = x
    return b + x


def deleted(a):
    x = a
    del x
    x = 2
    if a:
        del x
    return x


def parameter(a, b):
    if b:
        del a
    return a
