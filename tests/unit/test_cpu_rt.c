/* test_cpu_rt.c - print as Python shows values, integer power, memory of the CPU device. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cpu/cpu.h"

#include <math.h>

static char printed[4096];
static void keep(void *arg, const char *text, size_t n)
{
    *(int *)arg += 1;
    memcpy(printed, text, n);
    printed[n] = 0;
}

static int nprint;

static uint64_t f64(double x)
{
    uint64_t u;
    memcpy(&u, &x, 8);
    return u;
}

static uint64_t f32(float x)
{
    uint32_t u;
    memcpy(&u, &x, 4);
    return u;
}

#define PRINTS(want, desc, ...) check_print(want, desc, (uint64_t[]){ __VA_ARGS__ })
static void check_print(const char *want, const char *desc, const uint64_t *slots)
{
    nj_rt_print(desc, slots);
    assert_string_equal(printed, want);
}

static void test_floats(void **state)
{
    static const struct { double x; const char *text; } rows[] = {
        { 0, "0.0\n" },           { -0.0, "-0.0\n" },           { 1, "1.0\n" },        { 0.1, "0.1\n" },
        { 100000, "100000.0\n" }, { 1e15, "1000000000000000.0\n" }, { 1e16, "1e+16\n" }, { 123456789.125, "123456789.125\n" },
        { 1e-4, "0.0001\n" },     { 1e-5, "1e-05\n" },          { 1.5e300, "1.5e+300\n" }, { 5e-324, "5e-324\n" },
        { 1.0 / 3, "0.3333333333333333\n" }, { -2.5e-7, "-2.5e-07\n" }, { 1.7976931348623157e308, "1.7976931348623157e+308\n" },
        { INFINITY, "inf\n" },    { -INFINITY, "-inf\n" },      { NAN, "nan\n" },      { 9007199254740993.0, "9007199254740992.0\n" },
    };
    for (size_t i = 0; i < NJ_COUNT(rows); i++)
        PRINTS(rows[i].text, "f", f64(rows[i].x));
    PRINTS("0.1 16777216.0 3.4028235e+38\n", "ggg", f32(0.1f), f32(16777216.0f), f32(3.4028234663852886e38f));
}

static void test_line(void **state)
{
    nprint = 0;
    PRINTS("\n", "", 0);
    PRINTS("-1 18446744073709551615 True False None\n", "iubbn", (uint64_t)-1, (uint64_t)-1, 1, 0);
    PRINTS("(1+2j) 2j (-0-1.5j) (nan+infj)\n", "cccc", f64(1), f64(2), f64(0), f64(2), f64(-0.0), f64(-1.5), f64(NAN), f64(INFINITY));
    PRINTS("x = 3\n", "si", (uint64_t)(uintptr_t)"x =", 3, 3);
    PRINTS("(1, 2) (3,) () ((1, 2.0), 'a\\'\"\\n')\n", "(ii)(i)()((if)s)", 1, 2, 3, 1, f64(2), (uint64_t)(uintptr_t)"a'\"\n", 4);
    assert_int_equal(nprint, 5);
}

static void test_pow(void **state)
{
    assert_true(nj_rt_pow_i64(3, 4) == 81 && nj_rt_pow_i64(-2, 63) == INT64_MIN && nj_rt_pow_i64(5, 0) == 1);
    assert_true(nj_rt_pow_i64(-1, -3) == -1 && nj_rt_pow_i64(-1, -4) == 1 && nj_rt_pow_i64(1, INT64_MIN) == 1);
    assert_true(nj_rt_pow_i64(2, -1) == 0 && nj_rt_pow_u64(2, 64) == 0 && nj_rt_pow_u64(3, 40) == 12157665459056928801u);
}

static void test_symbols(void **state)
{
    assert_ptr_equal(nj_cpu_symbol("nj_rt_pow_i64"), nj_rt_pow_i64);
    assert_non_null(nj_cpu_symbol("sin"));
    assert_non_null(nj_cpu_symbol("sinf"));
    assert_non_null(nj_cpu_symbol("memcpy"));
    assert_non_null(nj_cpu_symbol("__divti3"));
    assert_null(nj_cpu_symbol("system"));               /* only what the table names */
    assert_null(nj_cpu_symbol("_ZGVnothing"));
    assert_null(nj_cpu_symbol(""));
}

