"""Writes opcodes.def: the opcode numbers and inline cache counts of the CPython versions that decode.c reads.

    python3 host/front/opcodes.py PYTHON3.10 PYTHON3.11 ... > host/front/opcodes.def

Each interpreter is asked for its own numbers; instrumented and pseudo opcodes never occur in co_code.
"""
import subprocess
import sys

ASK = """
import opcode, sys
caches = getattr(opcode, "_inline_cache_entries", None)
def count(name, number):
    return caches.get(name, 0) if isinstance(caches, dict) else caches[number] if caches else 0
for number, name in sorted((n, s) for s, n in opcode.opmap.items()):
    if number < 256 and not name.startswith("INSTRUMENTED_"):
        print("P%d%02d(%3d, %-26s %d)" % (*sys.version_info[:2], number, name + ",", count(name, number)))
"""

HEAD = """\
/* opcodes.def - written by opcodes.py, not by hand: CPython's opcodes. P<version>(number, name, caches)
 *
 * One macro for each version; those a reader does not define are empty.
 */"""


def main():
    tables = [subprocess.run([python, "-c", ASK], check=True, capture_output=True, text=True).stdout
              for python in sys.argv[1:]]
    names = [table.split("(")[0] for table in tables]
    print(HEAD)
    for name in names:
        print(f"#ifndef {name}\n#define {name}(number, name, caches)\n#endif")
    print("".join(tables), end="")
    for name in names:
        print(f"#undef {name}")


main()
