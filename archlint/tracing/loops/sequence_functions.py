"""``functools.reduce``, ``itertools.accumulate`` and ``list`` of sequences of symbolic length.

Each is a loop in Python, followed as loops of the model's code are. ``host.rebound`` has the value
that a variable has at the start of the turn that stands for others.
"""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Callable, Iterator
from types import GeneratorType
from typing import TYPE_CHECKING, Any

from archlint.tracing.loops.lists import GrowingList
from archlint.tracing.loops.names import BodyNames
from archlint.tracing.loops.rewriting import Site
from archlint.tracing.loops.symbolic_ranges import SectionIterator, sections_of

if TYPE_CHECKING:
    from archlint.tracing.loops.loops import Loops

_NONE = object()
_LISTED = BodyNames(frozenset(("host", "site", "items", "item")), frozenset())
_NUMBERED = BodyNames(
    frozenset(("host", "site", "items", "item", "number")), frozenset(("number",))
)
_FOLDED = BodyNames(frozenset(("host", "site", "items", "item", "total")), frozenset(("total",)))


def listed(host: Loops, items: Any, site: Site) -> GrowingList:
    """``list(items)`` of what :func:`.sections_of` knows."""
    host.sites[site] = _LISTED
    made = host.new_list([])
    for item in host.loop(items, site):
        made.append(item)
    return made


def reduced(host: Loops, site: Site, function: Callable[..., Any], items: Any, *start: Any) -> Any:
    """``functools.reduce(function, items, *start)``."""
    items = host.list_of(items) if type(items) is GeneratorType else items
    sections = sections_of(host, items)
    if sections is None:
        return functools.reduce(function, items, *start)
    items = SectionIterator(host, list(sections))
    total = start[0] if start else next(items, _NONE)
    if total is _NONE:
        raise TypeError("reduce() of empty iterable with no initial value")
    return _total(host, site, function, items, total)


def _total(host: Loops, site: Site, function: Callable[..., Any], items: Any, total: Any) -> Any:
    host.sites[site] = _FOLDED
    for item in host.loop(items, site):
        if ("total", site) in host.rebound:
            total = host.rebound.pop(("total", site))
        total = function(total, item)
    return total


def accumulated(
    host: Loops,
    site: Site,
    items: Any,
    func: Callable[..., Any] | None = None,
    *,
    initial: Any = None,
) -> Iterator[Any]:
    """``itertools.accumulate(items, func, initial=initial)``."""
    items = host.list_of(items) if type(items) is GeneratorType else items
    sections = sections_of(host, items)
    if sections is None:
        return itertools.accumulate(items, func, initial=initial)
    items = SectionIterator(host, list(sections))
    total = next(items, _NONE) if initial is None else initial
    if total is _NONE:
        return iter(())
    totals = _totals(host, site, operator.add if func is None else func, items, total)
    return SectionIterator(host, sections_of(host, totals) or [(len(totals), totals.__getitem__)])


def _totals(
    host: Loops, site: Site, function: Callable[..., Any], items: Any, total: Any
) -> GrowingList:
    host.sites[site] = _FOLDED
    totals = host.new_list([total])
    for item in host.loop(items, site):
        if ("total", site) in host.rebound:
            total = host.rebound.pop(("total", site))
        total = function(total, item)
        totals.append(total)
    return totals


def numbered(host: Loops, site: Site, items: Any, number: Any) -> Iterator[tuple[Any, Any]]:
    """``enumerate(items, number)`` of a generator."""
    host.sites[site] = _NUMBERED
    for item in host.loop(items, site):
        if ("number", site) in host.rebound:
            number = host.rebound.pop(("number", site))
        yield number, item
        number = number + 1
