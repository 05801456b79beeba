/* kernel.c - the object behind @cuda.jit: a Python function, its options and what can be asked of it.
 *
 * Its specialisations are made by kernel_spec.c and launched by launch.c. naja/cuda/dispatcher.py adds what is not hot.
 */
#include "cuda_ext.h"

#include <structmember.h>

PyTypeObject NjKernel_Type;

PyObject *nj_kernel_name(const NjKernelObject *k)
{
    return PyFunction_Check(k->func) ? ((PyFunctionObject *)k->func)->func_qualname : k->func;
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
    if (!PyFunction_Check(func))
        return PyErr_Format(PyExc_TypeError, "a kernel is made of a Python function, not of a %.200s",
                            Py_TYPE(func)->tp_name);
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
    if (nj_params_init(&k->params, func) < 0 || take_declared(k) < 0 || take_bounds(k, bounds) < 0)
        Py_CLEAR(k);
    else
        k->direct = k->params.variadic || k->params.nkwonly ? UINT32_MAX : (uint32_t)k->params.nargs;
    return (PyObject *)k;
}

static int kernel_traverse(PyObject *self, visitproc visit, void *arg)
{
    NjKernelObject *k = (NjKernelObject *)self;
    Py_VISIT(k->func);
    Py_VISIT(k->params.names);
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
    nj_kernel_spec_reset(k);
    nj_params_clear(&k->params);
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
    NjKernelSpec *s = spec_of_sig(self, sig);
    nj_kernel_spec_drop(s);
    return s ? Py_NewRef(Py_None) : NULL;
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
    NjUnit *u = s ? nj_kernel_spec_unit((NjKernelObject *)self, s) : NULL;
    PyObject *text = u ? PyUnicode_DecodeUTF8(u->llvm.at, (Py_ssize_t)u->llvm.n, "replace") : NULL;
    nj_kernel_spec_drop(s);
    return text;
}

static PyObject *spec_asm(NjKernelObject *k, NjKernelSpec *s)
{
    if (s->asm_text)
        return PyUnicode_FromString(s->asm_text);
    NjText t;
    NjErr err = {0};
    NjUnit *u = nj_kernel_spec_unit(k, s);
    if (!u)
        return NULL;
    nj_text_init(&t);
    if (s->dev->ops->code_asm(u, &t, &err) != NJ_OK) {
        nj_text_free(&t);
        return nj_error_from_err(&err);
    }
    return text_object(&t);
}

static PyObject *kernel_asm(PyObject *self, PyObject *sig)
{
    NjKernelSpec *s = spec_of_sig(self, sig);
    PyObject *text = s ? spec_asm((NjKernelObject *)self, s) : NULL;
    nj_kernel_spec_drop(s);
    return text;
}

static PyObject *kernel_sass(PyObject *self, PyObject *args)
{
    PyObject *sig;
    int cfg;
    NjText t;
    NjErr err = {0};
    NjKernelSpec *s = PyArg_ParseTuple(args, "Op:_sass", &sig, &cfg) ? spec_of_sig(self, sig) : NULL;
    if (!s)
        return NULL;
    nj_text_init(&t);
    NjStatus st = s->dev->ops->code_sass(s->code, s->asm_text, cfg, &t, &err);
    nj_kernel_spec_drop(s);
    if (st == NJ_OK)
        return text_object(&t);
    nj_text_free(&t);
    return nj_error_from_err(&err);
}

static PyObject *kernel_typed(PyObject *self, PyObject *sig)
{
    NjKernelSpec *s = spec_of_sig(self, sig);
    NjUnit *u = s ? nj_kernel_spec_unit((NjKernelObject *)self, s) : NULL;
    NjText t;
    nj_text_init(&t);
    for (uint32_t i = 0; u && i < u->specs.n; i++)
        if (u->specs.at[i]->py)
            nj_ir_print(&t, u->specs.at[i]->py);
    nj_kernel_spec_drop(s);
    if (!u)
        nj_text_free(&t);
    return u ? text_object(&t) : NULL;
}

static PyObject *kernel_info(PyObject *self, PyObject *sig)
{
    NjKernelSpec *s = spec_of_sig(self, sig);
    NjCodeInfo i;
    NjErr err = {0};
    if (!s)
        return NULL;
    NjStatus st = s->dev->ops->code_info(s->code, &i, &err);
    nj_kernel_spec_drop(s);
    if (st != NJ_OK)
        return nj_error_from_err(&err);
    return Py_BuildValue("{s:i,s:i,s:i,s:i,s:i}", "regs_per_thread", i.registers, "shared_mem_per_block",
                         i.shared_nbytes, "const_mem_size", i.const_nbytes, "local_mem_per_thread", i.local_nbytes,
                         "max_threads_per_block", i.max_threads);
}

static PyObject *kernel_reset(PyObject *self, PyObject *_)
{
    nj_kernel_spec_reset((NjKernelObject *)self);
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
                            nj_kernel_name(k));
    return PyErr_Format(PyExc_ValueError,
                        "kernel launch configuration was not specified: write %S[blocks, threads](...)",
                        nj_kernel_name(k));
}

static PyMethodDef kernel_methods[] = {
    {"compile", kernel_compile, METH_O, "compile(signature): makes the specialisation now"},
    {"_signatures", kernel_signatures, METH_NOARGS, "signatures compiled so far"},
    {"_llvm", kernel_llvm, METH_O, "LLVM text of one signature"},
    {"_sass", kernel_sass, METH_VARARGS, "_sass(signature, cfg): what the GPU executes, or its control flow"},
    {"_asm", kernel_asm, METH_O, "PTX, or the CPU's assembly, of one signature"},
    {"_typed", kernel_typed, METH_O, "typed IR of one signature"},
    {"_info", kernel_info, METH_O, "resources of one signature"},
    {"_reset", kernel_reset, METH_NOARGS, "forgets all specialisations"},
    {"_close", kernel_close, METH_O, "_close(True): only what is compiled may be launched"},
    {0},
};

static PyMemberDef kernel_members[] = {
    {"py_func", T_OBJECT_EX, offsetof(NjKernelObject, func), READONLY, "the Python function"},
    {"_declared", T_OBJECT_EX, offsetof(NjKernelObject, sigs), READONLY, "signatures given to the decorator"},
    {"_closed", T_BOOL, offsetof(NjKernelObject, closed), READONLY, "is only what is compiled launched?"},
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
