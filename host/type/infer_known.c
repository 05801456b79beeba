/* infer_known.c - what is known at compile time: constants, arithmetic of them, and what types alone decide.
 *
 * Shapes (`TPB + 2`, `(N, N)`), tuple indices, `a.ndim`, `len(t)`, `x is None` and `a.dtype == np.float32` are worked
 * out here, so that branches on them are pruned before their arms are typed.
 */
#include "type/infer.h"

#include <math.h>
#include <strings.h>

/* -- constants ------------------------------------------------------------------------------------------- */

static const NjType *tuple_const_type(NjTypes *ts, const NjConst *k)
{
    const NjType *few[16], *t = NULL;
    uint32_t n = k->tuple.n, i = 0;
    if (n > NJ_TUPLE_MOST)
        return NULL;
    const NjType **elems = n <= NJ_COUNT(few) ? few : nj_malloc(n * sizeof *elems);
    while (elems && i < n && (elems[i] = nj_infer_const_type(ts, k->tuple.at[i])))
        i++;
    if (elems && i == n && k->tuple.names)
        t = nj_type_namedtuple(ts, k->name ? k->name : "tuple", elems, k->tuple.names, n);
    else if (elems && i == n)
        t = nj_type_tuple(ts, elems, n);
    if (elems != few)
        nj_free(elems);
    return t;
}

const NjType *nj_infer_const_type(NjTypes *ts, const NjConst *k)
{
    if (k->kind == NJ_C_TYPE)
        return k->type ? nj_type_dtype(ts, k->type) : nj_type_obj(ts);
    if (k->type)
        return k->type;
    switch (k->kind) {
    case NJ_C_NONE:    return nj_type_none(ts);
    case NJ_C_BOOL:    return nj_type_scalar(ts, NJ_T_BOOL);
    case NJ_C_INT:     return nj_type_scalar(ts, NJ_T_I64);
    case NJ_C_UINT:    return nj_type_scalar(ts, NJ_T_U64);
    case NJ_C_FLOAT:   return nj_type_scalar(ts, NJ_T_F64);
    case NJ_C_COMPLEX: return nj_type_scalar(ts, NJ_T_C128);
    case NJ_C_STR:     return nj_type_str(ts);
    case NJ_C_TUPLE:   return tuple_const_type(ts, k);
    case NJ_C_ELLIPSIS: case NJ_C_INTRIN: case NJ_C_MODULE: case NJ_C_FUNC: case NJ_C_EXC: return nj_type_obj(ts);
    default:           return NULL; /* missing names, objects, integers beyond 64 bits: nj_infer_finish says which */
    }
}

const NjConst *nj_infer_const_int(Infer *in, int64_t i)
{
    NjConst *k = NJ_NEW(in->arena, NjConst);
    k->kind = NJ_C_INT;
    k->i = i;
    return k;
}

static const NjConst *const_bool(Infer *in, bool b)
{
    NjConst *k = NJ_NEW(in->arena, NjConst);
    k->kind = NJ_C_BOOL;
    k->b = b;
    return k;
}

bool nj_infer_const_same(const NjConst *a, const NjConst *b)
{
    if (a == b)
        return true;
    if (!a || !b || a->kind != b->kind || a->type != b->type)
        return false;
    switch (a->kind) {
    case NJ_C_BOOL: return a->b == b->b;
    case NJ_C_INT: case NJ_C_UINT: return a->i == b->i;
    case NJ_C_TUPLE:
        if (a->tuple.n != b->tuple.n)
            return false;
        for (uint32_t i = 0; i < a->tuple.n; i++)
            if (!nj_infer_const_same(a->tuple.at[i], b->tuple.at[i]))
                return false;
        return true;
    default: return false;
    }
}

const NjConst *nj_infer_known(const Infer *in, NjRef r)
{
    const NjVal *v = nj_val(in->f, r);
    if (v->op == NJ_OP_const)
        return v->imm.k;
    return r < in->queued->n ? in->known[r] : NULL;
}

static bool const_int(const NjConst *k, int64_t *out)
{
    if (!k || (k->kind != NJ_C_INT && k->kind != NJ_C_BOOL))
        return false;
    *out = k->kind == NJ_C_BOOL ? k->b : k->i;
    return true;
}

