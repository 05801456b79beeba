/* inside.h - what the files of this room share and nobody else needs. */
#ifndef NJ_TYPE_INSIDE_H
#define NJ_TYPE_INSIDE_H

#include "type/type.h"

/* -- intrin.c: rows of intrin.def and math.def by number -------------------------------------------- */

typedef enum NjTyper {
    NJ_TYPER_none,
#define TYPER(name, min, max, params, doc) NJ_TYPER_##name,
#include "type/typers.def"
#undef TYPER
    NJ_TYPER_COUNT
} NjTyper;

NjTyper     nj_intrin_typer(unsigned intrin);
int         nj_intrin_arg(unsigned intrin);     /* the row's last column; math: its NjMath */
const char *nj_intrin_id(unsigned intrin);      /* "ATOMIC_ADD", "MATH_SIN": as in the IR */
const char *nj_intrin_name(unsigned intrin);    /* "naja.cuda.atomic.add", "math.sin": to users */
unsigned    nj_intrin_by_id(const char *id, size_t n);      /* 0 when there is none */

#endif
