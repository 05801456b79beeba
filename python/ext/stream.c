/* stream.c - streams and events as Python objects. */
#include "cuda_ext.h"

#include <structmember.h>

typedef struct NjEventObject { PyObject_HEAD NjDevice *dev; void *handle; } NjEventObject;
PyTypeObject NjStream_Type;
static PyTypeObject event_type;

/* Runs one device call without the GIL; None, or NULL with what went wrong. */
#define CALL_NOGIL(call)                            \
    NjErr err = {0};                                \
    NjStatus st;                                    \
    Py_BEGIN_ALLOW_THREADS                          \
    st = (call);                                    \
    Py_END_ALLOW_THREADS                            \
    return st == NJ_OK ? Py_NewRef(Py_None) : nj_error_from_err(&err)

/* The address that another library's stream gives: as a method, in older ones as an attribute. 0: not one. */
static int foreign_stream(PyObject *o, uintptr_t *raw)
{
    PyObject *at, *pair;
    int version, has = nj_getattr_opt(o, "__cuda_stream__", &at);
    if (has <= 0)
        return has;
    pair = PyCallable_Check(at) ? PyObject_CallNoArgs(at) : Py_NewRef(at);
    Py_DECREF(at);
    PyObject *address = NULL;
    has = pair && PyArg_Parse(pair, "(iO!)", &version, &PyLong_Type, &address) ? 1 : -1;
    if (pair && has < 0)
        PyErr_Format(PyExc_TypeError, "__cuda_stream__ must give (0, address), not %R", pair);
    if (has > 0) {
        *raw = (uintptr_t)PyLong_AsVoidPtr(address);
        has = PyErr_Occurred() ? -1 : 1;
    }
    if (has > 0 && version != 0) {
        PyErr_Format(PyExc_ValueError, "__cuda_stream__ of a %.200s is of version %d; naja knows version 0",
                     Py_TYPE(o)->tp_name, version);
        has = -1;
    }
    Py_XDECREF(pair);
    return has;
}

static bool is_zero(PyObject *o)
{
    PyObject *n = PyIndex_Check(o) ? PyNumber_Index(o) : NULL;
    bool zero = n && !PyObject_IsTrue(n);
    Py_XDECREF(n);
    PyErr_Clear();
    return zero;
}

static int stream_of_device(const NjStreamObject *s, NjDevice *d, void **handle)
{
    if (s->handle && s->dev != d) {
        PyErr_Format(PyExc_ValueError, "the stream belongs to device %d, not to device %d", s->dev->info.ordinal,
                     d->info.ordinal);
        return -1;
    }
    *handle = s->handle;
    return 0;
}

int nj_stream_handle(PyObject *o, NjDevice *d, void **handle, PyObject **keep)
{
    uintptr_t raw = 0;
    *handle = *keep = NULL;
    if (!o || o == Py_None)
        return 0;
    if (PyObject_TypeCheck(o, &NjStream_Type)) {
        *keep = Py_NewRef(o);
        return stream_of_device((NjStreamObject *)o, d, handle);
    }
    int foreign = foreign_stream(o, &raw);
    if (foreign == 0 && !is_zero(o)) {
        PyErr_Format(PyExc_TypeError, "a stream is cuda.stream(), another library's object with __cuda_stream__, or 0, "
                     "not %.200s%s", Py_TYPE(o)->tp_name,
                     PyLong_Check(o) ? "; cuda.external_stream() takes an address" : "");
        return -1;
    }
    if (foreign <= 0 || !raw)
        return foreign < 0 ? -1 : 0;
    *keep = PyObject_CallFunction((PyObject *)&NjStream_Type, "N", PyLong_FromVoidPtr((void *)raw));
    return *keep ? stream_of_device((NjStreamObject *)*keep, d, handle) : -1;
}

