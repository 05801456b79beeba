/* simt_warp.c - warp operations of kernel threads that run on stacks: votes, shuffles, matches.
 *
 * A lane leaves its operands in its record and waits. The lane that completes the group (all named lanes that have not
 * returned have come with the same mask) computes everyone's result, so a lane that runs ahead cannot overwrite
 * what a slower one still has to read.
 */
#include "cpu/simt_inside.h"

typedef struct Group {
    uint32_t lanes;                      /* who takes part */
    uint64_t v[NJ_SIMT_WARP];            /* their values */
} Group;

/* -- one result ------------------------------------------------------------------------------------------ */

static uint32_t lanes_true(const Group *g)
{
    uint32_t r = 0;
    for (uint32_t i = 0; i < NJ_SIMT_WARP; i++)
        r |= (uint32_t)((g->lanes >> i & 1) && g->v[i]) << i;
    return r;
}

static uint32_t lanes_equal(const Group *g, uint64_t v)
{
    uint32_t r = 0;
    for (uint32_t i = 0; i < NJ_SIMT_WARP; i++)
        r |= (uint32_t)((g->lanes >> i & 1) && g->v[i] == v) << i;
    return r;
}

static uint64_t eval_sync(const Group *g, const NjSimtThread *t) { return 0; }
static uint64_t eval_ballot(const Group *g, const NjSimtThread *t) { return lanes_true(g); }
static uint64_t eval_all(const Group *g, const NjSimtThread *t) { return lanes_true(g) == g->lanes; }
static uint64_t eval_any(const Group *g, const NjSimtThread *t) { return lanes_true(g) != 0; }
static uint64_t eval_match_any(const Group *g, const NjSimtThread *t) { return lanes_equal(g, t->warp_value); }

static uint64_t eval_match_all(const Group *g, const NjSimtThread *t)
{
    return lanes_equal(g, t->warp_value) == g->lanes ? t->warp_mask : 0;
}

/* PTX shfl.sync: a source lane that takes no part, or lies past the segment's bound, gives the caller's own value. */
static uint64_t from_lane(const Group *g, const NjSimtThread *t, int64_t src, bool inside)
{
    return inside && src >= 0 && src < NJ_SIMT_WARP && (g->lanes >> src & 1) ? g->v[src] : t->warp_value;
}

static int64_t segment(const NjSimtThread *t)
{
    return (int64_t)t->ctx.lane & ~(int64_t)(t->warp_width - 1);
}

static uint64_t eval_shfl(const Group *g, const NjSimtThread *t)
{
    return from_lane(g, t, segment(t) + (t->warp_arg & (t->warp_width - 1)), true);
}

static uint64_t eval_shfl_up(const Group *g, const NjSimtThread *t)
{
    int64_t src = (int64_t)t->ctx.lane - t->warp_arg;
    return from_lane(g, t, src, src >= segment(t));
}

static uint64_t eval_shfl_down(const Group *g, const NjSimtThread *t)
{
    int64_t src = (int64_t)t->ctx.lane + t->warp_arg;
    return from_lane(g, t, src, src < segment(t) + t->warp_width);
}

/* Lower segments may be read, higher ones not: so says PTX. */
static uint64_t eval_shfl_xor(const Group *g, const NjSimtThread *t)
{
    int64_t src = (int64_t)t->ctx.lane ^ t->warp_arg;
    return from_lane(g, t, src, src < segment(t) + t->warp_width);
}

typedef enum WarpOp {
    OP_SYNC, OP_BALLOT, OP_ALL, OP_ANY, OP_SHFL, OP_SHFL_UP, OP_SHFL_DOWN, OP_SHFL_XOR, OP_MATCH_ANY, OP_MATCH_ALL,
} WarpOp;

static uint64_t (*const evals[])(const Group *, const NjSimtThread *) = {
    [OP_SYNC] = eval_sync, [OP_BALLOT] = eval_ballot, [OP_ALL] = eval_all, [OP_ANY] = eval_any, [OP_SHFL] = eval_shfl,
    [OP_SHFL_UP] = eval_shfl_up, [OP_SHFL_DOWN] = eval_shfl_down, [OP_SHFL_XOR] = eval_shfl_xor,
    [OP_MATCH_ANY] = eval_match_any, [OP_MATCH_ALL] = eval_match_all,
};

/* -- groups ------------------------------------------------------------------------------------------------- */

