/* elf_make.h - writes small ELF relocatable objects for tests of the loader, by hand, so that no compiler is needed.
 *
 * Sections: 1 .text, 2 .rodata, 3 .data, 4 .rela.text, 5 .symtab, 6 .strtab (also section names).
 */
#ifndef NJ_TEST_ELF_MAKE_H
#define NJ_TEST_ELF_MAKE_H

#include <elf.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef struct ElfSymbol { const char *name; uint16_t section; uint64_t value; } ElfSymbol;
typedef struct ElfReloc { uint64_t at; uint32_t type, symbol; int64_t addend; } ElfReloc;     /* symbol counts from 1 */

typedef struct ElfPlan {
    uint16_t machine;
    const void *text, *rodata, *data;
    size_t ntext, nrodata, ndata;
    const ElfSymbol *sym; size_t nsym;
    const ElfReloc *rel; size_t nrel;
} ElfPlan;

typedef struct ElfOut { uint8_t at[8192]; size_t n; } ElfOut;

static inline size_t elf_put(ElfOut *o, const void *p, size_t n)
{
    o->n = (o->n + 15) & ~(size_t)15;
    size_t at = o->n;
    if (n)
        memcpy(o->at + at, p, n);
    o->n += n;
    return at;
}

static inline void elf_make(ElfOut *o, const ElfPlan *p)
{
    enum { NSEC = 7 };
    static const char *const names[NSEC] = { "", ".text", ".rodata", ".data", ".rela.text", ".symtab", ".strtab" };
    char str[1024] = "";
    size_t nstr = 1;
    Elf64_Shdr sh[NSEC];
    memset(sh, 0, sizeof sh);
    memset(o, 0, sizeof *o);
    o->n = sizeof(Elf64_Ehdr);
    for (int i = 1; i < NSEC; i++) {
        sh[i].sh_name = (Elf64_Word)nstr;
        nstr += (size_t)sprintf(str + nstr, "%s", names[i]) + 1;
        sh[i].sh_addralign = 16;
        sh[i].sh_type = SHT_PROGBITS;
    }
    Elf64_Sym sym[32];
    memset(sym, 0, sizeof sym);
    for (size_t i = 0; i < p->nsym; i++) {
        sym[i + 1].st_name = (Elf64_Word)nstr;
        sym[i + 1].st_info = ELF64_ST_INFO(STB_GLOBAL, p->sym[i].section == 1 ? STT_FUNC : STT_NOTYPE);
        sym[i + 1].st_shndx = p->sym[i].section;
        sym[i + 1].st_value = p->sym[i].value;
        nstr += (size_t)sprintf(str + nstr, "%s", p->sym[i].name) + 1;
    }
    Elf64_Rela rel[32];
    for (size_t i = 0; i < p->nrel; i++)
        rel[i] = (Elf64_Rela){p->rel[i].at, ELF64_R_INFO((uint64_t)p->rel[i].symbol, p->rel[i].type), p->rel[i].addend};
    const struct { const void *p; size_t n; } body[NSEC] = {
        { 0, 0 }, { p->text, p->ntext }, { p->rodata, p->nrodata }, { p->data, p->ndata },
        { rel, p->nrel * sizeof *rel }, { sym, (p->nsym + 1) * sizeof *sym }, { str, nstr },
    };
    for (int i = 1; i < NSEC; i++) {
        sh[i].sh_offset = elf_put(o, body[i].p, body[i].n);
        sh[i].sh_size = body[i].n;
    }
    sh[1].sh_flags = SHF_ALLOC | SHF_EXECINSTR;
    sh[2].sh_flags = SHF_ALLOC;
    sh[3].sh_flags = SHF_ALLOC | SHF_WRITE;
    sh[4].sh_type = SHT_RELA, sh[4].sh_entsize = sizeof *rel, sh[4].sh_link = 5, sh[4].sh_info = 1;
    sh[5].sh_type = SHT_SYMTAB, sh[5].sh_entsize = sizeof *sym, sh[5].sh_link = 6;
    sh[6].sh_type = SHT_STRTAB;
    Elf64_Ehdr h = { .e_type = ET_REL, .e_machine = p->machine, .e_version = EV_CURRENT, .e_ehsize = sizeof h,
                     .e_shentsize = sizeof *sh, .e_shnum = NSEC, .e_shstrndx = 6 };
    memcpy(h.e_ident, ELFMAG "\2\1\1", 7);
    h.e_shoff = elf_put(o, sh, sizeof sh);
    memcpy(o->at, &h, sizeof h);
}

#endif
