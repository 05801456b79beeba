/* llvm.c - finds and loads libnaja_llvm.so at the first compile, and calls it.
 *
 * In: LLVM text; out: object code, assembler, optimised text or PTX in an NjText. The library is never unloaded: LLVM
 * registers destructors of its own.
 */
#include "cpu/cpu.h"
#include "cpu/fork.h"
#include "run/cache.h"

#include <dlfcn.h>

static NjForkLock llvm_lock = NJ_FORK_LOCK_INIT;
static char llvm_dir[4096];                     /* under llvm_lock */
enum { LLVM_PATH = sizeof llvm_dir + 32 };
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
    nj_err_set(err, NJ_E_ENV, 0, "%s has interface version %u, this naja needs %u: they come from different builds",
               path, api->version, NJ_LLVM_API_VERSION);
    return NULL;
}

static const NjLlvmApi *llvm_load(const char *path, NjErr *err)
{
    if (!strcmp(path, "none")) {
        nj_err_set(err, NJ_E_ENV, 0, "the compiler is turned off by NAJA_LIBLLVM=none");
        return NULL;
    }
    /* Local, so that the LLVM inside another package of the process and this one never see each other. Lazy: a program
     * calls few of the functions that the library takes from outside, and linking it (-z defs) has shown that all are there. */
    void *so = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
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

/* Under llvm_lock. */
static void llvm_path(char path[LLVM_PATH])
{
    const char *knob = nj_knobs()->libllvm;
    if (knob)
        snprintf(path, LLVM_PATH, "%s", knob);
    else
        snprintf(path, LLVM_PATH, "%s%slibnaja_llvm.so", llvm_dir, *llvm_dir ? "/" : "");
}

void nj_cpu_llvm_identity(NjText *out)
{
    char path[LLVM_PATH];
    nj_fork_lock(&llvm_lock);
    llvm_path(path);
    nj_fork_unlock(&llvm_lock);
    nj_buildid_file(out, path);
}

const NjLlvmApi *nj_cpu_llvm(NjErr *err)
{
    const NjLlvmApi *api = llvm_api;
    if (api)
        return api;
    nj_fork_lock(&llvm_lock);
    api = llvm_api;
    if (!api) {
        char path[LLVM_PATH];
        double start = nj_clock();
        llvm_path(path);
        api = llvm_load(path, err);
        if (api)
            nj_log(2, "LLVM: %s loaded in %.2f ms", path, (nj_clock() - start) * 1e3);
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

/* NULL: this machine's. A name alone brings the features of that CPU; features alone change this machine's. */
static const char *asked_features(const NjLlvmApi *api, const NjKnobs *k, NjText *room)
{
    if (!k->cpu_features)
        return k->cpu_name ? "" : NULL;
    if (k->cpu_name)
        return k->cpu_features;
    nj_text_fmt(room, "%s,%s", api->host_features(), k->cpu_features);
    return room->failed ? NULL : room->at;
}

/* Which of the knobs an error about a CPU or its features speaks of. */
static void name_knobs(const NjKnobs *k, NjErr *err)
{
    NjErr why = *err;
    nj_err_set(err, NJ_E_ENV, 0, "%s%s%s%s%s: %s", k->cpu_name ? "NAJA_CPU_NAME=" : "", k->cpu_name ? k->cpu_name : "",
               k->cpu_name && k->cpu_features ? " " : "", k->cpu_features ? "NAJA_CPU_FEATURES=" : "",
               k->cpu_features ? k->cpu_features : "", why.text);
}

NjStatus nj_cpu_llvm_compile(NjLlvmOut what, const char *text, size_t ntext, const NjLlvmOptions *o, NjText *out,
                             NjErr *err)
{
    const NjKnobs *k = nj_knobs();
    NjLlvmOptions use = { .opt = (int)k->opt, .verify = k->check > 0 };
    const NjLlvmApi *api = nj_cpu_llvm(err);
    NjText room;
    if (!api)
        return NJ_E_ENV;
    if (o)
        use = *o;
    nj_text_init(&room);
    bool asked = k->cpu_name || k->cpu_features;
    bool by_knobs = asked && what != NJ_LLVM_PTX && !use.for_ptx && !use.cpu && !use.features;
    if (by_knobs) {
        use.features = asked_features(api, k, &room);
        use.cpu = k->cpu_name;
    }
    NjStatus st = api->compile(what, text, ntext, &use, llvm_sink, out, err);
    nj_text_free(&room);
    if (st == NJ_E_ENV && by_knobs)
        name_knobs(k, err);
    return st;
}

void nj_cpu_llvm_dump(const char *func, const char *text, size_t ntext, const NjLlvmOptions *o)
{
    NjErr err = {0};
    NjText t;
    if (!nj_dump_on('p', func))
        return;
    nj_text_init(&t);
    if (nj_cpu_llvm_compile(NJ_LLVM_ASM, text, ntext, o, &t, &err) == NJ_OK)
        nj_dump('p', "asm", func, "s", t.at);
    nj_text_free(&t);
}
