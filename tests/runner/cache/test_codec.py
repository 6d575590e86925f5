"""Values of the cache come back equal, and nothing else is made."""

import json
import sys
import textwrap
from dataclasses import MISSING, asdict, fields, replace

import pytest

from archlint.contracts.accepted_set import AcceptedSet, OutputCase, Refusal
from archlint.contracts.contract import ANY_SIZE, ANY_SIZES, RuleFile, TensorInput
from archlint.contracts.recorded_costs import RecordedCosts
from archlint.contracts.rulefile.load import load, loads
from archlint.contracts.rulefile.phrase_parser import parse_size
from archlint.contracts.verdict import Waived
from archlint.runner.cache.codec import canonical, decode, encode
from tests import REPO
from tests.support.cached_verdicts import BROKEN, RULE_FILES


def through_json(value):
    return decode(json.loads(json.dumps(encode(value))))


@pytest.mark.parametrize("path", RULE_FILES, ids=lambda p: p.parent.name + "/" + p.name)
def test_rule_files_come_back_equal(path):
    rules = load(path)
    again = through_json(rules)
    assert isinstance(again, RuleFile)
    assert again == rules
    for one, other in zip(again.contracts, rules.contracts, strict=True):
        assert one.clause.region is other.clause.region  # interned
        assert canonical(one) == canonical(other)


def test_every_kind_of_size_and_formula_comes_back():
    text = textwrap.dedent("""
        archlint: 1
        contracts:
          - id: a
            models: "m:f"
            input: {x: N 3 H//4 ceil(W/2), ids: {shape: "N min(H,W)", dtype: int64, below: H}}
            accepts: only (H % 3 == 0 or not W in {3, 5}) and max(H, W) * N // 2 != 7
            output: [_ ..., {a: "H W*H"}]
            budget: {seconds: 0.5}
        waivers: [{contract: a, reason: later, until: 2030-01-31}]
    """)
    rules = loads(text)
    again = through_json(rules)
    assert again == rules
    dims = again.contracts[0].output[0].dims
    assert dims == (ANY_SIZE, ANY_SIZES)
    assert dims[0] is ANY_SIZE


def test_verdicts_come_back_equal():
    assert through_json(BROKEN) == BROKEN


def test_a_cached_verdict_has_all_that_a_new_one_has():
    """Each field, also those that equality ignores, with a value that is not its default."""
    image = TensorInput((parse_size("N"), 3), "uint8", parse_size("N"), "N 3")
    entry = AcceptedSet(
        "m", "train", {"x": image, "more": [image]}, "N >= 2", False, ["N 5", {"a": 3}],
        (Refusal("N == 1", "bn", "BatchNorm1d", "needs N >= 2"),), ("too many paths",), "N == 1",
        (OutputCase("N >= 2", "N 5"),), RecordedCosts({"N": 2}, 8, 4, 16, {"bn": 8}),
        {"N": 2}, 3, 4, 0.5, ("N=2 (accepted)",), "x may be described wrongly",
    )  # fmt: skip
    whole = replace(
        BROKEN, entry=entry, severity="warning", waived=Waived("later", "2030-01-31"), note="new"
    )
    for part in (whole, whole.at, whole.proof, whole.waived, entry, entry.costs, *entry.refusals):
        for f in fields(part):
            default = f.default if f.default_factory is MISSING else f.default_factory()
            usual = f.name in ("device", "cached")  # "cpu"; set by the reader
            assert getattr(part, f.name) != default or usual, f"{f.name} has its default"
    again = through_json(whole)
    assert again == whole
    assert asdict(again) == asdict(whole)
    assert again.to_json() == whole.to_json()
    assert str(again) == str(whole)
    assert through_json(BROKEN).details == BROKEN.details


@pytest.mark.parametrize("value", [b"bytes", {1, 2}, object(), print, REPO.glob, lambda: 0])
def test_what_no_rule_file_holds_is_refused(value):
    with pytest.raises(TypeError):
        encode(value)


@pytest.mark.parametrize(
    "data",
    [
        ["os.system", "true"],
        ["settings.os.system", "true"],
        ["settings.shorten", ["path", "."]],
        ["symbolic.expr.lru_cache"],
        ["contracts.contract.__loader__"],
        ["errors.ArchlintError", "text"],
        ["class", "verdict.Verdict"],
        ["verdict.Verdict"],
        ["nowhere.Thing"],
        ["contract.Budget", 1, 2, 3, 4, 5],
        [[], 1],
        [{}],
        [],
        ["date", "yesterday"],
    ],
)
def test_only_archlints_own_nouns_are_made(data):
    with pytest.raises((ValueError, TypeError, AttributeError, ImportError)):
        decode(data)


@pytest.mark.parametrize("tag", ["__main__.x", "cli.app.cli", "symbolic.atom.Symbol"])
def test_decoding_imports_nothing(tag, monkeypatch):
    """A tag is looked up in the list of classes; ``archlint.__main__`` would start the command."""
    monkeypatch.delitem(sys.modules, "archlint.__main__", raising=False)
    before = set(sys.modules)
    with pytest.raises(ValueError, match="not a known tag"):
        decode([tag, 1])
    assert set(sys.modules) == before
