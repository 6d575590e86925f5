"""Reports a verdict to pytest as passed, failed or error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from archlint.contracts.size_text import size_text
from archlint.contracts.verdict import Verdict
from archlint.errors import visible
from archlint.report.run_results import sentence
from archlint.report.text_report import render
from pytest_archlint.options import SETTINGS

Failed: Any = pytest.fail.Exception


class _Reported(Failed):  # type: ignore[misc]
    """An exception whose text is the whole report, without a traceback. ``message``: one line."""

    def __init__(self, text: str, message: str) -> None:
        super().__init__(text, pytrace=False)
        self.message = message


class ContractBroken(_Reported):
    """A contract does not hold."""


class UnusedWaiver(_Reported):
    """A waiver or baseline entry is not needed any more.

    Not a ``ContractBroken``, so that no xfail mark expects it.
    """


class ContractNotChecked(_Reported):
    """The contract could not be checked: no model, no result in time, or a bug in archlint.

    Not a ``ContractBroken``: a contract that is expected to be broken must still be checked.
    """


def report_verdict(
    item: pytest.Item,
    verdict: Verdict,
    cause: BaseException | None = None,
    broken: type[_Reported] = ContractBroken,
) -> Verdict:
    """Record the verdict for ``item``, and return it if the item passes.

    Otherwise raises what pytest is to report: ``broken`` for a contract that does not hold.
    ``cause``: the exception of the user's model behind an ``error``.
    """
    __tracebackhide__ = True
    settings = item.config.stash[SETTINGS]
    verdict = record(item, verdict)
    if verdict and not (settings.strict and verdict.word == "tested"):
        return verdict
    if verdict.severity == "warning" and not item.get_closest_marker("xfail"):
        return verdict  # it passes; the section at the end lists it
    if verdict.waived:
        xfail: Callable[[str], None] = pytest.xfail  # returns under --runxfail
        xfail(verdict.note)
        verdict = replace(verdict, waived=None)
    verbosity = 2 if item.config.get_verbosity() >= 2 else 0
    report = render([verdict], verbosity, strict=settings.strict)
    text = report.rstrip("\n").rpartition("\n")[0].rstrip()  # without the summary line
    if verdict.word == "error":
        if cause is not None:
            text += "\n\n" + visible(user_traceback(cause, item.config))
        raise ContractNotChecked(text, visible(verdict.message))
    raise broken(text, sentence(verdict))


def record(item: pytest.Item, verdict: Verdict) -> Verdict:
    """Attach the verdict to the item, for the next report and as properties for JUnit XML."""
    if verdict.file:
        verdict = replace(verdict, file=shown(verdict.file, item.config))
    verdicts = item.__dict__.setdefault("archlint_verdicts", [])
    verdicts.append(asdict(verdict))
    properties: list[tuple[str, object]] = [("verdict", verdict.word)]
    if verdict.counterexample is not None:
        point = size_text(verdict.counterexample)
        properties.append(("counterexample", point))
    if verdict.at is not None:
        properties.append(("layer", verdict.at.module or verdict.at.op))
    item.user_properties += properties
    return verdict


def annotate(
    report: pytest.TestReport, call: pytest.CallInfo[Any], verdicts: list[dict[str, Any]]
) -> None:
    """Attach the verdicts to the report, and make it an error if the contract was not checked."""
    vars(report)["archlint_verdicts"] = verdicts.copy()
    verdicts.clear()
    raised = call.excinfo.value if call.excinfo else None
    if not isinstance(raised, _Reported):
        return
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None:
        crash.message = raised.message  # the line in the short summary
    if isinstance(raised, ContractNotChecked) and report.failed:
        report.when = "setup"  # pytest shows only failures outside the call as errors


def user_traceback(error: BaseException, config: pytest.Config) -> str:
    """The traceback of an exception without frames in torch, archlint and Python."""
    from archlint.runtime.code_owner import is_user_code

    def user_frames(info: pytest.ExceptionInfo[BaseException]) -> Any:
        traceback = info.traceback.filter(lambda entry: is_user_code(str(entry.path)))
        return traceback or info.traceback[-1:]

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
    """The file relative to the folder in which pytest was started, if it is in it."""
    here = config.invocation_params.dir
    return str(Path(file).relative_to(here) if Path(file).is_relative_to(here) else file)
