/* step.c - one handler for each normalised bytecode: pops values, emits operations, pushes the result.
 *
 * In: an instruction and the builder's state, positioned. Evaluation order is CPython's, because instructions are
 * taken in its order. What is wrong with the program is reported here; building goes on with an undef, so that
 * several errors are found.
 */
#include "front/front.h"

/* -- helpers --------------------------------------------------------------------------------------------- */

static void step_error(NjFront *s, NjErrCode code, const char *what, const char *more)
{
    nj_diag_add(s->f->diags, code, s->code->file, s->code->qualname, s->at.loc, what, more);
    s->failed = true;
}

static NjRef step_undef(NjFront *s) { return nj_fn_undef(s->f, NULL); }
static NjRef step_const(NjFront *s, const NjConst *k) { return nj_fn_const(s->f, k, NULL); }

/* Pops the last n values, in order. NULL when out of memory. */
static NjRef *step_args(NjFront *s, uint32_t n)
{
    NjRef *args = nj_arena_alloc(s->scratch, (n + 1u) * sizeof *args);
    for (uint32_t i = n; i-- > 0;) {
        NjRef v = nj_front_pop(s);
        if (args)
            args[i] = v;
    }
    return args;
}

/* An emitted operation with a name for its immediate. */
static NjRef step_named(NjFront *s, NjOp op, uint32_t n, const NjRef *args, const char *name)
{
    NjRef r = nj_emit(&s->at, op, 0, NULL, n, args);
    if (r)
        nj_val(s->f, r)->imm.name = name;
    return r;
}

/* A constant that `name` stands for, if compiled code can use it. */
static NjRef step_global(NjFront *s, const NjConst *k, const char *name)
{
    if (!k || k->kind == NJ_C_MISSING)
        step_error(s, NJ_ERR_NAME_UNDEFINED, name, NULL);
    else if (k->kind == NJ_C_OBJECT && !strcmp(k->name, "library function"))
        step_error(s, strncmp(name, "numpy.", 6) ? NJ_ERR_NYI_GLOBAL : NJ_ERR_NYI_ARRAY, name, NULL);
    else if (k->kind == NJ_C_OBJECT && !strcmp(k->name, "function"))
        step_error(s, NJ_ERR_GLOBAL_PLAIN, name, NULL);
    else if (k->kind == NJ_C_OBJECT)
        step_error(s, NJ_ERR_GLOBAL_TYPE, name, k->name);
    else if (k->kind == NJ_C_BIGINT)
        step_error(s, NJ_ERR_INT_TOO_LARGE, k->str.text, NULL);
    else
        return step_const(s, k);
    return step_undef(s);
}

static void step_end(NjFront *s) { s->done = true; }

/* -- refusals -------------------------------------------------------------------------------------------- */

static void step_nop(NjFront *s, const NjIns *i) { (void)s, (void)i; }

static void step_unsupported(NjFront *s, const NjIns *i)
{
    step_error(s, NJ_ERR_NYI_BYTECODE, nj_front_construct(i->arg), NULL);
    nj_emit(&s->at, NJ_OP_unreachable, 0, NULL, 0, NULL);
    step_end(s);
}

/* settle.c leaves none of these. */
static void step_bad(NjFront *s, const NjIns *i)
{
    nj_bug(s->f->diags, "front/step", NULL, "%s after settling", nj_bc_info[i->op].name);
    s->failed = true;
}

/* -- constants and names --------------------------------------------------------------------------------- */

static void step_load_const(NjFront *s, const NjIns *i)
{
    const NjConst *k = s->code->consts[i->arg];
    if (k && k->kind == NJ_C_OBJECT) {
        step_error(s, NJ_ERR_NYI_CONST, k->name, NULL);
        nj_front_push(s, step_undef(s));
    } else {
        nj_front_push(s, step_global(s, k, "<constant>"));
    }
}

static void step_load_none(NjFront *s, const NjIns *i) { nj_front_push(s, step_const(s, &nj_const_none)); }

static void step_load_assertion(NjFront *s, const NjIns *i)
{
    nj_front_push(s, step_const(s, nj_front_exc(s->f->arena, "AssertionError")));
}

static void step_load_free(NjFront *s, const NjIns *i)
{
    nj_front_push(s, step_global(s, s->code->freevals[i->arg], s->code->frees[i->arg]));
}

static void step_load_global(NjFront *s, const NjIns *i)
{
    nj_front_push(s, step_global(s, s->code->globals[i->arg], s->code->names[i->arg]));
}

