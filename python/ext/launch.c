/* launch.c - kernel[grid, block, stream, shared]: a launch configured once, as an object.
 *
 * In: what stands in the brackets. Out: an NjLaunchObject whose numbers the device can take; launch_call.c is its call.
 */
#include "launch.h"

/* -- configuration -------------------------------------------------------------------------------------------- */

static int take_dim(PyObject *o, uint32_t *out, Py_ssize_t i, const char *what)
{
    PyObject *n = PyNumber_Index(o);
    if (!n && PyErr_ExceptionMatches(PyExc_TypeError))
        PyErr_Format(PyExc_TypeError, "%s must be made of integers, not of %.200s", what, Py_TYPE(o)->tp_name);
    if (!n)
        return -1;
    int beyond;
    long long v = PyLong_AsLongLongAndOverflow(n, &beyond);
    bool fits = !beyond && v >= 1 && v <= INT32_MAX;
    if (!fits)
        PyErr_Format(PyExc_ValueError, "%s dimension %zd is %S; it must be from 1 to %d", what, i, n, INT32_MAX);
    Py_DECREF(n);
    out[i] = (uint32_t)v;
    return fits ? 0 : -1;
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
    PyObject *n = PyNumber_Index(shared);
    if (!n && PyErr_ExceptionMatches(PyExc_TypeError))
        PyErr_Format(PyExc_TypeError, "the bytes of dynamic shared memory must be an integer, not a %.200s",
                     Py_TYPE(shared)->tp_name);
    if (!n)
        return -1;
    const NjDevInfo *d = &l->dev->info;
    int beyond;
    long long v = PyLong_AsLongLongAndOverflow(n, &beyond);
    bool fits = !beyond && v >= 0 && v <= d->max_shared_optin_nbytes;
    if (!fits)
        PyErr_Format(PyExc_ValueError, "%S bytes of dynamic shared memory; %s takes from 0 to %d", n, d->name,
                     d->max_shared_optin_nbytes);
    Py_DECREF(n);
    l->cfg.shared_nbytes = (uint32_t)v;
    return fits ? 0 : -1;
}

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
    l->vectorcall = nj_launch_call;
    l->kernel = (NjKernelObject *)Py_NewRef(k);
    l->dev = d;
    l->stream = n > 2 ? Py_NewRef(PyTuple_GET_ITEM(config, 2)) : NULL;
    l->griddim = take_dims(PyTuple_GET_ITEM(config, 0), l->cfg.grid, "grid");
    l->blockdim = l->griddim ? take_dims(PyTuple_GET_ITEM(config, 1), l->cfg.block, "block") : NULL;
    if (!l->blockdim || nj_stream_handle(l->stream, d, &l->cfg.stream, &l->stream_keep) < 0 || check_limits(l) < 0 ||
        take_shared(l, n > 3 ? PyTuple_GET_ITEM(config, 3) : NULL) < 0)
        Py_CLEAR(l);
    else
        PyObject_GC_Track(l);
    return (PyObject *)l;
}

/* -- the object ---------------------------------------------------------------------------------------------------- */

static int launch_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(((NjLaunchObject *)self)->kernel);
    Py_VISIT(((NjLaunchObject *)self)->stream);
    Py_VISIT(((NjLaunchObject *)self)->stream_keep);
    return 0;
}

static void launch_dealloc(PyObject *self)
{
    NjLaunchObject *l = (NjLaunchObject *)self;
    PyObject_GC_UnTrack(self);
    Py_XDECREF(l->kernel);
    Py_XDECREF(l->stream);
    Py_XDECREF(l->stream_keep);
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
PyMethodDef nj_launch_methods[] = {{0}};

int nj_launch_init(PyObject *module)
{
    return PyModule_AddType(module, &NjLaunch_Type);
}
