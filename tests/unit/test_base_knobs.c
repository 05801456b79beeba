/* test_base_knobs.c - the environment, dump letters, dump files and the log. */
#include "base/base.h"

#include <dirent.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

/* What fn writes to stderr. */
static void capture(void (*fn)(void *), void *arg, char *out, size_t size)
{
    fflush(stderr);
    FILE *f = tmpfile();
    assert_non_null(f);
    int saved = dup(2);
    dup2(fileno(f), 2);
    fn(arg);
    fflush(stderr);
    dup2(saved, 2);
    close(saved);
    rewind(f);
    out[fread(out, 1, size - 1, f)] = 0;
    fclose(f);
}

static void reload(void *arg)
{
    nj_knobs_reload();
}

static int clean(void **state)
{
    const char *names[] = {
#define KNOB_STR(name, env, deflt, help) env,
#define KNOB_INT(name, env, deflt, help) env,
#include "base/knobs.def"
#undef KNOB_STR
#undef KNOB_INT
    };
    for (size_t i = 0; i < NJ_COUNT(names); i++)
        unsetenv(names[i]);
    nj_knobs_reload();
    return 0;
}

static void defaults(void **state)
{
    const NjKnobs *k = nj_knobs();
    assert_null(k->dump_letters);
    assert_int_equal(k->dump, 0);
    assert_int_equal(k->opt, 3);
    assert_int_equal(k->check, NJ_CHECK_DEFAULT);
    assert_false(nj_dump_on('t', "f"));
}

static void values_are_read_and_outlive_the_environment(void **state)
{
    setenv("NAJA_DEVICE", "cpu", 1);
    setenv("NAJA_NUM_THREADS", "3", 1);
    setenv("NAJA_STOP", "", 1);
    nj_knobs_reload();
    const NjKnobs *k = nj_knobs();
    setenv("NAJA_DEVICE", "cuda", 1);
    assert_string_equal(k->device, "cpu");
    assert_int_equal(k->threads, 3);
    assert_null(k->stop);
    nj_knobs_reload();
    assert_string_equal(k->device, "cpu");
    assert_string_equal(nj_knobs()->device, "cuda");
}

static void nonsense_is_named_and_ignored(void **state)
{
    char out[1024];
    setenv("NAJA_OPT", "fast", 1);
    setenv("NAJA_DUMP", "t?", 1);
    capture(reload, NULL, out, sizeof out);
    assert_int_equal(nj_knobs()->opt, 3);
    assert_int_equal(nj_knobs()->dump, 0);
    assert_non_null(strstr(out, "NAJA_OPT='fast' is not an integer; 3 is used"));
    assert_non_null(strstr(out, "unknown dump letter '?'"));
}

static void letters_set_add_and_remove(void **state)
{
    NjErr err;
    assert_true(nj_knobs_dump("tl", &err));
    assert_true(nj_dump_on('t', NULL) && nj_dump_on('l', "f") && !nj_dump_on('p', NULL));
    assert_true(nj_knobs_dump("+pk-t", &err));
    assert_true(nj_dump_on('p', NULL) && nj_dump_on('l', NULL) && !nj_dump_on('t', NULL));
    assert_true(nj_knobs_dump("-k", &err));
    assert_false(nj_dump_on('k', NULL));
    assert_false(nj_knobs_dump("q", &err));
    assert_string_equal(err.text, "unknown dump letter 'q'; NAJA_DUMP=help lists them");
    assert_true(nj_dump_on('p', NULL));
    assert_true(nj_knobs_dump("", &err));
    assert_int_equal(nj_knobs()->dump, 0);
}

static void help_lists_every_letter(void **state)
{
    char out[4096];
    setenv("NAJA_DUMP", "help", 1);
    capture(reload, NULL, out, sizeof out);
#define DUMP(letter, help) assert_non_null(strstr(out, help));
#include "base/dumps.def"
#undef DUMP
}

static void dump_one(void *arg)
{
    nj_dump('t', "infer", "f", "nj", "fn @f");
    nj_dump('t', "infer", "g<locals>/x", "nj", "fn @g\n");
    nj_dump('l', "llvm", "f", "ll", "define");
}

static void dumps_go_to_stderr_for_one_function(void **state)
{
    char out[1024];
    setenv("NAJA_DUMP", "t", 1);
    setenv("NAJA_DUMP_FN", "f", 1);
    nj_knobs_reload();
    capture(dump_one, NULL, out, sizeof out);
    assert_string_equal(out, "-- infer f\nfn @f\n");
}

