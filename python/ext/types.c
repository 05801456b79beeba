/* types.c - NjType as a Python object: naja.float32, float32[:, ::1], float64(float64, float64), types.Array(...).
 *
 * One object for each type, made at first need and never freed, so that equality and hashing are identity, as in host/.
 * Indexing a type with slices makes an array type, calling it with types a signature, and calling a scalar type with
 * anything else converts that value as NumPy's class of the same name does.
 */
#include "ext.h"

typedef struct PyType_ { PyObject_HEAD const NjType *t; } TypeObj;

static TypeObj **type_objs;                   /* by NjType.id; grows under the GIL */
static uint32_t type_cap;

static const NjType *type_t(PyObject *o)
{
    return ((TypeObj *)o)->t;
}

static bool type_reserve(uint32_t id)
{
    if (id < type_cap)
        return true;
    uint32_t cap = id + id / 2 + 64;
    TypeObj **p = PyMem_Realloc(type_objs, cap * sizeof *p);
    if (!p)
        return false;
    memset(p + type_cap, 0, (cap - type_cap) * sizeof *p);
    type_objs = p;
    type_cap = cap;
    return true;
}

PyObject *nj_pytype_wrap(const NjType *t)
{
    if (t->kind == NJ_K_ERROR || !type_reserve(t->id))          /* the error type: no memory for the right one */
        return PyErr_NoMemory();
    if (!type_objs[t->id]) {
        TypeObj *o = PyObject_New(TypeObj, &NjPyType_Type);
        if (!o)
            return NULL;
        o->t = t;
        type_objs[t->id] = o;
    }
    return Py_NewRef((PyObject *)type_objs[t->id]);
}

const NjType *nj_pytype_unwrap(PyObject *o)
{
    return type_t(o);
}

int nj_pytype_add(PyObject *module, const char *name, const NjType *t)
{
    PyObject *o = nj_pytype_wrap(t);
    int rc = o ? PyModule_AddObjectRef(module, name, o) : -1;
    Py_XDECREF(o);
    return rc;
}

/* A C tuple of types as a Python tuple. */
static PyObject *type_tuple(const NjType *const *at, uint32_t n)
{
    PyObject *r = PyTuple_New(n);
    for (uint32_t i = 0; r && i < n; i++) {
        PyObject *o = nj_pytype_wrap(at[i]);
        if (!o)
            Py_CLEAR(r);
        else
            PyTuple_SET_ITEM(r, i, o);
    }
    return r;
}

/* -- float32[:, ::1] ------------------------------------------------------------------------------- */

/* 1 for `::1`, 0 for `:`, -1 for anything else. */
static int type_slice_kind(PyObject *o)
{
    if (!PySlice_Check(o))
        return -1;
    PySliceObject *s = (PySliceObject *)o;
    if (s->start != Py_None || s->stop != Py_None)
        return -1;
    if (s->step == Py_None)
        return 0;
    return PyLong_Check(s->step) && PyLong_AsLong(s->step) == 1 ? 1 : -1;
}

static PyObject *type_index_error(const NjType *t)
{
    return PyErr_Format(PyExc_TypeError,
                        "an array of %s is written %s[:], %s[:, :], %s[:, ::1] (C order) or %s[::1, :] "
                        "(Fortran order)",
                        t->name, t->name, t->name, t->name, t->name);
}

static PyObject *type_subscript(PyObject *self, PyObject *key)
{
    const NjType *t = type_t(self);
    Py_ssize_t n = PyTuple_Check(key) ? PyTuple_GET_SIZE(key) : 1;
    NjLayout layout = NJ_LAYOUT_A;
    if (n < 1 || n > 32 || t->kind == NJ_K_VOID || t->kind == NJ_K_ARRAY)
        return type_index_error(t);
    for (Py_ssize_t i = 0; i < n; i++) {
        int kind = type_slice_kind(PyTuple_Check(key) ? PyTuple_GET_ITEM(key, i) : key);
        bool edge = i == 0 || i == n - 1;
        if (kind < 0 || (kind == 1 && (!edge || layout != NJ_LAYOUT_A)))
            return type_index_error(t);
        if (kind == 1)
            layout = i == n - 1 ? NJ_LAYOUT_C : NJ_LAYOUT_F;
    }
    return nj_pytype_wrap(nj_type_array(nj_ext_types(), t, (unsigned)n, layout, false));
}

