/* load.c - puts an ELF relocatable object into memory, ready to run.
 *
 * In: the bytes of an object, from the compiler a moment ago or from the cache; out: a block of pages, its symbols'
 * addresses.
 *
 *     | text  stubs | constants  GOT | data |      one mmap, a protection for each part, all within reach of each other
 *
 * Calls leave the block through stubs, addresses of outside data come from the GOT, so both may be anywhere. Pages are
 * written first and protected afterwards: none is ever writable and executable at once.
 */
#include "cpu/atomics.h"
#include "cpu/load.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x10u
#endif

#if defined(__x86_64__)
static const NjLoadArch *const load_host = &nj_load_x86_64;
#elif defined(__aarch64__)
static const NjLoadArch *const load_host = &nj_load_aarch64;
#else
#error "the loader has no relocations for this machine"
#endif

typedef struct LoadSymbol { const char *name; void *addr; } LoadSymbol;

struct NjCpuCode {
    NjA32        refs;
    uint8_t     *base;
    size_t       nbytes;
    NjLoadNotes *notes;
    uint32_t     nsym;
    LoadSymbol   sym[];           /* the names lie behind the array */
};

typedef struct Load {
    NjLoadObject      o;
    const NjLoadArch *arch;
    NjCpuSymbolFn     extra;
    void             *arg;
    NjErr            *err;
    uint64_t *value;              /* for each symbol: its address */
    uint32_t *got, *stub;         /* for each symbol: 1 + its place in the GOT and among the stubs; 0: none */
    uint32_t  ngot, nstub;
    uint64_t  start[NJ_GROUP_COUNT + 1];      /* of the groups in the block, page aligned; the last is its size */
    uint64_t  stub_off, got_off;
    uint8_t  *base;
} Load;

static NjStatus no_memory(NjErr *err)
{
    return nj_err_set(err, NJ_E_NOMEM, 0, "out of memory");
}

/* -- what the relocations ask for ------------------------------------------------------------------------- */

static const NjRelocRule *rule_of(const NjLoadArch *a, uint32_t type)
{
    for (uint32_t i = 0; i < a->nrules; i++)
        if (a->rules[i].type == type)
            return &a->rules[i];
    return NULL;
}

static NjStatus need_one(Load *l, const NjLoadSection *to, const Elf64_Rela *r)
{
    const NjRelocRule *rule = rule_of(l->arch, (uint32_t)ELF64_R_TYPE(r->r_info));
    if (!rule)
        return nj_err_set(l->err, NJ_E_NYI, 0, "relocation of type %u", (unsigned)ELF64_R_TYPE(r->r_info));
    if (r->r_offset > to->h.sh_size || rule->width > to->h.sh_size - r->r_offset)
        return nj_err_set(l->err, NJ_E_ENV, 0, "malformed object: relocation outside its section");
    uint32_t i = (uint32_t)ELF64_R_SYM(r->r_info), in = nj_load_sym(&l->o, i).st_shndx;
    bool outside = in == SHN_UNDEF;
    if (!outside && in != SHN_ABS && !l->o.sec[in].group)
        return nj_err_set(l->err, NJ_E_ENV, 0, "malformed object: relocation against a section that is not loaded");
    bool stub = (rule->need & NJ_NEED_STUB) && outside;
    if (stub && !l->stub[i])
        l->stub[i] = ++l->nstub;
    if ((stub || (rule->need & NJ_NEED_GOT)) && !l->got[i])
        l->got[i] = ++l->ngot;
    return NJ_OK;
}

static NjStatus load_needs(Load *l)
{
    size_t n = l->o.nsym;
    l->value = nj_calloc(n + 1, sizeof *l->value + 2 * sizeof *l->got);
    if (!l->value)
        return no_memory(l->err);
    l->got = (uint32_t *)(l->value + n + 1);
    l->stub = l->got + n + 1;
    NjStatus st = NJ_OK;
    for (uint32_t i = 1; i < l->o.nsec && !st; i++) {
        const NjLoadSection *s = &l->o.sec[i], *to = nj_load_rela_target(&l->o, s);
        for (uint32_t k = 0, m = to ? nj_load_nrela(s) : 0; k < m && !st; k++) {
            Elf64_Rela r = nj_load_rela(&l->o, s, k);
            st = need_one(l, to, &r);
        }
    }
    return st;
}

