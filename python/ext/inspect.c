/* inspect.c - what `python -m naja info` asks of the C side: the machine and the compiler. */
#include "ext.h"

#include "cpu/cpu.h"

/* {cpu, features, triple, llvm, cores, threads, error}; error says why the compiler is not usable, else None. */
static PyObject *inspect_cpu(PyObject *module, PyObject *unused)
{
    NjErr err = {0};
    const NjLlvmApi *api;
    Py_BEGIN_ALLOW_THREADS
    api = nj_cpu_llvm(&err);
    Py_END_ALLOW_THREADS
    return Py_BuildValue("{s:z, s:z, s:z, s:z, s:I, s:I, s:z}",
                         "cpu", api ? api->host_cpu() : NULL,
                         "features", api ? api->host_features() : NULL,
                         "triple", api ? api->host_triple() : NULL,
                         "llvm", api ? api->llvm_version : NULL,
                         "cores", nj_cpu_cores(),
                         "threads", nj_pool_threads(nj_pool_get()),
                         "error", api ? NULL : err.text);
}

PyMethodDef nj_inspect_methods[] = {
    {"cpu_info", inspect_cpu, METH_NOARGS, "cpu_info(): the machine and the compiler, for `python -m naja info`."},
    {0},
};
