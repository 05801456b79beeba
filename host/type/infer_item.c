/* infer_item.c - typers of x[i] and x[i] = y: arrays, views, tuples, records.
 *
 * A view stays C (or F) only where that can be proved from the index: whole rows, then one slice of step 1, then only
 * complete axes. Everything else is layout A, whose strides are carried along.
 */
#include "type/infer.h"

typedef struct Axis { NjIndexKind kind; bool unit, full; } Axis;
typedef struct Index { Axis at[64]; unsigned n, consumed, newaxes, ellipses; const NjType *bad; } Index;

/* -- reading the index ---------------------------------------------------------------------------------- */

static bool is_none_or(const Infer *in, NjRef r, int64_t want)
{
    int64_t i;
    return nj_type_is(infer_type(in, r), NJ_K_NONE) || (want >= 0 && nj_infer_known_int(in, r, &i) && i == want);
}

static void read_slice(const Infer *in, NjRef r, Axis *a)
{
    const NjVal *v = r ? nj_val(in->f, r) : NULL;
    a->kind = NJ_IX_SLICE;
    if (!v || v->op != NJ_OP_py_slice)
        return;
    a->unit = is_none_or(in, v->args[2], 1);
    a->full = a->unit && is_none_or(in, v->args[0], 0) && is_none_or(in, v->args[1], -1);
}

static void add_axis(Infer *in, Index *x, const NjType *t, NjRef ref, const NjConst *k)
{
    Axis a = {.kind = NJ_IX_BAD};
    t = infer_bare(t);
    if (nj_type_is_int(t))
        a.kind = NJ_IX_INT;
    else if (t->kind == NJ_K_SLICE)
        read_slice(in, ref, &a);
    else if (t->kind == NJ_K_NONE)
        a.kind = NJ_IX_NEWAXIS;
    else if (k && k->kind == NJ_C_ELLIPSIS)
        a.kind = NJ_IX_ELLIPSIS;
    else
        x->bad = t;
    x->consumed += a.kind == NJ_IX_INT || a.kind == NJ_IX_SLICE;
    x->newaxes += a.kind == NJ_IX_NEWAXIS;
    x->ellipses += a.kind == NJ_IX_ELLIPSIS;
    if (x->n < NJ_COUNT(x->at))
        x->at[x->n++] = a;
}

static void read_index(Infer *in, NjRef index, Index *x)
{
    const NjVal *v = nj_val(in->f, index);
    const NjConst *k = nj_infer_known(in, index);
    const NjType *t = infer_bare(v->type);
    *x = (Index){.n = 0};
    if (t->kind != NJ_K_TUPLE) {
        add_axis(in, x, t, index, k);
        return;
    }
    for (uint32_t i = 0; i < t->nelem; i++) {
        NjRef ref = v->op == NJ_OP_py_tuple ? v->args[i] : NJ_NOREF;
        const NjConst *ki = ref ? nj_infer_known(in, ref) : k && k->kind == NJ_C_TUPLE ? k->tuple.at[i] : NULL;
        add_axis(in, x, t->elems[i], ref, ki);
    }
}

/* -- the view's layout ------------------------------------------------------------------------------------- */

/* One entry for each axis of the array: an Ellipsis and what is not indexed stand for complete axes. */
static unsigned expand(const Index *x, unsigned ndim, Axis *out)
{
    unsigned n = 0, fill = ndim - x->consumed;
    const Axis full = {.kind = NJ_IX_SLICE, .unit = true, .full = true};
    for (unsigned i = 0; i < x->n; i++) {
        if (x->at[i].kind == NJ_IX_INT || x->at[i].kind == NJ_IX_SLICE)
            out[n++] = x->at[i];
        for (unsigned j = 0; x->at[i].kind == NJ_IX_ELLIPSIS && j < fill; j++)
            out[n++] = full;
    }
    while (n < ndim)
        out[n++] = full;
    return n;
}

/* From the slowest axis on: integers, then at most one cut axis of step 1, then complete ones. */
static bool stays_contiguous(const Axis *axes, unsigned n, bool c_order)
{
    bool cut = false;
    for (unsigned i = 0; i < n; i++) {
        const Axis *a = &axes[c_order ? i : n - 1 - i];
        if (a->kind == NJ_IX_INT ? cut : cut ? !a->full : !a->unit)
            return false;
        cut |= a->kind == NJ_IX_SLICE;
    }
    return true;
}

