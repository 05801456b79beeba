/* cfg.c - basic blocks of the settled bytecode: edges, order, dominators, dominance frontiers, stack depths.
 *
 * In: instructions all of which are reachable. Out: blocks in reverse postorder, the true side of a branch before the
 * false one, and the instructions laid out in that order, so that they read as the source does however CPython
 * arranged them. CPython versions differ in which jumps they thread; here all are: jumps to jumps are followed, a block
 * that goes only to the `return` of a constant gets a copy of it, and blocks in a row become one. Dominators as in
 * Cooper, Harvey and Kennedy, "A Simple, Fast Dominance Algorithm" (2001).
 */
#include "front/front.h"


/* tail: the exit copied to its end, or FRONT_NONE */
typedef struct CfgRaw { NjFrontBlk b; uint32_t tail, npreds; } CfgRaw;
typedef struct CfgBuild {
    NjArena *arena;
    NjBytecode *bc;
    uint32_t *raw;               /* instruction -> block in code order, where it is a leader; else FRONT_NONE */
    uint32_t *rpo;               /* block in code order -> final number; FRONT_NONE until placed */
    CfgRaw *blks;                /* in code order */
    uint32_t n;
} CfgBuild;

/* -- leaders and edges ----------------------------------------------------------------------------------- */

/* Where control really goes when it goes to instruction n. A loop that only jumps ends the search. */
static uint32_t cfg_thread(const NjBytecode *bc, uint32_t n)
{
    for (uint32_t hops = 0; bc->ins[n].op == NJ_BC_JUMP && hops < 64; hops++)
        n = bc->ins[n].arg;
    return n;
}

static bool cfg_leaders(CfgBuild *g)
{
    const NjBytecode *bc = g->bc;
    NjBits *leads = nj_bits_new(g->arena, bc->n + 1);
    g->raw = nj_arena_alloc(g->arena, bc->n * sizeof *g->raw);
    if (!leads || !g->raw)
        return false;
    nj_bits_set(leads, 0);
    for (uint32_t i = 0; i < bc->n; i++) {
        const NjIns *ins = &bc->ins[i];
        if (nj_bc_is_jump(ins->op))
            nj_bits_set(leads, cfg_thread(bc, ins->arg));
        if (nj_bc_is_jump(ins->op) || nj_bc_is_end(ins->op))
            nj_bits_set(leads, i + 1);
        if (ins->op == NJ_BC_JUMP)          /* where a fall into this jump goes on */
            nj_bits_set(leads, i);
    }
    for (uint32_t i = 0; i < bc->n; i++)
        g->raw[i] = nj_bits_has(leads, i) ? g->n++ : FRONT_NONE;
    g->blks = nj_arena_alloc(g->arena, g->n * sizeof *g->blks);
    return g->blks != NULL;
}

/* `return 1`: what is computed is typed, and complained of, once. */
static bool cfg_is_short_exit(const CfgBuild *g, const NjFrontBlk *b)
{
    NjBcOp first = g->bc->ins[b->first].op;
    return g->bc->ins[b->end - 1].op == NJ_BC_RETURN && b->end - b->first == 2 &&
           (first == NJ_BC_LOAD_CONST || first == NJ_BC_LOAD_NONE);
}

static void cfg_edges(CfgBuild *g, NjFrontBlk *b)
{
    NjIns *last = &g->bc->ins[b->end - 1];
    uint32_t fall = b->end < g->bc->n ? g->raw[cfg_thread(g->bc, b->end)] : FRONT_NONE;
    uint32_t jump = nj_bc_is_jump(last->op) ? g->raw[cfg_thread(g->bc, last->arg)] : FRONT_NONE;
    bool jump_first = last->op == NJ_BC_JUMP_IF && last->arg2;
    if (last->op == NJ_BC_JUMP_IF && jump == fall)
        last->op = NJ_BC_TEST;
    if (last->op == NJ_BC_JUMP) {
        b->succ[b->nsucc++] = jump;
    } else if (nj_bc_is_jump(last->op)) {
        b->succ[b->nsucc++] = jump_first ? jump : fall;
        b->succ[b->nsucc++] = jump_first ? fall : jump;
    } else if (!nj_bc_is_end(last->op)) {
        b->succ[b->nsucc++] = fall;
    }
}

