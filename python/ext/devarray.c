/* devarray.c - an array on a device: shape and strides over a piece of memory. The base of naja.cuda's DeviceNDArray.
 *
 * Only what launches need is here, so that they read fields and allocate nothing: address, type with layout, shape and
 * strides. Views are made by _make(memory, offset, shape, strides, dtype); their geometry is NumPy's, computed in
 * Python.
 */
#include "cuda_ext.h"
#include "npy.h"

static Py_ssize_t *strides_of(NjDevArrayObject *a) { return a->dims + a->type->ndim; }

int nj_devarray_slots(const NjDevArrayObject *a, uint64_t *slots)
{
    unsigned nd = a->type->ndim, n = 1 + nd;
    slots[0] = a->ptr;
    if (a->type->layout == NJ_LAYOUT_A)
        n += nd;
    for (unsigned i = 1; i < n; i++)
        slots[i] = (uint64_t)a->dims[i - 1];
    return (int)n;
}

/* Is this the order in which strides grow from the last axis to the first (or the other way round), without gaps? */
static bool contiguous(const Py_ssize_t *shape, const Py_ssize_t *strides, int nd, Py_ssize_t itemsize, bool fortran)
{
    Py_ssize_t expect = itemsize;
    for (int i = 0; i < nd; i++) {
        int d = fortran ? i : nd - 1 - i;
        if (shape[d] == 0)
            return true;
        if (shape[d] != 1 && strides[d] != expect)
            return false;
        expect *= shape[d];
    }
    return true;
}

static int fill_dims(NjDevArrayObject *a, PyObject *shape, PyObject *strides, int nd)
{
    a->size = 1;
    for (int i = 0; i < nd; i++) {
        a->dims[i] = PyLong_AsSsize_t(PyTuple_GET_ITEM(shape, i));
        a->dims[nd + i] = PyLong_AsSsize_t(PyTuple_GET_ITEM(strides, i));
        if (PyErr_Occurred())
            return -1;
        if (a->dims[i] < 0) {
            PyErr_Format(PyExc_ValueError, "negative dimension in shape %R", shape);
            return -1;
        }
        a->size *= a->dims[i];
    }
    return 0;
}

static int fill_type(NjDevArrayObject *a, int nd)
{
    PyArray_Descr *d = (PyArray_Descr *)a->dtype;
    NjScalar s = nj_npy_scalar(d->type_num);
    if (s == NJ_T_NSCALAR || PyDataType_ISBYTESWAPPED(d)) {
        PyErr_Format(PyExc_TypeError, "arrays of dtype %S are not supported on a device", a->dtype);
        return -1;
    }
    NjTypes *ts = nj_ext_types();
    const NjType *elem = nj_type_scalar(ts, s);
    a->c_contiguous = contiguous(a->dims, a->dims + nd, nd, elem->nbytes, false);
    a->f_contiguous = contiguous(a->dims, a->dims + nd, nd, elem->nbytes, true);
    NjLayout layout = a->c_contiguous ? NJ_LAYOUT_C : a->f_contiguous ? NJ_LAYOUT_F : NJ_LAYOUT_A;
    a->type = nj_type_array(ts, elem, (unsigned)nd, layout, false);
    return 0;
}

/* The first and last byte that the view touches must lie in its memory. */
static int check_extent(NjDevArrayObject *a, Py_ssize_t offset, int nd)
{
    Py_ssize_t lo = offset, hi = offset + (Py_ssize_t)a->type->elem->nbytes;
    for (int i = 0; i < nd && a->size; i++) {
        Py_ssize_t span = (a->dims[i] - 1) * a->dims[nd + i];
        *(span < 0 ? &lo : &hi) += span;
    }
    if (a->size && (lo < 0 || (size_t)hi > a->memory->nbytes)) {
        PyErr_Format(PyExc_ValueError, "a view of bytes %zd to %zd does not fit into %zu bytes", lo, hi,
                     a->memory->nbytes);
        return -1;
    }
    a->ptr = a->memory->ptr + (uint64_t)offset;
    return 0;
}

