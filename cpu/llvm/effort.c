/* effort.c - how much LLVM does for a module, by its size.
 *
 * In: a parsed module; out: the passes and the level of code generation that suit it. This table is the one place
 * where LLVM's way depends on a program's size. Measured with LLVM 22 on chains of loops, branches, divisions and
 * stores, all in one function (tests/bench/compile_scaling.py):
 *
 *   - the SLP vectoriser is quadratic in long blocks, 0.7 s for 2,500 stores, 1.7 s for 200 integer divisions;
 *   - InstCombine asks each value about every condition on it above: 0.7 s for 200 on one value, 17 s for 1,000;
 *   - whatever asks ScalarEvolution (rotation, unrolling, vectorising, strength reduction) asks each loop about all
 *     before it: 2 s for 300 loops that add to one variable, 31 s for 1,200; its recursion is as deep as they are many;
 *   - the register coalescer and instruction selection follow, and at the end promotion of stack slots.
 *
 * Functions of a size that people write are in the first row and see none of this.
 */
#include "cpu/llvm/inside.h"

#define TIDY    "simplifycfg,instcombine<no-verify-fixpoint>"
#define CLEAN   "instcombine<no-verify-fixpoint>,simplifycfg"
/* default<O3> without the SLP vectoriser: the C API's switch for it has no effect on a pipeline named by its level. */
static const char without_slp[] =
    "inferattrs,function(lower-expect,simplifycfg,sroa,early-cse),ipsccp,globalopt,function(" CLEAN "),always-inline,"
    "cgscc(inline,function-attrs,function(sroa,early-cse<memssa>,jump-threading,correlated-propagation," TIDY ","
    "tailcallelim,simplifycfg,reassociate,"
    "loop-mssa(loop-instsimplify,loop-simplifycfg,licm,loop-rotate,licm,simple-loop-unswitch<nontrivial;trivial>),"
    TIDY ",loop(loop-idiom,indvars,loop-deletion,loop-unroll-full),sroa,vector-combine,mldst-motion,gvn,sccp,bdce,"
    CLEAN ",jump-threading,correlated-propagation,adce,memcpyopt,dse,loop-mssa(licm)," TIDY ")),globalopt,globaldce,"
    "function(float2int,loop(loop-rotate,loop-deletion),loop-vectorize,loop-load-elim," CLEAN ",vector-combine,"
    "instcombine<no-verify-fixpoint>,loop-unroll<O3>,sroa,instcombine<no-verify-fixpoint>,loop-mssa(licm),"
    "alignment-from-assumptions,loop-sink,instsimplify,div-rem-pairs,"
    "simplifycfg<switch-range-to-icmp;switch-to-lookup;no-keep-loops;hoist-common-insts;sink-common-insts>),"
    "globaldce,constmerge";

/* No instcombine, loops rotated but not vectorised, unrolled or strength-reduced. */
static const char scalar[] = "always-inline,cgscc(inline),function(sroa,early-cse,simplifycfg,"
                             "loop-mssa(loop-rotate,licm),gvn,instsimplify,adce,simplifycfg)";
static const char plain[]  = "always-inline,cgscc(inline),function(sroa,early-cse,simplifycfg,adce)";
static const char hardly[] = "always-inline,function(early-cse,simplifycfg,adce)";

#define ANY UINT32_MAX

static const NjEffort efforts[] = {
    /* instructions branches same loops  passes     code */
    {          2000,     400, 120,  150, NULL,         3 },
    {         30000,     400, 120,  150, without_slp,  3 },
    {         30000,    2000, ANY,  600, scalar,       1 },
    {           ANY,     ANY, ANY, 2500, plain,        0 },
    {           ANY,     ANY, ANY,  ANY, hardly,       0 },
};

/* A module whose text is shorter than this is in the first row without a look: instructions take 20 bytes or more. */
enum { SHORT_TEXT = 32 * 1024 };

/* same: branches whose conditions compare one and the same value, or that value and a constant. */
typedef struct Size { uint32_t instructions, branches, same, loops; } Size;

/* What a function's blocks have shown so far. Addresses are keys: of blocks met, and of values that conditions compare,
 * with how many of them did. */
typedef struct Look { NjMap *blocks, *compared; Size s; } Look;

