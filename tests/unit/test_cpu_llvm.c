/* test_cpu_llvm.c - LLVM text through the compiler library and our loader to a call. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cpu/cpu.h"
#include "cpu/simt.h"

#if !defined(NJ_TEST_LLVM)
int main(void)
{
    puts("nothing to test: built without the compiler library");
    return 0;
}
#else

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static const char axpy[] =
    "define void @axpy(double %a, ptr noalias %x, ptr noalias %y, i64 %n) {\n"
    "e:\n  br label %l\n"
    "l:\n  %i = phi i64 [ 0, %e ], [ %j, %l ]\n"
    "  %p = getelementptr double, ptr %x, i64 %i\n  %q = getelementptr double, ptr %y, i64 %i\n"
    "  %u = load double, ptr %p\n  %v = load double, ptr %q\n"
    "  %w = fmul double %u, %a\n  %s = fadd double %w, %v\n  store double %s, ptr %q\n"
    "  %j = add i64 %i, 1\n  %c = icmp slt i64 %j, %n\n  br i1 %c, label %l, label %o\n"
    "o:\n  ret void\n}\n";

/* %s: the vector function, %u: its lanes */
static const char vsin[] =
    "declare double @sin(double) #0\n"
    "declare <%u x double> @%s(<%u x double>)\n"
    "define void @vsin(ptr noalias %%x, ptr noalias %%y, i64 %%n) {\n"
    "e:\n  br label %%l\n"
    "l:\n  %%i = phi i64 [ 0, %%e ], [ %%j, %%l ]\n"
    "  %%p = getelementptr double, ptr %%x, i64 %%i\n  %%q = getelementptr double, ptr %%y, i64 %%i\n"
    "  %%u = load double, ptr %%p\n  %%v = call double @sin(double %%u) #1\n  store double %%v, ptr %%q\n"
    "  %%j = add i64 %%i, 1\n  %%c = icmp slt i64 %%j, %%n\n  br i1 %%c, label %%l, label %%o\n"
    "o:\n  ret void\n}\n"
    "@llvm.compiler.used = appending global [1 x ptr] [ptr @%s], section \"llvm.metadata\"\n"
    "attributes #0 = { nounwind willreturn memory(none) }\n"
    "attributes #1 = { nounwind willreturn memory(none) \"vector-function-abi-variant\"=\"%s(%s)\" }\n";

static const char kernel[] =
    "declare double @__nv_sin(double)\n"
    "declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()\n"
    "define ptx_kernel void @k(ptr addrspace(1) %p) {\n"
    "  %i = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()\n"
    "  %q = getelementptr double, ptr addrspace(1) %p, i32 %i\n"
    "  %x = load double, ptr addrspace(1) %q\n"
    "  %y = call double @__nv_sin(double %x)\n"
    "  store double %y, ptr addrspace(1) %q\n  ret void\n}\n";

/* One thread of a kernel that reverses each block through shared memory: the offsets are those of NjSimt. */
static const char reverse[] =
    "declare void @nj_rt_barrier(ptr)\n"
    "define i32 @reverse(ptr %args, ptr %ctx) {\n"
    "  %t = load i32, ptr %ctx\n"
    "  %pc = getelementptr i8, ptr %ctx, i64 12\n  %c = load i32, ptr %pc\n"
    "  %pn = getelementptr i8, ptr %ctx, i64 24\n  %n = load i32, ptr %pn\n"
    "  %ps = getelementptr i8, ptr %ctx, i64 48\n  %s = load ptr, ptr %ps\n"
    "  %base = mul i32 %c, %n\n  %i = add i32 %base, %t\n"
    "  %x = load ptr, ptr %args\n  %px = getelementptr i32, ptr %x, i32 %i\n  %v = load i32, ptr %px\n"
    "  %q = getelementptr i32, ptr %s, i32 %t\n  store i32 %v, ptr %q\n"
    "  call void @nj_rt_barrier(ptr %ctx)\n"
    "  %n1 = sub i32 %n, 1\n  %r = sub i32 %n1, %t\n"
    "  %p = getelementptr i32, ptr %s, i32 %r\n  %w = load i32, ptr %p\n  store i32 %w, ptr %px\n"
    "  ret i32 0\n}\n";

