/* op.c - one operation of the core IR -> lines of LLVM text.
 *
 * Most rows of ops.def carry a template; the table below holds a function for the others, and the target's hooks hold
 * the rest. Text that both dialects take is preferred; where they differ, e->typed decides.
 */
#include "emit/emit.h"

static const char *const preds[NJ_PRED_N] = {"eq", "ne", "slt", "sle", "sgt", "sge", "ult", "ule", "ugt", "uge",
                                             "oeq", "olt", "ole", "ogt", "oge", "une", "uno", "ord"};

/* -- templates -------------------------------------------------------------------------------- */

static void put_operand(NjEmit *e, const NjVal *v, unsigned i, bool type)
{
    if (i < v->nargs)
        nj_text_str(e->t, type ? nj_emit_type(e, nj_arg(e->f, v, i)->type) : nj_emit_val(e, v->args[i]));
}

static void emit_template(NjEmit *e, NjRef r, const char *tmpl)
{
    const NjVal *v = nj_val(e->f, r);
    nj_text_str(e->t, "  ");
    for (const char *p = tmpl; *p; p++) {
        if (*p != '%') {
            nj_text_char(e->t, *p);
            continue;
        }
        switch (*++p) {
        case 'd': nj_text_fmt(e->t, "%%v%u", (unsigned)r); break;
        case 't': nj_text_str(e->t, nj_emit_type(e, v->type)); break;
        case 's': nj_text_str(e->t, preds[v->sub]); break;
        case 'f': nj_text_str(e->t, e->fast); break;
        case 'T': put_operand(e, v, (unsigned)(*++p - '0'), true); break;
        default:  put_operand(e, v, (unsigned)(*p - '0'), false); break;
        }
    }
    if (e->subprogram)
        nj_emit_debug_loc(e);
    nj_text_char(e->t, '\n');
}

void nj_emit_intrinsic(NjEmit *e, NjRef r, const char *name, const char *attrs)
{
    const NjVal *v = nj_val(e->f, r);
    const char *types = "", *args = "", *t = nj_emit_type(e, v->type);
    for (unsigned i = 0; i < v->nargs; i++) {
        const char *comma = i ? ", " : "";
        types = nj_arena_printf(e->arena, "%s%s%s", types, comma, nj_emit_type(e, nj_arg(e->f, v, i)->type));
        args = nj_arena_printf(e->arena, "%s%s%s", args, comma, nj_emit_tv(e, v->args[i]));
    }
    nj_emit_declare(e, name, "%s @%s(%s)%s", t, name, types, attrs);
    if (v->type)
        nj_emit_line(e, "%%v%u = call %s%s @%s(%s)", (unsigned)r, nj_type_is(v->type, NJ_K_FLOAT) ? e->fast : "", t,
                     name, args);
    else
        nj_emit_line(e, "call void @%s(%s)", name, args);
}

/* -- control ---------------------------------------------------------------------------------- */

static void emit_nothing(NjEmit *e, NjRef r) { (void)e; (void)r; }

static void emit_phi(NjEmit *e, NjRef r)
{
    const NjVal *v = nj_val(e->f, r);
    const NjBlk *b = nj_blk(e->f, v->blk);
    nj_text_fmt(e->t, "  %%v%u = phi %s ", (unsigned)r, nj_emit_type(e, v->type));
    for (unsigned i = 0; i < v->nargs; i++) {
        nj_text_fmt(e->t, "%s[ %s, %%", i ? ", " : "", nj_emit_val(e, v->args[i]));
        nj_emit_label(e, e->t, b->preds.at[i], true);
        nj_text_str(e->t, " ]");
    }
    nj_text_char(e->t, '\n');
}

static const char *label(NjEmit *e, NjBlkId b)
{
    return nj_arena_printf(e->arena, "%%b%u", (unsigned)b);
}

static void emit_br(NjEmit *e, NjRef r)
{
    (void)r;
    nj_emit_line(e, "br label %s", label(e, nj_blk(e->f, e->blk)->succ[0]));
}

static void emit_condbr(NjEmit *e, NjRef r)
{
    const NjBlk *b = nj_blk(e->f, e->blk);
    nj_emit_line(e, "br i1 %s, label %s, label %s", nj_emit_val(e, nj_val(e->f, r)->args[0]), label(e, b->succ[0]),
                 label(e, b->succ[1]));
}

/* -- numbers ---------------------------------------------------------------------------------- */

