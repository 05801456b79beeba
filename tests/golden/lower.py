"""Golden tests of lowering and of the LLVM text.

    lower/*.nj       typed functions; `; target: T` in the first line. njc --lower=T prints the .core beside it
    emit/*.nj        core functions. njc --llvm=T prints the .T.ll beside it, for the targets of TARGETS

`pytest tests/golden/lower.py`, or this file itself; --update writes what njc prints, to be reviewed like code. LLVM
verifies the texts, too, where there is an `opt` (LLVM 19 or newer); test_cuda_nvvm checks libNVVM's dialect.
"""
import re
import shutil
import subprocess

from golden import HERE, compare, install, njc

TARGETS = {"calls": ["cpu", "cuda"], "numbers": ["cpu", "cuda"], "memory": ["cpu", "cuda", "nvptx"],
           "kernel": ["cpudev", "cuda", "nvptx"], "block": ["cpudev", "cuda"], "stacks": ["cpudev"],
           "split": ["cpudev"]}


def portable(text):
    """Without what differs between machines: which vector variants libmvec has here."""
    text = re.sub(r' "vector-function-abi-variant"="[^"]*"', " VARIANTS", text)
    text = re.sub(r"(?m)^declare <\d+ x .*_ZGV.*\n", "", text)
    return re.sub(r"(?m)^@llvm\.compiler\.used.*\n", "", text)


def verify(text):
    """What LLVM says about opaque-pointer text; None when it is fine or there is no opt."""
    opt = shutil.which("opt-22") or shutil.which("opt", path="/usr/lib/llvm-22/bin:/usr/lib/llvm-19/bin")
    if not opt:
        return None
    command = [opt, "-passes=verify", "-disable-output", "-"]
    r = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60)
    return r.stderr if r.returncode else None


def check_lower(path, target, update):
    r = njc("--check", "--plain", f"--lower={target}", str(path))
    return r.stderr or compare(r.stdout, path.with_suffix(".core"), update)


def check_emit(path, target, update):
    r = njc(f"--llvm={target}", str(path))
    wrong = r.stderr or (verify(r.stdout) if target != "cuda" else None)
    return wrong or compare(portable(r.stdout), path.with_suffix(f".{target}.ll"), update)


def cases():
    for path in sorted(HERE.glob("lower/*.nj")):
        yield check_lower, path, path.read_text().splitlines()[0].split("target:")[1].strip()
    for path in sorted(HERE.glob("emit/*.nj")):
        for target in TARGETS[path.stem]:
            yield check_emit, path, target


install(globals(), list(cases()))
