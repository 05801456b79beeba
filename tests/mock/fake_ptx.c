/* fake_ptx.c - as much of PTX as a driver must know to launch it: entries with their parameters' sizes, globals, shared
 * memory.
 *
 * In: PTX text, or a real cubin, which is taken unread. Out: a FakeCode, or a complaint in ptxas's words.
 */
#include "fake_room.h"

#include <ctype.h>

void ptx_free(FakeCode *c)
{
    for (FakeEntry *e = c->entries, *n; e; e = n)
        n = e->next, free(e);
    for (FakeGlobal *g = c->globals, *n; g; g = n)
        n = g->next, free(g->data), free(g);
    memset(c, 0, sizeof *c);
}

/* -- words ------------------------------------------------------------------------------------------------- */

static char *ptx_strip_comments(const char *text)
{
    char *out = malloc(strlen(text) + 1), *w = out;
    for (const char *p = text; *p;) {
        if (p[0] == '/' && p[1] == '/') {
            while (*p && *p != '\n')
                p++;
        } else if (p[0] == '/' && p[1] == '*') {
            for (p += 2; *p && !(p[0] == '*' && p[1] == '/'); p++)
                if (*p == '\n')
                    *w++ = '\n';
            p += *p ? 2 : 0;
        } else {
            *w++ = *p++;
        }
    }
    *w = 0;
    return out;
}

static const char *ptx_word(const char *p, char *out, size_t n)
{
    size_t i = 0;
    while (isspace((unsigned char)*p))
        p++;
    while (*p && (isalnum((unsigned char)*p) || strchr("._$%", *p)))
        i + 1 < n ? out[i++] = *p++ : *p++;
    out[i] = 0;
    return p;
}

static unsigned ptx_type_size(const char *t)
{
    static const struct { const char *name; unsigned size; } types[] = {
        {".b8", 1}, {".u8", 1}, {".s8", 1}, {".b16", 2}, {".u16", 2}, {".s16", 2}, {".f16", 2}, {".b32", 4},
        {".u32", 4}, {".s32", 4}, {".f32", 4}, {".b64", 8}, {".u64", 8}, {".s64", 8}, {".f64", 8}, {".b128", 16}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(t, types[i].name) == 0)
            return types[i].size;
    return 0;
}

/* A declaration such as ".align 8 .b8 name[24]" from p to `end`: its size and name. False: nothing sized there. */
static bool ptx_decl(const char *p, const char *end, char *name, size_t *nbytes)
{
    char word[FAKE_MAX_NAME];
    size_t elem = 0, count = 1;
    for (name[0] = 0; p < end && name[0] == 0;) {
        const char *q = ptx_word(p, word, sizeof word);
        if (q == p || word[0] == 0)
            return false;
        if (ptx_type_size(word))
            elem = ptx_type_size(word);
        else if (word[0] != '.' && !isdigit((unsigned char)word[0]))
            strcpy(name, word);
        p = q;
    }
    for (; p < end && *p != '='; p++)
        if (*p == '[')
            count *= (size_t)strtoull(p + 1, NULL, 10);
    *nbytes = elem * count;
    return elem != 0;
}

/* -- entries and globals ------------------------------------------------------------------------------------- */

static unsigned ptx_shared(const char *p, const char *end)
{
    unsigned total = 0;
    char name[FAKE_MAX_NAME];
    size_t n;
    while ((p = strstr(p, ".shared")) != NULL && p < end) {
        p += 7;
        const char *stop = strchr(p, ';');
        if (*p == ' ' && stop && ptx_decl(p, stop, name, &n))
            total += (unsigned)n;
    }
    return total;
}

static const char *ptx_body_end(const char *p)
{
    int depth = 0;
    for (; *p; p++) {
        depth += *p == '{' ? 1 : *p == '}' ? -1 : 0;
        if (*p == '}' && depth == 0)
            return p;
    }
    return p;
}

static FakeEntry *ptx_entry(const char *p)
{
    FakeEntry *e = calloc(1, sizeof *e);
    p = ptx_word(p, e->name, sizeof e->name);
    const char *open = p + strspn(p, " \t\r\n");
    const char *close = *open == '(' ? strchr(open, ')') : open;
    for (const char *q = open; *open == '(' && (q = strstr(q, ".param")) != NULL && q < close;) {
        const char *end = q + strcspn(q, ",)");
        char name[FAKE_MAX_NAME];
        size_t n = 0;
        if (e->nparam < FAKE_MAX_PARAMS && ptx_decl(q + 6, end, name, &n))
            e->size[e->nparam++] = (unsigned)n;
        q = end;
    }
    const char *body = strchr(open, '{'), *limit = strstr(open, ".maxntid");
    e->max_threads = 1024;
    if (body && limit && limit < body) {
        unsigned x = 1, y = 1, z = 1;
        sscanf(limit, ".maxntid %u , %u , %u", &x, &y, &z);
        e->max_threads = x * y * z;
    }
    e->shared_nbytes = body ? ptx_shared(body, ptx_body_end(body)) : 0;
    e->max_dynamic_shared = 48 * 1024 - (e->shared_nbytes < 48 * 1024 ? e->shared_nbytes : 48 * 1024);
    return e;
}

