/* cudaapi.c - the cuda module's plain functions: devices, memory figures, PTX without a device, what was found
 * where. */
#include "cuda_ext.h"
#include "cache.h"

#include "cpu/cpu.h"
#include "cuda/cuda.h"

/* -- devices ---------------------------------------------------------------------------------------------------- */

static NjDevice *device_arg(PyObject *arg)
{
    NjErr err = {0};
    if (nj_devices_open(&err) != NJ_OK)
        return (NjDevice *)nj_error_from_err(&err);
    long i = PyLong_AsLong(arg);
    if (i == -1 && PyErr_Occurred())
        return NULL;
    NjDevice *d = nj_device_get((int)i);
    if (!d)
        PyErr_Format(PyExc_IndexError, "there is no device %ld: naja found %d", i, nj_device_count());
    return d;
}

static PyObject *api_set_sites(PyObject *self, PyObject *list)
{
    PyObject *t = PySequence_Tuple(list);
    if (!t)
        return NULL;
    Py_ssize_t n = PyTuple_GET_SIZE(t);
    char **sites = nj_calloc((size_t)n + 1, sizeof *sites);
    for (Py_ssize_t i = 0; sites && i < n; i++) {
        const char *s = PyUnicode_AsUTF8(PyTuple_GET_ITEM(t, i));
        if (!s) {
            Py_DECREF(t);
            return NULL;
        }
        sites[i] = strdup(s);
    }
    Py_DECREF(t);
    if (!sites)
        return PyErr_NoMemory();
    nj_device_set_sites(sites);      /* for the life of the process: threads may be reading the old list */
    Py_RETURN_NONE;
}

static PyObject *api_count(PyObject *self, PyObject *_)
{
    NjErr err = {0};
    if (nj_devices_open(&err) != NJ_OK)
        return nj_error_from_err(&err);
    return PyLong_FromLong(nj_device_count());
}

static PyObject *api_current(PyObject *self, PyObject *_)
{
    NjErr err = {0};
    NjDevice *d = nj_device_current(&err);
    return d ? PyLong_FromLong(d->info.ordinal) : nj_error_from_err(&err);
}

static PyObject *api_select(PyObject *self, PyObject *arg)
{
    NjDevice *d = device_arg(arg);
    if (!d)
        return NULL;
    NjErr err = {0};
    if (nj_device_select(d->info.ordinal, &err) != NJ_OK)
        return nj_error_from_err(&err);
    Py_RETURN_NONE;
}

static PyObject *api_info(PyObject *self, PyObject *arg)
{
    NjDevice *d = device_arg(arg);
    if (!d)
        return NULL;
    const NjDevInfo *i = &d->info;
    return Py_BuildValue("{s:s,s:s,s:i,s:(ii),s:n,s:i,s:(iii),s:(iii),s:i,s:i,s:i,s:s,s:y#}",
                         "kind", d->ops->kind, "name", i->name, "id", i->ordinal,
                         "compute_capability", i->major, i->minor, "total_memory", (Py_ssize_t)i->total_nbytes,
                         "MAX_THREADS_PER_BLOCK", i->max_threads_per_block,
                         "max_block", i->max_block[0], i->max_block[1], i->max_block[2],
                         "max_grid", i->max_grid[0], i->max_grid[1], i->max_grid[2],
                         "WARP_SIZE", i->warp_size, "MULTIPROCESSOR_COUNT", i->nsm,
                         "MAX_SHARED_MEMORY_PER_BLOCK", i->max_shared_nbytes, "pci_bus_id", i->pci_bus_id,
                         "uuid", (const char *)i->uuid, (Py_ssize_t)sizeof i->uuid);
}

static PyObject *api_attribute(PyObject *self, PyObject *args)
{
    int ordinal, value;
    const char *name;
    if (!PyArg_ParseTuple(args, "is:device_attribute", &ordinal, &name))
        return NULL;
    NjErr err = {0};
    NjDevice *d = nj_devices_open(&err) == NJ_OK ? nj_device_get(ordinal) : NULL;
    if (!d || d->ops->attribute(d, name, &value, &err) != NJ_OK)
        return PyErr_Format(PyExc_AttributeError, "%s", err.text[0] ? err.text : "no such device");
    return PyLong_FromLong(value);
}

static PyObject *api_synchronize(PyObject *self, PyObject *_)
{
    NjErr err = {0};
    NjDevice *d = nj_device_current(&err);
    if (!d)
        return nj_error_from_err(&err);
    NjStatus st;
    Py_BEGIN_ALLOW_THREADS
    st = d->ops->sync_nogil(d, &err);
    Py_END_ALLOW_THREADS
    if (st != NJ_OK)
        return nj_error_from_err(&err);
    Py_RETURN_NONE;
}

