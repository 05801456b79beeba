/* latch.c - gives every loop one way back: a latch block where its backward edges meet.
 *
 * CPython jumps back from each `continue` and each end of a branch. LLVM splits a loop with several backward edges into
 * nested ones when a variable is unchanged along one of them, and then knows no trip count: nothing unrolls or
 * vectorises.
 *
 * needs: dom / keeps: nothing / breaks: dom
 */
#include "pass/pass.h"

static uint32_t latch_count(const NjFn *f, NjBlkId h, NjBits *back)
{
    const NjBlk *k = nj_blk(f, h);
    uint32_t n = 0;
    for (uint32_t i = 0; i < k->preds.n; i++)
        if (nj_dom(f, h, k->preds.at[i])) {
            nj_bits_set(back, i);
            n++;
        }
    return n;
}

/* One phi of the header: its backward values meet in the latch, and that value takes their place at the end. */
static void latch_phi(NjFn *f, NjRef phi, NjBlkId latch, const NjBits *back, uint32_t nback)
{
    NjRef join = nj_emit_phi(f, latch, nj_val(f, phi)->type, nback);
    NjVal *v = nj_val(f, phi), *j = nj_val(f, join);
    j->loc = v->loc;
    j->name = v->name;
    uint32_t keep = 0, n = 0;
    for (uint32_t i = 0; i < v->nargs; i++)
        if (nj_bits_has(back, i))
            j->args[n++] = v->args[i];
        else
            v->args[keep++] = v->args[i];
    v->args[keep++] = join;
    v->nargs = keep;
}

static void latch_edges(NjFn *f, NjBlkId h, NjBlkId latch, const NjBits *back)
{
    NjBlk *k = nj_blk(f, h);
    uint32_t keep = 0;
    for (uint32_t i = 0; i < k->preds.n; i++) {
        NjBlkId p = k->preds.at[i];
        if (!nj_bits_has(back, i)) {
            k->preds.at[keep++] = p;
            continue;
        }
        NjBlk *from = nj_blk(f, p);
        from->succ[from->succ[0] == h ? 0 : 1] = latch;
        nj_vec_push(f->arena, &nj_blk(f, latch)->preds, p);
    }
    k->preds.n = keep;
    NjAt at = {.f = f, .b = latch};
    nj_emit_br(&at, h);
}

bool nj_pass_latch(NjFn *f)
{
    bool changed = false;
    for (NjBlkId h = 0, n = f->blks.n; h < n; h++) {
        NjBits *back = nj_blk(f, h)->dead ? NULL : nj_bits_new(f->arena, nj_blk(f, h)->preds.n);
        uint32_t nback = back ? latch_count(f, h, back) : 0;
        if (nback < 2)
            continue;
        NjBlkId latch = nj_fn_blk(f);
        for (NjRef r = nj_blk(f, h)->first; r && nj_val(f, r)->op == NJ_OP_phi; r = nj_val(f, r)->next)
            latch_phi(f, r, latch, back, nback);
        latch_edges(f, h, latch, back);
        changed = true;
    }
    return changed;
}
