"""Whether names of modules and classes are bound to other code than when they were looked at.

A function may be defined again, as in a notebook, or replaced, as by a test.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any

from archlint.runtime.code_owner import Owner, owner_of

_DATA = frozenset({int, float, complex, bool, str, bytes, type(None)})


class HeldNames:
    """The names of some modules and classes, and what each was bound to.

    Of a library only new names count: its code is not replaced. Whoever uses this keeps the
    functions that were found, so that no other one comes to lie at the address of one of them.
    """

    def __init__(self, spaces: Iterable[Mapping[str, Any]]) -> None:
        self._spaces = list(spaces)
        self._had = list(map(_held, self._spaces))
        self._modules = len(sys.modules)

    def changed(self) -> bool:
        """Whether a name is new, or bound to something else."""
        return self._modules != len(sys.modules) or list(map(_held, self._spaces)) != self._had


def _held(space: Mapping[str, Any]) -> tuple[int, list[int]]:
    """How many names there are, and the addresses of what they hold but for plain data."""
    if not _is_users(space.get("__file__"), space.get("__module__")):
        return len(space), []
    values = list(space.values())
    return len(values), [id(value) for value in values if type(value) not in _DATA]


def _is_users(file: object, module: object) -> bool:
    """Whether the names are those of a module of the user's, or of a class in one."""
    if file is None and isinstance(module, str):
        file = getattr(sys.modules.get(module), "__file__", None)
    return not isinstance(file, str) or owner_of(file) is Owner.USER
