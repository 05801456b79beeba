/* kernel.c - the object behind @cuda.jit: a Python function and its specialisations for devices.
 *
 * A specialisation is one tuple of argument types on one device: snapshot with the GIL, compiled and loaded without it.
 * specs is only touched with the GIL; of two threads that miss together one compiles, and the other waits for the
 * kernel's lock without the GIL. naja/cuda/dispatcher.py adds what is not hot.
 */
#include "cuda_ext.h"
#include "cache.h"

#include <structmember.h>

PyTypeObject NjKernel_Type;

/* For messages; borrowed. */
static PyObject *kernel_name(const NjKernelObject *k)
{
    return PyFunction_Check(k->func) ? ((PyFunctionObject *)k->func)->func_qualname : k->func;
}

/* -- specialisations -------------------------------------------------------------------------------------------- */

static void spec_free(NjKernelSpec *s)
{
    if (!s)
        return;
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
    if (s->types && nargs)
        memcpy(s->types, types, nargs * sizeof *types);
    if (!s->types || !s->runs || spec_plan(s) < 0) {
        spec_free(s);
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
        if (spec_is(k->specs[i], d, types, nargs))
            return k->specs[i];
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
    return 0;
}

static NjStatus spec_load_nogil(NjKernelSpec *s, const NjOpts *opts, const NjImage *im, NjErr *err)
{
    NjStatus st = s->dev->ops->load_nogil(s->dev, im, opts, s->nslots, &s->code, &s->asm_text, err);
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
    if (!nj_cache_find_nogil(cache, s->arena, &im))
        return false;
    NjStatus st = spec_load_nogil(s, cache->ask.opts, &im, &err);
    if (st != NJ_OK)
        nj_cache_reject_nogil(cache, &err);
    nj_image_free(&im);
    return st == NJ_OK;
}

static NjStatus spec_code_nogil(NjKernelSpec *s, const NjUnit *u, NjCacheUse *cache, NjErr *err)
{
    NjText code;
    NjImage im;
    nj_text_init(&code);
    NjStatus st = s->dev->ops->compile_nogil(s->dev, u, &code, err);
    nj_image_of_unit(&im, u, code.at, code.n);
    if (st == NJ_OK)
        st = spec_load_nogil(s, &u->opts, &im, err);
    if (st == NJ_OK)
        nj_cache_store_nogil(cache, &im);
    nj_text_free(&code);
    return st;
}

/* Front end to text. */
static NjStatus spec_unit_nogil(NjKernelSpec *s, const NjOpts *opts)
{
    s->unit = nj_unit_new(nj_ext_ctx(), s->dev->ops->target, opts);
    return s->unit ? nj_unit_compile(s->unit, NJ_ROOT_KERNEL, nj_snapshot_root(s->snap), s->types, s->nargs, NULL)
                   : NJ_E_NOMEM;
}

static int spec_error(NjKernelSpec *s, NjStatus compiled, const NjErr *err)
{
    if (!s->unit)
        PyErr_NoMemory();
    else if (compiled != NJ_OK)
        nj_error_from_unit(s->unit, compiled);
    else
        nj_error_from_err(err);
    return -1;
}

/* From the cache, or compiled; into s. */
static int spec_compile(NjKernelObject *k, NjKernelSpec *s)
{
    const NjTarget *target = s->dev->ops->target;
    s->snap = nj_snapshot_new(k->func, &k->opts, target->name);
    if (!s->snap)
        return -1;
    if (!(s->arena = nj_arena_new()))
        return PyErr_NoMemory(), -1;
    NjErr err = {0};
    NjCacheUse cache;
    NjStatus st = NJ_OK, compiled = NJ_OK;
    double start;
    nj_cache_open(&cache, s->snap, target, s->dev, NJ_ROOT_KERNEL, &k->opts, s->types, s->nargs, NULL);
    Py_BEGIN_ALLOW_THREADS
    if (!spec_cached_nogil(s, &cache)) {
        st = compiled = spec_unit_nogil(s, &k->opts);
        start = nj_clock();
        if (st == NJ_OK)
            st = spec_code_nogil(s, s->unit, &cache, &err);
        nj_unit_log(s->unit, st, nj_clock() - start);
    }
    Py_END_ALLOW_THREADS
    nj_cache_close(&cache);
    return st == NJ_OK ? 0 : spec_error(s, compiled, &err);
}

/* The unit of a specialisation that came from the cache is made when its text is asked for. */
static NjUnit *spec_unit(NjKernelObject *k, NjKernelSpec *s)
{
    NjErr err = {0};
    NjStatus st = NJ_OK;
    if (!s->unit) {
        Py_BEGIN_ALLOW_THREADS
        st = spec_unit_nogil(s, &k->opts);
        Py_END_ALLOW_THREADS
    }
    if (st == NJ_OK)
        return s->unit;
    spec_error(s, st, &err);
    nj_unit_free(s->unit);
    s->unit = NULL;
    return NULL;
}

static NjKernelSpec *spec_make(NjKernelObject *k, NjDevice *d, const NjType *const *types, uint32_t nargs)
{
    NjKernelSpec *s = spec_new(d, types, nargs);
    if (s && spec_compile(k, s) == 0 && spec_keep(k, s) == 0)
        return s;
    spec_free(s);
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
                     kernel_name(k));
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
        PyErr_Format(PyExc_TypeError, "%S is a device function: kernels can call it, a launch cannot", kernel_name(k));
        return NULL;
    }
    NjKernelSpec *s = k->last && spec_is(k->last, d, types, nargs) ? k->last : spec_find(k, d, types, nargs);
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
    if (s)
        k->last = s;
    return s;
}

