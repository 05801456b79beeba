/* test_type_infer.c - inference on functions read from text: without memory, and what Python source cannot easily show.
 *
 * The golden tests in tests/golden/infer walk the rules from Python source; these need no Python.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "run/unit.h"

static const char loop[] =
    "func @loop(%1 \"n\", %2 \"a\", %3 \"s\") {\n"
    "b0:\n"
    "    %4 = py.call <builtins.range>, %1\n"
    "    %5 = py.iter %4\n"
    "    br b1\n"
    "b1:\n"
    "    %6 = phi [b0: 0, b2: %9] \"acc\"\n"
    "    %7 = py.next %5\n"
    "    condbr %7, b2, b3\n"
    "b2:\n"
    "    %8 = py.value %5 \"i\"\n"
    "    %10 = py.getitem %2, %8\n"
    "    %9 = py.inplace.add %6, %10\n"
    "    br b1\n"
    "b3:\n"
    "    %11 = py.cmp.is %3, None\n"
    "    %12 = py.truth %11\n"
    "    condbr %12, b4, b5\n"
    "b4:\n"
    "    ret %6\n"
    "b5:\n"
    "    %13 = py.binop.mul %6, %3\n"
    "    ret %13\n"
    "}\n";

static const char clash[] =
    "func @clash(%1 \"a\", %2 \"n\") {\n"
    "b0:\n"
    "    %3 = py.binop.add %1, %2 \"x\"\n"
    "    %4 = py.getitem %1, 1.5\n"
    "    %5 = py.binop.add %3, 1\n"
    "    ret %5\n"
    "}\n";

typedef struct World { NjCtx *ctx; NjUnit *unit; NjSpec *spec; NjCode code; } World;

/* A unit whose root is the function of `text`, for argument types as in a signature. */
static bool open_world(World *w, const char *text, const char *args)
{
    static const NjOpts opts;
    NjFn **fns;
    uint32_t n;
    NjSig sig;
    *w = (World){.ctx = nj_ctx_new()};
    w->unit = w->ctx ? nj_unit_new(w->ctx, NULL, &opts) : NULL;
    if (!w->unit || nj_sig_parse(w->ctx->types, w->unit->arena, args, &sig, NULL))
        return false;
    if (nj_ir_parse(w->ctx->types, w->unit->arena, &w->unit->diags, text, strlen(text), &fns, &n) || n != 1)
        return false;
    w->code = (NjCode){.name = fns[0]->name, .nargs = sig.nargs};
    w->spec = nj_unit_spec(w->unit, &w->code, sig.args, sig.nargs, NULL);
    if (w->spec)
        w->spec->py = fns[0];
    return w->spec != NULL;
}

static void close_world(World *w)
{
    nj_unit_free(w->unit);
    nj_ctx_free(w->ctx);
}

static void infer_returns(const char *args, const char *want, bool multiplies)
{
    World w;
    NjText out;
    assert_true(open_world(&w, loop, args));
    assert_int_equal(nj_infer(w.spec), NJ_OK);
    assert_string_equal(w.spec->py->ret->code, want);
    nj_text_init(&out);
    if (!nj_ir_check(w.spec->py, &out))
        fail_msg("%s", out.at);
    nj_text_free(&out);
    nj_text_init(&out);
    nj_ir_print(&out, w.spec->py);
    assert_int_equal(strstr(out.at, "py.binop.mul") != NULL, multiplies);
    nj_text_free(&out);
    close_world(&w);
}

static void a_loop_widens_and_none_prunes(void **state)
{
    infer_returns("(i8, f4[:], none)", "f64", false);
    infer_returns("(i4, i4[::1], none)", "i64", false);
    infer_returns("(i4, i4[::1], f4)", "f64", true);
    infer_returns("(u8, c8[::1], i1)", "c128", true);
    infer_returns("(u8, f8[::1], Optional(i8))", "f64", true);
}

/* Two mistakes are two diagnostics; what follows from them is none. */
static void every_mistake_once(void **state)
{
    World w;
    assert_true(open_world(&w, clash, "(f8[:], i8)"));
    assert_int_equal(nj_infer(w.spec), NJ_E_USER);
    assert_int_equal(w.unit->diags.list.n, 2);
    assert_int_equal(w.unit->diags.list.at[0]->code, NJ_ERR_NYI_ARRAY);
    assert_int_equal(w.unit->diags.list.at[1]->code, NJ_ERR_TYPE_INDEX);
    assert_int_equal(w.spec->state, NJ_SPEC_FAILED);
    close_world(&w);
}

/* Whichever allocation fails, inference ends in an answer: right, or out of memory. */
static void allocation_failures(void **state)
{
    int refused = 0;
    for (long n = 1; n < 400; n++) {
        World w;
        nj_alloc_fail_at(n);
        if (open_world(&w, loop, "(i8, f4[:], f4)")) {
            NjStatus st = nj_infer(w.spec);
            assert_true(st == NJ_OK || st == NJ_E_NOMEM);
            refused += st == NJ_E_NOMEM;
        }
        nj_alloc_fail_at(-1);
        close_world(&w);
    }
    assert_true(refused > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_loop_widens_and_none_prunes),
                                       cmocka_unit_test(every_mistake_once), cmocka_unit_test(allocation_failures)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
