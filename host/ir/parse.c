/* parse.c - functions from text: the inverse of print.c. The grammar is doc/ir.txt, the operations come from ops.def.
 *
 * In: a .nj file. Out: its functions, values under the numbers the text gives them, calls by @name resolved among them
 * (a name that the file does not define gets a spec without a body). Errors go to the diagnostics, the first one only.
 * Says nothing about sense: types that do not fit are ir/check.c's business.
 */
#include "ir/parse.h"

/* -- how many values and blocks a function names ------------------------------------------------------------------- */

static const char *skip_quoted(const char *p)
{
    for (p++; *p && *p != '"' && *p != '\n'; p++)
        p += *p == '\\' && p[1];
    return p + (*p == '"');
}

static const char *count_one(const char *p, uint32_t *n)
{
    uint64_t u = 0;
    for (; *p >= '0' && *p <= '9'; p++)
        u = u > UINT32_MAX ? u : u * 10 + (unsigned)(*p - '0');
    if (u >= *n)
        *n = u < UINT32_MAX ? (uint32_t)u + 1 : UINT32_MAX;
    return p;
}

/* From the head to the closing brace. Numbers far beyond the text's length are an attempt on our memory. */
static bool parse_count(Parse *p)
{
    const char *c = p->s.at, *start = c;
    int depth = 0;
    p->nvals = p->nblks = 1;
    while (*c) {
        if (*c == '"') {
            c = skip_quoted(c);
        } else if (*c == ';') {
            c += strcspn(c, "\n");
        } else if (*c == '%') {
            c = count_one(c + 1, &p->nvals);
        } else if (*c == 'b' && c[1] >= '0' && c[1] <= '9') {
            c = count_one(c + 1, &p->nblks);
        } else if (scan_is_word(*c)) {
            while (scan_is_word(*c))
                c++;
        } else {
            depth += *c == '{' ? 1 : *c == '}' ? -1 : 0;
            if (*c++ == '}' && depth <= 0)
                break;
        }
    }
    uint64_t limit = 4096 + (uint64_t)(c - start) * 64;
    bool ok = p->nvals <= limit && p->nblks <= limit;
    return ok || nj_scan_fail(&p->s, "value or block numbers too large for so short a text");
}

/* -- functions ----------------------------------------------------------------------------------------------------- */

static void parse_params(Parse *p)
{
    Scan *s = &p->s;
    NjFn *f = p->f;
    NJ_VEC(NjRef) params = {0};
    nj_scan_need(s, "(");
    while (!s->failed && !nj_scan_take(s, ")")) {
        nj_scan_need(s, "%");
        NjRef r = nj_parse_number(p);
        const NjType *t = nj_scan_take(s, ":") ? nj_scan_type(s) : NULL;
        const char *name = nj_scan_see(s, "\"") ? nj_scan_quoted(s, NULL) : NULL;
        if (!nj_scan_take(s, ",") && !nj_scan_see(s, ")"))
            nj_scan_fail(s, "expected ',' or ')'");
        if (s->failed)
            return;
        if (p->defined[r]) {
            nj_scan_fail(s, "%%%u is defined twice", r);
            return;
        }
        p->defined[r] = true;
        NjVal *v = nj_val(f, r);
        v->op = NJ_OP_param;
        v->type = t;
        v->name = name;
        v->imm.i = params.n;
        if (!nj_vec_push(s->arena, &params, r))
            nj_scan_fail(s, "out of memory");
    }
    f->params = params.at;
    f->nparams = params.n;
}

static void parse_head(Parse *p)
{
    Scan *s = &p->s;
    NjFn *f = p->f;
    NJ_VEC(const NjType *) parts = {0};
    if (nj_scan_take(s, "->"))
        f->ret = nj_scan_type(s);
    if (nj_scan_take(s, "parts(")) {
        while (!s->failed && !nj_scan_take(s, ")")) {
            const NjType *t = nj_scan_type(s);
            if (!nj_vec_push(s->arena, &parts, t) || (!nj_scan_take(s, ",") && !nj_scan_see(s, ")")))
                nj_scan_fail(s, "expected ',' or ')'");
        }
    }
    f->rets = parts.at;
    f->nrets = parts.n;
    for (bool any = true; any;) {
        any = false;
#define ATTR(word, field) if (nj_scan_take_word(s, #word)) f->field = any = true;
#include "ir/attrs.def"
#undef ATTR
    }
    if (nj_scan_take_word(s, "from")) {
        f->file = nj_scan_quoted(s, NULL);
        f->pyname = nj_scan_name(s);
    }
    nj_scan_need(s, "{");
}

