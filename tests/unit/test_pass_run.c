/* test_pass_run.c - the runner: levels, NAJA_SKIP, NAJA_STOP, the dump, print-parse-print. */
#include "pass/pass.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static const char text[] =
    "core func @f(%1: i64) parts(i64) {\n"
    "b0:\n    br b1\n"
    "b1:\n    %2: i64 = phi [b0: %1]\n    %3: i64 = add %2, 0:i64\n    %4: i64 = mul %3, %3\n    ret %3\n"
    "}\n";

typedef struct Room { NjTypes *ts; NjArena *a; NjDiags d; } Room;

static NjFn *read_one(Room *r, const char *s)
{
    NjFn **fns;
    uint32_t n;
    r->ts = nj_types_new();
    r->a = nj_arena_new();
    r->d = (NjDiags){.arena = r->a};
    assert_int_equal(nj_ir_parse(r->ts, r->a, &r->d, s, strlen(s), &fns, &n), NJ_OK);
    assert_int_equal(n, 1);
    return fns[0];
}

/* The body after the passes of the level, under an environment of one variable. */
static char *passed(const char *env, const char *value)
{
    Room r;
    setenv("NAJA_CHECK", "2", 1);
    setenv(env, value, 1);
    nj_knobs_reload();
    NjFn *f = read_one(&r, text);
    assert_int_equal(nj_pass_run_level(f, true), NJ_OK);
    NjText t;
    nj_text_init(&t);
    nj_ir_print_plain(&t, f);
    unsetenv(env);
    nj_arena_free(r.a);
    nj_types_free(r.ts);
    return t.at;
}

static void assert_passed(const char *env, const char *value, const char *body)
{
    char want[400], *got = passed(env, value);
    snprintf(want, sizeof want, "core func @f(%%1: i64) parts(i64) {\nb0:\n%s}\n", body);
    assert_string_equal(got, want);
    nj_free(got);
}

static void a_level_runs_in_order(void **state)
{
    (void)state;
    assert_passed("NAJA_LOG", "0", "    ret %1\n");
}

static void skip_leaves_passes_out(void **state)
{
    (void)state;
    assert_passed("NAJA_SKIP", "dce", "    %4: i64 = mul %1, %1\n    ret %1\n");
    assert_passed("NAJA_SKIP", "fold,dce", "    %3: i64 = add %1, 0:i64\n    %4: i64 = mul %3, %3\n    ret %3\n");
    assert_passed("NAJA_SKIP", "dc,e", "    ret %1\n");
}

static void stop_ends_the_pipeline(void **state)
{
    (void)state;
    assert_passed("NAJA_STOP", "prune", "    %3: i64 = add %1, 0:i64\n    %4: i64 = mul %3, %3\n    ret %3\n");
    assert_passed("NAJA_STOP", "fold", "    %4: i64 = mul %1, %1\n    ret %1\n");
}

static void levels_choose_passes(void **state)
{
    (void)state;
    for (const NjPassInfo *p = nj_passes; p->name; p++)
        assert_true(p->run && p->level && *p->doc);
    Room r;
    NjFn *f = read_one(&r, "func @f(%1) {\nb0:\n    %2 = py.binop.add %1, 0\n    %3 = py.tuple %2\n    ret %1\n}\n");
    assert_int_equal(nj_pass_run_level(f, false), NJ_OK);
    assert_int_not_equal(nj_val(f, 3)->op, NJ_OP_nop);       /* dce would have taken it: it is for core functions */
    assert_int_equal(nj_pass_run(f, "no-such-pass"), NJ_E_ENV);
    nj_arena_free(r.a);
    nj_types_free(r.ts);
}

/* With NAJA_DUMP=o each pass that changes something leaves a file, and the others none. */
static void dumps_show_what_changed(void **state)
{
    (void)state;
    char dir[] = "/tmp/naja-test-XXXXXX", path[256], line[64] = "";
    assert_non_null(mkdtemp(dir));
    setenv("NAJA_DUMP_DIR", dir, 1);
    nj_free(passed("NAJA_DUMP", "o"));
    unsetenv("NAJA_DUMP_DIR");
    static const char *const files[] = {"01.prune.f.nj", "02.fold.f.nj", "03.dce.f.nj", "04.dce.f.nj"};
    for (size_t i = 0; i < NJ_COUNT(files); i++) {
        snprintf(path, sizeof path, "%s/%s", dir, files[i]);
        FILE *f = fopen(path, "r");
        assert_int_equal(f != NULL, i < 3);
        if (!f)
            continue;
        assert_non_null(fgets(line, sizeof line, f));
        assert_string_equal(line, "core func @f(%1: i64) parts(i64) {\n");
        fclose(f);
        unlink(path);
    }
    rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dumps_show_what_changed), cmocka_unit_test(a_level_runs_in_order),
        cmocka_unit_test(skip_leaves_passes_out), cmocka_unit_test(stop_ends_the_pipeline),
        cmocka_unit_test(levels_choose_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
