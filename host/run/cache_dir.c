/* cache_dir.c - the cache's folder: one file for each entry, named by its key; no index, nothing locked.
 *
 * In: keys and bytes. Out: files, each written under another name and renamed, so that a reader sees all of one or
 * none, whoever is killed when. No call trusts what it finds: the folder and every file must be ours, plain, and
 * writable by nobody else; links are not followed. The folder is opened by its path each time, since it may vanish, be
 * made anew, or be another's after a setuid.
 *
 *     <folder>/ab/<62 hex digits>.naja     an entry; its time of change is the time of its last use, to the hour
 *     <folder>/ab/.<pid>-<time>-<n>.tmp    being written, or left by a writer that was killed
 *
 * Files are read, not mapped: they are a few pages long, and a mapped one that somebody truncates would end the
 * process by SIGBUS.
 */
#include "run/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SUFFIX ".naja"
enum { HEX_NAME = 2 * NJ_DIGEST - 2, TOUCH_AFTER = 3600, TMP_OLD = 3600 };
static const uint64_t entry_max = (uint64_t)1 << 30;        /* no entry is; a size that a damaged file claims */

typedef struct Place { char sub[3], name[NJ_CACHE_NAME]; } Place;

static uint64_t clock_now(void)
{
    return (uint64_t)time(NULL);
}

uint64_t (*nj_cache_now)(void) = clock_now;

static Place place_of(const uint8_t id[NJ_DIGEST])
{
    Place p;
    snprintf(p.sub, sizeof p.sub, "%02x", id[0]);
    for (unsigned i = 1; i < NJ_DIGEST; i++)
        snprintf(p.name + 2 * (i - 1), 3, "%02x", id[i]);
    snprintf(p.name + HEX_NAME, sizeof p.name - HEX_NAME, SUFFIX);
    return p;
}

/* -- the folder ------------------------------------------------------------------------------------------------ */

/* The working directory when the program began: a relative NAJA_CACHE_DIR must not move with os.chdir. */
static _Atomic(char *) started_in;

void nj_cache_started(void)
{
    const char *knob = nj_knobs()->cache_dir;
    char *here = knob && *knob != '/' && !started_in ? getcwd(NULL, 0) : NULL, *none = NULL;
    if (here && !atomic_compare_exchange_strong(&started_in, &none, here))
        free(here);
}

/* As the shell would have read it: "~/x" in a file of settings is meant to be the home folder, too. */
static int path_of_knob(char *out, size_t cap, const char *knob, const char *home)
{
    if (*knob == '/')
        return snprintf(out, cap, "%s", knob);
    if (*knob == '~' && (!knob[1] || knob[1] == '/') && home && *home == '/')
        return snprintf(out, cap, "%s%s", home, knob + 1);
    nj_cache_started();
    return snprintf(out, cap, "%s/%s", started_in ? started_in : ".", knob);
}

bool nj_cache_path(char *out, size_t cap)
{
    const char *knob = nj_knobs()->cache_dir, *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int n;
    if (knob)
        n = path_of_knob(out, cap, knob, home);
    else if (xdg && *xdg == '/')
        n = snprintf(out, cap, "%s/naja", xdg);
    else if (home && *home == '/')
        n = snprintf(out, cap, "%s/.cache/naja", home);
    else
        n = snprintf(out, cap, "/tmp/naja-cache-%u", (unsigned)geteuid());
    return n > 0 && (size_t)n < cap;
}

/* Only for ourselves, since what lies in it is run; of use to ourselves, whatever the umask. 0, or why not. */
static int make_folder(int at, const char *name)
{
    if (mkdirat(at, name, 0700))
        return errno == EEXIST ? 0 : errno;
    (void)!fchmodat(at, name, 0700, 0);
    return 0;
}

