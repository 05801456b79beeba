/* entry.c - what is left of a compiled unit as the bytes of one file, and back.
 *
 * In: a key and an image; out: header, metadata, the parts of the key, code, perhaps a cubin. Back: bytes are checked
 * by size and hash before anything is believed, and read with bounds all the same. An exception's place is kept as
 * (function of the key, unit of its bytecode), so that it is found in the live code object, wherever its lines have
 * moved; its class as a number in the key's list.
 *
 *     0 "najacach"   8 version   12 bytes of metadata   16 bytes of parts   20 bytes of cubin   24 bytes of code
 *     32 key   64 hash of all the rest   96 metadata, parts, code, cubin: each on a multiple of 16
 */
#include "run/cache.h"

enum { ENTRY_VERSION = 3, HEAD = 96, HASH_AT = 64, NO_UNIT = 0xffffffff };
static const char magic[8] = {'n', 'a', 'j', 'a', 'c', 'a', 'c', 'h'};         /* no NUL */
_Static_assert(sizeof(NjExc) == 72,
               "NjExc has changed: does an entry keep the new field? (w_exc and r_exc in host/run/entry.c)");

/* -- writing ------------------------------------------------------------------------------------------------ */

static void w_u32(NjText *t, uint32_t x)
{
    for (unsigned i = 0; i < 4; i++)
        nj_text_char(t, (char)(x >> 8 * i));
}

static void w_u64(NjText *t, uint64_t x)
{
    w_u32(t, (uint32_t)x);
    w_u32(t, (uint32_t)(x >> 32));
}

static void w_bytes(NjText *t, const void *p, size_t n)
{
    w_u32(t, (uint32_t)n);
    nj_text_put(t, p, n);
    nj_text_char(t, 0);                  /* so that texts can be used where they lie */
}

static void w_str(NjText *t, const char *s)
{
    w_bytes(t, s ? s : "", s ? strlen(s) : 0);
}

static void w_pad(NjText *t)
{
    while (t->n % 16 && !t->failed)
        nj_text_char(t, 0);
}

/* -- reading with a sticky failure ------------------------------------------------------------------------------ */

typedef struct Reader { const uint8_t *at, *end; bool failed; } Reader;

static uint32_t r_u32(Reader *r)
{
    if (r->end - r->at < 4) {
        r->failed = true;
        return 0;
    }
    uint32_t x = r->at[0] | (uint32_t)r->at[1] << 8 | (uint32_t)r->at[2] << 16 | (uint32_t)r->at[3] << 24;
    r->at += 4;
    return x;
}

static uint64_t r_u64(Reader *r)
{
    uint64_t low = r_u32(r);
    return low | (uint64_t)r_u32(r) << 32;
}

/* Ends with a zero; "" after a failure. */
static const char *r_bytes(Reader *r, size_t *n)
{
    *n = r_u32(r);
    if (r->failed || (size_t)(r->end - r->at) <= *n || r->at[*n]) {
        r->failed = true;
        *n = 0;
        return "";
    }
    const char *s = (const char *)r->at;
    r->at += *n + 1;
    return s;
}

static const char *r_str(Reader *r)
{
    size_t n;
    return r_bytes(r, &n);
}

/* -- types: as text that reads back as the very same type, or as "the type of argument i" ------------------------- */

static bool w_type(NjText *t, const NjType *type, const NjKey *k, NjTypes *ts)
{
    const NjType *back = NULL;
    const char *end;
    for (uint32_t i = 0; i < k->ask->nargs; i++)
        if (k->ask->args[i] == type) {
            w_u32(t, i + 1);
            return true;
        }
    w_u32(t, 0);
    w_str(t, type->code);
    return type->code && nj_type_parse(ts, type->code, &end, &back, NULL) == NJ_OK && back == type;
}

