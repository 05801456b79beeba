/* fold.c - constants, identities, casts of casts; the facts are rows of fold.def.
 *
 * needs: nothing / keeps: cfg dom / breaks: use
 * One sweep, operands first as far as blocks are in order; a value that folds is replaced by an older value or a
 * constant. Results equal what the machine computes, bit for bit: integers wrap by width, floats round to their
 * type, no fast-math.
 */
#include "pass/pass.h"

#include <math.h>

typedef struct Fold { NjFn *f; NjRef *map; uint32_t n; } Fold;

/* -- operands ------------------------------------------------------------------------------------------------------ */

static unsigned width(const NjType *t) { return t && t->bits ? t->bits : 64; }

static uint64_t low_bits(uint64_t u, unsigned w) { return w < 64 ? u & (((uint64_t)1 << w) - 1) : u; }

static int64_t sign_bits(uint64_t u, unsigned w)
{
    uint64_t sign = (uint64_t)1 << (w - 1);
    return (int64_t)((low_bits(u, w) ^ sign) - sign);
}

static bool get_bits(const NjFn *f, NjRef r, uint64_t *out)
{
    int64_t i;
    const NjType *t = nj_val(f, r)->type;
    if (!nj_type_is_integral(t) || !nj_const_int(f, r, &i))
        return false;
    *out = low_bits((uint64_t)i, width(t));
    return true;
}

static bool get_float(const NjFn *f, NjRef r, double *out)
{
    const NjVal *v = nj_val(f, r);
    if (v->op != NJ_OP_const || !nj_type_is(v->type, NJ_K_FLOAT) || v->imm.k->kind != NJ_C_FLOAT)
        return false;
    *out = v->imm.k->f;
    return true;
}

/* -- two constants ------------------------------------------------------------------------------------------------- */

static NjRef fold_ints(NjFn *f, const NjVal *v)
{
    uint64_t ua, ub;
    if (v->nargs != 2 || !get_bits(f, v->args[0], &ua) || !get_bits(f, v->args[1], &ub))
        return NJ_NOREF;
    unsigned w = width(nj_arg(f, v, 0)->type);
    int64_t sa = sign_bits(ua, w), sb = sign_bits(ub, w);
    if (v->op == NJ_OP_icmp) {
        switch (v->sub) {
#define FOLD_ICMP(pred, value) case NJ_##pred: return nj_fn_int(f, v->type, (value));
#define FOLD_INT(op, when, value)
#define FOLD_FLOAT(op, value)
#define FOLD_FCMP(pred, value)
#define FOLD_SAME(op, right, result)
#define FOLD_CASTS(outer, inner, to)
#include "pass/fold.def"
#undef FOLD_ICMP
#undef FOLD_INT
        }
    }
    switch (v->op) {
#define FOLD_ICMP(pred, value)
#define FOLD_INT(op, when, value) case NJ_OP_##op: return (when) ? nj_fn_int(f, v->type, (int64_t)(value)) : NJ_NOREF;
#include "pass/fold.def"
#undef FOLD_INT
#undef FOLD_FLOAT
#undef FOLD_FCMP
    }
    return NJ_NOREF;
}

/* The NaN that an operation makes has no portable sign or payload: that is left to the machine. */
static NjRef float_or_not(NjFn *f, const NjType *t, double x)
{
    return isnan(x) ? NJ_NOREF : nj_fn_float(f, t, x);
}

static NjRef fold_floats(NjFn *f, const NjVal *v)
{
    double a, b;
    if (v->nargs != 2 || !get_float(f, v->args[0], &a) || !get_float(f, v->args[1], &b))
        return NJ_NOREF;
    if (v->op == NJ_OP_fcmp) {
        switch (v->sub) {
#define FOLD_INT(op, when, value)
#define FOLD_FLOAT(op, value)
#define FOLD_FCMP(pred, value) case NJ_##pred: return nj_fn_int(f, v->type, (value));
#include "pass/fold.def"
#undef FOLD_FCMP
#undef FOLD_FLOAT
        }
    }
    switch (v->op) {
#define FOLD_FCMP(pred, value)
#define FOLD_FLOAT(op, value) case NJ_OP_##op: return float_or_not(f, v->type, (value));
#include "pass/fold.def"
#undef FOLD_FLOAT
#undef FOLD_SAME
    }
    return NJ_NOREF;
}

/* -- casts of constants -------------------------------------------------------------------------------------------- */

