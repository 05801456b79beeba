/* cuda.h - the CUDA room: find and load the driver and the toolkit, make PTX, own devices, memory and launches.
 *
 * Everything is found at run time; nothing of CUDA is needed to build. Every call takes its handle first and its
 * out-parameters last, returns a status, and on failure says in the NjErr what failed: the driver call, its
 * CUresult (NjErr.code) and the driver's words. Nothing prints or aborts. Prototypes are grouped by the file that
 * defines them.
 *
 * Threads. An NjCuda, NjCudaDev, NjCudaModule, NjCudaFn and NjNvvm may be used by any number of threads at once;
 * opening and closing one belongs to one thread. A stream or event is safe in the driver, but work order is then the
 * caller's affair. An NjCudaArgs block belongs to one thread until the launch returns.
 *
 * Contexts. naja uses each device's *primary* context, as the CUDA runtime does, so pointers and streams are shared
 * with CuPy or PyTorch. Every call that needs the context makes it current in the calling thread and leaves it so;
 * no call depends on what was current before.
 */
#ifndef NJ_CUDA_H
#define NJ_CUDA_H

#include "base/base.h"

typedef struct NjCuda NjCuda;                   /* the loaded driver */
typedef struct NjCudaDev NjCudaDev;             /* a device and its retained primary context */
typedef struct NjCudaModule NjCudaModule;       /* loaded code */
typedef struct NjCudaFn NjCudaFn;               /* a kernel; lives as long as its module */
typedef struct NjCudaStream NjCudaStream;
typedef struct NjCudaEvent NjCudaEvent;

/* -- driver.c: libcuda.so.1, loaded late ------------------------------------------------------- */

/* path NULL: what NAJA_LIBCUDA says, else the fake one for NAJA_DEVICE=mock, else libcuda.so.1. 'none' is none.
 * NJ_E_ENV when there is no driver or no device; the text names what was tried. Never call it before a fork(). */
NjStatus    nj_cuda_open(const char *path, NjCuda **out, NjErr *err);
void        nj_cuda_close(NjCuda *cu);                     /* NULL is fine; devices must be closed before */
int         nj_cuda_version(const NjCuda *cu);             /* the newest CUDA it serves: 12040 is 12.4 */
const char *nj_cuda_path(const NjCuda *cu);
void       *nj_cuda_symbol(const NjCuda *cu, const char *name);     /* for the fake's own functions; NULL when absent */
const char *nj_cuda_error_name(const NjCuda *cu, int code);         /* "CUDA_ERROR_INVALID_PTX", or "CUresult 7" */

/* -- device.c ------------------------------------------------------------------------------------ */

typedef struct NjCudaDevInfo {
    int     ordinal, major, minor;      /* compute capability */
    char    name[256], pci_bus_id[32];
    uint8_t uuid[16];                   /* zeros when the driver has no such call */
    size_t  total_nbytes;
    int     max_threads_per_block, max_block[3], max_grid[3], warp_size, nsm;
    int     max_shared_nbytes, max_shared_optin_nbytes;     /* of a block: plainly, and opted into */
} NjCudaDevInfo;

NjStatus nj_cuda_count(NjCuda *cu, int *n, NjErr *err);
NjStatus nj_cuda_dev_open(NjCuda *cu, int ordinal, NjCudaDev **out, NjErr *err);
NjStatus nj_cuda_dev_close(NjCudaDev *dev, NjErr *err);             /* NULL is fine; gone whatever it returns */
const NjCudaDevInfo *nj_cuda_dev_info(const NjCudaDev *dev);
NjStatus nj_cuda_dev_sync(const NjCudaDev *dev, NjErr *err);
NjStatus nj_cuda_dev_meminfo(const NjCudaDev *dev, size_t *avail, size_t *total, NjErr *err);
/* attributes.def, by name ("multiprocessor_count") and by row. */
size_t      nj_cuda_attr_count(void);
const char *nj_cuda_attr_name(size_t i);                            /* NULL past the end */
NjStatus    nj_cuda_dev_attr(const NjCudaDev *dev, const char *name, int *value, NjErr *err);

/* -- module.c: PTX or cubin -> functions ---------------------------------------------------------- */

