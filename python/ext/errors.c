/* errors.c - diagnostics, foreign messages and exceptions of compiled code -> Python exceptions.
 *
 * In: a unit's diagnostics, an NjErr, a row of a unit's exceptions. Out: a Python exception set. Classes are found by
 * name, first in naja.errors, then among the builtins: errors.def and lowering name them as bare words. Source lines
 * come from linecache, so that functions made by exec and in notebooks show theirs wherever Python would.
 */
#include "ext.h"
#include "cpu/cpu.h"

#include <frameobject.h>

/* -- classes by name ------------------------------------------------------------------------------- */

static PyObject *err_lookup(const char *module, const char *name)
{
    PyObject *m = PyImport_ImportModule(module), *cls = NULL;
    if (!m || nj_getattr_opt(m, name, &cls) < 0)
        PyErr_Clear();
    Py_XDECREF(m);
    if (cls && !PyExceptionClass_Check(cls))
        Py_CLEAR(cls);
    return cls;
}

/* New reference; RuntimeError when nobody knows the name. */
static PyObject *err_class(const char *name)
{
    PyObject *cls = err_lookup("naja.errors", name);
    if (!cls)
        cls = err_lookup("builtins", name);
    return cls ? cls : Py_NewRef(PyExc_RuntimeError);
}

static PyObject *err_set(const char *name, const char *text)
{
    PyObject *cls = err_class(name);
    PyObject *s = PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace");
    if (s)
        PyErr_SetObject(cls, s);
    Py_XDECREF(s);
    Py_DECREF(cls);
    return NULL;
}

/* -- arguments ----------------------------------------------------------------------------------------- */

/* "x" of the function's parameter i; NULL without an exception when it has none. */
static PyObject *arg_name(PyObject *func, Py_ssize_t i)
{
    PyObject *code = PyFunction_Check(func) ? PyFunction_GetCode(func) : NULL;
    PyObject *names = code ? PyObject_GetAttrString(code, "co_varnames") : NULL, *name = NULL;
    if (names && i < PyTuple_GET_SIZE(names))
        name = Py_NewRef(PyTuple_GET_ITEM(names, i));
    Py_XDECREF(names);
    PyErr_Clear();
    return name;
}

void nj_error_name_arg(PyObject *func, Py_ssize_t i)
{
    PyObject *e = nj_exc_take();
    if (!e)
        return;
    PyObject *cls = (PyObject *)Py_TYPE(e), *name = arg_name(func, i), *text = PyObject_Str(e);
    PyObject *ours = nj_ext_import("naja.errors", "ArgumentError");
    bool plain = cls == PyExc_TypeError || cls == PyExc_ValueError || cls == PyExc_OverflowError || cls == ours;
    PyObject *whole = plain && name && text
        ? PyUnicode_FromFormat("argument '%U' of %U: %U", name, ((PyFunctionObject *)func)->func_name, text) : NULL;
    PyErr_Clear();
    if (whole) {
        PyErr_SetObject(cls, whole);
        Py_DECREF(e);
    } else {
        nj_exc_put(e);
    }
    Py_XDECREF(ours);
    Py_XDECREF(name);
    Py_XDECREF(text);
    Py_XDECREF(whole);
}

/* -- diagnostics ------------------------------------------------------------------------------------- */

typedef struct Source { PyObject *getline, *kept; } Source;

/* linecache.getline; the line lives in `kept` until the text is made. */
static const char *src_line(void *arg, const char *file, uint32_t line)
{
    Source *s = arg;
    PyObject *o = s->getline ? PyObject_CallFunction(s->getline, "sI", file, line) : NULL;
    const char *text = NULL;
    if (o && PyUnicode_Check(o) && PyUnicode_GET_LENGTH(o) > 0) {
        PyObject *stripped = PyObject_CallMethod(o, "rstrip", "s", "\r\n");
        if (stripped && s->kept && PyList_Append(s->kept, stripped) == 0)
            text = PyUnicode_AsUTF8(stripped);
        Py_XDECREF(stripped);
    }
    Py_XDECREF(o);
    PyErr_Clear();
    return text;
}

static void src_open(Source *s)
{
    s->getline = nj_ext_import("linecache", "getline");
    s->kept = PyList_New(0);
    PyErr_Clear();
}

static void src_close(Source *s)
{
    Py_XDECREF(s->getline);
    Py_XDECREF(s->kept);
}

static const char *err_of_status(NjStatus st)
{
    switch (st) {
    case NJ_E_NOMEM: return "MemoryError";
    case NJ_E_NYI:   return "UnsupportedError";
    case NJ_E_USER:  return "TypingError";
    case NJ_E_ENV:   return "LibraryError";
    case NJ_E_DEVICE: return "CudaSupportError";
    default:         return "InternalError";
    }
}

PyObject *nj_error_from_unit(const NjUnit *u, NjStatus st)
{
    if (PyErr_Occurred())
        return NULL;
    if (!u->diags.list.n)
        return err_set(err_of_status(st),
                       st == NJ_E_NOMEM ? "out of memory while compiling" : "compilation failed without a message");
    NjText text;
    Source src;
    nj_text_init(&text);
    src_open(&src);
    nj_diag_render(&u->diags, &text, src_line, &src);
    while (text.n && text.at[text.n - 1] == '\n')
        text.at[--text.n] = 0;
    if (text.failed)
        PyErr_NoMemory();
    else
        err_set(nj_err_exc(u->diags.list.at[0]->code), text.at);
    src_close(&src);
    nj_text_free(&text);
    return NULL;
}

