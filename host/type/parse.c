/* parse.c - types and signatures from text.
 *
 * In: Numba's spellings ("float32[:, ::1]", "Tuple((i8, f8))", "void(int64)"), the names that messages show, and the
 * IR's own spelling. Out: interned types, or an NjErr with the column. One clash: Numba's `i8` is int64, the IR's is
 * int8. Signatures are written by users, so nj_sig_parse reads Numba's; nj_type_parse serves the IR and reads the IR's.
 */
#include <ctype.h>
#include <stdlib.h>

#include "type/inside.h"

#define PARSE_MAX_ELEMS 64
#define PARSE_MAX_DEPTH 32

typedef struct Reader {
    NjTypes *ts;
    const char *text, *at;
    bool ir;             /* the IR's spelling of i8 and u8 */
    unsigned depth;
    NjErr *err;
    bool failed;
} Reader;

typedef struct ElemList { const NjType *at[PARSE_MAX_ELEMS]; unsigned n; } ElemList;
typedef struct Word { const char *at; size_t n; } Word;

static const NjType *read_type(Reader *r);

/* -- the reader -------------------------------------------------------------------------------------- */

static const NjType *fail(Reader *r, const char *what)
{
    if (!r->failed)
        nj_err_set(r->err, NJ_E_USER, 0, "%s at column %d of type '%s'", what, (int)(r->at - r->text) + 1, r->text);
    r->failed = true;
    return NULL;
}

static void skip_space(Reader *r)
{
    while (isspace((unsigned char)*r->at))
        r->at++;
}

static bool accept(Reader *r, char c)
{
    skip_space(r);
    if (*r->at != c)
        return false;
    r->at++;
    return true;
}

static bool expect(Reader *r, char c)
{
    char what[] = "expected '?'";
    if (accept(r, c))
        return true;
    what[10] = c;
    fail(r, what);
    return false;
}

static Word read_word(Reader *r)
{
    skip_space(r);
    const char *start = r->at;
    while (isalnum((unsigned char)*r->at) || *r->at == '_')
        r->at++;
    return (Word){start, (size_t)(r->at - start)};
}

static bool word_is(Word w, const char *s) { return strlen(s) == w.n && !memcmp(w.at, s, w.n); }

static bool read_count(Reader *r, unsigned *out)
{
    skip_space(r);
    if (!isdigit((unsigned char)*r->at)) {
        fail(r, "expected a number");
        return false;
    }
    char *end;
    unsigned long n = strtoul(r->at, &end, 10);
    r->at = end;
    *out = n > UINT32_MAX ? UINT32_MAX : (unsigned)n;
    return true;
}

/* Type {',' type} up to the closing `close`, which is read; an extra comma before it is fine, as in Python. */
static bool read_list(Reader *r, char close, ElemList *l)
{
    l->n = 0;
    while (!accept(r, close)) {
        const NjType *t = read_type(r);
        if (!t)
            return false;
        if (l->n == PARSE_MAX_ELEMS) {
            fail(r, "too many elements");
            return false;
        }
        l->at[l->n++] = t;
        if (accept(r, ','))
            continue;
        return expect(r, close);
    }
    return true;
}

/* -- arrays --------------------------------------------------------------------------------------------- */

static bool read_layout(Reader *r, NjLayout *out)
{
    bool quoted = accept(r, '\'') || accept(r, '"');
    Word w = read_word(r);
    if (w.n != 1 || !strchr("CFA", *w.at)) {
        fail(r, "expected a layout: C, F or A");
        return false;
    }
    *out = *w.at == 'C' ? NJ_LAYOUT_C : *w.at == 'F' ? NJ_LAYOUT_F : NJ_LAYOUT_A;
    if (quoted)
        r->at += *r->at == '\'' || *r->at == '"';
    return true;
}

static bool read_array_flags(Reader *r, bool *readonly)
{
    while (accept(r, ',')) {
        Word w = read_word(r);
        bool on = true;
        if (accept(r, '='))
            on = word_is(read_word(r), "True");
        if (word_is(w, "ro") || word_is(w, "readonly"))
            *readonly = on;
        else if (!word_is(w, "aligned"))
            return fail(r, "unknown array property"), false;
    }
    return true;
}

