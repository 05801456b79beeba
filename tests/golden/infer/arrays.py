import numpy as np


def read(a, i, j):
    return a[i, j], a[i][j], a[-1, 0], a[i, -j]


def layouts(a):
    return a[0], a[:, 0], a[1:], a[1:, :], a[:, 1:], a[0, 1:], a[::2], a[..., 0], a[0, ...], a[:, :]


def newaxis(a):
    return a[None, :], a[:, np.newaxis], a[..., None]


def fewer(a, i):
    return a[i], a[i, i], a[i, i, i]


def write(a, i, v):
    a[i] = v
    a[0] = 1
    a[1:] = 2.5
    a[1:3] = a[2:4]
    a[:2] = (1, 2)


def attributes(a):
    return a.shape, a.strides, a.size, a.ndim, a.itemsize, a.nbytes, a.T, a.dtype.type(1), len(a)


def dims(a):
    if a.ndim == 1:
        return a[0]
    return a[0, 0]


def rows(a):
    s = 0.0
    for row in a:
        for x in row:
            s += x
    return s


def swap(a, i, j):
    a[i], a[j] = a[j], a[i]


def unsigned(a, i):
    return a[np.uint32(i)] + a[np.int8(i)]


def zero_dim(a):
    return a[()], a.shape


cases = [
    (read, "(f4[:, ::1], i8, i4)"),
    (layouts, "(f8[:, ::1])"),
    (layouts, "(f8[::1, :])"),
    (layouts, "(f8[:, :])"),
    (newaxis, "(i4[::1])"),
    (fewer, "(f8[:, :, ::1], u1)"),
    (write, "(f4[::1], i8, f8)"),
    (write, "(f4[::1], i8, i4)"),
    (attributes, "(c8[:, ::1])"),
    (dims, "(f4[::1])"),
    (dims, "(f4[:, ::1])"),
    (rows, "(f4[:, ::1])"),
    (rows, "(f4[::1, :])"),
    (swap, "(f8[:], i8, i8)"),
    (unsigned, "(i2[:], i8)"),
    (read, "(array(f8, 2, A, readonly), i8, i8)"),
    (zero_dim, "(array(f8, 0, C))"),
]