/* Stream() makes one; Stream(raw) wraps a CUstream of somebody else. */
static PyObject *stream_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *raw = NULL;
    if (!PyArg_ParseTuple(args, "|O!:Stream", &PyLong_Type, &raw))
        return NULL;
    NjErr err = {0};
    NjDevice *d = nj_device_current(&err);
    if (!d)
        return nj_error_from_err(&err);
    uintptr_t address = raw ? (uintptr_t)PyLong_AsVoidPtr(raw) : 0;
    if (PyErr_Occurred())
        return NULL;
    NjStreamObject *s = (NjStreamObject *)type->tp_alloc(type, 0);
    if (!s)
        return NULL;
    s->dev = d;
    NjStatus st = raw ? d->ops->stream_wrap(d, address, &s->handle, &err) : d->ops->stream_new(d, &s->handle, &err);
    if (st != NJ_OK) {
        Py_DECREF(s);
        return nj_error_from_err(&err);
    }
    return (PyObject *)s;
}

static void stream_dealloc(PyObject *self)
{
    NjStreamObject *s = (NjStreamObject *)self;
    if (s->weakrefs)
        PyObject_ClearWeakRefs(self);
    if (s->handle)
        s->dev->ops->stream_free(s->dev, s->handle, NULL);
    Py_TYPE(self)->tp_free(self);       /* a Python subclass drops the reference to itself */
}

static PyObject *stream_synchronize(PyObject *self, PyObject *_)
{
    NjStreamObject *s = (NjStreamObject *)self;
    CALL_NOGIL(s->dev->ops->stream_sync_nogil(s->dev, s->handle, &err));
}

static PyObject *stream_done(PyObject *self, PyObject *_)
{
    NjStreamObject *s = (NjStreamObject *)self;
    NjErr err = {0};
    bool done = true;
    if (s->dev->ops->stream_done(s->dev, s->handle, &done, &err) != NJ_OK)
        return nj_error_from_err(&err);
    return PyBool_FromLong(done);
}

static PyObject *stream_int(PyObject *self)
{
    NjStreamObject *s = (NjStreamObject *)self;
    return PyLong_FromVoidPtr((void *)s->dev->ops->stream_raw(s->dev, s->handle));
}

static PyObject *stream_cuda_stream(PyObject *self, PyObject *_)
{
    return Py_BuildValue("iN", 0, stream_int(self));
}

static PyMethodDef stream_methods[] = {
    {"synchronize", stream_synchronize, METH_NOARGS, "Waits until everything queued on this stream is done."},
    {"done", stream_done, METH_NOARGS, "Is everything queued on this stream done?"},
    {"__cuda_stream__", stream_cuda_stream, METH_NOARGS, "(version, address): the CUDA stream protocol"},
    {0},
};

static PyNumberMethods stream_number = {.nb_int = stream_int, .nb_index = stream_int};

PyTypeObject NjStream_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "_naja.Stream", .tp_basicsize = sizeof(NjStreamObject),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_doc = "An order of work on a device: make one with naja.cuda.stream().",
    .tp_new = stream_new, .tp_dealloc = stream_dealloc, .tp_methods = stream_methods, .tp_as_number = &stream_number,
    .tp_weaklistoffset = offsetof(NjStreamObject, weakrefs),
};

/* -- events ------------------------------------------------------------------------------------------------------ */

static PyObject *event_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"timing", NULL};
    int timing = 1;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|p:Event", names, &timing))
        return NULL;
    NjErr err = {0};
    NjDevice *d = nj_device_current(&err);
    NjEventObject *e = d ? (NjEventObject *)type->tp_alloc(type, 0) : NULL;
    if (!e)
        return d ? NULL : nj_error_from_err(&err);
    e->dev = d;
    if (d->ops->event_new(d, timing, &e->handle, &err) != NJ_OK) {
        Py_DECREF(e);
        return nj_error_from_err(&err);
    }
    return (PyObject *)e;
}

