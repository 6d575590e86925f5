"""Parses YAML into plain data and records the line and column of every value.

Safe for untrusted files: tags are rejected, no Python objects are constructed, and file size,
nesting depth and alias expansion are limited before any data is built.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Union

import yaml

from archlint.errors import Location, Mistake, RuleFileError

MAX_BYTES = 1_000_000
MAX_DEPTH = 32  # lists and mappings inside one another
MAX_UNFOLDED = 1000  # values that aliases may add to those in the file
MAX_DIGITS = 30
MAX_MISTAKES = 1000  # of one file that are reported
MAX_SHOWN = 160  # characters of a source line under a caret

Step = Union[str, int]
Place = tuple[Step, ...]
"""The path of a value in the data: keys and indices from the top."""

Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_BIDI = "\u202a-\u202e\u2066-\u2069"  # they make a text look like another one
# NUL has a message of its own.
_UNPRINTABLE = re.compile(f"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f{_BIDI}\ufffe\uffff]")
_UNPRINTABLE_VALUE = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029{_BIDI}\ufffe\uffff]")
_PREFIX = "tag:yaml.org,2002:"


@dataclass(frozen=True)
class Source:
    """A parsed YAML file: its data, and the line and column (from 1) of every value and key."""

    file: str
    lines: list[str]
    data: object = None
    values: dict[Place, tuple[int, int]] = field(default_factory=dict)
    keys: dict[Place, tuple[int, int]] = field(default_factory=dict)

    def where(self, place: Place, *, key: bool = False) -> Location:
        """The location of a value, or with ``key`` of its key."""
        line, column = (self.keys if key and place in self.keys else self.values)[place]
        return Location(self.file, line, column)

    def mistake(
        self, place: Place, found: str, expected: str = "", *, key: bool = False
    ) -> Mistake:
        """A mistake at a value, or with ``key`` at its key."""
        return self.at(self.where(place, key=key), found, expected)

    def mistake_in(
        self, place: Place, text: str, column: int, found: str, expected: str
    ) -> Mistake:
        """A mistake at a column (from 1) of the text at ``place``."""
        where = self.where(place)
        rest = self.lines[where.line - 1][where.column - 1 :]
        quote = 1 if rest[:1] in ("'", '"') else 0
        if rest.startswith(text, quote):  # otherwise folded or escaped: point at its start
            where = Location(self.file, where.line, where.column + quote + column - 1)
        return self.at(where, found, expected)

    def at(self, where: Location, found: str, expected: str = "") -> Mistake:
        """A mistake with the source line for display."""
        line = self.lines[where.line - 1] if where.line <= len(self.lines) else ""
        shown = line[:MAX_SHOWN].replace("\t", " ").rstrip()
        return Mistake(where, found, expected, shown if where.column <= MAX_SHOWN else "")


class Mistakes(list[Mistake]):
    """The mistakes of a file. One more than ``MAX_MISTAKES`` raises ``RuleFileError``."""

    def append(self, mistake: Mistake) -> None:
        if len(self) >= MAX_MISTAKES:
            found = f"found more than {MAX_MISTAKES} mistakes; the others are not reported"
            raise RuleFileError([*self, replace(mistake, found=found, expected="")])
        super().append(mistake)

    def __iadd__(self, mistakes: Iterable[Mistake]) -> Mistakes:  # type: ignore[misc, override]
        for mistake in mistakes:
            self.append(mistake)
        return self


def scalars(value: object, place: Place) -> Iterator[tuple[Place, object]]:
    """The values below ``place`` that are no list or mapping, each with its own place."""
    if isinstance(value, (dict, list)):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from scalars(inner, (*place, key))
    else:
        yield place, value


def read(path: Path) -> tuple[Source, list[Mistake]]:
    """Read a YAML file: its data, and mistakes that do not prevent reading it.

    Raises:
        RuleFileError: the file cannot be read or is not valid YAML.
    """
    text = read_text(path, "a rule file")
    bad = text.find("\0")
    found = "found a NUL byte"
    if bad < 0 and (match := _UNPRINTABLE.search(text)):
        bad, found = match.start(), f"found the control character {match[0]!r}"
    if bad >= 0:
        line, column = text.count("\n", 0, bad) + 1, bad - text.rfind("\n", 0, bad)
        raise RuleFileError([Mistake(Location(str(path), line, column), found, "text")])
    return parse(text, str(path))


def parse(text: str, file: str) -> tuple[Source, list[Mistake]]:
    """Like :func:`read`, from a text. ``file`` is its name in messages."""
    source = Source(file, text.splitlines())
    mistakes = Mistakes()
    try:
        count = _check_events(text, source, mistakes)
        node = yaml.compose(text, Loader=Loader)
    except yaml.YAMLError as error:
        if "nesting depth" in str(error):  # libyaml reads ahead to its own limit, far beyond ours
            _check_nesting(text, source)
        raise RuleFileError([*mistakes, _syntax(error, source)]) from None
    if node is None:
        raise RuleFileError([source.at(Location(source.file, 1), "found an empty file", _TOP)])
    builder = _Builder(source, mistakes, count + MAX_UNFOLDED)
    data = builder.build(node, ())
    return Source(source.file, source.lines, data, source.values, source.keys), mistakes


_TOP = "a mapping that begins with 'archlint: 1'"


def read_text(path: Path, kind: str) -> str:
    """The text of a file of at most ``MAX_BYTES``; ``kind`` is what it should be, in words.

    Raises:
        RuleFileError: the file cannot be read, is too large or is not in UTF-8.
    """

    def refuse(found: str, expected: str = "", line: int = 1, column: int = 1) -> RuleFileError:
        return RuleFileError([Mistake(Location(str(path), line, column), found, expected)])

    try:
        if path.is_dir():
            raise refuse("found a directory", kind)
        if path.exists() and not path.is_file():  # reading a FIFO or a device might never end
            raise refuse("this is not a regular file", kind)
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise refuse("this file does not exist", kind) from None
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise refuse(f"this file cannot be read: {reason}") from None
    if len(raw) > MAX_BYTES:
        raise refuse("found a file of more than 1 MB", "at most 1 MB")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8-sig", "replace")
        at = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise refuse(f"found the byte 0x{raw[error.start]:02x}", "text in UTF-8", *at) from None


def _position(mark: Any) -> tuple[int, int]:
    return mark.line + 1, mark.column + 1


def _check_events(text: str, source: Source, mistakes: list[Mistake], loader: Any = Loader) -> int:
    """Check nesting and tags before any data is built. Returns the number of values."""
    depth = count = documents = 0

    def mistake(event: Any, found: str, expected: str) -> Mistake:
        where = Location(source.file, *_position(event.start_mark))
        return source.at(where, found, expected)

    for event in yaml.parse(text, Loader=loader):
        if isinstance(event, yaml.NodeEvent):
            count += 1
            tag = getattr(event, "tag", None)
            if tag is not None:
                found = f"found the YAML tag {str(tag).replace(_PREFIX, '!!')!r}"
                mistakes.append(mistake(event, found, "a value without a tag"))
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > MAX_DEPTH:
                    found = f"found a value nested {depth} deep or deeper"
                    expected = f"at most {MAX_DEPTH} levels"
                    raise RuleFileError([*mistakes, mistake(event, found, expected)])
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                found, expected = "found a second YAML document", "one document per file"
                raise RuleFileError([mistake(event, found, expected)])
    return count


def _check_nesting(text: str, source: Source) -> None:
    """Raise for the first value that is nested too deeply, if Python's parser reaches it.

    The time that Python's parser takes grows with the square of the brackets that are open, and it
    reads them all before the first event, so it gets no more of the text than it needs.
    """
    end = 8 * MAX_DEPTH
    mistaken_before_end = False
    while not mistaken_before_end:
        try:
            _check_events(text[:end], source, [], yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark
            mistaken_before_end = mark is not None and mark.index < end - 4
        except (yaml.YAMLError, RecursionError):
            pass
        if end >= len(text):
            return
        end *= 2


def _syntax(error: yaml.YAMLError, source: Source) -> Mistake:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    where = Location(source.file, *(_position(mark) if mark else (1, 1)))
    line = source.lines[where.line - 1] if where.line <= len(source.lines) else ""
    if "\t" in line[: where.column] and not line[: where.column - 1].strip():
        where = Location(source.file, where.line, line.index("\t") + 1)
        return source.at(where, "found a tab", "spaces: YAML does not allow tabs for indentation")
    problem = getattr(error, "problem", None) or "syntax error"
    if "expected ':'" in problem:
        for number, text in enumerate(source.lines[: where.line], start=1):
            if match := _NO_SPACE.match(text):
                place = Location(source.file, number, match.end())
                return source.at(place, f"found {match[1]}:", f"a space after {match[1]}:")
    return source.at(where, f"not valid YAML: {problem}")


_NO_SPACE = re.compile(r"[\s-]*([a-z_]+):(?=[^\s/:])")
"""A key without the space that YAML requires after its colon."""


class _Builder:
    """Turns YAML nodes into data and records the position of each value."""

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
            found = f"found aliases that expand to more than {MAX_UNFOLDED} values"
            if len(place) > MAX_DEPTH:
                found = "found an alias inside the value that it refers to"
            expected = "no alias here"
            raise RuleFileError([*self.mistakes, self.source.at(where, found, expected)])
        if isinstance(node, yaml.SequenceNode):
            return [self.build(child, (*place, i)) for i, child in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode):
            return {key: self.build(child, (*place, key)) for key, child in self.pairs(node, place)}
        return self.scalar(node)

    def pairs(self, node: Any, place: Place) -> Iterator[tuple[str, Any]]:
        """The entries of a mapping by key text. Of a repeated key the first value counts."""
        seen: dict[str, int] = {}
        for key, child in node.value:
            line, column = _position(key.start_mark)
            where = Location(self.source.file, line, column)
            if not isinstance(key, yaml.ScalarNode) or key.tag == _PREFIX + "null":
                what = (
                    "an empty key"
                    if isinstance(key, yaml.ScalarNode)
                    else "a list or mapping as a key"
                )
                self.mistakes.append(self.source.at(where, f"found {what}", "text as a key"))
            elif match := _UNPRINTABLE_VALUE.search(key.value):
                found = f"found the control character {match[0]!r}"
                self.mistakes.append(self.source.at(where, found, "text as a key"))
            elif key.value in seen:
                found = f"found the key {key.value!r} again; the first is on line {seen[key.value]}"
                self.mistakes.append(self.source.at(where, found, "each key once"))
            else:
                seen[key.value] = line
                below: Place = (*place, key.value)
                self.source.keys[below] = (line, column)
                yield key.value, child

    def scalar(self, node: Any) -> object:
        text: str = node.value
        if match := _UNPRINTABLE_VALUE.search(text):
            where = Location(self.source.file, *_position(node.start_mark))
            found = f"found the control character {match[0]!r}"
            self.mistakes.append(self.source.at(where, found, "text"))
            return _UNPRINTABLE_VALUE.sub("", text)
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
            self.mistakes.append(self.source.at(where, found, f"at most {MAX_DIGITS} digits"))
            return 0
        try:
            if kind == "int":
                return int(self.scalars.construct_yaml_int(node))
            return float(self.scalars.construct_yaml_float(node))
        except (ValueError, OverflowError):  # "1__", or "!!int x", whose tag was reported
            return text
