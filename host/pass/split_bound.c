/* split_bound.c - how far along x does a region have anything to do? `if threadIdx.x < n:` around all of it says so.
 *
 * In: a region's function. Out: a function of the same parameters that gives a bound: threads with an index along x at
 * or above it do nothing of their own. Where threads of a tree sum drop out, the loop over threads then shrinks with
 * them. It follows the region while all threads go one way; the first branch on x gives the bound if its other side,
 * and all that comes after, has no effect but the uniform values, which any one thread leaves as well as all.
 *
 * Where some threads have returned, what all have in common is better done once, ahead of the loop: the uniform part.
 *
 * The bound may be 0 or less. One thread has to run all the same, for the uniform values.
 */
#include "pass/split_inside.h"

typedef struct Bound {
    NjFn *g;
    NjArena *a;
    const NjSplit *o;
    uint32_t nparams;            /* of the kernel */
    NjBits *differs, *acts;      /* values that threads disagree on; blocks with effects of a thread's own */
    NjBits *seen;
    bool found, loops;
} Bound;

/* -- what threads do --------------------------------------------------------------------------------------------- */

/* Places of the thread's own, and those that all threads fill alike. */
static bool is_quiet_place(const Bound *n, NjRef p)
{
    const NjVal *v = nj_val(n->g, p);
    if (v->op == NJ_OP_alloca)
        return v->imm.i == 1;
    return v->op == NJ_OP_param && ((uint64_t)v->imm.i == n->nparams + NJ_RP_NEXT ||
                                    (uint64_t)v->imm.i >= n->g->nparams - n->o->nuniform);
}

static bool acts(const Bound *n, const NjVal *v)
{
    if (v->op == NJ_OP_store)
        return !is_quiet_place(n, v->args[1]);
    return v->op == NJ_OP_raise || (v->op != NJ_OP_alloca && v->op != NJ_OP_shared && v->op != NJ_OP_load &&
                                    (nj_op_has(v->op, 'W') || nj_op_has(v->op, 'E')));
}

static bool differs_itself(const Bound *n, const NjVal *v)
{
    return (v->op == NJ_OP_sreg && (v->sub <= NJ_SREG_TID_Z || v->sub == NJ_SREG_LANEID)) || v->op == NJ_OP_alloca ||
           v->op == NJ_OP_load || (v->op == NJ_OP_param && (uint64_t)v->imm.i == n->nparams + NJ_RP_LINE);
}

static void fill_facts(Bound *n)
{
    NjFn *g = n->g;
    for (NjRef r = 1; r < g->vals.n; r++)
        if (differs_itself(n, nj_val(g, r)))
            nj_bits_set(n->differs, r);
    for (bool changed = true; changed;) {
        changed = false;
        for nj_each_blk(g, b)
            for nj_each_val(g, b, r) {
                const NjVal *v = nj_val(g, r);
                bool differs = nj_op_has(v->op, 'R');
                for (uint32_t i = 0; i < v->nargs; i++)
                    differs |= nj_bits_has(n->differs, v->args[i]);
                if (!differs || nj_bits_has(n->differs, r))
                    continue;
                nj_bits_set(n->differs, r);
                changed = true;
            }
    }
    for nj_each_blk(g, b)
        for nj_each_val(g, b, r)
            if (acts(n, nj_val(g, r)))
                nj_bits_set(n->acts, b);
}

static bool acts_from(const Bound *n, NjBlkId b, NjBits *seen)
{
    if (nj_bits_has(seen, b))
        return false;
    nj_bits_set(seen, b);
    if (nj_bits_has(n->acts, b))
        return true;
    for (unsigned i = 0; i < nj_blk(n->g, b)->nsucc; i++)
        if (acts_from(n, nj_blk(n->g, b)->succ[i], seen))
            return true;
    return false;
}

/* -- the branch on x --------------------------------------------------------------------------------------------- */

static bool is_x(const NjFn *g, NjRef r)
{
    const NjVal *v = nj_val(g, r);
    while (v->op == NJ_OP_sext || v->op == NJ_OP_zext)
        v = nj_arg(g, v, 0);
    return v->op == NJ_OP_sreg && v->sub == NJ_SREG_TID_X;
}

/* x < u, u > x, x == constant: the other operand, and what to add to it. */
static NjRef guard_of(const Bound *n, NjRef cond, int64_t *more)
{
    const NjVal *v = nj_val(n->g, cond);
    int64_t k;
    if (v->op != NJ_OP_icmp)
        return NJ_NOREF;
    bool left = is_x(n->g, v->args[0]), right = is_x(n->g, v->args[1]);
    NjRef u = left ? v->args[1] : v->args[0];
    if (left == right || nj_bits_has(n->differs, u) || !nj_type_is(nj_val(n->g, u)->type, NJ_K_INT))
        return NJ_NOREF;
    bool small = nj_const_int(n->g, u, &k) && k >= 0 && k < 4096;
    *more = v->sub == (left ? NJ_SLT : NJ_SGT) ? 0 : 1;
    bool ok = !*more || (small && (v->sub == NJ_EQ || v->sub == (left ? NJ_SLE : NJ_SGE)));
    return ok ? u : NJ_NOREF;
}

/* -- cutting the copy ---------------------------------------------------------------------------------------------- */

/* Nothing from r on; the block ends here with this bound. */
static void end_block(Bound *n, NjBlkId b, NjRef r, NjRef bound)
{
    while (nj_blk(n->g, b)->nsucc)
        nj_fn_drop_edge(n->g, b, nj_blk(n->g, b)->nsucc - 1u);
    for (NjRef next; r; r = next) {
        next = nj_val(n->g, r)->next;
        nj_val_unlink(n->g, r);
    }
    NjAt at = {.f = n->g, .b = b};
    nj_emit1(&at, NJ_OP_ret, NULL, bound);
}

