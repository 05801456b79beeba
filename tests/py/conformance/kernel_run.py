"""The fixture run(kernel[config], *args): launches on the CPU device, then makes PTX for the same types and has ptxas
assemble it."""
import pytest

from naja import _naja, cuda
from naja.errors import LibraryError

FOUND = {name: path for name, path, _, _ in _naja.toolkit_found()}
PTXAS = FOUND.get('ptxas')


def assemble(kernel, arch=(7, 5)):
    """Every signature of a launched kernel -> PTX -> cubin; the PTX texts."""
    texts = []
    for sig in kernel.nopython_signatures:
        options = {k: kernel.targetoptions[k] for k in ('debug', 'fastmath')}
        try:
            text, _ = cuda.compile_ptx(kernel.py_func, sig, cc=arch, **options)
        except LibraryError as e:
            if FOUND.get('libdevice'):
                raise
            pytest.skip(f'the results are right; {e}')
        if PTXAS:
            assert _naja.ptxas(text, 'sm_%d%d' % arch)[:4] == b'\x7fELF'
        texts.append(text)
    return texts


@pytest.fixture
def run():
    launched = []

    def go(configured, *args):
        configured(*args)
        launched.append(configured.dispatcher)

    yield go
    for kernel in {id(k): k for k in launched}.values():
        assemble(kernel)
    if launched and not PTXAS:
        pytest.skip('the results are right; no ptxas to assemble the PTX')
