/* kernel_spec.c - specialisations of a kernel: one tuple of argument types on one device, compiled and loaded.
 *
 * In: a kernel, a device, types. Out: an NjKernelSpec, found, or made from the cache or the compiler: snapshot with the
 * GIL, the rest without it. specs is only touched with the GIL; of two threads that miss together one compiles, and the
 * other waits at the kernel's gate.
 */
#include "cuda_ext.h"
#include "cache.h"

void nj_kernel_spec_free(NjKernelSpec *s)
{
    if (s->code)
        s->dev->ops->unload(s->code, NULL);
    if (s->unit)
        nj_unit_free(s->unit);
    if (s->snap)
        nj_snapshot_free(s->snap);
    nj_free(s->asm_text);
    nj_arena_free(s->arena);
    PyMem_Free(s->types);
    PyMem_Free(s->runs);
    PyMem_Free(s->slots);
    PyMem_Free(s->params);
    PyMem_Free(s);
}

void nj_kernel_spec_reset(NjKernelObject *k)
{
    NjKernelSpec **specs = k->specs;
    uint32_t n = k->nspecs;
    k->specs = NULL;            /* first: dropping may run the destructors of globals, and they anything */
    k->nspecs = 0;
    k->last = NULL;
    k->generation++;
    for (uint32_t i = 0; i < n; i++)
        nj_kernel_spec_drop(specs[i]);
    PyMem_Free(specs);
}

static NjArgOp arg_op(const NjType *t)
{
    switch (nj_type_scalar_of(t)) {
    case NJ_T_I64: return NJ_ARG_INT;
    case NJ_T_F64: return NJ_ARG_FLOAT;
    case NJ_T_BOOL: return NJ_ARG_BOOL;
    default: return t->kind == NJ_K_ARRAY ? NJ_ARG_ARRAY : NJ_ARG_OTHER;
    }
}

/* Runs of arguments that are read alike, and the block their slots go to. */
static int spec_plan(NjKernelSpec *s)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->nargs; i++) {
        NjArgOp op = arg_op(s->types[i]);
        n += !n || s->runs[n - 1].op != op;
        s->runs[n - 1].op = op;
        s->runs[n - 1].n++;
        s->nslots += nj_type_parts(nj_ext_types(), s->types[i], NJ_ABI_KERNEL, NULL, 0);
    }
    s->slots = PyMem_Calloc(s->nslots + 1, sizeof *s->slots);
    s->params = PyMem_Calloc(s->nslots + 1, sizeof *s->params);
    if (!s->slots || !s->params)
        return -1;
    for (uint32_t i = 0; i < s->nslots; i++)
        s->params[i] = &s->slots[i];
    return 0;
}

static NjKernelSpec *spec_new(NjDevice *d, const NjType *const *types, uint32_t nargs)
{
    NjKernelSpec *s = PyMem_Calloc(1, sizeof *s);
    if (!s)
        return (NjKernelSpec *)PyErr_NoMemory();
    s->types = PyMem_Calloc(nargs + 1, sizeof *s->types);
    s->runs = PyMem_Calloc(nargs + 1, sizeof *s->runs);
    s->nargs = nargs;
    s->dev = d;
    s->refs = 1;
    if (s->types && nargs)
        memcpy(s->types, types, nargs * sizeof *types);
    if (!s->types || !s->runs || spec_plan(s) < 0) {
        nj_kernel_spec_free(s);
        return (NjKernelSpec *)PyErr_NoMemory();
    }
    return s;
}

static bool spec_is(const NjKernelSpec *s, const NjDevice *d, const NjType *const *types, uint32_t nargs)
{
    return s->dev == d && s->nargs == nargs && (!nargs || !memcmp(s->types, types, nargs * sizeof *types));
}

static NjKernelSpec *spec_find(NjKernelObject *k, NjDevice *d, const NjType *const *types, uint32_t nargs)
{
    for (uint32_t i = 0; i < k->nspecs; i++)
        if (spec_is(k->specs[i], d, types, nargs)) {
            k->specs[i]->refs++;
            return k->specs[i];
        }
    return NULL;
}

