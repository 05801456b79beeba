/* ufunc.c - NumPy's inner loop around the root: void entry(char **args, intp *n, intp *steps, int32 *status).
 *
 * The loop comes in named shapes: all operands contiguous; one input a scalar (step 0), the others contiguous;
 * strided. In the first two, addresses are typed elements and the accesses are marked parallel, so that LLVM vectorises
 * without a check of its own: that holds when every input is the output itself or does not overlap it, which is tested
 * first (np.add.accumulate passes contiguous operands that do). A raise stores its status through the last argument,
 * unless that is NULL, and ends the loop.
 */
#include "emit/emit.h"

enum { LOOP_STRIDED = -2, LOOP_CONTIG = -1, MAX_SCALAR_SHAPES = 4 };

/* One operand: an input or the output. */
typedef struct LoopArg { const NjType *type; const NjType *parts[2]; unsigned nparts; unsigned index; } LoopArg;

typedef struct Loop {
    NjEmit *e;
    NjSpec *root;
    LoopArg *in, out;
    unsigned nin;
    uint32_t group;          /* metadata: the access group */
    int shape;               /* LOOP_*, or the input that is a scalar */
    const char *tag;         /* suffix of this shape's labels and names */
} Loop;

static void fill_arg(Loop *l, LoopArg *a, const NjType *t, unsigned index)
{
    a->type = t;
    a->index = index;
    a->nparts = nj_type_parts(l->e->u->ctx->types, t, NJ_ABI_CPU, a->parts, 2);
}

/* -- before the loops: operands, steps, which shape ------------------------------------------- */

static void load_arg(Loop *l, const LoopArg *a)
{
    unsigned i = a->index;
    nj_emit_line(l->e, "%%argp%u = getelementptr inbounds ptr, ptr %%args, i64 %u", i, i);
    nj_emit_line(l->e, "%%arg%u = load ptr, ptr %%argp%u", i, i);
    nj_emit_line(l->e, "%%stepp%u = getelementptr inbounds i64, ptr %%steps, i64 %u", i, i);
    nj_emit_line(l->e, "%%step%u = load i64, ptr %%stepp%u", i, i);
    nj_emit_line(l->e, "%%contig%u = icmp eq i64 %%step%u, %u", i, i, a->type->nbytes);
    nj_emit_line(l->e, "%%len%u = mul i64 %%n, %u", i, a->type->nbytes);
    nj_emit_line(l->e, "%%end%u = getelementptr i8, ptr %%arg%u, i64 %%len%u", i, i, i);
}

/* %apart: no overlap of input i with the output; %apart or identical: %safe. */
static void load_overlap(Loop *l, const LoopArg *a)
{
    unsigned i = a->index, o = l->out.index;
    nj_emit_line(l->e, "%%still%u = icmp eq i64 %%step%u, 0", i, i);
    nj_emit_line(l->e, "%%before%u = icmp ule ptr %%end%u, %%arg%u", i, i, o);
    nj_emit_line(l->e, "%%after%u = icmp ule ptr %%end%u, %%arg%u", i, o, i);
    nj_emit_line(l->e, "%%apart%u = or i1 %%before%u, %%after%u", i, i, i);
    nj_emit_line(l->e, "%%same%u = icmp eq ptr %%arg%u, %%arg%u", i, i, o);
    if (a->type->nbytes == l->out.type->nbytes)
        nj_emit_line(l->e, "%%safe%u = or i1 %%apart%u, %%same%u", i, i, i);
    else
        nj_emit_line(l->e, "%%safe%u = or i1 %%apart%u, false", i, i);
    nj_emit_line(l->e, "%%plain%u = and i1 %%contig%u, %%safe%u", i, i, i);
    nj_emit_line(l->e, "%%single%u = and i1 %%still%u, %%apart%u", i, i, i);
}

/* The name of the condition for one shape. The first input is asked first, so that one compare usually decides. */
static const char *shape_test(Loop *l, int shape)
{
    const char *all = nj_arena_printf(l->e->arena, "%%contig%u", l->out.index);
    for (unsigned i = 0; i < l->nin; i++) {
        const char *x = nj_emit_tmp(l->e);
        nj_emit_line(l->e, "%s = and i1 %s, %%%s%u", x, all, (int)i == shape ? "single" : "plain", i);
        all = x;
    }
    return all;
}

static const char *shape_tag(NjEmit *e, int shape)
{
    return shape == LOOP_STRIDED  ? "strided"
           : shape == LOOP_CONTIG ? "contig"
                                  : nj_arena_printf(e->arena, "scalar%d", shape);
}

/* -- the body --------------------------------------------------------------------------------- */

