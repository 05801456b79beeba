"""Kernels by way of a cubin, on the fake driver: kept beside the PTX, loaded without a JIT, made anew when it is refused.

Each program is a process of its own; counted driver calls, hits and stores tell what it cost.
"""
import os
import pathlib
import re
import subprocess
import sys

import pytest

from test_mock import FAKE, mock

pytestmark = pytest.mark.skipif(not FAKE, reason='NAJA_FAKE_CUDA does not name the fake driver')

# called: driver calls by the beginning of their names; work: what `add` does, so that its parameters were known
ADD = r'''
from naja import _naja
fake.nj_fake_called.argtypes = [ctypes.c_char_p]
fake.nj_fake_called.restype = fake.nj_fake_jit_option.restype = ctypes.c_long
def called(name):
    return fake.nj_fake_called(name.encode())
def links():                                        # cubins made; 0: the linker was not touched
    return called('cuLinkComplete') or called('cuLink')
@KERNEL
def work(name, g, params):
    n = ctypes.cast(params[5], ctypes.POINTER(ctypes.c_int64))[0]
    array_at(params, 4, n, 'f8')[:] = array_at(params, 0, n, 'f8') + array_at(params, 2, n, 'f8')
fake.nj_fake_on_launch(work)
def launch(kernel=add):
    out = np.zeros(4)
    kernel[1, 32](np.arange(4.0), np.full(4, 5.0), out)
    assert out.tolist() == [5.0, 6.0, 7.0, 8.0], out
def stats(*names):
    return [_naja.cache_stats()[name] for name in names]
'''
REPORT = r'''
launch()
libs = [lib for lib in ('nvvm', 'naja_llvm') if any(lib in line for line in open('/proc/self/maps'))]
print(links(), called('cuModuleLoadDataEx'), *stats('hits', 'misses', 'stores'), ','.join(libs) or '-')
'''
NEW = '13900'


@pytest.fixture
def folder(tmp_path):
    return str(tmp_path / 'cache')


def run(folder, body='', **env):
    """What a process that launches `add` prints. Its driver is newer than any PTX, unless the test says otherwise."""
    return mock(ADD + body + REPORT, **{'NAJA_CACHE_DIR': folder, 'NAJA_FAKE_VERSION': NEW, **env}).split()


def entry(folder):
    (path,) = [os.path.join(top, name) for top, _, names in os.walk(folder) for name in names]
    return path


def parts(path):
    """Whole file, places of code and cubin."""
    data = open(path, 'rb').read()
    word = lambda at: int.from_bytes(data[at:at + 4], 'little')
    code, ncode, ncubin = 96 + word(12) + word(16), word(24), word(20)
    return data, code, ncode, len(data) - ncubin, ncubin


def cubin_of(path):
    data, _, _, at, n = parts(path)
    return data[at:at + n]


def damage(path, data):
    mode = os.stat(path).st_mode & 0o777
    open(path, 'wb').write(data)
    os.chmod(path, mode)


def test_a_new_process_loads_the_cubin(folder):
    calls, loads, hits, misses, stores, _ = run(folder)
    assert (calls, loads, hits, misses, stores) == ('1', '1', '0', '1', '1')
    assert cubin_of(entry(folder)).startswith(b'\x7fELF')
    assert run(folder) == ['0', '1', '1', '0', '0', '-']


def test_inspection_after_a_hit(folder):
    body = r'''
launch()
sig = add.signatures[0]
ptx = add.inspect_asm(sig)
assert '.version' in ptx and '.visible .entry' in ptx
print(len(ptx), stats('hits')[0])
'''
    first, second = [mock(ADD + body, NAJA_CACHE_DIR=folder).split() for _ in range(2)]
    assert first[0] == second[0] and (first[1], second[1]) == ('0', '1')


@pytest.mark.parametrize('code', [200, 209, 222])
def test_refused_and_made_anew(folder, code):
    run(folder)
    before = open(entry(folder), 'rb').read()
    out = run(folder, f'fake.nj_fake_refuse_cubins({code})\n')
    assert out[:5] == ['1', '3', '1', '0', '0']       # the old one, the new one, PTX: and the entry stays
    assert out[5] == '-' and open(entry(folder), 'rb').read() == before


