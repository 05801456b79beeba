/* fake_cuda.c - a libcuda.so.1 on host memory, made from the driver's own table (cuda/driver.def): what is alive, the
 * library, devices and contexts.
 *
 * Real: handles, contexts, reference counts, copies, bounds of every address, what a launch is refused for. Recorded:
 * launches, with each parameter's bytes as the PTX declares them. Not done: running kernels, unless a test registers a
 * function for it. Any call can be made to fail; everything not given back is counted. One lock guards all state.
 * fake_room.h says which file does what.
 */
#include "fake_room.h"

/* -- state --------------------------------------------------------------------------------------------------------- */

enum { FAKE_VERSION = 12080, FAKE_CC = 86 };
struct FakeState fake = {.lock = PTHREAD_MUTEX_INITIALIZER, .ndev = 1, .version = FAKE_VERSION};
static char fake_ctx[FAKE_MAX_DEVICES];              /* the address of element i is device i's context */
_Thread_local NjCuCtx fake_current;

int fake_ctx_device(NjCuCtx ctx)
{
    uintptr_t i = (uintptr_t)ctx - (uintptr_t)fake_ctx;
    return i < FAKE_MAX_DEVICES && fake.retained[i] > 0 ? (int)i : -1;
}

int fake_cc(void)
{
    int dev = fake_ctx_device(fake_current);
    return dev < 0 ? 0 : fake.cc[dev];
}

bool fake_no_ctx(void)
{
    return fake_current == NULL || fake_ctx_device(fake_current) < 0;
}

FakeObj *fake_new(FakeKind kind, void *at, size_t nbytes)
{
    FakeObj *o = calloc(1, sizeof *o);
    o->kind = kind, o->at = at ? at : o, o->nbytes = nbytes;
    o->dev = fake_ctx_device(fake_current);
    FakeObj **head = kind == FAKE_MODULE ? &fake.modules : &fake.live;
    o->next = *head;
    *head = o;
    return o;
}

FakeObj *fake_find(FakeKind kind, const void *at)
{
    FakeObj *o = kind == FAKE_MODULE ? fake.modules : fake.live;
    while (o && !(o->kind == kind && o->at == at))
        o = o->next;
    return o;
}

/* Does a live allocation that the device may touch hold all of [at, at + n)? */
FakeObj *fake_holds(uint64_t at, size_t n)
{
    for (FakeObj *o = fake.live; o; o = o->next)
        if (o->kind <= FAKE_PINNED && at >= (uintptr_t)o->at && at - (uintptr_t)o->at <= o->nbytes &&
            n <= o->nbytes - (at - (uintptr_t)o->at))
            return o;
    return NULL;
}

bool fake_global_holds(uint64_t at, size_t n)
{
    for (FakeObj *o = fake.modules; o; o = o->next)
        for (FakeGlobal *g = o->code.globals; g; g = g->next)
            if (at >= (uintptr_t)g->data && at + n <= (uintptr_t)g->data + g->nbytes)
                return true;
    return false;
}

void fake_drop(FakeObj *o)
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
    free(o->linked);
    free(o);
}

NjCuResult fake_drop_handle(FakeKind kind, const void *at)
{
    FakeObj *o = at ? fake_find(kind, at) : NULL;
    if (o == NULL)
        return kind <= FAKE_PINNED ? NJ_CU_INVALID_VALUE : NJ_CU_INVALID_HANDLE;
    fake_drop(o);
    return NJ_CU_OK;
}

/* -- library ------------------------------------------------------------------------------------------------------- */

static int fake_env(const char *name, int deflt, int low, int high)
{
    const char *s = getenv(name);
    int v = s ? atoi(s) : deflt;
    return v < low ? low : v > high ? high : v;
}

/* "86" or "86,90": the last holds for the devices after it. */
static void fake_env_cc(const char *s)
{
    int cc = FAKE_CC;
    for (int i = 0; i < FAKE_MAX_DEVICES; i++) {
        cc = s && *s ? atoi(s) : cc;
        fake.cc[i] = cc < 10 ? 10 : cc > 999 ? 999 : cc;
        s = s && strchr(s, ',') ? strchr(s, ',') + 1 : NULL;
    }
}

