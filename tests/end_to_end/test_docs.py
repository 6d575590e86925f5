"""The documentation is true: its rule files load, its commands run and print what it says.

``ARCHLINT_RECORD=1`` records anew what is printed.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib.util import find_spec

import click
import pytest

from archlint.cli import app as cli
from archlint.cli.rules_validate import mistakes_in
from tests import REPO
from tests.support.pages import STEP, comparable, environment, followed, transcript

PAGES = [REPO / "README.md", *sorted((REPO / "docs").glob("*.md"))]
DATA = REPO / "tests" / "data" / "docs"  # further files of a page
RECORD = bool(os.environ.get("ARCHLINT_RECORD"))
RECORDED_BY = {
    "tutorial.md": "tests/end_to_end/test_tutorial.py",
    "pytest.md": "tests/end_to_end/test_pytest_docs.py",
    "why-fixed-size.md": "tests/explanation/test_explain.py",
    "adoption.md": "tests/end_to_end/test_adoption.py",
}

_BLOCK = re.compile(r"^(<!-- a mistake -->\n)?```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(
    r"^ *(?:\$ |- run: |- |    )(?:[A-Z_]+=\S+ )*(?:pip install .* && )?(archlint (?!=)[^#\n]*)"
    r"|`(?:[A-Z_]+=\S+ )*(archlint (?!=)[^`]*)`",
    re.MULTILINE,
)


def each(pages):
    return [pytest.param(p, id=p.name) for p in pages]


# Rule files


def blocks(page):
    """The rule files and packs of a page, and whether each is an example of a mistake."""
    found = [(text, bool(wrong)) for wrong, text in _BLOCK.findall(page.read_text())]
    return [(text, wrong) for text, wrong in found if re.match(r"(#.*\n)*archlint: ", text)]


@pytest.mark.parametrize("page", each(p for p in PAGES if blocks(p) and p.name != "tutorial.md"))
def test_rule_files_are_read(page, tmp_path):
    """Those of the tutorial use a package that is only installed there."""
    for text, wrong in blocks(page):
        file = tmp_path / ("pack.yaml" if re.search(r"^pack:", text, re.MULTILINE) else "x.yaml")
        file.write_text(text)
        assert bool(mistakes_in([file])) == wrong, text


def test_rule_files_are_found():
    assert sum(len(blocks(page)) for page in PAGES) >= 10


# Commands


def commands(page):
    """The command lines of a page, but for those that are patterns of several."""
    found = [shown or named for shown, named in _COMMAND.findall(page)]
    return [" ".join(c.split()) for c in found if not re.search(r"\||\.\.\.|[–…]", c)]


@pytest.mark.parametrize("page", each(PAGES))
def test_commands_have_these_options(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for command in commands(page.read_text()):
        try:
            understood(shlex.split(command.replace("${{ matrix.shard }}", "1"))[1:])
        except click.MissingParameter:
            continue  # the command alone is named
        except click.ClickException as e:
            pytest.fail(f"{page.name}: {command}: {e.message}")


def understood(words):
    """Parse a command line down to the last group; nothing is run."""
    command, name, parent = cli.cli, "archlint", None
    while True:
        if not isinstance(command, click.Group):
            command.make_context(name, words, parent=parent)
            return
        if not words:
            return  # the group alone is named
        context = click.Context(command, parent, name, **command.context_settings)
        # A group's own parse_args hides the rest in an attribute that click 9 has no more.
        rest = click.Command.parse_args(command, context, list(words))
        if not rest:
            return
        name, command, words = command.resolve_command(context, rest)
        parent = context


def test_an_unknown_option_is_noticed():
    with pytest.raises(click.UsageError, match="No such option"):
        understood(["check", "--nonsense"])
    with pytest.raises(click.UsageError, match="No such command"):
        understood(["rules", "nonsense"])


# What is printed


def printed(page):
    """Whether something stands behind a command of the page."""
    told = [found["console"] for found in STEP.finditer(page.read_text()) if found["console"]]
    return any(
        output and command.startswith("$ archlint")
        for text in told
        for command, output in transcript(text)
    )


@pytest.fixture(scope="module")
def shell(tmp_path_factory, warm_process):
    """The shell of a page; for README.md it starts a new Python for each command."""

    def of(page):
        home = tmp_path_factory.mktemp("home")
        if page.name == "README.md":
            return environment(home)
        return environment(home, warm_process.command("archlint"))

    return of


FOLLOWED = [p for p in PAGES if printed(p) and p.name not in RECORDED_BY]


@pytest.mark.slow
@pytest.mark.parametrize("page", each(FOLLOWED))
def test_what_is_printed(page, tmp_path, shell):
    """A command is run if the page says what it prints."""
    pytest.importorskip("torchvision")
    pytest.importorskip("timm")
    given = DATA / page.stem
    if given.exists():
        shutil.copytree(given, tmp_path, dirs_exist_ok=True)
    text = page.read_text()
    now = followed(text, tmp_path, shell(page), wanted=bool)
    assert str(tmp_path) not in now
    if RECORD:
        if comparable(now) != comparable(text):
            page.write_text(now)
    else:
        assert comparable(now) == comparable(text)


def test_pages_are_recorded():
    assert {p.name for p in FOLLOWED} >= {"README.md", "questions.md", "verdicts.md"}
    for test in RECORDED_BY.values():
        assert (REPO / test).is_file()


# The whole


def test_the_words_for_verdicts_are_the_same_everywhere():
    table = re.compile(r"(?:^\| `(?:proved|tested|vacuous|broken|error)` \|.*\n){5}", re.MULTILINE)
    readme, page = (
        table.search((REPO / name).read_text())[0] for name in ("README.md", "docs/verdicts.md")
    )
    first = re.compile(r"^\| `(\w+)` .*\| (.*) \|$", re.MULTILINE)
    assert first.findall(readme) == first.findall(page)


def test_the_site_is_built_strictly(tmp_path):
    """Also in .ci/run."""
    if find_spec("mkdocs") is None:
        pytest.skip("mkdocs is not installed")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet"]
    done = subprocess.run(
        [*command, "--site-dir", str(tmp_path / "site")], cwd=REPO, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "site" / "index.html").is_file()
