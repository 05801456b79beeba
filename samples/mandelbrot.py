"""mandelbrot.py - one picture by a kernel, by njit and by a parallel ufunc; the three must agree.

    python samples/mandelbrot.py --out out/mandelbrot.png
"""
import argparse
import os
import time

import numpy as np

from naja import cuda, njit, vectorize

LIMIT = 200


@njit
def escape(x, y):
    """Steps of z = z*z + c, from 0 with c = x + iy, until |z| > 2; at most LIMIT."""
    c = complex(x, y)
    z = 0j
    for i in range(LIMIT):
        z = z * z + c
        if z.real * z.real + z.imag * z.imag > 4:
            return i
    return LIMIT


@cuda.jit
def by_kernel(x0, y0, step, out):
    i, j = cuda.grid(2)
    if j < out.shape[0] and i < out.shape[1]:
        out[j, i] = escape(x0 + i * step, y0 + j * step)


@njit
def by_loop(x0, y0, step, out):
    for j in range(out.shape[0]):
        for i in range(out.shape[1]):
            out[j, i] = escape(x0 + i * step, y0 + j * step)


@vectorize(['int32(float64, float64)'], target='parallel')
def by_ufunc(x, y):
    return escape(x, y)


def save(path, steps):
    """The picture: colour by the logarithm of the number of steps, the set itself black."""
    from PIL import Image
    t = np.log1p(steps) / np.log1p(LIMIT)
    rgb = np.stack([9 * (1 - t) * t ** 3, 15 * (1 - t) ** 2 * t ** 2, 8.5 * (1 - t) ** 3 * t], axis=-1)
    rgb[steps == LIMIT] = 0
    os.makedirs(os.path.dirname(path) or '.', exist_ok=True)
    Image.fromarray((np.clip(rgb, 0, 1) * 255).astype(np.uint8)).save(path)


def main(argv=None):
    p = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
    p.add_argument('--out', metavar='FILE', help='write the picture here')
    p.add_argument('--width', type=int, default=768, help='pixels (default: %(default)s)')
    args = p.parse_args(argv)
    if args.width < 2:
        p.error('--width must be at least 2')
    w, h = args.width, max(args.width * 2 // 3, 1)
    x0, y0, step = -2.2, -1.0, 3.0 / w
    block = (32, 8)
    grid = (-(-w // block[0]), -(-h // block[1]))
    kernel, loop = np.zeros((h, w), np.int32), np.zeros((h, w), np.int32)
    x, y = x0 + np.arange(w) * step, (y0 + np.arange(h) * step)[:, None]
    results = {}
    for name, run in (('kernel', lambda: by_kernel[grid, block](x0, y0, step, kernel) or kernel),
                      ('njit', lambda: by_loop(x0, y0, step, loop) or loop),
                      ('ufunc', lambda: by_ufunc(x, y))):
        run()
        start = time.perf_counter()
        results[name] = run()
        print(f'mandelbrot {name:<6} {w} x {h}: {(time.perf_counter() - start) * 1e3:.1f} ms')
    # on a GPU the kernel may fuse a multiplication and an addition: a few pixels on the rim then differ by a step
    assert np.mean(results['kernel'] != results['njit']) < 0.01
    assert np.array_equal(results['njit'], results['ufunc'])
    if args.out:
        save(args.out, results['kernel'])
        print(f'picture: {args.out}')


if __name__ == '__main__':
    main()
