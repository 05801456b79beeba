/* simt.c - what kernels know: where the thread is, barriers and fences, shared and local arrays, bit operations. */
#include "lower/lower.h"

static NjParts scalar(NjLow *l, NjRef x) { return nj_low_scalar(l, nj_low_core_type(l, x), x); }
static NjRef sreg(NjLow *l, unsigned which) { return nj_emit(&l->at, NJ_OP_sreg, which, l->i32, 0, NULL); }

NjParts nj_lower_sreg(NjLow *l, const NjArgs *a, int which) { return scalar(l, sreg(l, (unsigned)which)); }

/* grid: threadIdx + blockIdx * blockDim; gridsize: blockDim * gridDim; along the first `ndim` axes, in 64 bits */
NjParts nj_lower_grid(NjLow *l, const NjArgs *a, int size)
{
    unsigned n = a->type->kind == NJ_K_TUPLE ? a->type->nelem : 1;
    NjParts p = nj_low_parts(l, a->type);
    for (unsigned i = 0; i < n && i < 3; i++) {
        NjRef block = nj_low_num(l, sreg(l, NJ_SREG_NTID_X + i), l->i64);
        NjRef many = nj_low_num(l, sreg(l, (size ? NJ_SREG_NCTAID_X : NJ_SREG_CTAID_X) + i), l->i64);
        NjRef x = nj_low_i(l, NJ_OP_mul, many, block);
        p.at[i] = size ? x : nj_low_i(l, NJ_OP_add, x, nj_low_num(l, sreg(l, NJ_SREG_TID_X + i), l->i64));
    }
    return p;
}

NjParts nj_lower_barrier(NjLow *l, const NjArgs *a, int reduce)
{
    l->f->has_barrier = true;
    if (!reduce) {
        nj_emit0(&l->at, NJ_OP_barrier, NULL, 0);
        return nj_low_zeros(l, a->type);
    }
    NjRef pred = nj_low_num(l, nj_low_truth(l, nj_low_get(l, a->at[0])), l->i32);
    return scalar(l, nj_emit(&l->at, NJ_OP_barred, (unsigned)reduce, l->i32, 1, &pred));
}

NjParts nj_lower_syncwarp(NjLow *l, const NjArgs *a, int arg)
{
    NjRef mask = nj_low_has(a, 0) ? nj_low_one(l, a->at[0], l->i32) : nj_low_int(l, l->i32, -1);
    l->f->has_barrier = true;
    nj_emit1(&l->at, NJ_OP_syncwarp, NULL, mask);
    return nj_low_zeros(l, a->type);
}

NjParts nj_lower_fence(NjLow *l, const NjArgs *a, int scope)
{
    nj_emit(&l->at, NJ_OP_fence, (unsigned)scope, NULL, 0, NULL);
    return nj_low_zeros(l, a->type);
}

/* -- arrays of the block and of the thread ---------------------------------------------------- */

static bool known_size(const NjLow *l, NjRef r, const NjConst *k, int64_t *out)
{
    if (k && (k->kind == NJ_C_INT || k->kind == NJ_C_UINT || k->kind == NJ_C_BOOL)) {
        *out = k->kind == NJ_C_BOOL ? k->b : k->i;
        return true;
    }
    return r && nj_const_int(l->py, r, out);
}

/* One length of the shape: an int, or element i of a tuple, each known at compile time. */
static bool shape_dim(const NjLow *l, NjRef shape, unsigned i, int64_t *out)
{
    const NjConst *k = nj_low_static(l, shape);
    const NjVal *v = nj_val(l->py, shape);
    if (k && k->kind == NJ_C_TUPLE)
        return i < k->tuple.n && known_size(l, 0, k->tuple.at[i], out);
    if (v->op == NJ_OP_py_tuple)
        return i < v->nargs && known_size(l, v->args[i], nj_low_static(l, v->args[i]), out);
    return known_size(l, shape, k, out);
}

/* Stack memory or the block's; complex numbers as twice as many floats. n 0: the dynamic part of shared memory. */
static NjRef reserve(NjLow *l, const NjType *elem, int64_t n, int space)
{
    const NjType *unit = elem;
    if (elem->kind == NJ_K_COMPLEX) {
        unit = nj_type_float(l->ts, elem->bits / 2);
        n *= 2;
    }
    if (space == NJ_SPACE_LOCAL)     /* never 1: slots of one are scalars that LLVM keeps in registers (cpu/target.c) */
        return nj_low_ptr(l, nj_low_alloca(l, unit, n < 2 ? 2 : n), elem, NJ_SPACE_GENERIC);
    l->f->uses_shared = true;
    l->f->uses_dynshared |= n == 0;
    NjAt entry = {.f = l->f, .b = 0, .before = nj_blk(l->f, 0)->first, .loc = l->at.loc};
    NjRef p = nj_emit0(&entry, NJ_OP_shared, nj_type_ptr(l->ts, unit, NJ_SPACE_SHARED), n);
    return nj_low_ptr(l, p, elem, NJ_SPACE_GENERIC);
}

NjParts nj_lower_mem_array(NjLow *l, const NjArgs *a, int space)
{
    const NjType *t = a->type;
    int64_t n = 1, dim = 0;
    NjArr x = {.type = t, .shape = NJ_NEWN(l->arena, NjRef, t->ndim + 1)};
    for (unsigned d = 0; d < t->ndim; d++) {
        if (!shape_dim(l, a->at[0], d, &dim))
            nj_low_nyi(l, "an array whose shape is not known at compile time");
        x.shape[d] = nj_low_int(l, l->i64, dim);
        n *= dim;
    }
    if (n == 0 && space == NJ_SPACE_SHARED && t->ndim == 1) {
        NjRef nbytes = nj_low_num(l, sreg(l, NJ_SREG_DYNSHARED), l->i64);
        x.shape[0] = nj_low_i(l, NJ_OP_sdiv, nbytes, nj_low_size(l, t->elem));
    }
    x.data = reserve(l, t->elem, n, space);
    x.owner = nj_fn_undef(l->f, nj_type_ptr(l->ts, l->u8, NJ_SPACE_GENERIC));
    return nj_low_arr_parts(l, &x, t);
}

NjParts nj_lower_const_array(NjLow *l, const NjArgs *a, int arg) { return nj_low_get(l, a->at[0]); }

/* -- bits, choice ----------------------------------------------------------------------------- */

NjParts nj_lower_bit(NjLow *l, const NjArgs *a, int which)
{
    NjParts x = nj_low_get(l, a->at[0]);
    return scalar(l, nj_emit(&l->at, NJ_OP_bit, (unsigned)which, x.type, 1, x.at));
}

NjParts nj_lower_selp(NjLow *l, const NjArgs *a, int arg)
{
    NjRef c = nj_low_truth(l, nj_low_get(l, a->at[0]));
    NjParts x = nj_low_cast(l, nj_low_get(l, a->at[1]), a->type), y = nj_low_cast(l, nj_low_get(l, a->at[2]), a->type);
    NjParts out = nj_low_parts(l, a->type);
    for (unsigned i = 0; i < out.n; i++)
        out.at[i] = nj_low_select(l, c, x.at[i], y.at[i]);
    return out;
}

NjParts nj_lower_fma(NjLow *l, const NjArgs *a, int arg)
{
    NjRef x[3];
    for (unsigned i = 0; i < 3; i++)
        x[i] = nj_low_one(l, a->at[i], a->type);
    return scalar(l, nj_emit(&l->at, NJ_OP_math, NJ_MATH_FMA, a->type, 3, x));
}
