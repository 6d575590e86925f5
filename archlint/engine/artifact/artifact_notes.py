"""What probably caused the differences of an exported model, where they have one cause."""

from __future__ import annotations

from archlint.engine.artifact.artifact_differences import Comparison

_REDUCED = 0.02
"""The largest difference that float16 and bfloat16 usually make."""


def note_on(result: Comparison) -> str:
    """A note on the cause of the differences; empty if none is known."""
    return _other_values(result) or _one_size(result) or _fixed_sizes(result)


def _other_values(result: Comparison) -> str:
    """Values differ at every size: by a little in a lower precision, else the weights differ."""
    found = result.of_kind("values")
    if not len(found) == result.inside > 1:
        return ""
    if max(d.amount for d in found) <= _REDUCED:
        return (
            "the values differ a little at every size: the runtime may compute in a lower "
            "precision, such as bfloat16, or the artifact may have float16 weights; "
            "--tolerance 0.02 allows that"
        )
    return (
        "the values differ at every size: the model may have other weights than the artifact; "
        "compare with a target that loads them, or compare only shapes"
    )


def _one_size(result: Comparison) -> str:
    """A file of one size refuses every other."""
    shapes = [" x ".join(map(str, shape)) for shape in result.shapes if None not in shape]
    if not shapes or len(shapes) < len(result.shapes):
        return ""
    return (
        f"the artifact takes one size only, {' and '.join(shapes)}: export it with dynamic sizes, "
        "or compare that size with --within"
        if len(result.of_kind("refuses")) == result.inside
        else ""
    )


def _fixed_sizes(result: Comparison) -> str:
    """A file that fixes some of the sizes that the model leaves open."""
    if len(result.shapes) != len(result.tensors) or not result.of_kind("refuses"):
        return ""
    names = result.inputs if len(result.inputs) == len(result.shapes) else [""] * len(result.shapes)
    fixed = [
        f"{name or 'its input'} is {' x '.join('?' if n is None else str(n) for n in shape)}"
        for name, shape, tensor in zip(names, result.shapes, result.tensors, strict=True)
        if len(shape) == len(tensor.dims)
        and any(
            isinstance(n, int) and not isinstance(d, int)
            for n, d in zip(shape, tensor.dims, strict=True)
        )
    ]
    return (
        f"the artifact fixes sizes that the model leaves open, {' and '.join(fixed)}: export it "
        "with these sizes dynamic, too, or state them with --input"
        if fixed
        else ""
    )
