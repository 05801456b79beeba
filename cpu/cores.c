/* cores.c - how many threads are worth having here.
 *
 * In: the machine's topology, the affinity mask, the cgroup's processor quota; out: a number of physical cores, at
 * least 1. Two hardware threads of a core share its arithmetic, so they count once.
 *
 * The kernel's own topology files come first, hwloc where they are missing: they take 0.1 ms, while hwloc as
 * distributions build it takes 3 ms and brings libxml2, OpenCL and X11 into the process as plugins. A test holds the
 * two equal.
 */
#include "cpu/atomics.h"
#include "cpu/cpu.h"

#include <dlfcn.h>
#include <hwloc.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

/* -- Linux: /sys ------------------------------------------------------------------------------------------- */

/* "0,64" or "4-7": the first of these processors that is ours; -1: none, or not readable. */
static int first_sibling(int cpu, const char *file, const cpu_set_t *mask)
{
    char path[96], list[4096], *p = list;
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/topology/%s", cpu, file);
    FILE *f = fopen(path, "re");
    bool got = f && fgets(list, sizeof list, f);
    if (f)
        fclose(f);
    while (got && *p >= '0' && *p <= '9') {
        long from = strtol(p, &p, 10), to = *p == '-' ? strtol(p + 1, &p, 10) : from;
        for (long i = from; i <= to && i < CPU_SETSIZE; i++)
            if (CPU_ISSET((int)i, mask))
                return (int)i;
        p += *p == ',';
    }
    return -1;
}

/* A core is counted at its first processor. 0 when the files are not there. */
static uint32_t cores_by_sys(const cpu_set_t *mask)
{
    uint32_t n = 0;
    for (int i = 0; i < CPU_SETSIZE; i++) {
        if (!CPU_ISSET(i, mask))
            continue;
        int first = first_sibling(i, "core_cpus_list", mask);
        if (first < 0)
            first = first_sibling(i, "thread_siblings_list", mask);       /* its name before Linux 5.3 */
        if (first < 0)
            return 0;
        n += first == i;
    }
    return n;
}

/* -- hwloc, by dlopen ------------------------------------------------------------------------------------------ */

#define HWLOC_FNS(F)                                                                                                   \
    F(hwloc_topology_init) F(hwloc_topology_load) F(hwloc_topology_destroy) F(hwloc_topology_set_flags)                \
    F(hwloc_topology_set_all_types_filter) F(hwloc_topology_set_type_filter) F(hwloc_get_type_depth)                   \
    F(hwloc_get_nbobjs_by_depth) F(hwloc_get_obj_by_depth) F(hwloc_bitmap_first) F(hwloc_bitmap_next)

typedef struct Hwloc {
#define FIELD(name) __typeof__(name) *name;
    HWLOC_FNS(FIELD)
#undef FIELD
} Hwloc;

#if HWLOC_API_VERSION >= 0x00020800
#define SKIP_FLAGS                                                                                                     \
    (HWLOC_TOPOLOGY_FLAG_NO_DISTANCES | HWLOC_TOPOLOGY_FLAG_NO_MEMATTRS | HWLOC_TOPOLOGY_FLAG_NO_CPUKINDS)
#else
#define SKIP_FLAGS 0
#endif

static bool hwloc_find(Hwloc *h, void *so)
{
#define FIND(name) if (!(*(void **)&h->name = dlsym(so, #name))) return false;
    HWLOC_FNS(FIND)
#undef FIND
    return true;
}

static bool core_is_ours(const Hwloc *h, hwloc_const_cpuset_t core, const cpu_set_t *mask)
{
    for (int i = h->hwloc_bitmap_first(core); i >= 0; i = h->hwloc_bitmap_next(core, i))
        if (i < CPU_SETSIZE && CPU_ISSET(i, mask))
            return true;
    return false;
}

