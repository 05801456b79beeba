/* fake_cuda.h - what the fake libcuda exports beside the driver's calls, for tests: see nj_cuda_symbol, or use ctypes.
 *
 * Environment, read at cuInit: NAJA_FAKE_DEVICES (1), NAJA_FAKE_CC (86; "86,90": by device), NAJA_FAKE_FAIL ("12" or
 * "12:700": the 12th call from there on fails, with that CUresult), NAJA_FAKE_RECORD (1; 0: launches are checked, but
 * not kept), NAJA_FAKE_VERSION (12080; cubins of a driver of a higher version are refused).
 */
#ifndef NJ_FAKE_CUDA_H
#define NJ_FAKE_CUDA_H

/* Contexts, modules, streams, events, links and memory not given back yet. */
long nj_fake_live(void);
/* Forgets launches, counts and orders to fail; live objects stay. */
void nj_fake_reset(void);

/* The n-th call from now fails once with that CUresult; 0 takes the order back. Asking for a name is no call. */
void nj_fake_fail_at(long n, int result);
/* Every call of this name fails until NULL takes the order back: "cuMemAlloc". */
void nj_fake_fail_call(const char *name, int result);
/* The call that an order made fail last, or NULL. */
const char *nj_fake_failed(void);
long nj_fake_calls(void);
/* Those whose name begins like this: "cuModuleLoadDataEx", "cuLink". */
long nj_fake_called(const char *prefix);

/* Loading any cubin fails with that CUresult, as another driver's would; 0 takes the order back. */
void nj_fake_refuse_cubins(int result);
/* A CUjit_option of the last PTX that was loaded, or of the last linker; -1: it was not given. */
long nj_fake_jit_option(int key);

/* What was launched. geometry: grid x y z, block x y z, shared bytes, number of parameters. -1: there is no such launch
 * or parameter; launch_param returns the parameter's size and copies at most nbytes of it. */
long nj_fake_launch_count(void);
const char *nj_fake_launch_name(long i);
void *nj_fake_launch_stream(long i);
int nj_fake_launch_geometry(long i, unsigned geometry[8]);
int nj_fake_launch_param(long i, unsigned param, void *out, unsigned nbytes);

/* Called in the place of the kernel, in the launching thread: a test may do the kernel's work on `params`. */
typedef void (*NjFakeKernel)(const char *name, const unsigned geometry[8], void **params);
void nj_fake_on_launch(NjFakeKernel fn);

#endif
