"""What rewritten functions loop over: ``range``, ``enumerate``, ``zip``, ``reversed`` of sizes."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch

from archlint.symbolic import Expr, Size, ceildiv, maximum
from archlint.symbolic.formula import eq, ge
from archlint.tracing.loops.lists import GrowingList
from archlint.tracing.loops.segments import (
    Host,
    SymbolicTuple,
    fresh,
    has_symbolic_length,
    segments_of,
    symbolic_length,
)
from archlint.tracing.signals import UnknownOutcome
from archlint.tracing.symint.node import size_of
from archlint.tracing.symint.python_types import sym_int

Section = tuple[Size, Callable[[Any], Any]]
"""A number of turns, and what the turn of an index takes."""


class Sections:
    """An iterable whose number of turns is a size."""

    def __init__(self, host: Host, sections: list[Section]) -> None:
        self.host = host
        self.sections = sections

    def __iter__(self) -> Iterator[Any]:
        for count, get in self.sections:
            number = count if isinstance(count, int) else self.host.unrolled(count)
            yield from map(get, builtins.range(number))


class SectionIterator(Sections):
    """An iterator over sections, which yields each element once."""

    def __init__(self, host: Host, sections: list[Section]) -> None:
        self.host = host
        self._left = sections
        self._in_loop = False  # a loop takes all, and has not come to the end yet

    @property
    def sections(self) -> list[Section]:  # type: ignore[override]
        """All that is left, for a loop."""
        self._must_be_known()
        self._in_loop = True
        left, self._left = self._left, []
        return _Taken(left, self)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        self._must_be_known()
        while self._left:
            count, get = self._left[0]
            if count >= 1 if isinstance(count, int) else self.host.path.branch(ge(count, 1)):
                self._left[0] = count - 1, partial(_after_first, get)
                return get(0)
            self._left.pop(0)
        raise StopIteration

    def left(self) -> list[Section]:
        """The sections that are left; not known while a loop goes through them."""
        return self._left

    def _must_be_known(self) -> None:
        if self._in_loop:
            raise UnknownOutcome("how far a loop advanced an iterator is not known")

    def end(self) -> None:
        """Note that the loop has ended: it took all sections."""
        self._in_loop = False


def _after_first(get: Callable[[Any], Any], index: Any) -> Any:
    return get(index + 1)


class _Taken(list[Section]):
    """The sections of an iterator that a loop goes through."""

    def __init__(self, sections: list[Section], iterator: SectionIterator) -> None:
        super().__init__(sections)
        self._iterator = iterator

    def __iter__(self) -> Iterator[Section]:
        yield from super().__iter__()
        self._iterator.end()


class SymbolicRange(Sections):
    """``range`` with an end that is a size."""

    def __init__(self, host: Host, start: Size, stop: Size, step: int) -> None:
        self.start, self.stop, self.step = start, stop, step
        length = stop - start if step > 0 else start - stop
        if host.path.known(ge(length, 0)) is not True:
            length = maximum(length, 0)
        self.count = host.path.simplified(ceildiv(length, abs(step)))
        super().__init__(host, [(self.count, self._value)])

    def _value(self, index: Any) -> Any:
        return sym_int(self.start + size_of(index) * self.step, self.host.path)

    def __len__(self) -> int:
        return self.host.unrolled(self.count)

    def __getitem__(self, index: Any) -> Any:
        return self._plain()[index]

    def __contains__(self, value: object) -> bool:
        return value in self._plain()

    def _plain(self) -> range:
        number = self.host.unrolled(self.count)
        start = self.host.path.pin(self.start)
        return builtins.range(start, start + number * self.step, self.step)


def sections_of(host: Host, value: Any) -> list[Section] | None:
    """The turns of a loop over ``value``; ``None`` if their number is a Python number."""
    if isinstance(value, Sections):
        return value.sections
    if symbolic_length(value) is None and not has_symbolic_length(value):
        return None
    return [_of_segment(s.value, s.repeats) for s in segments_of(unbound(value))]


def unbound(items: Any) -> Any:
    """The elements of a tensor whose first dimension is a size; other iterables as they are."""
    is_tensor = isinstance(items, torch.Tensor) and symbolic_length(items) is not None
    return items.unbind(0) if is_tensor else items


def _of_segment(value: Any, count: Size) -> Section:
    if isinstance(count, int) and count == 1:
        return 1, lambda index: value
    return count, lambda index: fresh(value)


def make_range(host: Host, *ends: Any) -> Any:
    """``range(...)``, of which any end may be a size."""
    known = [size_of(e) for e in ends]
    if (
        not all(map(_is_size, known))
        or not any(isinstance(e, Expr) for e in known)
        or not 1 <= len(known) <= 3
    ):
        return builtins.range(*ends)
    start, stop = (0, known[0]) if len(known) == 1 else known[:2]
    step = known[2] if len(known) == 3 else 1
    if not isinstance(step, int) or step == 0:
        return builtins.range(*ends)
    made = SymbolicRange(host, start, stop, step)
    return made if isinstance(made.count, Expr) else builtins.range(*map(host.path.pin, known))


class CountedTurn:
    """A turn of a ``while`` that counts; ``numbers`` are what its turns were counted by."""

    def __init__(self, numbers: tuple[Any, ...]) -> None:
        self._numbers = tuple(map(size_of, numbers))

    def same(self, path: Any, numbers: tuple[Any, ...]) -> bool:
        """Whether the numbers are still these."""
        pairs = zip(self._numbers, map(size_of, numbers), strict=True)
        return all(_is_size(b) and (a == b or path.known(eq(a, b)) is True) for a, b in pairs)


def counted_turns(
    host: Host, start: Any, offset: Any, end: Any, step: Any, up: bool, closed: bool
) -> Sections | None:
    """The turns of ``while start + offset < end``; ``None`` if there is no size in it.

    ``up``: whether each adds the ``step``, or subtracts it; ``closed``: whether ``<=`` is meant.
    """
    known = [size_of(v) for v in (start, offset, end, step)]
    if not all(map(_is_size, known)) or not any(isinstance(k, Expr) for k in known):
        return None
    first, stop, by = known[0] + known[1], known[2], known[3]
    if not isinstance(by, int) or by < 1:
        return None
    if closed:
        stop = stop + 1 if up else stop - 1
    count = SymbolicRange(host, first, stop, by if up else -by).count
    turn = CountedTurn((offset, end, step))
    return None if isinstance(count, int) else Sections(host, [(count, lambda index: turn)])


def _is_size(value: Any) -> bool:
    return isinstance(value, (int, Expr)) and not isinstance(value, bool)


def make_enumerate(host: Host, items: Any, start: Any = 0) -> Any:
    """``enumerate(items, start)``."""
    found = sections_of(host, items)
    if found is None:
        return builtins.enumerate(items, start)
    numbered: list[Section] = []
    before: Size = size_of(start)
    for count, get in found[:]:
        numbered.append((count, _numbered(host, before, get)))
        before = before + count
    return SectionIterator(host, numbered)


def _numbered(host: Host, before: Size, get: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda index: (sym_int(before + size_of(index), host.path), get(index))


def make_reversed(host: Host, items: Any) -> Any:
    """``reversed(items)``."""
    found = None if isinstance(items, Sections) and type(items) is not SymbolicRange else items
    found = None if found is None else sections_of(host, found)
    if found is None:
        return builtins.reversed(items)
    return SectionIterator(host, [(n, _backwards(host, n, get)) for n, get in found[::-1]])


def _backwards(host: Host, count: Size, get: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda index: get(sym_int(count - 1 - size_of(index), host.path))


def make_zip(host: Host, *items: Any, strict: bool = False) -> Any:
    """``zip(*items)``: as many turns as the shortest has."""
    found = [sections_of(host, item) for item in items]
    each: list[Section] = []
    for item, sections in zip(items, found, strict=True):
        if sections is not None and len(sections) == 1:
            each.append(sections[0])
        elif sections is None and isinstance(item, (list, tuple, builtins.range, torch.Tensor)):
            each.append((len(item), lambda index, item=item: item[index]))  # type: ignore[misc]
        else:
            return builtins.zip(*items, strict=strict)
    if all(s is None for s in found):
        return builtins.zip(*items, strict=strict)
    shortest: Size = each[0][0]
    for count, _ in each[1:]:
        if not host.path.branch(ge(count, shortest)):
            if strict:
                raise ValueError("zip() argument is shorter than argument 1")
            shortest = count
        elif strict and not host.path.branch(ge(shortest, count)):
            raise ValueError("zip() argument is longer than argument 1")
    return SectionIterator(host, [(shortest, lambda index: tuple(get(index) for _, get in each))])


def make_iter(host: Host, items: Any, *sentinel: Any) -> Any:
    """``iter(items)``."""
    if type(items) is SectionIterator:
        return items
    found = None if sentinel or isinstance(items, GrowingList) else sections_of(host, items)
    return builtins.iter(items, *sentinel) if found is None else SectionIterator(host, list(found))


def make_len(host: Host, value: Any) -> Any:
    """``len(value)``, which may be a size."""
    if isinstance(value, SymbolicRange):
        return sym_int(value.count, host.path)
    if isinstance(value, GrowingList):
        value.read = True
    length = symbolic_length(value)
    return len(value) if length is None else sym_int(length, host.path)


def make_tuple(host: Host, *items: Any) -> Any:
    """``tuple(items)``."""
    items = tuple(map(unbound, items))
    if len(items) == 1 and has_symbolic_length(items[0]):
        if isinstance(items[0], GrowingList):
            items[0].read = True
        return SymbolicTuple.of(host, segments_of(items[0]))
    return tuple(*items)
