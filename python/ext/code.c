/* code.c - a Python function as a NjCode: its bytecode, positions, names and every value it refers to, copied.
 *
 * In: a function or a dispatcher, GIL held. Out: a snapshot that the compiler reads without Python, callees included.
 * It holds references to the objects it points to; the bytes and numbers are copies, so a later change to a global
 * does not reach code that is being compiled. The two dump functions show the front end's stages for a function.
 */
#include "snapshot.h"

#include "cpu/cpu.h"

/* -- keeping and copying --------------------------------------------------------------------------------- */

int nj_snap_keep(NjSnapshot *s, PyObject *o)
{
    return PyList_Append(s->keep, o);
}

const char *nj_snap_str(NjSnapshot *s, PyObject *str)
{
    const char *text = PyUnicode_AsUTF8(str);
    return text ? nj_arena_str(s->arena, text) : NULL;
}

/* A string attribute, copied; "?" where there is none. */
static const char *snap_attr_str(NjSnapshot *s, PyObject *o, const char *attr)
{
    PyObject *v = NULL;
    const char *text = NULL;
    if (nj_getattr_opt(o, attr, &v) > 0 && PyUnicode_Check(v))
        text = nj_snap_str(s, v);
    Py_XDECREF(v);
    PyErr_Clear();
    return text ? text : "?";
}

static int snap_attr_u32(PyObject *o, const char *attr, uint32_t *out)
{
    PyObject *v = PyObject_GetAttrString(o, attr);
    long n = v ? PyLong_AsLong(v) : -1;
    Py_XDECREF(v);
    *out = (uint32_t)n;
    return PyErr_Occurred() ? -1 : 0;
}

/* A bytes attribute, copied. */
static int snap_attr_bytes(NjSnapshot *s, PyObject *o, const char *attr, const uint8_t **out, uint32_t *n)
{
    PyObject *v = PyObject_GetAttrString(o, attr);
    char *bytes = NULL;
    Py_ssize_t len = 0;
    if (v && PyBytes_AsStringAndSize(v, &bytes, &len) == 0 && !(*out = nj_arena_copy(s->arena, bytes, (size_t)len)) &&
        len)
        PyErr_NoMemory();
    Py_XDECREF(v);
    *n = (uint32_t)len;
    return PyErr_Occurred() ? -1 : 0;
}

/* A tuple of names, copied. */
static int snap_attr_names(NjSnapshot *s, PyObject *o, const char *attr, const char *const **out, uint32_t *n)
{
    PyObject *v = PyObject_GetAttrString(o, attr);
    Py_ssize_t len = v ? PyTuple_Size(v) : -1;
    const char **names = len < 0 ? NULL : nj_arena_alloc(s->arena, ((size_t)len + 1) * sizeof *names);
    for (Py_ssize_t i = 0; names && i < len; i++)
        if (!(names[i] = nj_snap_str(s, PyTuple_GET_ITEM(v, i))))
            names = NULL;
    Py_XDECREF(v);
    *out = names;
    *n = names ? (uint32_t)len : 0;
    if (!names && !PyErr_Occurred())
        PyErr_NoMemory();
    return names ? 0 : -1;
}

/* -- positions ------------------------------------------------------------------------------------------- */

static uint32_t pos_number(PyObject *o, long max)
{
    long n = o && o != Py_None ? PyLong_AsLong(o) : 0;
    return n < 0 ? 0 : n > max ? (uint32_t)max : (uint32_t)n;
}

