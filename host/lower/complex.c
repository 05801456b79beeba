/* complex.c - complex arithmetic on (re, im) pairs with CPython's algorithms, so that results are equal to the bit.
 *
 * Division is Smith's method in the form of Objects/complexobject.c's published description; small integer powers are
 * by squaring, others polar.
 */
#include "lower/lower.h"

static NjParts pair(NjLow *l, const NjType *t, NjRef re, NjRef im)
{
    NjParts p = nj_low_parts(l, t);
    p.at[0] = re;
    p.at[1] = im;
    return p;
}

void nj_low_cmul(NjLow *l, const NjRef a[2], const NjRef b[2], NjRef out[2])
{
    NjRef rr = nj_low_fl(l, NJ_OP_fmul, a[0], b[0]), ii = nj_low_fl(l, NJ_OP_fmul, a[1], b[1]);
    NjRef ri = nj_low_fl(l, NJ_OP_fmul, a[0], b[1]), ir = nj_low_fl(l, NJ_OP_fmul, a[1], b[0]);
    out[0] = nj_low_fl(l, NJ_OP_fsub, rr, ii);
    out[1] = nj_low_fl(l, NJ_OP_fadd, ri, ir);
}

static NjRef both_zero(NjLow *l, const NjRef x[2])
{
    NjRef zero = nj_low_f(l, nj_low_core_type(l, x[0]), 0);
    NjRef im = nj_low_cmp(l, NJ_OEQ, x[1], zero);
    return nj_low_i(l, NJ_OP_and, nj_low_cmp(l, NJ_OEQ, x[0], zero), im);
}

static NjRef fma2(NjLow *l, NjRef x, NjRef y, NjRef ratio)     /* x + y * ratio, two roundings */
{
    return nj_low_fl(l, NJ_OP_fadd, x, nj_low_fl(l, NJ_OP_fmul, y, ratio));
}

/* With |re b| >= |im b| the ratio is im/re, else re/im; the sums below are the same two with their terms exchanged. */
static void cdiv(NjLow *l, const NjRef a[2], const NjRef b[2], NjRef out[2])
{
    if (l->u->target->raises && !l->quiet)
        nj_low_raise_if(l, both_zero(l, b), "ZeroDivisionError", "complex division by zero");
    NjRef im = nj_low_math(l, NJ_MATH_FABS, b[1], NJ_NOREF), re = nj_low_math(l, NJ_MATH_FABS, b[0], NJ_NOREF);
    NjRef big = nj_low_cmp(l, NJ_OGE, re, im);
    NjRef major = nj_low_select(l, big, b[0], b[1]), minor = nj_low_select(l, big, b[1], b[0]);
    NjRef ratio = nj_low_fl(l, NJ_OP_fdiv, minor, major), denom = fma2(l, major, minor, ratio);
    NjRef x = nj_low_select(l, big, a[0], a[1]), y = nj_low_select(l, big, a[1], a[0]);
    out[0] = nj_low_fl(l, NJ_OP_fdiv, fma2(l, x, y, ratio), denom);
    NjRef down = nj_low_fl(l, NJ_OP_fsub, a[1], nj_low_fl(l, NJ_OP_fmul, a[0], ratio));
    NjRef up = nj_low_fl(l, NJ_OP_fsub, nj_low_fl(l, NJ_OP_fmul, a[1], ratio), a[0]);
    out[1] = nj_low_fl(l, NJ_OP_fdiv, nj_low_select(l, big, down, up), denom);
}

/* n > 0, lowest bit first, starting from 1 as CPython does: signs of zeros depend on it. */
static void cpow_int(NjLow *l, const NjRef a[2], uint64_t n, NjRef out[2])
{
    const NjType *t = nj_low_core_type(l, a[0]);
    NjRef base[2] = {a[0], a[1]};
    out[0] = nj_low_f(l, t, 1);
    out[1] = nj_low_f(l, t, 0);
    for (; n; n >>= 1) {
        NjRef next[2];
        if (n & 1) {
            nj_low_cmul(l, out, base, next);
            memcpy(out, next, sizeof next);
        }
        nj_low_cmul(l, base, base, next);
        memcpy(base, next, sizeof next);
    }
}