/* -- float64(float64, float64), float32(1.5) ------------------------------------------------------- */

/* float32(x) as numpy.float32(x). */
static PyObject *type_convert(const NjType *t, PyObject *value)
{
    if (nj_type_scalar_of(t) == NJ_T_NSCALAR)
        return PyErr_Format(PyExc_TypeError,
                            "%s can only be called with types, which makes a signature, not with a %.100s", t->name,
                            Py_TYPE(value)->tp_name);
    PyObject *cls = nj_ext_import("numpy", t->kind == NJ_K_BOOL ? "bool_" : t->name);
    PyObject *r = cls ? PyObject_CallOneArg(cls, value) : NULL;
    Py_XDECREF(cls);
    return r;
}

static PyObject *type_call(PyObject *self, PyObject *args, PyObject *kwargs)
{
    if (kwargs && PyDict_GET_SIZE(kwargs))
        return PyErr_Format(PyExc_TypeError, "a type takes no keyword arguments");
    Py_ssize_t n = PyTuple_GET_SIZE(args);
    if (n == 1 && !PyObject_TypeCheck(PyTuple_GET_ITEM(args, 0), &NjPyType_Type))
        return type_convert(type_t(self), PyTuple_GET_ITEM(args, 0));
    const NjType **at = PyMem_Calloc((size_t)n + 1, sizeof *at);
    if (!at)
        return PyErr_NoMemory();
    PyObject *r = NULL;
    Py_ssize_t i = 0;
    while (i < n && (at[i] = nj_pytype_get(PyTuple_GET_ITEM(args, i))))
        i++;
    if (i == n)
        r = nj_pysig_new(type_t(self), at, n);
    PyMem_Free(at);
    return r;
}

/* -- attributes ---------------------------------------------------------------------------------------- */

static PyObject *type_repr(PyObject *self)
{
    return PyUnicode_FromString(type_t(self)->name);
}

static PyObject *type_attr_error(PyObject *self, const char *name)
{
    return PyErr_Format(PyExc_AttributeError, "the type %s has no attribute '%s'", type_t(self)->name, name);
}

static PyObject *type_get_name(PyObject *self, void *unused)
{
    return type_repr(self);
}

static PyObject *type_get_code(PyObject *self, void *unused)
{
    return PyUnicode_FromString(type_t(self)->code);
}

static PyObject *type_get_kind(PyObject *self, void *unused)
{
    static const char *const words[] = {
        [NJ_K_ERROR] = "error", [NJ_K_VOID] = "void", [NJ_K_NONE] = "none", [NJ_K_BOOL] = "bool", [NJ_K_INT] = "int",
        [NJ_K_UINT] = "uint", [NJ_K_FLOAT] = "float", [NJ_K_COMPLEX] = "complex", [NJ_K_PTR] = "ptr",
        [NJ_K_TUPLE] = "tuple", [NJ_K_ARRAY] = "array", [NJ_K_OPTIONAL] = "optional", [NJ_K_SLICE] = "slice",
        [NJ_K_RANGE] = "range", [NJ_K_ITER] = "iter", [NJ_K_ENUMERATE] = "enumerate", [NJ_K_ZIP] = "zip",
        [NJ_K_RECORD] = "record", [NJ_K_STR] = "str", [NJ_K_DTYPE] = "dtype", [NJ_K_OBJ] = "object",
        [NJ_K_METHOD] = "method",
    };
    return PyUnicode_FromString(words[type_t(self)->kind]);
}

static PyObject *type_get_bitwidth(PyObject *self, void *unused)
{
    const NjType *t = type_t(self);
    return nj_type_is_number(t) ? PyLong_FromLong(t->bits) : type_attr_error(self, "bitwidth");
}

static PyObject *type_get_signed(PyObject *self, void *unused)
{
    const NjType *t = type_t(self);
    return nj_type_is_int(t) ? PyBool_FromLong(t->kind == NJ_K_INT) : type_attr_error(self, "signed");
}

static PyObject *type_get_ndim(PyObject *self, void *unused)
{
    return type_t(self)->kind == NJ_K_ARRAY ? PyLong_FromLong(type_t(self)->ndim) : type_attr_error(self, "ndim");
}

