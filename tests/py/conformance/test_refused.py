"""What compiled code does not have is refused by name, at its line, before anything runs; and looks that deceive work."""
import sys

import numpy as np
import pytest

from both_ways import same
from naja import njit

# name: (the body of f(x), its line that is wrong, what the message must say)
REFUSED = {
    "try": ("try:\n    x += 1\nexcept ValueError:\n    x = 0\nreturn x", 1, "a try statement"),
    "finally": ("y = 1\ntry:\n    x += 1\nfinally:\n    x += 2\nreturn x", 2, "a try statement"),
    "with": ("y = x\nwith y:\n    y = 2\nreturn y", 2, "a with statement"),
    "yield": ("yield x", None, "generators"), "yield from": ("yield from x", None, "generators"),
    "generator": ("y = 1\nreturn sum(i for i in range(x))", 2, "a generator expression"),
    "lambda": ("g = lambda y: y + 1\nreturn g(x)", 1, "a lambda"), "def": ("def g(y):\n    return y\nreturn g(x)", 1, "a nested function"),
    "class": ("class A:\n    pass\nreturn x", 1, "a nested class"), "list": ("y = 2\na = [1, x]\nreturn a[0]", 2, "a list display"),
    "empty list": ("a = []\nreturn x", 1, "a list display"), "dict": ("d = {1: x}\nreturn d[1]", 1, "a dict display"),
    "empty dict": ("d = {}\nreturn x", 1, "a dict display"), "set": ("return x in {1, x}", 1, "a set display"),
    "starred call": ("t = (1, 2)\nreturn max(*t)", 2, r"\*args"), "starred tuple": ("t = (1, 2)\nreturn (*t, x)", 2, "unpacking with '*'"),
    "starred assignment": ("a, *b = (1, 2, x)\nreturn a", 1, "starred assignment"), "global": ("global G\nG = x\nreturn x", 2, "global"),
    "f-string": ("y = f'{x}'\nreturn x", 1, "an f-string"), "import": ("import math\nreturn x", 1, "an import"),
    "from import": ("from math import sqrt\nreturn x", 1, "an import"), "del element": ("del x[0]\nreturn 1", 1, "del of an element"),
    "del attribute": ("del x.a\nreturn 1", 1, "del of an attribute"), "raise from": ("raise ValueError from KeyError", 1, "raise ... from"),
    "bare raise": ("raise", 1, "raise without an exception"), "bytes": ("b = b'abc'\nreturn b[x]", 1, "bytes"),
    "match sequence": ("match (x, 1):\n    case (1, y):\n        return y\nreturn 0", None, "sequence patterns"),
    "match class": ("match x:\n    case int():\n        return 1\nreturn 0", None, "class patterns"),
    "match mapping": ("match x:\n    case {'a': 1}:\n        return 1\nreturn 0", None, "mapping patterns"),
    "isinstance": ("return isinstance(x, int)", 1, "isinstance is not supported"), "open": ("return open(x)", 1, "open is not supported"),
    "numpy.zeros": ("y = 1\nreturn np.zeros(x)", 2, "numpy.zeros is not supported"), "sorted": ("return sorted((x, 1))", 1, "sorted is not supported"),
    "eval": ("return eval('x')", 1, "eval is not supported"), "list()": ("return list(range(x))", 1, "list is not supported"),
}
if sys.version_info < (3, 12):          # later versions have made these part of the function they are in
    REFUSED["list comprehension"] = ("return [i for i in range(x)]", 1, "a list comprehension")
    REFUSED["set comprehension"] = ("return {i for i in range(x)}", 1, "a set comprehension")
    REFUSED["dict comprehension"] = ("return {i: i for i in range(x)}", 1, "a dict comprehension")


def make(body):
    scope = {"np": np, "__name__": "program"}
    exec(compile("def f(x):\n    " + body.replace("\n", "\n    "), "<program>", "exec"), scope)
    return scope["f"]


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    body, line, what = REFUSED[name]
    f = njit(make(body))
    with pytest.raises(NotImplementedError, match=what) as info:
        f(3)
    if line:
        assert f"<program>:{line + 1}: " in str(info.value)
    assert f.signatures == []


@pytest.mark.parametrize("source", ["async def f(x): return x", "async def f(x):\n    await x"])
def test_coroutines(source):
    scope = {}
    exec(source, scope)
    with pytest.raises(NotImplementedError, match="coroutines"):
        njit(scope["f"])(1)


def test_nonlocal():
    n = 1

    def f(x):
        nonlocal n
        n = x
        return x
    with pytest.raises(NotImplementedError, match="nonlocal"):
        njit(f)(2)
    assert n == 1


def test_unreachable_code_is_not_refused():
    same("DEBUG = False\ndef f(x):\n    if DEBUG:\n        print([x])\n        open('file')\n    return x", (1,))
    same("def f(x, y=None):\n    if y is not None:\n        return y.nothing\n    return x", (1,))


# what the compiler sees as something simpler
SAME = {
    "walrus": "def f(x):\n    if (y := x + 1) > 2:\n        return y\n    return -y",
    "match": "def f(x):\n    match x:\n        case 1:\n            return 10\n        case 2 | 3:\n            return 20\n"
             "        case y if y > 5:\n            return y\n        case _:\n            return 30",
    "constant list": "def f(x):\n    t = 0\n    for i in [1, 2, 3]:\n        t += i * x\n    return t, x in [1, 2, 3]",
    "joined text": "def f(x):\n    s = 'a' 'b'\n    return x",
    "is None of a number": "def f(x):\n    return x is None, x is not None, None is None",
    "annotations": "def f(x: int) -> int:\n    y: int = x\n    z: 'no such thing'\n    return y",
    "conditional in a call": "def f(x):\n    return max(x if x > 2 else 2, 1)",
    "long comparison": "def f(x):\n    return 0 <= x < 10 != x > -1",
    "semicolons": "def f(x):\n    y = 1; z = 2; return x + y + z",
    "nested parentheses": "def f(x):\n    return " + "(" * 50 + "x" + " + 1)" * 50,
    "underscores": "def f(_):\n    __ = _ + 1_000_000\n    return __",
    "unicode names": "def f(\u00e4):\n    \u03c0 = \u00e4 * 2\n    return \u03c0",
    "shadowed builtins": "def f(x):\n    len = x + 1\n    max = len * 2\n    return max",
}


@pytest.mark.parametrize("name", SAME)
def test_same(name):
    same(SAME[name], (1,), (2,), (7,), (-3,))
