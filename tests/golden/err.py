"""Golden tests of messages: what a user reads when err/*.py's functions are called.

    err/x.py       functions, and the table `cases` of rows (function, arguments...)
    err/x.err      the exception's class and text of each, with CPython 3.11's columns; other versions are compared without carets

`pytest tests/golden/err.py`, or this file itself; --update writes what it gets, to be reviewed like code.
"""
import difflib
import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent / "err"


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
    space = {"__name__": path.stem, "__file__": str(path)}
    exec(compile(path.read_text(), str(path), "exec"), space)
    rows = space["cases"]
    return "\n".join(f"== {row[0].__name__}\n{plain(message(row[0], row[1:]))}\n" for row in rows)


def same_lines(text):
    """What every version says: 3.10 keeps no columns, later ones put some elsewhere."""
    return [line for line in text.splitlines() if sys.version_info[:2] == (3, 11) or set(line) - set(" |^~")]


def check(path, update):
    got, file = show(path), path.with_suffix(".err")
    if update:
        file.write_text(got)
    want = file.read_text() if file.exists() else ""
    diff = difflib.unified_diff(same_lines(want), same_lines(got), file.name, path.name, lineterm="")
    return "\n".join(diff) or None


CASES = sorted(HERE.glob("*.py"))


def pytest_generate_tests(metafunc):
    metafunc.parametrize("path", CASES, ids=[p.stem for p in CASES])


def test_messages(path):
    complaint = check(path, False)
    assert complaint is None, complaint


def main():
    failed = [complaint for path in CASES if (complaint := check(path, "--update" in sys.argv))]
    print("\n".join(failed + [f"{len(CASES) - len(failed)} passed, {len(failed)} failed"]))
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
