/* test_front.c - the front end on code made by hand: what it builds, what it refuses, what it survives.
 *
 * Functions that Python compiled are tests/golden/front; here is what Python never gives: malformed code, random
 * code, and memory that runs out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "ir/ir.h"

enum {
#define P311(number, name, caches) OP_##name = number,
#include "front/opcodes.def"
};

static const NjConst none = {.kind = NJ_C_NONE}, five = {.kind = NJ_C_INT, .i = 5}, len = {.kind = NJ_C_INTRIN, .name = "len", .intrin = NJ_INTRIN_LEN};
static const NjConst object = {.kind = NJ_C_OBJECT, .name = "dict"}, missing = {.kind = NJ_C_MISSING};
static const NjConst *const consts[] = {&none, &five, &object};
static const NjConst *const globals[] = {&len, &missing, &object};
static const char *const names[] = {"len", "nowhere", "things"};
static const char *const locals[] = {"a", "b", "c"};
static const char *const cells[] = {"k"};

static NjCode code_of(const uint8_t *bytes, uint32_t nbytes, uint16_t version)
{
    return (NjCode){.name = "f", .qualname = "f", .module = "m", .file = "m.py", .first_line = 1, .version = version,
                    .bytes = bytes, .nbytes = nbytes, .consts = consts, .nconsts = NJ_COUNT(consts), .names = names,
                    .globals = globals, .nnames = NJ_COUNT(names), .locals = locals, .nlocals = NJ_COUNT(locals),
                    .cells = cells, .ncells = NJ_COUNT(cells), .nargs = 1};
}

/* One run of the front end. `text` is the SSA or the diagnostics; `code` the first diagnostic's. */
typedef struct Run { NjFn *f; NjErrCode code; NjText text; } Run;

static Run run_with(NjTypes *types, const NjCode *code, bool print)
{
    Run r = {0};
    NjArena *a = nj_arena_new();
    nj_text_init(&r.text);
    if (a && types) {
        NjDiags d = {.arena = a};
        NjFn *f = nj_front_ssa(types, a, &d, code, "f");
        r.f = f;
        r.code = d.list.n ? d.list.at[0]->code : NJ_ERR_NONE;
        if (f && print)
            nj_ir_print(&r.text, f);
        for (uint32_t i = 0; !f && print && i < d.list.n; i++)
            nj_text_fmt(&r.text, "%s\n", d.list.at[i]->text);
    }
    nj_arena_free(a);
    return r;
}

static Run run_code(const NjCode *code, bool print)
{
    NjTypes *types = nj_types_new();
    Run r = run_with(types, code, print);
    nj_types_free(types);
    return r;
}

static NjErrCode refusal(const NjCode *code)
{
    Run r = run_code(code, false);
    nj_text_free(&r.text);
    return r.f ? NJ_ERR_NONE : r.code;
}

#define CODE(...) code_of((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}), 311)

/* -- what it builds -------------------------------------------------------------------------------------- */

static void test_builds(void **state)
{
    NjCode c = CODE(OP_RESUME, 0, OP_LOAD_FAST, 0, OP_POP_JUMP_FORWARD_IF_FALSE, 2, OP_LOAD_CONST, 1, OP_RETURN_VALUE, 0,
                    OP_LOAD_FAST, 0, OP_RETURN_VALUE, 0);
    Run r = run_code(&c, true);
    assert_non_null(r.f);
    assert_non_null(strstr(r.text.at, "condbr"));
    assert_non_null(strstr(r.text.at, "ret 5"));
    assert_non_null(strstr(r.text.at, "ret %1"));
    nj_text_free(&r.text);
}

/* len(a), with the null that CPython pushes. */
static void test_call(void **state)
{
    NjCode c = CODE(OP_LOAD_GLOBAL, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, OP_LOAD_FAST, 0, OP_PRECALL, 1, 0, 0, OP_CALL, 1, 0, 0, 0, 0,
                    0, 0, 0, 0, OP_RETURN_VALUE, 0);
    Run r = run_code(&c, true);
    assert_non_null(r.f);
    assert_non_null(strstr(r.text.at, "py.call <builtins.len>, %1"));
    nj_text_free(&r.text);
}

/* An index above 255: constants are few, so this one is out of range, and not constant 1. */
static void test_extended_arg(void **state)
{
    NjCode c = CODE(OP_EXTENDED_ARG, 1, OP_LOAD_CONST, 1, OP_RETURN_VALUE, 0);
    assert_int_equal(refusal(&c), NJ_ERR_BAD_BYTECODE);
}

