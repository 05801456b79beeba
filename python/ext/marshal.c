/* marshal.c - Python values into 8-byte slots, and slots into Python values.
 *
 * In: a type and a value, or filled slots. The slots of a type are its parts (nj_type_parts): the one rule this file
 * shares with lowering. Two ways in: nj_plan_fill takes a value only if it has exactly the type (the hot path),
 * nj_marshal_arg converts it to the type. Values are borrowed; the `owner` slot of an array is the array object itself.
 */
#include "marshal.h"
#include "npy.h"

static void put_f32(uint64_t *slot, double x)
{
    float f = (float)x;
    *slot = 0;
    memcpy(slot, &f, sizeof f);
}

static void put_f64(uint64_t *slot, double x)
{
    memcpy(slot, &x, sizeof x);
}

static void put_float(const NjType *t, uint64_t *slot, double x)
{
    if (t->bits == 32)
        put_f32(slot, x);
    else
        put_f64(slot, x);
}

static void put_complex(const NjType *t, uint64_t *slots, Py_complex c)
{
    if (t->bits == 64) {
        put_f32(slots, c.real);
        put_f32(slots + 1, c.imag);
    } else {
        put_f64(slots, c.real);
        put_f64(slots + 1, c.imag);
    }
}

/* The low bits in C order: what a store of the type's width keeps. */
static void put_int(const NjType *t, uint64_t *slot, uint64_t bits)
{
    *slot = t->bits >= 64 ? bits : bits & (((uint64_t)1 << t->bits) - 1);
}

/* -- arrays ------------------------------------------------------------------------------------------- */

static int put_array(const NjType *t, NjAbi abi, PyObject *v, uint64_t *slots)
{
    PyArrayObject *a = (PyArrayObject *)v;
    uint64_t *s = slots;
    *s++ = (uint64_t)(uintptr_t)PyArray_DATA(a);
    if (abi == NJ_ABI_CPU)
        *s++ = (uint64_t)(uintptr_t)v;
    for (int i = 0; i < t->ndim; i++)
        *s++ = (uint64_t)PyArray_DIM(a, i);
    if (t->layout == NJ_LAYOUT_A)
        for (int i = 0; i < t->ndim; i++)
            *s++ = (uint64_t)PyArray_STRIDE(a, i);
    return (int)(s - slots);
}

/* Is v exactly an array of this type? mask and want are NumPy's flags. */
static bool array_is(PyObject *v, int ndim, int scalar, int mask, int want)
{
    PyArrayObject *a = (PyArrayObject *)v;
    return PyArray_NDIM(a) == ndim && (PyArray_FLAGS(a) & mask) == want &&
           (int)nj_npy_scalar(PyArray_DESCR(a)->type_num) == scalar && PyArray_ISNBO(PyArray_DESCR(a)->byteorder);
}

/* An array in both orders is C; see typeof.c. Read-only and writable ones are different types. */
static void array_flags(const NjType *t, int *mask, int *want)
{
    *mask = NPY_ARRAY_ALIGNED | NPY_ARRAY_WRITEABLE | NPY_ARRAY_C_CONTIGUOUS;
    *want = NPY_ARRAY_ALIGNED | (t->readonly ? 0 : NPY_ARRAY_WRITEABLE);
    if (t->layout == NJ_LAYOUT_C)
        *want |= NPY_ARRAY_C_CONTIGUOUS;
    else
        *mask |= NPY_ARRAY_F_CONTIGUOUS;
    if (t->layout == NJ_LAYOUT_F)
        *want |= NPY_ARRAY_F_CONTIGUOUS;
}

/* -- exact: the value's own type --------------------------------------------------------------------- */

