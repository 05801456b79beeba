/* device_cpu.c - the CPU device: grids run by compiled code on every core.
 *
 * Memory is host memory and a launch is finished when it returns, so streams have nothing to do and events are moments.
 */
#include "ext.h"
#include "cache.h"

#include <time.h>
#include <unistd.h>

#include "cpu/cpu.h"
#include "cpu/simt.h"

struct NjDevCode {
    NjDevice *dev;
    NjCpuCode *code;
    NjSimtKernel kernel;
    char name[64], title[64];       /* the symbol; what users call it */
};

typedef struct CpuEvent { bool timing, recorded; struct timespec at; } CpuEvent;

static NjStatus cpu_alloc(NjDevice *d, size_t nbytes, uint64_t *ptr, NjErr *err)
{
    return nj_cpu_mem_alloc(nbytes, ptr, err);
}
static NjStatus cpu_free(NjDevice *d, uint64_t ptr, NjErr *err) { return nj_cpu_mem_free(ptr, err); }

/* Its memory is the host's: pinned and mapped mean nothing more. */
static NjStatus cpu_host_alloc(NjDevice *d, size_t nbytes, bool mapped, void **p, NjErr *err)
{
    uint64_t at;
    NjStatus st = nj_cpu_mem_alloc(nbytes ? nbytes : 1, &at, err);
    *p = (void *)(uintptr_t)at;
    return st;
}

static NjStatus cpu_host_free(NjDevice *d, void *p, NjErr *err) { return nj_cpu_mem_free((uintptr_t)p, err); }
static NjStatus cpu_host_pin(NjDevice *d, void *p, size_t nbytes, bool mapped, NjErr *err) { return NJ_OK; }
static NjStatus cpu_host_unpin(NjDevice *d, void *p, NjErr *err) { return NJ_OK; }
static NjStatus cpu_host_ptr(NjDevice *d, void *p, uint64_t *ptr, NjErr *err) { *ptr = (uintptr_t)p; return NJ_OK; }

static NjStatus cpu_h2d(NjDevice *d, void *s, uint64_t dst, const void *src, size_t n, NjErr *err)
{
    return nj_cpu_mem_to_device(dst, src, n, err);
}

static NjStatus cpu_d2h(NjDevice *d, void *s, void *dst, uint64_t src, size_t n, NjErr *err)
{
    return nj_cpu_mem_to_host(dst, src, n, err);
}

static NjStatus cpu_d2d(NjDevice *d, void *s, uint64_t dst, uint64_t src, size_t n, NjErr *err)
{
    return nj_cpu_mem_copy(dst, src, n, err);
}

static NjStatus cpu_fill(NjDevice *d, void *s, uint64_t dst, int byte, size_t n, NjErr *err)
{
    return nj_cpu_mem_set(dst, byte, n, err);
}

static NjStatus cpu_sync(NjDevice *d, NjErr *err) { return NJ_OK; }

static NjStatus cpu_meminfo(NjDevice *d, size_t *avail, size_t *total, NjErr *err)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    *total = (size_t)sysconf(_SC_PHYS_PAGES) * page;
    *avail = (size_t)sysconf(_SC_AVPHYS_PAGES) * page;
    return NJ_OK;
}

/* -- streams and events: everything before has already happened ------------------------------------------- */

static NjStatus cpu_stream_new(NjDevice *d, void **s, NjErr *err) { *s = NULL; return NJ_OK; }
static NjStatus cpu_stream_wrap(NjDevice *d, uintptr_t raw, void **s, NjErr *err) { *s = NULL; return NJ_OK; }
static NjStatus cpu_stream_free(NjDevice *d, void *s, NjErr *err) { return NJ_OK; }
static NjStatus cpu_stream_sync(NjDevice *d, void *s, NjErr *err) { return NJ_OK; }
static NjStatus cpu_stream_done(NjDevice *d, void *s, bool *done, NjErr *err) { *done = true; return NJ_OK; }
static NjStatus cpu_stream_wait(NjDevice *d, void *s, void *e, NjErr *err) { return NJ_OK; }
static uintptr_t cpu_stream_raw(NjDevice *d, void *s) { return 0; }

static NjStatus cpu_event_new(NjDevice *d, bool timing, void **event, NjErr *err)
{
    CpuEvent *e = nj_calloc(1, sizeof *e);
    if (!e)
        return nj_err_set(err, NJ_E_NOMEM, 0, "out of memory for an event");
    e->timing = timing;
    *event = e;
    return NJ_OK;
}

static NjStatus cpu_event_free(NjDevice *d, void *event, NjErr *err)
{
    nj_free(event);
    return NJ_OK;
}

