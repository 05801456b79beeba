/* base.h - what every room stands on: status codes, arenas, vectors, maps, text, diagnostics, knobs.
 *
 * Nothing here knows Python, LLVM or CUDA. Prototypes are grouped under the file that defines them.
 */
#ifndef NJ_BASE_H
#define NJ_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* -- status ---------------------------------------------------------------------------------- */

/* What a call may come back with. The message itself is in the diagnostics or in the NjErr. */
typedef enum NjStatus {
    NJ_OK = 0,
    NJ_E_NOMEM,   /* allocation failed */
    NJ_E_USER,    /* the program is wrong: see the diagnostics */
    NJ_E_NYI,     /* the program is right, naja cannot do it yet: see the diagnostics */
    NJ_E_BUG,     /* our own defect: see the dump named in the message */
    NJ_E_ENV,     /* something outside is missing or failed: a library, a device, a file */
    NJ_E_DEVICE,  /* there is no device of the kind that was asked for */
} NjStatus;

/* A message carried by rooms that have no NjDiags at hand (cuda/, cpu/). Fixed size: filling it cannot fail. */
typedef struct NjErr {
    NjStatus status;
    int      code;         /* with NJ_E_ENV: the CUresult of the driver call that failed, or 0 */
    char     text[1016];
} NjErr;

#if defined(__GNUC__)
#define NJ_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define NJ_NORETURN __attribute__((noreturn))
#else
#define NJ_PRINTF(fmt, args)
#define NJ_NORETURN
#endif
#define NJ_COUNT(a) (sizeof(a) / sizeof(0[a]))

/* err.c - fill an NjErr; returns `status` so that a caller can `return nj_err_set(...)`. err may be NULL. */
NjStatus nj_err_set(NjErr *err, NjStatus status, int code, const char *fmt, ...) NJ_PRINTF(4, 5);

/* -- arena.c: memory with a named lifetime --------------------------------------------------- */

/* Freed in one call. Allocation never returns NULL to a compiler pass: a failure longjmps nowhere and aborts nothing,
 * it sets `failed` and serves from a reserve of 256 KiB, then from one scrap page of 4 KiB over and over, so that
 * passes run on and the runner sees nj_arena_failed() after the pass and returns NJ_E_NOMEM. Requests larger than the
 * scrap page return NULL and must be checked (nj_vec does); everything else may be written without a test.
 */
typedef struct NjArena NjArena;
typedef struct NjMark { void *chunk; size_t used; } NjMark;

NjArena *nj_arena_new(void);                                /* NULL when out of memory */
void     nj_arena_free(NjArena *a);                         /* NULL is fine */
void    *nj_arena_alloc(NjArena *a, size_t nbytes);         /* zeroed, aligned to 16 */
void    *nj_arena_copy(NjArena *a, const void *p, size_t nbytes);
char    *nj_arena_str(NjArena *a, const char *s);
char    *nj_arena_printf(NjArena *a, const char *fmt, ...) NJ_PRINTF(2, 3);
NjMark   nj_arena_mark(const NjArena *a);
void     nj_arena_reset(NjArena *a, NjMark m);
bool     nj_arena_failed(const NjArena *a);
size_t   nj_arena_bytes(const NjArena *a);                  /* held from the system */

/* Every allocation of host/, cpu/ and cuda/ goes through these, so that a test can fail the n-th one. */
void *nj_malloc(size_t nbytes);
void *nj_calloc(size_t n, size_t nbytes);
void *nj_realloc(void *p, size_t nbytes);
void  nj_free(void *p);
void  nj_alloc_fail_at(long n);      /* the n-th allocation from now fails, and all after it; -1 turns it off */

#define NJ_NEW(arena, T)      ((T *)nj_arena_alloc((arena), sizeof(T)))
#define NJ_NEWN(arena, T, n)  ((T *)nj_arena_alloc((arena), sizeof(T) * (size_t)(n)))

