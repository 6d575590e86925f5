"""docs/kernels.md is true: each call of it, on the CPU, on meta tensors and under archlint.

``ARCHLINT_RECORD=1`` records the results again and drops no line: one that no longer differs fails.
"""

from __future__ import annotations

import os
import re
from contextlib import nullcontext

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch._dispatch.python import enable_python_dispatcher

import archlint
from archlint.contracts.contract import TensorInput
from archlint.ops.registry import TensorSpec
from archlint.ops.shapes.strides import contiguous_strides, settled_strides
from archlint.symbolic import Expr
from archlint.symbolic.intervals import Box
from archlint.symbolic.quantify_unknowns import unknowns_in
from archlint.tracing.tensors.symbolic_tensor import symbolic_tensor
from archlint.tracing.tracer import trace
from tests import REPO

PAGE = REPO / "docs" / "kernels.md"
RECORD = bool(os.environ.get("ARCHLINT_RECORD"))
MADE_WITH = re.compile(r"Made with torch ([\d.]+)")
ROW = re.compile(r"^\| `(?P<call>[^|]*)` \|(?P<cpu>[^|]*)\|(?P<meta>[^|]*)\|(?P<ours>[^|]*)\|$")
REFUSES, UNKNOWN = "refuses", "not proved"

pytestmark = pytest.mark.filterwarnings("ignore")


def rows():
    """(section, call, what the page says of the CPU, of meta, of archlint)."""
    section = ""
    for line in PAGE.read_text().splitlines():
        if line.startswith("## "):
            section = line[3:]
        found = ROW.match(line)
        if found:
            yield (section, *(found[k].strip() for k in ("call", "cpu", "meta", "ours")))


def call(code, tensor):
    """Run the code of a row; ``tensor`` makes what it names from a real tensor on the CPU."""

    def last(n, c, *space):
        lying = torch.zeros(n, *space, c)
        return tensor(lying.permute(0, lying.ndim - 1, *range(1, lying.ndim - 1)))

    def ints(*values):
        return tensor(torch.tensor(values))

    def x(*size):
        return tensor(torch.zeros(size))

    names = {"torch": torch, "F": F, "x": x, "ints": ints, "last": last}
    return eval(code, names)  # a page of this repository


def shown(result, strides):
    """The sizes of a result, or how it lies."""
    if isinstance(result, torch.Tensor):
        return str([s for n, s in zip(result.shape, result.stride(), strict=True) if n > 1]
                   if strides else list(result.shape))  # fmt: skip
    return ", ".join(shown(r, strides) for r in result or ()) or "no result"


def real(code, strides, device):
    """What PyTorch says of a call on a device."""

    def tensor(made):
        return made if device == "cpu" else made.to("meta")

    # The dispatcher that archlint's kernels run under would change those of the CPU too.
    dispatcher = enable_python_dispatcher() if device == "meta" else nullcontext()
    try:
        with torch.no_grad(), torch.device(device), dispatcher:
            return shown(call(code, tensor), strides)
    except Exception:
        return REFUSES


class Called(nn.Module):
    def __init__(self, code):
        super().__init__()
        self.code = code

    def forward(self, unused):
        def tensor(made):
            if not made.is_floating_point():
                return made  # integers whose values are known
            dims, strides = tuple(made.shape), made.stride()
            if strides == contiguous_strides(dims):
                strides = None
            return symbolic_tensor(TensorSpec(dims, made.dtype, strides, device=made.device))

        return call(self.code, tensor)


def ours(code, strides):
    """What archlint says of a call, and in which words."""
    found = trace(Called(code), TensorInput((1,)), {}, Box({}))
    assert not found.faults
    if found.outcome in ("refused", "raised"):
        return REFUSES, found.error
    if found.outcome == "unknown" or found.path.caveats:
        return UNKNOWN, found.error or next(iter(found.path.caveats))

    def said(output):
        if isinstance(output, TensorSpec):
            steps = settled_strides(found.path, output) or contiguous_strides(output.dims)
            rows = zip(output.dims, steps, strict=True)
            if not strides:  # any number of elements may be one that values decide
                dims = ["_" if isinstance(d, Expr) and unknowns_in(d) else d for d in output.dims]
                return str(dims).replace("'", "")
            return str([s for n, s in rows if n > 1])
        return ", ".join(map(said, output or ())) or "no result"

    return said(found.output), ""


def cells(code, strides):
    word, why = ours(code, strides)
    why = re.sub(r"^\w+Error: ", "", why).split(" (")[0].splitlines()[0] if why else ""
    said = f"{word}: {why.replace('|', '/')}" if why else word
    return real(code, strides, "cpu"), real(code, strides, "meta"), said


ROWS = list(rows())


@pytest.mark.parametrize(("section", "code"), [r[:2] for r in ROWS], ids=[r[1] for r in ROWS])
def test_archlint_is_with_the_cpu(section, code):
    """Whatever this version of PyTorch does."""
    strides = section == "Strides"
    cpu, (word, why) = real(code, strides, "cpu"), ours(code, strides)
    open_sizes = re.escape(word).replace("_", r"\d+")
    assert word == UNKNOWN or re.fullmatch(open_sizes, cpu), f"{word} {why}"


def test_the_page_says_what_differs():
    text = PAGE.read_text()
    version = torch.__version__.split("+")[0]
    if not RECORD and MADE_WITH.search(text)[1] != version:
        pytest.skip("the page is of another version of PyTorch")
    wrong = []
    for section, code, *old in ROWS:
        new = cells(code, section == "Strides")
        if new[0] == new[1] or (not RECORD and list(new) != old):
            wrong.append((code, old, new))
        before = next(line for line in text.splitlines() if line.startswith(f"| `{code}` |"))
        text = text.replace(before, f"| `{code}` | " + " | ".join(new) + " |")
    if RECORD:
        PAGE.write_text(MADE_WITH.sub(f"Made with torch {version}", text))
    assert not wrong
    assert len(ROWS) > 60


def _into_new(x):
    out = torch.zeros(2, 5)
    torch.mul(x, 2, out=out)
    return out


def _into_empty(x):
    out = torch.empty(0)
    torch.cat([x, x], out=out)
    return out


def _resized(x):
    y = torch.zeros(3)
    y.resize_(x.shape[1])
    return y


@pytest.mark.filterwarnings("ignore:An output with one or more elements was resized")
@pytest.mark.parametrize("function", [_into_new, _into_empty, _resized])
def test_a_real_tensor_that_gets_other_sizes(function):
    class Resizes(torch.nn.Module):
        def forward(self, x):
            return function(x)

    found = archlint.infer(Resizes(), "2 T")
    for t in range(1, 9):
        assert found.output(T=t) in (tuple(function(torch.zeros(2, t)).shape), None)


def test_inference_mode_that_was_left():
    class Infers(torch.nn.Module):
        def forward(self, x):
            with torch.inference_mode():
                y = x * 2
            return x if y.is_inference() else x[:, :1]

    assert (
        archlint.check(Infers(), "2 T", accepts="any T >= 1", output="2 1", samples=0).word
        != "proved"
    )
