/* split_uniform.c - on which values, and on which next barrier, do all threads of a block agree?
 *
 * Threads differ by their index, by what they load and by what they computed from that; and where they come together
 * again after a branch on such a value: a phi there differs whatever its operands. A label for each side of such a
 * branch is pushed along the edges up to the barriers; a block that two labels reach is a join and has a label of its
 * own. Two barriers with different labels: threads may wait at different ones. A loop that threads leave on different
 * trips: what it computed differs outside. (After Rosemann, Moll and Hack, POPL 2021, for reducible graphs.)
 */
#include "pass/split_inside.h"

typedef struct Uniform {
    Split *s;
    NjFn *f;
    uint32_t *label;             /* by block: 0 none, 1 and 2 the sides of the branch at hand, else a block's own */
    NjBits **loop;               /* by header: its blocks, once asked for */
    NjBits *done;                /* branches that have been followed */
    NjBits *joins, *leaky;      /* blocks where threads come together; headers of loops they leave on different trips */
    NjBits *rounds; uint32_t nround;          /* of the branch at hand: headers of such loops */
    bool split;                  /* threads may be at different barriers */
    bool leave;                  /* some may return while others go on to a barrier */
    bool round;                  /* the branch at hand: some may go round a loop again */
} Uniform;

/* -- loops ------------------------------------------------------------------------------------------------------- */

static const NjBits *loop_of(Uniform *n, NjBlkId h)
{
    if (n->loop[h])
        return n->loop[h];
    NjFn *f = n->f;
    NjBits *in = n->loop[h] = nj_bits_new(n->s->a, f->blks.n);
    NjBlkId *stack = NJ_NEWN(n->s->a, NjBlkId, f->blks.n);
    uint32_t depth = 0;
    nj_bits_set(in, h);
    for (uint32_t i = 0; i < nj_blk(f, h)->preds.n; i++) {
        NjBlkId p = nj_blk(f, h)->preds.at[i];
        if (nj_dom(f, h, p) && !nj_bits_has(in, p)) {
            nj_bits_set(in, p);
            stack[depth++] = p;
        }
    }
    while (depth) {
        const NjBlk *k = nj_blk(f, stack[--depth]);
        for (uint32_t i = 0; i < k->preds.n; i++)
            if (!nj_bits_has(in, k->preds.at[i])) {
                nj_bits_set(in, k->preds.at[i]);
                stack[depth++] = k->preds.at[i];
            }
    }
    return in;
}

static bool is_header(const NjFn *f, NjBlkId h)
{
    for (uint32_t i = 0; i < nj_blk(f, h)->preds.n; i++)
        if (nj_dom(f, h, nj_blk(f, h)->preds.at[i]))
            return true;
    return false;
}

/* -- labels ------------------------------------------------------------------------------------------------------ */

static uint32_t own_label(const Uniform *n, NjBlkId b) { return 3 + b; }

/* Threads that go round come to this edge later than those that have left: the label of the outermost such loop. */
static uint32_t round_label(Uniform *n, NjBlkId from, NjBlkId to)
{
    uint32_t found = 0;
    for (NjBlkId h = from; n->nround && h != NJ_NOBLK; h = nj_blk(n->f, h)->idom)
        if (nj_bits_has(n->rounds, h) && nj_bits_has(loop_of(n, h), from) && !nj_bits_has(loop_of(n, h), to))
            found = own_label(n, h);
    return found;
}

static uint32_t edge_label(Uniform *n, NjBlkId from, NjBlkId to, NjBlkId branch)
{
    if (from == branch)
        return 1 + (nj_blk(n->f, from)->succ[0] != to);
    return n->label[from] ? n->label[from] : round_label(n, from, to);
}

/* One sweep: without back edges, and cut at the barriers, the graph has no cycle. */
static void run_labels(Uniform *n, NjBlkId branch)
{
    memset(n->label, 0, n->f->blks.n * sizeof *n->label);
    for (uint32_t i = 0; i < n->s->norder; i++) {
        NjBlkId b = n->s->order[i];
        const NjBlk *k = nj_blk(n->f, b);
        for (uint32_t j = 0; j < k->preds.n && b != branch; j++) {
            NjBlkId p = k->preds.at[j];
            if (nj_dom(n->f, b, p) || n->s->ends[p] != SPLIT_NONE)
                continue;
            uint32_t label = edge_label(n, p, b, branch), now = n->label[b];
            if (label && label != now)
                n->label[b] = now ? own_label(n, b) : label;
        }
    }
}