NjCuResult fake_cuInit(unsigned flags)
{
    const char *fail = getenv("NAJA_FAKE_FAIL");
    fake.ndev = fake_env("NAJA_FAKE_DEVICES", 1, 0, FAKE_MAX_DEVICES);
    fake_env_cc(getenv("NAJA_FAKE_CC"));
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

NjCuResult fake_cuDriverGetVersion(int *version)
{
    *version = fake.version = fake_env("NAJA_FAKE_VERSION", FAKE_VERSION, 1000, 99990);
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
    {209, "CUDA_ERROR_NO_BINARY_FOR_GPU", "no kernel image is available for execution on the device"},
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

NjCuResult fake_cuGetErrorName(NjCuResult r, const char **text) { return fake_error(r, text, true); }
NjCuResult fake_cuGetErrorString(NjCuResult r, const char **text) { return fake_error(r, text, false); }

/* -- devices and contexts ------------------------------------------------------------------------------------------ */

static bool fake_bad_dev(NjCuDevice dev)
{
    return dev < 0 || dev >= fake.ndev;
}

NjCuResult fake_cuDeviceGetCount(int *count)
{
    *count = fake.ndev;
    return NJ_CU_OK;
}

NjCuResult fake_cuDeviceGet(NjCuDevice *dev, int ordinal)
{
    *dev = ordinal;
    return fake_bad_dev(ordinal) ? NJ_CU_INVALID_DEVICE : NJ_CU_OK;
}

NjCuResult fake_cuDeviceGetName(char *name, int n, NjCuDevice dev)
{
    snprintf(name, (size_t)n, "naja fake device %d", dev);
    return fake_bad_dev(dev) ? NJ_CU_INVALID_DEVICE : NJ_CU_OK;
}

NjCuResult fake_cuDeviceGetUuid(NjCuUuid *uuid, NjCuDevice dev)
{
    memset(uuid, 0xfa, sizeof *uuid);
    uuid->bytes[15] = (uint8_t)dev;
    return fake_bad_dev(dev) ? NJ_CU_INVALID_DEVICE : NJ_CU_OK;
}

NjCuResult fake_cuDeviceGetPCIBusId(char *id, int n, NjCuDevice dev)
{
    snprintf(id, (size_t)n, "0000:%02x:00.0", dev + 1);
    return fake_bad_dev(dev) ? NJ_CU_INVALID_DEVICE : NJ_CU_OK;
}

NjCuResult fake_cuDeviceTotalMem(size_t *nbytes, NjCuDevice dev)
{
    *nbytes = fake_total;
    return fake_bad_dev(dev) ? NJ_CU_INVALID_DEVICE : NJ_CU_OK;
}

NjCuResult fake_cuDeviceGetAttribute(int *value, int attr, NjCuDevice dev)
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
    *value = attr == NJ_CU_DEV_compute_capability_major ? fake.cc[dev] / 10 : *value;
    *value = attr == NJ_CU_DEV_compute_capability_minor ? fake.cc[dev] % 10 : *value;
    return attr < 1 ? NJ_CU_INVALID_VALUE : NJ_CU_OK;
}

NjCuResult fake_cuDevicePrimaryCtxRetain(NjCuCtx *ctx, NjCuDevice dev)
{
    if (fake_bad_dev(dev))
        return NJ_CU_INVALID_DEVICE;
    fake.retained[dev]++;
    *ctx = (NjCuCtx)&fake_ctx[dev];
    return NJ_CU_OK;
}

NjCuResult fake_cuDevicePrimaryCtxRelease(NjCuDevice dev)
{
    if (fake_bad_dev(dev) || fake.retained[dev] == 0)
        return NJ_CU_INVALID_CONTEXT;
    fake.retained[dev]--;
    return NJ_CU_OK;
}

NjCuResult fake_cuCtxGetCurrent(NjCuCtx *ctx)
{
    *ctx = fake_current;
    return NJ_CU_OK;
}

NjCuResult fake_cuCtxSetCurrent(NjCuCtx ctx)
{
    if (ctx != NULL && fake_ctx_device(ctx) < 0)
        return NJ_CU_INVALID_CONTEXT;
    fake_current = ctx;
    return NJ_CU_OK;
}

NjCuResult fake_cuCtxSynchronize(void)
{
    return fake_no_ctx() ? NJ_CU_INVALID_CONTEXT : NJ_CU_OK;
}

NjCuResult fake_cuMemGetInfo(size_t *avail, size_t *total)
{
    *avail = fake_total - fake.used, *total = fake_total;
    return fake_no_ctx() ? NJ_CU_INVALID_CONTEXT : NJ_CU_OK;
}
