/* image.c - loads a kernel by way of a cubin, so that the next process needs no JIT.
 *
 * In: PTX, and the cubin that an earlier process was left with, if any. Out: a module, and the cubin that is in it.
 * Three ways, from the fastest: the cubin as it is; the PTX through the driver's linker, which gives a new one; the
 * PTX through the JIT, where there is no linker or its cubin is refused. Only the last one's error is the user's.
 */
#include "cuda/room.h"

static NjStatus image_take(NjCudaDev *dev, NjCudaImage *im, NjCudaModule **out, const char *what)
{
    NjErr err = {0};
    NjStatus st = nj_cuda_module_load(dev, im->cubin, NULL, out, NULL, &err);
    if (st != NJ_OK)
        nj_log(1, "the driver refuses the %s cubin of %s: %s", what, im->name, err.text);
    return st;
}

static NjStatus image_link(NjCudaDev *dev, NjCudaImage *im, const NjCudaLoad *how)
{
    const NjCudaInput in = {im->name, im->ptx, im->nptx};
    NjErr err = {0};
    double start = nj_clock();
    NjStatus st = nj_cuda_link(dev, &in, 1, how, &im->owned, &im->ncubin, &err);
    if (st == NJ_OK)
        nj_log(2, "the driver made a cubin of %s in %.2f ms", im->name, (nj_clock() - start) * 1e3);
    if (st != NJ_OK)
        nj_log(1, "no cubin for %s: %s", im->name, err.text);
    im->cubin = im->owned;
    return st;
}

void nj_cuda_image_drop(NjCudaImage *im)
{
    nj_free(im->owned);
    im->cubin = im->owned = NULL;
    im->ncubin = 0;
}

NjStatus nj_cuda_image_load(NjCudaDev *dev, NjCudaImage *im, const NjCudaLoad *how, NjCudaModule **out, NjErr *err)
{
    im->owned = NULL;
    if (im->cubin && image_take(dev, im, out, "kept") == NJ_OK)
        return NJ_OK;
    nj_cuda_image_drop(im);
    if (image_link(dev, im, how) == NJ_OK && image_take(dev, im, out, "new") == NJ_OK)
        return NJ_OK;
    nj_cuda_image_drop(im);
    return nj_cuda_module_load(dev, im->ptx, how, out, NULL, err);
}
