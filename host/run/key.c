/* key.c - the content of a compile unit as one hash: equal keys mean equal machine code.
 *
 * In: the root's code with every value it and its callees refer to, types, options, target, and facts about this
 * machine and these libraries. Out: 32 bytes, and the named parts they are made of. Left out on purpose: file names
 * and positions (a row of the exception table finds its line in the live code, entry.c), so that a comment, a blank
 * line or a moved file changes nothing; unless the code is to carry line tables. Functions are numbered in the order
 * they are met, so recursion ends and addresses do not matter.
 */
#include "run/cache.h"

/* A field that the compiler reads and the key does not would make stale hits. When one of these fails: write the new
 * field in put_opts, put_type, put_const or put_code below (or say there why it does not matter), then correct the
 * number. */
_Static_assert(sizeof(NjOpts) == 32, "NjOpts has changed: does the cache's key have the new field? (host/run/key.c)");
_Static_assert(sizeof(NjType) == 72, "NjType has changed: does the cache's key have the new field? (host/run/key.c)");
_Static_assert(sizeof(NjConst) == 48, "NjConst has changed: does the cache's key have the new field? (host/run/key.c)");
_Static_assert(sizeof(NjCode) == 272, "NjCode has changed: does the cache's key have the new field? (host/run/key.c)");

enum { CO_HAS_DOCSTRING = 0x4000000 };

typedef struct KeyWriter {
    NjKey *k;
    NjHasher h;                             /* of the part being written */
    NjKeyPart part;
    NJ_VEC(const NjConst *) modules;        /* of the function being written: they refer to each other */
    NjMap *codes, *excs;                    /* function, class (its address) -> 1 + its number in k->codes, k->excs */
    bool failed;
} KeyWriter;

/* -- writing: every value has its length or a fixed size, so that no two inputs read the same -------------------- */

static void put_u64(KeyWriter *w, uint64_t x)
{
    uint8_t b[8];
    for (unsigned i = 0; i < 8; i++)
        b[i] = (uint8_t)(x >> 8 * i);
    nj_hasher_put(&w->h, b, sizeof b);
}

static void put_bytes(KeyWriter *w, const void *p, size_t n)
{
    put_u64(w, n);
    if (n)
        nj_hasher_put(&w->h, p, n);
}

static void put_str(KeyWriter *w, const char *s)
{
    put_u64(w, s != NULL);
    if (s)
        put_bytes(w, s, strlen(s));
}

static void put_f64(KeyWriter *w, double x)
{
    uint64_t bits;                          /* -0.0 and every NaN are themselves */
    memcpy(&bits, &x, sizeof bits);
    put_u64(w, bits);
}

static void part_open(KeyWriter *w)
{
    nj_hasher_init(&w->h);
    w->part = (NjKeyPart){0};
}

static void part_close(KeyWriter *w, const char *name)
{
    w->part.name = name;
    nj_hasher_done(&w->h, w->part.digest);
    w->failed |= !nj_vec_push(w->k->arena, &w->k->parts, w->part);
}

/* For nj_key_part_text; no part of the hash. */
static void part_shows(KeyWriter *w, const NjConst *const *at, uint32_t n)
{
    w->part.values = n ? at : NULL;
    w->part.nvalues = n;
    w->part.several = true;
}

/* -- types -------------------------------------------------------------------------------------------------------- */

/* By structure: ids depend on the order in which a process met its types. */
static void put_type(KeyWriter *w, const NjType *t)
{
    put_u64(w, t != NULL);
    if (!t)
        return;
    put_u64(w, (uint64_t)t->kind | (uint64_t)t->bits << 8 | (uint64_t)t->ndim << 16 | (uint64_t)t->layout << 24 |
               (uint64_t)t->space << 32 | (uint64_t)t->readonly << 40 | (uint64_t)t->intrin << 48);
    put_u64(w, (uint64_t)t->nelem << 32 | t->nbytes);
    put_str(w, t->names || t->kind == NJ_K_RECORD ? t->name : NULL);
    put_type(w, t->elem);
    for (uint32_t i = 0; i < t->nelem && t->elems; i++) {
        put_type(w, t->elems[i]);
        put_str(w, t->names ? t->names[i] : NULL);
        put_u64(w, t->offsets ? t->offsets[i] : 0);
    }
}

