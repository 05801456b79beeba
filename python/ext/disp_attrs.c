/* disp_attrs.c - what can be asked of a dispatcher besides calling it: signatures, recompiling, looking inside, its
 * function's names.
 *
 * What only prints or pickles is Python (naja/inspect.py, compiled.py, pickling.py), imported when asked.
 */
#include "disp.h"
#include "cache.h"

/* -- signatures ------------------------------------------------------------------------------------- */

static PyObject *sig_of(const NjPySpec *s)
{
    return nj_pysig_new(s->ret, s->args, s->nargs);
}

static PyObject *args_of(const NjPySpec *s)
{
    PyObject *sig = sig_of(s), *args = sig ? PyObject_GetAttrString(sig, "args") : NULL;
    Py_XDECREF(sig);
    return args;
}

static PyObject *list_of(NjDisp *d, PyObject *(*make)(const NjPySpec *))
{
    PyObject *r = nj_disp_settle(d) < 0 ? NULL : PyList_New(0);
    for (uint32_t i = 0; r && i < d->nspecs; i++) {
        PyObject *o = make(d->specs[i]);
        if (!o || PyList_Append(r, o) < 0)
            Py_CLEAR(r);
        Py_XDECREF(o);
    }
    return r;
}

static PyObject *get_signatures(PyObject *self, void *unused)
{
    return list_of((NjDisp *)self, args_of);
}

static PyObject *get_nopython_signatures(PyObject *self, void *unused)
{
    return list_of((NjDisp *)self, sig_of);
}

/* {argument types: make(specialisation)} */
static PyObject *dict_of(NjDisp *d, PyObject *(*make)(const NjPySpec *, int), int arg)
{
    PyObject *r = nj_disp_settle(d) < 0 ? NULL : PyDict_New();
    for (uint32_t i = 0; r && i < d->nspecs; i++) {
        PyObject *key = args_of(d->specs[i]), *v = key ? make(d->specs[i], arg) : NULL;
        if (!v || PyDict_SetItem(r, key, v) < 0)
            Py_CLEAR(r);
        Py_XDECREF(key);
        Py_XDECREF(v);
    }
    return r;
}

static PyObject *get_overloads(PyObject *self, void *unused)
{
    PyObject *f = nj_ext_import("naja.compiled", "overloads"), *r = f ? PyObject_CallOneArg(f, self) : NULL;
    Py_XDECREF(f);
    return r;
}

/* {argument types: 1} of the specialisations that came from the cache, or that did not. */
static PyObject *stats_of(NjDisp *d, bool cached)
{
    PyObject *r = nj_disp_settle(d) < 0 ? NULL : PyDict_New();
    for (uint32_t i = 0; r && i < d->nspecs; i++) {
        PyObject *key = d->specs[i]->cached == cached ? args_of(d->specs[i]) : NULL, *one = PyLong_FromLong(1);
        if (PyErr_Occurred() || (key && PyDict_SetItem(r, key, one) < 0))
            Py_CLEAR(r);
        Py_XDECREF(key);
        Py_XDECREF(one);
    }
    return r;
}

static PyObject *get_stats(PyObject *self, void *unused)
{
    NjDisp *d = (NjDisp *)self;
    PyObject *cls = nj_ext_import("naja.cache", "Stats"), *path = cls ? nj_cache_path_object() : NULL, *r = NULL;
    PyObject *hits = path ? stats_of(d, true) : NULL, *misses = hits ? stats_of(d, false) : NULL;
    if (misses)
        r = PyObject_CallFunctionObjArgs(cls, path, hits, misses, NULL);
    Py_XDECREF(cls);
    Py_XDECREF(path);
    Py_XDECREF(hits);
    Py_XDECREF(misses);
    return r;
}

static PyObject *get_func(PyObject *self, void *unused)
{
    return Py_NewRef(((NjDisp *)self)->func);
}

static PyObject *get_doc(PyObject *self, void *unused)
{
    return PyObject_GetAttrString(((NjDisp *)self)->func, "__doc__");
}

/* __doc__ and __wrapped__ are the function's until somebody sets them, as functools.wraps does. */
static PyObject *get_own(PyObject *self, void *name)
{
    PyObject *dict = ((NjDisp *)self)->dict, *v = dict ? PyDict_GetItemString(dict, name) : NULL;
    if (v)
        return Py_NewRef(v);
    return strcmp(name, "__doc__") ? get_func(self, NULL) : get_doc(self, NULL);
}

