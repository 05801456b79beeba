/* numpy.c - NumPy's ufuncs on scalars: both operands are converted to the loop's type and the operation wraps in it.
 *
 * Nothing raises: a zero divisor gives 0 for integers, inf or NaN for floats, whatever the function's error model.
 */
#include "lower/lower.h"

static NjParts scalar(NjLow *l, NjRef x) { return nj_low_scalar(l, nj_low_core_type(l, x), x); }
static bool is_float(const NjType *t) { return t->kind == NJ_K_FLOAT; }

/* -- two operands ----------------------------------------------------------------------------- */

static NjRef int_op(NjLow *l, NjBin op, NjRef x, NjRef y)
{
    static const NjOp plain[NJ_BIN_N] = {[NJ_BIN_ADD] = NJ_OP_add, [NJ_BIN_SUB] = NJ_OP_sub, [NJ_BIN_MUL] = NJ_OP_mul,
                                         [NJ_BIN_AND] = NJ_OP_and, [NJ_BIN_OR] = NJ_OP_or, [NJ_BIN_XOR] = NJ_OP_xor};
    NjRef q, r;
    switch (op) {
    case NJ_BIN_FLOORDIV: case NJ_BIN_MOD:
        nj_low_idivmod(l, x, y, "", &q, &r);
        return op == NJ_BIN_MOD ? r : q;
    case NJ_BIN_POW: return nj_low_ipow(l, x, y);
    case NJ_BIN_LSHIFT: case NJ_BIN_RSHIFT: return nj_low_shift(l, op, x, y);
    default: return nj_low_i(l, plain[op], x, y);
    }
}

static NjRef int_op_quiet(NjLow *l, NjBin op, NjRef x, NjRef y)
{
    bool quiet = l->quiet;
    l->quiet = true;
    NjRef r = int_op(l, op, x, y);
    l->quiet = quiet;
    return r;
}

static NjRef float_op(NjLow *l, NjBin op, NjRef x, NjRef y)
{
    NjRef q, r;
    switch (op) {
    case NJ_BIN_ADD: return nj_low_fl(l, NJ_OP_fadd, x, y);
    case NJ_BIN_SUB: return nj_low_fl(l, NJ_OP_fsub, x, y);
    case NJ_BIN_MUL: return nj_low_fl(l, NJ_OP_fmul, x, y);
    case NJ_BIN_TRUEDIV: return nj_low_fl(l, NJ_OP_fdiv, x, y);
    case NJ_BIN_POW: return nj_low_fpow(l, x, y);
    default:
        nj_low_fdivmod(l, x, y, "", op == NJ_BIN_MOD ? NULL : &q, &r);
        return op == NJ_BIN_MOD ? r : q;
    }
}

NjParts nj_lower_np_part(NjLow *l, const NjArgs *a, int arg)
{
    NjParts x = nj_low_get(l, a->at[0]);
    if (x.type->kind == NJ_K_COMPLEX)
        return scalar(l, x.at[arg]);
    return arg ? nj_low_zeros(l, x.type) : x;
}

/* of two bools: + is or, * is and */
static NjRef bool_op(NjLow *l, NjBin op, NjRef x, NjRef y)
{
    return nj_low_i(l,
                    op == NJ_BIN_ADD || op == NJ_BIN_OR    ? NJ_OP_or
                    : op == NJ_BIN_MUL || op == NJ_BIN_AND ? NJ_OP_and
                                                           : NJ_OP_xor,
                    x, y);
}

NjParts nj_lower_np_binop(NjLow *l, const NjArgs *a, int op)
{
    const NjType *t = a->type;
    bool quiet = l->quiet;
    l->quiet = true;
    NjParts out;
    if (t->kind == NJ_K_COMPLEX) {
        NjParts x = nj_low_cast(l, nj_low_get(l, a->at[0]), t), y = nj_low_cast(l, nj_low_get(l, a->at[1]), t);
        out = nj_low_complex_op(l, (NjBin)op, x, y, nj_low_static(l, a->at[1]));
    } else {
        NjRef x = nj_low_one(l, a->at[0], t), y = nj_low_one(l, a->at[1], t);
        out = scalar(l, is_float(t) ? float_op(l, (NjBin)op, x, y) : t->kind == NJ_K_BOOL ? bool_op(l, (NjBin)op, x, y)
                                                                                         : int_op(l, (NjBin)op, x, y));
    }
    l->quiet = quiet;
    return out;
}

NjParts nj_lower_np_cmp(NjLow *l, const NjArgs *a, int op)
{
    return scalar(l, nj_low_compare(l, (NjCmp)op, nj_low_get(l, a->at[0]), nj_low_get(l, a->at[1]), NULL, NULL));
}

NjParts nj_lower_np_logical(NjLow *l, const NjArgs *a, int op)
{
    NjRef x = nj_low_truth(l, nj_low_get(l, a->at[0])), y = nj_low_truth(l, nj_low_get(l, a->at[1]));
    return scalar(l, bool_op(l, (NjBin)op, x, y));
}

