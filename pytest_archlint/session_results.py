"""The verdicts of a session, collected from its test reports.

Under pytest-xdist the tests run in other processes, so everything here comes from the reports.
"""

from __future__ import annotations

from typing import Any

import pytest

from pytest_archlint.options import Settings


class Results:
    """The verdicts and the mistakes in rule files of a session, as plain data."""

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        self.settings = settings
        self.verdicts: list[dict[str, Any]] = []
        self.mistakes: list[dict[str, Any]] = []
        self.broken_files = 0
        self.is_worker = hasattr(config, "workerinput")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if str(report.outcome) == "rerun":  # pytest-rerunfailures: the last report counts
            return
        for verdict in getattr(report, "archlint_verdicts", ()):
            self.verdicts.append(dict(verdict, expected=hasattr(report, "wasxfail")))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        mistakes = getattr(report, "archlint_mistakes", ())
        if mistakes and report.failed:
            self.broken_files += 1
            self.mistakes += mistakes

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> None:
        """A broken rule file fails the session at its end; the other tests run."""
        if self.broken_files and session.testsfailed == self.broken_files:
            session.config.option.continue_on_collection_errors = True

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.verdicts:
            from pytest_archlint.summary import write_section

            write_section(terminalreporter, self.verdicts)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.verdicts and not self.is_worker:
            from pytest_archlint.session_waivers import unused_entries

            unused = unused_entries(session.config, self.verdicts)
            self.verdicts += unused
            if session.exitstatus == pytest.ExitCode.OK and any(
                v["severity"] == "error" for v in unused
            ):
                session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if self.settings.json is not None and not self.is_worker:
            from pytest_archlint.summary import write_json

            write_json(self.settings.json, self.verdicts, self.mistakes)
