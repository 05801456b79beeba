/* inline.c - calls of functions with barriers in them, replaced by their bodies, so that the kernel can be cut.
 *
 * In: a unit, and its root's core function or a copy. Out: no call in it reaches a barrier. A shared array of a
 * function stays one array however often the function is called. LLVM inlines all other calls, after the cut.
 *
 * needs: nothing / keeps: nothing / breaks: cfg dom use
 */
#include "pass/split.h"

enum { MAX_INLINED = 64 };

typedef struct Inline {
    NjFn *f;
    NjArena *a;
    NJ_VEC(const NjFn *) from; NJ_VEC(NjRef) old, now;    /* shared arrays that were copied already */
    /* the call at hand */
    const NjFn *g;
    NjRef call, *map;            /* values of g -> values of f */
    NjBlkId *blk, after;
    NJ_VEC(NjRef) rets;          /* copies of g's `ret`, in the blocks that go on to `after` */
} Inline;

/* -- which functions ------------------------------------------------------------------------------------------- */

static NjRef find_call(const NjFn *f)
{
    for nj_each_blk(f, b)
        for nj_each_val(f, b, r) {
            const NjVal *v = nj_val(f, r);
            if (v->op == NJ_OP_call && v->imm.callee->spec && v->imm.callee->spec->reaches_barrier)
                return r;
        }
    return NJ_NOREF;
}

/* Callees stand behind their callers, but for recursion: from the last to the first one round does it. */
void nj_pass_barriers(NjUnit *u)
{
    bool changed = false;
    for (uint32_t i = 0; i < u->specs.n; i++) {
        NjSpec *s = u->specs.at[i];
        s->reaches_barrier = s->core && s->core->has_barrier;
        changed |= s->reaches_barrier;
    }
    while (changed) {
        changed = false;
        for (uint32_t i = u->specs.n; i-- > 0;) {
            NjSpec *s = u->specs.at[i];
            if (s->core && !s->reaches_barrier && find_call(s->core))
                s->reaches_barrier = changed = true;
        }
    }
}

/* -- blocks ------------------------------------------------------------------------------------------------------ */

NjBlkId nj_blk_cut(NjFn *f, NjRef r)
{
    NjBlkId b = nj_val(f, r)->blk, c = nj_fn_blk(f);
    for (NjRef x = nj_val(f, r)->next, next; x; x = next) {
        next = nj_val(f, x)->next;
        nj_val_move(f, x, c, NJ_NOREF);
    }
    NjBlk *from = nj_blk(f, b), *to = nj_blk(f, c);
    to->nsucc = from->nsucc;
    from->nsucc = 0;
    for (unsigned i = 0; i < to->nsucc; i++) {
        to->succ[i] = from->succ[i];
        NjBlk *s = nj_blk(f, to->succ[i]);
        for (uint32_t k = 0; k < s->preds.n; k++)
            if (s->preds.at[k] == b)
                s->preds.at[k] = c;
    }
    return c;
}

/* -- values ------------------------------------------------------------------------------------------------------- */

static NjRef map_value(Inline *n, NjRef r)
{
    const NjVal *v = nj_val(n->g, r);
    switch (v->op) {
    case NJ_OP_const: return nj_fn_const(n->f, v->imm.k, v->type);
    case NJ_OP_undef: return v->blk == NJ_NOBLK ? nj_fn_undef(n->f, v->type) : n->map[r];
    case NJ_OP_param: return nj_val(n->f, n->call)->args[v->imm.i];
    default: return n->map[r];
    }
}

static NjRef copy_shared(Inline *n, NjRef r, NjAt *entry)
{
    for (uint32_t i = 0; i < n->from.n; i++)
        if (n->from.at[i] == n->g && n->old.at[i] == r)
            return n->now.at[i];
    NjRef now = nj_emit0(entry, NJ_OP_shared, nj_val(n->g, r)->type, nj_val(n->g, r)->imm.i);
    (void)nj_vec_push(n->a, &n->from, n->g);
    (void)nj_vec_push(n->a, &n->old, r);
    (void)nj_vec_push(n->a, &n->now, now);
    return now;
}

