"""Words for an input that was probably described wrongly: its rank, channels, type, container."""

from __future__ import annotations

from typing import Any

from torch import nn
from torch.nn import functional as F

from archlint.contracts.contract import Input, TensorInput
from archlint.engine.exploration import Exploration, ExploredPath
from archlint.tracing.events import Event
from archlint.tracing.module_stack import layer_name
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor
from archlint.tracing.trace import Call

_AXES = {1: "L", 2: "H W", 3: "T H W"}
_COUNTS = {2: "two", 3: "three", 4: "four"}
_SIZES = {"in_channels": "channel{}", "in_features": "as its last size"}
_LIST = ("'list' object", "not list", "got (list")
_NO_LIST = ("must be tuple of Tensors, not", "must be tuple of Tensors, but")


def inferred_mismatch(input: Input, exploration: Exploration, model: nn.Module) -> str:
    """As :func:`input_mismatch`, where there is no contract that is violated."""
    for path in exploration.paths:
        claims = [e for e in path.trace.path.events if e.kind == "claim"]
        wrong = (e for e in claims if (_is_channels(e) if exploration.accepting else not e.held))
        cause = next(wrong, None)
        call = path.trace.call_of(cause) if cause else None
        layer = layer_name(model, call.module) if call else ""
        if hint := input_mismatch(input, exploration, path, cause, layer, of=""):
            return hint
        if not exploration.accepting:
            return container_mismatch(input, "; ".join(exploration.reasons))
    return ""


def input_mismatch(
    input: Input,
    exploration: Exploration,
    path: ExploredPath,
    cause: Any,
    layer: str = "",
    *,
    of: str = " of the contract",
) -> str:
    """What the input would have to be; empty if only its sizes are wrong.

    ``cause`` is the claim that fails on ``path``, if there is one; ``layer`` is the layer that
    refuses, as its author would write it; ``of`` says which sizes were explored.
    """
    trace = path.trace
    call = trace.call_of(cause) if isinstance(cause, Event) else None
    if exploration.accepting or exploration.reasons:
        hint = _first_layer(input, call, fits_none=False) if _is_channels(cause) else ""
        return hint and f"the input may be described wrongly: {hint}"
    takers = [c for c in trace.calls if _takes_input(c)]
    parts = [
        _needed(cause, call, layer),
        _first_layer(input, takers[0] if takers else None, fits_none=True),
        _indices(cause, call),
        container_mismatch(input, trace.error),
    ]
    words = "; ".join(part for part in parts if part)
    branched = any(e.kind == "branch" for e in trace.path.events)
    if not words and (branched if cause is None else not _is_impossible(cause)):
        return ""
    none = f"no size{of} is accepted, so the input may be described wrongly"
    return f"{none}: {words}" if words else none


def container_mismatch(input: Input, error: str) -> str:
    """How to write the input where the model takes a list for a tensor, or the reverse."""
    if isinstance(input, list) and any(text in error for text in _LIST):
        return (
            "forward gets the whole list as one argument; without brackets it gets the tensor; "
            "for forward(*images) write {images: [SHAPE, SHAPE]}"
        )
    if isinstance(input, TensorInput) and takes_list(error):
        return "forward gets one tensor; for a list of tensors write [SHAPE, SHAPE]"
    return ""


def takes_list(error: str) -> bool:
    """Whether an error says that a list of tensors is wanted where one tensor was passed."""
    return any(text in error for text in _NO_LIST)


def _is_impossible(cause: Any) -> bool:
    """Whether a claim fails for all sizes, also for those that the contract leaves out."""
    numbers = isinstance(cause, Event) and all(isinstance(s, int) for s in cause.sizes)
    return numbers and cause.formula is False


def _is_channels(cause: Any) -> bool:
    return isinstance(cause, Event) and "in_channels" in cause.text


def _needed(cause: Any, call: Call | None, layer: str) -> str:
    """``0 Conv2d(3, 32) needs 3 channels, the input has 1``, where the layer takes other sizes."""
    name = cause.text.partition(" ")[0] if isinstance(cause, Event) else ""
    if call is None or name not in _SIZES or not _is_impossible(cause):
        return ""
    owner = "the input has" if _takes_input(call) else "it gets"
    place = f"{call.module} {layer}".strip() or call.op
    size = _SIZES[name].format("s" * (cause.sizes[0] != 1))
    return f"{place} needs {cause.sizes[0]} {size}, {owner} {cause.sizes[1]}"


def _takes_input(call: Call) -> bool:
    tensors = [a for a in call.args if type(a) is SymbolicTensor]
    return bool(tensors) and tensors[0].made_by < 0


_SPATIAL: dict[object, int] = {F.conv1d: 1, F.conv2d: 2, F.conv3d: 3}  # sizes without N and C


def _first_layer(input: Input, call: Call | None, *, fits_none: bool) -> str:
    """A convolution takes the input without a batch, or with its channels at the end.

    ``fits_none``: no size is accepted. Else a first size that is a number is no mistake.
    """
    rank = _SPATIAL.get(call.func) if call is not None else None
    if rank is None or call is None or len(call.args) < 2 or not isinstance(input, TensorInput):
        return ""
    if not _takes_input(call):
        return ""
    dims, channels = input.dims, call.args[1].shape[1]
    wanted = f"did you mean N {channels} {_AXES[rank]}?"
    if len(dims) == rank + 1 and (fits_none or not isinstance(dims[0], int)):
        count, layer = _COUNTS[rank + 1], call.module or call.op
        return f"{count} sizes are read as one unbatched input of {layer}; {wanted}"
    if len(dims) == rank + 2 and dims[-1] == channels != dims[1]:
        layer = call.module or call.op
        return f"the channels are the last size, but {layer} takes them second; {wanted}"
    return ""


def _indices(cause: Any, call: Call | None) -> str:
    """An embedding takes an input of floats."""
    if call is None or not isinstance(cause, Event) or not cause.text.startswith("indices of"):
        return ""
    tensors = [a for a in call.args if type(a) is SymbolicTensor]
    if not _takes_input(call) or not tensors[0].spec.dtype.is_floating_point:
        return ""
    is_now = str(tensors[0].spec.dtype).removeprefix("torch.")
    below = f", below: {call.args[1].shape[0]}" if len(call.args) > 1 else ""
    write = f"write {{shape: …, dtype: int64{below}}}"
    return f"the embedding takes integers, the input is {is_now}; {write}"
