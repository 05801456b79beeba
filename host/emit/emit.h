/* emit.h - inside emission: the writer's state, its helpers, and what a target adds to it.
 *
 * Core functions in, LLVM text out. The text has two dialects (LLVM 7 with typed pointers for libNVVM, opaque pointers
 * for everything else); what differs between targets is in their NjEmitHooks. Prototypes are grouped by file.
 */
#ifndef NJ_EMIT_H
#define NJ_EMIT_H

#include "run/unit.h"

typedef struct NjEmit NjEmit;

/* A function that writes one operation: whole lines. */
typedef void (*NjEmitOp)(NjEmit *e, NjRef r);

/* How a target differs. Every slot is set; an operation that the target lacks is reported before emission. */
typedef struct NjEmitHooks {
    bool spaces;                 /* address spaces are printed; else there is one */
    bool hidden_ctx; /* functions take the NjSimt and the special registers as leading parameters (CPU device) */
    bool mangle;                 /* symbols are C identifiers (PTX) */
    NjEmitOp sreg, barrier, barred, syncwarp, fence, shared, math, print;
    void (*start)(NjEmit *e);                      /* before the first function; may be NULL */
    void (*entry)(NjEmit *e, NjSpec *root);        /* a kernel's entry */
    void (*module)(NjEmit *e);                     /* the module's end: metadata; may be NULL */
} NjEmitHooks;

struct NjEmit {
    NjUnit *u;
    const NjTarget *tg;
    const NjEmitHooks *hooks;
    NjArena *arena;
    NjText *t;                   /* u->llvm */
    NjText globals;              /* declarations and global variables, printed at the end */
    NjMap *declared;             /* names in `globals` */
    NjText used;                 /* list of @llvm.compiler.used */
    uint32_t nused, nmeta;
    NjText meta;                 /* numbered metadata */
    NjText annotations;          /* elements of !nvvm.annotations */
    bool typed;
    const char *access;          /* a note on loads and stores of arrays, such as ", !llvm.access.group !0", or "" */
    /* the function being written */
    NjSpec *spec;
    NjFn *f;
    uint32_t ntmp, subprogram;   /* subprogram: its metadata number + 1, 0 without debug lines */
    uint32_t split;              /* how many times the current block has been split by raising calls */
    uint32_t *splits;            /* how many times each block will have been */
    NjBlkId blk;
    NjLoc loc;                   /* of the operation being written */
    char fast[64];               /* fast-math flags with a space behind, or "" */
};

/* -- text.c: types, names, operands ----------------------------------------------------------- */

const char *nj_emit_type(NjEmit *e, const NjType *t);           /* in registers: "i1", "double", "float*", "ptr" */
const char *nj_emit_memtype(NjEmit *e, const NjType *t);        /* in memory: a bool is "i8" */
const char *nj_emit_ptr(NjEmit *e, const char *pointee, unsigned space);
const char *nj_emit_val(NjEmit *e, NjRef r);                    /* "%v7", "5", "0x3FF0000000000000" */
const char *nj_emit_tv(NjEmit *e, NjRef r);                     /* type and value */
const char *nj_emit_const(NjEmit *e, const NjConst *k, const NjType *t);
const char *nj_emit_f64(NjEmit *e, double x);
const char *nj_emit_tmp(NjEmit *e);                             /* a fresh "%t4" */
const char *nj_emit_symbol(NjEmit *e, const char *name);        /* as this target can spell it */
/* One indented line, with the debug location of the current value. */
void nj_emit_line(NjEmit *e, const char *fmt, ...) NJ_PRINTF(2, 3);
/* Declares an external function once; `decl` is the text behind "declare ". */
void nj_emit_declare(NjEmit *e, const char *name, const char *fmt, ...) NJ_PRINTF(3, 4);
const char *nj_emit_string(NjEmit *e, const char *s,
                           size_t n); /* a constant i8 pointer to bytes and a NUL, as an operand */
void nj_emit_bytes(NjText *t, const void *data, size_t n);      /* c"..." */
bool nj_emit_all_zero(const void *data, size_t n);
NjRef nj_emit_source(const NjEmit *e, NjRef r);                 /* behind casts that are no code */