static int spec_keep(NjKernelObject *k, NjKernelSpec *s)
{
    NjKernelSpec **specs = PyMem_Realloc(k->specs, (k->nspecs + 1) * sizeof *specs);
    if (!specs) {
        PyErr_NoMemory();
        return -1;
    }
    k->specs = specs;
    k->specs[k->nspecs++] = s;
    s->refs++;
    return 0;
}

static NjStatus spec_load_nogil(NjKernelSpec *s, const NjOpts *opts, NjImage *im, NjErr *err)
{
    double start = nj_clock();
    NjStatus st = s->dev->ops->load_nogil(s->dev, im, opts, s->nslots, &s->code, &s->asm_text, err);
    s->took.at[NJ_STAGE_load] = nj_clock() - start;
    if (st == NJ_OK) {
        s->excs = nj_cache_keep_excs(s->arena, im->excs, im->nexcs);
        s->nexcs = s->excs ? im->nexcs : 0;
    }
    return st;
}

/* False: nothing there, or nothing that can be loaded here. */
static bool spec_cached_nogil(NjKernelSpec *s, NjCacheUse *cache)
{
    NjImage im;
    NjErr err = {0};
    double start = nj_clock();
    bool found = nj_cache_find_nogil(cache, s->arena, &im);
    s->took.at[NJ_STAGE_key] += nj_clock() - start;
    if (!found)
        return false;
    NjStatus st = spec_load_nogil(s, cache->ask.opts, &im, &err);
    if (st != NJ_OK)
        nj_cache_reject_nogil(cache, &err);
    else if (im.owned_cubin)                 /* there was none, or this driver has refused it */
        s->took.at[NJ_STAGE_store] = nj_cache_store_nogil(cache, &im);
    nj_image_free(&im);
    return st == NJ_OK;
}

static NjStatus spec_code_nogil(NjKernelSpec *s, const NjUnit *u, NjCacheUse *cache, NjErr *err)
{
    NjText code;
    NjImage im;
    nj_text_init(&code);
    double start = nj_clock();
    NjStatus st = s->dev->ops->compile_nogil(s->dev, u, &code, err);
    s->took.at[NJ_STAGE_code] = nj_clock() - start;
    nj_image_of_unit(&im, u, code.at, code.n);
    if (st == NJ_OK)
        st = spec_load_nogil(s, &u->opts, &im, err);
    if (st == NJ_OK)
        s->took.at[NJ_STAGE_store] = nj_cache_store_nogil(cache, &im);
    nj_image_free(&im);
    nj_text_free(&code);
    return st;
}

/* Front end to text. */
static NjStatus spec_unit_nogil(const NjKernelSpec *s, const NjOpts *opts, NjUnit **out)
{
    NjUnit *u = *out = nj_unit_new(nj_ext_ctx(), s->dev->ops->target, opts);
    return u ? nj_unit_compile(u, NJ_ROOT_KERNEL, nj_snapshot_root(s->snap), s->types, s->nargs, NULL) : NJ_E_NOMEM;
}

static int spec_error(const NjUnit *u, NjStatus compiled, const NjErr *err)
{
    if (!u)
        PyErr_NoMemory();
    else if (compiled != NJ_OK)
        nj_error_from_unit(u, compiled);
    else
        nj_error_from_err(err);
    return -1;
}

/* From the cache, or compiled; into s. */
static int spec_compile(NjKernelObject *k, NjKernelSpec *s)
{
    const NjTarget *target = s->dev->ops->target;
    double start = nj_clock();
    s->snap = nj_snapshot_new(k->func, &k->opts, target->name);
    if (!s->snap)
        return -1;
    if (!(s->arena = nj_arena_new()))
        return PyErr_NoMemory(), -1;
    NjErr err = {0};
    NjCacheUse cache;
    NjStatus st = NJ_OK, compiled = NJ_OK;
    nj_cache_open(&cache, s->snap, target, s->dev, NJ_ROOT_KERNEL, &k->opts, s->types, s->nargs, NULL);
    s->took.at[NJ_STAGE_key] = nj_clock() - start;
    Py_BEGIN_ALLOW_THREADS
    const char *done = "loaded";
    if (!spec_cached_nogil(s, &cache)) {
        st = compiled = spec_unit_nogil(s, &k->opts, &s->unit);
        if (st == NJ_OK)
            st = spec_code_nogil(s, s->unit, &cache, &err);
        done = st == NJ_OK ? "compiled" : "refused";
    }
    nj_unit_log(s->unit, done, nj_snapshot_root(s->snap), s->types, s->nargs, target, &s->took);
    Py_END_ALLOW_THREADS
    nj_cache_close(&cache);
    return st == NJ_OK ? 0 : spec_error(s->unit, compiled, &err);
}

