/* convert.c - one type from two (unify), how well a type converts to another, and the choice among signatures.
 *
 * Unification of numbers is NumPy's promotion: the smallest type that holds both. What has no number follows its
 * structure: tuples by element, arrays by layout, None makes an optional.
 */
#include "type/rules.h"

/* -- unify ------------------------------------------------------------------------------------------------ */

/* Bits a float needs so that NumPy calls the conversion of this number safe: 16 for 8-bit integers and bools. */
static unsigned float_bits(const NjType *t)
{
    switch (t->kind) {
    case NJ_K_FLOAT:   return t->bits;
    case NJ_K_COMPLEX: return t->bits / 2;
    case NJ_K_BOOL:    return 16;
    default:           return t->bits <= 16 ? t->bits * 2u : 64;
    }
}

static const NjType *unify_ints(NjTypes *ts, const NjType *a, const NjType *b)
{
    if (a->kind == b->kind || b->kind == NJ_K_BOOL)
        return a->bits >= b->bits ? a : b;
    if (a->kind == NJ_K_BOOL)
        return b;
    const NjType *s = a->kind == NJ_K_INT ? a : b, *u = a->kind == NJ_K_INT ? b : a;
    if (s->bits > u->bits)
        return s;
    return u->bits == 64 ? nj_type_float(ts, 64) : nj_type_int(ts, u->bits * 2u, true);
}

static const NjType *unify_numbers(NjTypes *ts, const NjType *a, const NjType *b)
{
    if (nj_type_is_integral(a) && nj_type_is_integral(b))
        return unify_ints(ts, a, b);
    unsigned fa = float_bits(a), fb = float_bits(b), bits = fa > fb ? fa : fb;
    if (a->kind == NJ_K_COMPLEX || b->kind == NJ_K_COMPLEX)
        return nj_type_complex(ts, bits <= 32 ? 64 : 128);
    return nj_type_float(ts, bits);
}

/* Of the same class: plain tuples, or named ones of one name and the same fields. */
static bool same_class(const NjType *a, const NjType *b)
{
    size_t n = strcspn(a->name, "(");
    if (!a->names || !b->names)
        return a->names == b->names;
    if (a->nelem != b->nelem || n != strcspn(b->name, "(") || memcmp(a->name, b->name, n))
        return false;
    for (uint32_t i = 0; i < a->nelem; i++)
        if (strcmp(a->names[i], b->names[i]))
            return false;
    return true;
}

static const NjType *unify_tuples(NjTypes *ts, const NjType *a, const NjType *b)
{
    const NjType *few[16], *t = NULL;
    char name[128];
    uint32_t n = a->nelem, i = 0;
    if (n != b->nelem || !same_class(a, b))
        return NULL;
    const NjType **elems = n <= NJ_COUNT(few) ? few : nj_malloc(n * sizeof *elems);
    while (elems && i < n && (elems[i] = nj_type_unify(ts, a->elems[i], b->elems[i])))
        i++;
    snprintf(name, sizeof name, "%.*s", (int)strcspn(a->name, "("), a->name);
    if (elems && i == n)
        t = a->names ? nj_type_namedtuple(ts, name, elems, a->names, n) : nj_type_tuple(ts, elems, n);
    if (elems != few)
        nj_free(elems);
    return t;
}

static const NjType *unify_arrays(NjTypes *ts, const NjType *a, const NjType *b)
{
    if (a->elem != b->elem || a->ndim != b->ndim)
        return NULL;
    NjLayout layout = a->layout == b->layout ? (NjLayout)a->layout : NJ_LAYOUT_A;
    return nj_type_array(ts, a->elem, a->ndim, layout, a->readonly || b->readonly);
}

static const NjType *optional_of(NjTypes *ts, const NjType *a, const NjType *b)
{
    const NjType *t = nj_type_unify(ts, a->kind == NJ_K_OPTIONAL ? a->elem : a, b->kind == NJ_K_OPTIONAL ? b->elem : b);
    return t ? nj_type_optional(ts, t) : NULL;
}

static bool has_no_value(const NjType *t) { return t->kind == NJ_K_OBJ || t->kind == NJ_K_VOID; }

static const NjType *unify_same_kind(NjTypes *ts, const NjType *a, const NjType *b)
{
    switch (a->kind) {
    case NJ_K_TUPLE: return unify_tuples(ts, a, b);
    case NJ_K_ARRAY: return unify_arrays(ts, a, b);
    case NJ_K_RANGE: {
        const NjType *elem = nj_type_unify(ts, a->elem, b->elem);
        return nj_type_is_int(elem) ? nj_type_range(ts, elem) : NULL;
    }
    default:         return NULL;
    }
}

const NjType *nj_type_unify(NjTypes *ts, const NjType *a, const NjType *b)
{
    if (a == b || a->kind == NJ_K_ERROR)
        return a;
    if (b->kind == NJ_K_ERROR)
        return b;
    if (nj_type_is_number(a) && nj_type_is_number(b))
        return unify_numbers(ts, a, b);
    if (has_no_value(a) || has_no_value(b))
        return NULL;
    if (a->kind == NJ_K_NONE)
        return nj_type_optional(ts, b);
    if (b->kind == NJ_K_NONE)
        return nj_type_optional(ts, a);
    if (a->kind == NJ_K_OPTIONAL || b->kind == NJ_K_OPTIONAL)
        return optional_of(ts, a, b);
    return a->kind == b->kind ? unify_same_kind(ts, a, b) : NULL;
}

