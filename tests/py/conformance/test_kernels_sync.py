"""Barriers in loops, their counting forms, atomics on every type, fences, errors raised in kernels."""
import numpy as np
import pytest

from naja import cuda, float32, float64, int32, int64, uint32, uint64

from . import helpers_device
from .kernel_run import run


def test_barrier_variants(run):
    @cuda.jit
    def kernel(a, out):
        i = cuda.threadIdx.x
        p = 1 if a[i] > 0 else 0
        n = cuda.syncthreads_count(p)
        every = cuda.syncthreads_and(p)
        some = cuda.syncthreads_or(p)
        out[i, 0], out[i, 1], out[i, 2] = n, every, some

    for a in (np.ones(64), -np.ones(64), np.where(np.arange(64) % 3, 1.0, -1.0)):
        out = np.zeros((64, 3), np.int32)
        run(kernel[1, 64], a, out)
        assert (out[:, 0] == (a > 0).sum()).all()
        assert (out[:, 1].astype(bool) == (a > 0).all()).all() and (out[:, 2].astype(bool) == (a > 0).any()).all()


def test_barrier_predicate_may_be_bool(run):
    @cuda.jit
    def kernel(a, out):
        out[0] = cuda.syncthreads_count(a[cuda.threadIdx.x] > 4)

    out = np.zeros(1, np.int32)
    run(kernel[1, 10], np.arange(10), out)
    assert out[0] == 5


def test_barriers_in_nested_loops(run):
    @cuda.jit
    def kernel(a, rounds):
        s = cuda.shared.array(64, float64)
        i = cuda.threadIdx.x
        n = cuda.blockDim.x
        s[i] = a[cuda.grid(1)]
        cuda.syncthreads()
        for r in range(rounds):
            k = 1
            while k < n:
                v = s[(i + k) % n]
                cuda.syncthreads()
                s[i] = 0.5 * (s[i] + v)
                cuda.syncthreads()
                k *= 2
            if r % 2:
                cuda.syncthreads()
        a[cuda.grid(1)] = s[i]

    a = np.random.default_rng(0).random(128)
    expected = a.copy().reshape(2, 64)
    for _ in range(3):
        for k in (1, 2, 4, 8, 16, 32):
            expected = 0.5 * (expected + np.roll(expected, -k, axis=1))
    run(kernel[2, 64], a, 3)
    assert np.allclose(a, expected.ravel())


def test_data_dependent_barrier_loop(run):
    @cuda.jit
    def kernel(a, steps):
        changed = cuda.shared.array(1, int32)
        i = cuda.threadIdx.x
        count = 0
        while True:
            cuda.syncthreads()
            if i == 0:
                changed[0] = 0
            cuda.syncthreads()
            j = 2 * i + count % 2
            if j + 1 < a.size and a[j] > a[j + 1]:
                a[j], a[j + 1] = a[j + 1], a[j]
                changed[0] = 1
            cuda.syncthreads()
            count += 1
            if changed[0] == 0 and count > a.size:
                break
        if i == 0:
            steps[0] = count

    a = np.random.default_rng(0).permutation(50)
    steps = np.zeros(1, np.int64)
    run(kernel[1, 32], a, steps)
    assert np.array_equal(a, np.arange(50)) and steps[0] > 50


def test_early_return_before_no_barrier(run):
    @cuda.jit
    def kernel(a):
        i = cuda.grid(1)
        if i >= a.size:
            return
        if a[i] < 0:
            a[i] = 0
            return
        a[i] = a[i] ** 0.5

    a = np.linspace(-5, 5, 50)
    expected = np.sqrt(np.maximum(a, 0))
    run(kernel[3, 32], a)
    assert np.allclose(a, expected)


INTS = [np.int32, np.uint32, np.int64, np.uint64]
NUMBERS = INTS + [np.float32, np.float64]


@pytest.mark.parametrize('dtype', NUMBERS, ids=lambda t: t.__name__)
def test_add_sub_max_min(run, dtype):
    @cuda.jit
    def kernel(x, out, out2):
        i = cuda.grid(1)
        if i < x.size:
            cuda.atomic.add(out, 0, x[i])
            cuda.atomic.sub(out, 1, x[i])
            cuda.atomic.max(out, 2, x[i])
            cuda.atomic.min(out, 3, x[i])
            cuda.atomic.add(out2, (i % 2, 1), x[i])
            cuda.atomic.max(out2, (i % 2, -1), x[i])

    x = np.random.default_rng(0).integers(1, 1000, 500).astype(dtype)
    out = np.array([0, 10 ** 6, 0, 10 ** 6], dtype)
    out2 = np.zeros((2, 3), dtype)
    run(kernel[4, 128], x, out, out2)
    assert out.tolist() == [x.sum(), 10 ** 6 - x.sum(), x.max(), x.min()]
    for p in (0, 1):
        assert out2[p].tolist() == [0, x[p::2].sum(), x[p::2].max()]


