/* key_text.c - what stands behind a part of a key, in a few words: kept in the entry, so that `cache explain` can say
 * what a value was.
 *
 * In: a part, with the key's asker alive. Out: at most NJ_PART_TEXT bytes of text, "" where there is nothing to say in
 * a line (bytecode). Made when an entry is written or explained, never for a look-up.
 */
#include "run/cache.h"

static void text_const(NjText *out, const NjConst *k);

static void text_consts(NjText *out, const NjConst *const *at, uint32_t n)
{
    nj_text_char(out, '(');
    for (uint32_t i = 0; i < n && out->n < NJ_PART_TEXT; i++) {
        nj_text_str(out, i ? ", " : "");
        text_const(out, at[i]);
    }
    nj_text_str(out, n == 1 ? ",)" : ")");
}

static void text_complex(NjText *out, const double c[2])
{
    nj_text_char(out, '(');
    nj_text_f64(out, c[0]);
    nj_text_str(out, " + ");
    nj_text_f64(out, c[1]);
    nj_text_str(out, "j)");
}

/* "int32 array of 2x3" and a few bytes of a hash, since its elements do not fit. */
static void text_array(NjText *out, const NjConst *k)
{
    uint8_t digest[NJ_DIGEST];
    NjHasher h;
    nj_hasher_init(&h);
    nj_hasher_put(&h, k->array.data, k->array.nbytes);
    nj_hasher_done(&h, digest);
    nj_text_fmt(out, "%s array of ", k->type->elem->name);
    for (unsigned i = 0; i < k->type->ndim; i++)
        nj_text_fmt(out, "%s%lld", i ? "x" : "", (long long)k->array.shape[i]);
    nj_text_fmt(out, " with hash %02x%02x%02x%02x", digest[0], digest[1], digest[2], digest[3]);
}

/* With the values that the code may read from it; modules within it by name, since they may refer to each other. */
static void text_module(NjText *out, const NjConst *k)
{
    nj_text_fmt(out, "module %s", k->name ? k->name : "?");
    for (uint32_t i = 0; i < k->module.n && out->n < NJ_PART_TEXT; i++) {
        const NjConst *v = k->module.attrs[i].value;
        nj_text_fmt(out, ", %s=", k->module.attrs[i].name);
        if (v->kind == NJ_C_MODULE)
            nj_text_fmt(out, "module %s", v->name ? v->name : "?");
        else
            text_const(out, v);
    }
}

static void text_const(NjText *out, const NjConst *k)
{
    bool numpy = k && k->type && k->kind >= NJ_C_BOOL && k->kind <= NJ_C_COMPLEX;
    if (numpy)
        nj_text_fmt(out, "%s ", k->type->name);
    switch (k ? k->kind : NJ_C_MISSING) {
    case NJ_C_MISSING:  nj_text_str(out, "nothing"); break;
    case NJ_C_NONE:     nj_text_str(out, "None"); break;
    case NJ_C_ELLIPSIS: nj_text_str(out, "..."); break;
    case NJ_C_BOOL:     nj_text_str(out, k->b ? "True" : "False"); break;
    case NJ_C_INT:      nj_text_int(out, k->i); break;
    case NJ_C_UINT:     nj_text_fmt(out, "%llu", (unsigned long long)k->u); break;
    case NJ_C_FLOAT:    nj_text_f64(out, k->f); break;
    case NJ_C_COMPLEX:  text_complex(out, k->c); break;
    case NJ_C_BIGINT:   nj_text_put(out, k->str.text, k->str.n); break;
    case NJ_C_STR:      nj_text_quote(out, k->str.text, k->str.n < NJ_PART_TEXT ? k->str.n : NJ_PART_TEXT); break;
    case NJ_C_TUPLE:    text_consts(out, k->tuple.at, k->tuple.n); break;
    case NJ_C_ARRAY:    text_array(out, k); break;
    case NJ_C_FUNC:     nj_text_fmt(out, "function %s", k->code->qualname ? k->code->qualname : k->code->name); break;
    case NJ_C_MODULE:   text_module(out, k); break;
    case NJ_C_TYPE: case NJ_C_INTRIN: case NJ_C_EXC: case NJ_C_OBJECT: nj_text_str(out, k->name ? k->name : "?"); break;
    }
}

/* What differs from a plain @njit. */
static void text_opts(NjText *out, const NjOpts *o)
{
    const struct { bool on; const char *text; } flags[] = {
        {o->error_model == NJ_ERRORS_NUMPY, "error_model='numpy'"}, {o->fastmath, "fastmath"},
        {o->boundscheck, "boundscheck"}, {o->debug, "debug"}, {o->lineinfo, "lineinfo"}, {o->device, "device"},
        {o->inline_hint == 1, "inline='always'"}, {o->inline_hint == 2, "inline='never'"},
    };
    nj_text_fmt(out, "opt=%u", o->opt);
    for (size_t i = 0; i < NJ_COUNT(flags); i++)
        if (flags[i].on)
            nj_text_fmt(out, " %s", flags[i].text);
    if (o->fast_flags && !o->fastmath)
        nj_text_fmt(out, " fastmath flags %02x", o->fast_flags);
    if (o->max_registers)
        nj_text_fmt(out, " max_registers=%u", o->max_registers);
    if (o->launch_bounds[0])
        nj_text_fmt(out, " launch_bounds=%u,%u,%u", o->launch_bounds[0], o->launch_bounds[1], o->launch_bounds[2]);
}

/* Never in the middle of a character. */
static size_t cut(const char *s, size_t n)
{
    if (n <= NJ_PART_TEXT)
        return n;
    n = NJ_PART_TEXT;
    while (n && ((unsigned char)s[n] & 0xc0) == 0x80)
        n--;
    return n;
}

void nj_key_part_text(const NjKeyPart *p, NjText *out)
{
    NjText t;
    nj_text_init(&t);
    if (p->fact)
        nj_text_str(&t, p->fact);
    else if (p->opts)
        text_opts(&t, p->opts);
    else if (p->nvalues == 1 && !p->several)
        text_const(&t, p->values[0]);
    else if (p->values)
        text_consts(&t, p->values, p->nvalues);
    if (t.n && !t.failed) {
        size_t n = cut(t.at, t.n);
        nj_text_put(out, t.at, n);
        nj_text_str(out, n < t.n ? "..." : "");
    }
    nj_text_free(&t);
}
