"""launch.py - what a configured launch costs: nanoseconds, and with --count instructions under callgrind.

    NAJA_DEVICE=mock NAJA_FAKE_CUDA=build/libcuda_fake.so python tests/bench/launch.py
    python tests/bench/launch.py --count        the same on the fake driver under valgrind, which must be installed
    python tests/bench/launch.py --bare         beside the same kernels launched from C by cuLaunchKernel alone (needs cc)
    python tests/bench/launch.py --bare --peers         on a GPU: numba-cuda, too
    python tests/bench/launch.py --bare --peers --fake  the three on the fake driver: peer_cuda.c is the peer's way to it

On the fake driver nothing runs; its checks are part of the figure, and with NAJA_FAKE_RECORD=1 so is its record of the launch.
A real driver takes many times as long: what is added to the bare call means something there, the ratio to it does not.
With --bare the figures are of short bursts, taken in turns, so that on a GPU the queue is never full: a launch that has to wait
for the device would cost the same from everywhere.
"""
import argparse
import ctypes
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

from counting import instructions

CASES = (('no arguments', 0, 0), ('1 array', 1, 0), ('16 arrays', 16, 0), ('1 scalar', 0, 1), ('256 scalars', 0, 256))


AIMS = {'no arguments': 1.3, '16 arrays': 1.6, '256 scalars': 2.0}        # times the bare call, on a GPU
BURST = 256                                                              # a driver queues about a thousand launches


def define(arrays, scalars, cuda=None):
    """A kernel that does nothing, and arguments."""
    import numpy as np

    if cuda is None:
        from naja import cuda
    names = [f'a{i}' for i in range(arrays)] + [f's{i}' for i in range(scalars)]
    scope = {'cuda': cuda}
    exec(f'def kernel({", ".join(names)}):\n    pass', scope)
    kernel = cuda.jit(scope['kernel'])
    args = [cuda.to_device(np.zeros(4, np.float32)) for _ in range(arrays)] + [i for i in range(scalars)]
    kernel[1, 32](*args)
    return kernel, args


def make(arrays, scalars, cuda=None):
    """A launch and its arguments."""
    kernel, args = define(arrays, scalars, cuda)
    return kernel[1, 32], args


def run(kernel, args, n):
    for _ in range(n):
        kernel(*args)


def time_one(kernel, args, n=20000, rounds=7):
    best = float('inf')
    for _ in range(rounds):
        start = time.perf_counter()
        run(kernel, args, n)
        best = min(best, time.perf_counter() - start)
    return best / n * 1e9


def collected(arrays, scalars, n):
    """Instructions in a process of n launches."""
    return instructions(sys.executable, __file__, '--child', f'{arrays},{scalars},{n}')


def count_one(arrays, scalars):
    """Instructions of one launch: the difference of two counts of launches in two processes."""
    return (collected(arrays, scalars, 6000) - collected(arrays, scalars, 1000)) / 5000


# -- bare


def libcuda():
    """The driver naja has opened: see nj_cuda_open."""
    mock = os.environ.get('NAJA_DEVICE') == 'mock'
    return os.environ.get('NAJA_LIBCUDA') or (os.environ['NAJA_FAKE_CUDA'] if mock else 'libcuda.so.1')


def compiler():
    return next(filter(None, map(shutil.which, ('cc', 'gcc', 'clang', 'nvcc'))), None)


def peer_on_fake(argv):
    """The status of this program run again where libcuda.so.1 is peer_cuda.c, over the fake driver."""
    here = os.path.dirname(os.path.abspath(__file__))
    root, fake = os.path.dirname(os.path.dirname(here)), os.path.abspath(libcuda())
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([compiler(), '-O2', '-shared', '-fPIC', '-I', root, '-I', os.path.join(root, 'cuda'),
                        os.path.join(here, 'peer_cuda.c'), fake, '-Wl,-rpath,' + os.path.dirname(fake),
                        '-Wl,-soname,libcuda.so.1', '-o', os.path.join(folder, 'libcuda.so.1')], check=True)
        env = {**os.environ, 'LD_LIBRARY_PATH': folder + os.pathsep + os.environ.get('LD_LIBRARY_PATH', ''), 'NAJA_LIBCUDA': fake,
               'CUDA_PYTHON_DISABLE_MAJOR_VERSION_WARNING': '1', 'NUMBA_CUDA_LOW_OCCUPANCY_WARNINGS': '0'}
        return subprocess.run([sys.executable, os.path.abspath(__file__), *argv, '--again'], env=env).returncode


def bare_library(folder):
    """launch_bare.c as a library; None without a C compiler."""
    cc = compiler()
    if not cc:
        return None
    path = os.path.join(folder, 'launch_bare.so')
    pic = ['-Xcompiler', '-fPIC'] if cc.endswith('nvcc') else ['-fPIC']
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'launch_bare.c')
    subprocess.run([cc, '-O2', '-shared', *pic, '-o', path, source, '-ldl'], check=True)
    lib = ctypes.CDLL(path)
    lib.bare_open.argtypes = [ctypes.c_char_p] * 3
    lib.bare_time.argtypes = [ctypes.c_uint, ctypes.POINTER(ctypes.c_uint), ctypes.c_long]
    lib.bare_time.restype = ctypes.c_double
    return lib


def entry_of(ptx):
    """Name of the kernel in naja's PTX, and its parameters' sizes."""
    name, params = re.search(r'\.entry\s+([\w$]+)\s*\((.*?)\)', ptx, re.S).groups()
    return name, [int(m.group(1)) // 8 * int(m.group(2) or 1) for m in
                  re.finditer(r'\.param\b[^,]*?\.[bsuf](\d+)[^,\[]*(?:\[(\d+)\])?', params)]


