/* rules.c - operators on scalars: rules.def looked up by conversion distance.
 *
 * In: an operator and operand types. Out: what each operand is converted to, and the result's type. The conversion
 * matrix is closed over the direct edges once, under a lock; every lookup after it only reads.
 */
#include <stdatomic.h>

#include "base/lock.h"
#include "type/inside.h"
#include "type/rules.h"

const char *const nj_bin_words[NJ_BIN_N] = {"add", "sub", "mul", "truediv", "floordiv", "mod", "pow",
                                            "lshift", "rshift", "and", "or", "xor", "matmul"};
const char *const nj_bin_signs[NJ_BIN_N] = {"+", "-", "*", "/", "//", "%", "**", "<<", ">>", "&", "|", "^", "@"};
const char *const nj_un_words[NJ_UN_N] = {"neg", "pos", "invert", "not"};
const char *const nj_un_signs[NJ_UN_N] = {"-", "+", "~", "not"};
const char *const nj_cmp_words[NJ_CMP_N] = {"lt", "le", "eq", "ne", "gt", "ge", "is", "isnot", "in", "notin"};
const char *const nj_cmp_signs[NJ_CMP_N] = {"<", "<=", "==", "!=", ">", ">=", "is", "is not", "in", "not in"};

typedef struct Case { uint8_t group, left, right, result; } Case;

static const Case cases[] = {
#define CASE(group, left, right, result) {NJ_RULE_##group, NJ_T_##left, NJ_T_##right, NJ_T_##result},
#include "type/rules.def"
};

static const uint8_t group_of[NJ_BIN_N] = {
#define USES(op, group) [NJ_BIN_##op] = NJ_RULE_##group,
#include "type/rules.def"
};

static const struct { uint8_t op, operand, result; } ucases[] = {
#define UCASE(op, operand, result) {NJ_UN_##op, NJ_T_##operand, NJ_T_##result},
#include "type/rules.def"
};

/* -- conversions between scalars ----------------------------------------------------------------------- */

enum { S = NJ_CONV_SAFE, P = NJ_CONV_PROMOTE };
static const struct { uint8_t from, to, kind; } edges[] = {
#define EDGE(from, to, kind) {NJ_T_##from, NJ_T_##to, kind},
#include "type/rules.def"
};

static struct {
    NjLock lock;
    atomic_bool ready;                              /* released once, under the lock, after conv is filled */
    uint8_t conv[NJ_T_NSCALAR][NJ_T_NSCALAR];       /* NjConv; read freely once ready */
} scalar_conv = {.lock = NJ_LOCK_INIT};

static NjConv worse(NjConv a, NjConv b) { return a > b ? a : b; }

static void conv_close(uint8_t conv[NJ_T_NSCALAR][NJ_T_NSCALAR])
{
    for (int via = 0; via < NJ_T_NSCALAR; via++)
        for (int from = 0; from < NJ_T_NSCALAR; from++)
            for (int to = 0; to < NJ_T_NSCALAR; to++) {
                if (!conv[from][via] || !conv[via][to])
                    continue;
                NjConv c = worse(conv[from][via], conv[via][to]);
                if (!conv[from][to] || c < conv[from][to])
                    conv[from][to] = (uint8_t)c;
            }
}

static void conv_fill(uint8_t conv[NJ_T_NSCALAR][NJ_T_NSCALAR])
{
    for (unsigned i = 0; i < NJ_COUNT(edges); i++)
        conv[edges[i].from][edges[i].to] = edges[i].kind;
    for (int i = 0; i < NJ_T_NSCALAR; i++)
        conv[i][i] = NJ_CONV_EXACT;
    conv_close(conv);
    for (int from = 0; from < NJ_T_NSCALAR; from++)
        for (int to = 0; to < NJ_T_NSCALAR; to++)
            if (!conv[from][to] && (from < NJ_T_C64 || to >= NJ_T_C64))
                conv[from][to] = NJ_CONV_UNSAFE;
}

NjConv nj_scalar_conv(NjScalar from, NjScalar to)
{
    if (!atomic_load_explicit(&scalar_conv.ready, memory_order_acquire)) {
        nj_lock(&scalar_conv.lock);
        if (!atomic_load_explicit(&scalar_conv.ready, memory_order_relaxed))
            conv_fill(scalar_conv.conv);
        atomic_store_explicit(&scalar_conv.ready, true, memory_order_release);
        nj_unlock(&scalar_conv.lock);
    }
    return scalar_conv.conv[from][to];
}

