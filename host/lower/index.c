/* index.c - x[i]: elements and views of arrays, elements of tuples.
 *
 * An index is a value or a tuple of values: integers, slices, None (a new axis), Ellipsis. All integers: the address of
 * an element. Else a view: the address moves, and each slice leaves an axis with its length and stride (clipped as
 * CPython's PySlice_AdjustIndices does). Bounds are checked when the options ask for it.
 */
#include "lower/lower.h"

/* -- one axis --------------------------------------------------------------------------------- */

/* i is counted from the start, written as the program has it. */
static void check_bounds(NjLow *l, NjRef i, NjRef written, NjRef len, int axis)
{
    int64_t k;
    if (!l->f->opts.boundscheck)
        return;
    NjRef bad = nj_low_cmp(l, NJ_UGE, i, len);
    if (!nj_low_known(l, bad, &k) || k)
        nj_low_raise_bounds_if(l, bad, written, len, (unsigned)axis);
}

NjRef nj_low_wrap(NjLow *l, NjRef i, NjRef len, bool nonneg, int axis)
{
    const NjType *t = nj_low_core_type(l, i);
    int64_t k;
    bool known = nj_low_known(l, i, &k);
    nonneg = nonneg || t->kind != NJ_K_INT || (known && k >= 0);
    i = nj_low_num(l, i, l->i64);
    NjRef written = i;
    if (!nonneg) {
        NjRef moved = nj_low_i(l, NJ_OP_add, i, len);
        i = known ? moved : nj_low_select(l, nj_low_cmp(l, NJ_SLT, i, nj_low_int(l, l->i64, 0)), moved, i);
    }
    check_bounds(l, i, written, len, axis);
    return i;
}

/* One end of a slice: negative counts from the end, then between `low` and `high`. */
static NjRef clip_end(NjLow *l, NjRef x, NjRef len, NjRef low, NjRef high)
{
    NjRef zero = nj_low_int(l, l->i64, 0), neg = nj_low_cmp(l, NJ_SLT, x, zero);
    NjRef moved = nj_low_i(l, NJ_OP_add, x, len);
    NjRef under = nj_low_select(l, nj_low_cmp(l, NJ_SLT, moved, zero), low, moved);
    NjRef over = nj_low_select(l, nj_low_cmp(l, NJ_SGE, x, len), high, x);
    return nj_low_select(l, neg, under, over);
}

/* How many steps from start to stop. */
static NjRef slice_len(NjLow *l, NjRef start, NjRef stop, NjRef step, NjRef back)
{
    NjRef zero = nj_low_int(l, l->i64, 0), one = nj_low_int(l, l->i64, 1);
    NjRef low = nj_low_select(l, back, stop, start), high = nj_low_select(l, back, start, stop);
    NjRef pace = nj_low_select(l, back, nj_low_neg(l, step), step);
    NjRef gap = nj_low_i(l, NJ_OP_sub, nj_low_i(l, NJ_OP_sub, high, low), one);
    NjRef n = nj_low_i(l, NJ_OP_add, nj_low_i(l, NJ_OP_sdiv, gap, pace), one);
    return nj_low_select(l, nj_low_cmp(l, NJ_SLT, low, high), n, zero);
}

typedef struct Cut { NjRef start, len, step; } Cut;

static Cut cut_axis(NjLow *l, NjParts s, NjRef len)
{
    NjRef zero = nj_low_int(l, l->i64, 0), step = s.at[2];
    nj_low_raise_if(l, nj_low_cmp(l, NJ_EQ, step, zero), "ValueError", "slice step cannot be zero");
    NjRef back = nj_low_cmp(l, NJ_SLT, step, zero);
    NjRef low = nj_low_select(l, back, nj_low_int(l, l->i64, -1), zero);
    NjRef high = nj_low_select(l, back, nj_low_i(l, NJ_OP_sub, len, nj_low_int(l, l->i64, 1)), len);
    Cut c = {.start = clip_end(l, s.at[0], len, low, high), .step = step};
    NjRef stop = clip_end(l, s.at[1], len, low, high);
    c.len = slice_len(l, c.start, stop, step, back);
    return c;
}

