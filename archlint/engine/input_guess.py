"""Guesses the input of a model: images, videos, rows or tokens."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Union

from torch import nn

from archlint.contracts.accepted_set import input_text
from archlint.contracts.contract import Input, TensorInput
from archlint.contracts.nested import input_tensors
from archlint.contracts.region import bounds_of
from archlint.contracts.rulefile.phrase_parser import parse_size
from archlint.engine.check_run import CheckRun
from archlint.engine.diagnosis.input_mismatch import takes_list
from archlint.engine.exploration import Exploration
from archlint.engine.explore import explore_model
from archlint.engine.input_example import annotation_text, example_input, mapping_keys, settings_of
from archlint.engine.rearranged_input import rearranged_input
from archlint.errors import ArchlintError
from archlint.models.annotations.forward import read_annotations
from archlint.models.signature import none_if_omitted

_Convolution = Union[
    nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d
]
_CONVOLUTIONS: dict[type[_Convolution], str] = {
    nn.Conv1d: "L", nn.Conv2d: "H W", nn.Conv3d: "T H W",
    nn.ConvTranspose1d: "L", nn.ConvTranspose2d: "H W", nn.ConvTranspose3d: "T H W",
}  # fmt: skip
_SLIDING: tuple[type[_Convolution], ...] = tuple(_CONVOLUTIONS)
_TIMES = re.compile(r"^(t|time|times|timesteps?|sigmas?|noise_levels?)$")
_CLASSES = re.compile(r"^(y|(class_)?labels?|classes)$")
_QUERIES = re.compile(r"^(q|query|queries)$")
_KEYS = re.compile(r"^(k|v|keys?|values?)$")
_SOURCE = re.compile(r"^(src|source)(_\w+)?$")
_TARGET = re.compile(r"^(tgt|trg|target)(_(seq|ids|tokens|input|emb))?$")
_TRUTH = re.compile(r"^(targets?|labels?|gt|ground_truth|masks?|y|y_true|y_hat)$")
_MOST_CHANNELS = 4  # of an image or a sound
_COLOURS = 3  # channels that hardly a layer inside a model has
_STACKED = ("12", "48")  # channels that a model makes of 2 x 2 or 4 x 4 pixels of 3 colours
_IMAGES = ("N 3 H W", "N 1 H W")
_LIST_OF_IMAGES = re.compile(
    r"\b(NestedTensor|ImageList)\b|^(\w+\.)*(list|List|Sequence)\[.*Tensor\b"
)
"""The text of an annotation of images of different sizes, as models that detect objects take."""
_FEW_CONVOLUTIONS = 3  # by their channels: of a block, each may be the one that sees the input
_PYTHONS = re.compile(r"(Type|Attribute|Name|Key|Import|ModuleNotFound|NotImplemented)Error\b")
"""Errors of code that is wrong with any input, or with its container."""
_OTHERS = (nn.Linear, nn.Embedding, nn.EmbeddingBag, nn.RNNBase)
_NORMS = (nn.LayerNorm, nn.GroupNorm, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def likely_inputs(model: nn.Module) -> list[Input]:
    """Inputs that the model probably takes, the likeliest first.

    The first is the input that the model's own library uses, or that the jaxtyping annotations of
    its ``forward`` state, if its tensors are of floats. Otherwise, for a model of one
    argument, it is what the first of its layers takes: a convolution or a norm of its channels
    (``N C H W``), a Linear, recurrent or normalizing layer (``N F``, ``N T F``), or an embedding
    (``N T``, ``N K T`` of integers). After an image of one channel comes one without (``N H W``,
    ``N L``: the model may add it), then a layer of the other kind, then a convolution of few
    channels that is not the first, or any in a block of few, and for 12 or 48 channels an image of
    3, whose pixels the model may stack. Where the first layer is not a convolution, but a later one
    takes 3 channels, such an image comes first: the layers are not in the order in which they
    run. A model without convolutions takes an image of the features of its first Linear, whose
    channels are last or second, or of 3. Before all these comes what the pattern of a ``Rearrange``
    of einops in front of the first layer says. Where the argument is annotated as a list of
    tensors, or as the class that models make of one, a list of one image comes first.
    Further arguments are what their names say: ``t`` a number for each image, ``y`` its class,
    ``image2`` the same as ``image1``, ``k`` and ``v`` rows for the queries ``q``, ``tgt`` tokens of
    another length than those of ``src``, ``target`` of a loss without weights the same as its
    prediction. ``ArchlintError`` if a name says nothing.
    """
    home = type(model).__module__
    if home.startswith("torchvision.models.detection"):
        return [[_tensor("3 H W")]]
    if home.startswith("torchvision.models.optical_flow"):
        return [{"image1": _tensor("N 3 H W"), "image2": _tensor("N 3 H W")}]
    if (annotated := _annotated(model)) is not None:
        return [annotated]
    needed = required_arguments(model)
    others = _further(model, needed)
    first = _of_one_argument(model)
    if others is None or any(mapping_keys(model, name) is not None for name in needed):
        names, name = ", ".join(needed) or "no argument", type(model).__name__
        if settings := settings_of(model, needed):
            raise ArchlintError(
                f"{name}.forward takes {names}, and an input has tensors only: check a module "
                f"that calls {name} with a value of {' and '.join(settings)}"
            )
        raise ArchlintError(
            f"{name}.forward takes {names}: pass --input, "
            f"for example {example_input(model, needed, first)}"
        )
    if not others:
        guesses: list[Input] = list(first)
        image = next((t.text for t in first if t.text in _IMAGES), "")
        if image and _LIST_OF_IMAGES.search(annotation_text(model, needed[0])):
            guesses.insert(0, [_tensor(image.removeprefix("N "))])
        return guesses
    return [{needed[0]: one, **{n: like(one) for n, like in others.items()}} for one in first]


def _of_one_argument(model: nn.Module) -> list[TensorInput]:
    """Likely inputs of a model of one argument, or first arguments of one of several."""
    image = _tensor(_image(model))
    if hasattr(model, "pretrained_cfg"):  # a timm model: all of these take images
        return [image]
    layers = [m for m in model.modules() if isinstance(m, (*_SLIDING, *_OTHERS, *_NORMS))]
    norm = _of_norm(layers[0]) if layers else []
    rearranged = rearranged_input(model)
    first = [] if rearranged is None else [_tensor(rearranged)]
    unnormed = [m for m in layers if not isinstance(m, _NORMS)]
    other = next((m for m in unnormed if isinstance(m, _OTHERS)), None)
    others = _of_other(other)
    convolutions = [m for m in unnormed if isinstance(m, _SLIDING)]
    if not unnormed or not isinstance(unnormed[0], _SLIDING):
        first += [_tensor(f"N 3 {_sizes(m)}") for m in convolutions if m.in_channels == _COLOURS]
        return list(dict.fromkeys([*first, *norm, *others, *_of_features(other), image]))
    batch, channels, *sizes = image.text.split()
    mono = [_tensor(" ".join((batch, *sizes)))] if channels == "1" else []
    few = len({m.in_channels for m in convolutions}) <= _FEW_CONVOLUTIONS
    later = [
        _tensor(f"N {m.in_channels} {_sizes(m)}")
        for m in convolutions
        if few or m.in_channels <= _MOST_CHANNELS
    ]
    stacked = [_tensor(f"N 3 {' '.join(sizes)}")] if channels in _STACKED else []
    return list(dict.fromkeys([*first, *norm, image, *mono, *others, *later, *stacked]))


def _further(
    model: nn.Module, needed: Sequence[str]
) -> dict[str, Callable[[TensorInput], TensorInput]] | None:
    """The arguments after the first, of which each is made from the first, by their names.

    ``None`` for all if a name says nothing, or if there is no argument.
    """
    if not needed:
        return None
    others: dict[str, Callable[[TensorInput], TensorInput]] = {}
    embedding = next((m for m in model.modules() if isinstance(m, nn.Embedding)), None)
    first = needed[0]
    is_loss = next(model.parameters(), None) is None
    for name in needed[1:]:
        if _TIMES.search(name):
            others[name] = _always(_tensor("N"))
        elif _CLASSES.search(name) and embedding is not None:
            others[name] = _always(_tensor("N", "int64", embedding.num_embeddings))
        elif _KEYS.search(name) and _QUERIES.search(first):
            others[name] = _of_another_length
        elif _TARGET.search(name) and _SOURCE.search(first):
            others[name] = partial(_target, model)
        elif _is_like_first(name, first) or (is_loss and _TRUTH.search(name)):
            others[name] = lambda one: one
        else:
            return None
    return others


def _is_like_first(name: str, first: str) -> bool:
    """Whether the names of two arguments differ by a number only."""
    return name != first and name.rstrip("0123456789") == first.rstrip("0123456789")


def _always(tensor: TensorInput) -> Callable[[TensorInput], TensorInput]:
    return lambda first: tensor


def _of_another_length(first: TensorInput) -> TensorInput:
    text = re.sub(r"\bT\b", "S", first.text)
    return replace(first, dims=_tensor(text).dims, text=text)


def _target(model: nn.Module, first: TensorInput) -> TensorInput:
    """Tokens of the first embedding in another part of the model than the first embedding's."""
    embeddings = [
        (name.partition(".")[0], m.num_embeddings)
        for name, m in model.named_modules()
        if isinstance(m, nn.Embedding)
    ]
    below = first.below
    if below is not None:
        below = next((n for part, n in embeddings if part != embeddings[0][0]), below)
    return replace(_of_another_length(first), below=below)


