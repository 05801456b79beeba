/* simt_stack.c - stacks, thread records and shared memory that one worker uses for a launch.
 *
 * Taken at a worker's first block of a launch and given back at its end; a shelf keeps them for the next launch. Stacks
 * are reserved, not committed: a thread that stays shallow costs one page. A guard page below each turns an overflow
 * into a fault at its own place.
 */
#include "cpu/atomics.h"
#include "cpu/simt_inside.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102          /* Linux 6.13: a guard that costs no mapping */
#endif

/* Entries are whole spaces or NULL, moved by exchange alone: no lock that a fork could find held. */
static NjAPtr shelf[64];

/* An mprotect'ed guard splits a mapping, and a process may have 65,530 of them: after this many, stacks go without. */
static NjA32 guards_left = { 16384 };

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static void guard_install(uint8_t *page, size_t n)
{
    static NjA32 no_madvise;            /* set once the kernel has said that it lacks it */
    if (!nj_a32_load_relaxed(&no_madvise) && madvise(page, n, MADV_GUARD_INSTALL) == 0)
        return;
    nj_a32_store_relaxed(&no_madvise, 1);
    uint32_t left = nj_a32_load_relaxed(&guards_left);
    while (left && !nj_a32_cas_acqrel(&guards_left, &left, left - 1))
        ;
    if (left)
        mprotect(page, n, PROT_NONE);
}

static size_t stack_stride(size_t local_bytes)
{
    size_t page = page_size(), n = (size_t)nj_knobs()->simt_stack;
    n = n < 16384 ? 16384 : n > (size_t)1 << 30 ? (size_t)1 << 30 : n;
    return ((n + local_bytes + page - 1) & ~(page - 1)) + page;
}

static bool space_stacks(NjSimtSpace *s, size_t nthread, size_t stride)
{
    s->thread = nj_calloc(nthread, sizeof *s->thread);
    if (!s->thread)
        return false;
    void *p = mmap(NULL, nthread * stride, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (p == MAP_FAILED)
        return false;
    madvise(p, nthread * stride, MADV_NOHUGEPAGE);       /* else a few bytes on each stack become 2 MiB */
    s->stacks = p;
    s->stride = stride;
    s->nstack = nthread;
    for (size_t i = 0; i < nthread; i++)
        guard_install(s->stacks + i * stride, page_size());
    return true;
}

static void space_free(NjSimtSpace *s)
{
    if (s->stacks)
        munmap(s->stacks, s->nstack * s->stride);
    nj_free(s->thread);
    if (s->shared)
        munmap(s->shared, s->nshared);
    nj_free(s);
}

static NjSimtSpace *space_new(size_t nthread, size_t stride, size_t nshared)
{
    NjSimtSpace *s = nj_calloc(1, sizeof *s);
    if (!s)
        return NULL;
    bool ok = !nthread || space_stacks(s, nthread, stride);
    if (ok && nshared) {
        void *p = mmap(NULL, nshared, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        ok = p != MAP_FAILED;
        s->shared = ok ? p : NULL;
        s->nshared = nshared;
    }
    if (ok)
        return s;
    space_free(s);
    return NULL;
}

NjSimtSpace *nj_simt_space_take(size_t nthread, size_t local_bytes, size_t nshared)
{
    size_t stride = stack_stride(local_bytes), page = page_size();
    NjSimtSpace *poor = NULL;
    nshared = (nshared + page - 1) & ~(page - 1);
    for (size_t i = 0; i < NJ_COUNT(shelf); i++) {
        NjSimtSpace *s = nj_aptr_load_relaxed(&shelf[i]) ? nj_aptr_swap_acqrel(&shelf[i], NULL) : NULL;
        if (!s)
            continue;
        if (s->nstack >= nthread && (!nthread || s->stride >= stride) && s->nshared >= nshared)
            return s;
        poor = s;                       /* one that is too small makes room for a larger one, which serves both */
        break;
    }
    if (poor) {
        nthread = nthread > poor->nstack ? nthread : poor->nstack;
        stride = stride > poor->stride ? stride : poor->stride;
        nshared = nshared > poor->nshared ? nshared : poor->nshared;
        space_free(poor);
    }
    return space_new(nthread, stride, nshared);
}

void nj_simt_space_give(NjSimtSpace *s)
{
    for (size_t i = 0; s && i < NJ_COUNT(shelf); i++) {
        void *none = NULL;
        if (nj_aptr_cas_acqrel(&shelf[i], &none, s))
            return;
    }
    if (s)
        space_free(s);
}

/* Without this, red zones of frames that never returned would be found by the next block. */
static void stack_forget(NjSimtSpace *s)
{
#if defined(__SANITIZE_ADDRESS__)
    __asan_unpoison_memory_region(s->stacks, s->nstack * s->stride);
#endif
    s->abandoned = false;
}

void *nj_simt_space_prepare(NjSimtSpace *s, size_t i, void (*main)(void *), void *arg)
{
    if (s->abandoned)
        stack_forget(s);
    /* Tops are staggered: at equal offsets in their pages, all threads' frames would fight for the same cache sets. */
    uint64_t *top = (uint64_t *)(void *)(s->stacks + (i + 1) * s->stride - (i % 16) * 192 - 64);
#if defined(__x86_64__)
    uint64_t *sp = top - 7;             /* r15 r14 r13 r12 rbx rbp, return address */
    sp[0] = sp[1] = sp[4] = sp[5] = 0;
    sp[2] = (uint64_t)(uintptr_t)main;
    sp[3] = (uint64_t)(uintptr_t)arg;
    sp[6] = (uint64_t)(uintptr_t)nj_simt_enter;
#elif defined(__aarch64__)
    uint64_t *sp = top - 20;            /* d8-d15, x19-x28, x29, x30 */
    memset(sp, 0, 160);
    sp[8] = (uint64_t)(uintptr_t)arg;
    sp[9] = (uint64_t)(uintptr_t)main;
    sp[19] = (uint64_t)(uintptr_t)nj_simt_enter;
#endif
    return sp;
}
