"""Variables of scripts: what a shell, Make, Docker, CI, CMake or Python file assigns to a name."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from itertools import product
from math import prod

from archlint.contracts.rulefile.ranges.declared import mistake
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

_DEFAULTS = re.compile(
    r"(?:add_argument|option)\([^()]*[\"']--([\w-]+)[\"'](?:[^()]|\([^()]*\))*?\bdefault=([^\s,)]+)"
)
"""Options of a command in Python: ``add_argument("--size", default=512)``."""

_LISTS = (
    re.compile(r"^[ \t]*(?P<name>[A-Za-z_]\w*)\+?=\((?P<items>[^()]*)\)", re.MULTILINE),
    re.compile(r"^[ \t]*(?:-[ \t]+)?(?P<name>[A-Za-z_]\w*):[ \t]+\[(?P<items>[^\]]*)\]",
               re.MULTILINE),
    re.compile(r"^(?P<indent>[ \t]*)(?P<name>[A-Za-z_]\w*):[ \t]*\n"
               r"(?P<items>(?:(?P=indent)[ \t]*-[ \t]+[^:\n]*\n)+)", re.MULTILINE),
    re.compile(r"(?<![\w.$-])for[ \t]+(?P<name>[A-Za-z_]\w*)[ \t]+in[ \t]+"
               r"(?![(\[])(?P<items>[^;\n]+?)(?<!:)[ \t]*(?:;|\n)"),
    re.compile(r"^[ \t]*for[ \t]+(?P<name>[A-Za-z_]\w*)[ \t]+in[ \t]+"
               r"[(\[](?P<items>[^()\[\]\n]*)[)\]][ \t]*:", re.MULTILINE),
)  # fmt: skip
"""Names of several values: an array of bash, lists of YAML, loops of the shell and of Python."""

_MOST_TURNS = 64
_WORDS = re.compile(r"\"[^\"]*\"|'[^']*'|\$\([^)]*\)|[^\s,]+")
_ALL_OF = re.compile(r"\$\{(\w+)\[[@*]\]\}|\$\{?(\w+)\}?")
_VARIABLE = re.compile(
    r"\$\{\{\s*(?:\w+\.)*(?P<ci>\w+)\s*\}\}"
    r"|\$?\$\{(?:env:)?(?P<name>\w+)(?::?[-=](?P<default>[^}]*))?\}|\$\((?P<make>\w+)\)"
    r"|\$?\$(?P<plain>[A-Za-z_]\w*|\d)|%(?P<cmd>\w+)%|(?<!\$)\{(?P<python>[A-Za-z_][\w.]*)\}"
)
_SUM = re.compile(r"\$\(\(([-+*/%\w\s()]+)\)\)")


class Variables:
    """The assignments of a file, in its order. A name of several values has one at each turn."""

    def __init__(self, text: str) -> None:
        self._values: dict[str, list[tuple[int, str]]] = {}
        for pattern in _ASSIGNMENTS:
            found: dict[str, list[tuple[int, str]]] = {}
            for match in pattern.finditer(text):
                value = re.sub(r"^[fFrR]{1,2}(?=[\"'])", "", match[2])
                value = value[1:-1] if value[:1] in ("'", '"') else value.rstrip(")")
                value = match[2] if match[2].startswith("$(") else value
                found.setdefault(match[1], []).append((match.start(), value))
            self._values = found | self._values
        for match in _DEFAULTS.finditer(text):
            name = f"args.{match[1].replace('-', '_')}"
            self._values.setdefault(name, []).append((match.start(), match[2].strip("\"'")))
        self._lists: dict[str, list[tuple[int, list[str]]]] = {}
        self._turn: dict[tuple[str, int], str] = {}
        self._used: dict[tuple[str, int], list[str]] = {}
        for match in (m for pattern in _LISTS for m in pattern.finditer(text)):
            if items := self._items(match["items"], match.start()):
                self._lists.setdefault(match["name"], []).append((match.start(), items))

    def _items(self, words: str, position: int) -> list[str]:
        """The values of a list, with those of arrays in it; nothing if a command makes them."""
        items: list[str] = []
        for word in _WORDS.findall(re.sub(r"(?m)^[ \t]*-[ \t]", "", words)):
            plain = word.strip("\"'")
            if plain.startswith("$("):
                return []
            whole = _ALL_OF.fullmatch(plain)
            named = self._lists.get(whole[1] or whole[2], []) if whole else []
            if named:
                items += max((n for n in named if n[0] < position), default=named[0])[1]
            elif whole and word == plain and (text := self.value(whole[2] or whole[1], position)):
                items += text.split()
            else:
                items.append(plain)
        return items

    def turns(self, file: str) -> Iterator[None]:
        """Sets every combination of the values of names that were used, one after another.

        Which are used is known after the first turn. Raises ``RuleFileError`` if there are many.
        """
        self._turn, self._used = {}, {}
        yield
        count = prod(map(len, self._used.values()))
        if count > _MOST_TURNS:
            raise mistake(file, 1, f"found loops of {count} turns", f"at most {_MOST_TURNS}")
        combinations = product(*self._used.values())
        next(combinations)
        for values in combinations:
            self._turn = dict(zip(self._used, values, strict=True))
            yield

    def value(self, name: str, position: int) -> str | None:
        """What was last assigned before this position, else what is assigned first after it."""
        if "." in name:  # whatever the parsed options are called
            name = f"args.{name.rpartition('.')[2]}"
        lists = dict(self._lists.get(name, ()))
        values = sorted(dict(self._values.get(name, ())) | dict.fromkeys(lists, ""))
        if not values:
            return None
        at = values[max(bisect_left(values, position) - 1, 0)]
        if at not in lists:
            return dict(self._values[name])[at]
        self._used[name, at] = lists[at]
        return self._turn.get((name, at), lists[at][0])

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


def joined(text: str) -> str:
    """The text with comments blanked and continued lines joined; positions stay."""
    text = re.sub(r"(?m)^[ \t]*(?:#|//|REM\b|::).*$", lambda m: " " * len(m[0]), text)
    text = re.sub(r"(?<=\s)#[^\n\"']*$", lambda m: " " * len(m[0]), text, flags=re.MULTILINE)
    text = re.sub(r"(?<=\S)\\\r?\n(?=[^\s-])", lambda m: "\0" * len(m[0]), text)  # inside a word
    return re.sub(r"[\\^`](?=[ \t]*\r?\n)", " ", text)


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
