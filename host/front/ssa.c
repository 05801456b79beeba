/* ssa.c - settled bytecode to SSA values of the Python level.
 *
 * In: a NjCode. Out: a NjFn whose parameters are the code's, types unknown. Phis are placed by dominance frontiers
 * where the variable is live (pruned SSA: Cytron et al., TOPLAS 1991), then one walk over the dominator tree executes
 * the instructions on values instead of objects. Stack slots are variables like the others, so a conditional
 * expression needs no rule of its own. `cur` holds every variable's value at the point reached; leaving a subtree
 * undoes what it set.
 *
 *     decode.c -> settle.c -> cfg.c -> flow.c -> here, with step.c for each instruction and resolve.c for constants
 */
#include "front/front.h"

typedef struct SsaPhi { uint32_t var, nargs; NjRef ref, *args; } SsaPhi;      /* args: one for each edge built so far */
typedef NJ_VEC(SsaPhi) SsaPhis;

typedef struct Ssa {
    NjFront s;
    SsaPhis *phis;               /* for each block */
    NjRef *undefs;               /* for each variable that some way leaves unbound */
} Ssa;

/* CPython's co_flags */
enum { CO_VARARGS = 0x4, CO_VARKEYWORDS = 0x8, CO_GENERATOR = 0x20, CO_COROUTINE = 0x80, CO_ITERABLE_COROUTINE = 0x100,
       CO_ASYNC_GENERATOR = 0x200 };

/* -- the state that step.c works on ---------------------------------------------------------------------- */

const char *nj_front_var(const NjCode *code, uint32_t var)
{
    return var < code->nlocals ? code->locals[var] : code->cells[var - code->nlocals];
}

void nj_front_set(NjFront *s, uint32_t var, NjRef v)
{
    NjUndo u = {var, s->cur[var]};
    if (!nj_vec_push(s->scratch, &s->undo, u))
        s->failed = true;
    s->cur[var] = v;
}

void nj_front_push(NjFront *s, NjRef v)
{
    nj_front_set(s, nj_flow_slot(s->flow, s->depth++), v);
}

NjRef nj_front_pop(NjFront *s)
{
    return s->cur[nj_flow_slot(s->flow, --s->depth)];
}

NjBlkId nj_front_succ(const NjFront *s, uint32_t which)
{
    return s->cfg->blks[s->blk].succ[which];           /* blocks are made in order, so numbers agree */
}

static void front_undo(NjFront *s, uint32_t mark)
{
    while (s->undo.n > mark) {
        NjUndo u = s->undo.at[--s->undo.n];
        s->cur[u.var] = u.was;
    }
}

/* -- phis ------------------------------------------------------------------------------------------------ */

/* Blocks that write each variable: block numbers, variable after variable, from first[var] on. */
static uint32_t *phi_defs(const NjFront *s, uint32_t **first)
{
    uint32_t nall = s->flow->nall, total = 0;
    uint32_t *at = nj_arena_alloc(s->scratch, (nall + 2u) * sizeof *at), *blks = NULL;
    for (int fill = 0; at && fill < 2; fill++) {
        for (uint32_t b = 0; b < s->cfg->n; b++)
            for (uint32_t w = 0; w < (nall + 63) / 64; w++)
                for (uint64_t bits = s->flow->defs[b]->w[w]; bits; bits &= bits - 1) {
                    uint32_t var = 64 * w + (uint32_t)__builtin_ctzll(bits);
                    if (fill)
                        blks[at[var + 1]] = b;
                    at[var + (fill ? 1 : 2)]++;
                    total++;
                }
        for (uint32_t v = 2; !fill && v < nall + 2; v++)
            at[v] += at[v - 1];
        if (!fill && !(blks = nj_arena_alloc(s->scratch, (total + 1u) * sizeof *blks)))
            return NULL;
    }
    *first = at;
    return at ? blks : NULL;
}

