"""Compiling beside other threads: once for two callers, without the GIL, several signatures side by side; and how long programs may be."""
import os
import re
import shutil
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from naja import _naja, cuda, int64, float64, get_num_threads, njit, types
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


def test_threads_with_other_types_each_compile_their_own():
    f, before = large(), misses()
    kinds = (int64, float64, types.int32, types.float32)
    assert together(4, lambda i: f.compile((kinds[i],))) == [None] * 4 or len(f.signatures) == 4
    assert misses() - before == 4 and sorted(str(sig[0]) for sig in f.signatures) == ["float32", "float64", "int32", "int64"]


def test_several_declared_signatures_use_several_threads():
    """Each thread that compiled one has used the processor for longer than a thread does that found nothing to do."""
    code = """
import os, sys
sys.path.insert(0, %r)
from test_compile import large
from naja import njit, types
kinds = [getattr(types, name) for name in ("int8", "int16", "int32", "int64", "uint8", "uint32", "float32", "float64")]
def worked():
    ns = {}
    for task in os.listdir("/proc/self/task"):
        with open(f"/proc/self/task/{task}/schedstat") as f:
            ns[task] = int(f.read().split()[0])
    return ns
large(10)(1)
before = worked()
f = large(1500, njit([(t,) for t in kinds]))
print(len(f.signatures), sum(n - before.get(task, 0) > 2e6 for task, n in worked().items()))
""" % os.path.dirname(__file__)
    if not os.path.exists("/proc/self/schedstat") or get_num_threads() < 2:
        pytest.skip("one thread, or a kernel that does not tell what each has used")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "NAJA_CACHE": "off"})
    assert done.returncode == 0, done.stderr
    signatures, threads = map(int, done.stdout.split())
    assert signatures == 8 and threads >= 2


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


def test_other_threads_run_on_while_several_signatures_compile():
    class Watched:                           # an eager list compiles before there is a dispatcher to ask
        rounds, done = 0, False

        def look(self):
            while not self.done:
                self.rounds += misses() > before
                time.sleep(0.0005)
    kinds, before, w = [types.int32, int64, types.float32, float64], misses(), Watched()
    t = threading.Thread(target=w.look)
    t.start()
    f = large(1500, njit([(k,) for k in kinds]))
    rounds, w.done = w.rounds, True
    t.join()
    assert len(f.signatures) == 4 and rounds > 2


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


@pytest.mark.parametrize("shape", SHAPES)
def test_long_programs_give_what_python_gives(shape):
    source, args = SHAPES[shape][0](SHAPES[shape][1] // 10)
    results = []
    for decorate in njit, lambda f: f:
        scope, given = {"njit": decorate}, eval(args)
        exec(compile(source, "generated", "exec"), scope)
        results.append((decorate(scope["top"])(*given), *(a for a in given if isinstance(a, np.ndarray))))
    got, want = results
    assert got[0] is want[0] is None or (got[0] - want[0]) % (1 << 64) == 0
    assert all(np.array_equal(g, w) for g, w in zip(got[1:], want[1:]))


# -- NAJA_LOG

STAGES = ("key", "front", "infer", "lower", "emit", "code", "load", "store")
LINE = re.compile(r"naja: (compiled|loaded|refused) (\S+?)\((.*)\) for (\w+) in ([\d.]+) ms: ((?:\w+ [\d.]+(?:, )?)+)(?:; \d+ functions?)?")
OTHER = re.compile(r"naja: (cache (hit|miss|stored): |libNVVM |driver |the driver made a cubin |LLVM: )")


def logged(code, **env):
    """[(what was done, to what, for which types, for which target, {stage: ms})] of a process; every line is one of the log's."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "NAJA_LOG": "1", **env})
    assert done.returncode == 0, done.stderr
    rows = []
    for line in done.stderr.splitlines():
        m = LINE.fullmatch(line)
        assert m or OTHER.match(line), line
        if m:
            stages = {name: float(ms) for name, ms in (pair.split() for pair in m[6].split(", "))}
            assert abs(sum(stages.values()) - float(m[5])) <= 0.006 * (len(stages) + 1), line
            assert list(stages) == [name for name in STAGES if name in stages], line
            rows.append((m[1], m[2], m[3], m[4], stages))
    return rows


PROGRAM = """
import numpy as np
from naja import cuda, njit, vectorize
f = njit(lambda x, y: x * y)
f(1, 2.0)
f(1, 2.0)
try:
    f(1, 'x')
except TypeError:
    pass
half = vectorize(["float64(float64)"])(lambda x: x / 2)
def k(a):
    a[cuda.grid(1)] = 1
cuda.jit(k)[1, 4](np.zeros(4))
"""


def test_one_line_a_compilation(tmp_path):
    env = {"NAJA_DEVICE": "cpu", "NAJA_CACHE_DIR": str(tmp_path), "NAJA_CACHE": ""}
    expected = [("<lambda>", "int64, float64", "cpu"), ("<lambda>", "float64", "cpu"), ("k", "array(float64, 1d, C)", "cpudev")]
    for what, stages, more in (("compiled", STAGES[:-1], {"NAJA_CACHE": "off"}), ("compiled", STAGES, {}), ("loaded", ("key", "load"), {})):
        rows = logged(PROGRAM, **{**env, **more})
        assert [row[:4] for row in rows] == [(what, *row) for row in expected]
        assert all(tuple(row[4]) == stages for row in rows)


def test_a_refusal_says_how_far_it_came():
    code = "from naja import njit\ntry:\n    njit(lambda s: s.nothing)(1)\nexcept Exception:\n    pass"
    [(what, _, types, _, stages)] = logged(code, NAJA_CACHE="off")
    assert (what, types, tuple(stages)) == ("refused", "int64", ("key", "front", "infer"))


def test_the_log_of_a_kernel_on_a_driver(tmp_path):
    from test_mock import FAKE, PRELUDE
    if not FAKE:
        pytest.skip("NAJA_FAKE_CUDA does not name the fake driver")
    code = """
@cuda.jit
def k(a):
    a[cuda.grid(1)] = 1
k[1, 4](np.zeros(4))
"""
    for what, stages in (("compiled", STAGES), ("loaded", ("key", "load"))):
        text = subprocess.run([sys.executable, "-c", PRELUDE + code], capture_output=True, text=True, check=True, env={
            **os.environ, "NAJA_DEVICE": "mock", "NAJA_LOG": "2", "NAJA_FAKE_VERSION": "13000", "NAJA_CACHE": "", "NAJA_CACHE_DIR": str(tmp_path)}).stderr
        [row] = [m for m in map(LINE.fullmatch, text.splitlines()) if m]
        assert (row[1], row[2], row[4]) == (what, "k", "cuda")
        assert tuple(pair.split()[0] for pair in row[6].split(", ")) == stages
        assert text.count("the driver made a cubin of ") == (what == "compiled")


def test_the_log_of_signatures_compiled_side_by_side():
    code = """
from naja import njit, types
kinds = [getattr(types, name) for name in ("int8", "int16", "int32", "int64", "uint8", "uint32", "float32", "float64")]
f = njit([(t,) for t in kinds])(lambda x: x * x)
"""
    rows = logged(code, NAJA_CACHE="off")
    assert sorted(row[2] for row in rows) == ["float32", "float64", "int16", "int32", "int64", "int8", "uint32", "uint8"]
    assert all(row[0] == "compiled" and tuple(row[4]) == STAGES[:-1] for row in rows)
