"""@vectorize: ufuncs with declared signatures (real np.ufunc objects), and DUFunc, which compiles as types come."""
from . import _naja
from .decorators import _check_function, _FunctionType
from .options import vectorize_options

_TARGETS = ("cpu", "parallel", "cuda")


def vectorize(what, target, identity, options):
    """See decorators.vectorize."""
    if target not in _TARGETS:
        raise ValueError(f"Unsupported target {target!r}: the targets are {', '.join(map(repr, _TARGETS))}")
    if identity not in (0, 1, None, "reorderable") or identity is True or identity is False:
        raise ValueError(f"Invalid identity value {identity!r}: it is 0, 1, None or 'reorderable'")
    if isinstance(what, (_FunctionType, _naja.Dispatcher)):
        return _make(what, [], target, identity, options)
    signatures = _naja.as_signatures(list(what) if isinstance(what, (tuple, list)) else what)
    return lambda func: _make(func, signatures, target, identity, options)


def _make(func, signatures, target, identity, options):
    if isinstance(func, _naja.Dispatcher):
        func = func.py_func
    _check_function("vectorize", func)
    if target == "cuda":
        from .cuda.ufunc import vectorize as cuda_vectorize
        return cuda_vectorize(func, signatures, identity=identity, **options)
    loops = _Loops(func, target == "parallel", identity, *vectorize_options(options))
    if signatures:
        return loops.build(signatures)
    if target == "parallel":
        raise TypeError("target='parallel' needs signatures: @vectorize(['float64(float64)'], target='parallel')")
    return DUFunc(loops)


class _Loops:
    """Everything a ufunc is made of but its signatures."""

    def __init__(self, func, parallel, identity, fast, bounds, cache):
        self.func, self.parallel, self.identity = func, parallel, identity
        self.fast, self.bounds, self.cache = fast, bounds, cache
        self.nin = func.__code__.co_argcount

    def build(self, signatures):
        """The np.ufunc with these loops."""
        ufunc = _naja.ufunc_new(self.func, signatures, self.nin, self.parallel, self.identity, self.fast, self.bounds,
                                self.cache, self.func.__doc__, self)
        _let_ufuncs_pickle()
        return ufunc

    def options(self):
        """All but the function: what __init__ takes after it."""
        return self.parallel, self.identity, self.fast, self.bounds, self.cache


# -- pickling: see pickling.py

_numpys_reduce = None


def _let_ufuncs_pickle():
    """All ufuncs share one entry in copyreg's table. NumPy's stays in use for those that are not naja's."""
    global _numpys_reduce
    if _numpys_reduce is None:
        import copyreg

        import numpy as np
        _numpys_reduce = copyreg.dispatch_table.get(np.ufunc, lambda ufunc: ufunc.__name__)
        copyreg.pickle(np.ufunc, _reduce_ufunc)


def _reduce_ufunc(ufunc):
    code = _naja.ufunc_code(ufunc)
    if code is None:
        return _numpys_reduce(ufunc)
    from .pickling import reduce_ufunc
    return reduce_ufunc(ufunc, code.made.func, _rebuild_ufunc, (code.made.options(), list(code.signatures)))


def _rebuild_ufunc(func, options, signatures):
    return _Loops(func, *options).build(signatures)


def _rebuild_dufunc(func, options, signatures, frozen):
    dufunc = DUFunc(_Loops(func, *options))
    if signatures:
        dufunc._ufunc, dufunc._signatures = dufunc._loops.build(signatures), signatures
    dufunc._frozen = frozen
    return dufunc


