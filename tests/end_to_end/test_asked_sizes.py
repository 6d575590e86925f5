"""Everything that Python can ask of a size has an entry in a table, and each entry is run."""

import builtins
import math
import operator
import os
import statistics
import sys

import pytest
import torch

from archlint.symbolic import symbol
from archlint.symbolic.formula import holds
from archlint.symbolic.intervals import Box
from archlint.tracing.path import TracedPath
from archlint.tracing.python.builtins import shadowed
from archlint.tracing.python.math_functions import math_of_sizes
from archlint.tracing.symint.node import size_of
from archlint.tracing.symint.numbers import pinned, value_at
from archlint.tracing.symint.python_types import SymbolicBool, SymbolicFloat, SymbolicInt, sym_int
from tests import REPO
from tests.support.asked_sizes import ANSWERS, SINCE, SOME, TABLES

SIZES = [*range(1, 26), 31, 32, 33, 64, 127, 128, 129, 1000, 2**20]
FEW = [1, 7, 9, 10, 32]
MOST_PATHS = 12

OWNERS = {
    "int": int,
    "float": float,
    "bool": bool,
    "math": math,
    "operator": operator,
    "builtins": builtins,
    "statistics": statistics,
    "torch.Size": torch.Size,
}


def members(owner):
    """The names of a type's members, or of what a module offers, exceptions left out."""
    if isinstance(owner, type):
        return set(dir(owner))
    names = getattr(owner, "__all__", [n for n in dir(owner) if not n.startswith("_")])
    values = {name: getattr(owner, name) for name in names}
    return {
        name
        for name, value in values.items()
        if not (isinstance(value, type) and issubclass(value, BaseException))
    }


def unanswered(name):
    """Members without an entry in their table."""
    return members(OWNERS[name]) - TABLES[name].keys()


@pytest.mark.parametrize("name", OWNERS)
def test_every_member_has_an_entry(name):
    assert unanswered(name) == set()


def test_a_new_member_needs_an_entry(monkeypatch):
    monkeypatch.setattr(math, "new", math.gcd, raising=False)
    monkeypatch.setattr(builtins, "new", len, raising=False)
    monkeypatch.setitem(OWNERS, "int", type("int", (int,), {"new": len}))
    assert [unanswered(name) - {"__dict__", "__module__"} for name in ("math", "builtins")] == [
        {"new"}
    ] * 2
    assert "new" in unanswered("int")


@pytest.mark.parametrize("name", OWNERS)
def test_every_entry_is_a_member_in_some_version(name):
    later = {n for since, names in SINCE.items() if sys.version_info < since for n in names.split()}
    own = set(dir(OWNERS[name]))
    assert TABLES[name].keys() - own - later - SOME == set()


@pytest.mark.parametrize("name", OWNERS)
def test_every_entry_names_what_it_asks(name):
    assert [
        n for n, (answer, code) in TABLES[name].items() if (answer == "object") != (code == "")
    ] == []


@pytest.mark.parametrize(
    ("plain", "symbolic"), [(int, SymbolicInt), (float, SymbolicFloat), (bool, SymbolicBool)]
)
def test_a_size_has_every_member(plain, symbolic):
    # Class methods, which are asked of the type.
    own = {"from_number", "__getformat__", "__setformat__"}
    assert set(dir(plain)) - set(dir(symbolic)) - own == set()


def asked(code, size):
    names = {
        "h": size, "f": size / 4, "b": size > 9, "s": torch.Size([size, 3]),
        "math": math, "operator": operator, "statistics": statistics,
    }  # fmt: skip
    return eval(code, names)


def number(value, env):
    if isinstance(value, (list, tuple)):
        return [number(v, env) for v in value]
    return value_at(size_of(value), env) if hasattr(value, "node") else value


def settled(path, value):
    """A float that is known at one point only, as code that looks at it takes it."""
    return pinned(path, value.node.value) if hasattr(value, "node") else value


CASES = [
    (table, name, answer, code)
    for table, entries in TABLES.items()
    for name, (answer, code) in entries.items()
    if answer not in ("object", "by use") and hasattr(OWNERS[table], name)
]


@pytest.mark.filterwarnings("ignore:Bitwise inversion '~' on bool")  # from Python 3.12 on
@pytest.mark.parametrize(("table", "name", "answer", "code"), CASES)
def test_the_answer_is_that_of_a_number(table, name, answer, code):
    covered = set()
    paths = 0
    for h in SIZES if answer in ("exact", "branch") else FEW:
        if h in covered:
            continue
        path = TracedPath({"H": h}, Box({"H": (1, None)}))
        try:
            with math_of_sizes(), shadowed(()):
                result = asked(code, sym_int(symbol("H"), path))
                if answer == "pinned":
                    result = settled(path, result)
        except Exception as error:
            with pytest.raises(type(error)):
                asked(code, h)
            result = error
        paths += 1
        if path.caveats:  # nothing is proved then
            assert answer == "pinned"
            continue
        through = [o for o in SIZES if all(holds(e.formula, {"H": o}) for e in path.events)]
        assert h in through
        for other in through:
            if isinstance(result, Exception):
                with pytest.raises(type(result)):
                    asked(code, other)
            else:
                assert number(result, {"H": other}) == number(asked(code, other), {}), other
        covered.update(through)
        if answer == "exact" and table != "bool":
            assert path.events == []
    if answer in ("exact", "branch"):
        assert covered == set(SIZES)
        assert paths <= MOST_PATHS
    assert (answer == "refused") == isinstance(result, Exception)


HEAD = """# What Python code can ask of a size

A model's code asks its sizes what it would ask of numbers. This page lists the answers. It is
made by `tests/end_to_end/test_asked_sizes.py`, which runs each expression on a size and on numbers.
`h` is a size, `f` is `h / 4`, `b` is `h > 9`, and `s` is a shape, `torch.Size([h, 3])`.

{words}
The text of a size (`str(h)`, `f"w{{h}}"`, `"%d" % h`) and its hash are *by use*. A text that is
raised, printed or logged takes no branch. Where the text, or the size, is compared with constants
or looked up in a container, each entry is a branch, and one more stands for no entry. Where it is a
key, so is each number, or text of one, that is looked up among the keys later. Anything else is
pinned; what sorts or cuts such keys leaves the model not proved.
`isinstance(h, int)`, `case int(h)` and `type(h) is int` hold, and `h is 7` and `id(h) == id(7)`
where they do for a number. `eval` and `exec` are not followed: where their text asks for identity
or a type, nothing is proved.
What code can ask of a tensor is [another page](asked-tensors.md).
"""


def page():
    """The page of the documentation, made from the tables."""
    words = "".join(f"- **{word}**: {meaning}.\n" for word, meaning in ANSWERS.items())
    lines = [HEAD.format(words=words)]
    for table, entries in TABLES.items():
        lines += [f"## `{table}`", "", "| member | expression | answer |", "|---|---|---|"]
        for name, (answer, code) in sorted(entries.items()):
            shown = code.replace("|", "\\|")
            lines.append(f"| `{name}` | {f'`{shown}`' if code else ''} | {answer} |")
        lines.append("")
    return "\n".join(lines)


def test_the_page_lists_them():
    file = REPO / "docs" / "asked.md"
    if os.environ.get("ARCHLINT_RECORD"):
        file.write_text(page(), encoding="utf-8")
    made = "ARCHLINT_RECORD=1 pytest tests/end_to_end/test_asked_sizes.py"
    assert file.read_text(encoding="utf-8") == page(), made
