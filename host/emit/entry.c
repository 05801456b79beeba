/* entry.c - what the outside calls: entries over argument blocks, and C ABI device functions.
 *
 * In: the root's core function. Out: a definition that loads the parts of the arguments from 8-byte slots (low bytes
 * first), calls the root, which LLVM inlines, and stores the parts of the result likewise. Kernels are the targets'
 * own.
 */
#include "emit/emit.h"

/* The Python function's own name, which no function of the unit has: theirs are numbered. */
const char *nj_emit_plain_name(NjEmit *e, const NjFn *f)
{
    const char *dot = f->pyname ? strrchr(f->pyname, '.') : NULL;
    if (f->pyname)
        return nj_emit_symbol(e, dot ? dot + 1 : f->pyname);
    return nj_arena_printf(e->arena, "naja_%s", nj_emit_symbol(e, f->name));
}

void nj_emit_define(NjEmit *e, NjSpec *root, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    if (e->u->opts.lineinfo || e->u->opts.debug)
        nj_emit_debug_fn(e, root, e->u->entry);
    nj_text_str(e->t, "\ndefine ");
    nj_text_vfmt(e->t, fmt, ap);
    nj_text_str(e->t, nj_emit_fn_attrs(e));
    if (e->subprogram)
        nj_text_fmt(e->t, " !dbg !%u", (unsigned)e->subprogram - 1);
    nj_text_str(e->t, " {\n");
    va_end(ap);
}

const char *nj_emit_unpack(NjEmit *e, NjSpec *root, const char *lead)
{
    const NjFn *f = root->core;
    const char *args = lead, *sep = *lead ? ", " : "";
    for (uint32_t i = 0; i < f->nparams; i++, sep = ", ") {
        const NjType *t = nj_val(f, f->params[i])->type;
        const char *at = nj_emit_tmp(e);
        nj_emit_line(e, "%s = getelementptr inbounds i64, ptr %%args, i64 %u", at, (unsigned)i);
        args = nj_arena_printf(e->arena, "%s%s%s %s", args, sep, nj_emit_type(e, t), nj_emit_load(e, t, at));
    }
    return args;
}

const char *nj_emit_call_root(NjEmit *e, NjSpec *root, const char *args, const char *const *outs, const char **status)
{
    const NjFn *f = root->core;
    const char *ret = nj_emit_ret(e, root), *x = strcmp(ret, "void") ? nj_emit_tmp(e) : NULL;
    bool direct = nj_emit_direct(root);
    for (uint32_t i = 0; !direct && i < f->nrets; i++)
        args = nj_arena_printf(e->arena, "%s%s%s", args, *args ? ", " : "", outs[i]);
    nj_emit_line(e, "%s%scall %s @%s(%s)", x ? x : "", x ? " = " : "", ret, nj_emit_symbol(e, root->symbol), args);
    *status = f->may_raise ? x : NULL;
    return direct ? x : NULL;
}

/* int32 entry(const u64 *args, u64 *ret) */
void nj_emit_entry_func(NjEmit *e, NjSpec *root)
{
    const NjFn *f = root->core;
    const char **slots = NJ_NEWN(e->arena, const char *, f->nrets + 1),
               **outs = NJ_NEWN(e->arena, const char *, f->nrets + 1);
    e->u->entry = nj_arena_printf(e->arena, "naja.%s", nj_emit_symbol(e, root->symbol));
    nj_emit_define(e, root, "i32 @%s(ptr noalias readonly %%args, ptr noalias %%ret)", e->u->entry);
    for (uint32_t i = 0; i < f->nrets; i++) {
        slots[i] = nj_emit_tmp(e);
        outs[i] = nj_arena_printf(e->arena, "ptr %s", slots[i]);
        nj_emit_line(e, "%s = getelementptr inbounds i64, ptr %%ret, i64 %u", slots[i], (unsigned)i);
    }
    const char *status, *args = nj_emit_unpack(e, root, "");
    const char *x = nj_emit_call_root(e, root, args, outs, &status);
    if (x)
        nj_emit_store(e, f->rets[0], x, slots[0]);
    nj_emit_line(e, "ret i32 %s", status ? status : "0");
}

