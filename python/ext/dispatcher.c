/* dispatcher.c - the object behind @jit: finds or makes the specialisation for a call's argument types, and calls it.
 *
 *     call -> last specialisation: do the arguments have exactly its types? (the same walk fills the argument block)
 *          -> the others, newest first
 *          -> types of the values -> compile, or, with declared signatures only, choose one and convert
 *
 * A hot call allocates nothing but its result. Compiling holds no GIL; two threads that miss together with the same
 * types compile once (gate.c).
 */
#include "disp.h"

#include <structmember.h>

/* -- calling ---------------------------------------------------------------------------------------- */

/* A specialisation with more slots than a call keeps on its stack. */
static PyObject *call_large(NjPySpec *s, PyObject *const *args, Py_ssize_t n, bool *hit)
{
    uint64_t *slots = PyMem_Calloc(s->nslots, sizeof *slots);
    if (!slots)
        return PyErr_NoMemory();
    int r = nj_plan_fill_all(s->plan, args, n, slots);
    *hit = r == 1;
    PyObject *o = r == 1 ? nj_spec_run(s, slots, args, n) : NULL;
    PyMem_Free(slots);
    return o;
}

/* Runs s if the arguments have exactly its types. *hit false and no exception: they have not. */
static inline PyObject *call_try(NjPySpec *s, PyObject *const *args, Py_ssize_t n, bool *hit)
{
    uint64_t slots[NJ_SPEC_SLOTS];
    *hit = false;
    if ((Py_ssize_t)s->nargs != n)
        return NULL;
    nj_spec_retain(s);                     /* the function may be recompiled while it runs */
    PyObject *r = NULL;
    if (s->nslots > NJ_SPEC_SLOTS)
        r = call_large(s, args, n, hit);
    else if ((*hit = nj_plan_fill_all(s->plan, args, n, slots) == 1))
        r = nj_spec_run(s, slots, args, n);
    if (!*hit && PyErr_Occurred() && !PyErr_ExceptionMatches(PyExc_MemoryError))
        PyErr_Clear();                     /* whoever asks for the types of the arguments says it with a name */
    nj_spec_release(s);
    return r;
}

/* Arguments converted to the types of s. */
static PyObject *call_convert(const NjDisp *d, NjPySpec *s, PyObject *const *args, Py_ssize_t n)
{
    uint64_t *slots = PyMem_Calloc(s->nslots + 1, sizeof *slots);
    if (!slots)
        return PyErr_NoMemory();
    nj_spec_retain(s);
    int at = 0;
    for (Py_ssize_t i = 0; i < n && at >= 0; i++) {
        int k = nj_marshal_arg(s->args[i], NJ_ABI_CPU, args[i], slots + at);
        if (k < 0)
            nj_error_name_arg(d->func, i);
        at = k < 0 ? -1 : at + k;
    }
    PyObject *r = at < 0 ? NULL : nj_spec_run(s, slots, args, n);
    nj_spec_release(s);
    PyMem_Free(slots);
    return r;
}

PyObject *nj_disp_name(const NjDisp *d)
{
    return ((PyFunctionObject *)d->func)->func_qualname;
}

/* -- choosing ----------------------------------------------------------------------------------------- */

static PyObject *choose_fail(NjDisp *d, const NjType *const *types, Py_ssize_t n, bool ambiguous)
{
    NjText t;
    nj_text_init(&t);
    for (Py_ssize_t i = 0; i < n; i++)
        nj_text_fmt(&t, "%s%s", i ? ", " : "", types[i]->name);
    PyObject *sigs = PyObject_GetAttrString((PyObject *)d, "nopython_signatures");
    if (sigs)
        PyErr_Format(PyExc_TypeError,
                     ambiguous ? "ambiguous call of %U: several of its signatures fit (%s) equally well; they are %R"
                               : "no matching definition of %U for argument type(s) %s; its signatures are %R",
                     nj_disp_name(d), n ? t.at : "()", sigs);
    Py_XDECREF(sigs);
    nj_text_free(&t);
    return NULL;
}

