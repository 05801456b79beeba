/* type.h - interned types, the promotion rules, conversions.
 *
 * A type is an immutable interned object: two types are equal when their pointers are. They live in the NjTypes of the
 * context, are made under its mutex, and are never freed before it.
 */
#ifndef NJ_TYPE_H
#define NJ_TYPE_H

#include "base/base.h"

typedef enum NjKind {
    NJ_K_ERROR,      /* poison: what is wrong has been reported, every operation on it is silently poison */
    NJ_K_VOID,       /* a kernel's result */
    NJ_K_NONE,       /* Python's None */
    NJ_K_BOOL,
    NJ_K_INT,
    NJ_K_UINT,
    NJ_K_FLOAT,
    NJ_K_COMPLEX,
    NJ_K_PTR,        /* core IR only: elem, space */
    NJ_K_TUPLE,      /* elems; names for named tuples */
    NJ_K_ARRAY,      /* elem, ndim, layout, readonly */
    NJ_K_OPTIONAL,   /* elem or None */
    NJ_K_SLICE,
    NJ_K_RANGE,      /* elem: the integer type it yields */
    NJ_K_ITER,       /* elem: what is iterated over (range, array, tuple, enumerate/zip tuple) */
    NJ_K_ENUMERATE,  /* elem: what is iterated over */
    NJ_K_ZIP,        /* elems: what is iterated over */
    NJ_K_RECORD,     /* structured dtype: elems, names, offsets, nbytes */
    NJ_K_STR,        /* a literal string; its text is in the constant */
    NJ_K_DTYPE,      /* a type used as a value, such as np.float32 or a.dtype; elem is the type */
    NJ_K_OBJ,        /* a compile-time object (module, function, intrinsic, exception class): see the constant */
    NJ_K_METHOD,     /* a function bound to a value: elem is self's type, intrin the function */
} NjKind;

typedef enum NjLayout { NJ_LAYOUT_C, NJ_LAYOUT_F, NJ_LAYOUT_A } NjLayout;
typedef enum NjSpace {
    NJ_SPACE_GENERIC = 0, NJ_SPACE_GLOBAL = 1, NJ_SPACE_SHARED = 3, NJ_SPACE_CONST = 4, NJ_SPACE_LOCAL = 5
} NjSpace;

typedef struct NjType NjType;
struct NjType {
    uint8_t  kind;
    uint8_t  bits;        /* scalars: 1 (bool), 8..64, floats 32/64, complex 64/128 */
    uint8_t  ndim;        /* arrays */
    uint8_t  layout;      /* arrays: NjLayout */
    uint8_t  space;       /* pointers: NjSpace */
    bool     readonly;    /* arrays */
    uint16_t intrin;      /* methods: NjIntrin */
    uint32_t id;          /* dense, in order of creation */
    uint32_t nelem;       /* tuples, records */
    uint32_t nbytes;      /* size in memory of a scalar or record; 8 for pointers; 0 where there is none */
    const NjType *elem;
    const NjType *const *elems;
    const char *const *names;      /* named tuples, records; else NULL */
    const uint32_t *offsets;       /* records */
    const char *name;     /* what users see: "float64", "array(float64, 2d, C)", "UniTuple(int64 x 2)" */
    const char *code;     /* what the IR prints: "f64", "array(f64,2,C)", "tuple(i64,i64)" */
};

/* scalars.def gives the scalar types an index, in this order. */
typedef enum NjScalar {
#define SCALAR(id, code, name, kind, bits, npchar, llvm, c, fmt) NJ_T_##id,
#include "type/scalars.def"
#undef SCALAR
    NJ_T_NSCALAR
} NjScalar;

typedef struct NjTypes NjTypes;

/* A tuple is a value for each of its elements: what is longer is refused, as it should be an array. */
enum { NJ_TUPLE_MOST = 10000 };

/* -- type.c: making and asking ------------------------------------------------------------------ */

