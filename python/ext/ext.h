/* ext.h - the extension module _naja: what its files share. The only room that includes Python.h.
 *
 * Functions follow CPython's convention: NULL or -1 with an exception set. GIL held unless the name ends in _nogil.
 */
#ifndef NJ_EXT_H
#define NJ_EXT_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "run/unit.h"

/* -- module.c ------------------------------------------------------------------------------------ */
NjCtx *nj_ext_ctx(void);                      /* one for the process, made at import */

/* -- types.c: NjType as a Python object ------------------------------------------------------------ */
extern PyTypeObject NjPyType_Type;            /* naja.types.Type: float32, float32[:, ::1], float32(x), void(...) */
PyObject     *nj_pytype_wrap(const NjType *t);                     /* new reference; one object for each type */
/* A Type, a signature string's type, a NumPy dtype or scalar class, int/float/bool/complex/None. NULL with TypeError. */
const NjType *nj_pytype_get(PyObject *o);
/* The type of a value as an argument (spec cpu.md 4.1). NULL with TypeError/ValueError naming the value's type. */
const NjType *nj_pytype_of(PyObject *value);

/* -- code.c: Python function -> NjCode --------------------------------------------------------------- */
typedef struct NjSnapshot NjSnapshot;         /* a root function, its callees, constants; all copied, references held */
/* target is "cpu", "cpudev" or "cuda": which declared callees are acceptable. func is a plain function or a dispatcher. */
NjSnapshot   *nj_snapshot_new(PyObject *func, const NjOpts *opts, const char *target);
const NjCode *nj_snapshot_root(const NjSnapshot *s);
void          nj_snapshot_free(NjSnapshot *s);
PyObject     *nj_snapshot_object(const NjSnapshot *s, void *object);   /* the Python object behind an NjCode/NjConst */
/* A dispatcher (njit or cuda.jit object) as code.c sees it; defined in dispatcher.c. func is borrowed. */
typedef struct NjDispInfo { PyObject *func; NjOpts opts; const NjSig *sigs; uint32_t nsigs; bool declared_only; bool cuda; } NjDispInfo;
bool nj_disp_info(PyObject *o, NjDispInfo *out);                       /* false when o is no dispatcher */

/* -- marshal.c: arguments into parts, results out of them ---------------------------------------------- */
/* Fills the 8-byte slots of one argument of type t (nj_type_parts). Returns the number of slots, -1 with an exception.
 * Converts safely where t differs from the value's own type (int -> float64). Borrows: the value must outlive the call. */
int       nj_marshal_arg(const NjType *t, NjAbi abi, PyObject *value, uint64_t *slots);
PyObject *nj_marshal_result(const NjType *t, const uint64_t *slots, PyObject *const *args, Py_ssize_t nargs);

/* -- errors.c -------------------------------------------------------------------------------------------- */
/* Sets the exception that the unit's diagnostics ask for, rendered with source lines (linecache). Always returns NULL. */
PyObject *nj_error_from_unit(const NjUnit *u, NjStatus st);
PyObject *nj_error_from_err(const NjErr *e);
/* Raises row `status - 1` of the unit's exceptions, with the file, function and line it was raised at as traceback. */
PyObject *nj_error_raise(const NjExc *e, const NjSnapshot *s);

#endif
