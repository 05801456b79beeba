/* lower.c - a typed Python-level function -> a core function whose values are scalars and pointers.
 *
 * In: s->py after inference. Out: s->core. Blocks are lowered in reverse postorder, so that a value's parts are there
 * before its uses; one block may become several (checks, loops), hence the first and last core block of each. Phis are
 * made with the block, one for each part, and filled at the end, with conversions in front of the predecessor's
 * terminator.
 *
 *     py value  ->  NjParts: the core values of its parts        py.iter  ->  NjCursor: stack slots
 */
#include "lower/lower.h"

/* -- values in parts -------------------------------------------------------------------------- */

const NjType *nj_low_type(const NjLow *l, NjRef r) { return nj_val(l->py, r)->type; }

unsigned nj_low_nparts(NjLow *l, const NjType *t)
{
    return t ? nj_type_parts(l->ts, t, l->u->target->abi, NULL, 0) : 0;
}

NjParts nj_low_parts(NjLow *l, const NjType *t)
{
    unsigned n = nj_low_nparts(l, t);
    return (NjParts){NJ_NEWN(l->arena, NjRef, n + 1), n, t};
}

NjParts nj_low_scalar(NjLow *l, const NjType *t, NjRef x)
{
    NjRef *at = NJ_NEWN(l->arena, NjRef, 1);
    at[0] = x;
    return (NjParts){at, 1, t};
}

NjParts nj_low_sub(NjLow *l, NjParts p, unsigned i)
{
    unsigned at = 0;
    for (unsigned k = 0; k < i; k++)
        at += nj_low_nparts(l, p.type->elems[k]);
    return (NjParts){p.at + at, nj_low_nparts(l, p.type->elems[i]), p.type->elems[i]};
}

static NjRef zero_of(NjLow *l, const NjType *t)
{
    if (t->kind == NJ_K_FLOAT)
        return nj_low_f(l, t, 0);
    return t->kind == NJ_K_PTR ? nj_fn_undef(l->f, t) : nj_low_int(l, t, 0);
}

NjParts nj_low_zeros(NjLow *l, const NjType *t)
{
    NjParts p = nj_low_parts(l, t);
    const NjType **types = NJ_NEWN(l->arena, const NjType *, p.n + 1);
    nj_type_parts(l->ts, t, l->u->target->abi, types, p.n);
    for (unsigned i = 0; i < p.n; i++)
        p.at[i] = zero_of(l, types[i]);
    return p;
}

NjParts nj_low_get(NjLow *l, NjRef r)
{
    const NjVal *v = nj_val(l->py, r);
    if (v->op == NJ_OP_const)
        return nj_low_const(l, v->imm.k, v->type);
    if (v->op == NJ_OP_undef || !l->vals[r].type)
        return nj_low_zeros(l, v->type);
    return l->vals[r];
}

NjRef nj_low_one(NjLow *l, NjRef r, const NjType *t)
{
    NjParts p = nj_low_cast(l, nj_low_get(l, r), t);
    return p.n ? p.at[0] : zero_of(l, t);
}

void nj_low_set(NjLow *l, NjRef r, NjParts p)
{
    const NjType *t = nj_low_type(l, r);
    l->vals[r] = t ? nj_low_cast(l, p, t) : p;
}

void nj_low_nyi(NjLow *l, const char *what)
{
    nj_diag_add(&l->u->diags, NJ_ERR_NYI_TYPED, l->py->file, l->py->pyname, l->at.loc, what);
    l->failed = true;
}

/* -- constants -------------------------------------------------------------------------------- */

static NjParts tuple_const(NjLow *l, const NjConst *k, const NjType *t)
{
    NjParts p = nj_low_parts(l, t);
    unsigned at = 0;
    for (uint32_t i = 0; i < k->tuple.n && i < t->nelem; i++) {
        NjParts x = nj_low_const(l, k->tuple.at[i], t->elems[i]);
        memcpy(p.at + at, x.at, x.n * sizeof *x.at);
        at += x.n;
    }
    return p;
}

