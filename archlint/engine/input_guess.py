"""Guesses the input of a model: images, videos, rows or tokens."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Sequence

from torch import nn

from archlint.contracts.accepted_set import input_as_yaml, shown
from archlint.contracts.contract import Input, TensorInput
from archlint.contracts.nested import input_tensors
from archlint.contracts.rulefile.phrase_parser import parse_size
from archlint.engine.check_run import CheckRun
from archlint.engine.exploration import Exploration
from archlint.engine.explore import explore_model
from archlint.engine.input_example import example_input, mapping_keys
from archlint.errors import ArchlintError
from archlint.models.annotations.forward import read_annotations
from archlint.models.signature import none_if_omitted

_CONVOLUTIONS = {nn.Conv1d: "L", nn.Conv2d: "H W", nn.Conv3d: "T H W"}
_SLIDING = tuple(_CONVOLUTIONS)
_TIMES = re.compile(r"^(t|time|times|timesteps?|sigmas?|noise_levels?)$")
_CLASSES = re.compile(r"^(y|(class_)?labels?|classes)$")
_MOST_CHANNELS = 4  # of an image or a sound
_OTHERS = (nn.Linear, nn.Embedding, nn.EmbeddingBag, nn.RNNBase)


def likely_inputs(model: nn.Module) -> list[Input]:
    """Inputs that the model probably takes, the likeliest first.

    The first is the input that the model's own library uses, or that the jaxtyping annotations of
    its ``forward`` state, if its tensors are of floats. Otherwise, for a model of one
    argument, it is what the first of its layers takes: a convolution (``N C H W``), a Linear or
    recurrent layer (``N F``, ``N T F``), or an embedding (``N T`` of integers). After an image of
    one channel comes one without (``N H W``, ``N L``: the model may add it), then a layer of the
    other kind, then a convolution of few channels that is not the first. A model without such
    layers takes an image. Further arguments are what their names say: ``t`` a number for each
    image, ``y`` its class, ``image2`` the same as ``image1``. ``ArchlintError`` if a name says
    nothing.
    """
    home = type(model).__module__
    if home.startswith("torchvision.models.detection"):
        return [[_tensor("3 H W")]]
    if home.startswith("torchvision.models.optical_flow"):
        return [{"image1": _tensor("N 3 H W"), "image2": _tensor("N 3 H W")}]
    if (annotated := _annotated(model)) is not None:
        return [annotated]
    needed = list(_required(model))
    others = _further(model, needed)
    first = _of_one_argument(model)
    if others is None or any(mapping_keys(model, name) is not None for name in needed):
        names = ", ".join(needed) or "no argument"
        raise ArchlintError(
            f"{type(model).__name__}.forward takes {names}: pass --input, "
            f"for example {example_input(model, needed, first)}"
        )
    if not others:
        return list(first)
    return [{needed[0]: one, **{n: o or one for n, o in others.items()}} for one in first]


def _of_one_argument(model: nn.Module) -> list[TensorInput]:
    """Likely inputs of a model of one argument, or first arguments of one of several."""
    image = _tensor(_image(model))
    if hasattr(model, "pretrained_cfg"):  # a timm model: all of these take images
        return [image]
    first = next((m for m in model.modules() if isinstance(m, (*_SLIDING, *_OTHERS))), None)
    others = _of_other(next((m for m in model.modules() if isinstance(m, _OTHERS)), None))
    if not isinstance(first, _SLIDING):
        return [*others, image]
    batch, channels, *sizes = image.text.split()
    mono = [_tensor(" ".join((batch, *sizes)))] if channels == "1" else []
    later = (
        f"N {m.in_channels} {_sizes(m)}"
        for m in model.modules()
        if isinstance(m, _SLIDING) and m.in_channels <= _MOST_CHANNELS
    )
    return [image, *mono, *others, *(_tensor(t) for t in dict.fromkeys(later) if t != image.text)]


def _further(model: nn.Module, needed: Sequence[str]) -> dict[str, TensorInput | None] | None:
    """The arguments after the first by their names; ``None`` for one that is like the first.

    ``None`` for all if a name says nothing, or if there is no argument.
    """
    if not needed:
        return None
    others: dict[str, TensorInput | None] = {}
    embedding = next((m for m in model.modules() if isinstance(m, nn.Embedding)), None)
    for name in needed[1:]:
        if _TIMES.search(name):
            others[name] = _tensor("N")
        elif _CLASSES.search(name) and embedding is not None:
            others[name] = _tensor("N", "int64", embedding.num_embeddings)
        elif name != needed[0] and name.rstrip("0123456789") == needed[0].rstrip("0123456789"):
            others[name] = None
        else:
            return None
    return others


def _annotated(model: nn.Module) -> Input | None:
    try:
        input = read_annotations(model).input
    except ArchlintError:
        return None
    floats = all("float" in tensor.dtype for tensor in input_tensors(input))
    return input if floats else None  # of integers, the layers tell the largest


def _required(model: nn.Module) -> Iterator[str]:
    """The arguments without a default, but for those after the first that may be left out."""
    try:
        signature = inspect.signature(model.forward)
    except (TypeError, ValueError):
        return
    for i, p in enumerate(signature.parameters.values()):
        if i and (none_if_omitted(p) or p.kind == p.VAR_POSITIONAL):
            continue
        if p.kind == p.VAR_POSITIONAL or (p.kind != p.VAR_KEYWORD and p.default is p.empty):
            yield p.name


def _image(model: nn.Module) -> str:
    """An input with the channels and the spatial sizes of the first convolution.

    A timm model may state its channels in its configuration.
    """
    channels, sizes = 3, "H W"
    config = getattr(model, "pretrained_cfg", None)
    convolution = next((m for m in model.modules() if isinstance(m, _SLIDING)), None)
    if convolution is not None:
        channels, sizes = convolution.in_channels, _sizes(convolution)
    elif isinstance(config, dict) and len(config.get("input_size") or ()) == 3:
        channels = int(config["input_size"][0])
    stated = getattr(model, "in_chans", None)
    return f"N {stated if isinstance(stated, int) else channels} {sizes}"


def _sizes(convolution: nn.Module) -> str:
    return next(s for kind, s in _CONVOLUTIONS.items() if isinstance(convolution, kind))


def _of_other(layer: nn.Module | None) -> list[TensorInput]:
    """Inputs of a layer that is not a convolution: rows, sequences of rows, tokens."""
    if isinstance(layer, (nn.Embedding, nn.EmbeddingBag)):
        return [_tensor("N T", "int64", layer.num_embeddings)]
    if isinstance(layer, nn.RNNBase):
        return [_tensor(f"{'N T' if layer.batch_first else 'T N'} {layer.input_size}")]
    if isinstance(layer, nn.Linear):
        return [_tensor(f"N {layer.in_features}"), _tensor(f"N T {layer.in_features}")]
    return []


def _tensor(text: str, dtype: str = "float32", below: int | None = None) -> TensorInput:
    return TensorInput(tuple(map(parse_size, text.split())), dtype, below, text)


def explore_likely_input(run: CheckRun) -> tuple[CheckRun, Exploration, dict[str, str]]:
    """What the model accepts of the contract's input, or of a likely one if it has none.

    The likely input is the first that the model accepts at some size; the run returned has it. If
    the model accepts none, it is the likeliest, and the last result maps each input to the error.
    """
    if run.contract.input != []:
        return run, explore_model(run), {}
    tried = []
    for input in likely_inputs(run.model):
        guess = run.with_input(input)
        exploration = explore_model(guess)
        if exploration.accepting:
            return guess, exploration, {}
        tried.append((guess, exploration))
    errors = {shown(input_as_yaml(r.contract.input)): e.paths[0].trace.error for r, e in tried}
    likeliest, exploration = tried[0]
    return run.with_input(likeliest.contract.input), exploration, errors
