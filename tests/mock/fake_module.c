/* fake_module.c - the fake's modules, kernels and launches.
 *
 * In: PTX (fake_ptx.c reads it) or a cubin (fake_link.c). Out: handles of kernels whose parameters are known, and a
 * record of each launch, which is checked as a driver checks it.
 */
#include "fake_room.h"

/* -- modules and functions ----------------------------------------------------------------------------------------- */

NjCuResult fake_cuModuleLoadDataEx(NjCuMod *mod, const void *image, unsigned n, int *opts, void **values)
{
    char *log = fake_option(n, opts, values, NJ_CU_JIT_ERROR_LOG);
    size_t nlog = (size_t)fake_option(n, opts, values, NJ_CU_JIT_ERROR_NBYTES);
    if (fake_no_ctx())
        return NJ_CU_INVALID_CONTEXT;
    const char *text = image;
    NjCuResult r = fake_cubin_open(&text);
    if (r != NJ_CU_OK)
        return r;
    if (text == image)
        fake_options_keep(n, opts, values);
    FakeObj *o = fake_new(FAKE_MODULE, NULL, 0);
    r = ptx_load(&o->code, o, text, fake_cc(), log, nlog);
    if (r != NJ_CU_OK)
        fake_drop(o);
    else
        *mod = (NjCuMod)o;
    return r;
}

NjCuResult fake_cuModuleUnload(NjCuMod mod) { return fake_drop_handle(FAKE_MODULE, mod); }

NjCuResult fake_cuModuleGetFunction(NjCuFunc *fn, NjCuMod mod, const char *name)
{
    FakeObj *o = fake_find(FAKE_MODULE, mod);
    if (o == NULL)
        return NJ_CU_INVALID_HANDLE;
    FakeEntry *e = o->code.entries;
    while (e && strcmp(e->name, name) != 0)
        e = e->next;
    if (e == NULL && o->code.opaque) {      /* unread: it has any kernel, and its parameters are not known */
        e = calloc(1, sizeof *e);
        snprintf(e->name, sizeof e->name, "%s", name);
        e->mod = o, e->max_threads = 1024, e->max_dynamic_shared = 48 * 1024;
        e->next = o->code.entries;
        o->code.entries = e;
    }
    *fn = (NjCuFunc)e;
    return e ? NJ_CU_OK : NJ_CU_NOT_FOUND;
}

NjCuResult fake_cuModuleGetGlobal(NjCuPtr *ptr, size_t *nbytes, NjCuMod mod, const char *name)
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

NjCuResult fake_cuFuncGetAttribute(int *value, int attr, NjCuFunc fn)
{
    FakeEntry *e = fake_entry(fn);
    if (e == NULL)
        return NJ_CU_INVALID_HANDLE;
    switch (attr) {
    case NJ_CU_FN_MAX_THREADS: *value = (int)e->max_threads; break;
    case NJ_CU_FN_SHARED: *value = (int)e->shared_nbytes; break;
    case NJ_CU_FN_REGISTERS: *value = 16; break;
    case NJ_CU_FN_PTX_VERSION: *value = ((FakeObj *)e->mod)->code.target; break;
    case NJ_CU_FN_BINARY_VERSION: *value = fake.cc[((FakeObj *)e->mod)->dev]; break;
    case NJ_CU_FN_MAX_DYNAMIC_SHARED: *value = (int)e->max_dynamic_shared; break;
    default: *value = 0; break;
    }
    return NJ_CU_OK;
}

NjCuResult fake_cuFuncSetAttribute(NjCuFunc fn, int attr, int value)
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

NjCuResult fake_cuOccupancyMaxActiveBlocksPerMultiprocessor(int *nblocks, NjCuFunc fn, int block, size_t shared)
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

/* -- launch -------------------------------------------------------------------------------------------------------- */

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

NjCuResult fake_cuLaunchKernel(NjCuFunc fn, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by,
                               unsigned bz, unsigned shared, NjCuStrm s, void **params, void **extra)
{
    if (extra)
        return NJ_CU_NOT_SUPPORTED;
    return fake_launch(fn, (unsigned[]){gx, gy, gz, bx, by, bz, shared}, s, params);
}

NjCuResult fake_cuLaunchCooperativeKernel(NjCuFunc fn, unsigned gx, unsigned gy, unsigned gz, unsigned bx,
                                          unsigned by, unsigned bz, unsigned shared, NjCuStrm s, void **params)
{
    return fake_launch(fn, (unsigned[]){gx, gy, gz, bx, by, bz, shared}, s, params);
}
