"""naja.types: scalar types by all their names, constructors of the others, and classes that only answer isinstance().

    types.float32[:, ::1]    types.Array(types.float64, 2, "C")    types.UniTuple(types.int64, 3)    types.Tuple((a, b))
"""
from . import _aliases
from ._aliases import *
from ._naja import (Signature, Type, array_type, as_dtype, as_type, from_dtype, optional_type, signature, tuple_type,
                    unify, unituple_type)


class _Kind(type):
    """A class without instances of its own: isinstance(t, Kind) looks at the type's kind, calling it makes a type."""

    def __instancecheck__(cls, value):
        return isinstance(value, Type) and cls._has(value)

    def __subclasscheck__(cls, other):
        return other is Type or type.__subclasscheck__(cls, other)

    def __call__(cls, *args, **kwargs):
        if cls._make is None:
            raise TypeError(f"types.{cls.__name__} makes no types; it is for isinstance()")
        return cls._make(*args, **kwargs)


def _kind(name, has, make=None, doc=None):
    return _Kind(name, (), {"_has": staticmethod(has), "_make": make and staticmethod(make), "__doc__": doc,
                            "__module__": __name__})


def _is_uniform(t):
    return t.kind == "tuple" and len(set(t.types)) == 1 and t.name.startswith(("UniTuple", "NamedUniTuple"))


Number = _kind("Number", lambda t: t.kind in ("int", "uint", "float", "complex"))
Integer = _kind("Integer", lambda t: t.kind in ("int", "uint"))
Float = _kind("Float", lambda t: t.kind == "float")
Complex = _kind("Complex", lambda t: t.kind == "complex")
Boolean = _kind("Boolean", lambda t: t.kind == "bool")
NoneType = _kind("NoneType", lambda t: t.kind in ("none", "void"))
Array = _kind("Array", lambda t: t.kind == "array", array_type, "Array(dtype, ndim, layout, readonly=False)")
Buffer = ArrayCompatible = Array
BaseTuple = _kind("BaseTuple", lambda t: t.kind == "tuple")
UniTuple = _kind("UniTuple", _is_uniform, unituple_type, "UniTuple(type, count)")
Tuple = _kind("Tuple", lambda t: t.kind == "tuple" and not _is_uniform(t), tuple_type, "Tuple((type, ...))")
Optional = _kind("Optional", lambda t: t.kind == "optional", optional_type, "Optional(type)")
Record = _kind("Record", lambda t: t.kind == "record")
SliceType = _kind("SliceType", lambda t: t.kind == "slice")
DType = _kind("DType", lambda t: t.kind == "dtype")

signed_domain = frozenset([int8, int16, int32, int64])
unsigned_domain = frozenset([uint8, uint16, uint32, uint64])
integer_domain = signed_domain | unsigned_domain
real_domain = frozenset([float32, float64])
complex_domain = frozenset([complex64, complex128])
number_domain = integer_domain | real_domain | complex_domain

__all__ = [name for name in globals() if not name.startswith("_")]
