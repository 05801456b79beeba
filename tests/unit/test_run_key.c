/* test_run_key.c - what changes a key and what does not; entries: there and back, damage at every bit, wild
 * metadata. */
#include "cache_program.h"

static bool same_key(Program *a, Program *b)
{
    NjKey x = key_of(a), y = key_of(b);
    return !memcmp(x.id, y.id, NJ_DIGEST);
}

/* -- keys ---------------------------------------------------------------------------------------------------------- */

static void edit_global(Program *p) { p->k.i = 4; }
static void edit_kind(Program *p) { p->k = (NjConst){.kind = NJ_C_FLOAT, .f = 3}; }
static void edit_zero(Program *p) { p->k = (NjConst){.kind = NJ_C_FLOAT, .f = -0.0}; }
static void edit_callee_code(Program *p) { p->g.nbytes -= 2; }
static void edit_name(Program *p) { p->f.name = "h"; }
static void edit_exc(Program *p) { p->exc.name = "OtherError"; }
static void edit_type(Program *p) { p->args[0] = nj_type_int(ts, 32, true); }
static void edit_layout(Program *p) { p->args[1] = nj_type_array(ts, nj_type_float(ts, 64), 2, NJ_LAYOUT_F, false); }
static void edit_readonly(Program *p) { p->args[1] = nj_type_array(ts, nj_type_float(ts, 64), 2, NJ_LAYOUT_C, true); }
static void edit_ret(Program *p) { p->ask.ret = nj_type_float(ts, 32); }
static void edit_opts(Program *p) { p->opts.boundscheck = true; }
static void edit_callee_opts(Program *p) { p->g.opts.error_model = NJ_ERRORS_NUMPY; }
static void edit_fact(Program *p) { p->facts[0].text = "a +b +c"; }
static void edit_root(Program *p) { p->ask.root = NJ_ROOT_UFUNC; }
static void edit_target(Program *p) { p->target.name = "cpudev"; }
static void edit_version(Program *p) { p->f.version = 312; }
static void edit_default(Program *p)
{
    static const NjConst *at[1];
    at[0] = &p->none;
    p->f.defaults = at;
    p->f.ndefaults = 1;
}

static void edit_missing(Program *p) { p->f_globals[2] = &p->k; }

static void (*const edits[])(Program *) = {
    edit_global, edit_kind,   edit_zero,     edit_callee_code, edit_name,    edit_exc,
    edit_type,   edit_layout, edit_readonly, edit_ret,         edit_opts,    edit_callee_opts,
    edit_fact,   edit_root,   edit_target,   edit_version,     edit_default, edit_missing,
};

/* Every edit gives a key of its own; the addresses of a program give none. */
static void test_edits(void **state)
{
    static Program p[NJ_COUNT(edits) + 1], again;
    (void)state;
    for (size_t i = 0; i < NJ_COUNT(p); i++)
        program_fill(&p[i], 10);
    for (size_t i = 0; i < NJ_COUNT(edits); i++)
        edits[i](&p[i]);
    program_fill(&again, 10);
    assert_true(same_key(&p[NJ_COUNT(edits)], &again));
    for (size_t i = 0; i < NJ_COUNT(p); i++)
        for (size_t j = 0; j < i; j++)
            if (same_key(&p[i], &p[j]))
                fail_msg("edits %zu and %zu have one key", i, j);
}

static void test_moves(void **state)
{
    static Program p, q;
    (void)state;
    program_fill(&p, 10);
    program_fill(&q, 200);
    q.f.file = q.g.file = "elsewhere.py";
    q.f.module = "n";
    q.f.qualname = "C.f";
    q.text.str.text = "another one";
    assert_true(same_key(&p, &q));
    p.opts.lineinfo = q.opts.lineinfo = true;        /* lines are in the code now */
    assert_false(same_key(&p, &q));
}

static void test_array_content(void **state)
{
    static Program p, q;
    static const double a[] = {1, 2, 3, 4}, b[] = {1, 2, 3, 5};
    static const int64_t flat[] = {4}, square[] = {2, 2};
    (void)state;
    program_fill(&p, 1);
    program_fill(&q, 1);
    p.k = (NjConst){.kind = NJ_C_ARRAY, .type = nj_type_array(ts, nj_type_float(ts, 64), 1, NJ_LAYOUT_C, true),
                    .array = {a, flat, sizeof a}};
    q.k = p.k;
    assert_true(same_key(&p, &q));
    q.k.array.data = b;
    assert_false(same_key(&p, &q));
    q.k = p.k;
    q.k.type = nj_type_array(ts, nj_type_float(ts, 64), 2, NJ_LAYOUT_C, true);
    q.k.array.shape = square;
    assert_false(same_key(&p, &q));
}

