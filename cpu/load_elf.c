/* load_elf.c - reads an ELF64 relocatable object that nobody has vouched for.
 *
 * In: bytes; out: section headers whose ranges lie inside the object, names that end inside it, symbols whose sections
 * exist. Structures are copied out (the file may be misaligned). Everything after this file may trust what is here.
 */
#include "cpu/load.h"

#define MAX_SYMBOLS  (1u << 24)
#define MAX_BLOCK    ((uint64_t)1 << 30)      /* of one section: keeps every later sum far from overflow */

static NjStatus bad(NjErr *err, const char *what)
{
    return nj_err_set(err, NJ_E_ENV, 0, "malformed object: %s", what);
}

static bool in_object(const NjLoadObject *o, uint64_t off, uint64_t size)
{
    return off <= o->n && size <= o->n - off;
}

/* A name ends inside its table or is no name. */
static const char *name_at(const NjLoadObject *o, const Elf64_Shdr *table, uint32_t off)
{
    if (off >= table->sh_size)
        return "";
    const char *s = (const char *)o->at + table->sh_offset + off;
    return memchr(s, 0, table->sh_size - off) ? s : "";
}

static NjStatus read_header(NjLoadObject *o, Elf64_Ehdr *h, NjErr *err)
{
    if (o->n < sizeof *h)
        return bad(err, "shorter than an ELF header");
    memcpy(h, o->at, sizeof *h);
    if (memcmp(h->e_ident, ELFMAG, SELFMAG) || h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_ident[EI_DATA] != ELFDATA2LSB)
        return bad(err, "not a 64-bit little-endian ELF file");
    if (h->e_type != ET_REL)
        return bad(err, "not relocatable");
    if (h->e_shentsize != sizeof(Elf64_Shdr) || h->e_shnum == 0)
        return bad(err, "no section table");
    if (h->e_shstrndx >= h->e_shnum || !in_object(o, h->e_shoff, (uint64_t)h->e_shnum * sizeof(Elf64_Shdr)))
        return bad(err, "section table outside the file");
    o->nsec = h->e_shnum;
    o->shoff = h->e_shoff;
    return NJ_OK;
}

/* .data.rel.ro is written by relocation only, before its pages are protected. */
static NjLoadGroup group_of(const NjLoadSection *s)
{
    if (!(s->h.sh_flags & SHF_ALLOC))
        return NJ_GROUP_NONE;             /* an empty one has a place: its symbols have addresses */
    if (s->h.sh_flags & SHF_EXECINSTR)
        return NJ_GROUP_TEXT;
    if ((s->h.sh_flags & SHF_WRITE) && strncmp(s->name, ".data.rel.ro", 12))
        return NJ_GROUP_DATA;
    return NJ_GROUP_RODATA;
}

static NjStatus check_section(const NjLoadObject *o, const NjLoadSection *s, NjErr *err)
{
    const Elf64_Shdr *h = &s->h;
    if (h->sh_size > MAX_BLOCK || (h->sh_type != SHT_NOBITS && !in_object(o, h->sh_offset, h->sh_size)))
        return bad(err, "section outside the file");
    if ((h->sh_addralign & (h->sh_addralign - 1)) || h->sh_addralign > 4096)
        return bad(err, "section alignment");
    if ((h->sh_flags & SHF_TLS) && h->sh_size)
        return nj_err_set(err, NJ_E_NYI, 0, "thread-local variables in an object");
    if (h->sh_type == SHT_INIT_ARRAY || h->sh_type == SHT_FINI_ARRAY)
        return nj_err_set(err, NJ_E_NYI, 0, "constructors in an object");
    return NJ_OK;
}

static NjStatus read_sections(NjLoadObject *o, uint32_t shstrndx, NjErr *err)
{
    o->sec = nj_calloc(o->nsec, sizeof *o->sec);
    if (!o->sec)
        return nj_err_set(err, NJ_E_NOMEM, 0, "out of memory");
    for (uint32_t i = 0; i < o->nsec; i++)
        memcpy(&o->sec[i].h, o->at + o->shoff + (uint64_t)i * sizeof(Elf64_Shdr), sizeof(Elf64_Shdr));
    memset(&o->sec[0].h, 0, sizeof o->sec[0].h);           /* the null section, whatever it says */
    const Elf64_Shdr *names = &o->sec[shstrndx].h;
    bool named = names->sh_type == SHT_STRTAB && in_object(o, names->sh_offset, names->sh_size);
    for (uint32_t i = 0; i < o->nsec; i++) {
        NjLoadSection *s = &o->sec[i];
        NjStatus st = check_section(o, s, err);
        if (st)
            return st;
        s->name = named ? name_at(o, names, s->h.sh_name) : "";
        s->group = group_of(s);
    }
    return NJ_OK;
}