/* -- variables ------------------------------------------------------------------------------------------- */

static void step_raise_unbound(NjFront *s, const char *name)
{
    bool old = s->code->version < 311;
    const char *text =
        nj_arena_printf(s->f->arena, "%s local variable '%s' %s", old ? "" : "cannot access", name,
                        old ? "referenced before assignment" : "where it is not associated with a value");
    text += old;                   /* without the space that the missing words leave */
    NjConst k = {.kind = NJ_C_STR, .str = {text, strlen(text)}};
    NjRef exc = step_const(s, nj_front_exc(s->f->arena, "UnboundLocalError"));
    NjRef args[] = {exc, step_const(s, nj_arena_copy(s->f->arena, &k, sizeof k))};
    nj_emit(&s->at, NJ_OP_py_raise, 0, NULL, 2, args);
}

/* Goes on in a new block if the variable is bound, else raises. */
static void step_check_bound(NjFront *s, uint32_t var)
{
    NjRef shadow = s->cur[s->flow->shadow[var]];
    NjRef cond = nj_emit1(&s->at, NJ_OP_py_truth, NULL, shadow ? shadow : step_const(s, &nj_const_false));
    NjBlkId yes = nj_fn_blk(s->f), no = nj_fn_blk(s->f);
    nj_emit_condbr(&s->at, cond, yes, no);
    s->at.b = no;
    step_raise_unbound(s, nj_front_var(s->code, var));
    s->at.b = yes;
}

/* Is the variable usable here? Reports, checks or raises as needed. */
static bool step_bound(NjFront *s, const NjIns *i)
{
    const char *name = nj_front_var(s->code, i->arg);
    switch ((NjBound)s->flow->bound[i - s->bc->ins]) {
    case NJ_BOUND: break;
    case NJ_MAYBE_UNBOUND: step_check_bound(s, i->arg); break;
    case NJ_UNBOUND_HERE:
        step_raise_unbound(s, name);
        s->done = s->cut = s->any_cut = true;
        return false;
    case NJ_UNBOUND:
        if (!s->flow->refused)           /* what is refused may have been what binds it */
            step_error(s, NJ_ERR_NAME_UNBOUND, name, NULL);
        return false;
    }
    return s->cur[i->arg] != NJ_NOREF;
}

static void step_load_fast(NjFront *s, const NjIns *i)
{
    bool bound = step_bound(s, i);
    nj_front_push(s, bound ? s->cur[i->arg] : step_undef(s));
}

static void step_shadow(NjFront *s, uint32_t var, const NjConst *is_bound)
{
    if (s->flow->shadow[var] != FRONT_NONE)
        nj_front_set(s, s->flow->shadow[var], step_const(s, is_bound));
}

/* The first variable a value is assigned to names it in messages. */
static void step_store_fast(NjFront *s, const NjIns *i)
{
    NjRef r = nj_front_pop(s);
    NjVal *v = nj_val(s->f, r);
    if (!v->name && v->op != NJ_OP_const && v->op != NJ_OP_undef)
        v->name = nj_front_var(s->code, i->arg);
    nj_front_set(s, i->arg, r);
    step_shadow(s, i->arg, &nj_const_true);
}

static void step_del_fast(NjFront *s, const NjIns *i)
{
    step_bound(s, i);
    nj_front_set(s, i->arg, NJ_NOREF);
    step_shadow(s, i->arg, &nj_const_false);
}

/* -- attributes and elements ----------------------------------------------------------------------------- */

/* math.sqrt, cuda.threadIdx.x: what a module has is known. */
static NjRef step_module_attr(NjFront *s, const NjConst *module, const char *name)
{
    const NjConst *k = nj_resolve_attr(module, name);
    if (k && k->kind != NJ_C_MISSING)
        return step_global(s, k, nj_arena_printf(s->f->arena, "%s.%s", module->name, name));
    step_error(s, NJ_ERR_ATTR_MODULE, module->name, name);
    return step_undef(s);
}

static void step_load_attr(NjFront *s, const NjIns *i)
{
    NjRef x = nj_front_pop(s);
    const NjConst *k = nj_front_const_of(s->f, x);
    const char *name = s->code->names[i->arg];
    if (k && k->kind == NJ_C_MODULE)
        nj_front_push(s, step_module_attr(s, k, name));
    else
        nj_front_push(s, step_named(s, NJ_OP_py_getattr, 1, &x, name));
}

