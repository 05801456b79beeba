/* launch_call.c - the call of a configured launch: arguments into slots, slots to the device, status back.
 *
 * The short way takes arguments of the types of the last launch and fills the specialisation's own block; whatever it
 * does not know goes the long way, through launch_args.c. Nothing is allocated but for host arrays that are copied. The
 * GIL is released around the device's launch only.
 */
#include "launch.h"

enum { MAX_ARGS = 1024, MAX_SLOTS = 4096 };

/* -- the device's part ------------------------------------------------------------------------------------------- */

/* Which thread raised, as a note below the exception: Python 3.11 shows those. */
static void note_thread(const NjErr *err)
{
    const char *where = strstr(err->text, "in block (");
    PyObject *e = where ? nj_exc_take() : NULL;
    if (!e)
        return;
    PyObject *text = PyUnicode_FromFormat("raised %s", where);
    PyObject *done = text ? PyObject_CallMethod(e, "add_note", "O", text) : NULL;
    if (!done)
        PyErr_Clear();
    Py_XDECREF(done);
    Py_XDECREF(text);
    nj_exc_put(e);
}

static int call_failed(const NjLaunchCall *c, const NjKernelSpec *s, NjStatus st, int32_t status, const NjErr *err)
{
    if (st == NJ_E_USER && c->l->cfg.shared_nbytes)     /* the kernel's own shared memory beside what was asked for */
        PyErr_SetString(PyExc_ValueError, err->text);
    else if (st != NJ_OK)
        nj_error_from_err(err);
    else if (status > 0 && (uint32_t)status <= s->nexcs)
        (void)nj_error_raise(&s->excs[status - 1], s->snap), note_thread(err);
    else
        PyErr_Format(PyExc_RuntimeError, "the kernel returned the unknown status %d", (int)status);
    return -1;
}

static int call_run(NjLaunchCall *c, NjKernelSpec *s)
{
    NjErr err;
    NjStatus st;
    int32_t status;
    err.text[0] = 0;
    s->refs++;
    Py_BEGIN_ALLOW_THREADS
    st = s->dev->ops->launch_nogil(s->code, &c->l->cfg, c->slots, c->params, &status, &err);
    Py_END_ALLOW_THREADS
    int failed = st == NJ_OK && !status ? 0 : call_failed(c, s, st, status, &err);
    nj_kernel_spec_drop(s);
    return failed;
}

/* -- the short way: arguments of the types of the last launch ------------------------------------------------------ */

/* DeviceNDArray, mostly: saves the walk over base classes. A reference, or a class that dies would leave its address to
 * one that is none. */
static PyObject *first_class;

static inline bool short_devarray(PyObject *o)
{
    if ((PyObject *)Py_TYPE(o) == first_class)
        return true;
    if (!PyObject_TypeCheck(o, &NjDevArray_Type))
        return false;
    if (!first_class)
        first_class = Py_NewRef((PyObject *)Py_TYPE(o));
    return true;
}

/* Apart, because the address of `overflow` costs an instruction for every int. */
static bool short_large(PyObject *o, long long *v)
{
    int overflow;
    *v = PyLong_AsLongLongAndOverflow(o, &overflow);
    return !overflow;
}

static bool short_ints(PyObject *const *o, uint32_t n, uint64_t *slot)
{
    for (uint32_t i = 0; i < n; i++) {
        long long v;
        if (!PyLong_CheckExact(o[i]) || (!nj_long_small(o[i], &v) && !short_large(o[i], &v)))
            return false;
        slot[i] = (uint64_t)v;
    }
    return true;
}

static bool short_floats(PyObject *const *o, uint32_t n, uint64_t *slot)
{
    for (uint32_t i = 0; i < n; i++) {
        if (!PyFloat_CheckExact(o[i]))
            return false;
        memcpy(&slot[i], &((PyFloatObject *)o[i])->ob_fval, sizeof *slot);
    }
    return true;
}

static bool short_bools(PyObject *const *o, uint32_t n, uint64_t *slot)
{
    for (uint32_t i = 0; i < n; i++) {
        if (!PyBool_Check(o[i]))
            return false;
        slot[i] = o[i] == Py_True;
    }
    return true;
}

/* Slots written; -1 for an array that is not of the type or the device of the last launch. */
static int short_arrays(const NjKernelSpec *s, PyObject *const *o, uint32_t n, const NjType *const *types,
                        uint64_t *slot)
{
    uint64_t *start = slot;
    for (uint32_t i = 0; i < n; i++) {
        const NjDevArrayObject *a = (const NjDevArrayObject *)o[i];
        const NjType *t = types[i];
        if (!short_devarray(o[i]) || a->type != t || a->memory->dev != s->dev)
            return -1;
        unsigned ndims = t->layout == NJ_LAYOUT_A ? 2u * t->ndim : t->ndim;
        *slot++ = a->ptr;
        for (unsigned d = 0; d < ndims; d++)
            *slot++ = (uint64_t)a->dims[d];
    }
    return (int)(slot - start);
}

