"""Ranges in the inputs of an ``.onnx`` file: sizes, and names of sizes that are not fixed."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from archlint.contracts.rulefile.ranges.declared import (
    DeclaredTensor,
    Profile,
    Span,
    linear_name,
    mistake,
)
from archlint.errors import ArchlintError, Location

DTYPES = {
    1: "float32", 2: "uint8", 3: "int8", 5: "int16", 6: "int32", 7: "int64", 9: "bool",
    10: "float16", 11: "float64", 14: "complex64", 15: "complex128", 16: "bfloat16",
}  # fmt: skip
"""The element types of ``onnx.TensorProto``."""


def read_file(path: Path, file: str) -> list[Profile]:
    """The inputs of a model, without its weights, as one profile.

    Raises:
        ArchlintError: the package ``onnx`` is not installed.
        RuleFileError: the file is no ONNX model, or an input is no tensor.
    """
    if find_spec("onnx") is None:
        raise ArchlintError(
            f'{file} cannot be read: onnx is not installed; pip install "torch-archlint[onnx]"'
        )
    import onnx

    try:
        graph = onnx.load(str(path), load_external_data=False).graph
    except Exception as e:  # protobuf raises errors of several kinds
        reason = str(e).partition("\n")[0]
        raise mistake(file, 1, f"not an ONNX model: {reason}", "an .onnx file") from None
    weights = {w.name for w in graph.initializer}
    names = {d.dim_param for v in graph.input for d in v.type.tensor_type.shape.dim}
    tensors = []
    for value in graph.input:
        if value.name in weights:
            continue
        if not value.type.HasField("tensor_type"):
            raise mistake(
                file, 1, f"found the input {value.name}, which is not a tensor", "a tensor"
            )
        kind = value.type.tensor_type
        spans: tuple[Span, ...] | None = None
        if kind.HasField("shape"):
            spans = tuple(
                Span.fixed(d.dim_value)
                if d.HasField("dim_value") and d.dim_value > 0  # some exporters write -1 or 0
                else _named(d.dim_param, names)
                for d in kind.shape.dim
            )
        if kind.elem_type not in DTYPES:
            name = onnx.TensorProto.DataType.Name(kind.elem_type)
            raise mistake(file, 1, f"found the input {value.name} of {name}",
                          "a type of numbers that PyTorch has")  # fmt: skip
        dtype = DTYPES[kind.elem_type]
        tensors.append(DeclaredTensor(value.name, spans, Location(file, 1), dtype))
    if not tensors:
        raise mistake(file, 1, "found a model without inputs", "a model with inputs")
    return [Profile("onnx", tuple(tensors), Location(file, 1))]


def _named(text: str, names: set[str]) -> Span:
    """All sizes of a name; ``32*s1`` is a multiple, and ``past + 1`` is one more than ``past``."""
    factor, name, offset = linear_name(text)
    if factor < 2 and offset and name not in names:  # a name with a hyphen
        factor, name, offset = 1, text, 0
    low = max(factor + offset, 0)
    return Span(low, None, None, max(factor, 1), name, max(factor, 1), offset)
