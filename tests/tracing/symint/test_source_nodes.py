"""The expression that an instruction evaluates, on every version of Python."""

from __future__ import annotations

import ast
import contextlib
import linecache
import sys
from typing import ClassVar

import pytest

from archlint.tracing.symint.source_nodes import tree_of

ASKED = {
    "f-string": "f'a{h}'",
    "f-string in a key": "{}.get((f'{h}', 1))",
    "spec": "f'{1:d}{h:d}'",
    "look-up": "{1: 2}.get(h, 3)",
    "second of two look-ups": "({1: 2}.get(1), {3: 4}.get(h))",
    "subscript": "{7: 8, 9: 1}[h]",
    "membership": "1 in {2: 1} or h in {3: 4}",
    "slice": "[1, 2][0:h]",
    "index": "[1, 2, 3][1] + [4] [h]",
    "dict": "{1: 2, h: 3}",
    "text": "str(1) + str(h)",
    "formatted": "'{}'.format(h)",
    "joined": "','.join(map(str, [h]))",
    "percent": "'%d' % 1 + '%s' % h",
    "comprehension": "[{1: 2}.get(k) for k in [h]]",
    "of a dict": "{k: 1 for k in [h]}",
    "lambda": "(lambda k: {1: 2}.get(k))(h)",
}
FOUND = {
    "f-string": ("a{h}", "{h}"),
    "f-string in a key": ("{h}",),
    "spec": ("{h:d}",),
    "look-up": ("{1: 2}.get(h, 3)",),
    "second of two look-ups": ("{3: 4}.get(h)",),
    "subscript": ("{7: 8, 9: 1}[h]",),
    "membership": ("h in {3: 4}",),
    "slice": ("[1, 2][0:h]",),
    "index": ("[4][h]",),
    "dict": ("{1: 2, h: 3}",),
    "text": ("str(h)",),
    "formatted": ("'{}'.format(h)",),
    "joined": ("map(str, [h])", "','.join(map(str, [h]))"),
    "percent": ("'%s' % h",),
    "comprehension": ("{1: 2}.get(k)",),
    "of a dict": ("{k: 1 for k in [h]}", "k"),
    "lambda": ("{1: 2}.get(k)",),
}


class Asked:
    """A number that notes the expression for which Python asks it anything."""

    found: ClassVar[list[str]] = []

    def _note(self):
        frame = sys._getframe(2)
        node = tree_of(frame).at(frame.f_code, frame.f_lasti)
        Asked.found.append("" if node is None else ast.unparse(node))

    def __hash__(self):
        self._note()
        return 1

    def __eq__(self, other):
        return False

    def __str__(self):
        self._note()
        return "0"

    def __format__(self, spec):
        self._note()
        return "0"

    def __index__(self):
        self._note()
        return 0


@pytest.mark.parametrize("name", ASKED)
def test_the_expression_that_asks(name, tmp_path):
    file = tmp_path / "asking.py"
    file.write_text(f"def other(h):\n    return h\n\n\ndef ask(h):\n    return {ASKED[name]}\n")
    names = {}
    exec(compile(file.read_text(), str(file), "exec", dont_inherit=True), names)
    Asked.found.clear()
    with contextlib.suppress(KeyError):
        names["ask"](Asked())
    assert Asked.found
    for found in Asked.found:
        assert any(part in found for part in FOUND[name]), Asked.found
        assert found.count("h") <= ASKED[name].count("h")


def test_a_file_that_changed_has_another_tree(tmp_path):
    """Once Python reads it again, as for a traceback or after an import."""
    file = tmp_path / "changes.py"
    found = []
    for text in (
        "def ask(see):\n    return see()\n",
        "def ask(see):\n    # more\n    return see()\n",
    ):
        file.write_text(text)
        linecache.checkcache(str(file))
        names = {}
        exec(compile(text, str(file), "exec"), names)
        trees = [names["ask"](lambda: tree_of(sys._getframe(1))) for _ in range(2)]
        assert trees[0] is trees[1]
        found.append(trees[0])
    assert found[0] is not found[1]
    assert len(list(ast.walk(found[0].tree))) == len(list(ast.walk(found[1].tree)))
