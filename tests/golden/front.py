"""Golden tests of the front end: the SSA of every function in front/*.py, the same on every Python version.

    front/x.py       functions in source order; what they need of a module is imported at the top
    front/x.ssa      their SSA without columns, or the messages they are refused with; x.310.ssa where 3.10 differs

`pytest tests/golden/front.py`, or this file itself; --update writes what it gets, to be reviewed like code.
The extension is naja's own, or the one in the folder that NAJA_EXT names.
"""
import importlib
import os
import sys

from golden import HERE, compare, install, of_version, run_file, without_columns


def extension():
    folder = os.environ.get("NAJA_EXT")
    if folder:
        sys.path.insert(0, folder)
    return importlib.import_module("_naja" if folder else "naja._naja")


def show(ext, func):
    errors = ext.front_errors(func)
    if errors:
        return f"func {func.__name__}\n" + "".join(f"error {code} line {line}: {text}\n" for code, line, text in errors)
    return without_columns(ext.dump_ssa(func))


def functions(path):
    """Functions that the file defines at its top level, or puts in its table `cases`."""
    space = run_file(path)
    own = [f for f in space.values() if hasattr(f, "__code__") and getattr(f, "__module__", None) == path.stem]
    return own + list(space.get("cases", ()))


def check(path, update):
    ext = extension()
    return compare("\n".join(show(ext, f) for f in functions(path)), of_version(path, ".ssa"), update)


install(globals(), [(check, path) for path in sorted(HERE.glob("front/*.py"))])
