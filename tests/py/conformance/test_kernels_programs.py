"""Whole kernels that everyone writes sooner or later, each against NumPy or plain Python."""
import math

import numpy as np
import pytest

from naja import cuda, complex128, float32, float64, int32, uint32, uint64

from .kernel_run import run

RNG = np.random.default_rng


def test_grid_stride_saxpy(run):
    @cuda.jit
    def saxpy(a, x, y):
        start = cuda.grid(1)
        stride = cuda.gridsize(1)
        for i in range(start, x.size, stride):
            y[i] = a * x[i] + y[i]

    x, y = RNG(0).random((2, 10007))
    expected = 2.5 * x + y
    run(saxpy[7, 96], 2.5, x, y)
    assert np.allclose(y, expected)


def test_grid_stride_2d(run):
    @cuda.jit
    def kernel(a):
        x0, y0 = cuda.grid(2)
        sx, sy = cuda.gridsize(2)
        for y in range(y0, a.shape[0], sy):
            for x in range(x0, a.shape[1], sx):
                a[y, x] += y * 100 + x

    a = np.zeros((37, 53))
    run(kernel[(2, 2), (8, 4)], a)
    assert np.array_equal(a, np.arange(37)[:, None] * 100 + np.arange(53))


def test_tiled_matmul(run):
    tpb = 8

    @cuda.jit
    def matmul(A, B, C):
        sA = cuda.shared.array(shape=(tpb, tpb), dtype=float32)
        sB = cuda.shared.array(shape=(tpb, tpb), dtype=float32)
        x, y = cuda.grid(2)
        tx = cuda.threadIdx.x
        ty = cuda.threadIdx.y
        tmp = float32(0.)
        for i in range((A.shape[1] + tpb - 1) // tpb):
            sA[ty, tx] = 0
            sB[ty, tx] = 0
            if y < A.shape[0] and (tx + i * tpb) < A.shape[1]:
                sA[ty, tx] = A[y, tx + i * tpb]
            if x < B.shape[1] and (ty + i * tpb) < B.shape[0]:
                sB[ty, tx] = B[ty + i * tpb, x]
            cuda.syncthreads()
            for j in range(tpb):
                tmp += sA[ty, j] * sB[j, tx]
            cuda.syncthreads()
        if y < C.shape[0] and x < C.shape[1]:
            C[y, x] = tmp

    A, B = RNG(0).random((21, 30), np.float32), RNG(1).random((30, 17), np.float32)
    C = np.zeros((21, 17), np.float32)
    run(matmul[(3, 3), (tpb, tpb)], A, B, C)
    assert np.allclose(C, A @ B, rtol=1e-5)


def test_block_reduction(run):
    @cuda.jit
    def reduce(data, partial):
        s = cuda.shared.array(128, float64)
        tid = cuda.threadIdx.x
        i = cuda.blockIdx.x * (cuda.blockDim.x * 2) + tid
        v = 0.0
        if i < data.size:
            v += data[i]
        if i + cuda.blockDim.x < data.size:
            v += data[i + cuda.blockDim.x]
        s[tid] = v
        cuda.syncthreads()
        step = cuda.blockDim.x >> 1
        while step:
            if tid < step:
                s[tid] += s[tid + step]
            cuda.syncthreads()
            step >>= 1
        if tid == 0:
            partial[cuda.blockIdx.x] = s[0]

    data = RNG(0).random(1500)
    partial = np.zeros(6)
    run(reduce[6, 128], data, partial)
    assert np.isclose(partial.sum(), data.sum())


def test_blelloch_scan(run):
    n = 64

    @cuda.jit
    def scan(a):
        s = cuda.shared.array(n, int32)
        t = cuda.threadIdx.x
        s[2 * t] = a[2 * t]
        s[2 * t + 1] = a[2 * t + 1]
        offset = 1
        d = n >> 1
        while d > 0:
            cuda.syncthreads()
            if t < d:
                ai = offset * (2 * t + 1) - 1
                bi = offset * (2 * t + 2) - 1
                s[bi] += s[ai]
            offset *= 2
            d >>= 1
        if t == 0:
            s[n - 1] = 0
        d = 1
        while d < n:
            offset >>= 1
            cuda.syncthreads()
            if t < d:
                ai = offset * (2 * t + 1) - 1
                bi = offset * (2 * t + 2) - 1
                s[ai], s[bi] = s[bi], s[ai] + s[bi]
            d *= 2
        cuda.syncthreads()
        a[2 * t], a[2 * t + 1] = s[2 * t], s[2 * t + 1]

    a = RNG(0).integers(0, 50, n).astype(np.int32)
    expected = np.concatenate([[0], np.cumsum(a)[:-1]])
    run(scan[1, n // 2], a)
    assert np.array_equal(a, expected)


def test_hillis_steele_double_buffer(run):
    @cuda.jit
    def scan(a):
        buf = cuda.shared.array((2, 32), float64)
        t = cuda.threadIdx.x
        src, dst = 0, 1
        buf[0, t] = a[t]
        cuda.syncthreads()
        k = 1
        while k < 32:
            if t >= k:
                buf[dst, t] = buf[src, t] + buf[src, t - k]
            else:
                buf[dst, t] = buf[src, t]
            src, dst = dst, src
            cuda.syncthreads()
            k <<= 1
        a[t] = buf[src, t]

    a = RNG(0).random(32)
    expected = np.cumsum(a)
    run(scan[1, 32], a)
    assert np.allclose(a, expected)


def test_bitonic_sort(run):
    @cuda.jit
    def step(a, j, k):
        i = cuda.grid(1)
        ixj = i ^ j
        if ixj > i:
            if (i & k) == 0 and a[i] > a[ixj]:
                a[i], a[ixj] = a[ixj], a[i]
            if (i & k) != 0 and a[i] < a[ixj]:
                a[i], a[ixj] = a[ixj], a[i]

    @cuda.jit
    def whole_block(a):
        s = cuda.shared.array(128, float32)
        t = cuda.threadIdx.x
        s[t] = a[t]
        k = 2
        while k <= 128:
            j = k >> 1
            while j > 0:
                cuda.syncthreads()
                o = t ^ j
                if o > t:
                    up = (t & k) == 0
                    if up == (s[t] > s[o]):
                        s[t], s[o] = s[o], s[t]
                j >>= 1
            k <<= 1
        cuda.syncthreads()
        a[t] = s[t]

    a = RNG(0).random(256)
    expected = np.sort(a)
    k = 2
    while k <= 256:
        j = k // 2
        while j:
            run(step[4, 64], a, j, k)
            j //= 2
        k *= 2
    assert np.array_equal(a, expected)
    b = RNG(1).random(128, np.float32)
    expected = np.sort(b)
    run(whole_block[1, 128], b)
    assert np.array_equal(b, expected)


def test_histogram(run):
    @cuda.jit
    def histogram(x, xmin, xmax, out):
        nbins = out.shape[0]
        width = (xmax - xmin) / nbins
        start = cuda.grid(1)
        stride = cuda.gridsize(1)
        for i in range(start, x.shape[0], stride):
            b = int32((x[i] - xmin) / width)
            if b >= 0 and b < out.shape[0]:
                cuda.atomic.add(out, b, 1)

    x = RNG(0).normal(size=5000).astype(np.float32)
    out = np.zeros(10, np.int32)
    run(histogram[16, 64], x, np.float32(-4), np.float32(4), out)
    expected = np.histogram(x, bins=10, range=(-4, 4))[0]
    assert np.abs(out - expected).max() <= 1 and out.sum() == expected.sum()


def test_game_of_life(run):
    @cuda.jit
    def life(a, b):
        x, y = cuda.grid(2)
        h, w = a.shape
        if x < w and y < h:
            n = 0
            for dy in (-1, 0, 1):
                for dx in (-1, 0, 1):
                    if dx == 0 and dy == 0:
                        continue
                    n += a[(y + dy) % h, (x + dx) % w]
            b[y, x] = 1 if n == 3 or (n == 2 and a[y, x]) else 0

    a = RNG(0).integers(0, 2, (30, 40)).astype(np.uint8)
    b, c = np.zeros_like(a), a.copy()
    for _ in range(5):
        run(life[(5, 4), (8, 8)], a, b)
        a, b = b, a
        n = sum(np.roll(c, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1)) - c
        c = ((n == 3) | ((n == 2) & (c == 1))).astype(np.uint8)
    assert np.array_equal(a, c)


def test_jacobi(run):
    @cuda.jit
    def jacobi(u, v, err):
        i, j = cuda.grid(2)
        n, m = u.shape
        if 1 <= i < n - 1 and 1 <= j < m - 1:
            v[i, j] = 0.25 * (u[i + 1, j] + u[i - 1, j] + u[i, j + 1] + u[i, j - 1])
            cuda.atomic.max(err, 0, abs(v[i, j] - u[i, j]))

    u = np.zeros((20, 24))
    u[0] = 1
    v = u.copy()
    w = u.copy()
    for _ in range(10):
        err = np.zeros(1)
        run(jacobi[(3, 3), (8, 8)], u, v, err)
        new = w.copy()
        new[1:-1, 1:-1] = 0.25 * (w[2:, 1:-1] + w[:-2, 1:-1] + w[1:-1, 2:] + w[1:-1, :-2])
        assert np.isclose(err[0], np.abs(new - w).max())
        w = new
        u, v = v, u
    assert np.allclose(u, w)


def test_stencil_in_shared_memory_with_halo(run):
    radius = 3

    @cuda.jit
    def blur(a, out, weights):
        s = cuda.shared.array(64 + 2 * 3, float64)
        t = cuda.threadIdx.x
        i = cuda.grid(1)
        s[t + radius] = a[i] if i < a.size else 0.0
        if t < radius:
            s[t] = a[i - radius] if i >= radius else 0.0
            right = i + cuda.blockDim.x
            s[t + radius + cuda.blockDim.x] = a[right] if right < a.size else 0.0
        cuda.syncthreads()
        if i < a.size:
            acc = 0.0
            for k in range(-radius, radius + 1):
                acc += weights[k + radius] * s[t + radius + k]
            out[i] = acc

    a, w = RNG(0).random(200), RNG(1).random(7)
    out = np.zeros(200)
    run(blur[4, 64], a, out, w)
    assert np.allclose(out, np.convolve(a, w[::-1], 'same'))


def test_nbody(run):
    @cuda.jit(device=True)
    def interaction(bi, bj, ai):
        rx, ry, rz = bj[0] - bi[0], bj[1] - bi[1], bj[2] - bi[2]
        d2 = rx * rx + ry * ry + rz * rz + 1e-3
        inv = 1.0 / math.sqrt(d2 * d2 * d2)
        s = bj[3] * inv
        return ai[0] + rx * s, ai[1] + ry * s, ai[2] + rz * s

    @cuda.jit
    def forces(pos, acc):
        tile = cuda.shared.array((16, 4), float64)
        i = cuda.grid(1)
        t = cuda.threadIdx.x
        ai = (0.0, 0.0, 0.0)
        me = min(i, pos.shape[0] - 1)
        bi = (pos[me, 0], pos[me, 1], pos[me, 2], pos[me, 3])
        for start in range(0, pos.shape[0], 16):
            j = start + t
            for c in range(4):
                tile[t, c] = pos[j, c] if j < pos.shape[0] else 0.0
            cuda.syncthreads()
            for k in range(16):
                ai = interaction(bi, tile[k], ai)
            cuda.syncthreads()
        if i < pos.shape[0]:
            acc[i, 0], acc[i, 1], acc[i, 2] = ai

    pos = RNG(0).random((50, 4))
    acc = np.zeros((50, 3))
    run(forces[4, 16], pos, acc)
    r = pos[None, :, :3] - pos[:, None, :3]
    d2 = (r ** 2).sum(-1) + 1e-3
    expected = (r * (pos[:, 3] / d2 ** 1.5)[..., None]).sum(1)
    assert np.allclose(acc, expected)


@pytest.mark.parametrize('bits', [32, 64])
def test_random_walk(run, bits):
    t, final = (uint32, 16) if bits == 32 else (uint64, 33)

    @cuda.jit(device=True)
    def xorshift(s):
        if bits == 32:
            s ^= t(s << t(13))
            s ^= s >> t(17)
            s ^= t(s << t(5))
        else:
            s ^= s << t(13)
            s ^= s >> t(7)
            s ^= s << t(17)
        return s

    @cuda.jit
    def walk(seeds, out, n):
        i = cuda.grid(1)
        if i < seeds.size:
            s = seeds[i]
            x = 0
            for _ in range(n):
                s = xorshift(s)
                x += 1 if (s >> t(final)) & t(1) else -1
            seeds[i] = s
            out[i] = x

    seeds = RNG(0).integers(1, 2 ** 31, 20).astype(f'u{bits // 8}')
    expected = []
    mask = 2 ** bits - 1
    for s in seeds.tolist():
        x = 0
        for _ in range(50):
            for op, k in (('<', 13), ('>', 17), ('<', 5)) if bits == 32 else (('<', 13), ('>', 7), ('<', 17)):
                s ^= (s << k) & mask if op == '<' else s >> k
            x += 1 if (s >> final) & 1 else -1
        expected.append((s, x))
    out = np.zeros(20, np.int64)
    run(walk[1, 32], seeds, out, 50)
    assert list(zip(seeds.tolist(), out.tolist())) == expected


def test_lcg_in_uint32_array(run):
    @cuda.jit
    def lcg(state, out):
        i = cuda.grid(1)
        for k in range(out.shape[1]):
            state[i] = state[i] * uint32(1664525) + uint32(1013904223)
            out[i, k] = state[i] / 4294967296.0

    state = np.arange(8, dtype=np.uint32)
    out = np.zeros((8, 5))
    expected = []
    for s in range(8):
        row = []
        for _ in range(5):
            s = (s * 1664525 + 1013904223) % 2 ** 32
            row.append(s / 2 ** 32)
        expected.append(row)
    run(lcg[1, 8], state, out)
    assert out.tolist() == expected


def test_splitmix64(run):
    @cuda.jit
    def kernel(out, seed):
        i = cuda.grid(1)
        z = uint64(seed) + uint64(i + 1) * uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> uint64(30))) * uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> uint64(27))) * uint64(0x94D049BB133111EB)
        out[i] = z ^ (z >> uint64(31))

    out = np.zeros(10, np.uint64)
    run(kernel[1, 10], out, 42)
    m = 2 ** 64 - 1
    for i in range(10):
        z = (42 + (i + 1) * 0x9E3779B97F4A7C15) & m
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & m
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & m
        assert int(out[i]) == z ^ (z >> 31)


