"""Where ported programs import errors, types and config from: naja.core.errors, naja.core.types."""
from .. import errors, types
import sys as _sys

_sys.modules[__name__ + ".errors"] = errors
_sys.modules[__name__ + ".types"] = types