typedef struct NjCudaLoad {             /* zeros are the defaults; NULL means all zeros */
    int  max_registers;
    int  opt;                           /* 1..4: the JIT's level + 1, so that 0 is its default, 4 */
    bool debug, lineinfo;
} NjCudaLoad;

typedef struct NjCudaFnInfo {
    int max_threads, shared_nbytes, const_nbytes, local_nbytes, registers, ptx_version, binary_version;
    int max_dynamic_shared_nbytes;
} NjCudaFnInfo;

/* PTX is NUL-terminated text; a cubin begins with \177ELF. The JIT's complaint goes into err, its remarks into *log
 * (a new nj_malloc string, or NULL when there are none or log is NULL). */
NjStatus    nj_cuda_module_load(NjCudaDev *dev, const void *image, const NjCudaLoad *how, NjCudaModule **out,
                                char **log, NjErr *err);
NjStatus    nj_cuda_module_free(NjCudaModule *mod, NjErr *err);     /* NULL is fine; frees its NjCudaFn too */
NjStatus    nj_cuda_module_fn(NjCudaModule *mod, const char *name, NjCudaFn **out, NjErr *err);
NjStatus    nj_cuda_module_global(NjCudaModule *mod, const char *name, uint64_t *ptr, size_t *nbytes, NjErr *err);
const char *nj_cuda_fn_name(const NjCudaFn *fn);
NjCudaDev  *nj_cuda_fn_dev(const NjCudaFn *fn);
NjStatus    nj_cuda_fn_info(const NjCudaFn *fn, NjCudaFnInfo *out, NjErr *err);
NjStatus    nj_cuda_fn_set_dynamic_shared(const NjCudaFn *fn, size_t nbytes, NjErr *err);   /* above 48 KiB: opt in */
NjStatus    nj_cuda_fn_set_carveout(const NjCudaFn *fn, int percent, NjErr *err);
NjStatus    nj_cuda_fn_occupancy(const NjCudaFn *fn, int block, size_t shared_nbytes, int *blocks_per_sm, NjErr *err);

/* -- link.c: several PTX or cubin inputs -> one cubin, by the driver's linker ----------------------- */

typedef struct NjCudaInput { const char *name; const void *data; size_t nbytes; } NjCudaInput;   /* PTX with its NUL */
NjStatus nj_cuda_link(NjCudaDev *dev, const NjCudaInput *in, size_t n, const NjCudaLoad *how, void **cubin,
                      size_t *nbytes, NjErr *err);                  /* *cubin: nj_free it */

/* -- image.c: PTX by way of a cubin that can be kept ------------------------------------------------------ */

typedef struct NjCudaImage {
    const char *name, *ptx; size_t nptx;        /* PTX with its NUL */
    const void *cubin; size_t ncubin;           /* in: a kept one, or NULL; out: what was loaded, or NULL */
    void       *owned;                          /* out: the memory of a new cubin; NULL: there is none */
} NjCudaImage;

/* Any cubin may be refused; what counts is the PTX, whose error is the one reported. */
NjStatus nj_cuda_image_load(NjCudaDev *dev, NjCudaImage *im, const NjCudaLoad *how, NjCudaModule **out, NjErr *err);
void     nj_cuda_image_drop(NjCudaImage *im);   /* the cubin only */

/* -- mem.c ------------------------------------------------------------------------------------------- */

/* A NULL stream means: finished when the call returns. With a stream the call only queues the work, and host memory
 * must stay alive (and be pinned, if it is to overlap) until the stream has passed it. Zero bytes are fine everywhere
 * and reach no driver; a zero-byte allocation is address 0. */
NjStatus nj_cuda_alloc(NjCudaDev *dev, size_t nbytes, uint64_t *ptr, NjErr *err);
NjStatus nj_cuda_free(NjCudaDev *dev, uint64_t ptr, NjErr *err);
NjStatus nj_cuda_h2d(NjCudaDev *dev, NjCudaStream *s, uint64_t dst, const void *src, size_t nbytes, NjErr *err);
NjStatus nj_cuda_d2h(NjCudaDev *dev, NjCudaStream *s, void *dst, uint64_t src, size_t nbytes, NjErr *err);
NjStatus nj_cuda_d2d(NjCudaDev *dev, NjCudaStream *s, uint64_t dst, uint64_t src, size_t nbytes, NjErr *err);
/* n elements of 1, 2 or 4 bytes */
NjStatus nj_cuda_fill(NjCudaDev *dev, NjCudaStream *s, uint64_t dst, uint32_t value, int width, size_t n, NjErr *err);

