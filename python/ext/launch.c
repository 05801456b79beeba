/* launch.c - kernel[grid, block, stream, shared]: a launch configured once, and the path of its call.
 *
 * Arguments become 8-byte slots on the stack: device arrays by reading their fields, scalars and tuples by marshal.c.
 * Host arrays are used in place on a device that shares the host's memory; on others they are copied in before and out
 * after, and the call waits. Nothing is allocated when there are no host arrays to copy.
 */
#include "cuda_ext.h"
#include "npy.h"

enum { MAX_ARGS = 1024, MAX_SLOTS = 4096 };

typedef struct NjLaunchObject {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    NjKernelObject *kernel;
    PyObject *stream;
    NjDevice *dev;
    NjLaunchCfg cfg;
    PyObject *griddim, *blockdim;
} NjLaunchObject;

/* A host array that lives on the device for one launch. */
typedef struct Transfer { PyArrayObject *host, *flat; uint64_t ptr; const NjType *type; bool in, out; } Transfer;

/* cuda.In, Out, InOut: which way a host array is copied. */
typedef struct NjHintObject { PyObject_HEAD PyObject *array; int in, out; } NjHintObject;
static PyTypeObject hint_type;

typedef struct Call {                   /* one call's state; on the stack */
    NjLaunchObject *l;
    PyObject *const *args;
    uint32_t nargs, nslots, nmoved, nkept;
    const NjType **types;
    uint64_t *slots;
    void **params;                      /* the address of each slot */
    Transfer *moved;                    /* PyMem; one for each host array that is copied */
    PyObject **kept;                    /* converted arguments, alive until the launch is over */
} Call;

/* -- configuration -------------------------------------------------------------------------------------------- */

static int take_dim(PyObject *o, uint32_t *out, Py_ssize_t i, const char *what)
{
    PyObject *n = PyNumber_Index(o);
    if (!n) {
        PyErr_Format(PyExc_TypeError, "%s must be made of integers, not of %.200s", what, Py_TYPE(o)->tp_name);
        return -1;
    }
    long long v = PyLong_AsLongLong(n);
    Py_DECREF(n);
    if (v == -1 && PyErr_Occurred())
        return -1;
    if (v < 1 || v > INT32_MAX) {
        PyErr_Format(PyExc_ValueError, "%s dimension %zd is %lld; it must be from 1 to %d", what, i, v, INT32_MAX);
        return -1;
    }
    out[i] = (uint32_t)v;
    return 0;
}

static PyObject *take_dims(PyObject *o, uint32_t out[3], const char *what)
{
    out[0] = out[1] = out[2] = 1;
    PyObject *t = PyTuple_Check(o) || PyList_Check(o) ? PySequence_Tuple(o) : PyTuple_Pack(1, o);
    if (!t)
        return NULL;
    Py_ssize_t n = PyTuple_GET_SIZE(t);
    if (n < 1 || n > 3)
        PyErr_Format(PyExc_ValueError, "%s must be a sequence of 1, 2 or 3 integers, not %R", what, o);
    for (Py_ssize_t i = 0; i < n && !PyErr_Occurred(); i++)
        take_dim(PyTuple_GET_ITEM(t, i), out, i, what);
    Py_DECREF(t);
    return PyErr_Occurred() ? NULL : Py_BuildValue("(III)", out[0], out[1], out[2]);
}

static int check_limits(const NjLaunchObject *l)
{
    const NjDevInfo *d = &l->dev->info;
    const uint32_t *b = l->cfg.block, *g = l->cfg.grid;
    uint64_t threads = (uint64_t)b[0] * b[1] * b[2];
    if (threads > (uint64_t)d->max_threads_per_block) {
        PyErr_Format(PyExc_ValueError, "a block of (%u, %u, %u) has %llu threads; %s takes at most %d", b[0], b[1],
                     b[2], (unsigned long long)threads, d->name, d->max_threads_per_block);
        return -1;
    }
    for (int i = 0; i < 3; i++)
        if (b[i] > (uint32_t)d->max_block[i] || g[i] > (uint32_t)d->max_grid[i]) {
            bool block = b[i] > (uint32_t)d->max_block[i];
            PyErr_Format(PyExc_ValueError, "%s dimension %d is %u; %s takes at most %d", block ? "block" : "grid", i,
                         block ? b[i] : g[i], d->name, block ? d->max_block[i] : d->max_grid[i]);
            return -1;
        }
    return 0;
}

