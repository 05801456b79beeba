/* parse.c - functions from text: the inverse of print.c. The grammar is doc/ir.txt, the operations come from ops.def.
 *
 * In: a .nj file. Out: its functions, values under the numbers the text gives them, calls by @name resolved among them
 * (a name that the file does not define gets a spec without a body). Errors go to the diagnostics, the first one only.
 * Says nothing about sense: types that do not fit are ir/check.c's business.
 */
#include "ir/scan.h"
#include "run/unit.h"

/* A phi as written: which predecessor each argument comes from. */
typedef struct PhiText { NjRef phi; NjBlkId *from; } PhiText;
typedef struct Place { uint32_t line, col; } Place;

typedef struct Parse {
    Scan s;
    NjFn *f;
    NjMap *specs;               /* symbol -> NjSpec, over the file */
    uint32_t nvals, nblks;      /* what the text of this function names, plus one */
    Place *used;                /* where a value is first used before it is defined */
    bool *defined, *labelled;
    NJ_VEC(PhiText) phis;
} Parse;

/* -- how many values and blocks a function names ----------------------------------------------------------------------------- */

static const char *skip_quoted(const char *p)
{
    for (p++; *p && *p != '"' && *p != '\n'; p++)
        p += *p == '\\' && p[1];
    return p + (*p == '"');
}

static bool is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
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
        } else if (is_name(*c)) {
            while (is_name(*c))
                c++;
        } else {
            depth += *c == '{' ? 1 : *c == '}' ? -1 : 0;
            if (*c++ == '}' && depth <= 0)
                break;
        }
    }
    uint64_t limit = 4096 + (uint64_t)(c - start) * 64;
    return (p->nvals <= limit && p->nblks <= limit) || scan_fail(&p->s, "value or block numbers too large for so short a text");
}

/* -- references ------------------------------------------------------------------------------------------------------------------ */

static NjRef parse_number(Parse *p)
{
    uint64_t u;
    if (!scan_uint(&p->s, &u))
        return NJ_NOREF;
    if (!u || u >= p->nvals)
        return scan_fail(&p->s, "no such value"), NJ_NOREF;
    return (NjRef)u;
}

static NjRef parse_use(Parse *p)
{
    Place here = {p->s.line, (uint32_t)(p->s.at - p->s.line_at)};
    NjRef r = parse_number(p);
    if (r && !p->defined[r] && !p->used[r].line)
        p->used[r] = here;
    return r;
}

static NjBlkId parse_block(Parse *p)
{
    uint64_t u;
    if (!scan_need(&p->s, "b") || !scan_uint(&p->s, &u))
        return 0;
    if (u >= p->nblks)
        return scan_fail(&p->s, "no such block"), 0;
    return (NjBlkId)u;
}

static NjRef parse_literal(Parse *p)
{
    const NjType *t;
    const NjConst *k = scan_const(&p->s, &t);
    if (!k)
        return NJ_NOREF;
    bool is_int = k->kind == NJ_C_INT || k->kind == NJ_C_UINT;
    if (k->kind == NJ_C_FLOAT && nj_type_is(t, NJ_K_FLOAT))
        return nj_fn_float(p->f, t, k->f);
    if (!(is_int && nj_type_is_int(t)) && !(k->kind == NJ_C_BOOL && nj_type_is(t, NJ_K_BOOL)))
        return nj_fn_const(p->f, k, t);
    NjRef r = nj_fn_int(p->f, t, k->kind == NJ_C_BOOL ? k->b : k->i);
    int64_t back = 0;
    bool wide = k->kind == NJ_C_UINT && !(t->kind == NJ_K_UINT && t->bits == 64);
    if (is_int && r && (!nj_const_int(p->f, r, &back) || back != k->i || wide || (t->kind == NJ_K_UINT && k->kind == NJ_C_INT && k->i < 0)))
        return scan_fail(&p->s, "the number does not fit in %s", t->name), NJ_NOREF;
    return r;
}

static NjRef parse_ref(Parse *p)
{
    Scan *s = &p->s;
    if (scan_take(s, "%"))
        return parse_use(p);
    if (scan_take_word(s, "_"))
        return NJ_NOREF;
    if (scan_take_word(s, "undef"))
        return nj_fn_undef(p->f, scan_take(s, ":") ? scan_type(s) : NULL);
    return parse_literal(p);
}

