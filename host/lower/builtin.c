/* builtin.c - Python's built-in functions: len range enumerate zip abs min max round pow divmod sum slice tuple. */
#include "lower/lower.h"

#include <math.h>

static NjParts get(NjLow *l, const NjArgs *a, unsigned i) { return nj_low_get(l, a->at[i]); }
static NjParts scalar(NjLow *l, NjRef x) { return nj_low_scalar(l, nj_low_core_type(l, x), x); }

NjParts nj_lower_len(NjLow *l, const NjArgs *a, int arg)
{
    NjParts x = get(l, a, 0);
    const NjConst *k = nj_low_static(l, a->at[0]);
    switch (x.type->kind) {
    case NJ_K_ARRAY: return scalar(l, nj_low_arr(l, x).shape[0]);
    case NJ_K_TUPLE: return scalar(l, nj_low_int(l, l->i64, x.type->nelem));
    case NJ_K_RANGE: return scalar(l, nj_low_range_len(l, x));
    case NJ_K_STR:   return scalar(l, nj_low_int(l, l->i64, k ? (int64_t)k->str.n : 0));
    default:
        nj_low_nyi(l, nj_arena_printf(l->arena, "len() of %s", x.type->name));
        return scalar(l, nj_low_int(l, l->i64, 0));
    }
}

/* range(stop), range(start, stop), range(start, stop, step) */
NjParts nj_lower_range(NjLow *l, const NjArgs *a, int arg)
{
    const NjType *t = a->type->elem;
    NjParts p = nj_low_parts(l, a->type);
    bool lone = !nj_low_has(a, 1);
    p.at[0] = lone ? nj_low_int(l, t, 0) : nj_low_one(l, a->at[0], t);
    p.at[1] = nj_low_one(l, a->at[lone ? 0 : 1], t);
    p.at[2] = nj_low_has(a, 2) ? nj_low_one(l, a->at[2], t) : nj_low_int(l, t, 1);
    nj_low_raise_if(l, nj_low_cmp(l, NJ_EQ, p.at[2], nj_low_int(l, t, 0)), "ValueError",
                    "range() arg 3 must not be zero");
    return p;
}

NjParts nj_lower_enumerate(NjLow *l, const NjArgs *a, int arg)
{
    NjParts p = nj_low_parts(l, a->type), x = get(l, a, 0);
    memcpy(p.at, x.at, x.n * sizeof *x.at);
    p.at[x.n] = nj_low_has(a, 1) ? nj_low_one(l, a->at[1], l->i64) : nj_low_int(l, l->i64, 0);
    return p;
}

NjParts nj_lower_zip(NjLow *l, const NjArgs *a, int arg)
{
    NjParts p = nj_low_parts(l, a->type);
    unsigned at = 0;
    for (uint32_t i = 0; i < a->n; i++) {
        NjParts x = get(l, a, i);
        memcpy(p.at + at, x.at, x.n * sizeof *x.at);
        at += x.n;
    }
    return p;
}

/* bool: as an int8; complex: the length */
NjParts nj_lower_abs(NjLow *l, const NjArgs *a, int arg)
{
    NjParts x = get(l, a, 0);
    if (x.type->kind == NJ_K_COMPLEX)
        return scalar(l, nj_low_math(l, NJ_MATH_HYPOT, x.at[0], x.at[1]));
    if (x.type->kind == NJ_K_FLOAT)
        return scalar(l, nj_low_math(l, NJ_MATH_FABS, x.at[0], NJ_NOREF));
    return scalar(l, nj_low_iabs(l, nj_low_num(l, x.at[0], a->type)));
}

/* -- min, max --------------------------------------------------------------------------------- */

/* The first of equals stays, and so does it when it or the other is NaN, as CPython's loop has it. A GPU's own
 * instructions let a NaN lose. */
static NjParts better(NjLow *l, NjParts best, NjParts x, bool max)
{
    if (best.type->kind == NJ_K_FLOAT && l->u->target->simt && !l->u->target->raises)
        return scalar(l, nj_low_math(l, max ? NJ_MATH_FMAX : NJ_MATH_FMIN, best.at[0], x.at[0]));
    NjRef take = nj_low_compare(l, max ? NJ_CMP_GT : NJ_CMP_LT, x, best, NULL, NULL);
    NjParts out = nj_low_parts(l, best.type);
    for (unsigned i = 0; i < out.n; i++)
        out.at[i] = nj_low_select(l, take, x.at[i], best.at[i]);
    return out;
}

NjParts nj_lower_minmax(NjLow *l, const NjArgs *a, int max)
{
    bool one = a->n == 1;
    NjParts all = get(l, a, 0);
    uint32_t n = one ? all.type->nelem : a->n;
    NjParts best = nj_low_cast(l, one ? nj_low_sub(l, all, 0) : all, a->type);
    for (uint32_t i = 1; i < n; i++)
        best = better(l, best, nj_low_cast(l, one ? nj_low_sub(l, all, i) : get(l, a, i), a->type), max);
    return best;
}

