"""naja compiles Python functions to native code and to GPU kernels, and launches them.

    from naja import cuda, jit, njit, vectorize, prange, float64

Importing it loads one small extension and nothing of NumPy, LLVM or CUDA: those come at first use.
"""
from ._version import __version__
try:
    from ._naja import (Dispatcher, dump, from_dtype, get_num_threads, optional_type as optional, set_num_threads,
                        typeof)
except ModuleNotFoundError as missing:
    import sys
    raise ImportError(f"naja {__version__} in {__path__[0]} was not built for this Python, {sys.version.split()[0]} "
                      f"({sys.implementation.cache_tag}): CPython 3.10 to 3.13 can install it") from missing
from .errors import *
from . import _aliases
from ._aliases import *
from .decorators import guvectorize, jit, jit_module, njit, vectorize

version_info = tuple(int(part) for part in __version__.split("."))

# Loops over it may run in parallel once naja does that; until then it is what it looks like.
prange = range

# What `from naja import *` gives: the names programs written for the peer expect from it.
__all__ = ["from_dtype", "guvectorize", "jit", "jit_module", "njit", "prange", "typeof", "vectorize", "optional",
           "get_num_threads", "set_num_threads"] + _aliases.__all__ + errors.__all__

# Loaded at first use, so that `import naja` costs milliseconds. name -> (module, attribute or None for all of it)
_LAZY = {
    "types": ("naja.types", None),
    "cuda": ("naja.cuda", None),
    "core": ("naja.core", None),
}


# names of the peer that are still to come; errors._missing says so
_NOT_YET = frozenset(("typed experimental jitclass objmode stencil cfunc generated_jit literally literal_unroll carray farray config "
                      "extending threading_layer gdb overload").split())


def __getattr__(name):
    import sys
    if name not in _LAZY:
        raise errors._missing("naja", name, _NOT_YET, sys._getframe(1))
    module, attribute = _LAZY[name]
    __import__(module)                    # importlib would bring warnings and more
    value = sys.modules[module]
    if attribute:
        value = getattr(value, attribute)
    globals()[name] = value
    return value


def __dir__():
    return sorted(set(globals()) | set(_LAZY))
