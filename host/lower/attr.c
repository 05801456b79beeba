/* attr.c - x.name, by a table of kinds and names as inference has one. Also fields of records and named tuples. */
#include "lower/lower.h"

typedef NjParts (*AttrFn)(NjLow *l, NjParts x, const NjType *t);

static NjParts same_type(NjLow *l, const NjType *t, NjRef *at)
{
    NjParts p = nj_low_parts(l, t);
    memcpy(p.at, at, p.n * sizeof *at);
    return p;
}

static NjParts attr_shape(NjLow *l, NjParts x, const NjType *t) { return same_type(l, t, nj_low_arr(l, x).shape); }
static NjParts attr_strides(NjLow *l, NjParts x, const NjType *t) { return same_type(l, t, nj_low_arr(l, x).strides); }
static NjParts attr_ndim(NjLow *l, NjParts x, const NjType *t)
{
    return nj_low_scalar(l, t, nj_low_int(l, t, x.type->ndim));
}
static NjParts attr_itemsize(NjLow *l, NjParts x, const NjType *t)
{
    return nj_low_scalar(l, t, nj_low_int(l, t, x.type->elem->nbytes));
}

static NjParts attr_size(NjLow *l, NjParts x, const NjType *t)
{
    NjArr a = nj_low_arr(l, x);
    return nj_low_scalar(l, t, nj_low_arr_size(l, &a));
}

static NjParts attr_nbytes(NjLow *l, NjParts x, const NjType *t)
{
    NjArr a = nj_low_arr(l, x);
    NjRef n = nj_low_arr_size(l, &a);
    return nj_low_scalar(l, t, nj_low_i(l, NJ_OP_mul, n, nj_low_size(l, a.type->elem)));
}

static NjParts attr_none(NjLow *l, NjParts x, const NjType *t) { (void)x; return nj_low_zeros(l, t); }

static NjParts attr_transpose(NjLow *l, NjParts x, const NjType *t)
{
    NjArr a = nj_low_arr(l, x);
    unsigned n = t->ndim;
    NjArr out = {.type = t, .data = a.data, .owner = a.owner, .shape = NJ_NEWN(l->arena, NjRef, n + 1),
                 .strides = NJ_NEWN(l->arena, NjRef, n + 1)};
    for (unsigned d = 0; d < n; d++) {
        out.shape[d] = a.shape[n - 1 - d];
        out.strides[d] = a.strides[n - 1 - d];
    }
    return nj_low_arr_parts(l, &out, t);
}

static NjParts attr_real(NjLow *l, NjParts x, const NjType *t) { return nj_low_scalar(l, t, x.at[0]); }

static NjParts attr_imag(NjLow *l, NjParts x, const NjType *t)
{
    return x.type->kind == NJ_K_COMPLEX ? nj_low_scalar(l, t, x.at[1]) : nj_low_zeros(l, t);
}

static NjParts attr_self(NjLow *l, NjParts x, const NjType *t) { (void)l; return (NjParts){x.at, x.n, t}; }
static NjParts attr_start(NjLow *l, NjParts x, const NjType *t) { return nj_low_scalar(l, t, x.at[0]); }
static NjParts attr_stop(NjLow *l, NjParts x, const NjType *t) { return nj_low_scalar(l, t, x.at[1]); }
static NjParts attr_step(NjLow *l, NjParts x, const NjType *t) { return nj_low_scalar(l, t, x.at[2]); }

/* Kind 255: any. The first row that fits counts. */
static const struct { uint8_t kind; const char *name; AttrFn fn; } attrs[] = {
    {NJ_K_ARRAY, "shape", attr_shape}, {NJ_K_ARRAY, "strides", attr_strides}, {NJ_K_ARRAY, "size", attr_size},
    {NJ_K_ARRAY, "ndim", attr_ndim}, {NJ_K_ARRAY, "itemsize", attr_itemsize}, {NJ_K_ARRAY, "nbytes", attr_nbytes},
    {NJ_K_ARRAY, "T", attr_transpose}, {NJ_K_DTYPE, "itemsize", attr_itemsize},
    {NJ_K_RANGE, "start", attr_start}, {NJ_K_RANGE, "stop", attr_stop}, {NJ_K_RANGE, "step", attr_step},
    {NJ_K_SLICE, "start", attr_start}, {NJ_K_SLICE, "stop", attr_stop}, {NJ_K_SLICE, "step", attr_step},
    {255, "real", attr_real}, {255, "imag", attr_imag}, {255, "conjugate", attr_self}, {255, "dtype", attr_none},
    {255, "value", attr_self},
    {255, "type", attr_none},
};

static int field_index(const NjType *t, const char *name)
{
    for (uint32_t i = 0; t->names && i < t->nelem; i++)
        if (!strcmp(t->names[i], name))
            return (int)i;
    return -1;
}

static NjParts record_field(NjLow *l, NjParts x, unsigned i)
{
    const NjType *elem = x.type->elems[i];
    NjRef at = nj_low_offset(l, x.at[0], nj_low_int(l, l->i64, x.type->offsets[i]));
    return nj_low_arr_load(l, elem, nj_low_ptr(l, at, elem, nj_low_core_type(l, at)->space));
}

static bool find_attr(NjLow *l, NjParts x, const char *name, const NjType *t, NjParts *out)
{
    int field = field_index(x.type, name);
    if (field >= 0) {
        *out = x.type->kind == NJ_K_RECORD ? record_field(l, x, (unsigned)field) : nj_low_sub(l, x, (unsigned)field);
        return true;
    }
    for (size_t i = 0; i < NJ_COUNT(attrs); i++)
        if ((attrs[i].kind == x.type->kind || attrs[i].kind == 255) && !strcmp(attrs[i].name, name)) {
            *out = attrs[i].fn(l, x, t);
            return true;
        }
    return false;
}

void nj_low_getattr(NjLow *l, NjRef r)
{
    const NjVal *v = nj_val(l->py, r);
    const NjConst *k = nj_low_static(l, r);
    NjParts out;
    if (v->type->kind == NJ_K_OBJ || v->type->kind == NJ_K_DTYPE)
        return;
    if (k) {
        nj_low_set(l, r, nj_low_const(l, k, v->type));
        return;
    }
    NjParts x = nj_low_get(l, v->args[0]);
    if (x.type->kind == NJ_K_OPTIONAL)
        x = nj_low_cast(l, x, x.type->elem);
    if (find_attr(l, x, v->imm.name, v->type, &out))
        nj_low_set(l, r, out);
    else
        nj_low_nyi(l, nj_arena_printf(l->arena, "the attribute '%s' of %s", v->imm.name, x.type->name));
}