static NjSpec *parse_symbol(Parse *p)
{
    const char *name = scan_name(&p->s);
    if (!name)
        return NULL;
    NjSpec *spec = nj_map_get(p->specs, name, strlen(name));
    if (!spec) {
        spec = NJ_NEW(p->s.arena, NjSpec);
        spec->symbol = name;
        (void)nj_map_put(p->specs, name, strlen(name), spec);
    }
    return spec;
}

/* -- operands --------------------------------------------------------------------------------------------------------------------- */

typedef struct Operands {
    NJ_VEC(NjRef) args;
    NJ_VEC(const char *) kw;
    NJ_VEC(NjRef) bound;
    NjCallee *callee;
    int64_t imm;
    const char *name;
    const NjConst *k;
    NjBlkId to[2];
    unsigned nto;
    bool has_imm;
} Operands;

/* Nothing more on this line but what every value may end with? */
static bool line_ended(Scan *s)
{
    while (*s->at == ' ' || *s->at == '\t' || *s->at == '\r')
        s->at++;
    return s->failed || !*s->at || *s->at == '\n' || *s->at == ';' || *s->at == '}' ||
           (*s->at == '@' && s->at[1] >= '0' && s->at[1] <= '9');
}

static void parse_keyword(Parse *p, Operands *o)
{
    const char *c = p->s.at;
    while (is_name(*c) && *c != '.')
        c++;
    if (c == p->s.at || *c != '=') {
        if (o->kw.n)
            scan_fail(&p->s, "a positional argument after keyword arguments");
        return;
    }
    char *name = nj_arena_alloc(p->s.arena, (size_t)(c - p->s.at) + 1);
    if (name)
        memcpy(name, p->s.at, (size_t)(c - p->s.at));
    (void)nj_vec_push(p->s.arena, &o->kw, name);
    p->s.at = c + 1;
}

static void parse_operand(Parse *p, NjOp op, Operands *o)
{
    Scan *s = &p->s;
    scan_space(s);
    if (nj_op_has(op, 'T') && *s->at == 'b' && s->at[1] >= '0' && s->at[1] <= '9') {
        NjBlkId to = parse_block(p);
        if (o->nto == 2)
            scan_fail(s, "more than two targets");
        else
            o->to[o->nto++] = to;
    } else if (nj_op_has(op, 'I') && scan_take(s, "#")) {
        o->has_imm = scan_int(s, &o->imm);
    } else if (nj_op_has(op, 'N') && *s->at == '.' && s->at[1] != '.' && scan_take(s, ".")) {
        o->name = scan_name(s);
        o->has_imm = true;
    } else if (nj_op_has(op, 'K') && scan_take(s, "{")) {
        const NjType *t;
        NjConst *k = (NjConst *)scan_const(s, &t);      /* just made there */
        if (k && t)
            k->type = t;
        o->k = k;
        o->has_imm = scan_need(s, "}");
    } else if (op == NJ_OP_call && scan_take(s, "@")) {
        o->callee = NJ_NEW(s->arena, NjCallee);
        o->callee->spec = parse_symbol(p);
        o->has_imm = true;
    } else {
        if (op == NJ_OP_py_call)
            parse_keyword(p, o);
        NjRef r = parse_ref(p);
        if (!s->failed)
            (void)nj_vec_push(s->arena, &o->args, r);
    }
}

/* ` => @f(args)`, ` => <math.sqrt>`, ` => <type f32>`, after the arguments of a typed py.call. */
static void parse_callee(Parse *p, Operands *o)
{
    Scan *s = &p->s;
    NjCallee *q = o->callee = NJ_NEW(s->arena, NjCallee);
    q->kwnames = o->kw.at;
    q->nkw = o->kw.n;
    if (line_ended(s) || !scan_take(s, "=>"))
        return;
    if (scan_take(s, "@")) {
        q->spec = parse_symbol(p);
        scan_need(s, "(");
        while (!s->failed && !scan_take(s, ")")) {
            NjRef r = parse_ref(p);
            (void)nj_vec_push(s->arena, &o->bound, r);
            if (!scan_take(s, ",") && !scan_see(s, ")"))
                scan_fail(s, "expected ',' or ')'");
        }
        q->bound = o->bound.at;
        q->nbound = o->bound.n;
        return;
    }
    const NjType *t;
    const NjConst *k = scan_const(s, &t);
    if (k && k->kind == NJ_C_INTRIN)
        q->intrin = k->intrin;
    else if (k && k->kind == NJ_C_TYPE)
        q->cast = k;
    else
        scan_fail(s, "expected a function, an intrinsic or a type");
}