static const NjType *r_type(Reader *r, const NjKey *k, NjTypes *ts)
{
    const NjType *t = NULL;
    const char *end;
    uint32_t arg = r_u32(r);
    if (arg)
        return arg <= k->ask->nargs ? k->ask->args[arg - 1] : NULL;
    return nj_type_parse(ts, r_str(r), &end, &t, NULL) == NJ_OK ? t : NULL;
}

/* -- constants that exceptions are raised with --------------------------------------------------------------------- */

static bool w_const(NjText *t, const NjConst *k)
{
    w_u32(t, k->kind);
    switch (k->kind) {
    case NJ_C_NONE: case NJ_C_ELLIPSIS: return true;
    case NJ_C_BOOL:    w_u64(t, k->b); return true;
    case NJ_C_INT: case NJ_C_UINT: w_u64(t, k->u); return true;
    case NJ_C_FLOAT: case NJ_C_COMPLEX: {
        uint64_t bits[2] = {0};
        memcpy(bits, k->c, k->kind == NJ_C_FLOAT ? 8 : 16);
        w_u64(t, bits[0]);
        w_u64(t, bits[1]);
        return true;
    }
    case NJ_C_BIGINT: case NJ_C_STR: w_bytes(t, k->str.text, k->str.n); return true;
    case NJ_C_TUPLE:
        w_u32(t, k->tuple.n);
        for (uint32_t i = 0; i < k->tuple.n; i++)
            if (!w_const(t, k->tuple.at[i]))
                return false;
        return !k->tuple.names;
    default: return false;
    }
}

static const NjConst *const *r_consts(Reader *r, uint32_t n, unsigned depth, NjArena *a);

static const NjConst *r_const(Reader *r, unsigned depth, NjArena *a)
{
    NjConst *k = NJ_NEW(a, NjConst);
    k->kind = (NjConstKind)r_u32(r);
    if (k->kind == NJ_C_BOOL) {
        k->b = r_u64(r) != 0;
    } else if (k->kind == NJ_C_INT || k->kind == NJ_C_UINT) {
        k->u = r_u64(r);
    } else if (k->kind == NJ_C_FLOAT || k->kind == NJ_C_COMPLEX) {
        uint64_t bits[2];
        bits[0] = r_u64(r);
        bits[1] = r_u64(r);
        memcpy(k->c, bits, k->kind == NJ_C_FLOAT ? 8 : 16);
    } else if (k->kind == NJ_C_BIGINT || k->kind == NJ_C_STR) {
        size_t n;
        const char *s = r_bytes(r, &n);
        k->str.text = nj_arena_copy(a, s, n + 1);
        k->str.n = n;
        r->failed |= !k->str.text;
    } else if (k->kind == NJ_C_TUPLE) {
        k->tuple.n = r_u32(r);
        k->tuple.at = r_consts(r, k->tuple.n, depth + 1, a);
    } else {
        r->failed |= k->kind != NJ_C_NONE && k->kind != NJ_C_ELLIPSIS;
    }
    return k;
}

static const NjConst *const *r_consts(Reader *r, uint32_t n, unsigned depth, NjArena *a)
{
    if (depth > 64 || r->failed || n > (size_t)(r->end - r->at) / 4)
        r->failed = true;
    const NjConst **at = r->failed ? NULL : NJ_NEWN(a, const NjConst *, n + 1);
    if (!at)
        r->failed = true;
    for (uint32_t i = 0; !r->failed && i < n; i++)
        at[i] = r_const(r, depth, a);
    return at;
}

/* -- exceptions ---------------------------------------------------------------------------------------------------- */

static uint32_t pos_unit(const NjCode *c, NjLoc l)
{
    for (uint32_t i = 0; i < c->nbytes / 2; i++) {
        const NjPos *p = &c->pos[i];
        if (p->line == l.line && p->end_line == l.end_line && p->col == l.col && p->end_col == l.end_col)
            return i;
    }
    return NO_UNIT;
}

static bool is_of(const NjExc *e, const NjCode *c)
{
    return (e->file == c->file && e->func == c->name) ||
           (e->file && e->func && c->file && c->name && !strcmp(e->file, c->file) && !strcmp(e->func, c->name));
}

