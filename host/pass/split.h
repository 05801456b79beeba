/* split.h - a kernel with barriers, cut into functions that run one thread from a barrier to the next.
 *
 * In: the root's core function. Out: region functions, specs of the unit like any other, and what a target needs to
 * drive them: for each region which barriers its threads come to, where values wait meanwhile. Region 0 begins at the
 * kernel's entry, region k behind barrier k.
 *
 * A region function takes the kernel's parameters, then NjRegionParam, the static shared arrays, the uniform values by
 * value, and their places as pointers. It gives a status where it may raise, else nothing.
 */
#ifndef NJ_SPLIT_H
#define NJ_SPLIT_H

#include "run/unit.h"

typedef enum NjRegionParam {
    NJ_RP_FRAME,         /* ptr(u8): the block's frame, frame_bytes * stride bytes */
    NJ_RP_LINE,          /* i64: linear index of the thread */
    NJ_RP_STRIDE,        /* i64: threads of the block, rounded up to a multiple of 16 */
    NJ_RP_NEXT,          /* ptr(i32): a thread that came to barrier k stores k; one that returned stores nothing */
    NJ_RP_COUNT,         /* ptr(i32): true predicates at a barrier that reduces, */
    NJ_RP_ARRIVED,       /* ptr(i32): and threads that came */
    NJ_RP_REDUCED,       /* i32: what the barrier before this region gave */
    NJ_RP_N,
} NjRegionParam;

typedef struct NjRegion {
    NjSpec *spec;
    NjSpec *bound;  /* of the same parameters: i64, threads at or above it along x have nothing to do; NULL: all have */
    NjSpec *uniform;     /* of the same parameters: stores what all have in common, once; NULL: each thread does */
    NjBits *exits;       /* barriers that a thread may come to next */
    uint32_t nexit;
    bool ends;           /* a thread may also return */
    bool stack;          /* it has an array on the stack, which is one for all threads once it is inlined into a loop */
    uint8_t reduce;      /* sub of the barred before it; 0: a plain barrier */
    NjBits *live;        /* uniform values that it is given; the others may be anything */
} NjRegion;

typedef struct NjSplit {
    NjRegion *region; uint32_t nregion;
    /* All threads that have not returned are always at the same barrier, whatever the data. Otherwise each thread has a
     * state in the frame, and nothing is uniform. */
    bool lockstep;
    bool states;         /* int32 for each thread at the frame's start: the barrier it is at, 0 once it has returned */
    bool reduces;
    bool shares_stack;   /* for the target's use: functions that regions call have arrays on the stack */
    NjFn *fn;            /* the kernel as it was cut */
    NjRef *shared; uint32_t nshared;               /* its static shared arrays */
    const NjType **uniform; uint32_t nuniform;
    uint32_t frame_bytes;                          /* for each thread */
} NjSplit;

/* Cuts the root, appends the regions to u->specs and marks what need not be emitted any more. NULL: it cannot be cut
 * (warp operations, or too much code), or memory ran out. */
NjSplit *nj_split_unit(NjUnit *u);

/* inline.c: calls of functions with barriers in them, replaced by their bodies. False: there would be too many. */
bool nj_pass_inline_barriers(NjUnit *u, NjFn *f);
void nj_pass_barriers(NjUnit *u);                   /* fills reaches_barrier of u->specs */
/* Moves what is behind r in its block into a new one, and returns that; the old one ends without a terminator. */
NjBlkId nj_blk_cut(NjFn *f, NjRef r);
/* promote.c: stack slots of one element that are only loaded and stored become values. Needs dom. */
bool nj_pass_promote(NjFn *f);

#endif
