/* setitem.c - x[i] = y: one element, or every element of a view.
 *
 * A view takes a scalar, an array whose shape fits (broadcast along axes of length 1; anything else raises ValueError)
 * or a tuple of numbers. Arrays may overlap: copies run backwards when the target lies behind the source, which is
 * right for shifts within one array, the case that programs have.
 */
#include "lower/lower.h"

enum { MAX_LOOPS = 32 };

typedef struct Fill {
    NjLow *l;
    const NjArr *to;
    const NjArr *from;
    NjParts scalar;
    NjRef back;
    NjRef idx[MAX_LOOPS];
} Fill;

static NjRef view_at(NjLow *l, const NjArr *a, const NjRef *idx)
{
    NjArr strided = *a;
    NjType t = *a->type;
    t.layout = NJ_LAYOUT_A;            /* the strides are there whatever the layout */
    strided.type = &t;
    return nj_low_arr_at(l, &strided, idx);
}

/* The source's axes are the target's last ones; an axis of length 1 stays at 0. */
static NjRef source_at(Fill *w)
{
    NjRef idx[MAX_LOOPS];
    unsigned skip = w->to->type->ndim - w->from->type->ndim;
    NjRef one = nj_low_int(w->l, w->l->i64, 1), zero = nj_low_int(w->l, w->l->i64, 0);
    for (unsigned d = 0; d < w->from->type->ndim; d++) {
        NjRef single = nj_low_cmp(w->l, NJ_EQ, w->from->shape[d], one);
        idx[d] = nj_low_select(w->l, single, zero, w->idx[d + skip]);
    }
    return view_at(w->l, w->from, idx);
}

static void fill_axis(Fill *w, unsigned d)
{
    NjLow *l = w->l;
    if (d == w->to->type->ndim) {
        NjParts x = w->from ? nj_low_arr_load(l, w->from->type->elem, source_at(w)) : w->scalar;
        nj_low_arr_store(l, w->to->type->elem, view_at(l, w->to, w->idx), x);
        return;
    }
    NjLoop loop = nj_low_loop(l, w->to->shape[d]);
    w->idx[d] = loop.k;
    if (w->back) {
        NjRef last = nj_low_i(l, NJ_OP_sub, loop.n, nj_low_int(l, l->i64, 1));
        w->idx[d] = nj_low_select(l, w->back, nj_low_i(l, NJ_OP_sub, last, loop.k), loop.k);
    }
    fill_axis(w, d + 1);
    nj_low_loop_end(l, &loop);
}

static void check_shapes(NjLow *l, const NjArr *to, const NjArr *from)
{
    unsigned skip = to->type->ndim - from->type->ndim;
    NjRef bad = nj_low_int(l, l->b1, 0), one = nj_low_int(l, l->i64, 1);
    for (unsigned d = 0; d < from->type->ndim; d++) {
        NjRef differ = nj_low_cmp(l, NJ_NE, from->shape[d], to->shape[d + skip]);
        bad = nj_low_i(l, NJ_OP_or, bad, nj_low_i(l, NJ_OP_and, differ, nj_low_cmp(l, NJ_NE, from->shape[d], one)));
    }
    nj_low_raise_if(l, bad, "ValueError", "cannot assign slice of shape: the shapes do not match");
}

/* Does the target begin behind the source? Only asked where they may be one array. */
static NjRef runs_back(NjLow *l, const NjArr *to, const NjArr *from)
{
    if (from->type->elem != to->type->elem)
        return NJ_NOREF;
    NjRef a = nj_emit1(&l->at, NJ_OP_ptrtoint, l->u64, to->data),
          b = nj_emit1(&l->at, NJ_OP_ptrtoint, l->u64, from->data);
    return nj_low_cmp(l, NJ_UGT, a, b);
}

static void fill_tuple(NjLow *l, const NjArr *to, NjParts y)
{
    NjRef differ = nj_low_cmp(l, NJ_NE, to->shape[0], nj_low_int(l, l->i64, y.type->nelem));
    nj_low_raise_if(l, differ, "ValueError", "cannot assign a tuple to a slice of another length");
    for (uint32_t i = 0; i < y.type->nelem; i++) {
        NjRef at = nj_low_int(l, l->i64, i);
        nj_low_arr_store(l, to->type->elem, view_at(l, to, &at), nj_low_sub(l, y, i));
    }
}

static void set_view(NjLow *l, const NjArr *to, NjParts y)
{
    Fill w = {.l = l, .to = to, .scalar = y};
    NjArr from;
    if (to->type->ndim > MAX_LOOPS || (y.type->kind == NJ_K_TUPLE && to->type->ndim != 1) ||
        (y.type->kind == NJ_K_ARRAY && y.type->ndim > to->type->ndim)) {
        nj_low_nyi(l, "this assignment to a slice");
        return;
    }
    if (y.type->kind == NJ_K_TUPLE) {
        fill_tuple(l, to, y);
        return;
    }
    if (y.type->kind == NJ_K_ARRAY) {
        from = nj_low_arr(l, y);
        w.from = &from;
        check_shapes(l, to, &from);
        w.back = runs_back(l, to, &from);
    } else {
        w.scalar = nj_low_cast(l, y, to->type->elem);
    }
    fill_axis(&w, 0);
}

void nj_low_setitem(NjLow *l, NjRef x, NjRef index, NjRef y)
{
    NjParts a = nj_low_get(l, x);
    if (a.type->kind != NJ_K_ARRAY) {
        nj_low_nyi(l, nj_arena_printf(l->arena, "assigning to an element of %s", a.type->name));
        return;
    }
    NjIndexed at = nj_low_index(l, a, index, NULL);
    if (at.view)
        set_view(l, &at.arr, nj_low_get(l, y));
    else
        nj_low_arr_store(l, a.type->elem, at.at, nj_low_get(l, y));
}
