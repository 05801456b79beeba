/* load_perf.c - names of loaded functions for perf: lines "address size name" in /tmp/perf-PID.map, with NAJA_PERF=1
 *
 * The file's name and form are perf's; CPython's own support for perf appends to the same file. It outlives the
 * process, because `perf report` reads it afterwards. No line is ever taken back: where functions came and went at one
 * address, perf shows one of their names.
 */
#include "cpu/fork.h"
#include "cpu/load.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static NjForkLock perf_lock = NJ_FORK_LOCK_INIT;      /* guards the three below; a forked child has one thread */
static int   perf_fd = -1;                            /* -1: not open, or not to be had */
static pid_t perf_pid;                                /* whose file that is; 0: none was asked for */
static bool  perf_watches_forks;

/* -- the file -------------------------------------------------------------------------------------------- */

/* When this process began, in seconds of the wall clock; 0: not known. /proc tells it in ticks since the boot. */
static int64_t process_start(void)
{
    char text[1024] = "";
    int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = 0;
    const char *s = strrchr(text, ')');               /* the name before it may hold anything */
    for (int field = 2; s && field < 22; field++)
        s = strchr(s + 1, ' ');
    struct timespec boot, now;
    if (!s || clock_gettime(CLOCK_BOOTTIME, &boot) || clock_gettime(CLOCK_REALTIME, &now))
        return 0;
    return now.tv_sec - boot.tv_sec + (int64_t)(strtoull(s, NULL, 10) / (uint64_t)sysconf(_SC_CLK_TCK));
}

static void perf_path(char path[64], pid_t pid)
{
    snprintf(path, 64, "/tmp/perf-%ld.map", (long)pid);
}

/* /tmp belongs to everybody: a link, or a file of somebody else's, is left alone. What a dead process of the same
 * number left would name the wrong functions. */
static int perf_open(pid_t pid)
{
    char path[64];
    struct stat st;
    perf_path(path, pid);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_nlink != 1 ||
        (st.st_mtime < process_start() - 1 && ftruncate(fd, 0))) {
        close(fd);
        return -1;
    }
    return fd;
}

static void perf_write(const char *at, size_t n)
{
    while (n) {
        ssize_t did = write(perf_fd, at, n);
        if (did <= 0)
            return;                       /* a full disk costs names, nothing else */
        at += did;
        n -= (size_t)did;
    }
}

/* A child runs its parent's functions, too, and perf may first meet it then. Runs between fork and return, with
 * perf_lock free or about to be made anew. */
static void perf_child(void)
{
    char path[64], part[4096];
    if (!perf_pid)
        return;
    perf_path(path, perf_pid);
    if (perf_fd >= 0)
        close(perf_fd);
    perf_pid = getpid();
    perf_fd = perf_open(perf_pid);
    int from = perf_fd < 0 ? -1 : open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    for (ssize_t n; from >= 0 && (n = read(from, part, sizeof part)) > 0; )
        perf_write(part, (size_t)n);
    if (from >= 0)
        close(from);
}

/* Under perf_lock. */
static bool perf_ready(void)
{
    if (!perf_watches_forks)
        perf_watches_forks = pthread_atfork(NULL, NULL, perf_child) == 0;
    if (!perf_pid) {
        perf_pid = getpid();
        perf_fd = perf_open(perf_pid);
    }
    return perf_fd >= 0;
}

/* -- the lines ----------------------------------------------------------------------------------------------- */

static void perf_lines(NjText *t, const NjLoadObject *o, const uint8_t *base, const char *name)
{
    for (uint32_t i = 1; i < o->nsym; i++) {
        Elf64_Sym s = nj_load_sym(o, i);
        if (ELF64_ST_TYPE(s.st_info) != STT_FUNC || s.st_shndx == SHN_UNDEF || s.st_shndx >= o->nsec ||
            !o->sec[s.st_shndx].group)
            continue;
        uint64_t at = (uint64_t)(uintptr_t)base + o->sec[s.st_shndx].off + s.st_value;
        const char *symbol = nj_load_sym_name(o, &s);
        nj_text_fmt(t, "%llx %llx %s", (unsigned long long)at, (unsigned long long)s.st_size, symbol);
        if (name && strcmp(name, symbol))
            nj_text_fmt(t, " [%s]", name);         /* which of the loaded objects it is in */
        nj_text_char(t, '\n');
    }
}

void nj_load_perf(const NjLoadObject *o, const uint8_t *base, const char *name)
{
    NjText t;
    nj_text_init(&t);
    perf_lines(&t, o, base, name);
    nj_fork_lock(&perf_lock);
    if (!t.failed && t.n && perf_ready())
        perf_write(t.at, t.n);
    nj_fork_unlock(&perf_lock);
    nj_text_free(&t);
}
