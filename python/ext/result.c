/* result.c - slots that compiled code filled -> Python objects.
 *
 * Numbers come back as Python's own int, float, complex and bool, whatever their width. An array is a view: its `owner`
 * slot is the array object that holds the memory, an argument of this call.
 */
#include "marshal.h"
#include "npy.h"

static double get_float(const NjType *t, uint64_t slot)
{
    float f;
    double d;
    memcpy(&f, &slot, sizeof f);
    memcpy(&d, &slot, sizeof d);
    return t->bits == 32 ? (double)f : d;
}

/* Slots hold the low bits only: the rest is whatever the store left. */
static PyObject *get_int(const NjType *t, uint64_t slot)
{
    unsigned shift = 64u - t->bits;
    if (t->kind == NJ_K_UINT)
        return PyLong_FromUnsignedLongLong(slot << shift >> shift);
    return PyLong_FromLongLong((int64_t)(slot << shift) >> shift);
}

static PyObject *get_complex(const NjType *t, const uint64_t *slots)
{
    NjType half = {.bits = (uint8_t)(t->bits / 2)};
    return PyComplex_FromDoubles(get_float(&half, slots[0]), get_float(&half, slots[1]));
}

/* -- arrays ------------------------------------------------------------------------------------------- */

static PyObject *array_in(PyObject *v, uintptr_t owner)
{
    if ((uintptr_t)v == owner)
        return v;
    PyObject *o = NULL;
    for (Py_ssize_t i = 0; PyTuple_Check(v) && !o && i < PyTuple_GET_SIZE(v); i++)
        o = array_in(PyTuple_GET_ITEM(v, i), owner);
    return o;
}

/* Is `owner` one of the arguments, or inside a tuple of them? Nothing else may be touched as an object. */
static PyObject *array_find_owner(PyObject *const *args, Py_ssize_t n, uintptr_t owner)
{
    PyObject *o = NULL;
    for (Py_ssize_t i = 0; !o && i < n; i++)
        o = array_in(args[i], owner);
    return o;
}

/* Strides of C and F order follow from the shape. */
static void array_strides(const NjType *t, const npy_intp *shape, npy_intp *strides)
{
    npy_intp step = (npy_intp)t->elem->nbytes;
    for (int k = 0; k < t->ndim; k++) {
        int i = t->layout == NJ_LAYOUT_F ? k : t->ndim - 1 - k;
        strides[i] = step;
        step *= shape[i];
    }
}

static bool array_is_same(PyArrayObject *a, const NjType *t, const void *data, const npy_intp *shape,
                          const npy_intp *strides)
{
    if (PyArray_DATA(a) != data || PyArray_NDIM(a) != t->ndim || t->readonly == !!PyArray_ISWRITEABLE(a))
        return false;
    for (int i = 0; i < t->ndim; i++)
        if (PyArray_DIM(a, i) != shape[i] || (shape[i] > 1 && PyArray_STRIDE(a, i) != strides[i]))
            return false;
    return (int)nj_npy_scalar(PyArray_DESCR(a)->type_num) == (int)nj_type_scalar_of(t->elem);
}

static PyObject *array_view(const NjType *t, PyObject *owner, void *data, npy_intp *shape, npy_intp *strides)
{
    PyArray_Descr *d = PyArray_DescrFromType(nj_npy_num(nj_type_scalar_of(t->elem)));
    int flags = t->readonly ? NPY_ARRAY_ALIGNED : NPY_ARRAY_ALIGNED | NPY_ARRAY_WRITEABLE;
    PyObject *a = d ? PyArray_NewFromDescr(&PyArray_Type, d, t->ndim, shape, strides, data, flags, NULL) : NULL;
    if (a && owner && PyArray_SetBaseObject((PyArrayObject *)a, Py_NewRef(owner)) < 0)
        Py_CLEAR(a);
    return a;
}

static PyObject *get_array(const NjType *t, const uint64_t *slots, PyObject *const *args, Py_ssize_t nargs)
{
    npy_intp shape[64], strides[64];
    void *data = (void *)(uintptr_t)slots[0];
    if (nj_npy_need() < 0)
        return NULL;
    memcpy(shape, slots + 2, t->ndim * sizeof *shape);
    if (t->layout == NJ_LAYOUT_A)
        memcpy(strides, slots + 2 + t->ndim, t->ndim * sizeof *strides);
    else
        array_strides(t, shape, strides);
    PyObject *owner = array_find_owner(args, nargs, (uintptr_t)slots[1]);
    if (owner && PyArray_Check(owner) && array_is_same((PyArrayObject *)owner, t, data, shape, strides))
        return Py_NewRef(owner);
    PyObject *view = array_view(t, owner, data, shape, strides);
    if (owner || !view)
        return view;
    /* Memory of the compiled function itself, such as a constant array: it may go before the result does. */
    PyObject *copy = PyArray_NewCopy((PyArrayObject *)view, NPY_KEEPORDER);
    Py_DECREF(view);
    return copy;
}

