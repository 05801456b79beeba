/* event.c - markers in a stream: waiting, ordering, timing. In: a device or a stream. Out: a handle, or milliseconds.
 */
#include "cuda/room.h"

enum { EVENT_DISABLE_TIMING = 2 };

NjStatus nj_cuda_event_new(NjCudaDev *dev, bool timing, NjCudaEvent **out, NjErr *err)
{
    *out = NULL;
    NjCudaEvent *e = nj_calloc(1, sizeof *e);
    if (e == NULL)
        return nj_err_set(err, NJ_E_NOMEM, 0, "out of memory while making an event");
    e->dev = dev;
    NjStatus st = nj_cuda_enter(dev, err);
    if (st == NJ_OK)
        st = NJ_DRV(dev->cu, err, cuEventCreate, (&e->e, timing ? 0 : EVENT_DISABLE_TIMING));
    if (st != NJ_OK)
        nj_free(e);
    else
        *out = e;
    return st;
}

NjStatus nj_cuda_event_free(NjCudaEvent *e, NjErr *err)
{
    if (e == NULL)
        return NJ_OK;
    NjStatus in = nj_cuda_enter(e->dev, err);
    NjStatus st = NJ_DRV(e->dev->cu, in == NJ_OK ? err : NULL, cuEventDestroy, (e->e));
    nj_free(e);
    return in == NJ_OK ? st : in;
}

NjStatus nj_cuda_event_record(NjCudaEvent *e, NjCudaStream *s, NjErr *err)
{
    NjStatus st = nj_cuda_enter(e->dev, err);
    return st == NJ_OK ? NJ_DRV(e->dev->cu, err, cuEventRecord, (e->e, s ? s->s : NULL)) : st;
}

NjStatus nj_cuda_event_sync(NjCudaEvent *e, NjErr *err)
{
    NjStatus st = nj_cuda_enter(e->dev, err);
    return st == NJ_OK ? NJ_DRV(e->dev->cu, err, cuEventSynchronize, (e->e)) : st;
}

NjStatus nj_cuda_event_done(NjCudaEvent *e, bool *done, NjErr *err)
{
    NjErr first = {0};
    NjStatus st = nj_cuda_enter(e->dev, &first);
    if (st == NJ_OK)
        st = NJ_DRV(e->dev->cu, &first, cuEventQuery, (e->e));
    return nj_cuda_is_done(st, &first, done, err);
}

NjStatus nj_cuda_event_elapsed(NjCudaEvent *from, NjCudaEvent *to, float *ms, NjErr *err)
{
    *ms = 0;
    NjStatus st = nj_cuda_enter(from->dev, err);
    return st == NJ_OK ? NJ_DRV(from->dev->cu, err, cuEventElapsedTime, (ms, from->e, to->e)) : st;
}