/* The address of part p of operand a at index i. */
static const char *arg_at(Loop *l, const LoopArg *a, unsigned p, const char *i)
{
    NjEmit *e = l->e;
    const char *at = nj_emit_tmp(e), *m = nj_emit_memtype(e, a->parts[p]),
               *base = nj_arena_printf(e->arena, "%%arg%u", a->index);
    if (l->shape == LOOP_STRIDED) {
        const char *off = nj_emit_tmp(e), *row = nj_emit_tmp(e);
        nj_emit_line(e, "%s = mul i64 %s, %%step%u", off, i, a->index);
        nj_emit_line(e, "%s = getelementptr inbounds i8, ptr %s, i64 %s", row, base, off);
        nj_emit_line(e, "%s = getelementptr inbounds %s, ptr %s, i64 %u", at, m, row, p);
        return at;
    }
    if (a->nparts == 2) {
        const char *twice = nj_emit_tmp(e), *k = nj_emit_tmp(e);
        nj_emit_line(e, "%s = shl nsw i64 %s, 1", twice, i);
        nj_emit_line(e, "%s = or i64 %s, %u", k, twice, p);
        i = k;
    }
    nj_emit_line(e, "%s = getelementptr inbounds %s, ptr %s, i64 %s", at, m, base, i);
    return at;
}

static const char *group_note(Loop *l)
{
    return l->shape == LOOP_STRIDED ? "" : nj_arena_printf(l->e->arena, ", !llvm.access.group !%u", (unsigned)l->group);
}

static const char *load_part(Loop *l, const NjType *t, const char *at)
{
    const char *x = nj_emit_tmp(l->e), *m = nj_emit_memtype(l->e, t);
    nj_emit_line(l->e, "%s = load %s, ptr %s%s", x, m, at, group_note(l));
    if (t->kind != NJ_K_BOOL)
        return x;
    const char *b = nj_emit_tmp(l->e);
    nj_emit_line(l->e, "%s = icmp ne i8 %s, 0", b, x);
    return b;
}

static const char *add_arg(Loop *l, const char *args, const LoopArg *a, const char *i)
{
    for (unsigned p = 0; p < a->nparts; p++) {
        const char *x = load_part(l, a->parts[p], arg_at(l, a, p, i));
        args = nj_arena_printf(l->e->arena, "%s%s%s %s", args, *args ? ", " : "", nj_emit_type(l->e, a->parts[p]), x);
    }
    return args;
}

static void store_part(Loop *l, unsigned p, const char *x, const char *i)
{
    const NjType *t = l->out.parts[p];
    const char *m = nj_emit_memtype(l->e, t), *at = arg_at(l, &l->out, p, i);
    if (t->kind == NJ_K_BOOL) {
        const char *wide = nj_emit_tmp(l->e);
        nj_emit_line(l->e, "%s = zext i1 %s to i8", wide, x);
        x = wide;
    }
    nj_emit_line(l->e, "store %s %s, ptr %s%s", m, x, at, group_note(l));
}

static void check_status(Loop *l, const char *status)
{
    if (!status)
        return;
    const char *bad = nj_emit_tmp(l->e);
    nj_emit_line(l->e, "store i32 %s, ptr %%failed", status);
    nj_emit_line(l->e, "%s = icmp ne i32 %s, 0", bad, status);
    nj_emit_line(l->e, "br i1 %s, label %%fail, label %%go.%s", bad, l->tag);
    nj_text_fmt(l->e->t, "go.%s:\n", l->tag);
}

static void loop_body(Loop *l, const char *const *scalars, const char *i)
{
    const char *args = "", *outs[2], *status;
    for (unsigned k = 0; k < l->nin; k++)
        args = (int)k == l->shape ? nj_arena_printf(l->e->arena, "%s%s%s", args, *args ? ", " : "", scalars[0])
                                  : add_arg(l, args, &l->in[k], i);
    for (unsigned p = 0; p < l->out.nparts; p++)
        outs[p] = nj_arena_printf(l->e->arena, "ptr %%res%u", p);
    const char *x = nj_emit_call_root(l->e, l->root, args, outs, &status);
    check_status(l, status);
    for (unsigned p = 0; p < l->out.nparts; p++) {
        const char *y = x ? x : nj_emit_load(l->e, l->out.parts[p], nj_arena_printf(l->e->arena, "%%res%u", p));
        store_part(l, p, y, i);
    }
}

static uint32_t loop_meta(Loop *l)
{
    NjEmit *e = l->e;
    if (l->shape == LOOP_STRIDED)
        return nj_emit_meta(e, "distinct !{!%u}", (unsigned)e->nmeta);
    uint32_t par = nj_emit_meta(e, "!{!\"llvm.loop.parallel_accesses\", !%u}", (unsigned)l->group);
    return nj_emit_meta(e, "distinct !{!%u, !%u}", (unsigned)e->nmeta, (unsigned)par);
}

