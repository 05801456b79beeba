/* spec.h - one function compiled for one tuple of argument types, loaded and ready to call (CPU). */
#ifndef NJ_EXT_SPEC_H
#define NJ_EXT_SPEC_H

#include "marshal.h"

#include "cpu/cpu.h"

enum { NJ_SPEC_SLOTS = 64 };          /* argument and result slots that fit on the stack of a call */

typedef struct NjPySpec {
    Py_ssize_t refs;                  /* under the GIL */
    void *entry;                      /* NjEntry or NjLoop, as the root says */
    NjCpuCode *code;
    NjSnapshot *snap;                 /* the objects that exceptions and constants refer to; shared */
    NjArena *arena;                   /* everything below */
    uint32_t nargs, nslots, nret;
    const NjType **args, *ret;
    const NjType *declared;           /* the result that the signature asked for, or NULL */
    NjArgPlan *plan;
    NjExc *excs; uint32_t nexcs;
    NjRoot root;
    NjOpts opts;
    NjTook took;                      /* by this process, for what it is: found or compiled */
    bool nogil;
    bool cached;                      /* found on disk, not compiled by this process */
    bool straight;                    /* no branch anywhere: floating-point flags mean what the program did */
} NjPySpec;

typedef int32_t (*NjEntry)(const uint64_t *args, uint64_t *ret);

/* Compiles with the GIL released. NULL with the exception that the diagnostics ask for. */
NjPySpec *nj_spec_compile(PyObject *func, const NjOpts *opts, NjRoot root, const NjType *const *args, uint32_t nargs,
                          const NjType *ret);
/* The same for several signatures at once; all or none. 0, or -1 with the first one's exception. */
int nj_spec_compile_many(PyObject *func, const NjOpts *opts, NjRoot root, const NjSig *sigs, uint32_t n,
                         NjPySpec **out);
NjPySpec *nj_spec_retain(NjPySpec *s);
void      nj_spec_release(NjPySpec *s);                     /* NULL is fine */
/* For an owner's tp_traverse: a function that calls itself is in its own snapshot. */
int       nj_spec_traverse(const NjPySpec *s, visitproc visit, void *arg);
bool      nj_spec_is(const NjPySpec *s, const NjType *const *args, uint32_t nargs);
/* Raises what status says and returns NULL. */
PyObject *nj_spec_raise(const NjPySpec *s, int32_t status);
/* The same unit once more, for its text: the snapshot is the one it was compiled from. */
typedef enum NjView { NJ_VIEW_TYPES, NJ_VIEW_TEXT, NJ_VIEW_LLVM, NJ_VIEW_ASM } NjView;
PyObject *nj_spec_view(const NjPySpec *s, NjView what);

/* A callable with these types; `slots` has s->nslots filled. args is for results that are views of them. */
PyObject *nj_spec_run(NjPySpec *s, const uint64_t *slots, PyObject *const *args, Py_ssize_t nargs);

#endif
