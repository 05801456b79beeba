/* pool.c - one process-wide pool of threads: nj_pool_for.
 *
 * In: a range, a grain, a function; out: the function's first nonzero value. The range is cut into pieces of equal
 * size, each slot (the caller is slot 0) owns a contiguous run of them, takes from its near end, and, when that is
 * empty, steals from the far ends of the others. Nobody waits for a slot that no worker took: its pieces are stolen.
 *
 *     caller: publish job ── run slot 0 ── withdraw job ── wait for those who joined
 *     worker: wait for a job ── join (next free slot) ── run ── leave
 *
 * A job lives on its caller's stack: a worker touches it only between joining and leaving, both under the lock.
 */
#include "cpu/atomics.h"
#include "cpu/cpu.h"

#include <pthread.h>
#include <signal.h>

#define SPINS 300                /* of a pause: some 15 us, about what sleeping and waking would cost */

/* Pieces [near, far) of one slot, packed so that both ends move by one compare-and-swap. A cache line each. */
typedef struct PoolRange { NjA64 ends; char pad[56]; } PoolRange;

typedef struct PoolJob {
    NjPoolFn fn;                 /* to nslot: constant while published */
    void    *arg;
    size_t   q, r;               /* piece i is q long, one longer if i < r */
    uint32_t nslot;
    uint32_t njoined;            /* slots given out; under the lock */
    struct PoolJob *next;        /* in pool.jobs; under the lock */
    NjA32    nbusy;              /* workers inside; changed under the lock, read by the spinning caller */
    NjA32    status;             /* 0 -> first error, by whoever has it; polled relaxed: late means one more piece */
    PoolRange range[NJ_POOL_MAX];       /* [0, nslot) are set before publishing; then any thread, by compare-and-swap */
} PoolJob;

struct NjPool {
    pthread_mutex_t lock;
    pthread_cond_t  work, done;  /* a job came; a worker left */
    PoolJob *jobs;               /* with free slots; under the lock */
    uint32_t nworker, nsleep;    /* started; of those, waiting on `work`; under the lock */
    uint32_t nfork;              /* how many times this process is a fork's child; under the lock */
    NjA32    nthread;            /* wanted, the caller included; 0: not yet asked. Any thread */
    NjA32    epoch;              /* counts jobs; written under the lock, polled by spinning workers */
};

static NjPool pool = {
    .lock = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};
static _Thread_local bool inside;            /* this thread runs a pool function: calls from there stay in it */

/* -- pieces ---------------------------------------------------------------------------------------------------- */

static uint64_t ends_pack(uint32_t near, uint32_t far)
{
    return (uint64_t)far << 32 | near;
}

static bool take_near(PoolRange *r, uint32_t *piece)
{
    uint64_t e = nj_a64_load_relaxed(&r->ends);
    while ((uint32_t)e < (uint32_t)(e >> 32)) {
        *piece = (uint32_t)e;
        if (nj_a64_cas_acqrel(&r->ends, &e, e + 1))
            return true;
    }
    return false;
}

static bool take_far(PoolRange *r, uint32_t *piece)
{
    uint64_t e = nj_a64_load_relaxed(&r->ends);
    while ((uint32_t)e < (uint32_t)(e >> 32)) {
        *piece = (uint32_t)(e >> 32) - 1;
        if (nj_a64_cas_acqrel(&r->ends, &e, ends_pack((uint32_t)e, *piece)))
            return true;
    }
    return false;
}

static size_t piece_start(const PoolJob *j, size_t i)
{
    return i * j->q + (i < j->r ? i : j->r);
}

static bool run_piece(PoolJob *j, uint32_t piece, uint32_t slot)
{
    int32_t status = j->fn(j->arg, piece_start(j, piece), piece_start(j, (size_t)piece + 1), slot);
    uint32_t none = 0;
    if (status)
        nj_a32_cas_acqrel(&j->status, &none, (uint32_t)status);
    return nj_a32_load_relaxed(&j->status) == 0;
}

