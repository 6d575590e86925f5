"""The code of the model that runs while some key is made from a size."""

from __future__ import annotations

import dis
import sys
from collections.abc import Iterable
from functools import lru_cache
from types import CodeType, FrameType
from typing import Any

from archlint.runtime.code_owner import Owner, owner_of

_ASKING = ("COMPARE", "CONTAINS", "MATCH", "BUILD_SET", "BUILD_MAP", "SET_ADD", "MAP_ADD")
_OF_MODEL = (Owner.USER, Owner.LIBRARY, Owner.TEXT)


class RunCode:
    """Collects the code of the functions that run, from :meth:`begin` to :meth:`end`.

    ``codes``: the code of the model and of libraries, also what is compiled from texts, as far as
    it ran below ``caller``.
    """

    def __init__(self, caller: CodeType) -> None:
        self.codes: list[CodeType] = []
        self._caller = caller
        self._seen: dict[int, CodeType] = {}
        self._before: Any = None
        self._runs = False

    def begin(self) -> None:
        """Collect what runs now, and what is called from now on."""
        if self._runs:
            return
        frame: FrameType | None = sys._getframe(1)
        now: list[CodeType] = []
        while frame is not None and frame.f_code is not self._caller:
            now.append(frame.f_code)
            frame = frame.f_back
        for code in now if frame is not None else ():
            self._note(code)
        self._runs, self._before = True, sys.getprofile()
        sys.setprofile(self._called)

    def end(self) -> None:
        """Collect no more."""
        if self._runs:
            self._runs = False
            sys.setprofile(self._before)

    def ran(self, codes: Iterable[CodeType]) -> bool:
        """Whether some of these ran."""
        return any(id(code) in self._seen for code in codes)

    def _called(self, frame: FrameType, event: str, argument: Any) -> None:
        before = self._before
        if event == "call":
            self._note(frame.f_code)
        elif event == "return" and frame.f_code is self._caller:
            self.end()
        if before is not None:
            before(frame, event, argument)

    def _note(self, code: CodeType) -> None:
        if id(code) not in self._seen:
            self._seen[id(code)] = code
            if owner_of(code.co_filename) in _OF_MODEL and _looks_up(code):
                self.codes.append(code)


@lru_cache(maxsize=4096)
def _looks_up(code: CodeType) -> bool:
    """Whether the code compares, looks up or makes keys; with a file, also whether it calls."""
    names = {instruction.opname for instruction in dis.get_instructions(code)}
    asks = any(name.startswith(_ASKING) or "SUBSCR" in name for name in names)
    return asks or (
        owner_of(code.co_filename) is not Owner.TEXT and any("CALL" in name for name in names)
    )