/* As doubles the bounds of an integer type are exact, and one past the upper one as well. */
static bool fits(double x, const NjType *t)
{
    bool is_signed = t->kind == NJ_K_INT;
    double top = ldexp(1.0, (int)width(t) - is_signed), low = is_signed ? -top : 0.0;
    return x > low - 1.0 && (x >= low || t->bits < 64) && x < top;
}

static NjRef fold_from_int(NjFn *f, const NjVal *v, uint64_t u)
{
    unsigned w = width(nj_arg(f, v, 0)->type);
    int64_t s = sign_bits(u, w);
    bool f32 = v->type->bits == 32;
    switch (v->op) {
    case NJ_OP_trunc: case NJ_OP_zext: return nj_fn_int(f, v->type, (int64_t)u);
    case NJ_OP_sext: return nj_fn_int(f, v->type, s);
    case NJ_OP_sitofp: return nj_fn_float(f, v->type, f32 ? (double)(float)s : (double)s);    /* one rounding */
    case NJ_OP_uitofp: return nj_fn_float(f, v->type, f32 ? (double)(float)u : (double)u);
    case NJ_OP_bitcast: return nj_type_is_integral(v->type) ? nj_fn_int(f, v->type, (int64_t)u) : NJ_NOREF;
    default: return NJ_NOREF;
    }
}

static NjRef fold_from_float(NjFn *f, const NjVal *v, double x)
{
    switch (v->op) {
    case NJ_OP_fpext: case NJ_OP_fptrunc: return float_or_not(f, v->type, x);
    case NJ_OP_fneg: return float_or_not(f, v->type, -x);
    case NJ_OP_fptosi: case NJ_OP_fptoui:
        if (!fits(x, v->type))
            return NJ_NOREF;
        return nj_fn_int(f, v->type, v->type->kind == NJ_K_UINT ? (int64_t)(uint64_t)x : (int64_t)x);
    default: return NJ_NOREF;
    }
}

static NjRef fold_unary(NjFn *f, const NjVal *v)
{
    uint64_t u;
    double x;
    if (v->nargs != 1 || !v->type)
        return NJ_NOREF;
    if (get_bits(f, v->args[0], &u))
        return fold_from_int(f, v, u);
    return get_float(f, v->args[0], &x) ? fold_from_float(f, v, x) : NJ_NOREF;
}

/* -- identities ---------------------------------------------------------------------------------------------------- */

static bool same_is(const NjFn *f, const NjVal *v, char letter)
{
    uint64_t u;
    double x;
    NjRef r = v->args[1];
    switch (letter) {
    case 'x': return r == v->args[0];
    case '0': return get_bits(f, r, &u) && u == 0;
    case '1': return get_bits(f, r, &u) && u == 1;
    case 'm': return get_bits(f, r, &u) && u == low_bits(UINT64_MAX, width(v->type));
    case 'o': return get_float(f, r, &x) && x == 1.0;
    case 'n': return get_float(f, r, &x) && x == 0.0 && signbit(x);
    case 'z': return get_float(f, r, &x) && x == 0.0 && !signbit(x);
    default: return false;
    }
}

/* A value of the same bits but another sign would change the type that users see in messages: only the very type. */
static NjRef same_result(NjFn *f, const NjVal *v, char letter)
{
    switch (letter) {
    case 'x': return nj_arg(f, v, 0)->type == v->type ? v->args[0] : NJ_NOREF;
    case 'm': return nj_fn_int(f, v->type, -1);
    default: return nj_fn_int(f, v->type, letter - '0');
    }
}

static NjRef fold_same(NjFn *f, const NjVal *v)
{
    static const struct { uint16_t op; char right, result; } rows[] = {
#define FOLD_FLOAT(op, value)
#define FOLD_SAME(op, right, result) {NJ_OP_##op, right, result},
#include "pass/fold.def"
#undef FOLD_SAME
#undef FOLD_CASTS
    };
    for (size_t i = 0; v->nargs == 2 && i < NJ_COUNT(rows); i++)
        if (rows[i].op == v->op && same_is(f, v, rows[i].right))
            return same_result(f, v, rows[i].result);
    return NJ_NOREF;
}

/* Comparing an integer with itself. */
static NjRef fold_icmp_self(NjFn *f, const NjVal *v)
{
    bool equal = v->sub == NJ_EQ || v->sub == NJ_SLE || v->sub == NJ_SGE || v->sub == NJ_ULE || v->sub == NJ_UGE;
    return v->args[0] == v->args[1] ? nj_fn_int(f, v->type, equal) : NJ_NOREF;
}