def test_mandelbrot_complex(run):
    @cuda.jit(device=True)
    def mandel(c, limit):
        z = 0.0j
        for i in range(limit):
            z = z * z + c
            if z.real * z.real + z.imag * z.imag >= 4:
                return i
        return limit

    @cuda.jit
    def kernel(lo, hi, image, limit):
        h, w = image.shape
        dx, dy = (hi.real - lo.real) / w, (hi.imag - lo.imag) / h
        x0, y0 = cuda.grid(2)
        gx = cuda.gridDim.x * cuda.blockDim.x
        gy = cuda.gridDim.y * cuda.blockDim.y
        for x in range(x0, w, gx):
            for y in range(y0, h, gy):
                image[y, x] = mandel(complex(lo.real + x * dx, lo.imag + y * dy), limit)

    image = np.zeros((24, 36), np.uint8)
    run(kernel[(2, 2), (8, 8)], -2 - 1j, 1 + 1j, image, 30)

    def plain(c):
        z = 0j
        for i in range(30):
            z = z * z + c
            if z.real * z.real + z.imag * z.imag >= 4:
                return i
        return 30
    expected = [[plain(complex(-2 + x * (3 / 36), -1 + y * (2 / 24))) for x in range(36)] for y in range(24)]
    assert np.count_nonzero(image != expected) <= 2


