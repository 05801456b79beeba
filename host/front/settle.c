/* settle.c - follows control over decoded instructions once, with an abstract stack that only tells nulls from values.
 *
 * In: decode.c's list. Out: the same list without unreachable instructions or copies of a `return`, without CPython's
 * null slots (a CALL_NULL becomes a CALL of what is really passed: `assert x, "m"` calls AssertionError in the place of
 * a method), and with branches on constants decided, so that what a constant global switches off is not even refused.
 * Each instruction is visited once.
 */
#include "front/front.h"

enum { MERGE_MOST = 64 };        /* instructions of a `return` that copies are compared over */

typedef struct Nulls { uint32_t n; uint8_t *at; } Nulls;        /* one byte for each slot: is it null? */
typedef struct Todo { uint32_t ins; Nulls stack; } Todo;

typedef struct Settle {
    NjArena *arena;
    const NjCode *code;
    NjBytecode *bc;
    NjBits *seen, *targets;
    uint32_t *depth, *nulls;     /* at each instruction seen: slots, and how many of them are null */
    Nulls stack;
    uint32_t cap;
    NJ_VEC(Todo) todo;
    const char *wrong;
} Settle;

/* -- the stack of nulls ---------------------------------------------------------------------------------- */

static void nulls_push(Settle *s, uint32_t n, bool is_null)
{
    if (s->stack.n + n > s->cap) {
        uint32_t cap = 2 * (s->stack.n + n) + 16;
        uint8_t *at = nj_arena_alloc(s->arena, cap);
        if (!at) {
            s->wrong = "a stack that is too deep";
            return;
        }
        if (s->stack.n)
            memcpy(at, s->stack.at, s->stack.n);
        s->stack.at = at;
        s->cap = cap;
    }
    memset(s->stack.at + s->stack.n, is_null, n);
    s->stack.n += n;
}

static bool nulls_pop(Settle *s, uint32_t n)
{
    if (n > s->stack.n) {
        s->wrong = "a stack that runs empty";
        return false;
    }
    s->stack.n -= n;
    return true;
}

static bool nulls_any(const Settle *s, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++)
        if (s->stack.at[i])
            return true;
    return false;
}

/* How deep the value `arg` slots down is once nulls are gone. */
static uint32_t nulls_depth(Settle *s, uint32_t arg)
{
    uint32_t depth = arg;
    if (!arg || arg > s->stack.n) {
        s->wrong = "a stack that runs empty";
        return 1;
    }
    for (uint32_t i = 1; i <= arg; i++)
        depth -= s->stack.at[s->stack.n - i];
    return depth ? depth : 1;
}

/* -- effects --------------------------------------------------------------------------------------------- */

static void settle_call(Settle *s, NjIns *i)
{
    uint32_t nargs = i->arg;
    if (!nulls_pop(s, nargs + 2))
        return;
    bool has_null = s->stack.at[s->stack.n] || s->stack.at[s->stack.n + 1];
    if (nulls_any(s, s->stack.n + 2, s->stack.n + 2 + nargs) ||
        (s->stack.at[s->stack.n] && s->stack.at[s->stack.n + 1]))
        s->wrong = "a null used as a value";
    i->op = NJ_BC_CALL;
    i->arg = has_null ? nargs : nargs + 1;
    nulls_push(s, 1, false);
}

static void settle_copy(Settle *s, NjIns *i)
{
    uint32_t depth = nulls_depth(s, i->arg);
    if (!s->wrong && (s->stack.at[s->stack.n - i->arg] || s->stack.at[s->stack.n - 1]))
        s->wrong = "a null used as a value";
    if (s->wrong)
        return;
    i->arg = depth;
    if (i->op == NJ_BC_COPY)
        nulls_push(s, 1, false);
}

static void settle_effect(Settle *s, NjIns *i)
{
    switch (i->op) {
    case NJ_BC_PUSH_NULL:
        i->op = NJ_BC_NOP;
        nulls_push(s, 1, true);
        break;
    case NJ_BC_CALL_NULL: settle_call(s, i); break;
    case NJ_BC_COPY: case NJ_BC_SWAP: settle_copy(s, i); break;
    case NJ_BC_FOR_ITER:                    /* looks at the iterator, which only its jump pops */
        if (!s->stack.n || s->stack.at[s->stack.n - 1])
            s->wrong = "a loop without an iterator";
        break;
    default:
        if (!nulls_pop(s, nj_bc_pops(i)))
            break;
        if (nulls_any(s, s->stack.n, s->stack.n + nj_bc_pops(i)))
            s->wrong = "a null used as a value";
        nulls_push(s, nj_bc_pushes(i), false);
    }
}

/* -- branches on constants ------------------------------------------------------------------------------- */

