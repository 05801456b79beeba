"""Golden tests of the front end: the SSA of every function in front/*.py, the same on every Python version.

    front/x.py       functions in source order; what they need of a module is imported at the top
    front/x.ssa      their SSA without columns, or the messages they are refused with; front/x.310.ssa where 3.10 differs

`pytest tests/golden/front.py`, or this file itself; --update writes what it gets, to be reviewed like code.
The extension is naja's own, or the one in the folder that NAJA_EXT names.
"""
import difflib
import importlib
import os
import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent / "front"


def extension():
    folder = os.environ.get("NAJA_EXT")
    if folder:
        sys.path.insert(0, folder)
    return importlib.import_module("_naja" if folder else "naja._naja")


def plain(text):
    """Without columns, and without the folder of the file."""
    text = re.sub(r"(?m) *@(\d+):\d+-\d+:\d+$", r"  @\1", text)
    text = re.sub(r"(?m) *@(\d+)(-\d+)?$", r"  @\1", text)
    return re.sub(r'from "[^"]*/', 'from "', text)


def show(ext, func):
    errors = ext.front_errors(func)
    if errors:
        return f"func {func.__name__}\n" + "".join(f"error {code} line {line}: {text}\n" for code, line, text in errors)
    return plain(ext.dump_ssa(func))


def functions(path):
    """Functions that the file defines at its top level, or puts in its table `cases`."""
    space = {"__name__": path.stem}
    exec(compile(path.read_text(), str(path), "exec"), space)
    own = [f for f in space.values() if callable(f) and getattr(f, "__module__", None) == path.stem and hasattr(f, "__code__")]
    return own + list(space.get("cases", ()))


def expected(path):
    own = path.with_suffix(f".{sys.version_info[0]}{sys.version_info[1]:02d}.ssa")
    return own if own.exists() else path.with_suffix(".ssa")


def check(path, update):
    ext = extension()
    got = "\n".join(show(ext, f) for f in functions(path))
    if update:
        expected(path).write_text(got)
    want = expected(path).read_text() if expected(path).exists() else ""
    diff = difflib.unified_diff(want.splitlines(), got.splitlines(), expected(path).name, path.name, lineterm="")
    return None if got == want else "\n".join(diff)


CASES = sorted(HERE.glob("*.py"))


def pytest_generate_tests(metafunc):
    metafunc.parametrize("path", CASES, ids=[p.stem for p in CASES])


def test_front(path):
    complaint = check(path, False)
    assert complaint is None, complaint


def main():
    failed = [complaint for path in CASES if (complaint := check(path, "--update" in sys.argv))]
    print("\n".join(failed + [f"{len(CASES) - len(failed)} passed, {len(failed)} failed"]))
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
