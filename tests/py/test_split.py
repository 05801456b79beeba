"""Kernels with barriers on the CPU device, cut into loops over threads and on stacks: random ones against an oracle that runs
threads as Python generators, and by hand what a cut could get wrong."""
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from naja import cuda, int64
from portion import part

FUZZ = Path(__file__).resolve().parent.parent / 'fuzz' / 'generate_kernels.py'
BOTH = pytest.mark.parametrize('split', ['1', '0'])


def run(code, split):
    env = dict(os.environ, NAJA_SIMT_SPLIT=split, NAJA_CACHE='off', NAJA_LOG='2')
    return subprocess.run([sys.executable, *code], env=env, capture_output=True, text=True, timeout=600)


@pytest.mark.parametrize('first,split', [(0, '1'), (50, '1'), (100, '1'), (150, '1'), (0, '0'), (150, '0')])
def test_random_kernels(first, split):
    """The knob is read once a process, so each way has its own."""
    r = run([str(FUZZ), '--run', str(first), str(part(50))], split)
    assert r.returncode == 0, r.stdout + r.stderr[-2000:]
    assert ('regions, ' in r.stderr) == (split == '1')


@pytest.mark.skipif('cuda.get_current_device().kind != "cpu"')
def test_both_ways_of_driving_are_met():
    """Kernels whose threads always meet, and such whose threads part, are told apart."""
    r = run([str(FUZZ), '--run', '0', '12'], '1')
    assert r.stderr.count('in lockstep') >= 6 and r.stderr.count('each at its own barrier') >= 2, r.stderr


# -- by hand ------------------------------------------------------------------------------------------------------------

@cuda.jit
def early(x, out):
    """Threads beyond the end leave first; the others still meet, and count only themselves."""
    s = cuda.shared.array(64, int64)
    t = cuda.threadIdx.x
    if t >= x.size:
        return
    s[t] = x[t]
    n = cuda.syncthreads_count(1)
    out[t] = s[x.size - 1 - t] * 100 + n


def test_early_return():
    x = np.arange(5)
    out = np.zeros(5, np.int64)
    early[1, 33](x, out)
    assert list(out) == [405, 305, 205, 105, 5]


@cuda.jit
def one_by_one(out):
    """Everyone leaves at another barrier."""
    t = cuda.threadIdx.x
    for i in range(t):
        out[t] += cuda.syncthreads_count(t % 2)


def test_leaving_one_by_one():
    out = np.zeros(6, np.int64)
    one_by_one[1, 6](out)
    assert list(out) == [sum(sum(u % 2 for u in range(i + 1, 6)) for i in range(t)) for t in range(6)]


@cuda.jit
def local_across(out):
    """An array of the thread's own that lives across barriers, and one that does not."""
    s = cuda.shared.array(32, int64)
    kept = cuda.local.array(3, int64)
    t = cuda.threadIdx.x
    for i in range(3):
        kept[i] = 0
    for i in range(4):
        scratch = cuda.local.array(2, int64)
        scratch[0], scratch[1] = t, i
        s[t] = scratch[0] * 10 + scratch[1]
        cuda.syncthreads()
        kept[i % 3] += s[(t + 1) % cuda.blockDim.x]
        cuda.syncthreads()
    out[t] = kept[0] * 10000 + kept[1] * 100 + kept[2]


def test_local_arrays():
    n = 8
    out = np.zeros(n, np.int64)
    local_across[1, n](out)
    near = [(t + 1) % n * 10 for t in range(n)]
    assert list(out) == [(2 * v + 3) * 10000 + (v + 1) * 100 + v + 2 for v in near]


@cuda.jit
def swaps(out):
    """Values that change places in a loop around a barrier: each waits where the other did."""
    a, b = cuda.threadIdx.x, 100
    for i in range(3):
        cuda.syncthreads()
        a, b = b, a
    out[cuda.threadIdx.x] = a * 1000 + b


def test_values_that_change_places():
    out = np.zeros(4, np.int64)
    swaps[1, 4](out)
    assert list(out) == [100 * 1000 + t for t in range(4)]


@cuda.jit
def until_none(x, out):
    """A loop whose condition is a reduction: all threads agree on it."""
    t = cuda.threadIdx.x
    left, trips = x[t], 0
    while cuda.syncthreads_or(left > 0):
        left -= 1
        trips += 1
    out[t] = trips * 10 + (1 if cuda.syncthreads_and(left <= 0) else 0)


def test_loop_on_a_reduction():
    x = np.array([3, 0, 7, 1])
    out = np.zeros(4, np.int64)
    until_none[1, 4](x, out)
    assert list(out) == [71] * 4


@cuda.jit
def dynamic(x, out):
    s = cuda.shared.array(0, int64)
    t = cuda.threadIdx.x
    s[t] = x[t]
    cuda.syncthreads()
    out[t] = s[cuda.blockDim.x - 1 - t]


def test_dynamic_shared_memory():
    x = np.arange(20)
    out = np.zeros(20, np.int64)
    dynamic[1, 20, 0, 160](x, out)
    assert np.array_equal(out, x[::-1])


FAULT = '''
import numpy as np
from naja import cuda
@cuda.jit
def fails(x, out):
    t = cuda.threadIdx.x + 4 * cuda.threadIdx.y
    cuda.syncthreads()
    if t == 6:
        raise ValueError('six')
    cuda.syncthreads()
    out[t] = 1
out = np.zeros(8, np.int64)
try:
    fails[1, (4, 2)](out, out)
    cuda.synchronize()
except ValueError as e:
    print(e.args, out.sum(), getattr(e, 'tid', None), getattr(e, 'ctaid', None))
'''


@BOTH
def test_an_exception_ends_the_block(split):
    r = run(['-c', FAULT], split)
    assert 'six' in r.stdout and ' 0 ' in r.stdout, r.stdout + r.stderr
