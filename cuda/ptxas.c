/* ptxas.c - the toolkit's assembler and disassembler, run as programs.
 *
 * In: PTX and an architecture, or a cubin. Out: a cubin, or SASS, and what the program said. Inputs and outputs are
 * files in a folder of their own that is gone when the call returns.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cuda/room.h"

extern char **environ;

/* -- a folder of temporary files --------------------------------------------------------------------------- */

typedef struct PxDir {
    char dir[512], in[576], out[576], log[576];
} PxDir;

static NjStatus px_mkdir(PxDir *d, NjErr *err)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(d->dir, sizeof d->dir, "%s/naja-XXXXXX", tmp && tmp[0] && strlen(tmp) < 400 ? tmp : "/tmp");
    if (mkdtemp(d->dir) == NULL)
        return nj_err_set(err, NJ_E_ENV, 0, "%s cannot be made: %s", d->dir, strerror(errno));
    snprintf(d->in, sizeof d->in, "%s/in", d->dir);
    snprintf(d->out, sizeof d->out, "%s/out", d->dir);
    snprintf(d->log, sizeof d->log, "%s/log", d->dir);
    return NJ_OK;
}

static void px_rmdir(PxDir *d)
{
    unlink(d->in);
    unlink(d->out);
    unlink(d->log);
    rmdir(d->dir);
}

static NjStatus px_write(const char *path, const void *data, size_t n, NjErr *err)
{
    FILE *f = fopen(path, "wbe");
    bool ok = f != NULL && fwrite(data, 1, n, f) == n;
    if (f != NULL && fclose(f) != 0)
        ok = false;
    return ok ? NJ_OK : nj_err_set(err, NJ_E_ENV, 0, "%s cannot be written: %s", path, strerror(errno));
}

static bool px_read(const char *path, NjText *out)
{
    char buf[16384];
    size_t n;
    FILE *f = fopen(path, "rbe");
    if (f == NULL)
        return false;
    while ((n = fread(buf, 1, sizeof buf, f)) > 0)
        nj_text_put(out, buf, n);
    fclose(f);
    return !out->failed;
}

/* -- running one program -------------------------------------------------------------------------------------- */

/* Standard output and error go to `to`; *status is what waitpid gives. */
static NjStatus px_run(const char *const *argv, const char *to, const char *to_err, int *status, NjErr *err)
{
    pid_t pid;
    posix_spawn_file_actions_t acts;
    if (posix_spawn_file_actions_init(&acts) != 0)
        return nj_err_set(err, NJ_E_NOMEM, 0, "out of memory while starting %s", argv[0]);
    int r = posix_spawn_file_actions_addopen(&acts, 0, "/dev/null", O_RDONLY, 0);
    if (r == 0)
        r = posix_spawn_file_actions_addopen(&acts, 1, to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (r == 0)
        r = to_err ? posix_spawn_file_actions_addopen(&acts, 2, to_err, O_WRONLY | O_CREAT | O_TRUNC, 0600)
                   : posix_spawn_file_actions_adddup2(&acts, 1, 2);
    if (r == 0)
        r = posix_spawn(&pid, argv[0], &acts, NULL, (char *const *)argv, environ);
    posix_spawn_file_actions_destroy(&acts);
    if (r != 0)
        return nj_err_set(err, NJ_E_ENV, 0, "%s cannot be run: %s", argv[0], strerror(r));
    while (waitpid(pid, status, 0) < 0)
        if (errno != EINTR)
            return nj_err_set(err, NJ_E_ENV, 0, "waiting for %s failed: %s", argv[0], strerror(errno));
    return NJ_OK;
}

static NjStatus px_failed(const char *what, const char *logfile, int status, NjErr *err)
{
    NjText log;
    nj_text_init(&log);
    px_read(logfile, &log);
    NjStatus st = nj_err_set(err, WIFEXITED(status) ? NJ_E_BUG : NJ_E_ENV, 0, "%s failed (%s %d)\n%s", what,
                             WIFEXITED(status) ? "status" : "signal",
                             WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status), log.at ? log.at : "");
    nj_text_free(&log);
    return st;
}

/* -- PTX newer than its assembler -------------------------------------------------------------------------------- */

/* ISA versions add instructions and change none, and what naja emits is old, so an older assembler is right about all
 * but the number. A truly newer instruction is then named by its own error. */
