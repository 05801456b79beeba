/* check_val.c - the rules of one value: operand classes, results, what an operation wants beyond its row in ops.def.
 *
 * In: a value whose operands exist. Out: complaints. Types matter at the core level only; before it they are
 * inference's.
 */
#include "ir/check.h"

static const NjVal *arg(const Check *c, const NjVal *v, uint32_t i) { return nj_val(c->f, v->args[i]); }

static const char *type_text(const NjType *t) { return t ? t->code : "no type"; }

/* -- types at the core level --------------------------------------------------------------------------------------- */

bool nj_check_is_machine(const NjType *t)
{
    return t && (nj_type_is_integral(t) || t->kind == NJ_K_FLOAT || t->kind == NJ_K_PTR);
}

/* One machine type? Signs aside; pointers by what they point to and where. */
static bool same_rep(const NjType *a, const NjType *b)
{
    for (; a != b; a = a->elem, b = b->elem) {
        if (!a || !b)
            return false;
        if (a->kind != NJ_K_PTR || b->kind != NJ_K_PTR)
            return nj_check_is_machine(a) && a->bits == b->bits &&
                   (nj_type_is_int(a) ? nj_type_is_int(b) : a->kind == b->kind);
        if (a->space != b->space)
            return false;
    }
    return true;
}

static bool in_class(char letter, const NjType *t)
{
    switch (letter) {
    case 'i': return nj_type_is_integral(t);
    case 'f': return nj_type_is(t, NJ_K_FLOAT);
    case 'b': return nj_type_is(t, NJ_K_BOOL);
    case 'p': return nj_type_is(t, NJ_K_PTR);
    default: return nj_check_is_machine(t);
    }
}

static const char *class_text(char letter)
{
    switch (letter) {
    case 'i': return "an integer";
    case 'f': return "a float";
    case 'b': return "a bool";
    case 'p': return "a pointer";
    default: return "a number or a pointer";
    }
}

static void check_classes(Check *c, const NjVal *v)
{
    const char *letters = nj_op_info[v->op].args;
    for (uint32_t i = 0; i < v->nargs; i++) {
        const NjType *t = arg(c, v, i)->type;
        if (!in_class(*letters, t))
            nj_check_complain(c, "operand %u is %s, not %s", i, type_text(t), class_text(*letters));
        letters += letters[1] != 0;
    }
}

static void check_same(Check *c, const NjVal *v, uint32_t i, const NjType *t, const char *what)
{
    if (!same_rep(arg(c, v, i)->type, t))
        nj_check_complain(c, "operand %u is %s, but %s is %s", i, type_text(arg(c, v, i)->type), what, type_text(t));
}

/* Operations whose operands share a type, by the shape of the row: one letter for two operands. */
static void check_pair(Check *c, const NjVal *v)
{
    if (v->nargs == 2 && !nj_op_info[v->op].args[1] && nj_op_info[v->op].nargs == 2)
        check_same(c, v, 1, arg(c, v, 0)->type, "operand 0");
}

static void check_cast(Check *c, const NjVal *v)
{
    static const struct { uint16_t op; char to; signed char width; } rows[] = {     /* width: -1 fewer bits, +1 more */
        {NJ_OP_trunc, 'i', -1},   {NJ_OP_zext, 'i', 1},     {NJ_OP_sext, 'i', 1},   {NJ_OP_fptrunc, 'f', -1},
        {NJ_OP_fpext, 'f', 1},    {NJ_OP_fptosi, 'i', 0},   {NJ_OP_fptoui, 'i', 0}, {NJ_OP_sitofp, 'f', 0},
        {NJ_OP_uitofp, 'f', 0},   {NJ_OP_ptrcast, 'p', 0},  {NJ_OP_ptrtoint, 'i', 0}, {NJ_OP_inttoptr, 'p', 0},
    };
    const NjType *from = v->nargs == 1 ? arg(c, v, 0)->type : NULL, *to = v->type;
    if (!from || !to)
        return;
    if (v->op == NJ_OP_bitcast && from->bits != to->bits)
        nj_check_complain(c, "bitcast from %s to %s, which differ in size", from->code, to->code);
    for (size_t i = 0; i < NJ_COUNT(rows); i++) {
        if (rows[i].op != v->op)
            continue;
        if (!in_class(rows[i].to, to))
            nj_check_complain(c, "the result is %s, not %s", to->code, class_text(rows[i].to));
        else if ((rows[i].width < 0 && to->bits >= from->bits) || (rows[i].width > 0 && to->bits <= from->bits))
            nj_check_complain(c, "%s from %s to %s", nj_op_info[v->op].word, from->code, to->code);
    }
}

static const NjType *pointee(const Check *c, const NjVal *v, uint32_t i)
{
    const NjType *t = arg(c, v, i)->type;
    return nj_type_is(t, NJ_K_PTR) ? t->elem : NULL;
}

static void check_memory(Check *c, const NjVal *v)
{
    switch (v->op) {
    case NJ_OP_load:
        if (!same_rep(pointee(c, v, 0), v->type))
            nj_check_complain(c, "loads %s through %s", type_text(v->type), type_text(arg(c, v, 0)->type));
        break;
    case NJ_OP_store: check_same(c, v, 0, pointee(c, v, 1), "what the pointer points to"); break;
    case NJ_OP_cas:
        check_same(c, v, 2, pointee(c, v, 0), "what the pointer points to");
        /* fall through */
    case NJ_OP_rmw: check_same(c, v, 1, pointee(c, v, 0), "what the pointer points to"); break;
    case NJ_OP_alloca: case NJ_OP_shared: case NJ_OP_constmem:
        if (!nj_type_is(v->type, NJ_K_PTR))
            nj_check_complain(c, "the result is %s, not a pointer", type_text(v->type));
        if (v->op == NJ_OP_alloca && v->blk != 0)
            nj_check_complain(c, "alloca outside the entry block");
        break;
    }
}

