"""Lines added to rule files of many styles: the rest of the text stays, and the file loads."""

import pytest

from archlint.contracts.accepted_set import AcceptedSet
from archlint.contracts.rulefile.load import loads
from archlint.engine.python_contracts import contract_of
from archlint.report.extend_rules import NotExtendable, extended
from archlint.report.starter_rules import InferredModel, SkippedModels, comments

IMAGE = contract_of(input="N 3 H W", accepts="any size").input
NEW = InferredModel("New", "new.py:New", entry=AcceptedSet("New", "eval", IMAGE, "H >= 2", True))

STYLES = {
    "two spaces": """\
archlint: 1
models:
  a: a.py:A
contracts:
  - id: a
    models: a
    input: N 3 H W
    accepts: any size

# my own last words
""",
    "no indentation, other order": """\
archlint: 1
contracts:
- id: a
  models: [a]
  input: {image: N 3 H W,
          mask: N 1 H W}
  accepts: any H >= 2
waivers: []
models:
    a: {target: a.py:A, kwargs: {x: 1}}  # four spaces
""",
    "without models, without a last newline": """\
archlint: 1
contracts:
  - id: a
    models: a.py:A
    why: |
      several
      lines
    input: N 3 H W
    accepts: any size""",
    "empty": "archlint: 1\nmodels: {}\ncontracts: []\n",
    "nothing": "archlint: 1\nmodels:\ncontracts: []\n",
}


@pytest.mark.parametrize("style", STYLES)
def test_the_rest_of_the_file_stays(style):
    text = STYLES[style]
    later = SkippedModels(later=["other.py:Other"])
    once = extended(text, [NEW], later)
    rules = loads(once)
    assert [c.id for c in rules.contracts][-1] == "New"
    assert rules.models["New"].target == "new.py:New"
    lines = iter(once.splitlines())
    for line in text.splitlines():
        assert line in lines or line.endswith((": {}", ": []")), f"{line!r} is gone or elsewhere"
    assert "#   other.py:Other" in once
    assert extended(once, [], later) == once
    assert "Other" not in extended(once, [], SkippedModels())


def test_a_listed_model_gets_a_contract_only():
    text = "archlint: 1\nmodels:\n  New: new.py:New\ncontracts: []\n"
    listed = InferredModel("New", "new.py:New", entry=NEW.entry, listed=True)
    assert extended(text, [listed], SkippedModels()) == (
        "archlint: 1\nmodels:\n  New: new.py:New\ncontracts:\n"
        "  - id: New\n    models: New\n    input: N 3 H W\n    accepts: any H >= 2\n"
    )


def test_lines_in_brackets_are_refused():
    text = "archlint: 1\nmodels: {a: a.py:A}\ncontracts: []\n"
    with pytest.raises(NotExtendable, match="models is written in brackets"):
        extended(text, [NEW], SkippedModels())


def test_a_target_longer_than_a_line_stays_whole():
    target = "acme.evaluation.segmentation.models.plugins.multi_scale_pixel_decoder:PixelDecoder"
    names = ("A", "WithALongNameOfMany")
    models = [InferredModel(n, target + n, reason="no module") for n in names]
    words = comments(models, SkippedModels()).split()
    assert [f"{target}A,", f"{target}WithALongNameOfMany:"] == [w for w in words if target in w]
