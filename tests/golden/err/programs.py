"""Wrong programs, as users write them. Each row of `cases`: the function, then its arguments."""
import math

import numpy as np

from naja import complex128, float64, njit

K = "text"
OBJECT = object()
COUNT = [1, 2]


def plain_helper(x):
    return x + 1


@njit
def helper(x, y, scale=1.0):
    return (x + y) * scale


@njit(float64(float64, float64))
def declared(x, y):
    return x + y


@njit
def bad_inside(t):
    return t[0] + t


def add_tuple(a, t):
    b = a * 2
    return b + t


def add_none(a, b=None):
    return a + b


def long_expression(a, b, t):
    return math.sqrt(a) + (b * 2.0 - t) / (a + 1)


def misspelled(a):
    return lenght(a)        # noqa: F821


def misspelled_module(a):
    return math.squareroot(a)


def misspelled_numpy(a):
    return np.float46(a)


def misspelled_attribute(a):
    return a.shap[0]


def unbound(a):
    if a > 0:
        y = 1
    del y
    return y


def attribute_of_number(x):
    return x.length


def call_of_number(x):
    y = x + 1
    return y(3)


def call_of_array(a):
    return a(0)


def too_many_arguments(x):
    return helper(x, 1, 2, 3)


def too_few_arguments(x):
    return helper(x)


def unknown_keyword(x):
    return helper(x, 1, sclae=3)


def argument_twice(x):
    return helper(x, 1, x=3)


def sqrt_of_tuple(t):
    return math.sqrt(t)


def sqrt_of_two(x):
    return math.sqrt(x, 2)


def abs_of_nothing():
    return abs()


def declared_with_complex(z):
    return declared(z, 1.0)


def in_a_callee(t):
    return bad_inside(t)


def plain_function(x):
    return plain_helper(x)


def index_by_float(a, x):
    return a[x]


def too_many_indices(a):
    return a[1, 2, 3]


def tuple_out_of_range(t):
    return t[5]


def tuple_by_variable(t, i):
    return t[i]


def unpack_three(t):
    a, b, c = t
    return a


def unpack_number(x):
    a, b = x
    return a


def iterate_number(n):
    s = 0
    for i in n:
        s += i
    return s


def store_tuple(a, t):
    a[0] = t
    return a[0]


def store_complex(a):
    a[0] = 1j


def write_constant_array():
    TABLE[0] = 1


def store_into_tuple(t):
    t[0] = 1
    return t


def mixed_returns(x):
    if x > 0:
        return 1
    return (1, 2)


def mixed_variable(x, t):
    if x > 0:
        y = x
    else:
        y = t
    return y


def loop_changes_type(n):
    x = 0
    for i in range(n):
        x = (x, i)
    return x


def truth_of_array(a):
    if a:
        return 1
    return 0


def array_sum(a):
    return a + a


def array_compare(a):
    return a > 0


def array_method(a):
    return a.sum()


def numpy_function(n):
    return np.zeros(n)


def compare_complex(z):
    return z < 1


def compare_tuple_with_number(t):
    return t == 1


def bits_of_float(x):
    return x & 1


def shift_by_float(i, x):
    return i << x


def invert_float(x):
    return ~x


def global_text(x):
    return x + K


def global_object(x):
    return x + OBJECT


def global_list(x):
    return COUNT[x]


def huge_integer(x):
    return x + 0x1ffffffffffffffff


def raise_number(x):
    raise x


def raise_text():
    raise "wrong"


def list_append(x):
    r = []
    r.append(x)
    return r


def comprehension(n):
    return sum([i for i in range(n)])


def with_statement(x):
    with x:
        return 1


def try_statement(a):
    try:
        return a[0]
    except IndexError:
        return 0


def inner_function(x):
    def g(y):
        return y + x
    return g(1)


def formatted(x):
    return f"{x:>10}"


def starred(t):
    return helper(*t)


def range_of_float(x):
    s = 0
    for i in range(x):
        s += i
    return s


def slice_by_float(a, x):
    return a[x:]


def min_of_tuple_and_number(t):
    return min(t, 1)


def int_of_text():
    return int("12")


def several_at_once(a, t):
    x = a + t
    y = undefined + 1       # noqa: F821
    z = a.nothing
    return x + y + z


def returns_too_much(z):
    return z * 2


def recursion_without_end(n):
    return recursion_without_end(n - 1)


def returns_too_much_declared(z):
    f = njit(float64(complex128))(returns_too_much)
    return f(z)


returns_too_much_declared.py_func = returns_too_much     # called as it is
recursion_without_end = njit(recursion_without_end)
TABLE = np.arange(3)
TABLE.flags.writeable = False
A = np.arange(3.0)

cases = [
    (add_tuple, 1.0, (1, 2)), (add_none, 1), (long_expression, 1.0, 2, (1,)), (misspelled, A), (misspelled_module, 1.0),
    (misspelled_numpy, 1.0), (misspelled_attribute, A), (unbound, 1), (attribute_of_number, 1), (call_of_number, 1), (call_of_array, A),
    (too_many_arguments, 1), (too_few_arguments, 1), (unknown_keyword, 1), (argument_twice, 1), (sqrt_of_tuple, (1, 2)),
    (sqrt_of_two, 1.0), (abs_of_nothing,), (declared_with_complex, 1j), (in_a_callee, (1, 2)), (index_by_float, A, 1.0),
    (too_many_indices, A), (tuple_out_of_range, (1, 2)), (tuple_by_variable, (1, 2.0), 1), (unpack_three, (1, 2)), (unpack_number, 1),
    (iterate_number, 3), (store_tuple, A, (1, 2)), (store_complex, A), (write_constant_array,), (store_into_tuple, (1, 2)),
    (mixed_returns, 1), (mixed_variable, 1, (1, 2)), (loop_changes_type, 2), (truth_of_array, A), (array_sum, A), (array_compare, A),
    (array_method, A), (numpy_function, 3), (compare_complex, 1j), (compare_tuple_with_number, (1,)), (bits_of_float, 1.0),
    (shift_by_float, 1, 2.0), (invert_float, 1.0), (global_text, 1), (global_object, 1), (global_list, 1), (huge_integer, 1),
    (raise_number, 1), (raise_text,), (list_append, 1), (comprehension, 3), (with_statement, 1), (try_statement, A),
    (inner_function, 1), (formatted, 1), (starred, (1, 2)), (range_of_float, 1.0), (slice_by_float, A, 1.0),
    (min_of_tuple_and_number, (1, 2)), (int_of_text,), (several_at_once, 1, (1, 2)), (recursion_without_end, 1), (returns_too_much_declared, 1j), (plain_function, 1),
]
