/* test_cuda_nvvm.c - NVVM text to PTX to cubin with the real libNVVM and ptxas; skipped, saying why, where there is
 * none. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <dlfcn.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cuda/cuda.h"

/* libNVVM keeps a few kilobytes of its own. */
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libnvvm\n";
}

#define HEADER                                                                                                         \
    "target datalayout = \"e-p:64:64:64-i1:8:8-i8:8:8-i16:16:16-i32:32:32-i64:64:64-i128:128:128-f32:32:32-"           \
    "f64:64:64-v16:16:16-v32:32:32-v64:64:64-v128:128:128-n16:32:64\"\n"                                               \
    "target triple = \"nvptx64-nvidia-cuda\"\n"
#define FOOTER                                                                                                         \
    "!nvvm.annotations = !{!0}\n!0 = !{void (float*, float)* @scale, !\"kernel\", i32 1}\n"                            \
    "!nvvmir.version = !{!1}\n!1 = !{i32 2, i32 0}\n"

static const char plain[] = HEADER "declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()\n"
                                   "define void @scale(float* %x, float %k) {\n"
                                   "  %i = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()\n"
                                   "  %w = sext i32 %i to i64\n"
                                   "  %p = getelementptr float, float* %x, i64 %w\n"
                                   "  %v = load float, float* %p\n"
                                   "  %r = fdiv float %v, %k\n"
                                   "  store float %r, float* %p\n"
                                   "  ret void\n}\n" FOOTER;

static const char muladd[] = HEADER "define void @scale(float* %x, float %k) {\n"
                                    "  %v = load float, float* %x\n"
                                    "  %m = fmul float %v, %k\n"
                                    "  %r = fadd float %m, %k\n"
                                    "  store float %r, float* %x\n"
                                    "  ret void\n}\n" FOOTER;

static const char with_sin[] = HEADER "declare float @__nv_sinf(float)\n"
                                      "define void @scale(float* %x, float %k) {\n"
                                      "  %r = call float @__nv_sinf(float %k)\n"
                                      "  store float %r, float* %x\n"
                                      "  ret void\n}\n" FOOTER;

static const int ccs[] = {75, 80, 86, 90, 100, 120};

static NjNvvm *nvvm_or_skip(void)
{
    NjNvvm *nv;
    NjErr err = {0};
    if (!nj_cuda_has_nvvm(NULL)) {
        print_message("skipped: there is no libNVVM here\n");
        skip();
    }
    if (nj_nvvm_open(NULL, &nv, &err) != NJ_OK)
        fail_msg("%s", err.text);
    return nv;
}

static void compile(NjNvvm *nv, const NjNvvmOpts *o, const char *text, NjText *ptx)
{
    NjErr err = {0};
    nj_text_init(ptx);
    if (nj_nvvm_compile(nv, o, "scale", text, strlen(text), ptx, &err) != NJ_OK)
        fail_msg("%s", err.text);
}

static void test_every_arch(void **state)
{
    NjNvvm *nv = nvvm_or_skip();
    NjFound ptxas;
    bool have = nj_find(NJ_PART_ptxas, NULL, &ptxas);
    for (size_t i = 0; i < NJ_COUNT(ccs); i++) {
        NjText ptx, cubin, log;
        NjErr err = {0};
        char arch[16], target[32];
        int cc = nj_nvvm_best_cc(nv, ccs[i]);
        assert_true(cc > 0 && cc <= ccs[i]);
        compile(nv, &(NjNvvmOpts){.cc = cc, .opt = 3}, plain, &ptx);
        snprintf(target, sizeof target, ".target sm_%d", cc);
        assert_non_null(strstr(ptx.at, target));
        assert_non_null(strstr(ptx.at, ".entry scale("));
        snprintf(arch, sizeof arch, "sm_%d", ccs[i]);
        nj_text_init(&cubin);
        nj_text_init(&log);
        if (have && nj_ptxas(NULL, arch, ptx.at, ptx.n, NULL, &cubin, &log, &err) != NJ_OK)
            fail_msg("%s", err.text);
        if (have) {
            assert_true(cubin.n > 100 && memcmp(cubin.at, "\177ELF", 4) == 0);
            assert_non_null(strstr(log.at, "registers"));
        }
        nj_text_free(&ptx);
        nj_text_free(&cubin);
        nj_text_free(&log);
    }
    if (!have)
        print_message("skipped the assembling: there is no ptxas here\n");
    nj_nvvm_close(nv);
}

