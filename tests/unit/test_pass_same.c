/* test_pass_same.c - passes change no result: random core functions, interpreted before and after each pass, after
 * all of them, and after a trip through text. */
#include "pass/pass.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

enum { NVARS = 6, FUEL = 200000 };

static uint64_t rnd_state;

static uint32_t rnd(uint32_t n)
{
    rnd_state = rnd_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(rnd_state >> 33) % n;
}

/* -- functions: statements, branches and counted loops over six variables ------------------------------------------ */

typedef struct Gen { NjAt at; NjFn *f; NjRef var[NVARS]; const NjType *i64, *b; uint32_t left; } Gen;

static NjRef gen_value(Gen *g)
{
    static const int64_t edge[] = {0, 1, -1, 2, 63, INT64_MAX, INT64_MIN, 255};
    int64_t number = rnd(2) ? edge[rnd(NJ_COUNT(edge))] : (int64_t)rnd(1000);
    return rnd(3) ? g->var[rnd(NVARS)] : nj_fn_int(g->f, g->i64, number);
}

static NjRef gen_bool(Gen *g)
{
    if (!rnd(4))
        return nj_fn_int(g->f, g->b, rnd(2));
    NjRef a = gen_value(g);
    return nj_emit(&g->at, NJ_OP_icmp, rnd(NJ_UGE + 1), g->b, 2, (NjRef[]){a, rnd(5) ? gen_value(g) : a});
}

/* To a random integer type and on to others, and back. */
static NjRef gen_casts(Gen *g, NjRef r)
{
    NjTypes *ts = g->f->types;
    for (int i = rnd(4); i-- >= 0;) {
        const NjType *from = nj_val(g->f, r)->type, *to = nj_type_int(ts, 8u << rnd(4), rnd(2));
        NjOp wider = rnd(2) ? NJ_OP_zext : NJ_OP_sext;
        NjOp op = to->bits < from->bits ? NJ_OP_trunc : to->bits == from->bits ? NJ_OP_bitcast : wider;
        r = nj_emit1(&g->at, op, to, r);
    }
    const NjType *t = nj_val(g->f, r)->type;
    return t == g->i64 ? r : nj_emit1(&g->at, t->bits == 64 ? NJ_OP_bitcast : NJ_OP_sext, g->i64, r);
}

static NjRef gen_expr(Gen *g)
{
    static const NjOp ops[] = {NJ_OP_add, NJ_OP_sub, NJ_OP_mul, NJ_OP_and, NJ_OP_or, NJ_OP_xor};
    static const NjOp shifts[] = {NJ_OP_shl, NJ_OP_lshr, NJ_OP_ashr};
    static const NjOp divs[] = {NJ_OP_sdiv, NJ_OP_udiv, NJ_OP_srem, NJ_OP_urem};
    NjRef a = gen_value(g), b = gen_value(g);
    switch (rnd(8)) {
    case 0: return nj_emit2(&g->at, shifts[rnd(3)], NULL, a, nj_fn_int(g->f, g->i64, rnd(64)));
    case 1: return nj_emit2(&g->at, divs[rnd(4)], NULL, a, nj_fn_int(g->f, g->i64, 1 + rnd(9)));
    case 2: return nj_emit3(&g->at, NJ_OP_select, g->i64, gen_bool(g), a, b);
    case 3: return gen_casts(g, a);
    default: return nj_emit2(&g->at, ops[rnd(NJ_COUNT(ops))], NULL, a, rnd(6) ? b : a);
    }
}

static void gen_list(Gen *g, int depth);

static void gen_if(Gen *g, int depth)
{
    NjFn *f = g->f;
    NjRef was[NVARS], yes[NVARS];
    NjBlkId t = nj_fn_blk(f), e = nj_fn_blk(f), end = nj_fn_blk(f);
    memcpy(was, g->var, sizeof was);
    nj_emit_condbr(&g->at, gen_bool(g), t, e);
    g->at.b = t;
    gen_list(g, depth - 1);
    nj_emit_br(&g->at, end);
    memcpy(yes, g->var, sizeof yes);
    memcpy(g->var, was, sizeof was);
    g->at.b = e;
    if (rnd(2))
        gen_list(g, depth - 1);
    nj_emit_br(&g->at, end);
    g->at.b = end;
    for (int i = 0; i < NVARS; i++) {
        NjRef phi = nj_emit_phi(f, end, g->i64, 2);
        nj_val(f, phi)->args[0] = yes[i];
        nj_val(f, phi)->args[1] = g->var[i];
        g->var[i] = phi;
    }
}

