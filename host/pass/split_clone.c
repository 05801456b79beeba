/* split_clone.c - one region as a function: the blocks between a barrier and the next ones.
 *
 * In: the kernel, what waits where, a point. Out: a core function of its own. Its first block loads what waited and
 * computes cheap values anew; the region's blocks follow; where a barrier was, values are stored and the function
 * returns. A value that waited and is also computed in the region (a loop around the barrier) goes through a stack
 * slot, which LLVM turns back into phis.
 */
#include "pass/split_inside.h"

typedef struct Clone {
    Split *s;
    NjFn *f, *g;
    const SplitPoint *p;
    uint32_t k;
    NjAt head;                   /* the first block: its end moves on as code is added */
    NjRef *map;                  /* values of f -> values of g */
    NjRef *var;                  /* stack slots of values that waited and are computed again */
    NjBlkId *blk, *from;         /* blocks of f -> of g, and back */
    NjRef first;                 /* g's first extra parameter */
} Clone;

static NjRef extra(const Clone *c, unsigned i) { return c->g->params[c->f->nparams + i]; }

static NjRef uniform_in(const Clone *c, uint32_t i) { return extra(c, NJ_RP_N + c->s->out->nshared + i); }
static NjRef uniform_out(const Clone *c, uint32_t i) { return uniform_in(c, c->s->out->nuniform + i); }

/* -- parameters ---------------------------------------------------------------------------------------------------- */

static void add_params(Clone *c)
{
    NjFn *f = c->f, *g = c->g;
    NjTypes *ts = f->types;
    const NjType *i32 = nj_type_int(ts, 32, true), *i64 = nj_type_int(ts, 64, true);
    const NjType *p32 = nj_type_ptr(ts, i32, NJ_SPACE_GENERIC);
    const NjType *const types[NJ_RP_N] = {
        [NJ_RP_FRAME] = nj_type_ptr(ts, nj_type_int(ts, 8, false), NJ_SPACE_GENERIC),
        [NJ_RP_LINE] = i64, [NJ_RP_STRIDE] = i64, [NJ_RP_NEXT] = p32, [NJ_RP_COUNT] = p32, [NJ_RP_ARRIVED] = p32,
        [NJ_RP_REDUCED] = i32,
    };
    const NjSplit *o = c->s->out;
    for (uint32_t i = 0; i < f->nparams; i++)
        c->map[f->params[i]] = nj_fn_param(g, nj_val(f, f->params[i])->type, nj_val(f, f->params[i])->name);
    for (unsigned i = 0; i < NJ_RP_N; i++)
        nj_fn_param(g, types[i], NULL);
    for (uint32_t i = 0; i < o->nshared; i++)
        c->map[o->shared[i]] = nj_fn_param(g, nj_val(f, o->shared[i])->type, NULL);
    for (uint32_t i = 0; i < o->nuniform; i++)
        nj_fn_param(g, o->uniform[i], NULL);
    for (uint32_t i = 0; i < o->nuniform; i++)
        nj_fn_param(g, nj_type_ptr(ts, o->uniform[i], NJ_SPACE_GENERIC), NULL);
}

/* -- places -------------------------------------------------------------------------------------------------------- */

/* frame + offset * stride, as a pointer to t */
static NjRef frame_at(Clone *c, NjAt *at, uint32_t offset, const NjType *t)
{
    const NjType *i64 = nj_val(c->g, extra(c, NJ_RP_LINE))->type;
    NjRef bytes = nj_emit2(at, NJ_OP_mul, i64, extra(c, NJ_RP_STRIDE), nj_fn_int(c->g, i64, offset));
    NjRef p = extra(c, NJ_RP_FRAME);
    p = nj_emit2(at, NJ_OP_offset, nj_val(c->g, p)->type, p, bytes);
    return nj_emit1(at, NJ_OP_ptrcast, nj_type_ptr(c->g->types, t, NJ_SPACE_GENERIC), p);
}

static NjRef place_of(Clone *c, NjAt *at, uint32_t offset, const NjType *t)
{
    NjRef p = frame_at(c, at, offset, t);
    return nj_emit2(at, NJ_OP_elem, nj_val(c->g, p)->type, p, extra(c, NJ_RP_LINE));
}

