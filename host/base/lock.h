/* lock.h - the only lock outside cpu/: guards the few things of a process that are set once (knobs, driver table).
 *
 * A static NjLock starts unlocked with NJ_LOCK_INIT. Not recursive; nothing that can block is called while one is held.
 */
#ifndef NJ_LOCK_H
#define NJ_LOCK_H

#include <pthread.h>

typedef struct NjLock { pthread_mutex_t mutex; } NjLock;
#define NJ_LOCK_INIT {PTHREAD_MUTEX_INITIALIZER}

static inline void nj_lock(NjLock *l) { pthread_mutex_lock(&l->mutex); }
static inline void nj_unlock(NjLock *l) { pthread_mutex_unlock(&l->mutex); }

#endif