/* after "array(" */
static const NjType *read_array(Reader *r, bool readonly)
{
    const NjType *elem = read_type(r);
    unsigned ndim;
    NjLayout layout;
    if (!elem || !expect(r, ',') || !read_count(r, &ndim))
        return NULL;
    r->at += *r->at == 'd';
    if (ndim > 32)
        return fail(r, "too many dimensions");
    if (!expect(r, ',') || !read_layout(r, &layout) || !read_array_flags(r, &readonly) || !expect(r, ')'))
        return NULL;
    return nj_type_array(r->ts, elem, ndim, layout, readonly);
}

/* One axis of "[:, ::1]": ':' any step, '::1' unit step. */
static bool read_axis(Reader *r, bool *unit)
{
    *unit = false;
    if (!expect(r, ':'))
        return false;
    if (!accept(r, ':'))
        return true;
    *unit = true;
    return expect(r, '1');
}

/* after '[' */
static const NjType *read_axes(Reader *r, const NjType *elem)
{
    unsigned ndim = 0, units = 0, last = 0;
    do {
        bool unit;
        if (!read_axis(r, &unit))
            return NULL;
        units += unit;
        last = unit ? ndim : last;
        ndim++;
    } while (accept(r, ',') && ndim < 32);
    if (!expect(r, ']'))
        return NULL;
    if (units > 1 || (units == 1 && last != 0 && last != ndim - 1))
        return fail(r, "'::1' is allowed on the first or the last axis only");
    NjLayout layout = !units ? NJ_LAYOUT_A : last == ndim - 1 ? NJ_LAYOUT_C : NJ_LAYOUT_F;
    return nj_type_array(r->ts, elem, ndim, layout, false);
}

/* -- compounds: each reads what follows its "word(" -------------------------------------------------------- */

static const NjType *read_tuple(Reader *r)
{
    ElemList l;
    bool inner = accept(r, '(');
    if (!read_list(r, ')', &l) || (inner && !expect(r, ')')))
        return NULL;
    return nj_type_tuple(r->ts, l.at, l.n);
}

static const NjType *read_unituple(Reader *r)
{
    unsigned n;
    const NjType *elem = read_type(r);
    if (!elem)
        return NULL;
    if (!accept(r, ',') && !word_is(read_word(r), "x"))
        return fail(r, "expected ',' or 'x'");
    if (!read_count(r, &n) || !expect(r, ')'))
        return NULL;
    if (n > PARSE_MAX_ELEMS)
        return fail(r, "too many elements");
    return nj_type_unituple(r->ts, elem, n);
}

typedef struct FieldList {
    const NjType *types[PARSE_MAX_ELEMS];
    const char *names[PARSE_MAX_ELEMS];
    char text[PARSE_MAX_ELEMS][64];
    uint32_t offsets[PARSE_MAX_ELEMS];
    unsigned n;
} FieldList;

static bool read_field(Reader *r, FieldList *l, bool offset)
{
    Word w = read_word(r);
    if (!w.n || w.n >= sizeof l->text[0] || l->n == PARSE_MAX_ELEMS || !expect(r, ':'))
        return fail(r, "expected a field"), false;
    memcpy(l->text[l->n], w.at, w.n);
    l->text[l->n][w.n] = 0;
    l->names[l->n] = l->text[l->n];
    l->types[l->n] = read_type(r);
    if (!l->types[l->n])
        return false;
    if (offset && (!expect(r, '@') || !read_count(r, &l->offsets[l->n])))
        return false;
    l->n++;
    return true;
}

/* "a:i32@0,b:f64@4;12)" */
static const NjType *read_record(Reader *r)
{
    FieldList l = {.n = 0};
    unsigned nbytes;
    while (!accept(r, ';')) {
        if (!read_field(r, &l, true))
            return NULL;
        accept(r, ',');
    }
    if (!read_count(r, &nbytes) || !expect(r, ')'))
        return NULL;
    return nj_type_record(r->ts, l.types, l.names, l.offsets, l.n, nbytes);
}