#if PY_VERSION_HEX >= 0x030b0000
static int pos_fill(PyObject *code, NjPos *pos, uint32_t nunits)
{
    PyObject *it = PyObject_CallMethod(code, "co_positions", NULL), *p;
    for (uint32_t i = 0; it && i < nunits && (p = PyIter_Next(it)); i++) {
        if (PyTuple_Check(p) && PyTuple_GET_SIZE(p) == 4)
            pos[i] =
                (NjPos){pos_number(PyTuple_GET_ITEM(p, 0), INT32_MAX), pos_number(PyTuple_GET_ITEM(p, 1), INT32_MAX),
                        (uint16_t)pos_number(PyTuple_GET_ITEM(p, 2), UINT16_MAX),
                        (uint16_t)pos_number(PyTuple_GET_ITEM(p, 3), UINT16_MAX)};
        Py_DECREF(p);
    }
    Py_XDECREF(it);
    return PyErr_Occurred() ? -1 : 0;
}
#else
/* 3.10 knows lines only: ranges of bytes. */
static int pos_fill(PyObject *code, NjPos *pos, uint32_t nunits)
{
    PyObject *lines = PyObject_CallMethod(code, "co_lines", NULL), *p;
    while (lines && (p = PyIter_Next(lines))) {
        uint32_t start = pos_number(PyTuple_GetItem(p, 0), INT32_MAX),
                 end = pos_number(PyTuple_GetItem(p, 1), INT32_MAX);
        uint32_t line = pos_number(PyTuple_GetItem(p, 2), INT32_MAX);
        for (uint32_t i = start / 2; i < end / 2 && i < nunits; i++)
            pos[i] = (NjPos){.line = line, .end_line = line};
        Py_DECREF(p);
    }
    Py_XDECREF(lines);
    return PyErr_Occurred() ? -1 : 0;
}
#endif

static int snap_positions(NjSnapshot *s, PyObject *code, NjCode *out)
{
    NjPos *pos = nj_arena_alloc(s->arena, (out->nbytes / 2 + 1) * sizeof *pos);
    out->pos = pos;
    return pos ? pos_fill(code, pos, out->nbytes / 2) : (PyErr_NoMemory(), -1);
}

/* -- values ---------------------------------------------------------------------------------------------- */

/* The values of a tuple (or of nothing: None) as constants. */
static int snap_values(SnapScope *c, PyObject *tuple, const NjConst *const **out, uint32_t *n)
{
    Py_ssize_t len = tuple && PyTuple_Check(tuple) ? PyTuple_GET_SIZE(tuple) : 0;
    const NjConst **at = nj_arena_alloc(c->s->arena, ((size_t)len + 1) * sizeof *at);
    if (!at)
        return PyErr_NoMemory(), -1;
    for (Py_ssize_t i = 0; i < len; i++)
        if (!(at[i] = nj_snap_const(c, PyTuple_GET_ITEM(tuple, i))))
            return -1;
    *out = at;
    *n = (uint32_t)len;
    return 0;
}

static int snap_consts(SnapScope *c, PyObject *code, NjCode *out)
{
    PyObject *consts = PyObject_GetAttrString(code, "co_consts");
    int rc = consts ? snap_values(c, consts, &out->consts, &out->nconsts) : -1;
    Py_XDECREF(consts);
    return rc;
}

/* Cells that are still empty are missing names. */
static int snap_closure(SnapScope *c, PyObject *func, NjCode *out)
{
    PyObject *cells = PyFunction_GET_CLOSURE(func);
    const NjConst **at = nj_arena_alloc(c->s->arena, (out->nfrees + 1u) * sizeof *at);
    if (!at)
        return PyErr_NoMemory(), -1;
    out->freevals = at;
    for (uint32_t i = 0; i < out->nfrees; i++) {
        PyObject *v = cells && i < PyTuple_GET_SIZE(cells) ? PyCell_Get(PyTuple_GET_ITEM(cells, i)) : NULL;
        if (!v && !strcmp(out->frees[i], out->name))
            v = Py_NewRef(func);
        at[i] = v ? nj_snap_const(c, v) : &nj_snap_missing;
        Py_XDECREF(v);
        if (!at[i])
            return -1;
    }
    return 0;
}

/* New reference, or NULL without an exception. */
static PyObject *snap_lookup(PyObject *globals, PyObject *builtins, PyObject *name)
{
    PyObject *v = nj_dict_get(globals, name);
    return v || !builtins || !PyDict_Check(builtins) ? v : nj_dict_get(builtins, name);
}