/* The label on edges back to h, 0 when none has one. The branch itself may be such an edge. */
static uint32_t back_label(Uniform *n, NjBlkId h, NjBlkId branch)
{
    const NjBlk *k = nj_blk(n->f, h);
    uint32_t found = 0;
    for (uint32_t i = 0; i < k->preds.n; i++) {
        NjBlkId p = k->preds.at[i];
        if (!nj_dom(n->f, h, p) || n->s->ends[p] != SPLIT_NONE)
            continue;
        uint32_t label = n->label[p];
        if (p == branch)
            label = 1 + (nj_blk(n->f, p)->succ[0] != h);
        if (label)
            found = found && found != label ? UINT32_MAX : label;
    }
    return found;
}

/* Some threads leave the loop for where more barriers are, while others may come to one in it. */
static bool meets_later(Uniform *n, const NjBits *in)
{
    NjBits *seen = nj_bits_new(n->s->a, n->f->blks.n);
    NjBlkId *stack = NJ_NEWN(n->s->a, NjBlkId, n->f->blks.n);
    uint32_t depth = 0;
    bool inside = false, later = false;
    for nj_each_blk(n->f, x) {
        inside |= nj_bits_has(in, x) && n->s->ends[x] != SPLIT_NONE;
        if (n->label[x] && !nj_bits_has(in, x)) {
            nj_bits_set(seen, x);
            stack[depth++] = x;
        }
    }
    while (inside && depth && !later) {
        NjBlkId x = stack[--depth];
        later = n->s->ends[x] != SPLIT_NONE;
        for (unsigned i = 0; i < nj_blk(n->f, x)->nsucc; i++) {
            NjBlkId y = nj_blk(n->f, x)->succ[i];
            if (nj_bits_has(seen, y))
                continue;
            nj_bits_set(seen, y);
            stack[depth++] = y;
        }
    }
    return later;
}

/* The branch is in the loop of h, and some threads go round again: does a thread leave, wait or return with another
 * label meanwhile? Then those that go round arrive later at all the exits. */
static bool leave_loop(Uniform *n, NjBlkId h, NjBlkId branch)
{
    const NjBits *in = loop_of(n, h);
    uint32_t back = back_label(n, h, branch);
    bool leaks = false;
    if (!back)
        return false;
    n->round = true;
    for nj_each_blk(n->f, x) {
        const NjBlk *k = nj_blk(n->f, x);
        if (!nj_bits_has(in, x) || (!n->label[x] && x != branch))
            continue;                                      /* everyone who is still in the loop leaves there */
        if (n->s->ends[x] != SPLIT_NONE) {
            n->split |= n->label[x] != back;              /* waits in the loop, in another trip than those that go on */
            continue;
        }
        for (unsigned i = 0; i < k->nsucc; i++)
            leaks |= !nj_bits_has(in, k->succ[i]) && (x == branch ? 1 + i : n->label[x]) != back;
    }
    if (!leaks)
        return false;
    if (nj_bits_has(n->rounds, h))
        return false;
    n->split |= meets_later(n, in);
    nj_bits_set(n->leaky, h);
    nj_bits_set(n->rounds, h);
    n->nround++;
    return true;
}

static bool leave_loops(Uniform *n, NjBlkId branch)
{
    bool changed = false;
    for (NjBlkId h = branch;; h = nj_blk(n->f, h)->idom) {
        if (is_header(n->f, h) && nj_bits_has(loop_of(n, h), branch))
            changed |= leave_loop(n, h, branch);
        if (h == 0 || nj_blk(n->f, h)->idom == NJ_NOBLK)
            return changed;
    }
}

/* Where did the sides of the branch come to? */
static void judge(Uniform *n)
{
    uint32_t first = 0;
    for (uint32_t k = 1; k < n->s->pt.n; k++) {
        uint32_t label = n->label[n->s->pt.at[k].before];
        if (first && label && label != first)
            n->split = true;
        first = label ? label : first;
    }
    for nj_each_blk(n->f, b) {
        if (n->label[b] == own_label(n, b))
            nj_bits_set(n->joins, b);
        if (n->label[b] && nj_blk(n->f, b)->last && nj_val(n->f, nj_blk(n->f, b)->last)->op == NJ_OP_ret)
            n->leave |= (first || n->round) && n->label[b] != first;
    }
}

