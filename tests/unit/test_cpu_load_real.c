/* test_cpu_load_real.c - the loader on what LLVM makes: every kind of section and reference, code far from the
 * libraries, a system that forbids writable code, many objects and threads, damage at random.
 *
 * NJ_TEST_FUZZ=n makes n damaged objects instead of 3000.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cpu/load.h"

#if defined(NJ_TEST_LLVM)
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* @f(i): a jump table, constants of 16 to 64 bytes, zeroed and filled data, a table of function pointers (relocated
 * constants), an absent weak function, outside functions called and taken the address of, recursion. */
static const char torture[] =
    "declare double @sin(double)\ndeclare void @free(ptr)\ndeclare extern_weak i64 @nj_absent(i64)\n"
    "@zero = internal global [5000 x i8] zeroinitializer, align 64\n"
    "@none = internal global [0 x i64] zeroinitializer, align 8\n"
    "@count = global i64 5\n"
    "@vec = internal unnamed_addr constant <8 x i64> "
    "<i64 1, i64 2, i64 3, i64 4, i64 5, i64 6, i64 7, i64 8>, align 64\n"
    "@fns = internal constant [3 x ptr] [ptr @one, ptr @two, ptr @free]\n"
    "define internal i64 @one(i64 %x) noinline uwtable {\n  %y = add i64 %x, 1\n  ret i64 %y\n}\n"
    "define internal i64 @two(i64 %x) noinline uwtable {\n  %y = mul i64 %x, 2\n  ret i64 %y\n}\n"
    "define internal i64 @fact(i64 %x) noinline uwtable {\n  %z = icmp ult i64 %x, 2\n"
    "  br i1 %z, label %a, label %b\na:\n  ret i64 1\nb:\n  %y = sub i64 %x, 1\n"
    "  %r = call i64 @fact(i64 %y)\n  %m = mul i64 %x, %r\n  ret i64 %m\n}\n"
    "define i64 @f(i64 %i, ptr %out) uwtable {\n"
    "  switch i64 %i, label %other [\n    i64 0, label %c0  i64 1, label %c1  i64 2, label %c2  i64 3, label %c3\n"
    "    i64 4, label %c4  i64 5, label %c5  i64 6, label %c6  i64 7, label %c7 ]\n"
    "c0:\n  %d = load double, ptr %out\n  %s = call double @sin(double %d)\n  store double %s, ptr %out\n"
    "  ret i64 100\n"
    "c1:\n  %n = load volatile i64, ptr @count\n  %n1 = add i64 %n, 1\n  store volatile i64 %n1, ptr @count\n"
    "  ret i64 %n\n"
    "c2:\n  %p = getelementptr [3 x ptr], ptr @fns, i64 0, i64 1\n  %q = load volatile ptr, ptr %p\n"
    "  %r2 = call i64 %q(i64 21)\n  ret i64 %r2\n"
    "c3:\n  %w = icmp eq ptr @nj_absent, null\n  br i1 %w, label %gone, label %there\n"
    "gone:\n  ret i64 300\nthere:\n  %t = call i64 @nj_absent(i64 1)\n  ret i64 %t\n"
    "c4:\n  %v = load volatile <8 x i64>, ptr @vec, align 64\n"
    "  %sum = call i64 @llvm.vector.reduce.add.v8i64(<8 x i64> %v)\n  ret i64 %sum\n"
    "c5:\n  %z = getelementptr i8, ptr @zero, i64 4999\n  %zb = load volatile i8, ptr %z\n"
    "  store volatile i8 7, ptr %z\n"
    "  %z2 = zext i8 %zb to i64\n  %np = ptrtoint ptr @none to i64\n  %nz = icmp ne i64 %np, 0\n"
    "  %z3 = zext i1 %nz to i64\n  %z4 = add i64 %z2, %z3\n  ret i64 %z4\n"
    "c6:\n  %fr = ptrtoint ptr @free to i64\n  %p2 = getelementptr [3 x ptr], ptr @fns, i64 0, i64 2\n"
    "  %q2 = load volatile i64, ptr %p2\n  %same = icmp eq i64 %fr, %q2\n  %s6 = zext i1 %same to i64\n  ret i64 %s6\n"
    "c7:\n  %r7 = call i64 @fact(i64 10)\n  ret i64 %r7\n"
    "other:\n  %o = call i64 @one(i64 %i)\n  ret i64 %o\n}\n"
    "declare i64 @llvm.vector.reduce.add.v8i64(<8 x i64>)\n";

