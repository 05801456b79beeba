"""1,000 generated functions give CPython's result bit for bit, raise what it raises, or are refused with a reason."""
import math
import os
import struct
import sys

import pytest

from naja import njit
from naja.core.errors import NumbaError

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'fuzz'))
from generate import ARGUMENTS, generate        # noqa: E402

SEEDS = range(int(os.environ.get('NAJA_FUZZ_FIRST', 0)), int(os.environ.get('NAJA_FUZZ_COUNT', 1000)))
CHUNK = 50


def bits(x):
    """What two results are compared by: type and bits; all NaNs are one."""
    if isinstance(x, tuple):
        return tuple(bits(v) for v in x)
    if isinstance(x, float):
        return 'nan' if math.isnan(x) else struct.pack('<d', x)
    return type(x), x


def outcome(f, args):
    try:
        return bits(f(*args))
    except (ZeroDivisionError, OverflowError, ValueError) as e:
        return type(e)


def check(seed):
    """None where all is well, 'refused' where naja says no, else what differs."""
    source = generate(seed)
    scope = {'math': math}
    exec(source, scope)
    f = scope['f']
    compiled = njit(f)
    for args in ARGUMENTS:
        expected = outcome(f, args)
        if expected in (OverflowError, ValueError):
            continue            # int(inf), round(nan): compiled code has no bigger integers and does not raise
        try:
            got = outcome(compiled, args)
        except NumbaError as e:
            assert str(e).strip(), f'seed {seed}: refused without a reason'
            return 'refused'
        if got != expected:
            return f'seed {seed}, arguments {args}: {got} instead of {expected}\n{source}'
    return None


@pytest.mark.parametrize('first', range(SEEDS.start, SEEDS.stop, CHUNK))
def test_generated_functions(first):
    results = [check(seed) for seed in range(first, min(first + CHUNK, SEEDS.stop))]
    wrong = [r for r in results if r not in (None, 'refused')]
    assert not wrong, f'{len(wrong)} of {len(results)} differ; the first:\n{wrong[0]}'
    assert results.count('refused') <= len(results) // 10, 'more than one in ten refused'
