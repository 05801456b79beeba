/* settle.c - follows control over decoded instructions once, with an abstract stack of what CPython's slots hold.
 *
 * In: decode.c's list. Out: the same list without unreachable instructions or copies of a `return`, without CPython's
 * null slots (a CALL_NULL becomes a CALL of what is really passed: `assert x, "m"` calls AssertionError in the place of
 * a method), and with branches on constants decided, so that what a constant global switches off is not even refused.
 * CPython builds long tuples and the arguments of long calls in lists and dicts: here their elements stay on the stack,
 * one value each, until a TUPLE or CALL_EX takes them; a list or dict used in any other way is refused where it is
 * made. Each instruction is visited once, and once more for a function that is refused so.
 */
#include "front/front.h"

enum {
    MERGE_MOST = 64,             /* instructions of a `return` that copies are compared over */
    ROUNDS_MOST = 8,             /* walks, before every list and dict of the function is refused */
    CALL_LONG = 30,              /* CPython writes a call of more arguments, keywords counted twice, as a CALL_EX */
};

/* TUPLE is a value, too, made of n elements just there. LIST, MAP (keys and values in turn) and KEYED (values, then a
 * tuple of the keys) are `width` values on our stack. */
typedef enum SlotKind { SLOT_VALUE, SLOT_NULL, SLOT_TUPLE, SLOT_LIST, SLOT_MAP, SLOT_KEYED } SlotKind;
typedef struct Slot { SlotKind kind; uint32_t width, n, maker; } Slot;

typedef struct Stack { uint32_t n; Slot *at; } Stack;
typedef struct Todo { uint32_t ins; Stack stack; } Todo;
typedef struct Seen { uint32_t depth, open; uint64_t shape; } Seen;        /* open: 1 + maker of the topmost list */

typedef struct Settle {
    NjArena *arena;
    const NjCode *code;
    NjBytecode *bc;
    NjIns *before;               /* the instructions as they were, if there is a list or dict */
    NjBits *seen, *targets;
    Seen *met;                   /* the stack at each instruction seen */
    Stack stack;
    uint32_t cap, now;
    NJ_VEC(Todo) todo;
    bool again;                  /* a list or dict turned out to be a real one */
    const char *wrong;
} Settle;

/* -- the stack ------------------------------------------------------------------------------------------- */

static void slots_push(Settle *s, uint32_t n, Slot slot)
{
    if (s->stack.n + n > s->cap) {
        uint32_t cap = 2 * (s->stack.n + n) + 16;
        Slot *at = nj_arena_alloc(s->arena, cap * sizeof *at);
        if (!at) {
            s->wrong = "a stack that is too deep";
            return;
        }
        if (s->stack.n)
            memcpy(at, s->stack.at, s->stack.n * sizeof *at);
        s->stack.at = at;
        s->cap = cap;
    }
    while (n--)
        s->stack.at[s->stack.n++] = slot;
}

static void slots_push_values(Settle *s, uint32_t n)
{
    slots_push(s, n, (Slot){.kind = SLOT_VALUE, .width = 1});
}

static bool slots_pop(Settle *s, uint32_t n)
{
    if (n > s->stack.n) {
        s->wrong = "a stack that runs empty";
        return false;
    }
    s->stack.n -= n;
    return true;
}

static bool slot_is_open(const Slot *t) { return t->kind >= SLOT_LIST; }

/* The list or dict made at `maker` is none that a tuple or a call is built from: refused there, for `row`'s reason. */
static void settle_refuse(Settle *s, uint32_t maker, uint32_t row)
{
    NjIns *i = &s->before[maker];
    if (i->op != NJ_BC_UNSUPPORTED)
        *i = (NjIns){.op = NJ_BC_UNSUPPORTED, .arg = row, .unit = i->unit, .raw = i->raw};
    else
        i->arg = row;
    s->again = true;
}

