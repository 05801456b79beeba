/* const.c - a Python value as a NjConst: numbers, strings, tuples, types, arrays, functions the compiler knows; modules
 * and enums by way of const_space.c.
 *
 * In: an object found in co_consts, globals, a closure, a default, or a module. Out: plain C data in the snapshot's
 * arena. Each kind of object is one row of `makers`, asked in order; what none of them takes becomes a NJ_C_OBJECT,
 * good for a message. NumPy is asked only if somebody has imported it.
 */
#include "npy.h"
#include "snapshot.h"

const NjConst nj_snap_missing = {.kind = NJ_C_MISSING};

/* -- plain values ---------------------------------------------------------------------------------------- */

static int const_single(SnapScope *c, PyObject *o, NjConst *k)
{
    k->kind = o == Py_None ? NJ_C_NONE : NJ_C_ELLIPSIS;
    return o == Py_None || o == Py_Ellipsis;
}

static int const_bool(SnapScope *c, PyObject *o, NjConst *k)
{
    k->kind = NJ_C_BOOL;
    k->b = o == Py_True;
    return PyBool_Check(o);
}

/* Enum members of an IntEnum are ints, too. Text as the number, not as the member, so that it reads as what it is. */
static int const_bigint(SnapScope *c, PyObject *o, NjConst *k)
{
    PyObject *text = PyLong_Type.tp_repr(o);
    k->kind = NJ_C_BIGINT;
    k->str.text = text ? nj_snap_str(c->s, text) : NULL;
    k->str.n = k->str.text ? strlen(k->str.text) : 0;
    Py_XDECREF(text);
    return k->str.text ? 1 : -1;
}

static int const_int(SnapScope *c, PyObject *o, NjConst *k)
{
    int overflow;
    if (!PyLong_Check(o))
        return 0;
    k->kind = NJ_C_INT;
    k->i = PyLong_AsLongLongAndOverflow(o, &overflow);
    if (!overflow)
        return 1;
    k->kind = NJ_C_UINT;
    k->u = overflow > 0 ? PyLong_AsUnsignedLongLong(o) : 0;
    if (overflow > 0 && !PyErr_Occurred())
        return 1;
    PyErr_Clear();
    return const_bigint(c, o, k);
}

static int const_float(SnapScope *c, PyObject *o, NjConst *k)
{
    if (!PyFloat_Check(o))
        return 0;
    k->kind = NJ_C_FLOAT;
    k->f = PyFloat_AS_DOUBLE(o);
    return 1;
}

static int const_complex(SnapScope *c, PyObject *o, NjConst *k)
{
    if (!PyComplex_Check(o))
        return 0;
    k->kind = NJ_C_COMPLEX;
    k->c[0] = PyComplex_RealAsDouble(o);
    k->c[1] = PyComplex_ImagAsDouble(o);
    return 1;
}

/* Text that UTF-8 cannot hold (lone surrogates) is of no use to compiled code. */
static int const_str(SnapScope *c, PyObject *o, NjConst *k)
{
    Py_ssize_t n;
    if (!PyUnicode_Check(o))
        return 0;
    const char *text = PyUnicode_AsUTF8AndSize(o, &n);
    if (!text) {
        PyErr_Clear();
        return 0;
    }
    char *copy = nj_arena_alloc(c->s->arena, (size_t)n + 1);
    if (!copy)
        return PyErr_NoMemory(), -1;
    memcpy(copy, text, (size_t)n);
    k->kind = NJ_C_STR;
    k->str.text = copy;
    k->str.n = (size_t)n;
    return 1;
}

/* -- tuples ---------------------------------------------------------------------------------------------- */

/* The field names of a named tuple and, in *tag, the name of its types; NULL for a plain tuple. */
static const char *const *const_fields(SnapScope *c, PyObject *o, Py_ssize_t n, const char **tag)
{
    PyObject *fields = NULL;
    if (PyTuple_CheckExact(o) || nj_getattr_opt(o, "_fields", &fields) <= 0)
        return NULL;
    const char **names = NULL;
    if (PyTuple_Check(fields) && PyTuple_GET_SIZE(fields) == n)
        names = nj_arena_alloc(c->s->arena, ((size_t)n + 1) * sizeof *names);
    for (Py_ssize_t i = 0; names && i < n; i++)
        if (!PyUnicode_Check(PyTuple_GET_ITEM(fields, i)) ||
            !(names[i] = nj_snap_str(c->s, PyTuple_GET_ITEM(fields, i))))
            names = NULL;
    PyObject *text = names ? nj_named_tag(Py_TYPE(o), fields) : NULL;
    *tag = text ? nj_snap_str(c->s, text) : NULL;
    Py_XDECREF(text);
    Py_DECREF(fields);
    return *tag ? names : NULL;
}

