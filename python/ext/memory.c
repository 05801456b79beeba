/* memory.c - one piece of device memory as a Python object, and bytes in and out of it.
 *
 * Everything that holds a device pointer holds one of these. Memory that somebody else owns is wrapped, with what keeps
 * it alive. Reads and writes take contiguous host buffers; layout is the business of naja/cuda/devicearray.py.
 */
#include "cuda_ext.h"

PyTypeObject NjMemory_Type;

PyObject *nj_memory_new(NjDevice *d, size_t nbytes)
{
    NjMemoryObject *m = PyObject_New(NjMemoryObject, &NjMemory_Type);
    if (!m)
        return NULL;
    m->dev = d;
    m->ptr = 0;
    m->nbytes = nbytes;
    m->owner = NULL;
    NjErr err = {0};
    if (d->ops->alloc(d, nbytes, &m->ptr, &err) != NJ_OK) {
        Py_DECREF(m);
        return nj_error_from_err(&err);
    }
    return (PyObject *)m;
}

/* DeviceMemory(nbytes) or DeviceMemory(nbytes, ptr, owner) */
static PyObject *memory_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    Py_ssize_t nbytes;
    unsigned long long ptr = 0;
    PyObject *owner = NULL;
    if (!PyArg_ParseTuple(args, "n|KO:DeviceMemory", &nbytes, &ptr, &owner))
        return NULL;
    if (nbytes < 0)
        return PyErr_Format(PyExc_ValueError, "a negative size: %zd bytes", nbytes);
    NjErr err = {0};
    NjDevice *d = nj_device_current(&err);
    if (!d)
        return nj_error_from_err(&err);
    if (!owner)
        return nj_memory_new(d, (size_t)nbytes);
    NjMemoryObject *m = PyObject_New(NjMemoryObject, &NjMemory_Type);
    if (m)
        *m = (NjMemoryObject){
            .ob_base = m->ob_base, .dev = d, .ptr = ptr, .nbytes = (size_t)nbytes, .owner = Py_NewRef(owner)};
    return (PyObject *)m;
}

static void memory_dealloc(PyObject *self)
{
    NjMemoryObject *m = (NjMemoryObject *)self;
    NjErr err = {0};
    if (m->owner)
        Py_DECREF(m->owner);
    else if (m->ptr && m->dev->ops->free(m->dev, m->ptr, &err) != NJ_OK)
        nj_log(1, "freeing device memory failed: %s", err.text);      /* a destructor has nobody to raise to */
    PyObject_Free(self);
}

/* Checks [offset, offset + n) and gives its address. */
static int memory_range(NjMemoryObject *m, Py_ssize_t offset, Py_ssize_t n, uint64_t *at)
{
    if (offset < 0 || n < 0 || (size_t)offset + (size_t)n > m->nbytes) {
        PyErr_Format(PyExc_ValueError, "bytes %zd to %zd are outside of a piece of %zu bytes", offset, offset + n,
                     m->nbytes);
        return -1;
    }
    *at = m->ptr + (uint64_t)offset;
    return 0;
}

static PyObject *memory_copy(NjMemoryObject *m, PyObject *args, bool out)
{
    PyObject *host, *stream, *keep = NULL;
    Py_ssize_t offset;
    uint64_t at;
    void *handle;
    Py_buffer view;
    if (!PyArg_ParseTuple(args, out ? "OnO:read" : "OnO:write", &host, &offset, &stream) ||
        nj_stream_handle(stream, m->dev, &handle, &keep) < 0 ||
        PyObject_GetBuffer(host, &view, out ? PyBUF_WRITABLE | PyBUF_ANY_CONTIGUOUS : PyBUF_ANY_CONTIGUOUS) < 0) {
        Py_XDECREF(keep);
        return NULL;
    }
    NjErr err = {0};
    NjStatus st = NJ_OK;
    if (memory_range(m, offset, view.len, &at) == 0) {
        Py_BEGIN_ALLOW_THREADS
        st = out ? m->dev->ops->d2h_nogil(m->dev, handle, view.buf, at, (size_t)view.len, &err)
                 : m->dev->ops->h2d_nogil(m->dev, handle, at, view.buf, (size_t)view.len, &err);
        Py_END_ALLOW_THREADS
    }
    PyBuffer_Release(&view);
    Py_XDECREF(keep);
    if (st != NJ_OK)
        return nj_error_from_err(&err);
    return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
}

static PyObject *memory_read(PyObject *self, PyObject *args) { return memory_copy((NjMemoryObject *)self, args, true); }
static PyObject *memory_write(PyObject *self, PyObject *args)
{
    return memory_copy((NjMemoryObject *)self, args, false);
}

static PyObject *memory_copy_from(PyObject *self, PyObject *args)
{
    NjMemoryObject *m = (NjMemoryObject *)self, *src;
    Py_ssize_t offset, src_offset, n;
    PyObject *stream, *keep = NULL;
    void *handle;
    uint64_t to, from;
    if (!PyArg_ParseTuple(args, "nO!nnO:copy_from", &offset, &NjMemory_Type, &src, &src_offset, &n, &stream) ||
        memory_range(m, offset, n, &to) < 0 || memory_range(src, src_offset, n, &from) < 0 ||
        nj_stream_handle(stream, m->dev, &handle, &keep) < 0) {
        Py_XDECREF(keep);
        return NULL;
    }
    NjErr err = {0};
    NjStatus st;
    Py_BEGIN_ALLOW_THREADS
    st = m->dev->ops->d2d_nogil(m->dev, handle, to, from, (size_t)n, &err);
    Py_END_ALLOW_THREADS
    Py_XDECREF(keep);
    if (st != NJ_OK)
        return nj_error_from_err(&err);
    Py_RETURN_NONE;
}

static PyMethodDef memory_methods[] = {
    {"read", memory_read, METH_VARARGS, "read(buffer, offset, stream): bytes from here into a contiguous host buffer"},
    {"write", memory_write, METH_VARARGS, "write(buffer, offset, stream): bytes of a contiguous host buffer to here"},
    {"copy_from", memory_copy_from, METH_VARARGS,
     "copy_from(offset, source, source_offset, nbytes, stream): on the device"},
    {0},
};

static PyObject *memory_get_ptr(PyObject *self, void *_)
{
    return PyLong_FromUnsignedLongLong(((NjMemoryObject *)self)->ptr);
}
static PyObject *memory_get_nbytes(PyObject *self, void *_)
{
    return PyLong_FromSize_t(((NjMemoryObject *)self)->nbytes);
}

static PyGetSetDef memory_getset[] = {
    {"ptr", memory_get_ptr, NULL, "device address", NULL},
    {"nbytes", memory_get_nbytes, NULL, "size in bytes", NULL},
    {0},
};

PyTypeObject NjMemory_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "_naja.DeviceMemory", .tp_basicsize = sizeof(NjMemoryObject), .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_doc = "DeviceMemory(nbytes) allocates; DeviceMemory(nbytes, ptr, owner) wraps memory of somebody else.",
    .tp_new = memory_new, .tp_dealloc = memory_dealloc, .tp_methods = memory_methods, .tp_getset = memory_getset,
};

PyMethodDef nj_memory_methods[] = {{0}};

int nj_memory_init(PyObject *module)
{
    return PyModule_AddType(module, &NjMemory_Type);
}
