"""Reads protocol buffers in text format: messages as lists of fields with their lines.

https://protobuf.dev/reference/protobuf/textformat-spec/
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Union

from archlint.contracts.rulefile.ranges.declared import mistake

MAX_DEPTH = 32

_TOKEN = re.compile(
    r"\s+|#[^\n]*"
    r"|(?P<string>\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*')"
    r"|(?P<number>-?(?:0[xX][0-9a-fA-F]+|\d+\.?\d*(?:[eE][+-]?\d+)?f?))"
    r"|(?P<name>[A-Za-z_][\w.]*)|(?P<mark>[\[\]{}<>:,;/-])"
)
_CLOSING = {"{": "}", "<": ">"}

Value = Union[str, int, float, "Message"]


@dataclass
class Field:
    """A field's value: text (also of an enum), a number or a message; and its line."""

    name: str
    value: Value
    line: int


@dataclass
class Message:
    """Fields in the order of the file; of a repeated field, one for each value."""

    fields: list[Field] = field(default_factory=list)

    def all(self, name: str) -> list[Field]:
        """The fields of this name."""
        return [f for f in self.fields if f.name == name]

    def value(self, name: str, default: Value = "") -> Value:
        """The last value of this name, as protocol buffers take it."""
        found = self.all(name)
        return found[-1].value if found else default

    def messages(self, name: str) -> list[tuple[Message, int]]:
        """The messages of this name, each with its line."""
        return [(f.value, f.line) for f in self.all(name) if isinstance(f.value, Message)]


def parse(text: str, file: str) -> Message:
    """The message in a file.

    Raises:
        RuleFileError: a syntax error.
    """
    return _Parser(text, file).message("", 0)


class _Parser:
    def __init__(self, text: str, file: str) -> None:
        self.file, self.lines = file, text.splitlines()
        self.tokens: list[tuple[str, str, int]] = []
        position, line = 0, 1
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                raise self.refusal(f"found {text[position]!r}", "a field", line)
            if match.lastgroup:
                self.tokens.append((match.lastgroup, match[0], line))
            line += match[0].count("\n")
            position = match.end()
        self.tokens.append(("end", "", max(len(self.lines), 1)))
        self.at = 0

    def refusal(self, found: str, expected: str, line: int) -> Exception:
        source = self.lines[line - 1] if 0 < line <= len(self.lines) else ""
        return mistake(self.file, line, found, expected, source)

    @property
    def token(self) -> tuple[str, str, int]:
        return self.tokens[self.at]

    def skip(self, *marks: str) -> str:
        """Pass one of these marks, if it is next."""
        kind, text, _ = self.token
        if kind == "mark" and text in marks:
            self.at += 1
            return text
        return ""

    def message(self, end: str, depth: int) -> Message:
        message = Message()
        while True:
            self.skip(",", ";")
            kind, text, line = self.token
            if (end and self.skip(end)) or (not end and kind == "end"):
                return message
            if kind != "name" or depth > MAX_DEPTH:
                found = "the end" if kind == "end" else repr(text)
                raise self.refusal(f"found {found}", f"a field or {end!r}" if end else "a field",
                                   line)  # fmt: skip
            self.at += 1
            colon = self.skip(":")
            if self.skip("["):
                while not self.skip("]"):
                    where = self.token[2]
                    message.fields.append(Field(text, self.value(depth), where))
                    self.skip(",")
            elif colon or self.token[1] in _CLOSING:
                message.fields.append(Field(text, self.value(depth), line))
            else:
                raise self.refusal(f"found {self.token[1]!r} after {text}", "':' or '{'", line)

    def value(self, depth: int) -> Value:
        opened = self.skip("{", "<")
        if opened:
            return self.message(_CLOSING[opened], depth + 1)
        kind, text, line = self.token
        self.at += 1
        if kind == "string":
            parts = [text]
            while self.token[0] == "string":  # adjacent strings are one
                parts.append(self.token[1])
                self.at += 1
            return "".join(re.sub(r"\\(.)", r"\1", p[1:-1]) for p in parts)
        if kind == "number":
            return int(text, 0) if re.fullmatch(r"-?(0[xX][0-9a-fA-F]+|\d+)", text) else float(
                text.rstrip("f"))  # fmt: skip
        if kind == "name":
            return text
        raise self.refusal(f"found {text!r}" if text else "found the end", "a value", line)
