"""From a target to a model: the only file that runs a user's code by name.

A target is one of

- ``pkg.mod:attr.path``: a module that Python can import with the project's root on its path,
- ``path/to/file.py:attr.path``: a file, relative to the rule file,
- ``torchvision:NAME``, ``timm:NAME``: a name in their registries, always without weights,
- ``PREFIX:NAME`` with the prefix of a plugin: what the plugin returns.

What it names is an ``nn.Module``, taken as it is, or a class or function that makes one.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from torch import nn

from archlint.contracts import plugins
from archlint.contracts.contract import ModelRef
from archlint.errors import TargetError
from archlint.models.arbitrary_weights import quickly_built
from archlint.models.deepcopy import CopyParts, are_plain, real_copy
from archlint.models.meta_weights import build_lean, lean_copy
from archlint.models.modes import have_plain_modes, set_plainly
from archlint.models.module_walk import modules_of
from archlint.models.nested_objects import targets_in, with_objects
from archlint.models.refused_targets import is_data, refused_module, refused_object
from archlint.models.snapshot import Snapshot
from archlint.models.user_code import article, near_names, user_code, wrong_arguments
from archlint.models.zoos import import_library, timm_model, torchvision_model, without_weights
from archlint.runtime.import_path import (
    folders_of_file,
    folders_of_module,
    import_file,
    import_path,
)
from archlint.runtime.interruptions import stops_run
from archlint.runtime.process_state import SavedState, captured_output, preserve_random_state
from archlint.runtime.user_frames import described

Factory = Callable[[], Any]


class ModelSource:
    """Where models come from: a factory, or one instance that belongs to the user.

    A context manager: leaving it gives a user's instance back as it was. (The instance itself is
    only handed out where it cannot be copied; what runs then, or copies it, may have changed it.)
    Leaving it also restores ``state``, of the process before the model's module was imported: until
    then, the model is built and run with the settings that its imports made.
    """

    def __init__(
        self,
        name: str,
        factory: Factory | None = None,
        instance: nn.Module | None = None,
        maker: object = None,
        folders: Sequence[Path] = (),
    ) -> None:
        self.name = name
        self.maker = maker  # the user's class or function behind the factory
        self._folders = folders
        self._factory = factory
        self._instance = instance
        self.state: SavedState | None = None
        self._lean = True
        self.draws_differ = False  # whether small weights of the model to trace have other values
        self._snapshot: Snapshot | None = None

    def for_running(self, mode: str = "eval", quickly: bool = False) -> nn.Module:
        """A real model on the CPU, in ``mode`` ("eval" or "train"). ``TargetError`` if it fails.

        ``quickly``: its large weights may have any values, as of :mod:`.arbitrary_weights`.
        """
        if self._instance is None:
            model = quickly_built(self._call) if quickly and self._lean else None
            return self._moded(self._build() if model is None else model, mode)
        self._protect()
        try:
            model = real_copy(self._instance)
        except BaseException as e:
            if stops_run(e):
                raise
            model = self._instance
            self._snapshot = self._snapshot or Snapshot(model)
        else:
            if any(not p.is_cpu for p in model.parameters()):
                with user_code(f"{self.name} could not be moved to the CPU"):
                    model = model.cpu()
        return self._moded(model, mode)

    def for_tracing(self, mode: str = "eval") -> nn.Module:
        """A model with the same structure whose large weights need not have values."""
        model, parts = self.to_trace(mode)
        if parts is not None:
            parts.separate()
        return model

    def to_trace(self, mode: str = "eval") -> tuple[nn.Module, CopyParts | None]:
        """As :meth:`for_tracing`, and what the model is made of if it is a copy made here.

        The modules of such a copy may share what is empty.
        """
        if not self._lean:
            built = self._moded(self._build(), mode) if self._factory else self.for_running(mode)
            return built, None
        parts: CopyParts | None = None
        if (plain := self._plain_copy(mode)) is not None:
            return plain
        self._protect()
        try:
            if self._instance is not None:
                model, parts = lean_copy(self._instance)
            else:
                with captured_output(), preserve_random_state():
                    model, self.draws_differ = build_lean(self._call)
        except BaseException as e:
            if stops_run(e):
                raise
            self._lean = False  # the real build raises the error, if there is one
            return self.to_trace(mode)
        if not isinstance(model, nn.Module):
            raise TargetError(f"{self.name} {_no_module(model)}")
        return self._moded(model, mode), parts

    def importable(self) -> AbstractContextManager[None]:
        """A context in which modules of the model's project can be imported."""
        return import_path(self._folders)

    def __enter__(self) -> ModelSource:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if self._snapshot is not None:
            self._snapshot.restore()
        if self.state is not None:
            self.state.restore()
        if error is not None and not isinstance(error, Exception) and not stops_run(error):
            raise TargetError(f"{self.name} raised {described(error)}") from error

    def _call(self) -> Any:
        assert self._factory is not None
        return self._factory()

    def _build(self) -> nn.Module:
        try:
            with user_code(f"{self.name} could not be built"), preserve_random_state():
                model = self._call()
        except TargetError as e:
            raise TargetError(f"{e}{wrong_arguments(e.__cause__, self.maker)}") from e.__cause__
        if not isinstance(model, nn.Module):
            raise TargetError(f"{self.name} {_no_module(model)}")
        return model

    def _plain_copy(self, mode: str) -> tuple[nn.Module, CopyParts] | None:
        """A copy of the instance; ``None`` where code of the user's makes one or sets its mode."""
        if self._instance is None or self._snapshot is not None:
            return None
        try:
            model, parts = lean_copy(self._instance, share=True)
        except BaseException as e:
            if stops_run(e):
                raise
            return None
        if not have_plain_modes(parts.modules):
            return None
        modes = {module.__dict__.get("training") for module in parts.modules}
        return (model if modes == {mode == "train"} else self._moded(model, mode)), parts

    def _protect(self) -> None:
        """Remember the user's instance before code of its own runs that copies or sets its mode."""
        if self._instance is None or self._snapshot is not None:
            return
        modules = modules_of(self._instance)
        if not (are_plain(modules) and have_plain_modes(modules)):
            with user_code(f"{self.name} could not be read"):
                list(self._instance.modules())  # an error in a method of the model's comes first
            self._snapshot = Snapshot(self._instance)

    def _moded(self, model: nn.Module, mode: str) -> nn.Module:
        training = mode == "train"
        if set_plainly(modules_of(model), training):
            return model
        with user_code(f"{self.name} could not be put into {mode} mode"):
            model.train(training)
        return model


