/* print.c - a function as text: what dumps show, golden files hold and parse.c reads back. The grammar is doc/ir.txt.
 *
 * In: any function, also a broken one, since the verifier prints those. Out: text; the same function always gives
 * the same. Values keep their numbers (%5 is vals.at[5]); constants stand where they are used; `nop`s are not
 * shown.
 */
#include "ir/scan.h"
#include "run/unit.h"

typedef struct Out { NjText *t; const NjFn *f; bool locs; NjNoteFn note; void *arg; } Out;

/* -- names, types -------------------------------------------------------------------------------------------------- */

static bool name_is_plain(const char *s)
{
    if (!*s || (*s >= '0' && *s <= '9') || *s == '.')
        return false;
    while (scan_is_word(*s))
        s++;
    return !*s;
}

static void put_name(NjText *t, const char *s)
{
    if (!s)
        s = "?";
    if (name_is_plain(s))
        nj_text_str(t, s);
    else
        nj_text_quote(t, s, strlen(s));
}

static void put_type(NjText *t, const NjType *type, const char *before)
{
    if (type) {
        nj_text_str(t, before);
        nj_text_str(t, type->code);
    }
}

/* -- constants ----------------------------------------------------------------------------------------------------- */

static void put_float(NjText *t, double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    if (x != x && bits != 0x7ff8000000000000u)
        nj_text_fmt(t, "nan(0x%016llx)", (unsigned long long)bits);
    else
        nj_text_f64(t, x);
}

static void put_array(NjText *t, const NjConst *k)
{
    nj_text_str(t, "<array ");
    nj_text_str(t, k->type ? k->type->code : "?");
    for (unsigned i = 0; k->type && k->array.shape && i < k->type->ndim; i++) {
        nj_text_char(t, i ? 'x' : ' ');
        nj_text_int(t, k->array.shape[i]);
    }
    if (k->array.data) {
        nj_text_str(t, " 0x");
        for (size_t i = 0; i < k->array.nbytes; i++)
            nj_text_fmt(t, "%02x", ((const uint8_t *)k->array.data)[i]);
    }
    nj_text_char(t, '>');
}

static void put_const(NjText *t, const NjConst *k, const NjType *type);

static void put_tuple(NjText *t, const NjConst *k)
{
    nj_text_char(t, '(');
    for (uint32_t i = 0; i < k->tuple.n; i++) {
        if (i)
            nj_text_str(t, ", ");
        if (k->tuple.names)
            nj_text_fmt(t, "%s=", k->tuple.names[i]);
        const NjConst *e = k->tuple.at[i];
        put_const(t, e, e->kind == NJ_C_TYPE || e->kind == NJ_C_ARRAY ? NULL : e->type);
    }
    nj_text_str(t, k->tuple.n == 1 ? ",)" : ")");
}

static void put_object(NjText *t, const char *what, const char *name)
{
    nj_text_char(t, '<');
    nj_text_str(t, what);
    nj_text_char(t, ' ');
    put_name(t, name);
    nj_text_char(t, '>');
}

static void put_intrin(NjText *t, uint16_t intrin)
{
    char buf[64];
    nj_text_fmt(t, "<%s>", nj_intrin_text(intrin, buf));
}

