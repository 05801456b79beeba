/* atomic.c - atomic updates of array elements. Each gives the old value.
 *
 * Integers, and additions of floats, are one operation. The larger or smaller of floats is a loop of compare-and-swap
 * on the bits, which ends early when the element is already beyond the value; a NaN therefore changes nothing.
 */
#include "lower/lower.h"

static NjParts scalar(NjLow *l, NjRef x) { return nj_low_scalar(l, nj_low_core_type(l, x), x); }

static const NjType *bits_type(NjLow *l, const NjType *t) { return nj_type_int(l->ts, t->bits, true); }
static NjRef as_bits(NjLow *l, NjRef x)
{
    return nj_emit1(&l->at, NJ_OP_bitcast, bits_type(l, nj_low_core_type(l, x)), x);
}
static NjRef from_bits(NjLow *l, NjRef x, const NjType *t) { return nj_emit1(&l->at, NJ_OP_bitcast, t, x); }

static NjRef rmw(NjLow *l, NjRmw op, NjRef p, NjRef x)
{
    NjRef px[2] = {p, x};
    return nj_emit(&l->at, NJ_OP_rmw, op, nj_low_core_type(l, x), 2, px);
}

/* What a loop of compare-and-swap works on: the element's bits, and the blocks around it. */
typedef struct Loop { NjRef raw, old, was; NjBlkId head, swap, done; } Loop;

/* Enters the loop with `old` as the element was read last; the caller decides between swap and done. */
static Loop loop_open(NjLow *l, NjRef p, const NjType *t)
{
    Loop o = {.raw = p, .head = nj_low_blk(l), .swap = nj_low_blk(l), .done = nj_low_blk(l)};
    NjRef first = nj_low_load(l, t, p);
    if (t->kind == NJ_K_FLOAT)
        o.raw = nj_low_ptr(l, p, bits_type(l, t), nj_low_core_type(l, p)->space);
    nj_low_br(l, o.head);
    nj_low_enter(l, o.head);
    o.old = nj_emit_phi(l->f, o.head, t, 2);
    nj_val(l->f, o.old)->args[0] = first;
    return o;
}

/* In the swap block: puts x where `old` still is, else goes round again with what is there now. */
static void loop_close(NjLow *l, const Loop *o, NjRef x)
{
    const NjType *t = nj_low_core_type(l, x);
    bool fp = t->kind == NJ_K_FLOAT;
    NjRef was = fp ? as_bits(l, o->old) : o->old;
    NjRef seen = nj_emit3(&l->at, NJ_OP_cas, nj_low_core_type(l, was), o->raw, was, fp ? as_bits(l, x) : x);
    NjRef now = fp ? from_bits(l, seen, t) : seen;
    nj_low_condbr(l, nj_low_cmp(l, NJ_EQ, seen, was), o->done, o->head);
    nj_val(l->f, o->old)->args[1] = now;
    nj_low_enter(l, o->done);
}

/* while (x beats *p) *p = x; with `nan`, x beats a NaN, too */
static NjRef float_minmax(NjLow *l, NjRef p, NjRef x, bool max, bool nan)
{
    Loop o = loop_open(l, p, nj_low_core_type(l, x));
    NjRef beats = nj_low_cmp(l, max ? NJ_OGT : NJ_OLT, x, o.old);
    if (nan) {
        NjRef real = nj_low_cmp(l, NJ_ORD, x, x), was = nj_low_cmp(l, NJ_UNO, o.old, o.old);
        NjRef gap = nj_low_i(l, NJ_OP_and, was, real);
        beats = nj_low_i(l, NJ_OP_or, beats, gap);
    }
    nj_low_condbr(l, beats, o.swap, o.done);
    nj_low_enter(l, o.swap);
    loop_close(l, &o, x);
    return o.old;
}

static NjRef float_rmw(NjLow *l, NjRmw op, NjRef p, NjRef x)
{
    const NjType *t = nj_low_core_type(l, x);
    switch (op) {
    case NJ_RMW_ADD: return rmw(l, op, p, x);
    case NJ_RMW_SUB: return rmw(l, NJ_RMW_ADD, p, nj_low_neg(l, x));
    case NJ_RMW_MAX: case NJ_RMW_MIN: return float_minmax(l, p, x, op == NJ_RMW_MAX, false);
    case NJ_RMW_EXCH:
        p = nj_low_ptr(l, p, bits_type(l, t), nj_low_core_type(l, p)->space);
        return from_bits(l, rmw(l, op, p, as_bits(l, x)), t);
    default:
        nj_low_nyi(l, "this atomic operation on floats");
        return x;
    }
}

