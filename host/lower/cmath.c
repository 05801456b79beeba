/* cmath.c - functions of complex numbers, by the formulas that CPython's cmath documents for finite arguments.
 *
 * Where a formula could overflow, and for infinities and NaN, the CPU asks its C library, which has the special values
 * of C99's annex G, as CPython does; GPUs have the formulas alone.
 */
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
    re = nj_low_select(l, none, zero, re);
    im = nj_low_select(l, none, z.at[1], im);
    return pair(l, z.type, re, im);
}

static NjParts complex_exp(NjLow *l, NjParts z)
{
    NjRef r = m1(l, NJ_MATH_EXP, z.at[0]), re = mul(l, r, m1(l, NJ_MATH_COS, z.at[1]));
    return pair(l, z.type, re, mul(l, r, m1(l, NJ_MATH_SIN, z.at[1])));
}

/* Near |z| = 1 the logarithm is that of 1 + (a-1)(a+1) + b*b, which keeps its digits. */
static NjParts complex_log(NjLow *l, NjParts z)
{
    const NjType *t = nj_low_core_type(l, z.at[0]);
    NjRef x = m1(l, NJ_MATH_FABS, z.at[0]), y = m1(l, NJ_MATH_FABS, z.at[1]), one = nj_low_f(l, t, 1);
    NjRef more = nj_low_cmp(l, NJ_OGT, x, y), a = nj_low_select(l, more, x, y), b = nj_low_select(l, more, y, x);
    NjRef h = nj_low_math(l, NJ_MATH_HYPOT, a, b);
    NjRef below = nj_low_cmp(l, NJ_OLE, h, nj_low_f(l, t, 1.73));
    NjRef near = nj_low_i(l, NJ_OP_and, nj_low_cmp(l, NJ_OLE, nj_low_f(l, t, 0.71), h), below);
    NjRef over = nj_low_fl(l, NJ_OP_fadd, a, one), edge = mul(l, nj_low_fl(l, NJ_OP_fsub, a, one), over);
    NjRef two = nj_low_f(l, t, 2), sum = nj_low_fl(l, NJ_OP_fadd, edge, mul(l, b, b));
    NjRef close = nj_low_fl(l, NJ_OP_fdiv, m1(l, NJ_MATH_LOG1P, sum), two);
    NjRef re = nj_low_select(l, near, close, m1(l, NJ_MATH_LOG, h));
    return pair(l, z.type, re, nj_low_math(l, NJ_MATH_ATAN2, z.at[1], z.at[0]));
}

/* f(x) * g(y) */
static NjRef product(NjLow *l, NjMath f, NjRef x, NjMath g, NjRef y)
{
    NjRef fx = m1(l, f, x);
    return mul(l, fx, m1(l, g, y));
}

static NjParts complex_sin(NjLow *l, NjParts z)
{
    NjRef re = product(l, NJ_MATH_SIN, z.at[0], NJ_MATH_COSH, z.at[1]);
    return pair(l, z.type, re, product(l, NJ_MATH_COS, z.at[0], NJ_MATH_SINH, z.at[1]));
}

static NjParts complex_cos(NjLow *l, NjParts z)
{
    NjRef re = product(l, NJ_MATH_COS, z.at[0], NJ_MATH_COSH, z.at[1]);
    return pair(l, z.type, re, nj_low_neg(l, product(l, NJ_MATH_SIN, z.at[0], NJ_MATH_SINH, z.at[1])));
}

static NjParts complex_sinh(NjLow *l, NjParts z)
{
    NjRef re = product(l, NJ_MATH_COS, z.at[1], NJ_MATH_SINH, z.at[0]);
    return pair(l, z.type, re, product(l, NJ_MATH_SIN, z.at[1], NJ_MATH_COSH, z.at[0]));
}

static NjParts complex_cosh(NjLow *l, NjParts z)
{
    NjRef re = product(l, NJ_MATH_COS, z.at[1], NJ_MATH_COSH, z.at[0]);
    return pair(l, z.type, re, product(l, NJ_MATH_SIN, z.at[1], NJ_MATH_SINH, z.at[0]));
}

