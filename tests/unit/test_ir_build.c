/* test_ir_build.c - the builder and the editor: interned constants, links, edges and the phi arguments that go with
 * them. */
#include "ir/ir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

typedef struct Room {
    NjTypes *ts;
    NjArena *a;
    NjDiags d;
    NjFn *f;
    const NjType *i64, *i8, *u8, *u64, *f64, *f32, *b;
} Room;

static int room_open(void **state)
{
    Room *r = calloc(1, sizeof *r);
    r->ts = nj_types_new();
    r->a = nj_arena_new();
    r->d.arena = r->a;
    r->f = nj_fn_new(r->ts, r->a, &r->d, "t");
    r->f->core = true;
    r->i64 = nj_type_int(r->ts, 64, true);
    r->i8 = nj_type_int(r->ts, 8, true);
    r->u8 = nj_type_int(r->ts, 8, false);
    r->u64 = nj_type_int(r->ts, 64, false);
    r->f64 = nj_type_float(r->ts, 64);
    r->f32 = nj_type_float(r->ts, 32);
    r->b = nj_type_scalar(r->ts, NJ_T_BOOL);
    *state = r;
    return 0;
}

static int room_close(void **state)
{
    Room *r = *state;
    nj_arena_free(r->a);
    nj_types_free(r->ts);
    free(r);
    return 0;
}

static void assert_text(const NjFn *f, const char *want)
{
    NjText t;
    nj_text_init(&t);
    nj_ir_print_plain(&t, f);
    assert_string_equal(t.at, want);
    nj_text_free(&t);
}

static void assert_good(const NjFn *f)
{
    NjText t;
    nj_text_init(&t);
    bool ok = nj_ir_check(f, &t);
    if (!ok)
        fputs(t.at, stderr);
    nj_text_free(&t);
    assert_true(ok);
}

static void constants_are_interned_by_value_and_type(void **state)
{
    Room *r = *state;
    NjFn *f = r->f;
    int64_t i;
    assert_int_equal(nj_fn_int(f, r->i64, 5), nj_fn_int(f, r->i64, 5));
    assert_int_not_equal(nj_fn_int(f, r->i64, 5), nj_fn_int(f, r->i8, 5));
    assert_int_equal(nj_fn_int(f, r->i8, 255), nj_fn_int(f, r->i8, -1));
    assert_int_equal(nj_fn_int(f, r->u8, 255), nj_fn_int(f, r->u8, -1));
    assert_true(nj_const_int(f, nj_fn_int(f, r->u8, -1), &i) && i == 255);
    assert_true(nj_const_int(f, nj_fn_int(f, r->i8, 128), &i) && i == -128);
    assert_true(nj_const_int(f, nj_fn_int(f, r->b, 3), &i) && i == 1);
    assert_int_equal(nj_fn_float(f, r->f64, 0.0), nj_fn_float(f, r->f64, 0.0));
    assert_int_not_equal(nj_fn_float(f, r->f64, 0.0), nj_fn_float(f, r->f64, -0.0));
    assert_int_equal(nj_fn_float(f, r->f32, 0.1), nj_fn_float(f, r->f32, (double)0.1f));
    assert_int_equal(nj_fn_undef(f, r->f64), nj_fn_undef(f, r->f64));
    assert_int_not_equal(nj_fn_undef(f, NULL), nj_fn_undef(f, NULL));
    assert_false(nj_const_int(f, nj_fn_float(f, r->f64, 1.0), &i));
}

static void texts_and_tuples_are_interned_by_content(void **state)
{
    Room *r = *state;
    NjFn *f = r->f;
    char one[] = "abc", two[] = "abc";
    NjConst s1 = {.kind = NJ_C_STR, .str = {one, 3}}, s2 = {.kind = NJ_C_STR, .str = {two, 3}};
    NjConst s3 = {.kind = NJ_C_STR, .str = {two, 2}};
    assert_int_equal(nj_fn_const(f, &s1, NULL), nj_fn_const(f, &s2, NULL));
    assert_int_not_equal(nj_fn_const(f, &s1, NULL), nj_fn_const(f, &s3, NULL));
    NjConst n = {.kind = NJ_C_INT, .i = 7};
    const NjConst *e1[] = {&s1, &n}, *e2[] = {&s2, &n}, *e3[] = {&n, &s2};
    NjConst t1 = {.kind = NJ_C_TUPLE, .tuple = {.at = e1, .n = 2}}, t2 = t1, t3 = t1;
    t2.tuple.at = e2;
    t3.tuple.at = e3;
    assert_int_equal(nj_fn_const(f, &t1, NULL), nj_fn_const(f, &t2, NULL));
    assert_int_not_equal(nj_fn_const(f, &t1, NULL), nj_fn_const(f, &t3, NULL));
    const char *xy[] = {"x", "y"};
    t2.tuple.names = xy;
    assert_int_not_equal(nj_fn_const(f, &t1, NULL), nj_fn_const(f, &t2, NULL));
}

