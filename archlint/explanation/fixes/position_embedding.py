"""A position embedding that is added to features: interpolated to the size of the features."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from archlint.explanation.fixes.broken_contract import BrokenContract
from archlint.explanation.fixes.code_change import RunWith
from archlint.explanation.fixes.proposal import Proposal, patched
from archlint.explanation.fixes.source_edits import (
    added_spans,
    definition_of,
    functions_of,
    recompiled,
)
from archlint.ops.registry import rule_for
from archlint.symbolic import Size
from archlint.tracing.fx_graph import tensors

_ADDITIONS = (rule_for(torch.add), rule_for(torch.Tensor.add_))
_MODES = {1: "linear", 2: "bilinear", 3: "trilinear"}


def interpolation(broken: BrokenContract) -> Iterator[Proposal]:
    """``x + self.positions`` with the positions interpolated to the sizes of ``x``.

    For positions with the layout of features, ``1 C h w`` beside ``N C H W``; where both have the
    same sizes nothing changes. Flat tokens of an image are not covered: the line that adds them
    does not show their rows and columns.
    """
    source, model, violation = broken.source, broken.model, broken.violation
    event = violation.path.first_failed_claim(violation.point)
    calls = violation.path.trace.calls
    if event is None or not 0 <= event.call < len(calls):
        return
    call = calls[event.call]
    layer = model.get_submodule(call.module)
    functions = functions_of(call.code) if call.code is not None else []
    found = definition_of(functions[0]) if functions else None
    if found is None or rule_for(call.func) not in _ADDITIONS:
        return
    features = [t.spec.dims for t in tensors((call.args, call.kwargs))]
    for attribute, value in (
        *layer.named_parameters(recurse=False),
        *layer.named_buffers(recurse=False),
    ):
        sizes = tuple(value.shape)
        rank = len(sizes) - 2
        if rank not in _MODES or not any(_fits(sizes, dims) for dims in features):
            continue
        words = f'interpolate(self.{attribute}, {{}}.shape[2:], mode="{_MODES[rank]}")'
        edit = found.source.edited(added_spans(found, call.line, attribute, words))
        codes = [(f, code) for f in functions if edit and (code := recompiled(f, edit))]
        if edit is None or not codes:
            continue
        title = f"interpolate `{attribute}` to the size of the features"
        note = "at new sizes the positions are interpolated: check the accuracy there"
        made = patched(source, RunWith(call.module, codes))
        yield Proposal(title, broken.contract, made, (edit,), note=note)


def _fits(sizes: tuple[int, ...], dims: tuple[Size, ...]) -> bool:
    """Whether positions of these sizes have the layout of the features."""
    return len(dims) == len(sizes) and sizes[0] == 1 and dims[1] == sizes[1]


__all__ = ["interpolation"]
