/* knobs.c - every environment variable, parsed once; the dump letters; the log.
 *
 * In: knobs.def, dumps.def and the environment. Out: a read-only NjKnobs that any thread may read without a lock.
 * A change (nj_knobs_reload, nj_knobs_dump) publishes a new one; old ones stay, because somebody may still read them:
 * changes come from tests and from people at a prompt, so the chain stays short.
 */
#include "base/base.h"
#include "base/lock.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#ifndef NJ_CHECK_DEFAULT
#define NJ_CHECK_DEFAULT 0
#endif

typedef struct Snapshot { NjKnobs knobs; struct Snapshot *older; char *text; } Snapshot;

static const NjKnobs knobs_default = {
#define KNOB_STR(name, env, deflt, help) .name = deflt,
#define KNOB_INT(name, env, deflt, help) .name = deflt,
#include "knobs.def"
#undef KNOB_STR
#undef KNOB_INT
};

static NjLock knobs_lock = NJ_LOCK_INIT;
static Snapshot *_Atomic knobs_now;      /* written under knobs_lock with release order, read with acquire order */

/* -- dump letters --------------------------------------------------------------------------------- */

static const struct { char letter; const char *help; } dump_rows[] = {
#define DUMP(letter, help) {letter, help},
#include "dumps.def"
#undef DUMP
};

static void dump_help(void)
{
    NjText t;
    nj_text_init(&t);
    nj_text_str(&t, "NAJA_DUMP=<letters>; a leading + or - adds or removes. "
                    "NAJA_DUMP_FN=name and NAJA_DUMP_DIR=dir narrow it.\n");
    for (size_t i = 0; i < NJ_COUNT(dump_rows); i++)
        nj_text_fmt(&t, "  %c  %s\n", dump_rows[i].letter, dump_rows[i].help);
    fputs(t.at, stderr);
    nj_text_free(&t);
}

static bool dump_known(char letter)
{
    for (size_t i = 0; i < NJ_COUNT(dump_rows); i++)
        if (dump_rows[i].letter == letter)
            return true;
    return false;
}

static uint32_t dump_bit(char letter)
{
    return letter >= 'a' && letter <= 'z' ? (uint32_t)1 << (letter - 'a') : 0;
}

/* "tl" sets, "+p" adds to what is on, "-k" takes away; the signs may follow one another: "tl-k+p". */
static bool dump_parse(const char *s, uint32_t *mask, NjErr *err)
{
    if (!strcmp(s, "help")) {
        dump_help();
        return true;
    }
    uint32_t bits = *s == '+' || *s == '-' ? *mask : 0;
    bool add = true;
    for (; *s; s++) {
        if (*s == '+' || *s == '-')
            add = *s == '+';
        else if (!dump_known(*s))
            return nj_err_set(err, NJ_E_USER, 0, "unknown dump letter '%c'; NAJA_DUMP=help lists them", *s), false;
        else
            bits = add ? bits | dump_bit(*s) : bits & ~dump_bit(*s);
    }
    *mask = bits;
    return true;
}

/* -- reading the environment ------------------------------------------------------------------------ */

static long knob_int(const char *env, long deflt)
{
    const char *s = getenv(env);
    if (!s || !*s)
        return deflt;
    char *end;
    errno = 0;
    long x = strtol(s, &end, 10);
    if (!*end && !errno)
        return x;
    fprintf(stderr, "naja: %s='%s' is not an integer; %ld is used\n", env, s, deflt);
    return deflt;
}

/* Copies the value, since setenv() may free the environment's own; out of memory leaves the default. */
static const char *knob_str(const char *env, const char *deflt, char **room)
{
    const char *s = getenv(env);
    if (!s || !*s)
        return deflt;
    char *copy = *room;
    strcpy(copy, s);
    *room += strlen(s) + 1;
    return copy;
}

static size_t knobs_room(void)
{
    size_t n = 1;
    const char *s;
#define KNOB_STR(name, env, deflt, help) n += (s = getenv(env)) ? strlen(s) + 1 : 0;
#define KNOB_INT(name, env, deflt, help)
#include "knobs.def"
#undef KNOB_STR
#undef KNOB_INT
    return n;
}

static void knobs_fill(NjKnobs *k, char *room)
{
#define KNOB_STR(name, env, deflt, help) k->name = knob_str(env, deflt, &room);
#define KNOB_INT(name, env, deflt, help) k->name = knob_int(env, deflt);
#include "knobs.def"
#undef KNOB_STR
#undef KNOB_INT
    NjErr err;
    k->dump = 0;
    if (k->dump_letters && !dump_parse(k->dump_letters, &k->dump, &err))
        fprintf(stderr, "naja: NAJA_DUMP: %s\n", err.text);
}