static int take_shared(NjLaunchObject *l, PyObject *shared)
{
    if (!shared || shared == Py_None)
        return 0;
    long long n = PyLong_AsLongLong(shared);
    if (n == -1 && PyErr_Occurred())
        return -1;
    if (n < 0 || n > INT32_MAX) {
        PyErr_Format(PyExc_ValueError, "%lld bytes of dynamic shared memory", n);
        return -1;
    }
    l->cfg.shared_nbytes = (uint32_t)n;
    return 0;
}

static PyObject *launch_call(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *kwnames);

PyObject *nj_launch_new(NjKernelObject *k, PyObject *config)
{
    if (!PyTuple_Check(config) || PyTuple_GET_SIZE(config) < 2 || PyTuple_GET_SIZE(config) > 4)
        return PyErr_Format(PyExc_ValueError,
                            "a launch configuration is [blocks, threads], [blocks, threads, stream] or "
                            "[blocks, threads, stream, shared memory bytes], not %R",
                            config);
    NjErr err = {0};
    NjDevice *d = nj_device_current(&err);
    if (!d)
        return nj_error_from_err(&err);
    NjLaunchObject *l = PyObject_GC_New(NjLaunchObject, &NjLaunch_Type);
    if (!l)
        return NULL;
    Py_ssize_t n = PyTuple_GET_SIZE(config);
    memset(&l->vectorcall, 0, sizeof *l - offsetof(NjLaunchObject, vectorcall));
    l->vectorcall = launch_call;
    l->kernel = (NjKernelObject *)Py_NewRef(k);
    l->dev = d;
    l->stream = n > 2 ? Py_NewRef(PyTuple_GET_ITEM(config, 2)) : NULL;
    l->griddim = take_dims(PyTuple_GET_ITEM(config, 0), l->cfg.grid, "grid");
    l->blockdim = l->griddim ? take_dims(PyTuple_GET_ITEM(config, 1), l->cfg.block, "block") : NULL;
    if (!l->blockdim || nj_stream_handle(l->stream, d, &l->cfg.stream) < 0 || check_limits(l) < 0 ||
        take_shared(l, n > 3 ? PyTuple_GET_ITEM(config, 3) : NULL) < 0)
        Py_CLEAR(l);
    return (PyObject *)l;
}

/* -- arguments ---------------------------------------------------------------------------------------------------- */

/* Arrays of other libraries (CuPy, PyTorch) speak __cuda_array_interface__. A new DeviceArray, or NULL without an
 * exception. */
static PyObject *adopt(PyObject *o)
{
    PyObject *cai;
    if (nj_getattr_opt(o, "__cuda_array_interface__", &cai) <= 0)
        return NULL;
    Py_DECREF(cai);
    PyObject *f = nj_ext_import("naja.cuda", "as_cuda_array");
    PyObject *a = f ? PyObject_CallOneArg(f, o) : NULL;
    Py_XDECREF(f);
    return a;
}

static const NjType *host_type(const NjType *t)
{
    /* a copy on the device is dense, whatever the host's strides */
    return t->layout == NJ_LAYOUT_A ? nj_type_array(nj_ext_types(), t->elem, t->ndim, NJ_LAYOUT_C, t->readonly) : t;
}

/* `o` (stolen) takes the place of argument i. */
static int call_keep(Call *c, uint32_t i, PyObject *o)
{
    if (!o)
        return -1;
    if (!c->kept && !(c->kept = PyMem_Calloc(c->nargs, sizeof *c->kept))) {
        Py_DECREF(o);
        PyErr_NoMemory();
        return -1;
    }
    Py_XSETREF(c->kept[i], o);
    return 0;
}

