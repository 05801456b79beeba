"""both_ways.py - what the conformance tests share: programs as text, run compiled and by CPython, and compared bit for bit.

A program is the source of a function `f` (and of what it needs); `same` runs it both ways on every tuple of arguments,
each time on fresh copies, and compares the outcome: the value with its type and bits, what was written into the arguments, or
the exception with its arguments.
"""
import cmath
import copy
import math
import struct

import numpy as np

from naja import njit


def bits(x):
    """What two results are compared by. NumPy scalars are Python's where compiled code hands those out."""
    if isinstance(x, np.ndarray):
        return "array", str(x.dtype), x.shape, tuple(bits(v) for v in x.ravel().tolist())
    if isinstance(x, tuple):
        return tuple(bits(v) for v in x)
    if isinstance(x, np.generic):
        x = x.item()
    if isinstance(x, float):
        return "nan" if math.isnan(x) else struct.pack("<d", x)
    if isinstance(x, complex):
        return "complex", bits(x.real), bits(x.imag)
    return type(x).__name__, x


def outcome(f, args):
    args = copy.deepcopy(args)
    try:
        value = bits(f(*args))
    except Exception as e:
        value = type(e).__name__, e.args
    return value, tuple(bits(a) for a in args if isinstance(a, np.ndarray))


def program(source, **options):
    """The function f of the source: compiled, and as CPython has it. `@njit` in the source vanishes for the latter."""
    def scope(jit):
        space = {"np": np, "math": math, "cmath": cmath, "njit": jit, "__name__": "program"}
        exec(compile(source, "<program>", "exec"), space)
        return space["f"]
    f = scope(njit)
    return njit(**options)(f) if not hasattr(f, "py_func") else f, scope(lambda f: f)


def same(source, *arguments, **options):
    compiled, plain = program(source, **options)
    for args in arguments:
        want, got = outcome(plain, args), outcome(compiled, args)
        assert got == want, f"f{args}: {got} instead of {want}\n{source}"
