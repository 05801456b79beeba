/* test_cpu_load.c - the loader: relocations of both machines, missing symbols, damaged objects. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cpu/load.h"
#include "elf_make.h"

#include <dlfcn.h>
#include <stdlib.h>

/* -- x86-64: one function that uses every kind of reference ------------------------------------------------- */

/* int64 f(double *out): *out = sin(0.5) through a stub; returns strlen("naja") through the GOT + counter++ */
static const uint8_t x86_text[] = {
    0x53,                                           /*  0 push rbx */
    0x48, 0x89, 0xfb,                               /*  1 mov rbx, rdi */
    0xf2, 0x0f, 0x10, 0x05, 0, 0, 0, 0,             /*  4 movsd xmm0, [rip + half] */
    0xe8, 0, 0, 0, 0,                               /* 12 call sin */
    0xf2, 0x0f, 0x11, 0x03,                         /* 17 movsd [rbx], xmm0 */
    0x48, 0x8d, 0x3d, 0, 0, 0, 0,                   /* 21 lea rdi, [rip + text] */
    0xff, 0x15, 0, 0, 0, 0,                         /* 28 call [rip + GOT of strlen] */
    0x48, 0x8b, 0x0d, 0, 0, 0, 0,                   /* 34 mov rcx, [rip + address of counter] */
    0x48, 0x03, 0x01,                               /* 41 add rax, [rcx] */
    0x48, 0xff, 0x01,                               /* 44 inc qword [rcx] */
    0x5b, 0xc3,                                     /* 47 pop rbx; ret */
    0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0,                         /* 56 address of counter */
};
static const struct { double half; char text[8]; } x86_rodata = { 0.5, "naja" };
static const int64_t x86_data[2] = { 7, 100 };
static const ElfSymbol x86_sym[] = {
    { "f", 1, 0 }, { "half", 2, 0 }, { "text", 2, 8 }, { "counter", 3, 8 }, { "cell", 1, 56 }, { "sin", 0, 0 }, { "strlen", 0, 0 },
};
static const ElfReloc x86_rel[] = {
    { 8, R_X86_64_PC32, 2, -4 },   { 13, R_X86_64_PLT32, 6, -4 },     { 24, R_X86_64_PC32, 3, -4 },
    { 30, R_X86_64_GOTPCRELX, 7, -4 }, { 37, R_X86_64_PC32, 5, -4 },  { 56, R_X86_64_64, 4, 0 },
};
static const ElfPlan x86_plan = {
    EM_X86_64, x86_text, &x86_rodata, x86_data, sizeof x86_text, sizeof x86_rodata, sizeof x86_data,
    x86_sym, NJ_COUNT(x86_sym), x86_rel, NJ_COUNT(x86_rel),
};

static NjStatus load(const ElfOut *o, NjCpuCode **code, NjErr *err)
{
    return nj_load_any(&nj_load_x86_64, o->at, o->n, "test", NULL, NULL, code, err);
}

static void test_references(void **state)
{
    ElfOut o;
    NjErr err = {0};
    NjCpuCode *code;
    elf_make(&o, &x86_plan);
    if (load(&o, &code, &err))
        fail_msg("%s", err.text);
#if defined(__x86_64__)
    int64_t (*f)(double *);
    *(void **)&f = nj_cpu_code_find(code, "f");
    double y = 0;
    assert_int_equal(f(&y), 104);
    assert_int_equal(f(&y), 105);           /* data is writable and the code's own */
    assert_true(y > 0.479425538 && y < 0.479425539);
#endif
    int64_t counter;
    memcpy(&counter, nj_cpu_code_find(code, "counter"), 8);
    assert_true(counter >= 100);
    assert_null(nj_cpu_code_find(code, "sin"));
    nj_cpu_code_release(code);
}

