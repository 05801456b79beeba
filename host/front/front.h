/* front.h - what the files of the front end share: decoded code, blocks, flow facts, the SSA builder's state.
 *
 * Everything here lives in a scratch arena that nj_front_ssa frees; what outlives it is in the NjFn.
 */
#ifndef NJ_FRONT_H
#define NJ_FRONT_H

#include "front/code.h"
#include "ir/ir.h"

#define FRONT_NONE UINT32_MAX

/* -- decode.c, settle.c ---------------------------------------------------------------------------------- */

typedef struct NjBcInfo { const char *name; int8_t pops, pushes; } NjBcInfo;
extern const NjBcInfo nj_bc_info[NJ_BC_COUNT];
uint32_t nj_bc_pops(const NjIns *i);
uint32_t nj_bc_pushes(const NjIns *i);
static inline bool nj_bc_is_jump(NjBcOp op) { return op == NJ_BC_JUMP || op == NJ_BC_JUMP_IF || op == NJ_BC_FOR_ITER; }
/* Does control never go on to the next instruction? */
static inline bool nj_bc_is_end(NjBcOp op)
{
    return op == NJ_BC_JUMP || op == NJ_BC_RETURN || op == NJ_BC_RAISE || op == NJ_BC_UNSUPPORTED;
}

const char *nj_front_construct(uint32_t row);       /* the text of an UNSUPPORTED's row */
NjLoc nj_front_loc(const NjCode *code, const NjIns *i);
const char *nj_front_var(const NjCode *code, uint32_t var);
NjStatus nj_front_malformed(NjDiags *d, const NjCode *code, const char *what);    /* NJ_E_BUG */
/* Follows control over bc once: null slots vanish, branches on constants are decided, what is unreachable goes. */
NjStatus nj_front_settle(NjArena *a, const NjCode *code, NjBytecode *bc, NjDiags *d);

/* -- cfg.c: blocks in reverse postorder; block 0 is the entry and has no predecessors -------------------- */

typedef struct NjSpan { uint32_t *at, n; } NjSpan;
typedef struct NjFrontBlk {
    uint32_t first, end;         /* instructions [first, end); empty for a made-up entry */
    uint32_t succ[2], nsucc;     /* of a branch: true, false */
    NjSpan preds;                /* one entry for each edge */
    uint32_t idom, depth;        /* stack depth at entry */
    NjSpan kids, front;          /* dominator tree children in order; dominance frontier */
} NjFrontBlk;
typedef struct NjCfg { NjFrontBlk *blks; uint32_t n, maxdepth; } NjCfg;

/* bc is laid out anew: each block's instructions are contiguous, in the order of the blocks. */
NjStatus nj_front_cfg(NjArena *a, const NjCode *code, NjBytecode *bc, NjCfg *out, NjDiags *d);
void     nj_front_print_cfg(NjText *out, const NjCode *code, const NjBytecode *bc, const NjCfg *cfg);

/* -- flow.c: which variables are bound, which are live --------------------------------------------------- */

/* UNBOUND: an error in the program. UNBOUND_HERE: on this way it raises, on others the same use is fine. */
typedef enum NjBound { NJ_BOUND, NJ_MAYBE_UNBOUND, NJ_UNBOUND_HERE, NJ_UNBOUND } NjBound;
/* Variables in the sense of SSA: locals and cells, then a "is it bound?" shadow for those that need one, then stack
 * slots. */
typedef struct NjFlow {
    uint32_t nvar, nshadow, nall;
    uint8_t  *bound;             /* for each LOAD_FAST and DEL_FAST: NjBound */
    uint32_t *shadow;            /* variable -> its shadow, or FRONT_NONE */
    NjBits **live, **defs;       /* at entry of, and written in, each block */
    bool refused;                /* there is an UNSUPPORTED: what follows it was not looked at */
} NjFlow;
static inline uint32_t nj_flow_slot(const NjFlow *w, uint32_t depth) { return w->nvar + w->nshadow + depth; }

NjStatus nj_front_flow(NjArena *a, const NjCode *code, const NjBytecode *bc, const NjCfg *cfg, NjFlow *out);

/* -- ssa.c: the builder, one handler of step.c for each instruction -------------------------------------- */

typedef struct NjUndo { uint32_t var; NjRef was; } NjUndo;
typedef struct NjFront {
    NjFn *f;
    const NjCode *code;
    const NjBytecode *bc;
    const NjCfg *cfg;
    const NjFlow *flow;
    NjArena *scratch;
    NjAt at;
    uint32_t blk;                /* being built */
    NjRef *cur;                  /* the value of each variable here; NJ_NOREF: unbound on every way here */
    uint32_t depth;
    NJ_VEC(NjUndo) undo;
    bool failed, done;           /* done: the block's terminator is emitted */
    bool cut, any_cut;           /* ended by a raise before its branch: its edges are missing; some block was */
} NjFront;

typedef void (*NjStepFn)(NjFront *s, const NjIns *i);
extern const NjStepFn nj_front_step[NJ_BC_COUNT];
void  nj_front_set(NjFront *s, uint32_t var, NjRef v);
void  nj_front_push(NjFront *s, NjRef v);
NjRef nj_front_pop(NjFront *s);
NjBlkId nj_front_succ(const NjFront *s, uint32_t which);        /* the block built for a successor */

/* -- resolve.c: constants, folded where that cannot change a result -------------------------------------- */

extern const NjConst nj_const_none, nj_const_true, nj_const_false;
const NjConst *nj_front_exc(NjArena *a, const char *name);                      /* a builtin exception class */
const NjConst *nj_front_const_of(const NjFn *f, NjRef r);                       /* NULL when r is no constant */
const NjConst *nj_resolve_attr(const NjConst *module, const char *name);        /* NULL when it has none */
const NjConst *nj_resolve_unop(NjArena *a, NjUn op, const NjConst *x);          /* NULL: not folded */
const NjConst *nj_resolve_binop(NjArena *a, NjBin op, const NjConst *x, const NjConst *y);
const NjConst *nj_resolve_tuple(NjFn *f, uint32_t n, const NjRef *args);
int nj_resolve_truth(const NjConst *x);                                        /* 0, 1, or -1: known only at run time */

#endif