static void emit_fneg(NjEmit *e, NjRef r)
{
    const NjVal *v = nj_val(e->f, r);
    const char *t = nj_emit_type(e, v->type), *x = nj_emit_val(e, v->args[0]);
    if (e->typed)
        nj_emit_line(e, "%%v%u = fsub %s%s -0.0, %s", (unsigned)r, e->fast, t, x);
    else
        nj_emit_line(e, "%%v%u = fneg %s%s %s", (unsigned)r, e->fast, t, x);
}

static void emit_frem(NjEmit *e, NjRef r)
{
    const NjVal *v = nj_val(e->f, r);
    if (!e->hooks->spaces) {
        emit_template(e, r, "%d = frem %f%t %0, %1");
        return;
    }
    e->u->uses_math = true;
    nj_emit_intrinsic(e, r, v->type->bits == 32 ? "__nv_fmodf" : "__nv_fmod", "");
}

/* The value that x86's conversions give outside the range, for constants, which LLVM would fold to poison. */
static int64_t f64_to_i64(double x)
{
    return x >= -0x1p63 && x < 0x1p63 ? (int64_t)x : INT64_MIN;
}

/* Out of range is poison, which must not spread; the instruction's own answer is as good as any. */
static void emit_toint(NjEmit *e, const char *out, const char *from, const char *x, unsigned bits)
{
    const char *raw = e->typed ? out : nj_emit_tmp(e);
    nj_emit_line(e, "%s = fptosi %s %s to i%u", raw, from, x, bits);
    if (!e->typed)
        nj_emit_line(e, "%s = freeze i%u %s", out, bits, raw);
}

static void emit_fptosi_const(NjEmit *e, NjRef r, double x, unsigned via)
{
    unsigned bits = nj_val(e->f, r)->type->bits;
    int64_t i = f64_to_i64(x);
    if (via == 32 && (i < INT32_MIN || i > INT32_MAX))
        i = INT32_MIN;
    unsigned drop = 64 - bits;
    i = (int64_t)((uint64_t)i << drop) >> drop;
    nj_emit_line(e, "%%v%u = add i%u %lld, 0", (unsigned)r, bits, (long long)i);
}

static void emit_fptosi(NjEmit *e, NjRef r)
{
    const NjVal *v = nj_val(e->f, r), *a = nj_arg(e->f, v, 0);
    unsigned bits = v->type->bits, via = bits < 32 ? 32 : bits;
    const char *out = nj_arena_printf(e->arena, "%%v%u", (unsigned)r), *wide = via != bits ? nj_emit_tmp(e) : out;
    if (a->op == NJ_OP_const && a->imm.k->kind == NJ_C_FLOAT) {
        emit_fptosi_const(e, r, a->imm.k->f, via);
        return;
    }
    emit_toint(e, wide, nj_emit_type(e, a->type), nj_emit_val(e, v->args[0]), via);
    if (via != bits)
        nj_emit_line(e, "%s = trunc i%u %s to i%u", out, via, wide, bits);
}

/* Below 2**63 through i64, so that -1.0 becomes all ones; above, less 2**63 and the top bit set. */
static void emit_fptoui(NjEmit *e, NjRef r)
{
    const NjVal *v = nj_val(e->f, r), *a = nj_arg(e->f, v, 0);
    const char *ft = nj_emit_type(e, a->type), *x = nj_emit_val(e, v->args[0]), *i = nj_emit_tmp(e);
    if (v->type->bits < 64) {
        emit_toint(e, i, ft, x, v->type->bits < 32 ? 32 : 64);
        nj_emit_line(e, "%%v%u = trunc i%u %s to i%u", (unsigned)r, v->type->bits < 32 ? 32 : 64, i, v->type->bits);
        return;
    }
    const char *big = nj_emit_tmp(e), *less = nj_emit_tmp(e), *y = nj_emit_tmp(e), *top = nj_emit_tmp(e);
    const char *edge = nj_emit_f64(e, 0x1p63);
    nj_emit_line(e, "%s = fcmp oge %s %s, %s", big, ft, x, edge);
    nj_emit_line(e, "%s = fsub %s %s, %s", less, ft, x, edge);
    nj_emit_line(e, "%s = select i1 %s, %s %s, %s %s", y, big, ft, less, ft, x);
    emit_toint(e, i, ft, y, 64);
    nj_emit_line(e, "%s = select i1 %s, i64 -9223372036854775808, i64 0", top, big);
    nj_emit_line(e, "%%v%u = xor i64 %s, %s", (unsigned)r, i, top);
}

