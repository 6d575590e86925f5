"""The progress bar names what runs, not what has just finished."""

import io
import re

from rich.console import Console

from archlint.report import progress
from tests.support.cli_project import on_terminal, project_in


def described(bar):
    return bar._progress.tasks[0].description


def test_the_longest_running_step_is_named(monkeypatch):
    monkeypatch.setattr(progress, "Console", lambda **_: Console(file=io.StringIO()))
    with progress.bar(3) as bar:
        assert described(bar) == "starting"
        bar.started(0, "slow · a")
        bar.started(1, "fast · b")
        assert described(bar) == "slow · a and 1 more"
        bar.finished(1)
        assert described(bar) == "slow · a"
        bar.started(2, "odd [bold]name[/]\nof two lines · c")
        bar.finished(0)
        assert described(bar) == r"odd \[bold]name\[/]\nof two lines · c"
        bar.finished(2)
        assert described(bar) == ""
        assert bar._progress.tasks[0].completed == 3


def test_a_contract_is_named_while_it_runs(tmp_path, monkeypatch):
    """As long as nothing has finished, only what runs can be named."""
    project_in(tmp_path, monkeypatch)("rules.yaml", contracts={"first": ["slow"]})
    output, code = on_terminal("check", "rules.yaml", "--no-cache", env={"NO_COLOR": "1"})
    assert code == 0
    before, verdict, _ = output.partition("proved  first · slow")
    assert verdict, output
    assert re.search("0/1 .*first · slow", before), before