/* All lanes of the group have come? Then their results are written and they may run. */
static bool group_complete(NjSimtBlock *b, uint32_t warp, uint32_t mask)
{
    NjSimtThread *lane = &b->thread[warp * NJ_SIMT_WARP];
    Group g = { .lanes = mask & b->live[warp] };
    for (uint32_t i = 0; i < NJ_SIMT_WARP; i++) {
        if (!(g.lanes >> i & 1))
            continue;
        if (!lane[i].in_warp_op || lane[i].warp_mask != mask)
            return false;
        g.v[i] = lane[i].warp_value;
    }
    for (uint32_t i = 0; i < NJ_SIMT_WARP; i++)
        if (g.lanes >> i & 1) {
            lane[i].warp_result = evals[lane[i].warp_op](&g, &lane[i]);
            lane[i].in_warp_op = false;
            b->nwaiting--;
        }
    return true;
}

void nj_simt_warp_left(NjSimtBlock *b, uint32_t i)
{
    uint32_t warp = i / NJ_SIMT_WARP;
    b->live[warp] &= ~((uint32_t)1 << i % NJ_SIMT_WARP);
    for (uint32_t k = 0; k < NJ_SIMT_WARP && b->nwaiting; k++)
        if (b->live[warp] >> k & 1) {
            NjSimtThread *t = &b->thread[warp * NJ_SIMT_WARP + k];
            if (t->in_warp_op)
                group_complete(b, warp, t->warp_mask);
        }
}

static uint64_t warp_op(NjSimt *ctx, WarpOp op, uint32_t mask, uint64_t v, int32_t arg, int32_t width)
{
    NjSimtThread *t = (NjSimtThread *)ctx;
    NjSimtBlock *b = ctx->block;
    t->warp_op = (uint8_t)op;
    t->warp_mask = mask | (uint32_t)1 << ctx->lane;
    t->warp_value = v;
    t->warp_arg = arg;
    t->warp_width = width;
    t->in_warp_op = true;
    b->nwaiting++;
    if (!group_complete(b, (uint32_t)(t - b->thread) / NJ_SIMT_WARP, t->warp_mask))
        nj_simt_wait(b, t);
    return t->warp_result;
}

/* -- entries --------------------------------------------------------------------------------------------------- */

void nj_rt_syncwarp(NjSimt *t, uint32_t mask)
{
    warp_op(t, OP_SYNC, mask, 0, 0, 32);
}

uint32_t nj_rt_activemask(NjSimt *t)
{
    return t->block->live[((NjSimtThread *)t - t->block->thread) / NJ_SIMT_WARP];
}

uint32_t nj_rt_ballot(NjSimt *t, uint32_t mask, int32_t pred)
{
    return (uint32_t)warp_op(t, OP_BALLOT, mask, pred != 0, 0, 32);
}

int32_t nj_rt_all(NjSimt *t, uint32_t mask, int32_t pred)
{
    return (int32_t)warp_op(t, OP_ALL, mask, pred != 0, 0, 32);
}

int32_t nj_rt_any(NjSimt *t, uint32_t mask, int32_t pred)
{
    return (int32_t)warp_op(t, OP_ANY, mask, pred != 0, 0, 32);
}

uint64_t nj_rt_shfl(NjSimt *t, uint32_t mask, uint64_t v, int32_t lane, int32_t width)
{
    return warp_op(t, OP_SHFL, mask, v, lane, width);
}

uint64_t nj_rt_shfl_up(NjSimt *t, uint32_t mask, uint64_t v, int32_t delta, int32_t width)
{
    return warp_op(t, OP_SHFL_UP, mask, v, delta, width);
}

uint64_t nj_rt_shfl_down(NjSimt *t, uint32_t mask, uint64_t v, int32_t delta, int32_t width)
{
    return warp_op(t, OP_SHFL_DOWN, mask, v, delta, width);
}

uint64_t nj_rt_shfl_xor(NjSimt *t, uint32_t mask, uint64_t v, int32_t lanemask, int32_t width)
{
    return warp_op(t, OP_SHFL_XOR, mask, v, lanemask, width);
}

uint32_t nj_rt_match_any(NjSimt *t, uint32_t mask, uint64_t v)
{
    return (uint32_t)warp_op(t, OP_MATCH_ANY, mask, v, 0, 32);
}

uint32_t nj_rt_match_all(NjSimt *t, uint32_t mask, uint64_t v)
{
    return (uint32_t)warp_op(t, OP_MATCH_ALL, mask, v, 0, 32);
}