static void emit_bit(NjEmit *e, NjRef r)
{
    const NjVal *v = nj_val(e->f, r);
    static const char *const names[NJ_BIT_N] = {"ctpop", "ctlz", "bitreverse", "cttz"};
    const char *t = nj_emit_type(e, v->type), *x = nj_emit_val(e, v->args[0]);
    const char *name = nj_arena_printf(e->arena, "llvm.%s.%s", names[v->sub], t);
    bool zero = v->sub == NJ_BIT_CLZ || v->sub == NJ_BIT_FFS;
    nj_emit_declare(e, name, "%s @%s(%s%s)", t, name, t, zero ? ", i1" : "");
    if (v->sub != NJ_BIT_FFS) {
        nj_emit_line(e, "%%v%u = call %s @%s(%s %s%s)", (unsigned)r, t, name, t, x, zero ? ", i1 false" : "");
        return;
    }
    const char *n = nj_emit_tmp(e), *one = nj_emit_tmp(e), *none = nj_emit_tmp(e);
    nj_emit_line(e, "%s = call %s @%s(%s %s, i1 false)", n, t, name, t, x);
    nj_emit_line(e, "%s = add %s %s, 1", one, t, n);
    nj_emit_line(e, "%s = icmp eq %s %s, 0", none, t, x);
    nj_emit_line(e, "%%v%u = select i1 %s, %s 0, %s %s", (unsigned)r, none, t, t, one);
}

/* -- memory ----------------------------------------------------------------------------------- */

static void emit_bitcast(NjEmit *e, NjRef r)
{
    if (nj_emit_source(e, r) == r)
        emit_template(e, r, "%d = bitcast %T0 %0 to %t");
}

static void emit_ptrcast(NjEmit *e, NjRef r)
{
    const NjVal *v = nj_val(e->f, r), *a = nj_arg(e->f, v, 0);
    if (nj_emit_source(e, r) != r)
        return;
    const char *to = nj_emit_type(e, v->type), *from = nj_emit_tv(e, v->args[0]);
    if (v->type->space == a->type->space || !e->hooks->spaces) {
        nj_emit_line(e, "%%v%u = bitcast %s to %s", (unsigned)r, from, to);
        return;
    }
    nj_emit_line(e, "%%v%u = addrspacecast %s to %s", (unsigned)r, from, to);
}

static void emit_alloca(NjEmit *e, NjRef r)
{
    const NjVal *v = nj_val(e->f, r);
    nj_emit_line(e, "%%v%u = alloca %s, i32 %lld, align 16", (unsigned)r, nj_emit_memtype(e, v->type->elem),
                 (long long)v->imm.i);
}

const char *nj_emit_load(NjEmit *e, const NjType *t, const char *ptr)
{
    const char *x = nj_emit_tmp(e), *m = nj_emit_memtype(e, t);
    nj_emit_line(e, "%s = load %s, %s %s", x, m, nj_emit_ptr(e, m, 0), ptr);
    if (t->kind != NJ_K_BOOL)
        return x;
    const char *b = nj_emit_tmp(e);
    nj_emit_line(e, "%s = icmp ne i8 %s, 0", b, x);
    return b;
}

void nj_emit_store(NjEmit *e, const NjType *t, const char *val, const char *ptr)
{
    const char *m = nj_emit_memtype(e, t);
    if (t->kind == NJ_K_BOOL) {
        const char *x = nj_emit_tmp(e);
        nj_emit_line(e, "%s = zext i1 %s to i8", x, val);
        val = x;
    }
    nj_emit_line(e, "store %s %s, %s %s", m, val, nj_emit_ptr(e, m, 0), ptr);
}

static unsigned natural_align(const NjType *t)
{
    return t->kind == NJ_K_PTR ? 8 : t->bits <= 8 ? 1 : t->bits / 8;
}

static void emit_load(NjEmit *e, NjRef r)
{
    const NjVal *v = nj_val(e->f, r);
    bool is_bool = nj_type_is(v->type, NJ_K_BOOL);
    const char *m = nj_emit_memtype(e, v->type), *p = nj_emit_tv(e, v->args[0]);
    const char *to = is_bool ? nj_emit_tmp(e) : nj_arena_printf(e->arena, "%%v%u", (unsigned)r);
    const char *word = v->sub & NJ_MEM_VOLATILE ? "volatile " : "";
    const char *inv =
        v->sub & NJ_MEM_INVARIANT ? nj_arena_printf(e->arena, ", !invariant.load !%u", nj_emit_meta(e, "!{}")) : "";
    nj_emit_line(e, "%s = load %s%s, %s, align %u%s%s", to, word, m, p, natural_align(v->type), inv, e->access);
    if (is_bool)
        nj_emit_line(e, "%%v%u = icmp ne i8 %s, 0", (unsigned)r, to);
}

