/* bug.c - our own defects: a broken invariant found by a check, never the user's fault.
 *
 * The state at hand (usually the function as text) goes to a file, so that a report can carry it. Debug builds stop at
 * once, where the debugger can look; release builds record an internal error and let the compilation end.
 */
#include "base/base.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

/* The file in NAJA_DUMP_DIR or the temporary folder; "" when it could not be written. */
static const char *bug_file(const char *text, const char *dump, char *path, size_t size)
{
    static atomic_uint count;
    const char *dir = nj_knobs()->dump_dir;
    if (!dir)
        dir = getenv("TMPDIR");
    snprintf(path, size, "%s/naja-bug-%ld-%u.nj", dir && *dir ? dir : "/tmp", (long)getpid(),
             atomic_fetch_add(&count, 1));
    FILE *f = fopen(path, "wx");       /* x: never through a link that somebody else left there */
    if (!f)
        return "";
    fprintf(f, "; %s\n%s\n", text, dump);
    return fclose(f) ? "" : path;
}

void nj_bug(NjDiags *d, const char *where, const char *dump, const char *fmt, ...)
{
    char text[1024], path[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    const char *file = dump ? bug_file(text, dump, path, sizeof path) : "";
#if NJ_CHECK_DEFAULT
    fprintf(stderr, "naja: internal error in %s: %s\n%s%s\n", where, text, dump ? dump : "", file);
    abort();
#endif
    NjDiag *g = d ? nj_diag_add(d, NJ_ERR_INTERNAL, NULL, NULL, (NjLoc){0}, where, text) : NULL;
    if (g && *file)
        nj_diag_note(d, g, NULL, (NjLoc){0}, "the function was written to %s", file);
}
