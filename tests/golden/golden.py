"""golden.py - what the golden tests share: files compared with what naja prints, rewritten when --update asks.

A runner beside this file calls `install` with its table of cases, rows of (check, file, more arguments ...), where
check(file, ..., update) is None or the complaint; pytest then runs each row as a test, the runner itself all of them.
"""
import difflib
import os
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def njc(*args):
    """The finished process of njc: the one that NJC names, or the newest of the build folders."""
    builds = sorted(ROOT.glob("build*/njc"), key=lambda p: p.stat().st_mtime)
    exe = os.environ.get("NJC") or (builds and builds[-1])
    if not exe:
        raise FileNotFoundError("no njc in build*/: cmake --build build --target njc")
    env = {k: v for k, v in os.environ.items() if not k.startswith("NAJA_")}
    command = [str(Path(exe).resolve()), *args]
    return subprocess.run(command, capture_output=True, text=True, env=env, cwd=HERE, timeout=60)


def without_columns(text):
    """IR text without columns, which 3.10 does not have, and without the folder of the source."""
    text = re.sub(r"(?m) *@(\d+):\d+-\d+:\d+$", r"  @\1", text)
    text = re.sub(r"(?m) *@(\d+)(-\d+)?$", r"  @\1", text)
    return re.sub(r'from "[^"]*/', 'from "', text)


def run_file(path):
    """The names that a file of functions defines."""
    space = {"__name__": path.stem, "__file__": str(path)}
    exec(compile(path.read_text(), str(path), "exec"), space)
    return space


def of_version(path, suffix):
    """x.313.ssa where this Python has an answer of its own, else x.ssa."""
    own = path.with_suffix(f".{sys.version_info[0]}{sys.version_info[1]:02d}{suffix}")
    return own if own.exists() else path.with_suffix(suffix)


def compare(got, file, update, lines=lambda text: text.split("\n")):
    """None, or how `got` differs from the file; `lines` picks what is compared."""
    if update:
        file.write_text(got)
    want = file.read_text() if file.exists() else ""
    return "\n".join(difflib.unified_diff(lines(want), lines(got), file.name, "now", lineterm="")) or None


def install(space, cases):
    """Gives the runner's module its hook, its test and its exit status."""
    def pytest_generate_tests(metafunc):
        ids = ["-".join([str(path.relative_to(ROOT)), *more]) for _, path, *more in cases]
        metafunc.parametrize("case", cases, ids=ids)

    def test_golden(case):
        check, *arguments = case
        complaint = check(*arguments, False)
        assert complaint is None, complaint

    space.update(pytest_generate_tests=pytest_generate_tests, test_golden=test_golden)
    if space["__name__"] == "__main__":
        found = [(arguments[0], check(*arguments, "--update" in sys.argv)) for check, *arguments in cases]
        failed = [f"FAILED {path.relative_to(ROOT)}\n{complaint}" for path, complaint in found if complaint is not None]
        print("\n".join([*failed, f"{len(cases) - len(failed)} passed, {len(failed)} failed"]))
        sys.exit(bool(failed))
