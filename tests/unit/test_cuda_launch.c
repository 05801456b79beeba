/* test_cuda_launch.c - memory, modules, streams and launches, on the fake driver. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cuda/cuda.h"
#include "fake_driver.h"

static const char ptx[] =
    "//\n// Generated\n//\n.version 8.0\n.target sm_75\n.address_size 64\n"
    ".visible .const .align 4 .b8 table[16] = {1, 2, 3, 4};\n"
    ".visible .entry saxpy(\n\t.param .u64 .ptr .global .align 4 saxpy_param_0,\n\t.param .f32 saxpy_param_1,\n"
    "\t.param .u8 saxpy_param_2,\n\t.param .align 8 .b8 saxpy_param_3[16]\n)\n.maxntid 256, 1, 1\n{\n"
    "\t.shared .align 4 .b8 tile[1024];\n\t{ ret; }\n}\n"
    ".visible .entry empty()\n{\n\tret;\n}\n";

/* -- memory --------------------------------------------------------------------------------------------- */

static void test_roundtrip(void **state)
{
    uint64_t a, b;
    int in[256], out[256];
    for (int i = 0; i < 256; i++)
        in[i] = i * i;
    OK(nj_cuda_alloc(t.dev, sizeof in, &a, &t.err));
    OK(nj_cuda_alloc(t.dev, sizeof in, &b, &t.err));
    OK(nj_cuda_h2d(t.dev, NULL, a, in, sizeof in, &t.err));
    OK(nj_cuda_d2d(t.dev, NULL, b, a, sizeof in, &t.err));
    OK(nj_cuda_d2h(t.dev, NULL, out, b, sizeof out, &t.err));
    assert_memory_equal(in, out, sizeof in);
    OK(nj_cuda_free(t.dev, a, &t.err));
    OK(nj_cuda_free(t.dev, b, &t.err));
    assert_int_equal(nj_cuda_free(t.dev, b, &t.err), NJ_E_ENV);
    assert_non_null(strstr(t.err.text, "cuMemFree failed: CUDA_ERROR_INVALID_VALUE (1)"));
}

static void test_fill(void **state)
{
    uint64_t p;
    NjCudaStream *s;
    unsigned char got[64];
    const struct {
        uint32_t value;
        int width;
        unsigned char want[4];
    } rows[] = {
        {0xab, 1, {0xab, 0xab, 0xab, 0xab}}, {0x1234, 2, {0x34, 0x12, 0x34, 0x12}}, {0x01020304, 4, {4, 3, 2, 1}}};
    OK(nj_cuda_alloc(t.dev, sizeof got, &p, &t.err));
    OK(nj_cuda_stream_new(t.dev, false, &s, &t.err));
    for (size_t i = 0; i < 2 * NJ_COUNT(rows); i++) {
        int width = rows[i / 2].width;
        OK(nj_cuda_fill(t.dev, i % 2 ? s : NULL, p, rows[i / 2].value, width, sizeof got / (size_t)width, &t.err));
        OK(nj_cuda_d2h(t.dev, s, got, p, sizeof got, &t.err));
        OK(nj_cuda_stream_sync(s, &t.err));
        assert_memory_equal(got, rows[i / 2].want, 4);
        assert_memory_equal(got + 60, rows[i / 2].want, 4);
    }
    assert_int_equal(nj_cuda_fill(t.dev, NULL, p, 0, 8, 1, &t.err), NJ_E_USER);
    OK(nj_cuda_stream_free(s, &t.err));
    OK(nj_cuda_free(t.dev, p, &t.err));
}

static void test_zero_bytes(void **state)
{
    uint64_t p = 1;
    OK(nj_cuda_alloc(t.dev, 0, &p, &t.err));
    assert_int_equal(p, 0);
    OK(nj_cuda_h2d(t.dev, NULL, 0, NULL, 0, &t.err));
    OK(nj_cuda_d2h(t.dev, NULL, NULL, 0, 0, &t.err));
    OK(nj_cuda_fill(t.dev, NULL, 0, 0, 4, 0, &t.err));
    OK(nj_cuda_free(t.dev, 0, &t.err));
}