static void test_names(void **state)
{
    NjArena *a = nj_arena_new();
    NjBits *g = nj_bits_new(a, 3), *at = nj_bits_new(a, 3);
    NjCode c = CODE(OP_LOAD_GLOBAL, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, OP_LOAD_ATTR, 2, 0, 0, 0, 0, 0, 0, 0, 0, OP_RETURN_VALUE, 0);
    nj_front_names(&c, g, at);
    assert_true(!nj_bits_has(g, 0) && nj_bits_has(g, 1) && !nj_bits_has(g, 2));
    assert_true(!nj_bits_has(at, 0) && !nj_bits_has(at, 1) && nj_bits_has(at, 2));
    nj_arena_free(a);
}

/* -- what it refuses ------------------------------------------------------------------------------------- */

static void test_malformed(void **state)
{
    const NjCode bad[] = {
        CODE(OP_RETURN_VALUE, 0),                                           /* the stack runs empty */
        CODE(OP_LOAD_CONST, 1),                                             /* control runs off the end */
        CODE(OP_LOAD_CONST, 9, OP_RETURN_VALUE, 0),                         /* no such constant */
        CODE(OP_LOAD_FAST, 99, OP_RETURN_VALUE, 0),                         /* no such variable: read as a closure's */
        CODE(OP_JUMP_FORWARD, 200, OP_LOAD_CONST, 0, OP_RETURN_VALUE, 0),   /* out of the code */
        CODE(OP_JUMP_BACKWARD, 200, OP_LOAD_CONST, 0, OP_RETURN_VALUE, 0),
        CODE(OP_LOAD_CONST, 0, OP_SWAP, 2, OP_RETURN_VALUE, 0),             /* below the stack */
        CODE(3, 0, OP_RETURN_VALUE, 0),                                     /* no opcode */
        CODE(OP_LOAD_CONST, 0, OP_BINARY_OP, 77, 0, 0, OP_RETURN_VALUE, 0), /* no operation */
        /* 1 value deep from the branch, 2 from the fall */
        CODE(OP_LOAD_CONST, 0, OP_LOAD_FAST, 0, OP_POP_JUMP_FORWARD_IF_FALSE, 1, OP_LOAD_CONST, 0, OP_BINARY_SUBSCR, 0, 0, 0, 0, 0,
             0, 0, 0, 0, OP_RETURN_VALUE, 0),
    };
    for (size_t i = 0; i < NJ_COUNT(bad); i++) {
        NjErrCode code = refusal(&bad[i]);
        assert_true(code == NJ_ERR_BAD_BYTECODE || (i == 3 && code == NJ_ERR_NYI_BYTECODE));
    }
    NjCode odd = CODE(OP_LOAD_CONST, 0, OP_RETURN_VALUE), empty = code_of(NULL, 0, 311);
    assert_int_equal(refusal(&odd), NJ_ERR_BAD_BYTECODE);
    assert_int_equal(refusal(&empty), NJ_ERR_BAD_BYTECODE);
}

static void test_refused(void **state)
{
    NjCode future = code_of((const uint8_t[]){0, 0}, 2, 399), gen = CODE(OP_LOAD_CONST, 0, OP_RETURN_VALUE, 0);
    gen.flags = 0x20;
    assert_int_equal(refusal(&future), NJ_ERR_NYI_BYTECODE);
    assert_int_equal(refusal(&gen), NJ_ERR_NYI_GENERATOR);
    gen.flags = 0x4;
    assert_int_equal(refusal(&gen), NJ_ERR_NYI_VARARGS);
    NjCode unbound = CODE(OP_LOAD_FAST, 1, OP_RETURN_VALUE, 0);
    assert_int_equal(refusal(&unbound), NJ_ERR_NAME_UNBOUND);
    NjCode global = CODE(OP_LOAD_GLOBAL, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, OP_RETURN_VALUE, 0);
    assert_int_equal(refusal(&global), NJ_ERR_NAME_UNDEFINED);
    NjCode display = CODE(OP_BUILD_LIST, 0, OP_RETURN_VALUE, 0);
    assert_int_equal(refusal(&display), NJ_ERR_NYI_BYTECODE);
}

/* The table says that the first instruction's unit begins a protected range. */
static void test_try(void **state)
{
    static const uint8_t table[] = {0x80, 0x02, 0x00, 0x00};
    NjCode c = CODE(OP_LOAD_CONST, 0, OP_RETURN_VALUE, 0);
    assert_int_equal(refusal(&c), NJ_ERR_NONE);
    c.exctable = table;
    c.nexctable = sizeof table;
    Run r = run_code(&c, true);
    assert_null(r.f);
    assert_non_null(strstr(r.text.at, "a try statement"));
    nj_text_free(&r.text);
}

/* -- what it survives ------------------------------------------------------------------------------------ */

