/* typeof.c - the type of a Python value as an argument, and the type that a Python object names.
 *
 * nj_pytype_of is the rule book of argument types; marshal.c repeats its exact tests on the hot path
 * and must agree with it. nj_pytype_get reads annotations: types, text, dtypes, classes.
 */
#include "disp.h"
#include "npy.h"

/* -- what a value is -------------------------------------------------------------------------------- */

static const NjType *of_value(PyObject *v);

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
    PyObject *bits = PyObject_CallMethod((PyObject *)&PyLong_Type, "bit_length", "O", v);
    if (bits)
        PyErr_Format(PyExc_ValueError,
                     overflow < 0
                         ? "a negative integer of %S bits is too large: compiled code has 64 bits, one for the sign"
                         : "an integer of %S bits is too large: compiled code has 64 bits", bits);
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
    PyObject *tag = names ? nj_named_tag(Py_TYPE(v), fields) : PyErr_NoMemory();
    const char *text = tag ? PyUnicode_AsUTF8(tag) : NULL;
    const NjType *t = NULL;
    Py_ssize_t i = 0;
    while (text && i < n && (names[i] = PyUnicode_AsUTF8(PyTuple_GET_ITEM(fields, i))))
        i++;
    if (text && i == n)
        t = nj_type_namedtuple(nj_ext_types(), text, at, names, (unsigned)n);
    Py_XDECREF(tag);
    PyMem_Free(names);
    return t;
}