/* The folder and those above it. 0, or why not. */
static int make_path(char *path)
{
    for (char *s = path + 1; *s; s++) {
        if (*s != '/')
            continue;
        *s = 0;
        int why = make_folder(AT_FDCWD, path);
        *s = '/';
        if (why)
            return why;
    }
    return make_folder(AT_FDCWD, path);
}

static bool is_ours(const struct stat *st)
{
    return st->st_uid == geteuid() && !(st->st_mode & (S_IWGRP | S_IWOTH));
}

/* -1 with errno; EPERM when it is not ours. */
static int open_ours(int at, const char *name)
{
    struct stat st;
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || (fstat(fd, &st) == 0 && is_ours(&st)))
        return fd;
    close(fd);
    errno = EPERM;
    return -1;
}

/* What a failure of open_ours means. */
static const char *not_ours(const char *path, int why)
{
    struct stat st;
    if (why != EPERM)
        return why == ELOOP || why == ENOTDIR ? "it is a link or no folder" : strerror(why);
    return stat(path, &st) == 0 && st.st_uid == geteuid() ? "others may write to it (chmod go-w would mend that)"
                                                          : "it belongs to somebody else";
}

static int refuse_root(const char *path, int why)
{
    nj_cache_complain("the cache folder %.300s is not used: %s", path, not_ours(path, why));
    errno = why;
    return -1;
}

static int open_root(bool make, char path[PATH_MAX])
{
    if (!nj_cache_path(path, PATH_MAX))
        return refuse_root(path, ENAMETOOLONG);
    int fd = open_ours(AT_FDCWD, path);
    if (fd < 0 && errno == ENOENT && make) {
        int why = make_path(path);
        fd = why ? -1 : open_ours(AT_FDCWD, path);
        errno = why ? why : errno;
    }
    return fd < 0 && errno != ENOENT ? refuse_root(path, errno) : fd;
}

static int open_sub(bool make, const char *sub, char path[PATH_MAX])
{
    int root = open_root(make, path);
    if (root < 0)
        return -1;
    int why = make ? make_folder(root, sub) : 0;
    int fd = why ? -1 : open_ours(root, sub);
    why = why ? why : errno;
    close(root);
    errno = why;
    return fd;
}

/* -- reading ------------------------------------------------------------------------------------------------------- */

static bool read_all(int fd, size_t n, void **bytes)
{
    char *p = nj_malloc(n + 1);
    size_t have = 0;
    while (p && have < n) {
        ssize_t got = pread(fd, p + have, n - have, (off_t)have);
        if (got <= 0 && !(got < 0 && errno == EINTR))
            break;
        have += got > 0 ? (size_t)got : 0;
    }
    if (p && have == n) {
        *bytes = p;
        return true;
    }
    nj_free(p);
    return false;
}

/* The time of last use is written when it is an hour old, or in the future: a clock was put right. */
static void touch(int fd, const struct stat *st)
{
    int64_t age = (int64_t)nj_cache_now() - st->st_mtim.tv_sec;
    struct timespec t[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = (time_t)nj_cache_now()}};
    if (age > TOUCH_AFTER || age < -TOUCH_AFTER)
        (void)!futimens(fd, t);
}

static bool read_at(int dir, const char *name, bool use, void **bytes, size_t *n)
{
    struct stat st;
    int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool ok = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && is_ours(&st) && st.st_size >= 0 &&
              (uint64_t)st.st_size <= entry_max;
    ok = ok && read_all(fd, (size_t)st.st_size, bytes);
    if (ok) {
        *n = (size_t)st.st_size;
        if (use)
            touch(fd, &st);
    }
    close(fd);
    return ok;
}

bool nj_cache_dir_read(const uint8_t id[NJ_DIGEST], void **bytes, size_t *n)
{
    char path[PATH_MAX];
    Place p = place_of(id);
    int dir = open_sub(false, p.sub, path);
    bool ok = dir >= 0 && read_at(dir, p.name, true, bytes, n);
    if (dir >= 0)
        close(dir);
    return ok;
}

