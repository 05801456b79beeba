/* test_cuda_gpu.c - the same room on a real driver and device; skipped, saying why, where there is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cuda/cuda.h"

/* y[i] = a * x[i] + y[i] for i < n */
static const char saxpy[] = ".version 6.3\n.target sm_50\n.address_size 64\n"
                            ".visible .entry saxpy(.param .u64 y, .param .u64 x, .param .f32 a, .param .u32 n)\n"
                            "{\n"
                            "  .reg .pred %p;\n  .reg .f32 %f<4>;\n  .reg .b32 %r<6>;\n  .reg .b64 %rd<6>;\n"
                            "  ld.param.u32 %r4, [n];\n"
                            "  mov.u32 %r1, %ctaid.x;\n  mov.u32 %r2, %ntid.x;\n  mov.u32 %r3, %tid.x;\n"
                            "  mad.lo.s32 %r5, %r1, %r2, %r3;\n"
                            "  setp.ge.u32 %p, %r5, %r4;\n  @%p bra DONE;\n"
                            "  ld.param.u64 %rd1, [y];\n  ld.param.u64 %rd2, [x];\n  ld.param.f32 %f1, [a];\n"
                            "  mul.wide.u32 %rd3, %r5, 4;\n  add.s64 %rd4, %rd1, %rd3;\n  add.s64 %rd5, %rd2, %rd3;\n"
                            "  ld.global.f32 %f2, [%rd5];\n  ld.global.f32 %f3, [%rd4];\n"
                            "  fma.rn.f32 %f3, %f1, %f2, %f3;\n  st.global.f32 [%rd4], %f3;\n"
                            "DONE:\n  ret;\n}\n";

static NjCuda *cu;
static NjCudaDev *dev;
static NjErr err;

