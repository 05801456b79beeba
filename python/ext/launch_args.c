/* launch_args.c - arguments of a launch, the long way: any value that has a type.
 *
 * In: a call's Python objects. Out: their types, then their slots; device arrays by reading their fields, scalars and
 * tuples by marshal.c. Host arrays are used in place on a device that shares the host's memory; on others they are
 * copied in before and out after the launch, which waits. cuda.In, Out and InOut say which way they go.
 */
#include "launch.h"

/* cuda.In, Out, InOut: which way a host array is copied. */
typedef struct NjHintObject { PyObject_HEAD PyObject *array; int in, out; } NjHintObject;
static PyTypeObject hint_type;

/* -- types ----------------------------------------------------------------------------------------------------- */

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
static int call_keep(NjLaunchCall *c, uint32_t i, PyObject *o)
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
static PyObject *call_unhint(NjLaunchCall *c, uint32_t i)
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

const NjType *nj_launch_args_type(NjLaunchCall *c, uint32_t i)
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

/* -- slots ----------------------------------------------------------------------------------------------------- */

static int moved_slots(const NjTransfer *m, uint64_t *slots)
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
static int move_in(NjLaunchCall *c, PyObject *o, const NjType *t, const NjHintObject *hint, uint64_t *slots)
{
    NjDevice *d = c->l->dev;
    bool in = !hint || hint->in, out = !hint || hint->out;
    for (uint32_t i = 0; i < c->nmoved; i++) {
        const NjTransfer *m = &c->moved[i];
        if ((PyObject *)m->host == o && m->type == t && m->in == in && m->out == out)
            return moved_slots(m, slots);
    }
    if (!c->moved && !(c->moved = PyMem_Calloc(c->nargs, sizeof *c->moved))) {
        PyErr_NoMemory();
        return -1;
    }
    NjTransfer *m = &c->moved[c->nmoved];
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

static int call_slots(NjLaunchCall *c, uint32_t i, const NjType *t)
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

int nj_launch_args_fill(NjLaunchCall *c, const NjKernelSpec *s)
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

int nj_launch_args_back(NjLaunchCall *c)
{
    NjDevice *d = c->l->dev;
    for (uint32_t i = 0; i < c->nmoved; i++) {
        NjTransfer *m = &c->moved[i];
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

void nj_launch_args_drop(NjLaunchCall *c)
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
PyMethodDef nj_launch_args_methods[] = {{0}};

int nj_launch_args_init(PyObject *module)
{
    return PyModule_AddType(module, &hint_type);
}
