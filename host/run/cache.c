/* cache.c - find a compiled unit by its key, store one: what may go wrong here costs time, never a result.
 *
 * In: keys, images. Out: images, counters, and at most one sentence a process for the user. What is read is checked
 * before it is used (entry.c), and removed if it is damaged. When to look through the folder for what is too much is
 * drawn from the key's own bits, so that no count has to be kept anywhere: on average once for each 1/32 of the bound
 * that is written.
 */
#include "run/cache.h"

#include <stdatomic.h>
#include <strings.h>

/* -- counters: this process's, any thread's ------------------------------------------------------------------ */

static struct { atomic_ullong hits, misses, stores, rejected, evicted, failed; } counts;

NjCacheStats nj_cache_stats(void)
{
    return (NjCacheStats){counts.hits, counts.misses, counts.stores, counts.rejected, counts.evicted, counts.failed};
}

/* -- the one sentence ------------------------------------------------------------------------------------------- */

static char said[512];                       /* written once, by whoever turns SAY_NOTHING into SAY_WRITING */
enum { SAY_NOTHING, SAY_WRITING, SAY_NOW, SAY_DONE };
static atomic_int say;                       /* no lock: a fork may come at any moment */

void nj_cache_complain(const char *fmt, ...)
{
    char text[sizeof said];
    int nothing = SAY_NOTHING;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    nj_log(2, "%s", text);
    if (atomic_compare_exchange_strong(&say, &nothing, SAY_WRITING)) {
        memcpy(said, text, sizeof said);
        say = SAY_NOW;
    }
}

const char *nj_cache_complaint(void)
{
    int now = SAY_NOW;
    if (say != SAY_NOW)                      /* the common case writes nothing */
        return NULL;
    return atomic_compare_exchange_strong(&say, &now, SAY_DONE) ? said : NULL;
}

/* -- asking -------------------------------------------------------------------------------------------------------- */

static atomic_bool paused;

void nj_cache_pause(void)
{
    paused = true;
}

bool nj_cache_on(void)
{
    static const char *const off[] = {"off", "0", "no", "false"};
    for (size_t i = 0; i < NJ_COUNT(off); i++)
        if (!strcasecmp(nj_knobs()->cache, off[i]))
            return false;
    return true;
}

/* A hit has no stages to show; NAJA_STOP and NAJA_SKIP make code that nobody else should get. */
bool nj_cache_wanted(const char *func)
{
    const NjKnobs *k = nj_knobs();
    if (!nj_cache_on() || paused || k->stop || k->skip)
        return false;
    for (const char *s = "bcstolp"; *s; s++)
        if (nj_dump_on(*s, func))
            return false;
    return true;
}

static void tell(const char *what, const NjKey *k, size_t n)
{
    const NjCode *c = k->ask->code;
    char hex[17], bytes[32] = "";
    if (nj_knobs()->log < 1 && !nj_dump_on('k', c->name))
        return;
    for (unsigned i = 0; i < 8; i++)
        snprintf(hex + 2 * i, 3, "%02x", k->id[i]);
    if (n)
        snprintf(bytes, sizeof bytes, ", %zu bytes", n);
    nj_trace('k', "cache", "%s %s for %s, key %s%s", what, c->qualname, k->ask->target->name, hex, bytes);
    nj_log(1, "cache %s: %s for %s, key %s%s", what, c->qualname, k->ask->target->name, hex, bytes);
}

static bool found_is_good(const NjKey *k, NjTypes *ts, NjArena *a, void *bytes, size_t n, NjImage *out)
{
    if (nj_entry_check(bytes, n, k->id) && nj_entry_bind(bytes, n, k, ts, a, out)) {
        out->owned = bytes;
        return true;
    }
    nj_free(bytes);
    if (nj_arena_failed(a))
        return false;
    nj_cache_dir_drop(k->id);
    counts.rejected++;
    tell("damaged", k, n);
    return false;
}

bool nj_cache_find(const NjKey *k, NjTypes *ts, NjArena *a, NjImage *out)
{
    void *bytes;
    size_t n;
    *out = (NjImage){0};
    if (nj_cache_dir_read(k->id, &bytes, &n) && found_is_good(k, ts, a, bytes, n, out)) {
        counts.hits++;
        tell("hit", k, n);
        return true;
    }
    counts.misses++;
    tell("miss", k, 0);
    return false;
}

void nj_cache_reject(const NjKey *k)
{
    counts.hits--;
    counts.misses++;
    counts.rejected++;
    tell("unusable", k, 0);
}

/* -- storing ------------------------------------------------------------------------------------------------------- */

/* The key is as good as a random number: bytes 24..31 against entry size / (bound / 32). */
static bool lot_falls(const uint8_t *id, size_t n, uint64_t bound)
{
    uint64_t draw = 0;
    for (unsigned i = 24; i < NJ_DIGEST; i++)
        draw = draw << 8 | id[i];
    uint64_t share = bound / 32 + 1;
    return n >= share || draw < UINT64_MAX / share * n;
}

/* Zero and less: nothing new is kept. */
static uint64_t bound_bytes(void)
{
    const uint64_t most = UINT64_MAX >> 24;
    uint64_t mib = nj_knobs()->cache_size > 0 ? (uint64_t)nj_knobs()->cache_size : 0;
    return (mib < most ? mib : most) << 20;
}

/* An entry of more than this share of the bound would drive out too much for one function: such a one is its constants,
 * which are as slow to read and check as half a compilation. */
enum { SHARE_MOST = 4 };

void nj_cache_store(const NjKey *k, NjTypes *ts, const NjImage *im)
{
    NjText t;
    NjErr err = {0};
    uint64_t bound = bound_bytes(), dropped = 0;
    nj_text_init(&t);
    if (im->ncode > bound / SHARE_MOST || !nj_entry_write(&t, k, ts, im) || t.n > bound / SHARE_MOST) {
        tell("cannot keep", k, t.n);
    } else if (nj_cache_dir_write(k->id, t.at, t.n, &err)) {
        counts.stores++;
        tell("stored", k, t.n);
        if (lot_falls(k->id, t.n, bound))
            nj_cache_evict(bound, &dropped);
        counts.evicted += dropped;
    } else {
        counts.failed++;
        nj_cache_complain("compiled code is not kept for the next run, %s", err.text);
    }
    nj_text_free(&t);
}
