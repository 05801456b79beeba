/* scan.h - the scanner under parse.c, parse_val.c and parse_const.c: a cursor with a sticky error.
 *
 * After the first error every call does nothing and answers "no", so that callers need no tests between small steps.
 */
#ifndef NJ_IR_SCAN_H
#define NJ_IR_SCAN_H

#include "ir/ir.h"

typedef struct Scan {
    NjTypes *types;
    NjArena *arena;
    NjDiags *diags;
    const char *at, *line_at;    /* the text ends with a NUL */
    uint32_t line;
    bool failed;
} Scan;

typedef struct ScanWord { const char *at; size_t n; } ScanWord;

static inline bool scan_is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
}

bool nj_scan_fail(Scan *s, const char *fmt, ...) NJ_PRINTF(2, 3);     /* false */
void nj_scan_space(Scan *s);                          /* blanks, line ends, comments */
bool nj_scan_take(Scan *s, const char *token);        /* skips space, then takes exactly this text */
bool nj_scan_take_word(Scan *s, const char *word);    /* as nj_scan_take, but not the beginning of a longer word */
bool nj_scan_need(Scan *s, const char *token);
bool nj_scan_see(Scan *s, const char *token);         /* would nj_scan_take succeed? */
ScanWord nj_scan_word(Scan *s);                       /* letters, digits, _ and . */
bool nj_scan_uint(Scan *s, uint64_t *out);
bool nj_scan_int(Scan *s, int64_t *out);
const char *nj_scan_quoted(Scan *s, size_t *n);       /* "..." unescaped into the arena; n may be NULL */
const char *nj_scan_name(Scan *s);                    /* a word or a quoted text, in the arena */
const NjType *nj_scan_type(Scan *s);
const NjConst *nj_scan_const(Scan *s, const NjType **type);   /* parse_const.c; *type: what `:type` said, or NULL */

#endif
