/* device.c - which devices kernels run on: opened once, chosen for each thread.
 *
 * NAJA_DEVICE decides; without it the GPUs, and where there is none the CPU device, with the reason kept for
 * `python -m naja info`. Guarded by the GIL: every caller holds it.
 */
#include "ext.h"
#include "device.h"

static struct {
    bool tried;
    NjStatus status;
    NjErr err;                   /* of the failure, or why there is no GPU */
    NjDevice cpu;
    NjDevice *list;
    int n;
    char **sites;
} devs;

static _Thread_local int current_ordinal;

static NjStatus open_cpu(void)
{
    NjErr err = {0};
    devs.list = &devs.cpu;
    devs.n = 1;
    if (nj_device_cpu_open(&devs.cpu, &err) != NJ_OK) {
        devs.err = err;
        return err.status;
    }
    return NJ_OK;
}

static NjStatus open_asked(void)
{
    const char *want = nj_knobs()->device;
    if (want && !strcmp(want, "cpu"))
        return open_cpu();
    if (want && strcmp(want, "cuda") && strcmp(want, "mock"))
        return nj_err_set(&devs.err, NJ_E_ENV, 0, "NAJA_DEVICE is '%s'; it can be cpu, cuda or mock", want);
    NjStatus st = nj_device_cuda_open(&devs.list, &devs.n, &devs.err);
    if (st == NJ_OK)
        return st;
    if (!want)
        return open_cpu();
    if (st == NJ_E_ENV)                  /* a driver that does not start is a missing device to users */
        st = devs.err.status = NJ_E_DEVICE;
    return st;
}

NjStatus nj_devices_open(NjErr *err)
{
    if (!devs.tried) {
        devs.tried = true;
        devs.status = open_asked();
    }
    if (devs.status != NJ_OK && err)
        *err = devs.err;
    return devs.status;
}

int nj_device_count(void)
{
    return devs.status == NJ_OK ? devs.n : 0;
}

NjDevice *nj_device_get(int ordinal)
{
    return ordinal >= 0 && ordinal < nj_device_count() ? &devs.list[ordinal] : NULL;
}

NjDevice *nj_device_current(NjErr *err)
{
    return nj_devices_open(err) == NJ_OK ? &devs.list[current_ordinal] : NULL;
}

NjStatus nj_device_select(int ordinal, NjErr *err)
{
    NjStatus st = nj_devices_open(err);
    if (st != NJ_OK)
        return st;
    if (!nj_device_get(ordinal))
        return nj_err_set(err, NJ_E_USER, 0, "there is no device %d: naja found %d", ordinal, devs.n);
    current_ordinal = ordinal;
    return NJ_OK;
}

const char *nj_device_why_cpu(void)
{
    return devs.list == &devs.cpu ? devs.err.text : "";
}

void nj_device_set_sites(char **sites)
{
    devs.sites = sites;
}

const char *const *nj_device_sites(void)
{
    return (const char *const *)devs.sites;
}
