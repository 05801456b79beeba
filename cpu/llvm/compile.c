/* compile.c - LLVM text in; object code, assembler, optimised text or PTX out.
 *
 *     text -> parse -> link libraries -> default<On> -> code generation -> sink
 *
 * One LLVM context a call. What LLVM reports, even what it calls fatal, comes back as an NjErr.
 */
#include "cpu/llvm/inside.h"

#include <llvm-c/Analysis.h>
#include <llvm-c/Error.h>
#include <llvm-c/ErrorHandling.h>
#include <llvm-c/IRReader.h>
#include <llvm-c/Support.h>
#include <llvm-c/Transforms/PassBuilder.h>
#include <llvm/Config/llvm-config.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef struct Job {
    const NjLlvmOptions *o;
    NjLlvmOut      what;
    NjMachine     *m;
    LLVMContextRef ctx;
    LLVMModuleRef  mod;
    const NjEffort *effort;
    char          *text;         /* the module's text with its first line made; parsing copies what it keeps */
    NjErr         *err;
    NjStatus       st;           /* the first error that LLVM's diagnostic handler saw */
    jmp_buf        fatal;
} Job;

/* -- what LLVM reports ------------------------------------------------------------------------------------ */

static _Thread_local Job *job_now;           /* whose jump buffer a fatal error takes */

/* LLVM has no way back from a fatal error. Its locks are not held where it calls this (code generation and parsing), so
 * jumping out loses only this compile's context, machine and memory, which are never touched again. */
static void on_fatal(const char *why)
{
    Job *j = job_now;
    if (!j)
        return;                              /* not ours: LLVM exits, as without a handler */
    nj_err_set(j->err, NJ_E_BUG, 0, "LLVM: %s", why);
    longjmp(j->fatal, 1);
}

static void on_diagnostic(LLVMDiagnosticInfoRef d, void *arg)
{
    Job *j = arg;
    if (LLVMGetDiagInfoSeverity(d) != LLVMDSError || j->st)
        return;
    char *why = LLVMGetDiagInfoDescription(d);
    j->st = nj_err_set(j->err, NJ_E_BUG, 0, "LLVM: %s", why);
    LLVMDisposeMessage(why);
}

/* -- the stages ----------------------------------------------------------------------------------------------- */

/* Put before the text, not set after parsing: the parser gives loads without `align` the layout's alignment. On the
 * first line, so that line numbers in messages stay the text's. A text that names its own layout or triple is replaced
 * there too, because the last one read wins only for the triple; emitters leave both out. */
static NjStatus job_text(Job *j, const char *text, size_t ntext, size_t *total)
{
    static const char fmt[] = "target datalayout = \"%s\" target triple = \"%s\" ";
    bool own = ntext >= 17 && memmem(text, ntext, "target datalayout", 17);
    size_t head = own ? 0 : sizeof fmt + strlen(j->m->layout) + strlen(j->m->triple);
    j->text = nj_malloc(head + ntext + 1);
    if (!j->text)
        return nj_err_set(j->err, NJ_E_NOMEM, 0, "out of memory");
    size_t n = own ? 0 : (size_t)snprintf(j->text, head, fmt, j->m->layout, j->m->triple);
    memcpy(j->text + n, text, ntext);
    j->text[n + ntext] = 0;
    *total = n + ntext;
    return NJ_OK;
}

static NjStatus job_parse(Job *j, const char *text, size_t ntext)
{
    size_t total = 0;
    NjStatus st = job_text(j, text, ntext, &total);
    if (st)
        return st;
    char *why = NULL;
    LLVMMemoryBufferRef buf = LLVMCreateMemoryBufferWithMemoryRange(j->text, total, "naja", 1);
    if (LLVMParseIRInContext(j->ctx, buf, &j->mod, &why)) {        /* takes buf in any case */
        j->mod = NULL;
        st = nj_err_set(j->err, NJ_E_BUG, 0, "LLVM does not parse: %s", why ? why : "?");
        LLVMDisposeMessage(why);
    }
    LLVMContextSetDiscardValueNames(j->ctx, j->what == NJ_LLVM_OBJECT);    /* the parser itself needs them */
    return st ? st : j->st;
}

static NjStatus job_verify(Job *j, const char *when)
{
    char *why = NULL;
    NjStatus st = NJ_OK;
    if (j->o->verify && LLVMVerifyModule(j->mod, LLVMReturnStatusAction, &why))
        st = nj_err_set(j->err, NJ_E_BUG, 0, "LLVM %s: %s", when, why ? why : "?");
    LLVMDisposeMessage(why);
    return st;
}