bool nj_cache_file_read(const NjCacheFile *f, void **bytes, size_t *n)
{
    return read_at(f->dir, f->name, false, bytes, n);
}

/* -- writing ------------------------------------------------------------------------------------------------------- */

static bool write_all(int fd, const char *p, size_t n)
{
    while (n) {
        ssize_t put = write(fd, p, n);
        if (put < 0 && errno != EINTR)
            return false;
        if (put > 0) {
            p += put;
            n -= (size_t)put;
        }
    }
    return true;
}

/* No fsync: after a power cut a file may be short or hold zeros, and its hash says so. */
static bool write_at(int dir, const char *name, const void *bytes, size_t n)
{
    static atomic_uint count;
    char tmp[NJ_CACHE_NAME];
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    snprintf(tmp, sizeof tmp, ".%ld-%lld%09ld-%u.tmp", (long)getpid(), (long long)t.tv_sec, t.tv_nsec,
             atomic_fetch_add(&count, 1));
    int fd = openat(dir, tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    bool ok = write_all(fd, bytes, n);
    (void)!fchmod(fd, 0600);                        /* whatever the umask */
    ok = close(fd) == 0 && ok;
    ok = ok && (renameat(dir, tmp, dir, name) == 0 ||
                (errno == EISDIR && unlinkat(dir, name, AT_REMOVEDIR) == 0 && renameat(dir, tmp, dir, name) == 0));
    int why = errno;
    if (!ok)
        unlinkat(dir, tmp, 0);
    errno = why;
    return ok;
}

static bool write_once(const Place *p, const void *bytes, size_t n, char path[PATH_MAX])
{
    int dir = open_sub(true, p->sub, path);
    bool ok = dir >= 0 && write_at(dir, p->name, bytes, n);
    int why = errno;
    if (dir >= 0)
        close(dir);
    errno = why;
    return ok;
}

/* A folder that is removed meanwhile is made again, once. */
bool nj_cache_dir_write(const uint8_t id[NJ_DIGEST], const void *bytes, size_t n, NjErr *err)
{
    char path[PATH_MAX] = "";
    Place p = place_of(id);
    if (write_once(&p, bytes, n, path) || (errno == ENOENT && write_once(&p, bytes, n, path)))
        return true;
    int why = errno;
    size_t room = strlen(path);
    snprintf(path + room, sizeof path - room, "/%s", p.sub);
    nj_err_set(err, NJ_E_ENV, why, "%.300s: %s", path, not_ours(path, why));
    return false;
}

void nj_cache_dir_drop(const uint8_t id[NJ_DIGEST])
{
    char path[PATH_MAX];
    Place p = place_of(id);
    int dir = open_sub(false, p.sub, path);
    if (dir < 0)
        return;
    unlinkat(dir, p.name, 0);
    close(dir);
}

/* -- walking ------------------------------------------------------------------------------------------------------- */

static bool is_hex(const char *s, size_t n)
{
    return strspn(s, "0123456789abcdef") == n;
}

static bool is_entry_name(const char *s)
{
    return strlen(s) == HEX_NAME + strlen(SUFFIX) && is_hex(s, HEX_NAME) && !strcmp(s + HEX_NAME, SUFFIX);
}

static bool is_tmp_name(const char *s)
{
    size_t n = strlen(s);
    return n > 5 && *s == '.' && !strcmp(s + n - 4, ".tmp");
}

static bool each_in(int root, const char *sub, NjCacheVisit visit, void *arg)
{
    int fd = open_ours(root, sub);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    bool more = true;
    if (!d && fd >= 0)
        close(fd);
    for (struct dirent *e; d && more && (e = readdir(d));) {
        struct stat st;
        NjCacheFile f = {.dir = dirfd(d), .sub = sub, .name = e->d_name, .is_entry = is_entry_name(e->d_name)};
        if ((!f.is_entry && !is_tmp_name(e->d_name)) || fstatat(f.dir, f.name, &st, AT_SYMLINK_NOFOLLOW))
            continue;
        f.nbytes = (uint64_t)st.st_size;
        f.used = st.st_mtim.tv_sec;
        f.used_nsec = (uint32_t)st.st_mtim.tv_nsec;
        more = visit(arg, &f);
    }
    if (d)
        closedir(d);
    return more;
}

void nj_cache_each(NjCacheVisit visit, void *arg)
{
    char path[PATH_MAX];
    int root = open_root(false, path);
    DIR *d = root < 0 ? NULL : fdopendir(root);
    bool more = true;
    if (!d && root >= 0)
        close(root);
    for (struct dirent *e; d && more && (e = readdir(d));)
        if (strlen(e->d_name) == 2 && is_hex(e->d_name, 2))
            more = each_in(dirfd(d), e->d_name, visit, arg);
    if (d)
        closedir(d);
}

/* -- the bound ----------------------------------------------------------------------------------------------------- */

typedef struct Aged { int64_t used; uint64_t nbytes; char sub[3], name[NJ_CACHE_NAME]; } Aged;
typedef struct Census { NjArena *arena; NJ_VEC(Aged) all; uint64_t total; } Census;

/* Left behind: old, from the future, or of a process that is gone. In another container it may live: then its rename
 * fails, and an entry is missing that will be compiled again. */
static bool is_stale(const NjCacheFile *f)
{
    int64_t age = (int64_t)nj_cache_now() - f->used;
    long pid = strtol(f->name + 1, NULL, 10);
    return age > TMP_OLD || age < -TMP_OLD || (pid > 0 && kill((pid_t)pid, 0) && errno == ESRCH);
}

static bool census_take(void *arg, const NjCacheFile *f)
{
    Census *c = arg;
    if (!f->is_entry) {
        if (is_stale(f))
            unlinkat(f->dir, f->name, 0);
        return true;
    }
    Aged a = {.used = f->used, .nbytes = f->nbytes};
    if (a.used > (int64_t)nj_cache_now() + TOUCH_AFTER)
        a.used = 0;                      /* a clock was wrong once: such a file would never grow old */
    snprintf(a.sub, sizeof a.sub, "%s", f->sub);
    snprintf(a.name, sizeof a.name, "%s", f->name);
    c->total += f->nbytes;
    return nj_vec_push(c->arena, &c->all, a);
}

static int by_age(const void *a, const void *b)
{
    const Aged *x = a, *y = b;
    return x->used < y->used ? -1 : x->used > y->used ? 1 : strcmp(x->name, y->name);
}

static void census_drop(Census *c, uint64_t keep, uint64_t *dropped)
{
    char path[PATH_MAX];
    int root = open_root(false, path);
    qsort(c->all.at, c->all.n, sizeof *c->all.at, by_age);
    for (uint32_t i = 0; root >= 0 && i < c->all.n && c->total > keep; i++) {
        int dir = open_ours(root, c->all.at[i].sub);
        if (dir < 0)
            continue;
        *dropped += unlinkat(dir, c->all.at[i].name, 0) == 0;
        c->total -= c->all.at[i].nbytes;
        close(dir);
    }
    if (root >= 0)
        close(root);
}

void nj_cache_evict(uint64_t bound, uint64_t *dropped)
{
    Census c = {.arena = nj_arena_new()};
    *dropped = 0;
    if (!c.arena)
        return;
    nj_cache_each(census_take, &c);
    if (c.total > bound)
        census_drop(&c, bound / 8 * 7, dropped);
    nj_arena_free(c.arena);
}

static bool clear_one(void *arg, const NjCacheFile *f)
{
    uint64_t *n = arg;
    *n += unlinkat(f->dir, f->name, 0) == 0 && f->is_entry;
    return true;
}

uint64_t nj_cache_clear(void)
{
    uint64_t n = 0;
    nj_cache_each(clear_one, &n);
    return n;
}