/* With u = tanh x, v = tan y: (u (1 + v v), v / cosh(x)**2) / (1 + (u v)**2). */
static NjParts complex_tanh(NjLow *l, NjParts z)
{
    NjRef one = nj_low_f(l, nj_low_core_type(l, z.at[0]), 1);
    NjRef u = m1(l, NJ_MATH_TANH, z.at[0]), v = m1(l, NJ_MATH_TAN, z.at[1]), uv = mul(l, u, v);
    NjRef c = nj_low_fl(l, NJ_OP_fdiv, one, m1(l, NJ_MATH_COSH, z.at[0]));
    NjRef below = nj_low_fl(l, NJ_OP_fadd, one, mul(l, uv, uv));
    NjRef re = nj_low_fl(l, NJ_OP_fdiv, mul(l, u, nj_low_fl(l, NJ_OP_fadd, one, mul(l, v, v))), below);
    return pair(l, z.type, re, mul(l, mul(l, nj_low_fl(l, NJ_OP_fdiv, v, below), c), c));
}

/* sqrt(p + q i), for the inverse functions. */
static NjParts root(NjLow *l, const NjType *t, NjRef p, NjRef q) { return complex_sqrt(l, pair(l, t, p, q)); }

static NjRef cross(NjLow *l, NjOp op, NjRef a, NjRef b, NjRef c, NjRef d)
{
    NjRef ab = mul(l, a, b);
    return nj_low_fl(l, op, ab, mul(l, c, d));
}

static NjParts complex_acos(NjLow *l, NjParts z)
{
    NjRef one = nj_low_f(l, nj_low_core_type(l, z.at[0]), 1), two = nj_low_f(l, nj_low_core_type(l, z.at[0]), 2);
    NjRef across = nj_low_neg(l, z.at[1]);
    NjParts s = root(l, z.type, nj_low_fl(l, NJ_OP_fsub, one, z.at[0]), across);
    NjParts r = root(l, z.type, nj_low_fl(l, NJ_OP_fadd, one, z.at[0]), z.at[1]);
    NjRef im = cross(l, NJ_OP_fsub, r.at[0], s.at[1], r.at[1], s.at[0]);
    NjRef re = mul(l, two, nj_low_math(l, NJ_MATH_ATAN2, s.at[0], r.at[0]));
    return pair(l, z.type, re, m1(l, NJ_MATH_ASINH, im));
}

static NjParts complex_acosh(NjLow *l, NjParts z)
{
    NjRef one = nj_low_f(l, nj_low_core_type(l, z.at[0]), 1), two = nj_low_f(l, nj_low_core_type(l, z.at[0]), 2);
    NjParts s = root(l, z.type, nj_low_fl(l, NJ_OP_fsub, z.at[0], one), z.at[1]);
    NjParts r = root(l, z.type, nj_low_fl(l, NJ_OP_fadd, z.at[0], one), z.at[1]);
    NjRef re = m1(l, NJ_MATH_ASINH, cross(l, NJ_OP_fadd, s.at[0], r.at[0], s.at[1], r.at[1]));
    return pair(l, z.type, re, mul(l, two, nj_low_math(l, NJ_MATH_ATAN2, s.at[1], r.at[0])));
}

static NjParts complex_asinh(NjLow *l, NjParts z)
{
    NjRef one = nj_low_f(l, nj_low_core_type(l, z.at[0]), 1);
    NjRef across = nj_low_neg(l, z.at[0]);
    NjParts s = root(l, z.type, nj_low_fl(l, NJ_OP_fadd, one, z.at[1]), across);
    NjParts r = root(l, z.type, nj_low_fl(l, NJ_OP_fsub, one, z.at[1]), z.at[0]);
    NjRef re = cross(l, NJ_OP_fsub, s.at[0], r.at[1], r.at[0], s.at[1]);
    NjRef im = cross(l, NJ_OP_fsub, s.at[0], r.at[0], s.at[1], r.at[1]);
    re = m1(l, NJ_MATH_ASINH, re);
    return pair(l, z.type, re, nj_low_math(l, NJ_MATH_ATAN2, z.at[1], im));
}