NjTypes *nj_types_new(void);
void     nj_types_free(NjTypes *ts);
/* Around a fork: a thread that is interning a type then would leave the child a lock that nobody opens. */
void     nj_types_hold(NjTypes *ts);
void     nj_types_let_go(NjTypes *ts);
uint32_t nj_types_failures(NjTypes *ts);                 /* times that a type was lost for want of memory */
const NjType *nj_type_scalar(NjTypes *ts, NjScalar s);
const NjType *nj_type_error(NjTypes *ts);
const NjType *nj_type_void(NjTypes *ts);
const NjType *nj_type_none(NjTypes *ts);
const NjType *nj_type_int(NjTypes *ts, unsigned bits, bool is_signed);
const NjType *nj_type_float(NjTypes *ts, unsigned bits);
const NjType *nj_type_complex(NjTypes *ts, unsigned bits);
const NjType *nj_type_ptr(NjTypes *ts, const NjType *elem, NjSpace space);
const NjType *nj_type_tuple(NjTypes *ts, const NjType *const *elems, unsigned n);
const NjType *nj_type_namedtuple(NjTypes *ts, const char *name, const NjType *const *elems, const char *const *names,
                                 unsigned n);
const NjType *nj_type_unituple(NjTypes *ts, const NjType *elem, unsigned n);
const NjType *nj_type_array(NjTypes *ts, const NjType *elem, unsigned ndim, NjLayout layout, bool readonly);
const NjType *nj_type_optional(NjTypes *ts, const NjType *elem);    /* of an optional: itself */
const NjType *nj_type_slice(NjTypes *ts);
const NjType *nj_type_range(NjTypes *ts, const NjType *elem);
const NjType *nj_type_iter(NjTypes *ts, const NjType *over);
const NjType *nj_type_enumerate(NjTypes *ts, const NjType *over);
const NjType *nj_type_zip(NjTypes *ts, const NjType *const *over, unsigned n);
const NjType *nj_type_str(NjTypes *ts);
const NjType *nj_type_dtype(NjTypes *ts, const NjType *elem);
const NjType *nj_type_obj(NjTypes *ts);
const NjType *nj_type_method(NjTypes *ts, const NjType *self, uint16_t intrin);
const NjType *nj_type_record(NjTypes *ts, const NjType *const *elems, const char *const *names, const uint32_t *offsets,
                             unsigned n, uint32_t nbytes);

NjScalar nj_type_scalar_of(const NjType *t);             /* NJ_T_NSCALAR when t is no scalar */
static inline bool nj_type_is(const NjType *t, NjKind k) { return t && t->kind == k; }
bool nj_type_is_int(const NjType *t);                    /* signed or unsigned, not bool */
bool nj_type_is_integral(const NjType *t);               /* int, uint or bool */
bool nj_type_is_number(const NjType *t);                 /* bool, ints, floats, complex */

/* The scalars a value of type t is made of when the compiler takes it apart ("parts"): the one rule by which lowering,
 * argument blocks and boxing agree. A scalar has itself; complex (re, im); a tuple its elements' parts in order;
 * optional (bool, parts...); slice (start, stop, step: i64, None already resolved as PySlice_Unpack does); range
 * (start, stop, step: elem); an array (data: ptr elem, owner: ptr u8, shape: ndim x i64, and for layout A
 * strides: ndim x i64 in bytes; C and F strides follow from the shape); record (ptr u8); None, void, str, dtype, obj:
 * none. In an argument block each part takes one 8-byte slot, low bytes first. Kernels get no `owner` part: with abi
 * kernel it is left out. Fills at most cap entries of out; returns the count.
 */
typedef enum NjAbi { NJ_ABI_CPU, NJ_ABI_KERNEL } NjAbi;
unsigned nj_type_parts(NjTypes *ts, const NjType *t, NjAbi abi, const NjType **out, unsigned cap);