static bool op_has_operands(NjOp op)
{
    const NjOpInfo *i = &nj_op_info[op];
    return i->nargs || op == NJ_OP_br || strpbrk(i->flags, "INKQ");
}

static void parse_operands(Parse *p, NjOp op, Operands *o)
{
    Scan *s = &p->s;
    if (op_has_operands(op) && !line_ended(s) && !(op == NJ_OP_py_tuple && scan_take_word(s, "empty"))) {
        do
            parse_operand(p, op, o);
        while (!s->failed && scan_take(s, ","));
    }
    if (op == NJ_OP_py_call)
        parse_callee(p, o);
    const NjOpInfo *i = &nj_op_info[op];
    if (!s->failed && i->nargs >= 0 && (uint32_t)i->nargs != o->args.n)
        scan_fail(s, "%s takes %d operands, not %u", i->word, i->nargs, o->args.n);
    if (!s->failed && !o->has_imm && strpbrk(i->flags, "INK") && op != NJ_OP_py_call)
        scan_fail(s, "%s needs %s", i->word, nj_op_has(op, 'I') ? "a #number" : nj_op_has(op, 'N') ? "a .name" : "a {constant}");
    if (!s->failed && op == NJ_OP_call && !o->callee)
        scan_fail(s, "call needs the @name of a function");
    unsigned want = op == NJ_OP_br ? 1 : op == NJ_OP_condbr ? 2 : 0;
    if (!s->failed && o->nto != want)
        scan_fail(s, "%s takes %u targets, not %u", i->word, want, o->nto);
}

static void parse_phi(Parse *p, NjRef r, Operands *o)
{
    Scan *s = &p->s;
    NJ_VEC(NjBlkId) from = {0};
    scan_need(s, "[");
    while (!s->failed && !scan_take(s, "]")) {
        NjBlkId b = parse_block(p);
        scan_need(s, ":");
        NjRef a = parse_ref(p);
        if (!nj_vec_push(s->arena, &from, b) || !nj_vec_push(s->arena, &o->args, a))
            scan_fail(s, "out of memory");
        if (!scan_take(s, ",") && !scan_see(s, "]"))
            scan_fail(s, "expected ',' or ']'");
    }
    PhiText t = {r, from.at};
    (void)nj_vec_push(s->arena, &p->phis, t);
}

/* -- values ------------------------------------------------------------------------------------------------------------------------ */

/* The slot of %n, or a new one for an operation without a result. */
static NjRef parse_define(Parse *p, NjBlkId b, NjOp op, unsigned sub, NjRef r, const NjType *t)
{
    NjAt at = {.f = p->f, .b = b};
    if (!r)
        return nj_emit(&at, op, sub, t, 0, NULL);
    if (p->defined[r])
        return scan_fail(&p->s, "%%%u is defined twice", r), NJ_NOREF;
    p->defined[r] = true;
    NjVal *v = nj_val(p->f, r);
    v->op = (uint16_t)op;
    v->sub = (uint8_t)sub;
    v->type = t;
    nj_val_move(p->f, r, b, NJ_NOREF);
    return r;
}

static uint16_t loc_col(uint64_t u) { return (uint16_t)(u < UINT16_MAX ? u : UINT16_MAX); }

static void parse_loc(Scan *s, NjLoc *loc)
{
    uint64_t line, col, end_line, end_col;
    if (line_ended(s) && *s->at == '@') {
        s->at++;
        if (scan_uint(s, &line) && scan_need(s, ":") && scan_uint(s, &col) && scan_need(s, "-") && scan_uint(s, &end_line) &&
            scan_need(s, ":") && scan_uint(s, &end_col))
            *loc = (NjLoc){(uint32_t)line, (uint32_t)end_line, loc_col(col), loc_col(end_col)};
    }
}

