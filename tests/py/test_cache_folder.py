"""The cache's folder: damage, bad folders and many processes cost time only."""
import json
import os
import pathlib
import socket
import subprocess
import sys
import time

import pytest

from cache_tools import REPORT, SMALL, report, run
from portion import once

# -- damaged entries

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


def damage_fifo(path):
    path.unlink()
    os.mkfifo(path)


def damage_socket(path):
    path.unlink()
    here = os.getcwd()
    os.chdir(path.parent)                   # the name of a socket has to be short
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(path.name)
    os.chdir(here)


def damage_long(path):
    os.truncate(path, 1 << 42)


def damage_other(path):
    """The bytes of an entry with another key."""
    other = path.parent.parent / "other"
    run(SMALL.replace("i * y", "y * i"), other)
    path.write_bytes(next(other.glob("*/*.naja")).read_bytes())


@pytest.mark.parametrize("damage", [damage_truncate, damage_flip, damage_empty, damage_link, damage_folder, damage_writable, damage_fifo,
                                    damage_socket, damage_long, damage_other])
def test_damaged_entry(tmp_path, damage):
    run(SMALL, tmp_path)
    (entry,) = tmp_path.glob("??/*.naja")
    damage(entry)
    stats, _ = report(SMALL, tmp_path)
    assert (stats["hits"], stats["misses"]) == (0, 1)
    assert report(SMALL, tmp_path)[0]["hits"] == 1


# -- folders that are not as they should be

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


def test_a_warning_names_the_users_line_and_the_remedy(tmp_path):
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o775)
    program = tmp_path / "prog.py"
    for line, text in ((2, "from naja import njit\nf = njit('int64(int64)')(lambda x: x)\n"),
                       (4, "from naja import njit\n@njit\ndef f(x): return x\nf(1)\n")):
        program.write_text(text)
        done = run(f"import runpy; runpy.run_path({str(program)!r})", tmp_path / "open")
        assert f"prog.py:{line}: NajaWarning: the cache folder {tmp_path}/open is not used: others may write to it" in done.stderr
        assert "chmod go-w" in done.stderr
    (tmp_path / "open").chmod(0o755)
    sub = tmp_path / "open" / json.loads(run(PARTS_FIRST, tmp_path / "elsewhere").stdout)
    sub.write_text("")
    assert f"{sub}: it is a link or no folder" in run(SMALL, tmp_path / "open").stderr


PARTS_FIRST = SMALL + """
import json, os
print(json.dumps([name for name in os.listdir(os.environ["NAJA_CACHE_DIR"])][0]))
"""


@pytest.mark.parametrize("mask", [0, 0o777])
def test_umask(tmp_path, mask):
    (tmp_path / "c").mkdir(mode=0o700)
    run(f"import os; os.umask({mask})\n" + SMALL, tmp_path / "c" / "a" / "b")
    (entry,) = (tmp_path / "c" / "a" / "b").glob("*/*.naja")
    modes = [p.stat().st_mode & 0o777 for p in (entry, *list(entry.parents)[:3])]
    assert modes == [0o600, 0o700, 0o700, 0o700]


def test_relative_folder_stays_where_the_program_began(tmp_path):
    (tmp_path / "other").mkdir()
    code = "import naja, os; os.chdir('other')\n" + SMALL + "print(naja._naja.cache_path())"
    assert run(code, "c", cwd=tmp_path).stdout.strip() == str(tmp_path / "c")
    assert len(list((tmp_path / "c").glob("*/*.naja"))) == 1 and not list((tmp_path / "other").iterdir())


def test_tilde_is_the_home_folder(tmp_path):
    run(SMALL, "~/c", env={"HOME": str(tmp_path)}, cwd=tmp_path)
    assert list((tmp_path / "c").glob("*/*.naja")) and not (tmp_path / "~").exists()


@pytest.mark.parametrize("size, stores", [("0", 0), ("-1", 0), ("1", 1), (str(2**63 - 1), 1)])
def test_size_at_its_limits(tmp_path, size, stores):
    assert report(SMALL, tmp_path, env={"NAJA_CACHE_SIZE": size})[0]["stores"] == stores


def test_few_file_descriptors(tmp_path):
    """None left after the first function: the second is compiled, not kept, and the warning says why."""
    code = TWICE.replace("@njit\ndef g", "import resource, naja.errors\nresource.setrlimit(resource.RLIMIT_NOFILE, (3, 256))\n@njit\ndef g")
    code += "resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))\n"
    done = run(code, tmp_path)
    assert "Too many open files" in done.stderr and done.stderr.count("NajaWarning") == 1


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


@pytest.mark.parametrize("size, stores", [("1", 0), ("4", 1)])
def test_one_large_entry_does_not_drive_out_the_rest(tmp_path, size, stores):
    """A constant array of 512 KiB is more than a quarter of 1 MiB."""
    code = """
import numpy as np
from naja import njit
table = np.arange(1 << 16)
f = njit(lambda x: table[x])
assert f(9) == 9
"""
    assert report(code, tmp_path, env={"NAJA_CACHE_SIZE": size})[0]["stores"] == stores


def test_bound(tmp_path):
    """200 entries of 16 KiB and more under a bound of 1 MiB: looked through at random, on average after each 1/32 of it."""
    code = """
import numpy as np
from naja import njit
for i in range(200):
    scope = {"table": np.arange(2000) + i}
    exec("def f(x):\\n    return table[x]", scope)
    assert njit(scope["f"])(2) == 2 + i
"""
    stats, _ = report(code, tmp_path, env={"NAJA_CACHE_SIZE": "1"})
    sizes = [p.stat().st_size for p in tmp_path.glob("*/*.naja")]
    assert stats["stores"] == 200 and min(sizes) > 16000
    assert stats["evicted"] == 200 - len(sizes) and 0.4 * (1 << 20) < sum(sizes) < 1.5 * (1 << 20)


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


@once
def test_killed_while_writing(tmp_path):
    """The short form of tests/bench/cache_kill.py."""
    sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "bench"))
    try:
        from cache_kill import rounds
    finally:
        sys.path.pop(0)
    counts = rounds(12, tmp_path, seed=3)
    assert counts["wrong"] == 0 and counts["hits"] > 0