static void cfg_blocks(CfgBuild *g)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < g->bc->n; i++) {
        if (g->raw[i] != FRONT_NONE)
            g->blks[n++] = (CfgRaw){.b = {.first = i}, .tail = FRONT_NONE};
        g->blks[n - 1].b.end = i + 1;
    }
    for (uint32_t i = 0; i < g->n; i++) {
        NjFrontBlk *b = &g->blks[i].b;
        cfg_edges(g, b);
        if (b->nsucc != 1 || !cfg_is_short_exit(g, &g->blks[b->succ[0]].b))
            continue;
        g->blks[i].tail = b->succ[0];
        b->nsucc = 0;
    }
}

/* -- order: numbers blocks from `left` downwards as they are finished ------------------------------------ */

static bool cfg_order(CfgBuild *g, uint32_t *order, uint32_t *reached)
{
    struct Visit { uint32_t blk, done; } *stack = nj_arena_alloc(g->arena, (g->n + 1) * sizeof *stack);
    g->rpo = nj_arena_alloc(g->arena, g->n * sizeof *g->rpo);
    if (!stack || !g->rpo)
        return false;
    memset(g->rpo, 0xff, g->n * sizeof *g->rpo);
    uint32_t n = 0, left = g->n;
    stack[n++] = (struct Visit){g->raw[cfg_thread(g->bc, 0)], 0};
    g->rpo[stack[0].blk] = 0;
    while (n) {
        struct Visit *v = &stack[n - 1];
        NjFrontBlk *b = &g->blks[v->blk].b;
        if (v->done == b->nsucc) {
            order[--left] = v->blk;
            n--;
            continue;
        }
        uint32_t to = b->succ[b->nsucc - 1 - v->done++];        /* the false side first, so that it comes last */
        if (g->rpo[to] == FRONT_NONE) {
            g->rpo[to] = 0;
            stack[n++] = (struct Visit){to, 0};
        }
    }
    *reached = g->n - left;
    memmove(order, order + left, *reached * sizeof *order);
    return true;
}

/* The entry must have no predecessors, as its variables are the parameters: a loop to the start gets an empty block
 * before it. */
static bool cfg_count_preds(CfgBuild *g, const uint32_t *order, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < g->blks[order[i]].b.nsucc; k++)
            g->blks[g->blks[order[i]].b.succ[k]].npreds++;
    return g->blks[order[0]].npreds > 0;
}

/* Does block `from` always go on to its only successor, and nobody else does? */
static bool cfg_chains(const CfgBuild *g, uint32_t from, uint32_t entry)
{
    const NjFrontBlk *b = &g->blks[from].b;
    return b->nsucc == 1 && g->blks[b->succ[0]].npreds == 1 && b->succ[0] != entry && b->succ[0] != from;
}

/* -- layout: each final block is a chain of raw ones ----------------------------------------------------- */

typedef NJ_VEC(NjIns) CfgIns;

static bool lay_raw(CfgBuild *g, CfgIns *out, const NjFrontBlk *b)
{
    bool ok = true;
    for (uint32_t i = b->first; ok && i < b->end; i++)
        if (g->bc->ins[i].op != NJ_BC_JUMP)
            ok = nj_vec_push(g->arena, out, g->bc->ins[i]);
    return ok;
}

static bool lay_chain(CfgBuild *g, CfgIns *out, uint32_t head, uint32_t entry, NjFrontBlk *b)
{
    uint32_t last = head;
    b->first = out->n;
    bool ok = lay_raw(g, out, &g->blks[head].b);
    while (ok && cfg_chains(g, last, entry)) {
        last = g->blks[last].b.succ[0];
        ok = lay_raw(g, out, &g->blks[last].b);
    }
    if (ok && g->blks[last].tail != FRONT_NONE)
        ok = lay_raw(g, out, &g->blks[g->blks[last].tail].b);
    b->end = out->n;
    b->nsucc = g->blks[last].b.nsucc;
    memcpy(b->succ, g->blks[last].b.succ, sizeof b->succ);
    return ok;
}

