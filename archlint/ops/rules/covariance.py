"""``torch.cov`` and ``torch.corrcoef``: a row is a variable, a column an observation."""

from __future__ import annotations

from archlint.ops.aliases import spellings
from archlint.ops.registry import NoRule, Path, TensorSpec, shape_rule
from archlint.ops.shapes.claims import claim_most_ndim
from archlint.ops.shapes.strides import decide
from archlint.ops.shapes.type_promotion import FLOATING
from archlint.ops.traits import Bounds
from archlint.symbolic.formula import eq


@shape_rule(*spellings("cov"), bounds=Bounds.UNKNOWN)
def cov(
    path: Path,
    input: TensorSpec,
    *,
    correction: int = 1,
    fweights: TensorSpec | None = None,
    aweights: TensorSpec | None = None,
) -> TensorSpec:
    if input.dtype not in FLOATING or fweights is not None or aweights is not None:
        raise NoRule("weights, or a dtype that is not floating")
    claim_most_ndim(path, "an input", input, 2)
    if input.ndim < 2 or decide(path, eq(input.dims[0], 1)):
        return input.like(())
    return input.like((input.dims[0], input.dims[0]))


@shape_rule(*spellings("corrcoef"), bounds=Bounds.UNKNOWN)
def corrcoef(path: Path, input: TensorSpec) -> TensorSpec:
    return cov(path, input)
