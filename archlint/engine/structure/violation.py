"""What a structural check says. No torch here: plugins import this before a model is built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from archlint.errors import ArchlintError


@dataclass(frozen=True)
class Violation:
    """Something that breaks a structural promise, in one line, and the layer to blame.

    ``module`` is its dotted path, ``op`` the operator or class, ``source`` the user's
    ``file:line``. ``sizes`` are the smallest at which it shows, where that depends on sizes;
    ``because`` is the way to it. ``shows``: running the model there shows it in the output.
    """

    message: str
    module: str = ""
    op: str = ""
    source: str = ""
    sizes: Mapping[str, int] | None = None
    because: str = ""
    shows: bool = False


class CannotCheck(ArchlintError):
    """What a contract asks of the structure cannot be answered for this model."""


class Vacuous(Exception):
    """What a contract asks of the structure has no subject: there is nothing that could break it.

    The text says why.
    """