static void put_types(KeyWriter *w, const NjType *const *at, uint32_t n)
{
    put_u64(w, n);
    for (uint32_t i = 0; i < n; i++)
        put_type(w, at[i]);
}

/* -- values -------------------------------------------------------------------------------------------------------- */

static void put_const(KeyWriter *w, const NjConst *k);

static void put_consts(KeyWriter *w, const NjConst *const *at, uint32_t n)
{
    put_u64(w, n);
    for (uint32_t i = 0; i < n; i++)
        put_const(w, at[i]);
}

/* The number of a function; a new one waits for its turn. */
static void put_func(KeyWriter *w, const NjCode *code)
{
    uintptr_t number = (uintptr_t)nj_map_get(w->codes, &code, sizeof code);
    if (!number) {
        w->failed |= !nj_vec_push(w->k->arena, &w->k->codes, code);
        number = w->k->codes.n;
        w->failed |= !nj_map_put(w->codes, &code, sizeof code, (void *)number);
    }
    put_u64(w, number - 1);
}

static void put_module(KeyWriter *w, const NjConst *k)
{
    uint32_t i = 0;
    while (i < w->modules.n && w->modules.at[i] != k)
        i++;
    put_u64(w, i);
    if (i < w->modules.n || !nj_vec_push(w->k->arena, &w->modules, k))
        return;
    put_u64(w, k->module.n);
    for (uint32_t a = 0; a < k->module.n; a++) {
        put_str(w, k->module.attrs[a].name);
        put_const(w, k->module.attrs[a].value);
    }
}

static void put_tuple(KeyWriter *w, const NjConst *k)
{
    put_consts(w, k->tuple.at, k->tuple.n);
    put_str(w, k->tuple.names ? k->name : NULL);
    for (uint32_t i = 0; k->tuple.names && i < k->tuple.n; i++)
        put_str(w, k->tuple.names[i]);
}

static void put_array(KeyWriter *w, const NjConst *k)
{
    for (unsigned i = 0; k->type && i < k->type->ndim; i++)
        put_u64(w, (uint64_t)k->array.shape[i]);
    put_bytes(w, k->array.data, k->array.nbytes);
}

/* The class itself is looked up in the live program by its place in k->excs, the first one where it is met: which of
 * them are the same class is therefore part of the key. */
static void put_exc(KeyWriter *w, const NjConst *k)
{
    uintptr_t number = (uintptr_t)nj_map_get(w->excs, &k->object, sizeof k->object);
    if (!number) {
        number = w->k->excs.n + 1u;
        w->failed |= !nj_map_put(w->excs, &k->object, sizeof k->object, (void *)number);
    }
    put_u64(w, number - 1);
    w->failed |= !nj_vec_push(w->k->arena, &w->k->excs, k);
}

/* Names tell math.fmod from numpy.fmod, which are one intrinsic, and int from int64, which are one type. A function has
 * its own name in put_code; a module's is for messages only. */
