/* named.c - which class stands behind a named tuple's type.
 *
 * In: a class with _fields. Out: a name for its types, the same for as long as the class lives, and the class again for
 * a type. Types know names only, so that their text means the same in every process; two living classes of one name
 * with the same fields therefore get different names: Point and Point_2. All of it under the GIL.
 */
#include "ext.h"

static PyObject *named_classes;               /* key -> weak reference to the class */
static PyObject **named_keys;                 /* id of a type -> its key; NULL where nobody asked yet */
static uint32_t named_cap;

/* -- keys: "Point(x,y)" --------------------------------------------------------------------------- */

/* The class's own name, as one word of a type's text. */
static void word_of_class(const PyTypeObject *cls, char word[48])
{
    const char *dot = strrchr(cls->tp_name, '.'), *s = dot ? dot + 1 : cls->tp_name;
    size_t n = 0;
    for (; s[n] && n < 47; n++)
        word[n] = Py_ISALNUM(s[n]) ? s[n] : '_';
    word[n] = 0;
}

static PyObject *key_of_class(PyTypeObject *cls, PyObject *fields, unsigned n)
{
    char word[48];
    PyObject *comma = PyUnicode_FromString(","), *list = comma ? PyUnicode_Join(comma, fields) : NULL, *key = NULL;
    word_of_class(cls, word);
    if (list && n == 1)
        key = PyUnicode_FromFormat("%s(%U)", word, list);
    else if (list)
        key = PyUnicode_FromFormat("%s_%u(%U)", word, n, list);
    Py_XDECREF(comma);
    Py_XDECREF(list);
    return key;
}

/* code: "named(Point,x:i64,y:f64)" */
static PyObject *key_of_type(const NjType *t)
{
    NjText w;
    nj_text_init(&w);
    nj_text_put(&w, t->code + 6, strcspn(t->code + 6, ",)"));
    for (uint32_t i = 0; i < t->nelem; i++)
        nj_text_fmt(&w, "%c%s", i ? ',' : '(', t->names[i]);
    nj_text_str(&w, t->nelem ? ")" : "()");
    PyObject *key = w.failed ? PyErr_NoMemory() : PyUnicode_FromStringAndSize(w.at, (Py_ssize_t)w.n);
    nj_text_free(&w);
    return key;
}

/* The key of a type, made once. Borrowed. */
static PyObject *key_get(const NjType *t)
{
    if (t->id >= named_cap) {
        uint32_t cap = t->id * 2 + 64;
        PyObject **keys = PyMem_Realloc(named_keys, cap * sizeof *keys);
        if (!keys)
            return PyErr_NoMemory();
        memset(keys + named_cap, 0, (cap - named_cap) * sizeof *keys);
        named_keys = keys;
        named_cap = cap;
    }
    if (!named_keys[t->id])
        named_keys[t->id] = key_of_type(t);
    return named_keys[t->id];
}

/* -- classes ------------------------------------------------------------------------------------------ */

/* Borrowed: whoever asks compares it with a living class, or holds an instance. NULL without an exception. */
static PyObject *class_of_key(PyObject *key)
{
    PyObject *ref = named_classes && key ? PyDict_GetItemWithError(named_classes, key) : NULL;
    return ref ? nj_weak_get(ref) : NULL;
}

PyObject *nj_named_class(const NjType *t)
{
    PyObject *key = key_get(t);
    if (!key)
        PyErr_Clear();
    return class_of_key(key);
}

static int class_remember(PyObject *key, PyObject *cls)
{
    PyObject *ref = PyWeakref_NewRef(cls, NULL);
    int rc = ref ? PyDict_SetItem(named_classes, key, ref) : -1;
    Py_XDECREF(ref);
    return rc;
}

PyObject *nj_named_tag(PyTypeObject *cls, PyObject *fields)
{
    if (!named_classes && !(named_classes = PyDict_New()))
        return NULL;
    for (unsigned n = 1;; n++) {
        PyObject *key = key_of_class(cls, fields, n), *known = class_of_key(key);
        bool mine = known == (PyObject *)cls || (key && !known && !PyErr_Occurred() &&
                                                 class_remember(key, (PyObject *)cls) == 0);
        if (mine || PyErr_Occurred()) {
            Py_ssize_t end = key ? PyUnicode_FindChar(key, '(', 0, PyUnicode_GET_LENGTH(key), 1) : 0;
            PyObject *tag = mine ? PyUnicode_Substring(key, 0, end) : NULL;
            Py_XDECREF(key);
            return tag;
        }
        Py_XDECREF(key);
    }
}
