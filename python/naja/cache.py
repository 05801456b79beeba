"""The cache of compiled code as people see it: python -m naja cache list | explain | verify | clear | path."""
import collections
import os
import sys
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


def _count(n):
    return f"{n} entr" + ("y" if n == 1 else "ies")


def _trouble(status):
    """Says why the folder could not be looked into; the status then."""
    text = _naja.cache_trouble()
    if text is None:
        return status
    print(f"python -m naja cache: {text}", file=sys.stderr)
    return 1


def _print_list(args):
    found = entries()
    for e in found:
        what = f"{e['qualname']}  {e['signature']}  [{e['target']}]  {_where(e)}  {_code(e)}" if e["ok"] else _fault(e)
        print(f"{e['dir']}{e['file'][:10]}  {_size(e['bytes']):>10}  {_age(time.time() - e['used']):>7}  {what}")
    print(f"{_count(len(found))}, {_size(sum(e['bytes'] for e in found))}, in {_naja.cache_folder()}")
    return _trouble(0)


def _print_verify(args):
    found = entries()
    bad = [e for e in found if not e["ok"] and not e["foreign"]]
    foreign = sum(not e["ok"] and e["foreign"] for e in found)
    for e in bad:
        print(f"damaged: {_naja.cache_folder()}/{e['dir']}/{e['file']}")
    kinds = collections.Counter(e["code"] + " and cubin" * (e["cubin_bytes"] > 0) for e in found if e["ok"])
    print(f"{_count(len(found) - len(bad) - foreign)} right"
          + (f" ({', '.join(f'{n} {kind}' for kind, n in sorted(kinds.items()))})" if kinds else "")
          + (f", {foreign} of another version of naja" if foreign else "") + f", {len(bad)} damaged"
          + (" (they are ignored, and replaced when needed)" if bad else ""))
    return _trouble(1 if bad else 0)


def _print_clear(args):
    before = {e["file"] for e in _naja.cache_list()}
    print(f"{_count(_naja.cache_clear())} removed from {_naja.cache_folder()}")
    left = sum(e["file"] in before for e in _naja.cache_list())
    if left:
        print(f"python -m naja cache clear: {_count(left)} could not be removed: may the folder be written?", file=sys.stderr)
    return _trouble(1 if left else 0)


def _print_path(args):
    print(_naja.cache_path() or f"off (NAJA_CACHE); otherwise {_naja.cache_folder()}")
    return 0


# -- explain: which part of a key changed

_SHOWN = 10             # the latest entries of one function and its types


def _numbered(parts):
    """{(name, how many of this name came before): (digest, text)}: two functions of a unit may share their names."""
    seen = collections.Counter()
    out = {}
    for name, digest, text in parts:
        out[name, seen[name]] = digest, text
        seen[name] += 1
    return out


def changes(old, new):
    """The parts by which two keys differ, in the new one's order: [(name, what it is now, what it was), ...].

    Names of parts that one of them lacks begin with 'new: ' or 'gone: '; of bytecode there is nothing to say but that.
    """
    before, after = _numbered(old), _numbered(new)
    out = []
    for key, (digest, text) in after.items():
        was = before.get(key)
        if was is None:
            out.append((f"new: {key[0]}", text, ""))
        elif was[0] != digest:
            out.append((key[0], text, was[1]))
    return out + [(f"gone: {key[0]}", "", text) for key, (_, text) in before.items() if key not in after]


def _told(change):
    """'global f.K: 3.0, was 2.0'."""
    name, now, was = change
    if now == was:
        return name
    return f"{name}: " + ", ".join(([now] if now else []) + ([f"was {was}"] if was else []))


def _arguments(signature):
    """The part of 'float64(int64, array(float64, 1d, C))' from the bracket that is closed last."""
    depth = 0
    for i in range(len(signature) - 1, -1, -1):
        depth += {")": 1, "(": -1}.get(signature[i], 0)
        if depth == 0:
            return signature[i:]
    return signature


def _groups(name, source=None):
    """Entries of functions of this name: {(qualified name, target, argument types, file): entries, oldest use first}.

    A qualified name goes before a plain one, entries from the file `source` before others. The cells of a notebook and what
    else was in no file, "<...>", are one file.
    """
    found = [e for e in reversed(entries()) if e["ok"] and name in (e["name"], e["qualname"])]
    for same in (lambda e: e["qualname"] == name, lambda e: e["source"] == source):
        found = [e for e in found if same(e)] or found
    groups = {}
    for e in found:
        file = "<" if e["source"].startswith("<") else e["source"]
        groups.setdefault((e["qualname"], e["target"], _arguments(e["signature"]), file), []).append(e)
    return groups


def _print_history(name):
    for (qualname, target, arguments, _), found in _groups(name).items():
        print(f"{qualname}{arguments} for {target}:")
        last = None
        for e in found[-_SHOWN:]:
            if last:
                for change in changes(last["parts"], e["parts"]):
                    print(f"    changed: {_told(change)}")
            print(f"  {_age(time.time() - e['used']):>7} ago  {_where(e)}  {e['dir']}{e['file'][:10]}  {_code(e)}")
            last = e


class _Refused(Exception):
    """What is wrong with the question, for people."""


