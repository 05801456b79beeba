/* text.c - how types, names and operands are spelled in LLVM text.
 *
 * Two dialects: typed pointers ("float addrspace(3)*") and opaque ones ("ptr addrspace(3)"). A bool is i1 in registers
 * and i8 in memory; a pointer to complex numbers is spelled as one to their parts, and one to records as i8*. Strings
 * are made in the unit's arena.
 */
#include "emit/emit.h"

static const char *const scalar_words[NJ_T_NSCALAR] = {
#define SCALAR(id, code, name, kind, bits, npchar, llvm, c, fmt) [NJ_T_##id] = llvm,
#include "type/scalars.def"
#undef SCALAR
};

const char *nj_emit_ptr(NjEmit *e, const char *pointee, unsigned space)
{
    const char *base = e->typed ? pointee : "ptr";
    const char *star = e->typed ? "*" : "";
    if (!space || !e->hooks->spaces)
        return e->typed ? nj_arena_printf(e->arena, "%s*", base) : "ptr";
    return nj_arena_printf(e->arena, "%s addrspace(%u)%s", base, space, star);
}

const char *nj_emit_memtype(NjEmit *e, const NjType *t)
{
    switch (t->kind) {
    case NJ_K_BOOL: case NJ_K_RECORD: case NJ_K_VOID: return "i8";
    case NJ_K_COMPLEX: return t->bits == 64 ? "float" : "double";
    default: return nj_emit_type(e, t);
    }
}

const char *nj_emit_type(NjEmit *e, const NjType *t)
{
    if (!t)
        return "void";
    if (t->kind == NJ_K_PTR)
        return nj_emit_ptr(e, nj_emit_memtype(e, t->elem), t->space);
    NjScalar s = nj_type_scalar_of(t);
    return s < NJ_T_NSCALAR ? scalar_words[s] : "i8";
}

/* LLVM reads a hexadecimal number as the bits of a double, for float, too. */
const char *nj_emit_f64(NjEmit *e, double x)
{
    uint64_t bits;
    memcpy(&bits, &x, 8);
    return nj_arena_printf(e->arena, "0x%016llX", (unsigned long long)bits);
}

static int64_t const_bits(const NjConst *k)
{
    return k->kind == NJ_C_BOOL ? k->b : k->i;
}

const char *nj_emit_const(NjEmit *e, const NjConst *k, const NjType *t)
{
    bool whole = k->kind == NJ_C_BOOL || k->kind == NJ_C_INT || k->kind == NJ_C_UINT;
    switch (t->kind) {
    case NJ_K_FLOAT:
        if (whole)
            return nj_emit_f64(e, k->kind == NJ_C_UINT ? (double)k->u : (double)const_bits(k));
        return nj_emit_f64(e, t->bits == 32 ? (double)(float)k->f : k->f);
    case NJ_K_BOOL:
        return const_bits(k) ? "true" : "false";
    case NJ_K_PTR:
        return "null";
    default:
        return nj_arena_printf(e->arena, "%lld", (long long)const_bits(k));
    }
}

/* Casts that change nothing in the text: signs of integers, pointers that are spelled alike. */
static bool is_alias(const NjEmit *e, const NjVal *v)
{
    if (v->op != NJ_OP_bitcast && v->op != NJ_OP_ptrcast)
        return false;
    return !strcmp(nj_emit_type((NjEmit *)e, v->type), nj_emit_type((NjEmit *)e, nj_arg(e->f, v, 0)->type));
}

NjRef nj_emit_source(const NjEmit *e, NjRef r)
{
    while (is_alias(e, nj_val(e->f, r)))
        r = nj_val(e->f, r)->args[0];
    return r;
}

const char *nj_emit_val(NjEmit *e, NjRef r)
{
    r = nj_emit_source(e, r);
    const NjVal *v = nj_val(e->f, r);
    switch (v->op) {
    case NJ_OP_const: return nj_emit_const(e, v->imm.k, v->type);
    case NJ_OP_undef: return "undef";
    case NJ_OP_param: return nj_arena_printf(e->arena, "%%p%lld", (long long)v->imm.i);
    case NJ_OP_result:
        if (nj_emit_direct(nj_arg(e->f, v, 0)->imm.callee->spec))
            return nj_arena_printf(e->arena, "%%v%u", (unsigned)v->args[0]);
        break;
    default: break;
    }
    return nj_arena_printf(e->arena, "%%v%u", (unsigned)r);
}