/* Slots [from, to) are used as values. */
static void slots_use(Settle *s, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        const Slot *t = &s->stack.at[i];
        if (t->kind == SLOT_NULL)
            s->wrong = "a null used as a value";
        else if (slot_is_open(t) && s->before[t->maker].op != NJ_BC_UNSUPPORTED)
            settle_refuse(s, t->maker, s->before[t->maker].arg2);
    }
}

/* Pops values. */
static bool slots_take(Settle *s, uint32_t n)
{
    if (!slots_pop(s, n))
        return false;
    slots_use(s, s->stack.n, s->stack.n + n);
    return !s->wrong;
}

static Slot *slots_top(Settle *s) { return s->stack.n ? &s->stack.at[s->stack.n - 1] : NULL; }

/* How deep the value `arg` slots down is on our stack. */
static uint32_t slots_depth(Settle *s, uint32_t arg)
{
    uint32_t depth = 0;
    if (!arg || arg > s->stack.n) {
        s->wrong = "a stack that runs empty";
        return 1;
    }
    for (uint32_t i = 1; i <= arg; i++)
        depth += s->stack.at[s->stack.n - i].width;
    return depth ? depth : 1;
}

/* -- effects --------------------------------------------------------------------------------------------- */

static void settle_call(Settle *s, NjIns *i)
{
    uint32_t nargs = i->arg;
    if (!slots_pop(s, nargs + 2))
        return;
    Slot *f = &s->stack.at[s->stack.n];
    bool null0 = f[0].kind == SLOT_NULL, null1 = f[1].kind == SLOT_NULL;
    slots_use(s, s->stack.n + null0, s->stack.n + 2 - null1 + (null0 && null1));
    slots_use(s, s->stack.n + 2, s->stack.n + 2 + nargs);
    i->op = NJ_BC_CALL;
    i->arg = null0 || null1 ? nargs : nargs + 1;
    slots_push_values(s, 1);
}

static void settle_copy(Settle *s, NjIns *i)
{
    uint32_t depth = slots_depth(s, i->arg), n = s->stack.n;
    if (!s->wrong) {
        slots_use(s, n - i->arg, n - i->arg + 1);
        slots_use(s, n - 1, n);
    }
    if (s->wrong)
        return;
    i->arg = depth;
    if (i->op == NJ_BC_COPY)
        slots_push_values(s, 1);
    else
        s->stack.at[n - 1] = s->stack.at[n - i->arg] = (Slot){.kind = SLOT_VALUE, .width = 1};
}

/* What begins a list or dict: its first elements are on the stack, and stay. */
static void settle_open(Settle *s, NjIns *i)
{
    SlotKind kind = i->op == NJ_BC_LIST ? SLOT_LIST : i->op == NJ_BC_MAP ? SLOT_MAP : SLOT_KEYED;
    uint32_t n = kind == SLOT_LIST ? i->arg : kind == SLOT_MAP ? 2 * i->arg : i->arg + 1;
    if (!slots_take(s, n))
        return;
    i->op = NJ_BC_NOP;
    slots_push(s, 1, (Slot){.kind = kind, .width = n, .maker = s->now});
}

static void settle_append(Settle *s, NjIns *i)
{
    SlotKind kind = i->op == NJ_BC_LIST_APPEND ? SLOT_LIST : SLOT_MAP;
    uint32_t n = kind == SLOT_LIST ? 1 : 2;
    if (!slots_take(s, n))
        return;
    Slot *t = slots_top(s);
    if (!t || t->kind != kind)
        s->wrong = "an element of no list";
    else
        t->width += n;
    i->op = NJ_BC_NOP;
}

/* Elements that only run time knows: of a list that becomes a tuple, or a dict that becomes keywords, settle_close and
 * the row tell the better reason. */
static void settle_extend(Settle *s, NjIns *i)
{
    if (!slots_take(s, 1))
        return;
    Slot *t = slots_top(s);
    if (t && slot_is_open(t))
        settle_refuse(s, t->maker, i->arg2);
    else
        s->wrong = "elements of no list";
}

