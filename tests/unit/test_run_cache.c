/* test_run_cache.c - the cache's folder: kills, many writers, the bound, clocks, links, owners, damage, no memory. */
#include "cache_program.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

/* -- the folder ---------------------------------------------------------------------------------------------------- */

static void id_of(uint8_t id[NJ_DIGEST], uint32_t i)
{
    nj_digest(&i, sizeof i, id);
}

/* Content that says which key it is for, so that a wrong load shows. */
static void content_of(char *buf, size_t n, uint32_t i)
{
    for (size_t at = 0; at + 4 <= n; at += 4)
        memcpy(buf + at, &i, 4);
}

static bool put_file(uint32_t i, size_t n)
{
    uint8_t id[NJ_DIGEST];
    NjErr err = {0};
    char *buf = malloc(n);
    content_of(buf, n, i);
    id_of(id, i);
    bool ok = nj_cache_dir_write(id, buf, n, &err);
    free(buf);
    return ok;
}

/* 1 right, 0 absent, -1 wrong. */
static int get_file(uint32_t i, size_t n)
{
    uint8_t id[NJ_DIGEST];
    void *got;
    size_t ngot;
    id_of(id, i);
    if (!nj_cache_dir_read(id, &got, &ngot))
        return 0;
    char *buf = malloc(n);
    content_of(buf, n, i);
    int r = ngot == n && !memcmp(buf, got, n) ? 1 : -1;
    free(buf);
    nj_free(got);
    return r;
}

static bool count_files(void *arg, const NjCacheFile *f)
{
    uint32_t *n = arg;
    n[f->is_entry ? 0 : 1]++;
    return true;
}

static void test_kill(void **state)
{
    enum { SIZE = 300000, KEYS = 4, ROUNDS = 60 };
    (void)state;
    srand(7);
    for (int round = 0; round < ROUNDS; round++) {
        pid_t pid = fork();
        if (!pid)
            for (uint32_t i = 0;; i++)
                put_file(i % KEYS, SIZE);
        struct timespec t = {.tv_nsec = 200000 + rand() % 4000000};
        nanosleep(&t, NULL);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        for (uint32_t i = 0; i < KEYS; i++)
            assert_int_not_equal(get_file(i, SIZE), -1);
    }
    uint32_t n[2] = {0};
    uint64_t dropped;
    nj_cache_each(count_files, n);
    assert_true(n[0] >= 1 && n[0] <= KEYS);
    nj_cache_evict(UINT64_MAX, &dropped);            /* sweeps what the dead have left */
    n[0] = n[1] = 0;
    nj_cache_each(count_files, n);
    assert_int_equal(n[1], 0);
    assert_true(n[0] >= 1);
}

static void test_many_writers(void **state)
{
    enum { WRITERS = 8, ROUNDS = 150, SIZE = 20000 };
    pid_t pid[WRITERS];
    (void)state;
    for (int w = 0; w < WRITERS; w++)
        if (!(pid[w] = fork())) {
            for (uint32_t i = 0; i < ROUNDS; i++) {
                uint64_t dropped;
                if (!put_file(i % 3, SIZE) || get_file(i % 3, SIZE) < 0)
                    _exit(1);
                if (i % 50 == 49)
                    nj_cache_evict(SIZE, &dropped);
            }
            _exit(0);
        }
    for (int w = 0; w < WRITERS; w++) {
        int status;
        waitpid(pid[w], &status, 0);
        assert_int_equal(status, 0);
    }
}

static uint64_t fake_now;
static uint64_t fake_clock(void) { return fake_now; }

static void set_age(uint32_t i, int64_t seconds)
{
    uint8_t id[NJ_DIGEST];
    char path[200];
    id_of(id, i);
    int n = snprintf(path, sizeof path, "%s/%02x/", folder, id[0]);
    for (unsigned k = 1; k < NJ_DIGEST; k++)
        n += snprintf(path + n, sizeof path - (size_t)n, "%02x", id[k]);
    strcat(path, ".naja");
    struct timespec t[2] = {{.tv_sec = (time_t)fake_now - seconds}, {.tv_sec = (time_t)fake_now - seconds}};
    assert_int_equal(utimensat(AT_FDCWD, path, t, 0), 0);
}

/* What was used longest ago goes; a read makes an old one young; a time in the future does not make it stay for ever.
 * */
static void test_bound(void **state)
{
    enum { SIZE = 1000, N = 32 };
    uint64_t dropped;
    (void)state;
    fake_now = (uint64_t)time(NULL);
    nj_cache_now = fake_clock;
    for (uint32_t i = 0; i < N; i++) {
        assert_true(put_file(i, SIZE));
        set_age(i, 100000 - 100 * (int64_t)i);       /* 0 is the oldest */
    }
    set_age(31, -1000000);
    assert_int_equal(get_file(0, SIZE), 1);          /* touched */
    nj_cache_evict(N * SIZE, &dropped);
    assert_int_equal(dropped, 0);
    nj_cache_evict(16 * SIZE, &dropped);             /* to 14 */
    assert_int_equal(dropped, 18);
    assert_int_equal(get_file(0, SIZE), 1);
    assert_int_equal(get_file(31, SIZE), 0);
    for (uint32_t i = 1; i < 18; i++)
        assert_int_equal(get_file(i, SIZE), 0);
    for (uint32_t i = 18; i < 31; i++)
        assert_int_equal(get_file(i, SIZE), 1);
    assert_int_equal(nj_cache_clear(), 14);
}

