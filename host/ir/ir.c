/* ir.c - building and editing functions: values, blocks, edges, interned constants.
 *
 * In: calls from the front end, lowering, passes and the parser. Out: a function that ir/check.c accepts, if its
 * callers keep the rules below. Every call is O(its arguments) except nj_fn_replace and nj_fn_drop_dead, which walk
 * the function once.
 *
 * Rules. The k-th edge of a block to the same target owns the k-th entry for that block in the target's preds, so a
 * condbr with one target twice is no special case. Constants, parameters and interned undefs belong to no block and
 * dominate everything. A NjVal * is good until the next value is made (vals may move); a NjRef is good for ever.
 * Out of memory: vals stops growing, values come back as NJ_NOREF (slot 0, a nop), and the arena remembers.
 */
#include "ir/ir.h"

/* -- ops.def as data ----------------------------------------------------------------------------------------------- */

const NjOpInfo nj_op_info[NJ_OP_COUNT] = {
#define OP(name, word, nargs, result, args, flags, tmpl, doc) {word, nargs, result, args, flags, tmpl, doc},
#include "ir/ops.def"
#undef OP
};

/* No row has more letters than operands. The letters cannot be read in a constant expression, their number can. */
#define OP(name, word, nargs, result, args, flags, tmpl, doc)                                                       \
    _Static_assert((nargs) >= -1 && sizeof(args) > 1 && ((nargs) <= 0 || sizeof(args) - 1 <= (nargs)),               \
                   "ops.def: " #name " has more argument letters than arguments");                                   \
    _Static_assert((result) == '-' || (result) == '=' || (result) == 'b' || (result) == 't' || (result) == '?',      \
                   "ops.def: " #name " has no such result rule");
#include "ir/ops.def"
#undef OP

bool nj_op_has(NjOp op, char flag)
{
    return op < NJ_OP_COUNT && strchr(nj_op_info[op].flags, flag) != NULL;
}

/* -- functions, blocks, values ------------------------------------------------------------------------------------- */

NjFn *nj_fn_new(NjTypes *types, NjArena *arena, NjDiags *diags, const char *name)
{
    NjFn *f = NJ_NEW(arena, NjFn);
    f->types = types;
    f->arena = arena;
    f->diags = diags;
    f->name = nj_arena_str(arena, name);
    f->consts = nj_map_new(arena);
    NjVal none = {.op = NJ_OP_nop, .blk = NJ_NOBLK};
    (void)nj_vec_push(arena, &f->vals, none);
    return f;
}

NjBlkId nj_fn_blk(NjFn *f)
{
    NjBlk b = {.idom = NJ_NOBLK, .rpo = UINT32_MAX, .depth = 0};
    return nj_vec_push(f->arena, &f->blks, b) ? f->blks.n - 1 : 0;
}

static NjRef val_new(NjFn *f, NjOp op, unsigned sub, const NjType *t)
{
    NjVal v = {.op = (uint16_t)op, .sub = (uint8_t)sub, .type = t, .blk = NJ_NOBLK};
    return nj_vec_push(f->arena, &f->vals, v) ? f->vals.n - 1 : NJ_NOREF;
}

static void val_args(NjFn *f, NjRef r, unsigned nargs, const NjRef *args)
{
    if (!r || !nargs)
        return;
    NjRef *to = NJ_NEWN(f->arena, NjRef, nargs);
    if (to && args)
        memcpy(to, args, nargs * sizeof *to);
    nj_val(f, r)->args = to;
    nj_val(f, r)->nargs = to ? nargs : 0;
}

/* Links r into b ahead of `before`, or at the end. */
static void val_link(NjFn *f, NjRef r, NjBlkId b, NjRef before)
{
    if (!r || b >= f->blks.n)
        return;
    NjVal *v = nj_val(f, r);
    NjBlk *k = nj_blk(f, b);
    v->blk = b;
    v->next = before;
    v->prev = before ? nj_val(f, before)->prev : k->last;
    *(v->prev ? &nj_val(f, v->prev)->next : &k->first) = r;
    *(before ? &nj_val(f, before)->prev : &k->last) = r;
}

static void val_detach(NjFn *f, NjRef r)
{
    NjVal *v = nj_val(f, r);
    if (v->blk == NJ_NOBLK)
        return;
    NjBlk *k = nj_blk(f, v->blk);
    *(v->prev ? &nj_val(f, v->prev)->next : &k->first) = v->next;
    *(v->next ? &nj_val(f, v->next)->prev : &k->last) = v->prev;
    v->blk = NJ_NOBLK;
    v->prev = v->next = NJ_NOREF;
}

NjRef nj_fn_param(NjFn *f, const NjType *t, const char *name)
{
    NjRef r = val_new(f, NJ_OP_param, 0, t);
    NjRef *params = NJ_NEWN(f->arena, NjRef, f->nparams + 1);
    if (!r || !params)
        return NJ_NOREF;
    if (f->nparams)
        memcpy(params, f->params, f->nparams * sizeof *params);
    params[f->nparams] = r;
    f->params = params;
    nj_val(f, r)->imm.i = f->nparams++;
    nj_val(f, r)->name = name;
    return r;
}

/* -- constants ----------------------------------------------------------------------------------------------------- */

/* One record of an interning key. Fields are words so that there is no padding to hash. */
typedef struct Key { uint64_t kind, type, value, more; } Key;

static void key_put(NjText *out, const NjConst *k, const NjType *t)
{
    Key key = {k->kind, (uintptr_t)k->type, 0, (uintptr_t)t};
    switch (k->kind) {
    case NJ_C_NONE: case NJ_C_ELLIPSIS: case NJ_C_TYPE: break;
    case NJ_C_BOOL: key.value = k->b; break;
    case NJ_C_INT: case NJ_C_UINT: key.value = k->u; break;
    case NJ_C_FLOAT: memcpy(&key.value, &k->f, sizeof key.value); break;
    case NJ_C_STR: case NJ_C_BIGINT: key.value = k->str.n; break;
    case NJ_C_TUPLE: key.value = k->tuple.n; break;
    case NJ_C_INTRIN: key.value = k->intrin; break;
    case NJ_C_FUNC: key.value = (uintptr_t)(k->code ? (const void *)k->code : k); break;
    default: key.value = (uintptr_t)k; break;            /* modules, arrays, objects: by identity */
    }
    nj_text_put(out, (const char *)&key, sizeof key);
    if (k->kind == NJ_C_STR || k->kind == NJ_C_BIGINT)
        nj_text_put(out, k->str.text, k->str.n);
    if (k->kind == NJ_C_COMPLEX)
        nj_text_put(out, (const char *)k->c, sizeof k->c);
    if ((k->kind == NJ_C_TYPE || k->kind == NJ_C_INTRIN) && k->name)    /* `int` is not np.int64, math.sin not np.sin */
        nj_text_put(out, k->name, strlen(k->name));
    for (uint32_t i = 0; k->kind == NJ_C_TUPLE && i < k->tuple.n; i++) {
        if (k->tuple.names)
            nj_text_put(out, k->tuple.names[i], strlen(k->tuple.names[i]) + 1);
        key_put(out, k->tuple.at[i], NULL);
    }
}

static bool key_is_scalar(const NjConst *k)
{
    return k->kind == NJ_C_BOOL || k->kind == NJ_C_INT || k->kind == NJ_C_UINT || k->kind == NJ_C_FLOAT ||
           k->kind == NJ_C_COMPLEX;
}

static NjRef const_new(NjFn *f, const NjConst *k, const NjType *t)
{
    NjRef r = val_new(f, NJ_OP_const, 0, t);
    if (r)
        nj_val(f, r)->imm.k = k;
    return r;
}

/* A NumPy scalar's constant knows its type; an untyped value made of it has that type from the start. */
NjRef nj_fn_const(NjFn *f, const NjConst *k, const NjType *t)
{
    if (!t && key_is_scalar(k))
        t = k->type;
    Key same = {UINT64_MAX, (uintptr_t)k, 0, (uintptr_t)t};      /* a long tuple used again is not read again */
    bool is_long = k->kind == NJ_C_TUPLE && k->tuple.n > 16;
    NjRef known = is_long ? (NjRef)(uintptr_t)nj_map_get(f->consts, &same, sizeof same) : NJ_NOREF;
    if (known)
        return known;
    NjText key;
    nj_text_init(&key);
    key_put(&key, k, t);
    NjRef r = key.failed ? NJ_NOREF : (NjRef)(uintptr_t)nj_map_get(f->consts, key.at, key.n);
    if (!r) {
        r = const_new(f, k, t);
        if (r && !key.failed)
            (void)nj_map_put(f->consts, key.at, key.n, (void *)(uintptr_t)r);
    }
    if (r && is_long)
        (void)nj_map_put(f->consts, &same, sizeof same, (void *)(uintptr_t)r);
    nj_text_free(&key);
    return r;
}

/* Interned without a NjConst at hand: the constant is made only when it is new. */
static NjRef const_scalar(NjFn *f, const NjType *t, NjConst k)
{
    Key key = {k.kind, 0, k.kind == NJ_C_BOOL ? k.b : k.u, (uintptr_t)t};
    NjRef r = (NjRef)(uintptr_t)nj_map_get(f->consts, &key, sizeof key);
    if (r)
        return r;
    r = const_new(f, nj_arena_copy(f->arena, &k, sizeof k), t);
    if (r)
        (void)nj_map_put(f->consts, &key, sizeof key, (void *)(uintptr_t)r);
    return r;
}

/* Integers are kept as their type reads them (sign or zero extended), so that equal bits are one constant. */
NjRef nj_fn_int(NjFn *f, const NjType *t, int64_t i)
{
    if (nj_type_is(t, NJ_K_BOOL))
        return const_scalar(f, t, (NjConst){.kind = NJ_C_BOOL, .b = i & 1});
    unsigned drop = t && t->bits && t->bits < 64 ? 64u - t->bits : 0;
    if (nj_type_is(t, NJ_K_UINT))
        i = (int64_t)((uint64_t)i << drop >> drop);
    else
        i = (int64_t)((uint64_t)i << drop) >> drop;
    return const_scalar(f, t, (NjConst){.kind = NJ_C_INT, .i = i});
}

NjRef nj_fn_float(NjFn *f, const NjType *t, double x)
{
    return const_scalar(f, t, (NjConst){.kind = NJ_C_FLOAT, .f = t && t->bits == 32 ? (double)(float)x : x});
}

/* One for each type; without a type each is its own, as each stands for another unbound variable. */
NjRef nj_fn_undef(NjFn *f, const NjType *t)
{
    Key key = {UINT64_MAX, 0, 0, (uintptr_t)t};
    NjRef r = t ? (NjRef)(uintptr_t)nj_map_get(f->consts, &key, sizeof key) : NJ_NOREF;
    if (r)
        return r;
    r = val_new(f, NJ_OP_undef, 0, t);
    if (r && t)
        (void)nj_map_put(f->consts, &key, sizeof key, (void *)(uintptr_t)r);
    return r;
}

bool nj_const_int(const NjFn *f, NjRef r, int64_t *out)
{
    const NjVal *v = nj_val(f, r);
    if (v->op != NJ_OP_const || !v->imm.k)
        return false;
    const NjConst *k = v->imm.k;
    bool is_bits = k->kind == NJ_C_UINT && nj_type_is(v->type, NJ_K_UINT);     /* untyped: not an int64 */
    if (k->kind != NJ_C_BOOL && k->kind != NJ_C_INT && !is_bits)
        return false;
    *out = k->kind == NJ_C_BOOL ? k->b : k->i;
    return true;
}

/* -- emitting ------------------------------------------------------------------------------------------------------ */

/* The type when the caller leaves it to the row. Untyped functions stay untyped. */
static const NjType *emit_type(const NjFn *f, NjOp op, unsigned nargs, const NjRef *args)
{
    char rule = nj_op_info[op].result;
    if (rule == '=' && nargs)
        return nj_val(f, args[0])->type;
    if (rule == 'b' && f->core)
        return nj_type_scalar(f->types, NJ_T_BOOL);
    return NULL;
}

NjRef nj_emit(NjAt *at, NjOp op, unsigned sub, const NjType *t, unsigned nargs, const NjRef *args)
{
    NjFn *f = at->f;
    NjRef r = val_new(f, op, sub, t ? t : emit_type(f, op, nargs, args));
    if (!r)
        return NJ_NOREF;
    nj_val(f, r)->loc = at->loc;
    val_args(f, r, nargs, args);
    val_link(f, r, at->b, at->before);
    return r;
}

NjRef nj_emit0(NjAt *at, NjOp op, const NjType *t, int64_t imm)
{
    NjRef r = nj_emit(at, op, 0, t, 0, NULL);
    if (r)
        nj_val(at->f, r)->imm.i = imm;
    return r;
}

NjRef nj_emit1(NjAt *at, NjOp op, const NjType *t, NjRef a)
{
    return nj_emit(at, op, 0, t, 1, &a);
}

NjRef nj_emit2(NjAt *at, NjOp op, const NjType *t, NjRef a, NjRef b)
{
    return nj_emit(at, op, 0, t, 2, (NjRef[]){a, b});
}

NjRef nj_emit3(NjAt *at, NjOp op, const NjType *t, NjRef a, NjRef b, NjRef c)
{
    return nj_emit(at, op, 0, t, 3, (NjRef[]){a, b, c});
}

NjRef nj_emit_phi(NjFn *f, NjBlkId b, const NjType *t, unsigned nargs)
{
    NjRef r = val_new(f, NJ_OP_phi, 0, t);
    val_args(f, r, nargs, NULL);
    val_link(f, r, b, nj_blk(f, b)->first);
    return r;
}

void nj_emit_br(NjAt *at, NjBlkId to)
{
    nj_emit0(at, NJ_OP_br, NULL, 0);
    nj_fn_edge(at->f, at->b, to);
}

void nj_emit_condbr(NjAt *at, NjRef cond, NjBlkId yes, NjBlkId no)
{
    nj_emit1(at, NJ_OP_condbr, NULL, cond);
    nj_fn_edge(at->f, at->b, yes);
    nj_fn_edge(at->f, at->b, no);
}

/* -- editing values ------------------------------------------------------------------------------------------------ */

void nj_val_unlink(NjFn *f, NjRef r)
{
    val_detach(f, r);
    NjVal *v = nj_val(f, r);
    v->op = NJ_OP_nop;
    v->sub = 0;
    v->nargs = 0;
    v->args = NULL;
    v->type = NULL;
    v->imm.i = 0;
}

void nj_val_move(NjFn *f, NjRef r, NjBlkId to, NjRef before)
{
    if (r == before)
        return;
    val_detach(f, r);
    val_link(f, r, to, before);
}

/* Where chains of replacements end; halves the path as it goes, so that a whole map costs near O(n). */
static NjRef map_end(NjRef *map, NjRef r)
{
    while (map[r] && map[r] != r) {
        if (map[map[r]])
            map[r] = map[map[r]];
        r = map[r];
    }
    return r;
}

void nj_fn_replace_all(NjFn *f, NjRef *map)
{
    for (NjRef r = 1; r < f->vals.n; r++) {
        NjVal *v = nj_val(f, r);
        for (uint32_t i = 0; i < v->nargs; i++)
            v->args[i] = map_end(map, v->args[i]);
        NjCallee *q = v->op != NJ_OP_nop && nj_op_has(v->op, 'Q') ? v->imm.callee : NULL;
        for (uint32_t i = 0; q && i < q->nbound; i++)
            q->bound[i] = map_end(map, q->bound[i]);
    }
}

void nj_fn_replace(NjFn *f, NjRef old, NjRef with)
{
    for (NjRef r = 1; r < f->vals.n; r++) {
        NjVal *v = nj_val(f, r);
        for (uint32_t i = 0; i < v->nargs; i++)
            if (v->args[i] == old)
                v->args[i] = with;
        NjCallee *q = v->op != NJ_OP_nop && nj_op_has(v->op, 'Q') ? v->imm.callee : NULL;
        for (uint32_t i = 0; q && i < q->nbound; i++)
            if (q->bound[i] == old)
                q->bound[i] = with;
    }
}

/* -- editing edges ------------------------------------------------------------------------------------------------- */

void nj_fn_edge(NjFn *f, NjBlkId from, NjBlkId to)
{
    NjBlk *b = nj_blk(f, from);
    if (b->nsucc < 2 && nj_vec_push(f->arena, &nj_blk(f, to)->preds, from))
        b->succ[b->nsucc++] = to;
}

/* Keeps the preds (and phi arguments) of b whose bit in `keep` is set. */
static void preds_filter(NjFn *f, NjBlkId b, const NjBits *keep)
{
    NjBlk *k = nj_blk(f, b);
    for (NjRef r = k->first; r && nj_val(f, r)->op == NJ_OP_phi; r = nj_val(f, r)->next) {
        NjVal *v = nj_val(f, r);
        uint32_t n = 0;
        for (uint32_t i = 0; i < v->nargs; i++)
            if (i >= keep->n || nj_bits_has(keep, i))
                v->args[n++] = v->args[i];
        v->nargs = n;
    }
    uint32_t n = 0;
    for (uint32_t i = 0; i < k->preds.n; i++)
        if (nj_bits_has(keep, i))
            k->preds.at[n++] = k->preds.at[i];
    k->preds.n = n;
}

void nj_fn_drop_edge(NjFn *f, NjBlkId from, unsigned which)
{
    NjBlk *b = nj_blk(f, from);
    NjBlkId to = b->succ[which];
    NjBlk *t = nj_blk(f, to);
    unsigned skip = which == 1 && b->succ[0] == to;      /* the k-th edge owns the k-th entry */
    NjBits *keep = nj_bits_new(f->arena, t->preds.n);
    bool gone = false;
    for (uint32_t i = 0; i < t->preds.n; i++) {
        if (t->preds.at[i] == from && !gone && !skip--)
            gone = true;
        else
            nj_bits_set(keep, i);
    }
    preds_filter(f, to, keep);
    if (!which)
        b->succ[0] = b->succ[1];
    b->nsucc--;
}

void nj_fn_drop_blk(NjFn *f, NjBlkId b)
{
    NjBlk *k = nj_blk(f, b);
    while (k->nsucc)
        nj_fn_drop_edge(f, b, k->nsucc - 1u);
    for (NjRef r = k->first, next; r; r = next) {
        next = nj_val(f, r)->next;
        nj_val_unlink(f, r);
    }
    k->dead = true;
    k->preds.n = 0;
}

/* Empties the blocks that nj_fill_dom found dead, and takes their edges out of the live ones, each target once. */
bool nj_fn_drop_dead(NjFn *f)
{
    bool changed = false;
    for nj_each_blk(f, b) {
        NjBlk *k = nj_blk(f, b);
        uint32_t nlive = 0;
        for (uint32_t i = 0; i < k->preds.n; i++)
            nlive += !nj_blk(f, k->preds.at[i])->dead;
        if (nlive == k->preds.n)
            continue;
        NjBits *keep = nj_bits_new(f->arena, k->preds.n);
        for (uint32_t i = 0; i < k->preds.n; i++)
            if (!nj_blk(f, k->preds.at[i])->dead)
                nj_bits_set(keep, i);
        preds_filter(f, b, keep);
    }
    for (NjBlkId b = 0; b < f->blks.n; b++) {
        NjBlk *k = nj_blk(f, b);
        if (!k->dead || (!k->first && !k->nsucc && !k->preds.n))
            continue;
        changed = true;
        k->nsucc = 0;
        nj_fn_drop_blk(f, b);
    }
    return changed;
}