static const NjType *view_type(Infer *in, const NjType *array, const Index *x)
{
    Axis axes[64];
    unsigned n = expand(x, array->ndim, axes), ndim = array->ndim + x->newaxes;
    for (unsigned i = 0; i < n; i++)
        ndim -= axes[i].kind == NJ_IX_INT;
    NjLayout layout = NJ_LAYOUT_A;
    if (array->layout != NJ_LAYOUT_A && stays_contiguous(axes, n, array->layout == NJ_LAYOUT_C))
        layout = ndim <= 1 ? NJ_LAYOUT_C : (NjLayout)array->layout;
    return nj_type_array(in->ts, array->elem, ndim, ndim ? layout : NJ_LAYOUT_C, array->readonly);
}

const NjType *nj_infer_index(Infer *in, NjRef r, const NjType *array, NjRef index)
{
    Index x;
    read_index(in, index, &x);
    NjDiag *g;
    if (x.bad || x.ellipses > 1) {
        const NjType *t = infer_type(in, index);
        if (x.bad && x.bad->kind == NJ_K_ARRAY)
            g = infer_fail(in, r, NJ_ERR_NYI_ARRAY, "indexing with an array");
        else
            g = infer_fail(in, r, NJ_ERR_TYPE_INDEX, array->name, t->name);
        nj_infer_note_args(in, g, r);
        return NULL;
    }
    if (x.consumed > array->ndim || array->ndim + x.newaxes > 32) {
        g = infer_fail(in, r, NJ_ERR_TYPE_TOO_MANY_INDICES, array->name, (int)array->ndim, (int)x.consumed);
        nj_infer_note_args(in, g, r);
        return NULL;
    }
    bool whole = x.consumed == array->ndim && !x.newaxes && !x.ellipses;
    for (unsigned i = 0; i < x.n; i++)
        whole &= x.at[i].kind == NJ_IX_INT;
    return whole ? array->elem : view_type(in, array, &x);
}

/* -- tuples ------------------------------------------------------------------------------------------------------ */

static bool is_uniform(const NjType *t)
{
    for (uint32_t i = 1; i < t->nelem; i++)
        if (t->elems[i] != t->elems[0])
            return false;
    return t->nelem > 0;
}

static bool bound_known(const Infer *in, NjRef r, int64_t missing, int64_t *out)
{
    *out = missing;
    return nj_type_is(infer_type(in, r), NJ_K_NONE) || nj_infer_known_int(in, r, out);
}

/* t[a:b:c] with constants, as PySlice_AdjustIndices settles them. */
static const NjType *tuple_slice(Infer *in, NjRef r, const NjType *t, NjRef index)
{
    const NjVal *v = nj_val(in->f, index);
    const NjType **elems = NJ_NEWN(in->arena, const NjType *, t->nelem + 1);
    int64_t start, stop, step, n = t->nelem;
    unsigned count = 0;
    if (v->op != NJ_OP_py_slice || !bound_known(in, v->args[2], 1, &step) || step == 0 ||
        !bound_known(in, v->args[0], step > 0 ? 0 : INT64_MAX, &start) ||
        !bound_known(in, v->args[1], step > 0 ? INT64_MAX : INT64_MIN, &stop)) {
        infer_fail(in, r, NJ_ERR_TYPE_CONST_NEEDED, "a slice of a tuple");
        return NULL;
    }
    int64_t low = step > 0 ? 0 : -1, high = step > 0 ? n : n - 1;
    start = start < 0 ? start + n : start;
    stop = stop < 0 && stop != INT64_MIN ? stop + n : stop;
    start = start < low ? low : start > high ? high : start;
    stop = stop < low ? low : stop > high ? high : stop;
    for (int64_t i = start; elems && (step > 0 ? i < stop : i > stop); i += step)
        elems[count++] = t->elems[i];
    return nj_type_tuple(in->ts, elems, count);
}