/* The iterated dominance frontier of the blocks on `todo`, as far as var is live there. */
static void phi_place_var(Ssa *w, uint32_t var, uint32_t *todo, uint32_t n, uint32_t *stamp)
{
    while (n) {
        const NjSpan *front = &w->s.cfg->blks[todo[--n]].front;
        for (uint32_t i = 0; i < front->n; i++) {
            uint32_t b = front->at[i];
            if (stamp[b] == var + 1 || !nj_bits_has(w->s.flow->live[b], var))
                continue;
            stamp[b] = var + 1;
            SsaPhi phi = {.var = var, .args = NJ_NEWN(w->s.scratch, NjRef, w->s.cfg->blks[b].preds.n)};
            (void)nj_vec_push(w->s.scratch, &w->phis[b], phi);
            todo[n++] = b;
        }
    }
}

/* `todo` may come to hold each defining block and each phi's block: twice the blocks at most. */
static bool phi_place(Ssa *w)
{
    NjFront *s = &w->s;
    uint32_t *first = NULL, *defs = phi_defs(s, &first);
    uint32_t *todo = nj_arena_alloc(s->scratch, 2u * s->cfg->n * sizeof *todo);
    uint32_t *stamp = nj_arena_alloc(s->scratch, s->cfg->n * sizeof *stamp);
    w->phis = nj_arena_alloc(s->scratch, s->cfg->n * sizeof *w->phis);
    if (!defs || !todo || !stamp || !w->phis)
        return false;
    for (uint32_t var = 0; var < s->flow->nall; var++) {
        uint32_t n = 0;
        if (var < s->flow->nvar + s->flow->nshadow)
            todo[n++] = 0;                       /* the entry binds them: to a parameter or to nothing */
        for (uint32_t i = first[var]; i < first[var + 1]; i++)
            if (defs[i] || !n)
                todo[n++] = defs[i];
        phi_place_var(w, var, todo, n, stamp);
    }
    return !nj_arena_failed(s->scratch);
}

/* nj_emit_phi puts each before the others, so the last comes first. */
static void phi_make(Ssa *w, uint32_t b, NjLoc loc)
{
    NjFront *s = &w->s;
    for (uint32_t i = w->phis[b].n; i-- > 0;) {
        SsaPhi *p = &w->phis[b].at[i];
        p->ref = nj_emit_phi(s->f, b, NULL, s->cfg->blks[b].preds.n);
        nj_val(s->f, p->ref)->loc = loc;
        if (p->var < s->flow->nvar)
            nj_val(s->f, p->ref)->name = nj_front_var(s->code, p->var);
        nj_front_set(s, p->var, p->ref);
    }
}

static NjRef ssa_value(Ssa *w, uint32_t var)
{
    if (w->s.cur[var])
        return w->s.cur[var];
    if (!w->undefs[var])
        w->undefs[var] = nj_fn_undef(w->s.f, NULL);
    return w->undefs[var];
}

/* Edges are added to preds in this order, too: phi arguments and predecessors stay in step. A join's phis are made
 * after most of its predecessors, so the arguments wait beside them. */
static void phi_feed(Ssa *w)
{
    const NjFrontBlk *b = &w->s.cfg->blks[w->s.blk];
    for (uint32_t k = 0; k < b->nsucc; k++)
        for (uint32_t i = 0; i < w->phis[b->succ[k]].n; i++) {
            SsaPhi *p = &w->phis[b->succ[k]].at[i];
            if (p->args)
                p->args[p->nargs++] = ssa_value(w, p->var);
        }
}

static void phi_fill(Ssa *w)
{
    for (uint32_t b = 0; b < w->s.cfg->n; b++)
        for (uint32_t i = 0; i < w->phis[b].n; i++) {
            const SsaPhi *p = &w->phis[b].at[i];
            NjVal *v = nj_val(w->s.f, p->ref);
            if (!p->args || v->nargs < p->nargs)
                continue;
            memcpy(v->args, p->args, p->nargs * sizeof *v->args);
            v->nargs = p->nargs;                 /* fewer where a predecessor raises instead */
        }
}

/* A phi of itself and one other value is that value. Removing one may make another so, hence until nothing changes. */
static NjRef phi_only(const NjFn *f, const NjRef *map, NjRef phi)
{
    NjRef only = NJ_NOREF;
    for (uint32_t i = 0; i < nj_val(f, phi)->nargs; i++) {
        NjRef r = nj_val(f, phi)->args[i];
        while (map[r])
            r = map[r];
        if (r == phi || r == only)
            continue;
        if (only)
            return NJ_NOREF;
        only = r;
    }
    return only;
}

