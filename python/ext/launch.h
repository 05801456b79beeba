/* launch.h - a configured launch and one call of it: what launch.c, launch_call.c and launch_args.c share. */
#ifndef NJ_LAUNCH_H
#define NJ_LAUNCH_H

#include "cuda_ext.h"
#include "npy.h"

typedef struct NjLaunchObject {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    NjKernelObject *kernel;
    PyObject *stream, *stream_keep;     /* as it was given, NULL: the default stream; what cfg.stream lives in */
    NjDevice *dev;
    NjLaunchCfg cfg;
    PyObject *griddim, *blockdim;
} NjLaunchObject;

/* A host array that lives on the device for one launch. */
typedef struct NjTransfer {
    PyArrayObject *host, *flat;
    uint64_t ptr;
    const NjType *type;
    bool in, out;
} NjTransfer;

typedef struct NjLaunchCall {           /* one call's state; on the stack */
    NjLaunchObject *l;
    PyObject *const *args;
    uint32_t nargs, nslots, nmoved;
    bool waited;                        /* for the stream, after which moved may go */
    const NjType **types;
    uint64_t *slots;
    void **params;                      /* the address of each slot */
    NjTransfer *moved;                  /* PyMem; one for each host array that is copied */
    PyObject **stand;                   /* PyMem; what stands for an argument, or NULL; borrowed */
    PyObject *kept;                     /* list of what must live until the launch is over */
} NjLaunchCall;

/* -- launch_call.c ------------------------------------------------------------------------------------------------- */
PyObject *nj_launch_call(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *kwnames);     /* vectorcall */

/* -- launch_args.c: may run Python code ---------------------------------------------------------------------------- */
/* The type of argument i, which may be replaced by what stands for it; NULL with an exception. */
const NjType *nj_launch_args_type(NjLaunchCall *c, uint32_t i);
/* Fills the slots of all arguments, and copies host arrays in. */
int  nj_launch_args_fill(NjLaunchCall *c, const NjKernelSpec *s);
/* Copies written host arrays back, unless something failed: then they stay as they were. */
int  nj_launch_args_back(NjLaunchCall *c);
/* Frees what the three above have made. Only needed where moved, stand or kept is set. */
void nj_launch_args_drop(NjLaunchCall *c);

#endif