static int const_tuple(SnapScope *c, PyObject *o, NjConst *k)
{
    if (!PyTuple_Check(o))
        return 0;
    Py_ssize_t n = PyTuple_GET_SIZE(o);
    const NjConst **at = nj_arena_alloc(c->s->arena, ((size_t)n + 1) * sizeof *at);
    if (!at)
        return PyErr_NoMemory(), -1;
    if (Py_EnterRecursiveCall(" while reading a constant tuple"))
        return -1;
    Py_ssize_t i = 0;
    while (i < n && (at[i] = nj_snap_const(c, PyTuple_GET_ITEM(o, i))))
        i++;
    Py_LeaveRecursiveCall();
    k->kind = NJ_C_TUPLE;
    k->tuple.at = at;
    k->tuple.n = (uint32_t)n;
    k->tuple.names = i == n ? const_fields(c, o, n, &k->name) : NULL;
    return i == n && !PyErr_Occurred() ? 1 : -1;
}

/* -- NumPy ----------------------------------------------------------------------------------------------- */

static int const_numpy_scalar(SnapScope *c, PyObject *o, NjConst *k)
{
    NjScalar s = PyArray_IsScalar(o, Generic) ? nj_npy_scalar_of_class(Py_TYPE(o)) : NJ_T_NSCALAR;
    if (s == NJ_T_NSCALAR)
        return 0;
    k->type = nj_type_scalar(nj_ext_types(), s);
    PyObject *plain = PyObject_CallMethod(o, "item", NULL);
    int made = plain ? 0 : -1;
    static NjConstMaker *const numbers[] = {const_bool, const_int, const_float, const_complex};
    for (size_t i = 0; i < NJ_COUNT(numbers) && !made; i++)
        made = numbers[i](c, plain, k);
    if (made > 0 && k->kind == NJ_C_INT && k->type->kind == NJ_K_UINT)
        k->kind = NJ_C_UINT;
    Py_XDECREF(plain);
    return made;
}

/* Copied, so that what is compiled does not depend on when; in C order, as compiled code sees it. */
static int const_numpy_array(SnapScope *c, PyObject *o, NjConst *k)
{
    if (!PyArray_Check(o))
        return 0;
    PyArrayObject *a = (PyArrayObject *)o;
    NjScalar s = nj_npy_scalar(PyArray_TYPE(a));
    if (s == NJ_T_NSCALAR || !PyArray_ISNOTSWAPPED(a))
        return 0;
    PyArrayObject *flat = (PyArrayObject *)PyArray_GETCONTIGUOUS(a);
    if (!flat)
        return -1;
    int ndim = PyArray_NDIM(flat);
    int64_t *shape = nj_arena_alloc(c->s->arena, ((size_t)ndim + 1) * sizeof *shape);
    k->array.nbytes = (size_t)PyArray_NBYTES(flat);
    k->array.data = nj_arena_copy(c->s->arena, PyArray_DATA(flat), k->array.nbytes);
    for (int i = 0; shape && i < ndim; i++)
        shape[i] = PyArray_DIM(flat, i);
    Py_DECREF(flat);
    if (!shape || !k->array.data)
        return PyErr_NoMemory(), -1;
    k->kind = NJ_C_ARRAY;
    k->array.shape = shape;
    k->type = nj_type_array(nj_ext_types(), nj_type_scalar(nj_ext_types(), s), (unsigned)ndim, NJ_LAYOUT_C, true);
    k->name = "numpy.ndarray";
    return 1;
}

