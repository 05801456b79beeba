/* check.c - the verifier: is a function what the rest of the compiler may assume?
 *
 * In: any function, however broken. Out: every complaint under the value or block it is about, in the function's text.
 * Checked: edges against preds, phis first and as wide as preds, one terminator and last, definitions dominate uses, arity and
 * variants; in a typed function every result has a type; in a core function no Python operation, only machine types, and the
 * operand classes, result rules and shapes that ops.def gives. Signs do not matter: i32 and u32 are one machine type.
 */
#include "ir/ir.h"

#define CHECK_MAX_NOTES 64      /* one defect may have thousands of effects; the report looks at each line for each note */

typedef struct Note { NjBlkId b; NjRef r; const char *text; } Note;

typedef struct Check {
    const NjFn *f;
    NjFn dom;                  /* a copy of the head with blocks of its own, so that dominators can be filled */
    NjArena *a;
    NJ_VEC(Note) notes;
    NjBlkId b;                 /* what is being looked at */
    NjRef r;
    uint32_t *order;           /* place of a value in its block, from 1; 0 not met */
} Check;

static void complain(Check *c, const char *fmt, ...) NJ_PRINTF(2, 3);
static void complain(Check *c, const char *fmt, ...)
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

static const NjVal *arg(const Check *c, const NjVal *v, uint32_t i) { return nj_val(c->f, v->args[i]); }

static const char *type_text(const NjType *t) { return t ? t->code : "no type"; }

/* -- types at the core level -------------------------------------------------------------------------------------------------------- */

static bool is_machine(const NjType *t)
{
    return t && (nj_type_is_integral(t) || t->kind == NJ_K_FLOAT || t->kind == NJ_K_PTR);
}

/* One machine type? Signs aside; pointers by what they point to and where. */
static bool same_rep(const NjType *a, const NjType *b)
{
    for (; a != b; a = a->elem, b = b->elem) {
        if (!a || !b)
            return false;
        if (a->kind != NJ_K_PTR || b->kind != NJ_K_PTR)
            return (nj_type_is_int(a) ? nj_type_is_int(b) : a->kind == b->kind) && a->bits == b->bits && is_machine(a);
        if (a->space != b->space)
            return false;
    }
    return true;
}

static bool in_class(char letter, const NjType *t)
{
    switch (letter) {
    case 'i': return nj_type_is_integral(t);
    case 'f': return nj_type_is(t, NJ_K_FLOAT);
    case 'b': return nj_type_is(t, NJ_K_BOOL);
    case 'p': return nj_type_is(t, NJ_K_PTR);
    default: return is_machine(t);
    }
}

static const char *class_text(char letter)
{
    switch (letter) {
    case 'i': return "an integer";
    case 'f': return "a float";
    case 'b': return "a bool";
    case 'p': return "a pointer";
    default: return "a number or a pointer";
    }
}

static void check_classes(Check *c, const NjVal *v)
{
    const char *letters = nj_op_info[v->op].args;
    for (uint32_t i = 0; i < v->nargs; i++) {
        const NjType *t = arg(c, v, i)->type;
        if (!in_class(*letters, t))
            complain(c, "operand %u is %s, not %s", i, type_text(t), class_text(*letters));
        letters += letters[1] != 0;
    }
}

static void check_same(Check *c, const NjVal *v, uint32_t i, const NjType *t, const char *what)
{
    if (!same_rep(arg(c, v, i)->type, t))
        complain(c, "operand %u is %s, but %s is %s", i, type_text(arg(c, v, i)->type), what, type_text(t));
}

/* Operations whose operands share a type, by the shape of the row: one letter for two operands. */
static void check_pair(Check *c, const NjVal *v)
{
    if (v->nargs == 2 && !nj_op_info[v->op].args[1] && nj_op_info[v->op].nargs == 2)
        check_same(c, v, 1, arg(c, v, 0)->type, "operand 0");
}

