"""How much of the large subjects this run does: NAJA_FUZZ_COUNT of 1,000. The CI does all of it under one Python, and a
part under each of the others, where what is left to see is the Python."""
import os

import pytest

COUNT = int(os.environ.get('NAJA_FUZZ_COUNT', 1000))

once = pytest.mark.skipif(COUNT < 1000, reason='the same under every Python: done where NAJA_FUZZ_COUNT is not smaller')


def part(n):
    """So many of n."""
    return max(1, n * COUNT // 1000)
