/* ufunc.c - real np.ufunc objects whose inner loops are compiled: what @vectorize makes on the CPU targets.
 *
 * In: a Python function of scalars and its signatures, in the order NumPy shall try them. Out: PyUFunc_FromFuncAndData
 * over one compiled NJ_ROOT_UFUNC loop for each. The ufunc's `obj` is a Keeper, which owns the code and NumPy's tables,
 * so both live as long as the ufunc. Loops run without the GIL; an error in one is raised after it, with the GIL taken
 * for that.
 */
#include "npy.h"
#include "spec.h"

#include <fenv.h>
#include <structmember.h>

typedef struct LoopData {
    NjLoopFn fn;
    NjPySpec *spec;                /* owned by the keeper */
    unsigned nin;
} LoopData;

typedef struct Keeper {
    PyObject_HEAD
    PyObject *func, *sigs, *name, *doc;
    PyObject *made;                /* naja/ufunc.py's object that made it; NULL once cleared */
    NjOpts opts;
    int nloops;
    LoopData *data;                /* one for each loop */
    PyUFuncGenericFunction *loops;
    void **ptrs;                   /* &data[i], as NumPy wants them */
    char *types;
} Keeper;

static PyTypeObject KeeperType;

/* -- what NumPy calls ------------------------------------------------------------------------------- */

static void loop_raise(const LoopData *d, int32_t status)
{
    PyGILState_STATE gil = PyGILState_Ensure();
    if (!PyErr_Occurred())
        nj_spec_raise(d->spec, status);
    PyGILState_Release(gil);
}

/* Flags that a loop with branches raised say nothing about the program (spec.h): NumPy would warn of them. */
static void loop_flags(const LoopData *d, int before)
{
    int raised = d->spec->straight ? 0 : fetestexcept(FE_ALL_EXCEPT) & ~before;
    if (raised)
        feclearexcept(raised);
}

static void loop_serial(char **args, const npy_intp *n, const npy_intp *steps, void *data)
{
    const LoopData *d = data;
    int32_t status = 0;
    int before = fetestexcept(FE_ALL_EXCEPT);
    d->fn(args, n, steps, &status);
    loop_flags(d, before);
    if (status)
        loop_raise(d, status);
}

static void loop_parallel(char **args, const npy_intp *n, const npy_intp *steps, void *data)
{
    const LoopData *d = data;
    int before = fetestexcept(FE_ALL_EXCEPT);
    int32_t status = nj_loop_run(nj_pool_get(), d->fn, args, (size_t)*n, steps, d->nin, d->nin + 1);
    loop_flags(d, before);
    if (status)
        loop_raise(d, status);
}

/* -- the keeper ------------------------------------------------------------------------------------------ */

static int keeper_traverse(PyObject *self, visitproc visit, void *arg)
{
    Keeper *k = (Keeper *)self;
    Py_VISIT(k->func);
    Py_VISIT(k->made);
    for (int i = 0; k->data && i < k->nloops; i++) {
        int rc = k->data[i].spec ? nj_spec_traverse(k->data[i].spec, visit, arg) : 0;
        if (rc)
            return rc;
    }
    return 0;
}

static int keeper_clear(PyObject *self)
{
    Py_CLEAR(((Keeper *)self)->func);
    Py_CLEAR(((Keeper *)self)->made);
    return 0;
}

static void keeper_dealloc(PyObject *self)
{
    Keeper *k = (Keeper *)self;
    PyObject_GC_UnTrack(self);
    for (int i = 0; k->data && i < k->nloops; i++)
        nj_spec_release(k->data[i].spec);
    PyMem_Free(k->data);
    PyMem_Free(k->loops);
    PyMem_Free(k->ptrs);
    PyMem_Free(k->types);
    Py_XDECREF(k->func);
    Py_XDECREF(k->made);
    Py_XDECREF(k->sigs);
    Py_XDECREF(k->name);
    Py_XDECREF(k->doc);
    Py_TYPE(self)->tp_free(self);
}

static PyMemberDef keeper_members[] = {
    {"py_func", T_OBJECT, offsetof(Keeper, func), READONLY, "the Python function"},
    {"signatures", T_OBJECT, offsetof(Keeper, sigs), READONLY, "the Signatures, in the order of the loops"},
    {"made", T_OBJECT, offsetof(Keeper, made), READONLY, "what made it"},
    {0},
};

static PyTypeObject KeeperType = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "naja._naja.UfuncCode",
    .tp_basicsize = sizeof(Keeper),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_dealloc = keeper_dealloc,
    .tp_traverse = keeper_traverse,
    .tp_clear = keeper_clear,
    .tp_members = keeper_members,
};

