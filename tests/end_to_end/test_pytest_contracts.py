"""Contracts in Python: the fixture, the marker, and how they meet rule files."""

from textwrap import dedent

import pytest

from tests.support.pytest_runs import HOLDS, contract, imported_once, pytest_in_process

pytest_plugins = ["pytester"]


@pytest.fixture(scope="module", autouse=True)
def _warm():
    imported_once()


@pytest.fixture
def run(pytester):
    return pytest_in_process(pytester)


def test_the_fixture(run):
    source = """
    import pytest
    from nets import head

    @pytest.fixture
    def model():
        return head()

    def test_holds(archlint, model):
        verdict = archlint.check(model, "N 8", accepts="any N", output="N 2")
        assert verdict.word == "proved"

    @pytest.mark.parametrize("width", [8, 9])
    def test_width(archlint, model, width):
        archlint.check(model, f"N {width}", accepts="any N")

    def test_target(archlint):
        archlint.check("nets:head", {"input": "N 8"}, accepts="any N", rejects=None)

    def test_typo(archlint, model):
        archlint.check(model, "N 8", accepts="evry N")
    """
    result = run(files={"test_it.py": dedent(source)})
    result.assert_outcomes(passed=3, failed=2)
    result.stdout.fnmatch_lines(
        [
            "test_it.py:15  BROKEN  test_width[[]9[]] · Sequential",
            "  contract   accepts any N",
            '>       archlint.check(model, "N 8", accepts="evry N")',
            "E*found 'evry'",
            'E *accepts: "evry N"',
            "E  *       ^",
            "test_it.py:*: ArchlintError",
        ]
    )


def test_the_marker(run):
    source = """
    import pytest
    from nets import head

    @pytest.fixture
    def built():
        return head()

    @pytest.mark.archlint(input="N 8", accepts="any N", output="N 2")
    def test_holds(built):
        return built

    @pytest.mark.archlint(input="N F", accepts="any F")
    @pytest.mark.archlint("N 8", accepts="any N")
    def test_breaks():
        return head()

    @pytest.mark.archlint(input="N 8", accepts="any N")
    def test_nothing():
        head()

    @pytest.mark.archlint(input="N 8", acepts="any N")
    def test_wrong_word():
        return head()

    @pytest.mark.archlint
    def test_label():
        pass
    """
    result = run("--strict-markers", files={"test_it.py": dedent(source)})
    result.assert_outcomes(passed=2, failed=3)
    result.stdout.fnmatch_lines(
        [
            "test_it.py:13  BROKEN  test_breaks · Sequential",
            "test_nothing has the archlint marker with a contract, so it must return a model",
            "@pytest.mark.archlint of test_wrong_word: *'acepts'*",
            "2 proved, 1 broken",
        ]
    )


def test_the_marker_on_a_unittest_case_is_an_error(run):
    source = """
    import unittest
    import pytest
    from nets import head

    class TestOld(unittest.TestCase):
        @pytest.mark.archlint(input="N F", accepts="any F")
        def test_breaks(self):
            return head()

        def test_other(self):
            pass
    """
    result = run(files={"test_it.py": dedent(source)})
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        ["@pytest.mark.archlint of test_breaks: a method of unittest.TestCase cannot return*"]
    )


def test_structure_in_python(run):
    source = """
    import pytest
    from nets import head

    def test_fixture(archlint):
        archlint.check(head(), structure={"forbids": ["BatchNorm2d"]})

    @pytest.mark.archlint(structure={"forbids": ["Linear"]})
    def test_marker():
        return head()

    @pytest.mark.archlint(accepts="any N")
    def test_no_input():
        return head()
    """
    result = run(files={"test_it.py": dedent(source)})
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(
        [
            "test_it.py:8  BROKEN  test_marker · Sequential",
            "  contract   structure forbids: [[]Linear[]]",
            "@pytest.mark.archlint of test_no_input: the key 'input' is missing",
        ]
    )
    result.stdout.no_fnmatch_line("*During handling*")


def test_switched_off_contracts_in_python_are_skipped(run):
    source = """
    import pytest
    def test_fixture(archlint): 1/0
    @pytest.mark.archlint(input="N 8", accepts="any N")
    def test_marker(): 1/0
    """
    result = run("--no-archlint", files={"test_it.py": dedent(source)})
    result.assert_outcomes(skipped=2)
    result.stdout.fnmatch_lines(["archlint: off"])


def test_a_session_fixture_under_a_rule_file(run):
    conftest = """
    import pytest, nets
    built = []

    @pytest.fixture(scope="session")
    def small_model():
        built.append(1)
        return nets.head()

    @pytest.fixture(scope="module")
    def per_file(small_model):
        return small_model

    @pytest.fixture
    def fails():
        raise RuntimeError("no GPU")

    @pytest.fixture(autouse=True)
    def seed(request):
        request.module.touched = True

    def pytest_sessionfinish():
        assert built == [1]
    """
    rules = HOLDS.replace("nets:head", "fixture:small_model")
    both = rules.replace("head]", "head, f]").replace(
        "models:\n", "models:\n  f: fixture:per_file\n", 1
    )
    bad = contract("input: N 8\naccepts: any N", "{target: 'fixture:small_model', args: [1]}")
    files = {"conftest.py": dedent(conftest), "a.archlint.yaml": rules, "b.archlint.yaml": both}
    files["c.archlint.yaml"] = contract("input: N 8\naccepts: any N", "fixture:fails")
    files["d.archlint.yaml"] = bad
    result = run(files=files)
    result.assert_outcomes(passed=3, errors=2)
    result.stdout.fnmatch_lines(
        ["E       RuntimeError: no GPU", "*it takes no args or kwargs", "3 proved, 2 errors"]
    )