static NjStatus job_link(Job *j)
{
    NjStatus st = NJ_OK;
    for (uint32_t i = 0; i < j->o->nlib && !st; i++)
        st = nj_llvm_link(j->ctx, j->mod, &j->o->lib[i], j->err);
    return st ? st : j->st;
}

static LLVMErrorRef job_passes(Job *j, const char *passes)
{
    LLVMPassBuilderOptionsRef po = LLVMCreatePassBuilderOptions();
    LLVMPassBuilderOptionsSetLoopInterleaving(po, j->o->opt >= 2);     /* the level itself switches the vectorisers */
    LLVMErrorRef e = LLVMRunPasses(j->mod, passes, j->m->tm, po);
    LLVMDisposePassBuilderOptions(po);
    return e;
}

static NjStatus job_optimise(Job *j)
{
    char level[] = "default<O0>";
    level[9] = (char)('0' + (j->o->opt & 3));
    const char *passes = j->effort->passes;
    LLVMErrorRef e = passes ? job_passes(j, passes) : NULL;
    if (!passes || e) {                      /* an LLVM that knows not one of these names has changed nothing */
        if (e)
            LLVMConsumeError(e);
        e = job_passes(j, passes = level);
    }
    if (!e)
        return j->st;
    char *why = LLVMGetErrorMessage(e);
    NjStatus st = nj_err_set(j->err, NJ_E_BUG, 0, "LLVM %s: %s", passes, why);
    LLVMDisposeErrorMessage(why);
    return st;
}

static NjStatus job_deliver(Job *j, NjLlvmSink sink, void *arg, const char *bytes, size_t n)
{
    return sink(arg, bytes, n) ? NJ_OK : nj_err_set(j->err, NJ_E_NOMEM, 0, "out of memory");
}

static NjStatus job_print(Job *j, NjLlvmSink sink, void *arg)
{
    char *s = LLVMPrintModuleToString(j->mod);
    NjStatus st = job_deliver(j, sink, arg, s, strlen(s));
    LLVMDisposeMessage(s);
    return st;
}

/* The machine that generates code: a large function gets one of a lower level. */
static NjStatus job_machine(Job *j)
{
    if (j->what == NJ_LLVM_IR || j->m->opt <= j->effort->code)
        return NJ_OK;
    NjLlvmOptions low = *j->o;
    low.opt = j->effort->code;
    nj_llvm_machine_give(j->m);
    j->m = NULL;
    return nj_llvm_machine_take(j->what, &low, &j->m, j->err);
}

static NjStatus job_emit(Job *j, NjLlvmSink sink, void *arg)
{
    if (j->what == NJ_LLVM_IR)
        return job_print(j, sink, arg);
    LLVMCodeGenFileType type = j->what == NJ_LLVM_OBJECT ? LLVMObjectFile : LLVMAssemblyFile;
    LLVMMemoryBufferRef buf = NULL;
    char *why = NULL;
    if (LLVMTargetMachineEmitToMemoryBuffer(j->m->tm, j->mod, type, &why, &buf)) {
        NjStatus st = nj_err_set(j->err, NJ_E_BUG, 0, "LLVM emits no code: %s", why ? why : "?");
        LLVMDisposeMessage(why);
        return st;
    }
    NjStatus st = j->st ? j->st : job_deliver(j, sink, arg, LLVMGetBufferStart(buf), LLVMGetBufferSize(buf));
    LLVMDisposeMemoryBuffer(buf);
    return st;
}

/* Not inlined: its locals must not live in a frame that longjmp returns to. */
__attribute__((noinline)) static NjStatus job_run(Job *j, const char *text, size_t ntext, NjLlvmSink sink, void *arg)
{
    double start = nj_clock(), parsed, optimised;
    NjStatus st = job_parse(j, text, ntext);
    if (!st) st = job_verify(j, "refuses the emitted text");
    if (!st) st = job_link(j);
    parsed = nj_clock();
    if (!st) j->effort = nj_llvm_effort(j->mod, ntext, j->o->opt);
    if (!st) st = job_optimise(j);
    if (!st) st = job_verify(j, "spoiled the module");
    optimised = nj_clock();
    if (!st) st = job_machine(j);
    if (!st) st = job_emit(j, sink, arg);
    nj_log(2, "LLVM: parse %.2f, passes %.2f, code %.2f ms", (parsed - start) * 1e3, (optimised - parsed) * 1e3,
           (nj_clock() - optimised) * 1e3);
    return st;
}

