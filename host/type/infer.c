/* infer.c - the solver: one type for every value of a function and of all it calls.
 *
 * In: untyped SSA with typed parameters. Out: types on values; nj_infer_finish then reports or rewrites.
 *
 * Values and blocks are visited until nothing changes. A block counts only once an edge to it is taken, and an edge is
 * not taken while its condition is known to choose the other one: so `if x is None` is settled by x's type before
 * either arm is typed. Phis only widen (unify of old and new), everything else is a function of its operands, so this
 * ends. Callees are states of the same solver: a call asks for the type its callee returns so far and waits for
 * changes, which is all that recursion needs.
 */
#include "type/infer.h"

#define INFER_MAX_SPECS 20000
#define INFER_MAX_DEPTH 100       /* a level is a few frames of C stack; deeper ones wait for the solver's next round */
#define INFER_MAX_KINDS 100       /* of one function, at that depth: it calls itself with ever new types */

static const NjType *(*const typers[NJ_OP_COUNT])(Infer *, NjRef) = {
#define X(op, name) [NJ_OP_##op] = nj_infer_op_##name,
    INFER_OPS(X)
#undef X
};

/* -- the worklist -------------------------------------------------------------------------------------- */

static void queue(Infer *in, NjRef r)
{
    if (nj_val(in->f, r)->blk == NJ_NOBLK || nj_bits_has(in->queued, r))
        return;
    if (nj_vec_push(in->arena, &in->work, r))
        nj_bits_set(in->queued, r);
}

static void queue_users(Infer *in, NjRef r)
{
    for (uint32_t i = in->uses->first[r]; i < in->uses->first[r + 1]; i++)
        queue(in, in->uses->users[i]);
}

static void queue_waiters(Infer *in)
{
    for (uint32_t i = 0; i < in->waiters.n; i++)
        queue(in->waiters.at[i].in, in->waiters.at[i].call);
}

/* -- blocks ----------------------------------------------------------------------------------------------- */

static uint32_t rpo_of(const Infer *in, uint32_t i) { return nj_blk(in->f, in->new_blks.at[i])->rpo; }

static void swap_blks(Infer *in, uint32_t i, uint32_t k)
{
    NjBlkId b = in->new_blks.at[i];
    in->new_blks.at[i] = in->new_blks.at[k];
    in->new_blks.at[k] = b;
}

/* new_blks is a heap, first in reverse postorder at the front: a block is visited when all ways into it but those of
 * loops have been, so that what it joins has its type at once: a type on the way there would stay in what only
 * widens. */
static void push_blk(Infer *in, NjBlkId b)
{
    if (!nj_vec_push(in->arena, &in->new_blks, b))
        return;
    for (uint32_t i = in->new_blks.n - 1; i && rpo_of(in, i) < rpo_of(in, (i - 1) / 2); i = (i - 1) / 2)
        swap_blks(in, i, (i - 1) / 2);
}

static NjBlkId pop_blk(Infer *in)
{
    NjBlkId first = in->new_blks.at[0];
    uint32_t n = --in->new_blks.n, i = 0;
    in->new_blks.at[0] = in->new_blks.at[n];
    for (uint32_t k; (k = 2 * i + 1) < n; i = k) {
        k += k + 1 < n && rpo_of(in, k + 1) < rpo_of(in, k);
        if (rpo_of(in, i) <= rpo_of(in, k))
            break;
        swap_blks(in, i, k);
    }
    return first;
}

static void take_edge(Infer *in, NjBlkId from, unsigned which)
{
    if (nj_bits_has(in->taken, 2 * from + which))
        return;
    nj_bits_set(in->taken, 2 * from + which);
    NjBlkId to = nj_blk(in->f, from)->succ[which];
    if (!nj_bits_has(in->live, to)) {
        nj_bits_set(in->live, to);
        push_blk(in, to);
        return;
    }
    for (NjRef r = nj_blk(in->f, to)->first; r && nj_val(in->f, r)->op == NJ_OP_phi; r = nj_val(in->f, r)->next)
        queue(in, r);
}

