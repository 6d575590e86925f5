"""Lists of rewritten functions: ordinary ones until a loop makes their length a size."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from archlint.symbolic.formula import ge
from archlint.tracing.loops.segments import (
    Host,
    Segment,
    element,
    fresh,
    has_symbolic_length,
    is_symbolic,
    part,
    segments_of,
    total,
)


class GrowingList(list[Any]):
    """A list that loops may lengthen by a symbolic number of elements.

    ``segments`` is ``None`` while it is an ordinary list; otherwise its elements, and the list of
    Python's is empty. ``read``: whether anything asked for its elements or its length since
    ``read`` was last cleared.
    """

    host: Host
    segments: list[Segment] | None
    read: bool

    __class__: Any = property(lambda self: list)  # what user code sees

    def __init__(self, items: Iterable[Any] = ()) -> None:
        super().__init__()
        self.segments = None
        self.read = False
        self.extend(items)

    @staticmethod
    def of(host: Host, segments: Iterable[Segment]) -> GrowingList:
        """A list of these elements."""
        self = GrowingList()
        self.host = host
        self.become(list(segments))
        return self

    def become(self, segments: list[Segment]) -> None:
        """Replace all elements."""
        list.clear(self)
        if is_symbolic(segments):
            self.segments = segments
            return
        self.segments = None
        for value, count in segments:
            assert isinstance(count, int)
            for k in range(count):
                list.append(self, value if k == 0 else fresh(value))

    def plain(self) -> GrowingList:
        """The list itself, its number of elements fixed by the path."""
        self.read = True
        if self.segments is not None:
            counted = [Segment(v, self.host.unrolled(n)) for v, n in self.segments]
            self.become(counted)
        return self

    # -- that need no number -------------------------------------------------------------------

    def append(self, value: Any) -> None:
        if self.segments is None:
            list.append(self, value)
        else:
            self.segments.append(Segment(value, 1))

    def extend(self, items: Iterable[Any]) -> None:
        if has_symbolic_length(items):
            self.become([*segments_of(self), *segments_of(items)])
        else:
            for item in list(items):
                self.append(item)

    def insert(self, index: Any, value: Any) -> None:
        if self.segments is not None and type(index) is int and index == 0:
            self.segments.insert(0, Segment(value, 1))
        else:
            list.insert(self._written() if index == 0 else self.plain(), index, value)

    def clear(self) -> None:
        self.become([])

    def copy(self) -> GrowingList:
        self.read = True
        return self._like(segments_of(self))

    def pop(self, index: Any = -1) -> Any:
        self.read = True
        if self.segments is None or type(index) is not int or index not in (0, -1):
            return list.pop(self.plain(), index)
        while self.segments:
            value, count = self.segments.pop(index)
            if not self.host.path.branch(ge(count, 1)):
                continue
            if count == 1:
                self.become(self.segments)
                return value
            rest = Segment(value, count - 1)
            self.become([rest, *self.segments] if index == 0 else [*self.segments, rest])
            return fresh(value)
        self.become([])
        raise IndexError("pop from empty list")

    def __delitem__(self, index: Any) -> None:
        if self.segments is not None and type(index) is int and index in (0, -1):
            self.pop(index)
        else:
            list.__delitem__(self.plain(), index)

    def reverse(self) -> None:
        self.read = True
        self.become(segments_of(self)[::-1])

    def __bool__(self) -> bool:
        self.read = True
        if self.segments is None:
            return list.__len__(self) > 0
        return self.host.path.branch(ge(total(self.segments), 1))

    def __getitem__(self, index: Any) -> Any:
        self.read = True
        if self.segments is None:
            return list.__getitem__(self, index)
        try:
            if isinstance(index, slice):
                return self._like(part(self.host.path, self.segments, index))
            return element(self.host.path, self.segments, index)
        except LookupError as e:
            if isinstance(e, IndexError):
                raise
            return list.__getitem__(self.plain(), index)

    def __add__(self, other: Any) -> Any:
        if not isinstance(other, list):
            return NotImplemented
        self.read = True
        return self._like([*segments_of(self), *segments_of(other)])

    def __radd__(self, other: Any) -> Any:
        if not isinstance(other, list):
            return NotImplemented
        self.read = True
        return self._like([*segments_of(other), *segments_of(self)])

    def __iadd__(self, other: Any) -> Any:
        self.extend(other)
        return self

    def _like(self, segments: list[Segment]) -> GrowingList:
        return GrowingList.of(self.host, segments)

    def _written(self) -> GrowingList:
        if self.segments is not None:
            self.plain()
        return self

    def __reduce_ex__(self, protocol: Any) -> Any:
        return list, (list(self),)

    # -- that need a number --------------------------------------------------------------------

    def __iter__(self) -> Iterator[Any]:
        return list.__iter__(self.plain())

    def __len__(self) -> int:
        self.read = True
        if self.segments is not None:
            return self.host.unrolled(total(self.segments))
        return list.__len__(self)


def _numbered(name: str) -> Callable[..., Any]:
    original = getattr(list, name)

    def method(self: GrowingList, *args: Any, **kwargs: Any) -> Any:
        others = [a.plain() if isinstance(a, GrowingList) else a for a in args]
        return original(self.plain(), *others, **kwargs)

    method.__name__ = name
    return method


for _name in (
    "__reversed__", "__contains__", "__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__",
    "__mul__", "__rmul__", "__imul__", "__setitem__", "__repr__",
    "remove", "index", "count", "sort",
):  # fmt: skip
    setattr(GrowingList, _name, _numbered(_name))
