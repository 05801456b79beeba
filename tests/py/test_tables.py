"""Facts that C tables and Python modules both hold are the same. The tables are read as text, from the sources."""
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


def rows(table, macro, columns):
    """The first columns of each row of a .def file, without quotes."""
    text = re.sub(r'/\*.*?\*/', '', (ROOT / table).read_text(), flags=re.DOTALL)
    found = re.findall(macro + r'\(' + ','.join([r'\s*("[^"]*"|[^,()]*)\s*'] * columns), text)
    assert found, f'no {macro} in {table}'
    return [[value.strip('" ') for value in row] for row in found]


def test_stubs_are_the_rows_of_the_cuda_module():
    from naja.cuda import stubs
    known = {name for _, name in rows('host/front/intrin.def', 'INTRIN', 2) if name.startswith('naja.cuda.')}
    assert {f'naja.cuda.{name}' for name in stubs.DOCS} == known


def test_scalars_have_their_names():
    import naja
    for _, _, name, *_ in rows('host/type/scalars.def', 'SCALAR', 4):
        assert str(getattr(naja, 'boolean' if name == 'bool' else name)) == name


def test_aliases_mean_the_same_in_signatures_and_as_names():
    import naja
    scalars = {ident: name for ident, _, name, *_ in rows('host/type/scalars.def', 'SCALAR', 4)}
    both = [(alias, scalars[ident]) for alias, ident in rows('host/type/aliases.def', 'ALIAS', 2) if hasattr(naja, alias)]
    assert len(both) > 20
    assert [(alias, str(getattr(naja, alias))) for alias, _ in both] == both


def test_names_can_be_written_in_signatures():
    from naja import _aliases, types
    assert [name for name in _aliases.__all__ if types.as_type(name) is not getattr(_aliases, name)] == []


def test_fast_math_flags_are_the_writers():
    from naja import options
    words = re.search(r'words\[\] = \{([^}]*)\}', (ROOT / 'host/emit/llvm.c').read_text())[1]
    assert re.findall(r'"(\w+)"', words) == list(options._FLAGS)


@pytest.mark.parametrize('exception', sorted({row[1] for row in rows('host/base/errors.def', 'ERR', 2)}))
def test_messages_have_a_class(exception):
    import builtins

    from naja import errors
    assert issubclass(getattr(errors, exception, None) or getattr(builtins, exception), Exception)
