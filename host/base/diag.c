/* diag.c - what is wrong with the user's program: collected while compiling, rendered once.
 *
 * In: a row of errors.def, its arguments and a place. Out: text like a modern compiler's, with the source line, a caret
 * line under the sub-expression, and notes that show their own lines:
 *
 *     blur.py:12: TypingError: no operation '+' for float64 and unicode
 *       in blur_row
 *        12 |     acc = acc + name
 *           |           ^^^^^^^^^^
 *     note: name is unicode here (line 9)
 *         9 |     name = "x"
 *           |     ^^^^
 */
#include "base/base.h"

/* -- the table ----------------------------------------------------------------------------------- */

typedef struct ErrRow { const char *name, *exc, *fmt; } ErrRow;

static const ErrRow err_rows[NJ_ERR_COUNT] = {
    [NJ_ERR_NONE] = {"NONE", "", ""},
#define ERR(code, exc, text) [NJ_ERR_##code] = {#code, #exc, text},
#include "errors.def"
#undef ERR
};

static const ErrRow *err_row(NjErrCode code)
{
    return &err_rows[(unsigned)code < NJ_ERR_COUNT ? code : NJ_ERR_NONE];
}

const char *nj_err_name(NjErrCode code)
{
    return err_row(code)->name;
}

const char *nj_err_exc(NjErrCode code)
{
    return err_row(code)->exc;
}

const char *nj_err_fmt(NjErrCode code)
{
    return err_row(code)->fmt;
}

/* -- collecting ---------------------------------------------------------------------------------- */

static const char *diag_vprintf(NjArena *a, const char *fmt, va_list ap)
{
    NjText t;
    nj_text_init(&t);
    nj_text_vfmt(&t, fmt, ap);
    const char *s = nj_arena_copy(a, t.at, t.n + 1);
    nj_text_free(&t);
    return s ? s : "";
}

static bool diag_same_str(const char *x, const char *y)
{
    return x == y || (x && y && !strcmp(x, y));
}

/* An unknown place does not tell two findings apart, so there the text must be the same too. */
static NjDiag *diag_find(const NjDiags *d, const NjDiag *g)
{
    for (uint32_t i = 0; i < d->list.n; i++) {
        NjDiag *h = d->list.at[i];
        if (h->code == g->code && diag_same_str(h->file, g->file) && !memcmp(&h->loc, &g->loc, sizeof g->loc) &&
            (g->loc.line || (diag_same_str(h->func, g->func) && !strcmp(h->text, g->text))))
            return h;
    }
    return NULL;
}

static const char *diag_keep(NjArena *a, const char *s)
{
    return s ? nj_arena_str(a, s) : NULL;
}

NjDiag *nj_diag_add(NjDiags *d, NjErrCode code, const char *file, const char *func, NjLoc loc, ...)
{
    NjDiag *g = NJ_NEW(d->arena, NjDiag);
    va_list ap;
    va_start(ap, loc);
    g->text = diag_vprintf(d->arena, nj_err_fmt(code), ap);
    va_end(ap);
    g->code = code;
    g->file = file;
    g->func = func;
    g->loc = loc;
    NjDiag *known = diag_find(d, g);
    if (known)
        return known;
    g->file = diag_keep(d->arena, file);
    g->func = diag_keep(d->arena, func);
    (void)nj_vec_push(d->arena, &d->list, g);       /* lost only when memory is: the runner says so then */
    return g;
}

void nj_diag_note(NjDiags *d, NjDiag *g, const char *file, NjLoc loc, const char *fmt, ...)
{
    NjNote note = {.file = diag_keep(d->arena, file), .loc = loc};
    va_list ap;
    va_start(ap, fmt);
    note.text = diag_vprintf(d->arena, fmt, ap);
    va_end(ap);
    for (uint32_t i = 0; i < g->notes.n; i++)
        if (g->notes.at[i].loc.line == loc.line && !strcmp(g->notes.at[i].text, note.text))
            return;
    (void)nj_vec_push(d->arena, &g->notes, note);
}

/* -- rendering ----------------------------------------------------------------------------------- */

enum { TAB = 8 };

/* Decodes one character; a broken sequence counts as one byte. */
static size_t utf8_next(const char *s, uint32_t *c)
{
    const unsigned char *u = (const unsigned char *)s;
    size_t n = u[0] < 0xc0 ? 1 : u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;
    *c = n == 1 ? u[0] : u[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((u[i] & 0xc0) != 0x80) {
            *c = u[0];
            return 1;
        }
        *c = *c << 6 | (u[i] & 0x3f);
    }
    return n;
}