/* "Point,x:i64,y:f64)" */
static const NjType *read_named(Reader *r)
{
    FieldList l = {.n = 0};
    char tag[64];
    Word w = read_word(r);
    if (!w.n || w.n >= sizeof tag)
        return fail(r, "expected a name");
    memcpy(tag, w.at, w.n);
    tag[w.n] = 0;
    while (accept(r, ','))
        if (!read_field(r, &l, false))
            return NULL;
    return expect(r, ')') ? nj_type_namedtuple(r->ts, tag, l.types, l.names, l.n) : NULL;
}

static const NjType *read_ptr(Reader *r)
{
    static const struct { const char *word; NjSpace space; } spaces[] = {
        {"generic", NJ_SPACE_GENERIC}, {"global", NJ_SPACE_GLOBAL}, {"shared", NJ_SPACE_SHARED},
        {"const", NJ_SPACE_CONST}, {"local", NJ_SPACE_LOCAL}};
    const NjType *elem = read_type(r);
    if (!elem)
        return NULL;
    NjSpace space = NJ_SPACE_GENERIC;
    if (accept(r, ',')) {
        Word w = read_word(r);
        unsigned i = 0;
        while (i < NJ_COUNT(spaces) && !word_is(w, spaces[i].word))
            i++;
        if (i == NJ_COUNT(spaces))
            return fail(r, "unknown address space");
        space = spaces[i].space;
    }
    return expect(r, ')') ? nj_type_ptr(r->ts, elem, space) : NULL;
}

static const NjType *read_method(Reader *r)
{
    const NjType *self = read_type(r);
    if (!self || !expect(r, ','))
        return NULL;
    Word w = read_word(r);
    unsigned intrin = nj_intrin_by_id(w.at, w.n);
    if (!intrin)
        return fail(r, "unknown method");
    return expect(r, ')') ? nj_type_method(r->ts, self, (uint16_t)intrin) : NULL;
}

static const NjType *read_zip(Reader *r)
{
    ElemList l;
    return read_list(r, ')', &l) ? nj_type_zip(r->ts, l.at, l.n) : NULL;
}

static const NjType *read_plain_array(Reader *r) { return read_array(r, false); }

/* word(T) with one type inside */
static const NjType *read_wrapped(Reader *r, const NjType *(*make)(NjTypes *, const NjType *))
{
    const NjType *elem = read_type(r);
    return elem && expect(r, ')') ? make(r->ts, elem) : NULL;
}

static const struct {
    const char *word;
    const NjType *(*read)(Reader *);
    const NjType *(*make)(NjTypes *, const NjType *);
} compounds[] = {
    {"array", read_plain_array, NULL},   {"Array", read_plain_array, NULL},
    {"Tuple", read_tuple, NULL},         {"tuple", read_tuple, NULL},
    {"UniTuple", read_unituple, NULL},   {"record", read_record, NULL},
    {"named", read_named, NULL},         {"ptr", read_ptr, NULL},
    {"method", read_method, NULL},       {"zip", read_zip, NULL},
    {"Optional", NULL, nj_type_optional},     {"OptionalType", NULL, nj_type_optional},
    {"optional", NULL, nj_type_optional},     {"range", NULL, nj_type_range},
    {"iter", NULL, nj_type_iter},             {"enumerate", NULL, nj_type_enumerate},
    {"dtype", NULL, nj_type_dtype},           {"DType", NULL, nj_type_dtype},
    {"class", NULL, nj_type_dtype},
};

/* -- words ------------------------------------------------------------------------------------------------------ */

static const struct { const char *word; NjScalar scalar; } user_words[] = {
#define ALIAS(word, scalar) {word, NJ_T_##scalar},
#include "type/aliases.def"
#undef ALIAS
}, ir_words[] = {
#define SCALAR(id, code, name, kind, bits, npchar, llvm, c, fmt) {code, NJ_T_##id}, {name, NJ_T_##id},
#include "type/scalars.def"
#undef SCALAR
};

static const struct { const char *word; const NjType *(*get)(NjTypes *); } simple_words[] = {
    {"void", nj_type_void},       {"none", nj_type_none},         {"None", nj_type_none}, {"NoneType", nj_type_none},
    {"slice", nj_type_slice},     {"slice2", nj_type_slice},      {"slice3", nj_type_slice},
    {"slice2_type", nj_type_slice}, {"slice3_type", nj_type_slice}, {"slice_type", nj_type_slice},
    {"str", nj_type_str},         {"unicode_type", nj_type_str},  {"string", nj_type_str},
    {"obj", nj_type_obj},         {"object", nj_type_obj},        {"error", nj_type_error}, {"unknown", nj_type_error},
};

