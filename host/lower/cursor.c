/* cursor.c - iteration: py.iter makes a cursor, py.next moves it, py.value is the element it is on.
 *
 * A cursor's state is one or two stack slots that LLVM turns into loop counters. Over a range of step 1 or -1 that is
 * the value itself, compared with the stop: the loop C has. Other steps count down the trips, so that nothing can
 * overflow. py.next loads the counter; the element is derived from that, which dominates every py.value.
 */
#include "lower/lower.h"

typedef enum CursorKind { CUR_UNIT, CUR_STEPS, CUR_ARRAY, CUR_TUPLE, CUR_ENUMERATE, CUR_ZIP } CursorKind;

struct NjCursor {
    CursorKind kind;
    const NjType *over;
    NjParts src;               /* what is iterated over */
    NjRef slot, value_slot;    /* the counter; CUR_STEPS: the value, too */
    NjRef count;               /* trips, or the stop of CUR_UNIT */
    int64_t step;              /* CUR_UNIT */
    NjRef at;                  /* the counter or the value that the last py.next loaded */
    NjRef *rooms;              /* CUR_TUPLE: an array for each part of an element */
    NjCursor **inner; uint32_t ninner;
};

static NjCursor *cursor_new(NjLow *l, NjParts over);

/* -- making ----------------------------------------------------------------------------------- */

static void start_counter(NjLow *l, NjCursor *c, NjRef count)
{
    c->slot = nj_low_alloca(l, l->i64, 1);
    c->count = count;
    nj_low_store(l, nj_low_int(l, l->i64, 0), c->slot);
}

NjRef nj_low_range_len(NjLow *l, NjParts r)
{
    const NjType *t = r.type->elem;
    bool is_signed = t->kind == NJ_K_INT;
    NjRef zero = nj_low_int(l, t, 0), one = nj_low_int(l, t, 1), start = r.at[0], stop = r.at[1], step = r.at[2];
    NjRef back = is_signed ? nj_low_cmp(l, NJ_SLT, step, zero) : nj_low_int(l, l->b1, 0);
    NjRef low = nj_low_select(l, back, stop, start), high = nj_low_select(l, back, start, stop);
    NjRef pace = nj_low_select(l, back, nj_low_neg(l, step), step);
    NjRef gap = nj_low_i(l, NJ_OP_sub, nj_low_i(l, NJ_OP_sub, high, low), one);
    const NjType *ut = nj_type_int(l->ts, t->bits, false);
    NjRef by = nj_low_num(l, pace, ut), n = nj_low_i(l, NJ_OP_udiv, nj_low_num(l, gap, ut), by);
    n = nj_low_i(l, NJ_OP_add, nj_low_num(l, n, l->i64), nj_low_int(l, l->i64, 1));
    NjRef some = nj_low_cmp(l, is_signed ? NJ_SLT : NJ_ULT, low, high);
    return nj_low_select(l, some, n, nj_low_int(l, l->i64, 0));
}

static void start_range(NjLow *l, NjCursor *c)
{
    const NjType *t = c->over->elem;
    int64_t step;
    bool known = nj_low_known(l, c->src.at[2], &step);
    if (known && (step == 1 || (step == -1 && t->kind == NJ_K_INT))) {
        c->kind = CUR_UNIT;
        c->step = step;
        c->count = c->src.at[1];
        c->slot = nj_low_alloca(l, t, 1);
        nj_low_store(l, c->src.at[0], c->slot);
        return;
    }
    c->kind = CUR_STEPS;
    start_counter(l, c, nj_low_range_len(l, c->src));
    c->value_slot = nj_low_alloca(l, t, 1);
    nj_low_store(l, c->src.at[0], c->value_slot);
}

/* Equal elements, in memory so that a counter can choose among them. */
static void start_tuple(NjLow *l, NjCursor *c)
{
    uint32_t n = c->over->nelem, np = n ? c->src.n / n : 0;
    c->kind = CUR_TUPLE;
    start_counter(l, c, nj_low_int(l, l->i64, n));
    c->rooms = NJ_NEWN(l->arena, NjRef, np + 1);
    for (uint32_t p = 0; p < np; p++)
        c->rooms[p] = nj_low_room(l, c->src, p, np);
}

static void start_enumerate(NjLow *l, NjCursor *c)
{
    c->kind = CUR_ENUMERATE;
    start_counter(l, c, NJ_NOREF);
    nj_low_store(l, c->src.at[c->src.n - 1], c->slot);
    c->ninner = 1;
    c->inner[0] = cursor_new(l, (NjParts){c->src.at, c->src.n - 1, c->over->elem});
}

static void start_zip(NjLow *l, NjCursor *c)
{
    c->kind = CUR_ZIP;
    c->ninner = c->over->nelem;
    for (uint32_t i = 0; i < c->ninner; i++)
        c->inner[i] = cursor_new(l, nj_low_sub(l, c->src, i));
}

static NjCursor *cursor_new(NjLow *l, NjParts over)
{
    NjCursor *c = NJ_NEW(l->arena, NjCursor);
    c->over = over.type;
    c->src = over;
    c->inner = NJ_NEWN(l->arena, NjCursor *, over.type->nelem + 1);
    switch (over.type->kind) {
    case NJ_K_RANGE:     start_range(l, c); break;
    case NJ_K_TUPLE:     start_tuple(l, c); break;
    case NJ_K_ENUMERATE: start_enumerate(l, c); break;
    case NJ_K_ZIP:       start_zip(l, c); break;
    case NJ_K_ARRAY:
        c->kind = CUR_ARRAY;
        start_counter(l, c, nj_low_arr(l, over).shape[0]);
        break;
    default:
        nj_low_nyi(l, nj_arena_printf(l->arena, "iterating over %s", over.type->name));
        start_counter(l, c, nj_low_int(l, l->i64, 0));
        c->kind = CUR_ARRAY;
        break;
    }
    return c;
}