static NjStatus cpu_event_record(NjDevice *d, void *event, void *s, NjErr *err)
{
    CpuEvent *e = event;
    clock_gettime(CLOCK_MONOTONIC, &e->at);
    e->recorded = true;
    return NJ_OK;
}

static NjStatus cpu_event_sync(NjDevice *d, void *event, NjErr *err) { return NJ_OK; }
static NjStatus cpu_event_done(NjDevice *d, void *event, bool *done, NjErr *err) { *done = true; return NJ_OK; }

static NjStatus cpu_event_elapsed(NjDevice *d, void *from, void *to, float *ms, NjErr *err)
{
    const CpuEvent *a = from, *b = to;
    if (!a->recorded || !b->recorded || !a->timing || !b->timing)
        return nj_err_set(err, NJ_E_USER, 0, "both events must have been made with timing and recorded");
    *ms = (float)((b->at.tv_sec - a->at.tv_sec) * 1e3 + (b->at.tv_nsec - a->at.tv_nsec) * 1e-6);
    return NJ_OK;
}

/* -- kernels, compiled here or by an earlier process --------------------------------------------------------------- */

static NjStatus cpu_unload(NjDevCode *c, NjErr *err)
{
    if (c)
        nj_cpu_code_release(c->code);
    nj_free(c);
    return NJ_OK;
}

static NjStatus cpu_link(NjDevCode *c, const NjImage *im, NjErr *err)
{
    snprintf(c->name, sizeof c->name, "%s", im->entry);
    NjStatus st = nj_cpu_code_load(im->code, im->ncode, c->name, NULL, NULL, &c->code, err);
    if (st != NJ_OK)
        return st;
    NjSimtFn fn = (NjSimtFn)nj_cpu_code_find(c->code, im->entry);
    if (!fn)
        return nj_err_set(err, NJ_E_BUG, 0, "the compiled object has no symbol %s", im->entry);
    const char *dot = strrchr(im->entry, '.'), *first = strncmp(im->entry, "naja.", 5) ? im->entry : im->entry + 5;
    snprintf(c->title, sizeof c->title, "kernel '%.*s'", dot > first ? (int)(dot - first) : (int)strlen(first), first);
    c->kernel = (NjSimtKernel){.name = c->title, .shared_bytes = im->shared_bytes,
                                .frame_bytes = im->frame_bytes};
    *(im->has_barrier ? &c->kernel.thread : &c->kernel.block) = fn;
    return NJ_OK;
}

static uint32_t cpu_facts(NjDevice *d, NjArena *a, NjKeyFact *out)
{
    return nj_cache_cpu_facts(a, out);
}

static NjStatus cpu_compile(NjDevice *d, const NjUnit *u, NjText *out, NjErr *err)
{
    nj_cpu_llvm_dump(u->specs.at[0]->symbol, u->llvm.at, u->llvm.n, NULL);
    return nj_cpu_llvm_compile(NJ_LLVM_OBJECT, u->llvm.at, u->llvm.n, NULL, out, err);
}

static NjStatus cpu_load(NjDevice *d, NjImage *im, const NjOpts *opts, uint32_t nslots, NjDevCode **out,
                         char **asm_text, NjErr *err)
{
    *asm_text = NULL;
    NjDevCode *c = nj_calloc(1, sizeof *c);
    NjStatus st = c ? NJ_OK : nj_err_set(err, NJ_E_NOMEM, 0, "out of memory for a kernel");
    if (st == NJ_OK) {
        c->dev = d;
        st = cpu_link(c, im, err);
    }
    if (st != NJ_OK) {
        cpu_unload(c, NULL);
        c = NULL;
    }
    *out = c;
    return st;
}

static NjStatus cpu_code_info(NjDevCode *c, NjCodeInfo *out, NjErr *err)
{
    *out = (NjCodeInfo){.shared_nbytes = (int)c->kernel.shared_bytes, .local_nbytes = (int)c->kernel.local_bytes,
                        .max_threads = NJ_SIMT_MAX_THREADS};
    return NJ_OK;
}

static NjStatus cpu_code_sass(NjDevCode *c, const char *asm_text, bool cfg, NjText *out, NjErr *err)
{
    return nj_err_set(err, NJ_E_DEVICE, 0, "inspect_sass needs a GPU; the CPU device has inspect_asm");
}

static NjStatus cpu_code_asm(const NjUnit *u, NjText *out, NjErr *err)
{
    return nj_cpu_llvm_compile(NJ_LLVM_ASM, u->llvm.at, u->llvm.n, NULL, out, err);
}

