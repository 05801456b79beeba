/* device_cuda.c - NVIDIA GPUs (or the fake driver) as devices, and the unit's text as PTX.
 *
 * Kernel parameters are the argument's parts: slot i of a launch is parameter i, and the table the driver wants is the
 * addresses of the slots.
 */
#include "ext.h"
#include "cache.h"

#include "cpu/cpu.h"
#include "cuda/cuda.h"

struct NjDevCode {
    NjDevice *dev;
    NjCudaModule *module;
    NjCudaFn *fn;
    uint32_t shared_limit;           /* dynamic shared memory it may already have; 0: not asked yet */
    NjCudaLoad how;
    void *cubin;                     /* of the module, to be looked at; NULL: the JIT has kept it to itself */
    size_t ncubin;
};

static NjCudaDev *cuda_dev(NjDevice *d) { return d->impl; }

/* -- memory ------------------------------------------------------------------------------------------------- */

static NjStatus cuda_alloc(NjDevice *d, size_t n, uint64_t *ptr, NjErr *err)
{
    return nj_cuda_alloc(cuda_dev(d), n, ptr, err);
}
static NjStatus cuda_free(NjDevice *d, uint64_t ptr, NjErr *err) { return nj_cuda_free(cuda_dev(d), ptr, err); }

static unsigned host_flags(bool mapped) { return NJ_CUDA_HOST_PORTABLE | (mapped ? NJ_CUDA_HOST_MAPPED : 0); }

static NjStatus cuda_host_alloc(NjDevice *d, size_t n, bool mapped, void **p, NjErr *err)
{
    return nj_cuda_host_alloc(cuda_dev(d), n, host_flags(mapped), p, err);
}

static NjStatus cuda_host_pin(NjDevice *d, void *p, size_t n, bool mapped, NjErr *err)
{
    return nj_cuda_host_pin(cuda_dev(d), p, n, host_flags(mapped), err);
}

static NjStatus cuda_host_free(NjDevice *d, void *p, NjErr *err) { return nj_cuda_host_free(cuda_dev(d), p, err); }
static NjStatus cuda_host_unpin(NjDevice *d, void *p, NjErr *err) { return nj_cuda_host_unpin(cuda_dev(d), p, err); }
static NjStatus cuda_host_ptr(NjDevice *d, void *p, uint64_t *ptr, NjErr *err)
{
    return nj_cuda_host_ptr(cuda_dev(d), p, ptr, err);
}

static NjStatus cuda_h2d(NjDevice *d, void *s, uint64_t dst, const void *src, size_t n, NjErr *err)
{
    return nj_cuda_h2d(cuda_dev(d), s, dst, src, n, err);
}

static NjStatus cuda_d2h(NjDevice *d, void *s, void *dst, uint64_t src, size_t n, NjErr *err)
{
    return nj_cuda_d2h(cuda_dev(d), s, dst, src, n, err);
}

static NjStatus cuda_d2d(NjDevice *d, void *s, uint64_t dst, uint64_t src, size_t n, NjErr *err)
{
    return nj_cuda_d2d(cuda_dev(d), s, dst, src, n, err);
}

static NjStatus cuda_fill(NjDevice *d, void *s, uint64_t dst, int byte, size_t n, NjErr *err)
{
    return nj_cuda_fill(cuda_dev(d), s, dst, (uint32_t)(byte & 255), 1, n, err);
}

static NjStatus cuda_sync(NjDevice *d, NjErr *err) { return nj_cuda_dev_sync(cuda_dev(d), err); }

static NjStatus cuda_meminfo(NjDevice *d, size_t *avail, size_t *total, NjErr *err)
{
    return nj_cuda_dev_meminfo(cuda_dev(d), avail, total, err);
}

/* -- streams and events ----------------------------------------------------------------------------------------- */

static NjStatus cuda_stream_new(NjDevice *d, void **s, NjErr *err)
{
    return nj_cuda_stream_new(cuda_dev(d), true, (NjCudaStream **)s, err);
}

static NjStatus cuda_stream_wrap(NjDevice *d, uintptr_t raw, void **s, NjErr *err)
{
    return nj_cuda_stream_wrap(cuda_dev(d), raw, (NjCudaStream **)s, err);
}

