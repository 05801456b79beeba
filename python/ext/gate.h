/* gate.h - one thread at a time compiles a function for the same types; the others wait without the GIL. */
#ifndef NJ_EXT_GATE_H
#define NJ_EXT_GATE_H

#include "ext.h"

/* A compilation under way. */
typedef struct NjFlight {
    struct NjFlight *next;
    PyThread_type_lock lock;           /* held by the owner until it has landed */
    unsigned long owner;               /* the thread */
    uint32_t users;                    /* the owner and those who wait */
    const NjType *const *types; uint32_t n;      /* the owner's */
    const void *where;                 /* a device, or NULL */
} NjFlight;

/* Of one function; all of it under the GIL. */
typedef struct NjGate {
    NjFlight *flights;
    long pid;                          /* whose they are: a forked child has the list, but not the threads */
} NjGate;

static inline bool nj_gate_busy(const NjGate *g) { return g->flights != NULL; }
/* 1: *out is the caller's, who compiles and then calls nj_gate_leave. 0: another thread was compiling this and has
 * ended: look again. -1 with an exception: this very thread is compiling it, through Python code that the snapshot ran. */
int  nj_gate_enter(NjGate *g, PyObject *func, const void *where, const NjType *const *types, uint32_t n, NjFlight **out);
void nj_gate_leave(NjGate *g, NjFlight *f);

#endif
