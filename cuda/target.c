/* target.c - CUDA as a target: the NVVM dialect for libNVVM, and the opaque one for LLVM's own NVPTX back end.
 *
 * In: hooks called by host/emit. Out: text: special registers, barriers and fences as llvm.nvvm intrinsics, mathematics
 * as libdevice calls, shared memory as globals of address space 3, printing through vprintf, kernels as void functions
 * over the parts of their arguments with their metadata. The two targets differ in spelling only (typed_pointers).
 */
#include "cuda/cuda.h"
#include "emit/emit.h"

/* -- threads ---------------------------------------------------------------------------------- */

static void emit_sreg(NjEmit *e, NjRef r)
{
    static const char *const names[NJ_SREG_N] = {"tid.x",    "tid.y",    "tid.z",  "ctaid.x", "ctaid.y",
                                                 "ctaid.z",  "ntid.x",   "ntid.y", "ntid.z",  "nctaid.x",
                                                 "nctaid.y", "nctaid.z", "laneid", "warpsize"};
    if (nj_val(e->f, r)->sub == NJ_SREG_DYNSHARED) {       /* has no intrinsic */
        nj_emit_line(e, "%%v%u = call i32 asm \"mov.u32 $0, %%dynamic_smem_size;\", \"=r\"()", (unsigned)r);
        return;
    }
    const char *name = nj_arena_printf(e->arena, "llvm.nvvm.read.ptx.sreg.%s", names[nj_val(e->f, r)->sub]);
    nj_emit_declare(e, name, "i32 @%s() nounwind readnone", name);
    nj_emit_line(e, "%%v%u = call i32 @%s()", (unsigned)r, name);
}

static void emit_barrier(NjEmit *e, NjRef r)
{
    (void)r;
    nj_emit_declare(e, "llvm.nvvm.barrier0", "void @llvm.nvvm.barrier0() convergent nounwind");
    nj_emit_line(e, "call void @llvm.nvvm.barrier0() convergent");
}

static void emit_barred(NjEmit *e, NjRef r)
{
    static const char *const names[] = {"", "popc", "and", "or"};
    const NjVal *v = nj_val(e->f, r);
    const char *name = nj_arena_printf(e->arena, "llvm.nvvm.barrier0.%s", names[v->sub]);
    nj_emit_declare(e, name, "i32 @%s(i32) convergent nounwind", name);
    nj_emit_line(e, "%%v%u = call i32 @%s(%s) convergent", (unsigned)r, name, nj_emit_tv(e, v->args[0]));
}

static void emit_syncwarp(NjEmit *e, NjRef r)
{
    nj_emit_declare(e, "llvm.nvvm.bar.warp.sync", "void @llvm.nvvm.bar.warp.sync(i32) convergent nounwind");
    nj_emit_line(e, "call void @llvm.nvvm.bar.warp.sync(%s) convergent", nj_emit_tv(e, nj_val(e->f, r)->args[0]));
}

static void emit_fence(NjEmit *e, NjRef r)
{
    static const char *const names[] = {"llvm.nvvm.membar.gl", "llvm.nvvm.membar.cta", "llvm.nvvm.membar.sys"};
    nj_emit_intrinsic(e, r, names[nj_val(e->f, r)->sub], " nounwind");
}

/* -- mathematics ------------------------------------------------------------------------------ */

static void emit_math(NjEmit *e, NjRef r)
{
    static const struct { const char *f64, *f32, *fast; } rows[NJ_MATH_COUNT] = {
#define MATH(id, pyname, nargs, llvm, libm, libmf, vec, nv, nvf, fast, ulp, doc) [NJ_MATH_##id] = {nv, nvf, fast},
#include "device-libs/math.def"
#undef MATH
    };
    const NjVal *v = nj_val(e->f, r);
    bool fast = v->type->bits == 32 && e->f->opts.fastmath && rows[v->sub].fast[0];
    const char *name = v->type->bits == 64 ? rows[v->sub].f64 : fast ? rows[v->sub].fast : rows[v->sub].f32;
    e->u->uses_math = true;
    nj_emit_intrinsic(e, r, name, " nounwind");
}

/* -- memory, printing ------------------------------------------------------------------------- */

static void emit_shared(NjEmit *e, NjRef r)
{
    const NjVal *v = nj_val(e->f, r);
    const char *m = nj_emit_memtype(e, v->type->elem), *t = nj_emit_type(e, v->type);
    bool dynamic = v->imm.i == 0;
    const char *name = dynamic
                           ? "@nj_dynshared"
                           : nj_arena_printf(e->arena, "@%s_shared%u", nj_emit_symbol(e, e->spec->symbol), (unsigned)r);
    long long n = dynamic ? 0 : (long long)v->imm.i;
    m = dynamic ? "i8" : m;
    if (!nj_map_get(e->declared, name, strlen(name))) {
        (void)nj_map_put(e->declared, name, strlen(name), e);
        nj_text_fmt(&e->globals,
                    dynamic ? "%s = external addrspace(3) global [%lld x %s], align 16\n"
                            : "%s = internal addrspace(3) global [%lld x %s] undef, align 16\n",
                    name, n, m);
    }
    if (e->typed)
        nj_emit_line(e, "%%v%u = bitcast [%lld x %s] addrspace(3)* %s to %s", (unsigned)r, n, m, name, t);
    else
        nj_emit_line(e, "%%v%u = getelementptr i8, %s %s, i64 0", (unsigned)r, t, name);
}

