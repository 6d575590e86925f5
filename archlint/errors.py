"""The exceptions of archlint, and mistakes in rule files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


class ArchlintError(Exception):
    """Base class of all errors that archlint raises. Its text is the complete message for users."""


@dataclass(frozen=True)
class Location:
    """A position in a file. ``line`` and ``column`` count from 1."""

    file: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Mistake:
    """One mistake in a rule file.

    ``found`` states what is wrong, ``expected`` what is valid there. ``source`` is the line of the
    file, for display above a caret.
    """

    where: Location
    found: str
    expected: str = ""
    source: str = ""

    def __str__(self) -> str:
        text = f"{self.where.file}:{self.where.line}:{self.where.column}: {self.found}"
        if self.source:
            text += f"\n    {self.source}\n    {' ' * (self.where.column - 1)}^"
        if self.expected:
            text += f"\n    expected {self.expected}"
        return text


class RuleFileError(ArchlintError):
    """A rule file has mistakes; ``mistakes`` lists all of them."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        super().__init__("\n".join(map(str, mistakes)))
        self.mistakes = mistakes


class PhraseError(ArchlintError):
    """A syntax error in a size, shape or condition. ``column`` counts from 1, inside the text."""

    def __init__(self, found: str, expected: str, column: int) -> None:
        super().__init__(f"{found}; expected {expected}" if expected else found)
        self.found = found
        self.expected = expected
        self.column = column


class TargetError(ArchlintError):
    """A model could not be found, imported or built."""


NEEDS_TORCH = (
    "archlint needs PyTorch, which is not installed here: install the build that your models use, "
    'or pip install "torch-archlint[torch]"'
)


class TorchMissing(ArchlintError, ImportError):
    """PyTorch is needed and not installed."""


@contextmanager
def needing_torch() -> Iterator[None]:
    """Raise :class:`TorchMissing` if the block imports PyTorch and it is not installed."""
    try:
        yield
    except ModuleNotFoundError as e:
        if e.name != "torch":
            raise
        raise TorchMissing(NEEDS_TORCH) from None
