/* infer_attr.c - typers of x.name and x.name = y, by a table of kinds and names. Modules are gone by now. */
#include "type/infer.h"

typedef const NjType *(*AttrFn)(Infer *in, const NjType *t);

static const NjType *attr_i64(Infer *in, const NjType *t) { return infer_scalar(in, NJ_T_I64); }
static const NjType *attr_shape(Infer *in, const NjType *t)
{
    return nj_type_unituple(in->ts, attr_i64(in, t), t->ndim);
}

static const NjType *attr_dtype(Infer *in, const NjType *t) { return nj_type_dtype(in->ts, t->elem); }
static const NjType *attr_own_dtype(Infer *in, const NjType *t) { return nj_type_dtype(in->ts, t); }
static const NjType *attr_self(Infer *in, const NjType *t) { return t; }
static const NjType *attr_elem(Infer *in, const NjType *t) { return t->elem; }
static const NjType *attr_part(Infer *in, const NjType *t) { return nj_type_float(in->ts, t->bits / 2); }
static const NjType *attr_conj(Infer *in, const NjType *t) { return nj_type_method(in->ts, t, NJ_INTRIN_CONJ); }

static const NjType *attr_transpose(Infer *in, const NjType *t)
{
    NjLayout layout = t->ndim <= 1 || t->layout == NJ_LAYOUT_A ? (NjLayout)t->layout
                    : t->layout == NJ_LAYOUT_C ? NJ_LAYOUT_F : NJ_LAYOUT_C;
    return nj_type_array(in->ts, t->elem, t->ndim, layout, t->readonly);
}

static const struct { uint8_t kind; const char *name; AttrFn type; } attrs[] = {
    {NJ_K_ARRAY, "shape", attr_shape},      {NJ_K_ARRAY, "strides", attr_shape},   {NJ_K_ARRAY, "size", attr_i64},
    {NJ_K_ARRAY, "ndim", attr_i64},         {NJ_K_ARRAY, "itemsize", attr_i64},    {NJ_K_ARRAY, "nbytes", attr_i64},
    {NJ_K_ARRAY, "dtype", attr_dtype},      {NJ_K_ARRAY, "T", attr_transpose},
    {NJ_K_DTYPE, "type", attr_self},        {NJ_K_DTYPE, "itemsize", attr_i64},
    {NJ_K_COMPLEX, "real", attr_part},      {NJ_K_COMPLEX, "imag", attr_part},
    {NJ_K_COMPLEX, "conjugate", attr_conj},
    {NJ_K_FLOAT, "real", attr_self},        {NJ_K_FLOAT, "imag", attr_self},       {NJ_K_FLOAT, "conjugate", attr_conj},
    {NJ_K_INT, "real", attr_self},          {NJ_K_INT, "imag", attr_self},         {NJ_K_INT, "conjugate", attr_conj},
    {NJ_K_UINT, "real", attr_self},         {NJ_K_UINT, "imag", attr_self},        {NJ_K_UINT, "conjugate", attr_conj},
    {NJ_K_INT, "value", attr_self},         {NJ_K_UINT, "value", attr_self},       /* of members of an IntEnum */
    {NJ_K_BOOL, "dtype", attr_own_dtype},   {NJ_K_INT, "dtype", attr_own_dtype},   {NJ_K_UINT, "dtype", attr_own_dtype},
    {NJ_K_FLOAT, "dtype", attr_own_dtype},  {NJ_K_COMPLEX, "dtype", attr_own_dtype},
    {NJ_K_RANGE, "start", attr_elem},       {NJ_K_RANGE, "stop", attr_elem},       {NJ_K_RANGE, "step", attr_elem},
    {NJ_K_SLICE, "start", attr_i64},        {NJ_K_SLICE, "stop", attr_i64},        {NJ_K_SLICE, "step", attr_i64},
};

static const NjType *field(const NjType *t, const char *name)
{
    for (uint32_t i = 0; t->names && i < t->nelem; i++)
        if (!strcmp(t->names[i], name))
            return t->elems[i];
    return NULL;
}

/* What NumPy's arrays have and compiled code does not. */
static bool is_of_ndarray(const char *name)
{
    static const char *const names[] = {
        "all", "any", "argmax", "argmin", "argpartition", "argsort", "astype", "base", "byteswap", "choose", "clip",
        "compress", "conj", "conjugate", "copy", "cumprod", "cumsum", "data", "diagonal", "dot", "dump", "fill",
        "flags", "flat", "flatten", "imag", "item", "max", "mean", "min", "nonzero", "partition", "prod", "ptp",
        "put", "ravel", "real", "repeat", "reshape", "resize", "round", "searchsorted", "sort", "squeeze", "std",
        "sum", "swapaxes", "take", "tobytes", "tofile", "tolist", "trace", "transpose", "var", "view"};
    for (size_t i = 0; i < NJ_COUNT(names); i++)
        if (!strcmp(names[i], name))
            return true;
    return false;
}

const NjType *nj_infer_op_getattr(Infer *in, NjRef r)
{
    const NjVal *v = nj_val(in->f, r);
    const NjType *t = infer_bare(infer_arg(in, r, 0)), *found = field(t, v->imm.name);
    const NjConst *k = nj_infer_known(in, v->args[0]);
    for (size_t i = 0; !found && i < NJ_COUNT(attrs); i++)
        if (attrs[i].kind == t->kind && !strcmp(attrs[i].name, v->imm.name))
            found = attrs[i].type(in, t);
    if (found)
        return found;
    if (t->kind == NJ_K_ARRAY && is_of_ndarray(v->imm.name)) {
        const char *attribute = nj_arena_printf(in->arena, "'%s' of an array", v->imm.name);
        nj_infer_note_args(in, infer_fail(in, r, NJ_ERR_NYI_ARRAY, attribute), r);
        return NULL;
    }
    const char *what = t->kind == NJ_K_OBJ && k && k->name ? k->name : infer_arg(in, r, 0)->name;
    nj_infer_note_args(in, infer_fail(in, r, NJ_ERR_TYPE_ATTR, what, v->imm.name), r);
    return NULL;
}

const NjType *nj_infer_op_setattr(Infer *in, NjRef r)
{
    const NjVal *v = nj_val(in->f, r);
    const NjType *t = infer_bare(infer_arg(in, r, 0)), *value = infer_bare(infer_arg(in, r, 1));
    const NjType *to = t->kind == NJ_K_RECORD ? field(t, v->imm.name) : NULL;
    if (to && nj_type_conv(value, to))
        return nj_type_none(in->ts);
    NjDiag *g = to ? infer_fail(in, r, NJ_ERR_TYPE_SETITEM, value->name, to->name)
                   : infer_fail(in, r, NJ_ERR_TYPE_ATTR, t->name, v->imm.name);
    nj_infer_note_args(in, g, r);
    return NULL;
}
