/* print.c - print() in compiled code: its values laid out in 8-byte slots.
 *
 * The operation's constant is a tuple: what nj_rt_print calls `desc` (a letter for each item), then the texts. The
 * slots lie in the entry block's stack, so that a print in a loop does not grow it. The CPU's run time takes desc and
 * slots; CUDA's vprintf takes the same slots behind a format made from desc.
 */
#include "emit/emit.h"

static const NjConst *print_text(const NjVal *v, unsigned i) { return v->imm.k->tuple.at[i]; }

/* Slots of one letter, with texts as slots or not. */
static unsigned letter_slots(char c, bool texts)
{
    switch (c) {
    case 'b': case 'i': case 'u': case 'f': case 'g': return 1;
    case 'c': return 2;
    case 's': return texts ? 2 : 0;
    default: return 0;
    }
}

unsigned nj_emit_print_nslots(const NjVal *v)
{
    unsigned n = 0;
    for (const char *p = print_text(v, 0)->str.text; *p; p++)
        n += letter_slots(*p, true);
    return n ? n : 1;
}

static const char *slot_at(NjEmit *e, NjRef r, unsigned i, const char *type)
{
    const char *at = nj_emit_tmp(e), *i64p = nj_emit_ptr(e, "i64", 0);
    nj_emit_line(e, "%s = getelementptr inbounds i64, %s %%print%u, i64 %u", at, i64p, (unsigned)r, i);
    if (!e->typed || !strcmp(type, "i64"))
        return at;
    const char *cast = nj_emit_tmp(e);
    nj_emit_line(e, "%s = bitcast i64* %s to %s*", cast, at, type);
    return cast;
}

static void put_slot(NjEmit *e, NjRef r, unsigned i, const char *type, const char *x)
{
    const char *at = slot_at(e, r, i, type);
    nj_emit_line(e, "store %s %s, %s %s, align 8", type, x, nj_emit_ptr(e, type, 0), at);
}

static void put_number(NjEmit *e, NjRef r, unsigned i, NjRef arg, bool wide_floats)
{
    const NjType *t = nj_val(e->f, arg)->type;
    const char *type = nj_emit_type(e, t), *x = nj_emit_val(e, arg);
    bool narrow = t->kind == NJ_K_FLOAT ? t->bits == 32 && wide_floats : t->bits < 64;
    if (narrow) {
        const char *word = t->kind == NJ_K_FLOAT ? "fpext" : t->kind == NJ_K_INT ? "sext" : "zext", *y = nj_emit_tmp(e);
        const char *to = t->kind == NJ_K_FLOAT ? "double" : "i64";
        nj_emit_line(e, "%s = %s %s %s to %s", y, word, type, x, to);
        type = to;
        x = y;
    }
    put_slot(e, r, i, type, x);
}

void nj_emit_print_slots(NjEmit *e, NjRef r, bool texts, bool wide_floats)
{
    const NjVal *v = nj_val(e->f, r);
    unsigned slot = 0, arg = 0, text = 1;
    for (const char *p = print_text(v, 0)->str.text; *p; p++) {
        if (*p == 's') {
            const NjConst *k = print_text(v, text++);
            if (!texts)
                continue;
            put_slot(e, r, slot++, "ptr", nj_emit_string(e, k->str.text, k->str.n));
            put_slot(e, r, slot++, "i64", nj_arena_printf(e->arena, "%zu", k->str.n));
            continue;
        }
        for (unsigned n = letter_slots(*p, texts); n; n--)
            put_number(e, r, slot++, v->args[arg++], wide_floats);
    }
}

/* -- C's format ------------------------------------------------------------------------------- */

static void format_text(NjText *out, const NjConst *k)
{
    for (size_t i = 0; i < k->str.n; i++) {
        if (k->str.text[i] == '%')
            nj_text_char(out, '%');
        nj_text_char(out, k->str.text[i]);
    }
}

static void format_letter(NjText *out, char c, const NjVal *v, unsigned *text)
{
    switch (c) {
    case 'b': case 'i': nj_text_str(out, "%lld"); break;
    case 'u': nj_text_str(out, "%llu"); break;
    case 'f': case 'g': nj_text_str(out, "%f"); break;
    case 'c': nj_text_str(out, "(%f%+fj)"); break;
    case 'n': nj_text_str(out, "None"); break;
    case 's': format_text(out, print_text(v, (*text)++)); break;
    default: nj_text_char(out, c); break;
    }
}

const char *nj_emit_print_format(NjEmit *e, NjRef r)
{
    const NjVal *v = nj_val(e->f, r);
    NjText out;
    nj_text_init(&out);
    unsigned text = 1, depth = 0;
    char before = 0;
    for (const char *p = print_text(v, 0)->str.text; *p; before = *p++) {
        if (before && before != '(' && *p != ')')
            nj_text_str(&out, depth ? ", " : " ");
        depth += (*p == '(') - (*p == ')');
        format_letter(&out, *p, v, &text);
    }
    nj_text_char(&out, '\n');
    const char *s = nj_emit_string(e, out.at ? out.at : "", out.n);
    nj_text_free(&out);
    return s;
}