/* What In, Out and InOut hold. Where kernels write to the host's memory, In keeps them off it by a copy. */
static PyObject *call_unhint(Call *c, uint32_t i)
{
    PyObject *o = c->args[i];
    if (!PyObject_TypeCheck(o, &hint_type))
        return o;
    const NjHintObject *h = (NjHintObject *)o;
    if (nj_npy_need() < 0)
        return NULL;
    bool copy = !h->out && c->l->dev->ops->host_memory && PyArray_Check(h->array);
    o = copy ? PyArray_NewCopy((PyArrayObject *)h->array, NPY_KEEPORDER) : Py_NewRef(h->array);
    return call_keep(c, i, o) < 0 ? NULL : o;
}

static const NjType *call_type(Call *c, uint32_t i)
{
    PyObject *o = call_unhint(c, i);
    if (!o)
        return NULL;
    if (PyObject_TypeCheck(o, &NjDevArray_Type))
        return ((NjDevArrayObject *)o)->type;
    if (!PyLong_CheckExact(o) && !PyFloat_CheckExact(o) && !(nj_npy_ready && PyArray_CheckExact(o))) {
        PyObject *a = adopt(o);
        if (a)
            return call_keep(c, i, a) < 0 ? NULL : ((NjDevArrayObject *)a)->type;
        if (PyErr_Occurred())
            return NULL;
    }
    const NjType *t = nj_pytype_of(o);
    return t && t->kind == NJ_K_ARRAY && !c->l->dev->ops->host_memory ? host_type(t) : t;
}

static int moved_slots(const Transfer *m, uint64_t *slots)
{
    int n = 0, ndim = m->type->ndim;
    slots[n++] = m->ptr;
    for (int i = 0; i < ndim; i++)
        slots[n++] = (uint64_t)PyArray_DIM(m->flat, i);
    for (int i = 0; i < ndim && m->type->layout == NJ_LAYOUT_A; i++)  /* a signature such as float32[:] asks for them */
        slots[n++] = (uint64_t)PyArray_STRIDE(m->flat, i);
    return n;
}

/* Copies a host array to the device for this launch; one that is passed twice, once. */
static int move_in(Call *c, PyObject *o, const NjType *t, const NjHintObject *hint, uint64_t *slots)
{
    NjDevice *d = c->l->dev;
    bool in = !hint || hint->in, out = !hint || hint->out;
    for (uint32_t i = 0; i < c->nmoved; i++) {
        const Transfer *m = &c->moved[i];
        if ((PyObject *)m->host == o && m->type == t && m->in == in && m->out == out)
            return moved_slots(m, slots);
    }
    if (!c->moved && !(c->moved = PyMem_Calloc(c->nargs, sizeof *c->moved))) {
        PyErr_NoMemory();
        return -1;
    }
    Transfer *m = &c->moved[c->nmoved];
    int order = t->layout == NJ_LAYOUT_F ? NPY_ARRAY_F_CONTIGUOUS : NPY_ARRAY_C_CONTIGUOUS;
    m->flat = (PyArrayObject *)PyArray_FROM_OF(o, order | NPY_ARRAY_ALIGNED);
    if (!m->flat)
        return -1;
    m->host = (PyArrayObject *)Py_NewRef(o);
    m->type = t;
    m->in = in;
    m->out = out && !t->readonly;
    c->nmoved++;
    size_t n = (size_t)PyArray_NBYTES(m->flat);
    NjErr err = {0};
    NjStatus st = d->ops->alloc(d, n, &m->ptr, &err);
    if (st == NJ_OK && in)
        st = d->ops->h2d_nogil(d, NULL, m->ptr, PyArray_DATA(m->flat), n, &err);
    if (st != NJ_OK) {
        nj_error_from_err(&err);
        return -1;
    }
    return moved_slots(m, slots);
}

