/* infer_finish.c - after the types have settled: say what is wrong, or leave SSA that lowering need not ask about.
 *
 * In: a solved function. Out: diagnostics; or dead branches gone, known numbers as constants, undefs typed, arguments
 * bound, and a py.cast wherever a phi, a return, a call or an optional operand needs one. Callees are finished first,
 * so that only specialisations that are really called are kept.
 */
#include "type/infer.h"

#define REPORT_MAX_NOTES 8        /* how far up the calls a mistake is followed */

/* -- reporting ------------------------------------------------------------------------------------------------ */

/* Of a tuple that has no type: the element within that has none. */
static const NjConst *report_part(Infer *in, const NjConst *k)
{
    for (uint32_t i = 0; k && k->kind == NJ_C_TUPLE && k->tuple.n <= NJ_TUPLE_MOST && i < k->tuple.n; i++)
        if (!nj_infer_const_type(in->ts, k->tuple.at[i]))
            return report_part(in, k->tuple.at[i]);
    return k;
}

/* An operand that has no type at all: a constant compiled code cannot hold, or an unbound variable. */
static void report_operand(Infer *in, NjRef r, NjRef operand)
{
    const NjVal *a = nj_val(in->f, operand);
    const NjConst *k = a->op == NJ_OP_const ? report_part(in, a->imm.k) : NULL;
    const char *name = k && k->name ? k->name : a->name ? a->name : "?";
    if (a->op == NJ_OP_undef)
        infer_fail(in, r, NJ_ERR_NAME_UNBOUND, name);
    else if (k && k->kind == NJ_C_MISSING)
        infer_fail(in, r, NJ_ERR_NAME_UNDEFINED, name);
    else if (k && k->kind == NJ_C_BIGINT)
        infer_fail(in, r, NJ_ERR_INT_TOO_LARGE, k->str.text);
    else if (k && k->kind == NJ_C_TUPLE)
        infer_fail(in, r, NJ_ERR_NYI_TUPLE, k->tuple.n, NJ_TUPLE_MOST);
    else if (k)
        infer_fail(in, r, NJ_ERR_NYI_CONST, name);
}

static bool operands_known(Infer *in, NjRef r)
{
    bool ok = true;
    for (uint32_t i = 0; i < nj_val(in->f, r)->nargs; i++) {
        NjRef a = nj_val(in->f, r)->args[i];
        const NjType *t = infer_type(in, a);
        if (!t && nj_val(in->f, a)->blk == NJ_NOBLK)
            report_operand(in, r, a);
        ok &= t && t->kind != NJ_K_ERROR;
    }
    return ok;
}

/* What went wrong in a callee is told with the call that led there. */
static bool report_callee(Infer *in, NjRef r)
{
    const NjVal *v = nj_val(in->f, r);
    NjSpec *spec = v->imm.callee->spec;
    uint32_t before = in->unit->diags.list.n;
    bool ok = spec->infer ? nj_infer_finish(spec->infer) : false;
    for (uint32_t i = before; i < in->unit->diags.list.n; i++) {
        if (in->unit->diags.list.at[i]->notes.n >= REPORT_MAX_NOTES)
            continue;
        nj_diag_note(&in->unit->diags, in->unit->diags.list.at[i], in->f->file, v->loc, "called from here: %s(%s)",
                     spec->code->name, nj_infer_types(in, spec->args, spec->nargs));
    }
    in->failed |= !ok;
    return ok;
}

static const NjType *report_call(Infer *in, NjRef r, const NjType *t)
{
    const NjCallee *q = nj_val(in->f, r)->imm.callee;
    if (!q || !q->spec)
        return t;
    if (!report_callee(in, r))
        return NULL;
    if (!t)
        infer_fail(in, r, NJ_ERR_TYPE_BAD_VALUE,
                   nj_arena_printf(in->arena, "cannot infer what %s returns: every way through it calls itself",
                                   q->spec->code->name));
    return t;
}

static const NjType *type_again(Infer *in, NjRef r)
{
    switch (nj_val(in->f, r)->op) {
#define X(op, name) case NJ_OP_##op: return nj_infer_op_##name(in, r);
    INFER_OPS(X)
#undef X
    default: return NULL;
    }
}

