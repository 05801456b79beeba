/* test_cpu_fork.c - a child made while other threads allocate and load code goes on by itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cpu/atomics.h"
#include "cpu/load.h"
#include "elf_make.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

static ElfOut object;
static NjA32 stop;

static bool work_once(void)
{
    NjErr err;
    NjCpuCode *code;
    uint64_t p;
    if (nj_cpu_mem_alloc(64, &p, &err) || nj_cpu_mem_free(p, &err))
        return false;
    if (nj_cpu_code_load(object.at, object.n, "fork", NULL, NULL, &code, &err))
        return false;
    nj_cpu_code_release(code);
    return true;
}

static void *work(void *arg)
{
    while (!nj_a32_load_relaxed(&stop))
        if (!work_once())
            return "failed";
    return NULL;
}

static void make_object(void)
{
#if defined(__x86_64__)
    static const uint8_t text[] = { 0xc3 };
    uint16_t machine = EM_X86_64;
#else
    static const uint32_t text[] = { 0xd65f03c0 };
    uint16_t machine = EM_AARCH64;
#endif
    static const ElfSymbol sym[] = { { "f", 1, 0 } };
    ElfPlan p = { .machine = machine, .text = text, .ntext = sizeof text, .sym = sym, .nsym = 1 };
    elf_make(&object, &p);
}

static void test_fork(void **state)
{
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
    skip();     /* gcc's sanitizers hold locks of their allocator over fork(): the child hangs in theirs, not in ours */
#endif
    pthread_t id[2];
    make_object();
    for (int i = 0; i < 2; i++)
        pthread_create(&id[i], NULL, work, NULL);
    for (int round = 0; round < 50; round++) {
        pid_t pid = fork();
        if (pid == 0) {
            alarm(20);                              /* a lock never released ends the child */
            for (int i = 0; i < 10; i++)
                if (!work_once())
                    _exit(1);
            _exit(0);
        }
        int status = -1;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
    }
    nj_a32_store_relaxed(&stop, 1);
    for (int i = 0; i < 2; i++) {
        void *wrong;
        pthread_join(id[i], &wrong);
        assert_null(wrong);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_fork) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
