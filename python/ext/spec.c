/* spec.c - compiles a function for tuples of types and loads it: snapshot -> unit -> LLVM -> code in memory.
 *
 * Only the snapshot needs the GIL; everything after runs without it, several signatures side by side on the pool.
 * What a later call can ask for is copied out of the unit, which is then freed: types, exceptions, and the snapshot
 * that keeps Python objects alive.
 */
#include "spec.h"
#include "cache.h"
#include "snapshot.h"

/* -- lifetime -------------------------------------------------------------------------------------- */

NjPySpec *nj_spec_retain(NjPySpec *s)
{
    s->refs++;
    return s;
}

void nj_spec_release(NjPySpec *s)
{
    if (!s || --s->refs)
        return;
    nj_cpu_code_release(s->code);
    nj_snapshot_free(s->snap);
    nj_arena_free(s->arena);
}

/* With more than one reference a call is running it, and none of this is garbage anyway. */
int nj_spec_traverse(const NjPySpec *s, visitproc visit, void *arg)
{
    if (s->refs == 1 && s->snap)
        Py_VISIT(s->snap->keep);
    return 0;
}

bool nj_spec_is(const NjPySpec *s, const NjType *const *args, uint32_t nargs)
{
    return s->nargs == nargs && (!nargs || !memcmp(s->args, args, nargs * sizeof *args));
}

static NjPySpec *spec_new(const NjOpts *opts, NjRoot root, const NjType *const *args, uint32_t nargs, const NjType *ret)
{
    NjArena *a = nj_arena_new();
    if (!a)
        return NULL;
    NjPySpec *s = NJ_NEW(a, NjPySpec);
    *s = (NjPySpec){.refs = 1, .arena = a, .nargs = nargs, .declared = ret, .root = root, .opts = *opts};
    s->args = NJ_NEWN(a, const NjType *, nargs + 1);
    s->plan = NJ_NEWN(a, NjArgPlan, nargs + 1);
    if (!s->args || !s->plan || nj_arena_failed(a)) {
        nj_arena_free(a);
        return NULL;
    }
    for (uint32_t i = 0; i < nargs; i++) {
        s->args[i] = args[i];
        nj_plan_arg(&s->plan[i], args[i], NJ_ABI_CPU);
        s->nslots += s->plan[i].nslots;
    }
    return s;
}

/* -- compiling ---------------------------------------------------------------------------------------- */

/* What outlives the unit, or the cache's bytes. */
static void spec_keep(NjPySpec *s, const NjImage *im)
{
    s->ret = im->ret;
    s->nret = nj_type_parts(nj_ext_types(), s->ret, NJ_ABI_CPU, NULL, 0);
    s->straight = im->straight;
    s->excs = nj_cache_keep_excs(s->arena, im->excs, im->nexcs);
    s->nexcs = s->excs ? im->nexcs : 0;
}

static NjStatus spec_load_nogil(NjPySpec *s, const NjImage *im, NjErr *err)
{
    double start = nj_clock();
    NjStatus st = nj_cpu_code_load(im->code, im->ncode, im->entry, NULL, NULL, &s->code, err);
    if (st == NJ_OK && !(s->entry = nj_cpu_code_find(s->code, im->entry))) {
        nj_cpu_code_release(s->code);
        s->code = NULL;
        st = nj_err_set(err, NJ_E_BUG, 0, "the compiled object has no symbol '%s'", im->entry);
    }
    if (st == NJ_OK)
        spec_keep(s, im);
    s->took.at[NJ_STAGE_load] = nj_clock() - start;
    return st;
}