/* A thread's array in one piece, elements of other threads before and behind it. */
static NjRef array_of(Clone *c, NjRef r)
{
    const NjVal *v = nj_val(c->f, r);
    if (!nj_bits_has(c->s->framed, r))
        return nj_emit0(&c->head, NJ_OP_alloca, v->type, v->imm.i);
    const NjType *i64 = nj_val(c->g, extra(c, NJ_RP_LINE))->type, *to = v->type;
    uint64_t nbytes = ((uint64_t)v->imm.i * to->elem->nbytes + 15) & ~(uint64_t)15;
    NjRef base = frame_at(c, &c->head, c->s->slot[r], nj_type_int(c->g->types, 8, false));
    NjRef skip = nj_emit2(&c->head, NJ_OP_mul, i64, extra(c, NJ_RP_LINE), nj_fn_int(c->g, i64, (int64_t)nbytes));
    base = nj_emit2(&c->head, NJ_OP_offset, nj_val(c->g, base)->type, base, skip);
    return nj_emit1(&c->head, NJ_OP_ptrcast, to, base);
}

static bool waits(const Clone *c, NjRef r) { return c->p->live && nj_bits_has(c->p->live, r); }

static NjRef load_waiting(Clone *c, NjRef r)
{
    uint32_t slot = c->s->slot[r];
    const NjType *t = nj_val(c->f, r)->type;
    if (slot & SPLIT_UNIFORM)
        return uniform_in(c, slot & ~SPLIT_UNIFORM);
    return nj_emit1(&c->head, NJ_OP_load, t, place_of(c, &c->head, slot, t));
}

static void load_all(Clone *c)
{
    for (NjRef r = 1; c->p->live && r < c->p->live->n; r++) {
        if (!waits(c, r))
            continue;
        NjRef x = load_waiting(c, r);
        if (!nj_bits_has(c->p->blks, nj_val(c->f, r)->blk)) {
            c->map[r] = x;
            continue;
        }
        const NjType *t = nj_type_ptr(c->g->types, nj_val(c->f, r)->type, NJ_SPACE_GENERIC);
        c->var[r] = nj_emit0(&c->head, NJ_OP_alloca, t, 1);
        nj_emit2(&c->head, NJ_OP_store, NULL, x, c->var[r]);
    }
}

/* -- values -------------------------------------------------------------------------------------------------------- */

static NjRef copy_value(Clone *c, NjAt *at, NjRef r, const NjRef *args)
{
    const NjVal *v = nj_val(c->f, r);
    at->loc = v->loc;
    NjRef x = nj_emit(at, v->op, v->sub, v->type, v->nargs, args);
    nj_val(c->g, x)->imm = v->imm;
    nj_val(c->g, x)->name = v->name;
    return x;
}

/* Computed in the first block, once. */
static NjRef cheap_value(Clone *c, NjRef r)
{
    const NjVal *v = nj_val(c->f, r);
    if (c->map[r])
        return c->map[r];
    if (v->op == NJ_OP_const)
        return c->map[r] = nj_fn_const(c->g, v->imm.k, v->type);
    if (v->op == NJ_OP_undef)
        return c->map[r] = nj_fn_undef(c->g, v->type);
    if (v->op == NJ_OP_alloca)
        return c->map[r] = array_of(c, r);
    NjRef *args = NJ_NEWN(c->s->a, NjRef, v->nargs + 1);
    for (uint32_t i = 0; args && i < v->nargs; i++)
        args[i] = cheap_value(c, v->args[i]);
    return c->map[r] = copy_value(c, &c->head, r, args);
}

/* The value of r at `at`. */
static NjRef value_at(Clone *c, NjAt *at, NjRef r)
{
    if (split_is_cheap(c->s, r))
        return cheap_value(c, r);
    if (c->var[r])
        return nj_emit1(at, NJ_OP_load, nj_val(c->f, r)->type, c->var[r]);
    return c->map[r];
}

/* -- leaving ------------------------------------------------------------------------------------------------------- */

static NjRef state_place(Clone *c, NjAt *at)
{
    return place_of(c, at, 0, nj_type_int(c->g->types, 32, true));
}

static void bump(Clone *c, NjAt *at, NjRegionParam which, NjRef by)
{
    const NjType *i32 = nj_type_int(c->g->types, 32, true);
    NjRef now = nj_emit1(at, NJ_OP_load, i32, extra(c, which));
    nj_emit2(at, NJ_OP_store, NULL, nj_emit2(at, NJ_OP_add, i32, now, by), extra(c, which));
}

