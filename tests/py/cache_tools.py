"""What the tests of the cache share: counters, a small program, processes with a cache folder of their own."""
import json
import os
import subprocess
import sys

from naja import _naja


def counted(call):
    """(result, hits, misses) of call()."""
    before = _naja.cache_stats()
    result = call()
    after = _naja.cache_stats()
    return result, after["hits"] - before["hits"], after["misses"] - before["misses"]


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