bool nj_ptx_lower_version(const char *ptx, size_t n, const char *log, NjText *out)
{
    static const char said[] = "current version is '";
    const char *want = log ? strstr(log, said) : NULL;
    const char *line = memmem(ptx, n, "\n.version ", 10);
    if (want == NULL || strstr(log, "Unsupported .version") == NULL)
        return false;
    line = line ? line + 1 : ptx;
    if ((size_t)(ptx + n - line) < 9 || memcmp(line, ".version ", 9) != 0)
        return false;
    want += sizeof said - 1;
    const char *rest = line + 9 + strspn(line + 9, "0123456789.");
    nj_text_put(out, ptx, (size_t)(line + 9 - ptx));
    nj_text_put(out, want, strspn(want, "0123456789."));
    nj_text_put(out, rest, (size_t)(ptx + n - rest));
    return !out->failed;
}

/* -- ptxas ----------------------------------------------------------------------------------------------------------
 */

enum { PX_MAX_ARGS = 16 };

static void px_ptxas_args(const char *argv[PX_MAX_ARGS], char regs[32], char opt[32], const NjCudaLoad *how)
{
    size_t n = 6; /* the caller's: program, -arch, name, -o, out, in */
    if (how != NULL && how->max_registers > 0) {
        snprintf(regs, 32, "--maxrregcount=%d", how->max_registers);
        argv[n++] = regs;
    }
    if (how != NULL && how->opt > 0) {
        snprintf(opt, 32, "-O%d", how->opt - 1);
        argv[n++] = opt;
    }
    if (how != NULL && how->debug)
        argv[n++] = "-g";
    if (how != NULL && how->lineinfo)
        argv[n++] = "-lineinfo";
    argv[n++] = "-v";
    argv[n] = NULL;
}

static NjStatus px_assemble(PxDir *d, const char *program, const char *arch, const NjCudaLoad *how, NjText *cubin,
                            NjText *log, NjErr *err)
{
    char regs[32], opt[32];
    const char *argv[PX_MAX_ARGS] = {program, "-arch", arch, "-o", cubin ? d->out : "/dev/null", d->in};
    int status = 0;
    px_ptxas_args(argv, regs, opt, how);
    NjStatus st = px_run(argv, d->log, NULL, &status, err);
    if (st != NJ_OK)
        return st;
    if (log != NULL)
        px_read(d->log, log);
    if (status != 0)
        return px_failed("ptxas", d->log, status, err);
    if (cubin != NULL && !px_read(d->out, cubin))
        return nj_err_set(err, NJ_E_ENV, 0, "ptxas left no cubin in %s", d->out);
    return NJ_OK;
}

NjStatus nj_ptxas(const char *const *sites, const char *arch, const char *ptx, size_t n, const NjCudaLoad *how,
                  NjText *cubin, NjText *log, NjErr *err)
{
    NjFound f;
    PxDir d;
    NjText older;
    NjErr first = {0};
    NjStatus st = nj_find_or_err(NJ_PART_ptxas, sites, &f, err);
    if (st == NJ_OK)
        st = px_mkdir(&d, err);
    if (st != NJ_OK)
        return st;
    nj_text_init(&older);
    st = px_write(d.in, ptx, n, &first);
    if (st == NJ_OK)
        st = px_assemble(&d, f.path, arch, how, cubin, log, &first);
    if (st != NJ_OK && nj_ptx_lower_version(ptx, n, first.text, &older)) {
        st = px_write(d.in, older.at, older.n, &first);
        if (st == NJ_OK)
            st = px_assemble(&d, f.path, arch, how, cubin, log, &first);
    }
    nj_text_free(&older);
    px_rmdir(&d);
    return st == NJ_OK ? st : nj_err_set(err, st, first.code, "%s", first.text);
}

/* -- nvdisasm --------------------------------------------------------------------------------------------------------
 */

static NjStatus px_disassemble(PxDir *d, const char *program, bool cfg, NjText *sass, NjErr *err)
{
    const char *argv[] = {program, cfg ? "-cfg" : "-c", d->in, NULL};
    int status = 0;
    NjStatus st = px_run(argv, d->out, d->log, &status, err);
    if (st != NJ_OK)
        return st;
    if (status != 0)
        return px_failed("nvdisasm", d->log, status, err);
    return px_read(d->out, sass) ? NJ_OK : nj_err_set(err, NJ_E_ENV, 0, "nvdisasm said nothing");
}

NjStatus nj_nvdisasm(const char *const *sites, const void *cubin, size_t n, bool cfg, NjText *sass, NjErr *err)
{
    NjFound f;
    PxDir d;
    NjStatus st = nj_find_or_err(NJ_PART_nvdisasm, sites, &f, err);
    if (st == NJ_OK)
        st = px_mkdir(&d, err);
    if (st != NJ_OK)
        return st;
    st = px_write(d.in, cubin, n, err);
    if (st == NJ_OK)
        st = px_disassemble(&d, f.path, cfg, sass, err);
    px_rmdir(&d);
    return st;
}
