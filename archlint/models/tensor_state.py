"""The state of tensors: their memory, whether they require gradients, their gradients, values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


class TensorState:
    """What a run could do to tensors. ``buffers`` copies the values of ``tensors``, ``values``
    those of ``parameters``; without it an assignment to ``parameter.data`` is undone, a write into
    its memory is not.
    """

    def __init__(
        self,
        parameters: Sequence[Tensor],
        tensors: Sequence[Tensor],
        buffers: bool = True,
        values: bool = False,
    ) -> None:
        self._parameters = parameters
        self._every = every = [*parameters, *tensors]
        self._data = [t.data for t in every]
        self._where, self._shapes = places(every), _shapes(every)
        self._needs_grad = [t.requires_grad for t in every]
        self._grads = [t.grad for t in parameters]
        copied = [*(parameters if values else ()), *(tensors if buffers else ())]
        self._values = [(group, joined(group)) for group in groups(copied)]

    def restore(self) -> None:
        """Restore everything. May be called more than once."""
        every = self._every
        if places(every) != self._where or _shapes(every) != self._shapes:
            for tensor, data in zip(every, self._data, strict=True):
                tensor.data = data
        for tensor, needs_grad in zip(every, self._needs_grad, strict=True):
            if tensor.requires_grad is not needs_grad:
                put_needs_grad(tensor, needs_grad)
        for parameter, grad in zip(self._parameters, self._grads, strict=True):
            if parameter.grad is not grad:
                parameter.grad = grad
        put_values(self._values)


def places(tensors: Sequence[Tensor]) -> list[int]:
    """Where in memory the tensors begin; 0 for those without memory, or in several pieces."""
    try:
        return list(map(Tensor.data_ptr, tensors))
    except RuntimeError:  # of a layout that has no one place
        return list(map(_place, tensors))


def _place(tensor: Tensor) -> int:
    return tensor.data_ptr() if tensor.layout is torch.strided else 0


def _shapes(tensors: Sequence[Tensor]) -> list[Any]:
    """The shapes and dtypes of tensors; ``None`` for the shapes of nested ones."""
    try:
        shapes: list[Any] = [t.shape for t in tensors]
    except RuntimeError:
        shapes = [None if t.is_nested else t.shape for t in tensors]
    return [*shapes, *[t.dtype for t in tensors]]


def is_like(tensor: Tensor, other: Tensor) -> bool:
    """Whether shape and dtype of two tensors are the same."""
    return tensor.shape == other.shape and tensor.dtype is other.dtype


def put_needs_grad(tensor: Tensor, needs_grad: bool) -> None:
    """Set whether gradients of the tensor are computed."""
    tensor.detach_() if tensor.grad_fn else tensor.requires_grad_(needs_grad)


_TOGETHER = 1 << 14  # elements; more would be copied by several threads, which cost more to wake


def groups(tensors: list[Tensor]) -> list[list[Tensor]]:
    """CPU tensors of one dtype each, few enough to be copied at once."""
    last: dict[torch.dtype, tuple[list[Tensor], int]] = {}
    groups: list[list[Tensor]] = []
    for tensor in tensors:
        if tensor.is_cpu and tensor.layout is torch.strided:
            dtype, elements = tensor.dtype, tensor.numel()
            group, size = last.get(dtype, (None, 0))
            if group is None or size + elements > _TOGETHER:
                group, size = [], 0
                groups.append(group)
            group.append(tensor)
            last[dtype] = group, size + elements
    return groups


@torch.no_grad()
def joined(tensors: list[Tensor]) -> Tensor:
    """One flat copy of all elements: a tenth of the cost of a clone for each."""
    return torch.cat([t if t.ndim == 1 else t.reshape(-1) for t in tensors])


def put_values(values: Sequence[tuple[list[Tensor], Tensor]]) -> None:
    """Write the elements of each group as :func:`joined` gave them, if they differ."""
    for group, flat in values:
        # Not by ``_version``: batch_norm writes its running statistics without raising it.
        if not torch.equal(joined(group), flat):
            _put_back(group, flat)


def _put_back(tensors: list[Tensor], flat: Tensor) -> None:
    end = 0
    for tensor in tensors:
        start, end = end, end + tensor.numel()
        values = flat[start:end]
        if not torch.equal(tensor.data.reshape(-1), values):
            tensor.data.copy_(values.view(tensor.shape))
