/* room.h - inside the CUDA room: the structs behind the handles, and the one way to call the driver. */
#ifndef NJ_CUDA_ROOM_H
#define NJ_CUDA_ROOM_H

#include "base/lock.h"
#include "cuda/cuda.h"
#include "cuda/driver.h"

struct NjCuda {
    NjDrvFns fn;
    void    *lib;
    char    *path;
    int      version;
};

struct NjCudaDev {
    NjCuda       *cu;
    NjCuDevice    id;
    NjCuCtx       ctx;
    NjCudaDevInfo info;
};

struct NjCudaFn {
    NjCudaModule *mod;
    NjCuFunc      fn;
    NjCudaFn     *next;         /* of the same module */
    char          name[];
};

struct NjCudaModule {
    NjCudaDev *dev;
    NjCuMod    mod;
    NjLock     lock;            /* guards fns */
    NjCudaFn  *fns;             /* handed out so far; freed with the module */
};

struct NjCudaStream { NjCudaDev *dev; NjCuStrm s; bool owned; };
struct NjCudaEvent  { NjCudaDev *dev; NjCuEvt e; };

/* Calls the driver, checks, logs and names the call: NJ_DRV(cu, err, cuMemAlloc, (&ptr, nbytes)). Yields an NjStatus.
 * `args` are evaluated once, and again only for the log, so they must have no effects. While dump letter x is on, the
 * result is parked in a thread-local, so that the line can show out-parameters and this stays one expression. */
#define NJ_DRV(cu, err, name, args)                                                                   \
    nj_drv_check((cu), (err), NJ_DRV_##name,                                                          \
                 (cu)->fn.name == NULL ? NJ_CU_NO_SYMBOL                                              \
                 : !nj_drv_logging() ? (cu)->fn.name args                                \
                 : (nj_drv_park((cu)->fn.name args), nj_drv_log_##name args))

NjStatus   nj_drv_fail(const NjCuda *cu, NjErr *err, NjDrvId id, NjCuResult r);      /* driver.c */
void       nj_drv_park(NjCuResult r);
#define DRV(name, export, min, flags, params, args, log) NjCuResult nj_drv_log_##name params;
#include "driver.def"
#undef DRV

static inline NjStatus nj_drv_check(const NjCuda *cu, NjErr *err, NjDrvId id, NjCuResult r)
{
    return r == NJ_CU_OK ? NJ_OK : nj_drv_fail(cu, err, id, r);
}

static inline bool nj_drv_logging(void)
{
    return nj_knobs()->dump >> ('x' - 'a') & 1;
}

/* Makes the device's context current if it is not. Asking costs a few nanoseconds, and other libraries of the process
 * may have changed it since. */
static inline NjStatus nj_cuda_enter(const NjCudaDev *dev, NjErr *err)
{
    NjCuCtx now = NULL;
    NjStatus st = NJ_DRV(dev->cu, err, cuCtxGetCurrent, (&now));
    return st != NJ_OK || now == dev->ctx ? st : NJ_DRV(dev->cu, err, cuCtxSetCurrent, (dev->ctx));
}

/* What cuStreamQuery or cuEventQuery gave; NOT_READY is an answer. */
static inline NjStatus nj_cuda_is_done(NjStatus st, const NjErr *got, bool *done, NjErr *err)
{
    *done = st == NJ_OK;
    return st == NJ_OK || got->code == NJ_CU_NOT_READY ? NJ_OK : nj_err_set(err, st, got->code, "%s", got->text);
}

/* module.c: what the driver's JIT and linker are told, and where they complain. */
enum { NJ_JIT_MAX_OPTS = 10, NJ_JIT_LOG_NBYTES = 8192 };
typedef struct NjJitOpts {
    unsigned n;
    int      key[NJ_JIT_MAX_OPTS];
    void    *value[NJ_JIT_MAX_OPTS];
    char     error[NJ_JIT_LOG_NBYTES], info[NJ_JIT_LOG_NBYTES];
} NjJitOpts;
void nj_cuda_jit_fill(NjJitOpts *o, const NjCudaLoad *how);

/* ptxas.c: a driver or ptxas older than libNVVM refuses the .version line alone, and its log says which one it takes.
 * Puts the text with that line lowered into out; false when the log says nothing of the kind. */
bool nj_ptx_lower_version(const char *ptx, size_t n, const char *log, NjText *out);

/* find.c: as nj_find, and on failure an error that names the patterns tried. */
NjStatus nj_find_or_err(NjPart part, const char *const *sites, NjFound *out, NjErr *err);

#endif
