"""gdb, perf and the unwinder know compiled code, fresh and from the cache: functions by the user's names, and the
callers beyond them."""
import ctypes
import os
import shutil
import subprocess
import sys

import pytest

import naja

SOURCE = '''
import math
from naja import njit

@njit(debug={debug})
def inner(x, i):
    return math.atan2(x, i + 1.0)

@njit(debug={debug})
def work(n):
    s = 0.0
    for i in range(n):
        s += inner(s, i)
        s = s * 0.5 + math.atan2(i + 2.0, s)
    return s
'''
CALL = SOURCE + "\nwork({n})\n"


def environment(tmp_path, **more):
    return dict(os.environ, NAJA_CACHE_DIR=str(tmp_path / "cache"), **more)


def write(tmp_path, text, **values):
    script = tmp_path / "script.py"
    script.write_text(text.format(**values))
    return str(script)


# The caller of compiled code. gdb and perf add it to a frame without a name, as in a stripped extension; where there
# are names, perf is told to add it.
EXTENSION = "_naja."


# -- the unwinder ---------------------------------------------------------------------------------------------

UNWIND = SOURCE + '''
import ctypes, gc, os
path = f"/tmp/perf-{{os.getpid()}}.map"
work(3)
lines = open(path).read().splitlines()
os.unlink(path)
find = ctypes.CDLL("libgcc_s.so.1")._Unwind_Find_FDE
find.restype, find.argtypes = ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_void_p]
bases = (ctypes.c_void_p * 3)()
places = [(int(at, 16), int(size, 16)) for at, size, name in (line.split(None, 2) for line in lines)]
compiler = "libnaja_llvm" in open("/proc/self/maps").read()
known = lambda: [bool(find(at + size // 2, bases)) and bases[2] == at for at, size in places]
print(compiler, any("naja.work" in line for line in lines), all(known()))
del work, inner
gc.collect()
print(any(known()))
'''


def test_unwind_tables(tmp_path):
    """Each function has an entry in the unwinder's tables while it lives; a second process finds it in the cache."""
    script = write(tmp_path, UNWIND, debug=False)
    for compiles in "True", "False":
        done = subprocess.run([sys.executable, script], env=environment(tmp_path, NAJA_PERF="1"), capture_output=True,
                              text=True, timeout=60)
        assert done.stdout.split() == [compiles, "True", "True", "False"], done.stderr


# -- perf's map -------------------------------------------------------------------------------------------------

MAP = '''
import os, sys
from naja import njit
own = lambda: open(f"/tmp/perf-{os.getpid()}.map").read()
path = f"/tmp/perf-{os.getpid()}.map"
open(path, "w").write("1000 10 left_by_a_dead_process\\n")
os.utime(path, (1, 1))
njit(lambda x: x + 1)(1)
first = own()
child = os.fork()
if child == 0:
    njit(lambda x: x + 2)(1)
    inherited = first in own()
    grew = own().count("\\n") == first.count("\\n") + 1
    os.unlink(f"/tmp/perf-{os.getpid()}.map")
    os._exit(0 if inherited and grew else 1)
status = os.waitpid(child, 0)[1]
print("dead" in first, first.count("\\n"), own() == first, status)
os.unlink(path)
'''


def test_perf_map(tmp_path):
    """A map of an earlier process with this number is not added to; a child has its own, with its parent's lines."""
    done = subprocess.run([sys.executable, "-c", MAP], env=environment(tmp_path, NAJA_PERF="1"),
                          capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["False", "1", "True", "0"], done.stderr


LINK = '''
import os, sys
from naja import njit
os.symlink(sys.argv[1], f"/tmp/perf-{os.getpid()}.map")
print(njit(lambda x: x + 1)(1))
os.unlink(f"/tmp/perf-{os.getpid()}.map")
'''


def test_perf_map_follows_no_link(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    done = subprocess.run([sys.executable, "-c", LINK, str(victim)], env=environment(tmp_path, NAJA_PERF="1"),
                          capture_output=True, text=True, timeout=60)
    assert (done.stdout, victim.read_text()) == ("2\n", "precious"), done.stderr


def perf(*args, **more):
    return subprocess.run(["perf", *args], capture_output=True, text=True, timeout=120, **more)


def test_perf_names_functions_and_their_callers(tmp_path):
    if not shutil.which("perf"):
        pytest.skip("perf is not installed")
    script, data = write(tmp_path, CALL, debug=False, n=3_000_000), str(tmp_path / "perf.data")
    done = perf("record", "-e", "cpu-clock:u", "-g", "-o", data, sys.executable, script,
                env=environment(tmp_path, NAJA_PERF="1"))
    if done.returncode:
        pytest.skip(f"perf may not record here: {done.stderr.strip()[:200]}")
    stacks = perf("script", "-i", data, "-F", "pid,ip,sym,dso").stdout.split("\n\n")
    ours = [s.split("\n") for s in stacks if "naja.work" in s]
    for pid in {s[0].strip() for s in ours}:
        os.unlink(f"/tmp/perf-{pid}.map")
    assert ours
    assert any("naja.work" in a and EXTENSION in b for s in ours for a, b in zip(s, s[1:]))


# -- gdb ------------------------------------------------------------------------------------------------------------

def gdb(tmp_path, script, *commands):
    if not shutil.which("gdb"):
        pytest.skip("gdb is not installed")
    args = ["gdb", "-nx", "-batch", "-ex", "set debuginfod enabled off", "-ex", "set breakpoint pending on"]
    for c in commands:
        args += ["-ex", c]
    done = subprocess.run(args + ["--args", sys.executable, script], env=environment(tmp_path),
                          capture_output=True, text=True, timeout=300)
    if "ptrace" in done.stderr:
        pytest.skip(f"gdb may not trace here: {done.stderr.strip()[-200:]}")
    return done.stdout


def check_frames(out, *wanted):
    """The frames of the last backtrace begin with these texts, in this order."""
    frames = [line for line in out[out.rindex("#0"):].splitlines() if line.startswith("#")]
    for frame, want in zip(frames, wanted):
        assert want in frame, out
    assert len(frames) > len(wanted)


def test_gdb_finds_the_interface_in_a_stripped_extension():
    """Wheels are stripped: what gdb looks for is an exported symbol."""
    extension = ctypes.CDLL(naja._naja.__file__)
    assert getattr(extension, "__jit_debug_register_code") and getattr(extension, "__jit_debug_descriptor")


def test_gdb_by_the_users_names(tmp_path):
    script = write(tmp_path, CALL, debug=True, n=10)
    for fresh in True, False:
        out = gdb(tmp_path, script, "break inner", "run", "bt 5", "break script.py:14", "continue", "bt 4",
                  "info sharedlibrary naja_llvm")
        assert fresh == ("libnaja_llvm" in out)
        assert "inner () at script.py:7" in out
        check_frames(out, "work () at script.py:14", "naja.work () at script.py:9", EXTENSION)


def test_gdb_without_debug_information(tmp_path):
    """From a library function that compiled code calls, through its frame, to the interpreter."""
    stop = "\nwork(1)\nimport os, signal\nos.kill(os.getpid(), signal.SIGTRAP)\nwork(10)\n"
    out = gdb(tmp_path, write(tmp_path, SOURCE + stop, debug=False), "run", "break atan2", "continue", "bt 4")
    check_frames(out, "atan2", "naja.work", EXTENSION)
