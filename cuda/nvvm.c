/* nvvm.c - NVVM text -> PTX, by libNVVM.
 *
 * In: LLVM text in the dialect that libNVVM takes (LLVM 7 with typed pointers serves every architecture), and options.
 * Out: PTX. The library is found and loaded at run time; libdevice's bytes are mapped once and added lazily, so that
 * only the functions that are called are parsed. Programs are independent of each other: any number of threads may
 * compile.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cuda/room.h"

/* -- the library's calls -------------------------------------------------------------------------------- */

typedef struct NvvmProgramObj *NvvmProgram;
enum { NVVM_OK = 0, NVVM_NOMEM = 1, NVVM_INVALID_OPTION = 7 };

/* FN(field, symbol, needed, parameters); nvvmLLVMVersion came with 12.9 */
#define NVVM_FNS(FN)                                                                                                   \
    FN(error_text, nvvmGetErrorString, 1, const char *, (int r))                                                       \
    FN(llvm_version, nvvmLLVMVersion, 0, int, (const char *arch, int *major))                                          \
    FN(create, nvvmCreateProgram, 1, int, (NvvmProgram * p))                                                           \
    FN(destroy, nvvmDestroyProgram, 1, int, (NvvmProgram * p))                                                         \
    FN(add, nvvmAddModuleToProgram, 1, int, (NvvmProgram p, const char *s, size_t n, const char *name))                \
    FN(add_lazy, nvvmLazyAddModuleToProgram, 1, int, (NvvmProgram p, const char *s, size_t n, const char *name))       \
    FN(verify, nvvmVerifyProgram, 1, int, (NvvmProgram p, int nopt, const char **opts))                                \
    FN(compile, nvvmCompileProgram, 1, int, (NvvmProgram p, int nopt, const char **opts))                              \
    FN(result_size, nvvmGetCompiledResultSize, 1, int, (NvvmProgram p, size_t * n))                                    \
    FN(result, nvvmGetCompiledResult, 1, int, (NvvmProgram p, char *out))                                              \
    FN(log_size, nvvmGetProgramLogSize, 1, int, (NvvmProgram p, size_t * n))                                           \
    FN(log, nvvmGetProgramLog, 1, int, (NvvmProgram p, char *out))

typedef struct NvvmFns {
#define FN(field, symbol, needed, result, params) result(*field) params;
    NVVM_FNS(FN)
#undef FN
} NvvmFns;

static const struct {
    const char *symbol;
    size_t offset;
    bool needed;
} nvvm_rows[] = {
#define FN(field, symbol, needed, result, params) {#symbol, offsetof(NvvmFns, field), needed},
    NVVM_FNS(FN)
#undef FN
};

/* Every architecture that some libNVVM made PTX for; a newer one is one number more. */
static const int nvvm_ccs[] = {50, 52, 53, 60, 61,  62,  70,  72,  75,  80, 86,
                               87, 88, 89, 90, 100, 101, 103, 110, 120, 121};

struct NjNvvm {
    NvvmFns fn;
    void *lib;
    NjFound found;
    uint8_t serves[NJ_COUNT(nvvm_ccs)]; /* 0 not asked, 1 yes, 2 no; threads that race find the same answer */
    char *libdevice;                    /* mapped; NULL: libdevice_err says why */
    size_t libdevice_nbytes;
    NjErr libdevice_err;
};

/* -- open ------------------------------------------------------------------------------------------------- */

bool nj_cuda_has_nvvm(const char *const *sites)
{
    NjFound f;
    return nj_find(NJ_PART_libnvvm, sites, &f);
}

static NjStatus nvvm_load(NjNvvm *nv, NjErr *err)
{
    nv->lib = dlopen(nv->found.path, RTLD_NOW | RTLD_LOCAL);
    if (nv->lib == NULL)
        return nj_err_set(err, NJ_E_ENV, 0, "libNVVM: %s", dlerror());
    for (size_t i = 0; i < NJ_COUNT(nvvm_rows); i++) {
        void *sym = dlsym(nv->lib, nvvm_rows[i].symbol);
        if (sym == NULL && nvvm_rows[i].needed)
            return nj_err_set(err, NJ_E_ENV, 0, "%s is not a libNVVM: it lacks %s", nv->found.path,
                              nvvm_rows[i].symbol);
        memcpy((char *)&nv->fn + nvvm_rows[i].offset, &sym, sizeof sym);
    }
    return NJ_OK;
}

/* A missing libdevice is an error only for the kernel that calls it. */
static void nvvm_map_libdevice(NjNvvm *nv, const char *const *sites)
{
    NjFound f;
    struct stat sb;
    if (nj_find_or_err(NJ_PART_libdevice, sites, &f, &nv->libdevice_err) != NJ_OK)
        return;
    int fd = open(f.path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &sb) == 0 && sb.st_size > 0) {
        void *p = mmap(NULL, (size_t)sb.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        nv->libdevice = p == MAP_FAILED ? NULL : p;
        nv->libdevice_nbytes = (size_t)sb.st_size;
    }
    if (fd >= 0)
        close(fd);
    if (nv->libdevice == NULL)
        nj_err_set(&nv->libdevice_err, NJ_E_ENV, 0, "%s cannot be read", f.path);
}