/* No new types are compiled: the best of those that exist, with conversions that lose nothing before those that do. */
static PyObject *call_frozen(NjDisp *d, const NjType *const *types, PyObject *const *args, Py_ssize_t n)
{
    NjSig *sigs = PyMem_Calloc(d->nspecs + 1, sizeof *sigs);
    if (!sigs)
        return PyErr_NoMemory();
    for (uint32_t i = 0; i < d->nspecs; i++)
        sigs[i] = (NjSig){.args = d->specs[i]->args, .nargs = d->specs[i]->nargs};
    int k = nj_sig_choose(sigs, d->nspecs, types, (unsigned)n, true);
    PyMem_Free(sigs);
    if (k < 0)
        return choose_fail(d, types, n, k == -2);
    return call_convert(d, d->specs[k], args, n);
}

static PyObject *call_new_types(NjDisp *d, PyObject *const *args, Py_ssize_t n)
{
    const NjType *few[16], **types = n > 16 ? PyMem_Calloc((size_t)n, sizeof *types) : few;
    PyObject *r = NULL;
    Py_ssize_t i = 0;
    if (!types)
        return PyErr_NoMemory();
    while (i < n && (types[i] = nj_pytype_of(args[i])))
        i++;
    if (i < n) {
        nj_error_name_arg(d->func, i);
    } else if (d->frozen) {
        r = call_frozen(d, types, args, n);
    } else {
        bool hit = false;
        NjPySpec *s = nj_disp_compile(d, types, (uint32_t)n, NULL);
        r = s ? call_try(s, args, n, &hit) : NULL;
        if (hit)
            d->last = s;
        else if (s && !PyErr_Occurred())
            r = call_convert(d, s, args, n);
    }
    if (types != few)
        PyMem_Free(types);
    return r;
}

/* The arguments are in parameter order. */
static PyObject *call_bound(NjDisp *d, PyObject *const *args, Py_ssize_t n)
{
    if (d->later && nj_disp_settle(d) < 0)
        return NULL;
    for (uint32_t i = d->nspecs; i-- > 0;) {
        NjPySpec *s = d->specs[i];
        bool hit;
        PyObject *r = call_try(s, args, n, &hit);
        if (hit && i < d->nspecs && d->specs[i] == s)
            d->last = s;
        if (hit || PyErr_Occurred())
            return r;
    }
    return call_new_types(d, args, n);
}

/* What no types can compile: the front end says so, at the function's line. */
static PyObject *call_variadic(NjDisp *d)
{
    Py_ssize_t n = nj_params_count(&d->params);
    const NjType **types = PyMem_Calloc((size_t)n + 1, sizeof *types);
    if (!types)
        return PyErr_NoMemory();
    for (Py_ssize_t i = 0; i < n; i++)
        types[i] = nj_type_none(nj_ext_types());
    if (nj_disp_compile(d, types, (uint32_t)n, NULL))
        PyErr_Format(PyExc_NotImplementedError, "%U has *args or **kwargs, which compiled functions cannot have",
                     nj_disp_name(d));
    PyMem_Free(types);
    return NULL;
}

static PyObject *call_keywords(NjDisp *d, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames)
{
    Py_ssize_t n = nj_params_count(&d->params);
    PyObject *few[16], **bound = n >= 16 ? PyMem_Calloc((size_t)n + 1, sizeof *bound) : few;
    PyObject *r = NULL;
    bool hit = false;
    if (!bound)
        return PyErr_NoMemory();
    if (d->params.variadic)
        r = call_variadic(d);
    else if (nj_params_fold(&d->params, args, nargs, kwnames, bound) == 0) {
        if (d->last)
            r = call_try(d->last, bound, n, &hit);
        if (!hit && !PyErr_Occurred())
            r = call_bound(d, bound, n);
        nj_params_unfold(&d->params, bound);
    }
    if (bound != few)
        PyMem_Free(bound);
    return r;
}

static PyObject *disp_vectorcall(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    NjDisp *d = (NjDisp *)self;
    Py_ssize_t n = PyVectorcall_NARGS(nargsf);
    if (kwnames || n != d->params.nargs || d->params.nkwonly || d->params.variadic)
        return call_keywords(d, args, n, kwnames);
    if (d->last) {
        bool hit;
        PyObject *r = call_try(d->last, args, n, &hit);
        if (hit || (!r && PyErr_Occurred()))
            return r;
    }
    return call_bound(d, args, n);
}

