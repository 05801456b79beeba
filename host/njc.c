/* njc.c - the command line over .nj files: parse, verify, run named passes, print, emit LLVM text.
 *
 * In: a file of functions in the text form (doc/ir.txt), or standard input. Out: the functions afterwards, or LLVM
 * text, on standard output; complaints on standard error.
 */
#include <stdlib.h>

#include "pass/pass.h"
#include "run/unit.h"

enum { EXIT_WRONG = 1, EXIT_USAGE = 2, EXIT_OUTSIDE = 3, EXIT_DEFECT = 4 };

/* Defined in cpu/target.c and cuda/target.c, which host/ does not include. */
extern const NjTarget nj_cpu_target, nj_cpudev_target;
#ifndef NJ_NO_CUDA
extern const NjTarget nj_cuda_target, nj_nvptx_target;
#endif

static const struct { const char *name; const NjTarget *target; const char *doc; } njc_targets[] = {
    {"cpu", &nj_cpu_target, "this machine's processor"},
    {"cpudev", &nj_cpudev_target, "the CPU device: kernels on the processor"},
#ifndef NJ_NO_CUDA
    {"cuda", &nj_cuda_target, "NVVM, the old dialect"},
    {"nvptx", &nj_nvptx_target, "LLVM's own NVPTX"},
#endif
};

typedef struct Job {
    const char *passes, *dump, *file;
    const NjTarget *target;
    bool check, plain, quiet, level, lower, emit;
} Job;

typedef struct Njc { NjTypes *types; NjArena *arena; NjDiags diags; NjText text; NjFn **fns; uint32_t n; } Njc;

/* -- lists --------------------------------------------------------------------------------------------------------- */

static void njc_help(void)
{
    puts("usage: njc [options] file.nj          '-' reads standard input\n"
         "\n"
         "  -p PASS,PASS    run these passes on every function, in this order\n"
         "  -O              run all passes of each function's level\n"
         "  -d LETTERS      dump stages to standard error ('help' lists the letters; o: after each pass)\n"
         "  --check         verify before and after every pass\n"
         "  --plain         print without locations\n"
         "  --quiet         print nothing\n"
         "  --lower=TARGET  lower typed Python-level functions for this target first\n"
         "  --llvm=TARGET   print LLVM text of the core functions; the first one is the root\n"
         "  --ops           list the operations\n"
         "  --passes        list the passes\n"
         "  --help          this text\n"
         "\n"
         "exit status: 0 done, 1 the file is wrong, 2 wrong usage, 3 a file or memory is missing, 4 a defect of naja\n"
         "\n"
         "targets:");
    for (size_t i = 0; i < NJ_COUNT(njc_targets); i++)
        printf("  %-8s %s\n", njc_targets[i].name, njc_targets[i].doc);
}

static void njc_passes(void)
{
    static const char *const level[] = {"", "py", "core", "any"};
    for (const NjPassInfo *p = nj_passes; p->name; p++)
        printf("%-10s %-5s %s\n", p->name, level[p->level], p->doc);
}

/* The table of doc/ir.txt. Every variant is named. */
static void njc_ops(void)
{
    for (int op = 0; op < NJ_OP_COUNT; op++) {
        const NjOpInfo *i = &nj_op_info[op];
        char nargs[16];
        snprintf(nargs, sizeof nargs, "%d", i->nargs);
        printf("%-12s %-2s %c %-3s ", i->word, i->nargs < 0 ? "*" : nargs, i->result, i->args);
        printf("%-*s%s%s\n", *i->doc ? 6 : 0, *i->flags ? i->flags : "-", *i->doc ? " " : "", i->doc);
        if (!nj_op_has((NjOp)op, 'S'))
            continue;
        int col = 0;
        for (unsigned sub = 0; nj_sub_word((NjOp)op, sub); sub++) {
            const char *word = nj_sub_word((NjOp)op, sub);
            if (!*word || *word == '?')
                continue;
            if (!col || col > 110)
                col = printf("%s%29s", col ? "\n" : "", ".") - (col > 0);
            col += 1 + (int)strlen(word);
            putchar(' ');
            for (; *word; word++)
                putchar(*word >= 'A' && *word <= 'Z' ? *word + 'a' - 'A' : *word);
        }
        putchar('\n');
    }
}

/* -- input --------------------------------------------------------------------------------------------------------- */

static int njc_read(const char *path, NjText *text)
{
    FILE *f = strcmp(path, "-") ? fopen(path, "rb") : stdin;
    if (!f) {
        perror(path);
        return EXIT_OUTSIDE;
    }
    char buf[1 << 14];
    for (size_t n; (n = fread(buf, 1, sizeof buf, f)) > 0;)
        nj_text_put(text, buf, n);
    bool bad = ferror(f) || text->failed;
    if (f != stdin)
        fclose(f);
    if (bad)
        fprintf(stderr, "njc: cannot read %s\n", path);
    return bad ? EXIT_OUTSIDE : 0;
}

