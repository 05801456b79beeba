/* test_base_mem.c - arenas, vectors, maps, bit sets and the writer, and each of them when memory runs out. */
#include "base/base.h"

#include <limits.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static void arena_aligns_and_zeroes(void **state)
{
    NjArena *a = nj_arena_new();
    for (size_t n = 0; n < 3000; n += 7) {
        unsigned char *p = nj_arena_alloc(a, n);
        assert_int_equal((uintptr_t)p % 16, 0);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xff, n);
    }
    assert_true(nj_arena_alloc(a, 0) != nj_arena_alloc(a, 0));
    unsigned char *big = nj_arena_alloc(a, 5 << 20);
    assert_non_null(big);
    assert_int_equal(big[(5 << 20) - 1], 0);
    assert_false(nj_arena_failed(a));
    nj_arena_free(a);
    nj_arena_free(NULL);
}

static void arena_mark_gives_memory_back(void **state)
{
    NjArena *a = nj_arena_new();
    NjMark empty = nj_arena_mark(a);
    char *keep = nj_arena_str(a, "kept");
    NjMark m = nj_arena_mark(a);
    size_t held = nj_arena_bytes(a);
    char *first = nj_arena_alloc(a, 32);
    memset(first, 'x', 32);
    nj_arena_alloc(a, 1 << 22);
    assert_true(nj_arena_bytes(a) > held);
    nj_arena_reset(a, m);
    assert_int_equal(nj_arena_bytes(a), held);
    char *again = nj_arena_alloc(a, 32);
    assert_ptr_equal(again, first);
    assert_int_equal(again[31], 0);
    assert_string_equal(keep, "kept");
    nj_arena_reset(a, empty);
    assert_int_equal(nj_arena_bytes(a), 0);
    nj_arena_free(a);
}

static void arena_copies_text(void **state)
{
    NjArena *a = nj_arena_new();
    assert_string_equal(nj_arena_printf(a, "%s-%d", "x", 12), "x-12");
    assert_memory_equal(nj_arena_copy(a, "a\0b", 3), "a\0b", 3);
    char *s = nj_arena_printf(a, "%5000d", 7);
    assert_int_equal(strlen(s), 5000);
    nj_arena_free(a);
}

/* After the failure: writable memory, not shared while the reserve lasts, NULL only for what is large. */
static void arena_out_of_memory_keeps_passes_running(void **state)
{
    NjArena *a = nj_arena_new();
    nj_alloc_fail_at(1);
    uint32_t *p = nj_arena_alloc(a, 64), *q = nj_arena_alloc(a, 64);
    *p = 1;
    *q = 2;
    assert_int_equal(*p, 1);
    assert_true(nj_arena_failed(a));
    assert_null(nj_arena_alloc(a, 1 << 20));
    assert_null(nj_arena_alloc(a, SIZE_MAX - 8));
    for (int i = 0; i < 100000; i++)
        memset(nj_arena_alloc(a, 512), i, 512);
    assert_string_equal(nj_arena_str(a, "short"), "short");
    nj_alloc_fail_at(-1);
    assert_true(nj_arena_failed(a));
    nj_arena_free(a);
}

static void vec_grows(void **state)
{
    NjArena *a = nj_arena_new();
    NJ_VEC(int) v = {0};
    for (int i = 0; i < 10000; i++)
        assert_true(nj_vec_push(a, &v, i * 3));
    assert_int_equal(v.n, 10000);
    for (int i = 0; i < 10000; i++)
        assert_int_equal(v.at[i], i * 3);
    void *at = v.at;
    uint32_t cap = v.cap;
    assert_false(nj_vec_grow(a, &at, &cap, 0, 4));       /* the count wrapped round */
    nj_arena_free(a);
}