static void check_cast(Check *c, const NjVal *v)
{
    static const struct { uint16_t op; char to; signed char width; } rows[] = {     /* width: -1 fewer bits, +1 more, 0 any */
        {NJ_OP_trunc, 'i', -1}, {NJ_OP_zext, 'i', 1}, {NJ_OP_sext, 'i', 1}, {NJ_OP_fptrunc, 'f', -1}, {NJ_OP_fpext, 'f', 1},
        {NJ_OP_fptosi, 'i', 0}, {NJ_OP_fptoui, 'i', 0}, {NJ_OP_sitofp, 'f', 0}, {NJ_OP_uitofp, 'f', 0}, {NJ_OP_ptrcast, 'p', 0},
        {NJ_OP_ptrtoint, 'i', 0}, {NJ_OP_inttoptr, 'p', 0},
    };
    const NjType *from = v->nargs == 1 ? arg(c, v, 0)->type : NULL, *to = v->type;
    if (!from || !to)
        return;
    if (v->op == NJ_OP_bitcast && from->bits != to->bits)
        complain(c, "bitcast from %s to %s, which differ in size", from->code, to->code);
    for (size_t i = 0; i < NJ_COUNT(rows); i++) {
        if (rows[i].op != v->op)
            continue;
        if (!in_class(rows[i].to, to))
            complain(c, "the result is %s, not %s", to->code, class_text(rows[i].to));
        else if ((rows[i].width < 0 && to->bits >= from->bits) || (rows[i].width > 0 && to->bits <= from->bits))
            complain(c, "%s from %s to %s", nj_op_info[v->op].word, from->code, to->code);
    }
}

static const NjType *pointee(const Check *c, const NjVal *v, uint32_t i)
{
    const NjType *t = arg(c, v, i)->type;
    return nj_type_is(t, NJ_K_PTR) ? t->elem : NULL;
}

static void check_memory(Check *c, const NjVal *v)
{
    switch (v->op) {
    case NJ_OP_load:
        if (!same_rep(pointee(c, v, 0), v->type))
            complain(c, "loads %s through %s", type_text(v->type), type_text(arg(c, v, 0)->type));
        break;
    case NJ_OP_store: check_same(c, v, 0, pointee(c, v, 1), "what the pointer points to"); break;
    case NJ_OP_cas:
        check_same(c, v, 2, pointee(c, v, 0), "what the pointer points to");
        /* fall through */
    case NJ_OP_rmw: check_same(c, v, 1, pointee(c, v, 0), "what the pointer points to"); break;
    case NJ_OP_alloca: case NJ_OP_shared: case NJ_OP_constmem:
        if (!nj_type_is(v->type, NJ_K_PTR))
            complain(c, "the result is %s, not a pointer", type_text(v->type));
        if (v->op == NJ_OP_alloca && v->blk != 0)
            complain(c, "alloca outside the entry block");
        break;
    }
}

/* -- values with rules of their own --------------------------------------------------------------------------------------------------- */

static void check_ret(Check *c, const NjVal *v)
{
    const NjFn *f = c->f;
    if (!f->core) {
        if (v->nargs != 1)
            complain(c, "returns %u values, not one", v->nargs);
        return;
    }
    if (v->nargs != f->nrets) {
        complain(c, "returns %u parts, not %u", v->nargs, f->nrets);
        return;
    }
    for (uint32_t i = 0; i < v->nargs; i++)
        check_same(c, v, i, f->rets[i], "the function's part");
}

static void check_phi(Check *c, const NjVal *v)
{
    uint32_t n = nj_blk(c->f, c->b)->preds.n;
    if (v->nargs != n)
        complain(c, "the phi has %u arguments for %u predecessors", v->nargs, n);
    for (uint32_t i = 0; c->f->core && i < v->nargs; i++)
        check_same(c, v, i, v->type, "the phi");
}

/* A tuple of texts: a letter for each item, then the items that are texts themselves (cpu.h, nj_rt_print). */
static void check_print(Check *c, const NjVal *v)
{
    const NjConst *k = v->imm.k;
    bool ok = k && k->kind == NJ_C_TUPLE && k->tuple.n;
    for (uint32_t i = 0; ok && i < k->tuple.n; i++)
        ok = k->tuple.at[i]->kind == NJ_C_STR;
    if (!ok) {
        complain(c, "print needs its letters");
        return;
    }
    uint32_t nargs = 0, ntexts = 0;
    for (const char *p = k->tuple.at[0]->str.text; *p; p++) {
        ntexts += *p == 's';
        nargs += *p == 'c' ? 2 : strchr("biufg", *p) != NULL;
    }
    if (nargs != v->nargs || ntexts != k->tuple.n - 1)
        complain(c, "print's letters want %u operands and %u texts", nargs, ntexts);
}

static const uint8_t math_nargs[NJ_MATH_COUNT] = {
#define MATH(id, pyname, nargs, ...) nargs,
#include "device-libs/math.def"
#undef MATH
};