/* -- compiling ------------------------------------------------------------------------------------------ */

static NjPySpec *disp_find(NjDisp *d, const NjType *const *args, uint32_t nargs)
{
    for (uint32_t i = 0; i < d->nspecs; i++)
        if (nj_spec_is(d->specs[i], args, nargs))
            return d->specs[i];
    return NULL;
}

static NjPySpec *disp_add(NjDisp *d, NjPySpec *s)
{
    if (d->nspecs == d->cap) {
        uint32_t cap = d->cap * 2 + 4;
        NjPySpec **p = PyMem_Realloc(d->specs, cap * sizeof *p);
        if (!p) {
            nj_spec_release(s);
            PyErr_NoMemory();
            return NULL;
        }
        d->specs = p;
        d->cap = cap;
    }
    return d->specs[d->nspecs++] = s;
}

static NjPySpec *disp_make(NjDisp *d, const NjType *const *args, uint32_t nargs, const NjType *ret)
{
    NjPySpec *s = nj_spec_compile(d->func, &d->opts, NJ_ROOT_FUNC, args, nargs, ret);
    if (!s)
        return NULL;
    s->nogil = d->nogil;
    return disp_add(d, s);
}

NjPySpec *nj_disp_compile(NjDisp *d, const NjType *const *args, uint32_t nargs, const NjType *ret)
{
    NjPySpec *s;
    NjFlight *flight = NULL;
    int mine = 0;
    while (!(s = disp_find(d, args, nargs)) && !(mine = nj_gate_enter(&d->gate, d->func, NULL, args, nargs, &flight)))
        ;
    if (s || mine < 0)
        return s;
    s = disp_make(d, args, nargs, ret);
    nj_gate_leave(&d->gate, flight);
    return s;
}

void nj_disp_drop_specs(NjDisp *d)
{
    NjPySpec **specs = d->specs;
    uint32_t n = d->nspecs;
    d->specs = NULL;
    d->last = NULL;
    d->nspecs = d->cap = 0;
    for (uint32_t i = 0; i < n; i++)
        nj_spec_release(specs[i]);
    PyMem_Free(specs);
}

/* -- the object ---------------------------------------------------------------------------------------------- */

static int disp_options(NjDisp *d, PyObject *kw)
{
    static char *names[] = {"error_model", "fast_flags", "boundscheck", "debug", "nogil",
                            "inline",      "opt",        "cache",       "later", NULL};
    int error_model = 0, fast = 0, bounds = 0, debug = 0, nogil = 0, inline_hint = 0, opt = (int)nj_knobs()->opt,
        cache = 1, later = 0;
    PyObject *none = PyTuple_New(0);
    int ok = none && PyArg_ParseTupleAndKeywords(none, kw, "|$iipppiipp:Dispatcher", names, &error_model, &fast,
                                                 &bounds, &debug, &nogil, &inline_hint, &opt, &cache, &later);
    Py_XDECREF(none);
    d->opts = (NjOpts){
        .error_model = error_model ? NJ_ERRORS_NUMPY : NJ_ERRORS_PYTHON,
        .fastmath = fast == NJ_FAST_ALL,
        .fast_flags = (uint8_t)fast,
        .boundscheck = bounds,
        .debug = debug,
        .inline_hint = (uint8_t)inline_hint,
        .opt = (uint8_t)opt,
        .nocache = !cache,
    };
    d->nogil = nogil;
    d->later = later;
    return ok ? 0 : -1;
}

static int disp_declare(NjDisp *d, PyObject *sigs)
{
    d->declared = sigs == Py_None ? PyList_New(0) : nj_pysig_list(sigs);
    Py_ssize_t n = d->declared ? PyList_GET_SIZE(d->declared) : -1;
    if (n < 0 || !(d->sigs = PyMem_Calloc((size_t)n + 1, sizeof *d->sigs)))
        return -1;
    for (Py_ssize_t i = 0; i < n; i++)
        d->sigs[i] = *nj_pysig_sig(PyList_GET_ITEM(d->declared, i));
    d->frozen = n > 0;
    return 0;
}