/* The host reads what the device wrote, in one place; freed as any memory. */
static void test_managed(void **state)
{
    uint64_t p;
    int got[4];
    OK(nj_cuda_alloc_managed(t.dev, sizeof got, true, &p, &t.err));
    OK(nj_cuda_fill(t.dev, NULL, p, 7, 4, 4, &t.err));
    OK(nj_cuda_dev_sync(t.dev, &t.err));
    memcpy(got, (void *)(uintptr_t)p, sizeof got);
    assert_int_equal(got[0], 7);
    assert_int_equal(got[3], 7);
    OK(nj_cuda_free(t.dev, p, &t.err));
    OK(nj_cuda_alloc_managed(t.dev, 0, true, &p, &t.err));
    assert_int_equal(p, 0);
    assert_int_equal(nj_cuda_alloc_managed(t.dev, (size_t)1 << 40, true, &p, &t.err), NJ_E_ENV);
    assert_int_equal(p, 0);
}

static void test_out_of_memory(void **state)
{
    uint64_t p;
    assert_int_equal(nj_cuda_alloc(t.dev, (size_t)1 << 40, &p, &t.err), NJ_E_ENV);
    assert_int_equal(t.err.code, 2);
    assert_non_null(
        strstr(t.err.text, "cuMemAlloc failed: CUDA_ERROR_OUT_OF_MEMORY (2): out of memory; 1099511627776 bytes"));
    assert_non_null(strstr(t.err.text, "free on naja fake device 0"));
    assert_int_equal(p, 0);
}

static void test_out_of_bounds(void **state)
{
    uint64_t p;
    char buf[65] = "untouched";
    OK(nj_cuda_alloc(t.dev, 64, &p, &t.err));
    assert_int_equal(nj_cuda_d2h(t.dev, NULL, buf, p, 65, &t.err), NJ_E_ENV);
    assert_string_equal(buf, "untouched");
    assert_int_equal(nj_cuda_h2d(t.dev, NULL, p + 1, buf, 64, &t.err), NJ_E_ENV);
    OK(nj_cuda_free(t.dev, p, &t.err));
}

static void test_pinned(void **state)
{
    void *p;
    uint64_t at, dev;
    char mine[128];
    bool on_device;
    int ordinal;
    OK(nj_cuda_host_alloc(t.dev, 64, NJ_CUDA_HOST_MAPPED, &p, &t.err));
    OK(nj_cuda_host_ptr(t.dev, p, &at, &t.err));
    assert_true(at != 0);
    OK(nj_cuda_ptr_query(t.dev, (uintptr_t)p, &on_device, &ordinal, &t.err));
    assert_false(on_device);
    OK(nj_cuda_host_free(t.dev, p, &t.err));
    OK(nj_cuda_host_pin(t.dev, mine, sizeof mine, 0, &t.err));
    assert_int_equal(nj_cuda_host_pin(t.dev, mine, sizeof mine, 0, &t.err), NJ_E_ENV);
    OK(nj_cuda_host_unpin(t.dev, mine, &t.err));
    OK(nj_cuda_alloc(t.dev, 8, &dev, &t.err));
    OK(nj_cuda_ptr_query(t.dev, dev, &on_device, &ordinal, &t.err));
    assert_true(on_device && ordinal == 0);
    OK(nj_cuda_free(t.dev, dev, &t.err));
    OK(nj_cuda_ptr_query(t.dev, 0x1000, &on_device, &ordinal, &t.err));
    assert_false(on_device);
}

/* -- modules ------------------------------------------------------------------------------------------------ */

static void test_module(void **state)
{
    NjCudaModule *mod;
    NjCudaFn *fn;
    NjCudaFnInfo info;
    uint64_t at;
    size_t nbytes;
    int blocks;
    OK(nj_cuda_module_load(t.dev, ptx, NULL, &mod, NULL, &t.err));
    OK(nj_cuda_module_fn(mod, "saxpy", &fn, &t.err));
    assert_string_equal(nj_cuda_fn_name(fn), "saxpy");
    assert_ptr_equal(nj_cuda_fn_dev(fn), t.dev);
    OK(nj_cuda_fn_info(fn, &info, &t.err));
    assert_int_equal(info.max_threads, 256);
    assert_int_equal(info.shared_nbytes, 1024);
    assert_int_equal(info.ptx_version, 75);
    OK(nj_cuda_fn_occupancy(fn, 256, 0, &blocks, &t.err));
    assert_int_equal(blocks, 6);
    OK(nj_cuda_fn_set_carveout(fn, 50, &t.err));
    OK(nj_cuda_module_global(mod, "table", &at, &nbytes, &t.err));
    assert_int_equal(nbytes, 16);
    OK(nj_cuda_h2d(t.dev, NULL, at, "0123456789abcdef", 16, &t.err));
    assert_int_equal(nj_cuda_module_fn(mod, "nothing", &fn, &t.err), NJ_E_ENV);
    assert_non_null(strstr(t.err.text, "kernel 'nothing': cuModuleGetFunction failed: CUDA_ERROR_NOT_FOUND (500)"));
    OK(nj_cuda_module_free(mod, &t.err));
}

