"""Exceptions that end a run of a model, or one path of it, before it returns."""

from __future__ import annotations

from archlint.tracing.run import current_run


class UnknownOutcome(BaseException):
    """The trace cannot go on: the outcome depends on something that no size determines.

    Not an ``Exception``: a model that catches those must not swallow it. The current run keeps the
    text, in case the model catches it all the same.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        _stop(text)


class CannotMerge(BaseException):
    """What happens on this branch cannot be merged with what happens on the others.

    Not an ``Exception``: a model that catches those must not swallow it.
    """

    def __init__(self) -> None:
        super().__init__()
        _stop("branches that cannot be merged")


def _stop(text: str) -> None:
    run = current_run()
    if run is not None:
        run.stops.append(text)
