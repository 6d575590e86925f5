"""The environment variables, all at once: read as they are stored, not each by its name."""

from __future__ import annotations

import os
from typing import Any

_ENVIRONMENT: Any = getattr(os, "environb", os.environ)
_STORED: Any = getattr(_ENVIRONMENT, "_data", _ENVIRONMENT)

Variables = dict[Any, Any]
"""Their values by their names, as they are stored."""


def variables() -> Variables:
    """The variables as they are now."""
    return dict(_STORED)


def set_variables(were: Variables) -> None:
    """Make the variables what they were."""
    for name in _ENVIRONMENT.keys() - were.keys():
        del _ENVIRONMENT[name]
    for name, value in were.items():
        if _ENVIRONMENT.get(name) != value:
            _ENVIRONMENT[name] = value


def change_variables(new: Variables, gone: set[Any]) -> None:
    """Set the ``new`` ones, and delete those that are ``gone``."""
    for name in gone & _ENVIRONMENT.keys():
        del _ENVIRONMENT[name]
    _ENVIRONMENT.update(new)