def test_complex_arrays(run):
    @cuda.jit
    def dft(x, out):
        k = cuda.grid(1)
        n = x.size
        if k < n:
            acc = 0j
            for j in range(n):
                angle = -2 * math.pi * j * k / n
                acc += x[j] * complex(math.cos(angle), math.sin(angle))
            out[k] = acc

    x = RNG(0).random(24) + 1j * RNG(1).random(24)
    out = np.zeros(24, complex)
    run(dft[1, 32], x, out)
    assert np.allclose(out, np.fft.fft(x))


def test_three_dimensions(run):
    @cuda.jit
    def lap(u, out):
        x, y, z = cuda.grid(3)
        if 0 < x < u.shape[0] - 1 and 0 < y < u.shape[1] - 1 and 0 < z < u.shape[2] - 1:
            out[x, y, z] = (u[x - 1, y, z] + u[x + 1, y, z] + u[x, y - 1, z] + u[x, y + 1, z] + u[x, y, z - 1]
                            + u[x, y, z + 1] - 6 * u[x, y, z])

    u = RNG(0).random((9, 10, 11))
    out = np.zeros_like(u)
    run(lap[(3, 3, 3), (4, 4, 4)], u, out)
    e = np.zeros_like(u)
    e[1:-1, 1:-1, 1:-1] = (u[:-2, 1:-1, 1:-1] + u[2:, 1:-1, 1:-1] + u[1:-1, :-2, 1:-1] + u[1:-1, 2:, 1:-1]
                           + u[1:-1, 1:-1, :-2] + u[1:-1, 1:-1, 2:] - 6 * u[1:-1, 1:-1, 1:-1])
    assert np.allclose(out, e)