static bool at_label(Scan *s)
{
    nj_scan_space(s);
    return s->at[0] == 'b' && s->at[1] >= '0' && s->at[1] <= '9';
}

static void parse_body(Parse *p)
{
    Scan *s = &p->s;
    NjBlkId b = NJ_NOBLK;
    while (!s->failed && !nj_scan_take(s, "}")) {
        if (!at_label(s)) {
            if (b == NJ_NOBLK)
                nj_scan_fail(s, "expected a block's label");
            else
                nj_parse_val(p, b);
            continue;
        }
        b = nj_parse_block(p);
        nj_scan_need(s, ":");
        if (!s->failed && p->labelled[b])
            nj_scan_fail(s, "b%u is defined twice", b);
        p->labelled[b] = true;
    }
}

/* Every name that is used must be defined; blocks that the text leaves out are holes. */
static void parse_close(Parse *p)
{
    Scan *s = &p->s;
    for (NjRef r = 1; r < p->nvals && !s->failed; r++) {
        if (!p->used[r].line || p->defined[r])
            continue;
        s->line = p->used[r].line;
        s->line_at = s->at - p->used[r].col;
        nj_scan_fail(s, "%%%u is not defined", r);
    }
    for (NjBlkId b = 0; b < p->nblks && !s->failed; b++) {
        if (p->labelled[b])
            continue;
        if (nj_blk(p->f, b)->preds.n || !b)
            nj_scan_fail(s, "@%s has no b%u", p->f->name, b);
        nj_blk(p->f, b)->dead = true;
    }
}

/* -- phis: predecessors take the order in which the first phi of a block lists them -------------------------------- */

/* Of a block's entries in preds: the first one's index + 1, the next one's. */
typedef struct Order { NjBlkId *first, *next; } Order;

static void order_fill(Order *o, const NjBlk *k)
{
    for (uint32_t i = k->preds.n; i--;) {
        o->next[i] = o->first[k->preds.at[i]];
        o->first[k->preds.at[i]] = i + 1;
    }
}

static void order_clear(Order *o, const NjBlk *k)
{
    for (uint32_t i = 0; i < k->preds.n; i++)
        o->first[k->preds.at[i]] = 0;
}

/* Moves the arguments of a phi to where their predecessors are. */
static bool phi_sort(NjFn *f, Order *o, const PhiText *t)
{
    NjVal *v = nj_val(f, t->phi);
    const NjBlk *k = nj_blk(f, v->blk);
    bool ok = v->nargs == k->preds.n;
    NjRef *args = NJ_NEWN(f->arena, NjRef, v->nargs + 1);
    order_fill(o, k);
    for (uint32_t i = 0; ok && args && i < v->nargs; i++) {
        NjBlkId at = o->first[t->from[i]];
        ok = at != 0;
        if (ok) {
            args[at - 1] = v->args[i];
            o->first[t->from[i]] = o->next[at - 1];
        }
    }
    order_clear(o, k);
    v->args = args;
    return ok && args;
}

static void parse_phis(Parse *p)
{
    NjFn *f = p->f;
    if (!p->phis.n || p->s.failed)
        return;
    uint32_t widest = 1;
    for (uint32_t i = 0; i < p->phis.n; i++) {
        const NjVal *v = nj_val(f, p->phis.at[i].phi);
        widest = v->nargs > widest ? v->nargs : widest;
    }
    Order o = {NJ_NEWN(f->arena, NjBlkId, p->nblks), NJ_NEWN(f->arena, NjBlkId, widest)};
    if (!o.first || !o.next)
        return;
    NjBlkId settled = NJ_NOBLK;
    for (uint32_t i = 0; i < p->phis.n; i++) {
        const PhiText *t = &p->phis.at[i];
        NjVal *v = nj_val(f, t->phi);
        NjBlkId b = v->blk;
        NjRef *as_written = v->args;
        if (!phi_sort(f, &o, t)) {
            nj_scan_fail(&p->s, "%%%u: the phi's blocks are not the predecessors of b%u", t->phi, b);
            return;
        }
        if (b == settled)
            continue;
        settled = b;
        if (v->nargs) {
            memcpy(nj_blk(f, b)->preds.at, t->from, v->nargs * sizeof *t->from);
            v->args = as_written;
        }
    }
}

