/* scan.c - the scanner under the IR's parser: words, numbers, quoted texts, types; errors with line and column. */
#include "ir/scan.h"

#include <stdlib.h>

bool nj_scan_fail(Scan *s, const char *fmt, ...)
{
    if (s->failed)
        return false;
    s->failed = true;
    char text[300];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    size_t col = (size_t)(s->at - s->line_at);
    uint16_t c = (uint16_t)(col < UINT16_MAX ? col : UINT16_MAX);
    NjLoc loc = {.line = s->line, .end_line = s->line, .col = c, .end_col = (uint16_t)(c + (c < UINT16_MAX))};
    nj_diag_add(s->diags, NJ_ERR_PARSE, "<nj>", NULL, loc, text);
    return false;
}

void nj_scan_space(Scan *s)
{
    for (;; s->at++) {
        if (*s->at == ';')
            while (*s->at && *s->at != '\n')
                s->at++;
        if (*s->at == '\n') {
            s->line++;
            s->line_at = s->at + 1;
        } else if (*s->at != ' ' && *s->at != '\t' && *s->at != '\r') {
            return;
        }
    }
}

bool nj_scan_see(Scan *s, const char *token)
{
    if (s->failed)
        return false;
    Scan before = *s;
    nj_scan_space(s);
    if (!strncmp(s->at, token, strlen(token)))
        return true;
    s->at = before.at;             /* the end of a line means something, where a value may end */
    s->line = before.line;
    s->line_at = before.line_at;
    return false;
}

bool nj_scan_take(Scan *s, const char *token)
{
    if (!nj_scan_see(s, token))
        return false;
    s->at += strlen(token);
    return true;
}

bool nj_scan_take_word(Scan *s, const char *word)
{
    if (!nj_scan_see(s, word) || scan_is_word(s->at[strlen(word)]))
        return false;
    s->at += strlen(word);
    return true;
}

bool nj_scan_need(Scan *s, const char *token)
{
    return nj_scan_take(s, token) || nj_scan_fail(s, "expected '%s'", token);
}

ScanWord nj_scan_word(Scan *s)
{
    ScanWord w = {s->at, 0};
    if (s->failed)
        return w;
    nj_scan_space(s);
    for (w.at = s->at; scan_is_word(*s->at); s->at++)
        w.n++;
    return w;
}

bool nj_scan_uint(Scan *s, uint64_t *out)
{
    *out = 0;
    if (s->failed)
        return false;
    nj_scan_space(s);
    const char *start = s->at;
    for (; *s->at >= '0' && *s->at <= '9'; s->at++) {
        unsigned digit = (unsigned)(*s->at - '0');
        if (*out > (UINT64_MAX - digit) / 10)
            return nj_scan_fail(s, "the number does not fit in 64 bits");
        *out = *out * 10 + digit;
    }
    return s->at > start || nj_scan_fail(s, "expected a number");
}

bool nj_scan_int(Scan *s, int64_t *out)
{
    uint64_t u;
    bool neg = nj_scan_take(s, "-");
    if (!nj_scan_uint(s, &u))
        return false;
    if (u > (uint64_t)INT64_MAX + neg)
        return nj_scan_fail(s, "the number does not fit in 64 bits");
    *out = (int64_t)(neg ? 0 - u : u);
    return true;
}

/* -- quoted texts -------------------------------------------------------------------------------------------------- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 'a' - 'A';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One escape, the cursor after its backslash; -1 when there is none. */
static int scan_escape(Scan *s)
{
    static const char letters[] = "\"\\ntr", chars[] = "\"\\\n\t\r";
    char c = *s->at;
    const char *p = c ? strchr(letters, c) : NULL;
    if (p) {
        s->at++;
        return chars[p - letters];
    }
    if (c != 'x' || hex_digit(s->at[1]) < 0 || hex_digit(s->at[2]) < 0)
        return -1;
    s->at += 3;
    return hex_digit(s->at[-2]) * 16 + hex_digit(s->at[-1]);
}

const char *nj_scan_quoted(Scan *s, size_t *n)
{
    if (!nj_scan_need(s, "\""))
        return NULL;
    size_t cap = strcspn(s->at, "\n") + 1, k = 0;
    const char *end = s->at;
    while (*end && *end != '"' && *end != '\n')
        end += *end == '\\' && end[1] ? 2 : 1;
    if (cap > (size_t)(end - s->at) + 1)
        cap = (size_t)(end - s->at) + 1;
    char *to = nj_arena_alloc(s->arena, cap);
    while (to && *s->at != '"') {
        int c = (unsigned char)*s->at++;
        if (!c || c == '\n') {
            s->at--;
            return nj_scan_fail(s, "the quoted text does not end"), NULL;
        }
        if (c == '\\' && (c = scan_escape(s)) < 0)
            return nj_scan_fail(s, "no such escape"), NULL;
        to[k++] = (char)c;
    }
    if (!to)
        return nj_scan_fail(s, "out of memory"), NULL;
    s->at++;
    if (n)
        *n = k;
    return to;
}

const char *nj_scan_name(Scan *s)
{
    if (nj_scan_see(s, "\""))
        return nj_scan_quoted(s, NULL);
    ScanWord w = nj_scan_word(s);
    if (!w.n)
        return nj_scan_fail(s, "expected a name"), NULL;
    char *to = nj_arena_alloc(s->arena, w.n + 1);
    if (!to)
        return nj_scan_fail(s, "out of memory"), NULL;
    memcpy(to, w.at, w.n);
    return to;
}

/* -- types --------------------------------------------------------------------------------------------------------- */

const NjType *nj_scan_type(Scan *s)
{
    if (s->failed)
        return NULL;
    nj_scan_space(s);
    NjErr err = {0};
    const NjType *t = NULL;
    const char *end = s->at;
    NjStatus st = nj_type_parse(s->types, s->at, &end, &t, &err);
    if (st || !t) {
        char *cut = strstr(err.text, " at column");      /* it counts from the type, and quotes the whole text */
        if (cut)
            *cut = 0;
        size_t n = strcspn(s->at, " \t\r\n,");
        return nj_scan_fail(s, "%s: '%.*s'", *err.text ? err.text : "no such type", (int)(n < 60 ? n : 60), s->at),
               NULL;
    }
    while (end > s->at && strchr(" \t\r\n", end[-1]))        /* the type's reader looks ahead */
        end--;
    for (; s->at < end; s->at++) {
        if (*s->at == '\n') {
            s->line++;
            s->line_at = s->at + 1;
        }
    }
    return t;
}
