/* device.c - devices and their primary contexts.
 *
 * In: a loaded driver and an ordinal. Out: an NjCudaDev that holds the primary context until it is closed, with the
 * facts that launches and messages ask for most read once; the rest by name from attributes.def.
 */
#include "cuda/room.h"

static const struct {
    const char *name;
    int number;
} dev_attrs[] = {
#define ATTR(name, number) {#name, number},
#include "attributes.def"
#undef ATTR
};

NjStatus nj_cuda_count(NjCuda *cu, int *n, NjErr *err)
{
    *n = 0;
    return NJ_DRV(cu, err, cuDeviceGetCount, (n));
}

/* The attributes that every NjCudaDev knows: number and place in the info. */
static NjStatus dev_fill_attrs(NjCudaDev *dev, NjErr *err)
{
    NjCudaDevInfo *f = &dev->info;
    const struct {
        int attr;
        int *to;
    } want[] = {
        {NJ_CU_DEV_compute_capability_major, &f->major},
        {NJ_CU_DEV_compute_capability_minor, &f->minor},
        {NJ_CU_DEV_max_threads_per_block, &f->max_threads_per_block},
        {NJ_CU_DEV_max_block_dim_x, &f->max_block[0]},
        {NJ_CU_DEV_max_block_dim_y, &f->max_block[1]},
        {NJ_CU_DEV_max_block_dim_z, &f->max_block[2]},
        {NJ_CU_DEV_max_grid_dim_x, &f->max_grid[0]},
        {NJ_CU_DEV_max_grid_dim_y, &f->max_grid[1]},
        {NJ_CU_DEV_max_grid_dim_z, &f->max_grid[2]},
        {NJ_CU_DEV_warp_size, &f->warp_size},
        {NJ_CU_DEV_multiprocessor_count, &f->nsm},
        {NJ_CU_DEV_max_shared_memory_per_block, &f->max_shared_nbytes},
        {NJ_CU_DEV_max_shared_memory_per_block_optin, &f->max_shared_optin_nbytes},
    };
    NjStatus st = NJ_OK;
    for (size_t i = 0; i < NJ_COUNT(want) && st == NJ_OK; i++)
        st = NJ_DRV(dev->cu, err, cuDeviceGetAttribute, (want[i].to, want[i].attr, dev->id));
    return st;
}

static NjStatus dev_fill_names(NjCudaDev *dev, NjErr *err)
{
    NjCudaDevInfo *f = &dev->info;
    NjCuUuid uuid = {{0}};
    NjStatus st = NJ_DRV(dev->cu, err, cuDeviceGetName, (f->name, (int)sizeof f->name, dev->id));
    if (st == NJ_OK)
        st = NJ_DRV(dev->cu, err, cuDeviceGetPCIBusId, (f->pci_bus_id, (int)sizeof f->pci_bus_id, dev->id));
    if (st == NJ_OK)
        st = NJ_DRV(dev->cu, err, cuDeviceTotalMem, (&f->total_nbytes, dev->id));
    if (st == NJ_OK && dev->cu->fn.cuDeviceGetUuid != NULL)
        st = NJ_DRV(dev->cu, err, cuDeviceGetUuid, (&uuid, dev->id));
    memcpy(f->uuid, uuid.bytes, sizeof f->uuid);
    return st;
}

static NjStatus dev_find(NjCudaDev *dev, int ordinal, NjErr *err)
{
    int n = 0;
    NjStatus st = nj_cuda_count(dev->cu, &n, err);
    if (st != NJ_OK)
        return st;
    if (ordinal < 0 || ordinal >= n)
        return nj_err_set(err, NJ_E_ENV, NJ_CU_INVALID_DEVICE, "there is no CUDA device %d: the driver shows %d",
                          ordinal, n);
    dev->info.ordinal = ordinal;
    return NJ_DRV(dev->cu, err, cuDeviceGet, (&dev->id, ordinal));
}

NjStatus nj_cuda_dev_open(NjCuda *cu, int ordinal, NjCudaDev **out, NjErr *err)
{
    *out = NULL;
    NjCudaDev *dev = nj_calloc(1, sizeof *dev);
    if (dev == NULL)
        return nj_err_set(err, NJ_E_NOMEM, 0, "out of memory while opening CUDA device %d", ordinal);
    dev->cu = cu;
    NjStatus st = dev_find(dev, ordinal, err);
    if (st == NJ_OK)
        st = dev_fill_attrs(dev, err);
    if (st == NJ_OK)
        st = dev_fill_names(dev, err);
    if (st == NJ_OK)
        st = NJ_DRV(cu, err, cuDevicePrimaryCtxRetain, (&dev->ctx, dev->id));
    if (st != NJ_OK) {
        nj_free(dev);
        return st;
    }
    *out = dev;
    return NJ_OK;
}

/* Leaves no dangling context current in this thread; other threads must have stopped using the device. */
NjStatus nj_cuda_dev_close(NjCudaDev *dev, NjErr *err)
{
    NjCuCtx now = NULL;
    if (dev == NULL)
        return NJ_OK;
    if (NJ_DRV(dev->cu, NULL, cuCtxGetCurrent, (&now)) == NJ_OK && now == dev->ctx)
        (void)NJ_DRV(dev->cu, NULL, cuCtxSetCurrent, (NULL));
    NjStatus st = NJ_DRV(dev->cu, err, cuDevicePrimaryCtxRelease, (dev->id));
    nj_free(dev);
    return st;
}

const NjCudaDevInfo *nj_cuda_dev_info(const NjCudaDev *dev)
{
    return &dev->info;
}

NjStatus nj_cuda_dev_sync(const NjCudaDev *dev, NjErr *err)
{
    NjStatus st = nj_cuda_enter(dev, err);
    return st == NJ_OK ? NJ_DRV(dev->cu, err, cuCtxSynchronize, ()) : st;
}

NjStatus nj_cuda_dev_meminfo(const NjCudaDev *dev, size_t *avail, size_t *total, NjErr *err)
{
    *avail = *total = 0;
    NjStatus st = nj_cuda_enter(dev, err);
    return st == NJ_OK ? NJ_DRV(dev->cu, err, cuMemGetInfo, (avail, total)) : st;
}

/* -- attributes by name ---------------------------------------------------------------------------------- */

size_t nj_cuda_attr_count(void)
{
    return NJ_COUNT(dev_attrs);
}

const char *nj_cuda_attr_name(size_t i)
{
    return i < NJ_COUNT(dev_attrs) ? dev_attrs[i].name : NULL;
}

NjStatus nj_cuda_dev_attr(const NjCudaDev *dev, const char *name, int *value, NjErr *err)
{
    *value = 0;
    for (size_t i = 0; i < NJ_COUNT(dev_attrs); i++)
        if (strcmp(dev_attrs[i].name, name) == 0)
            return NJ_DRV(dev->cu, err, cuDeviceGetAttribute, (value, dev_attrs[i].number, dev->id));
    return nj_err_set(err, NJ_E_USER, 0, "there is no device attribute '%s'", name);
}
