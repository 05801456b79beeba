/* flow.c - which variables are bound at each use, which are live at each block: two bit-vector problems over the
 * blocks.
 *
 * In: blocks. Out: NjFlow. A use that not every way from the entry has assigned is checked at run time, so its
 * variable gets a shadow: a variable of its own that says whether it is bound. Liveness then keeps phis to where they
 * are wanted. A pass over the blocks costs blocks x variables / 64 words, and structured code needs a few.
 */
#include "front/front.h"

typedef struct FlowBuild {
    NjArena *arena;
    const NjBytecode *bc;
    const NjCfg *cfg;
    NjFlow *out;
} FlowBuild;

static NjBits **sets_new(NjArena *a, uint32_t n, uint32_t nbits)
{
    NjBits **sets = nj_arena_alloc(a, (n + 1) * sizeof *sets);
    for (uint32_t i = 0; sets && i < n; i++)
        if (!(sets[i] = nj_bits_new(a, nbits)))
            return NULL;
    return sets;
}

static uint32_t nwords(const NjBits *b) { return (b->n + 63) / 64; }

/* -- bound? `must` holds what every way here has assigned, `may` what some way has ----------------------- */

static void bound_step(const NjIns *i, NjBits *set)
{
    if (i->op == NJ_BC_LOAD_FAST || i->op == NJ_BC_STORE_FAST)     /* a use that passed its check is bound, too */
        nj_bits_set(set, i->arg);
    else if (i->op == NJ_BC_DEL_FAST)
        nj_bits_clear(set, i->arg);
}

static void bound_block(const FlowBuild *w, const NjFrontBlk *b, NjBits *set)
{
    for (uint32_t i = b->first; i < b->end; i++)
        bound_step(&w->bc->ins[i], set);
}

static bool bits_set_to(NjBits *dst, const NjBits *src)
{
    bool same = !memcmp(dst->w, src->w, nwords(dst) * sizeof *dst->w);
    if (!same)
        memcpy(dst->w, src->w, nwords(dst) * sizeof *dst->w);
    return !same;
}

/* in = the predecessors' outs, intersected or united; the entry's is what the parameters bind. */
static void bound_meet(const FlowBuild *w, uint32_t b, NjBits **outs, NjBits *in, bool all)
{
    const NjSpan *preds = &w->cfg->blks[b].preds;
    for (uint32_t i = 0; i < preds->n; i++) {
        const NjBits *from = outs[preds->at[i]];
        for (uint32_t k = 0; k < nwords(in); k++)
            in->w[k] = !i ? from->w[k] : all ? in->w[k] & from->w[k] : in->w[k] | from->w[k];
    }
}

static bool bound_solve(const FlowBuild *w, NjBits **ins, const NjBits *entry, bool all)
{
    NjBits **outs = sets_new(w->arena, w->cfg->n, entry->n);
    NjBits *now = nj_bits_new(w->arena, entry->n);
    if (!outs || !now)
        return false;
    for (uint32_t b = 0; all && b < w->cfg->n; b++)
        memset(outs[b]->w, 0xff, nwords(now) * sizeof *now->w);
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t b = 0; b < w->cfg->n; b++) {
            if (b)
                bound_meet(w, b, outs, ins[b], all);
            else
                bits_set_to(ins[0], entry);
            bits_set_to(now, ins[b]);
            bound_block(w, &w->cfg->blks[b], now);
            changed |= bits_set_to(outs[b], now);
        }
    }
    return true;
}

static void bound_note(FlowBuild *w, const NjFrontBlk *b, NjBits *must, NjBits *may)
{
    for (uint32_t n = b->first; n < b->end; n++) {
        const NjIns *i = &w->bc->ins[n];
        if (i->op == NJ_BC_LOAD_FAST || i->op == NJ_BC_DEL_FAST) {
            NjBound is = nj_bits_has(must, i->arg)  ? NJ_BOUND
                         : nj_bits_has(may, i->arg) ? NJ_MAYBE_UNBOUND
                                                    : NJ_UNBOUND;
            w->out->bound[n] = (uint8_t)is;
            if (is == NJ_MAYBE_UNBOUND && w->out->shadow[i->arg] == FRONT_NONE)
                w->out->shadow[i->arg] = w->out->nvar + w->out->nshadow++;
        }
        bound_step(i, must);
        bound_step(i, may);
    }
}

static bool bound_same_place(const NjCode *code, const NjIns *a, const NjIns *b)
{
    NjLoc x = nj_front_loc(code, a), y = nj_front_loc(code, b);
    return a->arg == b->arg && x.line == y.line && x.col == y.col;
}

/* One use in the source may be several instructions, as short exits are copied. If another copy may find the
 * variable bound, this one is no error in the program but a way on which it raises. */
static void bound_copies(FlowBuild *w, const NjCode *code)
{
    for (uint32_t n = 0; n < w->bc->n; n++)
        for (uint32_t k = 0; w->out->bound[n] == NJ_UNBOUND && k < w->bc->n; k++) {
            const NjIns *i = &w->bc->ins[k];
            bool is_use = i->op == NJ_BC_LOAD_FAST || i->op == NJ_BC_DEL_FAST;
            if (is_use && w->out->bound[k] <= NJ_MAYBE_UNBOUND && bound_same_place(code, &w->bc->ins[n], i))
                w->out->bound[n] = NJ_UNBOUND_HERE;
        }
}

