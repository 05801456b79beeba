/* signature.c - a signature as a Python object: what float64(float64, float64) makes, and everything else users write
 * for one.
 *
 * In: a Signature, a string ("f8(i4, f8[:])"), a tuple or list of types. Out: a Signature, whose result may be unknown.
 * A Signature owns the NjSig that host/ works with.
 */
#include "ext.h"

typedef struct SigObj {
    PyObject_HEAD
    NjSig sig;
    const NjType *at[];
} SigObj;

const NjSig *nj_pysig_sig(PyObject *o)
{
    return &((SigObj *)o)->sig;
}

PyObject *nj_pysig_new(const NjType *ret, const NjType *const *args, Py_ssize_t n)
{
    SigObj *s = PyObject_Malloc(sizeof *s + (size_t)n * sizeof s->at[0]);
    if (!s)
        return PyErr_NoMemory();
    PyObject_Init((PyObject *)s, &NjPySig_Type);
    s->sig = (NjSig){.ret = ret, .args = s->at, .nargs = (unsigned)n};
    if (n)
        memcpy(s->at, args, (size_t)n * sizeof s->at[0]);
    return (PyObject *)s;
}

/* -- from what users write --------------------------------------------------------------------------- */

/* "f8(i4, i4)", "(i4, i4)" or "i4, i4" */
static NjStatus sig_parse(NjArena *a, const char *s, NjSig *sig, NjErr *err)
{
    NjErr other = {0};
    NjStatus st = nj_sig_parse(nj_ext_types(), a, s, sig, err);
    if (st == NJ_OK || !strchr(s, ','))
        return st;
    return nj_sig_parse(nj_ext_types(), a, nj_arena_printf(a, "(%s)", s), sig, &other) == NJ_OK ? NJ_OK : st;
}

static PyObject *sig_from_text(PyObject *text)
{
    const char *s = PyUnicode_AsUTF8(text);
    NjArena *a = s ? nj_arena_new() : NULL;
    NjErr err = {0};
    NjSig sig = {0};
    PyObject *r = NULL;
    if (!s)
        return NULL;
    if (!a)
        return PyErr_NoMemory();
    if (sig_parse(a, s, &sig, &err) == NJ_OK)
        r = nj_pysig_new(sig.ret, sig.args, sig.nargs);
    else
        PyErr_Format(PyExc_TypeError, "'%s' is not a signature: %s", s, err.text);
    nj_arena_free(a);
    return r;
}

static PyObject *sig_from_types(PyObject *seq)
{
    Py_ssize_t n = PySequence_Fast_GET_SIZE(seq), i = 0;
    const NjType **at = PyMem_Calloc((size_t)n + 1, sizeof *at);
    if (!at)
        return PyErr_NoMemory();
    while (i < n && (at[i] = nj_pytype_get(PySequence_Fast_GET_ITEM(seq, i))))
        i++;
    PyObject *r = i == n ? nj_pysig_new(NULL, at, n) : NULL;
    PyMem_Free(at);
    return r;
}

PyObject *nj_pysig_get(PyObject *o)
{
    if (Py_IS_TYPE(o, &NjPySig_Type))
        return Py_NewRef(o);
    if (PyUnicode_Check(o))
        return sig_from_text(o);
    if (PyTuple_Check(o))
        return sig_from_types(o);
    return PyErr_Format(PyExc_TypeError,
                        "a signature is written int32(int32, float64[:]), 'i4(i4, f8[:])' or (int32, float64[:]), "
                        "not as a %.100s",
                        Py_TYPE(o)->tp_name);
}

PyObject *nj_pysig_list(PyObject *o)
{
    PyObject *list = PyList_New(0);
    Py_ssize_t n = PyList_Check(o) ? PyList_GET_SIZE(o) : 1;
    for (Py_ssize_t i = 0; list && i < n; i++) {
        PyObject *s = nj_pysig_get(PyList_Check(o) ? PyList_GET_ITEM(o, i) : o);
        if (!s || PyList_Append(list, s) < 0)
            Py_CLEAR(list);
        Py_XDECREF(s);
    }
    return list;
}

/* -- the object ------------------------------------------------------------------------------------------ */

static void sig_put_args(NjText *t, const NjSig *s)
{
    nj_text_char(t, '(');
    for (unsigned i = 0; i < s->nargs; i++)
        nj_text_fmt(t, "%s%s", i ? ", " : "", s->args[i]->name);
    nj_text_char(t, ')');
}

static PyObject *sig_text(NjText *t)
{
    PyObject *r = t->failed ? PyErr_NoMemory() : PyUnicode_FromStringAndSize(t->at, (Py_ssize_t)t->n);
    nj_text_free(t);
    return r;
}

static PyObject *sig_repr(PyObject *self)
{
    const NjSig *s = nj_pysig_sig(self);
    NjText t;
    nj_text_init(&t);
    sig_put_args(&t, s);
    if (s->ret)
        nj_text_fmt(&t, " -> %s", s->ret->name);
    return sig_text(&t);
}

