/* text.c - a growing writer with sticky status: every printer and emitter ends here.
 *
 * The first failed allocation is kept in `failed`, what was written so far stays readable, later calls do nothing.
 * Numbers do not depend on the locale of the process.
 */
#include "base/base.h"

#include <langinfo.h>
#include <math.h>
#include <stdlib.h>

static char text_empty[1];       /* what an unused writer shows; never written to */

void nj_text_init(NjText *t)
{
    *t = (NjText){.at = text_empty};
}

void nj_text_free(NjText *t)
{
    if (t->cap)
        nj_free(t->at);
    nj_text_init(t);
}

/* Room for n more bytes and the NUL. */
static bool text_room(NjText *t, size_t n)
{
    if (t->failed)
        return false;
    if (n < t->cap && t->n < t->cap - n)
        return true;
    size_t cap = t->cap ? t->cap : 128;
    while (cap - t->n <= n && cap < SIZE_MAX / 4)
        cap *= 2;
    char *at = n < SIZE_MAX / 8 ? nj_realloc(t->cap ? t->at : NULL, cap) : NULL;
    if (!at) {
        t->failed = true;
        return false;
    }
    t->at = at;
    t->cap = cap;
    return true;
}

void nj_text_put(NjText *t, const char *s, size_t n)
{
    if (!text_room(t, n))
        return;
    memcpy(t->at + t->n, s, n);
    t->n += n;
    t->at[t->n] = '\0';
}

void nj_text_str(NjText *t, const char *s)
{
    nj_text_put(t, s, strlen(s));
}

void nj_text_char(NjText *t, char c)
{
    nj_text_put(t, &c, 1);
}

void nj_text_vfmt(NjText *t, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    if (n > 0 && text_room(t, (size_t)n)) {
        vsnprintf(t->at + t->n, (size_t)n + 1, fmt, again);
        t->n += (size_t)n;
    }
    va_end(again);
}

void nj_text_fmt(NjText *t, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    nj_text_vfmt(t, fmt, ap);
    va_end(ap);
}

void nj_text_int(NjText *t, int64_t i)
{
    char buf[24], *p = buf + sizeof buf;
    uint64_t u = i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
    do
        *--p = (char)('0' + u % 10);
    while (u /= 10);
    if (i < 0)
        *--p = '-';
    nj_text_put(t, p, (size_t)(buf + sizeof buf - p));
}

/* The locale's radix character becomes a point, and a whole number gets ".0", so that it reads as a float again. */
static void text_f64_put(NjText *t, const char *s)
{
    const char *radix = nl_langinfo(RADIXCHAR), *at = strstr(s, radix);
    if (at && *radix) {
        nj_text_put(t, s, (size_t)(at - s));
        nj_text_char(t, '.');
        nj_text_str(t, at + strlen(radix));
        return;
    }
    nj_text_str(t, s);
    if (!strchr(s, 'e'))
        nj_text_str(t, ".0");
}

void nj_text_f64(NjText *t, double x)
{
    if (isnan(x) || isinf(x)) {
        nj_text_str(t, isnan(x) ? "nan" : x < 0 ? "-inf" : "inf");
        return;
    }
    char buf[40];       /* 17 digits read back exactly (IEEE 754, 5.12.2), so the loop ends with the right ones */
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(buf, sizeof buf, "%.*g", digits, x);
        if (strtod(buf, NULL) == x)
            break;
    }
    text_f64_put(t, buf);
}

void nj_text_quote(NjText *t, const char *s, size_t n)
{
    static const char plain[] = "\"\\\n\t\r", letter[] = "\"\\ntr";
    nj_text_char(t, '"');
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        const char *p = c ? strchr(plain, c) : NULL;
        if (p) {
            nj_text_char(t, '\\');
            nj_text_char(t, letter[p - plain]);
        } else if (c < 0x20 || c >= 0x7f) {
            nj_text_fmt(t, "\\x%02x", c);
        } else {
            nj_text_char(t, (char)c);
        }
    }
    nj_text_char(t, '"');
}
