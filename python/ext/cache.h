/* cache.h - one use of the cache on disk: the key of a unit about to be compiled, a look-up, perhaps a store. */
#ifndef NJ_EXT_CACHE_H
#define NJ_EXT_CACHE_H

#include "ext.h"
#include "device.h"

#include "run/cache.h"

typedef struct NjCacheUse {
    NjArena *arena;                   /* NULL: the cache is not used this time */
    NjKeyFact facts[NJ_CACHE_FACTS];
    NjKeyAsk ask;
    NjKey key;                        /* made by the look-up */
} NjCacheUse;

/* GIL held. `dev` NULL: this machine's CPU by itself. What args, opts and the snapshot point to must live until
 * nj_cache_close. */
void nj_cache_open(NjCacheUse *c, const NjSnapshot *snap, const NjTarget *target, NjDevice *dev, NjRoot root,
                   const NjOpts *opts,
                   const NjType *const *args, uint32_t nargs, const NjType *ret);
bool nj_cache_find_nogil(NjCacheUse *c, NjArena *a, NjImage *out);       /* rows and names of *out lie in a */
double nj_cache_store_nogil(NjCacheUse *c, const NjImage *im);           /* after a look-up; the seconds it took */
void nj_cache_reject_nogil(NjCacheUse *c, const NjErr *why);             /* what was found cannot be loaded */
/* GIL held; says once a process what is wrong with the cache, as a warning */
void nj_cache_close(NjCacheUse *c);

/* A unit's exceptions, copied so that they outlive it. NULL: there are none, or no memory. */
NjExc *nj_cache_keep_excs(NjArena *a, const NjExc *excs, uint32_t n);

PyObject *nj_cache_path_object(void);         /* the folder; None when the cache is off */
/* For the devices' `facts`: what code for this CPU, and PTX of whatever architecture, depends on. GIL held. */
uint32_t nj_cache_cpu_facts(NjArena *a, NjKeyFact *out);
uint32_t nj_cache_ptx_facts(NjArena *a, NjKeyFact *out);

#endif