static int set_own(PyObject *self, PyObject *v, void *name)
{
    PyObject *dict = PyObject_GenericGetDict(self, NULL);
    int rc = !dict ? -1 : v ? PyDict_SetItemString(dict, name, v) : PyDict_DelItemString(dict, name);
    if (rc < 0 && PyErr_ExceptionMatches(PyExc_KeyError))
        PyErr_SetString(PyExc_AttributeError, name);
    Py_XDECREF(dict);
    return rc;
}

static PyObject *get_code(PyObject *self, void *unused)
{
    return PyObject_GetAttrString(((NjDisp *)self)->func, "__code__");
}

static PyObject *get_options(PyObject *self, void *unused)
{
    return PyDict_Copy(((NjDisp *)self)->options);
}

static PyObject *get_declared(PyObject *self, void *unused)
{
    return PySequence_List(((NjDisp *)self)->declared);
}

/* The types that the `locals` option gives variables: none, the option being refused. */
static PyObject *get_locals(PyObject *self, void *unused)
{
    return PyDict_New();
}

static PyObject *get_can_compile(PyObject *self, void *unused)
{
    return PyBool_FromLong(!((NjDisp *)self)->frozen);
}

static PyObject *get_is_compiling(PyObject *self, void *unused)
{
    return PyBool_FromLong(nj_gate_busy(&((NjDisp *)self)->gate));
}

PyGetSetDef nj_disp_getset[] = {
    {"py_func", get_func, NULL, "the Python function", NULL},
    {"__wrapped__", get_own, set_own, "the Python function", "__wrapped__"},
    {"__doc__", get_own, set_own, NULL, "__doc__"},
    {"doc", get_doc, NULL, "the function's docstring", NULL},
    {"func_code", get_code, NULL, "the function's code object", NULL},
    {"locals", get_locals, NULL, "types declared for variables", NULL},
    {"signatures", get_signatures, NULL, "argument types that have been compiled", NULL},
    {"nopython_signatures", get_nopython_signatures, NULL, "the same as Signatures, with results", NULL},
    {"overloads", get_overloads, NULL, "{argument types: CompileResult}", NULL},
    {"stats", get_stats, NULL, "where the specialisations came from: cache_path, cache_hits, cache_misses", NULL},
    {"targetoptions", get_options, NULL, "the options given to the decorator", NULL},
    {"declared", get_declared, NULL, "the Signatures given to the decorator", NULL},
    {"can_compile", get_can_compile, NULL, "may new argument types be compiled?", NULL},
    {"is_compiling", get_is_compiling, NULL, "is a thread compiling it now?", NULL},
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL},
    {0},
};

/* Everything a function has and a dispatcher does not: __name__, __module__, __code__, __defaults__ ... */
PyObject *nj_disp_getattro(PyObject *self, PyObject *name)
{
    PyObject *v = PyObject_GenericGetAttr(self, name);
    if (v || !PyErr_ExceptionMatches(PyExc_AttributeError))
        return v;
    const char *s = PyUnicode_AsUTF8(name);
    if (!s || strncmp(s, "__", 2) || !strcmp(s, "__text_signature__"))
        return NULL;
    PyObject *error = nj_exc_take();
    v = PyObject_GetAttr(((NjDisp *)self)->func, name);
    if (v) {
        Py_XDECREF(error);
    } else {
        PyErr_Clear();
        nj_exc_put(error);
    }
    return v;
}

/* -- compiling on request ------------------------------------------------------------------------------ */

/* A callable for the compiled signature alone. */
static PyObject *m_compile(PyObject *self, PyObject *args, PyObject *kw)
{
    static char *names[] = {"sig", NULL};
    NjDisp *d = (NjDisp *)self;
    PyObject *arg, *sig = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kw, "O:compile", names, &arg) || nj_disp_settle(d) < 0 ||
        !(sig = nj_pysig_get(arg)))
        return NULL;
    const NjSig *s = nj_pysig_sig(sig);
    NjPySpec *spec = NULL;
    if (s->nargs != nj_params_count(&d->params) || d->params.variadic)
        nj_disp_sig_fail(d, sig);
    else if (d->frozen)
        PyErr_Format(PyExc_RuntimeError, "compilation of %U is disabled", nj_disp_name(d));
    else
        spec = nj_disp_compile(d, s->args, s->nargs,
                               s->ret && s->ret->kind == NJ_K_VOID ? nj_type_none(nj_ext_types()) : s->ret);
    Py_DECREF(sig);
    return spec ? nj_disp_only(d, spec) : NULL;
}

static PyObject *m_disable_compile(PyObject *self, PyObject *args, PyObject *kw)
{
    static char *names[] = {"val", NULL};
    int yes = 1;
    if (!PyArg_ParseTupleAndKeywords(args, kw, "|p:disable_compile", names, &yes))
        return NULL;
    ((NjDisp *)self)->frozen = yes;
    Py_RETURN_NONE;
}