static NjText object(const char *text, int opt)
{
    NjErr err = {0};
    NjText obj;
    NjLlvmOptions o = { .opt = opt, .verify = true };
    setenv("NAJA_LIBLLVM", NJ_TEST_LLVM, 0);
    nj_knobs_reload();
    nj_text_init(&obj);
    if (nj_cpu_llvm_compile(NJ_LLVM_OBJECT, text, strlen(text), &o, &obj, &err))
        fail_msg("%s", err.text);
    return obj;
}

static NjStatus load(const NjText *obj, NjCpuCode **code, NjErr *err)
{
    return nj_cpu_code_load(obj->at, obj->n, "test", NULL, NULL, code, err);
}

/* 0, or 1 + the case that went wrong */
static int run(NjCpuCode *code)
{
    static const int64_t want[] = { 100, 5, 42, 300, 36, 1, 1, 3628800, 9 };
    int64_t (*f)(int64_t, double *);
    *(void **)&f = nj_cpu_code_find(code, "f");
    double x = 0.5;
    for (int64_t i = 0; f && i < (int64_t)NJ_COUNT(want); i++)
        if (f(i, &x) != want[i])
            return (int)i + 1;
    return f && x > 0.479425538 && x < 0.479425539 ? 0 : 99;
}

static void test_every_reference(void **state)
{
    for (int opt = 0; opt < 4; opt++) {
        NjText obj = object(torture, opt);
        NjErr err = {0};
        NjCpuCode *code;
        if (load(&obj, &code, &err))
            fail_msg("-O%d: %s", opt, err.text);
        assert_int_equal(run(code), 0);
        nj_cpu_code_release(code);
        nj_text_free(&obj);
    }
}

/* The system gives addresses downwards, the smallest hole first: with a gap reserved and the holes above it filled, what
 * comes next lies below the gap. */
enum { FILLS = 100 };                        /* of each size */
typedef struct Gap { void *at, *fill[20 * FILLS]; size_t nfill, size[20 * FILLS]; } Gap;
#define GAP ((size_t)5 << 30)

