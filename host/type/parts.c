/* parts.c - the scalars a value is taken apart into.
 *
 * In: a type and an ABI. Out: the list of scalar and pointer types that lowering, argument blocks and boxing agree on
 * (type.h, nj_type_parts). The order is the order of the slots in an argument block.
 */
#include "type/type.h"

typedef struct PartList { NjTypes *ts; NjAbi abi; const NjType **out; unsigned n, cap; } PartList;

static void put_part(PartList *l, const NjType *t)
{
    if (l->n < l->cap)
        l->out[l->n] = t;
    l->n++;
}

static void put_parts(PartList *l, const NjType *t);

static void put_same(PartList *l, const NjType *t, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        put_part(l, t);
}

static void put_array(PartList *l, const NjType *t)
{
    const NjType *i64 = nj_type_int(l->ts, 64, true);
    put_part(l, nj_type_ptr(l->ts, t->elem->kind == NJ_K_RECORD ? nj_type_int(l->ts, 8, false) : t->elem,
                            NJ_SPACE_GENERIC));
    if (l->abi == NJ_ABI_CPU)
        put_part(l, nj_type_ptr(l->ts, nj_type_int(l->ts, 8, false), NJ_SPACE_GENERIC));
    put_same(l, i64, t->ndim);
    if (t->layout == NJ_LAYOUT_A)
        put_same(l, i64, t->ndim);
}

static void put_elems(PartList *l, const NjType *t)
{
    for (uint32_t i = 0; i < t->nelem; i++)
        put_parts(l, t->elems[i]);
}

static void put_parts(PartList *l, const NjType *t)
{
    switch (t->kind) {
    case NJ_K_BOOL: case NJ_K_INT: case NJ_K_UINT: case NJ_K_FLOAT: case NJ_K_PTR:
        put_part(l, t);
        break;
    case NJ_K_COMPLEX:   put_same(l, nj_type_float(l->ts, t->bits / 2), 2); break;
    case NJ_K_TUPLE:
    case NJ_K_ZIP:       put_elems(l, t); break;
    case NJ_K_ARRAY:     put_array(l, t); break;
    case NJ_K_OPTIONAL:
        put_part(l, nj_type_scalar(l->ts, NJ_T_BOOL));
        put_parts(l, t->elem);
        break;
    case NJ_K_SLICE:     put_same(l, nj_type_int(l->ts, 64, true), 3); break;
    case NJ_K_RANGE:     put_same(l, t->elem, 3); break;
    case NJ_K_ENUMERATE:
        put_parts(l, t->elem);
        put_part(l, nj_type_int(l->ts, 64, true));
        break;
    case NJ_K_RECORD:
        put_part(l, nj_type_ptr(l->ts, nj_type_int(l->ts, 8, false), NJ_SPACE_GENERIC));
        break;
    case NJ_K_METHOD:    put_parts(l, t->elem); break;
    default:             break;   /* no value at run time: error, void, None, str, dtype, obj; cursors live in memory */
    }
}

unsigned nj_type_parts(NjTypes *ts, const NjType *t, NjAbi abi, const NjType **out, unsigned cap)
{
    PartList l = {.ts = ts, .abi = abi, .out = out, .cap = cap};
    put_parts(&l, t);
    return l.n;
}
