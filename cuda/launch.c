/* launch.c - the hot path: a prepared argument block and one driver call.
 *
 * In: a kernel, a grid, one pointer for each parameter. Out: queued work. Nothing is allocated and no lock is taken;
 * the explanation of a failure is made only after it.
 */
#include "cuda/room.h"

/* One block of memory: the struct, then slots, then the pointers into them, then their indices. */
NjStatus nj_cuda_args_new(const uint32_t *size, uint32_t nparam, NjCudaArgs **out, NjErr *err)
{
    uint32_t nslot = 0;
    for (uint32_t i = 0; i < nparam; i++)
        nslot += (size[i] + 7) / 8;
    NjCudaArgs *a = nj_calloc(1, sizeof *a + 8 * (size_t)nslot + (sizeof(void *) + sizeof(uint32_t)) * nparam);
    *out = a;
    if (a == NULL)
        return nj_err_set(err, NJ_E_NOMEM, 0, "out of memory while preparing %u kernel arguments", nparam);
    a->nparam = nparam;
    a->nslot = nslot;
    a->slot = (uint64_t *)(a + 1);
    a->ptr = (void **)(a->slot + nslot);
    a->first = (uint32_t *)(a->ptr + nparam);
    for (uint32_t i = 0, at = 0; i < nparam; at += (size[i++] + 7) / 8) {
        a->first[i] = at;
        a->ptr[i] = &a->slot[at];
    }
    return NJ_OK;
}

/* Why a launch was refused, as far as the numbers tell. */
static const char *launch_reason(const NjCudaFn *fn, const NjCudaGrid *g, char *buf, size_t n)
{
    const NjCudaDevInfo *d = &fn->mod->dev->info;
    uint64_t threads = (uint64_t)g->block[0] * g->block[1] * g->block[2];
    static const char axis[] = "xyz";
    for (int i = 0; i < 3; i++) {
        if (g->grid[i] == 0 || g->block[i] == 0)
            return snprintf(buf, n, "; the %s has no %c", g->grid[i] ? "block" : "grid", axis[i]), buf;
        if (g->grid[i] > (uint32_t)d->max_grid[i])
            return snprintf(buf, n, "; the grid's %c may be %d", axis[i], d->max_grid[i]), buf;
        if (g->block[i] > (uint32_t)d->max_block[i])
            return snprintf(buf, n, "; the block's %c may be %d", axis[i], d->max_block[i]), buf;
    }
    if (threads > (uint64_t)d->max_threads_per_block)
        return snprintf(buf, n, "; a block may have %d threads, not %" PRIu64, d->max_threads_per_block, threads), buf;
    if (g->shared_nbytes > (uint32_t)d->max_shared_nbytes)
        return snprintf(buf, n, "; more than %d bytes of shared memory must be opted into", d->max_shared_nbytes), buf;
    return "";
}

static NjStatus launch_explain(const NjCudaFn *fn, const NjCudaGrid *g, NjStatus st, const NjErr *first, NjErr *err)
{
    char why[128];
    return nj_err_set(err, st, first->code, "kernel '%s', grid (%u, %u, %u), block (%u, %u, %u), %u bytes shared: %s%s",
                      fn->name, g->grid[0], g->grid[1], g->grid[2], g->block[0], g->block[1], g->block[2],
                      g->shared_nbytes, first->text, launch_reason(fn, g, why, sizeof why));
}

static NjStatus launch_cooperative(NjCuda *cu, const NjCudaFn *fn, const NjCudaGrid *g, NjCuStrm s, void **params,
                                   NjErr *err)
{
    return NJ_DRV(cu, err, cuLaunchCooperativeKernel,
                  (fn->fn, g->grid[0], g->grid[1], g->grid[2], g->block[0], g->block[1], g->block[2], g->shared_nbytes,
                   s, params));
}

NjStatus nj_cuda_launch(const NjCudaFn *fn, const NjCudaGrid *g, void **params, NjErr *err)
{
    NjErr first; /* filled only by a failure */
    NjCuda *cu = fn->mod->dev->cu;
    NjCuStrm s = g->stream ? g->stream->s : NULL;
    NjStatus st = nj_cuda_enter(fn->mod->dev, &first);
    if (st == NJ_OK && g->cooperative)
        st = launch_cooperative(cu, fn, g, s, params, &first);
    else if (st == NJ_OK)
        st = NJ_DRV(cu, &first, cuLaunchKernel,
                    (fn->fn, g->grid[0], g->grid[1], g->grid[2], g->block[0], g->block[1], g->block[2],
                     g->shared_nbytes, s, params, NULL));
    return st == NJ_OK ? st : launch_explain(fn, g, st, &first, err);
}