/* -- moving ----------------------------------------------------------------------------------- */

/* Below its stop, one more cannot overflow. */
static NjRef next_unit(NjLow *l, NjCursor *c)
{
    const NjType *t = c->over->elem;
    c->at = nj_low_load(l, t, c->slot);
    NjPred p = c->step < 0 ? NJ_SGT : t->kind == NJ_K_INT ? NJ_SLT : NJ_ULT;
    NjRef more = nj_low_cmp(l, p, c->at, c->count);
    NjRef next =
        nj_emit2(&l->at, t->kind == NJ_K_INT ? NJ_OP_addnw : NJ_OP_add, NULL, c->at, nj_low_int(l, t, c->step));
    nj_low_store(l, next, c->slot);
    return more;
}

static NjRef next_counter(NjLow *l, NjCursor *c)
{
    NjRef k = nj_low_load(l, l->i64, c->slot), one = nj_low_int(l, l->i64, 1);
    nj_low_store(l, nj_low_i(l, NJ_OP_add, k, one), c->slot);
    c->at = k;
    return c->count ? nj_low_cmp(l, NJ_ULT, k, c->count) : NJ_NOREF;
}

static NjRef next_of(NjLow *l, NjCursor *c)
{
    if (c->kind == CUR_UNIT)
        return next_unit(l, c);
    NjRef more = c->kind == CUR_ZIP ? nj_low_int(l, l->b1, c->ninner != 0) : next_counter(l, c);
    if (c->kind == CUR_STEPS) {
        c->at = nj_low_load(l, c->over->elem, c->value_slot);
        nj_low_store(l, nj_low_i(l, NJ_OP_add, c->at, c->src.at[2]), c->value_slot);
    }
    for (uint32_t i = 0; i < c->ninner; i++) {
        NjRef also = next_of(l, c->inner[i]);
        more = more ? nj_low_i(l, NJ_OP_and, more, also) : also;
    }
    return more;
}

/* -- elements --------------------------------------------------------------------------------- */

static NjParts value_of(NjLow *l, NjCursor *c, const NjType *t);

static NjParts array_value(NjLow *l, NjCursor *c, const NjType *t)
{
    if (c->over->kind != NJ_K_ARRAY)
        return nj_low_zeros(l, t);
    NjArr a = nj_low_arr(l, c->src);
    if (a.type->ndim == 1)
        return nj_low_arr_load(l, a.type->elem, nj_low_arr_at(l, &a, &c->at));
    NjArr row = nj_low_arr_row(l, &a, c->at, t);
    return nj_low_arr_parts(l, &row, t);
}

static NjParts tuple_value(NjLow *l, NjCursor *c)
{
    const NjType *t = c->over->elems[0];
    NjParts p = nj_low_parts(l, t);
    for (uint32_t i = 0; i < p.n; i++)
        p.at[i] = nj_low_load(l, nj_low_core_type(l, c->src.at[i]), nj_low_elem(l, c->rooms[i], c->at));
    return p;
}

/* enumerate: (counter, element); zip: the elements */
static NjParts joined_value(NjLow *l, NjCursor *c, const NjType *t)
{
    NjParts out = nj_low_parts(l, t);
    unsigned at = 0, first = 0;
    if (c->kind == CUR_ENUMERATE) {
        out.at[at++] = c->at;
        first = 1;
    }
    for (uint32_t i = 0; i < c->ninner; i++) {
        NjParts x = nj_low_cast(l, value_of(l, c->inner[i], t->elems[i + first]), t->elems[i + first]);
        memcpy(out.at + at, x.at, x.n * sizeof *x.at);
        at += x.n;
    }
    return out;
}

static NjParts value_of(NjLow *l, NjCursor *c, const NjType *t)
{
    switch (c->kind) {
    case CUR_UNIT: case CUR_STEPS: return nj_low_scalar(l, c->over->elem, c->at);
    case CUR_ARRAY: return array_value(l, c, t);
    case CUR_TUPLE: return tuple_value(l, c);
    default:        return joined_value(l, c, t);
    }
}

/* -- the operations --------------------------------------------------------------------------- */

/* The py.iter behind phis that only carry it round its loop. */
static NjCursor *find_cursor(NjLow *l, NjRef r)
{
    for (unsigned depth = 0; depth < 64 && nj_val(l->py, r)->op == NJ_OP_phi; depth++) {
        const NjVal *v = nj_val(l->py, r);
        NjRef next = v->args[0] != r ? v->args[0] : v->nargs > 1 ? v->args[1] : r;
        r = next;
    }
    if (!l->cursors[r])
        nj_low_nyi(l, "an iterator that is kept beyond its loop");
    return l->cursors[r];
}

void nj_low_iter(NjLow *l, NjRef r)
{
    NjRef over = nj_val(l->py, r)->args[0];
    l->cursors[r] = nj_low_type(l, over)->kind == NJ_K_ITER ? find_cursor(l, over) : cursor_new(l, nj_low_get(l, over));
}

void nj_low_next(NjLow *l, NjRef r)
{
    NjCursor *c = find_cursor(l, nj_val(l->py, r)->args[0]);
    nj_low_set(l, r, nj_low_scalar(l, l->b1, c ? next_of(l, c) : nj_low_int(l, l->b1, 0)));
}

void nj_low_value(NjLow *l, NjRef r)
{
    NjCursor *c = find_cursor(l, nj_val(l->py, r)->args[0]);
    const NjType *t = nj_low_type(l, r);
    nj_low_set(l, r, c ? value_of(l, c, t) : nj_low_zeros(l, t));
}