def _annotated(model: nn.Module) -> Input | None:
    try:
        input = read_annotations(model).input
    except ArchlintError:
        return None
    floats = all("float" in tensor.dtype for tensor in input_tensors(input))
    return input if floats else None  # of integers, the layers tell the largest


def required_arguments(model: nn.Module) -> list[str]:
    """The arguments without a default, but for those after the first that may be left out."""
    try:
        signature = inspect.signature(model.forward)
    except (TypeError, ValueError):
        return []
    return [
        p.name
        for i, p in enumerate(signature.parameters.values())
        if not (i and (none_if_omitted(p) or p.kind == p.VAR_POSITIONAL))
        and (p.kind == p.VAR_POSITIONAL or (p.kind != p.VAR_KEYWORD and p.default is p.empty))
    ]


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
        return [_tensor(text, "int64", layer.num_embeddings) for text in ("N T", "N K T")]
    if isinstance(layer, nn.RNNBase):
        return [_tensor(f"{'N T' if layer.batch_first else 'T N'} {layer.input_size}")]
    if isinstance(layer, nn.Linear):
        return [_tensor(f"N {layer.in_features}"), _tensor(f"N T {layer.in_features}")]
    return []


def _of_features(layer: nn.Module | None) -> list[TensorInput]:
    """Images of the features that a Linear takes."""
    if not isinstance(layer, nn.Linear):
        return []
    return [_tensor(f"N H W {layer.in_features}"), _tensor(f"N {layer.in_features} H W")]


