/* raise.c - exceptions become rows of the unit's table and a `raise` that leaves with the row's number.
 *
 * In: py.raise values, and checks that other files of this room ask for. Out: NjExc rows, raise terminators, the
 * branches to them.
 */
#include "lower/lower.h"

static void raise_row(NjLow *l, NjExc e, unsigned nargs, const NjRef *args)
{
    const NjCode *c = l->py->code;
    e.loc = l->at.loc;
    e.file = c ? c->file : l->py->file;
    e.func = c ? c->name : l->py->pyname;
    uint32_t row = nj_unit_exc(l->u, &e) - 1;
    NjRef r = nj_emit(&l->at, NJ_OP_raise, 0, NULL, nargs, args);
    nj_val(l->f, r)->imm.i = row;
    l->f->may_raise = true;
}

void nj_low_raise(NjLow *l, const char *exc, const char *text)
{
    raise_row(l, (NjExc){.exc = exc, .text = text}, 0, NULL);
}

void nj_low_raise_bounds_if(NjLow *l, NjRef cond, NjRef index, NjRef size, unsigned axis)
{
    NjBlkId bad = nj_low_blk(l), good = nj_low_blk(l);
    NjExc e = {.exc = "IndexError", .text = nj_arena_printf(l->arena, NJ_BOUNDS_TEXT "%u", axis)};
    nj_low_condbr(l, cond, bad, good);
    nj_low_enter(l, bad);
    raise_row(l, e, 2, (NjRef[]){index, size});
    nj_low_enter(l, good);
}

void nj_low_raise_if(NjLow *l, NjRef cond, const char *exc, const char *text)
{
    int64_t k;
    if (nj_low_known(l, cond, &k) && !k)
        return;
    NjBlkId bad = nj_low_blk(l), good = nj_low_blk(l);
    nj_low_condbr(l, cond, bad, good);
    nj_low_enter(l, bad);
    nj_low_raise(l, exc, text);
    nj_low_enter(l, good);
}

bool nj_low_python_errors(const NjLow *l)
{
    NjErrorModel m = l->py->code ? l->py->code->opts.error_model : l->py->opts.error_model;
    return !l->quiet && m == NJ_ERRORS_PYTHON && (l->u->target->raises || l->u->opts.debug);
}

/* -- raise statements ------------------------------------------------------------------------- */

static const char *const_text(NjLow *l, const NjConst *k)
{
    NjText t;
    nj_text_init(&t);
    switch (k->kind) {
    case NJ_C_STR: case NJ_C_BIGINT: nj_text_put(&t, k->str.text, k->str.n); break;
    case NJ_C_INT:   nj_text_int(&t, k->i); break;
    case NJ_C_UINT:  nj_text_fmt(&t, "%llu", (unsigned long long)k->u); break;
    case NJ_C_FLOAT: nj_text_f64(&t, k->f); break;
    case NJ_C_BOOL:  nj_text_str(&t, k->b ? "True" : "False"); break;
    case NJ_C_NONE:  nj_text_str(&t, "None"); break;
    default: break;
    }
    const char *out = t.n || k->kind == NJ_C_STR ? nj_arena_str(l->arena, t.at ? t.at : "") : NULL;
    nj_text_free(&t);
    return out;
}

/* The constants behind a class in a raise; NULL when one of them is none. */
static const NjConst *const *raise_args(NjLow *l, const NjRef *at, uint32_t n)
{
    const NjConst **out = NJ_NEWN(l->arena, const NjConst *, n + 1);
    for (uint32_t i = 0; i < n; i++)
        if (!(out[i] = nj_low_static(l, at[i])))
            return NULL;
    return out;
}

/* raise X, raise X("text", 3); the class may come through a name. */
void nj_low_py_raise(NjLow *l, NjRef r)
{
    const NjVal *v = nj_val(l->py, r), *call = v->nargs == 1 ? nj_val(l->py, v->args[0]) : NULL;
    if (call && call->op == NJ_OP_py_call)
        v = call;
    const NjConst *k = v->nargs ? nj_low_static(l, v->args[0]) : NULL;
    const NjConst *const *args = k && k->kind == NJ_C_EXC ? raise_args(l, v->args + 1, v->nargs - 1) : NULL;
    if (!args) {
        nj_low_nyi(l, "raising what is not an exception class or a call of one with constants");
        nj_emit0(&l->at, NJ_OP_unreachable, NULL, 0);
        return;
    }
    raise_row(l, (NjExc){.exc = k->name, .object = k->object, .args = args, .nargs = v->nargs - 1,
                         .text = v->nargs > 1 ? const_text(l, args[0]) : NULL}, 0, NULL);
}
