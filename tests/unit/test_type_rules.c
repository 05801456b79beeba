/* test_type_rules.c - every operator over every pair of scalars against the published matrices.
 *
 * tests/data/type_rules.txt holds the cells; the differences on purpose are in `ours` below, each with its reason.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "type/rules.h"

static NjTypes *ts;

static const NjType *scalar(const char *code)
{
    const NjType *t;
    assert_int_equal(nj_type_parse(ts, code, NULL, &t, NULL), NJ_OK);
    return t;
}

static int word_at(const char *const *words, int n, const char *w)
{
    for (int i = 0; i < n; i++)
        if (!strcmp(words[i], w))
            return i;
    return -1;
}

static const char *code_or_dash(bool ok, const NjType *t) { return ok ? t->code : "-"; }

/* What naja answers for one line, in the file's own words. */
static void answer(char *out, size_t cap, const char *op, const NjType *l, const NjType *r)
{
    NjRule rule;
    int i;
    if ((i = word_at(nj_bin_words, NJ_BIN_N, op)) >= 0) {
        bool ok = nj_rule_binop(ts, (NjBin)i, l, r, &rule);
        snprintf(out, cap, "%s", code_or_dash(ok, rule.result));
    } else if ((i = word_at(nj_cmp_words, NJ_CMP_N, op)) >= 0) {
        bool ok = nj_rule_cmp(ts, (NjCmp)i, l, r, &rule);
        snprintf(out, cap, ok ? "%s @%s%s%s" : "-", code_or_dash(ok, rule.result), code_or_dash(ok, rule.left),
                 ok && rule.left != rule.right ? "," : "", ok && rule.left != rule.right ? rule.right->code : "");
    } else if (!strcmp(op, "unify")) {
        snprintf(out, cap, "%s", nj_type_unify(ts, l, r)->code);
    } else if (!strcmp(op, "conv")) {
        snprintf(out, cap, "%d", nj_type_conv(l, r));
    } else {
        bool ok = nj_rule_group(ts, !strcmp(op, "divmod") ? NJ_RULE_DIVMOD : NJ_RULE_MATH2, l, r, &rule);
        snprintf(out, cap, "%s", code_or_dash(ok, rule.result));
    }
}

/* Defects of the peer that naja does not repeat. */
static bool is_ours(const char *op, const char *l, const char *r, const char *got)
{
    char both[64];
    if (!strcmp(op, "pow") && !strcmp(l, "bool") && !strcmp(r, "i32"))
        return !strcmp(got, "i64");                     /* the peer: f32 */
    snprintf(both, sizeof both, "bool @%s,%s", l, r);   /* signed with uint64: exact; the peer goes through f64 */
    bool mixed = (l[0] == 'i' && !strcmp(r, "u64")) || (r[0] == 'i' && !strcmp(l, "u64"));
    return mixed && word_at(nj_cmp_words, NJ_CMP_N, op) >= 0 && !strcmp(got, both);
}

static void every_cell(void **state)
{
    FILE *f = fopen(NJ_TEST_SOURCE_DIR "/tests/data/type_rules.txt", "r");
    char line[128], op[16], l[16], r[16], want[32], got[32];
    int cells = 0, wrong = 0, ours = 0;
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        if (line[0] == '#' || sscanf(line, "%15s %15s %15s %31[^\n]", op, l, r, want) != 4)
            continue;
        answer(got, sizeof got, op, scalar(l), scalar(r));
        cells++;
        if (strcmp(want, got) && is_ours(op, l, r, got))
            ours++;
        else if (strcmp(want, got) && wrong++ < 20)
            print_error("%s %s %s: want %s, got %s\n", op, l, r, want, got);
    }
    fclose(f);
    assert_int_equal(wrong, 0);
    assert_int_equal(cells, 22 * 169);
    assert_int_equal(ours, 1 + 6 * 8);
}

static void unary_rules(void **state)
{
    static const struct { NjUn op; const char *operand, *result; } rows[] = {
        {NJ_UN_NEG, "bool", "i64"}, {NJ_UN_NEG, "i8", "i64"}, {NJ_UN_NEG, "u8", "u64"}, {NJ_UN_NEG, "f32", "f32"},
        {NJ_UN_NEG, "c64", "c64"}, {NJ_UN_POS, "u32", "u64"}, {NJ_UN_POS, "bool", "i64"}, {NJ_UN_POS, "c128", "c128"},
        {NJ_UN_INVERT, "bool", "bool"}, {NJ_UN_INVERT, "i16", "i64"}, {NJ_UN_INVERT, "u8", "u64"},
        {NJ_UN_INVERT, "f32", NULL}, {NJ_UN_INVERT, "c128", NULL}, {NJ_UN_NOT, "f64", "bool"}, {NJ_UN_NOT, "c64", "bool"}};
    for (size_t i = 0; i < NJ_COUNT(rows); i++) {
        NjRule rule;
        bool ok = nj_rule_unop(ts, rows[i].op, scalar(rows[i].operand), &rule);
        assert_int_equal(ok, rows[i].result != NULL);
        if (ok)
            assert_ptr_equal(rule.result, scalar(rows[i].result));
    }
}

/* A narrow unsigned operand is widened before it is negated: the peer negates first. */
static void negation_is_wide(void **state)
{
    NjRule rule;
    assert_true(nj_rule_unop(ts, NJ_UN_NEG, scalar("u8"), &rule));
    assert_ptr_equal(rule.left, scalar("u64"));
}

