/* dce.c - drops values that nobody uses and that do nothing else.
 *
 * needs: nothing / keeps: cfg dom / breaks: use
 * Marks from the roots (terminators, writes, other effects) through operands, so that a ring of phis that only feed
 * each other goes as well. Loads may go, volatile ones may not.
 */
#include "pass/pass.h"

static bool dce_root(const NjVal *v)
{
    if (v->op == NJ_OP_load)
        return v->sub & NJ_MEM_VOLATILE;
    return nj_op_has(v->op, 'T') || nj_op_has(v->op, 'E') || nj_op_has(v->op, 'W') || nj_op_has(v->op, 'V');
}

/* An alloca is an effect in ops.def because it must stay where it is; unused it may go. */
static bool dce_is_root(const NjVal *v)
{
    return v->op != NJ_OP_alloca && dce_root(v);
}

bool nj_pass_dce(NjFn *f)
{
    NjBits *live = nj_bits_new(f->arena, f->vals.n);
    NjRef *stack = NJ_NEWN(f->arena, NjRef, f->vals.n);
    uint32_t n = 0;
    if (!live || !live->w || !stack)
        return false;
    for nj_each_blk(f, b)
        for nj_each_val(f, b, r)
            if (dce_is_root(nj_val(f, r))) {
                nj_bits_set(live, r);
                stack[n++] = r;
            }
    while (n) {
        const NjVal *v = nj_val(f, stack[--n]);
        for (uint32_t i = 0; i < v->nargs; i++) {
            NjRef a = v->args[i];
            if (!a || nj_bits_has(live, a))
                continue;
            nj_bits_set(live, a);
            stack[n++] = a;
        }
    }
    bool changed = false;
    for nj_each_blk(f, b)
        for nj_each_val(f, b, r)
            if (!nj_bits_has(live, r)) {
                nj_val_unlink(f, r);
                changed = true;
            }
    return changed;
}
