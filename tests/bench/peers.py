"""peers.py - naja beside its peers, in one run: import, compile times, PTX, loops, the photo pipeline. Prints ratios.

    python tests/bench/peers.py                  makes out/peers (a venv with numba, numba-cuda, scikit-image, naja), then measures
    python tests/bench/peers.py --only start     one group: start, ptx, loops, photo

Each process-level figure is the median over several fresh processes, ours and theirs in turn.
"""
import argparse
import os
import statistics
import subprocess
import sys
import venv

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ENV = os.path.join(ROOT, 'out', 'peers')
PACKAGES = ['numba', 'numba-cuda', 'scikit-image', 'nvidia-cuda-nvcc', 'nvidia-nvvm', 'nvidia-nvjitlink']


def python():
    return os.path.join(ENV, 'bin', 'python')


def step(text):
    print(f'-- {text}', file=sys.stderr, flush=True)


def make_env(naja):
    if not os.path.exists(python()):
        step(f'making {os.path.relpath(ENV, ROOT)} and installing {", ".join(PACKAGES)}')
        venv.create(ENV, with_pip=True)
        for package in PACKAGES:
            done = subprocess.run([python(), '-m', 'pip', 'install', '-q', package], capture_output=True, text=True)
            if done.returncode and package in ('numba', 'numba-cuda', 'scikit-image'):
                sys.exit(f'pip could not install {package}:\n{done.stderr}')
    step(f'installing naja from {naja}')
    subprocess.run([python(), '-m', 'pip', 'install', '-q', '--force-reinstall', '--no-deps', naja], check=True)


def run(code, **env):
    """The numbers that a fresh process prints, in milliseconds."""
    done = subprocess.run([python(), '-c', code], capture_output=True, text=True,
                          env={**os.environ, 'NAJA_CACHE': 'off', 'NUMBA_CUDA_LOW_OCCUPANCY_WARNINGS': '0', **env})
    if done.returncode:
        return None, done.stderr.strip().splitlines()[-1] if done.stderr.strip() else 'failed'
    return [float(x) for x in done.stdout.split()], None


START = '''
import time, numpy
t0 = time.perf_counter(); import {name} as nb; nb.njit; t1 = time.perf_counter()
@nb.njit
def first(a, n):
    s = 0.0
    for i in range(n):
        s += a[i] * i
    return s
a = numpy.ones(10)
t2 = time.perf_counter(); first(a, 10); t3 = time.perf_counter()
later = []
for k in range(8):
    scope = {{}}
    exec(f"def g(a, b):\\n    s = b\\n    for i in range({{k}}, a.size):\\n        if a[i] > {{k}}:\\n            s += a[i] - {{k}}\\n    return s", scope)
    g = nb.njit(scope["g"])
    t = time.perf_counter(); g(a, 1.5); later.append(time.perf_counter() - t)
print((t1 - t0) * 1e3, (t3 - t2) * 1e3, sorted(later)[4] * 1e3)
'''

PTX = '''
import time, numpy
t0 = time.perf_counter()
{imports}
def kernel(a, b, out):
    i = cuda.grid(1)
    if i < out.size:
        out[i] = a[i] + 2 * b[i]
sig = "void(float32[::1], float32[::1], float32[::1])"
sig = {sig}
cuda.compile_ptx(kernel, sig, cc=(8, 0))
t1 = time.perf_counter()
later = []
for k in range(8):
    scope = {{"cuda": cuda}}
    exec(f"def kernel(a, b, out):\\n    i = cuda.grid(1)\\n    if i < out.size:\\n        out[i] = a[i] * {{k}} + b[i]", scope)
    t = time.perf_counter(); cuda.compile_ptx(scope["kernel"], sig, cc=(8, 0)); later.append(time.perf_counter() - t)
print((t1 - t0) * 1e3, sorted(later)[4] * 1e3)
'''
PTX_NAJA = PTX.format(imports='from naja import cuda', sig='sig')
PTX_PEER = PTX.format(imports='from numba import cuda, types, float32, void', sig='void(float32[::1], float32[::1], float32[::1])')

