/* check.c - the verifier: is a function what the rest of the compiler may assume?
 *
 * In: any function, however broken. Out: every complaint under the value or block it is about, in the function's text.
 * Checked: edges against preds, phis first and as wide as preds, one terminator and last, definitions dominate
 * uses, arity and variants; in a typed function every result has a type; in a core function no Python operation,
 * only machine types, and the operand classes, result rules and shapes that ops.def gives. Signs do not matter: i32
 * and u32 are one machine type.
 */
#include "ir/check.h"

#define CHECK_MAX_NOTES 64      /* one defect may have thousands of effects, and the report is lines times notes */

void nj_check_complain(Check *c, const char *fmt, ...)
{
    char text[300];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    Note n = {c->b, c->r, nj_arena_str(c->a, text)};
    if (c->notes.n < CHECK_MAX_NOTES)
        (void)nj_vec_push(c->a, &c->notes, n);
}

/* -- references ---------------------------------------------------------------------------------------------------- */

/* Operands exist and are made on the way here. A phi's are used at the end of the predecessor. False: v cannot be
 * read further. */
static bool check_args(Check *c, const NjVal *v)
{
    const NjFn *f = c->f;
    const NjBlk *b = nj_blk(f, c->b);
    bool ok = true;
    for (uint32_t i = 0; i < v->nargs; i++) {
        NjRef a = v->args[i];
        bool phi = v->op == NJ_OP_phi;
        NjBlkId at = phi ? (i < b->preds.n ? b->preds.at[i] : c->b) : c->b;
        if (nj_blk(f, at)->dead)             /* prune will take this argument away */
            continue;
        const NjVal *u = a && a < f->vals.n ? nj_val(f, a) : NULL;
        if (!u || u->op >= NJ_OP_COUNT || u->op == NJ_OP_nop || (u->blk != NJ_NOBLK && !c->order[a])) {
            nj_check_complain(c, "operand %u, %%%u, does not exist", i, a);
            ok = false;
            continue;
        }
        if (nj_op_info[u->op].result == '-')
            nj_check_complain(c, "operand %u, %%%u, is no value", i, a);
        if (u->blk == NJ_NOBLK)
            continue;
        if (nj_blk(&c->dom, at)->dead)
            continue;
        if (u->blk == at ? !phi && c->order[a] >= c->order[c->r] : !nj_dom(&c->dom, u->blk, at))
            nj_check_complain(c, "operand %u, %%%u, is not defined on every way here", i, a);
    }
    return ok;
}

static void check_val(Check *c, const NjVal *v)
{
    const NjOpInfo *info = &nj_op_info[v->op];
    if (v->blk != c->b)
        nj_check_complain(c, "the value thinks it is in b%u", v->blk);
    if (v->op == NJ_OP_nop) {
        nj_check_complain(c, "a nop in a block");
        return;
    }
    const char *variant = nj_sub_word(v->op, v->sub);
    if (!variant || *variant == '?')
        nj_check_complain(c, "%s has no variant %u", info->word, v->sub);
    if (info->nargs >= 0 && v->nargs != (uint32_t)info->nargs) {
        nj_check_complain(c, "%s takes %d operands, not %u", info->word, info->nargs, v->nargs);
        return;
    }
    if (check_args(c, v))
        nj_check_rules(c, v);
}

/* -- blocks and edges ---------------------------------------------------------------------------------------------- */

static void check_terminator(Check *c, const NjBlk *b, NjRef last)
{
    const NjVal *t = last ? nj_val(c->f, last) : NULL;
    if (!t || !nj_op_has(t->op, 'T')) {
        nj_check_complain(c, "the block has no terminator");
        return;
    }
    unsigned want = t->op == NJ_OP_br ? 1 : t->op == NJ_OP_condbr ? 2 : 0;
    if (b->nsucc != want)
        nj_check_complain(c, "%s has %u successors", nj_op_info[t->op].word, b->nsucc);
}