int nj_disp_sig_fail(NjDisp *d, PyObject *sig)
{
    if (d->params.variadic)
        Py_XDECREF(call_variadic(d));
    else
        PyErr_Format(PyExc_TypeError, "the signature %R has %u arguments, but %U has %zd parameters", sig,
                     nj_pysig_sig(sig)->nargs, nj_disp_name(d), nj_params_count(&d->params));
    return -1;
}

static int declared_check(NjDisp *d, Py_ssize_t i)
{
    if (d->sigs[i].nargs == nj_params_count(&d->params) && !d->params.variadic)
        return 0;
    return nj_disp_sig_fail(d, PyList_GET_ITEM(d->declared, i));
}

static bool declared_before(const NjSig *sigs, uint32_t n, const NjSig *s)
{
    for (uint32_t i = 0; i < n; i++)
        if (sigs[i].nargs == s->nargs && (!s->nargs || !memcmp(sigs[i].args, s->args, s->nargs * sizeof *s->args)))
            return true;
    return false;
}

/* All declared signatures side by side; one that is there twice counts once. Nobody else adds specialisations yet: the
 * constructor or nj_disp_settle calls this. */
static int disp_compile_declared(NjDisp *d)
{
    uint32_t n = (uint32_t)PyList_GET_SIZE(d->declared), m = 0;
    NjSig *sigs = PyMem_Calloc(n + 1, sizeof *sigs);
    NjPySpec **specs = PyMem_Calloc(n + 1, sizeof *specs);
    int rc = sigs && specs ? 0 : -1;
    for (uint32_t i = 0; !rc && i < n; i++) {
        NjSig s = d->sigs[i];
        if (s.ret && s.ret->kind == NJ_K_VOID)
            s.ret = nj_type_none(nj_ext_types());
        rc = declared_check(d, i);
        if (!declared_before(sigs, m, &s))
            sigs[m++] = s;
    }
    if (!rc && m)
        rc = nj_spec_compile_many(d->func, &d->opts, NJ_ROOT_FUNC, sigs, m, specs);
    PyMem_Free(sigs);
    if (rc) {
        PyMem_Free(specs);
        return -1;
    }
    for (uint32_t i = 0; i < m; i++)
        specs[i]->nogil = d->nogil;
    d->specs = specs;
    d->nspecs = m;
    d->cap = n + 1;
    return 0;
}

int nj_disp_settle(NjDisp *d)
{
    NjFlight *flight = NULL;
    int mine = 0;
    while (d->later && !(mine = nj_gate_enter(&d->gate, d->func, &d->later, NULL, 0, &flight)))
        ;
    if (mine <= 0)
        return mine;
    int rc = disp_compile_declared(d);
    if (rc && !PyErr_Occurred())
        PyErr_NoMemory();
    d->later = rc != 0;
    nj_gate_leave(&d->gate, flight);
    return rc;
}

static NjDisp *disp_alloc(PyTypeObject *type, PyObject *func, PyObject *options)
{
    NjDisp *d = (NjDisp *)type->tp_alloc(type, 0);
    if (!d)
        return NULL;
    d->call = disp_vectorcall;
    d->func = Py_NewRef(func);
    d->options = Py_NewRef(options);
    if (nj_params_init(&d->params, func) < 0)
        Py_CLEAR(d);
    return d;
}

/* Dispatcher(func, signatures, options as given, **what the C side reads) */
static PyObject *disp_new(PyTypeObject *type, PyObject *args, PyObject *kw)
{
    PyObject *func, *sigs, *options;
    if (!PyArg_ParseTuple(args, "O!OO!:Dispatcher", &PyFunction_Type, &func, &sigs, &PyDict_Type, &options))
        return NULL;
    NjDisp *d = disp_alloc(type, func, options);
    if (d && (disp_options(d, kw) < 0 || disp_declare(d, sigs) < 0 || (!d->later && disp_compile_declared(d) < 0))) {
        if (!PyErr_Occurred())
            PyErr_NoMemory();
        Py_CLEAR(d);
    }
    return (PyObject *)d;
}

