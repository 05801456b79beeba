/* launch_args.c - arguments of a launch, the long way: any value that has a type.
 *
 * In: a call's Python objects. Out: their types, then their slots; device arrays by reading their fields, scalars by
 * marshal.c, tuples and optionals with arrays in them one by one. Host arrays are used in place on a device that shares
 * the host's memory; on others they are copied in before and out after the launch, which waits. cuda.In, Out and InOut
 * say which way they go.
 */
#include "launch.h"

/* cuda.In, Out, InOut: which way a host array is copied. */
typedef struct NjHintObject { PyObject_HEAD PyObject *array; int in, out; } NjHintObject;
static PyTypeObject hint_type;

static bool is_hint(PyObject *o)
{
    return PyObject_TypeCheck(o, &hint_type);
}

static bool is_devarray(PyObject *o)
{
    return PyObject_TypeCheck(o, &NjDevArray_Type);
}

/* `o` (stolen) lives until the launch is over; borrowed, or NULL. */
static PyObject *call_keep(NjLaunchCall *c, PyObject *o)
{
    if (o && !c->kept)
        c->kept = PyList_New(0);
    bool kept = o && c->kept && PyList_Append(c->kept, o) == 0;
    Py_XDECREF(o);
    return kept ? o : NULL;
}

/* -- types ----------------------------------------------------------------------------------------------------- */

/* Plain values, which are nobody's device array. */
static bool is_plain(PyObject *o)
{
    return PyLong_Check(o) || PyFloat_Check(o) || PyComplex_Check(o) || o == Py_None || is_devarray(o) || is_hint(o) ||
           (nj_npy_ready && PyArray_CheckExact(o));
}

static PyObject *adopt(NjLaunchCall *c, PyObject *o);

/* The same tuple where nothing in it has to be adopted, else a new one of its class. */
static PyObject *adopt_tuple(NjLaunchCall *c, PyObject *o)
{
    Py_ssize_t n = PyTuple_GET_SIZE(o);
    PyObject *copy = PyTuple_New(n), *of_class = NULL;
    bool same = true;
    if (Py_EnterRecursiveCall(" with a tuple as an argument"))
        Py_CLEAR(copy);
    for (Py_ssize_t i = 0; copy && i < n; i++) {
        PyObject *was = PyTuple_GET_ITEM(o, i), *is = adopt(c, was);
        same &= is == was;
        PyTuple_SET_ITEM(copy, i, Py_XNewRef(is));
        if (!is)
            Py_CLEAR(copy);
    }
    Py_LeaveRecursiveCall();
    if (!copy || same) {
        Py_XDECREF(copy);
        return copy ? o : NULL;
    }
    if (PyTuple_CheckExact(o) || nj_getattr_opt(o, "_make", &of_class) == 0)
        return call_keep(c, copy);
    PyObject *named = of_class ? PyObject_CallOneArg(of_class, copy) : NULL;
    Py_XDECREF(of_class);
    Py_DECREF(copy);
    return call_keep(c, named);
}

/* Arrays of other libraries (CuPy, PyTorch) speak __cuda_array_interface__: what stands for them is a DeviceArray that
 * lives until the launch is over. Anything else stands for itself. Borrowed; NULL with an exception. */
static PyObject *adopt(NjLaunchCall *c, PyObject *o)
{
    PyObject *cai;
    if (is_plain(o))
        return o;
    if (PyTuple_Check(o))
        return adopt_tuple(c, o);
    int has = nj_getattr_opt(o, "__cuda_array_interface__", &cai);
    if (has <= 0)
        return has < 0 ? NULL : o;
    Py_DECREF(cai);
    PyObject *f = nj_ext_import("naja.cuda", "as_cuda_array");
    PyObject *a = f ? PyObject_CallOneArg(f, o) : NULL;
    Py_XDECREF(f);
    return call_keep(c, a);
}

/* What In, Out and InOut hold. Where kernels write to the host's memory, In keeps them off it by a copy. Borrowed. */
static PyObject *unhint(NjLaunchCall *c, PyObject *o)
{
    const NjHintObject *h = (NjHintObject *)o;
    if (!is_hint(o))
        return o;
    if (nj_npy_need() < 0)
        return NULL;
    if (h->out || !c->l->dev->ops->host_memory || !PyArray_Check(h->array))
        return h->array;
    PyArrayObject *copy = (PyArrayObject *)PyArray_NewCopy((PyArrayObject *)h->array, NPY_KEEPORDER);
    if (copy && !PyArray_ISWRITEABLE((PyArrayObject *)h->array))
        PyArray_CLEARFLAGS(copy, NPY_ARRAY_WRITEABLE);
    return call_keep(c, (PyObject *)copy);
}

/* `o` takes the place of argument i. */
static bool call_replace(NjLaunchCall *c, uint32_t i, PyObject *o)
{
    if (!c->stand && !(c->stand = PyMem_Calloc(c->nargs, sizeof *c->stand))) {
        PyErr_NoMemory();
        return false;
    }
    c->stand[i] = o;
    return true;
}

