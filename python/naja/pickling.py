"""Pickling of dispatchers and ufuncs: by reference where their module has them under their name, else by value.

By value a function travels as its marshalled code, defaults, closure values and the globals that its code names, so
functions of __main__, notebooks and closures reach the workers of process pools. Code objects only load in the same
Python version. A shell travels first, which the pickle remembers, then what is in it: functions may refer to each
other.

Each object that travels has a number: where it is alive, or was among the last that came here, a pickle of it loads as
that object, so a worker compiles what every task brings along only once.
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
        number = dispatcher._number = _new_number()
    _alive[number] = dispatcher
    return number


def _new_number():
    import uuid
    return uuid.uuid4().hex


def _importable(value, module, qualname):
    target = sys.modules.get(module)
    for part in qualname.split("."):
        target = getattr(target, part, None)
    return target is value and module != "__main__"


# -- what a function needs

def _global_names(code):
    """Names that the code reads as globals; attributes of the same name are no globals."""
    import dis
    names = {i.argval for i in dis.get_instructions(code) if i.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    for const in code.co_consts:
        if isinstance(const, pytypes.CodeType):
            names |= _global_names(const)
    return names


def _portable(value, code):
    """Modules do not pickle; their names do, and those of the submodules that the code may mean."""
    if not isinstance(value, pytypes.ModuleType):
        return "value", value
    name = value.__name__
    return "module", [name, *(full for part in code.co_names if (full := f"{name}.{part}") in sys.modules)]


def _portable_cell(cell, code):
    try:
        return _portable(cell.cell_contents, code)
    except ValueError:                   # the variable has no value yet
        return None


def _restored(item):
    kind, value = item
    if kind == "value":
        return value
    for name in value:
        __import__(name)
    return sys.modules[value[0]]


def _shape(func):
    """What _function makes a function of that has no contents yet."""
    return (sys.version_info[:2], marshal.dumps(func.__code__), func.__module__, func.__name__, func.__qualname__,
            len(func.__closure__ or ()))


def _function(version, code, module, name, qualname, ncells):
    if version != sys.version_info[:2]:
        raise TypeError(f"{qualname}() was pickled by Python {version[0]}.{version[1]}: its code does not load in "
                        f"{sys.version_info[0]}.{sys.version_info[1]}")
    own = {"__name__": module, "__builtins__": __builtins__}
    closure = tuple(pytypes.CellType() for _ in range(ncells)) or None
    func = pytypes.FunctionType(marshal.loads(code), own, name, None, closure)
    func.__qualname__ = qualname
    return func


def _contents(func):
    code, own = func.__code__, func.__globals__
    scope = {name: _portable(own[name], code) for name in sorted(_global_names(code)) if name in own}
    cells = [_portable_cell(cell, code) for cell in func.__closure__ or ()]
    return func.__defaults__, func.__kwdefaults__, func.__doc__, scope, cells


def _put_contents(func, defaults, kwdefaults, doc, scope, cells):
    func.__defaults__, func.__kwdefaults__, func.__doc__ = defaults, kwdefaults, doc
    func.__globals__.update((name, _restored(item)) for name, item in scope.items())
    for cell, item in zip(func.__closure__ or (), cells):
        if item is not None:
            cell.cell_contents = _restored(item)


# -- dispatchers and kernels

def reduce_dispatcher(dispatcher):
    """What Dispatcher.__reduce__ returns. A closed one takes along what it has compiled, since it compiles no more."""
    closed = not dispatcher.can_compile
    signatures = dispatcher.declared or (dispatcher.nopython_signatures if closed else [])
    return _reduced(dispatcher, _dispatcher, (signatures, dispatcher.targetoptions, closed))


def reduce_kernel(kernel):
    """What CUDADispatcher.__reduce__ returns."""
    return _reduced(kernel, _kernel, (list(kernel._declared), kernel.targetoptions))


def _reduced(dispatcher, make, args):
    if _importable(dispatcher, dispatcher.__module__, dispatcher.__qualname__):
        return dispatcher.__qualname__
    func = dispatcher.py_func
    return shell, (_number(dispatcher), make, args, _shape(func)), _contents(func), None, None, fill


def shell(number, make, args, shape):
    """The dispatcher that is alive here, or one whose function still lacks what it refers to."""
    known = _alive.get(number)
    if known is not None:
        return known
    dispatcher = make(_function(*shape), *args)
    dispatcher._number, dispatcher._empty = number, True
    return dispatcher


def fill(dispatcher, contents):
    """Completes a shell. Only then may others find it."""
    if not getattr(dispatcher, "_empty", False):
        return
    _put_contents(dispatcher.py_func, *contents)
    del dispatcher._empty
    _alive[dispatcher._number] = dispatcher
    _recent.append(dispatcher)


def _dispatcher(func, signatures, options, closed):
    from .options import jit_options
    dispatcher = Dispatcher(func, signatures or None, options, later=True, **jit_options("jit", options))
    dispatcher.disable_compile(closed)
    return dispatcher


def _kernel(func, sigs, options):
    from .cuda.dispatcher import CUDADispatcher
    return CUDADispatcher(func, sigs, **options)


# -- ufuncs

_ufuncs = collections.OrderedDict()       # number -> ufunc, those that travelled last
_ufunc_numbers = weakref.WeakKeyDictionary()     # function -> number of the ufunc made of it


def attribute(module, qualname):
    """By reference."""
    __import__(module)
    target = sys.modules[module]
    for part in qualname.split("."):
        target = getattr(target, part)
    return target


def reduce_ufunc(ufunc, func, make, args):
    """`make(func, *args)` is the ufunc again."""
    if _importable(ufunc, func.__module__, func.__qualname__):
        return attribute, (func.__module__, func.__qualname__)
    number = _ufunc_numbers.setdefault(func, _new_number())
    _remember(number, ufunc)
    return _ufunc, (number, make, args, _shape(func), _contents(func))


def _remember(number, ufunc):
    _ufuncs[number] = ufunc
    if len(_ufuncs) > _recent.maxlen:
        _ufuncs.popitem(last=False)
    return ufunc


def _ufunc(number, make, args, shape, contents):
    known = _ufuncs.get(number)
    if known is not None:
        return known
    func = _function(*shape)
    _put_contents(func, *contents)
    _ufunc_numbers[func] = number
    return _remember(number, make(func, *args))
