/* decode.c - the code of any CPython version to the normalised bytecode of bc.def.
 *
 * In: co_code as CPython gives it, unspecialised. Out: instructions without inline caches and EXTENDED_ARG, jumps to
 * indices, one meaning for each argument. Differences between versions end here: opcodes.def has the numbers,
 * decode.def what each opcode becomes, a rule below how. Opcodes that naja does not support become UNSUPPORTED; so
 * does the start of a try body.
 */
#include "front/front.h"

enum { N = -1, N1 = -2, N2 = -3 };      /* bc.def: counts that depend on arg */

const NjBcInfo nj_bc_info[NJ_BC_COUNT] = {
#define BC(op, pops, pushes, handler, doc) {#op, pops, pushes},
#include "front/bc.def"
#undef BC
};

/* k of jumps: where the argument counts from, and the sense */
enum { DEC_FORWARD, DEC_BACKWARD, DEC_ABSOLUTE, DEC_VERSION, DEC_WHERE = 3, DEC_TRUE = 4 };

typedef enum DecRow {
#define DEC(name, rule, op, k) ROW_##name,
#define NYI(name, text) ROW_##name,
#include "front/decode.def"
#undef DEC
#undef NYI
    ROW_COUNT
} DecRow;

typedef struct Decoder {
    NjArena *arena;
    const NjCode *code;
    NJ_VEC(NjIns) out;
    uint32_t unit, next;         /* the instruction's first 2-byte unit; the first one after its caches */
    const char *raw;
    uint32_t kwnames;            /* 1 + constant named by a KW_NAMES before the call */
    uint32_t *at;                /* unit -> index of its first instruction */
    const char *wrong;           /* what is malformed, or NULL */
} Decoder;

typedef void (*DecRule)(Decoder *d, uint32_t arg, NjBcOp op, uint32_t k);

/* -- helpers --------------------------------------------------------------------------------------------- */

static void dec_put2(Decoder *d, NjBcOp op, uint32_t arg, uint32_t arg2)
{
    NjIns i = {.op = op, .arg = arg, .arg2 = arg2, .unit = d->unit, .raw = d->raw};
    if (!nj_vec_push(d->arena, &d->out, i))
        d->wrong = "too long";
}

static void dec_put(Decoder *d, NjBcOp op, uint32_t arg)
{
    dec_put2(d, op, arg, 0);
}

static void dec_refuse(Decoder *d, DecRow row)
{
    dec_put(d, NJ_BC_UNSUPPORTED, row);
}

static uint32_t find_name(const char *const *names, uint32_t n, const char *name)
{
    uint32_t i = 0;
    while (i < n && strcmp(names[i], name))
        i++;
    return i;
}

/* 3.11 numbers locals, cells that are no locals, and free variables in one row. */
static uint32_t dec_plus(const Decoder *d, uint32_t arg, bool *is_free)
{
    const NjCode *c = d->code;
    *is_free = false;
    if (arg < c->nlocals)
        return arg;
    arg -= c->nlocals;
    for (uint32_t i = 0; i < c->ncells; i++) {
        if (find_name(c->locals, c->nlocals, c->cells[i]) < c->nlocals)
            continue;
        if (!arg--)
            return c->nlocals + i;
    }
    *is_free = true;
    return arg;
}

/* 3.10 numbers cells and free variables apart from locals; a parameter that is a cell is both. */
static uint32_t dec_cell(const Decoder *d, uint32_t arg, bool *is_free)
{
    const NjCode *c = d->code;
    if (c->version >= 311)
        return dec_plus(d, arg, is_free);
    *is_free = arg >= c->ncells;
    if (*is_free)
        return arg - c->ncells;
    uint32_t local = find_name(c->locals, c->nlocals, c->cells[arg]);
    return local < c->nlocals ? local : c->nlocals + arg;
}

/* -- rules ----------------------------------------------------------------------------------------------- */

static void dec_drop(Decoder *d, uint32_t arg, NjBcOp op, uint32_t k) { (void)d, (void)arg, (void)op, (void)k; }
static void dec_plain(Decoder *d, uint32_t arg, NjBcOp op, uint32_t k) { dec_put(d, op, arg); }
static void dec_fixed(Decoder *d, uint32_t arg, NjBcOp op, uint32_t k) { dec_put(d, op, k); }
static void dec_invert(Decoder *d, uint32_t arg, NjBcOp op, uint32_t k) { dec_put(d, op, k + (arg & 1)); }
static void dec_kwnames(Decoder *d, uint32_t arg, NjBcOp op, uint32_t k) { d->kwnames = arg + 1; }

