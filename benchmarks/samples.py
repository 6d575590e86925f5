"""archlint against the CPU on PyTorch's own samples of each operator, with a rule and without.

    python benchmarks/samples.py [--only GLOB]

PyTorch tests each operator on sample inputs, good ones and wrong ones. Each is called on the CPU
and under archlint: both must refuse, or give the same sizes and dtypes. Integers keep their values,
as a model's constants do. ``benchmarks/results/samples.md`` has what is answered wrongly.
"""

from __future__ import annotations

import argparse
import fnmatch
import sys
import types
import unittest
import warnings
from collections import Counter
from collections.abc import Iterator
from typing import Any

import torch
from table import write
from torch import nn

from archlint.contracts.contract import TensorInput
from archlint.ops.registry import RULES, TensorSpec
from archlint.ops.shapes.strides import contiguous_strides
from archlint.symbolic.intervals import Box
from archlint.tracing.tensors.specs import map_tensors
from archlint.tracing.tensors.symbolic_tensor import symbolic_tensor
from archlint.tracing.tracer import trace

SAMPLES, WRONG_ONES = 40, 20  # of each operator, at most
APART = ("empty", "sparse", "nested", "jiterator")  # elements or layouts of another kind
APART += ("multinomial",)  # whose wrong samples are wrong by their elements
REFUSES, UNKNOWN = "refuses", "not proved"


class Called(nn.Module):
    """A model that makes one call; tensors of floats and masks are stand-ins."""

    def __init__(self, function: Any, args: Any, kwargs: Any) -> None:
        super().__init__()
        self.call = function, args, kwargs

    def forward(self, unused: torch.Tensor) -> Any:
        function, args, kwargs = self.call
        a, k = map_tensors((args, kwargs), _standin)
        return function(*a, **k)


def _standin(tensor: torch.Tensor) -> torch.Tensor:
    if not (tensor.is_floating_point() or tensor.dtype is torch.bool):
        return tensor
    dims, strides = tuple(tensor.shape), tensor.stride()
    same = strides == contiguous_strides(dims)
    return symbolic_tensor(
        TensorSpec(dims, tensor.dtype, None if same else strides, device=tensor.device)
    )


def operators() -> list[Any]:
    """PyTorch's list of operators with samples; it is made with a package that only it needs."""
    if "expecttest" not in sys.modules:
        stub = types.ModuleType("expecttest")
        stub.TestCase = unittest.TestCase  # type: ignore[attr-defined]
        sys.modules["expecttest"] = stub
    from torch.testing._internal.common_methods_invocations import op_db

    drawn = [op for op in op_db if torch.float32 in op.dtypes]
    return [op for op in drawn if not any(word in op.name for word in APART)]


def calls(op: Any) -> Iterator[tuple[Any, Any]]:
    """Arguments and settings: the good samples, then those that must be refused."""
    samples = list(op.sample_inputs("cpu", torch.float32))[:SAMPLES]
    if op.error_inputs_func:
        samples += [e.sample_input for e in op.error_inputs("cpu")][:WRONG_ONES]
    for sample in samples:
        kinds: list[Any] = []
        map_tensors((sample.input, sample.args), lambda t, kinds=kinds: kinds.append(t))
        if all(t.layout is torch.strided and t.device.type == "cpu" for t in kinds):
            yield (sample.input, *sample.args), sample.kwargs


def copied(args: Any, kwargs: Any) -> Any:
    return map_tensors(
        (args, kwargs), lambda t: t.detach().clone(memory_format=torch.preserve_format)
    )


def shape(value: Any) -> Any:
    """Sizes and dtypes of a result."""
    if isinstance(value, TensorSpec):
        return list(value.dims), str(value.dtype)[6:]
    if isinstance(value, torch.Tensor):
        return list(value.shape), str(value.dtype)[6:]
    return [shape(v) for v in value] if isinstance(value, (tuple, list)) else None


def real(function: Any, args: Any, kwargs: Any) -> tuple[Any, str]:
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            return shape(function(*args, **kwargs)), ""
    except Exception as e:
        return REFUSES, f"{type(e).__name__}: {str(e).splitlines()[0] if str(e) else ''}"


def ours(function: Any, args: Any, kwargs: Any) -> tuple[Any, str]:
    found = trace(Called(function, args, kwargs), TensorInput((1,)), {}, Box({}))
    if found.faults:
        return "fault", str(found.faults)
    if found.outcome == "unknown" or found.path.caveats:
        return UNKNOWN, found.error
    if found.outcome != "accepted":
        return REFUSES, found.error
    if found.path.unknowns:
        return UNKNOWN, "sizes depend on values"
    return shape(found.output), ""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default="*", help="names such as nn.functional.*")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    count: Counter[str] = Counter()
    rows, names = [], set()
    for op in operators():
        if not fnmatch.fnmatch(op.name, options.only):
            continue
        seen: Counter[str] = Counter()
        for args, kwargs in calls(op):
            names.add(op.name)
            truth, error = real(op.op, *copied(args, kwargs))
            said, why = ours(op.op, *copied(args, kwargs))
            word = UNKNOWN if said == UNKNOWN else "right" if said == truth else "wrong"
            count[word] += 1
            seen[word] += 1
            if word == "wrong" and seen["wrong"] == 1:
                given = str(map_tensors((args, kwargs), shape))[:200]
                rule = "a rule" if op.op in RULES else "none"
                rows.append([op.name, rule, given, f"{truth} {error}"[:160], f"{said} {why}"[:160]])
        if seen["wrong"]:
            rows[-1][0] += f" ({seen['wrong']} of {seen.total()})"
            print(*rows[-1], sep="  ", flush=True)
    summary = [
        f"{count.total():,} calls of {len(names)} operators: {count['right']:,} answered as the "
        f"CPU does, {count[UNKNOWN]:,} not proved, {count['wrong']:,} wrong"
    ]
    print(*summary)
    if options.only == "*":
        head = ("operator", "rule", "call", "the CPU", "archlint")
        write("samples", "python benchmarks/samples.py", summary, head, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
