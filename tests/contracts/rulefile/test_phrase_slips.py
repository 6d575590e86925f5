"""Slips in conditions: each is reported with a spelling that parses to what was meant."""

import pytest

from archlint.contracts.rulefile.phrase_parser import parse_clause
from archlint.errors import PhraseError


@pytest.mark.parametrize(
    ("slip", "column", "spelling", "region"),
    [
        ("N >= 1, H divisible by 32", 13, "H % 32 == 0", "H % 32 == 0"),
        ("H divisible by 32", 5, "H % 32 == 0", "H % 32 == 0"),
        ("H, W divisible by 32", 5, "H % 32, W % 32 == 0", "H % 32 == 0 and W % 32 == 0"),
        ("H is a multiple of 16", 5, "H % 16 == 0", "H % 16 == 0"),
        ("N >= 1 and H are multiples of 16", 16, "H % 16 == 0", "H % 16 == 0"),
        ("H between 32 and 512", 5, "H in 32..512", "H >= 32 and H <= 512"),
        ("H in [224, 256]", 5, "H in {224, 256}", "H == 224 or H == 256"),
        ("H in (224, 256)", 5, "H in {224, 256}", "H == 224 or H == 256"),
        ("H and W >= 32", 5, "H, W >= 32", "H >= 32 and W >= 32"),
    ],
)
def test_a_slip_is_reported_with_its_valid_spelling(slip, column, spelling, region):
    with pytest.raises(PhraseError) as caught:
        parse_clause(f"any {slip}", "accepts")
    assert caught.value.column == column
    assert str(caught.value).endswith(f"; did you mean {spelling!r}?")
    assert str(parse_clause(f"any {spelling}", "accepts").region) == region


@pytest.mark.parametrize(
    "condition",
    ["N >=  M and W >= 32", "H in 3.. M and W >= 3", "H == 2 and W >= 3", "N % M == 0 and W >= 1"],
)
def test_a_valid_condition_is_no_slip(condition):
    assert parse_clause(f"any {condition}", "accepts")


@pytest.mark.timeout(20)  # minutes, if the time grows with the square of the length
@pytest.mark.parametrize("part", ["a", "_", "a,", "a, ", "a ", " ", "\t", "1,", "a in [", "a and "])
def test_a_long_condition_is_searched_once(part):
    with pytest.raises(PhraseError):
        parse_clause(f"any N > {part * (100_000 // len(part))}:", "accepts")
