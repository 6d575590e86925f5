"""The state of NumPy's global random generator, to compare and to restore."""

from __future__ import annotations

import sys
from ctypes import string_at
from functools import lru_cache
from importlib import import_module
from typing import Any

_KEYS, _POSITION = 624 * 4, 4  # bytes


class NumpyState:
    """The state at one moment; NumPy is loaded.

    NumPy's own functions read and set it number by number, which takes 30 us each. The memory of
    the generator tells as much, except where a second normal number is kept aside for the next
    call; then, and where the memory is not what NumPy says, its functions are called.
    """

    def __init__(self) -> None:
        self._random: Any = import_module("numpy.random")  # NumPy loads it when first asked for
        self._generator = _generator(self._random)
        memory = _memory(self._generator)
        self._memory = memory if memory and _is_all(memory) else b""
        self._state = None if self._memory else self._random.get_state(legacy=False)

    def changed(self) -> bool:
        """Whether a number was drawn since, or the generator seeded or exchanged."""
        generator = _generator(self._random)
        if generator is not self._generator:
            return True
        if self._memory:
            return _memory(generator) != self._memory
        return not _same(self._state, self._random.get_state(legacy=False))

    def restore(self) -> None:
        """Put the state back."""
        if not self.changed():
            return
        if _generator(self._random) is not self._generator:
            self._random.set_bit_generator(self._generator)
        self._random.set_state(self._state or _state_of(self._memory))


def _generator(random: Any) -> Any:
    get = getattr(random, "get_bit_generator", None)  # from NumPy 1.24 on
    return None if get is None else get()


def _memory(generator: Any) -> bytes:
    """The keys and the position of the generator; empty if it is another than the usual one."""
    if type(generator).__name__ != "MT19937":
        return b""
    return string_at(generator.ctypes.state_address, _KEYS + _POSITION)


@lru_cache(maxsize=4)
def _is_all(memory: bytes) -> bool:
    """Whether the memory is all of the state, as NumPy reports it. A draw changes the memory."""
    _, keys, position, kept_aside, _ = import_module("numpy.random").get_state()
    return not kept_aside and memory == keys.tobytes() + position.to_bytes(4, sys.byteorder)


def _state_of(memory: bytes) -> tuple[Any, ...]:
    keys = import_module("numpy").frombuffer(memory[:_KEYS], "uint32")
    return "MT19937", keys, int.from_bytes(memory[_KEYS:], sys.byteorder), 0, 0.0


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    return bool(import_module("numpy").array_equal(one, other))
