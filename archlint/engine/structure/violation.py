"""What a structural check reports. No torch here: plugins import this before a model is built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from archlint.errors import ArchlintError


@dataclass(frozen=True)
class Violation:
    """One violation of a structural contract, in one line, and the layer that causes it.

    ``module`` is the layer's dotted path, ``op`` the operator or class, ``source`` the user's
    ``file:line``. ``sizes`` are the smallest sizes with the violation, if it depends on sizes;
    ``because`` is the chain of sizes that leads to it. ``shows``: running the model at ``sizes``
    shows the violation in its output. ``run``: running the model there may confirm it.
    ``smallest``: no smaller sizes have the violation.
    """

    message: str
    module: str = ""
    op: str = ""
    source: str = ""
    sizes: Mapping[str, int] | None = None
    because: str = ""
    shows: bool = False
    run: bool = True
    smallest: bool = True


class CannotCheck(ArchlintError):
    """A structural check cannot be made on this model."""


class Vacuous(Exception):
    """A structural check has nothing to check: no model could violate it.

    The text explains why.
    """