static bool phi_prune_pass(Ssa *w, NjRef *map)
{
    bool changed = false;
    for (uint32_t b = 0; b < w->s.cfg->n; b++)
        for (uint32_t i = 0; i < w->phis[b].n; i++) {
            NjRef r = w->phis[b].at[i].ref;
            NjRef only = r && !map[r] ? phi_only(w->s.f, map, r) : NJ_NOREF;
            if (!only)
                continue;
            map[r] = only;
            changed = true;
        }
    return changed;
}

static void phi_prune(Ssa *w)
{
    NjFn *f = w->s.f;
    NjRef *map = nj_arena_alloc(w->s.scratch, f->vals.n * sizeof *map);
    if (!map || !phi_prune_pass(w, map))
        return;
    while (phi_prune_pass(w, map)) {}
    for (uint32_t b = 0; b < w->s.cfg->n; b++)
        for (uint32_t i = 0; i < w->phis[b].n; i++)
            if (map[w->phis[b].at[i].ref])
                nj_val_unlink(f, w->phis[b].at[i].ref);
    nj_fn_replace_all(f, map);
}

/* -- the walk -------------------------------------------------------------------------------------------- */

static void ssa_block(Ssa *w, uint32_t blk)
{
    NjFront *s = &w->s;
    const NjFrontBlk *b = &s->cfg->blks[blk];
    s->blk = blk;
    s->depth = b->depth;
    s->done = s->cut = false;
    s->at = (NjAt){.f = s->f, .b = blk};
    if (b->first < b->end)
        s->at.loc = nj_front_loc(s->code, &s->bc->ins[b->first]);
    phi_make(w, blk, s->at.loc);
    for (uint32_t i = b->first; i < b->end && !s->done; i++) {
        s->at.loc = nj_front_loc(s->code, &s->bc->ins[i]);
        nj_front_step[s->bc->ins[i].op](s, &s->bc->ins[i]);
    }
    if (!s->done)
        nj_emit_br(&s->at, nj_front_succ(s, 0));
    if (!s->cut)
        phi_feed(w);
}

/* The dominator tree in preorder, without recursion: programs may be deep. */
static bool ssa_walk(Ssa *w)
{
    struct Frame { uint32_t blk, kid, mark; } *stack = nj_arena_alloc(w->s.scratch, (w->s.cfg->n + 1u) * sizeof *stack);
    if (!stack)
        return false;
    uint32_t n = 0;
    stack[n++] = (struct Frame){0, 0, w->s.undo.n};
    ssa_block(w, 0);
    while (n) {
        struct Frame *top = &stack[n - 1];
        const NjSpan *kids = &w->s.cfg->blks[top->blk].kids;
        if (top->kid == kids->n) {
            front_undo(&w->s, top->mark);
            n--;
            continue;
        }
        stack[n++] = (struct Frame){kids->at[top->kid], 0, w->s.undo.n};
        ssa_block(w, kids->at[top->kid++]);
    }
    return true;
}

static bool ssa_entry(Ssa *w)
{
    NjFront *s = &w->s;
    s->cur = nj_arena_alloc(s->scratch, (s->flow->nall + 1u) * sizeof *s->cur);
    w->undefs = nj_arena_alloc(s->scratch, (s->flow->nall + 1u) * sizeof *w->undefs);
    if (!s->cur || !w->undefs)
        return false;
    for (uint32_t b = 0; b < s->cfg->n; b++)
        nj_fn_blk(s->f);
    uint32_t nparams = s->code->nargs + s->code->nkwonly;
    for (uint32_t i = 0; i < nparams; i++)
        s->cur[i] = nj_fn_param(s->f, NULL, s->code->locals[i]);
    for (uint32_t i = 0; i < s->flow->nvar; i++)
        if (s->flow->shadow[i] != FRONT_NONE)
            s->cur[s->flow->shadow[i]] = nj_fn_const(s->f, i < nparams ? &nj_const_true : &nj_const_false, NULL);
    return true;
}

/* -- stages ---------------------------------------------------------------------------------------------- */

