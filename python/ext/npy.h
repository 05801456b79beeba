/* npy.h - NumPy's C API, imported at first need and never at `import naja`.
 *
 * Include it instead of numpy/arrayobject.h. Every function below needs the GIL.
 */
#ifndef NJ_NPY_H
#define NJ_NPY_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#define PY_ARRAY_UNIQUE_SYMBOL nj_npy_array_api
#define PY_UFUNC_UNIQUE_SYMBOL nj_npy_ufunc_api
#ifndef NJ_NPY_DEFINE
#define NO_IMPORT_ARRAY
#define NO_IMPORT_UFUNC
#endif
#include <numpy/arrayobject.h>
#include <numpy/arrayscalars.h>
#include <numpy/ufuncobject.h>

#include "type/type.h"

int nj_npy_need(void);                  /* imports NumPy and its C API; 0, or -1 with ImportError */
/* Could o be something of NumPy's? False without touching NumPy while nobody has imported it; -1 on error. */
int nj_npy_maybe(void);
extern bool nj_npy_ready;

/* The scalar type of a dtype's type number (NPY_LONG, NPY_LONGLONG and NPY_INTP agree); NJ_T_NSCALAR when we have none.
 */
extern uint8_t nj_npy_scalar_of_num[NPY_NTYPES_LEGACY];
static inline NjScalar nj_npy_scalar(int type_num)
{
    return (unsigned)type_num < NPY_NTYPES_LEGACY ? (NjScalar)nj_npy_scalar_of_num[type_num] : NJ_T_NSCALAR;
}
int nj_npy_num(NjScalar s);                       /* and back */
NjScalar nj_npy_scalar_of_class(PyTypeObject *t); /* numpy.float32, numpy.bool_ ...: exact classes */

#endif
