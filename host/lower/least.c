/* least.c - a lower bound for every integer value of a Python-level function.
 *
 * Indexing wraps a negative index round; where the bound is 0 or more that costs nothing and leaves the address a plain
 * sum that LLVM vectorises. Bounds start at "anything large" and only go down; a value that goes down twice in a cycle
 * of phis goes to "unknown" at once, so the rounds are few. Sums of bounded values are taken not to overflow: a sum
 * that did would be an index out of range in any case.
 */
#include "lower/lower.h"

#define LEAST_TOP  ((int64_t)1 << 40)        /* nothing is known to be larger */
#define LEAST_NONE INT64_MIN

static int64_t clamp(int64_t x) { return x > LEAST_TOP ? LEAST_TOP : x < -LEAST_TOP ? LEAST_NONE : x; }

static int64_t of_const(const NjConst *k)
{
    switch (k->kind) {
    case NJ_C_BOOL: return k->b;
    case NJ_C_INT:  return clamp(k->i);
    case NJ_C_UINT: return 0;
    default:        return LEAST_NONE;
    }
}

static int64_t of_binop(const NjLow *l, const NjVal *v)
{
    int64_t a = l->least[v->args[0]], b = l->least[v->args[1]], k;
    bool ka = nj_const_int(l->py, v->args[1], &k);
    switch (v->sub) {
    case NJ_BIN_ADD: return a == LEAST_NONE || b == LEAST_NONE ? LEAST_NONE : clamp(a + b);
    case NJ_BIN_SUB: return a == LEAST_NONE || !ka || k > LEAST_TOP || k < -LEAST_TOP ? LEAST_NONE : clamp(a - k);
    case NJ_BIN_MUL: return a >= 0 && b >= 0 ? (a > 0 && b > LEAST_TOP / a ? LEAST_TOP : clamp(a * b)) : LEAST_NONE;
    case NJ_BIN_FLOORDIV: return a >= 0 && b >= 0 ? 0 : LEAST_NONE;
    case NJ_BIN_MOD: return b >= 0 ? 0 : LEAST_NONE;
    case NJ_BIN_RSHIFT: return a >= 0 ? 0 : LEAST_NONE;
    case NJ_BIN_LSHIFT: return a >= 0 ? 0 : LEAST_NONE;
    case NJ_BIN_AND: return a >= 0 || b >= 0 ? 0 : LEAST_NONE;
    case NJ_BIN_OR: case NJ_BIN_XOR: return a >= 0 && b >= 0 ? 0 : LEAST_NONE;
    default: return LEAST_NONE;
    }
}

/* range(stop), range(start, stop), range(start, stop, step): the least is start when the step is not negative. */
static int64_t of_range(const NjLow *l, NjArgs a)
{
    int64_t step = 1;
    if (nj_low_has(&a, 2) && (!nj_const_int(l->py, a.at[2], &step) || step <= 0))
        return LEAST_NONE;
    return nj_low_has(&a, 1) ? l->least[a.at[0]] : 0;
}

static int64_t of_minmax(const NjLow *l, NjArgs a, bool max)
{
    if (a.n < 2)
        return LEAST_NONE;
    int64_t out = l->least[a.at[0]];
    for (uint32_t i = 1; i < a.n; i++) {
        int64_t x = l->least[a.at[i]];
        out = (max ? x > out : x < out) ? x : out;
    }
    return out;
}

/* int(x) of an integer is x */
static int64_t of_conversion(const NjLow *l, NjArgs a)
{
    bool wide = nj_type_is_int(a.type) && a.type->bits == 64;
    return wide && a.n == 1 && a.at[0] && nj_type_is_integral(nj_low_type(l, a.at[0])) ? l->least[a.at[0]] : LEAST_NONE;
}

static int64_t of_call(const NjLow *l, NjRef r, const NjVal *v)
{
    const NjCallee *q = v->imm.callee;
    NjArgs a = nj_low_args(l, r);
    if (!q)
        return LEAST_NONE;
    if (q->cast)
        return of_conversion(l, a);
    if (q->intrin >= NJ_INTRIN_TID_X && q->intrin <= NJ_INTRIN_WARPSIZE)
        return 0;
    switch (q->intrin) {
    case NJ_INTRIN_LEN: case NJ_INTRIN_GRID: case NJ_INTRIN_GRIDSIZE: return 0;
    case NJ_INTRIN_ABS: return nj_type_is_int(v->type) ? 0 : LEAST_NONE;
    case NJ_INTRIN_RANGE: case NJ_INTRIN_PRANGE: return of_range(l, a);
    case NJ_INTRIN_MIN: return of_minmax(l, a, false);
    case NJ_INTRIN_MAX: return of_minmax(l, a, true);
    default: return LEAST_NONE;
    }
}