def test_for_else_break_continue(run):
    @cuda.jit
    def primes(out):
        i = cuda.grid(1)
        if i < out.size:
            if i < 2:
                return
            for d in range(2, i):
                if d * d > i:
                    continue
                if i % d == 0:
                    break
            else:
                out[i] = True

    out = np.zeros(200, np.bool_)
    run(primes[2, 128], out)
    assert np.flatnonzero(out).tolist() == [n for n in range(2, 200) if all(n % d for d in range(2, int(n ** .5) + 1))]


def test_chained_and_mixed_conditions(run):
    @cuda.jit
    def kernel(a, b, out):
        i = cuda.grid(1)
        if i < a.size:
            hit = abs(a[i] - b[i]) > b[i] > 0
            out[i] = (1 if hit else 0) + (2 if a[i] == True else 0) + (4 if not (a[i] or b[i]) else 0)
            out[i] += 8 if (a[i] and b[i]) == 3 else 0

    a = np.array([0, 1, 5, 9, 0, -4, 1], np.int64)
    b = np.array([0, 1, 3, 3, 2, -1, 3], np.int64)
    out = np.zeros(7, np.int64)
    run(kernel[1, 8], a, b, out)
    expected = [(1 if abs(x - y) > y > 0 else 0) + (2 if x == 1 else 0) + (0 if x or y else 4) + (8 if (x and y) == 3 else 0)
                for x, y in zip(a.tolist(), b.tolist())]
    assert out.tolist() == expected


