/* target_split.c - the entry of a kernel that was cut at its barriers: a loop over the block's threads for each region.
 *
 * In: the unit's NjSplit. Out: LLVM text of int32 entry(args, NjSimt *) for one block. In lockstep the regions are a
 * state machine whose state all threads share; LLVM sees each region as a loop it can vectorise:
 *
 *     entry > r0: for all threads region 0 > r1: for all threads region 1 > ... > finish
 *
 * Otherwise a round is one loop over the threads, each running the region of its own state, up to everybody's next
 * barrier; rounds end when nobody is left. Threads that have returned have state 0 and are passed over.
 */
#include "cpu/target_inside.h"

enum { MIN_ROW = 8 };

typedef struct Drive {
    NjEmit *e;
    NjSplit *o;
    NjSpec *root;
    const char *args;            /* the kernel's arguments, "f32 %t4, i64 %t9" */
    const char *p;               /* what the names of the loop being written begin with: "r3" */
    const char *nx;              /* how many threads along x it runs, an i32 */
    const char *count, *arrived; /* of the last barrier, as values; NULL: none reduces */
} Drive;

/* An array on the stack of a function that regions call is one for all threads, too. */
static bool callees_have_arrays(const NjUnit *u)
{
    for (uint32_t i = 0; i < u->specs.n; i++) {
        const NjFn *f = u->specs.at[i]->core;
        if (!f || u->specs.at[i]->retired)
            continue;
        bool region = false;
        for (uint32_t k = 0; k < u->split->nregion; k++)
            region |= u->split->region[k].spec == u->specs.at[i];
        for nj_each_blk(f, b)
            for nj_each_val(f, b, r)
                if (!region && nj_val(f, r)->op == NJ_OP_alloca && nj_val(f, r)->imm.i != 1)
                    return true;
    }
    return false;
}

bool nj_cpudev_split(NjEmit *e)
{
    NjUnit *u = e->u;
    if (!nj_knobs()->simt_split || !(u->split = nj_split_unit(u)))
        return false;
    u->has_barrier = false;
    u->frame_bytes = u->split->frame_bytes;
    nj_log(2, "%s: %u regions, %s, %u bytes for each thread, %u values for all", u->specs.at[0]->symbol,
           (unsigned)u->split->nregion, u->split->lockstep ? "in lockstep" : "each at its own barrier",
           (unsigned)u->split->frame_bytes, (unsigned)u->split->nuniform);
    u->split->shares_stack = callees_have_arrays(u);
    return true;
}

/* -- the block's own values ------------------------------------------------------------------------------------ */

static void drive_sizes(Drive *d)
{
    NjEmit *e = d->e;
    nj_emit_line(e, "%%frame = load ptr, ptr %s", nj_cpudev_at(e, offsetof(NjSimt, frame)));
    for (unsigned i = 0; i < 3; i++)
        nj_emit_line(e, "%%n%u = zext nneg i32 %%sr%u to i64", i, NJ_SREG_NTID_X + i);
    nj_emit_line(e, "%%n01 = mul nuw nsw i64 %%n0, %%n1");
    nj_emit_line(e, "%%n = mul nuw nsw i64 %%n01, %%n2");
    nj_emit_line(e, "%%n.up = add nuw nsw i64 %%n, 15");
    nj_emit_line(e, "%%stride = and i64 %%n.up, -16");
    nj_emit_line(e, "%%next = alloca i32");
    nj_emit_line(e, "%%count = alloca i32");
    nj_emit_line(e, "%%arrived = alloca i32");
    nj_emit_line(e, "store i32 0, ptr %%count");
    nj_emit_line(e, "store i32 0, ptr %%arrived");
    nj_emit_line(e, "store i32 0, ptr %%next");
    for (uint32_t i = 0; i < d->o->nuniform; i++)
        nj_emit_line(e, "%%u%u = alloca %s", (unsigned)i, nj_emit_memtype(e, d->o->uniform[i]));
}