# libNVVM alone on the text naja made for the same kernel, through ctypes: what no compiler above it can beat
NVVM = '''
import ctypes, time
from naja import cuda, _naja
from naja.cuda.dispatcher import CUDADispatcher, _options
def kernel(a, b, out):
    i = cuda.grid(1)
    if i < out.size:
        out[i] = a[i] + 2 * b[i]
options = _options(False, "never", False, False, False, None, False, None, None, False)
text = _naja.cuda_ptx(CUDADispatcher(kernel, [], **options), "void(float32[::1], float32[::1], float32[::1])", 80, " ", True).encode()
path = [row[1] for row in _naja.toolkit_found() if row[0] == "libnvvm"][0]
lib = ctypes.CDLL(path)
def once():
    prog, size = ctypes.c_void_p(), ctypes.c_size_t()
    lib.nvvmCreateProgram(ctypes.byref(prog))
    lib.nvvmAddModuleToProgram(prog, text, ctypes.c_size_t(len(text)), b"k")
    options = (ctypes.c_char_p * 1)(b"-arch=compute_80")
    assert lib.nvvmCompileProgram(prog, 1, options) == 0
    lib.nvvmGetCompiledResultSize(prog, ctypes.byref(size))
    out = ctypes.create_string_buffer(size.value)
    lib.nvvmGetCompiledResult(prog, out)
    lib.nvvmDestroyProgram(ctypes.byref(prog))
times = []
for _ in range(12):
    t = time.perf_counter(); once(); times.append(time.perf_counter() - t)
print(sorted(times)[6] * 1e3)
'''


def medians(codes, rounds):
    """Medians of the numbers each code prints; the codes run in turn. None for one that fails."""
    seen, failed = [[] for _ in codes], {}
    for r in range(rounds):
        for i, code in enumerate(codes):
            numbers, why = run(code)
            if numbers is None:
                failed[i] = why
            else:
                seen[i].append(numbers)
    for why in failed.values():
        step(f'a measurement failed: {why}')
    return [[statistics.median(col) for col in zip(*rows)] if rows else None for rows in seen]


def show(what, ours, theirs, aim):
    ratio = f'{ours / theirs:>9.3f}' if theirs else f'{"-":>9}'
    print(f'{what:<46}{ours:>10.2f} ms{theirs:>12.2f} ms{ratio}   {aim}' if theirs else
          f'{what:<46}{ours:>10.2f} ms{"-":>15}{ratio}   {aim}')


def group_start(rounds):
    ours, theirs = medians([START.format(name='naja'), START.format(name='numba')], rounds)
    theirs = theirs or [None] * 3
    for what, a, b, aim in zip(('import after NumPy', 'first njit call, cold', 'a later small function'), ours, theirs,
                               ('<= 8 ms', '<= 25 ms', '<= 10 ms')):
        show(what, a, b, aim)


def group_ptx(rounds):
    ours, theirs, nvvm = medians([PTX_NAJA, PTX_PEER, NVVM], rounds)
    if not ours:
        return
    theirs = theirs or [None] * 2
    show('first kernel to PTX, import included', ours[0], theirs[0], '<= 40 ms')
    show('a later kernel to PTX', ours[1], theirs[1], '')
    if nvvm:
        print(f'{"  of that libNVVM alone":<46}{nvvm[0]:>10.2f} ms{"":>15}{ours[1] / nvvm[0]:>9.3f}   <= 1.5x libNVVM')


def group_loops(rounds):
    subprocess.run([python(), os.path.join(ROOT, 'tests', 'bench', 'loops.py')], check=False)


def group_photo(rounds):
    subprocess.run([python(), os.path.join(ROOT, 'tests', 'bench', 'photo.py')], check=False)


GROUPS = {'start': group_start, 'ptx': group_ptx, 'loops': group_loops, 'photo': group_photo}


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
    p.add_argument('--only', choices=GROUPS, help='one group of figures')
    p.add_argument('--rounds', type=int, default=7, help='fresh processes a figure (default: %(default)s)')
    p.add_argument('--naja', default=ROOT, metavar='WHEEL', help='what to measure: a wheel, or the source folder (default)')
    p.add_argument('--no-install', action='store_true', help='use the environment as it is')
    args = p.parse_args()
    if not args.no_install:
        make_env(args.naja)
    print(f'{"figure":<46}{"naja":>13}{"peer":>15}{"ratio":>9}   aim')
    for name, group in GROUPS.items():
        if args.only in (None, name):
            step(name)
            group(args.rounds)


if __name__ == '__main__':
    main()
