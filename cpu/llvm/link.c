/* link.c - library bitcode (libdevice) linked into a module before it is optimised.
 *
 * The bitcode is read lazily: LLVM materialises function bodies as the linker moves them. What came in is made
 * internal, so that the optimiser's first pass drops what nobody calls.
 */
#include "cpu/llvm/inside.h"

#include <llvm-c/BitReader.h>
#include <llvm-c/Linker.h>

/* Functions of `src` that `m` declares stay visible under their names until the link; here all others, too: two
 * modules may define the same helper, and internal ones are renamed, not refused. */
static void link_hide(LLVMModuleRef m, const NjMap *own)
{
    for (LLVMValueRef f = LLVMGetFirstFunction(m); f; f = LLVMGetNextFunction(f)) {
        size_t n;
        const char *name = LLVMGetValueName2(f, &n);
        if (!LLVMIsDeclaration(f) && !nj_map_get(own, name, n))
            LLVMSetLinkage(f, LLVMInternalLinkage);
    }
}

static NjMap *link_defined(NjArena *a, LLVMModuleRef m)
{
    NjMap *own = nj_map_new(a);
    for (LLVMValueRef f = LLVMGetFirstFunction(m); own && f; f = LLVMGetNextFunction(f)) {
        size_t n;
        const char *name = LLVMGetValueName2(f, &n);
        if (!LLVMIsDeclaration(f) && !nj_map_put(own, name, n, f))
            return NULL;
    }
    return own;
}

static NjStatus link_move(LLVMContextRef c, LLVMModuleRef m, const NjLlvmLib *lib, NjErr *err)
{
    LLVMMemoryBufferRef buf = LLVMCreateMemoryBufferWithMemoryRangeCopy(lib->bytes, lib->nbytes, lib->name);
    LLVMModuleRef src = NULL;
    if (LLVMGetBitcodeModuleInContext2(c, buf, &src)) {       /* takes buf on success only */
        LLVMDisposeMemoryBuffer(buf);
        return nj_err_set(err, NJ_E_ENV, 0, "%s is not LLVM bitcode that LLVM %d can read", lib->name,
                          LLVM_VERSION_MAJOR);
    }
    /* The library's own triple and layout are older spellings of ours: take ours, or LLVM warns. */
    LLVMSetTarget(src, LLVMGetTarget(m));
    LLVMSetDataLayout(src, LLVMGetDataLayoutStr(m));
    if (LLVMLinkModules2(m, src))
        return nj_err_set(err, NJ_E_BUG, 0, "%s does not link", lib->name);
    return NJ_OK;
}

NjStatus nj_llvm_link(LLVMContextRef c, LLVMModuleRef m, const NjLlvmLib *lib, NjErr *err)
{
    NjArena *a = nj_arena_new();
    NjMap *own = a ? link_defined(a, m) : NULL;
    NjStatus st = NJ_E_NOMEM;
    if (own && !nj_arena_failed(a))
        st = link_move(c, m, lib, err);
    else
        nj_err_set(err, NJ_E_NOMEM, 0, "out of memory");
    if (st == NJ_OK)
        link_hide(m, own);
    nj_arena_free(a);
    return st;
}