/* -- construction ---------------------------------------------------------------------------------------------- */

static int take_declared(NjKernelObject *k)
{
    Py_ssize_t n = PyList_GET_SIZE(k->sigs);
    k->declared = PyMem_Calloc((size_t)n + 1, sizeof *k->declared);
    if (!k->declared) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < n; i++)
        k->declared[k->ndeclared++] = *nj_pysig_sig(PyList_GET_ITEM(k->sigs, i));
    return 0;
}

static int take_bounds(NjKernelObject *k, PyObject *bounds)
{
    if (bounds == Py_None)
        return 0;
    PyObject *t = PyLong_Check(bounds) ? PyTuple_Pack(1, bounds) : PySequence_Tuple(bounds);
    if (!t)
        return -1;
    Py_ssize_t n = PyTuple_GET_SIZE(t);
    if (n > 3)
        PyErr_SetString(PyExc_ValueError, "launch_bounds takes at most three numbers: threads per block, blocks per "
                                          "multiprocessor, blocks per cluster");
    for (Py_ssize_t i = 0; i < n && i < 3 && !PyErr_Occurred(); i++)
        k->opts.launch_bounds[i] = (uint32_t)PyLong_AsUnsignedLong(PyTuple_GET_ITEM(t, i));
    Py_DECREF(t);
    return PyErr_Occurred() ? -1 : 0;
}

/* Kernel(func, sigs, device=, fastmath=, debug=, lineinfo=, opt=, inline=, max_registers=, launch_bounds=,
 * boundscheck=, cache=) */
static PyObject *kernel_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"", "", "device", "fastmath", "debug", "lineinfo", "opt", "inline", "max_registers",
                            "launch_bounds", "boundscheck", "cache", NULL};
    PyObject *func, *sigs, *bounds = Py_None;
    int device = 0, fastmath = 0, debug = 0, lineinfo = 0, opt = 3, hint = 0, boundscheck = 0, cache = 1;
    unsigned registers = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO|ppppiiIOpp:Kernel", names, &func, &sigs, &device, &fastmath,
                                     &debug, &lineinfo, &opt, &hint, &registers, &bounds, &boundscheck, &cache))
        return NULL;
    PyObject *list = nj_pysig_list(sigs);
    NjKernelObject *k = list ? (NjKernelObject *)type->tp_alloc(type, 0) : NULL;
    if (!k) {
        Py_XDECREF(list);
        return NULL;
    }
    k->func = Py_NewRef(func);
    k->sigs = list;
    k->device = device;
    k->closed = PyList_GET_SIZE(list) > 0;
    k->opts = (NjOpts){.error_model = debug ? NJ_ERRORS_PYTHON : NJ_ERRORS_NUMPY, .fastmath = fastmath,
                       .fast_flags = fastmath ? NJ_FAST_ALL : 0, .boundscheck = boundscheck, .debug = debug,
                       .lineinfo = lineinfo, .device = device, .inline_hint = (uint8_t)hint, .opt = (uint8_t)opt,
                       .max_registers = registers, .nocache = !cache};
    if (take_declared(k) < 0 || take_bounds(k, bounds) < 0)
        Py_CLEAR(k);
    return (PyObject *)k;
}

