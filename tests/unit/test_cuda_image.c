/* test_cuda_image.c - PTX by way of a cubin, on the fake driver: linked once, loaded as it is, refused, broken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cuda/cuda.h"
#include "fake_driver.h"

static const char ptx[] = ".version 8.0\n.target sm_75\n.address_size 64\n.visible .entry saxpy(\n"
                          "\t.param .f32 saxpy_param_0\n)\n{\n\tret;\n}\n";

static const NjCudaLoad with_options = {.max_registers = 24, .debug = true, .lineinfo = true};

static NjStatus load_image(NjCudaImage *im, NjCudaModule **mod)
{
    NjCudaFn *fn;
    NjStatus st = nj_cuda_image_load(t.dev, im, &with_options, mod, &t.err);
    if (st == NJ_OK)
        OK(nj_cuda_module_fn(*mod, "saxpy", &fn, &t.err));
    return st;
}

static NjCudaImage image_of_ptx(void) { return (NjCudaImage){.name = "saxpy", .ptx = ptx, .nptx = sizeof ptx}; }

/* Linked once with the options that PTX would be loaded with; what comes out is loaded as it is. */
static void test_image(void **state)
{
    NjCudaImage im = image_of_ptx(), again;
    NjCudaModule *mod;
    long links = t.called("cuLink"), loads = t.called("cuModuleLoadDataEx");
    OK(load_image(&im, &mod));
    assert_true(im.owned && im.cubin == im.owned && im.ncubin > sizeof ptx);
    assert_int_equal(t.called("cuLink") - links, 4);
    assert_int_equal(t.called("cuModuleLoadDataEx") - loads, 1);
    assert_int_equal(t.option(0), 24);              /* CU_JIT_MAX_REGISTERS, GENERATE_DEBUG_INFO, GENERATE_LINE_INFO */
    assert_int_equal(t.option(11), 1);
    assert_int_equal(t.option(13), 1);
    OK(nj_cuda_module_free(mod, &t.err));
    again = im;
    OK(load_image(&again, &mod));
    assert_null(again.owned);
    assert_ptr_equal(again.cubin, im.cubin);
    assert_int_equal(t.called("cuLink") - links, 4);
    OK(nj_cuda_module_free(mod, &t.err));
    nj_cuda_image_drop(&im);
    assert_true(!im.cubin && !im.ncubin);
}

/* Whatever the driver has against a cubin, PTX is what counts. */
static void test_image_refused(void **state)
{
    static const int codes[] = {200, 209, 222, 300, 801, 999, 2};
    NjCudaModule *mod;
    for (size_t i = 0; i < NJ_COUNT(codes); i++) {
        NjCudaImage im = image_of_ptx();
        im.cubin = "\177ELF of a newer driver", im.ncubin = 22;
        t.refuse(codes[i]);
        OK(load_image(&im, &mod));
        assert_true(!im.cubin && !im.ncubin && !im.owned);
        t.refuse(0);
        OK(nj_cuda_module_free(mod, &t.err));
        im = image_of_ptx();
        t.fail_call(i % 2 ? "cuLinkCreate" : "cuLinkComplete", codes[i]);
        OK(load_image(&im, &mod));
        t.fail_call(NULL, 0);
        assert_true(!im.cubin && !im.owned);
        OK(nj_cuda_module_free(mod, &t.err));
    }
}

/* The error is that of the PTX, with its log, and nothing is left over. */
static void test_image_broken(void **state)
{
    static const char bad[] = ".version 8.0\n.target sm_75\n.entry k()\n{\n";
    NjCudaImage im = {.name = "k", .ptx = bad, .nptx = sizeof bad};
    NjCudaModule *mod;
    assert_int_equal(load_image(&im, &mod), NJ_E_ENV);
    assert_int_equal(t.err.code, 218);
    assert_non_null(strstr(t.err.text, "cuModuleLoadDataEx failed: CUDA_ERROR_INVALID_PTX (218)"));
    assert_non_null(strstr(t.err.text, "line 5"));
    assert_true(!mod && !im.owned && !im.cubin);
}

/* libNVVM newer than the driver: linked all the same. */
static void test_image_newer_ptx(void **state)
{
    static const char newer[] =
        "//\n\n.version 9.0\n.target sm_75\n.address_size 64\n.visible .entry saxpy()\n{\n ret;\n}\n";
    NjCudaImage im = {.name = "saxpy", .ptx = newer, .nptx = sizeof newer};
    NjCudaModule *mod;
    OK(load_image(&im, &mod));
    assert_non_null(im.owned);
    OK(nj_cuda_module_free(mod, &t.err));
    nj_cuda_image_drop(&im);
}

/* From the n-th allocation on there is no memory: an error, or a module, and nothing left over. */
static void test_image_no_memory(void **state)
{
    NjCudaModule *mod;
    long n, live = t.live();
    for (n = 1; n < 100; n++) {
        NjCudaImage im = image_of_ptx();
        nj_alloc_fail_at(n);
        NjStatus st = nj_cuda_image_load(t.dev, &im, NULL, &mod, &t.err);
        nj_alloc_fail_at(-1);
        nj_cuda_image_drop(&im);
        if (st == NJ_OK)
            break;
        assert_int_equal(st, NJ_E_NOMEM);
        assert_null(mod);
        assert_int_equal(t.live(), live);
    }
    assert_in_range(n, 3, 50);
    OK(nj_cuda_module_free(mod, &t.err));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_image), TEST(test_image_refused), TEST(test_image_broken), TEST(test_image_newer_ptx),
        TEST(test_image_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
