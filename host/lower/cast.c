/* cast.c - values of one type as values of another: what assignments, calls, returns and phis do; and truth.
 *
 * In: parts of a type, and the type wanted; inference has seen to it that there is a way. Out: parts of that type.
 * Nothing here makes a block, except that unwrapping an optional checks for None, so casts can stand at the end of any
 * block.
 */
#include "lower/lower.h"

/* -- scalars ---------------------------------------------------------------------------------- */

static bool fold_num(NjLow *l, NjRef x, const NjType *to, NjRef *out)
{
    const NjVal *v = nj_val(l->f, x);
    int64_t i;
    if (nj_low_known(l, x, &i)) {
        bool is_unsigned = v->type->kind == NJ_K_UINT;
        double d = is_unsigned ? (double)(uint64_t)i : (double)i;
        float s = is_unsigned ? (float)(uint64_t)i : (float)i;
        if (to->kind == NJ_K_FLOAT)
            *out = nj_low_f(l, to, to->bits == 32 ? (double)s : d);
        else
            *out = nj_low_int(l, to, to->kind == NJ_K_BOOL ? i != 0 : i);
        return true;
    }
    if (v->op == NJ_OP_const && v->imm.k->kind == NJ_C_FLOAT && to->kind == NJ_K_FLOAT) {
        *out = nj_low_f(l, to, v->imm.k->f);
        return true;
    }
    return false;
}

static NjOp int_to_int(const NjType *from, const NjType *to)
{
    if (to->bits < from->bits)
        return NJ_OP_trunc;
    if (to->bits == from->bits)
        return NJ_OP_bitcast;
    return from->kind == NJ_K_INT ? NJ_OP_sext : NJ_OP_zext;
}

static NjOp num_op(const NjType *from, const NjType *to)
{
    bool from_float = from->kind == NJ_K_FLOAT;
    if (to->kind == NJ_K_FLOAT) {
        if (from_float)
            return to->bits > from->bits ? NJ_OP_fpext : NJ_OP_fptrunc;
        return from->kind == NJ_K_INT ? NJ_OP_sitofp : NJ_OP_uitofp;
    }
    if (from_float)
        return to->kind == NJ_K_UINT ? NJ_OP_fptoui : NJ_OP_fptosi;
    return int_to_int(from, to);
}

NjRef nj_low_num(NjLow *l, NjRef x, const NjType *to)
{
    const NjType *from = nj_low_core_type(l, x);
    NjRef out;
    if (from == to)
        return x;
    if (fold_num(l, x, to, &out))
        return out;
    if (to->kind == NJ_K_BOOL)
        return nj_low_cmp(l, from->kind == NJ_K_FLOAT ? NJ_UNE : NJ_NE, x,
                          from->kind == NJ_K_FLOAT ? nj_low_f(l, from, 0) : nj_low_int(l, from, 0));
    return nj_emit1(&l->at, num_op(from, to), to, x);
}

/* -- everything else -------------------------------------------------------------------------- */

static bool is_scalar(const NjType *t)
{
    return t->kind == NJ_K_BOOL || t->kind == NJ_K_INT || t->kind == NJ_K_UINT || t->kind == NJ_K_FLOAT;
}

static NjParts cast_complex(NjLow *l, NjParts p, const NjType *to)
{
    const NjType *ft = nj_type_float(l->ts, to->bits / 2);
    NjParts out = nj_low_parts(l, to);
    out.at[0] = nj_low_num(l, p.at[0], ft);
    out.at[1] = p.n > 1 ? nj_low_num(l, p.at[1], ft) : nj_low_f(l, ft, 0);
    return out;
}

static NjParts cast_optional(NjLow *l, NjParts p, const NjType *to)
{
    NjParts out = nj_low_parts(l, to);
    if (p.type->kind == NJ_K_NONE) {
        out = nj_low_zeros(l, to);
        return out;
    }
    bool opt = p.type->kind == NJ_K_OPTIONAL;
    NjParts inner = opt ? (NjParts){p.at + 1, p.n - 1, p.type->elem} : p;
    out.at[0] = opt ? p.at[0] : nj_low_int(l, l->b1, 1);
    inner = nj_low_cast(l, inner, to->elem);
    memcpy(out.at + 1, inner.at, inner.n * sizeof *inner.at);
    return out;
}

