"""Variables of scripts: what a shell, Make, Docker, CI, CMake or Python file assigns to a name."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator

from archlint.contracts.rulefile.ranges.python_values import evaluate
from archlint.errors import RuleFileError

_VALUE = r"(\$\(\([^\n]{0,999}?\)\)|\$\([^)\n]*\)|\"[^\"\n]*\"|'[^'\n]*'|[^\s;#]*)"
_ASSIGNMENTS = (
    re.compile(
        r"^[ \t]*(?:(?:export|set|ARG|ENV|local|readonly|declare|const|int|auto)[ \t]+"
        r"|\$(?:env:)?)*"
        r"([A-Za-z_]\w*)(?:[ \t]*:[ \t]*\w+(?=[ \t]*=))?[ \t]*[:?]?=[ \t]*" + _VALUE,
        re.MULTILINE,
    ),
    re.compile(r"^[ \t]*(?:ENV|setenv|set)[ \t]*[ (]([A-Za-z_]\w*)[ \t]+" + _VALUE, re.MULTILINE),
    re.compile(r"^[ \t]*(?:-[ \t]+)?([A-Za-z_]\w*):[ \t]+" + _VALUE, re.MULTILINE),
    re.compile(r"(?<![\w.$-])([A-Za-z_]\w*)=" + _VALUE),
)
"""The likeliest first: what another one finds for the same name is ignored."""

_VARIABLE = re.compile(
    r"\$\{\{\s*(?:\w+\.)*(?P<ci>\w+)\s*\}\}"
    r"|\$\{(?:env:)?(?P<name>\w+)(?::?[-=](?P<default>[^}]*))?\}|\$\((?P<make>\w+)\)"
    r"|\$(?P<plain>[A-Za-z_]\w*|\d)|%(?P<cmd>\w+)%|(?<!\$)\{(?P<python>[A-Za-z_]\w*)\}"
)
_SUM = re.compile(r"\$\(\(([-+*/%\w\s()]+)\)\)")


class Variables:
    """The assignments of a file, in its order."""

    def __init__(self, text: str) -> None:
        self._values: dict[str, list[tuple[int, str]]] = {}
        for pattern in _ASSIGNMENTS:
            found: dict[str, list[tuple[int, str]]] = {}
            for match in pattern.finditer(text):
                value = match[2][1:-1] if match[2][:1] in ("'", '"') else match[2].rstrip(")")
                value = match[2] if match[2].startswith("$(") else value
                found.setdefault(match[1], []).append((match.start(), value))
            self._values = found | self._values

    def value(self, name: str, position: int) -> str | None:
        """What was last assigned before this position, else what is assigned first after it."""
        values = self._values.get(name)
        if not values:
            return None
        before = bisect_left(values, (position, ""))
        return values[max(before - 1, 0)][1]

    def expanded(self, text: str, position: int, within: frozenset[str] = frozenset()) -> str:
        """The text with the values of variables, their defaults, and sums of numbers."""

        def one(match: re.Match[str]) -> str:
            name = next(iter(_names(match)))
            value = None if name in within else self.value(name, position)
            value = match["default"] if value is None else value
            return match[0] if value is None else self.expanded(value, position, within | {name})

        def total(match: re.Match[str]) -> str:  # names need no $ there
            numbers = re.sub(
                r"[A-Za-z_]\w*", lambda m: self.value(m[0], position) or m[0], match[1]
            )
            return _sum(numbers) or match[0]

        return _SUM.sub(total, _VARIABLE.sub(one, text))


def unset_variable(text: str) -> str:
    """The first variable that an expanded text still has; empty without one."""
    match = _VARIABLE.search(text)
    return match[0] if match else ""


def _names(match: re.Match[str]) -> Iterator[str]:
    return (match[g] for g in ("ci", "name", "make", "plain", "cmd", "python") if match[g])


def _sum(text: str) -> str:
    try:
        ((call, *_), _) = evaluate(f"sum_({text.strip().replace('/', '//')})", "")
    except (RuleFileError, ValueError):
        return ""
    return str(call.args[0]) if call.args and isinstance(call.args[0], int) else ""
