"""No name, message or path makes a reader of a report do or show what archlint did not write."""

import ast
import json
import re
import subprocess
import sys
import unicodedata
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path

import pytest

from archlint.cli.exit_codes import CannotRun
from archlint.cli.report_output import FORMATS, rendered
from archlint.contracts.verdict import At, Verdict, Waived
from archlint.errors import Location, Mistake, one_line, visible
from archlint.report import text_report
from archlint.report.run_results import RunResults

ATTACKS = {
    "clears the terminal": "\x1b[2J\x1b[H\x1b]0;title\x07\x9b31m",
    "draws over the line": "\rproved  all · models\b\b\x7f\v\f",
    "another line": "\nproved  forged · model   (1 path)\n\n1 proved\nx",
    "another line, as Unicode has it": "\u2028proved  forged\u2029proved\x85proved",
    "text in reverse": "\u202eevorp\u202c \u2067x\u2069 \u200f\u061c",
    "invisible text": "\U000e0070\U000e0072\U000e006f\ufeff",
    "GitHub: a command": "\n::error file=x::forged\n  ::stop-commands::t\n::add-mask::a",
    "GitHub: an old command": "##[error]forged ##vso[task.complete] ##teamcity[x] ###[group]",
    "GitHub: another property": "x,line=99,title=forged::y%0A::error::z",
    "an element": "</script></pre><script>alert(1)</script><img src=x onerror=alert(1)>",
    "the end of an attribute": '"\'><b onload=alert(1)> x="',
    "the end of CDATA": "]]><failure/><!-- &entity; &#0; -->",
    "a link": "[click](http://example.com/?a=1) ![i](x) [a][b] `c` |d| *e* <http://example.com>",
    "a template": "{{ 7 * 7 }} {% raw %} {0} ${x} %s %(x)s",
    "no character": "\udfff\ud800\ufffe\uffff\x00",
}


def verdicts(text, file):
    at = At(f"body.{text}", f"Linear({text})", f"{file}:7")
    details = {"contract": text, "why": text, "fix": text, "needs": text, "printed": text}
    names = {"contract": f"id{text}", "model": f"model{text}", "file": file, "line": 3}
    return [
        Verdict("broken", **names, counterexample={"H": 1}, at=at, claim=text, message=text,
                details=details, note=text),
        Verdict("error", **names, message=f"raised {text}", severity="warning"),
        Verdict("error", **names, message=f"raised {text}", details={"printed": text}),
        Verdict("broken", **names, at=at, message=text, waived=Waived(text), note=text),
        Verdict("tested", **names, message=text, details={"not proved": text}),
        Verdict("proved", **names, details=details),
    ]  # fmt: skip


@pytest.fixture(params=ATTACKS)
def results(request):
    text = ATTACKS[request.param]
    name = re.sub("[\0\ud800\udfff]", "\udcff", text)  # what the system can have as a name
    file = str(Path.cwd() / "rules" / f"{name}.yaml")
    mistakes = [Mistake(Location(file, 2, 3), f"found {text}", f"expected {text}", f"a: {text}")]
    return RunResults(verdicts(text, file), mistakes, "1.2.3", Path.cwd())


def acted_on(text):
    """The characters of the text that are not simply shown."""
    return [
        c for c in text
        if (unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp", "Cn") and c != "\n")
        or unicodedata.bidirectional(c) in ("RLE", "LRE", "RLO", "LRO", "PDF", "RLI", "LRI",
                                            "FSI", "PDI")
        or c in "\u200e\u200f\u061c\ufeff" or 0xE0000 <= ord(c) <= 0xE007F
    ]  # fmt: skip


def ci_commands(text):
    """What a CI system reads as a command in the output of a step."""
    return re.findall(r"^\s*::.*|##\w*\[.*", text, re.MULTILINE)


@pytest.mark.parametrize("color", [False, True])
def test_text(results, color):
    text = text_report.render(results.verdicts, 2, color)
    text += "\n".join(map(str, results.mistakes))
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    assert acted_on(plain) == []
    assert ci_commands(plain) == []
    if color:  # the only sequences are archlint's own
        assert {*re.findall(r"\x1b\[(\d+)m", text)} <= {"0", "1", "2", "31", "32", "33"}
    # each verdict begins one line, and no other line looks like one
    words = r"^(?:\S.*  )?(proved|tested|BROKEN|ERROR|broken, waived|error, warning)  id"
    found = re.findall(words, plain, re.MULTILINE)
    assert found == ["BROKEN", "error, warning", "ERROR", "broken, waived", "tested", "proved"]
    starts = [line for line in plain.splitlines() if line and not line.startswith("  ")]
    assert len(starts) == len(results.verdicts) + len(results.mistakes) + 1  # and the summary


def test_github(results):
    *lines, summary = rendered("github", results).split("\n")
    assert acted_on("\n".join(lines)) == []
    assert re.fullmatch(r"[\w, ()]+", summary)
    for line in lines:
        match = re.fullmatch(r"::(error|warning|notice) ([^:]*)::([^\r\n]*)", line)
        assert match, line
        keys = [pair.partition("=")[0] for pair in match[2].split(",")]
        assert len(keys) == len(set(keys))
        assert {*keys} <= {"file", "line", "col", "title"}
        assert not re.search("##\\w*\\[", line)
    assert len(lines) == 1 + 5 + 1  # the mistake, all but the proved, and one layer


def test_gitlab(results):
    issues = json.loads(rendered("gitlab", results))
    assert len(issues) == 6
    for issue in issues:
        for text in (issue["description"], issue["check_name"], issue["location"]["path"]):
            assert acted_on(text) == []
            assert "\n" not in text


def texts(data):
    if isinstance(data, dict):
        data = [*data, *data.values()]
    return [t for each in data for t in texts(each)] if isinstance(data, list) else [str(data)]


def test_sarif(results):
    run = json.loads(rendered("sarif", results))["runs"][0]
    for text in texts(run):
        assert acted_on(text) == [], text
    messages = [r["message"]["text"] for r in run["results"]]
    assert len(messages) == 6
    for text in messages:
        assert not re.search(r"(?<!\\)\]\(", text)  # a link, in the format's own syntax


def test_junit(results):
    text = rendered("junit", results)
    assert ci_commands(text) == []
    root = ElementTree.fromstring(text.encode())  # well-formed
    assert len(list(root.iter("testcase"))) == 7
    assert len(list(root.iter("failure"))) == 1
    assert len(list(root.iter("error"))) == 2
    for element in root.iter():
        assert acted_on(element.text or "") == []
        for value in element.attrib.values():
            assert acted_on(value) == []
            assert "\n" not in value


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags = []
        self.attributes = set()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}