static void put_const(NjText *t, const NjConst *k, const NjType *type)
{
    switch (k->kind) {
    case NJ_C_NONE: nj_text_str(t, "None"); break;
    case NJ_C_ELLIPSIS: nj_text_str(t, "..."); break;
    case NJ_C_BOOL: nj_text_str(t, k->b ? "true" : "false"); break;
    case NJ_C_INT:
        if (nj_type_is(type, NJ_K_UINT))
            nj_text_fmt(t, "%llu", (unsigned long long)k->u);
        else
            nj_text_int(t, k->i);
        break;
    case NJ_C_UINT: nj_text_fmt(t, "%llu", (unsigned long long)k->u); break;
    case NJ_C_BIGINT: nj_text_put(t, k->str.text, k->str.n); break;
    case NJ_C_FLOAT: put_float(t, k->f); break;
    case NJ_C_COMPLEX:
        nj_text_str(t, "complex(");
        put_float(t, k->c[0]);
        nj_text_str(t, ", ");
        put_float(t, k->c[1]);
        nj_text_char(t, ')');
        break;
    case NJ_C_STR: nj_text_quote(t, k->str.text, k->str.n); break;
    case NJ_C_TUPLE: put_tuple(t, k); break;
    case NJ_C_TYPE: nj_text_fmt(t, "<type %s>", k->type ? k->type->code : "?"); break;
    case NJ_C_INTRIN: put_intrin(t, k->intrin); break;
    case NJ_C_ARRAY: put_array(t, k); break;
    case NJ_C_MODULE: put_object(t, "module", k->name); break;
    case NJ_C_FUNC: put_object(t, "func", k->code ? k->code->qualname : k->name); break;
    case NJ_C_EXC: put_object(t, "exc", k->name); break;
    case NJ_C_OBJECT: put_object(t, "object", k->name); break;
    case NJ_C_MISSING: put_object(t, "missing", k->name); break;
    }
    put_type(t, type, ":");
}

/* -- values -------------------------------------------------------------------------------------------------------- */

static void put_ref(NjText *t, const NjFn *f, NjRef r)
{
    const NjVal *v = r < f->vals.n ? nj_val(f, r) : NULL;
    if (!r) {
        nj_text_char(t, '_');
    } else if (v && v->op == NJ_OP_const && v->blk == NJ_NOBLK && v->imm.k) {
        put_const(t, v->imm.k, v->type);
    } else if (v && v->op == NJ_OP_undef && v->blk == NJ_NOBLK) {
        nj_text_str(t, "undef");
        put_type(t, v->type, ":");
    } else {
        nj_text_fmt(t, "%%%u", r);
    }
}

static void put_refs(NjText *t, const NjFn *f, const NjRef *refs, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (i)
            nj_text_str(t, ", ");
        put_ref(t, f, refs[i]);
    }
}

static void put_phi(NjText *t, const NjFn *f, const NjVal *v)
{
    const NjBlk *b = v->blk < f->blks.n ? nj_blk(f, v->blk) : NULL;
    nj_text_str(t, " [");
    for (uint32_t i = 0; i < v->nargs; i++) {
        nj_text_str(t, i ? ", " : "");
        if (b && i < b->preds.n)
            nj_text_fmt(t, "b%u: ", b->preds.at[i]);
        else
            nj_text_str(t, "b?: ");
        put_ref(t, f, v->args[i]);
    }
    nj_text_char(t, ']');
}

static const char *callee_symbol(const NjCallee *q)
{
    return q && q->spec && q->spec->symbol ? q->spec->symbol : "?";
}

/* ` => what` after inference: the function and its bound arguments, the intrinsic, or the type. */
static void put_callee(NjText *t, const NjFn *f, const NjCallee *q)
{
    if (q->spec) {
        nj_text_str(t, " => @");
        put_name(t, callee_symbol(q));
        nj_text_char(t, '(');
        put_refs(t, f, q->bound, q->nbound);
        nj_text_char(t, ')');
    } else if (q->intrin) {
        nj_text_str(t, " => ");
        put_intrin(t, q->intrin);
    } else if (q->cast) {
        nj_text_str(t, " => ");
        put_const(t, q->cast, NULL);
    }
}

static void put_py_call(NjText *t, const NjFn *f, const NjVal *v)
{
    const NjCallee *q = v->imm.callee;
    uint32_t nkw = q ? q->nkw : 0;
    for (uint32_t i = 0; i < v->nargs; i++) {
        nj_text_str(t, i ? ", " : " ");
        if (i + nkw >= v->nargs)
            nj_text_fmt(t, "%s=", q->kwnames[i + nkw - v->nargs]);
        put_ref(t, f, v->args[i]);
    }
    if (q)
        put_callee(t, f, q);
}

