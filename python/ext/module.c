/* module.c - the extension module naja._naja: makes the process's context and asks each file of files.def for its part.
 *
 * Nothing is loaded here: NumPy, LLVM and libcuda come at first need (npy.c, cpu/llvm.c, cuda/). The context, its types
 * and the objects that stand for them are one per process, so a second interpreter in the same process is refused.
 */
#include "ext.h"

#include "cpu/cpu.h"
#include "run/cache.h"

#include <pthread.h>

static NjCtx *ext_ctx;                        /* made once at import, under the import lock; never freed */

NjCtx *nj_ext_ctx(void)
{
    return ext_ctx;
}

NjTypes *nj_ext_types(void)
{
    return ext_ctx->types;
}

PyObject *nj_ext_import(const char *module, const char *attr)
{
    PyObject *m = PyImport_ImportModule(module);
    if (!m)
        return NULL;
    PyObject *v = PyObject_GetAttrString(m, attr);
    Py_DECREF(m);
    return v;
}

/* -- print in compiled code ------------------------------------------------------------------------- */

/* Called from compiled code, with or without the GIL. A failing write is reported and does not stop the function. */
static void ext_print(void *arg, const char *text, size_t n)
{
    PyGILState_STATE gil = PyGILState_Ensure();
    PyObject *out = PySys_GetObject("stdout");
    PyObject *s = PyUnicode_DecodeUTF8(text, (Py_ssize_t)n, "replace");
    if (s && out && out != Py_None && PyFile_WriteObject(s, out, Py_PRINT_RAW) < 0)
        PyErr_WriteUnraisable(out);
    Py_XDECREF(s);
    PyGILState_Release(gil);
}

/* -- seeing inside ------------------------------------------------------------------------------------ */

static PyObject *ext_dump(PyObject *module, PyObject *arg)
{
    const char *letters = PyUnicode_AsUTF8(arg);
    NjErr err = {0};
    if (!letters)
        return NULL;
    if (nj_knobs_dump(letters, &err))
        Py_RETURN_NONE;
    PyErr_SetString(PyExc_ValueError, err.text);
    return NULL;
}

static PyObject *ext_jit_disabled(PyObject *module, PyObject *unused)
{
    return PyBool_FromLong(nj_knobs()->disable_jit || nj_knobs()->disable_too);
}

static PyObject *ext_threads(PyObject *module, PyObject *unused)
{
    return PyLong_FromUnsignedLong(nj_pool_threads(nj_pool_get()));
}

static PyObject *ext_set_threads(PyObject *module, PyObject *arg)
{
    long n = PyLong_AsLong(arg);
    if (n == -1 && PyErr_Occurred())
        return NULL;
    if (n < 1 || n > 4096)
        return PyErr_Format(PyExc_ValueError, "the number of threads must be from 1 to 4096, not %ld", n);
    nj_pool_set_threads((uint32_t)n);
    Py_RETURN_NONE;
}

/* For tests: the n-th allocation of host/, cpu/ and cuda/ from now fails, and all after it; -1 turns it off. */
static PyObject *ext_alloc_fail_at(PyObject *module, PyObject *arg)
{
    long n = PyLong_AsLong(arg);
    if (n == -1 && PyErr_Occurred())
        return NULL;
    nj_alloc_fail_at(n);
    Py_RETURN_NONE;
}

static PyObject *ext_variables(PyObject *module, PyObject *unused)
{
    static const char *const rows[][2] = {
#define KNOB_STR(name, env, deflt, help) {env, help},
#define KNOB_INT(name, env, deflt, help) {env, help},
#include "base/knobs.def"
#undef KNOB_STR
#undef KNOB_INT
    };
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list && i < NJ_COUNT(rows); i++) {
        PyObject *row = Py_BuildValue("ss", rows[i][0], rows[i][1]);
        if (!row || PyList_Append(list, row) < 0)
            Py_CLEAR(list);
        Py_XDECREF(row);
    }
    return list;
}

