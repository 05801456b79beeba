/* ir.h - functions in SSA form: values, blocks, and how they are made and edited.
 *
 * One structure serves the Python level and the core level (see ops.def). References are 32-bit indices that never
 * move, so dumps are stable. Constants are values of no block, interned. Everything lives in the function's arena.
 * The text form is written and read back: doc/ir.txt.
 */
#ifndef NJ_IR_H
#define NJ_IR_H

#include "base/base.h"
#include "front/code.h"
#include "type/type.h"

typedef enum NjOp {
#define OP(name, word, nargs, result, args, flags, tmpl, doc) NJ_OP_##name,
#include "ir/ops.def"
#undef OP
    NJ_OP_COUNT
} NjOp;

typedef struct NjOpInfo {
    const char *word;
    int8_t nargs;
    char result;
    const char *args, *flags, *tmpl, *doc;
} NjOpInfo;
extern const NjOpInfo nj_op_info[NJ_OP_COUNT];
bool nj_op_has(NjOp op, char flag);
static inline bool nj_op_is_py(NjOp op) { return op >= NJ_OP_py_binop && op <= NJ_OP_py_raise; }

typedef enum NjIntrin {
    NJ_INTRIN_NONE,
#define INTRIN(id, name, typer, lowerer, arg) NJ_INTRIN_##id,
#include "front/intrin.def"
#undef INTRIN
#define MATH(id, pyname, nargs, llvm, libm, libmf, vec, nv, nvf, fast, ulp, doc) NJ_INTRIN_MATH_##id,
#include "device-libs/math.def"
#undef MATH
    NJ_INTRIN_COUNT
} NjIntrin;

typedef enum NjMath {          /* rows of device-libs/math.def: `sub` of the math operation */
#define MATH(id, pyname, nargs, llvm, libm, libmf, vec, nv, nvf, fast, ulp, doc) NJ_MATH_##id,
#include "device-libs/math.def"
#undef MATH
    NJ_MATH_COUNT
} NjMath;

typedef enum NjPred { NJ_EQ, NJ_NE, NJ_SLT, NJ_SLE, NJ_SGT, NJ_SGE, NJ_ULT, NJ_ULE, NJ_UGT, NJ_UGE,
                      NJ_OEQ, NJ_OLT, NJ_OLE, NJ_OGT, NJ_OGE, NJ_UNE, NJ_UNO, NJ_ORD, NJ_PRED_N } NjPred;
typedef enum NjRmw {
    NJ_RMW_ADD, NJ_RMW_SUB, NJ_RMW_MAX, NJ_RMW_MIN, NJ_RMW_AND, NJ_RMW_OR, NJ_RMW_XOR, NJ_RMW_EXCH, NJ_RMW_N
} NjRmw;
typedef enum NjBit { NJ_BIT_POPC, NJ_BIT_CLZ, NJ_BIT_BREV, NJ_BIT_FFS, NJ_BIT_N } NjBit;
typedef enum NjMem { NJ_MEM_VOLATILE = 1, NJ_MEM_INVARIANT = 2 } NjMem;
typedef enum NjSreg {
    NJ_SREG_TID_X, NJ_SREG_TID_Y, NJ_SREG_TID_Z, NJ_SREG_CTAID_X, NJ_SREG_CTAID_Y, NJ_SREG_CTAID_Z,
    NJ_SREG_NTID_X, NJ_SREG_NTID_Y, NJ_SREG_NTID_Z, NJ_SREG_NCTAID_X, NJ_SREG_NCTAID_Y, NJ_SREG_NCTAID_Z,
    NJ_SREG_LANEID, NJ_SREG_WARPSIZE, NJ_SREG_DYNSHARED /* bytes of it */, NJ_SREG_N
} NjSreg;

typedef uint32_t NjRef;        /* a value; 0 is none */
typedef uint32_t NjBlkId;      /* a block; the entry is 0 */
#define NJ_NOREF ((NjRef)0)
#define NJ_NOBLK ((NjBlkId)UINT32_MAX)

typedef struct NjSpec NjSpec;  /* run/unit.h: one function for one tuple of argument types */

/* What a call calls. Before inference only the names of keyword arguments are known. */
typedef struct NjCallee {
    const char *const *kwnames; uint32_t nkw;      /* the last nkw arguments are keywords */
    NjSpec  *spec;             /* a function of the unit, once inferred */
    uint16_t intrin;           /* else a NjIntrin */
    const NjConst *cast;       /* else a type that is called: np.float32(x) */
    NjRef   *bound;            /* spec: arguments in parameter order, defaults filled in */
    uint32_t nbound;
} NjCallee;