/* -- device functions with the C ABI ---------------------------------------------------------- */

/* The LLVM type of several parts together; of none, "void". */
static const char *device_ret(NjEmit *e, const NjFn *f)
{
    if (f->nrets == 0)
        return "void";
    if (f->nrets == 1)
        return nj_emit_memtype(e, f->rets[0]);
    const char *t = "{";
    for (uint32_t i = 0; i < f->nrets; i++)
        t = nj_arena_printf(e->arena, "%s%s%s", t, i ? ", " : " ", nj_emit_memtype(e, f->rets[i]));
    return nj_arena_printf(e->arena, "%s }", t);
}

const char *nj_emit_entry_params(NjEmit *e, const NjFn *f)
{
    const char *params = "";
    for (uint32_t i = 0; i < f->nparams; i++) {
        const NjType *t = nj_val(f, f->params[i])->type;
        params = nj_arena_printf(e->arena, "%s%s%s %%a%u", params, i ? ", " : "",
                                 t->kind == NJ_K_PTR ? nj_emit_type(e, t) : nj_emit_memtype(e, t), (unsigned)i);
    }
    return params;
}

const char *nj_emit_pass_params(NjEmit *e, NjSpec *root)
{
    const NjFn *f = root->core;
    const char *args = "";
    for (uint32_t i = 0; i < f->nparams; i++) {
        const NjType *t = nj_val(f, f->params[i])->type;
        const char *x = nj_arena_printf(e->arena, "%%a%u", (unsigned)i);
        if (t->kind == NJ_K_BOOL) {
            const char *bit = nj_emit_tmp(e);
            nj_emit_line(e, "%s = icmp ne i8 %s, 0", bit, x);
            x = bit;
        }
        args = nj_arena_printf(e->arena, "%s%s%s %s", args, i ? ", " : "", nj_emit_type(e, t), x);
    }
    return args;
}

/* A part as it lies in memory: bools widened. */
static const char *device_widen(NjEmit *e, const NjType *t, const char *x)
{
    if (t->kind != NJ_K_BOOL)
        return x;
    const char *wide = nj_emit_tmp(e);
    nj_emit_line(e, "%s = zext i1 %s to i8", wide, x);
    return wide;
}

static const char *device_collect(NjEmit *e, const NjFn *f, const char *ret, const char *const *slots)
{
    const char *sum = "undef";
    for (uint32_t i = 0; i < f->nrets; i++) {
        const char *m = nj_emit_memtype(e, f->rets[i]), *x = nj_emit_tmp(e);
        nj_emit_line(e, "%s = load %s, %s %s", x, m, nj_emit_ptr(e, m, 0), slots[i]);
        if (f->nrets == 1)
            return x;
        const char *next = nj_emit_tmp(e);
        nj_emit_line(e, "%s = insertvalue %s %s, %s %s, %u", next, ret, sum, m, x, (unsigned)i);
        sum = next;
    }
    return sum;
}

void nj_emit_entry_device(NjEmit *e, NjSpec *root)
{
    const NjFn *f = root->core;
    const char *ret = device_ret(e, f), **slots = NJ_NEWN(e->arena, const char *, f->nrets + 1);
    const char **outs = NJ_NEWN(e->arena, const char *, f->nrets + 1);
    e->u->entry = nj_emit_plain_name(e, f);
    nj_emit_define(e, root, "%s @%s(%s)", ret, e->u->entry, nj_emit_entry_params(e, f));
    for (uint32_t i = 0; i < f->nrets; i++) {
        const char *m = nj_emit_memtype(e, f->rets[i]);
        slots[i] = nj_emit_tmp(e);
        outs[i] = nj_arena_printf(e->arena, "%s %s", nj_emit_ptr(e, m, 0), slots[i]);
        nj_emit_line(e, "%s = alloca %s", slots[i], m);
    }
    const char *status, *x = nj_emit_call_root(e, root, nj_emit_pass_params(e, root), outs, &status);
    if (f->nrets == 0)
        nj_emit_line(e, "ret void");
    else
        nj_emit_line(e, "ret %s %s", ret, x ? device_widen(e, f->rets[0], x) : device_collect(e, f, ret, slots));
}
