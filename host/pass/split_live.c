/* split_live.c - which values wait at which barrier, and where.
 *
 * In: the kernel with its points. Out: cheap values, which every region computes anew; for the others a place in the
 * frame, one element for each thread side by side so that a loop over threads runs along it, or, when all threads
 * agree, one place for all. Stack arrays that outlive a region lie in the frame, too, each thread's in one piece.
 */
#include "pass/split_inside.h"

enum { MAX_COST = 16, MAX_COST_UNIFORM = 48 };

/* -- cheap values -------------------------------------------------------------------------------------------------- */

static bool nonzero_const(const NjFn *f, NjRef r)
{
    int64_t i;
    return nj_const_int(f, r, &i) && i != 0 && i != -1;
}

/* May it be computed at any time, as often as needed? Divisions only where they cannot trap. */
static bool is_plain(const NjFn *f, const NjVal *v)
{
    switch (v->op) {
    case NJ_OP_sdiv: case NJ_OP_srem: case NJ_OP_udiv: case NJ_OP_urem: return nonzero_const(f, v->args[1]);
    case NJ_OP_math: case NJ_OP_frem: case NJ_OP_fdiv: case NJ_OP_phi: return false;
    case NJ_OP_sreg: case NJ_OP_alloca: case NJ_OP_shared: return true;
    default: return nj_op_has(v->op, 'F');
    }
}

static uint16_t value_cost(const Split *s, NjRef r)
{
    const NjVal *v = nj_val(s->f, r);
    if (v->op == NJ_OP_const || v->op == NJ_OP_param || v->op == NJ_OP_undef)
        return 0;
    if (!is_plain(s->f, v))
        return UINT16_MAX;
    uint32_t sum = v->nargs > 0;
    for (uint32_t i = 0; i < v->nargs; i++) {
        if (s->cost[v->args[i]] == UINT16_MAX)
            return UINT16_MAX;
        sum += s->cost[v->args[i]];
    }
    bool agree = s->out->lockstep && !nj_bits_has(s->differs, r);
    return sum > (agree ? MAX_COST_UNIFORM : MAX_COST) ? UINT16_MAX : (uint16_t)sum;
}

static void fill_cost(Split *s)
{
    for (NjRef r = 0; r < s->f->vals.n; r++)
        s->cost[r] = nj_val(s->f, r)->blk == NJ_NOBLK ? value_cost(s, r) : UINT16_MAX;
    for (uint32_t i = 0; i < s->norder; i++)
        for nj_each_val(s->f, s->order[i], r)
            s->cost[r] = value_cost(s, r);
}

/* -- liveness ------------------------------------------------------------------------------------------------------ */

typedef struct Live { NjBits **in, **uses, **defs; } Live;

static void add_use(Split *s, Live *l, NjBlkId b, NjRef r)
{
    if (r && nj_val(s->f, r)->blk != NJ_NOBLK && !split_is_cheap(s, r) && !nj_bits_has(l->defs[b], r))
        nj_bits_set(l->uses[b], r);
}

static void fill_block(Split *s, Live *l, NjBlkId b)
{
    NjFn *f = s->f;
    for nj_each_val(f, b, r) {
        const NjVal *v = nj_val(f, r);
        for (uint32_t i = 0; i < v->nargs && v->op != NJ_OP_phi; i++)
            add_use(s, l, b, v->args[i]);
        nj_bits_set(l->defs[b], r);
    }
    if (s->ends[b] != SPLIT_NONE)
        add_use(s, l, b, s->pt.at[s->ends[b]].pred);
}

/* A phi uses its operands where their edges start, behind all that the block does. */
static void phi_uses(Split *s, Live *l, NjBlkId b)
{
    for nj_each_val(s->f, b, r) {
        const NjVal *v = nj_val(s->f, r);
        for (uint32_t i = 0; v->op == NJ_OP_phi && i < v->nargs; i++)
            add_use(s, l, nj_blk(s->f, b)->preds.at[i], v->args[i]);
    }
}

/* in = uses + (out - defs) */
static bool flow_block(Split *s, Live *l, NjBlkId b)
{
    bool changed = nj_bits_or(l->in[b], l->uses[b]);
    for (unsigned i = 0; i < nj_blk(s->f, b)->nsucc; i++) {
        const NjBits *from = l->in[nj_blk(s->f, b)->succ[i]];
        for (uint32_t w = 0; w < (from->n + 63) / 64; w++) {
            uint64_t more = from->w[w] & ~l->defs[b]->w[w] & ~l->in[b]->w[w];
            l->in[b]->w[w] |= more;
            changed |= more != 0;
        }
    }
    return changed;
}

