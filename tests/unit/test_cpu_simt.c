/* test_cpu_simt.c - grids on the CPU: C functions stand in for generated code. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cpu/atomics.h"
#include "cpu/simt.h"

#include <stdlib.h>

#define ARG(T, i) ((T)(uintptr_t)args[i])
#define WORD(p) ((uint64_t)(uintptr_t)(p))

static uint64_t seed = 88172645463325252u;
static uint32_t random_below(uint32_t n)
{
    seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
    return (uint32_t)(seed % n);
}

static int64_t linear(const NjSimt *c)
{
    int64_t block = c->ctaid[0] + (int64_t)c->nctaid[0] * (c->ctaid[1] + (int64_t)c->nctaid[1] * c->ctaid[2]);
    return block * c->ntid[0] * c->ntid[1] * c->ntid[2] + c->tid[0] + c->ntid[0] * (c->tid[1] + (int64_t)c->ntid[1] * c->tid[2]);
}

static void launch_ok(const NjSimtKernel *k, const int32_t g[3], const int32_t b[3], size_t dyn, const uint64_t *args)
{
    NjErr err = {0};
    NjSimtFault fault;
    if (nj_simt_launch(k, g, b, dyn, args, nj_pool_get(), &fault, &err))
        fail_msg("%s", err.text);
    assert_int_equal(fault.status, 0);
}

/* -- a block function with loops inside, as the emitter writes it without barriers ------------------------------- */

static int32_t histogram(const uint64_t *args, NjSimt *c)
{
    const uint8_t *x = ARG(const uint8_t *, 0);
    int64_t n = (int64_t)args[1], nthread = c->ntid[0], all = nthread * c->nctaid[0];
    NjA32 *bins = ARG(NjA32 *, 2);
    for (int32_t t = 0; t < c->ntid[0]; t++)
        for (int64_t i = c->ctaid[0] * nthread + t; i < n; i += all)
            nj_a32_add_relaxed(&bins[x[i]], 1);
    return 0;
}

static void test_histogram(void **state)
{
    static uint8_t x[20000];
    for (int round = 0; round < 300; round++) {
        uint32_t want[256] = {0};
        NjA32 got[256] = {{0}};
        uint64_t n = random_below(20000), args[] = { WORD(x), n, WORD(got) };
        for (uint64_t i = 0; i < n; i++)
            want[x[i] = (uint8_t)random_below(256)]++;
        NjSimtKernel k = { .name = "histogram", .block = histogram };
        launch_ok(&k, (int32_t[3]){ 1 + (int32_t)random_below(40), 1, 1 }, (int32_t[3]){ 1 + (int32_t)random_below(1024), 1, 1 }, 0, args);
        for (int i = 0; i < 256; i++)
            assert_int_equal(nj_a32_load_relaxed(&got[i]), want[i]);
    }
}

static int32_t visit(const uint64_t *args, NjSimt *c)
{
    NjA32 *count = ARG(NjA32 *, 0);
    int32_t n = c->ntid[0] * c->ntid[1] * c->ntid[2];
    for (int32_t i = 0; i < n; i++) {
        c->tid[0] = i % c->ntid[0], c->tid[1] = i / c->ntid[0] % c->ntid[1], c->tid[2] = i / c->ntid[0] / c->ntid[1];
        nj_a32_add_relaxed(&count[linear(c)], 1);
    }
    return 0;
}

static int32_t visit_one(const uint64_t *args, NjSimt *c)
{
    nj_a32_add_relaxed(&ARG(NjA32 *, 0)[linear(c)], 1);
    nj_rt_barrier(c);
    return 0;
}

static void test_every_thread_once(void **state)
{
    static NjA32 count[8 * 8 * 8 * 512];
    for (int round = 0; round < 200; round++) {
        int32_t g[3], b[3], n = 1;
        for (int i = 0; i < 3; i++) {
            g[i] = 1 + (int32_t)random_below(8);
            b[i] = 1 + (int32_t)random_below(8);
            n *= g[i] * b[i];
        }
        memset(count, 0, sizeof count);
        NjSimtKernel k = { .name = "visit", .block = round % 2 ? visit : NULL, .thread = visit_one };
        launch_ok(&k, g, b, 0, (uint64_t[]){ WORD(count) });
        for (int i = 0; i < (int)NJ_COUNT(count); i++)
            assert_int_equal(nj_a32_load_relaxed(&count[i]), i < n ? 1 : 0);
    }
}

/* -- barriers --------------------------------------------------------------------------------------------------------- */

