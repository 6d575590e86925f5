"""Plugins of teams: which there are, and what their hooks say. pluggy is imported for the first.

A plugin is a module, named by an entry point of an installed package in the group ``archlint``, or
by ``plugins`` in ``[tool.archlint]`` of the project's ``pyproject.toml``. The prefixes of targets
that plugins understand are announced beside them, so that to know them imports nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archlint.contracts.settings import configured_plugins, configured_prefixes, project_root
from archlint.errors import ArchlintError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    import pluggy

GROUP = "archlint"
LOCATORS = "archlint.locators"

_managers: list[pluggy.PluginManager] = []  # none, or the one of this process
_ruled: set[str] = set()  # plugins whose shape rules are registered


class PluginError(ArchlintError):
    """A plugin that cannot be imported, or whose hooks say what makes no sense."""


def prefixes(root: Path) -> tuple[str, ...]:
    """What may stand before the colon of a target by the word of a plugin. Imports none."""
    named = {point.name for point in _points(LOCATORS, tuple(sys.path))}
    return tuple(sorted(named | set(configured_prefixes(root / "pyproject.toml"))))


def locate(prefix: str, name: str, root: Path) -> Any:
    """What the first plugin that knows it says ``prefix:name`` is. ``PluginError`` if none does."""
    arguments = {"prefix": prefix, "name": name, "root": root}
    for _, found in _ask("archlint_locate", root, arguments):
        if found is not None:
            return found
    raise PluginError(f"{prefix}:{name}: no plugin knows this target")


def register_rules(root: Path | None = None) -> None:
    """Have plugins register their shape rules, each once. For processes that import torch."""
    manager = _load(root)
    for hook in manager.hook.archlint_register_rules.get_hookimpls() if manager else ():
        if hook.plugin_name not in _ruled:
            _called(hook, {})
            _ruled.add(hook.plugin_name)


def checks() -> dict[str, Callable[..., Any]]:
    """The structural checks of all plugins, by name."""
    return _functions("archlint_checks", "a check", lambda name: all(name.partition(".")[::2]))


def reporters() -> dict[str, Callable[..., Any]]:
    """The reports of all plugins, by name."""
    return _functions("archlint_reporters", "a reporter", str.isprintable)


def _functions(
    hook: str, what: str, is_name: Callable[[str], Any]
) -> dict[str, Callable[..., Any]]:
    found: dict[str, Callable[..., Any]] = {}
    origins: dict[str, str] = {}
    for plugin, given in _ask(hook, None):
        if not isinstance(given, Mapping):
            said = f"{given!r:.80}; expected a mapping of names to functions"
            raise PluginError(f"the plugin {plugin}: {hook} gave {said}")
        for name, function in given.items():
            if not isinstance(name, str) or not name or not is_name(name):
                raise PluginError(f"the plugin {plugin}: {name!r} is no name of {what}")
            if not callable(function):
                raise PluginError(f"the plugin {plugin}: {name} is {function!r:.80}, no function")
            if name in found:
                raise PluginError(f"the plugins {origins[name]} and {plugin} both have {name}")
            found[name], origins[name] = function, plugin
    return found


# -- loading --------------------------------------------------------------------------------------


def _ask(
    hook: str, root: Path | None, arguments: Mapping[str, Any] | None = None
) -> Iterator[tuple[str, Any]]:
    """Each plugin that has the hook, and what it says."""
    manager = _load(root)
    for implementation in getattr(manager.hook, hook).get_hookimpls() if manager else ():
        yield implementation.plugin_name, _called(implementation, arguments or {})


def _called(implementation: Any, arguments: Mapping[str, Any]) -> Any:
    given = [arguments[name] for name in implementation.argnames]
    try:
        return implementation.function(*given)
    except ArchlintError:
        raise
    except (Exception, SystemExit) as e:
        hook, plugin = implementation.function.__name__, implementation.plugin_name
        raise PluginError(f"the plugin {plugin}: {hook} raised {type(e).__name__}: {e}") from e


def _load(root: Path | None) -> pluggy.PluginManager | None:
    """Import the plugins that are installed, and those of the project around ``root``."""
    root = root or project_root(Path.cwd())
    points = _points(GROUP, tuple(sys.path))
    local = configured_plugins(root / "pyproject.toml")
    if not points and not local and not _managers:
        return None
    manager = _manager()
    for point in points:
        if not manager.has_plugin(point.name):
            dist = f", of {point.dist.name} {point.dist.version}" if point.dist else ""
            _register(manager, point.name, f"{point.name} ({point.value}{dist})", point.load)
    for name in local:
        if not manager.has_plugin(name):
            _register(manager, name, name, partial(_imported, name, root))
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
        raise PluginError(f"the plugin {known_as} {what}") from e
    try:
        manager.register(module, name=name)
        manager.check_pending()
    except (pluggy.PluginValidationError, ValueError) as e:
        if manager.has_plugin(name):
            manager.unregister(name=name)
        reason = " ".join(str(e).split())
        raise PluginError(f"the plugin {known_as} is not valid: {reason}") from e


def _imported(name: str, root: Path) -> Any:
    before = list(sys.path)
    sys.path.insert(0, str(root))
    try:
        return import_module(name)
    finally:
        sys.path[:] = before


@lru_cache(maxsize=8)
def _points(group: str, _path: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    """The entry points of a group, each name once, in the order of names."""
    from importlib.metadata import entry_points

    found = {point.name: point for point in sorted(entry_points(group=group), key=lambda p: p.name)}
    return tuple(found.values())
