/* infer_op.c - typers of operators, comparisons, truth, tuples, slices, casts and raise.
 *
 * Each looks at its operands' types, which are known, and answers with its own; NULL after saying what is wrong.
 */
#include "type/infer.h"

/* -- operators --------------------------------------------------------------------------------------------- */

static bool fits(Infer *in, NjRef r, uint64_t n)
{
    if (n > NJ_TUPLE_MOST)
        infer_fail(in, r, NJ_ERR_NYI_TUPLE, n > UINT32_MAX ? UINT32_MAX : (uint32_t)n, NJ_TUPLE_MOST);
    return n <= NJ_TUPLE_MOST;
}

static const NjType *concat(Infer *in, NjRef at, const NjType *l, const NjType *r)
{
    uint32_t n = l->nelem + r->nelem;
    const NjType **elems = fits(in, at, n) ? NJ_NEWN(in->arena, const NjType *, n + 1) : NULL;
    for (uint32_t i = 0; elems && i < n; i++)
        elems[i] = i < l->nelem ? l->elems[i] : r->elems[i - l->nelem];
    return elems ? nj_type_tuple(in->ts, elems, n) : NULL;
}

/* (0,) * 3 or 3 * (0,). */
static const NjType *repeat(Infer *in, NjRef at, const NjType *t, int64_t times)
{
    uint64_t n = times <= 0 || !t->nelem ? 0 : times > UINT32_MAX ? UINT64_MAX : (uint64_t)times * t->nelem;
    const NjType **elems = fits(in, at, n) ? NJ_NEWN(in->arena, const NjType *, n + 1) : NULL;
    for (uint32_t i = 0; elems && i < n; i++)
        elems[i] = t->elems[i % t->nelem];
    return elems ? nj_type_tuple(in->ts, elems, (unsigned)n) : NULL;
}

/* Is it an operation on tuples? Its type, or NULL after saying what is wrong. A count must be known. */
static bool tuple_binop(Infer *in, NjRef at, const NjType *l, const NjType *r, const NjType **out)
{
    const NjVal *v = nj_val(in->f, at);
    bool left = l->kind == NJ_K_TUPLE, right = r->kind == NJ_K_TUPLE;
    int64_t n;
    if (v->sub == NJ_BIN_ADD && left && right)
        *out = concat(in, at, l, r);
    else if (v->sub == NJ_BIN_MUL && (left || right) && nj_infer_known_int(in, v->args[left], &n))
        *out = repeat(in, at, left ? l : r, n);
    else
        return false;
    return true;
}

const NjType *nj_infer_op_binop(Infer *in, NjRef r)
{
    const NjVal *v = nj_val(in->f, r);
    const NjType *left = infer_bare(infer_arg(in, r, 0)), *right = infer_bare(infer_arg(in, r, 1)), *t;
    NjRule rule;
    if (nj_rule_binop(in->ts, (NjBin)v->sub, left, right, &rule))
        return rule.result;
    if (tuple_binop(in, r, left, right, &t))
        return t;
    NjDiag *g;
    if (left->kind == NJ_K_ARRAY || right->kind == NJ_K_ARRAY)
        g = infer_fail(in, r, NJ_ERR_NYI_ARRAY, "arithmetic on whole arrays");
    else
        g = infer_fail(in, r, NJ_ERR_TYPE_BINOP, nj_bin_signs[v->sub], infer_arg(in, r, 0)->name,
                       infer_arg(in, r, 1)->name);
    nj_infer_note_args(in, g, r);
    return NULL;
}

const NjType *nj_infer_op_unop(Infer *in, NjRef r)
{
    const NjVal *v = nj_val(in->f, r);
    const NjType *t = infer_arg(in, r, 0);
    NjRule rule;
    if (v->sub == NJ_UN_NOT)
        return nj_infer_op_truth(in, r);
    if (nj_rule_unop(in->ts, (NjUn)v->sub, infer_bare(t), &rule))
        return rule.result;
    NjDiag *g = t->kind == NJ_K_ARRAY ? infer_fail(in, r, NJ_ERR_NYI_ARRAY, "arithmetic on whole arrays")
                                      : infer_fail(in, r, NJ_ERR_TYPE_UNARY, nj_un_signs[v->sub], t->name);
    nj_infer_note_args(in, g, r);
    return NULL;
}

/* -- comparisons ----------------------------------------------------------------------------------------------- */

static bool is_identity(NjCmp op) { return op == NJ_CMP_IS || op == NJ_CMP_ISNOT; }
static bool is_equality(NjCmp op) { return op == NJ_CMP_EQ || op == NJ_CMP_NE || is_identity(op); }

static bool comparable(Infer *in, NjCmp op, const NjType *l, const NjType *r);

static bool tuples_comparable(Infer *in, NjCmp op, const NjType *l, const NjType *r)
{
    if (l->nelem != r->nelem && is_equality(op))
        return true;
    uint32_t n = l->nelem < r->nelem ? l->nelem : r->nelem;
    for (uint32_t i = 0; i < n; i++)
        if (!comparable(in, op, l->elems[i], r->elems[i]))
            return false;
    return true;
}

static bool is_member_test(NjCmp op) { return op == NJ_CMP_IN || op == NJ_CMP_NOTIN; }

