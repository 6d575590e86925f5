"""The input of a model whose first layer is a ``Rearrange`` of einops, read from its pattern."""

from __future__ import annotations

import re

from torch import nn

_DIMENSION = re.compile(r"\(([^()]*)\)|(\S+)")
_NAMES = {1: "L", 2: "H W", 3: "T H W"}


def rearranged_input(model: nn.Module) -> str | None:
    """What the pattern takes, if the layer after it takes a known number of features.

    ``b c (h p1) (w p2) -> b (h w) (p1 p2 c)`` with patches of 8 x 8, before a ``Linear(192, …)``,
    takes ``N 3 H W``. ``None`` for a model that begins otherwise, or a pattern with ``…``.
    """
    leaves = [m for m in model.modules() if next(m.children(), None) is None]
    first = next((m for m in leaves if next(m.parameters(), None) is not None), None)
    if first is None:
        return None
    before = leaves[: leaves.index(first)]
    found = next((p for m in before if (p := _pattern(m)) is not None), None)
    feature_axis, features = _features(first)
    if found is None or features is None:
        return None
    pattern, lengths = found
    left, _, right = pattern.partition("->")
    dims, results = _dimensions(left), _dimensions(right)
    if "..." in pattern or "…" in pattern or not -len(results) <= feature_axis < len(results):
        return None
    channel = None
    rest = features
    for axis in results[feature_axis]:
        length = lengths.get(axis) or (int(axis) if axis.isdigit() else None)
        if length is None and channel is None:
            channel = axis
        elif length is None or rest % length:
            return None
        else:
            rest //= length
    return _text(dims, channel, rest, lengths)


def _text(
    dims: list[list[str]], channel: str | None, channels: int, lengths: dict[str, int]
) -> str | None:
    """The input; a dimension that is no batch, channel or given number is a free size."""
    words: list[str | None] = []
    for at, axes in enumerate(dims):
        alone = axes[0] if len(axes) == 1 else None
        if alone is not None and alone == channel:
            words.append(str(channels))
        elif not axes or (alone is not None and (alone in lengths or alone.isdigit())):
            words.append(str(lengths.get(alone, alone)) if alone else "1")
        else:
            words.append(None if at else "N")
    names = _NAMES.get(words.count(None), "").split()
    if len(names) != words.count(None) or (channel is not None and [channel] not in dims):
        return None
    return " ".join(names.pop(0) if word is None else word for word in words)


def _pattern(module: nn.Module) -> tuple[str, dict[str, int]] | None:
    """The pattern of a layer and its given lengths, by the attributes that einops gives it."""
    pattern, lengths = getattr(module, "pattern", None), getattr(module, "axes_lengths", None)
    if not isinstance(pattern, str) or pattern.count("->") != 1 or not isinstance(lengths, dict):
        return None
    return pattern, {k: v for k, v in lengths.items() if isinstance(v, int) and v > 0}


def _features(layer: nn.Module) -> tuple[int, int | None]:
    """In which dimension a layer takes how many features; ``None`` for another kind of layer."""
    if isinstance(layer, nn.Linear):
        return -1, layer.in_features
    if isinstance(layer, nn.LayerNorm) and len(layer.normalized_shape) == 1:
        return -1, layer.normalized_shape[0]
    if isinstance(layer, (nn.Conv1d, nn.Conv2d, nn.Conv3d)):
        return 1, layer.in_channels
    return -1, None


def _dimensions(side: str) -> list[list[str]]:
    """The axes of each dimension on one side of a pattern."""
    return [(group or alone).split() for group, alone in _DIMENSION.findall(side)]
