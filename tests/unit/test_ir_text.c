/* test_ir_text.c - the text form: printed text reads back as itself, whatever text comes in does no harm, errors
 * have places, and every allocation on the way may fail. */
#include "pass/pass.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#define IR NJ_TEST_SOURCE_DIR "/tests/golden/ir"

typedef struct Parsed { NjArena *a; NjDiags d; NjFn **fns; uint32_t n; NjStatus st; } Parsed;

static Parsed parse(NjTypes *ts, const char *text, size_t n)
{
    Parsed p = {.a = nj_arena_new()};
    p.d.arena = p.a;
    p.st = p.a ? nj_ir_parse(ts, p.a, &p.d, text, n, &p.fns, &p.n) : NJ_E_NOMEM;
    return p;
}

static char *read_file(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    char *s = malloc(1 << 16);
    *n = fread(s, 1, (1 << 16) - 1, f);
    s[*n] = 0;
    fclose(f);
    return s;
}

/* Calls `each` for every .nj file of the folder; there must be some. */
static void files(const char *folder, void (*each)(NjTypes *, const char *text, size_t n))
{
    NjTypes *ts = nj_types_new();
    DIR *d = opendir(folder);
    int count = 0;
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) {
        size_t k = strlen(e->d_name), n;
        char path[1024];
        if (k < 4 || strcmp(e->d_name + k - 3, ".nj"))
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        char *text = read_file(path, &n);
        each(ts, text, n);
        free(text);
        count++;
    }
    closedir(d);
    nj_types_free(ts);
    assert_true(count > 2);
}

static void print_all(NjText *out, const Parsed *p)
{
    nj_text_init(out);
    for (uint32_t i = 0; i < p->n; i++)
        nj_ir_print(out, p->fns[i]);
}

static void round_trip(NjTypes *ts, const char *text, size_t n)
{
    NjText one, two;
    Parsed p = parse(ts, text, n);
    assert_int_equal(p.st, NJ_OK);
    print_all(&one, &p);
    Parsed q = parse(ts, one.at, one.n);
    assert_int_equal(q.st, NJ_OK);
    print_all(&two, &q);
    assert_string_equal(one.at, two.at);
    nj_text_free(&one);
    nj_text_free(&two);
    nj_arena_free(p.a);
    nj_arena_free(q.a);
}

static void printed_text_reads_back(void **state)
{
    (void)state;
    files(IR, round_trip);
}

static void verifies(NjTypes *ts, const char *text, size_t n)
{
    Parsed p = parse(ts, text, n);
    for (uint32_t i = 0; i < p.n; i++)
        assert_true(nj_ir_check(p.fns[i], NULL));
    nj_arena_free(p.a);
}

/* In the bad files the verifier or the parser finds something, and its report can be printed. */
static void is_refused(NjTypes *ts, const char *text, size_t n)
{
    Parsed p = parse(ts, text, n);
    bool ok = p.st == NJ_OK;
    for (uint32_t i = 0; ok && i < p.n; i++) {
        NjText out;
        nj_text_init(&out);
        ok = nj_ir_check(p.fns[i], &out);
        assert_true(ok || strstr(out.at, "; "));
        nj_text_free(&out);
    }
    assert_false(ok);
    assert_true(p.st == NJ_OK || p.d.list.n == 1);
    nj_arena_free(p.a);
}

static void verifier_tells_good_from_bad(void **state)
{
    (void)state;
    files(IR, verifies);
    files(IR "/bad", is_refused);
}

static void errors_have_places(void **state)
{
    (void)state;
    NjTypes *ts = nj_types_new();
    const char *text = "func @f(%1) {\n; a comment\nb0:\n"
                       "    %2 = py.binop.add %1, 1\n    %3 = py.binop.plus %1, 1\n}\n";
    Parsed p = parse(ts, text, strlen(text));
    assert_int_equal(p.st, NJ_E_USER);
    assert_int_equal(p.d.list.n, 1);
    assert_int_equal(p.d.list.at[0]->code, NJ_ERR_PARSE);
    assert_int_equal(p.d.list.at[0]->loc.line, 5);
    assert_int_equal(p.d.list.at[0]->loc.col, 9);
    nj_arena_free(p.a);
    text = "func @f(%1) {\nb0:\n    ret %7\n    %8 = py.truth %1\n}\n";
    p = parse(ts, text, strlen(text));
    assert_int_equal(p.d.list.at[0]->loc.line, 3);
    assert_int_equal(p.d.list.at[0]->loc.col, 9);
    assert_string_equal(p.d.list.at[0]->text, "%7 is not defined");
    nj_arena_free(p.a);
    nj_types_free(ts);
}