/* -- values with rules of their own -------------------------------------------------------------------------------- */

static void check_ret(Check *c, const NjVal *v)
{
    const NjFn *f = c->f;
    if (!f->core) {
        if (v->nargs != 1)
            nj_check_complain(c, "returns %u values, not one", v->nargs);
        return;
    }
    if (v->nargs != f->nrets) {
        nj_check_complain(c, "returns %u parts, not %u", v->nargs, f->nrets);
        return;
    }
    for (uint32_t i = 0; i < v->nargs; i++)
        check_same(c, v, i, f->rets[i], "the function's part");
}

static void check_phi(Check *c, const NjVal *v)
{
    uint32_t n = nj_blk(c->f, c->b)->preds.n;
    if (v->nargs != n)
        nj_check_complain(c, "the phi has %u arguments for %u predecessors", v->nargs, n);
    for (uint32_t i = 0; c->f->core && i < v->nargs; i++)
        check_same(c, v, i, v->type, "the phi");
}

/* A tuple of texts: a letter for each item, then the items that are texts themselves (cpu.h, nj_rt_print). */
static void check_print(Check *c, const NjVal *v)
{
    const NjConst *k = v->imm.k;
    bool ok = k && k->kind == NJ_C_TUPLE && k->tuple.n;
    for (uint32_t i = 0; ok && i < k->tuple.n; i++)
        ok = k->tuple.at[i]->kind == NJ_C_STR;
    if (!ok) {
        nj_check_complain(c, "print needs its letters");
        return;
    }
    uint32_t nargs = 0, ntexts = 0;
    for (const char *p = k->tuple.at[0]->str.text; *p; p++) {
        ntexts += *p == 's';
        nargs += *p == 'c' ? 2 : strchr("biufg", *p) != NULL;
    }
    if (nargs != v->nargs || ntexts != k->tuple.n - 1)
        nj_check_complain(c, "print's letters want %u operands and %u texts", nargs, ntexts);
}

static const uint8_t math_nargs[NJ_MATH_COUNT] = {
#define MATH(id, pyname, nargs, ...) nargs,
#include "device-libs/math.def"
#undef MATH
};

static void check_special(Check *c, const NjVal *v)
{
    switch (v->op) {
    case NJ_OP_phi: check_phi(c, v); break;
    case NJ_OP_ret: check_ret(c, v); break;
    case NJ_OP_py_item:
        if (arg(c, v, 0)->op != NJ_OP_py_unpack)
            nj_check_complain(c, "py.item of something that is no py.unpack");
        break;
    case NJ_OP_result:
        if (arg(c, v, 0)->op != NJ_OP_call)
            nj_check_complain(c, "result of something that is no call");
        break;
    case NJ_OP_call:
        if (!v->imm.callee || !v->imm.callee->spec)
            nj_check_complain(c, "a call without a function");
        break;
    case NJ_OP_py_call:
        if (!v->nargs || (v->imm.callee && v->imm.callee->nkw >= v->nargs))
            nj_check_complain(c, "py.call has too few operands");
        break;
    case NJ_OP_print: check_print(c, v); break;
    case NJ_OP_math:
        if (v->sub < NJ_MATH_COUNT && v->nargs != math_nargs[v->sub])
            nj_check_complain(c, "%s takes %u operands, not %u", nj_sub_word(v->op, v->sub), math_nargs[v->sub],
                              v->nargs);
        break;
    case NJ_OP_select:
        if (c->f->core) {
            check_same(c, v, 1, v->type, "the result");
            check_same(c, v, 2, v->type, "the result");
        }
        break;
    case NJ_OP_const: case NJ_OP_param:
        nj_check_complain(c, "a %s has no place in a block", nj_op_info[v->op].word);
        break;
    }
}

static void check_result(Check *c, const NjVal *v)
{
    const NjFn *f = c->f;
    switch (nj_op_info[v->op].result) {
    case '-':
        if (v->type)
            nj_check_complain(c, "%s has no result, but type %s", nj_op_info[v->op].word, v->type->code);
        return;
    case '=':
        if (f->core && v->nargs && !same_rep(v->type, arg(c, v, 0)->type))
            nj_check_complain(c, "the result is %s, operand 0 is %s", type_text(v->type),
                              type_text(arg(c, v, 0)->type));
        return;
    case 'b':
        if ((f->core || f->ret) && !nj_type_is(v->type, NJ_K_BOOL))
            nj_check_complain(c, "the result is %s, not a bool", type_text(v->type));
        return;
    }
    if ((f->core || f->ret) && !v->type && v->op != NJ_OP_call)
        nj_check_complain(c, "the result has no type");
    else if (f->core && v->type && !nj_check_is_machine(v->type) && v->type->kind != NJ_K_VOID && v->op != NJ_OP_call)
        nj_check_complain(c, "%s is no machine type", v->type->code);
}

static void check_core(Check *c, const NjVal *v)
{
    if (nj_op_is_py(v->op)) {
        nj_check_complain(c, "a Python operation at the core level");
        return;
    }
    if (v->op == NJ_OP_phi || v->op == NJ_OP_ret || v->op == NJ_OP_raise || v->op == NJ_OP_result)
        return;
    if (v->op != NJ_OP_call && v->op != NJ_OP_callx && v->op != NJ_OP_print)
        check_classes(c, v);
    check_pair(c, v);
    check_cast(c, v);
    check_memory(c, v);
}

void nj_check_rules(Check *c, const NjVal *v)
{
    check_special(c, v);
    if (c->f->core)
        check_core(c, v);
    check_result(c, v);
}