NjRef nj_low_constmem(NjLow *l, const NjConst *bytes, const NjType *t)
{
    NjSpace space = bytes->array.nbytes <= 65536 ? NJ_SPACE_CONST : NJ_SPACE_GLOBAL;
    NjAt entry = {.f = l->f, .b = 0, .before = nj_blk(l->f, 0)->first, .loc = l->at.loc};
    NjRef data = nj_emit(&entry, NJ_OP_constmem, 0, nj_type_ptr(l->ts, t, space), 0, NULL);
    if (data)
        nj_val(l->f, data)->imm.k = bytes;
    return nj_low_ptr(l, data, t, NJ_SPACE_GENERIC);
}

static NjParts array_const(NjLow *l, const NjConst *k, const NjType *t)
{
    NjParts p = nj_low_zeros(l, t);
    NjArr a = {.type = t,
               .data = nj_low_constmem(l, k, t->elem),
               .shape = NJ_NEWN(l->arena, NjRef, t->ndim + 1)};
    a.owner = p.n > 1 ? p.at[1] : NJ_NOREF;
    for (unsigned d = 0; d < t->ndim; d++)
        a.shape[d] = nj_low_int(l, l->i64, k->array.shape[d]);
    return nj_low_arr_parts(l, &a, t);
}

static double const_f64(const NjConst *k)
{
    switch (k->kind) {
    case NJ_C_FLOAT: return k->f;
    case NJ_C_UINT:  return (double)k->u;
    case NJ_C_BOOL:  return k->b;
    default:         return (double)k->i;
    }
}

static NjParts complex_const(NjLow *l, const NjConst *k, const NjType *t)
{
    NjParts p = nj_low_parts(l, t);
    const NjType *ft = nj_type_float(l->ts, t->bits / 2);
    bool is_complex = k->kind == NJ_C_COMPLEX;
    p.at[0] = nj_low_f(l, ft, is_complex ? k->c[0] : const_f64(k));
    p.at[1] = nj_low_f(l, ft, is_complex ? k->c[1] : 0);
    return p;
}

NjParts nj_low_const(NjLow *l, const NjConst *k, const NjType *t)
{
    switch (t->kind) {
    case NJ_K_BOOL: case NJ_K_INT: case NJ_K_UINT:
        return nj_low_scalar(l, t,
                             nj_low_int(l, t,
                                        k->kind == NJ_C_BOOL    ? k->b
                                        : k->kind == NJ_C_FLOAT ? (int64_t)k->f
                                                                : k->i));
    case NJ_K_FLOAT:   return nj_low_scalar(l, t, nj_low_f(l, t, const_f64(k)));
    case NJ_K_COMPLEX: return complex_const(l, k, t);
    case NJ_K_TUPLE:   return tuple_const(l, k, t);
    case NJ_K_ARRAY:   return array_const(l, k, t);
    default:           return nj_low_zeros(l, t);
    }
}

static const NjConst *module_attr(const NjConst *m, const char *name)
{
    for (uint32_t i = 0; m && m->kind == NJ_C_MODULE && i < m->module.n; i++)
        if (!strcmp(m->module.attrs[i].name, name))
            return m->module.attrs[i].value;
    return NULL;
}

const NjConst *nj_low_static(const NjLow *l, NjRef r)
{
    const NjVal *v = nj_val(l->py, r);
    if (v->op == NJ_OP_const)
        return v->imm.k;
    if (v->op == NJ_OP_py_getattr)
        return module_attr(nj_low_static(l, v->args[0]), v->imm.name);
    return NULL;
}

/* -- operations ------------------------------------------------------------------------------- */

static NjRef arg0(const NjLow *l, NjRef r) { return nj_val(l->py, r)->args[0]; }