/* -- files --------------------------------------------------------------------------------------------------------- */

static bool parse_slots(Parse *p)
{
    NjVal none = {.op = NJ_OP_nop, .blk = NJ_NOBLK};
    for (uint32_t i = 1; i < p->nvals; i++)
        if (!nj_vec_push(p->s.arena, &p->f->vals, none))
            return nj_scan_fail(&p->s, "out of memory");
    for (uint32_t i = 0; i < p->nblks; i++)
        nj_fn_blk(p->f);
    p->used = NJ_NEWN(p->s.arena, Place, p->nvals);
    p->defined = NJ_NEWN(p->s.arena, bool, p->nvals);
    p->labelled = NJ_NEWN(p->s.arena, bool, p->nblks);
    p->phis.n = 0;
    bool ok = p->used && p->defined && p->labelled && p->f->blks.n == p->nblks && !nj_arena_failed(p->s.arena);
    return ok || nj_scan_fail(&p->s, "out of memory");
}

static void parse_spec(NjFn *f, NjSpec *spec)
{
    const NjType **args = NJ_NEWN(f->arena, const NjType *, f->nparams + 1);
    for (uint32_t i = 0; args && i < f->nparams; i++)
        args[i] = nj_val(f, f->params[i])->type;
    spec->args = args;
    spec->nargs = args ? f->nparams : 0;
    spec->state = f->core ? NJ_SPEC_LOWERED : f->ret ? NJ_SPEC_TYPED : NJ_SPEC_NEW;
    f->spec = spec;
    *(f->core ? &spec->core : &spec->py) = f;
}

static NjFn *parse_fn(Parse *p)
{
    Scan *s = &p->s;
    bool core = nj_scan_take_word(s, "core"), kernel = nj_scan_take_word(s, "kernel");
    if (!nj_scan_take_word(s, "func"))
        nj_scan_fail(s, "expected 'func'");
    nj_scan_need(s, "@");
    NjSpec *spec = s->failed ? NULL : nj_parse_symbol(p);
    if (!spec)
        return NULL;
    if (core ? spec->core : spec->py)
        return nj_scan_fail(s, "@%s is defined twice", spec->symbol), NULL;
    NjFn *f = p->f = nj_fn_new(s->types, s->arena, s->diags, spec->symbol);
    f->core = core;
    f->kernel = kernel;
    if (!parse_count(p) || !parse_slots(p))
        return NULL;
    parse_params(p);
    parse_head(p);
    parse_body(p);
    parse_close(p);
    parse_phis(p);
    if (s->failed)
        return NULL;
    parse_spec(f, spec);
    return f;
}

NjStatus nj_ir_parse(NjTypes *types, NjArena *arena, NjDiags *diags, const char *text, size_t n,
                     NjFn ***fns, uint32_t *nfns)
{
    NJ_VEC(NjFn *) list = {0};
    char *copy = nj_arena_alloc(arena, n + 1);
    *fns = NULL;
    *nfns = 0;
    if (!copy)
        return NJ_E_NOMEM;
    memcpy(copy, text, n);
    Parse p = {.s = {.types = types, .arena = arena, .diags = diags, .at = copy, .line_at = copy, .line = 1}};
    p.specs = nj_map_new(arena);
    for (nj_scan_space(&p.s); *p.s.at && !p.s.failed; nj_scan_space(&p.s)) {
        if (nj_arena_failed(arena))
            return NJ_E_NOMEM;
        NjFn *f = parse_fn(&p);
        if (f && !nj_vec_push(arena, &list, f))
            return NJ_E_NOMEM;
    }
    if (nj_arena_failed(arena))
        return NJ_E_NOMEM;
    *fns = list.at;
    *nfns = list.n;
    return p.s.failed ? NJ_E_USER : NJ_OK;
}