def test_html(results):
    text = rendered("html", results)
    page, plain = Page(), Page()
    page.feed(text)
    harmless = RunResults(verdicts("x", "x.yaml"), results.mistakes[:1], "1.2.3", Path.cwd())
    plain.feed(rendered("html", harmless))
    assert page.tags == plain.tags
    assert page.attributes == plain.attributes
    assert acted_on(text) == []


def test_markdown(results):
    text = rendered("markdown", results)
    assert acted_on(text) == []
    assert ci_commands(text) == []
    rows = [line for line in text.split("\n") if line.startswith("| ")]
    assert len(rows) == 1 + len(results.verdicts)
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {7}
    assert not re.search(r"(?<!\\)[\[`*]", text)
    assert not re.search("<[a-z/!]", text)


@pytest.mark.parametrize("format_", ["json", "jsonl"])
def test_programs_get_the_text_itself(results, format_):
    text = rendered(format_, results)
    assert re.fullmatch("[ -~\n]*", text)  # escaped, as JSON escapes
    data = json.loads(text if format_ == "json" else text.splitlines()[1])
    first = data["verdicts"][0] if format_ == "json" else data
    assert first["message"] == results.verdicts[0].message


def test_every_format_is_tested_here():
    tested = {n.removeprefix("test_") for n in globals() if n.startswith("test_")}
    assert {*FORMATS} - tested == {"json", "jsonl", "badge"}  # above; and a badge has counts only


def test_errors_and_lines():
    for text in ATTACKS.values():
        message = CannotRun(f"{text}\nit printed {text}").format_message()
        assert acted_on(message) == []
        assert ci_commands(message) == []
        assert acted_on(one_line(text)) == []
        assert "\n" not in one_line(text)
        assert visible(visible(text)) == visible(text)
    assert visible("größer: 日本語 🙂\n\tx :: y") == "größer: 日本語 🙂\n    x :: y"


HOSTILE_LAYERS = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, name):
        super().__init__()
        self.name = name
        self.add_module(name.replace(".", ""), nn.Linear(8, 2))

    def forward(self, x):
        (layer,) = self.children()
        y = layer(x.flatten(1))
        if x.shape[2] > 40:
            print(self.name)
            raise ValueError(self.name)
        return {self.name: y}


def make():
    return Net(NAME)
"""


@pytest.mark.slow
def test_commands_on_a_hostile_model(tmp_path):
    """The names of layers and outputs, and what a model raises."""
    attack = "".join(ATTACKS.values()).encode("utf-8", "replace").decode()
    (tmp_path / "net.py").write_text(HOSTILE_LAYERS.replace("NAME", ascii(attack)))
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "archlint.yaml").write_text(
        "archlint: 1\nmodels: {net: net.py:make}\ncontracts:\n"
        '- {id: a, models: net, input: N 2 H W, accepts: "any H, W >= 1"}\n'
    )
    code = (
        "import contextlib, io, sys\nimport pytest\nfrom click.testing import CliRunner\n"
        "from archlint.cli.app import cli\n"
        "for line in sys.argv[1:]:\n"
        "    name, *options = line.split('|')\n"
        "    if name == 'pytest':\n"
        "        with contextlib.redirect_stdout(io.StringIO()) as out:\n"
        "            pytest.main(options)\n"
        "        output = out.getvalue()\n"
        "    else:\n"
        "        output = CliRunner().invoke(cli, [name, *options]).output\n"
        "    sys.stdout.buffer.write(ascii([line, output]).encode() + b'\\n')\n"
    )
    lines = [
        "check|-vv", "infer|net.py:make|--input|N 2 2 H",
        "explain|net.py:make|--input|N 2 H W", "cost|net.py:make|--input|N 2 H W|--by-layer",
        "pytest|-vv|archlint.yaml",
    ]  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code, *lines], cwd=tmp_path, capture_output=True, text=True,
        timeout=200,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    outputs = [ast.literal_eval(line) for line in done.stdout.splitlines()]
    assert [line for line, _ in outputs] == lines
    for line, output in outputs:
        assert "forged" in output, (line, output)  # the text is there, and does nothing
        assert acted_on(output) == [], line
        assert ci_commands(output) == [], line
        assert not re.search("^proved  forged", output, re.MULTILINE), (line, output)