static void check_block(Check *c)
{
    const NjFn *f = c->f;
    const NjBlk *b = nj_blk(f, c->b);
    bool phis = true;
    NjRef last = NJ_NOREF;
    for (NjRef r = b->first; r; r = nj_val(f, r)->next) {
        const NjVal *v = nj_val(f, r);
        c->r = r;
        if (last && nj_op_has(nj_val(f, last)->op, 'T'))
            nj_check_complain(c, "a value after the terminator");
        if (v->prev != last)
            nj_check_complain(c, "its link back is %%%u, not %%%u", v->prev, last);
        if (v->op == NJ_OP_phi && !phis)
            nj_check_complain(c, "a phi after other values");
        phis = phis && v->op == NJ_OP_phi;
        check_val(c, v);
        last = r;
    }
    c->r = NJ_NOREF;
    if (b->last != last)
        nj_check_complain(c, "its last value is %%%u, not %%%u", last, b->last);
    check_terminator(c, b, last);
}

/* Numbers values in their blocks. A list that leaves the array or comes back to a value is cut off from everything
 * else. */
static bool check_lists(Check *c)
{
    const NjFn *f = c->f;
    bool ok = true;
    for nj_each_blk(f, b) {
        uint32_t n = 0;
        for (NjRef r = nj_blk(f, b)->first; r; r = nj_val(f, r)->next) {
            c->b = b;
            c->r = NJ_NOREF;
            if (r >= f->vals.n || c->order[r] || nj_val(f, r)->op >= NJ_OP_COUNT) {
                nj_check_complain(c, "the list of its values is broken at %%%u", r);
                ok = false;
                break;
            }
            c->order[r] = ++n;
        }
    }
    return ok;
}

/* No block is listed oftener than it has edges to b. `listed` is all zero, before and after. */
static void check_preds(Check *c, NjBlkId b, uint32_t *listed)
{
    const NjBlk *k = nj_blk(c->f, b);
    c->b = b;
    for (uint32_t i = 0; i < k->preds.n; i++) {
        const NjBlk *p = nj_blk(c->f, k->preds.at[i]);
        unsigned n = (p->nsucc > 0 && p->succ[0] == b) + (p->nsucc > 1 && p->succ[1] == b);
        if (++listed[k->preds.at[i]] > n)
            nj_check_complain(c, "b%u is listed as a predecessor, but has %s edge", k->preds.at[i],
                              n ? "no second" : "no such");
    }
    for (uint32_t i = 0; i < k->preds.n; i++)
        listed[k->preds.at[i]] = 0;
}

/* Edges and preds are one multiset. False: so broken that dominators cannot be filled. */
static bool check_edges(Check *c)
{
    const NjFn *f = c->f;
    bool ok = true;
    uint32_t *count = NJ_NEWN(c->a, uint32_t, (size_t)f->blks.n + 1);
    uint32_t *listed = NJ_NEWN(c->a, uint32_t, (size_t)f->blks.n + 1);
    for (NjBlkId b = 0; b < f->blks.n; b++) {
        const NjBlk *k = nj_blk(f, b);
        c->b = b;
        c->r = NJ_NOREF;
        if (k->nsucc > 2 || (k->nsucc > 0 && k->succ[0] >= f->blks.n) || (k->nsucc > 1 && k->succ[1] >= f->blks.n))
            nj_check_complain(c, "a successor that does not exist"), ok = false;
        for (uint32_t i = 0; i < k->preds.n; i++)
            if (k->preds.at[i] >= f->blks.n)
                nj_check_complain(c, "a predecessor that does not exist"), ok = false;
    }
    for (NjBlkId b = 0; ok && count && b < f->blks.n; b++) {
        const NjBlk *k = nj_blk(f, b);
        for (unsigned i = 0; i < k->nsucc; i++)
            count[k->succ[i]]++;
    }
    for (NjBlkId b = 0; ok && count && b < f->blks.n; b++) {
        c->b = b;
        uint32_t n = nj_blk(f, b)->preds.n;
        if (count[b] != n)
            nj_check_complain(c, "%u edges come in, but it lists %u predecessors", count[b], n), ok = false;
    }
    for (NjBlkId b = 0; ok && count && listed && b < f->blks.n; b++)
        check_preds(c, b, listed);
    return ok && count && listed;
}

