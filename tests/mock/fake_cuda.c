/* fake_cuda.c - a libcuda.so.1 on host memory, made from the driver's own table (cuda/driver.def).
 *
 * Real: handles, contexts, reference counts, copies, bounds of every address, what a launch is refused for. Recorded:
 * launches, with each parameter's bytes as the PTX declares them. Not done: running kernels, unless a test registers a
 * function for it. Any call can be made to fail; everything not given back is counted. One lock guards all state.
 */
#include "fake_cuda.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cuda/driver.h"
#include "fake_ptx.h"

/* -- state ------------------------------------------------------------------------------------------------------- */

typedef enum FakeKind {
    FAKE_DEVICE, FAKE_MANAGED, FAKE_HOST, FAKE_PINNED, FAKE_MODULE, FAKE_STREAM, FAKE_EVENT, FAKE_LINK
} FakeKind;

/* Every live thing, in one list. For memory `at` is its address; for the rest the object itself is the handle. */
typedef struct FakeObj {
    struct FakeObj *next;
    FakeKind kind;
    void    *at;
    size_t   nbytes;
    int      dev;
    FakeCode code;                  /* modules */
    struct timespec when;           /* events */
    bool     recorded;
    char    *text;                  /* links: the joined PTX */
} FakeObj;

typedef struct FakeLaunch {
    char      name[FAKE_MAX_NAME];
    unsigned  geometry[8];
    void     *stream;
    unsigned *size;
    uint8_t (*value)[16];           /* parameters over 16 bytes keep their first 16 */
} FakeLaunch;

enum { FAKE_MAX_DEVICES = 8 };
static struct {
    pthread_mutex_t lock;
    bool        inited, forgets;    /* launches are checked and not kept: for timing ours */
    int         ndev, cc, retained[FAKE_MAX_DEVICES];
    FakeObj    *live, *modules;     /* modules apart, so that a launch does not walk the memory */
    size_t      used;
    FakeLaunch *launches;
    long        nlaunch, caplaunch;
    long        calls, fail_at;
    int         fail_result, fail_name_result;
    const char *fail_name, *failed;
    NjFakeKernel kernel;
} fake = {.lock = PTHREAD_MUTEX_INITIALIZER, .ndev = 1, .cc = 86};

static char fake_ctx[FAKE_MAX_DEVICES];              /* the address of element i is device i's context */
static _Thread_local NjCuCtx fake_current;
static const size_t fake_total = (size_t)8 << 30;

static int fake_ctx_device(NjCuCtx ctx)
{
    uintptr_t i = (uintptr_t)ctx - (uintptr_t)fake_ctx;
    return i < FAKE_MAX_DEVICES && fake.retained[i] > 0 ? (int)i : -1;
}

static bool fake_no_ctx(void)
{
    return fake_current == NULL || fake_ctx_device(fake_current) < 0;
}

static FakeObj *fake_new(FakeKind kind, void *at, size_t nbytes)
{
    FakeObj *o = calloc(1, sizeof *o);
    o->kind = kind, o->at = at ? at : o, o->nbytes = nbytes;
    o->dev = fake_ctx_device(fake_current);
    FakeObj **head = kind == FAKE_MODULE ? &fake.modules : &fake.live;
    o->next = *head;
    *head = o;
    return o;
}

static FakeObj *fake_find(FakeKind kind, const void *at)
{
    FakeObj *o = kind == FAKE_MODULE ? fake.modules : fake.live;
    while (o && !(o->kind == kind && o->at == at))
        o = o->next;
    return o;
}

/* Does a live allocation that the device may touch hold all of [at, at + n)? */
static FakeObj *fake_holds(uint64_t at, size_t n)
{
    for (FakeObj *o = fake.live; o; o = o->next)
        if (o->kind <= FAKE_PINNED && at >= (uintptr_t)o->at && at - (uintptr_t)o->at <= o->nbytes &&
            n <= o->nbytes - (at - (uintptr_t)o->at))
            return o;
    return NULL;
}

static bool fake_global_holds(uint64_t at, size_t n)
{
    for (FakeObj *o = fake.modules; o; o = o->next)
        for (FakeGlobal *g = o->code.globals; g; g = g->next)
            if (at >= (uintptr_t)g->data && at + n <= (uintptr_t)g->data + g->nbytes)
                return true;
    return false;
}

static void fake_drop(FakeObj *o)
{
    FakeObj **p = o->kind == FAKE_MODULE ? &fake.modules : &fake.live;
    while (*p != o)
        p = &(*p)->next;
    *p = o->next;
    if (o->kind == FAKE_DEVICE || o->kind == FAKE_MANAGED)
        fake.used -= o->nbytes;
    if (o->kind <= FAKE_HOST)
        free(o->at);
    ptx_free(&o->code);
    free(o->text);
    free(o);
}

