"""Compiled functions in other processes, and what a long-lived process keeps: pools by fork and spawn, pickles, memory."""
import gc
import os
import subprocess
import sys

import numpy as np
import pytest

from naja import njit, vectorize

SOURCE = '''
import multiprocessing, sys
import numpy as np
from naja import njit, vectorize

twice = njit(lambda x: x * 2)
local = njit(lambda x, k=3: x * k)
plus = vectorize(["float64(float64)"], target="parallel")(lambda x: x + 1)
ones = np.zeros(300000)

def work(i):
    assert plus(ones).sum() == 300000
    return twice(i) + njit(lambda y: y + 0.5)(i)

if __name__ == "__main__":
    assert twice(2) == 4 and plus(ones).sum() == 300000        # the pool of threads is there before the fork
    with multiprocessing.get_context(sys.argv[1]).Pool(3) as pool:
        print(pool.map(work, range(4)), pool.map(local, [1, 2.5]))
'''


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_pool(method, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SOURCE)
    done = subprocess.run([sys.executable, str(script), method], capture_output=True, text=True, timeout=120)
    assert done.stdout == "[0.5, 3.5, 6.5, 9.5] [3, 7.5]\n", done.stderr


def test_threads_started_before_a_fork_do_not_hang_the_child():
    plus = vectorize(["float64(float64)"], target="parallel")(lambda x: x + 1)
    a = np.zeros(300000)
    assert plus(a).sum() == 300000
    child = os.fork()
    if child == 0:
        os._exit(0 if plus(a).sum() == 300000 and njit(lambda x: x)(5) == 5 else 1)
    assert os.waitpid(child, 0)[1] == 0


def resident_kib():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * (os.sysconf("SC_PAGESIZE") // 1024)


def one_function(i):
    scope = {}
    exec(f"def f(x):\n    s = 0\n    for k in range(x):\n        s += k * {i}\n    return s", scope)
    assert njit(scope["f"])(3) == 3 * i


def grown(work, n):
    """KiB by which n rounds make the process larger, after as many to warm up."""
    for i in range(n):
        work(i)
    gc.collect()
    before = resident_kib()
    for i in range(n):
        work(i)
    gc.collect()
    return resident_kib() - before


def test_dropped_functions_leave_nothing():
    assert grown(one_function, 100) < 1024


def test_calls_leave_nothing():
    f = njit(lambda a: (a[1:], a[0], (1, 2)))
    a = np.zeros(10)
    assert grown(lambda i: f(a), 20000) < 256


def test_exceptions_leave_nothing():
    @njit
    def f(x):
        if x:
            raise ValueError("x")
        return x

    def work(i):
        with pytest.raises(ValueError):
            f(1)
        with pytest.raises(TypeError):
            f("text")
    assert grown(work, 2000) < 512


def test_refused_compilations_leave_nothing():
    f = njit(lambda a, b: a + b)

    def work(i):
        with pytest.raises(TypeError):
            f(1, (1, 2))
    assert grown(work, 300) < 512
