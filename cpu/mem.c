/* mem.c - memory of the CPU device: the calls that cuda/mem.c makes to a driver, on ordinary memory.
 *
 * In: sizes, device addresses, host addresses; out: a status. Every live block is in a table sorted by address, so that
 * a stale or foreign pointer is an error with its name and not a crash, as a driver would have it.
 */
#include "cpu/cpu.h"
#include "cpu/fork.h"

#define ALIGN 64                        /* a cache line and the widest vector */

typedef struct MemBlock { uint64_t at; size_t nbytes; void *raw; } MemBlock;

static NjForkLock mem_lock = NJ_FORK_LOCK_INIT;
static MemBlock *blocks;                /* sorted by `at`; it and the counts are under mem_lock */
static size_t nblock, cap_block, nbytes_live;

/* First block above `ptr`. Lock held. */
static size_t mem_above(uint64_t ptr)
{
    size_t lo = 0, hi = nblock;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (blocks[mid].at > ptr)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}

/* Is [ptr, ptr + n) inside one live block? */
static NjStatus mem_check(uint64_t ptr, size_t n, const char *what, NjErr *err)
{
    if (!n)
        return NJ_OK;
    nj_fork_lock(&mem_lock);
    size_t i = mem_above(ptr);
    bool ok =
        i && ptr - blocks[i - 1].at <= blocks[i - 1].nbytes && n <= blocks[i - 1].nbytes - (ptr - blocks[i - 1].at);
    nj_fork_unlock(&mem_lock);
    return ok ? NJ_OK
              : nj_err_set(err, NJ_E_USER, 0, "%s: %zu bytes at %#llx are not device memory", what, n,
                           (unsigned long long)ptr);
}

static bool mem_insert(MemBlock b)
{
    if (nblock == cap_block) {
        size_t cap = cap_block ? cap_block * 2 : 64;
        MemBlock *more = nj_realloc(blocks, cap * sizeof *more);
        if (!more)
            return false;
        blocks = more;
        cap_block = cap;
    }
    size_t i = mem_above(b.at);
    memmove(&blocks[i + 1], &blocks[i], (nblock - i) * sizeof *blocks);
    blocks[i] = b;
    nblock++;
    nbytes_live += b.nbytes;
    return true;
}

NjStatus nj_cpu_mem_alloc(size_t nbytes, uint64_t *out, NjErr *err)
{
    *out = 0;
    if (!nbytes)
        return NJ_OK;
    void *raw = nbytes <= SIZE_MAX - ALIGN ? nj_malloc(nbytes + ALIGN) : NULL;
    if (!raw)
        return nj_err_set(err, NJ_E_NOMEM, 0, "out of memory: %zu bytes on the CPU device", nbytes);
    MemBlock b = { ((uint64_t)(uintptr_t)raw + ALIGN - 1) & ~(uint64_t)(ALIGN - 1), nbytes, raw };
    nj_fork_lock(&mem_lock);
    bool ok = mem_insert(b);
    nj_fork_unlock(&mem_lock);
    if (!ok) {
        nj_free(raw);
        return nj_err_set(err, NJ_E_NOMEM, 0, "out of memory");
    }
    *out = b.at;
    return NJ_OK;
}

NjStatus nj_cpu_mem_free(uint64_t ptr, NjErr *err)
{
    void *raw = NULL;
    if (!ptr)
        return NJ_OK;
    nj_fork_lock(&mem_lock);
    size_t i = mem_above(ptr);
    if (i && blocks[i - 1].at == ptr) {
        raw = blocks[i - 1].raw;
        nbytes_live -= blocks[i - 1].nbytes;
        memmove(&blocks[i - 1], &blocks[i], (nblock - i) * sizeof *blocks);
        nblock--;
    }
    nj_fork_unlock(&mem_lock);
    nj_free(raw);
    return raw ? NJ_OK : nj_err_set(err, NJ_E_USER, 0, "free: %#llx is not device memory", (unsigned long long)ptr);
}

NjStatus nj_cpu_mem_to_device(uint64_t dst, const void *src, size_t nbytes, NjErr *err)
{
    NjStatus st = mem_check(dst, nbytes, "copy to the device", err);
    if (!st && nbytes)
        memmove((void *)(uintptr_t)dst, src, nbytes);
    return st;
}

NjStatus nj_cpu_mem_to_host(void *dst, uint64_t src, size_t nbytes, NjErr *err)
{
    NjStatus st = mem_check(src, nbytes, "copy to the host", err);
    if (!st && nbytes)
        memmove(dst, (const void *)(uintptr_t)src, nbytes);
    return st;
}

NjStatus nj_cpu_mem_copy(uint64_t dst, uint64_t src, size_t nbytes, NjErr *err)
{
    NjStatus st = mem_check(src, nbytes, "copy from", err);
    if (!st)
        st = mem_check(dst, nbytes, "copy to", err);
    if (!st && nbytes)
        memmove((void *)(uintptr_t)dst, (const void *)(uintptr_t)src, nbytes);
    return st;
}

NjStatus nj_cpu_mem_set(uint64_t dst, int byte, size_t nbytes, NjErr *err)
{
    NjStatus st = mem_check(dst, nbytes, "set", err);
    if (!st && nbytes)
        memset((void *)(uintptr_t)dst, byte, nbytes);
    return st;
}

void nj_cpu_mem_info(size_t *nblocks, size_t *nbytes)
{
    nj_fork_lock(&mem_lock);
    *nblocks = nblock;
    *nbytes = nbytes_live;
    nj_fork_unlock(&mem_lock);
}
