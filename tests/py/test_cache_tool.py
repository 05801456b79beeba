"""python -m naja cache: list, explain, verify, clear, path, and what they say to bad questions."""
import os
import subprocess
import sys

import pytest

from cache_tools import SMALL, run


def tool(cache_dir, *args, **env):
    full = dict(os.environ, NAJA_CACHE_DIR=str(cache_dir), NAJA_DEVICE="cpu", **env)
    return subprocess.run([sys.executable, "-m", "naja", "cache", *map(str, args)], env=full, capture_output=True, text=True,
                          timeout=60)


def program(cache_dir, path, text):
    """Writes a program and runs it with this cache folder."""
    path.write_text(text)
    env = dict(os.environ, NAJA_CACHE_DIR=str(cache_dir), NAJA_DEVICE="cpu")
    subprocess.run([sys.executable, str(path)], env=env, check=True, capture_output=True, timeout=60)


def test_verify_and_list_and_clear(tmp_path):
    run(SMALL, tmp_path)
    run(SMALL.replace("2.0", "3.0").replace("90.0", "135.0").replace("0.0\n", "0.0 * y\n"), tmp_path)
    listed = tool(tmp_path, "list").stdout
    assert listed.count("f  float64(int64, float64)  [cpu]") == 2 and "2 entries" in listed
    explained = tool(tmp_path, "explain", "f").stdout
    assert "changed: bytecode of f" in explained
    assert tool(tmp_path, "explain", "nobody").returncode == 1
    assert "2 entries" in tool(tmp_path).stdout                # without a command
    assert tool(tmp_path, "verify").returncode == 0
    os.truncate(next(tmp_path.glob("*/*.naja")), 200)
    bad = tool(tmp_path, "verify")
    assert bad.returncode == 1 and "1 damaged" in bad.stdout
    assert tool(tmp_path, "path").stdout.strip() == str(tmp_path)
    assert "2 entries removed" in tool(tmp_path, "clear").stdout and not list(tmp_path.glob("*/*.naja"))
    assert "NAJA_CACHE_DIR" in tool(tmp_path, "--help").stdout



# -- explain

KINDS = """
from naja import cuda, njit, vectorize
import numpy as np
import beside
N = 4
TABLE = np.array([1.0, 2.0])
@cuda.jit
def kernel(a):
    s = cuda.shared.array(N, 'float64')
    s[0] = 1
    a[0] = s[0] + beside.Q
@vectorize(['float64(float64)'])
def declared(x): return x * beside.Q
@vectorize
def dynamic(x): return x * N
@njit('float64(int64)')
def eager(x): return x * beside.Q
def make(z):
    @njit
    def same(x): return x * z + N
    return same
two, three = make(2), make(3)
@njit
def both(x): return two(x) + three(x)
class C:
    @staticmethod
    @njit(fastmath={'nnan'})
    def method(x, y=7, z=2.5): return x + TABLE[1] + z
if __name__ == '__main__':
    kernel[1, 1](np.zeros(1)), declared(1.0), dynamic(3), eager(2), both(3), C.method(1.0)
print('module', __name__)
"""
EXPLAINED = {
    "kernel": ["global kernel.N: 5, was 4", "global kernel.beside: module beside, Q=6, was module beside, Q=5"],
    "declared": ["global declared.beside: module beside, Q=6, was module beside, Q=5"],
    "dynamic": ["global dynamic.N: 5, was 4"],
    "eager": ["global eager.beside: module beside, Q=6, was module beside, Q=5"],
    "both": ["global same.N: 5, was 4", "closure same.z: 7, was 2", "global same.N: 5, was 4"],
    "C.method": ["options: opt=3 boundscheck, was opt=3 fastmath flags 01", "defaults of method: (7, 3.5), was (7, 2.5)",
                 "global method.TABLE: float64 array of 2 with hash", "options of method: opt=3 boundscheck, was opt=3 fastmath flags 01"],
}


def test_explain_says_what_it_is_and_what_it_was(tmp_path):
    source = tmp_path / "prog.py"
    (tmp_path / "beside.py").write_text("Q = 5\n")
    program(tmp_path / "c", source, KINDS)
    for name in EXPLAINED:
        done = tool(tmp_path / "c", "explain", f"{source}:{name}")
        assert (done.returncode, done.stdout.count("would be found"), done.stdout.count("\n")) == (0, 1, 1), done
        assert done.stderr == "module naja_cache_explain\n"
    (tmp_path / "beside.py").write_text("Q = 6\n")
    source.write_text(KINDS.replace("N = 4", "N = 5").replace("make(2)", "make(7)").replace("z=2.5", "z=3.5")
                      .replace("[1.0, 2.0]", "[1.0, 2.5]").replace("fastmath={'nnan'}", "boundscheck=True"))
    for name, expected in EXPLAINED.items():
        done = tool(tmp_path / "c", "explain", f"{source}:{name}")
        assert "would be compiled" in done.stdout, done
        told = [line.split(" ago: ")[1].replace('"', "'") for line in done.stdout.splitlines()[1:]]
        assert len(told) == len(expected) and all(t.startswith(e) for t, e in zip(told, expected)), (name, told)
    before = len(list((tmp_path / "c").glob("*/*.naja")))
    assert before == 6                       # asking has kept nothing, though it compiled what is declared


