"""What whole programs showed: named tuples and enums made in compiled code, rounding, unsigned arithmetic, names to come."""
import collections
import enum
import math
import os
import subprocess
import sys
import typing

import numpy as np
import pytest

from naja import cuda, njit
from naja.core.errors import NumbaError, TypingError, UnsupportedError

Point = collections.namedtuple('Point', 'x y', defaults=(7,))


class Body(typing.NamedTuple):
    mass: float
    at: tuple = (0., 0.)


class Color(enum.IntEnum):
    RED = 3


class Shape(enum.Enum):
    BOX = 5
    PAIR = (1, 2.5)


ORIGIN = Point(0, 1.5)


def test_a_named_tuple_is_made_by_position_by_name_and_from_defaults():
    @njit
    def f(x):
        return Point(x, x * 2), Point(y=x, x=1), Point(x), Body(x), Body(at=(1, x), mass=2.)
    got = f(3.5)
    assert got == f.py_func(3.5)
    assert [type(t) for t in got] == [Point, Point, Point, Body, Body]


def test_a_named_tuple_changes_in_a_loop_and_holds_arrays():
    @njit
    def walk(p, n):
        for i in range(n):
            p = Point(p.x + i, p.y * 2)
        return p

    @njit
    def split(a):
        return Point(a[1:], a)

    @njit
    def either(c):
        return Point(1, 2) if c else Point(1.5, 2)
    assert repr(walk(Point(1, .5), 4)) == repr(Point(7, 8.))
    a = np.arange(4)
    parts = split(a)
    assert type(parts) is Point and parts.y is a and parts.x.base is a
    assert repr(either(True)) == repr(Point(1., 2)) and repr(either(False)) == repr(Point(1.5, 2))


def test_classes_that_look_alike_are_told_apart():
    def fresh(module):
        cls = collections.namedtuple('Alike', 'u v', module=module)
        space = {'Alike': cls, '__name__': module}
        exec('def f(x): return Alike(x, 1)\ndef g(p): return p', space)
        return cls, njit(space['f']), njit(space['g'])
    one, f, g = fresh('one')
    two, f2, g2 = fresh('two')
    for _ in range(2):
        assert type(f(3)) is one and type(f2(3)) is two
        assert type(g(one(1, 2))) is one and type(g(two(1, 2))) is two and type(g2(one(1, 2))) is one
    again, f3, g3 = fresh('one')            # a notebook's cell, run once more
    assert type(f3(3)) is again and type(g3(again(1, 2))) is again and type(f2(3)) is two


def test_a_global_named_tuple_stays_one():
    @njit
    def f():
        return ORIGIN
    assert type(f()) is Point and f() == ORIGIN


@pytest.mark.parametrize('source, message', [
    ('Point(x, z=1)', r"Point\S* got an unexpected keyword argument 'z'"),
    ('Point(1, 2, 3)', r'Point\S* takes 2 arguments, but 3 were given'),
    ('Point(y=x)', r"Point\S* is missing the argument 'x'"),
    ('Point(x, "text")', 'passing a string to Point\\S* is not supported yet'),
    ('complex(x, imag=2)', "complex got an unexpected keyword argument 'imag'"),
])
def test_a_wrong_call_of_a_class_says_what_is_wrong(source, message):
    space = {'Point': Point}
    exec(f'def f(x): return {source}', space)
    with pytest.raises(NumbaError, match=message):
        njit(space['f'])(1)


NAMED = """
import collections, sys
from naja import njit
P = collections.namedtuple('P', sys.argv[1])
@njit
def f(x): return P(x, 2 * x)
print(f(3), type(f(3)) is P, sum(f.stats.cache_hits.values()))
"""


def test_a_cached_function_makes_its_named_tuples(tmp_path):
    def run(fields):
        done = subprocess.run([sys.executable, '-c', NAMED, fields], capture_output=True, text=True, check=True,
                              env=dict(os.environ, NAJA_CACHE='on', NAJA_CACHE_DIR=str(tmp_path)))
        return done.stdout.strip()
    assert run('x y') == 'P(x=3, y=6) True 0'
    assert run('x y') == 'P(x=3, y=6) True 1'
    assert run('a b') == 'P(a=3, b=6) True 0'


