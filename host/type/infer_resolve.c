/* infer_resolve.c - module attributes before typing: `math.sqrt` becomes the constant, `cuda.threadIdx.x` a call.
 *
 * In: untyped SSA. Out: no py.getattr of a module is left, and a special register is read by a py.call of its row with
 * no arguments, where it was read or, when it came as a global, at the head of the function.
 */
#include "type/infer.h"

static bool is_register(const NjConst *k)
{
    return k && k->kind == NJ_C_INTRIN && nj_intrin_typer(k->intrin) == NJ_TYPER_sreg;
}

static bool holds_register(const NjConst *k)
{
    bool found = is_register(k);
    for (uint32_t i = 0; k && k->kind == NJ_C_TUPLE && i < k->tuple.n; i++)
        found |= holds_register(k->tuple.at[i]);
    return found;
}

static NjCallee *callee_new(NjFn *f, uint16_t intrin)
{
    NjCallee *q = NJ_NEW(f->arena, NjCallee);
    q->intrin = intrin;
    return q;
}

/* py.getattr r of a module becomes a call that reads the register k. */
static void read_register(NjFn *f, NjRef r, const NjConst *k)
{
    NjRef callee = nj_fn_const(f, k, NULL);
    NjVal *v = nj_val(f, r);
    v->op = NJ_OP_py_call;
    v->args[0] = callee;
    v->imm.callee = callee_new(f, k->intrin);
}

static const NjConst *find_attr(const NjConst *module, const char *name)
{
    for (uint32_t i = 0; i < module->module.n; i++)
        if (!strcmp(module->module.attrs[i].name, name))
            return module->module.attrs[i].value;
    return NULL;
}

static bool resolve_attr(NjUnit *u, NjFn *f, NjRef r, NjRef *map)
{
    NjVal *v = nj_val(f, r);
    NjRef object = map[v->args[0]] ? map[v->args[0]] : v->args[0];
    const NjConst *m = nj_val(f, object)->op == NJ_OP_const ? nj_val(f, object)->imm.k : NULL;
    if (!m || m->kind != NJ_C_MODULE)
        return true;
    const NjConst *k = find_attr(m, v->imm.name);
    if (!k || k->kind == NJ_C_MISSING) {
        nj_diag_add(&u->diags, NJ_ERR_ATTR_MODULE, f->file, f->pyname, v->loc, m->name ? m->name : "?", v->imm.name);
        return false;
    }
    if (is_register(k))
        read_register(f, r, k);
    else
        map[r] = nj_fn_const(f, k, NULL);
    return true;
}

/* A register that came as a global of its own, `from naja.cuda import laneid`, or in a tuple of constants: read at the
 * head of the function, where `at` stands. */
static NjRef read_at_head(NjAt *at, NjRef constant)
{
    const NjConst *k = nj_val(at->f, constant)->imm.k;
    if (is_register(k)) {
        NjRef r = nj_emit(at, NJ_OP_py_call, 0, NULL, 1, &constant);
        nj_val(at->f, r)->imm.callee = callee_new(at->f, k->intrin);
        return r;
    }
    NjRef *elems = NJ_NEWN(at->f->arena, NjRef, k->tuple.n + 1);
    for (uint32_t i = 0; i < k->tuple.n; i++) {
        elems[i] = nj_fn_const(at->f, k->tuple.at[i], NULL);
        if (holds_register(k->tuple.at[i]))
            elems[i] = read_at_head(at, elems[i]);
    }
    return nj_emit(at, NJ_OP_py_tuple, 0, NULL, k->tuple.n, elems);
}

static bool is_register_operand(const NjFn *f, const NjVal *v, unsigned i)
{
    const NjVal *a = nj_arg(f, v, i);
    return a->op == NJ_OP_const && holds_register(a->imm.k) && !(v->op == NJ_OP_py_call && i == 0);
}

static void read_global_registers(NjFn *f, NjRef *map)
{
    NjAt at = {.f = f, .b = 0, .before = f->blks.n ? nj_blk(f, 0)->first : NJ_NOREF};
    for (NjRef r = 1, end = f->vals.n; r < end; r++)
        for (uint32_t i = 0; i < nj_val(f, r)->nargs; i++) {
            if (!is_register_operand(f, nj_val(f, r), i))
                continue;
            NjRef constant = nj_val(f, r)->args[i];
            at.loc = nj_val(f, r)->loc;
            if (!map[constant])
                map[constant] = read_at_head(&at, constant);
            nj_val(f, r)->args[i] = map[constant];
        }
}

bool nj_infer_resolve(NjUnit *u, NjFn *f)
{
    bool ok = true;
    uint32_t before = f->vals.n;
    NjRef *map = NJ_NEWN(f->arena, NjRef, 2 * before + 1);      /* each attribute makes one constant at most */
    if (!map)
        return false;
    for nj_each_blk(f, b)
        for nj_each_val(f, b, r)
            if (nj_val(f, r)->op == NJ_OP_py_getattr)
                ok &= resolve_attr(u, f, r, map);
    nj_fn_replace_all(f, map);
    for (NjRef r = 1; r < before; r++)
        if (map[r])
            nj_val_unlink(f, r);
    memset(map, 0, (2 * before + 1) * sizeof *map);
    read_global_registers(f, map);
    return ok;
}
