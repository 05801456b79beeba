/* type_cuda.c - typers of the cuda module: indices, barriers, memory, atomics. */
#include "type/infer.h"

static const NjType *arg(const Call *c, unsigned i) { return i < c->nargs ? c->args[i].type : NULL; }
static const NjType *none_of(Call *c) { return nj_type_none(c->in->ts); }
static const NjType *i32_of(Call *c) { return infer_scalar(c->in, NJ_T_I32); }

static const NjType *const_needed(Call *c, const char *what)
{
    infer_fail(c->in, c->r, NJ_ERR_TYPE_CONST_NEEDED, nj_arena_printf(c->in->arena, "%s of %s", what, c->name));
    return NULL;
}

static const NjType *bad_value(Call *c, const char *text)
{
    infer_fail(c->in, c->r, NJ_ERR_TYPE_BAD_VALUE, nj_arena_printf(c->in->arena, "%s: %s", c->name, text));
    return NULL;
}

const NjType *nj_typer_sreg(Call *c) { return i32_of(c); }

const NjType *nj_typer_grid(Call *c)
{
    int64_t ndim;
    const NjType *i64 = infer_scalar(c->in, NJ_T_I64);
    if (!nj_type_is_int(arg(c, 0)))
        return nj_infer_call_wrong(c);
    if (!nj_infer_known_int(c->in, c->args[0].ref, &ndim))
        return const_needed(c, "the number of dimensions");
    if (ndim < 1 || ndim > 3)
        return bad_value(c, "the number of dimensions must be 1, 2 or 3");
    return ndim == 1 ? i64 : nj_type_unituple(c->in->ts, i64, (unsigned)ndim);
}

/* arg 0 is syncthreads(); the others reduce a predicate over the block. */
const NjType *nj_typer_barrier(Call *c)
{
    if (c->arg == 0)
        return arg(c, 0) ? nj_infer_call_wrong(c) : none_of(c);
    return nj_type_is_integral(arg(c, 0)) ? i32_of(c) : nj_infer_call_wrong(c);
}

const NjType *nj_typer_syncwarp(Call *c)
{
    return !arg(c, 0) || nj_type_is_int(arg(c, 0)) ? none_of(c) : nj_infer_call_wrong(c);
}
const NjType *nj_typer_fence(Call *c) { return none_of(c); }

/* -- arrays ------------------------------------------------------------------------------------------------- */

/* The axes of a constant shape: an int, or a tuple of ints. -1: not known, -2: negative or zero where it must not
 * be. */
static int shape_ndim(Call *c, const NjConst *k)
{
    unsigned n = k && k->kind == NJ_C_TUPLE ? k->tuple.n : 1;
    bool dynamic = c->arg == NJ_SPACE_SHARED && n == 1;
    for (unsigned i = 0; i < n; i++) {
        const NjConst *e = k && k->kind == NJ_C_TUPLE ? k->tuple.at[i] : k;
        if (!e || e->kind != NJ_C_INT)
            return -1;
        if (e->i < 0 || (e->i == 0 && !dynamic) || e->i > INT32_MAX)
            return -2;
    }
    return n > 8 ? -2 : (int)n;
}

static bool is_alignment(Call *c)
{
    int64_t i;
    return !arg(c, 2) || arg(c, 2)->kind == NJ_K_NONE ||
           (nj_infer_known_int(c->in, c->args[2].ref, &i) && i > 0 && (i & (i - 1)) == 0);
}

/* np.float32, a.dtype, or "float32". */
static const NjType *elem_named(Call *c, unsigned i)
{
    const NjConst *k = nj_infer_known(c->in, c->args[i].ref);
    NjSig sig;
    if (arg(c, i)->kind == NJ_K_DTYPE)
        return arg(c, i)->elem;
    if (!k || k->kind != NJ_C_STR || strchr(k->str.text, ',') ||
        nj_sig_parse(c->in->ts, c->in->arena, nj_arena_printf(c->in->arena, "(%s)", k->str.text), &sig, NULL) ||
        sig.nargs != 1)
        return nj_type_none(c->in->ts);
    return sig.args[0];
}

