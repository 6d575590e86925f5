"""Example inputs in Python source: ``torch.randn(2, 3, 224, 224)`` as sizes and a dtype."""

from __future__ import annotations

import keyword
from dataclasses import replace
from typing import Any

from archlint.contracts.rulefile.ranges.declared import DeclaredTensor, Span, dtype_of
from archlint.contracts.rulefile.ranges.python_values import Attribute, Call
from archlint.contracts.rulefile.tensor_schema import DTYPES

_MAKERS = {"randn", "rand", "zeros", "ones", "empty", "full", "randint"}
_LIKE = {f"{maker}_like" for maker in _MAKERS}


def example(value: Any) -> tuple[tuple[int, ...], str] | None:
    """The shape and dtype (empty for the default) of a call that makes a tensor."""
    while isinstance(value, Call) and value.function in ("to", "cuda", "cpu", "half", "long"):
        value = value.receiver
    if isinstance(value, Call) and value.function in _LIKE:
        made = example(value.argument(0, "input"))
        return made and (made[0], dtype_argument(value) or made[1])
    if not isinstance(value, Call) or value.function not in _MAKERS:
        return None
    sizes: Any = value.kwargs.get("size", value.args)
    if value.function == "randint":
        sizes = next((a for a in (*value.args, sizes) if isinstance(a, (tuple, list))), ())
    elif sizes and isinstance(sizes[0], (tuple, list)):
        sizes = sizes[0]
    if not sizes or not all(isinstance(s, int) for s in sizes):
        return None
    index = value.function == "randint" and "dtype" not in value.kwargs
    return tuple(sizes), "int64" if index else dtype_argument(value)


def dtype_argument(call: Call) -> str:
    """The ``dtype`` of a call; empty for the default, and for one that rule files do not have."""
    dtype = call.kwargs.get("dtype")
    name = dtype_of(dtype.name.rpartition(".")[2]) if isinstance(dtype, Attribute) else ""
    return name if name in DTYPES else ""


def examples(call: Call) -> list[tuple[str, tuple[tuple[int, ...], str] | None]]:
    """The example arguments of an export call: names (empty by position) and :func:`example`."""
    args, kwargs = call.argument(1, "args", ()), call.argument(2, "kwargs", {})
    args = args if isinstance(args, (tuple, list)) else (args,)
    named = kwargs if isinstance(kwargs, dict) else {}
    return [("", example(a)) for a in args] + [(k, example(v)) for k, v in named.items()]


def with_example(
    tensor: DeclaredTensor, made: tuple[tuple[int, ...], str] | None
) -> DeclaredTensor:
    """The tensor with the sizes of its example: where its own are not known, and as ``opt``."""
    if made is None or tensor.spans is not None:
        return tensor
    sizes, dtype = made
    dims = {i if i >= 0 else i + len(sizes): s for i, s in tensor.partial}
    spans = tuple(_at(dims[i], s) if i in dims else Span.fixed(s) for i, s in enumerate(sizes))
    return DeclaredTensor(tensor.name, spans, tensor.where, tensor.dtype or dtype)


def _at(span: Span, size: int) -> Span:
    return replace(span, opt=size) if span.opt is None and size in span else span


_TAKEN = {
    "torch", "args", "kwargs", "dynamic_shapes", "spec", "export", "model", "file", "Dim",
    "ShapesSpec", "ShapeVar", "TensorSpec",
}  # fmt: skip


def variable(name: str) -> str:
    """A size's or tensor's name as a variable of the code that is written."""
    taken = name in _TAKEN or keyword.iskeyword(name)
    return f"{name}_" if taken else name


def write_example(tensor: DeclaredTensor) -> str:
    """``torch.randn(2, 3, 224, 224)`` at typical sizes."""
    sizes = ", ".join(str(s.example) for s in tensor.spans or ())
    if tensor.dtype in ("", "float32"):
        return f"torch.randn({sizes})"
    return f"torch.zeros({sizes}, dtype=torch.{tensor.dtype})"