static void emit_store(NjEmit *e, NjRef r)
{
    const NjVal *v = nj_val(e->f, r);
    const NjType *t = nj_arg(e->f, v, 0)->type;
    const char *x = nj_emit_val(e, v->args[0]);
    if (t->kind == NJ_K_BOOL) {
        const char *wide = nj_emit_tmp(e);
        nj_emit_line(e, "%s = zext i1 %s to i8", wide, x);
        x = wide;
    }
    nj_emit_line(e, "store %s%s %s, %s, align %u%s", v->sub & NJ_MEM_VOLATILE ? "volatile " : "", nj_emit_memtype(e, t),
                 x, nj_emit_tv(e, v->args[1]), natural_align(t), e->access);
}

static void emit_elem(NjEmit *e, NjRef r)
{
    const NjVal *v = nj_val(e->f, r);
    nj_emit_line(e, "%%v%u = getelementptr inbounds %s, %s, %s", (unsigned)r, nj_emit_memtype(e, v->type->elem),
                 nj_emit_tv(e, v->args[0]), nj_emit_tv(e, v->args[1]));
}

static void emit_offset(NjEmit *e, NjRef r)
{
    const NjVal *v = nj_val(e->f, r);
    const char *t = nj_emit_type(e, v->type), *bytes = nj_emit_ptr(e, "i8", v->type->space);
    const char *p = nj_emit_val(e, v->args[0]), *i = nj_emit_tv(e, v->args[1]);
    if (!e->typed || !strcmp(t, bytes)) {
        nj_emit_line(e, "%%v%u = getelementptr inbounds i8, %s %s, %s", (unsigned)r, bytes, p, i);
        return;
    }
    const char *raw = nj_emit_tmp(e), *at = nj_emit_tmp(e);
    nj_emit_line(e, "%s = bitcast %s %s to %s", raw, t, p, bytes);
    nj_emit_line(e, "%s = getelementptr inbounds i8, %s %s, %s", at, bytes, raw, i);
    nj_emit_line(e, "%%v%u = bitcast %s %s to %s", (unsigned)r, bytes, at, t);
}

static void emit_constmem(NjEmit *e, NjRef r)
{
    const NjVal *v = nj_val(e->f, r);
    const NjConst *k = v->imm.k;
    size_t n = k->array.nbytes ? k->array.nbytes : 1;
    const char *name = nj_arena_printf(e->arena, "@%s_const%u", nj_emit_symbol(e, e->spec->symbol), (unsigned)r);
    const char *space = !e->hooks->spaces ? "" : v->type->space == NJ_SPACE_CONST ? "addrspace(4) " : "addrspace(1) ";
    nj_text_fmt(&e->globals, "%s = internal %sconstant [%zu x i8] ", name, space, n);
    if (!nj_emit_all_zero(k->array.data, k->array.nbytes))
        nj_emit_bytes(&e->globals, k->array.data, n);
    else
        nj_text_str(&e->globals, "zeroinitializer");
    nj_text_str(&e->globals, ", align 16\n");
    if (e->typed)
        nj_emit_line(e, "%%v%u = bitcast [%zu x i8] %s* %s to %s", (unsigned)r, n, space, name,
                     nj_emit_type(e, v->type));
    else
        nj_emit_line(e, "%%v%u = getelementptr i8, %s %s, i64 0", (unsigned)r, nj_emit_type(e, v->type), name);
}

/* -- atomics ---------------------------------------------------------------------------------- */

static const char *rmw_word(const NjVal *v, const NjType *t)
{
    static const char *const words[NJ_RMW_N] = {"add", "sub", "max", "min", "and", "or", "xor", "xchg"};
    if (v->sub == NJ_RMW_MAX && t->kind != NJ_K_INT)
        return "umax";
    if (v->sub == NJ_RMW_MIN && t->kind != NJ_K_INT)
        return "umin";
    return words[v->sub];
}

/* Lowering leaves of floats only additions here. */
static void emit_rmw(NjEmit *e, NjRef r)
{
    const NjVal *v = nj_val(e->f, r);
    const NjType *t = nj_arg(e->f, v, 1)->type;
    const char *p = nj_emit_tv(e, v->args[0]), *x = nj_emit_tv(e, v->args[1]);
    if (t->kind != NJ_K_FLOAT) {
        nj_emit_line(e, "%%v%u = atomicrmw %s %s, %s monotonic", (unsigned)r, rmw_word(v, t), p, x);
    } else if (!e->typed) {
        nj_emit_line(e, "%%v%u = atomicrmw fadd %s, %s monotonic", (unsigned)r, p, x);
    } else {
        const char *ft = nj_emit_type(e, t);
        const char *name = nj_arena_printf(e->arena, "llvm.nvvm.atomic.load.add.f%u.p0f%u", t->bits, t->bits);
        nj_emit_declare(e, name, "%s @%s(%s*, %s)", ft, name, ft, ft);
        nj_emit_line(e, "%%v%u = call %s @%s(%s, %s)", (unsigned)r, ft, name, p, x);
    }
}