static const char *njc_source(void *arg, const char *file, uint32_t line)
{
    Njc *c = arg;
    (void)file;
    const char *s = c->text.at;
    while (s && --line)
        s = strchr(s, '\n') ? strchr(s, '\n') + 1 : NULL;
    if (!s)
        return NULL;
    char *copy = nj_arena_alloc(c->arena, strcspn(s, "\n") + 1);
    return copy ? memcpy(copy, s, strcspn(s, "\n")) : NULL;
}

static void njc_complain(Njc *c, const char *file)
{
    NjText out;
    nj_text_init(&out);
    for (uint32_t i = 0; i < c->diags.list.n; i++)
        if (c->diags.list.at[i]->file && !strcmp(c->diags.list.at[i]->file, "<nj>"))
            c->diags.list.at[i]->file = file;
    nj_diag_render(&c->diags, &out, njc_source, c);
    if (out.n)
        fputs(out.at, stderr);
    nj_text_free(&out);
}

/* -- work ---------------------------------------------------------------------------------------------------------- */

static bool njc_verify(const NjFn *f, const char *when)
{
    NjText out;
    nj_text_init(&out);
    bool ok = nj_ir_check(f, &out);
    if (!ok)
        fprintf(stderr, "%s: %s", when, out.at);
    nj_text_free(&out);
    return ok;
}

static int njc_pass(NjFn *f, const char *name, const Job *j)
{
    NjStatus st = nj_pass_run(f, name);
    if (st == NJ_E_ENV) {
        fprintf(stderr, "njc: no pass is called '%s'; njc --passes lists them\n", name);
        return EXIT_USAGE;
    }
    if (st)
        return st == NJ_E_NOMEM ? EXIT_OUTSIDE : EXIT_DEFECT;
    return j->check && !njc_verify(f, name) ? EXIT_DEFECT : 0;
}

static int njc_work(NjFn *f, const Job *j)
{
    if (j->check && !njc_verify(f, "as read"))
        return EXIT_WRONG;
    if (j->level) {
        NjStatus st = nj_pass_run_level(f, f->core);
        if (st || (j->check && !njc_verify(f, "after the passes")))
            return EXIT_DEFECT;
    }
    char name[32];
    for (const char *s = j->passes; s && *s; s += *s == ',') {
        size_t n = strcspn(s, ",");
        snprintf(name, sizeof name, "%.*s", (int)n, s);
        int rc = njc_pass(f, name, j);
        if (rc)
            return rc;
        s += n;
    }
    return 0;
}

static void njc_print(const Njc *c, const Job *j)
{
    NjText out;
    nj_text_init(&out);
    for (uint32_t i = 0; i < c->n; i++) {
        if (i)
            nj_text_char(&out, '\n');
        (j->plain ? nj_ir_print_plain : nj_ir_print)(&out, c->fns[i]);
    }
    if (out.at)
        fwrite(out.at, 1, out.n, stdout);
    nj_text_free(&out);
}

/* Typed functions of the Python level become core functions of the same place in the file. */
static NjStatus njc_lower(Njc *c, NjUnit *u, NjFn **f)
{
    NjSpec *spec = (*f)->spec;
    NjStatus st = nj_lower(spec);
    if (!st)
        *f = spec->core;
    c->diags = u->diags;
    return st;
}

/* The file as a unit: every function has a spec; the first is the root. */
static NjStatus njc_unit(Njc *c, const Job *j, NjCtx *ctx, NjUnit *u)
{
    *ctx = (NjCtx){.types = c->types};
    *u = (NjUnit){.ctx = ctx, .target = j->target, .arena = c->arena, .diags = c->diags};
    nj_text_init(&u->llvm);
    for (uint32_t i = 0; i < c->n; i++) {
        c->fns[i]->spec->unit = u;
        if ((j->lower || c->fns[i]->core) && !nj_vec_push(c->arena, &u->specs, c->fns[i]->spec))
            return NJ_E_NOMEM;
    }
    NjStatus st = NJ_OK;
    for (uint32_t i = 0; i < c->n && j->lower && !st; i++)
        if (!c->fns[i]->core)
            st = njc_lower(c, u, &c->fns[i]);
    return st;
}

/* All must be there: what a call names must have a body. */
static NjStatus njc_emit(Njc *c, const Job *j, NjUnit *u)
{
    if (!u->specs.n) {
        fprintf(stderr, "njc: %s has no core function\n", j->file);
        return NJ_E_USER;
    }
    u->opts = u->specs.at[0]->core->opts;
    u->root = u->specs.at[0]->core->kernel ? NJ_ROOT_KERNEL : j->target->raises ? NJ_ROOT_FUNC : NJ_ROOT_DEVICE;
    NjStatus st = nj_emit_unit(u);
    if (!st && u->llvm.at)
        fwrite(u->llvm.at, 1, u->llvm.n, stdout);
    c->diags = u->diags;
    return st;
}

