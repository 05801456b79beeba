/* stream.c - streams, our own and other libraries'.
 *
 * In: a device. Out: a handle that copies and launches queue on. A NULL NjCudaStream is the default stream.
 */
#include "cuda/room.h"

enum { STREAM_NON_BLOCKING = 1 };

static NjCudaStream *stream_get_block(NjCudaDev *dev, NjErr *err)
{
    NjCudaStream *s = nj_calloc(1, sizeof *s);
    if (s == NULL)
        nj_err_set(err, NJ_E_NOMEM, 0, "out of memory while making a stream");
    else
        s->dev = dev;
    return s;
}

/* blocking: waits for the legacy default stream and holds it up, as the driver's streams do when not told otherwise. */
NjStatus nj_cuda_stream_new(NjCudaDev *dev, bool blocking, NjCudaStream **out, NjErr *err)
{
    *out = NULL;
    NjCudaStream *s = stream_get_block(dev, err);
    if (s == NULL)
        return NJ_E_NOMEM;
    s->owned = true;
    NjStatus st = nj_cuda_enter(dev, err);
    if (st == NJ_OK)
        st = NJ_DRV(dev->cu, err, cuStreamCreate, (&s->s, blocking ? 0 : STREAM_NON_BLOCKING));
    if (st != NJ_OK)
        nj_free(s);
    else
        *out = s;
    return st;
}

NjStatus nj_cuda_stream_wrap(NjCudaDev *dev, uintptr_t raw, NjCudaStream **out, NjErr *err)
{
    NjCudaStream *s = *out = stream_get_block(dev, err);
    if (s == NULL)
        return NJ_E_NOMEM;
    s->s = (NjCuStrm)raw;
    return NJ_OK;
}

NjStatus nj_cuda_stream_free(NjCudaStream *s, NjErr *err)
{
    NjStatus in = NJ_OK, st = NJ_OK;
    if (s == NULL)
        return NJ_OK;
    if (s->owned) {
        in = nj_cuda_enter(s->dev, err);
        st = NJ_DRV(s->dev->cu, in == NJ_OK ? err : NULL, cuStreamDestroy, (s->s));
    }
    nj_free(s);
    return in == NJ_OK ? st : in;
}

uintptr_t nj_cuda_stream_raw(const NjCudaStream *s)
{
    return s ? (uintptr_t)s->s : 0;
}

NjStatus nj_cuda_stream_sync(NjCudaStream *s, NjErr *err)
{
    NjStatus st = nj_cuda_enter(s->dev, err);
    return st == NJ_OK ? NJ_DRV(s->dev->cu, err, cuStreamSynchronize, (s->s)) : st;
}

NjStatus nj_cuda_stream_done(NjCudaStream *s, bool *done, NjErr *err)
{
    NjErr first = {0};
    NjStatus st = nj_cuda_enter(s->dev, &first);
    if (st == NJ_OK)
        st = NJ_DRV(s->dev->cu, &first, cuStreamQuery, (s->s));
    return nj_cuda_is_done(st, &first, done, err);
}

NjStatus nj_cuda_stream_wait(NjCudaStream *s, NjCudaEvent *e, NjErr *err)
{
    NjStatus st = nj_cuda_enter(e->dev, err);
    return st == NJ_OK ? NJ_DRV(e->dev->cu, err, cuStreamWaitEvent, (s ? s->s : NULL, e->e, 0)) : st;
}

/* -- callbacks ------------------------------------------------------------------------------------------- */

typedef struct StreamCall {
    NjCudaCall fn;
    void *arg;
} StreamCall;

static void stream_called(NjCuStrm raw, NjCuResult status, void *arg)
{
    StreamCall call = *(StreamCall *)arg;
    nj_free(arg);
    call.fn(call.arg, status);
}

NjStatus nj_cuda_stream_call(NjCudaStream *s, NjCudaCall fn, void *arg, NjErr *err)
{
    StreamCall *call = nj_malloc(sizeof *call);
    if (call == NULL)
        return nj_err_set(err, NJ_E_NOMEM, 0, "out of memory while adding a callback");
    *call = (StreamCall){fn, arg};
    NjStatus st = nj_cuda_enter(s->dev, err);
    if (st == NJ_OK)
        st = NJ_DRV(s->dev->cu, err, cuStreamAddCallback, (s->s, stream_called, call, 0));
    if (st != NJ_OK)
        nj_free(call);
    return st;
}