static void fill_live(Split *s)
{
    uint32_t nblk = s->f->blks.n, nval = s->f->vals.n;
    Live l = {NJ_NEWN(s->a, NjBits *, nblk), NJ_NEWN(s->a, NjBits *, nblk), NJ_NEWN(s->a, NjBits *, nblk)};
    for (NjBlkId b = 0; b < nblk && !nj_arena_failed(s->a); b++) {
        l.in[b] = nj_bits_new(s->a, nval);
        l.uses[b] = nj_bits_new(s->a, nval);
        l.defs[b] = nj_bits_new(s->a, nval);
    }
    if (nj_arena_failed(s->a))
        return;
    for nj_each_blk(s->f, b)
        fill_block(s, &l, b);
    for nj_each_blk(s->f, b)
        phi_uses(s, &l, b);
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t i = s->norder; i-- > 0;)
            changed |= flow_block(s, &l, s->order[i]);
    }
    for (uint32_t k = 1; k < s->pt.n; k++)
        s->pt.at[k].live = l.in[s->pt.at[k].after];
}

/* -- regions ------------------------------------------------------------------------------------------------------- */

static void fill_region(Split *s, uint32_t k)
{
    SplitPoint *p = &s->pt.at[k];
    NjRegion *out = &s->out->region[k];
    NjBlkId *stack = NJ_NEWN(s->a, NjBlkId, s->f->blks.n);
    uint32_t depth = 0;
    p->blks = nj_bits_new(s->a, s->f->blks.n);
    out->exits = nj_bits_new(s->a, s->pt.n);
    if (nj_arena_failed(s->a))
        return;
    nj_bits_set(p->blks, p->after);
    stack[depth++] = p->after;
    while (depth) {
        NjBlkId b = stack[--depth];
        const NjBlk *x = nj_blk(s->f, b);
        if (s->ends[b] != SPLIT_NONE) {
            out->nexit += !nj_bits_has(out->exits, s->ends[b]);
            nj_bits_set(out->exits, s->ends[b]);
            continue;
        }
        out->ends |= x->last && nj_val(s->f, x->last)->op == NJ_OP_ret;
        for (unsigned i = 0; i < x->nsucc; i++)
            if (!nj_bits_has(p->blks, x->succ[i])) {
                nj_bits_set(p->blks, x->succ[i]);
                stack[depth++] = x->succ[i];
            }
    }
}

/* Which points can be reached again from themselves? */
static void fill_cycles(Split *s)
{
    uint32_t n = s->pt.n;
    NjBits **reach = NJ_NEWN(s->a, NjBits *, n);
    for (uint32_t k = 0; k < n && reach; k++) {
        reach[k] = nj_bits_new(s->a, n);
        if (nj_arena_failed(s->a))
            return;
        nj_bits_or(reach[k], s->out->region[k].exits);
    }
    for (bool changed = true; changed && reach;) {
        changed = false;
        for (uint32_t k = 0; k < n; k++)
            for (uint32_t j = 0; j < n; j++)
                if (nj_bits_has(reach[k], j))
                    changed |= nj_bits_or(reach[k], reach[j]);
    }
    for (uint32_t k = 0; k < n && reach; k++)
        s->pt.at[k].loops = nj_bits_has(reach[k], k);
}

/* -- stack arrays -------------------------------------------------------------------------------------------------- */

/* All pointers made of the array, through phis and casts; *lost: one was stored, or given away. */
static NjBits *pointers_of(Split *s, NjRef array, bool *lost)
{
    NjBits *of = nj_bits_new(s->a, s->f->vals.n);
    *lost = false;
    if (of->n)
        nj_bits_set(of, array);
    for (bool changed = of->n > 0; changed;) {
        changed = false;
        for (uint32_t i = 0; i < s->norder; i++)
            for nj_each_val(s->f, s->order[i], r) {
                const NjVal *v = nj_val(s->f, r);
                bool uses = false;
                for (uint32_t k = 0; k < v->nargs; k++)
                    uses |= nj_bits_has(of, v->args[k]);
                *lost |= uses && v->op == NJ_OP_store && nj_bits_has(of, v->args[0]);
                bool made = v->op == NJ_OP_phi || (nj_op_has(v->op, 'F') && v->op != NJ_OP_icmp);
                if (!uses || !made || nj_bits_has(of, r))
                    continue;
                nj_bits_set(of, r);
                changed = true;
            }
    }
    return of;
}

