/* check.h - what check.c and check_val.c share: the verifier's state. */
#ifndef NJ_IR_CHECK_H
#define NJ_IR_CHECK_H

#include "ir/ir.h"

typedef struct Note { NjBlkId b; NjRef r; const char *text; } Note;

typedef struct Check {
    const NjFn *f;
    NjFn dom;                  /* a copy of the head with blocks of its own, so that dominators can be filled */
    NjArena *a;
    NJ_VEC(Note) notes;
    NjBlkId b;                 /* what is being looked at */
    NjRef r;
    uint32_t *order;           /* place of a value in its block, from 1; 0 not met */
} Check;

void nj_check_complain(Check *c, const char *fmt, ...) NJ_PRINTF(2, 3);

/* -- check_val.c --------------------------------------------------------------------------------------------------- */

bool nj_check_is_machine(const NjType *t);
void nj_check_rules(Check *c, const NjVal *v);      /* its operands exist */

#endif