static void settle_close(Settle *s, NjIns *i)
{
    Slot *t = slots_top(s);
    if (!t || t->kind != SLOT_LIST) {
        s->wrong = "a tuple of no list";
        return;
    }
    if (s->before[t->maker].op == NJ_BC_UNSUPPORTED)
        settle_refuse(s, t->maker, i->arg2);
    i->op = NJ_BC_TUPLE;
    i->arg = t->width;
    *t = (Slot){.kind = SLOT_TUPLE, .width = 1, .n = t->width};
}

/* f(*tuple, **dict): only as CPython itself writes a call that is long. */
static void settle_call_ex(Settle *s, NjIns *i)
{
    bool has_map = i->arg & 1, has_null = s->code->version >= 311;
    uint32_t n = 2u + has_map + has_null;
    if (!slots_pop(s, n))
        return;
    const Slot *at = &s->stack.at[s->stack.n], *map = has_map ? &at[n - 1] : NULL, *args = &at[n - 1 - has_map];
    uint32_t nkw = !map ? 0 : map->kind == SLOT_MAP ? map->width / 2 : map->kind == SLOT_KEYED ? map->width - 1 : 0;
    bool known = args->kind == SLOT_TUPLE && (!map || slot_is_open(map));
    uint32_t callee = has_null && at[0].kind == SLOT_NULL;      /* decode.c puts the null on either side of it */
    if (has_null && at[!callee].kind != SLOT_NULL)
        s->wrong = "a call without its null";
    slots_use(s, s->stack.n + callee, s->stack.n + callee + 1);
    slots_use(s, s->stack.n + n - 1 - has_map, s->stack.n + n - has_map);
    uint32_t row = i->arg2;
    if (!known || (uint64_t)args->n + 2u * nkw <= CALL_LONG)
        *i = (NjIns){.op = NJ_BC_UNSUPPORTED, .arg = row, .unit = i->unit, .raw = i->raw};
    else
        *i = (NjIns){.op = NJ_BC_CALL_EX, .arg = 2 + (map ? map->width : 0), .unit = i->unit, .raw = i->raw,
                     .arg2 = row << 2 | (!map ? 0 : map->kind == SLOT_MAP ? 1 : 2)};
    slots_push_values(s, 1);
}

