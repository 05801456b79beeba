"""Two processes compile into one cache and are killed at any moment, again and again; then everything in it must be right.

    python tests/bench/cache_kill.py [ROUNDS]        1,000 by default

After each round a third process checks every entry and runs every function from the cache. Wrong: a result that is not Python's, an
entry that fails its check, a crash. Prints the counts; status 1 if anything was wrong.
"""
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

FUNCTIONS = """
import sys
from naja import njit, _naja
def make(i):
    scope = {}
    exec(f"def f(x):\\n    s = {i}\\n    for k in range(x):\\n        s += k * {i} ^ x\\n    return s", scope)
    return scope["f"]
"""
WRITER = FUNCTIONS + """
print("ready", flush=True)
while True:
    for i in range(24):
        njit(make(i))(10)
    _naja.cache_clear()
"""
READER = FUNCTIONS + """
bad = [e for e in _naja.cache_list() if not e["ok"]]
wrong = [i for i in range(24) if njit(make(i))(10) != make(i)(10)]
print(len(bad) + len(wrong) + _naja.cache_stats()["rejected"], _naja.cache_stats()["hits"])
"""


def _start(code, env):
    return subprocess.Popen([sys.executable, "-c", code], env=env, stdout=subprocess.PIPE, text=True)


def one_round(env, rng):
    """Kills two writers some time after they have begun; (wrong, hits) of a reader."""
    writers = [_start(WRITER, env) for _ in range(2)]
    for w in writers:
        w.stdout.readline()
    time.sleep(rng.random() * 0.15)
    for w in writers:
        os.kill(w.pid, signal.SIGKILL)
    for w in writers:
        w.communicate()
    reader = _start(READER, env)
    out, _ = reader.communicate()
    if reader.returncode:
        return 1, 0
    wrong, hits = out.split()
    return int(wrong), int(hits)


def rounds(n, folder, seed=1):
    """{'rounds', 'wrong', 'hits', 'left'}: left is the number of files that killed writers left behind."""
    env = dict(os.environ, NAJA_CACHE_DIR=str(folder))
    rng = random.Random(seed)
    results = [one_round(env, rng) for _ in range(n)]
    left = len(list(pathlib.Path(folder).glob("*/.*.tmp")))
    return {"rounds": n, "wrong": sum(w for w, _ in results), "hits": sum(h for _, h in results), "left": left}


def main():
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as folder:
        counts = rounds(n, folder)
    print(", ".join(f"{name} {value}" for name, value in counts.items()))
    return 1 if counts["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
