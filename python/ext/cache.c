/* cache.c - the cache on disk at a dispatcher's miss: key, look-up, store; and what `python -m naja cache` asks for.
 *
 * In: a snapshot, types, options, a target. Out: an image that needs no compiler, or nothing. The facts that the key
 * needs of this machine and its libraries are gathered once a process, under the GIL, without loading any library. A
 * trouble of the cache is a warning, once.
 */
#include "cache.h"
#include "cuda_ext.h"
#include "disp.h"

#include "cpu/cpu.h"
#include "cuda/cuda.h"

#include <limits.h>

/* -- facts: made once, never freed ------------------------------------------------------------------------------- */

static const char *fact_naja(void)
{
    static NjText t;                          /* under the GIL, like those below */
    if (!t.n) {
        nj_text_str(&t, NJ_VERSION " ");
        nj_buildid_self(&t);
    }
    return t.at;
}

static const char *fact_llvm(void)
{
    static NjText t;
    if (!t.n)
        nj_cpu_llvm_identity(&t);
    return t.at;
}

static const char *fact_cpu(void)
{
    static NjText t;
    if (!t.n)
        nj_cpu_describe(&t);
    return t.at;
}

static const char *fact_part(NjPart part)
{
    static NjText at[2];                      /* libnvvm, libdevice */
    NjText *t = &at[part == NJ_PART_libdevice];
    NjFound *found = t->n ? NULL : PyMem_Malloc(sizeof *found);
    if (found && nj_find(part, nj_device_sites(), found))
        nj_buildid_file(t, found->path);
    if (found && !t->n)
        nj_text_str(t, "none");
    PyMem_Free(found);
    return t->at;
}

/* The level is a knob for kernels of the CPU device, and an option for the rest. */
uint32_t nj_cache_cpu_facts(NjArena *a, NjKeyFact *out)
{
    out[0] = (NjKeyFact){"version of naja", fact_naja()};
    out[1] = (NjKeyFact){"version of LLVM", fact_llvm()};
    out[2] = (NjKeyFact){"CPU and C library", fact_cpu()};
    out[3] = (NjKeyFact){"NAJA_OPT", nj_arena_printf(a, "%ld", nj_knobs()->opt)};
    out[4] = (NjKeyFact){"NAJA_SIMT_SPLIT", nj_knobs()->simt_split ? "1" : "0"};
    return 5;
}

uint32_t nj_cache_ptx_facts(NjArena *a, NjKeyFact *out)
{
    bool by_nvvm = nj_device_ptx_target()->typed_pointers;
    (void)a;
    out[0] = (NjKeyFact){"version of naja", fact_naja()};
    out[1] = by_nvvm ? (NjKeyFact){"version of libNVVM", fact_part(NJ_PART_libnvvm)}
                     : (NjKeyFact){"version of LLVM", fact_llvm()};
    out[2] = (NjKeyFact){"version of libdevice", fact_part(NJ_PART_libdevice)};
    return 3;
}

/* -- one use ------------------------------------------------------------------------------------------------------- */

static void use_ask(NjCacheUse *c, const NjSnapshot *snap, const NjTarget *target, NjDevice *dev, NjRoot root,
                    const NjOpts *opts,
                    const NjType *const *args, uint32_t nargs, const NjType *ret)
{
    c->ask = (NjKeyAsk){.root = root, .code = nj_snapshot_root(snap), .args = args, .nargs = nargs, .ret = ret,
                        .opts = opts,
                        .target = target, .facts = c->facts};
    c->ask.nfacts = dev ? dev->ops->facts(dev, c->arena, c->facts) : nj_cache_cpu_facts(c->arena, c->facts);
}

void nj_cache_open(NjCacheUse *c, const NjSnapshot *snap, const NjTarget *target, NjDevice *dev, NjRoot root,
                   const NjOpts *opts,
                   const NjType *const *args, uint32_t nargs, const NjType *ret)
{
    *c = (NjCacheUse){0};
    if (opts->nocache || !nj_cache_wanted(nj_snapshot_root(snap)->name) || !(c->arena = nj_arena_new()))
        return;
    use_ask(c, snap, target, dev, root, opts, args, nargs, ret);
    for (uint32_t i = 0; i < c->ask.nfacts; i++)
        if (!c->facts[i].text) {            /* no memory: a key without a version would be another version's, too */
            nj_arena_free(c->arena);
            c->arena = NULL;
            return;
        }
}