static const NjConst *settle_const(const NjCode *code, const NjIns *i)
{
    switch (i->op) {
    case NJ_BC_LOAD_CONST: return code->consts[i->arg];
    case NJ_BC_LOAD_GLOBAL: return code->globals[i->arg];
    case NJ_BC_LOAD_FREE: return code->freevals[i->arg];
    case NJ_BC_LOAD_NONE: return &nj_const_none;
    default: return NULL;
    }
}

/* A branch whose condition is a constant loaded just before: both become a jump, or nothing. What the load pushed,
 * the branch has popped already. */
static void settle_decide(Settle *s, uint32_t n)
{
    NjIns *i = &s->bc->ins[n];
    const NjConst *k = n && !nj_bits_has(s->targets, n) ? settle_const(s->code, i - 1) : NULL;
    int truth = k ? nj_resolve_truth(k) : -1;
    if (truth < 0)
        return;
    (i - 1)->op = NJ_BC_NOP;
    i->op = (uint32_t)truth == i->arg2 ? NJ_BC_JUMP : NJ_BC_NOP;
}

/* -- the walk -------------------------------------------------------------------------------------------- */

static uint32_t nulls_count(const Settle *s)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->stack.n; i++)
        n += s->stack.at[i];
    return n;
}

/* Notes the stack where control first comes to n; every other way there must agree, as later stages rely on it. */
static bool settle_meet(Settle *s, uint32_t n)
{
    uint32_t nulls = nulls_count(s);
    if (!nj_bits_has(s->seen, n)) {
        nj_bits_set(s->seen, n);
        s->depth[n] = s->stack.n;
        s->nulls[n] = nulls;
        return true;
    }
    if (s->depth[n] != s->stack.n || s->nulls[n] != nulls)
        s->wrong = "stacks that differ where control meets";
    return false;
}

static void settle_later(Settle *s, uint32_t ins, uint32_t pop)
{
    if (s->wrong)
        return;
    Todo t = {.ins = ins, .stack = {.n = s->stack.n < pop ? 0 : s->stack.n - pop}};
    t.stack.at = nj_arena_alloc(s->arena, t.stack.n + 1u);
    if (!t.stack.at || !nj_vec_push(s->arena, &s->todo, t))
        s->wrong = "a stack that is too deep";
    else if (t.stack.n)
        memcpy(t.stack.at, s->stack.at, t.stack.n);
}

/* Follows control from one instruction until it ends or meets what has been seen. */
static void settle_path(Settle *s, uint32_t n)
{
    for (; !s->wrong && settle_meet(s, n); n++) {
        NjIns *i = &s->bc->ins[n];
        settle_effect(s, i);
        if (i->op == NJ_BC_JUMP_IF)
            settle_decide(s, n);
        if (nj_bc_is_jump(i->op))
            settle_later(s, i->arg, i->op == NJ_BC_FOR_ITER);
        if (nj_bc_is_end(i->op))
            return;
        if (n + 1 == s->bc->n) {
            s->wrong = "control that runs off the end";
            return;
        }
    }
}

static void settle_walk(Settle *s)
{
    settle_later(s, 0, 0);
    while (s->todo.n && !s->wrong) {
        Todo t = s->todo.at[--s->todo.n];
        s->stack = t.stack;
        s->cap = t.stack.n;
        settle_path(s, t.ins);
    }
}

/* Drops NOPs; a jump to one goes to what follows it. */
static void settle_compact(NjBytecode *bc, uint32_t *map)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < bc->n; i++) {
        map[i] = n;
        if (bc->ins[i].op != NJ_BC_NOP)
            bc->ins[n++] = bc->ins[i];
    }
    bc->n = n;
    for (uint32_t i = 0; i < n; i++)
        if (nj_bc_is_jump(bc->ins[i].op))
            bc->ins[i].arg = map[bc->ins[i].arg];
}

/* -- and, or: from 3.12 on they are COPY 1, JUMP_IF, POP; versions before have threaded such jumps themselves  */

static bool keeps_value(const NjBytecode *bc, uint32_t i)
{
    return i + 2 < bc->n && bc->ins[i].op == NJ_BC_COPY && bc->ins[i].arg == 1 && bc->ins[i + 1].op == NJ_BC_JUMP_IF;
}

/* `a and b or c`: a branch that keeps its value and goes to another that tests the same value goes where that one
 * would. */
static void thread_value(NjBytecode *bc, uint32_t i)
{
    NjIns *j = &bc->ins[i + 1];
    for (int hops = 0; hops < 64 && keeps_value(bc, j->arg); hops++) {
        const NjIns *to = &bc->ins[j->arg + 1];
        j->arg = to->arg2 == j->arg2 ? to->arg : j->arg + 2;
    }
}

