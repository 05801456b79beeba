/* fake_link.c - the fake's linker, and its cubins: ELF to look at, with the PTX they were made of inside.
 *
 * In: PTX. Out: an image that only a fake of the same architecture and of this version or a later one loads, as a real
 * driver refuses what a newer one or another architecture has made. What a JIT or linker was asked for is kept for
 * tests.
 */
#include "fake_room.h"

/* -- options ------------------------------------------------------------------------------------------------------- */

void *fake_option(unsigned n, const int *opts, void **values, int key)
{
    for (unsigned i = 0; i < n; i++)
        if (opts[i] == key)
            return values[i];
    return NULL;
}

void fake_options_keep(unsigned n, const int *opts, void **values)
{
    memset(fake.option, -1, sizeof fake.option);
    for (unsigned i = 0; i < n; i++)
        if (opts[i] >= 0 && opts[i] < FAKE_MAX_OPTIONS)
            fake.option[opts[i]] = (long)(intptr_t)values[i];
}

/* -- cubins -------------------------------------------------------------------------------------------------------- */

typedef struct FakeCubin {
    uint8_t  ident[16];             /* as ELF: 64 bits, little-endian, EM_CUDA */
    uint16_t type, machine;
    uint32_t elf_version;
    uint8_t  unused[40];
    char     mark[16];
    int32_t  cc, version;           /* of the device; of the driver that made it */
    char     ptx[];
} FakeCubin;
enum { EM_CUDA = 190 };
static const char fake_mark[16] = "naja fake cubin";

static FakeCubin *fake_cubin_new(const char *ptx, size_t *nbytes)
{
    *nbytes = sizeof(FakeCubin) + strlen(ptx) + 1;
    FakeCubin *c = calloc(1, *nbytes);
    memcpy(c->ident, "\177ELF\2\1\1\x33", 8);
    c->type = 2, c->machine = EM_CUDA, c->elf_version = 1;
    memcpy(c->mark, fake_mark, sizeof c->mark);
    c->cc = fake_cc(), c->version = fake.version;
    strcpy(c->ptx, ptx);
    return c;
}

/* Of our cubins, the PTX inside; other images stay as they are. Refused: ELF for another machine, another
 * architecture's cubin, a newer driver's, and all cubins when a test says so. */
NjCuResult fake_cubin_open(const char **image)
{
    const FakeCubin *c = (const FakeCubin *)*image;
    if (strncmp(*image, "\177ELF", 4) != 0)
        return NJ_CU_OK;
    if (fake.refuse_cubins)
        return fake.refuse_cubins;
    if (c->machine != EM_CUDA)
        return NJ_CU_INVALID_IMAGE;
    if (memcmp(c->mark, fake_mark, sizeof c->mark) != 0)
        return NJ_CU_OK;
    *image = c->ptx;
    return c->cc != fake_cc() || c->version > fake.version ? NJ_CU_NO_BINARY : NJ_CU_OK;
}

/* -- the linker ---------------------------------------------------------------------------------------------------- */

NjCuResult fake_cuLinkCreate(unsigned n, int *opts, void **values, NjCuLink *link)
{
    if (fake_no_ctx())
        return NJ_CU_INVALID_CONTEXT;
    FakeObj *o = fake_new(FAKE_LINK, NULL, 0);
    o->log = fake_option(n, opts, values, NJ_CU_JIT_ERROR_LOG);
    o->nbytes = (size_t)fake_option(n, opts, values, NJ_CU_JIT_ERROR_NBYTES);
    fake_options_keep(n, opts, values);
    *link = (NjCuLink)o;
    return NJ_CU_OK;
}

/* The second and later inputs leave out their header. */
NjCuResult fake_cuLinkAddData(NjCuLink link, int kind, void *data, size_t nbytes, const char *name, unsigned n,
                              int *opts, void **values)
{
    FakeCode code;
    FakeObj *o = fake_find(FAKE_LINK, link);
    if (o == NULL || kind != NJ_CU_INPUT_PTX)
        return o ? NJ_CU_INVALID_VALUE : NJ_CU_INVALID_HANDLE;
    NjCuResult r = ptx_load(&code, o, data, fake_cc(), o->log, o->nbytes);
    ptx_free(&code);
    if (r != NJ_CU_OK)
        return r;
    const char *body = data, *size = strstr(data, ".address_size");
    if (o->text && size)
        body = size + strcspn(size, "\n");
    size_t old = o->text ? strlen(o->text) : 0;
    o->text = realloc(o->text, old + strlen(body) + 1);
    strcpy(o->text + old, body);
    return NJ_CU_OK;
}

NjCuResult fake_cuLinkComplete(NjCuLink link, void **cubin, size_t *nbytes)
{
    FakeObj *o = fake_find(FAKE_LINK, link);
    if (o == NULL || o->text == NULL || o->linked)
        return o ? NJ_CU_INVALID_IMAGE : NJ_CU_INVALID_HANDLE;
    *cubin = o->linked = fake_cubin_new(o->text, nbytes);
    return NJ_CU_OK;
}

NjCuResult fake_cuLinkDestroy(NjCuLink link) { return fake_drop_handle(FAKE_LINK, link); }
