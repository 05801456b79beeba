/* type.c - making and asking types: one object for each type, found by its IR spelling.
 *
 * In: kinds and element types. Out: pointers that are equal when the types are, valid as long as the NjTypes.
 * The IR spelling (`code`) names a type completely, so it is the key; what users see (`name`) is written beside it.
 * The lock is held while the table is read or grown; the objects themselves never change once published.
 */
#include "type/type.h"

#include "base/lock.h"
#include "type/inside.h"

struct NjTypes {
    NjLock   lock;
    NjArena *arena;
    NjMap   *by_code;
    uint32_t count;
    bool     failed;                  /* out of memory once: new types come out as the error type */
    const NjType *scalars[NJ_T_NSCALAR];
    const NjType *error, *void_, *none, *slice, *str, *obj;
};

static const char layout_letter[] = "CFA";

/* -- spelling ------------------------------------------------------------------------------------ */

static const char *space_word(NjSpace space)
{
    switch (space) {
    case NJ_SPACE_GLOBAL: return "global";
    case NJ_SPACE_SHARED: return "shared";
    case NJ_SPACE_CONST:  return "const";
    case NJ_SPACE_LOCAL:  return "local";
    default:              return "generic";
    }
}

static void put_elem_codes(NjText *w, const NjType *t)
{
    for (uint32_t i = 0; i < t->nelem; i++) {
        if (i)
            nj_text_char(w, ',');
        if (t->names)
            nj_text_fmt(w, "%s:", t->names[i]);
        nj_text_str(w, t->elems[i]->code);
        if (t->offsets)
            nj_text_fmt(w, "@%u", t->offsets[i]);
    }
}

/* `tag` is a named tuple's own name; scalars and the simple kinds bring their spelling along. */
static void put_code(NjText *w, const NjType *t, const char *tag)
{
    switch (t->kind) {
    case NJ_K_PTR:
        nj_text_fmt(w, t->space ? "ptr(%s,%s)" : "ptr(%s)", t->elem->code, space_word(t->space));
        break;
    case NJ_K_ARRAY:
        nj_text_fmt(w, "array(%s,%u,%c%s)", t->elem->code, t->ndim, layout_letter[t->layout], t->readonly ? ",ro" : "");
        break;
    case NJ_K_TUPLE:
        nj_text_fmt(w, tag ? "named(%s%s" : "tuple(", tag, t->nelem ? "," : "");
        put_elem_codes(w, t);
        nj_text_char(w, ')');
        break;
    case NJ_K_RECORD:
        nj_text_str(w, "record(");
        put_elem_codes(w, t);
        nj_text_fmt(w, ";%u)", t->nbytes);
        break;
    case NJ_K_ZIP:
        nj_text_str(w, "zip(");
        put_elem_codes(w, t);
        nj_text_char(w, ')');
        break;
    case NJ_K_OPTIONAL:  nj_text_fmt(w, "optional(%s)", t->elem->code); break;
    case NJ_K_RANGE:     nj_text_fmt(w, "range(%s)", t->elem->code); break;
    case NJ_K_ITER:      nj_text_fmt(w, "iter(%s)", t->elem->code); break;
    case NJ_K_ENUMERATE: nj_text_fmt(w, "enumerate(%s)", t->elem->code); break;
    case NJ_K_DTYPE:     nj_text_fmt(w, "dtype(%s)", t->elem->code); break;
    case NJ_K_METHOD:    nj_text_fmt(w, "method(%s,%s)", t->elem->code, nj_intrin_id(t->intrin)); break;
    default:             nj_text_str(w, t->code); break;
    }
}

static bool is_uniform(const NjType *t)
{
    for (uint32_t i = 1; i < t->nelem; i++)
        if (t->elems[i] != t->elems[0])
            return false;
    return t->nelem > 0;
}

static void put_elem_names(NjText *w, const NjType *t)
{
    for (uint32_t i = 0; i < t->nelem; i++)
        nj_text_fmt(w, i ? ", %s" : "%s", t->elems[i]->name);
}

