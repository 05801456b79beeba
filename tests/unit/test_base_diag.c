/* test_base_diag.c - diagnostics as a user reads them, internal errors, and rendering when memory runs out. */
#include "base/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static const char *const source_text[] = {
    "def f(a, s):",
    "    total = a + s",
    "\ttotal = a\t+ s",
    "    x = max(a,",
    "            s)",
    "    \xc3\xa9 = \"\xe4\xb8\xad\xe6\x96\x87\" + a",
};

static const char *source_line(void *arg, const char *file, uint32_t line)
{
    return !strcmp(file, "f.py") && line <= NJ_COUNT(source_text) ? source_text[line - 1] : NULL;
}

static void check_render(const NjDiags *d, const char *want)
{
    NjText t;
    nj_text_init(&t);
    nj_diag_render(d, &t, source_line, NULL);
    assert_string_equal(t.at, want);
    nj_text_free(&t);
}

static NjLoc at(uint32_t line, uint16_t col, uint32_t end_line, uint16_t end_col)
{
    return (NjLoc){line, end_line, col, end_col};
}

static void caret_under_the_expression(void **state)
{
    NjDiags d = {.arena = nj_arena_new()};
    NjDiag *g = nj_diag_add(&d, NJ_ERR_TYPE_BINOP, "f.py", "f", at(2, 12, 2, 17), "+", "float64", "unicode");
    nj_diag_note(&d, g, NULL, at(1, 9, 1, 10), "s is %s here", "unicode");
    nj_diag_note(&d, g, "lib.py", at(7, 0, 7, 0), "called from here");
    nj_diag_note(&d, g, NULL, at(0, 0, 0, 0), "use str(a)");
    check_render(&d, "f.py:2: TypingError: no operation '+' for float64 and unicode\n"
                     "  in f\n"
                     "       2 |     total = a + s\n"
                     "         |             ^^^^^\n"
                     "note: s is unicode here (line 1)\n"
                     "       1 | def f(a, s):\n"
                     "         |          ^\n"
                     "note: called from here (lib.py:7)\n"
                     "note: use str(a)\n");
    nj_arena_free(d.arena);
}

static void tabs_wide_letters_and_long_spans(void **state)
{
    NjDiags d = {.arena = nj_arena_new()};
    nj_diag_add(&d, NJ_ERR_TYPE_UNARY, "f.py", NULL, at(3, 9, 3, 14), "+", "x");
    nj_diag_add(&d, NJ_ERR_TYPE_UNARY, "f.py", NULL, at(4, 8, 5, 14), "+", "x");
    nj_diag_add(&d, NJ_ERR_TYPE_UNARY, "f.py", NULL, at(6, 9, 6, 17), "+", "x");
    check_render(&d, "f.py:3: TypingError: no operation '+' for x\n"
                     "       3 |         total = a       + s\n"
                     "         |                 ^^^^^^^^^^^\n"
                     "\n"
                     "f.py:4: TypingError: no operation '+' for x\n"
                     "       4 |     x = max(a,\n"
                     "         |         ^^^^^^\n"
                     "\n"
                     "f.py:6: TypingError: no operation '+' for x\n"
                     "       6 |     \xc3\xa9 = \"\xe4\xb8\xad\xe6\x96\x87\" + a\n"
                     "         |         ^^^^^^\n");
    nj_arena_free(d.arena);
}

/* 3.10 knows lines only, stale files are shorter than the code object says, and some code has no file. */
static void places_that_are_not_there(void **state)
{
    NjDiags d = {.arena = nj_arena_new()};
    nj_diag_add(&d, NJ_ERR_TYPE_UNARY, "f.py", NULL, at(2, 0, 2, 0), "-", "x");
    nj_diag_add(&d, NJ_ERR_TYPE_UNARY, "f.py", NULL, at(1, 4, 1, 900), "-", "x");
    nj_diag_add(&d, NJ_ERR_TYPE_UNARY, "f.py", NULL, at(1, 500, 1, 505), "-", "y");
    nj_diag_add(&d, NJ_ERR_TYPE_UNARY, "gone.py", NULL, at(99, 4, 99, 9), "-", "x");
    nj_diag_add(&d, NJ_ERR_NOMEM, NULL, NULL, at(0, 0, 0, 0), "f");
    check_render(&d, "f.py:2: TypingError: no operation '-' for x\n"
                     "       2 |     total = a + s\n"
                     "\n"
                     "f.py:1: TypingError: no operation '-' for x\n"
                     "       1 | def f(a, s):\n"
                     "         |     ^^^^^^^^\n"
                     "\n"
                     "f.py:1: TypingError: no operation '-' for y\n"
                     "       1 | def f(a, s):\n"
                     "         |             ^\n"
                     "\n"
                     "gone.py:99: TypingError: no operation '-' for x\n"
                     "\n"
                     "MemoryError: out of memory while compiling f\n");
    nj_arena_free(d.arena);
}