#define OK(call)                                                                                                       \
    do {                                                                                                               \
        NjStatus st_ = (call);                                                                                         \
        if (st_)                                                                                                       \
            fail_msg("%s: %s", #call, err.text);                                                                       \
    } while (0)

static int setup(void **state)
{
    if (nj_cuda_open(NULL, &cu, &err) != NJ_OK) {
        print_message("every test is skipped: %s\n", err.text);
        return 0;
    }
    return nj_cuda_dev_open(cu, 0, &dev, &err) == NJ_OK ? 0 : -1;
}

static int teardown(void **state)
{
    NjStatus st = nj_cuda_dev_close(dev, &err);
    nj_cuda_close(cu);
    return st == NJ_OK ? 0 : -1;
}

static void need_device(void)
{
    if (dev == NULL)
        skip();
}

static void test_facts(void **state)
{
    need_device();
    const NjCudaDevInfo *f = nj_cuda_dev_info(dev);
    int v = 0;
    print_message("%s, compute %d.%d, driver for CUDA %d\n", f->name, f->major, f->minor, nj_cuda_version(cu));
    assert_true(f->major >= 5 && f->warp_size == 32 && f->max_threads_per_block >= 1024 && f->total_nbytes > 0);
    OK(nj_cuda_dev_attr(dev, "multiprocessor_count", &v, &err));
    assert_int_equal(v, f->nsm);
}

static void test_saxpy(void **state)
{
    enum { N = 100000 };
    need_device();
    float *x = malloc(N * sizeof *x), *y = malloc(N * sizeof *y), a = 2.5f;
    NjCudaModule *mod;
    NjCudaFn *fn;
    NjCudaStream *s;
    NjCudaEvent *from, *to;
    NjCudaArgs *args;
    uint64_t px, py;
    uint32_t n = N;
    float ms = -1;
    for (int i = 0; i < N; i++)
        x[i] = (float)i, y[i] = (float)(i % 7);
    OK(nj_cuda_module_load(dev, saxpy, NULL, &mod, NULL, &err));
    OK(nj_cuda_module_fn(mod, "saxpy", &fn, &err));
    OK(nj_cuda_stream_new(dev, false, &s, &err));
    OK(nj_cuda_event_new(dev, true, &from, &err));
    OK(nj_cuda_event_new(dev, true, &to, &err));
    OK(nj_cuda_alloc(dev, N * sizeof *x, &px, &err));
    OK(nj_cuda_alloc(dev, N * sizeof *y, &py, &err));
    OK(nj_cuda_h2d(dev, s, px, x, N * sizeof *x, &err));
    OK(nj_cuda_h2d(dev, s, py, y, N * sizeof *y, &err));
    OK(nj_cuda_args_new((const uint32_t[]){8, 8, 4, 4}, 4, &args, &err));
    args->slot[0] = py, args->slot[1] = px;
    memcpy(&args->slot[2], &a, sizeof a);
    memcpy(&args->slot[3], &n, sizeof n);
    OK(nj_cuda_event_record(from, s, &err));
    OK(nj_cuda_launch(fn, &(NjCudaGrid){.grid = {(N + 255) / 256, 1, 1}, .block = {256, 1, 1}, .stream = s}, args->ptr,
                      &err));
    OK(nj_cuda_event_record(to, s, &err));
    OK(nj_cuda_d2h(dev, s, y, py, N * sizeof *y, &err));
    OK(nj_cuda_stream_sync(s, &err));
    OK(nj_cuda_event_elapsed(from, to, &ms, &err));
    for (int i = 0; i < N; i++)
        if (y[i] != 2.5f * (float)i + (float)(i % 7))
            fail_msg("element %d is %g", i, (double)y[i]);
    assert_true(ms >= 0);
    nj_free(args);
    OK(nj_cuda_free(dev, px, &err));
    OK(nj_cuda_free(dev, py, &err));
    OK(nj_cuda_event_free(from, &err));
    OK(nj_cuda_event_free(to, &err));
    OK(nj_cuda_stream_free(s, &err));
    OK(nj_cuda_module_free(mod, &err));
    free(x);
    free(y);
}

static void test_refusals(void **state)
{
    need_device();
    NjCudaModule *mod;
    NjCudaFn *fn;
    void *params[] = {&(uint64_t){0}, &(uint64_t){0}, &(float){0}, &(uint32_t){0}};
    assert_int_equal(
        nj_cuda_module_load(dev, ".version 6.3\n.target sm_50\n.entry k() { nonsense; }\n", NULL, &mod, NULL, &err),
        NJ_E_ENV);
    assert_non_null(strstr(err.text, "CUDA_ERROR_INVALID_PTX (218)"));
    assert_non_null(strstr(err.text, "line 3")); /* the JIT's own words */
    OK(nj_cuda_module_load(dev, saxpy, NULL, &mod, NULL, &err));
    OK(nj_cuda_module_fn(mod, "saxpy", &fn, &err));
    assert_int_equal(nj_cuda_launch(fn, &(NjCudaGrid){.grid = {0, 1, 1}, .block = {1, 1, 1}}, params, &err), NJ_E_ENV);
    assert_non_null(strstr(err.text, "the grid has no x"));
    assert_int_equal(nj_cuda_launch(fn, &(NjCudaGrid){.grid = {1, 1, 1}, .block = {4096, 1, 1}}, params, &err),
                     NJ_E_ENV);
    assert_int_equal(nj_cuda_module_fn(mod, "nothing", &fn, &err), NJ_E_ENV);
    assert_int_equal(err.code, 500);
    OK(nj_cuda_module_free(mod, &err));
}

static void test_newer_ptx(void **state)
{
    need_device();
    NjCudaModule *mod;
    OK(nj_cuda_module_load(dev, ".version 99.9\n.target sm_50\n.address_size 64\n.entry k() { ret; }\n", NULL, &mod,
                           NULL, &err));
    OK(nj_cuda_module_free(mod, &err));
}

/* Loads it, and says whether a new cubin was made. */
static bool image_is_new(NjCudaImage *im)
{
    NjCudaModule *mod;
    NjCudaFn *fn;
    NjCudaFnInfo info;
    const NjCudaDevInfo *f = nj_cuda_dev_info(dev);
    OK(nj_cuda_image_load(dev, im, &(NjCudaLoad){.max_registers = 32, .lineinfo = true}, &mod, &err));
    OK(nj_cuda_module_fn(mod, "saxpy", &fn, &err));
    OK(nj_cuda_fn_info(fn, &info, &err));
    assert_int_equal(info.binary_version, f->major * 10 + f->minor);
    assert_true(info.registers <= 32);
    OK(nj_cuda_module_free(mod, &err));
    return im->owned != NULL;
}

/* The driver's linker makes a cubin, which loads as it is; one that is no code is refused, and made again. */
static void test_image(void **state)
{
    need_device();
    NjCudaImage im = {.name = "saxpy", .ptx = saxpy, .nptx = sizeof saxpy}, kept;
    assert_true(image_is_new(&im));
    assert_true(im.ncubin > 64 && memcmp(im.cubin, "\177ELF", 4) == 0);
    kept = im;
    assert_false(image_is_new(&kept));
    assert_ptr_equal(kept.cubin, im.cubin);
    memset((char *)im.owned + 16, 0, im.ncubin - 16);
    assert_true(image_is_new(&kept));
    assert_true(kept.cubin != im.cubin);
    nj_cuda_image_drop(&kept);
    nj_cuda_image_drop(&im);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_facts),
        cmocka_unit_test(test_saxpy),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_newer_ptx),
        cmocka_unit_test(test_image),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
