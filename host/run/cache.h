/* cache.h - compiled units kept on disk by content: the key, the entry, the folder.
 *
 *     code, types, options, target, versions -> key.c -> 32 bytes -> cache.c -> bytes of a file -> entry.c -> NjImage
 *
 * A hit gives what compiling would have given, without LLVM. Nothing here fails a compilation: what goes wrong is a
 * miss, and once a process a sentence for the user (nj_cache_complaint). The rules are in doc/cache.txt.
 */
#ifndef NJ_CACHE_H
#define NJ_CACHE_H

#include "run/unit.h"

/* -- key.c: what a unit depends on, as a hash -------------------------------------------------------------- */

/* One thing outside the program that the result depends on: "cpu" "skylake +avx2 ...". Text is compared as it is. */
typedef struct NjKeyFact { const char *name, *text; } NjKeyFact;

typedef struct NjKeyAsk {
    NjRoot root;
    const NjCode *code;
    const NjType *const *args; uint32_t nargs;
    const NjType *ret;           /* what the signature declares, or NULL */
    const NjOpts *opts;
    const NjTarget *target;
    const NjKeyFact *facts; uint32_t nfacts;
} NjKeyAsk;

/* The key is the hash of its parts; the parts say which of them changed ("global f.K"). What a person may want to see
 * of one is found behind the pointers, which are the asker's. */
typedef struct NjKeyPart {
    const char *name;
    uint8_t digest[NJ_DIGEST];
    const NjConst *const *values; uint32_t nvalues;
    bool several;                           /* a list, if only of one value */
    const NjOpts *opts;
    const char *fact;
} NjKeyPart;

typedef struct NjKey {
    NjArena *arena;
    const NjKeyAsk *ask;                    /* the asker's; alive as long as the key */
    uint8_t id[NJ_DIGEST];
    NJ_VEC(NjKeyPart) parts;
    NJ_VEC(const NjCode *) codes;           /* the root and all it can call, in the order they were met */
    NJ_VEC(const NjConst *) excs;           /* exception classes: two programs of one key agree on both orders */
} NjKey;

NjStatus nj_key_make(NjArena *a, const NjKeyAsk *ask, NjKey *out);        /* NJ_E_NOMEM is all that can go wrong */

/* -- key_text.c: a part in a few words --------------------------------------------------------------------------- */

enum { NJ_PART_TEXT = 80 };                 /* bytes, before an ellipsis */
void nj_key_part_text(const NjKeyPart *p, NjText *out);         /* appends; nothing for bytecode */

/* -- buildid.c: which build a file is ------------------------------------------------------------------------ */

/* Appends the GNU build id of an ELF file as hex, without loading it; size and time of change where it has none; "none"
 * where there is no such file. */
void nj_buildid_file(NjText *out, const char *path);
/* The same of the library or program that naja's own code is in. */
void nj_buildid_self(NjText *out);

/* -- image.c, entry.c: a compiled unit <-> bytes --------------------------------------------------------------- */

/* What is left of a unit once it is native code or PTX. */
typedef struct NjImage {
    const char *entry;                      /* symbol */
    const NjType *ret;
    NjExc *excs; uint32_t nexcs;
    uint32_t shared_bytes, frame_bytes;
    bool has_barrier, uses_math;
    bool straight;                          /* no branch anywhere in the unit */
    const void *code; size_t ncode;         /* an ELF object, or PTX that ends with a zero */
    const void *cubin; size_t ncubin;       /* of that PTX, by a driver that may not be this one; NULL: there is none */
    void *owned, *owned_cubin;              /* memory of an entry that was read, of a new cubin: nj_image_free */
} NjImage;

/* Borrows from the unit. */
void nj_image_of_unit(NjImage *im, const NjUnit *u, const void *code, size_t ncode);
void nj_image_free(NjImage *im);

/* For people: what `python -m naja cache` shows of an entry. */
typedef struct NjEntryInfo {
    const char *name, *qualname, *module, *file, *signature, *target;
    uint32_t line;
    bool native;                            /* the code is an object file, else PTX */
    uint64_t ncode, ncubin;
} NjEntryInfo;
typedef struct NjEntryWhy { const char *name, *text; uint64_t digest; } NjEntryWhy;