static NjRef fold_select(NjFn *f, const NjVal *v)
{
    uint64_t cond;
    if (v->args[1] == v->args[2])
        return v->args[1];
    return get_bits(f, v->args[0], &cond) ? v->args[cond ? 1 : 2] : NJ_NOREF;
}

/* -- casts of casts ------------------------------------------------------------------------------------------------ */

/* Rewrites v in place to cast what is behind its operand. A cast to the type the value had comes to nothing. */
static NjRef fold_casts(NjFn *f, NjVal *v, bool *changed)
{
    static const struct { uint16_t outer, inner, to; } rows[] = {
#define FOLD_SAME(op, right, result)
#define FOLD_CASTS(outer, inner, to) {NJ_OP_##outer, NJ_OP_##inner, NJ_OP_##to},
#include "pass/fold.def"
    };
    const NjVal *u = nj_arg(f, v, 0);
    bool plain = v->op == NJ_OP_bitcast || v->op == NJ_OP_ptrcast;
    if (plain && u->type == v->type)
        return v->args[0];
    if (u->nargs != 1)
        return NJ_NOREF;
    const NjType *from = nj_arg(f, u, 0)->type;
    bool widened = v->op == NJ_OP_trunc && (u->op == NJ_OP_zext || u->op == NJ_OP_sext);
    bool undone = widened || (v->op == NJ_OP_fptrunc && u->op == NJ_OP_fpext);
    if (from == v->type && (undone || (plain && u->op == v->op)))
        return u->args[0];
    for (size_t i = 0; i < NJ_COUNT(rows); i++) {
        if (rows[i].outer != v->op || rows[i].inner != u->op)
            continue;
        v->op = rows[i].to;
        v->args[0] = u->args[0];
        *changed = true;
        break;
    }
    return NJ_NOREF;
}

/* -- the sweep ----------------------------------------------------------------------------------------------------- */

/* Constants go to the right of operations that commute, where fold.def looks for them. */
static void fold_turn(NjFn *f, NjVal *v)
{
    if (v->nargs != 2 || !nj_op_has(v->op, 'C'))
        return;
    if (nj_arg(f, v, 0)->op != NJ_OP_const || nj_arg(f, v, 1)->op == NJ_OP_const)
        return;
    NjRef a = v->args[0];
    v->args[0] = v->args[1];
    v->args[1] = a;
}

static NjRef fold_value(NjFn *f, NjVal *v, bool *changed)
{
    NjRef r = fold_ints(f, v);
    if (!r)
        r = fold_floats(f, v);
    if (!r)
        r = fold_unary(f, v);
    if (!r)
        r = fold_same(f, v);
    if (!r && v->op == NJ_OP_icmp)
        r = fold_icmp_self(f, v);
    if (!r && v->op == NJ_OP_select)
        r = fold_select(f, v);
    if (!r && v->nargs == 1)
        r = fold_casts(f, v, changed);
    return r;
}

static NjRef fold_find(const Fold *d, NjRef r)
{
    while (r < d->n && d->map[r])
        r = d->map[r];
    return r;
}

static bool fold_one(Fold *d, NjRef r)
{
    NjFn *f = d->f;
    NjVal v = *nj_val(f, r);          /* a copy: making a constant may move vals */
    bool changed = false;
    if (!nj_op_has(v.op, 'F'))
        return false;
    for (uint32_t i = 0; i < v.nargs; i++)
        v.args[i] = fold_find(d, v.args[i]);
    fold_turn(f, &v);
    NjRef with = fold_value(f, &v, &changed);
    nj_val(f, r)->op = v.op;
    if (with && with != r)
        d->map[r] = with;
    return changed || (with && with != r);
}

bool nj_pass_fold(NjFn *f)
{
    Fold d = {f, NULL, f->vals.n};
    d.map = NJ_NEWN(f->arena, NjRef, d.n);
    bool changed = false, replaced = false;
    if (!d.map)
        return false;
    for nj_each_blk(f, b)
        for nj_each_val(f, b, r)
            changed |= fold_one(&d, r);
    NjRef *map = changed ? NJ_NEWN(f->arena, NjRef, f->vals.n) : NULL;      /* with room for the constants made since */
    if (!map)
        return false;
    memcpy(map, d.map, d.n * sizeof *map);
    for (NjRef r = 1; r < d.n; r++)
        replaced |= map[r] != NJ_NOREF;
    if (replaced)
        nj_fn_replace_all(f, map);
    for (NjRef r = 1; r < d.n; r++)
        if (map[r])
            nj_val_unlink(f, r);
    return changed;
}