/* 1 and the bytes of a NumPy scalar of exactly this type, else 0. */
static int exact_numpy_scalar(const NjType *t, PyObject *v, uint64_t *slots)
{
    if (!nj_npy_ready || nj_npy_scalar_of_class(Py_TYPE(v)) != nj_type_scalar_of(t))
        return 0;
    char raw[16] = {0};
    PyArray_ScalarAsCtype(v, raw);
    if (t->kind == NJ_K_COMPLEX) {
        size_t half = t->bits / 16;
        slots[0] = slots[1] = 0;
        memcpy(slots, raw, half);
        memcpy(slots + 1, raw + half, half);
    } else {
        slots[0] = 0;
        memcpy(slots, raw, t->nbytes);
    }
    return 1;
}

static int exact_int(const NjType *t, PyObject *v, uint64_t *slots)
{
    if (!PyLong_Check(v))
        return exact_numpy_scalar(t, v, slots);
    if (t->bits != 64 || PyBool_Check(v))
        return 0;
    int overflow;
    long long i = PyLong_AsLongLongAndOverflow(v, &overflow);
    if (t->kind == NJ_K_INT) {
        slots[0] = (uint64_t)i;
        return overflow ? 0 : i == -1 && PyErr_Occurred() ? -1 : 1;
    }
    if (overflow <= 0)
        return 0;
    slots[0] = PyLong_AsUnsignedLongLong(v);
    if (slots[0] == UINT64_MAX && PyErr_Occurred()) {
        PyErr_Clear();
        return 0;
    }
    return 1;
}

static int exact_float(const NjType *t, PyObject *v, uint64_t *slots)
{
    if (t->bits != 64 || !PyFloat_Check(v))
        return exact_numpy_scalar(t, v, slots);
    put_f64(slots, PyFloat_AS_DOUBLE(v));
    return 1;
}

static int exact_complex(const NjType *t, PyObject *v, uint64_t *slots)
{
    if (t->bits != 128 || !PyComplex_Check(v))
        return exact_numpy_scalar(t, v, slots);
    put_complex(t, slots, PyComplex_AsCComplex(v));
    return 1;
}

static int exact_bool(const NjType *t, PyObject *v, uint64_t *slots)
{
    if (!PyBool_Check(v))
        return exact_numpy_scalar(t, v, slots);
    slots[0] = v == Py_True;
    return 1;
}

static int exact_array(const NjType *t, NjAbi abi, PyObject *v, uint64_t *slots)
{
    int mask, want;
    if (!nj_npy_ready || !PyArray_Check(v))
        return 0;
    array_flags(t, &mask, &want);
    if (!array_is(v, t->ndim, (int)nj_type_scalar_of(t->elem), mask, want))
        return 0;
    if (!PyArray_CheckExact(v) && nj_pytype_of(v) != t)         /* refuses masked arrays */
        return PyErr_Occurred() ? -1 : 0;
    put_array(t, abi, v, slots);
    return 1;
}

static unsigned type_slots(const NjType *t, NjAbi abi)
{
    return nj_type_parts(nj_ext_types(), t, abi, NULL, 0);
}

static int exact_fill(const NjType *t, NjAbi abi, PyObject *v, uint64_t *slots);

static int exact_tuple(const NjType *t, NjAbi abi, PyObject *v, uint64_t *slots)
{
    if (!PyTuple_Check(v) || PyTuple_GET_SIZE(v) != (Py_ssize_t)t->nelem)
        return 0;
    if (t->names ? nj_named_class(t) != (PyObject *)Py_TYPE(v) : !PyTuple_CheckExact(v) && nj_pytype_of(v) != t)
        return PyErr_Occurred() ? -1 : 0;
    for (uint32_t i = 0; i < t->nelem; i++) {
        int r = exact_fill(t->elems[i], abi, PyTuple_GET_ITEM(v, i), slots);
        if (r != 1)
            return r;
        slots += type_slots(t->elems[i], abi);
    }
    return 1;
}

/* Start, stop, step as PySlice_Unpack resolves None. */
static int put_slice(PyObject *v, uint64_t *slots)
{
    Py_ssize_t start, stop, step;
    if (PySlice_Unpack(v, &start, &stop, &step) < 0)
        return -1;
    slots[0] = (uint64_t)start;
    slots[1] = (uint64_t)stop;
    slots[2] = (uint64_t)step;
    return 1;
}

