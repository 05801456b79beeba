/* arena.c - memory with a named lifetime, and the malloc that tests can make fail.
 *
 * An arena is a list of chunks, each twice the last up to a limit; a request too large for that gets a chunk of its own
 * size. When the system has no more memory, `failed` is set and requests are served from the reserve that came with the
 * arena, so that a pass may run to its end without a test at each allocation; when that is used up too, small requests
 * share the scrap page and large ones get NULL.
 */
#include "base/base.h"

#include <stdatomic.h>
#include <stdlib.h>

enum {
    ARENA_ALIGN   = 16,
    ARENA_FIRST   = 4096,
    ARENA_LARGEST = 1 << 20,
    ARENA_RESERVE = 1 << 18,     /* untouched until memory runs out, so it costs address space only */
    ARENA_SCRAP   = 4096,
};

typedef struct Chunk {
    struct Chunk *prev;
    size_t        size, used;        /* bytes of `data` */
    _Alignas(ARENA_ALIGN) unsigned char data[];
} Chunk;

struct NjArena {
    Chunk *top;
    Chunk *reserve;
    size_t nbytes;
    size_t next_size;
    bool   failed;
};

/* -- malloc with a fuse ------------------------------------------------------------------------ */

static atomic_long alloc_fuse = -1;      /* calls left until they fail; -1: never. Only tests write it. */

static bool alloc_burns(void)
{
    long left = atomic_load_explicit(&alloc_fuse, memory_order_relaxed);
    while (left > 0)
        if (atomic_compare_exchange_weak(&alloc_fuse, &left, left - 1))
            return left == 1;
    return left == 0;
}

void nj_alloc_fail_at(long n)
{
    atomic_store(&alloc_fuse, n);
}

void *nj_malloc(size_t nbytes)
{
    return alloc_burns() ? NULL : malloc(nbytes ? nbytes : 1);
}

void *nj_calloc(size_t n, size_t nbytes)
{
    return alloc_burns() ? NULL : calloc(n ? n : 1, nbytes ? nbytes : 1);
}

void *nj_realloc(void *p, size_t nbytes)
{
    return alloc_burns() ? NULL : realloc(p, nbytes ? nbytes : 1);
}

void nj_free(void *p)
{
    free(p);
}

/* -- chunks ------------------------------------------------------------------------------------ */

static Chunk *chunk_new(size_t size)
{
    Chunk *c = nj_malloc(sizeof *c + size);
    if (!c)
        return NULL;
    c->prev = NULL;
    c->size = size;
    c->used = 0;
    return c;
}

static void *chunk_take(Chunk *c, size_t nbytes)
{
    if (!c || c->size - c->used < nbytes)
        return NULL;
    void *p = c->data + c->used;
    c->used += nbytes;
    return memset(p, 0, nbytes);
}

/* Grows geometrically, so that a long compilation makes few system calls. */
static bool arena_grow(NjArena *a, size_t nbytes)
{
    size_t size = nbytes > a->next_size ? nbytes : a->next_size;
    Chunk *c = nbytes > SIZE_MAX / 2 ? NULL : chunk_new(size);
    if (!c)
        return false;
    c->prev = a->top;
    a->top = c;
    a->nbytes += size;
    if (a->next_size < ARENA_LARGEST)
        a->next_size *= 2;
    return true;
}

/* The last page of the reserve is the scrap page: handed out again and again. */
static void *arena_last_resort(NjArena *a, size_t nbytes)
{
    a->failed = true;
    void *p = chunk_take(a->reserve, nbytes);
    if (p || nbytes > ARENA_SCRAP)
        return p;
    return memset(a->reserve->data + ARENA_RESERVE, 0, ARENA_SCRAP);
}

/* -- the arena ---------------------------------------------------------------------------------- */

NjArena *nj_arena_new(void)
{
    NjArena *a = nj_calloc(1, sizeof *a);
    if (!a)
        return NULL;
    a->reserve = chunk_new(ARENA_RESERVE + ARENA_SCRAP);
    if (!a->reserve) {
        nj_free(a);
        return NULL;
    }
    a->reserve->size = ARENA_RESERVE;
    a->next_size = ARENA_FIRST;
    return a;
}

static void chunks_free(Chunk *c)
{
    while (c) {
        Chunk *prev = c->prev;
        nj_free(c);
        c = prev;
    }
}

void nj_arena_free(NjArena *a)
{
    if (!a)
        return;
    chunks_free(a->top);
    nj_free(a->reserve);
    nj_free(a);
}

void *nj_arena_alloc(NjArena *a, size_t nbytes)
{
    if (nbytes > SIZE_MAX / 2) {
        a->failed = true;
        return NULL;
    }
    nbytes = (nbytes + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    if (!nbytes)
        nbytes = ARENA_ALIGN;       /* so that two allocations are never the same address */
    void *p = chunk_take(a->top, nbytes);
    if (p)
        return p;
    if (a->failed || !arena_grow(a, nbytes))
        return arena_last_resort(a, nbytes);
    return chunk_take(a->top, nbytes);
}

void *nj_arena_copy(NjArena *a, const void *p, size_t nbytes)
{
    void *q = nj_arena_alloc(a, nbytes);
    return q && nbytes ? memcpy(q, p, nbytes) : q;
}

/* Text that does not fit when memory has run out reads as "": callers print it, none takes it apart. */
char *nj_arena_str(NjArena *a, const char *s)
{
    char *q = nj_arena_copy(a, s, strlen(s) + 1);
    return q ? q : nj_arena_alloc(a, 1);
}

char *nj_arena_printf(NjArena *a, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    char *s = n < 0 ? NULL : nj_arena_alloc(a, (size_t)n + 1);
    if (s)
        vsnprintf(s, (size_t)n + 1, fmt, again);
    va_end(again);
    return s ? s : nj_arena_alloc(a, 1);
}

NjMark nj_arena_mark(const NjArena *a)
{
    return (NjMark){a->top, a->top ? a->top->used : 0};
}

void nj_arena_reset(NjArena *a, NjMark m)
{
    while (a->top && a->top != m.chunk) {
        Chunk *prev = a->top->prev;
        a->nbytes -= a->top->size;
        nj_free(a->top);
        a->top = prev;
    }
    if (a->top)
        a->top->used = m.used;
}

bool nj_arena_failed(const NjArena *a)
{
    return a->failed;
}

size_t nj_arena_bytes(const NjArena *a)
{
    return a->nbytes;
}