NjStatus nj_nvvm_open(const char *const *sites, NjNvvm **out, NjErr *err)
{
    *out = NULL;
    NjNvvm *nv = nj_calloc(1, sizeof *nv);
    if (nv == NULL)
        return nj_err_set(err, NJ_E_NOMEM, 0, "out of memory while loading libNVVM");
    NjStatus st = nj_find_or_err(NJ_PART_libnvvm, sites, &nv->found, err);
    if (st == NJ_OK)
        st = nvvm_load(nv, err);
    if (st != NJ_OK) {
        nj_nvvm_close(nv);
        return st;
    }
    nvvm_map_libdevice(nv, sites);
    nj_log(1, "libNVVM %s (%s %s)", nv->found.path, nv->found.where, nv->found.version);
    *out = nv;
    return NJ_OK;
}

/* The library stays loaded: it cannot be unloaded safely once it has compiled. */
void nj_nvvm_close(NjNvvm *nv)
{
    if (nv == NULL)
        return;
    if (nv->libdevice != NULL)
        munmap(nv->libdevice, nv->libdevice_nbytes);
    nj_free(nv);
}

/* -- what it serves ------------------------------------------------------------------------------------------ */

const char *nj_nvvm_path(const NjNvvm *nv)
{
    return nv->found.path;
}

int nj_nvvm_llvm(NjNvvm *nv, int cc)
{
    char arch[32];
    int major = 7;
    snprintf(arch, sizeof arch, "compute_%d", cc);
    if (nv->fn.llvm_version == NULL || nv->fn.llvm_version(arch, &major) != NVVM_OK)
        return 7;
    return major;
}

/* Asks by verifying an empty module for the architecture: there is no call for it. */
static bool nvvm_ask_cc(NjNvvm *nv, int cc)
{
    static const char text[] = "target triple = \"nvptx64-nvidia-cuda\"\n";
    char arch[32];
    const char *opts[] = {arch};
    NvvmProgram p = NULL;
    snprintf(arch, sizeof arch, "-arch=compute_%d", cc);
    if (nv->fn.create(&p) != NVVM_OK)
        return false;
    bool ok =
        nv->fn.add(p, text, sizeof text - 1, "ask") == NVVM_OK && nv->fn.verify(p, 1, opts) != NVVM_INVALID_OPTION;
    nv->fn.destroy(&p);
    return ok;
}

bool nj_nvvm_supports(NjNvvm *nv, int cc)
{
    for (size_t i = 0; i < NJ_COUNT(nvvm_ccs); i++) {
        if (nvvm_ccs[i] != cc)
            continue;
        uint8_t known = __atomic_load_n(&nv->serves[i], __ATOMIC_RELAXED);
        if (known == 0) {
            known = nvvm_ask_cc(nv, cc) ? 1 : 2;
            __atomic_store_n(&nv->serves[i], known, __ATOMIC_RELAXED);
        }
        return known == 1;
    }
    return nvvm_ask_cc(nv, cc);
}

size_t nj_nvvm_archs(NjNvvm *nv, int *out, size_t n)
{
    size_t k = 0;
    for (size_t i = 0; i < NJ_COUNT(nvvm_ccs) && k < n; i++)
        if (nj_nvvm_supports(nv, nvvm_ccs[i]))
            out[k++] = nvvm_ccs[i];
    return k;
}

/* PTX runs on every newer architecture, so a device that this libNVVM does not know takes the newest older one. */
int nj_nvvm_best_cc(NjNvvm *nv, int cc)
{
    for (size_t i = NJ_COUNT(nvvm_ccs); i-- > 0;)
        if (nvvm_ccs[i] <= cc && nj_nvvm_supports(nv, nvvm_ccs[i]))
            return nvvm_ccs[i];
    return 0;
}

/* -- compile --------------------------------------------------------------------------------------------------- */

enum { NVVM_MAX_OPTS = 10 };
typedef struct NvvmArgs {
    int n;
    const char *at[NVVM_MAX_OPTS];
    char arch[32];
} NvvmArgs;

static void nvvm_fill_args(NvvmArgs *a, const NjNvvmOpts *o)
{
    const struct {
        bool on;
        const char *text;
    } flags[] = {
        {true, a->arch},
        {true, o->opt > 0 && !o->debug ? "-opt=3" : "-opt=0"},
        {o->ftz, "-ftz=1"},
        {o->fast_div, "-prec-div=0"},
        {o->fast_sqrt, "-prec-sqrt=0"},
        {o->no_fma, "-fma=0"},
        {o->debug, "-g"},
        {o->lineinfo && !o->debug, "-generate-line-info"},
        {o->lto, "-gen-lto"},
    };
    char suffix[2] = {o->suffix, 0};
    snprintf(a->arch, sizeof a->arch, "-arch=compute_%d%s", o->cc, suffix);
    a->n = 0;
    for (size_t i = 0; i < NJ_COUNT(flags); i++)
        if (flags[i].on)
            a->at[a->n++] = flags[i].text;
}

