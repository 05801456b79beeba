/* mem.c - device memory, copies, fills and pinned host memory.
 *
 * In: a device, addresses and byte counts. Out: the driver's status. A NULL stream picks the call that is finished when
 * it returns, a stream the one that only queues. Zero bytes reach no driver, which would refuse them.
 */
#include "cuda/room.h"

/* -- device memory ------------------------------------------------------------------------------------- */

static NjStatus mem_nomem(NjCudaDev *dev, NjStatus st, size_t nbytes, const NjErr *first, NjErr *err)
{
    size_t avail = 0, total = 0;
    if (first->code != NJ_CU_OUT_OF_MEMORY || NJ_DRV(dev->cu, NULL, cuMemGetInfo, (&avail, &total)) != NJ_OK)
        return nj_err_set(err, st, first->code, "%s", first->text);
    return nj_err_set(err, st, first->code, "%s; %zu bytes wanted, %zu of %zu free on %s", first->text, nbytes, avail,
                      total, dev->info.name);
}

NjStatus nj_cuda_alloc(NjCudaDev *dev, size_t nbytes, uint64_t *ptr, NjErr *err)
{
    *ptr = 0;
    if (nbytes == 0)
        return NJ_OK;
    NjErr first = {0};
    NjStatus st = nj_cuda_enter(dev, &first);
    if (st == NJ_OK)
        st = NJ_DRV(dev->cu, &first, cuMemAlloc, (ptr, nbytes));
    return st == NJ_OK ? st : mem_nomem(dev, st, nbytes, &first, err);
}

NjStatus nj_cuda_alloc_managed(NjCudaDev *dev, size_t nbytes, bool attach_global, uint64_t *ptr, NjErr *err)
{
    *ptr = 0;
    if (nbytes == 0)
        return NJ_OK;
    NjErr first = {0};
    NjStatus st = nj_cuda_enter(dev, &first);
    if (st == NJ_OK)
        st = NJ_DRV(dev->cu, &first, cuMemAllocManaged, (ptr, nbytes, attach_global ? 1 : 2));
    return st == NJ_OK ? st : mem_nomem(dev, st, nbytes, &first, err);
}

/* Frees whatever happens to the context: an array's end must not leave memory behind for a call that failed before it.
 */
NjStatus nj_cuda_free(NjCudaDev *dev, uint64_t ptr, NjErr *err)
{
    if (ptr == 0)
        return NJ_OK;
    NjStatus in = nj_cuda_enter(dev, err);
    NjStatus st = NJ_DRV(dev->cu, in == NJ_OK ? err : NULL, cuMemFree, (ptr));
    return in == NJ_OK ? st : in;
}

/* -- copies ------------------------------------------------------------------------------------------------ */

NjStatus nj_cuda_h2d(NjCudaDev *dev, NjCudaStream *s, uint64_t dst, const void *src, size_t nbytes, NjErr *err)
{
    NjStatus st = nbytes ? nj_cuda_enter(dev, err) : NJ_OK;
    if (st != NJ_OK || nbytes == 0)
        return st;
    return s ? NJ_DRV(dev->cu, err, cuMemcpyHtoDAsync, (dst, src, nbytes, s->s))
             : NJ_DRV(dev->cu, err, cuMemcpyHtoD, (dst, src, nbytes));
}

NjStatus nj_cuda_d2h(NjCudaDev *dev, NjCudaStream *s, void *dst, uint64_t src, size_t nbytes, NjErr *err)
{
    NjStatus st = nbytes ? nj_cuda_enter(dev, err) : NJ_OK;
    if (st != NJ_OK || nbytes == 0)
        return st;
    return s ? NJ_DRV(dev->cu, err, cuMemcpyDtoHAsync, (dst, src, nbytes, s->s))
             : NJ_DRV(dev->cu, err, cuMemcpyDtoH, (dst, src, nbytes));
}

/* The driver need not finish a copy within the device before it returns, so a NULL stream waits for it. */
NjStatus nj_cuda_d2d(NjCudaDev *dev, NjCudaStream *s, uint64_t dst, uint64_t src, size_t nbytes, NjErr *err)
{
    NjStatus st = nbytes ? nj_cuda_enter(dev, err) : NJ_OK;
    if (st != NJ_OK || nbytes == 0)
        return st;
    if (s != NULL)
        return NJ_DRV(dev->cu, err, cuMemcpyDtoDAsync, (dst, src, nbytes, s->s));
    st = NJ_DRV(dev->cu, err, cuMemcpyDtoD, (dst, src, nbytes));
    return st == NJ_OK ? NJ_DRV(dev->cu, err, cuStreamSynchronize, (NULL)) : st;
}