static bool is_given(const NjLow *l, NjRef r) { return r && nj_low_type(l, r)->kind != NJ_K_NONE; }

/* Python-level values; NJ_NOREF and None are left out. */
NjParts nj_low_slice(NjLow *l, NjRef start, NjRef stop, NjRef step)
{
    NjParts p = nj_low_parts(l, nj_type_slice(l->ts));
    NjRef lo = nj_low_int(l, l->i64, INT64_MIN), hi = nj_low_int(l, l->i64, INT64_MAX), zero = nj_low_int(l, l->i64, 0);
    p.at[2] = is_given(l, step) ? nj_low_one(l, step, l->i64) : nj_low_int(l, l->i64, 1);
    NjRef back = nj_low_cmp(l, NJ_SLT, p.at[2], zero);
    p.at[0] = is_given(l, start) ? nj_low_one(l, start, l->i64) : nj_low_select(l, back, hi, zero);
    p.at[1] = is_given(l, stop) ? nj_low_one(l, stop, l->i64) : nj_low_select(l, back, lo, hi);
    return p;
}

/* -- the whole index -------------------------------------------------------------------------- */

/* The elements of an index. ref: the Python-level value, for what is known of it; 0 when there is none. k: what it is
 * at compile time, or NULL. */
typedef struct Item { NjRef ref; NjParts x; const NjConst *k; } Item;

static bool is_ellipsis(const Item *it) { return it->k && it->k->kind == NJ_C_ELLIPSIS; }

/* Element i of a tuple of indices: a py.tuple's operand, a constant's element, or a part of some other value. */
static Item tuple_index(NjLow *l, NjRef index, NjParts all, uint32_t i)
{
    const NjVal *v = nj_val(l->py, index);
    const NjConst *k = nj_low_static(l, index);
    Item it = {.x = nj_low_sub(l, all, i)};
    if (v->op == NJ_OP_py_tuple) {
        it.ref = v->args[i];
        it.k = nj_low_static(l, it.ref);
    } else if (k && k->kind == NJ_C_TUPLE) {
        it.k = k->tuple.at[i];
    } else if (nj_low_nonneg(l, index)) {
        it.ref = index;
    }
    return it;
}

static uint32_t index_items(NjLow *l, NjRef index, Item **out)
{
    const NjType *t = nj_low_type(l, index);
    uint32_t n = t->kind == NJ_K_TUPLE ? t->nelem : 1;
    Item *it = *out = NJ_NEWN(l->arena, Item, n + 1);
    NjParts all = nj_low_get(l, index);
    if (t->kind != NJ_K_TUPLE)
        it[0] = (Item){index, all, nj_low_static(l, index)};
    for (uint32_t i = 0; t->kind == NJ_K_TUPLE && i < n; i++)
        it[i] = tuple_index(l, index, all, i);
    return n;
}

typedef struct View { NjArr in, out; unsigned from, to; NjRef nbytes; } View;

static void view_axis(View *w, NjRef len, NjRef stride)
{
    w->out.shape[w->to] = len;
    w->out.strides[w->to++] = stride;
}

static void view_rest(View *w, unsigned n)
{
    for (unsigned i = 0; i < n && w->from < w->in.type->ndim; i++, w->from++)
        view_axis(w, w->in.shape[w->from], w->in.strides[w->from]);
}

static void view_item(NjLow *l, View *w, const Item *it)
{
    unsigned d = w->from;
    if (it->x.type->kind == NJ_K_NONE) {
        view_axis(w, nj_low_int(l, l->i64, 1), nj_low_int(l, l->i64, 0));
        return;
    }
    NjRef start;
    if (it->x.type->kind == NJ_K_SLICE) {
        Cut c = cut_axis(l, it->x, w->in.shape[d]);
        start = c.start;
        view_axis(w, c.len, nj_low_i(l, NJ_OP_mul, w->in.strides[d], c.step));
    } else {
        start = nj_low_wrap(l, it->x.at[0], w->in.shape[d], it->ref && nj_low_nonneg(l, it->ref), (int)d);
    }
    w->nbytes = nj_low_i(l, NJ_OP_add, w->nbytes, nj_low_i(l, NJ_OP_mul, start, w->in.strides[d]));
    w->from++;
}