static void test_options(void **state)
{
    static const struct {
        NjNvvmOpts o;
        const char *text, *has, *lacks;
    } rows[] = {
        {{.cc = 80, .opt = 3}, plain, "div.rn.f32", "div.full"},
        {{.cc = 80, .opt = 3, .fast_div = true}, plain, "div.full.f32", "div.rn"},
        {{.cc = 80, .opt = 3, .fast_div = true, .ftz = true}, plain, "div.full.ftz.f32", "div.rn"},
        {{.cc = 90, .suffix = 'a', .opt = 3}, plain, ".target sm_90a", "div.full"},
        {{.cc = 80, .opt = 3}, muladd, "fma.rn.f32", "mul"},
        {{.cc = 80, .opt = 3, .no_fma = true}, muladd, "mul", "fma"},
    };
    NjNvvm *nv = nvvm_or_skip();
    for (size_t i = 0; i < NJ_COUNT(rows); i++) {
        NjText ptx;
        compile(nv, &rows[i].o, rows[i].text, &ptx);
        if (strstr(ptx.at, rows[i].has) == NULL || strstr(ptx.at, rows[i].lacks) != NULL)
            fail_msg("row %zu: wanted '%s' and no '%s' in\n%s", i, rows[i].has, rows[i].lacks, ptx.at);
        nj_text_free(&ptx);
    }
    nj_nvvm_close(nv);
}

static void test_libdevice(void **state)
{
    NjNvvm *nv = nvvm_or_skip();
    NjText with, without;
    compile(nv, &(NjNvvmOpts){.cc = 80, .opt = 3, .uses_libdevice = true}, with_sin, &with);
    assert_null(strstr(with.at, ".extern .func"));
    assert_non_null(strstr(with.at, "fma.rn.f32")); /* sinf's polynomial came along, and was inlined */
    compile(nv, &(NjNvvmOpts){.cc = 80, .opt = 3}, with_sin, &without);
    assert_non_null(strstr(without.at, "__nv_sinf"));
    assert_null(strstr(without.at, "fma.rn.f32"));
    nj_text_free(&with);
    nj_text_free(&without);
    compile(nv, &(NjNvvmOpts){.cc = 80, .opt = 3, .uses_libdevice = true}, plain, &with);
    assert_null(strstr(with.at, "__nv_")); /* lazily: what is not called is not there */
    nj_text_free(&with);
    nj_nvvm_close(nv);
}

static void test_refused(void **state)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {HEADER "define void @scale(float* %x, float %k) {\n  %v = fadd float %x, %k\n  ret void\n}\n" FOOTER,
         "\n    %v = fadd float %x, %k"},
        {HEADER "define void @scale(\n", "bad (4, 0): parse expected type"},
        {HEADER "declare float @llvm.sin.f32(float)\ndefine void @scale(float* %x, float %k) {\n"
                "  %r = call float @llvm.sin.f32(float %k)\n  store float %r, float* %x\n  ret void\n}\n" FOOTER,
         "nsupported"},             /* not every libNVVM says what, or starts the sentence with it */
    };
    NjNvvm *nv = nvvm_or_skip();
    for (size_t i = 0; i < NJ_COUNT(rows); i++) {
        NjText ptx;
        NjErr err = {0};
        nj_text_init(&ptx);
        NjStatus st = nj_nvvm_compile(nv, &(NjNvvmOpts){.cc = 80, .opt = 3}, "bad", rows[i].text, strlen(rows[i].text),
                                      &ptx, &err);
        assert_int_equal(st, NJ_E_BUG);
        assert_int_equal(ptx.n, 0);
        if (strstr(err.text, rows[i].says) == NULL)
            fail_msg("row %zu: no '%s' in: %s", i, rows[i].says, err.text);
        assert_non_null(strstr(err.text, "failed for compute_80"));
        assert_non_null(strstr(err.text, "\n")); /* libNVVM's log follows */
        nj_text_free(&ptx);
    }
    nj_nvvm_close(nv);
}

