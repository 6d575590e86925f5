"""What takes the place of one of Python's functions in C, and passes for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class StandIn:
    """Calls ``call`` in the place of ``original``, whose name, text, type and hash it has."""

    def __init__(self, original: Callable[..., Any], call: Callable[..., Any]) -> None:
        self._original, self._call = original, call
        self.__module__, self.__doc__ = original.__module__, original.__doc__

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._call(*args, **kwargs)

    def __eq__(self, other: object) -> bool:
        return original_of(other) is self._original

    def __hash__(self) -> int:
        return hash(self._original)

    def __repr__(self) -> str:
        return repr(self._original)

    def __getattr__(self, name: str) -> Any:
        return getattr(object.__getattribute__(self, "_original"), name)

    def __reduce__(self) -> Any:
        return self._original.__reduce__()

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return type(self._original)


def original_of(value: object) -> object:
    """The function that a stand-in takes the place of; anything else as it is."""
    return value._original if type(value) is StandIn else value