static PyObject *type_get_layout(PyObject *self, void *unused)
{
    if (type_t(self)->kind != NJ_K_ARRAY)
        return type_attr_error(self, "layout");
    return PyUnicode_FromStringAndSize(&"CFA"[type_t(self)->layout], 1);
}

static PyObject *type_get_mutable(PyObject *self, void *unused)
{
    return PyBool_FromLong(type_t(self)->kind == NJ_K_ARRAY && !type_t(self)->readonly);
}

/* The element type of an array or of a tuple of equal elements. */
static PyObject *type_get_dtype(PyObject *self, void *unused)
{
    const NjType *t = type_t(self);
    bool same = t->kind == NJ_K_TUPLE && t->nelem > 0;
    for (uint32_t i = 1; same && i < t->nelem; i++)
        same = t->elems[i] == t->elems[0];
    if (t->kind == NJ_K_ARRAY || t->kind == NJ_K_DTYPE)
        return nj_pytype_wrap(t->elem);
    return same ? nj_pytype_wrap(t->elems[0]) : type_attr_error(self, "dtype");
}

static PyObject *type_get_types(PyObject *self, void *unused)
{
    const NjType *t = type_t(self);
    return t->kind == NJ_K_TUPLE ? type_tuple(t->elems, t->nelem) : type_attr_error(self, "types");
}

static PyObject *type_get_fields(PyObject *self, void *unused)
{
    const NjType *t = type_t(self);
    if (!t->names)
        return type_attr_error(self, "fields");
    PyObject *r = PyTuple_New(t->nelem);
    for (uint32_t i = 0; r && i < t->nelem; i++) {
        PyObject *s = PyUnicode_FromString(t->names[i]);
        if (!s)
            Py_CLEAR(r);
        else
            PyTuple_SET_ITEM(r, i, s);
    }
    return r;
}

static PyObject *type_get_count(PyObject *self, void *unused)
{
    const NjType *t = type_t(self);
    return t->kind == NJ_K_TUPLE ? PyLong_FromUnsignedLong(t->nelem) : type_attr_error(self, "count");
}

static PyObject *type_get_type(PyObject *self, void *unused)
{
    return type_t(self)->kind == NJ_K_OPTIONAL ? nj_pytype_wrap(type_t(self)->elem) : type_attr_error(self, "type");
}

static PyGetSetDef type_getset[] = {
    {"name", type_get_name, NULL, "what messages show", NULL},
    {"key", type_get_name, NULL, "the same as name: two types are equal when it is", NULL},
    {"code", type_get_code, NULL, "what the IR prints", NULL},
    {"kind", type_get_kind, NULL, "int, uint, float, complex, bool, array, tuple, ...", NULL},
    {"bitwidth", type_get_bitwidth, NULL, "width of a number", NULL},
    {"signed", type_get_signed, NULL, "is an integer type signed?", NULL},
    {"ndim", type_get_ndim, NULL, "dimensions of an array", NULL},
    {"layout", type_get_layout, NULL, "of an array: 'C', 'F' or 'A' (any strides)", NULL},
    {"mutable", type_get_mutable, NULL, "may an array be written to?", NULL},
    {"dtype", type_get_dtype, NULL, "element type of an array or uniform tuple", NULL},
    {"types", type_get_types, NULL, "element types of a tuple", NULL},
    {"fields", type_get_fields, NULL, "names of a named tuple or record", NULL},
    {"count", type_get_count, NULL, "number of elements of a tuple", NULL},
    {"type", type_get_type, NULL, "what an optional may hold", NULL},
    {0},
};

/* By text where that says it all; named tuples and records depend on classes and are refused. */
static PyObject *type_reduce(PyObject *self, PyObject *unused)
{
    const NjType *t = type_t(self);
    if (t->names)
        return PyErr_Format(PyExc_TypeError, "the type %s cannot be pickled", t->name);
    PyObject *parse = nj_ext_import("naja._naja", "type_from_text");
    PyObject *r = parse ? Py_BuildValue("(N(s))", parse, t->name) : NULL;
    return r;
}

static int type_layout(const char *s)
{
    return !strcmp(s, "C") ? NJ_LAYOUT_C : !strcmp(s, "F") ? NJ_LAYOUT_F : !strcmp(s, "A") ? NJ_LAYOUT_A : -1;
}