static void count_compared(Look *l, LLVMValueRef v)
{
    LLVMOpcode op = LLVMIsAInstruction(v) ? LLVMGetInstructionOpcode(v) : LLVMRet;
    if ((op == LLVMAdd || op == LLVMSub) && LLVMIsConstant(LLVMGetOperand(v, 1)))
        v = LLVMGetOperand(v, 0);
    if (LLVMIsConstant(v))
        return;
    uintptr_t n = (uintptr_t)nj_map_get(l->compared, &v, sizeof v) + 1;
    (void)nj_map_put(l->compared, &v, sizeof v, (void *)n);
    l->s.same = n > l->s.same ? (uint32_t)n : l->s.same;
}

/* A jump to a block met before closes a loop. */
static void count_jumps(Look *l, LLVMValueRef end)
{
    unsigned n = LLVMGetNumSuccessors(end);
    bool back = false;
    for (unsigned i = 0; i < n && !back; i++) {
        LLVMBasicBlockRef to = LLVMGetSuccessor(end, i);
        back = nj_map_get(l->blocks, &to, sizeof to);
    }
    l->s.loops += back;
    l->s.branches += n > 1;
    LLVMValueRef why = n == 2 && LLVMIsABranchInst(end) ? LLVMGetCondition(end) : NULL;
    if (why && LLVMIsAICmpInst(why)) {
        count_compared(l, LLVMGetOperand(why, 0));
        count_compared(l, LLVMGetOperand(why, 1));
    }
}

static Size size_of(LLVMValueRef f, NjArena *a)
{
    Look l = {.blocks = nj_map_new(a), .compared = nj_map_new(a)};
    for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(f); b; b = LLVMGetNextBasicBlock(b)) {
        if (!nj_map_put(l.blocks, &b, sizeof b, f))
            break;
        for (LLVMValueRef v = LLVMGetFirstInstruction(b); v; v = LLVMGetNextInstruction(v))
            l.s.instructions++;
        LLVMValueRef end = LLVMGetBasicBlockTerminator(b);
        if (end)
            count_jumps(&l, end);
    }
    return l.s;
}

/* How often is f called? */
static uint32_t calls_of(LLVMValueRef f)
{
    uint32_t n = 0;
    for (LLVMUseRef u = LLVMGetFirstUse(f); u; u = LLVMGetNextUse(u))
        n++;
    return n;
}

static void add(Size *to, Size s, uint32_t times)
{
    to->instructions += s.instructions * times;
    to->branches += s.branches * times;
    to->loops += s.loops * times;
    to->same = s.same > to->same ? s.same : to->same;
}

/* The largest function, as if all that LLVM is likely to inline lay in it: what is called once, and what is small. */
static Size size_of_largest(LLVMModuleRef m, NjArena *a)
{
    enum { SMALL = 50 };
    unsigned always = LLVMGetEnumAttributeKindForName("alwaysinline", 12);
    Size largest = {0}, inlined = {0};
    for (LLVMValueRef f = LLVMGetFirstFunction(m); f; f = LLVMGetNextFunction(f)) {
        if (LLVMIsDeclaration(f))
            continue;
        Size s = size_of(f, a);
        uint32_t n = calls_of(f);
        bool always_inline = LLVMGetEnumAttributeAtIndex(f, LLVMAttributeFunctionIndex, always);
        if (n > 1 && (s.instructions < SMALL || always_inline))
            add(&inlined, s, n);
        else if (n == 1 && s.instructions < largest.instructions)
            add(&inlined, s, 1);
        else if (s.instructions > largest.instructions)
            largest = s;
    }
    add(&largest, inlined, 1);
    return largest;
}

const NjEffort *nj_llvm_effort(LLVMModuleRef m, size_t ntext, int opt)
{
    const NjEffort *e = &efforts[0];
    NjArena *a = ntext > SHORT_TEXT && opt > 0 ? nj_arena_new() : NULL;
    if (!a)
        return e;
    Size s = size_of_largest(m, a);
    while (s.instructions > e->instructions || s.branches > e->branches || s.same > e->same || s.loops > e->loops)
        e++;
    nj_log(2, "LLVM: %u instructions, %u branches (%u on one value), %u loops in the largest function%s",
           (unsigned)s.instructions, (unsigned)s.branches, (unsigned)s.same, (unsigned)s.loops,
           e == efforts ? "" : ": too many for all passes");
    nj_arena_free(a);
    return e;
}