/* Object code of a unit: loaded, and kept for the next process. */
static NjStatus spec_native_nogil(NjPySpec *s, const NjUnit *u, NjCacheUse *cache, NjErr *err)
{
    NjText obj;
    NjImage im;
    nj_text_init(&obj);
    NjLlvmOptions o = {.opt = u->opts.opt, .verify = nj_knobs()->check > 0};
    nj_cpu_llvm_dump(u->specs.at[0]->symbol, u->llvm.at, u->llvm.n, &o);
    double start = nj_clock();
    NjStatus st = nj_cpu_llvm_compile(NJ_LLVM_OBJECT, u->llvm.at, u->llvm.n, &o, &obj, err);
    s->took.at[NJ_STAGE_code] = nj_clock() - start;
    nj_image_of_unit(&im, u, obj.at, obj.n);
    if (st == NJ_OK)
        st = spec_load_nogil(s, &im, err);
    if (st == NJ_OK)
        s->took.at[NJ_STAGE_store] = nj_cache_store_nogil(cache, &im);
    nj_text_free(&obj);
    return st;
}

/* False: nothing there, or nothing that can be loaded here. */
static bool spec_find_nogil(NjPySpec *s, NjCacheUse *cache)
{
    NjImage im;
    NjErr err = {0};
    double start = nj_clock();
    bool found = nj_cache_find_nogil(cache, s->arena, &im);
    s->took.at[NJ_STAGE_key] += nj_clock() - start;
    if (!found)
        return false;
    s->cached = spec_load_nogil(s, &im, &err) == NJ_OK;
    if (!s->cached)
        nj_cache_reject_nogil(cache, &err);
    else
        nj_unit_log(NULL, "loaded", nj_snapshot_root(s->snap), s->args, s->nargs, &nj_cpu_target, &s->took);
    nj_image_free(&im);
    return s->cached;
}

/* Results that have no Python object: said now, and not after the function has run. */
static NjStatus spec_check_result(const NjPySpec *s)
{
    if (nj_marshal_can_result(s->ret))
        return NJ_OK;
    PyObject *cls = nj_ext_import("naja.errors", "TypingError");
    if (cls)
        PyErr_Format(cls, "%s returns a value of type %s, which compiled code cannot hand to Python",
                     nj_snapshot_root(s->snap)->name, s->ret->name);
    Py_XDECREF(cls);
    return NJ_E_USER;
}

/* One specialisation to be made: begun and ended with the GIL, looked for and compiled without it. */
typedef struct Job {
    NjPySpec *s;
    NjCacheUse cache;
    NjUnit *u;                    /* NULL after a hit */
    NjStatus st;
    bool own_err;                 /* the message is in err, not in the unit */
    NjErr err;
} Job;

static bool job_begin(Job *j, PyObject *func, const NjOpts *opts, NjRoot root, const NjSig *sig)
{
    double start = nj_clock();
    NjPySpec *s = spec_new(opts, root, sig->args, sig->nargs, sig->ret);
    *j = (Job){.s = s};
    if (s)
        s->snap = nj_snapshot_new(func, opts, nj_cpu_target.name);
    if (s && s->snap)
        nj_cache_open(&j->cache, s->snap, &nj_cpu_target, NULL, root, &s->opts, s->args, s->nargs, s->declared);
    else if (!PyErr_Occurred())
        PyErr_NoMemory();
    if (s)
        s->took.at[NJ_STAGE_key] = nj_clock() - start;
    return s && s->snap;
}

static void job_compile_nogil(Job *j)
{
    NjPySpec *s = j->s;
    j->u = nj_unit_new(nj_ext_ctx(), &nj_cpu_target, &s->opts);
    j->st = j->u ? nj_unit_compile(j->u, s->root, nj_snapshot_root(s->snap), s->args, s->nargs, s->declared)
                 : nj_err_set(&j->err, NJ_E_NOMEM, 0, "out of memory while compiling");
    j->own_err = !j->u || j->st == NJ_OK;
    if (j->st == NJ_OK)
        j->st = spec_native_nogil(s, j->u, &j->cache, &j->err);
    if (j->u)
        nj_unit_log(j->u, j->st ? "refused" : "compiled", nj_snapshot_root(s->snap), s->args, s->nargs, &nj_cpu_target,
                    &s->took);
}