static bool is_typed_op(NjOp op) { return (nj_op_is_py(op) || op == NJ_OP_phi || op == NJ_OP_ret); }

static void report_value(Infer *in, NjRef r)
{
    NjOp op = (NjOp)nj_val(in->f, r)->op;
    const NjType *t = NULL;
    if (op == NJ_OP_condbr)
        operands_known(in, r);
    if (!is_typed_op(op))
        return;
    if (op == NJ_OP_phi || operands_known(in, r)) {
        t = type_again(in, r);
        if (op == NJ_OP_py_call)
            t = report_call(in, r, t);
    }
    if (nj_op_info[op].result == '-')
        return;
    in->failed |= !t || t->kind == NJ_K_ERROR;
    nj_val(in->f, r)->type = t ? t : nj_type_error(in->ts);
}

static void report_kernel(Infer *in)
{
    bool kernel = in->unit->root == NJ_ROOT_KERNEL && in->unit->specs.at[0] == in->spec;
    in->f->kernel = kernel;
    if (!kernel || !in->ret || in->ret->kind == NJ_K_NONE || in->ret->kind == NJ_K_ERROR)
        return;
    for (uint32_t i = 0; i < in->norder; i++) {
        NjRef r = nj_blk(in->f, in->order[i])->last;
        if (!r || !nj_bits_has(in->live, in->order[i]) || nj_val(in->f, r)->op != NJ_OP_ret)
            continue;
        if (infer_arg(in, r, 0) && infer_arg(in, r, 0)->kind != NJ_K_NONE) {
            infer_fail(in, r, NJ_ERR_TYPE_KERNEL_RETURN, infer_fn_name(in), infer_arg(in, r, 0)->name);
            return;
        }
    }
}

static void report_unknown(Infer *in, uint32_t before)
{
    if (!in->failed || in->unit->diags.list.n != before)
        return;
    for (uint32_t i = 0; i < in->norder; i++) {
        if (!nj_bits_has(in->live, in->order[i]))
            continue;
        for (NjRef r = nj_blk(in->f, in->order[i])->first; r; r = nj_val(in->f, r)->next)
            if (nj_type_is(infer_type(in, r), NJ_K_ERROR)) {
                infer_fail(in, r, NJ_ERR_TYPE_UNKNOWN,
                           nj_val(in->f, r)->name ? nj_val(in->f, r)->name : "an expression");
                return;
            }
    }
}

static bool report(Infer *in)
{
    uint32_t before = in->unit->diags.list.n;
    in->report = true;
    for (uint32_t i = 0; i < in->norder; i++)
        if (nj_bits_has(in->live, in->order[i]))
            for (NjRef r = nj_blk(in->f, in->order[i])->first; r; r = nj_val(in->f, r)->next)
                report_value(in, r);
    report_kernel(in);
    report_unknown(in, before);
    return !in->failed;
}

/* -- dead branches ------------------------------------------------------------------------------------------------- */

static void prune_branch(Infer *in, NjBlkId b)
{
    NjBlk *k = nj_blk(in->f, b);
    bool first = nj_bits_has(in->taken, 2 * b), second = nj_bits_has(in->taken, 2 * b + 1);
    if (k->nsucc != 2 || first == second)
        return;
    NjVal *v = nj_val(in->f, k->last);
    v->op = NJ_OP_br;
    v->nargs = 0;
    nj_fn_drop_edge(in->f, b, first ? 1 : 0);
}

static void prune(Infer *in)
{
    for (uint32_t i = 0; i < in->norder; i++)
        if (nj_bits_has(in->live, in->order[i]))
            prune_branch(in, in->order[i]);
    nj_fill_dom(in->f);
    nj_fn_drop_dead(in->f);
}

/* -- known numbers ------------------------------------------------------------------------------------------------- */

static bool is_number_const(const NjConst *k)
{
    return k && (k->kind == NJ_C_BOOL || k->kind == NJ_C_INT || k->kind == NJ_C_UINT || k->kind == NJ_C_FLOAT);
}

