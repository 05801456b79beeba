"""Writes tests/data/type_rules.txt from the published promotion matrices of the peer.

    python tests/tools/rules_from_spec.py CUDA_PAGE CPU_PAGE > tests/data/type_rules.txt

In: the two pages of type rules, as Markdown matrices. Out: one line for each cell, `operator left right result`,
`-` for no rule; comparisons add `@type`, what both sides are converted to. float16 is not a type here: left out.
"""
import re
import sys

CPU = dict(b1="bool", i1="i8", i2="i16", i4="i32", i8="i64", u1="u8", u2="u16", u4="u32", u8="u64", f4="f32", f8="f64",
           c8="c64", c16="c128")
TABLES = [("`+`, `-`, `*`", "add sub mul"), ("`/` (true division)", "truediv"), ("`//` and `%`", "floordiv mod"),
          ("`**`", "pow"), ("`<<`, `>>`", "lshift rshift"), ("`&`, `|`, `^`", "and or xor"), ("`<` (and", "lt le gt ge"),
          ("`==`, `!=`", "eq ne"), ("`divmod(a,b)`", "divmod"), ("`math.atan2`", "math2")]
CPU_TABLES = [("unify(A,B)", "unify"), ("can_convert", "conv")]


def matrix(lines, at):
    """The rows of the first table after line `at`: (row, column, cell)."""
    while not lines[at].startswith("|"):
        at += 1
    columns = [c.strip() for c in lines[at].strip("|\n").split("|")][1:]
    at += 2
    while at < len(lines) and lines[at].startswith("|"):
        cells = [c.strip().strip("*") for c in lines[at].strip("|\n").split("|")]
        for column, cell in zip(columns, cells[1:]):
            yield cells[0], column, cell
        at += 1


def code(name):
    return "bool" if name == "b1" else name


def cuda_cell(op, left, right, cell):
    cell = cell.strip("()")
    if cell == "✗":
        return "-"
    if op in ("lt", "le", "gt", "ge", "eq", "ne"):
        return "bool @" + code(cell.split("@")[1] if "@" in cell else left)
    return code(cell)


def find(lines, title):
    return next(i for i, line in enumerate(lines) if line.startswith("**" + title))


def main(cuda_page, cpu_page):
    lines = open(cuda_page, encoding="utf-8").readlines()
    print("# operator left right result [@compared as]; written by tests/tools/rules_from_spec.py")
    for title, ops in TABLES:
        for op in ops.split():
            for left, right, cell in matrix(lines, find(lines, title)):
                if "f16" not in (left, right, cell.strip("()")):
                    print(op, code(left), code(right), cuda_cell(op, left, right, cell))
    lines = open(cpu_page, encoding="utf-8").readlines()
    for title, op in CPU_TABLES:
        for left, right, cell in matrix(lines, find(lines, title)):
            print(op, CPU[left], CPU[right], CPU.get(cell, cell) if op == "unify" else re.sub("None", "0", cell))


if __name__ == "__main__":
    main(*sys.argv[1:3])