/* A value that both sides drop at once need not be kept. `ntargets` counts the jumps to each instruction. */
static void thread_drop(NjBytecode *bc, uint32_t i, uint32_t *ntargets)
{
    NjIns *j = &bc->ins[i + 1], *fall = &bc->ins[i + 2];
    if (bc->ins[j->arg].op != NJ_BC_POP || fall->op != NJ_BC_POP || ntargets[i + 1] || ntargets[i + 2] ||
        j->arg == i + 2)
        return;
    ntargets[j->arg++]--;
    ntargets[j->arg]++;
    bc->ins[i].op = fall->op = NJ_BC_NOP;
}

static void settle_thread(NjBytecode *bc, uint32_t *ntargets)
{
    for (uint32_t i = 0; i < bc->n; i++)
        if (keeps_value(bc, i))
            thread_value(bc, i);
    memset(ntargets, 0, bc->n * sizeof *ntargets);
    for (uint32_t i = 0; i < bc->n; i++)
        if (nj_bc_is_jump(bc->ins[i].op))
            ntargets[bc->ins[i].arg]++;
    for (uint32_t i = 0; i < bc->n; i++)
        if (keeps_value(bc, i))
            thread_drop(bc, i, ntargets);
}

/* -- one exit for one `return`: versions of CPython copy short ones to the ends of the branches that go there --- */

static const NjPos *merge_pos(const NjCode *code, const NjIns *i)
{
    return code->pos && i->unit < code->nbytes / 2 ? &code->pos[i->unit] : NULL;
}

static bool merge_same(const NjCode *code, const NjIns *a, const NjIns *b)
{
    const NjPos *p = merge_pos(code, a), *q = merge_pos(code, b);
    return a->op == b->op && a->arg == b->arg && a->arg2 == b->arg2 && p && q && !memcmp(p, q, sizeof *p) &&
           !nj_bc_is_jump(a->op);
}

/* How many instructions up to the RETURNs at a and b are the same. The stack is as deep at both, as a RETURN leaves
 * nothing. */
static uint32_t merge_length(const NjCode *code, const NjBytecode *bc, uint32_t a, uint32_t b)
{
    uint32_t k = 0;
    while (k <= b && k < MERGE_MOST && merge_same(code, &bc->ins[a - k], &bc->ins[b - k]) &&
           (!k || !nj_bc_is_end(bc->ins[b - k].op)))
        k++;
    return k;
}

/* Which is better for types: a variable that is None on one way and a number on another is both at its `return`. */
static void settle_merge(Settle *s)
{
    NjBytecode *bc = s->bc;
    NjMap *firsts = nj_map_new(s->arena);
    for (uint32_t i = 0; firsts && i < bc->n; i++) {
        const NjPos *pos = bc->ins[i].op == NJ_BC_RETURN ? merge_pos(s->code, &bc->ins[i]) : NULL;
        const NjIns *first = pos ? nj_map_get(firsts, pos, sizeof *pos) : NULL;
        if (!pos)
            continue;
        if (!first) {
            (void)nj_map_put(firsts, pos, sizeof *pos, &bc->ins[i]);
            continue;
        }
        uint32_t at = (uint32_t)(first - bc->ins), n = merge_length(s->code, bc, i, at);
        for (uint32_t k = 0; k < n; k++)        /* who jumped into the copy goes to the same place of the first */
            bc->ins[i - k] =
                (NjIns){.op = NJ_BC_JUMP, .arg = at - k, .unit = bc->ins[i - k].unit, .raw = bc->ins[i - k].raw};
    }
}

NjStatus nj_front_settle(NjArena *a, const NjCode *code, NjBytecode *bc, NjDiags *d)
{
    Settle s = {.arena = a, .code = code, .bc = bc, .seen = nj_bits_new(a, bc->n), .targets = nj_bits_new(a, bc->n)};
    uint32_t *map = nj_arena_alloc(a, (bc->n + 1u) * sizeof *map);
    s.depth = nj_arena_alloc(a, (bc->n + 1u) * sizeof *s.depth);
    s.nulls = nj_arena_alloc(a, (bc->n + 1u) * sizeof *s.nulls);
    if (!s.seen || !s.targets || !map || !s.depth || !s.nulls)
        return NJ_E_NOMEM;
    settle_merge(&s);
    for (uint32_t i = 0; i < bc->n; i++)
        if (nj_bc_is_jump(bc->ins[i].op))
            nj_bits_set(s.targets, bc->ins[i].arg);
    settle_walk(&s);
    if (nj_arena_failed(a))
        return NJ_E_NOMEM;
    if (s.wrong)
        return nj_front_malformed(d, code, s.wrong);
    for (uint32_t i = 0; i < bc->n; i++)
        if (!nj_bits_has(s.seen, i))
            bc->ins[i].op = NJ_BC_NOP;
    settle_compact(bc, map);
    settle_thread(bc, map);
    settle_compact(bc, map);
    return NJ_OK;
}
