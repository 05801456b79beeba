/* call.c - how functions of a unit call one another.
 *
 * A function that cannot raise and has one result part returns it. All others write their parts through trailing
 * pointers, to stack slots of the caller that inlining dissolves; one that may raise returns an i32 status (0, or 1 +
 * the row of unit->excs), and its caller leaves with the same status. Such a call splits the caller's block: bN becomes
 * bN, bN.1, ..., and phis name the last piece. On the CPU device every function has leading hidden parameters:
 * nj_emit_hidden.
 */
#include "emit/emit.h"

const char nj_emit_hidden[] =
    "ptr %ctx, i32 %sr0, i32 %sr1, i32 %sr2, i32 %sr3, i32 %sr4, i32 %sr5, i32 %sr6, i32 %sr7, i32 %sr8, i32 %sr9, "
    "i32 %sr10, i32 %sr11, ptr %shared, ptr %dynshared";

bool nj_emit_direct(const NjSpec *s) { return !s->core->may_raise && s->core->nrets == 1; }

static const NjSpec *callee(const NjVal *call) { return call->imm.callee->spec; }

static bool call_raises(const NjVal *v)
{
    return v->op == NJ_OP_call && callee(v)->core && callee(v)->core->may_raise;
}

/* -- who may raise ---------------------------------------------------------------------------- */

static bool fn_raises(const NjFn *f)
{
    for nj_each_blk(f, b)
        for nj_each_val(f, b, r)
            if (nj_val(f, r)->op == NJ_OP_raise || call_raises(nj_val(f, r)))
                return true;
    return false;
}

void nj_emit_fill_raises(NjUnit *u)
{
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t i = u->specs.n; i-- > 0;) {      /* callees come after their callers: mostly one round does */
            NjFn *f = u->specs.at[i]->core;
            if (f && !f->may_raise && fn_raises(f))
                changed = f->may_raise = true;
        }
    }
}

/* -- definitions ------------------------------------------------------------------------------ */

const char *nj_emit_ret(NjEmit *e, const NjSpec *s)
{
    if (s->core->may_raise)
        return "i32";
    return nj_emit_direct(s) ? nj_emit_type(e, s->core->rets[0]) : "void";
}

static void put_comma(NjEmit *e, bool *first)
{
    if (!*first)
        nj_text_str(e->t, ", ");
    *first = false;
}

void nj_emit_header(NjEmit *e, NjSpec *s, const char *attrs)
{
    const NjFn *f = s->core;
    bool first = true;
    nj_text_fmt(e->t, "\ndefine internal %s @%s(", nj_emit_ret(e, s), nj_emit_symbol(e, s->symbol));
    if (e->hooks->hidden_ctx) {
        put_comma(e, &first);
        nj_text_str(e->t, nj_emit_hidden);
    }
    for (uint32_t i = 0; i < f->nparams; i++) {
        put_comma(e, &first);
        nj_text_fmt(e->t, "%s %%p%u", nj_emit_type(e, nj_val(f, f->params[i])->type), (unsigned)i);
    }
    for (uint32_t i = 0; !nj_emit_direct(s) && i < f->nrets; i++) {
        put_comma(e, &first);
        nj_text_fmt(e->t, "%s %%r%u", nj_emit_ptr(e, nj_emit_memtype(e, f->rets[i]), 0), (unsigned)i);
    }
    nj_text_fmt(e->t, ")%s", attrs);
}

/* -- calls ------------------------------------------------------------------------------------ */

void nj_emit_outs(NjEmit *e)
{
    for nj_each_blk(e->f, b)
        for nj_each_val(e->f, b, r) {
            const NjVal *v = nj_val(e->f, r);
            if (v->op == NJ_OP_print)
                nj_emit_line(e, "%%print%u = alloca i64, i32 %u, align 8", (unsigned)r, nj_emit_print_nslots(v));
            if (v->op != NJ_OP_call || nj_emit_direct(callee(v)))
                continue;
            const NjFn *g = callee(v)->core;
            for (uint32_t i = 0; i < g->nrets; i++)
                nj_emit_line(e, "%%o%u.%u = alloca %s", (unsigned)r, (unsigned)i, nj_emit_memtype(e, g->rets[i]));
        }
}

