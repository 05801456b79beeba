"""Golden tests of inference: the typed IR of the functions in infer/*.py, or what is wrong with them.

    infer/x.py       a list `cases` of (function, signature) or (function, signature, target)
    infer/x.typed    their values with types and those of all they call, or error lines; x.310.typed where 3.10 differs

`pytest tests/golden/infer.py`, or this file itself; --update writes what it gets, to be reviewed like code.
The naja that is installed is used, or the one in the folder that NAJA_PKG names.
"""
import difflib
import importlib
import os
import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent / "infer"


def extension():
    if os.environ.get("NAJA_PKG"):
        sys.path.insert(0, os.environ["NAJA_PKG"])
    return importlib.import_module("naja")._naja


def plain(text):
    """Lines without columns, and without the folder of the file."""
    text = re.sub(r"(?m) *@(\d+):\d+-\d+:\d+$", r"  @\1", text)
    text = re.sub(r"(?m) *@(\d+)(-\d+)?$", r"  @\1", text)
    return re.sub(r'from "[^"]*/', 'from "', text)


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
        return head + plain(ext.dump_typed(func, signature, target))
    except Exception as error:
        return head + complaint(error)


def cases(path):
    space = {"__name__": path.stem}
    exec(compile(path.read_text(), str(path), "exec"), space)
    return space["cases"]


def expected(path):
    own = path.with_suffix(f".{sys.version_info[0]}{sys.version_info[1]:02d}.typed")
    return own if own.exists() else path.with_suffix(".typed")


def check(path, update):
    ext = extension()
    got = "\n".join(show(ext, *case) for case in cases(path))
    if update:
        expected(path).write_text(got)
    want = expected(path).read_text() if expected(path).exists() else ""
    diff = difflib.unified_diff(want.splitlines(), got.splitlines(), expected(path).name, path.name, lineterm="")
    return None if got == want else "\n".join(diff)


CASES = sorted(HERE.glob("*.py"))


def pytest_generate_tests(metafunc):
    metafunc.parametrize("path", CASES, ids=[p.stem for p in CASES])


def test_infer(path):
    assert check(path, False) is None


def main():
    failed = [diff for path in CASES if (diff := check(path, "--update" in sys.argv))]
    print("\n".join(failed + [f"{len(CASES) - len(failed)} passed, {len(failed)} failed"]))
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
