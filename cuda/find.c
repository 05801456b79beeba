/* find.c - where the toolkit's libraries and programs are.
 *
 * In: a part, and the caller's site-packages folders. Out: a path, who said so, and the version as far as names tell
 * it. The order is pip, conda, CUDA_HOME, CUDA_PATH, system, PATH, as people know it from NVIDIA's own finder; a knob
 * comes before them all and the word 'none' in it means that there is none. Files are looked at, nothing is loaded or
 * run.
 */
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "cuda/room.h"

/* -- tables ------------------------------------------------------------------------------------------- */

typedef enum FindWhere { FIND_pip, FIND_toolkit, FIND_path } FindWhere;
typedef struct FindRow {
    NjPart part;
    FindWhere where;
    const char *pattern;
} FindRow;
typedef struct FindPart {
    const char *name, *dist, *what;
} FindPart;

static const FindPart find_parts[] = {
#define PART(name, knob, dist, what) {#name, dist, what},
#include "parts.def"
};
static const FindRow find_rows[] = {
#define FIND(part, where, pattern) {NJ_PART_##part, FIND_##where, pattern},
#include "parts.def"
};
/* env: the root is that variable's value. */
static const struct {
    const char *label, *env, *root;
} find_roots[] = {
    {"conda", "CONDA_PREFIX", NULL},
    {"CUDA_HOME", "CUDA_HOME", NULL},
    {"CUDA_PATH", "CUDA_PATH", NULL},
    {"system", NULL, "/usr/local/cuda"},
    {"system", NULL, "/usr/local/cuda-*"},
    {"system", NULL, "/opt/cuda"},
    {"system", NULL, "/usr/lib/cuda"},
    {"system", NULL, "/usr/lib/nvidia-cuda-toolkit"},
    {"system", NULL, "/usr"},
};

/* The parts with a knob: its value and the variable's name. */
static const char *find_knob(NjPart part, const char **env)
{
    const NjKnobs *k = nj_knobs();
    switch (part) {
    case NJ_PART_libnvvm:
        *env = "NAJA_LIBNVVM";
        return k->libnvvm;
    case NJ_PART_libdevice:
        *env = "NAJA_LIBDEVICE";
        return k->libdevice;
    case NJ_PART_ptxas:
        *env = "NAJA_PTXAS";
        return k->ptxas;
    default:
        *env = NULL;
        return NULL;
    }
}

/* -- walking the patterns: one order for looking and for telling what was looked at --------------------------- */

/* Called with each full pattern in order; true stops the walk. */
typedef bool (*FindVisit)(void *arg, const char *label, const char *site, const char *pattern);

static bool find_join(FindVisit visit, void *arg, const char *label, const char *root, const char *rel,
                      const char *site)
{
    char full[PATH_MAX];
    int n = snprintf(full, sizeof full, "%s/%s", root, rel);
    return n > 0 && (size_t)n < sizeof full && visit(arg, label, site, full);
}

static bool find_walk_toolkit(const char *rel, FindVisit visit, void *arg)
{
    for (size_t i = 0; i < NJ_COUNT(find_roots); i++) {
        const char *root = find_roots[i].env ? getenv(find_roots[i].env) : find_roots[i].root;
        if (root != NULL && root[0] != 0 && find_join(visit, arg, find_roots[i].label, root, rel, NULL))
            return true;
    }
    return false;
}

static bool find_walk_path(const char *rel, FindVisit visit, void *arg)
{
    const char *p = getenv("PATH");
    while (p != NULL && *p != 0) {
        char dir[PATH_MAX];
        size_t n = strcspn(p, ":");
        snprintf(dir, sizeof dir, "%.*s", (int)(n < PATH_MAX ? n : 0), p);
        if (dir[0] != 0 && find_join(visit, arg, "PATH", dir, rel, NULL))
            return true;
        p += n + (p[n] == ':');
    }
    return false;
}

static bool find_walk(NjPart part, const char *const *sites, FindVisit visit, void *arg)
{
    for (size_t i = 0; i < NJ_COUNT(find_rows); i++) {
        const FindRow *r = &find_rows[i];
        if (r->part != part)
            continue;
        if (r->where == FIND_pip)
            for (const char *const *s = sites; s != NULL && *s != NULL; s++)
                if (find_join(visit, arg, "pip", *s, r->pattern, *s))
                    return true;
        if (r->where == FIND_toolkit && find_walk_toolkit(r->pattern, visit, arg))
            return true;
        if (r->where == FIND_path && find_walk_path(r->pattern, visit, arg))
            return true;
    }
    return false;
}