/* Modules that refer to each other end, and an attribute's value counts. */
static void test_modules(void **state)
{
    static Program p, q;
    static NjConst mod[2][2];
    static NjAttr attrs[2][2][2];
    (void)state;
    for (int i = 0; i < 2; i++) {
        Program *x = i ? &q : &p;
        program_fill(x, 1);
        for (int m = 0; m < 2; m++) {
            attrs[i][m][0] = (NjAttr){"other", &mod[i][1 - m]};
            attrs[i][m][1] = (NjAttr){"value", &x->k};
            mod[i][m] = (NjConst){.kind = NJ_C_MODULE, .name = m ? "b" : "a", .module = {attrs[i][m], 2}};
        }
        x->f_globals[2] = &mod[i][0];
    }
    assert_true(same_key(&p, &q));
    attrs[1][1][1].value = &q.none;
    assert_false(same_key(&p, &q));
}

static void test_parts_name_the_change(void **state)
{
    static Program p, q;
    const char *changed = NULL;
    (void)state;
    program_fill(&p, 1);
    program_fill(&q, 1);
    q.k.i = 4;
    q.consts[1] = &p.k;
    NjKey x = key_of(&p), y = key_of(&q);
    assert_int_equal(x.parts.n, y.parts.n);
    assert_int_equal(x.codes.n, 2);
    assert_int_equal(x.excs.n, 1);
    for (uint32_t i = 0; i < x.parts.n; i++)
        if (memcmp(x.parts.at[i].digest, y.parts.at[i].digest, NJ_DIGEST)) {
            assert_null(changed);
            changed = x.parts.at[i].name;
        }
    assert_string_equal(changed, "global f.K");
}

/* What was stored for a program comes back for one whose lines have moved, with its own lines and its own class. */
static void test_round_trip(void **state)
{
    static Program p, q;
    NjImage im;
    (void)state;
    program_fill(&p, 10);
    program_fill(&q, 310);
    q.f.file = "moved.py";
    assert_false(find_program(&q, &im));
    store_program(&p);
    assert_true(find_program(&q, &im));
    assert_string_equal(im.entry, "naja.f.0");
    assert_ptr_equal(im.ret, q.args[1]);
    assert_int_equal(im.shared_bytes, 77);
    assert_true(im.has_barrier && !im.uses_math);
    assert_int_equal(im.ncode, sizeof code_text);
    assert_memory_equal(im.code, code_text, sizeof code_text);
    assert_int_equal(im.nexcs, 2);
    assert_string_equal(im.excs[0].text, "division by zero");
    assert_string_equal(im.excs[0].file, "moved.py");
    assert_int_equal(im.excs[0].loc.line, 312);
    assert_null(im.excs[0].object);
    assert_string_equal(im.excs[1].func, "g");
    assert_int_equal(im.excs[1].loc.line, 311);
    assert_ptr_equal(im.excs[1].object, &q.cls);
    assert_int_equal(im.excs[1].nargs, 1);
    assert_string_equal(im.excs[1].args[0]->str.text, "a docstring");
    nj_image_free(&im);
}

/* A second image beside the first: both come back whole, the first one of any length, and both can be moved to. */
static void test_two_images(void **state)
{
    static Program p;
    NjImage im;
    NjEntryInfo info;
    NjText t;
    NjExc excs[2];
    const NjConst *args[] = {&p.text};
    (void)state;
    program_fill(&p, 10);
    NjKey k = key_of(&p);
    for (size_t ncode = 1; ncode < 40; ncode++) {
        NjImage two = image_of(&p, excs, args);
        two.ncode = ncode;
        two.cubin = code_text + 100;
        two.ncubin = 3 * ncode + 1;
        nj_cache_store(&k, ts, &two);
        assert_true(find_program(&p, &im));
        assert_int_equal(im.ncode, ncode);
        assert_int_equal(im.ncubin, 3 * ncode + 1);
        assert_memory_equal(im.code, code_text, ncode);
        assert_memory_equal(im.cubin, code_text + 100, im.ncubin);
        assert_int_equal((uintptr_t)im.code % 16 + (uintptr_t)im.cubin % 16, 0);
        nj_text_init(&t);
        assert_true(nj_entry_write(&t, &k, ts, &im) && nj_entry_info(t.at, t.n, arena, &info));
        assert_int_equal(info.ncode, ncode);
        assert_int_equal(info.ncubin, 3 * ncode + 1);
        assert_false(info.native);
        nj_text_free(&t);
        nj_image_free(&im);
    }
    NjImage one = image_of(&p, excs, args);
    one.code = "\177ELF...";
    one.ncode = 7;
    nj_cache_store(&k, ts, &one);                    /* in its place */
    assert_true(find_program(&p, &im));
    assert_true(im.ncode == 7 && im.ncubin == 0 && im.cubin == NULL);
    nj_image_free(&im);
    nj_text_init(&t);
    assert_true(nj_entry_write(&t, &k, ts, &one) && nj_entry_info(t.at, t.n, arena, &info) && info.native);
    nj_text_free(&t);
}

