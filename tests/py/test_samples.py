"""Every sample runs as a user would run it, and says so."""
import os
import subprocess
import sys

import pytest

SAMPLES = os.path.join(os.path.dirname(__file__), '..', '..', 'samples')


def run(name, *args):
    done = subprocess.run([sys.executable, os.path.join(SAMPLES, name), *args], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize('name', ['vector_add.py', 'saxpy.py', 'matmul.py', 'black_scholes.py'])
def test_sample(name):
    out = run(name)
    assert 'right' in out or 'agree' in out


def test_mandelbrot(tmp_path):
    image = pytest.importorskip('PIL.Image', reason='Pillow writes the picture')
    out = run('mandelbrot.py', '--width', '240', '--out', str(tmp_path / 'm.png'))
    assert out.count('ms') == 3
    assert image.open(tmp_path / 'm.png').size == (240, 160)


def test_photo(tmp_path):
    pytest.importorskip('skimage', reason='scikit-image ships the photograph')
    out = run('photo.py', '--out', str(tmp_path))
    agree = float(out.split('agree with scikit-image:')[1].split('%')[0])
    assert agree > 99.9
    pictures = sorted(p.name for p in tmp_path.iterdir())
    assert pictures == ['01_photo.png', '02_grey.png', '03_blur.png', '04_gradient.png', '05_thin.png', '06_edges.png',
                        '07_tone.png', 'pipeline.png']


def test_photo_bad_input(tmp_path):
    for args, word in ((['--sigma', '0'], 'sigma'), (['--image', str(tmp_path / 'none.png')], 'no such picture')):
        done = subprocess.run([sys.executable, os.path.join(SAMPLES, 'photo.py'), *args], capture_output=True, text=True, timeout=120)
        assert done.returncode == 2 and word in done.stderr
