"""generate.py - seeded random functions whose result naja must reproduce bit for bit.

    python tests/fuzz/generate.py SEED          prints the source of one

Every variable keeps one kind (int, float, bool, tuple, named tuple), so that Python's dynamic result type is the static one. Integers are
kept below 2**40 by a mask after every operation that can grow them: beyond 64 bits compiled code wraps, by design. Floats are free
to become inf or nan; divisions by zero must raise in both worlds. Of tuples only integers are compared: CPython's tuples take
identical elements for equal, NaN included. Arrays are arguments (v of int64, w of float64, m of two dimensions); every index is
taken modulo the length, sometimes from the end; they come in C order, strided, or in Fortran's order, by the seed. Helpers h0, h1, ...
are functions of their own that f calls. Now and then a KeyError is raised, or an assert fails, with what it says compared, too.
Transcendental functions are rounded, as vectorised ones (libmvec's) may differ in the last places.
"""
import random
import sys
from collections import namedtuple

INT, FLOAT, BOOL, PAIR, NEST, MASS = 'int', 'float', 'bool', 'pair', 'nest', 'qmass'
MASK = (1 << 20) - 1


class Generator:
    def __init__(self, seed):
        self.r = random.Random(seed)
        self.lines, self.depth, self.loops, self.counter = [], 1, 0, 0
        self.vars = {INT: [], FLOAT: [], BOOL: [], PAIR: [], NEST: [], MASS: []}
        self.helpers, self.arrays = [], True        # helpers: (name, kinds of parameters, kind of result)
        self.frozen = set()             # loop counters: assigning to them could make the loop endless

    # -- expressions ------------------------------------------------------------------------------------------

    def pick(self, *choices):
        return self.r.choice(choices)

    def expr(self, kind, d=0):
        leaf = d > 3 or self.r.random() < 0.25
        return getattr(self, ('leaf_' if leaf else 'expr_') + kind)(d + 1)

    def leaf_int(self, d):
        if self.vars[INT] and self.r.random() < 0.7:
            return self.r.choice(self.vars[INT])
        return str(self.pick(0, 1, 2, 3, 5, 7, 10, 64, 255, 1000, 65537, -1, -2, -7, -100))

    def leaf_float(self, d):
        if self.vars[FLOAT] and self.r.random() < 0.7:
            return self.r.choice(self.vars[FLOAT])
        return self.pick('0.0', '1.0', '0.5', '-1.5', '2.0', '3.25', '1e-3', '-0.0', '1e10', '0.1')

    def leaf_bool(self, d):
        if self.vars[BOOL] and self.r.random() < 0.5:
            return self.r.choice(self.vars[BOOL])
        return self.pick('True', 'False')

    def leaf_pair(self, d):
        if self.vars[PAIR] and self.r.random() < 0.7:
            return self.r.choice(self.vars[PAIR])
        return f'({self.leaf_int(d)}, {self.leaf_float(d)})'

    def leaf_nest(self, d):
        if self.vars[NEST] and self.r.random() < 0.7:
            return self.r.choice(self.vars[NEST])
        return f'({self.leaf_int(d)}, ({self.leaf_pair(d)}, {self.leaf_bool(d)}))'

    def leaf_qmass(self, d):
        if self.vars[MASS] and self.r.random() < 0.7:
            return self.r.choice(self.vars[MASS])
        return f'Mass({self.leaf_int(d)}, {self.leaf_float(d)})'

    def expr_qmass(self, d):
        return self.pick(
            lambda: f'Mass({self.expr(INT, d)}, {self.expr(FLOAT, d)})',
            lambda: f'Mass(x={self.expr(FLOAT, d)}, n={self.expr(INT, d)})',
            lambda: f'({self.expr(MASS, d)} if {self.expr(BOOL, d)} else {self.expr(MASS, d)})',
        )()

    def expr_nest(self, d):
        return self.pick(
            lambda: f'({self.expr(INT, d)}, ({self.expr(PAIR, d)}, {self.expr(BOOL, d)}))',
            lambda: f'({self.expr(NEST, d)} if {self.expr(BOOL, d)} else {self.expr(NEST, d)})',
            lambda: f'(({self.expr(INT, d)},) + {self.expr(NEST, d)}[1:])',
        )()

    def index(self, n, d):
        """An index that an axis of length n has."""
        return self.pick(lambda: f'{self.expr(INT, d)} % {n}', lambda: f'{self.expr(INT, d)} % {n} - {n}', lambda: str(self.r.randrange(n)),
                         lambda: str(-1 - self.r.randrange(n)))()

    def element(self, kind, d):
        """An element of an array: what can be assigned, and read by way of int() or float(), as NumPy's numbers are no Python ones."""
        if not self.arrays:
            return self.r.choice(self.vars[kind])
        if kind == INT:
            return self.pick(lambda: f'v[{self.index(5, d)}]', lambda: f'v[::-1][{self.index(5, d)}]', lambda: f'v[1:4][{self.index(3, d)}]')()
        return self.pick(lambda: f'w[{self.index(7, d)}]', lambda: f'm[{self.index(3, d)}, {self.index(4, d)}]',
                         lambda: f'm[{self.index(3, d)}][{self.index(4, d)}]', lambda: f'm[:, {self.index(4, d)}][{self.index(3, d)}]',
                         lambda: f'm.T[1:, ::2][{self.index(3, d)}, {self.index(2, d)}]', lambda: f'w[::2][{self.index(4, d)}]')()

    def call(self, kind, d):
        fit = [h for h in self.helpers if h[2] == kind]
        if not fit:
            return self.expr(kind, d)
        name, kinds, _ = self.r.choice(fit)
        args = [self.expr(k, d + 1) for k in kinds]
        if len(args) > 1 and self.r.random() < 0.3:
            return f'{name}({args[0]}, ' + ', '.join(f'a{i}={args[i]}' for i in range(len(args) - 1, 0, -1)) + ')'
        return f'{name}({", ".join(args)})'

    def expr_int(self, d):
        e = lambda: self.expr(INT, d)               # noqa: E731
        return self.pick(
            lambda: f'(int({self.element(INT, d)}) & {MASK})',
            lambda: f'({self.call(INT, d)} & {MASK})',
            lambda: f'{self.expr(NEST, d)}[0]',
            lambda: f'math.gcd({e()}, {e()})',
            lambda: f'math.{self.pick("floor", "ceil", "trunc")}({self.small_float(d)})',
            lambda: f'({e()} % {1 << 16}) * ({e()} % 255)',
            lambda: f'pow({e()} & 15, {self.pick(2, 3)})',
            lambda: f'sum(({e()}, {e()}, {self.leaf_int(d)}))',
            lambda: f'max(({e()}, {e()}))',
            lambda: f'len({self.expr(NEST, d)})',
            lambda: f'(({e()} {self.pick("+", "-", "*")} {e()}) & {MASK})',
            lambda: f'({e()} {self.pick("+", "-")} {e()}) % {self.pick(7, 1009, -13)}',
            lambda: f'({e()} {self.pick("&", "|", "^")} {e()})',
            lambda: f'({e()} // {self.pick(3, -4, 17)})',
            lambda: f'({e()} {self.pick("//", "%")} {self.divisor(INT, d)})',
            lambda: f'(({e()} & 1023) << {self.r.randrange(8)})',
            lambda: f'({e()} >> {self.r.randrange(8)})',
            lambda: f'({self.pick("-", "~", "+")}{e()})',
            lambda: f'abs({e()})',
            lambda: f'{self.pick("min", "max")}({e()}, {e()})',
            lambda: f'divmod({e()}, {self.pick(5, -6)})[{self.pick(0, 1)}]',
            lambda: f'({e()} & 7) ** {self.pick(0, 1, 2, 3)}',
            lambda: f'int({self.small_float(d)})',
            lambda: f'round({self.small_float(d)})',
            lambda: f'({e()} if {self.expr(BOOL, d)} else {e()})',
            lambda: f'{self.expr(PAIR, d)}[0]',
            lambda: f'int({self.expr(BOOL, d)})',
            lambda: f'{self.expr(MASS, d)}{self.pick(".n", "[0]")}',
            lambda: f'round({e()}, {self.pick(-2, -1, 0, 1)})',
        )()

    def divisor(self, kind, d):
        """Mostly not zero: a function that raises early tests little."""
        one = '1' if kind == INT else '1.0'
        return self.expr(kind, d) if self.r.random() < 0.05 else f'({self.expr(kind, d)} or {one})'

    def small_float(self, d):
        return f'min(max({self.expr(FLOAT, d)}, -1e6), 1e6)' if self.r.random() < 0.5 else \
            f'({self.expr(INT, d)} / {self.pick(2, 4, 10, -8)})'

    def expr_float(self, d):
        e = lambda: self.expr(FLOAT, d)             # noqa: E731
        return self.pick(
            lambda: f'float({self.element(FLOAT, d)})',
            lambda: self.call(FLOAT, d),
            lambda: f'{self.expr(NEST, d)}[1][0][1]',
            lambda: f'math.copysign({e()}, {e()})',
            lambda: f'round(math.{self.pick("atan", "sin", "cos", "tanh", "erf")}({self.small_float(d)}), 7)',
            lambda: f'round(math.atan2({e()}, {e()}), 7)',
            lambda: f'round(math.exp(min({e()}, 5.0)), 7)',
            lambda: f'round(math.log(abs({e()}) + 1.0), 7)',
            lambda: f'math.modf({self.small_float(d)})[{self.pick(0, 1)}]',
            lambda: f'math.frexp({self.small_float(d)})[0]',
            lambda: f'round({e()}, {self.pick(0, 1, 3)})',
            lambda: f'({self.small_float(d)} ** {self.pick(2, 1, 0)})',
            lambda: f'math.fmod({self.small_float(d)}, {self.pick(2.5, -0.75)})',
            lambda: f'({e()} {self.pick("+", "-", "*")} {e()})',
            lambda: f'({e()} {self.pick("+", "-", "*")} {self.expr(INT, d)})',
            lambda: f'({e()} / {self.pick(2.0, -3.0, 0.7)})',
            lambda: f'({e()} / {self.divisor(FLOAT, d)})',
            lambda: f'({e()} {self.pick("//", "%")} {self.pick(2.0, -0.75, 3)})',
            lambda: f'({self.expr(INT, d)} / {self.pick(3, -7, 9)})',
            lambda: f'(-{e()})',
            lambda: f'abs({e()})',
            lambda: f'{self.pick("min", "max")}({e()}, {e()})',
            lambda: f'float({self.expr(INT, d)})',
            lambda: f'math.sqrt(abs({e()}))',
            lambda: f'math.fabs({e()})',
            lambda: f'({e()} if {self.expr(BOOL, d)} else {e()})',
            lambda: f'{self.expr(PAIR, d)}[1]',
            lambda: f'{self.expr(MASS, d)}{self.pick(".x", "[-1]")}',
        )()

    def expr_bool(self, d):
        i, f, b = (lambda: self.expr(INT, d)), (lambda: self.expr(FLOAT, d)), (lambda: self.expr(BOOL, d))
        return self.pick(
            lambda: f'({i()} {self.pick("<", "<=", "==", "!=", ">", ">=")} {i()})',
            lambda: f'({f()} {self.pick("<", "<=", "==", "!=", ">", ">=")} {f()})',
            lambda: f'({i()} {self.pick("<", ">=", "==")} {f()})',
            lambda: f'({i()} < {i()} {self.pick("<", "<=", "!=")} {i()})',
            lambda: f'({b()} {self.pick("and", "or", "==", "!=")} {b()})',
            lambda: f'(not {b()})',
            lambda: f'bool({self.pick(i, f)()})',
            lambda: f'(({i()}, {i()}) {self.pick("==", "!=", "<", ">=")} ({i()}, {i()}))',
            lambda: f'math.{self.pick("isnan", "isinf", "isfinite")}({f()})',
            lambda: f'({self.expr(NEST, d)}[1][1])',
            lambda: f'({i()} not in {self.pick((1, 2, 3), (0, -1))})',
            lambda: f'({i()} in ({i()}, {i()}, {self.leaf_int(d)}))',
        )()

    def expr_pair(self, d):
        return self.pick(
            lambda: f'({self.expr(INT, d)}, {self.expr(FLOAT, d)})',
            lambda: f'({self.expr(PAIR, d)} if {self.expr(BOOL, d)} else {self.expr(PAIR, d)})',
        )()

    # -- statements ---------------------------------------------------------------------------------------------

    def put(self, text):
        self.lines.append('    ' * self.depth + text)

    def new_var(self, kind):
        name = f'{kind[0]}{len(self.vars[kind])}'
        return name

    def assign(self):
        kind = self.pick(INT, INT, FLOAT, FLOAT, BOOL, PAIR, NEST, MASS)
        old = [v for v in self.vars[kind] if v not in self.frozen]
        value = self.expr(kind)
        if old and (self.depth > 1 or self.r.random() < 0.5):
            self.put(f'{self.r.choice(old)} = {value}')
        elif self.depth == 1:
            name = self.new_var(kind)
            self.put(f'{name} = {value}')
            self.vars[kind].append(name)

    def augment(self):
        old = [v for v in self.vars[FLOAT] if v not in self.frozen]
        if old:
            self.put(f'{self.r.choice(old)} {self.pick("+=", "-=", "*=")} {self.expr(self.pick(INT, FLOAT))}')

    def store(self):
        if not self.arrays:
            return self.assign()
        kind = self.pick(INT, FLOAT)
        if self.r.random() < 0.2:
            value = self.expr(FLOAT, 2)
            return self.put(self.pick(f'm[{self.index(3, 2)}] = {value}', f'm[:, {self.index(4, 2)}] = w[:3]', 'w[1:] = w[:-1]', 'w[:-2] = w[2:]',
                                      f'w[::-1] = w', f'm[1:, 1:] = m[:-1, :-1]', f'v[:3] = ({self.leaf_int(2)}, 2, {self.leaf_int(2)})'))
        if self.r.random() < 0.3:
            a, b = self.element(kind, 2), self.element(kind, 2)
            return self.put(f'{a}, {b} = {b}, {a}')
        if kind == INT:
            return self.put(f'{self.element(INT, 2)} = {self.expr(INT, 1)} & {MASK}')
        self.put(f'{self.element(FLOAT, 2)} {self.pick("=", "=", "+=", "*=")} {self.expr(FLOAT, 1)}')

    def swap(self):
        kind = self.pick(INT, FLOAT)
        old = [v for v in self.vars[kind] if v not in self.frozen]
        if len(old) >= 2:
            a, b = self.r.sample(old, 2)
            self.put(f'{a}, {b} = {self.pick(b, self.expr(kind))}, {a}')

    def unpack(self):
        ints, floats = [v for v in self.vars[INT] if v not in self.frozen], self.vars[FLOAT]
        if ints and floats:
            self.put(f'{self.r.choice(ints)}, {self.r.choice(floats)} = {self.expr(PAIR)}')

    def body(self, n):
        before, self.depth = len(self.lines), self.depth + 1
        for _ in range(n):
            self.statement()
        if len(self.lines) == before:
            self.put('pass')
        self.depth -= 1

    def branch(self):
        self.put(f'if {self.expr(BOOL)}:')
        self.body(2)
        if self.r.random() < 0.3:
            self.put(f'elif {self.expr(BOOL)}:')
            self.body(1)
        if self.r.random() < 0.6:
            self.put('else:')
            self.body(2)

    def loop(self):
        if self.loops >= 2:
            return self.assign()
        name, self.counter = f'k{self.counter}', self.counter + 1
        head = self.pick(f'range({self.r.randrange(6)})', f'range({self.leaf_int(0)} & 7)',
                         f'range({self.r.randrange(-3, 3)}, {self.r.randrange(8)}, {self.pick(1, 2, 3)})',
                         f'range({self.r.randrange(8)}, {self.r.randrange(-4, 3)}, {self.pick(-1, -2)})',
                         '(3, 1, 4, 1, 5)', *['v[:3]', 'v[::-2]'] * self.arrays)
        if self.arrays and self.r.random() < 0.15:
            other, self.counter = f'k{self.counter}', self.counter + 1
            return self.in_loop(f'for {other}, {name} in enumerate(v):', name, f'{name} = int({name}) - {other}')
        if 'v[' in head:                # NumPy's own integers follow other rules in Python
            return self.in_loop(f'for {name} in {head}:', name, f'{name} = int({name})')
        self.in_loop(f'for {name} in {head}:', name)

    def while_loop(self):
        if self.loops >= 2:
            return self.assign()
        name, self.counter = f'w{self.counter}', self.counter + 1
        self.put(f'{name} = 0')
        self.in_loop(f'while {name} < {self.r.randrange(6)}:', name, f'{name} += 1')

    def in_loop(self, head, name, first=None):
        self.put(head)
        self.loops += 1
        self.frozen.add(name)
        self.vars[INT].append(name)
        if first:
            self.lines.append('    ' * (self.depth + 1) + first)
        self.body(3)
        self.vars[INT].remove(name)     # it may be unbound after the loop
        self.loops -= 1
        if self.r.random() < 0.2:
            self.put('else:')
            self.body(1)

    def leave(self):
        if self.loops and self.r.random() < 0.7:
            self.put(f'if {self.expr(BOOL)}:')
            self.lines.append('    ' * (self.depth + 1) + self.pick('break', 'continue'))
        elif self.depth > 1 and self.r.random() < 0.3:
            self.put(f'if {self.expr(BOOL)}:')
            self.lines.append('    ' * (self.depth + 1) + self.result())

    def fail(self):
        if self.depth > 1 and self.r.random() < 0.2:
            self.put(self.pick(f'if {self.expr(BOOL)} and {self.expr(BOOL)}: raise KeyError("text", {self.r.randrange(9)})',
                               f'assert {self.expr(BOOL)} or {self.expr(BOOL)}, "what {self.r.randrange(9)}"'))
        else:
            self.assign()

    def statement(self):
        self.pick(self.assign, self.assign, self.assign, self.augment, self.swap, self.unpack, self.branch,
                  self.loop, self.while_loop, self.leave, self.store, self.fail)()

    def result(self):
        return self.ending or 'return (i0, f0, b0, p0, n0, q0)'

    ending = None

    def start(self, b0, p0):
        self.put(f'b0 = {b0}')
        self.put(f'p0 = {p0}')
        self.put('n0 = (i0, (p0, b0))')
        self.put('q0 = Mass(i0, f0)')
        self.vars[BOOL], self.vars[PAIR], self.vars[NEST], self.vars[MASS] = ['b0'], ['p0'], ['n0'], ['q0']

    def helper(self, n):
        """A function of numbers, with statements of its own; it may call the helpers before it."""
        g = Generator(self.r.random())
        g.helpers, g.arrays = list(self.helpers), False
        kinds, kind = [self.pick(INT, FLOAT) for _ in range(self.r.randrange(1, 4))], self.pick(INT, FLOAT)
        g.vars[INT] = [f'a{i}' for i, k in enumerate(kinds) if k == INT] + ['i0']
        g.vars[FLOAT] = [f'a{i}' for i, k in enumerate(kinds) if k == FLOAT] + ['f0']
        g.ending = f'return {kind[0]}0'
        g.put(f'i0 = {self.leaf_int(9) if not self.vars[INT] else 3}')
        g.put('f0 = 0.5')
        g.start('i0 < 2', '(i0, f0)')
        for _ in range(self.r.randrange(1, 4)):
            g.statement()
        g.put(g.ending)
        self.helpers.append((f'h{n}', kinds, kind))
        return f'@njit\ndef h{n}({", ".join(f"a{i}" for i in range(len(kinds)))}):\n' + '\n'.join(g.lines) + '\n\n'

    def source(self):
        before = ''.join(self.helper(n) for n in range(self.r.choice((0, 0, 1, 2))))
        self.vars[INT] = ['i0', 'i1']
        self.vars[FLOAT] = ['f0', 'f1']
        self.start('i0 < i1', '(i1, f1)')
        for _ in range(self.r.randrange(4, 12)):
            self.statement()
        self.put(self.result())
        return before + 'def f(i0, i1, f0, f1, v, w, m):\n' + '\n'.join(self.lines) + '\n'


