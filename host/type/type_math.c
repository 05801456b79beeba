/* type_math.c - typers of math, cmath and of NumPy's functions on scalars. */
#include "type/infer.h"

static const NjType *arg(const Call *c, unsigned i) { return c->args[i].type; }
static const NjType *bool_of(Call *c) { return infer_scalar(c->in, NJ_T_BOOL); }
static bool is_real(const NjType *t) { return nj_type_is_number(t) && t->kind != NJ_K_COMPLEX; }

/* Is the function NumPy's? A row of math.def serves math's and NumPy's alike; the constant has the name it was found
 * by. */
static bool is_numpy(const Call *c) { return !strncmp(c->name, "numpy.", 6); }

/* What NumPy's loops make of an integer: float32 up to 16 bits (float16 is none of our types), else float64. */
static const NjType *loop_float(Call *c, const NjType *t)
{
    if (t->kind == NJ_K_FLOAT || t->kind == NJ_K_COMPLEX)
        return t;
    return infer_scalar(c->in, is_numpy(c) && t->bits <= 16 ? NJ_T_F32 : NJ_T_F64);
}

/* -- math.def ---------------------------------------------------------------------------------------------- */

static const uint8_t math_nargs[NJ_MATH_COUNT] = {
#define MATH(id, pyname, nargs, ...) [NJ_MATH_##id] = nargs,
#include "device-libs/math.def"
#undef MATH
};

static unsigned given(const Call *c)
{
    unsigned n = 0;
    while (n < c->nargs && c->args[n].ref)
        n++;
    return n;
}

/* NumPy's functions of a complex number are cmath's. */
static const NjType *complex_math(Call *c)
{
    static const struct { uint16_t math, cmath; } rows[] = {
        {NJ_MATH_SQRT, NJ_INTRIN_CM_SQRT}, {NJ_MATH_EXP, NJ_INTRIN_CM_EXP}, {NJ_MATH_LOG, NJ_INTRIN_CM_LOG},
        {NJ_MATH_SIN, NJ_INTRIN_CM_SIN}, {NJ_MATH_COS, NJ_INTRIN_CM_COS}, {NJ_MATH_TAN, NJ_INTRIN_CM_TAN},
        {NJ_MATH_SINH, NJ_INTRIN_CM_SINH}, {NJ_MATH_COSH, NJ_INTRIN_CM_COSH}, {NJ_MATH_TANH, NJ_INTRIN_CM_TANH},
        {NJ_MATH_ASIN, NJ_INTRIN_CM_ASIN}, {NJ_MATH_ACOS, NJ_INTRIN_CM_ACOS}, {NJ_MATH_ATAN, NJ_INTRIN_CM_ATAN},
        {NJ_MATH_ASINH, NJ_INTRIN_CM_ASINH}, {NJ_MATH_ACOSH, NJ_INTRIN_CM_ACOSH}, {NJ_MATH_ATANH, NJ_INTRIN_CM_ATANH},
        {NJ_MATH_LOG10, NJ_INTRIN_CM_LOG10}};
    for (size_t i = 0; is_numpy(c) && i < NJ_COUNT(rows); i++)
        if (rows[i].math == c->arg) {
            c->intrin = rows[i].cmath;
            return arg(c, 0);
        }
    return nj_infer_call_wrong(c);
}

/* math.log(x, base) is not a row: log(x) / log(base) is what to write. */
static const NjType *math_count(Call *c, unsigned want, unsigned n)
{
    infer_fail(c->in, c->r, NJ_ERR_TYPE_NARGS, c->name,
               nj_arena_printf(c->in->arena, "%u argument%s", want, want == 1 ? "" : "s"), (int)n);
    return NULL;
}

/* NumPy has loops of integers for some of the functions that are a float's in `math`. NULL: this one has none. */
static const NjType *integer_loop(Call *c)
{
    static const struct { uint16_t math, intrin; } rows[] = {
        {NJ_MATH_FLOOR, NJ_INTRIN_NP_POSITIVE}, {NJ_MATH_CEIL, NJ_INTRIN_NP_POSITIVE},
        {NJ_MATH_TRUNC, NJ_INTRIN_NP_POSITIVE}, {NJ_MATH_FMOD, NJ_INTRIN_NP_INT_FMOD},
        {NJ_MATH_FMIN, NJ_INTRIN_NP_MINIMUM},   {NJ_MATH_FMAX, NJ_INTRIN_NP_MAXIMUM}};
    const NjType *t = arg(c, 0);
    for (unsigned i = 0; t && i < math_nargs[c->arg]; i++)
        t = nj_type_is_integral(arg(c, i)) ? nj_type_unify(c->in->ts, t, arg(c, i)) : NULL;
    for (size_t i = 0; t && nj_type_is_integral(t) && i < NJ_COUNT(rows); i++)
        if (rows[i].math == c->arg) {
            c->intrin = rows[i].intrin;
            return t->kind == NJ_K_BOOL && c->intrin == NJ_INTRIN_NP_INT_FMOD ? infer_scalar(c->in, NJ_T_I8) : t;
        }
    return NULL;
}