def test_members_of_enums():
    @njit
    def f(x):
        return x + Color.RED, Color.RED.value + x, Shape.BOX.value, Shape.PAIR.value
    assert f(1) == (4, 4, 5, (1, 2.5))


def test_a_member_that_is_no_integer_is_refused_where_it_stands():
    @njit
    def f(x):
        return x == Shape.BOX
    with pytest.raises(TypingError, match='cannot compare int64 with'):
        f(1)


@pytest.mark.parametrize('n', [-25, -19, -18, -3, -2, -1, 0, 2])
def test_an_integer_is_rounded_to_tens(n):
    @njit
    def f(x, n):
        return round(x, n)
    for x in (0, 4, 5, 15, 25, -5, -15, -25, 149, 150, 151, 250, -250, 10**18, 2**62, -2**62):
        assert f(x, n) == round(x, n), (x, n)


def test_numpy_rounds_by_scaling():
    @njit
    def f(x, n):
        return np.round(x, n), np.around(x, decimals=n), np.round(x)
    for x in (2.675, 0.5, 1.5, 2.5, -0.5, 1e300, 123456.789, float('inf'), -1234.5):
        for n in (-2, -1, 0, 1, 2, 5):
            assert f(x, n) == (np.round(x, n), np.round(x, n), np.round(x)), (x, n)
    assert f(7, 2) == (7, 7, 7)


def test_parts_by_name():
    @njit
    def f(z):
        return np.real(z), np.imag(z), np.angle(z)
    assert f(3 + 4j)[:2] == (3., 4.) and math.isclose(f(3 + 4j)[2], np.angle(3 + 4j), rel_tol=1e-15)
    assert f(-2.) == (-2., 0., np.pi)


@pytest.mark.parametrize('dtype', [np.uint8, np.uint16, np.uint32, np.uint64, np.int8, np.int64])
def test_unsigned_integers_are_inverted_in_their_own_width(dtype):
    @njit
    def f(x):
        return ~x, -x
    for x in (dtype(1), dtype(100), np.iinfo(dtype).max):
        x = dtype(x)
        with np.errstate(over='ignore'):
            assert f(x) == (int(~x), int(-x)), x


def test_a_cube_root_in_a_kernel():
    @cuda.jit
    def k(a, out):
        i = cuda.grid(1)
        if i < a.size:
            out[i] = cuda.cbrt(a[i])
    for dtype in (np.float32, np.float64):
        a, out = np.array([0, 8, -27, 1000], dtype), np.zeros(4, dtype)
        k[1, 4](a, out)
        assert np.allclose(out, [0, 2, -3, 10])


@pytest.mark.parametrize('name', ['shfl_sync', 'to_device', 'libdevice.sinf', 'cg.this_grid'])
def test_what_kernels_do_not_have_is_refused_by_name(name):
    space = {'cuda': cuda}
    exec(f'def k(a): cuda.{name}(a)', space)
    with pytest.raises(UnsupportedError, match='naja.cuda.' + name.split('.')[0] + ' is not supported in compiled code'):
        cuda.jit(space['k'])[1, 1](np.zeros(1))


def test_the_peers_path_to_device_arrays():
    assert isinstance(cuda.to_device(np.zeros(1)), cuda.cudadrv.devicearray.DeviceNDArray)
    assert cuda.cudadrv.driver.CudaAPIError is cuda.cudadrv.error.CudaAPIError


def test_where_ways_join_only_the_joined_type_counts():
    @njit
    def f(x, y):
        return -(x and y)

    @njit
    def g(c, x, y):
        if c:
            z = x
        else:
            z = y
        w = -z
        return w + 0
    for result in (f(np.uint8(200), np.int16(5)), g(False, np.uint8(200), np.int16(5))):
        assert result == -5 and type(result) is int


def test_whole_numbers_of_unsigned_stay_unsigned():
    @njit
    def f(x):
        return math.floor(x), math.ceil(x), math.trunc(x)
    for x in (np.uint64(2**63 + 5), np.uint8(200)):
        assert f(x) == (int(x),) * 3