static void visit_branch(Infer *in, NjRef r)
{
    const NjVal *v = nj_val(in->f, r);
    if (v->op == NJ_OP_br) {
        take_edge(in, v->blk, 0);
        return;
    }
    int truth = nj_infer_known_truth(in, v->args[0]);
    if (truth < 0 && !infer_type(in, v->args[0]))
        return;
    if (truth != 0)
        take_edge(in, v->blk, 0);
    if (truth != 1)
        take_edge(in, v->blk, 1);
}

/* -- values --------------------------------------------------------------------------------------------------- */

static bool operands_ready(const Infer *in, const NjVal *v)
{
    for (uint32_t i = 0; i < v->nargs; i++) {
        const NjType *t = infer_type(in, v->args[i]);
        if (!t || t->kind == NJ_K_ERROR)
            return false;
    }
    return true;
}

static void settle(Infer *in, NjRef r, const NjType *t)
{
    NjVal *v = nj_val(in->f, r);
    bool changed = t != v->type && nj_op_info[v->op].result != '-';
    if (changed)
        v->type = t;
    const NjConst *k = v->type ? nj_infer_evaluate(in, r) : NULL;
    changed |= !nj_infer_const_same(k, in->known[r]);
    in->known[r] = k;
    if (changed)
        queue_users(in, r);
}

static void visit(Infer *in, NjRef r)
{
    const NjVal *v = nj_val(in->f, r);
    if (!nj_bits_has(in->live, v->blk))
        return;
    if (v->op == NJ_OP_br || v->op == NJ_OP_condbr)
        visit_branch(in, r);
    else if (typers[v->op] && (v->op == NJ_OP_phi || operands_ready(in, v)))
        settle(in, r, typers[v->op](in, r));
}

static void visit_blk(Infer *in, NjBlkId b)
{
    for (NjRef r = nj_blk(in->f, b)->first; r; r = nj_val(in->f, r)->next)
        visit(in, r);
}

static bool drain(Infer *in)
{
    bool any = false;
    while (in->new_blks.n || in->work.n) {
        any = true;
        if (in->new_blks.n) {
            visit_blk(in, pop_blk(in));
            continue;
        }
        NjRef r = in->work.at[--in->work.n];
        nj_bits_clear(in->queued, r);
        visit(in, r);
    }
    return any;
}

/* -- phi and ret --------------------------------------------------------------------------------------------------- */

/* Is the i-th way into v's block one that control can take? The k-th edge of a block owns its k-th entry in preds. */
static bool way_is_taken(const Infer *in, NjBlkId b, unsigned i)
{
    const NjBlk *k = nj_blk(in->f, b);
    NjBlkId from = k->preds.at[i];
    const NjBlk *p = nj_blk(in->f, from);
    unsigned before = 0;
    for (unsigned j = 0; j < i; j++)
        before += k->preds.at[j] == from;
    for (unsigned s = 0; s < p->nsucc; s++)
        if (p->succ[s] == b && before-- == 0)
            return nj_bits_has(in->taken, 2 * from + s);
    return false;
}

static void phi_clash(Infer *in, NjRef r, const NjType *a, const NjType *b)
{
    const NjVal *v = nj_val(in->f, r);
    NjLoc at = v->loc;
    for (unsigned i = v->nargs; !at.line && i-- > 0;)
        at = nj_val(in->f, v->args[i])->loc;
    NjDiag *g =
        infer_fail_at(in, at, NJ_ERR_TYPE_UNIFY, a->name, b->name, v->name ? v->name : "a conditional expression");
    for (unsigned i = 0; g && i < v->nargs; i++) {
        const NjVal *arg = nj_val(in->f, v->args[i]);
        if (arg->type && arg->type->kind != NJ_K_ERROR)
            nj_diag_note(&in->unit->diags, g, in->f->file, arg->loc, "%s %s", arg->type->name,
                         arg->op == NJ_OP_const   ? "on one way, a constant"
                         : arg->op == NJ_OP_param ? "on one way, an argument"
                                                  : "here");
    }
}

