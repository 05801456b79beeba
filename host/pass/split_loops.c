/* split_loops.c - cuts loops that all threads make alike, so that the threads become the inner loop.
 *
 * In: a kernel, not yet cut. Out: barriers at the heads of innermost loops whose trips no thread decides for itself:
 * sums over a row, a tile or a list of bodies. Neighbours along x then take each step side by side, in vector lanes,
 * where LLVM could neither reorder one thread's sum nor vectorise around its loop. A barrier changes nothing where all
 * threads that are left come by together; whether they do is tried on a copy.
 */
#include "pass/split_inside.h"

enum { MAX_TRIED = 8, MAX_BODY = 200, SMALL_TRIP = 64 };

static void fill_loop(NjFn *f, NjBlkId h, NjBits *in)
{
    NjBlkId *stack = NJ_NEWN(f->arena, NjBlkId, f->blks.n);
    uint32_t depth = 0;
    if (!stack || !in->n)
        return;
    nj_bits_set(in, h);
    stack[depth++] = h;
    while (depth) {
        NjBlkId b = stack[--depth];
        for (uint32_t i = 0; i < nj_blk(f, b)->preds.n; i++) {
            NjBlkId p = nj_blk(f, b)->preds.at[i];
            if (nj_bits_has(in, p) || !nj_dom(f, h, p))
                continue;
            nj_bits_set(in, p);
            stack[depth++] = p;
        }
    }
}

/* Dominated predecessors of h are its back edges; without them h heads no loop. */
static bool is_header(const NjFn *f, NjBlkId h)
{
    for (uint32_t i = 0; i < nj_blk(f, h)->preds.n; i++)
        if (nj_dom(f, h, nj_blk(f, h)->preds.at[i]))
            return true;
    return false;
}

/* LLVM unrolls those, and that is better yet. */
static bool is_short(const NjFn *f, NjRef cond)
{
    const NjVal *v = nj_val(f, cond);
    int64_t k;
    for (uint32_t i = 0; v->op == NJ_OP_icmp && i < 2; i++)
        if (nj_const_int(f, v->args[i], &k) && k >= -SMALL_TRIP && k <= SMALL_TRIP)
            return true;
    return false;
}

static bool leaves(const NjFn *f, NjBlkId b, const NjBits *in)
{
    const NjBlk *k = nj_blk(f, b);
    return k->nsucc == 2 && (!nj_bits_has(in, k->succ[0]) || !nj_bits_has(in, k->succ[1]));
}

static bool is_lane_work(const NjVal *v)
{
    bool other = nj_op_has(v->op, 'E') && v->op != NJ_OP_store;
    return !other && v->op != NJ_OP_rmw && v->op != NJ_OP_cas && v->op != NJ_OP_ret && !(v->sub && v->op == NJ_OP_load);
}

static bool is_worth_it(const NjFn *f, NjBlkId h, const NjBits *in)
{
    uint32_t nval = 0, nfloat = 0, nload = 0;
    for nj_each_blk(f, b) {
        if (!nj_bits_has(in, b))
            continue;
        if ((b != h && is_header(f, b)) || (leaves(f, b, in) && is_short(f, nj_val(f, nj_blk(f, b)->last)->args[0])))
            return false;
        for nj_each_val(f, b, r) {
            const NjVal *v = nj_val(f, r);
            if (!is_lane_work(v))
                return false;
            nval++;
            nload += v->op == NJ_OP_load;
            nfloat += v->op != NJ_OP_phi && nj_type_is(v->type, NJ_K_FLOAT) && v->op != NJ_OP_load;
        }
    }
    return nval <= MAX_BODY && nload && nfloat;
}

static void cut_head(NjFn *f, NjBlkId h)
{
    NjRef r = nj_blk(f, h)->first;
    while (nj_val(f, r)->op == NJ_OP_phi)
        r = nj_val(f, r)->next;
    NjAt at = {.f = f, .b = h, .before = r, .loc = nj_val(f, r)->loc};
    nj_emit0(&at, NJ_OP_barrier, NULL, 0);
}

/* With a barrier at h, do all threads still meet, and do they leave the loop together? */
static bool try_head(NjUnit *u, const NjFn *f, NjBlkId h, const NjBits *in)
{
    NjFn *g = nj_split_copy(f);
    Split s = {.u = u, .f = g, .a = f->arena, .out = NJ_NEW(f->arena, NjSplit)};
    if (!g || !s.out)
        return false;
    cut_head(g, h);
    if (!nj_split_points(&s) || !s.out->lockstep)
        return false;
    for nj_each_blk(f, b)
        if (nj_bits_has(in, b) && leaves(f, b, in) &&
            nj_bits_has(s.differs, nj_val(f, nj_blk(f, b)->last)->args[0]))
            return false;
    return true;
}

bool nj_split_loops(NjUnit *u, NjFn *f)
{
    uint32_t ntried = 0;
    bool changed = false;
    nj_fill_dom(f);
    for (NjBlkId h = 0, n = f->blks.n; h < n && ntried < MAX_TRIED; h++) {
        if (nj_blk(f, h)->dead || !is_header(f, h))
            continue;
        NjBits *in = nj_bits_new(f->arena, f->blks.n);
        fill_loop(f, h, in);
        if (nj_arena_failed(f->arena) || !is_worth_it(f, h, in))
            continue;
        ntried++;
        if (!try_head(u, f, h, in))
            continue;
        cut_head(f, h);
        changed = true;
    }
    return changed;
}

bool nj_split_has_loops(NjFn *f)
{
    nj_fill_dom(f);
    for nj_each_blk(f, h)
        if (is_header(f, h))
            return true;
    return false;
}
