/* params.c - a call's positional and keyword arguments in the order of the function's parameters, as Python itself
 * binds them.
 *
 * Only calls with keywords or missing arguments come here; defaults are read at each call, as Python does. Defaults
 * that a call uses stay alive until it ends: meanwhile another thread may give the function others.
 */
#include "params.h"

int nj_params_init(NjParams *p, PyObject *func)
{
    PyCodeObject *code = (PyCodeObject *)PyFunction_GET_CODE(func);
    PyObject *all = PyObject_GetAttrString((PyObject *)code, "co_varnames");
    if (!all)
        return -1;
    *p = (NjParams){.func = func,
                    .nargs = code->co_argcount,
                    .nposonly = code->co_posonlyargcount,
                    .nkwonly = code->co_kwonlyargcount,
                    .variadic = (code->co_flags & (CO_VARARGS | CO_VARKEYWORDS)) != 0};
    p->names = PyTuple_GetSlice(all, 0, nj_params_count(p));
    Py_DECREF(all);
    return p->names ? 0 : -1;
}

void nj_params_clear(NjParams *p)
{
    Py_CLEAR(p->names);
}

static int fold_fail(const NjParams *p, const char *what, PyObject *name)
{
    PyObject *f = PyObject_GetAttrString(p->func, "__name__");
    if (f)
        PyErr_Format(PyExc_TypeError, what, f, name);
    Py_XDECREF(f);
    return -1;
}

static int fold_too_many(const NjParams *p, Py_ssize_t given)
{
    PyObject *f = PyObject_GetAttrString(p->func, "__name__");
    if (f)
        PyErr_Format(PyExc_TypeError, "%U() takes %zd positional argument%s but %zd %s given", f, p->nargs,
                     p->nargs == 1 ? "" : "s", given, given == 1 ? "was" : "were");
    Py_XDECREF(f);
    return -1;
}

/* Names are interned mostly, so identity goes first. */
static Py_ssize_t fold_find(const NjParams *p, PyObject *name)
{
    Py_ssize_t n = nj_params_count(p);
    for (Py_ssize_t i = p->nposonly; i < n; i++)
        if (PyTuple_GET_ITEM(p->names, i) == name)
            return i;
    for (Py_ssize_t i = p->nposonly; i < n; i++)
        if (PyUnicode_Compare(PyTuple_GET_ITEM(p->names, i), name) == 0)
            return i;
    return -1;
}

static int fold_keywords(const NjParams *p, PyObject *const *values, PyObject *kwnames, PyObject **out)
{
    for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(kwnames); k++) {
        PyObject *name = PyTuple_GET_ITEM(kwnames, k);
        Py_ssize_t i = fold_find(p, name);
        if (i < 0)
            return fold_fail(p, "%U() got an unexpected keyword argument '%U'", name);
        if (out[i])
            return fold_fail(p, "%U() got multiple values for argument '%U'", name);
        out[i] = values[k];
    }
    return 0;
}

static PyObject *fold_default(const NjParams *p, Py_ssize_t i)
{
    if (i >= p->nargs) {
        PyObject *kw = PyFunction_GET_KW_DEFAULTS(p->func);
        return kw ? PyDict_GetItem(kw, PyTuple_GET_ITEM(p->names, i)) : NULL;
    }
    PyObject *defaults = PyFunction_GET_DEFAULTS(p->func);
    Py_ssize_t first = p->nargs - (defaults ? PyTuple_GET_SIZE(defaults) : 0);
    return i >= first ? PyTuple_GET_ITEM(defaults, i - first) : NULL;
}

static int fold_bind(const NjParams *p, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames, PyObject **out)
{
    Py_ssize_t n = nj_params_count(p);
    for (Py_ssize_t i = 0; i < n; i++)
        out[i] = i < nargs ? args[i] : NULL;
    if (kwnames && fold_keywords(p, args + nargs, kwnames, out) < 0)
        return -1;
    for (Py_ssize_t i = nargs; i < n; i++) {
        if (!out[i])
            out[i] = fold_default(p, i);
        if (!out[i])
            return fold_fail(p, i < p->nargs ? "%U() missing a required argument: '%U'"
                                             : "%U() missing a required keyword-only argument: '%U'",
                             PyTuple_GET_ITEM(p->names, i));
    }
    return 0;
}

int nj_params_fold(const NjParams *p, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames, PyObject **out)
{
    Py_ssize_t n = nj_params_count(p);
    if (nargs > p->nargs)
        return fold_too_many(p, nargs);
    if (fold_bind(p, args, nargs, kwnames, out) < 0)
        return -1;
    for (Py_ssize_t i = p->nargs; i < n; i++)          /* keyword-only defaults are in a dict, which may change */
        Py_INCREF(out[i]);
    out[n] = Py_XNewRef(PyFunction_GET_DEFAULTS(p->func));
    return 0;
}

void nj_params_unfold(const NjParams *p, PyObject **bound)
{
    Py_ssize_t n = nj_params_count(p);
    for (Py_ssize_t i = p->nargs; i < n; i++)
        Py_DECREF(bound[i]);
    Py_XDECREF(bound[n]);
}