const NjType *nj_typer_math(Call *c)
{
    unsigned n = given(c), want = math_nargs[c->arg];
    NjRule rule;
    const NjType *whole;
    if (n != want)
        return math_count(c, want, n);
    if (is_numpy(c) && (whole = integer_loop(c)))
        return whole;
    if (n == 1 && nj_type_is(arg(c, 0), NJ_K_COMPLEX))
        return complex_math(c);
    for (unsigned i = 0; i < n; i++)
        if (!is_real(arg(c, i)))
            return nj_infer_call_wrong(c);
    const NjType *t = loop_float(c, arg(c, 0));
    for (unsigned i = 1; i < n; i++) {
        if (is_numpy(c))
            t = nj_type_unify(c->in->ts, t, loop_float(c, arg(c, i)));
        else if (!nj_rule_group(c->in->ts, NJ_RULE_MATH2, i == 1 ? arg(c, 0) : t, arg(c, i), &rule))
            return nj_infer_call_wrong(c);
        else
            t = rule.result;
    }
    return t;
}

/* -- math without a row ----------------------------------------------------------------------------------------- */

const NjType *nj_typer_floor(Call *c)
{
    if (!is_real(arg(c, 0)))
        return nj_infer_call_wrong(c);
    bool simt = c->in->unit->target && c->in->unit->target->simt;
    NjScalar whole = arg(c, 0)->kind == NJ_K_UINT ? NJ_T_U64 : NJ_T_I64;
    return simt ? loop_float(c, arg(c, 0)) : infer_scalar(c->in, whole);
}

const NjType *nj_typer_isfp(Call *c)
{
    bool complex_too =
        c->intrin != NJ_INTRIN_ISNAN && c->intrin != NJ_INTRIN_ISINF && c->intrin != NJ_INTRIN_ISFINITE && c->arg != 3;
    return is_real(arg(c, 0)) || (complex_too && nj_type_is_number(arg(c, 0))) ? bool_of(c) : nj_infer_call_wrong(c);
}

const NjType *nj_typer_angle(Call *c) { return is_real(arg(c, 0)) ? loop_float(c, arg(c, 0)) : nj_infer_call_wrong(c); }

const NjType *nj_typer_gcd(Call *c)
{
    NjRule rule;
    if (!nj_type_is_integral(arg(c, 0)) || !nj_type_is_integral(arg(c, 1)))
        return nj_infer_call_wrong(c);
    return nj_rule_binop(c->in->ts, NJ_BIN_ADD, arg(c, 0), arg(c, 1), &rule) ? rule.result : nj_infer_call_wrong(c);
}

const NjType *nj_typer_ldexp(Call *c)
{
    return is_real(arg(c, 0)) && nj_type_is_integral(arg(c, 1)) ? loop_float(c, arg(c, 0)) : nj_infer_call_wrong(c);
}

const NjType *nj_typer_frexp(Call *c)
{
    if (!is_real(arg(c, 0)))
        return nj_infer_call_wrong(c);
    return nj_type_tuple(c->in->ts, (const NjType *[]){loop_float(c, arg(c, 0)), infer_scalar(c->in, NJ_T_I32)}, 2);
}

const NjType *nj_typer_modf(Call *c)
{
    return is_real(arg(c, 0)) ? nj_type_unituple(c->in->ts, loop_float(c, arg(c, 0)), 2) : nj_infer_call_wrong(c);
}

/* -- complex ------------------------------------------------------------------------------------------------------- */

static const NjType *complex_of(Call *c, const NjType *t)
{
    if (t->kind == NJ_K_COMPLEX)
        return t;
    return nj_type_complex(c->in->ts, t->kind == NJ_K_FLOAT ? t->bits * 2u : 128);
}

const NjType *nj_typer_cmath(Call *c)
{
    return nj_type_is_number(arg(c, 0)) ? complex_of(c, arg(c, 0)) : nj_infer_call_wrong(c);
}

const NjType *nj_typer_phase(Call *c)
{
    const NjType *t = nj_typer_cmath(c);
    return t ? nj_type_float(c->in->ts, t->bits / 2) : NULL;
}

const NjType *nj_typer_polar(Call *c)
{
    const NjType *t = nj_typer_phase(c);
    return t ? nj_type_unituple(c->in->ts, t, 2) : NULL;
}