static void *compile_as(NjLlvmOut what, const char *text, NjText *out)
{
    NjErr err = {0};
    nj_text_init(out);
    NjStatus st = nj_cpu_llvm_compile(what, text, strlen(text), NULL, out, &err);
    if (st)
        fail_msg("%s", err.text);
    return out->at;
}

static NjCpuCode *load_text(const char *text)
{
    NjText obj;
    NjErr err = {0};
    NjCpuCode *code;
    compile_as(NJ_LLVM_OBJECT, text, &obj);
    if (nj_cpu_code_load(obj.at, obj.n, "test", NULL, NULL, &code, &err))
        fail_msg("%s", err.text);
    nj_text_free(&obj);
    return code;
}

static void check_axpy(NjCpuCode *code)
{
    void (*f)(double, const double *, double *, int64_t);
    *(void **)&f = nj_cpu_code_find(code, "axpy");
    assert_non_null(f);
    double x[37], y[37];
    for (int i = 0; i < 37; i++)
        x[i] = i, y[i] = 1;
    f(2.0, x, y, 37);
    for (int i = 0; i < 37; i++)
        assert_true(y[i] == 2.0 * i + 1);
}

static void test_no_library(void **state)
{
    NjErr err = {0};
    setenv("NAJA_LIBLLVM", "/nowhere/libnaja_llvm.so", 1);
    nj_knobs_reload();
    assert_null(nj_cpu_llvm(&err));
    assert_int_equal(err.status, NJ_E_ENV);
    assert_non_null(strstr(err.text, "/nowhere/"));
    setenv("NAJA_LIBLLVM", NJ_TEST_LLVM, 1);
    nj_knobs_reload();
    if (!nj_cpu_llvm(&err))
        fail_msg("%s", err.text);
}

static void test_call(void **state)
{
    NjCpuCode *code = load_text(axpy);
    check_axpy(code);
    assert_null(nj_cpu_code_find(code, "nothing"));
    nj_cpu_code_retain(code);
    nj_cpu_code_release(code);
    check_axpy(code);
    nj_cpu_code_release(code);
}

/* The widest vector function that this machine runs and libmvec has. */
static unsigned vector_name(char *name, size_t n)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    bool wide = __builtin_cpu_supports("avx2");
    snprintf(name, n, "_ZGV%cN%uv_sin", wide ? 'd' : 'b', wide ? 4 : 2);
    return wide ? 4 : 2;
#else
    snprintf(name, n, "_ZGVnN2v_sin");
    return 2;
#endif
}

static void test_vector_sin(void **state)
{
    char name[64], text[4096];
    unsigned lanes = vector_name(name, sizeof name);
    if (!nj_cpu_symbol(name))
        skip();
    char tag[64];       /* _ZGVdN4v_sin: the tag is all of it */
    snprintf(tag, sizeof tag, "%s", name);
    snprintf(text, sizeof text, vsin, lanes, name, lanes, name, tag, name);
    NjText s;
    assert_non_null(strstr(compile_as(NJ_LLVM_ASM, text, &s), name));
    nj_text_free(&s);
    NjCpuCode *code = load_text(text);
    void (*f)(const double *, double *, int64_t);
    *(void **)&f = nj_cpu_code_find(code, "vsin");
    double x[1003], y[1003];
    for (int i = 0; i < 1003; i++)
        x[i] = i * 0.01 - 3;
    f(x, y, 1003);
    for (int i = 0; i < 1003; i++)      /* libmvec promises 4 ULP */
        assert_true(fabs(y[i] - sin(x[i])) <= 4 * fabs(nextafter(sin(x[i]), INFINITY) - sin(x[i])));
    nj_cpu_code_release(code);
}

