/* simt.c - runs a compiled kernel over a grid: the CPU device's launch.
 *
 * In: a kernel, sizes, an argument block; out: a status. Blocks are spread over the pool. One call runs a block,
 * barriers included (host/pass/split.h). Where that is impossible each thread of a block has a small stack, and a
 * barrier switches to the next thread that can run:
 *
 *     worker ──> thread 0 ──barrier──> thread 1 ──> ... ──> thread n-1 (last to arrive: phase++) ──> ... ──> worker
 *
 * Threads are a ring. One that returns leaves it and no longer counts at barriers, as on a GPU since Volta, so a
 * barrier cannot wait for it. Shared memory is zeroed for each block: it costs less than one barrier, and results
 * repeat.
 */
#include "cpu/atomics.h"
#include "cpu/simt_inside.h"

_Static_assert(offsetof(NjSimt, ctaid) == 12 && offsetof(NjSimt, ntid) == 24 && offsetof(NjSimt, nctaid) == 36, "ABI");
_Static_assert(offsetof(NjSimt, shared) == 48 && offsetof(NjSimt, dynshared) == 56, "ABI");
_Static_assert(offsetof(NjSimt, ndynshared) == 64 && offsetof(NjSimt, lane) == 68 && offsetof(NjSimt, frame) == 80 &&
                   sizeof(NjSimt) == 96,
               "ABI");

/* One launch; lives on the caller's stack. Fields without a rule are constant during it. */
typedef struct Launch {
    const NjSimtKernel *k;
    const uint64_t *args;
    NjSimt       proto;                  /* sizes filled in */
    uint32_t     nthread;
    size_t       nshared, dyn_off;       /* bytes of both kinds; where the dynamic one starts */
    size_t       frame_off, nframe;      /* behind them: what waits at barriers */
    bool         spaces;                 /* are they needed? */
    NjSimtSpace *space[NJ_POOL_MAX];      /* each written by its slot's worker; read by the caller after the join */
    NjA32        failed;   /* 0 -> 1 by the first worker with an error, which alone writes fault; read after the join */
    NjSimtFault  fault;
} Launch;

/* -- threads of a block -------------------------------------------------------------------------------------- */

static bool can_run(const NjSimtBlock *b, const NjSimtThread *t)
{
    return !t->in_warp_op && (int32_t)(b->phase - t->phase) >= 0;
}

static void block_end(NjSimtBlock *b, NjSimtThread *t, int32_t status)
{
    b->status = status;
    b->culprit = (uint32_t)(t - b->thread);
    nj_simt_switch(&t->sp, b->main_sp);                    /* the block's other threads are left where they are */
}

/* With hundreds of threads, records and stack tops live in the second cache level: ask for those of the thread after
 * next now. Always inlined: called as a function that only prefetches, it would be dropped for having no effect. */
__attribute__((always_inline)) static inline void prefetch_thread(const NjSimtBlock *b, const NjSimtThread *t)
{
    __builtin_prefetch(t->sp);
    __builtin_prefetch((const char *)t->sp + 64);
    __builtin_prefetch(&b->thread[t->next]);
    __builtin_prefetch((const char *)&b->thread[t->next] + 96);
}

static void switch_next(NjSimtBlock *b, NjSimtThread *t)
{
    uint32_t first = t->next, i = first;
    do {
        NjSimtThread *u = &b->thread[i];
        if (can_run(b, u)) {
            if (u != t) {
                prefetch_thread(b, &b->thread[u->next]);
                nj_simt_switch(&t->sp, u->sp);
            }
            return;
        }
        i = u->next;
    } while (i != first);
    block_end(b, t, NJ_SIMT_STUCK);
}

void nj_simt_wait(NjSimtBlock *b, NjSimtThread *t)
{
    switch_next(b, t);
}

static void barrier_open(NjSimtBlock *b)
{
    b->last_count = (int32_t)b->count;
    b->last_all = b->count == b->narrived;
    b->count = b->narrived = 0;
    b->phase++;
}