def test_black_scholes(run):
    @cuda.jit(device=True)
    def cnd(d):
        K = 1.0 / (1.0 + 0.2316419 * math.fabs(d))
        r = 0.39894228040143267793994605993438 * math.exp(-0.5 * d * d) * (
            K * (0.31938153 + K * (-0.356563782 + K * (1.781477937 + K * (-1.821255978 + K * 1.330274429)))))
        if d > 0:
            r = 1.0 - r
        return r

    @cuda.jit('void(double[:], double[:], double[:], double[:], double[:], double, double)')
    def price(call, put, S, X, T, R, V):
        i = cuda.threadIdx.x + cuda.blockIdx.x * cuda.blockDim.x
        if i >= S.shape[0]:
            return
        sq = math.sqrt(T[i])
        d1 = (math.log(S[i] / X[i]) + (R + 0.5 * V * V) * T[i]) / (V * sq)
        d2 = d1 - V * sq
        e = math.exp((-1. * R) * T[i])
        call[i] = S[i] * cnd(d1) - X[i] * e * cnd(d2)
        put[i] = X[i] * e * (1.0 - cnd(d2)) - S[i] * (1.0 - cnd(d1))

    S, X, T = RNG(0).uniform(5, 30, 100), RNG(1).uniform(1, 100, 100), RNG(2).uniform(.25, 10, 100)
    call, put = np.zeros((2, 100))
    run(price[2, 64], call, put, S, X, T, 0.02, 0.3)
    cdf = np.vectorize(lambda d: 0.5 * math.erfc(-d / math.sqrt(2)))
    d1 = (np.log(S / X) + (.02 + .045) * T) / (.3 * np.sqrt(T))
    d2 = d1 - .3 * np.sqrt(T)
    assert np.allclose(call, S * cdf(d1) - X * np.exp(-.02 * T) * cdf(d2), atol=1e-4)
    assert np.allclose(call - put, S - X * np.exp(-.02 * T))