class DUFunc:
    """A ufunc that compiles a loop for argument types that no loop takes yet. Everything else is NumPy's ufunc.

    The ufunc is made anew with one more loop; loops keep the order in which they were asked for, and NumPy takes the
    first to which it can cast safely.
    """

    _naja_dufunc_ = True         # compiled code calls py_func directly

    def __init__(self, loops):
        self._loops, self._signatures, self._ufunc, self._frozen = loops, [], None, False
        self.__name__, self.__doc__ = loops.func.__name__, loops.func.__doc__
        self.__wrapped__ = self.py_func = loops.func
        self.__module__, self.__qualname__ = loops.func.__module__, loops.func.__qualname__

    # -- growing

    @property
    def ufunc(self):
        """The np.ufunc with the loops compiled so far."""
        if self._ufunc is None:
            raise AttributeError(f"{self.__name__} has not been compiled for any types yet")
        return self._ufunc

    def add(self, signature):
        """Compiles one more loop now."""
        if self._frozen:
            raise RuntimeError(f"compilation of {self.__name__} is disabled")
        signatures = self._signatures + [_naja.as_signature(signature)]
        self._ufunc = self._loops.build(signatures)
        self._signatures = signatures
        return self

    def disable_compile(self):
        """No new types from now on."""
        self._frozen = True

    def _grow(self, types):
        """Compiles for these types; False when that has been done or must not be."""
        signature = _naja.signature(None, tuple(types))
        if self._frozen or any(have.args == signature.args for have in self._signatures):
            return False
        self.add(signature)
        return True

    def _apply(self, method, types, args, kwargs):
        """method of the ufunc; when it has no loop for the arguments, one is compiled for `types()`."""
        others = [a for a in args if _overrides(a)] if self._ufunc is None else ()
        if others:
            return _hand_over(self, method, others, args, kwargs)
        if self._ufunc is not None:
            try:
                return getattr(self._ufunc, method)(*args, **kwargs)
            except TypeError:
                if not self._grow(types()):
                    raise
        else:
            self._grow(types())
        return getattr(self.ufunc, method)(*args, **kwargs)

    # -- using

    def __call__(self, *args, **kwargs):
        if not self.nin <= len(args) <= self.nin + 1:
            raise TypeError(f"{self.__name__}() takes {self.nin} arguments and perhaps an output, "
                            f"but {len(args)} were given")
        return self._apply("__call__", lambda: [_type_of(a) for a in args[:self.nin]], args, kwargs)

    # np.ufunc's methods, with its arguments, results and errors; the loop for the types at hand is compiled first.

    def reduce(self, array, *args, **kwargs):
        return self._apply("reduce", lambda: [_type_of(array)] * 2, (array, *args), kwargs)

    def accumulate(self, array, *args, **kwargs):
        return self._apply("accumulate", lambda: [_type_of(array)] * 2, (array, *args), kwargs)

    def reduceat(self, array, *args, **kwargs):
        return self._apply("reduceat", lambda: [_type_of(array)] * 2, (array, *args), kwargs)

    def outer(self, a, b, **kwargs):
        return self._apply("outer", lambda: [_type_of(a), _type_of(b)], (a, b), kwargs)

    def at(self, a, indices, *b):
        return self._apply("at", lambda: [_type_of(x) for x in (a, *b)], (a, indices, *b), {})

    # -- what a ufunc says of itself

    nin = property(lambda self: self._loops.nin)
    nout = property(lambda self: 1)
    nargs = property(lambda self: self.nin + 1)
    ntypes = property(lambda self: len(self._signatures))
    types = property(lambda self: [] if self._ufunc is None else self._ufunc.types)
    identity = property(lambda self: None if self._loops.identity == "reorderable" else self._loops.identity)
    signature = property(lambda self: None)

    def __repr__(self):
        return f"<naja.DUFunc {self.__name__!r}>"

    def __reduce__(self):
        from .pickling import reduce_ufunc
        return reduce_ufunc(self, self._loops.func, _rebuild_dufunc,
                            (self._loops.options(), self._signatures, self._frozen))


def _overrides(value):
    """Does the value's class say itself what ufuncs do with it? (NEP 13)"""
    own = getattr(type(value), "__array_ufunc__", None)
    import numpy as np
    return (own is not np.ndarray.__array_ufunc__ and hasattr(type(value), "__array_ufunc__")
            and not isinstance(value, np.generic))


def _hand_over(dufunc, method, others, args, kwargs):
    """As NumPy does before it looks at types: the first override that takes the call answers."""
    for value in others:
        if type(value).__array_ufunc__ is None:
            raise TypeError(f"operand {type(value).__name__!r} does not support ufuncs (__array_ufunc__=None)")
        result = value.__array_ufunc__(dufunc, method, *args, **kwargs)
        if result is not NotImplemented:
            return result
    raise TypeError(f"operand type(s) all returned NotImplemented from __array_ufunc__({dufunc!r}, {method!r}, ...): "
                    + ", ".join(repr(type(value).__name__) for value in others))


def _type_of(value):
    """The scalar type that NumPy sees in an argument: 3 is int64, [1.0] float64."""
    import numpy as np
    return _naja.from_dtype(np.asarray(value).dtype)
