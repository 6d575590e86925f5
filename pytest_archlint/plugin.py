"""The hooks of the pytest plugin. Every pytest session imports this file, so it must be fast.

The other modules of the package import ``archlint``: when a rule file is collected (without
torch), and when the first contract is checked (with torch).
"""

from __future__ import annotations

import argparse
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import TestCase

import pytest

from pytest_archlint.options import SETTINGS, Settings
from pytest_archlint.session_results import Results

if TYPE_CHECKING:
    from pytest_archlint.fixture import Checker


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("archlint", "contracts about model input sizes (archlint)")
    on = "Check contracts (the default)."
    group.addoption("--archlint", action="store_true", default=None, help=on)
    off = "Do not collect rule files, and skip tests that check contracts."
    group.addoption("--no-archlint", dest="archlint", action="store_false", help=off)
    group.addoption(
        "--archlint-samples", type=_count, metavar="N",
        help="Number of sizes at which each real model runs; overrides the contract. 0: never.",
    )  # fmt: skip
    strict = "Contracts that are tested but not proved fail."
    group.addoption("--archlint-strict", action="store_true", default=None, help=strict)
    locked = "Also compare what the models of rule files accept with archlint.lock."
    group.addoption("--archlint-locked", action="store_true", default=None, help=locked)
    update = "Write what the models from fixtures accept to archlint.lock."
    group.addoption("--archlint-update-lock", action="store_true", help=update)
    group.addoption(
        "--archlint-select", action="append", metavar="ID",
        help="Only contracts of rule files with this id or glob (repeatable).",
    )  # fmt: skip
    group.addoption("--archlint-json", metavar="FILE", help="Write the verdicts to FILE as JSON.")
    parser.addini("archlint", "Whether to check contracts.", type="bool", default=True)
    rules = "More rule files besides archlint.yaml and *.archlint.yaml: files, folders, globs."
    parser.addini("archlint_rules", rules, type="paths", default=[])
    parser.addini("archlint_samples", "As --archlint-samples.")
    parser.addini("archlint_strict", "As --archlint-strict.", type="bool", default=False)
    parser.addini("archlint_locked", "As --archlint-locked.", type="bool", default=False)
    parser.addini("archlint_select", "As --archlint-select.", type="args", default=[])
    parser.addini("archlint_json", "As --archlint-json.")


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of samples")
    return int(text)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "archlint(input, accepts, rejects, output, structure, mode, samples): check the model that "
        "the function returns against this contract. The contracts of rule files have this marker "
        "as well.",
    )
    settings = Settings.of(config)
    config.stash[SETTINGS] = settings
    config.pluginmanager.register(Results(config, settings), "archlint-results")
    if settings.files and config.args_source is pytest.Config.ArgsSource.TESTPATHS:
        # A plain ``pytest`` runs the configured contracts too, wherever testpaths points.
        start = config.invocation_params.dir
        places = [(start / arg.partition("::")[0]).resolve() for arg in config.args]
        outside = (f for f in settings.files if not any(f.is_relative_to(p) for p in places))
        config.args.extend(map(str, outside))


def pytest_report_header(config: pytest.Config) -> str:
    return config.stash[SETTINGS].header()


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    settings = parent.config.stash[SETTINGS]
    if not settings.is_rule_file(file_path):
        return None
    from pytest_archlint.items import RuleFile

    collector: pytest.Collector = RuleFile.from_parent(parent, path=file_path)
    return collector


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    mistakes = getattr(collector, "archlint_mistakes", None)
    if mistakes and report.failed:
        vars(report)["archlint_mistakes"] = mistakes
    return report


def pytest_itemcollected(item: pytest.Item) -> None:
    if "archlint" in getattr(item, "fixturenames", ()) and not item.get_closest_marker("archlint"):
        item.add_marker("archlint")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.stash[SETTINGS].select:
        from pytest_archlint.items import deselect

        deselect(config, items)


def pytest_runtest_setup(item: pytest.Item) -> None:
    if issubclass(getattr(item, "cls", None) or object, TestCase) and _contract_marks(item):
        reason = (
            "a method of unittest.TestCase cannot return a model; use a plain class or function"
        )
        pytest.fail(f"@pytest.mark.archlint of {item.name}: {reason}", pytrace=False)


def _contract_marks(item: pytest.Item) -> list[pytest.Mark]:
    return [m for m in item.iter_markers("archlint") if m.args or m.kwargs]


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> object | None:
    marks = _contract_marks(pyfuncitem)
    if not marks:
        return None
    from pytest_archlint.fixture import check_returned

    return check_returned(pyfuncitem, marks)


@pytest.fixture
def archlint(request: pytest.FixtureRequest) -> Checker:
    """Check contracts of models: archlint.check(model, "N 3 H W", accepts="any H, W >= 32")."""
    from pytest_archlint.fixture import Checker

    return Checker(request.node)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[Any]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    verdicts = getattr(item, "archlint_verdicts", None)
    if verdicts:
        from pytest_archlint.outcome import annotate

        annotate(report, call, verdicts)
    return report
