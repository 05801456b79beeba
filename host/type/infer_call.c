/* infer_call.c - calls: what is called, arguments to parameters, and the type that comes back.
 *
 * A callee is a constant (function, intrinsic, class, exception) or is told by its type (a dtype, a method). Arguments
 * are bound to parameters by position, then by name, then from defaults; infer_finish.c turns the binding into
 * NjCallee.bound, so that lowering looks nothing up.
 */
#include "type/infer.h"

static const struct { const NjType *(*type)(Call *); int min, max; const char *params; } typers[NJ_TYPER_COUNT] = {
#define TYPER(name, min, max, params, doc) [NJ_TYPER_##name] = {nj_typer_##name, min, max, params},
#include "type/typers.def"
#undef TYPER
};

typedef enum Calls { CALLS_NOTHING, CALLS_FUNC, CALLS_INTRIN, CALLS_CAST, CALLS_NAMED, CALLS_EXC } Calls;
typedef struct Target { Calls calls; const NjConst *k; uint16_t intrin; NjRef self; const char *name; } Target;

/* -- what is called ------------------------------------------------------------------------------------------ */

static const NjConst *dtype_const(Infer *in, const NjType *t)
{
    NjConst *k = NJ_NEW(in->arena, NjConst);
    k->kind = NJ_C_TYPE;
    k->type = t;
    k->name = t->name;
    return k;
}

/* "numpy.sin", "cuda.grid", "len": the row's name, or the one of its names that the program used, as people write
 * it. */
static const char *intrin_name(Infer *in, const NjConst *k, uint16_t intrin)
{
    static const char *const drop[] = {"builtins.", "naja."};
    char full[64];
    const char *name = k && k->name && strchr(k->name, '.') ? k->name : nj_intrin_text(intrin, full);
    for (size_t i = 0; i < NJ_COUNT(drop); i++)
        if (!strncmp(name, drop[i], strlen(drop[i])))
            name += strlen(drop[i]);
    return nj_arena_str(in->arena, name);
}

static Target target_of(Infer *in, NjRef r)
{
    NjRef callee = nj_val(in->f, r)->args[0];
    const NjVal *v = nj_val(in->f, callee);
    const NjConst *k = nj_infer_known(in, callee);
    Target t = {.k = k, .name = k && k->name ? k->name : v->type->name};
    if (v->type->kind == NJ_K_DTYPE) {
        t.calls = v->type->elem->kind == NJ_K_TUPLE ? CALLS_NAMED : CALLS_CAST;
        t.k = k && k->kind == NJ_C_TYPE ? k : dtype_const(in, v->type->elem);
    } else if (v->type->kind == NJ_K_METHOD && v->op == NJ_OP_py_getattr) {
        t.calls = CALLS_INTRIN;
        t.intrin = v->type->intrin;
        t.self = v->args[0];
        t.name = intrin_name(in, NULL, t.intrin);
    } else if (k && k->kind == NJ_C_INTRIN) {
        t.calls = CALLS_INTRIN;
        t.intrin = k->intrin;
        t.name = intrin_name(in, k, t.intrin);
    } else if (k && k->kind == NJ_C_FUNC && k->code) {
        t.calls = CALLS_FUNC;
        t.name = k->code->name;
    } else if (k && k->kind == NJ_C_EXC) {
        t.calls = CALLS_EXC;
    }
    return t;
}

/* -- parameters ------------------------------------------------------------------------------------------------- */

/* The parameters of a function or of a typer row, in one shape. */
typedef struct Params { const char *const *names; uint32_t n, npos, nposonly, nneeded; } Params;

static uint32_t nkw_of(const NjVal *v) { return v->imm.callee ? v->imm.callee->nkw : 0; }

static bool say_count(Infer *in, NjRef r, const char *name, uint32_t want, uint32_t given)
{
    infer_fail(in, r, NJ_ERR_TYPE_NARGS, name,
               nj_arena_printf(in->arena, "%u argument%s", want, want == 1 ? "" : "s"), (int)given);
    return false;
}

