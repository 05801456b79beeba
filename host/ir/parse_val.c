/* parse_val.c - one value of the IR's text: its number, type, operation, operands, immediate, name and place.
 *
 * In: the scanner at the beginning of a line. Out: the value, at the end of its block, edges of a terminator
 * included; what a phi says about predecessors is kept for parse.c, which knows them at the end of the function.
 */
#include "ir/parse.h"

/* -- references ---------------------------------------------------------------------------------------------------- */

NjRef nj_parse_number(Parse *p)
{
    uint64_t u;
    if (!nj_scan_uint(&p->s, &u))
        return NJ_NOREF;
    if (!u || u >= p->nvals)
        return nj_scan_fail(&p->s, "no such value"), NJ_NOREF;
    return (NjRef)u;
}

static NjRef parse_use(Parse *p)
{
    Place here = {p->s.line, (uint32_t)(p->s.at - p->s.line_at)};
    NjRef r = nj_parse_number(p);
    if (r && !p->defined[r] && !p->used[r].line)
        p->used[r] = here;
    return r;
}

NjBlkId nj_parse_block(Parse *p)
{
    uint64_t u;
    if (!nj_scan_need(&p->s, "b") || !nj_scan_uint(&p->s, &u))
        return 0;
    if (u >= p->nblks)
        return nj_scan_fail(&p->s, "no such block"), 0;
    return (NjBlkId)u;
}

static NjRef parse_literal(Parse *p)
{
    const NjType *t;
    const NjConst *k = nj_scan_const(&p->s, &t);
    if (!k)
        return NJ_NOREF;
    bool is_int = k->kind == NJ_C_INT || k->kind == NJ_C_UINT;
    if (k->kind == NJ_C_FLOAT && nj_type_is(t, NJ_K_FLOAT))
        return nj_fn_float(p->f, t, k->f);
    if (!(is_int && nj_type_is_int(t)) && !(k->kind == NJ_C_BOOL && nj_type_is(t, NJ_K_BOOL)))
        return nj_fn_const(p->f, k, t);
    NjRef r = nj_fn_int(p->f, t, k->kind == NJ_C_BOOL ? k->b : k->i);
    int64_t back = 0;
    bool is_u64 = t->kind == NJ_K_UINT && t->bits == 64, is_neg = k->kind == NJ_C_INT && k->i < 0;
    bool changed = is_int && (!nj_const_int(p->f, r, &back) || back != k->i);
    if (r && is_int && (changed || (k->kind == NJ_C_UINT && !is_u64) || (is_neg && t->kind == NJ_K_UINT)))
        return nj_scan_fail(&p->s, "the number does not fit in %s", t->name), NJ_NOREF;
    return r;
}

static NjRef parse_ref(Parse *p)
{
    Scan *s = &p->s;
    if (nj_scan_take(s, "%"))
        return parse_use(p);
    if (nj_scan_take_word(s, "_"))
        return NJ_NOREF;
    if (nj_scan_take_word(s, "undef"))
        return nj_fn_undef(p->f, nj_scan_take(s, ":") ? nj_scan_type(s) : NULL);
    return parse_literal(p);
}

