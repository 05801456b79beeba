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

bool scan_fail(Scan *s, const char *fmt, ...) NJ_PRINTF(2, 3);     /* false */
void scan_space(Scan *s);                          /* blanks, line ends, comments */
bool scan_take(Scan *s, const char *token);        /* skips space, then takes exactly this text */
bool scan_take_word(Scan *s, const char *word);    /* as scan_take, but not the beginning of a longer word */
bool scan_need(Scan *s, const char *token);
bool scan_see(Scan *s, const char *token);         /* would scan_take succeed? */
ScanWord scan_word(Scan *s);                       /* letters, digits, _ and . */
bool scan_uint(Scan *s, uint64_t *out);
bool scan_int(Scan *s, int64_t *out);
const char *scan_quoted(Scan *s, size_t *n);       /* "..." unescaped into the arena; n may be NULL */
const char *scan_name(Scan *s);                    /* a word or a quoted text, in the arena */
const NjType *scan_type(Scan *s);
const NjConst *scan_const(Scan *s, const NjType **type);   /* parse_const.c; *type: what `:type` said, or NULL */

#endif
