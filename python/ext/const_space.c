/* const_space.c - values that are read by attribute: modules, enum classes and their members.
 *
 * In: such an object, and the function that is being copied. Out: a NJ_C_MODULE with the attributes that the function
 * names anywhere, each a constant of its own.
 */
#include "snapshot.h"

/* An attribute of a module, new reference or NULL. Its dict first; a lazy module's __getattr__ may know more, and
 * may warn or fail as it likes: the name may belong to something else in the function. */
static PyObject *module_attr(PyObject *o, const char *name)
{
    PyObject *dict = PyModule_GetDict(o), *v = PyDict_GetItemString(dict, name);
    if (v)
        return Py_NewRef(v);
    if (PyDict_GetItemString(dict, "__getattr__"))
        v = PyObject_GetAttrString(o, name);
    PyErr_Clear();
    return v;
}

static PyObject *enum_member(PyObject *members, const char *name)
{
    PyObject *v = PyMapping_GetItemString(members, name);
    PyErr_Clear();
    return v;
}

/* A name that the peer's module has and ours will: compiled code says so, where it would say that there is no such
 * name. Such a module lists them as _NOT_YET. */
static const NjConst *space_missing(SnapScope *c, PyObject *o, const char *name)
{
    PyObject *names = PyModule_Check(o) ? PyDict_GetItemString(PyModule_GetDict(o), "_NOT_YET") : NULL;
    PyObject *text = names && PyFrozenSet_Check(names) ? PyUnicode_FromString(name) : NULL;
    bool listed = text && PySet_Contains(names, text) == 1;
    Py_XDECREF(text);
    PyErr_Clear();
    NjConst *k = listed ? NJ_NEW(c->s->arena, NjConst) : NULL;
    if (k)
        *k = (NjConst){.kind = NJ_C_OBJECT, .name = "library function"};
    return k;
}

/* The attributes that the function names anywhere. */
static int space_attrs(SnapScope *c, PyObject *o, PyObject *(*get)(PyObject *o, const char *name), NjConst *k)
{
    NjAttr *attrs = nj_arena_alloc(c->s->arena, (c->code->nnames + 1u) * sizeof *attrs);
    if (!attrs)
        return PyErr_NoMemory(), -1;
    k->module.attrs = attrs;
    for (uint32_t i = 0; i < c->code->nnames; i++) {
        if (!nj_bits_has(c->attrs, i))
            continue;
        PyObject *v = get(o, c->code->names[i]);
        const NjConst *value = v ? nj_snap_const(c, v) : space_missing(c, o, c->code->names[i]);
        Py_XDECREF(v);
        if (!value && v)
            return -1;
        if (!value)
            continue;
        attrs[k->module.n++] = (NjAttr){c->code->names[i], value};
    }
    return 1;
}

/* Entered in the memo before its attributes are looked at, because modules refer to each other. */
const NjConst *nj_snap_module(SnapScope *c, PyObject *o)
{
    NjConst *k = nj_map_get(c->modules, &o, sizeof o);
    if (k)
        return k;
    k = NJ_NEW(c->s->arena, NjConst);
    k->kind = NJ_C_MODULE;
    const char *name = PyModule_GetName(o);
    if (!name)
        PyErr_Clear();
    k->name = nj_arena_str(c->s->arena, name ? name : "?");
    if (!nj_map_put(c->modules, &o, sizeof o, k))
        return (const NjConst *)PyErr_NoMemory();
    if (Py_EnterRecursiveCall(" while reading a module"))
        return NULL;
    int made = space_attrs(c, o, module_attr, k);
    Py_LeaveRecursiveCall();
    return made < 0 ? NULL : k;
}

/* Of a member of an Enum that is no IntEnum, only these have a value in compiled code. */
static PyObject *enum_part(PyObject *member, const char *name)
{
    PyObject *v = strcmp(name, "value") && strcmp(name, "name") ? NULL : PyObject_GetAttrString(member, name);
    PyErr_Clear();
    return v;
}

int nj_snap_member(SnapScope *c, PyObject *o, NjConst *k)
{
    PyObject *members = NULL, *name = NULL;
    if (nj_getattr_opt((PyObject *)Py_TYPE(o), "__members__", &members) <= 0)
        return PyErr_Clear(), 0;
    Py_DECREF(members);
    name = PyObject_Str(o);
    k->kind = NJ_C_MODULE;
    k->name = name ? nj_snap_str(c->s, name) : NULL;
    Py_XDECREF(name);
    return k->name ? space_attrs(c, o, enum_part, k) : -1;
}

int nj_snap_enum(SnapScope *c, PyObject *o, NjConst *k)
{
    PyObject *members = NULL;
    if (!PyType_Check(o) || PyType_CheckExact(o) || nj_getattr_opt(o, "__members__", &members) <= 0)
        return PyErr_Clear(), 0;
    k->kind = NJ_C_MODULE;
    k->name = nj_arena_str(c->s->arena, ((PyTypeObject *)o)->tp_name);
    int made = PyMapping_Check(members) ? space_attrs(c, members, enum_member, k) : 0;
    Py_DECREF(members);
    return made;
}
