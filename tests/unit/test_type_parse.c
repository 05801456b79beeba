/* test_type_parse.c - types by name: spellings, display names, interning, parts, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "type/type.h"

static NjTypes *ts;

static const NjType *ir(const char *code)
{
    const NjType *t;
    NjErr err = {0};
    if (nj_type_parse(ts, code, NULL, &t, &err))
        fail_msg("%s", err.text);
    return t;
}

static void codes_read_back(void **state)
{
    static const char *codes[] = {
        "bool", "i8", "u8", "i64", "u64", "f32", "f64", "c64", "c128", "none", "void", "str", "obj", "slice", "error",
        "array(f64,2,C)", "array(i8,1,A,ro)", "array(c64,0,F)", "tuple()", "tuple(i64)", "tuple(i64,f64)",
        "tuple(i8,tuple(u8,f32),array(f32,1,C))", "optional(f64)", "range(i32)", "iter(range(i64))",
        "iter(enumerate(array(f64,1,C)))", "zip(array(f64,1,C),range(i64))", "iter(zip())", "dtype(f32)", "ptr(f64)",
        "ptr(ptr(i8))", "ptr(f64,shared)", "ptr(f32,const)", "ptr(i32,local)", "ptr(i32,global)",
        "record(a:i32@0,b:f64@8;16)", "named(Point,x:i64,y:f64)", "method(array(f64,1,C),LEN)"};
    for (size_t i = 0; i < NJ_COUNT(codes); i++) {
        assert_string_equal(ir(codes[i])->code, codes[i]);
        assert_ptr_equal(ir(codes[i]), ir(codes[i]));
    }
}

static void names_users_see(void **state)
{
    static const char *rows[][2] = {
        {"f64", "float64"}, {"bool", "bool"}, {"array(f64,2,C)", "array(float64, 2d, C)"},
        {"array(f64,1,C,ro)", "readonly array(float64, 1d, C)"}, {"tuple(i64,i64)", "UniTuple(int64 x 2)"},
        {"tuple(i64,f64)", "Tuple(int64, float64)"}, {"tuple()", "Tuple()"}, {"optional(i64)", "OptionalType(int64)"},
        {"none", "none"}, {"dtype(f32)", "class(float32)"}, {"named(Point,x:i64,y:i64)", "Point(int64 x 2)"},
        {"record(a:i32@0,b:f64@4;12)", "Record(a[type=int32;offset=0],b[type=float64;offset=4];12;False)"}};
    for (size_t i = 0; i < NJ_COUNT(rows); i++)
        assert_string_equal(ir(rows[i][0])->name, rows[i][1]);
}

/* {signature, result or "", arguments}: in the IR's spelling, arguments joined by a blank */
static void signatures(void **state)
{
    static const char *rows[][3] = {
        {"void(int64, f8[:])", "void", "i64 array(f64,1,A)"},
        {"(f4[:], i4)", "", "array(f32,1,A) i32"},
        {"()", "", ""}, {" int8 ( ) ", "i8", ""}, {"i8(u8, u1)", "i64", "u64 u8"},
        {"float32[:, ::1](float32[::1, :], boolean[::1])", "array(f32,2,C)", "array(f32,2,F) array(bool,1,C)"},
        {"Tuple((int64, float64))(UniTuple(int64, 2))", "tuple(i64,f64)", "tuple(i64,i64)"},
        {"void(Tuple(int64, float64), UniTuple(int64 x 3))", "void", "tuple(i64,f64) tuple(i64,i64,i64)"},
        {"Optional(float64)(OptionalType(intp))", "optional(f64)", "optional(i64)"},
        {"void(Array(float64, 2, 'C'), Array(f4, 1, 'A', readonly=True))", "void", "array(f64,2,C) array(f32,1,A,ro)"},
        {"none(readonly array(float64, 1d, C), array(i8,1,C))", "none", "array(f64,1,C,ro) array(i64,1,C)"},
        {"types.float64(np.float32, numba.types.int8, double, float_, intc, uintp)", "f64", "f32 i8 f64 f32 i32 u64"},
        {"c16(c8, complex64)", "c128", "c64 c64"}, {"int64[:,:,:](int64,)", "array(i64,3,A)", "i64"}};
    for (size_t i = 0; i < NJ_COUNT(rows); i++) {
        NjArena *a = nj_arena_new();
        NjErr err = {0};
        NjSig sig;
        NjText args;
        nj_text_init(&args);
        if (nj_sig_parse(ts, a, rows[i][0], &sig, &err))
            fail_msg("%s", err.text);
        for (unsigned k = 0; k < sig.nargs; k++)
            nj_text_fmt(&args, k ? " %s" : "%s", sig.args[k]->code);
        assert_string_equal(sig.ret ? sig.ret->code : "", rows[i][1]);
        assert_string_equal(args.at ? args.at : "", rows[i][2]);
        nj_text_free(&args);
        nj_arena_free(a);
    }
}

/* Display names come back as the same type. */
static void names_read_back(void **state)
{
    static const char *codes[] = {"i8", "u64", "c128", "array(f64,2,C)", "array(i8,1,A,ro)", "tuple(i64,f64)", "tuple(i8,i8)",
                                  "tuple()", "optional(array(f32,1,C))", "none", "slice", "dtype(f32)", "range(i32)", "str"};
    for (size_t i = 0; i < NJ_COUNT(codes); i++)
        assert_ptr_equal(ir(ir(codes[i])->name), ir(codes[i]));
}