static void emit_cas(NjEmit *e, NjRef r)
{
    const NjVal *v = nj_val(e->f, r);
    const char *pair = nj_emit_tmp(e), *t = nj_emit_type(e, v->type);
    nj_emit_line(e, "%s = cmpxchg %s, %s, %s monotonic monotonic", pair, nj_emit_tv(e, v->args[0]),
                 nj_emit_tv(e, v->args[1]), nj_emit_tv(e, v->args[2]));
    nj_emit_line(e, "%%v%u = extractvalue { %s, i1 } %s, 0", (unsigned)r, t, pair);
}

/* -- the table -------------------------------------------------------------------------------- */

static void emit_callx(NjEmit *e, NjRef r)
{
    const char *name = nj_val(e->f, r)->imm.name;
    e->u->uses_math |= !strncmp(name, "__nv_", 5);
    nj_emit_intrinsic(e, r, name, " nounwind");
}

static void emit_sreg(NjEmit *e, NjRef r) { e->hooks->sreg(e, r); }
static void emit_barrier(NjEmit *e, NjRef r) { e->hooks->barrier(e, r); }
static void emit_barred(NjEmit *e, NjRef r) { e->hooks->barred(e, r); }
static void emit_syncwarp(NjEmit *e, NjRef r) { e->hooks->syncwarp(e, r); }
static void emit_fence(NjEmit *e, NjRef r) { e->hooks->fence(e, r); }
static void emit_shared(NjEmit *e, NjRef r) { e->hooks->shared(e, r); }
static void emit_math(NjEmit *e, NjRef r) { e->hooks->math(e, r); }
static void emit_print(NjEmit *e, NjRef r) { e->hooks->print(e, r); }

static const NjEmitOp handlers[NJ_OP_COUNT] = {
    [NJ_OP_nop] = emit_nothing,      [NJ_OP_param] = emit_nothing,
    [NJ_OP_const] = emit_nothing,    [NJ_OP_undef] = emit_nothing,
    [NJ_OP_retain] = emit_nothing,   [NJ_OP_release] = emit_nothing,
    [NJ_OP_phi] = emit_phi,          [NJ_OP_br] = emit_br,
    [NJ_OP_condbr] = emit_condbr,    [NJ_OP_ret] = nj_emit_return,
    [NJ_OP_raise] = nj_emit_raise,   [NJ_OP_bit] = emit_bit,
    [NJ_OP_frem] = emit_frem,        [NJ_OP_fneg] = emit_fneg,
    [NJ_OP_math] = emit_math,        [NJ_OP_fptosi] = emit_fptosi,
    [NJ_OP_fptoui] = emit_fptoui,    [NJ_OP_bitcast] = emit_bitcast,
    [NJ_OP_ptrcast] = emit_ptrcast,  [NJ_OP_alloca] = emit_alloca,
    [NJ_OP_load] = emit_load,        [NJ_OP_store] = emit_store,
    [NJ_OP_elem] = emit_elem,        [NJ_OP_offset] = emit_offset,
    [NJ_OP_shared] = emit_shared,    [NJ_OP_constmem] = emit_constmem,
    [NJ_OP_rmw] = emit_rmw,          [NJ_OP_cas] = emit_cas,
    [NJ_OP_sreg] = emit_sreg,        [NJ_OP_barrier] = emit_barrier,
    [NJ_OP_barred] = emit_barred,    [NJ_OP_syncwarp] = emit_syncwarp,
    [NJ_OP_fence] = emit_fence,      [NJ_OP_call] = nj_emit_call,
    [NJ_OP_result] = nj_emit_result, [NJ_OP_callx] = emit_callx,
    [NJ_OP_print] = emit_print,
};

void nj_emit_op(NjEmit *e, NjRef r)
{
    NjOp op = nj_val(e->f, r)->op;
    if (handlers[op])
        handlers[op](e, r);
    else if (nj_op_info[op].tmpl[0])
        emit_template(e, r, nj_op_info[op].tmpl);
    else
        nj_bug(&e->u->diags, "emit", NULL, "no text for %s", nj_op_info[op].word);
}
