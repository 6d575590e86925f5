"""From a target to a model: the only file that runs a user's code by name.

A target is one of

- ``pkg.mod:attr.path``: a module that Python can import with the project's root on its path,
- ``path/to/file.py:attr.path``: a file, relative to the rule file,
- ``torchvision:NAME``, ``timm:NAME``: a name in their registries, always without weights,
- ``PREFIX:NAME`` with the prefix of a plugin: what the plugin returns.

What it names is an ``nn.Module``, taken as it is, or a class or function that makes one.
"""

from __future__ import annotations

import copy
import difflib
import hashlib
import importlib
import importlib.util
import inspect
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn

from archlint.contracts import plugins
from archlint.contracts.contract import ModelRef
from archlint.errors import TargetError
from archlint.models.deepcopy import is_plain
from archlint.models.meta_weights import build_lean, lean_copy
from archlint.models.snapshot import Snapshot
from archlint.runtime.import_path import import_file, import_path
from archlint.runtime.process_state import SavedState, captured_output, preserve_random_state
from archlint.runtime.user_frames import described

Factory = Callable[[], Any]


class ModelSource:
    """Where models come from: a factory, or one instance that belongs to the user.

    A context manager: leaving it gives a user's instance back as it was. (The instance itself is
    only handed out where it cannot be copied; what runs then, or copies it, may have changed it.)
    Leaving it also restores ``state``, that of the process before the model's module was imported:
    until then, the model is built and run with the settings that its imports made.
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
        self._snapshot: Snapshot | None = None
        if instance is not None and not (is_plain(instance) and _has_plain_modes(instance)):
            self._snapshot = Snapshot(instance)  # the user's code makes a copy, or sets its mode

    def for_running(self, mode: str = "eval") -> nn.Module:
        """A real model on the CPU, in ``mode`` ("eval" or "train"). ``TargetError`` if it fails."""
        if self._instance is None:
            return self._moded(self._build(), mode)
        try:
            model = copy.deepcopy(self._instance)
        except Exception:
            model = self._instance
            self._snapshot = self._snapshot or Snapshot(model)
        else:
            if any(not p.is_cpu for p in model.parameters()):
                with _user_code(f"{self.name} could not be moved to the CPU"):
                    model = model.cpu()
        return self._moded(model, mode)

    def for_tracing(self, mode: str = "eval") -> nn.Module:
        """A model with the same structure whose large weights need not have values."""
        if not self._lean:
            return self._moded(self._build(), mode) if self._factory else self.for_running(mode)
        try:
            if self._instance is not None:
                model = lean_copy(self._instance)
            else:
                with captured_output(), preserve_random_state():
                    model = build_lean(self._call)
        except (Exception, SystemExit):
            self._lean = False  # the real build raises the error, if there is one
            return self.for_tracing(mode)
        if not isinstance(model, nn.Module):
            raise TargetError(f"{self.name} {_no_module(model)}")
        return self._moded(model, mode)

    def importable(self) -> AbstractContextManager[None]:
        """A context in which modules of the model's project can be imported."""
        return import_path(self._folders)

    def __enter__(self) -> ModelSource:
        return self

    def __exit__(self, *error: object) -> None:
        if self._snapshot is not None:
            self._snapshot.restore()
        if self.state is not None:
            self.state.restore()

    def _call(self) -> Any:
        assert self._factory is not None
        return self._factory()

    def _build(self) -> nn.Module:
        with _user_code(f"{self.name} could not be built"), preserve_random_state():
            model = self._call()
        if not isinstance(model, nn.Module):
            raise TargetError(f"{self.name} {_no_module(model)}")
        return model

    def _moded(self, model: nn.Module, mode: str) -> nn.Module:
        training = mode == "train"
        if _has_plain_modes(model):
            for module in model.modules():
                if module.training is not training:
                    module.training = training
            return model
        with _user_code(f"{self.name} could not be put into {mode} mode"):
            model.train(training)
        return model


