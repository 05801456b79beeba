/* lower.h - inside lowering: the state of one function, values in parts, and builders of core operations.
 *
 * A Python-level value becomes the list of its parts (nj_type_parts): core values that are scalars or pointers.
 * Arithmetic on parts is built through the nj_low_* helpers, which fold constants so that what is known stays visible
 * to later decisions (is the step 1? is the divisor zero?). Prototypes are grouped by file.
 */
#ifndef NJ_LOWER_H
#define NJ_LOWER_H

#include "run/unit.h"

/* A value in parts. */
typedef struct NjParts { NjRef *at; uint32_t n; const NjType *type; } NjParts;

/* An array in parts. strides are made from the shape for layouts C and F. */
typedef struct NjArr { const NjType *type; NjRef data, owner, *shape, *strides; } NjArr;

typedef struct NjCursor NjCursor;

typedef struct NjLow {
    NjSpec *s;
    NjUnit *u;
    NjTypes *ts;
    NjArena *arena;
    NjFn *py, *f;                /* from, to */
    NjAt at;                     /* where core operations go */
    NjParts *vals;               /* by reference of py; type NULL until lowered */
    NjCursor **cursors;
    NjBlkId *first, *last;       /* by block of py: its first and last core block */
    int64_t *least;              /* by reference of py: a lower bound of an integer, INT64_MIN unknown */
    const NjType *i64, *u64, *i32, *u8, *b1, *f64;
    NjRef py_ref;                /* the value being lowered */
    bool quiet;                  /* arithmetic never raises: NumPy's functions */
    bool failed;
} NjLow;

/* -- lower.c: values, places, errors ---------------------------------------------------------- */

NjParts nj_low_get(NjLow *l, NjRef r);                          /* the parts of a Python-level value */
NjRef   nj_low_one(NjLow *l, NjRef r, const NjType *t);         /* a scalar, converted to t */
void    nj_low_set(NjLow *l, NjRef r, NjParts p);               /* converted to the type of r */
NjParts nj_low_parts(NjLow *l, const NjType *t);                /* room for the parts of t */
NjParts nj_low_scalar(NjLow *l, const NjType *t, NjRef x);
unsigned nj_low_nparts(NjLow *l, const NjType *t);
NjParts nj_low_sub(NjLow *l, NjParts p, unsigned i);            /* element i of a tuple or zip */
NjParts nj_low_pack(NjLow *l, const NjRef *items, const NjType *t);     /* the tuple of type t that holds them */
const NjType *nj_low_type(const NjLow *l, NjRef r);             /* of a Python-level value */
const NjType *nj_low_core_type(const NjLow *l, NjRef x);        /* of a core value */
const NjConst *nj_low_static(const NjLow *l, NjRef r);          /* what r is at compile time, or NULL */
NjParts nj_low_const(NjLow *l, const NjConst *k, const NjType *t);
void    nj_low_nyi(NjLow *l, const char *what);                 /* a diagnostic at the current value */
NjParts nj_low_zeros(NjLow *l, const NjType *t);

/* -- build.c: core operations, folded where that is free -------------------------------------- */

NjRef nj_low_int(NjLow *l, const NjType *t, int64_t i);
NjRef nj_low_f(NjLow *l, const NjType *t, double x);
NjRef nj_low_i(NjLow *l, NjOp op, NjRef a, NjRef b); /* add sub mul and or xor shl lshr ashr sdiv udiv srem urem */
NjRef nj_low_fl(NjLow *l, NjOp op, NjRef a, NjRef b);           /* fadd fsub fmul fdiv frem */
NjRef nj_low_cmp(NjLow *l, NjPred p, NjRef a, NjRef b);         /* icmp or fcmp */
NjRef nj_low_select(NjLow *l, NjRef c, NjRef a, NjRef b);
NjRef nj_low_not(NjLow *l, NjRef c);
NjRef nj_low_neg(NjLow *l, NjRef x);
NjRef nj_low_math(NjLow *l, NjMath m, NjRef a, NjRef b);        /* b: NJ_NOREF for one argument */
NjRef nj_low_load(NjLow *l, const NjType *t, NjRef p);
void  nj_low_store(NjLow *l, NjRef x, NjRef p);
NjRef nj_low_elem(NjLow *l, NjRef p, NjRef i);
NjRef nj_low_offset(NjLow *l, NjRef p, NjRef nbytes);
NjRef nj_low_ptr(NjLow *l, NjRef p, const NjType *elem, NjSpace space);     /* pointer cast */
NjRef nj_low_alloca(NjLow *l, const NjType *t, int64_t n);
NjRef nj_low_constmem(NjLow *l, const NjConst *bytes, const NjType *t);     /* constant memory, a generic pointer */
NjRef nj_low_room(NjLow *l, NjParts x, uint32_t p, uint32_t np);   /* index.c: part p of np of a tuple's equal elements,
                                                                      as an array */
bool  nj_low_known(const NjLow *l, NjRef x, int64_t *out);      /* a constant integer */
NjBlkId nj_low_blk(NjLow *l);                                   /* a new block; not entered */
void  nj_low_enter(NjLow *l, NjBlkId b);
void  nj_low_br(NjLow *l, NjBlkId b);
void  nj_low_condbr(NjLow *l, NjRef c, NjBlkId yes, NjBlkId no);
/* A counted loop: opens `for (k = 0; k < n; k++)` and gives k; close it in the block where the body ended. */
typedef struct NjLoop { NjRef k, n; NjBlkId head, done; } NjLoop;
NjLoop nj_low_loop(NjLow *l, NjRef n);
void  nj_low_loop_end(NjLow *l, NjLoop *p);

