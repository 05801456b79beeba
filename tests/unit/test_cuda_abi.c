/* test_cuda_abi.c - our own declarations against the toolkit's header, read as text; skipped where there is none.
 *
 * The fake driver is made from the same tables as the loader, so only this can find a row with a wrong number or shape.
 */
#include <ctype.h>
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cuda/cuda.h"
#include "cuda/driver.h"

static NjText header;

static int setup(void **state)
{
    static const char *const places[] = {"/usr/local/cuda/include/cuda.h", "/usr/include/cuda.h",
                                         "/opt/cuda/include/cuda.h"};
    char buf[65536];
    size_t n;
    nj_text_init(&header);
    for (size_t i = 0; i < NJ_COUNT(places) && header.n == 0; i++) {
        FILE *f = fopen(places[i], "r");
        while (f && (n = fread(buf, 1, sizeof buf, f)) > 0)
            nj_text_put(&header, buf, n);
        if (f)
            fclose(f);
    }
    if (header.n == 0)
        print_message("every test is skipped: there is no cuda.h here\n");
    return 0;
}

static int teardown(void **state)
{
    nj_text_free(&header);
    return 0;
}

/* "NAME" as a whole word, followed by "= number". */
static bool has_number(const char *name, int number)
{
    size_t n = strlen(name);
    for (const char *p = header.at; (p = strstr(p, name)) != NULL; p += n) {
        const char *q = p + n + strspn(p + n, " \t");
        if (*q == '=' && strtol(q + 1, NULL, 0) == number && !isalnum((unsigned char)p[-1]) && p[-1] != '_')
            return true;
    }
    return false;
}

/* An older toolkit lacks the newest attributes, which proves nothing; a number that it gives to another name does. */
static void test_attributes(void **state)
{
    static const struct {
        const char *name;
        int number;
    } rows[] = {
#define ATTR(name, number) {#name, number},
#include "cuda/attributes.def"
#undef ATTR
    };
    int checked = 0;
    if (header.n == 0)
        skip();
    for (size_t i = 0; i < NJ_COUNT(rows); i++) {
        char name[128];
        snprintf(name, sizeof name, "CU_DEVICE_ATTRIBUTE_%s", rows[i].name);
        for (char *p = name; *p; p++)
            *p = (char)toupper((unsigned char)*p);
        if (strstr(header.at, name) != NULL && !has_number(name, rows[i].number))
            fail_msg("%s is not %d", name, rows[i].number);
        checked += strstr(header.at, name) != NULL;
    }
    assert_true(checked > 100);
}

static void test_results(void **state)
{
    static const struct {
        const char *name;
        int number;
    } rows[] = {
        {"CUDA_ERROR_OUT_OF_MEMORY", NJ_CU_OUT_OF_MEMORY},
        {"CUDA_ERROR_NOT_INITIALIZED", NJ_CU_NOT_INITIALIZED},
        {"CUDA_ERROR_STUB_LIBRARY", NJ_CU_STUB},
        {"CUDA_ERROR_NO_DEVICE", NJ_CU_NO_DEVICE},
        {"CUDA_ERROR_INVALID_CONTEXT", NJ_CU_INVALID_CONTEXT},
        {"CUDA_ERROR_NO_BINARY_FOR_GPU", NJ_CU_NO_BINARY},
        {"CUDA_ERROR_INVALID_PTX", NJ_CU_INVALID_PTX},
        {"CUDA_ERROR_UNSUPPORTED_PTX_VERSION", NJ_CU_UNSUPPORTED_PTX},
        {"CUDA_ERROR_NOT_FOUND", NJ_CU_NOT_FOUND},
        {"CUDA_ERROR_NOT_READY", NJ_CU_NOT_READY},
        {"CUDA_ERROR_ILLEGAL_ADDRESS", NJ_CU_ILLEGAL_ADDRESS},
        {"CUDA_ERROR_LAUNCH_FAILED", NJ_CU_LAUNCH_FAILED},
        {"CUDA_ERROR_SYSTEM_DRIVER_MISMATCH", NJ_CU_SYSTEM_DRIVER_MISMATCH},
        {"CU_JIT_MAX_REGISTERS", NJ_CU_JIT_MAX_REGISTERS},
        {"CU_JIT_INFO_LOG_BUFFER", NJ_CU_JIT_INFO_LOG},
        {"CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES", NJ_CU_JIT_INFO_NBYTES},
        {"CU_JIT_ERROR_LOG_BUFFER", NJ_CU_JIT_ERROR_LOG},
        {"CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES", NJ_CU_JIT_ERROR_NBYTES},
        {"CU_JIT_OPTIMIZATION_LEVEL", NJ_CU_JIT_OPT},
        {"CU_JIT_GENERATE_DEBUG_INFO", NJ_CU_JIT_DEBUG},
        {"CU_JIT_GENERATE_LINE_INFO", NJ_CU_JIT_LINEINFO},
        {"CU_JIT_INPUT_PTX", NJ_CU_INPUT_PTX},
        {"CU_FUNC_ATTRIBUTE_NUM_REGS", NJ_CU_FN_REGISTERS},
        {"CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES", NJ_CU_FN_MAX_DYNAMIC_SHARED},
        {"CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT", NJ_CU_FN_CARVEOUT},
        {"CU_POINTER_ATTRIBUTE_MEMORY_TYPE", NJ_CU_PTR_MEMORY_TYPE},
        {"CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL", NJ_CU_PTR_DEVICE_ORDINAL},
    };
    if (header.n == 0)
        skip();
    for (size_t i = 0; i < NJ_COUNT(rows); i++)
        if (!has_number(rows[i].name, rows[i].number))
            fail_msg("%s is not %d", rows[i].name, rows[i].number);
}

