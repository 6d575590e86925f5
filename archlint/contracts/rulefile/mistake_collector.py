"""The mistakes of a YAML file, collected while it is read."""

from __future__ import annotations

from dataclasses import dataclass, field

from archlint.contracts.rulefile.yaml_source import Place, Source
from archlint.errors import Mistake, PhraseError


@dataclass
class MistakeCollector:
    """A YAML file and the mistakes in it so far.

    ``invalid_phrases`` are the places of texts that did not parse, so that nothing more is
    reported about them.
    """

    source: Source
    mistakes: list[Mistake]
    invalid_phrases: set[Place] = field(default_factory=set)

    def add(self, place: Place, found: str, expected: str = "", *, key: bool = False) -> None:
        """Add a mistake at a value, or at its key."""
        self.mistakes.append(self.source.mistake(place, found, expected, key=key))

    def add_in_text(self, place: Place, text: str, column: int, found: str, expected: str) -> None:
        """Add a mistake at a column (from 1) of the text at ``place``."""
        self.mistakes.append(self.source.mistake_in(place, text, column, found, expected))

    def add_phrase(self, place: Place, text: str, error: PhraseError) -> None:
        """Add the error of a text that did not parse."""
        self.invalid_phrases.add(place)
        self.add_in_text(place, text, error.column, error.found, error.expected)
