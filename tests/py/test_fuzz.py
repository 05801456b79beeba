"""1,000 generated functions give CPython's result bit for bit, raise what it raises, or are refused with a reason."""
import math
import os
import struct
import sys
import warnings

import pytest

from naja import njit
from naja.core.errors import NumbaError
from portion import COUNT

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'fuzz'))
from generate import NUMBERS, Mass, arguments, generate        # noqa: E402

SEEDS = range(int(os.environ.get('NAJA_FUZZ_FIRST', 0)), COUNT)
CHUNK = 50


def bits(x):
    """What two results are compared by: type and bits; all NaNs are one."""
    if isinstance(x, tuple):
        return tuple(bits(v) for v in x)
    if isinstance(x, float):
        return 'nan' if math.isnan(x) else struct.pack('<d', x)
    return type(x), x


def outcome(f, numbers, seed):
    """The result, or the class of what was raised, and what the arrays hold then."""
    args = arguments(numbers, seed)
    try:
        result = bits(f(*args))
    except (ZeroDivisionError, OverflowError, ValueError) as e:
        result = type(e)
    except (AssertionError, KeyError) as e:
        result = type(e), e.args
    return result, [bits(tuple(a.ravel().tolist())) for a in args[4:]]


def functions(source):
    """f compiled, calling compiled helpers, and f as CPython has it."""
    for jit in (njit, lambda g: g):
        scope = {'math': math, 'njit': jit, 'Mass': Mass}
        exec(source, scope)
        yield jit(scope['f'])


def check(seed):
    """None where all is well, 'refused' where naja says no, else what differs."""
    source = generate(seed)
    compiled, plain = functions(source)
    for numbers in NUMBERS:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            expected = outcome(plain, numbers, seed)
        if expected[0] in (OverflowError, ValueError):
            continue            # int(inf), round(nan): compiled code has no bigger integers and does not raise
        try:
            got = outcome(compiled, numbers, seed)
        except NumbaError as e:
            assert str(e).strip(), f'seed {seed}: refused without a reason'
            return 'refused'
        if got != expected:
            return f'seed {seed}, arguments {numbers}: {got} instead of {expected}\n{source}'
    return None


@pytest.mark.parametrize('first', range(SEEDS.start, SEEDS.stop, CHUNK))
def test_generated_functions(first):
    results = [check(seed) for seed in range(first, min(first + CHUNK, SEEDS.stop))]
    wrong = [r for r in results if r not in (None, 'refused')]
    assert not wrong, f'{len(wrong)} of {len(results)} differ; the first:\n{wrong[0]}'
    assert results.count('refused') <= len(results) // 10, 'more than one in ten refused'