static void cpow_polar(NjLow *l, const NjRef a[2], const NjRef b[2], NjRef out[2])
{
    const NjType *t = nj_low_core_type(l, a[0]);
    NjRef zero = nj_low_f(l, t, 0), one = nj_low_f(l, t, 1);
    NjRef r = nj_low_math(l, NJ_MATH_HYPOT, a[0], a[1]), at = nj_low_math(l, NJ_MATH_ATAN2, a[1], a[0]);
    NjRef has_im = nj_low_cmp(l, NJ_UNE, b[1], zero);
    NjRef len = nj_low_math(l, NJ_MATH_POW, r, b[0]), phase = nj_low_fl(l, NJ_OP_fmul, at, b[0]);
    NjRef damp = nj_low_math(l, NJ_MATH_EXP, nj_low_fl(l, NJ_OP_fmul, at, b[1]), NJ_NOREF);
    NjRef turn = nj_low_fl(l, NJ_OP_fmul, b[1], nj_low_math(l, NJ_MATH_LOG, r, NJ_NOREF));
    len = nj_low_select(l, has_im, nj_low_fl(l, NJ_OP_fdiv, len, damp), len);
    phase = nj_low_select(l, has_im, nj_low_fl(l, NJ_OP_fadd, phase, turn), phase);
    NjRef re = nj_low_fl(l, NJ_OP_fmul, len, nj_low_math(l, NJ_MATH_COS, phase, NJ_NOREF));
    NjRef im = nj_low_fl(l, NJ_OP_fmul, len, nj_low_math(l, NJ_MATH_SIN, phase, NJ_NOREF));
    NjRef none = both_zero(l, a), unit = both_zero(l, b);
    re = nj_low_select(l, none, zero, re);
    im = nj_low_select(l, none, zero, im);
    out[0] = nj_low_select(l, unit, one, re);
    out[1] = nj_low_select(l, unit, zero, im);
}

static bool whole_exponent(const NjConst *k, int64_t *n)
{
    if (!k || (k->kind != NJ_C_INT && k->kind != NJ_C_FLOAT))
        return false;
    if (k->kind == NJ_C_FLOAT && (k->f != (double)(int64_t)k->f || k->f > 100 || k->f < -100))
        return false;
    *n = k->kind == NJ_C_INT ? k->i : (int64_t)k->f;
    return *n >= -100 && *n <= 100;
}

static void cpower(NjLow *l, const NjRef a[2], const NjRef b[2], const NjConst *right, NjRef out[2])
{
    int64_t n;
    if (!whole_exponent(right, &n)) {
        cpow_polar(l, a, b, out);
        return;
    }
    NjRef p[2], one[2] = {nj_low_f(l, nj_low_core_type(l, a[0]), 1), nj_low_f(l, nj_low_core_type(l, a[0]), 0)};
    cpow_int(l, a, n < 0 ? (uint64_t)-n : (uint64_t)n, p);
    if (n < 0)
        cdiv(l, one, p, out);
    else
        memcpy(out, p, sizeof p);
}

NjParts nj_low_complex_op(NjLow *l, NjBin op, NjParts a, NjParts b, const NjConst *right)
{
    NjRef out[2] = {a.at[0], a.at[1]};
    switch (op) {
    case NJ_BIN_ADD: case NJ_BIN_SUB:
        for (unsigned i = 0; i < 2; i++)
            out[i] = nj_low_fl(l, op == NJ_BIN_ADD ? NJ_OP_fadd : NJ_OP_fsub, a.at[i], b.at[i]);
        break;
    case NJ_BIN_MUL:     nj_low_cmul(l, a.at, b.at, out); break;
    case NJ_BIN_TRUEDIV: cdiv(l, a.at, b.at, out); break;
    case NJ_BIN_POW:     cpower(l, a.at, b.at, right, out); break;
    default:             nj_low_nyi(l, "this operation on complex numbers"); break;
    }
    return pair(l, a.type, out[0], out[1]);
}
