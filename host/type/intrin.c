/* intrin.c - the rows of front/intrin.def and device-libs/math.def by number: their ids and names.
 *
 * Typers are found in infer_call.c; this file holds only what the IR text and messages need.
 */
#include "ir/ir.h"
#include "type/inside.h"

static const struct { const char *id, *name; } intrins[NJ_INTRIN_COUNT] = {
    [NJ_INTRIN_NONE] = {"NONE", ""},
#define INTRIN(id, name, typer, lowerer, arg) [NJ_INTRIN_##id] = {#id, name},
#include "front/intrin.def"
#undef INTRIN
#define MATH(id, pyname, nargs, llvm, libm, libmf, vec, nv, nvf, fast, ulp, doc) [NJ_INTRIN_MATH_##id] = {"MATH_" #id, #id},
#include "device-libs/math.def"
#undef MATH
};

const char *nj_intrin_id(unsigned intrin) { return intrin < NJ_INTRIN_COUNT ? intrins[intrin].id : "?"; }
const char *nj_intrin_name(unsigned intrin) { return intrin < NJ_INTRIN_COUNT ? intrins[intrin].name : "?"; }

unsigned nj_intrin_by_id(const char *id, size_t n)
{
    for (unsigned i = 1; i < NJ_INTRIN_COUNT; i++)
        if (strlen(intrins[i].id) == n && !memcmp(intrins[i].id, id, n))
            return i;
    return 0;
}
