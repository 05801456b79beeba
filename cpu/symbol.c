/* symbol.c - names that compiled code may call -> addresses.
 *
 * In: a name out of an object; out: its address or NULL. Libraries are asked when a name is first needed, so the
 * table costs nothing at start and compiled code reaches nothing that symbols.def does not name.
 */
#include "cpu/cpu.h"
#include "cpu/simt.h"

#include <dlfcn.h>
#include <pthread.h>

/* Declared as bytes under names of their own: only addresses are taken, and the compiler knows other types for some. */
#define SYM_MF(name)
#define SYM_M(name)
#define SYM_C(name)
#define SYM_N(name)
#define SYM_G(name) extern const char support_##name[] __asm__(#name);
#include "cpu/symbols.def"
#undef SYM_MF
#undef SYM_M
#undef SYM_C
#undef SYM_N
#undef SYM_G

typedef enum SymbolFrom { FROM_LIBM, FROM_LIBC, FROM_HERE } SymbolFrom;
typedef struct SymbolRow { const char *name; SymbolFrom from; const void *addr; } SymbolRow;

static const SymbolRow rows[] = {
#define SYM_MF(name) { #name, FROM_LIBM, NULL }, { #name "f", FROM_LIBM, NULL },
#define SYM_M(name)  { #name, FROM_LIBM, NULL },
#define SYM_C(name)  { #name, FROM_LIBC, NULL },
#define SYM_G(name)  { #name, FROM_HERE, support_##name },
#define SYM_N(name)  { #name, FROM_HERE, (const void *)name },
#include "cpu/symbols.def"
#undef SYM_MF
#undef SYM_M
#undef SYM_C
#undef SYM_G
#undef SYM_N
};

static void *libm, *libmvec;                   /* written once, under their once-controls; never closed */
static pthread_once_t libm_once = PTHREAD_ONCE_INIT, libmvec_once = PTHREAD_ONCE_INIT;

static void libm_open(void)
{
    libm = dlopen("libm.so.6", RTLD_LAZY | RTLD_LOCAL);
}

static void libmvec_open(void)
{
    libmvec = dlopen("libmvec.so.1", RTLD_LAZY | RTLD_LOCAL);
}

static void *symbol_row(const SymbolRow *r)
{
    if (r->from == FROM_HERE)
        return (void *)(uintptr_t)r->addr;
    if (r->from == FROM_LIBC)
        return dlsym(RTLD_DEFAULT, r->name);
    pthread_once(&libm_once, libm_open);
    return libm ? dlsym(libm, r->name) : NULL;
}

void *nj_cpu_symbol(const char *name)
{
    if (!strncmp(name, "_ZGV", 4)) {
        pthread_once(&libmvec_once, libmvec_open);
        return libmvec ? dlsym(libmvec, name) : NULL;
    }
    for (size_t i = 0; i < NJ_COUNT(rows); i++)
        if (!strcmp(rows[i].name, name))
            return symbol_row(&rows[i]);
    return NULL;
}