/* For x >= 0; atanh is odd. So near 1 that y * y is 0, the distance is y itself. */
static NjParts complex_atanh(NjLow *l, NjParts z)
{
    const NjType *t = nj_low_core_type(l, z.at[0]);
    NjRef one = nj_low_f(l, t, 1), minus = nj_low_f(l, t, -1), two = nj_low_f(l, t, 2), four = nj_low_f(l, t, 4);
    NjRef sign = nj_low_math(l, NJ_MATH_COPYSIGN, one, z.at[0]), x = mul(l, sign, z.at[0]), y = mul(l, sign, z.at[1]);
    NjRef near = nj_low_fl(l, NJ_OP_fsub, one, x), yy = mul(l, y, y);
    NjRef far = nj_low_fl(l, NJ_OP_fadd, mul(l, near, near), yy);
    NjRef re = nj_low_fl(l, NJ_OP_fdiv, m1(l, NJ_MATH_LOG1P, nj_low_fl(l, NJ_OP_fdiv, mul(l, four, x), far)), four);
    NjRef close = m1(l, NJ_MATH_SQRT, nj_low_fl(l, NJ_OP_fdiv, m1(l, NJ_MATH_FABS, y), two));
    close = nj_low_neg(l, m1(l, NJ_MATH_LOG, close));
    re = nj_low_select(l, nj_low_cmp(l, NJ_OEQ, far, nj_low_f(l, t, 0)), close, re);
    NjRef across = nj_low_fl(l, NJ_OP_fsub, mul(l, near, nj_low_fl(l, NJ_OP_fadd, one, x)), yy);
    NjRef angle = nj_low_math(l, NJ_MATH_ATAN2, mul(l, nj_low_f(l, t, -2), y), across);
    NjRef im = nj_low_fl(l, NJ_OP_fdiv, mul(l, minus, angle), two);
    re = mul(l, sign, re);
    return pair(l, z.type, re, mul(l, sign, im));
}

/* f(z) = -i g(i z) */
static NjParts turned(NjLow *l, NjParts z, NjParts (*g)(NjLow *, NjParts))
{
    NjParts w = g(l, pair(l, z.type, nj_low_neg(l, z.at[1]), z.at[0]));
    return pair(l, z.type, w.at[1], nj_low_neg(l, w.at[0]));
}

static NjParts complex_tan(NjLow *l, NjParts z) { return turned(l, z, complex_tanh); }
static NjParts complex_asin(NjLow *l, NjParts z) { return turned(l, z, complex_asinh); }
static NjParts complex_atan(NjLow *l, NjParts z) { return turned(l, z, complex_atanh); }

static NjParts complex_log10(NjLow *l, NjParts z)
{
    NjParts w = complex_log(l, z);
    NjRef k = nj_low_f(l, nj_low_core_type(l, z.at[0]), 2.302585092994045684);
    NjRef re = nj_low_fl(l, NJ_OP_fdiv, w.at[0], k);
    return pair(l, z.type, re, nj_low_fl(l, NJ_OP_fdiv, w.at[1], k));
}

/* -- which formula, and how far it goes ------------------------------------------------------- */

/* In the order of intrin.def's arguments. `far`: parts below it are safe, 0: all are; also beyond it in single
 * precision. */
static const struct { NjParts (*formula)(NjLow *, NjParts); double far, far32; } functions[] = {
    {complex_sqrt, 1e300, 1e37}, {complex_exp, 700, 80},    {complex_log, 0, 0},        {complex_sin, 700, 80},
    {complex_cos, 700, 80},      {complex_tan, 300, 40},    {complex_sinh, 700, 80},    {complex_cosh, 700, 80},
    {complex_tanh, 300, 40},     {complex_asin, 1e100, 1e9}, {complex_acos, 1e100, 1e9}, {complex_atan, 1e100, 1e9},
    {complex_asinh, 1e100, 1e9}, {complex_acosh, 1e100, 1e9}, {complex_atanh, 1e100, 1e9}, {complex_log10, 0, 0},
};