/* Heads of chains get their final numbers, in order. Returns how many there are. */
static uint32_t lay_number(CfgBuild *g, uint32_t *order, uint32_t n, uint32_t first)
{
    uint32_t heads = 0;
    NjBits *inner = nj_bits_new(g->arena, g->n);
    if (!inner)
        return 0;
    for (uint32_t i = 0; i < n; i++)
        if (cfg_chains(g, order[i], order[0]))
            nj_bits_set(inner, g->blks[order[i]].b.succ[0]);
    for (uint32_t i = 0; i < n; i++)
        if (!nj_bits_has(inner, order[i])) {
            g->rpo[order[i]] = first + heads;
            order[heads++] = order[i];
        }
    return heads;
}

/* Successors to final numbers, and jumps' arguments to where those begin, for who reads a dump. */
static void lay_link(CfgBuild *g, const CfgIns *ins, NjCfg *out)
{
    for (uint32_t i = 0; i < out->n; i++) {
        NjFrontBlk *b = &out->blks[i];
        for (uint32_t k = 0; k < b->nsucc; k++)
            b->succ[k] = g->rpo[b->succ[k]];
        NjIns *last = b->end > b->first ? &ins->at[b->end - 1] : NULL;
        if (last && nj_bc_is_jump(last->op))
            last->arg = out->blks[b->succ[last->op == NJ_BC_JUMP_IF && last->arg2 ? 0 : 1]].first;
    }
}

static bool cfg_place(CfgBuild *g, NjCfg *out)
{
    uint32_t *order = nj_arena_alloc(g->arena, g->n * sizeof *order), n = 0;
    if (!order || !cfg_order(g, order, &n))
        return false;
    uint32_t entry = order[0], extra = cfg_count_preds(g, order, n), heads = lay_number(g, order, n, extra);
    CfgIns ins = {0};
    out->n = heads + extra;
    out->blks = nj_arena_alloc(g->arena, (out->n + 1u) * sizeof *out->blks);
    if (!heads || !out->blks)
        return false;
    if (extra)
        out->blks[0] = (NjFrontBlk){.succ = {entry}, .nsucc = 1};
    for (uint32_t i = 0; i < heads; i++)
        if (!lay_chain(g, &ins, order[i], entry, &out->blks[i + extra]))
            return false;
    lay_link(g, &ins, out);
    g->bc->ins = ins.at;
    g->bc->n = ins.n;
    return true;
}

/* -- predecessors, dominators, frontiers ----------------------------------------------------------------- */

static bool cfg_preds(NjArena *a, NjCfg *g)
{
    uint32_t nedges = 0;
    for (uint32_t b = 0; b < g->n; b++)
        for (uint32_t k = 0; k < g->blks[b].nsucc; k++, nedges++)
            g->blks[g->blks[b].succ[k]].preds.n++;
    uint32_t *at = nj_arena_alloc(a, (nedges + 1) * sizeof *at);
    if (!at)
        return false;
    for (uint32_t b = 0; b < g->n; b++) {
        g->blks[b].preds.at = at;
        at += g->blks[b].preds.n;
        g->blks[b].preds.n = 0;
    }
    for (uint32_t b = 0; b < g->n; b++)
        for (uint32_t k = 0; k < g->blks[b].nsucc; k++) {
            NjSpan *p = &g->blks[g->blks[b].succ[k]].preds;
            p->at[p->n++] = b;
        }
    return true;
}

static uint32_t dom_meet(const NjCfg *g, uint32_t a, uint32_t b)
{
    while (a != b) {
        while (a > b)
            a = g->blks[a].idom;
        while (b > a)
            b = g->blks[b].idom;
    }
    return a;
}

static void cfg_dom(NjCfg *g)
{
    for (uint32_t b = 0; b < g->n; b++)
        g->blks[b].idom = b ? FRONT_NONE : 0;
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t b = 1; b < g->n; b++) {
            uint32_t idom = FRONT_NONE;
            for (uint32_t i = 0; i < g->blks[b].preds.n; i++) {
                uint32_t p = g->blks[b].preds.at[i];
                if (g->blks[p].idom != FRONT_NONE)
                    idom = idom == FRONT_NONE ? p : dom_meet(g, idom, p);
            }
            changed |= g->blks[b].idom != idom;
            g->blks[b].idom = idom;
        }
    }
}

