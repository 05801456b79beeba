/* ext.h - the extension module _naja: what its files share. The only room that includes Python.h.
 *
 * Functions follow CPython's convention: NULL or -1 with an exception set. GIL held unless the name ends in _nogil.
 */
#ifndef NJ_EXT_H
#define NJ_EXT_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "compat.h"
#include "run/unit.h"

/* Every file of files.def: its methods and its init. */
#define FILE(name) extern PyMethodDef nj_##name##_methods[]; int nj_##name##_init(PyObject *module);
#define METHODS(name) extern PyMethodDef nj_##name##_methods[];
#include "files.def"
#undef FILE
#undef METHODS

/* -- module.c ------------------------------------------------------------------------------------ */
NjCtx *nj_ext_ctx(void);                      /* one for the process, made at import */
NjTypes *nj_ext_types(void);                  /* its types */
/* The attribute of a module, imported now: what the C side needs of Python (naja.errors, linecache, numpy). New
 * reference. */
PyObject *nj_ext_import(const char *module, const char *attr);

/* -- types.c: NjType as a Python object ------------------------------------------------------------ */
extern PyTypeObject NjPyType_Type;            /* naja.types.Type: float32, float32[:, ::1], float32(x), void(...) */
PyObject     *nj_pytype_wrap(const NjType *t);                     /* new reference; one object for each type */
const NjType *nj_pytype_unwrap(PyObject *type);                    /* type must be a Type */
/* A Type, a signature string's type, a NumPy dtype or scalar class, int/float/bool/complex/None. NULL
 * with TypeError. */
const NjType *nj_pytype_get(PyObject *o);
int           nj_pytype_add(PyObject *module, const char *name, const NjType *t);

/* -- signature.c: a tuple of argument types and perhaps a result ------------------------------------- */
extern PyTypeObject NjPySig_Type;             /* what float64(float64, float64) makes */
PyObject    *nj_pysig_new(const NjType *ret, const NjType *const *args, Py_ssize_t nargs);     /* ret may be NULL */
/* A Signature, a string, a tuple or list of types -> Signature. New reference, or NULL with TypeError. */
PyObject    *nj_pysig_get(PyObject *o);
/* What the `signature` argument of a decorator holds: one of the above, or a list of them -> list of Signatures. */
PyObject    *nj_pysig_list(PyObject *o);
const NjSig *nj_pysig_sig(PyObject *sig);     /* lives as long as the object; sig must be a Signature */

/* -- named.c: classes of named tuples ---------------------------------------------------------------- */
PyObject *nj_named_tag(PyTypeObject *cls, PyObject *fields);      /* the name of its types; new reference */
PyObject *nj_named_class(const NjType *t);                        /* borrowed, or NULL: gone, or none was ever seen */

/* -- typeof.c ------------------------------------------------------------------------------------------ */
/* The type of a value as an argument. NULL with ArgumentError, which says what the value is and what would do. */
const NjType *nj_pytype_of(PyObject *value);

/* -- code.c: Python function -> NjCode --------------------------------------------------------------- */
typedef struct NjSnapshot NjSnapshot;         /* a root function, its callees, constants; all copied, references held */
/* target is "cpu", "cpudev" or "cuda": which declared callees are acceptable. func is a plain function or
 * a dispatcher. */
NjSnapshot   *nj_snapshot_new(PyObject *func, const NjOpts *opts, const char *target);
const NjCode *nj_snapshot_root(const NjSnapshot *s);
void          nj_snapshot_free(NjSnapshot *s);
PyObject     *nj_snapshot_object(const NjSnapshot *s, void *object);   /* the Python object behind an NjCode/NjConst */
/* A dispatcher (njit or cuda.jit object) as code.c sees it; defined in dispatcher.c. func is borrowed. */
typedef struct NjDispInfo {
    PyObject *func;
    NjOpts opts;
    const NjSig *sigs;
    uint32_t nsigs;
    bool declared_only;
    bool cuda;
} NjDispInfo;
bool nj_disp_info(PyObject *o, NjDispInfo *out);                       /* false when o is no dispatcher */
bool nj_ufunc_info(PyObject *o, NjDispInfo *out);                      /* ufunc.c: the same for what vectorize made */
/* Asked about objects that are no njit dispatcher; kernel.c sets it at init. */
extern bool (*nj_disp_info_more)(PyObject *o, NjDispInfo *out);

/* -- marshal.c: arguments into parts, results out of them ---------------------------------------------- */
/* Fills the 8-byte slots of one argument of type t (nj_type_parts). Returns the number of slots, -1 with an exception.
 * Converts safely where t differs from the value's own type (int -> float64). Borrows: the value must outlive the call.
 */
int       nj_marshal_arg(const NjType *t, NjAbi abi, PyObject *value, uint64_t *slots);
bool      nj_marshal_can_result(const NjType *t);                      /* has nj_marshal_result an object for it? */
PyObject *nj_marshal_result(const NjType *t, const uint64_t *slots, PyObject *const *args, Py_ssize_t nargs);

/* -- errors.c -------------------------------------------------------------------------------------------- */
/* Sets the exception that the unit's diagnostics ask for, rendered with source lines (linecache). Always
 * returns NULL. */
PyObject *nj_error_from_unit(const NjUnit *u, NjStatus st);
PyObject *nj_error_from_err(const NjErr *e);
/* The TypeError, ValueError or OverflowError that is set is about parameter i of the function: its message says so. */
void      nj_error_name_arg(PyObject *func, Py_ssize_t i);
/* Raises row `status - 1` of the unit's exceptions, with the file, function and line it was raised at as traceback. */
PyObject *nj_error_raise(const NjExc *e, const NjSnapshot *s);

#endif
