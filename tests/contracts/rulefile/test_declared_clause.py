"""``accepts: {from: FILE}`` in a rule file: the clause, and every mistake with its place."""

import textwrap

import pytest

from archlint.contracts.contract import DeclaredRange
from archlint.contracts.rulefile.load import load
from archlint.errors import Location, RuleFileError
from archlint.runner.cache import rule_file_cache

BUILD = """\
set -e
trtexec --minShapes=images:1x3x32x32,ids:1x8 --optShapes=images:4x3x64x64,ids:4x16 \\
  --maxShapes=images:8x3x96x96,ids:8x32
"""


@pytest.fixture
def rules(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy" / "build.sh").write_text(BUILD)
    (tmp_path / "deploy" / "two.sh").write_text(
        "trtexec --shapes=x:1x3x32x32\ntrtexec --shapes=x:4x3x64x64\n"
    )

    def write(accepts, input="B 3 H W"):
        text = f"""\
            archlint: 1
            contracts:
              - id: a
                models: [torchvision:resnet18]
                input: {input}
                accepts: {accepts}
            """
        (tmp_path / "archlint.yaml").write_text(textwrap.dedent(text))
        return tmp_path / "archlint.yaml"

    return write


def test_the_clause(rules):
    path = rules("{from: deploy/build.sh, form: trtexec, tensor: images}")
    (contract,) = load(path).contracts
    clause = contract.clause
    assert clause.text == "any B in 1..8 and H, W in 32..96"
    where = Location("deploy/build.sh", 2)
    assert clause.declared == DeclaredRange(where, "trtexec", {"B": 4, "H": 64, "W": 64})
    assert contract.where.file == str(path)


def test_inputs_by_name(rules):
    path = rules("{from: deploy/build.sh}", "{ids: {shape: N T, dtype: int64}, images: N 3 H W}")
    (contract,) = load(path).contracts
    assert contract.clause.text == "any N in 1..8 and T in 8..32 and H, W in 32..96"


def test_several_profiles_are_one_set(rules):
    (contract,) = load(rules("{from: deploy/two.sh}")).contracts
    text = "any (B == 1 and H, W == 32) or (B == 4 and H, W == 64)"
    assert contract.clause.text == text
    declared = contract.clause.declared
    assert declared.places() == "deploy/two.sh:1, 2"
    assert declared.places({"B": 4, "H": 64, "W": 64}) == "deploy/two.sh:2"


@pytest.mark.parametrize(
    ("accepts", "input", "found", "place"),
    [
        ("{from: deploy/absent.sh}", "N 3 H W", "does not exist", ("deploy/absent.sh", 1)),
        ("{from: deploy/build.sh}", "N 3 H W", "the profile is about images, ids", 6),
        ("{from: deploy/build.sh, tensor: image}", "N 3 H W", "did you mean 'images'", 6),
        ("{from: deploy/build.sh, tensor: ids}", "N 3 H W", "ids has 2 sizes", 6),
        ("{from: deploy/build.sh, form: trtexc}", "N 3 H W", "did you mean 'trtexec'", 6),
        ("{from: deploy/two.sh, forms: trtexec}", "N 3 H W", "did you mean 'form'", 6),
        ("{form: trtexec}", "N 3 H W", "the key 'from' is missing", 6),
        ("[a]", "N 3 H W", "found a list", 6),
    ],
)
def test_mistakes(rules, accepts, input, found, place):
    path = rules(accepts, input)
    with pytest.raises(RuleFileError) as caught:
        load(path)
    (mistake,) = caught.value.mistakes
    assert found in mistake.found
    where = mistake.where.file, mistake.where.line
    assert where == (place if isinstance(place, tuple) else (str(path), place))


def test_a_cached_rule_file_depends_on_the_ranges(rules, tmp_path, monkeypatch):
    monkeypatch.setattr(rule_file_cache, "_TICK", -60)
    path = rules("{from: deploy/two.sh}")
    first = rule_file_cache.load(path)
    assert rule_file_cache.load(path) == first
    (tmp_path / "deploy" / "two.sh").write_text("trtexec --shapes=x:2x3x16x16\n")
    (contract,) = rule_file_cache.load(path).contracts
    assert contract.clause.text == "any B == 2 and H, W == 16"