static int call_slots(Call *c, uint32_t i, const NjType *t)
{
    PyObject *o = c->kept && c->kept[i] ? c->kept[i] : c->args[i];
    uint64_t *slots = c->slots + c->nslots;
    if (PyObject_TypeCheck(o, &NjDevArray_Type)) {
        const NjDevArrayObject *a = (NjDevArrayObject *)o;
        if (a->memory->dev != c->l->dev) {
            PyErr_Format(PyExc_ValueError, "it lives on device %d, the launch is on device %d",
                         a->memory->dev->info.ordinal, c->l->dev->info.ordinal);
            return -1;
        }
        if (a->type == t)
            return nj_devarray_slots(a, slots);
        if (nj_type_conv(a->type, t) == NJ_CONV_NONE) {
            PyErr_Format(PyExc_TypeError, "it is %s, the kernel's signature wants %s", a->type->name, t->name);
            return -1;
        }
        int n = nj_devarray_slots(a, slots);
        if (t->layout == NJ_LAYOUT_A && a->type->layout != NJ_LAYOUT_A)      /* the signature asks for strides, too */
            for (int d = 0; d < t->ndim; d++)
                slots[n++] = (uint64_t)a->dims[t->ndim + d];
        return n;
    }
    if (t->kind == NJ_K_ARRAY && !c->l->dev->ops->host_memory)
        return move_in(c, o, t, PyObject_TypeCheck(c->args[i], &hint_type) ? (NjHintObject *)c->args[i] : NULL, slots);
    return nj_marshal_arg(t, NJ_ABI_KERNEL, o, slots);
}

static int call_marshal(Call *c, const NjKernelSpec *s)
{
    for (uint32_t i = 0; i < c->nargs; i++) {
        int n = call_slots(c, i, s->types[i]);
        if (n < 0) {
            nj_error_name_arg(c->l->kernel->func, i);
            return -1;
        }
        c->nslots += (uint32_t)n;
    }
    return 0;
}

/* -- after the launch ---------------------------------------------------------------------------------------------- */

/* Copies written host arrays back, unless something failed: then they stay as they were. */
static int move_out(Call *c)
{
    NjDevice *d = c->l->dev;
    for (uint32_t i = 0; i < c->nmoved; i++) {
        Transfer *m = &c->moved[i];
        if (!m->out)
            continue;
        NjErr err = {0};
        NjStatus st;
        Py_BEGIN_ALLOW_THREADS
        st = d->ops->stream_sync_nogil(d, c->l->cfg.stream, &err);
        if (st == NJ_OK)
            st = d->ops->d2h_nogil(d, NULL, PyArray_DATA(m->flat), m->ptr, (size_t)PyArray_NBYTES(m->flat), &err);
        Py_END_ALLOW_THREADS
        if (st != NJ_OK) {
            nj_error_from_err(&err);
            return -1;
        }
        if (m->flat != m->host && PyArray_CopyInto(m->host, m->flat) < 0)
            return -1;
    }
    return 0;
}

static void call_drop(Call *c)
{
    NjDevice *d = c->l->dev;
    for (uint32_t i = 0; i < c->nmoved; i++) {
        d->ops->free(d, c->moved[i].ptr, NULL);
        Py_DECREF(c->moved[i].flat);
        Py_DECREF(c->moved[i].host);
    }
    for (uint32_t i = 0; c->kept && i < c->nargs; i++)
        Py_XDECREF(c->kept[i]);
    PyMem_Free(c->moved);
    PyMem_Free(c->kept);
}

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

static int call_failed(const NjKernelSpec *s, NjStatus st, int32_t status, const NjErr *err)
{
    if (st != NJ_OK)
        nj_error_from_err(err);
    else if (status > 0 && (uint32_t)status <= s->nexcs)
        (void)nj_error_raise(&s->excs[status - 1], s->snap), note_thread(err);
    else
        PyErr_Format(PyExc_RuntimeError, "the kernel returned the unknown status %d", (int)status);
    return -1;
}

static int call_run(Call *c, NjKernelSpec *s)
{
    NjErr err;
    NjStatus st;
    int32_t status;
    bool owned = c->slots == s->slots;
    err.text[0] = 0;
    s->busy |= owned;
    Py_BEGIN_ALLOW_THREADS
    st = s->dev->ops->launch_nogil(s->code, &c->l->cfg, c->slots, c->params, &status, &err);
    Py_END_ALLOW_THREADS
    if (owned)
        s->busy = false;
    return st == NJ_OK && !status ? 0 : call_failed(s, st, status, &err);
}

/* -- the short way: arguments of the types of the last launch ------------------------------------------------------ */

static PyTypeObject *seen_class;        /* DeviceNDArray, once one was seen: saves the walk over base classes */

static inline bool is_devarray(PyObject *o)
{
    if (Py_IS_TYPE(o, seen_class))
        return true;
    if (!PyObject_TypeCheck(o, &NjDevArray_Type))
        return false;
    seen_class = Py_TYPE(o);
    return true;
}

