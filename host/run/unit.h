/* unit.h - the compile unit: a root specialisation with all its callees, one LLVM module.
 *
 * NjCtx is the process's compiler state (types); NjUnit is one compilation, used by one thread.
 */
#ifndef NJ_UNIT_H
#define NJ_UNIT_H

#include "ir/ir.h"

typedef struct NjTarget NjTarget;
typedef struct NjUnit NjUnit;

typedef struct NjCtx { NjTypes *types; } NjCtx;

/* What the root becomes. */
typedef enum NjRoot {
    NJ_ROOT_FUNC,       /* int32 entry(const u64 *args, u64 *ret): status, 0 or 1 + row of unit->excs */
    NJ_ROOT_KERNEL,     /* cuda: a .entry of the parts; CPU device: int32 entry(const u64 *args, NjSimt *), which runs a
                           block or a thread */
    NJ_ROOT_DEVICE,     /* cuda, compile_ptx(device=True): a .func with the C ABI: value returned, arrays as parts */
    NJ_ROOT_UFUNC,      /* void entry(char **args, intp *n, intp *steps, void *data): NumPy's inner loop; args are the
                           inputs, then the result. data points to an int32, never NULL: at the first error the status
                           goes there and the loop ends. Nothing is said about overlap. */
} NjRoot;

typedef enum NjSpecState { NJ_SPEC_NEW, NJ_SPEC_INFERRING, NJ_SPEC_TYPED, NJ_SPEC_LOWERED, NJ_SPEC_FAILED } NjSpecState;

struct NjSpec {
    NjUnit *unit;
    const NjCode *code;
    const NjType *const *args; uint32_t nargs;
    const NjType *declared;      /* the result the signature asks for, or NULL */
    NjFn *py, *core;
    NjSpec *before;              /* the one made before this for the same code, or NULL */
    NjSpecState state;
    struct Infer *infer;         /* type/infer.c's state while the unit is typed, else NULL */
    const char *symbol;          /* unique in the unit, readable: "saxpy.1" */
    bool reaches_barrier;        /* itself or by a call: nj_pass_barriers */
    bool retired;                /* no text is emitted: pass/split.c put its body elsewhere */
};

/* How the text of an IndexError begins that nj_rt_bounds has the numbers of; the axis follows. */
#define NJ_BOUNDS_TEXT "index is out of bounds for axis "

/* What one `raise` raises: a class by name or object; its arguments, or a message of ours. text shows them where there
 * is no Python. */
typedef struct NjExc {
    const char *exc; void *object;
    const char *text;
    const NjConst *const *args; uint32_t nargs;      /* as the program wrote them; none: text is the only one, if any */
    const char *file, *func; NjLoc loc;
} NjExc;

/* What the time of a compilation went to, in order: the function and its globals copied, its key, the look into the
 * cache; ...; text to machine code or PTX; that into memory, or through the driver; the cache written. */
#define NJ_STAGES(X) X(key) X(front) X(infer) X(lower) X(emit) X(code) X(load) X(store)
typedef enum NjStage {
#define X(name) NJ_STAGE_##name,
    NJ_STAGES(X)
#undef X
    NJ_NSTAGES
} NjStage;

/* Seconds by the wall clock, each taken by the thread that did the work. */
typedef struct NjTook { double at[NJ_NSTAGES]; } NjTook;

struct NjUnit {
    NjCtx *ctx;
    const NjTarget *target;
    NjOpts opts;
    NjArena *arena;              /* everything of this compilation */
    NjDiags diags;
    NJ_VEC(NjSpec *) specs;      /* specs.at[0] is the root */
    NjMap *by_code;              /* address of an NjCode -> the last specialisation nj_unit_spec made for it */
    NJ_VEC(NjExc) excs;          /* what may be raised; a status of i+1 means excs.at[i] */
    NjMap *exc_rows;             /* ExcKey (unit.c) -> i+1 */
    NjRoot root;
    NjText llvm;                 /* the module's text, once emitted */
    const char *entry;           /* symbol of the root's entry */
    bool uses_math;              /* cuda: libdevice is wanted */
    bool has_barrier;            /* CPU device: entry runs one thread, not one block */
    uint32_t type_failures;      /* nj_types_failures when it began */
    uint32_t shared_bytes;       /* static shared memory, CPU device */
    uint32_t frame_bytes;        /* CPU device: memory for each thread of a block, pass/split.h */
    struct NjSplit *split;       /* CPU device: the kernel is cut at its barriers; has_barrier is then false */
    NjTook took;                 /* front to emit */
};

/* A target is this struct and nothing else: host/ never asks which one it has. */
struct NjTarget {
    const char *name;            /* "cpu", "cpudev", "cuda"; in messages */
    bool typed_pointers;         /* the old dialect: i8* instead of ptr */
    bool simt;                   /* kernels, special registers, shared memory and barriers exist */
    bool raises;                 /* functions return a status; else an exception just ends the thread */
    const char *triple, *layout; /* LLVM module header; CPU fills them from the LLVM object, may be NULL there */
    NjAbi abi;
    /* emit/: text for the operations that differ; NULL: not available on this target. `t` takes whole lines. May
     * call nj_emit_* helpers of emit/emit.h. Called with no lock held, from the compiling thread. */
    const struct NjEmitHooks *emit;
};

/* -- unit.c ------------------------------------------------------------------------------------------- */

NjCtx  *nj_ctx_new(void);
void    nj_ctx_free(NjCtx *c);
NjUnit *nj_unit_new(NjCtx *c, const NjTarget *target, const NjOpts *opts);
void    nj_unit_free(NjUnit *u);
/* Front end to LLVM text. `ret` NULL: inferred. NJ_E_USER and NJ_E_NYI: see u->diags. */
NjStatus nj_unit_compile(NjUnit *u, NjRoot root, const NjCode *code, const NjType *const *args, uint32_t nargs,
                         const NjType *ret);
/* NAJA_LOG=1: one line for what was done (`what`: "compiled", "loaded") to `code` for these types; `u` NULL: by a look
 * into the cache alone. `took` has the stages that the unit has not, and gets the others. */
void nj_unit_log(const NjUnit *u, const char *what, const NjCode *code, const NjType *const *args, uint32_t nargs,
                 const NjTarget *target, NjTook *took);
extern const char *const nj_stage_names[NJ_NSTAGES];
/* Only types: for inspect_types and for ufuncs that ask for a result type. */
NjStatus nj_unit_infer(NjUnit *u, const NjCode *code, const NjType *const *args, uint32_t nargs, const NjType *ret);
/* The specialisation of code for these types, made if it is new; inferred by nj_infer. */
NjSpec *nj_unit_spec(NjUnit *u, const NjCode *code, const NjType *const *args, uint32_t nargs, const NjType *ret);
bool nj_unit_front(NjSpec *s);                          /* s->py, untyped, after the Python-level passes */
uint32_t nj_unit_exc(NjUnit *u, const NjExc *e);        /* its row + 1: the status */

/* -- type/infer.c: types for every value of s->py, callees included ------------------------------------- */
NjStatus nj_infer(NjSpec *s);

/* -- lower/lower.c: s->py (typed) -> s->core ------------------------------------------------------------- */
NjStatus nj_lower(NjSpec *s);

/* -- emit/llvm.c: every lowered function of the unit, and the root's entry -> u->llvm ---------------------- */
NjStatus nj_emit_unit(NjUnit *u);

#endif