/* Counts the thread, and its predicate when it is true. */
static void reduce(Clone *c, NjAt *at, const SplitPoint *to)
{
    const NjType *i32 = nj_type_int(c->g->types, 32, true);
    NjRef one = nj_fn_int(c->g, i32, 1), zero = nj_fn_int(c->g, i32, 0);
    bump(c, at, NJ_RP_ARRIVED, one);
    if (!to->pred)
        return;
    NjRef pred = value_at(c, at, to->pred);
    NjRef none = nj_fn_int(c->g, nj_val(c->g, pred)->type, 0);
    NjRef yes = nj_emit(at, NJ_OP_icmp, NJ_NE, nj_type_scalar(c->g->types, NJ_T_BOOL), 2, (NjRef[]){pred, none});
    bump(c, at, NJ_RP_COUNT, nj_emit3(at, NJ_OP_select, i32, yes, one, zero));
}

static void store_waiting(Clone *c, NjAt *at, NjRef r)
{
    uint32_t slot = c->s->slot[r];
    if (!c->var[r] && waits(c, r))
        return;                                            /* still there */
    NjRef x = value_at(c, at, r);
    NjRef to = slot & SPLIT_UNIFORM ? uniform_out(c, slot & ~SPLIT_UNIFORM)
                                    : place_of(c, at, slot, nj_val(c->f, r)->type);
    nj_emit2(at, NJ_OP_store, NULL, x, to);
}

static void leave_to(Clone *c, NjAt *at, uint32_t k)
{
    const SplitPoint *to = &c->s->pt.at[k];
    const NjSplit *o = c->s->out;
    NjRef number = nj_fn_int(c->g, nj_type_int(c->g->types, 32, true), k);
    if (to->pred || (o->reduces && !o->lockstep))
        reduce(c, at, to);
    for (NjRef r = 1; r < to->live->n; r++)
        if (nj_bits_has(to->live, r))
            store_waiting(c, at, r);
    nj_emit2(at, NJ_OP_store, NULL, number, extra(c, NJ_RP_NEXT));
    if (o->states && (!o->lockstep || c->k == 0))
        nj_emit2(at, NJ_OP_store, NULL, number, state_place(c, at));
    nj_emit(at, NJ_OP_ret, 0, NULL, 0, NULL);
}

static void leave_for_good(Clone *c, NjAt *at)
{
    if (c->s->out->states)
        nj_emit2(at, NJ_OP_store, NULL, nj_fn_int(c->g, nj_type_int(c->g->types, 32, true), 0), state_place(c, at));
    nj_emit(at, NJ_OP_ret, 0, NULL, 0, NULL);
}

/* -- blocks -------------------------------------------------------------------------------------------------------- */

/* The reduced value is the region's parameter; another visit in the same region is impossible: the barrier is
 * between. */
static void define(Clone *c, NjAt *at, NjRef r, NjRef x)
{
    c->map[r] = x;
    if (c->var[r])
        nj_emit2(at, NJ_OP_store, NULL, x, c->var[r]);
}

static void clone_value(Clone *c, NjAt *at, NjRef r)
{
    const NjVal *v = nj_val(c->f, r);
    if (split_is_cheap(c->s, r) && v->type)
        return;
    if (v->op == NJ_OP_barred) {
        define(c, at, r, extra(c, NJ_RP_REDUCED));
        return;
    }
    if (v->op == NJ_OP_ret) {
        leave_for_good(c, at);
        return;
    }
    NjRef *args = NJ_NEWN(c->s->a, NjRef, v->nargs + 1);
    for (uint32_t i = 0; args && i < v->nargs; i++)
        args[i] = value_at(c, at, v->args[i]);
    NjRef x = copy_value(c, at, r, args);
    if (v->op == NJ_OP_call && v->imm.callee->spec->core)
        c->g->may_raise |= v->imm.callee->spec->core->may_raise;
    c->g->may_raise |= v->op == NJ_OP_raise;
    define(c, at, r, x);
}

/* Phis first, without operands, so that stores to their stack slots come behind all of them. */
static void clone_phis(Clone *c, NjAt *at, NjBlkId b)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < nj_blk(c->f, b)->preds.n; i++) {
        NjBlkId p = nj_blk(c->f, b)->preds.at[i];
        n += nj_bits_has(c->p->blks, p) && c->s->ends[p] == SPLIT_NONE;
    }
    for nj_each_val(c->f, b, r) {
        const NjVal *v = nj_val(c->f, r);
        if (v->op != NJ_OP_phi)
            break;
        at->loc = v->loc;
        c->map[r] = nj_emit(at, NJ_OP_phi, 0, v->type, n, NULL);
        nj_val(c->g, c->map[r])->name = v->name;
    }
    for nj_each_val(c->f, b, r) {
        if (nj_val(c->f, r)->op != NJ_OP_phi)
            break;
        define(c, at, r, c->map[r]);
    }
}