static void settle_effect(Settle *s, NjIns *i)
{
    const NjConst *k = i->op == NJ_BC_LOAD_CONST ? s->code->consts[i->arg] : NULL;
    bool is_const = k && k->kind == NJ_C_TUPLE;
    switch (i->op) {
    case NJ_BC_PUSH_NULL:
        i->op = NJ_BC_NOP;
        slots_push(s, 1, (Slot){.kind = SLOT_NULL});
        break;
    case NJ_BC_CALL_NULL: settle_call(s, i); break;
    case NJ_BC_COPY: case NJ_BC_SWAP: settle_copy(s, i); break;
    case NJ_BC_LIST: case NJ_BC_MAP: case NJ_BC_MAP_KEYED: settle_open(s, i); break;
    case NJ_BC_LIST_APPEND: case NJ_BC_MAP_ADD: settle_append(s, i); break;
    case NJ_BC_EXTEND: settle_extend(s, i); break;
    case NJ_BC_LIST_TUPLE: settle_close(s, i); break;
    case NJ_BC_CALL_EX: settle_call_ex(s, i); break;
    case NJ_BC_FOR_ITER:                    /* looks at the iterator, which only its jump pops */
        if (!s->stack.n || s->stack.at[s->stack.n - 1].kind == SLOT_NULL)
            s->wrong = "a loop without an iterator";
        break;
    default:
        if (!slots_take(s, nj_bc_pops(i)))
            break;
        slots_push_values(s, nj_bc_pushes(i));
        if (i->op == NJ_BC_TUPLE || is_const)
            *slots_top(s) = (Slot){.kind = SLOT_TUPLE, .width = 1, .n = is_const ? k->tuple.n : i->arg};
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

/* FNV-1a over what each slot is; whether a value was made as a tuple just before does not tell ways apart. */
static Seen settle_look(const Settle *s)
{
    Seen now = {.depth = s->stack.n, .shape = 0xcbf29ce484222325u};
    for (uint32_t i = 0; i < s->stack.n; i++) {
        const Slot *t = &s->stack.at[i];
        SlotKind kind = t->kind == SLOT_TUPLE ? SLOT_VALUE : t->kind;
        now.shape = (now.shape ^ ((uint64_t)t->width << 3 | kind)) * 0x100000001b3u;
        now.open = slot_is_open(t) ? t->maker + 1 : now.open;
    }
    return now;
}

/* Notes the stack where control first comes to n; every other way there must agree, as later stages rely on it. Ways
 * may bring different lists: `[a] if c else b`; those are real ones. */
static bool settle_meet(Settle *s, uint32_t n)
{
    Seen now = settle_look(s), *met = &s->met[n];
    if (!nj_bits_has(s->seen, n)) {
        nj_bits_set(s->seen, n);
        *met = now;
        return true;
    }
    if (met->depth == now.depth && met->shape == now.shape)
        return false;
    if (met->depth != now.depth || (!met->open && !now.open))
        s->wrong = "stacks that differ where control meets";
    else
        for (int k = 0; k < 2; k++) {
            uint32_t maker = k ? met->open : now.open;
            if (maker && s->before[maker - 1].op != NJ_BC_UNSUPPORTED)
                settle_refuse(s, maker - 1, s->before[maker - 1].arg2);
        }
    return false;
}

static void settle_later(Settle *s, uint32_t ins, uint32_t pop)
{
    if (s->wrong)
        return;
    Todo t = {.ins = ins, .stack = {.n = s->stack.n < pop ? 0 : s->stack.n - pop}};
    t.stack.at = nj_arena_alloc(s->arena, (t.stack.n + 1u) * sizeof *t.stack.at);
    if (!t.stack.at || !nj_vec_push(s->arena, &s->todo, t))
        s->wrong = "a stack that is too deep";
    else if (t.stack.n)
        memcpy(t.stack.at, s->stack.at, t.stack.n * sizeof *t.stack.at);
}

/* Follows control from one instruction until it ends or meets what has been seen. */
static void settle_path(Settle *s, uint32_t n)
{
    for (; !s->wrong && settle_meet(s, n); n++) {
        NjIns *i = &s->bc->ins[n];
        s->now = n;
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
    s->stack.n = 0;
    s->todo.n = 0;
    settle_later(s, 0, 0);
    while (s->todo.n && !s->wrong) {
        Todo t = s->todo.at[--s->todo.n];
        s->stack = t.stack;
        s->cap = t.stack.n;
        settle_path(s, t.ins);
    }
}

static bool is_open(NjBcOp op) { return op == NJ_BC_LIST || op == NJ_BC_MAP || op == NJ_BC_MAP_KEYED; }

/* Walks until no list or dict is found to be a real one: those that were end their way, so what they had hidden is seen
 * by the next walk. */
static void settle_rounds(Settle *s)
{
    size_t size = s->bc->n * sizeof *s->bc->ins;
    for (uint32_t i = 0; i < s->bc->n && !s->before; i++)
        if (is_open(s->bc->ins[i].op) && !(s->before = nj_arena_copy(s->arena, s->bc->ins, size)))
            return;
    settle_walk(s);
    for (int round = 1; s->again && !s->wrong; round++) {
        for (uint32_t i = 0; round == ROUNDS_MOST && i < s->bc->n; i++)
            if (is_open(s->before[i].op))
                settle_refuse(s, i, s->before[i].arg2);
        memcpy(s->bc->ins, s->before, size);
        memset(s->seen->w, 0, (s->seen->n + 63) / 64 * sizeof *s->seen->w);
        s->again = false;
        settle_walk(s);
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
    s.met = nj_arena_alloc(a, (bc->n + 1u) * sizeof *s.met);
    if (!s.seen || !s.targets || !map || !s.met)
        return NJ_E_NOMEM;
    settle_merge(&s);
    for (uint32_t i = 0; i < bc->n; i++)
        if (nj_bc_is_jump(bc->ins[i].op))
            nj_bits_set(s.targets, bc->ins[i].arg);
    settle_rounds(&s);
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
