/* api.h - what libnaja_llvm.so exports: one table of functions, versioned.
 *
 * Both sides include this header: cpu/llvm/ fills the table, cpu/llvm.c checks `version` and `size` and calls it. No
 * LLVM type appears here. Every function may be called from any thread at any time; each compile has an LLVM context
 * of its own. Results are handed to a sink, so that no memory changes owner across the library's border.
 */
#ifndef NJ_CPU_LLVM_API_H
#define NJ_CPU_LLVM_API_H

#include "base/base.h"

#define NJ_LLVM_API_VERSION 1u
#define NJ_LLVM_API_SYMBOL  "nj_llvm_api"

typedef enum NjLlvmOut {
    NJ_LLVM_OBJECT,     /* ELF relocatable object for this machine */
    NJ_LLVM_ASM,        /* the same as assembler text */
    NJ_LLVM_IR,         /* LLVM text after the optimiser, for inspect_llvm */
    NJ_LLVM_PTX,        /* by the NVPTX back end: options.cpu is "sm_90" */
} NjLlvmOut;

/* Bitcode linked into the module before optimising (libdevice): only what is called stays, as internal functions. */
typedef struct NjLlvmLib { const void *bytes; size_t nbytes; const char *name; } NjLlvmLib;

typedef struct NjLlvmOptions {
    const char *cpu;          /* NULL: this machine's, or sm_75 for PTX */
    const char *features;     /* NULL: this machine's; for PTX such as "+ptx75" (NULL: LLVM's choice) */
    int         opt;          /* 0..3 */
    bool        verify;       /* check the IR before and after optimising; an error is NJ_E_BUG */
    bool        for_ptx;      /* NJ_LLVM_IR only: optimise as for NJ_LLVM_PTX */
    uint32_t    nlib;
    const NjLlvmLib *lib;
} NjLlvmOptions;

/* Takes the result, once; the bytes live until it returns. False means that it had no memory. */
typedef bool (*NjLlvmSink)(void *arg, const char *bytes, size_t nbytes);

typedef struct NjLlvmApi {
    uint32_t version, size;            /* NJ_LLVM_API_VERSION, sizeof(NjLlvmApi) */
    const char *llvm_version;          /* "22.1.8" */
    const char *(*host_cpu)(void);     /* "sapphirerapids"; lives as long as the library */
    const char *(*host_features)(void);
    const char *(*host_triple)(void);
    /* IR text -> `what`. NJ_E_BUG for text that LLVM refuses (the emitter's fault), NJ_E_ENV for an unknown target. */
    NjStatus (*compile)(NjLlvmOut what, const char *text, size_t ntext, const NjLlvmOptions *o, NjLlvmSink sink,
                        void *arg, NjErr *err);
} NjLlvmApi;

#endif