static void dec_twice(Decoder *d, uint32_t arg, NjBcOp op, uint32_t k)
{
    dec_put(d, op, k);
    dec_put(d, op, k);
}

/* Moves the top down to place n: swaps with n, n-1, ..., 2. */
static void dec_rot(Decoder *d, uint32_t arg, NjBcOp op, uint32_t k)
{
    if (!k && arg > d->code->nbytes)
        d->wrong = "a rotation deeper than the stack";
    else
        for (uint32_t n = k ? k : arg; n > 1; n--)
            dec_put(d, op, n);
}

static DecRow dec_nested_row(const char *name)
{
    static const struct { const char *name; DecRow row; } kinds[] = {
        {"<lambda>", ROW_NESTED_LAMBDA},     {"<listcomp>", ROW_NESTED_LISTCOMP}, {"<setcomp>", ROW_NESTED_SETCOMP},
        {"<dictcomp>", ROW_NESTED_DICTCOMP}, {"<genexpr>", ROW_NESTED_GENEXPR},
    };
    for (size_t i = 0; i < NJ_COUNT(kinds); i++)
        if (!strcmp(name, kinds[i].name))
            return kinds[i].row;
    return ROW_NESTED_FUNCTION;
}

/* A code object is only loaded to make a function of it: refused here, where its name tells what it is. */
static void dec_const(Decoder *d, uint32_t arg, NjBcOp op, uint32_t k)
{
    const NjConst *c = arg < d->code->nconsts ? d->code->consts[arg] : NULL;
    if (c && c->kind == NJ_C_OBJECT && c->name && !strncmp(c->name, "code:", 5))
        dec_refuse(d, dec_nested_row(c->name + 5));
    else
        dec_put(d, op, arg);
}

static void dec_local(Decoder *d, uint32_t arg, NjBcOp op, uint32_t k)
{
    bool is_free;
    uint32_t var = dec_plus(d, arg, &is_free);
    if (is_free || var >= d->code->nlocals)        /* 3.13 loads the cells of a closure so */
        dec_refuse(d, ROW_NESTED_FUNCTION);
    else
        dec_put(d, op, var);
}

static void dec_locals(Decoder *d, uint32_t arg, NjBcOp op, uint32_t k)
{
    dec_local(d, arg >> 4, op, 0);
    dec_local(d, arg & 15, (NjBcOp)k, 0);
}

static void dec_deref(Decoder *d, uint32_t arg, NjBcOp op, uint32_t k)
{
    bool is_free;
    uint32_t var = dec_cell(d, arg, &is_free);
    if (!is_free)
        dec_put(d, op, var);
    else if (op == NJ_BC_LOAD_FAST)
        dec_put(d, NJ_BC_LOAD_FREE, var);
    else
        dec_refuse(d, ROW_STORE_NONLOCAL);
}

static void dec_global(Decoder *d, uint32_t arg, NjBcOp op, uint32_t k)
{
    bool has_null = d->code->version >= 311;
    if (has_null && (arg & 1))
        dec_put(d, NJ_BC_PUSH_NULL, 0);
    dec_put(d, op, has_null ? arg >> 1 : arg);
}

static void dec_attr(Decoder *d, uint32_t arg, NjBcOp op, uint32_t k)
{
    bool has_bit = d->code->version >= 312;
    dec_put(d, op, has_bit ? arg >> 1 : arg);
    if (has_bit && (arg & 1))
        dec_put(d, NJ_BC_PUSH_NULL, 0);
}

/* The method and its self are one value here: a bound method. */
static void dec_method(Decoder *d, uint32_t arg, NjBcOp op, uint32_t k)
{
    dec_put(d, op, arg);
    if (d->code->version >= 311)
        dec_put(d, NJ_BC_PUSH_NULL, 0);
}