static PyObject *api_meminfo(PyObject *self, PyObject *_)
{
    NjErr err = {0};
    size_t avail, total;
    NjDevice *d = nj_device_current(&err);
    if (!d || d->ops->meminfo(d, &avail, &total, &err) != NJ_OK)
        return nj_error_from_err(&err);
    return Py_BuildValue("nn", (Py_ssize_t)avail, (Py_ssize_t)total);
}

static PyObject *api_why_cpu(PyObject *self, PyObject *_)
{
    return PyUnicode_FromString(nj_device_why_cpu());
}

/* -- PTX without a device ------------------------------------------------------------------------------------------ */

/* What is asked of cuda_ptx: a function, its types, an architecture. */
typedef struct PtxJob {
    NjSnapshot *snap;
    NjUnit *unit;
    NjCacheUse cache;
    NjKernelObject *k;
    const NjSig *want;
    NjText ptx;
    const NjType *ret;
    int cc;
    char suffix;
    NjErr err;
} PtxJob;

static NjRoot ptx_root(const PtxJob *j) { return j->k->device ? NJ_ROOT_DEVICE : NJ_ROOT_KERNEL; }
static const NjType *ptx_ret(const PtxJob *j) { return j->k->device ? j->want->ret : NULL; }

/* Front end to text. */
static NjStatus ptx_unit_nogil(PtxJob *j)
{
    j->unit = nj_unit_new(nj_ext_ctx(), nj_device_ptx_target(), &j->k->opts);
    return j->unit ? nj_unit_compile(j->unit, ptx_root(j), nj_snapshot_root(j->snap), j->want->args, j->want->nargs,
                                     ptx_ret(j))
                   : NJ_E_NOMEM;
}

static NjStatus ptx_code_nogil(PtxJob *j)
{
    NjImage im;
    NjStatus st = nj_device_ptx(j->unit, j->cc, j->suffix, &j->ptx, &j->err);
    const NjType *ret = j->unit->specs.at[0]->core->ret;
    j->ret = ret ? ret : nj_type_void(nj_ext_types());
    nj_image_of_unit(&im, j->unit, j->ptx.at, j->ptx.n);
    im.ret = j->ret;
    if (st == NJ_OK)
        nj_cache_store_nogil(&j->cache, &im);
    return st;
}

static bool ptx_find_nogil(PtxJob *j)
{
    NjArena *a = nj_arena_new();
    NjImage im;
    bool found = a && nj_cache_find_nogil(&j->cache, a, &im);
    if (found) {
        nj_text_put(&j->ptx, im.code, im.ncode);
        j->ret = im.ret;
        nj_image_free(&im);
    }
    nj_arena_free(a);
    return found;
}

static PyObject *ptx_result(PtxJob *j)
{
    PyObject *ret = nj_pytype_wrap(j->ret);
    PyObject *text = ret ? PyUnicode_DecodeUTF8(j->ptx.at, (Py_ssize_t)j->ptx.n, "replace") : NULL;
    if (text)
        return Py_BuildValue("NN", text, ret);
    Py_XDECREF(ret);
    return NULL;
}

/* The unit's error, or the one behind it. */
static PyObject *ptx_error(const PtxJob *j, NjStatus compiled)
{
    if (!j->unit)
        return PyErr_NoMemory();
    return compiled != NJ_OK ? nj_error_from_unit(j->unit, compiled) : nj_error_from_err(&j->err);
}

static void ptx_open(PtxJob *j)
{
    const NjOpts *o = &j->k->opts;
    nj_cache_open(&j->cache, j->snap, nj_device_ptx_target(), NULL, ptx_root(j), o, j->want->args, j->want->nargs,
                  ptx_ret(j));
    if (!j->cache.arena)
        return;
    uint32_t n = nj_cache_ptx_facts(j->cache.arena, j->cache.facts);
    j->cache.facts[n++] =
        (NjKeyFact){"architecture", nj_arena_printf(j->cache.arena, "compile_ptx %d %d", j->cc, j->suffix)};
    j->cache.ask.nfacts = n;
}