static PyObject *sig_compare(PyObject *a, PyObject *b, int op)
{
    if (!Py_IS_TYPE(b, &NjPySig_Type) || (op != Py_EQ && op != Py_NE))
        Py_RETURN_NOTIMPLEMENTED;
    const NjSig *x = nj_pysig_sig(a), *y = nj_pysig_sig(b);
    bool same = x->ret == y->ret && x->nargs == y->nargs && !memcmp(x->args, y->args, x->nargs * sizeof *x->args);
    return PyBool_FromLong(same == (op == Py_EQ));
}

static Py_hash_t sig_hash(PyObject *self)
{
    const NjSig *s = nj_pysig_sig(self);
    uint64_t h = nj_hash(s->args, s->nargs * sizeof *s->args, (uint64_t)(uintptr_t)s->ret);
    return (Py_hash_t)h == -1 ? -2 : (Py_hash_t)h;
}

static PyObject *sig_get_args(PyObject *self, void *unused)
{
    const NjSig *s = nj_pysig_sig(self);
    PyObject *r = PyTuple_New(s->nargs);
    for (unsigned i = 0; r && i < s->nargs; i++) {
        PyObject *o = nj_pytype_wrap(s->args[i]);
        if (!o)
            Py_CLEAR(r);
        else
            PyTuple_SET_ITEM(r, i, o);
    }
    return r;
}

static PyObject *sig_get_return(PyObject *self, void *unused)
{
    const NjSig *s = nj_pysig_sig(self);
    if (!s->ret)
        Py_RETURN_NONE;
    return nj_pytype_wrap(s->ret);
}

static Py_ssize_t sig_length(PyObject *self)
{
    return nj_pysig_sig(self)->nargs;
}

static PyObject *sig_item(PyObject *self, Py_ssize_t i)
{
    const NjSig *s = nj_pysig_sig(self);
    if (i < 0 || i >= s->nargs)
        return PyErr_Format(PyExc_IndexError, "the signature has %u arguments", s->nargs);
    return nj_pytype_wrap(s->args[i]);
}

static PyObject *sig_reduce(PyObject *self, PyObject *unused)
{
    PyObject *make = nj_ext_import("naja._naja", "signature"), *ret = sig_get_return(self, NULL),
             *args = sig_get_args(self, NULL);
    PyObject *r = make && ret && args ? Py_BuildValue("(O(OO))", make, ret, args) : NULL;
    Py_XDECREF(make);
    Py_XDECREF(ret);
    Py_XDECREF(args);
    return r;
}

static PyGetSetDef sig_getset[] = {
    {"args", sig_get_args, NULL, "argument types", NULL},
    {"return_type", sig_get_return, NULL, "result type, or None when it is to be inferred", NULL},
    {0},
};

static PyMethodDef sig_methods[] = {{"__reduce__", sig_reduce, METH_NOARGS, NULL}, {0}};

static PySequenceMethods sig_sequence = {.sq_length = sig_length, .sq_item = sig_item};

PyTypeObject NjPySig_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "naja.types.Signature",
    .tp_doc = "Argument types and perhaps a result type.",
    .tp_basicsize = sizeof(SigObj),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_repr = sig_repr,
    .tp_richcompare = sig_compare,
    .tp_hash = sig_hash,
    .tp_as_sequence = &sig_sequence,
    .tp_getset = sig_getset,
    .tp_methods = sig_methods,
};

/* -- module functions --------------------------------------------------------------------------------------- */

static PyObject *sigs_get(PyObject *module, PyObject *arg)
{
    return nj_pysig_get(arg);
}

static PyObject *sigs_list(PyObject *module, PyObject *arg)
{
    return nj_pysig_list(arg);
}

/* signature(ret, args): the types in full; ret None leaves it to inference. */
static PyObject *sigs_make(PyObject *module, PyObject *args)
{
    PyObject *ret, *seq;
    if (!PyArg_ParseTuple(args, "OO!:signature", &ret, &PyTuple_Type, &seq))
        return NULL;
    PyObject *s = sig_from_types(seq);
    if (s && ret != Py_None && !(((SigObj *)s)->sig.ret = nj_pytype_get(ret)))
        Py_CLEAR(s);
    return s;
}

PyMethodDef nj_signature_methods[] = {
    {"as_signature", sigs_get, METH_O, "as_signature(x): a Signature from a Signature, a string or a tuple of types."},
    {"as_signatures", sigs_list, METH_O,
     "as_signatures(x): a list of Signatures from one of the above or a list of them."},
    {"signature", sigs_make, METH_VARARGS, "signature(return_type, (argument types))"},
    {0},
};

int nj_signature_init(PyObject *module)
{
    return PyModule_AddType(module, &NjPySig_Type);
}