static int exact_fill(const NjType *t, NjAbi abi, PyObject *v, uint64_t *slots)
{
    switch (t->kind) {
    case NJ_K_BOOL:    return exact_bool(t, v, slots);
    case NJ_K_INT:
    case NJ_K_UINT:    return exact_int(t, v, slots);
    case NJ_K_FLOAT:   return exact_float(t, v, slots);
    case NJ_K_COMPLEX: return exact_complex(t, v, slots);
    case NJ_K_ARRAY:   return exact_array(t, abi, v, slots);
    case NJ_K_TUPLE:   return exact_tuple(t, abi, v, slots);
    case NJ_K_NONE:    return v == Py_None;
    case NJ_K_SLICE:   return PySlice_Check(v) ? put_slice(v, slots) : 0;
    default:           return nj_pytype_of(v) == t ? 1 : PyErr_Occurred() ? -1 : 0;       /* types without parts */
    }
}

/* -- plans: the same with the questions about the type asked beforehand -------------------------------- */

void nj_plan_arg(NjArgPlan *p, const NjType *t, NjAbi abi)
{
    *p = (NjArgPlan){.t = t, .abi = (uint8_t)abi, .nslots = (uint16_t)type_slots(t, abi)};
    if (t->kind == NJ_K_INT && t->bits == 64)
        p->fast = NJ_FAST_I64;
    else if (t->kind == NJ_K_FLOAT && t->bits == 64)
        p->fast = NJ_FAST_F64;
    else if (t->kind == NJ_K_BOOL)
        p->fast = NJ_FAST_BOOL;
    else if (t->kind == NJ_K_ARRAY && nj_type_scalar_of(t->elem) != NJ_T_NSCALAR) {
        p->fast = NJ_FAST_ARRAY;
        p->ndim = t->ndim;
        p->scalar = (uint8_t)nj_type_scalar_of(t->elem);
        array_flags(t, &p->flags_mask, &p->flags_want);
    }
}

int nj_plan_fill(const NjArgPlan *p, PyObject *v, uint64_t *slots)
{
    switch (p->fast) {
    case NJ_FAST_I64: {
        int overflow;
        if (!PyLong_CheckExact(v))
            break;
        slots[0] = (uint64_t)PyLong_AsLongLongAndOverflow(v, &overflow);
        return !overflow;
    }
    case NJ_FAST_F64:
        if (!PyFloat_CheckExact(v))
            break;
        put_f64(slots, PyFloat_AS_DOUBLE(v));
        return 1;
    case NJ_FAST_BOOL:
        if (!PyBool_Check(v))
            break;
        slots[0] = v == Py_True;
        return 1;
    case NJ_FAST_ARRAY:
        if (!nj_npy_ready || !PyArray_CheckExact(v))
            break;
        if (!array_is(v, p->ndim, p->scalar, p->flags_mask, p->flags_want))
            return 0;
        put_array(p->t, (NjAbi)p->abi, v, slots);
        return 1;
    }
    return exact_fill(p->t, (NjAbi)p->abi, v, slots);
}

/* -- converting: declared signatures ------------------------------------------------------------------ */

static int conv_fail(const NjType *t, PyObject *v)
{
    if (!PyErr_Occurred())
        PyErr_Format(PyExc_TypeError, "cannot convert a %.200s to %s", Py_TYPE(v)->tp_name, t->name);
    return -1;
}

/* Floats truncate and narrow types wrap, as in a C cast; what 64 bits of the type's own sign do not hold is an error. The
 * parameters of kernels wrap there, too. */
