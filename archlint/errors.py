"""What can go wrong, by whose hand. Every message is written for the person who reads it."""

from __future__ import annotations

from dataclasses import dataclass


class ArchlintError(Exception):
    """Base of all errors that archlint raises on purpose; its text is the whole message."""


@dataclass(frozen=True)
class Location:
    """A place in a file. ``line`` and ``column`` count from 1."""

    file: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Mistake:
    """One thing wrong in a rule file."""

    where: Location
    found: str
    expected: str = ""
    source: str = ""  # the line of the file that the caret stands under

    def __str__(self) -> str:
        text = f"{self.where.file}:{self.where.line}:{self.where.column}: {self.found}"
        if self.source:
            text += f"\n    {self.source}\n    {' ' * (self.where.column - 1)}^"
        if self.expected:
            text += f"\n    expected {self.expected}"
        return text


class RuleFileError(ArchlintError):
    """A rule file with mistakes: all of them."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        super().__init__("\n".join(map(str, mistakes)))
        self.mistakes = mistakes


class PhraseError(ArchlintError):
    """A phrase that does not parse. ``column`` counts from 1, inside the phrase."""

    def __init__(self, found: str, expected: str, column: int) -> None:
        super().__init__(f"{found}; expected {expected}" if expected else found)
        self.found = found
        self.expected = expected
        self.column = column


class TargetError(ArchlintError):
    """A model that could not be found, built or used."""