const char *nj_front_variadic(const NjCode *code)
{
    return code->flags & CO_VARARGS ? "*args" : code->flags & CO_VARKEYWORDS ? "**kwargs" : NULL;
}

static NjStatus ssa_refuse(const NjCode *code, NjDiags *d)
{
    NjLoc loc = {.line = code->first_line};
    if (code->flags & (CO_GENERATOR | CO_COROUTINE | CO_ITERABLE_COROUTINE | CO_ASYNC_GENERATOR))
        nj_diag_add(d, NJ_ERR_NYI_GENERATOR, code->file, code->qualname, loc);
    else if (nj_front_variadic(code))
        nj_diag_add(d, NJ_ERR_NYI_VARARGS, code->file, code->qualname, loc, nj_front_variadic(code));
    else
        return code->nargs + code->nkwonly <= code->nlocals
                   ? NJ_OK
                   : nj_front_malformed(d, code, "more parameters than locals");
    return NJ_E_NYI;
}

static void ssa_dump(char letter, const char *stage, const NjFront *s)
{
    if (!nj_dump_on(letter, s->code->name))
        return;
    NjText t;
    nj_text_init(&t);
    switch (letter) {
    case 'b': nj_front_print(&t, s->code, s->bc); break;
    case 'c': nj_front_print_cfg(&t, s->code, s->bc, s->cfg); break;
    default: nj_ir_print(&t, s->f); break;
    }
    if (!t.failed)
        nj_dump(letter, stage, s->code->name, letter == 's' ? "nj" : "txt", t.at);
    nj_text_free(&t);
}

static bool ssa_build(Ssa *w)
{
    bool ok = ssa_entry(w) && phi_place(w) && ssa_walk(w);
    if (ok && !w->s.failed) {
        phi_fill(w);
        phi_prune(w);
        if (w->s.any_cut)
            nj_fill_dom(w->s.f);
        if (w->s.any_cut)
            nj_fn_drop_dead(w->s.f);
    }
    return ok && !w->s.failed && !nj_arena_failed(w->s.scratch) && !nj_arena_failed(w->s.f->arena);
}

/* A function that the verifier refuses is our defect, not the program's. */
static bool ssa_is_sound(NjFn *f)
{
    NjText t;
    if (!nj_knobs()->check)
        return true;
    nj_text_init(&t);
    bool ok = nj_ir_check(f, &t);
    if (!ok)
        nj_bug(f->diags, "front/ssa", t.at, "%s is not well formed", f->pyname);
    nj_text_free(&t);
    return ok;
}

static NjFn *ssa_stages(NjFn *f, NjArena *scratch, const NjCode *code)
{
    NjBytecode bc = {0};
    NjCfg cfg = {0};
    NjFlow flow = {0};
    Ssa w = {.s = {.f = f, .code = code, .bc = &bc, .cfg = &cfg, .flow = &flow, .scratch = scratch}};
    if (ssa_refuse(code, f->diags) || nj_front_decode(scratch, code, &bc, f->diags))
        return NULL;
    ssa_dump('b', "bytecode", &w.s);
    if (nj_front_cfg(scratch, code, &bc, &cfg, f->diags))
        return NULL;
    ssa_dump('c', "blocks", &w.s);
    if (nj_front_flow(scratch, code, &bc, &cfg, &flow) || !ssa_build(&w))
        return NULL;
    ssa_dump('s', "ssa", &w.s);
    return ssa_is_sound(f) ? f : NULL;
}

NjFn *nj_front_ssa(NjTypes *types, NjArena *arena, NjDiags *diags, const NjCode *code, const char *symbol)
{
    NjArena *scratch = nj_arena_new();
    NjFn *f = scratch ? nj_fn_new(types, arena, diags, symbol) : NULL;
    if (f) {
        f->code = code;
        f->file = code->file;
        f->pyname = code->qualname;
        f->opts = code->opts;
        f = ssa_stages(f, scratch, code);
    }
    if (!scratch || nj_arena_failed(scratch)) {
        nj_diag_add(diags, NJ_ERR_NOMEM, code->file, code->qualname, (NjLoc){.line = code->first_line}, code->name);
        f = NULL;
    }
    nj_arena_free(scratch);
    return f;
}
