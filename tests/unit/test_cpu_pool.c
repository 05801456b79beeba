/* test_cpu_pool.c - the thread pool: every index once, from any thread, through errors, nesting and fork. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cpu/atomics.h"
#include "cpu/cpu.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define N 100000

typedef struct Seen { NjA32 count[N]; NjA32 slots[NJ_POOL_MAX]; NjA32 ncalls; size_t smallest; } Seen;
static Seen seen;

static int32_t mark(void *arg, size_t lo, size_t hi, uint32_t slot)
{
    Seen *s = arg;
    for (size_t i = lo; i < hi; i++)
        nj_a32_add_relaxed(&s->count[i], 1);
    nj_a32_add_relaxed(&s->ncalls, 1);
    assert_int_equal(nj_a32_add_acqrel(&s->slots[slot], 1), 0);      /* nobody else in this slot */
    sched_yield();
    nj_a32_sub_acqrel(&s->slots[slot], 1);
    return 0;
}

static void check_once(size_t n)
{
    for (size_t i = 0; i < N; i++)
        assert_int_equal(nj_a32_load_relaxed(&seen.count[i]), i < n ? 1 : 0);
}

static void test_every_index_once(void **state)
{
    static const size_t sizes[] = { 0, 1, 2, 3, 7, 64, 1000, 4097, N };
    for (uint32_t threads = 1; threads <= 9; threads += 2) {
        nj_pool_set_threads(threads);
        for (size_t k = 0; k < NJ_COUNT(sizes); k++)
            for (size_t grain = 1; grain <= 1000; grain *= 10) {
                if (sizes[k] / grain > 2000)
                    continue;
                memset(&seen, 0, sizeof seen);
                assert_int_equal(nj_pool_for(nj_pool_get(), sizes[k], grain, mark, &seen), 0);
                check_once(sizes[k]);
                uint32_t ncalls = nj_a32_load_relaxed(&seen.ncalls);
                assert_true(ncalls <= 1 || ncalls <= sizes[k] / grain);     /* no piece below the grain */
            }
    }
}

static int32_t fail_at(void *arg, size_t lo, size_t hi, uint32_t slot)
{
    NjA32 *ncalls = arg;
    nj_a32_add_relaxed(ncalls, 1);
    return lo <= 500 && 500 < hi ? 42 : 0;
}

static void test_error_stops(void **state)
{
    NjA32 ncalls = { 0 };
    nj_pool_set_threads(4);
    assert_int_equal(nj_pool_for(nj_pool_get(), 1000000, 1, fail_at, &ncalls), 42);
    assert_true(nj_a32_load_relaxed(&ncalls) < 1000000);
    nj_a32_store_relaxed(&ncalls, 0);
    assert_int_equal(nj_pool_for(NULL, 1000, 1, fail_at, &ncalls), 42);
    assert_int_equal(nj_a32_load_relaxed(&ncalls), 1);
}

static int32_t nested_inner(void *arg, size_t lo, size_t hi, uint32_t slot)
{
    assert_int_equal(slot, 0);
    assert_true(pthread_equal(*(pthread_t *)arg, pthread_self()));
    return 0;
}

static int32_t nested_outer(void *arg, size_t lo, size_t hi, uint32_t slot)
{
    pthread_t me = pthread_self();
    assert_int_equal(nj_pool_for(nj_pool_get(), 1000, 1, nested_inner, &me), 0);
    return 0;
}

static void test_nested(void **state)
{
    nj_pool_set_threads(4);
    assert_int_equal(nj_pool_for(nj_pool_get(), 50, 1, nested_outer, NULL), 0);
}

typedef struct Sum { const double *x; double part[NJ_POOL_MAX][8]; } Sum;

static int32_t add_up(void *arg, size_t lo, size_t hi, uint32_t slot)
{
    Sum *s = arg;
    for (size_t i = lo; i < hi; i++)
        s->part[slot][0] += s->x[i];
    return 0;
}