def test_knn(run):
    k = 3

    @cuda.jit
    def knn(train, query, out):
        i = cuda.grid(1)
        if i >= query.shape[0]:
            return
        best = cuda.local.array(k, dtype=train.dtype)
        index = cuda.local.array(k, dtype=int32)
        best[:] = 1e30
        for j in range(train.shape[0]):
            x1 = train[j]
            x2 = query[i]
            d = 0.0
            for c in range(x1.shape[0]):
                d += (x1[c] - x2[c]) ** 2
            if d < best[k - 1]:
                p = k - 1
                while p > 0 and best[p - 1] > d:
                    best[p] = best[p - 1]
                    index[p] = index[p - 1]
                    p -= 1
                best[p] = d
                index[p] = j
        for p in range(k):
            out[i, p] = index[p]

    train, query = RNG(0).random((40, 5)), RNG(1).random((20, 5))
    out = np.zeros((20, k), np.int32)
    run(knn[1, 32], train, query, out)
    d = ((query[:, None] - train[None]) ** 2).sum(-1)
    assert np.array_equal(out, np.argsort(d, axis=1)[:, :k])


def test_floyd_warshall_many_launches(run):
    @cuda.jit
    def relax(d, k):
        i, j = cuda.grid(2)
        if i < d.shape[0] and j < d.shape[1]:
            via = d[i, k] + d[k, j]
            if via < d[i, j]:
                d[i, j] = via

    d = RNG(0).random((20, 20)) * 10
    np.fill_diagonal(d, 0)
    e = d.copy()
    dev = cuda.to_device(d)
    for k in range(20):
        run(relax[(3, 3), (8, 8)], dev, k)
        e = np.minimum(e, e[:, k:k + 1] + e[k:k + 1])
    assert np.allclose(dev.copy_to_host(), e)


def test_string_like_bytes(run):
    @cuda.jit
    def count(text, word, out):
        i = cuda.grid(1)
        if i + word.size <= text.size:
            for k in range(word.size):
                if text[i + k] != word[k]:
                    return
            cuda.atomic.add(out, 0, 1)

    text = np.frombuffer(b'abracadabra abra', np.uint8)
    word = np.frombuffer(b'abra', np.uint8)
    out = np.zeros(1, np.int32)
    run(count[1, 32], text, word, out)
    assert out[0] == 3


def test_floats_stay_float32(run):
    @cuda.jit
    def kernel(x):
        i = cuda.grid(1)
        x[i] = x[i] * float32(0.5) + math.sqrt(x[i])

    x = np.arange(8, dtype=np.float32)
    run(kernel[1, 8], x)
    y = np.arange(8, dtype=np.float32)
    assert np.allclose(x, y * np.float32(.5) + np.sqrt(y))
    ptx = cuda.compile_ptx(kernel.py_func, kernel.nopython_signatures[0])[0]
    assert '.f64' not in ptx


def test_everything_a_function_of_types(run):
    @cuda.jit
    def kernel(i8, u16, f4, f8, c, out):
        i = cuda.grid(1)
        out[i] = i8[i] + u16[i] * f4[i] - f8[i] // 3 + (c[i] * c[i].conjugate()).real + divmod(u16[i], 7)[1] + round(f8[i])
        out[i] += int(f8[i]) % 3 + pow(f4[i], 2) + max(i8[i], f4[i]) + (i8[i] << 2) + abs(c[i])

    n = 16
    r = RNG(0)
    i8, u16 = r.integers(-100, 100, n).astype(np.int8), r.integers(0, 1000, n).astype(np.uint16)
    f4, f8, c = r.random(n).astype(np.float32) * 9, r.random(n) * 50, r.random(n) + 1j * r.random(n)
    out = np.zeros(n)
    run(kernel[1, n], i8, u16, f4, f8, c, out)
    a, b, f, g = i8.astype(float), u16.astype(float), f4.astype(float), f8
    e = a + b * f - g // 3 + (c * c.conj()).real + b % 7 + np.round(g)
    e += g.astype(int) % 3 + f ** 2 + np.maximum(a, f) + i8.astype(int) * 4 + np.abs(c)
    assert np.allclose(out, e, rtol=1e-6)
