"""YAML text → plain data in which every value knows its line and column.

Safe by construction: no tag is obeyed, no object built, and size, nesting and the unfolding of
aliases are bounded before anything is built from them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Union

import yaml

from archlint.errors import Location, Mistake, RuleFileError

MAX_BYTES = 1_000_000
MAX_DEPTH = 32  # lists and mappings inside one another
MAX_UNFOLDED = 1000  # values that aliases add to those written out
MAX_DIGITS = 30
MAX_SHOWN = 160  # characters of a source line under a caret

Step = Union[str, int]
Place = tuple[Step, ...]
"""Where a value is in the data: keys and indices from the top."""

Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# NUL has a message of its own.
_UNPRINTABLE = re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\ufffe\uffff]")
_PREFIX = "tag:yaml.org,2002:"


@dataclass(frozen=True)
class Source:
    """A parsed YAML file: its data, and the (line, column) of every value and key, from 1."""

    file: str
    lines: list[str]
    data: object = None
    values: dict[Place, tuple[int, int]] = field(default_factory=dict)
    keys: dict[Place, tuple[int, int]] = field(default_factory=dict)

    def where(self, place: Place, *, key: bool = False) -> Location:
        """The location of a value, or of the key that it stands under."""
        line, column = (self.keys if key and place in self.keys else self.values)[place]
        return Location(self.file, line, column)

    def mistake(
        self, place: Place, found: str, expected: str = "", *, key: bool = False
    ) -> Mistake:
        """A mistake at a value or at its key."""
        return self.at(self.where(place, key=key), found, expected)

    def mistake_in(
        self, place: Place, text: str, column: int, found: str, expected: str
    ) -> Mistake:
        """A mistake at a column (from 1) of the text that stands at ``place``."""
        where = self.where(place)
        rest = self.lines[where.line - 1][where.column - 1 :]
        quote = 1 if rest[:1] in ("'", '"') else 0
        if rest.startswith(text, quote):  # else folded or escaped: point at its beginning
            where = Location(self.file, where.line, where.column + quote + column - 1)
        return self.at(where, found, expected)

    def at(self, where: Location, found: str, expected: str = "") -> Mistake:
        """A mistake with the line of the file that it is in."""
        line = self.lines[where.line - 1] if where.line <= len(self.lines) else ""
        shown = line[:MAX_SHOWN].replace("\t", " ").rstrip()
        return Mistake(where, found, expected, shown if where.column <= MAX_SHOWN else "")


def read(path: Path) -> tuple[Source, list[Mistake]]:
    """The data of a YAML file, and the mistakes that did not keep it from being read.

    Raises :class:`RuleFileError` where there is nothing to go on with.
    """
    return parse(_text(path), str(path))


def parse(text: str, file: str) -> tuple[Source, list[Mistake]]:
    """As :func:`read`, of a text; ``file`` is its name in messages."""
    source = Source(file, text.splitlines())
    mistakes: list[Mistake] = []
    try:
        count = _check_events(text, source, mistakes)
        node = yaml.compose(text, Loader=Loader)
    except yaml.YAMLError as error:
        if "nesting depth" in str(error):  # libyaml's limit, far beyond ours, met as it reads ahead
            _check_events(text, source, [], yaml.SafeLoader)
        raise RuleFileError([*mistakes, _syntax(error, source)]) from None
    if node is None:
        raise RuleFileError([source.at(Location(source.file, 1), "found an empty file", _TOP)])
    builder = _Builder(source, mistakes, count + MAX_UNFOLDED)
    data = builder.build(node, ())
    return Source(source.file, source.lines, data, source.values, source.keys), mistakes


_TOP = "a mapping that begins with 'archlint: 1'"


def _text(path: Path) -> str:
    def refuse(found: str, expected: str = "", line: int = 1, column: int = 1) -> RuleFileError:
        return RuleFileError([Mistake(Location(str(path), line, column), found, expected)])

    try:
        if path.is_dir():
            raise refuse("found a directory", "a rule file")
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise refuse("found no such file", "a rule file") from None
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise refuse(f"this file cannot be read: {reason}") from None
    if len(raw) > MAX_BYTES:
        raise refuse("found a file of more than 1 MB", "a rule file of at most 1 MB")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8-sig", "replace")
        at = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise refuse(f"found the byte 0x{raw[error.start]:02x}", "text in UTF-8", *at) from None
    bad = text.find("\0")
    found = "found a NUL byte"
    if bad < 0 and (match := _UNPRINTABLE.search(text)):
        bad, found = match.start(), f"found the control character {match[0]!r}"
    if bad >= 0:
        raise refuse(found, "text", text.count("\n", 0, bad) + 1, bad - text.rfind("\n", 0, bad))
    return text


def _position(mark: Any) -> tuple[int, int]:
    return mark.line + 1, mark.column + 1


def _check_events(text: str, source: Source, mistakes: list[Mistake], loader: Any = Loader) -> int:
    """The number of values in the file, which is not built yet: it might be too deep."""
    depth = count = documents = 0
    for event in yaml.parse(text, Loader=loader):
        where = Location(source.file, *_position(event.start_mark)) if event.start_mark else None
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1 and where:
                raise RuleFileError([source.at(where, "found a second document", "one per file")])
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.NodeEvent) and where:
            count += 1
            tag = getattr(event, "tag", None)
            if tag is not None:
                shown = str(tag).replace(_PREFIX, "!!")
                mistakes.append(
                    source.at(where, f"found the YAML tag {shown!r}", "a value without a tag")
                )
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > MAX_DEPTH:
                    found = f"found a value nested {depth} deep or deeper"
                    expected = f"at most {MAX_DEPTH} levels"
                    raise RuleFileError([*mistakes, source.at(where, found, expected)])
    return count


def _syntax(error: yaml.YAMLError, source: Source) -> Mistake:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    where = Location(source.file, *(_position(mark) if mark else (1, 1)))
    line = source.lines[where.line - 1] if where.line <= len(source.lines) else ""
    if "\t" in line[: where.column] and not line[: where.column - 1].strip():
        where = Location(source.file, where.line, line.index("\t") + 1)
        return source.at(where, "found a tab", "spaces: YAML does not indent with tabs")
    problem = getattr(error, "problem", None) or "it does not parse"
    return source.at(where, f"this is not YAML: {problem}")


class _Builder:
    """Turns nodes into data and notes where each value stands."""

    def __init__(self, source: Source, mistakes: list[Mistake], budget: int) -> None:
        self.source = source
        self.mistakes = mistakes
        self.budget = budget
        self.scalars = yaml.constructor.SafeConstructor()

    def build(self, node: Any, place: Place) -> object:
        self.budget -= 1
        position = _position(node.start_mark)
        self.source.values[place] = position
        if self.budget < 0 or len(place) > MAX_DEPTH:
            where = Location(self.source.file, *position)
            found = f"found aliases that unfold to more than {MAX_UNFOLDED} values"
            if len(place) > MAX_DEPTH:
                found = "found an alias inside the value that it stands for"
            expected = "each value written out"
            raise RuleFileError([*self.mistakes, self.source.at(where, found, expected)])
        if isinstance(node, yaml.SequenceNode):
            return [self.build(child, (*place, i)) for i, child in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode):
            return {key: self.build(child, (*place, key)) for key, child in self.pairs(node, place)}
        return self.scalar(node)

    def pairs(self, node: Any, place: Place) -> Iterator[tuple[str, Any]]:
        """The entries of a mapping under their keys as written, the first of each key."""
        seen: dict[str, int] = {}
        for key, child in node.value:
            line, column = _position(key.start_mark)
            where = Location(self.source.file, line, column)
            if not isinstance(key, yaml.ScalarNode) or key.tag == _PREFIX + "null":
                what = (
                    "no key" if isinstance(key, yaml.ScalarNode) else "a list or mapping as a key"
                )
                self.mistakes.append(self.source.at(where, f"found {what}", "text as a key"))
            elif key.value in seen:
                found = f"found the key {key.value!r} again, first on line {seen[key.value]}"
                self.mistakes.append(self.source.at(where, found, "each key once"))
            else:
                seen[key.value] = line
                below: Place = (*place, key.value)
                self.source.keys[below] = (line, column)
                yield key.value, child

    def scalar(self, node: Any) -> object:
        text: str = node.value
        kind = node.tag.removeprefix(_PREFIX)
        if kind == "null":
            return None
        if kind == "bool":
            return bool(self.scalars.construct_yaml_bool(node))
        if kind not in ("int", "float") or ":" in text:  # YAML 1.1 reads 1:30 as 90
            return text
        if kind == "int" and len(text) > MAX_DIGITS:
            where = Location(self.source.file, *_position(node.start_mark))
            found = f"found a number of {len(text)} digits"
            self.mistakes.append(self.source.at(where, found, f"at most {MAX_DIGITS}"))
            return 0
        try:
            if kind == "int":
                return int(self.scalars.construct_yaml_int(node))
            return float(self.scalars.construct_yaml_float(node))
        except (ValueError, OverflowError):  # "1__" or "!!int x", whose tag is a mistake already
            return text