static void emit_print(NjEmit *e, NjRef r)
{
    const char *bytes = nj_emit_ptr(e, "i8", 0), *slots = nj_arena_printf(e->arena, "%%print%u", (unsigned)r);
    nj_emit_print_slots(e, r, false, true);
    if (e->typed) {
        const char *raw = nj_emit_tmp(e);
        nj_emit_line(e, "%s = bitcast i64* %s to i8*", raw, slots);
        slots = raw;
    }
    nj_emit_declare(e, "vprintf", "i32 @vprintf(%s, %s)", bytes, bytes);
    nj_emit_line(e, "%s = call i32 @vprintf(%s %s, %s %s)", nj_emit_tmp(e), bytes, nj_emit_print_format(e, r), bytes,
                 slots);
}

/* -- the kernel's entry, metadata ------------------------------------------------------------- */

static void annotate(NjEmit *e, const char *fn, const char *word, uint32_t value)
{
    uint32_t at = nj_emit_meta(e, "!{%s, !\"%s\", i32 %u}", fn, word, (unsigned)value);
    nj_text_fmt(&e->annotations, "%s!%u", e->annotations.n ? ", " : "", (unsigned)at);
}

/* The function as metadata names it: in the old dialect with its type. */
static const char *kernel_ref(NjEmit *e, const NjFn *f)
{
    if (!e->typed)
        return nj_arena_printf(e->arena, "ptr @%s", e->u->entry);
    const char *types = "";
    for (uint32_t i = 0; i < f->nparams; i++) {
        const NjType *t = nj_val(f, f->params[i])->type;
        types = nj_arena_printf(e->arena, "%s%s%s", types, i ? ", " : "",
                                t->kind == NJ_K_PTR ? nj_emit_type(e, t) : nj_emit_memtype(e, t));
    }
    return nj_arena_printf(e->arena, "void (%s)* @%s", types, e->u->entry);
}

static void emit_kernel(NjEmit *e, NjSpec *root)
{
    const NjFn *f = root->core;
    e->u->entry = nj_emit_plain_name(e, f);
    nj_emit_define(e, root, "%svoid @%s(%s)", e->typed ? "" : "ptx_kernel ", e->u->entry, nj_emit_entry_params(e, f));
    const char *status;
    nj_emit_call_root(e, root, nj_emit_pass_params(e, root), NULL, &status);
    if (status && e->u->opts.debug) {      /* otherwise a raise only ends its thread */
        const char *bad = nj_emit_tmp(e);
        nj_emit_declare(e, "llvm.trap", "void @llvm.trap()");
        nj_emit_line(e, "%s = icmp ne i32 %s, 0", bad, status);
        nj_emit_line(e, "br i1 %s, label %%trap, label %%done", bad);
        nj_text_str(e->t, "trap:\n");
        nj_emit_line(e, "call void @llvm.trap()");
        nj_emit_line(e, "br label %%done");
        nj_text_str(e->t, "done:\n");
    }
    nj_emit_line(e, "ret void");
    const char *ref = kernel_ref(e, f);
    const uint32_t *bounds = e->u->opts.launch_bounds;
    annotate(e, ref, "kernel", 1);
    if (bounds[0])
        annotate(e, ref, "maxntidx", bounds[0]);
    if (bounds[1])
        annotate(e, ref, "minctasm", bounds[1]);
    if (bounds[2])
        annotate(e, ref, "maxclusterrank", bounds[2]);
    if (e->u->opts.max_registers)
        annotate(e, ref, "maxnreg", e->u->opts.max_registers);
}

static void emit_module(NjEmit *e)
{
    if (e->annotations.n)
        nj_text_fmt(&e->meta, "!nvvm.annotations = !{%s}\n", e->annotations.at);
    if (!e->typed)
        return;
    uint32_t version = nj_emit_meta(e, "!{i32 2, i32 0, i32 3, i32 1}");
    nj_text_fmt(&e->meta, "!nvvmir.version = !{!%u}\n", (unsigned)version);
}

/* -- the targets ------------------------------------------------------------------------------ */

static const NjEmitHooks cuda_hooks = {
    .spaces = true,
    .mangle = true,
    .sreg = emit_sreg,
    .barrier = emit_barrier,
    .barred = emit_barred,
    .syncwarp = emit_syncwarp,
    .fence = emit_fence,
    .shared = emit_shared,
    .math = emit_math,
    .print = emit_print,
    .entry = emit_kernel,
    .module = emit_module,
};

const NjTarget nj_cuda_target = {
    .name = "cuda",
    .typed_pointers = true,
    .simt = true,
    .abi = NJ_ABI_KERNEL,
    .emit = &cuda_hooks,
    .triple = "nvptx64-nvidia-cuda",
    .layout =
        "e-p:64:64:64-i1:8:8-i8:8:8-i16:16:16-i32:32:32-i64:64:64-i128:128:128-f32:32:32-f64:64:64-v16:16:16-v32:32:32-"
        "v64:64:64-v128:128:128-n16:32:64",
};

/* No layout: LLVM's versions differ in it, and the back end sets its own. */
const NjTarget nj_nvptx_target = {
    .name = "cuda", .simt = true, .abi = NJ_ABI_KERNEL, .emit = &cuda_hooks, .triple = "nvptx64-nvidia-cuda",
};
