"""A barrier kernel and an atomic histogram, right over 1,000 random shapes and block sizes (CPU device or GPU)."""
import numpy as np
import pytest

from naja import cuda, float32, int32

ROUNDS, CHUNK = 1000, 100
MAX_BLOCK = 256


@cuda.jit
def block_sums(x, out):
    """Tree sum of each block's elements, for any block size."""
    buffer = cuda.shared.array(MAX_BLOCK, float32)
    t = cuda.threadIdx.x
    n = cuda.blockDim.x
    i = cuda.grid(1)
    buffer[t] = x[i] if i < x.size else float32(0)
    cuda.syncthreads()
    while n > 1:
        half = (n + 1) // 2
        if t < n // 2:
            buffer[t] += buffer[t + half]
        cuda.syncthreads()
        n = half
    if t == 0:
        out[cuda.blockIdx.x] = buffer[0]


@cuda.jit
def histogram(x, bins):
    local = cuda.shared.array(64, int32)
    t = cuda.threadIdx.x + cuda.threadIdx.y * cuda.blockDim.x
    threads = cuda.blockDim.x * cuda.blockDim.y
    for k in range(t, 64, threads):
        local[k] = 0
    cuda.syncthreads()
    first = (cuda.blockIdx.y * cuda.gridDim.x + cuda.blockIdx.x) * threads + t
    for i in range(first, x.size, threads * cuda.gridDim.x * cuda.gridDim.y):
        cuda.atomic.add(local, x[i] & 63, 1)
    cuda.syncthreads()
    for k in range(t, 64, threads):
        cuda.atomic.add(bins, k, local[k])


@pytest.mark.parametrize('first', range(0, ROUNDS, CHUNK))
def test_barrier_and_atomics(first):
    rng = np.random.default_rng(first)
    for _ in range(CHUNK):
        n = int(rng.integers(1, 5000))
        block = int(rng.integers(1, MAX_BLOCK + 1))
        grid = -(-n // block)
        x = rng.integers(0, 1000, n)
        sums = np.full(grid, -1, np.float32)
        block_sums[grid, block](x.astype(np.float32), sums)         # whole numbers below 2**24: exact in any order
        padded = np.zeros(grid * block, np.int64)
        padded[:n] = x
        assert np.array_equal(sums, padded.reshape(grid, block).sum(axis=1)), (n, block)

        shape = (int(rng.integers(1, 17)), int(rng.integers(1, 17)))
        blocks = (int(rng.integers(1, 6)), int(rng.integers(1, 6)))
        bins = np.zeros(64, np.int32)
        histogram[blocks, shape](x.astype(np.int32), bins)
        assert np.array_equal(bins, np.bincount(x & 63, minlength=64)), (n, shape, blocks)
