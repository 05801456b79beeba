/* driver.c - loads libcuda.so.1 at run time and turns what its calls return into our errors.
 *
 * In: a path, or what the knobs say. Out: a table of function pointers (driver.def) behind an NjCuda.
 * A driver older than a row leaves that pointer NULL, and only the call that needs it is refused, by name.
 * With dump letter x every call is one line: name, arguments, result.
 */
#include <dlfcn.h>
#include <stdlib.h>

#include "cuda/room.h"

/* -- the table -------------------------------------------------------------------------------------- */

typedef struct DrvRow {
    const char *name, *export, *flags;
    int min;
    size_t offset;
} DrvRow;

static const DrvRow drv_rows[] = {
#define DRV(name, export, min, flags, params, args, log) {#name, #export, flags, min, offsetof(NjDrvFns, name)},
#include "driver.def"
#undef DRV
};

static void drv_load(NjCuda *cu)
{
    for (size_t i = 0; i < NJ_COUNT(drv_rows); i++) {
        void *sym = dlsym(cu->lib, drv_rows[i].export);
        memcpy((char *)&cu->fn + drv_rows[i].offset, &sym, sizeof sym);
    }
}

/* -- errors ------------------------------------------------------------------------------------------ */

/* What a user can do about the results that come from outside the program. */
static const struct {
    NjCuResult code;
    const char *text;
} drv_hints[] = {
    {NJ_CU_NOT_INITIALIZED, "CUDA does not work in a forked child of a process that used it: start workers by 'spawn'"},
    {NJ_CU_STUB, "this is the toolkit's stub, not a driver: take its folder out of LD_LIBRARY_PATH"},
    {NJ_CU_NO_DEVICE, "no GPU is visible: see nvidia-smi and CUDA_VISIBLE_DEVICES"},
    {NJ_CU_NO_BINARY, "the code was made for another architecture"},
    {NJ_CU_UNSUPPORTED_PTX, "the PTX is newer than the driver: install a newer driver or an older libNVVM"},
    {NJ_CU_ILLEGAL_ADDRESS, "a kernel read or wrote outside of its arrays; the context cannot be used any more"},
    {NJ_CU_OUT_OF_RESOURCES, "the kernel needs more registers or shared memory than a block of this size may have"},
    {NJ_CU_LAUNCH_FAILED, "a kernel crashed; the context cannot be used any more"},
    {NJ_CU_SYSTEM_DRIVER_MISMATCH, "the kernel module and libcuda differ in version: reboot, or reinstall the driver"},
};

static const char *drv_hint(NjCuResult r)
{
    for (size_t i = 0; i < NJ_COUNT(drv_hints); i++)
        if (drv_hints[i].code == r)
            return drv_hints[i].text;
    return NULL;
}

static const char *drv_text(const NjCuda *cu, NjCuResult r, NjCuResult (*ask)(NjCuResult, const char **))
{
    const char *text = NULL;
    if (ask == NULL || ask(r, &text) != NJ_CU_OK)
        return NULL;
    return text;
}

const char *nj_cuda_error_name(const NjCuda *cu, int code)
{
    static _Thread_local char number[32];
    const char *name = drv_text(cu, code, cu->fn.cuGetErrorName);
    if (name == NULL) {
        snprintf(number, sizeof number, "CUresult %d", code);
        return number;
    }
    return name;
}

NjStatus nj_drv_fail(const NjCuda *cu, NjErr *err, NjDrvId id, NjCuResult r)
{
    const DrvRow *row = &drv_rows[id];
    if (r == NJ_CU_NO_SYMBOL)
        return nj_err_set(err, NJ_E_ENV, NJ_CU_NOT_SUPPORTED, "%s needs a driver for CUDA %d.%d; %s serves %d.%d",
                          row->name, row->min / 1000, row->min % 1000 / 10, cu->path, cu->version / 1000,
                          cu->version % 1000 / 10);
    const char *text = drv_text(cu, r, cu->fn.cuGetErrorString);
    const char *hint = drv_hint(r);
    return nj_err_set(err, NJ_E_ENV, r, "%s failed: %s (%d)%s%s%s%s%s", row->name, nj_cuda_error_name(cu, r), r,
                      text ? ": " : "", text ? text : "", hint ? " (" : "", hint ? hint : "", hint ? ")" : "");
}

/* -- dump letter x ------------------------------------------------------------------------------------- */

static _Thread_local NjCuResult drv_parked;

void nj_drv_park(NjCuResult r)
{
    drv_parked = r;
}

static NjCuResult NJ_PRINTF(2, 3) drv_log(NjDrvId id, const char *fmt, ...)
{
    char args[512];
    va_list ap;
    if (strchr(drv_rows[id].flags, 'q') != NULL)
        return drv_parked;
    va_start(ap, fmt);
    vsnprintf(args, sizeof args, fmt, ap);
    va_end(ap);
    nj_trace('x', "driver", "%s(%s) = %d", drv_rows[id].name, args, drv_parked);
    return drv_parked;
}