static void dec_binop(Decoder *d, uint32_t arg, NjBcOp op, uint32_t k)
{
    static const uint8_t kinds[] = {NJ_BIN_ADD, NJ_BIN_AND,     NJ_BIN_FLOORDIV, NJ_BIN_LSHIFT, NJ_BIN_MATMUL,
                                    NJ_BIN_MUL, NJ_BIN_MOD,     NJ_BIN_OR,       NJ_BIN_POW,    NJ_BIN_RSHIFT,
                                    NJ_BIN_SUB, NJ_BIN_TRUEDIV, NJ_BIN_XOR};
    if (arg < NJ_COUNT(kinds))
        dec_put(d, NJ_BC_BINOP, kinds[arg]);
    else if (arg < 2 * NJ_COUNT(kinds))
        dec_put(d, NJ_BC_INPLACE, kinds[arg - NJ_COUNT(kinds)]);
    else
        d->wrong = "an unknown binary operation";
}

/* The operator is in the upper bits since 3.12, above a flag (3.13: "give a bool") and a mask for specialisation. */
static void dec_compare(Decoder *d, uint32_t arg, NjBcOp op, uint32_t k)
{
    arg >>= d->code->version >= 313 ? 5 : d->code->version >= 312 ? 4 : 0;
    if (arg > NJ_CMP_GE)
        d->wrong = "an unknown comparison";
    else
        dec_put(d, op, arg);
}

static void dec_slice(Decoder *d, uint32_t arg, NjBcOp op, uint32_t k)
{
    dec_put(d, NJ_BC_SLICE, 2);
    dec_put(d, op, 0);
}

static void dec_call(Decoder *d, uint32_t arg, NjBcOp op, uint32_t k)
{
    dec_put2(d, op, arg, d->kwnames);
    d->kwnames = 0;
}

/* The names are the constant loaded just before. */
static void dec_call_kw(Decoder *d, uint32_t arg, NjBcOp op, uint32_t k)
{
    NjIns *names = d->out.n ? &d->out.at[d->out.n - 1] : NULL;
    if (!names || names->op != NJ_BC_LOAD_CONST) {
        d->wrong = "keyword names that are no constant";
        return;
    }
    uint32_t index = names->arg;
    names->op = NJ_BC_NOP;
    dec_put2(d, op, arg, index + 1);
}

/* arg2: the row that tells why it is refused, where it is. */
static void dec_reason(Decoder *d, uint32_t arg, NjBcOp op, uint32_t k) { dec_put2(d, op, arg, k); }

/* Displays append to the list below; only comprehensions to one further down. */
static void dec_append(Decoder *d, uint32_t arg, NjBcOp op, uint32_t k)
{
    if (arg == 1)
        dec_put(d, op, arg);
    else
        dec_refuse(d, (DecRow)k);
}

static void dec_intrinsic(Decoder *d, uint32_t arg, NjBcOp op, uint32_t k)
{
    enum { INTRINSIC_UNARY_POSITIVE = 5, INTRINSIC_LIST_TO_TUPLE = 6 };
    if (arg == INTRINSIC_UNARY_POSITIVE)
        dec_put(d, op, k);
    else if (arg == INTRINSIC_LIST_TO_TUPLE)
        dec_put2(d, NJ_BC_LIST_TUPLE, 0, ROW_STAR_UNPACKING);
    else
        dec_refuse(d, ROW_STAR_UNPACKING);
}

static void dec_return(Decoder *d, uint32_t arg, NjBcOp op, uint32_t k)
{
    dec_const(d, arg, op, k);
    dec_put(d, NJ_BC_RETURN, 0);
}

static void dec_raise(Decoder *d, uint32_t arg, NjBcOp op, uint32_t k)
{
    if (arg == 1)
        dec_put(d, op, 0);
    else
        dec_refuse(d, arg ? ROW_RAISE_FROM : ROW_BARE_RAISE);
}

static void dec_nyi(Decoder *d, uint32_t arg, NjBcOp op, uint32_t k) { dec_refuse(d, (DecRow)k); }

/* -- rules that jump: targets are units until dec_link --------------------------------------------------- */

static uint32_t dec_target(Decoder *d, uint32_t arg, uint32_t where)
{
    where &= DEC_WHERE;
    if (where == DEC_ABSOLUTE || (where == DEC_VERSION && d->code->version == 310))
        return arg;
    return where == DEC_BACKWARD ? d->next - arg : d->next + arg;
}