static void map_finds_what_was_put(void **state)
{
    NjArena *a = nj_arena_new();
    NjMap *m = nj_map_new(a);
    static int value[5000];
    assert_null(nj_map_get(m, "none", 4));
    for (int i = 0; i < 5000; i++) {
        char key[16];
        int n = snprintf(key, sizeof key, "k%d", i);
        assert_true(nj_map_put(m, key, (size_t)n, &value[i]));
    }
    for (int i = 0; i < 5000; i++) {
        char key[16];
        int n = snprintf(key, sizeof key, "k%d", i);
        assert_ptr_equal(nj_map_get(m, key, (size_t)n), &value[i]);
    }
    assert_null(nj_map_get(m, "k5000", 5));
    assert_null(nj_map_get(m, "k1", 3));
    assert_true(nj_map_put(m, "", 0, &value[7]));
    assert_ptr_equal(nj_map_get(m, "", 0), &value[7]);
    nj_arena_free(a);
}

static void map_keeps_order_and_replaces(void **state)
{
    NjArena *a = nj_arena_new();
    NjMap *m = nj_map_new(a);
    int x, y, z;
    nj_map_put(m, "b", 1, &x);
    nj_map_put(m, "a", 1, &y);
    nj_map_put(m, "b", 1, &z);
    assert_int_equal(nj_map_count(m), 2);
    const void *key;
    size_t n;
    assert_ptr_equal(nj_map_at(m, 0, &key, &n), &z);
    assert_memory_equal(key, "b", 1);
    assert_int_equal(n, 1);
    assert_ptr_equal(nj_map_at(m, 1, NULL, NULL), &y);
    nj_arena_free(a);
}

static void hash_spreads(void **state)
{
    int hits[256] = {0};
    for (uint64_t i = 0; i < 256 * 64; i++)
        hits[nj_hash(&i, sizeof i, 0) & 255]++;
    for (int i = 0; i < 256; i++)
        assert_in_range(hits[i], 24, 120);
    assert_int_not_equal(nj_hash("ab", 2, 0), nj_hash("ab\0", 3, 0));
    assert_int_not_equal(nj_hash("ab", 2, 0), nj_hash("ab", 2, 1));
}

static void bits_set_clear_or(void **state)
{
    NjArena *a = nj_arena_new();
    NjBits *x = nj_bits_new(a, 130), *y = nj_bits_new(a, 130);
    nj_bits_set(x, 0);
    nj_bits_set(x, 129);
    assert_true(nj_bits_has(x, 129));
    assert_false(nj_bits_has(x, 128));
    assert_true(nj_bits_or(y, x));
    assert_false(nj_bits_or(y, x));
    assert_true(nj_bits_has(y, 0));
    nj_bits_clear(y, 0);
    assert_false(nj_bits_has(y, 0));
    assert_true(nj_bits_has(y, 129));
    nj_arena_free(a);
}

/* -- the writer ----------------------------------------------------------------------------------- */

static void text_check_f64(double x, const char *want)
{
    NjText t;
    nj_text_init(&t);
    nj_text_f64(&t, x);
    assert_string_equal(t.at, want);
    nj_text_free(&t);
}

static void text_writes_numbers(void **state)
{
    NjText t;
    nj_text_init(&t);
    assert_string_equal(t.at, "");
    nj_text_int(&t, 0);
    nj_text_char(&t, ' ');
    nj_text_int(&t, INT64_MIN);
    nj_text_char(&t, ' ');
    nj_text_int(&t, INT64_MAX);
    assert_string_equal(t.at, "0 -9223372036854775808 9223372036854775807");
    nj_text_free(&t);
    text_check_f64(0.1, "0.1");
    text_check_f64(1, "1.0");
    text_check_f64(-0.0, "-0.0");
    text_check_f64(5e-324, "5e-324");
    text_check_f64(1e300 * 1e10, "inf");
    text_check_f64(-INFINITY, "-inf");
    text_check_f64(NAN, "nan");
    text_check_f64(1.7976931348623157e308, "1.7976931348623157e+308");
}

