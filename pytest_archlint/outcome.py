"""From a verdict to what pytest calls passed, failed and error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from archlint.contracts.points import point_text
from archlint.contracts.verdict import Verdict
from archlint.report.run_results import sentence
from archlint.report.text_report import render
from pytest_archlint.options import SETTINGS

Failed: Any = pytest.fail.Exception


class _Settled(Failed):  # type: ignore[misc]
    """Its text is the whole report: pytest adds no traceback. ``message`` is one line."""

    def __init__(self, text: str, message: str) -> None:
        super().__init__(text, pytrace=False)
        self.message = message


class ContractBroken(_Settled):
    """A contract did not hold."""


class WaivedInVain(_Settled):
    """A waiver, or an entry of the baseline, is about a breach that is no more.

    Not a ``ContractBroken``: no mark expects it.
    """


class ContractUndecided(_Settled):
    """Nothing was decided: no model, no answer in time, or a fault of archlint's own.

    Not a ``ContractBroken``: what is expected to be broken must still be decided.
    """


def settle(
    item: pytest.Item,
    verdict: Verdict,
    cause: BaseException | None = None,
    broken: type[_Settled] = ContractBroken,
) -> Verdict:
    """Note the verdict with its item, and raise what pytest is to report, if anything.

    ``cause`` is the exception of the user's model behind an ``error``.
    """
    __tracebackhide__ = True
    settings = item.config.stash[SETTINGS]
    verdict = record(item, verdict)
    if verdict and not (settings.strict and verdict.word == "tested"):
        return verdict
    if verdict.severity == "warning" and not item.get_closest_marker("xfail"):
        return verdict  # it passes; the section at the end tells of it
    if verdict.waived:
        xfail: Callable[[str], None] = pytest.xfail  # comes back under --runxfail
        xfail(verdict.note)
        verdict = replace(verdict, waived=None)
    verbosity = 2 if item.config.get_verbosity() >= 2 else 0
    report = render([verdict], verbosity, strict=settings.strict)
    text = report.rstrip("\n").rpartition("\n")[0].rstrip()  # less the line that counts
    if verdict.word == "error":
        if cause is not None:
            text += "\n\n" + user_traceback(cause, item.config)
        raise ContractUndecided(text, verdict.message)
    raise broken(text, sentence(verdict))


def record(item: pytest.Item, verdict: Verdict) -> Verdict:
    """Keep the verdict for the next report, and as properties for JUnit XML."""
    if verdict.file:
        verdict = replace(verdict, file=shown(verdict.file, item.config))
    verdicts = item.__dict__.setdefault("archlint_verdicts", [])
    verdicts.append(asdict(verdict))
    properties: list[tuple[str, object]] = [("verdict", verdict.word)]
    if verdict.counterexample is not None:
        point = point_text(verdict.counterexample)
        properties.append(("counterexample", point))
    if verdict.at is not None:
        properties.append(("layer", verdict.at.module or verdict.at.op))
    item.user_properties += properties
    return verdict


def annotate(
    report: pytest.TestReport, call: pytest.CallInfo[Any], verdicts: list[dict[str, Any]]
) -> None:
    """Send the verdicts along with the report, and tell errors from failures."""
    vars(report)["archlint_verdicts"] = verdicts.copy()
    verdicts.clear()
    raised = call.excinfo.value if call.excinfo else None
    if not isinstance(raised, _Settled):
        return
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None:
        crash.message = raised.message  # the line in the short summary
    if isinstance(raised, ContractUndecided) and report.failed:
        report.when = "setup"  # what fails outside the call is an error, and only that


def user_traceback(error: BaseException, config: pytest.Config) -> str:
    """The traceback of an exception, its frames in torch, archlint and Python left out."""
    from archlint.runtime.code_owner import is_user_code

    def user_frames(info: pytest.ExceptionInfo[BaseException]) -> Any:
        kept = info.traceback.filter(lambda entry: is_user_code(str(entry.path)))
        return kept or info.traceback[-1:]

    style = config.getoption("tbstyle", "auto")
    info = pytest.ExceptionInfo.from_exception(error)
    return str(
        info.getrepr(
            style="short" if style in ("auto", "no", "line") else style,
            tbfilter=user_frames,
            chain=False,
        )
    )


def shown(file: str | Path, config: pytest.Config) -> str:
    """The file as a person where pytest was started would write it."""
    here = config.invocation_params.dir
    return str(Path(file).relative_to(here) if Path(file).is_relative_to(here) else file)
