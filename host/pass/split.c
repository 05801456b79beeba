/* split.c - cuts a kernel at its barriers: the order of work.
 *
 *     inline callees with barriers > slots to values > barriers in loops that all make alike (split_loops.c)
 *     > blocks end at barriers > who agrees (split_uniform.c)
 *     > what waits where (split_live.c) > a function for each region (split_clone.c)
 *
 * In: a lowered unit whose root is a kernel with barriers. Out: see split.h.
 */
#include "pass/pass.h"
#include "pass/split_inside.h"

enum { MAX_POINTS = 200, MAX_VALUES = 60000 };       /* beyond, stacks are the better bargain */

/* Lanes of a warp wait for each other in the middle of a region: not here. */
static bool has_warp_ops(const NjUnit *u)
{
    for (uint32_t i = 0; i < u->specs.n; i++) {
        const NjFn *f = u->specs.at[i]->core;
        for (NjRef r = 1; f && r < f->vals.n; r++) {
            const NjVal *v = nj_val(f, r);
            if (v->op == NJ_OP_syncwarp || (v->op == NJ_OP_callx && !strncmp(v->imm.name, "nj_rt_", 6)))
                return true;
        }
    }
    return false;
}

/* All that an edit changes is the copy's own; constants that both have are two. */
NjFn *nj_split_copy(const NjFn *f)
{
    NjArena *a = f->arena;
    NjFn *g = nj_arena_copy(a, f, sizeof *f);
    if (!g)
        return NULL;
    g->consts = nj_map_new(a);
    g->vals.at = nj_arena_copy(a, f->vals.at, f->vals.n * sizeof *f->vals.at);
    g->blks.at = nj_arena_copy(a, f->blks.at, f->blks.n * sizeof *f->blks.at);
    g->vals.cap = f->vals.n;
    g->blks.cap = f->blks.n;
    for (NjRef r = 1; r < f->vals.n && g->vals.at; r++)
        if (f->vals.at[r].nargs)
            g->vals.at[r].args = nj_arena_copy(a, f->vals.at[r].args, f->vals.at[r].nargs * sizeof(NjRef));
    for (NjBlkId b = 0; b < f->blks.n && g->blks.at; b++) {
        NjBlk *k = &g->blks.at[b];
        if (k->preds.n)
            k->preds.at = nj_arena_copy(a, k->preds.at, k->preds.n * sizeof(NjBlkId));
        k->preds.cap = k->preds.n;
    }
    return nj_arena_failed(a) ? NULL : g;
}

static NjStatus prepare(NjUnit *u, NjFn *f)
{
    static const char *const passes[] = {"prune", "trivphi", "fold", "dce", "latch"};
    if (!nj_pass_inline_barriers(u, f))
        return NJ_E_NYI;
    nj_fill_dom(f);
    nj_fn_drop_dead(f);
    nj_pass_promote(f);
    NjStatus st = nj_pass_check(f, "promote");
    for (unsigned i = 0; i < NJ_COUNT(passes) && !st; i++)
        st = nj_pass_run(f, passes[i]);
    return st;
}

/* -- points -------------------------------------------------------------------------------------------------------- */

static void cut_at(Split *s, NjRef r)
{
    NjFn *f = s->f;
    bool reduces = nj_val(f, r)->op == NJ_OP_barred;
    NjBlkId b = nj_val(f, r)->blk, c = nj_blk_cut(f, r);
    SplitPoint p = {.before = b, .after = c, .reduce = reduces ? nj_val(f, r)->sub : 0};
    NjAt at = {.f = f, .b = b, .loc = nj_val(f, r)->loc};
    if (reduces) {
        p.barred = r;
        p.pred = nj_val(f, r)->args[0];
        nj_val(f, r)->nargs = 0;                           /* used in b, by the point */
        nj_val_move(f, r, c, nj_blk(f, c)->first);
        s->out->reduces = true;
    } else {
        nj_val_unlink(f, r);
    }
    nj_emit_br(&at, c);
    (void)nj_vec_push(s->a, &s->pt, p);
}

static void cut_all(Split *s)
{
    SplitPoint entry = {.before = NJ_NOBLK};
    (void)nj_vec_push(s->a, &s->pt, entry);
    for (NjBlkId b = 0; b < s->f->blks.n; b++)             /* what is cut off comes later */
        for nj_each_val(s->f, b, r) {
            NjOp op = nj_val(s->f, r)->op;
            bool cut_off = op == NJ_OP_barred && nj_val(s->f, r)->nargs == 0;
            if ((op != NJ_OP_barrier && op != NJ_OP_barred) || cut_off)
                continue;
            cut_at(s, r);
            break;
        }
}

static void fill_order(Split *s)
{
    NjFn *f = s->f;
    s->order = NJ_NEWN(s->a, NjBlkId, f->blks.n);
    s->ends = NJ_NEWN(s->a, uint32_t, f->blks.n);
    if (nj_arena_failed(s->a))
        return;
    for nj_each_blk(f, b) {
        s->order[nj_blk(f, b)->rpo] = b;
        s->norder++;
    }
    for (NjBlkId b = 0; b < f->blks.n; b++)
        s->ends[b] = SPLIT_NONE;
    for (uint32_t k = 1; k < s->pt.n; k++)
        s->ends[s->pt.at[k].before] = k;
}

