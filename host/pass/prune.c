/* prune.c - branches on constants become jumps, blocks that cannot be reached go, straight lines become one block.
 *
 * needs: dom / keeps: nothing / breaks: dom
 * Joined blocks keep the number of the first; the others stay as dead holes, so that numbers in dumps do not move.
 */
#include "pass/pass.h"

/* A condbr on a constant, or with one target twice where no phi tells the edges apart, becomes a br. */
static bool prune_branch(NjFn *f, NjBlkId b)
{
    NjBlk *k = nj_blk(f, b);
    NjVal *t = k->last ? nj_val(f, k->last) : NULL;
    int64_t cond;
    if (!t || t->op != NJ_OP_condbr || k->nsucc != 2)
        return false;
    unsigned drop;
    if (nj_const_int(f, t->args[0], &cond))
        drop = cond ? 1 : 0;
    else if (k->succ[0] == k->succ[1] && nj_val(f, nj_blk(f, k->succ[0])->first)->op != NJ_OP_phi)
        drop = 1;
    else
        return false;
    nj_fn_drop_edge(f, b, drop);
    t->op = NJ_OP_br;
    t->nargs = 0;
    return true;
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
