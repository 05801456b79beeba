/* infer_iter.c - typers of iteration and unpacking. */
#include "type/infer.h"

static const NjType *row_type(NjTypes *ts, const NjType *array)
{
    if (array->ndim == 0)
        return NULL;
    if (array->ndim == 1)
        return array->elem;
    return nj_type_array(ts, array->elem, array->ndim - 1u, array->layout == NJ_LAYOUT_C ? NJ_LAYOUT_C : NJ_LAYOUT_A,
                         array->readonly);
}

/* Nothing comes out of an empty tuple, so that any type will do. */
static const NjType *tuple_elem(NjTypes *ts, const NjType *t)
{
    for (uint32_t i = 1; i < t->nelem; i++)
        if (t->elems[i] != t->elems[0])
            return NULL;
    return t->nelem ? t->elems[0] : nj_type_none(ts);
}

static const NjType *zip_elem(NjTypes *ts, const NjType *t)
{
    const NjType *elems[64];
    for (uint32_t i = 0; i < t->nelem; i++)
        if (i == NJ_COUNT(elems) || !(elems[i] = nj_infer_elem(ts, t->elems[i])))
            return NULL;
    return nj_type_tuple(ts, elems, t->nelem);
}

static const NjType *enumerate_elem(NjTypes *ts, const NjType *t)
{
    const NjType *elem = nj_infer_elem(ts, t->elem);
    return elem ? nj_type_tuple(ts, (const NjType *[]){nj_type_int(ts, 64, true), elem}, 2) : NULL;
}

const NjType *nj_infer_elem(NjTypes *ts, const NjType *over)
{
    switch (over->kind) {
    case NJ_K_RANGE:     return over->elem;
    case NJ_K_ARRAY:     return row_type(ts, over);
    case NJ_K_TUPLE:     return tuple_elem(ts, over);
    case NJ_K_ENUMERATE: return enumerate_elem(ts, over);
    case NJ_K_ZIP:       return zip_elem(ts, over);
    case NJ_K_ITER:      return nj_infer_elem(ts, over->elem);
    default:             return NULL;
    }
}

const NjType *nj_infer_op_iter(Infer *in, NjRef r)
{
    const NjType *t = infer_bare(infer_arg(in, r, 0));
    if (t->kind == NJ_K_ITER)
        return t;
    if (nj_infer_elem(in->ts, t))
        return nj_type_iter(in->ts, t);
    nj_infer_note_args(in, infer_fail(in, r, NJ_ERR_TYPE_ITER, infer_arg(in, r, 0)->name), r);
    return NULL;
}

const NjType *nj_infer_op_next(Infer *in, NjRef r) { return infer_scalar(in, NJ_T_BOOL); }
const NjType *nj_infer_op_value(Infer *in, NjRef r) { return nj_infer_elem(in->ts, infer_arg(in, r, 0)); }

const NjType *nj_infer_op_unpack(Infer *in, NjRef r)
{
    const NjVal *v = nj_val(in->f, r);
    const NjType *t = infer_bare(infer_arg(in, r, 0));
    if ((t->kind == NJ_K_TUPLE && t->nelem == (uint64_t)v->imm.i) || (t->kind == NJ_K_ARRAY && t->ndim > 0))
        return t;
    nj_infer_note_args(in, infer_fail(in, r, NJ_ERR_TYPE_UNPACK, infer_arg(in, r, 0)->name, (int)v->imm.i), r);
    return NULL;
}

const NjType *nj_infer_op_item(Infer *in, NjRef r)
{
    const NjVal *v = nj_val(in->f, r);
    const NjType *t = infer_arg(in, r, 0);
    return t->kind == NJ_K_TUPLE ? v->imm.i < t->nelem ? t->elems[v->imm.i] : NULL : nj_infer_elem(in->ts, t);
}