static int kernel_traverse(PyObject *self, visitproc visit, void *arg)
{
    NjKernelObject *k = (NjKernelObject *)self;
    Py_VISIT(k->func);
    Py_VISIT(k->sigs);
    Py_VISIT(k->dict);
    return 0;
}

static int kernel_clear(PyObject *self)
{
    NjKernelObject *k = (NjKernelObject *)self;
    Py_CLEAR(k->func);
    Py_CLEAR(k->sigs);
    Py_CLEAR(k->dict);
    return 0;
}

static void kernel_dealloc(PyObject *self)
{
    NjKernelObject *k = (NjKernelObject *)self;
    PyObject_GC_UnTrack(self);
    if (k->weakrefs)
        PyObject_ClearWeakRefs(self);
    for (uint32_t i = 0; i < k->nspecs; i++)
        spec_free(k->specs[i]);
    PyMem_Free(k->specs);
    PyMem_Free(k->declared);
    kernel_clear(self);
    Py_TYPE(self)->tp_free(self);       /* a subclass's own dealloc drops the type */
}

bool nj_kernel_disp_info(PyObject *o, NjDispInfo *out)
{
    if (!PyObject_TypeCheck(o, &NjKernel_Type))
        return false;
    NjKernelObject *k = (NjKernelObject *)o;
    *out = (NjDispInfo){.func = k->func, .opts = k->opts, .sigs = k->declared, .nsigs = k->ndeclared,
                        .declared_only = k->ndeclared > 0, .cuda = true};
    return true;
}

/* -- methods ---------------------------------------------------------------------------------------------------- */

static NjKernelSpec *spec_of_sig(PyObject *self, PyObject *sig)
{
    NjErr err = {0};
    NjDevice *d = nj_device_current(&err);
    if (!d)
        return (NjKernelSpec *)nj_error_from_err(&err);
    PyObject *s = nj_pysig_get(sig);
    if (!s)
        return NULL;
    const NjSig *want = nj_pysig_sig(s);
    NjKernelSpec *spec = nj_kernel_spec((NjKernelObject *)self, d, want->args, want->nargs);
    Py_DECREF(s);
    return spec;
}

static PyObject *kernel_compile(PyObject *self, PyObject *sig)
{
    return spec_of_sig(self, sig) ? Py_NewRef(Py_None) : NULL;
}

static PyObject *kernel_signatures(PyObject *self, PyObject *_)
{
    NjKernelObject *k = (NjKernelObject *)self;
    PyObject *list = PyList_New(0);
    for (uint32_t i = 0; list && i < k->nspecs; i++) {
        PyObject *sig = nj_pysig_new(nj_type_void(nj_ext_types()), k->specs[i]->types, k->specs[i]->nargs);
        if (!sig || PyList_Append(list, sig) < 0)
            Py_CLEAR(list);
        Py_XDECREF(sig);
    }
    return list;
}

static PyObject *text_object(NjText *t)
{
    PyObject *s = t->failed ? PyErr_NoMemory() : PyUnicode_DecodeUTF8(t->at, (Py_ssize_t)t->n, "replace");
    nj_text_free(t);
    return s;
}

static PyObject *kernel_llvm(PyObject *self, PyObject *sig)
{
    NjKernelSpec *s = spec_of_sig(self, sig);
    NjUnit *u = s ? spec_unit((NjKernelObject *)self, s) : NULL;
    return u ? PyUnicode_DecodeUTF8(u->llvm.at, (Py_ssize_t)u->llvm.n, "replace") : NULL;
}

static PyObject *kernel_asm(PyObject *self, PyObject *sig)
{
    NjKernelSpec *s = spec_of_sig(self, sig);
    if (!s)
        return NULL;
    if (s->asm_text)
        return PyUnicode_FromString(s->asm_text);
    NjText t;
    NjErr err = {0};
    NjUnit *u = spec_unit((NjKernelObject *)self, s);
    if (!u)
        return NULL;
    nj_text_init(&t);
    if (s->dev->ops->code_asm(u, &t, &err) != NJ_OK) {
        nj_text_free(&t);
        return nj_error_from_err(&err);
    }
    return text_object(&t);
}