static NjIndexed index_view(NjLow *l, const NjArr *a, const Item *it, uint32_t n, unsigned used, const NjType *t)
{
    unsigned cap = a->type->ndim + n + 1;
    View w = {.in = *a, .out = {.type = t, .owner = a->owner}, .nbytes = nj_low_int(l, l->i64, 0)};
    w.out.shape = NJ_NEWN(l->arena, NjRef, cap);
    w.out.strides = NJ_NEWN(l->arena, NjRef, cap);
    for (uint32_t i = 0; i < n; i++) {
        if (is_ellipsis(&it[i]))
            view_rest(&w, a->type->ndim - used);
        else
            view_item(l, &w, &it[i]);
    }
    view_rest(&w, a->type->ndim);
    w.out.data = nj_low_offset(l, a->data, w.nbytes);
    return (NjIndexed){.view = true, .arr = w.out};
}

/* result: the view's type; NULL when the caller does not know it (setitem): then only its ndim is wanted, as layout A.
 */
NjIndexed nj_low_index(NjLow *l, NjParts x, NjRef index, const NjType *result)
{
    NjArr a = nj_low_arr(l, x);
    Item *it;
    uint32_t n = index_items(l, index, &it);
    unsigned ints = 0, used = 0, extra = 0;
    for (uint32_t i = 0; i < n; i++) {
        bool ellipsis = is_ellipsis(&it[i]), axis = !ellipsis && it[i].x.type->kind == NJ_K_NONE;
        used += !ellipsis && !axis;
        extra += axis;
        ints += nj_type_is_integral(it[i].x.type);
    }
    if (ints == n && n == a.type->ndim) {
        NjRef *idx = NJ_NEWN(l->arena, NjRef, n + 1);
        for (uint32_t i = 0; i < n; i++)
            idx[i] = nj_low_wrap(l, it[i].x.at[0], a.shape[i], it[i].ref && nj_low_nonneg(l, it[i].ref), (int)i);
        return (NjIndexed){.at = nj_low_arr_at(l, &a, idx)};
    }
    if (!nj_type_is(result, NJ_K_ARRAY))
        result = nj_type_array(l->ts, a.type->elem, a.type->ndim - ints + extra, NJ_LAYOUT_A, false);
    return index_view(l, &a, it, n, used, result);
}

/* -- tuples ----------------------------------------------------------------------------------- */

/* A core constant as its bytes in memory. */
static void put_bytes(char *to, const NjConst *k, const NjType *t)
{
    int64_t i = k->kind == NJ_C_BOOL ? k->b : k->i;
    double f = k->kind == NJ_C_FLOAT ? k->f : k->kind == NJ_C_UINT ? (double)k->u : (double)i;
    float half = (float)f;
    if (t->kind == NJ_K_FLOAT)
        memcpy(to, t->bits == 32 ? (const void *)&half : &f, t->nbytes);
    else
        memcpy(to, &i, t->nbytes);              /* the low bytes: little-endian, as every target is */
}

/* Part p of every element of a long tuple of constants, as one constant array; NULL when it is none. */
static NjConst *room_const(NjLow *l, NjParts x, uint32_t p, uint32_t np, const NjType *t)
{
    enum { FEW = 16 };                          /* which LLVM keeps in registers */
    uint32_t n = x.type->nelem;
    bool is_plain = t->kind == NJ_K_BOOL || t->kind == NJ_K_INT || t->kind == NJ_K_UINT ||
                    (t->kind == NJ_K_FLOAT && t->bits >= 32);
    for (uint32_t k = 0; k < n; k++)
        is_plain &= nj_val(l->f, x.at[k * np + p])->op == NJ_OP_const;
    char *bytes = is_plain && n > FEW ? nj_arena_alloc(l->f->arena, (size_t)n * t->nbytes) : NULL;
    NjConst *all = bytes ? NJ_NEW(l->f->arena, NjConst) : NULL;
    for (uint32_t k = 0; all && k < n; k++)
        put_bytes(bytes + (size_t)k * t->nbytes, nj_val(l->f, x.at[k * np + p])->imm.k, t);
    if (!bytes)
        return NULL;
    all->kind = NJ_C_ARRAY;
    all->array.data = bytes;
    all->array.nbytes = (size_t)n * t->nbytes;
    return all;
}