static NjStatus mem_fill_async(NjCuda *cu, NjCuStrm s, uint64_t dst, uint32_t value, int width, size_t n, NjErr *err)
{
    switch (width) {
    case 1:
        return NJ_DRV(cu, err, cuMemsetD8Async, (dst, (unsigned char)value, n, s));
    case 2:
        return NJ_DRV(cu, err, cuMemsetD16Async, (dst, (unsigned short)value, n, s));
    case 4:
        return NJ_DRV(cu, err, cuMemsetD32Async, (dst, value, n, s));
    default:
        return nj_err_set(err, NJ_E_USER, 0, "a fill takes elements of 1, 2 or 4 bytes, not %d", width);
    }
}

static NjStatus mem_fill(NjCuda *cu, uint64_t dst, uint32_t value, int width, size_t n, NjErr *err)
{
    switch (width) {
    case 1:
        return NJ_DRV(cu, err, cuMemsetD8, (dst, (unsigned char)value, n));
    case 2:
        return NJ_DRV(cu, err, cuMemsetD16, (dst, (unsigned short)value, n));
    case 4:
        return NJ_DRV(cu, err, cuMemsetD32, (dst, value, n));
    default:
        return nj_err_set(err, NJ_E_USER, 0, "a fill takes elements of 1, 2 or 4 bytes, not %d", width);
    }
}

NjStatus nj_cuda_fill(NjCudaDev *dev, NjCudaStream *s, uint64_t dst, uint32_t value, int width, size_t n, NjErr *err)
{
    NjStatus st = n ? nj_cuda_enter(dev, err) : NJ_OK;
    if (st != NJ_OK || n == 0)
        return st;
    if (s != NULL)
        return mem_fill_async(dev->cu, s->s, dst, value, width, n, err);
    st = mem_fill(dev->cu, dst, value, width, n, err);
    return st == NJ_OK ? NJ_DRV(dev->cu, err, cuStreamSynchronize, (NULL)) : st;
}

/* -- host memory the device can reach -------------------------------------------------------------------------- */

NjStatus nj_cuda_host_alloc(NjCudaDev *dev, size_t nbytes, unsigned flags, void **p, NjErr *err)
{
    *p = NULL;
    if (nbytes == 0)
        nbytes = 1; /* a buffer must have an address of its own */
    NjStatus st = nj_cuda_enter(dev, err);
    return st == NJ_OK ? NJ_DRV(dev->cu, err, cuMemHostAlloc, (p, nbytes, flags)) : st;
}

NjStatus nj_cuda_host_free(NjCudaDev *dev, void *p, NjErr *err)
{
    if (p == NULL)
        return NJ_OK;
    NjStatus in = nj_cuda_enter(dev, err);
    NjStatus st = NJ_DRV(dev->cu, in == NJ_OK ? err : NULL, cuMemFreeHost, (p));
    return in == NJ_OK ? st : in;
}

NjStatus nj_cuda_host_pin(NjCudaDev *dev, void *p, size_t nbytes, unsigned flags, NjErr *err)
{
    NjStatus st = nj_cuda_enter(dev, err);
    return st == NJ_OK ? NJ_DRV(dev->cu, err, cuMemHostRegister, (p, nbytes, flags)) : st;
}

NjStatus nj_cuda_host_unpin(NjCudaDev *dev, void *p, NjErr *err)
{
    NjStatus in = nj_cuda_enter(dev, err);
    NjStatus st = NJ_DRV(dev->cu, in == NJ_OK ? err : NULL, cuMemHostUnregister, (p));
    return in == NJ_OK ? st : in;
}

NjStatus nj_cuda_host_ptr(NjCudaDev *dev, void *p, uint64_t *ptr, NjErr *err)
{
    *ptr = 0;
    NjStatus st = nj_cuda_enter(dev, err);
    return st == NJ_OK ? NJ_DRV(dev->cu, err, cuMemHostGetDevicePointer, (ptr, p, 0)) : st;
}

/* -- whose address is this ---------------------------------------------------------------------------------------- */

/* The driver says INVALID_VALUE for memory it has never seen, which is an answer and not a failure. */
NjStatus nj_cuda_ptr_query(NjCudaDev *dev, uint64_t ptr, bool *on_device, int *ordinal, NjErr *err)
{
    unsigned type = 0;
    NjErr first = {0};
    *on_device = false, *ordinal = -1;
    NjStatus st = nj_cuda_enter(dev, err);
    if (st != NJ_OK)
        return st;
    st = NJ_DRV(dev->cu, &first, cuPointerGetAttribute, (&type, NJ_CU_PTR_MEMORY_TYPE, ptr));
    if (st != NJ_OK)
        return first.code == NJ_CU_INVALID_VALUE ? NJ_OK : nj_err_set(err, st, first.code, "%s", first.text);
    *on_device = type == NJ_CU_MEMORY_DEVICE;
    return NJ_DRV(dev->cu, err, cuPointerGetAttribute, (ordinal, NJ_CU_PTR_DEVICE_ORDINAL, ptr));
}