/* The function a row is from: by name, and of several by the place. */
static uint32_t exc_code(const NjKey *k, const NjExc *e, uint32_t *unit)
{
    uint32_t best = k->codes.n;
    *unit = NO_UNIT;
    for (uint32_t i = 0; i < k->codes.n && *unit == NO_UNIT; i++) {
        if (!is_of(e, k->codes.at[i]))
            continue;
        *unit = pos_unit(k->codes.at[i], e->loc);
        if (*unit != NO_UNIT || best == k->codes.n)
            best = i;
    }
    return best;
}

static uint32_t exc_class(const NjKey *k, const void *object)
{
    uint32_t i = 0;
    while (i < k->excs.n && k->excs.at[i]->object != object)
        i++;
    return i;
}

static bool w_exc(NjText *t, const NjKey *k, const NjExc *e)
{
    uint32_t unit, code = exc_code(k, e, &unit), cls = e->object ? exc_class(k, e->object) : 0;
    w_u32(t, (e->exc != NULL) | (e->object != NULL) << 1 | (e->text != NULL) << 2);
    w_str(t, e->exc);
    w_u32(t, cls);
    w_str(t, e->text);
    w_u32(t, code);
    w_u32(t, unit);
    w_u32(t, code < k->codes.n && e->loc.line ? e->loc.line - k->codes.at[code]->first_line : 0);
    w_u32(t, e->nargs);
    for (uint32_t i = 0; i < e->nargs; i++)
        if (!w_const(t, e->args[i]))
            return false;
    return code < k->codes.n && (!e->object || cls < k->excs.n);
}

static NjLoc live_loc(const NjCode *c, uint32_t unit, uint32_t relative)
{
    if (unit >= c->nbytes / 2)
        return (NjLoc){.line = c->first_line + relative, .end_line = c->first_line + relative};
    const NjPos *p = &c->pos[unit];
    return (NjLoc){.line = p->line, .end_line = p->end_line, .col = p->col, .end_col = p->end_col};
}

static void r_exc(Reader *r, const NjKey *k, NjArena *a, NjExc *e)
{
    uint32_t has = r_u32(r);
    const char *exc = r_str(r);
    uint32_t cls = r_u32(r);
    const char *text = r_str(r);
    uint32_t code = r_u32(r), unit = r_u32(r), relative = r_u32(r), nargs = r_u32(r);
    if (r->failed || code >= k->codes.n || ((has & 2) && cls >= k->excs.n)) {
        r->failed = true;
        return;
    }
    const NjCode *c = k->codes.at[code];
    *e = (NjExc){.exc = has & 1 ? nj_arena_str(a, exc) : NULL,
                 .object = has & 2 ? k->excs.at[cls]->object : NULL,
                 .text = has & 4 ? nj_arena_str(a, text) : NULL,
                 .file = nj_arena_str(a, c->file),
                 .func = nj_arena_str(a, c->name),
                 .loc = live_loc(c, unit, relative),
                 .nargs = nargs};
    e->args = nargs ? r_consts(r, nargs, 0, a) : NULL;
}

/* -- metadata ------------------------------------------------------------------------------------------------------ */

/* float64(float64, array(int32, 1d, C)); what the signature declared, if it did. */
static void w_signature(NjText *t, const NjKey *k, const NjImage *im)
{
    NjText s;
    nj_text_init(&s);
    nj_text_fmt(&s, "%s(", im->ret->name);
    for (uint32_t i = 0; i < k->ask->nargs; i++)
        nj_text_fmt(&s, "%s%s", i ? ", " : "", k->ask->args[i]->name);
    nj_text_char(&s, ')');
    w_bytes(t, s.failed ? "" : s.at, s.failed ? 0 : s.n);
    nj_text_free(&s);
}

