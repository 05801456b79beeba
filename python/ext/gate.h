/* gate.h - one thread at a time compiles a function; the others wait without the GIL. */
#ifndef NJ_EXT_GATE_H
#define NJ_EXT_GATE_H

#include "ext.h"

typedef struct NjGate {
    PyThread_type_lock lock;
    unsigned long owner;               /* the thread that holds it, 0: none; under the GIL */
    long pid;                      /* its process: a forked child has the lock, but not the thread that would free it */
} NjGate;

int  nj_gate_init(NjGate *g);                        /* -1 with an exception */
void nj_gate_clear(NjGate *g);
/* False with an exception when this very thread holds it: Python code run by the snapshot called `func`. */
bool nj_gate_enter(NjGate *g, PyObject *func);
void nj_gate_leave(NjGate *g);

#endif