static bool keeper_alloc(Keeper *k, int nloops, unsigned nargs)
{
    k->data = PyMem_Calloc((size_t)nloops + 1, sizeof *k->data);
    k->loops = PyMem_Calloc((size_t)nloops + 1, sizeof *k->loops);
    k->ptrs = PyMem_Calloc((size_t)nloops + 1, sizeof *k->ptrs);
    k->types = PyMem_Calloc((size_t)nloops * nargs + 1, 1);
    return k->data && k->loops && k->ptrs && k->types;
}

/* -- making one --------------------------------------------------------------------------------------------- */

static int ufunc_check_type(const NjType *t, PyObject *sig)
{
    if (nj_type_scalar_of(t) != NJ_T_NSCALAR)
        return 0;
    PyErr_Format(PyExc_TypeError, "a ufunc works on scalars, but the signature %R has %s", sig, t->name);
    return -1;
}

static int ufunc_check_sig(PyObject *sig, unsigned nin)
{
    const NjSig *s = nj_pysig_sig(sig);
    if (nin < 1 || nin > NJ_LOOP_ARGS - 1) {
        PyErr_Format(PyExc_TypeError,
                     "a ufunc takes at least one argument and at most %d, but the function has %u parameters",
                     NJ_LOOP_ARGS - 1, nin);
        return -1;
    }
    if (s->nargs != nin) {
        PyErr_Format(PyExc_TypeError, "the signature %R has %u arguments, but the function has %u parameters", sig,
                     s->nargs, nin);
        return -1;
    }
    for (unsigned i = 0; i < nin; i++)
        if (ufunc_check_type(s->args[i], sig) < 0)
            return -1;
    return s->ret ? ufunc_check_type(s->ret, sig) : 0;
}

/* The i-th loop's row of NumPy's tables. */
static int ufunc_add_loop(Keeper *k, int i, NjPySpec *spec, unsigned nin, bool parallel)
{
    PyObject *sig = PyTuple_GET_ITEM(k->sigs, i);
    const NjSig *s = nj_pysig_sig(sig);
    k->data[i] = (LoopData){.fn = (NjLoopFn)spec->entry, .spec = spec, .nin = nin};
    k->loops[i] = parallel ? loop_parallel : loop_serial;
    k->ptrs[i] = &k->data[i];
    if (ufunc_check_type(spec->ret, sig) < 0)
        return -1;
    char *types = k->types + (size_t)i * (nin + 1);
    for (unsigned a = 0; a < nin; a++)
        types[a] = (char)nj_npy_num(nj_type_scalar_of(s->args[a]));
    types[nin] = (char)nj_npy_num(nj_type_scalar_of(spec->ret));
    return 0;
}

/* All loops, compiled side by side. */
static int ufunc_compile(Keeper *k, int n, unsigned nin, bool parallel)
{
    NjSig *sigs = PyMem_Calloc((size_t)n + 1, sizeof *sigs);
    NjPySpec **specs = PyMem_Calloc((size_t)n + 1, sizeof *specs);
    int rc = sigs && specs ? 0 : -1;
    if (rc)
        PyErr_NoMemory();
    for (int i = 0; !rc && i < n; i++) {
        rc = ufunc_check_sig(PyTuple_GET_ITEM(k->sigs, i), nin);
        sigs[i] = *nj_pysig_sig(PyTuple_GET_ITEM(k->sigs, i));
    }
    if (!rc)
        rc = nj_spec_compile_many(k->func, &k->opts, NJ_ROOT_UFUNC, sigs, (uint32_t)n, specs);
    for (int i = 0; !rc && i < n; i++)
        k->data[k->nloops++].spec = specs[i];           /* the keeper's from here on, whatever comes */
    for (int i = 0; !rc && i < n; i++)
        rc = ufunc_add_loop(k, i, specs[i], nin, parallel);
    PyMem_Free(sigs);
    PyMem_Free(specs);
    return rc;
}

static int ufunc_identity(PyObject *o, int *out)
{
    if (o == Py_None) {
        *out = PyUFunc_None;
        return 0;
    }
    if (PyUnicode_Check(o) && PyUnicode_CompareWithASCIIString(o, "reorderable") == 0) {
        *out = PyUFunc_ReorderableNone;
        return 0;
    }
    long i = PyLong_Check(o) ? PyLong_AsLong(o) : -1;
    if (i == 0 || i == 1) {
        *out = i ? PyUFunc_One : PyUFunc_Zero;
        return 0;
    }
    PyErr_Clear();
    PyErr_Format(PyExc_ValueError, "identity is 0, 1, None or 'reorderable', not %R", o);
    return -1;
}

static PyObject *ufunc_make(Keeper *k, unsigned nin, int identity)
{
    const char *name = PyUnicode_AsUTF8(k->name), *doc = k->doc == Py_None ? "" : PyUnicode_AsUTF8(k->doc);
    if (!name || !doc)
        return NULL;
    PyObject *u = PyUFunc_FromFuncAndData(k->loops, k->ptrs, k->types, k->nloops, (int)nin, 1, identity, name, doc, 0);
    if (u)
        ((PyUFuncObject *)u)->obj = Py_NewRef((PyObject *)k);
    return u;
}