bool nj_infer_known_int(const Infer *in, NjRef r, int64_t *out) { return const_int(nj_infer_known(in, r), out); }

static int const_truth(const NjConst *k)
{
    switch (k->kind) {
    case NJ_C_NONE:    return 0;
    case NJ_C_BOOL:    return k->b;
    case NJ_C_INT: case NJ_C_UINT: return k->i != 0;
    case NJ_C_FLOAT:   return k->f != 0;
    case NJ_C_COMPLEX: return k->c[0] != 0 || k->c[1] != 0;
    case NJ_C_STR:     return k->str.n != 0;
    case NJ_C_TUPLE:   return k->tuple.n != 0;
    case NJ_C_MODULE: case NJ_C_FUNC: case NJ_C_INTRIN: case NJ_C_TYPE: case NJ_C_EXC: return 1;
    default:           return -1;
    }
}

int nj_infer_known_truth(const Infer *in, NjRef r)
{
    const NjConst *k = nj_infer_known(in, r);
    const NjType *t = infer_type(in, r);
    if (k)
        return const_truth(k);
    if (nj_type_is(t, NJ_K_NONE))
        return 0;
    return nj_type_is(t, NJ_K_TUPLE) ? t->nelem != 0 : -1;
}

/* -- arithmetic ---------------------------------------------------------------------------------------------- */

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b != 0 && (a < 0) != (b < 0)); }

/* False when it would overflow, divide by zero or be slow: then it happens at run time. */
static bool fold(NjBin op, int64_t a, int64_t b, int64_t *out)
{
    switch (op) {
    case NJ_BIN_ADD: return !__builtin_add_overflow(a, b, out);
    case NJ_BIN_SUB: return !__builtin_sub_overflow(a, b, out);
    case NJ_BIN_MUL: return !__builtin_mul_overflow(a, b, out);
    case NJ_BIN_FLOORDIV: case NJ_BIN_MOD:
        if (b == 0 || (a == INT64_MIN && b == -1))
            return false;
        *out = op == NJ_BIN_MOD ? a - floor_div(a, b) * b : floor_div(a, b);
        return true;
    case NJ_BIN_POW:
        if (b < 0 || b > 64)
            return false;
        for (*out = 1; b > 0; b--)
            if (__builtin_mul_overflow(*out, a, out))
                return false;
        return true;
    case NJ_BIN_LSHIFT:
        *out = b >= 0 && b < 62 ? (int64_t)((uint64_t)a << b) : 0;
        return b >= 0 && b < 62 && a >= 0 && (*out >> b) == a;
    case NJ_BIN_RSHIFT:
        *out = b >= 0 && b < 64 ? a >> b : 0;
        return b >= 0 && b < 64;
    case NJ_BIN_AND: *out = a & b; return true;
    case NJ_BIN_OR:  *out = a | b; return true;
    case NJ_BIN_XOR: *out = a ^ b; return true;
    default:         return false;
    }
}

/* Only int64: a NumPy scalar of another width keeps its own arithmetic for run time. */
static bool plain_int(const Infer *in, NjRef r, int64_t *out)
{
    return infer_type(in, r) == infer_scalar(in, NJ_T_I64) && nj_infer_known_int(in, r, out);
}

static const NjConst *eval_binop(Infer *in, NjRef r)
{
    const NjVal *v = nj_val(in->f, r);
    int64_t a, b, i;
    if (!plain_int(in, v->args[0], &a) || !plain_int(in, v->args[1], &b) || v->type != infer_scalar(in, NJ_T_I64))
        return NULL;
    return fold((NjBin)v->sub, a, b, &i) ? nj_infer_const_int(in, i) : NULL;
}

static const NjConst *eval_unop(Infer *in, NjRef r)
{
    const NjVal *v = nj_val(in->f, r);
    int64_t a;
    if (v->sub == NJ_UN_NOT) {
        int truth = nj_infer_known_truth(in, v->args[0]);
        return truth < 0 ? NULL : const_bool(in, !truth);
    }
    if (!plain_int(in, v->args[0], &a) || a == INT64_MIN)
        return NULL;
    return nj_infer_const_int(in, v->sub == NJ_UN_NEG ? -a : v->sub == NJ_UN_INVERT ? ~a : a);
}

