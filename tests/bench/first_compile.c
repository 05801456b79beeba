/* first_compile.c - what a process pays before its first compiled function runs, in milliseconds.
 *
 *     cc -O2 -D_GNU_SOURCE -Ihost -I. tests/bench/first_compile.c build/libnaja_cpu.a build/libnaja_host.a -lm -lpthread -ldl
 *     NAJA_LIBLLVM=build/pkg/naja/libnaja_llvm.so ./a.out
 *
 * Out: dlopen of the compiler, the first trivial function (parse, O3, object), the next ones, loading the object.
 */
#include "cpu/cpu.h"

#include <time.h>

static const char trivial[] =
    "define i32 @f(ptr %args, ptr %ret) {\n"
    "  %x = load double, ptr %args\n"
    "  %y = fmul double %x, 2.0\n"
    "  store double %y, ptr %ret\n"
    "  ret i32 0\n"
    "}\n";

static const char loop[] =
    "define double @f(ptr %a, i64 %n) {\n"
    "e:\n  br label %l\n"
    "l:\n  %i = phi i64 [ 0, %e ], [ %j, %l ]\n  %s = phi double [ 0.0, %e ], [ %t, %l ]\n"
    "  %p = getelementptr double, ptr %a, i64 %i\n  %x = load double, ptr %p\n  %t = fadd double %s, %x\n"
    "  %j = add i64 %i, 1\n  %c = icmp slt i64 %j, %n\n  br i1 %c, label %l, label %o\n"
    "o:\n  ret double %t\n}\n";

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static double compile_ms(const char *text, NjText *obj)
{
    NjErr err = {0};
    double t = now_ms();
    NjLlvmOptions o = { .opt = 3 };
    nj_text_init(obj);
    if (nj_cpu_llvm_compile(NJ_LLVM_OBJECT, text, strlen(text), &o, obj, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return -1;
    }
    return now_ms() - t;
}

static double load_ms(const NjText *obj)
{
    NjErr err = {0};
    NjCpuCode *code = NULL;
    double t = now_ms();
    if (nj_cpu_code_load(obj->at, obj->n, "bench", NULL, NULL, &code, &err) || !nj_cpu_code_find(code, "f"))
        fprintf(stderr, "%s\n", err.text);
    t = now_ms() - t;
    nj_cpu_code_release(code);
    return t;
}

int main(void)
{
    NjErr err = {0};
    NjText obj;
    double t = now_ms();
    if (!nj_cpu_llvm(&err))
        return fprintf(stderr, "%s\n", err.text), 1;
    printf("dlopen %28.2f ms   LLVM %s\n", now_ms() - t, nj_cpu_llvm(NULL)->llvm_version);
    printf("first trivial function %12.2f ms\n", compile_ms(trivial, &obj));
    printf("load the object, first %12.3f ms\n", load_ms(&obj));
    printf("load the object, again %12.3f ms\n", load_ms(&obj));
    nj_text_free(&obj);
    double best = 1e9;
    for (int i = 0; i < 20; i++) {
        double ms = compile_ms(trivial, &obj);
        best = ms < best ? ms : best;
        nj_text_free(&obj);
    }
    printf("trivial function again %12.2f ms (best of 20)\n", best);
    printf("a loop, first %21.2f ms\n", compile_ms(loop, &obj));
    nj_text_free(&obj);
    printf("a loop, again %21.2f ms\n", compile_ms(loop, &obj));
    nj_text_free(&obj);
    return 0;
}