static void text_floats_read_back(void **state)
{
    uint64_t u = 88172645463325252u;
    for (int i = 0; i < 20000; i++) {
        u ^= u << 13, u ^= u >> 7, u ^= u << 17;
        double x, y;
        memcpy(&x, &u, 8);
        if (isnan(x) || isinf(x))
            continue;
        NjText t;
        nj_text_init(&t);
        nj_text_f64(&t, x);
        y = strtod(t.at, NULL);
        assert_memory_equal(&x, &y, 8);
        nj_text_free(&t);
    }
}

static void text_ignores_the_locale(void **state)
{
    const char *names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "nl_NL.UTF-8"};
    bool set = false;
    for (size_t i = 0; i < NJ_COUNT(names) && !set; i++)
        set = setlocale(LC_NUMERIC, names[i]) != NULL;
    if (!set)
        skip();
    text_check_f64(0.5, "0.5");
    text_check_f64(1e20, "1e+20");
    setlocale(LC_NUMERIC, "C");
}

static void text_quotes(void **state)
{
    NjText t;
    nj_text_init(&t);
    nj_text_quote(&t, "a\"b\\\n\0\x7f", 7);
    assert_string_equal(t.at, "\"a\\\"b\\\\\\n\\x00\\x7f\"");
    nj_text_free(&t);
}

static void text_grows_and_formats(void **state)
{
    NjText t;
    nj_text_init(&t);
    for (int i = 0; i < 1000; i++)
        nj_text_fmt(&t, "%04d,", i);
    nj_text_fmt(&t, "%s", "");
    assert_int_equal(t.n, 5000);
    assert_int_equal(strlen(t.at), 5000);
    assert_memory_equal(t.at + 4995, "0999,", 5);
    nj_text_free(&t);
    nj_text_free(&t);
}

/* -- every allocation failing in turn ---------------------------------------------------------------- */

static bool use_everything(void)
{
    NjArena *a = nj_arena_new();
    if (!a)
        return false;
    NjMap *m = nj_map_new(a);
    NJ_VEC(NjBits *) v = {0};
    NjText t;
    nj_text_init(&t);
    bool ok = true;
    for (int i = 0; i < 300; i++) {
        char *s = nj_arena_printf(a, "%d %0*d", i, i, i);
        NjBits *b = nj_bits_new(a, 700);
        nj_bits_set(b, 699);
        ok = nj_map_put(m, s, strlen(s), b) && ok;
        ok = nj_vec_push(a, &v, b) && ok;
        nj_text_str(&t, s);
    }
    ok = ok && !t.failed && !nj_arena_failed(a) && nj_map_count(m) == 300 && v.n == 300;
    assert_int_equal(t.at[t.n], 0);
    nj_text_free(&t);
    nj_arena_free(a);
    return ok;
}

static void every_allocation_fails_in_turn(void **state)
{
    long n = 1;
    for (bool ok = false; !ok; n++) {
        nj_alloc_fail_at(n);
        ok = use_everything();
        nj_alloc_fail_at(-1);
        assert_true(n < 1000);
    }
    assert_true(n > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_aligns_and_zeroes),
        cmocka_unit_test(arena_mark_gives_memory_back),
        cmocka_unit_test(arena_copies_text),
        cmocka_unit_test(arena_out_of_memory_keeps_passes_running),
        cmocka_unit_test(vec_grows),
        cmocka_unit_test(map_finds_what_was_put),
        cmocka_unit_test(map_keeps_order_and_replaces),
        cmocka_unit_test(hash_spreads),
        cmocka_unit_test(bits_set_clear_or),
        cmocka_unit_test(text_writes_numbers),
        cmocka_unit_test(text_floats_read_back),
        cmocka_unit_test(text_ignores_the_locale),
        cmocka_unit_test(text_quotes),
        cmocka_unit_test(text_grows_and_formats),
        cmocka_unit_test(every_allocation_fails_in_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