/* -- layout --------------------------------------------------------------------------------------------------- */

static uint64_t align_up(uint64_t n, uint64_t align)
{
    return align > 1 ? (n + align - 1) & ~(align - 1) : n;
}

/* Unwind tables end in a zero word, which relocatable objects lack. */
static uint64_t tail_of(const NjLoadSection *s)
{
    return strcmp(s->name, ".eh_frame") ? 0 : 4;
}

static NjStatus load_layout(Load *l)
{
    uint64_t at = 0, page = (uint64_t)sysconf(_SC_PAGESIZE);
    for (int g = NJ_GROUP_TEXT; g < NJ_GROUP_COUNT; g++) {
        l->start[g] = at = align_up(at, page);
        for (uint32_t i = 1; i < l->o.nsec; i++) {
            NjLoadSection *s = &l->o.sec[i];
            if ((int)s->group != g)
                continue;
            s->off = align_up(at, s->h.sh_addralign);
            at = s->off + s->h.sh_size + tail_of(s);
        }
        if (g == NJ_GROUP_TEXT) {
            l->stub_off = align_up(at, 16);
            at = l->stub_off + (uint64_t)l->nstub * l->arch->nstub;
        }
        if (g == NJ_GROUP_RODATA) {
            l->got_off = align_up(at, 8);
            at = l->got_off + (uint64_t)l->ngot * 8;
        }
        if (at > (uint64_t)1 << 30)
            return nj_err_set(l->err, NJ_E_ENV, 0, "object larger than 1 GiB");
    }
    l->start[NJ_GROUP_COUNT] = align_up(at, page);
    return at ? NJ_OK : nj_err_set(l->err, NJ_E_ENV, 0, "object without code");
}

static NjStatus load_map(Load *l)
{
    size_t n = (size_t)l->start[NJ_GROUP_COUNT];
    void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return nj_err_set(l->err, NJ_E_NOMEM, 0, "no memory for %zu bytes of code", n);
    l->base = p;
    for (uint32_t i = 1; i < l->o.nsec; i++) {
        const NjLoadSection *s = &l->o.sec[i];
        if (s->group && s->h.sh_type != SHT_NOBITS)
            memcpy(l->base + s->off, l->o.at + s->h.sh_offset, (size_t)s->h.sh_size);
    }
    return NJ_OK;
}

/* -- symbols ---------------------------------------------------------------------------------------------------- */

static NjStatus resolve_outside(Load *l, const Elf64_Sym *s, uint64_t *value)
{
    const char *name = nj_load_sym_name(&l->o, s);
    void *p = *name && l->extra ? l->extra(l->arg, name) : NULL;
    if (!p && *name)
        p = nj_cpu_symbol(name);
    if (!p && ELF64_ST_BIND(s->st_info) != STB_WEAK)
        return nj_err_set(l->err, NJ_E_ENV, 0, "compiled code calls %s, which is not there",
                          *name ? name : "a nameless symbol");
    *value = (uint64_t)(uintptr_t)p;
    return NJ_OK;
}

static NjStatus load_resolve(Load *l)
{
    for (uint32_t i = 1; i < l->o.nsym; i++) {
        Elf64_Sym s = nj_load_sym(&l->o, i);
        NjStatus st = NJ_OK;
        if (s.st_shndx == SHN_UNDEF)
            st = resolve_outside(l, &s, &l->value[i]);
        else if (s.st_shndx == SHN_ABS)
            l->value[i] = s.st_value;
        else if (l->o.sec[s.st_shndx].group)
            l->value[i] = (uint64_t)(uintptr_t)l->base + l->o.sec[s.st_shndx].off + s.st_value;
        if (st)
            return st;
    }
    return NJ_OK;
}

static uint64_t got_addr(const Load *l, uint32_t i)
{
    return (uint64_t)(uintptr_t)l->base + l->got_off + (uint64_t)(l->got[i] - 1) * 8;
}

static uint64_t stub_addr(const Load *l, uint32_t i)
{
    return (uint64_t)(uintptr_t)l->base + l->stub_off + (uint64_t)(l->stub[i] - 1) * l->arch->nstub;
}