const NjType *nj_infer_op_phi(Infer *in, NjRef r)
{
    const NjVal *v = nj_val(in->f, r);
    const NjType *t = v->type;
    for (unsigned i = 0; i < v->nargs; i++) {
        const NjType *a = infer_type(in, v->args[i]);
        if (!a || a->kind == NJ_K_ERROR || !way_is_taken(in, v->blk, i))
            continue;
        const NjType *both = t ? nj_type_unify(in->ts, t, a) : a;
        if (!both) {
            phi_clash(in, r, t, a);
            return NULL;
        }
        t = both;
    }
    return t;
}

static const NjType *ret_wrong(Infer *in, NjRef r, const NjType *a, const NjType *b)
{
    if (in->ret_clash)
        return NULL;
    in->ret_clash = in->report;
    NjDiag *g = infer_fail(in, r, NJ_ERR_TYPE_RETURN, a->name, b->name);
    nj_infer_note_args(in, g, r);
    for (uint32_t i = 0; g && i < in->norder; i++) {
        NjRef other = nj_bits_has(in->live, in->order[i]) ? nj_blk(in->f, in->order[i])->last : NJ_NOREF;
        const NjType *t = other && other != r && nj_val(in->f, other)->op == NJ_OP_ret ? infer_arg(in, other, 0) : NULL;
        if (t && t->kind != NJ_K_ERROR)
            nj_diag_note(&in->unit->diags, g, in->f->file, nj_val(in->f, other)->loc, "%s returned here", t->name);
    }
    return NULL;
}

const NjType *nj_infer_op_ret(Infer *in, NjRef r)
{
    const NjType *t = infer_arg(in, r, 0), *declared = in->spec->declared;
    if (declared) {
        if (!nj_type_conv(t, declared)) {
            NjDiag *g = infer_fail(in, r, NJ_ERR_TYPE_DECLARED, infer_fn_name(in), t->name, declared->name);
            nj_infer_note_args(in, g, r);
            return NULL;
        }
        return t;
    }
    const NjType *both = in->ret ? nj_type_unify(in->ts, in->ret, t) : t;
    if (!both)
        return ret_wrong(in, r, in->ret, t);
    if (both != in->ret) {
        in->ret = both;
        queue_waiters(in);
    }
    return both;
}

/* -- a function's state -------------------------------------------------------------------------------------------- */

static void type_consts(Infer *in)
{
    for (NjRef r = 1; r < in->f->vals.n; r++) {
        NjVal *v = nj_val(in->f, r);
        if (v->op != NJ_OP_const)
            continue;
        if (!v->type)
            v->type = nj_infer_const_type(in->ts, v->imm.k);
        in->known[r] = v->imm.k;
    }
}

static void fill_order(Infer *in)
{
    NjFn *f = in->f;
    nj_fill_dom(f);
    in->order = NJ_NEWN(in->arena, NjBlkId, f->blks.n + 1);
    NjBlkId *at = NJ_NEWN(in->arena, NjBlkId, f->blks.n + 1);
    for (NjBlkId b = 0; b < f->blks.n; b++)
        if (!f->blks.at[b].dead && f->blks.at[b].rpo < f->blks.n)
            at[f->blks.at[b].rpo] = b + 1;
    for (NjBlkId i = 0; i < f->blks.n; i++)
        if (at[i])
            in->order[in->norder++] = at[i] - 1;
}

static Infer *state_new(Solver *s, NjSpec *spec)
{
    NjUnit *u = s->unit;
    Infer *in = NJ_NEW(u->arena, Infer);
    NjFn *f = spec->py;
    *in = (Infer){.solver = s, .spec = spec, .unit = u, .f = f, .ts = u->ctx->types, .arena = u->arena};
    for (uint32_t i = 0; i < f->nparams && i < spec->nargs; i++)
        nj_val(f, f->params[i])->type = spec->args[i];
    in->uses = nj_fill_uses(f, u->arena);
    in->known = NJ_NEWN(u->arena, const NjConst *, f->vals.n + 1);
    in->queued = nj_bits_new(u->arena, f->vals.n + 1);
    in->live = nj_bits_new(u->arena, f->blks.n + 1);
    in->taken = nj_bits_new(u->arena, 2 * f->blks.n + 2);
    type_consts(in);
    fill_order(in);
    if (spec->declared)
        in->ret = nj_type_is(spec->declared, NJ_K_VOID) ? nj_type_none(in->ts) : spec->declared;
    return in;
}