#define UNPAREN(...) __VA_ARGS__
#define DRV(name, export, min, flags, params, args, log)                                                               \
    NjCuResult nj_drv_log_##name params                                                                                \
    {                                                                                                                  \
        return drv_log(NJ_DRV_##name, UNPAREN log);                                                                    \
    }
#include "driver.def"
#undef DRV

/* -- open, close ----------------------------------------------------------------------------------------- */

static void drv_names(const char *path, const char *names[3])
{
    const NjKnobs *k = nj_knobs();
    memset(names, 0, 3 * sizeof *names);
    if (path != NULL) {
        names[0] = path;
    } else if (k->libcuda != NULL) {
        names[0] = k->libcuda;
    } else if (k->device != NULL && strcmp(k->device, "mock") == 0) {
        names[0] = getenv("NAJA_FAKE_CUDA"); /* the tests' build sets it; not a knob of users */
    } else {
        names[0] = "libcuda.so.1";
        names[1] = "/usr/lib/wsl/lib/libcuda.so.1";
    }
}

static NjStatus drv_dlopen(NjCuda *cu, const char *path, NjErr *err)
{
    const char *names[3];
    NjText why;
    drv_names(path, names);
    if (names[0] == NULL)
        return nj_err_set(err, NJ_E_ENV, 0, "NAJA_DEVICE=mock needs the fake driver's path in NAJA_LIBCUDA");
    if (strcmp(names[0], "none") == 0)
        return nj_err_set(err, NJ_E_ENV, 0, "no CUDA driver: NAJA_LIBCUDA=none turns it off");
    nj_text_init(&why);
    for (size_t i = 0; names[i] != NULL && cu->lib == NULL; i++) {
        cu->lib = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
        if (cu->lib == NULL)
            nj_text_fmt(&why, "%s%s", i ? "; " : "", dlerror());
    }
    NjStatus st = cu->lib ? NJ_OK : nj_err_set(err, NJ_E_ENV, 0, "no CUDA driver: %s", why.at ? why.at : names[0]);
    nj_text_free(&why);
    return st;
}

/* The path the loader really took, for messages: a bare soname says nothing. */
static char *drv_realpath(NjCuda *cu)
{
    Dl_info info;
    void *sym = NULL;
    memcpy(&sym, &cu->fn.cuInit, sizeof sym);
    const char *s = dladdr(sym, &info) && info.dli_fname ? info.dli_fname : "libcuda.so.1";
    char *copy = nj_malloc(strlen(s) + 1);
    return copy ? strcpy(copy, s) : NULL;
}

static NjStatus drv_start(NjCuda *cu, NjErr *err)
{
    drv_load(cu);
    cu->path = drv_realpath(cu);
    if (cu->path == NULL)
        return nj_err_set(err, NJ_E_NOMEM, 0, "out of memory while loading the CUDA driver");
    if (cu->fn.cuInit == NULL || cu->fn.cuCtxGetCurrent == NULL || cu->fn.cuLaunchKernel == NULL)
        return nj_err_set(err, NJ_E_ENV, 0,
                          "%s is not a CUDA driver: cuInit, cuCtxGetCurrent or cuLaunchKernel is missing", cu->path);
    NjStatus st = NJ_DRV(cu, err, cuDriverGetVersion, (&cu->version));
    return st == NJ_OK ? NJ_DRV(cu, err, cuInit, (0)) : st;
}

NjStatus nj_cuda_open(const char *path, NjCuda **out, NjErr *err)
{
    *out = NULL;
    NjCuda *cu = nj_calloc(1, sizeof *cu);
    if (cu == NULL)
        return nj_err_set(err, NJ_E_NOMEM, 0, "out of memory while loading the CUDA driver");
    NjStatus st = drv_dlopen(cu, path, err);
    if (st == NJ_OK)
        st = drv_start(cu, err);
    if (st != NJ_OK) {
        nj_cuda_close(cu);
        return st;
    }
    nj_log(1, "driver %s for CUDA %d.%d", cu->path, cu->version / 1000, cu->version % 1000 / 10);
    *out = cu;
    return NJ_OK;
}

/* The library itself stays loaded: drivers start threads and exit handlers that outlive a dlclose. */
void nj_cuda_close(NjCuda *cu)
{
    if (cu == NULL)
        return;
    nj_free(cu->path);
    nj_free(cu);
}

int nj_cuda_version(const NjCuda *cu)
{
    return cu->version;
}

const char *nj_cuda_path(const NjCuda *cu)
{
    return cu->path;
}

void *nj_cuda_symbol(const NjCuda *cu, const char *name)
{
    return dlsym(cu->lib, name);
}