/* The results stay until every live thread has come to the next barrier, so each has read them by then. */
static NjSimtBlock *barrier_pass(NjSimt *ctx, int32_t pred)
{
    NjSimtThread *t = (NjSimtThread *)ctx;
    NjSimtBlock *b = ctx->block;
    b->count += pred != 0;
    if (++b->narrived == b->nlive) {
        barrier_open(b);                                   /* the last one goes on without a switch */
        return b;
    }
    t->phase = b->phase + 1;
    switch_next(b, t);
    return b;
}

void nj_rt_barrier(NjSimt *t)
{
    barrier_pass(t, 0);
}

int32_t nj_rt_barrier_count(NjSimt *t, int32_t pred)
{
    return barrier_pass(t, pred)->last_count;
}

int32_t nj_rt_barrier_and(NjSimt *t, int32_t pred)
{
    return barrier_pass(t, pred)->last_all;
}

int32_t nj_rt_barrier_or(NjSimt *t, int32_t pred)
{
    return barrier_pass(t, pred)->last_count != 0;
}

static void thread_leave(NjSimtBlock *b, NjSimtThread *t)
{
    uint32_t i = (uint32_t)(t - b->thread);
    b->thread[t->prev].next = t->next;
    b->thread[t->next].prev = t->prev;
    b->nlive--;
    nj_simt_warp_left(b, i);
    if (b->narrived && b->narrived == b->nlive)
        barrier_open(b);
}

/* -- blocks, one after the other on the same stacks ------------------------------------------------------------ */

/* All threads are in the ring again, none has arrived anywhere. Phases go on counting: a thread's own is set when it
 * starts. */
static void block_start(NjSimtBlock *b)
{
    uint32_t n = b->nthread;
    for (uint32_t i = 0; i < n; i++) {
        b->thread[i].next = (uint16_t)(i + 1 == n ? 0 : i + 1);
        b->thread[i].prev = (uint16_t)(i == 0 ? n - 1 : i - 1);
    }
    for (uint32_t w = 0; w * NJ_SIMT_WARP < n; w++) {
        uint32_t nlane = n - w * NJ_SIMT_WARP;
        b->live[w] = nlane >= NJ_SIMT_WARP ? UINT32_MAX : ((uint32_t)1 << nlane) - 1;
    }
    b->nlive = n;
    b->narrived = b->count = 0;
    if (b->nshared)
        memset(b->now.shared, 0, b->nshared);
}

static void next_block(NjSimt *c)
{
    if (++c->ctaid[0] == c->nctaid[0]) {
        c->ctaid[0] = 0;
        if (++c->ctaid[1] == c->nctaid[1]) {
            c->ctaid[1] = 0;
            c->ctaid[2]++;
        }
    }
}

/* Bottom frame of every thread's stack: one turn for each block. The thread that ends a block starts the next one. */
static void thread_main(void *arg)
{
    NjSimtThread *t = arg;
    NjSimtBlock *b = t->ctx.block;
    for (;;) {
        memcpy(t->ctx.ctaid, b->now.ctaid, sizeof t->ctx.ctaid);
        t->phase = b->phase;
        int32_t status = b->k->thread(b->args, &t->ctx);
        thread_leave(b, t);
        if (status || (b->nlive == 0 && --b->nleft == 0)) {
            block_end(b, t, status);
        } else if (b->nlive == 0) {
            next_block(&b->now);
            block_start(b);
        } else {
            switch_next(b, t);                             /* back in the next block: t has left the ring of this one */
        }
    }
}

static void threads_prepare(NjSimtSpace *s, const Launch *l, const NjSimt *first, size_t nblock)
{
    NjSimtBlock *b = &s->block;
    *b = (NjSimtBlock){ .k = l->k, .args = l->args, .now = *first, .nleft = nblock, .nshared = l->nshared,
                        .thread = s->thread, .nthread = l->nthread };
    int32_t x = 0, y = 0, z = 0;
    for (uint32_t i = 0; i < l->nthread; i++) {
        NjSimtThread *t = &s->thread[i];
        t->ctx = *first;
        t->ctx.tid[0] = x, t->ctx.tid[1] = y, t->ctx.tid[2] = z;
        t->ctx.lane = i % NJ_SIMT_WARP;
        t->ctx.block = b;
        t->phase = 0;
        t->in_warp_op = false;
        t->sp = nj_simt_space_prepare(s, i, thread_main, t);
        if (++x == first->ntid[0] && (x = 0, ++y == first->ntid[1]))
            y = 0, ++z;
    }
    block_start(b);
}