static void refused(void **state)
{
    static const char *rows[][2] = {
        {"float65", "unknown type at column 1"}, {"float64[", "expected ':' at column 9"},
        {"float64[::1, :, ::1]", "'::1' is allowed"}, {"float64[:, ::1, :]", "'::1' is allowed"},
        {"array(f64,2)", "expected ','"}, {"array(f64,99,C)", "too many dimensions"}, {"array(f64,2,X)", "expected a layout"},
        {"tuple(i64", "expected ')'"}, {"", "expected a type at column 1"}, {"i64 i64", "unexpected text at column 5"},
        {"ptr(f64,moon)", "unknown address space"}, {"method(f64,NOPE)", "unknown method"}, {"f64[::2]", "expected '1'"}};
    for (size_t i = 0; i < NJ_COUNT(rows); i++) {
        const NjType *t;
        NjErr err = {0};
        assert_int_equal(nj_type_parse(ts, rows[i][0], NULL, &t, &err), NJ_E_USER);
        if (!strstr(err.text, rows[i][1]))
            fail_msg("%s: %s", rows[i][0], err.text);
    }
}

static void refused_signatures(void **state)
{
    static const char *rows[] = {"", "int64", "int64(", "int64(float64", "int64(x)", "int64() y", "(int64", "((((", "int64(,)"};
    NjArena *a = nj_arena_new();
    for (size_t i = 0; i < NJ_COUNT(rows); i++) {
        NjErr err = {0};
        NjSig sig;
        assert_int_equal(nj_sig_parse(ts, a, rows[i], &sig, &err), NJ_E_USER);
        assert_true(err.text[0]);
    }
    nj_arena_free(a);
}

static void deep_nesting_is_refused(void **state)
{
    NjText w;
    nj_text_init(&w);
    for (int i = 0; i < 5000; i++)
        nj_text_str(&w, "optional(");
    const NjType *t;
    NjErr err = {0};
    assert_int_equal(nj_type_parse(ts, w.at, NULL, &t, &err), NJ_E_USER);
    nj_text_free(&w);
}

static void check_parts(const char *code, NjAbi abi, const char *want)
{
    const NjType *out[16];
    NjText w;
    nj_text_init(&w);
    unsigned n = nj_type_parts(ts, ir(code), abi, out, 16);
    for (unsigned i = 0; i < n; i++)
        nj_text_fmt(&w, i ? " %s" : "%s", out[i]->code);
    assert_string_equal(w.at ? w.at : "", want);
    nj_text_free(&w);
}

static void parts(void **state)
{
    check_parts("f32", NJ_ABI_CPU, "f32");
    check_parts("c64", NJ_ABI_CPU, "f32 f32");
    check_parts("array(f64,2,C)", NJ_ABI_CPU, "ptr(f64) ptr(u8) i64 i64");
    check_parts("array(f64,2,C)", NJ_ABI_KERNEL, "ptr(f64) i64 i64");
    check_parts("array(f64,2,A)", NJ_ABI_KERNEL, "ptr(f64) i64 i64 i64 i64");
    check_parts("tuple(i8,tuple(bool,c128))", NJ_ABI_CPU, "i8 bool f64 f64");
    check_parts("optional(f32)", NJ_ABI_CPU, "bool f32");
    check_parts("slice", NJ_ABI_CPU, "i64 i64 i64");
    check_parts("range(u64)", NJ_ABI_CPU, "u64 u64 u64");
    check_parts("none", NJ_ABI_CPU, "");
    const NjType *one[1];
    assert_int_equal(nj_type_parts(ts, ir("array(f64,3,A)"), NJ_ABI_CPU, one, 1), 8);
}

static void error_elements_poison(void **state)
{
    const NjType *error = nj_type_error(ts), *elems[] = {ir("i64"), error};
    assert_ptr_equal(nj_type_tuple(ts, elems, 2), error);
    assert_ptr_equal(nj_type_array(ts, error, 1, NJ_LAYOUT_C, false), error);
    assert_ptr_equal(nj_type_optional(ts, error), error);
    assert_ptr_equal(nj_type_optional(ts, ir("optional(i64)")), ir("optional(i64)"));
}

/* With every allocation failing in turn the table is refused or whole, never half made. */
static void allocation_failures(void **state)
{
    for (long n = 1; n < 200; n++) {
        nj_alloc_fail_at(n);
        NjTypes *t = nj_types_new();
        const NjType *array = t ? nj_type_array(t, nj_type_scalar(t, NJ_T_F64), 2, NJ_LAYOUT_C, false) : NULL;
        nj_alloc_fail_at(-1);
        if (array)
            assert_true(array->kind == NJ_K_ARRAY || array->kind == NJ_K_ERROR);
        nj_types_free(t);
    }
}

static int open_types(void **state) { return (ts = nj_types_new()) ? 0 : -1; }
static int close_types(void **state) { nj_types_free(ts); return 0; }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_read_back), cmocka_unit_test(names_users_see), cmocka_unit_test(signatures),
        cmocka_unit_test(names_read_back), cmocka_unit_test(refused), cmocka_unit_test(refused_signatures),
        cmocka_unit_test(deep_nesting_is_refused), cmocka_unit_test(parts), cmocka_unit_test(error_elements_poison),
        cmocka_unit_test(allocation_failures)};
    return cmocka_run_group_tests(tests, open_types, close_types);
}
