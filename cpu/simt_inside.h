/* simt_inside.h - shared by simt.c, simt_stack.c and simt_warp.c alone: threads of a block and their switching. */
#ifndef NJ_CPU_SIMT_INSIDE_H
#define NJ_CPU_SIMT_INSIDE_H

#include "cpu/simt.h"

typedef struct NjSimtThread {
    NjSimt   ctx;                /* first: compiled code's NjSimt * is this thread */
    void    *sp;                 /* where it stopped; valid while another one runs */
    uint32_t phase;              /* it may run once the block's phase has come this far */
    uint16_t next, prev;         /* ring of the threads that have not returned */
    bool     in_warp_op;         /* waits for lanes of its warp */
    uint8_t  warp_op;            /* the operands of that wait: see simt_warp.c */
    int32_t  warp_arg, warp_width;
    uint32_t warp_mask;
    uint64_t warp_value, warp_result;
} NjSimtThread;

/* The block in flight; all its threads run on one worker, one at a time, so nothing here is shared between cores. */
typedef struct NjSimtBlock {
    const NjSimtKernel *k;
    const uint64_t *args;
    NjSimt       now;            /* which block it is; threads copy its index when they start */
    size_t       nleft;          /* blocks to run, this one included */
    size_t       nshared;        /* bytes of shared memory, zeroed for each */
    NjSimtThread   *thread;      /* linear index: x fastest */
    void           *main_sp;     /* the worker's own stack while a thread runs */
    uint32_t nthread, nlive;
    uint32_t phase, narrived;    /* barriers passed; threads that wait at the next one */
    uint32_t count;              /* of true predicates among those */
    int32_t  last_count;         /* the barrier just passed: true predicates, */
    bool     last_all;           /* and whether all were true */
    uint32_t live[NJ_SIMT_MAX_THREADS / NJ_SIMT_WARP];      /* bit per lane of each warp that has not returned */
    uint32_t nwaiting;           /* threads in warp operations */
    int32_t  status;             /* what ended the block early */
    uint32_t culprit;            /* the thread that did */
} NjSimtBlock;

/* -- simt.c ------------------------------------------------------------------------------------------- */

/* Leaves `t`, which has to wait, for the next thread that can run; returns when t may go on. */
void nj_simt_wait(NjSimtBlock *b, NjSimtThread *t);

/* -- simt_warp.c --------------------------------------------------------------------------------------- */

/* Lane of thread `i` has returned: lanes that waited for it go on. */
void nj_simt_warp_left(NjSimtBlock *b, uint32_t i);

/* -- simt_stack.c: what one worker needs, kept from launch to launch --------------------------------------- */

typedef struct NjSimtSpace {
    uint8_t      *stacks;        /* nstack pieces of `stride` bytes, each with a guard page at its low end */
    size_t        stride, nstack;
    NjSimtThread *thread;
    uint8_t      *shared;        /* aligned to 128 */
    size_t        nshared;
    bool          abandoned;     /* a block ended early: its threads' frames still lie on the stacks */
    NjSimtBlock   block;
} NjSimtSpace;

/* Room for `nthread` threads (0 for block functions) and `nshared` bytes; NULL when out of memory. */
NjSimtSpace *nj_simt_space_take(size_t nthread, size_t local_bytes, size_t nshared);
void         nj_simt_space_give(NjSimtSpace *s);             /* NULL is fine */
/* A fresh frame on stack i: the first switch to the result calls main(arg), which never returns. */
void        *nj_simt_space_prepare(NjSimtSpace *s, size_t i, void (*main)(void *), void *arg);

/* -- simt_switch_*.S: saves what the C ABI asks callees to keep, nothing more: no signal mask, no system call ------ */

void nj_simt_switch(void **save_sp, void *to_sp);
void nj_simt_enter(void);                                    /* where a prepared stack starts; not for calling */

#endif