def resolve(ref: ModelRef, root: Path) -> ModelSource:
    """Find what ``ref`` names; nothing is built yet. Raises ``TargetError`` if it is not valid.

    ``root`` is the project's root. Importing the user's module runs it, its output unseen. What it
    sets in the process stays set until the source is left.
    """
    state = SavedState()
    try:
        source = _resolved(ref, root)
    except BaseException:
        state.restore()
        raise
    source.state = state
    return source


def import_module_of(ref: ModelRef, root: Path) -> None:
    """Import a target's module as :func:`resolve` does; its settings stay. ``TargetError``."""
    plugins.register_rules(root)
    module_name, _, attribute = ref.target.rpartition(":")
    if module_name in ("torchvision", "timm") and "." not in attribute:
        import_library(
            "torchvision.models" if module_name == "torchvision" else "timm", module_name
        )
    elif module_name.endswith(".py"):
        path = _file(ref, module_name, root)
        _import_file(path, folders_of_file(path, root))
    elif module_name not in plugins.prefixes(root):
        _import_module(module_name, root)


def _resolved(ref: ModelRef, root: Path) -> ModelSource:
    plugins.register_rules(root)
    prefix, _, name = ref.target.partition(":")
    if prefix not in ("torchvision", "timm") and name and prefix in plugins.prefixes(root):
        with user_code(f"{ref.target} could not be located"), import_path((root,)):
            return _source(ref, plugins.locate(prefix, name, root), (root,), root)
    return _source(ref, *_named(ref, ref.target, root), root)


def _named(ref: ModelRef, target: str, root: Path) -> tuple[Any, tuple[Path, ...]]:
    """What a target names, and the folders from which its code imports."""
    module_name, colon, attribute = target.rpartition(":")
    if not colon or not module_name or not attribute:
        raise TargetError(
            f"{target!r} is not a valid target; expected pkg.mod:factory, path/file.py:factory, "
            "torchvision:NAME or timm:NAME"
        )
    if module_name == "torchvision" and "." not in attribute:
        return torchvision_model(attribute), ()
    if module_name == "timm" and "." not in attribute:
        return timm_model(attribute), ()
    folders: tuple[Path, ...] = (root,)
    if module_name.endswith(".py"):
        path = _file(ref, module_name, root)
        folders = folders_of_file(path, root)
        module = _import_file(path, folders)
    else:
        if reason := not is_data(target) and refused_module(module_name, root):
            raise TargetError(f"{target} is not imported: {reason}")
        folders = folders_of_module(module_name, root)
        module = _import_module(module_name, root)
    return _attribute(module, module_name, attribute, folders), folders


def from_instance(model: nn.Module) -> ModelSource:
    """A user's own model: never changed, traced and run as a copy where that is possible."""
    if not isinstance(model, nn.Module):
        raise TargetError(f"expected an nn.Module, got {_got(model)}")
    name = type(model).__name__
    with user_code(f"{name} could not be read"):
        return ModelSource(name, instance=model)