bool nj_cache_find_nogil(NjCacheUse *c, NjArena *a, NjImage *out)
{
    *out = (NjImage){0};
    if (c->arena && nj_key_make(c->arena, &c->ask, &c->key) == NJ_OK)
        return nj_cache_find(&c->key, nj_ext_types(), a, out);
    nj_arena_free(c->arena);
    c->arena = NULL;
    return false;
}

double nj_cache_store_nogil(NjCacheUse *c, const NjImage *im)
{
    double start = nj_clock();
    if (!c->arena)
        return 0;
    nj_cache_store(&c->key, nj_ext_types(), im);
    return nj_clock() - start;
}

void nj_cache_reject_nogil(NjCacheUse *c, const NjErr *why)
{
    nj_log(1, "what the cache had for %s cannot be loaded: %s", c->ask.code->qualname, why->text);
    nj_cache_reject(&c->key);
}

/* A warning made an error by the user is shown, but does not undo a compilation. */
static void use_warn(void)
{
    const char *text = nj_cache_complaint();
    PyObject *was = text ? nj_exc_take() : NULL, *warn = text ? nj_ext_import("naja.options", "warn_once") : NULL;
    PyObject *done = warn ? PyObject_CallFunction(warn, "sN", "cache", PyUnicode_DecodeFSDefault(text)) : NULL;
    if (text && !done)
        PyErr_WriteUnraisable(NULL);
    Py_XDECREF(done);
    Py_XDECREF(warn);
    if (was)
        nj_exc_put(was);
}

void nj_cache_close(NjCacheUse *c)
{
    nj_arena_free(c->arena);
    c->arena = NULL;
    use_warn();
}

/* -- exceptions that outlive a unit -------------------------------------------------------------------------------- */

static const NjConst *const *keep_consts(NjArena *a, const NjConst *const *at, uint32_t n);

/* Constants that exceptions are raised with; texts of literals are the snapshot's, but folded ones are the unit's. */
static const NjConst *keep_const(NjArena *a, const NjConst *k)
{
    NjConst *c = nj_arena_copy(a, k, sizeof *k);
    if (c && (k->kind == NJ_C_STR || k->kind == NJ_C_BIGINT))
        c->str.text = nj_arena_copy(a, k->str.text, k->str.n + 1);
    if (c && k->kind == NJ_C_TUPLE)
        c->tuple.at = keep_consts(a, k->tuple.at, k->tuple.n);
    return c;
}

static const NjConst *const *keep_consts(NjArena *a, const NjConst *const *at, uint32_t n)
{
    const NjConst **out = NJ_NEWN(a, const NjConst *, n + 1);
    for (uint32_t i = 0; i < n; i++)
        out[i] = keep_const(a, at[i]);
    return out;
}

NjExc *nj_cache_keep_excs(NjArena *a, const NjExc *excs, uint32_t n)
{
    NjExc *out = n ? nj_arena_copy(a, excs, n * sizeof *excs) : NULL;
    for (uint32_t i = 0; out && i < n; i++) {
        NjExc *e = &out[i];
        e->exc = e->exc ? nj_arena_str(a, e->exc) : NULL;
        e->text = e->text ? nj_arena_str(a, e->text) : NULL;
        e->args = e->nargs ? keep_consts(a, e->args, e->nargs) : NULL;
        e->file = e->file ? nj_arena_str(a, e->file) : NULL;
        e->func = e->func ? nj_arena_str(a, e->func) : NULL;
    }
    return out;
}

/* -- what Python asks ---------------------------------------------------------------------------------------------- */

static PyObject *cache_stats(PyObject *module, PyObject *unused)
{
    NjCacheStats s = nj_cache_stats();
    return Py_BuildValue("{s:K,s:K,s:K,s:K,s:K,s:K}", "hits", s.hits, "misses", s.misses, "stores", s.stores,
                         "rejected", s.rejected,
                         "evicted", s.evicted, "failed", s.failed);
}

static PyObject *cache_folder(PyObject *module, PyObject *unused)
{
    char path[PATH_MAX];
    if (nj_cache_path(path, sizeof path))
        return PyUnicode_DecodeFSDefault(path);
    return PyErr_Format(PyExc_OSError, "the path of the cache is too long");
}