static void step_store_attr(NjFront *s, const NjIns *i)
{
    NjRef x = nj_front_pop(s), y = nj_front_pop(s);
    step_named(s, NJ_OP_py_setattr, 2, (NjRef[]){x, y}, s->code->names[i->arg]);
}

static void step_subscr(NjFront *s, const NjIns *i)
{
    NjRef at = nj_front_pop(s), x = nj_front_pop(s);
    nj_front_push(s, nj_emit2(&s->at, NJ_OP_py_getitem, NULL, x, at));
}

static void step_store_subscr(NjFront *s, const NjIns *i)
{
    NjRef at = nj_front_pop(s), x = nj_front_pop(s), y = nj_front_pop(s);
    nj_emit3(&s->at, NJ_OP_py_setitem, NULL, x, at, y);
}

static void step_slice(NjFront *s, const NjIns *i)
{
    NjRef step = i->arg == 3 ? nj_front_pop(s) : step_const(s, &nj_const_none);
    NjRef stop = nj_front_pop(s), start = nj_front_pop(s);
    nj_front_push(s, nj_emit3(&s->at, NJ_OP_py_slice, NULL, start, stop, step));
}

/* -- operators ------------------------------------------------------------------------------------------- */

static void step_unary(NjFront *s, const NjIns *i)
{
    NjRef x = nj_front_pop(s);
    const NjConst *k = nj_front_const_of(s->f, x);
    const NjConst *folded = k ? nj_resolve_unop(s->f->arena, (NjUn)i->arg, k) : NULL;
    nj_front_push(s, folded ? step_const(s, folded) : nj_emit(&s->at, NJ_OP_py_unop, i->arg, NULL, 1, &x));
}

static void step_binop(NjFront *s, const NjIns *i)
{
    NjRef y = nj_front_pop(s), x = nj_front_pop(s);
    const NjConst *kx = nj_front_const_of(s->f, x), *ky = nj_front_const_of(s->f, y);
    const NjConst *folded = kx && ky ? nj_resolve_binop(s->f->arena, (NjBin)i->arg, kx, ky) : NULL;
    nj_front_push(s,
                  folded ? step_const(s, folded) : nj_emit(&s->at, NJ_OP_py_binop, i->arg, NULL, 2, (NjRef[]){x, y}));
}

static void step_inplace(NjFront *s, const NjIns *i)
{
    NjRef y = nj_front_pop(s), x = nj_front_pop(s);
    nj_front_push(s, nj_emit(&s->at, NJ_OP_py_inplace, i->arg, NULL, 2, (NjRef[]){x, y}));
}

static void step_compare(NjFront *s, const NjIns *i)
{
    NjRef y = nj_front_pop(s), x = nj_front_pop(s);
    nj_front_push(s, nj_emit(&s->at, NJ_OP_py_cmp, i->arg, NULL, 2, (NjRef[]){x, y}));
}

/* -- tuples ---------------------------------------------------------------------------------------------- */

static void step_tuple(NjFront *s, const NjIns *i)
{
    NjRef *args = step_args(s, i->arg);
    const NjConst *folded = args ? nj_resolve_tuple(s->f, i->arg, args) : NULL;
    nj_front_push(s,
                  folded ? step_const(s, folded) : nj_emit(&s->at, NJ_OP_py_tuple, 0, NULL, args ? i->arg : 0, args));
}

/* a, b, c, d = d, c, b, a: no tuple is made when it is taken apart at once. */
static bool step_unpack_known(NjFront *s, NjRef x, uint32_t n)
{
    NjVal *v = nj_val(s->f, x);
    const NjConst *k = nj_front_const_of(s->f, x);
    if (v->op == NJ_OP_py_tuple && v->nargs == n) {
        NjRef *args = v->args;
        if (nj_blk(s->f, s->at.b)->last == x && v->name == NULL)
            nj_val_unlink(s->f, x);
        while (n-- > 0)
            nj_front_push(s, args[n]);
        return true;
    }
    if (!k || k->kind != NJ_C_TUPLE || k->tuple.n != n)
        return false;
    while (n-- > 0)
        nj_front_push(s, step_const(s, k->tuple.at[n]));
    return true;
}