static void test_missing_symbol(void **state)
{
    ElfOut o;
    NjErr err = {0};
    NjCpuCode *code;
    ElfSymbol sym[NJ_COUNT(x86_sym)];
    memcpy(sym, x86_sym, sizeof sym);
    sym[5].name = "no_such_function";
    ElfPlan p = x86_plan;
    p.sym = sym;
    elf_make(&o, &p);
    assert_int_equal(load(&o, &code, &err), NJ_E_ENV);
    assert_non_null(strstr(err.text, "no_such_function"));
    assert_null(code);
}

static int64_t extra_called;
static double extra_fn(double x)
{
    extra_called++;
    return x + 1;
}

static void *extra_symbol(void *arg, const char *name)
{
    *(int *)arg += 1;
    return !strcmp(name, "sin") ? (void *)(uintptr_t)extra_fn : NULL;
}

static void test_extra_symbol(void **state)
{
    ElfOut o;
    NjErr err = {0};
    NjCpuCode *code;
    int asked = 0;
    elf_make(&o, &x86_plan);
    if (nj_load_any(&nj_load_x86_64, o.at, o.n, "test", extra_symbol, &asked, &code, &err))
        fail_msg("%s", err.text);
    assert_int_equal(asked, 2);
#if defined(__x86_64__)
    int64_t (*f)(double *);
    *(void **)&f = nj_cpu_code_find(code, "f");
    double y = 0;
    f(&y);
    assert_true(y == 1.5 && extra_called == 1);
#endif
    nj_cpu_code_release(code);
}

static void test_refused(void **state)
{
    ElfOut o;
    NjErr err = {0};
    NjCpuCode *code;
    elf_make(&o, &x86_plan);
    assert_int_equal(nj_load_any(&nj_load_aarch64, o.at, o.n, "test", NULL, NULL, &code, &err), NJ_E_ENV);
    ElfReloc rel[] = { { 8, R_X86_64_TLSGD, 2, -4 } };
    ElfPlan p = x86_plan;
    p.rel = rel, p.nrel = 1;
    elf_make(&o, &p);
    assert_int_equal(load(&o, &code, &err), NJ_E_NYI);
    rel[0] = (ElfReloc){ sizeof x86_text - 3, R_X86_64_PC32, 2, 0 };
    elf_make(&o, &p);
    assert_int_equal(load(&o, &code, &err), NJ_E_ENV);
    rel[0] = (ElfReloc){ 8, R_X86_64_32, 2, 0 };        /* a block never lies in the lowest 4 GiB */
    elf_make(&o, &p);
    assert_int_equal(load(&o, &code, &err), NJ_E_ENV);
    assert_non_null(strstr(err.text, "R_X86_64_32 against half is out of range"));
}

/* -- aarch64: instructions compared with what an assembler would have written ---------------------------------- */

static uint32_t insn_at(NjCpuCode *code, size_t i)
{
    uint32_t w;
    memcpy(&w, (const uint8_t *)nj_cpu_code_find(code, "f") + 4 * i, 4);
    return w;
}

static uint64_t address(NjCpuCode *code, const char *name)
{
    return (uint64_t)(uintptr_t)nj_cpu_code_find(code, name);
}

static uint32_t adrp(uint64_t to, uint64_t from, uint32_t reg)
{
    uint64_t pages = (to >> 12) - (from >> 12);
    return 0x90000000u | (uint32_t)(pages & 3) << 29 | (uint32_t)(pages >> 2 & 0x7ffff) << 5 | reg;
}