static PyObject *cache_trouble(PyObject *module, PyObject *unused)
{
    const char *text = nj_cache_complaint();
    return text ? PyUnicode_DecodeFSDefault(text) : Py_NewRef(Py_None);
}

PyObject *nj_cache_path_object(void)
{
    char path[PATH_MAX];
    if (!nj_cache_on() || !nj_cache_path(path, sizeof path))
        Py_RETURN_NONE;
    return PyUnicode_DecodeFSDefault(path);
}

static PyObject *cache_path(PyObject *module, PyObject *unused)
{
    return nj_cache_path_object();
}

static PyObject *text_of(const char *s)
{
    return PyUnicode_DecodeUTF8(s, (Py_ssize_t)strlen(s), "replace");
}

static int parts_add(PyObject *list, const char *name, uint64_t digest, const char *text)
{
    PyObject *row = Py_BuildValue("(NKN)", text_of(name), (unsigned long long)digest, text_of(text));
    int rc = row ? PyList_Append(list, row) : -1;
    Py_XDECREF(row);
    return rc;
}

/* [(name, digest, what it is in a few words), ...] */
static PyObject *parts_of(const void *bytes, size_t n, NjArena *a)
{
    uint32_t count = nj_entry_why(bytes, n, a, NULL, 0);
    NjEntryWhy *why = NJ_NEWN(a, NjEntryWhy, count + 1);
    PyObject *list = why ? PyList_New(0) : PyErr_NoMemory();
    count = list ? nj_entry_why(bytes, n, a, why, count) : 0;
    for (uint32_t i = 0; list && i < count; i++)
        if (parts_add(list, why[i].name, why[i].digest, why[i].text) < 0)
            Py_CLEAR(list);
    return list;
}

static PyObject *entry_dict(const NjCacheFile *f, const void *bytes, size_t n)
{
    NjArena *a = nj_arena_new();
    NjEntryInfo i;
    PyObject *d = NULL;
    double used = (double)f->used + f->used_nsec * 1e-9;
    if (!a)
        PyErr_NoMemory();
    else if (!nj_entry_check(bytes, n, NULL) || !nj_entry_info(bytes, n, a, &i))
        d = Py_BuildValue("{s:O,s:O,s:s,s:s,s:K,s:d}", "ok", Py_False,
                          "foreign", nj_entry_is_foreign(bytes, n) ? Py_True : Py_False, "dir", f->sub, "file", f->name,
                          "bytes", f->nbytes, "used", used);
    else
        d = Py_BuildValue("{s:O,s:s,s:s,s:K,s:d,s:N,s:N,s:N,s:N,s:I,s:N,s:N,s:s,s:K,s:K,s:N}",
                          "ok", Py_True, "dir", f->sub, "file", f->name, "bytes", f->nbytes, "used", used,
                          "name", text_of(i.name), "qualname", text_of(i.qualname), "module", text_of(i.module),
                          "source", text_of(i.file), "line", i.line, "signature", text_of(i.signature),
                          "target", text_of(i.target), "code", i.native ? "native" : "PTX",
                          "code_bytes", (unsigned long long)i.ncode, "cubin_bytes", (unsigned long long)i.ncubin,
                          "parts", parts_of(bytes, n, a));
    nj_arena_free(a);
    return d;
}

static bool list_one(void *arg, const NjCacheFile *f)
{
    PyObject *list = arg, *d;
    void *bytes;
    size_t n;
    if (!f->is_entry)
        return true;
    if (nj_cache_file_read(f, &bytes, &n)) {
        d = entry_dict(f, bytes, n);
        nj_free(bytes);
    } else {
        d = entry_dict(f, "", 0);
    }
    int rc = d ? PyList_Append(list, d) : -1;
    Py_XDECREF(d);
    return rc == 0;
}

/* Every entry, checked. What is damaged has 'ok' False; what a naja with another layout wrote, too, and 'foreign'. */
static PyObject *cache_list(PyObject *module, PyObject *unused)
{
    PyObject *list = PyList_New(0);
    if (list)
        nj_cache_each(list_one, list);
    if (PyErr_Occurred())
        Py_CLEAR(list);
    return list;
}

static PyObject *cache_pause(PyObject *module, PyObject *unused)
{
    nj_cache_pause();
    Py_RETURN_NONE;
}

