/* build.c - core operations as lowering makes them: constants folded, identities left out.
 *
 * Folding here is not for speed of the code, LLVM does that. It keeps what is known at compile time known while
 * lowering: a divisor that is not zero needs no check, a step of one needs no trip count. Values are those of the
 * target: integers wrap.
 */
#include "lower/lower.h"

NjRef nj_low_int(NjLow *l, const NjType *t, int64_t i) { return nj_fn_int(l->f, t, i); }
NjRef nj_low_f(NjLow *l, const NjType *t, double x) { return nj_fn_float(l->f, t, x); }
bool nj_low_known(const NjLow *l, NjRef x, int64_t *out) { return nj_const_int(l->f, x, out); }
const NjType *nj_low_core_type(const NjLow *l, NjRef x) { return nj_val(l->f, x)->type; }

/* -- integers --------------------------------------------------------------------------------- */

static bool fold_ints(NjOp op, int64_t a, int64_t b, int64_t *out)
{
    switch (op) {
    case NJ_OP_add: *out = (int64_t)((uint64_t)a + (uint64_t)b); return true;
    case NJ_OP_sub: *out = (int64_t)((uint64_t)a - (uint64_t)b); return true;
    case NJ_OP_mul: *out = (int64_t)((uint64_t)a * (uint64_t)b); return true;
    case NJ_OP_and: *out = a & b; return true;
    case NJ_OP_or:  *out = a | b; return true;
    case NJ_OP_xor: *out = a ^ b; return true;
    default: return false;
    }
}

/* x + 0, x * 1, x / 1, x << 0 and their like */
static bool is_identity(NjOp op, int64_t b)
{
    switch (op) {
    case NJ_OP_add: case NJ_OP_sub: case NJ_OP_or: case NJ_OP_xor: case NJ_OP_shl: case NJ_OP_lshr: case NJ_OP_ashr:
        return b == 0;
    case NJ_OP_mul: case NJ_OP_sdiv: case NJ_OP_udiv:
        return b == 1;
    default:
        return false;
    }
}

NjRef nj_low_i(NjLow *l, NjOp op, NjRef a, NjRef b)
{
    int64_t x, y, z;
    bool ka = nj_low_known(l, a, &x), kb = nj_low_known(l, b, &y);
    if (ka && kb && fold_ints(op, x, y, &z))
        return nj_low_int(l, nj_low_core_type(l, a), z);
    if (kb && is_identity(op, y))
        return a;
    if (ka && nj_op_has(op, 'C') && is_identity(op, x))
        return b;
    if (op == NJ_OP_mul && ((ka && x == 0) || (kb && y == 0)))
        return ka && x == 0 ? a : b;
    return nj_emit2(&l->at, op, NULL, a, b);
}

NjRef nj_low_fl(NjLow *l, NjOp op, NjRef a, NjRef b) { return nj_emit2(&l->at, op, NULL, a, b); }

static bool fold_pred(NjPred p, int64_t a, int64_t b)
{
    uint64_t ua = (uint64_t)a, ub = (uint64_t)b;
    switch (p) {
    case NJ_EQ: return a == b;
    case NJ_NE: return a != b;
    case NJ_SLT: return a < b;
    case NJ_SLE: return a <= b;
    case NJ_SGT: return a > b;
    case NJ_SGE: return a >= b;
    case NJ_ULT: return ua < ub;
    case NJ_ULE: return ua <= ub;
    case NJ_UGT: return ua > ub;
    default: return ua >= ub;
    }
}

NjRef nj_low_cmp(NjLow *l, NjPred p, NjRef a, NjRef b)
{
    int64_t x, y;
    NjRef ab[2] = {a, b};
    if (nj_type_is(nj_low_core_type(l, a), NJ_K_FLOAT))
        return nj_emit(&l->at, NJ_OP_fcmp, p, l->b1, 2, ab);
    if (nj_low_known(l, a, &x) && nj_low_known(l, b, &y))
        return nj_low_int(l, l->b1, fold_pred(p, x, y));
    return nj_emit(&l->at, NJ_OP_icmp, p, l->b1, 2, ab);
}

NjRef nj_low_select(NjLow *l, NjRef c, NjRef a, NjRef b)
{
    int64_t k;
    if (a == b)
        return a;
    if (nj_low_known(l, c, &k))
        return k ? a : b;
    return nj_emit3(&l->at, NJ_OP_select, nj_low_core_type(l, a), c, a, b);
}

