/* image.c - what is left of a unit once it is native code or PTX.
 *
 * In: a compiled unit and its code. Out: an NjImage that borrows from both; entry.c makes a file of it and one from a
 * file, which then owns its bytes.
 */
#include "run/cache.h"

/* LLVM makes selects of branches in a loop, and so computes what the program did not ask for; without any it cannot. */
static bool unit_is_straight(const NjUnit *u)
{
    for (uint32_t i = 0; i < u->specs.n; i++) {
        const NjFn *f = u->specs.at[i]->core;
        uint32_t live = 0;
        if (f)
            for nj_each_blk(f, b)
                live++;
        if (live > 1)
            return false;
    }
    return true;
}

void nj_image_of_unit(NjImage *im, const NjUnit *u, const void *code, size_t ncode)
{
    const NjSpec *root = u->specs.at[0];
    *im = (NjImage){
        .entry = u->entry,
        .ret = root->declared ? root->declared
               : root->py     ? root->py->ret
                              : nj_type_none(u->ctx->types),
        .excs = u->excs.at,
        .nexcs = u->excs.n,
        .shared_bytes = u->shared_bytes,
        .frame_bytes = u->frame_bytes,
        .has_barrier = u->has_barrier,
        .uses_math = u->uses_math,
        .straight = unit_is_straight(u),
        .code = code,
        .ncode = ncode,
    };
}

void nj_image_free(NjImage *im)
{
    nj_free(im->owned);
    nj_free(im->owned_cubin);
    *im = (NjImage){0};
}
