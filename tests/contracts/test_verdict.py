"""Verdicts: truth value, JSON form, exit codes."""

import pytest

from archlint.contracts.verdict import JSON_KEYS, WORDS, At, Verdict, Waived, exit_code


def test_only_proved_and_tested_are_true():
    assert [word for word in WORDS if Verdict(word)] == ["proved", "tested"]


def test_an_unknown_verdict_is_refused():
    with pytest.raises(ValueError, match="'fine' is not a verdict; expected one of proved"):
        Verdict("fine")


def test_the_json_form_has_no_details():
    verdict = Verdict("broken", at=At("head", "linear", "a.py:3"), details={"reason": "x"})
    data = verdict.to_json()
    assert tuple(data) == JSON_KEYS
    assert data["verdict"] == "broken"
    assert data["at"] == {"module": "head", "op": "linear", "source": "a.py:3"}


@pytest.mark.parametrize(
    ("words", "code", "strict"),
    [
        ([], 0, 0),
        (["proved"], 0, 0),
        (["proved", "tested"], 0, 1),
        (["tested", "vacuous"], 1, 1),
        (["broken", "proved"], 1, 1),
        (["broken", "error"], 2, 2),
    ],
)
def test_exit_codes(words, code, strict):
    verdicts = [Verdict(word) for word in words]
    assert exit_code(verdicts) == code
    assert exit_code(verdicts, strict=True) == strict


@pytest.mark.parametrize("word", ["broken", "error", "vacuous"])
def test_waived_verdicts_do_not_count(word):
    waived = Verdict(word, waived=Waived("known"))
    assert exit_code([waived, Verdict("proved")], strict=True) == 0
