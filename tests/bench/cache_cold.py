"""cache_cold.py - many processes ask for one function at the same moment, and nobody has compiled it yet: all must be right.

    python tests/bench/cache_cold.py [PROCESSES]         64 by default

Each waits for the same instant. Afterwards there must be one sound entry, nothing half written, and a further process must find it.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

CODE = """
import json, sys, time
from naja import _naja, njit
@njit
def f(x, y):
    s = 0.0
    for i in range(x):
        s += i * y
    return s
time.sleep(max(0, float(sys.argv[1]) - time.time()))
right = f(10, 2.0) == 90.0
print(json.dumps([right, _naja.cache_stats(), [e["ok"] for e in _naja.cache_list()]]))
"""


def ask(at, folder):
    return subprocess.Popen([sys.executable, "-c", CODE, str(at)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env={**os.environ, "NAJA_CACHE": "on", "NAJA_CACHE_DIR": folder})


def answer(process):
    out, err = process.communicate()
    if process.returncode or err:
        return False, {"hits": 0, "misses": 0, "rejected": 0}, []
    return json.loads(out)


def main():
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 64
    with tempfile.TemporaryDirectory() as folder:
        at = time.time() + n * 0.15
        answers = [answer(p) for p in [ask(at, folder) for _ in range(n)]]
        entries, left = len(list(pathlib.Path(folder).glob("*/*.naja"))), len(list(pathlib.Path(folder).glob("*/.*")))
        last = answer(ask(0, folder))
    total = {key: sum(stats[key] for _, stats, _ in answers) for key in ("hits", "misses", "rejected")}
    right = sum(r for r, _, _ in answers)
    print(f"processes {n}, right {right}, hits {total['hits']}, misses {total['misses']}, rejected {total['rejected']}, entries {entries}, "
          f"left {left}, found by the next {last[1]['hits']}, sound {last[2]}")
    return 0 if right == n and (entries, left, last[1]["hits"], last[2]) == (1, 0, 1, [True]) else 1


if __name__ == "__main__":
    sys.exit(main())