static void test_aarch64(void **state)
{
    static const uint32_t text[] = {
        0x90000000,     /* adrp x0, word */
        0xf9400001,     /* ldr x1, [x0, word] */
        0x91000002,     /* add x2, x0, word */
        0x94000000,     /* bl f + 24 */
        0x94000000,     /* bl sin */
        0xd65f03c0,     /* ret */
        0x54000000,     /* b.eq f */
        0, 0,           /* address of word */
        0x90000003,     /* adrp x3, GOT of sin */
        0xf9400063,     /* ldr x3, [x3, GOT of sin] */
        0xd2800004,     /* movz-like: first 16 bits of word */
    };
    static const uint64_t rodata[2] = { 1, 2 }, data[1] = { 3 };
    static const ElfSymbol sym[] = { { "f", 1, 0 }, { "word", 2, 8 }, { "sin", 0, 0 }, { "var", 3, 0 } };
    static const ElfReloc rel[] = {
        { 0, R_AARCH64_ADR_PREL_PG_HI21, 2, 0 }, { 4, R_AARCH64_LDST64_ABS_LO12_NC, 2, 0 }, { 8, R_AARCH64_ADD_ABS_LO12_NC, 2, 0 },
        { 12, R_AARCH64_CALL26, 1, 24 },         { 16, R_AARCH64_CALL26, 3, 0 },            { 24, R_AARCH64_CONDBR19, 1, 0 },
        { 28, R_AARCH64_ABS64, 2, 0 },           { 36, R_AARCH64_ADR_GOT_PAGE, 3, 0 },      { 40, R_AARCH64_LD64_GOT_LO12_NC, 3, 0 },
        { 44, R_AARCH64_MOVW_UABS_G0_NC, 2, 0 },
    };
    ElfPlan p = { EM_AARCH64, text, rodata, data, sizeof text, sizeof rodata, sizeof data, sym, 4, rel, NJ_COUNT(rel) };
    ElfOut o;
    NjErr err = {0};
    NjCpuCode *code;
    elf_make(&o, &p);
    if (nj_load_any(&nj_load_aarch64, o.at, o.n, "test", NULL, NULL, &code, &err))
        fail_msg("%s", err.text);
    uint64_t f = address(code, "f"), word = address(code, "word");
    assert_int_equal(insn_at(code, 0), adrp(word, f, 0));
    assert_int_equal(insn_at(code, 1), 0xf9400001u | (uint32_t)((word & 0xfff) >> 3) << 10);
    assert_int_equal(insn_at(code, 2), 0x91000002u | (uint32_t)(word & 0xfff) << 10);
    assert_int_equal(insn_at(code, 3), 0x94000003u);
    assert_int_equal(insn_at(code, 6), 0x54000000u | (uint32_t)(-6 & 0x7ffff) << 5);
    assert_int_equal((uint64_t)insn_at(code, 7) | (uint64_t)insn_at(code, 8) << 32, word);
    assert_int_equal(insn_at(code, 11), 0xd2800004u | (uint32_t)(word & 0xffff) << 5);
    /* bl sin goes to a stub behind the code: adrp x16; ldr x16; br x16 */
    size_t stub = 4 + (insn_at(code, 4) & 0x3ffffff);
    assert_int_equal(insn_at(code, stub) & 0x9f00001f, 0x90000010);
    assert_int_equal(insn_at(code, stub + 2), 0xd61f0200);
    /* adrp and ldr name one GOT word, and it holds sin's address */
    uint32_t page = insn_at(code, 9), low = insn_at(code, 10);
    uint64_t got = ((f + 36) & ~(uint64_t)0xfff) + ((uint64_t)(page >> 5 & 0x7ffff) << 2 | (page >> 29 & 3)) * 4096;
    got += (low >> 10 & 0xfff) * 8;
    uint64_t there;
    memcpy(&there, (void *)(uintptr_t)got, 8);
    assert_int_equal(there, (uint64_t)(uintptr_t)nj_cpu_symbol("sin"));
    nj_cpu_code_release(code);
}

/* -- damage: each byte changed, each length: an error or a load, never a crash -------------------------------------- */

static void try_load(const uint8_t *bytes, size_t n)
{
    NjErr err = {0};
    NjCpuCode *code = NULL;
    uint8_t *exact = malloc(n ? n : 1);         /* no byte behind it, so that a sanitizer sees a read too far */
    memcpy(exact, bytes, n);
    NjStatus st = nj_load_any(&nj_load_x86_64, exact, n, "fuzz", NULL, NULL, &code, &err);
    assert_true((st == NJ_OK) == (code != NULL));
    assert_true(st == NJ_OK || (err.status == st && err.text[0]));
    nj_cpu_code_release(code);
    free(exact);
}