/* A typed constant out of a NjConst and one made by number are the same value; so is a NumPy scalar's of its own
 * type. */
static void numbers_meet_whichever_way_they_are_made(void **state)
{
    Room *r = *state;
    NjConst k = {.kind = NJ_C_INT, .i = 5};
    assert_int_equal(nj_fn_const(r->f, &k, r->i64), nj_fn_int(r->f, r->i64, 5));
    NjConst np = {.kind = NJ_C_INT, .i = 5, .type = r->i8};
    assert_ptr_equal(nj_val(r->f, nj_fn_const(r->f, &np, NULL))->type, r->i8);
    int64_t i;
    NjConst big = {.kind = NJ_C_UINT, .u = UINT64_MAX};
    assert_false(nj_const_int(r->f, nj_fn_const(r->f, &big, NULL), &i));
    assert_true(nj_const_int(r->f, nj_fn_const(r->f, &big, r->u64), &i) && i == -1);
}

static void values_link_move_and_unlink(void **state)
{
    Room *r = *state;
    NjFn *f = r->f;
    NjRef p = nj_fn_param(f, r->i64, "n");
    NjAt at = {.f = f, .b = nj_fn_blk(f)};
    NjRef a = nj_emit2(&at, NJ_OP_add, NULL, p, p);
    NjRef c = nj_emit2(&at, NJ_OP_mul, NULL, a, p);
    at.before = c;
    NjRef b = nj_emit2(&at, NJ_OP_sub, NULL, a, p);
    at.before = NJ_NOREF;
    f->rets = &r->i64;
    f->nrets = 1;
    nj_emit1(&at, NJ_OP_ret, NULL, c);
    assert_ptr_equal(nj_val(f, a)->type, r->i64);
    assert_good(f);
    assert_text(f, "core func @t(%1: i64 \"n\") parts(i64) {\nb0:\n    %2: i64 = add %1, %1\n    %4: i64 = sub %2, %1\n"
                   "    %3: i64 = mul %2, %1\n    ret %3\n}\n");
    nj_val_move(f, b, 0, nj_blk(f, 0)->last);
    nj_fn_replace(f, a, p);
    for nj_each_val(f, 0, v)
        if (v == a)
            nj_val_unlink(f, v);
    assert_good(f);
    assert_text(f, "core func @t(%1: i64 \"n\") parts(i64) {\nb0:\n    %3: i64 = mul %1, %1\n"
                   "    %4: i64 = sub %1, %1\n    ret %3\n}\n");
}

/* b0 goes to b1 twice; each edge owns an argument, and dropping one takes its own. */
static void edges_own_their_phi_arguments(void **state)
{
    Room *r = *state;
    NjFn *f = r->f;
    NjRef p = nj_fn_param(f, r->b, NULL);
    NjAt at = {.f = f, .b = nj_fn_blk(f)};
    NjBlkId to = nj_fn_blk(f), side = nj_fn_blk(f);
    nj_emit_condbr(&at, p, to, to);
    nj_emit_br(&(NjAt){.f = f, .b = side}, to);
    NjRef phi = nj_emit_phi(f, to, r->i64, 3);
    for (int i = 0; i < 3; i++)
        nj_val(f, phi)->args[i] = nj_fn_int(f, r->i64, 10 + i);
    nj_emit1(&(NjAt){.f = f, .b = to}, NJ_OP_ret, NULL, phi);
    int64_t i;
    nj_fn_drop_edge(f, 0, 1);
    assert_int_equal(nj_blk(f, 0)->nsucc, 1);
    assert_int_equal(nj_val(f, phi)->nargs, 2);
    assert_true(nj_const_int(f, nj_val(f, phi)->args[0], &i) && i == 10);
    assert_true(nj_const_int(f, nj_val(f, phi)->args[1], &i) && i == 12);
    nj_fn_drop_blk(f, side);
    assert_int_equal(nj_blk(f, to)->preds.n, 1);
    assert_true(nj_const_int(f, nj_val(f, phi)->args[0], &i) && i == 10);
    assert_true(nj_blk(f, side)->dead && !nj_blk(f, side)->first);
}