def test_cubin_of_a_newer_driver(folder):
    run(folder, NAJA_FAKE_VERSION='13950')
    newer = cubin_of(entry(folder))
    assert run(folder) == ['1', '2', '1', '0', '1', '-']              # no compiler, and the entry is rewritten
    assert cubin_of(entry(folder)) != newer
    for version in NEW, '13950':
        assert run(folder, NAJA_FAKE_VERSION=version) == ['0', '1', '1', '0', '0', '-']


def test_ptx_newer_than_the_driver(folder):
    """pip brings a libNVVM of CUDA 13, the driver is of CUDA 12."""
    assert run(folder, NAJA_FAKE_VERSION='12080')[:5] == ['1', '1', '0', '1', '1']
    assert run(folder, NAJA_FAKE_VERSION='12080') == ['0', '1', '1', '0', '0', '-']


@pytest.mark.parametrize('call, code', [('cuLinkCreate', 801), ('cuLinkComplete', 999)])
def test_no_linker(folder, call, code):
    fail = f'fake.nj_fake_fail_call(b"{call}", {code})\n'
    out = run(folder, fail)
    assert out[1:5] == ['1', '0', '1', '1']
    assert cubin_of(entry(folder)) == b''
    out = run(folder, fail)
    assert out[1:] == ['1', '1', '0', '0', '-']
    assert run(folder)[1:] == ['1', '1', '0', '1', '-']               # the linker is back: the entry gets its cubin
    assert run(folder) == ['0', '1', '1', '0', '0', '-']


def test_without_a_cache():
    out = run('/nowhere', NAJA_CACHE='off')
    assert out[:5] == ['1', '1', '0', '0', '0']


@pytest.mark.parametrize('also', ['', 'cuLinkAddData', 'cuLinkComplete'])
def test_the_error_of_broken_ptx_is_the_jits(folder, also):
    """The linker and PTX both refuse it: one error, and nothing is kept."""
    mock(ADD + rf'''
fake.nj_fake_fail_call(b'cuModuleLoadDataEx', 218)
e = raises(CudaAPIError, launch)
assert e.code == 218 and str(e).startswith('cuModuleLoadDataEx failed: CUDA_ERROR_INVALID_PTX (218)'), e
assert stats('misses', 'stores') == [1, 0]
fake.nj_fake_fail_call({also.encode() or None}, 218)
launch()
assert fake.nj_fake_failed() == {also.encode() or None}
''', NAJA_CACHE_DIR=folder)