static int const_numpy_type(SnapScope *c, PyObject *o, NjConst *k)
{
    NjScalar s = NJ_T_NSCALAR;
    if (PyType_Check(o))
        s = nj_npy_scalar_of_class((PyTypeObject *)o);
    else if (PyArray_DescrCheck(o) && PyArray_ISNBO(((PyArray_Descr *)o)->byteorder))
        s = nj_npy_scalar(((PyArray_Descr *)o)->type_num);
    if (s == NJ_T_NSCALAR)
        return 0;
    k->kind = NJ_C_TYPE;
    k->type = nj_type_scalar(nj_ext_types(), s);
    k->name = k->type->name;
    return 1;
}

static int const_numpy(SnapScope *c, PyObject *o, NjConst *k)
{
    int there = nj_npy_maybe(), made = 0;
    if (there <= 0)
        return there;
    static NjConstMaker *const numpys[] = {const_numpy_scalar, const_numpy_array, const_numpy_type};
    for (size_t i = 0; i < NJ_COUNT(numpys) && !made; i++)
        made = numpys[i](c, o, k);
    return made;
}

/* -- types and exceptions -------------------------------------------------------------------------------- */

static int const_type(SnapScope *c, PyObject *o, NjConst *k)
{
    bool is_class = o == (PyObject *)&PyLong_Type || o == (PyObject *)&PyFloat_Type || o == (PyObject *)&PyBool_Type ||
                    o == (PyObject *)&PyComplex_Type;
    if (!is_class && !Py_IS_TYPE(o, &NjPyType_Type))
        return 0;
    k->kind = NJ_C_TYPE;
    k->type = nj_pytype_get(o);
    if (!k->type)
        return -1;
    k->name = is_class ? ((PyTypeObject *)o)->tp_name : k->type->name;
    return 1;
}

/* The fields of a class that namedtuple() made, new reference or NULL; a class derived from it may make its tuples
 * otherwise. */
static PyObject *named_fields(PyObject *o)
{
    PyObject *fields = NULL, *bases = PyType_Check(o) ? ((PyTypeObject *)o)->tp_bases : NULL;
    if (!PyType_CheckExact(o) || PyTuple_GET_SIZE(bases) != 1 ||
        PyTuple_GET_ITEM(bases, 0) != (PyObject *)&PyTuple_Type || nj_getattr_opt(o, "_fields", &fields) <= 0)
        return NULL;
    if (!PyTuple_Check(fields))
        Py_CLEAR(fields);
    return fields;
}

/* What each field is when it is not given; NULL where it must be. */
static bool named_defaults(SnapScope *c, PyObject *o, PyObject *fields, const NjConst **at)
{
    PyObject *defaults = NULL;
    if (nj_getattr_opt(o, "_field_defaults", &defaults) < 0)
        return false;
    for (Py_ssize_t i = 0; defaults && PyDict_Check(defaults) && i < PyTuple_GET_SIZE(fields); i++) {
        PyObject *v = PyDict_GetItemWithError(defaults, PyTuple_GET_ITEM(fields, i));
        at[i] = v ? nj_snap_const(c, v) : NULL;
    }
    Py_XDECREF(defaults);
    return !PyErr_Occurred();
}

/* A class of named tuples, which compiled code calls. */
static int const_named(SnapScope *c, PyObject *o, NjConst *k)
{
    PyObject *fields = named_fields(o);
    Py_ssize_t n = fields ? PyTuple_GET_SIZE(fields) : 0;
    if (!fields)
        return PyErr_Occurred() ? -1 : 0;
    const char **names = nj_arena_alloc(c->s->arena, ((size_t)n + 1) * sizeof *names);
    const NjType **none = nj_arena_alloc(c->s->arena, ((size_t)n + 1) * sizeof *none);
    const NjConst **at = nj_arena_alloc(c->s->arena, ((size_t)n + 1) * sizeof *at);
    PyObject *tag = names && none && at ? nj_named_tag((PyTypeObject *)o, fields) : NULL;
    bool ok = tag && named_defaults(c, o, fields, at);
    for (Py_ssize_t i = 0; ok && i < n; i++) {
        names[i] = nj_snap_str(c->s, PyTuple_GET_ITEM(fields, i));
        none[i] = nj_type_none(nj_ext_types());
        ok = names[i] != NULL;
    }
    k->kind = NJ_C_TYPE;
    k->name = ok ? nj_snap_str(c->s, tag) : NULL;
    k->type = k->name ? nj_type_namedtuple(nj_ext_types(), k->name, none, names, (unsigned)n) : NULL;
    k->tuple.at = at;
    k->tuple.n = (uint32_t)n;
    k->tuple.names = names;
    Py_XDECREF(tag);
    Py_DECREF(fields);
    return k->type ? 1 : PyErr_Occurred() ? -1 : (PyErr_NoMemory(), -1);
}

