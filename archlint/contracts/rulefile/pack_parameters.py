"""Parameters of packs: declarations, values, and contracts with values filled in.

``{name}`` in a text of a pack's contract is a placeholder for a parameter. If it is the whole text,
the value replaces it with its own type: a number, a list or a mapping. Otherwise the value is
inserted as text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from archlint.contracts.rulefile.mistake_collector import MistakeCollector
from archlint.contracts.rulefile.schema_errors import describe
from archlint.contracts.rulefile.yaml_source import Place, Source, scalars
from archlint.contracts.suggestions import did_you_mean

MAX_TEXT = 400  # characters of a value that is inserted into text

_PLACEHOLDER = re.compile(r"\{([A-Za-z_]\w*)\}")
_NAME = re.compile(r"[A-Za-z_]\w*")
_EXPECTED = {
    "number": "a whole number, at least 0",
    "text": f"text of at most {MAX_TEXT} characters",
    "shape": "a shape such as 'N 3 H W', a list or a mapping",
}


@dataclass(frozen=True)
class Parameter:
    """A parameter of a pack. ``kind`` is "number", "text" or "shape"."""

    name: str
    about: str
    kind: str
    default: object = None
    required: bool = True


@dataclass(frozen=True)
class FilledTemplate:
    """A contract of a pack with values in place of its placeholders.

    ``texts``: for each text that had placeholders, by line and column (from 1), the filled-in value
    and the names of its parameters. ``length``: the contract's characters.
    """

    source: Source
    texts: dict[tuple[int, int], tuple[object, tuple[str, ...]]] = field(default_factory=dict)
    length: int = 0


def read_parameters(
    collector: MistakeCollector, entries: Mapping[str, object]
) -> dict[str, Parameter]:
    """The parameters of a pack. Keys of a wrong type are reported by the schema check."""
    found = {}
    for name, entry in entries.items():
        place: Place = ("parameters", name)
        if not _NAME.fullmatch(name):
            expected = "a letter or '_', then letters, digits and '_'"
            collector.add(place, f"found the parameter name {name!r}", expected, key=True)
            continue
        if not isinstance(entry, dict):
            entry = {}
        default = entry.get("default")
        inferred = "text" if isinstance(default, str) else "shape"
        inferred = inferred if isinstance(default, (str, list, dict)) else "number"
        written = entry.get("type")
        kind = written if isinstance(written, str) and written in _EXPECTED else inferred
        required = "default" not in entry
        if not required and not _fits(default, kind):
            found_ = f"found {describe(default)} as the default of a {kind} parameter"
            collector.add((*place, "default"), found_, _EXPECTED[kind])
        found[name] = Parameter(name, str(entry.get("about", "")), kind, default, required)
    return found


def bind(
    collector: MistakeCollector, place: Place, values: object, parameters: Mapping[str, Parameter]
) -> dict[str, object]:
    """The values of a ``with:`` that have the right type; reports each that has not."""
    bound = {}
    for name, value in values.items() if isinstance(values, dict) else ():
        if name not in parameters:
            known = list(parameters)
            found = f"found the unknown parameter {name!r}{did_you_mean(name, known)}"
            expected = (
                f"one of {', '.join(known)}" if known else "no values: there are no parameters"
            )
            collector.add((*place, name), found, expected, key=True)
        elif not _fits(value, parameters[name].kind):
            collector.add(
                (*place, name), f"found {describe(value)}", _EXPECTED[parameters[name].kind]
            )
        else:
            bound[name] = value
    return bound


def check_placeholders(
    collector: MistakeCollector, place: Place, value: object, parameters: Mapping[str, Parameter]
) -> None:
    """Report placeholders that are not parameters, and shapes inside a longer text."""
    if isinstance(value, dict) and len(value) == 1:
        (name, inner) = next(iter(value.items()))
        if inner is None and name in parameters:
            expected = f"'{{{name}}}' in quotes, because YAML reads it as a mapping"
            collector.add(place, f"found a mapping with the key {name!r} alone", expected)
            return
    for at, text in scalars(value, place):
        if not isinstance(text, str):
            continue
        for match in _PLACEHOLDER.finditer(text):
            name, column = match[1], match.start() + 1
            known = list(parameters)
            placeholders = ", ".join(f"{{{k}}}" for k in known)
            found = expected = ""
            if name not in parameters:
                found = f"found {match[0]}, which is not a parameter{did_you_mean(name, known)}"
                expected = f"one of {placeholders}" if known else "no placeholder"
                expected += f", or {{ {name} }} with spaces for a set of one size"
            elif parameters[name].kind == "shape" and match[0] != text:
                found = f"found {match[0]} inside a longer text"
                expected = f"{match[0]} as the whole text, because {name} is a shape"
            if found:
                collector.add_in_text(at, text, column, found, expected)


def _fits(value: object, kind: str) -> bool:
    number = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    text = isinstance(value, str) and 0 < len(value) <= MAX_TEXT
    if kind == "number":
        return number
    return number or text or (kind == "shape" and isinstance(value, (list, dict)) and bool(value))


def fill(source: Source, place: Place, values: Mapping[str, object]) -> FilledTemplate:
    """The contract at ``place`` with all placeholders replaced by ``values``."""
    above = {place[:i]: source.values[place[:i]] for i in range(len(place))}
    out = Source(source.file, source.lines, {}, above, {})
    texts: dict[tuple[int, int], tuple[object, tuple[str, ...]]] = {}
    length = 0

    def walk(value: object, at: Place, position: tuple[int, int] | None = None) -> object:
        """Copy ``value``. ``position`` is that of the placeholder that it replaces, if it does."""
        nonlocal length
        out.values[at] = position or source.values[at]
        if position or at in source.keys:
            out.keys[at] = position or source.keys[at]
        length += len(value) if isinstance(value, str) else 8
        if isinstance(value, dict):
            return {k: walk(v, (*at, k), position) for k, v in value.items()}
        if isinstance(value, list):
            return [walk(v, (*at, i), position) for i, v in enumerate(value)]
        if position or not isinstance(value, str):
            return value
        names = tuple(m[1] for m in _PLACEHOLDER.finditer(value))
        if not names:
            return value
        whole = _PLACEHOLDER.fullmatch(value)
        if whole:
            result = walk(values[whole[1]], at, source.values[at])
        else:
            result = _PLACEHOLDER.sub(lambda m: str(values[m[1]]), value)
            length += len(str(result))
        texts[source.values[at]] = result, names
        return result

    data = source.data
    for step in place:
        data = data[step]  # type: ignore[index]
    entry = walk(data, place)
    for step in reversed(place):
        entry = {step: entry}
    return FilledTemplate(Source(out.file, out.lines, entry, out.values, out.keys), texts, length)
