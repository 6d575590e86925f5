"""``archlint rules``: packs listed, shown, explained, tried and begun."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from archlint.cli import app as cli
from archlint.contracts.rulefile.load import loads
from archlint.project.packs.find_packs import find_packs
from archlint.project.packs.pack_examples import example_tests, failure_of, missing
from tests import REPO
from tests.support import in_process

SHIPPED = (
    "any-size-classifier", "audio-encoder", "dense-prediction", "embedding", "feature-pyramid",
    "fixed-size-classifier", "sequence", "volume",
)  # fmt: skip


@pytest.fixture
def run(monkeypatch):
    """``archlint rules`` in this process, which decides as well."""
    monkeypatch.setattr("archlint.runner.pool.run", in_process.run)
    return lambda *args: CliRunner().invoke(cli.cli, ["rules", *map(str, args)])


@pytest.fixture
def mine(tmp_path, monkeypatch, run):
    """A new pack in the current folder; calling it changes its file."""
    monkeypatch.chdir(tmp_path)
    assert run("new", "mine").exit_code == 0

    def change(old, new):
        text = Path("mine/pack.yaml").read_text()
        assert old in text
        Path("mine/pack.yaml").write_text(text.replace(old, new))

    return change


# The packs that are shipped


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_pack_does_what_it_says(run, name):
    result = run("test", f"archlint/{name}")
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[-1].endswith("all passed")


def test_shipped_packs_have_examples_of_both_kinds():
    packs, wrong = find_packs(["archlint"])
    assert not wrong
    assert {p.name for p in packs} >= {f"archlint/{name}" for name in SHIPPED}
    assert [missing(pack) for pack in packs] == [[]] * len(packs)


def test_the_page_of_packs_is_the_one_that_is_generated(run):
    page = (REPO / "docs" / "packs.md").read_text(encoding="utf-8")
    assert page == run("show", "archlint", "--format", "markdown").output


def test_the_guide_shows_the_pack_that_new_begins(mine):
    guide = (REPO / "docs" / "writing-packs.md").read_text(encoding="utf-8")
    Path("mine/pack.yaml").write_text(guide.split("```yaml\n")[1].split("```")[0])
    packs, wrong = find_packs(["mine"])
    assert not wrong
    assert missing(packs[0]) == []
    found, mistakes = example_tests(packs[0])
    assert [failure_of(t.example, next(in_process.run([t.job]))[1]) for t in found] == ["", ""]
    assert not mistakes


def test_the_rule_file_page_shows_a_rule_file(tmp_path):
    page = (REPO / "docs" / "rule-file.md").read_text(encoding="utf-8")
    blocks = [block.split("```")[0] for block in page.split("```yaml\n")[1:]]
    sections = [b for b in blocks if b.startswith(("use:", "overrides:"))]
    assert len(sections) == 2
    models = "models: {resnet18: torchvision:resnet18, vgg_old: torchvision:vgg11}\n"
    rules = loads("archlint: 1\n" + models + "\n".join(sections))
    assert [(c.id, c.severity, c.clause.text.rpartition(" ")[2]) for c in rules.contracts] == [
        ("imagenet.any-size", "error", "32"), ("imagenet.any-size", "warning", "64")
    ]  # fmt: skip


# list, show, explain


def test_list(run, mine):
    result = run("list")
    assert result.exit_code == 0
    assert "archlint/sequence   up-to-length, no-longer\n" in result.output
    assert run("list", "mine").output == "mine   any-size\n  mine/pack.yaml\n"


def test_list_tells_of_a_pack_with_mistakes_and_goes_on(run, mine):
    mine("about: >-", "abot: >-")
    result = run("list", "mine", "archlint/volume")
    assert result.exit_code == 2
    assert "archlint/volume" in result.stdout
    assert "mine/pack.yaml:3:1: found the unknown key 'abot'; did you mean" in result.stderr


def test_show(run):
    assert (
        run("show", "archlint/fixed-size-classifier").output
        == """\