static NjCuResult fake_drop_handle(FakeKind kind, const void *at)
{
    FakeObj *o = at ? fake_find(kind, at) : NULL;
    if (o == NULL)
        return kind <= FAKE_PINNED ? NJ_CU_INVALID_VALUE : NJ_CU_INVALID_HANDLE;
    fake_drop(o);
    return NJ_CU_OK;
}

/* -- library ----------------------------------------------------------------------------------------------------- */

static int fake_env(const char *name, int deflt, int low, int high)
{
    const char *s = getenv(name);
    int v = s ? atoi(s) : deflt;
    return v < low ? low : v > high ? high : v;
}

static NjCuResult fake_cuInit(unsigned flags)
{
    const char *fail = getenv("NAJA_FAKE_FAIL");
    fake.ndev = fake_env("NAJA_FAKE_DEVICES", 1, 0, FAKE_MAX_DEVICES);
    fake.cc = fake_env("NAJA_FAKE_CC", 86, 10, 999);
    fake.forgets = !fake_env("NAJA_FAKE_RECORD", 1, 0, 1);
    if (fail && !fake.inited && !fake.fail_at) {
        fake.fail_result = NJ_CU_UNKNOWN;
        sscanf(fail, "%ld:%d", &fake.fail_at, &fake.fail_result);
    }
    if (fake.ndev == 0)
        return NJ_CU_NO_DEVICE;
    fake.inited = true;
    return flags ? NJ_CU_INVALID_VALUE : NJ_CU_OK;
}

static NjCuResult fake_cuDriverGetVersion(int *version)
{
    *version = 12080;
    return NJ_CU_OK;
}

