"""The cache's key: what gives a new one and so recompiles, and what does not."""
import gc
import importlib
import sys

import numpy as np
import pytest

from cache_tools import counted
from naja import _naja, cache, njit

# -- programs of three modules, written anew for each load, so that every load is a moved file too

TOP = """
from naja import njit
import numpy as np
import near
K = 3
UNUSED = 1
TABLE = np.array([1.0, 2.0])
def make(c):
    @njit
    def inner(x, y=2.0):
        '''Says what it does.'''
        # a comment
        if x < -100:
            raise ValueError("too small")
        return near.scale(x) * K + y * c + TABLE[1]
    return inner
f = make(5)
"""
NEAR = """
from naja import njit
from far import shift
@njit
def scale(x):
    return shift(x) * 2
"""
FAR = """
from naja import njit
STEP = 1
@njit
def shift(x):
    return x + STEP
"""
PROGRAM = {"top.py": TOP, "near.py": NEAR, "far.py": FAR}
_count = iter(range(1 << 30))


def load(tmp_path, files):
    """The module `top` of these files, in a folder of its own."""
    folder = tmp_path / f"p{next(_count)}"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
        sys.modules.pop(name[:-3], None)
    sys.path.insert(0, str(folder))
    try:
        importlib.invalidate_caches()
        return importlib.import_module("top")
    finally:
        sys.path.remove(str(folder))
        for name in files:
            sys.modules.pop(name[:-3], None)


def edited(name, old, new):
    assert PROGRAM[name].count(old) == 1
    return dict(PROGRAM, **{name: PROGRAM[name].replace(old, new)})


EDITS = {
    "global": (edited("top.py", "K = 3", "K = 4"), ["global inner.K"]),
    "type of a global": (edited("top.py", "K = 3", "K = 3.0"), ["global inner.K"]),
    "element of an array": (edited("top.py", "[1.0, 2.0]", "[1.0, 2.5]"), ["global inner.TABLE"]),
    "closure": (edited("top.py", "make(5)", "make(6)"), ["closure inner.c"]),
    "callee": (edited("near.py", "* 2", "* 3"), ["constants of scale"]),
    "callee of a callee": (edited("far.py", "x + STEP", "x - STEP"), ["bytecode of shift"]),
    "global of a callee of a callee": (edited("far.py", "STEP = 1", "STEP = 2"), ["global shift.STEP"]),
    "default argument": (edited("top.py", "y=2.0", "y=3.0"), ["defaults of inner"]),
    "option": (edited("top.py", "@njit", "@njit(fastmath=True)"), ["options", "options of inner"]),
    "option of a callee": (edited("far.py", "@njit", "@njit(error_model='numpy')"), ["options of shift"]),
    "text of an exception": (edited("top.py", "too small", "far too small"), ["constants of inner"]),
    "name": (dict(PROGRAM, **{"top.py": TOP.replace("inner", "other")}), None),
}
NON_EDITS = {
    "nothing": PROGRAM,
    "comment": edited("top.py", "# a comment", "# another comment,\n        # longer"),
    "blank lines": edited("top.py", "        if x", "\n\n\n        if x"),
    "docstring": edited("top.py", "Says what it does.", "Says it better."),
    "lines before": edited("top.py", "K = 3", "# one\n# two\nK = 3"),
    "a global that is not used": edited("top.py", "UNUSED = 1", "UNUSED = 2\nMORE = [1, 2]"),
    "blanks in a callee": edited("far.py", "x + STEP", "x   +   STEP   # more"),
    "modules renamed": {"top.py": TOP.replace("import near", "import close_by as near"), "close_by.py": NEAR.replace("far", "yonder"),
                        "yonder.py": FAR},
    "cache=True": edited("top.py", "@njit", "@njit(cache=True)"),
}


@pytest.fixture
def stored(tmp_path):
    """The program's key parts, its code being in the cache."""
    top = load(tmp_path, PROGRAM)
    assert top.f(10) == 10 * 6 + 6 + 10 + 2
    return _naja.cache_parts(top.f, "(int64, float64)")


@pytest.mark.parametrize("what", EDITS)
def test_edits_recompile(tmp_path, stored, what):
    files, parts = EDITS[what]
    top = load(tmp_path, files)
    result, hits, misses = counted(lambda: top.f(10))
    assert (hits, misses) == (0, 1)
    assert result == top.f.py_func(10)
    if parts:
        assert [name for name, _, _ in cache.changes(stored, _naja.cache_parts(top.f, "(int64, float64)"))] == parts


@pytest.mark.parametrize("what", NON_EDITS)
def test_non_edits_do_not(tmp_path, stored, what):
    top = load(tmp_path, NON_EDITS[what])
    result, hits, misses = counted(lambda: top.f(10))
    assert (hits, misses) == (1, 0)
    assert result == top.f.py_func(10)
    assert cache.changes(stored, _naja.cache_parts(top.f, "(int64, float64)")) == []


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="CPython 3.13 numbers the constants otherwise where there is a docstring")
def test_a_docstring_more_does_not(tmp_path, stored):
    top = load(tmp_path, edited("far.py", "    return x", "    'Says what it does.'\n    return x"))
    assert counted(lambda: top.f(10)) == (78, 1, 0)