/* The new specialisations in place of the old ones, which end up in `fresh`. */
static void recompile_swap(NjDisp *d, NjPySpec **fresh)
{
    d->last = NULL;
    for (uint32_t i = 0; i < d->nspecs; i++) {
        NjPySpec *old = d->specs[i];
        d->specs[i] = fresh[i];
        d->specs[i]->nogil = d->nogil;
        fresh[i] = old;
    }
}

/* All specialisations once more, from the globals and closures as they are now; on failure the old ones stay. */
static PyObject *m_recompile(PyObject *self, PyObject *unused)
{
    NjDisp *d = (NjDisp *)self;
    if (nj_disp_settle(d) < 0)
        return NULL;
    uint32_t n = d->nspecs, i = 0;
    NjPySpec **fresh = PyMem_Calloc(n + 1, sizeof *fresh);
    if (!fresh)
        return PyErr_NoMemory();
    for (; i < n && i < d->nspecs; i++) {
        NjPySpec *s = nj_spec_retain(d->specs[i]);      /* another thread may change the list meanwhile */
        fresh[i] = nj_spec_compile(d->func, &d->opts, NJ_ROOT_FUNC, s->args, s->nargs, s->declared);
        nj_spec_release(s);
        if (!fresh[i])
            break;
    }
    if (i == n && d->nspecs == n)
        recompile_swap(d, fresh);
    for (i = 0; i < n; i++)
        nj_spec_release(fresh[i]);
    PyMem_Free(fresh);
    if (PyErr_Occurred())
        return NULL;
    Py_RETURN_NONE;
}

/* -- looking inside -------------------------------------------------------------------------------------- */

static PyObject *view_of(const NjPySpec *s, int what)
{
    return nj_spec_view(s, (NjView)what);
}

/* The specialisation a signature names; KeyError when there is none. */
static NjPySpec *spec_of(NjDisp *d, PyObject *signature)
{
    PyObject *sig = nj_disp_settle(d) < 0 ? NULL : nj_pysig_get(signature);
    if (!sig)
        return NULL;
    const NjSig *want = nj_pysig_sig(sig);
    NjPySpec *s = NULL;
    for (uint32_t i = 0; i < d->nspecs && !s; i++)
        if (nj_spec_is(d->specs[i], want->args, want->nargs))
            s = d->specs[i];
    if (!s)
        PyErr_Format(PyExc_KeyError, "%U has not been compiled for %R", nj_disp_name(d), sig);
    Py_DECREF(sig);
    return s;
}

static PyObject *view_one(NjDisp *d, PyObject *signature, NjView what)
{
    NjPySpec *s = spec_of(d, signature);
    return s ? nj_spec_view(s, what) : NULL;
}

static PyObject *view(PyObject *self, PyObject *args, PyObject *kw, NjView what)
{
    static char *names[] = {"signature", NULL};
    PyObject *sig = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kw, "|O:inspect", names, &sig))
        return NULL;
    return sig == Py_None ? dict_of((NjDisp *)self, view_of, what) : view_one((NjDisp *)self, sig, what);
}

static PyObject *m_inspect_llvm(PyObject *self, PyObject *args, PyObject *kw)
{
    return view(self, args, kw, NJ_VIEW_LLVM);
}

static PyObject *m_inspect_llvm_raw(PyObject *self, PyObject *args, PyObject *kw)
{
    return view(self, args, kw, NJ_VIEW_TEXT);
}

static PyObject *m_inspect_asm(PyObject *self, PyObject *args, PyObject *kw)
{
    return view(self, args, kw, NJ_VIEW_ASM);
}

static PyObject *m_inspect_ir(PyObject *self, PyObject *args, PyObject *kw)
{
    return view(self, args, kw, NJ_VIEW_TYPES);
}

static PyObject *m_get_overload(PyObject *self, PyObject *signature)
{
    NjPySpec *s = spec_of((NjDisp *)self, signature);
    return s ? nj_disp_only((NjDisp *)self, s) : NULL;
}

/* {"cached": found on disk?, "timers": seconds of each stage, where it was compiled} */
static PyObject *m_metadata(PyObject *self, PyObject *signature)
{
    NjPySpec *s = spec_of((NjDisp *)self, signature);
    PyObject *timers = s ? PyDict_New() : NULL;
    for (size_t i = 0; timers && !s->cached && i < NJ_NSTAGES; i++) {
        PyObject *seconds = PyFloat_FromDouble(s->took.at[i]);
        if (!seconds || PyDict_SetItemString(timers, nj_stage_names[i], seconds) < 0)
            Py_CLEAR(timers);
        Py_XDECREF(seconds);
    }
    return timers ? Py_BuildValue("{s:O,s:N}", "cached", s->cached ? Py_True : Py_False, "timers", timers) : NULL;
}

