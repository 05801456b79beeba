/* arith.c - binary and unary operators: which conversion of the operands, then which operation.
 *
 * The conversions come from nj_rule_binop, the same table that inference used. A row of the table below names the
 * integer and the float operation; what is not one core operation has a function.
 */
#include "lower/lower.h"

typedef NjRef (*BinFn)(NjLow *l, NjBin op, NjRef a, NjRef b, const NjType *from);

/* -- operators that are more than one operation ----------------------------------------------- */

static NjRef bin_truediv(NjLow *l, NjBin op, NjRef a, NjRef b, const NjType *from)
{
    (void)op;
    return nj_low_fdiv(l, a, b, from->kind == NJ_K_FLOAT ? "float division by zero" : "division by zero");
}

static NjRef bin_ifloor(NjLow *l, NjBin op, NjRef a, NjRef b, const NjType *from)
{
    NjRef q, r;
    (void)from;
    nj_low_idivmod(l, a, b, op == NJ_BIN_MOD ? "integer modulo by zero" : "integer division or modulo by zero", &q, &r);
    return op == NJ_BIN_MOD ? r : q;
}

static NjRef bin_ffloor(NjLow *l, NjBin op, NjRef a, NjRef b, const NjType *from)
{
    NjRef q, r;
    (void)from;
    nj_low_fdivmod(l, a, b, op == NJ_BIN_MOD ? "float modulo" : "float floor division by zero",
                   op == NJ_BIN_MOD ? NULL : &q, &r);
    return op == NJ_BIN_MOD ? r : q;
}

static NjRef bin_ipow(NjLow *l, NjBin op, NjRef a, NjRef b, const NjType *from)
{
    (void)op; (void)from;
    return nj_low_ipow(l, a, b);
}

static NjRef bin_fpow(NjLow *l, NjBin op, NjRef a, NjRef b, const NjType *from)
{
    (void)op; (void)from;
    return nj_low_fpow(l, a, b);
}

static NjRef bin_shift(NjLow *l, NjBin op, NjRef a, NjRef b, const NjType *from)
{
    (void)from;
    return nj_low_shift(l, op, a, b);
}

static const struct { NjOp iop, fop; BinFn ifn, ffn; } bins[NJ_BIN_N] = {
    [NJ_BIN_ADD]      = {NJ_OP_add, NJ_OP_fadd, NULL, NULL},
    [NJ_BIN_SUB]      = {NJ_OP_sub, NJ_OP_fsub, NULL, NULL},
    [NJ_BIN_MUL]      = {NJ_OP_mul, NJ_OP_fmul, NULL, NULL},
    [NJ_BIN_TRUEDIV]  = {0, 0, NULL, bin_truediv},
    [NJ_BIN_FLOORDIV] = {0, 0, bin_ifloor, bin_ffloor},
    [NJ_BIN_MOD]      = {0, 0, bin_ifloor, bin_ffloor},
    [NJ_BIN_POW]      = {0, 0, bin_ipow, bin_fpow},
    [NJ_BIN_LSHIFT]   = {0, 0, bin_shift, NULL},
    [NJ_BIN_RSHIFT]   = {0, 0, bin_shift, NULL},
    [NJ_BIN_AND]      = {NJ_OP_and, 0, NULL, NULL},
    [NJ_BIN_OR]       = {NJ_OP_or, 0, NULL, NULL},
    [NJ_BIN_XOR]      = {NJ_OP_xor, 0, NULL, NULL},
};

static NjRef scalar_op(NjLow *l, NjBin op, NjRef a, NjRef b, const NjType *from)
{
    bool is_float = nj_low_core_type(l, a)->kind == NJ_K_FLOAT;
    BinFn fn = is_float ? bins[op].ffn : bins[op].ifn;
    NjOp core = is_float ? bins[op].fop : bins[op].iop;
    if (fn)
        return fn(l, op, a, b, from);
    if (core)
        return is_float ? nj_low_fl(l, core, a, b) : nj_low_i(l, core, a, b);
    nj_low_nyi(l, nj_arena_printf(l->arena, "'%s' on these types", nj_bin_signs[op]));
    return a;
}

/* (a, b) + (c,) */
static NjParts tuple_join(NjLow *l, NjParts a, NjParts b, const NjType *result)
{
    NjParts out = nj_low_parts(l, result);
    if (out.n == a.n + b.n) {
        memcpy(out.at, a.at, a.n * sizeof *a.at);
        memcpy(out.at + a.n, b.at, b.n * sizeof *b.at);
    }
    return out;
}

/* `right` is what the right operand is at compile time, or NULL: constant exponents. */
NjParts nj_low_binop(NjLow *l, NjBin op, NjParts a, NjParts b, const NjType *result, const NjConst *right)
{
    NjRule rule;
    if (a.type->kind == NJ_K_TUPLE && b.type->kind == NJ_K_TUPLE)
        return tuple_join(l, a, b, result);
    if (a.type->kind == NJ_K_OPTIONAL)
        a = nj_low_cast(l, a, a.type->elem);
    if (b.type->kind == NJ_K_OPTIONAL)
        b = nj_low_cast(l, b, b.type->elem);
    if (!nj_rule_binop(l->ts, op, a.type, b.type, &rule)) {
        nj_low_nyi(l, nj_arena_printf(l->arena, "'%s' on %s and %s", nj_bin_signs[op], a.type->name, b.type->name));
        return nj_low_zeros(l, result);
    }
    const NjType *from = a.type->kind == NJ_K_FLOAT ? a.type : b.type;
    /* Divisions of integers are of the result's type: as floats, or signed when one is. */
    bool divide = op == NJ_BIN_TRUEDIV || op == NJ_BIN_FLOORDIV || op == NJ_BIN_MOD;
    a = nj_low_cast(l, a, divide || op == NJ_BIN_POW ? rule.result : rule.left);
    b = nj_low_cast(l, b, divide ? rule.result : rule.right);
    if (rule.result->kind == NJ_K_COMPLEX) {
        a = nj_low_cast(l, a, rule.result);
        b = nj_low_cast(l, b, rule.result);
        return nj_low_cast(l, nj_low_complex_op(l, op, a, b, right), result);
    }
    NjRef x = scalar_op(l, op, a.at[0], b.at[0], from);
    return nj_low_cast(l, nj_low_scalar(l, nj_low_core_type(l, x), x), result);
}
