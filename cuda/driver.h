/* driver.h - inside the CUDA room: the driver's types and the table of its calls, made from driver.def.
 *
 * Minimal declarations of our own instead of the toolkit's header, so that nothing of CUDA is needed to build. Handles
 * are pointers to structs that are never defined, which keeps one kind from being passed for another. The fake libcuda
 * is made from this file too. tests/unit/test_cuda_abi.c compares it with the toolkit's header where there is one.
 */
#ifndef NJ_CUDA_DRIVER_H
#define NJ_CUDA_DRIVER_H

#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>

typedef int NjCuResult;                          /* CUresult */
typedef int NjCuDevice;                          /* CUdevice */
typedef uint64_t NjCuPtr;                        /* CUdeviceptr */
typedef struct NjCuCtxObj *NjCuCtx;              /* CUcontext */
typedef struct NjCuModObj *NjCuMod;              /* CUmodule */
typedef struct NjCuFuncObj *NjCuFunc;            /* CUfunction */
typedef struct NjCuStrmObj *NjCuStrm;            /* CUstream */
typedef struct NjCuEvtObj *NjCuEvt;              /* CUevent */
typedef struct NjCuLinkObj *NjCuLink;            /* CUlinkState */
typedef struct NjCuUuid { uint8_t bytes[16]; } NjCuUuid;
typedef void (*NjCuCallback)(NjCuStrm s, NjCuResult status, void *arg);

enum {                                           /* CUresult, those that are treated apart */
    NJ_CU_OK = 0, NJ_CU_INVALID_VALUE = 1, NJ_CU_OUT_OF_MEMORY = 2, NJ_CU_NOT_INITIALIZED = 3, NJ_CU_STUB = 34,
    NJ_CU_NO_DEVICE = 100, NJ_CU_INVALID_DEVICE = 101, NJ_CU_INVALID_IMAGE = 200, NJ_CU_INVALID_CONTEXT = 201,
    NJ_CU_NO_BINARY = 209, NJ_CU_INVALID_PTX = 218, NJ_CU_UNSUPPORTED_PTX = 222, NJ_CU_INVALID_HANDLE = 400,
    NJ_CU_NOT_FOUND = 500, NJ_CU_NOT_READY = 600, NJ_CU_ILLEGAL_ADDRESS = 700, NJ_CU_OUT_OF_RESOURCES = 701,
    NJ_CU_LAUNCH_FAILED = 719, NJ_CU_NOT_SUPPORTED = 801, NJ_CU_SYSTEM_DRIVER_MISMATCH = 803, NJ_CU_UNKNOWN = 999,
    NJ_CU_NO_SYMBOL = -1                         /* ours: this driver lacks the call */
};
enum {                                           /* CUjit_option */
    NJ_CU_JIT_MAX_REGISTERS = 0, NJ_CU_JIT_INFO_LOG = 3, NJ_CU_JIT_INFO_NBYTES = 4, NJ_CU_JIT_ERROR_LOG = 5,
    NJ_CU_JIT_ERROR_NBYTES = 6, NJ_CU_JIT_OPT = 7, NJ_CU_JIT_DEBUG = 11, NJ_CU_JIT_LINEINFO = 13
};
enum { NJ_CU_INPUT_CUBIN = 0, NJ_CU_INPUT_PTX = 1 };                      /* CUjitInputType */
enum {                                                                    /* CUfunction_attribute */
    NJ_CU_FN_MAX_THREADS = 0, NJ_CU_FN_SHARED = 1, NJ_CU_FN_CONST = 2, NJ_CU_FN_LOCAL = 3, NJ_CU_FN_REGISTERS = 4,
    NJ_CU_FN_PTX_VERSION = 5, NJ_CU_FN_BINARY_VERSION = 6, NJ_CU_FN_MAX_DYNAMIC_SHARED = 8, NJ_CU_FN_CARVEOUT = 9
};
enum { NJ_CU_PTR_MEMORY_TYPE = 2, NJ_CU_PTR_DEVICE_ORDINAL = 9, NJ_CU_MEMORY_HOST = 1, NJ_CU_MEMORY_DEVICE = 2 };
enum {                                                                    /* CUdevice_attribute */
#define ATTR(name, number) NJ_CU_DEV_##name = number,
#include "attributes.def"
#undef ATTR
    NJ_CU_DEV_END
};

typedef enum NjDrvId {
#define DRV(name, export, min, flags, params, args, log) NJ_DRV_##name,
#include "driver.def"
#undef DRV
    NJ_DRV_COUNT
} NjDrvId;

typedef struct NjDrvFns {
#define DRV(name, export, min, flags, params, args, log) NjCuResult (*name) params;
#include "driver.def"
#undef DRV
} NjDrvFns;

#endif