NUMBERS = [(0, 0, 0.0, 0.0), (3, -5, 1.5, -2.25), (-17, 4, -0.0, 1e-8), (1023, 77, 1e6, 3.0), (-1, -1, -7.75, 0.1)]


Mass = namedtuple('Mass', 'n x')        # what generated functions know by this name


def spread(a, seed):
    """The same numbers: in C order, every second of twice as many, backwards in memory, or in Fortran's order."""
    import numpy as np
    kind = seed % 4
    if kind == 1:
        return np.repeat(a, 2, axis=-1)[..., ::2]
    if kind == 2:
        return a[..., ::-1].copy()[..., ::-1]
    return np.asfortranarray(a) if kind == 3 else a


def arguments(numbers, seed=0):
    """Fresh ones, as arrays are written to."""
    import numpy as np
    i, j, x, y = numbers
    v, w = np.array([i, j, 7, -100, 65537]), np.array([x, y, 0.5, -1.5, 1e10, -0.0, 3.25])
    return (*numbers, spread(v, seed), spread(w, seed // 4), spread(np.arange(12.0).reshape(3, 4) * y + x, seed // 16))


def generate(seed):
    return Generator(seed).source()


if __name__ == '__main__':
    print(generate(int(sys.argv[1]) if len(sys.argv) > 1 else 0))
