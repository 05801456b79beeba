/* fake_memory.c - the fake's device memory, which is the host's; streams and events that finish everything at once.
 *
 * In: the driver's calls. Every address is looked up: what is not inside a live allocation or a module's global is
 * refused, as is a stream or event that is not alive.
 */
#include "fake_room.h"

/* -- memory -------------------------------------------------------------------------------------------------------- */

static NjCuResult fake_take(FakeKind kind, size_t nbytes, void **p)
{
    if (fake_no_ctx())
        return NJ_CU_INVALID_CONTEXT;
    if (nbytes == 0)
        return NJ_CU_INVALID_VALUE;
    if (nbytes > fake_total - fake.used || posix_memalign(p, 256, nbytes) != 0)
        return NJ_CU_OUT_OF_MEMORY;
    memset(*p, 0xcd, nbytes < 65536 ? nbytes : 65536);      /* what is read before it is written must look wrong */
    fake_new(kind, *p, nbytes);
    fake.used += kind == FAKE_HOST ? 0 : nbytes;
    return NJ_CU_OK;
}

static NjCuResult fake_take_device(FakeKind kind, NjCuPtr *ptr, size_t nbytes)
{
    void *p = NULL;
    NjCuResult r = fake_take(kind, nbytes, &p);
    if (r == NJ_CU_OK)
        *ptr = (uintptr_t)p;
    return r;
}

NjCuResult fake_cuMemAlloc(NjCuPtr *ptr, size_t nbytes) { return fake_take_device(FAKE_DEVICE, ptr, nbytes); }

NjCuResult fake_cuMemAllocManaged(NjCuPtr *ptr, size_t nbytes, unsigned flags)
{
    return fake_take_device(FAKE_MANAGED, ptr, nbytes);
}

NjCuResult fake_cuMemFree(NjCuPtr ptr)
{
    NjCuResult r = fake_drop_handle(FAKE_DEVICE, (void *)(uintptr_t)ptr);
    return r == NJ_CU_OK ? r : fake_drop_handle(FAKE_MANAGED, (void *)(uintptr_t)ptr);
}

NjCuResult fake_cuMemHostAlloc(void **p, size_t n, unsigned flags) { return fake_take(FAKE_HOST, n, p); }
NjCuResult fake_cuMemFreeHost(void *p) { return fake_drop_handle(FAKE_HOST, p); }

NjCuResult fake_cuMemHostRegister(void *p, size_t nbytes, unsigned flags)
{
    if (fake_no_ctx())
        return NJ_CU_INVALID_CONTEXT;
    if (p == NULL || nbytes == 0)
        return NJ_CU_INVALID_VALUE;
    if (fake_find(FAKE_PINNED, p))
        return 712;
    fake_new(FAKE_PINNED, p, nbytes);
    return NJ_CU_OK;
}

NjCuResult fake_cuMemHostUnregister(void *p)
{
    return fake_drop_handle(FAKE_PINNED, p) == NJ_CU_OK ? NJ_CU_OK : 713;
}

NjCuResult fake_cuMemHostGetDevicePointer(NjCuPtr *ptr, void *p, unsigned flags)
{
    FakeObj *o = fake_holds((uintptr_t)p, 1);
    *ptr = o ? (uintptr_t)p : 0;
    return o && (o->kind == FAKE_HOST || o->kind == FAKE_PINNED) ? NJ_CU_OK : NJ_CU_INVALID_VALUE;
}

NjCuResult fake_cuPointerGetAttribute(void *value, int attr, NjCuPtr ptr)
{
    FakeObj *o = fake_holds(ptr, 1);
    if (o == NULL)
        return NJ_CU_INVALID_VALUE;
    if (attr == NJ_CU_PTR_MEMORY_TYPE)
        *(unsigned *)value = o->kind <= FAKE_MANAGED ? NJ_CU_MEMORY_DEVICE : NJ_CU_MEMORY_HOST;
    else if (attr == NJ_CU_PTR_DEVICE_ORDINAL)
        *(int *)value = o->dev;
    else
        return NJ_CU_INVALID_VALUE;
    return NJ_CU_OK;
}

static NjCuResult fake_check(NjCuPtr ptr, size_t n, NjCuStrm s)
{
    if (fake_no_ctx())
        return NJ_CU_INVALID_CONTEXT;
    if ((uintptr_t)s > 2 && !fake_find(FAKE_STREAM, s))
        return NJ_CU_INVALID_HANDLE;
    return fake_holds(ptr, n) || fake_global_holds(ptr, n) ? NJ_CU_OK : NJ_CU_INVALID_VALUE;
}

NjCuResult fake_cuMemcpyHtoDAsync(NjCuPtr dst, const void *src, size_t nbytes, NjCuStrm s)
{
    NjCuResult r = fake_check(dst, nbytes, s);
    if (r == NJ_CU_OK)
        memcpy((void *)(uintptr_t)dst, src, nbytes);
    return r;
}

NjCuResult fake_cuMemcpyDtoHAsync(void *dst, NjCuPtr src, size_t nbytes, NjCuStrm s)
{
    NjCuResult r = fake_check(src, nbytes, s);
    if (r == NJ_CU_OK)
        memcpy(dst, (void *)(uintptr_t)src, nbytes);
    return r;
}

NjCuResult fake_cuMemcpyDtoDAsync(NjCuPtr dst, NjCuPtr src, size_t nbytes, NjCuStrm s)
{
    NjCuResult r = fake_check(dst, nbytes, s);
    return r == NJ_CU_OK ? fake_cuMemcpyDtoHAsync((void *)(uintptr_t)dst, src, nbytes, s) : r;
}

