"""What code can change that is neither the model's nor the trace's, and would find if it ran again.

The environment, context variables and PyTorch's default dtype are put back after a check, not
between two calls of a module in one trace.
"""

from __future__ import annotations

import contextvars

import torch

from archlint.runtime.environment import are_variables, set_variables, variables


class Surroundings:
    """The environment, the context variables and the default dtype at one moment."""

    def __init__(self) -> None:
        self._environment = variables()
        self._context = contextvars.copy_context()
        self._dtype = torch.get_default_dtype()

    def changed(self) -> bool:
        """Whether they are others now."""
        context, before = contextvars.copy_context(), self._context
        return (
            len(context) != len(before)
            or any(before.get(variable) is not value for variable, value in context.items())
            or torch.get_default_dtype() is not self._dtype
            or not are_variables(self._environment)
        )

    def restore(self) -> None:
        """Put back the environment and the default dtype; a context cannot be put back."""
        if not are_variables(self._environment):
            set_variables(self._environment)
        if torch.get_default_dtype() is not self._dtype:
            torch.set_default_dtype(self._dtype)