/* Untyped SSA of spec, module attributes resolved, after the Python-level passes. */
static bool open_spec(NjUnit *u, NjSpec *s)
{
    if (!s->py && !nj_unit_front(s))
        return false;
    return s->py->nparams == s->nargs && nj_infer_resolve(u, s->py);
}

/* A chain of calls ends some time; one through ever new types of the same function does not. */
static bool is_runaway(const Solver *s, const NjSpec *spec)
{
    uint32_t n = 0;
    if (s->depth >= INFER_MAX_DEPTH)
        for (const NjSpec *k = spec; k; k = k->before)
            n++;
    return n >= INFER_MAX_KINDS || s->all.n >= INFER_MAX_SPECS;
}

Infer *nj_infer_get(Solver *s, NjSpec *spec)
{
    if (spec->infer)
        return spec->infer;
    if (spec->state == NJ_SPEC_FAILED)
        return NULL;
    bool runaway = is_runaway(s, spec);
    if (runaway)
        s->runaway = spec->code;
    uint32_t before = s->unit->diags.list.n;
    if (runaway || !open_spec(s->unit, spec)) {
        s->nomem |= !runaway && s->unit->diags.list.n == before;
        spec->state = NJ_SPEC_FAILED;
        return NULL;
    }
    Infer *in = state_new(s, spec);
    spec->infer = in;
    spec->state = NJ_SPEC_INFERRING;
    (void)nj_vec_push(s->unit->arena, &s->all, in);
    if (!in->queued->n || !in->f->blks.n || nj_arena_failed(s->unit->arena))
        return in;
    nj_bits_set(in->live, 0);
    push_blk(in, 0);
    if (s->depth >= INFER_MAX_DEPTH)
        return in;
    s->depth++;
    drain(in);
    s->depth--;
    return in;
}

/* -- to the fixpoint ----------------------------------------------------------------------------------------------- */

/* Does control stop at b, because the type of a condition is not known? */
static bool is_blocked(const Infer *in, NjBlkId b)
{
    const NjBlk *k = nj_blk(in->f, b);
    return nj_bits_has(in->live, b) && k->nsucc == 2 && !nj_bits_has(in->taken, 2 * b) &&
           !nj_bits_has(in->taken, 2 * b + 1);
}

/* A branch whose condition has no type because of an error: both arms are typed, so that what is wrong there is said
 * too. */
static bool force_branches(Infer *in)
{
    bool any = false;
    for (uint32_t i = 0; i < in->norder; i++) {
        NjBlkId b = in->order[i];
        if (!is_blocked(in, b))
            continue;
        take_edge(in, b, 0);
        take_edge(in, b, 1);
        any = true;
    }
    return any;
}

/* No `return` can be reached, as in a function that only raises: None does for its result. */
static bool settle_endless(Infer *in)
{
    if (in->ret)
        return false;
    for (uint32_t i = 0; i < in->norder; i++) {
        NjBlkId b = in->order[i];
        NjRef last = nj_blk(in->f, b)->last;
        if (last && nj_bits_has(in->live, b) && (nj_val(in->f, last)->op == NJ_OP_ret || is_blocked(in, b)))
            return false;
    }
    in->ret = nj_type_none(in->ts);
    queue_waiters(in);
    return true;
}

static bool step_all(Solver *s, bool (*step)(Infer *))
{
    bool any = false;
    for (uint32_t i = 0; i < s->all.n; i++)
        any |= step(s->all.at[i]);
    return any;
}

static void solve(Solver *s)
{
    while (step_all(s, drain) || step_all(s, settle_endless) || step_all(s, force_branches))
        ;
}

/* Specialisations made for types that did not last are dropped: nobody calls them. */
static void keep_finished(NjUnit *u)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < u->specs.n; i++) {
        NjSpec *s = u->specs.at[i];
        s->infer = NULL;
        if (s->state == NJ_SPEC_TYPED || s->state == NJ_SPEC_LOWERED || i == 0)
            u->specs.at[n++] = s;
    }
    u->specs.n = n;
}

