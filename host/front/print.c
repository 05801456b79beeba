/* print.c - dump letters b and c: normalised bytecode, and its blocks.
 *
 * In: instructions. Out: text with lines but no columns, so that it is the same for every Python version where the
 * code is.
 */
#include "front/front.h"

static void print_const(NjText *out, const NjConst *k)
{
    switch (k ? k->kind : NJ_C_MISSING) {
    case NJ_C_MISSING: nj_text_str(out, "<missing>"); break;
    case NJ_C_NONE: nj_text_str(out, "None"); break;
    case NJ_C_ELLIPSIS: nj_text_str(out, "..."); break;
    case NJ_C_BOOL: nj_text_str(out, k->b ? "True" : "False"); break;
    case NJ_C_INT: nj_text_int(out, k->i); break;
    case NJ_C_FLOAT: nj_text_f64(out, k->f); break;
    case NJ_C_STR: nj_text_quote(out, k->str.text, k->str.n); break;
    case NJ_C_TUPLE:
        nj_text_char(out, '(');
        for (uint32_t i = 0; i < k->tuple.n; i++) {
            nj_text_str(out, i ? ", " : "");
            print_const(out, k->tuple.at[i]);
        }
        nj_text_char(out, ')');
        break;
    default: nj_text_str(out, k->name ? k->name : "<constant>"); break;
    }
}

static void print_call(NjText *out, const NjCode *code, const NjIns *i)
{
    nj_text_int(out, i->arg);
    if (i->arg2) {
        nj_text_str(out, " names ");
        print_const(out, code->consts[i->arg2 - 1]);
    }
}

static void print_arg(NjText *out, const NjCode *code, const NjIns *i)
{
    switch (i->op) {
    case NJ_BC_UNSUPPORTED: nj_text_str(out, nj_front_construct(i->arg)); break;
    case NJ_BC_LOAD_CONST: print_const(out, code->consts[i->arg]); break;
    case NJ_BC_LOAD_FAST: case NJ_BC_STORE_FAST: case NJ_BC_DEL_FAST:
        nj_text_str(out, nj_front_var(code, i->arg));
        break;
    case NJ_BC_LOAD_FREE: nj_text_str(out, code->frees[i->arg]); break;
    case NJ_BC_LOAD_GLOBAL: case NJ_BC_LOAD_ATTR: case NJ_BC_STORE_ATTR: nj_text_str(out, code->names[i->arg]); break;
    case NJ_BC_UNARY: nj_text_str(out, nj_un_signs[i->arg]); break;
    case NJ_BC_BINOP: nj_text_str(out, nj_bin_signs[i->arg]); break;
    case NJ_BC_INPLACE: nj_text_fmt(out, "%s=", nj_bin_signs[i->arg]); break;
    case NJ_BC_COMPARE: nj_text_str(out, nj_cmp_signs[i->arg]); break;
    case NJ_BC_CALL: print_call(out, code, i); break;
    case NJ_BC_JUMP: case NJ_BC_FOR_ITER: nj_text_fmt(out, "-> %u", i->arg); break;
    case NJ_BC_JUMP_IF: nj_text_fmt(out, "%s -> %u", i->arg2 ? "true" : "false", i->arg); break;
    case NJ_BC_SLICE: case NJ_BC_TUPLE: case NJ_BC_UNPACK: case NJ_BC_COPY: case NJ_BC_SWAP:
        nj_text_int(out, i->arg);
        break;
    default: break;
    }
}

static void print_range(NjText *out, const NjCode *code, const NjBytecode *bc, uint32_t first, uint32_t end)
{
    uint32_t line = 0;
    for (uint32_t n = first; n < end; n++) {
        const NjIns *i = &bc->ins[n];
        uint32_t at = nj_front_loc(code, i).line;
        if (at && at != line)
            nj_text_fmt(out, "%6u", line = at);
        else
            nj_text_str(out, "      ");
        nj_text_fmt(out, " %5u  %-14s ", n, nj_bc_info[i->op].name);
        print_arg(out, code, i);
        while (out->n && out->at[out->n - 1] == ' ')
            out->at[--out->n] = 0;
        nj_text_char(out, '\n');
    }
}

void nj_front_print(NjText *out, const NjCode *code, const NjBytecode *bc)
{
    nj_text_fmt(out, "bytecode of %s\n", code->qualname);
    print_range(out, code, bc, 0, bc->n);
}

void nj_front_print_cfg(NjText *out, const NjCode *code, const NjBytecode *bc, const NjCfg *cfg)
{
    nj_text_fmt(out, "blocks of %s\n", code->qualname);
    for (uint32_t b = 0; b < cfg->n; b++) {
        const NjFrontBlk *k = &cfg->blks[b];
        nj_text_fmt(out, "b%u: idom b%u, stack %u, to", b, k->idom, k->depth);
        for (uint32_t i = 0; i < k->nsucc; i++)
            nj_text_fmt(out, " b%u", k->succ[i]);
        nj_text_str(out, k->nsucc ? "\n" : " nowhere\n");
        print_range(out, code, bc, k->first, k->end);
    }
}
