"""Other arguments of the layers that refuse: pools that round up, padded windows."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from archlint.explanation.fixes.broken_contract import BrokenContract
from archlint.explanation.fixes.proposal import Proposal, patched


def ceil_mode(broken: BrokenContract) -> Iterator[Proposal]:
    """``ceil_mode=True`` for the pools that refuse."""
    source, layers = broken.source, _layers(broken)
    if not layers or any(getattr(v, "ceil_mode", True) is not False for v in layers.values()):
        return
    paths = list(layers)

    def change(fixed: nn.Module) -> nn.Module:
        for path in paths:
            fixed.get_submodule(path).ceil_mode = True  # type: ignore[assignment]
        return fixed

    title = f"ceil_mode=True in {', '.join(f'`{p}`' for p in paths)}"
    note = "features grow by one where the pool leaves a remainder"
    yield Proposal(title, broken.contract, patched(source, change), note=note)


def padded_windows(broken: BrokenContract) -> Iterator[Proposal]:
    """Zeros around the input of the convolutions and pools that refuse, half a window a side."""
    source = broken.source
    paddings: dict[str, tuple[int, ...]] = {}
    for path, layer in _layers(broken).items():
        needed = _half_window(layer)
        if needed is None:
            return
        paddings[path] = needed
    if not paddings:
        return

    def change(fixed: nn.Module) -> nn.Module:
        for path, padding in paddings.items():
            layer = fixed.get_submodule(path)
            layer.padding = padding  # type: ignore[assignment]
            if hasattr(layer, "_reversed_padding_repeated_twice"):
                twice = [p for p in reversed(padding) for _ in range(2)]
                layer._reversed_padding_repeated_twice = twice  # type: ignore[assignment]
        return fixed

    title = ", ".join(f"padding={_short(p)} in `{path}`" for path, p in paddings.items())
    note = "features grow, and their borders contain zeros unseen in training"
    made = patched(source, change)
    yield Proposal(title, broken.contract, made, note=note, other_values=True)


def _layers(broken: BrokenContract) -> dict[str, nn.Module]:
    """The layers that refuse, by path; none if other code refuses too."""
    layers = {}
    for cause in broken.blame.causes:
        layer = broken.model.get_submodule(cause.site.module)
        if not cause.site.module or any(layer.children()):
            return {}
        layers[cause.site.module] = layer
    return layers


def _half_window(layer: nn.Module) -> tuple[int, ...] | None:
    """The padding at which an odd window keeps the sizes, if that is more than there is."""
    window = getattr(layer, "kernel_size", None)
    before = getattr(layer, "padding", None)
    if window is None or before is None or isinstance(before, str) or _transposed(layer):
        return None
    rank = next((i for i in (1, 2, 3) if type(layer).__name__.endswith(f"{i}d")), None)
    if rank is None:
        return None
    window, before, dilation = (
        v if isinstance(v, tuple) else (v,) * rank
        for v in (window, before, getattr(layer, "dilation", 1))
    )
    needed = tuple(
        max(b, d * (k - 1) // 2) for k, b, d in zip(window, before, dilation, strict=True)
    )
    return needed if needed != before else None


def _transposed(layer: nn.Module) -> bool:
    return bool(getattr(layer, "transposed", False))


def _short(padding: tuple[int, ...]) -> str:
    return str(padding[0]) if len(set(padding)) == 1 else str(padding)