static bool element(NjLow *l, NjRef ary, NjRef idx, NjRef *at, const NjType **elem)
{
    NjIndexed i = nj_low_index(l, nj_low_get(l, ary), idx, NULL);
    *elem = nj_low_type(l, ary)->elem;
    *at = i.at;
    if (i.view || (*elem)->kind == NJ_K_COMPLEX || (*elem)->kind == NJ_K_RECORD || (*elem)->kind == NJ_K_BOOL) {
        nj_low_nyi(l, nj_arena_printf(l->arena, "an atomic operation on %s", i.view ? "a view" : (*elem)->name));
        return false;
    }
    return true;
}

NjParts nj_lower_atomic(NjLow *l, const NjArgs *a, int op)
{
    NjRef p;
    const NjType *elem;
    if (!element(l, a->at[0], a->at[1], &p, &elem))
        return nj_low_zeros(l, a->type);
    NjRef x = nj_low_one(l, a->at[2], elem);
    return scalar(l, elem->kind == NJ_K_FLOAT ? float_rmw(l, (NjRmw)op, p, x) : rmw(l, (NjRmw)op, p, x));
}

NjParts nj_lower_atomic_nan(NjLow *l, const NjArgs *a, int op)
{
    NjRef p;
    const NjType *elem;
    if (!element(l, a->at[0], a->at[1], &p, &elem))
        return nj_low_zeros(l, a->type);
    NjRef x = nj_low_one(l, a->at[2], elem);
    bool fp = elem->kind == NJ_K_FLOAT;
    return scalar(l, fp ? float_minmax(l, p, x, op == NJ_RMW_MAX, true) : rmw(l, (NjRmw)op, p, x));
}

/* inc: old >= x ? 0 : old + 1; dec: old == 0 || old > x ? x : old - 1 */
NjParts nj_lower_atomic_wrap(NjLow *l, const NjArgs *a, int down)
{
    NjRef p;
    const NjType *elem;
    if (!element(l, a->at[0], a->at[1], &p, &elem))
        return nj_low_zeros(l, a->type);
    NjRef x = nj_low_one(l, a->at[2], elem), zero = nj_low_int(l, elem, 0);
    Loop o = loop_open(l, p, elem);
    NjRef wraps = nj_low_cmp(l, down ? NJ_UGT : NJ_UGE, o.old, x);
    if (down)
        wraps = nj_low_i(l, NJ_OP_or, wraps, nj_low_cmp(l, NJ_EQ, o.old, zero));
    NjRef next = nj_low_i(l, NJ_OP_add, o.old, nj_low_int(l, elem, down ? -1 : 1));
    next = nj_low_select(l, wraps, down ? x : zero, next);
    nj_low_br(l, o.swap);
    nj_low_enter(l, o.swap);
    loop_close(l, &o, next);
    return scalar(l, o.old);
}

/* cas(ary, idx, old, val); compare_and_swap(ary, old, val) is of the first element */
NjParts nj_lower_atomic_cas(NjLow *l, const NjArgs *a, int first)
{
    NjRef p;
    const NjType *elem = nj_low_type(l, a->at[0])->elem;
    unsigned k = first ? 1 : 2;
    if (first)
        p = nj_low_arr(l, nj_low_get(l, a->at[0])).data;
    else if (!element(l, a->at[0], a->at[1], &p, &elem))
        return nj_low_zeros(l, a->type);
    NjRef old = nj_low_one(l, a->at[k], elem), x = nj_low_one(l, a->at[k + 1], elem);
    if (elem->kind != NJ_K_FLOAT)
        return scalar(l, nj_emit3(&l->at, NJ_OP_cas, elem, p, old, x));
    p = nj_low_ptr(l, p, bits_type(l, elem), nj_low_core_type(l, p)->space);
    old = as_bits(l, old);
    x = as_bits(l, x);
    return scalar(l, from_bits(l, nj_emit3(&l->at, NJ_OP_cas, nj_low_core_type(l, old), p, old, x), elem));
}