NjRef nj_low_room(NjLow *l, NjParts x, uint32_t p, uint32_t np)
{
    uint32_t n = x.type->nelem;
    const NjType *t = nj_low_core_type(l, x.at[p]);
    NjConst *all = room_const(l, x, p, np, t);
    if (all)
        return nj_low_constmem(l, all, t);
    NjRef room = nj_low_alloca(l, t, n < 2 ? 2 : n);
    for (uint32_t k = 0; k < n; k++)
        nj_low_store(l, x.at[k * np + p], nj_low_elem(l, room, nj_low_int(l, l->i64, k)));
    return room;
}

/* A run-time index into equal elements: one array for each part. */
static NjParts tuple_dynamic(NjLow *l, NjParts x, NjRef index, const NjType *elem)
{
    uint32_t n = x.type->nelem, np = n ? x.n / n : 0;
    NjRef i = nj_low_one(l, index, l->i64), len = nj_low_int(l, l->i64, n), zero = nj_low_int(l, l->i64, 0);
    NjRef below = nj_low_cmp(l, NJ_SLT, i, zero);
    i = nj_low_select(l, below, nj_low_i(l, NJ_OP_add, i, len), i);
    nj_low_raise_if(l, nj_low_cmp(l, NJ_UGE, i, len), "IndexError", "tuple index out of range");
    NjParts out = nj_low_parts(l, elem);
    for (uint32_t p = 0; p < np; p++) {
        const NjType *t = nj_low_core_type(l, out.n ? x.at[p] : NJ_NOREF);
        out.at[p] = nj_low_load(l, t, nj_low_elem(l, nj_low_room(l, x, p, np), i));
    }
    return out;
}

static NjParts tuple_slice(NjLow *l, NjParts x, NjParts s, const NjType *result)
{
    int64_t start = 0, step = 1, n = x.type->nelem;
    NjParts out = nj_low_parts(l, result);
    Cut c = cut_axis(l, s, nj_low_int(l, l->i64, n));
    if (!nj_low_known(l, c.start, &start) || !nj_low_known(l, c.step, &step)) {
        nj_low_nyi(l, "a tuple's slice with bounds that are no constants");
        return out;
    }
    unsigned at = 0;
    for (int64_t i = 0; i < (int64_t)result->nelem; i++) {
        NjParts e = nj_low_sub(l, x, (unsigned)(start + i * step));
        memcpy(out.at + at, e.at, e.n * sizeof *e.at);
        at += e.n;
    }
    return out;
}

static NjParts tuple_item(NjLow *l, NjParts x, NjRef index, const NjType *result)
{
    int64_t i;
    if (nj_low_type(l, index)->kind == NJ_K_SLICE)
        return tuple_slice(l, x, nj_low_get(l, index), result);
    if (!nj_const_int(l->py, index, &i))
        return tuple_dynamic(l, x, index, result);
    return nj_low_sub(l, x, (unsigned)(i < 0 ? i + x.type->nelem : i));
}

NjParts nj_low_getitem(NjLow *l, NjParts x, NjRef index, const NjType *result)
{
    if (x.type->kind == NJ_K_TUPLE)
        return tuple_item(l, x, index, result);
    if (x.type->kind != NJ_K_ARRAY) {
        nj_low_nyi(l, nj_arena_printf(l->arena, "indexing %s", x.type->name));
        return nj_low_zeros(l, result);
    }
    NjIndexed at = nj_low_index(l, x, index, result);
    return at.view ? nj_low_arr_parts(l, &at.arr, result) : nj_low_arr_load(l, x.type->elem, at.at);
}
