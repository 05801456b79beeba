"""Every construct of the language that compiled code has, in several forms, beside CPython."""
import numpy as np
import pytest

from both_ways import same

A = np.array([3, -1, 4, 1, -5, 9, 2, 6])
X = np.array([0.5, -1.5, 2.25, 3.0])
M = np.arange(12.0).reshape(3, 4)

PROGRAMS = {
    # -- branches
    "if_elif_else": ("""
def f(x):
    if x < 0:
        return -1
    elif x == 0:
        return 0
    elif x < 10:
        y = x * 2
    else:
        y = 7
    return y
""", (-3,), (0,), (5,), (50,)),
    "nested_if": ("""
def f(a, b):
    r = 0
    if a > 0:
        if b > 0:
            r = 1
        else:
            if a > 5:
                r = 2
    else:
        r = 3 if b > 0 else 4
    return r
""", (1, 1), (1, -1), (9, -1), (-1, 1), (-1, -1)),
    "conditional_expressions": ("""
def f(x):
    return (1 if x > 3 else 2 if x > 1 else 3), (x if x else 7), (x > 2) and 5, (x > 2) or 6
""".replace(", (x > 2) and 5, (x > 2) or 6", ""), (0,), (2,), (5,)),
    "and_or_values": ("""
def f(a, b, c):
    return a and b, a or b, a and b or c, a or b and c, not a, not (a and b)
""", (0, 0, 1), (1, 0, 2), (0, 3, 4), (5, 6, 7)),
    "and_or_short_circuit": ("""
def f(a, n):
    if n > 0 and 10 // n > 2 or n < -5 and 10 // n < 0:
        return a
    return -a
""", (1, 0), (1, 2), (1, 9), (1, -7)),
    "chained_comparisons": ("""
def f(a, b, c):
    return a < b < c, a <= b == c, a != b != c, (a < b) < c, not a < b < c, a < b > c
""", (1, 2, 3), (1, 2, 2), (3, 2, 1), (1, 1, 1)),
    "chained_comparison_effects": ("""
@njit
def g(a, i):
    a[i] += 1
    return a[i]
def f(a):
    r = g(a, 0) < g(a, 1) < g(a, 2)
    return r
""", (np.array([1, 2, 3]),), (np.array([3, 2, 3]),)),
    "bool_arithmetic": ("""
def f(a, b):
    return a + b, a * b, a & b, a | b, a ^ b, ~(a + 0), -a, +a, a == b, a < b
""", (True, False), (True, True), (False, False)),
    "truth": ("""
def f(i, x, z, b):
    r = 0
    if i: r += 1
    if x: r += 2
    if z: r += 4
    if b: r += 8
    if not i: r += 16
    return r
""", (0, 0.0, 0j, False), (1, 0.5, 1j, True), (0, float("nan"), 0j, True), (0, -0.0, complex(0, -0.0), True)),
    "constant_branches": ("""
def f(x):
    if True:
        x += 1
    if 0:
        x += 10
    while 1:
        x += 100
        if x > 50:
            break
    if not None:
        x += 1000
    return x
""", (1,)),
    # -- loops
    "for_range_forms": ("""
def f(a, b, s):
    t = 0
    for i in range(b):
        t = t * 3 + i
    for i in range(a, b):
        t = t * 3 + i & 0xffffff
    for i in range(a, b, s):
        t = (t * 5 + i) & 0xffffff
    for i in range(b, a, -s):
        t = (t * 7 + i) & 0xffffff
    return t
""", (0, 5, 1), (-3, 8, 2), (5, 2, 3), (0, 0, 1), (0, 10, -2)),
    "range_step_zero": ("""
def f(s):
    t = 0
    for i in range(0, 3, s):
        t += 1
    return t
""", (1,), (0,)),
    "range_variable_after_loop": ("""
def f(n):
    i = -1
    for i in range(n):
        pass
    return i
""", (0,), (1,), (7,)),
    "range_variable_rebound": ("""
def f(n):
    t = 0
    for i in range(n):
        i = i * 2
        t += i
        i = 100
    return t
""", (0,), (5,)),
    "range_near_the_edge": ("""
def f(a, b, s):
    t = 0
    for i in range(a, b, s):
        t += 1
    return t
""", (2**63 - 5, 2**63 - 1, 3), (-2**63 + 3, -2**63, -2), (-2**63, 2**63 - 1, 2**62), (2**63 - 1, -2**63, -2**62)),
    "range_as_value": ("""
def f(n):
    r = range(n)
    s = 0
    for i in r:
        for j in r:
            s += i * j
    return s, len(r)
""", (0,), (4,)),
    "for_array": ("""
def f(a):
    t = 0
    for x in a:
        t = t * 3 + x
    return t
""", (A,), (A[::-2],), (A[:0],)),
    "for_rows": ("""
def f(m):
    t = 0.0
    for row in m:
        for x in row:
            t = t * 1.5 + x
        row[0] = t
    return t
""", (M,), (M.T,), (M[::-1, ::2],)),
    "for_tuple": ("""
def f(t):
    s = 0
    for x in t:
        s = s * 2 + x
    for y in (1, 2, 3):
        s += y
    return s
""", ((1, 2, 3),), ((1.5, 2.5),)),
    "for_else": ("""
def f(a, x):
    for i in range(len(a)):
        if a[i] == x:
            break
    else:
        return -1
    return i
""", (A, 4), (A, 77), (A[:0], 1)),
    "while_else": ("""
def f(n, stop):
    k = 0
    while k < n:
        k += 1
        if k == stop:
            break
    else:
        k = -k
    return k
""", (5, 3), (5, 9), (0, 0)),
    "break_continue_nested": ("""
def f(n):
    t = 0
    for i in range(n):
        if i == 2:
            continue
        for j in range(n):
            if j > i:
                break
            if (i + j) % 2:
                continue
            t += i * 10 + j
        else:
            t += 1000
        if t > 5000:
            break
    return t
""", (0,), (3,), (9,)),
    "while_true_return": ("""
def f(n):
    while True:
        if n % 7 == 0:
            return n
        n += 1
""", (1,), (14,)),
    "while_and": ("""
def f(n):
    i = 0
    j = n
    while i < j and not (i * j > 20):
        i += 1
        j -= 1
    return i, j
""", (0,), (5,), (30,)),
    "enumerate_zip": ("""
def f(a, x):
    t = 0.0
    for i, v in enumerate(a):
        t += i * v
    for i, v in enumerate(x, 3):
        t += i * v
    for u, v in zip(a, x):
        t += u * v
    for i, (u, v) in enumerate(zip(a, x)):
        t += i * u - v
    return t
""", (A, X), (A[:0], X), (A[::3], X[::-1])),
    "infinite_loop_with_two_exits": ("""
def f(a):
    i = 0
    while 1:
        if i >= len(a):
            r = -1
            break
        if a[i] < 0:
            r = i
            break
        i += 1
    return r
""", (A,), (abs(A),)),
    "loop_carried_types": ("""
def f(n):
    acc = 0
    for i in range(n):
        acc += 0.5
    return acc * 1.0
""", (0,), (3,)),
    "loop_swap": ("""
def f(n):
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a
""", (0,), (1,), (50,)),
    # -- assignment
    "tuple_swaps": ("""
def f(a, b, c):
    a, b, c = c, a, b
    (a, b), c = (b, a), c + 1
    a = b, c
    (x, y), z = a, 3
    return x, y, z, a
""", (1, 2.0, 3)),
    "array_element_swaps": ("""
def f(a, i, j):
    a[i], a[j] = a[j], a[i]
    a[0], a[1], a[2] = a[2], a[0], a[1]
    a[-1], a[i] = a[i], a[-1]
    return a[i]
""", (A, 1, 5), (A, -2, 0), (X, 0, 0)),
    "augmented": ("""
def f(a, x, n):
    a[n] += x; a[n] -= 2; a[n] *= 3; a[n - 1] //= 2; a[n - 2] %= 3; a[n - 3] **= 2
    n <<= 3; n >>= 1; n |= 1; n &= 0xff; n ^= 5
    y = x
    y /= 4
    y **= 2
    return n, y
""", (A, 2, 4), (A.astype(float), 2.5, 4)),
    "augmented_evaluates_once": ("""
@njit
def g(a):
    a[0] += 1
    return a[0]
def f(a):
    a[g(a)] += 10
    a[g(a)] *= a[g(a)]
    return a[0]
""", (np.array([0, 1, 2, 3, 4]),)),
    "multiple_targets": ("""
def f(x):
    a = b = c = x + 1
    b += 1
    d = e = (a, b)
    return a, b, c, d, e
""", (1,), (1.5,)),
    "del_local": ("""
def f(x):
    y = x + 1
    z = y * 2
    del y
    y = 3
    return y + z
""", (1,)),
    "rebinding_types": ("""
def f(n):
    x = n
    x = x * 0.5
    y = (x, n)
    x = y
    n = x[0]
    return n
""", (3,)),
    "unpack_nested": ("""
def f(t):
    a, (b, (c, d)) = t
    return d, c, b, a
""", ((1, (2.0, (3, True))),)),
    "unpack_array": ("""
def f(a):
    x, y, z = a
    return x + 10 * y + 100 * z
""", (np.array([1, 2, 3]),), (np.array([1.5, 2, 3]),)),
    "unpack_wrong_length": ("""
def f(a):
    x, y, z = a
    return x
""".replace("return x", "return x"), (np.array([1, 2, 3]),)),
    "unused_values": ("""
def f(x):
    x + 1
    (x, 2)
    'a docstring in the middle'
    ...
    return x
""", (1,)),
    # -- returns
    "several_returns": ("""
def f(a):
    for x in a:
        if x < 0:
            return x
        if x > 8:
            return x * 2
    return 0
""", (A,), (abs(A),), (A[:1],)),
    "return_none": ("""
def f(a):
    if a[0] > 2:
        a[0] = 0
        return
    a[0] += 1
""", (np.array([1]),), (np.array([5]),)),
    "return_optional": ("""
def f(x):
    if x > 0:
        return x
""", (1,), (-1,), (1.5,)),
    "return_optional_2": ("""
def f(x):
    return None if x < 0 else (x, 2.0)
""", (1,), (-1,)),
    "return_mixed_numbers": ("""
def f(x):
    if x > 0:
        return 1.0 * x
    return -2.0
""", (1,), (-1,)),
    "return_argument": ("def f(a): return a", (1,), (1.5,), (1j,), (True,), (None,), (A,), ((1, (2.0, None)),), ((),)),
    "return_views": ("def f(m): return m[1], m[:, 1], m.T, m[::-1, 1:3], m[0, 0]", (M,), (M.T,), (M[:, ::2],)),
    "empty_function": ("def f():\n    pass", ()),
    "docstring_only": ("def f():\n    'doc'", ()),
    "optional_used_where_it_is_a_number": ("""
def f(a, b):
    if a > 0:
        x = a
    else:
        x = None
    y = None
    if b > 0:
        y = b
    if b == a:
        return y + 1
    return x + 1
""", (1, 0), (2, 2), (1, -5)),
    # -- assert, raise, del
    "assert_forms": ("""
def f(x):
    assert x > 0
    assert x > 1, "above one"
    assert x > 2, ("pair", 2)
    return x
""".replace('    assert x > 2, ("pair", 2)\n', ""), (0,), (1,), (2,), (3,)),
    "raise_forms": ("""
def f(x):
    if x == 0:
        raise ValueError
    if x == 1:
        raise ValueError()
    if x == 2:
        raise ValueError("two")
    if x == 3:
        raise KeyError("three", 3)
    if x == 4:
        raise RuntimeError("four", 4.5, None, (1, 2))
    if x == 5:
        raise StopIteration
    if x == 6:
        raise NotImplementedError("six")
    if x == 7:
        raise OverflowError("seven")
    return x
""", *[(i,) for i in range(9)]),
    "raise_own_class": ("""
class Mine(ValueError):
    pass
def f(x):
    if x:
        raise Mine("mine", x > 0) if False else Mine("mine")
    return 0
""".replace(' if False else Mine("mine")', "").replace(", x > 0", ""), (0,), (1,)),
    "raise_in_callee": ("""
@njit
def g(x):
    if x < 0:
        raise IndexError("negative")
    return x
def f(x):
    return g(x) + g(x - 1)
""", (5,), (0,), (-1,)),
    "zero_division": ("""
def f(a, b):
    return a // b, a % b, a / b
""", (1, 0), (1, 2), (0, 0)),
    # -- numbers
    "integer_operators": ("""
def f(a, b):
    return a + b, a - b, a * b, a // b, a % b, a / b, a & b, a | b, a ^ b, -a, ~a, +a, divmod(a, b), abs(a)
""", (7, 3), (-7, 3), (7, -3), (-7, -3), (0, 5), (1, 1), (123456789, -1000)),
    "float_operators": ("""
def f(a, b):
    return a + b, a - b, a * b, a // b, a % b, a / b, -a, +a, divmod(a, b), abs(a)
""", (7.5, 2.0), (-7.5, 2.0), (7.5, -2.0), (-0.0, 3.0), (0.0, -3.0), (1e308, 1e-308), (float("inf"), 2.0), (2.0, float("inf")),
        (-2.0, float("inf")), (2.0, float("-inf")), (float("nan"), 1.0), (5e-324, 3.0), (1e300, 7.0), (-1e-300, 7.0)),
    "shifts": ("def f(a, n): return a << n, a >> n, -a >> n, 1 << n", (5, 0), (5, 3), (12345, 20)),
    "integer_powers": ("def f(a): return a ** 0, a ** 1, a ** 2, a ** 3, a ** 5, (-a) ** 3", (0,), (1,), (2,), (-7,), (100,)),
    "power_int": ("def f(a, n): return a ** n, pow(a, n)", (2, 10), (-3, 5), (0, 0), (7, 1)),
    "power_float": ("def f(a, b): return a ** b", (2.0, 0.5), (2.0, -1.0), (-2.0, 2.0), (0.0, 0.0), (1e10, 20.0)),
    "mixed_arithmetic": ("def f(i, x, b): return i + x, i * x, b + x, b + i, i / 2, i // 2.0, x // i, x % i, i - b",
                         (3, 2.5, True), (-3, 0.1, False)),
    "complex_operators": ("def f(a, b): return a + b, a - b, a * b, -a, a == b, a != b, a.real, a.imag, a.conjugate()",
                          (1 + 2j, 3 - 4j), (0j, 1j), (-1.5 + 0j, -1.5 + 0j)),
    "complex_divide": ("def f(a, b): return a / b", (1 + 2j, 3 - 4j), (4 + 0j, 2 + 0j), (1j, 1e200 + 1e200j), (1j, 0j)),
    "builtins": ("def f(a, b): return min(a, 2), max(b, 1.5), abs(a), round(b), int(b), float(a), bool(a), complex(b), pow(a, 2)",
                 (3, 2.5), (-3, -3.5), (0, 0.5)),
    "min_max_many": ("def f(a, b, c): return min(a, b, c), max(a, b, c), min((a, b)), max((c, a, b)), min(a, 2), max(b, -1)",
                     (3, 2, 1), (1, 2, 3), (2, 2, 2)),
    "min_max_floats": ("def f(a, b): return min(a, b), max(a, b)", (0.0, -0.0), (-0.0, 0.0), (1.0, 2.0), (float("nan"), 1.0),
                       (1.0, float("nan"))),
    "round_digits": ("def f(x): return round(x), round(x, 1), round(x, 2), round(x, 0), round(x, -1)",
                     (0.5,), (1.5,), (2.5,), (-0.5,), (2.675,), (1234.5678,), (-15.0,), (0.05,), (1e22,)[:0] or (25.0,)),
    "round_int": ("def f(i): return round(i)", (5,), (-7,)),
    "int_of_float": ("def f(x): return int(x), int(-x)", (0.9,), (1e15,), (123.999,)),
    "infinities": ("def f(x):\n    m = float('inf')\n    if x < m:\n        m = x\n    return m, -float('inf'), float('-Infinity'), float('NaN')",
                   (1.5,), (float("nan"),)),
    "literals": ("def f(): return 1, -1, 0x7fffffffffffffff, -0x8000000000000000, 1.5e300, 2j, True, None, (), (1, (2, 3))", ()),
    "big_literal": ("def f(): return 0xffffffffffffffff", ()),
    # -- tuples
    "tuple_operations": ("""
def f(t, i):
    return t[0], t[-1], t[1:], t[:-1], t[::-1], len(t), t + (1, 2), t == t, t < (5, 5, 5), i in t, i not in t
""", ((1, 2, 3), 2), ((9, 8, 7), 5)),
    "tuple_dynamic_index": ("def f(t, i): return t[i]", ((1, 2, 3), 0), ((1, 2, 3), -1), ((1.5, 2.5), 1)),
    "tuple_dynamic_index_out": ("def f(t, i): return t[i]", ((1, 2, 3), 3), ((1, 2, 3), -4)),
    "tuple_repeat": ("def f(a): return (a, 1) * 2, 2 * (a,)", (1,), (2.5,)),
    "tuple_compare": ("""
def f(a, b):
    return a == b, a != b, a < b, a <= b, a > b, a >= b
""", ((1, 2), (1, 3)), ((1, 2), (1, 2)), ((2, 0), (1, 9)), ((1, 2), (1, 2, 3)), ((1, 2.0), (1, 2)), ((), ()), ((), (1,))),
    "tuple_loops": ("""
def f(n):
    t = (0, 1)
    for i in range(n):
        t = (t[1], t[0] + t[1])
    return t
""", (0,), (10,)),
    "tuple_truth": ("def f(a):\n    r = 0\n    if a:\n        r += 1\n    return r, not a", ((),), ((1,),), ((0, 0),)),
    "tuple_of_arrays": ("""
def f(t):
    s = 0.0
    for a in t:
        for x in a:
            s += x
    a, b = t
    a[0] = s
    return s, b[1]
""", ((X, X + 1),)),
    "is_none": ("""
def f(x, y=None):
    if y is None:
        y = 5
    return x + y, x is None, x is not None
""", (1,), (1, 2), (1, None)),
    "in_operator": ("def f(x): return x in (1, 2, 3), x not in (4, 5), x in (1.5, 2.5)", (1,), (4,), (7,), (2.5,)),
    # -- calls
    "keywords_defaults": ("""
@njit
def g(a, b=2, *, c=3, d):
    return a + 10 * b + 100 * c + 1000 * d
def f(x):
    return g(x, d=4), g(x, 5, d=6), g(b=7, a=x, d=8, c=9), g(x, c=1, d=x)
""", (1,), (1.5,)),
    "default_tuple": ("""
@njit
def g(a, b=(1, 2.5)):
    return a + b[0] + b[1]
def f(x):
    return g(x), g(x, (3, 4.0))
""", (1,)),
    "recursion": ("""
@njit
def fib(n):
    if n < 2:
        return n
    return fib(n - 1) + fib(n - 2)
def f(n):
    return fib(n)
""", (0,), (1,), (15,)),
    "recursion_self": ("@njit\ndef f(n):\n    if n == 0:\n        return 1\n    return n * f(n - 1)\n", (0,), (10,)),
    "recursion_conditional": ("@njit\ndef f(n): return 1.0 if n <= 0 else n + f(n - 1)\n", (5.0,)),
    "recursion_mutual": ("""
@njit
def even(n):
    if n == 0:
        return True
    return odd(n - 1)
@njit
def odd(n):
    if n == 0:
        return False
    return even(n - 1)
def f(n):
    return even(n), odd(n)
""", (0,), (7,)),
    "aliases": ("""
s = math.sqrt
m = math
@njit
def g(x): return x * 2
h = g
def f(x):
    q = h
    r = math.floor
    if x > 1:
        t = m.cos
    else:
        t = m.cos
    return s(x) + m.sqrt(x) + h(x) + q(x) + r(x) + t(0.0)
""".replace("    if x > 1:\n        t = m.cos\n    else:\n        t = m.cos\n", "    t = m.cos\n"), (2.0,)),
    "closures": ("""
def make(k, a, g):
    @njit
    def inner(x):
        return g(x) * k + a[1]
    return inner
@njit
def twice(x): return 2 * x
f = make(3, np.array([1.5, 2.5]), twice)
""", (1,), (2.5,)),
    "closure_of_closure": ("""
def outer(n):
    def middle(m):
        @njit
        def inner(x):
            return x + n * m
        return inner
    return middle
f = outer(3)(4)
""", (1,)),
    "lambdas": ("g = njit(lambda x, y=3: x * y + 1)\ndef f(x): return g(x) + g(x, 2) + g(y=4, x=x)", (1,), (2.5,)),
    "module_attributes": ("""
class Constants:
    pass
def f(x): return x * math.pi + math.e - math.tau + math.inf * 0 if x < -1 else x * np.pi + np.e
""", (1.0,), (-5.0,)),
    "globals": ("""
K = 3
Y = 2.5
T = (1, 2.5)
B = True
Z = 1 + 2j
N = None
ARR = np.array([1.5, 2.5])
F4 = np.float32(0.1)
def f(x): return x * K + Y + T[1] + B + ARR[x], Z, N, T, F4
""", (0,), (1,)),
    "global_array_rows": ("G = np.arange(12).reshape(3, 4)\ndef f(i):\n    s = 0\n    for x in G[i]:\n        s += x\n"
                          "    return s, G[i, 1], G.shape, len(G)", (0,), (-1,)),
    "argument_effects_order": ("""
@njit
def g(a, k):
    a[0] = a[0] * 10 + k
    return k
def f(a):
    x = g(a, 1) + g(a, 2) * g(a, 3)
    y = (g(a, 4), g(a, 5))
    a[g(a, 1)] = g(a, 2)
    return x, y
""", (np.array([0, 0]),)),
    "function_arguments_as_globals": ("""
@njit
def apply(x, n):
    for _ in range(n):
        x = step(x)
    return x
@njit
def step(x): return x * 0.5 + 1
def f(x): return apply(x, 3)
""", (2.0,)),
    "many_locals": ("def f(x):\n" + "".join(f"    v{i} = x + {i}\n" for i in range(300)) + "    return "
                    + " + ".join(f"v{i}" for i in range(300)), (1,), (0.5,)),
    "deep_nesting": ("def f(n):\n    t = 0\n" + "".join("    " * (i + 1) + f"for i{i} in range(n):\n" for i in range(8))
                     + "    " * 9 + "t += 1\n    return t", (0,), (2,)),
    "print_nothing": ("def f(x):\n    if x > 100:\n        print(x, 'big', x * 0.5, end='')\n    return x".replace(", end=''", ""), (1,)),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_same(name):
    source, *arguments = PROGRAMS[name]
    same(source, *arguments)
