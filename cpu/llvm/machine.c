/* machine.c - LLVM target machines for this host and for NVIDIA GPUs.
 *
 * In: options; out: a machine that one compile owns until it gives it back. Making one costs a tenth of a
 * millisecond, so a few are kept. The host's target and NVPTX are registered separately, each at its first use.
 */
#include "cpu/llvm/inside.h"

#include <llvm-c/Target.h>
#include <pthread.h>
#include <stdlib.h>

#if defined(__x86_64__)
#define INIT(part) LLVMInitializeX86##part()
#elif defined(__aarch64__)
#define INIT(part) LLVMInitializeAArch64##part()
#else
#error "no LLVM target is named for this machine"
#endif

static pthread_once_t host_once = PTHREAD_ONCE_INIT;
static pthread_once_t ptx_once = PTHREAD_ONCE_INIT;
static char *host_cpu, *host_features, *host_triple;     /* written once, under host_once; read after it */

static void init_host(void)
{
    INIT(TargetInfo);
    INIT(Target);
    INIT(TargetMC);
    INIT(AsmPrinter);
    INIT(AsmParser);           /* inline assembler */
    host_cpu = LLVMGetHostCPUName();
    host_features = LLVMGetHostCPUFeatures();
    host_triple = LLVMGetDefaultTargetTriple();
}

static void init_ptx(void)
{
    LLVMInitializeNVPTXTargetInfo();
    LLVMInitializeNVPTXTarget();
    LLVMInitializeNVPTXTargetMC();
    LLVMInitializeNVPTXAsmPrinter();
}

const char *nj_llvm_host_cpu(void)
{
    pthread_once(&host_once, init_host);
    return host_cpu;
}

const char *nj_llvm_host_features(void)
{
    pthread_once(&host_once, init_host);
    return host_features;
}

const char *nj_llvm_host_triple(void)
{
    pthread_once(&host_once, init_host);
    return host_triple;
}

/* -- the shelf: machines at rest ---------------------------------------------------------------------- */

#define SHELF 8
static pthread_mutex_t shelf_lock = PTHREAD_MUTEX_INITIALIZER;
static NjMachine *shelf[SHELF];                          /* under shelf_lock; NULL is a free place */

static bool machine_fits(const NjMachine *m, bool ptx, const NjLlvmOptions *o, const char *cpu)
{
    return m && m->ptx == ptx && m->opt == o->opt && m->default_features && !o->features && !strcmp(m->cpu, cpu);
}

static NjMachine *shelf_take(bool ptx, const NjLlvmOptions *o, const char *cpu)
{
    NjMachine *m = NULL;
    pthread_mutex_lock(&shelf_lock);
    for (int i = 0; i < SHELF && !m; i++)
        if (machine_fits(shelf[i], ptx, o, cpu)) {
            m = shelf[i];
            shelf[i] = NULL;
        }
    pthread_mutex_unlock(&shelf_lock);
    return m;
}

static void machine_free(NjMachine *m)
{
    LLVMDisposeTargetMachine(m->tm);
    LLVMDisposeMessage(m->layout);
    nj_free(m);
}

void nj_llvm_machine_give(NjMachine *m)
{
    if (m->default_features) {
        pthread_mutex_lock(&shelf_lock);
        for (int i = 0; i < SHELF && m; i++)
            if (!shelf[i]) {
                shelf[i] = m;
                m = NULL;
            }
        pthread_mutex_unlock(&shelf_lock);
    }
    if (m)
        machine_free(m);
}

/* -- making one ------------------------------------------------------------------------------------------ */

static LLVMTargetMachineRef tm_new(bool ptx, const NjLlvmOptions *o, const char *triple, const char *cpu, NjErr *err)
{
    static const LLVMCodeGenOptLevel level[] = {
        LLVMCodeGenLevelNone, LLVMCodeGenLevelLess, LLVMCodeGenLevelDefault, LLVMCodeGenLevelAggressive,
    };
    LLVMTargetRef target;
    char *why = NULL;
    if (LLVMGetTargetFromTriple(triple, &target, &why)) {
        nj_err_set(err, NJ_E_ENV, 0, "LLVM has no target for %s: %s", triple, why ? why : "");
        LLVMDisposeMessage(why);
        return NULL;
    }
    const char *features = o->features ? o->features : ptx ? "" : host_features;
    /* PIC in the small model: the loader places constants beside the code and makes its own stubs and GOT, so libm may
     * be anywhere. */
    LLVMTargetMachineRef tm = LLVMCreateTargetMachine(target, triple, cpu, features, level[o->opt & 3], LLVMRelocPIC,
                                                      LLVMCodeModelDefault);
    if (!tm)
        nj_err_set(err, NJ_E_ENV, 0, "LLVM makes no code for %s, cpu %s", triple, cpu);
    return tm;
}

/* Names that a user gave: LLVM prints about wrong ones and goes on. */
static NjStatus names_check(const NjLlvmOptions *o, const char *triple, const char *cpu, NjErr *err)
{
    char feature[64];
    if (!o->cpu && !o->features)
        return NJ_OK;
    switch (nj_llvm_unknown(triple, cpu, o->features ? o->features : "", feature, sizeof feature)) {
    case 'c': return nj_err_set(err, NJ_E_ENV, 0, "LLVM knows no CPU '%s' for %s", cpu, triple);
    case 'm': return nj_err_set(err, NJ_E_ENV, 0, "the CPU '%s' runs no code for %s", cpu, triple);
    case 'f': return nj_err_set(err, NJ_E_ENV, 0, "LLVM knows no feature '%s' for %s", feature, triple);
    default:  return NJ_OK;
    }
}

static NjStatus machine_new(bool ptx, const NjLlvmOptions *o, const char *cpu, NjMachine **out, NjErr *err)
{
    NjMachine *m = nj_calloc(1, sizeof *m);
    if (!m)
        return nj_err_set(err, NJ_E_NOMEM, 0, "out of memory");
    m->triple = ptx ? "nvptx64-nvidia-cuda" : host_triple;
    m->ptx = ptx;
    m->opt = o->opt;
    m->default_features = !o->features && strlen(cpu) < sizeof m->cpu;
    snprintf(m->cpu, sizeof m->cpu, "%s", cpu);
    if (names_check(o, m->triple, cpu, err) == NJ_OK)
        m->tm = tm_new(ptx, o, m->triple, cpu, err);
    if (!m->tm) {
        nj_free(m);
        return NJ_E_ENV;
    }
    LLVMSetTargetMachineAsmVerbosity(m->tm, !ptx);         /* inspect_asm is read by people */
    LLVMTargetDataRef td = LLVMCreateTargetDataLayout(m->tm);
    m->layout = LLVMCopyStringRepOfTargetData(td);
    LLVMDisposeTargetData(td);
    *out = m;
    return NJ_OK;
}

NjStatus nj_llvm_machine_take(NjLlvmOut what, const NjLlvmOptions *o, NjMachine **out, NjErr *err)
{
    bool ptx = what == NJ_LLVM_PTX || (what == NJ_LLVM_IR && o->for_ptx);
    pthread_once(ptx ? &ptx_once : &host_once, ptx ? init_ptx : init_host);
    const char *cpu = o->cpu ? o->cpu : ptx ? "sm_75" : host_cpu;
    *out = shelf_take(ptx, o, cpu);
    return *out ? NJ_OK : machine_new(ptx, o, cpu, out, err);
}