/* Both edges to one block, whose phis tell them apart. */
static void gen_twin(Gen *g)
{
    NjFn *f = g->f;
    NjBlkId end = nj_fn_blk(f);
    nj_emit_condbr(&g->at, gen_bool(g), end, end);
    for (int i = 0; i < NVARS; i += 1 + (int)rnd(3)) {
        NjRef phi = nj_emit_phi(f, end, g->i64, 2);
        nj_val(f, phi)->args[0] = g->var[i];
        nj_val(f, phi)->args[1] = g->var[(i + 1) % NVARS] == g->var[i] ? g->var[i] : nj_fn_int(f, g->i64, rnd(9));
        g->var[i] = phi;
    }
    g->at.b = end;
}

static void gen_loop(Gen *g, int depth)
{
    NjFn *f = g->f;
    NjRef phi[NVARS + 1];
    NjBlkId head = nj_fn_blk(f), body = nj_fn_blk(f), out = nj_fn_blk(f);
    nj_emit_br(&g->at, head);
    for (int i = 0; i <= NVARS; i++) {
        phi[i] = nj_emit_phi(f, head, g->i64, 2);
        nj_val(f, phi[i])->args[0] = i < NVARS ? g->var[i] : nj_fn_int(f, g->i64, 0);
        if (i < NVARS)
            g->var[i] = phi[i];
    }
    g->at.b = head;
    NjRef end[] = {phi[NVARS], nj_fn_int(f, g->i64, rnd(4))};
    nj_emit_condbr(&g->at, nj_emit(&g->at, NJ_OP_icmp, NJ_SLT, g->b, 2, end), body, out);
    g->at.b = body;
    gen_list(g, depth - 1);
    NjRef next = nj_emit2(&g->at, NJ_OP_addnw, NULL, phi[NVARS], nj_fn_int(f, g->i64, 1));
    nj_emit_br(&g->at, head);
    for (int i = 0; i <= NVARS; i++)
        nj_val(f, phi[i])->args[1] = i < NVARS ? g->var[i] : next;
    memcpy(g->var, phi, sizeof g->var);
    g->at.b = out;
}

static void gen_list(Gen *g, int depth)
{
    for (uint32_t n = 1 + rnd(4); n-- && g->left;) {
        g->left--;
        switch (depth > 0 ? rnd(9) : 9) {
        case 0: gen_twin(g); break;
        case 1: case 2: gen_if(g, depth); break;
        case 3: case 4: gen_loop(g, depth); break;
        default: {
            uint32_t to = rnd(NVARS);
            g->var[to] = rnd(8) ? gen_expr(g) : gen_value(g);
        }
        }
    }
}

static NjFn *gen_fn(NjTypes *ts, NjArena *a, NjDiags *d, uint32_t size)
{
    Gen g = {.f = nj_fn_new(ts, a, d, "r"), .left = size};
    g.i64 = nj_type_int(ts, 64, true);
    g.b = nj_type_scalar(ts, NJ_T_BOOL);
    g.f->core = true;
    for (int i = 0; i < NVARS; i++)
        g.var[i] = nj_fn_param(g.f, g.i64, NULL);
    g.at = (NjAt){.f = g.f, .b = nj_fn_blk(g.f)};
    while (g.left)
        gen_list(&g, 3);
    NjRef sum = g.var[0];
    for (int i = 1; i < NVARS; i++)
        sum = nj_emit2(&g.at, i % 2 ? NJ_OP_xor : NJ_OP_add, NULL, sum, g.var[i]);
    g.f->rets = nj_arena_copy(a, &g.i64, sizeof g.i64);
    g.f->nrets = 1;
    nj_emit1(&g.at, NJ_OP_ret, NULL, sum);
    return g.f;
}

