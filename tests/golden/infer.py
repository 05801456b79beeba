"""Golden tests of inference: the typed IR of the functions in infer/*.py, or what is wrong with them.

    infer/x.py       a list `cases` of (function, signature) or (function, signature, target)
    infer/x.typed    their values with types and those of all they call, or error lines; x.310.typed where 3.10 differs

`pytest tests/golden/infer.py`, or this file itself; --update writes what it gets, to be reviewed like code.
The naja that is installed is used, or the one in the folder that NAJA_PKG names.
"""
import importlib
import os
import re
import sys

from golden import HERE, compare, install, of_version, run_file, without_columns


def extension():
    if os.environ.get("NAJA_PKG"):
        sys.path.insert(0, os.environ["NAJA_PKG"])
    return importlib.import_module("naja")._naja


def complaint(error):
    """The message without source lines, carets and folders."""
    kept = []
    for line in str(error).splitlines():
        found = re.match(r"(?:\S*/)?\S+?:(?:(\d+):)? (\w+): (.*)", line)
        if found:
            kept.append(f"{found[2]} line {found[1]}: {found[3]}")
        elif line.startswith("note: "):
            kept.append("  " + line)
    return "\n".join(kept or [f"{type(error).__name__}: {error}"]) + "\n"


def show(ext, func, signature, target="cpu"):
    head = f"; {func.__name__}{signature} {target}\n"
    try:
        return head + without_columns(ext.dump_typed(func, signature, target))
    except Exception as error:
        return head + complaint(error)


def check(path, update):
    ext = extension()
    return compare("\n".join(show(ext, *case) for case in run_file(path)["cases"]), of_version(path, ".typed"), update)


install(globals(), [(check, path) for path in sorted(HERE.glob("infer/*.py"))])
