/* launch_bare.c - the launches of launch.py from C, by cuLaunchKernel alone: what a launch costs at the least.
 *
 * In: the driver's library, naja's own PTX of the kernel, the sizes of its parameters. Out: nanoseconds of one launch.
 * launch.py compiles this as a library and calls it in its own process, so that both use one driver and one context, in
 * turns. Only the few calls needed are declared here; nothing of CUDA is needed to build.
 */
#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

enum { MAX_PARAMS = 1024 };

typedef int (*Launch)(void *fn, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                      unsigned shared, void *stream, void **params, void **extra);
static Launch launch;
static int (*synchronize)(void);
static void *function;

/* 0, a CUresult, or -1 when the library or a call of it is missing. */
int bare_open(const char *libcuda, const char *ptx, const char *entry)
{
    int (*init)(unsigned), (*retain)(void **, int), (*make_current)(void *), (*get)(void **, void *, const char *);
    int (*load)(void **, const void *, unsigned, int *, void **);
    const struct {
        void *to;
        const char *name;
    } calls[] = {
        {&init, "cuInit"}, {&retain, "cuDevicePrimaryCtxRetain"}, {&make_current, "cuCtxSetCurrent"},
        {&load, "cuModuleLoadDataEx"}, {&get, "cuModuleGetFunction"}, {&launch, "cuLaunchKernel"},
        {&synchronize, "cuCtxSynchronize"},
    };
    void *lib = dlopen(libcuda, RTLD_NOW | RTLD_LOCAL), *context, *module;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        void *p = lib ? dlsym(lib, calls[i].name) : NULL;
        if (p == NULL)
            return -1;
        memcpy(calls[i].to, &p, sizeof p);
    }
    int r = init(0);
    r = r ? r : retain(&context, 0);
    r = r ? r : make_current(context);
    r = r ? r : load(&module, ptx, 0, NULL, NULL);
    return r ? r : get(&function, module, entry);
}

/* n launches of one block of 32 threads; the wait for the device is not timed. Negative: the CUresult that came. */
double bare_time(unsigned nparam, const unsigned *size, long n)
{
    static uint64_t values[2 * MAX_PARAMS];
    static void *params[MAX_PARAMS];
    struct timespec from, to;
    size_t at = 0;
    for (unsigned i = 0; i < nparam && i < MAX_PARAMS; i++) {
        params[i] = &values[at];
        at += (size[i] + 7) / 8;
        if (at > 2 * MAX_PARAMS)
            return -1;
    }
    int r = nparam <= MAX_PARAMS ? synchronize() : 1;
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (long i = 0; i < n && r == 0; i++)
        r = launch(function, 1, 1, 1, 32, 1, 1, 0, NULL, params, NULL);
    clock_gettime(CLOCK_MONOTONIC, &to);
    r = r ? r : synchronize();
    return r ? -r : ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) / (double)n;
}