/* The operands of everything without a form of its own, then the immediate. */
static void put_operands(NjText *t, const NjFn *f, const NjVal *v)
{
    const char *sep = " ";
    if (v->op == NJ_OP_call) {
        nj_text_str(t, " @");
        put_name(t, callee_symbol(v->imm.callee));
        sep = ", ";
    }
    if (v->nargs) {
        nj_text_str(t, sep);
        put_refs(t, f, v->args, v->nargs);
        sep = ", ";
    }
    if (v->op == NJ_OP_py_tuple && !v->nargs)
        nj_text_str(t, " empty");            /* else the value's name would read as an operand */
    if (nj_op_has(v->op, 'I')) {
        nj_text_fmt(t, "%s#%lld", sep, (long long)v->imm.i);
    } else if (nj_op_has(v->op, 'N')) {
        nj_text_fmt(t, "%s.", sep);
        put_name(t, v->imm.name);
    } else if (nj_op_has(v->op, 'K') && v->imm.k) {
        nj_text_fmt(t, "%s{", sep);
        const NjConst *k = v->imm.k;
        put_const(t, k, k->kind == NJ_C_TYPE || k->kind == NJ_C_ARRAY ? NULL : k->type);
        nj_text_char(t, '}');
    }
}

static void put_targets(NjText *t, const NjFn *f, const NjVal *v)
{
    const NjBlk *b = v->blk < f->blks.n ? nj_blk(f, v->blk) : NULL;
    for (unsigned i = 0; b && i < b->nsucc; i++)
        nj_text_fmt(t, "%s b%u", i || v->nargs ? "," : "", b->succ[i]);
}

static void put_word(NjText *t, const NjVal *v)
{
    nj_text_str(t, v->op < NJ_OP_COUNT ? nj_op_info[v->op].word : "?");
    if (v->op >= NJ_OP_COUNT || !nj_op_has(v->op, 'S'))
        return;
    const char *sub = nj_sub_word(v->op, v->sub);
    if (!sub) {
        nj_text_fmt(t, ".?%u", v->sub);
        return;
    }
    if (*sub)
        nj_text_char(t, '.');
    for (; *sub; sub++)
        nj_text_char(t, *sub >= 'A' && *sub <= 'Z' ? (char)(*sub + 'a' - 'A') : *sub);
}

static void put_val(NjText *t, const NjFn *f, NjRef r)
{
    const NjVal *v = nj_val(f, r);
    if (v->op >= NJ_OP_COUNT || nj_op_info[v->op].result != '-' || v->type) {
        nj_text_fmt(t, "%%%u", r);
        put_type(t, v->type, ": ");
        nj_text_str(t, " = ");
    }
    put_word(t, v);
    switch (v->op) {
    case NJ_OP_phi: put_phi(t, f, v); break;
    case NJ_OP_py_call: put_py_call(t, f, v); break;
    case NJ_OP_br: case NJ_OP_condbr:
        put_operands(t, f, v);
        put_targets(t, f, v);
        break;
    default:
        if (v->op < NJ_OP_COUNT)
            put_operands(t, f, v);
    }
}

void nj_ir_print_val(NjText *out, const NjFn *f, NjRef r)
{
    if (!r || r >= f->vals.n || nj_val(f, r)->blk == NJ_NOBLK)
        put_ref(out, f, r);
    else
        put_val(out, f, r);
}

/* -- functions ----------------------------------------------------------------------------------------------------- */

static void pad_to(NjText *t, size_t line_at, size_t col)
{
    do
        nj_text_char(t, ' ');
    while (t->n - line_at < col && !t->failed);
}

static void put_tail(const Out *o, const NjVal *v, size_t line_at)
{
    size_t col = 48;
    if (v->name && nj_op_info[v->op < NJ_OP_COUNT ? v->op : 0].result != '-') {
        pad_to(o->t, line_at, col);
        nj_text_quote(o->t, v->name, strlen(v->name));
        col += 8;
    }
    if (o->locs && v->loc.line) {
        pad_to(o->t, line_at, col);
        nj_text_fmt(o->t, "@%u:%u-%u:%u", v->loc.line, v->loc.col, v->loc.end_line, v->loc.end_col);
    }
    nj_text_char(o->t, '\n');
}