PyObject *nj_disp_only(NjDisp *d, NjPySpec *s)
{
    PyObject *sig = nj_pysig_new(s->ret, s->args, s->nargs);
    NjDisp *one = sig ? disp_alloc(Py_TYPE(d), d->func, d->options) : NULL;
    NjPySpec **specs = one ? PyMem_Calloc(1, sizeof *specs) : NULL;
    if (specs) {
        one->opts = d->opts;
        one->nogil = d->nogil;
        one->frozen = true;
        one->specs = specs;
        one->nspecs = one->cap = 1;
        specs[0] = nj_spec_retain(s);
    }
    if (one && (!specs || disp_declare(one, sig) < 0)) {
        if (!PyErr_Occurred())
            PyErr_NoMemory();
        Py_CLEAR(one);
    }
    Py_XDECREF(sig);
    return (PyObject *)one;
}

static int disp_traverse(PyObject *self, visitproc visit, void *arg)
{
    NjDisp *d = (NjDisp *)self;
    Py_VISIT(d->func);
    Py_VISIT(d->options);
    Py_VISIT(d->declared);
    Py_VISIT(d->dict);
    for (uint32_t i = 0; i < d->nspecs; i++) {
        int rc = nj_spec_traverse(d->specs[i], visit, arg);
        if (rc)
            return rc;
    }
    return 0;
}

/* The function stays: every cycle goes through something that clears itself (its dicts, a closure's cells), and other
 * garbage may still call this. */
static int disp_clear(PyObject *self)
{
    NjDisp *d = (NjDisp *)self;
    nj_disp_drop_specs(d);
    Py_CLEAR(d->dict);
    return 0;
}

static void disp_dealloc(PyObject *self)
{
    NjDisp *d = (NjDisp *)self;
    PyObject_GC_UnTrack(self);
    if (d->weakrefs)
        PyObject_ClearWeakRefs(self);
    disp_clear(self);
    Py_CLEAR(d->func);
    Py_CLEAR(d->options);
    Py_CLEAR(d->declared);
    nj_params_clear(&d->params);
    PyMem_Free(d->sigs);
    Py_TYPE(self)->tp_free(self);
}

static PyObject *disp_get(PyObject *self, PyObject *obj, PyObject *type)
{
    return obj && obj != Py_None ? PyMethod_New(self, obj) : Py_NewRef(self);
}

static PyObject *disp_repr(PyObject *self)
{
    return PyUnicode_FromFormat("Dispatcher(%R)", ((NjDisp *)self)->func);
}

PyTypeObject NjDisp_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "naja._naja.Dispatcher",
    .tp_basicsize = sizeof(NjDisp),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR,
    .tp_new = disp_new,
    .tp_dealloc = disp_dealloc,
    .tp_traverse = disp_traverse,
    .tp_clear = disp_clear,
    .tp_vectorcall_offset = offsetof(NjDisp, call),
    .tp_call = PyVectorcall_Call,
    .tp_repr = disp_repr,
    .tp_descr_get = disp_get,
    .tp_getattro = nj_disp_getattro,
    .tp_setattro = PyObject_GenericSetAttr,
    .tp_getset = nj_disp_getset,
    .tp_methods = nj_disp_tp_methods,
    .tp_dictoffset = offsetof(NjDisp, dict),
    .tp_weaklistoffset = offsetof(NjDisp, weakrefs),
};

/* -- what code.c asks ------------------------------------------------------------------------------------------- */

bool (*nj_disp_info_more)(PyObject *o, NjDispInfo *out);

bool nj_disp_info(PyObject *o, NjDispInfo *out)
{
    if (!Py_IS_TYPE(o, &NjDisp_Type))
        return nj_ufunc_info(o, out) || (nj_disp_info_more && nj_disp_info_more(o, out));
    NjDisp *d = (NjDisp *)o;
    *out = (NjDispInfo){.func = d->func, .opts = d->opts, .sigs = d->sigs,
                        .nsigs = d->declared ? (uint32_t)PyList_GET_SIZE(d->declared) : 0, .declared_only = d->frozen};
    return true;
}

PyMethodDef nj_dispatcher_methods[] = {{0}};

int nj_dispatcher_init(PyObject *module)
{
    return PyModule_AddType(module, &NjDisp_Type);
}
