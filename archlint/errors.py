"""The exceptions of archlint, mistakes in rule files, and text that is safe to print."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # change the direction of other text
    "\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)
_CI_COMMAND = re.compile(r"^(\s*):(?=:)|#(?=#\w*\[)", re.MULTILINE)


def visible(text: str) -> str:
    """The text with all characters escaped that a terminal, an editor or a CI system acts on.

    A model's message, a layer's name or a file's name must not control what shows them.
    """
    text = _CONTROL.sub(_escaped, text.replace("\r\n", "\n").expandtabs(4))
    return _CI_COMMAND.sub(lambda m: "\\x23" if m[1] is None else m[1] + "\\x3a", text)


def one_line(text: str) -> str:
    """As :func:`visible`, with line breaks escaped as well."""
    return visible(text).replace("\n", "\\n")


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    return (
        f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 1 << 16 else f"\\U{code:08x}"
    )


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

    @property
    def message(self) -> str:
        """What is wrong and what is valid, without the place."""
        return f"{self.found}; expected {self.expected}" if self.expected else self.found

    def __str__(self) -> str:
        file = one_line(self.where.file)
        text = f"{file}:{self.where.line}:{self.where.column}: {one_line(self.found)}"
        if self.source:
            caret = len(one_line(self.source[: self.where.column - 1]))
            text += f"\n    {one_line(self.source)}\n    {' ' * caret}^"
        if self.expected:
            text += f"\n    expected {one_line(self.expected)}"
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
