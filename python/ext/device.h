/* device.h - what kernels run on, behind one struct: an NVIDIA GPU or the CPU device.
 *
 * NjDevice is made once for each ordinal and lives as long as the process. Functions whose name ends in _nogil are
 * called without the GIL; all report through an NjErr. Streams and events are opaque handles; NULL is the default
 * stream.
 */
#ifndef NJ_EXT_DEVICE_H
#define NJ_EXT_DEVICE_H

#include "run/cache.h"

typedef struct NjDevice NjDevice;
typedef struct NjDevCode NjDevCode;          /* a loaded kernel of one device */

typedef struct NjLaunchCfg {                 /* kernel[grid, block, stream, shared], made once */
    uint32_t grid[3], block[3], shared_nbytes;
    void    *stream;
} NjLaunchCfg;

enum { NJ_CACHE_FACTS = 8 };

typedef struct NjDevInfo {
    const char *name;
    int ordinal, major, minor;               /* compute capability; the CPU device says 0.0 */
    size_t total_nbytes;
    int max_threads_per_block, max_block[3], max_grid[3], warp_size, nsm, max_shared_nbytes, max_shared_optin_nbytes;
    const char *pci_bus_id;                  /* "" where there is none */
    uint8_t uuid[16];
} NjDevInfo;

typedef struct NjCodeInfo { int registers, shared_nbytes, const_nbytes, local_nbytes, max_threads; } NjCodeInfo;

/* Everything a device can do. No slot is NULL. */
typedef struct NjDeviceOps {
    const char *kind;                        /* "cpu", "cuda" */
    const NjTarget *target;
    bool host_memory;                        /* kernels can read host arrays where they are */
    NjStatus (*alloc)(NjDevice *d, size_t nbytes, uint64_t *ptr, NjErr *err);
    NjStatus (*free)(NjDevice *d, uint64_t ptr, NjErr *err);
    /* Host memory that the device reaches without staging; with `mapped` (and where pinned, too) at host_ptr's
     * address. */
    NjStatus (*host_alloc)(NjDevice *d, size_t nbytes, bool mapped, void **p, NjErr *err);
    NjStatus (*host_free)(NjDevice *d, void *p, NjErr *err);
    NjStatus (*host_pin)(NjDevice *d, void *p, size_t nbytes, bool mapped, NjErr *err);
    NjStatus (*host_unpin)(NjDevice *d, void *p, NjErr *err);
    NjStatus (*host_ptr)(NjDevice *d, void *p, uint64_t *ptr, NjErr *err);
    /* With a stream the copy is only queued. */
    NjStatus (*h2d_nogil)(NjDevice *d, void *stream, uint64_t dst, const void *src, size_t nbytes, NjErr *err);
    NjStatus (*d2h_nogil)(NjDevice *d, void *stream, void *dst, uint64_t src, size_t nbytes, NjErr *err);
    NjStatus (*d2d_nogil)(NjDevice *d, void *stream, uint64_t dst, uint64_t src, size_t nbytes, NjErr *err);
    NjStatus (*fill_nogil)(NjDevice *d, void *stream, uint64_t dst, int byte, size_t nbytes, NjErr *err);
    NjStatus (*sync_nogil)(NjDevice *d, NjErr *err);
    NjStatus (*meminfo)(NjDevice *d, size_t *avail, size_t *total, NjErr *err);
    NjStatus (*stream_new)(NjDevice *d, void **stream, NjErr *err);
    NjStatus (*stream_wrap)(NjDevice *d, uintptr_t raw, void **stream, NjErr *err);
    NjStatus (*stream_free)(NjDevice *d, void *stream, NjErr *err);
    NjStatus (*stream_sync_nogil)(NjDevice *d, void *stream, NjErr *err);
    NjStatus (*stream_done)(NjDevice *d, void *stream, bool *done, NjErr *err);
    uintptr_t (*stream_raw)(NjDevice *d, void *stream);
    NjStatus (*event_new)(NjDevice *d, bool timing, void **event, NjErr *err);
    NjStatus (*event_free)(NjDevice *d, void *event, NjErr *err);
    NjStatus (*event_record)(NjDevice *d, void *event, void *stream, NjErr *err);
    NjStatus (*event_sync_nogil)(NjDevice *d, void *event, NjErr *err);
    NjStatus (*event_done)(NjDevice *d, void *event, bool *done, NjErr *err);
    NjStatus (*event_elapsed)(NjDevice *d, void *from, void *to, float *ms, NjErr *err);
    NjStatus (*stream_wait)(NjDevice *d, void *stream, void *event, NjErr *err);
    /* Appends what compiled code depends on beside the unit, at most NJ_CACHE_FACTS facts; texts in the arena. GIL
     * held. */
    uint32_t (*facts)(NjDevice *d, NjArena *a, NjKeyFact *out);
    /* The unit's LLVM text -> what load_nogil takes: an ELF object, or PTX that ends with a zero. */
    NjStatus (*compile_nogil)(NjDevice *d, const NjUnit *u, NjText *out, NjErr *err);
    /* Compiled now or found in the cache. On success *asm_text (nj_malloc'ed, NUL-terminated) is its PTX, or NULL where
     * making assembly costs extra: then code_asm makes it on demand. The image may get a new cubin (owned_cubin), which
     * is worth keeping. */
    NjStatus (*load_nogil)(NjDevice *d, NjImage *im, const NjOpts *opts, uint32_t nslots, NjDevCode **out,
                           char **asm_text, NjErr *err);
    NjStatus (*unload)(NjDevCode *c, NjErr *err);
    NjStatus (*code_info)(NjDevCode *c, NjCodeInfo *out, NjErr *err);
    NjStatus (*code_asm)(const NjUnit *u, NjText *out, NjErr *err);
    /* What a GPU executes, as text, or its control flow as a graph (dot). asm_text: what load_nogil gave. */
    NjStatus (*code_sass)(NjDevCode *c, const char *asm_text, bool cfg, NjText *out, NjErr *err);
    /* slots: 8 bytes for each part of each argument, in order; params: their addresses. *status: what the kernel
     * raised,
     * 0 nothing; where a thread raised, err says which. */
    NjStatus (*launch_nogil)(NjDevCode *c, const NjLaunchCfg *how, uint64_t *slots, void **params, int32_t *status,
                             NjErr *err);
    NjStatus (*attribute)(NjDevice *d, const char *name, int *value, NjErr *err);
    size_t   nattr;
    const char *(*attr_name)(size_t i);
} NjDeviceOps;