static void test_texts(void **state)
{
    NjText s;
    const char *ir = compile_as(NJ_LLVM_IR, axpy, &s);
    assert_non_null(strstr(ir, "vector.body"));         /* names are kept, loops vectorised */
    nj_text_free(&s);
    compile_as(NJ_LLVM_ASM, axpy, &s);
    assert_non_null(strstr(s.at, "axpy:"));
    nj_text_free(&s);
}

static void test_refused(void **state)
{
    NjErr err = {0};
    NjText s;
    nj_text_init(&s);
    const char *bad = "define i32 @f() {\n  ret i32 %nope\n}\n";
    assert_int_equal(nj_cpu_llvm_compile(NJ_LLVM_OBJECT, bad, strlen(bad), NULL, &s, &err), NJ_E_BUG);
    assert_non_null(strstr(err.text, "naja:2:"));       /* the line of our text, whatever was put before it */
    assert_int_equal(s.n, 0);
    const char *unsel =
        "define i32 @f(i32 %x) {\n  %y = call i32 asm \"nonsense $0, $1\", \"=r,r\"(i32 %x)\n  ret i32 %y\n}\n";
    assert_int_equal(nj_cpu_llvm_compile(NJ_LLVM_OBJECT, unsel, strlen(unsel), NULL, &s, &err), NJ_E_BUG);
    NjLlvmOptions o = { .opt = 3, .cpu = "sm_90" };
    const char *late = "target datalayout = \"e-p:32:32\"\ndefine void @f() {\n  ret void\n}\n";
    (void)nj_cpu_llvm_compile(NJ_LLVM_PTX, late, strlen(late), &o, &s, &err);     /* any answer but a crash */
    nj_text_free(&s);
    NjCpuCode *code = load_text(axpy);
    check_axpy(code);
    nj_cpu_code_release(code);
}

static void test_ptx(void **state)
{
    NjErr err = {0};
    NjText s;
    nj_text_init(&s);
    NjLlvmOptions o = { .opt = 3, .cpu = "sm_80", .verify = true };
    if (nj_cpu_llvm_compile(NJ_LLVM_PTX, kernel, strlen(kernel), &o, &s, &err))
        fail_msg("%s", err.text);
    assert_non_null(strstr(s.at, ".target sm_80"));
    assert_non_null(strstr(s.at, ".entry k("));
    assert_non_null(strstr(s.at, ".extern .func"));     /* __nv_sin: no library was given */
    nj_text_free(&s);
}

static const char *libdevice_path(void)
{
    const char *p = nj_knobs()->libdevice;
    return p ? p : "/usr/local/cuda/nvvm/libdevice/libdevice.10.bc";
}

static void test_libdevice(void **state)
{
    FILE *f = fopen(libdevice_path(), "rb");
    if (!f)
        skip();
    static char bytes[1 << 20];
    NjLlvmLib lib = { bytes, fread(bytes, 1, sizeof bytes, f), "libdevice" };
    fclose(f);
    NjLlvmOptions o = { .opt = 3, .cpu = "sm_90", .nlib = 1, .lib = &lib };
    NjErr err = {0};
    NjText s;
    nj_text_init(&s);
    if (nj_cpu_llvm_compile(NJ_LLVM_PTX, kernel, strlen(kernel), &o, &s, &err))
        fail_msg("%s", err.text);
    assert_non_null(strstr(s.at, ".entry k("));
    assert_null(strstr(s.at, ".extern"));
    assert_true(s.n < 20000);                           /* what is not called is gone */
    nj_text_free(&s);
    NjLlvmLib broken = { "BC\xc0\xde broken", 11, "broken.bc" };
    o.lib = &broken;
    assert_int_equal(nj_cpu_llvm_compile(NJ_LLVM_PTX, kernel, strlen(kernel), &o, &s, &err), NJ_E_ENV);
    nj_text_free(&s);
}