static void dumps_of_one_function_by_any_of_its_names(void **state)
{
    static const char *const its[] = {"f", "f.0", "C.f", "g.<locals>.f.12"}, *const others[] = {"ff", "f.g", "f.0.g", ".0", ""};
    setenv("NAJA_DUMP", "t", 1);
    setenv("NAJA_DUMP_FN", "f", 1);
    nj_knobs_reload();
    for (size_t i = 0; i < NJ_COUNT(its); i++)
        assert_true(nj_dump_on('t', its[i]));
    for (size_t i = 0; i < NJ_COUNT(others); i++)
        assert_false(nj_dump_on('t', others[i]));
    setenv("NAJA_DUMP_FN", "f.0", 1);
    nj_knobs_reload();
    assert_true(nj_dump_on('t', "f.0") && !nj_dump_on('t', "f.1"));
}

static void dumps_go_to_numbered_files(void **state)
{
    char dir[] = "/tmp/naja-test-XXXXXX", out[1024];
    assert_non_null(mkdtemp(dir));
    setenv("NAJA_DUMP", "t", 1);
    setenv("NAJA_DUMP_DIR", dir, 1);
    nj_knobs_reload();
    capture(dump_one, NULL, out, sizeof out);
    assert_string_equal(out, "");
    DIR *d = opendir(dir);
    int plain = 0, odd = 0;
    for (struct dirent *e; (e = readdir(d));) {
        plain += strstr(e->d_name, ".infer.f.nj") != NULL;
        odd += strstr(e->d_name, ".infer.g_locals__x.nj") != NULL;
        if (e->d_name[0] != '.')
            unlinkat(dirfd(d), e->d_name, 0);
    }
    closedir(d);
    assert_int_equal(plain, 1);
    assert_int_equal(odd, 1);
    rmdir(dir);
    capture(dump_one, NULL, out, sizeof out);       /* the folder is gone: said, and the dump still seen */
    assert_non_null(strstr(out, "cannot write the dump"));
    assert_non_null(strstr(out, "-- infer f\nfn @f\n"));
}

static void log_twice(void *arg)
{
    nj_log(1, "compiled %s", "f");
    nj_log(3, "not this");
}

static void log_has_levels(void **state)
{
    char out[256];
    setenv("NAJA_LOG", "2", 1);
    nj_knobs_reload();
    capture(log_twice, NULL, out, sizeof out);
    assert_string_equal(out, "naja: compiled f\n");
}

static void *read_knobs(void *arg)
{
    for (int i = 0; i < 2000; i++)
        if (nj_knobs()->opt != 3)
            return arg;
    return NULL;
}

static void readers_need_no_lock(void **state)
{
    pthread_t t[3];
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&t[i], NULL, read_knobs, t), 0);
    for (int i = 0; i < 200; i++)
        nj_knobs_reload();
    for (int i = 0; i < 3; i++) {
        void *bad;
        pthread_join(t[i], &bad);
        assert_null(bad);
    }
}

static void without_memory_the_last_state_stays(void **state)
{
    NjErr err;
    assert_true(nj_knobs_dump("t", &err));
    for (int n = 1; n < 3; n++) {
        nj_alloc_fail_at(n);
        nj_knobs_reload();
        nj_alloc_fail_at(-1);
        assert_true(nj_dump_on('t', NULL));
    }
    nj_alloc_fail_at(1);
    assert_false(nj_knobs_dump("l", &err));
    nj_alloc_fail_at(-1);
    assert_int_equal(err.status, NJ_E_NOMEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(defaults, clean),
        cmocka_unit_test_setup(values_are_read_and_outlive_the_environment, clean),
        cmocka_unit_test_setup(nonsense_is_named_and_ignored, clean),
        cmocka_unit_test_setup(letters_set_add_and_remove, clean),
        cmocka_unit_test_setup(help_lists_every_letter, clean),
        cmocka_unit_test_setup(dumps_go_to_stderr_for_one_function, clean),
        cmocka_unit_test_setup(dumps_of_one_function_by_any_of_its_names, clean),
        cmocka_unit_test_setup(dumps_go_to_numbered_files, clean),
        cmocka_unit_test_setup(log_has_levels, clean),
        cmocka_unit_test_setup(readers_need_no_lock, clean),
        cmocka_unit_test_setup(without_memory_the_last_state_stays, clean),
    };
    return cmocka_run_group_tests(tests, NULL, clean);
}