static void emit_loop(Loop *l, int shape)
{
    NjEmit *e = l->e;
    l->shape = shape;
    const char *tag = l->tag = shape_tag(e, shape), *scalar = "";
    nj_text_fmt(e->t, "%s:\n", tag);
    if (shape >= 0)
        scalar = add_arg(l, "", &l->in[shape], "0");
    nj_emit_line(e, "br label %%loop.%s", tag);
    nj_text_fmt(e->t, "loop.%s:\n", tag);
    nj_emit_line(e, "%%i.%s = phi i64 [ 0, %%%s ], [ %%next.%s, %%latch.%s ]", tag, tag, tag, tag);
    loop_body(l, &scalar, nj_arena_printf(e->arena, "%%i.%s", tag));
    nj_emit_line(e, "br label %%latch.%s", tag);
    nj_text_fmt(e->t, "latch.%s:\n", tag);
    nj_emit_line(e, "%%next.%s = add nuw nsw i64 %%i.%s, 1", tag, tag);
    nj_emit_line(e, "%%more.%s = icmp slt i64 %%next.%s, %%n", tag, tag);
    nj_emit_line(e, "br i1 %%more.%s, label %%loop.%s, label %%done, !llvm.loop !%u", tag, tag, (unsigned)loop_meta(l));
}

/* -- the function ----------------------------------------------------------------------------- */

static void emit_prologue(Loop *l)
{
    NjEmit *e = l->e;
    nj_emit_define(e, l->root, "void @%s(ptr %%args, ptr %%dims, ptr %%steps, ptr %%data)", e->u->entry);
    nj_text_str(e->t, "entry:\n");
    for (unsigned p = 0; p < l->out.nparts; p++)
        nj_emit_line(e, "%%res%u = alloca %s", p, nj_emit_memtype(e, l->out.parts[p]));
    nj_emit_line(e, "%%failed = alloca i32");
    nj_emit_line(e, "%%n = load i64, ptr %%dims");
    nj_emit_line(e, "%%some = icmp sgt i64 %%n, 0");
    nj_emit_line(e, "br i1 %%some, label %%start, label %%done");
    nj_text_str(e->t, "start:\n");
    load_arg(l, &l->out);
    for (unsigned i = 0; i < l->nin; i++) {
        load_arg(l, &l->in[i]);
        load_overlap(l, &l->in[i]);
    }
}

static void emit_epilogue(Loop *l)
{
    NjEmit *e = l->e;
    nj_text_str(e->t, "done:\n");
    nj_emit_line(e, "ret void");
    if (l->root->core->may_raise) {
        nj_text_str(e->t, "fail:\n");
        nj_emit_line(e, "%%told = icmp eq ptr %%data, null");
        nj_emit_line(e, "br i1 %%told, label %%done, label %%tell");
        nj_text_str(e->t, "tell:\n");
        nj_emit_line(e, "%%why = load i32, ptr %%failed");
        nj_emit_line(e, "store i32 %%why, ptr %%data");
        nj_emit_line(e, "ret void");
    }
}

static void emit_dispatch(Loop *l, int nscalar)
{
    NjEmit *e = l->e;
    for (int shape = LOOP_CONTIG; shape < nscalar; shape++) {
        const char *is = shape_test(l, shape);
        nj_emit_line(e, "br i1 %s, label %%%s, label %%not.%s", is, shape_tag(e, shape), shape_tag(e, shape));
        nj_text_fmt(e->t, "not.%s:\n", shape_tag(e, shape));
    }
    nj_emit_line(e, "br label %%strided");
}

void nj_emit_entry_ufunc(NjEmit *e, NjSpec *root)
{
    Loop l = {.e = e, .root = root, .nin = root->nargs, .in = NJ_NEWN(e->arena, LoopArg, root->nargs + 1)};
    for (unsigned i = 0; i < l.nin; i++)
        fill_arg(&l, &l.in[i], root->args[i], i);
    fill_arg(&l, &l.out, root->py->ret, l.nin);
    e->u->entry = nj_arena_printf(e->arena, "naja.%s", nj_emit_symbol(e, root->symbol));
    l.group = nj_emit_meta(e, "distinct !{}");
    int nscalar = l.nin > 1 && l.nin <= MAX_SCALAR_SHAPES ? (int)l.nin : 0;
    emit_prologue(&l);
    emit_dispatch(&l, nscalar);
    for (int shape = LOOP_CONTIG; shape < nscalar; shape++)
        emit_loop(&l, shape);
    emit_loop(&l, LOOP_STRIDED);
    emit_epilogue(&l);
}