/* ufunc_new(func, signatures, nin, parallel, identity, fast_flags, boundscheck, cache, doc, made) -> np.ufunc */
static PyObject *ufunc_new(PyObject *module, PyObject *args)
{
    PyObject *func, *sigs, *ident, *doc, *made, *u = NULL;
    int nin, parallel, identity, fast, bounds, cache;
    if (!PyArg_ParseTuple(args, "O!O!ipOippOO:ufunc_new", &PyFunction_Type, &func, &PyList_Type, &sigs, &nin, &parallel,
                          &ident, &fast, &bounds, &cache, &doc, &made))
        return NULL;
    if (nj_npy_need() < 0 || ufunc_identity(ident, &identity) < 0)
        return NULL;
    Keeper *k = (Keeper *)KeeperType.tp_alloc(&KeeperType, 0);
    if (!k)
        return NULL;
    k->func = Py_NewRef(func);
    k->made = Py_NewRef(made);
    k->sigs = PySequence_Tuple(sigs);
    k->doc = Py_NewRef(doc);
    k->name = PyObject_GetAttrString(func, "__name__");
    k->opts = (NjOpts){.error_model = NJ_ERRORS_NUMPY,
                       .fastmath = fast == NJ_FAST_ALL,
                       .fast_flags = (uint8_t)fast,
                       .boundscheck = bounds,
                       .opt = (uint8_t)nj_knobs()->opt,
                       .nocache = !cache};
    int n = k->sigs ? (int)PyTuple_GET_SIZE(k->sigs) : 0;
    bool ok = k->sigs && k->name && (keeper_alloc(k, n, (unsigned)nin + 1) || PyErr_NoMemory());
    if (ok && ufunc_compile(k, n, (unsigned)nin, parallel) == 0)
        u = ufunc_make(k, (unsigned)nin, identity);
    Py_DECREF(k);
    return u;
}

/* The keeper of a ufunc that ufunc_new made, or None. */
static PyObject *ufunc_code(PyObject *module, PyObject *o)
{
    PyObject *k = nj_npy_maybe() > 0 && PyObject_TypeCheck(o, &PyUFunc_Type) ? ((PyUFuncObject *)o)->obj : NULL;
    return Py_NewRef(k && Py_IS_TYPE(k, &KeeperType) ? k : Py_None);
}

/* naja.ufunc.DUFunc, by an attribute of its class: asking the object could run anyone's code. */
static bool ufunc_dynamic(PyObject *o, NjDispInfo *out)
{
    PyObject *mark = NULL, *func = NULL;
    bool is = nj_getattr_opt((PyObject *)Py_TYPE(o), "_naja_dufunc_", &mark) > 0 && mark == Py_True &&
              nj_getattr_opt(o, "py_func", &func) > 0 && PyFunction_Check(func);
    *out = (NjDispInfo){.func = func, .opts = {.error_model = NJ_ERRORS_NUMPY}};
    Py_XDECREF(mark);
    Py_XDECREF(func);               /* o holds it */
    PyErr_Clear();
    return is;
}

bool nj_ufunc_info(PyObject *o, NjDispInfo *out)
{
    if (!nj_npy_ready || !PyObject_TypeCheck(o, &PyUFunc_Type))
        return ufunc_dynamic(o, out);
    Keeper *k = (Keeper *)((PyUFuncObject *)o)->obj;
    if (!k || !Py_IS_TYPE(k, &KeeperType))
        return false;
    *out = (NjDispInfo){.func = k->func, .opts = k->opts};
    return true;
}

/* ufunc_view(ufunc, i, what): text of the i-th loop; what as NjView. */
static PyObject *ufunc_view(PyObject *module, PyObject *args)
{
    PyObject *o;
    int i, what;
    if (!PyArg_ParseTuple(args, "O!ii:ufunc_view", &KeeperType, &o, &i, &what))
        return NULL;
    Keeper *k = (Keeper *)o;
    if (i < 0 || i >= k->nloops || what < NJ_VIEW_TYPES || what > NJ_VIEW_ASM)
        return PyErr_Format(PyExc_IndexError, "there is no loop %d or view %d", i, what);
    return nj_spec_view(k->data[i].spec, (NjView)what);
}

PyMethodDef nj_ufunc_methods[] = {
    {"ufunc_new", ufunc_new, METH_VARARGS,
     "ufunc_new(func, signatures, nin, parallel, identity, fast_flags, boundscheck, cache, doc, made)"},
    {"ufunc_code", ufunc_code, METH_O, "ufunc_code(ufunc): what owns its compiled loops, or None."},
    {"ufunc_view", ufunc_view, METH_VARARGS,
     "ufunc_view(code, i, what): 0 typed IR, 1 LLVM text, 2 optimised LLVM, 3 assembly"},
    {0},
};

int nj_ufunc_init(PyObject *module)
{
    return PyType_Ready(&KeeperType);
}