NjSpec *nj_parse_symbol(Parse *p)
{
    const char *name = nj_scan_name(&p->s);
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

/* -- operands ------------------------------------------------------------------------------------------------------ */

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
    while (scan_is_word(*c) && *c != '.')
        c++;
    if (c == p->s.at || *c != '=') {
        if (o->kw.n)
            nj_scan_fail(&p->s, "a positional argument after keyword arguments");
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
    nj_scan_space(s);
    if (nj_op_has(op, 'T') && *s->at == 'b' && s->at[1] >= '0' && s->at[1] <= '9') {
        NjBlkId to = nj_parse_block(p);
        if (o->nto == 2)
            nj_scan_fail(s, "more than two targets");
        else
            o->to[o->nto++] = to;
    } else if (nj_op_has(op, 'I') && nj_scan_take(s, "#")) {
        o->has_imm = nj_scan_int(s, &o->imm);
    } else if (nj_op_has(op, 'N') && *s->at == '.' && s->at[1] != '.' && nj_scan_take(s, ".")) {
        o->name = nj_scan_name(s);
        o->has_imm = true;
    } else if (nj_op_has(op, 'K') && nj_scan_take(s, "{")) {
        const NjType *t;
        NjConst *k = (NjConst *)nj_scan_const(s, &t);      /* just made there */
        if (k && t)
            k->type = t;
        o->k = k;
        o->has_imm = nj_scan_need(s, "}");
    } else if (op == NJ_OP_call && nj_scan_take(s, "@")) {
        o->callee = NJ_NEW(s->arena, NjCallee);
        o->callee->spec = nj_parse_symbol(p);
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
    if (line_ended(s) || !nj_scan_take(s, "=>"))
        return;
    if (nj_scan_take(s, "@")) {
        q->spec = nj_parse_symbol(p);
        nj_scan_need(s, "(");
        while (!s->failed && !nj_scan_take(s, ")")) {
            NjRef r = parse_ref(p);
            (void)nj_vec_push(s->arena, &o->bound, r);
            if (!nj_scan_take(s, ",") && !nj_scan_see(s, ")"))
                nj_scan_fail(s, "expected ',' or ')'");
        }
        q->bound = o->bound.at;
        q->nbound = o->bound.n;
        return;
    }
    const NjType *t;
    const NjConst *k = nj_scan_const(s, &t);
    if (k && k->kind == NJ_C_INTRIN)
        q->intrin = k->intrin;
    else if (k && k->kind == NJ_C_TYPE)
        q->cast = k;
    else
        nj_scan_fail(s, "expected a function, an intrinsic or a type");
}

static bool op_has_operands(NjOp op)
{
    const NjOpInfo *i = &nj_op_info[op];
    return i->nargs || op == NJ_OP_br || strpbrk(i->flags, "INKQ");
}

static void parse_operands(Parse *p, NjOp op, Operands *o)
{
    Scan *s = &p->s;
    if (op_has_operands(op) && !line_ended(s) && !(op == NJ_OP_py_tuple && nj_scan_take_word(s, "empty"))) {
        do
            parse_operand(p, op, o);
        while (!s->failed && nj_scan_take(s, ","));
    }
    if (op == NJ_OP_py_call)
        parse_callee(p, o);
    const NjOpInfo *i = &nj_op_info[op];
    if (!s->failed && i->nargs >= 0 && (uint32_t)i->nargs != o->args.n)
        nj_scan_fail(s, "%s takes %d operands, not %u", i->word, i->nargs, o->args.n);
    if (!s->failed && !o->has_imm && strpbrk(i->flags, "INK") && op != NJ_OP_py_call)
        nj_scan_fail(s, "%s needs a %s", i->word,
                     nj_op_has(op, 'I') ? "#number" : nj_op_has(op, 'N') ? ".name" : "{constant}");
    if (!s->failed && op == NJ_OP_call && !o->callee)
        nj_scan_fail(s, "call needs the @name of a function");
    unsigned want = op == NJ_OP_br ? 1 : op == NJ_OP_condbr ? 2 : 0;
    if (!s->failed && o->nto != want)
        nj_scan_fail(s, "%s takes %u targets, not %u", i->word, want, o->nto);
}

static void parse_phi(Parse *p, NjRef r, Operands *o)
{
    Scan *s = &p->s;
    NJ_VEC(NjBlkId) from = {0};
    nj_scan_need(s, "[");
    while (!s->failed && !nj_scan_take(s, "]")) {
        NjBlkId b = nj_parse_block(p);
        nj_scan_need(s, ":");
        NjRef a = parse_ref(p);
        if (!nj_vec_push(s->arena, &from, b) || !nj_vec_push(s->arena, &o->args, a))
            nj_scan_fail(s, "out of memory");
        if (!nj_scan_take(s, ",") && !nj_scan_see(s, "]"))
            nj_scan_fail(s, "expected ',' or ']'");
    }
    PhiText t = {r, from.at};
    (void)nj_vec_push(s->arena, &p->phis, t);
}

/* -- values -------------------------------------------------------------------------------------------------------- */

/* The slot of %n, or a new one for an operation without a result. */
static NjRef parse_define(Parse *p, NjBlkId b, NjOp op, unsigned sub, NjRef r, const NjType *t)
{
    NjAt at = {.f = p->f, .b = b};
    if (!r)
        return nj_emit(&at, op, sub, t, 0, NULL);
    if (p->defined[r])
        return nj_scan_fail(&p->s, "%%%u is defined twice", r), NJ_NOREF;
    p->defined[r] = true;
    NjVal *v = nj_val(p->f, r);
    v->op = (uint16_t)op;
    v->sub = (uint8_t)sub;
    v->type = t;
    nj_val_move(p->f, r, b, NJ_NOREF);
    return r;
}

static uint16_t loc_col(uint64_t u) { return (uint16_t)(u < UINT16_MAX ? u : UINT16_MAX); }

/* "@4:8-4:12", or "@4" for a line alone. */
static void parse_loc(Scan *s, NjLoc *loc)
{
    uint64_t line, col = 0, end_line, end_col = 0;
    if (!line_ended(s) || *s->at != '@')
        return;
    s->at++;
    nj_scan_uint(s, &line);
    end_line = line;
    if (!s->failed && *s->at == ':') {
        nj_scan_need(s, ":");
        nj_scan_uint(s, &col);
        nj_scan_need(s, "-");
        nj_scan_uint(s, &end_line);
        nj_scan_need(s, ":");
        nj_scan_uint(s, &end_col);
    }
    if (!s->failed)
        *loc = (NjLoc){(uint32_t)line, (uint32_t)end_line, loc_col(col), loc_col(end_col)};
}

static void parse_tail(Parse *p, NjRef r)
{
    Scan *s = &p->s;
    const char *name = NULL;
    NjLoc loc = {0};
    if (!line_ended(s) && *s->at == '"')
        name = nj_scan_quoted(s, NULL);
    parse_loc(s, &loc);
    if (!line_ended(s))
        nj_scan_fail(s, "unexpected text after the value");
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

void nj_parse_val(Parse *p, NjBlkId b)
{
    Scan *s = &p->s;
    NjRef r = NJ_NOREF;
    const NjType *t = NULL;
    if (nj_scan_take(s, "%")) {
        r = nj_parse_number(p);
        t = nj_scan_take(s, ":") ? nj_scan_type(s) : NULL;
        nj_scan_need(s, "=");
    }
    ScanWord w = nj_scan_word(s);
    NjOp op = NJ_OP_nop;
    unsigned sub = 0;
    bool known = !s->failed && nj_op_find(w.at, w.n, &op, &sub);
    if (!s->failed && (!known || op == NJ_OP_const || op == NJ_OP_param || op == NJ_OP_nop)) {
        s->at = w.at;
        nj_scan_fail(s, w.n ? "no operation '%.*s'" : "expected an operation", (int)(w.n < 60 ? w.n : 60), w.at);
    }
    if (!s->failed && !r && nj_op_info[op].result != '-' && nj_op_info[op].result != 't')
        nj_scan_fail(s, "%s has a result: expected %%number =", nj_op_info[op].word);
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
