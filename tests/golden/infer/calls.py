from naja import njit


@njit
def scaled(x, k=2, scale=None):
    if scale is None:
        return x * k
    return x * k * scale


def keywords(a):
    return scaled(a), scaled(a, scale=2.5), scaled(a, 3.0), scaled(k=1, x=a)


@njit
def fib(n):
    if n < 2:
        return n
    return fib(n - 1) + fib(n - 2)


def calls_fib(n):
    return fib(n)


@njit
def even(n):
    return True if n == 0 else odd(n - 1)


@njit
def odd(n):
    return False if n == 0 else even(n - 1)


def calls_even(n):
    return even(n)


@njit
def endless(n):
    return endless(n - 1)


def calls_endless(n):
    return endless(n)


@njit
def broken(x):
    return x + "a"


def calls_broken(x):
    return broken(x)


@njit
def second(t):
    return t[1]


def widening(n):
    x = 0
    for i in range(n):
        x = scaled(x, 0.5)
    return second((n, x))


@njit
def keyword_only(a, *, b=1):
    return a - b


def calls_keyword_only(x):
    return keyword_only(x) + keyword_only(x, b=x)


def wrong_calls(x):
    scaled()
    scaled(1, 2, 3, 4)
    scaled(1, x=2)
    scaled(1, z=2)
    keyword_only(1, 2)
    x(1)
    len()
    len(x, x)


@njit
def nests(n, t):
    return 0 if n == 0 else nests(n - 1, (t,))


def calls_nests(n):
    return nests(n, n)


cases = [
    (keywords, "(i8)"), (calls_fib, "(i4)"), (calls_even, "(i8)"), (calls_endless, "(i8)"), (calls_broken, "(i8)"),
    (widening, "(i8)"), (calls_keyword_only, "(f4)"), (wrong_calls, "(i8)"), (calls_nests, "(i8)"),
]
