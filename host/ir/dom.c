/* dom.c - reachability, dominators, loop depth.
 *
 * In: blocks and edges. Out: rpo, idom, dom_in/dom_out, depth and dead of every block; edges are left alone
 * (pass/prune.c takes those of dead blocks away). Dominators by Semi-NCA (Georgiadis, "Linear-Time Algorithms for
 * Dominators and Related Problems", 2005): near-linear in practice also on long chains of early exits, where the
 * iterative algorithm is not. Loops by union-find over the headers, innermost first (Tarjan 1974); an entry into
 * the middle of a cycle makes no loop. Nothing recurses, so a function of a million blocks needs no stack.
 */
#include "ir/ir.h"

typedef struct Dom {
    NjFn *f;
    uint32_t n;             /* blocks that can be reached; numbers below are depth-first preorder, 0 the entry */
    NjBlkId *blk;           /* number -> block */
    uint32_t *num;          /* block -> number + 1; 0 not reached */
    uint32_t *parent;       /* in the depth-first tree */
    uint32_t *semi, *label, *anc, *idom, *stack;
} Dom;

/* -- depth-first search: preorder numbers, and reverse postorder on the way out ------------------------------------ */

static void dom_search(Dom *d)
{
    NjFn *f = d->f;
    uint32_t *edge = d->label;          /* next edge to follow, by number; label is filled afterwards */
    uint32_t depth = 0, post = 0;
    d->num[0] = 1;
    d->blk[0] = 0;
    d->stack[depth++] = 0;
    d->n = 1;
    while (depth) {
        uint32_t v = d->stack[depth - 1];
        NjBlk *b = nj_blk(f, d->blk[v]);
        if (edge[v] == b->nsucc) {
            b->rpo = post++;
            depth--;
            continue;
        }
        NjBlkId to = b->succ[b->nsucc - 1 - edge[v]++];     /* the last first, so that the first comes first in rpo */
        if (d->num[to])
            continue;
        d->blk[d->n] = to;
        d->num[to] = d->n + 1;
        d->parent[d->n] = v;
        d->stack[depth++] = d->n++;
    }
}

/* -- Semi-NCA ------------------------------------------------------------------------------------------------------ */

/* The number of least semidominator on the path from v to the root of its tree; the path is compressed. */
static uint32_t dom_eval(Dom *d, uint32_t v)
{
    if (d->anc[v] == UINT32_MAX)
        return v;
    uint32_t depth = 0;
    for (uint32_t u = v; d->anc[d->anc[u]] != UINT32_MAX; u = d->anc[u])
        d->stack[depth++] = u;
    while (depth) {
        uint32_t u = d->stack[--depth], a = d->anc[u];
        if (d->semi[d->label[a]] < d->semi[d->label[u]])
            d->label[u] = d->label[a];
        d->anc[u] = d->anc[a];
    }
    return d->label[v];
}

static void dom_solve(Dom *d)
{
    for (uint32_t v = 0; v < d->n; v++) {
        d->semi[v] = d->label[v] = v;
        d->anc[v] = UINT32_MAX;
        d->idom[v] = d->parent[v];
    }
    for (uint32_t v = d->n; --v > 0;) {
        const NjBlk *b = nj_blk(d->f, d->blk[v]);
        for (uint32_t i = 0; i < b->preds.n; i++) {
            uint32_t p = d->num[b->preds.at[i]];
            if (!p)
                continue;
            uint32_t u = dom_eval(d, p - 1);
            if (d->semi[u] < d->semi[v])
                d->semi[v] = d->semi[u];
        }
        d->anc[v] = d->parent[v];
    }
    for (uint32_t v = 1; v < d->n; v++)
        while (d->idom[v] > d->semi[v])
            d->idom[v] = d->idom[d->idom[v]];
}

/* Intervals of the dominator tree: a child's preorder number is above its parent's, so sizes add up in one sweep
 * down. */
static void dom_intervals(Dom *d)
{
    uint32_t *size = d->semi, *next = d->label;
    for (uint32_t v = 0; v < d->n; v++)
        size[v] = 1;
    for (uint32_t v = d->n; --v > 0;)
        size[d->idom[v]] += size[v];
    next[0] = 0;
    for (uint32_t v = 0; v < d->n; v++) {
        NjBlk *b = nj_blk(d->f, d->blk[v]);
        b->dom_in = v ? next[d->idom[v]] : 0;
        b->dom_out = b->dom_in + size[v];
        if (v)
            next[d->idom[v]] += size[v];
        next[v] = b->dom_in + 1;
        b->idom = v ? d->blk[d->idom[v]] : NJ_NOBLK;
    }
}

