/* rt.c - what compiled code calls for things that are not worth generating: print, integer power, the special
 * values of complex functions.
 *
 * In: a descriptor and slots of 8 bytes; out: one line of text, handed over whole, so that lines of several threads do
 * not mix.
 */
#include "cpu/cpu.h"

#include <complex.h>
#include <math.h>
#include <stdlib.h>

/* Set before compiled code runs, by the thread that sets up the process; read by all. */
static NjPrintFn print_fn;
static void *print_arg;

void nj_rt_set_print(NjPrintFn fn, void *arg)
{
    print_arg = arg;
    print_fn = fn;
}

/* -- numbers as Python shows them ------------------------------------------------------------------------- */

/* Shortest digits that read back the same: 17 (9 for float32) always do (IEEE 754, 5.12.2). Form: d.ddde+xx */
static void shortest(char *buf, size_t n, double x, bool f32)
{
    for (int digits = 0; digits < 17; digits++) {
        snprintf(buf, n, "%.*e", digits, x);
        if (f32 ? strtof(buf, NULL) == (float)x : strtod(buf, NULL) == x)
            return;
    }
}

static void put_zeros(NjText *t, int n)
{
    while (n-- > 0)
        nj_text_char(t, '0');
}

/* digits, the first of which is worth 10^exp, without an exponent */
static void put_fixed(NjText *t, const char *digits, int ndigit, int exp, const char *whole_tail)
{
    int before = exp + 1;                        /* digits before the point */
    if (before <= 0) {
        nj_text_str(t, "0.");
        put_zeros(t, -before);
        nj_text_put(t, digits, (size_t)ndigit);
    } else if (before >= ndigit) {
        nj_text_put(t, digits, (size_t)ndigit);
        put_zeros(t, before - ndigit);
        nj_text_str(t, whole_tail);
    } else {
        nj_text_put(t, digits, (size_t)before);
        nj_text_char(t, '.');
        nj_text_put(t, digits + before, (size_t)(ndigit - before));
    }
}

/* whole_tail: ".0" for a float, "" for a part of a complex number */
static void put_float(NjText *t, double x, bool f32, const char *whole_tail)
{
    if (isnan(x) || isinf(x)) {
        nj_text_str(t, isnan(x) ? "nan" : x < 0 ? "-inf" : "inf");
        return;
    }
    char buf[40], digits[24];
    shortest(buf, sizeof buf, fabs(x), f32);
    int n = 0;
    const char *p = buf;
    for (; *p && *p != 'e'; p++)
        if (*p >= '0' && *p <= '9')              /* skips the point, whatever the locale calls it */
            digits[n++] = *p;
    int exp = *p ? atoi(p + 1) : 0;
    if (signbit(x))
        nj_text_char(t, '-');
    if (exp >= -4 && exp < 16) {
        put_fixed(t, digits, n, exp, whole_tail);
        return;
    }
    nj_text_char(t, digits[0]);
    if (n > 1) {
        nj_text_char(t, '.');
        nj_text_put(t, digits + 1, (size_t)(n - 1));
    }
    nj_text_fmt(t, "e%c%02d", exp < 0 ? '-' : '+', abs(exp));
}

static void put_complex(NjText *t, double re, double im)
{
    bool real = re != 0 || signbit(re) || isnan(re);
    if (real) {
        nj_text_char(t, '(');
        put_float(t, re, false, "");
        if (!signbit(im) || isnan(im))
            nj_text_char(t, '+');
    }
    put_float(t, im, false, "");
    nj_text_str(t, real ? "j)" : "j");
}

/* -- print ------------------------------------------------------------------------------------------------------- */

static double slot_f64(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, 8);
    return x;
}

static double slot_f32(uint64_t bits)
{
    uint32_t low = (uint32_t)bits;
    float x;
    memcpy(&x, &low, 4);
    return x;
}

/* Python's repr() of a str, for items of tuples; bytes above 0x7f are UTF-8 and stay. */
static void put_quoted(NjText *t, const char *p, size_t n)
{
    static const char special[] = "\n\r\t\\", letter[] = "nrt\\";
    char q = memchr(p, '\'', n) && !memchr(p, '"', n) ? '"' : '\'';
    nj_text_char(t, q);
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)p[i];
        const char *at = c ? strchr(special, c) : NULL;
        if (at || c == (unsigned char)q) {
            nj_text_char(t, '\\');
            nj_text_char(t, at ? letter[at - special] : q);
        } else if (c < 0x20 || c == 0x7f) {
            nj_text_fmt(t, "\\x%02x", c);
        } else {
            nj_text_char(t, (char)c);
        }
    }
    nj_text_char(t, q);
}