static PyObject *cache_clear(PyObject *module, PyObject *unused)
{
    return PyLong_FromUnsignedLongLong(nj_cache_clear());
}

static PyObject *key_parts(NjCacheUse *c)
{
    PyObject *list = nj_key_make(c->arena, &c->ask, &c->key) == NJ_OK ? PyList_New(0) : PyErr_NoMemory();
    for (uint32_t i = 0; list && i < c->key.parts.n; i++) {
        const NjKeyPart *p = &c->key.parts.at[i];
        uint64_t digest = 0;
        NjText t;
        nj_text_init(&t);
        nj_key_part_text(p, &t);
        for (unsigned k = 8; k--;)
            digest = digest << 8 | p->digest[k];
        if (parts_add(list, p->name, digest, t.at ? t.at : "") < 0)
            Py_CLEAR(list);
        nj_text_free(&t);
    }
    return list;
}

static PyObject *parts_now(PyObject *func, const NjSig *want, NjRoot root)
{
    static const NjOpts plain = {.opt = 3};
    NjDispInfo info = {.func = func, .opts = plain};
    PyObject *list = NULL;
    if (!nj_disp_info(func, &info))
        (void)nj_ufunc_info(func, &info);
    if (root == NJ_ROOT_UFUNC)
        info.opts.opt = (uint8_t)nj_knobs()->opt;
    NjErr err = {0};
    NjDevice *dev = root == NJ_ROOT_KERNEL ? nj_device_current(&err) : NULL;
    if (root == NJ_ROOT_KERNEL && !dev)
        return nj_error_from_err(&err);
    const NjTarget *target = dev ? dev->ops->target : &nj_cpu_target;
    NjSnapshot *snap = nj_snapshot_new(info.func, &info.opts, target->name);       /* as a compilation does */
    NjCacheUse c = {.arena = snap ? nj_arena_new() : NULL};
    if (c.arena) {
        use_ask(&c, snap, target, dev, root, &info.opts, want->args, want->nargs, want->ret);
        list = key_parts(&c);
    }
    nj_arena_free(c.arena);
    nj_snapshot_free(snap);
    return list;
}

/* The parts of the key that it would have now: as a function for the CPU, a loop of a ufunc, a kernel of the current
 * device. */
static PyObject *cache_parts(PyObject *module, PyObject *args)
{
    static const struct { const char *name; NjRoot root; } kinds[] = {
        {"function", NJ_ROOT_FUNC}, {"ufunc", NJ_ROOT_UFUNC}, {"kernel", NJ_ROOT_KERNEL},
    };
    PyObject *func, *sig;
    const char *kind = "function";
    if (!PyArg_ParseTuple(args, "OO|s:cache_parts", &func, &sig, &kind))
        return NULL;
    size_t i = 0;
    while (i < NJ_COUNT(kinds) && strcmp(kinds[i].name, kind))
        i++;
    if (i == NJ_COUNT(kinds))
        return PyErr_Format(PyExc_ValueError, "cache_parts: '%s' is none of function, ufunc, kernel", kind);
    if (!(sig = nj_pysig_get(sig)))
        return NULL;
    PyObject *list = parts_now(func, nj_pysig_sig(sig), kinds[i].root);
    Py_DECREF(sig);
    return list;
}

PyMethodDef nj_cache_methods[] = {
    {"cache_stats", cache_stats, METH_NOARGS, "cache_stats(): hits, misses, stores, ... of this process."},
    {"cache_path", cache_path, METH_NOARGS, "cache_path(): the folder, or None when the cache is off."},
    {"cache_list", cache_list, METH_NOARGS, "cache_list(): every entry as a dict."},
    {"cache_clear", cache_clear, METH_NOARGS, "cache_clear(): removes all entries; how many."},
    {"cache_parts", cache_parts, METH_VARARGS,
     "cache_parts(function, signature, kind='function'): [(name, digest, text), ...], the parts of its key now; kind\n"
     "is function, ufunc or kernel."},
    {"cache_pause", cache_pause, METH_NOARGS,
     "cache_pause(): from now on this process neither reads nor keeps entries."},
    {"cache_folder", cache_folder, METH_NOARGS, "cache_folder(): the folder, in use or not."},
    {"cache_trouble", cache_trouble, METH_NOARGS,
     "cache_trouble(): why the folder was not used, once; or None."},
    {0},
};