static void test_architectures(void **state)
{
    NjNvvm *nv = nvvm_or_skip();
    NjText ptx;
    NjErr err = {0};
    int all[64];
    size_t n = nj_nvvm_archs(nv, all, NJ_COUNT(all));
    assert_in_range(n, 5, 40);
    for (size_t i = 1; i < n; i++)
        assert_true(all[i - 1] < all[i]);
    assert_true(nj_nvvm_supports(nv, 90));
    assert_false(nj_nvvm_supports(nv, 35));
    assert_int_equal(nj_nvvm_best_cc(nv, 91), 90);
    assert_int_equal(nj_nvvm_best_cc(nv, 35), 0);
    assert_true(nj_nvvm_llvm(nv, 80) >= 7);
    nj_text_init(&ptx);
    assert_int_equal(nj_nvvm_compile(nv, &(NjNvvmOpts){.cc = 35}, "x", plain, sizeof plain - 1, &ptx, &err), NJ_E_ENV);
    assert_non_null(strstr(err.text, "compute_35"));
    nj_text_free(&ptx);
    nj_nvvm_close(nv);
}

typedef struct Compiler {
    pthread_t thread;
    NjNvvm *nv;
    const char *text;
    NjText ptx;
    NjStatus st;
} Compiler;

static void *compile_ten(void *arg)
{
    Compiler *c = arg;
    for (int i = 0; i < 10 && c->st == NJ_OK; i++) {
        nj_text_free(&c->ptx);
        nj_text_init(&c->ptx);
        c->st = nj_nvvm_compile(c->nv, &(NjNvvmOpts){.cc = 80, .opt = 3, .uses_libdevice = c->text == with_sin},
                                "scale", c->text, strlen(c->text), &c->ptx, NULL);
    }
    return NULL;
}

/* One NjNvvm, many threads: each gets what it would have got alone. */
static void test_threads(void **state)
{
    static const char *const texts[] = {plain, with_sin, muladd, with_sin};
    NjNvvm *nv = nvvm_or_skip();
    Compiler c[NJ_COUNT(texts)] = {0};
    for (size_t i = 0; i < NJ_COUNT(texts); i++) {
        c[i].nv = nv, c[i].text = texts[i];
        nj_text_init(&c[i].ptx);
        assert_int_equal(pthread_create(&c[i].thread, NULL, compile_ten, &c[i]), 0);
    }
    for (size_t i = 0; i < NJ_COUNT(texts); i++) {
        NjText alone;
        pthread_join(c[i].thread, NULL);
        assert_int_equal(c[i].st, NJ_OK);
        compile(nv, &(NjNvvmOpts){.cc = 80, .opt = 3, .uses_libdevice = texts[i] == with_sin}, texts[i], &alone);
        assert_string_equal(c[i].ptx.at, alone.at);
        nj_text_free(&alone);
        nj_text_free(&c[i].ptx);
    }
    nj_nvvm_close(nv);
}

/* Missing libdevice stops only the kernel that calls it. */
static void test_no_libdevice(void **state)
{
    NjErr err = {0};
    NjText ptx;
    setenv("NAJA_LIBDEVICE", "/nowhere/libdevice.10.bc", 1);
    nj_knobs_reload();
    NjNvvm *nv = nvvm_or_skip();
    unsetenv("NAJA_LIBDEVICE");
    nj_knobs_reload();
    NjNvvmOpts o = {.cc = 80, .opt = 3};
    compile(nv, &o, plain, &ptx);
    nj_text_free(&ptx);
    nj_text_init(&ptx);
    o.uses_libdevice = true;
    assert_int_equal(nj_nvvm_compile(nv, &o, "scale", with_sin, sizeof with_sin - 1, &ptx, &err), NJ_E_ENV);
    assert_non_null(strstr(err.text, "/nowhere/libdevice.10.bc (NAJA_LIBDEVICE)"));
    nj_text_free(&ptx);
    nj_nvvm_close(nv);
}