static NjParts cast_unwrap(NjLow *l, NjParts p, const NjType *to)
{
    if (!l->at.before)
        nj_low_raise_if(l, nj_low_not(l, p.at[0]), "TypeError",
                        nj_arena_printf(l->arena, "expected %s, got None", p.type->elem->name));
    return nj_low_cast(l, (NjParts){p.at + 1, p.n - 1, p.type->elem}, to);
}

static NjParts cast_tuple(NjLow *l, NjParts p, const NjType *to)
{
    NjParts out = nj_low_parts(l, to);
    unsigned at = 0;
    for (uint32_t i = 0; i < to->nelem && i < p.type->nelem; i++) {
        NjParts x = nj_low_cast(l, nj_low_sub(l, p, i), to->elems[i]);
        memcpy(out.at + at, x.at, x.n * sizeof *x.at);
        at += x.n;
    }
    return out;
}

static NjParts cast_array(NjLow *l, NjParts p, const NjType *to)
{
    NjArr a = nj_low_arr(l, p);
    return nj_low_arr_parts(l, &a, to);
}

static NjParts cast_range(NjLow *l, NjParts p, const NjType *to)
{
    NjParts out = nj_low_parts(l, to);
    for (uint32_t i = 0; i < p.n; i++)
        out.at[i] = nj_low_num(l, p.at[i], to->elem);
    return out;
}

NjParts nj_low_cast(NjLow *l, NjParts p, const NjType *to)
{
    if (p.type == to || !p.type)
        return (NjParts){p.at, p.n, to};
    if (to->kind == NJ_K_OPTIONAL)
        return cast_optional(l, p, to);
    if (p.type->kind == NJ_K_OPTIONAL)
        return cast_unwrap(l, p, to);
    if (is_scalar(to) && is_scalar(p.type))
        return nj_low_scalar(l, to, nj_low_num(l, p.at[0], to));
    if (to->kind == NJ_K_COMPLEX)
        return cast_complex(l, p, to);
    if (to->kind == NJ_K_TUPLE && p.type->kind == NJ_K_TUPLE)
        return cast_tuple(l, p, to);
    if (to->kind == NJ_K_ARRAY && p.type->kind == NJ_K_ARRAY)
        return cast_array(l, p, to);
    if (to->kind == NJ_K_RANGE && p.type->kind == NJ_K_RANGE)
        return cast_range(l, p, to);
    return (NjParts){p.at, p.n, to};
}

/* -- bool(x), as branches ask ----------------------------------------------------------------- */

NjRef nj_low_truth(NjLow *l, NjParts p)
{
    NjRef re;
    switch (p.type->kind) {
    case NJ_K_BOOL: case NJ_K_INT: case NJ_K_UINT: case NJ_K_FLOAT:
        return nj_low_num(l, p.at[0], l->b1);
    case NJ_K_COMPLEX:
        re = nj_low_num(l, p.at[0], l->b1);
        return nj_low_i(l, NJ_OP_or, re, nj_low_num(l, p.at[1], l->b1));
    case NJ_K_NONE:
        return nj_low_int(l, l->b1, 0);
    case NJ_K_TUPLE:
        return nj_low_int(l, l->b1, p.type->nelem != 0);
    case NJ_K_OPTIONAL:
        return nj_low_i(l, NJ_OP_and, p.at[0], nj_low_truth(l, (NjParts){p.at + 1, p.n - 1, p.type->elem}));
    case NJ_K_RANGE:
        return nj_low_cmp(l, NJ_NE, nj_low_range_len(l, p), nj_low_int(l, l->i64, 0));
    default:
        nj_low_nyi(l, nj_arena_printf(l->arena, "the truth value of %s", p.type->name));
        return nj_low_int(l, l->b1, 1);
    }
}
