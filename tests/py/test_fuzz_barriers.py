"""Random kernels with barriers against plain Python threads in step; tests/fuzz/barriers.py makes them."""
import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'fuzz'))
import barriers  # noqa: E402


@pytest.mark.parametrize('first', range(0, 60, 10))
def test_barrier_kernels(first):
    for seed in range(first, first + 10):
        bad = barriers.wrong(seed)
        assert bad is None, f'seed {seed}: %s\n%s threads, m = %s\n%s\n%s' % bad