/* Only names that the code loads as globals: an attribute's name may be a global of no concern here. */
static int snap_globals(SnapScope *c, PyObject *func, PyObject *names, const NjBits *wanted, NjCode *out)
{
    PyObject *builtins = NULL, *globals = PyFunction_GET_GLOBALS(func);
    const NjConst **at = nj_arena_alloc(c->s->arena, (out->nnames + 1u) * sizeof *at);
    if (!at)
        return PyErr_NoMemory(), -1;
    out->globals = at;
    if (nj_getattr_opt(func, "__builtins__", &builtins) < 0)
        return -1;
    int rc = 0;
    for (uint32_t i = 0; !rc && i < out->nnames; i++) {
        PyObject *v = nj_bits_has(wanted, i) ? snap_lookup(globals, builtins, PyTuple_GET_ITEM(names, i)) : NULL;
        if (!v && nj_bits_has(wanted, i) && !PyErr_Occurred() && !strcmp(out->names[i], out->name))
            v = Py_NewRef(func);         /* recursion: the decorator has not bound the name yet */
        at[i] = v ? nj_snap_const(c, v) : &nj_snap_missing;
        Py_XDECREF(v);
        rc = !at[i] || PyErr_Occurred() ? -1 : 0;
    }
    Py_XDECREF(builtins);
    return rc;
}

static int snap_defaults(SnapScope *c, PyObject *func, NjCode *out)
{
    PyObject *kw = PyFunction_GET_KW_DEFAULTS(func);
    if (snap_values(c, PyFunction_GET_DEFAULTS(func), &out->defaults, &out->ndefaults) < 0)
        return -1;
    if (!kw || !PyDict_Check(kw))
        return 0;
    const NjConst **at = nj_arena_alloc(c->s->arena, (out->nkwonly + 1u) * sizeof *at);
    if (!at)
        return PyErr_NoMemory(), -1;
    out->kwdefaults = at;
    for (uint32_t i = 0; i < out->nkwonly && out->nargs + i < out->nlocals; i++) {
        PyObject *v = PyDict_GetItemString(kw, out->locals[out->nargs + i]);
        if (v && !(at[i] = nj_snap_const(c, v)))
            return -1;
    }
    return 0;
}

/* -- code ------------------------------------------------------------------------------------------------ */

static int code_shape(NjSnapshot *s, PyObject *code, NjCode *out)
{
    uint32_t flags;
    out->version = PY_MAJOR_VERSION * 100 + PY_MINOR_VERSION;
    out->file = snap_attr_str(s, code, "co_filename");
    if (snap_attr_u32(code, "co_firstlineno", &out->first_line) < 0 || snap_attr_u32(code, "co_flags", &flags) < 0 ||
        snap_attr_u32(code, "co_argcount", &out->nargs) < 0 ||
        snap_attr_u32(code, "co_posonlyargcount", &out->nposonly) < 0 ||
        snap_attr_u32(code, "co_kwonlyargcount", &out->nkwonly) < 0)
        return -1;
    out->flags = flags;
    if (snap_attr_bytes(s, code, "co_code", &out->bytes, &out->nbytes) < 0)
        return -1;
#if PY_VERSION_HEX >= 0x030b0000
    if (snap_attr_bytes(s, code, "co_exceptiontable", &out->exctable, &out->nexctable) < 0)
        return -1;
#endif
    if (snap_attr_names(s, code, "co_names", &out->names, &out->nnames) < 0 ||
        snap_attr_names(s, code, "co_varnames", &out->locals, &out->nlocals) < 0 ||
        snap_attr_names(s, code, "co_cellvars", &out->cells, &out->ncells) < 0 ||
        snap_attr_names(s, code, "co_freevars", &out->frees, &out->nfrees) < 0)
        return -1;
    return snap_positions(s, code, out);
}

static int code_values(NjSnapshot *s, PyObject *func, PyObject *code, NjCode *out)
{
    NjBits *globals = nj_bits_new(s->arena, out->nnames + 1), *attrs = nj_bits_new(s->arena, out->nnames + 1);
    SnapScope c = {.s = s, .code = out, .attrs = attrs, .modules = nj_map_new(s->arena)};
    if (!globals || !attrs || !c.modules)
        return PyErr_NoMemory(), -1;
    nj_front_names(out, globals, attrs);
    PyObject *names = PyObject_GetAttrString(code, "co_names");
    int rc = names && !snap_consts(&c, code, out) && !snap_closure(&c, func, out) &&
             !snap_globals(&c, func, names, globals, out) && !snap_defaults(&c, func, out) ? 0 : -1;
    Py_XDECREF(names);
    return rc;
}