static void replace_known(Infer *in)
{
    NjFn *f = in->f;
    uint32_t before = f->vals.n;
    NjRef *map = NJ_NEWN(f->arena, NjRef, 2 * before + 1);
    if (!map)
        return;
    for (NjRef r = 1; r < before && r < in->queued->n; r++) {
        const NjVal *v = nj_val(f, r);
        if (v->blk != NJ_NOBLK && nj_op_is_py((NjOp)v->op) && is_number_const(in->known[r]) &&
            nj_type_is_number(v->type))
            map[r] = nj_fn_const(f, in->known[r], v->type);
    }
    nj_fn_replace_all(f, map);
    for (NjRef r = 1; r < before; r++)
        if (map[r])
            nj_val_unlink(f, r);
}

/* -- conversions --------------------------------------------------------------------------------------------------- */

/* A number constant in another type, when that is exact to do here; 0 otherwise. */
static NjRef cast_const(Infer *in, NjRef r, const NjType *to)
{
    const NjVal *v = nj_val(in->f, r);
    const NjConst *k = v->op == NJ_OP_const ? v->imm.k : NULL;
    int64_t i;
    if (!k || !nj_type_is_number(v->type))
        return NJ_NOREF;
    if (nj_type_is_integral(v->type) && nj_const_int(in->f, r, &i)) {
        if (nj_type_is_int(to))
            return nj_fn_int(in->f, to, i);
        if (to->kind == NJ_K_FLOAT && v->type->kind != NJ_K_UINT)
            return nj_fn_float(in->f, to, to->bits == 32 ? (double)(float)i : (double)i);
    }
    return k->kind == NJ_C_FLOAT && to->kind == NJ_K_FLOAT ? nj_fn_float(in->f, to, k->f) : NJ_NOREF;
}

/* r as a `to`, converted ahead of `before` in block b. */
static NjRef cast_to(Infer *in, NjRef r, const NjType *to, NjBlkId b, NjRef before, NjLoc loc)
{
    const NjVal *v = nj_val(in->f, r);
    if (v->type == to)
        return r;
    if (v->op == NJ_OP_undef)
        return nj_fn_undef(in->f, to);
    NjRef k = cast_const(in, r, to);
    NjAt at = {.f = in->f, .b = b, .before = before, .loc = loc};
    return k ? k : nj_emit1(&at, NJ_OP_py_cast, to, r);
}

static void cast_arg(Infer *in, NjRef r, unsigned i, const NjType *to)
{
    const NjVal *v = nj_val(in->f, r);
    NjRef cast = cast_to(in, v->args[i], to, v->blk, r, v->loc);
    nj_val(in->f, r)->args[i] = cast;
}

static void cast_phi(Infer *in, NjRef r)
{
    NjBlkId b = nj_val(in->f, r)->blk;
    for (uint32_t i = 0; i < nj_val(in->f, r)->nargs; i++) {
        const NjVal *v = nj_val(in->f, r);
        NjBlkId from = nj_blk(in->f, b)->preds.at[i];
        NjRef cast = cast_to(in, v->args[i], v->type, from, nj_blk(in->f, from)->last, nj_val(in->f, v->args[i])->loc);
        nj_val(in->f, r)->args[i] = cast;
    }
}

static void cast_optionals(Infer *in, NjRef r, unsigned first, unsigned end)
{
    for (unsigned i = first; i < end && i < nj_val(in->f, r)->nargs; i++) {
        const NjType *t = infer_arg(in, r, i);
        if (t && t->kind == NJ_K_OPTIONAL)
            cast_arg(in, r, i, t->elem);
    }
}

/* A comparison with None looks at the optional itself. */
static void cast_cmp(Infer *in, NjRef r)
{
    const NjType *l = infer_arg(in, r, 0), *right = infer_arg(in, r, 1);
    if (l->kind != NJ_K_NONE && right->kind != NJ_K_NONE)
        cast_optionals(in, r, 0, 2);
}

/* Bound arguments: of a function in its parameters' types, of an intrinsic with optionals opened. Constants that only
 * the compiler looks at (shapes) are put in place of what computed them. */
static NjRef bound_ref(Infer *in, NjRef call, const Arg *a, const NjType *to)
{
    const NjVal *v = nj_val(in->f, call);
    if (!a->ref && !a->k)
        return NJ_NOREF;
    NjRef r = a->ref ? a->ref : nj_fn_const(in->f, a->k, nj_infer_const_type(in->ts, a->k));
    const NjConst *k = nj_infer_known(in, r);
    if (!to && k && k->kind == NJ_C_TUPLE && nj_val(in->f, r)->op != NJ_OP_const)
        r = nj_fn_const(in->f, k, infer_type(in, r));
    const NjType *t = infer_type(in, r);
    if (!to && t->kind == NJ_K_OPTIONAL)
        to = t->elem;
    return to ? cast_to(in, r, to, v->blk, call, v->loc) : r;
}