def _has_plain_modes(model: nn.Module) -> bool:
    """Whether ``train()`` only sets ``training``: no code of the user's runs then."""
    modules = list(model.modules())
    kinds: set[Any] = set(map(type, modules))
    return all(map(_is_plain_kind, kinds)) and not any("train" in vars(m) for m in modules)


_OF_MODES = ("train", "children", "named_children", "modules", "named_modules", "__setattr__")


@cache
def _is_plain_kind(kind: Any) -> bool:
    own = (getattr(kind, name) is getattr(nn.Module, name) for name in _OF_MODES)
    return all(own) and not issubclass(kind, torch.jit.ScriptModule)


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
    """Import the module of a target as :func:`resolve` does. What that sets in the process stays.

    Raises ``TargetError``.
    """
    plugins.register_rules(root)
    module_name, _, attribute = ref.target.rpartition(":")
    if module_name in ("torchvision", "timm") and "." not in attribute:
        _library("torchvision.models" if module_name == "torchvision" else "timm", module_name)
    elif module_name.endswith(".py"):
        path = _file(ref, module_name, root)
        _import_file(path, (path.parent, root))
    elif module_name not in plugins.prefixes(root):
        _import_module(module_name, root)


def _resolved(ref: ModelRef, root: Path) -> ModelSource:
    plugins.register_rules(root)
    prefix, _, name = ref.target.partition(":")
    if prefix not in ("torchvision", "timm") and name and prefix in plugins.prefixes(root):
        with _user_code(f"{ref.target} could not be located"), import_path((root,)):
            return _source(ref, plugins.locate(prefix, name, root), (root,), root)
    module_name, colon, attribute = ref.target.rpartition(":")
    if not colon or not module_name or not attribute:
        raise TargetError(
            f"{ref.target!r} is no target; expected pkg.mod:factory, path/file.py:factory, "
            "torchvision:NAME or timm:NAME"
        )
    if module_name == "torchvision" and "." not in attribute:
        return _source(ref, _torchvision(attribute), (), root)
    if module_name == "timm" and "." not in attribute:
        return _source(ref, _timm(attribute), (), root)
    folders: tuple[Path, ...] = (root,)
    if module_name.endswith(".py"):
        path = _file(ref, module_name, root)
        folders = (path.parent, root)
        module = _import_file(path, folders)
    else:
        module = _import_module(module_name, root)
    return _source(ref, _attribute(module, module_name, attribute, folders), folders, root)


def from_instance(model: nn.Module) -> ModelSource:
    """A user's own model: never changed, traced and run as a copy where that is possible."""
    if not isinstance(model, nn.Module):
        raise TargetError(f"expected an nn.Module, got {_got(model)}")
    return ModelSource(type(model).__name__, instance=model)


def _source(ref: ModelRef, target: Any, folders: Sequence[Path], root: Path) -> ModelSource:
    if isinstance(target, nn.Module):
        if ref.args or ref.kwargs:
            raise TargetError(
                f"{ref.target} is a model already, it takes no args or kwargs; "
                "name its class or a function that makes it"
            )
        return ModelSource(ref.target, instance=target, folders=(*folders, root))
    if not callable(target):
        raise TargetError(
            f"{ref.target} is {_article(type(target).__name__)}; "
            "expected an nn.Module, or a class or function that makes one"
        )
    kwargs = {**_no_weights(target), **ref.kwargs}

    def factory() -> Any:
        with import_path(folders):
            return target(*copy.deepcopy(ref.args), **copy.deepcopy(kwargs))

    return ModelSource(ref.target, factory, maker=target, folders=(*folders, root))


# -- finding ------------------------------------------------------------------------------------


def _torchvision(name: str) -> Callable[..., Any]:
    models = _library("torchvision.models", "torchvision")
    if name not in models.list_models():
        raise TargetError(f"torchvision has no model {name!r}{_near(name, models.list_models())}")
    builder: Callable[..., Any] = models.get_model_builder(name)
    return builder


