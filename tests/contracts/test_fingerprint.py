"""Fingerprints stay the same when lines and sizes change, and differ for different findings."""

from dataclasses import replace

from archlint.contracts.fingerprint import digest, fingerprint, layer, mistake_fingerprint
from archlint.contracts.verdict import At, Verdict
from archlint.errors import Location, Mistake

VERDICT = Verdict(
    "broken", "photo", "net", "r.yaml", 3, {"H": 1}, at=At("head", "linear", "a.py:9")
)


def test_lines_and_sizes_do_not_change_it():
    moved = replace(
        VERDICT, line=8, counterexample={"H": 2}, at=At("head", "linear", "a.py:20"), seconds=3.0
    )
    assert fingerprint(moved, None) == fingerprint(VERDICT, None)


def test_each_part_changes_it():
    others = [
        replace(VERDICT, contract="x"), replace(VERDICT, model="x"), replace(VERDICT, word="error"),
        replace(VERDICT, file="x.yaml"), replace(VERDICT, at=At("tail", "linear", "a.py:9")),
    ]  # fmt: skip
    marks = {fingerprint(v, None) for v in [VERDICT, *others]}
    assert len(marks) == 6
    assert fingerprint(VERDICT, "x.yaml") == fingerprint(others[3], None)


def test_the_layer_is_a_module_or_else_an_operator():
    assert layer(VERDICT) == "head"
    assert layer(replace(VERDICT, at=At("", "flatten", "a.py:9"))) == "flatten"
    assert layer(replace(VERDICT, at=None)) is None


def test_a_mistake_is_the_same_when_its_line_moves():
    one = Mistake(Location("r.yaml", 3, 5), "found x", "y", "  accepts: x")
    assert mistake_fingerprint(one, None) == mistake_fingerprint(
        replace(one, where=Location("r.yaml", 9, 7), source="accepts: x"), None
    )
    assert mistake_fingerprint(one, None) != mistake_fingerprint(replace(one, found="z"), None)


def test_parts_of_a_digest_are_kept_apart():
    assert digest("ab", "c") != digest("a", "bc")
    assert len(digest("\ud800")) == 32