static int code_fill(NjSnapshot *s, PyObject *func, NjCode *out)
{
    PyObject *code = PyFunction_GET_CODE(func);
    if (nj_snap_keep(s, code) < 0 || code_shape(s, code, out) < 0)
        return -1;
    return code_values(s, func, code, out);
}

/* Functions in the order they are met; copying one meets others. */
static int code_fill_all(NjSnapshot *s)
{
    int rc = 0;
    for (uint32_t i = 0; !rc && i < s->todo.n; i++)
        rc = code_fill(s, s->todo.at[i].func, s->todo.at[i].code);
    return rc;
}

NjCode *nj_snap_code(NjSnapshot *s, PyObject *key, PyObject *func, const NjOpts *opts, const NjDispInfo *info)
{
    NjCode *out = nj_map_get(s->codes, &key, sizeof key);
    if (out)
        return out;
    if (!PyFunction_Check(func)) {
        PyErr_Format(PyExc_TypeError, "a Python function is needed, not a %.100s", Py_TYPE(func)->tp_name);
        return NULL;
    }
    out = NJ_NEW(s->arena, NjCode);
    out->opts = *opts;
    out->object = key;
    if (info) {
        out->sigs = info->sigs;
        out->nsigs = info->nsigs;
        out->nopython_only = info->declared_only;
    }
    out->name = snap_attr_str(s, func, "__name__");
    out->qualname = snap_attr_str(s, func, "__qualname__");
    out->module = snap_attr_str(s, func, "__module__");
    SnapTodo todo = {out, func};
    if (!nj_map_put(s->codes, &key, sizeof key, out) || !nj_vec_push(s->arena, &s->todo, todo))
        return (NjCode *)PyErr_NoMemory();
    return nj_snap_keep(s, key) < 0 || nj_snap_keep(s, func) < 0 ? NULL : out;
}

/* -- exported -------------------------------------------------------------------------------------------- */

void nj_snapshot_free(NjSnapshot *s)
{
    if (!s)
        return;
    Py_XDECREF(s->keep);
    nj_arena_free(s->arena);
    PyMem_Free(s);
}

NjSnapshot *nj_snapshot_new(PyObject *func, const NjOpts *opts, const char *target)
{
    static const NjOpts plain;
    NjDispInfo info = {0};
    bool is_disp = nj_disp_info(func, &info);
    NjSnapshot *s = PyMem_Calloc(1, sizeof *s);
    if (!s || !(s->arena = nj_arena_new()) || !(s->codes = nj_map_new(s->arena)) || !(s->keep = PyList_New(0))) {
        nj_snapshot_free(s);
        return (NjSnapshot *)PyErr_NoMemory();
    }
    s->simt = strcmp(target, "cpu") != 0;
    s->root = nj_snap_code(s, func, is_disp ? info.func : func, opts ? opts : is_disp ? &info.opts : &plain,
                           is_disp ? &info : NULL);
    bool filled = s->root && !code_fill_all(s);
    if (filled && nj_arena_failed(s->arena))
        PyErr_NoMemory();
    if (filled && !PyErr_Occurred())
        return s;
    nj_snapshot_free(s);
    return NULL;
}

const NjCode *nj_snapshot_root(const NjSnapshot *s)
{
    return s->root;
}

/* The pointer is the object itself; the snapshot keeps it alive. */
PyObject *nj_snapshot_object(const NjSnapshot *s, void *object)
{
    (void)s;
    return object;
}

/* -- seeing inside --------------------------------------------------------------------------------------- */

static NjStatus dump_bytecode(NjUnit *u, const NjCode *code, NjText *out)
{
    NjBytecode bc = {0};
    NjStatus st = nj_front_decode(u->arena, code, &bc, &u->diags);
    if (st == NJ_OK)
        nj_front_print(out, code, &bc);
    return st;
}

static NjStatus dump_ssa(NjUnit *u, const NjCode *code, NjText *out)
{
    NjFn *f = nj_front_ssa(u->ctx->types, u->arena, &u->diags, code, code->name);
    if (f)
        nj_ir_print(out, f);
    return f ? NJ_OK : u->diags.list.n ? NJ_E_USER : NJ_E_NOMEM;
}

