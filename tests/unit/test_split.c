/* test_split.c - the cut of a kernel at its barriers: who agrees, what waits where, and every allocation failing. */
#include "pass/split.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "cpu/cpu.h"

#define HEAD "core kernel func @k.0(%1: ptr(i32) \"x\", %2: i32 \"n\") parts() has_barrier {\n"

/* A loop that all make alike, with a value of each thread's own and a sum. */
static const char loop[] = HEAD
    "b0:\n    %3: i32 = sreg.tid.x\n    %4: i64 = sext %3\n    %5: ptr(i32) = elem %1, %4\n    %6: i32 = load %5\n"
    "    br b1\n"
    "b1:                                             ; preds b0 b2\n"
    "    %7: i32 = phi [b0: 0:i32, b2: %8]\n    %9: bool = icmp.slt %7, %2\n    condbr %9, b2, b3\n"
    "b2:                                             ; preds b1\n"
    "    barrier\n    %8: i32 = add %7, 1:i32\n    br b1\n"
    "b3:                                             ; preds b1\n"
    "    %10: i32 = add %6, %7\n    store %10, %5\n    ret\n}\n";

/* Threads part: some wait at one barrier, some at another. */
static const char apart[] = HEAD
    "b0:\n    %3: i32 = sreg.tid.x\n    %4: bool = icmp.slt %3, %2\n    condbr %4, b1, b2\n"
    "b1:                                             ; preds b0\n    barrier\n    br b3\n"
    "b2:                                             ; preds b0\n    barrier\n    br b3\n"
    "b3:                                             ; preds b1 b2\n    ret\n}\n";

/* Some return before the others meet. */
static const char leave[] = HEAD
    "b0:\n    %3: i32 = sreg.tid.x\n    %4: bool = icmp.slt %3, %2\n    condbr %4, b1, b2\n"
    "b1:                                             ; preds b0\n    barrier\n    ret\n"
    "b2:                                             ; preds b0\n    ret\n}\n";

static const char warp[] = HEAD "b0:\n    barrier\n    syncwarp -1:i32\n    ret\n}\n";

typedef struct Cut { NjCtx *ctx; NjUnit *u; NjSplit *o; } Cut;

static Cut cut(const char *text, int64_t fail_at)
{
    NjOpts opts = {0};
    NjFn **fns;
    uint32_t n;
    Cut c = {.ctx = nj_ctx_new()};
    c.u = nj_unit_new(c.ctx, &nj_cpudev_target, &opts);
    assert_int_equal(nj_ir_parse(c.ctx->types, c.u->arena, &c.u->diags, text, strlen(text), &fns, &n), NJ_OK);
    NjSpec *s = fns[0]->spec ? fns[0]->spec : NJ_NEW(c.u->arena, NjSpec);
    s->unit = c.u;
    s->core = fns[0];
    s->symbol = fns[0]->name;
    assert_true(nj_vec_push(c.u->arena, &c.u->specs, s));
    c.u->has_barrier = true;
    nj_alloc_fail_at(fail_at);
    c.o = nj_split_unit(c.u);
    nj_alloc_fail_at(-1);
    return c;
}

static void drop(Cut c)
{
    nj_unit_free(c.u);
    nj_ctx_free(c.ctx);
}

static void test_loop(void **state)
{
    (void)state;
    Cut c = cut(loop, -1);
    assert_non_null(c.o);
    assert_int_equal(c.o->nregion, 2);
    assert_true(c.o->lockstep && !c.o->states);
    assert_int_equal(c.o->nuniform, 1);                    /* the trip; */
    assert_int_equal(c.o->frame_bytes, 4);                 /* what was loaded waits for each thread */
    for (uint32_t k = 0; k < 2; k++)
        assert_true(c.o->region[k].ends && c.o->region[k].nexit == 1 && nj_bits_has(c.o->region[k].exits, 1));
    assert_true(c.u->specs.at[0]->retired);
    drop(c);
}

static void test_apart(void **state)
{
    (void)state;
    Cut c = cut(apart, -1);
    assert_non_null(c.o);
    assert_false(c.o->lockstep);
    assert_true(c.o->states);
    assert_int_equal(c.o->nregion, 3);
    assert_int_equal(c.o->region[0].nexit, 2);
    drop(c);
}

static void test_leave(void **state)
{
    (void)state;
    Cut c = cut(leave, -1);
    assert_non_null(c.o);
    assert_true(c.o->lockstep && c.o->states);
    assert_true(c.o->region[0].ends && c.o->region[0].nexit == 1);
    assert_true(c.o->region[1].ends && c.o->region[1].nexit == 0);
    drop(c);
}

static void test_warp(void **state)
{
    (void)state;
    Cut c = cut(warp, -1);
    assert_null(c.o);
    assert_false(c.u->specs.at[0]->retired);
    drop(c);
}

/* NULL or whole, whichever allocation fails. */
static void test_no_memory(void **state)
{
    (void)state;
    const char *const texts[] = {loop, apart, leave};
    for (unsigned i = 0; i < 3; i++) {
        bool done = false;
        for (int64_t n = 1; !done; n++) {
            Cut c = cut(texts[i], n);
            done = c.o && !nj_arena_failed(c.u->arena);
            assert_true(n < 100000);
            drop(c);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loop), cmocka_unit_test(test_apart), cmocka_unit_test(test_leave),
        cmocka_unit_test(test_warp), cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
