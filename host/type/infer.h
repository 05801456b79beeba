/* infer.h - inside inference: the state of one function being typed, and what typers may ask and say.
 *
 * A typer looks at the types of its operands and answers with the type of the result, or NULL: not yet known, or wrong.
 * Typers run many times while types settle, then once more with `report` set, when what is wrong is said.
 */
#ifndef NJ_INFER_H
#define NJ_INFER_H

#include "run/unit.h"
#include "type/inside.h"
#include "type/rules.h"

typedef struct Infer Infer;
typedef struct Waiter { Infer *in; NjRef call; } Waiter;
typedef struct Solver {
    NjUnit *unit;
    NJ_VEC(Infer *) all;
    unsigned depth;            /* callees being opened, one inside the other */
    const NjCode *runaway;     /* calls itself with ever new types */
    bool nomem;                /* a function could not be opened, and nothing was said */
} Solver;

struct Infer {
    Solver  *solver;
    NjSpec  *spec;
    NjUnit  *unit;
    NjFn    *f;
    NjTypes *ts;
    NjArena *arena;
    NjUses  *uses;
    const NjConst **known;     /* by value: what it is known to be at compile time, else NULL */
    NjBits  *queued;           /* values on `work` */
    NjBits  *live;             /* blocks that control can reach, by what is known so far */
    NjBits  *taken;            /* edges: 2 * block + successor number */
    NJ_VEC(NjRef) work;
    NJ_VEC(NjBlkId) new_blks;  /* live, but not yet visited: a heap by reverse postorder */
    NJ_VEC(Waiter) waiters;    /* calls of this function: queued again when `ret` changes */
    const NjType *ret;         /* unified so far; NULL: unknown */
    NjBlkId *order;            /* blocks in reverse postorder */
    uint32_t norder;
    bool ret_clash;            /* that returns do not agree has been said */
    bool report;               /* say what is wrong */
    bool failed;               /* something was */
    bool finishing;
};

/* -- saying what is wrong (infer.c) ------------------------------------------------------------------ */

/* As the user wrote it. A function that was parsed from text has only the name of its specialisation. */
static inline const char *infer_fn_name(const Infer *in)
{
    return in->spec->code ? in->spec->code->name : in->f->name;
}

/* A diagnostic at value r; NULL, and nothing said, while types are still settling. */
#define infer_fail(in, r, code, ...) infer_fail_at(in, nj_val((in)->f, r)->loc, code, __VA_ARGS__)
#define infer_fail_at(in, at, code, ...)                                                                        \
    ((in)->report ? ((in)->failed = true,                                                                       \
                     nj_diag_add(&(in)->unit->diags, code, (in)->f->file, (in)->f->pyname, at, __VA_ARGS__))     \
                  : NULL)
/* "x is int64 here", where operand r of the diagnostic got its type. g may be NULL. */
void nj_infer_note(Infer *in, NjDiag *g, NjRef r);
void nj_infer_note_args(Infer *in, NjDiag *g, NjRef r);           /* all operands of r */
const char *nj_infer_types(Infer *in, const NjType *const *types, unsigned n);     /* "int64, float64" */

/* -- asking --------------------------------------------------------------------------------------------- */

static inline const NjType *infer_type(const Infer *in, NjRef r) { return nj_val(in->f, r)->type; }
static inline const NjType *infer_arg(const Infer *in, NjRef r, unsigned i)
{
    return infer_type(in, nj_val(in->f, r)->args[i]);
}
const NjConst *nj_infer_known(const Infer *in, NjRef r);          /* constants, and what infer_known.c worked out */
bool nj_infer_known_int(const Infer *in, NjRef r, int64_t *out);  /* ints and bools */
int  nj_infer_known_truth(const Infer *in, NjRef r);              /* 1, 0, or -1: not known */
const NjType *nj_infer_const_type(NjTypes *ts, const NjConst *k); /* NULL: no value of compiled code */
static inline const NjType *infer_scalar(const Infer *in, NjScalar s) { return nj_type_scalar(in->ts, s); }
static inline const NjType *infer_bare(const NjType *t) { return t && t->kind == NJ_K_OPTIONAL ? t->elem : t; }

/* -- infer_known.c, resolve.c ------------------------------------------------------------------------------------ */

const NjConst *nj_infer_evaluate(Infer *in, NjRef r);             /* what r is known to be; its type is known already */
const NjConst *nj_infer_const_int(Infer *in, int64_t i);
bool nj_infer_const_same(const NjConst *a, const NjConst *b);
bool nj_infer_resolve(NjUnit *u, NjFn *f); /* false: an attribute is missing, and that was said */

/* -- typers of operations: infer_op.c infer_item.c infer_attr.c infer_iter.c infer_call.c ---------------------- */

#define INFER_OPS(X)                                                                                                  \
    X(py_binop, binop) X(py_inplace, binop) X(py_unop, unop) X(py_cmp, cmp) X(py_truth, truth) X(py_tuple, tuple)     \
    X(py_slice, slice) X(py_cast, cast) X(py_raise, raise) X(py_getattr, getattr) X(py_setattr, setattr)              \
    X(py_getitem, getitem) X(py_setitem, setitem) X(py_unpack, unpack) X(py_item, item) X(py_iter, iter)              \
    X(py_next, next) X(py_value, value) X(py_call, call) X(phi, phi) X(ret, ret)
#define X(op, name) const NjType *nj_infer_op_##name(Infer *in, NjRef r);
INFER_OPS(X)
#undef X

const NjType *nj_infer_elem(NjTypes *ts, const NjType *over); /* what iterating over it yields; NULL: it cannot be */

/* -- indexing: infer_item.c ---------------------------------------------------------------------------------------- */

typedef enum NjIndexKind { NJ_IX_INT, NJ_IX_SLICE, NJ_IX_NEWAXIS, NJ_IX_ELLIPSIS, NJ_IX_BAD } NjIndexKind;
/* The result of a[index] for an array: an element, or the type of a view. `what`: the value for messages. */
const NjType *nj_infer_index(Infer *in, NjRef r, const NjType *array, NjRef index);

/* -- calls --------------------------------------------------------------------------------------------------------- */

/* One argument as bound to its parameter: a value of the caller, or a default. Neither: an absent optional one. */
typedef struct Arg { NjRef ref; const NjConst *k; const NjType *type; } Arg;
typedef struct Call {
    Infer *in;
    NjRef r;
    uint16_t intrin;           /* a typer may put another row here, which then is what is lowered */
    int arg;                   /* the row's argument */
    const char *name;          /* to users */
    Arg *args;
    uint32_t nargs;            /* parameters, absent ones included; variadic typers: arguments */
} Call;

const NjType *nj_infer_call_wrong(Call *c);                        /* "f cannot be called with (...)": NULL */
/* In parameter order, for infer_finish.c; also sets callee's spec, intrin or cast. NULL when the call is wrong. */
bool nj_infer_bind(Infer *in, NjRef r, Arg **args, uint32_t *nargs);
Infer *nj_infer_get(Solver *s, NjSpec *spec); /* its state, made and drained when new; NULL: failed */

#define TYPER(name, min, max, params, doc) const NjType *nj_typer_##name(Call *c);
#include "type/typers.def"
#undef TYPER

/* -- infer_finish.c ------------------------------------------------------------------------------------------------ */

bool nj_infer_finish(Infer *in); /* report, or rewrite; callees first. false: failed */

#endif