/* -- round ------------------------------------------------------------------------------------ */

/* 10 to the n; exact up to 22, which is as far as digits of a double make sense. */
static NjRef power_of_ten(NjLow *l, const NjType *t, NjRef n)
{
    int64_t k;
    if (!nj_low_known(l, n, &k) || k < 0 || k > 22)
        return nj_low_math(l, NJ_MATH_POW, nj_low_f(l, t, 10), nj_low_num(l, n, t));
    double x = 1;
    while (k-- > 0)
        x *= 10;
    return nj_low_f(l, t, x);
}

static NjRef fma3(NjLow *l, NjRef a, NjRef b, NjRef c)
{
    NjRef x[3] = {a, b, c};
    return nj_emit(&l->at, NJ_OP_math, NJ_MATH_FMA, nj_low_core_type(l, a), 3, x);
}

/* The scaled number y rounded, halves to even. It may be a half only because scaling rounded: the error, what that left
 * out, then decides. No other y can be on the wrong side, since halves are representable. */
static NjRef round_exact(NjLow *l, NjRef y, NjRef error)
{
    const NjType *t = nj_low_core_type(l, y);
    NjRef z = nj_low_math(l, NJ_MATH_RINT, y, NJ_NOREF), half = nj_low_f(l, t, 0.5);
    NjRef away = nj_low_math(l, NJ_MATH_FABS, nj_low_fl(l, NJ_OP_fsub, y, z), NJ_NOREF);
    NjRef inexact = nj_low_cmp(l, NJ_UNE, error, nj_low_f(l, t, 0));
    NjRef decides = nj_low_i(l, NJ_OP_and, nj_low_cmp(l, NJ_OEQ, away, half), inexact);
    return nj_low_select(l, decides, nj_low_fl(l, NJ_OP_fadd, y, nj_low_math(l, NJ_MATH_COPYSIGN, half, error)), z);
}

/* To n digits, as CPython's decimal text has it: scaled, to the nearest integer, scaled back. With |n| up to 22 the
 * power of ten is exact, so each scaling rounds once. Digits finer than x has, infinities and NaN: x stays. */
static NjRef round_digits(NjLow *l, NjRef x, NjRef n)
{
    const NjType *t = nj_low_core_type(l, x);
    NjRef zero = nj_low_int(l, l->i64, 0), neg = nj_low_cmp(l, NJ_SLT, n, zero);
    NjRef p = power_of_ten(l, t, nj_low_select(l, neg, nj_low_neg(l, n), n));
    NjRef times = nj_low_fl(l, NJ_OP_fmul, x, p), part = nj_low_fl(l, NJ_OP_fdiv, x, p);
    NjRef up = fma3(l, x, p, nj_low_neg(l, times)), down = fma3(l, nj_low_neg(l, part), p, x);
    NjRef error = nj_low_select(l, neg, down, up);
    NjRef y = nj_low_select(l, neg, part, times), z = round_exact(l, y, error);
    NjRef smaller = nj_low_fl(l, NJ_OP_fdiv, z, p), larger = nj_low_fl(l, NJ_OP_fmul, z, p);
    NjRef back = nj_low_select(l, neg, larger, smaller);
    NjRef whole = nj_low_f(l, t, t->bits == 32 ? 0x1p24 : 0x1p53), size = nj_low_math(l, NJ_MATH_FABS, y, NJ_NOREF);
    NjRef odd = nj_low_not(l, nj_low_cmp(l, NJ_OLT, size, whole));
    return nj_low_select(l, odd, x, nj_low_math(l, NJ_MATH_COPYSIGN, back, x));
}

/* An int64 to a multiple of a power of ten, halves to the even multiple; to more than 18 digits only 0 is near. */
static NjRef round_int(NjLow *l, NjRef x, NjRef n)
{
    const NjType *u64 = nj_type_scalar(l->ts, NJ_T_U64);
    int64_t known;
    if (nj_low_known(l, n, &known) && known >= 0)
        return x;
    NjRef zero = nj_low_int(l, l->i64, 0), most = nj_low_int(l, l->i64, -18), least = nj_low_cmp(l, NJ_SLT, n, most);
    NjRef few = nj_low_select(l, nj_low_cmp(l, NJ_SLT, n, zero), nj_low_select(l, least, most, n), zero), q, rem;
    NjRef p = nj_low_ipow(l, nj_low_int(l, l->i64, 10), nj_low_num(l, nj_low_neg(l, few), u64));
    bool quiet = l->quiet;
    l->quiet = true;            /* p is never 0 */
    nj_low_idivmod(l, x, p, "", &q, &rem);
    l->quiet = quiet;
    NjRef twice = nj_low_i(l, NJ_OP_add, rem, rem), down = nj_low_i(l, NJ_OP_sub, x, rem);
    NjRef odd = nj_low_num(l, nj_low_i(l, NJ_OP_and, q, nj_low_int(l, l->i64, 1)), l->b1);
    NjRef half = nj_low_i(l, NJ_OP_and, nj_low_cmp(l, NJ_EQ, twice, p), odd);
    NjRef up = nj_low_i(l, NJ_OP_or, nj_low_cmp(l, NJ_SGT, twice, p), half);
    return nj_low_select(l, least, zero, nj_low_select(l, up, nj_low_i(l, NJ_OP_add, down, p), down));
}