static void follow(Uniform *n, NjBlkId b)
{
    const NjBlk *k = nj_blk(n->f, b);
    if (nj_bits_has(n->done, b) || k->succ[0] == k->succ[1])
        return;
    nj_bits_set(n->done, b);
    n->round = false;
    n->nround = 0;
    memset(n->rounds->w, 0, (n->rounds->n + 63) / 64 * sizeof *n->rounds->w);
    do
        run_labels(n, b);
    while (leave_loops(n, b));
    judge(n);
}

/* -- values ------------------------------------------------------------------------------------------------------- */

static bool differs_itself(const Uniform *n, const NjVal *v)
{
    switch (v->op) {
    case NJ_OP_sreg: return v->sub <= NJ_SREG_TID_Z || v->sub == NJ_SREG_LANEID;
    case NJ_OP_phi:  return nj_bits_has(n->joins, v->blk);
    case NJ_OP_load: case NJ_OP_rmw: case NJ_OP_cas: case NJ_OP_call: case NJ_OP_result: case NJ_OP_callx:
    case NJ_OP_alloca: return true;
    default: return false;
    }
}

/* Of a loop that threads leave on different trips, and used outside. */
static bool leaks_into(Uniform *n, NjRef x, NjBlkId user)
{
    NjBlkId def = nj_val(n->f, x)->blk;
    if (def == NJ_NOBLK)
        return false;
    for (NjBlkId h = def;; h = nj_blk(n->f, h)->idom) {
        if (nj_bits_has(n->leaky, h) && nj_bits_has(loop_of(n, h), def) && !nj_bits_has(loop_of(n, h), user))
            return true;
        if (h == 0 || nj_blk(n->f, h)->idom == NJ_NOBLK)
            return false;
    }
}

static bool mark(Uniform *n, NjRef r)
{
    if (nj_bits_has(n->s->differs, r))
        return false;
    nj_bits_set(n->s->differs, r);
    return true;
}

static bool look_at(Uniform *n, NjRef r)
{
    const NjVal *v = nj_val(n->f, r);
    bool changed = false, differs = differs_itself(n, v);
    for (uint32_t i = 0; i < v->nargs; i++) {
        NjBlkId user = v->op == NJ_OP_phi ? nj_blk(n->f, v->blk)->preds.at[i] : v->blk;
        if (leaks_into(n, v->args[i], user) || (v->op == NJ_OP_phi && leaks_into(n, v->args[i], v->blk)))
            changed |= mark(n, v->args[i]);
        differs |= nj_bits_has(n->s->differs, v->args[i]);
    }
    return (differs && mark(n, r)) || changed;
}

static bool uniform_round(Uniform *n)
{
    bool changed = false;
    for (uint32_t i = 0; i < n->s->norder; i++) {
        NjBlkId b = n->s->order[i];
        for nj_each_val(n->f, b, r)
            changed |= look_at(n, r);
        NjRef last = nj_blk(n->f, b)->last;
        if (last && nj_val(n->f, last)->op == NJ_OP_condbr &&
            nj_bits_has(n->s->differs, nj_val(n->f, last)->args[0]) && !nj_bits_has(n->done, b)) {
            follow(n, b);
            changed = true;
        }
    }
    return changed;
}

void nj_split_fill_uniform(Split *s)
{
    uint32_t nblk = s->f->blks.n;
    Uniform n = {.s = s, .f = s->f, .label = NJ_NEWN(s->a, uint32_t, nblk),
                 .loop = NJ_NEWN(s->a, NjBits *, nblk), .done = nj_bits_new(s->a, nblk),
                 .joins = nj_bits_new(s->a, nblk), .leaky = nj_bits_new(s->a, nblk),
                 .rounds = nj_bits_new(s->a, nblk)};
    s->differs = nj_bits_new(s->a, s->f->vals.n);
    if (nj_arena_failed(s->a))
        return;
    while (uniform_round(&n) && !nj_arena_failed(s->a))
        ;
    s->out->lockstep = !n.split;
    s->out->states = n.split || n.leave;
}