static void put_const(KeyWriter *w, const NjConst *k)
{
    put_u64(w, k ? (uint64_t)k->kind + 1 : 0);
    if (!k)
        return;
    put_type(w, k->type);
    put_str(w, k->kind == NJ_C_MODULE || k->kind == NJ_C_FUNC ? NULL : k->name);
    switch (k->kind) {
    case NJ_C_MISSING: case NJ_C_NONE: case NJ_C_ELLIPSIS: case NJ_C_OBJECT: break;
    case NJ_C_TYPE:
        if (nj_type_is(k->type, NJ_K_TUPLE))
            put_tuple(w, k);
        break;
    case NJ_C_BOOL:    put_u64(w, k->b); break;
    case NJ_C_INT:     put_u64(w, (uint64_t)k->i); break;
    case NJ_C_UINT:    put_u64(w, k->u); break;
    case NJ_C_FLOAT:   put_f64(w, k->f); break;
    case NJ_C_COMPLEX: put_f64(w, k->c[0]), put_f64(w, k->c[1]); break;
    case NJ_C_BIGINT:
    case NJ_C_STR:     put_bytes(w, k->str.text, k->str.n); break;
    case NJ_C_TUPLE:   put_tuple(w, k); break;
    case NJ_C_INTRIN:  put_u64(w, k->intrin); break;       /* row numbers are a build's own; the build is in the key */
    case NJ_C_MODULE:  put_module(w, k); break;
    case NJ_C_FUNC:    put_func(w, k->code); break;
    case NJ_C_ARRAY:   put_array(w, k); break;
    case NJ_C_EXC:     put_exc(w, k); break;
    }
}

/* -- functions ----------------------------------------------------------------------------------------------------- */

static void put_names(KeyWriter *w, const char *const *at, uint32_t n)
{
    put_u64(w, n);
    for (uint32_t i = 0; i < n; i++)
        put_str(w, at[i]);
}

static void put_opts(KeyWriter *w, const NjOpts *o)
{
    w->part.opts = o;
    put_u64(w, o->error_model);
    put_u64(w, (uint64_t)o->fastmath | (uint64_t)o->fast_flags << 8 | (uint64_t)o->boundscheck << 16 |
                   (uint64_t)o->debug << 17 | (uint64_t)o->lineinfo << 18 | (uint64_t)o->device << 19 |
                   (uint64_t)o->inline_hint << 24 | (uint64_t)o->opt << 32);
    put_u64(w, o->max_registers);
    for (unsigned i = 0; i < 3; i++)
        put_u64(w, o->launch_bounds[i]);
}

/* The version, because the same bytes mean other things in another one. names are attributes, too. */
static void put_bytecode(KeyWriter *w, const NjCode *c)
{
    put_u64(w, c->version);
    put_u64(w, c->flags & ~(uint32_t)CO_HAS_DOCSTRING);
    put_bytes(w, c->bytes, c->nbytes);
    put_bytes(w, c->exctable, c->nexctable);
    put_names(w, c->names, c->nnames);
    put_names(w, c->locals, c->nlocals);
    put_names(w, c->cells, c->ncells);
    put_names(w, c->frees, c->nfrees);
    put_u64(w, c->nargs);
    put_u64(w, c->nposonly);
    put_u64(w, c->nkwonly);
}

/* A first constant that the code does not load is a docstring, or the None in place of one: no part of it; its place
 * is. */
static void put_literals(KeyWriter *w, const NjCode *c)
{
    uint32_t first = c->nconsts && !nj_front_loads_const(c, 0);
    put_u64(w, c->nconsts);
    put_u64(w, first);
    for (uint32_t i = first; i < c->nconsts; i++)
        put_const(w, c->consts[i]);
    part_shows(w, c->consts + first, c->nconsts - first);
}

static void put_defaults(KeyWriter *w, const NjCode *c)
{
    put_consts(w, c->defaults, c->ndefaults);
    put_consts(w, c->kwdefaults, c->kwdefaults ? c->nkwonly : 0);
    part_shows(w, c->defaults, c->ndefaults);
}

static void put_sigs(KeyWriter *w, const NjCode *c)
{
    put_u64(w, (uint64_t)c->nsigs << 1 | c->nopython_only);
    for (uint32_t i = 0; i < c->nsigs; i++) {
        put_types(w, c->sigs[i].args, c->sigs[i].nargs);
        put_type(w, c->sigs[i].ret);
    }
}

static void put_positions(KeyWriter *w, const NjCode *c)
{
    put_str(w, c->file);
    put_str(w, c->qualname);
    put_u64(w, c->first_line);
    for (uint32_t i = 0; i < c->nbytes / 2; i++) {
        put_u64(w, (uint64_t)c->pos[i].line << 32 | c->pos[i].end_line);
        put_u64(w, (uint64_t)c->pos[i].col << 32 | c->pos[i].end_col);
    }
}