/* False: this unit cannot be kept (a result type or an exception argument that has no text form), or out of memory. */
bool nj_entry_write(NjText *out, const NjKey *k, NjTypes *ts, const NjImage *im);
/* Header, size and hash: are these bytes an entry, undamaged, for this key (NULL: whatever key it says)? */
bool nj_entry_check(const void *bytes, size_t n, const uint8_t *id);
/* Another layout than this build's, which no look-up of it ever asks for. Not damaged as far as can be told. */
bool nj_entry_is_foreign(const void *bytes, size_t n);
/* Of checked bytes; locations and exception classes are those of the live program behind the key. */
bool nj_entry_bind(const void *bytes, size_t n, const NjKey *k, NjTypes *ts, NjArena *a, NjImage *out);
bool nj_entry_info(const void *bytes, size_t n, NjArena *a, NjEntryInfo *out);
/* The parts of its key, at most cap; the count. */
uint32_t nj_entry_why(const void *bytes, size_t n, NjArena *a, NjEntryWhy *out, uint32_t cap);

/* -- cache.c: find and store ------------------------------------------------------------------------------------- */

typedef struct NjCacheStats { uint64_t hits, misses, stores, rejected, evicted, failed; } NjCacheStats;

bool nj_cache_on(void);                                     /* NAJA_CACHE */
void nj_cache_pause(void);                                  /* nothing is looked for or kept from now on */
/* May this function be answered from the cache now? Not while its stages are to be shown. */
bool nj_cache_wanted(const char *func);
/* True: *out is filled (nj_image_free it). Anything else is a miss. */
bool nj_cache_find(const NjKey *k, NjTypes *ts, NjArena *a, NjImage *out);
void nj_cache_store(const NjKey *k, NjTypes *ts, const NjImage *im);
/* An image that was found but could not be loaded: a miss after all. It stays until what is compiled takes its place:
 * that cannot be loaded either where memory is short or may not be executed, and then the image was not at fault. */
void nj_cache_reject(const NjKey *k);
NjCacheStats nj_cache_stats(void);
/* Once a process: why the cache is not used, or not written. NULL: nothing (new) to say. */
const char *nj_cache_complaint(void);

/* -- cache_dir.c: the folder, its bound, walking it ---------------------------------------------------------------- */

/* Early in the program: remembers the working directory, which a relative NAJA_CACHE_DIR is from. */
void nj_cache_started(void);
bool nj_cache_path(char *out, size_t cap);                  /* the folder, there or not; false: too long */
enum { NJ_CACHE_NAME = 72 };
/* Fills e->bytes (nj_malloc'ed) from the entry's file; false: not there, not ours, not a plain file. */
bool nj_cache_dir_read(const uint8_t id[NJ_DIGEST], void **bytes, size_t *n);
bool nj_cache_dir_write(const uint8_t id[NJ_DIGEST], const void *bytes, size_t n, NjErr *err);
void nj_cache_dir_drop(const uint8_t id[NJ_DIGEST]);
/* If there are more than `bound` bytes: oldest use first, until 7/8 are left. Files of dead writers go, too. */
void nj_cache_evict(uint64_t bound, uint64_t *dropped);
/* Every file: its folder, open and by name; its size; the time of its last use in seconds since 1970. False stops. */
typedef struct NjCacheFile {
    int dir;
    const char *sub, *name;
    uint64_t nbytes;
    int64_t used;
    uint32_t used_nsec;                     /* and so much later: tells people which of two came first */
    bool is_entry;                          /* else a file that is being written, or was */
} NjCacheFile;
typedef bool (*NjCacheVisit)(void *arg, const NjCacheFile *f);
void nj_cache_each(NjCacheVisit visit, void *arg);
/* Reads one that nj_cache_each shows. */
bool nj_cache_file_read(const NjCacheFile *f, void **bytes, size_t *n);
uint64_t nj_cache_clear(void);                              /* how many entries went */
/* Says it once a process (nj_cache_complaint), and to the log each time. */
void nj_cache_complain(const char *fmt, ...) NJ_PRINTF(1, 2);
extern uint64_t (*nj_cache_now)(void);                      /* seconds since 1970; tests turn the clock */

#endif
