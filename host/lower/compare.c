/* compare.c - comparisons: numbers by value, tuples element by element, None, membership.
 *
 * Signed integers against uint64 are compared exactly: as unsigned numbers, unless the signed one is negative.
 */
#include "lower/lower.h"

static const NjPred signed_preds[] = {
    [NJ_CMP_LT] = NJ_SLT, [NJ_CMP_LE] = NJ_SLE, [NJ_CMP_EQ] = NJ_EQ, [NJ_CMP_NE] = NJ_NE,
    [NJ_CMP_GT] = NJ_SGT, [NJ_CMP_GE] = NJ_SGE, [NJ_CMP_IS] = NJ_EQ, [NJ_CMP_ISNOT] = NJ_NE};
static const NjPred unsigned_preds[] = {
    [NJ_CMP_LT] = NJ_ULT, [NJ_CMP_LE] = NJ_ULE, [NJ_CMP_EQ] = NJ_EQ, [NJ_CMP_NE] = NJ_NE,
    [NJ_CMP_GT] = NJ_UGT, [NJ_CMP_GE] = NJ_UGE, [NJ_CMP_IS] = NJ_EQ, [NJ_CMP_ISNOT] = NJ_NE};
static const NjPred float_preds[] = {
    [NJ_CMP_LT] = NJ_OLT, [NJ_CMP_LE] = NJ_OLE, [NJ_CMP_EQ] = NJ_OEQ, [NJ_CMP_NE] = NJ_UNE,
    [NJ_CMP_GT] = NJ_OGT, [NJ_CMP_GE] = NJ_OGE, [NJ_CMP_IS] = NJ_OEQ, [NJ_CMP_ISNOT] = NJ_UNE};

static NjRef truth_const(NjLow *l, bool x) { return nj_low_int(l, l->b1, x); }

/* a is signed, b unsigned of 64 bits: a < 0 decides, else both are unsigned. */
static NjRef mixed_sign(NjLow *l, NjCmp op, NjRef a, NjRef b)
{
    NjRef neg = nj_low_cmp(l, NJ_SLT, a, nj_low_int(l, nj_low_core_type(l, a), 0));
    NjRef x = nj_low_cmp(l, unsigned_preds[op], nj_low_num(l, a, l->u64), b);
    bool if_negative = op == NJ_CMP_LT || op == NJ_CMP_LE || op == NJ_CMP_NE || op == NJ_CMP_ISNOT;
    return nj_low_select(l, neg, truth_const(l, if_negative), x);
}

static NjCmp mirrored(NjCmp op)
{
    switch (op) {
    case NJ_CMP_LT: return NJ_CMP_GT;
    case NJ_CMP_LE: return NJ_CMP_GE;
    case NJ_CMP_GT: return NJ_CMP_LT;
    case NJ_CMP_GE: return NJ_CMP_LE;
    default: return op;
    }
}

static NjRef compare_scalars(NjLow *l, NjCmp op, NjRef a, NjRef b)
{
    const NjType *t = nj_low_core_type(l, a), *u = nj_low_core_type(l, b);
    if (t->kind == NJ_K_INT && u->kind == NJ_K_UINT)
        return mixed_sign(l, op, a, b);
    if (t->kind == NJ_K_UINT && u->kind == NJ_K_INT)
        return mixed_sign(l, mirrored(op), b, a);
    const NjPred *preds = t->kind == NJ_K_FLOAT ? float_preds : t->kind == NJ_K_INT ? signed_preds : unsigned_preds;
    return nj_low_cmp(l, preds[op], a, b);
}

static NjRef compare_complex(NjLow *l, NjCmp op, NjParts a, NjParts b)
{
    NjRef re = compare_scalars(l, op, a.at[0], b.at[0]), im = compare_scalars(l, op, a.at[1], b.at[1]);
    return nj_low_i(l, op == NJ_CMP_NE || op == NJ_CMP_ISNOT ? NJ_OP_or : NJ_OP_and, re, im);
}

/* Of equal length up to the shorter: the first difference decides, else the lengths do. */
static NjRef compare_tuples(NjLow *l, NjCmp op, NjParts a, NjParts b)
{
    uint32_t na = a.type->nelem, nb = b.type->nelem, n = na < nb ? na : nb;
    bool equality = op == NJ_CMP_EQ || op == NJ_CMP_NE;
    if (equality && na != nb)
        return truth_const(l, op == NJ_CMP_NE);
    int64_t order = (na > nb) - (na < nb);
    NjRef out = truth_const(l, op == NJ_CMP_EQ   ? order == 0
                               : op == NJ_CMP_NE ? order != 0
                               : op == NJ_CMP_LT ? order < 0
                               : op == NJ_CMP_LE ? order <= 0
                               : op == NJ_CMP_GT ? order > 0
                                                 : order >= 0);
    for (uint32_t i = n; i-- > 0;) {
        NjParts x = nj_low_sub(l, a, i), y = nj_low_sub(l, b, i);
        NjRef same = nj_low_compare(l, NJ_CMP_EQ, x, y, NULL, NULL);
        if (equality) {
            out = op == NJ_CMP_EQ ? nj_low_i(l, NJ_OP_and, same, out) : nj_low_i(l, NJ_OP_or, nj_low_not(l, same), out);
            continue;
        }
        out = nj_low_select(l, same, out, nj_low_compare(l, op, x, y, NULL, NULL));
    }
    return out;
}