static void drive_shared(Drive *d)
{
    NjEmit *e = d->e;
    for (uint32_t i = 0; i < d->o->nshared; i++) {
        const NjVal *v = nj_val(d->o->fn, d->o->shared[i]);
        nj_emit_line(e, "%%shared%u = getelementptr inbounds i8, ptr %%shared, i64 %u", (unsigned)i,
                     (unsigned)e->u->shared_bytes);
        e->u->shared_bytes += ((uint32_t)v->imm.i * v->type->elem->nbytes + 15) & ~15u;
    }
}

/* -- one call ---------------------------------------------------------------------------------------------------- */

/* The names of the thread's indices differ from loop to loop; else as nj_emit_hidden. */
static const char *hidden_args(Drive *d)
{
    const char *own = nj_arena_printf(d->e->arena, "ptr %%ctx, i32 %%%s.x, i32 %%%s.y, i32 %%%s.z", d->p, d->p, d->p);
    return nj_arena_printf(d->e->arena, "%s%s", own, strstr(nj_emit_hidden, ", i32 %sr3"));
}

/* What the barrier before region k gave. */
static const char *reduced(Drive *d, uint32_t k)
{
    NjEmit *e = d->e;
    uint8_t sub = d->o->region[k].reduce;
    if (!sub || sub == 1)
        return sub ? d->count : "0";
    const char *bit = nj_emit_tmp(e), *wide = nj_emit_tmp(e);
    nj_emit_line(e, "%s = icmp %s i32 %s, %s", bit, sub == 2 ? "eq" : "ne", d->count, sub == 2 ? d->arrived : "0");
    nj_emit_line(e, "%s = zext i1 %s to i32", wide, bit);
    return wide;
}

static const char *uniform_args(Drive *d, uint32_t k, const char *const *now)
{
    const char *s = "";
    for (uint32_t i = 0; i < d->o->nuniform; i++) {
        bool live = now && nj_bits_has(d->o->region[k].live, i);
        s = nj_arena_printf(d->e->arena, "%s, %s %s", s, nj_emit_type(d->e, d->o->uniform[i]), live ? now[i] : "undef");
    }
    for (uint32_t i = 0; i < d->o->nuniform; i++)
        s = nj_arena_printf(d->e->arena, "%s, ptr %%u%u", s, (unsigned)i);
    return s;
}

/* Arguments of region k, from hidden ones on. */
static const char *region_args(Drive *d, const char *hidden, const char *line, const char *red, const char *uniforms)
{
    NjEmit *e = d->e;
    const char *args = *d->args ? nj_arena_printf(e->arena, "%s, %s", hidden, d->args) : hidden;
    args = nj_arena_printf(e->arena,
                           "%s, ptr %%frame, i64 %s, i64 %%stride, ptr %%next, ptr %%count, ptr %%arrived, i32 %s",
                           args, line, red);
    for (uint32_t i = 0; i < d->o->nshared; i++)
        args = nj_arena_printf(e->arena, "%s, ptr %%shared%u", args, (unsigned)i);
    return nj_arena_printf(e->arena, "%s%s", args, uniforms);
}

/* Runs region k for the thread of the loop at hand; goes on to its latch. */
static void call_region(Drive *d, uint32_t k, const char *red, const char *uniforms)
{
    NjEmit *e = d->e;
    const NjSpec *r = d->o->region[k].spec;
    const char *line = nj_arena_printf(e->arena, "%%%s.line", d->p);
    const char *args = region_args(d, hidden_args(d), line, red, uniforms);
    const char *symbol = nj_emit_symbol(e, r->symbol);
    if (!r->core->may_raise) {
        nj_emit_line(e, "call void @%s(%s)", symbol, args);
        nj_emit_line(e, "br label %%%s.latch.x", d->p);
        return;
    }
    const char *status = nj_emit_tmp(e), *bad = nj_emit_tmp(e), *fail = nj_emit_tmp(e) + 1;
    nj_emit_line(e, "%s = call i32 @%s(%s)", status, symbol, args);
    nj_emit_line(e, "%s = icmp ne i32 %s, 0", bad, status);
    nj_emit_line(e, "br i1 %s, label %%fail.%s, label %%%s.latch.x", bad, fail, d->p);
    nj_text_fmt(e->t, "fail.%s:\n", fail);
    for (unsigned i = 0; i < 3; i++)
        nj_emit_line(e, "store i32 %%%s.%c, ptr %s", d->p, "xyz"[i], nj_cpudev_at(e, 4 * i));
    nj_emit_line(e, "ret i32 %s", status);
}