static void parse_tail(Parse *p, NjRef r)
{
    Scan *s = &p->s;
    const char *name = NULL;
    NjLoc loc = {0};
    if (!line_ended(s) && *s->at == '"')
        name = scan_quoted(s, NULL);
    parse_loc(s, &loc);
    if (!line_ended(s))
        scan_fail(s, "unexpected text after the value");
    nj_val(p->f, r)->name = name;
    nj_val(p->f, r)->loc = loc;
}

static void parse_store(Parse *p, NjRef r, const Operands *o)
{
    NjVal *v = nj_val(p->f, r);
    v->args = o->args.at;
    v->nargs = o->args.n;
    if (nj_op_has(v->op, 'Q'))
        v->imm.callee = o->callee;
    else if (nj_op_has(v->op, 'N'))
        v->imm.name = o->name;
    else if (nj_op_has(v->op, 'K'))
        v->imm.k = o->k;
    else
        v->imm.i = o->imm;
    for (unsigned i = 0; i < o->nto; i++)
        nj_fn_edge(p->f, v->blk, o->to[i]);
}

static void parse_val(Parse *p, NjBlkId b)
{
    Scan *s = &p->s;
    NjRef r = NJ_NOREF;
    const NjType *t = NULL;
    if (scan_take(s, "%")) {
        r = parse_number(p);
        t = scan_take(s, ":") ? scan_type(s) : NULL;
        scan_need(s, "=");
    }
    ScanWord w = scan_word(s);
    NjOp op = NJ_OP_nop;
    unsigned sub = 0;
    if (!s->failed && (!nj_op_find(w.at, w.n, &op, &sub) || op == NJ_OP_const || op == NJ_OP_param || op == NJ_OP_nop)) {
        s->at = w.at;
        scan_fail(s, w.n ? "no operation '%.*s'" : "expected an operation", (int)(w.n < 60 ? w.n : 60), w.at);
    }
    if (!s->failed && !r && nj_op_info[op].result != '-' && nj_op_info[op].result != 't')
        scan_fail(s, "%s has a result: expected %%number =", nj_op_info[op].word);
    r = s->failed ? NJ_NOREF : parse_define(p, b, op, sub, r, t);
    if (!r)
        return;
    Operands o = {0};
    if (op == NJ_OP_phi)
        parse_phi(p, r, &o);
    else
        parse_operands(p, op, &o);
    if (s->failed)
        return;
    parse_store(p, r, &o);
    parse_tail(p, r);
}

/* -- functions ------------------------------------------------------------------------------------------------------------------------ */

static void parse_params(Parse *p)
{
    Scan *s = &p->s;
    NjFn *f = p->f;
    NJ_VEC(NjRef) params = {0};
    scan_need(s, "(");
    while (!s->failed && !scan_take(s, ")")) {
        scan_need(s, "%");
        NjRef r = parse_number(p);
        const NjType *t = scan_take(s, ":") ? scan_type(s) : NULL;
        const char *name = scan_see(s, "\"") ? scan_quoted(s, NULL) : NULL;
        if (!scan_take(s, ",") && !scan_see(s, ")"))
            scan_fail(s, "expected ',' or ')'");
        if (s->failed)
            return;
        if (p->defined[r]) {
            scan_fail(s, "%%%u is defined twice", r);
            return;
        }
        p->defined[r] = true;
        NjVal *v = nj_val(f, r);
        v->op = NJ_OP_param;
        v->type = t;
        v->name = name;
        v->imm.i = params.n;
        if (!nj_vec_push(s->arena, &params, r))
            scan_fail(s, "out of memory");
    }
    f->params = params.at;
    f->nparams = params.n;
}