static int const_exc(SnapScope *c, PyObject *o, NjConst *k)
{
    if (!PyExceptionClass_Check(o))
        return 0;
    PyObject *name = PyObject_GetAttrString(o, "__name__");
    k->kind = NJ_C_EXC;
    k->name = name ? nj_snap_str(c->s, name) : NULL;
    k->object = o;
    Py_XDECREF(name);
    return k->name && nj_snap_keep(c->s, o) == 0 ? 1 : -1;
}

/* -- functions ------------------------------------------------------------------------------------------- */

/* Another compiled function; a kernel's device functions only where there are kernels. */
static int const_func(SnapScope *c, PyObject *o, NjConst *k)
{
    NjDispInfo info = {0};
    if (!nj_disp_info(o, &info)) {
        if (!nj_map_get(c->s->codes, &o, sizeof o))
            return 0;
        info.func = o;               /* the root itself, by its own name: recursion before the decorator has bound it */
    }
    if (info.cuda && !c->s->simt) {
        k->kind = NJ_C_OBJECT;
        k->name = "function for the GPU";
        return 1;
    }
    k->kind = NJ_C_FUNC;
    PyObject *key = nj_map_get(c->s->codes, &info.func, sizeof info.func) ? info.func : o;
    k->code = nj_snap_code(c->s, key, info.func, &info.opts, &info);
    if (!k->code)
        return -1;
    k->name = k->code->name;
    return nj_snap_keep(c->s, o) == 0 ? 1 : -1;
}

static void names_put(NjMap *m, const char *module, const char *name, size_t n, unsigned intrin)
{
    char full[128];
    int len = snprintf(full, sizeof full, "%s%.*s", module, (int)n, name);
    (void)nj_map_put(m, full, (size_t)len, (void *)(uintptr_t)intrin);
}

/* "m.sqrt n.sqrt": math.sqrt and numpy.sqrt. */
static void names_put_math(NjMap *m, const char *names, unsigned intrin)
{
    while (*names) {
        size_t n = strcspn(names, " ");
        if (n > 2)
            names_put(m, names[0] == 'm' ? "math." : "numpy.", names + 2, n - 2, intrin);
        names += n + (names[n] == ' ');
    }
}

