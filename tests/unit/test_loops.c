/* test_loops.c - a ufunc's inner loop cut into ranges: same results as one call, order kept where elements depend on
 * each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cpu/cpu.h"

enum { N = 300000 };
static double x[N + 8], y[N + 8], z[N + 8];

/* out = a + b; stops with status 7 at a negative a, with 9 at one below -100 */
static void add_loop(char **args, const intptr_t *n, const intptr_t *steps, void *data)
{
    char *a = args[0], *b = args[1], *out = args[2];
    for (intptr_t i = 0; i < *n; i++, a += steps[0], b += steps[1], out += steps[2]) {
        double v = *(double *)a;
        if (v < 0) {
            *(int32_t *)data = v < -100 ? 9 : 7;
            return;
        }
        *(double *)out = v + *(double *)b;
    }
}

static int32_t run(NjPool *pool, double *a, intptr_t sa, double *b, intptr_t sb, double *out, intptr_t so, size_t n)
{
    char *args[] = {(char *)a, (char *)b, (char *)out};
    intptr_t steps[] = {sa, sb, so};
    return nj_loop_run(pool, add_loop, args, n, steps, 2, 3);
}

static void fill(void)
{
    for (int i = 0; i < N + 8; i++) {
        x[i] = i % 1000;
        y[i] = i % 77;
        z[i] = -1;
    }
}

static void test_every_length(void **state)
{
    const size_t lengths[] = {0, 1, 2, 4095, 4096, 4097, 8192, 100001, N};
    for (size_t k = 0; k < NJ_COUNT(lengths); k++) {
        fill();
        assert_int_equal(run(nj_pool_get(), x, 8, y, 8, z, 8, lengths[k]), 0);
        for (size_t i = 0; i < N; i++)
            assert_true(z[i] == (i < lengths[k] ? x[i] + y[i] : -1));
    }
}

static void test_strides(void **state)
{
    fill();
    assert_int_equal(run(nj_pool_get(), x, 16, y, 0, z + N - 1, -8, N / 2), 0);
    for (int i = 0; i < N / 2; i++)
        assert_true(z[N - 1 - i] == x[2 * i] + y[0]);
}

static void test_reduction_keeps_its_order(void **state)
{
    double sum = 0, expected = 0;
    fill();
    for (int i = 0; i < N; i++)
        expected = expected + x[i];
    assert_int_equal(run(nj_pool_get(), &sum, 0, x, 8, &sum, 0, N), 0);
    assert_true(sum == expected);
}

static void test_accumulation_keeps_its_order(void **state)
{
    fill();
    z[0] = x[0];
    assert_int_equal(run(nj_pool_get(), z, 8, x + 1, 8, z + 1, 8, N - 1), 0);
    double expected = 0;
    for (int i = 0; i < N; i++) {
        expected += x[i];
        assert_true(z[i] == expected);
    }
}

static void test_in_place(void **state)
{
    fill();
    assert_int_equal(run(nj_pool_get(), x, 8, y, 8, x, 8, N), 0);
    for (int i = 0; i < N; i++)
        assert_true(x[i] == i % 1000 + i % 77);
}

static void test_the_first_error_is_kept(void **state)
{
    for (int round = 0; round < 20; round++) {
        fill();
        x[N / 3] = -1;
        x[N - 5] = -200;
        x[N / 2] = -200;
        assert_int_equal(run(nj_pool_get(), x, 8, y, 8, z, 8, N), 7);
        assert_int_equal(run(NULL, x, 8, y, 8, z, 8, N), 7);
        x[10] = -200;
        assert_int_equal(run(nj_pool_get(), x, 8, y, 8, z, 8, N), 9);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_length),
        cmocka_unit_test(test_strides),
        cmocka_unit_test(test_reduction_keeps_its_order),
        cmocka_unit_test(test_accumulation_keeps_its_order),
        cmocka_unit_test(test_in_place),
        cmocka_unit_test(test_the_first_error_is_kept),
    };
    nj_pool_set_threads(4);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