/* -- the loop over threads ----------------------------------------------------------------------------------------- */

static void axis_open(Drive *d, char axis, const char *from)
{
    nj_emit_line(d->e, "br label %%%s.loop.%c", d->p, axis);
    nj_text_fmt(d->e->t, "%s.loop.%c:\n", d->p, axis);
    nj_emit_line(d->e, "%%%s.%c = phi i32 [ 0, %%%s ], [ %%%s.next.%c, %%%s.latch.%c ]", d->p, axis, from, d->p, axis,
                 d->p, axis);
}

static void axis_close(Drive *d, char axis, const char *out, const char *note)
{
    nj_text_fmt(d->e->t, "%s.latch.%c:\n", d->p, axis);
    nj_emit_line(d->e, "%%%s.next.%c = add nuw nsw i32 %%%s.%c, 1", d->p, axis, d->p, axis);
    nj_emit_line(d->e, "%%%s.more.%c = icmp slt i32 %%%s.next.%c, %s", d->p, axis, d->p, axis,
                 axis == 'x' ? d->nx : axis == 'y' ? "%sr7" : "%sr8");
    nj_emit_line(d->e, "br i1 %%%s.more.%c, label %%%s.loop.%c, label %%%s.%s%s", d->p, axis, d->p, axis, d->p, out,
                 note);
}

/* z, y, x; the thread's linear index counts along. `from` is the block that comes before. */
static void threads_open(Drive *d, const char *from)
{
    NjEmit *e = d->e;
    axis_open(d, 'z', from);
    nj_emit_line(e, "%%%s.z64 = zext nneg i32 %%%s.z to i64", d->p, d->p);
    nj_emit_line(e, "%%%s.plane = mul nuw nsw i64 %%%s.z64, %%n1", d->p, d->p);
    axis_open(d, 'y', nj_arena_printf(e->arena, "%s.loop.z", d->p));
    nj_emit_line(e, "%%%s.y64 = zext nneg i32 %%%s.y to i64", d->p, d->p);
    nj_emit_line(e, "%%%s.rows = add nuw nsw i64 %%%s.plane, %%%s.y64", d->p, d->p, d->p);
    nj_emit_line(e, "%%%s.row = mul nuw nsw i64 %%%s.rows, %%n0", d->p, d->p);
    axis_open(d, 'x', nj_arena_printf(e->arena, "%s.loop.y", d->p));
    nj_emit_line(e, "%%%s.x64 = zext nneg i32 %%%s.x to i64", d->p, d->p);
    nj_emit_line(e, "%%%s.line = add nuw nsw i64 %%%s.row, %%%s.x64", d->p, d->p, d->p);
}

/* Threads are independent between barriers, but an array on the stack would be one for all. */
static const char *parallel_note(Drive *d, uint32_t k)
{
    NjEmit *e = d->e;
    if (!*e->access || d->o->region[k].stack)
        return "";
    uint32_t par = nj_emit_meta(e, "!{!\"llvm.loop.parallel_accesses\", !0}");
    uint32_t loop = nj_emit_meta(e, "distinct !{!%u, !%u}", (unsigned)e->nmeta, (unsigned)par);
    return nj_arena_printf(e->arena, ", !llvm.loop !%u", (unsigned)loop);
}

static void threads_close(Drive *d, const char *note)
{
    axis_close(d, 'x', "latch.y", note);
    axis_close(d, 'y', "latch.z", "");
    axis_close(d, 'z', "done", "");
    nj_text_fmt(d->e->t, "%s.done:\n", d->p);
}

/* Passes over threads that have returned. */
static const char *load_state(Drive *d)
{
    NjEmit *e = d->e;
    const char *at = nj_emit_tmp(e), *state = nj_emit_tmp(e);
    nj_emit_line(e, "%s = getelementptr inbounds i32, ptr %%frame, i64 %%%s.line", at, d->p);
    nj_emit_line(e, "%s = load i32, ptr %s%s", state, at, e->access);
    return state;
}