static void low_binop(NjLow *l, NjRef r)
{
    const NjVal *v = nj_val(l->py, r);
    NjRef left = v->args[0], right = v->args[1];
    nj_low_set(l, r,
               nj_low_binop(l, v->sub, nj_low_get(l, left), nj_low_get(l, right), v->type, nj_low_static(l, right)));
}

static NjParts complex_neg(NjLow *l, NjParts x)
{
    NjParts p = nj_low_parts(l, x.type);
    for (unsigned i = 0; i < 2; i++)
        p.at[i] = nj_low_neg(l, x.at[i]);
    return p;
}

/* An unsigned integer is negated and inverted in its own width, then widened: ~uint8(1) is 254, as in NumPy. */
static void low_unop(NjLow *l, NjRef r)
{
    const NjVal *v = nj_val(l->py, r);
    const NjType *t = v->type;
    unsigned op = v->sub;
    NjParts x = nj_low_get(l, v->args[0]);
    if (op == NJ_UN_NOT) {
        nj_low_set(l, r, nj_low_scalar(l, l->b1, nj_low_not(l, nj_low_truth(l, x))));
        return;
    }
    if (x.type->kind != NJ_K_UINT)
        x = nj_low_cast(l, x, t);
    if (op == NJ_UN_NEG)
        x = t->kind == NJ_K_COMPLEX ? complex_neg(l, x) : nj_low_scalar(l, x.type, nj_low_neg(l, x.at[0]));
    else if (op == NJ_UN_INVERT)
        x = nj_low_scalar(l, x.type, nj_low_i(l, NJ_OP_xor, x.at[0], nj_low_int(l, x.type, -1)));
    nj_low_set(l, r, nj_low_cast(l, x, t));
}

static void low_cmp(NjLow *l, NjRef r)
{
    const NjVal *v = nj_val(l->py, r);
    NjRef a = v->args[0], b = v->args[1];
    NjRef x = nj_low_compare(l, v->sub, nj_low_get(l, a), nj_low_get(l, b), nj_low_static(l, a), nj_low_static(l, b));
    nj_low_set(l, r, nj_low_scalar(l, l->b1, x));
}

static void low_truth(NjLow *l, NjRef r)
{
    nj_low_set(l, r, nj_low_scalar(l, l->b1, nj_low_truth(l, nj_low_get(l, arg0(l, r)))));
}
static void low_cast(NjLow *l, NjRef r) { nj_low_set(l, r, nj_low_get(l, arg0(l, r))); }

static void low_getitem(NjLow *l, NjRef r)
{
    const NjVal *v = nj_val(l->py, r);
    nj_low_set(l, r, nj_low_getitem(l, nj_low_get(l, v->args[0]), v->args[1], v->type));
}

static void low_setitem(NjLow *l, NjRef r)
{
    const NjVal *v = nj_val(l->py, r);
    nj_low_setitem(l, v->args[0], v->args[1], v->args[2]);
}

static void low_slice(NjLow *l, NjRef r)
{
    const NjVal *v = nj_val(l->py, r);
    nj_low_set(l, r, nj_low_slice(l, v->args[0], v->args[1], v->args[2]));
}

NjParts nj_low_pack(NjLow *l, const NjRef *items, const NjType *t)
{
    NjParts p = nj_low_parts(l, t);
    unsigned at = 0;
    for (uint32_t i = 0; i < t->nelem; i++) {
        NjParts x = nj_low_cast(l, nj_low_get(l, items[i]), t->elems[i]);
        memcpy(p.at + at, x.at, x.n * sizeof *x.at);
        at += x.n;
    }
    return p;
}

static void low_tuple(NjLow *l, NjRef r)
{
    const NjVal *v = nj_val(l->py, r);
    nj_low_set(l, r, nj_low_pack(l, v->args, v->type));
}

