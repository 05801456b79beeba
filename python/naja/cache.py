"""The cache of compiled code as people see it: python -m naja cache list | explain | verify | clear | path."""
import collections
import time

from . import _naja

# What f.stats says: specialisations that were found on disk, and those that were compiled, each {argument types: 1}.
Stats = collections.namedtuple("Stats", "cache_path cache_hits cache_misses")


def entries():
    """Every entry on disk as a dict, newest use first. Damaged ones have 'ok' False; those of a version with another
    layout, too, and 'foreign'."""
    return sorted(_naja.cache_list(), key=lambda e: -e["used"])


def _age(seconds):
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if abs(seconds) >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def _size(nbytes):
    return f"{nbytes / 1024:.1f} KiB" if nbytes < 1 << 20 else f"{nbytes / (1 << 20):.1f} MiB"


def _code(entry):
    """'native 3.1 KiB', 'PTX 2.0 KiB', 'PTX 2.0 KiB + cubin 4.2 KiB'."""
    text = f"{entry['code']} {_size(entry['code_bytes'])}"
    return f"{text} + cubin {_size(entry['cubin_bytes'])}" if entry["cubin_bytes"] else text


def _fault(entry):
    return "of another version of naja" if entry["foreign"] else "damaged"


def _where(entry):
    return f"{entry['source']}:{entry['line']}"


def _print_list(args):
    found = entries()
    for e in found:
        what = f"{e['qualname']}  {e['signature']}  [{e['target']}]  {_where(e)}  {_code(e)}" if e["ok"] else _fault(e)
        print(f"{e['dir']}{e['file'][:10]}  {_size(e['bytes']):>10}  {_age(time.time() - e['used']):>7}  {what}")
    print(f"{len(found)} entries, {_size(sum(e['bytes'] for e in found))}, in {_naja.cache_path()}")
    return 0


def _print_verify(args):
    found = entries()
    bad = [e for e in found if not e["ok"] and not e["foreign"]]
    foreign = sum(not e["ok"] and e["foreign"] for e in found)
    for e in bad:
        print(f"damaged: {_naja.cache_path()}/{e['dir']}/{e['file']}")
    kinds = collections.Counter(e["code"] + " and cubin" * (e["cubin_bytes"] > 0) for e in found if e["ok"])
    print(f"{len(found) - len(bad) - foreign} entries are right"
          + (f" ({', '.join(f'{n} {kind}' for kind, n in sorted(kinds.items()))})" if kinds else "")
          + (f", {foreign} of another version of naja" if foreign else "") + f", {len(bad)} damaged"
          + (" (they are ignored, and replaced when needed)" if bad else ""))
    return 1 if bad else 0


def _print_clear(args):
    print(f"{_naja.cache_clear()} entries removed from {_naja.cache_path()}")
    return 0


def _print_path(args):
    print(_naja.cache_path() or "off (NAJA_CACHE)")
    return 0


# -- explain: which part of a key changed

_SHOWN = 10             # the latest entries of one function and its types


def changes(old, new):
    """The parts by which two keys differ, in the new one's order: 'global f.K', 'new: global f.L', 'gone: ...'."""
    before, after = dict(old), dict(new)
    names = [name if name in before else f"new: {name}" for name, digest in new if before.get(name) != digest]
    return names + [f"gone: {name}" for name, _ in old if name not in after]


def _arguments(signature):
    """The part of 'float64(int64, array(float64, 1d, C))' from the bracket that is closed last."""
    depth = 0
    for i in range(len(signature) - 1, -1, -1):
        depth += {")": 1, "(": -1}.get(signature[i], 0)
        if depth == 0:
            return signature[i:]
    return signature


def _groups(name, source=None):
    """Entries of functions of this name: {(qualified name, target, argument types): entries, oldest use first}.

    A qualified name goes before a plain one, entries from the file `source` before others.
    """
    found = [e for e in reversed(entries()) if e["ok"] and name in (e["name"], e["qualname"])]
    for same in (lambda e: e["qualname"] == name, lambda e: e["source"] == source):
        found = [e for e in found if same(e)] or found
    groups = {}
    for e in found:
        groups.setdefault((e["qualname"], e["target"], _arguments(e["signature"])), []).append(e)
    return groups


def _print_history(name):
    for (qualname, target, arguments), found in _groups(name).items():
        print(f"{qualname}{arguments} for {target}:")
        last = None
        for e in found[-_SHOWN:]:
            if last:
                print(f"    changed: {', '.join(changes(last['parts'], e['parts']))}")
            print(f"  {_age(time.time() - e['used']):>7} ago  {_where(e)}  {e['dir']}{e['file'][:10]}  {_code(e)}")
            last = e


def _load(spec):
    """module:function or file.py:function -> the object."""
    import importlib
    import runpy
    module, _, name = spec.rpartition(":")
    if module.endswith(".py"):
        scope = runpy.run_path(module, run_name="naja_cache_explain")
    else:
        scope = vars(importlib.import_module(module))
    first, *rest = name.split(".")
    value = scope[first]
    for attribute in rest:
        value = getattr(value, attribute)
    return value


def _live_keys(func, signature):
    """The key it would have now, for the arguments alone and with the result that a declared signature names."""
    for text in (_arguments(signature), signature):
        try:
            yield _naja.cache_parts(func, text)
        except (TypeError, ValueError):
            pass


def _print_live(func, name):
    source = getattr(func, "py_func", func).__code__.co_filename
    for (qualname, target, arguments), found in _groups(name, source).items():
        if target != "cpu":
            continue
        pairs = [(changes(e["parts"], key), e) for e in found for key in _live_keys(func, e["signature"])]
        if not pairs:
            continue
        names, nearest = min(pairs, key=lambda pair: len(pair[0]))
        print(f"{qualname}{arguments}: " + ("would be found" if not names else "would be compiled"))
        if names:
            print(f"    changed since the entry used {_age(time.time() - nearest['used'])} ago: {', '.join(names)}")


def _print_explain(args):
    _, colon, name = args.function.rpartition(":")
    if not _groups(name):
        print(f"the cache has no entry of a function named {name}")
        return 1
    if colon:
        _print_live(_load(args.function), name)
    else:
        _print_history(name)
    return 0


def add_commands(commands):
    """`cache` and its own commands, for the parser of python -m naja."""
    import argparse
    about = ("Compiled code is kept on disk by its content: code, constants, values of globals and closures, callees, "
             "types, options, CPU or architecture, and versions make the name of an entry.")
    knobs = "NAJA_CACHE=off, NAJA_CACHE_DIR and NAJA_CACHE_SIZE (MiB) turn it off, move it, bound it."
    cache = commands.add_parser("cache", help="compiled code on disk: list, explain, verify, clear, path",
                                description=about, epilog=knobs, formatter_class=argparse.RawDescriptionHelpFormatter)
    below = cache.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, run, text in (("list", _print_list, "every entry: size, last use, function, types, target"),
                            ("verify", _print_verify, "checks every entry; status 1 when one is damaged"),
                            ("clear", _print_clear, "removes every entry"), ("path", _print_path, "the folder")):
        below.add_parser(name, help=text).set_defaults(run=run)
    explain = below.add_parser("explain", help="which part of a function's key changed")
    explain.add_argument("function", metavar="FUNC",
                         help="a name: what changed from entry to entry; "
                              "module:name or file.py:name: what differs now from the nearest entry")
    explain.set_defaults(run=_print_explain)