static bool short_ints(PyObject *const *o, uint32_t n, uint64_t *slot)
{
    for (uint32_t i = 0; i < n; i++) {
        long long v;
        int overflow = 0;
        if (!PyLong_CheckExact(o[i]))
            return false;
        if (!nj_long_small(o[i], &v))
            v = PyLong_AsLongLongAndOverflow(o[i], &overflow);
        if (overflow)
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
        if (!is_devarray(o[i]) || a->type != t || a->memory->dev != s->dev)
            return -1;
        unsigned ndims = t->layout == NJ_LAYOUT_A ? 2u * t->ndim : t->ndim;
        *slot++ = a->ptr;
        for (unsigned d = 0; d < ndims; d++)
            *slot++ = (uint64_t)a->dims[d];
    }
    return (int)(slot - start);
}

static bool short_args(const Call *c, const NjKernelSpec *s)
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

static int call_block(Call *c, NjKernelSpec *s, bool any);

static int call_long(Call *c)
{
    const NjType *types[c->nargs + 1];
    c->types = types;
    for (uint32_t i = 0; i < c->nargs; i++) {
        types[i] = call_type(c, i);
        if (!types[i]) {
            nj_error_name_arg(c->l->kernel->func, i);
            return -1;
        }
    }
    NjKernelSpec *s = nj_kernel_spec(c->l->kernel, c->l->dev, types, c->nargs);
    if (!s)
        return -1;
    if (s->nslots > MAX_SLOTS) {
        PyErr_Format(PyExc_ValueError, "the kernel's arguments take %u parameters; naja passes at most %d", s->nslots,
                     MAX_SLOTS);
        return -1;
    }
    return call_block(c, s, true);
}

/* Marshals and launches. The short way fills the specialisation's block, unless another thread's launch is reading
 * that; the long way may run Python code, and with it other launches, so it always uses the stack. */
static int call_block(Call *c, NjKernelSpec *s, bool any)
{
    bool stack = any || s->busy;
    uint32_t n = stack ? s->nslots : 0;
    uint64_t slots[n + 1];
    void *params[n + 1];
    for (uint32_t i = 0; i < n; i++)
        params[i] = &slots[i];
    c->slots = stack ? slots : s->slots;
    c->params = stack ? params : s->params;
    if (!any)
        return short_args(c, s) ? call_run(c, s) : 1;
    return call_marshal(c, s) < 0 || call_run(c, s) < 0 ? -1 : move_out(c);
}

static int call_short_or_long(Call *c)
{
    NjKernelSpec *s = c->l->kernel->last;
    int done = s && s->nargs == c->nargs && s->dev == c->l->dev && s->nslots <= MAX_SLOTS ? call_block(c, s, false) : 1;
    return done == 1 ? call_long(c) : done;
}

/* Keywords are put in order by Python: rare, and its rules for them are its own. */
static PyObject *call_keywords(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *kwnames)
{
    PyObject *bind = nj_ext_import("naja.cuda.dispatcher", "call_with_keywords");
    PyObject *packed = PyTuple_New(n), *names = PyDict_New(), *result = NULL;
    for (Py_ssize_t i = 0; packed && i < n; i++)
        PyTuple_SET_ITEM(packed, i, Py_NewRef(args[i]));
    for (Py_ssize_t i = 0; names && i < PyTuple_GET_SIZE(kwnames); i++)
        if (PyDict_SetItem(names, PyTuple_GET_ITEM(kwnames, i), args[n + i]) < 0)
            Py_CLEAR(names);
    if (bind && packed && names)
        result = PyObject_CallFunctionObjArgs(bind, self, packed, names, NULL);
    Py_XDECREF(packed);
    Py_XDECREF(names);
    Py_XDECREF(bind);
    return result;
}

static PyObject *launch_call(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    Py_ssize_t n = PyVectorcall_NARGS(nargsf);
    if (kwnames && PyTuple_GET_SIZE(kwnames))
        return call_keywords(self, args, n, kwnames);
    if (n > MAX_ARGS)
        return PyErr_Format(PyExc_TypeError, "%zd arguments; a kernel takes at most %d", n, MAX_ARGS);
    Call c = {.l = (NjLaunchObject *)self, .args = args, .nargs = (uint32_t)n};
    int failed = call_short_or_long(&c);
    call_drop(&c);
    return failed ? NULL : Py_NewRef(Py_None);
}

