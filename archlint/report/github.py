"""GitHub's workflow commands: annotations on the rule file and on the layer to blame.

GitHub shows ten errors, ten warnings and ten notices of a step, so nothing is said twice at one
level.
"""

from __future__ import annotations

from archlint.contracts.verdict import Verdict
from archlint.report.run_results import Run, name
from archlint.report.text_report import body, summary, visible

_COMMANDS = {"error": "error", "warning": "warning", "note": "notice"}


def render(run: Run) -> str:
    """A command on each line; the last line, for people, counts."""
    lines = []
    for mistake in run.mistakes:
        text = "\n".join(filter(None, (mistake.found, _expected(mistake.expected))))
        where = mistake.where
        place = {"file": run.path(where.file), "line": where.line, "col": where.column}
        lines.append(_command("error", text, **place, title="mistake in a rule file"))
    for verdict in run.verdicts:
        level = run.level(verdict)
        if level is not None:
            lines += _annotations(run, verdict, level)
    return "\n".join([*lines, summary(run.verdicts, len(run.mistakes))])


def _annotations(run: Run, verdict: Verdict, level: str) -> list[str]:
    title = f"{verdict.word}: {name(verdict)}"
    path = run.path(verdict.file) if verdict.file else None
    line = verdict.line if path else None
    found = [_command(_COMMANDS[level], body(verdict), file=path, line=line, title=title)]
    layer = run.layer(verdict)
    if layer is not None and verdict.at is not None and not verdict.waived:
        module = verdict.at.module or "the model"
        text = f"{module}  {verdict.at.op} is what {name(verdict)} breaks at: {verdict.message}"
        title = f"layer of {name(verdict)}"
        found.append(_command("notice", text, file=layer[0], line=layer[1], title=title))
    return found


def _expected(text: str) -> str:
    return f"expected {text}" if text else ""


def _command(command: str, text: str, **properties: object) -> str:
    given = ",".join(f"{k}={_property(v)}" for k, v in properties.items() if v is not None)
    return f"::{command} {given}::{_data(text)}"


def _data(text: str) -> str:
    """A message: what would end it or begin another command is spelled in percents."""
    return visible(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: object) -> str:
    return _data(str(value)).replace(":", "%3A").replace(",", "%2C")
