/* debug.c - line tables: which Python line an instruction comes from.
 *
 * In: NjLoc of values, with opts.lineinfo or opts.debug. Out: a compile unit, a file and a subprogram for each
 * function, and a DILocation for each line that is asked for. Only lines: no variables, no types.
 */
#include "emit/emit.h"

/* A node that is made once for the module; its number + 1 is kept under `key`. */
static uint32_t once(NjEmit *e, const char *key, uint32_t made)
{
    (void)nj_map_put(e->declared, key, strlen(key), (void *)(uintptr_t)(made + 1));
    return made;
}

static const char *quoted(NjEmit *e, const char *s)
{
    NjText t;
    nj_text_init(&t);
    for (; *s; s++) {
        if ((unsigned char)*s < 32 || *s == '"' || *s == '\\' || (unsigned char)*s > 126)
            nj_text_fmt(&t, "\\%02X", (unsigned)(unsigned char)*s);
        else
            nj_text_char(&t, *s);
    }
    const char *out = nj_arena_str(e->arena, t.at ? t.at : "");
    nj_text_free(&t);
    return out;
}

static uint32_t file_node(NjEmit *e, const char *path)
{
    const char *key = nj_arena_printf(e->arena, "!file %s", path);
    uint32_t have = (uint32_t)(uintptr_t)nj_map_get(e->declared, key, strlen(key));
    if (have)
        return have - 1;
    const char *slash = strrchr(path, '/');
    int ndir = slash ? (int)(slash - path) : 0;
    const char *dir = nj_arena_printf(e->arena, "%.*s", ndir, path);
    return once(e, key,
                nj_emit_meta(e, "!DIFile(filename: \"%s\", directory: \"%s\")", quoted(e, slash ? slash + 1 : path),
                             quoted(e, dir)));
}

static uint32_t unit_node(NjEmit *e, uint32_t file)
{
    static const char key[] = "!unit";
    uint32_t have = (uint32_t)(uintptr_t)nj_map_get(e->declared, key, strlen(key));
    if (have)
        return have - 1;
    /* LLVM's own NVPTX would write sections that only newer PTX versions take. */
    bool full = e->u->opts.debug && (e->typed || !e->hooks->spaces);
    const char *kind = full ? "FullDebug" : e->hooks->spaces ? "DebugDirectivesOnly" : "LineTablesOnly";
    uint32_t cu = nj_emit_meta(e, "distinct !DICompileUnit(language: DW_LANG_C99, file: !%u, producer: \"naja\", "
                               "isOptimized: %s, runtimeVersion: 0, emissionKind: %s)", (unsigned)file,
                               e->u->opts.debug ? "false" : "true", kind);
    uint32_t version = nj_emit_meta(e, "!{i32 2, !\"Debug Info Version\", i32 3}");
    nj_text_fmt(&e->meta, "!llvm.dbg.cu = !{!%u}\n!llvm.module.flags = !{!%u}\n", (unsigned)cu, (unsigned)version);
    return once(e, key, cu);
}

/* The user's function has the user's name; the entry around it, which unpacks arguments, must not answer to it, too. */
static const char *debug_name(NjEmit *e, const NjFn *f, const char *symbol)
{
    const char *name = quoted(e, f->pyname ? f->pyname : f->name);
    bool entry = !e->hooks->spaces && e->u->entry && !strcmp(symbol, e->u->entry);
    return entry ? nj_arena_printf(e->arena, "naja.%s", name) : name;
}

/* gdb shows and looks for the linkage name where there is one: on the CPU users should meet their own names. */
static const char *linkage(NjEmit *e, const char *symbol)
{
    return e->hooks->spaces ? nj_arena_printf(e->arena, "linkageName: \"%s\", ", symbol) : "";
}

void nj_emit_debug_fn(NjEmit *e, NjSpec *s, const char *symbol)
{
    const NjFn *f = s->core;
    if (!f->file)
        return;
    uint32_t file = file_node(e, f->file), cu = unit_node(e, file);
    uint32_t line = f->code ? f->code->first_line : 0;
    uint32_t type = nj_emit_meta(e, "!DISubroutineType(types: !{null})");
    uint32_t sp =
        nj_emit_meta(e,
                     "distinct !DISubprogram(name: \"%s\", %sscope: !%u, file: !%u, line: %u, "
                     "type: !%u, scopeLine: %u, %s, unit: !%u)",
                     debug_name(e, f, symbol), linkage(e, symbol), (unsigned)file, (unsigned)file, (unsigned)line,
                     (unsigned)type, (unsigned)line,
                     e->typed ? "isLocal: true, isDefinition: true"
                              : "spFlags: DISPFlagLocalToUnit | "
                                "DISPFlagDefinition",
                     (unsigned)cu);
    e->subprogram = sp + 1;
    e->loc = (NjLoc){.line = line};
}

void nj_emit_debug_loc(NjEmit *e)
{
    uint32_t line = e->loc.line ? e->loc.line : e->f->code ? e->f->code->first_line : 0;
    const char *key =
        nj_arena_printf(e->arena, "!loc %u %u %u", (unsigned)e->subprogram, (unsigned)line, (unsigned)e->loc.col);
    uint32_t at = (uint32_t)(uintptr_t)nj_map_get(e->declared, key, strlen(key));
    if (!at)
        at = 1 + once(e, key, nj_emit_meta(e, "!DILocation(line: %u, column: %u, scope: !%u)", (unsigned)line,
                                           (unsigned)e->loc.col + 1, (unsigned)e->subprogram - 1));
    nj_text_fmt(e->t, ", !dbg !%u", (unsigned)at - 1);
}