static bool bind_keyword(Infer *in, NjRef r, const char *name, const Params *p, Arg *args, const char *kw, NjRef ref)
{
    for (uint32_t i = p->nposonly; i < p->n; i++) {
        if (strcmp(p->names[i], kw))
            continue;
        if (args[i].ref) {
            infer_fail(in, r, NJ_ERR_TYPE_KWARG_TWICE, name, kw);
            return false;
        }
        args[i].ref = ref;
        return true;
    }
    infer_fail(in, r, NJ_ERR_TYPE_KWARG, name, kw);
    return false;
}

/* By position, then by name. `self` takes the first place when there is one. */
static bool bind(Infer *in, NjRef r, const Target *t, const Params *p, Arg *args)
{
    const NjVal *v = nj_val(in->f, r);
    uint32_t nkw = nkw_of(v), npos = v->nargs - 1 - nkw, first = t->self != 0;
    if (npos + first > p->npos)
        return say_count(in, r, t->name, p->npos - first, npos);
    if (t->self)
        args[0].ref = t->self;
    for (uint32_t i = 0; i < npos; i++)
        args[first + i].ref = v->args[1 + i];
    for (uint32_t i = 0; i < nkw; i++)
        if (!bind_keyword(in, r, t->name, p, args, v->imm.callee->kwnames[i], v->args[1 + npos + i]))
            return false;
    return true;
}

static void type_args(Infer *in, Arg *args, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        args[i].type = args[i].ref ? infer_type(in, args[i].ref)
                       : args[i].k ? nj_infer_const_type(in->ts, args[i].k)
                                   : NULL;
}

/* -- functions ----------------------------------------------------------------------------------------------------- */

static const NjConst *default_of(const NjConst *k, uint32_t i)
{
    const NjCode *code = k->code;
    if (i >= code->nargs)
        return code->kwdefaults ? code->kwdefaults[i - code->nargs] : NULL;
    uint32_t first = code->nargs - code->ndefaults;
    return i >= first ? code->defaults[i - first] : NULL;
}

/* What is not given takes its default, of which `at(what, i)` knows. */
static bool bind_defaults(Infer *in, NjRef r, const Target *t, const Params *p, Arg *args,
                          const NjConst *(*at)(const NjConst *k, uint32_t i))
{
    for (uint32_t i = 0; i < p->n; i++) {
        if (args[i].ref || (args[i].k = at(t->k, i)))
            continue;
        infer_fail(in, r, NJ_ERR_TYPE_MISSING_ARG, t->name, p->names[i]);
        return false;
    }
    type_args(in, args, p->n);
    return true;
}

static bool bind_func(Infer *in, NjRef r, const Target *t, Arg **args, uint32_t *nargs)
{
    const NjCode *code = t->k->code;
    Params p = {code->locals, code->nargs + code->nkwonly, code->nargs, code->nposonly, 0};
    if (nj_front_variadic(code)) {
        infer_fail(in, r, NJ_ERR_NYI_VARARGS, nj_front_variadic(code));
        return false;
    }
    *nargs = p.n;
    *args = NJ_NEWN(in->arena, Arg, p.n + 1);
    if (!bind(in, r, t, &p, *args))
        return false;
    return bind_defaults(in, r, t, &p, *args, default_of);
}

/* What has no value at run time cannot be handed on: a function, a module, a text. */
static bool passable(Infer *in, NjRef r, const Target *t, const Arg *args, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const NjType *a = args[i].type;
        if (a && a->kind != NJ_K_OBJ && a->kind != NJ_K_STR && a->kind != NJ_K_METHOD)
            continue;
        const NjConst *k = args[i].ref ? nj_infer_known(in, args[i].ref) : args[i].k;
        infer_fail(in, r, NJ_ERR_NYI_TYPED, nj_arena_printf(in->arena, "passing %s to %s",
                   a && a->kind == NJ_K_STR ? "a string" : k && k->name ? k->name : "such an object", t->name));
        return false;
    }
    return true;
}