static void fill_shared(Split *s)
{
    s->out->shared = NJ_NEWN(s->a, NjRef, s->f->vals.n);
    for nj_each_blk(s->f, b)
        for nj_each_val(s->f, b, r)
            if (nj_val(s->f, r)->op == NJ_OP_shared && nj_val(s->f, r)->imm.i && s->out->shared)
                s->out->shared[s->out->nshared++] = r;
}

/* -- entry --------------------------------------------------------------------------------------------------------- */

static bool too_much(const Split *s)
{
    uint64_t total = 0;
    for (uint32_t k = 0; k < s->pt.n; k++)
        for nj_each_blk(s->f, b)
            for nj_each_val(s->f, b, r)
                total += nj_bits_has(s->pt.at[k].blks, b);
    return total > MAX_VALUES;
}

bool nj_split_points(Split *s)
{
    cut_all(s);
    if (s->pt.n > MAX_POINTS || s->pt.n < 2)
        return false;
    nj_fill_dom(s->f);
    fill_order(s);
    if (nj_arena_failed(s->a))
        return false;
    nj_split_fill_uniform(s);
    return !nj_arena_failed(s->a);
}

static NjSplit *cut(Split *s)
{
    if (!nj_split_points(s))
        return NULL;
    s->out->fn = s->f;
    s->out->nregion = s->pt.n;
    s->out->region = NJ_NEWN(s->a, NjRegion, s->pt.n);
    fill_shared(s);
    if (nj_arena_failed(s->a))
        return NULL;
    nj_split_fill_live(s);
    if (nj_arena_failed(s->a) || too_much(s))
        return NULL;
    for (uint32_t k = 0; k < s->pt.n && !nj_arena_failed(s->a); k++) {
        nj_split_clone(s, k);
        s->out->region[k].reduce = s->pt.at[k].reduce;
    }
    return nj_arena_failed(s->a) ? NULL : s->out;
}

/* The root, and functions whose calls are all gone, need no text any more. */
static void retire(NjUnit *u, const NjSplit *o)
{
    nj_pass_barriers(u);
    for (uint32_t i = 0; i < u->specs.n; i++)
        u->specs.at[i]->retired = u->specs.at[i]->reaches_barrier;
    for (uint32_t k = 0; k < o->nregion; k++) {
        (void)nj_vec_push(u->arena, &u->specs, o->region[k].spec);
        NjSpec *parts[] = {o->region[k].bound, o->region[k].uniform};
        for (unsigned i = 0; i < NJ_COUNT(parts); i++)
            if (parts[i])
                (void)nj_vec_push(u->arena, &u->specs, parts[i]);
    }
}

static NjStatus tidy(NjFn *g)
{
    NjStatus st = nj_pass_check(g, "split");
    nj_fill_dom(g);
    nj_pass_promote(g);
    st = st ? st : nj_pass_check(g, "promote");
    st = st ? st : nj_pass_run(g, "trivphi");
    return st ? st : nj_pass_run(g, "dce");
}

/* A function made of the region's, with the same parameters. */
static NjStatus add_part(Split *s, const NjRegion *r, NjFn *g, NjSpec **out)
{
    if (!g || !(*out = NJ_NEW(s->a, NjSpec)))
        return nj_arena_failed(s->a) ? NJ_E_NOMEM : NJ_OK;
    **out = *r->spec;
    (*out)->core = g;
    (*out)->symbol = g->name;
    NjStatus st = nj_pass_check(g, "split");
    return st ? st : nj_pass_run(g, "dce");
}

/* Threads that have returned are told by their state, not by a bound. */
static NjStatus add_parts(Split *s, NjRegion *r)
{
    NjFn *f = r->spec->core;
    if (!s->out->lockstep)
        return NJ_OK;
    if (!s->out->states)
        return add_part(s, r, nj_split_bound(s, f), &r->bound);
    NjStatus st = add_part(s, r, nj_split_uniform_part(s, f), &r->uniform);
    return st ? st : nj_pass_run(f, "dce");
}

NjSplit *nj_split_unit(NjUnit *u)
{
    NjFn *f = nj_split_copy(u->specs.at[0]->core);
    if (!f || (!u->has_barrier && !nj_split_has_loops(f)) || has_warp_ops(u) || prepare(u, f) != NJ_OK)
        return NULL;
    if (!nj_split_loops(u, f) && !u->has_barrier)
        return NULL;
    Split s = {.u = u, .f = f, .a = u->arena, .out = NJ_NEW(u->arena, NjSplit)};
    NjSplit *o = s.out ? cut(&s) : NULL;
    for (uint32_t k = 0; o && k < o->nregion; k++)
        if (tidy(o->region[k].spec->core) || add_parts(&s, &o->region[k]))
            return NULL;
    if (o)
        retire(u, o);
    return nj_arena_failed(u->arena) ? NULL : o;
}