NjParts nj_lower_round(NjLow *l, const NjArgs *a, int arg)
{
    NjParts x = get(l, a, 0);
    bool digits = nj_low_has(a, 1) && nj_low_type(l, a->at[1])->kind != NJ_K_NONE;
    NjRef n = digits ? nj_low_one(l, a->at[1], l->i64) : NJ_NOREF;
    if (x.type->kind != NJ_K_FLOAT)
        return digits ? nj_low_scalar(l, l->i64, round_int(l, nj_low_num(l, x.at[0], l->i64), n)) : x;
    return scalar(l, digits ? round_digits(l, x.at[0], n) : nj_low_math(l, NJ_MATH_RINT, x.at[0], NJ_NOREF));
}

/* NumPy's: scaled, rounded and scaled back with no regard to what the scaling loses. Integers stay. */
NjParts nj_lower_np_round(NjLow *l, const NjArgs *a, int arg)
{
    NjParts in = get(l, a, 0);
    NjRef n = nj_low_has(a, 1) ? nj_low_one(l, a->at[1], l->i64) : nj_low_int(l, l->i64, 0), x = in.at[0];
    if (in.type->kind != NJ_K_FLOAT)
        return in;
    const NjType *t = in.type;
    int64_t digits;
    if (nj_low_known(l, n, &digits) && digits == 0)
        return scalar(l, nj_low_math(l, NJ_MATH_RINT, x, NJ_NOREF));
    NjRef neg = nj_low_cmp(l, NJ_SLT, n, nj_low_int(l, l->i64, 0));
    NjRef p = power_of_ten(l, t, nj_low_select(l, neg, nj_low_neg(l, n), n));
    NjRef y = nj_low_select(l, neg, nj_low_fl(l, NJ_OP_fdiv, x, p), nj_low_fl(l, NJ_OP_fmul, x, p));
    NjRef z = nj_low_math(l, NJ_MATH_RINT, y, NJ_NOREF);
    NjRef back = nj_low_select(l, neg, nj_low_fl(l, NJ_OP_fmul, z, p), nj_low_fl(l, NJ_OP_fdiv, z, p));
    NjRef size = nj_low_math(l, NJ_MATH_FABS, y, NJ_NOREF);
    return scalar(l, nj_low_select(l, nj_low_cmp(l, NJ_OLT, size, nj_low_f(l, t, INFINITY)), back, x));
}

/* -- arithmetic by name ----------------------------------------------------------------------- */

NjParts nj_lower_pow(NjLow *l, const NjArgs *a, int arg)
{
    return nj_low_binop(l, NJ_BIN_POW, get(l, a, 0), get(l, a, 1), a->type, nj_low_static(l, a->at[1]));
}

NjParts nj_lower_divmod(NjLow *l, const NjArgs *a, int arg)
{
    const NjType *t = a->type->elems[0];
    NjRef x = nj_low_one(l, a->at[0], t), y = nj_low_one(l, a->at[1], t);
    NjParts p = nj_low_parts(l, a->type);
    if (t->kind == NJ_K_FLOAT)
        nj_low_fdivmod(l, x, y, "float divmod()", &p.at[0], &p.at[1]);
    else
        nj_low_idivmod(l, x, y, "integer division or modulo by zero", &p.at[0], &p.at[1]);
    return p;
}

NjParts nj_lower_sum(NjLow *l, const NjArgs *a, int arg)
{
    NjParts x = get(l, a, 0);
    NjParts sum = nj_low_has(a, 1) ? nj_low_cast(l, get(l, a, 1), a->type) : nj_low_zeros(l, a->type);
    for (uint32_t i = 0; i < x.type->nelem; i++)
        sum = nj_low_binop(l, NJ_BIN_ADD, sum, nj_low_sub(l, x, i), a->type, NULL);
    return sum;
}

/* slice(stop), slice(start, stop), slice(start, stop, step) */
NjParts nj_lower_slice(NjLow *l, const NjArgs *a, int arg)
{
    bool lone = !nj_low_has(a, 1);
    NjRef start = lone ? NJ_NOREF : a->at[0], stop = lone ? a->at[0] : a->at[1],
          step = nj_low_has(a, 2) ? a->at[2] : NJ_NOREF;
    return nj_low_slice(l, start, stop, step);
}

NjParts nj_lower_tuple(NjLow *l, const NjArgs *a, int arg) { return get(l, a, 0); }
