"""Compiled functions in other processes, and what a long-lived process keeps: pools by fork and spawn, pickles, memory."""
import os
import pickle
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from naja import njit, pickling, types, vectorize

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


BY_VALUE = '''
import os.path, pickle, subprocess, sys
import numpy as np
from naja import njit, vectorize

size, factor = open(sys.argv[0]), 2                    # a global of an attribute's name stays here

@njit
def even(n):
    return True if n == 0 else odd(n - 1)

@njit
def odd(n):
    return False if n == 0 else even(n - 1)

odd = njit("b1(i8)")(odd.py_func)

def make():
    late = None
    @njit
    def down(n):
        return 0 if n == 0 else down(n - 1) + 1
    @njit
    def up(a):
        return a.size * factor + np.float64(os.path.sep == "/")
    return down, up

@vectorize(["float64(float64)"])
def plus(x):
    return x + factor

@vectorize
def times(x):
    return x * factor

closed = njit(lambda x: x + factor)
closed(1)
closed.disable_compile()
down, up = make()
jobs = [(even, 10), (odd, 10), (down, 7), (plus, 1.0), (times, 3), (closed, 1)]
code = "import pickle, sys; print([f(x) for f, x in pickle.load(sys.stdin.buffer)], flush=True)"
for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
    for thing, _ in jobs:
        assert pickle.loads(pickle.dumps(thing, protocol)) is thing
    done = subprocess.run([sys.executable, "-c", code], input=pickle.dumps(jobs, protocol), capture_output=True)
    print(done.stdout.decode().strip().replace("np.float64", "").replace("np.int64", ""), done.stderr.decode())
'''


def test_what_refers_to_itself_travels_by_value(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(BY_VALUE)
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120)
    lines = [line for line in done.stdout.replace("(", "").replace(")", "").splitlines() if line.strip()]
    assert lines and set(line.strip() for line in lines) == {"[True, False, 7, 3.0, 6, 3]"}, done.stdout + done.stderr


def remade(thing):
    """What another process would make of its pickle."""
    data = pickle.dumps(thing)
    pickling._alive.clear()
    pickling._ufuncs.clear()
    return pickle.loads(data)


def test_what_a_pickle_keeps():
    def f(x, k=3):
        return x + k
    for made in (njit(f), njit("f8(f8, i8)", error_model="numpy")(f)):
        again = remade(made)
        assert again is not made and again(1.0) == 4.0 and again.can_compile == made.can_compile
        assert again.targetoptions == made.targetoptions and again.declared == made.declared and again.__name__ == "f"
    closed = njit(f)
    closed(1)
    closed.disable_compile()
    again = remade(closed)
    assert not again.can_compile and again.signatures == [(types.int64, types.int64)] and again(1.5) == 4
    opened = njit("f8(f8, i8)")(f)
    opened.disable_compile(False)
    again = remade(opened)
    assert again.can_compile and again(1) == 4 and again.signatures == [(types.float64, types.int64), (types.int64, types.int64)]


def test_unpickled_signatures_are_compiled_once():
    again = remade(njit(["i8(i8)", "f8(f8)"])(lambda x: x + 1))
    results, barrier = [], threading.Barrier(8)

    def work():
        barrier.wait()
        results.append((again(1), again(1.5), len(again.signatures)))
    threads = [threading.Thread(target=work) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert results == [(2, 2.5, 2)] * 8


def test_ufuncs_by_value():
    plus = vectorize(["f8(f8, f8)"], identity=0)(lambda a, b: a + b)
    again = remade(plus)
    assert again is not plus and again(1, 2) == 3.0 and again.identity == 0 and again.types == plus.types
    grown = vectorize(lambda a: a + 1)
    assert grown(1) == 2
    grown.disable_compile()
    again = remade(grown)
    assert again(1) == 2 and again.types == grown.types and again._frozen
    assert pickle.loads(pickle.dumps(np.add)) is np.add


def test_pickles_of_another_python():
    function, (number, make, args, shape), *rest = njit(lambda x: x).__reduce__()
    with pytest.raises(TypeError, match="was pickled by Python 3.5"):
        function("other", make, args, ((3, 5), *shape[1:]))


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
