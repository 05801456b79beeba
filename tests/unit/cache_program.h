/* cache_program.h - what the tests of the cache share: a program made by hand, its image, a folder for each test. */
#ifndef NJ_TEST_CACHE_PROGRAM_H
#define NJ_TEST_CACHE_PROGRAM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "run/cache.h"

#include <stdlib.h>
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

/* -- entries of it ------------------------------------------------------------------------------------------------- */

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

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