static uint32_t random_next(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

typedef struct Often { uint8_t op, pops, pushes, args; } Often;
static const Often often[] = {
    {OP_LOAD_FAST, 0, 1, 4},      {OP_LOAD_FAST, 0, 1, 3},     {OP_LOAD_CONST, 0, 1, 2},       {OP_STORE_FAST, 1, 0, 3},
    {OP_STORE_FAST, 1, 0, 3},     {OP_DELETE_FAST, 0, 0, 3},   {OP_COPY, 1, 2, 3},             {OP_SWAP, 2, 2, 3},
    {OP_POP_TOP, 1, 0, 1},        {OP_GET_ITER, 1, 1, 1},      {OP_BUILD_TUPLE, 2, 1, 3},      {OP_UNPACK_SEQUENCE, 1, 2, 3},
    {OP_UNARY_NOT, 1, 1, 1},      {OP_IS_OP, 2, 1, 2},         {OP_CONTAINS_OP, 2, 1, 2},      {OP_BUILD_SLICE, 2, 1, 4},
    {OP_POP_JUMP_FORWARD_IF_FALSE, 1, 0, 12},                  {OP_POP_JUMP_FORWARD_IF_NONE, 1, 0, 12},
    {OP_POP_JUMP_BACKWARD_IF_TRUE, 1, 0, 12},                  {OP_JUMP_IF_TRUE_OR_POP, 1, 0, 9},
    {OP_FOR_ITER, 1, 2, 9},       {OP_JUMP_FORWARD, 0, 0, 6},  {OP_JUMP_BACKWARD, 0, 0, 12},   {OP_RETURN_VALUE, 1, 0, 1},
    {OP_RAISE_VARARGS, 1, 0, 3},  {OP_PUSH_NULL, 0, 1, 1},
};

/* Common opcodes that fit a guess of the stack, small arguments, a stray byte now and then: much of it is sound and
 * branches. */
static void random_bytes(uint8_t *at, uint32_t n, uint32_t *seed)
{
    uint32_t depth = 0;
    for (uint32_t i = 0; i + 1 < n; i += 2) {
        const Often *o = &often[random_next(seed) % NJ_COUNT(often)];
        while (o->pops > depth || (o->pushes > o->pops && depth > 4))
            o = o->pops > depth ? &often[random_next(seed) % 3] : &often[8];
        at[i] = o->op;
        at[i + 1] = (uint8_t)(random_next(seed) % o->args);
        depth += (uint32_t)o->pushes - o->pops;
        if (random_next(seed) % 256 == 0)
            at[i] = (uint8_t)random_next(seed);
    }
    memcpy(at + n - 4, (const uint8_t[]){OP_LOAD_CONST, 1, OP_RETURN_VALUE, 0}, 4);
}

/* Random code is refused or gives a function that the verifier accepts (nj_front_ssa asks it: NAJA_CHECK). */
static void test_random(void **state)
{
    uint32_t seed = 7, good = 0;
    uint8_t bytes[64];
    NjTypes *types = nj_types_new();
    for (int i = 0; i < 20000; i++) {
        uint32_t n = 8 + 2 * (random_next(&seed) % 29);
        random_bytes(bytes, n, &seed);
        uint16_t version = (uint16_t)(i % 8 ? 311 : 310 + i / 8 % 4);
        NjCode c = code_of(bytes, n, version);
        if (i % 32 == 0) {
            c.exctable = bytes;
            c.nexctable = n;
        }
        Run r = run_with(types, &c, false);
        good += r.f != NULL;
        assert_true(r.f || r.code);
        assert_int_not_equal(r.code, NJ_ERR_INTERNAL);
        nj_text_free(&r.text);
    }
    nj_types_free(types);
    assert_true(good > 1000);
}

static void test_no_memory(void **state)
{
    NjCode c = CODE(OP_LOAD_FAST, 0, OP_GET_ITER, 0, OP_FOR_ITER, 3, OP_STORE_FAST, 1, OP_JUMP_BACKWARD, 3, OP_NOP, 0, OP_LOAD_FAST, 1,
                    OP_RETURN_VALUE, 0);
    assert_int_equal(refusal(&c), NJ_ERR_NONE);
    long n = 0;
    for (bool done = false; !done; n++) {
        nj_alloc_fail_at(n + 1);
        Run r = run_code(&c, false);
        nj_alloc_fail_at(-1);
        done = r.f != NULL;
        assert_int_not_equal(r.code, NJ_ERR_INTERNAL);
        nj_text_free(&r.text);
    }
    assert_true(n > 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_builds),    cmocka_unit_test(test_call),    cmocka_unit_test(test_extended_arg),
        cmocka_unit_test(test_names),     cmocka_unit_test(test_malformed), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_try),       cmocka_unit_test(test_random),  cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