NjCuResult fake_cuMemcpyHtoD(NjCuPtr dst, const void *src, size_t n)
{
    return fake_cuMemcpyHtoDAsync(dst, src, n, NULL);
}

NjCuResult fake_cuMemcpyDtoH(void *dst, NjCuPtr src, size_t n)
{
    return fake_cuMemcpyDtoHAsync(dst, src, n, NULL);
}

NjCuResult fake_cuMemcpyDtoD(NjCuPtr dst, NjCuPtr src, size_t n)
{
    return fake_cuMemcpyDtoDAsync(dst, src, n, NULL);
}

static NjCuResult fake_set(NjCuPtr ptr, unsigned value, size_t width, size_t n, NjCuStrm s)
{
    NjCuResult r = ptr % width ? NJ_CU_INVALID_VALUE : fake_check(ptr, n * width, s);
    for (size_t i = 0; r == NJ_CU_OK && i < n; i++)      /* little-endian, as the device */
        memcpy((char *)(uintptr_t)ptr + i * width, &value, width);
    return r;
}

NjCuResult fake_cuMemsetD8(NjCuPtr p, unsigned char v, size_t n) { return fake_set(p, v, 1, n, NULL); }
NjCuResult fake_cuMemsetD16(NjCuPtr p, unsigned short v, size_t n) { return fake_set(p, v, 2, n, NULL); }
NjCuResult fake_cuMemsetD32(NjCuPtr p, unsigned v, size_t n) { return fake_set(p, v, 4, n, NULL); }
NjCuResult fake_cuMemsetD8Async(NjCuPtr p, unsigned char v, size_t n, NjCuStrm s)
{
    return fake_set(p, v, 1, n, s);
}

NjCuResult fake_cuMemsetD16Async(NjCuPtr p, unsigned short v, size_t n, NjCuStrm s)
{
    return fake_set(p, v, 2, n, s);
}

NjCuResult fake_cuMemsetD32Async(NjCuPtr p, unsigned v, size_t n, NjCuStrm s)
{
    return fake_set(p, v, 4, n, s);
}

/* -- streams and events: everything is finished at once ------------------------------------------------------------ */

NjCuResult fake_stream_check(NjCuStrm s)
{
    if (fake_no_ctx())
        return NJ_CU_INVALID_CONTEXT;
    return (uintptr_t)s <= 2 || fake_find(FAKE_STREAM, s) ? NJ_CU_OK : NJ_CU_INVALID_HANDLE;
}

NjCuResult fake_cuStreamCreate(NjCuStrm *s, unsigned flags)
{
    if (fake_no_ctx())
        return NJ_CU_INVALID_CONTEXT;
    *s = (NjCuStrm)fake_new(FAKE_STREAM, NULL, 0);
    return NJ_CU_OK;
}

NjCuResult fake_cuStreamDestroy(NjCuStrm s) { return fake_drop_handle(FAKE_STREAM, s); }
NjCuResult fake_cuStreamSynchronize(NjCuStrm s) { return fake_stream_check(s); }
NjCuResult fake_cuStreamQuery(NjCuStrm s) { return fake_stream_check(s); }

NjCuResult fake_cuStreamWaitEvent(NjCuStrm s, NjCuEvt e, unsigned flags)
{
    return fake_find(FAKE_EVENT, e) ? fake_stream_check(s) : NJ_CU_INVALID_HANDLE;
}

NjCuResult fake_cuStreamAddCallback(NjCuStrm s, NjCuCallback fn, void *arg, unsigned flags)
{
    NjCuResult r = fake_stream_check(s);
    if (r != NJ_CU_OK)
        return r;
    pthread_mutex_unlock(&fake.lock);       /* it may wait for a thread that is in the driver */
    fn(s, NJ_CU_OK, arg);
    pthread_mutex_lock(&fake.lock);
    return NJ_CU_OK;
}

NjCuResult fake_cuEventCreate(NjCuEvt *e, unsigned flags)
{
    if (fake_no_ctx())
        return NJ_CU_INVALID_CONTEXT;
    *e = (NjCuEvt)fake_new(FAKE_EVENT, NULL, 0);
    return NJ_CU_OK;
}

NjCuResult fake_cuEventDestroy(NjCuEvt e) { return fake_drop_handle(FAKE_EVENT, e); }

NjCuResult fake_cuEventRecord(NjCuEvt e, NjCuStrm s)
{
    FakeObj *o = fake_find(FAKE_EVENT, e);
    if (o == NULL)
        return NJ_CU_INVALID_HANDLE;
    clock_gettime(CLOCK_MONOTONIC, &o->when);
    o->recorded = true;
    return fake_stream_check(s);
}

NjCuResult fake_cuEventQuery(NjCuEvt e) { return fake_find(FAKE_EVENT, e) ? NJ_CU_OK : NJ_CU_INVALID_HANDLE; }
NjCuResult fake_cuEventSynchronize(NjCuEvt e) { return fake_cuEventQuery(e); }

NjCuResult fake_cuEventElapsedTime(float *ms, NjCuEvt from, NjCuEvt to)
{
    FakeObj *a = fake_find(FAKE_EVENT, from), *b = fake_find(FAKE_EVENT, to);
    if (a == NULL || b == NULL || !a->recorded || !b->recorded)
        return NJ_CU_INVALID_HANDLE;
    *ms = (float)((double)(b->when.tv_sec - a->when.tv_sec) * 1e3 + (double)(b->when.tv_nsec - a->when.tv_nsec) * 1e-6);
    return NJ_CU_OK;
}