/* The innermost tuple says which of its items was refused. */
static void of_item_fail(Py_ssize_t i)
{
    bool ours = PyErr_ExceptionMatches(PyExc_TypeError) || PyErr_ExceptionMatches(PyExc_ValueError);
    PyObject *e = ours ? nj_exc_take() : NULL;
    PyObject *text = e ? PyObject_Str(e) : NULL, *item = text ? PyUnicode_FromString("item ") : NULL;
    if (!e)
        return;
    if (item && PyUnicode_Tailmatch(text, item, 0, PyUnicode_GET_LENGTH(text), -1) == 0)
        PyErr_Format((PyObject *)Py_TYPE(e), "item %zd of a tuple: %U", i, text);
    else {
        PyErr_Clear();
        nj_exc_put(Py_NewRef(e));
    }
    Py_DECREF(e);
    Py_XDECREF(text);
    Py_XDECREF(item);
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
    while (i < n && (at[i] = of_value(PyTuple_GET_ITEM(v, i))))
        i++;
    if (i < n)
        of_item_fail(i);
    else {
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

/* What to do about arrays that compiled code cannot use, by the kind of their dtype. */
static const struct { char kind; const char *hint; } dtype_hints[] = {
    {'M', "; pass a.view('int64')"},
    {'m', "; pass a.view('int64')"},
    {'V', "; pass its fields, such as a['x'], as arrays of their own"},
    {'O', "; convert it with a.astype(float)"},
    {'S', "; pass a.view('uint8')"},
    {'U', "; pass a.view('uint32')"},
    {'f', "; convert it with a.astype('float64')"},
    {'c', "; convert it with a.astype('complex128')"},
};

static const NjType *of_dtype_fail(PyArray_Descr *d)
{
    PyObject *text = PyObject_Str((PyObject *)d);
    const char *hint = "";
    for (size_t i = 0; i < NJ_COUNT(dtype_hints); i++)
        if (dtype_hints[i].kind == d->kind)
            hint = dtype_hints[i].hint;
    if (text && nj_npy_scalar(d->type_num) != NJ_T_NSCALAR)
        PyErr_Format(PyExc_TypeError, "an array of dtype %U has the other byte order; convert it with "
                     "a.astype(a.dtype.newbyteorder('='))", text);
    else if (text)
        PyErr_Format(PyExc_TypeError, "compiled code cannot use the dtype %U%s", text, hint);
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
        return of_fail(PyExc_TypeError, "compiled code cannot use a %.100s: it would not see the mask; "
                       "pass its .data and .mask, or .filled(value)", v);
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

/* What the object itself says: device arrays do. An object whose attributes fail says nothing. */
static const NjType *of_declared(PyObject *v)
{
    PyObject *type = NULL;
    const NjType *t = NULL;
    int there = nj_getattr_opt(v, "_numba_type_", &type);
    if (there > 0 && Py_IS_TYPE(type, &NjPyType_Type))
        t = nj_pytype_unwrap(type);
    else if (there < 0 && PyErr_ExceptionMatches(PyExc_Exception) && !PyErr_ExceptionMatches(PyExc_MemoryError) &&
             !PyErr_ExceptionMatches(PyExc_RecursionError))
        PyErr_Clear();
    Py_XDECREF(type);
    return t;
}

/* -- what to write instead ------------------------------------------------------------------------- */

/* The metaclasses of enums are Python's own, but not part of its C API. */
static bool is_enum(PyObject *v)
{
    const char *meta = Py_TYPE(Py_TYPE(v))->tp_name;
    return !strcmp(meta, "EnumType") || !strcmp(meta, "EnumMeta");
}

static bool is_named(PyObject *v)
{
    return PyType_Check(v) || PyModule_Check(v) || Py_IS_TYPE(v, &NjDisp_Type) || PyFunction_Check(v) ||
           PyCFunction_Check(v) || PyMethod_Check(v);
}

static bool is_range(PyObject *v) { return PyRange_Check(v); }
static bool is_list(PyObject *v) { return PyList_Check(v); }
static bool is_container(PyObject *v) { return PyDict_Check(v) || PyAnySet_Check(v); }
static bool is_text(PyObject *v) { return PyUnicode_Check(v); }
static bool is_ctypes(PyObject *v) { return !strcmp(Py_TYPE(Py_TYPE(v))->tp_name, "_ctypes.PyCSimpleType"); }

static bool type_has(PyObject *v, const char *name)
{
    PyObject *there = NULL;
    bool has = nj_getattr_opt((PyObject *)Py_TYPE(v), name, &there) > 0;
    Py_XDECREF(there);
    PyErr_Clear();
    return has;
}

static bool is_duration(PyObject *v) { return type_has(v, "total_seconds"); }
static bool is_moment(PyObject *v) { return type_has(v, "timestamp"); }
static bool is_void(PyObject *v) { return nj_npy_maybe() > 0 && PyArray_IsScalar(v, Void); }
static bool is_numpy_scalar(PyObject *v) { return nj_npy_maybe() > 0 && PyArray_CheckScalar(v) && !PyBytes_Check(v); }
static bool is_device_array(PyObject *v) { return type_has(v, "__cuda_array_interface__"); }
static bool is_buffer(PyObject *v) { return PyObject_CheckBuffer(v); }
static bool is_index(PyObject *v) { return PyIndex_Check(v); }
static bool is_callable(PyObject *v) { return PyCallable_Check(v); }
static bool is_float(PyObject *v) { return type_has(v, "__float__"); }

static bool is_array_like(PyObject *v)
{
    return type_has(v, "__array__") || type_has(v, "__array_interface__") || type_has(v, "__array_struct__");
}

#define BY_NAME "; compiled code finds functions, classes and modules by name, among the globals or in a closure"
/* The first row that fits. */
static const struct { bool (*is)(PyObject *v); const char *hint; } hints[] = {
    {is_enum, "; pass its .value, or make it an IntEnum"},
    {is_list, "; pass a tuple or a NumPy array"},
    {is_named, BY_NAME},
    {is_range, "; pass its .start, .stop and .step"},
    {is_container, "; pass what is in it as tuples or NumPy arrays"},
    {is_duration, "; pass its .total_seconds()"},
    {is_moment, "; pass its .timestamp()"},
    {is_text, "; there are no strings in compiled code yet"},
    {is_void, "; pass its fields, such as x['a'], one by one"},
    {is_numpy_scalar, "; convert it with int(), float() or .astype()"},
    {is_ctypes, "; pass its .value"},
    {is_device_array, "; pass a host array, such as its .copy_to_host()"},
    {is_array_like, "; pass the array in it, which numpy.asarray(...) or its own .to_numpy() gives"},
    {is_buffer, "; pass numpy.frombuffer(...)"},
    {is_index, "; pass int(...) of it"},
    {is_float, "; pass float(...) of it"},
    {is_callable, BY_NAME},
};

static const char *of_hint(PyObject *v)
{
    for (size_t i = 0; i < NJ_COUNT(hints); i++)
        if (hints[i].is(v))
            return hints[i].hint;
    return "; pass the numbers and arrays in it one by one, or in a named tuple";
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

/* A plain TypeError or ValueError becomes one that is both, and naja's own. */
static void of_refuse(void)
{
    PyObject *e = nj_exc_take();
    if (e && (Py_IS_TYPE(e, (PyTypeObject *)PyExc_TypeError) || Py_IS_TYPE(e, (PyTypeObject *)PyExc_ValueError))) {
        PyObject *cls = nj_ext_import("naja.errors", "ArgumentError"), *text = cls ? PyObject_Str(e) : NULL;
        if (text)
            PyErr_SetObject(cls, text);
        Py_XDECREF(cls);
        Py_XDECREF(text);
        Py_DECREF(e);
    } else {
        nj_exc_put(e);
    }
}

/* Interning gives the error type when there is no memory for a new one. */
const NjType *nj_pytype_of(PyObject *v)
{
    const NjType *t = of_value(v);
    if (!t)
        of_refuse();
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
