"""The hooks that a team's plugin may implement. docs/extending.md has an example of each.

A plugin is a module whose functions are marked with :data:`hookimpl`::

    from archlint.hooks import hookimpl

    @hookimpl
    def archlint_checks():
        return {"acme.no-inplace": no_inplace}

A hook may ask for fewer arguments than are listed here. ``archlint_reporters`` is asked where there
is no torch, so a plugin's module imports torch inside its other functions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from torch import nn

    from archlint.engine.structure.checks import Check
    from archlint.report.run_results import Run

PROJECT = "archlint"
hookimpl = pluggy.HookimplMarker(PROJECT)
_hookspec = pluggy.HookspecMarker(PROJECT)


@_hookspec
def archlint_locate(prefix: str, name: str, root: Path) -> nn.Module | Callable[..., Any] | None:
    """What the target ``prefix:name`` is in the project at ``root``; None leaves it to others.

    A model, or a class or function that makes one when it is called with the ``args`` and
    ``kwargs`` of the rule file. The plugin's package announces its prefixes in the entry point
    group ``archlint.locators``, so that rule files are validated without importing it.
    """
    raise NotImplementedError


@_hookspec
def archlint_register_rules() -> None:
    """Register shape rules with :func:`archlint.shape_rule`. Called once, where models run."""


@_hookspec
def archlint_checks() -> Mapping[str, Check]:
    """Structural checks by name, ``plugin.check``, as a rule file says under ``structure``.

    A check is a function of what was :class:`.ModelView` of the model and of
    what the rule file asks for; it yields a :class:`archlint.Violation` for each thing that is
    wrong.
    """
    raise NotImplementedError


@_hookspec
def archlint_reporters() -> Mapping[str, Callable[[Run], str]]:
    """Reports by name, for ``--format`` and ``--output``: functions of a run to its text."""
    raise NotImplementedError