/* Columns on a terminal: combining marks take none, East Asian wide characters and emoji two. */
static unsigned char_width(uint32_t c)
{
    static const struct { uint32_t lo, hi; unsigned width; } rows[] = {
        {0x0300, 0x036f, 0}, {0x200b, 0x200f, 0}, {0xfe00, 0xfe0f, 0}, {0x1100, 0x115f, 2}, {0x2e80, 0xa4cf, 2},
        {0xac00, 0xd7a3, 2}, {0xf900, 0xfaff, 2}, {0xfe30, 0xfe6f, 2}, {0xff00, 0xff60, 2}, {0xffe0, 0xffe6, 2},
        {0x1f300, 0x1faff, 2}, {0x20000, 0x3fffd, 2},
    };
    for (size_t i = 0; i < NJ_COUNT(rows); i++)
        if (c >= rows[i].lo && c <= rows[i].hi)
            return rows[i].width;
    return 1;
}

/* The terminal column where byte `col` of the line starts. */
static unsigned line_column(const char *s, size_t col)
{
    unsigned x = 0;
    for (size_t i = 0; s[i] && i < col;) {
        uint32_t c;
        i += utf8_next(s + i, &c);
        x = c == '\t' ? (x / TAB + 1) * TAB : x + char_width(c);
    }
    return x;
}

static void put_spaces(NjText *out, unsigned n, char c)
{
    while (n--)
        nj_text_char(out, c);
}

/* Tabs become spaces, so that the carets below stand right whatever the terminal does with them. */
static void put_line(NjText *out, const char *s)
{
    unsigned x = 0;
    for (size_t i = 0, n; s[i]; i += n) {
        uint32_t c;
        n = utf8_next(s + i, &c);
        unsigned next = c == '\t' ? (x / TAB + 1) * TAB : x + char_width(c);
        if (c == '\t')
            put_spaces(out, next - x, ' ');
        else if (c >= ' ')
            nj_text_put(out, s + i, n);
        x = next;
    }
    nj_text_char(out, '\n');
}

static size_t line_end(const char *s)
{
    size_t n = strlen(s);
    while (n && (s[n - 1] == ' ' || s[n - 1] == '\t' || s[n - 1] == '\r'))
        n--;
    return n;
}

/* A span of several lines is shown on its first. No columns (3.10 has none): no carets. */
static void put_carets(NjText *out, const char *s, NjLoc loc)
{
    size_t end = loc.end_line > loc.line ? line_end(s) : loc.end_col;
    if (end > strlen(s))
        end = line_end(s);
    if (loc.end_col == 0 && loc.end_line <= loc.line)
        return;
    if (end <= loc.col)
        end = (size_t)loc.col + 1;
    unsigned from = line_column(s, loc.col), to = line_column(s, end);
    nj_text_str(out, "         | ");
    put_spaces(out, from, ' ');
    put_spaces(out, to > from ? to - from : 1, '^');
    nj_text_char(out, '\n');
}

static void put_source(NjText *out, const char *file, NjLoc loc, NjSourceFn source, void *arg)
{
    const char *s = source && file && loc.line ? source(arg, file, loc.line) : NULL;
    if (!s)
        return;
    nj_text_fmt(out, "%8u | ", loc.line);
    put_line(out, s);
    put_carets(out, s, loc);
}

static void put_note(NjText *out, const NjDiag *g, const NjNote *n, NjSourceFn source, void *arg)
{
    nj_text_fmt(out, "note: %s", n->text);
    const char *file = n->file ? n->file : g->file;
    if (n->loc.line && !diag_same_str(file, g->file))
        nj_text_fmt(out, " (%s:%u)", file, n->loc.line);
    else if (n->loc.line)
        nj_text_fmt(out, " (line %u)", n->loc.line);
    nj_text_char(out, '\n');
    if (n->loc.line != g->loc.line || n->loc.col != g->loc.col || !diag_same_str(file, g->file))
        put_source(out, file, n->loc, source, arg);
}

static void put_diag(NjText *out, const NjDiag *g, NjSourceFn source, void *arg)
{
    if (g->file && g->loc.line)
        nj_text_fmt(out, "%s:%u: ", g->file, g->loc.line);
    else if (g->file)
        nj_text_fmt(out, "%s: ", g->file);
    nj_text_fmt(out, "%s: %s\n", nj_err_exc(g->code), g->text);
    if (g->func)
        nj_text_fmt(out, "  in %s\n", g->func);
    put_source(out, g->file, g->loc, source, arg);
    for (uint32_t i = 0; i < g->notes.n; i++)
        put_note(out, g, &g->notes.at[i], source, arg);
}

void nj_diag_render(const NjDiags *d, NjText *out, NjSourceFn source, void *arg)
{
    for (uint32_t i = 0; i < d->list.n; i++) {
        if (i)
            nj_text_char(out, '\n');
        put_diag(out, d->list.at[i], source, arg);
    }
}
