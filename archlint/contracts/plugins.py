"""Loads plugins and calls their hooks. pluggy is imported when the first plugin is loaded.

A plugin is a module, named by an entry point of an installed package in the group ``archlint``, or
by ``plugins`` in ``[tool.archlint]`` of the project's ``pyproject.toml``. The target prefixes of
plugins are declared separately, in the group ``archlint.locators`` or in ``locators``, so that rule
files can be validated without importing a plugin.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache, partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archlint.contracts.settings import configured_plugins, configured_prefixes, current_project
from archlint.errors import ArchlintError
from archlint.runtime.import_path import import_path

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    import pluggy

GROUP = "archlint"
LOCATORS = "archlint.locators"

_managers: list[pluggy.PluginManager] = []  # at most one per process
_ruled: set[str] = set()  # plugins whose shape rules are registered
_loaded: ContextVar[bool] = ContextVar("archlint_plugins", default=True)


class PluginError(ArchlintError):
    """A plugin cannot be imported, or one of its hooks fails or returns an invalid value."""


@contextmanager
def without_plugins() -> Iterator[None]:
    """Load no plugin in this block, which runs before it is recorded what a plugin reads."""
    token = _loaded.set(False)
    try:
        yield
    finally:
        _loaded.reset(token)


def prefixes(root: Path) -> tuple[str, ...]:
    """The target prefixes that plugins declare. Imports no plugin."""
    named = {point.name for point in _points(LOCATORS, tuple(sys.path))}
    return tuple(sorted(named | set(configured_prefixes(root / "pyproject.toml"))))


def locate(prefix: str, name: str, root: Path) -> Any:
    """The model or factory for the target ``prefix:name``, from the first plugin that has one.

    Raises:
        PluginError: no plugin has one.
    """
    arguments = {"prefix": prefix, "name": name, "root": root}
    for _, found in _call_hooks("archlint_locate", root, arguments):
        if found is not None:
            return found
    raise PluginError(f"{prefix}:{name}: no plugin provides this target")


def register_rules(root: Path | None = None) -> None:
    """Let each plugin register its shape rules once. Only in processes that import torch."""
    manager = _load(root)
    for hook in manager.hook.archlint_register_rules.get_hookimpls() if manager else ():
        if hook.plugin_name not in _ruled:
            _call(hook, {})
            _ruled.add(hook.plugin_name)


def checks() -> dict[str, Callable[..., Any]]:
    """The structural checks of all plugins, by name."""
    return _functions("archlint_checks", "a check", lambda name: all(name.partition(".")[::2]))


def reporters() -> dict[str, Callable[..., Any]]:
    """The report formats of all plugins, by name."""
    return _functions("archlint_reporters", "a reporter", str.isprintable)


def _functions(
    hook: str, what: str, is_name: Callable[[str], Any]
) -> dict[str, Callable[..., Any]]:
    found: dict[str, Callable[..., Any]] = {}
    origins: dict[str, str] = {}
    for plugin, value in _call_hooks(hook, None):
        if not isinstance(value, Mapping):
            message = f"returned {value!r:.80}; expected a mapping of names to functions"
            raise PluginError(f"the plugin {plugin}: {hook} {message}")
        for name, function in value.items():
            if not isinstance(name, str) or not name or not is_name(name):
                raise PluginError(f"the plugin {plugin}: {name!r} is not a valid name of {what}")
            if not callable(function):
                raise PluginError(
                    f"the plugin {plugin}: {name} is {function!r:.80}; expected a function"
                )
            if name in found:
                raise PluginError(f"the plugins {origins[name]} and {plugin} both provide {name}")
            found[name], origins[name] = function, plugin
    return found


# -- loading --------------------------------------------------------------------------------------


def _call_hooks(
    hook: str, root: Path | None, arguments: Mapping[str, Any] | None = None
) -> Iterator[tuple[str, Any]]:
    """Call the hook of each plugin that implements it. Yields plugin name and result."""
    manager = _load(root)
    for implementation in getattr(manager.hook, hook).get_hookimpls() if manager else ():
        yield implementation.plugin_name, _call(implementation, arguments or {})


def _call(implementation: Any, arguments: Mapping[str, Any]) -> Any:
    values = [arguments[name] for name in implementation.argnames]
    try:
        return implementation.function(*values)
    except ArchlintError:
        raise
    except (Exception, SystemExit) as e:
        hook, plugin = implementation.function.__name__, implementation.plugin_name
        raise PluginError(f"the plugin {plugin}: {hook} raised {type(e).__name__}: {e}") from e


def _load(root: Path | None) -> pluggy.PluginManager | None:
    """Import the installed plugins and those of the project; ``None`` if there are none."""
    root = root or current_project()
    points = _points(GROUP, tuple(sys.path))
    local = configured_plugins(root / "pyproject.toml")
    if not (_loaded.get() and (points or local or _managers)):
        return None
    manager = _manager()
    for point in points:
        if not manager.has_plugin(point.name):
            dist = f", of {point.dist.name} {point.dist.version}" if point.dist else ""
            _register(manager, point.name, f"{point.name} ({point.value}{dist})", point.load)
    for name in local:
        if not manager.has_plugin(name):
            _register(manager, name, name, partial(_import, name, root))
    return manager


def _manager() -> pluggy.PluginManager:
    if not _managers:
        import pluggy

        from archlint import hooks

        manager = pluggy.PluginManager(hooks.PROJECT)
        manager.add_hookspecs(hooks)
        _managers.append(manager)
    return _managers[0]


def _register(
    manager: pluggy.PluginManager, name: str, known_as: str, load: Callable[[], Any]
) -> None:
    import pluggy

    try:
        module = load()
    except (Exception, SystemExit) as e:
        what = f"could not be imported: {type(e).__name__}: {e}"
        if isinstance(e, ModuleNotFoundError) and (e.name or "").startswith("archlint."):
            what += " (plugins import from archlint.extend)"
        raise PluginError(f"the plugin {known_as} {what}") from e
    try:
        manager.register(module, name=name)
        manager.check_pending()
    except (pluggy.PluginValidationError, ValueError) as e:
        if manager.has_plugin(name):
            manager.unregister(name=name)
        reason = " ".join(str(e).split())
        raise PluginError(f"the plugin {known_as} is not valid: {reason}") from e


def _import(name: str, root: Path) -> Any:
    with import_path((root,)):
        return import_module(name)


@lru_cache(maxsize=8)
def _points(group: str, _path: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    """The entry points of a group, sorted by name; the last one of a name counts."""
    from importlib.metadata import entry_points

    found = {point.name: point for point in sorted(entry_points(group=group), key=lambda p: p.name)}
    return tuple(found.values())
