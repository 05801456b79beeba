"""Shared, dynamic shared, local and constant memory; slices as values in kernels."""
import numpy as np
import pytest

from naja import cuda, complex128, float32, float64, int32, types, uint8

from .kernel_run import run

BLOCK = 32
TILE = (4, 8)
TABLE = np.arange(12.0).reshape(3, 4) ** 2
LOOKUP = np.array([7, 1, 4, 9], np.int32)
N_LOCAL = 5


def test_dynamic_shared_views(run):
    @cuda.jit
    def kernel(a, z, n, out):
        dyn = cuda.shared.array(0, float64)
        size = cuda.blockDim.x
        first = dyn[:size]
        second = dyn[size:2 * size]
        cdyn = cuda.shared.array(0, complex128)
        third = cdyn[size:2 * size]
        idyn = cuda.shared.array(shape=0, dtype=int32)
        fourth = idyn[8 * size:9 * size]
        i = cuda.threadIdx.x
        first[i] = a[i]
        second[i] = 2 * a[i]
        third[i] = z[i]
        fourth[i] = n[i]
        cuda.syncthreads()
        j = size - 1 - i
        out[i] = first[j] + second[j] + third[j].real * third[j].imag + fourth[j]

    rng = np.random.default_rng(1)
    a, z, n = rng.normal(size=BLOCK), rng.normal(size=BLOCK) + 1j * rng.normal(size=BLOCK), rng.integers(0, 99, BLOCK).astype(np.int32)
    out = np.zeros(BLOCK)
    run(kernel[1, BLOCK, 0, BLOCK * 36], a, z, n, out)
    assert np.allclose(out, (3 * a + z.real * z.imag + n)[::-1])


def test_dynamic_shared_size(run):
    @cuda.jit
    def kernel(out):
        s = cuda.shared.array(0, float32)
        out[0] = s.size
        out[1] = len(s)
        out[2] = s.shape[0]

    out = np.zeros(3, np.int64)
    run(kernel[1, 1, 0, 100], out)
    assert out.tolist() == [25, 25, 25]


def test_shared_2d_tile_with_padding(run):
    @cuda.jit
    def transpose(a, b):
        tile = cuda.shared.array((8, 9), float32)
        tx, ty = cuda.threadIdx.x, cuda.threadIdx.y
        x = cuda.blockIdx.x * 8 + tx
        y = cuda.blockIdx.y * 8 + ty
        if y < a.shape[0] and x < a.shape[1]:
            tile[ty, tx] = a[y, x]
        cuda.syncthreads()
        x = cuda.blockIdx.y * 8 + tx
        y = cuda.blockIdx.x * 8 + ty
        if y < b.shape[0] and x < b.shape[1]:
            b[y, x] = tile[tx, ty]

    a = np.random.default_rng(0).random((21, 34), np.float32)
    b = np.zeros((34, 21), np.float32)
    run(transpose[(5, 3), (8, 8)], a, b)
    assert np.array_equal(b, a.T)


@pytest.mark.parametrize('dtype', [float32, np.float32, 'float32', types.float32, np.dtype('f4')], ids=str)
def test_dtype_spellings(run, dtype):
    @cuda.jit
    def kernel(out):
        s = cuda.shared.array(TILE, dtype)
        l = cuda.local.array(shape=TILE[1], dtype=dtype)
        i, j = cuda.threadIdx.y, cuda.threadIdx.x
        s[i, j] = i * 10 + j + 0.5
        l[j] = s[i, j]
        out[i, j] = l[j]

    out = np.zeros(TILE)
    run(kernel[1, (8, 4)], out)
    i, j = np.indices(TILE)
    assert np.allclose(out, i * 10 + j + .5)


