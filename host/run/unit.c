/* unit.c - one compilation from Python code to LLVM text: who runs which stage, in which order.
 *
 * In: a function, argument types, a target. Out: the unit's `llvm`, or its diagnostics.
 *
 *     front (s) -> py passes -> infer, callees found on the way (t) -> lower each -> core passes (o) -> emit all (l)
 *
 * Everything lives in the unit's arena. A stage that fails ends the compilation; what is wrong is in u->diags.
 */
#include "run/unit.h"

#include <ctype.h>

#include "pass/pass.h"

/* -- lifetime ---------------------------------------------------------------------------------------------- */

NjCtx *nj_ctx_new(void)
{
    NjCtx *c = nj_calloc(1, sizeof *c);
    if (c && !(c->types = nj_types_new())) {
        nj_free(c);
        return NULL;
    }
    return c;
}

void nj_ctx_free(NjCtx *c)
{
    if (!c)
        return;
    nj_types_free(c->types);
    nj_free(c);
}

NjUnit *nj_unit_new(NjCtx *c, const NjTarget *target, const NjOpts *opts)
{
    NjUnit *u = nj_calloc(1, sizeof *u);
    NjArena *a = u ? nj_arena_new() : NULL;
    if (!a) {
        nj_free(u);
        return NULL;
    }
    u->ctx = c;
    u->target = target;
    u->arena = a;
    u->diags.arena = a;
    if (opts)
        u->opts = *opts;
    nj_text_init(&u->llvm);
    u->type_failures = nj_types_failures(c->types);
    return u;
}

void nj_unit_free(NjUnit *u)
{
    if (!u)
        return;
    nj_text_free(&u->llvm);
    nj_arena_free(u->arena);
    nj_free(u);
}

/* -- specialisations ------------------------------------------------------------------------------------------ */

/* "saxpy.1"; what an assembler would not take in a name is left out ("<lambda>"). */
static const char *symbol_of(NjUnit *u, const char *name)
{
    char *s = nj_arena_printf(u->arena, "%s.%u", name && *name ? name : "f", u->specs.n);
    char *to = s;
    for (const char *from = s; *from; from++)
        if (isalnum((unsigned char)*from) || *from == '_' || *from == '.')
            *to++ = *from;
    *to = 0;
    return s;
}

static bool same_types(const NjSpec *s, const NjType *const *args, uint32_t nargs)
{
    for (uint32_t i = 0; i < nargs; i++)
        if (s->args[i] != args[i])
            return false;
    return s->nargs == nargs;
}

NjSpec *nj_unit_spec(NjUnit *u, const NjCode *code, const NjType *const *args, uint32_t nargs, const NjType *ret)
{
    NjSpec *last = u->by_code ? nj_map_get(u->by_code, &code, sizeof code) : NULL;
    for (NjSpec *s = last; s; s = s->before)
        if (s->declared == ret && same_types(s, args, nargs))
            return s;
    NjSpec *s = NJ_NEW(u->arena, NjSpec);
    const NjType **copy = NJ_NEWN(u->arena, const NjType *, nargs + 1);
    if (!copy)
        return NULL;
    if (nargs)
        memcpy(copy, args, nargs * sizeof *copy);
    *s = (NjSpec){.unit = u,
                  .code = code,
                  .args = copy,
                  .nargs = nargs,
                  .declared = ret,
                  .before = last,
                  .symbol = symbol_of(u, code->name)};
    if (!u->by_code)
        u->by_code = nj_map_new(u->arena);
    bool kept = u->by_code && nj_map_put(u->by_code, &code, sizeof code, s) && nj_vec_push(u->arena, &u->specs, s);
    return kept ? s : NULL;
}

/* What tells one row from another; what it is raised with stands at the same place. Compared without the padding at its
 * end. */
typedef struct ExcKey { const void *part[5]; NjLoc loc; } ExcKey;
enum { EXC_KEY_SIZE = offsetof(ExcKey, loc) + sizeof(NjLoc) };