/* Each block sums its part in shared memory, by halving; threads past the end return before the barriers' last rounds. */
static int32_t reduce(const uint64_t *args, NjSimt *c)
{
    const int64_t *x = ARG(const int64_t *, 0);
    int64_t n = (int64_t)args[1], i = linear(c), *s = c->shared, t = c->tid[0], m = c->ntid[0];
    s[t] = i < n ? x[i] : 0;
    nj_rt_barrier(c);
    while (m > 1) {
        int64_t half = (m + 1) / 2;
        if (t + half < m)
            s[t] += s[t + half];
        m = half;
        nj_rt_barrier(c);
        if (t >= m)
            return 0;                                       /* exited threads no longer count */
    }
    ARG(int64_t *, 2)[c->ctaid[0]] = s[0];
    return 0;
}

static void test_reduce(void **state)
{
    static int64_t x[40 * 1024], part[64];
    for (int round = 0; round < 300; round++) {
        int32_t nthread = 1 + (int32_t)random_below(1024), nblock = 1 + (int32_t)random_below(20);
        int64_t n = random_below((uint32_t)(nthread * nblock) + 1), want = 0, got = 0;
        for (int64_t i = 0; i < n; i++)
            want += x[i] = random_below(1000000);
        NjSimtKernel k = { .name = "reduce", .thread = reduce, .shared_bytes = 8 * 1024 };
        launch_ok(&k, (int32_t[3]){ nblock, 1, 1 }, (int32_t[3]){ nthread, 1, 1 }, 0, (uint64_t[]){ WORD(x), (uint64_t)n, WORD(part) });
        for (int i = 0; i < nblock; i++)
            got += part[i];
        assert_true(got == want);
    }
}

static int32_t predicates(const uint64_t *args, NjSimt *c)
{
    int32_t t = c->tid[0], n = c->ntid[0];
    if (nj_rt_barrier_count(c, t % 3 == 0) != (n + 2) / 3)
        return 1;
    if (nj_rt_barrier_and(c, t < n) != 1 || nj_rt_barrier_and(c, t != n / 2) != 0)
        return 2;
    if (nj_rt_barrier_or(c, 0) != 0 || nj_rt_barrier_or(c, t == n - 1) != 1)
        return 3;
    return 0;
}

/* Shared memory starts as zeros for each block, the dynamic part aligned behind the static one. */
static int32_t shared_zero(const uint64_t *args, NjSimt *c)
{
    uint8_t *s = c->shared, *d = c->dynshared;
    if (c->ndynshared != 1000 || (uintptr_t)d % 128 || (uintptr_t)s % 128 || d < s + 100)
        return 1;
    for (int i = c->tid[0]; i < 1000; i += c->ntid[0])
        if (d[i] || (i < 100 && s[i]))
            return 2;
    nj_rt_barrier(c);
    memset(d, 255, 1000);
    memset(s, 255, 100);
    return 0;
}

static void test_barrier_kinds(void **state)
{
    for (int32_t n = 1; n <= 1024; n += 93) {
        NjSimtKernel k = { .name = "predicates", .thread = predicates };
        launch_ok(&k, (int32_t[3]){ 5, 1, 1 }, (int32_t[3]){ n, 1, 1 }, 0, NULL);
        NjSimtKernel z = { .name = "shared_zero", .thread = shared_zero, .shared_bytes = 100 };
        launch_ok(&z, (int32_t[3]){ 7, 1, 1 }, (int32_t[3]){ n, 1, 1 }, 1000, NULL);
    }
}

/* -- warps ------------------------------------------------------------------------------------------------------------- */

#define ALL 0xffffffffu
#define CHECK(cond) do { if (!(cond)) return __LINE__; } while (0)