/* Qualified name -> row, made at first need under the GIL and never freed. */
static NjMap *names_get(void)
{
    static NjMap *names;
    if (names)
        return names;
    NjArena *a = nj_arena_new();
    NjMap *m = a ? nj_map_new(a) : NULL;
    if (!m)
        return NULL;
#define INTRIN(id, name, typer, lowerer, arg) names_put(m, "", name, strlen(name), NJ_INTRIN_##id);
#include "front/intrin.def"
#undef INTRIN
#define MATH(id, pyname, nargs, llvm, libm, libmf, vec, nv, nvf, fast, ulp, doc)                                       \
    names_put_math(m, pyname, NJ_INTRIN_MATH_##id);
#include "device-libs/math.def"
#undef MATH
    if (!nj_arena_failed(a))
        names = m;
    return names;
}

static unsigned names_find(const char *name)
{
    NjMap *m = names_get();
    return m ? (unsigned)(uintptr_t)nj_map_get(m, name, strlen(name)) : 0;
}

/* Attribute as UTF-8 into buf; false when it is missing or no short string. Whatever went wrong is no error of the
 * user's. */
static bool attr_text(PyObject *o, const char *attr, char *buf, size_t cap)
{
    PyObject *v = NULL;
    const char *text = NULL;
    if (nj_getattr_opt(o, attr, &v) > 0 && PyUnicode_Check(v))
        text = PyUnicode_AsUTF8(v);
    bool fits = text && strlen(text) < cap;
    if (fits)
        strcpy(buf, text);
    Py_XDECREF(v);
    PyErr_Clear();
    return fits;
}

/* Is `module.name` this very object? A name alone proves nothing. */
static bool is_module_attr(const char *module, const char *name, PyObject *o)
{
    PyObject *modules = PyImport_GetModuleDict(), *m = modules ? PyDict_GetItemString(modules, module) : NULL;
    PyObject *dict = m && PyModule_Check(m) ? PyModule_GetDict(m) : NULL;
    return dict && PyDict_GetItemString(dict, name) == o;
}

/* A ufunc has no module of its own before NumPy 2.2: it is looked for where it would be. */
static unsigned intrin_by_place(PyObject *o, char *full, size_t cap)
{
    char module[64], name[64];
    bool is_ufunc = nj_npy_ready && PyObject_TypeCheck(o, &PyUFunc_Type);
    if (!is_ufunc && !PyCFunction_Check(o) && !PyType_Check(o) && !PyFunction_Check(o) && !PyCallable_Check(o))
        return 0;
    if (!attr_text(o, is_ufunc ? "__name__" : "__qualname__", name, sizeof name))
        return 0;
    if (is_ufunc)
        strcpy(module, "numpy");
    else if (!attr_text(o, "__module__", module, sizeof module))
        return 0;
    snprintf(full, cap, "%s.%s", module[0] == '_' ? module + 1 : module, name);
    unsigned row = names_find(full);
    return row && is_module_attr(module, name, o) ? row : 0;
}

static int const_intrin(SnapScope *c, PyObject *o, NjConst *k)
{
    char name[130];
    unsigned row = intrin_by_place(o, name, sizeof name);
    if (!row && !PyType_Check(o) && attr_text(o, "__naja_name__", name, sizeof name))
        row = names_find(name);
    if (!row)
        return 0;
    k->kind = NJ_C_INTRIN;
    k->intrin = (uint16_t)row;
    k->name = nj_arena_str(c->s->arena, name);  /* qualified: math.sin and numpy.sin share a row, but not their types */
    return 1;
}

/* -- the rest -------------------------------------------------------------------------------------------- */

/* A function or class that Python or NumPy brings: it may be supported one day, and decorating it is no answer. */
static bool is_of_library(PyObject *o)
{
    static const char *const roots[] = {"builtins", "math",      "cmath",     "numpy", "random",
                                        "operator", "functools", "itertools", "time",  "naja"};
    char module[128];
    if (!PyCallable_Check(o) || !attr_text(o, "__module__", module, sizeof module))
        return false;
    module[strcspn(module, ".")] = 0;
    for (size_t i = 0; i < NJ_COUNT(roots); i++)
        if (!strcmp(module, roots[i]))
            return true;
    return false;
}

/* What a message calls it. A code object's name tells the front end what nested function it is. */
static const char *object_name(SnapScope *c, PyObject *o)
{
    char name[64];
    if (PyCode_Check(o) && attr_text(o, "co_name", name, sizeof name))
        return nj_arena_printf(c->s->arena, "code:%s", name);
    if (PyCFunction_Check(o) || is_of_library(o))
        return "library function";
    if (PyType_Check(o))
        return "class";
    return PyFunction_Check(o) || PyMethod_Check(o) ? "function" : nj_arena_str(c->s->arena, Py_TYPE(o)->tp_name);
}

static int const_object(SnapScope *c, PyObject *o, NjConst *k)
{
    k->kind = NJ_C_OBJECT;
    k->name = object_name(c, o);
    return 1;
}

/* NumPy before plain numbers: numpy.float64 is a float, but knows its type. */
static NjConstMaker *const makers[] = {
    const_single, const_bool, const_numpy, const_int, const_float, const_complex, const_str, const_tuple, const_type,
    const_named, const_exc, const_func, const_intrin, nj_snap_enum, nj_snap_member, const_object,
};

const NjConst *nj_snap_const(SnapScope *c, PyObject *o)
{
    if (PyModule_Check(o))
        return nj_snap_module(c, o);
    NjConst *k = NJ_NEW(c->s->arena, NjConst);
    for (size_t i = 0; i < NJ_COUNT(makers); i++) {
        *k = (NjConst){0};
        int made = makers[i](c, o, k);
        if (made)
            return made > 0 ? k : NULL;
    }
    return NULL;
}