/* -- op.c: operations ------------------------------------------------------------------------- */

void nj_emit_op(NjEmit *e, NjRef r);
/* %d = call T name(args) of one or more operands of v, declared with `attrs` */
void nj_emit_intrinsic(NjEmit *e, NjRef r, const char *name, const char *attrs);
const char *nj_emit_load(NjEmit *e, const NjType *t, const char *ptr);             /* a part in memory -> a register */
void nj_emit_store(NjEmit *e, const NjType *t, const char *val, const char *ptr);

/* -- call.c: the calling convention between functions of the unit ----------------------------- */

bool nj_emit_direct(const NjSpec *s);                           /* one part, returned as the value */
const char *nj_emit_ret(NjEmit *e, const NjSpec *s);            /* the function's LLVM result type */
const char *nj_emit_fn_attrs(const NjEmit *e);                 /* of each function defined, a space in front */
void nj_emit_header(NjEmit *e, NjSpec *s, const char *attrs);   /* define internal ... { */
void nj_emit_outs(NjEmit *e); /* stack slots for the results of calls, in the entry block */
void nj_emit_call(NjEmit *e, NjRef r);
void nj_emit_result(NjEmit *e, NjRef r);
void nj_emit_return(NjEmit *e, NjRef r);
void nj_emit_raise(NjEmit *e, NjRef r);
void nj_emit_fill_splits(NjEmit *e);                            /* e->splits: raising calls in each block */
void nj_emit_label(NjEmit *e, NjText *t, NjBlkId b, bool exit); /* "b3", or the label of its last piece "b3.1" */
/* Fills may_raise of every function of the unit: a fixpoint over the calls. */
void nj_emit_fill_raises(NjUnit *u);

/* -- entry.c, ufunc.c: what the outside calls ------------------------------------------------- */

void nj_emit_entry_func(NjEmit *e, NjSpec *root);
void nj_emit_entry_device(NjEmit *e, NjSpec *root);
void nj_emit_entry_ufunc(NjEmit *e, NjSpec *root);
const char *nj_emit_plain_name(NjEmit *e, const NjFn *f);       /* a GPU entry's symbol */
/* Opens the definition of u->entry: `fmt` is its result, name and parameters. nj_emit_unit closes it. */
void nj_emit_define(NjEmit *e, NjSpec *root, const char *fmt, ...) NJ_PRINTF(3, 4);
/* Loads the argument parts from 8-byte slots at %args; "i32 %a0, double %a1" for a call. `lead` goes first. */
const char *nj_emit_unpack(NjEmit *e, NjSpec *root, const char *lead);
extern const char nj_emit_hidden[];                             /* the CPU device's leading parameters */
/* A definition's parameters, one for each part, bools as i8: "i8 %a0, double %a1"; and their way into a call of the
 * root. */
const char *nj_emit_entry_params(NjEmit *e, const NjFn *f);
const char *nj_emit_pass_params(NjEmit *e, NjSpec *root);
/* The call of the root from an entry: its results go to `outs` (operands "double* %x", one for each part), or, when it
 * is direct, into a register whose name comes back. *status names the i32 status, NULL for a function that cannot
 * raise. */
const char *nj_emit_call_root(NjEmit *e, NjSpec *root, const char *args, const char *const *outs, const char **status);

/* -- print.c: print() in slots ---------------------------------------------------------------- */

unsigned nj_emit_print_nslots(const NjVal *v);
void nj_emit_print_slots(NjEmit *e, NjRef r, bool texts, bool wide_floats);     /* stores them into %print<r> */
const char *nj_emit_print_format(NjEmit *e, NjRef r);           /* for C's printf, without texts in slots */

/* -- debug.c: line tables --------------------------------------------------------------------- */

/* Makes the subprogram of s, or of its entry, under this symbol; sets e->subprogram. */
void nj_emit_debug_fn(NjEmit *e, NjSpec *s, const char *symbol);
void nj_emit_debug_loc(NjEmit *e);                              /* ", !dbg !7" for e->loc */
uint32_t nj_emit_meta(NjEmit *e, const char *fmt, ...) NJ_PRINTF(2, 3);     /* a numbered node */

#endif