/* -- comparisons ------------------------------------------------------------------------------------------------ */

static bool compare(NjCmp op, int64_t a, int64_t b)
{
    switch (op) {
    case NJ_CMP_LT: return a < b;
    case NJ_CMP_LE: return a <= b;
    case NJ_CMP_GT: return a > b;
    case NJ_CMP_GE: return a >= b;
    case NJ_CMP_EQ: case NJ_CMP_IS: return a == b;
    default:        return a != b;
    }
}

static bool is_unequal_op(NjCmp op) { return op == NJ_CMP_NE || op == NJ_CMP_ISNOT; }
static bool is_equality(NjCmp op) { return op == NJ_CMP_EQ || op == NJ_CMP_IS || is_unequal_op(op); }

/* Both sides of a type that cannot be None but one, or both None: decided. */
static int none_equal(const NjType *a, const NjType *b)
{
    if (a->kind != NJ_K_NONE && b->kind != NJ_K_NONE)
        return -1;
    if (a->kind == b->kind)
        return 1;
    return a->kind == NJ_K_OPTIONAL || b->kind == NJ_K_OPTIONAL ? -1 : 0;
}

/* Two strings that are known. */
static int str_equal(const NjConst *a, const NjConst *b)
{
    if (!a || !b || a->kind != NJ_C_STR || b->kind != NJ_C_STR)
        return -1;
    return a->str.n == b->str.n && !memcmp(a->str.text, b->str.text, a->str.n);
}

static const NjConst *eval_cmp(Infer *in, NjRef r)
{
    const NjVal *v = nj_val(in->f, r);
    const NjType *a = infer_type(in, v->args[0]), *b = infer_type(in, v->args[1]);
    int64_t x, y;
    if (v->sub < NJ_CMP_IN && plain_int(in, v->args[0], &x) && plain_int(in, v->args[1], &y))
        return const_bool(in, compare((NjCmp)v->sub, x, y));
    if (!is_equality((NjCmp)v->sub))
        return NULL;
    int equal = none_equal(a, b);
    if (equal < 0 && a->kind == NJ_K_DTYPE && b->kind == NJ_K_DTYPE)
        equal = a == b;
    if (equal < 0)
        equal = str_equal(nj_infer_known(in, v->args[0]), nj_infer_known(in, v->args[1]));
    return equal < 0 ? NULL : const_bool(in, equal != is_unequal_op((NjCmp)v->sub));
}

/* -- the rest ------------------------------------------------------------------------------------------------------ */

static const NjConst *eval_tuple(Infer *in, NjRef r)
{
    const NjVal *v = nj_val(in->f, r);
    const NjConst **at = NJ_NEWN(in->arena, const NjConst *, v->nargs + 1);
    for (uint32_t i = 0; i < v->nargs; i++)
        if (!(at[i] = nj_infer_known(in, v->args[i])))
            return NULL;
    NjConst *k = NJ_NEW(in->arena, NjConst);
    k->kind = NJ_C_TUPLE;
    k->tuple.at = at;
    k->tuple.n = v->nargs;
    return k;
}

static const NjConst *eval_getitem(Infer *in, NjRef r)
{
    const NjVal *v = nj_val(in->f, r);
    const NjConst *k = nj_infer_known(in, v->args[0]);
    int64_t i;
    if (!k || k->kind != NJ_C_TUPLE || !nj_infer_known_int(in, v->args[1], &i))
        return NULL;
    i += i < 0 ? k->tuple.n : 0;
    return i >= 0 && i < k->tuple.n ? k->tuple.at[i] : NULL;
}

static const NjConst *eval_getattr(Infer *in, NjRef r)
{
    const NjVal *v = nj_val(in->f, r);
    const NjType *t = infer_type(in, v->args[0]);
    if (t->kind == NJ_K_ARRAY && !strcmp(v->imm.name, "ndim"))
        return nj_infer_const_int(in, t->ndim);
    if (!strcmp(v->imm.name, "itemsize") && (t->kind == NJ_K_ARRAY || t->kind == NJ_K_DTYPE) && t->elem->nbytes)
        return nj_infer_const_int(in, t->elem->nbytes);
    return NULL;
}

