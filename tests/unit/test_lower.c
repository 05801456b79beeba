/* test_lower.c - lowering and emission from C: results against C's own arithmetic, every allocation failing in turn,
 * deep calls.
 *
 * Functions come as typed text; they are lowered, emitted, compiled by libnaja_llvm.so where there is one, and called.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

#include "cpu/cpu.h"
#include "cuda/cuda.h"
#include "run/unit.h"

extern const NjTarget nj_cpu_target, nj_cpudev_target, nj_cuda_target, nj_nvptx_target;

typedef int32_t (*Entry)(const uint64_t *args, uint64_t *ret);
typedef struct Built { NjCtx *ctx; NjUnit *u; NjCpuCode *code; Entry entry; NjStatus st; } Built;

/* -- text -> code -------------------------------------------------------------------------------------------------- */

/* fail_at: which allocation after reading the text fails; -1 for none. */
static NjStatus lower_text(NjUnit *u, const char *text, long fail_at)
{
    NjFn **fns;
    uint32_t n;
    NjStatus st = nj_ir_parse(u->ctx->types, u->arena, &u->diags, text, strlen(text), &fns, &n);
    for (uint32_t i = 0; !st && i < n; i++) {
        fns[i]->spec->unit = u;
        fns[i]->spec->py = fns[i];
        if (!nj_vec_push(u->arena, &u->specs, fns[i]->spec))
            return NJ_E_NOMEM;
    }
    nj_alloc_fail_at(fail_at);
    for (uint32_t i = 0; !st && i < u->specs.n; i++)
        st = nj_lower(u->specs.at[i]);
    if (!st)
        u->root = u->specs.at[0]->py->kernel ? NJ_ROOT_KERNEL : u->target->raises ? NJ_ROOT_FUNC : NJ_ROOT_DEVICE;
    st = st ? st : nj_emit_unit(u);
    nj_alloc_fail_at(-1);
    return st;
}

static Built build_text(const char *text)
{
    Built b = {.ctx = nj_ctx_new()};
    NjOpts opts = {0};
    NjText obj;
    NjErr err = {0};
    b.u = nj_unit_new(b.ctx, &nj_cpu_target, &opts);
    b.st = lower_text(b.u, text, -1);
    nj_text_init(&obj);
    if (!b.st)
        b.st = nj_cpu_llvm_compile(NJ_LLVM_OBJECT, b.u->llvm.at, b.u->llvm.n, NULL, &obj, &err);
    if (!b.st)
        b.st = nj_cpu_code_load(obj.at, obj.n, "test", NULL, NULL, &b.code, &err);
    if (b.st)
        print_error("%s\n%s\n", err.text, b.u->llvm.at ? b.u->llvm.at : "");
    else
        b.entry = (Entry)(uintptr_t)nj_cpu_code_find(b.code, b.u->entry);
    nj_text_free(&obj);
    return b;
}

static void drop(Built *b)
{
    nj_cpu_code_release(b->code);
    nj_unit_free(b->u);
    nj_ctx_free(b->ctx);
}

#define BINARY(op, t, r)                                                                                               \
    "func @f.0(%1: " t " \"a\", %2: " t " \"b\") -> " r " {\nb0:\n    %3: " r " = py.binop." op                        \
    " %1, %2\n    ret %3\n}\n"

/* -- results ------------------------------------------------------------------------------------------------------- */