static void check_special(Check *c, const NjVal *v)
{
    switch (v->op) {
    case NJ_OP_phi: check_phi(c, v); break;
    case NJ_OP_ret: check_ret(c, v); break;
    case NJ_OP_py_item:
        if (arg(c, v, 0)->op != NJ_OP_py_unpack)
            complain(c, "py.item of something that is no py.unpack");
        break;
    case NJ_OP_result:
        if (arg(c, v, 0)->op != NJ_OP_call)
            complain(c, "result of something that is no call");
        break;
    case NJ_OP_call:
        if (!v->imm.callee || !v->imm.callee->spec)
            complain(c, "a call without a function");
        break;
    case NJ_OP_py_call:
        if (!v->nargs || (v->imm.callee && v->imm.callee->nkw >= v->nargs))
            complain(c, "py.call needs its function and %u keyword arguments", v->imm.callee ? v->imm.callee->nkw : 0);
        break;
    case NJ_OP_print: check_print(c, v); break;
    case NJ_OP_math:
        if (v->sub < NJ_MATH_COUNT && v->nargs != math_nargs[v->sub])
            complain(c, "%s takes %u operands, not %u", nj_sub_word(v->op, v->sub), math_nargs[v->sub], v->nargs);
        break;
    case NJ_OP_select:
        if (c->f->core) {
            check_same(c, v, 1, v->type, "the result");
            check_same(c, v, 2, v->type, "the result");
        }
        break;
    case NJ_OP_const: case NJ_OP_param:
        complain(c, "a %s has no place in a block", nj_op_info[v->op].word);
        break;
    }
}

static void check_result(Check *c, const NjVal *v)
{
    const NjFn *f = c->f;
    switch (nj_op_info[v->op].result) {
    case '-':
        if (v->type)
            complain(c, "%s has no result, but type %s", nj_op_info[v->op].word, v->type->code);
        return;
    case '=':
        if (f->core && v->nargs && !same_rep(v->type, arg(c, v, 0)->type))
            complain(c, "the result is %s, operand 0 is %s", type_text(v->type), type_text(arg(c, v, 0)->type));
        return;
    case 'b':
        if ((f->core || f->ret) && !nj_type_is(v->type, NJ_K_BOOL))
            complain(c, "the result is %s, not a bool", type_text(v->type));
        return;
    }
    if ((f->core || f->ret) && !v->type && v->op != NJ_OP_call)
        complain(c, "the result has no type");
    else if (f->core && v->type && !is_machine(v->type) && v->type->kind != NJ_K_VOID && v->op != NJ_OP_call)
        complain(c, "%s is no machine type", v->type->code);
}

static void check_core(Check *c, const NjVal *v)
{
    if (nj_op_is_py(v->op)) {
        complain(c, "a Python operation at the core level");
        return;
    }
    if (v->op == NJ_OP_phi || v->op == NJ_OP_ret || v->op == NJ_OP_raise || v->op == NJ_OP_result)
        return;
    if (v->op != NJ_OP_call && v->op != NJ_OP_callx && v->op != NJ_OP_print)
        check_classes(c, v);
    check_pair(c, v);
    check_cast(c, v);
    check_memory(c, v);
}

/* -- references ------------------------------------------------------------------------------------------------------------------------ */

/* Operands exist and are made on the way here. A phi's are used at the end of the predecessor. False: v cannot be read further. */
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
            complain(c, "operand %u, %%%u, does not exist", i, a);
            ok = false;
            continue;
        }
        if (nj_op_info[u->op].result == '-')
            complain(c, "operand %u, %%%u, is no value", i, a);
        if (u->blk == NJ_NOBLK)
            continue;
        if (nj_blk(&c->dom, at)->dead)
            continue;
        if (u->blk == at ? !phi && c->order[a] >= c->order[c->r] : !nj_dom(&c->dom, u->blk, at))
            complain(c, "operand %u, %%%u, is not defined on every way here", i, a);
    }
    return ok;
}

static void check_val(Check *c, const NjVal *v)
{
    const NjOpInfo *info = &nj_op_info[v->op];
    if (v->blk != c->b)
        complain(c, "the value thinks it is in b%u", v->blk);
    if (v->op == NJ_OP_nop) {
        complain(c, "a nop in a block");
        return;
    }
    const char *variant = nj_sub_word(v->op, v->sub);
    if (!variant || *variant == '?')
        complain(c, "%s has no variant %u", info->word, v->sub);
    if (info->nargs >= 0 && v->nargs != (uint32_t)info->nargs) {
        complain(c, "%s takes %d operands, not %u", info->word, info->nargs, v->nargs);
        return;
    }
    if (!check_args(c, v))
        return;
    check_special(c, v);
    if (c->f->core)
        check_core(c, v);
    check_result(c, v);
}

