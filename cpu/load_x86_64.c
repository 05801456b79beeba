/* load_x86_64.c - relocations of x86-64 objects (psABI section 4.4), as LLVM's small PIC code needs them.
 *
 * In: a place in the block and the ABI's words P, S, A, G; out: the place filled in. A stub is one indirect jump
 * through the GOT, so that functions farther than 2 GiB are called at the price of a PLT.
 */
#include "cpu/load.h"

#ifndef R_X86_64_CODE_4_GOTPCRELX         /* for instructions with APX's prefix: newer than many an elf.h */
#define R_X86_64_CODE_4_GOTPCRELX 43
#endif

#define RULE(type, width, need) { R_X86_64_##type, width, need, "R_X86_64_" #type }
static const NjRelocRule rules[] = {
    RULE(NONE, 0, 0),
    RULE(64, 8, 0),
    RULE(PC32, 4, 0),
    RULE(PLT32, 4, NJ_NEED_STUB),
    RULE(GOTPCREL, 4, NJ_NEED_GOT),
    RULE(GOTPCRELX, 4, NJ_NEED_GOT),
    RULE(REX_GOTPCRELX, 4, NJ_NEED_GOT),
    RULE(32, 4, 0),
    RULE(32S, 4, 0),
    RULE(PC64, 8, 0),
    RULE(CODE_4_GOTPCRELX, 4, NJ_NEED_GOT),
};
#undef RULE

static bool put_s32(uint8_t *place, uint64_t v)
{
    int32_t narrow = (int32_t)(uint32_t)v;
    memcpy(place, &narrow, 4);
    return (uint64_t)(int64_t)narrow == v;
}

static bool put_u32(uint8_t *place, uint64_t v)
{
    uint32_t narrow = (uint32_t)v;
    memcpy(place, &narrow, 4);
    return narrow == v;
}

static bool put_64(uint8_t *place, uint64_t v)
{
    memcpy(place, &v, 8);
    return true;
}

static bool apply(uint32_t type, uint8_t *place, const NjRelocWords *w)
{
    uint64_t a = (uint64_t)w->a;
    switch (type) {
    case R_X86_64_64:            return put_64(place, w->s + a);
    case R_X86_64_PC64:          return put_64(place, w->s + a - w->p);
    case R_X86_64_PC32:
    case R_X86_64_PLT32:         return put_s32(place, w->s + a - w->p);
    case R_X86_64_GOTPCREL:
    case R_X86_64_GOTPCRELX:
    case R_X86_64_CODE_4_GOTPCRELX:
    case R_X86_64_REX_GOTPCRELX: return put_s32(place, w->g + a - w->p);
    case R_X86_64_32:            return put_u32(place, w->s + a);
    case R_X86_64_32S:           return put_s32(place, w->s + a);
    default:                     return true;
    }
}

/* jmp *got(%rip); ud2 fills the rest */
static bool stub(uint8_t *place, uint64_t at, uint64_t got)
{
    place[0] = 0xff;
    place[1] = 0x25;
    place[6] = 0x0f;
    place[7] = 0x0b;
    return put_s32(place + 2, got - (at + 6));
}

const NjLoadArch nj_load_x86_64 = {
    .machine = EM_X86_64, .nstub = 8, .rules = rules, .nrules = NJ_COUNT(rules), .apply = apply, .stub = stub,
};