def _timm(name: str) -> Callable[..., Any]:
    timm = _library("timm", "timm")
    if not timm.is_model(name.split(".")[0]):
        raise TargetError(f"timm has no model {name!r}{_near(name, timm.list_models())}")

    def create_model(*args: Any, pretrained: bool = False, **kwargs: Any) -> Any:
        return timm.create_model(name, pretrained, *args, **kwargs)

    return create_model


def _library(module: str, package: str) -> Any:
    with _user_code(f"{package} could not be imported"):
        if importlib.util.find_spec(package) is None:
            raise TargetError(f"{package} is not installed: pip install {package}")
        return importlib.import_module(module)


def _no_weights(builder: Any) -> dict[str, None]:
    """Arguments that keep torchvision's builders from downloading weights."""
    if not str(getattr(builder, "__module__", "")).startswith("torchvision.models"):
        return {}
    parameters = inspect.signature(builder).parameters
    return {name: None for name in ("weights", "weights_backbone") if name in parameters}


def _file(ref: ModelRef, name: str, root: Path) -> Path:
    folder = Path(ref.where.file).parent if ref.where else root
    tried = [folder / name, root / folder / name]
    tried += [Path(os.path.normpath(path)) for path in tried]  # the folder may not be there yet
    for path in tried:
        if path.is_file():
            return path.resolve()
    near = _near(Path(name).name, [p.name for p in tried[0].parent.glob("*.py")])
    raise TargetError(f"{ref.target}: there is no file {tried[0]}{near}")


def _import_file(path: Path, folders: Sequence[Path]) -> ModuleType:
    """The file as a module of a private name, so that it hides no other module."""
    digest = hashlib.sha256(f"{path}:{path.stat().st_mtime_ns}".encode()).hexdigest()[:12]
    name = f"_archlint_{path.stem}_{digest}"
    with _user_code(f"{path.name} could not be imported"), import_path(folders):
        if name in sys.modules:
            _repeat_settings(name)
            return importlib.import_module(name)  # which the watch over imports sees
        with _recorded_settings(name):
            return import_file(name, path)


def _import_module(name: str, root: Path) -> ModuleType:
    if not all(part.isidentifier() for part in name.split(".")):
        raise TargetError(f"{name!r} is no module name and no path to a .py file")
    with _user_code(f"{name} could not be imported"), import_path((root,)):
        try:
            if name in sys.modules:
                _repeat_settings(name)
                return importlib.import_module(name)
            with _recorded_settings(name):
                return importlib.import_module(name)
        except ModuleNotFoundError as e:
            if e.name and (name == e.name or name.startswith(e.name + ".")):
                raise TargetError(
                    f"there is no module {e.name} (looked in {root} and among installed packages)"
                ) from None
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
        with _user_code(f"{name}{link}{part} could not be read"), import_path(folders):
            try:
                found = getattr(found, part)
            except AttributeError:
                near = _near(part, [n for n in dir(found) if not n.startswith("__")])
                raise TargetError(f"{name} has no {part!r}{near}") from None
        name += link + part
        link = "."
    return found


# -- saying what went wrong ---------------------------------------------------------------------


@contextmanager
def _user_code(failed: str) -> Iterator[None]:
    """Run user code: output captured, exceptions as ``TargetError``."""
    try:
        with captured_output():
            yield
    except TargetError:
        raise
    except SystemExit as e:
        raise TargetError(f"{failed}: it called sys.exit ({described(e)})") from e
    except Exception as e:
        raise TargetError(f"{failed}: {described(e)}") from e


def _no_module(value: Any) -> str:
    return f"returned {_article(type(value).__name__)}; expected an nn.Module"


def _got(value: object) -> str:
    kind = type(value).__name__
    got = f"the class {value.__name__}" if isinstance(value, type) else _article(kind)
    return got + ("; call it, and give what it makes" if callable(value) else "")


def _article(type_name: str) -> str:
    if type_name == "NoneType":
        return "None"
    return f"{'an' if type_name[0].lower() in 'aeiou' else 'a'} {type_name}"


def _near(name: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, names, 3)
    return f"; did you mean {' or '.join(near)}?" if near else ""
