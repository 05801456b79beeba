"""Odd places to run in: without NumPy, HOME, /sys or /proc, under tight limits, on paths that are no text, where
written pages may not become code. Each starts a fresh interpreter."""
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import naja

PACKAGE = Path(naja.__file__).parent

# a function, a parallel ufunc, a kernel with a barrier
PROGRAM = '''
import numpy as np
from naja import cuda, njit, vectorize
plus = njit(lambda a: a[0] + 1)
twice = vectorize(["float64(float64)"], target="parallel")(lambda x: x * 2)

@cuda.jit
def turn(a):
    s = cuda.shared.array(64, np.float32)
    i = cuda.threadIdx.x
    s[i] = i
    cuda.syncthreads()
    a[cuda.blockIdx.x * 64 + i] = s[63 - i]

a = np.zeros(640, np.float32)
turn[10, 64](a)
print(plus(np.ones(3)), twice(np.ones(200000)).sum(), a.sum())
'''
RESULT = "2.0 400000.0 20160.0\n"


def environment(tmp_path, **more):
    return dict(os.environ, NAJA_CACHE_DIR=str(tmp_path / "cache"), NAJA_DEVICE="cpu", OPENBLAS_NUM_THREADS="1", **more)


def python(*args, **how):
    return subprocess.run([sys.executable, *args], capture_output=True, text=True, timeout=120, **how)


def check(done, wanted=RESULT):
    assert (done.stdout, done.stderr, done.returncode) == (wanted, "", 0)


@pytest.mark.parametrize("flags", [["-I", "-B"], ["-OO"], ["-X", "dev", "-W", "error"], ["-X", "utf8=0"]], ids=" ".join)
def test_interpreter_flags(tmp_path, flags):
    program = f"import sys; sys.path.insert(0, {str(PACKAGE.parent)!r})\n" + PROGRAM
    check(python(*flags, "-c", program, env=environment(tmp_path)))


def test_no_home_no_locale_no_path(tmp_path):
    env = environment(tmp_path, LC_ALL="C", PYTHONCOERCECLOCALE="0", PATH="")
    for name in "HOME", "XDG_CACHE_HOME", "NAJA_CACHE_DIR":
        env.pop(name, None)
    check(python("-X", "utf8=0", "-c", PROGRAM, env=dict(env, NAJA_CACHE="off")))


WITHOUT_NUMPY = '''
import sys
sys.path.insert(0, sys.argv[1])
sys.modules["numpy"] = None                  # as if it were not installed
from naja import cuda, njit, vectorize
print(njit(lambda x, y: x / y)(1, 4), njit(lambda t: t[1])((1, 2.5)))
for use in lambda: vectorize(["float64(float64)"])(lambda x: x), lambda: cuda.device_array(3):
    try:
        use()
    except ImportError as e:
        print("numpy" in str(e))
'''


def test_without_numpy(tmp_path):
    check(python("-c", WITHOUT_NUMPY, str(PACKAGE.parent), env=environment(tmp_path)), "0.25 2.5\nTrue\nTrue\n")


def copy_package(to, extension=True):
    """Its files, the large ones as links."""
    shutil.copytree(PACKAGE, to, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    for so in PACKAGE.glob("*.so") if extension else ():
        os.symlink(so.resolve(), os.path.join(os.fsencode(to), os.fsencode(so.name)))


def test_another_pythons_package(tmp_path):
    copy_package(tmp_path / "naja", extension=False)
    done = python("-c", "import naja", env=environment(tmp_path), cwd=tmp_path)
    assert "ImportError: naja" in done.stderr.splitlines()[-1]
    assert sys.version.split()[0] in done.stderr.splitlines()[-1] and str(tmp_path) in done.stderr.splitlines()[-1]


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="CPython 3.12 and later load no extension module from such a folder")
@pytest.mark.parametrize("locale", ["C.UTF-8", "C"])
def test_paths_that_are_no_text(tmp_path, locale):
    """Package, program and cache in a folder whose name is not UTF-8: found, compiled, kept and found again."""
    folder = tmp_path / os.fsdecode(b"not \xff\xfe text")
    folder.mkdir()
    copy_package(folder / "naja")
    script = folder / os.fsdecode(b"caf\xe9.py")
    script.write_text(PROGRAM)
    env = environment(tmp_path, LC_ALL=locale, PYTHONCOERCECLOCALE="0", PYTHONPATH=str(folder))
    env["NAJA_CACHE_DIR"] = str(folder / "cache")
    check(python("-X", "utf8=0", str(script), env=env))
    check(python("-X", "utf8=0", str(script), env=env))
    assert any((folder / "cache").rglob("*.naja"))


@pytest.mark.parametrize("which, soft", [("RLIMIT_STACK", 192 << 10), ("RLIMIT_STACK", resource.RLIM_INFINITY),
                                         ("RLIMIT_NOFILE", 16), ("RLIMIT_AS", 1 << 30), ("RLIMIT_FSIZE", 0)])
def test_limits(tmp_path, which, soft):
    """Tight or none: the same results. What cannot be written to the cache is warned of and costs nothing else."""
    kind = getattr(resource, which)
    hard = resource.getrlimit(kind)[1]
    if hard != resource.RLIM_INFINITY and (soft == resource.RLIM_INFINITY or soft > hard):
        pytest.skip("the hard limit here is lower")
    def limit():
        resource.setrlimit(kind, (soft, hard))
    done = python("-c", PROGRAM, env=environment(tmp_path), preexec_fn=limit)
    assert (done.stdout, done.returncode) == (RESULT, 0), done.stderr
    assert not done.stderr or (which == "RLIMIT_FSIZE" and "NajaWarning" in done.stderr), done.stderr


