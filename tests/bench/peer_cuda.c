/* peer_cuda.c - a libcuda.so.1 that puts NVIDIA's Python bindings on the fake driver, so that one process can launch
 * through numba-cuda and through naja. Built by launch.py; no test uses it.
 *
 * The bindings ask cuGetProcAddress for every call. What naja calls, too, is the fake's own; the rest here is what
 * numba-cuda asks for on its way to a launch, in terms of the fake's calls. Anything else is not found, which the
 * bindings report by name.
 */
#include <stdint.h>
#include <string.h>

#include "cuda/driver.h"

typedef struct PeerConfig {             /* CUlaunchConfig */
    unsigned grid[3], block[3], shared_nbytes;
    NjCuStrm stream;
    void    *attrs;
    unsigned nattrs;
} PeerConfig;

enum { PEER_LEGACY_STREAM = 1 };

#define DRV(name, export, min, flags, params, args, log) NjCuResult export params;
#include "cuda/driver.def"
#undef DRV

/* -- contexts: the primary one of device 0 --------------------------------------------------------------------------- */

static NjCuResult peer_ctx_get_device(NjCuDevice *dev)
{
    NjCuCtx ctx;
    *dev = 0;
    return cuCtxGetCurrent(&ctx) ? NJ_CU_INVALID_CONTEXT : NJ_CU_OK;
}

static NjCuResult peer_ctx_push(NjCuCtx ctx) { return cuCtxSetCurrent(ctx); }

static NjCuResult peer_ctx_pop(NjCuCtx *ctx) { return cuCtxGetCurrent(ctx); }

static NjCuResult peer_primary_state(NjCuDevice dev, unsigned *flags, int *active)
{
    *flags = 0;
    *active = 1;
    return NJ_CU_OK;
}

static NjCuResult peer_stream_ctx(NjCuStrm s, NjCuCtx *ctx) { return cuCtxGetCurrent(ctx); }

/* -- libraries, which are modules; kernels, which are functions ------------------------------------------------------- */

static NjCuResult peer_library_load(NjCuMod *lib, const void *code, int *jit, void **jit_values, unsigned njit, int *opts,
                                    void **values, unsigned n)
{
    return cuModuleLoadDataEx(lib, code, 0, NULL, NULL);
}

static NjCuResult peer_library_kernel(NjCuFunc *kernel, NjCuMod lib, const char *name)
{
    return cuModuleGetFunction(kernel, lib, name);
}

static NjCuResult peer_library_unload(NjCuMod lib) { return cuModuleUnload(lib); }

static NjCuResult peer_kernel_function(NjCuFunc *fn, NjCuFunc kernel)
{
    *fn = kernel;
    return NJ_CU_OK;
}

static NjCuResult peer_kernel_attribute(int *value, int attr, NjCuFunc kernel, NjCuDevice dev)
{
    return cuFuncGetAttribute(value, attr, kernel);
}

static NjCuResult peer_launch(const PeerConfig *c, NjCuFunc fn, void **params, void **extra)
{
    NjCuStrm s = (uintptr_t)c->stream == PEER_LEGACY_STREAM ? NULL : c->stream;
    return cuLaunchKernel(fn, c->grid[0], c->grid[1], c->grid[2], c->block[0], c->block[1], c->block[2], c->shared_nbytes,
                          s, params, extra);
}

/* -- by name ----------------------------------------------------------------------------------------------------------- */

NjCuResult cuGetProcAddress_v2(const char *name, void **fn, int version, uint64_t flags, int *status);

static const struct { const char *name; void *fn; } peer_calls[] = {
#define DRV(name, export, min, flags, params, args, log) {#name, (void *)export},
#include "cuda/driver.def"
#undef DRV
    {"cuGetProcAddress", (void *)cuGetProcAddress_v2},
    {"cuCtxGetDevice", (void *)peer_ctx_get_device},
    {"cuCtxPushCurrent", (void *)peer_ctx_push},
    {"cuCtxPopCurrent", (void *)peer_ctx_pop},
    {"cuDevicePrimaryCtxGetState", (void *)peer_primary_state},
    {"cuStreamGetCtx", (void *)peer_stream_ctx},
    {"cuLibraryLoadData", (void *)peer_library_load},
    {"cuLibraryGetKernel", (void *)peer_library_kernel},
    {"cuLibraryUnload", (void *)peer_library_unload},
    {"cuKernelGetFunction", (void *)peer_kernel_function},
    {"cuKernelGetAttribute", (void *)peer_kernel_attribute},
    {"cuLaunchKernelEx", (void *)peer_launch},
};

NjCuResult cuGetProcAddress_v2(const char *name, void **fn, int version, uint64_t flags, int *status)
{
    *fn = NULL;
    for (size_t i = 0; i < sizeof peer_calls / sizeof *peer_calls && *fn == NULL; i++)
        if (strcmp(peer_calls[i].name, name) == 0)
            *fn = peer_calls[i].fn;
    if (status)
        *status = *fn ? 0 : 1;          /* CU_GET_PROC_ADDRESS_SUCCESS, SYMBOL_NOT_FOUND */
    return *fn ? NJ_CU_OK : NJ_CU_NOT_FOUND;
}