static const struct { NjCuResult code; const char *name, *text; } fake_errors[] = {
    {0, "CUDA_SUCCESS", "no error"},
    {1, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {2, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {3, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
    {100, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {101, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {200, "CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"},
    {201, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
    {218, "CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed"},
    {222, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION", "the provided PTX was compiled with an unsupported toolchain."},
    {400, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
    {500, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {600, "CUDA_ERROR_NOT_READY", "device not ready"},
    {700, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"},
    {701, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", "too many resources requested for launch"},
    {999, "CUDA_ERROR_UNKNOWN", "unknown error"},
};

static NjCuResult fake_error(NjCuResult r, const char **out, bool name)
{
    for (size_t i = 0; i < sizeof fake_errors / sizeof *fake_errors; i++)
        if (fake_errors[i].code == r)
            return *out = name ? fake_errors[i].name : fake_errors[i].text, NJ_CU_OK;
    *out = NULL;
    return NJ_CU_INVALID_VALUE;
}

static NjCuResult fake_cuGetErrorName(NjCuResult r, const char **text) { return fake_error(r, text, true); }
static NjCuResult fake_cuGetErrorString(NjCuResult r, const char **text) { return fake_error(r, text, false); }

/* -- devices and contexts ---------------------------------------------------------------------------------------- */

static bool fake_bad_dev(NjCuDevice dev)
{
    return dev < 0 || dev >= fake.ndev;
}

static NjCuResult fake_cuDeviceGetCount(int *count)
{
    *count = fake.ndev;
    return NJ_CU_OK;
}

static NjCuResult fake_cuDeviceGet(NjCuDevice *dev, int ordinal)
{
    *dev = ordinal;
    return fake_bad_dev(ordinal) ? NJ_CU_INVALID_DEVICE : NJ_CU_OK;
}

static NjCuResult fake_cuDeviceGetName(char *name, int n, NjCuDevice dev)
{
    snprintf(name, (size_t)n, "naja fake device %d", dev);
    return fake_bad_dev(dev) ? NJ_CU_INVALID_DEVICE : NJ_CU_OK;
}

static NjCuResult fake_cuDeviceGetUuid(NjCuUuid *uuid, NjCuDevice dev)
{
    memset(uuid, 0xfa, sizeof *uuid);
    uuid->bytes[15] = (uint8_t)dev;
    return fake_bad_dev(dev) ? NJ_CU_INVALID_DEVICE : NJ_CU_OK;
}

static NjCuResult fake_cuDeviceGetPCIBusId(char *id, int n, NjCuDevice dev)
{
    snprintf(id, (size_t)n, "0000:%02x:00.0", dev + 1);
    return fake_bad_dev(dev) ? NJ_CU_INVALID_DEVICE : NJ_CU_OK;
}

static NjCuResult fake_cuDeviceTotalMem(size_t *nbytes, NjCuDevice dev)
{
    *nbytes = fake_total;
    return fake_bad_dev(dev) ? NJ_CU_INVALID_DEVICE : NJ_CU_OK;
}

static NjCuResult fake_cuDeviceGetAttribute(int *value, int attr, NjCuDevice dev)
{
    static const struct { int attr, value; } known[] = {
        {NJ_CU_DEV_max_threads_per_block, 1024}, {NJ_CU_DEV_max_block_dim_x, 1024}, {NJ_CU_DEV_max_block_dim_y, 1024},
        {NJ_CU_DEV_max_block_dim_z, 64}, {NJ_CU_DEV_max_grid_dim_x, 2147483647}, {NJ_CU_DEV_max_grid_dim_y, 65535},
        {NJ_CU_DEV_max_grid_dim_z, 65535}, {NJ_CU_DEV_max_shared_memory_per_block, 49152}, {NJ_CU_DEV_warp_size, 32},
        {NJ_CU_DEV_max_shared_memory_per_block_optin, 101376}, {NJ_CU_DEV_multiprocessor_count, 28},
        {NJ_CU_DEV_max_registers_per_block, 65536}, {NJ_CU_DEV_unified_addressing, 1}, {NJ_CU_DEV_managed_memory, 1},
        {NJ_CU_DEV_cooperative_launch, 1}, {NJ_CU_DEV_clock_rate, 1777000}, {NJ_CU_DEV_async_engine_count, 2},
    };
    *value = 0;
    if (fake_bad_dev(dev))
        return NJ_CU_INVALID_DEVICE;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].attr == attr)
            *value = known[i].value;
    *value = attr == NJ_CU_DEV_compute_capability_major ? fake.cc / 10 : *value;
    *value = attr == NJ_CU_DEV_compute_capability_minor ? fake.cc % 10 : *value;
    return attr < 1 ? NJ_CU_INVALID_VALUE : NJ_CU_OK;
}

static NjCuResult fake_cuDevicePrimaryCtxRetain(NjCuCtx *ctx, NjCuDevice dev)
{
    if (fake_bad_dev(dev))
        return NJ_CU_INVALID_DEVICE;
    fake.retained[dev]++;
    *ctx = (NjCuCtx)&fake_ctx[dev];
    return NJ_CU_OK;
}

static NjCuResult fake_cuDevicePrimaryCtxRelease(NjCuDevice dev)
{
    if (fake_bad_dev(dev) || fake.retained[dev] == 0)
        return NJ_CU_INVALID_CONTEXT;
    fake.retained[dev]--;
    return NJ_CU_OK;
}

static NjCuResult fake_cuCtxGetCurrent(NjCuCtx *ctx)
{
    *ctx = fake_current;
    return NJ_CU_OK;
}

static NjCuResult fake_cuCtxSetCurrent(NjCuCtx ctx)
{
    if (ctx != NULL && fake_ctx_device(ctx) < 0)
        return NJ_CU_INVALID_CONTEXT;
    fake_current = ctx;
    return NJ_CU_OK;
}

static NjCuResult fake_cuCtxSynchronize(void)
{
    return fake_no_ctx() ? NJ_CU_INVALID_CONTEXT : NJ_CU_OK;
}

static NjCuResult fake_cuMemGetInfo(size_t *avail, size_t *total)
{
    *avail = fake_total - fake.used, *total = fake_total;
    return fake_no_ctx() ? NJ_CU_INVALID_CONTEXT : NJ_CU_OK;
}

/* -- modules and functions --------------------------------------------------------------------------------------- */

static void *fake_option(unsigned n, const int *opts, void **values, int key)
{
    for (unsigned i = 0; i < n; i++)
        if (opts[i] == key)
            return values[i];
    return NULL;
}

static NjCuResult fake_cuModuleLoadDataEx(NjCuMod *mod, const void *image, unsigned n, int *opts, void **values)
{
    char *log = fake_option(n, opts, values, NJ_CU_JIT_ERROR_LOG);
    size_t nlog = (size_t)fake_option(n, opts, values, NJ_CU_JIT_ERROR_NBYTES);
    if (fake_no_ctx())
        return NJ_CU_INVALID_CONTEXT;
    FakeObj *o = fake_new(FAKE_MODULE, NULL, 0);
    NjCuResult r = ptx_load(&o->code, o, image, fake.cc, log, nlog);
    if (r != NJ_CU_OK)
        fake_drop(o);
    else
        *mod = (NjCuMod)o;
    return r;
}

static NjCuResult fake_cuModuleUnload(NjCuMod mod) { return fake_drop_handle(FAKE_MODULE, mod); }

static NjCuResult fake_cuModuleGetFunction(NjCuFunc *fn, NjCuMod mod, const char *name)
{
    FakeObj *o = fake_find(FAKE_MODULE, mod);
    if (o == NULL)
        return NJ_CU_INVALID_HANDLE;
    FakeEntry *e = o->code.entries;
    while (e && strcmp(e->name, name) != 0)
        e = e->next;
    if (e == NULL && o->code.cubin) {       /* unread: it has any kernel, and its parameters are not known */
        e = calloc(1, sizeof *e);
        snprintf(e->name, sizeof e->name, "%s", name);
        e->mod = o, e->max_threads = 1024, e->max_dynamic_shared = 48 * 1024;
        e->next = o->code.entries;
        o->code.entries = e;
    }
    *fn = (NjCuFunc)e;
    return e ? NJ_CU_OK : NJ_CU_NOT_FOUND;
}

static NjCuResult fake_cuModuleGetGlobal(NjCuPtr *ptr, size_t *nbytes, NjCuMod mod, const char *name)
{
    FakeObj *o = fake_find(FAKE_MODULE, mod);
    if (o == NULL)
        return NJ_CU_INVALID_HANDLE;
    for (FakeGlobal *g = o->code.globals; g; g = g->next)
        if (strcmp(g->name, name) == 0)
            return *ptr = (uintptr_t)g->data, *nbytes = g->nbytes, NJ_CU_OK;
    return NJ_CU_NOT_FOUND;
}

static FakeEntry *fake_entry(NjCuFunc fn)
{
    for (FakeObj *o = fake.modules; o; o = o->next)
        for (FakeEntry *e = o->code.entries; e; e = e->next)
            if ((NjCuFunc)e == fn)
                return e;
    return NULL;
}

static NjCuResult fake_cuFuncGetAttribute(int *value, int attr, NjCuFunc fn)
{
    FakeEntry *e = fake_entry(fn);
    if (e == NULL)
        return NJ_CU_INVALID_HANDLE;
    switch (attr) {
    case NJ_CU_FN_MAX_THREADS: *value = (int)e->max_threads; break;
    case NJ_CU_FN_SHARED: *value = (int)e->shared_nbytes; break;
    case NJ_CU_FN_REGISTERS: *value = 16; break;
    case NJ_CU_FN_PTX_VERSION: *value = ((FakeObj *)e->mod)->code.target; break;
    case NJ_CU_FN_BINARY_VERSION: *value = fake.cc; break;
    case NJ_CU_FN_MAX_DYNAMIC_SHARED: *value = (int)e->max_dynamic_shared; break;
    default: *value = 0; break;
    }
    return NJ_CU_OK;
}

static NjCuResult fake_cuFuncSetAttribute(NjCuFunc fn, int attr, int value)
{
    FakeEntry *e = fake_entry(fn);
    if (e == NULL)
        return NJ_CU_INVALID_HANDLE;
    if (attr == NJ_CU_FN_MAX_DYNAMIC_SHARED && value >= 0 && value + (int)e->shared_nbytes <= 101376)
        e->max_dynamic_shared = (unsigned)value;
    else if (attr != NJ_CU_FN_CARVEOUT || value < -1 || value > 100)
        return NJ_CU_INVALID_VALUE;
    return NJ_CU_OK;
}

static NjCuResult fake_cuOccupancyMaxActiveBlocksPerMultiprocessor(int *nblocks, NjCuFunc fn, int block, size_t shared)
{
    FakeEntry *e = fake_entry(fn);
    if (e == NULL)
        return NJ_CU_INVALID_HANDLE;
    int warps = (block + 31) / 32;
    *nblocks = warps ? 48 / warps : 0;
    if (shared + e->shared_nbytes > 0 && *nblocks > (int)(102400 / (shared + e->shared_nbytes)))
        *nblocks = (int)(102400 / (shared + e->shared_nbytes));
    return block > 0 ? NJ_CU_OK : NJ_CU_INVALID_VALUE;
}

/* -- linking: the "cubin" is the joined PTX, with one header ----------------------------------------------------- */

static NjCuResult fake_cuLinkCreate(unsigned n, int *opts, void **values, NjCuLink *link)
{
    if (fake_no_ctx())
        return NJ_CU_INVALID_CONTEXT;
    *link = (NjCuLink)fake_new(FAKE_LINK, NULL, 0);
    return NJ_CU_OK;
}

static NjCuResult fake_cuLinkAddData(NjCuLink link, int kind, void *data, size_t nbytes, const char *name, unsigned n,
                                     int *opts, void **values)
{
    FakeCode code;
    FakeObj *o = fake_find(FAKE_LINK, link);
    if (o == NULL || kind != NJ_CU_INPUT_PTX)
        return o ? NJ_CU_INVALID_VALUE : NJ_CU_INVALID_HANDLE;
    NjCuResult r = ptx_load(&code, o, data, fake.cc, NULL, 0);
    ptx_free(&code);
    if (r != NJ_CU_OK)
        return r;
    const char *body = data, *size = strstr(data, ".address_size");
    if (o->text && size)
        body = size + strcspn(size, "\n");
    size_t old = o->text ? strlen(o->text) : 0;
    o->text = realloc(o->text, old + strlen(body) + 1);
    strcpy(o->text + old, body);
    return NJ_CU_OK;
}

static NjCuResult fake_cuLinkComplete(NjCuLink link, void **cubin, size_t *nbytes)
{
    FakeObj *o = fake_find(FAKE_LINK, link);
    if (o == NULL || o->text == NULL)
        return o ? NJ_CU_INVALID_IMAGE : NJ_CU_INVALID_HANDLE;
    *cubin = o->text, *nbytes = strlen(o->text) + 1;
    return NJ_CU_OK;
}

static NjCuResult fake_cuLinkDestroy(NjCuLink link) { return fake_drop_handle(FAKE_LINK, link); }

/* -- memory ------------------------------------------------------------------------------------------------------ */

static NjCuResult fake_take(FakeKind kind, size_t nbytes, void **p)
{
    if (fake_no_ctx())
        return NJ_CU_INVALID_CONTEXT;
    if (nbytes == 0)
        return NJ_CU_INVALID_VALUE;
    if (nbytes > fake_total - fake.used || posix_memalign(p, 256, nbytes) != 0)
        return NJ_CU_OUT_OF_MEMORY;
    memset(*p, 0xcd, nbytes < 65536 ? nbytes : 65536);      /* what is read before it is written must look wrong */
    fake_new(kind, *p, nbytes);
    fake.used += kind == FAKE_HOST ? 0 : nbytes;
    return NJ_CU_OK;
}

static NjCuResult fake_take_device(FakeKind kind, NjCuPtr *ptr, size_t nbytes)
{
    void *p = NULL;
    NjCuResult r = fake_take(kind, nbytes, &p);
    if (r == NJ_CU_OK)
        *ptr = (uintptr_t)p;
    return r;
}

static NjCuResult fake_cuMemAlloc(NjCuPtr *ptr, size_t nbytes) { return fake_take_device(FAKE_DEVICE, ptr, nbytes); }

static NjCuResult fake_cuMemAllocManaged(NjCuPtr *ptr, size_t nbytes, unsigned flags)
{
    return fake_take_device(FAKE_MANAGED, ptr, nbytes);
}

static NjCuResult fake_cuMemFree(NjCuPtr ptr)
{
    NjCuResult r = fake_drop_handle(FAKE_DEVICE, (void *)(uintptr_t)ptr);
    return r == NJ_CU_OK ? r : fake_drop_handle(FAKE_MANAGED, (void *)(uintptr_t)ptr);
}

static NjCuResult fake_cuMemHostAlloc(void **p, size_t n, unsigned flags) { return fake_take(FAKE_HOST, n, p); }
static NjCuResult fake_cuMemFreeHost(void *p) { return fake_drop_handle(FAKE_HOST, p); }

static NjCuResult fake_cuMemHostRegister(void *p, size_t nbytes, unsigned flags)
{
    if (fake_no_ctx())
        return NJ_CU_INVALID_CONTEXT;
    if (p == NULL || nbytes == 0)
        return NJ_CU_INVALID_VALUE;
    if (fake_find(FAKE_PINNED, p))
        return 712;
    fake_new(FAKE_PINNED, p, nbytes);
    return NJ_CU_OK;
}

static NjCuResult fake_cuMemHostUnregister(void *p)
{
    return fake_drop_handle(FAKE_PINNED, p) == NJ_CU_OK ? NJ_CU_OK : 713;
}

static NjCuResult fake_cuMemHostGetDevicePointer(NjCuPtr *ptr, void *p, unsigned flags)
{
    FakeObj *o = fake_holds((uintptr_t)p, 1);
    *ptr = o ? (uintptr_t)p : 0;
    return o && (o->kind == FAKE_HOST || o->kind == FAKE_PINNED) ? NJ_CU_OK : NJ_CU_INVALID_VALUE;
}

static NjCuResult fake_cuPointerGetAttribute(void *value, int attr, NjCuPtr ptr)
{
    FakeObj *o = fake_holds(ptr, 1);
    if (o == NULL)
        return NJ_CU_INVALID_VALUE;
    if (attr == NJ_CU_PTR_MEMORY_TYPE)
        *(unsigned *)value = o->kind <= FAKE_MANAGED ? NJ_CU_MEMORY_DEVICE : NJ_CU_MEMORY_HOST;
    else if (attr == NJ_CU_PTR_DEVICE_ORDINAL)
        *(int *)value = o->dev;
    else
        return NJ_CU_INVALID_VALUE;
    return NJ_CU_OK;
}

static NjCuResult fake_check(NjCuPtr ptr, size_t n, NjCuStrm s)
{
    if (fake_no_ctx())
        return NJ_CU_INVALID_CONTEXT;
    if ((uintptr_t)s > 2 && !fake_find(FAKE_STREAM, s))
        return NJ_CU_INVALID_HANDLE;
    return fake_holds(ptr, n) || fake_global_holds(ptr, n) ? NJ_CU_OK : NJ_CU_INVALID_VALUE;
}

static NjCuResult fake_cuMemcpyHtoDAsync(NjCuPtr dst, const void *src, size_t nbytes, NjCuStrm s)
{
    NjCuResult r = fake_check(dst, nbytes, s);
    if (r == NJ_CU_OK)
        memcpy((void *)(uintptr_t)dst, src, nbytes);
    return r;
}

static NjCuResult fake_cuMemcpyDtoHAsync(void *dst, NjCuPtr src, size_t nbytes, NjCuStrm s)
{
    NjCuResult r = fake_check(src, nbytes, s);
    if (r == NJ_CU_OK)
        memcpy(dst, (void *)(uintptr_t)src, nbytes);
    return r;
}

static NjCuResult fake_cuMemcpyDtoDAsync(NjCuPtr dst, NjCuPtr src, size_t nbytes, NjCuStrm s)
{
    NjCuResult r = fake_check(dst, nbytes, s);
    return r == NJ_CU_OK ? fake_cuMemcpyDtoHAsync((void *)(uintptr_t)dst, src, nbytes, s) : r;
}

static NjCuResult fake_cuMemcpyHtoD(NjCuPtr dst, const void *src, size_t n)
{
    return fake_cuMemcpyHtoDAsync(dst, src, n, NULL);
}

static NjCuResult fake_cuMemcpyDtoH(void *dst, NjCuPtr src, size_t n)
{
    return fake_cuMemcpyDtoHAsync(dst, src, n, NULL);
}

static NjCuResult fake_cuMemcpyDtoD(NjCuPtr dst, NjCuPtr src, size_t n)
{
    return fake_cuMemcpyDtoDAsync(dst, src, n, NULL);
}

static NjCuResult fake_set(NjCuPtr ptr, unsigned value, size_t width, size_t n, NjCuStrm s)
{
    NjCuResult r = ptr % width ? NJ_CU_INVALID_VALUE : fake_check(ptr, n * width, s);
    for (size_t i = 0; r == NJ_CU_OK && i < n; i++)      /* little-endian, as the device */
        memcpy((char *)(uintptr_t)ptr + i * width, &value, width);
    return r;
}

static NjCuResult fake_cuMemsetD8(NjCuPtr p, unsigned char v, size_t n) { return fake_set(p, v, 1, n, NULL); }
static NjCuResult fake_cuMemsetD16(NjCuPtr p, unsigned short v, size_t n) { return fake_set(p, v, 2, n, NULL); }
static NjCuResult fake_cuMemsetD32(NjCuPtr p, unsigned v, size_t n) { return fake_set(p, v, 4, n, NULL); }
static NjCuResult fake_cuMemsetD8Async(NjCuPtr p, unsigned char v, size_t n, NjCuStrm s)
{
    return fake_set(p, v, 1, n, s);
}

static NjCuResult fake_cuMemsetD16Async(NjCuPtr p, unsigned short v, size_t n, NjCuStrm s)
{
    return fake_set(p, v, 2, n, s);
}

static NjCuResult fake_cuMemsetD32Async(NjCuPtr p, unsigned v, size_t n, NjCuStrm s)
{
    return fake_set(p, v, 4, n, s);
}

/* -- streams and events: everything is finished at once ---------------------------------------------------------- */

static NjCuResult fake_stream_check(NjCuStrm s)
{
    if (fake_no_ctx())
        return NJ_CU_INVALID_CONTEXT;
    return (uintptr_t)s <= 2 || fake_find(FAKE_STREAM, s) ? NJ_CU_OK : NJ_CU_INVALID_HANDLE;
}

static NjCuResult fake_cuStreamCreate(NjCuStrm *s, unsigned flags)
{
    if (fake_no_ctx())
        return NJ_CU_INVALID_CONTEXT;
    *s = (NjCuStrm)fake_new(FAKE_STREAM, NULL, 0);
    return NJ_CU_OK;
}

static NjCuResult fake_cuStreamDestroy(NjCuStrm s) { return fake_drop_handle(FAKE_STREAM, s); }
static NjCuResult fake_cuStreamSynchronize(NjCuStrm s) { return fake_stream_check(s); }
static NjCuResult fake_cuStreamQuery(NjCuStrm s) { return fake_stream_check(s); }

static NjCuResult fake_cuStreamWaitEvent(NjCuStrm s, NjCuEvt e, unsigned flags)
{
    return fake_find(FAKE_EVENT, e) ? fake_stream_check(s) : NJ_CU_INVALID_HANDLE;
}

static NjCuResult fake_cuStreamAddCallback(NjCuStrm s, NjCuCallback fn, void *arg, unsigned flags)
{
    NjCuResult r = fake_stream_check(s);
    if (r != NJ_CU_OK)
        return r;
    pthread_mutex_unlock(&fake.lock);       /* it may wait for a thread that is in the driver */
    fn(s, NJ_CU_OK, arg);
    pthread_mutex_lock(&fake.lock);
    return NJ_CU_OK;
}

static NjCuResult fake_cuEventCreate(NjCuEvt *e, unsigned flags)
{
    if (fake_no_ctx())
        return NJ_CU_INVALID_CONTEXT;
    *e = (NjCuEvt)fake_new(FAKE_EVENT, NULL, 0);
    return NJ_CU_OK;
}

static NjCuResult fake_cuEventDestroy(NjCuEvt e) { return fake_drop_handle(FAKE_EVENT, e); }

static NjCuResult fake_cuEventRecord(NjCuEvt e, NjCuStrm s)
{
    FakeObj *o = fake_find(FAKE_EVENT, e);
    if (o == NULL)
        return NJ_CU_INVALID_HANDLE;
    clock_gettime(CLOCK_MONOTONIC, &o->when);
    o->recorded = true;
    return fake_stream_check(s);
}

static NjCuResult fake_cuEventQuery(NjCuEvt e) { return fake_find(FAKE_EVENT, e) ? NJ_CU_OK : NJ_CU_INVALID_HANDLE; }
static NjCuResult fake_cuEventSynchronize(NjCuEvt e) { return fake_cuEventQuery(e); }

static NjCuResult fake_cuEventElapsedTime(float *ms, NjCuEvt from, NjCuEvt to)
{
    FakeObj *a = fake_find(FAKE_EVENT, from), *b = fake_find(FAKE_EVENT, to);
    if (a == NULL || b == NULL || !a->recorded || !b->recorded)
        return NJ_CU_INVALID_HANDLE;
    *ms = (float)((double)(b->when.tv_sec - a->when.tv_sec) * 1e3 + (double)(b->when.tv_nsec - a->when.tv_nsec) * 1e-6);
    return NJ_CU_OK;
}

/* -- launch ------------------------------------------------------------------------------------------------------ */

static NjCuResult fake_launch_check(const FakeEntry *e, const unsigned g[8], NjCuStrm s)
{
    uint64_t threads = (uint64_t)g[3] * g[4] * g[5];
    NjCuResult r = e ? fake_stream_check(s) : NJ_CU_INVALID_HANDLE;
    if (r != NJ_CU_OK)
        return r;
    if (((FakeObj *)e->mod)->dev != fake_ctx_device(fake_current))
        return NJ_CU_INVALID_HANDLE;
    if (!g[0] || !g[1] || !g[2] || !threads || g[1] > 65535 || g[2] > 65535 || g[0] > 2147483647u)
        return NJ_CU_INVALID_VALUE;
    if (g[3] > 1024 || g[4] > 1024 || g[5] > 64 || threads > 1024 || g[6] > e->max_dynamic_shared)
        return NJ_CU_INVALID_VALUE;
    return threads > e->max_threads ? NJ_CU_OUT_OF_RESOURCES : NJ_CU_OK;
}

static void fake_launch_record(const FakeEntry *e, const unsigned g[8], NjCuStrm s, void **params)
{
    if (fake.nlaunch == fake.caplaunch) {
        fake.caplaunch = fake.caplaunch ? 2 * fake.caplaunch : 64;
        fake.launches = realloc(fake.launches, (size_t)fake.caplaunch * sizeof *fake.launches);
    }
    FakeLaunch *l = &fake.launches[fake.nlaunch++];
    memcpy(l->name, e->name, sizeof l->name);
    memcpy(l->geometry, g, sizeof l->geometry);
    l->stream = s;
    l->size = calloc(e->nparam + 1, sizeof *l->size);
    l->value = calloc(e->nparam + 1, sizeof *l->value);
    for (unsigned i = 0; i < e->nparam; i++) {
        l->size[i] = e->size[i];
        memcpy(l->value[i], params[i], e->size[i] < 16 ? e->size[i] : 16);
    }
}

static NjCuResult fake_launch(NjCuFunc fn, const unsigned dims[7], NjCuStrm s, void **params)
{
    FakeEntry *e = fake_entry(fn);
    unsigned g[8];
    memcpy(g, dims, 7 * sizeof *g);
    g[7] = e ? e->nparam : 0;
    NjCuResult r = fake_launch_check(e, g, s);
    if (r == NJ_CU_OK && e->nparam && params == NULL)
        r = NJ_CU_INVALID_VALUE;
    if (r != NJ_CU_OK)
        return r;
    if (!fake.forgets)
        fake_launch_record(e, g, s, params);
    NjFakeKernel kernel = fake.kernel;
    if (kernel == NULL)
        return NJ_CU_OK;
    pthread_mutex_unlock(&fake.lock);       /* it may wait for a thread that is in the driver */
    kernel(e->name, g, params);
    pthread_mutex_lock(&fake.lock);
    return NJ_CU_OK;
}

static NjCuResult fake_cuLaunchKernel(NjCuFunc fn, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by,
                                      unsigned bz, unsigned shared, NjCuStrm s, void **params, void **extra)
{
    if (extra)
        return NJ_CU_NOT_SUPPORTED;
    return fake_launch(fn, (unsigned[]){gx, gy, gz, bx, by, bz, shared}, s, params);
}

static NjCuResult fake_cuLaunchCooperativeKernel(NjCuFunc fn, unsigned gx, unsigned gy, unsigned gz, unsigned bx,
                                                 unsigned by, unsigned bz, unsigned shared, NjCuStrm s, void **params)
{
    return fake_launch(fn, (unsigned[]){gx, gy, gz, bx, by, bz, shared}, s, params);
}

/* -- the exported driver calls: gate, then the function above ---------------------------------------------------- */

/* Is this call to fail? Counts it. */
static NjCuResult fake_gate(const char *name)
{
    bool asks = strncmp(name, "cuGetError", 10) == 0;
    bool early = strcmp(name, "cuInit") == 0 || strcmp(name, "cuDriverGetVersion") == 0;
    if (asks)
        return NJ_CU_OK;
    fake.calls++;
    if (fake.fail_at > 0 && --fake.fail_at == 0)
        return fake.failed = name, fake.fail_result;
    if (fake.fail_name && strcmp(fake.fail_name, name) == 0)
        return fake.failed = name, fake.fail_name_result;
    return fake.inited || early ? NJ_CU_OK : NJ_CU_NOT_INITIALIZED;
}

#define DRV(name, export, min, call_flags, params, args, log)                             \
    NjCuResult export params;                                                            \
    NjCuResult export params                                                             \
    {                                                                                    \
        pthread_mutex_lock(&fake.lock);                                                  \
        NjCuResult told_ = fake_gate(#name);                                             \
        bool work_ = told_ == NJ_CU_OK || strchr(call_flags, 'd') != NULL;               \
        NjCuResult done_ = work_ ? fake_##name args : NJ_CU_OK;                          \
        pthread_mutex_unlock(&fake.lock);                                                \
        return told_ ? told_ : done_;                                                    \
    }
#include "cuda/driver.def"
#undef DRV

/* -- what tests ask ---------------------------------------------------------------------------------------------- */

long nj_fake_live(void)
{
    long n = 0;
    for (FakeObj *o = fake.live; o; o = o->next)
        n++;
    for (FakeObj *o = fake.modules; o; o = o->next)
        n++;
    for (int i = 0; i < FAKE_MAX_DEVICES; i++)
        n += fake.retained[i];
    return n;
}

void nj_fake_reset(void)
{
    for (long i = 0; i < fake.nlaunch; i++)
        free(fake.launches[i].size), free(fake.launches[i].value);
    free(fake.launches);
    fake.launches = NULL;
    fake.nlaunch = fake.caplaunch = fake.calls = fake.fail_at = 0;
    fake.fail_name = fake.failed = NULL;
    fake.kernel = NULL;
}

void nj_fake_fail_at(long n, int result)
{
    fake.fail_at = n, fake.fail_result = result, fake.failed = NULL;
}

void nj_fake_fail_call(const char *name, int result)
{
    fake.fail_name = name, fake.fail_name_result = result, fake.failed = NULL;
}

const char *nj_fake_failed(void) { return fake.failed; }
long nj_fake_calls(void) { return fake.calls; }
long nj_fake_launch_count(void) { return fake.nlaunch; }
void nj_fake_on_launch(NjFakeKernel fn) { fake.kernel = fn; }

static FakeLaunch *fake_at(long i)
{
    return i >= 0 && i < fake.nlaunch ? &fake.launches[i] : NULL;
}

const char *nj_fake_launch_name(long i) { return fake_at(i) ? fake_at(i)->name : NULL; }
void *nj_fake_launch_stream(long i) { return fake_at(i) ? fake_at(i)->stream : NULL; }

int nj_fake_launch_geometry(long i, unsigned geometry[8])
{
    if (fake_at(i) == NULL)
        return -1;
    memcpy(geometry, fake_at(i)->geometry, 8 * sizeof *geometry);
    return 0;
}

int nj_fake_launch_param(long i, unsigned param, void *out, unsigned nbytes)
{
    FakeLaunch *l = fake_at(i);
    if (l == NULL || param >= l->geometry[7])
        return -1;
    unsigned n = l->size[param] < 16 ? l->size[param] : 16;
    memcpy(out, l->value[param], n < nbytes ? n : nbytes);
    return (int)l->size[param];
}
