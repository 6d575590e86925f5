"""Sequences of symbolic length: runs of equal elements, as lists and tuples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from copy import copy
from typing import Any, NamedTuple, Protocol
from weakref import ref

from archlint.symbolic import Expr, Size, ceildiv
from archlint.symbolic.formula import conj, ge, lt
from archlint.tracing.identity.same_tensors import Alternatives
from archlint.tracing.path import TracedPath
from archlint.tracing.signals import UnknownOutcome
from archlint.tracing.symint.node import size_of
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor, learn, symbolic_tensor

_MOST_ITEMS = 50_000


class Segment(NamedTuple):
    """``repeats`` elements that are all like ``value``."""

    value: Any
    repeats: Size


class Host(Protocol):
    """What sequences need of the loops of a run."""

    path: TracedPath

    def unrolled(self, count: Size) -> int: ...


def fresh(value: Any) -> Any:
    """Another element like ``value``, which may share memory with it."""
    if type(value) is SymbolicTensor:
        other = symbolic_tensor(copy(value.spec), value.made_by)  # masks are known by their specs
        learn(other, shares=(value,), may_be=Alternatives.of([value]))
        copies = [ref(value)] if value.copies is None else value.copies
        copies.append(ref(other))
        learn(value, copies=copies)
        learn(other, copies=copies)
        return other
    if type(value) is tuple:
        return tuple(map(fresh, value))
    return value


def total(segments: Iterable[Segment]) -> Size:
    """The number of elements."""
    count: Size = 0
    for segment in segments:
        count = count + segment.repeats
    return count


def is_symbolic(segments: Iterable[Segment]) -> bool:
    """Whether the number of elements is no Python number."""
    return any(isinstance(s.repeats, Expr) for s in segments)


def element(path: TracedPath, segments: list[Segment], index: Any) -> Any:
    """The element at an index, which branches on the lengths of segments.

    Raises ``IndexError`` as Python does, ``LookupError`` if the index is beyond this function.
    """
    at = size_of(index)
    count = total(segments)
    if isinstance(at, Expr):
        if len(segments) != 1:
            raise LookupError
        inside = path.branch(conj(ge(at, -count), lt(at, count)))
        if not inside:
            raise IndexError("list index out of range")
        return fresh(segments[0].value)
    if not isinstance(at, int):
        raise LookupError
    order = segments if at >= 0 else segments[::-1]
    left = at if at >= 0 else -1 - at
    for value, length in order:
        if path.branch(ge(length, left + 1)):
            return value if isinstance(length, int) and length == 1 else fresh(value)
        if not isinstance(length, int):
            raise LookupError
        left -= length
    raise IndexError("list index out of range")


def part(path: TracedPath, segments: list[Segment], index: slice) -> list[Segment]:
    """The elements of a slice; ``LookupError`` if it is beyond this function."""
    start, stop, step = (size_of(b) for b in (index.start, index.stop, index.step))
    if (start, stop) == (None, None) and step in (None, 1, -1):
        return list(segments) if step != -1 else segments[::-1]
    step = 1 if step is None else step
    if not isinstance(step, int) or step < 1 or len(segments) != 1:
        raise LookupError
    value, count = segments[0]
    start = 0 if start is None else start
    for bound in (start, stop):
        if not isinstance(bound, (int, Expr, type(None))):
            raise LookupError
    if not path.branch(ge(start, 0)):
        raise LookupError
    if stop is None:
        stop = count
    elif not path.branch(ge(stop, 0)):
        stop = count + stop
    elif not path.branch(ge(count, stop)):
        stop = count
    if not path.branch(ge(stop, start)):
        return []
    return [Segment(value, ceildiv(stop - start, step))]


class SymbolicTuple(tuple[Any, ...]):
    """A tuple whose length is a size, as ``unbind`` and ``split`` return it.

    As a tuple of Python's it is empty. What asks for its elements one by one gets a number of them
    that the path fixes.
    """

    host: Host
    segments: list[Segment]

    __class__: Any = property(lambda self: tuple)  # what user code sees

    def __new__(cls, items: Iterable[Any] = ()) -> Any:
        return tuple(items)  # a copy made by others is a plain tuple

    @staticmethod
    def of(host: Host, segments: Iterable[Segment]) -> Any:
        """A tuple of these elements: a plain one if their number is known."""
        parts = list(segments)
        if not is_symbolic(parts):
            return tuple(_items(host, parts))
        self = tuple.__new__(SymbolicTuple)
        self.host, self.segments = host, parts
        return self

    def plain(self) -> tuple[Any, ...]:
        """The elements one by one; the path fixes their number."""
        return tuple(_items(self.host, self.segments))

    def __len__(self) -> int:
        return self.host.unrolled(total(self.segments))

    def __bool__(self) -> bool:
        return self.host.path.branch(ge(total(self.segments), 1))

    def __iter__(self) -> Iterator[Any]:
        return iter(self.plain())

    def __getitem__(self, index: Any) -> Any:
        try:
            if isinstance(index, slice):
                return SymbolicTuple.of(self.host, part(self.host.path, self.segments, index))
            return element(self.host.path, self.segments, index)
        except LookupError as e:
            if isinstance(e, IndexError):
                raise
            return self.plain()[index]

    def __add__(self, other: Any) -> Any:
        if not isinstance(other, tuple):
            return NotImplemented
        return SymbolicTuple.of(self.host, [*self.segments, *segments_of(other)])

    def __radd__(self, other: Any) -> Any:
        if not isinstance(other, tuple):
            return NotImplemented
        return SymbolicTuple.of(self.host, [*segments_of(other), *self.segments])

    def __mul__(self, times: Any) -> Any:
        return self.plain() * times

    __rmul__ = __mul__

    def __contains__(self, value: object) -> bool:
        return value in self.plain()

    def __eq__(self, other: object) -> bool:
        return self is other or self.plain() == other

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        return repr(self.segments)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return tuple, (self.plain(),)

    def index(self, *args: Any) -> int:
        return self.plain().index(*args)

    def count(self, value: Any) -> int:
        return self.plain().count(value)


def _items(host: Host, segments: Iterable[Segment]) -> Iterator[Any]:
    for value, count in segments:
        if isinstance(count, int) and count == 1:
            yield value
        else:
            number = count if isinstance(count, int) else host.unrolled(count)
            if number > _MOST_ITEMS:
                raise UnknownOutcome(f"a loop goes through more than {_MOST_ITEMS:,} tensors")
            for _ in range(number):
                yield fresh(value)


def segments_of(value: Any) -> list[Segment]:
    """The elements of a list or tuple."""
    segments = getattr(value, "segments", None)
    if segments is not None:
        return list(segments)
    items: Callable[[Any], Iterator[Any]] = list.__iter__ if isinstance(value, list) else iter
    return [Segment(item, 1) for item in items(value)]


def has_symbolic_length(value: Any) -> bool:
    """Whether it is a list or tuple of ours whose length is a size."""
    kind = type(value)
    if kind is SymbolicTuple:
        return True
    return getattr(value, "segments", None) is not None and isinstance(value, list)


def symbolic_length(value: Any) -> Size | None:
    """The length of a sequence or of a tensor's first dimension, if it is no Python number."""
    if has_symbolic_length(value):
        count = total(value.segments)
        return count if isinstance(count, Expr) else None
    if type(value) is SymbolicTensor and value.spec.dims:
        first = value.spec.dims[0]
        return first if isinstance(first, Expr) else None
    return None