NjUnit *nj_kernel_spec_unit(NjKernelObject *k, NjKernelSpec *s)
{
    NjErr err = {0};
    NjUnit *u = NULL;
    NjStatus st;
    if (s->unit)
        return s->unit;
    Py_BEGIN_ALLOW_THREADS
    st = spec_unit_nogil(s, &k->opts, &u);
    Py_END_ALLOW_THREADS
    if (st != NJ_OK)
        spec_error(u, st, &err);
    else if (!s->unit) {                    /* unless another thread made it meanwhile */
        s->unit = u;
        u = NULL;
    }
    if (u)
        nj_unit_free(u);
    return st == NJ_OK ? s->unit : NULL;
}

static NjKernelSpec *spec_make(NjKernelObject *k, NjDevice *d, const NjType *const *types, uint32_t nargs)
{
    uint32_t generation = k->generation;
    NjKernelSpec *s = spec_new(d, types, nargs);
    if (s && spec_compile(k, s) == 0 && (k->generation != generation || spec_keep(k, s) == 0))
        return s;
    nj_kernel_spec_drop(s);
    return NULL;
}

/* Compiled now, unless another thread is at it: then it is waited for. */
static NjKernelSpec *spec_add(NjKernelObject *k, NjDevice *d, const NjType *const *types, uint32_t nargs)
{
    NjKernelSpec *s;
    NjFlight *flight = NULL;
    int mine = 0;
    while (!(s = spec_find(k, d, types, nargs)) && !(mine = nj_gate_enter(&k->gate, k->func, d, types, nargs, &flight)))
        ;
    if (s || mine < 0)
        return s;
    s = spec_make(k, d, types, nargs);
    nj_gate_leave(&k->gate, flight);
    return s;
}

/* With declared signatures the arguments are converted to the one that fits best. */
static const NjSig *declared_for(NjKernelObject *k, const NjType *const *types, uint32_t nargs)
{
    int i = nj_sig_choose(k->declared, k->ndeclared, types, nargs, true);
    if (i >= 0)
        return &k->declared[i];
    if (i == -2) {
        PyErr_Format(PyExc_TypeError, "ambiguous: several signatures of kernel %S fit these arguments equally well",
                     nj_kernel_name(k));
        return NULL;
    }
    PyObject *given = nj_pysig_new(NULL, types, nargs);
    if (given)
        PyErr_Format(PyExc_TypeError, "no signature of the kernel fits the arguments %S; it has %S", given, k->sigs);
    Py_XDECREF(given);
    return NULL;
}

NjKernelSpec *nj_kernel_spec(NjKernelObject *k, NjDevice *d, const NjType *const *types, uint32_t nargs)
{
    if (k->device) {
        PyErr_Format(PyExc_TypeError, "%S is a device function: kernels can call it, a launch cannot",
                     nj_kernel_name(k));
        return NULL;
    }
    NjKernelSpec *s = spec_find(k, d, types, nargs);
    if (!s && k->ndeclared) {
        const NjSig *sig = declared_for(k, types, nargs);
        if (sig)
            s = spec_find(k, d, sig->args, sig->nargs);
        if (sig && !s)
            s = spec_add(k, d, sig->args, sig->nargs);
    } else if (!s && k->closed) {
        PyErr_SetString(PyExc_RuntimeError, "compilation is disabled for this kernel");
    } else if (!s) {
        s = spec_add(k, d, types, nargs);
    }
    if (s && s->refs > 1)       /* only what the list keeps, too */
        k->last = s;
    return s;
}
