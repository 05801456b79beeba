/* typeof.c - the type of a Python value as an argument, and the type that a Python object names.
 *
 * nj_pytype_of is the rule book of argument types; marshal.c repeats its exact tests on the hot path
 * and must agree with it. nj_pytype_get reads annotations: types, text, dtypes, classes.
 */
#include "ext.h"
#include "npy.h"

/* -- what a value is -------------------------------------------------------------------------------- */

static PyObject *of_classes;                  /* named tuples: id of the type -> the class last seen; under the GIL */

PyObject *nj_typeof_class(const NjType *t)
{
    PyObject *key = of_classes ? PyLong_FromUnsignedLong(t->id) : NULL;
    PyObject *cls = key ? PyDict_GetItemWithError(of_classes, key) : NULL;
    Py_XDECREF(key);
    return cls;
}

static int of_remember_class(const NjType *t, PyObject *cls)
{
    if (!of_classes && !(of_classes = PyDict_New()))
        return -1;
    PyObject *key = PyLong_FromUnsignedLong(t->id);
    int rc = key ? PyDict_SetItem(of_classes, key, cls) : -1;
    Py_XDECREF(key);
    return rc;
}

static const NjType *of_fail(PyObject *exc, const char *fmt, PyObject *v)
{
    PyErr_Format(exc, fmt, Py_TYPE(v)->tp_name);
    return NULL;
}

/* int64; uint64 for what only that holds. */
static const NjType *of_int(PyObject *v)
{
    int overflow;
    long long i = PyLong_AsLongLongAndOverflow(v, &overflow);
    if (i == -1 && !overflow && PyErr_Occurred())
        return NULL;
    if (!overflow)
        return nj_type_scalar(nj_ext_types(), NJ_T_I64);
    if (overflow > 0 && (PyLong_AsUnsignedLongLong(v) != (unsigned long long)-1 || !PyErr_Occurred()))
        return nj_type_scalar(nj_ext_types(), NJ_T_U64);
    PyErr_Clear();
    PyObject *bits = PyObject_CallMethod(v, "bit_length", NULL);
    if (bits)
        PyErr_Format(PyExc_ValueError, "an integer of %S bits is too large: compiled code has 64 bits", bits);
    Py_XDECREF(bits);
    return NULL;
}

/* The names of a named tuple's fields, or NULL (no exception) when v is a plain tuple. */
static PyObject *of_fields(PyObject *v)
{
    PyObject *fields = NULL;
    if (PyTuple_CheckExact(v) || nj_getattr_opt((PyObject *)Py_TYPE(v), "_fields", &fields) <= 0)
        return NULL;
    if (!PyTuple_Check(fields) || PyTuple_GET_SIZE(fields) != PyTuple_GET_SIZE(v))
        Py_CLEAR(fields);
    return fields;
}

static const NjType *of_namedtuple(PyObject *v, PyObject *fields, const NjType *const *at, Py_ssize_t n)
{
    const char **names = PyMem_Calloc((size_t)n + 1, sizeof *names);
    const char *cls = strrchr(Py_TYPE(v)->tp_name, '.');
    const NjType *t = NULL;
    Py_ssize_t i = 0;
    while (names && i < n && (names[i] = PyUnicode_AsUTF8(PyTuple_GET_ITEM(fields, i))))
        i++;
    if (names && i == n)
        t = nj_type_namedtuple(nj_ext_types(), cls ? cls + 1 : Py_TYPE(v)->tp_name, at, names, (unsigned)n);
    if (t && of_remember_class(t, (PyObject *)Py_TYPE(v)) < 0)
        t = NULL;
    PyMem_Free(names);
    return t;
}

static const NjType *of_tuple(PyObject *v)
{
    Py_ssize_t n = PyTuple_GET_SIZE(v), i = 0;
    const NjType **at = PyMem_Calloc((size_t)n + 1, sizeof *at);
    const NjType *t = NULL;
    if (!at || Py_EnterRecursiveCall(" in the type of a tuple")) {
        PyMem_Free(at);
        return NULL;
    }
    while (i < n && (at[i] = nj_pytype_of(PyTuple_GET_ITEM(v, i))))
        i++;
    if (i == n) {
        PyObject *fields = of_fields(v);
        t = fields             ? of_namedtuple(v, fields, at, n)
            : PyErr_Occurred() ? NULL
                               : nj_type_tuple(nj_ext_types(), at, (unsigned)n);
        Py_XDECREF(fields);
    }
    Py_LeaveRecursiveCall();
    PyMem_Free(at);
    return t;
}

/* -- NumPy's values ----------------------------------------------------------------------------------- */