@pytest.mark.parametrize('dtype', [np.float32, np.float64], ids=lambda t: t.__name__)
def test_float_max_min_of_both_signs_and_nan(run, dtype):
    @cuda.jit
    def kernel(x, out):
        i = cuda.grid(1)
        if i < x.size:
            cuda.atomic.max(out, 0, x[i])
            cuda.atomic.min(out, 1, x[i])

    x = np.random.default_rng(1).normal(size=300).astype(dtype)
    x[5] = np.nan
    out = np.array([-np.inf, np.inf], dtype)
    run(kernel[3, 128], x, out)
    assert out.tolist() == [np.nanmax(x), np.nanmin(x)]
    x = -np.abs(np.nan_to_num(x, nan=1)) - 1
    out = np.array([-1e30, 0], dtype)
    run(kernel[3, 128], x, out)
    assert out.tolist() == [x.max(), x.min()]


@pytest.mark.parametrize('dtype', INTS, ids=lambda t: t.__name__)
def test_bits_exchange_and_cas(run, dtype):
    @cuda.jit
    def kernel(out, lock, seen):
        i = cuda.grid(1)
        cuda.atomic.or_(out, 0, 1 << (i % 31))
        cuda.atomic.and_(out, 1, ~(1 << (i % 7)))
        cuda.atomic.xor(out, 2, i)
        old = cuda.atomic.exch(out, 3, i)
        if old == 1000:
            cuda.atomic.add(seen, 0, 1)
        if cuda.atomic.cas(lock, 0, 0, i + 1) == 0:
            seen[1] = i + 1

    out = np.array([0, 127, 0, 1000], dtype)
    lock, seen = np.zeros(1, dtype), np.zeros(2, np.int32)
    run(kernel[2, 32], out, lock, seen)
    assert out[:3].tolist() == [2 ** 31 - 1, 0, int(np.bitwise_xor.reduce(np.arange(64)))]
    assert out[3] < 64 and seen[0] == 1 and seen[1] == lock[0] != 0


def test_cas_spin_adds(run):
    @cuda.jit
    def kernel(total, x):
        i = cuda.grid(1)
        old = total[0]
        while True:
            assumed = old
            old = cuda.atomic.cas(total, 0, assumed, assumed + x[i])
            if old == assumed:
                break

    x = np.arange(256)
    total = np.zeros(1, np.int64)
    run(kernel[2, 128], total, x)
    assert total[0] == x.sum()


def test_compare_and_swap(run):
    @cuda.jit
    def kernel(a, won):
        i = cuda.grid(1)
        if cuda.atomic.compare_and_swap(a, 0, i + 1) == 0:
            won[0] = i + 1

    a, won = np.zeros(1, np.int32), np.zeros(1, np.int32)
    run(kernel[1, 64], a, won)
    assert a[0] == won[0] > 0


def test_inc_dec_and_nan_forms(run):
    @cuda.jit
    def kernel(u, f):
        i = cuda.grid(1)
        cuda.atomic.inc(u, 0, 9)
        cuda.atomic.dec(u, 1, 9)
        cuda.atomic.nanmax(f, 0, float64(i))
        cuda.atomic.nanmin(f, 1, float64(i))

    u, f = np.array([0, 0], np.uint32), np.array([np.nan, np.nan])
    run(kernel[1, 32], u, f)
    assert u.tolist() == [32 % 10, (-32) % 10] and f.tolist() == [31, 0]


def test_old_values_are_unique_tickets(run):
    @cuda.jit
    def kernel(counter, tickets):
        t = cuda.atomic.add(counter, 0, 1)
        tickets[t] += 1

    counter, tickets = np.zeros(1, np.int64), np.zeros(1024, np.int32)
    run(kernel[8, 128], counter, tickets)
    assert (tickets == 1).all() and counter[0] == 1024


def test_atomics_in_shared_memory(run):
    @cuda.jit
    def kernel(x, out):
        bins = cuda.shared.array(8, int32)
        i = cuda.threadIdx.x
        if i < 8:
            bins[i] = 0
        cuda.syncthreads()
        k = cuda.grid(1)
        if k < x.size:
            cuda.atomic.add(bins, x[k], 1)
        cuda.syncthreads()
        if i < 8:
            cuda.atomic.add(out, i, bins[i])

    x = np.random.default_rng(0).integers(0, 8, 1000)
    out = np.zeros(8, np.int32)
    run(kernel[8, 128], x, out)
    assert np.array_equal(out, np.bincount(x, minlength=8))