NjStatus nj_infer(NjSpec *spec)
{
    NjUnit *u = spec->unit;
    Solver s = {.unit = u};
    uint32_t before = u->diags.list.n;
    Infer *in = nj_infer_get(&s, spec);
    bool ok = false;
    if (in && !nj_arena_failed(u->arena)) {
        solve(&s);
        ok = !s.runaway && nj_infer_finish(in) && u->diags.list.n == before;
    }
    if (!ok)
        spec->state = NJ_SPEC_FAILED;
    if (s.runaway && u->diags.list.n == before)
        nj_diag_add(&u->diags, NJ_ERR_TYPE_BAD_VALUE, s.runaway->file, s.runaway->name,
                    (NjLoc){.line = s.runaway->first_line},
                    nj_arena_printf(u->arena, "%s calls itself with ever new types, or too deeply", s.runaway->name));
    keep_finished(u);
    if (s.nomem || nj_arena_failed(u->arena) || nj_types_failures(u->ctx->types) != u->type_failures)
        return NJ_E_NOMEM;
    if (!ok && u->diags.list.n == before) {
        nj_bug(&u->diags, "infer", "", "%s was refused without a reason", spec->code ? spec->code->name : spec->symbol);
        return NJ_E_BUG;
    }
    return ok ? NJ_OK : NJ_E_USER;
}

/* -- messages ------------------------------------------------------------------------------------------------------ */

const char *nj_infer_types(Infer *in, const NjType *const *types, unsigned n)
{
    const char *s = "";
    for (unsigned i = 0; i < n; i++)
        s = nj_arena_printf(in->arena, "%s%s%s", s, i ? ", " : "", types[i] ? types[i]->name : "?");
    return s;
}

static bool same_place(NjLoc a, NjLoc b) { return a.line == b.line && a.col == b.col; }

static void note_value(Infer *in, NjDiag *g, const NjVal *v, const char *why)
{
    if (v->op == NJ_OP_param && v->type && v->name)
        nj_diag_note(&in->unit->diags, g, in->f->file, (NjLoc){0}, "%s is an argument, %s", v->name, v->type->name);
    if (!v->type || !v->loc.line || v->op == NJ_OP_const || same_place(v->loc, g->loc))
        return;
    if (v->name)
        nj_diag_note(&in->unit->diags, g, in->f->file, v->loc, "%s is %s here%s", v->name, v->type->name, why);
    else
        nj_diag_note(&in->unit->diags, g, in->f->file, v->loc, "this is %s%s", v->type->name, why);
}

/* ", as it may be int64 or float64": when a phi widens. */
static const char *phi_reason(Infer *in, const NjVal *phi)
{
    const NjType *seen[4];
    unsigned n = 0;
    const char *s = "";
    for (unsigned i = 0; i < phi->nargs && n < NJ_COUNT(seen); i++) {
        const NjType *t = infer_type(in, phi->args[i]);
        bool old = !t || t->kind == NJ_K_ERROR;
        for (unsigned k = 0; k < n; k++)
            old |= seen[k] == t;
        if (old)
            continue;
        seen[n] = t;
        s = nj_arena_printf(in->arena, "%s%s%s", s, n ? " or " : ", as it may be ", t->name);
        n++;
    }
    return n > 1 ? s : "";
}

/* A phi is explained by what comes together in it; assignments that are no constants have places of their own. */
void nj_infer_note(Infer *in, NjDiag *g, NjRef r)
{
    if (!g)
        return;
    const NjVal *v = nj_val(in->f, r);
    note_value(in, g, v, v->op == NJ_OP_phi ? phi_reason(in, v) : "");
    for (unsigned i = 0; v->op == NJ_OP_phi && i < v->nargs; i++) {
        const NjVal *a = nj_val(in->f, v->args[i]);
        if (a->op != NJ_OP_phi)
            note_value(in, g, a, "");
    }
}

void nj_infer_note_args(Infer *in, NjDiag *g, NjRef r)
{
    for (unsigned i = 0; g && i < nj_val(in->f, r)->nargs; i++)
        nj_infer_note(in, g, nj_val(in->f, r)->args[i]);
}