def test_damage(folder):
    run(folder)
    path = entry(folder)
    whole, code, ncode, cubin, ncubin = parts(path)
    assert ncode and ncubin
    bad = [whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1:]
           for at in (20, 27, code, code + ncode - 1, cubin, cubin + 70, len(whole) - 1)]
    bad += [whole[:n] for n in (cubin, cubin + ncubin // 2, len(whole) - 1)] + [whole + b'x']
    for i, data in enumerate(bad):
        with open(f'{folder}/{i}', 'wb') as f:
            f.write(data)
    mock(ADD + rf'''
whole = open({path!r}, 'rb').read()
for i in range({len(bad)}):
    data = open(f'{folder}/{{i}}', 'rb').read()
    with open({path!r}, 'wb') as f:
        f.write(data)
    fake.nj_fake_reset()
    fake.nj_fake_on_launch(work)
    before = stats('hits', 'misses', 'stores', 'rejected')
    launch(cuda.jit(add.py_func))
    assert [b - a for a, b in zip(before, stats('hits', 'misses', 'stores', 'rejected'))] == [0, 1, 1, 1], i
    assert links() == 1 and open({path!r}, 'rb').read() == whole, i
launch(cuda.jit(add.py_func))
assert stats('hits') == [1] and links() == 1
''', NAJA_CACHE_DIR=folder, NAJA_FAKE_VERSION=NEW)


def test_options_are_in_the_key_and_reach_the_linker(folder):
    body = r'''
for options in ({}, dict(max_registers=40), dict(max_registers=41), dict(debug=True, opt=False), dict(lineinfo=True)):
    fake.nj_fake_reset()
    fake.nj_fake_on_launch(work)
    before = stats('hits')
    launch(cuda.jit(**options)(add.py_func))
    print([fake.nj_fake_jit_option(i) for i in (0, 11, 13)] if links() else '', links(), stats('hits')[0] - before[0])
'''
    assert mock(ADD + body, NAJA_CACHE_DIR=folder).splitlines() == [
        '[-1, -1, -1] 1 0', '[40, -1, -1] 1 0', '[41, -1, -1] 1 0', '[-1, 1, -1] 1 0', '[-1, -1, 1] 1 0']
    assert mock(ADD + body, NAJA_CACHE_DIR=folder).splitlines() == 5 * [' 0 1']


def test_devices_of_two_architectures(folder):
    body = r'''
for i in range(3):
    cuda.select_device(i)
    launch()
print(links(), called('cuModuleLoadDataEx'), *stats('hits', 'misses', 'stores'))
'''
    env = dict(NAJA_FAKE_DEVICES='3', NAJA_FAKE_CC='86,90,90', NAJA_CACHE_DIR=folder)
    assert mock(ADD + body, **env).split() == ['2', '3', '1', '2', '2']         # the third finds what the second made
    assert mock(ADD + body, **env).split() == ['0', '3', '3', '0', '0']         # a module for each device


def test_several_signatures(folder):
    body = r'''
@cuda.jit([void(float64[:]), void(float32[:]), void(int32[:, :])])
def k(a):
    a[0] = a[1]
fake.nj_fake_on_launch(None)
print(links(), called('cuModuleLoadDataEx'), *stats('hits', 'misses'))
'''
    assert mock(ADD + body, NAJA_CACHE_DIR=folder).split() == ['3', '3', '0', '3']
    assert mock(ADD + body, NAJA_CACHE_DIR=folder).split() == ['0', '3', '3', '0']


def test_ufunc_kernels(folder):
    body = r'''
from naja import vectorize
fake.nj_fake_on_launch(None)
@vectorize(['float64(float64, float64)'], target='cuda')
def f(x, y):
    return x * y + 1
f(np.ones(5), np.ones(5))
print(links() > 0, called('cuModuleLoadDataEx'), stats('hits')[0] > 0)
'''
    first, second = [mock(ADD + body, NAJA_CACHE_DIR=folder).split() for _ in range(2)]
    assert first[0] == 'True' and second[0] == 'False' and second[2] == 'True' and first[1] == second[1]


def gpu_script(**env):
    script = pathlib.Path(__file__).parents[1] / 'gpu' / 'cached_cubin.py'
    return subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120,
                          env={**os.environ, 'NAJA_DEVICE': 'mock', **env})


def test_the_script_for_gpus():
    """What runs where there is a GPU finds nothing wrong with the fake one."""
    done = gpu_script()
    assert done.returncode == 0 and done.stdout.endswith('as it should be\n'), done.stdout + done.stderr


def test_a_real_cubin_is_loaded_as_it_is(folder):
    from naja import _naja
    if 'ptxas' not in [name for name, path, *_ in _naja.toolkit_found() if path]:
        pytest.skip('no ptxas to make one')
    run(folder)
    path = pathlib.Path(entry(folder))
    whole, code, ncode, *_ = parts(path)
    cubin = _naja.ptxas(whole[code:code + ncode - 1].decode(), 'sm_86')
    sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / 'gpu'))
    try:
        import cached_cubin
    finally:
        del sys.path[0]
    cached_cubin.put_cubin(path, cubin)
    out = mock(ADD + r'''
fake.nj_fake_on_launch(None)
x = cuda.to_device(np.zeros(4))
add[1, 32](x, x, x)
assert fake.nj_fake_launch_count() == 1 and stats('hits', 'stores') == [1, 0] and links() == 0
''', NAJA_CACHE_DIR=folder)
    assert cubin_of(path) == cubin


DISASSEMBLER = """#!/bin/sh
grep -q 'naja fake cubin' "$2" || exit 3
echo "as $1"
"""


