/* setitem.c - x[i] = y: one element, or every element of a view.
 *
 * A view takes a scalar, an array whose shape fits (broadcast along axes of length 1; anything else raises ValueError)
 * or a tuple of numbers. Source and target may overlap. A shift within one row runs forwards or backwards, whichever
 * reads before it writes; on the CPU any other overlap, seen at run time, goes by way of a copy. Kernels have no memory
 * for one: there it raises ValueError. Threads that write where others read are the program's care.
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
    nj_low_raise_if(l, bad, "ValueError", "cannot assign to the slice: the shapes do not match");
}

/* -- overlap ---------------------------------------------------------------------------------- */

static NjRef address(NjLow *l, const NjArr *a) { return nj_emit1(&l->at, NJ_OP_ptrtoint, l->i64, a->data); }

/* The bytes from the lowest to behind the highest element. */
static void extent(NjLow *l, const NjArr *a, NjRef *lo, NjRef *hi)
{
    NjRef zero = nj_low_int(l, l->i64, 0), one = nj_low_int(l, l->i64, 1);
    *lo = address(l, a);
    *hi = nj_low_i(l, NJ_OP_add, *lo, nj_low_size(l, a->type->elem));
    for (unsigned d = 0; d < a->type->ndim; d++) {
        NjRef far = nj_low_i(l, NJ_OP_mul, nj_low_i(l, NJ_OP_sub, a->shape[d], one), a->strides[d]);
        NjRef down = nj_low_cmp(l, NJ_SLT, far, zero);
        *lo = nj_low_i(l, NJ_OP_add, *lo, nj_low_select(l, down, far, zero));
        *hi = nj_low_i(l, NJ_OP_add, *hi, nj_low_select(l, down, zero, far));
    }
}

static NjRef overlap(NjLow *l, const NjArr *a, const NjArr *b)
{
    NjRef alo, ahi, blo, bhi;
    extent(l, a, &alo, &ahi);
    extent(l, b, &blo, &bhi);
    NjRef ends = nj_low_cmp(l, NJ_SLT, blo, ahi);
    return nj_low_i(l, NJ_OP_and, nj_low_cmp(l, NJ_SLT, alo, bhi), ends);
}

/* Rows of the same length and stride: is the target further along the stride than the source? */
static NjRef runs_back(NjLow *l, const NjArr *to, const NjArr *from)
{
    NjRef behind = nj_low_cmp(l, NJ_SLT, address(l, from), address(l, to));
    return nj_low_i(l, NJ_OP_xor, behind, nj_low_cmp(l, NJ_SLT, to->strides[0], nj_low_int(l, l->i64, 0)));
}

static NjRef same_row(NjLow *l, const NjArr *to, const NjArr *from)
{
    if (to->type->ndim != 1 || from->type->ndim != 1 || to->type->elem != from->type->elem)
        return nj_low_int(l, l->b1, 0);
    NjRef same = nj_low_cmp(l, NJ_EQ, to->strides[0], from->strides[0]);
    return nj_low_i(l, NJ_OP_and, same, nj_low_cmp(l, NJ_EQ, to->shape[0], from->shape[0]));
}

/* Do both step alike along the source's axes? Then their elements lie in one order. */
static NjRef same_steps(NjLow *l, const NjArr *to, const NjArr *from)
{
    unsigned skip = to->type->ndim - from->type->ndim;
    NjRef same = nj_low_int(l, l->b1, to->type->elem == from->type->elem);
    for (unsigned d = 0; d < from->type->ndim; d++) {
        same = nj_low_i(l, NJ_OP_and, same, nj_low_cmp(l, NJ_EQ, to->strides[d + skip], from->strides[d]));
        same = nj_low_i(l, NJ_OP_and, same, nj_low_cmp(l, NJ_EQ, to->shape[d + skip], from->shape[d]));
    }
    return same;
}

static NjRef call_c(NjLow *l, const char *name, const NjType *t, NjRef x)
{
    NjRef r = nj_emit1(&l->at, NJ_OP_callx, t, x);
    nj_val(l->f, r)->imm.name = name;
    return r;
}

/* The same elements in memory of its own, one after the other. */
static NjArr copy_of(NjLow *l, const NjArr *from)
{
    NjArr c = *from;
    NjRef nbytes = nj_low_size(l, from->type->elem);
    c.strides = NJ_NEWN(l->arena, NjRef, from->type->ndim + 1);
    for (unsigned d = from->type->ndim; d-- > 0;) {
        c.strides[d] = nbytes;
        nbytes = nj_low_i(l, NJ_OP_mul, nbytes, from->shape[d]);
    }
    nbytes = nj_low_i(l, NJ_OP_add, nbytes, nj_low_int(l, l->i64, 1));      /* never 0 */
    c.data = call_c(l, "malloc", nj_low_core_type(l, from->data), nbytes);
    nj_low_raise_if(l, nj_low_cmp(l, NJ_EQ, address(l, &c), nj_low_int(l, l->i64, 0)), "MemoryError", "");
    Fill w = {.l = l, .to = &c, .from = from};
    fill_axis(&w, 0);
    return c;
}

/* to[...] = from, where the two may share memory. */
static void set_shared(NjLow *l, const NjArr *to, const NjArr *from)
{
    NjBlkId slow = nj_low_blk(l), fast = nj_low_blk(l), done = nj_low_blk(l);
    Fill w = {.l = l, .to = to, .from = from};
    NjRef row = same_row(l, to, from);
    NjRef rows = nj_low_not(l, row), meet = overlap(l, to, from);
    nj_low_condbr(l, nj_low_i(l, NJ_OP_and, meet, rows), slow, fast);
    nj_low_enter(l, slow);
    NjArr copy = copy_of(l, from);
    w.from = &copy;
    fill_axis(&w, 0);
    (void)call_c(l, "free", nj_type_void(l->ts), copy.data);
    nj_low_br(l, done);
    nj_low_enter(l, fast);
    w.from = from;
    w.back =
        to->type->ndim == 1 && from->type->ndim == 1 ? nj_low_i(l, NJ_OP_and, row, runs_back(l, to, from)) : NJ_NOREF;
    fill_axis(&w, 0);
    nj_low_br(l, done);
    nj_low_enter(l, done);
}

/* The same in a kernel. */
static void set_in_place(NjLow *l, const NjArr *to, const NjArr *from)
{
    Fill w = {.l = l, .to = to, .from = from};
    NjRef mixed = nj_low_i(l, NJ_OP_and, overlap(l, to, from), nj_low_not(l, same_steps(l, to, from)));
    nj_low_raise_if(l, mixed, "ValueError",
                    "cannot assign to the slice: in a kernel it must not overlap what it is assigned from");
    if (to->type->ndim == from->type->ndim)
        w.back = runs_back(l, to, from);
    fill_axis(&w, 0);
}

/* -- assignment ------------------------------------------------------------------------------- */

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
        (l->u->target->abi == NJ_ABI_CPU ? set_shared : set_in_place)(l, to, &from);
        return;
    }
    w.scalar = nj_low_cast(l, y, to->type->elem);
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
