/* load_register.c - tells gdb and the unwinder where loaded code lies; load_perf.c tells perf.
 *
 * gdb: the JIT interface of its manual ("JIT Compilation Interface"): a copy of the object whose sections carry their
 * addresses.
 * The unwinder: .eh_frame handed to __register_frame, after checking its records: libgcc trusts what it is given.
 */
#include "cpu/fork.h"
#include "cpu/load.h"

#include <dlfcn.h>
#include <pthread.h>

/* -- gdb: names and layout are the interface's ---------------------------------------------------------- */

typedef struct jit_code_entry {
    struct jit_code_entry *next_entry, *prev_entry;
    const char *symfile_addr;
    uint64_t symfile_size;
} jit_code_entry;

struct jit_descriptor {
    uint32_t version, action_flag;
    jit_code_entry *relevant_entry, *first_entry;
};

enum { JIT_NOACTION, JIT_REGISTER_FN, JIT_UNREGISTER_FN };

#define VISIBLE __attribute__((visibility("default")))
VISIBLE void __jit_debug_register_code(void);
VISIBLE extern struct jit_descriptor __jit_debug_descriptor;

__attribute__((noinline)) void __jit_debug_register_code(void)
{
    __asm__ volatile("" ::: "memory");           /* gdb stops here and reads the descriptor */
}
struct jit_descriptor __jit_debug_descriptor = { 1, JIT_NOACTION, NULL, NULL };

static NjForkLock note_lock = NJ_FORK_LOCK_INIT;      /* guards the descriptor's list; held while libgcc is told */

struct NjLoadNotes {
    jit_code_entry entry;
    void (*forget_frame)(void *);
    uint32_t nframe;
    void *frame[4];                 /* .eh_frame sections that the unwinder knows */
    char  image[];                  /* the copy that gdb reads */
};

static void gdb_add(jit_code_entry *e)
{
    nj_fork_lock(&note_lock);
    struct jit_descriptor *d = &__jit_debug_descriptor;
    e->prev_entry = NULL;
    e->next_entry = d->first_entry;
    if (e->next_entry)
        e->next_entry->prev_entry = e;
    d->first_entry = d->relevant_entry = e;
    d->action_flag = JIT_REGISTER_FN;
    __jit_debug_register_code();
    nj_fork_unlock(&note_lock);
}

static void gdb_drop(jit_code_entry *e)
{
    nj_fork_lock(&note_lock);
    struct jit_descriptor *d = &__jit_debug_descriptor;
    *(e->prev_entry ? &e->prev_entry->next_entry : &d->first_entry) = e->next_entry;
    if (e->next_entry)
        e->next_entry->prev_entry = e->prev_entry;
    d->relevant_entry = e;
    d->action_flag = JIT_UNREGISTER_FN;
    __jit_debug_register_code();
    nj_fork_unlock(&note_lock);
}

static void image_fill(char *image, const NjLoadObject *o, const uint8_t *base)
{
    memcpy(image, o->at, o->n);
    for (uint32_t i = 1; i < o->nsec; i++) {
        Elf64_Shdr h = o->sec[i].h;
        h.sh_addr = o->sec[i].group ? (uint64_t)(uintptr_t)base + o->sec[i].off : 0;
        memcpy(image + o->shoff + (uint64_t)i * sizeof h, &h, sizeof h);
    }
}

/* -- the unwinder ------------------------------------------------------------------------------------------------ */

typedef struct FrameFns { void (*add)(void *); void (*drop)(void *); } FrameFns;
static FrameFns frame_fns;
static pthread_once_t frame_once = PTHREAD_ONCE_INIT;

/* Looked up, not linked: libgcc_s is loaded by the first object that has unwind tables. */
static void frame_find(void)
{
    void *so = dlopen("libgcc_s.so.1", RTLD_LAZY);
    if (!so)
        return;
    *(void **)&frame_fns.add = dlsym(so, "__register_frame");
    *(void **)&frame_fns.drop = dlsym(so, "__deregister_frame");
}

static uint32_t word_at(const uint8_t *p)
{
    uint32_t w;
    memcpy(&w, p, 4);
    return w;
}

/* A CIE as LLVM writes it: version 1, augmentation "zR", addresses relative to their place in 32 bits. Nothing else is
 * handed on, so that a damaged table cannot lead libgcc astray. */
static bool cie_is_ours(const uint8_t *p, uint32_t n)
{
    static const uint8_t x86[] = {1, 'z', 'R', 0, 1, 0x78, 16, 1, 0x1b}, arm[] = {1, 'z', 'R', 0, 1, 0x7c, 30, 1, 0x1b};
    return n >= 4 + sizeof x86 && (!memcmp(p + 4, x86, sizeof x86) || !memcmp(p + 4, arm, sizeof arm));
}

/* Offset of each record's CIE is checked against the ones passed; LLVM writes one CIE, first. */
static bool frame_is_sound(const uint8_t *p, uint64_t n)
{
    uint64_t cie = UINT64_MAX;
    for (uint64_t at = 0; at < n; ) {
        if (n - at < 8)
            return false;
        uint32_t len = word_at(p + at), id = word_at(p + at + 4);
        if (len < 8 || len % 4 || len > n - at - 4)       /* no extended lengths, no early terminator */
            return false;
        if (id == 0 && cie_is_ours(p + at + 4, len))
            cie = at;
        else if (id == 0 || len < 13 || cie == UINT64_MAX || id != at + 4 - cie)
            return false;
        at += 4 + (uint64_t)len;
    }
    return cie != UINT64_MAX;
}

static void frames_add(NjLoadNotes *r, const NjLoadObject *o, uint8_t *base)
{
    for (uint32_t i = 1; i < o->nsec && r->nframe < NJ_COUNT(r->frame); i++) {
        const NjLoadSection *s = &o->sec[i];
        if (s->group != NJ_GROUP_RODATA || strcmp(s->name, ".eh_frame") || !frame_is_sound(base + s->off, s->h.sh_size))
            continue;
        pthread_once(&frame_once, frame_find);
        if (!frame_fns.add || !frame_fns.drop)
            return;
        nj_fork_lock(&note_lock);         /* libgcc has a lock of its own, which a child must not find held */
        frame_fns.add(base + s->off);
        nj_fork_unlock(&note_lock);
        r->forget_frame = frame_fns.drop;
        r->frame[r->nframe++] = base + s->off;
    }
}

/* -- entries ------------------------------------------------------------------------------------------------------- */

NjLoadNotes *nj_load_register(const NjLoadObject *o, uint8_t *base, const char *name)
{
    NjLoadNotes *r = nj_malloc(sizeof *r + o->n);
    if (!r)
        return NULL;
    memset(r, 0, sizeof *r);
    image_fill(r->image, o, base);
    r->entry.symfile_addr = r->image;
    r->entry.symfile_size = o->n;
    frames_add(r, o, base);
    gdb_add(&r->entry);
    if (nj_knobs()->perf)
        nj_load_perf(o, base, name);
    return r;
}

void nj_load_unregister(NjLoadNotes *r)
{
    if (!r)
        return;
    nj_fork_lock(&note_lock);
    for (uint32_t i = 0; i < r->nframe; i++)
        r->forget_frame(r->frame[i]);
    nj_fork_unlock(&note_lock);
    gdb_drop(&r->entry);
    nj_free(r);
}
