import math

things = [1]
HUGE = 2 ** 64


def list_display(a):
    return [a, 1]


def list_comp(a):
    return [x for x in a]


def set_display(a):
    return {a}


def dict_display(a):
    return {1: a}


def starred(f, a):
    return f(1, *a)


def starred_kw(f, a):
    return f(**a)


def fstring(a):
    return f"{a}"


def try_except(a):
    b = 1
    try:
        b = a
    except ValueError:
        b = 2
    return b


def try_finally(a):
    try:
        a += 1
    finally:
        a += 2
    return a


def with_block(a):
    with a:
        pass


def nested(a):
    def g():
        return a
    return g()


def lambdas(a):
    return (lambda x: x)(a)


def generator_expression(a):
    return sum(x for x in a)


def generator(a):
    yield a


async def coroutine(a):
    return a


def varargs(*a):
    return a


def varkw(**a):
    return a


def imports():
    import os
    return os


def set_global(a):
    global things
    things = a


def missing(a):
    return a + undefined_name


def not_an_attribute(a):
    return math.square_root(a)


def bad_globals(a):
    b = things
    return HUGE + missing(b)


def unbound(a):
    return b + a
    b = 1


def several(a):
    x = nowhere1
    y = math.nowhere2
    return [x, y, a]


def unreachable_is_fine(a):
    return a
    try:
        return [a]
    finally:
        pass


def delete_item(a):
    del a[0]


def star_target(a):
    b, *c = a
    return b


def raise_from(a):
    raise ValueError from a


def bare_raise():
    raise


def bytes_constant():
    return b"raw"


def nested_class():
    class C:
        pass
