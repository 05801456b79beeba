"""Golden tests of the IR's text, the verifier and the passes: njc over the files beside this one.

    ir/*.nj          njc --check prints the file as it is
    ir/bad/*.nj      njc --check refuses the file; standard error holds what `; expect:` in its first line says
    doc/ir.txt       holds the table that njc --ops prints
    pass/P-*.nj      njc -p P prints the .out beside it; `; passes: a,b` in the first line names others

`pytest tests/golden/run.py`, or this file itself; --update writes what njc prints, to be reviewed like code.
The newest njc of a build folder is used, or the one that NJC names.
"""
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def njc(*args):
    builds = sorted(ROOT.glob("build*/njc"), key=lambda p: p.stat().st_mtime)
    exe = os.environ.get("NJC") or (builds and builds[-1])
    if not exe:
        raise FileNotFoundError("no njc in build*/: cmake --build build --target njc")
    exe = Path(exe).resolve()
    env = {k: v for k, v in os.environ.items() if not k.startswith("NAJA_")}
    return subprocess.run([exe, *args], capture_output=True, text=True, env=env, cwd=HERE, timeout=60)


def head(path, key):
    first = path.read_text().splitlines()[0]
    return first.split(key, 1)[1].strip() if key in first else None


def same(got, path, update):
    if update:
        path.write_text(got)
        return None
    want = path.read_text() if path.exists() else ""
    return None if got == want else f"{path.relative_to(HERE)} differs:\n{got}"


def check_text(path, update):
    r = njc("--check", str(path))
    return same(r.stdout, path, update and not r.returncode) if not r.returncode else r.stderr


def check_bad(path, update):
    r = njc("--check", "--quiet", str(path))
    if r.returncode != 1:
        return f"exit status {r.returncode}, not 1\n{r.stderr}"
    want = head(path, "; expect:")
    return None if want and want in r.stderr else f"expected '{want}' in\n{r.stderr}"


def check_pass(path, update):
    passes = head(path, "; passes:") or path.name.split("-")[0]
    r = njc("--check", "-p", passes, str(path))
    return r.stderr if r.returncode else same(r.stdout, path.with_suffix(".out"), update)


def check_doc(path, update):
    before, rest = path.read_text().split("<ops>\n", 1)
    table, after = rest.split("</ops>\n", 1)
    got = njc("--ops").stdout
    if update:
        path.write_text(before + "<ops>\n" + got + "</ops>\n" + after)
    return None if update or got == table else "the table of operations in host/doc/ir.txt is not that of ops.def"


CASES = [(check_text, p) for p in sorted(HERE.glob("ir/*.nj"))]
CASES += [(check_bad, p) for p in sorted(HERE.glob("ir/bad/*.nj"))]
CASES += [(check_pass, p) for p in sorted(HERE.glob("pass/*.nj"))]

CASES += [(check_doc, ROOT / "host/doc/ir.txt")]


def pytest_generate_tests(metafunc):
    metafunc.parametrize("check,path", CASES, ids=[str(p.relative_to(ROOT)) for _, p in CASES])


def test_golden(check, path):
    complaint = check(path, False)
    assert complaint is None, complaint


def main():
    failed = 0
    for check, path in CASES:
        complaint = check(path, "--update" in sys.argv)
        if complaint is not None:
            failed += 1
            print(f"FAILED {path.relative_to(ROOT)}\n{complaint}")
    print(f"{len(CASES) - failed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