static PyObject *type_copy(PyObject *self, PyObject *args, PyObject *kw)
{
    const NjType *t = type_t(self);
    const char *layout = NULL;
    PyObject *dtype = Py_None;
    int ndim = t->ndim, readonly = t->readonly;
    static char *names[] = {"dtype", "ndim", "layout", "readonly", NULL};
    if (t->kind != NJ_K_ARRAY)
        return Py_NewRef(self);
    if (!PyArg_ParseTupleAndKeywords(args, kw, "|$Oisp:copy", names, &dtype, &ndim, &layout, &readonly))
        return NULL;
    const NjType *elem = dtype == Py_None ? t->elem : nj_pytype_get(dtype);
    if (!elem)
        return NULL;
    int l = layout ? type_layout(layout) : t->layout;
    if (l < 0 || ndim < 0 || ndim > 32)
        return PyErr_Format(PyExc_ValueError, "layout is 'C', 'F' or 'A' and ndim from 0 to 32");
    return nj_pytype_wrap(nj_type_array(nj_ext_types(), elem, (unsigned)ndim, (NjLayout)l, readonly));
}

static PyObject *type_is_precise(PyObject *self, PyObject *unused)
{
    Py_RETURN_TRUE;
}

/* How well self converts to the other type, as Context.can_convert names it: 0 exact, 1 promote, 2 safe, 3 unsafe, None
 * not. */
static PyObject *type_can_convert_to(PyObject *self, PyObject *other)
{
    const NjType *to = nj_pytype_get(other);
    if (!to)
        return NULL;
    NjConv c = nj_type_conv(type_t(self), to);
    if (c == NJ_CONV_NONE)
        Py_RETURN_NONE;
    return PyLong_FromLong((long)c - (long)NJ_CONV_EXACT);
}

static PyMethodDef type_methods[] = {
    {"copy", (PyCFunction)(void (*)(void))type_copy, METH_VARARGS | METH_KEYWORDS,
     "copy(*, dtype, ndim, layout, readonly): an array type with something changed."},
    {"is_precise", type_is_precise, METH_NOARGS, "Always true: there are no half-known types here."},
    {"can_convert_to", type_can_convert_to, METH_O,
     "can_convert_to(other): 0 exact, 1 promotion, 2 safe, 3 unsafe; None when it cannot be converted."},
    {"__reduce__", type_reduce, METH_NOARGS, NULL},
    {0},
};

static PyMappingMethods type_mapping = {.mp_subscript = type_subscript};

PyTypeObject NjPyType_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "naja.types.Type",
    .tp_doc = "A type of compiled code. t[:] is an array of t, t(t1, t2) a signature, float32(x) converts x.",
    .tp_basicsize = sizeof(TypeObj),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_repr = type_repr,
    .tp_call = type_call,
    .tp_as_mapping = &type_mapping,
    .tp_getset = type_getset,
    .tp_methods = type_methods,
};

/* -- making types from Python ---------------------------------------------------------------------------- */

static PyObject *types_from_text(PyObject *module, PyObject *arg)
{
    if (!PyUnicode_Check(arg))
        return PyErr_Format(PyExc_TypeError, "text is needed, not a %.100s", Py_TYPE(arg)->tp_name);
    const NjType *t = nj_pytype_get(arg);
    return t ? nj_pytype_wrap(t) : NULL;
}

static PyObject *types_as_type(PyObject *module, PyObject *arg)
{
    const NjType *t = nj_pytype_get(arg);
    return t ? nj_pytype_wrap(t) : NULL;
}

static PyObject *types_array(PyObject *module, PyObject *args, PyObject *kw)
{
    static char *names[] = {"dtype", "ndim", "layout", "readonly", "name", "aligned", NULL};
    PyObject *dtype, *name = NULL;
    const char *layout;
    int ndim, readonly = 0, aligned = 1;
    if (!PyArg_ParseTupleAndKeywords(args, kw, "Ois|pOp:Array", names, &dtype, &ndim, &layout, &readonly, &name,
                                     &aligned))
        return NULL;
    const NjType *elem = nj_pytype_get(dtype);
    if (!elem)
        return NULL;
    if (ndim < 0 || ndim > 32)
        return PyErr_Format(PyExc_ValueError, "an array has from 0 to 32 dimensions, not %d", ndim);
    int l = type_layout(layout);
    if (l < 0)
        return PyErr_Format(PyExc_ValueError, "layout is 'C', 'F' or 'A', not '%s'", layout);
    if (!aligned)
        return PyErr_Format(PyExc_NotImplementedError, "unaligned arrays are not supported");
    return nj_pytype_wrap(nj_type_array(nj_ext_types(), elem, (unsigned)ndim, (NjLayout)l, readonly));
}

