"""Programs that a program wrote: thousands of statements, loops, branches in one function. LLVM runs fewer passes on
these (cpu/llvm/effort.c); every row of that table must compute what Python computes, and none may exhaust a stack."""
import subprocess
import sys
import threading

import numpy as np
import pytest

from naja import njit
from portion import once

pytestmark = once


def made(body, args='x', before=''):
    scope = {'np': np}
    exec(f'{before}\ndef top({args}):\n' + '\n'.join('    ' + line for line in body), scope)
    return scope['top']


def loops(n):
    body = ['s = 0']
    for k in range(n):
        body += ['for i in range(x):', f'    s += (i + {k}) ^ 5']
    return made(body + ['return s'])


def whiles(n):
    body = ['s = x']
    for k in range(n):
        body += [f'while s > {k % 9}:', f'    s -= x + {k % 5}', f's += {k}']
    return made(body + ['return s'])


def branches(n):
    body = ['y = z = 0']
    for k in range(n):
        body += [f'if y ^ {k} > x:', '    y += x', 'else:', '    z -= y']
    return made(body + ['return y * 3 + z'])


def divisions(n):
    return made(['s = 0'] + [f's = (s * 5 + {k}) // (x + {k}) - s % (x + {k + 1})' for k in range(n)] + ['return s'])


def floats(n):
    names = 'abcd'
    body = ['a = b = c = d = float(x)']
    body += [f'{names[k % 4]} = {names[(k + 1) % 4]} * {(k % 7 - 3) / 8} + {names[(k + 2) % 4]} / 2 + {k}' for k in range(n)]
    return made(body + ['return a + b + c + d'])


def carried(n):
    """n variables that all change in one loop."""
    body = [f'v{k} = x + {k}' for k in range(n)] + ['for i in range(x):']
    body += [f'    v{k} = (v{k} + (v{(k * 7 + 3) % n} ^ i)) & 0xffff' for k in range(n)]
    return made(body + ['return ' + ' ^ '.join(f'v{k}' for k in range(n))])


@pytest.mark.parametrize('make, n', [
    (loops, 100), (loops, 160), (loops, 620), (loops, 2600), (whiles, 300), (whiles, 2600), (branches, 130), (branches, 500),
    (branches, 2100), (divisions, 60), (divisions, 130), (floats, 1500), (floats, 12000), (carried, 40), (carried, 900)],
    ids=lambda v: getattr(v, '__name__', str(v)))
def test_large_function(make, n):
    plain = make(n)
    compiled = njit(plain)
    for x in (1, 3):
        assert compiled(x) == pytest.approx(plain(x), rel=1e-12), (make.__name__, n, x)


def test_stores_and_loads():
    body = [f'a[{k % 50}] = a[{(k * 7 + 1) % 50}] * {(k % 5 - 2) / 8} + a[{k * 3 % 50}] / 2' for k in range(3000)]
    plain = made(body, 'a')
    a, b = np.linspace(0, 1, 50), np.linspace(0, 1, 50)
    with np.errstate(all='ignore'):
        plain(a)
    njit(plain)(b)
    np.testing.assert_allclose(a, b, rtol=1e-12)


def test_many_loops_on_a_small_stack():
    """LLVM's recursion is as deep as a function has loops in a row; a user's thread may have little stack."""
    code = ('import threading, sys\nsys.path.insert(0, %r)\nfrom test_large import loops, njit\n'
            'got = []\nthreading.stack_size(192 * 1024)\n'
            't = threading.Thread(target=lambda: got.append(njit(loops(140))(2)))\nt.start(); t.join()\n'
            'assert got == [loops(140)(2)]\nprint(njit(loops(5000))(2) == loops(5000)(2))')
    done = subprocess.run([sys.executable, '-c', code % __file__.rsplit('/', 1)[0]], capture_output=True, text=True)
    assert done.stdout == 'True\n', done.stderr[-2000:]


def test_long_chains_of_calls():
    small = ['@njit\ndef f0(x):\n    return x * 3'] + [f'@njit\ndef f{k}(x):\n    return f{k - 1}(x + {k}) ^ {k}' for k in range(1, 900)]
    scope = {'njit': njit}
    exec('\n'.join(small), scope)
    want = 5 + sum(range(1, 900))
    want *= 3
    for k in range(1, 900):
        want ^= k
    got = []
    t = threading.Thread(target=lambda: got.append(scope['f899'](5)))
    t.start()
    t.join()
    assert got == [want]


def test_calls_that_double():
    """A diamond: each of 20 levels calls the next twice, a million paths in 20 functions."""
    small = ['@njit\ndef f0(x):\n    return x * 3 + 1'] + [
        f'@njit\ndef f{k}(x):\n    if x > 9:\n        return x\n    return f{k - 1}(x + {k}) ^ f{k - 1}(x * {k} + 7)' for k in range(1, 20)]
    scope = {'njit': njit}
    exec('\n'.join(small), scope)
    assert scope['f19'](3) == scope['f19'].py_func(3)


def test_a_long_chain_of_calls_in_a_thread():
    """Neither Python's recursion limit nor a thread's stack bounds how deep compiled functions call each other."""
    scope = {'njit': njit}
    exec('@njit\ndef f0(x):\n    return x + 1\n' + ''.join(f'@njit\ndef f{k}(x):\n    return f{k - 1}(x) + 1\n' for k in range(1, 1500)), scope)
    got = []
    t = threading.Thread(target=lambda: got.append(scope['f1499'](1)))
    t.start()
    t.join()
    assert got == [1501]


@pytest.mark.parametrize('fill', ['noise', 'zeros', 'text'])
def test_a_constant_array_of_megabytes(fill):
    """Every byte value, and what LLVM text would have to escape."""
    a = np.zeros(3 << 20, np.uint8)
    if fill == 'noise':
        a[:] = np.random.default_rng(5).integers(0, 256, a.size)
    elif fill == 'text':
        a[:] = np.resize(np.frombuffer(b'"\\\0\x7f 09AFaf\x1f~\xff\n', np.uint8), a.size)
    scope = {'A': a, 'np': np}
    exec('def total(k):\n    s = 0\n    for i in range(A.shape[0]):\n        s += A[i] * ((i & 7) + k)\n    return s', scope)
    want = int((a.astype(np.int64) * ((np.arange(a.size) & 7) + 3)).sum())
    assert njit(scope['total'])(3) == want
