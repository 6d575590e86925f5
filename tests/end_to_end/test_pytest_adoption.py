"""Waivers and the baseline under pytest: what is waived is expected, what is in vain fails."""

import json

import pytest

from tests.support.pytest_runs import imported_once

pytest_plugins = ["pytester"]

NETS = """
from torch import nn

def takes_8():
    return nn.Linear(8, 2)

def takes_any():
    return nn.ReLU()
"""

RULES = """\
archlint: 1
models:
  takes_8: nets:takes_8
  takes_any: nets:takes_any
contracts:
  - id: any-width
    models: [takes_8, takes_any]
    input: N F
    accepts: any N, F
"""


@pytest.fixture(scope="module", autouse=True)
def _warm():
    imported_once()


@pytest.fixture
def run(pytester, monkeypatch):
    """Run pytest on a rule file with these waivers: (contract, model, until)."""
    monkeypatch.setenv("ARCHLINT_TODAY", "2026-06-15")
    pytester.makepyfile(nets=NETS)
    pytester.syspathinsert()

    def run(*args, waivers=(), rules=RULES, inline=True):
        lines = [
            f"  - {{contract: '{c}', model: '{m}', until: {until}, reason: planned}}"
            for c, m, until in waivers
        ]
        text = "\n".join([rules + "waivers:" * bool(lines), *lines, ""])
        (pytester.path / "archlint.yaml").write_text(text)
        options = ("-p", "no:randomly", "-p", "no:cacheprovider", "--archlint-samples=1", *args)
        # In this process archlint is imported already, as in no pytest that a user starts.
        rewritten = "ignore:Module already imported:pytest.PytestAssertRewriteWarning"
        start = pytester.runpytest_inprocess if inline else pytester.runpytest_subprocess
        return start(*options, "-W", rewritten)

    return run


def baseline(pytester, **changes):
    """Write the baseline of ``RULES``, as ``archlint check --write-baseline`` does."""
    from archlint.contracts.fingerprint import digest
    from archlint.project.adoption.baseline import KnownViolation, text

    known = {"file": "archlint.yaml", "contract": "any-width", "model": "takes_8"}
    known |= {"counterexample": {"N": 1, "F": 1}, "layer": "linear", **changes}
    words = [known["file"], known["contract"], known["model"]]
    mark = digest(*words, "broken", known["layer"])
    entry = KnownViolation(tuple(words), known["counterexample"], known["layer"], mark)
    (pytester.path / "archlint-baseline.json").write_text(text([entry]))


def test_a_waived_breach_is_expected(run, pytester):
    result = run(
        "-rx", "--archlint-json=out.json", waivers=[("any-width", "takes_8", "2026-12-31")]
    )
    result.assert_outcomes(passed=1, xfailed=1)
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "1 proved, 1 broken (waived)",
            "XFAIL archlint.yaml::any-width[[]takes_8[]] - *waived until 2026-12-31: planned",
        ]
    )
    assert "BROKEN" not in result.stdout.str()
    first, second = json.loads((pytester.path / "out.json").read_text())["verdicts"]
    assert (first["verdict"], first["waived"]) == (
        "broken",
        {"reason": "planned", "until": "2026-12-31"},
    )
    assert second["waived"] is None


def test_runxfail_shows_the_breach(run):
    result = run("--runxfail", waivers=[("any-width", "takes_8", "2026-12-31")])
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*BROKEN  any-width · takes_8", "  fails at   N=1 F=1 *"])


def test_an_expired_waiver_fails_and_says_so(run):
    result = run(waivers=[("any-width", "takes_8", "2026-06-14")])
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "  note       the waiver at archlint.yaml:11 expired on 2026-06-14: planned",
            "BROKEN  any-width · takes_8  archlint.yaml:6  *; the waiver at archlint.yaml:11 exp*",
        ]
    )


def test_a_waiver_that_is_not_needed_fails_the_test(run):
    result = run(
        waivers=[("any-width", "takes_8", "2026-12-31"), ("any-*", "takes_any", "2026-12-31")]
    )
    result.assert_outcomes(xfailed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "archlint.yaml:12  BROKEN  waiver · any-* · takes_any",
            "  reason     no longer needed: the contract is proved",
            "1 proved, 1 broken, 1 broken (waived)",
            "FAILED archlint.yaml::any-width[[]takes_any[]] - no longer needed: *",
        ]
    )