enum { NJ_CUDA_HOST_PORTABLE = 1, NJ_CUDA_HOST_MAPPED = 2, NJ_CUDA_HOST_WRITE_COMBINED = 4 };
NjStatus nj_cuda_host_alloc(NjCudaDev *dev, size_t nbytes, unsigned flags, void **p, NjErr *err);
NjStatus nj_cuda_host_free(NjCudaDev *dev, void *p, NjErr *err);
NjStatus nj_cuda_host_pin(NjCudaDev *dev, void *p, size_t nbytes, unsigned flags, NjErr *err);
NjStatus nj_cuda_host_unpin(NjCudaDev *dev, void *p, NjErr *err);
NjStatus nj_cuda_host_ptr(NjCudaDev *dev, void *p, uint64_t *ptr, NjErr *err);    /* a mapped buffer's address */
NjStatus nj_cuda_alloc_managed(NjCudaDev *dev, size_t nbytes, bool attach_global, uint64_t *ptr, NjErr *err);
/* Is this address device memory (or managed), and on which device? false for plain host memory. */
NjStatus nj_cuda_ptr_query(NjCudaDev *dev, uint64_t ptr, bool *on_device, int *ordinal, NjErr *err);

/* -- stream.c, event.c -------------------------------------------------------------------------------- */

typedef void (*NjCudaCall)(void *arg, int code);      /* called on a driver thread; must not call the driver */
NjStatus  nj_cuda_stream_new(NjCudaDev *dev, bool blocking, NjCudaStream **out, NjErr *err);
/* A stream somebody else owns: 0 default, 1 legacy default, 2 per-thread default, else a CUstream. */
NjStatus  nj_cuda_stream_wrap(NjCudaDev *dev, uintptr_t raw, NjCudaStream **out, NjErr *err);
NjStatus  nj_cuda_stream_free(NjCudaStream *s, NjErr *err);         /* NULL is fine; a wrapped one stays alive */
uintptr_t nj_cuda_stream_raw(const NjCudaStream *s);                /* NULL gives 0, the default stream */
NjStatus  nj_cuda_stream_sync(NjCudaStream *s, NjErr *err);
NjStatus  nj_cuda_stream_done(NjCudaStream *s, bool *done, NjErr *err);
NjStatus  nj_cuda_stream_wait(NjCudaStream *s, NjCudaEvent *e, NjErr *err);
NjStatus  nj_cuda_stream_call(NjCudaStream *s, NjCudaCall fn, void *arg, NjErr *err);

NjStatus  nj_cuda_event_new(NjCudaDev *dev, bool timing, NjCudaEvent **out, NjErr *err);
NjStatus  nj_cuda_event_free(NjCudaEvent *e, NjErr *err);           /* NULL is fine */
NjStatus  nj_cuda_event_record(NjCudaEvent *e, NjCudaStream *s, NjErr *err);
NjStatus  nj_cuda_event_sync(NjCudaEvent *e, NjErr *err);
NjStatus  nj_cuda_event_done(NjCudaEvent *e, bool *done, NjErr *err);
NjStatus  nj_cuda_event_elapsed(NjCudaEvent *from, NjCudaEvent *to, float *ms, NjErr *err);

/* -- launch.c: the hot path ------------------------------------------------------------------------------ */

/* A prepared argument block: eight-byte slots and, computed once, the pointers that the driver wants. Parameter i
 * starts at slot at[i] and takes as many slots as its bytes need. */
typedef struct NjCudaArgs {
    uint32_t  nparam, nslot;
    uint64_t *slot;          /* write here: slot[first[i]] */
    void    **ptr;           /* ptr[i] == &slot[first[i]] */
    uint32_t *first;
} NjCudaArgs;

/* size[i] is the size in bytes of parameter i. One allocation holds it all: nj_free() it. */
NjStatus nj_cuda_args_new(const uint32_t *size, uint32_t nparam, NjCudaArgs **out, NjErr *err);

