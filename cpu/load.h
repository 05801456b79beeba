/* load.h - shared by the loader's files alone: the object as read, the block as laid out, what differs by machine. */
#ifndef NJ_CPU_LOAD_H
#define NJ_CPU_LOAD_H

#include "cpu/cpu.h"

#include <elf.h>

/* -- load_elf.c: reading without trust ---------------------------------------------------------------- */

/* A group is a run of pages with one protection. */
typedef enum NjLoadGroup { NJ_GROUP_NONE, NJ_GROUP_TEXT, NJ_GROUP_RODATA, NJ_GROUP_DATA, NJ_GROUP_COUNT } NjLoadGroup;

typedef struct NjLoadSection {
    Elf64_Shdr  h;           /* checked: offset and size lie in the object unless NOBITS */
    const char *name;        /* in the object, ends there */
    NjLoadGroup group;
    uint64_t    off;         /* in the block, once laid out */
} NjLoadSection;

typedef struct NjLoadObject {
    const uint8_t *at;
    size_t         n;
    NjLoadSection *sec;
    uint32_t       nsec, nsym;
    uint32_t       symtab, strtab;       /* section indices; symtab is 0 when there are no symbols */
    uint64_t       shoff;
} NjLoadObject;

/* Checks headers, sections and the symbol table's shape. Sections are allocated (nj_free(o->sec)). */
NjStatus    nj_load_read(NjLoadObject *o, const void *bytes, size_t n, NjErr *err);
Elf64_Sym   nj_load_sym(const NjLoadObject *o, uint32_t i);                       /* i < nsym */
const char *nj_load_sym_name(const NjLoadObject *o, const Elf64_Sym *s);         /* "" when it has none or lies */
uint32_t    nj_load_nrela(const NjLoadSection *s);
Elf64_Rela  nj_load_rela(const NjLoadObject *o, const NjLoadSection *s, uint32_t i);
/* Is this a table of relocations for a section that is loaded? NULL otherwise. */
NjLoadSection *nj_load_rela_target(const NjLoadObject *o, const NjLoadSection *s);

/* -- load_x86_64.c, load_aarch64.c: relocations --------------------------------------------------------- */

enum { NJ_NEED_GOT = 1, NJ_NEED_STUB = 2 };    /* a stub is made for undefined symbols only, and has a GOT entry, too */

typedef struct NjRelocRule {
    uint32_t    type;
    uint8_t     width;           /* bytes at the place that are read or written */
    uint8_t     need;
    const char *name;
} NjRelocRule;

/* The letters of the ABI documents: P place, S symbol (its stub if it has one), A addend, G address of the GOT
 * entry. */
typedef struct NjRelocWords { uint64_t p, s, g; int64_t a; } NjRelocWords;

typedef struct NjLoadArch {
    uint16_t machine;
    uint32_t nstub;              /* bytes of a stub */
    const NjRelocRule *rules;
    uint32_t nrules;
    bool (*apply)(uint32_t type, uint8_t *place, const NjRelocWords *w);          /* false: the value does not fit */
    bool (*stub)(uint8_t *place, uint64_t at, uint64_t got);                      /* false: the GOT is out of reach */
} NjLoadArch;

extern const NjLoadArch nj_load_x86_64, nj_load_aarch64;

/* -- load.c: also for tests of the other machine's relocations ---------------------------------------------- */

/* As nj_cpu_code_load, for any machine: the code of another one is placed and relocated, but not registered. */
NjStatus nj_load_any(const NjLoadArch *arch, const void *obj, size_t n, const char *name, NjCpuSymbolFn extra,
                     void *arg, NjCpuCode **out, NjErr *err);

/* -- load_register.c, load_perf.c: telling gdb, perf and the unwinder ---------------------------------------------- */

typedef struct NjLoadNotes NjLoadNotes;          /* what has to be taken back when the code goes */
/* Takes no status: a debugger that hears nothing is no reason to fail. NULL when there was nothing to keep. */
NjLoadNotes *nj_load_register(const NjLoadObject *o, uint8_t *base, const char *name);
void         nj_load_unregister(NjLoadNotes *r);
void         nj_load_perf(const NjLoadObject *o, const uint8_t *base, const char *name);         /* for NAJA_PERF */

#endif
