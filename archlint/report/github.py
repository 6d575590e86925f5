"""GitHub's workflow commands: annotations at the contract and at the layer that fails.

GitHub shows at most ten errors, ten warnings and ten notices of a step, so no text is repeated at
the same level.
"""

from __future__ import annotations

from collections.abc import Iterator

from archlint.contracts.verdict import Verdict
from archlint.contracts.verdict_text import name
from archlint.errors import one_line, visible
from archlint.report.run_results import RunResults, sentence
from archlint.report.text_report import summary

_COMMANDS = {"error": "error", "warning": "warning", "note": "notice"}


def render(results: RunResults) -> str:
    """One command on each line; the last line is a summary for people."""
    lines = []
    for mistake in results.mistakes:
        expected = f"\nexpected {mistake.expected}" if mistake.expected else ""
        text = mistake.found + expected
        where = mistake.where
        place = {"file": results.path(where.file), "line": where.line, "col": where.column}
        lines.append(_command("error", text, **place, title="mistake in a rule file"))
    for verdict in results.verdicts:
        level = results.level(verdict)
        if level is not None:
            lines += _annotations(results, verdict, level)
    return "\n".join([*lines, summary(results.verdicts, len(results.mistakes))])


def _annotations(results: RunResults, verdict: Verdict, level: str) -> list[str]:
    title = f"{verdict.word}: {name(verdict)}"
    path = results.path(verdict.file) if verdict.file else None
    line = verdict.line if path else None
    text = "\n".join(_lines(verdict))
    commands = [_command(_COMMANDS[level], text, file=path, line=line, title=title)]
    layer = results.layer(verdict)
    if layer is not None and verdict.at is not None and not verdict.waived:
        module = verdict.at.module or "the model"
        text = f"{name(verdict)} fails at {module}  {verdict.at.op}: {verdict.message}"
        title = f"layer of {name(verdict)}"
        commands.append(_command("notice", text, file=layer[0], line=layer[1], title=title))
    return commands


def _lines(verdict: Verdict) -> Iterator[str]:
    """One line that says what is wrong; then why the contract is there, a range, the first fix."""
    yield sentence(verdict)
    for label in ("why", "good box", "fix"):
        if text := verdict.details.get(label):
            yield f"{label}: {text.partition(chr(10))[0]}"


def _command(command: str, text: str, **properties: object) -> str:
    options = ",".join(f"{k}={_property(v)}" for k, v in properties.items() if v is not None)
    return f"::{command} {options}::{_data(text)}"


def _data(text: str) -> str:
    """A message with the characters that end it or start another command percent-encoded."""
    return visible(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: object) -> str:
    return _data(one_line(str(value))).replace(":", "%3A").replace(",", "%2C")
