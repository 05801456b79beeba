/* target.c - the CPU as a target, twice: `cpu` runs functions and ufunc loops, `cpudev` runs kernels over a grid.
 *
 * In: hooks called by host/emit for what differs from other targets. Out: LLVM text. Mathematics is an LLVM intrinsic
 * where that becomes instructions, else a libm call that names its libmvec variants, so that loops with it vectorise.
 * On the CPU device a function gets the special registers as values (nj_emit_hidden): after inlining, the thread
 * index is a loop counter that LLVM sees through.
 */
#include "cpu/target_inside.h"

/* -- mathematics ------------------------------------------------------------------------------ */

typedef struct MathRow { const char *llvm, *libm, *libmf, *vec; unsigned nargs; } MathRow;
static const MathRow math_rows[NJ_MATH_COUNT] = {
#define MATH(id, pyname, nargs, llvm, libm, libmf, vec, nv, nvf, fast, ulp, doc)                                       \
    [NJ_MATH_##id] = {llvm, libm, libmf, vec, nargs},
#include "device-libs/math.def"
#undef MATH
};

typedef struct VecIsa { char letter; unsigned bytes; const char *feature; } VecIsa;

/* The vector registers that this machine has; a variant for others would be called and die. */
static bool isa_present(char letter)
{
#if defined(__x86_64__)
    switch (letter) {
    case 'b': return true;
    case 'd': return nj_cpu_may_use("avx2", __builtin_cpu_supports("avx2"));
    case 'e': return nj_cpu_may_use("avx512f", __builtin_cpu_supports("avx512f"));
    default:  return false;
    }
#elif defined(__aarch64__)
    return letter == 'n';
#else
    return false;
#endif
}

static const VecIsa isas[] = {{'b', 16, "sse4"}, {'d', 32, "avx2"}, {'e', 64, "avx512f"}, {'n', 16, "neon"}};

/* Declares one variant and keeps the declaration: the vectoriser looks for it by name. */
static void declare_variant(NjEmit *e, const char *name, unsigned lanes, const char *scalar, unsigned nargs)
{
    if (nj_map_get(e->declared, name, strlen(name)))
        return;
    const char *v = nj_arena_printf(e->arena, "<%u x %s>", lanes, scalar);
    /* AArch64 has a calling convention of its own for these, which keeps more registers. */
    const char *cc = name[4] == 'n' ? "aarch64_vector_pcs " : "";
    nj_emit_declare(e, name, "%s%s @%s(%s%s%s) nounwind willreturn memory(none)", cc, v, name, v, nargs > 1 ? ", " : "",
                    nargs > 1 ? v : "");
    nj_text_fmt(&e->used, "%sptr @%s", e->nused ? ", " : "", name);
    e->nused++;
}

/* The attribute that maps a scalar call to its vector variants, with a space in front; "" when there are none. */
static const char *vector_variants(NjEmit *e, const MathRow *row, unsigned bits)
{
    const char *list = "", *scalar = bits == 32 ? "float" : "double", *libm = bits == 32 ? row->libmf : row->libm;
    for (unsigned i = 0; row->vec[0] && i < NJ_COUNT(isas); i++) {
        unsigned lanes = isas[i].bytes * 8 / bits;
        const char *shape = row->nargs > 1 ? "vv" : "v";
        const char *name = nj_arena_printf(e->arena, "_ZGV%cN%u%s_%s%s", isas[i].letter, lanes, shape, row->vec,
                                           bits == 32 ? "f" : "");
        if (!isa_present(isas[i].letter) || !nj_cpu_symbol(name))
            continue;
        declare_variant(e, name, lanes, scalar, row->nargs);
        list =
            nj_arena_printf(e->arena, "%s%s_ZGV_LLVM_N%u%s_%s(%s)", list, *list ? "," : "", lanes, shape, libm, name);
    }
    return *list ? nj_arena_printf(e->arena, " \"vector-function-abi-variant\"=\"%s\"", list) : "";
}

static void emit_libm(NjEmit *e, NjRef r, const MathRow *row)
{
    const NjVal *v = nj_val(e->f, r);
    const char *t = nj_emit_type(e, v->type), *name = v->type->bits == 32 ? row->libmf : row->libm, *args = "",
               *types = "";
    for (unsigned i = 0; i < v->nargs; i++) {
        args = nj_arena_printf(e->arena, "%s%s%s", args, i ? ", " : "", nj_emit_tv(e, v->args[i]));
        types = nj_arena_printf(e->arena, "%s%s%s", types, i ? ", " : "", t);
    }
    nj_emit_declare(e, name, "%s @%s(%s) nounwind willreturn memory(none)", t, name, types);
    nj_emit_line(e, "%%v%u = call %s%s @%s(%s) nounwind willreturn memory(none)%s", (unsigned)r, e->fast, t, name, args,
                 vector_variants(e, row, v->type->bits));
}

static void emit_math(NjEmit *e, NjRef r)
{
    const NjVal *v = nj_val(e->f, r);
    const MathRow *row = &math_rows[v->sub];
    if (row->llvm[0] && !row->vec[0])
        nj_emit_intrinsic(e, r, nj_arena_printf(e->arena, "llvm.%s.f%u", row->llvm, v->type->bits), "");
    else
        emit_libm(e, r, row);
}

static void emit_print(NjEmit *e, NjRef r)
{
    const NjConst *desc = nj_val(e->f, r)->imm.k->tuple.at[0];
    nj_emit_print_slots(e, r, true, false);
    nj_emit_declare(e, "nj_rt_print", "void @nj_rt_print(ptr, ptr) nounwind");
    nj_emit_line(e, "call void @nj_rt_print(ptr %s, ptr %%print%u)", nj_emit_string(e, desc->str.text, desc->str.n),
                 (unsigned)r);
}

/* -- threads of the CPU device ---------------------------------------------------------------- */

const char *nj_cpudev_at(NjEmit *e, size_t offset)
{
    const char *at = nj_emit_tmp(e);
    nj_emit_line(e, "%s = getelementptr inbounds i8, ptr %%ctx, i64 %zu", at, offset);
    return at;
}

/* threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z), modulo 32 */
static void emit_lane(NjEmit *e, NjRef r)
{
    const char *a = nj_emit_tmp(e), *b = nj_emit_tmp(e), *c = nj_emit_tmp(e), *d = nj_emit_tmp(e);
    nj_emit_line(e, "%s = mul i32 %%sr2, %%sr7", a);
    nj_emit_line(e, "%s = add i32 %s, %%sr1", b, a);
    nj_emit_line(e, "%s = mul i32 %s, %%sr6", c, b);
    nj_emit_line(e, "%s = add i32 %s, %%sr0", d, c);
    nj_emit_line(e, "%%v%u = and i32 %s, 31", (unsigned)r, d);
}

static void emit_sreg(NjEmit *e, NjRef r)
{
    unsigned sub = nj_val(e->f, r)->sub;
    if (sub == NJ_SREG_LANEID)
        emit_lane(e, r);
    else if (sub == NJ_SREG_WARPSIZE)
        nj_emit_line(e, "%%v%u = add i32 %d, 0", (unsigned)r, NJ_SIMT_WARP);
    else if (sub == NJ_SREG_DYNSHARED)
        nj_emit_line(e, "%%v%u = load i32, ptr %s", (unsigned)r, nj_cpudev_at(e, offsetof(NjSimt, ndynshared)));
    else
        nj_emit_line(e, "%%v%u = add i32 %%sr%u, 0", (unsigned)r, sub);
}

static void emit_barrier(NjEmit *e, NjRef r)
{
    (void)r;
    nj_emit_declare(e, "nj_rt_barrier", "void @nj_rt_barrier(ptr) nounwind");
    nj_emit_line(e, "call void @nj_rt_barrier(ptr %%ctx)");
}

static void emit_barred(NjEmit *e, NjRef r)
{
    static const char *const names[] = {"", "nj_rt_barrier_count", "nj_rt_barrier_and", "nj_rt_barrier_or"};
    const NjVal *v = nj_val(e->f, r);
    nj_emit_declare(e, names[v->sub], "i32 @%s(ptr, i32) nounwind", names[v->sub]);
    nj_emit_line(e, "%%v%u = call i32 @%s(ptr %%ctx, %s)", (unsigned)r, names[v->sub], nj_emit_tv(e, v->args[0]));
}

static void emit_syncwarp(NjEmit *e, NjRef r)
{
    nj_emit_declare(e, "nj_rt_syncwarp", "void @nj_rt_syncwarp(ptr, i32) nounwind");
    nj_emit_line(e, "call void @nj_rt_syncwarp(ptr %%ctx, %s)", nj_emit_tv(e, nj_val(e->f, r)->args[0]));
}

static void emit_fence(NjEmit *e, NjRef r)
{
    (void)r;
    nj_emit_line(e, "fence seq_cst");
}

static void emit_shared(NjEmit *e, NjRef r)
{
    const NjVal *v = nj_val(e->f, r);
    if (v->imm.i == 0) {
        nj_emit_line(e, "%%v%u = getelementptr i8, ptr %%dynshared, i64 0", (unsigned)r);
        return;
    }
    nj_emit_line(e, "%%v%u = getelementptr inbounds i8, ptr %%shared, i64 %u", (unsigned)r,
                 (unsigned)e->u->shared_bytes);
    uint32_t nbytes = (uint32_t)v->imm.i * v->type->elem->nbytes;
    e->u->shared_bytes += (nbytes + 15) & ~15u;
}

/* A function of the `cpu` target has no threads; inference refuses these before. */
static void emit_missing(NjEmit *e, NjRef r)
{
    const NjVal *v = nj_val(e->f, r);
    nj_diag_add(&e->u->diags, NJ_ERR_TYPE_TARGET, e->f->file, e->f->pyname, v->loc, nj_op_info[v->op].word, "cpu");
}

/* -- the kernel's entry ----------------------------------------------------------------------- */

/* Special registers from `first` on, and the shared memory. Sizes and indices are never negative: a fact for LLVM. */
void nj_cpudev_load_hidden(NjEmit *e, unsigned first)
{
    uint32_t range = nj_emit_meta(e, "!{i32 0, i32 2147483647}");
    for (unsigned i = first; i < 12; i++) {
        const char *at = nj_cpudev_at(e, 4 * i);
        nj_emit_line(e, "%%sr%u = load i32, ptr %s, !range !%u", i, at, (unsigned)range);
    }
    const char *at = nj_cpudev_at(e, offsetof(NjSimt, shared));
    nj_emit_line(e, "%%shared = load ptr, ptr %s", at);
    at = nj_cpudev_at(e, offsetof(NjSimt, dynshared));
    nj_emit_line(e, "%%dynshared = load ptr, ptr %s", at);
}

/* Runs one thread: a barrier inside switches stacks. */
static void entry_thread(NjEmit *e, NjSpec *root)
{
    const char *status;
    nj_cpudev_load_hidden(e, 0);
    nj_emit_call_root(e, root, nj_emit_unpack(e, root, nj_emit_hidden), NULL, &status);
    nj_emit_line(e, "ret i32 %s", status ? status : "0");
}

/* -- does the order within a thread matter? */

static bool calls_writer(const NjVal *v)
{
    const NjFn *g = v->op == NJ_OP_call && v->imm.callee->spec ? v->imm.callee->spec->core : NULL;
    if (!g)
        return true;
    for nj_each_blk(g, b)
        for nj_each_val(g, b, x)
            if (nj_val(g, x)->op == NJ_OP_store || nj_val(g, x)->op == NJ_OP_call || nj_val(g, x)->op == NJ_OP_callx)
                return true;
    return false;
}

static bool is_call(const NjVal *v) { return v->op == NJ_OP_call || v->op == NJ_OP_callx; }
static bool reads(const NjVal *v) { return v->op == NJ_OP_load || is_call(v); }
static bool writes(const NjVal *v) { return v->op == NJ_OP_store || (is_call(v) && calls_writer(v)); }

/* What the pointer was counted from. */
static NjRef pointer_root(const NjFn *f, NjRef p)
{
    while (nj_val(f, p)->op == NJ_OP_elem || nj_val(f, p)->op == NJ_OP_ptrcast)
        p = nj_val(f, p)->args[0];
    return p;
}

/* Does a loop of the function read and write? */
static bool loop_mixes(const NjFn *f, NjBlkId head, NjBlkId tail)
{
    bool r = false, w = false;
    for (NjBlkId b = head; b <= tail; b++)
        if (!f->blks.at[b].dead)
            for nj_each_val(f, b, x) {
                r |= reads(nj_val(f, x));
                w |= writes(nj_val(f, x));
            }
    return r && w;
}

enum { MANY_WRITES = 8 };

/* Do the writes so far come back to an array after another one was written, or to one for the third time? */
static bool writes_mix(const NjRef *root, unsigned n)
{
    unsigned same = 0;
    for (unsigned i = 0; i + 1 < n; i++)
        same += root[i] == root[n - 1];
    return n == MANY_WRITES || same > 1 || (same && root[n - 2] != root[n - 1]);
}

/* A read behind a write, in the order of the blocks; or writes that mix. */
static bool order_matters(const NjFn *f)
{
    NjRef root[MANY_WRITES];
    unsigned n = 0;
    for nj_each_blk(f, b) {
        for nj_each_val(f, b, x) {
            const NjVal *v = nj_val(f, x);
            if (n && reads(v))
                return true;
            if (writes(v))
                root[n++] = v->op == NJ_OP_store ? pointer_root(f, v->args[1]) : x;
            if (n && writes_mix(root, n))
                return true;
        }
        for (unsigned i = 0; i < f->blks.at[b].nsucc; i++)
            if (f->blks.at[b].succ[i] <= b && loop_mixes(f, f->blks.at[b].succ[i], b))
                return true;
    }
    return false;
}

/* In a loop that is called parallel LLVM's vectoriser groups strided accesses without asking what lies between them in
 * one iteration: x[2 * i], a store to x[2 * i + k], x[2 * i + 1] became two reads and then the store (LLVM 22). */
static bool order_is_free(const NjUnit *u)
{
    for (uint32_t i = 0; i < u->specs.n; i++)
        if (u->specs.at[i]->core && !u->specs.at[i]->retired && order_matters(u->specs.at[i]->core))
            return false;
    return true;
}

/* May iterations of the thread loop be called independent? Threads of a block without barriers are, but a stack array
 * of the kernel is one array for all of them. */
static bool threads_independent(const NjUnit *u)
{
    for (uint32_t i = 0; i < u->specs.n; i++) {
        const NjFn *f = u->specs.at[i]->core;
        if (!f)
            continue;
        for nj_each_blk(f, b)
            for nj_each_val(f, b, r)
                if (nj_val(f, r)->op == NJ_OP_alloca && nj_val(f, r)->imm.i != 1)
                    return false;
    }
    return true;
}

/* The access group is the module's first metadata: nothing has been written yet. */
static void start_group(NjEmit *e)
{
    if (e->u->root != NJ_ROOT_KERNEL)
        return;
    bool cut = nj_cpudev_split(e);
    if (cut ? e->u->split->shares_stack : e->u->has_barrier || !threads_independent(e->u))
        return;
    if (!order_is_free(e->u))
        return;
    (void)nj_emit_meta(e, "distinct !{}");
    e->access = ", !llvm.access.group !0";
}

static void loop_open(NjEmit *e, char axis, unsigned sreg, const char *from)
{
    nj_text_fmt(e->t, "loop.%c:\n", axis);
    nj_emit_line(e, "%%sr%u = phi i32 [ 0, %%%s ], [ %%next.%c, %%latch.%c ]", sreg, from, axis, axis);
}

static void loop_close(NjEmit *e, char axis, unsigned sreg, const char *exit, const char *note)
{
    nj_text_fmt(e->t, "latch.%c:\n", axis);
    nj_emit_line(e, "%%next.%c = add nuw nsw i32 %%sr%u, 1", axis, sreg);
    nj_emit_line(e, "%%more.%c = icmp slt i32 %%next.%c, %%sr%u", axis, axis, sreg + NJ_SREG_NTID_X);
    nj_emit_line(e, "br i1 %%more.%c, label %%loop.%c, label %%%s%s", axis, axis, exit, note);
}

static void block_call(NjEmit *e, NjSpec *root, const char *args)
{
    const char *status = NULL;
    if (!root->core->may_raise) {
        nj_emit_line(e, "call void @%s(%s)", nj_emit_symbol(e, root->symbol), args);
        nj_emit_line(e, "br label %%latch.x");
        return;
    }
    const char *bad = nj_emit_tmp(e);
    status = nj_emit_tmp(e);
    nj_emit_line(e, "%s = call i32 @%s(%s)", status, nj_emit_symbol(e, root->symbol), args);
    nj_emit_line(e, "%s = icmp ne i32 %s, 0", bad, status);
    nj_emit_line(e, "br i1 %s, label %%fail, label %%latch.x", bad);
    nj_text_str(e->t, "fail:\n");
    for (unsigned i = 0; i < 3; i++) {
        const char *at = nj_cpudev_at(e, 4 * i);
        nj_emit_line(e, "store i32 %%sr%u, ptr %s", i, at);
    }
    nj_emit_line(e, "ret i32 %s", status);
}

/* Loops over z, y, x around the inlined kernel; LLVM vectorises the innermost. */
void nj_cpudev_block_loops(NjEmit *e, NjSpec *root, const char *args, const char *from)
{
    const char *note = "";
    if (*e->access && threads_independent(e->u)) {
        uint32_t par = nj_emit_meta(e, "!{!\"llvm.loop.parallel_accesses\", !0}");
        uint32_t loop = nj_emit_meta(e, "distinct !{!%u, !%u}", (unsigned)e->nmeta, (unsigned)par);
        note = nj_arena_printf(e->arena, ", !llvm.loop !%u", (unsigned)loop);
    }
    nj_emit_line(e, "br label %%loop.z");
    loop_open(e, 'z', 2, from);
    nj_emit_line(e, "br label %%loop.y");
    loop_open(e, 'y', 1, "loop.z");
    nj_emit_line(e, "br label %%loop.x");
    loop_open(e, 'x', 0, "loop.y");
    block_call(e, root, args);
    loop_close(e, 'x', 0, "latch.y", note);
    loop_close(e, 'y', 1, "latch.z", "");
    loop_close(e, 'z', 2, "done", "");
    nj_text_str(e->t, "done:\n");
    nj_emit_line(e, "ret i32 0");
}

/* Runs the threads of a block. */
static void entry_block(NjEmit *e, NjSpec *root)
{
    nj_cpudev_load_hidden(e, 3);
    nj_cpudev_block_loops(e, root, nj_emit_unpack(e, root, nj_emit_hidden), "entry");
}

static void emit_kernel(NjEmit *e, NjSpec *root)
{
    e->u->entry = nj_arena_printf(e->arena, "naja.%s", nj_emit_symbol(e, root->symbol));
    nj_emit_define(e, root, "i32 @%s(ptr noalias readonly %%args, ptr noalias %%ctx)", e->u->entry);
    nj_text_str(e->t, "entry:\n");
    if (e->u->split)
        nj_cpudev_entry_split(e, root);
    else if (e->u->has_barrier)
        entry_thread(e, root);
    else
        entry_block(e, root);
}

/* -- the targets ------------------------------------------------------------------------------ */

static const NjEmitHooks cpu_hooks = {
    .sreg = emit_missing,
    .barrier = emit_missing,
    .barred = emit_missing,
    .syncwarp = emit_missing,
    .shared = emit_missing,
    .fence = emit_fence,
    .math = emit_math,
    .print = emit_print,
    .entry = nj_emit_entry_func,
};

static const NjEmitHooks cpudev_hooks = {
    .hidden_ctx = true,
    .start = start_group,
    .sreg = emit_sreg,
    .barrier = emit_barrier,
    .barred = emit_barred,
    .syncwarp = emit_syncwarp,
    .shared = emit_shared,
    .fence = emit_fence,
    .math = emit_math,
    .print = emit_print,
    .entry = emit_kernel,
};

const NjTarget nj_cpu_target = {.name = "cpu", .raises = true, .abi = NJ_ABI_CPU, .emit = &cpu_hooks};
const NjTarget nj_cpudev_target = {
    .name = "cpudev", .simt = true, .raises = true, .abi = NJ_ABI_KERNEL, .emit = &cpudev_hooks};