/* -- snapshots; called under the lock ----------------------------------------------------------------- */

static Snapshot *knobs_publish(Snapshot *s)
{
    s->older = atomic_load_explicit(&knobs_now, memory_order_relaxed);
    atomic_store_explicit(&knobs_now, s, memory_order_release);
    return s;
}

static Snapshot *knobs_read(void)
{
    Snapshot *s = nj_calloc(1, sizeof *s);
    char *room = s ? nj_malloc(knobs_room()) : NULL;
    if (!room) {
        nj_free(s);
        return NULL;
    }
    s->text = room;
    knobs_fill(&s->knobs, room);
    return knobs_publish(s);
}

const NjKnobs *nj_knobs(void)
{
    Snapshot *s = atomic_load_explicit(&knobs_now, memory_order_acquire);
    if (s)
        return &s->knobs;
    nj_lock(&knobs_lock);
    s = atomic_load_explicit(&knobs_now, memory_order_relaxed);
    if (!s)
        s = knobs_read();
    nj_unlock(&knobs_lock);
    return s ? &s->knobs : &knobs_default;
}

void nj_knobs_reload(void)
{
    nj_lock(&knobs_lock);
    knobs_read();
    nj_unlock(&knobs_lock);
}

bool nj_knobs_dump(const char *letters, NjErr *err)
{
    const NjKnobs *now = nj_knobs();
    uint32_t mask = now->dump;
    if (!dump_parse(letters, &mask, err))
        return false;
    Snapshot *s = nj_calloc(1, sizeof *s);
    if (!s)
        return nj_err_set(err, NJ_E_NOMEM, 0, "out of memory"), false;
    nj_lock(&knobs_lock);
    s->knobs = *now;
    s->knobs.dump = mask;
    knobs_publish(s);
    nj_unlock(&knobs_lock);
    return true;
}

/* -- dumping and logging -------------------------------------------------------------------------------- */

/* Is func, a name or qualified name, or the symbol of a specialisation (`name.0`), the one that is asked for? */
static bool dump_names(const char *func, const char *asked)
{
    size_t n = strlen(func), want = strlen(asked);
    if (!strcmp(func, asked))
        return true;
    size_t digits = n;
    while (digits && func[digits - 1] >= '0' && func[digits - 1] <= '9')
        digits--;
    if (digits < n && digits > 1 && func[digits - 1] == '.')
        n = digits - 1;
    return n >= want && !memcmp(func + n - want, asked, want) && (n == want || func[n - want - 1] == '.');
}

bool nj_dump_on(char letter, const char *func)
{
    const NjKnobs *k = nj_knobs();
    if (!(k->dump & dump_bit(letter)))
        return false;
    return !k->dump_fn || !func || dump_names(func, k->dump_fn);
}

/* A function's name may hold '<', '>' and '/', which a file's should not. */
static void dump_path(NjText *path, const char *dir, const char *stage, const char *func, const char *ext)
{
    static atomic_uint count;
    nj_text_fmt(path, "%s/%02u.%s.", dir, atomic_fetch_add(&count, 1) + 1, stage);
    for (const char *s = func ? func : "unit"; *s; s++) {
        bool plain =
            (*s >= '0' && *s <= '9') || (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || *s == '_' || *s == '.';
        nj_text_char(path, plain ? *s : '_');
    }
    nj_text_fmt(path, ".%s", ext);
}

static bool dump_file(const char *dir, const char *stage, const char *func, const char *ext, const char *text)
{
    NjText path;
    nj_text_init(&path);
    dump_path(&path, dir, stage, func, ext);
    FILE *f = path.failed ? NULL : fopen(path.at, "w");
    bool ok = f && fputs(text, f) >= 0;
    if (f && fclose(f))
        ok = false;
    if (!ok)
        fprintf(stderr, "naja: cannot write the dump %s: %s\n", path.at, strerror(errno));
    nj_text_free(&path);
    return ok;
}

void nj_dump(char letter, const char *stage, const char *func, const char *ext, const char *text)
{
    if (!nj_dump_on(letter, func))
        return;
    const char *dir = nj_knobs()->dump_dir;
    if (dir && dump_file(dir, stage, func, ext, text))
        return;
    size_t n = strlen(text);
    fprintf(stderr, "-- %s %s\n%s%s", stage, func ? func : "", text, n && text[n - 1] == '\n' ? "" : "\n");
}

void nj_log(int level, const char *fmt, ...)
{
    if (level > nj_knobs()->log)
        return;
    char line[1024];       /* one write, so that lines of several threads do not mix */
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    fprintf(stderr, "naja: %s\n", line);
}
