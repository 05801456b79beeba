/* simt.h - the CPU device's grid runner: what compiled kernels see, and how a launch is asked for.
 *
 * The emitter mirrors the first part of NjSimt: its offsets are part of the ABI (static asserts in simt.c).
 */
#ifndef NJ_CPU_SIMT_H
#define NJ_CPU_SIMT_H

#include "cpu/cpu.h"

/* -- simt.c ------------------------------------------------------------------------------------------------ */

#define NJ_SIMT_WARP        32
#define NJ_SIMT_MAX_THREADS 1024
#define NJ_SIMT_MAX_STATIC  49152u          /* bytes of static shared memory, as on every GPU */
#define NJ_SIMT_MAX_SHARED  232448u         /* static and dynamic together: 227 KiB, as on compute capability 9.0 */

typedef struct NjSimt {
    int32_t  tid[3];            /*  0: thread in the block; block function: the failed one, if it returns nonzero */
    int32_t  ctaid[3];          /* 12: block in the grid */
    int32_t  ntid[3];           /* 24: threads of a block */
    int32_t  nctaid[3];         /* 36: blocks of the grid */
    void    *shared;            /* 48: the block's static shared memory, aligned to 128, zeros when the block starts */
    void    *dynshared;         /* 56: its dynamic shared memory, aligned to 128, zeros, too */
    uint32_t ndynshared;        /* 64: bytes of that */
    uint32_t lane;              /* 68: thread functions: linear thread index % 32 */
    /* the runtime's own */
    struct NjSimtBlock *block;  /* 72: NULL in a block function */
    /* compiled block functions' again */
    void    *frame;         /* 80: frame_bytes for each thread, threads rounded up to 16, aligned to 128; not cleared */
    uint64_t spare;
} NjSimt;                       /* 96 bytes */

/* Nonzero ends the launch: it is the status that compiled code raised (row + 1 of the unit's exceptions). */
typedef int32_t (*NjSimtFn)(const uint64_t *args, NjSimt *ctx);

typedef struct NjSimtKernel {
    const char *name;           /* in messages */
    NjSimtFn    block;          /* runs all threads of one block, loops inside; NULL: threads need stacks */
    NjSimtFn    thread;         /* runs one thread; used when block is NULL */
    uint32_t    shared_bytes;   /* static shared memory */
    uint32_t    frame_bytes;    /* block functions: memory for what waits at barriers, for each thread */
    uint32_t    local_bytes;    /* stack that one thread needs for its arrays: added to NAJA_SIMT_STACK */
} NjSimtKernel;

/* Where the first error came from. status is 0 when the launch failed before any thread ran, negative for the runtime's
 * own. */
typedef struct NjSimtFault {
    int32_t status, ctaid[3], tid[3];
    bool bounds;                  /* index and size are those of an IndexError */
    int64_t index, size;
} NjSimtFault;

#define NJ_SIMT_STUCK (-1)    /* threads wait for each other for ever: a warp operation some named lane never reaches */
#define NJ_SIMT_NOMEM (-2)      /* no memory for stacks or shared memory */

/* Runs the whole grid and returns when it is done. NULL pool: in the caller. fault may be NULL.
 * NJ_E_USER: bad sizes (fault->status 0), or a thread raised (its status in fault->status and err->code). */
NjStatus nj_simt_launch(const NjSimtKernel *k, const int32_t grid[3], const int32_t block[3], size_t dynshared_bytes,
                        const uint64_t *args, NjPool *pool, NjSimtFault *fault, NjErr *err);

/* Called by compiled thread functions. The block's barriers count the threads that have not returned. */
void    nj_rt_barrier(NjSimt *t);
int32_t nj_rt_barrier_count(NjSimt *t, int32_t pred);      /* how many threads had a nonzero pred */
int32_t nj_rt_barrier_and(NjSimt *t, int32_t pred);
int32_t nj_rt_barrier_or(NjSimt *t, int32_t pred);

/* -- simt_warp.c: 32 lanes in linear thread order; mask names the lanes that take part ---------------------- */

void     nj_rt_syncwarp(NjSimt *t, uint32_t mask);
uint32_t nj_rt_activemask(NjSimt *t);                       /* lanes of the warp that have not returned */
uint32_t nj_rt_ballot(NjSimt *t, uint32_t mask, int32_t pred);
int32_t  nj_rt_all(NjSimt *t, uint32_t mask, int32_t pred);
int32_t  nj_rt_any(NjSimt *t, uint32_t mask, int32_t pred);
/* The bits of a value of up to 64 bits; width is 2, 4, ... 32. A lane outside the segment gives the caller's own
 * value. */
uint64_t nj_rt_shfl(NjSimt *t, uint32_t mask, uint64_t v, int32_t lane, int32_t width);
uint64_t nj_rt_shfl_up(NjSimt *t, uint32_t mask, uint64_t v, int32_t delta, int32_t width);
uint64_t nj_rt_shfl_down(NjSimt *t, uint32_t mask, uint64_t v, int32_t delta, int32_t width);
uint64_t nj_rt_shfl_xor(NjSimt *t, uint32_t mask, uint64_t v, int32_t lanemask, int32_t width);
uint32_t nj_rt_match_any(NjSimt *t, uint32_t mask, uint64_t v);     /* lanes with my value */
uint32_t nj_rt_match_all(NjSimt *t, uint32_t mask, uint64_t v);     /* mask when all have one value, else 0 */

#endif
