"""Tuples of thousands of elements, constant or made: up to the limit of host/doc/typing.txt they work as short ones do,
beyond it they are refused by their length."""
import numpy as np
import pytest

from naja import njit

WHOLE, REAL = tuple(range(-2000, 2000)), tuple(k / 7 for k in range(3000))
MIXED, SMALL = tuple(k if k & 1 else k / 2 for k in range(3000)), tuple(np.int8(k % 251 - 125) for k in range(1000))
FLAGS, PARTS, SINGLE = tuple(k % 3 == 0 for k in range(100)), tuple(complex(k, -k) for k in range(1000)), tuple(np.float32(k / 3) for k in range(100))
PAIRS, BIG = tuple((k, -k / 2) for k in range(500)), tuple(2**63 + k for k in range(100))
MOST, MORE = tuple(range(10000)), tuple(range(10001))


@pytest.mark.parametrize('name', ['WHOLE', 'REAL', 'SMALL', 'FLAGS', 'PARTS', 'SINGLE', 'PAIRS', 'BIG', 'MOST'])
def test_an_index_and_a_loop_into_equal_elements(name):
    scope = dict(globals())
    exec(f'def item(i):\n    return {name}[i]\ndef found(i):\n    n = 0\n    for x in {name}:\n        n += x == {name}[i]\n    return n\n'
         f'def size():\n    return len({name})', scope)
    item, found, values = njit(scope['item']), njit(scope['found']), globals()[name]
    for i in (0, 1, 50, len(values) - 1, -1, -len(values)):
        got = item(i)
        assert got == values[i] and type(got) is type(scope['item'](i).item() if isinstance(values[i], np.generic) else values[i])
    assert found(7) == scope['found'](7) and njit(scope['size'])() == len(values)
    with pytest.raises(IndexError):
        item(len(values))


def test_elements_that_differ():
    f = njit(lambda i: MIXED[1] + MIXED[2998] + i)
    assert f(1) == MIXED[1] + MIXED[2998] + 1
    assert njit(lambda: MIXED)() == MIXED
    with pytest.raises(Exception, match='differ in type'):
        njit(lambda i: MIXED[i])(3)


def test_joined_repeated_and_cut():
    assert njit(lambda i: (WHOLE + WHOLE)[i])(4001) == WHOLE[1]
    assert njit(lambda i: (3 * SMALL)[i])(2001) == SMALL[1]
    assert njit(lambda x: ((x,) * 300)[x])(7) == 7
    assert njit(lambda: WHOLE[5:3000:7])() == WHOLE[5:3000:7]

    @njit
    def half(x):
        if x:
            return WHOLE[:2000]
        return WHOLE[2000:]
    assert half(0) == WHOLE[2000:] and half(1) == WHOLE[:2000]


def test_many_places_that_index_one_tuple_need_no_stack():
    scope = dict(globals())
    exec('def f(i):\n' + ''.join(f'    i += WHOLE[i % {k}]\n' for k in range(1, 400)) + '    return i', scope)
    assert njit(scope['f'])(3) == scope['f'](3)


@pytest.mark.parametrize('body, n', [('MORE[x]', 10001), ('(MOST + (x,))[x]', 10001), ('((x,) * 20000)[x]', 20000), ('len(MORE)', 10001)])
def test_longer_ones_are_refused_by_their_length(body, n):
    with pytest.raises(Exception, match=f'a tuple of {n} elements is not supported in compiled code, where one has at most 10000'):
        njit(eval('lambda x: ' + body))(1)


def test_what_a_tuple_holds_and_code_cannot_is_named():
    held = (1, (2, object()))
    with pytest.raises(Exception, match='a constant of type object'):
        njit(lambda: held[0])()
