/* prune.c - branches on constants become jumps, blocks that cannot be reached go, straight lines become one block.
 *
 * needs: dom / keeps: nothing / breaks: dom
 * Joined blocks keep the number of the first; the others stay as dead holes, so that numbers in dumps do not move.
 */
#include "pass/pass.h"

static void prune_to_br(NjFn *f, NjBlkId b, unsigned drop)
{
    NjVal *t = nj_val(f, nj_blk(f, b)->last);
    nj_fn_drop_edge(f, b, drop);
    t->op = NJ_OP_br;
    t->nargs = 0;
}

/* Both edges of b go to one block: where a phi tells them apart, a select does so instead. LLVM's phis cannot. */
static bool prune_twin(NjFn *f, NjBlkId b)
{
    NjBlkId to = nj_blk(f, b)->succ[0];
    NjRef last = nj_blk(f, b)->last, cond = nj_val(f, last)->args[0];
    const NjBlk *t = nj_blk(f, to);
    uint32_t i = 0, j;
    while (i < t->preds.n && t->preds.at[i] != b)
        i++;
    for (j = i + 1; j < t->preds.n && t->preds.at[j] != b; j++)
        ;
    NjAt at = {.f = f, .b = b, .before = last, .loc = nj_val(f, last)->loc};
    for (NjRef r = t->first; nj_val(f, r)->op == NJ_OP_phi; r = nj_val(f, r)->next) {
        NjRef yes = nj_val(f, r)->args[i], no = nj_val(f, r)->args[j];
        if (yes == no)
            continue;
        if (!f->core)               /* Python has no select: lowering comes first */
            return false;
        yes = nj_emit3(&at, NJ_OP_select, nj_val(f, r)->type, cond, yes, no);
        nj_val(f, r)->args[i] = yes;
    }
    prune_to_br(f, b, 1);
    return true;
}

/* A condbr on a constant, or with one target twice, becomes a br. */
static bool prune_branch(NjFn *f, NjBlkId b)
{
    const NjBlk *k = nj_blk(f, b);
    const NjVal *t = k->last ? nj_val(f, k->last) : NULL;
    int64_t cond;
    if (!t || t->op != NJ_OP_condbr || k->nsucc != 2)
        return false;
    if (nj_const_int(f, t->args[0], &cond)) {
        prune_to_br(f, b, cond ? 1 : 0);
        return true;
    }
    return k->succ[0] == k->succ[1] && prune_twin(f, b);
}

/* Is there one way out of b, to a block with no other way in? */
static bool prune_line(const NjFn *f, NjBlkId b, NjBlkId *next)
{
    const NjBlk *k = nj_blk(f, b);
    if (k->nsucc != 1 || !k->last || nj_val(f, k->last)->op != NJ_OP_br)
        return false;
    *next = k->succ[0];
    return *next != b && *next != 0 && nj_blk(f, *next)->preds.n == 1;
}

/* Appends `from` to b. Each value moves once however long the line is, since joining goes on from its first block. */
static void prune_join(NjFn *f, NjBlkId b, NjBlkId from, NjRef *map)
{
    NjBlk *k = nj_blk(f, b), *n = nj_blk(f, from);
    nj_val_unlink(f, k->last);
    for (NjRef r = n->first, next; r; r = next) {
        next = nj_val(f, r)->next;
        if (nj_val(f, r)->op == NJ_OP_phi) {
            map[r] = nj_val(f, r)->args[0];
            nj_val_unlink(f, r);
        } else {
            nj_val_move(f, r, b, NJ_NOREF);
        }
    }
    k->nsucc = n->nsucc;
    for (unsigned i = 0; i < n->nsucc; i++) {
        k->succ[i] = n->succ[i];
        NjBlk *to = nj_blk(f, n->succ[i]);
        for (uint32_t j = 0; j < to->preds.n; j++)
            if (to->preds.at[j] == from)
                to->preds.at[j] = b;
    }
    n->nsucc = 0;
    n->preds.n = 0;
    n->dead = true;
}

bool nj_pass_prune(NjFn *f)
{
    bool branches = false, lines = false;
    for nj_each_blk(f, b)
        branches |= prune_branch(f, b);
    if (branches)
        nj_fill_dom(f);
    bool dropped = nj_fn_drop_dead(f);
    NjRef *map = NJ_NEWN(f->arena, NjRef, f->vals.n);
    if (!map)
        return branches || dropped;
    for nj_each_blk(f, b)
        for (NjBlkId next; prune_line(f, b, &next); lines = true)
            prune_join(f, b, next, map);
    if (lines)
        nj_fn_replace_all(f, map);
    return branches || dropped || lines;
}
