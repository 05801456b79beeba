/* bits.c - a fixed-size bit set in an arena, for data-flow sets. The inline half is in base.h. */
#include "base/base.h"

NjBits *nj_bits_new(NjArena *a, uint32_t n)
{
    NjBits *b = NJ_NEW(a, NjBits);
    b->w = NJ_NEWN(a, uint64_t, ((uint64_t)n + 63) / 64);
    b->n = b->w ? n : 0;
    return b;
}

bool nj_bits_or(NjBits *dst, const NjBits *src)
{
    uint64_t changed = 0;
    for (uint32_t i = 0, n = (uint32_t)(((uint64_t)src->n + 63) / 64); i < n; i++) {
        changed |= src->w[i] & ~dst->w[i];
        dst->w[i] |= src->w[i];
    }
    return changed != 0;
}
