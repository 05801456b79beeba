/* compat.h - what differs between CPython 3.10 and 3.14, and nothing else. Public API only. */
#ifndef NJ_COMPAT_H
#define NJ_COMPAT_H

#include <Python.h>

/* 3.13 names it; before, the missing attribute has to be caught. 1 found, 0 not there, -1 error. */
static inline int nj_getattr_opt(PyObject *o, const char *name, PyObject **out)
{
#if PY_VERSION_HEX >= 0x030d0000
    return PyObject_GetOptionalAttrString(o, name, out);
#else
    *out = PyObject_GetAttrString(o, name);
    if (*out)
        return 1;
    if (!PyErr_ExceptionMatches(PyExc_AttributeError))
        return -1;
    PyErr_Clear();
    return 0;
#endif
}

/* The value of an int of at most 30 bits, without a call. False for larger ones. o must be an exact int. */
#if PY_VERSION_HEX < 0x030b0000
#include <longintrepr.h>
#endif
static inline int nj_long_small(PyObject *o, long long *out)
{
#if PY_VERSION_HEX >= 0x030c0000
    if (!PyUnstable_Long_IsCompact((PyLongObject *)o))
        return 0;
    *out = PyUnstable_Long_CompactValue((PyLongObject *)o);
    return 1;
#else
    Py_ssize_t n = Py_SIZE(o);
    if (n < -1 || n > 1)
        return 0;
    *out = n * (long long)((PyLongObject *)o)->ob_digit[0];     /* ob_digit[0] is 0 in a 0 */
    return 1;
#endif
}

/* New reference or NULL without an exception when the key is missing. */
static inline PyObject *nj_dict_get(PyObject *d, PyObject *key)
{
#if PY_VERSION_HEX >= 0x030d0000
    PyObject *v = NULL;
    return PyDict_GetItemRef(d, key, &v) > 0 ? v : NULL;
#else
    return Py_XNewRef(PyDict_GetItemWithError(d, key));
#endif
}

/* What a weak reference refers to, or NULL. Borrowed: of something that somebody else keeps alive. */
static inline PyObject *nj_weak_get(PyObject *ref)
{
#if PY_VERSION_HEX >= 0x030d0000
    PyObject *v = NULL;
    if (PyWeakref_GetRef(ref, &v) > 0)
        Py_DECREF(v);
    return v;
#else
    PyObject *v = PyWeakref_GetObject(ref);
    return v == Py_None ? NULL : v;
#endif
}

/* 3.12 replaced the three-part exception state. */
static inline PyObject *nj_exc_take(void)
{
#if PY_VERSION_HEX >= 0x030c0000
    return PyErr_GetRaisedException();
#else
    PyObject *type, *value, *tb;
    PyErr_Fetch(&type, &value, &tb);
    PyErr_NormalizeException(&type, &value, &tb);
    if (tb && value)
        PyException_SetTraceback(value, tb);
    Py_XDECREF(type);
    Py_XDECREF(tb);
    return value;
#endif
}

static inline void nj_exc_put(PyObject *e)      /* steals */
{
#if PY_VERSION_HEX >= 0x030c0000
    PyErr_SetRaisedException(e);
#else
    if (e)
        PyErr_Restore(Py_NewRef((PyObject *)Py_TYPE(e)), e, PyException_GetTraceback(e));
#endif
}

#endif