static NjStatus cpu_launch(NjDevCode *c, const NjLaunchCfg *how, uint64_t *slots, void **params, int32_t *status,
                           NjErr *err)
{
    int32_t grid[3], block[3];
    for (int i = 0; i < 3; i++) {
        grid[i] = (int32_t)how->grid[i];
        block[i] = (int32_t)how->block[i];
    }
    NjSimtFault fault = {0};
    NjStatus st = nj_simt_launch(&c->kernel, grid, block, how->shared_nbytes, slots, nj_pool_get(), &fault, err);
    *status = fault.status > 0 ? fault.status : 0;
    if (fault.bounds)                   /* from the thread that found it to the one that tells */
        nj_rt_bounds(fault.index, fault.size);
    return *status ? NJ_OK : st;
}

/* -- what it says of itself ----------------------------------------------------------------------------------- */

static const struct { const char *name; int value; } cpu_attrs[] = {
    {"max_threads_per_block", NJ_SIMT_MAX_THREADS}, {"max_block_dim_x", 1024}, {"max_block_dim_y", 1024},
    {"max_block_dim_z", 64}, {"max_grid_dim_x", INT32_MAX}, {"max_grid_dim_y", 65535}, {"max_grid_dim_z", 65535},
    {"max_shared_memory_per_block", NJ_SIMT_MAX_STATIC}, {"max_shared_memory_per_block_optin", NJ_SIMT_MAX_SHARED},
    {"warp_size", NJ_SIMT_WARP}, {"multiprocessor_count", 0}, {"compute_capability_major", 0},
    {"compute_capability_minor", 0}, {"integrated", 1}, {"can_map_host_memory", 1}, {"unified_addressing", 1},
};

static NjStatus cpu_attribute(NjDevice *d, const char *name, int *value, NjErr *err)
{
    for (size_t i = 0; i < NJ_COUNT(cpu_attrs); i++)
        if (!strcmp(name, cpu_attrs[i].name)) {
            *value = strcmp(name, "multiprocessor_count") ? cpu_attrs[i].value : d->info.nsm;
            return NJ_OK;
        }
    return nj_err_set(err, NJ_E_USER, 0, "the CPU device has no attribute '%s'", name);
}

static const char *cpu_attr_name(size_t i)
{
    return i < NJ_COUNT(cpu_attrs) ? cpu_attrs[i].name : NULL;
}

static const NjDeviceOps cpu_ops = {
    .kind = "cpu", .target = &nj_cpudev_target, .host_memory = true,
    .alloc = cpu_alloc, .free = cpu_free,
    .host_alloc = cpu_host_alloc, .host_free = cpu_host_free, .host_pin = cpu_host_pin, .host_unpin = cpu_host_unpin,
    .host_ptr = cpu_host_ptr, .h2d_nogil = cpu_h2d, .d2h_nogil = cpu_d2h, .d2d_nogil = cpu_d2d,
    .fill_nogil = cpu_fill, .sync_nogil = cpu_sync, .meminfo = cpu_meminfo,
    .stream_new = cpu_stream_new, .stream_wrap = cpu_stream_wrap, .stream_free = cpu_stream_free,
    .stream_sync_nogil = cpu_stream_sync, .stream_done = cpu_stream_done, .stream_raw = cpu_stream_raw,
    .stream_wait = cpu_stream_wait,
    .event_new = cpu_event_new, .event_free = cpu_event_free, .event_record = cpu_event_record,
    .event_sync_nogil = cpu_event_sync, .event_done = cpu_event_done, .event_elapsed = cpu_event_elapsed,
    .facts = cpu_facts, .compile_nogil = cpu_compile, .load_nogil = cpu_load, .unload = cpu_unload,
    .code_info = cpu_code_info, .code_asm = cpu_code_asm,
    .code_sass = cpu_code_sass,
    .launch_nogil = cpu_launch, .attribute = cpu_attribute, .nattr = NJ_COUNT(cpu_attrs), .attr_name = cpu_attr_name,
};

NjStatus nj_device_cpu_open(NjDevice *out, NjErr *err)
{
    *out = (NjDevice){.ops = &cpu_ops};
    out->info = (NjDevInfo){
        .name = "naja CPU device", .nsm = (int)nj_cpu_cores(), .warp_size = NJ_SIMT_WARP,
        .max_threads_per_block = NJ_SIMT_MAX_THREADS, .max_block = {1024, 1024, 64},
        .max_grid = {INT32_MAX, 65535, 65535}, .max_shared_nbytes = NJ_SIMT_MAX_STATIC,
        .max_shared_optin_nbytes = NJ_SIMT_MAX_SHARED, .pci_bus_id = "",
    };
    size_t avail;
    return cpu_meminfo(out, &avail, &out->info.total_nbytes, err);
}
