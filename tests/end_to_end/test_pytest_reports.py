"""Outcomes of contracts under pytest, and the reports of a session."""

import json
import xml.etree.ElementTree as ElementTree

import pytest

from tests.support.pytest_runs import BREAKS, HOLDS, contract, imported_once, pytest_in_process

pytest_plugins = ["pytester"]


@pytest.fixture(scope="module", autouse=True)
def _warm():
    imported_once()


@pytest.fixture
def run(pytester):
    return pytest_in_process(pytester)


def test_a_violation_is_the_report_of_archlint_and_no_traceback(run):
    result = run(files={"archlint.yaml": BREAKS})
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "archlint.yaml:5  BROKEN  any-width · head",
            "  contract   accepts any N, F",
            "  fails at   N=1 F=1   (smallest; confirmed by running: RuntimeError: *",
            "  at         1  Linear(8, 2)",
            "=* archlint *=",
            "BROKEN  any-width · head  archlint.yaml:5  N=1 F=1 is refused: *",
            "1 broken",
            "FAILED archlint.yaml::any-width[[]head[]] - N=1 F=1 is refused: *",
        ]
    )
    output = result.stdout.str()
    assert "Traceback" not in output
    assert "deciding.py" not in output
    assert "claims  " not in output


def test_very_verbose_adds_the_chain_and_the_claims(run):
    result = run("-vv", files={"archlint.yaml": BREAKS})
    result.stdout.fnmatch_lines(
        [
            "  chain      0  flatten → N F",
            "             1  linear → *",
            "  claims     *in_features 8*",
        ]
    )


def test_errors_are_errors_with_the_users_own_traceback(run):
    body = "input: N 8\naccepts: any N"
    files = {"archlint.yaml": contract(body, "nets:broken_build")}
    files["b.archlint.yaml"] = contract(body, "nets:leave")
    files["c.archlint.yaml"] = contract(body, "netz:head")
    files["d.archlint.yaml"] = contract(body, "fixture:nothing")
    result = run(files=files)
    result.assert_outcomes(errors=4)
    result.stdout.fnmatch_lines(
        [
            "archlint.yaml:5  ERROR  c · m",
            "  reason     nets:broken_build could not be built: ValueError: no weights here *",
            "nets.py:*: in broken_build",
            "nets.py:*: in _deeper",
            "E   ValueError: no weights here",
            "  reason     nets:leave could not be built: it calls sys.exit *",
            "  reason     there is no module netz *",
            "  reason     there is no fixture 'nothing'; *",
            "4 errors",
        ]
    )
    assert "site-packages" not in result.stdout.str()
    assert "pytest_archlint" not in result.stdout.str()


TESTED = contract("input: N 8\naccepts: any N\nbudget: {paths: 1}", "nets:Branching")


def test_tested_passes_with_a_note(run):
    result = run("-ra", files={"archlint.yaml": TESTED})
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["tested  c · m  archlint.yaml:5  not proved: *", "1 tested"])
    assert "not proved" not in run().stdout.str()


@pytest.mark.parametrize("ini", ["", "[pytest]\narchlint_strict = true"])
def test_tested_fails_when_strict(run, ini):
    args = () if ini else ("--archlint-strict",)
    result = run(*args, files={"archlint.yaml": TESTED, "pytest.ini": ini or "[pytest]"})
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["archlint: *; strict", "tested  c · m*", "  not proved *"])


def test_vacuous_fails(run):
    result = run(files={"archlint.yaml": contract("input: N 8\naccepts: any N > 4 and N < 3")})
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*VACUOUS  c · m", "1 vacuous"])