const NjType *nj_typer_rect(Call *c)
{
    NjRule rule;
    if (!nj_rule_group(c->in->ts, NJ_RULE_MATH2, arg(c, 0), arg(c, 1), &rule))
        return nj_infer_call_wrong(c);
    return complex_of(c, rule.result);
}

const NjType *nj_typer_conj(Call *c) { return nj_type_is_number(arg(c, 0)) ? arg(c, 0) : nj_infer_call_wrong(c); }

/* -- NumPy's ufuncs ------------------------------------------------------------------------------------------------ */

/* Operators that NumPy has no loop of bools for compute in int8. */
static const NjType *np_common(Call *c)
{
    const NjType *t = nj_type_is_number(arg(c, 0)) && nj_type_is_number(arg(c, 1))
                    ? nj_type_unify(c->in->ts, arg(c, 0), arg(c, 1)) : NULL;
    bool has_bool_loop = c->arg == NJ_BIN_ADD || c->arg == NJ_BIN_MUL || c->arg == NJ_BIN_AND || c->arg == NJ_BIN_OR ||
                         c->arg == NJ_BIN_XOR;
    return t && t->kind == NJ_K_BOOL && !has_bool_loop ? infer_scalar(c->in, NJ_T_I8) : t;
}

static const NjType *np_result(Call *c, const NjType *t)
{
    switch (c->arg) {
    case NJ_BIN_TRUEDIV:
        return nj_type_is_integral(t) ? infer_scalar(c->in, t->bits <= 8 ? NJ_T_F32 : NJ_T_F64) : t;
    case NJ_BIN_FLOORDIV: case NJ_BIN_MOD:
        return t->kind == NJ_K_COMPLEX ? NULL : t;
    case NJ_BIN_LSHIFT: case NJ_BIN_RSHIFT: case NJ_BIN_AND: case NJ_BIN_OR: case NJ_BIN_XOR:
        return nj_type_is_integral(t) ? t : NULL;
    default:
        return t;
    }
}

const NjType *nj_typer_np_binop(Call *c)
{
    const NjType *t = np_common(c), *result = t ? np_result(c, t) : NULL;
    if (!result || (c->arg == NJ_BIN_SUB && arg(c, 0)->kind == NJ_K_BOOL && arg(c, 1)->kind == NJ_K_BOOL))
        return nj_infer_call_wrong(c);
    return result;
}

const NjType *nj_typer_np_cmp(Call *c)
{
    NjRule rule;
    return nj_rule_cmp(c->in->ts, (NjCmp)c->arg, arg(c, 0), arg(c, 1), &rule) ? bool_of(c) : nj_infer_call_wrong(c);
}

const NjType *nj_typer_np_logical(Call *c)
{
    return nj_type_is_number(arg(c, 0)) && nj_type_is_number(arg(c, 1)) ? bool_of(c) : nj_infer_call_wrong(c);
}

const NjType *nj_typer_np_unop(Call *c)
{
    const NjType *t = arg(c, 0);
    if (!nj_type_is_number(t) || (c->arg == NJ_UN_INVERT && !nj_type_is_integral(t)) ||
        (t->kind == NJ_K_BOOL && (c->arg == NJ_UN_NEG || c->arg == NJ_UN_POS)))
        return nj_infer_call_wrong(c);
    return c->arg == NJ_UN_NOT ? bool_of(c) : t;
}

const NjType *nj_typer_np_abs(Call *c)
{
    const NjType *t = arg(c, 0);
    if (!nj_type_is_number(t))
        return nj_infer_call_wrong(c);
    return t->kind == NJ_K_COMPLEX ? nj_type_float(c->in->ts, t->bits / 2) : t;
}

const NjType *nj_typer_np_part(Call *c) { return nj_typer_np_abs(c); }

const NjType *nj_typer_np_round(Call *c)
{
    const NjType *t = arg(c, 0), *decimals = arg(c, 1);
    bool plain = t->kind == NJ_K_FLOAT || nj_type_is_int(t);
    return plain && (!decimals || nj_type_is_int(decimals)) ? t : nj_infer_call_wrong(c);
}

const NjType *nj_typer_np_same(Call *c)
{
    const NjType *t = arg(c, 0);
    bool complex_too = c->intrin == NJ_INTRIN_NP_SQUARE;
    if (!nj_type_is_number(t) || (t->kind == NJ_K_COMPLEX && !complex_too))
        return nj_infer_call_wrong(c);
    return t->kind == NJ_K_BOOL ? infer_scalar(c->in, NJ_T_I8) : t;
}

const NjType *nj_typer_np_minmax(Call *c)
{
    if (!is_real(arg(c, 0)) || !is_real(arg(c, 1)))
        return nj_infer_call_wrong(c);
    return nj_type_unify(c->in->ts, arg(c, 0), arg(c, 1));
}
