/* parse.h - what parse.c and parse_val.c share: the state of one file's parsing. */
#ifndef NJ_IR_PARSE_H
#define NJ_IR_PARSE_H

#include "ir/scan.h"
#include "run/unit.h"

/* A phi as written: which predecessor each argument comes from. */
typedef struct PhiText { NjRef phi; NjBlkId *from; } PhiText;
typedef struct Place { uint32_t line, col; } Place;

typedef struct Parse {
    Scan s;
    NjFn *f;
    NjMap *specs;               /* symbol -> NjSpec, over the file */
    uint32_t nvals, nblks;      /* what the text of this function names, plus one */
    Place *used;                /* where a value is first used before it is defined */
    bool *defined, *labelled;
    NJ_VEC(PhiText) phis;
} Parse;

/* -- parse_val.c --------------------------------------------------------------------------------------------------- */

NjRef nj_parse_number(Parse *p);                /* after '%': a number within bounds */
NjBlkId nj_parse_block(Parse *p);               /* b5 */
NjSpec *nj_parse_symbol(Parse *p);              /* after '@': the spec of that name, made if new */
void nj_parse_val(Parse *p, NjBlkId b);         /* one value, appended to b */

#endif