archlint/fixed-size-classifier

  A classifier for images of one size, such as a transformer with one position embedding per
  patch. It accepts that size and rejects every other one with an error: a model that silently
  accepts another size makes predictions that it was not trained for.

  use:
    - pack: archlint/fixed-size-classifier
      models: [my_model]
      with: {classes: 10}

  parameters:
    classes   the number of classes (required)
    size      the side of an image (224)
    channels  the channels of an image (3)

  contracts:
    - id: only-its-size
      why: an image of another size is an error of the caller and must raise one
      input: N {channels} H W
      accepts: only H == {size} and W == {size}
      output: N {classes}

  examples:
    PatchClassifier, with {classes: 10, size: 32}: keeps it
      The same, but checks the size of the image first
    CroppingClassifier, with {classes: 10, size: 32}: breaks only-its-size at N=1 H=32 W=33, in \
no layer
      Has 16 patches of 8 x 8; pixels that do not fill a patch are silently dropped
    PatchClassifier, with {classes: 10, size: 64}: breaks only-its-size at N=1 H=32 W=32, in \
no layer
      The same, but checks the size of the image first
"""
    )


def test_explain_a_pack(run):
    given = ("--with", "length=512", "--with", "vocabulary=30522", "--with", "width=768")
    assert (
        run("explain", "archlint/sequence", *given).output
        == """\
archlint/sequence with length = 512, vocabulary = 30522, width = 768

up-to-length
  input        an int64 tensor of N × T with values from 0 to 30521
  accepts      every size with N >= 1 and T in 1..512 is accepted
  where        N from 1, T from 1 to 512; no upper limit for N
  other sizes  may be accepted or refused
  output       a tensor of N × T × 768
  why          requests of every permitted length must succeed

no-longer
  input        an int64 tensor of N × T with values from 0 to 30521
  accepts      no size with T > 512 is accepted
  where        N from 1, T from 513; no upper limit for N, T
  other sizes  may be accepted or refused
  why          a silently truncated text gives a result that ignores its end
"""
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("mim=3", "found the unknown parameter 'mim'; did you mean 'min'?; expected one of"),
        ("min=x", "found the text 'x'; expected a whole number, at least 0"),
        ("min", "expected NAME=VALUE, found 'min'"),
        ("min={a", "not valid YAML"),
        ("min=1\n!!python/none x: 3", "found the YAML tag '!!python/none'"),
    ],
)
def test_explain_with_a_wrong_parameter(run, given, message):
    result = run("explain", "archlint/any-size-classifier", "--with", given)
    assert result.exit_code == 2
    assert message in result.output
    assert "Traceback" not in result.output


def test_explain_contracts_of_a_rule_file(run, mine):
    Path("rules.yaml").write_text("""\
archlint: 1
models: {a: m.py:A, b: m.py:B}
use: [{pack: ./mine, models: [a, b], with: {classes: 7}}]
contracts:
  - {id: pair, models: a, input: {x: N T, y: [N, N 2]}, accepts: only T == 8, output: [N _, ...]}
  - {id: all, models: a, input: N, accepts: any size, mode: train, severity: off}
""")
    assert (
        run("explain", "rules.yaml:any-size").output
        == """\
any-size · a, b
  input        a float32 tensor of N × 3 × H × W
  accepts      every size with N >= 1 and H, W >= 32 is accepted
  where        N from 1, H from 32, W from 32; no upper limit for N, H, W
  other sizes  may be accepted or refused
  output       a tensor of N × 7
  why          describe what goes wrong if a model violates the contract
"""
    )
    assert run("explain", "rules.yaml").output.startswith("""\
pair · a
  input        x: a float32 tensor of N × T
               y: a list: a float32 tensor of N; a float32 tensor of N × 2
  accepts      every size with T == 8 is accepted, and no other size
  where        N from 1, T is 8; no upper limit for N
  other sizes  the model raises an error
  output       a list: a tensor of N × any size; a tensor of any sizes

all · a
  input        a float32 tensor of N
  accepts      every size is accepted
  where        N from 1; no upper limit for N
  mode         train
  severity     off, not checked
