/* float.c - float arithmetic as CPython computes it, bit for bit: floor division, modulo, powers, rounding.
 *
 * The steps of // and % are those of Objects/floatobject.c's published algorithm, with selects for its branches, so
 * that loops with them can be vectorised as far as fmod can.
 */
#include "lower/lower.h"

static NjRef is_zero(NjLow *l, NjRef x) { return nj_low_cmp(l, NJ_OEQ, x, nj_low_f(l, nj_low_core_type(l, x), 0)); }
static NjRef is_negative(NjLow *l, NjRef x) { return nj_low_cmp(l, NJ_OLT, x, nj_low_f(l, nj_low_core_type(l, x), 0)); }

static NjRef zero_like(NjLow *l, NjRef sign)
{
    return nj_low_math(l, NJ_MATH_COPYSIGN, nj_low_f(l, nj_low_core_type(l, sign), 0), sign);
}

static void check_divisor(NjLow *l, NjRef b, const char *why)
{
    if (nj_low_python_errors(l))
        nj_low_raise_if(l, is_zero(l, b), "ZeroDivisionError", why);
}

NjRef nj_low_fdiv(NjLow *l, NjRef a, NjRef b, const char *why)
{
    const NjVal *k = nj_val(l->f, b);
    if (k->op != NJ_OP_const || k->imm.k->f == 0)
        check_divisor(l, b, why);
    return nj_low_fl(l, NJ_OP_fdiv, a, b);
}

/* The quotient from what fmod left, rounded down; where it is 0 it has the sign of a / b. A zero divisor gives a / b.
 */
static NjRef floor_quotient(NjLow *l, NjRef a, NjRef b, NjRef div)
{
    const NjType *t = nj_low_core_type(l, a);
    NjRef down = nj_low_math(l, NJ_MATH_FLOOR, div, NJ_NOREF), ratio = nj_low_fl(l, NJ_OP_fdiv, a, b);
    NjRef half = nj_low_f(l, t, 0.5), over = nj_low_cmp(l, NJ_OGT, nj_low_fl(l, NJ_OP_fsub, div, down), half);
    down = nj_low_select(l, over, nj_low_fl(l, NJ_OP_fadd, down, nj_low_f(l, t, 1)), down);
    NjRef none = zero_like(l, ratio), q = nj_low_select(l, is_zero(l, div), none, down);
    return nj_low_select(l, is_zero(l, b), ratio, q);
}

/* q may be NULL, when only the remainder is wanted. */
void nj_low_fdivmod(NjLow *l, NjRef a, NjRef b, const char *why, NjRef *q, NjRef *r)
{
    const NjType *t = nj_low_core_type(l, a);
    check_divisor(l, b, why);
    NjRef mod = nj_low_fl(l, NJ_OP_frem, a, b), exact = is_zero(l, mod);
    NjRef below = is_negative(l, mod), other = nj_low_cmp(l, NJ_NE, is_negative(l, b), below);
    NjRef fix = nj_low_i(l, NJ_OP_and, other, nj_low_not(l, exact));
    NjRef moved = nj_low_select(l, fix, nj_low_fl(l, NJ_OP_fadd, mod, b), mod);
    *r = nj_low_select(l, exact, zero_like(l, b), moved);
    if (!q)
        return;
    NjRef div = nj_low_fl(l, NJ_OP_fdiv, nj_low_fl(l, NJ_OP_fsub, a, mod), b);
    div = nj_low_select(l, fix, nj_low_fl(l, NJ_OP_fsub, div, nj_low_f(l, t, 1)), div);
    *q = floor_quotient(l, a, b, div);
}

/* -- powers ----------------------------------------------------------------------------------- */

/* a to a constant power by squaring, as few products as that takes. Negative exponents: floats only. */
NjRef nj_low_powi(NjLow *l, NjRef a, int64_t n)
{
    const NjType *t = nj_low_core_type(l, a);
    bool is_float = t->kind == NJ_K_FLOAT;
    NjRef one = is_float ? nj_low_f(l, t, 1) : nj_low_int(l, t, 1), out = NJ_NOREF, base = a;
    NjOp mul = is_float ? NJ_OP_fmul : NJ_OP_mul;
    for (uint64_t left = n < 0 ? -(uint64_t)n : (uint64_t)n; left; left >>= 1) {
        if (left & 1)
            out = out ? nj_emit2(&l->at, mul, NULL, out, base) : base;
        if (left > 1)
            base = nj_emit2(&l->at, mul, NULL, base, base);
    }
    if (!out)
        return one;
    return n < 0 ? nj_low_fl(l, NJ_OP_fdiv, one, out) : out;
}

/* b is an i64 when it was an integer. A double's power is the library's, as CPython's is, but for the exponents where
 * one product or quotient is at least as exact; narrower and GPU ones multiply, as the peer does. */
NjRef nj_low_fpow(NjLow *l, NjRef a, NjRef b)
{
    const NjType *t = nj_low_core_type(l, a);
    int64_t n;
    if (nj_low_known(l, b, &n)) {
        bool product = t->bits == 32 || l->u->target->simt || l->f->opts.fastmath;
        if ((n >= -1 && n <= 2) || (product && n >= -64 && n <= 64))
            return nj_low_powi(l, a, n);
    }
    return nj_low_math(l, NJ_MATH_POW, a, nj_low_num(l, b, t));
}
