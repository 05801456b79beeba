/* call.c - py.call: of a function of the unit, of a type, of an intrinsic.
 *
 * Inference has bound the arguments. A function's arguments are converted to its parameters' types and passed in parts;
 * its result comes back in parts. An intrinsic goes to the lowerer that its row of intrin.def names.
 */
#include "lower/lower.h"

static const struct { NjLowerer *fn; int arg; } rows[NJ_INTRIN_COUNT] = {
#define INTRIN(id, name, typer, lowerer, arg) [NJ_INTRIN_##id] = {nj_lower_##lowerer, arg},
#include "front/intrin.def"
#undef INTRIN
#define MATH(id, pyname, nargs, llvm, libm, libmf, vec, nv, nvf, fast, ulp, doc)                                       \
    [NJ_INTRIN_MATH_##id] = {nj_lower_math, NJ_MATH_##id},
#include "device-libs/math.def"
#undef MATH
};

NjArgs nj_low_args(const NjLow *l, NjRef r)
{
    const NjVal *v = nj_val(l->py, r);
    const NjCallee *q = v->imm.callee;
    if (q && q->bound) {
        uint32_t n = q->nbound;
        while (n && !q->bound[n - 1])
            n--;
        return (NjArgs){r, q->bound, n, v->type};
    }
    return (NjArgs){r, v->args + 1, v->nargs - 1, v->type};
}

static void call_spec(NjLow *l, NjRef r, NjCallee *q)
{
    const NjSpec *s = q->spec;
    unsigned n = 0, room = 0;
    for (uint32_t i = 0; i < s->nargs; i++)
        room += nj_low_nparts(l, s->args[i]);
    NjRef *args = NJ_NEWN(l->arena, NjRef, room + 1);
    for (uint32_t i = 0; args && i < q->nbound && i < s->nargs; i++) {
        NjParts x = nj_low_cast(l, nj_low_get(l, q->bound[i]), s->args[i]);
        memcpy(args + n, x.at, x.n * sizeof *args);
        n += x.n;
    }
    NjRef call = nj_emit(&l->at, NJ_OP_call, 0, NULL, n, args);
    NjCallee *core = NJ_NEW(l->arena, NjCallee);
    core->spec = q->spec;
    nj_val(l->f, call)->imm.callee = core;
    NjParts out = nj_low_parts(l, s->py->ret);
    const NjType **types = NJ_NEWN(l->arena, const NjType *, out.n + 1);
    nj_type_parts(l->ts, s->py->ret, l->u->target->abi, types, out.n);
    for (unsigned i = 0; i < out.n; i++) {
        out.at[i] = nj_emit1(&l->at, NJ_OP_result, types[i], call);
        nj_val(l->f, out.at[i])->imm.i = i;
    }
    nj_low_set(l, r, out);
}

/* float(x), np.int32(x), complex(a, b) */
static void call_cast(NjLow *l, NjRef r)
{
    NjArgs a = nj_low_args(l, r);
    const NjType *t = nj_low_type(l, r);
    if (!nj_low_has(&a, 0)) {
        nj_low_set(l, r, nj_low_zeros(l, t));
        return;
    }
    NjParts x = nj_low_get(l, a.at[0]);
    if (t->kind == NJ_K_BOOL)
        x = nj_low_scalar(l, t, nj_low_truth(l, x));
    x = nj_low_cast(l, x, t);
    if (t->kind == NJ_K_COMPLEX && nj_low_has(&a, 1)) {        /* x + y * 1j */
        NjParts y = nj_low_cast(l, nj_low_get(l, a.at[1]), t), sum = nj_low_parts(l, t);
        bool plain = nj_low_type(l, a.at[0])->kind != NJ_K_COMPLEX && nj_low_type(l, a.at[1])->kind != NJ_K_COMPLEX;
        sum.at[0] = plain ? x.at[0] : nj_low_fl(l, NJ_OP_fsub, x.at[0], y.at[1]);
        sum.at[1] = plain ? y.at[0] : nj_low_fl(l, NJ_OP_fadd, x.at[1], y.at[0]);
        x = sum;
    }
    nj_low_set(l, r, x);
}

void nj_low_call(NjLow *l, NjRef r)
{
    NjCallee *q = nj_val(l->py, r)->imm.callee;
    const NjConst *fn = nj_low_static(l, nj_val(l->py, r)->args[0]);
    if (q && q->spec) {
        call_spec(l, r, q);
    } else if (q && q->cast && nj_low_type(l, r)->kind == NJ_K_TUPLE) {      /* a named one */
        nj_low_set(l, r, nj_low_pack(l, nj_low_args(l, r).at, nj_low_type(l, r)));
    } else if (q && q->cast) {
        call_cast(l, r);
    } else if (q && q->intrin && q->intrin < NJ_INTRIN_COUNT && rows[q->intrin].fn) {
        NjArgs a = nj_low_args(l, r);
        nj_low_set(l, r, rows[q->intrin].fn(l, &a, rows[q->intrin].arg));
    } else if (!fn || fn->kind != NJ_C_EXC) {      /* an exception is made where it is raised */
        nj_low_nyi(l, "this call");
    }
}