static PyObject *m_same(PyObject *self, PyObject *unused)
{
    return Py_NewRef(self);
}

/* module.name(self, ...): what is asked for by hand is written in Python. */
static PyObject *in_python(const char *module, const char *name, PyObject *self, PyObject *args, PyObject *kw)
{
    PyObject *f = nj_ext_import(module, name), *head = PyTuple_Pack(1, self), *all = NULL, *r = NULL;
    if (f && head && (all = PySequence_Concat(head, args)))
        r = PyObject_Call(f, all, kw);
    Py_XDECREF(f);
    Py_XDECREF(head);
    Py_XDECREF(all);
    return r;
}

#define IN_PYTHON(X) \
    X("naja.inspect", inspect_types, "inspect_types(file=None, signature=None): typed IR beside the source.") \
    X("naja.compiled", inspect_cfg, "inspect_cfg(signature=None): the blocks of the LLVM code; str() of it is a DOT graph.") \
    X("naja.compiled", inspect_disasm_cfg, "not there: it says what is instead.") \
    X("naja.compiled", get_compile_result, "get_compile_result(signature): compiles it if needed; signature, entry_point.") \
    X("naja.compiled", add_overload, "add_overload(result): compiles its signature.") \
    X("naja.compiled", get_metadata, "get_metadata(signature=None): from the cache or not, and the seconds of each stage.") \
    X("naja.compiled", get_annotation_info, "get_annotation_info(signature=None): source lines and typed IR.") \
    X("naja.compiled", get_function_type, "The Signature of a dispatcher that has one and compiles no others, or None.") \
    X("naja.compiled", get_call_template, "get_call_template(args, kws): how a call with these types is typed.") \
    X("naja.compiled", fold_argument_types, "fold_argument_types(args, kws): (Python signature, types in its order).") \
    X("naja.compiled", enable_caching, "The cache is on without it.") \
    X("naja.compiled", parallel_diagnostics, "parallel_diagnostics(signature=None, level=1): prints what became of loops.") \
    X("naja.compiled", dump, "dump(tab=''): prints the signatures.")

#define CALLER(module, name, doc) \
    static PyObject *py_##name(PyObject *self, PyObject *args, PyObject *kw) \
    { \
        return in_python(module, #name, self, args, kw); \
    }
IN_PYTHON(CALLER)
#undef CALLER

static PyObject *m_reduce(PyObject *self, PyObject *unused)
{
    PyObject *f = nj_ext_import("naja.pickling", "reduce_dispatcher");
    PyObject *r = f ? PyObject_CallOneArg(f, self) : NULL;
    Py_XDECREF(f);
    return r;
}

#define WITH_KEYWORDS(f) ((PyCFunction)(void (*)(void))(f)), METH_VARARGS | METH_KEYWORDS
PyMethodDef nj_disp_tp_methods[] = {
    {"compile", WITH_KEYWORDS(m_compile), "compile(sig): now, instead of at the first call. A callable for it alone."},
    {"disable_compile", WITH_KEYWORDS(m_disable_compile),
     "disable_compile(val=True): no new argument types from now on."},
    {"recompile", m_recompile, METH_NOARGS, "Compiles everything again, with globals and closures as they are now."},
#define ROW(module, name, doc) {#name, WITH_KEYWORDS(py_##name), doc},
    IN_PYTHON(ROW)
#undef ROW
    {"get_overload", m_get_overload, METH_O, "get_overload(signature): a callable for it alone."},
    {"_metadata", m_metadata, METH_O, NULL},
    {"__copy__", m_same, METH_NOARGS, NULL},
    {"__deepcopy__", m_same, METH_O, NULL},
    {"inspect_ir", WITH_KEYWORDS(m_inspect_ir), "inspect_ir(signature=None): typed IR as text."},
    {"inspect_llvm", WITH_KEYWORDS(m_inspect_llvm), "inspect_llvm(signature=None): optimised LLVM text."},
    {"inspect_llvm_input", WITH_KEYWORDS(m_inspect_llvm_raw),
     "inspect_llvm_input(signature=None): LLVM text as naja wrote it."},
    {"inspect_asm", WITH_KEYWORDS(m_inspect_asm), "inspect_asm(signature=None): machine code as text."},
    {"__reduce__", m_reduce, METH_NOARGS, NULL},
    {0},
};
