"""The cache's folder: damage, bad folders and many processes cost time only."""
import json
import os
import pathlib
import subprocess
import sys
import time

import pytest

from cache_tools import REPORT, SMALL, report, run

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


@pytest.mark.parametrize("damage", [damage_truncate, damage_flip, damage_empty, damage_link, damage_folder, damage_writable])
def test_damaged_entry(tmp_path, damage):
    run(SMALL, tmp_path)
    (entry,) = tmp_path.glob("*/*.naja")
    damage(entry)
    stats, _ = report(SMALL, tmp_path)
    assert (stats["hits"], stats["misses"]) == (0, 1)
    if damage is not damage_folder:
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
