/* llvm.c - finds and loads libnaja_llvm.so at the first compile, and calls it.
 *
 * In: LLVM text; out: object code, assembler, optimised text or PTX in an NjText. The library is never unloaded: LLVM
 * registers destructors of its own.
 */
#include "cpu/cpu.h"
#include "cpu/fork.h"

#include <dlfcn.h>

static NjForkLock llvm_lock = NJ_FORK_LOCK_INIT;
static char llvm_dir[4096];                     /* under llvm_lock */
static const NjLlvmApi *_Atomic llvm_api;       /* written once, under llvm_lock; read anywhere */

void nj_cpu_llvm_dir(const char *dir)
{
    nj_fork_lock(&llvm_lock);
    snprintf(llvm_dir, sizeof llvm_dir, "%s", dir ? dir : "");
    nj_fork_unlock(&llvm_lock);
}

static const NjLlvmApi *llvm_check(const NjLlvmApi *api, const char *path, NjErr *err)
{
    if (api->version == NJ_LLVM_API_VERSION && api->size == sizeof *api)
        return api;
    nj_err_set(err, NJ_E_ENV, 0, "%s has interface version %u, this naja needs %u: they come from different builds", path,
               api->version, NJ_LLVM_API_VERSION);
    return NULL;
}

static const NjLlvmApi *llvm_load(const char *path, NjErr *err)
{
    if (!strcmp(path, "none")) {
        nj_err_set(err, NJ_E_ENV, 0, "the compiler is turned off by NAJA_LIBLLVM=none");
        return NULL;
    }
    /* Local, so that the LLVM inside another package of the process and this one never see each other. */
    void *so = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!so) {
        const char *why = dlerror();
        nj_err_set(err, NJ_E_ENV, 0, "the compiler is not usable: %s", why ? why : path);
        return NULL;
    }
    const NjLlvmApi *(*get)(void);
    *(void **)&get = dlsym(so, NJ_LLVM_API_SYMBOL);
    if (get)
        return llvm_check(get(), path, err);
    nj_err_set(err, NJ_E_ENV, 0, "%s is not naja's compiler library", path);
    return NULL;
}

const NjLlvmApi *nj_cpu_llvm(NjErr *err)
{
    const NjLlvmApi *api = llvm_api;
    if (api)
        return api;
    nj_fork_lock(&llvm_lock);
    api = llvm_api;
    if (!api) {
        char path[sizeof llvm_dir + 32];
        const char *knob = nj_knobs()->libllvm;
        snprintf(path, sizeof path, "%s%slibnaja_llvm.so", llvm_dir, *llvm_dir ? "/" : "");
        api = llvm_load(knob ? knob : path, err);
        llvm_api = api;
    }
    nj_fork_unlock(&llvm_lock);
    return api;
}

static bool llvm_sink(void *arg, const char *bytes, size_t n)
{
    NjText *out = arg;
    nj_text_put(out, bytes, n);
    return !out->failed;
}

NjStatus nj_cpu_llvm_compile(NjLlvmOut what, const char *text, size_t ntext, const NjLlvmOptions *o, NjText *out, NjErr *err)
{
    NjLlvmOptions standard = { .opt = (int)nj_knobs()->opt, .verify = nj_knobs()->check > 0 };
    const NjLlvmApi *api = nj_cpu_llvm(err);
    if (!api)
        return NJ_E_ENV;
    return api->compile(what, text, ntext, o ? o : &standard, llvm_sink, out, err);
}