static void keep(NjLow *l, NjParts z, NjRef room)
{
    for (int i = 0; i < 2; i++)
        nj_low_store(l, nj_low_num(l, z.at[i], l->f64), nj_low_elem(l, room, nj_low_int(l, l->i64, i)));
}

/* Function `which` of nj_rt_cmath, in double precision through memory. */
static void by_library(NjLow *l, NjParts z, int which, NjRef room)
{
    keep(l, z, room);
    NjRef r = nj_emit2(&l->at, NJ_OP_callx, nj_type_void(l->ts), nj_low_int(l, l->i32, which), room);
    nj_val(l->f, r)->imm.name = "nj_rt_cmath";
}

NjParts nj_lower_cmath(NjLow *l, const NjArgs *a, int which)
{
    NjParts z = nj_low_cast(l, nj_low_get(l, a->at[0]), a->type);
    const NjType *t = nj_low_core_type(l, z.at[0]);
    double far = t->bits == 32 ? functions[which].far32 : functions[which].far;
    if (far == 0 || !l->u->target->raises)
        return functions[which].formula(l, z);
    NjRef room = nj_low_alloca(l, l->f64, 2), limit = nj_low_f(l, t, far);
    NjRef safe = nj_low_cmp(l, NJ_OLT, m1(l, NJ_MATH_FABS, z.at[0]), limit);
    safe = nj_low_i(l, NJ_OP_and, safe, nj_low_cmp(l, NJ_OLT, m1(l, NJ_MATH_FABS, z.at[1]), limit));
    NjBlkId inside = nj_low_blk(l), outside = nj_low_blk(l), done = nj_low_blk(l);
    nj_low_condbr(l, safe, inside, outside);
    nj_low_enter(l, inside);
    keep(l, functions[which].formula(l, z), room);
    nj_low_br(l, done);
    nj_low_enter(l, outside);
    by_library(l, z, which, room);
    nj_low_br(l, done);
    nj_low_enter(l, done);
    NjRef part[2];
    for (int i = 0; i < 2; i++)
        part[i] = nj_low_num(l, nj_low_load(l, l->f64, nj_low_elem(l, room, nj_low_int(l, l->i64, i))), t);
    return pair(l, z.type, part[0], part[1]);
}

/* -- polar form ------------------------------------------------------------------------------- */

/* Any number as a complex one, whose parts are of type ft. */
static NjParts as_complex(NjLow *l, NjRef r, const NjType *ft)
{
    return nj_low_cast(l, nj_low_get(l, r), nj_type_complex(l->ts, ft->bits * 2u));
}

NjParts nj_lower_phase(NjLow *l, const NjArgs *a, int arg)
{
    NjParts z = as_complex(l, a->at[0], a->type);
    return nj_low_scalar(l, a->type, nj_low_math(l, NJ_MATH_ATAN2, z.at[1], z.at[0]));
}

NjParts nj_lower_polar(NjLow *l, const NjArgs *a, int arg)
{
    NjParts z = as_complex(l, a->at[0], a->type->elems[0]);
    NjRef r = nj_low_math(l, NJ_MATH_HYPOT, z.at[0], z.at[1]);
    return pair(l, a->type, r, nj_low_math(l, NJ_MATH_ATAN2, z.at[1], z.at[0]));
}

NjParts nj_lower_rect(NjLow *l, const NjArgs *a, int arg)
{
    const NjType *ft = nj_type_float(l->ts, a->type->bits / 2);
    NjRef r = nj_low_one(l, a->at[0], ft), phi = nj_low_one(l, a->at[1], ft);
    NjRef re = mul(l, r, m1(l, NJ_MATH_COS, phi));
    return pair(l, a->type, re, mul(l, r, m1(l, NJ_MATH_SIN, phi)));
}

NjParts nj_lower_conj(NjLow *l, const NjArgs *a, int arg)
{
    NjParts z = nj_low_get(l, a->at[0]);
    return z.type->kind == NJ_K_COMPLEX ? pair(l, z.type, z.at[0], nj_low_neg(l, z.at[1])) : z;
}
