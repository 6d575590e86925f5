"""What code can change that is neither the model's nor the trace's, and would find if it ran again.

The settings of PyTorch, Python and the process, the environment among them, and context variables
are put back after a check, not between two calls of a module in one trace.
"""

from __future__ import annotations

import contextvars

from archlint.runtime.process_state import settings


class Surroundings:
    """The settings, the environment and the context variables at one moment."""

    def __init__(self) -> None:
        self._context = contextvars.copy_context()
        self._settings = settings()

    def changed(self) -> bool:
        """Whether they are others now."""
        context, before = contextvars.copy_context(), self._context
        return (
            len(context) != len(before)
            or any(before.get(variable) is not value for variable, value in context.items())
            or any(setting.changed() for setting in self._settings)
        )

    def restore(self) -> None:
        """Put back the settings and the environment; a context cannot be put back."""
        for setting in self._settings:
            setting()
