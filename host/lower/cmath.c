/* cmath.c - functions of complex numbers, by the formulas that CPython's cmath documents for finite arguments. */
#include "lower/lower.h"

static NjParts pair(NjLow *l, const NjType *t, NjRef re, NjRef im)
{
    NjParts p = nj_low_parts(l, t);
    p.at[0] = re;
    p.at[1] = im;
    return p;
}

static NjRef m1(NjLow *l, NjMath m, NjRef x) { return nj_low_math(l, m, x, NJ_NOREF); }
static NjRef mul(NjLow *l, NjRef a, NjRef b) { return nj_low_fl(l, NJ_OP_fmul, a, b); }

/* s = 2 sqrt(|re|/8 + |z|/8), d = |im| / 2s: the parts, in an order that the sign of re decides. 0 has the root (0,
 * im). */
static NjParts complex_sqrt(NjLow *l, NjParts z)
{
    const NjType *t = nj_low_core_type(l, z.at[0]);
    NjRef zero = nj_low_f(l, t, 0), eighth = nj_low_f(l, t, 0.125), two = nj_low_f(l, t, 2);
    NjRef ax = mul(l, m1(l, NJ_MATH_FABS, z.at[0]), eighth), ay = m1(l, NJ_MATH_FABS, z.at[1]);
    NjRef h = nj_low_math(l, NJ_MATH_HYPOT, ax, mul(l, ay, eighth));
    NjRef s = mul(l, two, m1(l, NJ_MATH_SQRT, nj_low_fl(l, NJ_OP_fadd, ax, h)));
    NjRef d = nj_low_fl(l, NJ_OP_fdiv, ay, mul(l, two, s));
    NjRef right = nj_low_cmp(l, NJ_OGE, z.at[0], zero), none = nj_low_cmp(l, NJ_OEQ, s, zero);
    NjRef re = nj_low_select(l, right, s, d),
          im = nj_low_math(l, NJ_MATH_COPYSIGN, nj_low_select(l, right, d, s), z.at[1]);
    return pair(l, z.type, nj_low_select(l, none, zero, re), nj_low_select(l, none, z.at[1], im));
}

static NjParts complex_exp(NjLow *l, NjParts z)
{
    NjRef r = m1(l, NJ_MATH_EXP, z.at[0]);
    return pair(l, z.type, mul(l, r, m1(l, NJ_MATH_COS, z.at[1])), mul(l, r, m1(l, NJ_MATH_SIN, z.at[1])));
}

/* Near |z| = 1 the logarithm is that of 1 + (a-1)(a+1) + b*b, which keeps its digits. */
static NjParts complex_log(NjLow *l, NjParts z)
{
    const NjType *t = nj_low_core_type(l, z.at[0]);
    NjRef x = m1(l, NJ_MATH_FABS, z.at[0]), y = m1(l, NJ_MATH_FABS, z.at[1]), one = nj_low_f(l, t, 1);
    NjRef more = nj_low_cmp(l, NJ_OGT, x, y), a = nj_low_select(l, more, x, y), b = nj_low_select(l, more, y, x);
    NjRef h = nj_low_math(l, NJ_MATH_HYPOT, a, b);
    NjRef near = nj_low_i(l, NJ_OP_and, nj_low_cmp(l, NJ_OLE, nj_low_f(l, t, 0.71), h),
                          nj_low_cmp(l, NJ_OLE, h, nj_low_f(l, t, 1.73)));
    NjRef edge = mul(l, nj_low_fl(l, NJ_OP_fsub, a, one), nj_low_fl(l, NJ_OP_fadd, a, one));
    NjRef close =
        nj_low_fl(l, NJ_OP_fdiv, m1(l, NJ_MATH_LOG1P, nj_low_fl(l, NJ_OP_fadd, edge, mul(l, b, b))), nj_low_f(l, t, 2));
    NjRef re = nj_low_select(l, near, close, m1(l, NJ_MATH_LOG, h));
    return pair(l, z.type, re, nj_low_math(l, NJ_MATH_ATAN2, z.at[1], z.at[0]));
}

static NjParts complex_sin(NjLow *l, NjParts z)
{
    NjRef re = mul(l, m1(l, NJ_MATH_SIN, z.at[0]), m1(l, NJ_MATH_COSH, z.at[1]));
    return pair(l, z.type, re, mul(l, m1(l, NJ_MATH_COS, z.at[0]), m1(l, NJ_MATH_SINH, z.at[1])));
}

static NjParts complex_cos(NjLow *l, NjParts z)
{
    NjRef re = mul(l, m1(l, NJ_MATH_COS, z.at[0]), m1(l, NJ_MATH_COSH, z.at[1]));
    return pair(l, z.type, re, nj_low_neg(l, mul(l, m1(l, NJ_MATH_SIN, z.at[0]), m1(l, NJ_MATH_SINH, z.at[1]))));
}

static NjParts (*const functions[])(NjLow *, NjParts) = {complex_sqrt, complex_exp, complex_log, complex_sin,
                                                         complex_cos};

NjParts lower_cmath(NjLow *l, const NjArgs *a, int which)
{
    return functions[which](l, nj_low_cast(l, nj_low_get(l, a->at[0]), a->type));
}

/* -- polar form ------------------------------------------------------------------------------- */

/* Any number as a complex one, whose parts are of type ft. */
static NjParts as_complex(NjLow *l, NjRef r, const NjType *ft)
{
    return nj_low_cast(l, nj_low_get(l, r), nj_type_complex(l->ts, ft->bits * 2u));
}

NjParts lower_phase(NjLow *l, const NjArgs *a, int arg)
{
    NjParts z = as_complex(l, a->at[0], a->type);
    return nj_low_scalar(l, a->type, nj_low_math(l, NJ_MATH_ATAN2, z.at[1], z.at[0]));
}

NjParts lower_polar(NjLow *l, const NjArgs *a, int arg)
{
    NjParts z = as_complex(l, a->at[0], a->type->elems[0]);
    return pair(l, a->type, nj_low_math(l, NJ_MATH_HYPOT, z.at[0], z.at[1]),
                nj_low_math(l, NJ_MATH_ATAN2, z.at[1], z.at[0]));
}

NjParts lower_rect(NjLow *l, const NjArgs *a, int arg)
{
    const NjType *ft = nj_type_float(l->ts, a->type->bits / 2);
    NjRef r = nj_low_one(l, a->at[0], ft), phi = nj_low_one(l, a->at[1], ft);
    return pair(l, a->type, mul(l, r, m1(l, NJ_MATH_COS, phi)), mul(l, r, m1(l, NJ_MATH_SIN, phi)));
}

NjParts lower_conj(NjLow *l, const NjArgs *a, int arg)
{
    NjParts z = nj_low_get(l, a->at[0]);
    return z.type->kind == NJ_K_COMPLEX ? pair(l, z.type, z.at[0], nj_low_neg(l, z.at[1])) : z;
}
