"""What ends a run of a model, or one way of it, before it has returned."""

from __future__ import annotations

RAISED: list[str] = []
"""What ended ways in the running trace; an ``except:`` may have swallowed it all the same."""


class Undecided(BaseException):
    """The path cannot go on without a value that no size determines.

    Not an ``Exception``: a model that catches those must not swallow it.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        RAISED.append(text)


class Apart(BaseException):
    """What happens on this way cannot be joined with what happens on others.

    Not an ``Exception``: a model that catches those must not swallow it.
    """

    def __init__(self) -> None:
        super().__init__()
        RAISED.append("ways that do not meet")