static int64_t floor_div(int64_t a, int64_t b)
{
    if (b == -1)
        return a == INT64_MIN ? 0 : -a;
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

static int64_t floor_mod(int64_t a, int64_t b)
{
    int64_t r = b == -1 ? 0 : a % b;
    return r && (r < 0) != (b < 0) ? r + b : r;
}

static const int64_t edges[] = {0,  1,  -1, 2,         -2,        3,         7,         -7,
                                63, 64, 65, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN, INT64_MIN + 1};

typedef int64_t (*IntRef)(int64_t, int64_t);

static void check_ints(const char *text, IntRef want, bool zero_raises)
{
    Built b = build_text(text);
    assert_int_equal(b.st, NJ_OK);
    for (size_t i = 0; i < NJ_COUNT(edges); i++)
        for (size_t k = 0; k < NJ_COUNT(edges); k++) {
            uint64_t args[2] = {(uint64_t)edges[i], (uint64_t)edges[k]}, ret = 99;
            int32_t status = b.entry(args, &ret);
            if (zero_raises && !edges[k]) {
                assert_int_equal(status, 1);
                assert_string_equal(b.u->excs.at[0].exc, "ZeroDivisionError");
                continue;
            }
            assert_int_equal(status, 0);
            assert_int_equal((int64_t)ret, want(edges[i], edges[k]));
        }
    drop(&b);
}

static int64_t shift_right(int64_t a, int64_t b) { return a >> (b > 63 || b < 0 ? 63 : b); }
static int64_t wrap_add(int64_t a, int64_t b) { return (int64_t)((uint64_t)a + (uint64_t)b); }
static int64_t wrap_mul(int64_t a, int64_t b) { return (int64_t)((uint64_t)a * (uint64_t)b); }

static void test_integers(void **state)
{
    (void)state;
    check_ints(BINARY("floordiv", "i64", "i64"), floor_div, true);
    check_ints(BINARY("mod", "i64", "i64"), floor_mod, true);
    check_ints(BINARY("add", "i64", "i64"), wrap_add, false);
    check_ints(BINARY("mul", "i64", "i64"), wrap_mul, false);
}

static void test_shift(void **state)
{
    (void)state;
    Built b = build_text(BINARY("rshift", "i64", "i64"));
    assert_int_equal(b.st, NJ_OK);
    for (size_t i = 0; i < NJ_COUNT(edges); i++)
        for (size_t k = 0; k < NJ_COUNT(edges); k++) {
            uint64_t args[2] = {(uint64_t)edges[i], (uint64_t)edges[k]}, ret = 99;
            int32_t status = b.entry(args, &ret);
            assert_int_equal(status, edges[k] < 0);      /* ValueError: negative shift count */
            if (!status)
                assert_int_equal((int64_t)ret, shift_right(edges[i], edges[k]));
        }
    drop(&b);
}

/* CPython's float_divmod in C. */
static double float_floor(double a, double b)
{
    double mod = fmod(a, b), div = (a - mod) / b;
    if (mod != 0 && (b < 0) != (mod < 0))
        div -= 1;
    if (div == 0)
        return copysign(0, a / b);
    double down = floor(div);
    return div - down > 0.5 ? down + 1 : down;
}

static double float_mod(double a, double b)
{
    double mod = fmod(a, b);
    if (mod == 0)
        return copysign(0, b);
    return (b < 0) != (mod < 0) ? mod + b : mod;
}

static const double floats[] = {0.0, -0.0, 1, -1, 0.1, -0.1, 2.5, -7.25, 1e300, -1e-300, 5e-324, 1e17, 3};

static void check_floats(const char *text, double (*want)(double, double))
{
    Built b = build_text(text);
    assert_int_equal(b.st, NJ_OK);
    for (size_t i = 0; i < NJ_COUNT(floats); i++)
        for (size_t k = 0; k < NJ_COUNT(floats); k++) {
            uint64_t args[2], ret = 99, bits;
            memcpy(&args[0], &floats[i], 8);
            memcpy(&args[1], &floats[k], 8);
            int32_t status = b.entry(args, &ret);
            assert_int_equal(status, floats[k] == 0);
            double x = status ? 0 : want(floats[i], floats[k]);
            memcpy(&bits, &x, 8);
            if (!status)
                assert_int_equal(ret, bits);
        }
    drop(&b);
}

static void test_floats(void **state)
{
    (void)state;
    check_floats(BINARY("floordiv", "f64", "f64"), float_floor);
    check_floats(BINARY("mod", "f64", "f64"), float_mod);
}

/* Conversions of what does not fit: x86's answers, and the same when LLVM can fold them. */
static void test_conversions(void **state)
{
    (void)state;
    Built b = build_text("func @f.0(%1: f64 \"x\") -> tuple(i64,u8,i32) {\nb0:\n"
                         "    %2: i64 = py.cast %1\n    %3: u8 = py.cast %1\n    %4: i32 = py.cast %1\n"
                         "    %5: tuple(i64,u8,i32) = py.tuple %2, %3, %4\n    ret %5\n}\n");
    const double in[] = {-1.0, 300.0, 2.9};
    const int64_t want[][3] = {{-1, 255, -1}, {300, 44, 300}, {2, 2, 2}};
    assert_int_equal(b.st, NJ_OK);
    for (size_t i = 0; i < NJ_COUNT(in); i++) {
        uint64_t arg, ret[3] = {0};
        memcpy(&arg, &in[i], 8);
        assert_int_equal(b.entry(&arg, ret), 0);
        assert_int_equal((int64_t)ret[0], want[i][0]);
        assert_int_equal((uint8_t)ret[1], want[i][1]);
        assert_int_equal((int32_t)ret[2], want[i][2]);
    }
    drop(&b);
}

/* -- trouble ------------------------------------------------------------------------------------------------------- */

static const char big_text[] =
    "func @f.0(%1: array(f64,2,A) \"a\", %2: i64 \"n\") -> f64 {\nb0:\n"
    "    %3: slice = py.slice 1:i64, None:none, 2:i64\n"
    "    %4: tuple(slice,i64) = py.tuple %3, -1:i64\n"
    "    %5: array(f64,1,A) = py.getitem %1, %4\n"
    "    py.setitem %5, %3, 2.5:f64\n"
    "    %6: range(i64) = py.call <builtins.range>:obj, %2 => <builtins.range>\n"
    "    %7: iter(range(i64)) = py.iter %6\n"
    "    br b1\n"
    "b1:\n"
    "    %8: f64 = phi [b0: 0.0:f64, b2: %12]\n"
    "    %9: bool = py.next %7\n"
    "    condbr %9, b2, b3\n"
    "b2:\n"
    "    %10: i64 = py.value %7\n"
    "    %11: f64 = py.getitem %5, %10\n"
    "    %12: f64 = py.binop.mod %8, %11\n"
    "    br b1\n"
    "b3:\n"
    "    ret %8\n}\n";

static NjStatus lower_once(const NjTarget *target, long fail_at)
{
    NjCtx *ctx = nj_ctx_new();
    NjOpts opts = {0};
    NjUnit *u = ctx ? nj_unit_new(ctx, target, &opts) : NULL;
    NjStatus st = u ? lower_text(u, big_text, fail_at) : NJ_E_NOMEM;
    nj_unit_free(u);
    nj_ctx_free(ctx);
    return st;
}

static void test_no_memory(void **state)
{
    (void)state;
    const NjTarget *targets[] = {&nj_cpu_target, &nj_cpudev_target, &nj_cuda_target, &nj_nvptx_target};
    for (size_t t = 0; t < NJ_COUNT(targets); t++) {
        assert_int_equal(lower_once(targets[t], -1), NJ_OK);
        for (long n = 1; ; n++) {
            NjStatus st = lower_once(targets[t], n);
            if (st == NJ_OK)
                break;
            assert_int_equal(st, NJ_E_NOMEM);
            assert_true(n < 100000);
        }
    }
}

/* What no target can do is said at its place, and is no defect. */
static void test_refused(void **state)
{
    (void)state;
    NjCtx *ctx = nj_ctx_new();
    NjOpts opts = {0};
    NjUnit *u = nj_unit_new(ctx, &nj_cpu_target, &opts);
    const char *text =
        "func @f.0(%1: c128 \"a\") -> c128 {\nb0:\n    %2: c128 = py.binop.floordiv %1, %1\n    ret %2\n}\n";
    assert_int_equal(lower_text(u, text, -1), NJ_E_NYI);
    assert_int_equal(u->diags.list.n, 1);
    assert_int_equal(u->diags.list.at[0]->code, NJ_ERR_NYI_TYPED);
    nj_unit_free(u);
    nj_ctx_free(ctx);
}

static bool have_llvm(void)
{
    NjErr err;
    return nj_cpu_llvm(&err) != NULL;
}

int main(void)
{
#ifdef NJ_TEST_LLVM
    setenv("NAJA_LIBLLVM", NJ_TEST_LLVM, 0);
#endif
    const struct CMUnitTest compiled[] = {
        cmocka_unit_test(test_integers), cmocka_unit_test(test_shift), cmocka_unit_test(test_floats),
        cmocka_unit_test(test_conversions),
    };
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_no_memory), cmocka_unit_test(test_refused)};
    int bad = cmocka_run_group_tests(tests, NULL, NULL);
    return have_llvm() ? bad | cmocka_run_group_tests(compiled, NULL, NULL) : bad;
}
