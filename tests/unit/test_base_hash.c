/* test_base_hash.c - BLAKE2b against digests of another implementation (Python's hashlib), and however the input is
 * cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base.h"

static uint8_t pattern[1000];            /* byte i is 7 * i + 3 */

static const struct { size_t n; const char *hex; } rows[] = {
    {0, "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8"},
    {1, "e88bd757ad5b9bedf372d8d3f0cf6c962a469db61a265f6418e1ffed86da29ec"},
    {127, "c9ae3859964b35f04c54b36d33cf299d7290ee621005d28e51598a943560aaaa"},
    {128, "f0501d06597880592bc49234eef100ec1ff349058d0e9d9b753504e24af86dd6"},
    {129, "a34a4e1e03c541dfbf3099c4b6c143c022ced65c28bd7e8a10e0a098461aecf0"},
    {255, "f2d64a40e9412a3414161ff6250075225418fd7c271c1123e162e1bca0de9f93"},
    {256, "d93ebb9c802f5630ab22516fd82b6c21bc8bd551d531349b715f046ed11ed871"},
    {257, "4ce481b24d387422d2bc2baa03d1afd55a1327939ff537c71eb9b38709268649"},
    {1000, "d62b6c768ce1afc8367e0498ab2f8e3f7c178c35b1429f14c4604b545d200f52"},
};

static int fill(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pattern; i++)
        pattern[i] = (uint8_t)(7 * i + 3);
    return 0;
}

static void expect_hex(const uint8_t *digest, const char *hex)
{
    char got[2 * NJ_DIGEST + 1];
    for (unsigned i = 0; i < NJ_DIGEST; i++)
        snprintf(got + 2 * i, 3, "%02x", digest[i]);
    assert_string_equal(got, hex);
}

static void test_vectors(void **state)
{
    uint8_t d[NJ_DIGEST];
    (void)state;
    for (size_t i = 0; i < NJ_COUNT(rows); i++) {
        nj_digest(pattern, rows[i].n, d);
        expect_hex(d, rows[i].hex);
    }
    nj_digest("abc", 3, d);
    expect_hex(d, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
}

static void test_long(void **state)
{
    NjHasher h;
    uint8_t d[NJ_DIGEST];
    (void)state;
    nj_hasher_init(&h);
    for (int i = 0; i < 1000000; i++)
        nj_hasher_put(&h, "a", 1);
    nj_hasher_done(&h, d);
    expect_hex(d, "0741850f36cba4259628355d1073e24ddb9ca0e1bfac36fd39ae5dc2101e23a4");
}

static void test_portions(void **state)
{
    uint8_t whole[NJ_DIGEST], parts[NJ_DIGEST];
    (void)state;
    for (size_t n = 0; n <= 400; n += 13) {
        nj_digest(pattern, n, whole);
        for (size_t cut = 0; cut <= n; cut++) {
            NjHasher h;
            nj_hasher_init(&h);
            nj_hasher_put(&h, pattern, cut);
            nj_hasher_put(&h, pattern + cut, n - cut);
            nj_hasher_done(&h, parts);
            assert_memory_equal(whole, parts, NJ_DIGEST);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_long),
        cmocka_unit_test(test_portions),
    };
    return cmocka_run_group_tests(tests, fill, NULL);
}