def test_one_processor_one_thread(tmp_path):
    one = min(os.sched_getaffinity(0))
    done = python("-c", "import naja; print(naja.get_num_threads())", env=environment(tmp_path),
                  preexec_fn=lambda: os.sched_setaffinity(0, {one}))
    check(done, "1\n")


@pytest.mark.parametrize("hidden", ["/sys", "/proc"])
def test_file_systems_that_are_not_there(tmp_path, hidden):
    """As in a bare chroot. hwloc would complain on stderr."""
    enter = ["unshare", "-rm", "sh", "-c", f'mount -t tmpfs none {hidden} && exec "$@"', "sh"]
    if not shutil.which("unshare") or subprocess.run(enter + ["true"], capture_output=True).returncode:
        pytest.skip("file systems cannot be hidden here (unshare, mount)")
    check(subprocess.run(enter + [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=120,
                         env=environment(tmp_path)))


def test_written_pages_may_not_become_code(tmp_path):
    """As under systemd's MemoryDenyWriteExecute."""
    deny = "import ctypes, sys\nif ctypes.CDLL(None).prctl(65, 1, 0, 0, 0): sys.exit(77)      # PR_SET_MDWE\n"
    done = python("-c", deny + PROGRAM, env=environment(tmp_path))
    if done.returncode == 77:
        pytest.skip("the kernel has no PR_SET_MDWE")
    check(done)


def test_an_older_cpu(tmp_path):
    """Code for a CPU without AVX has none of it, and runs."""
    look = "\nasm = plus.inspect_asm(plus.signatures[0])\nprint('ymm' in asm, 'vmov' in asm)\n"
    if "x86_64" not in os.uname().machine:
        pytest.skip("names a CPU of x86-64")
    check(python("-c", PROGRAM + look, env=environment(tmp_path, NAJA_CPU_NAME="nehalem")), RESULT + "False False\n")


SHORT = '''
import os, sys
from pathlib import Path
from naja import _naja, njit
cache = Path(os.environ["NAJA_CACHE_DIR"])
make = lambda: njit(lambda x: x + 5)
make()(1)
entries = sorted(cache.rglob("*.naja"))
failures = 0
for n in range(60):
    f = make()
    _naja._alloc_fail_at(n)
    try:
        f(1)
    except MemoryError:
        failures += 1
    finally:
        _naja._alloc_fail_at(-1)
    assert sorted(cache.rglob("*.naja")) == entries, n
print(len(entries), failures > 5)
'''


def test_short_memory_costs_no_entry_of_the_cache(tmp_path):
    """What cannot be loaded now is not damaged."""
    check(python("-c", SHORT, env=environment(tmp_path)), "1 True\n")


# -- knobs that name a CPU

ONE = "from naja import njit\nprint(njit(lambda x: x + 1)(1))"


@pytest.mark.parametrize("knobs,wanted", [
    ({"NAJA_CPU_NAME": "nonsense"}, "NAJA_CPU_NAME=nonsense: LLVM knows no CPU 'nonsense' for "),
    ({"NAJA_CPU_NAME": ""}, None),
    ({"NAJA_CPU_FEATURES": "+nonsense"}, "NAJA_CPU_FEATURES=+nonsense: LLVM knows no feature '+nonsense' for "),
    ({"NAJA_CPU_FEATURES": "avx2"}, "NAJA_CPU_FEATURES=avx2: LLVM knows no feature 'avx2' for "),
    ({"NAJA_CPU_FEATURES": "-avx512f,,"}, None),
    ({"NAJA_CPU_NAME": "i386"}, "NAJA_CPU_NAME=i386: the CPU 'i386' runs no code for "),
    ({"NAJA_CPU_NAME": "x86-64-v2", "NAJA_CPU_FEATURES": "+nonsense"},
     "NAJA_CPU_NAME=x86-64-v2 NAJA_CPU_FEATURES=+nonsense: LLVM knows no feature '+nonsense' for "),
    ({"NAJA_CPU_NAME": "x86-64"}, None),
], ids=lambda v: " ".join(v.values()) if isinstance(v, dict) else "")
def test_names_of_cpus_and_features(tmp_path, knobs, wanted):
    """A wrong one is an error that names the knob, at each call; LLVM prints nothing of its own."""
    if os.uname().machine != "x86_64":
        pytest.skip("the names are x86-64's")
    done = python("-c", ONE, env=environment(tmp_path, **knobs))
    if wanted is None:
        return check(done, "2\n")
    assert done.returncode == 1 and done.stderr.count("nonsense") <= 3
    assert done.stderr.splitlines()[0].startswith("Traceback") and done.stderr.splitlines()[-1].startswith("naja.errors.LibraryError: " + wanted)


def test_every_variable_is_listed():
    listed = subprocess.run([sys.executable, "-m", "naja", "variables"], capture_output=True, text=True, timeout=60,
                            env=dict(os.environ, NAJA_CACHE_SIZE="77")).stdout.splitlines()
    table = os.path.join(os.path.dirname(__file__), "..", "..", "host", "base", "knobs.def")
    with open(table) as f:
        names = [line.split('"')[1] for line in f if line.startswith("KNOB_")]
    assert [line.split()[0] for line in listed] == names and len(names) > 20
    assert [line for line in listed if line.endswith("[77]")] == [line for line in listed if "NAJA_CACHE_SIZE" in line]
