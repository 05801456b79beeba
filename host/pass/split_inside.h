/* split_inside.h - what the files of the cut share: a kernel's points, who is uniform, what lives where. */
#ifndef NJ_SPLIT_INSIDE_H
#define NJ_SPLIT_INSIDE_H

#include "pass/split.h"

#define SPLIT_NONE UINT32_MAX

/* Where control goes on: point 0 is the kernel's entry, point k is behind the k-th barrier. */
typedef struct SplitPoint {
    NjBlkId before, after;       /* the block that ends with the barrier; the one behind it, its only successor */
    NjRef   barred, pred;        /* a barrier that reduces: its value, first in `after`; the predicate */
    uint8_t reduce;
    NjBits *live;                /* values that wait here */
    NjBits *blks;                /* blocks of the region that begins here */
    bool    loops;               /* its threads may come back to it */
} SplitPoint;

#define SPLIT_UNIFORM 0x80000000u             /* in slot[]: the rest is an index; else an offset in the frame */

typedef struct Split {
    NjUnit *u;
    NjFn *f;
    NjArena *a;
    NjSplit *out;
    NJ_VEC(SplitPoint) pt;
    uint32_t *ends;              /* by block: the point that its barrier leads to, or SPLIT_NONE */
    NjBlkId *order; uint32_t norder;          /* blocks in reverse postorder */
    NjBits *differs;             /* values that threads may disagree on */
    uint16_t *cost;        /* of computing a value anew from parameters and registers; UINT16_MAX: impossible or dear */
    uint32_t *slot;              /* where a value waits; SPLIT_NONE: nowhere */
    NjBits *framed;              /* stack arrays that lie in the frame */
} Split;

/* -- split_uniform.c: fills differs, out->lockstep and out->states */
void nj_split_fill_uniform(Split *s);
/* -- split_live.c: fills cost, the points' live and blks, slot, framed, out->frame_bytes and the uniform values */
void nj_split_fill_live(Split *s);
static inline bool split_is_cheap(const Split *s, NjRef r) { return s->cost[r] != UINT16_MAX; }
/* -- split_clone.c: the region function of point k */
void nj_split_clone(Split *s, uint32_t k);
/* -- split_bound.c: a function that says how far along x the region acts; NULL: nothing limits it */
NjFn *nj_split_bound(Split *s, const NjFn *region);
/* Moves what the region stores for all threads into a function of the same parameters; NULL: it stays where it is. */
NjFn *nj_split_uniform_part(Split *s, NjFn *region);
/* -- split_loops.c: barriers where threads may as well meet; is there any loop? */
bool nj_split_loops(NjUnit *u, NjFn *f);
bool nj_split_has_loops(NjFn *f);
/* -- split.c: a copy to edit, in the same arena */
NjFn *nj_split_copy(const NjFn *f);
/* Cuts f at its barriers and fills pt, ends, order and differs. False: there is none, or too many. */
bool nj_split_points(Split *s);

#endif