const NjType *nj_launch_args_type(NjLaunchCall *c, uint32_t i)
{
    PyObject *o = unhint(c, c->args[i]);
    o = o ? adopt(c, o) : NULL;
    if (!o || (o != c->args[i] && !call_replace(c, i, o)))
        return NULL;
    if (is_devarray(o))
        return ((NjDevArrayObject *)o)->type;
    const NjType *t = nj_pytype_of(o);
    if (t && t->kind == NJ_K_ARRAY && t->layout == NJ_LAYOUT_A && !c->l->dev->ops->host_memory)
        t = nj_type_array(nj_ext_types(), t->elem, t->ndim, NJ_LAYOUT_C, t->readonly);  /* its copy is dense */
    return t;
}

/* -- host arrays on a device that does not see them ------------------------------------------------------------- */

static int moved_slots(const NjTransfer *m, const NjType *t, uint64_t *slots)
{
    int n = 0, ndim = t->ndim;
    slots[n++] = m->ptr;
    for (int i = 0; i < ndim; i++)
        slots[n++] = (uint64_t)PyArray_DIM(m->flat, i);
    for (int i = 0; i < ndim && t->layout == NJ_LAYOUT_A; i++)      /* a signature such as float32[:] asks for them */
        slots[n++] = (uint64_t)PyArray_STRIDE(m->flat, i);
    return n;
}

static NjTransfer *moved_new(NjLaunchCall *c, PyObject *o, const NjType *t)
{
    NjTransfer *all = PyMem_Realloc(c->moved, (c->nmoved + 1) * sizeof *all);
    if (!all)
        return (NjTransfer *)PyErr_NoMemory();
    c->moved = all;
    int order = t->layout == NJ_LAYOUT_F ? NPY_ARRAY_F_CONTIGUOUS : NPY_ARRAY_C_CONTIGUOUS;
    PyArrayObject *flat = (PyArrayObject *)PyArray_FROM_OF(o, order | NPY_ARRAY_ALIGNED);
    if (flat && PyArray_NDIM(flat) != t->ndim) {                    /* another thread reshaped it meanwhile */
        Py_CLEAR(flat);
        PyErr_Format(PyExc_ValueError, "its shape was changed while it was passed");
    }
    if (!flat)
        return NULL;
    NjTransfer *m = &c->moved[c->nmoved++];
    *m = (NjTransfer){.host = (PyArrayObject *)Py_NewRef(o), .flat = flat, .type = t};
    return m;
}

/* Copies a host array to the device for this launch, in the order of the launch's stream; one that is passed twice,
 * once. */
static int move_in(NjLaunchCall *c, PyObject *o, const NjType *t, const NjHintObject *hint, uint64_t *slots)
{
    NjDevice *d = c->l->dev;
    bool in = !hint || hint->in, out = (!hint || hint->out) && !t->readonly;
    for (uint32_t i = 0; i < c->nmoved; i++) {
        const NjTransfer *m = &c->moved[i];
        if ((PyObject *)m->host == o && m->type == t && m->in == in && m->out == out)
            return moved_slots(m, t, slots);
    }
    NjTransfer *m = moved_new(c, o, t);
    if (!m)
        return -1;
    m->in = in;
    m->out = out;
    size_t n = (size_t)PyArray_NBYTES(m->flat);
    NjErr err = {0};
    NjStatus st = d->ops->alloc(d, n, &m->ptr, &err);
    if (st == NJ_OK && in) {
        const void *from = PyArray_DATA(m->flat);
        uint64_t to = m->ptr;
        Py_BEGIN_ALLOW_THREADS
        st = d->ops->h2d_nogil(d, c->l->cfg.stream, to, from, n, &err);
        Py_END_ALLOW_THREADS
    }
    if (st != NJ_OK) {
        nj_error_from_err(&err);
        return -1;
    }
    return moved_slots(m, t, slots);
}

/* -- slots ------------------------------------------------------------------------------------------------------- */