static void end_with(Bound *n, NjBlkId b, NjRef r, int64_t bound)
{
    end_block(n, b, r, nj_fn_int(n->g, nj_type_int(n->g->types, 64, true), bound));
}

static void end_at_guard(Bound *n, NjBlkId b, NjRef last)
{
    int64_t more;
    const NjType *i64 = nj_type_int(n->g->types, 64, true);
    NjRef u = guard_of(n, nj_val(n->g, last)->args[0], &more);
    NjBits *seen = nj_bits_new(n->a, n->g->blks.n);
    if (!u || !seen->n || acts_from(n, nj_blk(n->g, b)->succ[1], seen)) {
        end_with(n, b, last, INT32_MAX);
        return;
    }
    NjAt at = {.f = n->g, .b = b, .before = last};
    if (nj_val(n->g, u)->type->bits < 64)
        u = nj_emit1(&at, NJ_OP_sext, i64, u);
    if (more)
        u = nj_emit2(&at, NJ_OP_add, i64, u, nj_fn_int(n->g, i64, more));
    end_block(n, b, last, u);
    n->found = true;
}

static NjRef first_act(const Bound *n, NjBlkId b)
{
    for nj_each_val(n->g, b, r)
        if (acts(n, nj_val(n->g, r)))
            return r;
    return NJ_NOREF;
}

static void follow(Bound *n, NjBlkId b)
{
    NjBlk *k = nj_blk(n->g, b);
    if (nj_bits_has(n->seen, b))
        return;
    nj_bits_set(n->seen, b);
    NjRef last = k->last;
    if (nj_bits_has(n->acts, b)) {
        end_with(n, b, first_act(n, b), INT32_MAX);
        return;
    }
    if (nj_val(n->g, last)->op == NJ_OP_ret) {
        end_with(n, b, last, 1);
        return;
    }
    if (nj_val(n->g, last)->op == NJ_OP_condbr && nj_bits_has(n->differs, nj_val(n->g, last)->args[0])) {
        end_at_guard(n, b, last);
        return;
    }
    for (unsigned i = 0; i < nj_blk(n->g, b)->nsucc; i++) {
        n->loops |= nj_dom(n->g, nj_blk(n->g, b)->succ[i], b);
        follow(n, nj_blk(n->g, b)->succ[i]);
    }
}

/* Drops stores to quiet places, or all others. What only they used goes with them later. */
static void drop_stores(const Bound *n, NjFn *g, bool quiet)
{
    for nj_each_blk(g, b)
        for nj_each_val(g, b, r)
            if (nj_val(g, r)->op == NJ_OP_store && is_quiet_place(n, nj_val(g, r)->args[1]) == quiet)
                nj_val_unlink(g, r);
}

static bool bound_room(Bound *n, Split *s, NjFn *g)
{
    *n = (Bound){.g = g, .a = s->a, .o = s->out, .nparams = s->f->nparams};
    if (!g)
        return false;
    nj_fill_dom(g);
    n->differs = nj_bits_new(s->a, g->vals.n);
    n->acts = nj_bits_new(s->a, g->blks.n);
    n->seen = nj_bits_new(s->a, g->blks.n);
    if (nj_arena_failed(s->a))
        return false;
    fill_facts(n);
    return true;
}

/* -- the uniform part ---------------------------------------------------------------------------------------------- */

/* One way for all threads, and nothing that an extra run could change? */
static bool goes_one_way(const Bound *n)
{
    for nj_each_blk(n->g, b) {
        NjRef last = nj_blk(n->g, b)->last;
        if (nj_val(n->g, last)->op == NJ_OP_condbr && nj_bits_has(n->differs, nj_val(n->g, last)->args[0]))
            return false;
        for nj_each_val(n->g, b, r) {
            const NjVal *v = nj_val(n->g, r);
            if (acts(n, v) && v->op != NJ_OP_store)
                return false;
            for (unsigned i = 0; i < nj_blk(n->g, b)->nsucc; i++)
                if (nj_dom(n->g, nj_blk(n->g, b)->succ[i], b))
                    return false;
        }
    }
    return true;
}

NjFn *nj_split_uniform_part(Split *s, NjFn *region)
{
    Bound n;
    NjFn *g = nj_split_copy(region);
    if (!bound_room(&n, s, g) || !goes_one_way(&n))
        return NULL;
    drop_stores(&n, g, false);
    drop_stores(&n, region, true);
    g->name = nj_arena_printf(s->a, "%s.all", region->name);
    return g;
}

/* -- entry --------------------------------------------------------------------------------------------------------- */

NjFn *nj_split_bound(Split *s, const NjFn *region)
{
    Bound n;
    NjFn *g = nj_split_copy(region);
    if (!bound_room(&n, s, g))
        return NULL;
    follow(&n, 0);
    if (!n.found || n.loops)
        return NULL;
    const NjType **rets = NJ_NEW(s->a, const NjType *);
    if (!rets)
        return NULL;
    rets[0] = nj_type_int(g->types, 64, true);
    g->rets = rets;
    g->nrets = 1;
    g->ret = rets[0];
    g->may_raise = false;
    g->name = nj_arena_printf(s->a, "%s.bound", region->name);
    nj_fill_dom(g);
    nj_fn_drop_dead(g);
    drop_stores(&n, g, true);
    return g;
}
