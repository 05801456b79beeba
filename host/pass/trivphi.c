/* trivphi.c - a phi that has one value from everywhere, itself aside, is that value.
 *
 * needs: nothing / keeps: cfg dom / breaks: use
 * Rounds over the phis that are left; a round sees what earlier ones found. Nested loops may need a round for each
 * level.
 */
#include "pass/pass.h"

static NjRef triv_find(NjRef *map, NjRef r)
{
    while (map[r]) {
        if (map[map[r]])
            map[r] = map[map[r]];
        r = map[r];
    }
    return r;
}

/* The one value, NJ_NOREF when there are two. A phi of nothing but itself is never reached: any value will do. */
static NjRef triv_value(NjFn *f, NjRef phi, NjRef *map)
{
    NjRef one = NJ_NOREF;
    for (uint32_t i = 0; i < nj_val(f, phi)->nargs; i++) {
        NjRef a = triv_find(map, nj_val(f, phi)->args[i]);
        if (a == phi || a == one)
            continue;
        if (one || !a)
            return NJ_NOREF;
        one = a;
    }
    return one ? one : nj_fn_undef(f, nj_val(f, phi)->type);
}

/* An untyped program's `undef` marks a variable that may be unbound: its phi says so in a message, and must stay. The
 * type of a phi may be wider than its value's, then inference converts on the way in. */
static bool triv_may(const NjFn *f, NjRef phi, NjRef with)
{
    const NjVal *p = nj_val(f, phi), *v = nj_val(f, with);
    return p->type == v->type && !(v->op == NJ_OP_undef && !f->core);
}

bool nj_pass_trivphi(NjFn *f)
{
    NJ_VEC(NjRef) phis = {0};
    for nj_each_blk(f, b)
        for (NjRef r = nj_blk(f, b)->first; r && nj_val(f, r)->op == NJ_OP_phi; r = nj_val(f, r)->next)
            (void)nj_vec_push(f->arena, &phis, r);
    uint32_t n = f->vals.n + phis.n;             /* undefs may be added, one at most for each phi */
    NjRef *map = phis.n ? NJ_NEWN(f->arena, NjRef, n) : NULL;
    if (!map)
        return false;
    uint32_t left = phis.n, before;
    do {
        before = left;
        left = 0;
        for (uint32_t i = 0; i < before; i++) {
            NjRef phi = phis.at[i], with = triv_value(f, phi, map);
            if (with && with < n && triv_may(f, phi, with))
                map[phi] = with;
            else
                phis.at[left++] = phi;
        }
    } while (left < before);
    bool changed = left < phis.n;
    if (changed)
        nj_fn_replace_all(f, map);
    for (uint32_t r = 1; changed && r < n && r < f->vals.n; r++)
        if (map[r])
            nj_val_unlink(f, r);
    return changed;
}