static PyObject *ptx_run(PtxJob *j, bool only_text)
{
    NjStatus st = NJ_OK, compiled = NJ_OK;
    bool found;
    if (!only_text)
        ptx_open(j);
    Py_BEGIN_ALLOW_THREADS
    found = !only_text && ptx_find_nogil(j);
    if (!found)
        st = compiled = ptx_unit_nogil(j);
    if (!found && st == NJ_OK && !only_text)
        st = ptx_code_nogil(j);
    Py_END_ALLOW_THREADS
    nj_cache_close(&j->cache);
    if (st != NJ_OK)
        return ptx_error(j, compiled);
    return only_text ? PyUnicode_DecodeUTF8(j->unit->llvm.at, (Py_ssize_t)j->unit->llvm.n, "replace") : ptx_result(j);
}

/* cuda_ptx(kernel, signature, cc, suffix, llvm_only) -> (ptx, result type) of a Kernel object (device or not) */
static PyObject *api_ptx(PyObject *self, PyObject *args)
{
    PtxJob j = {0};
    PyObject *sig;
    int suffix, only_text;
    if (!PyArg_ParseTuple(args, "O!OiCp:cuda_ptx", &NjKernel_Type, &j.k, &sig, &j.cc, &suffix, &only_text) ||
        !(sig = nj_pysig_get(sig)))
        return NULL;
    j.want = nj_pysig_sig(sig);
    j.suffix = suffix == ' ' ? 0 : (char)suffix;
    nj_text_init(&j.ptx);
    j.snap = nj_snapshot_new(j.k->func, &j.k->opts, nj_device_ptx_target()->name);
    PyObject *result = j.snap ? ptx_run(&j, only_text) : NULL;
    nj_text_free(&j.ptx);
    nj_unit_free(j.unit);
    nj_snapshot_free(j.snap);
    Py_DECREF(sig);
    return result;
}

static PyObject *api_ptxas(PyObject *self, PyObject *args)
{
    const char *ptx, *arch;
    Py_ssize_t n;
    if (!PyArg_ParseTuple(args, "s#s:ptxas", &ptx, &n, &arch))
        return NULL;
    NjText cubin;
    NjErr err = {0};
    NjStatus st;
    nj_text_init(&cubin);
    Py_BEGIN_ALLOW_THREADS
    st = nj_ptxas(nj_device_sites(), arch, ptx, (size_t)n, NULL, &cubin, NULL, &err);
    Py_END_ALLOW_THREADS
    PyObject *bytes = st == NJ_OK ? PyBytes_FromStringAndSize(cubin.at, (Py_ssize_t)cubin.n) : nj_error_from_err(&err);
    nj_text_free(&cubin);
    return bytes;
}

/* -- what was found where ------------------------------------------------------------------------------------------ */

static PyObject *api_found(PyObject *self, PyObject *_)
{
    PyObject *list = PyList_New(0);
    for (int p = 0; list && p < NJ_PART_COUNT; p++) {
        NjFound f;
        bool there = nj_find((NjPart)p, nj_device_sites(), &f);
        PyObject *row = Py_BuildValue("ssss", nj_find_part_name((NjPart)p), there ? f.path : "", there ? f.where : "",
                                      there ? f.version : "");
        if (!row || PyList_Append(list, row) < 0)
            Py_CLEAR(list);
        Py_XDECREF(row);
    }
    return list;
}

static PyObject *api_has_nvvm(PyObject *self, PyObject *_)
{
    return PyBool_FromLong(nj_cuda_has_nvvm(nj_device_sites()));
}

PyMethodDef nj_cudaapi_methods[] = {
    {"set_sites", api_set_sites, METH_O, "set_sites(folders): site-packages folders to look for NVIDIA's packages in"},
    {"device_count", api_count, METH_NOARGS, "how many devices there are; opens them"},
    {"device_current", api_current, METH_NOARGS, "ordinal of this thread's device"},
    {"device_select", api_select, METH_O, "device_select(ordinal): for this thread"},
    {"device_info", api_info, METH_O, "device_info(ordinal): dict"},
    {"device_attribute", api_attribute, METH_VARARGS, "device_attribute(ordinal, name)"},
    {"device_synchronize", api_synchronize, METH_NOARGS, "waits for this thread's device"},
    {"device_meminfo", api_meminfo, METH_NOARGS, "(free, total) bytes"},
    {"device_why_cpu", api_why_cpu, METH_NOARGS, "why the CPU device is used, as the driver's loader said it"},
    {"cuda_ptx", api_ptx, METH_VARARGS, "cuda_ptx(kernel, signature, cc, suffix, only_text) -> (ptx, result type)"},
    {"ptxas", api_ptxas, METH_VARARGS, "ptxas(ptx, arch) -> cubin"},
    {"toolkit_found", api_found, METH_NOARGS, "[(part, path, where, version)]"},
    {"has_nvvm", api_has_nvvm, METH_NOARGS, "is there a libNVVM?"},
    {0},
};