static const NjType *of_dtype_fail(PyArray_Descr *d)
{
    PyObject *text = PyObject_Str((PyObject *)d);
    if (text && d->byteorder != '=' && d->byteorder != '|' && !PyArray_ISNBO(d->byteorder))
        PyErr_Format(PyExc_TypeError, "an array of dtype %U has the other byte order; convert it with "
                     "a.astype(a.dtype.newbyteorder('='))", text);
    else if (text)
        PyErr_Format(PyExc_TypeError, "compiled code cannot use the dtype %U", text);
    Py_XDECREF(text);
    return NULL;
}

static const NjType *of_dtype(PyArray_Descr *d)
{
    NjScalar s = nj_npy_scalar(d->type_num);
    if (s == NJ_T_NSCALAR || !PyArray_ISNBO(d->byteorder))
        return of_dtype_fail(d);
    return nj_type_scalar(nj_ext_types(), s);
}

/* Masked arrays look like arrays but mean something else: ignoring the mask would be a wrong result. */
static bool of_is_masked(PyObject *v)
{
    for (PyTypeObject *t = Py_TYPE(v); t && t != &PyArray_Type; t = t->tp_base)
        if (!strcmp(t->tp_name, "MaskedArray"))
            return true;
    return false;
}

static const NjType *of_array(PyObject *v)
{
    PyArrayObject *a = (PyArrayObject *)v;
    const NjType *elem = of_dtype(PyArray_DESCR(a));
    if (!elem)
        return NULL;
    if (!PyArray_CheckExact(v) && of_is_masked(v))
        return of_fail(PyExc_TypeError, "compiled code cannot use a %.100s: it would not see the mask", v);
    if (!PyArray_ISALIGNED(a))
        return of_fail(PyExc_TypeError, "the data of this %.100s is not aligned; pass a copy", v);
    NjLayout layout = PyArray_IS_C_CONTIGUOUS(a) ? NJ_LAYOUT_C : PyArray_IS_F_CONTIGUOUS(a) ? NJ_LAYOUT_F : NJ_LAYOUT_A;
    return nj_type_array(nj_ext_types(), elem, (unsigned)PyArray_NDIM(a), layout, !PyArray_ISWRITEABLE(a));
}

/* NULL without an exception when v is nothing of NumPy's. */
static const NjType *of_numpy(PyObject *v)
{
    int maybe = nj_npy_maybe();
    if (maybe <= 0)
        return NULL;
    if (PyArray_Check(v))
        return of_array(v);
    NjScalar s = nj_npy_scalar_of_class(Py_TYPE(v));
    if (s != NJ_T_NSCALAR)
        return nj_type_scalar(nj_ext_types(), s);
    if (PyType_Check(v) && (s = nj_npy_scalar_of_class((PyTypeObject *)v)) != NJ_T_NSCALAR)
        return nj_type_dtype(nj_ext_types(), nj_type_scalar(nj_ext_types(), s));
    if (PyArray_DescrCheck(v)) {
        const NjType *t = of_dtype((PyArray_Descr *)v);
        return t ? nj_type_dtype(nj_ext_types(), t) : NULL;
    }
    return NULL;
}

/* What the object itself says: device arrays do. */
static const NjType *of_declared(PyObject *v)
{
    PyObject *type = NULL;
    const NjType *t = NULL;
    if (nj_getattr_opt(v, "_numba_type_", &type) > 0 && Py_IS_TYPE(type, &NjPyType_Type))
        t = nj_pytype_unwrap(type);
    Py_XDECREF(type);
    return t;
}

/* What to write instead, for what is passed by mistake most often. */
static const char *of_hint(PyObject *v)
{
    if (!strcmp(Py_TYPE(Py_TYPE(v))->tp_name, "EnumType") || !strcmp(Py_TYPE(Py_TYPE(v))->tp_name, "EnumMeta"))
        return "; pass its .value, or make it an IntEnum";
    if (PyList_Check(v))
        return "; pass a tuple or a NumPy array";
    if (PyFunction_Check(v))
        return "; compiled code calls functions that it finds by name, among the globals or in a closure";
    PyObject *method = NULL;
    bool has = nj_npy_maybe() > 0 && !PyArray_CheckScalar(v) &&
               nj_getattr_opt((PyObject *)Py_TYPE(v), "__array__", &method) > 0;
    Py_XDECREF(method);
    PyErr_Clear();
    return has ? "; pass the array in it, which numpy.asarray(...) or its own .to_numpy() gives" : "";
}

static const NjType *of_value(PyObject *v)
{
    NjTypes *ts = nj_ext_types();
    if (v == Py_None)
        return nj_type_none(ts);
    if (PyBool_Check(v))
        return nj_type_scalar(ts, NJ_T_BOOL);
    if (PyLong_Check(v))
        return of_int(v);
    if (PyFloat_Check(v))
        return nj_type_scalar(ts, NJ_T_F64);
    if (PyComplex_Check(v))
        return nj_type_scalar(ts, NJ_T_C128);
    if (PyTuple_Check(v))
        return of_tuple(v);
    if (PySlice_Check(v))
        return nj_type_slice(ts);
    if (Py_IS_TYPE(v, &NjPyType_Type))
        return nj_type_dtype(ts, nj_pytype_unwrap(v));
    const NjType *t = of_numpy(v);
    if (!t && !PyErr_Occurred())
        t = of_declared(v);
    if (t || PyErr_Occurred())
        return t;
    PyErr_Format(PyExc_TypeError, "a value of type %.200s cannot be an argument of compiled code%s",
                 Py_TYPE(v)->tp_name, of_hint(v));
    return NULL;
}

