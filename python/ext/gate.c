/* gate.c - the lock of a function that is being compiled.
 *
 * In: a thread with the GIL that found no specialisation. Out: the same thread, alone with the function; what it was
 * about to compile may be there by now, so it looks again. Waiting releases the GIL, and so does compiling: a thread
 * that waits never holds what the compiling one needs.
 */
#include "gate.h"

#include <unistd.h>

int nj_gate_init(NjGate *g)
{
    g->lock = PyThread_allocate_lock();
    if (!g->lock)
        PyErr_NoMemory();
    return g->lock ? 0 : -1;
}

void nj_gate_clear(NjGate *g)
{
    if (g->lock)
        PyThread_free_lock(g->lock);
    g->lock = NULL;
}

/* In the child of a fork that happened while a thread was compiling: nobody is left to open the old lock. */
static bool gate_replace(NjGate *g)
{
    g->lock = NULL;                    /* taken for ever, so it cannot be freed */
    g->owner = 0;
    return nj_gate_init(g) == 0 && PyThread_acquire_lock(g->lock, NOWAIT_LOCK) == PY_LOCK_ACQUIRED;
}

static bool gate_wait(NjGate *g, PyObject *func, unsigned long me)
{
    if (g->owner && g->pid != (long)getpid())
        return gate_replace(g);
    if (g->owner == me) {
        PyErr_Format(PyExc_RuntimeError, "%R was called while it is being compiled", func);
        return false;
    }
    Py_BEGIN_ALLOW_THREADS
    PyThread_acquire_lock(g->lock, WAIT_LOCK);
    Py_END_ALLOW_THREADS
    return true;
}

bool nj_gate_enter(NjGate *g, PyObject *func)
{
    unsigned long me = PyThread_get_thread_ident();
    if (PyThread_acquire_lock(g->lock, NOWAIT_LOCK) != PY_LOCK_ACQUIRED && !gate_wait(g, func, me))
        return false;
    g->owner = me;
    g->pid = (long)getpid();
    return true;
}

void nj_gate_leave(NjGate *g)
{
    g->owner = 0;
    PyThread_release_lock(g->lock);
}