/* Calls of functions that the file lacks: fine to print, not to emit. */
static bool njc_complete(const Njc *c)
{
    bool ok = true;
    for (uint32_t i = 0; i < c->n; i++) {
        NjFn *f = c->fns[i];
        for (NjRef r = 1; r < f->vals.n; r++) {
            const NjVal *v = nj_val(f, r);
            if (v->op != NJ_OP_call || v->imm.callee->spec->core)
                continue;
            const char *callee = v->imm.callee->spec->symbol;
            fprintf(stderr, "njc: @%s calls @%s, which the file does not define\n", f->name, callee);
            ok = false;
        }
    }
    return ok;
}

/* Lowered, printed or emitted, as the options say. */
static int njc_finish(Njc *c, const Job *j)
{
    NjCtx ctx;
    NjUnit u;
    NjStatus st = NJ_OK;
    if (j->target && !(st = njc_unit(c, j, &ctx, &u)) && j->emit)
        st = njc_complete(c) ? njc_emit(c, j, &u) : NJ_E_USER;
    if (j->target)
        nj_text_free(&u.llvm);
    if (!st && !j->emit && !j->quiet)
        njc_print(c, j);
    return st == NJ_OK ? 0 : st == NJ_E_BUG ? EXIT_DEFECT : EXIT_WRONG;
}

static int njc_run(Njc *c, const Job *j)
{
    int rc = njc_read(j->file, &c->text);
    if (rc)
        return rc;
    NjStatus st = nj_ir_parse(c->types, c->arena, &c->diags, c->text.at ? c->text.at : "", c->text.n, &c->fns, &c->n);
    if (st)
        return st == NJ_E_NOMEM ? EXIT_OUTSIDE : EXIT_WRONG;
    for (uint32_t i = 0; i < c->n && !rc; i++)
        rc = njc_work(c->fns[i], j);
    if (rc)
        return rc;
    return njc_finish(c, j);
}

/* -- options ------------------------------------------------------------------------------------------------------- */

static const NjTarget *njc_target(const char *name)
{
    for (size_t i = 0; i < NJ_COUNT(njc_targets); i++)
        if (!strcmp(njc_targets[i].name, name))
            return njc_targets[i].target;
    return NULL;
}

/* One argument. -1: go on; else the status to leave with. *i moves past an option's value. */
static int njc_option(Job *j, int *i, int argc, char **argv)
{
    const char *a = argv[*i];
    static const struct { const char *word; void (*show)(void); } lists[] = {
        {"--help", njc_help}, {"-h", njc_help}, {"--ops", njc_ops}, {"--passes", njc_passes},
    };
    for (size_t k = 0; k < NJ_COUNT(lists); k++)
        if (!strcmp(a, lists[k].word))
            return lists[k].show(), 0;
    const struct { const char *word; bool *flag; } flags[] = {
        {"--check", &j->check}, {"--plain", &j->plain}, {"--quiet", &j->quiet}, {"-O", &j->level},
    };
    for (size_t k = 0; k < NJ_COUNT(flags); k++)
        if (!strcmp(a, flags[k].word))
            return *flags[k].flag = true, -1;
    if ((!strcmp(a, "-p") || !strcmp(a, "-d")) && *i + 1 < argc) {
        *(a[1] == 'p' ? &j->passes : &j->dump) = argv[++*i];
        return -1;
    }
    if (!strncmp(a, "--llvm=", 7) && (j->target = njc_target(a + 7)))
        return j->emit = true, -1;
    if (!strncmp(a, "--lower=", 8) && (j->target = njc_target(a + 8)))
        return j->lower = true, -1;
    if ((*a != '-' || !a[1]) && !j->file) {
        j->file = a;
        return -1;
    }
    fprintf(stderr, "njc: what is '%s'? njc --help lists the options\n", a);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    Job j = {0};
    for (int i = 1; i < argc; i++) {
        int rc = njc_option(&j, &i, argc, argv);
        if (rc >= 0)
            return rc;
    }
    NjErr err;
    j.check |= j.target != NULL;          /* emit/ may assume what the verifier checks */
    if (!j.file || (j.dump && !nj_knobs_dump(j.dump, &err))) {
        fprintf(stderr, "njc: %s\n", j.file ? err.text : "no file; njc --help lists the options");
        return EXIT_USAGE;
    }
    Njc c = {.types = nj_types_new(), .arena = nj_arena_new()};
    int rc = EXIT_OUTSIDE;
    if (c.types && c.arena) {
        c.diags.arena = c.arena;
        nj_text_init(&c.text);
        rc = njc_run(&c, &j);
        njc_complain(&c, j.file);
        nj_text_free(&c.text);
    }
    nj_arena_free(c.arena);
    nj_types_free(c.types);
    return rc;
}