static void *reserve(size_t n)
{
    return mmap(NULL, n, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

static bool gap_make(Gap *g)
{
    g->at = reserve(GAP);
    g->nfill = 0;
    for (size_t size = (size_t)1 << 28; g->at != MAP_FAILED && size >= 4096; size /= 4)
        for (int i = 0; i < FILLS; i++) {
            void *p = reserve(size);
            if (p == MAP_FAILED)
                break;
            g->size[g->nfill] = size;
            g->fill[g->nfill++] = p;
            if ((uintptr_t)p < (uintptr_t)g->at)
                break;
        }
    return g->at != MAP_FAILED;
}

static void gap_free(Gap *g)
{
    for (size_t i = 0; i < g->nfill; i++)
        munmap(g->fill[i], g->size[i]);
    munmap(g->at, GAP);
}

static void test_far_from_libraries(void **state)
{
    static Gap gap;
    NjText obj = object(torture, 2);
    NjErr err = {0};
    NjCpuCode *code;
    if (!gap_make(&gap))
        skip();                            /* no 5 GiB of address space */
    NjStatus st = load(&obj, &code, &err);
    gap_free(&gap);
    if (st)
        fail_msg("%s", err.text);
    int64_t away = (int64_t)((intptr_t)nj_cpu_code_find(code, "f") - (intptr_t)nj_cpu_symbol("sin"));
    assert_int_equal(run(code), 0);
    nj_cpu_code_release(code);
    nj_text_free(&obj);
    if (away > -((int64_t)1 << 31) && away < (int64_t)1 << 31)
        skip();                            /* this system places memory otherwise */
}

/* -- pages ------------------------------------------------------------------------------------------------------ */

/* Protection of the mapping around p, as /proc/self/maps writes it: "r-xp". */
static void protection_of(const void *p, char prot[5])
{
    char line[512];
    FILE *f = fopen("/proc/self/maps", "r");
    memset(prot, 0, 5);
    while (f && fgets(line, sizeof line, f)) {
        unsigned long long from, to;
        char text[8];
        if (strstr(line, "xp"))
            assert_null(strstr(line, "rwxp"));
        if (sscanf(line, "%llx-%llx %4s", &from, &to, text) == 3 && (uintptr_t)p >= from && (uintptr_t)p < to)
            memcpy(prot, text, 4);
    }
    if (f)
        fclose(f);
}

static void test_protection(void **state)
{
    NjText obj = object(torture, 2);
    NjErr err = {0};
    NjCpuCode *code;
    char prot[5];
    if (load(&obj, &code, &err))
        fail_msg("%s", err.text);
    protection_of(nj_cpu_code_find(code, "f"), prot);
    assert_string_equal(prot, "r-xp");
    protection_of(nj_cpu_code_find(code, "count"), prot);
    assert_string_equal(prot, "rw-p");
    nj_cpu_code_release(code);
    nj_text_free(&obj);
}

/* In a child that the kernel forbids to make code of pages it has written (Linux 6.3). */
static void test_forbidden_to_write_code(void **state)
{
    NjText obj = object(torture, 2);
    pid_t pid = fork();
    if (pid == 0) {
        NjErr err = {0};
        NjCpuCode *code;
        if (prctl(65 /* PR_SET_MDWE */, 1 /* PR_MDWE_REFUSE_EXEC_GAIN */, 0, 0, 0))
            _exit(100);
        _exit(load(&obj, &code, &err) ? 101 : run(code));
    }
    int status;
    waitpid(pid, &status, 0);
    nj_text_free(&obj);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 100)
        skip();                            /* the kernel has no such rule */
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* -- many ---------------------------------------------------------------------------------------------------------- */

enum { THREADS = 4, ROUNDS = 200 };

static void *load_often(void *arg)
{
    const NjText *obj = arg;
    NjCpuCode *kept[8] = {0};
    for (unsigned i = 0; i < ROUNDS; i++) {
        NjErr err = {0};
        NjCpuCode **at = &kept[i % NJ_COUNT(kept)];
        nj_cpu_code_release(*at);
        if (load(obj, at, &err) || run(*at))
            return "failed";
    }
    for (unsigned i = 0; i < NJ_COUNT(kept); i++)
        nj_cpu_code_release(kept[i]);
    return NULL;
}

/* The start of what gdb reads. */
typedef struct GdbEntry { struct GdbEntry *next, *prev; } GdbEntry;
extern struct { uint32_t version, action; GdbEntry *relevant, *first; } __jit_debug_descriptor;

static unsigned known_to_gdb(void)
{
    unsigned n = 0;
    for (const GdbEntry *e = __jit_debug_descriptor.first; e; e = e->next)
        n++;
    return n;
}

static void test_threads(void **state)
{
    NjText obj = object(torture, 2);
    pthread_t t[THREADS];
    NjErr err = {0};
    NjCpuCode *code;
    unsigned before = known_to_gdb();
    assert_int_equal(load(&obj, &code, &err), NJ_OK);
    assert_int_equal(known_to_gdb(), before + 1);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&t[i], NULL, load_often, &obj), 0);
    for (int i = 0; i < THREADS; i++) {
        void *why = NULL;
        pthread_join(t[i], &why);
        assert_null(why);
    }
    assert_int_equal(known_to_gdb(), before + 1);        /* everything that went was taken back */
    nj_cpu_code_release(code);
    assert_int_equal(known_to_gdb(), before);
    nj_text_free(&obj);
}

static atomic_bool told;