static void test_broken_ptx(void **state)
{
    static const struct {
        const char *image, *says;
    } rows[] = {
        {"not ptx", "Missing .version directive"},
        {".version 8.0\n.address_size 64\n", "Missing .target"},
        {".version 8.0\n.target sm_120\n", "sm_120 > sm_86"},
        {".version 8.0\n.target sm_75\n.entry k()\n{\n", "line 5"},
        {".version 8.0\n.target sm_75\n.entry k()\n}\n", "line 4"},
    };
    NjCudaModule *mod;
    for (size_t i = 0; i < NJ_COUNT(rows); i++) {
        assert_int_equal(nj_cuda_module_load(t.dev, rows[i].image, NULL, &mod, NULL, &t.err), NJ_E_ENV);
        assert_null(mod);
        assert_int_equal(t.err.code, 218);
        assert_non_null(strstr(t.err.text, "cuModuleLoadDataEx failed: CUDA_ERROR_INVALID_PTX (218)"));
        assert_non_null(strstr(t.err.text, rows[i].says));
    }
}

/* The fake serves CUDA 12.8, so PTX 8.7; libNVVM 13 writes 9.0. */
static void test_newer_ptx(void **state)
{
    static const char newer[] =
        "//\n// Generated\n//\n\n.version 9.0\n.target sm_75\n.address_size 64\n.entry k()\n{\n ret;\n}\n";
    NjCudaModule *mod;
    NjCudaFn *fn;
    OK(nj_cuda_module_load(t.dev, newer, NULL, &mod, NULL, &t.err));
    OK(nj_cuda_module_fn(mod, "k", &fn, &t.err));
    OK(nj_cuda_module_free(mod, &t.err));
    assert_int_equal(nj_cuda_module_load(t.dev, ".version 9.0\n.target sm_99\n", NULL, &mod, NULL, &t.err), NJ_E_ENV);
    assert_non_null(strstr(t.err.text, "sm_99 > sm_86"));
}

static void test_link(void **state)
{
    static const char other[] = ".version 8.0\n.target sm_75\n.address_size 64\n.visible .entry other()\n{\n ret;\n}\n";
    NjCudaInput in[] = {{"a", ptx, sizeof ptx}, {"b", other, sizeof other}};
    NjCudaModule *mod;
    NjCudaFn *a, *b;
    void *cubin;
    size_t n;
    OK(nj_cuda_link(t.dev, in, 2, NULL, &cubin, &n, &t.err));
    OK(nj_cuda_module_load(t.dev, cubin, NULL, &mod, NULL, &t.err));
    OK(nj_cuda_module_fn(mod, "saxpy", &a, &t.err));
    OK(nj_cuda_module_fn(mod, "other", &b, &t.err));
    OK(nj_cuda_module_free(mod, &t.err));
    nj_free(cubin);
    in[1] = (NjCudaInput){"c", "junk", 5};
    assert_int_equal(nj_cuda_link(t.dev, in, 2, NULL, &cubin, &n, &t.err), NJ_E_ENV);
    assert_null(cubin);
    assert_non_null(strstr(t.err.text, "cuLinkAddData failed"));
}

/* -- launches -------------------------------------------------------------------------------------------------- */

static void test_args(void **state)
{
    NjCudaArgs *a;
    OK(nj_cuda_args_new((const uint32_t[]){8, 4, 1, 16, 3}, 5, &a, &t.err));
    assert_int_equal(a->nslot, 6);
    for (uint32_t i = 0; i < 5; i++)
        assert_ptr_equal(a->ptr[i], &a->slot[a->first[i]]);
    assert_int_equal(a->first[4], 5);
    nj_free(a);
    OK(nj_cuda_args_new(NULL, 0, &a, &t.err));
    assert_int_equal(a->nslot, 0);
    nj_free(a);
}

