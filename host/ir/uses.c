/* uses.c - who uses a value: one array, sliced by value. Good until the next edit.
 *
 * A user stands once for each argument that is the value. Users in dead blocks do not count.
 */
#include "ir/ir.h"

NjUses *nj_fill_uses(NjFn *f, NjArena *scratch)
{
    NjUses *u = NJ_NEW(scratch, NjUses);
    uint32_t n = f->vals.n;
    u->first = NJ_NEWN(scratch, uint32_t, (size_t)n + 2);
    if (!u->first)
        return NULL;
    uint32_t *fill = u->first + 2;             /* shifted: after the second sweep first[r] is where r begins */
    for nj_each_blk(f, b)
        for nj_each_val(f, b, r)
            for (uint32_t i = 0; i < nj_val(f, r)->nargs; i++, u->n++)
                if (nj_val(f, r)->args[i] < n)
                    fill[nj_val(f, r)->args[i]]++;
    u->users = NJ_NEWN(scratch, NjRef, (size_t)u->n + 1);
    if (!u->users || nj_arena_failed(scratch))
        return NULL;
    for (uint32_t r = 1; r < n + 2; r++)
        u->first[r] += u->first[r - 1];
    for nj_each_blk(f, b)
        for nj_each_val(f, b, r)
            for (uint32_t i = 0; i < nj_val(f, r)->nargs; i++)
                if (nj_val(f, r)->args[i] < n)
                    u->users[u->first[nj_val(f, r)->args[i] + 1]++] = r;
    return u;
}