/* The larger or the smaller; a NaN in either place is the result. */
NjParts nj_lower_np_minmax(NjLow *l, const NjArgs *a, int max)
{
    NjParts x = nj_low_cast(l, nj_low_get(l, a->at[0]), a->type), y = nj_low_cast(l, nj_low_get(l, a->at[1]), a->type);
    NjRef first = nj_low_compare(l, max ? NJ_CMP_GE : NJ_CMP_LE, x, y, NULL, NULL);
    if (is_float(a->type))
        first = nj_low_i(l, NJ_OP_or, first, nj_low_cmp(l, NJ_UNO, x.at[0], x.at[0]));
    NjParts out = nj_low_parts(l, a->type);
    for (unsigned i = 0; i < out.n; i++)
        out.at[i] = nj_low_select(l, first, x.at[i], y.at[i]);
    return out;
}

/* From the floored remainder, which has the divisor's sign. */
NjParts nj_lower_np_int_fmod(NjLow *l, const NjArgs *a, int arg)
{
    const NjType *t = a->type;
    NjRef x = nj_low_one(l, a->at[0], t), y = nj_low_one(l, a->at[1], t), zero = nj_low_int(l, t, 0);
    NjRef rest = int_op_quiet(l, NJ_BIN_MOD, x, y);
    if (t->kind != NJ_K_INT)
        return scalar(l, rest);
    NjRef other = nj_low_cmp(l, NJ_SLT, nj_low_i(l, NJ_OP_xor, x, y), zero);
    NjRef move = nj_low_i(l, NJ_OP_and, other, nj_low_cmp(l, NJ_NE, rest, zero));
    return scalar(l, nj_low_select(l, move, nj_low_i(l, NJ_OP_sub, rest, y), rest));
}

/* -- one operand ------------------------------------------------------------------------------ */

NjParts nj_lower_np_unop(NjLow *l, const NjArgs *a, int op)
{
    NjParts x = nj_low_get(l, a->at[0]);
    if (op == NJ_UN_NOT)
        return scalar(l, nj_low_not(l, nj_low_truth(l, x)));
    x = nj_low_cast(l, x, a->type);
    NjParts out = nj_low_parts(l, a->type);
    for (unsigned i = 0; i < x.n; i++)
        out.at[i] = op == NJ_UN_NEG ? nj_low_neg(l, x.at[i])
                  : op == NJ_UN_INVERT ? nj_low_i(l, NJ_OP_xor, x.at[i], nj_low_int(l, a->type, -1)) : x.at[i];
    return out;
}

static NjRef number(NjLow *l, const NjType *t, int i) { return is_float(t) ? nj_low_f(l, t, i) : nj_low_int(l, t, i); }

/* -1, 0 or 1; a NaN stays */
NjParts nj_lower_np_sign(NjLow *l, const NjArgs *a, int arg)
{
    const NjType *t = a->type;
    if (!is_float(t) && !nj_type_is_int(t)) {
        nj_low_nyi(l, nj_arena_printf(l->arena, "numpy.sign of %s", t->name));
        return nj_low_zeros(l, t);
    }
    NjParts x = nj_low_cast(l, nj_low_get(l, a->at[0]), t), zero = nj_low_scalar(l, t, number(l, t, 0));
    NjRef up = nj_low_compare(l, NJ_CMP_GT, x, zero, NULL, NULL),
          down = nj_low_compare(l, NJ_CMP_LT, x, zero, NULL, NULL);
    NjRef rest =
        is_float(t) ? nj_low_select(l, nj_low_cmp(l, NJ_UNO, x.at[0], x.at[0]), x.at[0], zero.at[0]) : zero.at[0];
    return scalar(l, nj_low_select(l, up, number(l, t, 1), nj_low_select(l, down, number(l, t, -1), rest)));
}

NjParts nj_lower_np_square(NjLow *l, const NjArgs *a, int arg)
{
    NjParts x = nj_low_cast(l, nj_low_get(l, a->at[0]), a->type);
    if (a->type->kind == NJ_K_COMPLEX)
        return nj_low_complex_op(l, NJ_BIN_MUL, x, x, NULL);
    return scalar(l, is_float(a->type) ? nj_low_fl(l, NJ_OP_fmul, x.at[0], x.at[0])
                                       : nj_low_i(l, NJ_OP_mul, x.at[0], x.at[0]));
}

NjParts nj_lower_np_reciprocal(NjLow *l, const NjArgs *a, int arg)
{
    const NjType *t = a->type;
    NjParts x = nj_low_cast(l, nj_low_get(l, a->at[0]), t);
    if (is_float(t))
        return scalar(l, nj_low_fl(l, NJ_OP_fdiv, nj_low_f(l, t, 1), x.at[0]));
    if (!nj_type_is_int(t)) {
        nj_low_nyi(l, nj_arena_printf(l->arena, "numpy.reciprocal of %s", t->name));
        return nj_low_zeros(l, t);
    }
    /* towards zero: only 1 and -1 have an inverse */
    NjRef one = nj_low_int(l, t, 1), size = nj_low_iabs(l, x.at[0]);
    return scalar(l, nj_low_select(l, nj_low_cmp(l, NJ_EQ, size, one), x.at[0], nj_low_int(l, t, 0)));
}