static double pool_sum(const double *x, size_t n)
{
    Sum s = { .x = x };
    nj_pool_for(nj_pool_get(), n, 64, add_up, &s);
    double total = 0;
    for (int i = 0; i < NJ_POOL_MAX; i++)
        total += s.part[i][0];
    return total;
}

static double numbers[20000];

static void *sum_often(void *arg)
{
    for (int i = 0; i < 200; i++)
        if (pool_sum(numbers, 20000) != 19999.0 * 10000)
            return "wrong";
    return NULL;
}

static void test_many_callers(void **state)
{
    pthread_t id[6];
    nj_pool_set_threads(4);
    for (int i = 0; i < 6; i++)
        assert_int_equal(pthread_create(&id[i], NULL, sum_often, NULL), 0);
    for (int i = 0; i < 6; i++) {
        void *wrong;
        pthread_join(id[i], &wrong);
        assert_null(wrong);
    }
}

static void test_fork(void **state)
{
#if defined(__SANITIZE_THREAD__)
    skip();                 /* it allows no threads after a fork */
#endif
    pthread_t id;
    nj_pool_set_threads(3);
    assert_null(sum_often(NULL));
    for (int round = 0; round < 10; round++) {
        pthread_create(&id, NULL, sum_often, NULL);             /* the pool is busy while we fork */
        pid_t pid = fork();
        if (pid == 0)
            _exit(sum_often(NULL) ? 1 : 0);
        int status = -1;
        void *wrong;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        pthread_join(id, &wrong);
        assert_null(wrong);
    }
}

static void test_uneven(void **state)
{
    memset(&seen, 0, sizeof seen);
    nj_pool_set_threads(2);
    for (int i = 0; i < 100; i++)
        assert_int_equal(nj_pool_for(nj_pool_get(), 3, 1, mark, &seen), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(nj_a32_load_relaxed(&seen.count[i]), 100);
}

static void test_cores(void **state)
{
    uint32_t n = nj_cpu_cores();
    cpu_set_t mask;
    assert_int_equal(sched_getaffinity(0, sizeof mask, &mask), 0);
    assert_in_range(n, 1, CPU_COUNT(&mask));
    uint32_t by_hwloc = nj_cpu_cores_hwloc();
    assert_true(by_hwloc == 0 || n <= by_hwloc);        /* fewer only by a cgroup's quota */
    nj_pool_set_threads(0);
    assert_int_equal(nj_pool_threads(nj_pool_get()), n);
    assert_int_equal(nj_pool_threads(NULL), 1);
    setenv("NAJA_SERIAL", "1", 1);
    nj_knobs_reload();
    assert_null(nj_pool_get());
    unsetenv("NAJA_SERIAL");
    nj_knobs_reload();
    assert_non_null(nj_pool_get());
}

/* In a child bound to one processor, one core is what it has. */
static void test_affinity(void **state)
{
    pid_t pid = fork();
    if (pid == 0) {
        char self[4096] = "";
        cpu_set_t mask, one;
        sched_getaffinity(0, sizeof mask, &mask);
        CPU_ZERO(&one);
        for (int i = 0; i < CPU_SETSIZE && !CPU_COUNT(&one); i++)
            if (CPU_ISSET(i, &mask))
                CPU_SET(i, &one);
        sched_setaffinity(0, sizeof one, &one);
        if (readlink("/proc/self/exe", self, sizeof self - 1) > 0)
            execl(self, self, "cores", (char *)NULL);           /* a fresh process: the count is cached */
        _exit(99);
    }
    int status;
    waitpid(pid, &status, 0);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 99)
        skip();                            /* an emulator runs this: the kernel knows no such programs */
    assert_int_equal(WEXITSTATUS(status), 1);
}

int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "cores"))
        return (int)nj_cpu_cores();
    for (int i = 0; i < 20000; i++)
        numbers[i] = i;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cores),  cmocka_unit_test(test_affinity),     cmocka_unit_test(test_every_index_once),
        cmocka_unit_test(test_uneven), cmocka_unit_test(test_error_stops),  cmocka_unit_test(test_nested),
        cmocka_unit_test(test_many_callers), cmocka_unit_test(test_fork),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