/* `at` becomes the place of an error. */
static int32_t run_threads(NjSimtSpace *s, const Launch *l, NjSimt *at, size_t nblock)
{
    NjSimtBlock *b = &s->block;
    threads_prepare(s, l, at, nblock);
    nj_simt_switch(&b->main_sp, s->thread[0].sp);
    if (!b->status)
        return 0;
    s->abandoned = true;
    *at = b->now;
    memcpy(at->tid, s->thread[b->culprit].ctx.tid, sizeof at->tid);
    return b->status;
}

static int32_t run_loops(const Launch *l, NjSimt *at, size_t nblock)
{
    for (size_t i = 0; i < nblock; i++, next_block(at)) {
        if (l->nshared)
            memset(at->shared, 0, l->nshared);
        int32_t status = l->k->block(l->args, at);
        if (status)
            return status;
    }
    return 0;
}

/* -- a launch ---------------------------------------------------------------------------------------------------- */

static int32_t launch_fail(Launch *l, int32_t status, const NjSimt *at)
{
    uint32_t none = 0;
    int64_t index, size;
    bool bounds = nj_rt_bounds_take(&index, &size);
    if (nj_a32_cas_acqrel(&l->failed, &none, 1)) {
        l->fault.status = status;
        l->fault.bounds = bounds;
        l->fault.index = index;
        l->fault.size = size;
        memcpy(l->fault.ctaid, at->ctaid, sizeof at->ctaid);
        memcpy(l->fault.tid, at->tid, sizeof at->tid);
    }
    return status;
}

static NjSimtSpace *launch_space(Launch *l, uint32_t slot, NjSimt *ctx)
{
    NjSimtSpace *s = l->spaces ? l->space[slot] : NULL;
    if (!s && l->spaces)
        s = l->space[slot] = nj_simt_space_take(l->k->block ? 0 : l->nthread, l->k->local_bytes,
                                                 l->nframe ? l->frame_off + l->nframe : l->nshared);
    if (s && l->nframe)
        ctx->frame = s->shared + l->frame_off;
    if (s && l->nshared) {
        ctx->shared = s->shared;
        ctx->dynshared = s->shared + l->dyn_off;
    }
    return s;
}

static int32_t run_blocks(void *arg, size_t lo, size_t hi, uint32_t slot)
{
    Launch *l = arg;
    NjSimt ctx = l->proto;
    size_t nx = (size_t)ctx.nctaid[0], ny = (size_t)ctx.nctaid[1];
    ctx.ctaid[0] = (int32_t)(lo % nx);
    ctx.ctaid[1] = (int32_t)(lo / nx % ny);
    ctx.ctaid[2] = (int32_t)(lo / nx / ny);
    NjSimtSpace *s = launch_space(l, slot, &ctx);
    if (!s && l->spaces)
        return launch_fail(l, NJ_SIMT_NOMEM, &ctx);
    int32_t status = l->k->block ? run_loops(l, &ctx, hi - lo) : run_threads(s, l, &ctx, hi - lo);
    return status ? launch_fail(l, status, &ctx) : 0;
}

/* -- checks, as a driver makes them -------------------------------------------------------------------------------- */

static NjStatus check_sizes(const NjSimtKernel *k, const int32_t grid[3], const int32_t block[3], size_t dyn,
                            NjErr *err)
{
    if (block[0] < 1 || block[1] < 1 || block[2] < 1)
        return nj_err_set(err, NJ_E_USER, 0, "%s: block of %d x %d x %d threads", k->name, block[0], block[1],
                          block[2]);
    if (block[0] > 1024 || block[1] > 1024 || block[2] > 64 ||
        (int64_t)block[0] * block[1] * block[2] > NJ_SIMT_MAX_THREADS)
        return nj_err_set(err, NJ_E_USER, 0, "%s: block of %d x %d x %d threads; at most %d, 1024 x 1024 x 64", k->name,
                          block[0], block[1], block[2], NJ_SIMT_MAX_THREADS);
    if (grid[0] < 1 || grid[1] < 1 || grid[2] < 1 || grid[1] > 65535 || grid[2] > 65535)
        return nj_err_set(err, NJ_E_USER, 0, "%s: grid of %d x %d x %d blocks; from 1 to 2147483647 x 65535 x 65535",
                          k->name, grid[0], grid[1], grid[2]);
    if (k->shared_bytes > NJ_SIMT_MAX_STATIC)
        return nj_err_set(err, NJ_E_USER, 0, "%s: %u bytes of static shared memory; at most %u", k->name,
                          k->shared_bytes, NJ_SIMT_MAX_STATIC);
    if (dyn > NJ_SIMT_MAX_SHARED || k->shared_bytes + dyn > NJ_SIMT_MAX_SHARED)
        return nj_err_set(err, NJ_E_USER, 0, "%s: %zu bytes of shared memory; at most %u", k->name,
                          k->shared_bytes + dyn, NJ_SIMT_MAX_SHARED);
    return NJ_OK;
}

