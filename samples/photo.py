"""photo.py - a photograph through a pipeline of kernels: grey, blur, gradient, Canny edges, tone curve.

    python samples/photo.py --out out/photo
    python samples/photo.py --image my.jpg --sigma 2 --out out/mine

Writes one PNG for each stage, a contact sheet of all (pipeline.png), and prints the time of each stage beside NumPy and
plain Python, and of the whole edge detector beside scikit-image's. Runs on an NVIDIA GPU when there is one, else on
the CPU device: the same kernels, compiled for every core.

The edge detector is Canny's (IEEE PAMI 8:679, 1986) with scikit-image's conventions: borders by normalised convolution,
gradient by Sobel, suppression with bilinear neighbours, hysteresis by 8-connected components. The components are
found by lock-free union-find (Komura, Computer Physics Communications 194:54, 2015).
"""
import argparse
import math
import os
import sys
import time

import numpy as np

from naja import cuda, float32, vectorize

BLOCK = (32, 8)                 # threads of a block, x along a row
TILE_W, TILE_H = BLOCK
MAX_SIGMA = 4.0                 # of the blur: its tile and halo have to fit into a block's 48 KiB of shared memory


# -- grey -------------------------------------------------------------------------------------------------------

@cuda.jit(device=True)
def luminance(r, g, b):
    """Luma of linear RGB in 0..255, scaled to 0..1 (ITU-R BT.709 weights, as scikit-image's rgb2gray)."""
    return (float32(0.2125) * r + float32(0.7154) * g + float32(0.0721) * b) * float32(1 / 255)


@cuda.jit
def grey_kernel(rgb, out):
    x, y = cuda.grid(2)
    if y < out.shape[0] and x < out.shape[1]:
        out[y, x] = luminance(float32(rgb[y, x, 0]), float32(rgb[y, x, 1]), float32(rgb[y, x, 2]))


# -- blur --------------------------------------------------------------------------------------------------------

def gaussian_weights(sigma, truncate=4.0):
    """Half of a normalised Gaussian: weights[0] is the centre's. float32, radius + 1 of them."""
    radius = int(truncate * sigma + 0.5)
    w = np.exp(-0.5 * (np.arange(radius + 1) / sigma) ** 2)
    return (w / (2 * w.sum() - w[0])).astype(np.float32)


def make_blur(sigma):
    """A blur for this sigma, as kernels: its two passes (rows, columns), and both at once in tiles of shared memory.

    Radius and weights are constants of the closures, so the loops over them are unrolled and the threads of a row become
    vector lanes. Pixels beyond the border do not count: the weighted mean is over those that are there.
    """
    weights = gaussian_weights(sigma)
    radius = len(weights) - 1
    span_w, span_h = TILE_W + 2 * radius, TILE_H + 2 * radius       # a tile with its halo

    @cuda.jit(device=True)
    def row_at(img, y, x):
        acc = float32(0)
        norm = float32(0)
        for k in range(-radius, radius + 1):
            if 0 <= x + k < img.shape[1]:
                w = weights[abs(k)]
                acc += w * img[y, x + k]
                norm += w
        return acc / norm

    @cuda.jit(device=True)
    def column_at(img, y, x):
        acc = float32(0)
        norm = float32(0)
        for k in range(-radius, radius + 1):
            if 0 <= y + k < img.shape[0]:
                w = weights[abs(k)]
                acc += w * img[y + k, x]
                norm += w
        return acc / norm

    @cuda.jit
    def blur_rows(img, out):
        x, y = cuda.grid(2)
        if y < img.shape[0] and x < img.shape[1]:
            out[y, x] = row_at(img, y, x)

    @cuda.jit
    def blur_columns(img, out):
        x, y = cuda.grid(2)
        if y < img.shape[0] and x < img.shape[1]:
            out[y, x] = column_at(img, y, x)

    @cuda.jit
    def blur_tiled(img, out):
        tile = cuda.shared.array((span_h, span_w), float32)
        rows = cuda.shared.array((span_h, TILE_W), float32)
        tx, ty = cuda.threadIdx.x, cuda.threadIdx.y
        x, y = cuda.grid(2)
        height, width = img.shape
        for j0 in range(0, span_h, TILE_H):                         # the tile, 0 beyond the border
            for i0 in range(0, span_w, TILE_W):
                if j0 + ty < span_h and i0 + tx < span_w:
                    v, u = y - radius + j0, x - radius + i0
                    inside = 0 <= v < height and 0 <= u < width
                    tile[j0 + ty, i0 + tx] = img[v, u] if inside else float32(0)
        cuda.syncthreads()

        norm = float32(0)
        for k in range(-radius, radius + 1):
            norm += weights[abs(k)] if 0 <= x + k < width else float32(0)
        for j0 in range(0, span_h, TILE_H):
            if j0 + ty < span_h:
                acc = float32(0)
                for k in range(-radius, radius + 1):
                    acc += weights[abs(k)] * tile[j0 + ty, tx + radius + k]
                rows[j0 + ty, tx] = acc / norm
        cuda.syncthreads()

        if y < height and x < width:
            acc = float32(0)
            norm = float32(0)
            for k in range(-radius, radius + 1):
                if 0 <= y + k < height:
                    acc += weights[abs(k)] * rows[ty + radius + k, tx]
                    norm += weights[abs(k)]
            out[y, x] = acc / norm

    return blur_rows, blur_columns, blur_tiled, row_at, column_at