/* -- parse.c: signatures as text ------------------------------------------------------------------ */

/* "float32[:, ::1]", "void(int64, f8[:])", "(f4[:], i4)", "Tuple((int64, float64))", "UniTuple(int64, 2)",
 * "Optional(float64)", "Array(float64, 2, 'C')"; also code spellings "f64", "array(f64,2,C)" and display names.
 * A bare "(a, b)" leaves ret NULL. args are in the arena. On failure err says what and at which column. */
typedef struct NjSig { const NjType *ret; const NjType **args; unsigned nargs; } NjSig;
NjStatus nj_sig_parse(NjTypes *ts, NjArena *a, const char *text, NjSig *sig, NjErr *err);
NjStatus nj_type_parse(NjTypes *ts, const char *text, const char **end, const NjType **t, NjErr *err);

/* -- rules.c: rules.def looked up -------------------------------------------------------------------- */

typedef enum NjBin {      /* the order of Python's operators; words in rules.c */
    NJ_BIN_ADD, NJ_BIN_SUB, NJ_BIN_MUL, NJ_BIN_TRUEDIV, NJ_BIN_FLOORDIV, NJ_BIN_MOD, NJ_BIN_POW,
    NJ_BIN_LSHIFT, NJ_BIN_RSHIFT, NJ_BIN_AND, NJ_BIN_OR, NJ_BIN_XOR, NJ_BIN_MATMUL, NJ_BIN_N
} NjBin;
typedef enum NjUn { NJ_UN_NEG, NJ_UN_POS, NJ_UN_INVERT, NJ_UN_NOT, NJ_UN_N } NjUn;
typedef enum NjCmp { NJ_CMP_LT, NJ_CMP_LE, NJ_CMP_EQ, NJ_CMP_NE, NJ_CMP_GT, NJ_CMP_GE, NJ_CMP_IS, NJ_CMP_ISNOT,
                     NJ_CMP_IN, NJ_CMP_NOTIN, NJ_CMP_N } NjCmp;
extern const char *const nj_bin_words[NJ_BIN_N];         /* "add"...    in the IR */
extern const char *const nj_bin_signs[NJ_BIN_N];         /* "+"...      to users */
extern const char *const nj_un_words[NJ_UN_N], *const nj_un_signs[NJ_UN_N];
extern const char *const nj_cmp_words[NJ_CMP_N], *const nj_cmp_signs[NJ_CMP_N];

/* What `left op right` computes: operands are converted to `left` and `right`, the result has type `result`.
 * pow with an integer exponent keeps its right operand an i64. Scalars only; false when there is no rule. */
typedef struct NjRule { const NjType *left, *right, *result; } NjRule;
bool nj_rule_binop(NjTypes *ts, NjBin op, const NjType *l, const NjType *r, NjRule *out);
bool nj_rule_unop(NjTypes *ts, NjUn op, const NjType *t, NjRule *out);
/* Comparisons of a signed with a uint64 are exact: both converted to themselves, and lowering compares by value. */
bool nj_rule_cmp(NjTypes *ts, NjCmp op, const NjType *l, const NjType *r, NjRule *out);
/* The smallest type both convert to (phis, conditional expressions, min/max, returns); NULL when there is none. */
const NjType *nj_type_unify(NjTypes *ts, const NjType *a, const NjType *b);

typedef enum NjConv { NJ_CONV_NONE, NJ_CONV_EXACT, NJ_CONV_PROMOTE, NJ_CONV_SAFE, NJ_CONV_UNSAFE } NjConv;
NjConv nj_type_conv(const NjType *from, const NjType *to);     /* how well `from` converts implicitly to `to` */
/* Choice among signatures: fewest (unsafe, safe, promote) conversions; -1 none fits, -2 ambiguous. */
int nj_sig_choose(const NjSig *sigs, unsigned nsigs, const NjType *const *args, unsigned nargs, bool allow_unsafe);

#endif
