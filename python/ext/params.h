/* params.h - the parameters of a Python function: what a call's arguments are bound to. */
#ifndef NJ_EXT_PARAMS_H
#define NJ_EXT_PARAMS_H

#include "ext.h"

/* The parameters of a Python function, and how a call's arguments are put into their order. */
typedef struct NjParams {
    PyObject *func;                /* borrowed from the dispatcher; NULL before nj_params_init */
    PyObject *names;               /* tuple: parameter names, keyword-only ones last */
    Py_ssize_t nargs, nposonly, nkwonly;
    bool variadic;                 /* *args or **kwargs */
} NjParams;

int  nj_params_init(NjParams *p, PyObject *func);
void nj_params_clear(NjParams *p);
/* Arguments of a call in parameter order, defaults filled in: nj_params_count borrowed references, then one that keeps
 * defaults alive until nj_params_unfold. -1 with Python's own TypeError, and nothing to unfold. */
int  nj_params_fold(const NjParams *p, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames, PyObject **out);
void nj_params_unfold(const NjParams *p, PyObject **bound);
static inline Py_ssize_t nj_params_count(const NjParams *p) { return p->nargs + p->nkwonly; }

#endif
