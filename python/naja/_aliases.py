"""The names of the scalar types, as `from naja import float32, f4, int_` expects them."""
from ._naja import (bool as boolean, complex64, complex128, float32, float64, int8, int16, int32, int64, none, uint8,
                    uint16, uint32, uint64, void)

bool_ = b1 = boolean
byte = uchar = u1 = uint8
char = i1 = int8
i2 = short = int16
u2 = ushort = uint16
i4 = intc = int32
u4 = uintc = uint32
# C's long and NumPy's default integer have 64 bits on the systems that naja supports.
i8 = int_ = intp = long_ = longlong = ssize_t = int64
u8 = uint = uintp = ulong = ulonglong = size_t = uint64
f4 = float_ = float32
f8 = double = float64
c8 = complex64
c16 = complex128

__all__ = [name for name in globals() if not name.startswith("_")]
