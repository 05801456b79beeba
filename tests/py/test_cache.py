"""The cache on disk: what a hit gives, where it works, what people are shown of it."""
import os
import zipfile

import pytest

import naja
from cache_tools import SMALL, counted, report, run
from naja import _naja, njit


def test_exception_class_is_the_live_one():
    def make():
        class Mine(Exception):
            pass

        @njit
        def f(x):
            if x:
                raise Mine("no", 7)
            return x
        return Mine, f
    for expected in ((0, 1), (1, 0)):
        Mine, f = make()
        assert counted(lambda: f(0)) == (0, *expected)
        with pytest.raises(Mine) as info:
            f(1)
        assert info.type is Mine and info.value.args == ("no", 7)


def test_stats_of_a_dispatcher():
    def f(x):
        return x * 123457
    first, second = njit(f), njit(f)
    first(1)
    second(1)
    assert first.stats.cache_misses == {(naja.int64,): 1} and first.stats.cache_hits == {}
    assert second.stats.cache_hits == {(naja.int64,): 1} and second.stats.cache_path == _naja.cache_path()


def test_cache_false():
    def f(x):
        return x * 123458
    assert counted(lambda: njit(cache=False)(f)(2)) == (246916, 0, 0)
    assert counted(lambda: njit(f)(2))[1:] == (0, 1)


def test_inspection_after_a_hit():
    def f(x):
        return x * 123459
    njit(f)(1)
    again = njit(f)
    assert counted(lambda: again(1))[1] == 1
    assert "define" in list(again.inspect_llvm().values())[0]


@pytest.mark.parametrize("result", ["x", "(x, 2.5)", "None", "x > 1", "x + 1j"])
def test_results_of_all_kinds(result):
    source = f"from naja import njit\n@njit\ndef f(x):\n    return {result}\n"
    for expected in (1, 0):
        scope = {}
        exec(source, scope)
        value, _, misses = counted(lambda: scope["f"](3))
        assert misses == expected and value == scope["f"].py_func(3)


# -- other processes

def test_second_process_loads_no_compiler(tmp_path):
    code = SMALL + """
import numpy as np
from naja import cuda, vectorize
@vectorize(["float64(float64, float64)"])
def add(x, y):
    return x + 2 * y
assert add(np.arange(3.0), 1).tolist() == [2, 3, 4]
@cuda.jit
def k(a):
    i = cuda.grid(1)
    if i < a.size:
        a[i] = a[i] + 1
a = np.zeros(40)
k[2, 32](a)
assert a.tolist() == [1] * 40
assert len(cuda.compile_ptx(lambda a: None, "void(float32[:])")[0]) > 50
"""
    env = {"NAJA_DEVICE": "cpu"}
    stats, libs = report(code, tmp_path, env=env)
    assert (stats["misses"], stats["stores"], stats["hits"]) == (4, 4, 0) and "naja_llvm" in libs
    stats, libs = report(code, tmp_path, env=env)
    assert (stats["hits"], stats["misses"]) == (4, 0) and libs == []


def test_cpu_features_and_level_recompile(tmp_path):
    first = report(SMALL, tmp_path)[0]
    assert first["misses"] == 1
    for env in ({"NAJA_CPU_FEATURES": "-avx512f,-avx2"}, {"NAJA_CPU_NAME": "x86-64"}, {"NAJA_OPT": "1"}):
        if "CPU_NAME" in str(env) and os.uname().machine != "x86_64":
            continue
        assert report(SMALL, tmp_path, env=env)[0]["misses"] == 1
        assert report(SMALL, tmp_path, env=env)[0]["hits"] == 1
    assert report(SMALL, tmp_path)[0]["hits"] == 1


@pytest.mark.parametrize("word", ["off", "OFF", "0", "no", "False"])
def test_off(tmp_path, word):
    stats, _ = report(SMALL, tmp_path / "c", env={"NAJA_CACHE": word})
    assert set(stats.values()) == {0} and not (tmp_path / "c").exists()


def test_default_folder(tmp_path):
    env = {"XDG_CACHE_HOME": str(tmp_path / "xdg"), "HOME": str(tmp_path)}
    run(SMALL, "", env=env)
    assert list((tmp_path / "xdg" / "naja").glob("*/*.naja"))
    assert (tmp_path / "xdg" / "naja").stat().st_mode & 0o777 == 0o700
    run(SMALL, "", env=dict(env, XDG_CACHE_HOME="relative/is/not/valid"))
    assert list((tmp_path / ".cache" / "naja").glob("*/*.naja"))


def test_dump_letters_compile_and_tell(tmp_path):
    run(SMALL, tmp_path)
    assert "cache: hit f for cpu" in run(SMALL, tmp_path, env={"NAJA_DUMP": "k"}).stderr
    shown = run(SMALL, tmp_path, env={"NAJA_DUMP": "lk"}).stderr
    assert "define" in shown and "cache: hit" not in shown
    assert "cache hit: f" in run(SMALL, tmp_path, env={"NAJA_LOG": "1"}).stderr


@pytest.mark.parametrize("how", ["-c", "exec", "lambda", "zip", "read-only tree"])
def test_sources_of_all_kinds(tmp_path, how):
    folder = tmp_path / "src"
    folder.mkdir()
    code = {"-c": SMALL, "exec": f"exec({SMALL!r})", "lambda": "from naja import njit\nassert njit(lambda x: x + 1)(1) == 2\n"}.get(how)
    if how == "zip":
        with zipfile.ZipFile(folder / "m.zip", "w") as z:
            z.writestr("inside.py", SMALL)
        code = f"import sys; sys.path.insert(0, {str(folder / 'm.zip')!r}); import inside\n"
    elif code is None:
        (folder / "inside.py").write_text(SMALL)
        folder.chmod(0o555)
        code = f"import sys; sys.path.insert(0, {str(folder)!r}); import inside\n"
    assert report(code, tmp_path / "c")[0]["misses"] == 1
    stats, libs = report(code, tmp_path / "c")
    assert (stats["hits"], stats["misses"], libs) == (1, 0, [])