/* Calls make(types, n) with the types of a sequence. */
static PyObject *types_with(PyObject *seq, const NjType *(*make)(NjTypes *, const NjType *const *, unsigned))
{
    PyObject *fast = PySequence_Fast(seq, "a tuple of types is needed");
    if (!fast)
        return NULL;
    Py_ssize_t n = PySequence_Fast_GET_SIZE(fast), i = 0;
    const NjType **at = PyMem_Calloc((size_t)n + 1, sizeof *at);
    while (at && i < n && (at[i] = nj_pytype_get(PySequence_Fast_GET_ITEM(fast, i))))
        i++;
    PyObject *r = at ? NULL : PyErr_NoMemory();
    if (at && i == n)
        r = nj_pytype_wrap(make(nj_ext_types(), at, (unsigned)n));
    PyMem_Free(at);
    Py_DECREF(fast);
    return r;
}

static PyObject *types_tuple(PyObject *module, PyObject *arg)
{
    return types_with(arg, nj_type_tuple);
}

static PyObject *types_unituple(PyObject *module, PyObject *args)
{
    PyObject *o;
    int n;
    if (!PyArg_ParseTuple(args, "Oi:UniTuple", &o, &n))
        return NULL;
    const NjType *t = nj_pytype_get(o);
    if (!t)
        return NULL;
    if (n < 0 || n > 10000)
        return PyErr_Format(PyExc_ValueError, "a tuple type has from 0 to 10000 elements, not %d", n);
    return nj_pytype_wrap(nj_type_unituple(nj_ext_types(), t, (unsigned)n));
}

static PyObject *types_optional(PyObject *module, PyObject *arg)
{
    const NjType *t = nj_pytype_get(arg);
    return t ? nj_pytype_wrap(nj_type_optional(nj_ext_types(), t)) : NULL;
}

static PyObject *types_unify(PyObject *module, PyObject *args)
{
    PyObject *a, *b;
    if (!PyArg_ParseTuple(args, "OO:unify", &a, &b))
        return NULL;
    const NjType *ta = nj_pytype_get(a), *tb = ta ? nj_pytype_get(b) : NULL;
    if (!tb)
        return NULL;
    const NjType *t = nj_type_unify(nj_ext_types(), ta, tb);
    if (!t)
        Py_RETURN_NONE;
    return nj_pytype_wrap(t);
}

PyMethodDef nj_types_methods[] = {
    {"type_from_text", types_from_text, METH_O, "type_from_text('float32[:, ::1]')"},
    {"as_type", types_as_type, METH_O, "as_type(x): the type that x names: a type, text, a dtype, a class, None."},
    {"array_type", (PyCFunction)(void (*)(void))types_array, METH_VARARGS | METH_KEYWORDS,
     "array_type(dtype, ndim, layout, readonly=False)"},
    {"tuple_type", types_tuple, METH_O, "tuple_type((t1, t2, ...))"},
    {"unituple_type", types_unituple, METH_VARARGS, "unituple_type(t, n)"},
    {"optional_type", types_optional, METH_O, "optional_type(t)"},
    {"unify", types_unify, METH_VARARGS, "unify(a, b): the smallest type both convert to, or None."},
    {0},
};

int nj_types_init(PyObject *module)
{
    NjTypes *ts = nj_ext_types();
    if (PyModule_AddType(module, &NjPyType_Type) < 0)
        return -1;
    for (int s = 0; s < NJ_T_NSCALAR; s++) {
        const NjType *t = nj_type_scalar(ts, (NjScalar)s);
        if (nj_pytype_add(module, t->name, t) < 0)
            return -1;
    }
    return nj_pytype_add(module, "void", nj_type_void(ts)) < 0 || nj_pytype_add(module, "none", nj_type_none(ts)) < 0
               ? -1
               : 0;
}
