"""Compiling beside other threads: once for two callers, without the GIL, several signatures side by side; and how long programs may be."""
import os
import shutil
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from naja import _naja, cuda, int64, float64, njit, types
from portion import once

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "bench"))
from compile_scaling import SHAPES, count, sizes        # noqa: E402

_count = iter(range(1 << 30))


def large(n=400, decorate=njit):
    """A new function that takes LLVM a while."""
    lines = [f"    {'abcd'[i % 4]} = {'bcda'[i % 4]} * {i % 7 + 1} + {'cdab'[i % 4]}" for i in range(n)]
    scope = {}
    exec(f"def f(a):\n    b = c = d = a + {next(_count)}\n" + "\n".join(lines) + "\n    return a + b + c + d", scope)
    return decorate(scope["f"])


def misses():
    return _naja.cache_stats()["misses"]


def together(n, work):
    """work(i) in n threads that start at once; the results."""
    barrier, results, errors = threading.Barrier(n), [None] * n, []

    def run(i):
        barrier.wait()
        try:
            results[i] = work(i)
        except Exception as e:
            errors.append(e)
    threads = [threading.Thread(target=run, args=(i,)) for i in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if errors:
        raise errors[0]
    return results


# -- one compilation for all who ask. A compilation begins with a look into the cache, which counts.

def test_threads_compile_a_function_once():
    f, before = large(), misses()
    results = together(8, lambda i: f(7))
    assert len(results) == 8 and all((r - f.py_func(7)) % (1 << 64) == 0 for r in results)
    assert misses() - before == 1 and len(f.signatures) == 1


def test_threads_compile_a_signature_once():
    f, before = large(), misses()
    together(6, lambda i: f.compile((int64,) if i % 2 else (float64,)))
    assert misses() - before == 2 and len(f.signatures) == 2


def test_threads_compile_a_kernel_once():
    scope = {"cuda": cuda}
    lines = "\n".join(f"        x = x * {i % 7 + 1} + a[i] - {i}" for i in range(200))
    exec(f"def k(a):\n    i = cuda.grid(1)\n    if i < a.size:\n        x = {next(_count)}.0\n{lines}\n        a[i] = x", scope)
    k = cuda.jit(scope["k"])
    launch, arrays, before = k[1, 32], [np.ones(20) for _ in range(8)], misses()
    together(8, lambda i: launch(arrays[i]))
    assert misses() - before == 1 and len(k.signatures) == 1
    assert all((a == arrays[0]).all() for a in arrays) and arrays[0][0] != 1


def test_other_types_compile_side_by_side():
    f, before = large(3000), misses()
    threads = [threading.Thread(target=f.compile, args=((t,),)) for t in (int64, float64)]
    for t in threads:
        t.start()
    while misses() - before < 2 and any(t.is_alive() for t in threads):
        time.sleep(0.0005)
    landed = len(f.signatures)                # both are under way, and the first takes LLVM a while
    for t in threads:
        t.join()
    assert landed == 0 and len(f.signatures) == 2


def test_a_failed_compilation_lets_the_next_thread_try():
    def f(x):
        return x + nothing_of_that_name     # noqa: F821
    g = njit(f)

    def fails(i):
        with pytest.raises(NameError):
            g(1)
        return True
    assert together(4, fails) == [True] * 4
    assert not g.is_compiling and g.signatures == []


# -- without the GIL

def rounds_while_compiling(f, thread):
    """How often this thread comes round while the other one lives and f is being compiled."""
    rounds = 0
    while thread.is_alive():
        rounds += f.is_compiling
        time.sleep(0.0005)
    return rounds


def test_other_threads_run_on_while_one_compiles():
    f = large(3000)
    t = threading.Thread(target=lambda: f(1))
    t.start()
    assert rounds_while_compiling(f, t) > 1


def test_other_threads_run_on_while_one_waits_for_another():
    f = large(3000)
    first, second = (threading.Thread(target=lambda: f(1)) for _ in range(2))
    first.start()
    while not f.is_compiling:
        time.sleep(0.0002)
    second.start()
    time.sleep(0.001)                        # it waits by now, or came too late
    assert rounds_while_compiling(f, second) > 1
    first.join()
    assert len(f.signatures) == 1


def test_a_fork_while_another_thread_compiles():
    f = large(3000)
    t = threading.Thread(target=lambda: f(1))
    t.start()
    while not f.is_compiling:
        time.sleep(0.0002)
    child = os.fork()
    if child == 0:
        os._exit(0 if isinstance(f(1), int) else 1)
    t.join()
    deadline = time.time() + 60
    while time.time() < deadline:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            assert status == 0
            return
        time.sleep(0.01)
    os.kill(child, 9)
    os.waitpid(child, 0)
    pytest.fail("the child hangs")


# -- many signatures, long programs, the log

def test_declared_signatures_are_all_there():
    wanted = [(getattr(types, a), getattr(types, b)) for a in ("int32", "int64", "float32", "float64") for b in ("int64", "float64")]
    f = njit(wanted)(lambda a, b: a * b + a)
    assert f.signatures == wanted and f(2, 3) == 8


def test_chain_of_calls():
    source, args = SHAPES["chain"][0](200)
    scope, plain = {"njit": njit}, {"njit": lambda f: f}
    for own_scope in (scope, plain):
        exec(source, own_scope)
    got = njit(scope["top"])(1)
    want = plain["top"](1)
    assert (got - want) % (1 << 64) == 0


def test_ever_new_types_are_refused():
    @njit
    def f(x, n):
        return 1 if n == 0 else f((x,), n - 1)
    with pytest.raises(TypeError, match="ever new types"):
        f(1, 3)


@once
@pytest.mark.skipif(not shutil.which("callgrind_annotate"), reason="valgrind, which counts, is not installed")
def test_four_times_the_program_takes_four_times_the_instructions():
    """All shapes in one process; tests/bench/compile_scaling.py --count tells which one grew."""
    small, large = (count([(shape, sizes(shape, 0.1)[i]) for shape in SHAPES]) for i in (0, -1))
    assert small > 1e6 and large < 4.2 * small


def test_one_line_a_compilation():
    code = "from naja import njit\nf = njit(lambda x, y: x * y)\nf(1, 2.0)\nf(1, 2.0)\ntry:\n    f(1, 'x')\nexcept TypeError:\n    pass\n"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                          env={**os.environ, "NAJA_CACHE": "off", "NAJA_LOG": "1"})
    lines = [line for line in done.stderr.splitlines() if line.startswith("naja: ")]
    assert done.returncode == 0 and len([line for line in lines if "lambda" in line]) == len(lines)
    assert lines[0].startswith("naja: compiled <lambda>(int64, float64) for cpu in ")
    assert all(stage in lines[0] for stage in ("front ", "infer ", "lower ", "emit ", "code "))
    assert len([line for line in lines if "compiled" in line]) == 1
