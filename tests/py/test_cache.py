"""The cache on disk: what gives a new key and what does not, where it works, and what damage and bad folders cost: time only."""
import importlib
import json
import os
import pathlib
import subprocess
import sys
import time
import zipfile

import numpy as np
import pytest

import naja
from naja import _naja, cache, njit

# -- programs of three modules, written anew for each load, so that every load is a moved file too

TOP = """
from naja import njit
import numpy as np
import near
K = 3
UNUSED = 1
TABLE = np.array([1.0, 2.0])
def make(c):
    @njit
    def inner(x, y=2.0):
        '''Says what it does.'''
        # a comment
        if x < -100:
            raise ValueError("too small")
        return near.scale(x) * K + y * c + TABLE[1]
    return inner
f = make(5)
"""
NEAR = """
from naja import njit
from far import shift
@njit
def scale(x):
    return shift(x) * 2
"""
FAR = """
from naja import njit
STEP = 1
@njit
def shift(x):
    return x + STEP
"""
PROGRAM = {"top.py": TOP, "near.py": NEAR, "far.py": FAR}
_count = iter(range(1 << 30))


def load(tmp_path, files):
    """The module `top` of these files, in a folder of its own."""
    folder = tmp_path / f"p{next(_count)}"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
        sys.modules.pop(name[:-3], None)
    sys.path.insert(0, str(folder))
    try:
        importlib.invalidate_caches()
        return importlib.import_module("top")
    finally:
        sys.path.remove(str(folder))
        for name in files:
            sys.modules.pop(name[:-3], None)


def counted(call):
    """(result, hits, misses) of call()."""
    before = _naja.cache_stats()
    result = call()
    after = _naja.cache_stats()
    return result, after["hits"] - before["hits"], after["misses"] - before["misses"]


def edited(name, old, new):
    assert PROGRAM[name].count(old) == 1
    return dict(PROGRAM, **{name: PROGRAM[name].replace(old, new)})


EDITS = {
    "global": (edited("top.py", "K = 3", "K = 4"), ["global inner.K"]),
    "type of a global": (edited("top.py", "K = 3", "K = 3.0"), ["global inner.K"]),
    "element of an array": (edited("top.py", "[1.0, 2.0]", "[1.0, 2.5]"), ["global inner.TABLE"]),
    "closure": (edited("top.py", "make(5)", "make(6)"), ["closure inner.c"]),
    "callee": (edited("near.py", "* 2", "* 3"), ["constants of scale"]),
    "callee of a callee": (edited("far.py", "x + STEP", "x - STEP"), ["bytecode of shift"]),
    "global of a callee of a callee": (edited("far.py", "STEP = 1", "STEP = 2"), ["global shift.STEP"]),
    "default argument": (edited("top.py", "y=2.0", "y=3.0"), ["defaults of inner"]),
    "option": (edited("top.py", "@njit", "@njit(fastmath=True)"), ["options", "options of inner"]),
    "option of a callee": (edited("far.py", "@njit", "@njit(error_model='numpy')"), ["options of shift"]),
    "text of an exception": (edited("top.py", "too small", "far too small"), ["constants of inner"]),
    "name": (dict(PROGRAM, **{"top.py": TOP.replace("inner", "other")}), None),
}
NON_EDITS = {
    "nothing": PROGRAM,
    "comment": edited("top.py", "# a comment", "# another comment,\n        # longer"),
    "blank lines": edited("top.py", "        if x", "\n\n\n        if x"),
    "docstring": edited("top.py", "Says what it does.", "Says it better."),
    "lines before": edited("top.py", "K = 3", "# one\n# two\nK = 3"),
    "a global that is not used": edited("top.py", "UNUSED = 1", "UNUSED = 2\nMORE = [1, 2]"),
    "blanks in a callee": edited("far.py", "x + STEP", "x   +   STEP   # more"),
    "cache=True": edited("top.py", "@njit", "@njit(cache=True)"),
}


@pytest.fixture
def stored(tmp_path):
    """The program's key parts, its code being in the cache."""
    top = load(tmp_path, PROGRAM)
    assert top.f(10) == 10 * 6 + 6 + 10 + 2
    return _naja.cache_parts(top.f, "(int64, float64)")


@pytest.mark.parametrize("what", EDITS)
def test_edits_recompile(tmp_path, stored, what):
    files, parts = EDITS[what]
    top = load(tmp_path, files)
    result, hits, misses = counted(lambda: top.f(10))
    assert (hits, misses) == (0, 1)
    assert result == top.f.py_func(10)
    if parts:
        assert cache.changes(stored, _naja.cache_parts(top.f, "(int64, float64)")) == parts


