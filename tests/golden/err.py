"""Golden tests of messages: what a user reads when err/*.py's functions are called.

    err/x.py       functions, and the table `cases` of rows (function, arguments...)
    err/x.err      the exception's class and text of each, with CPython 3.11's columns; others compare without carets

`pytest tests/golden/err.py`, or this file itself; --update writes what it gets, to be reviewed like code.
"""
import re
import sys

from golden import HERE, compare, install, run_file


def message(function, arguments):
    from naja import njit
    compiled = function if hasattr(function, "py_func") else njit(function)
    try:
        value = compiled(*arguments)
    except Exception as e:
        return f"{type(e).__name__}: {e}"
    return f"no error, but {value!r}"


def plain(text):
    """Without folders and addresses."""
    text = re.sub(r"(?m)(^| |\()/[^ :]*/", r"\1", text)
    return re.sub(r"0x[0-9a-f]{6,}", "0x...", text)


def show(path):
    return "\n".join(f"== {row[0].__name__}\n{plain(message(row[0], row[1:]))}\n" for row in run_file(path)["cases"])


def same_lines(text):
    """What every version says: 3.10 keeps no columns, and so no notes on the error's own line; later ones put some elsewhere."""
    if sys.version_info < (3, 11):
        text = re.sub(r"(?m)^note: .*\n(?: +[0-9]* \|.*\n)*", "", text)
    return [line for line in text.splitlines() if sys.version_info[:2] == (3, 11) or set(line) - set(" |^~")]


def check(path, update):
    return compare(show(path), path.with_suffix(".err"), update, same_lines)


install(globals(), [(check, path) for path in sorted(HERE.glob("err/*.py"))])