static void step_unpack(NjFront *s, const NjIns *i)
{
    NjRef x = nj_front_pop(s);
    if (step_unpack_known(s, x, i->arg))
        return;
    NjRef whole = nj_emit1(&s->at, NJ_OP_py_unpack, NULL, x);
    nj_val(s->f, whole)->imm.i = i->arg;
    uint32_t base = s->depth;
    for (uint32_t n = 0; n < i->arg; n++)
        nj_front_push(s, NJ_NOREF);
    for (uint32_t n = 0; n < i->arg; n++) {
        NjRef item = nj_emit1(&s->at, NJ_OP_py_item, NULL, whole);
        nj_val(s->f, item)->imm.i = n;
        nj_front_set(s, nj_flow_slot(s->flow, base + i->arg - 1 - n), item);
    }
}

/* -- calls and loops ------------------------------------------------------------------------------------- */

static bool step_kwnames(NjFront *s, const NjIns *i, NjCallee *q)
{
    const NjConst *k = i->arg2 ? s->code->consts[i->arg2 - 1] : NULL;
    if (!i->arg2)
        return true;
    if (!k || k->kind != NJ_C_TUPLE || k->tuple.n > i->arg)
        return false;
    const char **names = nj_arena_alloc(s->f->arena, (k->tuple.n + 1u) * sizeof *names);
    if (!names)
        return false;
    for (uint32_t n = 0; n < k->tuple.n; n++) {
        if (k->tuple.at[n]->kind != NJ_C_STR)
            return false;
        names[n] = k->tuple.at[n]->str.text;
    }
    q->kwnames = names;
    q->nkw = k->tuple.n;
    return true;
}

static void step_call(NjFront *s, const NjIns *i)
{
    NjRef *args = step_args(s, i->arg + 1);
    NjCallee *q = NJ_NEW(s->f->arena, NjCallee);
    NjRef r = nj_emit(&s->at, NJ_OP_py_call, 0, NULL, args ? i->arg + 1 : 0, args);
    if (!step_kwnames(s, i, q)) {
        nj_front_malformed(s->f->diags, s->code, "keyword names that are no names");
        s->failed = true;
    }
    if (r)
        nj_val(s->f, r)->imm.callee = q;
    nj_front_push(s, r);
}

/* The elements of a tuple that was made just for this call; it is not made then. NULL: they are not known. */
static NjRef *step_spread(NjFront *s, NjRef x, uint32_t *n)
{
    NjVal *v = nj_val(s->f, x);
    const NjConst *k = nj_front_const_of(s->f, x);
    bool is_const = k && k->kind == NJ_C_TUPLE;
    if (!is_const && v->op != NJ_OP_py_tuple)
        return NULL;
    *n = is_const ? k->tuple.n : v->nargs;
    NjRef *out = nj_arena_alloc(s->scratch, (*n + 1u) * sizeof *out);
    for (uint32_t i = 0; out && i < *n; i++)
        out[i] = is_const ? step_global(s, k->tuple.at[i], "<constant>") : v->args[i];
    if (!is_const && !v->name && v->blk == s->at.b && nj_blk(s->f, s->at.b)->last == x)
        nj_val_unlink(s->f, x);
    return out;
}

/* Keyword names and values, as CALL_EX has them: into names and at. False: they are no names. */
static bool step_keywords(NjFront *s, const NjRef *kw, uint32_t n, bool in_turn, const char **names, NjRef *at)
{
    const NjConst *keys = in_turn || !n ? NULL : nj_front_const_of(s->f, kw[n]);
    for (uint32_t i = 0; i < n; i++) {
        const NjConst *k = in_turn ? nj_front_const_of(s->f, kw[2 * i]) : NULL;
        if (keys && keys->kind == NJ_C_TUPLE && i < keys->tuple.n)
            k = keys->tuple.at[i];
        if (!k || k->kind != NJ_C_STR)
            return false;
        names[i] = k->str.text;
        at[i] = in_turn ? kw[2 * i + 1] : kw[i];
    }
    return true;
}

