"""The models of torchvision and timm by name, always without weights."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable
from typing import Any

from archlint.errors import TargetError
from archlint.models.user_code import near_names, user_code
from archlint.models.zoo_names import missing_model


def torchvision_model(name: str) -> Callable[..., Any]:
    """The builder of a model of torchvision. Raises ``TargetError`` if there is none."""
    refuse_misspelled("torchvision", name)
    models = import_library("torchvision.models", "torchvision")
    if name not in models.list_models():
        raise TargetError(
            f"torchvision has no model {name!r}{near_names(name, models.list_models())}"
        )
    builder: Callable[..., Any] = models.get_model_builder(name)
    return builder


def timm_model(name: str) -> Callable[..., Any]:
    """A function that makes a model of timm. Raises ``TargetError`` if there is none."""
    refuse_misspelled("timm", name)
    timm = import_library("timm", "timm")
    if not timm.is_model(name.split(".")[0]):
        raise TargetError(f"timm has no model {name!r}{near_names(name, timm.list_models())}")

    def create_model(*args: Any, pretrained: bool = False, **kwargs: Any) -> Any:
        return timm.create_model(name, pretrained, *args, **kwargs)

    return create_model


def refuse_misspelled(zoo: str, name: str) -> None:
    """Raise ``TargetError`` for a name that the zoo does not have, before it is imported."""
    if zoo not in sys.modules and (missing := missing_model(zoo, name)):
        raise TargetError(missing)


def import_library(module: str, package: str) -> Any:
    """Import ``module`` of ``package``. Raises ``TargetError`` if it is not installed or fails."""
    with user_code(f"{package} could not be imported"):
        if importlib.util.find_spec(package) is None:
            raise TargetError(f"{package} is not installed: pip install {package}")
        return importlib.import_module(module)


def without_weights(builder: Any) -> dict[str, None]:
    """Arguments that keep torchvision's builders from downloading weights."""
    if not str(getattr(builder, "__module__", "")).startswith("torchvision.models"):
        return {}
    parameters = inspect.signature(builder).parameters
    return {name: None for name in ("weights", "weights_backbone") if name in parameters}