/* -- an interpreter, by the book: every value is 64 bits, cut to its type when written ----------------------------- */

static uint64_t zero_above(uint64_t u, unsigned w) { return w < 64 ? u & ((1ull << w) - 1) : u; }
static int64_t sign_above(uint64_t u, unsigned w) { return (int64_t)(u << (64 - w)) >> (64 - w); }

static uint64_t eval(const NjFn *f, const NjVal *v, const uint64_t *at)
{
    unsigned w = v->nargs ? nj_arg(f, v, 0)->type->bits : 64;
    uint64_t a = v->nargs > 0 ? at[v->args[0]] : 0, b = v->nargs > 1 ? at[v->args[1]] : 0;
    int64_t sa = sign_above(a, w), sb = sign_above(b, w);
    switch (v->op) {
    case NJ_OP_add: case NJ_OP_addnw: return a + b;
    case NJ_OP_sub: return a - b;
    case NJ_OP_mul: return a * b;
    case NJ_OP_and: return a & b;
    case NJ_OP_or: return a | b;
    case NJ_OP_xor: return a ^ b;
    case NJ_OP_shl: return a << b;
    case NJ_OP_lshr: return a >> b;
    case NJ_OP_ashr: return (uint64_t)(sa >> b);
    case NJ_OP_sdiv: return (uint64_t)(sa / sb);
    case NJ_OP_udiv: return a / b;
    case NJ_OP_srem: return (uint64_t)(sa % sb);
    case NJ_OP_urem: return a % b;
    case NJ_OP_trunc: case NJ_OP_zext: case NJ_OP_bitcast: return a;
    case NJ_OP_sext: return (uint64_t)sa;
    case NJ_OP_select: return a ? b : at[v->args[2]];
    case NJ_OP_icmp:
        switch (v->sub) {
        case NJ_EQ: return a == b;
        case NJ_NE: return a != b;
        case NJ_SLT: return sa < sb;
        case NJ_SLE: return sa <= sb;
        case NJ_SGT: return sa > sb;
        case NJ_SGE: return sa >= sb;
        case NJ_ULT: return a < b;
        case NJ_ULE: return a <= b;
        case NJ_UGT: return a > b;
        case NJ_UGE: return a >= b;
        }
    }
    fail_msg("no such operation: %s", nj_op_info[v->op].word);
    return 0;
}

/* Along the edge number `which` of `from`. */
static void eval_phis(const NjFn *f, NjBlkId from, unsigned which, uint64_t *at, uint64_t *next)
{
    NjBlkId to = nj_blk(f, from)->succ[which];
    const NjBlk *k = nj_blk(f, to);
    uint32_t i = 0;
    unsigned skip = which == 1 && nj_blk(f, from)->succ[0] == to;
    while (i < k->preds.n && (k->preds.at[i] != from || skip--))
        i++;
    assert_true(i < k->preds.n);
    for (NjRef r = k->first; nj_val(f, r)->op == NJ_OP_phi; r = nj_val(f, r)->next)
        next[r] = at[nj_val(f, r)->args[i]];
    for (NjRef r = k->first; nj_val(f, r)->op == NJ_OP_phi; r = nj_val(f, r)->next)
        at[r] = next[r];
}

static uint64_t run(const NjFn *f, const int64_t *params)
{
    uint64_t *at = calloc(f->vals.n, 8), *next = calloc(f->vals.n, 8);
    for (NjRef r = 1; r < f->vals.n; r++) {
        int64_t i;
        if (nj_const_int(f, r, &i))
            at[r] = zero_above((uint64_t)i, nj_val(f, r)->type->bits);
    }
    for (uint32_t i = 0; i < f->nparams; i++)
        at[f->params[i]] = (uint64_t)params[i];
    NjBlkId b = 0;
    for (int fuel = FUEL; fuel--;) {
        NjRef r = nj_blk(f, b)->first;
        for (; nj_val(f, r)->op == NJ_OP_phi; r = nj_val(f, r)->next)
            ;
        for (; !nj_op_has(nj_val(f, r)->op, 'T'); r = nj_val(f, r)->next)
            at[r] = zero_above(eval(f, nj_val(f, r), at), nj_val(f, r)->type->bits);
        const NjVal *t = nj_val(f, r);
        if (t->op == NJ_OP_ret) {
            uint64_t result = at[t->args[0]];
            free(at);
            free(next);
            return result;
        }
        unsigned which = t->op == NJ_OP_condbr && !at[t->args[0]];
        eval_phis(f, b, which, at, next);
        b = nj_blk(f, b)->succ[which];
    }
    fail_msg("no end");
    return 0;
}

