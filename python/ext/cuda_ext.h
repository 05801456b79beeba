/* cuda_ext.h - Python objects of the cuda module: memory, arrays, streams, events, kernels, launches. */
#ifndef NJ_CUDA_EXT_H
#define NJ_CUDA_EXT_H

#include "ext.h"
#include "device.h"
#include "gate.h"
#include "params.h"

/* -- memory.c: one allocation; freed with the object ------------------------------------------------------- */
typedef struct NjMemoryObject {
    PyObject_HEAD
    NjDevice *dev;
    uint64_t  ptr;
    size_t    nbytes;
    PyObject *owner;             /* foreign memory: what keeps it alive; NULL: ours */
} NjMemoryObject;
extern PyTypeObject NjMemory_Type;
PyObject *nj_memory_new(NjDevice *d, size_t nbytes);

/* -- devarray.c: shape and strides over a piece of memory ---------------------------------------------------- */
typedef struct NjDevArrayObject {
    PyObject_VAR_HEAD            /* ob_size: entries of dims */
    NjMemoryObject *memory;
    uint64_t  ptr;
    PyObject *dtype;             /* numpy.dtype */
    const NjType *type;          /* array(...), layout included */
    Py_ssize_t size;             /* elements */
    bool      c_contiguous, f_contiguous;
    Py_ssize_t dims[];           /* shape, then strides in bytes */
} NjDevArrayObject;
extern PyTypeObject NjDevArray_Type;
/* The slots of a kernel argument: address, shape, strides where the layout asks for them. */
int nj_devarray_slots(const NjDevArrayObject *a, uint64_t *slots);

/* -- stream.c -------------------------------------------------------------------------------------------------- */
typedef struct NjStreamObject {
    PyObject_HEAD
    NjDevice *dev;
    void     *handle;            /* NULL: the default stream */
    PyObject *weakrefs;
} NjStreamObject;
extern PyTypeObject NjStream_Type;
/* None and 0 are the default stream; objects of other libraries have __cuda_stream__. *keep: a new reference to what
 * the handle lives in, or NULL; also after an error. -1 with TypeError for what is no stream. */
int nj_stream_handle(PyObject *o, NjDevice *d, void **handle, PyObject **keep);

/* -- kernel.c, kernel_spec.c: a function for devices and its specialisations --------------------------------------- */
/* How an argument of a specialisation becomes slots when it is what it mostly is; anything else takes the long way. */
typedef enum NjArgOp { NJ_ARG_OTHER, NJ_ARG_ARRAY, NJ_ARG_INT, NJ_ARG_FLOAT, NJ_ARG_BOOL } NjArgOp;

typedef struct NjArgRun { NjArgOp op; uint32_t n; } NjArgRun;      /* n arguments in a row that are read alike */

typedef struct NjKernelSpec {
    const NjType **types; uint32_t nargs;
    NjArgRun *runs;              /* ended by one of no arguments */
    uint32_t nslots;
    uint64_t *slots;             /* the argument block, and the address of each slot for the driver: made once */
    void    **params;
    uint32_t refs;               /* the kernel's list and every launch: recompile() may come while one runs */
    NjDevice *dev;
    NjDevCode *code;
    NjUnit *unit;                /* NULL after a hit in the cache, until its text is asked for */
    NjSnapshot *snap;
    NjArena *arena;              /* of excs */
    NjTook took;                 /* finding or compiling it, for the log */
    NjExc *excs; uint32_t nexcs;
    char *asm_text;              /* PTX, or NULL until asked for */
} NjKernelSpec;

typedef struct NjKernelObject {
    PyObject_HEAD
    PyObject *func;
    PyObject *dict, *weakrefs;
    NjParams  params;
    uint32_t  direct;            /* arguments of a launch that needs no binding */
    NjOpts    opts;
    PyObject *sigs;              /* list of Signatures that the decorator declared */
    NjSig    *declared; uint32_t ndeclared;
    bool      device, closed;    /* closed: the declared signatures are all there are */
    NjGate    gate;              /* what is being compiled */
    NjKernelSpec **specs; uint32_t nspecs;
    uint32_t generation;         /* of specs: grows when they are forgotten */
    NjKernelSpec *last;
} NjKernelObject;
extern PyTypeObject NjKernel_Type;
/* The specialisation for these argument types on this device, compiled if it is new. The caller drops it; NULL with an
 * exception. */
NjKernelSpec *nj_kernel_spec(NjKernelObject *k, NjDevice *d, const NjType *const *types, uint32_t nargs);
void nj_kernel_spec_free(NjKernelSpec *s);
static inline void nj_kernel_spec_drop(NjKernelSpec *s)
{
    if (s && !--s->refs)
        nj_kernel_spec_free(s);
}
/* Forgets all: those that are running go when they are done, those being compiled are not kept. */
void nj_kernel_spec_reset(NjKernelObject *k);
/* Its unit, with the texts; of one that came from the cache it is made when it is asked for. NULL with an exception. */
NjUnit *nj_kernel_spec_unit(NjKernelObject *k, NjKernelSpec *s);
PyObject *nj_kernel_name(const NjKernelObject *k);           /* for messages; borrowed */
bool nj_kernel_disp_info(PyObject *o, NjDispInfo *out);      /* becomes nj_disp_info_more */

/* -- launch.c: kernel[grid, block, stream, shared] and its call ---------------------------------------------------- */
extern PyTypeObject NjLaunch_Type;
PyObject *nj_launch_new(NjKernelObject *k, PyObject *config);       /* config: the tuple in the brackets */

#endif