/* -- raise.c ---------------------------------------------------------------------------------- */

void nj_low_raise(NjLow *l, const char *exc, const char *text);             /* ends the block */
/* IndexError; the int64s index, as it was written, and size are told to the runtime: see nj_rt_bounds. */
void nj_low_raise_bounds_if(NjLow *l, NjRef cond, NjRef index, NjRef size, unsigned axis);
void nj_low_raise_if(NjLow *l, NjRef cond, const char *exc, const char *text);  /* goes on in a new block */
bool nj_low_python_errors(const NjLow *l);                      /* does arithmetic raise? */
void nj_low_py_raise(NjLow *l, NjRef r);

/* -- cast.c ----------------------------------------------------------------------------------- */

NjRef   nj_low_num(NjLow *l, NjRef x, const NjType *to);        /* scalar to scalar */
NjParts nj_low_cast(NjLow *l, NjParts p, const NjType *to);
NjRef   nj_low_truth(NjLow *l, NjParts p);

/* -- int.c, float.c, complex.c, arith.c: operators -------------------------------------------- */

NjParts nj_low_binop(NjLow *l, NjBin op, NjParts a, NjParts b, const NjType *result, const NjConst *right);
void  nj_low_idivmod(NjLow *l, NjRef a, NjRef b, const char *why, NjRef *q, NjRef *r);
NjRef nj_low_shift(NjLow *l, NjBin op, NjRef a, NjRef b);
NjRef nj_low_ipow(NjLow *l, NjRef a, NjRef b);
NjRef nj_low_iabs(NjLow *l, NjRef x);
void  nj_low_fdivmod(NjLow *l, NjRef a, NjRef b, const char *why, NjRef *q, NjRef *r);
NjRef nj_low_fdiv(NjLow *l, NjRef a, NjRef b, const char *why);
NjRef nj_low_fpow(NjLow *l, NjRef a, NjRef b);
NjRef nj_low_powi(NjLow *l, NjRef a, int64_t n);                /* a constant exponent; ints and floats */
void  nj_low_cmul(NjLow *l, const NjRef a[2], const NjRef b[2], NjRef out[2]);
NjParts nj_low_complex_op(NjLow *l, NjBin op, NjParts a, NjParts b, const NjConst *right);
NjRef nj_low_compare(NjLow *l, NjCmp op, NjParts a, NjParts b, const NjConst *ka, const NjConst *kb);

/* -- array.c, index.c, setitem.c: arrays ------------------------------------------------------ */

NjArr   nj_low_arr(NjLow *l, NjParts p);
NjParts nj_low_arr_parts(NjLow *l, const NjArr *a, const NjType *t);        /* as type t: strides only for layout A */
NjParts nj_low_arr_load(NjLow *l, const NjType *elem, NjRef at);
void    nj_low_arr_store(NjLow *l, const NjType *elem, NjRef at, NjParts x);
NjRef nj_low_arr_at(NjLow *l, const NjArr *a, const NjRef *idx); /* the address of an element; ndim indices */
NjRef   nj_low_arr_size(NjLow *l, const NjArr *a);
NjArr   nj_low_arr_row(NjLow *l, const NjArr *a, NjRef i, const NjType *t); /* a[i], one dimension less */
NjRef   nj_low_size(NjLow *l, const NjType *elem);                          /* bytes of an element */
/* x[i] where i is a value or a tuple of values: an element's address, or a view */
typedef struct NjIndexed { bool view; NjRef at; NjArr arr; } NjIndexed;
NjIndexed nj_low_index(NjLow *l, NjParts x, NjRef index, const NjType *result);
NjParts nj_low_getitem(NjLow *l, NjParts x, NjRef index, const NjType *result);
void    nj_low_setitem(NjLow *l, NjRef x, NjRef index, NjRef y);
NjRef   nj_low_wrap(NjLow *l, NjRef i, NjRef len, bool nonneg, int axis);   /* a negative index counts from the end */
NjParts nj_low_slice(NjLow *l, NjRef start, NjRef stop, NjRef step);

/* -- cursor.c: iteration ---------------------------------------------------------------------- */

void  nj_low_iter(NjLow *l, NjRef r);
void  nj_low_next(NjLow *l, NjRef r);
void  nj_low_value(NjLow *l, NjRef r);
NjRef nj_low_range_len(NjLow *l, NjParts range);

/* -- least.c: lower bounds of Python-level integers ------------------------------------------- */

void nj_low_fill_least(NjLow *l);
static inline bool nj_low_nonneg(const NjLow *l, NjRef r) { return l->least[r] >= 0; }

/* -- attr.c, call.c --------------------------------------------------------------------------- */

void nj_low_getattr(NjLow *l, NjRef r);
void nj_low_call(NjLow *l, NjRef r);

/* A call of an intrinsic, as its lowerer sees it: arguments in the typer's parameter order, absent ones NJ_NOREF. */
typedef struct NjArgs { NjRef r; const NjRef *at; uint32_t n; const NjType *type; } NjArgs;
NjArgs nj_low_args(const NjLow *l, NjRef r);
static inline bool nj_low_has(const NjArgs *a, unsigned i) { return i < a->n && a->at[i]; }
/* Row of intrin.def: gives the call's result, of any type that converts to a->type. `arg` is the row's. */
typedef NjParts NjLowerer(NjLow *l, const NjArgs *a, int arg);
#define LOWERER(name) NjLowerer nj_lower_##name;
#include "lower/lowerers.def"
#undef LOWERER

#endif
