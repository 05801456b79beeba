/* module.c - loads PTX or cubin images and hands out their kernels.
 *
 * In: an image and how to compile it. Out: NjCudaModule, NjCudaFn. The driver's JIT writes its complaints into a buffer
 * of ours, and their text becomes part of the error.
 */
#include "cuda/room.h"

/* -- JIT options -------------------------------------------------------------------------------------- */

/* The driver takes numbers in the place of the pointer. */
static void jit_put(NjJitOpts *o, int key, uintptr_t value)
{
    o->key[o->n] = key;
    o->value[o->n++] = (void *)value;
}

void nj_cuda_jit_fill(NjJitOpts *o, const NjCudaLoad *how)
{
    memset(o, 0, sizeof *o);
    jit_put(o, NJ_CU_JIT_ERROR_LOG, (uintptr_t)o->error);
    jit_put(o, NJ_CU_JIT_ERROR_NBYTES, NJ_JIT_LOG_NBYTES);
    jit_put(o, NJ_CU_JIT_INFO_LOG, (uintptr_t)o->info);
    jit_put(o, NJ_CU_JIT_INFO_NBYTES, NJ_JIT_LOG_NBYTES);
    if (how == NULL)
        return;
    if (how->max_registers > 0)
        jit_put(o, NJ_CU_JIT_MAX_REGISTERS, (uintptr_t)how->max_registers);
    if (how->opt > 0)
        jit_put(o, NJ_CU_JIT_OPT, (uintptr_t)(how->opt - 1));
    if (how->debug)
        jit_put(o, NJ_CU_JIT_DEBUG, 1);
    if (how->lineinfo)
        jit_put(o, NJ_CU_JIT_LINEINFO, 1);
}

static char *jit_copy_info(const NjJitOpts *o)
{
    size_t n = strlen(o->info);
    char *s = n ? nj_malloc(n + 1) : NULL;
    return s ? memcpy(s, o->info, n + 1) : NULL;
}

/* -- modules -------------------------------------------------------------------------------------------- */

static NjStatus mod_load(NjCudaModule *mod, const void *image, NjJitOpts *o, NjErr *err)
{
    NjErr first = {0};
    NjStatus st = NJ_DRV(mod->dev->cu, &first, cuModuleLoadDataEx, (&mod->mod, image, o->n, o->key, o->value));
    if (st == NJ_OK)
        return NJ_OK;
    return nj_err_set(err, st, first.code, "%s%s%s", first.text, o->error[0] ? "\n" : "", o->error);
}

/* A libNVVM newer than the driver is common (pip brings the newest), so its PTX gets a second chance. */
static NjStatus mod_load_any(NjCudaModule *mod, const void *image, const NjCudaLoad *how, NjJitOpts *o, NjErr *err)
{
    NjText older;
    NjErr first = {0};
    nj_cuda_jit_fill(o, how);
    NjStatus st = nj_cuda_enter(mod->dev, &first);
    if (st == NJ_OK)
        st = mod_load(mod, image, o, &first);
    nj_text_init(&older);
    if (first.code == NJ_CU_UNSUPPORTED_PTX && nj_ptx_lower_version(image, strlen(image), o->error, &older)) {
        nj_log(2, "the driver is older than this PTX; loaded with its .version lowered");
        nj_cuda_jit_fill(o, how);
        st = mod_load(mod, older.at, o, &first);
    }
    nj_text_free(&older);
    return st == NJ_OK ? st : nj_err_set(err, st, first.code, "%s", first.text);
}

NjStatus nj_cuda_module_load(NjCudaDev *dev, const void *image, const NjCudaLoad *how, NjCudaModule **out, char **log,
                             NjErr *err)
{
    *out = NULL;
    if (log != NULL)
        *log = NULL;
    NjCudaModule *mod = nj_calloc(1, sizeof *mod);
    NjJitOpts *o = nj_malloc(sizeof *o);
    NjStatus st = NJ_OK;
    if (mod == NULL || o == NULL) {
        st = nj_err_set(err, NJ_E_NOMEM, 0, "out of memory while loading a CUDA module");
    } else {
        mod->dev = dev;
        mod->lock = (NjLock)NJ_LOCK_INIT;
        st = mod_load_any(mod, image, how, o, err);
    }
    if (st == NJ_OK && log != NULL)
        *log = jit_copy_info(o);
    if (st == NJ_OK)
        *out = mod;
    else
        nj_free(mod);
    nj_free(o);
    return st;
}

NjStatus nj_cuda_module_free(NjCudaModule *mod, NjErr *err)
{
    if (mod == NULL)
        return NJ_OK;
    for (NjCudaFn *f = mod->fns, *next; f != NULL; f = next) {
        next = f->next;
        nj_free(f);
    }
    NjStatus st = nj_cuda_enter(mod->dev, err);
    if (st == NJ_OK)
        st = NJ_DRV(mod->dev->cu, err, cuModuleUnload, (mod->mod));
    else /* unloading needs no current context of its own: the handle knows it */
        (void)NJ_DRV(mod->dev->cu, NULL, cuModuleUnload, (mod->mod));
    nj_free(mod);
    return st;
}