static NjStatus load_tables(Load *l)
{
    for (uint32_t i = 0; i < l->o.nsym; i++) {
        if (l->got[i])
            memcpy((void *)(uintptr_t)got_addr(l, i), &l->value[i], 8);
        if (l->stub[i] && !l->arch->stub((uint8_t *)(uintptr_t)stub_addr(l, i), stub_addr(l, i), got_addr(l, i)))
            return nj_err_set(l->err, NJ_E_BUG, 0, "a stub does not reach its address");
    }
    return NJ_OK;
}

/* -- relocation ---------------------------------------------------------------------------------------------------- */

static NjStatus relocate_one(Load *l, const NjLoadSection *to, const Elf64_Rela *r)
{
    uint32_t type = (uint32_t)ELF64_R_TYPE(r->r_info), i = (uint32_t)ELF64_R_SYM(r->r_info);
    uint8_t *place = l->base + to->off + r->r_offset;
    const NjRelocRule *rule = rule_of(l->arch, type);
    NjRelocWords w = { .p = (uint64_t)(uintptr_t)place, .s = l->value[i], .a = r->r_addend };
    if ((rule->need & NJ_NEED_STUB) && l->stub[i])        /* of an absent weak function, too: nobody calls it */
        w.s = stub_addr(l, i);
    if (l->got[i])
        w.g = got_addr(l, i);
    if (l->arch->apply(type, place, &w))
        return NJ_OK;
    Elf64_Sym s = nj_load_sym(&l->o, i);
    return nj_err_set(l->err, NJ_E_ENV, 0, "%s against %s is out of range", rule->name, nj_load_sym_name(&l->o, &s));
}

static NjStatus load_relocate(Load *l)
{
    NjStatus st = NJ_OK;
    for (uint32_t i = 1; i < l->o.nsec && !st; i++) {
        const NjLoadSection *s = &l->o.sec[i], *to = nj_load_rela_target(&l->o, s);
        for (uint32_t k = 0, n = to ? nj_load_nrela(s) : 0; k < n && !st; k++) {
            Elf64_Rela r = nj_load_rela(&l->o, s, k);
            st = relocate_one(l, to, &r);
        }
    }
    return st;
}

/* The text again, as the copy of a file in memory, at the same addresses: for processes that may not make code of pages
 * they have written (PR_SET_MDWE, systemd's MemoryDenyWriteExecute, SELinux's execmem). */
static bool text_from_file(uint8_t *text, size_t n)
{
    int fd = memfd_create("naja", MFD_CLOEXEC | MFD_EXEC);
    if (fd < 0)
        fd = memfd_create("naja", MFD_CLOEXEC);           /* kernels before 6.3 do not know MFD_EXEC */
    if (fd < 0)
        return false;
    size_t done = 0;
    for (ssize_t did = 1; done < n && did > 0; done += did > 0 ? (size_t)did : 0)
        did = write(fd, text + done, n - done);
    bool ok = done == n &&
              mmap(text, n, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fd, 0) != MAP_FAILED;
    close(fd);
    return ok;
}

static NjStatus load_protect(Load *l)
{
    static const int prot[NJ_GROUP_COUNT] = {
        [NJ_GROUP_TEXT] = PROT_READ | PROT_EXEC,
        [NJ_GROUP_RODATA] = PROT_READ,
        [NJ_GROUP_DATA] = PROT_READ | PROT_WRITE,
    };
    for (int g = NJ_GROUP_TEXT; g < NJ_GROUP_DATA; g++) {
        uint8_t *from = l->base + l->start[g], *to = l->base + l->start[g + 1];
        if (to == from || !mprotect(from, (size_t)(to - from), prot[g]))
            continue;
        int why = errno;
        if (g != NJ_GROUP_TEXT || !text_from_file(from, (size_t)(to - from)))
            return why == ENOMEM ? nj_err_set(l->err, NJ_E_NOMEM, 0, "no more mappings (vm.max_map_count)")
                                 : nj_err_set(l->err, NJ_E_ENV, 0, "the system forbids executable memory: %s",
                                              strerror(why));
    }
    __builtin___clear_cache((char *)l->base + l->start[NJ_GROUP_TEXT], (char *)l->base + l->start[NJ_GROUP_TEXT + 1]);
    return NJ_OK;
}

