"""What a dispatcher knows about the functions it has compiled: results, metadata, control flow; and what its users call seldom.

Methods of the C object that are only asked for by hand end here; the first one imports this module.
"""
import collections
import re


class CompileResult(collections.namedtuple("CompileResult", "dispatcher signature")):
    """One compiled signature. `entry_point` is a callable for it alone: arguments are converted to its types."""
    __slots__ = ()
    entry_point = property(lambda self: self.dispatcher.get_overload(self.signature.args))
    metadata = property(lambda self: self.dispatcher.get_metadata(self.signature.args))
    objectmode = property(lambda self: False)


def _views(dispatcher, signature, get):
    """get(signature) of one, or a dict of all."""
    if signature is not None:
        return get(_find(dispatcher, signature))
    return {result.signature.args: get(result.signature) for result in dispatcher.overloads.values()}


def _find(dispatcher, signature):
    """The compiled Signature with these argument types; KeyError when there is none."""
    from ._naja import as_signatures
    wanted = as_signatures([signature])[0].args
    for s in dispatcher.nopython_signatures:
        if s.args == wanted:
            return s
    raise KeyError(f"{dispatcher.py_func.__qualname__} has not been compiled for {signature}")


def overloads(dispatcher):
    return {s.args: CompileResult(dispatcher, s) for s in dispatcher.nopython_signatures}


def get_compile_result(dispatcher, signature):
    dispatcher.compile(signature)
    return CompileResult(dispatcher, _find(dispatcher, signature))


def add_overload(dispatcher, result):
    dispatcher.compile(result.signature)


def get_metadata(dispatcher, signature=None):
    return _views(dispatcher, signature, lambda s: dispatcher._metadata(s.args))


def get_annotation_info(dispatcher, signature=None):
    from .inspect import _source
    func = dispatcher.py_func
    code = func.__code__
    return _views(dispatcher, signature, lambda s: {"filename": code.co_filename, "funcname": func.__qualname__, "line": code.co_firstlineno,
                                                    "python_lines": _source(func), "ir": dispatcher.inspect_ir(s.args)})


def fold_argument_types(dispatcher, args, kws):
    """(Python signature, types in parameter order) of argument types given as a call would give them."""
    import inspect

    from ._naja import typeof
    pysig = inspect.signature(dispatcher.py_func)
    bound = pysig.bind(*args, **kws)
    given = set(bound.arguments)
    bound.apply_defaults()
    return pysig, tuple(t if name in given else typeof(t) for name, t in bound.arguments.items())


def get_call_template(dispatcher, args, kws):
    """(class with `key` and `cases`, Python signature, types in its order, {}) for a call with these types.

    It is compiled now.
    """
    pysig, types = fold_argument_types(dispatcher, args, kws)
    if dispatcher.can_compile:
        dispatcher.compile(types)
    cases = {"key": dispatcher, "cases": dispatcher.nopython_signatures}
    return type(f"CallTemplate({dispatcher.__name__})", (), cases), pysig, types, {}


def get_function_type(dispatcher):
    """The one Signature of a dispatcher that compiles no others; None for all others."""
    signatures = dispatcher.nopython_signatures
    return signatures[0] if len(signatures) == 1 and not dispatcher.can_compile else None


def enable_caching(dispatcher):
    """The cache is on without it."""
    if dispatcher.targetoptions.get("cache") is False:
        raise ValueError("the decorator says cache=False")


def dump(dispatcher, tab=""):
    print(f"{tab}{dispatcher!r}: {len(dispatcher.signatures)} signatures")
    for s in dispatcher.nopython_signatures:
        print(f"{tab}  {s}")


def parallel_diagnostics(dispatcher, signature=None, level=1):
    if not dispatcher.targetoptions.get("parallel"):
        raise ValueError(f"{dispatcher.py_func.__qualname__} was not compiled with parallel=True: there is nothing to diagnose")
    for s in dispatcher.nopython_signatures if signature is None else [_find(dispatcher, signature)]:
        print(f"{dispatcher.py_func.__qualname__}{s}: its loops run on one thread")


# -- control flow

class ControlFlow:
    """The blocks of LLVM functions. str() of it is a DOT graph; display() renders it, with graphviz where that is installed."""

    def __init__(self, functions):
        self.functions = functions

    @property
    def dot(self):
        lines = ["digraph cfg {", '    node [shape=box, fontname="monospace"]']
        for n, (name, blocks) in enumerate(self.functions):
            lines += [f"    subgraph cluster_{n} {{", f'        label="{name}"']
            for label, code, targets in blocks:
                text = "".join(line.replace("\\", "\\\\").replace('"', '\\"') + "\\l" for line in [f"{label}:", *code])
                lines.append(f'        "{n}.{label}" [label="{text}"]')
                lines += [f'        "{n}.{label}" -> "{n}.{target}"' for target in targets]
            lines.append("    }")
        return "\n".join([*lines, "}"])

    def __str__(self):
        return self.dot

    def display(self, filename=None, format="pdf", view=False):
        """The DOT text; with graphviz the name of the file it drew."""
        try:
            import graphviz
        except ImportError:
            return self.dot
        return graphviz.Source(self.dot).render(filename=filename, format=format, view=view)


def _blocks(body):
    """[(label, lines, labels it branches to)] of the text between a function's braces."""
    blocks = []
    for line in body.splitlines():
        label = re.match(r'^("?[-\w.$]+"?):', line)
        if label or not blocks:
            blocks.append((label.group(1) if label else "entry", [], []))
        if not label and line.strip():
            blocks[-1][1].append(line.strip())
            if re.match(r"\s*(br|switch|indirectbr|invoke)\b", line) or blocks[-1][1][-1].startswith(("i", "]")):
                blocks[-1][2].extend(re.findall(r'label %("?[-\w.$]+"?)', line))
    return blocks


def inspect_cfg(dispatcher, signature=None, show_wrapper=None, **options):
    """Control-flow graphs of the optimised LLVM code; options that only change a drawing are accepted."""
    def graph(s):
        text = dispatcher.inspect_llvm(s.args)
        return ControlFlow([(m.group(1), _blocks(m.group(2))) for m in re.finditer(r"^define[^@\n]*@([^(]+)\(.*\{\n((?:.*\n)*?)\}", text, re.M)])
    return _views(dispatcher, signature, graph)


def inspect_disasm_cfg(dispatcher, signature=None):
    raise NotImplementedError("naja draws no graph of machine code; inspect_asm() has the code, inspect_cfg() the graph of LLVM's blocks")