static PyObject *devarray_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    NjMemoryObject *memory;
    PyObject *shape, *strides, *dtype;
    Py_ssize_t offset;
    if (!PyArg_ParseTuple(args, "O!nO!O!O:DeviceArray", &NjMemory_Type, &memory, &offset, &PyTuple_Type, &shape,
                          &PyTuple_Type, &strides, &dtype) || nj_npy_need() < 0)
        return NULL;
    Py_ssize_t nd = PyTuple_GET_SIZE(shape);
    if (nd != PyTuple_GET_SIZE(strides) || nd > 32)
        return PyErr_Format(PyExc_ValueError, "%zd dimensions with %zd strides", nd, PyTuple_GET_SIZE(strides));
    if (!PyArray_DescrCheck(dtype))
        return PyErr_Format(PyExc_TypeError, "dtype must be a numpy.dtype, not %R", dtype);
    NjDevArrayObject *a = (NjDevArrayObject *)type->tp_alloc(type, 2 * nd);
    if (!a)
        return NULL;
    a->memory = (NjMemoryObject *)Py_NewRef(memory);
    a->dtype = Py_NewRef(dtype);
    if (fill_dims(a, shape, strides, (int)nd) < 0 || fill_type(a, (int)nd) < 0 ||
        check_extent(a, offset, (int)nd) < 0) {
        Py_DECREF(a);
        return NULL;
    }
    return (PyObject *)a;
}

static void devarray_dealloc(PyObject *self)
{
    NjDevArrayObject *a = (NjDevArrayObject *)self;
    Py_XDECREF(a->memory);
    Py_XDECREF(a->dtype);
    Py_TYPE(self)->tp_free(self);       /* a Python subclass drops the reference to itself */
}

static PyObject *dims_tuple(const Py_ssize_t *dims, int nd)
{
    PyObject *t = PyTuple_New(nd);
    for (int i = 0; t && i < nd; i++) {
        PyObject *n = PyLong_FromSsize_t(dims[i]);
        if (!n)
            Py_CLEAR(t);
        else
            PyTuple_SET_ITEM(t, i, n);
    }
    return t;
}

#define GETTER(name, expr)                                                  \
    static PyObject *devarray_get_##name(PyObject *self, void *closure)     \
    {                                                                       \
        NjDevArrayObject *a = (NjDevArrayObject *)self;                     \
        return expr;                                                        \
    }
GETTER(shape, dims_tuple(a->dims, a->type->ndim))
GETTER(strides, dims_tuple(strides_of(a), a->type->ndim))
GETTER(dtype, Py_NewRef(a->dtype))
GETTER(ndim, PyLong_FromLong(a->type->ndim))
GETTER(size, PyLong_FromSsize_t(a->size))
GETTER(itemsize, PyLong_FromLong((long)a->type->elem->nbytes))
GETTER(nbytes, PyLong_FromSsize_t(a->size * (Py_ssize_t)a->type->elem->nbytes))
GETTER(ptr, PyLong_FromUnsignedLongLong(a->ptr))
GETTER(memory, Py_NewRef((PyObject *)a->memory))
GETTER(offset, PyLong_FromUnsignedLongLong(a->ptr - a->memory->ptr))
GETTER(type, nj_pytype_wrap(a->type))
GETTER(c, PyBool_FromLong(a->c_contiguous))
GETTER(f, PyBool_FromLong(a->f_contiguous))

static PyGetSetDef devarray_getset[] = {
    {"shape", devarray_get_shape, NULL, "elements along each axis", NULL},
    {"strides", devarray_get_strides, NULL, "bytes from one element to the next along each axis", NULL},
    {"dtype", devarray_get_dtype, NULL, "numpy.dtype of the elements", NULL},
    {"ndim", devarray_get_ndim, NULL, "number of axes", NULL},
    {"size", devarray_get_size, NULL, "number of elements", NULL},
    {"itemsize", devarray_get_itemsize, NULL, "bytes of one element", NULL},
    {"nbytes", devarray_get_nbytes, NULL, "bytes of all elements", NULL},
    {"ptr", devarray_get_ptr, NULL, "device address of the first element", NULL},
    {"_memory", devarray_get_memory, NULL, NULL, NULL},
    {"_offset", devarray_get_offset, NULL, "bytes from the start of the memory", NULL},
    {"_numba_type_", devarray_get_type, NULL, "its type as a kernel argument", NULL},
    {"_c_contiguous", devarray_get_c, NULL, NULL, NULL},
    {"_f_contiguous", devarray_get_f, NULL, NULL, NULL},
    {0},
};

PyTypeObject NjDevArray_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "_naja.DeviceArray", .tp_basicsize = sizeof(NjDevArrayObject), .tp_itemsize = sizeof(Py_ssize_t),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_doc = "DeviceArray(memory, offset, shape, strides, dtype): use naja.cuda.device_array or to_device instead.",
    .tp_new = devarray_new, .tp_dealloc = devarray_dealloc, .tp_getset = devarray_getset,
};

PyMethodDef nj_devarray_methods[] = {{0}};

int nj_devarray_init(PyObject *module)
{
    return PyModule_AddType(module, &NjDevArray_Type);
}
