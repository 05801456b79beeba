/* loops.c - one ufunc inner loop, cut into ranges for the thread pool.
 *
 * In: NumPy's argument pointers, length and steps, and a compiled loop. The loop runs serially when it is short, when
 * an output does not move (a reduction) or when an output overlaps an input otherwise than exactly (an accumulation):
 * then the order of elements matters. Out: the first error status that any range gave, the lowest range first, and the
 * ranges' floating-point exceptions as this thread's.
 */
#include "cpu/cpu.h"

#include <fenv.h>
#include <stdatomic.h>

/* Half of a small L2 for each range; and when threads pay at all. */
enum { RANGE_NBYTES = 256 * 1024, RANGE_MIN = 4096 };

typedef struct Loop {
    NjLoopFn fn;
    char *const *args;
    const intptr_t *steps;
    unsigned nargs;
    _Atomic(int) flags;               /* floating-point exceptions that ranges raised */
    _Atomic(uint64_t) first; /* (range start << 32 | status) of the lowest range that failed; UINT64_MAX none */
} Loop;

static bool range_overlap(const char *a, intptr_t astep, const char *b, intptr_t bstep, size_t n)
{
    const char *alo = astep < 0 ? a + astep * (intptr_t)(n - 1) : a,
               *ahi = astep < 0 ? a : a + astep * (intptr_t)(n - 1);
    const char *blo = bstep < 0 ? b + bstep * (intptr_t)(n - 1) : b,
               *bhi = bstep < 0 ? b : b + bstep * (intptr_t)(n - 1);
    return alo < bhi + 16 && blo < ahi + 16;                /* 16: the widest element */
}

/* May ranges run in any order? */
static bool loop_is_free(const Loop *l, size_t n, unsigned nin)
{
    for (unsigned o = nin; o < l->nargs; o++) {
        if (l->steps[o] == 0)
            return false;
        for (unsigned i = 0; i < nin; i++)
            if ((l->args[i] != l->args[o] || l->steps[i] != l->steps[o]) &&
                range_overlap(l->args[i], l->steps[i], l->args[o], l->steps[o], n))
                return false;
    }
    return true;
}

static size_t loop_grain(const Loop *l)
{
    size_t nbytes = 0;
    for (unsigned i = 0; i < l->nargs; i++)
        nbytes += (size_t)(l->steps[i] < 0 ? -l->steps[i] : l->steps[i]);
    size_t grain = RANGE_NBYTES / (nbytes ? nbytes : 1);
    return grain < RANGE_MIN ? RANGE_MIN : grain;
}

static int32_t loop_range(void *arg, size_t lo, size_t hi, uint32_t slot)
{
    Loop *l = arg;
    char *at[NJ_LOOP_ARGS];
    intptr_t n = (intptr_t)(hi - lo);
    int32_t status = 0;
    for (unsigned i = 0; i < l->nargs; i++)
        at[i] = l->args[i] + (intptr_t)lo * l->steps[i];
    feclearexcept(FE_ALL_EXCEPT);
    l->fn(at, &n, l->steps, &status);
    atomic_fetch_or(&l->flags, fetestexcept(FE_ALL_EXCEPT));
    if (status) {
        uint64_t mine = (uint64_t)lo << 32 | (uint32_t)status, seen = atomic_load(&l->first);
        while (mine < seen && !atomic_compare_exchange_weak(&l->first, &seen, mine))
            ;
    }
    return 0;                          /* every range runs, so that the lowest error is the one reported */
}

int32_t nj_loop_run(NjPool *pool, NjLoopFn fn, char *const *args, size_t n, const intptr_t *steps, unsigned nin,
                    unsigned nargs)
{
    Loop l = {.fn = fn, .args = args, .steps = steps, .nargs = nargs, .first = UINT64_MAX};
    size_t grain = loop_grain(&l);
    if (n <= grain || nargs > NJ_LOOP_ARGS || n >> 32 || !loop_is_free(&l, n, nin))
        pool = NULL;
    if (pool) {
        int before = fetestexcept(FE_ALL_EXCEPT);
        nj_pool_for(pool, n, grain, loop_range, &l);
        feraiseexcept(before | atomic_load(&l.flags));      /* NumPy asks this thread about them */
        uint64_t first = atomic_load(&l.first);
        return first == UINT64_MAX ? 0 : (int32_t)(uint32_t)first;
    }
    int32_t status = 0;
    intptr_t count = (intptr_t)n;
    fn((char **)(uintptr_t)args, &count, steps, &status);
    return status;
}
