"""cached_cubin.py - a second process launches kernels from cached cubins: no libNVVM, no linker, the same results.

    NAJA_DEVICE=cuda python tests/gpu/cached_cubin.py

Four processes on one fresh cache: cold; found; found with cubins that are no code, which the driver must refuse and naja
make again without its compiler; found again. Each launches the same kernels and a ufunc, checks what they computed, and is
checked by its driver calls (NAJA_DUMP=x). Status 1 when something is not as it should be. On the fake driver
(NAJA_DEVICE=mock), where kernels do not run, everything but the results is checked.
"""
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

CHILD = r"""
import json, math, time
import numpy as np
from naja import _naja, cuda, float32, vectorize

@cuda.jit
def axpy(a, x, y):
    i = cuda.grid(1)
    if i < y.size:
        y[i] += a * x[i]

@cuda.jit
def waves(x, out):                                  # libdevice
    for i in range(cuda.grid(1), x.size, cuda.gridsize(1)):
        out[i] = math.sin(x[i]) + math.exp(-x[i])

@cuda.jit(max_registers=40, lineinfo=True)
def total(x, out):                                  # shared memory, a barrier, an atomic
    s = cuda.shared.array(128, float32)
    i, t = cuda.grid(1), cuda.threadIdx.x
    s[t] = x[i] if i < x.size else 0
    cuda.syncthreads()
    if t == 0:
        part = float32(0)
        for k in range(128):
            part += s[k]
        cuda.atomic.add(out, 0, part)

@vectorize(["float64(float64, float64)"], target="cuda")
def hypot2(x, y):
    return x * x + y * y

start = time.perf_counter()
x = np.arange(1000.0)
y, w, s = np.ones(1000), np.zeros(1000), np.zeros(1, np.float32)
axpy[8, 128](2.0, x, y)
first = time.perf_counter() - start
waves[4, 128](x, w)
total[8, 128]((x % 7).astype(np.float32), s)
h = hypot2(x, x)
right = (np.array_equal(y, 1 + 2 * x), np.allclose(w, np.sin(x) + np.exp(-x)), s[0] == (x % 7).sum(),
         np.array_equal(h, 2 * x * x))
libs = [name for name in ("libnvvm", "naja_llvm") if name in open("/proc/self/maps").read()]
print(json.dumps(dict(right=[bool(r) for r in right], libs=libs, first=first, device=_naja.device_info(0)["name"],
                      **_naja.cache_stats())))
"""
wrong = []


def child(what, folder):
    """What one process said, with its driver calls counted; None when it failed."""
    env = {**os.environ, 'NAJA_CACHE_DIR': folder, 'NAJA_CACHE': 'on', 'NAJA_DUMP': 'x'}
    done = subprocess.run([sys.executable, '-c', CHILD], capture_output=True, text=True, env=env)
    if done.returncode:
        sys.exit(f'{what}: status {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}')
    lines = [line for line in done.stdout.splitlines() if line.startswith('{')]
    got = json.loads(lines[-1])
    text = done.stdout + done.stderr
    got['links'], got['loads'] = (len(re.findall(rf'\b{name}\(.*\) = 0$', text, re.M)) for name in
                                  ('cuLinkComplete', 'cuModuleLoadDataEx'))
    got['linker'] = len(re.findall(r'\bcuLink\w+\(', text))
    print(f"{what:<8} first launch {got['first'] * 1e3:7.1f} ms, " + ', '.join(
        f'{k} {got[k]}' for k in ('links', 'loads', 'hits', 'misses', 'stores')) + f", loaded {got['libs'] or 'no compiler'}")
    return got


def expect(what, got, **want):
    wrong.extend(f'{what}: {k} is {got[k]}, not {v}' for k, v in want.items() if got[k] != v)
    if 'fake' not in got['device'] and not all(got['right']):
        wrong.append(f"{what}: results {got['right']}")


def cubins(folder):
    """The cubin of each entry, by file."""
    found = {}
    for path in pathlib.Path(folder).rglob('*.naja'):
        data = path.read_bytes()
        n = int.from_bytes(data[20:24], 'little')
        found[path] = data[len(data) - n:]
    return found


def put_cubin(path, cubin):
    """The entry with another cubin, its hash made right: see host/doc/cache.txt."""
    data = path.read_bytes()
    n = int.from_bytes(data[20:24], 'little')
    data = data[:20] + len(cubin).to_bytes(4, 'little') + data[24:len(data) - n] + cubin
    digest = hashlib.blake2b(data[:64] + data[96:], digest_size=32).digest()
    path.write_bytes(data[:64] + digest + data[96:])


def main():
    with tempfile.TemporaryDirectory() as folder:
        cold = child('cold', folder)
        n = cold['misses']
        expect('cold', cold, hits=0, stores=n, links=n, loads=n)
        if not all(c.startswith(b'\x7fELF') for c in cubins(folder).values()):
            wrong.append('cold: an entry without a cubin')
        expect('found', child('found', folder), hits=n, misses=0, stores=0, linker=0, loads=n, libs=[])
        for path, cubin in cubins(folder).items():
            put_cubin(path, cubin[:16] + bytes(len(cubin) - 16))
        expect('refused', child('refused', folder), hits=n, misses=0, stores=n, links=n, loads=n, libs=[])
        expect('again', child('again', folder), hits=n, misses=0, stores=0, linker=0, loads=n, libs=[])
    print(f"{n} kernels on {cold['device']}: " + ('; '.join(wrong) or 'as it should be'))
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
