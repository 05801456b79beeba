"""The options of @jit and @vectorize: what is known, what it means to the C side, what is refused."""
from .errors import NajaWarning, PerformanceWarning, UnsupportedError

# LLVM's fast-math flags, in the order of their bits.
_FLAGS = ("nnan", "ninf", "nsz", "arcp", "contract", "afn", "reassoc")
_ALL_FLAGS = (1 << len(_FLAGS)) - 1

_JIT = ("nopython", "fastmath", "error_model", "boundscheck", "nogil", "cache", "parallel", "inline", "forceinline",
        "locals", "forceobj", "looplift", "debug", "no_cpython_wrapper", "no_cfunc_wrapper", "no_rewrites", "_nrt",
        "writable_args", "pipeline_class", "_dbg_extend_lifetimes", "_dbg_optnone", "_target")
_PARALLEL = ("comprehension", "reduction", "inplace_binop", "setitem", "numpy", "stencil", "fusion", "prange")
_VECTORIZE = ("nopython", "fastmath", "boundscheck", "cache", "forceobj", "writable_args", "nogil")

_warned = set()


def warn_once(key, text, category=NajaWarning):
    """A warning of which one a process is enough, at the user's line."""
    if key not in _warned:
        _warned.add(key)
        import sys
        import warnings
        frame, level = sys._getframe(), 1
        while frame.f_back and str(frame.f_globals.get("__name__")).partition(".")[0] == "naja":
            frame, level = frame.f_back, level + 1
        warnings.warn(text, category, stacklevel=level)


def fast_flags(value):
    """`fastmath` as bits: False, True, or a set of LLVM's flags (a dict {flag: bool} too)."""
    if value is None or value is False:
        return 0
    if value is True:
        return _ALL_FLAGS
    if isinstance(value, str):
        value = (value,)
    if isinstance(value, dict):
        value = [flag for flag, on in value.items() if on]
    try:
        names = set(value)
    except TypeError:
        raise TypeError(f"fastmath is True, False or a set of flags ({', '.join(_FLAGS)}), not {value!r}") from None
    if "fast" in names:
        return _ALL_FLAGS
    unknown = names - set(_FLAGS)
    if unknown:
        flag = sorted(unknown, key=str)[0]
        raise ValueError(f"fastmath has no flag {flag!r}; the flags are: fast, {', '.join(_FLAGS)}")
    return sum(1 << i for i, flag in enumerate(_FLAGS) if flag in names)


def check_known(decorator, options, known):
    """Refuses options that do not exist, naming them all and the ones that do."""
    unknown = [name for name in options if name not in known]
    if unknown:
        raise TypeError(f"@{decorator} has no option {', '.join(map(repr, unknown))}; its options are: "
                        + ", ".join(name for name in known if not name.startswith("_")))


def _refuse_object_mode(options):
    if options.get("forceobj"):
        raise UnsupportedError("forceobj=True asks for object mode, which naja does not have: "
                               "leave the function undecorated")
    if options.get("nopython") is False:
        warn_once("nopython", "nopython=False has no effect: naja always compiles without the interpreter")
    if options.get("pipeline_class") is not None:
        raise UnsupportedError("pipeline_class= names a class of another compiler; naja cannot use it")
    if options.get("_target", "cpu") != "cpu":
        raise UnsupportedError(f"_target={options['_target']!r}: jit compiles for the CPU; kernels are cuda.jit's")
    if options.get("locals"):
        raise UnsupportedError("locals= is not supported: convert where the variable is assigned, as in x = float32(x)")


def _inline(options):
    inline = options.get("inline", "never")
    if options.get("forceinline") or inline == "always":
        return 1
    if inline == "never" or callable(inline):
        return 0                # as for the peer: 'never' speaks of its own inliner, LLVM still may
    raise ValueError(f"inline is 'always', 'never' or a function, not {inline!r}")


def _warn_parallel(parallel):
    unknown = sorted(set(parallel) - set(_PARALLEL), key=str) if isinstance(parallel, dict) else ()
    if unknown:
        raise ValueError(f"parallel has no option {unknown[0]!r}; its options are: {', '.join(_PARALLEL)}")
    warn_once("parallel", "parallel=True: naja compiles the function, but its loops run on one thread for now",
              PerformanceWarning)


def jit_options(decorator, options):
    """The keyword arguments of _naja.Dispatcher for the options of @jit."""
    check_known(decorator, options, _JIT)
    _refuse_object_mode(options)
    model = options.get("error_model", "python")
    if model not in ("python", "numpy"):
        raise ValueError(f"error_model is 'python' or 'numpy', not {model!r}")
    if options.get("parallel"):
        _warn_parallel(options["parallel"])
    debug = bool(options.get("debug"))
    bounds = options.get("boundscheck")
    return {"error_model": int(model == "numpy"), "fast_flags": fast_flags(options.get("fastmath")), "debug": debug,
            "boundscheck": debug if bounds is None else bool(bounds), "nogil": bool(options.get("nogil")),
            "inline": _inline(options), "cache": bool(options.get("cache", True))}


def vectorize_options(options):
    """fast_flags, boundscheck, cache for the options of @vectorize."""
    check_known("vectorize", options, ("target", "identity") + _VECTORIZE)
    _refuse_object_mode(options)
    return fast_flags(options.get("fastmath")), bool(options.get("boundscheck")), bool(options.get("cache", True))
