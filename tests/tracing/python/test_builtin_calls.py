"""Which names a trace can replace in a module."""

import types

import pytest

from archlint.tracing.python.builtin_calls import replaceable


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("def f(h): return int(h / 2)", {"int"}),
        ("n = int(3.5)", set()),  # runs as the module is imported
        ("def f(h): return isinstance(h, int)", set()),  # nothing is called
        ("def f(h): return isinstance(h, int) and int(h) + len(h)", {"int", "len"}),
        ("def f(h): return torch.zeros(h, dtype=int), int(h)", set()),  # a shadow would show
        ("def f(h): return sorted(h, key=int), int(h)", {"int"}),
        ("def f(p):\n  p.add_argument('-n', type=int)\ndef g(h): return int(h)", {"int"}),
        ("def f(h): return defaultdict(int), int(h)", {"int"}),
        ("def f(h: int) -> int: return int(h)", {"int"}),
        ("def f(h): return map(int, h)", {"int"}),
        ("def f(h): return type(h) is int or int(h) < 3", {"type", "int"}),
        ("f = lambda h: max(h, 3)", {"max"}),
        ("def f(h, convert=int): return convert(h), int(h)", {"int"}),
        ("class A:\n  def f(self, h): return int.from_bytes(h) + int(h)", {"int"}),
        ("def f(h): return int(", set()),
    ],
)
def test_names_that_can_be_replaced(tmp_path, source, names):
    file = tmp_path / "asked.py"
    file.write_text(source)
    module = types.ModuleType("asked")
    module.__file__ = str(file)
    assert replaceable(module) == names
