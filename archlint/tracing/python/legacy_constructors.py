"""Constructors that dispatch to no ``__torch_function__``: ``torch.Tensor(n, 4)`` and its kin.

``torch.Tensor(*size)``, ``torch.FloatTensor(*size)``, ``torch.LongTensor(*size)``, … allocate in
C++. With a symbolic size that fails, and the run starts again under a dispatch mode, which sees the
allocation and makes a symbolic tensor in its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

_CONCRETE = re.compile(r"expected to contain only concrete integers")


def needs_sizes(error: str) -> bool:
    """Whether an error is what such a constructor raises for a symbolic size."""
    return _CONCRETE.search(error) is not None


class _Allocations(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Answers allocations of symbolic sizes as calls of ``torch.empty``, which the tracer sees."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Spares the process the import of ``torch._dynamo``, more than a second."""
        return False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if func is torch.ops.aten.empty.memory_format and _on_cpu(kwargs.get("device")):
            sizes = list(args[0])
            if any(isinstance(size, torch.SymInt) for size in sizes):
                return torch.empty(sizes, dtype=kwargs.get("dtype"))
        return func(*args, **kwargs)


def _on_cpu(device: Any) -> bool:
    return device is None or torch.device(device).type == "cpu"


@contextmanager
def legacy_constructors_followed(wanted: bool) -> Iterator[None]:
    """Inside the block these constructors make symbolic tensors of symbolic sizes, if wanted."""
    mode: Any = _Allocations() if wanted else nullcontext()  # type: ignore[no-untyped-call]
    with mode:
        yield