def test_dtype_recompiles():
    def total(a):
        s = a[0]
        for i in range(1, len(a)):
            s += a[i]
        return s
    for a in (np.ones(3), np.ones(3, np.float32), np.ones(3, np.int16), np.ones(6)[::2]):
        assert counted(lambda: njit(total)(a)) == (3, 0, 1)
        assert counted(lambda: njit(total)(a)) == (3, 1, 0)


def test_a_hit_raises_where_the_code_is_now(tmp_path, stored):
    files = edited("top.py", "        if x", "        # moved\n        # down\n        if x")
    top = load(tmp_path, files)
    _, hits, _ = counted(lambda: top.f(1))
    assert hits == 1
    with pytest.raises(ValueError, match="too small") as info:
        top.f(-101)
    last = info.traceback[-1]
    lines = files["top.py"].splitlines()
    assert lines[last.lineno].strip() == 'raise ValueError("too small")'
    assert str(last.path).endswith("top.py")


# -- values of a global that look alike: in one folder, each is compiled once and never taken for another

LOOK_ALIKE = {
    "numbers": ("x * G", ["1", "1.0", "True", "1j", "np.int8(1)", "np.uint8(1)", "np.int64(1)", "np.float32(1)", "np.float64(1)",
                          "np.complex64(1)", "np.bool_(True)", "2**63", "2**64 - 1", "-2**63"], "3"),
    "zeros and nan": ("math.copysign(1.0, G) * x", ["0.0", "-0.0", "float('nan')", "-float('nan')"], "3.0"),
    "tuples and arrays": ("x + G[1]", ["(1, 2)", "(1, 2.0)", "(1, True)", "(1, 2, 3)", "np.array([1, 2])", "np.array([1.0, 2.0])",
                                       "np.array([1, 2], np.int8)", "np.array([1, 3])"], "3"),
    "shapes": ("G.shape[0] * 10 + G.ndim + x", ["np.ones((2, 3))", "np.ones((3, 2))", "np.ones(6)", "np.ones((0, 3))", "np.ones((0, 4))"], "1"),
    "classes": ("G(x)", ["int", "float", "bool", "np.int32", "np.uint8", "np.float32", "complex"], "3.7"),
    "functions of one intrinsic": ("G(x, 3)", ["math.fmod", "np.fmod", "pow", "np.power", "min", "np.minimum"], "np.float32(2)"),
    "the same for integers": ("G(x, 3)", ["math.fmod", "np.fmod", "math.pow", "pow", "np.power", "math.hypot", "np.hypot"], "2"),
    "functions of one argument": ("G(x)", ["math.sqrt", "np.sqrt", "abs", "np.abs", "math.fabs", "np.fabs", "math.floor", "np.floor"], "np.float32(2.25)"),
    "fields": ("x * G.b", ["nt('P', 'a b')(1, 2)", "nt('P', 'b a')(1, 2)", "nt('P', 'a b')(1, 3)", "nt('P', 'c b')(2, 1)"], "3"),
    "defaults": ("G(x)", ["dflt(1)", "dflt(1.0)", "dflt(2)", "dflt(True)"], "3"),
    "members": ("x + G.A", ["enum.IntEnum('E', {'A': 1})", "enum.IntEnum('E', {'A': 2})"], "3"),
}
SCOPE = """
import collections, enum, math
import numpy as np
from naja import njit
nt = collections.namedtuple
def dflt(value):
    @njit
    def g(x, y=value):
        return x * y
    return g
G = VALUE
@njit
def f(x):
    return EXPRESSION
result = f(ARGUMENT)
"""


def outcome(value, expression, argument):
    """(type and text of the result, hits, misses); what an error says counts as a result."""
    gc.collect()                            # the named tuples of the last one: of two living classes, one would be P_2
    scope = {}
    source = SCOPE.replace("VALUE", value).replace("EXPRESSION", expression).replace("ARGUMENT", argument)

    def go():
        try:
            exec(source, scope)
        except Exception as e:
            return type(e), str(e)
        return type(scope["result"]), repr(scope["result"])
    return counted(go)


@pytest.mark.parametrize("what", LOOK_ALIKE)
def test_values_that_look_alike(what):
    expression, values, argument = LOOK_ALIKE[what]
    fresh = f"({expression})"              # the same function under other bytecode is another entry: nothing to take
    for i, value in enumerate(values):
        expected = outcome(value, fresh + f" if x != 1e9 + {i} else {fresh}", argument)[0]
        result, hits, misses = outcome(value, expression, argument)
        assert result == expected and hits == 0 and misses >= 1, value
    for value in values:
        assert outcome(value, expression, argument)[1:] == (1, 0), value


TWO_CLASSES = """
from naja import njit
class E(Exception): pass
one = E
class E(Exception): pass
two = E
def inner(E):
    @njit
    def g(x):
        if x == 1:
            raise E("inner")
        return x
    return g
def outer(E, g):
    @njit
    def f(x):
        if x == 2:
            raise E("outer")
        return g(x)
    return f
"""


def test_which_exception_classes_are_the_same_is_in_the_key():
    scope = {}
    exec(TWO_CLASSES, scope)
    for misses in (1, 0):
        for a in ("one", "two"):
            for b in ("one", "two"):
                f = scope["outer"](scope[a], scope["inner"](scope[b]))
                for x, cls in ((1, scope[b]), (2, scope[a])):
                    with pytest.raises(scope["E"].__mro__[1]) as info:
                        f(x)
                    assert type(info.value) is cls, (a, b, x)