static NjStatus cuda_stream_free(NjDevice *d, void *s, NjErr *err) { return nj_cuda_stream_free(s, err); }

static NjStatus cuda_stream_sync(NjDevice *d, void *s, NjErr *err)
{
    return s ? nj_cuda_stream_sync(s, err) : nj_cuda_dev_sync(cuda_dev(d), err);
}

static NjStatus cuda_stream_done(NjDevice *d, void *s, bool *done, NjErr *err)
{
    return nj_cuda_stream_done(s, done, err);
}
static NjStatus cuda_stream_wait(NjDevice *d, void *s, void *e, NjErr *err) { return nj_cuda_stream_wait(s, e, err); }
static uintptr_t cuda_stream_raw(NjDevice *d, void *s) { return nj_cuda_stream_raw(s); }

static NjStatus cuda_event_new(NjDevice *d, bool timing, void **e, NjErr *err)
{
    return nj_cuda_event_new(cuda_dev(d), timing, (NjCudaEvent **)e, err);
}

static NjStatus cuda_event_free(NjDevice *d, void *e, NjErr *err) { return nj_cuda_event_free(e, err); }
static NjStatus cuda_event_record(NjDevice *d, void *e, void *s, NjErr *err) { return nj_cuda_event_record(e, s, err); }
static NjStatus cuda_event_sync(NjDevice *d, void *e, NjErr *err) { return nj_cuda_event_sync(e, err); }
static NjStatus cuda_event_done(NjDevice *d, void *e, bool *done, NjErr *err)
{
    return nj_cuda_event_done(e, done, err);
}

static NjStatus cuda_event_elapsed(NjDevice *d, void *from, void *to, float *ms, NjErr *err)
{
    return nj_cuda_event_elapsed(from, to, ms, err);
}

/* -- text to PTX --------------------------------------------------------------------------------------------------- */

/* libNVVM, opened once. Guarded by a lock of its own, for compiles run without the GIL. */
#include "base/lock.h"
static NjLock nvvm_lock = NJ_LOCK_INIT;
static NjNvvm *nvvm;

static NjStatus nvvm_get(NjNvvm **out, NjErr *err)
{
    nj_lock(&nvvm_lock);
    NjStatus st = nvvm ? NJ_OK : nj_nvvm_open(nj_device_sites(), &nvvm, err);
    *out = nvvm;
    nj_unlock(&nvvm_lock);
    return st;
}

/* Looked up once for each list of folders: it takes some fifty calls of the system. GIL held. */
const NjTarget *nj_device_ptx_target(void)
{
    static const char *const *seen;
    static const NjTarget *target;
    if (!target || seen != nj_device_sites()) {
        seen = nj_device_sites();
        target = nj_cuda_has_nvvm(seen) ? &nj_cuda_target : &nj_nvptx_target;
    }
    return target;
}

static NjStatus ptx_by_nvvm(const NjUnit *u, int cc, char suffix, NjText *ptx, NjErr *err)
{
    NjNvvm *nv;
    NjStatus st = nvvm_get(&nv, err);
    if (st != NJ_OK)
        return st;
    int best = nj_nvvm_best_cc(nv, cc);
    if (!best)
        return nj_err_set(err, NJ_E_ENV, 0, "%s makes no code for compute capability %d.%d", nj_nvvm_path(nv), cc / 10,
                          cc % 10);
    bool fast = u->opts.fastmath;
    NjNvvmOpts o = {.cc = best, .suffix = best == cc ? suffix : 0, .opt = u->opts.debug ? 0 : u->opts.opt, .ftz = fast,
                    .fast_div = fast, .fast_sqrt = fast, .debug = u->opts.debug, .lineinfo = u->opts.lineinfo,
                    .uses_libdevice = u->uses_math};
    return nj_nvvm_compile(nv, &o, u->entry, u->llvm.at, u->llvm.n, ptx, err);
}

static void *read_file(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return NULL;
    fseek(f, 0, SEEK_END);
    long size = ftell(f);
    rewind(f);
    void *p = size > 0 ? nj_malloc((size_t)size) : NULL;
    *n = p ? fread(p, 1, (size_t)size, f) : 0;
    fclose(f);
    return p;
}