static void dec_jump(Decoder *d, uint32_t arg, NjBcOp op, uint32_t k)
{
    dec_put2(d, op, dec_target(d, arg, k), !!(k & DEC_TRUE));
}

/* As `x is None` and `x is not None` read in the source: branches forward leave when the test fails, branches backward
 * loop while it holds. So 3.10, which has no such jumps, gives the same instructions. */
static void dec_jump_none(Decoder *d, uint32_t arg, NjBcOp op, uint32_t k)
{
    bool back = (k & DEC_WHERE) == DEC_BACKWARD, if_none = k & DEC_TRUE;
    dec_put(d, NJ_BC_LOAD_NONE, 0);
    dec_put(d, NJ_BC_COMPARE, back == if_none ? NJ_CMP_IS : NJ_CMP_ISNOT);
    dec_put2(d, op, dec_target(d, arg, k), back);
}

static void dec_jump_or_pop(Decoder *d, uint32_t arg, NjBcOp op, uint32_t k)
{
    dec_put(d, NJ_BC_COPY, 1);
    dec_jump(d, arg, op, k);
    dec_put(d, NJ_BC_POP, 0);
}

/* The row of the opcode at a unit; ROW_COUNT when there is none. */
static DecRow dec_row(const NjCode *code, uint32_t unit, uint32_t *caches);

/* From 3.12 on the exhausted iterator is popped by END_FOR (and POP_TOP, 3.13), which CPython itself jumps over. */
static void dec_for(Decoder *d, uint32_t arg, NjBcOp op, uint32_t k)
{
    uint32_t target = d->next + arg, caches;
    if (2 * target < d->code->nbytes && dec_row(d->code, target, &caches) == ROW_END_FOR)
        target += d->code->version >= 313 ? 2 : 1;
    dec_put(d, op, target);
    dec_put(d, NJ_BC_FOR_VALUE, 0);
}

/* 3.12 compiles comprehensions in place; what they build is made right after their variable is saved. */
static void dec_comprehension(Decoder *d, uint32_t arg, NjBcOp op, uint32_t k)
{
    uint32_t caches, unit = d->next;
    DecRow row = ROW_COUNT;
    for (int i = 0; i < 8 && 2 * unit < d->code->nbytes; i++, unit += 1 + caches) {
        row = dec_row(d->code, unit, &caches);
        if (row == ROW_BUILD_LIST || row == ROW_BUILD_SET || row == ROW_BUILD_MAP)
            break;
    }
    dec_refuse(d, row == ROW_BUILD_SET ? ROW_SET_ADD : row == ROW_BUILD_MAP ? ROW_DICT_COMPREHENSION : ROW_LIST_COMPREHENSION);
}

/* -- tables ---------------------------------------------------------------------------------------------- */

static const struct DecRowInfo { DecRule rule; uint16_t op, k; const char *name, *text; } dec_rows[ROW_COUNT] = {
#define DEC(name, rule, op, k) {dec_##rule, NJ_BC_##op, k, #name, NULL},
#define NYI(name, text) {dec_nyi, NJ_BC_UNSUPPORTED, ROW_##name, #name, text},
#include "front/decode.def"
#undef DEC
#undef NYI
};

typedef struct DecOp { uint8_t row1, caches; } DecOp;        /* row1: 1 + row, 0 for a number without an opcode */
_Static_assert(ROW_COUNT < 255, "rows do not fit in a byte");
static const DecOp dec_ops[][256] = {
    {
#define P310(number, name, caches) [number] = {1 + ROW_##name, caches},
#include "front/opcodes.def"
    },
    {
#define P311(number, name, caches) [number] = {1 + ROW_##name, caches},
#include "front/opcodes.def"
    },
    {
#define P312(number, name, caches) [number] = {1 + ROW_##name, caches},
#include "front/opcodes.def"
    },
    {
#define P313(number, name, caches) [number] = {1 + ROW_##name, caches},
#include "front/opcodes.def"
    },
};

static DecRow dec_row(const NjCode *code, uint32_t unit, uint32_t *caches)
{
    DecOp op = dec_ops[code->version - 310][code->bytes[2 * unit]];
    *caches = op.caches;
    return op.row1 ? (DecRow)(op.row1 - 1) : ROW_COUNT;
}

