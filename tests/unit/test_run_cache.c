/* test_run_cache.c - keys, entries and the cache's folder: edits, damage anywhere, kills, many writers, the bound. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "run/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* -- a program made by hand: f calls g, g calls f; both may raise ------------------------------------------------- */

typedef struct Program {
    NjCode f, g;
    NjConst none, k, call_f, call_g, exc, text;
    NjPos pos[4];
    const NjConst *consts[2], *f_globals[3], *g_globals[2];
    const NjType *args[2];
    NjOpts opts;
    NjTarget target;
    NjKeyFact facts[1];
    NjKeyAsk ask;
    int cls;                     /* an object whose address stands for an exception class */
} Program;

static const NjConst missing = {.kind = NJ_C_MISSING};
static NjTypes *ts;
static NjArena *arena;           /* of one test */
static const char *const f_names[] = {"K", "g", "unused"}, *const g_names[] = {"f", "MyError"};
static const char *const locals[] = {"x", "y"};
/* RESUME, LOAD_CONST 1, RETURN_VALUE, NOP in 3.11 */
static const uint8_t bytes[] = {151, 0, 100, 1, 83, 0, 9, 0};

static void program_fill(Program *p, uint32_t line)
{
    *p = (Program){.none.kind = NJ_C_NONE};
    p->k = (NjConst){.kind = NJ_C_INT, .i = 3};
    p->text = (NjConst){.kind = NJ_C_STR, .str = {"a docstring", 11}};
    p->exc = (NjConst){.kind = NJ_C_EXC, .name = "MyError", .object = &p->cls};
    p->call_f = (NjConst){.kind = NJ_C_FUNC, .code = &p->f};
    p->call_g = (NjConst){.kind = NJ_C_FUNC, .code = &p->g};
    for (unsigned i = 0; i < 4; i++)
        p->pos[i] = (NjPos){line + i, line + i, 4, 9};
    p->consts[0] = &p->text;
    p->consts[1] = &p->k;
    p->f_globals[0] = &p->k;
    p->f_globals[1] = &p->call_g;
    p->f_globals[2] = &missing;
    p->g_globals[0] = &p->call_f;
    p->g_globals[1] = &p->exc;
    p->f = (NjCode){.name = "f", .qualname = "f", .module = "m", .file = "m.py", .first_line = line, .version = 311,
                    .bytes = bytes,
                    .nbytes = sizeof bytes, .pos = p->pos, .consts = p->consts, .nconsts = 2, .names = f_names,
                    .globals = p->f_globals, .nnames = 3, .locals = locals, .nlocals = 2, .nargs = 2};
    p->g = p->f;
    p->g.name = p->g.qualname = "g";
    p->g.names = g_names;
    p->g.globals = p->g_globals;
    p->g.nnames = 2;
    p->args[0] = nj_type_int(ts, 64, true);
    p->args[1] = nj_type_array(ts, nj_type_float(ts, 64), 2, NJ_LAYOUT_C, false);
    p->target = (NjTarget){.name = "cpu"};
    p->facts[0] = (NjKeyFact){"CPU", "a +b"};
    p->ask = (NjKeyAsk){.code = &p->f, .args = p->args, .nargs = 2, .opts = &p->opts, .target = &p->target,
                        .facts = p->facts, .nfacts = 1};
}

static NjKey key_of(Program *p)
{
    NjKey k;
    assert_int_equal(nj_key_make(arena, &p->ask, &k), NJ_OK);
    return k;
}

static bool same_key(Program *a, Program *b)
{
    NjKey x = key_of(a), y = key_of(b);
    return !memcmp(x.id, y.id, NJ_DIGEST);
}

/* -- the folder of one test ---------------------------------------------------------------------------------------- */

static char top[64], folder[96];

static void remove_all(const char *path)
{
    char cmd[300];
    snprintf(cmd, sizeof cmd, "chmod -R u+rwx '%s' 2>/dev/null; rm -rf '%s'", path, path);
    assert_int_equal(system(cmd), 0);
}

static int setup(void **state)
{
    (void)state;
    strcpy(top, "/tmp/naja-test-XXXXXX");
    if (!mkdtemp(top))
        return -1;
    snprintf(folder, sizeof folder, "%s/a/cache", top);
    setenv("NAJA_CACHE_DIR", folder, 1);
    setenv("NAJA_CACHE", "on", 1);
    nj_knobs_reload();
    arena = nj_arena_new();
    return arena ? 0 : -1;
}

static uint64_t (*real_now)(void);

static int teardown(void **state)
{
    (void)state;
    nj_cache_now = real_now;
    nj_arena_free(arena);
    remove_all(top);
    return 0;
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
    edit_global, edit_kind, edit_zero, edit_callee_code, edit_name, edit_exc, edit_type, edit_layout, edit_readonly, edit_ret, edit_opts,
    edit_callee_opts, edit_fact, edit_root, edit_target, edit_version, edit_default, edit_missing,
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

/* -- entries ------------------------------------------------------------------------------------------------------- */

static char code_text[5000];

static NjImage image_of(Program *p, NjExc excs[2], const NjConst *const *args)
{
    for (size_t i = 0; i < sizeof code_text; i++)
        code_text[i] = (char)(i * 31 + i / 256);
    excs[0] = (NjExc){.exc = "ZeroDivisionError", .text = "division by zero", .file = p->f.file, .func = p->f.name,
                      .loc = {12, 12, 4, 9}};
    excs[1] = (NjExc){.exc = "MyError", .object = &p->cls, .args = args, .nargs = 1, .file = p->g.file,
                      .func = p->g.name,
                      .loc = {11, 11, 4, 9}};
    return (NjImage){.entry = "naja.f.0", .ret = p->args[1], .excs = excs, .nexcs = 2, .shared_bytes = 77,
                     .has_barrier = true,
                     .code = code_text, .ncode = sizeof code_text};
}

static void store_program(Program *p)
{
    static NjExc excs[2];
    static const NjConst *args[1];
    args[0] = &p->text;
    NjImage im = image_of(p, excs, args);
    NjKey k = key_of(p);
    nj_cache_store(&k, ts, &im);
}

static bool find_program(Program *p, NjImage *im)
{
    NjKey k = key_of(p);
    return nj_cache_find(&k, ts, arena, im);
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
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_edits), TEST(test_moves), TEST(test_array_content), TEST(test_modules), TEST(test_parts_name_the_change),
        TEST(test_round_trip), TEST(test_info), TEST(test_damage), TEST(test_bind_in_bounds), TEST(test_no_text_no_entry),
        TEST(test_kill), TEST(test_many_writers), TEST(test_bound), TEST(test_clock_jumps), TEST(test_vanished), TEST(test_no_room),
        TEST(test_full_disk), TEST(test_links), TEST(test_others_may_write), TEST(test_other_owner), TEST(test_damaged_file),
        TEST(test_no_memory), TEST(test_build_ids),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    nj_types_free(ts);
    return failed;
}