/* A tuple's length is its type's; an array's is checked here. */
static void low_unpack(NjLow *l, NjRef r)
{
    const NjVal *v = nj_val(l->py, r);
    int64_t want = v->imm.i;
    NjParts x = nj_low_get(l, v->args[0]);
    if (x.type->kind == NJ_K_ARRAY) {
        NjRef n = nj_low_arr(l, x).shape[0];
        nj_low_raise_if(l, nj_low_cmp(l, NJ_NE, n, nj_low_int(l, l->i64, want)), "ValueError",
                        nj_arena_printf(l->arena, "cannot unpack: %lld values are expected", (long long)want));
    }
    l->vals[r] = x;
}

static void low_item(NjLow *l, NjRef r)
{
    const NjVal *v = nj_val(l->py, r);
    const NjType *t = v->type;
    int64_t i = v->imm.i;
    NjParts x = nj_low_get(l, v->args[0]);
    if (x.type->kind != NJ_K_ARRAY) {
        nj_low_set(l, r, nj_low_sub(l, x, (unsigned)i));
        return;
    }
    NjArr a = nj_low_arr(l, x);
    NjRef at = nj_low_int(l, l->i64, i);
    if (a.type->ndim == 1) {
        nj_low_set(l, r, nj_low_arr_load(l, a.type->elem, nj_low_arr_at(l, &a, &at)));
        return;
    }
    NjArr row = nj_low_arr_row(l, &a, at, t);
    nj_low_set(l, r, nj_low_arr_parts(l, &row, t));
}

static void low_setattr(NjLow *l, NjRef r) { (void)r; nj_low_nyi(l, "assigning to an attribute"); }

/* -- ends of blocks --------------------------------------------------------------------------- */

static void low_br(NjLow *l, NjRef r)
{
    const NjBlk *b = nj_blk(l->py, nj_val(l->py, r)->blk);
    nj_low_br(l, l->first[b->succ[0]]);
}

static void low_condbr(NjLow *l, NjRef r)
{
    const NjBlk *b = nj_blk(l->py, nj_val(l->py, r)->blk);
    NjBlkId yes = l->first[b->succ[0]], no = l->first[b->succ[1]];
    nj_low_condbr(l, nj_low_truth(l, nj_low_get(l, arg0(l, r))), yes, no);
}

static void low_ret(NjLow *l, NjRef r)
{
    const NjVal *v = nj_val(l->py, r);
    NjParts p = {0};
    if (v->nargs && l->f->nrets)
        p = nj_low_cast(l, nj_low_get(l, v->args[0]), l->py->ret);
    nj_emit(&l->at, NJ_OP_ret, 0, NULL, p.n, p.at);
}

static void low_unreachable(NjLow *l, NjRef r) { (void)r; nj_emit0(&l->at, NJ_OP_unreachable, NULL, 0); }
static void low_nothing(NjLow *l, NjRef r) { (void)l; (void)r; }

typedef void (*LowFn)(NjLow *l, NjRef r);
static const LowFn handlers[NJ_OP_COUNT] = {
    [NJ_OP_nop] = low_nothing,
    [NJ_OP_phi] = low_nothing,
    [NJ_OP_undef] = low_nothing,
    [NJ_OP_br] = low_br,
    [NJ_OP_condbr] = low_condbr,
    [NJ_OP_ret] = low_ret,
    [NJ_OP_unreachable] = low_unreachable,
    [NJ_OP_py_binop] = low_binop,
    [NJ_OP_py_inplace] = low_binop,
    [NJ_OP_py_unop] = low_unop,
    [NJ_OP_py_cmp] = low_cmp,
    [NJ_OP_py_truth] = low_truth,
    [NJ_OP_py_getattr] = nj_low_getattr,
    [NJ_OP_py_setattr] = low_setattr,
    [NJ_OP_py_getitem] = low_getitem,
    [NJ_OP_py_setitem] = low_setitem,
    [NJ_OP_py_slice] = low_slice,
    [NJ_OP_py_tuple] = low_tuple,
    [NJ_OP_py_unpack] = low_unpack,
    [NJ_OP_py_item] = low_item,
    [NJ_OP_py_call] = nj_low_call,
    [NJ_OP_py_iter] = nj_low_iter,
    [NJ_OP_py_next] = nj_low_next,
    [NJ_OP_py_value] = nj_low_value,
    [NJ_OP_py_cast] = low_cast,
    [NJ_OP_py_raise] = nj_low_py_raise,
};