static bool w_meta(NjText *t, const NjKey *k, const NjImage *im, NjTypes *ts)
{
    const NjCode *c = k->ask->code;
    const char *const shown[] = {c->name, c->qualname, c->module, c->file, k->ask->target->name};
    for (size_t i = 0; i < NJ_COUNT(shown); i++)
        w_str(t, shown[i]);
    w_signature(t, k, im);
    w_u32(t, c->first_line);
    w_str(t, im->entry);
    w_u32(t, im->shared_bytes);
    w_u32(t, im->frame_bytes);
    w_u32(t, im->has_barrier | im->uses_math << 1 | im->straight << 2);
    if (!w_type(t, im->ret, k, ts))
        return false;
    w_u32(t, im->nexcs);
    for (uint32_t i = 0; i < im->nexcs; i++)
        if (!w_exc(t, k, &im->excs[i]))
            return false;
    return true;
}

/* -- the file ------------------------------------------------------------------------------------------------------ */

static void put_head(NjText *t, size_t at, uint64_t x, unsigned nbytes)
{
    for (unsigned i = 0; i < nbytes; i++)
        t->at[at + i] = (char)(x >> 8 * i);
}

static void entry_hash(const void *bytes, size_t n, uint8_t digest[NJ_DIGEST])
{
    NjHasher h;
    nj_hasher_init(&h);
    nj_hasher_put(&h, bytes, HASH_AT);
    nj_hasher_put(&h, (const char *)bytes + HEAD, n - HEAD);
    nj_hasher_done(&h, digest);
}

static void w_part_text(NjText *t, const NjKeyPart *p)
{
    NjText s;
    nj_text_init(&s);
    nj_key_part_text(p, &s);
    w_bytes(t, s.at ? s.at : "", s.failed ? 0 : s.n);
    nj_text_free(&s);
}

bool nj_entry_write(NjText *out, const NjKey *k, NjTypes *ts, const NjImage *im)
{
    static const char zeros[HEAD];
    size_t start = out->n;
    nj_text_put(out, zeros, HEAD);
    if (start || im->ncode > UINT32_MAX || im->ncubin > UINT32_MAX || !w_meta(out, k, im, ts))
        return false;
    w_pad(out);
    size_t nmeta = out->n - HEAD;
    w_u32(out, k->parts.n);
    for (uint32_t i = 0; i < k->parts.n; i++) {
        w_str(out, k->parts.at[i].name);
        nj_text_put(out, (const char *)k->parts.at[i].digest, 8);
        w_part_text(out, &k->parts.at[i]);
    }
    w_pad(out);
    size_t nwhy = out->n - HEAD - nmeta;
    nj_text_put(out, im->code, im->ncode);
    if (im->ncubin) {
        w_pad(out);
        nj_text_put(out, im->cubin, im->ncubin);
    }
    if (out->failed)
        return false;
    memcpy(out->at, magic, sizeof magic);
    put_head(out, 8, ENTRY_VERSION, 4);
    put_head(out, 12, nmeta, 4);
    put_head(out, 16, nwhy, 4);
    put_head(out, 20, im->ncubin, 4);
    put_head(out, 24, im->ncode, 8);
    memcpy(out->at + 32, k->id, NJ_DIGEST);
    entry_hash(out->at, out->n, (uint8_t *)out->at + HASH_AT);
    return true;
}

static uint32_t head_u32(const uint8_t *p, size_t at)
{
    Reader r = {p + at, p + at + 4, false};
    return r_u32(&r);
}

static uint64_t code_at(const uint8_t *p) { return HEAD + (uint64_t)head_u32(p, 12) + head_u32(p, 16); }
static uint64_t padded(uint64_t n) { return (n + 15) / 16 * 16; }