static void clone_block(Clone *c, NjBlkId b)
{
    NjAt at = {.f = c->g, .b = c->blk[b]};
    clone_phis(c, &at, b);
    for nj_each_val(c->f, b, r) {
        NjOp op = nj_val(c->f, r)->op;
        if (c->s->ends[b] != SPLIT_NONE && op == NJ_OP_br)
            leave_to(c, &at, c->s->ends[b]);
        else if (op != NJ_OP_phi)
            clone_value(c, &at, r);
    }
}

static void clone_edges(Clone *c, NjBlkId b)
{
    if (c->s->ends[b] != SPLIT_NONE)
        return;
    for (unsigned i = 0; i < nj_blk(c->f, b)->nsucc; i++)
        nj_fn_edge(c->g, c->blk[b], c->blk[nj_blk(c->f, b)->succ[i]]);
}

/* Operands in the order of g's predecessors. A block may come twice, with the same value each time. */
static void fill_phis(Clone *c, NjBlkId b)
{
    const NjBlk *k = nj_blk(c->f, b);
    for nj_each_val(c->f, b, r) {
        const NjVal *v = nj_val(c->f, r);
        for (uint32_t i = 0; v->op == NJ_OP_phi && i < nj_blk(c->g, c->blk[b])->preds.n; i++) {
            NjBlkId p = nj_blk(c->g, c->blk[b])->preds.at[i];
            uint32_t j = 0, skip = 0;
            for (uint32_t q = 0; q < i; q++)
                skip += nj_blk(c->g, c->blk[b])->preds.at[q] == p;
            while (j < k->preds.n && (k->preds.at[j] != c->from[p] || skip--))
                j++;
            NjAt at = {.f = c->g, .b = p, .before = nj_blk(c->g, p)->last};
            NjRef x = j < v->nargs ? value_at(c, &at, v->args[j]) : NJ_NOREF;
            nj_val(c->g, c->map[r])->args[i] = x;
        }
    }
}

/* -- entry --------------------------------------------------------------------------------------------------------- */

static NjFn *new_fn(Split *s, uint32_t k)
{
    const NjFn *f = s->f;
    NjFn *g = nj_fn_new(f->types, s->a, f->diags, nj_arena_printf(s->a, "%s.r%u", f->name, (unsigned)k));
    g->spec = f->spec;
    g->code = f->code;
    g->file = f->file;
    g->pyname = f->pyname;
    g->core = true;
    g->ret = f->ret;
    g->opts = f->opts;
    g->opts.inline_hint = 1;
    g->uses_math = f->uses_math;
    return g;
}

static bool clone_room(Clone *c)
{
    c->map = NJ_NEWN(c->s->a, NjRef, c->f->vals.n);
    c->var = NJ_NEWN(c->s->a, NjRef, c->f->vals.n);
    c->blk = NJ_NEWN(c->s->a, NjBlkId, c->f->blks.n);
    c->from = NJ_NEWN(c->s->a, NjBlkId, c->f->blks.n + 1);
    return !nj_arena_failed(c->s->a);
}

void nj_split_clone(Split *s, uint32_t k)
{
    Clone c = {.s = s, .f = s->f, .g = new_fn(s, k), .p = &s->pt.at[k], .k = k};
    if (!clone_room(&c))
        return;
    c.head = (NjAt){.f = c.g, .b = nj_fn_blk(c.g)};
    add_params(&c);
    for (uint32_t i = 0; i < s->norder; i++)
        if (nj_bits_has(c.p->blks, s->order[i])) {
            NjBlkId b = nj_fn_blk(c.g);
            c.blk[s->order[i]] = b;
            c.from[b] = s->order[i];
        }
    load_all(&c);
    for (uint32_t i = 0; i < s->norder && !nj_arena_failed(s->a); i++)
        if (nj_bits_has(c.p->blks, s->order[i]))
            clone_block(&c, s->order[i]);
    for (uint32_t i = 0; i < s->norder && !nj_arena_failed(s->a); i++)
        if (nj_bits_has(c.p->blks, s->order[i]))
            clone_edges(&c, s->order[i]);
    for (uint32_t i = 0; i < s->norder && !nj_arena_failed(s->a); i++)
        if (nj_bits_has(c.p->blks, s->order[i]))
            fill_phis(&c, s->order[i]);
    nj_emit_br(&c.head, c.blk[c.p->after]);
    NjRegion *out = &s->out->region[k];
    out->spec = NJ_NEW(s->a, NjSpec);
    *out->spec = (NjSpec){.unit = s->u, .code = s->u->specs.at[0]->code, .core = c.g, .state = NJ_SPEC_LOWERED,
                          .symbol = c.g->name};
}