static bool region_uses(const Split *s, uint32_t k, const NjBits *of)
{
    for nj_each_blk(s->f, b)
        for nj_each_val(s->f, b, r) {
            const NjVal *v = nj_val(s->f, r);
            for (uint32_t i = 0; nj_bits_has(s->pt.at[k].blks, b) && i < v->nargs; i++)
                if (nj_bits_has(of, v->args[i]))
                    return true;
        }
    return false;
}

static uint32_t frame_take(Split *s, uint32_t nbytes)
{
    uint32_t at = s->out->frame_bytes;
    s->out->frame_bytes += nbytes;
    return at;
}

static void place_array(Split *s, NjRef r)
{
    bool lost;
    const NjBits *of = pointers_of(s, r, &lost);
    if (!of->n)
        return;
    uint32_t nuse = 0;
    bool again = false;
    for (uint32_t k = 0; k < s->pt.n; k++)
        if (region_uses(s, k, of)) {
            nuse++;
            again |= s->pt.at[k].loops;
        }
    if (nuse < 2 && !again && !lost) {
        for (uint32_t k = 0; k < s->pt.n; k++)
            s->out->region[k].stack |= region_uses(s, k, of);
        return;
    }
    uint64_t nbytes = (uint64_t)nj_val(s->f, r)->imm.i * nj_val(s->f, r)->type->elem->nbytes;
    nj_bits_set(s->framed, r);
    s->slot[r] = frame_take(s, (uint32_t)((nbytes + 15) & ~(uint64_t)15));
}

/* -- places -------------------------------------------------------------------------------------------------------- */

static void place_value(Split *s, NjRef r)
{
    NjSplit *out = s->out;
    const NjType *t = nj_val(s->f, r)->type;
    if (!out->lockstep || nj_bits_has(s->differs, r)) {
        s->slot[r] = frame_take(s, t->nbytes ? t->nbytes : 8);
        return;
    }
    s->slot[r] = SPLIT_UNIFORM | out->nuniform;
    out->uniform[out->nuniform++] = t;
}

static void place_values(Split *s)
{
    s->out->uniform = NJ_NEWN(s->a, const NjType *, s->f->vals.n);
    NjBits *any = nj_bits_new(s->a, s->f->vals.n);
    if (nj_arena_failed(s->a))
        return;
    for (uint32_t k = 1; k < s->pt.n; k++)
        nj_bits_or(any, s->pt.at[k].live);
    for (NjRef r = 1; r < any->n; r++)
        if (nj_bits_has(any, r))
            place_value(s, r);
    for (uint32_t k = 0; k < s->pt.n; k++) {
        NjBits *live = s->out->region[k].live = nj_bits_new(s->a, s->out->nuniform + 1);
        for (NjRef r = 1; k && live->n && r < any->n; r++)
            if (nj_bits_has(s->pt.at[k].live, r) && s->slot[r] & SPLIT_UNIFORM)
                nj_bits_set(live, s->slot[r] & ~SPLIT_UNIFORM);
    }
}

void nj_split_fill_live(Split *s)
{
    uint32_t nval = s->f->vals.n;
    s->cost = NJ_NEWN(s->a, uint16_t, nval);
    s->slot = NJ_NEWN(s->a, uint32_t, nval);
    s->framed = nj_bits_new(s->a, nval);
    if (nj_arena_failed(s->a))
        return;
    memset(s->slot, 0xff, nval * sizeof *s->slot);
    s->out->frame_bytes = s->out->states ? 4 : 0;
    fill_cost(s);
    fill_live(s);
    for (uint32_t k = 0; k < s->pt.n && !nj_arena_failed(s->a); k++)
        fill_region(s, k);
    if (nj_arena_failed(s->a))
        return;
    fill_cycles(s);
    place_values(s);
    for nj_each_val(s->f, 0, r)
        if (nj_val(s->f, r)->op == NJ_OP_alloca && !nj_arena_failed(s->a))
            place_array(s, r);
}
