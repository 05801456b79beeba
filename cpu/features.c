/* features.c - which CPU this is, as far as compiled code may depend on it, without asking LLVM.
 *
 * Out: a line of text that is the same on two machines only if LLVM would see the same CPU on both: what CPUID
 * (x86-64) or the kernel (aarch64) says of models and features, the C library's version (its vector math is called by
 * name), the knobs that name another CPU.
 */
#include "cpu/cpu.h"

#include <gnu/libc-version.h>
#include <stdlib.h>
#include <strings.h>

#if defined(__x86_64__)
#include <cpuid.h>

/* Leaf, subleaf, and which bits of eax, ebx, ecx, edx belong to the model: leaf 1 tells the core's number too, and
 * leaf 0xd the size of what is switched on now. */
static const struct { uint32_t leaf, sub, mask[4]; } leaves[] = {
    {0, 0, {0, ~0u, ~0u, ~0u}},          {1, 0, {~0u, 0, ~0u, ~0u}},           {7, 0, {0, ~0u, ~0u, ~0u}},
    {7, 1, {~0u, ~0u, ~0u, ~0u}},        {0xd, 1, {~0u, 0, 0, 0}},             {0x14, 0, {0, ~0u, 0, 0}},
    {0x19, 0, {0, ~0u, 0, 0}},           {0x1e, 1, {~0u, 0, 0, 0}},            {0x24, 0, {0, ~0u, 0, 0}},
    {0x80000001u, 0, {0, 0, ~0u, ~0u}},  {0x80000008u, 0, {0, ~0u, 0, 0}},
};

/* Which registers the system saves: without that, a feature that the CPU has cannot be used. */
static uint32_t xcr0(void)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

static void machine(NjText *out)
{
    nj_text_str(out, "x86-64");
    for (size_t i = 0; i < NJ_COUNT(leaves); i++) {
        uint32_t r[4] = {0};
        if (!__get_cpuid_count(leaves[i].leaf, leaves[i].sub, &r[0], &r[1], &r[2], &r[3]))
            continue;
        nj_text_fmt(out, " %x.%x:", leaves[i].leaf, leaves[i].sub);
        for (unsigned k = 0; k < 4; k++)
            nj_text_fmt(out, k ? ",%x" : "%x", r[k] & leaves[i].mask[k]);
        if (leaves[i].leaf == 1 && r[2] & (1u << 27))        /* OSXSAVE: xgetbv is there */
            nj_text_fmt(out, " xcr0:%x", xcr0());
    }
}
#elif defined(__aarch64__)
#include <sys/auxv.h>

/* The number of the implementation, which the kernel lets programs read where it says so (HWCAP_CPUID). */
static uint64_t midr(void)
{
    uint64_t x = 0;
    if (getauxval(AT_HWCAP) & (1ul << 11))
        __asm__ volatile("mrs %0, midr_el1" : "=r"(x));
    return x;
}

static void machine(NjText *out)
{
    nj_text_fmt(out, "aarch64 midr:%llx hwcap:%lx,%lx", (unsigned long long)midr(), getauxval(AT_HWCAP),
                getauxval(AT_HWCAP2));
}
#endif

void nj_cpu_describe(NjText *out)
{
    const NjKnobs *k = nj_knobs();
    machine(out);
    nj_text_fmt(out, " libc:%s", gnu_get_libc_version());
    if (k->cpu_name || k->cpu_features)
        nj_text_fmt(out, " for:%s %s", k->cpu_name ? k->cpu_name : "", k->cpu_features ? k->cpu_features : "");
    if (k->perf)
        nj_text_str(out, " frame-pointers");
}

/* The last word on a feature wins, as LLVM reads such lists. */
static int asked_for(const char *list, const char *feature)
{
    int asked = 0;
    size_t n = strlen(feature);
    for (const char *s = list; s && *s; s += strcspn(s, ","), s += *s == ',')
        if ((*s == '+' || *s == '-') && !strncmp(s + 1, feature, n) && (s[1 + n] == ',' || !s[1 + n]))
            asked = *s == '+' ? 1 : -1;
    return asked;
}

bool nj_cpu_may_use(const char *feature, bool present)
{
    const NjKnobs *k = nj_knobs();
    int asked = asked_for(k->cpu_features, feature);
    return asked ? asked > 0 && present : present && !k->cpu_name;
}