const char *nj_emit_tv(NjEmit *e, NjRef r)
{
    return nj_arena_printf(e->arena, "%s %s", nj_emit_type(e, nj_val(e->f, r)->type), nj_emit_val(e, r));
}

const char *nj_emit_tmp(NjEmit *e)
{
    return nj_arena_printf(e->arena, "%%t%u", (unsigned)e->ntmp++);
}

/* Letters, digits and '_' stay; '.' becomes '$' for PTX, which objects to it; other bytes become _xx. */
const char *nj_emit_symbol(NjEmit *e, const char *name)
{
    NjText t;
    nj_text_init(&t);
    for (const char *p = name; *p; p++) {
        bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || *p == '_';
        if (plain || (*p == '.' && !e->hooks->mangle))
            nj_text_char(&t, *p);
        else if (*p == '.')
            nj_text_char(&t, '$');
        else
            nj_text_fmt(&t, "_%02x", (unsigned)(unsigned char)*p);
    }
    e->t->failed |= t.failed;
    const char *out = nj_arena_str(e->arena, t.at ? t.at : "f");
    nj_text_free(&t);
    return out;
}

void nj_emit_line(NjEmit *e, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    nj_text_str(e->t, "  ");
    nj_text_vfmt(e->t, fmt, ap);
    va_end(ap);
    if (e->subprogram)
        nj_emit_debug_loc(e);
    nj_text_char(e->t, '\n');
}

void nj_emit_declare(NjEmit *e, const char *name, const char *fmt, ...)
{
    if (nj_map_get(e->declared, name, strlen(name)))
        return;
    (void)nj_map_put(e->declared, name, strlen(name), e);
    va_list ap;
    va_start(ap, fmt);
    nj_text_str(&e->globals, "declare ");
    nj_text_vfmt(&e->globals, fmt, ap);
    nj_text_char(&e->globals, '\n');
    va_end(ap);
}

void nj_emit_bytes(NjText *t, const void *data, size_t n)
{
    static const char digits[] = "0123456789ABCDEF";
    const unsigned char *p = data;
    char chunk[3 * 1024];                    /* written whole: a call for each byte took most of the time */
    nj_text_str(t, "c\"");
    for (size_t i = 0, at = 0; i < n; i++) {
        if (p[i] >= 32 && p[i] < 127 && p[i] != '"' && p[i] != '\\') {
            chunk[at++] = (char)p[i];
        } else {
            chunk[at++] = '\\';
            chunk[at++] = digits[p[i] >> 4];
            chunk[at++] = digits[p[i] & 15];
        }
        if (at > sizeof chunk - 3 || i + 1 == n) {
            nj_text_put(t, chunk, at);
            at = 0;
        }
    }
    nj_text_char(t, '"');
}

bool nj_emit_all_zero(const void *data, size_t n)
{
    const char *p = data;
    return !n || (!p[0] && !memcmp(p, p + 1, n - 1));
}

const char *nj_emit_string(NjEmit *e, const char *s, size_t n)
{
    char *key = nj_arena_printf(e->arena, "\"%.*s", (int)n, s);
    const char *name = nj_map_get(e->declared, key, n + 1);
    const char *space = e->hooks->spaces ? "addrspace(1) " : "";
    if (!name) {
        name = nj_arena_printf(e->arena, "@nj_str%u", (unsigned)nj_map_count(e->declared));
        (void)nj_map_put(e->declared, key, n + 1, (void *)name);
        nj_text_fmt(&e->globals, "%s = internal %sconstant [%zu x i8] ", name, space, n + 1);
        char *z = nj_arena_copy(e->arena, s, n + 1);
        z[n] = 0;
        nj_emit_bytes(&e->globals, z, n + 1);
        nj_text_char(&e->globals, '\n');
    }
    if (!e->hooks->spaces)
        return name;
    if (!e->typed)
        return nj_arena_printf(e->arena, "addrspacecast (ptr addrspace(1) %s to ptr)", name);
    return nj_arena_printf(e->arena, "addrspacecast (i8 addrspace(1)* getelementptr inbounds ([%zu x i8], [%zu x i8] "
                           "addrspace(1)* %s, i64 0, i64 0) to i8*)", n + 1, n + 1, name);
}
