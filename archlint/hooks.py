"""The hooks that a plugin may implement. docs/extending.md has an example of each.

A plugin is a module whose functions are marked with :data:`hookimpl`::

    from archlint.extend import hookimpl

    @hookimpl
    def archlint_checks():
        return {"acme.no-inplace": no_inplace}

An implementation may take fewer arguments than are listed here. ``archlint_reporters`` is called in
processes without torch, so a plugin must import torch inside its functions, not at the top.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from torch import nn

    from archlint.engine.structure.checks import Check
    from archlint.report.run_results import RunResults

PROJECT = "archlint"
hookimpl = pluggy.HookimplMarker(PROJECT)
_hookspec = pluggy.HookspecMarker(PROJECT)


@_hookspec
def archlint_locate(prefix: str, name: str, root: Path) -> nn.Module | Callable[..., Any] | None:
    """Find the model of the target ``prefix:name``.

    The plugin's package declares its prefixes in the entry point group ``archlint.locators``, so
    that rule files can be validated without importing it.

    Args:
        prefix: the part of the target before the colon.
        name: the part after it.
        root: the project's root folder.

    Returns:
        A model, or a class or function that builds one from the ``args`` and ``kwargs`` of the rule
        file. ``None`` if this plugin does not handle the target.
    """
    raise NotImplementedError


@_hookspec
def archlint_register_rules() -> None:
    """Register shape rules with :func:`archlint.shape_rule`.

    Called once in each process that runs models, before the first one is traced.
    """


@_hookspec
def archlint_checks() -> Mapping[str, Check]:
    """Provide structural checks by name: ``plugin.check``, as written under ``structure:``.

    A check is a function of a :class:`.ModelView` and of the check's argument in the rule file. It
    yields a :class:`archlint.Violation` for each problem. It may raise
    :class:`archlint.extend.CannotCheck` if the argument is not valid for the model, and
    :class:`archlint.extend.Vacuous` if no model could violate the contract.
    """
    raise NotImplementedError


@_hookspec
def archlint_reporters() -> Mapping[str, Callable[[RunResults], str]]:
    """Provide report formats by name, for ``--format`` and ``--output``.

    A format is a function of the :class:`.RunResults` that returns the whole report as a ``str``.
    """
    raise NotImplementedError