/* [(code, line, text), ...]: what the front end has to say, for tests. */
static PyObject *dump_diags(const NjDiags *d)
{
    PyObject *list = PyList_New(0);
    for (uint32_t i = 0; list && i < d->list.n; i++) {
        const NjDiag *g = d->list.at[i];
        PyObject *row = Py_BuildValue("(sIs)", nj_err_name(g->code), (unsigned)g->loc.line, g->text);
        if (!row || PyList_Append(list, row) < 0)
            Py_CLEAR(list);
        Py_XDECREF(row);
    }
    return list;
}

typedef NjStatus (*DumpStage)(NjUnit *u, const NjCode *code, NjText *out);

static PyObject *code_dump(PyObject *func, DumpStage stage, bool diags)
{
    static const NjOpts plain;
    NjSnapshot *s = nj_snapshot_new(func, NULL, "cpudev");
    NjUnit *u = s ? nj_unit_new(nj_ext_ctx(), &nj_cpu_target, &plain) : NULL;
    NjText t;
    nj_text_init(&t);
    PyObject *r = NULL;
    if (u) {
        NjStatus st = stage(u, nj_snapshot_root(s), &t);
        if (diags)
            r = dump_diags(&u->diags);
        else
            r = st         ? nj_error_from_unit(u, st)
                : t.failed ? PyErr_NoMemory()
                           : PyUnicode_FromStringAndSize(t.at, (Py_ssize_t)t.n);
    } else if (s) {
        PyErr_NoMemory();
    }
    nj_text_free(&t);
    nj_unit_free(u);
    nj_snapshot_free(s);
    return r;
}

static PyObject *code_dump_bytecode(PyObject *module, PyObject *func) { return code_dump(func, dump_bytecode, false); }
static PyObject *code_dump_ssa(PyObject *module, PyObject *func) { return code_dump(func, dump_ssa, false); }
static PyObject *code_front_errors(PyObject *module, PyObject *func) { return code_dump(func, dump_ssa, true); }

/* Every function of the unit, typed, the root first. */
static PyObject *typed_text(NjUnit *u)
{
    NjText t;
    nj_text_init(&t);
    for (uint32_t i = 0; i < u->specs.n; i++) {
        if (i)
            nj_text_char(&t, '\n');
        nj_ir_print(&t, u->specs.at[i]->py);
    }
    PyObject *r = t.failed ? PyErr_NoMemory() : PyUnicode_FromStringAndSize(t.at ? t.at : "", (Py_ssize_t)t.n);
    nj_text_free(&t);
    return r;
}

static PyObject *code_dump_typed(PyObject *module, PyObject *args)
{
    static const NjOpts plain;
    PyObject *func, *r = NULL;
    const char *text, *target = "cpu";
    NjErr err = {0};
    NjSig sig;
    if (!PyArg_ParseTuple(args, "Os|s", &func, &text, &target))
        return NULL;
    bool simt = strcmp(target, "cpu") != 0;
    NjSnapshot *s = nj_snapshot_new(func, NULL, simt ? "cpudev" : "cpu");
    NjUnit *u = s ? nj_unit_new(nj_ext_ctx(), simt ? &nj_cpudev_target : &nj_cpu_target, &plain) : NULL;
    if (u && nj_sig_parse(u->ctx->types, u->arena, text, &sig, &err) != NJ_OK) {
        PyErr_SetString(PyExc_ValueError, err.text);
    } else if (u) {
        u->root = simt ? NJ_ROOT_KERNEL : NJ_ROOT_FUNC;
        NjStatus st = nj_unit_infer(u, nj_snapshot_root(s), sig.args, sig.nargs, sig.ret);
        r = st ? nj_error_from_unit(u, st) : typed_text(u);
    } else if (s) {
        PyErr_NoMemory();
    }
    nj_unit_free(u);
    nj_snapshot_free(s);
    return r;
}

PyMethodDef nj_code_methods[] = {
    {"dump_typed", code_dump_typed, METH_VARARGS,
     "dump_typed(func, signature, target='cpu'): its values with types, and those of all it calls."},
    {"dump_bytecode", code_dump_bytecode, METH_O, "dump_bytecode(func): its bytecode as the compiler reads it."},
    {"front_errors", code_front_errors, METH_O,
     "front_errors(func): [(code, line, text), ...], what the front end refuses."},
    {"dump_ssa", code_dump_ssa, METH_O, "dump_ssa(func): its values before types are known."},
    {0},
};
