/* code.h - a Python function as plain C data.
 *
 * python/ext/code.c fills it with the GIL held (copying everything, resolving globals, closures and module attributes);
 * from here on the compiler needs no Python. Tests build it by hand or from text.
 */
#ifndef NJ_CODE_H
#define NJ_CODE_H

#include "base/base.h"
#include "type/type.h"

typedef struct NjCode NjCode;
typedef struct NjConst NjConst;

typedef enum NjConstKind {
    NJ_C_MISSING,    /* a global that is not there */
    NJ_C_NONE, NJ_C_ELLIPSIS,
    NJ_C_BOOL, NJ_C_INT, NJ_C_UINT,     /* UINT: 2**63 .. 2**64-1 */
    NJ_C_BIGINT,     /* does not fit in 64 bits: text is its decimal form */
    NJ_C_FLOAT, NJ_C_COMPLEX,
    NJ_C_STR, NJ_C_TUPLE,
    NJ_C_TYPE,       /* np.float32, naja.float32, int, float, bool, complex: type; `name` as written. A class of named
                        tuples: type with None in every field, and in `tuple` its fields and their defaults or NULL */
    NJ_C_INTRIN,     /* a function or value the compiler knows: row of intrin.def */
    NJ_C_MODULE,     /* name and the attributes this function can reach */
    NJ_C_FUNC,       /* another function compiled by naja, or a plain one that may be inlined */
    NJ_C_ARRAY,      /* a NumPy array used as a constant: copied, read-only */
    NJ_C_EXC,        /* an exception class; `name` is its name, `object` the index in the unit's object table */
    NJ_C_OBJECT,     /* anything else: only good for an error message; `name` is its type's name, "function" a Python
                        function that is not compiled, "library function" what Python or NumPy brings */
} NjConstKind;

typedef struct NjAttr { const char *name; const NjConst *value; } NjAttr;

struct NjConst {
    NjConstKind kind;
    const NjType *type;      /* NumPy scalars and arrays, NJ_C_TYPE; else NULL and the kind says it */
    const char *name;        /* what a message calls it: "math", "sqrt", "numpy.ndarray" */
    union {
        bool b;
        int64_t i;
        uint64_t u;
        double f;
        double c[2];
        struct { const char *text; size_t n; } str;
        struct { const NjConst *const *at; uint32_t n; const char *const *names; } tuple;
        uint16_t intrin;
        struct { const NjAttr *attrs; uint32_t n; } module;
        const NjCode *code;
        struct { const void *data; const int64_t *shape; size_t nbytes; } array;   /* C order */
        void *object;        /* opaque to the compiler: python/ keeps it alive as long as the code */
    };
};

/* Options of one function. A callee's inline and error model are its own; the rest comes from the root. */
typedef enum NjErrorModel { NJ_ERRORS_PYTHON, NJ_ERRORS_NUMPY } NjErrorModel;
enum { NJ_FAST_ALL = 0x7f };     /* of fast_flags: what `fastmath=True` means */
typedef struct NjOpts {
    NjErrorModel error_model;
    bool fastmath;           /* all of LLVM's fast flags; the set forms come as fast_flags */
    uint8_t fast_flags;      /* bits in the order nnan ninf nsz arcp contract afn reassoc */
    bool boundscheck, debug, lineinfo, device;
    uint8_t inline_hint;     /* 0 LLVM's choice, 1 always, 2 never */
    uint8_t opt;             /* 0..3 */
    bool nocache;            /* neither looked for on disk nor kept there; no part of the cache's key */
    uint32_t max_registers;
    uint32_t launch_bounds[3];   /* max threads per block, min blocks per SM, max blocks per cluster; 0 unset */
} NjOpts;

typedef struct NjPos { uint32_t line, end_line; uint16_t col, end_col; } NjPos;

struct NjCode {
    const char *name, *qualname, *module, *file;
    uint32_t first_line;
    uint16_t version;            /* 310, 311, 312, 313, 314 */
    uint32_t flags;              /* co_flags */
    const uint8_t *bytes;        /* co_code, caches included as co_code gives them (zeroed, unspecialised) */
    uint32_t nbytes;
    const NjPos *pos;            /* one for each 2-byte unit; 3.10 has lines only (columns 0) */
    const NjConst *const *consts;        uint32_t nconsts;
    const char *const *names;            /* co_names */
    const NjConst *const *globals;       uint32_t nnames;    /* the value of each name as a global, MISSING if none */
    const char *const *locals;           uint32_t nlocals;   /* co_varnames */
    const char *const *cells;            uint32_t ncells;    /* co_cellvars */
    const char *const *frees;            /* co_freevars */
    const NjConst *const *freevals;      uint32_t nfrees;
    uint32_t nargs, nposonly, nkwonly;   /* as code objects count them: nargs includes positional-only ones */
    const NjConst *const *defaults;      uint32_t ndefaults; /* of the last positional parameters */
    const NjConst *const *kwdefaults;    /* nkwonly entries, NULL where there is none; or NULL */
    const uint8_t *exctable;             uint32_t nexctable; /* 3.11+ */
    NjOpts opts;
    const NjSig *sigs;                   uint32_t nsigs;     /* declared by the decorator */
    bool nopython_only;          /* declared signatures are all there are: no new ones are compiled */
    void *object;                /* the Python function or dispatcher; opaque */
};

/* ssa.c: "*args", "**kwargs", or NULL where it has neither */
const char *nj_front_variadic(const NjCode *code);

/* -- decode.c: any CPython version -> the normalised bytecode of bc.def ------------------------------ */

typedef enum NjBcOp {
#define BC(op, pops, pushes, handler, doc) NJ_BC_##op,
#include "front/bc.def"
#undef BC
    NJ_BC_COUNT
} NjBcOp;

typedef struct NjIns {
    NjBcOp   op;
    uint32_t arg;        /* meaning is the row's; for jumps the index of the target instruction in the list */
    uint32_t arg2;
    uint32_t unit;       /* index of the first 2-byte unit, for positions */
    const char *raw;     /* CPython's own name of it, for messages */
} NjIns;

typedef struct NjBytecode { NjIns *ins; uint32_t n; } NjBytecode;

NjStatus nj_front_decode(NjArena *a, const NjCode *code, NjBytecode *out, NjDiags *d);
/* The names (by index) that the code loads as globals, and as attributes of anything: what a copy of it has to
 * resolve. */
void     nj_front_names(const NjCode *code, NjBits *globals, NjBits *attrs);
/* Does the code load consts[index]? The first one may be a docstring that nothing loads. */
bool     nj_front_loads_const(const NjCode *code, uint32_t index);
void     nj_front_print(NjText *out, const NjCode *code, const NjBytecode *bc);     /* dump letter b */

#endif
