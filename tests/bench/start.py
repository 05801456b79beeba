"""start.py - starting and calling, beside numba and numba-cuda in one run: import, first calls, memory, calls, launches, growth, scaling.

    python tests/bench/start.py                   makes out/peers as peers.py does, then measures everything
    python tests/bench/start.py --python P        measures with that Python, which has naja, numba and numba-cuda
    python tests/bench/start.py --only process    one group: process, calls, launch, memory, scaling

Ratios are naja / peer of the same run. Processes run in turn, ours and theirs; each figure is the lower quartile of its runs (of
whole processes the best), because whatever else the machine does only adds. `-` is no aim or no peer. Status 1 when an aim is missed.
"""
import argparse
import glob
import json
import os
import subprocess
import sys
import tempfile

import peers

HERE = os.path.dirname(os.path.abspath(__file__))
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)         # installed packages have their bytecode
missed = []


def row(what, ours, theirs=None, unit="ms", aim=None, ratio=None):
    """One line; aim is the largest ratio (to theirs, or the given one) that will do."""
    ratio = ours / theirs if ratio is None and theirs else ratio
    bad = aim is not None and ratio is not None and ratio > aim
    if bad:
        missed.append(what)
    peer = f"{theirs:>10.2f} {unit:<4}" if theirs else f"{'-':>10} {'':<4}"
    shown = f"{ratio:>9.4f}" if ratio is not None else f"{'-':>9}"
    aim_shown = f"<= {aim:.4g}" if aim is not None else ""
    print(f"{what:<44}{ours:>10.2f} {unit:<4}{peer}{shown}   {aim_shown}{'  MISSED' if bad else ''}", flush=True)


def child(python, code, *args, **env):
    done = subprocess.run([python, "-c", code, *map(str, args)], capture_output=True, text=True, env={**os.environ, **env})
    if done.returncode:
        raise RuntimeError(done.stderr.strip()[-1500:] or f"status {done.returncode}")
    return done.stdout


# -- processes: import, first call, cached call, memory

NUMPY_ONLY = "import numpy\nprint(0, 0, open('/proc/self/statm').read().split()[1])\n"
PROGRAM = """
import time, os, numpy
t0 = time.perf_counter()
from {name} import njit
t1 = time.perf_counter()
@njit(cache={cache})
def f(x):
    s = 0
    for i in range(x):
        s += i
    return s
t2 = time.perf_counter()
assert f(10) == 45
t3 = time.perf_counter()
print((t1 - t0) * 1e3, (t3 - t1) * 1e3, open('/proc/self/statm').read().split()[1])
"""


def timed(python, path, env):
    """(import ms, decorator and first call ms, resident MiB, whole process ms) of one process."""
    import time
    start = time.perf_counter()
    done = subprocess.run([python, path], capture_output=True, text=True, env={**os.environ, **env})
    whole = (time.perf_counter() - start) * 1e3
    if done.returncode:
        raise RuntimeError(done.stderr.strip()[-1500:])
    a, b, pages = done.stdout.split()
    return float(a), float(b), int(pages) * os.sysconf("SC_PAGESIZE") / (1 << 20), whole


