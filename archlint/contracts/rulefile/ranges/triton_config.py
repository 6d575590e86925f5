"""Ranges in the ``config.pbtxt`` of a Triton model.

``max_batch_size`` above 0 adds a first dimension of 1 to that size; ``-1`` in ``dims`` is any size.
https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/user_guide/model_configuration.html
"""

from __future__ import annotations

from collections.abc import Sequence

from archlint.contracts.rulefile.ranges.declared import DeclaredTensor, Profile, Span, mistake
from archlint.contracts.rulefile.ranges.text_proto import Message, parse
from archlint.errors import Location

DTYPES = {
    "TYPE_FP32": "float32", "TYPE_FP16": "float16", "TYPE_BF16": "bfloat16",
    "TYPE_FP64": "float64", "TYPE_INT64": "int64", "TYPE_INT32": "int32", "TYPE_INT16": "int16",
    "TYPE_INT8": "int8", "TYPE_UINT8": "uint8", "TYPE_BOOL": "bool",
}  # fmt: skip
_NAMES = {dtype: name for name, dtype in DTYPES.items()}


def read(text: str, file: str) -> list[Profile]:
    """The inputs of the model as one profile.

    Raises:
        RuleFileError: a syntax error, no input, or sizes that are no whole numbers.
    """
    config = parse(text, file)
    batch = config.value("max_batch_size", 0)
    if not isinstance(batch, int) or batch < 0:
        line = config.all("max_batch_size")[-1].line
        raise mistake(file, line, f"found max_batch_size {batch}", "a number of at least 0")
    if steps := [s for block, _ in config.messages("ensemble_scheduling")
                 for s, _ in block.messages("step")]:  # fmt: skip
        line = config.all("ensemble_scheduling")[0].line
        models = ", ".join(str(step.value("model_name", "?")) for step in steps)
        raise mistake(file, line, "found an ensemble, which has no model of its own",
                      f"the config.pbtxt of one of its models: {models}")  # fmt: skip
    inputs = config.messages("input")
    if not inputs:
        raise mistake(file, 1, "found no input", "input [ { name: … data_type: … dims: [ … ] } ]")
    tensors = tuple(_tensor(message, line, batch, file) for message, line in inputs)
    return [Profile("triton", tensors, tensors[0].where)]


def _tensor(message: Message, line: int, batch: int, file: str) -> DeclaredTensor:
    name = str(message.value("name", "input"))
    dims = message.all("dims")
    for reshape, _ in message.messages("reshape"):  # the model gets this shape
        dims = reshape.all("shape")
    spans = []
    for dim in dims:
        size = dim.value
        if not isinstance(size, int) or size < -1 or size == 0:
            raise mistake(file, dim.line, f"found the size {size} of {name}",
                          "-1 for any size, or a number of at least 1")  # fmt: skip
        spans.append(Span(1, None) if size == -1 else Span.fixed(size))
    if not spans and not batch:
        raise mistake(file, line, f"found the input {name} without dims", "dims: [ 3, -1, -1 ]")
    if batch:
        spans.insert(0, Span(1, batch))
    kind = message.value("data_type", "")
    if kind and kind not in DTYPES:
        raise mistake(file, message.all("data_type")[0].line, f"found {kind} for {name}",
                      f"a type of numbers that PyTorch has: {', '.join(DTYPES)}")  # fmt: skip
    where = Location(file, dims[0].line if dims else line)
    return DeclaredTensor(name, tuple(spans), where, DTYPES.get(str(kind), ""))


def write(profiles: Sequence[Profile]) -> str:
    """``max_batch_size`` and the inputs. Bounds of other dimensions than the first are comments.

    Triton has no bounds for ``-1``; a backend that is not an engine runs what it gets.
    """
    (profile,) = profiles
    spans = [t.spans for t in profile.tensors if t.spans]
    first = {s[0] for s in spans}
    batch = next(iter(first)) if len(first) == 1 and len(spans) == len(profile.tensors) else None
    batched = batch is not None and batch.low == 1 and batch.high is not None
    lines = [f"max_batch_size: {batch.high if batched and batch else 0}", "input ["]
    for tensor in profile.tensors:
        dims = list(tensor.spans or ())[1 if batched else 0 :]
        sizes = ", ".join(str(d.low) if d.is_fixed else "-1" for d in dims)
        lines += [
            "  {",
            f'    name: "{tensor.name}"',
            f"    data_type: {_NAMES.get(tensor.dtype, 'TYPE_FP32')}",
            f"    dims: [ {sizes} ]",
            "  }" + ("," if tensor is not profile.tensors[-1] else ""),
        ]
    return "\n".join([*lines, "]", ""])