/* The declared signature that fits best takes the call; its types are the specialisation's. */
static bool choose_declared(Infer *in, NjRef r, const Target *t, const NjType **types, uint32_t n, const NjType **ret)
{
    const NjCode *code = t->k->code;
    *ret = NULL;
    if (!code->nsigs)
        return true;
    int at = nj_sig_choose(code->sigs, code->nsigs, types, n, true);
    if (at >= 0) {
        for (uint32_t i = 0; i < n; i++)
            types[i] = code->sigs[at].args[i];
        *ret = code->sigs[at].ret;
        return true;
    }
    if (at == -1 && !code->nopython_only)
        return true;
    NjDiag *g = infer_fail(in, r, NJ_ERR_TYPE_CALL, t->name, nj_infer_types(in, types, n));
    for (uint32_t i = 0; g && i < code->nsigs; i++)
        nj_diag_note(&in->unit->diags, g, code->file, (NjLoc){.line = code->first_line}, "declared: (%s)",
                     nj_infer_types(in, code->sigs[i].args, code->sigs[i].nargs));
    return false;
}

static void wait_for(Infer *callee, Infer *in, NjRef r)
{
    for (uint32_t i = 0; i < callee->waiters.n; i++)
        if (callee->waiters.at[i].in == in && callee->waiters.at[i].call == r)
            return;
    Waiter w = {in, r};
    (void)nj_vec_push(in->arena, &callee->waiters, w);
}

static const NjType *call_func(Infer *in, NjRef r, const Target *t)
{
    Arg *args;
    uint32_t n;
    const NjType *ret;
    if (!bind_func(in, r, t, &args, &n) || !passable(in, r, t, args, n))
        return NULL;
    const NjType **types = NJ_NEWN(in->arena, const NjType *, n + 1);
    for (uint32_t i = 0; i < n; i++)
        types[i] = args[i].type;
    if (!choose_declared(in, r, t, types, n, &ret))
        return NULL;
    NjSpec *spec = nj_unit_spec(in->unit, t->k->code, types, n, ret);
    Infer *callee = spec ? nj_infer_get(in->solver, spec) : NULL;
    nj_val(in->f, r)->imm.callee->spec = spec;
    if (!callee)
        return nj_type_error(in->ts);
    wait_for(callee, in, r);
    return callee->ret;
}

/* -- intrinsics ---------------------------------------------------------------------------------------------------- */

/* "shape dtype alignment" -> names, cut at blanks. */
static uint32_t split_names(NjArena *a, const char *text, const char ***out, uint32_t cap)
{
    uint32_t n = 0;
    *out = NJ_NEWN(a, const char *, cap + 1);
    while (*text && n < cap) {
        size_t len = strcspn(text, " ");
        (*out)[n++] = nj_arena_printf(a, "%.*s", (int)len, text);
        text += len + (text[len] == ' ');
    }
    return n;
}

static bool bind_intrin(Infer *in, NjRef r, const Target *t, Arg **args, uint32_t *nargs)
{
    const NjVal *v = nj_val(in->f, r);
    NjTyper row = nj_intrin_typer(t->intrin);
    uint32_t given = v->nargs - 1 + (t->self != 0), min = (uint32_t)typers[row].min;
    uint32_t max = typers[row].max < 0 ? given : (uint32_t)typers[row].max;
    const char **names;
    uint32_t nnames = split_names(in->arena, typers[row].params, &names, max);
    Params p = {names, nnames, max, 0, min};
    *nargs = max;
    *args = NJ_NEWN(in->arena, Arg, max + 1);
    if (!bind(in, r, t, &p, *args))
        return false;
    for (uint32_t i = 0; i < min && i < max; i++)
        if (!(*args)[i].ref)
            return nnames > i ? (infer_fail(in, r, NJ_ERR_TYPE_MISSING_ARG, t->name, names[i]), false)
                              : say_count(in, r, t->name, min, given);
    if (given < min)
        return say_count(in, r, t->name, min, given);
    type_args(in, *args, max);
    for (uint32_t i = 0; i < max; i++)
        (*args)[i].type = infer_bare((*args)[i].type);
    return true;
}

static bool on_target(Infer *in, NjRef r, const Target *t)
{
    static const char cuda[] = "naja.cuda.";
    if (!in->unit->target || in->unit->target->simt || strncmp(nj_intrin_name(t->intrin), cuda, sizeof cuda - 1))
        return true;
    infer_fail(in, r, NJ_ERR_TYPE_TARGET, t->name, in->unit->target->name);
    return false;
}

