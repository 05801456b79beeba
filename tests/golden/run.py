"""Golden tests of the IR's text, the verifier and the passes: njc over the files beside this one.

    ir/*.nj          njc --check prints the file as it is
    ir/bad/*.nj      njc --check refuses the file; standard error holds what `; expect:` in its first line says
    doc/ir.txt       holds the table that njc --ops prints
    pass/P-*.nj      njc -p P prints the .out beside it; `; passes: a,b` in the first line names others

`pytest tests/golden/run.py`, or this file itself; --update writes what njc prints, to be reviewed like code.
The newest njc of a build folder is used, or the one that NJC names.
"""
from golden import HERE, ROOT, compare, install, njc


def head(path, key):
    first = path.read_text().splitlines()[0]
    return first.split(key, 1)[1].strip() if key in first else None


def check_text(path, update):
    r = njc("--check", str(path))
    return r.stderr if r.returncode else compare(r.stdout, path, update)


def check_bad(path, update):
    r = njc("--check", "--quiet", str(path))
    if r.returncode != 1:
        return f"exit status {r.returncode}, not 1\n{r.stderr}"
    want = head(path, "; expect:")
    return None if want and want in r.stderr else f"expected '{want}' in\n{r.stderr}"


def check_pass(path, update):
    passes = head(path, "; passes:") or path.name.split("-")[0]
    r = njc("--check", "-p", passes, str(path))
    return r.stderr if r.returncode else compare(r.stdout, path.with_suffix(".out"), update)


def check_doc(path, update):
    before, rest = path.read_text().split("<ops>\n", 1)
    table, after = rest.split("</ops>\n", 1)
    got = njc("--ops").stdout
    if update:
        path.write_text(before + "<ops>\n" + got + "</ops>\n" + after)
    return None if update or got == table else "the table of operations in host/doc/ir.txt is not that of ops.def"


CHECKS = (check_text, "ir/*.nj"), (check_bad, "ir/bad/*.nj"), (check_pass, "pass/*.nj")
CASES = [(check, path) for check, files in CHECKS for path in sorted(HERE.glob(files))]
install(globals(), CASES + [(check_doc, ROOT / "host/doc/ir.txt")])
