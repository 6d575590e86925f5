"""Python functions of libraries that have a shape rule, since their bodies loop over values.

Unlike PyTorch's own functions they do not dispatch to ``__torch_function__``. While a trace runs,
their modules hold replacements of the same names, which do.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import torch

from archlint.ops.registry import NAMED
from archlint.runtime.process_lock import PROCESS_LOCK
from archlint.runtime.uninterruptible import uninterrupted
from archlint.tracing.symint.python_types import is_symbolic_number
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor
from archlint.tracing.trees import leaves

_ORDER = "opt_einsum.contract"
_FLEX = "torch.nn.attention.flex_attention"  # compiles its body unless a switch is set


@contextmanager
def library_functions_traced() -> Iterator[None]:
    """Send calls of these functions with symbolic tensors to the tracer inside the block."""
    replaced: list[tuple[Any, str, Any]] = []
    with PROCESS_LOCK:
        try:
            for name in NAMED:
                home, function = _place(name)
                module = sys.modules.get(home)
                original = getattr(module, function, None)
                if original is not None:
                    replaced.append((module, function, original))  # first: a limit may ring
                    setattr(module, function, _overridable(original, name))
            order: Any = sys.modules.get(_ORDER)
            if hasattr(order, "contract_path"):
                replaced.append((order, "contract_path", order.contract_path))
                order.contract_path = _in_one_product(order)
            flex, switch = sys.modules.get(_FLEX), "_FLEX_ATTENTION_DISABLE_COMPILE_DEBUG"
            if hasattr(flex, switch):
                replaced.append((flex, switch, getattr(flex, switch)))
                setattr(flex, switch, True)
            yield
        finally:
            with uninterrupted():
                for module, function, original in replaced:
                    setattr(module, function, original)


@lru_cache(maxsize=256)
def _place(name: str) -> tuple[str, str]:
    """The module and the name in it, of an operator's name such as ``torchvision::nms``."""
    home, _, function = name.rpartition(":")
    return home.rstrip(":"), function


def _in_one_product(module: Any) -> Callable[..., Any]:
    """``opt_einsum``'s choice of an order of products, which depends on all sizes.

    Of symbolic sizes it is one product of all operands, of which ``torch.einsum`` does not know how
    the result lies in memory.
    """
    original = module.contract_path

    @functools.wraps(original)
    def contract_path(*operands: Any, einsum_call: bool = False, **kwargs: Any) -> Any:
        sizes = [size for o in operands for size in getattr(o, "shape", ())]
        if einsum_call and any(map(is_symbolic_number, sizes)):
            shapes = kwargs.get("shapes", False)
            inputs, output, parsed = module.parser.parse_einsum_input(operands, shapes=shapes)
            terms = inputs.split(",")[::-1]
            if len(terms) > 2:
                which = tuple(reversed(range(len(terms))))
                equation = f"{','.join(terms)}->{output}"
                return parsed, [(which, frozenset(), equation, (output,), False)]
        return original(*operands, einsum_call=einsum_call, **kwargs)

    return contract_path


@lru_cache(maxsize=256)
def _overridable(original: Callable[..., Any], name: str) -> Callable[..., Any]:
    """The function behind the dispatch to ``__torch_function__`` that PyTorch's own have.

    It is the same one in every run.
    """

    @functools.wraps(original)
    def function(*args: Any, **kwargs: Any) -> Any:
        symbolic = [a for a in leaves((args, kwargs)) if type(a) is SymbolicTensor]
        if not symbolic:
            return original(*args, **kwargs)
        return torch.overrides.handle_torch_function(function, symbolic, *args, **kwargs)

    function._qualified_op_name = name  # type: ignore[attr-defined]
    return function


def own_body(function: Callable[..., Any]) -> Callable[..., Any] | None:
    """The library's own function behind such a replacement; ``None`` for any other function."""
    is_replacement = isinstance(getattr(function, "_qualified_op_name", None), str)
    return getattr(function, "__wrapped__", None) if is_replacement else None