/* -- vec.c: a growable array in an arena; the old block is abandoned on growth ---------------- */

#define NJ_VEC(T) struct { T *at; uint32_t n, cap; }
bool nj_vec_grow(NjArena *a, void **at, uint32_t *cap, uint32_t need, size_t size);     /* vec.c */
/* Push by value. Evaluates v more than once on no path; yields false when out of memory. */
#define nj_vec_push(arena, v, value)                                                                        \
    (((v)->n < (v)->cap || nj_vec_grow((arena), (void **)&(v)->at, &(v)->cap, (v)->n + 1, sizeof(*(v)->at))) \
         ? ((v)->at[(v)->n++] = (value), true)                                                              \
         : false)

/* -- map.c: string or bytes -> pointer, insertion ordered, in an arena ------------------------- */

typedef struct NjMap NjMap;
NjMap *nj_map_new(NjArena *a);
void  *nj_map_get(const NjMap *m, const void *key, size_t nkey);              /* NULL when absent */
bool   nj_map_put(NjMap *m, const void *key, size_t nkey, void *value);       /* copies the key; replaces */
uint32_t nj_map_count(const NjMap *m);
void  *nj_map_at(const NjMap *m, uint32_t i, const void **key, size_t *nkey); /* i-th inserted; key, nkey may be NULL */
uint64_t nj_hash(const void *p, size_t n, uint64_t seed);

/* -- blake2b.c: a strong hash (BLAKE2b, 32 bytes) for keys and check sums; nj_hash is for tables only ---- */

enum { NJ_DIGEST = 32 };
typedef struct NjHasher { uint64_t h[8], nbytes; uint32_t nbuf; uint8_t buf[128]; } NjHasher;
void nj_hasher_init(NjHasher *h);
void nj_hasher_put(NjHasher *h, const void *bytes, size_t n);
void nj_hasher_done(NjHasher *h, uint8_t digest[NJ_DIGEST]);
void nj_digest(const void *bytes, size_t n, uint8_t digest[NJ_DIGEST]);

/* -- bits.c: a fixed-size bit set in an arena ------------------------------------------------- */

typedef struct NjBits { uint32_t n; uint64_t *w; } NjBits;
NjBits *nj_bits_new(NjArena *a, uint32_t n);
static inline bool nj_bits_has(const NjBits *b, uint32_t i) { return (b->w[i >> 6] >> (i & 63)) & 1; }
static inline void nj_bits_set(NjBits *b, uint32_t i) { b->w[i >> 6] |= (uint64_t)1 << (i & 63); }
static inline void nj_bits_clear(NjBits *b, uint32_t i) { b->w[i >> 6] &= ~((uint64_t)1 << (i & 63)); }
bool nj_bits_or(NjBits *dst, const NjBits *src);             /* dst |= src; true when dst changed */

/* -- text.c: a growing writer with sticky status ---------------------------------------------- */

/* The first failure is kept and later calls do nothing: check `failed` once, at the end. Always NUL-terminated. */
typedef struct NjText { char *at; size_t n, cap; bool failed; } NjText;
void nj_text_init(NjText *t);
void nj_text_free(NjText *t);
void nj_text_put(NjText *t, const char *s, size_t n);
void nj_text_str(NjText *t, const char *s);
void nj_text_char(NjText *t, char c);
void nj_text_fmt(NjText *t, const char *fmt, ...) NJ_PRINTF(2, 3);
void nj_text_vfmt(NjText *t, const char *fmt, va_list ap);
void nj_text_int(NjText *t, int64_t i);
void nj_text_f64(NjText *t, double x);       /* shortest decimal that reads back the same: 1.0, 1e+20, inf, -inf, nan */
void nj_text_quote(NjText *t, const char *s, size_t n);      /* C-like quotes and escapes */

/* -- diag.c: what is wrong with the user's program --------------------------------------------- */

