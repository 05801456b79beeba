import math

N = 4
X = 2.5


def empty():
    pass


def arith(a, b):
    return -a + b * 2 - (a // b) ** ~b % 3 << 1 >> 2 & 7 | b ^ a / +b @ a


def inplace(a, b):
    a += b
    a -= 1
    a *= b
    a //= 2
    a[b] += 1
    a[b, 1:] **= 2
    return a


def folded():
    return N * 2 + 1, -N, -X, N // 3


def attrs(a):
    a.x = a.shape[0] + math.pi
    s = math.sqrt
    return s(a.real.imag)


def slices(a, i, j):
    a[i:j] = a[::2]
    a[i, ...] = a[:, None]
    return a[1:], a[:-1], a[i:j:2], a[:]


def swap(a, i, j):
    a[i], a[j] = a[j], a[i]
    i, j = j, i
    return i, j


def unpack(t, u):
    a, b = t
    (c, d), e = u
    p, q, r, s = d, c, b, a
    w = x = a
    return p, q, r, s, e, w, x


def walrus(a):
    return (b := a + 1) * b


def calls(f, a):
    f(a, 1, c=a, d=2)
    print("x", a, sep="")
    return len(a) + max(a.sum(axis=0), min(1, 2))


def keyword_only(a, /, b, *, c=1):
    return a + b + c


def functions_in_tuples(a):
    return (len, 1), (2.5, "s", (N, None), float)