def test_the_setting_for_waivers_that_are_not_needed(run, pytester):
    for setting, told in (("warning", True), ("off", False)):
        pytester.makepyprojecttoml(f'[tool.archlint]\nunneeded_waivers = "{setting}"\n')
        result = run(
            waivers=[("any-width", "takes_8", "2026-12-31"), ("*", "takes_any", "2026-12-31")]
        )
        result.assert_outcomes(passed=1, xfailed=1)
        assert ("waiver · * · takes_any" in result.stdout.str()) == told


HOLDS = RULES.replace("any N, F", "any N >= 1 and F == 8")


def test_what_only_the_session_can_tell_fails_the_session(run):
    """Each model alone says nothing of a waiver for both, or of one for none."""
    waivers = [("any-width", "takes_*", "2026-12-31"), ("any-height", "*", "2026-12-31")]
    result = run(waivers=waivers, rules=HOLDS)
    result.assert_outcomes(passed=2)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "BROKEN  waiver · any-width · takes_[*]  archlint.yaml:11  no longer needed: all 2 *",
            "BROKEN  waiver · any-height · [*]  archlint.yaml:12  matches no contract and model*"
            "; did you mean 'any-width'?*",
            "2 proved, 2 broken",
        ]
    )
    assert run("-k", "takes_8", waivers=waivers, rules=HOLDS).ret == 0


def test_a_waiver_for_both_is_needed_as_long_as_one_breaks(run):
    assert run(waivers=[("any-width", "takes_*", "2026-12-31")]).ret == 0


@pytest.mark.slow
def test_the_same_in_two_processes(run):
    """A waiver that no model needs fails the session, and one that a model needs does not."""
    waivers = [("any-width", "takes_*", "2026-12-31"), ("of-any", "takes_*", "2026-12-31")]
    of_any = RULES.partition("contracts:\n")[2].replace("any-width", "of-any")
    result = run("-n2", waivers=waivers, rules=HOLDS + of_any, inline=False)
    result.assert_outcomes(passed=3, xfailed=1)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["BROKEN  waiver · any-width · takes_[*]*", "3 proved, 1 broken, 1 broken (waived)"]
    )
    assert "waiver · of-any" not in result.stdout.str()


def test_the_baseline(run, pytester):
    baseline(pytester)
    result = run("-rx")
    result.assert_outcomes(passed=1, xfailed=1)
    result.stdout.fnmatch_lines(["*known in archlint-baseline.json"])


@pytest.mark.parametrize("change", [{"counterexample": {"N": 1, "F": 2}}, {"layer": "head"}])
def test_another_breach_than_that_of_the_baseline_fails(run, pytester, change):
    baseline(pytester, **change)
    result = run()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["  note       archlint-baseline.json:4 has another violation, N=1 F=* --write-baseline *"]
    )


def test_an_entry_that_says_what_is_not_so_fails(run, pytester):
    baseline(pytester, model="takes_any")
    result = run("-k", "takes_any")
    result.assert_outcomes(failed=1, deselected=1)
    result.stdout.fnmatch_lines(
        ["  reason     the violation no longer exists: the contract is proved"]
    )
    baseline(pytester, model="takes_9")
    result = run("-k", "takes_any")
    assert result.ret == 0
    result = run(rules=HOLDS)
    result.assert_outcomes(passed=2)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["BROKEN  baseline · any-width · takes_9  archlint-baseline.json*"])


def test_a_damaged_baseline_is_an_error_of_collection(run, pytester):
    (pytester.path / "archlint-baseline.json").write_text("{}")
    result = run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["archlint-baseline.json:1:1: this is not a baseline of version 1"])


def test_an_expected_contract_may_be_waived_too(run):
    rules = RULES + "    xfail: known\n"
    result = run(waivers=[("any-width", "takes_8", "2026-12-31")], rules=rules)
    # takes_any holds, which a strict xfail does not expect
    result.assert_outcomes(failed=1, xfailed=1)