def quartile(values):
    return sorted(values)[len(values) // 4]


def group_process(args):
    with tempfile.TemporaryDirectory() as folder:
        variants = {"alone": NUMPY_ONLY}
        for name in ("naja", "numba"):
            variants[name + " cold"] = PROGRAM.format(name=name, cache=False)
            variants[name + " cached"] = PROGRAM.format(name=name, cache=True)
        env = {"NAJA_CACHE": "on", "NAJA_CACHE_DIR": os.path.join(folder, "naja"), "NUMBA_CACHE_DIR": os.path.join(folder, "numba")}
        paths, seen = {}, {name: [] for name in variants}
        for name, text in variants.items():
            paths[name] = os.path.join(folder, name.replace(" ", "_") + ".py")      # a file, because numba's cache wants one
            with open(paths[name], "w") as f:
                f.write(text)
        for r in range(args.rounds + 1):                                            # the first fills the caches
            for name in variants:
                got = timed(args.python, paths[name], env)
                if r:
                    seen[name].append(got)
    figures = {name: [quartile(column) for column in zip(*runs)][:3] + [min(run[3] for run in runs)] for name, runs in seen.items()}
    ours, theirs, base = figures["naja cached"], figures["numba cached"], figures["alone"]
    row("import, NumPy being there", ours[0], theirs[0], aim=1 / 40)
    row("first call, cold, decorator included", figures["naja cold"][1], figures["numba cold"][1], aim=1 / 15)
    row("import and first call, cold", sum(figures["naja cold"][:2]), sum(figures["numba cold"][:2]))
    row("first call, cached, in a new process", ours[1], theirs[1], aim=1 / 60)
    row("import and first call, cached", sum(ours[:2]), sum(theirs[:2]), aim=1 / 60)
    row("the whole process, beside NumPy's alone", ours[3], base[3], aim=1.15)
    row("  the peer's, beside NumPy's alone", theirs[3], base[3])
    row("memory after a cached call, above NumPy", ours[2] - base[2], theirs[2] - base[2], unit="MiB")
    row("  in parts of the 8 MiB it may have", ours[2] - base[2], unit="MiB", ratio=(ours[2] - base[2]) / 8, aim=1)


# -- calls and launches

CALLS = """
import json, sys
sys.path.insert(0, sys.argv[1])
import calls, naja, numba
for (name, f, args), (_, g, other) in zip(calls.rows(naja), calls.rows(numba)):
    print(json.dumps([name, calls.per_call(f, args), calls.per_call(g, other)]))
"""
CALL_AIMS = {"no arguments": 1.0, "a float": 0.6, "an int": 0.6, "an array": 0.6, "three arrays": 0.4}


def group_calls(args):
    for line in child(args.python, CALLS, HERE).splitlines():
        name, ours, theirs = json.loads(line)
        row("call: " + name, ours, theirs, unit="ns", aim=CALL_AIMS.get(name))


COUNT = """
import json, sys
sys.path.insert(0, sys.argv[1])
import launch
for name, arrays, scalars in launch.CASES:
    print(json.dumps([name, launch.count_one(arrays, scalars)]))
"""
LAUNCH_NS = {"no arguments": 150, "16 arrays": 400, "256 scalars": 1200}


def fake_driver():
    found = [os.environ.get("NAJA_FAKE_CUDA", "")] + sorted(glob.glob(os.path.join(peers.ROOT, "build*", "libcuda_fake.so")), key=os.path.getmtime)[::-1]
    return next((path for path in found if os.path.exists(path)), None)


def group_launch(args):
    """On the fake driver, which runs nothing: its checks are in the nanoseconds of all three, but not in the instructions."""
    fake = fake_driver()
    if not fake:
        print("launches: not measured, the fake driver is not built (cmake --build build --target fakecuda)")
        return
    command = [args.python, os.path.join(HERE, "launch.py"), "--bare", "--peers", "--fake", "--json", "--bursts", "200"]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "NAJA_FAKE_CUDA": fake})
    if done.returncode:
        raise RuntimeError(done.stderr.strip()[-1500:] or f"status {done.returncode}")
    for name, ns, bare, theirs in map(json.loads, done.stdout.splitlines()):
        row(f"launch (fake driver): {name}", ns, theirs, unit="ns")
        aim = LAUNCH_NS.get(name)
        if aim:
            row(f"  in parts of {aim} ns", ns, unit="ns", ratio=ns / aim, aim=1)
        row("  added over the bare call from C", ns - bare, theirs - bare, unit="ns")
    if not args.count:
        return
    out = child(args.python, COUNT, HERE, NAJA_DEVICE="mock", NAJA_FAKE_CUDA=fake, NAJA_FAKE_RECORD="0")
    counts = dict(map(json.loads, out.splitlines()))
    row("  instructions without arguments", counts["no arguments"], unit="")
    for many, one, n, limit in (("16 arrays", "1 array", 15, 60), ("256 scalars", "1 scalar", 255, 15)):
        each = (counts[many] - counts[one]) / n
        row(f"  instructions for each of {many}", each, unit="", ratio=each / limit, aim=1)


# -- what grows

GROWTH = """
import sys
sys.path.insert(0, sys.argv[1])
import memory
print(memory.growth(memory.one_function, int(sys.argv[2]), show=lambda line: None))
"""


def group_memory(args):
    grown = int(child(args.python, GROWTH, HERE, args.functions, NAJA_CACHE="off"))
    row(f"growth, {args.functions} functions compiled and dropped", grown / 1024, unit="MiB", ratio=grown / 2048, aim=1)


SCALING = """
import json, sys
sys.path.insert(0, sys.argv[1])
import compile_scaling as c
for shape in c.SHAPES:
    measured = c.rows(shape, 1.0, 2)
    n, stages = measured[-1]
    print(json.dumps([shape, n, c.own(stages), stages["llvm"], c.growth(measured)]))
"""


def group_scaling(args):
    """The exponent of naja's own compile time between a quarter of the size and all of it: 1 is linear. LLVM's time stands apart."""
    for line in child(args.python, SCALING, HERE).splitlines():
        shape, n, own, llvm, exponent = json.loads(line)
        row(f"compile: {n} {shape} (LLVM {llvm:.0f} ms)", own, ratio=exponent, aim=1.35)


GROUPS = {"process": group_process, "calls": group_calls, "launch": group_launch, "memory": group_memory, "scaling": group_scaling}


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    p.add_argument("--only", choices=GROUPS)
    p.add_argument("--python", help="a Python with naja and the peers (default: one is made in out/peers)")
    p.add_argument("--rounds", type=int, default=15, help="processes a figure (default: %(default)s)")
    p.add_argument("--functions", type=int, default=10000, help="to compile and drop (default: %(default)s)")
    p.add_argument("--count", action="store_true", help="instructions of a launch, too: needs valgrind, takes minutes")
    args = p.parse_args()
    if not args.python:
        peers.make_env(peers.ROOT)
        args.python = peers.python()
    print(f"{'figure':<44}{'naja':>15}{'peer':>15}{'ratio':>9}   aim")
    for name, group in GROUPS.items():
        if args.only in (None, name):
            group(args)
    if missed:
        print("missed: " + "; ".join(missed))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