static int32_t jobs_compile_nogil(void *arg, size_t lo, size_t hi, uint32_t slot)
{
    Job **missed = arg;
    for (size_t i = lo; i < hi; i++)
        job_compile_nogil(missed[i]);
    return 0;
}

/* What the cache has is there in no time; only the rest is worth threads. */
static void jobs_run_nogil(Job *jobs, Job **missed, uint32_t n)
{
    uint32_t nmissed = 0;
    for (uint32_t i = 0; i < n; i++)
        if (!spec_find_nogil(jobs[i].s, &jobs[i].cache))
            missed[nmissed++] = &jobs[i];
    nj_pool_for(nmissed > 1 ? nj_pool_get() : NULL, nmissed, 1, jobs_compile_nogil, missed);
}

/* The specialisation, or NULL with an exception; the one of an earlier job stays. */
static NjPySpec *job_end(Job *j, bool ran)
{
    bool ok = ran && j->st == NJ_OK && !PyErr_Occurred();
    nj_cache_close(&j->cache);
    if (ok)
        ok = spec_check_result(j->s) == NJ_OK;
    else if (ran && j->st != NJ_OK && !PyErr_Occurred())
        j->own_err ? nj_error_from_err(&j->err) : nj_error_from_unit(j->u, j->st);
    nj_unit_free(j->u);
    if (ok)
        return j->s;
    nj_spec_release(j->s);
    return NULL;
}

int nj_spec_compile_many(PyObject *func, const NjOpts *opts, NjRoot root, const NjSig *sigs, uint32_t n, NjPySpec **out)
{
    Job *jobs = PyMem_Calloc(n + 1, sizeof *jobs), **missed = PyMem_Calloc(n + 1, sizeof *missed);
    bool ok = jobs && missed;
    if (!ok)
        PyErr_NoMemory();
    for (uint32_t i = 0; ok && i < n; i++)
        ok = job_begin(&jobs[i], func, opts, root, &sigs[i]);
    if (ok) {
        Py_BEGIN_ALLOW_THREADS
        jobs_run_nogil(jobs, missed, n);
        Py_END_ALLOW_THREADS
    }
    for (uint32_t i = 0; i < n; i++)
        out[i] = jobs ? job_end(&jobs[i], ok) : NULL;
    PyMem_Free(jobs);
    PyMem_Free(missed);
    if (!PyErr_Occurred())
        return 0;
    for (uint32_t i = 0; i < n; i++)
        nj_spec_release(out[i]);
    return -1;
}

NjPySpec *nj_spec_compile(PyObject *func, const NjOpts *opts, NjRoot root, const NjType *const *args, uint32_t nargs,
                          const NjType *ret)
{
    NjSig sig = {.ret = ret, .args = (const NjType **)(uintptr_t)args, .nargs = nargs};
    NjPySpec *s = NULL;
    return nj_spec_compile_many(func, opts, root, &sig, 1, &s) == 0 ? s : NULL;
}

/* -- running --------------------------------------------------------------------------------------------- */

PyObject *nj_spec_raise(const NjPySpec *s, int32_t status)
{
    if (status < 1 || (uint32_t)status > s->nexcs)
        return PyErr_Format(PyExc_RuntimeError, "compiled code returned the unknown status %d", (int)status);
    return nj_error_raise(&s->excs[status - 1], s->snap);
}

static int32_t spec_enter(const NjPySpec *s, const uint64_t *slots, uint64_t *ret)
{
    NjEntry entry = (NjEntry)s->entry;
    int32_t status;
    if (!s->nogil)
        return entry(slots, ret);
    Py_BEGIN_ALLOW_THREADS
    status = entry(slots, ret);
    Py_END_ALLOW_THREADS
    return status;
}

