/* fork.c - locks that survive fork: the forking thread takes them all, and the child makes them anew.
 *
 * In: locks, each of which enters the list when it is first taken. A child of a process with threads would otherwise
 * inherit locks that are held by threads it does not have.
 */
#include "cpu/fork.h"

static NjAPtr locks;             /* list of NjForkLock; grows at its head by compare-and-swap, never shrinks */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static NjForkLock *first_lock(void)
{
    return nj_aptr_load_acquire(&locks);
}

/* A lock that enters the list between prepare and the fork is free or about to be taken by a thread the child lacks:
 * the child makes it anew, and the parent must not release it. So prepare notes where it began. */
static NjForkLock *taken;        /* written and read by the forking thread, which holds all locks then */

static void fork_prepare(void)
{
    NjForkLock *all = first_lock();
    for (NjForkLock *l = all; l; l = l->next)
        pthread_mutex_lock(&l->mutex);
    taken = all;
}

static void fork_parent(void)
{
    for (NjForkLock *l = taken, *next; l; l = next) {
        next = l->next;
        pthread_mutex_unlock(&l->mutex);
    }
}

static void fork_child(void)
{
    for (NjForkLock *l = first_lock(); l; l = l->next)
        pthread_mutex_init(&l->mutex, NULL);
}

static void fork_register(void)
{
    pthread_atfork(fork_prepare, fork_parent, fork_child);
}

void nj_fork_lock(NjForkLock *l)
{
    if (nj_a32_load_relaxed(&l->known) == 0 && nj_a32_swap_acqrel(&l->known, 1) == 0) {
        pthread_once(&once, fork_register);
        void *head = nj_aptr_load_acquire(&locks);
        do
            l->next = head;
        while (!nj_aptr_cas_acqrel(&locks, &head, l));
    }
    pthread_mutex_lock(&l->mutex);
}

void nj_fork_unlock(NjForkLock *l)
{
    pthread_mutex_unlock(&l->mutex);
}
