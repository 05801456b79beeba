"""Pickling of dispatchers: by reference where the module attribute of that name is the dispatcher, else by value.

By value a function travels as its marshalled code, defaults, closure values and the globals that its code names, so
functions of __main__, notebooks and closures reach the workers of process pools. Code objects only load in the same
Python version. Each dispatcher that travels has a number: where it is alive, or was among the last that came here, a
pickle of it loads as that object, so a worker compiles what every task brings along only once.
"""
import collections
import marshal
import sys
import types as pytypes
import weakref

from ._naja import Dispatcher


_alive = weakref.WeakValueDictionary()    # number -> dispatcher, both sent and received; dicts are safe under threads
_recent = collections.deque(maxlen=128)   # what came here last stays alive, even if only its tasks refer to it


def _number(dispatcher):
    """The same for as long as it lives, and in every process that has it."""
    number = getattr(dispatcher, "_number", None)
    if number is None:
        import uuid
        number = dispatcher._number = uuid.uuid4().hex
    _alive[number] = dispatcher
    return number


def _importable(dispatcher):
    target = sys.modules.get(dispatcher.__module__)
    for part in dispatcher.__qualname__.split("."):
        target = getattr(target, part, None)
    return target is dispatcher and dispatcher.__module__ != "__main__"


def _global_names(code):
    names = set(code.co_names)
    for const in code.co_consts:
        if isinstance(const, pytypes.CodeType):
            names |= _global_names(const)
    return names


def _portable(value):
    """Modules do not pickle; their names do."""
    return ("module", value.__name__) if isinstance(value, pytypes.ModuleType) else ("value", value)


def _restored(item):
    kind, value = item
    if kind == "value":
        return value
    __import__(value)
    return sys.modules[value]


def reduce_dispatcher(dispatcher):
    """What Dispatcher.__reduce__ returns."""
    args = dispatcher.declared, dispatcher.targetoptions, dispatcher.can_compile
    return _reduced(dispatcher, _remake_dispatcher, args)


def reduce_kernel(kernel):
    """What CUDADispatcher.__reduce__ returns."""
    return _reduced(kernel, _remake_kernel, ([str(s) for s in kernel._declared], kernel.targetoptions))


def _reduced(dispatcher, remake, args):
    if _importable(dispatcher):
        return dispatcher.__qualname__
    func = dispatcher.py_func
    own = func.__globals__
    scope = {name: _portable(own[name]) for name in sorted(_global_names(func.__code__))
             if own.get(name, dispatcher) is not dispatcher}
    recursive = [name for name in _global_names(func.__code__) if own.get(name) is dispatcher]
    cells = [_portable(cell.cell_contents) for cell in func.__closure__ or ()]
    state = (_number(dispatcher), marshal.dumps(func.__code__), func.__module__, func.__qualname__, func.__defaults__,
             func.__kwdefaults__, func.__doc__, scope, cells, recursive, remake, args)
    return rebuild, state


def rebuild(number, code, module, qualname, defaults, kwdefaults, doc, scope, cells, recursive, remake, args):
    """The dispatcher again, in this process."""
    known = _alive.get(number)
    if known is not None:
        return known
    code = marshal.loads(code)
    own = {"__name__": module, "__builtins__": __builtins__, **{name: _restored(item) for name, item in scope.items()}}
    closure = tuple(pytypes.CellType(_restored(c)) for c in cells) or None
    func = pytypes.FunctionType(code, own, code.co_name, defaults, closure)
    func.__kwdefaults__, func.__qualname__, func.__doc__ = kwdefaults, qualname, doc
    dispatcher = remake(func, *args)
    for name in recursive:
        own[name] = dispatcher
    dispatcher._number = number
    _alive[number] = dispatcher
    _recent.append(dispatcher)
    return dispatcher


def _remake_dispatcher(func, declared, options, can_compile):
    from .options import jit_options
    dispatcher = Dispatcher(func, declared or None, options, **jit_options("jit", options))
    if not can_compile:
        dispatcher.disable_compile()
    return dispatcher


def _remake_kernel(func, sigs, options):
    from .cuda.dispatcher import CUDADispatcher
    return CUDADispatcher(func, sigs, **options)