static int32_t warps(const uint64_t *args, NjSimt *c)
{
    uint32_t n = (uint32_t)c->ntid[0], t = (uint32_t)c->tid[0], lane = t % 32, first = t - lane;
    uint32_t here = n - first >= 32 ? 32 : n - first, full = here == 32 ? ALL : ((uint32_t)1 << here) - 1;
    CHECK(c->lane == lane);
    CHECK(nj_rt_activemask(c) == full);
    CHECK(nj_rt_ballot(c, ALL, lane & 1) == (full & 0xaaaaaaaau));
    CHECK(nj_rt_all(c, ALL, 1) == 1 && nj_rt_all(c, ALL, lane != 0) == 0);
    CHECK(nj_rt_any(c, ALL, 0) == 0 && nj_rt_any(c, ALL, lane == 0) == 1);
    CHECK(nj_rt_shfl(c, ALL, t, 0, 32) == first);
    CHECK(nj_rt_shfl_up(c, ALL, t, 1, 32) == (lane ? t - 1 : t));
    CHECK(nj_rt_shfl_down(c, ALL, t, 2, 32) == (lane + 2 < here ? t + 2 : t));
    CHECK(nj_rt_shfl_xor(c, ALL, t, 1, 32) == ((lane ^ 1) < here ? (t ^ 1) : t));
    CHECK(nj_rt_shfl(c, ALL, t, 1, 4) == ((lane & ~3u) + 1 < here ? first + (lane & ~3u) + 1 : t));
    CHECK(nj_rt_shfl_down(c, ALL, t, 3, 4) == (lane % 4 == 0 && lane + 3 < here ? t + 3 : t));
    uint32_t same = nj_rt_match_any(c, ALL, lane / 8);
    CHECK(same == (full & 0xffu << lane / 8 * 8));
    CHECK(nj_rt_match_all(c, ALL, 5) == ALL && (here == 1 || nj_rt_match_all(c, ALL, lane) == 0));
    /* halves go their own ways, at different counts of operations */
    uint64_t sum = t;
    if (lane < 16) {
        for (int d = 8; d; d /= 2)
            sum += nj_rt_shfl_xor(c, 0xffff, sum, d, 16);
    } else {
        nj_rt_syncwarp(c, 0xffff0000u);
    }
    if (lane < 16 && here >= 16)
        CHECK(sum == 16 * (uint64_t)first + 120);
    nj_rt_barrier(c);
    if (lane % 2)
        return 0;
    CHECK(nj_rt_ballot(c, ALL, 1) == (full & 0x55555555u));      /* those that returned no longer count */
    return 0;
}

static void test_warps(void **state)
{
    NjSimtKernel k = { .name = "warps", .thread = warps };
    for (int32_t n = 1; n <= 1024; n = n * 3 / 2 + 1)
        launch_ok(&k, (int32_t[3]){ 3, 1, 1 }, (int32_t[3]){ n, 1, 1 }, 0, NULL);
    launch_ok(&k, (int32_t[3]){ 3, 1, 1 }, (int32_t[3]){ 1024, 1, 1 }, 0, NULL);
}

/* -- what goes wrong --------------------------------------------------------------------------------------------------- */

static int32_t raise_one(const uint64_t *args, NjSimt *c)
{
    nj_rt_barrier(c);
    return c->ctaid[0] == 2 && c->ctaid[1] == 1 && c->tid[0] == 5 && c->tid[1] == 3 ? 7 : 0;
}

static int32_t stuck(const uint64_t *args, NjSimt *c)
{
    if (c->tid[0] == 0)
        nj_rt_barrier(c);
    else
        nj_rt_syncwarp(c, ALL);                     /* lane 0 never comes */
    return 0;
}

static int32_t raise_block(const uint64_t *args, NjSimt *c)
{
    if (c->ctaid[0] != 3)
        return 0;
    c->tid[0] = 9;
    return 11;
}

static void test_errors(void **state)
{
    NjErr err = {0};
    NjSimtFault f;
    NjSimtKernel k = { .name = "raiser", .thread = raise_one };
    for (int i = 0; i < 20; i++) {
        NjPool *pool = i % 2 ? nj_pool_get() : NULL;
        assert_int_equal(nj_simt_launch(&k, (int32_t[3]){ 4, 3, 1 }, (int32_t[3]){ 8, 4, 2 }, 0, NULL, pool, &f, &err), NJ_E_USER);
        assert_int_equal(f.status, 7);
        assert_int_equal(err.code, 7);
        assert_true(f.ctaid[0] == 2 && f.ctaid[1] == 1 && f.tid[0] == 5 && f.tid[1] == 3);
        assert_non_null(strstr(err.text, "raiser"));
        assert_non_null(strstr(err.text, "block (2, 1, 0), thread (5, 3,"));
    }
    NjSimtKernel b = { .name = "b", .block = raise_block };
    assert_int_equal(nj_simt_launch(&b, (int32_t[3]){ 8, 1, 1 }, (int32_t[3]){ 32, 1, 1 }, 0, NULL, nj_pool_get(), &f, NULL), NJ_E_USER);
    assert_true(f.status == 11 && f.ctaid[0] == 3 && f.tid[0] == 9);
    NjSimtKernel s = { .name = "stuck", .thread = stuck };
    assert_int_equal(nj_simt_launch(&s, (int32_t[3]){ 2, 1, 1 }, (int32_t[3]){ 64, 1, 1 }, 0, NULL, NULL, &f, &err), NJ_E_USER);
    assert_int_equal(f.status, NJ_SIMT_STUCK);
    NjSimtKernel v = { .name = "visit", .thread = predicates };
    launch_ok(&v, (int32_t[3]){ 9, 1, 1 }, (int32_t[3]){ 64, 1, 1 }, 0, NULL);      /* stacks are good for the next launch */
}