static void the_same_finding_is_kept_once(void **state)
{
    NjDiags d = {.arena = nj_arena_new()};
    NjDiag *g = nj_diag_add(&d, NJ_ERR_TYPE_UNARY, "f.py", "f", at(2, 1, 2, 2), "-", "x");
    assert_ptr_equal(nj_diag_add(&d, NJ_ERR_TYPE_UNARY, "f.py", "f", at(2, 1, 2, 2), "-", "y"), g);
    assert_ptr_not_equal(nj_diag_add(&d, NJ_ERR_TYPE_UNARY, "f.py", "f", at(2, 1, 2, 3), "-", "x"), g);
    assert_ptr_not_equal(nj_diag_add(&d, NJ_ERR_TYPE_TRUTH, "f.py", "f", at(2, 1, 2, 2), "x"), g);
    nj_diag_add(&d, NJ_ERR_CHECK, NULL, NULL, at(0, 0, 0, 0), "one");
    nj_diag_add(&d, NJ_ERR_CHECK, NULL, NULL, at(0, 0, 0, 0), "two");
    nj_diag_add(&d, NJ_ERR_CHECK, NULL, NULL, at(0, 0, 0, 0), "two");
    assert_int_equal(d.list.n, 5);
    for (int i = 0; i < 3; i++)
        nj_diag_note(&d, g, NULL, at(1, 0, 1, 3), "x is here");
    assert_int_equal(g->notes.n, 1);
    nj_arena_free(d.arena);
}

static void strings_are_copied(void **state)
{
    NjDiags d = {.arena = nj_arena_new()};
    char file[] = "f.py", func[] = "f";
    NjDiag *g = nj_diag_add(&d, NJ_ERR_TYPE_TRUTH, file, func, at(9, 0, 9, 0), "x");
    file[0] = func[0] = '?';
    assert_string_equal(g->file, "f.py");
    assert_string_equal(g->func, "f");
    nj_arena_free(d.arena);
}

static void rows_have_names(void **state)
{
    assert_string_equal(nj_err_name(NJ_ERR_TYPE_BINOP), "TYPE_BINOP");
    assert_string_equal(nj_err_exc(NJ_ERR_NAME_UNDEFINED), "NameError");
    assert_string_equal(nj_err_name((NjErrCode)9999), "NONE");
    for (int i = 1; i < NJ_ERR_COUNT; i++)
        assert_true(*nj_err_exc((NjErrCode)i) && *nj_err_fmt((NjErrCode)i));
}

static bool collect_and_render(void)
{
    NjDiags d = {.arena = nj_arena_new()};
    if (!d.arena)
        return false;
    NjText t;
    nj_text_init(&t);
    for (uint16_t i = 0; i < 60; i++) {
        NjDiag *g = nj_diag_add(&d, NJ_ERR_TYPE_BINOP, "f.py", "f", at(2, i, 2, 17), "+", "float64", "unicode");
        nj_diag_note(&d, g, NULL, at(1, i, 1, 10), "note %d", i);
    }
    nj_diag_render(&d, &t, source_line, NULL);
    bool ok = !t.failed && !nj_arena_failed(d.arena) && d.list.n == 60;
    nj_text_free(&t);
    nj_arena_free(d.arena);
    return ok;
}

static void every_allocation_fails_in_turn(void **state)
{
    long n = 1;
    for (bool ok = false; !ok; n++) {
        nj_alloc_fail_at(n);
        ok = collect_and_render();
        nj_alloc_fail_at(-1);
        assert_true(n < 2000);
    }
    assert_true(n > 100);
}

static void err_cuts_long_text(void **state)
{
    NjErr err;
    assert_int_equal(nj_err_set(NULL, NJ_E_ENV, 3, "x"), NJ_E_ENV);
    assert_int_equal(nj_err_set(&err, NJ_E_BUG, 7, "%5000d", 1), NJ_E_BUG);
    assert_int_equal(err.code, 7);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
}

/* A child, because a debug build stops there: its message names the place, the text and the file with the dump. */
static void a_bug_leaves_its_dump(void **state)
{
    char dir[] = "/tmp/naja-test-XXXXXX", out[4096] = "";
    int fd[2];
    assert_non_null(mkdtemp(dir));
    assert_int_equal(pipe(fd), 0);
    pid_t pid = fork();
    if (!pid) {
        signal(SIGABRT, SIG_DFL);
        dup2(fd[1], 2);
        setenv("NAJA_DUMP_DIR", dir, 1);
        nj_knobs_reload();
        NjDiags d = {.arena = nj_arena_new()};
        nj_bug(&d, "check", "fn @f {}\n", "block %d has no end", 3);
        nj_bug(&d, "check", NULL, "second");
        NjText t;
        nj_text_init(&t);
        nj_diag_render(&d, &t, NULL, NULL);
        fputs(t.at, stderr);
        _exit(d.list.n == 2 ? 0 : 1);
    }
    close(fd[1]);
    for (ssize_t n, at = 0; (n = read(fd[0], out + at, sizeof out - 1 - (size_t)at)) > 0;)
        at += n;
    int status;
    waitpid(pid, &status, 0);
    close(fd[0]);
#if NJ_CHECK_DEFAULT
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
#else
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
#endif
    assert_non_null(strstr(out, "internal error in check: block 3 has no end"));
    char *file = strstr(out, dir), text[256] = "";
    assert_non_null(file);
    file[strcspn(file, "\n")] = 0;
    FILE *f = fopen(file, "r");
    assert_non_null(f);
    assert_true(fread(text, 1, sizeof text - 1, f) > 0);
    fclose(f);
    assert_non_null(strstr(text, "fn @f {}"));
    unlink(file);
    rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(caret_under_the_expression),
        cmocka_unit_test(tabs_wide_letters_and_long_spans),
        cmocka_unit_test(places_that_are_not_there),
        cmocka_unit_test(the_same_finding_is_kept_once),
        cmocka_unit_test(strings_are_copied),
        cmocka_unit_test(rows_have_names),
        cmocka_unit_test(every_allocation_fails_in_turn),
        cmocka_unit_test(err_cuts_long_text),
        cmocka_unit_test(a_bug_leaves_its_dump),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