static bool is_word(const char *text, const char *word)
{
    const char *p = strstr(text, word);
    return p != NULL && !isalnum((unsigned char)p[strlen(word)]) && p[strlen(word)] != '_';
}

/* A list of parameters as the letters of their classes: p pointer, z size_t, l 64-bit address, i 32-bit, 8, 16. */
static void shape(const char *p, char *out, size_t n)
{
    size_t k = 0;
    for (p++; *p && *p != ')' && k + 1 < n; p += *p == ',') {
        size_t len = strcspn(p, ",)");
        char one[256];
        snprintf(one, sizeof one, "%.*s", (int)len, p);
        p += len;
        const char *const handles[] = {"CUcontext",   "CUmodule", "CUfunction", "CUstream", "CUevent",
                                       "CUlinkState", "NjCuCtx",  "NjCuMod",    "NjCuFunc", "NjCuStrm",
                                       "NjCuEvt",     "NjCuLink", "allback"};
        char c = strcmp(one, "void") == 0 ? 0 : strchr(one, '*') ? 'p' : strstr(one, "size_t") ? 'z' : 'i';
        for (size_t i = 0; i < NJ_COUNT(handles); i++)
            c = is_word(one, handles[i]) ? 'p' : c;
        if (c == 'i' && (strstr(one, "CUdeviceptr") || strstr(one, "NjCuPtr")))
            c = 'l';
        c = c == 'i' && strstr(one, "char") ? '8' : c == 'i' && strstr(one, "short") ? '2' : c;
        if (c)
            out[k++] = c;
    }
    out[k] = 0;
}

/* The list of parameters behind "CUDAAPI name", or NULL. */
static const char *prototype(const char *name)
{
    for (const char *p = header.at; (p = strstr(p, name)) != NULL; p++) {
        const char *q = p;
        while (q > header.at && isspace((unsigned char)q[-1]))
            q--;
        if (p[strlen(name)] == '(' && q - header.at > 7 && strncmp(q - 7, "CUDAAPI", 7) == 0)
            return p + strlen(name);
    }
    return NULL;
}

/* Every call takes what the header says. */
static void test_calls(void **state)
{
    static const struct {
        const char *name, *export, *params;
    } rows[] = {
#define DRV(name, export, min, flags, params, args, log) {#name, #export, #params},
#include "cuda/driver.def"
#undef DRV
    };
    if (header.n == 0)
        skip();
    for (size_t i = 0; i < NJ_COUNT(rows); i++) {
        char ours[64], theirs[64];
        const char *p = prototype(rows[i].name);
        if (p == NULL)
            fail_msg("the header has no %s", rows[i].name);
        shape(rows[i].params, ours, sizeof ours);
        shape(p, theirs, sizeof theirs);
        if (strcmp(ours, theirs) != 0)
            fail_msg("%s takes %s, not %s", rows[i].name, theirs, ours);
    }
}

/* The stub that the toolkit ships for linking exports each versioned name, and says of itself that it is no driver. */
static void test_stub(void **state)
{
    static const char *const exports[] = {
#define DRV(name, export, min, flags, params, args, log) #export,
#include "cuda/driver.def"
#undef DRV
    };
    static const char *const places[] = {"/usr/local/cuda/lib64/stubs/libcuda.so",
                                         "/usr/local/cuda/lib/stubs/libcuda.so"};
    void *lib = NULL;
    NjCuda *cu;
    NjErr err = {0};
    size_t at = 0;
    for (; at < NJ_COUNT(places) && lib == NULL; at++)
        lib = dlopen(places[at], RTLD_NOW | RTLD_LOCAL);
    if (lib == NULL) {
        print_message("skipped: there is no stub libcuda.so here\n");
        skip();
    }
    for (size_t i = 0; i < NJ_COUNT(exports); i++)
        if (dlsym(lib, exports[i]) == NULL)
            fail_msg("the stub has no %s", exports[i]);
    assert_int_equal(nj_cuda_open(places[at - 1], &cu, &err), NJ_E_ENV);
    assert_int_equal(err.code, NJ_CU_STUB);
    assert_non_null(strstr(err.text, "the toolkit's stub, not a driver"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attributes),
        cmocka_unit_test(test_results),
        cmocka_unit_test(test_calls),
        cmocka_unit_test(test_stub),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