NjStatus nj_cuda_module_fn(NjCudaModule *mod, const char *name, NjCudaFn **out, NjErr *err)
{
    *out = NULL;
    NjCudaFn *f = nj_calloc(1, sizeof *f + strlen(name) + 1);
    if (f == NULL)
        return nj_err_set(err, NJ_E_NOMEM, 0, "out of memory while looking up the kernel '%s'", name);
    strcpy(f->name, name);
    f->mod = mod;
    NjErr first = {0};
    NjStatus st = nj_cuda_enter(mod->dev, &first);
    if (st == NJ_OK)
        st = NJ_DRV(mod->dev->cu, &first, cuModuleGetFunction, (&f->fn, mod->mod, name));
    if (st != NJ_OK) {
        nj_free(f);
        return nj_err_set(err, st, first.code, "kernel '%s': %s", name, first.text);
    }
    nj_lock(&mod->lock);
    f->next = mod->fns;
    mod->fns = f;
    nj_unlock(&mod->lock);
    *out = f;
    return NJ_OK;
}

NjStatus nj_cuda_module_global(NjCudaModule *mod, const char *name, uint64_t *ptr, size_t *nbytes, NjErr *err)
{
    *ptr = 0, *nbytes = 0;
    NjStatus st = nj_cuda_enter(mod->dev, err);
    return st == NJ_OK ? NJ_DRV(mod->dev->cu, err, cuModuleGetGlobal, (ptr, nbytes, mod->mod, name)) : st;
}

/* -- functions ------------------------------------------------------------------------------------------- */

const char *nj_cuda_fn_name(const NjCudaFn *fn)
{
    return fn->name;
}

NjCudaDev *nj_cuda_fn_dev(const NjCudaFn *fn)
{
    return fn->mod->dev;
}

NjStatus nj_cuda_fn_info(const NjCudaFn *fn, NjCudaFnInfo *out, NjErr *err)
{
    const struct {
        int attr;
        int *to;
    } want[] = {
        {NJ_CU_FN_MAX_THREADS, &out->max_threads},
        {NJ_CU_FN_SHARED, &out->shared_nbytes},
        {NJ_CU_FN_CONST, &out->const_nbytes},
        {NJ_CU_FN_LOCAL, &out->local_nbytes},
        {NJ_CU_FN_REGISTERS, &out->registers},
        {NJ_CU_FN_PTX_VERSION, &out->ptx_version},
        {NJ_CU_FN_BINARY_VERSION, &out->binary_version},
        {NJ_CU_FN_MAX_DYNAMIC_SHARED, &out->max_dynamic_shared_nbytes},
    };
    memset(out, 0, sizeof *out);
    NjStatus st = nj_cuda_enter(fn->mod->dev, err);
    for (size_t i = 0; i < NJ_COUNT(want) && st == NJ_OK; i++)
        st = NJ_DRV(fn->mod->dev->cu, err, cuFuncGetAttribute, (want[i].to, want[i].attr, fn->fn));
    return st;
}

static NjStatus fn_set(const NjCudaFn *fn, int attr, int value, NjErr *err)
{
    NjStatus st = nj_cuda_enter(fn->mod->dev, err);
    return st == NJ_OK ? NJ_DRV(fn->mod->dev->cu, err, cuFuncSetAttribute, (fn->fn, attr, value)) : st;
}

NjStatus nj_cuda_fn_set_dynamic_shared(const NjCudaFn *fn, size_t nbytes, NjErr *err)
{
    const NjCudaDevInfo *dev = &fn->mod->dev->info;
    if (nbytes > (size_t)dev->max_shared_optin_nbytes)
        return nj_err_set(err, NJ_E_ENV, NJ_CU_INVALID_VALUE,
                          "kernel '%s': %zu bytes of shared memory; %s has %d for a block", fn->name, nbytes, dev->name,
                          dev->max_shared_optin_nbytes);
    return fn_set(fn, NJ_CU_FN_MAX_DYNAMIC_SHARED, (int)nbytes, err);
}

NjStatus nj_cuda_fn_set_carveout(const NjCudaFn *fn, int percent, NjErr *err)
{
    return fn_set(fn, NJ_CU_FN_CARVEOUT, percent, err);
}

NjStatus nj_cuda_fn_occupancy(const NjCudaFn *fn, int block, size_t shared_nbytes, int *blocks_per_sm, NjErr *err)
{
    *blocks_per_sm = 0;
    NjStatus st = nj_cuda_enter(fn->mod->dev, err);
    if (st != NJ_OK)
        return st;
    return NJ_DRV(fn->mod->dev->cu, err, cuOccupancyMaxActiveBlocksPerMultiprocessor,
                  (blocks_per_sm, fn->fn, block, shared_nbytes));
}