# -- gradient -------------------------------------------------------------------------------------------------------

@cuda.jit(device=True)
def sobel_at(img, y, x):
    """Sobel gradient (d/dy, d/dx) at a pixel; beyond the border the edge pixel is repeated."""
    up, down = max(y - 1, 0), min(y + 1, img.shape[0] - 1)
    left, right = x > 0, x < img.shape[1] - 1
    two = float32(2)
    ul, uc, ur = img[up, x - 1] if left else img[up, x], img[up, x], img[up, x + 1] if right else img[up, x]
    ml, mr = img[y, x - 1] if left else img[y, x], img[y, x + 1] if right else img[y, x]
    dl, dc, dr = img[down, x - 1] if left else img[down, x], img[down, x], img[down, x + 1] if right else img[down, x]
    return dl + two * dc + dr - ul - two * uc - ur, ur + two * mr + dr - ul - two * ml - dl


@cuda.jit
def gradient(img, gy, gx, magnitude):
    x, y = cuda.grid(2)
    if y < img.shape[0] and x < img.shape[1]:
        dy, dx = sobel_at(img, y, x)
        gy[y, x], gx[y, x] = dy, dx
        magnitude[y, x] = math.sqrt(dy * dy + dx * dx)


# -- non-maximum suppression ---------------------------------------------------------------------------------------

@cuda.jit(device=True)
def thin_at(gy, gx, magnitude, low, y, x):
    """The gradient's magnitude where it is a maximum across the edge, else 0.

    The two neighbours across the edge lie between pixels and are interpolated linearly: between the one straight ahead
    (along the larger component) and the one on the diagonal."""
    if y < 1 or x < 1 or y >= magnitude.shape[0] - 1 or x >= magnitude.shape[1] - 1:
        return float32(0)
    m, dy, dx = magnitude[y, x], gy[y, x], gx[y, x]
    ay, ax = abs(dy), abs(dx)
    falling = (dy > 0) == (dx > 0)          # which diagonal the gradient points along
    diagonal1 = magnitude[y + 1, x + 1] if falling else magnitude[y + 1, x - 1]
    diagonal2 = magnitude[y - 1, x - 1] if falling else magnitude[y - 1, x + 1]
    right, left = magnitude[y, x + 1], magnitude[y, x - 1]
    below, above = magnitude[y + 1, x], magnitude[y - 1, x]
    steep = ay >= ax
    straight1 = below if steep else (right if falling else left)
    straight2 = above if steep else (left if falling else right)
    w = (ax if steep else ay) / max(ax, ay)
    rest = float32(1) - w
    keep = (m >= low and m > 0 and diagonal1 * w + straight1 * rest <= m and diagonal2 * w + straight2 * rest <= m)
    return m if keep else float32(0)