static void test_every_allocation_fails(void **state)
{
    NjStatus st = NJ_E_NOMEM;
    nj_nvvm_close(nvvm_or_skip());
    for (long n = 1; st != NJ_OK; n++) {
        NjNvvm *nv;
        NjErr err = {0};
        NjText ptx;
        nj_text_init(&ptx);
        nj_alloc_fail_at(n);
        st = nj_nvvm_open(NULL, &nv, &err);
        if (st == NJ_OK)
            st = nj_nvvm_compile(nv, &(NjNvvmOpts){.cc = 80, .opt = 3}, "scale", plain, strlen(plain), &ptx, &err);
        nj_alloc_fail_at(-1);
        if (st != NJ_OK) {
            assert_int_equal(st, NJ_E_NOMEM);
            assert_non_null(strstr(err.text, "out of memory"));
        }
        assert_true(n < 50);
        nj_text_free(&ptx);
        nj_nvvm_close(nv);
    }
}

static void test_ptxas_complains(void **state)
{
    static const char bad[] =
        ".version 8.0\n.target sm_80\n.address_size 64\n.visible .entry k()\n{\n  no.such.op;\n}\n";
    NjFound f;
    NjErr err = {0};
    NjText log;
    if (!nj_find(NJ_PART_ptxas, NULL, &f)) {
        print_message("skipped: there is no ptxas here\n");
        skip();
    }
    nj_text_init(&log);
    assert_int_equal(nj_ptxas(NULL, "sm_80", bad, sizeof bad - 1, NULL, NULL, &log, &err), NJ_E_BUG);
    assert_non_null(strstr(err.text, "ptxas failed (status"));
    assert_non_null(strstr(err.text, "line 6"));
    assert_non_null(strstr(log.at, "line 6"));
    nj_text_free(&log);
}

static void test_absent(void **state)
{
    NjNvvm *nv;
    NjErr err = {0};
    setenv("NAJA_LIBNVVM", "none", 1);
    setenv("NAJA_PTXAS", "/nowhere/ptxas", 1);
    nj_knobs_reload();
    assert_false(nj_cuda_has_nvvm(NULL));
    assert_int_equal(nj_nvvm_open(NULL, &nv, &err), NJ_E_ENV);
    assert_null(nv);
    assert_non_null(strstr(err.text, "libnvvm was not found"));
    assert_int_equal(nj_ptxas(NULL, "sm_80", "", 0, NULL, NULL, NULL, &err), NJ_E_ENV);
    assert_non_null(strstr(err.text, "/nowhere/ptxas (NAJA_PTXAS)"));
    Dl_info libm;                              /* some other library, wherever this machine has it */
    assert_true(dladdr(dlsym(dlopen("libm.so.6", RTLD_LAZY), "fmod"), &libm) != 0);
    setenv("NAJA_LIBNVVM", libm.dli_fname, 1);
    nj_knobs_reload();
    if (nj_cuda_has_nvvm(NULL)) {
        assert_int_equal(nj_nvvm_open(NULL, &nv, &err), NJ_E_ENV);
        assert_non_null(strstr(err.text, "is not a libNVVM: it lacks nvvmGetErrorString"));
    }
    unsetenv("NAJA_LIBNVVM");
    unsetenv("NAJA_PTXAS");
    nj_knobs_reload();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_arch),      cmocka_unit_test(test_options),
        cmocka_unit_test(test_libdevice),       cmocka_unit_test(test_refused),
        cmocka_unit_test(test_architectures),   cmocka_unit_test(test_threads),
        cmocka_unit_test(test_no_libdevice),    cmocka_unit_test(test_every_allocation_fails),
        cmocka_unit_test(test_ptxas_complains), cmocka_unit_test(test_absent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
