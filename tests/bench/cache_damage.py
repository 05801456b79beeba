"""cache_damage.py - a bit flipped and the file cut at every place of a cache entry: nothing damaged may be loaded.

    python tests/bench/cache_damage.py [STRIDE]      8 by default: the function is also called for every 8th place
    NAJA_FAKE_CUDA=build/libcuda_fake.so python tests/bench/cache_damage.py      a kernel's PTX and cubin, too

At every byte one bit is flipped, and the file is cut there; the check that loading makes must refuse it. At every STRIDE-th byte
the function is called from such a file, too: it must be compiled again, with Python's result, and leave the entry as it was.
A kernel on the fake driver has no result; there the launch itself must work. Status 1 when not.
"""
import os
import pathlib
import random
import shutil
import sys
import tempfile


def native():
    """Calls a new njit of one function; True when the result is Python's."""
    from naja import njit
    scope = {}
    exec("def f(x, y):\n    s = 1.5\n    for k in range(x):\n        if k == 90:\n            raise ValueError('far')\n"
         "        s += k * y\n    return s, x", scope)
    f = scope["f"]
    return lambda: njit(f)(10, 2.0) == f(10, 2.0)


def kernel():
    """Launches a new cuda.jit of one function, on the fake driver."""
    import numpy as np

    from naja import cuda
    scope = {"cuda": cuda}
    exec("def k(a, x, y):\n    i = cuda.grid(1)\n    if i < y.size:\n        y[i] += a * x[i]", scope)
    x = cuda.to_device(np.zeros(64, np.float32))

    def launch():
        cuda.jit(scope["k"])[2, 32](np.float32(2), x, x)
        return True
    return launch


def sound():
    from naja import _naja
    return [e["ok"] for e in _naja.cache_list()]


def call_again(call, entry, whole):
    """0 when the damaged entry was refused, compiled anew and is whole again."""
    from naja import _naja
    before = _naja.cache_stats()
    right = call()
    after = _naja.cache_stats()
    again = after["misses"] - before["misses"] == 1 and after["hits"] == before["hits"]
    return int(not (right and again and sound() == [True] and entry.read_bytes() == whole))


def rounds(folder, call, stride, rng):
    from naja import _naja
    assert call()
    (entry,) = pathlib.Path(folder).glob("*/*.naja")
    (row,) = _naja.cache_list()
    whole = entry.read_bytes()
    mode = entry.stat().st_mode & 0o777
    counts = {"places": len(whole), "code": row["code_bytes"], "cubin": row["cubin_bytes"], "flips checked": 0,
              "cuts checked": 0, "calls": 0, "wrong": 0}
    for at in range(len(whole)):
        flipped = bytearray(whole)
        flipped[at] ^= 1 << rng.randrange(8)
        for kind, data in (("flips checked", bytes(flipped)), ("cuts checked", whole[:at])):
            entry.write_bytes(data)
            entry.chmod(mode)
            counts[kind] += 1
            counts["wrong"] += any(sound())
            if at % stride == 0:
                counts["calls"] += 1
                counts["wrong"] += call_again(call, entry, whole)
    return counts


def main():
    stride = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(NAJA_CACHE_DIR=folder, NAJA_CACHE="on", NAJA_DEVICE="mock", NAJA_FAKE_RECORD="0")
        for make in (native, kernel):
            if make is kernel and "NAJA_FAKE_CUDA" not in os.environ:
                print("kernel: not done, NAJA_FAKE_CUDA does not name the fake driver")
                continue
            counts = rounds(folder, make(), stride, random.Random(7))
            print(f"{make.__name__}: " + ", ".join(f"{name} {n}" for name, n in counts.items()))
            wrong += counts["wrong"]
            shutil.rmtree(folder)
            os.mkdir(folder, 0o700)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