uint32_t nj_unit_exc(NjUnit *u, const NjExc *e)
{
    ExcKey key = {{e->exc, e->object, e->text, e->file, e->func}, e->loc};
    if (!u->exc_rows)
        u->exc_rows = nj_map_new(u->arena);
    uintptr_t row = u->exc_rows ? (uintptr_t)nj_map_get(u->exc_rows, &key, EXC_KEY_SIZE) : 0;
    if (row)
        return (uint32_t)row;
    if (!u->exc_rows || !nj_vec_push(u->arena, &u->excs, *e) ||
        !nj_map_put(u->exc_rows, &key, EXC_KEY_SIZE, (void *)(uintptr_t)u->excs.n))
        return 1;
    return u->excs.n;
}

/* -- stages ------------------------------------------------------------------------------------------------------- */

static void dump_fn(char letter, const char *stage, const NjFn *f)
{
    if (!nj_dump_on(letter, f->pyname ? f->pyname : f->name))
        return;
    NjText w;
    nj_text_init(&w);
    nj_ir_print(&w, f);
    nj_dump(letter, stage, f->name, "nj", w.at ? w.at : "");
    nj_text_free(&w);
}

bool nj_unit_front(NjSpec *s)
{
    NjUnit *u = s->unit;
    double start = nj_clock();
    s->py = nj_front_ssa(u->ctx->types, u->arena, &u->diags, s->code, s->symbol);
    u->took.at[NJ_STAGE_front] += nj_clock() - start;
    if (!s->py)
        return false;
    dump_fn('s', "ssa", s->py);
    return nj_pass_run_level(s->py, false) == NJ_OK;
}

/* A callee keeps its own error model and inlining; everything else is the root's. */
static void settle_opts(NjUnit *u)
{
    for (uint32_t i = 0; i < u->specs.n; i++) {
        NjSpec *s = u->specs.at[i];
        s->py->opts = u->opts;
        if (i == 0)
            continue;
        s->py->opts.error_model = s->code->opts.error_model;
        s->py->opts.inline_hint = s->code->opts.inline_hint;
    }
}

static NjStatus infer_root(NjUnit *u, const NjCode *code, const NjType *const *args, uint32_t nargs, const NjType *ret)
{
    double start = nj_clock(), front = u->took.at[NJ_STAGE_front];
    NjSpec *s = nj_unit_spec(u, code, args, nargs, ret);
    if (!s)
        return NJ_E_NOMEM;
    if (nj_front_variadic(code)) {
        nj_diag_add(&u->diags, NJ_ERR_NYI_VARARGS, code->file, code->name, (NjLoc){.line = code->first_line},
                    nj_front_variadic(code));
        return NJ_E_NYI;
    }
    if (nargs != code->nargs + code->nkwonly) {
        nj_diag_add(&u->diags, NJ_ERR_TYPE_NARGS, code->file, code->name, (NjLoc){.line = code->first_line}, code->name,
                    nj_arena_printf(u->arena, "%u argument%s", code->nargs + code->nkwonly,
                                    code->nargs + code->nkwonly == 1 ? "" : "s"), (int)nargs);
        return NJ_E_USER;
    }
    NjStatus st = nj_infer(s);
    u->took.at[NJ_STAGE_infer] += nj_clock() - start - (u->took.at[NJ_STAGE_front] - front);
    if (st)
        return st;
    settle_opts(u);
    for (uint32_t i = 0; i < u->specs.n && !st; i++) {
        dump_fn('t', "typed", u->specs.at[i]->py);
        st = nj_pass_check(u->specs.at[i]->py, "infer");
    }
    return st;
}

/* Memory ran out: what the stage left is not worth a look. */
static NjStatus whole(const NjUnit *u, NjStatus st)
{
    bool lost = nj_arena_failed(u->arena) || nj_types_failures(u->ctx->types) != u->type_failures;
    return st || !lost ? st : NJ_E_NOMEM;
}