def test_dtype_of_an_argument(run):
    @cuda.jit
    def kernel(train, out):
        nearest = cuda.local.array(N_LOCAL, dtype=train.dtype)
        block = cuda.shared.array(BLOCK, train.dtype)
        i = cuda.threadIdx.x
        nearest[:] = 0
        for k in range(N_LOCAL):
            nearest[k] += train[i] / (k + 1)
        block[i] = nearest[N_LOCAL - 1]
        cuda.syncthreads()
        out[i] = block[BLOCK - 1 - i]

    for t in (np.float32, np.float64, np.complex64):
        train = np.arange(BLOCK).astype(t)
        out = np.zeros(BLOCK, t)
        run(kernel[1, BLOCK], train, out)
        assert np.allclose(out, (train / 5)[::-1])


def test_shared_in_device_function(run):
    @cuda.jit(device=True)
    def block_sum(v):
        s = cuda.shared.array(BLOCK, float64)
        i = cuda.threadIdx.x
        s[i] = v
        cuda.syncthreads()
        step = BLOCK // 2
        while step > 0:
            if i < step:
                s[i] += s[i + step]
            cuda.syncthreads()
            step //= 2
        return s[0]

    @cuda.jit
    def kernel(a, out):
        i = cuda.grid(1)
        total = block_sum(a[i])
        if cuda.threadIdx.x == 0:
            out[cuda.blockIdx.x] = total

    a = np.random.default_rng(2).random(BLOCK * 5)
    out = np.zeros(5)
    run(kernel[5, BLOCK], a, out)
    assert np.allclose(out, a.reshape(5, BLOCK).sum(1))


def test_local_2d_and_slice_fill(run):
    n = 3

    @cuda.jit
    def kernel(a, out):
        m = cuda.local.array((n, n), float64)
        center = cuda.local.array(n, float64)
        m[:, :] = 0.0
        center[:] = 1.0
        i = cuda.grid(1)
        for r in range(n):
            m[r, r] = a[i] + r
            m[r][n - 1 - r] += 10
        acc = 0.0
        for r in range(n):
            for c in range(n):
                acc += m[r, c] * center[c] * (r + 1)
        out[i] = acc

    a = np.arange(16.0)
    out = np.zeros(16)
    run(kernel[1, 16], a, out)
    expected = [sum(((v + r) + 10) * (r + 1) for r in range(3)) for v in a]
    assert np.allclose(out, expected)


def test_local_passed_to_device_function(run):
    @cuda.jit(device=True)
    def insert(best, value):
        j = best.shape[0] - 1
        while j > 0 and best[j - 1] > value:
            best[j] = best[j - 1]
            j -= 1
        best[j] = value

    @cuda.jit
    def kernel(a, out):
        i = cuda.grid(1)
        best = cuda.local.array(4, float64)
        for k in range(4):
            best[k] = 1e30
        for j in range(a.shape[1]):
            if a[i, j] < best[3]:
                insert(best, a[i, j])
        for k in range(4):
            out[i, k] = best[k]

    a = np.random.default_rng(5).random((32, 20))
    out = np.zeros((32, 4))
    run(kernel[1, 32], a, out)
    assert np.array_equal(out, np.sort(a, axis=1)[:, :4])


# -- constants ---------------------------------------------------------------------------------------------------------