/* -- in lockstep --------------------------------------------------------------------------------------------------- */

static void take_reduction(Drive *d)
{
    NjEmit *e = d->e;
    if (!d->o->reduces)
        return;
    d->count = nj_emit_tmp(e);
    d->arrived = nj_emit_tmp(e);
    nj_emit_line(e, "%s = load i32, ptr %%count", d->count);
    nj_emit_line(e, "%s = load i32, ptr %%arrived", d->arrived);
    nj_emit_line(e, "store i32 0, ptr %%count");
    nj_emit_line(e, "store i32 0, ptr %%arrived");
}

/* Where all go from region k; nowhere when the last threads have returned. */
static void go_on(Drive *d, uint32_t k)
{
    NjEmit *e = d->e;
    const NjRegion *r = &d->o->region[k];
    uint32_t only = 0;
    for (uint32_t i = 0; i < r->exits->n; i++)
        if (nj_bits_has(r->exits, i))
            only = i;
    if (!r->nexit || (r->nexit == 1 && !r->ends)) {
        nj_emit_line(e, r->nexit ? "br label %%r%u" : "br label %%finish", (unsigned)only);
        return;
    }
    const char *next = nj_emit_tmp(e), *cases = "";
    nj_emit_line(e, "%s = load i32, ptr %%next", next);
    for (uint32_t i = 0; i < r->exits->n; i++)
        if (nj_bits_has(r->exits, i))
            cases = nj_arena_printf(e->arena, "%s i32 %u, label %%r%u", cases, (unsigned)i, (unsigned)i);
    nj_emit_line(e, "switch i32 %s, label %%finish [%s ]", next, cases);
}

/* Hidden arguments for what is asked for no thread in particular. */
static const char *nobody(Drive *d)
{
    return nj_arena_printf(d->e->arena, "ptr %%ctx, i32 0, i32 0, i32 0%s", strstr(nj_emit_hidden, ", i32 %sr3"));
}

/* Threads along x that have something to do in region k; one at least, for what it leaves to all. */
static const char *count_x(Drive *d, uint32_t k, const char *red, const char *uniforms)
{
    NjEmit *e = d->e;
    const NjSpec *bound = d->o->region[k].bound;
    if (!bound)
        return "%sr6";
    const char *far = nj_emit_tmp(e), *none = nj_emit_tmp(e), *some = nj_emit_tmp(e), *near = nj_emit_tmp(e),
               *nx = nj_emit_tmp(e);
    nj_emit_line(e, "%s = call i64 @%s(%s)", far, nj_emit_symbol(e, bound->symbol),
                 region_args(d, nobody(d), "0", red, uniforms));
    nj_emit_line(e, "%s = icmp slt i64 %s, 1", none, far);
    nj_emit_line(e, "%s = select i1 %s, i64 1, i64 %s", some, none, far);
    nj_emit_line(e, "%s = call i64 @llvm.smin.i64(i64 %s, i64 %%n0)", near, some);
    nj_emit_declare(e, "llvm.smin.i64", "i64 @llvm.smin.i64(i64, i64)");
    nj_emit_line(e, "%s = trunc i64 %s to i32", nx, near);
    return nx;
}

static void lockstep_region(Drive *d, uint32_t k)
{
    NjEmit *e = d->e;
    const char **now = NJ_NEWN(e->arena, const char *, d->o->nuniform + 1);
    d->p = nj_arena_printf(e->arena, "r%u", (unsigned)k);
    nj_text_fmt(e->t, "%s:\n", d->p);
    take_reduction(d);
    for (uint32_t i = 0; i < d->o->nuniform; i++)
        if (nj_bits_has(d->o->region[k].live, i))
            now[i] = nj_emit_load(e, d->o->uniform[i], nj_arena_printf(e->arena, "%%u%u", (unsigned)i));
    const char *red = reduced(d, k), *uniforms = uniform_args(d, k, now);
    d->nx = count_x(d, k, red, uniforms);
    nj_emit_line(e, "store i32 0, ptr %%next");
    const NjSpec *all = d->o->region[k].uniform;
    if (all)
        nj_emit_line(e, "call void @%s(%s)", nj_emit_symbol(e, all->symbol),
                     region_args(d, nobody(d), "0", red, uniforms));
    threads_open(d, d->p);
    if (d->o->states && k) {
        const char *state = load_state(d), *gone = nj_emit_tmp(e);
        nj_emit_line(e, "%s = icmp eq i32 %s, 0", gone, state);
        nj_emit_line(e, "br i1 %s, label %%%s.latch.x, label %%%s.body", gone, d->p, d->p);
        nj_text_fmt(e->t, "%s.body:\n", d->p);
    }
    call_region(d, k, red, uniforms);
    threads_close(d, parallel_note(d, k));
    go_on(d, k);
}

