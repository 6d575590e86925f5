"""docs/architecture.md: its tree is made from docstrings, and every file that it names exists.

``ARCHLINT_RECORD=1 pytest tests/test_architecture.py`` makes the tree again.
"""

import ast
import os
import re
from pathlib import Path

from tests import REPO

PAGE = REPO / "docs" / "architecture.md"
RECORD = bool(os.environ.get("ARCHLINT_RECORD"))
TREE = re.compile(r"<!-- made from .* -->\n(?:.*\n)*?<!-- end -->")
HEAD = "<!-- made from docstrings by tests/test_architecture.py -->"
PACKAGES = ("archlint", "pytest_archlint")


def first_line(file):
    """What a module says it is: the first line of its docstring."""
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return text.partition("\n\n")[0].replace("\n", " ").replace("``", "`")


def entries(folder):
    """A line for the folder, one for each of its modules, and those of the folders in it."""
    name = folder.relative_to(REPO).as_posix()
    yield f"\n`{name}/`: {first_line(folder / '__init__.py')}\n"
    for file in sorted(folder.glob("*.py")):
        if file.name != "__init__.py":
            yield f"- `{file.name}`: {first_line(file)}"
    for below in sorted(p.parent for p in folder.glob("*/__init__.py")):
        yield from entries(below)


def tree():
    lines = [line for package in PACKAGES for line in entries(REPO / package)]
    return "\n".join([HEAD, *lines, "", "<!-- end -->"])


def modules():
    return [p for package in PACKAGES for p in sorted((REPO / package).rglob("*.py"))]


def test_the_tree_is_that_of_the_source():
    text = PAGE.read_text(encoding="utf-8")
    made = TREE.sub(lambda _: tree(), text)
    if RECORD:
        PAGE.write_text(made, encoding="utf-8")
    else:
        assert text == made, "ARCHLINT_RECORD=1 pytest tests/test_architecture.py"


def test_every_module_says_what_it_is_in_one_line():
    lines = {file.relative_to(REPO).as_posix(): first_line(file) for file in modules()}
    assert [file for file, line in lines.items() if not 0 < len(line) <= 120] == []


def test_every_file_that_the_page_names_exists():
    text, *_ = PAGE.read_text(encoding="utf-8").partition("## The tree")
    named = re.findall(r"`((?:archlint|pytest_archlint|rules|tests|docs)/[\w./-]+)`", text)
    assert len(named) > 30
    assert [name for name in named if not Path(REPO, name).exists()] == []


def test_every_function_that_the_page_names_is_in_its_file():
    text, *_ = PAGE.read_text(encoding="utf-8").partition("## The tree")
    named = re.findall(r"`(\w+)`\s+in\s+`([\w/]+\.py)`", text)
    assert len(named) > 6
    defined = r"(?m)^(?:def |class |){}\b"
    missing = [(n, f) for n, f in named if not re.search(defined.format(n), (REPO / f).read_text())]
    assert missing == []


def test_the_page_names_every_package():
    text = PAGE.read_text(encoding="utf-8")
    packages = [p.parent.relative_to(REPO).as_posix() for p in modules() if p.stem == "__init__"]
    assert [name for name in packages if f"`{name}/`" not in text] == []
    above, *_ = text.partition("## A contract")
    for name in (p.name for p in (REPO / "archlint").iterdir() if (p / "__init__.py").is_file()):
        assert re.search(rf"\b{name}\b", above), f"{name} is not in the picture"
