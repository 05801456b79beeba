/* fake_driver.h - the fake driver, open with one device, for tests of cuda/: `t` holds both, the last error, and what the
 * fake tells and does on request (tests/mock/fake_cuda.h). OK(call) fails the test with the error's text.
 */
#ifndef NJ_TEST_FAKE_DRIVER_H
#define NJ_TEST_FAKE_DRIVER_H

#include "cuda/cuda.h"

#include "../mock/fake_cuda.h"

static struct {
    NjCuda *cu;
    NjCudaDev *dev;
    NjErr err;
    long (*live)(void);
    void (*reset)(void);
    long (*launches)(void);
    const char *(*name)(long i);
    void *(*stream)(long i);
    int (*geometry)(long i, unsigned g[8]);
    int (*param)(long i, unsigned p, void *out, unsigned n);
    long (*called)(const char *prefix);
    long (*option)(int key);
    void (*refuse)(int result);
    void (*on_launch)(NjFakeKernel fn);
    void (*fail_call)(const char *name, int result);
} t;

#define OK(call)                                                                                                       \
    do {                                                                                                               \
        NjStatus st_ = (call);                                                                                         \
        if (st_)                                                                                                       \
            fail_msg("%s: %s", #call, t.err.text);                                                                     \
    } while (0)

static int setup(void **state)
{
    OK(nj_cuda_open(NJ_TEST_FAKE_CUDA, &t.cu, &t.err));
    OK(nj_cuda_dev_open(t.cu, 0, &t.dev, &t.err));
    const struct {
        void *to;
        const char *name;
    } syms[] = {
        {&t.live, "nj_fake_live"},
        {&t.reset, "nj_fake_reset"},
        {&t.launches, "nj_fake_launch_count"},
        {&t.name, "nj_fake_launch_name"},
        {&t.stream, "nj_fake_launch_stream"},
        {&t.geometry, "nj_fake_launch_geometry"},
        {&t.param, "nj_fake_launch_param"},
        {&t.called, "nj_fake_called"},
        {&t.option, "nj_fake_jit_option"},
        {&t.refuse, "nj_fake_refuse_cubins"},
        {&t.on_launch, "nj_fake_on_launch"},
        {&t.fail_call, "nj_fake_fail_call"},
    };
    for (size_t i = 0; i < NJ_COUNT(syms); i++) {
        void *p = nj_cuda_symbol(t.cu, syms[i].name);
        assert_non_null(p);
        memcpy(syms[i].to, &p, sizeof p);
    }
    t.reset();
    return 0;
}

static int teardown(void **state)
{
    OK(nj_cuda_dev_close(t.dev, &t.err));
    assert_int_equal(t.live(), 0);
    nj_cuda_close(t.cu);
    return 0;
}

#endif
