"""What to call a model with when nobody said: images, videos, rows, tokens."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from torch import nn

from archlint.contracts.contract import Input, TensorInput
from archlint.contracts.rulefile.phrase_parser import parse_size
from archlint.errors import ArchlintError

_CONVOLUTIONS = {nn.Conv1d: "L", nn.Conv2d: "H W", nn.Conv3d: "T H W"}
_SLIDING = tuple(_CONVOLUTIONS)
_OTHERS = (nn.Linear, nn.Embedding, nn.EmbeddingBag, nn.RNNBase)


def likely_inputs(model: nn.Module) -> list[Input]:
    """What the model may be called with, the likeliest first.

    It is what the model's own library gives it. Else, for its one argument, what the first of its
    layers takes: a convolution (``N C H W``), a Linear or recurrent layer (``N F``, ``N T F``), an
    embedding (``N T`` of integers). A layer of the other sort comes next, and without any it is an
    image. ``ArchlintError`` if it needs more arguments than one.
    """
    home = type(model).__module__
    if home.startswith("torchvision.models.detection"):
        return [[_tensor("3 H W")]]
    if home.startswith("torchvision.models.optical_flow"):
        return [{"image1": _tensor("N 3 H W"), "image2": _tensor("N 3 H W")}]
    needed = list(_required(model))
    if len(needed) != 1:
        names = ", ".join(needed) or "no argument"
        raise ArchlintError(
            f"{type(model).__name__}.forward needs {names}: say what it is called with, "
            'as in --input "N 3 H W" (one tensor)'
        )
    image = _tensor(_image(model))
    if hasattr(model, "pretrained_cfg"):  # a model of timm, which come with images only
        return [image]
    first = next((m for m in model.modules() if isinstance(m, (*_SLIDING, *_OTHERS))), None)
    others = _of_other(next((m for m in model.modules() if isinstance(m, _OTHERS)), None))
    return [image, *others] if isinstance(first, _SLIDING) else [*others, image]


def _required(model: nn.Module) -> Iterator[str]:
    try:
        signature = inspect.signature(model.forward)
    except (TypeError, ValueError):
        return
    for p in signature.parameters.values():
        if p.kind == p.VAR_POSITIONAL or (p.kind != p.VAR_KEYWORD and p.default is p.empty):
            yield p.name


def _image(model: nn.Module) -> str:
    """The channels that the first convolution takes, and the sizes that it slides over.

    A model of timm may say its channels itself.
    """
    channels, sizes = 3, "H W"
    config = getattr(model, "pretrained_cfg", None)
    convolution = next((m for m in model.modules() if isinstance(m, _SLIDING)), None)
    if convolution is not None:
        channels = convolution.in_channels
        sizes = next(s for kind, s in _CONVOLUTIONS.items() if isinstance(convolution, kind))
    elif isinstance(config, dict) and len(config.get("input_size") or ()) == 3:
        channels = int(config["input_size"][0])
    known = getattr(model, "in_chans", None)
    return f"N {known if isinstance(known, int) else channels} {sizes}"


def _of_other(layer: nn.Module | None) -> list[Input]:
    """What a layer takes that is no convolution: rows, sequences of them, tokens."""
    if isinstance(layer, (nn.Embedding, nn.EmbeddingBag)):
        return [_tensor("N T", "int64", layer.num_embeddings)]
    if isinstance(layer, nn.RNNBase):
        return [_tensor(f"{'N T' if layer.batch_first else 'T N'} {layer.input_size}")]
    if isinstance(layer, nn.Linear):
        return [_tensor(f"N {layer.in_features}"), _tensor(f"N T {layer.in_features}")]
    return []


def _tensor(text: str, dtype: str = "float32", below: int | None = None) -> TensorInput:
    return TensorInput(tuple(map(parse_size, text.split())), dtype, below, text)