static const NjType *call_intrin(Infer *in, NjRef r, const Target *t)
{
    Call c = {.in = in, .r = r, .intrin = t->intrin, .arg = nj_intrin_arg(t->intrin), .name = t->name};
    if (!on_target(in, r, t) || !bind_intrin(in, r, t, &c.args, &c.nargs))
        return NULL;
    const NjType *type = typers[nj_intrin_typer(t->intrin)].type(&c);
    nj_val(in->f, r)->imm.callee->intrin = c.intrin;
    return type;
}

const NjType *nj_infer_call_wrong(Call *c)
{
    const NjType **types = NJ_NEWN(c->in->arena, const NjType *, c->nargs + 1);
    uint32_t n = 0;
    for (uint32_t i = 0; i < c->nargs; i++)
        if (c->args[i].type)
            types[n++] = c->args[i].type;
    bool whole =
        !strncmp(c->name, "numpy.", 6) && n && (types[0]->kind == NJ_K_ARRAY || types[n - 1]->kind == NJ_K_ARRAY);
    if (whole)
        nj_infer_note_args(
            c->in,
            infer_fail(c->in, c->r, NJ_ERR_NYI_ARRAY, nj_arena_printf(c->in->arena, "%s of whole arrays", c->name)),
            c->r);
    else
        nj_infer_note_args(c->in, infer_fail(c->in, c->r, NJ_ERR_TYPE_CALL, c->name, nj_infer_types(c->in, types, n)),
                           c->r);
    return NULL;
}

/* -- casts --------------------------------------------------------------------------------------------------------- */

static bool is_class(const NjConst *k, const char *name) { return k->name && !strcmp(k->name, name); }

/* int, float and complex of Python keep what they are given: int32 stays int32, float32 stays float32. */
static const NjType *python_class(Infer *in, const NjConst *k, const NjType *from)
{
    if (is_class(k, "int") && nj_type_is_int(from))
        return from;
    if (is_class(k, "float") && from->kind == NJ_K_FLOAT)
        return from;
    if (is_class(k, "complex") && (from->kind == NJ_K_FLOAT || from->kind == NJ_K_COMPLEX))
        return nj_type_complex(in->ts, from->kind == NJ_K_FLOAT ? from->bits * 2u : from->bits);
    return k->type;
}

static bool castable(const NjType *from, const NjType *to)
{
    if (!nj_type_is_number(from) || !nj_type_is_number(to))
        return false;
    return to->kind == NJ_K_BOOL || nj_type_conv(from, to) != NJ_CONV_NONE;
}

static const NjType *cast_pair(Infer *in, NjRef r, const Target *t)
{
    const NjType *re = infer_bare(infer_arg(in, r, 1)), *im = infer_bare(infer_arg(in, r, 2));
    const NjType *part = nj_type_is_number(re) && nj_type_is_number(im) ? nj_type_unify(in->ts, re, im) : NULL;
    if (!part || t->k->type->kind != NJ_K_COMPLEX || part->kind == NJ_K_COMPLEX) {
        infer_fail(in, r, NJ_ERR_TYPE_CALL, t->name, nj_infer_types(in, (const NjType *[]){re, im}, 2));
        return NULL;
    }
    return is_class(t->k, "complex") ? nj_type_complex(in->ts, part->bits == 32 && part->kind == NJ_K_FLOAT ? 64 : 128)
                                     : t->k->type;
}