static const NjType *find_scalar(Reader *r, Word w)
{
    for (int pass = 0; pass < 2; pass++) {
        bool ir = r->ir == (pass == 0);        /* the reader's own words first */
        for (unsigned i = 0; ir && i < NJ_COUNT(ir_words); i++)
            if (word_is(w, ir_words[i].word))
                return nj_type_scalar(r->ts, ir_words[i].scalar);
        for (unsigned i = 0; !ir && i < NJ_COUNT(user_words); i++)
            if (word_is(w, user_words[i].word))
                return nj_type_scalar(r->ts, user_words[i].scalar);
    }
    return NULL;
}

static const NjType *find_simple(Reader *r, Word w)
{
    for (unsigned i = 0; i < NJ_COUNT(simple_words); i++)
        if (word_is(w, simple_words[i].word)) {
            if (word_is(w, "slice") && *r->at == '<')        /* slice<a:b:c>, as messages show it */
                while (*r->at && *r->at++ != '>')
                    ;
            return simple_words[i].get(r->ts);
        }
    return NULL;
}

static const NjType *read_compound(Reader *r, Word w)
{
    for (unsigned i = 0; i < NJ_COUNT(compounds); i++)
        if (word_is(w, compounds[i].word)) {
            if (!accept(r, '('))
                return NULL;
            return compounds[i].read ? compounds[i].read(r) : read_wrapped(r, compounds[i].make);
        }
    return NULL;
}

static const NjType *read_base(Reader *r)
{
    skip_space(r);
    const char *start = r->at;
    Word w = read_word(r);
    while (accept(r, '.'))                  /* types.float32, np.float32, numba.types.float32 */
        w = read_word(r);
    bool readonly = word_is(w, "readonly");
    if (readonly)
        w = read_word(r);
    const NjType *t = NULL;
    if (readonly && word_is(w, "array"))
        t = accept(r, '(') ? read_array(r, true) : NULL;
    if (!t && !r->failed)
        t = read_compound(r, w);
    if (!t && !r->failed)
        t = find_scalar(r, w);
    if (!t && !r->failed)
        t = find_simple(r, w);
    if (!t && !r->failed) {
        r->at = start;
        fail(r, w.n ? "unknown type" : "expected a type");
    }
    return t;
}

static const NjType *read_type(Reader *r)
{
    if (++r->depth > PARSE_MAX_DEPTH)
        return fail(r, "type nested too deeply");
    const NjType *t = read_base(r);
    while (t && *r->at == '[') {
        r->at++;
        t = read_axes(r, t);
    }
    r->depth--;
    return t;
}

/* -- entries ------------------------------------------------------------------------------------------------------- */

NjStatus nj_type_parse(NjTypes *ts, const char *text, const char **end, const NjType **t, NjErr *err)
{
    Reader r = {.ts = ts, .text = text, .at = text, .ir = true, .err = err};
    *t = read_type(&r);
    if (*t && !end) {
        skip_space(&r);
        if (*r.at)
            *t = fail(&r, "unexpected text");
    }
    if (end)
        *end = r.at;
    return *t ? NJ_OK : NJ_E_USER;
}

NjStatus nj_sig_parse(NjTypes *ts, NjArena *a, const char *text, NjSig *sig, NjErr *err)
{
    Reader r = {.ts = ts, .text = text, .at = text, .err = err};
    ElemList l = {.n = 0};
    *sig = (NjSig){0};
    skip_space(&r);
    if (*r.at != '(') {
        sig->ret = read_type(&r);
        if (!sig->ret)
            return NJ_E_USER;
    }
    if (!expect(&r, '(') || !read_list(&r, ')', &l))
        return NJ_E_USER;
    skip_space(&r);
    if (*r.at) {
        fail(&r, "unexpected text");
        return NJ_E_USER;
    }
    sig->nargs = l.n;
    sig->args = NJ_NEWN(a, const NjType *, l.n + 1);
    for (unsigned i = 0; i < l.n; i++)
        sig->args[i] = l.at[i];
    return NJ_OK;
}