def bare_open(lib, ptx):
    """Loads it as it is, or with an older .version where the driver is older: what it uses is old."""
    name, sizes = entry_of(ptx)
    for version in (None, '8.7', '8.4', '8.0', '7.8'):
        text = re.sub(r'\.version \S+', f'.version {version}', ptx, count=1) if version else ptx
        result = lib.bare_open(libcuda().encode(), text.encode(), name.encode())
        if result != 222:           # CUDA_ERROR_UNSUPPORTED_PTX_VERSION
            break
    if result:
        sys.exit(f'the driver does not load the kernel for C: CUresult {result}')
    return sizes


def time_burst(launch, args, synchronize, n):
    synchronize()
    start = time.perf_counter()
    run(launch, args, n)
    return (time.perf_counter() - start) / n * 1e9


def arrived():
    """Launches that the fake driver has seen; None of a real one."""
    lib = ctypes.CDLL(libcuda())
    if not hasattr(lib, 'nj_fake_called'):
        return None
    lib.nj_fake_called.restype, lib.nj_fake_called.argtypes = ctypes.c_long, [ctypes.c_char_p]
    return lib.nj_fake_called(b'cuLaunchKernel')


def time_beside(lib, arrays, scalars, bursts, peers=None):
    """Nanoseconds of naja's, C's and the peer's launch, the best of bursts in turns."""
    from naja import cuda
    kernel, args = define(arrays, scalars)
    sizes = bare_open(lib, kernel.inspect_asm(kernel.signatures[0]))
    values = (ctypes.c_uint * (len(sizes) + 1))(*sizes)
    launches = [(kernel[1, 32], args, cuda.synchronize, BURST)]
    if peers:
        theirs = (*make(arrays, scalars, peers), peers.synchronize)
        few = max(4, min(BURST, int(1e6 / time_burst(*theirs, 4))))     # a millisecond: a longer burst is interrupted
        launches.append((*theirs, few))
    best, before = [float('inf')] * 3, arrived()
    for _ in range(bursts):
        ns = [time_burst(*one) for one in launches]
        ns.insert(1, lib.bare_time(len(sizes), values, BURST))
        if ns[1] < 0:
            sys.exit(f'a launch from C failed: CUresult {-ns[1]:.0f}')
        best = [min(a, b) for a, b in zip(best, ns + [float('inf')])]
    if before is not None and arrived() - before != bursts * (BURST + sum(n for *_, n in launches)):
        sys.exit('launches that did not reach the driver')
    return best


def print_bare(bursts, peers, fake, as_json):
    """The table, or a JSON list for each case: name, nanoseconds of naja, of C, of the peer or null."""
    with tempfile.TemporaryDirectory() as folder:
        lib = bare_library(folder)
        if not lib:
            sys.exit('--bare needs a C compiler: cc, gcc, clang or nvcc')
        if not as_json:
            print('on the fake driver, which runs nothing' if fake else 'on a GPU')
            print(f'{"":<16}{"naja":>12}{"C":>12}{"added":>8}' + ('' if fake else f'{"ratio":>8}{"aim":>6}')
                  + (f'{"numba-cuda":>14}{"naja/it":>10}' if peers else ''))
        for name, arrays, scalars in CASES:
            ours, bare, theirs = time_beside(lib, arrays, scalars, bursts, peers)
            if as_json:
                print(json.dumps([name, ours, bare, theirs if peers else None]), flush=True)
                continue
            print(f'{name:<16}{ours:>9.0f} ns{bare:>9.0f} ns{ours - bare:>8.0f}'
                  + ('' if fake else f'{ours / bare:>8.2f}{AIMS.get(name, ""):>6}')
                  + (f'{theirs:>11.0f} ns{ours / theirs:>10.4f}' if peers else ''), flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
    p.add_argument('--count', action='store_true', help='instructions, by callgrind')
    p.add_argument('--peers', action='store_true', help='numba-cuda too (needs a GPU, or --bare --fake)')
    p.add_argument('--fake', action='store_true', help='with --bare --peers: on the fake driver')
    p.add_argument('--bare', action='store_true', help='beside the same launches from C')
    p.add_argument('--bursts', type=int, default=400, help='how often, for --bare')
    p.add_argument('--json', action='store_true', help='--bare as one JSON list a line')
    p.add_argument('--again', action='store_true', help=argparse.SUPPRESS)
    p.add_argument('--child', help=argparse.SUPPRESS)
    args = p.parse_args()
    if args.child:
        arrays, scalars, n = map(int, args.child.split(','))
        run(*make(arrays, scalars), n)
        return
    fake = args.fake or not args.peers
    if fake:
        os.environ.setdefault('NAJA_DEVICE', 'mock')
        os.environ.setdefault('NAJA_FAKE_RECORD', '0')
    if args.bare:
        if args.peers and fake and not args.again:
            sys.exit(peer_on_fake(sys.argv[1:]))
        if args.peers:
            from numba import cuda
        print_bare(args.bursts, cuda if args.peers else None, os.environ.get('NAJA_DEVICE') == 'mock', args.json)
        return
    for name, arrays, scalars in CASES:
        if args.count:
            print(f'{name:<16}{count_one(arrays, scalars):>9.0f} instructions')
        else:
            line = f'{name:<16}{time_one(*make(arrays, scalars)):>9.0f} ns'
            if args.peers:
                from numba import cuda
                line += f'{time_one(*make(arrays, scalars, cuda), n=2000):>9.0f} ns numba-cuda'
            print(line)


if __name__ == '__main__':
    main()
