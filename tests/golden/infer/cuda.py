import numpy as np

from naja import cuda, float32, int32

TPB = 16
SHAPE = (TPB, TPB + 1)


def indices(out):
    i = cuda.grid(1)
    j = cuda.threadIdx.x + cuda.blockIdx.x * cuda.blockDim.x
    x, y = cuda.grid(2)
    x3, y3, z3 = cuda.gridsize(3)
    out[i] = j + x + y + x3
    out[cuda.threadIdx.x] = cuda.laneid


def tile(a, out):
    one = cuda.shared.array(TPB * 2, float32)
    two = cuda.shared.array(shape=SHAPE, dtype=np.float64)
    like = cuda.shared.array((TPB, 4), dtype=a.dtype)
    dynamic = cuda.shared.array(0, int32)
    text = cuda.shared.array(8, "uint8")
    out[1] = text[0]
    own = cuda.local.array(4, np.complex64)
    two[cuda.threadIdx.x, cuda.threadIdx.y] = one[0] + like[0, 1]
    cuda.syncthreads()
    out[0] = two[0, 0] + dynamic[0]
    own[0] = 1j


def atomics(a, b, h):
    old = cuda.atomic.add(a, 0, 1)
    cuda.atomic.max(b, (1, 2), old)
    cuda.atomic.sub(h, cuda.threadIdx.x, 1)
    cuda.atomic.cas(h, 0, 1, 2)
    cuda.atomic.exch(h, 0, 5)


def sync(out):
    n = cuda.syncthreads_count(1)
    cuda.threadfence()
    cuda.syncwarp()
    out[0] = n


def wrong(a, n):
    cuda.shared.array(n, float32)
    cuda.shared.array(4, n)
    cuda.shared.array(4, "nothing")
    cuda.shared.array((4, -1), float32)
    cuda.grid(4)
    cuda.grid(n)
    cuda.atomic.add(a, (0, 1), 1)
    cuda.atomic.and_(a, 0, 1)
    cuda.local.array(0, float32)


def returns(a):
    return a[0]


cases = [
    (indices, "(i8[:])", "cpudev"), (tile, "(f4[:], f8[:])", "cpudev"), (atomics, "(f4[:], f8[:, :], u4[:])", "cpudev"),
    (sync, "(i4[:])", "cpudev"), (wrong, "(f4[:], i8)", "cpudev"), (returns, "(f4[:])", "cpudev"), (sync, "(i4[:])"),
]