static void run_slot(PoolJob *j, uint32_t slot)
{
    uint32_t piece;
    inside = true;
    bool go = nj_a32_load_relaxed(&j->status) == 0;
    while (go && take_near(&j->range[slot], &piece))
        go = run_piece(j, piece, slot);
    for (uint32_t k = 1; k < j->nslot; k++)
        while (go && take_far(&j->range[(slot + k) % j->nslot], &piece))
            go = run_piece(j, piece, slot);
    inside = false;
}

/* -- workers ------------------------------------------------------------------------------------------------------ */

/* A job to help with, its next slot taken. Lock held. */
static PoolJob *job_join(uint32_t *slot)
{
    PoolJob *j = pool.jobs;
    if (!j)
        return NULL;
    *slot = ++j->njoined;
    nj_a32_add_relaxed(&j->nbusy, 1);
    if (j->njoined + 1 == j->nslot)
        pool.jobs = j->next;
    return j;
}

/* The last touch of the job: its caller may return as soon as nbusy is 0. Lock held. */
static void job_leave(PoolJob *j)
{
    if (nj_a32_sub_acqrel(&j->nbusy, 1) == 1)
        pthread_cond_broadcast(&pool.done);
}

/* Lock held, released meanwhile. */
static void worker_wait(void)
{
    uint32_t seen = nj_a32_load_relaxed(&pool.epoch);
    pthread_mutex_unlock(&pool.lock);
    for (int i = 0; i < SPINS && nj_a32_load_acquire(&pool.epoch) == seen; i++)
        nj_cpu_pause();
    pthread_mutex_lock(&pool.lock);
    if (pool.jobs)
        return;
    pool.nsleep++;
    pthread_cond_wait(&pool.work, &pool.lock);
    pool.nsleep--;
}

static void *worker_main(void *arg)
{
    pthread_mutex_lock(&pool.lock);
    for (;;) {
        uint32_t slot;
        PoolJob *j = job_join(&slot);
        if (!j) {
            worker_wait();
            continue;
        }
        pthread_mutex_unlock(&pool.lock);
        run_slot(j, slot);
        pthread_mutex_lock(&pool.lock);
        job_leave(j);
    }
    return NULL;
}

/* Signals are for the program's own threads: Python's handlers expect them there. */
static bool worker_start(void)
{
    static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP };
    sigset_t all, before;
    pthread_attr_t attr;
    pthread_t id;
    if (pthread_attr_init(&attr))
        return false;
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    for (size_t i = 0; i < NJ_COUNT(faults); i++)          /* blocked, they would end the process past any handler */
        sigdelset(&all, faults[i]);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool ok = pthread_create(&id, &attr, worker_main, NULL) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    return ok;
}

/* -- fork: the child has the forking thread alone, so it starts workers of its own when it needs them -------------- */

static void fork_prepare(void)
{
    pthread_mutex_lock(&pool.lock);
}

static void fork_parent(void)
{
    pthread_mutex_unlock(&pool.lock);
}

static void fork_child(void)
{
    pthread_mutex_init(&pool.lock, NULL);
    pthread_cond_init(&pool.work, NULL);
    pthread_cond_init(&pool.done, NULL);
    pool.jobs = NULL;
    pool.nworker = pool.nsleep = 0;
    pool.nfork++;
}

static void fork_register(void)
{
    pthread_atfork(fork_prepare, fork_parent, fork_child);
}

/* -- one parallel call --------------------------------------------------------------------------------------------- */