static void *load_until_told(void *obj)
{
    void *why = NULL;
    while (!why && !atomic_load(&told))
        why = load_often(obj);
    return why;
}

/* A child finds every lock of the loader free, whatever other threads did with them at the fork. */
static void test_forks_while_threads_load(void **state)
{
    NjText obj = object(torture, 2);
    pthread_t t[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&t[i], NULL, load_until_told, &obj), 0);
    for (int i = 0; i < 30; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            NjErr err = {0};
            NjCpuCode *code;
            alarm(60);
            int bad = load(&obj, &code, &err) ? 101 : run(code);
            if (!bad)
                nj_cpu_code_release(code);
            _exit(bad);
        }
        int status = -1;
        waitpid(pid, &status, 0);
        assert_int_equal(status, 0);
    }
    atomic_store(&told, true);
    for (int i = 0; i < 2; i++) {
        void *why = NULL;
        pthread_join(t[i], &why);
        assert_null(why);
    }
    nj_text_free(&obj);
}

/* -- damage ------------------------------------------------------------------------------------------------------- */

static uint64_t rng_state = 88172645463325252u;
static uint64_t rng(void)                    /* Marsaglia's xorshift */
{
    rng_state ^= rng_state << 13;
    rng_state ^= rng_state >> 7;
    return rng_state ^= rng_state << 17;
}

/* Bytes, words and whole stretches changed, copied or lost: mostly where the headers are, at both ends. */
static size_t damage(uint8_t *at, size_t n)
{
    for (unsigned k = 1 + (unsigned)(rng() % 4); k; k--) {
        size_t where = (size_t)(rng() % 3 ? n - 1 - rng() % (n < 2048 ? n : 2048) : rng() % n);
        static const uint64_t words[] = { 0, 1, 8, 0xfff1, 0xffff, 0x7fffffff, 0xffffffff, (uint64_t)1 << 63, ~0ull };
        uint64_t w = rng() % 2 ? words[rng() % NJ_COUNT(words)] : rng();
        size_t wide = (size_t)1 << rng() % 4, from = (size_t)(rng() % n);
        switch (rng() % 4) {
        case 0: at[where] ^= (uint8_t)(1u << rng() % 8); break;
        case 1: memcpy(at + where, &w, wide < n - where ? wide : n - where); break;
        case 2: memmove(at + where, at + from, 24 < n - (where > from ? where : from) ? 24 : 0); break;
        default: if (rng() % 8 == 0) n = 1 + (size_t)(rng() % n); break;
        }
    }
    return n;
}

static void test_damaged_at_random(void **state)
{
    const char *asked = getenv("NJ_TEST_FUZZ");
    NjText obj = object(torture, 2);
    unsigned loaded = 0, refused = 0;
    for (long i = asked ? atol(asked) : 3000; i > 0; i--) {
        uint8_t *copy = malloc(obj.n);
        memcpy(copy, obj.at, obj.n);
        size_t n = damage(copy, obj.n);
        uint8_t *exact = malloc(n);              /* no byte behind it, so that a sanitizer sees a read too far */
        memcpy(exact, copy, n);
        free(copy);
        NjErr err = {0};
        NjCpuCode *code = NULL;
        NjStatus st = nj_cpu_code_load(exact, n, "fuzz", NULL, NULL, &code, &err);
        assert_true((st == NJ_OK) == (code != NULL));
        assert_true(st == NJ_OK || err.text[0]);
        st ? refused++ : loaded++;
        nj_cpu_code_release(code);
        free(exact);
    }
    assert_true(refused > 0);
    assert_true(loaded > 0);                     /* damage that does not show, in code or constants */
    nj_text_free(&obj);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_reference),         cmocka_unit_test(test_far_from_libraries),
        cmocka_unit_test(test_protection),              cmocka_unit_test(test_forbidden_to_write_code),
        cmocka_unit_test(test_threads),                 cmocka_unit_test(test_forks_while_threads_load),
        cmocka_unit_test(test_damaged_at_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
int main(void)
{
    return 0;                                /* built without LLVM: nothing makes objects */
}
#endif
