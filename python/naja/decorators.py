"""@jit, @njit, @vectorize: what users write. The work is done by _naja.Dispatcher and ufunc.py."""
from ._naja import Dispatcher, jit_disabled
from .options import jit_options

_FunctionType = type(lambda: None)


def _check_function(decorator, func):
    if isinstance(func, Dispatcher):
        raise TypeError(f"{func.__name__}() is compiled already: @{decorator} takes the Python function (its py_func)")
    if isinstance(func, (staticmethod, classmethod, property)):
        name = type(func).__name__
        raise TypeError(f"@{decorator} takes a Python function, not a {name}: write @{name} above @{decorator}")
    if not isinstance(func, _FunctionType):
        raise TypeError(f"@{decorator} takes a Python function, not a {type(func).__name__}")


def _jit(decorator, signature_or_function, options):
    parsed = jit_options(decorator, options)

    def compile_(func, signatures=None):
        _check_function(decorator, func)
        if jit_disabled():
            return func
        return Dispatcher(func, signatures, options, **parsed)

    if signature_or_function is None:
        return compile_
    if isinstance(signature_or_function, (_FunctionType, Dispatcher)) or _is_other_callable(signature_or_function):
        return compile_(signature_or_function)
    from ._naja import as_signatures
    signatures = as_signatures(signature_or_function)
    return lambda func: compile_(func, signatures)


def _is_other_callable(value):
    """Something that was meant as a function and is none; types can be called too, but make signatures."""
    from ._naja import Signature, Type
    return not isinstance(value, (str, list, tuple, Signature, Type)) and (callable(value) or hasattr(value, "__get__"))


def jit(signature_or_function=None, **options):
    """Compiles a function for the CPU: for the types of each call, or, with signatures, for those now and no others.

    @jit, @jit(), @jit(float64(float64)), @jit("f8(f8)", fastmath=True), @jit([...]), jit(f)
    Options: nopython, fastmath, error_model, boundscheck, nogil, cache, parallel, inline, debug.

    A call takes numbers, NumPy scalars and arrays, tuples and None, and gives Python numbers, tuples or array views.
    What cannot be compiled raises TypingError or UnsupportedError, at the call or, with signatures, here. TypeError
    names an option that does not exist. What the function raises has its own class, and the line in your source.
    """
    return _jit("jit", signature_or_function, options)


def njit(signature_or_function=None, **options):
    """Compiles a function for the CPU: jit, by the name most programs use. See help(naja.jit) for options and errors.

    nopython= and forceobj= are ignored with a RuntimeWarning.
    """
    for name in ("nopython", "forceobj"):
        if options.pop(name, None) is not None:
            import warnings
            warnings.warn(f"{name} is set for njit and is ignored", RuntimeWarning, stacklevel=2)
    return _jit("njit", signature_or_function, options)


def jit_module(**options):
    """At the end of a module: every plain function that the module defines becomes jit(function, **options)."""
    import sys
    scope = sys._getframe(1).f_globals
    for name, value in list(scope.items()):
        if isinstance(value, _FunctionType) and value.__module__ == scope["__name__"]:
            scope[name] = jit(value, **options)


def vectorize(ftylist_or_function=(), *, target="cpu", identity=None, **options):
    """Makes a NumPy ufunc of a function of scalars. Targets: 'cpu', 'parallel' (all cores), 'cuda'.

    @vectorize(["float32(float32, float32)", "float64(float64, float64)"]) gives an np.ufunc with one loop for each
    signature; @vectorize without any a DUFunc, which compiles a loop for the types it meets. Operands of any shapes
    that broadcast; the results have the loop's result type. identity: 0, 1, "reorderable" or None, for reduce.
    Raises TypingError or UnsupportedError where a loop cannot be compiled, ValueError for a target that does not
    exist, TypeError for such an option.
    """
    from .ufunc import vectorize as impl
    return impl(ftylist_or_function, target, identity, options)


def guvectorize(*args, **options):
    """Generalised ufuncs are not there yet: raises UnsupportedError."""
    from .errors import UnsupportedError
    raise UnsupportedError("guvectorize is not supported yet")