/* -- choice ----------------------------------------------------------------------------------------------- */

/* Smaller is better; a conversion that is not implicit makes it UINT32_MAX. */
static uint32_t cost(NjConv c)
{
    switch (c) {
    case NJ_CONV_EXACT:   return 0;
    case NJ_CONV_PROMOTE: return 1;
    case NJ_CONV_SAFE:    return 1u << 8;
    default:              return UINT32_MAX;
    }
}

static uint32_t pair_cost(NjConv a, NjConv b)
{
    uint32_t ca = cost(a), cb = cost(b);
    return ca == UINT32_MAX || cb == UINT32_MAX ? UINT32_MAX : ca + cb;
}

static const Case *choose_case(NjRuleGroup group, NjScalar l, NjScalar r)
{
    const Case *best = NULL;
    uint32_t best_cost = UINT32_MAX;
    for (unsigned i = 0; i < NJ_COUNT(cases); i++) {
        const Case *c = &cases[i];
        if (c->group != group)
            continue;
        uint32_t now = pair_cost(nj_scalar_conv(l, c->left), nj_scalar_conv(r, c->right));
        if (now < best_cost) {
            best_cost = now;
            best = c;
        }
    }
    return best;
}

bool nj_rule_group(NjTypes *ts, NjRuleGroup group, const NjType *l, const NjType *r, NjRule *out)
{
    NjScalar sl = nj_type_scalar_of(l), sr = nj_type_scalar_of(r);
    if (sl == NJ_T_NSCALAR || sr == NJ_T_NSCALAR)
        return false;
    const Case *c = choose_case(group, sl, sr);
    if (!c)
        return false;
    *out = (NjRule){nj_type_scalar(ts, c->left), nj_type_scalar(ts, c->right), nj_type_scalar(ts, c->result)};
    return true;
}

bool nj_rule_binop(NjTypes *ts, NjBin op, const NjType *l, const NjType *r, NjRule *out)
{
    if (!nj_rule_group(ts, group_of[op], l, r, out))
        return false;
    if (op == NJ_BIN_POW && out->right->kind == NJ_K_UINT)
        out->right = nj_type_int(ts, 64, true);       /* one kind of exponent for lowering */
    return true;
}

static bool rule_not(NjTypes *ts, const NjType *t, NjRule *out)
{
    *out = (NjRule){t, NULL, nj_type_scalar(ts, NJ_T_BOOL)};
    return true;
}

bool nj_rule_unop(NjTypes *ts, NjUn op, const NjType *t, NjRule *out)
{
    NjScalar s = nj_type_scalar_of(t);
    if (s == NJ_T_NSCALAR)
        return false;
    if (op == NJ_UN_NOT)
        return rule_not(ts, t, out);
    uint32_t best = UINT32_MAX;
    for (unsigned i = 0; i < NJ_COUNT(ucases); i++) {
        uint32_t now = cost(nj_scalar_conv(s, ucases[i].operand));
        if (ucases[i].op != op || now >= best)
            continue;
        best = now;
        *out = (NjRule){nj_type_scalar(ts, ucases[i].operand), NULL, nj_type_scalar(ts, ucases[i].result)};
    }
    return best != UINT32_MAX;
}

/* A signed integer beside a uint64: no common integer type holds both. */
static bool is_mixed_wide(const NjType *l, const NjType *r)
{
    return (l->kind == NJ_K_INT && r->kind == NJ_K_UINT && r->bits == 64) ||
           (r->kind == NJ_K_INT && l->kind == NJ_K_UINT && l->bits == 64);
}

bool nj_rule_cmp(NjTypes *ts, NjCmp op, const NjType *l, const NjType *r, NjRule *out)
{
    if (!nj_type_is_number(l) || !nj_type_is_number(r) || op >= NJ_CMP_IN)
        return false;
    if (is_mixed_wide(l, r)) {
        *out = (NjRule){l, r, nj_type_scalar(ts, NJ_T_BOOL)};
        return true;
    }
    bool equality = op == NJ_CMP_EQ || op == NJ_CMP_NE || op == NJ_CMP_IS || op == NJ_CMP_ISNOT;
    return nj_rule_group(ts, equality ? NJ_RULE_EQUAL : NJ_RULE_ORDER, l, r, out);
}
