"""The state of tensors: their memory, whether they require gradients, their gradients, values."""

from __future__ import annotations

from collections.abc import Sequence

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
        self._where = list(map(_place, every))
        self._needs_grad = [t.requires_grad for t in every]
        self._grads = [t.grad for t in parameters]
        copied = [*(parameters if values else ()), *(tensors if buffers else ())]
        self._copied = _groups(copied)
        self._copies = [_joined(group) for group in self._copied]

    def restore(self) -> None:
        """Restore everything. May be called more than once."""
        every = self._every
        if list(map(_place, every)) != self._where or any(
            t.shape != d.shape for t, d in zip(every, self._data, strict=True)
        ):
            for tensor, data in zip(every, self._data, strict=True):
                tensor.data = data
        for tensor, needs_grad in zip(every, self._needs_grad, strict=True):
            if tensor.requires_grad is not needs_grad:
                tensor.detach_() if tensor.grad_fn else tensor.requires_grad_(needs_grad)
        for parameter, grad in zip(self._parameters, self._grads, strict=True):
            if parameter.grad is not grad:
                parameter.grad = grad
        # Not by ``_version``: batch_norm writes its running statistics without raising it.
        for group, copy in zip(self._copied, self._copies, strict=True):
            if not torch.equal(_joined(group), copy):
                _put_back(group, copy)


_TOGETHER = 1 << 14  # elements; more would be copied by several threads, which cost more to wake


def _place(tensor: Tensor) -> int:
    return tensor.data_ptr() if tensor.layout is torch.strided else 0


def _groups(tensors: list[Tensor]) -> list[list[Tensor]]:
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
def _joined(tensors: list[Tensor]) -> Tensor:
    """One flat copy of all elements: a tenth of the cost of a clone for each."""
    return torch.cat([t if t.ndim == 1 else t.reshape(-1) for t in tensors])


def _put_back(tensors: list[Tensor], flat: Tensor) -> None:
    end = 0
    for tensor in tensors:
        start, end = end, end + tensor.numel()
        values = flat[start:end]
        if not torch.equal(tensor.data.reshape(-1), values):
            tensor.data.copy_(values.view(tensor.shape))