static void calls_are_resolved_in_the_file(void **state)
{
    (void)state;
    NjTypes *ts = nj_types_new();
    const char *text = "core func @a() parts() {\nb0:\n    call @b\n    call @c\n    ret\n}\n"
                       "core func @b() parts() {\nb0:\n    ret\n}\n";
    Parsed p = parse(ts, text, strlen(text));
    assert_int_equal(p.st, NJ_OK);
    assert_int_equal(p.n, 2);
    assert_ptr_equal(nj_val(p.fns[0], nj_blk(p.fns[0], 0)->first)->imm.callee->spec, p.fns[1]->spec);
    nj_arena_free(p.a);
    nj_types_free(ts);
}

/* Whatever comes out of a parse that succeeds must survive the verifier and the passes. */
static void feed(NjTypes *ts, const char *text, size_t n)
{
    NjText out;
    Parsed p = parse(ts, text, n);
    print_all(&out, &p);
    nj_text_free(&out);
    for (uint32_t i = 0; p.st == NJ_OK && i < p.n; i++) {
        nj_text_init(&out);
        if (nj_ir_check(p.fns[i], &out)) {
            assert_int_equal(nj_pass_run_level(p.fns[i], p.fns[i]->core), NJ_OK);
            assert_true(nj_ir_check(p.fns[i], NULL));
        }
        nj_text_free(&out);
    }
    nj_arena_free(p.a);
}

static void cut_and_mutate(NjTypes *ts, const char *text, size_t n)
{
    static const char bytes[] = "%b0:,#{}()<>\"\\;=@.-+ \n9af_";
    static uint32_t x = 2463534242u;
    char *copy = malloc(n + 1);
    memcpy(copy, text, n + 1);
    for (size_t cut = 0; cut < n; cut += 5)
        feed(ts, text, cut);
    for (int i = 0; i < 600; i++) {
        x ^= x << 13, x ^= x >> 17, x ^= x << 5;
        size_t at = x % n;
        copy[at] = bytes[(x >> 16) % (sizeof bytes - 1)];
        feed(ts, copy, n);
        if (i % 3 == 2)
            memcpy(copy, text, n);
    }
    free(copy);
}

static void no_text_does_harm(void **state)
{
    (void)state;
    files(IR, cut_and_mutate);
    files(NJ_TEST_SOURCE_DIR "/tests/golden/pass", cut_and_mutate);
}

/* Every allocation fails in turn, and all after it, until everything goes through. */
static void out_of_memory(NjTypes *ts, const char *text, size_t n)
{
    bool done = false;
    Parsed first = parse(ts, text, n);            /* so that the types are all there */
    nj_arena_free(first.a);
    for (long at = 0; !done; at++) {
        assert_true(at < 2000);
        nj_alloc_fail_at(at);
        Parsed p = parse(ts, text, n);
        NjText out;
        print_all(&out, &p);
        bool ok = p.st == NJ_OK && !out.failed;
        assert_true(p.st == NJ_OK || p.st == NJ_E_NOMEM || p.st == NJ_E_USER);
        for (uint32_t i = 0; p.st == NJ_OK && i < p.n; i++) {
            NjStatus st = nj_pass_run_level(p.fns[i], p.fns[i]->core);
            assert_true(st == NJ_OK || st == NJ_E_NOMEM);
            ok = ok && st == NJ_OK && nj_ir_check(p.fns[i], NULL);
        }
        done = ok && p.a && !nj_arena_failed(p.a);
        nj_alloc_fail_at(-1);
        if (done)
            for (uint32_t i = 0; i < p.n; i++)
                assert_true(nj_ir_check(p.fns[i], NULL));
        nj_text_free(&out);
        nj_arena_free(p.a);
    }
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    files(IR, out_of_memory);
    files(NJ_TEST_SOURCE_DIR "/tests/golden/pass", out_of_memory);
}

int main(void)
{
    setenv("NAJA_CHECK", "0", 1);           /* the verifier is called here, where a complaint does not abort */
    nj_knobs_reload();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(printed_text_reads_back), cmocka_unit_test(verifier_tells_good_from_bad),
        cmocka_unit_test(errors_have_places), cmocka_unit_test(calls_are_resolved_in_the_file),
        cmocka_unit_test(no_text_does_harm), cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
