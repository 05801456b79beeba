/* parse_const.c - constants of the IR's text: 5, -1:i64, 1.5:f64, true, None, "text", (1, 2), <math.sqrt>, <type
 * f32> ...
 *
 * In: the scanner at the first character of a constant. Out: an NjConst in the arena and the type after the colon.
 * What the text cannot hold stays away: functions have no code, modules no attributes, objects nothing but their
 * names.
 */
#include "ir/scan.h"

#include <math.h>
#include <stdlib.h>

typedef NjConst Lit;

static bool lit_number(Scan *s, Lit *k);

/* -- numbers ------------------------------------------------------------------------------------------------------- */

static bool lit_nan(Scan *s, Lit *k)
{
    uint64_t bits = 0x7ff8000000000000u;
    if (nj_scan_take(s, "(0x")) {
        char *end;
        bits = strtoull(s->at, &end, 16);
        s->at = end;
        nj_scan_need(s, ")");
    }
    k->kind = NJ_C_FLOAT;
    memcpy(&k->f, &bits, sizeof k->f);
    return !s->failed;
}

static bool lit_float(Scan *s, Lit *k, const char *end)
{
    char buf[64], *stop;
    size_t n = (size_t)(end - s->at);
    if (n >= sizeof buf)
        return nj_scan_fail(s, "the number is too long");
    memcpy(buf, s->at, n);
    buf[n] = 0;
    k->kind = NJ_C_FLOAT;
    k->f = strtod(buf, &stop);
    if (stop != buf + n)
        return nj_scan_fail(s, "not a number: '%s'", buf);
    s->at = end;
    return true;
}

/* Digits only: an int64, a uint64, or a text when neither holds it. */
static bool lit_int(Scan *s, Lit *k, const char *end)
{
    bool neg = *s->at == '-', big = false;
    uint64_t u = 0;
    for (const char *p = s->at + neg; p < end; p++) {
        unsigned digit = (unsigned)(*p - '0');
        big = big || u > (UINT64_MAX - digit) / 10;
        u = u * 10 + digit;
    }
    if (big || (neg && u > (uint64_t)INT64_MAX + 1)) {
        k->kind = NJ_C_BIGINT;
        k->str.n = (size_t)(end - s->at);
        k->str.text = nj_arena_copy(s->arena, s->at, k->str.n + 1);
    } else {
        k->kind = u > INT64_MAX && !neg ? NJ_C_UINT : NJ_C_INT;
        k->u = neg ? 0 - u : u;
    }
    s->at = end;
    return true;
}

static bool lit_number(Scan *s, Lit *k)
{
    nj_scan_space(s);
    const char *p = s->at + (*s->at == '-');
    if (!strncmp(p, "inf", 3)) {
        k->kind = NJ_C_FLOAT;
        k->f = *s->at == '-' ? -(double)INFINITY : (double)INFINITY;
        s->at = p + 3;
        return true;
    }
    if (!strncmp(p, "nan", 3)) {
        s->at = p + 3;
        return lit_nan(s, k);
    }
    const char *digits = p;
    while (*p >= '0' && *p <= '9')
        p++;
    if (p == digits)
        return nj_scan_fail(s, "expected a value");
    bool is_float = *p == '.' || *p == 'e';
    if (*p == '.')
        for (p++; *p >= '0' && *p <= '9';)
            p++;
    if (*p == 'e')
        for (p += p[1] == '+' || p[1] == '-' ? 2 : 1; *p >= '0' && *p <= '9';)
            p++;
    return is_float ? lit_float(s, k, p) : lit_int(s, k, p);
}

static bool lit_complex(Scan *s, Lit *k)
{
    Lit re = {0}, im = {0};
    if (!lit_number(s, &re) || !nj_scan_need(s, ",") || !lit_number(s, &im) || !nj_scan_need(s, ")"))
        return false;
    if (re.kind != NJ_C_FLOAT || im.kind != NJ_C_FLOAT)
        return nj_scan_fail(s, "the parts of a complex number are floats, such as 1.0");
    k->kind = NJ_C_COMPLEX;
    k->c[0] = re.f;
    k->c[1] = im.f;
    return true;
}

/* -- tuples -------------------------------------------------------------------------------------------------------- */

/* The name before `=` of a named tuple's element, or NULL. */
static const char *lit_field(Scan *s)
{
    nj_scan_space(s);
    const char *p = s->at;
    while ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || *p == '_')
        p++;
    if (p == s->at || *p != '=')
        return NULL;
    char *to = nj_arena_alloc(s->arena, (size_t)(p - s->at) + 1);
    if (to)
        memcpy(to, s->at, (size_t)(p - s->at));
    s->at = p + 1;
    return to;
}

