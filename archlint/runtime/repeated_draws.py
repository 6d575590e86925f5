"""Large weights drawn in a fraction of the time: their first numbers, repeated."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

DRAWN = 65_521  # elements that are drawn; a prime, so that the rows of a matrix differ

_FILLS = frozenset((torch.ops.aten.normal_.default, torch.ops.aten.uniform_.default))


class RepeatedDraws(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Inside it, ``normal_`` and ``uniform_`` draw the first :data:`DRAWN` elements of a tensor.

    The others repeat them, so that all elements have the distribution that the model asked for.
    Most of the time that building a model takes goes into its random weights.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Spares the process the import of ``torch._dynamo``, more than a second."""
        return False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if func not in _FILLS or not _is_long(args[0]):
            return func(*args, **kwargs)
        target: Tensor = args[0]
        flat = target.view(-1)
        first = flat[:DRAWN]
        func(first, *args[1:], **kwargs)
        end = flat.numel() // DRAWN * DRAWN
        flat[DRAWN:end].view(-1, DRAWN).copy_(first)
        flat[end:].copy_(first[: flat.numel() - end])
        return target


def _is_long(tensor: Tensor) -> bool:
    plain = type(tensor) in (Tensor, torch.nn.Parameter)
    return plain and tensor.numel() > DRAWN and tensor.is_cpu and tensor.is_contiguous()
