/* map.c - string or bytes -> pointer, in an arena. Entries keep the order of insertion, so that whatever is printed
 * from a map is the same in every run.
 *
 * Open addressing: `slots` holds entry number + 1, at most three quarters full; there is no removal, so no tombstones.
 */
#include "base/base.h"

typedef struct Entry { uint64_t hash; const void *key; size_t nkey; void *value; } Entry;

struct NjMap {
    NjArena  *arena;
    uint32_t *slots;
    uint32_t  nslots;            /* a power of two, or 0 */
    NJ_VEC(Entry) entries;
};

/* -- the hash: multiply and rotate over 8-byte words, with a final mix that reaches every bit ------ */

static uint64_t hash_mix(uint64_t h)
{
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93u;
    h ^= h >> 29;
    h *= 0xa3aac6cb1f2f9b1bu;
    return h ^ h >> 32;
}

uint64_t nj_hash(const void *p, size_t n, uint64_t seed)
{
    const unsigned char *s = p;
    uint64_t h = hash_mix(seed + 0x9e3779b97f4a7c15u) ^ n * 0x9fb21c651e98df25u;
    for (; n >= 8; n -= 8, s += 8) {
        uint64_t w;
        memcpy(&w, s, 8);
        h = (h ^ w) * 0xd1342543de82ef95u;
        h = h << 29 | h >> 35;
    }
    uint64_t tail = 0;
    if (n)
        memcpy(&tail, s, n);
    return hash_mix((h ^ tail) * 0xd1342543de82ef95u);
}

/* -- the map --------------------------------------------------------------------------------------- */

NjMap *nj_map_new(NjArena *a)
{
    NjMap *m = NJ_NEW(a, NjMap);
    m->arena = a;
    return m;
}

/* The slot that holds the key, or the empty one where it belongs. */
static uint32_t map_slot(const NjMap *m, uint64_t hash, const void *key, size_t nkey)
{
    uint32_t i = (uint32_t)hash & (m->nslots - 1);
    for (; m->slots[i]; i = (i + 1) & (m->nslots - 1)) {
        const Entry *e = &m->entries.at[m->slots[i] - 1];
        if (e->hash == hash && e->nkey == nkey && !memcmp(e->key, key, nkey))
            break;
    }
    return i;
}

static bool map_grow(NjMap *m)
{
    uint32_t n = m->nslots ? m->nslots * 2 : 16;
    uint32_t *slots = n > m->nslots ? NJ_NEWN(m->arena, uint32_t, n) : NULL;
    if (!slots)
        return false;
    m->slots = slots;
    m->nslots = n;
    for (uint32_t k = 0; k < m->entries.n; k++) {
        const Entry *e = &m->entries.at[k];
        slots[map_slot(m, e->hash, e->key, e->nkey)] = k + 1;
    }
    return true;
}

void *nj_map_get(const NjMap *m, const void *key, size_t nkey)
{
    if (!m->nslots)
        return NULL;
    uint32_t k = m->slots[map_slot(m, nj_hash(key, nkey, 0), key, nkey)];
    return k ? m->entries.at[k - 1].value : NULL;
}

bool nj_map_put(NjMap *m, const void *key, size_t nkey, void *value)
{
    if (m->entries.n >= m->nslots / 4 * 3 && !map_grow(m))
        return false;
    uint64_t hash = nj_hash(key, nkey, 0);
    uint32_t i = map_slot(m, hash, key, nkey);
    if (m->slots[i]) {
        m->entries.at[m->slots[i] - 1].value = value;
        return true;
    }
    const void *copy = nj_arena_copy(m->arena, key, nkey);
    Entry e = {hash, copy, nkey, value};
    if (!copy || nj_arena_failed(m->arena) || !nj_vec_push(m->arena, &m->entries, e))
        return false;
    m->slots[i] = m->entries.n;
    return true;
}

uint32_t nj_map_count(const NjMap *m)
{
    return m->entries.n;
}

void *nj_map_at(const NjMap *m, uint32_t i, const void **key, size_t *nkey)
{
    const Entry *e = &m->entries.at[i];
    if (key)
        *key = e->key;
    if (nkey)
        *nkey = e->nkey;
    return e->value;
}