/* -- blocks and phis -------------------------------------------------------------------------- */

static void make_phis(NjLow *l, NjRef r)
{
    NjVal *v = nj_val(l->py, r);
    if (!v->type || v->type->kind == NJ_K_ITER)
        return;
    NjParts p = nj_low_parts(l, v->type);
    const NjType **types = NJ_NEWN(l->arena, const NjType *, p.n + 1);
    nj_type_parts(l->ts, v->type, l->u->target->abi, types, p.n);
    for (unsigned i = 0; i < p.n; i++) {
        p.at[i] = nj_emit_phi(l->f, l->at.b, types[i], v->nargs);
        nj_val(l->f, p.at[i])->name = v->name;
    }
    l->vals[r] = p;
}

static void lower_blk(NjLow *l, NjBlkId b)
{
    nj_low_enter(l, l->first[b]);
    for nj_each_val(l->py, b, r)
        if (nj_val(l->py, r)->op == NJ_OP_phi)
            make_phis(l, r);
    for nj_each_val(l->py, b, r) {
        const NjVal *v = nj_val(l->py, r);
        l->at.loc = v->loc;
        l->py_ref = r;
        if (handlers[v->op])
            handlers[v->op](l, r);
        else
            nj_bug(&l->u->diags, "lower", NULL, "no lowering for %s", nj_op_info[v->op].word);
    }
    l->last[b] = l->at.b;
}

/* Which entry of b's predecessors the i-th edge into the core block is: the same edge, seen from the Python level. */
static unsigned pred_index(const NjLow *l, const NjBlk *pyb, const NjBlk *coreb, unsigned i)
{
    unsigned before = 0;
    NjBlkId from = coreb->preds.at[i];
    for (unsigned k = 0; k < i; k++)
        before += coreb->preds.at[k] == from;
    for (unsigned k = 0; k < pyb->preds.n; k++)
        if (l->last[pyb->preds.at[k]] == from && before-- == 0)
            return k;
    return 0;
}

static void fill_phi(NjLow *l, NjRef r)
{
    const NjVal *v = nj_val(l->py, r);
    const NjBlk *pyb = nj_blk(l->py, v->blk), *coreb = nj_blk(l->f, l->first[v->blk]);
    NjParts p = l->vals[r];
    for (unsigned i = 0; p.type && i < coreb->preds.n && i < v->nargs; i++) {
        NjRef arg = v->args[pred_index(l, pyb, coreb, i)];
        NjBlkId from = coreb->preds.at[i];
        l->at = (NjAt){.f = l->f, .b = from, .before = nj_blk(l->f, from)->last, .loc = v->loc};
        NjParts x = nj_low_cast(l, nj_low_get(l, arg), p.type);
        for (unsigned k = 0; k < p.n && k < x.n; k++)
            nj_val(l->f, p.at[k])->args[i] = x.at[k];
        coreb = nj_blk(l->f, l->first[v->blk]);
    }
}

/* -- the function ----------------------------------------------------------------------------- */

static void make_params(NjLow *l)
{
    for (uint32_t i = 0; i < l->py->nparams; i++) {
        NjRef r = l->py->params[i];
        const NjVal *v = nj_val(l->py, r);
        NjParts p = nj_low_parts(l, v->type);
        const NjType **types = NJ_NEWN(l->arena, const NjType *, p.n + 1);
        nj_type_parts(l->ts, v->type, l->u->target->abi, types, p.n);
        for (unsigned k = 0; k < p.n; k++)
            p.at[k] = nj_fn_param(l->f, types[k], v->name);
        l->vals[r] = p;
    }
}