bool nj_entry_check(const void *bytes, size_t n, const uint8_t *id)
{
    const uint8_t *p = bytes;
    uint8_t digest[NJ_DIGEST];
    if (n < HEAD || memcmp(p, magic, sizeof magic) || head_u32(p, 8) != ENTRY_VERSION)
        return false;
    uint64_t rest = code_at(p) + head_u32(p, 24), ncubin = head_u32(p, 20);
    rest = ncubin ? padded(rest) + ncubin : rest;
    if (head_u32(p, 28) || rest != n || (id && memcmp(p + 32, id, NJ_DIGEST)))
        return false;
    entry_hash(p, n, digest);
    return !memcmp(digest, p + HASH_AT, NJ_DIGEST);
}

bool nj_entry_is_foreign(const void *bytes, size_t n)
{
    return n >= HEAD && !memcmp(bytes, magic, sizeof magic) && head_u32(bytes, 8) != ENTRY_VERSION;
}

static Reader meta_reader(const void *bytes)
{
    const uint8_t *p = bytes;
    return (Reader){p + HEAD, p + HEAD + head_u32(p, 12), false};
}

static Reader read_info(const void *bytes, NjEntryInfo *i)
{
    Reader r = meta_reader(bytes);
    i->name = r_str(&r);
    i->qualname = r_str(&r);
    i->module = r_str(&r);
    i->file = r_str(&r);
    i->target = r_str(&r);
    i->signature = r_str(&r);
    i->line = r_u32(&r);
    const uint8_t *p = bytes;
    i->ncode = head_u32(p, 24);
    i->ncubin = head_u32(p, 20);
    i->native = i->ncode >= 4 && !memcmp(p + code_at(p), "\177ELF", 4);
    return r;
}

bool nj_entry_info(const void *bytes, size_t n, NjArena *a, NjEntryInfo *out)
{
    (void)n;
    Reader r = read_info(bytes, out);
    const char **texts[] = {&out->name, &out->qualname, &out->module, &out->file, &out->target, &out->signature};
    for (size_t i = 0; i < NJ_COUNT(texts); i++)
        *texts[i] = nj_arena_str(a, *texts[i]);
    return !r.failed;
}

uint32_t nj_entry_why(const void *bytes, size_t n, NjArena *a, NjEntryWhy *out, uint32_t cap)
{
    (void)n;
    const uint8_t *p = (const uint8_t *)bytes + HEAD + head_u32(bytes, 12);
    Reader r = {p, p + head_u32(bytes, 16), false};
    uint32_t count = r_u32(&r);
    for (uint32_t i = 0; i < count && !r.failed; i++) {
        NjEntryWhy w = {.name = nj_arena_str(a, r_str(&r))};
        w.digest = r_u64(&r);
        w.text = nj_arena_str(a, r_str(&r));
        if (i < cap)
            out[i] = w;
    }
    return r.failed ? 0 : count;
}

bool nj_entry_bind(const void *bytes, size_t n, const NjKey *k, NjTypes *ts, NjArena *a, NjImage *out)
{
    NjEntryInfo info;
    Reader r = read_info(bytes, &info);
    *out = (NjImage){.entry = nj_arena_str(a, r_str(&r))};
    out->shared_bytes = r_u32(&r);
    out->frame_bytes = r_u32(&r);
    uint32_t flags = r_u32(&r);
    out->has_barrier = flags & 1;
    out->uses_math = flags >> 1 & 1;
    out->straight = flags >> 2 & 1;
    out->ret = r_type(&r, k, ts);
    out->nexcs = r_u32(&r);
    if (r.failed || !out->ret || out->nexcs > (size_t)(r.end - r.at) / 8)
        return false;
    out->excs = NJ_NEWN(a, NjExc, out->nexcs + 1);
    for (uint32_t i = 0; i < out->nexcs && !r.failed && out->excs; i++)
        r_exc(&r, k, a, &out->excs[i]);
    const uint8_t *p = bytes;
    out->code = p + code_at(p);
    out->ncode = info.ncode;
    out->ncubin = info.ncubin;
    out->cubin = info.ncubin ? p + n - info.ncubin : NULL;
    return !r.failed && out->excs && !nj_arena_failed(a);
}