/* -- the object ---------------------------------------------------------------------------------------------------- */

static int launch_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(((NjLaunchObject *)self)->kernel);
    Py_VISIT(((NjLaunchObject *)self)->stream);
    return 0;
}

static void launch_dealloc(PyObject *self)
{
    NjLaunchObject *l = (NjLaunchObject *)self;
    PyObject_GC_UnTrack(self);
    Py_XDECREF(l->kernel);
    Py_XDECREF(l->stream);
    Py_XDECREF(l->griddim);
    Py_XDECREF(l->blockdim);
    PyObject_GC_Del(self);
}

static PyObject *launch_get_stream(PyObject *self, void *_)
{
    NjLaunchObject *l = (NjLaunchObject *)self;
    return l->stream ? Py_NewRef(l->stream) : PyLong_FromLong(0);
}

static PyObject *launch_get_shared(PyObject *self, void *_)
{
    return PyLong_FromUnsignedLong(((NjLaunchObject *)self)->cfg.shared_nbytes);
}

#define LAUNCH_GET(name)                                                                                               \
    static PyObject *launch_get_##name(PyObject *self, void *_)                                                        \
    {                                                                                                                  \
        return Py_NewRef((PyObject *)((NjLaunchObject *)self)->name);                                                  \
    }
LAUNCH_GET(griddim)
LAUNCH_GET(blockdim)
LAUNCH_GET(kernel)

static PyGetSetDef launch_getset[] = {
    {"griddim", launch_get_griddim, NULL, "blocks of the grid (x, y, z)", NULL},
    {"blockdim", launch_get_blockdim, NULL, "threads of a block (x, y, z)", NULL},
    {"stream", launch_get_stream, NULL, "the stream it is queued on, 0 for the default", NULL},
    {"sharedmem", launch_get_shared, NULL, "bytes of dynamic shared memory", NULL},
    {"dispatcher", launch_get_kernel, NULL, "the kernel", NULL},
    {0},
};

static PyObject *launch_repr(PyObject *self)
{
    NjLaunchObject *l = (NjLaunchObject *)self;
    return PyUnicode_FromFormat("<launch of %R: grid %R, block %R>", l->kernel, l->griddim, l->blockdim);
}

PyTypeObject NjLaunch_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "_naja.Launch", .tp_basicsize = sizeof(NjLaunchObject),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL,
    .tp_doc = "A kernel with its launch configuration: call it with the kernel's arguments.",
    .tp_vectorcall_offset = offsetof(NjLaunchObject, vectorcall), .tp_call = PyVectorcall_Call,
    .tp_repr = launch_repr, .tp_dealloc = launch_dealloc, .tp_traverse = launch_traverse, .tp_getset = launch_getset,
};

/* -- which way host arrays go -------------------------------------------------------------------------------------- */

static PyObject *hint_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *array;
    int in, out;
    if (!PyArg_ParseTuple(args, "Opp:ArgHint", &array, &in, &out))
        return NULL;
    NjHintObject *h = (NjHintObject *)type->tp_alloc(type, 0);
    if (!h)
        return NULL;
    h->array = Py_NewRef(array);
    h->in = in;
    h->out = out;
    return (PyObject *)h;
}

static void hint_dealloc(PyObject *self)
{
    Py_XDECREF(((NjHintObject *)self)->array);
    Py_TYPE(self)->tp_free(self);       /* a Python subclass drops the reference to itself */
}

static PyTypeObject hint_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "_naja.ArgHint", .tp_basicsize = sizeof(NjHintObject),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_doc = "ArgHint(array, copy_in, copy_out): use naja.cuda.In, Out or InOut instead.",
    .tp_new = hint_new, .tp_dealloc = hint_dealloc,
};

PyMethodDef nj_launch_methods[] = {{0}};

int nj_launch_init(PyObject *module)
{
    return PyModule_AddType(module, &hint_type) < 0 ? -1 : PyModule_AddType(module, &NjLaunch_Type);
}