static bool lit_tuple(Scan *s, Lit *k)
{
    struct { NJ_VEC(const NjConst *) at; NJ_VEC(const char *) names; } l = {0};
    while (!nj_scan_take(s, ")")) {
        const char *name = lit_field(s);
        const NjType *type = NULL;
        NjConst *e = (NjConst *)nj_scan_const(s, &type);       /* just made here */
        if (e && e->kind != NJ_C_TYPE && e->kind != NJ_C_ARRAY)
            e->type = type;
        if (!e || !nj_vec_push(s->arena, &l.at, e) || (name && !nj_vec_push(s->arena, &l.names, name)))
            return nj_scan_fail(s, "expected an element");
        if (!nj_scan_take(s, ",") && !nj_scan_see(s, ")"))
            return nj_scan_fail(s, "expected ',' or ')'");
    }
    if (l.names.n && l.names.n != l.at.n)
        return nj_scan_fail(s, "every element of a named tuple has a name");
    k->kind = NJ_C_TUPLE;
    k->tuple.at = l.at.at;
    k->tuple.n = l.at.n;
    k->tuple.names = l.names.at;
    return true;
}

/* -- <things> ------------------------------------------------------------------------------------------------------ */

static int hex_value(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool lit_bytes(Scan *s, Lit *k)
{
    size_t n = 0;
    while (hex_value(s->at[n]) >= 0)
        n++;
    uint8_t *to = n % 2 ? NULL : nj_arena_alloc(s->arena, n / 2 + 1);
    if (!to)
        return nj_scan_fail(s, "expected an even number of hex digits");
    for (size_t i = 0; i < n / 2; i++)
        to[i] = (uint8_t)(hex_value(s->at[2 * i]) * 16 + hex_value(s->at[2 * i + 1]));
    s->at += n;
    k->array.data = to;
    k->array.nbytes = n / 2;
    return true;
}

static bool lit_array(Scan *s, Lit *k)
{
    k->kind = NJ_C_ARRAY;
    k->type = nj_scan_type(s);
    if (!nj_type_is(k->type, NJ_K_ARRAY))
        return nj_scan_fail(s, "expected an array type");
    int64_t *shape = NJ_NEWN(s->arena, int64_t, k->type->ndim + 1);
    k->array.shape = shape;
    for (unsigned i = 0; i < k->type->ndim; i++) {
        if (i)
            nj_scan_need(s, "x");
        nj_scan_int(s, &shape[i]);
    }
    return !s->failed && (!nj_scan_take(s, "0x") || lit_bytes(s, k));
}

static bool lit_named(Scan *s, Lit *k, NjConstKind kind)
{
    k->kind = kind;
    k->name = nj_scan_name(s);
    return k->name != NULL;
}

static bool lit_intrin(Scan *s, Lit *k)
{
    const char *name = nj_scan_name(s);
    k->kind = NJ_C_INTRIN;
    k->name = name;
    k->intrin = (uint16_t)(name ? nj_intrin_find(name) : NJ_INTRIN_NONE);
    return k->intrin || nj_scan_fail(s, "no intrinsic is called '%s'", name ? name : "");
}

static bool lit_thing(Scan *s, Lit *k)
{
    static const struct { const char *word; NjConstKind kind; } named[] = {
        {"module", NJ_C_MODULE}, {"func", NJ_C_FUNC}, {"exc", NJ_C_EXC}, {"object", NJ_C_OBJECT},
        {"missing", NJ_C_MISSING},
    };
    for (size_t i = 0; i < NJ_COUNT(named); i++)
        if (nj_scan_take_word(s, named[i].word))
            return lit_named(s, k, named[i].kind) && nj_scan_need(s, ">");
    if (nj_scan_take_word(s, "type")) {
        k->kind = NJ_C_TYPE;
        k->type = nj_scan_type(s);
        k->name = k->type ? k->type->name : NULL;
        return nj_scan_need(s, ">");
    }
    if (nj_scan_take_word(s, "array"))
        return lit_array(s, k) && nj_scan_need(s, ">");
    return lit_intrin(s, k) && nj_scan_need(s, ">");
}

/* -- entry --------------------------------------------------------------------------------------------------------- */

static bool lit_any(Scan *s, Lit *k)
{
    if (nj_scan_see(s, "\"")) {
        k->kind = NJ_C_STR;
        k->str.text = nj_scan_quoted(s, &k->str.n);
        return k->str.text != NULL;
    }
    if (nj_scan_take(s, "<"))
        return lit_thing(s, k);
    if (nj_scan_take(s, "("))
        return lit_tuple(s, k);
    if (nj_scan_take(s, "complex("))
        return lit_complex(s, k);
    static const struct { const char *word; NjConstKind kind; bool b; } words[] = {
        {"true", NJ_C_BOOL, true},  {"false", NJ_C_BOOL, false},
        {"None", NJ_C_NONE, false}, {"...", NJ_C_ELLIPSIS, false},
    };
    for (size_t i = 0; i < NJ_COUNT(words); i++) {
        if (nj_scan_take_word(s, words[i].word)) {
            k->kind = words[i].kind;
            k->b = words[i].b;
            return true;
        }
    }
    return lit_number(s, k);
}

const NjConst *nj_scan_const(Scan *s, const NjType **type)
{
    Lit *k = NJ_NEW(s->arena, Lit);
    *type = NULL;
    if (s->failed || !lit_any(s, k))
        return NULL;
    if (nj_scan_take(s, ":"))
        *type = nj_scan_type(s);
    return s->failed ? NULL : k;
}
