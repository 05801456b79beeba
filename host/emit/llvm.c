/* llvm.c - a unit's core functions -> one LLVM module as text.
 *
 * In: every spec of the unit lowered. Out: u->llvm and u->entry. Functions of the unit are internal; the root's entry,
 * in the shape that u->root asks for, is the only symbol outside. Dump letter l.
 */
#include "emit/emit.h"

static void emit_start(NjEmit *e, NjUnit *u)
{
    e->u = u;
    e->tg = u->target;
    e->hooks = u->target->emit;
    e->arena = u->arena;
    e->t = &u->llvm;
    e->typed = u->target->typed_pointers;
    e->declared = nj_map_new(u->arena);
    e->access = "";
    nj_text_init(&e->globals);
    nj_text_init(&e->used);
    nj_text_init(&e->meta);
    nj_text_init(&e->annotations);
}

/* LLVM's words for NjOpts.fast_flags. All of them together are `fast`. */
static void fill_fast(NjEmit *e, const NjOpts *o)
{
    static const char *const words[] = {"nnan", "ninf", "nsz", "arcp", "contract", "afn", "reassoc"};
    e->fast[0] = 0;
    if (o->fastmath || o->fast_flags == NJ_FAST_ALL) {
        strcpy(e->fast, "fast ");
        return;
    }
    for (unsigned i = 0; i < NJ_COUNT(words); i++)
        if (o->fast_flags >> i & 1)
            strcat(strcat(e->fast, words[i]), " ");
}

/* What the entry's shape depends on: may its functions raise, is there a barrier in any? */
static void fill_facts(NjUnit *u)
{
    nj_emit_fill_raises(u);
    for (uint32_t i = 0; i < u->specs.n; i++)
        if (u->specs.at[i]->core)
            u->has_barrier |= u->specs.at[i]->core->has_barrier;
}

/* -- one function ----------------------------------------------------------------------------- */

static void emit_block(NjEmit *e, NjBlkId b)
{
    e->blk = b;
    e->split = 0;
    nj_text_fmt(e->t, "b%u:\n", (unsigned)b);
    if (b == 0)
        nj_emit_outs(e);
    for nj_each_val(e->f, b, r) {
        e->loc = nj_val(e->f, r)->loc;
        nj_emit_op(e, r);
    }
}

/* The root is inlined into its entry. Device functions are, too, as GPU compilers do it: on the CPU device the loop
 * over threads cannot be vectorised around a call. Others as LLVM chooses, unless the user asked. */
static const char *inline_attr(const NjEmit *e, const NjSpec *s)
{
    if (s == e->u->specs.at[0])
        return " alwaysinline";
    switch (s->core->opts.inline_hint) {
    case 1: return " alwaysinline";
    case 2: return " noinline";
    default: return e->hooks->hidden_ctx ? " alwaysinline" : e->tg->simt ? " inlinehint" : "";
    }
}

/* On a GPU a call must not move into a branch until LLVM has seen that no barrier is behind it. Native code never
 * throws, but debuggers, profilers and other people's signal handlers walk through it: that takes unwind tables, and
 * perf, which cannot read those in memory, takes frame pointers. */
const char *nj_emit_fn_attrs(const NjEmit *e)
{
    if (e->hooks->spaces)
        return " nounwind convergent";
    return nj_knobs()->perf ? " nounwind uwtable \"frame-pointer\"=\"all\"" : " nounwind uwtable";
}

static void emit_function(NjEmit *e, NjSpec *s)
{
    e->spec = s;
    e->f = s->core;
    e->ntmp = 0;
    e->subprogram = 0;
    fill_fast(e, &s->core->opts);
    nj_emit_fill_splits(e);
    if (e->u->opts.lineinfo || e->u->opts.debug)
        nj_emit_debug_fn(e, s, nj_emit_symbol(e, s->symbol));
    nj_emit_header(e, s, nj_arena_printf(e->arena, "%s%s", nj_emit_fn_attrs(e), inline_attr(e, s)));
    if (e->subprogram)
        nj_text_fmt(e->t, " !dbg !%u", (unsigned)e->subprogram - 1);
    nj_text_str(e->t, " {\n");
    for nj_each_blk(e->f, b)
        emit_block(e, b);
    nj_text_str(e->t, "}\n");
    e->subprogram = 0;
}

/* -- the module ------------------------------------------------------------------------------- */

static void emit_entry(NjEmit *e, NjSpec *root)
{
    e->spec = root;
    e->f = root->core;
    e->ntmp = 0;
    switch (e->u->root) {
    case NJ_ROOT_FUNC:   nj_emit_entry_func(e, root); break;
    case NJ_ROOT_KERNEL: e->hooks->entry(e, root); break;
    case NJ_ROOT_DEVICE: nj_emit_entry_device(e, root); break;
    case NJ_ROOT_UFUNC:  nj_emit_entry_ufunc(e, root); break;
    }
    nj_text_str(e->t, "}\n");
    e->subprogram = 0;
}

static void emit_head(NjEmit *e)
{
    if (e->tg->layout)
        nj_text_fmt(e->t, "target datalayout = \"%s\"\n", e->tg->layout);
    if (e->tg->triple)
        nj_text_fmt(e->t, "target triple = \"%s\"\n", e->tg->triple);
}

static NjStatus emit_end(NjEmit *e)
{
    if (e->hooks->module)
        e->hooks->module(e);
    nj_text_char(e->t, '\n');
    if (e->globals.n)
        nj_text_put(e->t, e->globals.at, e->globals.n);
    if (e->nused)
        nj_text_fmt(e->t, "@llvm.compiler.used = appending global [%u x ptr] [%s], section \"llvm.metadata\"\n",
                    (unsigned)e->nused, e->used.at);
    if (e->meta.n)
        nj_text_put(e->t, e->meta.at, e->meta.n);
    bool failed = e->t->failed || e->globals.failed || e->meta.failed || e->used.failed || e->annotations.failed;
    nj_text_free(&e->globals);
    nj_text_free(&e->used);
    nj_text_free(&e->meta);
    nj_text_free(&e->annotations);
    return failed || nj_arena_failed(e->arena) ? NJ_E_NOMEM : e->u->diags.list.n ? NJ_E_USER : NJ_OK;
}

uint32_t nj_emit_meta(NjEmit *e, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    nj_text_fmt(&e->meta, "!%u = ", (unsigned)e->nmeta);
    nj_text_vfmt(&e->meta, fmt, ap);
    nj_text_char(&e->meta, '\n');
    va_end(ap);
    return e->nmeta++;
}

/* What the unit needs is what any of its functions needs. */
static void emit_summary(NjUnit *u)
{
    for (uint32_t i = 0; i < u->specs.n; i++)
        if (u->specs.at[i]->core)
            u->has_barrier |= u->specs.at[i]->core->has_barrier;
}

NjStatus nj_emit_unit(NjUnit *u)
{
    NjEmit e = {0};
    emit_start(&e, u);
    emit_summary(u);
    fill_facts(u);
    emit_head(&e);
    if (e.hooks->start)
        e.hooks->start(&e);
    for (uint32_t i = 0; i < u->specs.n; i++)
        if (u->specs.at[i]->core && !u->specs.at[i]->retired)
            emit_function(&e, u->specs.at[i]);
    emit_entry(&e, u->specs.at[0]);
    NjStatus st = emit_end(&e);
    if (st == NJ_OK)
        nj_dump('l', "llvm", u->specs.at[0]->symbol, "ll", u->llvm.at);
    return st;
}
