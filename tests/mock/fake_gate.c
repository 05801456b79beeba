/* fake_gate.c - the calls that the fake exports under the driver's names, and what tests ask of it.
 *
 * Each call takes the lock, is counted, fails if it was told to, and goes to its function fake_<name>.
 */
#include "fake_room.h"

/* -- the driver's calls -------------------------------------------------------------------------------------------- */

static const char *const fake_names[] = {
#define DRV(name, export, min, call_flags, params, args, log) #name,
#include "cuda/driver.def"
#undef DRV
};

/* Is this call to fail? Counts it. */
static NjCuResult fake_gate(NjDrvId id)
{
    const char *name = fake_names[id];
    bool asks = strncmp(name, "cuGetError", 10) == 0;
    bool early = strcmp(name, "cuInit") == 0 || strcmp(name, "cuDriverGetVersion") == 0;
    if (asks)
        return NJ_CU_OK;
    fake.calls++;
    fake.called[id]++;
    if (fake.fail_at > 0 && --fake.fail_at == 0)
        return fake.failed = name, fake.fail_result;
    if (fake.fail_name && strcmp(fake.fail_name, name) == 0)
        return fake.failed = name, fake.fail_name_result;
    return fake.inited || early ? NJ_CU_OK : NJ_CU_NOT_INITIALIZED;
}

#define DRV(name, export, min, call_flags, params, args, log)                             \
    NjCuResult export params;                                                            \
    NjCuResult export params                                                             \
    {                                                                                    \
        pthread_mutex_lock(&fake.lock);                                                  \
        NjCuResult told_ = fake_gate(NJ_DRV_##name);                                     \
        bool work_ = told_ == NJ_CU_OK || strchr(call_flags, 'd') != NULL;               \
        NjCuResult done_ = work_ ? fake_##name args : NJ_CU_OK;                          \
        pthread_mutex_unlock(&fake.lock);                                                \
        return told_ ? told_ : done_;                                                    \
    }
#include "cuda/driver.def"
#undef DRV

/* -- what tests ask ------------------------------------------------------------------------------------------------ */

long nj_fake_live(void)
{
    long n = 0;
    for (FakeObj *o = fake.live; o; o = o->next)
        n++;
    for (FakeObj *o = fake.modules; o; o = o->next)
        n++;
    for (int i = 0; i < FAKE_MAX_DEVICES; i++)
        n += fake.retained[i];
    return n;
}

void nj_fake_reset(void)
{
    for (long i = 0; i < fake.nlaunch; i++)
        free(fake.launches[i].size), free(fake.launches[i].value);
    free(fake.launches);
    fake.launches = NULL;
    memset(fake.called, 0, sizeof fake.called);
    fake.nlaunch = fake.caplaunch = fake.calls = fake.fail_at = 0;
    fake.fail_name = fake.failed = NULL;
    fake.refuse_cubins = 0;
    fake.kernel = NULL;
}

void nj_fake_fail_at(long n, int result)
{
    fake.fail_at = n, fake.fail_result = result, fake.failed = NULL;
}

void nj_fake_fail_call(const char *name, int result)
{
    fake.fail_name = name, fake.fail_name_result = result, fake.failed = NULL;
}

const char *nj_fake_failed(void) { return fake.failed; }
long nj_fake_calls(void) { return fake.calls; }

long nj_fake_called(const char *prefix)
{
    long n = 0;
    for (int i = 0; i < NJ_DRV_COUNT; i++)
        if (strncmp(fake_names[i], prefix, strlen(prefix)) == 0)
            n += fake.called[i];
    return n;
}

void nj_fake_refuse_cubins(int result) { fake.refuse_cubins = result; }

long nj_fake_jit_option(int key)
{
    return key >= 0 && key < FAKE_MAX_OPTIONS ? fake.option[key] : -1;
}

long nj_fake_launch_count(void) { return fake.nlaunch; }
void nj_fake_on_launch(NjFakeKernel fn) { fake.kernel = fn; }

static FakeLaunch *fake_at(long i)
{
    return i >= 0 && i < fake.nlaunch ? &fake.launches[i] : NULL;
}

const char *nj_fake_launch_name(long i) { return fake_at(i) ? fake_at(i)->name : NULL; }
void *nj_fake_launch_stream(long i) { return fake_at(i) ? fake_at(i)->stream : NULL; }

int nj_fake_launch_geometry(long i, unsigned geometry[8])
{
    if (fake_at(i) == NULL)
        return -1;
    memcpy(geometry, fake_at(i)->geometry, 8 * sizeof *geometry);
    return 0;
}

int nj_fake_launch_param(long i, unsigned param, void *out, unsigned nbytes)
{
    FakeLaunch *l = fake_at(i);
    if (l == NULL || param >= l->geometry[7])
        return -1;
    unsigned n = l->size[param] < 16 ? l->size[param] : 16;
    memcpy(out, l->value[param], n < nbytes ? n : nbytes);
    return (int)l->size[param];
}
