/* resolve.c - constants while SSA is built: module attributes, truth, and the few operations folded this early.
 *
 * Folded here is only what the type of a shape or a branch may depend on and what no typing rule can change: untyped
 * integers that stay in 64 bits, negated literals, tuples of constants. The rest is LLVM's.
 */
#include "front/front.h"

const NjConst nj_const_none = {.kind = NJ_C_NONE};
const NjConst nj_const_true = {.kind = NJ_C_BOOL, .b = true};
const NjConst nj_const_false = {.kind = NJ_C_BOOL};

/* python/ finds builtin exceptions by name; `object` is for the others. */
const NjConst *nj_front_exc(NjArena *a, const char *name)
{
    NjConst k = {.kind = NJ_C_EXC, .name = name};
    return nj_arena_copy(a, &k, sizeof k);
}

const NjConst *nj_front_const_of(const NjFn *f, NjRef r)
{
    return nj_val(f, r)->op == NJ_OP_const ? nj_val(f, r)->imm.k : NULL;
}

const NjConst *nj_resolve_attr(const NjConst *module, const char *name)
{
    for (uint32_t i = 0; i < module->module.n; i++)
        if (!strcmp(module->module.attrs[i].name, name))
            return module->module.attrs[i].value;
    return NULL;
}

int nj_resolve_truth(const NjConst *x)
{
    switch (x->kind) {
    case NJ_C_NONE: return 0;
    case NJ_C_BOOL: return x->b;
    case NJ_C_INT: case NJ_C_UINT: return x->u != 0;
    case NJ_C_FLOAT: return x->f != 0;
    case NJ_C_STR: return x->str.n != 0;
    case NJ_C_TUPLE: return x->tuple.n != 0;
    default: return -1;
    }
}

static bool resolve_is_int(const NjConst *x) { return x->kind == NJ_C_INT && !x->type; }

static const NjConst *resolve_int(NjArena *a, int64_t i)
{
    NjConst k = {.kind = NJ_C_INT, .i = i};
    return nj_arena_copy(a, &k, sizeof k);
}

const NjConst *nj_resolve_unop(NjArena *a, NjUn op, const NjConst *x)
{
    if (op != NJ_UN_NEG || x->type)
        return NULL;
    if (x->kind == NJ_C_INT && x->i != INT64_MIN)
        return resolve_int(a, -x->i);
    NjConst k = {.kind = NJ_C_FLOAT, .f = -x->f};
    return x->kind == NJ_C_FLOAT ? nj_arena_copy(a, &k, sizeof k) : NULL;
}

/* Rounds towards minus infinity, as Python's // does. */
static int64_t resolve_floordiv(int64_t x, int64_t y)
{
    int64_t q = x / y;
    return q - (x % y != 0 && (x < 0) != (y < 0));
}

const NjConst *nj_resolve_binop(NjArena *a, NjBin op, const NjConst *x, const NjConst *y)
{
    int64_t r;
    bool lost;
    if (!resolve_is_int(x) || !resolve_is_int(y))
        return NULL;
    switch (op) {
    case NJ_BIN_ADD: lost = __builtin_add_overflow(x->i, y->i, &r); break;
    case NJ_BIN_SUB: lost = __builtin_sub_overflow(x->i, y->i, &r); break;
    case NJ_BIN_MUL: lost = __builtin_mul_overflow(x->i, y->i, &r); break;
    case NJ_BIN_FLOORDIV:
        lost = !y->i || (y->i == -1 && x->i == INT64_MIN);
        r = lost ? 0 : resolve_floordiv(x->i, y->i);
        break;
    default: return NULL;
    }
    return lost ? NULL : resolve_int(a, r);
}

/* Is k a value? threadIdx.x is a constant as a name, but each thread reads its own. */
static bool resolve_is_value(const NjConst *k)
{
    return k && k->kind != NJ_C_INTRIN && k->kind != NJ_C_MODULE && k->kind != NJ_C_OBJECT && k->kind != NJ_C_MISSING;
}

const NjConst *nj_resolve_tuple(NjFn *f, uint32_t n, const NjRef *args)
{
    for (uint32_t i = 0; i < n; i++)
        if (!resolve_is_value(nj_front_const_of(f, args[i])))
            return NULL;
    const NjConst **at = nj_arena_alloc(f->arena, (n + 1u) * sizeof *at);
    if (!at)
        return NULL;
    for (uint32_t i = 0; i < n; i++)
        at[i] = nj_front_const_of(f, args[i]);
    NjConst k = {.kind = NJ_C_TUPLE, .tuple = {.at = at, .n = n}};
    return nj_arena_copy(f->arena, &k, sizeof k);
}
