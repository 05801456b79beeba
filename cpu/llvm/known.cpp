/* known.cpp - which CPUs and features LLVM knows: asked before a target machine is made for names that a user gave.
 *
 * In: a triple, a CPU, features such as "+avx2,-avx512f"; out: what of that LLVM does not know. LLVM itself prints a
 * line to stderr for each such name, several times, and goes on without it. The one file in C++: LLVM's C interface
 * has no question of this kind.
 */
#include <llvm/Config/llvm-config.h>
#include <llvm/MC/MCSubtargetInfo.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/TargetParser/Triple.h>

#include <cstdio>
#include <memory>
#include <string>

using llvm::StringRef;

/* Before LLVM 22 triples were passed as text. */
#if LLVM_VERSION_MAJOR >= 22
#define PASSED(triple) (triple)
#else
#define PASSED(triple) (triple).str()
#endif

using Subtarget = std::unique_ptr<llvm::MCSubtargetInfo>;

static Subtarget subtarget(const llvm::Target &target, const llvm::Triple &triple, StringRef cpu)
{
    return Subtarget(target.createMCSubtargetInfo(PASSED(triple), cpu, ""));
}

static bool knows_feature(const llvm::MCSubtargetInfo &sub, StringRef name)
{
    for (const auto &known : sub.getAllProcessorFeatures())
        if (name == StringRef(known.Key))
            return true;
    return false;
}

/* The first of the list that is unknown, or "". */
static StringRef unknown_feature(const llvm::MCSubtargetInfo &sub, StringRef features)
{
    while (!features.empty()) {
        auto [first, rest] = features.split(',');
        bool sign = first.starts_with("+") || first.starts_with("-");
        if (!first.empty() && !(sign && knows_feature(sub, first.drop_front())))
            return first;
        features = rest;
    }
    return "";
}

extern "C" char nj_llvm_unknown(const char *triple, const char *cpu, const char *features, char *out, size_t nout)
{
    std::string why;
    llvm::Triple t(triple);
    const llvm::Target *target = llvm::TargetRegistry::lookupTarget(PASSED(t), why);
    if (!target)
        return 0;                                /* the caller's next step says so */
    auto any = subtarget(*target, t, "");
    if (!any)
        return 0;
    if (!any->isCPUStringValid(cpu))
        return 'c';
    StringRef bad = unknown_feature(*any, features);
    if (!bad.empty()) {
        snprintf(out, nout, "%.*s", static_cast<int>(bad.size()), bad.data());
        return 'f';
    }
    bool narrow = t.getArch() == llvm::Triple::x86_64 && !subtarget(*target, t, cpu)->checkFeatures("+64bit");
    return narrow ? 'm' : 0;
}