static uint32_t count_cores(const Hwloc *h, hwloc_topology_t t, const cpu_set_t *mask)
{
    int depth = h->hwloc_get_type_depth(t, HWLOC_OBJ_CORE);
    uint32_t n = 0;
    for (unsigned i = 0; depth >= 0 && i < h->hwloc_get_nbobjs_by_depth(t, depth); i++) {
        hwloc_obj_t core = h->hwloc_get_obj_by_depth(t, depth, i);
        n += core && core->cpuset && core_is_ours(h, core->cpuset, mask);
    }
    return n;
}

/* Only cores are asked for. */
static uint32_t cores_by_hwloc(const cpu_set_t *mask)
{
    void *so = dlopen("libhwloc.so.15", RTLD_LAZY | RTLD_LOCAL);
    Hwloc h;
    hwloc_topology_t t;
    if (!so || !hwloc_find(&h, so) || h.hwloc_topology_init(&t))
        return 0;
    h.hwloc_topology_set_all_types_filter(t, HWLOC_TYPE_FILTER_KEEP_NONE);
    h.hwloc_topology_set_type_filter(t, HWLOC_OBJ_CORE, HWLOC_TYPE_FILTER_KEEP_ALL);
    h.hwloc_topology_set_flags(t, SKIP_FLAGS);    /* an older library refuses what it does not know, and takes longer */
    uint32_t n = h.hwloc_topology_load(t) == 0 ? count_cores(&h, t, mask) : 0;
    h.hwloc_topology_destroy(t);
    return n;                                /* the library stays: closing it gains nothing */
}

/* -- cgroup quota ------------------------------------------------------------------------------------------- */

/* "200000 100000" is two processors; "max 100000" none. 0: no limit there. */
static uint32_t quota_of(const char *path)
{
    FILE *f = fopen(path, "re");
    if (!f)
        return 0;
    long quota = 0, period = 0;
    int got = fscanf(f, "%ld %ld", &quota, &period);
    fclose(f);
    return got == 2 && quota > 0 && period > 0 ? (uint32_t)((quota + period - 1) / period) : 0;
}

/* The smallest limit on the way from our group up to the root. */
static uint32_t cores_by_quota(void)
{
    char dir[4096] = "", path[4200], line[4096];
    FILE *f = fopen("/proc/self/cgroup", "re");
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, "0::", 3)) {
            line[strcspn(line, "\n")] = 0;
            snprintf(dir, sizeof dir, "%s", line + 3);
        }
    if (f)
        fclose(f);
    uint32_t best = 0;
    for (char *end; ; *end = 0) {
        snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.max", dir);
        uint32_t n = quota_of(path);
        best = n && (!best || n < best) ? n : best;
        end = strrchr(dir, '/');
        if (!end)
            return best;
    }
}

/* -- the entry -------------------------------------------------------------------------------------------------- */

static cpu_set_t our_mask(void)
{
    cpu_set_t mask;
    CPU_ZERO(&mask);
    if (sched_getaffinity(0, sizeof mask, &mask))
        CPU_SET(0, &mask);     /* more than 1024 processors: one core is a safe answer, NAJA_NUM_THREADS a better one */
    return mask;
}

uint32_t nj_cpu_cores_hwloc(void)
{
    cpu_set_t mask = our_mask();
    return cores_by_hwloc(&mask);
}

uint32_t nj_cpu_cores(void)
{
    static NjA32 cached;                     /* 0: not counted; two threads may count at once and get the same */
    uint32_t n = nj_a32_load_relaxed(&cached);
    if (n)
        return n;
    cpu_set_t mask = our_mask();
    n = cores_by_sys(&mask);
    if (!n && access("/sys/devices/system/cpu", F_OK) == 0)        /* without /sys hwloc complains on stderr */
        n = cores_by_hwloc(&mask);
    if (!n)
        n = (uint32_t)CPU_COUNT(&mask);
    uint32_t quota = cores_by_quota();
    n = quota && quota < n ? quota : n;
    n = n ? n : 1;
    nj_a32_store_relaxed(&cached, n);
    return n;
}