static NjRef member_of(NjLow *l, NjParts x, NjParts in)
{
    NjRef out = truth_const(l, false);
    if (in.type->kind != NJ_K_TUPLE) {
        nj_low_nyi(l, nj_arena_printf(l->arena, "'in' %s", in.type->name));
        return out;
    }
    for (uint32_t i = 0; i < in.type->nelem; i++)
        out = nj_low_i(l, NJ_OP_or, out, nj_low_compare(l, NJ_CMP_EQ, x, nj_low_sub(l, in, i), NULL, NULL));
    return out;
}

/* One side may be None; an optional is it when its flag is off. */
static bool compare_none(NjLow *l, NjCmp op, NjParts a, NjParts b, NjRef *out)
{
    bool an = a.type->kind == NJ_K_NONE, bn = b.type->kind == NJ_K_NONE;
    bool negate = op == NJ_CMP_NE || op == NJ_CMP_ISNOT;
    if (!an && !bn)
        return false;
    NjParts other = an ? b : a;
    NjRef same = an && bn ? truth_const(l, true)
               : other.type->kind == NJ_K_OPTIONAL ? nj_low_not(l, other.at[0]) : truth_const(l, false);
    *out = negate ? nj_low_not(l, same) : same;
    return true;
}

/* Types, strings and other things of compile time. */
static bool compare_static(NjLow *l, NjCmp op, NjParts a, NjParts b, const NjConst *ka, const NjConst *kb, NjRef *out)
{
    bool same;
    if (a.type->kind == NJ_K_DTYPE && b.type->kind == NJ_K_DTYPE)
        same = a.type == b.type;
    else if (ka && kb && ka->kind == NJ_C_STR && kb->kind == NJ_C_STR)
        same = ka->str.n == kb->str.n && !memcmp(ka->str.text, kb->str.text, ka->str.n);
    else
        return false;
    *out = truth_const(l, same == (op == NJ_CMP_EQ || op == NJ_CMP_IS));
    return true;
}

static NjRef compare_optionals(NjLow *l, NjCmp op, NjParts a, NjParts b)
{
    NjRef has = nj_low_int(l, l->b1, 1);
    NjParts x = a, y = b;
    if (a.type->kind == NJ_K_OPTIONAL)
        x = (NjParts){a.at + 1, a.n - 1, a.type->elem};
    if (b.type->kind == NJ_K_OPTIONAL)
        y = (NjParts){b.at + 1, b.n - 1, b.type->elem};
    NjRef fa = x.at != a.at ? a.at[0] : has, fb = y.at != b.at ? b.at[0] : has;
    NjRef inner = nj_low_compare(l, op, x, y, NULL, NULL);
    if (op != NJ_CMP_EQ && op != NJ_CMP_NE && op != NJ_CMP_IS && op != NJ_CMP_ISNOT) {
        nj_low_raise_if(l, nj_low_not(l, nj_low_i(l, NJ_OP_and, fa, fb)), "TypeError", "cannot order None");
        return inner;
    }
    NjRef differ = nj_low_i(l, NJ_OP_xor, fa, fb);
    if (op == NJ_CMP_EQ || op == NJ_CMP_IS)
        return nj_low_select(l, differ, truth_const(l, false), nj_low_select(l, fa, inner, truth_const(l, true)));
    return nj_low_select(l, differ, truth_const(l, true), nj_low_select(l, fa, inner, truth_const(l, false)));
}

/* ka, kb: what the operands are at compile time, or NULL. */
NjRef nj_low_compare(NjLow *l, NjCmp op, NjParts a, NjParts b, const NjConst *ka, const NjConst *kb)
{
    NjRule rule;
    NjRef out;
    if (op == NJ_CMP_IN)
        return member_of(l, a, b);
    if (op == NJ_CMP_NOTIN)
        return nj_low_not(l, member_of(l, a, b));
    if (compare_none(l, op, a, b, &out) || compare_static(l, op, a, b, ka, kb, &out))
        return out;
    if (a.type->kind == NJ_K_OPTIONAL || b.type->kind == NJ_K_OPTIONAL)
        return compare_optionals(l, op, a, b);
    if (a.type->kind == NJ_K_TUPLE && b.type->kind == NJ_K_TUPLE)
        return compare_tuples(l, op, a, b);
    if (!nj_rule_cmp(l->ts, op, a.type, b.type, &rule)) {
        nj_low_nyi(l, nj_arena_printf(l->arena, "'%s' on %s and %s", nj_cmp_signs[op], a.type->name, b.type->name));
        return truth_const(l, false);
    }
    a = nj_low_cast(l, a, rule.left);
    b = nj_low_cast(l, b, rule.right);
    if (rule.left->kind == NJ_K_COMPLEX)
        return compare_complex(l, op, a, b);
    return compare_scalars(l, op, a.at[0], b.at[0]);
}