static void bind_call(Infer *in, NjRef r)
{
    NjCallee *q = nj_val(in->f, r)->imm.callee;
    Arg *args;
    uint32_t n;
    if (!nj_infer_bind(in, r, &args, &n))
        return;
    NjRef *bound = NJ_NEWN(in->arena, NjRef, n + 1);
    const NjType *t = infer_type(in, r);
    const NjType *const *to = q->spec ? q->spec->args : q->cast && t->kind == NJ_K_TUPLE ? t->elems : NULL;
    for (uint32_t i = 0; i < n; i++)
        bound[i] = bound_ref(in, r, &args[i], to ? to[i] : NULL);
    q->bound = bound;
    q->nbound = n;
}

/* (a, b) * 3 becomes the tuple of its elements, over and over: lowering knows tuples, but not this operator. `place`
 * says which operand the tuple is. */
static void spell_repeat(Infer *in, NjRef r, unsigned place)
{
    NjVal *v = nj_val(in->f, r);
    NjAt at = {.f = in->f, .b = v->blk, .before = r, .loc = v->loc};
    const NjType *whole = v->type, *t = infer_type(in, v->args[place]);
    NjRef tuple = v->args[place], *elems = NJ_NEWN(in->arena, NjRef, whole->nelem + 1);
    for (uint32_t i = 0; i < whole->nelem; i++) {
        NjRef index = nj_fn_int(in->f, infer_scalar(in, NJ_T_I64), i % t->nelem);
        elems[i] = i < t->nelem ? nj_emit2(&at, NJ_OP_py_getitem, t->elems[i], tuple, index) : elems[i - t->nelem];
    }
    v = nj_val(in->f, r);
    v->op = NJ_OP_py_tuple;
    v->sub = 0;
    v->args = elems;
    v->nargs = whole->nelem;
}

static void convert_binop(Infer *in, NjRef r)
{
    cast_optionals(in, r, 0, 2);
    if (nj_val(in->f, r)->sub == NJ_BIN_MUL && nj_val(in->f, r)->type->kind == NJ_K_TUPLE)
        spell_repeat(in, r, infer_arg(in, r, 0)->kind != NJ_K_TUPLE);
}

static void convert(Infer *in, NjRef r)
{
    switch (nj_val(in->f, r)->op) {
    case NJ_OP_py_binop: case NJ_OP_py_inplace: convert_binop(in, r); break;
    case NJ_OP_phi:     cast_phi(in, r); break;
    case NJ_OP_ret:     cast_arg(in, r, 0, in->ret); break;
    case NJ_OP_py_call: bind_call(in, r); break;
    case NJ_OP_py_cmp:  cast_cmp(in, r); break;
    case NJ_OP_py_slice: case NJ_OP_py_getitem: case NJ_OP_py_setitem:
    case NJ_OP_py_getattr: case NJ_OP_py_setattr: case NJ_OP_py_iter: case NJ_OP_py_unpack:
        cast_optionals(in, r, 0, 3);
        break;
    case NJ_OP_py_unop:
        if (nj_val(in->f, r)->sub != NJ_UN_NOT)
            cast_optionals(in, r, 0, 1);
        break;
    default: break;
    }
}

static void rewrite(Infer *in)
{
    NjFn *f = in->f;
    prune(in);
    replace_known(in);
    for (NjBlkId b = 0; b < f->blks.n; b++)
        for (NjRef r = f->blks.at[b].dead ? NJ_NOREF : f->blks.at[b].first; r; r = nj_val(f, r)->next)
            convert(in, r);
    f->ret = f->kernel ? nj_type_void(in->ts) : in->ret;
}

bool nj_infer_finish(Infer *in)
{
    if (in->finishing)
        return !in->failed;
    in->finishing = true;
    if (!report(in)) {
        in->spec->state = NJ_SPEC_FAILED;
        return false;
    }
    rewrite(in);
    in->spec->state = NJ_SPEC_TYPED;
    return true;
}