static NjStatus lower_all(NjUnit *u)
{
    double start = nj_clock();
    NjStatus st = NJ_OK;
    for (uint32_t i = 0; i < u->specs.n && !st; i++) {
        NjSpec *s = u->specs.at[i];
        st = whole(u, nj_lower(s));
        if (!st)
            st = whole(u, nj_pass_run_level(s->core, true));
        if (!st)
            s->state = NJ_SPEC_LOWERED;
    }
    u->took.at[NJ_STAGE_lower] += nj_clock() - start;
    return st;
}

static NjStatus emit_all(NjUnit *u)
{
    double start = nj_clock();
    NjStatus st = nj_emit_unit(u);
    u->took.at[NJ_STAGE_emit] += nj_clock() - start;
    return st;
}

/* Programs that are only not supported yet are told from wrong ones, and both from our own defects. */
static NjStatus verdict(NjUnit *u, NjStatus st)
{
    if (nj_arena_failed(u->arena) || st == NJ_E_NOMEM)
        return NJ_E_NOMEM;
    bool wrong = false, nyi = false;
    for (uint32_t i = 0; i < u->diags.list.n; i++) {
        NjErrCode code = u->diags.list.at[i]->code;
        if (code == NJ_ERR_INTERNAL || code == NJ_ERR_CHECK || code == NJ_ERR_BAD_BYTECODE)
            return NJ_E_BUG;
        bool is_nyi = !strncmp(nj_err_name(code), "NYI_", 4);
        nyi |= is_nyi;
        wrong |= !is_nyi;
    }
    return wrong ? NJ_E_USER : nyi ? NJ_E_NYI : st;
}

NjStatus nj_unit_infer(NjUnit *u, const NjCode *code, const NjType *const *args, uint32_t nargs, const NjType *ret)
{
    return verdict(u, infer_root(u, code, args, nargs, ret));
}

NjStatus nj_unit_compile(NjUnit *u, NjRoot root, const NjCode *code, const NjType *const *args, uint32_t nargs,
                         const NjType *ret)
{
    u->root = root;
    NjStatus st = infer_root(u, code, args, nargs, ret);
    if (!st)
        st = lower_all(u);
    if (!st)
        st = emit_all(u);
    return verdict(u, st);
}

const char *const nj_stage_names[NJ_NSTAGES] = {
#define X(name) #name,
    NJ_STAGES(X)
#undef X
};

/* "key 0.05, front 0.02, ..." without the stages that did not take place; in milliseconds. */
static void put_stages(NjText *out, const NjTook *took)
{
    double all = 0;
    const char *comma = ": ";
    for (int i = 0; i < NJ_NSTAGES; i++)
        all += took->at[i];
    nj_text_fmt(out, "%.2f ms", all * 1e3);
    for (int i = 0; i < NJ_NSTAGES; i++)
        if (took->at[i] > 0) {
            nj_text_fmt(out, "%s%s %.2f", comma, nj_stage_names[i], took->at[i] * 1e3);
            comma = ", ";
        }
}

void nj_unit_log(const NjUnit *u, const char *what, const NjCode *code, const NjType *const *args, uint32_t nargs,
                 const NjTarget *target, NjTook *took)
{
    for (int i = NJ_STAGE_front; u && i <= NJ_STAGE_emit; i++)
        took->at[i] = u->took.at[i];
    if (nj_knobs()->log < 1)
        return;
    NjText t;
    nj_text_init(&t);
    for (uint32_t i = 0; i < nargs; i++)
        nj_text_fmt(&t, "%s%s", i ? ", " : "", args[i]->name);
    nj_text_fmt(&t, ") for %s in ", target->name);
    put_stages(&t, took);
    if (u)
        nj_text_fmt(&t, "; %u function%s", u->specs.n, u->specs.n == 1 ? "" : "s");
    nj_log(1, "%s %s(%s", what, code->name, t.failed ? "..." : t.at);
    nj_text_free(&t);
}