static int devarray_slots(NjLaunchCall *c, const NjDevArrayObject *a, const NjType *t, uint64_t *slots)
{
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

static bool has_arrays(const NjType *t)
{
    bool has = t->kind == NJ_K_ARRAY || (t->kind == NJ_K_OPTIONAL && has_arrays(t->elem));
    for (uint32_t i = 0; t->kind == NJ_K_TUPLE && i < t->nelem && !has; i++)
        has = has_arrays(t->elems[i]);
    return has;
}

static int value_slots(NjLaunchCall *c, PyObject *o, const NjHintObject *hint, const NjType *t, uint64_t *slots);

static int tuple_slots(NjLaunchCall *c, PyObject *o, const NjType *t, uint64_t *slots)
{
    int total = 0;
    for (uint32_t i = 0; i < t->nelem; i++) {
        PyObject *was = PyTuple_GET_ITEM(o, i), *is = unhint(c, was);
        int n = is ? value_slots(c, is, is_hint(was) ? (NjHintObject *)was : NULL, t->elems[i], slots + total) : -1;
        if (n < 0)
            return -1;
        total += n;
    }
    return total;
}

static int optional_slots(NjLaunchCall *c, PyObject *o, const NjHintObject *hint, const NjType *t, uint64_t *slots)
{
    unsigned n = nj_type_parts(nj_ext_types(), t, NJ_ABI_KERNEL, NULL, 0);
    memset(slots, 0, n * sizeof *slots);
    slots[0] = o != Py_None;
    return o != Py_None && value_slots(c, o, hint, t->elem, slots + 1) < 0 ? -1 : (int)n;
}

/* The slots of `o` as a value of type t. */
static int value_slots(NjLaunchCall *c, PyObject *o, const NjHintObject *hint, const NjType *t, uint64_t *slots)
{
    if (t->kind == NJ_K_ARRAY && is_devarray(o))
        return devarray_slots(c, (NjDevArrayObject *)o, t, slots);
    if (t->kind == NJ_K_ARRAY && !c->l->dev->ops->host_memory && nj_npy_ready && PyArray_Check(o))
        return move_in(c, o, t, hint, slots);
    if (t->kind == NJ_K_OPTIONAL && has_arrays(t))
        return optional_slots(c, o, hint, t, slots);
    if (t->kind == NJ_K_TUPLE && has_arrays(t) && PyTuple_Check(o) && PyTuple_GET_SIZE(o) == (Py_ssize_t)t->nelem)
        return tuple_slots(c, o, t, slots);
    return nj_marshal_arg(t, NJ_ABI_KERNEL, o, slots);
}

int nj_launch_args_fill(NjLaunchCall *c, const NjKernelSpec *s)
{
    for (uint32_t i = 0; i < c->nargs; i++) {
        PyObject *o = c->stand && c->stand[i] ? c->stand[i] : c->args[i];
        int n = value_slots(c, o, is_hint(c->args[i]) ? (NjHintObject *)c->args[i] : NULL, s->types[i],
                            c->slots + c->nslots);
        if (n < 0) {
            nj_error_name_arg(c->l->kernel->func, i);
            return -1;
        }
        c->nslots += (uint32_t)n;
    }
    return 0;
}

/* -- after the launch ---------------------------------------------------------------------------------------------- */

/* Until the launch and the copies before it are over: then the copies' memory may go. */
static NjStatus wait_moved(NjLaunchCall *c, NjErr *err)
{
    NjDevice *d = c->l->dev;
    NjStatus st;
    c->waited = true;
    Py_BEGIN_ALLOW_THREADS
    st = d->ops->stream_sync_nogil(d, c->l->cfg.stream, err);
    Py_END_ALLOW_THREADS
    return st;
}

static NjStatus move_out(NjLaunchCall *c, const NjTransfer *m, NjErr *err)
{
    NjDevice *d = c->l->dev;
    void *to = PyArray_DATA(m->flat);
    size_t n = (size_t)PyArray_NBYTES(m->flat);
    uint64_t from = m->ptr;
    NjStatus st;
    Py_BEGIN_ALLOW_THREADS
    st = d->ops->d2h_nogil(d, NULL, to, from, n, err);
    Py_END_ALLOW_THREADS
    return st;
}

int nj_launch_args_back(NjLaunchCall *c)
{
    NjErr err = {0};
    NjStatus st = c->nmoved ? wait_moved(c, &err) : NJ_OK;
    for (uint32_t i = 0; i < c->nmoved && st == NJ_OK; i++) {
        const NjTransfer *m = &c->moved[i];
        if (!m->out)
            continue;
        st = move_out(c, m, &err);
        if (st == NJ_OK && m->flat != m->host && PyArray_CopyInto(m->host, m->flat) < 0)
            return -1;
    }
    if (st != NJ_OK)
        nj_error_from_err(&err);
    return st == NJ_OK ? 0 : -1;
}

void nj_launch_args_drop(NjLaunchCall *c)
{
    NjDevice *d = c->l->dev;
    NjErr err;
    if (c->nmoved && !c->waited)
        (void)wait_moved(c, &err);
    for (uint32_t i = 0; i < c->nmoved; i++) {
        d->ops->free(d, c->moved[i].ptr, NULL);
        Py_DECREF(c->moved[i].flat);
        Py_DECREF(c->moved[i].host);
    }
    PyMem_Free(c->moved);
    PyMem_Free(c->stand);
    Py_XDECREF(c->kept);
}

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

/* Asked for by typeof where a hint stands in a tuple. */
static PyObject *hint_get_type(PyObject *self, void *_)
{
    const NjType *t = nj_pytype_of(((NjHintObject *)self)->array);
    return t ? nj_pytype_wrap(t) : NULL;
}

static PyGetSetDef hint_getset[] = {
    {"_numba_type_", hint_get_type, NULL, "the type of its array", NULL},
    {0},
};

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
    .tp_new = hint_new, .tp_dealloc = hint_dealloc, .tp_getset = hint_getset,
};
PyMethodDef nj_launch_args_methods[] = {{0}};

int nj_launch_args_init(PyObject *module)
{
    return PyModule_AddType(module, &hint_type);
}