const NjType *nj_typer_mem_array(Call *c)
{
    const NjType *elem = elem_named(c, 1);
    int ndim = shape_ndim(c, nj_infer_known(c->in, c->args[0].ref));
    if (!nj_type_is_number(elem) && elem->kind != NJ_K_RECORD)
        return nj_infer_call_wrong(c);
    if (ndim == -1)
        return const_needed(c, "the shape");
    if (ndim < 0)
        return bad_value(c, "every axis of the shape must be positive");
    if (!is_alignment(c))
        return bad_value(c, "the alignment must be a constant power of 2");
    return nj_type_array(c->in->ts, elem, (unsigned)ndim, NJ_LAYOUT_C, false);
}

/* Of an argument it is the argument; a global array is constant memory by itself. */
const NjType *nj_typer_const_array(Call *c)
{
    return arg(c, 0)->kind == NJ_K_ARRAY ? arg(c, 0) : nj_infer_call_wrong(c);
}

/* -- atomics ------------------------------------------------------------------------------------------------------- */

/* Integers of 32 and 64 bits; the arithmetic ones floats too. */
static bool is_atomic(const NjType *elem, int rmw)
{
    bool arithmetic = rmw == NJ_RMW_ADD || rmw == NJ_RMW_SUB || rmw == NJ_RMW_MAX || rmw == NJ_RMW_MIN;
    return elem->bits >= 32 && (nj_type_is_int(elem) || (arithmetic && elem->kind == NJ_K_FLOAT));
}

static const NjType *atomic_elem(Call *c, NjRef index, const NjType *value, int rmw)
{
    const NjType *t = arg(c, 0);
    if (t->kind != NJ_K_ARRAY || !is_atomic(t->elem, rmw))
        return nj_infer_call_wrong(c);
    if (t->readonly) {
        infer_fail(c->in, c->r, NJ_ERR_TYPE_READONLY, t->name);
        return NULL;
    }
    const NjType *elem = index ? nj_infer_index(c->in, c->r, t, index) : t->elem;
    if (!elem)
        return NULL;
    if (elem->kind == NJ_K_ARRAY) {
        infer_fail(c->in, c->r, NJ_ERR_TYPE_INDEX, t->name, infer_type(c->in, index)->name);
        return NULL;
    }
    return nj_type_conv(value, elem) ? elem : nj_infer_call_wrong(c);
}

const NjType *nj_typer_atomic(Call *c) { return atomic_elem(c, c->args[1].ref, arg(c, 2), c->arg); }

const NjType *nj_typer_atomic_wrap(Call *c)
{
    const NjType *t = arg(c, 0);
    bool ok = t->kind == NJ_K_ARRAY && t->elem->kind == NJ_K_UINT;
    return ok ? atomic_elem(c, c->args[1].ref, arg(c, 2), NJ_RMW_AND) : nj_infer_call_wrong(c);
}

/* cas(ary, idx, old, val) and, with arg 1, compare_and_swap(ary, old, val) on a one-dimensional array's first
 * element. */
const NjType *nj_typer_atomic_cas(Call *c)
{
    bool indexed = c->arg == 0;
    unsigned n = 3 + indexed;
    if ((n == 4) != (arg(c, 3) != NULL) || (!indexed && arg(c, 0)->ndim != 1) ||
        !nj_type_conv(arg(c, n - 2), arg(c, n - 1)))
        return nj_infer_call_wrong(c);
    return atomic_elem(c, indexed ? c->args[1].ref : NJ_NOREF, arg(c, n - 1), NJ_RMW_AND);
}

/* -- bits and choice ----------------------------------------------------------------------------------------------- */

const NjType *nj_typer_bit(Call *c)
{
    if (!nj_type_is_int(arg(c, 0)))
        return nj_infer_call_wrong(c);
    return c->arg == NJ_BIT_BREV ? arg(c, 0) : i32_of(c);
}

const NjType *nj_typer_selp(Call *c)
{
    bool ok = nj_type_is_integral(arg(c, 0)) && nj_type_is_number(arg(c, 1)) && nj_type_is_number(arg(c, 2));
    return ok ? nj_type_unify(c->in->ts, arg(c, 1), arg(c, 2)) : nj_infer_call_wrong(c);
}

const NjType *nj_typer_fma(Call *c)
{
    NjRule rule = {0};
    bool ok = nj_rule_group(c->in->ts, NJ_RULE_MATH2, arg(c, 0), arg(c, 1), &rule) &&
              nj_rule_group(c->in->ts, NJ_RULE_MATH2, rule.result, arg(c, 2), &rule);
    return ok ? rule.result : nj_infer_call_wrong(c);
}
