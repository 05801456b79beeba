/* type.c - making and asking types: one object for each type, found by its IR spelling.
 *
 * In: kinds and element types. Out: pointers that are equal when the types are, valid as long as the NjTypes.
 * The IR spelling (`code`) names a type completely, so it is the key; what users see (`name`) is written beside it.
 * The lock is held while the table is read or grown; the objects themselves never change once published.
 */
#include "type/type.h"

#include "base/lock.h"
#include "type/inside.h"

/* A type and all it points to are one block. */
typedef struct Node { struct Node *older; NjType t; } Node;

struct NjTypes {
    NjLock   lock;
    Node    *newest;                  /* every type, for nj_types_free */
    const NjType **slots;             /* hash table by code, open addressing */
    uint32_t nslots;                  /* a power of 2, at least twice `count` */
    uint32_t count;
    uint32_t failures;                /* times that a type came out as the error type, for want of memory */
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

static uint32_t slot_of(const NjTypes *ts, const char *code, size_t n)
{
    uint32_t i = (uint32_t)nj_hash(code, n, 0) & (ts->nslots - 1);
    while (ts->slots[i] && (strncmp(ts->slots[i]->code, code, n) || ts->slots[i]->code[n]))
        i = (i + 1) & (ts->nslots - 1);
    return i;
}

static bool grow(NjTypes *ts)
{
    NjTypes wide = *ts;
    wide.nslots = ts->nslots ? 2 * ts->nslots : 256;
    wide.slots = nj_calloc(wide.nslots, sizeof *wide.slots);
    if (!wide.slots)
        return false;
    for (uint32_t i = 0; i < ts->nslots; i++)
        if (ts->slots[i])
            wide.slots[slot_of(&wide, ts->slots[i]->code, strlen(ts->slots[i]->code))] = ts->slots[i];
    nj_free(ts->slots);
    ts->slots = wide.slots;
    ts->nslots = wide.nslots;
    return true;
}

static size_t names_size(const NjType *t)
{
    size_t n = 0;
    for (uint32_t i = 0; t->names && i < t->nelem; i++)
        n += strlen(t->names[i]) + 1;
    return n;
}

static void *put_bytes(char **to, const void *from, size_t n)
{
    char *at = *to;
    if (n)
        memcpy(at, from, n);
    *to += n;
    return at;
}

/* Pointers first, then offsets, then text: aligned without padding. */
static Node *node_new(const NjType *proto, const char *code, const char *name)
{
    size_t nptr = proto->nelem * sizeof(void *), noff = proto->offsets ? proto->nelem * sizeof(uint32_t) : 0;
    Node *node = nj_malloc(sizeof *node + 2 * nptr + noff + names_size(proto) + strlen(code) + strlen(name) + 2);
    if (!node)
        return NULL;
    char *to = (char *)(node + 1);
    NjType *t = &node->t;
    *t = *proto;
    t->elems = proto->elems ? put_bytes(&to, proto->elems, nptr) : NULL;
    const char **names = proto->names ? put_bytes(&to, proto->names, nptr) : NULL;
    t->offsets = noff ? put_bytes(&to, proto->offsets, noff) : NULL;
    for (uint32_t i = 0; names && i < t->nelem; i++)
        names[i] = put_bytes(&to, proto->names[i], strlen(proto->names[i]) + 1);
    t->names = names;
    t->code = put_bytes(&to, code, strlen(code) + 1);
    t->name = put_bytes(&to, name, strlen(name) + 1);
    return node;
}

static const NjType *publish(NjTypes *ts, const NjType *proto, const char *tag, const char *code)
{
    NjText name;
    nj_text_init(&name);
    put_name(&name, proto, tag);
    bool room = 2 * ts->count < ts->nslots || grow(ts);
    Node *node = room && !name.failed ? node_new(proto, code, name.at) : NULL;
    nj_text_free(&name);
    if (!node) {
        ts->failures++;
        return ts->error;
    }
    node->older = ts->newest;
    ts->newest = node;
    node->t.id = ts->count++;
    ts->slots[slot_of(ts, node->t.code, strlen(node->t.code))] = &node->t;
    return &node->t;
}

static const NjType *intern(NjTypes *ts, const NjType *proto, const char *tag)
{
    NjText code;
    nj_text_init(&code);
    put_code(&code, proto, tag);
    nj_lock(&ts->lock);
    const NjType *t = !code.failed && ts->nslots ? ts->slots[slot_of(ts, code.at, code.n)] : NULL;
    if (!t && !code.failed)
        t = publish(ts, proto, tag, code.at);
    if (code.failed) {
        ts->failures++;
        t = ts->error;
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
    NjTypes *ts = nj_malloc(sizeof *ts);
    if (!ts)
        return NULL;
    *ts = (NjTypes){.lock = NJ_LOCK_INIT};
    add_scalars(ts);
    ts->error = intern_simple(ts, NJ_K_ERROR, "error", "unknown");
    ts->void_ = intern_simple(ts, NJ_K_VOID, "void", "void");
    ts->none = intern_simple(ts, NJ_K_NONE, "none", "none");
    ts->slice = intern_simple(ts, NJ_K_SLICE, "slice", "slice<a:b:c>");
    ts->str = intern_simple(ts, NJ_K_STR, "str", "unicode_type");
    ts->obj = intern_simple(ts, NJ_K_OBJ, "obj", "object");
    if (ts->failures) {
        nj_types_free(ts);
        return NULL;
    }
    ((NjType *)ts->error)->elem = ts->error;  /* so that looking inside what is poisoned finds poison; not shared yet */
    return ts;
}

void nj_types_free(NjTypes *ts)
{
    if (!ts)
        return;
    while (ts->newest) {
        Node *node = ts->newest;
        ts->newest = node->older;
        nj_free(node);
    }
    nj_free(ts->slots);
    nj_free(ts);
}

void nj_types_hold(NjTypes *ts) { nj_lock(&ts->lock); }
void nj_types_let_go(NjTypes *ts) { nj_unlock(&ts->lock); }

uint32_t nj_types_failures(NjTypes *ts)
{
    nj_lock(&ts->lock);
    uint32_t n = ts->failures;
    nj_unlock(&ts->lock);
    return n;
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
    NjType t = {
        .kind = NJ_K_ARRAY, .elem = elem, .ndim = (uint8_t)ndim, .layout = (uint8_t)layout, .readonly = readonly};
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
