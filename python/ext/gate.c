/* gate.c - which types of a function are being compiled, and by whom.
 *
 * In: a thread with the GIL that found no specialisation. Out: the same thread with a flight of its own, or, once another
 * thread's flight for these types has landed, the order to look again. Waiting releases the GIL, and so does compiling: a
 * thread that waits never holds what the compiling one needs. Other types of the same function fly side by side.
 */
#include "gate.h"

#include <unistd.h>

static NjFlight *flight_find(const NjGate *g, const void *where, const NjType *const *types, uint32_t n)
{
    NjFlight *f = g->flights;
    while (f && (f->where != where || f->n != n || (n && memcmp(f->types, types, n * sizeof *types))))
        f = f->next;
    return f;
}

static void flight_drop(NjFlight *f)
{
    if (--f->users)
        return;
    PyThread_free_lock(f->lock);
    PyMem_Free(f);
}

static NjFlight *flight_new(NjGate *g, const void *where, const NjType *const *types, uint32_t n)
{
    NjFlight *f = PyMem_Malloc(sizeof *f);
    PyThread_type_lock lock = f ? PyThread_allocate_lock() : NULL;
    if (!lock) {
        PyMem_Free(f);
        PyErr_NoMemory();
        return NULL;
    }
    *f = (NjFlight){.next = g->flights, .lock = lock, .owner = PyThread_get_thread_ident(), .users = 1, .types = types, .n = n,
                    .where = where};
    PyThread_acquire_lock(lock, WAIT_LOCK);
    return g->flights = f;
}

/* The lock is passed on at once: whoever waits only wants to know that it was opened. */
static void flight_wait(NjFlight *f)
{
    f->users++;
    Py_BEGIN_ALLOW_THREADS
    PyThread_acquire_lock(f->lock, WAIT_LOCK);
    PyThread_release_lock(f->lock);
    Py_END_ALLOW_THREADS
    flight_drop(f);
}

int nj_gate_enter(NjGate *g, PyObject *func, const void *where, const NjType *const *types, uint32_t n, NjFlight **out)
{
    if (g->pid != (long)getpid())
        g->flights = NULL;             /* of threads that a fork left behind: nobody will ever open their locks */
    g->pid = (long)getpid();
    NjFlight *other = flight_find(g, where, types, n);
    if (other && other->owner == PyThread_get_thread_ident()) {
        PyErr_Format(PyExc_RuntimeError, "%R was called while it is being compiled", func);
        return -1;
    }
    if (other) {
        flight_wait(other);
        return 0;
    }
    *out = flight_new(g, where, types, n);
    return *out ? 1 : -1;
}

void nj_gate_leave(NjGate *g, NjFlight *f)
{
    NjFlight **at = &g->flights;
    while (*at && *at != f)
        at = &(*at)->next;
    if (*at)
        *at = f->next;
    PyThread_release_lock(f->lock);
    flight_drop(f);
}