static NjStatus ptx_by_llvm(const NjUnit *u, int cc, char suffix, NjText *ptx, NjErr *err)
{
    char cpu[16];
    snprintf(cpu, sizeof cpu, suffix ? "sm_%d%c" : "sm_%d", cc, suffix);
    NjLlvmOptions o = {.cpu = cpu, .opt = u->opts.opt};
    NjLlvmLib lib = {.name = "libdevice"};
    NjFound found;
    if (u->uses_math) {
        if (nj_find(NJ_PART_libdevice, nj_device_sites(), &found))
            lib.bytes = read_file(found.path, &lib.nbytes);
        if (!lib.bytes)
            return nj_err_set(err, NJ_E_ENV, 0,
                              "math functions in kernels need libdevice, and none was found: install nvidia-cuda-nvcc "
                              "or set NAJA_LIBDEVICE");
        o.lib = &lib;
        o.nlib = 1;
    }
    NjStatus st = nj_cpu_llvm_compile(NJ_LLVM_PTX, u->llvm.at, u->llvm.n, &o, ptx, err);
    nj_free((void *)lib.bytes);
    return st;
}

NjStatus nj_device_ptx(const NjUnit *u, int cc, char suffix, NjText *ptx, NjErr *err)
{
    NjStatus st =
        u->target->typed_pointers ? ptx_by_nvvm(u, cc, suffix, ptx, err) : ptx_by_llvm(u, cc, suffix, ptx, err);
    if (st == NJ_OK && !ptx->failed)
        nj_dump('p', "ptx", u->specs.at[0]->symbol, "ptx", ptx->at);
    return st;
}

/* -- kernels ------------------------------------------------------------------------------------------------------- */

static NjStatus cuda_unload(NjDevCode *c, NjErr *err)
{
    NjStatus st = c ? nj_cuda_module_free(c->module, err) : NJ_OK;
    if (c)
        nj_free(c->cubin);
    nj_free(c);
    return st;
}

static void cuda_keep_cubin(NjDevCode *c, const NjCudaImage *im)
{
    c->cubin = im->cubin ? nj_malloc(im->ncubin) : NULL;
    if (c->cubin) {
        memcpy(c->cubin, im->cubin, im->ncubin);
        c->ncubin = im->ncubin;
    }
}

/* The image gets the cubin that was made, and loses one that was refused. */
static NjStatus cuda_load_image(NjDevCode *c, NjImage *im, NjErr *err)
{
    NjCudaImage ci = {.name = im->entry, .ptx = im->code, .nptx = im->ncode, .cubin = im->cubin, .ncubin = im->ncubin};
    NjStatus st = nj_cuda_image_load(cuda_dev(c->dev), &ci, &c->how, &c->module, err);
    if (st == NJ_OK)
        st = nj_cuda_module_fn(c->module, im->entry, &c->fn, err);
    if (st != NJ_OK) {
        nj_cuda_image_drop(&ci);
        return st;
    }
    cuda_keep_cubin(c, &ci);
    im->cubin = ci.cubin;
    im->ncubin = ci.ncubin;
    im->owned_cubin = ci.owned;
    return NJ_OK;
}

static NjStatus cuda_compile(NjDevice *d, const NjUnit *u, NjText *out, NjErr *err)
{
    NjStatus st = nj_device_ptx(u, d->info.major * 10 + d->info.minor, 0, out, err);
    nj_text_char(out, 0);
    return st == NJ_OK && out->failed ? nj_err_set(err, NJ_E_NOMEM, 0, "out of memory for PTX") : st;
}