bool nj_dom(const NjFn *f, NjBlkId a, NjBlkId b)
{
    const NjBlk *x = nj_blk(f, a), *y = nj_blk(f, b);
    return x->dom_in <= y->dom_in && y->dom_in < x->dom_out;
}

/* -- loops --------------------------------------------------------------------------------------------------------- */

/* Sets are loops already found, named by their headers; paths halve. */
static uint32_t loop_find(uint32_t *set, uint32_t v)
{
    while (set[v] != v) {
        set[v] = set[set[v]];
        v = set[v];
    }
    return v;
}

/* Puts the blocks with an edge to k, and dominated by h, into the loop of h; counts those that are h. */
static uint32_t loop_preds(Dom *d, uint32_t h, const NjBlk *k, uint32_t *set, uint32_t *loop, uint32_t *n)
{
    uint32_t nback = 0;
    for (uint32_t i = 0; i < k->preds.n; i++) {
        NjBlkId p = k->preds.at[i];
        if (!d->num[p] || !nj_dom(d->f, d->blk[h], p))
            continue;
        nback++;
        uint32_t v = loop_find(set, d->num[p] - 1);
        if (v == h)
            continue;
        set[v] = loop[v] = h;
        d->stack[(*n)++] = v;
    }
    return nback;
}

/* Walks back from the sources of h's back edges; whatever is met belongs to the loop of h, inner loops as one. */
static bool loop_body(Dom *d, uint32_t h, uint32_t *set, uint32_t *loop)
{
    uint32_t n = 0;
    uint32_t nback = loop_preds(d, h, nj_blk(d->f, d->blk[h]), set, loop, &n);
    while (n) {
        n--;
        loop_preds(d, h, nj_blk(d->f, d->blk[d->stack[n]]), set, loop, &n);
    }
    return nback > 0;
}

static void dom_loops(Dom *d)
{
    uint32_t *set = d->anc, *loop = d->semi, *header = d->label;
    for (uint32_t v = 0; v < d->n; v++) {
        set[v] = v;
        loop[v] = UINT32_MAX;
    }
    for (uint32_t h = d->n; h-- > 0;)       /* an inner header has the higher preorder number */
        header[h] = loop_body(d, h, set, loop);
    for (uint32_t v = 0; v < d->n; v++)
        nj_blk(d->f, d->blk[v])->depth = (loop[v] == UINT32_MAX ? 0 : nj_blk(d->f, d->blk[loop[v]])->depth) + header[v];
}

/* -- entry --------------------------------------------------------------------------------------------------------- */

static bool dom_room(Dom *d, NjArena *a, uint32_t n)
{
    uint32_t *room = NJ_NEWN(a, uint32_t, (size_t)n * 8);
    if (!room || nj_arena_failed(a))
        return false;
    d->blk = room;
    d->num = room + n;
    d->parent = room + 2 * (size_t)n;
    d->semi = room + 3 * (size_t)n;
    d->label = room + 4 * (size_t)n;
    d->anc = room + 5 * (size_t)n;
    d->idom = room + 6 * (size_t)n;
    d->stack = room + 7 * (size_t)n;
    return true;
}

void nj_fill_dom(NjFn *f)
{
    Dom d = {.f = f};
    uint32_t n = f->blks.n;
    NjMark mark = nj_arena_mark(f->arena);
    if (!n || !dom_room(&d, f->arena, n))
        return;
    for (NjBlkId b = 0; b < n; b++) {
        NjBlk *k = nj_blk(f, b);
        k->idom = NJ_NOBLK;
        k->rpo = UINT32_MAX;
        k->depth = k->dom_in = k->dom_out = 0;
        k->dead = true;
    }
    dom_search(&d);
    for (uint32_t v = 0; v < d.n; v++) {
        NjBlk *k = nj_blk(f, d.blk[v]);
        k->rpo = d.n - 1 - k->rpo;
        k->dead = false;
    }
    dom_solve(&d);
    dom_intervals(&d);
    dom_loops(&d);
    nj_arena_reset(f->arena, mark);
}