static const char *call_args(NjEmit *e, NjRef r)
{
    const NjVal *v = nj_val(e->f, r);
    const NjFn *g = callee(v)->core;
    const char *args = e->hooks->hidden_ctx ? nj_emit_hidden : "", *sep = *args ? ", " : "";
    for (uint32_t i = 0; i < v->nargs; i++, sep = ", ")
        args = nj_arena_printf(e->arena, "%s%s%s", args, sep, nj_emit_tv(e, v->args[i]));
    for (uint32_t i = 0; !nj_emit_direct(callee(v)) && i < g->nrets; i++, sep = ", ")
        args = nj_arena_printf(e->arena, "%s%s%s %%o%u.%u", args, sep,
                               nj_emit_ptr(e, nj_emit_memtype(e, g->rets[i]), 0), (unsigned)r, (unsigned)i);
    return args;
}

void nj_emit_call(NjEmit *e, NjRef r)
{
    const NjVal *v = nj_val(e->f, r);
    const NjSpec *s = callee(v);
    const char *ret = nj_emit_ret(e, s), *sym = nj_emit_symbol(e, s->symbol), *args = call_args(e, r);
    if (!strcmp(ret, "void"))
        nj_emit_line(e, "call void @%s(%s)", sym, args);
    else
        nj_emit_line(e, "%%v%u = call %s @%s(%s)", (unsigned)r, ret, sym, args);
    if (!call_raises(v))
        return;
    const char *bad = nj_emit_tmp(e);
    unsigned b = e->blk, k = ++e->split;
    nj_emit_line(e, "%s = icmp ne i32 %%v%u, 0", bad, (unsigned)r);
    nj_emit_line(e, "br i1 %s, label %%b%u.raise%u, label %%b%u.%u", bad, b, k, b, k);
    nj_text_fmt(e->t, "b%u.raise%u:\n", b, k);
    nj_emit_line(e, "ret i32 %%v%u", (unsigned)r);
    nj_text_fmt(e->t, "b%u.%u:\n", b, k);
}

void nj_emit_result(NjEmit *e, NjRef r)
{
    const NjVal *v = nj_val(e->f, r), *call = nj_arg(e->f, v, 0);
    if (nj_emit_direct(callee(call)))
        return;
    const char *m = nj_emit_memtype(e, v->type), *p = nj_emit_ptr(e, m, 0);
    bool is_bool = nj_type_is(v->type, NJ_K_BOOL);
    const char *to = is_bool ? nj_emit_tmp(e) : nj_arena_printf(e->arena, "%%v%u", (unsigned)r);
    nj_emit_line(e, "%s = load %s, %s %%o%u.%lld", to, m, p, (unsigned)v->args[0], (long long)v->imm.i);
    if (is_bool)
        nj_emit_line(e, "%%v%u = icmp ne i8 %s, 0", (unsigned)r, to);
}

void nj_emit_fill_splits(NjEmit *e)
{
    e->splits = NJ_NEWN(e->arena, uint32_t, e->f->blks.n);
    for nj_each_blk(e->f, b)
        for nj_each_val(e->f, b, r)
            if (e->splits)
                e->splits[b] += call_raises(nj_val(e->f, r));
}

void nj_emit_label(NjEmit *e, NjText *t, NjBlkId b, bool exit)
{
    nj_text_fmt(t, "b%u", (unsigned)b);
    if (exit && e->splits && e->splits[b])
        nj_text_fmt(t, ".%u", (unsigned)e->splits[b]);
}

/* -- leaving ---------------------------------------------------------------------------------- */

void nj_emit_return(NjEmit *e, NjRef r)
{
    const NjVal *v = nj_val(e->f, r);
    if (nj_emit_direct(e->spec)) {
        nj_emit_line(e, "ret %s", nj_emit_tv(e, v->args[0]));
        return;
    }
    for (uint32_t i = 0; i < v->nargs; i++)
        nj_emit_store(e, nj_arg(e->f, v, i)->type, nj_emit_val(e, v->args[i]),
                      nj_arena_printf(e->arena, "%%r%u", (unsigned)i));
    nj_emit_line(e, e->f->may_raise ? "ret i32 0" : "ret void");
}

/* An index and its size are handed over beside the status, where there is a runtime to hand them to. */
void nj_emit_raise(NjEmit *e, NjRef r)
{
    const NjVal *v = nj_val(e->f, r);
    if (v->nargs == 2 && e->u->target->raises) {
        nj_emit_declare(e, "nj_rt_bounds", "void @nj_rt_bounds(i64, i64) nounwind cold");
        nj_emit_line(e, "call void @nj_rt_bounds(%s, %s)", nj_emit_tv(e, v->args[0]), nj_emit_tv(e, v->args[1]));
    }
    nj_emit_line(e, "ret i32 %lld", (long long)v->imm.i + 1);
}