/* -- try bodies: 3.11+ keeps them in a table beside the code --------------------------------------------- */

/* Varints of 6 bits, high ones first; 64 is set when more follow, 128 on an entry's first byte. */
static uint32_t exc_varint(const NjCode *c, uint32_t *at)
{
    uint32_t value = 0;
    while (*at < c->nexctable) {
        uint8_t byte = c->exctable[(*at)++];
        value = value << 6 | (byte & 63);
        if (!(byte & 64))
            break;
    }
    return value;
}

static NjBits *exc_starts(NjArena *a, const NjCode *c)
{
    NjBits *starts = nj_bits_new(a, c->nbytes / 2 + 1);
    for (uint32_t at = 0; starts && at < c->nexctable;) {
        uint32_t start = exc_varint(c, &at);
        for (int i = 0; i < 3; i++)          /* length, target, depth: not needed to refuse */
            exc_varint(c, &at);
        if (start < c->nbytes / 2)
            nj_bits_set(starts, start);
    }
    return starts;
}

/* `try:` itself is the NOP before its body, so that is where the message points. */
static void dec_try(Decoder *d, uint32_t before)
{
    uint32_t unit = d->unit;
    uint32_t caches;
    if (before != unit && dec_row(d->code, before, &caches) == ROW_NOP)
        d->unit = before;
    dec_refuse(d, ROW_TRY);
    d->unit = unit;
}

/* -- the loop -------------------------------------------------------------------------------------------- */

static void dec_one(Decoder *d, uint32_t arg)
{
    uint32_t caches;
    DecRow row = dec_row(d->code, d->unit, &caches);
    if (row == ROW_COUNT) {
        d->wrong = "an unknown opcode";
        return;
    }
    const struct DecRowInfo *info = &dec_rows[row];
    d->raw = info->name;
    d->next = d->unit + 1 + caches;
    info->rule(d, arg, (NjBcOp)info->op, info->k);
}

static void dec_all(Decoder *d, const NjBits *starts)
{
    uint32_t arg = 0, before = 0, caches;
    for (uint32_t unit = 0; 2 * unit < d->code->nbytes && !d->wrong; unit = d->next) {
        d->unit = unit;
        d->at[unit] = d->out.n;
        if (nj_bits_has(starts, unit))
            dec_try(d, before);
        arg = arg << 8 | d->code->bytes[2 * unit + 1];
        dec_one(d, arg);
        if (dec_row(d->code, unit, &caches) != ROW_EXTENDED_ARG)
            arg = 0;
        before = unit;
    }
}

static bool dec_arg_fits(const NjCode *c, const NjIns *i)
{
    switch (i->op) {
    case NJ_BC_LOAD_CONST: return i->arg < c->nconsts;
    case NJ_BC_LOAD_FREE: return i->arg < c->nfrees;
    case NJ_BC_LOAD_GLOBAL: case NJ_BC_LOAD_ATTR: case NJ_BC_STORE_ATTR: return i->arg < c->nnames;
    case NJ_BC_LOAD_FAST: case NJ_BC_STORE_FAST: case NJ_BC_DEL_FAST: return i->arg < c->nlocals + c->ncells;
    case NJ_BC_SLICE: return i->arg == 2 || i->arg == 3;
    case NJ_BC_CALL: case NJ_BC_CALL_NULL: return i->arg2 <= c->nconsts && i->arg < (1u << 24);
    case NJ_BC_LIST: case NJ_BC_MAP: case NJ_BC_MAP_KEYED:
    case NJ_BC_TUPLE: case NJ_BC_UNPACK: case NJ_BC_COPY: case NJ_BC_SWAP: return i->arg < (1u << 24);
    default: return true;
    }
}

/* Units to indices. An index beyond the last instruction cannot be reached by a sound jump. */
static void dec_link(Decoder *d)
{
    for (uint32_t n = 0; n < d->out.n && !d->wrong; n++) {
        NjIns *i = &d->out.at[n];
        if (!dec_arg_fits(d->code, i))
            d->wrong = "an argument out of range";
        if (!nj_bc_is_jump(i->op))
            continue;
        if (i->arg >= d->code->nbytes / 2 || d->at[i->arg] >= d->out.n)
            d->wrong = "a jump out of the code";
        else
            i->arg = d->at[i->arg];
    }
}

