"""cache_damage.py - a bit flipped and the file cut at every place of a cache entry: nothing damaged may be loaded.

    python tests/bench/cache_damage.py [STRIDE]      8 by default: the function is also called for every 8th place

At every byte one bit is flipped, and the file is cut there; the check that loading makes must refuse it. At every STRIDE-th byte the
function is called from such a file, too: it must be compiled again, with Python's result, and leave a sound entry. Status 1 when not.
"""
import os
import pathlib
import random
import sys
import tempfile


def source(i):
    scope = {}
    exec(f"def f(x, y):\n    s = {i}.5\n    for k in range(x):\n        if k == 90:\n            raise ValueError('far')\n        s += k * y\n"
         "    return s, x", scope)
    return scope["f"]


def sound():
    from naja import _naja
    return [e["ok"] for e in _naja.cache_list()]


def call_again(f, entry, whole):
    """0 when the damaged entry was refused, compiled anew and is whole again."""
    from naja import _naja, njit
    before = _naja.cache_stats()
    right = njit(f)(10, 2.0) == f(10, 2.0)
    after = _naja.cache_stats()
    again = after["misses"] - before["misses"] == 1 and after["hits"] == before["hits"]
    return int(not (right and again and sound() == [True] and len(entry.read_bytes()) == len(whole)))


def rounds(folder, stride, rng):
    from naja import njit
    f = source(1)
    assert njit(f)(10, 2.0) == f(10, 2.0)
    (entry,) = pathlib.Path(folder).glob("*/*.naja")
    whole = entry.read_bytes()
    mode = entry.stat().st_mode & 0o777
    counts = {"places": len(whole), "flips checked": 0, "cuts checked": 0, "calls": 0, "wrong": 0}
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
                counts["wrong"] += call_again(f, entry, whole)
    return counts


def main():
    stride = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(NAJA_CACHE_DIR=folder, NAJA_CACHE="on")
        counts = rounds(folder, stride, random.Random(7))
    print(", ".join(f"{name} {n}" for name, n in counts.items()))
    return 1 if counts["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