/* -- conversion --------------------------------------------------------------------------------------------- */

static NjConv conv_worse(NjConv a, NjConv b) { return !a || !b ? NJ_CONV_NONE : a > b ? a : b; }

static NjConv conv_tuple(const NjType *from, const NjType *to)
{
    NjConv c = same_class(from, to) ? NJ_CONV_EXACT : NJ_CONV_SAFE;
    if (from->nelem != to->nelem || (to->names && c != NJ_CONV_EXACT))
        return NJ_CONV_NONE;
    for (uint32_t i = 0; i < from->nelem && c; i++)
        c = conv_worse(c, nj_type_conv(from->elems[i], to->elems[i]));
    return c;
}

static NjConv conv_array(const NjType *from, const NjType *to)
{
    bool layout_fits = from->layout == to->layout || to->layout == NJ_LAYOUT_A;
    bool access_fits = to->readonly || !from->readonly;
    return from->elem == to->elem && from->ndim == to->ndim && layout_fits && access_fits ? NJ_CONV_SAFE : NJ_CONV_NONE;
}

/* None fits any optional; a value fits the optional of what it converts to, one step worse than without. Back out of an
 * optional is the program's risk: None is refused at run time. */
static NjConv conv_optional(const NjType *from, const NjType *to)
{
    if (from->kind == NJ_K_NONE)
        return NJ_CONV_PROMOTE;
    if (from->kind == NJ_K_OPTIONAL && to->kind != NJ_K_OPTIONAL)
        return nj_type_conv(from->elem, to) ? NJ_CONV_UNSAFE : NJ_CONV_NONE;
    return conv_worse(NJ_CONV_PROMOTE, nj_type_conv(from->kind == NJ_K_OPTIONAL ? from->elem : from, to->elem));
}

static bool is_nothing(const NjType *t) { return t->kind == NJ_K_NONE || t->kind == NJ_K_VOID; }

NjConv nj_type_conv(const NjType *from, const NjType *to)
{
    if (from == to || from->kind == NJ_K_ERROR || to->kind == NJ_K_ERROR)
        return NJ_CONV_EXACT;
    if (nj_type_is_number(from) && nj_type_is_number(to))
        return nj_scalar_conv(nj_type_scalar_of(from), nj_type_scalar_of(to));
    if (is_nothing(from) && is_nothing(to))
        return NJ_CONV_EXACT;
    if (to->kind == NJ_K_OPTIONAL || from->kind == NJ_K_OPTIONAL)
        return conv_optional(from, to);
    if (from->kind != to->kind)
        return NJ_CONV_NONE;
    switch (from->kind) {
    case NJ_K_TUPLE: return conv_tuple(from, to);
    case NJ_K_ARRAY: return conv_array(from, to);
    case NJ_K_RANGE: return nj_type_conv(from->elem, to->elem);
    default:         return NJ_CONV_NONE;
    }
}

/* -- signatures ------------------------------------------------------------------------------------------------ */

typedef struct Cost { unsigned unsafe, safe, promote; } Cost;

static int cost_cmp(const Cost *a, const Cost *b)
{
    if (a->unsafe != b->unsafe)
        return a->unsafe < b->unsafe ? -1 : 1;
    if (a->safe != b->safe)
        return a->safe < b->safe ? -1 : 1;
    return a->promote == b->promote ? 0 : a->promote < b->promote ? -1 : 1;
}

static bool sig_cost(const NjSig *sig, const NjType *const *args, unsigned nargs, bool allow_unsafe, Cost *out)
{
    *out = (Cost){0};
    if (sig->nargs != nargs)
        return false;
    for (unsigned i = 0; i < nargs; i++) {
        NjConv c = nj_type_conv(args[i], sig->args[i]);
        if (!c || (c == NJ_CONV_UNSAFE && !allow_unsafe))
            return false;
        out->unsafe += c == NJ_CONV_UNSAFE;
        out->safe += c == NJ_CONV_SAFE;
        out->promote += c == NJ_CONV_PROMOTE;
    }
    return true;
}

int nj_sig_choose(const NjSig *sigs, unsigned nsigs, const NjType *const *args, unsigned nargs, bool allow_unsafe)
{
    int best = -1;
    bool ambiguous = false;
    Cost best_cost = {0}, now;
    for (unsigned i = 0; i < nsigs; i++) {
        if (!sig_cost(&sigs[i], args, nargs, allow_unsafe, &now))
            continue;
        int order = best < 0 ? -1 : cost_cmp(&now, &best_cost);
        ambiguous = order == 0 ? true : order < 0 ? false : ambiguous;
        if (order < 0) {
            best = (int)i;
            best_cost = now;
        }
    }
    return ambiguous ? -2 : best;
}