static const NjType *tuple_item(Infer *in, NjRef r, const NjType *t, NjRef index)
{
    const NjType *ti = infer_type(in, index);
    int64_t i;
    if (ti->kind == NJ_K_SLICE)
        return tuple_slice(in, r, t, index);
    if (!nj_type_is_int(infer_bare(ti))) {
        nj_infer_note_args(in, infer_fail(in, r, NJ_ERR_TYPE_INDEX, t->name, ti->name), r);
        return NULL;
    }
    if (!nj_infer_known_int(in, index, &i)) {
        if (is_uniform(t))
            return t->elems[0];
        nj_infer_note_args(in, infer_fail(in, r, NJ_ERR_TYPE_TUPLE_DYNAMIC, t->name), r);
        return NULL;
    }
    if (i >= -(int64_t)t->nelem && i < (int64_t)t->nelem)
        return t->elems[i < 0 ? i + t->nelem : i];
    infer_fail(in, r, NJ_ERR_TYPE_TUPLE_INDEX, (int)i, t->name);
    return NULL;
}

static const NjType *record_item(Infer *in, NjRef r, const NjType *t, NjRef index)
{
    const NjConst *k = nj_infer_known(in, index);
    for (uint32_t i = 0; k && k->kind == NJ_C_STR && i < t->nelem; i++)
        if (!strcmp(t->names[i], k->str.text))
            return t->elems[i];
    infer_fail(in, r, NJ_ERR_TYPE_INDEX, t->name, k && k->kind == NJ_C_STR ? k->str.text : infer_type(in, index)->name);
    return NULL;
}

/* -- the operations ------------------------------------------------------------------------------------------------ */

const NjType *nj_infer_op_getitem(Infer *in, NjRef r)
{
    const NjVal *v = nj_val(in->f, r);
    const NjType *t = infer_bare(infer_arg(in, r, 0));
    switch (t->kind) {
    case NJ_K_ARRAY:  return nj_infer_index(in, r, t, v->args[1]);
    case NJ_K_TUPLE:  return tuple_item(in, r, t, v->args[1]);
    case NJ_K_RECORD: return record_item(in, r, t, v->args[1]);
    case NJ_K_RANGE:
        if (nj_type_is_int(infer_bare(infer_arg(in, r, 1))))
            return t->elem;
        break;
    default: break;
    }
    nj_infer_note_args(in, infer_fail(in, r, NJ_ERR_TYPE_INDEX, infer_arg(in, r, 0)->name, infer_arg(in, r, 1)->name),
                       r);
    return NULL;
}

/* What may be stored where `target` stands: a scalar, or a view that a scalar, an array or a tuple fills. */
static bool storable(const NjType *value, const NjType *target)
{
    value = infer_bare(value);
    if (target->kind != NJ_K_ARRAY)
        return nj_type_conv(value, target) != NJ_CONV_NONE;
    if (value->kind == NJ_K_ARRAY)
        return value->ndim <= target->ndim && nj_type_conv(value->elem, target->elem) != NJ_CONV_NONE;
    if (value->kind != NJ_K_TUPLE || target->ndim != 1)
        return nj_type_conv(value, target->elem) != NJ_CONV_NONE;
    for (uint32_t i = 0; i < value->nelem; i++)
        if (!nj_type_conv(value->elems[i], target->elem))
            return false;
    return true;
}

const NjType *nj_infer_op_setitem(Infer *in, NjRef r)
{
    const NjVal *v = nj_val(in->f, r);
    const NjType *t = infer_bare(infer_arg(in, r, 0)), *value = infer_arg(in, r, 2), *target;
    if (t->kind != NJ_K_ARRAY && t->kind != NJ_K_RECORD) {
        nj_infer_note(in, infer_fail(in, r, NJ_ERR_TYPE_IMMUTABLE, t->name), v->args[0]);
        return NULL;
    }
    if (t->kind == NJ_K_ARRAY && t->readonly) {
        nj_infer_note(in, infer_fail(in, r, NJ_ERR_TYPE_READONLY, t->name), v->args[0]);
        return NULL;
    }
    target = t->kind == NJ_K_ARRAY ? nj_infer_index(in, r, t, v->args[1]) : record_item(in, r, t, v->args[1]);
    if (!target)
        return NULL;
    if (storable(value, target))
        return nj_type_none(in->ts);
    nj_infer_note_args(
        in, infer_fail(in, r, NJ_ERR_TYPE_SETITEM, value->name, target->kind == NJ_K_ARRAY ? target->name : t->name),
        r);
    return NULL;
}