/* Where a value comes from. Lines count from 1, columns from 0 in UTF-8 bytes as co_positions() gives them;
 * 0 lines mean unknown. file/func are the NjCode's, so that a diagnostic can point into a callee. */
typedef struct NjLoc { uint32_t line, end_line; uint16_t col, end_col; } NjLoc;

typedef enum NjErrCode {
    NJ_ERR_NONE = 0,
#define ERR(code, exc, text) NJ_ERR_##code,
#include "errors.def"
#undef ERR
    NJ_ERR_COUNT
} NjErrCode;

typedef struct NjNote { const char *text; const char *file; NjLoc loc; } NjNote;

typedef struct NjDiag {
    NjErrCode   code;
    const char *text;          /* one line, formatted */
    const char *file, *func;   /* as the code object names them */
    NjLoc       loc;
    NJ_VEC(NjNote) notes;      /* "x is int64 here", with places of their own; or loc.line 0 for plain remarks */
} NjDiag;

typedef struct NjDiags { NjArena *arena; NJ_VEC(NjDiag *) list; } NjDiags;

/* errors.def row -> pieces */
const char *nj_err_name(NjErrCode code);        /* "TYPE_BINOP" */
const char *nj_err_exc(NjErrCode code);         /* "TypingError": the Python exception's name, expanded in python/ */
const char *nj_err_fmt(NjErrCode code);

/* Adds a diagnostic whose text is the row's format applied to the rest. The same code at the same place is added
 * once. */
NjDiag *nj_diag_add(NjDiags *d, NjErrCode code, const char *file, const char *func, NjLoc loc, ...);
void    nj_diag_note(NjDiags *d, NjDiag *g, const char *file, NjLoc loc, const char *fmt, ...) NJ_PRINTF(5, 6);
/* Renders all diagnostics. source(arg, file, line) gives a source line without its newline, or NULL when unknown. */
typedef const char *(*NjSourceFn)(void *arg, const char *file, uint32_t line);
void    nj_diag_render(const NjDiags *d, NjText *out, NjSourceFn source, void *arg);

/* -- knobs.c: every environment variable, parsed once ------------------------------------------- */

typedef struct NjKnobs {
#define KNOB_STR(name, env, deflt, help)  const char *name;
#define KNOB_INT(name, env, deflt, help)  long name;
#include "knobs.def"
#undef KNOB_STR
#undef KNOB_INT
    uint32_t dump;            /* bit (letter - 'a') for each dump letter that is on */
} NjKnobs;

const NjKnobs *nj_knobs(void);                   /* read at first use, under a once-lock; never NULL */
void nj_knobs_reload(void);                      /* tests, and naja.dump(): environment read again */
bool nj_knobs_dump(const char *letters, NjErr *err);  /* "tl", "+p", "-k"; "help" lists them on stderr */
bool nj_dump_on(char letter, const char *func);  /* is the letter on, for this function (NAJA_DUMP_FN)? */
/* Writes one stage: to stderr, or to NAJA_DUMP_DIR/NN.stage.func.ext. */
void nj_dump(char letter, const char *stage, const char *func, const char *ext, const char *text);
/* trace.c: one line, to stderr or appended to NAJA_DUMP_DIR/name.txt; cheap to call while the letter is off. */
void nj_trace(char letter, const char *name, const char *fmt, ...) NJ_PRINTF(3, 4);
void nj_log(int level, const char *fmt, ...) NJ_PRINTF(2, 3);    /* NAJA_LOG=1..4 */
double nj_clock(void);                           /* seconds, monotonic */

/* -- bug.c: our own defects ----------------------------------------------------------------------- */

/* Reports a broken invariant: aborts in debug builds, else records it in `d` as an internal error (NJ_ERR_INTERNAL)
 * with the file that holds the dump. */
void nj_bug(NjDiags *d, const char *where, const char *dump, const char *fmt, ...) NJ_PRINTF(4, 5);

#endif