static NjStatus cuda_load(NjDevice *d, NjImage *im, const NjOpts *opts, uint32_t nslots, NjDevCode **out,
                          char **asm_text, NjErr *err)
{
    const char *ptx = im->code;
    *asm_text = NULL;
    *out = NULL;
    if (!im->ncode || ptx[im->ncode - 1])
        return nj_err_set(err, NJ_E_BUG, 0, "PTX without an end");
    char *copy = nj_malloc(im->ncode);
    NjDevCode *c = copy ? nj_calloc(1, sizeof *c) : NULL;
    NjStatus st = c ? NJ_OK : nj_err_set(err, NJ_E_NOMEM, 0, "out of memory for a kernel");
    if (c) {
        memcpy(copy, ptx, im->ncode);
        *c = (NjDevCode){.dev = d};
        c->how = (NjCudaLoad){.max_registers = (int)opts->max_registers, .debug = opts->debug,
                              .lineinfo = opts->lineinfo};
        st = cuda_load_image(c, im, err);
    }
    if (st != NJ_OK) {
        cuda_unload(c, NULL);
        nj_free(copy);
        return st;
    }
    *out = c;
    *asm_text = copy;
    return NJ_OK;
}

static uint32_t cuda_facts(NjDevice *d, NjArena *a, NjKeyFact *out)
{
    uint32_t n = nj_cache_ptx_facts(a, out);
    out[n++] = (NjKeyFact){"architecture", nj_arena_printf(a, "%d.%d", d->info.major, d->info.minor)};
    return n;
}

static NjStatus cuda_code_info(NjDevCode *c, NjCodeInfo *out, NjErr *err)
{
    NjCudaFnInfo i;
    NjStatus st = nj_cuda_fn_info(c->fn, &i, err);
    if (st == NJ_OK)
        *out = (NjCodeInfo){.registers = i.registers, .shared_nbytes = i.shared_nbytes, .const_nbytes = i.const_nbytes,
                            .local_nbytes = i.local_nbytes, .max_threads = i.max_threads};
    return st;
}

/* Where the driver's linker gave no cubin, ptxas makes one. */
static NjStatus cuda_code_sass(NjDevCode *c, const char *asm_text, bool cfg, NjText *out, NjErr *err)
{
    const NjDevInfo *i = &c->dev->info;
    char arch[16];
    NjText cubin;
    if (c->cubin)
        return nj_nvdisasm(nj_device_sites(), c->cubin, c->ncubin, cfg, out, err);
    snprintf(arch, sizeof arch, "sm_%d%d", i->major, i->minor);
    nj_text_init(&cubin);
    NjStatus st = nj_ptxas(nj_device_sites(), arch, asm_text, strlen(asm_text), &c->how, &cubin, NULL, err);
    if (st == NJ_OK)
        st = nj_nvdisasm(nj_device_sites(), cubin.at, cubin.n, cfg, out, err);
    nj_text_free(&cubin);
    return st;
}

static NjStatus cuda_code_asm(const NjUnit *u, NjText *out, NjErr *err)
{
    return nj_device_ptx(u, 75, 0, out, err);
}

/* What is left of 48 KiB beside the static shared memory is there without being asked for; more is opted into. */
static NjStatus cuda_allow_shared(NjDevCode *c, uint32_t nbytes, NjErr *err)
{
    NjCudaFnInfo i;
    NjStatus st = c->shared_limit ? NJ_OK : nj_cuda_fn_info(c->fn, &i, err);
    if (st == NJ_OK && !c->shared_limit && i.max_dynamic_shared_nbytes > 0)
        c->shared_limit = (uint32_t)i.max_dynamic_shared_nbytes;
    if (st != NJ_OK || nbytes <= c->shared_limit)
        return st;
    st = nj_cuda_fn_set_dynamic_shared(c->fn, nbytes, err);
    if (st == NJ_OK)
        c->shared_limit = nbytes;
    return st;
}

static NjStatus cuda_launch(NjDevCode *c, const NjLaunchCfg *how, uint64_t *slots, void **params, int32_t *status,
                            NjErr *err)
{
    *status = 0;
    if (how->shared_nbytes > c->shared_limit) {
        NjStatus st = cuda_allow_shared(c, how->shared_nbytes, err);
        if (st != NJ_OK)
            return st;
    }
    NjCudaGrid g = {.shared_nbytes = how->shared_nbytes, .stream = how->stream};
    memcpy(g.grid, how->grid, sizeof g.grid);
    memcpy(g.block, how->block, sizeof g.block);
    return nj_cuda_launch(c->fn, &g, params, err);
}

static NjStatus cuda_attribute(NjDevice *d, const char *name, int *value, NjErr *err)
{
    return nj_cuda_dev_attr(cuda_dev(d), name, value, err);
}