static NjStatus read_symtab(NjLoadObject *o, NjErr *err)
{
    for (uint32_t i = 1; i < o->nsec; i++) {
        const Elf64_Shdr *h = &o->sec[i].h;
        if (h->sh_type == SHT_SYMTAB_SHNDX)
            return bad(err, "more than 65,000 sections");
        if (h->sh_type != SHT_SYMTAB)
            continue;
        if (o->symtab || h->sh_entsize != sizeof(Elf64_Sym) || h->sh_size / sizeof(Elf64_Sym) > MAX_SYMBOLS)
            return bad(err, "symbol table");
        if (h->sh_link >= o->nsec || o->sec[h->sh_link].h.sh_type != SHT_STRTAB)
            return bad(err, "symbol names");
        o->symtab = i;
        o->strtab = h->sh_link;
        o->nsym = (uint32_t)(h->sh_size / sizeof(Elf64_Sym));
    }
    return NJ_OK;
}

static NjStatus check_symbols(const NjLoadObject *o, NjErr *err)
{
    for (uint32_t i = 0; i < o->nsym; i++) {
        Elf64_Sym s = nj_load_sym(o, i);
        uint32_t type = ELF64_ST_TYPE(s.st_info);
        if (type == STT_TLS || type == STT_GNU_IFUNC || s.st_shndx == SHN_COMMON)
            return nj_err_set(err, NJ_E_NYI, 0, "symbol %s: thread-local, ifunc or common", nj_load_sym_name(o, &s));
        if (s.st_shndx == SHN_UNDEF || s.st_shndx == SHN_ABS)
            continue;
        if (s.st_shndx >= o->nsec)
            return bad(err, "symbol of no section");
        uint64_t size = o->sec[s.st_shndx].h.sh_size;
        if (s.st_value > size || s.st_size > size - s.st_value)
            return bad(err, "symbol outside its section");
    }
    return NJ_OK;
}

static NjStatus check_relocs(const NjLoadObject *o, NjErr *err)
{
    for (uint32_t i = 1; i < o->nsec; i++) {
        const NjLoadSection *s = &o->sec[i], *to = nj_load_rela_target(o, s);
        if (s->h.sh_type == SHT_REL && s->h.sh_info < o->nsec && o->sec[s->h.sh_info].group)
            return bad(err, "relocations without addends");
        if (!to)
            continue;
        if (s->h.sh_entsize != sizeof(Elf64_Rela) || s->h.sh_link != o->symtab || to->h.sh_type == SHT_NOBITS)
            return bad(err, "relocation table");
        for (uint32_t k = 0, n = nj_load_nrela(s); k < n; k++)
            if (ELF64_R_SYM(nj_load_rela(o, s, k).r_info) >= o->nsym)
                return bad(err, "relocation against no symbol");
    }
    return NJ_OK;
}

NjStatus nj_load_read(NjLoadObject *o, const void *bytes, size_t n, NjErr *err)
{
    Elf64_Ehdr h;
    *o = (NjLoadObject){ .at = bytes, .n = n };
    NjStatus st = read_header(o, &h, err);
    if (!st) st = read_sections(o, h.e_shstrndx, err);
    if (!st) st = read_symtab(o, err);
    if (!st) st = check_symbols(o, err);
    if (!st) st = check_relocs(o, err);
    if (st) {
        nj_free(o->sec);
        o->sec = NULL;
    }
    return st;
}

Elf64_Sym nj_load_sym(const NjLoadObject *o, uint32_t i)
{
    Elf64_Sym s;
    memcpy(&s, o->at + o->sec[o->symtab].h.sh_offset + (uint64_t)i * sizeof s, sizeof s);
    return s;
}

const char *nj_load_sym_name(const NjLoadObject *o, const Elf64_Sym *s)
{
    return name_at(o, &o->sec[o->strtab].h, s->st_name);
}

uint32_t nj_load_nrela(const NjLoadSection *s)
{
    return (uint32_t)(s->h.sh_size / sizeof(Elf64_Rela));
}

Elf64_Rela nj_load_rela(const NjLoadObject *o, const NjLoadSection *s, uint32_t i)
{
    Elf64_Rela r;
    memcpy(&r, o->at + s->h.sh_offset + (uint64_t)i * sizeof r, sizeof r);
    return r;
}

NjLoadSection *nj_load_rela_target(const NjLoadObject *o, const NjLoadSection *s)
{
    if (s->h.sh_type != SHT_RELA || s->h.sh_info >= o->nsec || !o->sec[s->h.sh_info].group)
        return NULL;
    return &o->sec[s->h.sh_info];
}