def test_explain_tells_what_changed_from_entry_to_entry(tmp_path):
    source = tmp_path / "prog.py"
    text = "from naja import njit\nK = 1\n@njit\ndef f(x):\n    return x + K\nf(1)\n"
    program(tmp_path / "c", source, text)
    program(tmp_path / "c", source, text.replace("K = 1", "K = (2.5, None)").replace("x + K", "x + len(K)"))
    shown = tool(tmp_path / "c", "explain", "f").stdout
    assert "changed: bytecode of f\n" in shown and 'changed: global f.K: (2.5, None), was 1\n' in shown
    assert 'changed: new: global f.len: builtins.len\n' in shown


BAD = {
    "nobody": (1, "no entry of a function named nobody"),
    "prog.py": (2, "Write prog.py:FUNCTION"),
    "prog.py:": (2, "which function"),
    ":f": (2, "cannot be loaded"),
    "none.py:f": (2, "none.py cannot be loaded: FileNotFoundError"),
    "no_such_module:f": (2, "No module named 'no_such_module'"),
    "prog.py:nothing": (2, "prog.py defines no nothing"),
    "prog.py:f.nothing": (2, "prog.py defines no f.nothing"),
    "prog.py:K": (1, "no entry of a function named K"),
    "bad.py:f": (2, "SyntaxError"),
    "raises.py:f": (2, "RuntimeError: oops (/"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("bad")
    program(path / "c", path / "prog.py", "import sys\nfrom naja import njit\nK = 1\n@njit\ndef f(x): return x + 17\nf(1)\n")
    (path / "bad.py").write_text("def f(: pass\n")
    (path / "raises.py").write_text("raise RuntimeError('oops')\n")
    (path / "leaves.py").write_text((path / "prog.py").read_text() + "print(sys.argv)\nsys.exit(3)\n")
    return path


@pytest.mark.parametrize("question", BAD)
def test_bad_questions(folder, question, monkeypatch):
    monkeypatch.chdir(folder)
    status, words = BAD[question]
    done = tool(folder / "c", "explain", question)
    assert done.returncode == status and words in done.stdout + done.stderr and "Traceback" not in done.stderr, done


def test_explain_of_a_file_that_leaves(folder):
    done = tool(folder / "c", "explain", folder / "leaves.py:f")
    assert done.returncode == 0 and "would be found" in done.stdout and str([f"{folder}/leaves.py"]) in done.stderr


@pytest.mark.parametrize("command", ["list", "verify", "clear"])
def test_a_folder_that_is_not_used_is_an_error(tmp_path, command):
    (tmp_path / "file").write_text("")
    done = tool(tmp_path / "file", command)
    assert done.returncode == 1 and "is not used: it is a link or no folder" in done.stderr
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    done = tool(tmp_path / "open", command)
    assert done.returncode == 1 and "others may write to it" in done.stderr
    assert tool(tmp_path / "none", command).returncode == 0
    done = tool("/" + "a/" * 3000, command)
    assert done.returncode == 1 and "too long" in done.stderr and "Traceback" not in done.stderr


def test_off_and_narrow_terminals(tmp_path):
    program(tmp_path / "c", tmp_path / "prog.py", "from naja import njit\n@njit\ndef größe(x): return x\ngröße(1)\n")
    done = tool(tmp_path / "c", "list", NAJA_CACHE="off", PYTHONIOENCODING="ascii")
    assert done.returncode == 0 and "gr\\xf6\\xdfe" in done.stdout and f"1 entry, " in done.stdout
    assert str(tmp_path / "c") in tool(tmp_path / "c", "path", NAJA_CACHE="off").stdout


def test_a_full_disk_behind_the_output(tmp_path):
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "-m", "naja", "cache", "path"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 1 and "Traceback" not in done.stderr and "No space" in done.stderr


def test_clear_tells_what_it_could_not_remove(monkeypatch, capsys):
    from naja import _naja, cache
    kept = [{"file": "1.naja"}, {"file": "2.naja"}]
    monkeypatch.setattr(_naja, "cache_list", lambda: kept)
    monkeypatch.setattr(_naja, "cache_clear", lambda: kept.pop() and 1)
    assert cache._print_clear(None) == 1
    said = capsys.readouterr()
    assert "1 entry removed" in said.out and "1 entry could not be removed" in said.err


def test_explain_keeps_files_apart(tmp_path):
    for folder, factor in ("a", 2.0), ("b", 3.0):
        (tmp_path / folder).mkdir()
        path = tmp_path / folder / "app.py"
        program(tmp_path / "c", path, f"from naja import njit\n@njit\ndef f(x): return x * {factor}\nf(1.0)\n")
    told = tool(tmp_path / "c", "explain", "f").stdout
    assert told.count("f(float64) for cpu:") == 2 and "changed" not in told