/* The attributes that inference knows as integers: shapes and sizes. Strides may be negative. */
static int64_t of_attr(const NjVal *v)
{
    return !strcmp(v->imm.name, "strides") ? LEAST_NONE : 0;
}

/* What a cursor's element, or a tuple's, is at least: the least of what it runs over. */
static int64_t of_value(const NjLow *l, const NjVal *v)
{
    const NjVal *it = nj_arg(l->py, v, 0);
    return it->op == NJ_OP_py_iter && nj_type_is(nj_low_type(l, it->args[0]), NJ_K_RANGE) ? l->least[it->args[0]]
                                                                                          : LEAST_NONE;
}

static int64_t of_tuple(const NjLow *l, const NjVal *v)
{
    int64_t out = LEAST_TOP;
    for (uint32_t i = 0; i < v->nargs; i++)
        out = l->least[v->args[i]] < out ? l->least[v->args[i]] : out;
    return out;
}

/* enumerate's counter: what it starts from. */
static int64_t of_counter(const NjLow *l, const NjVal *it)
{
    if (it->op != NJ_OP_py_iter || !nj_type_is(nj_low_type(l, it->args[0]), NJ_K_ENUMERATE))
        return LEAST_NONE;
    const NjVal *over = nj_arg(l->py, it, 0);
    if (over->op != NJ_OP_py_call || !over->imm.callee || over->imm.callee->intrin != NJ_INTRIN_ENUMERATE)
        return LEAST_NONE;
    NjArgs a = nj_low_args(l, it->args[0]);
    return nj_low_has(&a, 1) ? l->least[a.at[1]] : 0;
}

static int64_t of_item(const NjLow *l, const NjVal *v)
{
    const NjVal *x = nj_arg(l->py, v, 0);
    if (x->op == NJ_OP_py_unpack)
        x = nj_arg(l->py, x, 0);
    int64_t i = v->op == NJ_OP_py_item ? v->imm.i : -1;
    if (v->op == NJ_OP_py_getitem && !nj_const_int(l->py, v->args[1], &i))
        i = -1;
    if (x->op == NJ_OP_py_tuple && i >= 0 && i < (int64_t)x->nargs)
        return l->least[x->args[i]];
    if (x->op == NJ_OP_py_value && i == 0)
        return of_counter(l, nj_arg(l->py, x, 0));
    return x->op == NJ_OP_py_getattr || x->op == NJ_OP_py_call ? l->least[v->args[0]] : LEAST_NONE;
}

static int64_t of_val(const NjLow *l, NjRef r, const NjVal *v)
{
    const NjType *t = v->type;
    if (t && (t->kind == NJ_K_UINT || t->kind == NJ_K_BOOL))
        return 0;
    switch (v->op) {
    case NJ_OP_const: return v->imm.k ? of_const(v->imm.k) : LEAST_NONE;
    case NJ_OP_phi: case NJ_OP_py_tuple: return of_tuple(l, v);
    case NJ_OP_py_binop: case NJ_OP_py_inplace: return of_binop(l, v);
    case NJ_OP_py_call: return of_call(l, r, v);
    case NJ_OP_py_getattr: return nj_type_is(nj_arg(l->py, v, 0)->type, NJ_K_ARRAY) ? of_attr(v) : LEAST_NONE;
    case NJ_OP_py_value: return of_value(l, v);
    case NJ_OP_py_unpack: return l->least[v->args[0]];
    case NJ_OP_py_item: case NJ_OP_py_getitem:
        return nj_type_is(nj_arg(l->py, v, 0)->type, NJ_K_TUPLE) ? of_item(l, v) : LEAST_NONE;
    case NJ_OP_py_cast:
        return nj_type_is_integral(nj_arg(l->py, v, 0)->type) && t && t->bits == 64 ? l->least[v->args[0]] : LEAST_NONE;
    default: return LEAST_NONE;
    }
}

void nj_low_fill_least(NjLow *l)
{
    uint32_t n = l->py->vals.n;
    uint8_t *drops = NJ_NEWN(l->arena, uint8_t, n);
    l->least = NJ_NEWN(l->arena, int64_t, n);
    if (!l->least || !drops)
        return;
    for (uint32_t r = 0; r < n; r++)
        l->least[r] = LEAST_TOP;
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t r = 1; r < n; r++) {
            int64_t x = of_val(l, r, nj_val(l->py, r));
            if (x >= l->least[r])
                continue;
            l->least[r] = ++drops[r] > 3 ? LEAST_NONE : x;
            changed = true;
        }
    }
}
