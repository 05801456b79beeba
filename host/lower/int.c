/* int.c - integer arithmetic with Python's meaning on wrapping machine integers.
 *
 * Floor division takes the divisor's sign; a zero divisor raises, or gives 0 under NumPy's error model; the least
 * integer divided by -1, and its remainder, give 0. Shifts by 64 and more give 0 or the sign; powers wrap.
 */
#include "lower/lower.h"

static bool is_signed(const NjLow *l, NjRef x) { return nj_low_core_type(l, x)->kind == NJ_K_INT; }

/* k when x is the constant 2**k, k > 0; else 0. */
static unsigned known_log2(NjLow *l, NjRef x)
{
    int64_t i;
    if (!nj_low_known(l, x, &i) || i < 2 || (i & (i - 1)))
        return 0;
    return (unsigned)__builtin_ctzll((uint64_t)i);
}

/* Where the division has no result: the quotient and the remainder are 0 there. */
static NjRef div_bad(NjLow *l, NjRef a, NjRef b)
{
    const NjType *t = nj_low_core_type(l, a);
    NjRef bad = nj_low_cmp(l, NJ_EQ, b, nj_low_int(l, t, 0));
    int64_t k;
    if (t->kind != NJ_K_INT || (nj_low_known(l, b, &k) && k != -1))
        return bad;
    NjRef least = nj_low_int(l, t, (int64_t)((uint64_t)INT64_MAX + 1) >> (64 - t->bits));
    NjRef minus = nj_low_cmp(l, NJ_EQ, b, nj_low_int(l, t, -1)), lowest = nj_low_cmp(l, NJ_EQ, a, least);
    return nj_low_i(l, NJ_OP_or, bad, nj_low_i(l, NJ_OP_and, lowest, minus));
}

/* Towards zero -> towards minus infinity: one less where the remainder's sign is not the divisor's. */
static void div_floor(NjLow *l, NjRef a, NjRef b, NjRef *q, NjRef *r)
{
    const NjType *t = nj_low_core_type(l, a);
    NjRef zero = nj_low_int(l, t, 0), quot = nj_low_i(l, NJ_OP_sdiv, a, b);
    NjRef rem = nj_low_i(l, NJ_OP_sub, a, nj_low_i(l, NJ_OP_mul, quot, b));
    int64_t k;
    if (nj_low_known(l, b, &k) && k > 0) {              /* all bits of `minus` are the remainder's sign */
        NjRef minus = nj_low_i(l, NJ_OP_ashr, rem, nj_low_int(l, t, t->bits - 1));
        *q = nj_low_i(l, NJ_OP_add, quot, minus);
        *r = nj_low_i(l, NJ_OP_add, rem, nj_low_i(l, NJ_OP_and, minus, b));
        return;
    }
    NjRef other = nj_low_cmp(l, NJ_SLT, nj_low_i(l, NJ_OP_xor, rem, b), zero);
    NjRef fix = nj_low_i(l, NJ_OP_and, nj_low_cmp(l, NJ_NE, rem, zero), other);
    *q = nj_low_select(l, fix, nj_low_i(l, NJ_OP_sub, quot, nj_low_int(l, t, 1)), quot);
    *r = nj_low_select(l, fix, nj_low_i(l, NJ_OP_add, rem, b), rem);
}

void nj_low_idivmod(NjLow *l, NjRef a, NjRef b, const char *why, NjRef *q, NjRef *r)
{
    const NjType *t = nj_low_core_type(l, a);
    unsigned log2 = known_log2(l, b);
    if (log2) {
        int64_t mask;
        (void)nj_low_known(l, b, &mask);
        *q = nj_low_i(l, is_signed(l, a) ? NJ_OP_ashr : NJ_OP_lshr, a, nj_low_int(l, t, log2));
        *r = nj_low_i(l, NJ_OP_and, a, nj_low_int(l, t, mask - 1));
        return;
    }
    NjRef zero = nj_low_int(l, t, 0);
    if (nj_low_python_errors(l))
        nj_low_raise_if(l, nj_low_cmp(l, NJ_EQ, b, zero), "ZeroDivisionError", why);
    NjRef bad = div_bad(l, a, b);
    b = nj_low_select(l, bad, nj_low_int(l, t, 1), b);
    if (is_signed(l, a)) {
        div_floor(l, a, b, q, r);
    } else {
        *q = nj_low_i(l, NJ_OP_udiv, a, b);
        *r = nj_low_i(l, NJ_OP_urem, a, b);
    }
    *q = nj_low_select(l, bad, zero, *q);
    *r = nj_low_select(l, bad, zero, *r);
}

/* -- shifts ----------------------------------------------------------------------------------- */

