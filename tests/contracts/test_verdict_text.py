"""One verdict as text, and as its part of the whole report."""

from dataclasses import replace

from archlint.contracts.verdict import Proof, Samples, Verdict
from archlint.report import text_report

PROVED = Verdict(
    "proved", "any-photo", "resnet18", proof=Proof(1, 12, True), samples=Samples(8), seconds=0.41
)
BROKEN = Verdict(
    "broken",
    contract="any-photo",
    model="vgg",
    file="rules.yaml",
    line=3,
    details={"needs": "32*h*w == 1568, gets 32", "printed": "loading"},
)


def test_the_text_of_a_verdict_is_its_part_of_the_report():
    for verdict in (PROVED, BROKEN, Verdict("error", message="gone")):
        assert text_report.render([verdict]).startswith(f"{verdict}\n\n1 ")


def test_the_text_of_a_broken_contract():
    assert str(BROKEN) == (
        "rules.yaml:3  BROKEN  any-photo · vgg\n  needs      32*h*w == 1568, gets 32"
    )


def test_a_cached_verdict_shows_no_old_time():
    assert str(PROVED).endswith("   (1 path, 12 claims, 8 samples on cpu, 0.41 s)")
    assert str(replace(PROVED, cached=True)).endswith(" 8 samples on cpu, cached)")
