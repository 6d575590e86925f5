"""What to call a model with when nobody said: images, videos, or the one argument there is."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from torch import nn

from archlint.contract import Input, TensorInput
from archlint.errors import ArchlintError
from archlint.rulefile.phrase import parse_size

_CONVOLUTIONS = {nn.Conv1d: "L", nn.Conv2d: "H W", nn.Conv3d: "T H W"}


def default_input(model: nn.Module) -> Input:
    """The input that the model's own library gives it, else ``N C H W`` for its one argument.

    ``ArchlintError`` if it needs more arguments than one.
    """
    home = type(model).__module__
    if home.startswith("torchvision.models.detection"):
        return [_tensor("3 H W")]
    if home.startswith("torchvision.models.optical_flow"):
        return {"image1": _tensor("N 3 H W"), "image2": _tensor("N 3 H W")}
    needed = list(_required(model))
    if len(needed) != 1:
        names = ", ".join(needed) or "no argument"
        raise ArchlintError(
            f"{type(model).__name__}.forward needs {names}: say what it is called with, "
            'as in --input "N 3 H W" (one tensor)'
        )
    channels, sizes = _first_convolution(model)
    known = getattr(model, "in_chans", None)
    return _tensor(f"N {known if isinstance(known, int) else channels} {sizes}")


def _required(model: nn.Module) -> Iterator[str]:
    try:
        signature = inspect.signature(model.forward)
    except (TypeError, ValueError):
        return
    for p in signature.parameters.values():
        if p.kind == p.VAR_POSITIONAL or (p.kind != p.VAR_KEYWORD and p.default is p.empty):
            yield p.name


def _first_convolution(model: nn.Module) -> tuple[int, str]:
    """The channels that the first convolution takes, and the sizes that it slides over."""
    for module in model.modules():
        for kind, sizes in _CONVOLUTIONS.items():
            if isinstance(module, kind):
                return module.in_channels, sizes
    config = getattr(model, "pretrained_cfg", None)
    if isinstance(config, dict) and len(config.get("input_size") or ()) == 3:
        return int(config["input_size"][0]), "H W"
    return 3, "H W"


def _tensor(text: str) -> TensorInput:
    return TensorInput(tuple(map(parse_size, text.split())), text=text)