static bool member_comparable(Infer *in, const NjType *l, const NjType *over)
{
    if (over->kind == NJ_K_RANGE)
        return nj_type_is_integral(l);
    if (over->kind != NJ_K_TUPLE)
        return false;
    for (uint32_t i = 0; i < over->nelem; i++)
        if (!comparable(in, NJ_CMP_EQ, l, over->elems[i]))
            return false;
    return true;
}

static bool comparable(Infer *in, NjCmp op, const NjType *l, const NjType *r)
{
    NjRule rule;
    if (is_equality(op) && (l->kind == NJ_K_NONE || r->kind == NJ_K_NONE))
        return true;
    if (is_equality(op) && l->kind == NJ_K_DTYPE && r->kind == NJ_K_DTYPE)
        return true;
    l = infer_bare(l);
    r = infer_bare(r);
    if (is_member_test(op))
        return member_comparable(in, l, r);
    if (nj_rule_cmp(in->ts, op, l, r, &rule))
        return true;
    return !is_identity(op) && l->kind == NJ_K_TUPLE && r->kind == NJ_K_TUPLE && tuples_comparable(in, op, l, r);
}

const NjType *nj_infer_op_cmp(Infer *in, NjRef r)
{
    const NjVal *v = nj_val(in->f, r);
    const NjType *left = infer_arg(in, r, 0), *right = infer_arg(in, r, 1);
    if (comparable(in, (NjCmp)v->sub, left, right) || nj_infer_evaluate(in, r))
        return infer_scalar(in, NJ_T_BOOL);
    if ((left->kind == NJ_K_ARRAY || right->kind == NJ_K_ARRAY) && !is_identity((NjCmp)v->sub)) {
        nj_infer_note_args(in, infer_fail(in, r, NJ_ERR_NYI_ARRAY, "comparing whole arrays"), r);
        return NULL;
    }
    nj_infer_note_args(in, infer_fail(in, r, NJ_ERR_TYPE_COMPARE, left->name, right->name, nj_cmp_signs[v->sub]), r);
    return NULL;
}

/* -- truth --------------------------------------------------------------------------------------------------------- */

const NjType *nj_infer_op_truth(Infer *in, NjRef r)
{
    const NjType *t = infer_arg(in, r, 0), *bare = infer_bare(t);
    bool known = nj_infer_known_truth(in, nj_val(in->f, r)->args[0]) >= 0;
    if (nj_type_is_number(bare) || bare->kind == NJ_K_RANGE || bare->kind == NJ_K_TUPLE || known)
        return infer_scalar(in, NJ_T_BOOL);
    nj_infer_note_args(in, infer_fail(in, r, NJ_ERR_TYPE_TRUTH, t->name), r);
    return NULL;
}

/* -- tuples, slices, casts ----------------------------------------------------------------------------------------- */

const NjType *nj_infer_op_tuple(Infer *in, NjRef r)
{
    const NjVal *v = nj_val(in->f, r);
    const NjType *few[16];
    const NjType **elems = v->nargs <= NJ_COUNT(few) ? few : NJ_NEWN(in->arena, const NjType *, v->nargs);
    if (!fits(in, r, v->nargs) || !elems)
        return NULL;
    for (uint32_t i = 0; i < v->nargs; i++)
        elems[i] = infer_type(in, v->args[i]);
    return nj_type_tuple(in->ts, elems, v->nargs);
}

const NjType *nj_infer_op_slice(Infer *in, NjRef r)
{
    const NjVal *v = nj_val(in->f, r);
    for (uint32_t i = 0; i < v->nargs; i++) {
        const NjType *t = infer_bare(infer_type(in, v->args[i]));
        if (nj_type_is_int(t) || t->kind == NJ_K_NONE)
            continue;
        nj_infer_note_args(
            in,
            infer_fail(in, r, NJ_ERR_TYPE_BAD_VALUE,
                       nj_arena_printf(in->arena, "slice indices must be integers or None, not %s", t->name)),
            r);
        return NULL;
    }
    return nj_type_slice(in->ts);
}

const NjType *nj_infer_op_cast(Infer *in, NjRef r)
{
    const NjVal *v = nj_val(in->f, r);
    const NjType *from = infer_arg(in, r, 0);
    if (!v->type || nj_type_conv(from, v->type))
        return v->type ? v->type : from;
    nj_infer_note_args(in, infer_fail(in, r, NJ_ERR_TYPE_CAST, from->name, v->type->name), r);
    return NULL;
}

/* -- raise --------------------------------------------------------------------------------------------------------- */

/* An exception class, or a call of one: infer_call.c has seen to the call's arguments. */
const NjType *nj_infer_op_raise(Infer *in, NjRef r)
{
    const NjVal *v = nj_val(in->f, r);
    if (!v->nargs)
        return nj_type_none(in->ts);
    const NjVal *x = nj_arg(in->f, v, 0);
    NjRef class = x->op == NJ_OP_py_call ? x->args[0] : v->args[0];
    const NjConst *k = nj_infer_known(in, class);
    if (k && k->kind == NJ_C_EXC)
        return nj_type_none(in->ts);
    infer_fail(in, r, NJ_ERR_TYPE_RAISE, k && k->name ? k->name : infer_arg(in, r, 0)->name);
    return NULL;
}