static void put_tuple_name(NjText *w, const NjType *t, const char *tag)
{
    if (is_uniform(t)) {
        nj_text_fmt(w, "%s(%s x %u)", tag ? tag : "UniTuple", t->elems[0]->name, t->nelem);
        return;
    }
    nj_text_fmt(w, "%s(", tag ? tag : "Tuple");
    put_elem_names(w, t);
    nj_text_char(w, ')');
}

static void put_record_name(NjText *w, const NjType *t)
{
    nj_text_str(w, "Record(");
    for (uint32_t i = 0; i < t->nelem; i++)
        nj_text_fmt(w, "%s%s[type=%s;offset=%u]", i ? "," : "", t->names[i], t->elems[i]->name, t->offsets[i]);
    nj_text_fmt(w, ";%u;False)", t->nbytes);
}

static void put_name(NjText *w, const NjType *t, const char *tag)
{
    switch (t->kind) {
    case NJ_K_PTR:       nj_text_fmt(w, "%s*", t->elem->name); break;
    case NJ_K_ARRAY:
        nj_text_fmt(w, "%sarray(%s, %ud, %c)", t->readonly ? "readonly " : "", t->elem->name, t->ndim,
                    layout_letter[t->layout]);
        break;
    case NJ_K_TUPLE:     put_tuple_name(w, t, tag); break;
    case NJ_K_RECORD:    put_record_name(w, t); break;
    case NJ_K_OPTIONAL:  nj_text_fmt(w, "OptionalType(%s)", t->elem->name); break;
    case NJ_K_RANGE:     nj_text_fmt(w, "range(%s)", t->elem->name); break;
    case NJ_K_ITER:      nj_text_fmt(w, "iter(%s)", t->elem->name); break;
    case NJ_K_ENUMERATE: nj_text_fmt(w, "enumerate(%s)", t->elem->name); break;
    case NJ_K_ZIP:
        nj_text_str(w, "zip(");
        put_elem_names(w, t);
        nj_text_char(w, ')');
        break;
    case NJ_K_DTYPE:     nj_text_fmt(w, "class(%s)", t->elem->name); break;
    case NJ_K_METHOD:    nj_text_fmt(w, "method %s of %s", nj_intrin_name(t->intrin), t->elem->name); break;
    default:             nj_text_str(w, t->name); break;
    }
}

/* -- interning ------------------------------------------------------------------------------------- */

static void copy_parts(NjArena *a, NjType *t)
{
    if (t->elems)
        t->elems = nj_arena_copy(a, t->elems, t->nelem * sizeof *t->elems);
    if (t->offsets)
        t->offsets = nj_arena_copy(a, t->offsets, t->nelem * sizeof *t->offsets);
    if (t->names) {
        const char **names = NJ_NEWN(a, const char *, t->nelem + 1);
        for (uint32_t i = 0; i < t->nelem; i++)
            names[i] = nj_arena_str(a, t->names[i]);
        t->names = names;
    }
}

static const NjType *publish(NjTypes *ts, const NjType *proto, const char *tag, const NjText *code)
{
    NjText name;
    nj_text_init(&name);
    put_name(&name, proto, tag);
    NjType *t = nj_arena_copy(ts->arena, proto, sizeof *proto);
    copy_parts(ts->arena, t);
    t->id = ts->count;
    t->code = nj_arena_str(ts->arena, code->at);
    t->name = nj_arena_str(ts->arena, name.failed ? code->at : name.at);
    nj_text_free(&name);
    if (nj_arena_failed(ts->arena) || !nj_map_put(ts->by_code, code->at, code->n, t)) {
        ts->failed = true;
        return ts->error;
    }
    ts->count++;
    return t;
}

static const NjType *intern(NjTypes *ts, const NjType *proto, const char *tag)
{
    NjText code;
    nj_text_init(&code);
    put_code(&code, proto, tag);
    nj_lock(&ts->lock);
    const NjType *t = NULL;
    if (code.failed) {
        ts->failed = true;
        t = ts->error;
    } else {
        t = nj_map_get(ts->by_code, code.at, code.n);
        if (!t)
            t = publish(ts, proto, tag, &code);
    }
    nj_unlock(&ts->lock);
    nj_text_free(&code);
    return t;
}

static const NjType *intern_simple(NjTypes *ts, NjKind kind, const char *code, const char *name)
{
    NjType t = {.kind = kind, .code = code, .name = name};
    return intern(ts, &t, NULL);
}