@pytest.mark.parametrize("what", NON_EDITS)
def test_non_edits_do_not(tmp_path, stored, what):
    top = load(tmp_path, NON_EDITS[what])
    result, hits, misses = counted(lambda: top.f(10))
    assert (hits, misses) == (1, 0)
    assert result == top.f.py_func(10)
    assert cache.changes(stored, _naja.cache_parts(top.f, "(int64, float64)")) == []


def test_dtype_recompiles():
    def total(a):
        s = a[0]
        for i in range(1, len(a)):
            s += a[i]
        return s
    for a in (np.ones(3), np.ones(3, np.float32), np.ones(3, np.int16), np.ones(6)[::2]):
        assert counted(lambda: njit(total)(a)) == (3, 0, 1)
        assert counted(lambda: njit(total)(a)) == (3, 1, 0)


def test_a_hit_raises_where_the_code_is_now(tmp_path, stored):
    files = edited("top.py", "        if x", "        # moved\n        # down\n        if x")
    top = load(tmp_path, files)
    _, hits, _ = counted(lambda: top.f(1))
    assert hits == 1
    with pytest.raises(ValueError, match="too small") as info:
        top.f(-101)
    last = info.traceback[-1]
    lines = files["top.py"].splitlines()
    assert lines[last.lineno].strip() == 'raise ValueError("too small")'
    assert str(last.path).endswith("top.py")


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

def run(code, cache_dir, *args, env=None, check=True, **kw):
    """Runs Python code in a process of its own with this cache folder."""
    full = {**os.environ, "NAJA_CACHE_DIR": str(cache_dir), "PYTHONWARNINGS": "default", **(env or {})}
    done = subprocess.run([sys.executable, "-c", code, *map(str, args)], env=full, capture_output=True, text=True, timeout=120, **kw)
    assert not check or done.returncode == 0, done.stderr
    return done


REPORT = """
import json
from naja import _naja
libs = [w for w in ("naja_llvm", "nvvm") if any(w in line for line in open("/proc/self/maps"))]
print(json.dumps([_naja.cache_stats(), libs]))
"""
SMALL = """
from naja import njit
@njit
def f(x, y):
    s = 0.0
    for i in range(x):
        s += i * y
    return s
assert f(10, 2.0) == 90.0
"""


def report(code, cache_dir, **kw):
    return json.loads(run(code + REPORT, cache_dir, **kw).stdout.splitlines()[-1])


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


def test_off(tmp_path):
    stats, _ = report(SMALL, tmp_path / "c", env={"NAJA_CACHE": "off"})
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


# -- trouble

def damage_truncate(path):
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def damage_flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) * 2 // 3] ^= 4
    path.write_bytes(data)


def damage_empty(path):
    path.write_bytes(b"")


def damage_link(path):
    other = path.with_suffix(".other")
    path.rename(other)
    path.symlink_to(other)


def damage_folder(path):
    path.unlink()
    path.mkdir()


def damage_writable(path):
    path.chmod(0o666)


@pytest.mark.parametrize("damage", [damage_truncate, damage_flip, damage_empty, damage_link, damage_folder, damage_writable])
def test_damaged_entry(tmp_path, damage):
    run(SMALL, tmp_path)
    (entry,) = tmp_path.glob("*/*.naja")
    damage(entry)
    stats, _ = report(SMALL, tmp_path)
    assert (stats["hits"], stats["misses"]) == (0, 1)
    if damage is not damage_folder:
        assert report(SMALL, tmp_path)[0]["hits"] == 1


def test_verify_and_list_and_clear(tmp_path):
    def tool(*args):
        return subprocess.run([sys.executable, "-m", "naja", "cache", *args], env=dict(os.environ, NAJA_CACHE_DIR=str(tmp_path)),
                              capture_output=True, text=True, timeout=60)
    run(SMALL, tmp_path)
    run(SMALL.replace("2.0", "3.0").replace("90.0", "135.0").replace("0.0\n", "0.0 * y\n"), tmp_path)
    listed = tool("list").stdout
    assert listed.count("f  float64(int64, float64)  [cpu]") == 2 and "2 entries" in listed
    explained = tool("explain", "f").stdout
    assert "changed: bytecode of f" in explained
    assert tool("explain", "nobody").returncode == 1
    assert tool("verify").returncode == 0
    damage_flip(next(tmp_path.glob("*/*.naja")))
    bad = tool("verify")
    assert bad.returncode == 1 and "1 damaged" in bad.stdout
    assert tool("path").stdout.strip() == str(tmp_path)
    assert "2 entries removed" in tool("clear").stdout and not list(tmp_path.glob("*/*.naja"))
    assert "NAJA_CACHE_DIR" in tool("--help").stdout