static void test_clock_jumps(void **state)
{
    (void)state;
    nj_cache_now = fake_clock;
    for (fake_now = 0; fake_now < 4000000000u; fake_now += 777777777u) {
        uint64_t dropped;
        assert_true(put_file(1, 100));
        assert_int_equal(get_file(1, 100), 1);
        nj_cache_evict(1000000, &dropped);
        assert_int_equal(get_file(1, 100), 1);
    }
}

static void test_vanished(void **state)
{
    (void)state;
    assert_true(put_file(1, 100));
    remove_all(top);
    assert_int_equal(get_file(1, 100), 0);
    assert_true(put_file(1, 100));
    assert_int_equal(get_file(1, 100), 1);
    remove_all(folder);
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_true(put_file(2, 100));
}

static void test_no_room(void **state)
{
    static Program p;
    NjImage im;
    (void)state;
    program_fill(&p, 10);
    char file[80];
    snprintf(file, sizeof file, "%s/a", top);
    /* where a folder should be made: as a read-only tree, for root too */
    int fd = open(file, O_CREAT | O_WRONLY, 0600);
    close(fd);
    store_program(&p);
    assert_false(find_program(&p, &im));
    assert_int_equal(nj_cache_stats().failed > 0, 1);
}

/* A disk that is full in the middle of a file, simulated by the limit on the size of files. */
static void test_full_disk(void **state)
{
    (void)state;
    pid_t pid = fork();
    if (!pid) {
        struct rlimit r = {5000, 5000};
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &r);
        _exit(put_file(1, 20000) || get_file(1, 20000) ? 1 : 0);
    }
    int status;
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
    uint32_t n[2] = {0};
    nj_cache_each(count_files, n);
    assert_int_equal(n[0] + n[1], 0);                    /* nothing is left of it */
}

static void test_links(void **state)
{
    char elsewhere[96], link[160];
    (void)state;
    assert_true(put_file(1, 100));
    snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", top);
    assert_int_equal(rename(folder, elsewhere), 0);
    assert_int_equal(symlink(elsewhere, folder), 0);
    assert_int_equal(get_file(1, 100), 0);
    assert_false(put_file(1, 100));
    assert_int_equal(unlink(folder), 0);
    assert_int_equal(rename(elsewhere, folder), 0);
    assert_int_equal(get_file(1, 100), 1);
    uint8_t id[NJ_DIGEST];
    id_of(id, 1);
    snprintf(link, sizeof link, "%s/%02x", folder, id[0]);
    assert_int_equal(rename(link, elsewhere), 0);
    assert_int_equal(symlink(elsewhere, link), 0);
    assert_int_equal(get_file(1, 100), 0);
}

static void test_others_may_write(void **state)
{
    (void)state;
    assert_true(put_file(1, 100));
    assert_int_equal(chmod(folder, 0777), 0);
    assert_int_equal(get_file(1, 100), 0);
    assert_false(put_file(1, 100));
    assert_int_equal(chmod(folder, 0700), 0);
    assert_int_equal(get_file(1, 100), 1);
}

static void test_other_owner(void **state)
{
    (void)state;
    if (geteuid())
        skip();
    assert_true(put_file(1, 100));
    assert_int_equal(chown(folder, 12345, 12345), 0);
    assert_int_equal(get_file(1, 100), 0);
    assert_false(put_file(1, 100));
    assert_int_equal(chown(folder, 0, 0), 0);
    assert_int_equal(get_file(1, 100), 1);
}

/* Damage on disk: a miss, the file goes, and the next store brings it back. */
static void test_damaged_file(void **state)
{
    static Program p;
    NjImage im;
    (void)state;
    program_fill(&p, 10);
    store_program(&p);
    char cmd[200];
    snprintf(cmd, sizeof cmd,
             "for f in %s/*/*.naja; do printf x | dd of=$f bs=1 seek=2000 conv=notrunc 2>/dev/null; done", folder);
    assert_int_equal(system(cmd), 0);
    uint64_t before = nj_cache_stats().rejected;
    assert_false(find_program(&p, &im));
    assert_int_equal(nj_cache_stats().rejected, before + 1);
    uint32_t n[2] = {0};
    nj_cache_each(count_files, n);
    assert_int_equal(n[0], 0);
    store_program(&p);
    assert_true(find_program(&p, &im));
    nj_image_free(&im);
}

/* Every allocation of a look-up and of a store fails in turn. */
static void test_no_memory(void **state)
{
    static Program p;
    NjImage im;
    (void)state;
    program_fill(&p, 10);
    store_program(&p);
    for (long n = 1; n < 40; n++) {
        NjArena *a = nj_arena_new();
        NjKey k;
        nj_alloc_fail_at(n);
        NjStatus st = nj_key_make(a, &p.ask, &k);
        bool found = st == NJ_OK && nj_cache_find(&k, ts, a, &im);
        if (found)
            nj_cache_store(&k, ts, &im);
        nj_alloc_fail_at(-1);
        if (found)
            nj_image_free(&im);
        nj_arena_free(a);
    }
    assert_true(find_program(&p, &im));
    nj_image_free(&im);
}

int main(void)
{
    ts = nj_types_new();
    real_now = nj_cache_now;
    const struct CMUnitTest tests[] = {
        TEST(test_kill), TEST(test_many_writers), TEST(test_bound), TEST(test_clock_jumps), TEST(test_vanished),
        TEST(test_no_room), TEST(test_full_disk), TEST(test_links), TEST(test_others_may_write),
        TEST(test_other_owner), TEST(test_damaged_file), TEST(test_no_memory),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    nj_types_free(ts);
    return failed;
}