/* Every function of the mathematics table can be called. */
static void test_math_symbols(void **state)
{
    static const char *const names[] = {
#define MATH(id, pyname, nargs, llvm, libm, libmf, ...) libm, libmf,
#include "device-libs/math.def"
#undef MATH
    };
    for (size_t i = 0; i < NJ_COUNT(names); i++)
        if (*names[i] && !nj_cpu_symbol(names[i]))
            fail_msg("%s has no row in symbols.def", names[i]);
}

static void test_memory(void **state)
{
    NjErr err = {0};
    uint64_t p, q, zero;
    size_t nblock, nbytes;
    char text[16] = "";
    assert_int_equal(nj_cpu_mem_alloc(100, &p, &err), NJ_OK);
    assert_int_equal(nj_cpu_mem_alloc(50, &q, &err), NJ_OK);
    assert_int_equal(nj_cpu_mem_alloc(0, &zero, &err), NJ_OK);
    assert_true(p % 64 == 0 && q % 64 == 0 && zero == 0);
    nj_cpu_mem_info(&nblock, &nbytes);
    assert_true(nblock == 2 && nbytes == 150);
    assert_int_equal(nj_cpu_mem_to_device(p + 90, "0123456789", 10, &err), NJ_OK);
    assert_int_equal(nj_cpu_mem_copy(q, p + 90, 10, &err), NJ_OK);
    assert_int_equal(nj_cpu_mem_set(q + 1, 'x', 2, &err), NJ_OK);
    assert_int_equal(nj_cpu_mem_to_host(text, q, 10, &err), NJ_OK);
    assert_string_equal(text, "0xx3456789");
    assert_int_equal(nj_cpu_mem_to_device(p + 91, "0123456789", 10, &err), NJ_E_USER);
    assert_int_equal(nj_cpu_mem_to_host(text, p - 1, 2, &err), NJ_E_USER);
    assert_int_equal(nj_cpu_mem_set(p, 0, SIZE_MAX, &err), NJ_E_USER);
    assert_int_equal(nj_cpu_mem_copy(0, p, 1, &err), NJ_E_USER);
    assert_int_equal(nj_cpu_mem_free(p + 1, &err), NJ_E_USER);
    assert_int_equal(nj_cpu_mem_free(p, &err), NJ_OK);
    assert_int_equal(nj_cpu_mem_free(p, &err), NJ_E_USER);         /* twice */
    assert_int_equal(nj_cpu_mem_to_host(text, p, 1, &err), NJ_E_USER);
    assert_int_equal(nj_cpu_mem_free(q, &err), NJ_OK);
    assert_int_equal(nj_cpu_mem_free(0, &err), NJ_OK);
    assert_int_equal(nj_cpu_mem_alloc(SIZE_MAX - 3, &p, &err), NJ_E_NOMEM);
    nj_cpu_mem_info(&nblock, &nbytes);
    assert_true(nblock == 0 && nbytes == 0);
}

static void test_many_blocks(void **state)
{
    NjErr err = {0};
    static uint64_t p[1000];
    size_t nblock, nbytes;
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(nj_cpu_mem_alloc(1 + i * 7 % 300, &p[i], &err), NJ_OK);
    for (size_t i = 0; i < 1000; i += 2)
        assert_int_equal(nj_cpu_mem_free(p[i], &err), NJ_OK);
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(nj_cpu_mem_set(p[i], 1, 1 + i * 7 % 300, &err), i % 2 ? NJ_OK : NJ_E_USER);
    for (size_t i = 1; i < 1000; i += 2)
        assert_int_equal(nj_cpu_mem_free(p[i], &err), NJ_OK);
    nj_cpu_mem_info(&nblock, &nbytes);
    assert_true(nblock == 0 && nbytes == 0);
    for (long n = 1; n <= 2; n++) {
        nj_alloc_fail_at(n);
        NjStatus st = nj_cpu_mem_alloc(10, &p[0], &err);
        nj_alloc_fail_at(-1);
        assert_true(st == NJ_E_NOMEM ? p[0] == 0 : n == 2);
        nj_cpu_mem_free(p[0], &err);
    }
}

int main(void)
{
    nj_rt_set_print(keep, &nprint);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_floats),  cmocka_unit_test(test_line),   cmocka_unit_test(test_pow),
        cmocka_unit_test(test_symbols), cmocka_unit_test(test_math_symbols), cmocka_unit_test(test_memory), cmocka_unit_test(test_many_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
