/* array.c - arrays in parts: taking them apart and putting them together, elements, addresses, rows.
 *
 * Contiguous layouts are indexed by one linear number ((i * n1) + j) and `elem`, as C code would be, so that LLVM sees
 * a unit stride; layout A adds i * stride bytes. A complex element is two floats, side by side.
 */
#include "lower/lower.h"

NjRef nj_low_size(NjLow *l, const NjType *elem) { return nj_low_int(l, l->i64, elem->nbytes); }

/* Strides in bytes of a contiguous layout, from the shape. */
static void fill_strides(NjLow *l, NjArr *a)
{
    unsigned n = a->type->ndim;
    NjRef step = nj_low_size(l, a->type->elem);
    for (unsigned k = 0; k < n; k++) {
        unsigned d = a->type->layout == NJ_LAYOUT_F ? k : n - 1 - k;
        a->strides[d] = step;
        if (k + 1 < n)
            step = nj_low_i(l, NJ_OP_mul, step, a->shape[d]);
    }
}

NjArr nj_low_arr(NjLow *l, NjParts p)
{
    const NjType *t = p.type;
    unsigned lead = l->u->target->abi == NJ_ABI_CPU ? 2 : 1;
    NjArr a = {.type = t, .data = p.at[0], .owner = lead == 2 ? p.at[1] : NJ_NOREF, .shape = p.at + lead};
    a.strides = t->layout == NJ_LAYOUT_A ? a.shape + t->ndim : NJ_NEWN(l->arena, NjRef, t->ndim + 1);
    if (t->layout != NJ_LAYOUT_A)
        fill_strides(l, &a);
    return a;
}

NjParts nj_low_arr_parts(NjLow *l, const NjArr *a, const NjType *t)
{
    NjParts p = nj_low_parts(l, t);
    unsigned k = 0;
    p.at[k++] = a->data;
    if (l->u->target->abi == NJ_ABI_CPU)
        p.at[k++] = a->owner;
    memcpy(p.at + k, a->shape, t->ndim * sizeof *a->shape);
    if (t->layout == NJ_LAYOUT_A)
        memcpy(p.at + k + t->ndim, a->strides, t->ndim * sizeof *a->strides);
    return p;
}

NjRef nj_low_arr_size(NjLow *l, const NjArr *a)
{
    NjRef n = nj_low_int(l, l->i64, 1);
    for (unsigned d = 0; d < a->type->ndim; d++)
        n = nj_low_i(l, NJ_OP_mul, n, a->shape[d]);
    return n;
}

/* -- elements --------------------------------------------------------------------------------- */

NjParts nj_low_arr_load(NjLow *l, const NjType *elem, NjRef at)
{
    NjParts p = nj_low_parts(l, elem);
    if (elem->kind == NJ_K_COMPLEX) {
        const NjType *ft = nj_type_float(l->ts, elem->bits / 2);
        NjRef re = nj_low_ptr(l, at, ft, nj_low_core_type(l, at)->space);
        p.at[0] = nj_low_load(l, ft, re);
        p.at[1] = nj_low_load(l, ft, nj_low_elem(l, re, nj_low_int(l, l->i64, 1)));
        return p;
    }
    p.at[0] = elem->kind == NJ_K_RECORD ? at : nj_low_load(l, elem, at);
    return p;
}

void nj_low_arr_store(NjLow *l, const NjType *elem, NjRef at, NjParts x)
{
    x = nj_low_cast(l, x, elem);
    if (elem->kind == NJ_K_COMPLEX) {
        const NjType *ft = nj_type_float(l->ts, elem->bits / 2);
        NjRef re = nj_low_ptr(l, at, ft, nj_low_core_type(l, at)->space);
        nj_low_store(l, x.at[0], re);
        nj_low_store(l, x.at[1], nj_low_elem(l, re, nj_low_int(l, l->i64, 1)));
    } else if (elem->kind == NJ_K_RECORD) {
        nj_low_nyi(l, "storing a record");
    } else {
        nj_low_store(l, x.at[0], at);
    }
}

/* Row-major or column-major position. */
static NjRef linear(NjLow *l, const NjArr *a, const NjRef *idx)
{
    unsigned n = a->type->ndim;
    NjRef at = nj_low_int(l, l->i64, 0);
    for (unsigned k = 0; k < n; k++) {
        unsigned d = a->type->layout == NJ_LAYOUT_F ? n - 1 - k : k;
        if (k)
            at = nj_low_i(l, NJ_OP_mul, at, a->shape[d]);
        at = nj_low_i(l, NJ_OP_add, at, idx[d]);
    }
    return at;
}

NjRef nj_low_arr_at(NjLow *l, const NjArr *a, const NjRef *idx)
{
    const NjType *elem = a->type->elem;
    if (a->type->layout == NJ_LAYOUT_A || elem->kind == NJ_K_RECORD) {
        NjRef nbytes = nj_low_int(l, l->i64, 0);
        for (unsigned d = 0; d < a->type->ndim; d++)
            nbytes = nj_low_i(l, NJ_OP_add, nbytes, nj_low_i(l, NJ_OP_mul, idx[d], a->strides[d]));
        return nj_low_offset(l, a->data, nbytes);
    }
    NjRef at = linear(l, a, idx);
    if (elem->kind != NJ_K_COMPLEX)
        return nj_low_elem(l, a->data, at);
    const NjType *ft = nj_type_float(l->ts, elem->bits / 2);
    NjRef first = nj_low_ptr(l, a->data, ft, nj_low_core_type(l, a->data)->space);
    return nj_low_elem(l, first, nj_low_i(l, NJ_OP_mul, at, nj_low_int(l, l->i64, 2)));
}

NjArr nj_low_arr_row(NjLow *l, const NjArr *a, NjRef i, const NjType *t)
{
    NjArr row = {.type = t, .owner = a->owner, .shape = a->shape + 1, .strides = a->strides + 1};
    row.data = nj_low_offset(l, a->data, nj_low_i(l, NJ_OP_mul, i, a->strides[0]));
    return row;
}
