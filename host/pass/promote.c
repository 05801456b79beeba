/* promote.c - stack slots of one element become values: range cursors, the state of loops.
 *
 * In: allocas of one element whose only uses are whole loads and stores. Out: phis where several stores meet; trivial
 * ones are left to trivphi. Only for what looks at values across barriers: LLVM does this for all others. Slots are
 * found by their block ends first; values on entry are then asked for backwards, a phi standing in for each join, so
 * loops end. (Braun et al., CC 2013, with every block sealed.)
 *
 * needs: dom / keeps: cfg / breaks: use
 */
#include "pass/split.h"

typedef struct Slot {
    NjFn *f;
    NjArena *a;
    const NjType *type;
    NjRef *out, *in;             /* by block: the last value stored; the value on entry, once asked for */
    NJ_VEC(NjRef) old, with;     /* loads and what they become */
} Slot;

/* Bits of the values that are such slots. */
static NjBits *find_slots(NjFn *f)
{
    NjBits *slots = nj_bits_new(f->arena, f->vals.n);
    for nj_each_val(f, 0, r) {
        const NjVal *v = nj_val(f, r);
        if (v->op == NJ_OP_alloca && v->imm.i == 1)
            nj_bits_set(slots, r);
    }
    for nj_each_blk(f, b)
        for nj_each_val(f, b, r) {
            const NjVal *v = nj_val(f, r);
            for (uint32_t i = 0; i < v->nargs; i++) {
                NjRef p = v->args[i];
                bool plain = !v->sub && ((v->op == NJ_OP_load && v->type == nj_val(f, p)->type->elem) ||
                                         (v->op == NJ_OP_store && i == 1));
                if (p < slots->n && nj_bits_has(slots, p) && !plain)
                    nj_bits_clear(slots, p);
            }
        }
    return slots;
}

static NjRef value_in(Slot *s, NjBlkId b);

static NjRef value_out(Slot *s, NjBlkId b)
{
    return s->out[b] ? s->out[b] : value_in(s, b);
}

static NjRef value_in(Slot *s, NjBlkId b)
{
    const NjBlk *k = nj_blk(s->f, b);
    if (s->in[b])
        return s->in[b];
    if (k->preds.n == 0)
        return s->in[b] = nj_fn_undef(s->f, s->type);
    if (k->preds.n == 1)
        return s->in[b] = value_out(s, k->preds.at[0]);
    NjRef phi = s->in[b] = nj_emit_phi(s->f, b, s->type, k->preds.n);
    for (uint32_t i = 0; i < nj_blk(s->f, b)->preds.n; i++) {
        NjRef x = value_out(s, nj_blk(s->f, b)->preds.at[i]);
        if (nj_val(s->f, phi)->nargs > i)
            nj_val(s->f, phi)->args[i] = x;
    }
    return phi;
}

static void promote_slot(Slot *s, NjRef slot)
{
    NjFn *f = s->f;
    s->type = nj_val(f, slot)->type->elem;
    memset(s->in, 0, f->blks.n * sizeof *s->in);
    memset(s->out, 0, f->blks.n * sizeof *s->out);
    for nj_each_blk(f, b)
        for nj_each_val(f, b, r)
            if (nj_val(f, r)->op == NJ_OP_store && nj_val(f, r)->args[1] == slot)
                s->out[b] = nj_val(f, r)->args[0];
    for nj_each_blk(f, b) {
        NjRef now = NJ_NOREF;
        for nj_each_val(f, b, r) {
            const NjVal *v = nj_val(f, r);
            if (v->op == NJ_OP_store && v->args[1] == slot)
                now = v->args[0];
            if (v->op != NJ_OP_load || v->args[0] != slot)
                continue;
            NjRef x = now ? now : value_in(s, b);
            if (!nj_vec_push(s->a, &s->old, r) || !nj_vec_push(s->a, &s->with, x))
                return;
        }
    }
}

/* Loads, stores and the slots themselves; after this nothing names them. */
static void drop_slots(NjFn *f, const NjBits *slots)
{
    for nj_each_blk(f, b)
        for nj_each_val(f, b, r) {
            const NjVal *v = nj_val(f, r);
            NjRef p = v->op == NJ_OP_load ? v->args[0] : v->op == NJ_OP_store ? v->args[1] : r;
            if (p < slots->n && nj_bits_has(slots, p) && (p == r || v->op == NJ_OP_load || v->op == NJ_OP_store))
                nj_val_unlink(f, r);
        }
}

bool nj_pass_promote(NjFn *f)
{
    NjBits *slots = find_slots(f);
    Slot s = {.f = f, .a = f->arena, .in = NJ_NEWN(f->arena, NjRef, f->blks.n),
              .out = NJ_NEWN(f->arena, NjRef, f->blks.n)};
    bool changed = false;
    for (NjRef r = 1, n = slots->n; r < n && !nj_arena_failed(f->arena); r++)
        if (nj_bits_has(slots, r)) {
            promote_slot(&s, r);
            changed = true;
        }
    NjRef *map = changed ? NJ_NEWN(f->arena, NjRef, f->vals.n) : NULL;
    if (!map || nj_arena_failed(f->arena))
        return false;
    for (uint32_t i = 0; i < s.old.n; i++)
        map[s.old.at[i]] = s.with.at[i];
    nj_fn_replace_all(f, map);
    drop_slots(f, slots);
    return true;
}
