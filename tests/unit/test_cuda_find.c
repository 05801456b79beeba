/* test_cuda_find.c - the toolkit's parts are found where pip, conda, CUDA_HOME and knobs put them, in that order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cuda/cuda.h"

static char root[256];

/* Makes an empty file and the folders that lead to it. */
static void touch(const char *rel)
{
    char path[512];
    int n = snprintf(path, sizeof path, "%s/%s", root, rel);
    assert_true(n > 0 && (size_t)n < sizeof path);
    for (char *p = path + strlen(root) + 1; (p = strchr(p, '/')) != NULL; *p++ = '/') {
        *p = 0;
        mkdir(path, 0700);
    }
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fclose(f);
}

static const char *at(const char *rel)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", root, rel);
    return path;
}

static void check(NjPart part, const char *const *sites, const char *rel, const char *where, const char *version)
{
    NjFound f;
    assert_true(nj_find(part, sites, &f));
    assert_string_equal(f.path, at(rel));
    assert_string_equal(f.where, where);
    assert_string_equal(f.version, version);
}

static int setup(void **state)
{
    static const char *const vars[] = {"CONDA_PREFIX", "CUDA_HOME",      "CUDA_PATH",
                                       "NAJA_LIBNVVM", "NAJA_LIBDEVICE", "NAJA_PTXAS"};
    for (size_t i = 0; i < NJ_COUNT(vars); i++)
        unsetenv(vars[i]);
    nj_knobs_reload();
    strcpy(root, "/tmp/naja-find-XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int teardown(void **state)
{
    char cmd[300];
    snprintf(cmd, sizeof cmd, "rm -r %s", root);
    return system(cmd);
}

static void test_pip(void **state)
{
    char site[300];
    const char *const sites[] = {"/nowhere", site, NULL};
    snprintf(site, sizeof site, "%s", at("site"));
    touch("site/nvidia/cuda_nvcc/nvvm/lib64/libnvvm.so");
    touch("site/nvidia/cuda_nvcc/bin/ptxas");
    touch("site/nvidia_cuda_nvcc_cu12-12.9.86.dist-info/METADATA");
    check(NJ_PART_libnvvm, sites, "site/nvidia/cuda_nvcc/nvvm/lib64/libnvvm.so", "pip", "12.9.86");
    check(NJ_PART_ptxas, sites, "site/nvidia/cuda_nvcc/bin/ptxas", "pip", "12.9.86");
    touch("site/nvidia/cu13/lib/libnvvm.so.4"); /* CUDA 13 wins over 12 */
    touch("site/nvidia_nvvm-13.0.88.dist-info/METADATA");
    touch("site/nvidia/cu13/nvvm/libdevice/libdevice.10.bc");
    check(NJ_PART_libnvvm, sites, "site/nvidia/cu13/lib/libnvvm.so.4", "pip", "13.0.88");
    check(NJ_PART_libdevice, sites, "site/nvidia/cu13/nvvm/libdevice/libdevice.10.bc", "pip", "13.0.88");
}

static void test_order(void **state)
{
    char site[300];
    const char *const sites[] = {site, NULL};
    snprintf(site, sizeof site, "%s", at("site"));
    touch("path/nvvm/lib64/libnvvm.so");
    setenv("CUDA_PATH", at("path"), 1);
    check(NJ_PART_libnvvm, sites, "path/nvvm/lib64/libnvvm.so", "CUDA_PATH", "");
    touch("cuda-12.4/nvvm/lib64/libnvvm.so");
    setenv("CUDA_HOME", at("cuda-12.4"), 1);
    check(NJ_PART_libnvvm, sites, "cuda-12.4/nvvm/lib64/libnvvm.so", "CUDA_HOME", "12.4");
    touch("conda/nvvm/lib64/libnvvm.so.4.0.0");
    touch("conda/nvvm/lib64/libnvvm.so.10.0.0"); /* the newer by number, not by letter */
    setenv("CONDA_PREFIX", at("conda"), 1);
    check(NJ_PART_libnvvm, sites, "conda/nvvm/lib64/libnvvm.so.10.0.0", "conda", "so.10.0.0");
    touch("site/nvidia/cu13/nvvm/lib64/libnvvm.so");
    check(NJ_PART_libnvvm, sites, "site/nvidia/cu13/nvvm/lib64/libnvvm.so", "pip", "");
    touch("mine.so");
    setenv("NAJA_LIBNVVM", at("mine.so"), 1);
    nj_knobs_reload();
    check(NJ_PART_libnvvm, sites, "mine.so", "NAJA_LIBNVVM", "");
    setenv("NAJA_LIBNVVM", "none", 1); /* a knob is the last word, also when it says no */
    nj_knobs_reload();
    assert_false(nj_cuda_has_nvvm(sites));
}

static void test_path(void **state)
{
    NjFound f;
    char *old = strdup(getenv("PATH"));
    touch("bin/nvdisasm");
    setenv("PATH", at("bin"), 1);
    bool found = nj_find(NJ_PART_nvdisasm, NULL, &f);
    setenv("PATH", old, 1);
    free(old);
    assert_true(found);
    if (strcmp(f.where, "system") != 0) {
        assert_string_equal(f.path, at("bin/nvdisasm"));
        assert_string_equal(f.where, "PATH");
    }
}

static void test_tried(void **state)
{
    const char *const sites[] = {"/site", NULL};
    NjText t;
    nj_text_init(&t);
    setenv("CUDA_HOME", "/my/cuda", 1);
    nj_find_tried(NJ_PART_libdevice, sites, &t);
    unsetenv("CUDA_HOME");
    assert_non_null(strstr(t.at, "  /site/nvidia/cuda_nvcc/nvvm/libdevice/libdevice.10.bc (pip)\n"));
    assert_non_null(strstr(t.at, "  /my/cuda/nvvm/libdevice/libdevice.10.bc (CUDA_HOME)\n"));
    assert_non_null(strstr(t.at, "  /usr/local/cuda/nvvm/libdevice/libdevice.10.bc (system)\n"));
    nj_text_free(&t);
}

static void test_names(void **state)
{
    for (int i = 0; i < NJ_PART_COUNT; i++) {
        assert_true(strlen(nj_find_part_name((NjPart)i)) > 0);
        assert_true(strlen(nj_find_part_help((NjPart)i)) > 0);
    }
    assert_string_equal(nj_find_part_name(NJ_PART_ptxas), "ptxas");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_pip, setup, teardown),
        cmocka_unit_test_setup_teardown(test_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_path, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tried, setup, teardown),
        cmocka_unit_test_setup_teardown(test_names, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