NjRef nj_low_shift(NjLow *l, NjBin op, NjRef a, NjRef b)
{
    const NjType *t = nj_low_core_type(l, a), *bt = nj_low_core_type(l, b);
    NjRef width = nj_low_int(l, bt, bt->bits < 8 ? 1 : t->bits), last = nj_low_int(l, bt, t->bits - 1);
    if (bt->kind == NJ_K_INT && nj_low_python_errors(l))
        nj_low_raise_if(l, nj_low_cmp(l, NJ_SLT, b, nj_low_int(l, bt, 0)), "ValueError", "negative shift count");
    NjRef big = nj_low_cmp(l, NJ_UGE, b, width);         /* unsigned: negative counts are big, too */
    NjRef count = nj_low_num(l, nj_low_select(l, big, last, b), t);
    if (op == NJ_BIN_RSHIFT && t->kind == NJ_K_INT)
        return nj_low_i(l, NJ_OP_ashr, a, count);
    NjRef x = nj_low_i(l, op == NJ_BIN_LSHIFT ? NJ_OP_shl : NJ_OP_lshr, a, count);
    return nj_low_select(l, big, nj_low_int(l, t, 0), x);
}

/* -- powers ----------------------------------------------------------------------------------- */

/* b >= 0: by squaring, in a loop whose phis are result, base and what is left of the exponent. */
static NjRef pow_loop(NjLow *l, NjRef a, NjRef b)
{
    const NjType *t = nj_low_core_type(l, a), *bt = nj_low_core_type(l, b);
    NjBlkId head = nj_low_blk(l), body = nj_low_blk(l), done = nj_low_blk(l);
    nj_low_br(l, head);
    nj_low_enter(l, head);
    NjRef left = nj_emit_phi(l->f, head, bt, 2), base = nj_emit_phi(l->f, head, t, 2),
          out = nj_emit_phi(l->f, head, t, 2);
    nj_low_condbr(l, nj_low_cmp(l, NJ_NE, left, nj_low_int(l, bt, 0)), body, done);
    nj_low_enter(l, body);
    NjRef odd = nj_low_num(l, nj_low_i(l, NJ_OP_and, left, nj_low_int(l, bt, 1)), l->b1);
    NjRef square = nj_low_i(l, NJ_OP_mul, base, base);
    NjRef grown = nj_low_select(l, odd, nj_low_i(l, NJ_OP_mul, out, base), out);
    NjRef next[3] = {grown, square, nj_low_i(l, NJ_OP_lshr, left, nj_low_int(l, bt, 1))};
    nj_low_br(l, head);
    NjRef first[3] = {nj_low_int(l, t, 1), a, b}, phis[3] = {out, base, left};
    for (unsigned i = 0; i < 3; i++) {
        nj_val(l->f, phis[i])->args[0] = first[i];
        nj_val(l->f, phis[i])->args[1] = next[i];
    }
    nj_low_enter(l, done);
    return out;
}

/* a ** b for b < 0: 1, -1 or 0 as a is 1, -1 or neither; 0 has none, and is the least integer where nothing raises. */
static NjRef pow_negative(NjLow *l, NjRef a, NjRef b)
{
    const NjType *t = nj_low_core_type(l, a);
    NjRef zero = nj_low_int(l, t, 0), one = nj_low_int(l, t, 1);
    NjRef none = nj_low_cmp(l, NJ_EQ, a, zero);
    NjRef x = nj_low_select(l, nj_low_cmp(l, NJ_EQ, a, one), one, zero);
    if (t->kind == NJ_K_INT) {
        NjRef odd = nj_low_num(l, nj_low_i(l, NJ_OP_and, b, nj_low_int(l, nj_low_core_type(l, b), 1)), l->b1);
        NjRef minus = nj_low_int(l, t, -1), sign = nj_low_select(l, odd, minus, one);
        x = nj_low_select(l, nj_low_cmp(l, NJ_EQ, a, minus), sign, x);
    }
    return nj_low_select(l, none, nj_low_int(l, t, INT64_MIN >> (64 - t->bits)), x);
}

NjRef nj_low_ipow(NjLow *l, NjRef a, NjRef b)
{
    const NjType *bt = nj_low_core_type(l, b);
    int64_t n;
    if (nj_low_known(l, b, &n) && n >= 0 && n <= 64)
        return nj_low_powi(l, a, n);
    if (bt->kind != NJ_K_INT)
        return pow_loop(l, a, b);
    NjRef zero = nj_low_int(l, bt, 0), neg = nj_low_cmp(l, NJ_SLT, b, zero);
    if (nj_low_python_errors(l)) {
        NjRef none = nj_low_cmp(l, NJ_EQ, a, nj_low_int(l, nj_low_core_type(l, a), 0));
        nj_low_raise_if(l, nj_low_i(l, NJ_OP_and, neg, none), "ZeroDivisionError",
                        "0.0 cannot be raised to a negative power");
    }
    NjRef whole = pow_loop(l, a, nj_low_select(l, neg, zero, b));
    return nj_low_select(l, neg, pow_negative(l, a, b), whole);
}

NjRef nj_low_iabs(NjLow *l, NjRef x)
{
    const NjType *t = nj_low_core_type(l, x);
    if (t->kind != NJ_K_INT)
        return x;
    NjRef below = nj_low_cmp(l, NJ_SLT, x, nj_low_int(l, t, 0));
    return nj_low_select(l, below, nj_low_neg(l, x), x);
}