static void unify_is_a_join(void **state)
{
    for (int i = 0; i < NJ_T_NSCALAR; i++)
        for (int j = 0; j < NJ_T_NSCALAR; j++) {
            const NjType *a = nj_type_scalar(ts, (NjScalar)i), *b = nj_type_scalar(ts, (NjScalar)j);
            const NjType *t = nj_type_unify(ts, a, b);
            assert_ptr_equal(t, nj_type_unify(ts, b, a));
            assert_ptr_equal(nj_type_unify(ts, a, a), a);
            assert_ptr_equal(nj_type_unify(ts, t, a), t);      /* an upper bound, so that inference ends */
            assert_ptr_equal(nj_type_unify(ts, t, b), t);
        }
}

static bool is_family(int i, char family)
{
    return family == 'i' ? i >= NJ_T_I8 && i <= NJ_T_I64 : family == 'u' ? i >= NJ_T_U8 && i <= NJ_T_U64 : i >= NJ_T_F32;
}

static void unify_is_associative_within_a_family(void **state)
{
    for (const char *family = "iuf"; *family; family++)
        for (int i = 0; i < NJ_T_NSCALAR * NJ_T_NSCALAR * NJ_T_NSCALAR; i++) {
            int at[3] = {i % NJ_T_NSCALAR, i / NJ_T_NSCALAR % NJ_T_NSCALAR, i / NJ_T_NSCALAR / NJ_T_NSCALAR};
            if (!is_family(at[0], *family) || !is_family(at[1], *family) || !is_family(at[2], *family))
                continue;
            const NjType *a = nj_type_scalar(ts, (NjScalar)at[0]), *b = nj_type_scalar(ts, (NjScalar)at[1]);
            const NjType *c = nj_type_scalar(ts, (NjScalar)at[2]);
            assert_ptr_equal(nj_type_unify(ts, nj_type_unify(ts, a, b), c), nj_type_unify(ts, a, nj_type_unify(ts, b, c)));
        }
}

static void unify_structures(void **state)
{
    static const char *rows[][3] = {
        {"none", "i64", "optional(i64)"}, {"optional(i32)", "f32", "optional(f64)"}, {"optional(i8)", "none", "optional(i8)"},
        {"tuple(i32,f32)", "tuple(i64,f64)", "tuple(i64,f64)"}, {"tuple(i32)", "tuple(i32,i32)", NULL},
        {"array(f64,2,C)", "array(f64,2,F)", "array(f64,2,A)"}, {"array(f64,1,C)", "array(f64,1,C,ro)", "array(f64,1,C,ro)"},
        {"array(f64,1,C)", "array(f32,1,C)", NULL}, {"array(f64,1,C)", "array(f64,2,C)", NULL}, {"i64", "array(i64,1,C)", NULL},
        {"str", "i64", NULL}, {"range(i32)", "range(i64)", "range(i64)"}, {"range(u64)", "range(i64)", NULL},
        {"slice", "slice", "slice"}, {"obj", "none", NULL}, {"error", "i64", "error"}};
    for (size_t i = 0; i < NJ_COUNT(rows); i++)
        for (int swap = 0; swap < 2; swap++) {
            const NjType *t = nj_type_unify(ts, scalar(rows[i][swap]), scalar(rows[i][!swap]));
            assert_string_equal(t ? t->code : "none at all", rows[i][2] ? rows[i][2] : "none at all");
        }
}

static int choose(const char *const *sigs, int n, const char *args, bool allow_unsafe)
{
    NjArena *a = nj_arena_new();
    NjSig all[8], call;
    for (int i = 0; i < n; i++)
        assert_int_equal(nj_sig_parse(ts, a, sigs[i], &all[i], NULL), NJ_OK);
    assert_int_equal(nj_sig_parse(ts, a, args, &call, NULL), NJ_OK);
    int at = nj_sig_choose(all, (unsigned)n, call.args, call.nargs, allow_unsafe);
    nj_arena_free(a);
    return at;
}

static void signatures_by_distance(void **state)
{
    static const char *sigs[] = {"(int32, int32)", "(int64, int64)", "(float32, float32)", "(float64, float64)"};
    assert_int_equal(choose(sigs, 4, "(int16, int32)", false), 0);
    assert_int_equal(choose(sigs, 4, "(int32, int64)", false), 1);
    assert_int_equal(choose(sigs, 4, "(float32, int16)", false), 2);
    assert_int_equal(choose(sigs, 4, "(float32, int32)", false), 3);
    assert_int_equal(choose(sigs, 4, "(complex64, int32)", true), -1);
    assert_int_equal(choose(sigs, 1, "(int64, int64)", false), -1);
    assert_int_equal(choose(sigs, 1, "(int64, int64)", true), 0);
    static const char *twins[] = {"(int64, float64)", "(float64, int64)"};
    assert_int_equal(choose(twins, 2, "(int64, int64)", false), -2);
    assert_int_equal(choose(twins, 2, "(int64, int32, int32)", false), -1);
}

static int open_types(void **state) { return (ts = nj_types_new()) ? 0 : -1; }
static int close_types(void **state) { nj_types_free(ts); return 0; }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cell), cmocka_unit_test(unary_rules), cmocka_unit_test(negation_is_wide),
        cmocka_unit_test(unify_is_a_join), cmocka_unit_test(unify_is_associative_within_a_family),
        cmocka_unit_test(unify_structures), cmocka_unit_test(signatures_by_distance)};
    return cmocka_run_group_tests(tests, open_types, close_types);
}