typedef struct NjVal {
    uint16_t op;               /* NjOp */
    uint8_t  sub;              /* the variant, for operations with flag S */
    uint8_t  mark;             /* free for one pass; zero between passes */
    uint32_t nargs;
    NjRef   *args;
    const NjType *type;        /* NULL: not yet known, or no result */
    NjBlkId  blk;              /* NJ_NOBLK: a constant, or unlinked */
    NjRef    prev, next;       /* in the block */
    NjLoc    loc;
    const char *name;          /* the Python variable it was assigned to, for messages; or NULL */
    union {
        int64_t i;             /* flag I */
        const char *name;      /* flag N */
        const NjConst *k;      /* flag K */
        NjCallee *callee;      /* flag Q */
    } imm;
} NjVal;

typedef struct NjBlk {
    NjRef   first, last;       /* phis first, terminator last */
    NjBlkId succ[2]; uint8_t nsucc;
    NJ_VEC(NjBlkId) preds;     /* their order is the order of phi arguments */
    /* filled by ir/dom.c, -1 and NULL until then */
    NjBlkId idom; uint32_t rpo; uint32_t depth;   /* loop depth */
    uint32_t dom_in, dom_out;      /* a dominates b: a.dom_in <= b.dom_in < a.dom_out */
    bool    dead;              /* unreachable: skipped by every walk */
} NjBlk;

typedef struct NjFn {
    NjTypes *types;
    NjArena *arena;
    NjDiags *diags;
    NjSpec *spec;              /* the specialisation whose body this is; NULL until there is one */
    const NjCode *code;        /* where it came from; NULL when parsed from text */
    const char *name;          /* symbol */
    const char *file, *pyname; /* for locations */
    bool core;                 /* level: false Python, true core */
    bool kernel;               /* returns void, launched over a grid */
    const NjType *ret;         /* NULL until inferred */
    const NjType *const *rets; uint32_t nrets;    /* core level: parts of the result */
    NjRef   *params; uint32_t nparams;
    NJ_VEC(NjVal) vals;        /* vals.at[0] is unused */
    NJ_VEC(NjBlk) blks;
    NjMap   *consts;
    NjOpts   opts;
    /* what lowering found out, for emit/ and launch */
    bool may_raise, has_barrier, uses_math, uses_shared, uses_dynshared;
} NjFn;

static inline NjVal *nj_val(const NjFn *f, NjRef r) { return &f->vals.at[r]; }
static inline NjBlk *nj_blk(const NjFn *f, NjBlkId b) { return &f->blks.at[b]; }
static inline NjVal *nj_arg(const NjFn *f, const NjVal *v, unsigned i) { return &f->vals.at[v->args[i]]; }