/* -- exported -------------------------------------------------------------------------------------------- */

static uint32_t bc_count(const NjIns *i, int8_t n)
{
    return n >= 0 ? (uint32_t)n : i->arg + (uint32_t)(N - n);
}

uint32_t nj_bc_pops(const NjIns *i) { return bc_count(i, nj_bc_info[i->op].pops); }
uint32_t nj_bc_pushes(const NjIns *i) { return bc_count(i, nj_bc_info[i->op].pushes); }

const char *nj_front_construct(uint32_t row)
{
    return row < ROW_COUNT && dec_rows[row].text ? dec_rows[row].text : "this construct";
}

NjLoc nj_front_loc(const NjCode *code, const NjIns *i)
{
    if (!code->pos || i->unit >= code->nbytes / 2)
        return (NjLoc){.line = code->first_line};
    NjPos p = code->pos[i->unit];
    return (NjLoc){p.line, p.end_line, p.col, p.end_col};
}

NjStatus nj_front_malformed(NjDiags *d, const NjCode *code, const char *what)
{
    nj_diag_add(d, NJ_ERR_BAD_BYTECODE, code->file, code->qualname, (NjLoc){.line = code->first_line}, what);
    return NJ_E_BUG;
}

static bool decode_knows(const NjCode *code)
{
    return code->version >= 310 && code->version - 310u < NJ_COUNT(dec_ops);
}

void nj_front_names(const NjCode *code, NjBits *globals, NjBits *attrs)
{
    uint32_t arg = 0, caches;
    for (uint32_t unit = 0; decode_knows(code) && 2 * unit + 1 < code->nbytes; unit++) {
        DecRow row = dec_row(code, unit, &caches);
        arg = arg << 8 | code->bytes[2 * unit + 1];
        bool is_global = row == ROW_LOAD_GLOBAL, is_attr = row == ROW_LOAD_ATTR || row == ROW_LOAD_METHOD;
        bool has_bit = code->version >= (is_global ? 311 : 312);
        uint32_t name = has_bit ? arg >> 1 : arg;
        if ((is_global || is_attr) && name < code->nnames)
            nj_bits_set(is_global ? globals : attrs, name);
        if (row != ROW_EXTENDED_ARG)
            arg = 0;
        unit += caches;
    }
}

bool nj_front_loads_const(const NjCode *code, uint32_t index)
{
    uint32_t arg = 0, caches;
    for (uint32_t unit = 0; decode_knows(code) && 2 * unit + 1 < code->nbytes; unit++) {
        DecRow row = dec_row(code, unit, &caches);
        arg = arg << 8 | code->bytes[2 * unit + 1];
        if ((row == ROW_LOAD_CONST || row == ROW_RETURN_CONST || row == ROW_KW_NAMES) && arg == index)
            return true;
        if (row != ROW_EXTENDED_ARG)
            arg = 0;
        unit += caches;
    }
    return !decode_knows(code);
}

NjStatus nj_front_decode(NjArena *a, const NjCode *code, NjBytecode *out, NjDiags *diags)
{
    Decoder d = {.arena = a, .code = code};
    if (!decode_knows(code)) {
        nj_diag_add(diags, NJ_ERR_NYI_BYTECODE, code->file, code->qualname, (NjLoc){.line = code->first_line},
                    "the bytecode of this Python version");
        return NJ_E_NYI;
    }
    if (!code->nbytes || code->nbytes % 2)
        return nj_front_malformed(diags, code, "no code");
    d.at = nj_arena_alloc(a, (code->nbytes / 2) * sizeof *d.at);
    NjBits *starts = exc_starts(a, code);
    if (!d.at || !starts)
        return NJ_E_NOMEM;
    memset(d.at, 0xff, (code->nbytes / 2) * sizeof *d.at);
    dec_all(&d, starts);
    dec_link(&d);
    if (nj_arena_failed(a))
        return NJ_E_NOMEM;
    if (d.wrong)
        return nj_front_malformed(diags, code, d.wrong);
    out->ins = d.out.at;
    out->n = d.out.n;
    return nj_front_settle(a, code, out, diags);
}