def test_explain_of_live_code(tmp_path):
    source = tmp_path / "prog.py"
    source.write_text("from naja import njit\nK = 1\n@njit\ndef f(x):\n    return x + K\nif __name__ == '__main__':\n    f(1)\n")
    env = dict(os.environ, NAJA_CACHE_DIR=str(tmp_path / "c"))
    subprocess.run([sys.executable, str(source)], env=env, check=True)
    tool = [sys.executable, "-m", "naja", "cache", "explain", f"{source}:f"]
    assert "would be found" in subprocess.run(tool, env=env, capture_output=True, text=True).stdout
    source.write_text(source.read_text().replace("K = 1", "K = 2"))
    shown = subprocess.run(tool, env=env, capture_output=True, text=True).stdout
    assert "would be compiled" in shown and shown.strip().endswith("global f.K")


TWICE = SMALL + """
@njit
def g(x):
    return x + 1
assert g(1) == 2
"""


def test_unusable_folder_warns_once(tmp_path):
    (tmp_path / "file").write_text("")
    done = run(TWICE, tmp_path / "file" / "cache")
    assert done.stderr.count("NajaWarning") == 1
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    done = run(TWICE, tmp_path / "link")
    assert done.stderr.count("NajaWarning") == 1 and "link" in done.stderr and not list((tmp_path / "real").iterdir())
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    done = run(TWICE, tmp_path / "open")
    assert done.stderr.count("NajaWarning") == 1 and not list((tmp_path / "open").iterdir())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_folder_of_somebody_else(tmp_path):
    run(SMALL, tmp_path / "c")
    os.chown(tmp_path / "c", 12345, 12345)
    done = run(TWICE, tmp_path / "c")
    assert done.stderr.count("NajaWarning") == 1


def test_warnings_as_errors_do_not_stop_a_call(tmp_path):
    (tmp_path / "file").write_text("")
    assert run("import warnings; warnings.simplefilter('error')\n" + TWICE, tmp_path / "file" / "cache").returncode == 0


def test_vanishing_folder(tmp_path):
    code = SMALL + f"""
import shutil
shutil.rmtree({str(tmp_path / 'c')!r})
@njit
def g(x):
    return x + 1
assert g(1) == 2
"""
    stats, _ = report(code, tmp_path / "c")
    assert stats["stores"] == 2 and len(list((tmp_path / "c").glob("*/*.naja"))) == 1


def test_bound(tmp_path):
    """400 entries of 8 KiB and more under a bound of 1 MiB: looked through at random, on average after each 1/32 of it."""
    code = """
import numpy as np
from naja import njit
for i in range(400):
    scope = {"table": np.arange(1000) + i}
    exec("def f(x):\\n    return table[x]", scope)
    assert njit(scope["f"])(2) == 2 + i
"""
    stats, _ = report(code, tmp_path, env={"NAJA_CACHE_SIZE": "1"})
    sizes = [p.stat().st_size for p in tmp_path.glob("*/*.naja")]
    assert stats["stores"] == 400 and min(sizes) > 8000
    assert stats["evicted"] == 400 - len(sizes) and 0.4 * (1 << 20) < sum(sizes) < 1.5 * (1 << 20)


# -- many processes

MANY = """
import sys, time
from naja import njit
time.sleep(max(0, float(sys.argv[1]) - time.time()))
""" + SMALL


def test_eight_processes_on_one_cold_key(tmp_path):
    at = time.time() + 1.0
    env = dict(os.environ, NAJA_CACHE_DIR=str(tmp_path))
    many = [subprocess.Popen([sys.executable, "-c", MANY + REPORT, str(at)], env=env, stdout=subprocess.PIPE, text=True) for _ in range(8)]
    outs = [p.communicate(timeout=120)[0] for p in many]
    assert all(p.returncode == 0 for p in many)
    assert all(sum(json.loads(out)[0][k] for k in ("hits", "misses")) == 1 for out in outs)
    assert len(list(tmp_path.glob("*/*.naja"))) == 1 and not list(tmp_path.glob("*/.*"))


def test_killed_while_writing(tmp_path):
    """The short form of tests/bench/cache_kill.py."""
    sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "bench"))
    try:
        from cache_kill import rounds
    finally:
        sys.path.pop(0)
    counts = rounds(12, tmp_path, seed=3)
    assert counts["wrong"] == 0 and counts["hits"] > 0