enum { CUDA_OUT_OF_MEMORY = 2 };

/* A driver call failed: the exception has its CUresult. */
static PyObject *err_driver(const NjErr *e)
{
    PyObject *cls = err_class(e->code == CUDA_OUT_OF_MEMORY ? "CudaOutOfMemoryError" : "CudaAPIError");
    PyObject *value = PyObject_CallFunction(cls, "is", e->code, e->text);
    if (value)
        PyErr_SetObject(cls, value);
    Py_XDECREF(value);
    Py_DECREF(cls);
    return NULL;
}

PyObject *nj_error_from_err(const NjErr *e)
{
    if (e->status == NJ_E_ENV && e->code)
        return err_driver(e);
    return err_set(err_of_status(e->status), *e->text ? e->text : "something failed without a message");
}

/* -- exceptions of compiled code ---------------------------------------------------------------------- */

/* A frame that never ran, at the line of the raise: PyTraceBack_Here turns it into a traceback entry. Failing to make
 * one only costs the entry. */
static void exc_add_place(const char *file, const char *func, uint32_t line)
{
    PyObject *e = nj_exc_take();
    PyCodeObject *code = PyCode_NewEmpty(file ? file : "?", func ? func : "?", (int)line);
    PyObject *globals = PyDict_New();
    PyFrameObject *frame = code && globals ? PyFrame_New(PyThreadState_Get(), code, globals, NULL) : NULL;
    nj_exc_put(e);
    if (frame)
        PyTraceBack_Here(frame);
    Py_XDECREF(frame);
    Py_XDECREF(globals);
    Py_XDECREF(code);
}

static PyObject *exc_const(const NjConst *k);

static PyObject *exc_tuple(const NjConst *const *at, uint32_t n)
{
    PyObject *r = PyTuple_New(n);
    for (uint32_t i = 0; r && i < n; i++) {
        PyObject *v = exc_const(at[i]);
        if (!v)
            Py_CLEAR(r);
        else
            PyTuple_SET_ITEM(r, i, v);
    }
    return r;
}

/* A constant of the program as the object it was. */
static PyObject *exc_const(const NjConst *k)
{
    switch (k->kind) {
    case NJ_C_BOOL:    return PyBool_FromLong(k->b);
    case NJ_C_INT:     return PyLong_FromLongLong(k->i);
    case NJ_C_UINT:    return PyLong_FromUnsignedLongLong(k->u);
    case NJ_C_BIGINT:  return PyLong_FromString(k->str.text, NULL, 10);
    case NJ_C_FLOAT:   return PyFloat_FromDouble(k->f);
    case NJ_C_COMPLEX: return PyComplex_FromDoubles(k->c[0], k->c[1]);
    case NJ_C_STR:     return PyUnicode_DecodeUTF8(k->str.text, (Py_ssize_t)k->str.n, "surrogateescape");
    case NJ_C_TUPLE:   return exc_tuple(k->tuple.at, k->tuple.n);
    default:           Py_RETURN_NONE;
    }
}

/* NumPy's words, with the index and the size that compiled code has told the runtime. */
static PyObject *exc_bounds(const NjExc *e)
{
    int64_t index, size;
    if (strncmp(e->text, NJ_BOUNDS_TEXT, sizeof NJ_BOUNDS_TEXT - 1) || !nj_rt_bounds_take(&index, &size))
        return Py_BuildValue("(s)", e->text);
    PyObject *text = PyUnicode_FromFormat("index %lld %s with size %lld", (long long)index, e->text + strlen("index "),
                                          (long long)size);
    return text ? Py_BuildValue("(N)", text) : NULL;
}

static PyObject *exc_args(const NjExc *e)
{
    if (e->nargs)
        return exc_tuple(e->args, e->nargs);
    if (e->text && e->exc && !strcmp(e->exc, "IndexError"))
        return exc_bounds(e);
    return e->text ? Py_BuildValue("(s)", e->text) : PyTuple_New(0);
}

PyObject *nj_error_raise(const NjExc *e, const NjSnapshot *s)
{
    PyObject *cls = e->object && s ? Py_XNewRef(nj_snapshot_object(s, e->object)) : NULL;
    if (!cls)
        cls = err_class(e->exc ? e->exc : "RuntimeError");
    PyObject *args = exc_args(e);
    PyObject *value =
        args ? PyObject_CallObject(cls, args) : NULL; /* the class may refuse its arguments: that error goes on */
    if (value)
        PyErr_SetObject(cls, value);
    Py_XDECREF(value);
    Py_XDECREF(args);
    Py_DECREF(cls);
    exc_add_place(e->file, e->func, e->loc.line);
    return NULL;
}

PyMethodDef nj_errors_methods[] = {{0}};

int nj_errors_init(PyObject *module)
{
    return 0;
}