static PyObject *kernel_typed(PyObject *self, PyObject *sig)
{
    NjKernelSpec *s = spec_of_sig(self, sig);
    NjUnit *u = s ? spec_unit((NjKernelObject *)self, s) : NULL;
    if (!u)
        return NULL;
    NjText t;
    nj_text_init(&t);
    for (uint32_t i = 0; i < u->specs.n; i++)
        if (u->specs.at[i]->py)
            nj_ir_print(&t, u->specs.at[i]->py);
    return text_object(&t);
}

static PyObject *kernel_info(PyObject *self, PyObject *sig)
{
    NjKernelSpec *s = spec_of_sig(self, sig);
    NjCodeInfo i;
    NjErr err = {0};
    if (!s)
        return NULL;
    if (s->dev->ops->code_info(s->code, &i, &err) != NJ_OK)
        return nj_error_from_err(&err);
    return Py_BuildValue("{s:i,s:i,s:i,s:i,s:i}", "regs_per_thread", i.registers, "shared_mem_per_block",
                         i.shared_nbytes, "const_mem_size", i.const_nbytes, "local_mem_per_thread", i.local_nbytes,
                         "max_threads_per_block", i.max_threads);
}

static PyObject *kernel_reset(PyObject *self, PyObject *_)
{
    NjKernelObject *k = (NjKernelObject *)self;
    for (uint32_t i = 0; i < k->nspecs; i++)
        spec_free(k->specs[i]);
    k->nspecs = 0;
    k->last = NULL;
    Py_RETURN_NONE;
}

static PyObject *kernel_close(PyObject *self, PyObject *arg)
{
    int truth = PyObject_IsTrue(arg);
    if (truth < 0)
        return NULL;
    ((NjKernelObject *)self)->closed = truth;
    Py_RETURN_NONE;
}

static PyObject *kernel_subscript(PyObject *self, PyObject *config)
{
    return nj_launch_new((NjKernelObject *)self, config);
}

static PyObject *kernel_call(PyObject *self, PyObject *args, PyObject *kwargs)
{
    NjKernelObject *k = (NjKernelObject *)self;
    if (k->device)
        return PyErr_Format(PyExc_TypeError, "%S is a device function: kernels can call it, Python cannot",
                            kernel_name(k));
    return PyErr_Format(PyExc_ValueError,
                        "kernel launch configuration was not specified: write %S[blocks, threads](...)",
                        kernel_name(k));
}

static PyMethodDef kernel_methods[] = {
    {"compile", kernel_compile, METH_O, "compile(signature): makes the specialisation now"},
    {"_signatures", kernel_signatures, METH_NOARGS, "signatures compiled so far"},
    {"_llvm", kernel_llvm, METH_O, "LLVM text of one signature"},
    {"_asm", kernel_asm, METH_O, "PTX, or the CPU's assembly, of one signature"},
    {"_typed", kernel_typed, METH_O, "typed IR of one signature"},
    {"_info", kernel_info, METH_O, "resources of one signature"},
    {"_reset", kernel_reset, METH_NOARGS, "forgets all specialisations; none may be running"},
    {"_close", kernel_close, METH_O, "_close(True): only what is compiled may be launched"},
    {0},
};

static PyMemberDef kernel_members[] = {
    {"py_func", T_OBJECT_EX, offsetof(NjKernelObject, func), READONLY, "the Python function"},
    {"_declared", T_OBJECT_EX, offsetof(NjKernelObject, sigs), READONLY, "signatures given to the decorator"},
    {"_device", T_BOOL, offsetof(NjKernelObject, device), READONLY, "is it a device function?"},
    {0},
};

static PyGetSetDef kernel_getset[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL},
    {0},
};

static PyMappingMethods kernel_mapping = {.mp_subscript = kernel_subscript};

PyTypeObject NjKernel_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "_naja.Kernel", .tp_basicsize = sizeof(NjKernelObject),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_new = kernel_new, .tp_dealloc = kernel_dealloc, .tp_traverse = kernel_traverse, .tp_clear = kernel_clear,
    .tp_call = kernel_call, .tp_methods = kernel_methods, .tp_members = kernel_members, .tp_getset = kernel_getset,
    .tp_as_mapping = &kernel_mapping, .tp_dictoffset = offsetof(NjKernelObject, dict),
    .tp_weaklistoffset = offsetof(NjKernelObject, weakrefs),
};

PyMethodDef nj_kernel_methods[] = {{0}};

int nj_kernel_init(PyObject *module)
{
    nj_disp_info_more = nj_kernel_disp_info;
    return PyModule_AddType(module, &NjKernel_Type);
}
