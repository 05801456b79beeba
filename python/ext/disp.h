/* disp.h - the dispatcher object: what its own files share. */
#ifndef NJ_EXT_DISP_H
#define NJ_EXT_DISP_H

#include "gate.h"
#include "params.h"
#include "spec.h"

typedef struct NjDisp {
    PyObject_HEAD
    vectorcallfunc call;
    NjPySpec *last;                /* borrowed from specs: what the last call ran */
    NjPySpec **specs; uint32_t nspecs, cap;
    PyObject *func, *options;      /* the Python function; the options as the user gave them */
    PyObject *declared;            /* list of Signatures; what was asked for eagerly */
    NjSig *sigs;                   /* the same for host/, allocated by PyMem */
    NjParams params;
    NjOpts opts;
    bool nogil, frozen;            /* frozen: no new specialisations */
    bool later;                    /* the declared signatures are not compiled yet: nj_disp_settle does that */
    NjGate gate;                   /* what is being compiled */
    PyObject *dict, *weakrefs;
} NjDisp;

extern PyTypeObject NjDisp_Type;

/* dispatcher.c */
/* The specialisation for exactly these types, compiled now if it is new and that is allowed. Borrowed. */
NjPySpec *nj_disp_compile(NjDisp *d, const NjType *const *args, uint32_t nargs, const NjType *ret);
/* Compiles the declared signatures of a dispatcher that was unpickled; whoever looks at specs asks for it first. */
int       nj_disp_settle(NjDisp *d);
void      nj_disp_drop_specs(NjDisp *d);
PyObject *nj_disp_name(const NjDisp *d);                  /* as Python's messages call the function; borrowed */
int       nj_disp_sig_fail(NjDisp *d, PyObject *sig);     /* -1: the signature has other parameters */
PyObject *nj_disp_only(NjDisp *d, NjPySpec *s);           /* a dispatcher of this specialisation alone */

/* disp_attrs.c */
extern PyGetSetDef nj_disp_getset[];
extern PyMethodDef nj_disp_tp_methods[];
PyObject *nj_disp_getattro(PyObject *self, PyObject *name);

#endif