static NjRef copy_value(Inline *n, NjRef r, NjAt *at)
{
    const NjVal *v = nj_val(n->g, r);
    NjAt entry = {.f = n->f, .b = 0, .before = nj_blk(n->f, 0)->first, .loc = v->loc};
    if (v->op == NJ_OP_shared)
        return copy_shared(n, r, &entry);
    at->loc = v->loc;
    NjRef x = nj_emit(v->op == NJ_OP_alloca ? &entry : at, v->op, v->sub, v->type, v->nargs, NULL);
    nj_val(n->f, x)->imm = v->imm;
    nj_val(n->f, x)->name = v->name;
    return x;
}

static void copy_block(Inline *n, NjBlkId b)
{
    const NjBlk *k = nj_blk(n->g, b);
    NjAt at = {.f = n->f, .b = n->blk[b]};
    for nj_each_val(n->g, b, r) {
        if (nj_val(n->g, r)->op == NJ_OP_ret) {
            (void)nj_vec_push(n->a, &n->rets, r);
            nj_emit_br(&at, n->after);
        } else {
            n->map[r] = copy_value(n, r, &at);
        }
    }
    for (unsigned i = 0; i < k->nsucc; i++)
        nj_blk(n->f, n->blk[b])->succ[i] = n->blk[k->succ[i]];
    if (k->nsucc)
        nj_blk(n->f, n->blk[b])->nsucc = k->nsucc;
    for (uint32_t i = 0; i < k->preds.n; i++)
        (void)nj_vec_push(n->f->arena, &nj_blk(n->f, n->blk[b])->preds, n->blk[k->preds.at[i]]);
}

/* Once every value has a copy: blocks are in no particular order. */
static void fill_args(Inline *n)
{
    for nj_each_blk(n->g, b)
        for nj_each_val(n->g, b, r) {
            const NjVal *v = nj_val(n->g, r);
            for (uint32_t i = 0; n->map[r] && i < v->nargs; i++) {
                NjRef x = map_value(n, v->args[i]);
                if (i < nj_val(n->f, n->map[r])->nargs)
                    nj_val(n->f, n->map[r])->args[i] = x;
            }
        }
}

/* What each `result` of the call becomes: the one return's value, or a phi of all. */
static void replace_results(Inline *n)
{
    for nj_each_val(n->f, n->after, r) {
        const NjVal *v = nj_val(n->f, r);
        if (v->op != NJ_OP_result || v->args[0] != n->call)
            continue;
        uint32_t part = (uint32_t)v->imm.i;
        NjRef x = n->rets.n ? NJ_NOREF : nj_fn_undef(n->f, v->type);
        if (n->rets.n == 1)
            x = map_value(n, nj_val(n->g, n->rets.at[0])->args[part]);
        else if (n->rets.n)
            x = nj_emit_phi(n->f, n->after, v->type, n->rets.n);
        for (uint32_t i = 0; n->rets.n > 1 && i < n->rets.n; i++) {
            NjRef y = map_value(n, nj_val(n->g, n->rets.at[i])->args[part]);
            nj_val(n->f, x)->args[i] = y;
        }
        nj_fn_replace(n->f, r, x);
        nj_val_unlink(n->f, r);
    }
}

static bool inline_call(Inline *n, NjRef call)
{
    NjFn *f = n->f;
    n->call = call;
    n->g = nj_val(f, call)->imm.callee->spec->core;
    n->map = NJ_NEWN(n->a, NjRef, n->g->vals.n);
    n->blk = NJ_NEWN(n->a, NjBlkId, n->g->blks.n);
    n->rets.n = 0;
    if (!n->map || !n->blk || n->g == f)
        return false;
    n->after = nj_blk_cut(f, call);
    NjBlkId before = nj_val(f, call)->blk;
    for nj_each_blk(n->g, b)
        n->blk[b] = nj_fn_blk(f);
    for nj_each_blk(n->g, b)
        copy_block(n, b);
    fill_args(n);
    if (nj_arena_failed(n->a))
        return false;
    replace_results(n);
    NjAt at = {.f = f, .b = before, .loc = nj_val(f, call)->loc};
    nj_val_unlink(f, call);
    nj_emit_br(&at, n->blk[0]);
    return !nj_arena_failed(n->a);
}

bool nj_pass_inline_barriers(NjUnit *u, NjFn *f)
{
    nj_pass_barriers(u);
    Inline n = {.f = f, .a = u->arena};
    NjRef call = NJ_NOREF;
    for (uint32_t i = 0; i <= MAX_INLINED && (call = find_call(f)); i++)
        if (i == MAX_INLINED || !inline_call(&n, call))
            return false;
    return true;
}