@cuda.jit
def suppress(gy, gx, magnitude, low, thin):
    x, y = cuda.grid(2)
    if y < thin.shape[0] and x < thin.shape[1]:
        thin[y, x] = thin_at(gy, gx, magnitude, low, y, x)


# -- hysteresis -------------------------------------------------------------------------------------------------------

@cuda.jit(device=True)
def root_of(parent, i):
    while parent[i] != i:
        i = parent[i]
    return i


@cuda.jit(device=True)
def unite(parent, a, b):
    """Joins the trees of a and b; the smaller root wins. Lost races are retried from the root that won."""
    a = root_of(parent, a)
    b = root_of(parent, b)
    while a != b:
        if a < b:
            a, b = b, a
        seen = cuda.atomic.min(parent, a, b)
        if seen == a:
            break
        a = root_of(parent, seen)
        b = root_of(parent, b)


@cuda.jit
def label_start(parent, strong):
    i = cuda.grid(1)
    if i < parent.shape[0]:
        parent[i] = i
        strong[i] = 0


@cuda.jit
def label_join(thin, parent):
    """Every thin pixel joins those of its neighbours before it that are not joined to each other already
    (the decision tree of Wu, Otoo and Suzuki, Pattern Analysis and Applications 12:117, 2009)."""
    x, y = cuda.grid(2)
    height, width = thin.shape
    if y < height and x < width and thin[y, x] > 0:
        i = y * width + x
        left = x > 0 and thin[y, x - 1] > 0
        if y > 0 and thin[y - 1, x] > 0:
            unite(parent, i, i - width)
        else:
            if left:
                unite(parent, i, i - 1)
            elif y > 0 and x > 0 and thin[y - 1, x - 1] > 0:
                unite(parent, i, i - width - 1)
            if y > 0 and x < width - 1 and thin[y - 1, x + 1] > 0:
                unite(parent, i, i - width + 1)


@cuda.jit
def mark_strong(thin, high, parent, strong):
    """Points every thin pixel straight at its root, and marks the roots that a strong one leads to."""
    x, y = cuda.grid(2)
    height, width = thin.shape
    if y < height and x < width and thin[y, x] > 0:
        root = root_of(parent, y * width + x)
        parent[y * width + x] = root
        if thin[y, x] >= high:
            strong[root] = 1


@cuda.jit
def keep_connected(thin, parent, strong, edges):
    x, y = cuda.grid(2)
    height, width = thin.shape
    if y < height and x < width:
        edges[y, x] = thin[y, x] > 0 and strong[parent[y * width + x]] != 0


# -- tone curve ---------------------------------------------------------------------------------------------------------

@vectorize(['float32(float32, float32)'], target='parallel')
def filmic(x, exposure):
    """A filmic tone curve (Hejl and Burgess-Dawson, 2010): shoulder and toe in one rational function.

    It takes linear light and gives display values; the square undoes the display coding of x, nearly."""
    v = max(float32(0), x * x * exposure - float32(0.004))
    return ((v * (float32(6.2) * v + float32(0.5)))
            / (v * (float32(6.2) * v + float32(1.7)) + float32(0.06)))


# -- the pipeline ---------------------------------------------------------------------------------------------------------

