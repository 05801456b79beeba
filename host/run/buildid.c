/* buildid.c - which build of a library this is, without loading it: in every key, so that none reads another's code.
 *
 * In: a path, or nothing for the library that this code is in. Out: the linker's build id (a hash of what it linked);
 * for a file that has none, its size and time of change. Reading a note takes three reads of a file that the kernel
 * has in memory anyway.
 */
#include "run/cache.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NOTES_MAX = 4096, PHDRS_MAX = 64 };

static void put_hex(NjText *out, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        nj_text_fmt(out, "%02x", p[i]);
}

static void put_stat(NjText *out, const struct stat *st)
{
    nj_text_fmt(out, "size %lld, changed %lld.%09ld", (long long)st->st_size, (long long)st->st_mtim.tv_sec,
                st->st_mtim.tv_nsec);
}

/* Notes follow one another: sizes of name and text, type, name, text, each rounded up to 4. */
static bool find_id(const uint8_t *p, size_t n, NjText *out)
{
    Elf64_Nhdr h;
    for (size_t at = 0; at + sizeof h <= n;) {
        memcpy(&h, p + at, sizeof h);
        size_t name = at + sizeof h, text = name + (((size_t)h.n_namesz + 3) & ~(size_t)3);
        at = text + (((size_t)h.n_descsz + 3) & ~(size_t)3);
        if (text > n || h.n_descsz > n - text)
            return false;
        if (h.n_type == NT_GNU_BUILD_ID && h.n_namesz == 4 && !memcmp(p + name, "GNU", 4) && h.n_descsz) {
            put_hex(out, p + text, h.n_descsz);
            return true;
        }
    }
    return false;
}

static bool note_of_file(int fd, const Elf64_Phdr *p, NjText *out)
{
    uint8_t notes[NOTES_MAX];
    size_t n = p->p_filesz < sizeof notes ? p->p_filesz : sizeof notes;
    return pread(fd, notes, n, (off_t)p->p_offset) == (ssize_t)n && find_id(notes, n, out);
}

static bool id_of_file(int fd, NjText *out)
{
    Elf64_Ehdr h;
    Elf64_Phdr p[PHDRS_MAX];
    if (pread(fd, &h, sizeof h, 0) != sizeof h || memcmp(h.e_ident, ELFMAG, SELFMAG) ||
        h.e_ident[EI_CLASS] != ELFCLASS64 ||
        h.e_phentsize != sizeof *p || h.e_phnum > PHDRS_MAX)
        return false;
    ssize_t n = (ssize_t)(h.e_phnum * sizeof *p);
    if (pread(fd, p, (size_t)n, (off_t)h.e_phoff) != n)
        return false;
    for (unsigned i = 0; i < h.e_phnum; i++)
        if (p[i].p_type == PT_NOTE && note_of_file(fd, &p[i], out))
            return true;
    return false;
}

void nj_buildid_file(NjText *out, const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if ((fd < 0 || !id_of_file(fd, out)) && stat(path, &st) == 0)
        put_stat(out, &st);                 /* a file that is there has an identity even when no more can be opened */
    else if (fd < 0)
        nj_text_str(out, "none");
    if (fd >= 0)
        close(fd);
}

/* -- the object that holds this very function ---------------------------------------------------------------------- */

typedef struct SelfAsk { uintptr_t here; NjText *out; bool found; } SelfAsk;

static bool self_is(const struct dl_phdr_info *o, uintptr_t here)
{
    for (unsigned i = 0; i < o->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &o->dlpi_phdr[i];
        if (p->p_type == PT_LOAD && here - o->dlpi_addr - p->p_vaddr < p->p_memsz)
            return true;
    }
    return false;
}

static int self_visit(struct dl_phdr_info *o, size_t size, void *arg)
{
    SelfAsk *ask = arg;
    (void)size;
    if (!self_is(o, ask->here))
        return 0;
    for (unsigned i = 0; i < o->dlpi_phnum && !ask->found; i++) {
        const ElfW(Phdr) *p = &o->dlpi_phdr[i];
        if (p->p_type == PT_NOTE)
            ask->found = find_id((const uint8_t *)(o->dlpi_addr + p->p_vaddr), p->p_memsz, ask->out);
    }
    if (!ask->found && o->dlpi_name && *o->dlpi_name) {
        nj_buildid_file(ask->out, o->dlpi_name);
        ask->found = true;
    }
    return 1;
}

void nj_buildid_self(NjText *out)
{
    SelfAsk ask = {.here = (uintptr_t)&nj_buildid_self, .out = out};
    dl_iterate_phdr(self_visit, &ask);
    if (!ask.found)
        nj_buildid_file(out, "/proc/self/exe");
}
