/* pipeline.c - the pipeline, drawn once, and the runner of passes.
 *
 *     NjCode                a Python function as plain data (python/ext fills it, the GIL held)
 *       | front/decode.c      bytecode of any version -> the normalised one                      dump b
 *       | front/cfg.c         basic blocks                                                       dump c
 *       | front/ssa.c         abstract stack -> SSA, Python operations, no types                 dump s
 *     NjFn, level py
 *       | passes `py`         prune trivphi                                                      dump o
 *       | type/infer.c        one type for every value, callees included                         dump t
 *     NjFn, level py, typed
 *       | lower/              ranges, arrays, bounds, exceptions, calls -> machine operations
 *     NjFn, level core
 *       | passes `core`       prune trivphi fold dce latch                                       dump o
 *       | emit/               LLVM text, one module for the unit                                 dump l
 *     text -> cuda/ or cpu/   LLVM does the rest: inlining, loops, vectors, registers            dump p
 *
 * Glossary. py: operations mean what Python means. core: bools, integers, floats, pointers. part: one of the
 * scalars that a Python value becomes (type.h, nj_type_parts). spec: a function for one tuple of argument types.
 * unit: a root spec with all it calls. dead: a block that cannot be reached. pred: a predecessor, by position in
 * blk.preds. trivial phi: one that has the same value from everywhere.
 *
 * The runner owns the ceremony: NAJA_SKIP and NAJA_STOP, the needs of a row, the clock, the verifier as NAJA_CHECK
 * asks, the dump when something changed. A pass does its one job.
 */
#include "pass/pass.h"


const NjPassInfo nj_passes[] = {
#define PASS(name, level, needs, doc) {#name, nj_pass_##name, NJ_LEVEL_##level, needs, doc},
#include "pass/passes.def"
#undef PASS
    {0},
};

/* Is name in the comma-separated list? */
static bool in_list(const char *list, const char *name)
{
    size_t n = strlen(name);
    for (const char *s = list; s && *s; s += *s == ',') {
        size_t k = strcspn(s, ",");
        if (k == n && !memcmp(s, name, n))
            return true;
        s += k;
    }
    return false;
}

/* -- the verifier -------------------------------------------------------------------------------------------------- */

/* The text of f, parsed and printed again, must be the text of f. */
static bool reads_back(const NjFn *f, const NjText *text, NjText *complaint)
{
    NjArena *a = nj_arena_new();
    if (!a)
        return true;
    NjDiags diags = {.arena = a};
    NjFn **fns;
    uint32_t n;
    NjText again;
    nj_text_init(&again);
    NjStatus st = nj_ir_parse(f->types, a, &diags, text->at, text->n, &fns, &n);
    bool ok = st == NJ_E_NOMEM;
    if (st == NJ_OK && n == 1) {
        nj_ir_print(&again, fns[0]);
        ok = again.failed || (again.n == text->n && !memcmp(again.at, text->at, text->n));
    }
    if (!ok) {
        nj_text_str(complaint, "the text does not read back as it was\n");
        nj_diag_render(&diags, complaint, NULL, NULL);
        nj_text_put(complaint, text->at, text->n);
        nj_text_put(complaint, again.at, again.n);
    }
    nj_text_free(&again);
    nj_arena_free(a);
    return ok;
}

NjStatus nj_pass_check(NjFn *f, const char *after)
{
    long level = nj_knobs()->check;
    if (nj_arena_failed(f->arena))
        return NJ_E_NOMEM;
    if (level < 1)
        return NJ_OK;
    NjText complaint, text;
    nj_text_init(&complaint);
    nj_text_init(&text);
    bool ok = nj_ir_check(f, &complaint);
    if (ok && level > 1) {
        nj_ir_print(&text, f);
        ok = text.failed || reads_back(f, &text, &complaint);
    }
    if (!ok)
        nj_bug(f->diags, after, complaint.at, "@%s is not well formed after %s", f->name, after);
    nj_text_free(&text);
    nj_text_free(&complaint);
    return ok ? NJ_OK : NJ_E_BUG;
}

/* -- running ------------------------------------------------------------------------------------------------------- */

static void dump_after(NjFn *f, const NjPassInfo *p)
{
    if (!nj_dump_on('o', f->pyname ? f->pyname : f->name))
        return;
    NjText t;
    nj_text_init(&t);
    nj_ir_print(&t, f);
    if (!t.failed)
        nj_dump('o', p->name, f->pyname ? f->pyname : f->name, "nj", t.at);
    nj_text_free(&t);
}

static NjStatus run_one(NjFn *f, const NjPassInfo *p)
{
    if (in_list(nj_knobs()->skip, p->name))
        return NJ_OK;
    if (in_list(p->needs, "dom"))
        nj_fill_dom(f);
    double start = nj_clock();
    bool changed = p->run(f);
    nj_log(4, "pass %s on %s: %.3f ms%s", p->name, f->name, (nj_clock() - start) * 1e3, changed ? "" : ", no change");
    NjStatus st = nj_pass_check(f, p->name);
    if (!st && changed)
        dump_after(f, p);
    return st;
}

NjStatus nj_pass_run(NjFn *f, const char *name)
{
    for (const NjPassInfo *p = nj_passes; p->name; p++)
        if (!strcmp(p->name, name))
            return run_one(f, p);
    return NJ_E_ENV;
}

/* NAJA_STOP names a pass of one level or of both; stopping at the Python level leaves no passes for the core level. */
NjStatus nj_pass_run_level(NjFn *f, bool core)
{
    const char *stop = nj_knobs()->stop;
    for (const NjPassInfo *p = nj_passes; core && stop && p->name; p++)
        if (p->level == NJ_LEVEL_py && !strcmp(p->name, stop))
            return NJ_OK;
    for (const NjPassInfo *p = nj_passes; p->name; p++) {
        if (!(p->level & (core ? NJ_LEVEL_core : NJ_LEVEL_py)))
            continue;
        NjStatus st = run_one(f, p);
        if (st || (stop && !strcmp(p->name, stop)))
            return st;
    }
    return NJ_OK;
}
