/* words.c - the words of the text form: operations, their variants, intrinsics by qualified name.
 *
 * In: ops.def, intrin.def, device-libs/math.def. Out: look-ups both ways, for print.c, parse.c, messages and python/.
 */
#include "ir/ir.h"

static const char *const icmp_words[] = {"eq", "ne", "slt", "sle", "sgt", "sge", "ult", "ule", "ugt", "uge"};
static const char *const fcmp_words[NJ_PRED_N] = {       /* ?: no variant of this operation */
    "?", "?", "?", "?", "?", "?", "?", "?", "?", "?", "oeq", "olt", "ole", "ogt", "oge", "une", "uno", "ord",
};
static const char *const rmw_words[NJ_RMW_N] = {"add", "sub", "max", "min", "and", "or", "xor", "exch"};
static const char *const bit_words[NJ_BIT_N] = {"popc", "clz", "brev", "ffs"};
static const char *const mem_words[] = {"", "volatile", "invariant", "volatile.invariant"};
static const char *const barred_words[] = {"?", "count", "and", "or"};
static const char *const fence_words[] = {"device", "block", "system"};
static const char *const sreg_words[NJ_SREG_N] = {
    "tid.x", "tid.y", "tid.z", "ctaid.x", "ctaid.y", "ctaid.z", "ntid.x", "ntid.y", "ntid.z",
    "nctaid.x", "nctaid.y", "nctaid.z", "laneid", "warpsize", "dynshared",
};
static const char *const math_words[NJ_MATH_COUNT] = {         /* upper case here, lower case in the text */
#define MATH(id, ...) #id,
#include "device-libs/math.def"
#undef MATH
};

/* The operation, the words of its variants, how many. */
static const struct { NjOp op; const char *const *words; unsigned n; } sub_rows[] = {
    {NJ_OP_py_binop, nj_bin_words, NJ_BIN_N},
    {NJ_OP_py_inplace, nj_bin_words, NJ_BIN_N},
    {NJ_OP_py_unop, nj_un_words, NJ_UN_N},
    {NJ_OP_py_cmp, nj_cmp_words, NJ_CMP_N},
    {NJ_OP_icmp, icmp_words, NJ_COUNT(icmp_words)},
    {NJ_OP_fcmp, fcmp_words, NJ_PRED_N},
    {NJ_OP_bit, bit_words, NJ_BIT_N},
    {NJ_OP_math, math_words, NJ_MATH_COUNT},
    {NJ_OP_load, mem_words, NJ_COUNT(mem_words)},
    {NJ_OP_store, mem_words, NJ_COUNT(mem_words)},
    {NJ_OP_rmw, rmw_words, NJ_RMW_N},
    {NJ_OP_sreg, sreg_words, NJ_SREG_N},
    {NJ_OP_barred, barred_words, NJ_COUNT(barred_words)},
    {NJ_OP_fence, fence_words, NJ_COUNT(fence_words)},
};

/* NULL or "?": no such variant. Words of math are in upper case. */
const char *nj_sub_word(NjOp op, unsigned sub)
{
    for (size_t i = 0; i < NJ_COUNT(sub_rows); i++)
        if (sub_rows[i].op == op)
            return sub < sub_rows[i].n ? sub_rows[i].words[sub] : NULL;
    return sub ? NULL : "";
}

static bool word_is(const char *word, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char c = word[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c + 'a' - 'A');
        if (!c || c != s[i])
            return false;
    }
    return !word[n];
}

static bool sub_find(NjOp op, const char *s, size_t n, unsigned *sub)
{
    for (*sub = 0; *sub < 256; ++*sub) {
        const char *word = nj_sub_word(op, *sub);
        if (!word)
            return false;
        if (word_is(word, s, n))
            return true;
    }
    return false;
}

/* "py.binop.add": the operation is the longest word that leaves a variant of it. */
bool nj_op_find(const char *s, size_t n, NjOp *op, unsigned *sub)
{
    for (int o = 0; o < NJ_OP_COUNT; o++) {
        const char *word = nj_op_info[o].word;
        size_t k = strlen(word);
        if (k > n || memcmp(word, s, k) || (k < n && s[k] != '.'))
            continue;
        *op = (NjOp)o;
        if (k == n ? sub_find(*op, "", 0, sub) : sub_find(*op, s + k + 1, n - k - 1, sub))
            return true;
    }
    return false;
}

/* -- intrinsics ---------------------------------------------------------------------------------------------------- */

static const char *const intrin_names[NJ_INTRIN_COUNT] = {
    "",
#define INTRIN(id, name, typer, lowerer, arg) name,
#include "front/intrin.def"
#undef INTRIN
#define MATH(id, pyname, ...) pyname,
#include "device-libs/math.def"
#undef MATH
};

/* "m.sqrt n.sqrt" is short for "math.sqrt numpy.sqrt". Copies the name that `names` begins with; returns its end. */
static const char *intrin_expand(const char *names, char *buf, size_t cap)
{
    size_t n = strcspn(names, " ");
    const char *module = n > 2 && names[1] == '.' ? (*names == 'm' ? "math" : *names == 'n' ? "numpy" : NULL) : NULL;
    snprintf(buf, cap, "%s%.*s", module ? module : "", (int)(module ? n - 1 : n), module ? names + 1 : names);
    return names + n;
}

const char *nj_intrin_text(uint16_t intrin, char buf[64])
{
    intrin_expand(intrin < NJ_INTRIN_COUNT ? intrin_names[intrin] : "?", buf, 64);
    return buf;
}

NjIntrin nj_intrin_find(const char *name)
{
    char buf[64];
    for (int i = 1; i < NJ_INTRIN_COUNT; i++) {
        for (const char *s = intrin_names[i]; *s; s += *s == ' ') {
            s = intrin_expand(s, buf, sizeof buf);
            if (!strcmp(buf, name))
                return (NjIntrin)i;
        }
    }
    return NJ_INTRIN_NONE;
}
