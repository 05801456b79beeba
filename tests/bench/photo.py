"""photo.py - the photo sample's edge detector beside scikit-image's, and beside the same kernels on Numba's simulator.

    python tests/bench/photo.py

The simulator interprets Python: it runs on a crop of 32 x 32 pixels and is scaled by the number of pixels.
"""
import importlib.util
import os
import subprocess
import sys
import tempfile
import time

import numpy as np

SAMPLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'samples', 'photo.py')
SIMULATED = '''
import importlib.util, sys, time
import numpy as np
spec = importlib.util.spec_from_file_location("photo", {path!r})
photo = importlib.util.module_from_spec(spec); spec.loader.exec_module(photo)
rgb, _ = photo.load_photo(None)
crop = photo.numpy_grey(rgb)[150:182, 200:232].copy()
canny = photo.Canny(crop.shape, 1.5, 0.1, 0.25)
grey = photo.cuda.to_device(crop)
t = time.perf_counter(); canny(grey); print((time.perf_counter() - t) / crop.size)
'''


def load(path):
    spec = importlib.util.spec_from_file_location('photo_sample', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def best(run, rounds=15):
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def simulator():
    """Seconds a pixel on the peer's simulator; None when the peer is not there."""
    with open(SAMPLE) as f:
        text = f.read().replace('from naja import cuda, float32, vectorize', 'from numba import float32, vectorize, cuda')
    with tempfile.NamedTemporaryFile('w', suffix='.py', delete=False) as f:
        f.write(text)
    done = subprocess.run([sys.executable, '-c', SIMULATED.format(path=f.name)], capture_output=True, text=True,
                          env={**os.environ, 'NUMBA_ENABLE_CUDASIM': '1'})
    os.unlink(f.name)
    if done.returncode:
        print('the simulator failed: ' + done.stderr.strip().splitlines()[-1], file=sys.stderr)
        return None
    return float(done.stdout.split()[-1])


def main():
    from skimage.feature import canny as sk_canny
    photo = load(SAMPLE)
    rgb, _ = photo.load_photo(None)
    grey = photo.numpy_grey(rgb)
    device = photo.cuda.to_device(grey)
    ours = photo.Canny(grey.shape, 1.5, 0.1, 0.25)
    edges, theirs = ours(device).copy_to_host(), sk_canny(grey, 1.5, 0.1, 0.25)
    t_ours = best(lambda: (ours(device), photo.cuda.synchronize()))
    t_theirs = best(lambda: sk_canny(grey, 1.5, 0.1, 0.25))
    print(f'{"Canny, " + "x".join(map(str, grey.shape)):<46}{t_ours * 1e3:>10.2f} ms{t_theirs * 1e3:>12.2f} ms'
          f'{t_theirs / t_ours:>8.1f}x   >= 3x scikit-image; {np.mean(edges == theirs):.3%} of pixels agree')
    pixel = simulator()
    if pixel:
        print(f'{"  the same kernels on the simulator":<46}{"":>13}{pixel * grey.size * 1e3:>12.0f} ms'
              f'{pixel * grey.size / t_ours:>8.0f}x   >= 1000x')


if __name__ == '__main__':
    main()