/* -- each at its own barrier --------------------------------------------------------------------------------------- */

static void first_round(Drive *d)
{
    d->p = "r0";
    d->nx = "%sr6";
    nj_text_str(d->e->t, "r0:\n");
    threads_open(d, d->p);
    call_region(d, 0, "0", uniform_args(d, 0, NULL));
    threads_close(d, parallel_note(d, 0));
    nj_emit_line(d->e, "br label %%round.test");
}

static void round_body(Drive *d, const char *const *red)
{
    NjEmit *e = d->e;
    const char *state = load_state(d), *cases = "";
    for (uint32_t k = 1; k < d->o->nregion; k++)
        cases = nj_arena_printf(e->arena, "%s i32 %u, label %%round.r%u", cases, (unsigned)k, (unsigned)k);
    nj_emit_line(e, "switch i32 %s, label %%round.latch.x [%s ]", state, cases);
    for (uint32_t k = 1; k < d->o->nregion; k++) {
        nj_text_fmt(e->t, "round.r%u:\n", (unsigned)k);
        call_region(d, k, red[k], uniform_args(d, k, NULL));
    }
}

static void rounds(Drive *d)
{
    NjEmit *e = d->e;
    const char **red = NJ_NEWN(e->arena, const char *, d->o->nregion), *next = nj_emit_tmp(e), *none = nj_emit_tmp(e);
    nj_text_str(e->t, "round.test:\n");
    nj_emit_line(e, "%s = load i32, ptr %%next", next);
    nj_emit_line(e, "%s = icmp eq i32 %s, 0", none, next);
    nj_emit_line(e, "br i1 %s, label %%finish, label %%round", none);
    nj_text_str(e->t, "round:\n");
    take_reduction(d);
    for (uint32_t k = 1; red && k < d->o->nregion; k++)
        red[k] = reduced(d, k);
    nj_emit_line(e, "store i32 0, ptr %%next");
    d->p = "round";
    threads_open(d, d->p);
    if (red)
        round_body(d, red);
    threads_close(d, "");
    nj_emit_line(e, "br label %%round.test");
}

/* A kernel without barriers was cut for the sake of vectors along x: not worth it where a row is shorter than one. */
static void narrow_blocks(Drive *d)
{
    NjEmit *e = d->e;
    nj_emit_line(e, "%%wide = icmp sge i32 %%sr6, %d", MIN_ROW);
    nj_emit_line(e, "br i1 %%wide, label %%r0, label %%narrow");
    nj_text_str(e->t, "narrow:\n");
    const char *sep = *d->args ? ", " : "";
    nj_cpudev_block_loops(e, d->root, nj_arena_printf(e->arena, "%s%s%s", nj_emit_hidden, sep, d->args), "narrow");
}

void nj_cpudev_entry_split(NjEmit *e, NjSpec *root)
{
    Drive d = {.e = e, .o = e->u->split, .root = root};
    nj_cpudev_load_hidden(e, 3);
    d.args = nj_emit_unpack(e, root, "");
    drive_sizes(&d);
    drive_shared(&d);
    if (root->retired)
        nj_emit_line(e, "br label %%r0");
    else
        narrow_blocks(&d);
    if (d.o->lockstep) {
        for (uint32_t k = 0; k < d.o->nregion; k++)
            lockstep_region(&d, k);
    } else {
        first_round(&d);
        rounds(&d);
    }
    nj_text_str(e->t, "finish:\n");
    nj_emit_line(e, "ret i32 0");
}
