"""kernels.py - kernels on the device beside the same kernels through numba-cuda, where it is installed and there is a GPU.

    python tests/bench/kernels.py

Times are of the work on the device (events around many launches), after a warm-up; results are compared first.
"""
import sys

import numpy as np

from naja import cuda as ours


def saxpy(cuda):
    @cuda.jit
    def kernel(a, x, y, out):
        i = cuda.grid(1)
        if i < out.size:
            out[i] = a * x[i] + y[i]
    return kernel


def block_sum(cuda, float32):
    @cuda.jit
    def kernel(x, out):
        buffer = cuda.shared.array(256, float32)
        t, i = cuda.threadIdx.x, cuda.grid(1)
        buffer[t] = x[i] if i < x.size else float32(0)
        cuda.syncthreads()
        n = 128
        while n > 0:
            if t < n:
                buffer[t] += buffer[t + n]
            cuda.syncthreads()
            n //= 2
        if t == 0:
            out[cuda.blockIdx.x] = buffer[0]
    return kernel


def matmul(cuda, float32):
    @cuda.jit
    def kernel(a, b, c):
        sa = cuda.shared.array((16, 16), float32)
        sb = cuda.shared.array((16, 16), float32)
        x, y = cuda.grid(2)
        tx, ty = cuda.threadIdx.x, cuda.threadIdx.y
        total = float32(0)
        for k in range(0, a.shape[1], 16):
            sa[ty, tx] = a[y, k + tx]
            sb[ty, tx] = b[k + ty, x]
            cuda.syncthreads()
            for j in range(16):
                total += sa[ty, j] * sb[j, tx]
            cuda.syncthreads()
        c[y, x] = total
    return kernel


def cases(cuda, float32):
    """(name, configured launch, arguments, result)"""
    rng = np.random.default_rng(0)
    n, m = 1 << 22, 512
    x, y = (cuda.to_device(rng.random(n, np.float32)) for _ in range(2))
    a, b = (cuda.to_device(rng.random((m, m), np.float32)) for _ in range(2))
    out, sums, c = (cuda.device_array(s, np.float32) for s in (n, n // 256, (m, m)))
    return [('saxpy, 4 Mi', saxpy(cuda)[n // 256, 256], (np.float32(2), x, y, out), out),
            ('block sums, 4 Mi', block_sum(cuda, float32)[n // 256, 256], (x, sums), sums),
            ('matrix product, 512', matmul(cuda, float32)[(m // 16, m // 16), (16, 16)], (a, b, c), c)]


def time_one(cuda, launch, args, n=50):
    """Milliseconds of one launch."""
    for _ in range(3):
        launch(*args)
    best = float('inf')
    for _ in range(5):
        start, end = cuda.event(), cuda.event()
        start.record()
        for _ in range(n):
            launch(*args)
        end.record()
        end.synchronize()
        best = min(best, start.elapsed_time(end) / n)
    return best


def main():
    from naja import float32
    peer = None
    if ours.get_current_device().kind == 'cuda':
        try:
            from numba import cuda as peer
            from numba import float32 as peer_float32
        except ImportError:
            print('numba-cuda is not installed: naja alone', file=sys.stderr)
    theirs = cases(peer, peer_float32) if peer else [None] * 9
    print(f'{ours.get_current_device().name}\n{"kernel":<24}{"naja":>12}{"numba-cuda":>14}{"ratio":>8}')
    for (name, launch, args, result), other in zip(cases(ours, float32), theirs):
        mine = time_one(ours, launch, args)
        line = f'{name:<24}{mine:>9.4f} ms'
        if other:
            reference = time_one(peer, other[1], other[2])
            if not np.allclose(result.copy_to_host(), other[3].copy_to_host(), rtol=1e-4):
                sys.exit(f'{name}: naja and numba-cuda disagree')
            line += f'{reference:>11.4f} ms{mine / reference:>8.2f}'
        print(line)


if __name__ == '__main__':
    main()
