"""Checks of the model's modules: forbidden layers and the number of parameters."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from archlint.engine.structure.model_view import ModelView
from archlint.engine.structure.violation import CannotCheck, Violation
from archlint.runtime.interruptions import stops_run


def forbids(view: ModelView, value: Any) -> Iterator[Violation]:
    """No module is of a forbidden class or of a subclass of one.

    A class is named alone (``BatchNorm2d``) or with its module (``torch.nn.LSTM``).
    """
    names = [value] if isinstance(value, str) else list(value)
    classes = {name: _class(view, name) for name in names if "." in name}
    for name in names:
        if "." not in name:
            _check_name(view, name)
    for path, module in view.model.named_modules():
        scripted = _scripted(module)
        for name in names:
            if scripted and scripted == name.rpartition(".")[2]:
                if "." in name:
                    text = (
                        f"TorchScript does not say whether the class {scripted} of {path} is {name}"
                    )
                    raise CannotCheck(text)
                yield Violation(f"{path or 'the model'} is a forbidden {scripted}", path, scripted)
                break
            base = next((b for b in type(module).__mro__ if _is(b, name, classes)), None)
            if base is not None:
                kind = type(module).__name__
                named = kind if base is type(module) else f"{kind} (a {base.__name__})"
                message = f"{path or 'the model'} is a forbidden {named}"
                yield Violation(message, path, kind, view.source(path))
                break


def _scripted(module: nn.Module) -> str:
    """The name of the class that a module of TorchScript was made of; empty for any other."""
    return str(module.original_name) if isinstance(module, torch.jit.ScriptModule) else ""


def _is(base: type, name: str, classes: dict[str, type | None]) -> bool:
    if "." not in name:
        return base.__name__ == name
    return base is classes[name] or _full(base) == name


def _full(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _class(view: ModelView, name: str) -> type | None:
    """The class of a dotted name; ``None`` where the model's own modules define it unimported."""
    if any(_full(b) == name for m in view.model.modules() for b in type(m).__mro__):
        return None
    module, _, attribute = name.rpartition(".")
    try:
        with view.importing():
            found = getattr(sys.modules.get(module) or importlib.import_module(module), attribute)
    except BaseException as e:
        if stops_run(e):
            raise
        found = None
    if isinstance(found, type):
        return found
    near = f"torch.{name}" if name.startswith("nn.") else ""
    hint = f"; did you mean {near}?" if near else ""
    raise CannotCheck(f"forbids names {name}, but there is no such class{hint}")


def _check_name(view: ModelView, name: str) -> None:
    """Reject a name that is a typo: no class has it, and a layer of torch almost does."""
    if any(b.__name__ == name for m in view.model.modules() for b in type(m).__mro__):
        return
    layers = [n for n, value in vars(nn).items() if isinstance(value, type)]
    if name in layers or any(kind.__name__ == name for kind in _subclasses(nn.Module)):
        return
    near = [n for n in layers if n.casefold() == name.casefold()]
    near = near or get_close_matches(name, layers, n=1, cutoff=0.9)
    if near:
        raise CannotCheck(
            f"forbids names {name}, but there is no such class; did you mean {near[0]}? "
            "Name a class of your own with its module"
        )


def _subclasses(kind: type) -> Iterator[type]:
    seen: set[type] = set()
    todo = [kind]
    while todo:
        sub: type
        for sub in todo.pop().__subclasses__():
            if sub not in seen:
                seen.add(sub)
                todo.append(sub)
                yield sub


def parameters(view: ModelView, value: Any) -> Iterator[Violation]:
    """At most so many elements of parameters; a shared parameter counts once."""
    most, trained = value["at_most"], value.get("trainable", False)
    counted: set[int] = set()
    total, largest = 0, ("", 0)
    for path, module in view.model.named_modules():
        own = 0
        for name, parameter in module.named_parameters(recurse=False):
            if is_lazy(parameter):
                raise CannotCheck(f"{path or 'the model'}.{name} has no size before its first call")
            if id(parameter) not in counted and (parameter.requires_grad or not trained):
                own += parameter.numel()
            counted.add(id(parameter))
        total += own
        largest = max(largest, (path, own), key=lambda each: each[1])
    if total > most:
        path, own = largest
        kind = type(view.model.get_submodule(path)).__name__
        noun = "trainable parameters" if trained else "parameters"
        message = f"{total:,} {noun}, but at most {most:,} are allowed"
        message += f"; {own:,} of them are in {path or 'the model'}"
        yield Violation(message, path, kind, view.source(path))