static void test_bad_sizes(void **state)
{
    static const struct { int32_t g[3], b[3]; size_t dyn; uint32_t shared; } bad[] = {
        { { 0, 1, 1 }, { 1, 1, 1 }, 0, 0 },     { { 1, 1, 1 }, { 0, 1, 1 }, 0, 0 },    { { 1, 1, 1 }, { 1025, 1, 1 }, 0, 0 },
        { { 1, 1, 1 }, { 64, 32, 1 }, 0, 0 },   { { 1, 1, 1 }, { 1, 1, 65 }, 0, 0 },   { { 1, 65536, 1 }, { 1, 1, 1 }, 0, 0 },
        { { 1, 1, -3 }, { 1, 1, 1 }, 0, 0 },    { { 1, 1, 1 }, { 1, -1, 1 }, 0, 0 },   { { 1, 1, 1 }, { 1, 1, 1 }, 240000, 0 },
        { { 1, 1, 1 }, { 1, 1, 1 }, 0, 50000 }, { { 1, 1, 1 }, { 1, 1, 1 }, 200000, 40000 }, { { 1, 1, 1 }, { 1, 1, 1 }, SIZE_MAX, 1 },
        { { 1, 1, 1 }, { INT32_MAX, INT32_MAX, 64 }, 0, 0 },
    };
    for (size_t i = 0; i < NJ_COUNT(bad); i++) {
        NjErr err = {0};
        NjSimtFault f;
        NjSimtKernel k = { .name = "visit", .thread = visit_one, .shared_bytes = bad[i].shared };
        assert_int_equal(nj_simt_launch(&k, bad[i].g, bad[i].b, bad[i].dyn, NULL, NULL, &f, &err), NJ_E_USER);
        assert_int_equal(f.status, 0);
        assert_non_null(strstr(err.text, "visit: "));
    }
}

/* A frame larger than the default stack, which local_bytes asks for. */
static int32_t deep(const uint64_t *args, NjSimt *c)
{
    volatile uint8_t local[200000];
    for (size_t i = 0; i < sizeof local; i += 512)
        local[i] = (uint8_t)c->tid[0];
    nj_rt_barrier(c);
    for (size_t i = 0; i < sizeof local; i += 512)
        CHECK(local[i] == (uint8_t)c->tid[0]);
    return 0;
}

static void test_local_memory(void **state)
{
    NjSimtKernel k = { .name = "deep", .thread = deep, .local_bytes = 200000 };
    launch_ok(&k, (int32_t[3]){ 4, 1, 1 }, (int32_t[3]){ 64, 1, 1 }, 0, NULL);
}

static void test_no_memory(void **state)
{
    NjSimtKernel k = { .name = "deeper", .thread = deep, .local_bytes = 200000, .shared_bytes = 4096 };
    int failed = 0;
    for (long n = 1; n < 10; n++) {
        NjErr err = {0};
        NjSimtFault f;
        k.local_bytes += 1 << 16;                   /* larger than anything on the shelf: must allocate */
        nj_alloc_fail_at(n);
        NjStatus st = nj_simt_launch(&k, (int32_t[3]){ 2, 1, 1 }, (int32_t[3]){ 33, 1, 1 }, 0, NULL, NULL, &f, &err);
        nj_alloc_fail_at(-1);
        assert_true(st == NJ_OK || (st == NJ_E_NOMEM && f.status == NJ_SIMT_NOMEM));
        failed += st != NJ_OK;
    }
    assert_true(failed >= 2 && failed < 9);
}

int main(void)
{
#if defined(__SANITIZE_THREAD__)
    return 0;               /* it takes our stack switches for signals; what is shared between workers is in test_cpu_pool */
#endif
    nj_pool_set_threads(3);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_histogram),     cmocka_unit_test(test_every_thread_once), cmocka_unit_test(test_reduce),
        cmocka_unit_test(test_barrier_kinds), cmocka_unit_test(test_warps),             cmocka_unit_test(test_errors),
        cmocka_unit_test(test_bad_sizes),     cmocka_unit_test(test_local_memory),      cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