static void test_info(void **state)
{
    static Program p;
    NjText t;
    NjExc excs[2];
    const NjConst *args[] = {&p.text};
    NjEntryInfo info;
    NjEntryWhy why[64];
    (void)state;
    program_fill(&p, 10);
    NjImage im = image_of(&p, excs, args);
    NjKey k = key_of(&p);
    nj_text_init(&t);
    assert_true(nj_entry_write(&t, &k, ts, &im) && nj_entry_check(t.at, t.n, k.id) && nj_entry_check(t.at, t.n, NULL));
    assert_true(nj_entry_info(t.at, t.n, arena, &info));
    assert_string_equal(info.signature, "array(float64, 2d, C)(int64, array(float64, 2d, C))");
    assert_string_equal(info.file, "m.py");
    assert_int_equal(info.line, 10);
    assert_int_equal(nj_entry_why(t.at, t.n, arena, why, 64), k.parts.n);
    for (uint32_t i = 0; i < k.parts.n; i++) {
        assert_string_equal(why[i].name, k.parts.at[i].name);
        assert_memory_equal(&why[i].digest, k.parts.at[i].digest, 8);
    }
    nj_text_free(&t);
}

/* Every bit flipped in turn, every length cut off, bytes added, another key: refused. */
static void test_damage(void **state)
{
    static Program p;
    NjText t;
    NjExc excs[2];
    const NjConst *args[] = {&p.text};
    (void)state;
    program_fill(&p, 10);
    NjImage im = image_of(&p, excs, args);
    im.ncode = 700;
    im.cubin = code_text + 900;
    im.ncubin = 333;
    NjKey k = key_of(&p);
    nj_text_init(&t);
    assert_true(nj_entry_write(&t, &k, ts, &im));
    for (size_t i = 0; i < 8 * t.n; i++) {
        t.at[i / 8] ^= (char)(1 << i % 8);
        if (nj_entry_check(t.at, t.n, k.id))
            fail_msg("bit %zu may be flipped", i);
        t.at[i / 8] ^= (char)(1 << i % 8);
    }
    for (size_t n = 0; n < t.n; n++)
        assert_false(nj_entry_check(t.at, n, k.id));
    assert_true(nj_entry_check(t.at, t.n, k.id));
    size_t n = t.n;
    nj_text_char(&t, 0);
    assert_false(nj_entry_check(t.at, n + 1, k.id));
    k.id[5] ^= 1;
    assert_false(nj_entry_check(t.at, n, k.id));
    nj_text_free(&t);
}

/* Reading metadata stays inside it even where the hash has been made right again by somebody. */
static void test_bind_in_bounds(void **state)
{
    static Program p;
    NjText t;
    NjExc excs[2];
    const NjConst *args[] = {&p.text};
    (void)state;
    program_fill(&p, 10);
    NjImage im = image_of(&p, excs, args), out;
    im.ncode = 16;
    im.cubin = code_text;
    im.ncubin = 5;
    NjKey k = key_of(&p);
    nj_text_init(&t);
    assert_true(nj_entry_write(&t, &k, ts, &im));
    for (size_t i = 96; i < t.n; i++)
        for (int x = 0; x < 256; x += 51) {
            char *heap = malloc(t.n);            /* of the exact size, for the sanitizer */
            memcpy(heap, t.at, t.n);
            heap[i] = (char)x;
            NjEntryInfo info;
            NjEntryWhy why[4];
            nj_entry_bind(heap, t.n, &k, ts, arena, &out);
            nj_entry_info(heap, t.n, arena, &info);
            nj_entry_why(heap, t.n, arena, why, 4);
            free(heap);
        }
    nj_text_free(&t);
}

static void test_no_text_no_entry(void **state)
{
    static Program p;
    NjImage im;
    (void)state;
    program_fill(&p, 10);
    NjExc excs[2];
    const NjConst *bad[] = {&p.call_f};              /* an argument that has no form in a file */
    im = image_of(&p, excs, bad);
    NjKey k = key_of(&p);
    nj_cache_store(&k, ts, &im);
    assert_false(find_program(&p, &im));
}

static void test_build_ids(void **state)
{
    NjText a, b;
    char path[96];
    (void)state;
    nj_text_init(&a);
    nj_text_init(&b);
    nj_buildid_self(&a);
    nj_buildid_file(&b, "/proc/self/exe");
    assert_true(a.n > 8);
    assert_string_equal(a.at, b.at);
    nj_text_free(&b);
    nj_text_init(&b);
    nj_buildid_file(&b, "/no/such/file");
    assert_string_equal(b.at, "none");
    nj_text_free(&b);
    nj_text_init(&b);
    snprintf(path, sizeof path, "%s/short", top);
    FILE *f = fopen(path, "w");
    fputs("\177ELF\2", f);
    fclose(f);
    nj_buildid_file(&b, path);
    assert_non_null(strstr(b.at, "size 5, changed "));
    nj_text_free(&a);
    nj_text_free(&b);
}

int main(void)
{
    ts = nj_types_new();
    real_now = nj_cache_now;
    const struct CMUnitTest tests[] = {
        TEST(test_edits), TEST(test_moves), TEST(test_array_content), TEST(test_modules),
        TEST(test_parts_name_the_change), TEST(test_round_trip), TEST(test_two_images),
        TEST(test_info), TEST(test_damage),
        TEST(test_bind_in_bounds), TEST(test_no_text_no_entry), TEST(test_build_ids),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    nj_types_free(ts);
    return failed;
}