static int conv_int(const NjType *t, NjAbi abi, PyObject *v, uint64_t *slots)
{
    PyObject *i = PyComplex_Check(v) ? NULL : PyNumber_Long(v);
    if (!i)
        return conv_fail(t, v);
    int overflow;
    long long bits = PyLong_AsLongLongAndOverflow(i, &overflow);
    bool negative = overflow ? overflow < 0 : bits < 0, large = overflow > 0;
    if (large)
        bits = (long long)PyLong_AsUnsignedLongLong(i);
    Py_DECREF(i);
    if (bits == -1 && PyErr_Occurred())
        return -1;
    if (overflow < 0 || (abi == NJ_ABI_CPU && (t->kind == NJ_K_UINT ? negative : large))) {
        PyErr_Format(PyExc_OverflowError, "%R is out of the range of %s", v, t->name);
        return -1;
    }
    put_int(t, slots, (uint64_t)bits);
    return 1;
}

static int conv_float(const NjType *t, PyObject *v, uint64_t *slots)
{
    double x = PyFloat_AsDouble(v);
    if (x == -1.0 && PyErr_Occurred())
        return -1;
    put_float(t, slots, x);
    return 1;
}

static int conv_complex(const NjType *t, PyObject *v, uint64_t *slots)
{
    Py_complex c = PyComplex_AsCComplex(v);
    if (c.real == -1.0 && PyErr_Occurred())
        return -1;
    put_complex(t, slots, c);
    return 2;
}

/* Only where no copy is needed: another layout or a writable array as a read-only one. */
static int conv_array(const NjType *t, NjAbi abi, PyObject *v, uint64_t *slots)
{
    if (!nj_npy_ready || !PyArray_Check(v))
        return conv_fail(t, v);
    const NjType *own = nj_pytype_of(v);
    if (!own)
        return -1;
    if (own != t && nj_type_conv(own, t) == NJ_CONV_NONE) {
        PyErr_Format(PyExc_TypeError, "cannot pass %s as %s", own->name, t->name);
        return -1;
    }
    return put_array(t, abi, v, slots);
}

static int conv_tuple(const NjType *t, NjAbi abi, PyObject *v, uint64_t *slots)
{
    int total = 0;
    if (!PyTuple_Check(v) || PyTuple_GET_SIZE(v) != (Py_ssize_t)t->nelem)
        return conv_fail(t, v);
    for (uint32_t i = 0; i < t->nelem; i++) {
        int n = nj_marshal_arg(t->elems[i], abi, PyTuple_GET_ITEM(v, i), slots + total);
        if (n < 0)
            return -1;
        total += n;
    }
    return total;
}

static int conv_optional(const NjType *t, NjAbi abi, PyObject *v, uint64_t *slots)
{
    unsigned n = type_slots(t, abi);
    memset(slots, 0, n * sizeof *slots);
    if (v == Py_None)
        return (int)n;
    slots[0] = 1;
    return nj_marshal_arg(t->elem, abi, v, slots + 1) < 0 ? -1 : (int)n;
}

static int conv_bool(const NjType *t, PyObject *v, uint64_t *slots)
{
    if (!PyNumber_Check(v))
        return conv_fail(t, v);
    int b = PyObject_IsTrue(v);
    slots[0] = b > 0;
    return b < 0 ? -1 : 1;
}

int nj_marshal_arg(const NjType *t, NjAbi abi, PyObject *v, uint64_t *slots)
{
    int r = exact_fill(t, abi, v, slots);
    if (r)
        return r < 0 ? -1 : (int)type_slots(t, abi);
    switch (t->kind) {
    case NJ_K_BOOL:     return conv_bool(t, v, slots);
    case NJ_K_INT:
    case NJ_K_UINT:     return conv_int(t, abi, v, slots);
    case NJ_K_FLOAT:    return conv_float(t, v, slots);
    case NJ_K_COMPLEX:  return conv_complex(t, v, slots);
    case NJ_K_ARRAY:    return conv_array(t, abi, v, slots);
    case NJ_K_TUPLE:    return conv_tuple(t, abi, v, slots);
    case NJ_K_OPTIONAL: return conv_optional(t, abi, v, slots);
    default:            return conv_fail(t, v);
    }
}