struct NjDevice {
    const NjDeviceOps *ops;
    NjDevInfo info;
    void *impl;
};

/* -- device.c: which devices there are ------------------------------------------------------------------ */

/* Opens what NAJA_DEVICE asks for at first need: cpu, cuda, mock; unset: the GPUs if a driver finds any, else the CPU
 * device. Later calls answer from memory, the first failure included. */
NjStatus  nj_devices_open(NjErr *err);
int       nj_device_count(void);                     /* after nj_devices_open */
NjDevice *nj_device_get(int ordinal);                /* NULL when out of range */
NjDevice *nj_device_current(NjErr *err);             /* of this thread; device 0 until nj_device_select */
NjStatus  nj_device_select(int ordinal, NjErr *err);
const char *nj_device_why_cpu(void);                 /* why there is no GPU, as the driver's loader said it; "" */
/* site-packages folders, NULL-terminated, for everything that looks for toolkit parts. Set once, before the first
 * use. */
void nj_device_set_sites(char **sites);
const char *const *nj_device_sites(void);

/* -- device_cpu.c, device_cuda.c -------------------------------------------------------------------------- */

NjStatus nj_device_cpu_open(NjDevice *out, NjErr *err);
NjStatus nj_device_cuda_open(NjDevice **list, int *n, NjErr *err);       /* list: nj_malloc'ed */
/* The unit's NVVM text as PTX: by libNVVM, or by LLVM's NVPTX back end where there is none. */
NjStatus nj_device_ptx(const NjUnit *u, int cc, char suffix, NjText *ptx, NjErr *err);
/* Which dialect `cc` wants here: the cuda target with typed or with opaque pointers. */
const NjTarget *nj_device_ptx_target(void);

#endif