/* -- the rest ---------------------------------------------------------------------------------------------- */

static PyObject *get_tuple(const NjType *t, const uint64_t *slots, PyObject *const *args, Py_ssize_t nargs)
{
    PyObject *r = PyTuple_New(t->nelem);
    for (uint32_t i = 0; r && i < t->nelem; i++) {
        PyObject *v = nj_marshal_result(t->elems[i], slots, args, nargs);
        if (!v) {
            Py_CLEAR(r);
            break;
        }
        PyTuple_SET_ITEM(r, i, v);
        slots += nj_type_parts(nj_ext_types(), t->elems[i], NJ_ABI_CPU, NULL, 0);
    }
    PyObject *cls = r && t->names ? nj_named_class(t) : NULL;
    if (cls) {
        PyObject *named = PyObject_CallMethod(cls, "_make", "(O)", r);
        Py_SETREF(r, named);
    }
    return r;
}

static PyObject *get_slice(const uint64_t *slots)
{
    PyObject *v[3];
    for (int i = 0; i < 3; i++)
        v[i] = PyLong_FromLongLong((int64_t)slots[i]);
    PyObject *r = v[0] && v[1] && v[2] ? PySlice_New(v[0], v[1], v[2]) : NULL;
    for (int i = 0; i < 3; i++)
        Py_XDECREF(v[i]);
    return r;
}

static PyObject *get_range(const NjType *t, const uint64_t *slots)
{
    PyObject *v[3];
    for (int i = 0; i < 3; i++)
        v[i] = get_int(t->elem, slots[i]);
    PyObject *r =
        v[0] && v[1] && v[2] ? PyObject_CallFunctionObjArgs((PyObject *)&PyRange_Type, v[0], v[1], v[2], NULL) : NULL;
    for (int i = 0; i < 3; i++)
        Py_XDECREF(v[i]);
    return r;
}

/* NumPy's, where it has one. */
static PyObject *get_dtype(const NjType *t)
{
    NjScalar s = nj_type_scalar_of(t);
    if (s == NJ_T_NSCALAR)
        return nj_pytype_wrap(t);
    return nj_npy_need() < 0 ? NULL : (PyObject *)PyArray_DescrFromType(nj_npy_num(s));
}

bool nj_marshal_can_result(const NjType *t)
{
    bool all = true;
    switch (t->kind) {
    case NJ_K_TUPLE:
        for (uint32_t i = 0; all && i < t->nelem; i++)
            all = nj_marshal_can_result(t->elems[i]);
        return all;
    case NJ_K_ARRAY:    return nj_type_scalar_of(t->elem) != NJ_T_NSCALAR;
    case NJ_K_OPTIONAL: return nj_marshal_can_result(t->elem);
    case NJ_K_VOID: case NJ_K_NONE: case NJ_K_SLICE: case NJ_K_RANGE: case NJ_K_DTYPE: return true;
    default:            return nj_type_is_number(t);
    }
}

PyObject *nj_marshal_result(const NjType *t, const uint64_t *slots, PyObject *const *args, Py_ssize_t nargs)
{
    switch (t->kind) {
    case NJ_K_VOID:
    case NJ_K_NONE:     Py_RETURN_NONE;
    case NJ_K_BOOL:     return PyBool_FromLong(slots[0] & 1);
    case NJ_K_INT:
    case NJ_K_UINT:     return get_int(t, slots[0]);
    case NJ_K_FLOAT:    return PyFloat_FromDouble(get_float(t, slots[0]));
    case NJ_K_COMPLEX:  return get_complex(t, slots);
    case NJ_K_TUPLE:    return get_tuple(t, slots, args, nargs);
    case NJ_K_ARRAY:    return get_array(t, slots, args, nargs);
    case NJ_K_SLICE:    return get_slice(slots);
    case NJ_K_RANGE:    return get_range(t, slots);
    case NJ_K_OPTIONAL:
        if (!(slots[0] & 1))
            Py_RETURN_NONE;
        return nj_marshal_result(t->elem, slots + 1, args, nargs);
    case NJ_K_DTYPE:    return get_dtype(t->elem);
    }
    return PyErr_Format(PyExc_TypeError, "compiled code cannot return a value of type %s to Python", t->name);
}