def _source(ref: ModelRef, target: Any, folders: Sequence[Path], root: Path) -> ModelSource:
    if isinstance(target, nn.Module):
        if ref.args or ref.kwargs:
            raise TargetError(
                f"{ref.target} is a model already; it takes no args or kwargs: "
                "name its class or a function that makes it"
            )
        return ModelSource(ref.target, instance=target, folders=(*folders, root))
    if not callable(target):
        raise TargetError(
            f"{ref.target} is {article(type(target).__name__)}; "
            "expected an nn.Module, or a class or function that makes one"
        )
    if reason := refused_object(target):
        raise TargetError(f"{ref.target} is not called: {reason}")
    kwargs = {**without_weights(target), **ref.kwargs}
    makers = {name: _maker(ref, name, root) for name in targets_in((ref.args, ref.kwargs))}

    def factory() -> Any:
        with import_path(folders):
            return target(*with_objects(ref.args, makers), **with_objects(kwargs, makers))

    return ModelSource(ref.target, factory, maker=target, folders=(*folders, root))


def _maker(ref: ModelRef, target: str, root: Path) -> Callable[..., Any]:
    """The class or function of an ``of:``. Raises ``TargetError`` if it is not one."""
    maker, _ = _named(ref, target, root)
    if reason := not is_data(target) and refused_object(maker):
        raise TargetError(f"of: {target} is not called: {reason}")
    if not callable(maker):
        found = article(type(maker).__name__)
        raise TargetError(f"of: {target} is {found}; expected a class or function")
    return cast("Callable[..., Any]", maker)


def _file(ref: ModelRef, name: str, root: Path) -> Path:
    folder = Path(ref.where.file).parent if ref.where else root
    tried = [folder / name, root / folder / name]
    tried += [Path(os.path.normpath(path)) for path in tried]  # the folder may not be there yet
    for path in tried:
        if path.is_file():
            return path.resolve()
    near = near_names(Path(name).name, [p.name for p in tried[0].parent.glob("*.py")])
    if (root / name).is_file():
        from_rules = Path(os.path.relpath(root / name, folder)).as_posix()
        near = f"; paths are relative to the rule file: did you mean {from_rules}?"
    raise TargetError(f"{ref.target}: there is no file {tried[0]}{near}")


def _import_file(path: Path, folders: Sequence[Path]) -> ModuleType:
    """The file as a module of a private name, so that it hides no other module."""
    digest = hashlib.sha256(f"{path}:{path.stat().st_mtime_ns}".encode()).hexdigest()[:12]
    name = f"_archlint_{path.stem}_{digest}"
    with user_code(f"{path.name} could not be imported"), import_path(folders):
        if name in sys.modules:
            _repeat_settings(name)
            return importlib.import_module(name)  # which the watch over imports sees
        with _recorded_settings(name):
            return import_file(name, path)


def _import_module(name: str, root: Path) -> ModuleType:
    if not all(part.isidentifier() for part in name.split(".")):
        raise TargetError(f"{name!r} is neither a module name nor a path to a .py file")
    folders = folders_of_module(name, root)
    with user_code(f"{name} could not be imported"), import_path(folders):
        try:
            if name in sys.modules:
                _repeat_settings(name)
                return importlib.import_module(name)
            with _recorded_settings(name):
                return importlib.import_module(name)
        except ModuleNotFoundError as e:
            if e.name and (name == e.name or name.startswith(e.name + ".")):
                where = f"looked in {root} and among installed packages"
                if name == "fixture":
                    where += "; only pytest can build a model from a fixture"
                near = near_names(e.name, ["torchvision", "timm"])
                raise TargetError(f"there is no module {e.name} ({where}){near}") from None
            raise


_SETTINGS: dict[str, Callable[[], None]] = {}
"""What the import of each module set in this process, to be set again for a later check."""


@contextmanager
def _recorded_settings(module: str) -> Iterator[None]:
    before = SavedState()
    yield
    _SETTINGS[module] = before.changes()


def _repeat_settings(module: str) -> None:
    if module in _SETTINGS:
        _SETTINGS[module]()


def _attribute(module: Any, name: str, path: str, folders: Sequence[Path]) -> Any:
    found = module
    link = ":"
    for part in path.split("."):
        with user_code(f"{name}{link}{part} could not be read"), import_path(folders):
            try:
                found = getattr(found, part)
            except AttributeError:
                near = near_names(part, [n for n in dir(found) if not n.startswith("__")])
                raise TargetError(f"{name} has no {part!r}{near}") from None
        name += link + part
        link = "."
    return found


def _no_module(value: Any) -> str:
    return f"returned {article(type(value).__name__)}; expected an nn.Module"


def _got(value: object) -> str:
    kind = type(value).__name__
    got = f"the class {value.__name__}" if isinstance(value, type) else article(kind)
    return got + ("; call it and pass the result" if callable(value) else "")
