/* test_ir_dom.c - dominators and loop depth on random graphs against their definitions, and on graphs that punish
 * recursion and iteration. */
#include "ir/ir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static uint32_t rnd_state = 12345;

static uint32_t rnd(uint32_t n)
{
    rnd_state = rnd_state * 1664525u + 1013904223u;
    return (rnd_state >> 8) % n;
}

static NjFn *graph(NjTypes *ts, NjArena *a, uint32_t n)
{
    NjFn *f = nj_fn_new(ts, a, NULL, "g");
    for (uint32_t b = 0; b < n; b++)
        nj_fn_blk(f);
    return f;
}

/* Edges mostly near by, so that chains, loops and irreducible knots all happen; the entry has none coming in. */
static NjFn *random_graph(NjTypes *ts, NjArena *a, uint32_t n)
{
    NjFn *f = graph(ts, a, n);
    for (uint32_t b = 0; b < n; b++) {
        for (uint32_t k = rnd(3); k-- && n > 1;) {
            uint32_t to = rnd(4) ? (b + n + rnd(7) - 2) % n : rnd(n);
            nj_fn_edge(f, b, to ? to : 1);
        }
    }
    return f;
}

/* Blocks that can be reached from the entry without passing `without`. */
static void reach(const NjFn *f, NjBlkId without, bool *seen)
{
    NjBlkId stack[256];
    uint32_t n = 0;
    memset(seen, 0, f->blks.n);
    if (without == 0)
        return;
    seen[0] = true;
    stack[n++] = 0;
    while (n) {
        const NjBlk *b = nj_blk(f, stack[--n]);
        for (unsigned i = 0; i < b->nsucc; i++) {
            if (seen[b->succ[i]] || b->succ[i] == without)
                continue;
            seen[b->succ[i]] = true;
            stack[n++] = b->succ[i];
        }
    }
}

/* Is x in the natural loop of h: does x, or a way from x that avoids h, end in an edge back to h? */
static bool in_loop(const NjFn *f, bool dom[64][64], NjBlkId h, NjBlkId x)
{
    bool seen[64] = {0};
    NjBlkId stack[128];
    uint32_t n = 0;
    if (!dom[h][x])
        return false;
    stack[n++] = x;
    seen[x] = true;
    while (n) {
        NjBlkId b = stack[--n];
        for (unsigned i = 0; i < nj_blk(f, b)->nsucc; i++) {
            NjBlkId to = nj_blk(f, b)->succ[i];
            if (to == h)
                return true;
            if (!seen[to] && dom[h][to]) {
                seen[to] = true;
                stack[n++] = to;
            }
        }
    }
    return false;
}

static void check_graph(NjFn *f)
{
    uint32_t n = f->blks.n;
    bool live[64], cut[64], dom[64][64] = {{0}};
    nj_fill_dom(f);
    reach(f, NJ_NOBLK, live);
    for (NjBlkId a = 0; a < n; a++) {
        assert_int_equal(nj_blk(f, a)->dead, !live[a]);
        reach(f, a, cut);
        for (NjBlkId b = 0; b < n; b++)
            dom[a][b] = live[a] && live[b] && !cut[b];
    }
    for (NjBlkId b = 0; b < n; b++) {
        uint32_t depth = 0, ndom = 0;
        if (!live[b])
            continue;
        for (NjBlkId a = 0; a < n; a++) {
            if (live[a])
                assert_int_equal(nj_dom(f, a, b), dom[a][b]);
            ndom += dom[a][b];
            depth += live[a] && in_loop(f, dom, a, b);
        }
        assert_int_equal(nj_blk(f, b)->depth, depth);
        uint32_t up = 1;
        for (NjBlkId i = b; i; i = nj_blk(f, i)->idom, up++)
            assert_true(dom[nj_blk(f, i)->idom][b] && nj_blk(f, nj_blk(f, i)->idom)->rpo < nj_blk(f, i)->rpo);
        assert_int_equal(up, ndom);
    }
}

static void agrees_with_the_definition(void **state)
{
    (void)state;
    NjTypes *ts = nj_types_new();
    for (int round = 0; round < 3000; round++) {
        NjArena *a = nj_arena_new();
        check_graph(random_graph(ts, a, 1 + rnd(40)));
        nj_arena_free(a);
    }
    nj_types_free(ts);
}

/* A chain whose every block may leave to one exit: what an unrolled function with checks looks like. */
static void long_chains_are_quick(void **state)
{
    (void)state;
    enum { N = 300000 };
    NjTypes *ts = nj_types_new();
    NjArena *a = nj_arena_new();
    NjFn *f = graph(ts, a, N);
    for (NjBlkId b = 0; b + 2 < N; b++) {
        nj_fn_edge(f, b, b + 1);
        nj_fn_edge(f, b, N - 1);
    }
    nj_fill_dom(f);
    assert_int_equal(nj_blk(f, N - 1)->idom, 0);
    assert_int_equal(nj_blk(f, N - 2)->idom, N - 3);
    assert_true(nj_dom(f, 7, N - 2) && !nj_dom(f, 7, N - 1));
    nj_arena_free(a);
    nj_types_free(ts);
}

/* Loops nested N deep, headers first and latches last. */
static void deep_nests_are_quick(void **state)
{
    (void)state;
    enum { N = 100000 };
    NjTypes *ts = nj_types_new();
    NjArena *a = nj_arena_new();
    NjFn *f = graph(ts, a, 2 * N + 1);
    for (NjBlkId b = 0; b < 2 * N; b++)
        nj_fn_edge(f, b, b + 1);
    for (NjBlkId h = 1; h < N; h++)
        nj_fn_edge(f, 2 * N - h, h);
    nj_fill_dom(f);
    assert_int_equal(nj_blk(f, N)->depth, N - 1);
    assert_int_equal(nj_blk(f, N + 1)->depth, N - 1);
    assert_int_equal(nj_blk(f, 2 * N - 1)->depth, 1);
    assert_int_equal(nj_blk(f, 2 * N)->depth, 0);
    nj_arena_free(a);
    nj_types_free(ts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_the_definition),
        cmocka_unit_test(long_chains_are_quick),
        cmocka_unit_test(deep_nests_are_quick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
