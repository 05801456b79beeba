/* type_builtin.c - typers of Python's builtins. */
#include "type/infer.h"

static const NjType *i64_of(Call *c) { return infer_scalar(c->in, NJ_T_I64); }
static const NjType *arg(const Call *c, unsigned i) { return i < c->nargs ? c->args[i].type : NULL; }
static const NjType *none_of(Call *c) { return nj_type_none(c->in->ts); }

const NjType *nj_typer_len(Call *c)
{
    const NjType *t = arg(c, 0);
    bool ok = (t->kind == NJ_K_ARRAY && t->ndim) || t->kind == NJ_K_TUPLE || t->kind == NJ_K_RANGE;
    return ok ? i64_of(c) : nj_infer_call_wrong(c);
}

/* What `to` costs an argument of range. A literal fits int64 at once and uint64 when it is not negative. */
static unsigned range_cost(const Call *c, unsigned i, NjScalar to)
{
    static const unsigned costs[] = {[NJ_CONV_NONE] = 1u << 20, [NJ_CONV_EXACT] = 0, [NJ_CONV_PROMOTE] = 1,
                                     [NJ_CONV_SAFE] = 1u << 8, [NJ_CONV_UNSAFE] = 1u << 16};
    int64_t known;
    if (to == NJ_T_U64 && arg(c, i)->bits == 64 && nj_infer_known_int(c->in, c->args[i].ref, &known) && known >= 0)
        return costs[NJ_CONV_SAFE] + 1;
    return costs[nj_scalar_conv(nj_type_scalar_of(arg(c, i)), to)];
}

/* range(int32) yields int32, range(uint64) uint64, everything else int64: the conversion that costs least. */
const NjType *nj_typer_range(Call *c)
{
    static const NjScalar yields[] = {NJ_T_I32, NJ_T_I64, NJ_T_U64};
    NjScalar best = NJ_T_I64;
    unsigned best_cost = UINT32_MAX;
    for (unsigned i = 0; i < c->nargs; i++)
        if (arg(c, i) && !nj_type_is_integral(arg(c, i)))
            return nj_infer_call_wrong(c);
    for (unsigned k = 0; k < NJ_COUNT(yields); k++) {
        unsigned cost = 0;
        for (unsigned i = 0; i < c->nargs; i++)
            cost += arg(c, i) ? range_cost(c, i, yields[k]) : 0;
        if (cost < best_cost) {
            best_cost = cost;
            best = yields[k];
        }
    }
    return nj_type_range(c->in->ts, infer_scalar(c->in, best));
}

const NjType *nj_typer_enumerate(Call *c)
{
    if (!nj_infer_elem(c->in->ts, arg(c, 0)) || (arg(c, 1) && !nj_type_is_int(arg(c, 1))))
        return nj_infer_call_wrong(c);
    return nj_type_enumerate(c->in->ts, arg(c, 0));
}

const NjType *nj_typer_zip(Call *c)
{
    const NjType **over = NJ_NEWN(c->in->arena, const NjType *, c->nargs + 1);
    for (unsigned i = 0; i < c->nargs; i++) {
        over[i] = arg(c, i);
        if (!nj_infer_elem(c->in->ts, over[i]))
            return nj_infer_call_wrong(c);
    }
    return nj_type_zip(c->in->ts, over, c->nargs);
}

const NjType *nj_typer_abs(Call *c)
{
    const NjType *t = arg(c, 0);
    if (!nj_type_is_number(t))
        return nj_infer_call_wrong(c);
    if (t->kind == NJ_K_COMPLEX)
        return nj_type_float(c->in->ts, t->bits / 2);
    return t->kind == NJ_K_BOOL ? infer_scalar(c->in, NJ_T_I8) : t;
}

static bool is_ordered(const NjType *t) { return nj_type_is_number(t) && t->kind != NJ_K_COMPLEX; }

const NjType *nj_typer_minmax(Call *c)
{
    const NjType *all = arg(c, 0), *t = NULL;
    bool one = c->nargs == 1;
    unsigned n = one ? all->nelem : c->nargs;
    if (n == 0 || (one && all->kind != NJ_K_TUPLE))
        return nj_infer_call_wrong(c);
    for (unsigned i = 0; i < n; i++) {
        const NjType *a = one ? all->elems[i] : arg(c, i);
        if (!is_ordered(a))
            return nj_infer_call_wrong(c);
        t = t ? nj_type_unify(c->in->ts, t, a) : a;
    }
    return t;
}

const NjType *nj_typer_round(Call *c)
{
    const NjType *t = arg(c, 0), *digits = arg(c, 1);
    if (!is_ordered(t) || (digits && !nj_type_is_integral(digits) && digits->kind != NJ_K_NONE))
        return nj_infer_call_wrong(c);
    return digits && digits->kind != NJ_K_NONE ? t->kind == NJ_K_FLOAT ? t : i64_of(c) : i64_of(c);
}

const NjType *nj_typer_pow(Call *c)
{
    NjRule rule;
    return nj_rule_binop(c->in->ts, NJ_BIN_POW, arg(c, 0), arg(c, 1), &rule) ? rule.result : nj_infer_call_wrong(c);
}

const NjType *nj_typer_divmod(Call *c)
{
    NjRule rule;
    if (!nj_rule_group(c->in->ts, NJ_RULE_DIVMOD, arg(c, 0), arg(c, 1), &rule))
        return nj_infer_call_wrong(c);
    return nj_type_unituple(c->in->ts, rule.result, 2);
}

static bool printable(const NjType *t)
{
    if (t->kind != NJ_K_TUPLE)
        return nj_type_is_number(t) || t->kind == NJ_K_STR || t->kind == NJ_K_NONE;
    for (uint32_t i = 0; i < t->nelem; i++)
        if (!printable(t->elems[i]))
            return false;
    return true;
}

const NjType *nj_typer_print(Call *c)
{
    for (unsigned i = 0; i < c->nargs; i++)
        if (!printable(arg(c, i))) {
            infer_fail(c->in, c->r, NJ_ERR_NYI_TYPED, nj_arena_printf(c->in->arena, "printing %s", arg(c, i)->name));
            return NULL;
        }
    return none_of(c);
}

/* sum of a tuple: the type that + gives, from 0 on. */
const NjType *nj_typer_sum(Call *c)
{
    const NjType *over = arg(c, 0), *t = arg(c, 1) ? arg(c, 1) : i64_of(c);
    NjRule rule;
    if (over->kind != NJ_K_TUPLE)
        return nj_infer_call_wrong(c);
    for (uint32_t i = 0; i < over->nelem; i++) {
        if (!nj_rule_binop(c->in->ts, NJ_BIN_ADD, t, over->elems[i], &rule))
            return nj_infer_call_wrong(c);
        t = rule.result;
    }
    return t;
}

const NjType *nj_typer_slice(Call *c)
{
    for (unsigned i = 0; i < c->nargs; i++)
        if (arg(c, i) && !nj_type_is_int(arg(c, i)) && arg(c, i)->kind != NJ_K_NONE)
            return nj_infer_call_wrong(c);
    return nj_type_slice(c->in->ts);
}

const NjType *nj_typer_tuple(Call *c)
{
    const NjType *t = arg(c, 0);
    return t->kind == NJ_K_TUPLE ? nj_type_tuple(c->in->ts, t->elems, t->nelem) : nj_infer_call_wrong(c);
}