typedef void (*PartFn)(KeyWriter *w, const NjCode *c);
static const struct { const char *name; PartFn put; } code_parts[] = {
    {"bytecode of %s", put_bytecode}, {"constants of %s", put_literals}, {"defaults of %s", put_defaults},
    {"signatures of %s", put_sigs},
};

/* "global f.K": one part for each value explains a miss by name. Names without a value are no globals. */
static void put_values(KeyWriter *w, const NjCode *c, const char *what, const char *const *names,
                       const NjConst *const *at, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (!at || !at[i] || at[i]->kind == NJ_C_MISSING)
            continue;
        part_open(w);
        put_const(w, at[i]);
        w->part.values = &at[i];
        w->part.nvalues = 1;
        part_close(w, nj_arena_printf(w->k->arena, "%s %s.%s", what, c->name, names[i]));
    }
}

static void put_code(KeyWriter *w, const NjCode *c)
{
    w->modules.n = 0;
    for (size_t i = 0; i < NJ_COUNT(code_parts); i++) {
        part_open(w);
        put_str(w, c->name);                /* symbols are made of it */
        code_parts[i].put(w, c);
        part_close(w, nj_arena_printf(w->k->arena, code_parts[i].name, c->name));
    }
    put_values(w, c, "global", c->names, c->globals, c->nnames);
    put_values(w, c, "closure", c->frees, c->freevals, c->nfrees);
    part_open(w);
    put_opts(w, &c->opts);
    part_close(w, nj_arena_printf(w->k->arena, "options of %s", c->name));
    if (w->k->ask->opts->debug || w->k->ask->opts->lineinfo) {
        part_open(w);
        put_positions(w, c);
        part_close(w, nj_arena_printf(w->k->arena, "lines of %s", c->name));
    }
}

/* -- the unit ------------------------------------------------------------------------------------------------------ */

static void put_ask(KeyWriter *w, const NjKeyAsk *ask)
{
    part_open(w);
    put_types(w, ask->args, ask->nargs);
    put_type(w, ask->ret);
    part_close(w, "signature");
    part_open(w);
    put_opts(w, ask->opts);
    part_close(w, "options");
    part_open(w);
    put_u64(w, ask->root);
    put_str(w, ask->target->name);
    put_str(w, ask->target->triple);
    put_str(w, ask->target->layout);
    part_close(w, "target");
    for (uint32_t i = 0; i < ask->nfacts; i++) {
        part_open(w);
        put_str(w, ask->facts[i].text);
        w->part.fact = ask->facts[i].text;
        part_close(w, ask->facts[i].name);
    }
}

static void key_of_parts(NjKey *k)
{
    NjHasher h;
    nj_hasher_init(&h);
    for (uint32_t i = 0; i < k->parts.n; i++) {
        nj_hasher_put(&h, k->parts.at[i].name, strlen(k->parts.at[i].name) + 1);
        nj_hasher_put(&h, k->parts.at[i].digest, NJ_DIGEST);
    }
    nj_hasher_done(&h, k->id);
}

NjStatus nj_key_make(NjArena *a, const NjKeyAsk *ask, NjKey *out)
{
    *out = (NjKey){.arena = a, .ask = ask};
    KeyWriter w = {.k = out, .codes = nj_map_new(a), .excs = nj_map_new(a)};
    if (!w.codes || !w.excs)
        return NJ_E_NOMEM;
    put_ask(&w, ask);
    if (!nj_vec_push(a, &out->codes, ask->code) || !nj_map_put(w.codes, &ask->code, sizeof ask->code, (void *)1))
        return NJ_E_NOMEM;
    for (uint32_t i = 0; i < out->codes.n && !w.failed; i++)        /* grows as functions are met */
        put_code(&w, out->codes.at[i]);
    key_of_parts(out);
    return w.failed || nj_arena_failed(a) ? NJ_E_NOMEM : NJ_OK;
}