/* One compilation. */
typedef struct NvvmJob {
    NjNvvm *nv;
    NvvmProgram p;
    const NjNvvmOpts *o;
    const char *name, *text;
    size_t n;
} NvvmJob;

/* The line of our text that a complaint such as "scale (4, 18): parse ..." points at. */
static const char *nvvm_line(const NvvmJob *j, const char *log, int *n)
{
    unsigned line = 0, col = 0;
    const char *at = log ? strstr(log, " (") : NULL, *s = j->text, *end = j->text + j->n;
    *n = 0;
    if (at == NULL || sscanf(at, " (%u, %u)", &line, &col) != 2)
        return "";
    for (; line > 1 && s < end; s++)
        line -= *s == '\n';
    while (s + *n < end && s[*n] != '\n' && *n < 200)
        ++*n;
    return s;
}

/* The program's log, or what the result code means. */
static NjStatus nvvm_refused(const NvvmJob *j, const char *what, int r, NjErr *err)
{
    NjStatus st = r == NVVM_NOMEM ? NJ_E_NOMEM : r == NVVM_INVALID_OPTION ? NJ_E_ENV : NJ_E_BUG;
    size_t n = 0;
    char *log = NULL;
    if (j->nv->fn.log_size(j->p, &n) == NVVM_OK && n > 1 && (log = nj_calloc(1, n + 1)) != NULL)
        j->nv->fn.log(j->p, log);
    int nline;
    const char *line = nvvm_line(j, log, &nline);
    nj_err_set(err, st, 0, "%s failed for compute_%d: %s (%d)%s%s%s%.*s", what, j->o->cc, j->nv->fn.error_text(r), r,
               log ? "\n" : "", log ? log : "", nline ? "\n  " : "", nline, line);
    nj_free(log);
    return st;
}

static NjStatus nvvm_add(const NvvmJob *j, NjErr *err)
{
    const NjNvvm *nv = j->nv;
    int r = nv->fn.add(j->p, j->text, j->n, j->name);
    if (r != NVVM_OK)
        return nvvm_refused(j, "nvvmAddModuleToProgram", r, err);
    if (!j->o->uses_libdevice)
        return NJ_OK;
    if (nv->libdevice == NULL)
        return nj_err_set(err, nv->libdevice_err.status, 0, "%s", nv->libdevice_err.text);
    r = nv->fn.add_lazy(j->p, nv->libdevice, nv->libdevice_nbytes, "libdevice");
    return r == NVVM_OK ? NJ_OK : nvvm_refused(j, "nvvmLazyAddModuleToProgram(libdevice)", r, err);
}

static NjStatus nvvm_take(const NvvmJob *j, NjText *ptx, NjErr *err)
{
    size_t n = 0;
    int r = j->nv->fn.result_size(j->p, &n);
    char *buf = r == NVVM_OK ? nj_calloc(1, n + 1) : NULL;
    if (r == NVVM_OK && buf == NULL)
        return nj_err_set(err, NJ_E_NOMEM, 0, "out of memory while taking %zu bytes of PTX", n);
    if (r == NVVM_OK)
        r = j->nv->fn.result(j->p, buf);
    if (r == NVVM_OK) /* the size counts PTX's NUL, but LTO-IR is bytes to the end */
        nj_text_put(ptx, buf, j->o->lto ? n : strlen(buf));
    nj_free(buf);
    if (r != NVVM_OK)
        return nvvm_refused(j, "nvvmGetCompiledResult", r, err);
    return ptx->failed ? nj_err_set(err, NJ_E_NOMEM, 0, "out of memory while taking PTX") : NJ_OK;
}

static NjStatus nvvm_run(const NvvmJob *j, NjText *ptx, NjErr *err)
{
    NvvmArgs a;
    nvvm_fill_args(&a, j->o);
    NjStatus st = nvvm_add(j, err);
    if (st != NJ_OK)
        return st;
    int r = nj_knobs()->check > 0 ? j->nv->fn.verify(j->p, a.n, a.at) : NVVM_OK;
    if (r != NVVM_OK)
        return nvvm_refused(j, "nvvmVerifyProgram", r, err);
    r = j->nv->fn.compile(j->p, a.n, a.at);
    return r == NVVM_OK ? nvvm_take(j, ptx, err) : nvvm_refused(j, "nvvmCompileProgram", r, err);
}

NjStatus nj_nvvm_compile(NjNvvm *nv, const NjNvvmOpts *o, const char *name, const char *text, size_t n, NjText *ptx,
                         NjErr *err)
{
    NvvmJob j = {nv, NULL, o, name, text, n};
    int r = nv->fn.create(&j.p);
    if (r != NVVM_OK)
        return nj_err_set(err, NJ_E_NOMEM, r, "nvvmCreateProgram failed: %s", nv->fn.error_text(r));
    NjStatus st = nvvm_run(&j, ptx, err);
    nv->fn.destroy(&j.p);
    return st;
}