static void test_fatal(void **state)
{
#if defined(__SANITIZE_ADDRESS__)
    skip();                                 /* such a compile's memory is lost on purpose: see compile.c */
#endif
    static const char text[] = "declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()\ndefine i32 @f() {\n"
                               "  %x = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()\n  ret i32 %x\n}\n";
    for (int i = 0; i < 3; i++) {           /* for this machine there is no such instruction: LLVM calls that fatal */
        NjErr err = {0};
        NjText s;
        nj_text_init(&s);
        assert_int_equal(nj_cpu_llvm_compile(NJ_LLVM_OBJECT, text, strlen(text), NULL, &s, &err), NJ_E_BUG);
        assert_non_null(strstr(err.text, "Cannot select"));
        nj_text_free(&s);
        NjCpuCode *code = load_text(axpy);
        check_axpy(code);
        nj_cpu_code_release(code);
    }
}

static void test_kernel(void **state)
{
    NjErr err = {0};
    NjCpuCode *code = load_text(reverse);
    NjSimtKernel k = { .name = "reverse", .shared_bytes = 4 * 256 };
    *(void **)&k.thread = nj_cpu_code_find(code, "reverse");
    static int32_t x[256 * 50];
    for (int i = 0; i < 256 * 50; i++)
        x[i] = i;
    uint64_t args[] = { (uint64_t)(uintptr_t)x };
    if (nj_simt_launch(&k, (int32_t[3]){ 50, 1, 1 }, (int32_t[3]){ 256, 1, 1 }, 0, args, nj_pool_get(), NULL, &err))
        fail_msg("%s", err.text);
    for (int i = 0; i < 256 * 50; i++)
        assert_int_equal(x[i], i / 256 * 256 + 255 - i % 256);
    nj_cpu_code_release(code);
}

static void *compile_some(void *arg)
{
    for (int i = 0; i < 5; i++) {
        NjCpuCode *code = load_text(axpy);
        check_axpy(code);
        nj_cpu_code_release(code);
    }
    return NULL;
}

static void test_threads(void **state)
{
    pthread_t id[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&id[i], NULL, compile_some, NULL), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(id[i], NULL);
}

static void test_no_memory(void **state)
{
    int failed = 0;
    for (long n = 1; n < 200; n++) {
        NjErr err = {0};
        NjText obj;
        NjCpuCode *code = NULL;
        nj_alloc_fail_at(n);
        nj_text_init(&obj);
        NjStatus st = nj_cpu_llvm_compile(NJ_LLVM_OBJECT, axpy, strlen(axpy), NULL, &obj, &err);
        if (!st)
            st = nj_cpu_code_load(obj.at, obj.n, "test", NULL, NULL, &code, &err);
        nj_alloc_fail_at(-1);
        nj_text_free(&obj);
        if (st) {
            failed++;
            assert_int_equal(st, NJ_E_NOMEM);
            assert_null(code);
            continue;
        }
        check_axpy(code);
        nj_cpu_code_release(code);
        if (n > 20)
            break;
    }
    assert_true(failed > 0);
}

static void test_perf_map(void **state)
{
    setenv("NAJA_PERF", "1", 1);
    nj_knobs_reload();
    NjCpuCode *code = load_text(axpy);
    char path[64], line[256] = "", want[32];
    snprintf(path, sizeof path, "/tmp/perf-%ld.map", (long)getpid());
    snprintf(want, sizeof want, "%llx ", (unsigned long long)(uintptr_t)nj_cpu_code_find(code, "axpy"));
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_non_null(fgets(line, sizeof line, f));
    fclose(f);
    unlink(path);
    assert_int_equal(strncmp(line, want, strlen(want)), 0);
    assert_non_null(strstr(line, "axpy [test]"));
    unsetenv("NAJA_PERF");
    nj_knobs_reload();
    nj_cpu_code_release(code);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_library), cmocka_unit_test(test_call),      cmocka_unit_test(test_vector_sin),
        cmocka_unit_test(test_texts),      cmocka_unit_test(test_refused),   cmocka_unit_test(test_ptx),
        cmocka_unit_test(test_libdevice),  cmocka_unit_test(test_threads),   cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_perf_map),   cmocka_unit_test(test_kernel),    cmocka_unit_test(test_fatal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
#endif
