/* snapshot.h - what code.c (functions) and const*.c (values) share while a function is copied. */
#ifndef NJ_SNAPSHOT_H
#define NJ_SNAPSHOT_H

#include "ext.h"

typedef struct SnapTodo { NjCode *code; PyObject *func; } SnapTodo;

struct NjSnapshot {
    NjArena *arena;              /* everything the compiler sees */
    PyObject *keep;              /* list: the Python objects that NjCode and NjConst point to */
    NjMap *codes;                /* dispatcher or function (its address) -> NjCode; makes recursion end */
    NJ_VEC(SnapTodo) todo;       /* functions met and not yet copied: callees wait, so that long chains need no stack */
    NjCode *root;
    bool simt;                   /* the target runs kernels: device functions may be called */
};

/* The function being copied, as far as its values depend on it: modules show only the attributes its code names. */
typedef struct SnapScope { NjSnapshot *s; const NjCode *code; const NjBits *attrs; NjMap *modules; } SnapScope;

/* const.c: the value as a constant; anything the compiler does not know is a NJ_C_OBJECT. NULL with an exception. */
const NjConst *nj_snap_const(SnapScope *c, PyObject *o);
extern const NjConst nj_snap_missing;

/* A maker fills k and returns 1, or 0 when the object is not of its kind, or -1 with an exception. */
typedef int NjConstMaker(SnapScope *c, PyObject *o, NjConst *k);
/* const_space.c: an enum class; a member of an enum that is no int */
NjConstMaker nj_snap_enum, nj_snap_member;
const NjConst *nj_snap_module(SnapScope *c, PyObject *o);       /* as nj_snap_const */

/* code.c: the code of a function, copied once for each key; only its names are there at once, the rest when the
 * functions met before it are done. NULL with an exception. */
NjCode *nj_snap_code(NjSnapshot *s, PyObject *key, PyObject *func, const NjOpts *opts, const NjDispInfo *info);
int nj_snap_keep(NjSnapshot *s, PyObject *o);             /* a reference for as long as the snapshot lives */
const char *nj_snap_str(NjSnapshot *s, PyObject *str);    /* copied; NULL with an exception */

#endif
