"""A whole process with one cached njit call beside the same process that only imports NumPy: time and memory.

    python tests/bench/cached.py [RUNS]

Numba, where it is installed, is timed with its own cache (cache=True) filled. Aims: <= 1.15x of NumPy alone, <= 8 MiB more.
"""
import os
import subprocess
import sys
import tempfile
import time

BODY = """
@njit(cache=True)
def f(x):
    s = 0
    for i in range(x):
        s += i
    return s
f(10)
"""
PROGRAMS = {"NumPy alone": "import numpy\n", "naja": "import numpy\nfrom naja import njit\n" + BODY,
            "numba": "import numpy\nfrom numba import njit\n" + BODY}
MEMORY = "print([line for line in open('/proc/self/status') if line.startswith('VmRSS')][0].split()[1])\n"


def run(path, env):
    """Seconds of one process, and its resident KiB at the end."""
    start = time.perf_counter()
    done = subprocess.run([sys.executable, path], env=env, capture_output=True, text=True)
    return (time.perf_counter() - start, int(done.stdout)) if done.returncode == 0 else None


def measure(name, runs, folder):
    """The lower quartile of the times, and the memory; None where the program cannot run."""
    path = os.path.join(folder, name.split()[0].lower() + "_program.py")      # a file: numba's cache needs one
    with open(path, "w") as f:
        f.write(PROGRAMS[name] + MEMORY)
    env = dict(os.environ, NAJA_CACHE="on", NAJA_CACHE_DIR=os.path.join(folder, "naja"), NUMBA_CACHE_DIR=os.path.join(folder, "numba"))
    if run(path, env) is None:                                               # fills the cache
        return None
    results = sorted(run(path, env) for _ in range(runs))
    return results[runs // 4][0], results[0][1]


def main():
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    with tempfile.TemporaryDirectory() as folder:
        base = measure("NumPy alone", runs, folder)
        for name in PROGRAMS:
            got = measure(name, runs, folder)
            if got:
                print(f"{name:<12} {got[0] * 1e3:7.1f} ms  {got[0] / base[0]:5.2f}x   {(got[1] - base[1]) / 1024:+7.1f} MiB")


if __name__ == "__main__":
    main()