/* target and nattr are set when the first device opens */
static NjDeviceOps cuda_ops = {
    .kind = "cuda", .host_memory = false,
    .alloc = cuda_alloc, .free = cuda_free,
    .host_alloc = cuda_host_alloc, .host_free = cuda_host_free,
    .host_pin = cuda_host_pin, .host_unpin = cuda_host_unpin,
    .host_ptr = cuda_host_ptr, .h2d_nogil = cuda_h2d, .d2h_nogil = cuda_d2h, .d2d_nogil = cuda_d2d,
    .fill_nogil = cuda_fill, .sync_nogil = cuda_sync, .meminfo = cuda_meminfo,
    .stream_new = cuda_stream_new, .stream_wrap = cuda_stream_wrap, .stream_free = cuda_stream_free,
    .stream_sync_nogil = cuda_stream_sync, .stream_done = cuda_stream_done, .stream_raw = cuda_stream_raw,
    .stream_wait = cuda_stream_wait,
    .event_new = cuda_event_new, .event_free = cuda_event_free, .event_record = cuda_event_record,
    .event_sync_nogil = cuda_event_sync, .event_done = cuda_event_done, .event_elapsed = cuda_event_elapsed,
    .facts = cuda_facts, .compile_nogil = cuda_compile, .load_nogil = cuda_load, .unload = cuda_unload,
    .code_info = cuda_code_info, .code_asm = cuda_code_asm,
    .code_sass = cuda_code_sass,
    .launch_nogil = cuda_launch, .attribute = cuda_attribute, .attr_name = nj_cuda_attr_name,
};

static void cuda_describe(NjDevice *d)
{
    const NjCudaDevInfo *i = nj_cuda_dev_info(cuda_dev(d));
    d->info = (NjDevInfo){
        .name = i->name, .ordinal = i->ordinal, .major = i->major, .minor = i->minor, .total_nbytes = i->total_nbytes,
        .max_threads_per_block = i->max_threads_per_block, .warp_size = i->warp_size, .nsm = i->nsm,
        .max_shared_nbytes = i->max_shared_nbytes, .max_shared_optin_nbytes = i->max_shared_optin_nbytes,
        .pci_bus_id = i->pci_bus_id,
    };
    if (d->info.max_shared_optin_nbytes < i->max_shared_nbytes)         /* devices where nothing is opted into say 0 */
        d->info.max_shared_optin_nbytes = i->max_shared_nbytes;
    memcpy(d->info.max_block, i->max_block, sizeof d->info.max_block);
    memcpy(d->info.max_grid, i->max_grid, sizeof d->info.max_grid);
    memcpy(d->info.uuid, i->uuid, sizeof d->info.uuid);
}

static void cuda_close(NjCuda *cu, NjDevice *devs, int n)
{
    for (int i = 0; i < n; i++)
        (void)nj_cuda_dev_close(devs[i].impl, NULL);
    nj_free(devs);
    nj_cuda_close(cu);
}

/* The driver and its devices stay open for the life of the process: handles to them are everywhere. */
NjStatus nj_device_cuda_open(NjDevice **list, int *n, NjErr *err)
{
    NjCuda *cu = NULL;
    NjStatus st = nj_cuda_open(NULL, &cu, err);
    if (st == NJ_OK)
        st = nj_cuda_count(cu, n, err);
    if (st != NJ_OK) {
        nj_cuda_close(cu);
        return st;
    }
    cuda_ops.target = nj_device_ptx_target();
    cuda_ops.nattr = nj_cuda_attr_count();
    NjDevice *devs = nj_calloc((size_t)*n, sizeof *devs);
    if (!devs)
        return nj_err_set(err, NJ_E_NOMEM, 0, "out of memory for %d devices", *n);
    for (int i = 0; i < *n && st == NJ_OK; i++) {
        devs[i].ops = &cuda_ops;
        st = nj_cuda_dev_open(cu, i, (NjCudaDev **)&devs[i].impl, err);
        if (st == NJ_OK)
            cuda_describe(&devs[i]);
    }
    if (st != NJ_OK)
        cuda_close(cu, devs, *n);
    *list = st == NJ_OK ? devs : NULL;
    return st;
}
