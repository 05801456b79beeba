/* intrin.c - the rows of front/intrin.def and device-libs/math.def by number: their ids, names, typers, arguments.
 */
#include "ir/ir.h"
#include "type/inside.h"

static const struct { const char *id, *name; NjTyper typer; int arg; } intrins[NJ_INTRIN_COUNT] = {
    [NJ_INTRIN_NONE] = {"NONE", "", NJ_TYPER_none, 0},
#define INTRIN(id, name, typer, lowerer, arg) [NJ_INTRIN_##id] = {#id, name, NJ_TYPER_##typer, arg},
#include "front/intrin.def"
#undef INTRIN
#define MATH(id, pyname, ...) [NJ_INTRIN_MATH_##id] = {"MATH_" #id, #id, NJ_TYPER_math, NJ_MATH_##id},
#include "device-libs/math.def"
#undef MATH
};

NjTyper nj_intrin_typer(unsigned intrin) { return intrin < NJ_INTRIN_COUNT ? intrins[intrin].typer : NJ_TYPER_none; }
int nj_intrin_arg(unsigned intrin) { return intrin < NJ_INTRIN_COUNT ? intrins[intrin].arg : 0; }
const char *nj_intrin_id(unsigned intrin) { return intrin < NJ_INTRIN_COUNT ? intrins[intrin].id : "?"; }
const char *nj_intrin_name(unsigned intrin) { return intrin < NJ_INTRIN_COUNT ? intrins[intrin].name : "?"; }

unsigned nj_intrin_by_id(const char *id, size_t n)
{
    for (unsigned i = 1; i < NJ_INTRIN_COUNT; i++)
        if (strlen(intrins[i].id) == n && !memcmp(intrins[i].id, id, n))
            return i;
    return 0;
}