static void put_head(const Out *o)
{
    const NjFn *f = o->f;
    NjText *t = o->t;
    nj_text_fmt(t, "%s%sfunc @", f->core ? "core " : "", f->kernel ? "kernel " : "");
    put_name(t, f->name);
    nj_text_char(t, '(');
    for (uint32_t i = 0; i < f->nparams; i++) {
        const NjVal *v = nj_val(f, f->params[i]);
        nj_text_fmt(t, "%s%%%u", i ? ", " : "", f->params[i]);
        put_type(t, v->type, ": ");
        if (v->name) {
            nj_text_char(t, ' ');
            nj_text_quote(t, v->name, strlen(v->name));
        }
    }
    nj_text_char(t, ')');
    put_type(t, f->ret, " -> ");
    if (f->core) {
        nj_text_str(t, " parts(");
        for (uint32_t i = 0; i < f->nrets; i++)
            put_type(t, f->rets[i], i ? ", " : "");
        nj_text_char(t, ')');
    }
#define ATTR(word, field) if (f->field) nj_text_str(t, " " #word);
#include "ir/attrs.def"
#undef ATTR
    if (o->locs && f->file) {
        nj_text_str(t, " from ");
        nj_text_quote(t, f->file, strlen(f->file));
        nj_text_char(t, ' ');
        put_name(t, f->pyname);
    }
    nj_text_str(t, " {\n");
}

/* `; preds` is for the reader: in rising order, whatever order the phis have, and no more than fit a line. */
static void put_preds(NjText *t, const NjBlk *k)
{
    NjBlkId sorted[24];
    if (k->preds.n > NJ_COUNT(sorted)) {
        nj_text_fmt(t, "; %u preds", k->preds.n);
        return;
    }
    nj_text_str(t, "; preds");
    for (uint32_t n = 0; n < k->preds.n; n++) {
        uint32_t i = n;
        for (; i && sorted[i - 1] > k->preds.at[n]; i--)
            sorted[i] = sorted[i - 1];
        sorted[i] = k->preds.at[n];
    }
    for (uint32_t i = 0; i < k->preds.n; i++)
        nj_text_fmt(t, " b%u", sorted[i]);
}

static void put_label(const Out *o, NjBlkId b)
{
    const NjBlk *k = nj_blk(o->f, b);
    size_t line_at = o->t->n;
    nj_text_fmt(o->t, "b%u:", b);
    if (k->preds.n) {
        pad_to(o->t, line_at, 48);
        put_preds(o->t, k);
    }
    nj_text_char(o->t, '\n');
}

static void put_fn(const Out *o)
{
    const NjFn *f = o->f;
    put_head(o);
    if (o->note)
        o->note(o->arg, o->t, NJ_NOBLK, NJ_NOREF);
    for (NjBlkId b = 0; b < f->blks.n; b++) {
        if (nj_blk(f, b)->dead)
            continue;
        put_label(o, b);
        if (o->note)
            o->note(o->arg, o->t, b, NJ_NOREF);
        uint32_t budget = f->vals.n;             /* a broken list may be a ring */
        for (NjRef r = nj_blk(f, b)->first; r && r < f->vals.n && budget--; r = nj_val(f, r)->next) {
            size_t line_at = o->t->n;
            nj_text_str(o->t, "    ");
            put_val(o->t, f, r);
            put_tail(o, nj_val(f, r), line_at);
            if (o->note)
                o->note(o->arg, o->t, b, r);
        }
    }
    nj_text_str(o->t, "}\n");
}

void nj_ir_print(NjText *out, const NjFn *f)
{
    put_fn(&(Out){.t = out, .f = f, .locs = true});
}

void nj_ir_print_plain(NjText *out, const NjFn *f)
{
    put_fn(&(Out){.t = out, .f = f});
}

void nj_ir_print_noted(NjText *out, const NjFn *f, NjNoteFn note, void *arg)
{
    put_fn(&(Out){.t = out, .f = f, .note = note, .arg = arg});
}
