/* vec.c - growth of NJ_VEC: doubles the block, copies, and leaves the old one to the arena. */
#include "base/base.h"

bool nj_vec_grow(NjArena *a, void **at, uint32_t *cap, uint32_t need, size_t size)
{
    uint64_t n = *cap ? (uint64_t)*cap * 2 : 8;
    if (n < need)
        n = need;
    if (n > UINT32_MAX)
        n = UINT32_MAX;
    if (!need || n < need)       /* need wrapped round: 2^32 elements */
        return false;
    void *p = nj_arena_alloc(a, (size_t)n * size);
    if (!p)
        return false;
    if (*cap)
        memcpy(p, *at, (size_t)*cap * size);
    *at = p;
    *cap = (uint32_t)n;
    return true;
}