static PyObject *spec_result(const NjPySpec *s, const uint64_t *ret, PyObject *const *args, Py_ssize_t nargs)
{
    const NjType *t = s->ret;
    if (t->kind == NJ_K_INT && t->bits == 64)
        return PyLong_FromLongLong((long long)ret[0]);
    if (t->kind == NJ_K_FLOAT && t->bits == 64) {
        double x;
        memcpy(&x, ret, sizeof x);
        return PyFloat_FromDouble(x);
    }
    return nj_marshal_result(t, ret, args, nargs);
}

static PyObject *spec_run_large(NjPySpec *s, const uint64_t *slots, PyObject *const *args, Py_ssize_t nargs)
{
    uint64_t *ret = PyMem_Calloc(s->nret + 1, sizeof *ret);
    if (!ret)
        return PyErr_NoMemory();
    int32_t status = spec_enter(s, slots, ret);
    PyObject *r = status ? nj_spec_raise(s, status) : spec_result(s, ret, args, nargs);
    PyMem_Free(ret);
    return r;
}

PyObject *nj_spec_run(NjPySpec *s, const uint64_t *slots, PyObject *const *args, Py_ssize_t nargs)
{
    uint64_t ret[NJ_SPEC_SLOTS];
    if (s->nret > NJ_SPEC_SLOTS)
        return spec_run_large(s, slots, args, nargs);
    int32_t status = spec_enter(s, slots, ret);
    return status ? nj_spec_raise(s, status) : spec_result(s, ret, args, nargs);
}

/* -- looking inside ------------------------------------------------------------------------------------- */

static void view_types(NjText *out, const NjUnit *u)
{
    for (uint32_t i = 0; i < u->specs.n; i++)
        if (u->specs.at[i]->py) {
            nj_text_str(out, i ? "\n" : "");
            nj_ir_print(out, u->specs.at[i]->py);
        }
}

/* own_err: the message is in err, not in the unit. */
static NjStatus view_make_nogil(const NjPySpec *s, NjUnit *u, NjView what, NjText *out, bool *own_err, NjErr *err)
{
    const NjCode *code = nj_snapshot_root(s->snap);
    NjStatus st = what == NJ_VIEW_TYPES ? nj_unit_infer(u, code, s->args, s->nargs, s->declared)
                                        : nj_unit_compile(u, s->root, code, s->args, s->nargs, s->declared);
    *own_err = st == NJ_OK;
    if (st == NJ_OK && what == NJ_VIEW_TYPES)
        view_types(out, u);
    else if (st == NJ_OK && what == NJ_VIEW_TEXT)
        nj_text_put(out, u->llvm.at, u->llvm.n);
    else if (st == NJ_OK) {
        NjLlvmOptions o = {.opt = u->opts.opt};
        st = nj_cpu_llvm_compile(what == NJ_VIEW_LLVM ? NJ_LLVM_IR : NJ_LLVM_ASM, u->llvm.at, u->llvm.n, &o, out, err);
    }
    return st;
}

PyObject *nj_spec_view(const NjPySpec *s, NjView what)
{
    NjUnit *u = nj_unit_new(nj_ext_ctx(), &nj_cpu_target, &s->opts);
    NjText out;
    NjErr err = {0};
    bool own_err = false;
    NjStatus st;
    PyObject *r = NULL;
    if (!u)
        return PyErr_NoMemory();
    nj_text_init(&out);
    Py_BEGIN_ALLOW_THREADS
    st = view_make_nogil(s, u, what, &out, &own_err, &err);
    Py_END_ALLOW_THREADS
    if (st == NJ_OK && !out.failed)
        r = PyUnicode_DecodeUTF8(out.at, (Py_ssize_t)out.n, "replace");
    else if (st == NJ_OK)
        PyErr_NoMemory();
    else
        own_err ? nj_error_from_err(&err) : nj_error_from_unit(u, st);
    nj_text_free(&out);
    nj_unit_free(u);
    return r;
}
