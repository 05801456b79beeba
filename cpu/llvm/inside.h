/* inside.h - shared by the files of cpu/llvm/ alone: targets, guarded calls into LLVM. */
#ifndef NJ_CPU_LLVM_INSIDE_H
#define NJ_CPU_LLVM_INSIDE_H

#include "cpu/llvm/api.h"

#include <llvm-c/Core.h>
#include <llvm-c/TargetMachine.h>

/* -- machine.c: target machines, made at first use and kept ------------------------------------- */

typedef struct NjMachine {
    LLVMTargetMachineRef tm;
    char *layout;               /* data layout text, LLVM's allocation */
    const char *triple;
    bool  ptx;
    int   opt;
    char  cpu[64];
    bool  default_features;
} NjMachine;

const char *nj_llvm_host_cpu(void);
const char *nj_llvm_host_features(void);
const char *nj_llvm_host_triple(void);
/* A machine for these options that no other compile uses meanwhile. */
NjStatus nj_llvm_machine_take(NjLlvmOut what, const NjLlvmOptions *o, NjMachine **out, NjErr *err);
void     nj_llvm_machine_give(NjMachine *m);

/* -- known.cpp (for a target that is registered) -------------------------------------------------- */

/* 0, or 'c': LLVM has no such CPU, 'm': it runs no 64-bit code, 'f': there is no such feature, which is written to out. */
char nj_llvm_unknown(const char *triple, const char *cpu, const char *features, char *out, size_t nout);

/* -- effort.c: which passes, by size -------------------------------------------------------------- */

/* For functions up to these sizes in the module: `passes`, or default<On> when NULL; and the level at which code is
 * generated at most. */
typedef struct NjEffort {
    uint32_t instructions, branches, same, loops;
    const char *passes;
    int code;
} NjEffort;

const NjEffort *nj_llvm_effort(LLVMModuleRef m, size_t ntext, int opt);

/* -- link.c ---------------------------------------------------------------------------------------- */

/* Links `lib` into `m`; what came in becomes internal, so that the optimiser drops what is not called. */
NjStatus nj_llvm_link(LLVMContextRef c, LLVMModuleRef m, const NjLlvmLib *lib, NjErr *err);

#endif