@pytest.mark.parametrize(
    ("key", "sizes", "outcome"),
    [
        ("skip: not yet", "N 8", {"skipped": 1}),
        ("xfail: known", "N F", {"xfailed": 1}),
        ("xfail: known", "N 8", {"failed": 1}),  # strict is the default
        ("xfail: {reason: known, strict: false}", "N 8", {"xpassed": 1}),
    ],
)
def test_skip_and_xfail(run, key, sizes, outcome):
    result = run(
        "-rsxX", files={"archlint.yaml": contract(f"{key}\ninput: {sizes}\naccepts: any N")}
    )
    result.assert_outcomes(**outcome)
    if "skipped" in outcome:
        result.stdout.fnmatch_lines(["SKIPPED [[]1[]] archlint.yaml:5: not yet"])
    if "xfailed" in outcome:
        result.stdout.fnmatch_lines(["1 broken as expected", "XFAIL *::c[[]m[]] - known"])


def test_a_contract_expected_to_break_must_still_be_decided(run):
    rules = contract("xfail: known\ninput: N 8\naccepts: any N", "nets:broken_build")
    run(files={"archlint.yaml": rules}).assert_outcomes(errors=1)


# -- reports ---------------------------------------------------------------------------------


def test_summary_json_and_junit(run, pytester):
    files = {"a.archlint.yaml": HOLDS, "b.archlint.yaml": BREAKS, "c.archlint.yaml": TESTED}
    result = run("--archlint-json=out/verdicts.json", "--junitxml=out/junit.xml", files=files)
    result.stdout.fnmatch_lines(["archlint: rule files *", "1 proved, 1 broken, 1 tested"])
    document = json.loads((pytester.path / "out/verdicts.json").read_text())
    assert document["summary"] == {"proved": 1, "tested": 1, "vacuous": 0, "broken": 1, "error": 0}
    assert [v["file"] for v in document["verdicts"]] == sorted(files)
    assert document["verdicts"][1]["counterexample"] == {"N": 1, "F": 1}
    cases = ElementTree.parse(pytester.path / "out/junit.xml").iter("testcase")
    found = {
        case.get("name"): {p.get("name"): p.get("value") for p in case.iter("property")}
        for case in cases
    }
    assert found == {
        "any-batch[head]": {"verdict": "proved"},
        "any-width[head]": {"verdict": "broken", "counterexample": "N=1 F=1", "layer": "1"},
        "c[m]": {"verdict": "tested"},
    }


def test_ini_equivalents(run, pytester):
    ini = "[pytest]\narchlint_select = any-b*\narchlint_json = v.json\narchlint_samples = x"
    files = {
        "pytest.ini": ini.replace("= x", "= 0"),
        "a.archlint.yaml": HOLDS,
        "archlint.yaml": BREAKS,
    }
    run(files=files).assert_outcomes(passed=1, deselected=1)
    assert (pytester.path / "v.json").exists()
    assert run("--no-archlint").ret == pytest.ExitCode.NO_TESTS_COLLECTED
    result = pytester.runpytest_inprocess("-p", "no:randomly", "-o", "archlint_samples=x")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*archlint_samples: found 'x'; expected a number of samples"])
    assert run("--archlint-samples=-1").ret == pytest.ExitCode.USAGE_ERROR
    run("-o", "archlint=false", "--archlint").assert_outcomes(passed=1, deselected=1)


def test_last_failed_exit_first_and_durations(run, pytester):
    files = {"a.archlint.yaml": BREAKS, "b.archlint.yaml": HOLDS, "c.archlint.yaml": BREAKS}
    run(files=files)
    quiet = ("-p", "no:randomly", "--archlint-samples=1")
    result = pytester.runpytest_inprocess(*quiet, "--durations=3", "-vv")
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(["*s call * ?.archlint.yaml::any-*[[]head[]]"])
    pytester.runpytest_inprocess(*quiet, "--lf").assert_outcomes(failed=2)
    pytester.runpytest_inprocess(*quiet, "--ff", "-x").assert_outcomes(failed=1)


def test_setup_plan_decides_nothing(run):
    files = {"archlint.yaml": contract("input: N 8\naccepts: any N", "fixture:model")}
    files["conftest.py"] = "import pytest\n@pytest.fixture\ndef model(): 1/0"
    result = run("--setup-plan", files=files)
    result.stdout.fnmatch_lines(["*SETUP    F model", "*::c[[]m[]] (fixtures used: *model*)"])
    result.assert_outcomes()