def test_inspect_sass(folder, tmp_path):
    """What nvdisasm is given is the cubin that was loaded, compiled or found."""
    program = tmp_path / 'bin' / 'nvdisasm'
    program.parent.mkdir()
    program.write_text(DISASSEMBLER)
    program.chmod(0o755)
    for _ in range(2):
        out = mock(ADD + rf'''
launch()
there = {{name: path for name, path, *_ in _naja.toolkit_found()}}['nvdisasm']
sig = add.signatures[0]
if there == {str(program)!r}:
    print(add.inspect_sass(sig), add.inspect_sass_cfg(sig), add.inspect_sass() == {{sig: 'as -c\n'}})
''', NAJA_CACHE_DIR=folder, CUDA_HOME=str(tmp_path))
        if not out:
            pytest.skip('another nvdisasm is found before the one of this test')
        assert out.split() == ['as', '-c', 'as', '-cfg', 'True']


def test_inspect_sass_without_nvdisasm():
    out = mock(ADD + r'''
launch()
there = {name: path for name, path, *_ in _naja.toolkit_found()}['nvdisasm']
if not there:
    e = raises(RuntimeError, add.inspect_sass, add.signatures[0])
    print('nvdisasm was not found' in str(e) and '/bin/nvdisasm' in str(e), e)
''')
    if not out:
        pytest.skip('nvdisasm is installed')
    assert out.startswith('True'), out


def entry_of_another_version(folder):
    path = os.path.join(folder, '00', 62 * '0' + '.naja')
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    with open(path, 'wb') as f:
        f.write(b'najacach' + bytes([1]) + bytes(200))
    os.chmod(path, 0o600)
    return path


def test_what_the_command_shows(folder):
    def command(*args):
        return subprocess.run([sys.executable, '-m', 'naja', 'cache', *args], text=True, capture_output=True,
                              env={**os.environ, 'NAJA_CACHE_DIR': folder})
    run(folder)
    run(folder, 'fake.nj_fake_fail_call(b"cuLinkCreate", 999)\nadd = cuda.jit(max_registers=9)(add.py_func)\n'
                'launch(add)\n')
    mock('from naja import njit\nnjit(lambda x: x + 1)(1)\n', NAJA_CACHE_DIR=folder)
    listed = command('list').stdout
    assert len(re.findall(r'PTX \d+\.\d KiB \+ cubin \d+\.\d KiB$', listed, re.M)) == 1, listed
    assert len(re.findall(r'PTX \d+\.\d KiB$', listed, re.M)) == 1 and len(re.findall(r'native \d', listed)) == 1, listed
    assert 'cubin' in command('explain', 'add').stdout
    verified = command('verify')
    assert verified.returncode == 0 and '1 PTX and cubin' in verified.stdout and '1 native' in verified.stdout
    other = entry_of_another_version(folder)
    verified = command('verify')
    assert verified.returncode == 0 and '1 of another version of naja, 0 damaged' in verified.stdout
    assert '  of another version of naja\n' in command('list').stdout
    os.remove(other)
    damage_at = next(p for top, _, names in os.walk(folder) for p in [os.path.join(top, n) for n in names] if cubin_of(p))
    damage(damage_at, open(damage_at, 'rb').read()[:-3])
    verified = command('verify')
    assert verified.returncode == 1 and '1 damaged' in verified.stdout


@pytest.mark.parametrize('filled', [False, True])
def test_every_allocation_failing(folder, filled):
    """A launch that is found, or compiled, with no memory from the n-th allocation on: MemoryError or right, and no leak."""
    if filled:
        run(folder)
    out = mock(ADD + r'''
from naja import _naja
a, b, out = (cuda.to_device(np.full(4, x)) for x in (1.0, 2.0, 0.0))
failed, live = 0, fake.nj_fake_live()
for n in range(1, 4000):
    kernel = cuda.jit(add.py_func)
    sig = (float64[::1], float64[::1], float64[::1])
    _naja._alloc_fail_at(n)
    try:
        kernel.compile(sig)
    except MemoryError:
        failed += 1
    else:
        break
    finally:
        _naja._alloc_fail_at(-1)
    del kernel
    gc.collect()
    assert fake.nj_fake_live() == live, (n, fake.nj_fake_live(), live)
kernel[1, 4](a, b, out)
assert out.copy_to_host().tolist() == [3.0] * 4
print(failed)
''', NAJA_CACHE_DIR=folder, NAJA_FAKE_VERSION=NEW)
    assert 5 < int(out) < 3000
