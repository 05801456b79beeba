/* link.c - joins PTX and cubin inputs into one cubin with the driver's linker.
 *
 * In: named images. Out: a cubin in memory of ours, since the linker's own dies with the link state.
 */
#include "cuda/room.h"

static NjStatus link_add(NjCuda *cu, NjCuLink link, const NjCudaInput *in, NjErr *err)
{
    bool cubin = in->nbytes >= 4 && memcmp(in->data, "\177ELF", 4) == 0;
    return NJ_DRV(
        cu, err, cuLinkAddData,
        (link, cubin ? NJ_CU_INPUT_CUBIN : NJ_CU_INPUT_PTX, (void *)in->data, in->nbytes, in->name, 0, NULL, NULL));
}

static NjStatus link_finish(NjCuda *cu, NjCuLink link, void **cubin, size_t *nbytes, NjErr *err)
{
    void *image = NULL;
    size_t n = 0;
    NjStatus st = NJ_DRV(cu, err, cuLinkComplete, (link, &image, &n));
    if (st != NJ_OK)
        return st;
    *cubin = nj_malloc(n);
    if (*cubin == NULL)
        return nj_err_set(err, NJ_E_NOMEM, 0, "out of memory while linking");
    memcpy(*cubin, image, n);
    *nbytes = n;
    return NJ_OK;
}

static NjStatus link_run(NjCudaDev *dev, const NjCudaInput *in, size_t n, NjJitOpts *o, void **cubin, size_t *nbytes,
                         NjErr *err)
{
    NjErr first = {0};
    NjCuLink link = NULL;
    NjStatus st = nj_cuda_enter(dev, err);
    if (st == NJ_OK)
        st = NJ_DRV(dev->cu, err, cuLinkCreate, (o->n, o->key, o->value, &link));
    if (st != NJ_OK)
        return st;
    for (size_t i = 0; i < n && st == NJ_OK; i++)
        st = link_add(dev->cu, link, &in[i], &first);
    if (st == NJ_OK)
        st = link_finish(dev->cu, link, cubin, nbytes, &first);
    (void)NJ_DRV(dev->cu, NULL, cuLinkDestroy, (link));
    return st == NJ_OK ? st : nj_err_set(err, st, first.code, "%s%s%s", first.text, o->error[0] ? "\n" : "", o->error);
}

/* The driver is older than libNVVM: as in nj_cuda_module_load, a second chance with .version lowered. */
static NjStatus link_older(NjCudaDev *dev, const NjCudaInput *in, size_t n, const NjCudaLoad *how, NjJitOpts *o,
                           void **cubin, size_t *nbytes, NjErr *err)
{
    NjCudaInput *older = nj_calloc(n, sizeof *older);
    NjText *text = nj_calloc(n, sizeof *text);
    NjStatus st = older && text ? NJ_OK : nj_err_set(err, NJ_E_NOMEM, 0, "out of memory while linking");
    for (size_t i = 0; st == NJ_OK && i < n; i++) {
        older[i] = in[i];
        if (nj_ptx_lower_version(in[i].data, in[i].nbytes, o->error, &text[i]))
            older[i].data = text[i].at, older[i].nbytes = text[i].n;
    }
    if (st == NJ_OK) {
        nj_cuda_jit_fill(o, how);
        st = link_run(dev, older, n, o, cubin, nbytes, err);
    }
    for (size_t i = 0; text && i < n; i++)
        nj_text_free(&text[i]);
    nj_free(text);
    nj_free(older);
    return st;
}

NjStatus nj_cuda_link(NjCudaDev *dev, const NjCudaInput *in, size_t n, const NjCudaLoad *how, void **cubin,
                      size_t *nbytes, NjErr *err)
{
    *cubin = NULL, *nbytes = 0;
    NjJitOpts *o = nj_malloc(sizeof *o);
    if (o == NULL)
        return nj_err_set(err, NJ_E_NOMEM, 0, "out of memory while linking");
    NjErr first = {0};
    nj_cuda_jit_fill(o, how);
    NjStatus st = link_run(dev, in, n, o, cubin, nbytes, &first);
    if (st != NJ_OK && first.code == NJ_CU_UNSUPPORTED_PTX && o->error[0])
        st = link_older(dev, in, n, how, o, cubin, nbytes, &first);
    nj_free(o);
    return st == NJ_OK ? st : nj_err_set(err, st, first.code, "%s", first.text);
}