/* What is still to be printed. */
typedef struct Print { NjText *t; const char *desc; const uint64_t *slots; } Print;

static void put_scalar(Print *p, char what, bool in_tuple)
{
    const uint64_t *s = p->slots;
    NjText *t = p->t;
    switch (what) {
    case 'b': nj_text_str(t, *s & 1 ? "True" : "False"); break;
    case 'i': nj_text_int(t, (int64_t)*s); break;
    case 'u': nj_text_fmt(t, "%llu", (unsigned long long)*s); break;
    case 'f': put_float(t, slot_f64(*s), false, ".0"); break;
    case 'g': put_float(t, slot_f32(*s), true, ".0"); break;
    case 'c': put_complex(t, slot_f64(s[0]), slot_f64(s[1])); break;
    case 's': (in_tuple ? put_quoted : nj_text_put)(t, (const char *)(uintptr_t)s[0], (size_t)s[1]); break;
    case 'n': nj_text_str(t, "None"); break;
    }
    p->slots += what == 'c' || what == 's' ? 2 : what == 'n' ? 0 : 1;
}

/* Items up to the closing parenthesis, or to the end for the line itself. */
static void put_items(Print *p, bool in_tuple)
{
    int n = 0;
    for (; *p->desc && *p->desc != ')'; n++) {
        if (n)
            nj_text_str(p->t, in_tuple ? ", " : " ");
        char what = *p->desc++;
        if (what != '(') {
            put_scalar(p, what, in_tuple);
            continue;
        }
        nj_text_char(p->t, '(');
        put_items(p, true);
        p->desc += *p->desc == ')';
        nj_text_char(p->t, ')');
    }
    if (in_tuple && n == 1)
        nj_text_char(p->t, ',');
}

void nj_rt_print(const char *desc, const uint64_t *slots)
{
    NjText t;
    nj_text_init(&t);
    put_items(&(Print){ &t, desc, slots }, false);
    nj_text_char(&t, '\n');
    if (!t.failed && print_fn)
        print_fn(print_arg, t.at, t.n);
    else if (!t.failed)
        fwrite(t.at, 1, t.n, stdout);
    nj_text_free(&t);
}

/* -- exceptions ---------------------------------------------------------------------------------------------------- */

static _Thread_local struct { int64_t index, size; bool there; } bounds;

void nj_rt_bounds(int64_t index, int64_t size)
{
    bounds.index = index;
    bounds.size = size;
    bounds.there = true;
}

bool nj_rt_bounds_take(int64_t *index, int64_t *size)
{
    bool there = bounds.there;
    *index = bounds.index;
    *size = bounds.size;
    bounds.there = false;
    return there;
}

/* -- integers ------------------------------------------------------------------------------------------------------ */

uint64_t nj_rt_pow_u64(uint64_t base, uint64_t exp)
{
    uint64_t r = 1;
    for (; exp; exp >>= 1, base *= base)
        if (exp & 1)
            r *= base;
    return r;
}

int64_t nj_rt_pow_i64(int64_t base, int64_t exp)
{
    if (exp >= 0)
        return (int64_t)nj_rt_pow_u64((uint64_t)base, (uint64_t)exp);
    if (base == 1 || base == -1)
        return base == 1 || exp % 2 == 0 ? 1 : -1;
    return 0;                                    /* 0 ** -1, too: compiled code raises before it comes here */
}

/* -- complex functions, where host/lower/cmath.c's formulas do not reach ------------------------------------ */

void nj_rt_cmath(int32_t which, double *z)
{
    static double complex (*const functions[])(double complex) = {
        csqrt, cexp, clog, csin, ccos, ctan, csinh, ccosh, ctanh, casin, cacos, catan, casinh, cacosh, catanh};
    double complex x;
    memcpy(&x, z, sizeof x);
    x = functions[which](x);
    memcpy(z, &x, sizeof x);
}