static void make_rets(NjLow *l)
{
    const NjType *t = l->py->ret;
    if (!t || l->py->kernel)
        return;
    unsigned n = nj_low_nparts(l, t);
    const NjType **types = NJ_NEWN(l->arena, const NjType *, n + 1);
    nj_type_parts(l->ts, t, l->u->target->abi, types, n);
    l->f->rets = types;
    l->f->nrets = n;
}

static NjFn *core_new(NjSpec *s)
{
    const NjFn *py = s->py;
    NjFn *f = nj_fn_new(py->types, py->arena, py->diags, py->name);
    f->code = py->code;
    f->file = py->file;
    f->pyname = py->pyname;
    f->core = true;
    f->kernel = py->kernel;
    f->ret = py->ret;
    f->opts = py->opts;
    return f;
}

static void low_start(NjLow *l, NjSpec *s)
{
    *l = (NjLow){.s = s, .u = s->unit, .ts = s->py->types, .arena = s->unit->arena, .py = s->py};
    uint32_t n = l->py->vals.n, nb = l->py->blks.n;
    l->f = s->core = core_new(s);
    l->at.f = l->f;
    l->vals = NJ_NEWN(l->arena, NjParts, n);
    l->cursors = NJ_NEWN(l->arena, NjCursor *, n);
    l->first = NJ_NEWN(l->arena, NjBlkId, nb);
    l->last = NJ_NEWN(l->arena, NjBlkId, nb);
    l->i64 = nj_type_int(l->ts, 64, true);
    l->u64 = nj_type_int(l->ts, 64, false);
    l->i32 = nj_type_int(l->ts, 32, true);
    l->u8 = nj_type_int(l->ts, 8, false);
    l->b1 = nj_type_scalar(l->ts, NJ_T_BOOL);
    l->f64 = nj_type_float(l->ts, 64);
}

/* Blocks that can be reached, in reverse postorder. */
static uint32_t fill_order(NjLow *l, NjBlkId *order)
{
    uint32_t n = 0;
    nj_fill_dom(l->py);
    for nj_each_blk(l->py, b)
        if (nj_blk(l->py, b)->rpo < l->py->blks.n) {
            order[nj_blk(l->py, b)->rpo] = b;
            n++;
        }
    return n;
}

static bool low_check(NjLow *l)
{
    NjText complaints;
    nj_text_init(&complaints);
    bool ok =
        nj_knobs()->check == 0 || nj_arena_failed(l->arena) || l->u->diags.list.n || nj_ir_check(l->f, &complaints);
    if (!ok)
        nj_bug(&l->u->diags, "lower", complaints.at, "%s lowered to a malformed function", l->f->name);
    nj_text_free(&complaints);
    return ok;
}

NjStatus nj_lower(NjSpec *s)
{
    NjLow low, *l = &low;
    low_start(l, s);
    uint32_t nb = l->py->blks.n;
    NjBlkId *order = NJ_NEWN(l->arena, NjBlkId, nb);
    if (!l->vals || !l->cursors || !l->first || !l->last || !order)
        return NJ_E_NOMEM;
    uint32_t n = fill_order(l, order);
    for (uint32_t i = 0; i < n; i++)
        l->first[order[i]] = nj_low_blk(l);
    nj_low_fill_least(l);
    make_params(l);
    make_rets(l);
    for (uint32_t i = 0; i < n; i++)
        lower_blk(l, order[i]);
    for (uint32_t i = 0; i < n; i++)
        for nj_each_val(l->py, order[i], r)
            if (nj_val(l->py, r)->op == NJ_OP_phi)
                fill_phi(l, r);
    if (nj_arena_failed(l->arena) || nj_types_failures(l->ts) != s->unit->type_failures)
        return NJ_E_NOMEM;
    if (l->failed)
        return NJ_E_NYI;
    if (!low_check(l))
        return NJ_E_BUG;
    s->state = NJ_SPEC_LOWERED;
    return NJ_OK;
}