/* float("inf"), float("-Infinity"), float("nan"): the only texts that programs convert, as there is no literal. */
static const NjConst *eval_float(Infer *in, const NjConst *text)
{
    static const struct { const char *name; double x; } names[] = {
        {"inf", INFINITY}, {"infinity", INFINITY}, {"nan", NAN}};
    bool sign = text->str.n && (text->str.text[0] == '-' || text->str.text[0] == '+');
    size_t n = text->str.n - sign;
    for (size_t i = 0; i < NJ_COUNT(names); i++)
        if (strlen(names[i].name) == n && !strncasecmp(text->str.text + sign, names[i].name, n)) {
            NjConst *k = NJ_NEW(in->arena, NjConst);
            k->kind = NJ_C_FLOAT;
            k->f = sign && text->str.text[0] == '-' ? -names[i].x : names[i].x;
            return k;
        }
    return NULL;
}

static const NjConst *eval_call(Infer *in, NjRef r)
{
    const NjVal *v = nj_val(in->f, r);
    const NjConst *k = nj_infer_known(in, v->args[0]), *text = v->nargs == 2 ? nj_infer_known(in, v->args[1]) : NULL;
    if (k && k->kind == NJ_C_TYPE && k->type == infer_scalar(in, NJ_T_F64) && text && text->kind == NJ_C_STR)
        return eval_float(in, text);
    if (!k || k->kind != NJ_C_INTRIN || k->intrin != NJ_INTRIN_LEN || v->nargs != 2)
        return NULL;
    const NjType *t = infer_type(in, v->args[1]);
    return nj_type_is(t, NJ_K_TUPLE) ? nj_infer_const_int(in, t->nelem) : NULL;
}

/* Nothing to iterate over, by the type alone. */
static bool is_empty(const NjType *t)
{
    bool empty = t->kind == NJ_K_TUPLE && t->nelem == 0;
    if (t->kind == NJ_K_ITER || t->kind == NJ_K_ENUMERATE)
        return is_empty(t->elem);
    for (uint32_t i = 0; t->kind == NJ_K_ZIP && i < t->nelem; i++)
        empty |= is_empty(t->elems[i]);
    return empty || (t->kind == NJ_K_ZIP && t->nelem == 0);
}

static const NjConst *eval_next(Infer *in, NjRef r)
{
    return is_empty(infer_type(in, nj_val(in->f, r)->args[0])) ? const_bool(in, false) : NULL;
}

static const NjConst *eval_item(Infer *in, NjRef r)
{
    const NjVal *v = nj_val(in->f, r), *unpack = nj_val(in->f, v->args[0]);
    const NjConst *k = unpack->op == NJ_OP_py_unpack ? nj_infer_known(in, unpack->args[0]) : NULL;
    return k && k->kind == NJ_C_TUPLE && v->imm.i < k->tuple.n ? k->tuple.at[v->imm.i] : NULL;
}

const NjConst *nj_infer_evaluate(Infer *in, NjRef r)
{
    const NjVal *v = nj_val(in->f, r);
    switch (v->op) {
    case NJ_OP_py_binop: case NJ_OP_py_inplace: return eval_binop(in, r);
    case NJ_OP_py_unop:    return eval_unop(in, r);
    case NJ_OP_py_cmp:     return eval_cmp(in, r);
    case NJ_OP_py_tuple:   return eval_tuple(in, r);
    case NJ_OP_py_getitem: return eval_getitem(in, r);
    case NJ_OP_py_getattr: return eval_getattr(in, r);
    case NJ_OP_py_call:    return eval_call(in, r);
    case NJ_OP_py_item:    return eval_item(in, r);
    case NJ_OP_py_next:    return eval_next(in, r);
    case NJ_OP_py_truth: {
        int truth = nj_infer_known_truth(in, v->args[0]);
        return truth < 0 ? NULL : const_bool(in, truth);
    }
    default: return NULL;
    }
}