static void fuzz(const uint8_t *bytes, size_t n)
{
    static const uint8_t change[] = { 0x01, 0x80, 0xff, 0x7f };
    uint8_t *copy = malloc(n);
    for (size_t i = 0; i < n; i++) {
        try_load(bytes, i);
        for (size_t k = 0; k < NJ_COUNT(change); k++) {
            memcpy(copy, bytes, n);
            copy[i] ^= change[k];
            try_load(copy, n);
        }
    }
    free(copy);
}

static void test_damaged(void **state)
{
    ElfOut o;
    elf_make(&o, &x86_plan);
    fuzz(o.at, o.n);
}

#if defined(NJ_TEST_LLVM)
static NjText real_object(void)
{
    static const char text[] = "declare double @sin(double)\n@t = internal constant [3 x double] [double 1.0, double 2.0, double 3.0]\n"
                               "define double @f(i64 %i) uwtable {\n  %p = getelementptr [3 x double], ptr @t, i64 0, i64 %i\n"
                               "  %x = load double, ptr %p\n  %y = call double @sin(double %x)\n  ret double %y\n}\n";
    NjErr err = {0};
    NjText obj;
    setenv("NAJA_LIBLLVM", NJ_TEST_LLVM, 0);
    nj_knobs_reload();
    nj_text_init(&obj);
    if (nj_cpu_llvm_compile(NJ_LLVM_OBJECT, text, strlen(text), NULL, &obj, &err))
        fail_msg("%s", err.text);
    assert_non_null(memmem(obj.at, obj.n, ".eh_frame", 9));
    return obj;
}

/* The unwinder finds the function while it is loaded, and no longer. */
static void test_unwind(void **state)
{
    struct { void *text, *data, *func; } bases;
    const void *(*find)(void *, void *);
    void *so = dlopen("libgcc_s.so.1", RTLD_LAZY);
    if (!so)
        skip();
    *(void **)&find = dlsym(so, "_Unwind_Find_FDE");
    NjText obj = real_object();
    NjErr err = {0};
    NjCpuCode *code;
    if (nj_cpu_code_load(obj.at, obj.n, "test", NULL, NULL, &code, &err))
        fail_msg("%s", err.text);
    void *f = nj_cpu_code_find(code, "f");
    assert_non_null(find((char *)f + 1, &bases));
    assert_ptr_equal(bases.func, f);
    nj_cpu_code_release(code);
    assert_null(find((char *)f + 1, &bases));
    nj_text_free(&obj);
}

static void test_damaged_real(void **state)
{
    NjText obj = real_object();
#if defined(__x86_64__)
    fuzz((const uint8_t *)obj.at, obj.n);
#endif
    nj_text_free(&obj);
}
#endif

static void test_no_memory(void **state)
{
    ElfOut o;
    elf_make(&o, &x86_plan);
    for (long n = 1; ; n++) {
        NjErr err = {0};
        NjCpuCode *code = NULL;
        nj_alloc_fail_at(n);
        NjStatus st = load(&o, &code, &err);
        nj_alloc_fail_at(-1);
        nj_cpu_code_release(code);
        assert_true(n < 20);
        if (st == NJ_OK && n > 4)        /* the debugger's copy is the last allocation, and not having it is no error */
            break;
        assert_true(st == NJ_OK || st == NJ_E_NOMEM);
        assert_true(n > 3 || st == NJ_E_NOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_references), cmocka_unit_test(test_missing_symbol), cmocka_unit_test(test_extra_symbol),
        cmocka_unit_test(test_refused),    cmocka_unit_test(test_aarch64),        cmocka_unit_test(test_damaged),
#if defined(NJ_TEST_LLVM)
        cmocka_unit_test(test_unwind),     cmocka_unit_test(test_damaged_real),
#endif
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