static const NjType *intern_elem(NjTypes *ts, NjKind kind, const NjType *elem)
{
    if (elem->kind == NJ_K_ERROR)
        return elem;
    NjType t = {.kind = kind, .elem = elem};
    return intern(ts, &t, NULL);
}

/* -- the table ---------------------------------------------------------------------------------------- */

static void add_scalars(NjTypes *ts)
{
    static const NjType rows[NJ_T_NSCALAR] = {
#define SCALAR(id_, code_, name_, kind_, bits_, npchar, llvm, c, fmt) \
        [NJ_T_##id_] = {.kind = kind_, .bits = bits_, .nbytes = sizeof(c), .code = code_, .name = name_},
#include "type/scalars.def"
#undef SCALAR
    };
    for (unsigned i = 0; i < NJ_T_NSCALAR; i++)
        ts->scalars[i] = intern(ts, &rows[i], NULL);      /* id == i: nj_type_scalar_of stands on it */
}

NjTypes *nj_types_new(void)
{
    NjArena *a = nj_arena_new();
    if (!a)
        return NULL;
    NjTypes *ts = nj_malloc(sizeof *ts);
    if (!ts) {
        nj_arena_free(a);
        return NULL;
    }
    *ts = (NjTypes){.lock = NJ_LOCK_INIT, .arena = a, .by_code = nj_map_new(a)};
    add_scalars(ts);
    ts->error = intern_simple(ts, NJ_K_ERROR, "error", "unknown");
    ts->void_ = intern_simple(ts, NJ_K_VOID, "void", "void");
    ts->none = intern_simple(ts, NJ_K_NONE, "none", "none");
    ts->slice = intern_simple(ts, NJ_K_SLICE, "slice", "slice<a:b:c>");
    ts->str = intern_simple(ts, NJ_K_STR, "str", "unicode_type");
    ts->obj = intern_simple(ts, NJ_K_OBJ, "obj", "object");
    if (ts->failed || !ts->by_code) {
        nj_types_free(ts);
        return NULL;
    }
    return ts;
}

void nj_types_free(NjTypes *ts)
{
    if (!ts)
        return;
    nj_arena_free(ts->arena);
    nj_free(ts);
}

bool nj_types_failed(NjTypes *ts)
{
    nj_lock(&ts->lock);
    bool failed = ts->failed;
    nj_unlock(&ts->lock);
    return failed;
}

const NjType *nj_type_scalar(NjTypes *ts, NjScalar s) { return ts->scalars[s]; }
const NjType *nj_type_error(NjTypes *ts) { return ts->error; }
const NjType *nj_type_void(NjTypes *ts) { return ts->void_; }
const NjType *nj_type_none(NjTypes *ts) { return ts->none; }
const NjType *nj_type_slice(NjTypes *ts) { return ts->slice; }
const NjType *nj_type_str(NjTypes *ts) { return ts->str; }
const NjType *nj_type_obj(NjTypes *ts) { return ts->obj; }

static unsigned width_step(unsigned bits) { return bits <= 8 ? 0 : bits <= 16 ? 1 : bits <= 32 ? 2 : 3; }

const NjType *nj_type_int(NjTypes *ts, unsigned bits, bool is_signed)
{
    return ts->scalars[(is_signed ? NJ_T_I8 : NJ_T_U8) + width_step(bits)];
}

const NjType *nj_type_float(NjTypes *ts, unsigned bits) { return ts->scalars[bits <= 32 ? NJ_T_F32 : NJ_T_F64]; }
const NjType *nj_type_complex(NjTypes *ts, unsigned bits) { return ts->scalars[bits <= 64 ? NJ_T_C64 : NJ_T_C128]; }

/* -- compound types --------------------------------------------------------------------------------------- */

const NjType *nj_type_ptr(NjTypes *ts, const NjType *elem, NjSpace space)
{
    NjType t = {.kind = NJ_K_PTR, .elem = elem, .space = (uint8_t)space, .nbytes = 8, .bits = 64};
    return elem->kind == NJ_K_ERROR ? elem : intern(ts, &t, NULL);
}

static const NjType *first_error(const NjType *const *elems, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (elems[i]->kind == NJ_K_ERROR)
            return elems[i];
    return NULL;
}

static const NjType *intern_list(NjTypes *ts, NjType t, const char *tag)
{
    const NjType *error = first_error(t.elems, t.nelem);
    return error ? error : intern(ts, &t, tag);
}

const NjType *nj_type_tuple(NjTypes *ts, const NjType *const *elems, unsigned n)
{
    return intern_list(ts, (NjType){.kind = NJ_K_TUPLE, .elems = elems, .nelem = n}, NULL);
}

const NjType *nj_type_namedtuple(NjTypes *ts, const char *name, const NjType *const *elems, const char *const *names,
                                 unsigned n)
{
    return intern_list(ts, (NjType){.kind = NJ_K_TUPLE, .elems = elems, .names = names, .nelem = n}, name);
}

const NjType *nj_type_unituple(NjTypes *ts, const NjType *elem, unsigned n)
{
    const NjType *few[16] = {NULL};
    const NjType **elems = n <= NJ_COUNT(few) ? few : nj_malloc(n * sizeof *elems);
    if (!elems)
        return ts->error;
    for (unsigned i = 0; i < n; i++)
        elems[i] = elem;
    const NjType *t = nj_type_tuple(ts, elems, n);
    if (elems != few)
        nj_free(elems);
    return t;
}

const NjType *nj_type_array(NjTypes *ts, const NjType *elem, unsigned ndim, NjLayout layout, bool readonly)
{
    NjType t = {.kind = NJ_K_ARRAY, .elem = elem, .ndim = (uint8_t)ndim, .layout = (uint8_t)layout, .readonly = readonly};
    return elem->kind == NJ_K_ERROR ? elem : intern(ts, &t, NULL);
}

const NjType *nj_type_optional(NjTypes *ts, const NjType *elem)
{
    return elem->kind == NJ_K_OPTIONAL || elem->kind == NJ_K_NONE ? elem : intern_elem(ts, NJ_K_OPTIONAL, elem);
}

const NjType *nj_type_range(NjTypes *ts, const NjType *elem) { return intern_elem(ts, NJ_K_RANGE, elem); }
const NjType *nj_type_iter(NjTypes *ts, const NjType *over) { return intern_elem(ts, NJ_K_ITER, over); }
const NjType *nj_type_enumerate(NjTypes *ts, const NjType *over) { return intern_elem(ts, NJ_K_ENUMERATE, over); }
const NjType *nj_type_dtype(NjTypes *ts, const NjType *elem) { return intern_elem(ts, NJ_K_DTYPE, elem); }

const NjType *nj_type_zip(NjTypes *ts, const NjType *const *over, unsigned n)
{
    return intern_list(ts, (NjType){.kind = NJ_K_ZIP, .elems = over, .nelem = n}, NULL);
}

const NjType *nj_type_method(NjTypes *ts, const NjType *self, uint16_t intrin)
{
    NjType t = {.kind = NJ_K_METHOD, .elem = self, .intrin = intrin};
    return self->kind == NJ_K_ERROR ? self : intern(ts, &t, NULL);
}

const NjType *nj_type_record(NjTypes *ts, const NjType *const *elems, const char *const *names, const uint32_t *offsets,
                             unsigned n, uint32_t nbytes)
{
    return intern_list(ts, (NjType){.kind = NJ_K_RECORD, .elems = elems, .names = names, .offsets = offsets, .nelem = n,
                                    .nbytes = nbytes}, NULL);
}

/* -- asking ------------------------------------------------------------------------------------------------- */

NjScalar nj_type_scalar_of(const NjType *t)
{
    return t && t->kind >= NJ_K_BOOL && t->kind <= NJ_K_COMPLEX ? (NjScalar)t->id : NJ_T_NSCALAR;
}

bool nj_type_is_int(const NjType *t) { return t && (t->kind == NJ_K_INT || t->kind == NJ_K_UINT); }
bool nj_type_is_integral(const NjType *t) { return t && t->kind >= NJ_K_BOOL && t->kind <= NJ_K_UINT; }
bool nj_type_is_number(const NjType *t) { return t && t->kind >= NJ_K_BOOL && t->kind <= NJ_K_COMPLEX; }