/* Interning gives the error type when there is no memory for a new one. */
const NjType *nj_pytype_of(PyObject *v)
{
    const NjType *t = of_value(v);
    if (!t || t->kind != NJ_K_ERROR)
        return t;
    PyErr_NoMemory();
    return NULL;
}

/* -- what an annotation names ----------------------------------------------------------------------------- */

/* As the argument of a signature, where `i8` is what users mean by it and not the IR's. */
static const NjType *get_text(PyObject *o)
{
    const char *text = PyUnicode_AsUTF8(o);
    NjArena *a = text ? nj_arena_new() : NULL;
    const NjType *t = NULL;
    NjErr err = {0};
    NjSig sig = {0};
    if (a && nj_sig_parse(nj_ext_types(), a, nj_arena_printf(a, "(%s)", text), &sig, &err) == NJ_OK && sig.nargs == 1)
        t = sig.args[0];
    else if (text)
        PyErr_Format(PyExc_TypeError, "'%s' is not a type%s%s", text, *err.text ? ": " : "", err.text);
    nj_arena_free(a);
    return t;
}

static const NjType *get_class(PyObject *o)
{
    const struct { PyTypeObject *cls; NjScalar s; } rows[] = {
        {&PyBool_Type, NJ_T_BOOL}, {&PyLong_Type, NJ_T_I64}, {&PyFloat_Type, NJ_T_F64}, {&PyComplex_Type, NJ_T_C128},
    };
    for (size_t i = 0; i < NJ_COUNT(rows); i++)
        if ((PyObject *)rows[i].cls == o)
            return nj_type_scalar(nj_ext_types(), rows[i].s);
    return NULL;
}

static const NjType *get_numpy(PyObject *o)
{
    if (nj_npy_maybe() <= 0)
        return NULL;
    if (PyArray_DescrCheck(o))
        return of_dtype((PyArray_Descr *)o);
    NjScalar s = PyType_Check(o) ? nj_npy_scalar_of_class((PyTypeObject *)o) : NJ_T_NSCALAR;
    return s == NJ_T_NSCALAR ? NULL : nj_type_scalar(nj_ext_types(), s);
}

const NjType *nj_pytype_get(PyObject *o)
{
    if (Py_IS_TYPE(o, &NjPyType_Type))
        return nj_pytype_unwrap(o);
    if (o == Py_None)
        return nj_type_none(nj_ext_types());
    if (PyUnicode_Check(o))
        return get_text(o);
    const NjType *t = PyType_Check(o) ? get_class(o) : NULL;
    if (!t)
        t = get_numpy(o);
    if (!t && !PyErr_Occurred())
        PyErr_Format(PyExc_TypeError, "%.200R is not a type of compiled code", o);
    return t;
}

/* -- module functions ------------------------------------------------------------------------------------------ */

static PyObject *typeof_value(PyObject *module, PyObject *v)
{
    const NjType *t = nj_pytype_of(v);
    return t ? nj_pytype_wrap(t) : NULL;
}

/* The NumPy dtype of a scalar type. */
static PyObject *typeof_as_dtype(PyObject *module, PyObject *o)
{
    const NjType *t = nj_pytype_get(o);
    if (!t || nj_npy_need() < 0)
        return NULL;
    NjScalar s = nj_type_scalar_of(t);
    if (s == NJ_T_NSCALAR)
        return PyErr_Format(PyExc_TypeError, "there is no NumPy dtype for %s", t->name);
    return (PyObject *)PyArray_DescrFromType(nj_npy_num(s));
}

static PyObject *typeof_from_dtype(PyObject *module, PyObject *o)
{
    PyArray_Descr *d = NULL;
    if (nj_npy_need() < 0 || !PyArray_DescrConverter(o, &d))
        return NULL;
    const NjType *t = of_dtype(d);
    Py_DECREF(d);
    return t ? nj_pytype_wrap(t) : NULL;
}

PyMethodDef nj_typeof_methods[] = {
    {"typeof", typeof_value, METH_O, "typeof(value): its type as an argument of compiled code."},
    {"as_dtype", typeof_as_dtype, METH_O, "as_dtype(type): the NumPy dtype of a scalar type."},
    {"from_dtype", typeof_from_dtype, METH_O, "from_dtype(dtype): the type of an element of that dtype."},
    {0},
};