/* -- blocks and edges ------------------------------------------------------------------------------------------------------------------ */

static void check_terminator(Check *c, const NjBlk *b, NjRef last)
{
    const NjVal *t = last ? nj_val(c->f, last) : NULL;
    if (!t || !nj_op_has(t->op, 'T')) {
        complain(c, "the block has no terminator");
        return;
    }
    unsigned want = t->op == NJ_OP_br ? 1 : t->op == NJ_OP_condbr ? 2 : 0;
    if (b->nsucc != want)
        complain(c, "%s has %u successors", nj_op_info[t->op].word, b->nsucc);
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
            complain(c, "a value after the terminator");
        if (v->prev != last)
            complain(c, "its link back is %%%u, not %%%u", v->prev, last);
        if (v->op == NJ_OP_phi && !phis)
            complain(c, "a phi after other values");
        phis = phis && v->op == NJ_OP_phi;
        check_val(c, v);
        last = r;
    }
    c->r = NJ_NOREF;
    if (b->last != last)
        complain(c, "its last value is %%%u, not %%%u", last, b->last);
    check_terminator(c, b, last);
}

/* Numbers values in their blocks. A list that leaves the array or comes back to a value is cut off from everything else. */
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
                complain(c, "the list of its values is broken at %%%u", r);
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
            complain(c, "b%u is listed as a predecessor, but has %s edge", k->preds.at[i], n ? "no second" : "no such");
    }
    for (uint32_t i = 0; i < k->preds.n; i++)
        listed[k->preds.at[i]] = 0;
}

/* Edges and preds are one multiset. False: so broken that dominators cannot be filled. */
static bool check_edges(Check *c)
{
    const NjFn *f = c->f;
    bool ok = true;
    uint32_t *count = NJ_NEWN(c->a, uint32_t, (size_t)f->blks.n + 1), *listed = NJ_NEWN(c->a, uint32_t, (size_t)f->blks.n + 1);
    for (NjBlkId b = 0; b < f->blks.n; b++) {
        const NjBlk *k = nj_blk(f, b);
        c->b = b;
        c->r = NJ_NOREF;
        if (k->nsucc > 2 || (k->nsucc > 0 && k->succ[0] >= f->blks.n) || (k->nsucc > 1 && k->succ[1] >= f->blks.n))
            complain(c, "a successor that does not exist"), ok = false;
        for (uint32_t i = 0; i < k->preds.n; i++)
            if (k->preds.at[i] >= f->blks.n)
                complain(c, "a predecessor that does not exist"), ok = false;
    }
    for (NjBlkId b = 0; ok && count && b < f->blks.n; b++) {
        const NjBlk *k = nj_blk(f, b);
        for (unsigned i = 0; i < k->nsucc; i++)
            count[k->succ[i]]++;
    }
    for (NjBlkId b = 0; ok && count && b < f->blks.n; b++) {
        c->b = b;
        if (count[b] != nj_blk(f, b)->preds.n)
            complain(c, "%u edges come in, but it lists %u predecessors", count[b], nj_blk(f, b)->preds.n), ok = false;
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
        complain(c, "the function has no entry block");
    else if (nj_blk(f, 0)->preds.n)
        complain(c, "the entry block has predecessors");
    for (uint32_t i = 0; i < f->nparams; i++) {
        NjRef r = f->params[i];
        if (!r || r >= f->vals.n || nj_val(f, r)->op != NJ_OP_param)
            complain(c, "parameter %u is no parameter", i);
        else if (f->core ? !is_machine(nj_val(f, r)->type) : f->ret && !nj_val(f, r)->type)
            complain(c, "parameter %u is %s", i, type_text(nj_val(f, r)->type));
    }
    for (uint32_t i = 0; f->core && i < f->nrets; i++)
        if (!is_machine(f->rets[i]))
            complain(c, "part %u of the result is %s", i, type_text(f->rets[i]));
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
            complain(c, "a dead block that can be reached");
        if (!nj_blk(f, c->b)->dead)
            check_block(c);
    }
}

/* -- report -------------------------------------------------------------------------------------------------------------------------------- */

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