def grid_for(shape):
    return (-(-shape[1] // TILE_W), -(-shape[0] // TILE_H))


class Canny:
    """Buffers for one picture size, made once; call it with a device array of grey values in 0..1."""

    def __init__(self, shape, sigma=1.0, low=0.1, high=0.2):
        self.shape, self.grid = shape, grid_for(shape)
        self.low, self.high = np.float32(low), np.float32(high)
        self.blur_rows, self.blur_columns, self.blur_tiled, self.row_at, self.column_at = make_blur(sigma)
        self.rows, self.smooth, self.gy, self.gx, self.magnitude, self.thin = (
            cuda.device_array(shape, np.float32) for _ in range(6))
        n = shape[0] * shape[1]
        self.parent = cuda.device_array(n, np.int32)
        self.strong = cuda.device_array(n, np.int32)
        self.edges = cuda.device_array(shape, np.bool_)
        self.flat = -(-n // 256)

    def blur(self, grey):
        self.blur_rows[self.grid, BLOCK](grey, self.rows)
        self.blur_columns[self.grid, BLOCK](self.rows, self.smooth)

    def blur_in_tiles(self, grey):
        self.blur_tiled[self.grid, BLOCK](grey, self.smooth)

    def differentiate(self):
        gradient[self.grid, BLOCK](self.smooth, self.gy, self.gx, self.magnitude)

    def thin_out(self):
        suppress[self.grid, BLOCK](self.gy, self.gx, self.magnitude, self.low, self.thin)

    def connect(self):
        label_start[self.flat, 256](self.parent, self.strong)
        label_join[self.grid, BLOCK](self.thin, self.parent)
        mark_strong[self.grid, BLOCK](self.thin, self.high, self.parent, self.strong)
        keep_connected[self.grid, BLOCK](self.thin, self.parent, self.strong, self.edges)

    def __call__(self, grey):
        self.blur(grey)
        self.differentiate()
        self.thin_out()
        self.connect()
        return self.edges


# -- the same stages in NumPy and plain Python, to compare with --------------------------------------------------------------

def numpy_grey(rgb):
    return (rgb @ np.array([0.2125, 0.7154, 0.0721], np.float32)) / np.float32(255)


def numpy_blur(img, weights):
    def along_rows(a):
        out, norm = np.zeros_like(a), np.zeros(a.shape[1], np.float32)
        n = a.shape[1]
        for k in range(1 - len(weights), len(weights)):
            if abs(k) < n:
                src, dst = slice(max(k, 0), n + min(k, 0)), slice(max(-k, 0), n + min(-k, 0))
                out[:, dst] += weights[abs(k)] * a[:, src]
                norm[dst] += weights[abs(k)]
        return out / norm
    return along_rows(along_rows(img).T.copy()).T.copy()


def numpy_gradient(img):
    p = np.pad(img, 1, mode='edge')
    down, up = p[2:], p[:-2]
    gy = down[:, :-2] + 2 * down[:, 1:-1] + down[:, 2:] - up[:, :-2] - 2 * up[:, 1:-1] - up[:, 2:]
    right, left = p[:, 2:], p[:, :-2]
    gx = right[:-2] + 2 * right[1:-1] + right[2:] - left[:-2] - 2 * left[1:-1] - left[2:]
    return gy, gx, np.sqrt(gy * gy + gx * gx)


def numpy_thin(gy, gx, m, low):
    ay, ax = np.abs(gy), np.abs(gx)
    sy, sx = np.where(gy > 0, 1, -1), np.where(gx > 0, 1, -1)
    steep = ay >= ax
    with np.errstate(invalid='ignore', divide='ignore'):
        w = np.where(steep, ax / ay, ay / ax)
    ys, xs = np.indices(m.shape)
    inside = (ys > 0) & (xs > 0) & (ys < m.shape[0] - 1) & (xs < m.shape[1] - 1)

    def across(sign):
        y, x = np.clip(ys + sign * sy, 0, m.shape[0] - 1), np.clip(xs + sign * sx, 0, m.shape[1] - 1)
        return m[y, x] * w + np.where(steep, m[y, xs], m[ys, x]) * (1 - w)
    with np.errstate(invalid='ignore'):
        keep = inside & (m >= low) & (m > 0) & (across(1) <= m) & (across(-1) <= m)
    return np.where(keep, m, np.float32(0))


def numpy_filmic(x, exposure):
    v = np.maximum(np.float32(0), x * x * exposure - np.float32(0.004))
    return (v * (np.float32(6.2) * v + np.float32(0.5))) / (v * (np.float32(6.2) * v + np.float32(1.7)) + np.float32(0.06))


def python_loop(pixel, shape, crop=48):
    """Seconds that `pixel(y, x)` in plain Python would take on the whole picture, from a crop of its middle."""
    h, w = min(crop, shape[0]), min(crop, shape[1])
    y0, x0 = (shape[0] - h) // 2, (shape[1] - w) // 2
    with np.errstate(all='ignore'):
        start = time.perf_counter()
        for y in range(y0, y0 + h):
            for x in range(x0, x0 + w):
                pixel(y, x)
        return (time.perf_counter() - start) * (shape[0] * shape[1]) / (h * w)


def best_of(run, n=7):
    times = []
    for _ in range(n):
        start = time.perf_counter()
        run()
        cuda.synchronize()
        times.append(time.perf_counter() - start)
    return min(times)


# -- pictures and the table ---------------------------------------------------------------------------------------------------

def load_photo(path):
    from PIL import Image
    if path is None:
        import skimage
        path = os.path.join(os.path.dirname(skimage.__file__), 'data', 'coffee.png')
    with Image.open(path) as picture:
        return np.ascontiguousarray(np.asarray(picture.convert('RGB'))), os.path.basename(path)


def save_pictures(out, stages):
    """One PNG for each (name, array in 0..1), and a contact sheet of all."""
    from PIL import Image, ImageDraw
    os.makedirs(out, exist_ok=True)
    tiles = []
    for i, (name, a) in enumerate(stages, 1):
        pixels = np.asarray(np.clip(np.asarray(a, np.float32), 0, 1) * 255 + 0.5, np.uint8)
        picture = Image.fromarray(pixels).convert('RGB')
        picture.save(os.path.join(out, f'{i:02d}_{name}.png'))
        tile = picture.resize((picture.width * 300 // picture.height, 300))
        ImageDraw.Draw(tile).text((8, 6), name, fill=(255, 220, 0))
        tiles.append(tile)
    columns = 3
    w, h = max(t.width for t in tiles), 300
    sheet = Image.new('RGB', (columns * w, -(-len(tiles) // columns) * h))
    for i, tile in enumerate(tiles):
        sheet.paste(tile, ((i % columns) * w, (i // columns) * h))
    sheet.save(os.path.join(out, 'pipeline.png'))


def print_table(rows):
    print(f'\n{"stage":<26}{"naja":>10}{"NumPy":>11}{"Python":>12}{"x NumPy":>10}{"x Python":>11}')
    for name, ours, numpy, python in rows:
        cells = [f'{name:<26}{ours * 1e3:>7.2f} ms']
        cells.append(f'{numpy * 1e3:>8.2f} ms' if numpy else f'{"-":>11}')
        cells.append(f'{python * 1e3:>9.0f} ms' if python else f'{"-":>12}')
        cells.append(f'{numpy / ours:>9.1f}x' if numpy else f'{"-":>10}')
        cells.append(f'{python / ours:>10.0f}x' if python else f'{"-":>11}')
        print(''.join(cells))


def parse_args(argv):
    p = argparse.ArgumentParser(description=__doc__.split('\n\n')[0], formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--out', default='out/photo', metavar='DIR', help='folder for the pictures (default: %(default)s)')
    p.add_argument('--image', metavar='FILE', help="any picture Pillow reads (default: scikit-image's coffee.png)")
    p.add_argument('--sigma', type=float, default=1.5, help='blur, in pixels (default: %(default)s)')
    p.add_argument('--low', type=float, default=0.1, help='weak edges, as a gradient (default: %(default)s)')
    p.add_argument('--high', type=float, default=0.25, help='strong edges (default: %(default)s)')
    p.add_argument('--exposure', type=float, default=0.8, help='of the tone curve (default: %(default)s)')
    p.add_argument('--no-compare', action='store_true', help='skip NumPy, plain Python and scikit-image')
    args = p.parse_args(argv)
    if not 0 < args.sigma <= MAX_SIGMA:
        p.error(f'--sigma must be above 0 and at most {MAX_SIGMA:g}, not {args.sigma:g}')
    if args.image and not os.path.isfile(args.image):
        p.error(f'no such picture: {args.image}')
    return args


def compare_edges(canny, grey_host, grey, args):
    from skimage.feature import canny as sk_canny

    def run():
        return sk_canny(grey_host, args.sigma, args.low, args.high)
    theirs = run()
    ours = canny(grey).copy_to_host()
    agree = float((ours == theirs).mean())
    t_ours, t_theirs = best_of(lambda: canny(grey)), best_of(run)
    print(f'\nCanny, whole: naja {t_ours * 1e3:.2f} ms, scikit-image {t_theirs * 1e3:.2f} ms: {t_theirs / t_ours:.1f}x'
          f'\nedges that agree with scikit-image: {agree:.4%} of {ours.size} pixels')
    return agree


def main(argv=None):
    args = parse_args(argv)
    rgb_host, name = load_photo(args.image)
    shape = rgb_host.shape[:2]
    print(f'{name}: {shape[1]} x {shape[0]} pixels, on {cuda.get_current_device().name}, {cuda.get_current_device().MULTIPROCESSOR_COUNT} processors')

    start = time.perf_counter()
    rgb = cuda.to_device(rgb_host)
    grey = cuda.device_array(shape, np.float32)
    canny = Canny(shape, args.sigma, args.low, args.high)
    grid, exposure = canny.grid, np.float32(args.exposure)
    grey_kernel[grid, BLOCK](rgb, grey)
    canny.blur_in_tiles(grey)
    tiled = canny.smooth.copy_to_host()
    edges = canny(grey).copy_to_host()
    colour = rgb_host.astype(np.float32) * np.float32(1 / 255)
    toned = filmic(colour, exposure)
    print(f'first run, compiling everything: {(time.perf_counter() - start) * 1e3:.0f} ms')

    grey_host, smooth = grey.copy_to_host(), canny.smooth.copy_to_host()
    magnitude, thin = canny.magnitude.copy_to_host(), canny.thin.copy_to_host()
    if not np.allclose(tiled, smooth, atol=1e-6):
        sys.exit('the tiled and the separable blur differ: this is a bug in naja')
    save_pictures(args.out, [
        ('photo', colour), ('grey', grey_host), ('blur', smooth), ('gradient', magnitude / magnitude.max()),
        ('thin', thin > 0), ('edges', edges), ('tone', toned)])
    if args.no_compare:
        print(f'pictures: {os.path.join(args.out, "pipeline.png")}')
        return 0

    weights = gaussian_weights(args.sigma)
    gy, gx = canny.gy.copy_to_host(), canny.gx.copy_to_host()
    low = np.float32(args.low)
    t_numpy_blur = best_of(lambda: numpy_blur(grey_host, weights), 3)
    py_blur = (python_loop(lambda y, x: canny.row_at.py_func(grey_host, y, x), shape)
               + python_loop(lambda y, x: canny.column_at.py_func(grey_host, y, x), shape))
    print_table([
        ('grey', best_of(lambda: grey_kernel[grid, BLOCK](rgb, grey)), best_of(lambda: numpy_grey(rgb_host), 3),
         python_loop(lambda y, x: luminance.py_func(*(np.float32(v) for v in rgb_host[y, x])), shape)),
        ('blur, separable', best_of(lambda: canny.blur(grey)), t_numpy_blur, py_blur),
        ('blur, shared-memory tile', best_of(lambda: canny.blur_in_tiles(grey)), t_numpy_blur, py_blur),
        ('gradient (Sobel)', best_of(canny.differentiate), best_of(lambda: numpy_gradient(smooth), 3),
         python_loop(lambda y, x: sobel_at.py_func(smooth, y, x), shape)),
        ('thinning', best_of(canny.thin_out), best_of(lambda: numpy_thin(gy, gx, magnitude, low), 3),
         python_loop(lambda y, x: thin_at.py_func(gy, gx, magnitude, low, y, x), shape)),
        ('hysteresis', best_of(canny.connect), None, None),
        ('tone curve (ufunc)', best_of(lambda: filmic(colour, exposure)), best_of(lambda: numpy_filmic(colour, exposure), 3), None),
    ])
    print('best of several runs; plain Python is timed on a crop of 48 x 48 pixels and scaled;\n'
          'hysteresis has no NumPy form here; both blurs are compared with one NumPy blur')
    compare_edges(canny, grey_host, grey, args)
    print(f'pictures: {os.path.join(args.out, "pipeline.png")}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