static bool cfg_kids(NjArena *a, NjCfg *g)
{
    uint32_t *at = nj_arena_alloc(a, g->n * sizeof *at);
    if (!at)
        return false;
    for (uint32_t b = 1; b < g->n; b++)
        g->blks[g->blks[b].idom].kids.n++;
    for (uint32_t b = 0; b < g->n; b++) {
        g->blks[b].kids.at = at;
        at += g->blks[b].kids.n;
        g->blks[b].kids.n = 0;
    }
    for (uint32_t b = 1; b < g->n; b++) {
        NjSpan *kids = &g->blks[g->blks[b].idom].kids;
        kids->at[kids->n++] = b;
    }
    return true;
}

/* Calls back for each pair (runner, join): join is in runner's frontier. Twice, to count and to fill; `last` drops
 * repeats. */
static void front_walk(NjCfg *g, uint32_t *last, bool fill)
{
    memset(last, 0xff, g->n * sizeof *last);
    for (uint32_t b = 1; b < g->n; b++) {
        NjFrontBlk *join = &g->blks[b];
        for (uint32_t i = 0; join->preds.n > 1 && i < join->preds.n; i++)
            for (uint32_t r = join->preds.at[i]; r != join->idom; r = g->blks[r].idom) {
                if (last[r] == b)
                    break;
                last[r] = b;
                if (fill)
                    g->blks[r].front.at[g->blks[r].front.n] = b;
                g->blks[r].front.n++;
            }
    }
}

static bool cfg_front(NjArena *a, NjCfg *g)
{
    uint32_t *last = nj_arena_alloc(a, g->n * sizeof *last), total = 0;
    if (!last)
        return false;
    front_walk(g, last, false);
    for (uint32_t b = 0; b < g->n; b++)
        total += g->blks[b].front.n;
    uint32_t *at = nj_arena_alloc(a, (total + 1) * sizeof *at);
    if (!at)
        return false;
    for (uint32_t b = 0; b < g->n; b++) {
        g->blks[b].front.at = at;
        at += g->blks[b].front.n;
        g->blks[b].front.n = 0;
    }
    front_walk(g, last, true);
    return true;
}

/* -- stack depths ---------------------------------------------------------------------------------------- */

static uint32_t depth_block(const NjBytecode *bc, const NjFrontBlk *b, uint32_t *max)
{
    uint32_t depth = b->depth;
    for (uint32_t i = b->first; i < b->end; i++) {
        depth = depth - nj_bc_pops(&bc->ins[i]) + nj_bc_pushes(&bc->ins[i]);
        if (depth > *max)
            *max = depth;
    }
    return depth;
}

/* settle.c has proved that no path pops too much and that all ways to an instruction agree; asked again, as it costs
 * nothing. */
static bool cfg_depths(const NjBytecode *bc, NjCfg *g)
{
    for (uint32_t b = 1; b < g->n; b++)
        g->blks[b].depth = FRONT_NONE;
    for (uint32_t b = 0; b < g->n; b++) {
        NjFrontBlk *blk = &g->blks[b];
        uint32_t depth = depth_block(bc, blk, &g->maxdepth);
        bool is_for = blk->end > blk->first && bc->ins[blk->end - 1].op == NJ_BC_FOR_ITER;
        for (uint32_t k = 0; k < blk->nsucc; k++) {
            uint32_t *to = &g->blks[blk->succ[k]].depth, at_entry = depth - (is_for && k == 1);
            if (*to != FRONT_NONE && *to != at_entry)
                return false;
            *to = at_entry;
        }
    }
    return true;
}

NjStatus nj_front_cfg(NjArena *a, const NjCode *code, NjBytecode *bc, NjCfg *out, NjDiags *d)
{
    CfgBuild g = {.arena = a, .bc = bc};
    if (!cfg_leaders(&g))
        return NJ_E_NOMEM;
    cfg_blocks(&g);
    if (!cfg_place(&g, out) || !cfg_preds(a, out))
        return NJ_E_NOMEM;
    cfg_dom(out);
    if (!cfg_kids(a, out) || !cfg_front(a, out) || nj_arena_failed(a))
        return NJ_E_NOMEM;
    return cfg_depths(bc, out) ? NJ_OK : nj_front_malformed(d, code, "stack depths that differ where control meets");
}