def _run_file(path):
    """The names that a file defines, run with its own folder first on the path, as Python would, but not as __main__.

    What it prints goes to stderr; if it leaves by sys.exit, what it defined so far counts.
    """
    import contextlib
    import types
    module = types.ModuleType("naja_cache_explain")
    module.__file__ = path
    sys.modules[module.__name__] = module
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    sys.argv = [path]
    with open(path, "rb") as f:
        code = compile(f.read(), os.path.abspath(path), "exec")
    with contextlib.redirect_stdout(sys.stderr), contextlib.suppress(SystemExit):
        exec(code, vars(module))
    return vars(module)


def _load(spec):
    """module:function or file.py:function -> the object."""
    import importlib
    module, _, name = spec.rpartition(":")
    _naja.cache_pause()                     # or what it compiles when it is imported would be found
    try:
        scope = _run_file(module) if module.endswith(".py") else vars(importlib.import_module(module))
    except Exception as e:
        import traceback
        at = [frame for frame in traceback.extract_tb(e.__traceback__) if frame.filename != __file__][-1:]
        where = f" ({at[0].filename}:{at[0].lineno})" if at and not at[0].filename.startswith("<") else ""
        what = module or "a module without a name"
        raise _Refused(f"{what} cannot be loaded: {type(e).__name__}: {e}{where}") from None
    first, *rest = name.split(".")
    try:
        value = scope[first]
        for attribute in rest:
            value = getattr(value, attribute)
    except (KeyError, AttributeError):
        raise _Refused(f"{module} defines no {name}") from None
    return value


def _live_keys(func, entry):
    """The keys it would have now: as whatever kind the entry is of, with and without the declared result."""
    for text in (_arguments(entry["signature"]), entry["signature"]):
        for kind in ("function", "ufunc", "kernel"):
            try:
                parts = _naja.cache_parts(func, text, kind)
            except Exception:               # no such type any more, no device: nothing to compare with
                continue
            if _numbered(parts)["target", 0] == _numbered(entry["parts"])["target", 0]:
                yield parts


def _code_of(func):
    """The code object behind a function, a dispatcher, a kernel or a ufunc; None for anything else."""
    func = getattr(func, "py_func", None) or getattr(func, "__wrapped__", func)
    return getattr(func, "__code__", None)


def _print_live(func, name):
    code = _code_of(func)
    for (qualname, target, arguments, _), found in _groups(name, code and code.co_filename).items():
        pairs = [(changes(e["parts"], key), e) for e in found for key in _live_keys(func, e)]
        if not pairs:
            print(f"{qualname}{arguments} for {target}: cannot be compared with {name} as it is here and now")
            continue
        differ, nearest = min(pairs, key=lambda pair: len(pair[0]))
        print(f"{qualname}{arguments} for {target}: " + ("would be compiled" if differ else "would be found"))
        for change in differ:
            print(f"    changed since the entry used {_age(time.time() - nearest['used'])} ago: {_told(change)}")


def _print_explain(args):
    module, colon, name = args.function.rpartition(":")
    try:
        if not name or (not colon and name.endswith(".py")):
            raise _Refused(f"which function of {module or name}? Write {module or name}:FUNCTION")
        func = _load(args.function) if colon else None
        if not _groups(name):
            print(f"the cache has no entry of a function named {name}")
            return _trouble(1)
        if colon:
            _print_live(func, name)
        else:
            _print_history(name)
        return _trouble(0)
    except _Refused as e:
        print(f"python -m naja cache explain: {e}", file=sys.stderr)
        return 2


def add_commands(commands):
    """`cache` and its own commands, for the parser of python -m naja."""
    import argparse
    about = ("Compiled code is kept on disk by its content: code, constants, values of globals and closures, callees, "
             "types, options, CPU or architecture, and versions make the name of an entry.")
    knobs = "NAJA_CACHE=off, NAJA_CACHE_DIR and NAJA_CACHE_SIZE (MiB) turn it off, move it, bound it."
    question = ("Without a module, only the cache is looked at. With one, the module is imported, or the file is run, "
                "though not as __main__: its `if __name__ == '__main__':` part does not run, all the rest does. "
                "Status 1: there is no such entry; 2: the question cannot be answered.")
    cache = commands.add_parser("cache", help="compiled code on disk: list, explain, verify, clear, path",
                                description=about, epilog=knobs, formatter_class=argparse.RawDescriptionHelpFormatter)
    cache.set_defaults(run=_print_list)
    below = cache.add_subparsers(title="commands", metavar="COMMAND", description="without one: list")
    for name, run, text in (("list", _print_list, "every entry: size, last use, function, types, target"),
                            ("verify", _print_verify, "checks every entry; status 1 when one is damaged"),
                            ("clear", _print_clear, "removes every entry"), ("path", _print_path, "the folder")):
        below.add_parser(name, help=text).set_defaults(run=run)
    explain = below.add_parser("explain", help="which part of a function's key changed", description=question)
    explain.add_argument("function", metavar="FUNC",
                         help="a name: what changed from entry to entry; "
                              "module:name or file.py:name: what differs now from the nearest entry")
    explain.set_defaults(run=_print_explain)
