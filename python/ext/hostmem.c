/* hostmem.c - host memory that a device reaches without staging: page-locked, perhaps mapped into its addresses.
 *
 * HostMemory(nbytes, mapped) allocates and is a writable buffer, for NumPy to lay arrays over. HostMemory.pin(array,
 * mapped) locks the pages of somebody's buffer until unpin() or the end of the object.
 */
#include "cuda_ext.h"

typedef struct HostMem {
    PyObject_HEAD
    NjDevice *dev;
    void     *at;                /* NULL: given back */
    size_t    nbytes;
    uint64_t  ptr;               /* the device's address of it; 0: not mapped */
    Py_buffer pinned;            /* obj NULL: the memory is ours */
} HostMem;

static PyTypeObject hostmem_type;

static HostMem *hostmem_new(NjErr *err)
{
    NjDevice *d = nj_device_current(err);
    if (!d)
        return (HostMem *)nj_error_from_err(err);
    HostMem *m = PyObject_New(HostMem, &hostmem_type);
    if (m)
        *m = (HostMem){.ob_base = m->ob_base, .dev = d};
    return m;
}

static PyObject *hostmem_ready(HostMem *m, NjStatus st, bool mapped, NjErr *err)
{
    if (st == NJ_OK && mapped)
        st = m->dev->ops->host_ptr(m->dev, m->at, &m->ptr, err);
    if (st == NJ_OK)
        return (PyObject *)m;
    Py_DECREF(m);
    return nj_error_from_err(err);
}

static PyObject *hostmem_make(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    Py_ssize_t nbytes;
    int mapped = 0;
    NjErr err = {0};
    if (!PyArg_ParseTuple(args, "n|p:HostMemory", &nbytes, &mapped))
        return NULL;
    if (nbytes < 0)
        return PyErr_Format(PyExc_ValueError, "a negative size: %zd bytes", nbytes);
    HostMem *m = hostmem_new(&err);
    if (!m)
        return NULL;
    m->nbytes = (size_t)nbytes;
    return hostmem_ready(m, m->dev->ops->host_alloc(m->dev, m->nbytes, mapped, &m->at, &err), mapped, &err);
}

static PyObject *hostmem_pin(PyObject *cls, PyObject *args)
{
    PyObject *array;
    int mapped = 0;
    NjErr err = {0};
    if (!PyArg_ParseTuple(args, "O|p:pin", &array, &mapped))
        return NULL;
    HostMem *m = hostmem_new(&err);
    if (!m)
        return NULL;
    if (PyObject_GetBuffer(array, &m->pinned, PyBUF_WRITABLE | PyBUF_ANY_CONTIGUOUS) < 0) {
        Py_DECREF(m);
        return NULL;
    }
    m->nbytes = (size_t)m->pinned.len;
    NjStatus st = m->nbytes ? m->dev->ops->host_pin(m->dev, m->pinned.buf, m->nbytes, mapped, &err) : NJ_OK;
    m->at = st == NJ_OK && m->nbytes ? m->pinned.buf : NULL;
    return hostmem_ready(m, st, mapped && m->at, &err);
}

static NjStatus hostmem_end(HostMem *m, NjErr *err)
{
    NjStatus st = NJ_OK;
    if (m->at)
        st = m->pinned.obj ? m->dev->ops->host_unpin(m->dev, m->at, err) : m->dev->ops->host_free(m->dev, m->at, err);
    m->at = NULL;
    if (m->pinned.obj)
        PyBuffer_Release(&m->pinned);
    return st;
}

static PyObject *hostmem_unpin(PyObject *self, PyObject *_)
{
    HostMem *m = (HostMem *)self;
    NjErr err = {0};
    if (!m->pinned.obj)
        Py_RETURN_NONE;
    if (hostmem_end(m, &err) != NJ_OK)
        return nj_error_from_err(&err);
    Py_RETURN_NONE;
}

static void hostmem_dealloc(PyObject *self)
{
    NjErr err = {0};
    if (hostmem_end((HostMem *)self, &err) != NJ_OK)
        nj_log(1, "giving host memory back failed: %s", err.text);       /* a destructor has nobody to raise to */
    PyObject_Free(self);
}

static int hostmem_buffer(PyObject *self, Py_buffer *view, int flags)
{
    HostMem *m = (HostMem *)self;
    return PyBuffer_FillInfo(view, self, m->at, (Py_ssize_t)m->nbytes, 0, flags);
}

static PyObject *hostmem_get_ptr(PyObject *self, void *_)
{
    return PyLong_FromUnsignedLongLong(((HostMem *)self)->ptr);
}
static PyObject *hostmem_get_nbytes(PyObject *self, void *_) { return PyLong_FromSize_t(((HostMem *)self)->nbytes); }

static PyGetSetDef hostmem_getset[] = {
    {"ptr", hostmem_get_ptr, NULL, "the device's address of mapped memory, else 0", NULL},
    {"nbytes", hostmem_get_nbytes, NULL, "size in bytes", NULL},
    {0},
};

static PyMethodDef hostmem_methods[] = {
    {"pin", hostmem_pin, METH_VARARGS | METH_CLASS, "pin(array, mapped=False): locks the pages of a contiguous buffer"},
    {"unpin", hostmem_unpin, METH_NOARGS, "unlocks what pin() locked"},
    {0},
};

static PyBufferProcs hostmem_procs = {.bf_getbuffer = hostmem_buffer};

static PyTypeObject hostmem_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "_naja.HostMemory", .tp_basicsize = sizeof(HostMem), .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_doc = "HostMemory(nbytes, mapped=False): page-locked host memory, a writable buffer.",
    .tp_new = hostmem_make, .tp_dealloc = hostmem_dealloc, .tp_methods = hostmem_methods, .tp_getset = hostmem_getset,
    .tp_as_buffer = &hostmem_procs,
};

PyMethodDef nj_hostmem_methods[] = {{0}};

int nj_hostmem_init(PyObject *module)
{
    return PyModule_AddType(module, &hostmem_type);
}