NjRef nj_low_not(NjLow *l, NjRef c) { return nj_low_i(l, NJ_OP_xor, c, nj_low_int(l, l->b1, 1)); }

NjRef nj_low_neg(NjLow *l, NjRef x)
{
    const NjType *t = nj_low_core_type(l, x);
    if (t->kind == NJ_K_FLOAT)
        return nj_emit1(&l->at, NJ_OP_fneg, NULL, x);
    return nj_low_i(l, NJ_OP_sub, nj_low_int(l, t, 0), x);
}

NjRef nj_low_math(NjLow *l, NjMath m, NjRef a, NjRef b)
{
    NjRef ab[2] = {a, b};
    l->f->uses_math = true;
    return nj_emit(&l->at, NJ_OP_math, m, nj_low_core_type(l, a), b ? 2 : 1, ab);
}

/* -- memory ----------------------------------------------------------------------------------- */

NjRef nj_low_load(NjLow *l, const NjType *t, NjRef p) { return nj_emit1(&l->at, NJ_OP_load, t, p); }
void nj_low_store(NjLow *l, NjRef x, NjRef p) { nj_emit2(&l->at, NJ_OP_store, NULL, x, p); }

NjRef nj_low_elem(NjLow *l, NjRef p, NjRef i)
{
    int64_t k;
    return nj_low_known(l, i, &k) && k == 0 ? p : nj_emit2(&l->at, NJ_OP_elem, NULL, p, i);
}

NjRef nj_low_offset(NjLow *l, NjRef p, NjRef nbytes)
{
    int64_t k;
    return nj_low_known(l, nbytes, &k) && k == 0 ? p : nj_emit2(&l->at, NJ_OP_offset, NULL, p, nbytes);
}

NjRef nj_low_ptr(NjLow *l, NjRef p, const NjType *elem, NjSpace space)
{
    const NjType *t = nj_type_ptr(l->ts, elem, space);
    return t == nj_low_core_type(l, p) ? p : nj_emit1(&l->at, NJ_OP_ptrcast, t, p);
}

/* At the head of the entry block, so that loops do not grow the stack. */
NjRef nj_low_alloca(NjLow *l, const NjType *t, int64_t n)
{
    NjAt at = {.f = l->f, .b = 0, .before = nj_blk(l->f, 0)->first, .loc = l->at.loc};
    return nj_emit0(&at, NJ_OP_alloca, nj_type_ptr(l->ts, t, NJ_SPACE_GENERIC), n);
}

/* -- blocks ----------------------------------------------------------------------------------- */

NjBlkId nj_low_blk(NjLow *l) { return nj_fn_blk(l->f); }
void nj_low_enter(NjLow *l, NjBlkId b) { l->at.b = b; l->at.before = NJ_NOREF; }
void nj_low_br(NjLow *l, NjBlkId b) { nj_emit_br(&l->at, b); }
void nj_low_condbr(NjLow *l, NjRef c, NjBlkId yes, NjBlkId no) { nj_emit_condbr(&l->at, c, yes, no); }

/* The counter is signed: lengths are, and it never passes n. */
NjLoop nj_low_loop(NjLow *l, NjRef n)
{
    NjLoop p = {.n = n, .head = nj_low_blk(l), .done = nj_low_blk(l)};
    NjBlkId before = l->at.b, body = nj_low_blk(l);
    (void)before;
    nj_low_br(l, p.head);
    nj_low_enter(l, p.head);
    p.k = nj_emit_phi(l->f, p.head, l->i64, 2);
    nj_low_condbr(l, nj_low_cmp(l, NJ_SLT, p.k, n), body, p.done);
    nj_low_enter(l, body);
    return p;
}

void nj_low_loop_end(NjLow *l, NjLoop *p)
{
    NjRef next = nj_emit2(&l->at, NJ_OP_addnw, NULL, p->k, nj_low_int(l, l->i64, 1));
    nj_low_br(l, p->head);
    nj_val(l->f, p->k)->args[0] = nj_low_int(l, l->i64, 0);
    nj_val(l->f, p->k)->args[1] = next;
    nj_low_enter(l, p->done);
}