/* Module scope only: what stands outside of every pair of braces. */
static void ptx_globals(FakeCode *c, const char *text)
{
    int depth = 0;
    for (const char *p = text; *p; p++) {
        depth += *p == '{' ? 1 : *p == '}' ? -1 : 0;
        size_t skip = strncmp(p, ".global ", 8) == 0 ? 8 : strncmp(p, ".const ", 7) == 0 ? 7 : 0;
        const char *end = strchr(p, ';');
        if (depth || !skip || !end)
            continue;
        FakeGlobal *g = calloc(1, sizeof *g);
        if (ptx_decl(p + skip, end, g->name, &g->nbytes) && g->nbytes) {
            g->data = calloc(1, g->nbytes);
            g->next = c->globals;
            c->globals = g;
        } else {
            free(g);
        }
    }
}

static void ptx_entries(FakeCode *c, void *mod, const char *text)
{
    for (const char *p = text; (p = strstr(p, ".entry")) != NULL;) {
        p += 6;
        FakeEntry *e = ptx_entry(p);
        e->mod = mod;
        e->next = c->entries;
        c->entries = e;
    }
}

/* -- complaints ----------------------------------------------------------------------------------------------- */

static int ptx_complain(char *log, size_t n, unsigned line, const char *what)
{
    if (log && n)
        snprintf(log, n, "ptxas application ptx input, line %u; %s\nptxas fatal   : Ptx assembly aborted due to errors",
                 line, what);
    return 218;
}

static int ptx_check_braces(const char *text, char *log, size_t n)
{
    int depth = 0;
    unsigned line = 1;
    for (const char *p = text; *p; p++) {
        line += *p == '\n';
        depth += *p == '{' ? 1 : *p == '}' ? -1 : 0;
        if (depth < 0)
            return ptx_complain(log, n, line, "fatal   : Parsing error near '}': syntax error");
        if ((*p & 0x80) || (*p < ' ' && !isspace((unsigned char)*p)))
            return ptx_complain(log, n, line, "fatal   : Unexpected non-ASCII character encountered");
    }
    return depth ? ptx_complain(log, n, line, "fatal   : Parsing error near end of file: syntax error") : 0;
}

/* PTX ISA 8.7 came with CUDA 12.8, the version that this driver says it is unless told otherwise; 9.0 with 13.0. */
static int ptx_check_version(const char *first, char *log, size_t n)
{
    int major = 0, minor = 0, newest = fake.version < 13000 ? 87 : 90 + fake.version % 1000 / 10;
    char what[96];
    sscanf(first, ".version %d.%d", &major, &minor);
    if (major * 10 + minor <= newest)
        return 0;
    snprintf(what, sizeof what, "fatal   : Unsupported .version %d.%d; current version is '%d.%d'", major, minor,
             newest / 10, newest % 10);
    ptx_complain(log, n, 1, what);
    return 222;
}

static int ptx_check(FakeCode *c, const char *text, int cc, char *log, size_t n)
{
    const char *first = text + strspn(text, " \t\r\n"), *target = strstr(text, ".target");
    char what[160];
    if (strncmp(first, ".version", 8) != 0)
        return ptx_complain(log, n, 1, "fatal   : Missing .version directive at start of file");
    if (ptx_check_version(first, log, n))
        return 222;
    if (!target || sscanf(target, ".target sm_%d", &c->target) != 1)
        return ptx_complain(log, n, 2, "fatal   : Missing .target directive");
    if (c->target > cc) {
        snprintf(what, sizeof what, "fatal   : SM version specified by .target is higher than default SM version "
                                    "assumed (sm_%d > sm_%d)", c->target, cc);
        return ptx_complain(log, n, 2, what);
    }
    return ptx_check_braces(text, log, n);
}

/* Text or image -> code; a CUresult. */
int ptx_load(FakeCode *c, void *mod, const char *image, int cc, char *log, size_t n)
{
    memset(c, 0, sizeof *c);
    if (strncmp(image, "\177ELF", 4) == 0) {
        c->opaque = true;
        return 0;
    }
    char *text = ptx_strip_comments(image);
    int r = ptx_check(c, text, cc, log, n);
    if (r == 0) {
        ptx_entries(c, mod, text);
        ptx_globals(c, text);
    }
    free(text);
    return r;
}