static void launch_fill(Launch *l, const NjSimtKernel *k, const int32_t grid[3], const int32_t block[3], size_t dyn,
                        const uint64_t *args)
{
    l->k = k;
    l->args = args;
    memset(&l->proto, 0, sizeof l->proto);
    memcpy(l->proto.ntid, block, sizeof l->proto.ntid);
    memcpy(l->proto.nctaid, grid, sizeof l->proto.nctaid);
    l->proto.ndynshared = (uint32_t)dyn;
    l->nthread = (uint32_t)(block[0] * block[1] * block[2]);
    l->dyn_off = ((size_t)k->shared_bytes + 127) & ~(size_t)127;
    l->nshared = dyn ? l->dyn_off + dyn : k->shared_bytes;
    l->frame_off = (l->nshared + 127) & ~(size_t)127;
    l->nframe = k->block ? (size_t)k->frame_bytes * ((l->nthread + 15) & ~15u) : 0;
    l->spaces = l->nshared || l->nframe || !k->block;
    if (l->spaces)
        memset(l->space, 0, sizeof l->space);
    nj_a32_store_relaxed(&l->failed, 0);
    memset(&l->fault, 0, sizeof l->fault);
}

static NjStatus launch_report(const Launch *l, NjErr *err)
{
    const NjSimtFault *f = &l->fault;
    const char *k = l->k->name;
    if (f->status == NJ_SIMT_NOMEM)
        return nj_err_set(err, NJ_E_NOMEM, 0, "%s: no memory for the stacks or the shared memory of %u threads", k,
                          l->nthread);
    const char *what = f->status == NJ_SIMT_STUCK ? "threads wait for each other for ever" : "a thread raised an error";
    return nj_err_set(err, NJ_E_USER, f->status, "%s: %s, in block (%d, %d, %d), thread (%d, %d, %d)", k, what,
                      f->ctaid[0], f->ctaid[1], f->ctaid[2], f->tid[0], f->tid[1], f->tid[2]);
}

/* Sixteen pieces for each worker even out blocks of unequal length; below that, taking a piece would cost more than it
 * brings. */
static size_t launch_grain(size_t nblock, NjPool *pool)
{
    size_t n = nblock / ((size_t)nj_pool_threads(pool) * 16);
    return n ? n : 1;
}

NjStatus nj_simt_launch(const NjSimtKernel *k, const int32_t grid[3], const int32_t block[3], size_t dynshared_bytes,
                        const uint64_t *args, NjPool *pool, NjSimtFault *fault, NjErr *err)
{
    if (fault)
        memset(fault, 0, sizeof *fault);
    NjStatus st = check_sizes(k, grid, block, dynshared_bytes, err);
    if (st)
        return st;
    Launch l;
    size_t nblock = (size_t)grid[0] * (size_t)grid[1] * (size_t)grid[2];
    launch_fill(&l, k, grid, block, dynshared_bytes, args);
    if (nblock == 1)
        pool = NULL;                     /* not even a question to hwloc */
    nj_pool_for(pool, nblock, launch_grain(nblock, pool), run_blocks, &l);
    for (uint32_t i = 0; i < NJ_POOL_MAX && l.spaces; i++)
        nj_simt_space_give(l.space[i]);
    if (fault)
        *fault = l.fault;
    return nj_a32_load_acquire(&l.failed) ? launch_report(&l, err) : NJ_OK;
}