def _of_norm(layer: nn.Module) -> list[TensorInput]:
    """Inputs of a layer that normalizes."""
    if isinstance(layer, nn.LayerNorm):
        shape = " ".join(map(str, layer.normalized_shape))
        return [_tensor(f"N {shape}"), _tensor(f"N T {shape}")]
    if isinstance(layer, nn.GroupNorm):
        return [_tensor(f"N {layer.num_channels} H W")]
    if isinstance(layer, nn.BatchNorm1d):
        return [_tensor(f"N {layer.num_features}"), _tensor(f"N {layer.num_features} L")]
    if isinstance(layer, (nn.BatchNorm2d, nn.BatchNorm3d)):
        sizes = "H W" if isinstance(layer, nn.BatchNorm2d) else "T H W"
        return [_tensor(f"N {layer.num_features} {sizes}")]
    return []


def _tensor(text: str, dtype: str = "float32", below: int | None = None) -> TensorInput:
    return TensorInput(tuple(map(parse_size, text.split())), dtype, below, text)


def explore_likely_input(run: CheckRun) -> tuple[CheckRun, Exploration, dict[str, str]]:
    """What the model accepts of the contract's input, or of a likely one if it has none.

    The likely input is the first that the model accepts at some size, and none of whose sizes can
    only be one number, if there is such an input; the run returned has it. Where an error says that
    a list of tensors is wanted, a list of two follows. If the model accepts
    none, it is the likeliest, and the last result maps each input to the error.
    """
    if run.contract.input != []:
        return run, explore_model(run), {}
    accepted: tuple[CheckRun, Exploration, dict[str, str]] | None = None
    tried = []
    guesses = likely_inputs(run.model)
    for input in guesses:  # which grow: a model that takes a list gets two of what it refused
        guess = run.with_input(input)
        exploration = explore_model(guess)
        if exploration.accepting and (accepted is None or not has_fixed_size(exploration)):
            accepted = guess, exploration, {}
            if not has_fixed_size(exploration):
                break
        tried.append((guess, exploration))
        if isinstance(input, TensorInput) and takes_list(exploration.paths[0].trace.error):
            guesses.append([input, input])
    if accepted is not None:
        return accepted
    errors = {input_text(r.contract.input): e.paths[0].trace.error for r, e in tried}
    likeliest, exploration = tried[0]
    return run.with_input(likeliest.contract.input), exploration, errors


def has_fixed_size(exploration: Exploration) -> bool:
    """Whether a size of the input is accepted at one number only."""
    return any(low == high for low, high in bounds_of(exploration.accepted).values())


def explore_accepted_input(run: CheckRun) -> tuple[CheckRun, Exploration]:
    """As :func:`explore_likely_input`. Raises ``ArchlintError`` if the model accepts no guess."""
    run, exploration, errors = explore_likely_input(run)
    if errors:
        traced = exploration.paths[0].trace
        if len(errors) == 1 and traced.outcome == "unknown":
            guess = input_text(run.contract.input)
            raise ArchlintError(
                f"it is not known whether {run.source.name} accepts the guessed input {guess}: "
                f"{exploration.reasons[0] if exploration.reasons else traced.error}"
            )
        raise ArchlintError(_wrong_guess(run.source.name, errors))
    return run, exploration


def _wrong_guess(name: str, errors: dict[str, str]) -> str:
    if len(errors) == 1:
        input, error = next(iter(errors.items()))
        return f"{name} does not accept the guessed input {input} ({error}); use --input"
    of_error: dict[str, list[str]] = {}
    for input, error in errors.items():
        of_error.setdefault(error, []).append(input)
    if len(of_error) == 1 and _PYTHONS.match(error := next(iter(of_error))):
        inputs = ", ".join(errors)
        return f"{name} raises {error} with each guessed input: {inputs}; --input states another"
    tried = "; ".join(f"{', '.join(inputs)} ({error})" for error, inputs in of_error.items())
    return f"{name} accepts none of the guessed inputs: {tried}; use --input"
