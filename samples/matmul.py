"""matmul.py - a matrix product in tiles of shared memory.

    python samples/matmul.py

Each block computes one TILE x TILE square of the product; its threads load a square of a and one of b together, meet,
multiply, meet again, and move on (NVIDIA's CUDA C++ Programming Guide, section "Shared Memory").
"""
import numpy as np

from naja import cuda, float32

TILE = 16


@cuda.jit
def matmul_tiled(a, b, c):
    sa = cuda.shared.array((TILE, TILE), float32)
    sb = cuda.shared.array((TILE, TILE), float32)
    x, y = cuda.grid(2)
    tx, ty = cuda.threadIdx.x, cuda.threadIdx.y
    total = float32(0)
    for k in range(0, a.shape[1], TILE):
        sa[ty, tx] = a[y, k + tx] if y < a.shape[0] and k + tx < a.shape[1] else float32(0)
        sb[ty, tx] = b[k + ty, x] if k + ty < b.shape[0] and x < b.shape[1] else float32(0)
        cuda.syncthreads()
        for j in range(TILE):
            total += sa[ty, j] * sb[j, tx]
        cuda.syncthreads()
    if y < c.shape[0] and x < c.shape[1]:
        c[y, x] = total


def main(m=170, k=130, n=210):
    rng = np.random.default_rng(2)
    a, b = rng.random((m, k), np.float32), rng.random((k, n), np.float32)
    c = np.zeros((m, n), np.float32)
    grid = (-(-n // TILE), -(-m // TILE))
    matmul_tiled[grid, (TILE, TILE)](a, b, c)
    np.testing.assert_allclose(c, a @ b, rtol=1e-4)
    print(f'matmul: ({m} x {k}) times ({k} x {n}) right')


if __name__ == '__main__':
    main()