#define nj_each_blk(f, b)        (NjBlkId b = 0; b < (f)->blks.n; b++) if (!(f)->blks.at[b].dead)
#define nj_each_val(f, b, r)                                                                                           \
    (NjRef r = (f)->blks.at[b].first, r##_next_; r && (r##_next_ = (f)->vals.at[r].next, 1); r = r##_next_)
/* for nj_each_blk(f, b) for nj_each_val(f, b, r) { ... }   the body may unlink r */

/* -- ir.c: build and edit ------------------------------------------------------------------------------------------ */

NjFn   *nj_fn_new(NjTypes *types, NjArena *arena, NjDiags *diags, const char *name);
NjBlkId nj_fn_blk(NjFn *f);                                              /* a new empty block */
NjRef   nj_fn_param(NjFn *f, const NjType *t, const char *name);
NjRef   nj_fn_const(NjFn *f, const NjConst *k, const NjType *t);   /* interned by both; t may be NULL (py level) */
NjRef   nj_fn_int(NjFn *f, const NjType *t, int64_t i);                  /* integer, bool; t an integer type */
NjRef   nj_fn_float(NjFn *f, const NjType *t, double x);
NjRef   nj_fn_undef(NjFn *f, const NjType *t);
void    nj_fn_edge(NjFn *f, NjBlkId from, NjBlkId to);      /* adds a successor; the phis' arguments are the caller's */

/* An insertion point with a current location: what every builder function takes. */
typedef struct NjAt { NjFn *f; NjBlkId b; NjRef before; /* 0: at the end */ NjLoc loc; } NjAt;
NjRef nj_emit(NjAt *at, NjOp op, unsigned sub, const NjType *t, unsigned nargs, const NjRef *args);
NjRef nj_emit0(NjAt *at, NjOp op, const NjType *t, int64_t imm);
NjRef nj_emit1(NjAt *at, NjOp op, const NjType *t, NjRef a);
NjRef nj_emit2(NjAt *at, NjOp op, const NjType *t, NjRef a, NjRef b);
NjRef nj_emit3(NjAt *at, NjOp op, const NjType *t, NjRef a, NjRef b, NjRef c);
NjRef nj_emit_phi(NjFn *f, NjBlkId b, const NjType *t, unsigned nargs);  /* at the head; arguments NJ_NOREF until set */
void  nj_emit_br(NjAt *at, NjBlkId to);                                  /* with the edge */
void  nj_emit_condbr(NjAt *at, NjRef cond, NjBlkId yes, NjBlkId no);
void  nj_val_unlink(NjFn *f, NjRef r);                                   /* becomes nop */
void  nj_val_move(NjFn *f, NjRef r, NjBlkId to, NjRef before);
void  nj_fn_replace(NjFn *f, NjRef old, NjRef with);                     /* every use: O(function) */
void  nj_fn_replace_all(NjFn *f, NjRef *map);                            /* r becomes map[r], 0: stays; chains too */
void  nj_fn_drop_blk(NjFn *f, NjBlkId b);                                /* unreachable: edges and phi arguments go */
void  nj_fn_drop_edge(NjFn *f, NjBlkId from, unsigned which);            /* successor `which`; the terminator stays */
bool  nj_fn_drop_dead(NjFn *f);                                          /* blocks that nj_fill_dom found dead */
bool  nj_const_int(const NjFn *f, NjRef r, int64_t *out);                /* is r a constant integer (bool counts)? */

/* -- dom.c, uses.c: analyses --------------------------------------------------------------------------------------- */

void nj_fill_dom(NjFn *f);                                               /* rpo, idom, depth, dead */
bool nj_dom(const NjFn *f, NjBlkId a, NjBlkId b);                        /* does a dominate b? both reachable; O(1) */
typedef struct NjUses { uint32_t *first; NjRef *users; uint32_t n; } NjUses;   /* users[first[r] .. first[r+1]) */
NjUses *nj_fill_uses(NjFn *f, NjArena *scratch);                        /* NULL: out of memory */

/* -- print.c, parse.c, check.c ------------------------------------------------------------------------------------- */

void  nj_ir_print(NjText *out, const NjFn *f);                           /* with locations */
void  nj_ir_print_plain(NjText *out, const NjFn *f);                     /* without */
void  nj_ir_print_val(NjText *out, const NjFn *f, NjRef r);              /* one line; constants as operands show */
/* Lines of its own after the head (b and r none), after a block's label (r none) and after a value. */
typedef void (*NjNoteFn)(void *arg, NjText *out, NjBlkId b, NjRef r);
void  nj_ir_print_noted(NjText *out, const NjFn *f, NjNoteFn note, void *arg);
NjStatus nj_ir_parse(NjTypes *types, NjArena *arena, NjDiags *diags, const char *text, size_t n,
                     NjFn ***fns, uint32_t *nfns);                       /* all functions of a .nj file */
/* Is f well formed (edges, phis, dominance, arity, types at its level)? Complaints go to `out`, beside the text of
 * f. */
bool  nj_ir_check(const NjFn *f, NjText *out);

/* -- words.c: the words of the text form --------------------------------------------------------------------------- */

const char *nj_sub_word(NjOp op, unsigned sub);           /* the variant's word; "?": none, NULL: none from here on */
bool     nj_op_find(const char *s, size_t n, NjOp *op, unsigned *sub);   /* "py.binop.add" */
const char *nj_intrin_text(uint16_t intrin, char buf[64]);               /* "math.sqrt": the first name; returns buf */
NjIntrin nj_intrin_find(const char *name);                               /* any of its names; NJ_INTRIN_NONE */

/* -- front/cfg.c, front/ssa.c: bytecode -> untyped SSA ------------------------------------------------------------- */

/* f's params are code's parameters in order (positional, keyword-only). Diagnostics are collected; NULL on failure. */
NjFn *nj_front_ssa(NjTypes *types, NjArena *arena, NjDiags *diags, const NjCode *code, const char *symbol);

#endif