def test_value_is_cast_to_the_array(run):
    @cuda.jit
    def kernel(f, i):
        cuda.atomic.add(f, 0, 1)
        cuda.atomic.add(i, 0, 2.75)

    f, i = np.zeros(1, np.float32), np.zeros(1, np.int32)
    run(kernel[1, 4], f, i)
    assert (f[0], i[0]) == (4, 8)


def test_threadfence_last_block_reduces(run):
    @cuda.jit
    def kernel(x, partial, ticket, out):
        s = cuda.shared.array(64, float64)
        last = cuda.shared.array(1, int32)
        i = cuda.threadIdx.x
        k = cuda.grid(1)
        s[i] = x[k] if k < x.size else 0.0
        cuda.syncthreads()
        n = 32
        while n:
            if i < n:
                s[i] += s[i + n]
            cuda.syncthreads()
            n >>= 1
        if i == 0:
            partial[cuda.blockIdx.x] = s[0]
            cuda.threadfence()
            last[0] = 1 if cuda.atomic.add(ticket, 0, 1) == cuda.gridDim.x - 1 else 0
        cuda.syncthreads()
        if last[0] and i == 0:
            total = 0.0
            for b in range(cuda.gridDim.x):
                total += partial[b]
            out[0] = total

    x = np.random.default_rng(0).random(1000)
    partial, ticket, out = np.zeros(16), np.zeros(1, np.int32), np.zeros(1)
    run(kernel[16, 64], x, partial, ticket, out)
    assert np.isclose(out[0], x.sum())


def test_fences_compile(run):
    @cuda.jit
    def kernel(a):
        cuda.threadfence_block()
        cuda.threadfence_system()
        cuda.syncwarp()
        a[cuda.grid(1)] = cuda.laneid + cuda.warpsize

    a = np.zeros(64)
    run(kernel[2, 32], a)
    assert np.array_equal(a, np.tile(np.arange(32) + 32, 2))


# -- errors raised in kernels: CPU device, debug=True ------------------------------------------------------------------

def test_assert_and_raise(run):
    kernel = helpers_device.checking_kernel
    a = np.zeros(8)
    run(kernel[1, 8], a, 5.0)
    assert (a == 1).all()
    with pytest.raises(AssertionError, match='negative element'):
        kernel[1, 8](-a, 5.0)
    with pytest.raises(ValueError, match='too large'):
        kernel[1, 8](a, 0.0)


def test_zero_division_by_option(run):
    def body(a, b):
        i = cuda.grid(1)
        a[i] = a[i] // b[i]

    quiet, strict = cuda.jit(body), cuda.jit(debug=True, opt=False)(body)
    a, b = np.full(4, 7), np.array([1, 2, 0, 3])
    quiet[1, 4](a, b)
    assert a.tolist()[:2] == [7, 3]
    with pytest.raises(ZeroDivisionError):
        strict[1, 4](np.full(4, 7), b)
    run(strict[1, 2], np.full(2, 7), b)


def test_raise_in_device_function(run):
    @cuda.jit(device=True)
    def checked(x):
        if x < 0:
            raise ValueError('sqrt of a negative number')
        return x ** 0.5

    @cuda.jit(debug=True, opt=False)
    def kernel(a):
        i = cuda.grid(1)
        a[i] = checked(a[i])

    a = np.array([4.0, 9.0])
    run(kernel[1, 2], a)
    assert a.tolist() == [2, 3]
    with pytest.raises(ValueError, match='negative number'):
        kernel[1, 2](-a)


def test_raise_before_a_barrier(run):
    @cuda.jit(debug=True, opt=False)
    def kernel(a):
        s = cuda.shared.array(32, float64)
        i = cuda.threadIdx.x
        if a[i] < 0:
            raise ValueError('bad input')
        s[i] = a[i]
        cuda.syncthreads()
        a[i] = s[31 - i]

    a = np.arange(32.0)
    run(kernel[1, 32], a)
    assert np.array_equal(a, np.arange(32.0)[::-1])
    a[7] = -1
    with pytest.raises(ValueError, match='bad input'):
        kernel[1, 32](a)


def test_bit_functions(run):
    @cuda.jit
    def kernel(x, out):
        i = cuda.grid(1)
        out[i, 0] = cuda.popc(x[i])
        out[i, 1] = cuda.clz(x[i])
        out[i, 2] = cuda.ffs(x[i])
        out[i, 3] = cuda.brev(x[i])
        out[i, 4] = cuda.selp(x[i] & 1, 10, 20)

    x = np.array([1, 2, 3, 0x80000000, 0xF0F0], np.uint32)
    out = np.zeros((5, 5), np.int64)
    run(kernel[1, 5], x, out)
    for row, v in zip(out.tolist(), x.tolist()):
        bits = f'{v:032b}'
        assert row == [bits.count('1'), bits.index('1'), 32 - bits.rindex('1'), int(bits[::-1], 2), 10 if v & 1 else 20]
