"""What pytest collects of rule files, and what a user selects of it."""

import json

import pytest

from tests.support.pytest_runs import BREAKS, HOLDS, imported_once, pytest_in_process

pytest_plugins = ["pytester"]


@pytest.fixture(scope="module", autouse=True)
def _warm():
    imported_once()


@pytest.fixture
def run(pytester):
    return pytest_in_process(pytester)


def test_one_item_for_each_contract_model_and_mode(run):
    rules = HOLDS.replace("  head: nets:head", "  head: nets:head\n  same: nets:head")
    rules = rules.replace("[head]", "[head, same]")
    rules += "  - {id: b, models: 'nets:head', input: N 8, accepts: any N, mode: train}\n"
    result = run("--co", "-q", files={"contracts/x.archlint.yaml": rules, "archlint.yaml": HOLDS})
    assert result.outlines[:4] == [
        "archlint.yaml::any-batch[head]",
        "contracts/x.archlint.yaml::any-batch[head]",
        "contracts/x.archlint.yaml::any-batch[same]",
        "contracts/x.archlint.yaml::b[nets:head-train]",
    ]


def test_other_yaml_files_are_left_alone(run):
    others = ("compose.yaml", "x.archlint.yml", "notarchlint.yaml", "contracts/x.yaml")
    result = run("--co", files=dict.fromkeys(others, HOLDS))
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED


@pytest.mark.parametrize(
    "ini",
    [
        "[tool.pytest.ini_options]\narchlint_rules = ['rules/*.yaml']",
        "[tool.pytest.ini_options]\narchlint_rules = ['rules']\ntestpaths = ['tests']",
        "[tool.pytest.ini_options]\n[tool.archlint]\npaths = ['rules/a.yaml', 'rules/b.yaml']",
    ],
)
def test_configured_rule_files(run, ini):
    files = {"pyproject.toml": ini, "rules/a.yaml": HOLDS, "rules/b.yaml": BREAKS}
    files["tests/test_it.py"] = "def test_it(): pass"
    result = run("--co", "-q", files=files)
    found = sorted(line for line in result.outlines if "::" in line)
    assert found == [
        "rules/a.yaml::any-batch[head]",
        "rules/b.yaml::any-width[head]",
        "tests/test_it.py::test_it",
    ]


def test_a_configured_place_without_rule_files_is_an_error(run):
    result = run(files={"pytest.ini": "[pytest]\narchlint_rules = contarcts/*.yaml"})
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*archlint_rules: there is no rule file *contarcts/[*].yaml"])


def test_selection_by_keyword_marker_and_node_id(run, pytester):
    files = {"a.archlint.yaml": HOLDS, "b.archlint.yaml": BREAKS}
    files["test_it.py"] = "def test_it(): pass\ndef test_fixture(archlint): pass"

    def chosen(*args):
        lines = run("--co", "-q", *args, files=files).outlines
        return [line.partition("::")[2] for line in lines if "::" in line]

    assert chosen() == ["any-batch[head]", "any-width[head]", "test_it", "test_fixture"]
    assert chosen("-m", "archlint") == ["any-batch[head]", "any-width[head]", "test_fixture"]
    assert chosen("-m", "not archlint") == ["test_it"]
    assert chosen("-k", "any-width or nothing") == ["any-width[head]"]
    assert chosen("--deselect", "a.archlint.yaml::any-batch[head]")[0] == "any-width[head]"
    assert chosen("b.archlint.yaml::any-width[head]") == ["any-width[head]"]
    assert chosen("b.archlint.yaml::any-width") == ["any-width[head]"]
    assert chosen("--archlint-select", "*-batch") == ["any-batch[head]", "test_it", "test_fixture"]
    assert chosen("--no-archlint") == ["test_it", "test_fixture"]


def test_a_selection_that_matches_nothing_is_an_error(run):
    result = run("--archlint-select", "any-bach", files={"archlint.yaml": HOLDS})
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*no contract matches 'any-bach'; there are any-batch"])


def test_a_broken_rule_file_is_one_error_with_all_mistakes_and_the_rest_runs(run, pytester):
    bad = HOLDS.replace("models: [head]", "model: [head]").replace("any N", "evry N")
    files = {"a.archlint.yaml": bad, "b.archlint.yaml": HOLDS, "test_it.py": "def test_it(): pass"}
    result = run("--archlint-json=out.json", files=files)
    result.assert_outcomes(passed=2, errors=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "*ERROR collecting a.archlint.yaml*",
            "a.archlint.yaml:5:5: the key 'models' is missing",
            "a.archlint.yaml:6:5: found the unknown key 'model'; did you mean 'models'?",
            "a.archlint.yaml:8:14: found 'evry'",
            "        accepts: evry N",
            "                 ^",
        ]
    )
    errors = json.loads((pytester.path / "out.json").read_text())["errors"]
    assert [e["line"] for e in errors] == [5, 6, 8]


def test_a_broken_test_module_still_stops_the_session(run):
    files = {"a.archlint.yaml": "archlint: 2", "test_it.py": "import nothing_such"}
    result = run(files=files)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.assert_outcomes(errors=2)
