/* load_aarch64.c - relocations of AArch64 objects (ELF for the Arm 64-bit architecture, section 5.7).
 *
 * In: a place in the block and the ABI's words P, S, A, G; out: the instruction or word there with its field filled in.
 * A stub loads the target from the GOT into x16, which the ABI leaves to linkers.
 */
#include "cpu/load.h"

#define RULE(type, width, need) { R_AARCH64_##type, width, need, "R_AARCH64_" #type }
static const NjRelocRule rules[] = {
    RULE(NONE, 0, 0),
    RULE(ABS64, 8, 0),
    RULE(ABS32, 4, 0),
    RULE(PREL64, 8, 0),
    RULE(PREL32, 4, 0),
    RULE(MOVW_UABS_G0_NC, 4, 0),
    RULE(MOVW_UABS_G1_NC, 4, 0),
    RULE(MOVW_UABS_G2_NC, 4, 0),
    RULE(MOVW_UABS_G3, 4, 0),
    RULE(LD_PREL_LO19, 4, 0),
    RULE(ADR_PREL_LO21, 4, 0),
    RULE(ADR_PREL_PG_HI21, 4, 0),
    RULE(ADD_ABS_LO12_NC, 4, 0),
    RULE(LDST8_ABS_LO12_NC, 4, 0),
    RULE(LDST16_ABS_LO12_NC, 4, 0),
    RULE(LDST32_ABS_LO12_NC, 4, 0),
    RULE(LDST64_ABS_LO12_NC, 4, 0),
    RULE(LDST128_ABS_LO12_NC, 4, 0),
    RULE(TSTBR14, 4, 0),
    RULE(CONDBR19, 4, 0),
    RULE(JUMP26, 4, NJ_NEED_STUB),
    RULE(CALL26, 4, NJ_NEED_STUB),
    RULE(ADR_GOT_PAGE, 4, NJ_NEED_GOT),
    RULE(LD64_GOT_LO12_NC, 4, NJ_NEED_GOT),
};
#undef RULE

static bool put_64(uint8_t *place, uint64_t v)
{
    memcpy(place, &v, 8);
    return true;
}

static bool fits_signed(uint64_t v, unsigned bits)
{
    int64_t s = (int64_t)v;
    return s >= -((int64_t)1 << (bits - 1)) && s < (int64_t)1 << (bits - 1);
}

/* ABS32 and PREL32 take either sign. */
static bool put_32(uint8_t *place, uint64_t v)
{
    uint32_t narrow = (uint32_t)v;
    memcpy(place, &narrow, 4);
    return fits_signed(v, 32) || v >> 32 == 0;
}

/* Replaces `bits` bits at `shift` of the instruction. */
static void put_field(uint8_t *place, uint32_t value, unsigned bits, unsigned shift)
{
    uint32_t insn, mask = (((uint32_t)1 << bits) - 1) << shift;
    memcpy(&insn, place, 4);
    insn = (insn & ~mask) | ((value << shift) & mask);
    memcpy(place, &insn, 4);
}

/* adr and adrp: 21 bits, the two lowest at 29, the rest at 5 */
static bool put_adr(uint8_t *place, uint64_t v)
{
    put_field(place, (uint32_t)(v & 3), 2, 29);
    put_field(place, (uint32_t)(v >> 2), 19, 5);
    return fits_signed(v, 21);
}

static bool put_branch(uint8_t *place, uint64_t v, unsigned bits, unsigned shift)
{
    put_field(place, (uint32_t)(v >> 2), bits, shift);
    return (v & 3) == 0 && fits_signed(v, bits + 2);
}

/* add and scaled loads and stores: the low twelve bits over the access size */
static bool put_lo12(uint8_t *place, uint64_t v, unsigned scale)
{
    uint32_t low = (uint32_t)(v & 0xfff);
    put_field(place, low >> scale, 12, 10);
    return (low & ((1u << scale) - 1)) == 0;
}

static bool put_movw(uint8_t *place, uint64_t v, unsigned part)
{
    put_field(place, (uint32_t)(v >> (16 * part)) & 0xffff, 16, 5);
    return true;
}

/* Page of a value, relative to the place's page, counted in pages. */
static uint64_t page_delta(uint64_t to, uint64_t from)
{
    return (uint64_t)((int64_t)((to & ~(uint64_t)0xfff) - (from & ~(uint64_t)0xfff)) >> 12);
}

static bool apply(uint32_t type, uint8_t *place, const NjRelocWords *w)
{
    uint64_t sa = w->s + (uint64_t)w->a, ga = w->g + (uint64_t)w->a;
    switch (type) {
    case R_AARCH64_ABS64:               return put_64(place, sa);
    case R_AARCH64_ABS32:               return put_32(place, sa);
    case R_AARCH64_PREL64:              return put_64(place, sa - w->p);
    case R_AARCH64_PREL32:              return put_32(place, sa - w->p);
    case R_AARCH64_MOVW_UABS_G0_NC:     return put_movw(place, sa, 0);
    case R_AARCH64_MOVW_UABS_G1_NC:     return put_movw(place, sa, 1);
    case R_AARCH64_MOVW_UABS_G2_NC:     return put_movw(place, sa, 2);
    case R_AARCH64_MOVW_UABS_G3:        return put_movw(place, sa, 3);
    case R_AARCH64_LD_PREL_LO19:
    case R_AARCH64_CONDBR19:            return put_branch(place, sa - w->p, 19, 5);
    case R_AARCH64_TSTBR14:             return put_branch(place, sa - w->p, 14, 5);
    case R_AARCH64_JUMP26:
    case R_AARCH64_CALL26:              return put_branch(place, sa - w->p, 26, 0);
    case R_AARCH64_ADR_PREL_LO21:       return put_adr(place, sa - w->p);
    case R_AARCH64_ADR_PREL_PG_HI21:    return put_adr(place, page_delta(sa, w->p));
    case R_AARCH64_ADD_ABS_LO12_NC:
    case R_AARCH64_LDST8_ABS_LO12_NC:   return put_lo12(place, sa, 0);
    case R_AARCH64_LDST16_ABS_LO12_NC:  return put_lo12(place, sa, 1);
    case R_AARCH64_LDST32_ABS_LO12_NC:  return put_lo12(place, sa, 2);
    case R_AARCH64_LDST64_ABS_LO12_NC:  return put_lo12(place, sa, 3);
    case R_AARCH64_LDST128_ABS_LO12_NC: return put_lo12(place, sa, 4);
    case R_AARCH64_ADR_GOT_PAGE:        return put_adr(place, page_delta(ga, w->p));
    case R_AARCH64_LD64_GOT_LO12_NC:    return put_lo12(place, ga, 3);
    default:                            return true;
    }
}

/* adrp x16, got; ldr x16, [x16, got]; br x16; udf */
static bool stub(uint8_t *place, uint64_t at, uint64_t got)
{
    static const uint32_t code[4] = { 0x90000010, 0xf9400210, 0xd61f0200, 0 };
    memcpy(place, code, sizeof code);
    return put_adr(place, page_delta(got, at)) && put_lo12(place + 4, got, 3);
}

const NjLoadArch nj_load_aarch64 = {
    .machine = EM_AARCH64, .nstub = 16, .rules = rules, .nrules = NJ_COUNT(rules), .apply = apply, .stub = stub,
};
