/* print.c - print(): its items as letters, its numbers as operands, its texts in the constant (see emit/print.c). */
#include "lower/lower.h"

typedef struct Printed {
    NjLow *l;
    NjText letters;
    NjRef args[128];
    unsigned nargs;
    const NjConst *texts[64];
    unsigned ntexts;
} Printed;

static void put_scalar(Printed *p, NjRef x)
{
    if (p->nargs < NJ_COUNT(p->args))
        p->args[p->nargs++] = x;
}

static void put_text(Printed *p, const NjConst *k)
{
    if (!k || k->kind != NJ_C_STR || p->ntexts >= NJ_COUNT(p->texts)) {
        nj_low_nyi(p->l, "printing a string that is no constant");
        return;
    }
    nj_text_char(&p->letters, 's');
    p->texts[p->ntexts++] = k;
}

static void put_item(Printed *p, NjParts x, const NjConst *k);

static void put_tuple(Printed *p, NjParts x, const NjConst *k)
{
    nj_text_char(&p->letters, '(');
    for (uint32_t i = 0; i < x.type->nelem; i++)
        put_item(p, nj_low_sub(p->l, x, i), k && k->kind == NJ_C_TUPLE ? k->tuple.at[i] : NULL);
    nj_text_char(&p->letters, ')');
}

static void put_complex(Printed *p, NjParts x)
{
    x = nj_low_cast(p->l, x, nj_type_complex(p->l->ts, 128));
    nj_text_char(&p->letters, 'c');
    put_scalar(p, x.at[0]);
    put_scalar(p, x.at[1]);
}

static void put_item(Printed *p, NjParts x, const NjConst *k)
{
    char letter = 0;
    switch (x.type->kind) {
    case NJ_K_BOOL:    letter = 'b'; break;
    case NJ_K_INT:     letter = 'i'; break;
    case NJ_K_UINT:    letter = 'u'; break;
    case NJ_K_FLOAT:   letter = x.type->bits == 32 ? 'g' : 'f'; break;
    case NJ_K_NONE:    nj_text_char(&p->letters, 'n'); return;
    case NJ_K_STR:     put_text(p, k); return;
    case NJ_K_TUPLE:   put_tuple(p, x, k); return;
    case NJ_K_COMPLEX: put_complex(p, x); return;
    default:
        nj_low_nyi(p->l, nj_arena_printf(p->l->arena, "printing %s", x.type->name));
        return;
    }
    nj_text_char(&p->letters, letter);
    put_scalar(p, x.at[0]);
}

static const NjConst *print_const(Printed *p)
{
    NjArena *a = p->l->arena;
    NjConst *desc = NJ_NEW(a, NjConst), *all = NJ_NEW(a, NjConst);
    const NjConst **at = NJ_NEWN(a, const NjConst *, p->ntexts + 1);
    *desc = (NjConst){.kind = NJ_C_STR, .str = {nj_arena_str(a, p->letters.at ? p->letters.at : ""), p->letters.n}};
    at[0] = desc;
    memcpy(at + 1, p->texts, p->ntexts * sizeof *at);
    *all = (NjConst){.kind = NJ_C_TUPLE, .tuple = {.at = at, .n = p->ntexts + 1}};
    return all;
}

NjParts nj_lower_print(NjLow *l, const NjArgs *a, int arg)
{
    Printed p = {.l = l};
    nj_text_init(&p.letters);
    for (uint32_t i = 0; i < a->n; i++)
        put_item(&p, nj_low_get(l, a->at[i]), nj_low_static(l, a->at[i]));
    NjRef r = nj_emit(&l->at, NJ_OP_print, 0, NULL, p.nargs, p.args);
    nj_val(l->f, r)->imm.k = print_const(&p);
    nj_text_free(&p.letters);
    return nj_low_zeros(l, a->type);
}
