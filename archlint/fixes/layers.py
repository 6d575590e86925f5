"""Small changes of the layers to blame: pools that count what is left over."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from archlint.contract import Contract
from archlint.explanation.blame import Blame
from archlint.fixes.proposal import Proposal, patched
from archlint.model.resolve import ModelSource


def ceil_mode(
    contract: Contract, source: ModelSource, model: nn.Module, blamed: Blame
) -> Iterator[Proposal]:
    """``ceil_mode=True`` for the pools that are to blame."""
    paths = []
    for each in blamed.blamed:
        layer = model.get_submodule(each.site.module) if each.site.module else model
        if getattr(layer, "ceil_mode", True) is False and not any(layer.children()):
            paths.append(each.site.module)
    if not paths or len(paths) < len(blamed.blamed):
        return

    def change(fixed: nn.Module) -> nn.Module:
        for path in paths:
            fixed.get_submodule(path).ceil_mode = True  # type: ignore[assignment]
        return fixed

    title = f"ceil_mode=True in {', '.join(f'`{p}`' for p in paths)}"
    note = "features grow by one where the pool leaves a remainder"
    yield Proposal(title, contract, patched(source, source.name, change), note=note)
