/* blake2b.c - BLAKE2b with a 32-byte digest and no key (RFC 7693): the name of what the cache holds, and its check sum.
 *
 * In: bytes in any portions. Out: 32 bytes. Strong enough that two different inputs never meet by accident or by
 * intent, and near memcpy's speed for what is hashed here: keys of some kilobytes, objects of some tens.
 */
#include "base/base.h"

enum { BLOCK = 128, ROUNDS = 12 };

static const uint64_t iv[8] = {
    0x6a09e667f3bcc908u, 0xbb67ae8584caa73bu, 0x3c6ef372fe94f82bu, 0xa54ff53a5f1d36f1u,
    0x510e527fade682d1u, 0x9b05688c2b3e6c1fu, 0x1f83d9abfb41bd6bu, 0x5be0cd19137e2179u,
};

/* The order in which a round takes the words of a block; rounds 10 and 11 are rounds 0 and 1 again. */
static const uint8_t order[10][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4}, {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13}, {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11}, {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5}, {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
};

/* The four words that each of a round's eight mixings works on: columns, then diagonals. */
static const uint8_t lanes[8][4] = {
    {0, 4, 8, 12},  {1, 5, 9, 13},  {2, 6, 10, 14}, {3, 7, 11, 15},
    {0, 5, 10, 15}, {1, 6, 11, 12}, {2, 7, 8, 13},  {3, 4, 9, 14},
};

static inline uint64_t rotr(uint64_t x, unsigned n) { return x >> n | x << (64 - n); }

/* Little-endian whatever the machine: digests name files that other machines read. */
static inline uint64_t load64(const uint8_t *p)
{
    uint64_t x = 0;
    for (unsigned i = 0; i < 8; i++)
        x |= (uint64_t)p[i] << 8 * i;
    return x;
}

static inline void mix(uint64_t v[16], const uint8_t l[4], uint64_t x, uint64_t y)
{
    uint64_t a = v[l[0]], b = v[l[1]], c = v[l[2]], d = v[l[3]];
    a += b + x, d = rotr(d ^ a, 32);
    c += d, b = rotr(b ^ c, 24);
    a += b + y, d = rotr(d ^ a, 16);
    c += d, b = rotr(b ^ c, 63);
    v[l[0]] = a, v[l[1]] = b, v[l[2]] = c, v[l[3]] = d;
}

static void compress(NjHasher *h, const uint8_t *block, bool last)
{
    uint64_t v[16], m[16];
    for (unsigned i = 0; i < 16; i++)
        m[i] = load64(block + 8 * i);
    for (unsigned i = 0; i < 8; i++) {
        v[i] = h->h[i];
        v[i + 8] = iv[i];
    }
    v[12] ^= h->nbytes;              /* the count's high word stays 0: nobody hashes 2**64 bytes */
    v[14] ^= last ? ~(uint64_t)0 : 0;
    for (unsigned r = 0; r < ROUNDS; r++)
        for (unsigned i = 0; i < 8; i++)
            mix(v, lanes[i], m[order[r % 10][2 * i]], m[order[r % 10][2 * i + 1]]);
    for (unsigned i = 0; i < 8; i++)
        h->h[i] ^= v[i] ^ v[i + 8];
}

void nj_hasher_init(NjHasher *h)
{
    *h = (NjHasher){0};
    memcpy(h->h, iv, sizeof iv);
    h->h[0] ^= 0x01010000u ^ NJ_DIGEST;          /* sequential, no key, digest of 32 bytes */
}

/* The last block is compressed by nj_hasher_done, as the last: a full one waits in the buffer until more comes. */
void nj_hasher_put(NjHasher *h, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    while (n) {
        if (h->nbuf == BLOCK) {
            h->nbytes += BLOCK;
            compress(h, h->buf, false);
            h->nbuf = 0;
        }
        size_t take = BLOCK - h->nbuf < n ? BLOCK - h->nbuf : n;
        memcpy(h->buf + h->nbuf, p, take);
        h->nbuf += (uint32_t)take;
        p += take;
        n -= take;
    }
}

void nj_hasher_done(NjHasher *h, uint8_t digest[NJ_DIGEST])
{
    h->nbytes += h->nbuf;
    memset(h->buf + h->nbuf, 0, BLOCK - h->nbuf);
    compress(h, h->buf, true);
    for (unsigned i = 0; i < NJ_DIGEST; i++)
        digest[i] = (uint8_t)(h->h[i / 8] >> 8 * (i % 8));
}

void nj_digest(const void *bytes, size_t n, uint8_t digest[NJ_DIGEST])
{
    NjHasher h;
    nj_hasher_init(&h);
    nj_hasher_put(&h, bytes, n);
    nj_hasher_done(&h, digest);
}
