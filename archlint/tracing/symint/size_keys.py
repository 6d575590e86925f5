"""The keys of a path that are made from sizes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from archlint.symbolic import Expr


@dataclass
class SizeKeys:
    """The keys of a path that are made from sizes.

    ``texts``: sizes by the marks that stand for them in texts. ``containers``: those that sizes are
    keys of. ``in_new``: whether sizes are keys of containers that code makes of them. ``hashes``:
    of the sizes that are keys, by the ``id`` of their nodes, with the node. ``begin`` is called as
    a key is made from a size. ``stored``: containers in which code stored what a size is the key
    of, some of which outlive the run.
    """

    texts: dict[str, Expr] = field(default_factory=dict)
    containers: list[Any] = field(default_factory=list)
    hashes: dict[int, tuple[Any, int]] = field(default_factory=dict)
    stored: dict[int, Any] = field(default_factory=dict)
    in_new: bool = False
    begin: Callable[[], None] | None = None

    def __bool__(self) -> bool:
        return bool(self.texts or self.containers or self.in_new)

    def made(self) -> None:
        """Note that a key is made from a size."""
        if self.begin is not None:
            self.begin()