static void event_dealloc(PyObject *self)
{
    NjEventObject *e = (NjEventObject *)self;
    if (e->handle)
        e->dev->ops->event_free(e->dev, e->handle, NULL);
    Py_TYPE(self)->tp_free(self);       /* a Python subclass drops the reference to itself */
}

static PyObject *event_record(PyObject *self, PyObject *args)
{
    NjEventObject *e = (NjEventObject *)self;
    PyObject *stream = NULL, *keep = NULL;
    void *handle;
    NjErr err = {0};
    NjStatus st = NJ_OK;
    bool ok = PyArg_ParseTuple(args, "|O:record", &stream) && nj_stream_handle(stream, e->dev, &handle, &keep) == 0;
    if (ok)
        st = e->dev->ops->event_record(e->dev, e->handle, handle, &err);
    Py_XDECREF(keep);
    if (st != NJ_OK)
        return nj_error_from_err(&err);
    return ok ? Py_NewRef(Py_None) : NULL;
}

static PyObject *event_synchronize(PyObject *self, PyObject *_)
{
    NjEventObject *e = (NjEventObject *)self;
    CALL_NOGIL(e->dev->ops->event_sync_nogil(e->dev, e->handle, &err));
}

static PyObject *event_query(PyObject *self, PyObject *_)
{
    NjEventObject *e = (NjEventObject *)self;
    NjErr err = {0};
    bool done = true;
    if (e->dev->ops->event_done(e->dev, e->handle, &done, &err) != NJ_OK)
        return nj_error_from_err(&err);
    return PyBool_FromLong(done);
}

static PyObject *event_wait(PyObject *self, PyObject *args)
{
    NjEventObject *e = (NjEventObject *)self;
    PyObject *stream = NULL, *keep = NULL;
    void *handle;
    NjErr err = {0};
    NjStatus st = NJ_OK;
    bool ok = PyArg_ParseTuple(args, "|O:wait", &stream) && nj_stream_handle(stream, e->dev, &handle, &keep) == 0;
    if (ok)
        st = e->dev->ops->stream_wait(e->dev, handle, e->handle, &err);
    Py_XDECREF(keep);
    if (st != NJ_OK)
        return nj_error_from_err(&err);
    return ok ? Py_NewRef(Py_None) : NULL;
}

static PyObject *event_elapsed(PyObject *self, PyObject *end)
{
    NjEventObject *e = (NjEventObject *)self;
    if (!PyObject_TypeCheck(end, &event_type))
        return PyErr_Format(PyExc_TypeError, "elapsed_time() takes an event, not %.200s", Py_TYPE(end)->tp_name);
    NjErr err = {0};
    float ms = 0;
    if (e->dev->ops->event_elapsed(e->dev, e->handle, ((NjEventObject *)end)->handle, &ms, &err) != NJ_OK)
        return nj_error_from_err(&err);
    return PyFloat_FromDouble(ms);
}

static PyMethodDef event_methods[] = {
    {"record", event_record, METH_VARARGS, "record(stream=0): marks this moment in a stream"},
    {"synchronize", event_synchronize, METH_NOARGS, "Waits until the moment has come."},
    {"query", event_query, METH_NOARGS, "Has the moment come?"},
    {"wait", event_wait, METH_VARARGS, "wait(stream=0): later work of the stream waits for the moment"},
    {"elapsed_time", event_elapsed, METH_O, "elapsed_time(end): milliseconds from this event to a later one"},
    {0},
};

static PyTypeObject event_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "_naja.Event", .tp_basicsize = sizeof(NjEventObject),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_doc = "A moment in a stream: make one with naja.cuda.event().",
    .tp_new = event_new, .tp_dealloc = event_dealloc, .tp_methods = event_methods,
};

PyMethodDef nj_stream_methods[] = {{0}};

int nj_stream_init(PyObject *module)
{
    return PyModule_AddType(module, &NjStream_Type) < 0 ? -1 : PyModule_AddType(module, &event_type);
}