static void test_launch_recorded(void **state)
{
    NjCudaModule *mod;
    NjCudaFn *fn;
    NjCudaArgs *a;
    NjCudaStream *s;
    float f = 2.5f, got_f;
    uint64_t got_p, got_wide[2];
    unsigned char got_b;
    unsigned g[8];
    OK(nj_cuda_module_load(t.dev, ptx, NULL, &mod, NULL, &t.err));
    OK(nj_cuda_module_fn(mod, "saxpy", &fn, &t.err));
    OK(nj_cuda_stream_new(t.dev, true, &s, &t.err));
    OK(nj_cuda_args_new((const uint32_t[]){8, 4, 1, 16}, 4, &a, &t.err));
    a->slot[0] = 0x7000;
    memcpy(&a->slot[1], &f, sizeof f);
    a->slot[2] = 1, a->slot[3] = 11, a->slot[4] = 22;
    NjCudaGrid how = {.grid = {5, 4, 3}, .block = {8, 4, 2}, .shared_nbytes = 512, .stream = s};
    OK(nj_cuda_launch(fn, &how, a->ptr, &t.err));
    assert_int_equal(t.launches(), 1);
    assert_string_equal(t.name(0), "saxpy");
    assert_int_equal((uintptr_t)t.stream(0), nj_cuda_stream_raw(s));
    assert_int_equal(t.geometry(0, g), 0);
    assert_memory_equal(g, ((unsigned[]){5, 4, 3, 8, 4, 2, 512, 4}), sizeof g);
    assert_int_equal(t.param(0, 0, &got_p, 8), 8);
    assert_int_equal(t.param(0, 1, &got_f, 4), 4);
    assert_int_equal(t.param(0, 2, &got_b, 1), 1);
    assert_int_equal(t.param(0, 3, got_wide, 16), 16);
    assert_true(got_p == 0x7000 && got_f == 2.5f && got_b == 1 && got_wide[0] == 11 && got_wide[1] == 22);
    assert_int_equal(t.param(0, 4, &got_p, 8), -1);
    nj_free(a);
    OK(nj_cuda_stream_free(s, &t.err));
    OK(nj_cuda_module_free(mod, &t.err));
}

static void double_all(const char *name, const unsigned g[8], void **params)
{
    float *x = (float *)(uintptr_t) * (uint64_t *)params[0];
    for (unsigned i = 0; i < g[0] * g[3]; i++)
        x[i] *= *(float *)params[1];
}

/* A test may do the kernel's work, so that what comes before and after a launch can be tested as one. */
static void test_launch_runs_hook(void **state)
{
    NjCudaModule *mod;
    NjCudaFn *fn;
    uint64_t p;
    float x[64], scale = 3;
    uint64_t zero[2] = {0};
    for (int i = 0; i < 64; i++)
        x[i] = (float)i;
    OK(nj_cuda_module_load(t.dev, ptx, NULL, &mod, NULL, &t.err));
    OK(nj_cuda_module_fn(mod, "saxpy", &fn, &t.err));
    OK(nj_cuda_alloc(t.dev, sizeof x, &p, &t.err));
    OK(nj_cuda_h2d(t.dev, NULL, p, x, sizeof x, &t.err));
    t.on_launch(double_all);
    OK(nj_cuda_launch(fn, &(NjCudaGrid){.grid = {2, 1, 1}, .block = {32, 1, 1}}, (void *[]){&p, &scale, zero, zero},
                      &t.err));
    t.on_launch(NULL);
    OK(nj_cuda_d2h(t.dev, NULL, x, p, sizeof x, &t.err));
    for (int i = 0; i < 64; i++)
        assert_true(x[i] == 3 * (float)i);
    OK(nj_cuda_free(t.dev, p, &t.err));
    OK(nj_cuda_module_free(mod, &t.err));
}

static void test_launch_refused(void **state)
{
    static const struct {
        NjCudaGrid how;
        const char *says;
    } rows[] = {
        {{.grid = {0, 1, 1}, .block = {32, 1, 1}}, "the grid has no x"},
        {{.grid = {1, 1, 1}, .block = {32, 0, 1}}, "the block has no y"},
        {{.grid = {1, 1, 65536}, .block = {32, 1, 1}}, "the grid's z may be 65535"},
        {{.grid = {1, 1, 1}, .block = {2048, 1, 1}}, "the block's x may be 1024"},
        {{.grid = {1, 1, 1}, .block = {64, 32, 1}}, "a block may have 1024 threads, not 2048"},
        {{.grid = {1, 1, 1}, .block = {32, 1, 1}, .shared_nbytes = 65536}, "must be opted into"},
        {{.grid = {1, 1, 1}, .block = {512, 1, 1}},
         "kernel 'saxpy', grid (1, 1, 1), block (512, 1, 1), 0 bytes shared: "
         "cuLaunchKernel failed: CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES (701)"},
    };
    NjCudaModule *mod;
    NjCudaFn *fn;
    uint64_t zero[2] = {0};
    void *params[] = {zero, zero, zero, zero};
    OK(nj_cuda_module_load(t.dev, ptx, NULL, &mod, NULL, &t.err));
    OK(nj_cuda_module_fn(mod, "saxpy", &fn, &t.err));
    for (size_t i = 0; i < NJ_COUNT(rows); i++) {
        assert_int_equal(nj_cuda_launch(fn, &rows[i].how, params, &t.err), NJ_E_ENV);
        assert_non_null(strstr(t.err.text, rows[i].says));
    }
    assert_int_equal(t.launches(), 0);
    OK(nj_cuda_fn_set_dynamic_shared(fn, 65536, &t.err));
    OK(nj_cuda_launch(fn, &rows[5].how, params, &t.err));
    assert_int_equal(nj_cuda_fn_set_dynamic_shared(fn, 1 << 20, &t.err), NJ_E_ENV);
    assert_non_null(strstr(t.err.text, "101376"));
    OK(nj_cuda_module_free(mod, &t.err));
}