static bool flow_bound(FlowBuild *w, uint32_t nparams)
{
    NjFlow *o = w->out;
    NjBits *entry = nj_bits_new(w->arena, o->nvar + 1);
    NjBits **must = sets_new(w->arena, w->cfg->n, o->nvar + 1), **may = sets_new(w->arena, w->cfg->n, o->nvar + 1);
    if (!entry || !must || !may)
        return false;
    for (uint32_t i = 0; i < nparams; i++)
        nj_bits_set(entry, i);
    if (!bound_solve(w, must, entry, true) || !bound_solve(w, may, entry, false))
        return false;
    for (uint32_t b = 0; b < w->cfg->n; b++)
        bound_note(w, &w->cfg->blks[b], must[b], may[b]);
    return true;
}

/* -- live? ----------------------------------------------------------------------------------------------- */

typedef struct LiveSets { NjBits *uses, *defs; } LiveSets;

static void live_use(LiveSets *s, uint32_t var)
{
    if (!nj_bits_has(s->defs, var))
        nj_bits_set(s->uses, var);
}

static void live_var(const NjFlow *o, LiveSets *s, const NjIns *i, NjBound bound)
{
    uint32_t shadow = o->shadow[i->arg];
    if (i->op == NJ_BC_LOAD_FAST && bound <= NJ_MAYBE_UNBOUND)
        live_use(s, i->arg);
    if (bound == NJ_MAYBE_UNBOUND)
        live_use(s, shadow);
    if (i->op == NJ_BC_LOAD_FAST)
        return;
    nj_bits_set(s->defs, i->arg);
    if (shadow != FRONT_NONE)
        nj_bits_set(s->defs, shadow);
}

/* Slots below the top that an instruction reads without popping them. */
static void live_peek(const NjFlow *o, LiveSets *s, const NjIns *i, uint32_t depth)
{
    if (i->op == NJ_BC_FOR_ITER || i->op == NJ_BC_FOR_VALUE)
        live_use(s, nj_flow_slot(o, depth - 1));
    if (i->op == NJ_BC_COPY || i->op == NJ_BC_SWAP)
        live_use(s, nj_flow_slot(o, depth - i->arg));
    if (i->op != NJ_BC_SWAP)
        return;
    live_use(s, nj_flow_slot(o, depth - 1));
    nj_bits_set(s->defs, nj_flow_slot(o, depth - 1));
    nj_bits_set(s->defs, nj_flow_slot(o, depth - i->arg));
}

static void live_block(const FlowBuild *w, const NjFrontBlk *b, LiveSets *s)
{
    uint32_t depth = b->depth;
    for (uint32_t n = b->first; n < b->end; n++) {
        const NjIns *i = &w->bc->ins[n];
        live_peek(w->out, s, i, depth);
        for (uint32_t k = nj_bc_pops(i); k; k--, depth--)
            if (i->op != NJ_BC_POP)                     /* what is dropped needs no value, hence no phi */
                live_use(s, nj_flow_slot(w->out, depth - 1));
        for (uint32_t k = nj_bc_pushes(i); k; k--)
            nj_bits_set(s->defs, nj_flow_slot(w->out, depth++));
        if (i->op == NJ_BC_LOAD_FAST || i->op == NJ_BC_STORE_FAST || i->op == NJ_BC_DEL_FAST)
            live_var(w->out, s, i, (NjBound)w->out->bound[n]);
    }
}

/* live = uses | (successors' live & ~defs), from the last block to the first until nothing changes. `live` starts as
 * uses. */
static void live_solve(const FlowBuild *w)
{
    NjFlow *o = w->out;
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t b = w->cfg->n; b-- > 0;)
            for (uint32_t k = 0; k < w->cfg->blks[b].nsucc; k++) {
                const NjBits *from = o->live[w->cfg->blks[b].succ[k]];
                for (uint32_t i = 0; i < nwords(from); i++) {
                    uint64_t more = from->w[i] & ~o->defs[b]->w[i] & ~o->live[b]->w[i];
                    o->live[b]->w[i] |= more;
                    changed |= more != 0;
                }
            }
    }
}

NjStatus nj_front_flow(NjArena *a, const NjCode *code, const NjBytecode *bc, const NjCfg *cfg, NjFlow *out)
{
    *out = (NjFlow){.nvar = code->nlocals + code->ncells};
    FlowBuild w = {.arena = a, .bc = bc, .cfg = cfg, .out = out};
    out->bound = nj_arena_alloc(a, bc->n + 1u);
    out->shadow = nj_arena_alloc(a, (out->nvar + 1u) * sizeof *out->shadow);
    if (!out->bound || !out->shadow)
        return NJ_E_NOMEM;
    memset(out->shadow, 0xff, (out->nvar + 1u) * sizeof *out->shadow);
    if (!flow_bound(&w, code->nargs + code->nkwonly))
        return NJ_E_NOMEM;
    bound_copies(&w, code);
    for (uint32_t i = 0; i < bc->n; i++)
        out->refused |= bc->ins[i].op == NJ_BC_UNSUPPORTED;
    out->nall = nj_flow_slot(out, cfg->maxdepth + 1);
    out->live = sets_new(a, cfg->n, out->nall);
    out->defs = sets_new(a, cfg->n, out->nall);
    if (!out->live || !out->defs)
        return NJ_E_NOMEM;
    for (uint32_t b = 0; b < cfg->n; b++)
        live_block(&w, &cfg->blks[b], &(LiveSets){out->live[b], out->defs[b]});
    live_solve(&w);
    return nj_arena_failed(a) ? NJ_E_NOMEM : NJ_OK;
}
