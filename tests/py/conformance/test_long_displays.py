"""Tuples and calls that CPython writes through a list or a dict because they are long (more than 30 values), with all
that may stand in them; and lists and dicts that really are some, which stay refused by name."""
import pytest

from naja import njit

MANY = ', '.join(f'x + {k}' for k in range(40))
WORDS = ', '.join(f'p{k}=x * {k}' for k in range(40))
PARAMS = ', '.join(f'p{k}' for k in range(40))

WORKS = {
    'tuple': f'return ({MANY})', 'tuple of 3000': 'return (' + 'x, ' * 3000 + ')',
    'constants and one that is none': 'return (x, ' + ', '.join(map(str, range(60))) + ')',
    'a tuple in a tuple': f'return ({MANY}, ({MANY}), (x, y))', 'branches within': f'return ({MANY}, x if y else -x, x and y, y or x)',
    'taken apart': ', '.join(f'v{k}' for k in range(40)) + f' = {MANY}\nreturn v39 - v0', 'indexed': f't = ({MANY})\nreturn t[y] + t[-1]',
    'iterated': f's = 0\nfor i in ({MANY}):\n    s = s * 3 % 997 + i\nreturn s', 'within a loop': f's = 0\nfor i in range(x):\n    s += ({MANY})[i]\nreturn s',
    'arguments': f'return g({MANY})', 'keywords': f'return g({WORDS})', 'both': f'return g({", ".join(["x", "y"] * 10)}, {WORDS[WORDS.index("p20"):]})',
    'constants and keywords': f'return g(7, 8, {WORDS[WORDS.index("p2="):]})', 'one keyword': f'return g({", ".join(["x"] * 39)}, p39=y)',
    'keywords with branches': 'return g(' + ', '.join(f'p{k}=x if y > {k} else {k}' for k in range(40)) + ')', 'a builtin': f'return max({MANY}, y)',
    'a call in a call': f'return g({MANY[:-6]}{"g(" + MANY + ")[3]"})', 'many calls': '\n'.join([f'x = g({MANY})[1]'] * 30) + '\nreturn x',
    'keywords of 16': 'return h(' + ', '.join(f'q{k}=x + {k}' for k in range(16)) + ')',
    'keywords of 15 and a place': 'return h(y, ' + ', '.join(f'q{k}=x + {k}' for k in range(1, 16)) + ')',
}


def make(body):
    text = f'def g({PARAMS}):\n    return ({PARAMS})\n\ndef h({", ".join(f"q{k}" for k in range(16))}):\n    return q0 - q15\n\n'
    text += 'def f(x, y):\n    ' + body.replace('\n', '\n    ')
    scope = {}
    exec(text, scope)
    plain = scope['f']
    scope = {}
    exec(text, scope)
    scope.update(g=njit(scope['g']), h=njit(scope['h']))
    return njit(scope['f']), plain


@pytest.mark.parametrize('name', WORKS)
def test_long_ones_are_what_python_makes(name):
    f, plain = make(WORKS[name])
    assert f(7, 3) == plain(7, 3)


@pytest.mark.parametrize('body, what', {
    f'return [{MANY}]': 'a list display', f't = ({MANY}, [x])\nreturn x': 'a list display', f't = [x] if y else x\nreturn ({MANY})': 'a list display',
    f't = x if y else [x]\nreturn ({MANY})': 'a list display', f't = [x, 1] if y else [x]\nreturn ({MANY})': 'a list display',
    'return [' + ', '.join(map(str, range(40))) + ']': 'a list display', f'return {{{MANY}}}': 'a set display',
    'return {' + ', '.join(f'{k}: x' for k in range(40)) + '}': 'a dict display', f'return ({MANY}, *(x, y))': "unpacking with '*'",
    f'd = {{1: x}}\nreturn g({MANY})': 'a dict display', 'return max(*(x, y))': 'a call with \\*args', 'return max(x, **{"key": y})': 'a call with \\*\\*kwargs',
    f'return max(*(({MANY}) if y else (x, y)))': 'a call with \\*args', f'd = x\nreturn g({WORDS}, **d)': '\\*\\*kwargs',
}.items())
def test_what_stays_refused(body, what):
    f, _ = make(body)
    with pytest.raises(Exception, match=what):
        f(7, 3)


def test_a_keyword_given_twice_and_one_too_many_are_told():
    with pytest.raises(Exception, match="more than one value for argument 'p3'"):
        make(f'return g({MANY[:-8]}, p3=x)')[0](1, 2)
    with pytest.raises(Exception, match='takes 40 arguments|at most 40|41'):
        make(f'return g({MANY}, x)')[0](1, 2)