/* Fewer workers than wanted, when the system gives no more, cost time only. Returns the forks seen. */
static uint32_t job_publish(PoolJob *j)
{
    static pthread_once_t fork_once = PTHREAD_ONCE_INIT;
    pthread_once(&fork_once, fork_register);
    pthread_mutex_lock(&pool.lock);
    while (pool.nworker + 1 < j->nslot && worker_start())
        pool.nworker++;
    j->next = pool.jobs;
    pool.jobs = j;
    nj_a32_store_release(&pool.epoch, nj_a32_load_relaxed(&pool.epoch) + 1);
    uint32_t wake = pool.nsleep < j->nslot - 1 ? pool.nsleep : j->nslot - 1, nfork = pool.nfork;
    for (uint32_t i = 0; i < wake; i++)
        pthread_cond_signal(&pool.work);
    pthread_mutex_unlock(&pool.lock);
    return nfork;
}

/* After this nobody new joins; then wait for those inside. A function that forked goes on in the child without its
 * helpers. */
static void job_withdraw(PoolJob *j, uint32_t nfork)
{
    pthread_mutex_lock(&pool.lock);
    for (PoolJob **p = &pool.jobs; *p; p = &(*p)->next)
        if (*p == j) {
            *p = j->next;
            break;
        }
    pthread_mutex_unlock(&pool.lock);
    for (int i = 0; i < SPINS && nj_a32_load_acquire(&j->nbusy); i++)
        nj_cpu_pause();
    pthread_mutex_lock(&pool.lock);
    while (nj_a32_load_acquire(&j->nbusy) && pool.nfork == nfork)
        pthread_cond_wait(&pool.done, &pool.lock);
    pthread_mutex_unlock(&pool.lock);
}

/* Not inlined: the job is 16 KiB of stack, which serial calls need not have. */
__attribute__((noinline)) static int32_t for_parallel(size_t n, uint32_t npiece, uint32_t nslot, NjPoolFn fn, void *arg)
{
    PoolJob j;
    j.fn = fn;
    j.arg = arg;
    j.q = n / npiece;
    j.r = n % npiece;
    j.nslot = nslot;
    j.njoined = 0;
    nj_a32_store_relaxed(&j.nbusy, 0);
    nj_a32_store_relaxed(&j.status, 0);
    for (uint32_t i = 0; i < nslot; i++) {
        uint32_t near = (uint32_t)((uint64_t)npiece * i / nslot), far = (uint32_t)((uint64_t)npiece * (i + 1) / nslot);
        nj_a64_store_relaxed(&j.range[i].ends, ends_pack(near, far));
    }
    uint32_t nfork = job_publish(&j);
    run_slot(&j, 0);
    job_withdraw(&j, nfork);
    return (int32_t)nj_a32_load_acquire(&j.status);
}

int32_t nj_pool_for(NjPool *p, size_t n, size_t grain, NjPoolFn fn, void *arg)
{
    grain = grain ? grain : 1;
    if (!n)
        return 0;
    uint32_t nthread = p && n / grain > 1 && !inside ? nj_pool_threads(p) : 1;
    if (nthread < 2)
        return fn(arg, 0, n, 0);
    size_t npiece = n / grain < UINT32_MAX / 2 ? n / grain : UINT32_MAX / 2;
    return for_parallel(n, (uint32_t)npiece, npiece < nthread ? (uint32_t)npiece : nthread, fn, arg);
}

/* -- size ---------------------------------------------------------------------------------------------------------- */

NjPool *nj_pool_get(void)
{
    return nj_knobs()->serial ? NULL : &pool;
}

uint32_t nj_pool_threads(const NjPool *p)
{
    if (!p)
        return 1;
    uint32_t n = nj_a32_load_relaxed(&pool.nthread);
    if (n)
        return n;
    n = nj_knobs()->threads > 0 ? (uint32_t)nj_knobs()->threads : nj_cpu_cores();
    n = n > NJ_POOL_MAX ? NJ_POOL_MAX : n;
    nj_a32_store_relaxed(&pool.nthread, n);
    return n;
}

void nj_pool_set_threads(uint32_t n)
{
    nj_a32_store_relaxed(&pool.nthread, n > NJ_POOL_MAX ? NJ_POOL_MAX : n);
}
