"""Room for the frames of Python's calls, of which none then has to wait for memory.

Since Python 3.11 the frames of a thread are in chunks of 16 KiB. A call that no longer fits gets a
new chunk from the system, and gives it back when it returns. Where that is a call in a loop, a run
takes up to twice its time; whether it is one depends on how deep the calls around the run are. But
a frame that is larger than a chunk gets one as large as the next power of 2, and the frames of what
it calls lie in the rest of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

_SLOTS = 1 << 16
"""Of 8 bytes each: with its header the frame is larger than 512 KiB, and its chunk has 1 MiB."""


def with_room(call: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """What ``call`` returns, called where some thousand calls inside of it find room."""
    return call(*args, **kwargs)


with_room.__code__ = with_room.__code__.replace(co_stacksize=_SLOTS)