static PyMethodDef ext_methods[] = {
    {"_alloc_fail_at", ext_alloc_fail_at, METH_O, NULL},
    {"dump", ext_dump, METH_O, "dump(letters): show stages of what is compiled from now on; dump('help') lists them."},
    {"variables", ext_variables, METH_NOARGS, "variables(): [(environment variable, what it does)]"},
    {"jit_disabled", ext_jit_disabled, METH_NOARGS, "Is NAJA_DISABLE_JIT set, or NUMBA_DISABLE_JIT?"},
    {"get_num_threads", ext_threads, METH_NOARGS, "The number of threads that parallel code uses."},
    {"set_num_threads", ext_set_threads, METH_O,
     "set_num_threads(n): how many threads parallel code uses from now on."},
    {0},
};

/* -- the module ------------------------------------------------------------------------------------------ */

static int ext_add_methods(PyObject *m)
{
#define METHODS(name) nj_##name##_methods,
#define FILE(name) METHODS(name)
    PyMethodDef *lists[] = {ext_methods,
#include "files.def"
    };
#undef FILE
#undef METHODS
    for (size_t i = 0; i < NJ_COUNT(lists); i++)
        if (PyModule_AddFunctions(m, lists[i]) < 0)
            return -1;
    return 0;
}

static int ext_init_files(PyObject *m)
{
#define METHODS(name)
#define FILE(name) nj_##name##_init,
    int (*inits[])(PyObject *) = {
#include "files.def"
    };
#undef FILE
#undef METHODS
    for (size_t i = 0; i < NJ_COUNT(inits); i++)
        if (inits[i](m) < 0)
            return -1;
    return 0;
}

/* libnaja_llvm.so lies beside this file, in a folder whose name need not be UTF-8. */
static void ext_find_llvm(PyObject *m)
{
    PyObject *file = PyModule_GetFilenameObject(m), *path = file ? PyUnicode_EncodeFSDefault(file) : NULL;
    char *dir = path ? PyBytes_AS_STRING(path) : NULL, *slash = dir ? strrchr(dir, '/') : NULL;
    if (slash) {
        *slash = 0;                           /* the bytes are ours alone */
        nj_cpu_llvm_dir(dir);
    }
    Py_XDECREF(path);
    Py_XDECREF(file);
    PyErr_Clear();
}

/* Other threads intern types without the GIL: a fork waits until none does. */
static void ext_before_fork(void) { nj_types_hold(ext_ctx->types); }
static void ext_after_fork(void) { nj_types_let_go(ext_ctx->types); }

static NjCtx *ext_make_ctx(void)
{
    NjCtx *c = nj_ctx_new();
    if (c && pthread_atfork(ext_before_fork, ext_after_fork, ext_after_fork)) {
        nj_ctx_free(c);
        return NULL;
    }
    return c;
}

static int ext_exec(PyObject *m)
{
    static int64_t owner = -1;                /* the interpreter that has the module; under the import lock */
    int64_t self = PyInterpreterState_GetID(PyInterpreterState_Get());
    if (ext_ctx && owner != self) {
        PyErr_SetString(PyExc_ImportError, "naja is already loaded by another interpreter of this process");
        return -1;
    }
    if (!ext_ctx && !(ext_ctx = ext_make_ctx())) {
        PyErr_NoMemory();
        return -1;
    }
    owner = self;
    nj_rt_set_print(ext_print, NULL);
    ext_find_llvm(m);
    nj_cache_started();
    if (ext_add_methods(m) < 0 || ext_init_files(m) < 0)
        return -1;
    return PyModule_AddStringConstant(m, "version", NJ_VERSION);
}

static PyModuleDef_Slot ext_slots[] = {
    {Py_mod_exec, ext_exec},
#if PY_VERSION_HEX >= 0x030c0000
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
    {0, NULL},
};

static PyModuleDef ext_def = {
    PyModuleDef_HEAD_INIT, .m_name = "_naja", .m_doc = "The C side of naja.", .m_slots = ext_slots,
};

PyMODINIT_FUNC PyInit__naja(void)
{
    return PyModuleDef_Init(&ext_def);
}
