/* fork.h - locks that a forked child finds free, whatever other threads did with them when it was made. */
#ifndef NJ_CPU_FORK_H
#define NJ_CPU_FORK_H

#include "cpu/atomics.h"

#include <pthread.h>

/* A static one starts free with NJ_FORK_LOCK_INIT. No two are held at once, so fork may take all of them in any
 * order. */
typedef struct NjForkLock {
    pthread_mutex_t mutex;
    NjA32 known;                 /* is it in fork.c's list? 0 -> 1 once */
    struct NjForkLock *next;     /* in that list; written once, before it is published */
} NjForkLock;
#define NJ_FORK_LOCK_INIT { PTHREAD_MUTEX_INITIALIZER, { 0 }, NULL }

void nj_fork_lock(NjForkLock *l);
void nj_fork_unlock(NjForkLock *l);

#endif