static void drop_dead_takes_every_unreachable_block(void **state)
{
    Room *r = *state;
    NjFn *f = r->f;
    for (int i = 0; i < 4; i++)
        nj_fn_blk(f);
    nj_emit_br(&(NjAt){.f = f, .b = 0}, 1);
    nj_emit_br(&(NjAt){.f = f, .b = 2}, 3);
    nj_emit_br(&(NjAt){.f = f, .b = 3}, 1);
    NjRef phi = nj_emit_phi(f, 1, r->i64, 2);
    nj_val(f, phi)->args[0] = nj_fn_int(f, r->i64, 1);
    nj_val(f, phi)->args[1] = nj_fn_int(f, r->i64, 2);
    f->rets = &r->i64;
    f->nrets = 1;
    nj_emit1(&(NjAt){.f = f, .b = 1}, NJ_OP_ret, NULL, phi);
    nj_fill_dom(f);
    assert_true(nj_fn_drop_dead(f));
    assert_false(nj_fn_drop_dead(f));
    assert_int_equal(nj_val(f, phi)->nargs, 1);
    assert_good(f);
}

static void replacing_many_follows_chains(void **state)
{
    Room *r = *state;
    NjFn *f = r->f;
    enum { N = 20000 };
    NjAt at = {.f = f, .b = nj_fn_blk(f)};
    NjRef first = nj_fn_param(f, r->i64, NULL), prev = first;
    NjRef *map = NJ_NEWN(r->a, NjRef, N + 10);
    for (int i = 0; i < N; i++) {
        NjRef v = nj_emit2(&at, NJ_OP_add, NULL, prev, prev);
        map[v] = prev;
        prev = v;
    }
    NjRef ret = nj_emit1(&at, NJ_OP_ret, NULL, prev);
    nj_fn_replace_all(f, map);
    assert_int_equal(nj_val(f, ret)->args[0], first);
}

static void uses_are_grouped_by_value(void **state)
{
    Room *r = *state;
    NjFn *f = r->f;
    NjRef p = nj_fn_param(f, r->i64, NULL);
    NjAt at = {.f = f, .b = nj_fn_blk(f)};
    NjRef a = nj_emit2(&at, NJ_OP_add, NULL, p, p), b = nj_emit2(&at, NJ_OP_mul, NULL, a, p);
    nj_emit1(&at, NJ_OP_ret, NULL, b);
    NjUses *u = nj_fill_uses(f, r->a);
    assert_int_equal(u->n, 5);
    assert_int_equal(u->first[p + 1] - u->first[p], 3);
    assert_int_equal(u->users[u->first[p]], a);
    assert_int_equal(u->users[u->first[p] + 2], b);
    assert_int_equal(u->first[a + 1] - u->first[a], 1);
    assert_int_equal(u->users[u->first[a]], b);
    assert_int_equal(u->first[b + 1] - u->first[b], 1);
}

static void words_are_found_again(void **state)
{
    (void)state;
    char word[80], name[64];
    for (int op = 1; op < NJ_OP_COUNT; op++) {
        for (unsigned sub = 0; nj_sub_word((NjOp)op, sub); sub++) {
            const char *s = nj_sub_word((NjOp)op, sub);
            if (*s == '?')
                continue;
            snprintf(word, sizeof word, "%s%s%s", nj_op_info[op].word, *s ? "." : "", s);
            for (char *p = word; *p; p++)
                *p = *p >= 'A' && *p <= 'Z' ? (char)(*p + 32) : *p;
            NjOp got = NJ_OP_nop;
            unsigned variant = 99;
            assert_true(nj_op_find(word, strlen(word), &got, &variant));
            assert_int_equal(got, op);
            assert_int_equal(variant, sub);
        }
    }
    for (int i = 1; i < NJ_INTRIN_COUNT; i++)
        assert_int_equal(nj_intrin_find(nj_intrin_text((uint16_t)i, name)), i);
    assert_int_equal(nj_intrin_find("numpy.sqrt"), NJ_INTRIN_MATH_SQRT);
    assert_int_equal(nj_intrin_find("math.sqr"), NJ_INTRIN_NONE);
}

#define T(f) cmocka_unit_test_setup_teardown(f, room_open, room_close)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(constants_are_interned_by_value_and_type), T(texts_and_tuples_are_interned_by_content),
        T(numbers_meet_whichever_way_they_are_made), T(values_link_move_and_unlink), T(edges_own_their_phi_arguments),
        T(drop_dead_takes_every_unreachable_block), T(replacing_many_follows_chains), T(uses_are_grouped_by_value),
        T(words_are_found_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