""")
    result = run("explain", "rules.yaml:any-sise")
    assert result.exit_code == 2
    assert "rules.yaml: no contract 'any-sise'; did you mean 'any-size'?" in result.output


@pytest.mark.parametrize("word", ["nothing", "archlint", "archlint/nothing", "./none.yaml", ".."])
def test_explain_what_there_is_not(run, mine, word):
    result = run("explain", word)
    assert result.exit_code == 2
    assert result.output.startswith("Error: ")


# new and test


def test_a_new_pack_passes_its_own_test(run, mine):
    result = run("test", "mine")
    assert (result.exit_code, result.output) == (0, """\
mine
  passed   Pooled keeps any-size
  passed   Flattened breaks any-size at N=1 H=32 W=33, in layer head
1 pack, 2 examples, all passed
""")  # fmt: skip


def test_new_keeps_what_there_is(run, mine):
    result = run("new", "mine")
    assert (result.exit_code, result.output) == (2, "Error: mine exists\n")
    assert "'a b' is not a valid name" in run("new", "packs/a b").output


@pytest.mark.parametrize(
    ("old", "new", "code", "told"),
    [
        ("W: 33", "W: 34", 1, "FAILED   mine/pack.yaml:22: Flattened breaks any-size at N=1 H=32 "
         "W=34, in layer head\n           the contract breaks at N=1 H=32 W=33: "),
        ("layer: head", "layer: conv", 1, "the contract breaks in layer head: "),
        ("breaks: models.py:Flattened", "breaks: models.py:Pooled", 1, "the contract is proved"),
        ("keeps: models.py:Pooled", "keeps: models.py:Flattened", 1,
         "Flattened keeps any-size\n           the contract is broken: N=1 H=32 W=33 is refused"),
        ("keeps: models.py:Pooled", "keeps: models.py:Poled", 2, "FAILED "),
        ("- keeps: models.py:Pooled\n    with: {classes: 10}", "", 1,
         "MISSING  no example keeps it"),
        ("{min}", "{min} and Z", 2, "found 'Z'"),
    ],
)  # fmt: skip
def test_examples_that_do_not_do_as_they_say(run, mine, old, new, code, told):
    mine(old, new)
    result = run("test", "mine", "-q")
    assert result.exit_code == code, result.output
    assert told in result.output


def test_each_contract_needs_an_example_that_breaks_it(run, mine):
    mine("contracts:", "contracts:\n  - {id: other, input: N 3 H W, accepts: any H == 64}")
    mine("at: {N", "contract: any-size\n    at: {N")
    result = run("test", "mine")
    assert result.exit_code == 1
    assert "MISSING  no example breaks other\n" in result.output


def test_a_pack_that_extends_answers_for_what_it_adds(run, mine):
    Path("ours.yaml").write_text("""\
archlint: 1
pack: ours
about: As mine, for smaller images too.
extends: ./mine/pack.yaml
parameters: {min: {about: the smallest side, default: 1}}
examples:
  - {keeps: "mine/models.py:Pooled", with: {classes: 10}}
""")
    result = run("test", "ours.yaml")
    assert result.exit_code == 1
    assert "MISSING  no example breaks it\n" in result.output


@pytest.mark.parametrize("words", [["nothing"], ["acme/photo"], ["."], ["none.yaml"]])
def test_trying_what_there_is_not(run, mine, words):
    Path("mine/pack.yaml").unlink()
    result = run("test", *words)
    assert result.exit_code == 2
    assert "expected" in result.output
    assert result.output.endswith("0 packs, 0 examples, nothing was tested\n")


def test_only_trying_needs_torch(mine):
    script = """
import sys
from click.testing import CliRunner
from archlint.cli import app as cli
for args in (["list"], ["show", "archlint"], ["explain", "archlint/volume"], ["new", "other"]):
    result = CliRunner().invoke(cli.cli, ["rules", *args])
    assert result.exit_code == 0, result.output
sys.exit("torch" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0
