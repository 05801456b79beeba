"""Compiled functions in other processes, and what a long-lived process keeps: pools by fork and spawn, pickles, memory."""
import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from naja import njit, types, vectorize

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "bench"))
from memory import growth, one_function, one_kernel, one_ufunc        # noqa: E402

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


def grown(work, n):
    """KiB by which n rounds make the process larger, after as many to warm up."""
    return growth(work, 2 * n, steps=2, show=lambda line: None)


@pytest.mark.parametrize("make, n", [(one_function, 100), (one_kernel, 50), (one_ufunc, 50)])
def test_dropped_functions_leave_nothing(make, n):
    """The short form of tests/bench/memory.py."""
    assert grown(make, n) < 1024


def test_forks_while_threads_intern_types():
    """Each child makes new types; a lock that another thread held at the fork would stop it for ever."""
    stop = threading.Event()

    def intern(k):
        i = 0
        while not stop.is_set():
            i += 1
            njit(lambda x: x).compile(((types.UniTuple(types.int64, k * 1000 + i % 900 + 2)),))
    threads = [threading.Thread(target=intern, args=(k,)) for k in range(2)]
    for t in threads:
        t.start()
    try:
        for i in range(20):
            child = os.fork()
            if child == 0:
                os._exit(0 if types.UniTuple(types.float64, i + 2) is not None else 1)
            deadline = time.time() + 30
            pid = status = 0
            while not pid and time.time() < deadline:
                pid, status = os.waitpid(child, os.WNOHANG)
                time.sleep(0.002)
            if not pid:
                os.kill(child, 9)
                os.waitpid(child, 0)
            assert pid and status == 0
    finally:
        stop.set()
        for t in threads:
            t.join()


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
