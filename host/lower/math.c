/* math.c - the math module: rows of math.def, and what has none: floor to an integer, kinds of floats, gcd, C's
 * splitters. */
#include "lower/lower.h"

static NjParts scalar(NjLow *l, NjRef x) { return nj_low_scalar(l, nj_low_core_type(l, x), x); }

NjParts nj_lower_math(NjLow *l, const NjArgs *a, int row)
{
    NjRef x[3] = {0};
    unsigned n = a->n < 3 ? a->n : 3;
    for (unsigned i = 0; i < n; i++)
        x[i] = nj_low_one(l, a->at[i], a->type);
    l->f->uses_math = true;
    return scalar(l, nj_emit(&l->at, NJ_OP_math, (unsigned)row, a->type, n, x));
}

/* floor, ceil, trunc: an integer stays itself */
NjParts nj_lower_floor(NjLow *l, const NjArgs *a, int row)
{
    NjParts x = nj_low_get(l, a->at[0]);
    return x.type->kind == NJ_K_FLOAT ? scalar(l, nj_low_math(l, (NjMath)row, x.at[0], NJ_NOREF)) : x;
}

/* -- kinds of floats -------------------------------------------------------------------------- */

enum { IS_NAN, IS_INF, IS_FINITE, IS_NEGATIVE };

static NjRef is_kind(NjLow *l, NjRef x, int kind)
{
    const NjType *t = nj_low_core_type(l, x);
    if (kind == IS_NAN)
        return nj_low_cmp(l, NJ_UNO, x, x);
    if (kind == IS_NEGATIVE) {
        NjRef bits = nj_emit1(&l->at, NJ_OP_bitcast, nj_type_int(l->ts, t->bits, true), x);
        return nj_low_cmp(l, NJ_SLT, bits, nj_low_int(l, nj_low_core_type(l, bits), 0));
    }
    NjRef size = nj_low_math(l, NJ_MATH_FABS, x, NJ_NOREF), inf = nj_low_f(l, t, __builtin_inf());
    return nj_low_cmp(l, kind == IS_INF ? NJ_OEQ : NJ_OLT, size, inf);
}

NjParts nj_lower_isfp(NjLow *l, const NjArgs *a, int kind)
{
    NjParts x = nj_low_get(l, a->at[0]);
    if (x.type->kind == NJ_K_FLOAT)
        return scalar(l, is_kind(l, x.at[0], kind));
    if (x.type->kind == NJ_K_COMPLEX)
        return scalar(l, nj_low_i(l, kind == IS_FINITE ? NJ_OP_and : NJ_OP_or, is_kind(l, x.at[0], kind),
                                  is_kind(l, x.at[1], kind)));
    if (kind == IS_NEGATIVE && x.type->kind == NJ_K_INT)
        return scalar(l, nj_low_cmp(l, NJ_SLT, x.at[0], nj_low_int(l, x.type, 0)));
    return scalar(l, nj_low_int(l, l->b1, kind == IS_FINITE));
}

NjParts nj_lower_angle(NjLow *l, const NjArgs *a, int to_radians)
{
    static const double pi = 3.14159265358979323846;
    NjRef k = nj_low_f(l, a->type, to_radians ? pi / 180.0 : 180.0 / pi);
    return scalar(l, nj_low_fl(l, NJ_OP_fmul, nj_low_one(l, a->at[0], a->type), k));
}

/* Euclid's, on the unsigned sizes. */
NjParts nj_lower_gcd(NjLow *l, const NjArgs *a, int arg)
{
    NjRef x = nj_low_num(l, nj_low_iabs(l, nj_low_one(l, a->at[0], a->type)), l->u64);
    NjRef y = nj_low_num(l, nj_low_iabs(l, nj_low_one(l, a->at[1], a->type)), l->u64);
    NjBlkId head = nj_low_blk(l), body = nj_low_blk(l), done = nj_low_blk(l);
    nj_low_br(l, head);
    nj_low_enter(l, head);
    NjRef big = nj_emit_phi(l->f, head, l->u64, 2), small = nj_emit_phi(l->f, head, l->u64, 2);
    nj_low_condbr(l, nj_low_cmp(l, NJ_NE, small, nj_low_int(l, l->u64, 0)), body, done);
    nj_low_enter(l, body);
    NjRef rest = nj_low_i(l, NJ_OP_urem, big, small);
    nj_low_br(l, head);
    NjRef *to_big = nj_val(l->f, big)->args, *to_small = nj_val(l->f, small)->args;
    to_big[0] = x;
    to_big[1] = small;
    to_small[0] = y;
    to_small[1] = rest;
    nj_low_enter(l, done);
    return scalar(l, big);
}

/* -- C functions by name ---------------------------------------------------------------------- */

/* ldexp, ldexpf, __nv_ldexp, __nv_ldexpf */
static NjRef call_c(NjLow *l, const char *stem, const NjType *t, unsigned n, const NjRef *args)
{
    const char *prefix = l->u->target->simt && !l->u->target->raises ? "__nv_" : "";
    const NjType *ft = nj_low_core_type(l, args[0]);
    NjRef r = nj_emit(&l->at, NJ_OP_callx, 0, t, n, args);
    nj_val(l->f, r)->imm.name = nj_arena_printf(l->arena, "%s%s%s", prefix, stem, ft->bits == 32 ? "f" : "");
    l->f->uses_math = true;
    return r;
}

NjParts nj_lower_ldexp(NjLow *l, const NjArgs *a, int arg)
{
    NjRef x[2] = {nj_low_one(l, a->at[0], a->type), nj_low_one(l, a->at[1], l->i32)};
    return scalar(l, call_c(l, "ldexp", a->type, 2, x));
}

/* f(x, &second) -> (first, second) */
static NjParts split(NjLow *l, const NjArgs *a, const char *stem)
{
    const NjType *ft = a->type->elems[0], *second = a->type->elems[1];
    NjRef room = nj_low_alloca(l, second, 1), x[2] = {nj_low_one(l, a->at[0], ft), room};
    NjParts p = nj_low_parts(l, a->type);
    NjRef direct = call_c(l, stem, ft, 2, x), stored = nj_low_load(l, second, room);
    p.at[0] = direct;
    p.at[1] = stored;
    return p;
}

NjParts nj_lower_frexp(NjLow *l, const NjArgs *a, int arg) { return split(l, a, "frexp"); }
NjParts nj_lower_modf(NjLow *l, const NjArgs *a, int arg) { return split(l, a, "modf"); }