/* A call that CPython finds too long for its stack: f(*tuple, **dict), both made just before. */
static void step_call_ex(NjFront *s, const NjIns *i)
{
    uint32_t form = i->arg2 & 3, n = 0, nkw = form == 0 ? 0 : form == 1 ? (i->arg - 2) / 2 : i->arg - 3;
    NjRef *values = step_args(s, i->arg), *args = values ? step_spread(s, values[1], &n) : NULL;
    NjRef *all = nj_arena_alloc(s->scratch, (1u + n + nkw) * sizeof *all);
    NjCallee *q = NJ_NEW(s->f->arena, NjCallee);
    const char **names = nj_arena_alloc(s->f->arena, (nkw + 1u) * sizeof *names);
    if (values && !args)
        step_error(s, NJ_ERR_NYI_BYTECODE, nj_front_construct(i->arg2 >> 2), NULL);
    if (!args || !all || !names) {
        nj_front_push(s, step_undef(s));
        return;
    }
    all[0] = values[0];
    memcpy(all + 1, args, n * sizeof *all);
    if (!step_keywords(s, values + 2, nkw, form == 1, names, all + 1 + n)) {
        nj_front_malformed(s->f->diags, s->code, "keyword names that are no names");
        s->failed = true;
    }
    q->kwnames = names;
    q->nkw = nkw;
    NjRef r = nj_emit(&s->at, NJ_OP_py_call, 0, NULL, 1 + n + nkw, all);
    if (r)
        nj_val(s->f, r)->imm.callee = q;
    nj_front_push(s, r);
}

static void step_get_iter(NjFront *s, const NjIns *i)
{
    nj_front_push(s, nj_emit1(&s->at, NJ_OP_py_iter, NULL, nj_front_pop(s)));
}

static NjRef step_top(const NjFront *s) { return s->cur[nj_flow_slot(s->flow, s->depth - 1)]; }

static void step_branch(NjFront *s, NjRef cond)
{
    nj_emit_condbr(&s->at, cond, nj_front_succ(s, 0), nj_front_succ(s, 1));
    step_end(s);
}

static void step_for_iter(NjFront *s, const NjIns *i)
{
    step_branch(s, nj_emit1(&s->at, NJ_OP_py_next, NULL, step_top(s)));
}

static void step_for_value(NjFront *s, const NjIns *i)
{
    nj_front_push(s, nj_emit1(&s->at, NJ_OP_py_value, NULL, step_top(s)));
}

/* -- the stack and control ------------------------------------------------------------------------------- */

static void step_copy(NjFront *s, const NjIns *i)
{
    nj_front_push(s, s->cur[nj_flow_slot(s->flow, s->depth - i->arg)]);
}

static void step_swap(NjFront *s, const NjIns *i)
{
    uint32_t top = nj_flow_slot(s->flow, s->depth - 1), low = nj_flow_slot(s->flow, s->depth - i->arg);
    NjRef was = s->cur[top];
    nj_front_set(s, top, s->cur[low]);
    nj_front_set(s, low, was);
}

static void step_pop(NjFront *s, const NjIns *i) { nj_front_pop(s); }

static void step_jump(NjFront *s, const NjIns *i)
{
    nj_emit_br(&s->at, nj_front_succ(s, 0));
    step_end(s);
}

static void step_jump_if(NjFront *s, const NjIns *i)
{
    step_branch(s, nj_emit1(&s->at, NJ_OP_py_truth, NULL, nj_front_pop(s)));
}

static void step_test(NjFront *s, const NjIns *i) { nj_emit1(&s->at, NJ_OP_py_truth, NULL, nj_front_pop(s)); }

static void step_ret(NjFront *s, const NjIns *i)
{
    nj_emit1(&s->at, NJ_OP_ret, NULL, nj_front_pop(s));
    step_end(s);
}

/* raise X(a): the class and its arguments, if the call was just made; it would only make an object. */
static bool step_raise_call(NjFront *s, NjRef x)
{
    NjVal *v = nj_val(s->f, x);
    if (v->op != NJ_OP_py_call || nj_blk(s->f, s->at.b)->last != x || v->imm.callee->nkw)
        return false;
    const NjConst *k = v->nargs ? nj_front_const_of(s->f, v->args[0]) : NULL;
    if (!k || k->kind != NJ_C_EXC)
        return false;
    NjRef *args = v->args;
    uint32_t nargs = v->nargs;
    nj_val_unlink(s->f, x);
    nj_emit(&s->at, NJ_OP_py_raise, 0, NULL, nargs, args);
    return true;
}

static void step_raise(NjFront *s, const NjIns *i)
{
    NjRef x = nj_front_pop(s);
    if (!step_raise_call(s, x))
        nj_emit1(&s->at, NJ_OP_py_raise, NULL, x);
    step_end(s);
}

const NjStepFn nj_front_step[NJ_BC_COUNT] = {
#define BC(op, pops, pushes, handler, doc) step_##handler,
#include "front/bc.def"
#undef BC
};