/* -- tests --------------------------------------------------------------------------------------------------------- */

static const int64_t inputs[][NVARS] = {
    {0, 0, 0, 0, 0, 0}, {1, -1, 2, -2, 3, -3}, {INT64_MAX, INT64_MIN, 255, 256, -128, 1ll << 32},
    {7, 11, 13, 17, 19, 23},
};

static void assert_same(const NjFn *f, const uint64_t *want, const char *after)
{
    NjText t;
    nj_text_init(&t);
    bool ok = nj_ir_check(f, &t);
    for (size_t i = 0; ok && i < NJ_COUNT(inputs); i++)
        ok = run(f, inputs[i]) == want[i];
    if (!ok) {
        nj_ir_print_plain(&t, f);
        fail_msg("after %s:\n%s", after, t.at);
    }
    nj_text_free(&t);
}

static void through_text(NjFn *f, const uint64_t *want)
{
    NjArena *a = nj_arena_new();
    NjDiags d = {.arena = a};
    NjFn **fns;
    uint32_t n;
    NjText t;
    nj_text_init(&t);
    nj_ir_print(&t, f);
    assert_int_equal(nj_ir_parse(f->types, a, &d, t.at, t.n, &fns, &n), NJ_OK);
    assert_same(fns[0], want, "text");
    nj_text_free(&t);
    nj_arena_free(a);
}

static void passes_change_no_result(void **state)
{
    (void)state;
    NjTypes *ts = nj_types_new();
    uint32_t before = 0, after = 0;
    for (uint64_t seed = 1; seed <= 400; seed++) {
        NjArena *a = nj_arena_new();
        NjDiags d = {.arena = a};
        uint64_t want[NJ_COUNT(inputs)];
        rnd_state = seed;
        NjFn *f = gen_fn(ts, a, &d, 5 + rnd(60));
        for (size_t i = 0; i < NJ_COUNT(inputs); i++)
            want[i] = run(f, inputs[i]);
        assert_same(f, want, "the generator");
        through_text(f, want);
        for nj_each_blk(f, b)
            for nj_each_val(f, b, r)
                before++;
        for (int i = 0; i < 12; i++) {
            const char *name = nj_passes[rnd(4)].name;
            assert_int_equal(nj_pass_run(f, name), NJ_OK);
            assert_same(f, want, name);
        }
        assert_int_equal(nj_pass_run_level(f, true), NJ_OK);
        assert_same(f, want, "all passes");
        through_text(f, want);
        for nj_each_blk(f, b)
            for nj_each_val(f, b, r)
                after++;
        nj_arena_free(a);
    }
    nj_types_free(ts);
    assert_true(after < before / 2);          /* else the passes did nothing, and the test says nothing */
}

/* Nothing recurses as deep as a program is long. How the work grows is counted by tests/py/test_compile.py. */
static void passes_take_a_long_function(void **state)
{
    (void)state;
    NjTypes *ts = nj_types_new();
    NjArena *a = nj_arena_new();
    NjDiags d = {.arena = a};
    rnd_state = 99;
    NjFn *f = gen_fn(ts, a, &d, 64000);
    uint64_t want = run(f, inputs[0]);
    assert_int_equal(nj_pass_run_level(f, true), NJ_OK);
    assert_true(nj_ir_check(f, NULL));
    assert_true(run(f, inputs[0]) == want);
    assert_false(nj_arena_failed(a));
    nj_arena_free(a);
    nj_types_free(ts);
}

int main(void)
{
    setenv("NAJA_CHECK", "0", 1);
    nj_knobs_reload();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passes_change_no_result), cmocka_unit_test(passes_take_a_long_function),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
