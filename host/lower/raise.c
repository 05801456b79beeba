/* raise.c - exceptions become rows of the unit's table and a `raise` that leaves with the row's number (D6).
 *
 * In: py.raise values, and checks that other files of this room ask for. Out: NjExc rows, raise terminators, the branches to them.
 */
#include "lower/lower.h"

static void raise_row(NjLow *l, NjExc e)
{
    const NjCode *c = l->py->code;
    e.loc = l->at.loc;
    e.file = c ? c->file : l->py->file;
    e.func = c ? c->name : l->py->pyname;
    uint32_t row = nj_unit_exc(l->u, &e) - 1;
    nj_emit0(&l->at, NJ_OP_raise, NULL, row);
    l->f->may_raise = true;
}

void nj_low_raise(NjLow *l, const char *exc, const char *text) { raise_row(l, (NjExc){.exc = exc, .text = text}); }

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

/* -- raise statements ---------------------------------------------------------------------------------------------- */

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

/* raise X, raise X("text"); the class may come through a name. */
void nj_low_py_raise(NjLow *l, NjRef r)
{
    const NjVal *v = nj_val(l->py, r);
    NjRef what = v->nargs ? v->args[0] : NJ_NOREF;
    const NjVal *w = what ? nj_val(l->py, what) : NULL;
    const char *text = NULL;
    if (w && w->op == NJ_OP_py_call) {
        const NjConst *arg = w->nargs > 1 ? nj_low_static(l, w->args[1]) : NULL;
        text = arg ? const_text(l, arg) : NULL;
        what = w->args[0];
    }
    const NjConst *k = what ? nj_low_static(l, what) : NULL;
    if (!k || k->kind != NJ_C_EXC) {
        nj_low_nyi(l, "raising what is not an exception class or a call of one");
        nj_emit0(&l->at, NJ_OP_unreachable, NULL, 0);
        return;
    }
    raise_row(l, (NjExc){.exc = k->name, .object = k->object, .text = text});
}
