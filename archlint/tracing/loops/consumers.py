"""Generators that loops go through: whose variables a turn of a loop in a generator may change.

A loop in a generator, ``for t in range(n): yield x[:, t]``, runs a turn together with one turn of
the loop that takes what it yields. So the state at the start of such a turn is that of both
functions, and of more of them where that loop is in a generator, too.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from types import FrameType, GeneratorType
from typing import TYPE_CHECKING, Any, NamedTuple

from archlint.tracing.loops.rewriting import Site

if TYPE_CHECKING:
    from archlint.tracing.loops.loops import Loops

_SUSPENDED = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


class Running(NamedTuple):
    """A frame that runs a loop, the site of the loop, and the generator that it takes from."""

    frame: FrameType
    site: Site
    generator: Any = None


class _Asked(NamedTuple):
    """A generator that is asked for an item, and the frame that does so (``None``: it is ours)."""

    generator: Any
    frame: FrameType | None
    site: Site | None


class Consumer:
    """Iterates over a generator for the loop at ``site``."""

    def __init__(self, host: Loops, generator: Any, site: Site) -> None:
        self._host, self._generator, self._site = host, generator, site

    def __iter__(self) -> Consumer:
        return self

    def __next__(self) -> Any:
        asked = self._host.consumers.asked
        asked.append(_Asked(self._generator, sys._getframe(1), self._site))
        try:
            return next(self._generator)
        finally:
            asked.pop()


class Consumers:
    """The generators that loops ask for items now, outermost first."""

    def __init__(self) -> None:
        self.asked: list[_Asked] = []

    def all_of(self, items: Any) -> Iterator[Any]:
        """The items of an iterable, which go into a list that the loops of the run know."""
        if type(items) is not GeneratorType:
            yield from items
            return
        while True:
            self.asked.append(_Asked(items, None, None))
            try:
                item = next(items)
            except StopIteration:
                return
            finally:
                self.asked.pop()
            yield item

    def running(self, frame: FrameType, site: Site) -> list[Running] | None:
        """The frames whose loops run a turn together with the loop at ``site`` of ``frame``.

        ``None`` if it is in a generator, and not known what takes its items.
        """
        found = [Running(frame, site)]
        asked = iter(reversed(self.asked))
        while is_suspended(found[-1].frame):
            now = next(asked, None)
            if now is None or now.generator.gi_frame is not found[-1].frame:
                return None
            if now.frame is None or now.site is None:
                return found
            found.append(Running(now.frame, now.site, now.generator))
        return found


def is_suspended(frame: FrameType) -> bool:
    """Whether a frame is that of a generator or of another function that waits in between."""
    return bool(frame.f_code.co_flags & _SUSPENDED)