def test_const_array_like(run):
    @cuda.jit
    def kernel(out):
        c = cuda.const.array_like(TABLE)
        i = cuda.grid(1)
        if i < c.size:
            out[i] = c[i // 4, i % 4] + LOOKUP[i % 4] + len(LOOKUP) + TABLE.shape[1]

    out = np.zeros(12)
    run(kernel[1, 32], out)
    assert np.allclose(out, TABLE.ravel() + np.tile(LOOKUP, 3) + 4 + 4)


def test_const_array_like_of_an_argument(run):
    @cuda.jit
    def kernel(weights, out):
        w = cuda.const.array_like(weights)
        i = cuda.grid(1)
        out[i] = w[i] * 2

    w, out = np.arange(8.0), np.zeros(8)
    run(kernel[1, 8], w, out)
    assert np.allclose(out, w * 2)


@pytest.mark.parametrize('order', 'CF')
@pytest.mark.parametrize('dtype', [np.int8, np.uint32, np.float32, np.complex128, np.bool_])
def test_closure_arrays(run, order, dtype):
    table = np.asarray((np.arange(24) % 5).reshape(2, 3, 4), dtype=dtype, order=order)

    @cuda.jit
    def kernel(out):
        c = cuda.const.array_like(table)
        i, j, k = cuda.threadIdx.x, cuda.threadIdx.y, cuda.threadIdx.z
        out[i, j, k] = c[i, j, k]

    out = np.zeros((2, 3, 4), dtype)
    run(kernel[1, (2, 3, 4)], out)
    assert np.array_equal(out, table)


def test_iterating_a_global_array(run):
    @cuda.jit
    def kernel(out):
        total = 0.0
        for i, v in enumerate(LOOKUP):
            total += i * v
        for v in LOOKUP:
            total += v
        out[0] = total

    out = np.zeros(1)
    run(kernel[1, 1], out)
    assert out[0] == (np.arange(4) * LOOKUP).sum() + LOOKUP.sum()


def test_strided_global_array(run):
    odd = np.arange(20.0)[::-2]

    @cuda.jit
    def kernel(out):
        i = cuda.grid(1)
        out[i] = odd[i]

    out = np.zeros(10)
    run(kernel[1, 10], out)
    assert np.array_equal(out, odd)


def test_constants_cannot_be_written():
    @cuda.jit
    def kernel(out):
        TABLE[0, 0] = out[0]

    with pytest.raises(TypeError, match='read-only|readonly|constant'):
        kernel[1, 1](np.zeros(1))


# -- slices -----------------------------------------------------------------------------------------------------------

def test_unpack_and_assign_slices(run):
    @cuda.jit
    def kernel(state):
        i = cuda.grid(1)
        if i < state.shape[0]:
            s = state[i]
            x, y, z = s[0], s[1], s[2]
            vx, vy, vz = s[3:6]
            s[0:3] = x + vx, y + vy, z + vz
            s[3:6] = -vx, -vy, -vz

    state = np.random.default_rng(0).random((20, 6))
    expected = np.hstack([state[:, :3] + state[:, 3:], -state[:, 3:]])
    run(kernel[1, 32], state)
    assert np.allclose(state, expected)


def test_slices_to_device_functions(run):
    @cuda.jit(device=True)
    def total(v):
        acc = 0.0
        for x in v:
            acc += x
        return acc

    @cuda.jit(device=True)
    def total2(w):
        acc = 0.0
        for r in range(w.shape[0]):
            acc += total(w[r])
        return acc

    @cuda.jit
    def kernel(a, out):
        y, x = cuda.grid(2)
        if 0 < y < a.shape[0] - 1 and 0 < x < a.shape[1] - 1:
            window = a[y - 1:y + 2, x - 1:x + 2]
            out[y, x] = total2(window) + total(a[y, ::2]) + total(a[::-1, x]) + window[1, 1] + window[-1, -1]

    a = np.random.default_rng(0).random((9, 12))
    out = np.zeros_like(a)
    run(kernel[(2, 2), (8, 8)], a, out)
    expected = np.zeros_like(a)
    for y in range(1, 8):
        for x in range(1, 11):
            expected[y, x] = a[y-1:y+2, x-1:x+2].sum() + a[y, ::2].sum() + a[:, x].sum() + a[y, x] + a[y+1, x+1]
    assert np.allclose(out, expected)


def test_rows_and_negative_indices(run):
    @cuda.jit
    def kernel(p, q, force, out):
        i = cuda.grid(1)
        if i < p.shape[0]:
            row = p[i]
            out[i] = p[i, -1] + row[-2] + q[i - 1][0] + force[i][0] + p[i][1:][0] + p[-1, 0]
            force[i][1] = out[i]
            force[i, -1] += 1

    p, q, f = np.random.default_rng(0).random((3, 10, 4))
    out, f0 = np.zeros(10), f.copy()
    expected = p[:, -1] + p[:, -2] + np.roll(q[:, 0], 1) + f[:, 0] + p[:, 1] + p[-1, 0]
    run(kernel[1, 16], p, q, f, out)
    assert np.allclose(out, expected)
    assert np.allclose(f[:, 1], expected) and np.allclose(f[:, -1], f0[:, -1] + 1)


def test_slice_to_slice_assignment(run):
    @cuda.jit
    def kernel(a, b):
        i = cuda.grid(1)
        if i < a.shape[0]:
            b[i, :] = a[i, ::-1]
            b[i, 1:3] = 7
            b[i][-1:] = a[i][:1]

    a = np.arange(40.0).reshape(8, 5)
    b = np.zeros_like(a)
    run(kernel[1, 8], a, b)
    expected = a[:, ::-1].copy()
    expected[:, 1:3] = 7
    expected[:, -1:] = a[:, :1]
    assert np.array_equal(b, expected)


@pytest.mark.parametrize('target, source', [
    ('a[1:]', 'a[:-1]'), ('a[:-2]', 'a[2:]'), ('a[::2]', 'a[1::2]'), ('a[::-1]', 'a[::-1]'), ('a[3::-1]', 'a[4:0:-1]'),
    ('m[1:]', 'm[:-1]'), ('m[:, 1:]', 'm[:, :-1]'), ('m[:-1, :-1]', 'm[1:, 1:]'), ('m[:]', 'm[1]'), ('m[2]', 'm[0]')])
def test_overlapping_slices(run, target, source):
    space = {'cuda': cuda}
    exec(f'def f(a, m):\n    {target} = {source}\n', space)
    f = space['f']
    a, m = np.arange(8.0), np.arange(16.0).reshape(4, 4)
    b, n = a.copy(), m.copy()
    f(b, n)
    run(cuda.jit(f)[1, 1], a, m)
    assert np.array_equal(a, b) and np.array_equal(m, n)


@pytest.mark.parametrize('target, source', [('a[:]', 'a[::-1]'), ('a[:4]', 'a[::2]'), ('m[0]', 'm[:, 0]'), ('m[:]', 'm[:, 0]')])
def test_overlaps_that_take_a_copy_are_refused(target, source):
    space = {'cuda': cuda}
    exec(f'@cuda.jit\ndef f(a, m):\n    {target} = {source}\n', space)
    a, m = np.arange(8.0), np.arange(16.0).reshape(4, 4)
    with pytest.raises(ValueError, match='must not overlap'):
        space['f'][1, 1](a, m)
    assert np.array_equal(a, np.arange(8)) and np.array_equal(m.ravel(), np.arange(16))


@pytest.mark.parametrize('dtype', [np.int64, np.int32, np.float32])
def test_store_between_strided_loads(run, dtype):
    """LLVM's vectoriser, told that threads are independent, moved the second load before the store."""
    @cuda.jit
    def kernel(x, y):
        i = cuda.grid(1)
        a = x[2 * i]
        x[2 * i + y[i]] = 100 + i
        y[i] = a + x[2 * i + 1]

    @cuda.jit
    def stores(x, y):
        i = cuda.grid(1)
        x[2 * i] = 1
        x[2 * i + y[i]] = 2
        x[2 * i + 1] = 3

    x, y = np.arange(128).astype(dtype), (np.arange(64) % 2).astype(np.int32)
    expected = [2 * i + (100 + i if i % 2 else 2 * i + 1) for i in range(64)]
    run(kernel[1, 64], x, y)
    assert y.tolist() == expected
    run(stores[1, 64], x, (np.arange(64) % 2).astype(np.int32))
    assert x.tolist() == [v for i in range(64) for v in ((1 if i % 2 else 2), 3)]


def test_local_array_between_barriers(run):
    @cuda.jit
    def kernel(out, m):
        loc = cuda.local.array(4, float64)
        i = cuda.threadIdx.x
        for z in range(4):
            loc[z] = z
        v = i
        cuda.syncthreads()
        loc[(i + v) % 4] += 2
        v += int(loc[1])
        v = v * 2 + i
        if m % 2 == 0:
            cuda.syncthreads()
            loc[(i + v) % 4] += 3
            v += int(loc[0])
            loc[(i + v) % 4] += 3
            v += int(loc[2])
        out[i] = v

    out = np.zeros(64, np.int64)
    run(kernel[1, 64], out, 0)
    expected = []
    for v in range(64):
        loc, i = [0, 1, 2, 3], v
        loc[(i + v) % 4] += 2
        v = (v + loc[1]) * 2 + i
        loc[(i + v) % 4] += 3
        v += loc[0]
        loc[(i + v) % 4] += 3
        expected.append(v + loc[2])
    assert out.tolist() == expected


def test_array_variables_rebound(run):
    @cuda.jit
    def kernel(a, b, out, n):
        src = a
        dst = b
        i = cuda.grid(1)
        for k in range(n):
            dst[i] = src[i] + 1
            src, dst = dst, src
        if n % 2 == 0:
            res = a
        else:
            res = b
        out[i] = res[i]

    for n in (3, 4):
        a, b, out = np.zeros(8), np.zeros(8), np.zeros(8)
        run(kernel[1, 8], a, b, out, n)
        assert (out == n).all()


def test_views_of_shared(run):
    @cuda.jit
    def kernel(a, out):
        s = cuda.shared.array((4, 16), float32)
        i, j = cuda.threadIdx.y, cuda.threadIdx.x
        row = s[i]
        row[j] = a[i, j]
        cuda.syncthreads()
        col = s[:, j]
        total = float32(0)
        for k in range(col.shape[0]):
            total += col[k]
        if i == 0:
            out[j] = total

    a = np.random.default_rng(0).random((4, 16), np.float32)
    out = np.zeros(16, np.float32)
    run(kernel[1, (16, 4)], a, out)
    assert np.allclose(out, a.sum(0), rtol=1e-5)


def test_swap_elements(run):
    @cuda.jit
    def kernel(d):
        i = cuda.grid(1)
        j = d.size - 1 - i
        if i < j:
            d[i], d[j] = d[j], d[i]

    d = np.arange(31)
    run(kernel[1, 32], d)
    assert np.array_equal(d, np.arange(31)[::-1])


def test_array_attributes(run):
    @cuda.jit
    def kernel(a, out):
        h, w = a.shape
        out[0], out[1], out[2], out[3] = h, w, a.size, a.ndim
        out[4], out[5] = a.strides
        out[6] = len(a)
        out[7] = a[0].shape[0]
        out[8] = a.T.shape[0]
        out[9] = a.nbytes
        out[10] = a.itemsize

    a = np.zeros((3, 5), np.float32)
    out = np.zeros(11, np.int64)
    run(kernel[1, 1], a, out)
    assert out.tolist() == [3, 5, 15, 2, 20, 4, 3, 5, 5, 60, 4]


def test_bytes_and_small_ints(run):
    @cuda.jit
    def kernel(img, out):
        y, x = cuda.grid(2)
        if y < img.shape[0] and x < img.shape[1]:
            r, g, b = img[y, x]
            out[y, x] = uint8(0.299 * r + 0.587 * g + 0.114 * b)

    img = np.random.default_rng(0).integers(0, 256, (13, 17, 3), dtype=np.uint8)
    out = np.zeros((13, 17), np.uint8)
    run(kernel[(2, 3), (8, 8)], img, out)
    r, g, b = np.moveaxis(img.astype(float), -1, 0)
    assert np.array_equal(out, (0.299 * r + 0.587 * g + 0.114 * b).astype(np.uint8))