static const NjType *call_cast(Infer *in, NjRef r, const Target *t)
{
    const NjVal *v = nj_val(in->f, r);
    if (v->imm.callee->nkw) {
        infer_fail(in, r, NJ_ERR_TYPE_KWARG, t->name, v->imm.callee->kwnames[0]);
        return NULL;
    }
    if (v->nargs > 3) {
        say_count(in, r, t->name, t->k->type->kind == NJ_K_COMPLEX ? 2 : 1, v->nargs - 1);
        return NULL;
    }
    v->imm.callee->cast = t->k;
    if (v->nargs == 1)
        return t->k->type;
    if (v->nargs == 3)
        return cast_pair(in, r, t);
    const NjType *from = infer_bare(infer_arg(in, r, 1));
    if (castable(from, t->k->type))
        return python_class(in, t->k, from);
    if (from->kind == NJ_K_STR && nj_infer_evaluate(in, r))
        return t->k->type;
    if (t->k->type->kind == NJ_K_BOOL && nj_infer_known_truth(in, v->args[1]) >= 0)
        return t->k->type;
    nj_infer_note_args(in, infer_fail(in, r, NJ_ERR_TYPE_CAST, infer_arg(in, r, 1)->name, t->k->type->name), r);
    return NULL;
}

/* -- named tuples -------------------------------------------------------------------------------------------------- */

static const NjConst *field_default(const NjConst *k, uint32_t i) { return k->tuple.at[i]; }

static bool bind_named(Infer *in, NjRef r, const Target *t, Arg **args, uint32_t *nargs)
{
    Params p = {t->k->tuple.names, t->k->tuple.n, t->k->tuple.n, 0, 0};
    *nargs = p.n;
    *args = NJ_NEWN(in->arena, Arg, p.n + 1);
    return bind(in, r, t, &p, *args) && bind_defaults(in, r, t, &p, *args, field_default);
}

static const NjType *call_named(Infer *in, NjRef r, const Target *t)
{
    Arg *args;
    uint32_t n;
    if (t->k->kind != NJ_C_TYPE || !bind_named(in, r, t, &args, &n) || !passable(in, r, t, args, n))
        return NULL;
    const NjType **types = NJ_NEWN(in->arena, const NjType *, n + 1);
    for (uint32_t i = 0; i < n; i++)
        types[i] = args[i].type;
    nj_val(in->f, r)->imm.callee->cast = t->k;
    return nj_type_namedtuple(in->ts, t->name, types, t->k->tuple.names, n);
}

/* -- the operation ------------------------------------------------------------------------------------------------- */

static const NjType *call_exc(Infer *in, NjRef r, const Target *t)
{
    const NjVal *v = nj_val(in->f, r);
    for (uint32_t i = 1; i < v->nargs; i++)
        if (!nj_infer_known(in, v->args[i])) {
            infer_fail(in, r, NJ_ERR_TYPE_RAISE, nj_arena_printf(in->arena, "%s(...)", t->name));
            return NULL;
        }
    return nj_type_obj(in->ts);
}

const NjType *nj_infer_op_call(Infer *in, NjRef r)
{
    NjVal *v = nj_val(in->f, r);
    if (!v->imm.callee)
        v->imm.callee = NJ_NEW(in->arena, NjCallee);
    Target t = target_of(in, r);
    v->imm.callee->spec = NULL;
    v->imm.callee->intrin = 0;
    v->imm.callee->cast = NULL;
    switch (t.calls) {
    case CALLS_FUNC:   return call_func(in, r, &t);
    case CALLS_INTRIN: return call_intrin(in, r, &t);
    case CALLS_CAST:   return call_cast(in, r, &t);
    case CALLS_NAMED:  return call_named(in, r, &t);
    case CALLS_EXC:    return call_exc(in, r, &t);
    default: break;
    }
    infer_fail(in, r, NJ_ERR_TYPE_NOT_CALLABLE, t.name);
    return NULL;
}

bool nj_infer_bind(Infer *in, NjRef r, Arg **args, uint32_t *nargs)
{
    Target t = target_of(in, r);
    if (t.calls == CALLS_FUNC)
        return bind_func(in, r, &t, args, nargs);
    if (t.calls == CALLS_INTRIN)
        return bind_intrin(in, r, &t, args, nargs);
    if (t.calls == CALLS_NAMED)
        return bind_named(in, r, &t, args, nargs);
    const NjVal *v = nj_val(in->f, r);
    *nargs = v->nargs - 1;
    *args = NJ_NEWN(in->arena, Arg, *nargs + 1);
    for (uint32_t i = 0; i < *nargs; i++)
        (*args)[i].ref = v->args[i + 1];
    type_args(in, *args, *nargs);
    return true;
}