static void parse_head(Parse *p)
{
    Scan *s = &p->s;
    NjFn *f = p->f;
    NJ_VEC(const NjType *) parts = {0};
    if (scan_take(s, "->"))
        f->ret = scan_type(s);
    if (scan_take(s, "parts(")) {
        while (!s->failed && !scan_take(s, ")")) {
            const NjType *t = scan_type(s);
            if (!nj_vec_push(s->arena, &parts, t) || (!scan_take(s, ",") && !scan_see(s, ")")))
                scan_fail(s, "expected ',' or ')'");
        }
    }
    f->rets = parts.at;
    f->nrets = parts.n;
    for (bool any = true; any;) {
        any = false;
#define ATTR(word, field) if (scan_take_word(s, #word)) f->field = any = true;
#include "ir/attrs.def"
#undef ATTR
    }
    if (scan_take_word(s, "from")) {
        f->file = scan_quoted(s, NULL);
        f->pyname = scan_name(s);
    }
    scan_need(s, "{");
}

static bool at_label(Scan *s)
{
    scan_space(s);
    return s->at[0] == 'b' && s->at[1] >= '0' && s->at[1] <= '9';
}

static void parse_body(Parse *p)
{
    Scan *s = &p->s;
    NjBlkId b = NJ_NOBLK;
    while (!s->failed && !scan_take(s, "}")) {
        if (!at_label(s)) {
            if (b == NJ_NOBLK)
                scan_fail(s, "expected a block's label");
            else
                parse_val(p, b);
            continue;
        }
        b = parse_block(p);
        scan_need(s, ":");
        if (!s->failed && p->labelled[b])
            scan_fail(s, "b%u is defined twice", b);
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
        scan_fail(s, "%%%u is not defined", r);
    }
    for (NjBlkId b = 0; b < p->nblks && !s->failed; b++) {
        if (p->labelled[b])
            continue;
        if (nj_blk(p->f, b)->preds.n || !b)
            scan_fail(s, "@%s has no b%u", p->f->name, b);
        nj_blk(p->f, b)->dead = true;
    }
}

/* -- phis: predecessors take the order in which the first phi of a block lists them ------------------------------------------------- */

typedef struct Order { NjBlkId *first, *next; } Order;      /* of a block's entries in preds: the first one's index + 1, the next */

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
            scan_fail(&p->s, "%%%u: the phi's blocks are not the predecessors of b%u", t->phi, b);
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

/* -- files -------------------------------------------------------------------------------------------------------------------------------- */

static bool parse_slots(Parse *p)
{
    NjVal none = {.op = NJ_OP_nop, .blk = NJ_NOBLK};
    for (uint32_t i = 1; i < p->nvals; i++)
        if (!nj_vec_push(p->s.arena, &p->f->vals, none))
            return scan_fail(&p->s, "out of memory");
    for (uint32_t i = 0; i < p->nblks; i++)
        nj_fn_blk(p->f);
    p->used = NJ_NEWN(p->s.arena, Place, p->nvals);
    p->defined = NJ_NEWN(p->s.arena, bool, p->nvals);
    p->labelled = NJ_NEWN(p->s.arena, bool, p->nblks);
    p->phis.n = 0;
    bool ok = p->used && p->defined && p->labelled && p->f->blks.n == p->nblks && !nj_arena_failed(p->s.arena);
    return ok || scan_fail(&p->s, "out of memory");
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
    bool core = scan_take_word(s, "core"), kernel = scan_take_word(s, "kernel");
    if (!scan_take_word(s, "func"))
        scan_fail(s, "expected 'func'");
    scan_need(s, "@");
    NjSpec *spec = s->failed ? NULL : parse_symbol(p);
    if (!spec)
        return NULL;
    if (core ? spec->core : spec->py)
        return scan_fail(s, "@%s is defined twice", spec->symbol), NULL;
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

NjStatus nj_ir_parse(NjTypes *types, NjArena *arena, NjDiags *diags, const char *text, size_t n, NjFn ***fns, uint32_t *nfns)
{
    NJ_VEC(NjFn *) list = {0};
    char *copy = nj_arena_alloc(arena, n + 1);
    *fns = NULL;
    *nfns = 0;
    if (!copy)
        return NJ_E_NOMEM;
    memcpy(copy, text, n);
    Parse p = {.s = {.types = types, .arena = arena, .diags = diags, .at = copy, .line_at = copy, .line = 1}, .specs = nj_map_new(arena)};
    for (scan_space(&p.s); *p.s.at && !p.s.failed; scan_space(&p.s)) {
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