/* Another library may have made another context current, or none. */
static void test_context_is_restored(void **state)
{
    NjCudaModule *mod;
    NjCudaFn *fn;
    int (*set)(uintptr_t) = NULL;
    void *p = nj_cuda_symbol(t.cu, "cuCtxSetCurrent");
    memcpy(&set, &p, sizeof p);
    OK(nj_cuda_module_load(t.dev, ptx, NULL, &mod, NULL, &t.err));
    OK(nj_cuda_module_fn(mod, "empty", &fn, &t.err));
    assert_int_equal(set(0), 0);
    OK(nj_cuda_launch(fn, &(NjCudaGrid){.grid = {1, 1, 1}, .block = {1, 1, 1}}, NULL, &t.err));
    assert_int_equal(set(0), 0);
    OK(nj_cuda_module_free(mod, &t.err));
}

/* -- streams and events -------------------------------------------------------------------------------------------- */

static void count(void *arg, int code)
{
    *(int *)arg += code == 0 ? 1 : 100;
}

static void test_streams(void **state)
{
    NjCudaStream *s, *w;
    NjCudaEvent *a, *b;
    bool done = false;
    float ms = -1;
    int called = 0;
    OK(nj_cuda_stream_new(t.dev, false, &s, &t.err));
    OK(nj_cuda_stream_wrap(t.dev, nj_cuda_stream_raw(s), &w, &t.err));
    OK(nj_cuda_event_new(t.dev, true, &a, &t.err));
    OK(nj_cuda_event_new(t.dev, true, &b, &t.err));
    OK(nj_cuda_event_record(a, s, &t.err));
    OK(nj_cuda_stream_call(w, count, &called, &t.err));
    OK(nj_cuda_event_record(b, w, &t.err));
    OK(nj_cuda_stream_wait(NULL, b, &t.err));
    OK(nj_cuda_event_sync(b, &t.err));
    OK(nj_cuda_event_elapsed(a, b, &ms, &t.err));
    assert_true(ms >= 0 && ms < 10000);
    assert_int_equal(called, 1);
    OK(nj_cuda_stream_done(s, &done, &t.err));
    assert_true(done);
    t.fail_call("cuStreamQuery", 600); /* busy is an answer */
    OK(nj_cuda_stream_done(s, &done, &t.err));
    assert_false(done);
    t.fail_call("cuStreamQuery", 700); /* a crashed kernel is not */
    assert_int_equal(nj_cuda_stream_done(s, &done, &t.err), NJ_E_ENV);
    assert_non_null(strstr(t.err.text, "CUDA_ERROR_ILLEGAL_ADDRESS (700)"));
    t.fail_call(NULL, 0);
    OK(nj_cuda_stream_free(w, &t.err));
    OK(nj_cuda_stream_sync(s, &t.err));
    OK(nj_cuda_event_free(a, &t.err));
    OK(nj_cuda_event_free(b, &t.err));
    OK(nj_cuda_stream_free(s, &t.err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_roundtrip, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fill, setup, teardown),
        cmocka_unit_test_setup_teardown(test_zero_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_managed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_out_of_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_out_of_bounds, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pinned, setup, teardown),
        cmocka_unit_test_setup_teardown(test_module, setup, teardown),
        cmocka_unit_test_setup_teardown(test_broken_ptx, setup, teardown),
        cmocka_unit_test_setup_teardown(test_newer_ptx, setup, teardown),
        cmocka_unit_test_setup_teardown(test_link, setup, teardown),
        cmocka_unit_test_setup_teardown(test_args, setup, teardown),
        cmocka_unit_test_setup_teardown(test_launch_recorded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_launch_runs_hook, setup, teardown),
        cmocka_unit_test_setup_teardown(test_launch_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_context_is_restored, setup, teardown),
        cmocka_unit_test_setup_teardown(test_streams, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