/* -- the entry -------------------------------------------------------------------------------------------------- */

static pthread_once_t process_once = PTHREAD_ONCE_INIT;
static void process_init(void)
{
    /* The scheduler keeps a list of all stores and loads of a block; from this many on it thins it out. The default,
     * 1,000, made blocks of some thousand stores quadratic: 4.9 s for 10,000 stores, now 1.1 s, for the same code. */
    static const char *const args[] = { "naja", "-dag-maps-huge-region=200", "-dag-maps-reduction-size=100" };
    LLVMParseCommandLineOptions(3, args, "");
    LLVMInstallFatalErrorHandler(on_fatal);
}

static void job_free(Job *j)
{
    if (j->mod)
        LLVMDisposeModule(j->mod);
    LLVMContextDispose(j->ctx);
    if (j->m)
        nj_llvm_machine_give(j->m);
    nj_free(j->text);
}

static NjStatus compile_here(NjLlvmOut what, const char *text, size_t ntext, const NjLlvmOptions *o, NjLlvmSink sink,
                             void *arg, NjErr *err)
{
    Job j = { .o = o, .what = what, .err = err };
    NjStatus st = nj_llvm_machine_take(what, o, &j.m, err);
    if (st)
        return st;
    j.ctx = LLVMContextCreate();
    LLVMContextSetDiagnosticHandler(j.ctx, on_diagnostic, &j);
    Job *volatile before = job_now;          /* volatile: read after a longjmp */
    job_now = &j;
    if (setjmp(j.fatal)) {
        job_now = before;
        return NJ_E_BUG;                     /* context and machine are lost on purpose: see on_fatal */
    }
    st = job_run(&j, text, ntext, sink, arg);
    job_now = before;
    job_free(&j);
    return st;
}

/* -- the stack: LLVM's recursion is as deep as a program has loops in a row -------------------------------------- */

enum { DEEP_STACK = 1 << 30, OWN_STACK = 4 << 20, LONG_TEXT = 128 * 1024 };

typedef struct Errand {
    NjLlvmOut what;
    const char *text;
    size_t ntext;
    const NjLlvmOptions *o;
    NjLlvmSink sink;
    void *arg;
    NjErr *err;
    NjStatus st;
} Errand;

static void *errand_run(void *arg)
{
    Errand *e = arg;
    e->st = compile_here(e->what, e->text, e->ntext, e->o, e->sink, e->arg, e->err);
    return NULL;
}

/* Has this thread the stack for a program of ordinary length? The main thread's grows; reading its size is slow. */
static bool stack_is_small(void)
{
    pthread_attr_t a;
    size_t n = OWN_STACK;
    if (getpid() == (pid_t)syscall(SYS_gettid) || pthread_getattr_np(pthread_self(), &a))
        return false;
    (void)pthread_attr_getstacksize(&a, &n);
    pthread_attr_destroy(&a);
    return n < OWN_STACK;
}

/* A thread of its own for a long text; its stack is address space, of which pages are used as they are touched. False:
 * there was none to be had. */
static bool errand_send(Errand *e)
{
    pthread_attr_t a;
    pthread_t t;
    if (pthread_attr_init(&a))
        return false;
    bool sent = !pthread_attr_setstacksize(&a, DEEP_STACK) && !pthread_create(&t, &a, errand_run, e);
    pthread_attr_destroy(&a);
    if (sent)
        pthread_join(t, NULL);
    return sent;
}

static NjStatus compile(NjLlvmOut what, const char *text, size_t ntext, const NjLlvmOptions *o, NjLlvmSink sink,
                        void *arg, NjErr *err)
{
    pthread_once(&process_once, process_init);
    Errand e = { what, text, ntext, o, sink, arg, err, NJ_OK };
    if ((ntext > LONG_TEXT || stack_is_small()) && errand_send(&e))
        return e.st;
    return compile_here(what, text, ntext, o, sink, arg, err);
}

static const NjLlvmApi api = {
    .version = NJ_LLVM_API_VERSION,
    .size = sizeof(NjLlvmApi),
    .llvm_version = LLVM_VERSION_STRING,
    .host_cpu = nj_llvm_host_cpu,
    .host_features = nj_llvm_host_features,
    .host_triple = nj_llvm_host_triple,
    .compile = compile,
};

__attribute__((visibility("default"))) const NjLlvmApi *nj_llvm_api(void);
const NjLlvmApi *nj_llvm_api(void)
{
    return &api;
}