static void check_head(Check *c)
{
    const NjFn *f = c->f;
    c->b = NJ_NOBLK;
    c->r = NJ_NOREF;
    if (!f->blks.n || nj_blk(f, 0)->dead)
        nj_check_complain(c, "the function has no entry block");
    else if (nj_blk(f, 0)->preds.n)
        nj_check_complain(c, "the entry block has predecessors");
    for (uint32_t i = 0; i < f->nparams; i++) {
        NjRef r = f->params[i];
        if (!r || r >= f->vals.n || nj_val(f, r)->op != NJ_OP_param)
            nj_check_complain(c, "parameter %u is no parameter", i);
        else if (f->ret && !nj_val(f, r)->type)
            nj_check_complain(c, "parameter %u has no type", i);
        else if (f->core && !nj_check_is_machine(nj_val(f, r)->type))
            nj_check_complain(c, "parameter %u has no machine type", i);
    }
    for (uint32_t i = 0; f->core && i < f->nrets; i++)
        if (!nj_check_is_machine(f->rets[i]))
            nj_check_complain(c, "part %u of the result has no machine type", i);
}

static void check_blocks(Check *c)
{
    const NjFn *f = c->f;
    c->dom = *f;
    c->dom.arena = c->a;
    c->dom.blks.at = nj_arena_copy(c->a, f->blks.at, f->blks.n * sizeof *f->blks.at);
    if (!c->dom.blks.at || nj_arena_failed(c->a))
        return;
    nj_fill_dom(&c->dom);
    for (c->b = 0; c->b < f->blks.n; c->b++) {
        bool reached = !nj_blk(&c->dom, c->b)->dead;
        c->r = NJ_NOREF;
        if (nj_blk(f, c->b)->dead && reached)
            nj_check_complain(c, "a dead block that can be reached");
        if (!nj_blk(f, c->b)->dead)
            check_block(c);
    }
}

/* -- report -------------------------------------------------------------------------------------------------------- */

typedef struct Shown { const Check *c; bool *done; } Shown;

static void put_notes(void *arg_, NjText *out, NjBlkId b, NjRef r)
{
    Shown *s = arg_;
    for (uint32_t i = 0; i < s->c->notes.n; i++) {
        const Note *n = &s->c->notes.at[i];
        if (s->done[i] || n->b != b || n->r != r)
            continue;
        nj_text_fmt(out, "    ;   ^ %s\n", n->text);
        s->done[i] = true;
    }
}

/* The complaints in a list, then the function with each in its place. */
static void check_report(const Check *c, NjText *out)
{
    const NjFn *f = c->f;
    nj_text_fmt(out, "@%s is not well formed:\n", f->name);
    for (uint32_t i = 0; i < c->notes.n; i++) {
        const Note *n = &c->notes.at[i];
        nj_text_str(out, "  ");
        if (n->b != NJ_NOBLK)
            nj_text_fmt(out, "b%u: ", n->b);
        if (n->r) {
            nj_ir_print_val(out, f, n->r);
            nj_text_str(out, ": ");
        }
        nj_text_fmt(out, "%s\n", n->text);
    }
    Shown s = {c, NJ_NEWN(c->a, bool, c->notes.n)};
    if (s.done)
        nj_ir_print_noted(out, f, put_notes, &s);
}

bool nj_ir_check(const NjFn *f, NjText *out)
{
    Check c = {.f = f, .a = nj_arena_new()};
    if (!c.a)
        return true;                 /* no memory to look: the caller finds its own arena failed soon enough */
    c.order = NJ_NEWN(c.a, uint32_t, (size_t)f->vals.n + 1);
    if (c.order) {
        check_head(&c);
        bool lists = check_lists(&c);
        bool edges = check_edges(&c);
        if (lists && edges && f->blks.n)
            check_blocks(&c);
    }
    bool ok = !c.notes.n || nj_arena_failed(c.a);
    if (!ok && out)
        check_report(&c, out);
    nj_arena_free(c.a);
    return ok;
}