typedef struct NjCudaGrid {              /* how to launch: made once for kernel[grid, block, stream, shared] */
    uint32_t grid[3], block[3], shared_nbytes;
    bool     cooperative;
    NjCudaStream *stream;                /* NULL: the default stream */
} NjCudaGrid;

/* Queues the kernel; allocates nothing. params: one pointer for each parameter, such as NjCudaArgs.ptr. */
NjStatus nj_cuda_launch(const NjCudaFn *fn, const NjCudaGrid *how, void **params, NjErr *err);

/* -- find.c: where the toolkit's parts are ------------------------------------------------------------------ */

typedef enum NjPart {
#define PART(name, knob, dist, what) NJ_PART_##name,
#include "parts.def"
    NJ_PART_COUNT
} NjPart;

typedef struct NjFound {
    char path[1024];
    char where[64];          /* "NAJA_LIBNVVM", "pip", "conda", "CUDA_HOME", "system", "PATH" */
    char version[64];        /* as far as names tell it; "" unknown */
} NjFound;

const char *nj_find_part_name(NjPart part);           /* "libnvvm" */
const char *nj_find_part_help(NjPart part);           /* what naja uses it for */
/* sites: the site-packages folders, NULL-terminated, or NULL. Looks at files only, loads nothing. */
bool        nj_find(NjPart part, const char *const *sites, NjFound *out);
void        nj_find_tried(NjPart part, const char *const *sites, NjText *out);    /* one pattern a line, for messages */

/* -- target.c: CUDA as targets of the compiler (run/unit.h) --------------------------------------------------- */

extern const struct NjTarget nj_cuda_target;       /* typed pointers: text for libNVVM */
extern const struct NjTarget nj_nvptx_target;      /* opaque pointers: text for LLVM's NVPTX back end */

/* -- nvvm.c: NVVM text -> PTX ---------------------------------------------------------------------------------- */

typedef struct NjNvvm NjNvvm;
typedef struct NjNvvmOpts {
    int  cc;                 /* 75, 80, ... 121 */
    char suffix;             /* 0, or 'a' or 'f': architecture- and family-specific features */
    int  opt;                /* 0: none, else full */
    bool ftz, fast_div, fast_sqrt, no_fma;
    bool debug, lineinfo;    /* debug needs opt 0 */
    bool uses_libdevice;     /* the text calls __nv_*: libdevice is added, lazily */
    bool lto;                /* LTO-IR instead of PTX */
} NjNvvmOpts;

/* Cheap: looks for the file only. False also when NAJA_LIBNVVM=none. */
bool     nj_cuda_has_nvvm(const char *const *sites);
NjStatus nj_nvvm_open(const char *const *sites, NjNvvm **out, NjErr *err);
void     nj_nvvm_close(NjNvvm *nv);                    /* NULL is fine */
const char *nj_nvvm_path(const NjNvvm *nv);
int      nj_nvvm_llvm(NjNvvm *nv, int cc);            /* LLVM dialect it takes for this architecture: 7, or newer */
bool     nj_nvvm_supports(NjNvvm *nv, int cc);
size_t   nj_nvvm_archs(NjNvvm *nv, int *out, size_t n);                  /* all it makes PTX for, rising; how many */
int      nj_nvvm_best_cc(NjNvvm *nv, int cc);         /* the newest it makes PTX for that runs on cc; 0 is none */
/* ptx: appended to. The text is verified too when NAJA_CHECK > 0. NJ_E_BUG, with libNVVM's log, when it refuses. */
NjStatus nj_nvvm_compile(NjNvvm *nv, const NjNvvmOpts *o, const char *name, const char *text, size_t n, NjText *ptx,
                         NjErr *err);

/* -- ptxas.c: the assembler and disassembler, as programs --------------------------------------------------------- */

/* arch such as "sm_86". cubin may be NULL: only check. log may be NULL: gets what the program said, -v included. */
NjStatus nj_ptxas(const char *const *sites, const char *arch, const char *ptx, size_t n, const NjCudaLoad *how,
                  NjText *cubin, NjText *log, NjErr *err);
/* cfg: the control flow as a graph for dot, instead of the listing. */
NjStatus nj_nvdisasm(const char *const *sites, const void *cubin, size_t n, bool cfg, NjText *sass, NjErr *err);

#endif