/* -- the handle ---------------------------------------------------------------------------------------------------- */

static bool is_exported(const Load *l, const Elf64_Sym *s)
{
    return ELF64_ST_BIND(s->st_info) != STB_LOCAL && s->st_shndx != SHN_UNDEF && s->st_shndx < l->o.nsec &&
           l->o.sec[s->st_shndx].group && *nj_load_sym_name(&l->o, s);
}

static NjCpuCode *code_new(const Load *l)
{
    size_t n = 0, names = 0;
    for (uint32_t i = 1; i < l->o.nsym; i++) {
        Elf64_Sym s = nj_load_sym(&l->o, i);
        if (is_exported(l, &s))
            n++, names += strlen(nj_load_sym_name(&l->o, &s)) + 1;
    }
    NjCpuCode *c = nj_malloc(sizeof *c + n * sizeof *c->sym + names);
    if (!c)
        return NULL;
    memset(c, 0, sizeof *c);
    nj_a32_store_relaxed(&c->refs, 1);
    char *name = (char *)&c->sym[n];
    for (uint32_t i = 1; i < l->o.nsym; i++) {
        Elf64_Sym s = nj_load_sym(&l->o, i);
        if (!is_exported(l, &s))
            continue;
        c->sym[c->nsym++] = (LoadSymbol){ strcpy(name, nj_load_sym_name(&l->o, &s)), (void *)(uintptr_t)l->value[i] };
        name += strlen(name) + 1;
    }
    return c;
}

/* Also for a failed load: whatever the block then holds goes with it. */
static NjStatus load_finish(Load *l, NjStatus st, const char *name, NjCpuCode **out)
{
    NjCpuCode *c = NULL;
    if (!st && !(c = code_new(l)))
        st = no_memory(l->err);
    if (!st) {
        c->base = l->base;
        c->nbytes = (size_t)l->start[NJ_GROUP_COUNT];
        c->notes = l->arch == load_host ? nj_load_register(&l->o, l->base, name) : NULL;
        *out = c;
    } else if (l->base) {
        munmap(l->base, (size_t)l->start[NJ_GROUP_COUNT]);
    }
    nj_free(l->value);
    nj_free(l->o.sec);
    return st;
}

NjStatus nj_load_any(const NjLoadArch *arch, const void *obj, size_t n, const char *name, NjCpuSymbolFn extra,
                     void *arg, NjCpuCode **out, NjErr *err)
{
    Load l = { .arch = arch, .extra = extra, .arg = arg, .err = err };
    *out = NULL;
    NjStatus st = nj_load_read(&l.o, obj, n, err);
    if (st)
        return st;
    Elf64_Ehdr h;
    memcpy(&h, obj, sizeof h);
    if (h.e_machine != arch->machine)
        st = nj_err_set(err, NJ_E_ENV, 0, "object for machine %u, this is %u", h.e_machine, arch->machine);
    if (!st) st = load_needs(&l);
    if (!st) st = load_layout(&l);
    if (!st) st = load_map(&l);
    if (!st) st = load_resolve(&l);
    if (!st) st = load_tables(&l);
    if (!st) st = load_relocate(&l);
    if (!st) st = load_protect(&l);
    return load_finish(&l, st, name, out);
}

NjStatus nj_cpu_code_load(const void *obj, size_t nbytes, const char *name, NjCpuSymbolFn extra, void *arg,
                          NjCpuCode **out, NjErr *err)
{
    return nj_load_any(load_host, obj, nbytes, name, extra, arg, out, err);
}

void *nj_cpu_code_find(const NjCpuCode *c, const char *symbol)
{
    for (uint32_t i = 0; i < c->nsym; i++)
        if (!strcmp(c->sym[i].name, symbol))
            return c->sym[i].addr;
    return NULL;
}

NjCpuCode *nj_cpu_code_retain(NjCpuCode *c)
{
    nj_a32_add_relaxed(&c->refs, 1);
    return c;
}

void nj_cpu_code_release(NjCpuCode *c)
{
    if (!c || nj_a32_sub_acqrel(&c->refs, 1) != 1)
        return;
    nj_load_unregister(c->notes);
    munmap(c->base, c->nbytes);
    nj_free(c);
}