/* -- one pattern -> one path, and its version ------------------------------------------------------------------ */

/* The newest match that can be read: names sort by version, so cuda-9.2 comes before cuda-13.0. */
static bool find_newest(const char *pattern, char *out, size_t nout)
{
    glob_t g = {0};
    const char *best = NULL;
    if (glob(pattern, GLOB_NOSORT | GLOB_BRACE, NULL, &g) == 0)
        for (size_t i = 0; i < g.gl_pathc; i++)
            if (access(g.gl_pathv[i], R_OK) == 0 && (best == NULL || strverscmp(g.gl_pathv[i], best) > 0))
                best = g.gl_pathv[i];
    bool ok = best != NULL && strlen(best) < nout;
    if (ok)
        strcpy(out, best);
    globfree(&g);
    return ok;
}

/* pip: nvidia_nvvm-13.0.88.dist-info */
static bool find_version_pip(const char *site, const char *dist, char *out, size_t nout)
{
    char pattern[PATH_MAX], path[PATH_MAX];
    int n = snprintf(pattern, sizeof pattern, "%s/%s.dist-info", site, dist);
    if (n <= 0 || (size_t)n >= sizeof pattern || !find_newest(pattern, path, sizeof path))
        return false;
    char *end = strstr(path, ".dist-info");
    *end = 0;
    const char *dash = strrchr(path, '-');
    snprintf(out, nout, "%s", dash ? dash + 1 : "");
    return out[0] != 0;
}

/* elsewhere: /usr/local/cuda-13.0/..., else libnvvm.so.4 */
static void find_version_path(const char *path, char *out, size_t nout)
{
    char real[PATH_MAX];
    if (realpath(path, real) == NULL)
        return;
    const char *p = strstr(real, "/cuda-");
    if (p != NULL && p[6] >= '0' && p[6] <= '9') {
        snprintf(out, nout, "%.*s", (int)strspn(p + 6, "0123456789."), p + 6);
    } else if ((p = strstr(real, ".so.")) != NULL) {
        snprintf(out, nout, "so.%s", p + 4);
    }
}

/* -- entries ------------------------------------------------------------------------------------------------------ */

typedef struct FindArg {
    NjPart part;
    NjFound *out;
    NjText *text;
} FindArg;

static bool find_look(void *arg, const char *label, const char *site, const char *pattern)
{
    FindArg *a = arg;
    NjFound *f = a->out;
    if (!find_newest(pattern, f->path, sizeof f->path))
        return false;
    snprintf(f->where, sizeof f->where, "%s", label);
    if (site == NULL || !find_version_pip(site, find_parts[a->part].dist, f->version, sizeof f->version))
        find_version_path(f->path, f->version, sizeof f->version);
    return true;
}

static bool find_tell(void *arg, const char *label, const char *site, const char *pattern)
{
    FindArg *a = arg;
    nj_text_fmt(a->text, "  %s (%s)\n", pattern, label);
    return false;
}

bool nj_find(NjPart part, const char *const *sites, NjFound *out)
{
    const char *env, *knob = find_knob(part, &env);
    memset(out, 0, sizeof *out);
    if (knob == NULL || knob[0] == 0)
        return find_walk(part, sites, find_look, &(FindArg){part, out, NULL});
    if (strlen(knob) >= sizeof out->path || access(knob, R_OK) != 0)
        return false;
    strcpy(out->path, knob);
    snprintf(out->where, sizeof out->where, "%s", env);
    find_version_path(knob, out->version, sizeof out->version);
    return true;
}

void nj_find_tried(NjPart part, const char *const *sites, NjText *out)
{
    const char *env, *knob = find_knob(part, &env);
    if (knob != NULL && knob[0] != 0)
        nj_text_fmt(out, "  %s (%s)\n", knob, env);
    else
        find_walk(part, sites, find_tell, &(FindArg){part, NULL, out});
}

NjStatus nj_find_or_err(NjPart part, const char *const *sites, NjFound *out, NjErr *err)
{
    NjText tried;
    if (nj_find(part, sites, out))
        return NJ_OK;
    nj_text_init(&tried);
    nj_find_tried(part, sites, &tried);
    NjStatus st = nj_err_set(err, NJ_E_ENV, 0, "%s was not found (it %s); looked for\n%s", find_parts[part].name,
                             find_parts[part].what, tried.at ? tried.at : "");
    nj_text_free(&tried);
    return st;
}

const char *nj_find_part_name(NjPart part)
{
    return find_parts[part].name;
}

const char *nj_find_part_help(NjPart part)
{
    return find_parts[part].what;
}
