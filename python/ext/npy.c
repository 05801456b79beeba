/* npy.c - NumPy's C API at first need, and the two directions between its type numbers and our scalar types.
 *
 * `import naja` must not import NumPy. Whoever needs it calls nj_npy_need(); whoever only wants to know whether a value
 * may be NumPy's asks nj_npy_maybe(), which is false while no one in the process has imported NumPy.
 */
#define NJ_NPY_DEFINE
#include "npy.h"
#include "ext.h"

bool nj_npy_ready;                                /* under the GIL; set once */
uint8_t nj_npy_scalar_of_num[NPY_NTYPES_LEGACY];

/* NumPy's type character -> type number; 'l' is whichever of long and long long has 64 bits. */
static int npy_num_of_char(char c)
{
    switch (c) {
    case '?': return NPY_BOOL;
    case 'b': return NPY_INT8;
    case 'h': return NPY_INT16;
    case 'i': return NPY_INT32;
    case 'l': return NPY_INT64;
    case 'B': return NPY_UINT8;
    case 'H': return NPY_UINT16;
    case 'I': return NPY_UINT32;
    case 'L': return NPY_UINT64;
    case 'f': return NPY_FLOAT32;
    case 'd': return NPY_FLOAT64;
    case 'F': return NPY_COMPLEX64;
    case 'D': return NPY_COMPLEX128;
    }
    return NPY_NOTYPE;
}

static const char npy_chars[NJ_T_NSCALAR] = {
#define SCALAR(id, code, name, kind, bits, npchar, llvm, c, fmt) npchar,
#include "type/scalars.def"
#undef SCALAR
};

int nj_npy_num(NjScalar s)
{
    return s < NJ_T_NSCALAR ? npy_num_of_char(npy_chars[s]) : NPY_NOTYPE;
}

static void npy_fill_table(void)
{
    memset(nj_npy_scalar_of_num, NJ_T_NSCALAR, sizeof nj_npy_scalar_of_num);
    for (int s = 0; s < NJ_T_NSCALAR; s++)
        nj_npy_scalar_of_num[nj_npy_num((NjScalar)s)] = (uint8_t)s;
    /* The C types that share a width with one above. */
    nj_npy_scalar_of_num[NPY_LONGLONG] = NJ_T_I64;
    nj_npy_scalar_of_num[NPY_ULONGLONG] = NJ_T_U64;
    nj_npy_scalar_of_num[NPY_LONG] = sizeof(long) == 8 ? NJ_T_I64 : NJ_T_I32;
    nj_npy_scalar_of_num[NPY_ULONG] = sizeof(long) == 8 ? NJ_T_U64 : NJ_T_U32;
}

int nj_npy_maybe(void)
{
    if (nj_npy_ready)
        return 1;
    PyObject *modules = PyImport_GetModuleDict(), *np = modules ? PyDict_GetItemString(modules, "numpy") : NULL;
    if (!np || np == Py_None)                         /* None there forbids the import */
        return 0;
    return nj_npy_need() < 0 ? -1 : 1;
}

/* -- NumPy's scalar classes ----------------------------------------------------------------------------- */

static struct { PyTypeObject *cls; NjScalar s; } npy_classes[15];     /* filled once, with the C API */

static void npy_fill_classes(void)
{
    int n = 0;
#define CLASS(stem, scalar) npy_classes[n].cls = &Py##stem##ArrType_Type, npy_classes[n++].s = scalar
    CLASS(Double, NJ_T_F64);
    CLASS(Float, NJ_T_F32);
    CLASS(Bool, NJ_T_BOOL);
    CLASS(Byte, NJ_T_I8);
    CLASS(Short, NJ_T_I16);
    CLASS(Int, NJ_T_I32);
    CLASS(Long, sizeof(long) == 8 ? NJ_T_I64 : NJ_T_I32);
    CLASS(LongLong, NJ_T_I64);
    CLASS(UByte, NJ_T_U8);
    CLASS(UShort, NJ_T_U16);
    CLASS(UInt, NJ_T_U32);
    CLASS(ULong, sizeof(long) == 8 ? NJ_T_U64 : NJ_T_U32);
    CLASS(ULongLong, NJ_T_U64);
    CLASS(CFloat, NJ_T_C64);
    CLASS(CDouble, NJ_T_C128);
#undef CLASS
}

NjScalar nj_npy_scalar_of_class(PyTypeObject *t)
{
    for (size_t i = 0; i < NJ_COUNT(npy_classes); i++)
        if (npy_classes[i].cls == t)
            return npy_classes[i].s;
    return NJ_T_NSCALAR;
}

int nj_npy_need(void)
{
    if (nj_npy_ready)
        return 0;
    if (_import_array() < 0 || _import_umath() < 0)
        return -1;
    npy_fill_classes();
    nj_npy_ready = true;
    return 0;
}

PyMethodDef nj_npy_methods[] = {{0}};

int nj_npy_init(PyObject *module)
{
    npy_fill_table();
    return 0;
}