static bool short_args(const NjLaunchCall *c, const NjKernelSpec *s)
{
    uint64_t *slot = c->slots;
    uint32_t i = 0;
    for (const NjArgRun *r = s->runs; r->n; i += r->n, r++) {
        PyObject *const *o = c->args + i;
        int wrote = (int)r->n;
        bool fits = false;
        switch (r->op) {
        case NJ_ARG_ARRAY: fits = (wrote = short_arrays(s, o, r->n, s->types + i, slot)) >= 0; break;
        case NJ_ARG_INT: fits = short_ints(o, r->n, slot); break;
        case NJ_ARG_FLOAT: fits = short_floats(o, r->n, slot); break;
        case NJ_ARG_BOOL: fits = short_bools(o, r->n, slot); break;
        case NJ_ARG_OTHER: break;
        }
        if (!fits)
            return false;
        slot += wrote;
    }
    return true;
}

static int call_block(NjLaunchCall *c, NjKernelSpec *s, bool any);

static int call_long(NjLaunchCall *c)
{
    const NjType *types[c->nargs + 1];
    c->types = types;
    for (uint32_t i = 0; i < c->nargs; i++) {
        types[i] = nj_launch_args_type(c, i);
        if (!types[i]) {
            nj_error_name_arg(c->l->kernel->func, i);
            return -1;
        }
    }
    NjKernelSpec *s = nj_kernel_spec(c->l->kernel, c->l->dev, types, c->nargs);
    int done = -1;
    if (s && s->nslots > MAX_SLOTS)
        PyErr_Format(PyExc_ValueError, "the kernel's arguments take %u parameters; naja passes at most %d", s->nslots,
                     MAX_SLOTS);
    else if (s)
        done = call_block(c, s, true);
    nj_kernel_spec_drop(s);
    return done;
}

/* Marshals and launches. The short way fills the specialisation's block, unless another thread's launch is reading
 * that; the long way may run Python code, and with it other launches, so it always uses the stack. */
static int call_block(NjLaunchCall *c, NjKernelSpec *s, bool any)
{
    bool stack = any || s->refs > 1;        /* somebody else runs or fills it */
    uint32_t n = stack ? s->nslots : 0;
    uint64_t slots[n + 1];
    void *params[n + 1];
    for (uint32_t i = 0; i < n; i++)
        params[i] = &slots[i];
    c->slots = stack ? slots : s->slots;
    c->params = stack ? params : s->params;
    if (!any)
        return short_args(c, s) ? call_run(c, s) : 1;
    return nj_launch_args_fill(c, s) < 0 || call_run(c, s) < 0 ? -1 : nj_launch_args_back(c);
}

static int call_short_or_long(NjLaunchCall *c)
{
    NjKernelSpec *s = c->l->kernel->last;
    int done = s && s->dev == c->l->dev && s->nslots <= MAX_SLOTS ? call_block(c, s, false) : 1;
    return done == 1 ? call_long(c) : done;
}

static PyObject *call_in_order(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    if (n > MAX_ARGS)
        return PyErr_Format(PyExc_TypeError, "%zd arguments; a kernel takes at most %d", n, MAX_ARGS);
    NjLaunchCall c = {.l = (NjLaunchObject *)self, .args = args, .nargs = (uint32_t)n};
    int failed = call_short_or_long(&c);
    if (c.moved || c.stand || c.kept)
        nj_launch_args_drop(&c);
    return failed ? NULL : Py_NewRef(Py_None);
}

/* Keywords, defaults, and numbers of arguments that do not fit. */
static PyObject *call_bound(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *kwnames)
{
    const NjKernelObject *k = ((NjLaunchObject *)self)->kernel;
    Py_ssize_t nparams = nj_params_count(&k->params);
    if (k->device || k->params.variadic || nparams > MAX_ARGS)      /* the compiler says what is wrong */
        return call_in_order(self, args, nparams > MAX_ARGS ? nparams : n);
    PyObject *bound[nparams + 1];
    if (nj_params_fold(&k->params, args, n, kwnames, bound) < 0)
        return NULL;
    PyObject *r = call_in_order(self, bound, nparams);
    nj_params_unfold(&k->params, bound);
    return r;
}

PyObject *nj_launch_call(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    Py_ssize_t n = PyVectorcall_NARGS(nargsf);
    if (n != ((NjLaunchObject *)self)->kernel->direct || (kwnames && PyTuple_GET_SIZE(kwnames)))
        return call_bound(self, args, n, kwnames);
    return call_in_order(self, args, n);
}
