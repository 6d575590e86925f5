"""The data of rule files: contracts, models, inputs, outputs and waivers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Union

from archlint.contracts.cost_budget import CostBudget
from archlint.errors import Location
from archlint.symbolic import Size
from archlint.symbolic.formula import Bool, holds


class Wildcard:
    """``_`` (any one size) or ``...`` (any number of sizes) in an output shape."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text

    def __reduce__(self) -> str:
        return "ANY_SIZE" if self.text == "_" else "ANY_SIZES"


ANY_SIZE = Wildcard("_")
ANY_SIZES = Wildcard("...")


@dataclass(frozen=True)
class TensorInput:
    """A tensor argument.

    ``below``: for integer dtypes, values are at least 0 and less than this size. ``text``: the
    shape as written.
    """

    dims: tuple[Size, ...]
    dtype: str = "float32"
    below: Size | None = None
    text: str = ""


Input = Union[TensorInput, list["Input"], dict[str, "Input"]]
"""One positional tensor, or keyword arguments by name; lists and mappings may nest."""


@dataclass(frozen=True)
class TensorOutput:
    """The shape that an output tensor must have. Entries may be wildcards."""

    dims: tuple[Union[Size, Wildcard], ...]
    text: str = ""


Output = Union[TensorOutput, list["Output"], dict[str, "Output"]]
"""A tensor, a list for a list or tuple, or a mapping for a mapping, dataclass or named tuple."""


@dataclass(frozen=True)
class DeclaredRange:
    """Where the sizes of a clause are declared, outside of rule files.

    ``form`` is the form of the declaration, such as trtexec. ``opt``: the sizes that the tool
    optimizes for, by name. ``steps``: the multiples that sizes advance by, where these are stated.
    ``untyped``: the tensors without a dtype, if the contract's input is that of the declaration,
    too; ``read_as``: how that was made to fit the model. ``profiles``: if there are several, where
    each is and its sizes.
    """

    where: Location
    form: str
    opt: dict[str, int] = field(default_factory=dict)
    steps: dict[str, int] = field(default_factory=dict)
    untyped: tuple[str, ...] | None = None
    read_as: str = ""
    profiles: tuple[tuple[Location, Bool], ...] = ()

    def places(self, point: Mapping[str, int] | None = None) -> str:
        """Where the sizes are declared, or those profiles that have a point: ``build.sh:3, 7``."""
        found = [at for at, region in self.profiles if point is None or holds(region, point)]
        first, *others = found or [self.where]
        return ", ".join([str(first), *(str(at.line) for at in others)])


@dataclass(frozen=True)
class SizeClause:
    """The part of a contract about sizes.

    ``accepts: any P``, ``accepts: only P`` or ``rejects: any P``.

    ``region`` is P as a formula, without the default ``>= 1`` of sizes. ``text`` is the author's
    text. ``declared``: the file that P comes from, if it is not the rule file.
    """

    kind: str  # "any", "only", "rejects", or "none" if the contract is only about structure
    region: Bool
    text: str
    declared: DeclaredRange | None = None

    @property
    def key(self) -> str:
        """The key of the contract that has the clause: ``accepts`` or ``rejects``."""
        return "rejects" if self.kind == "rejects" else "accepts"


ANY_SIZE_CLAUSE = SizeClause("any", True, "any size")
"""Every size is accepted."""

NO_SIZE_CLAUSE = SizeClause("none", True, "any size")
"""The clause of a contract that is only about structure."""

MODULE_CHECKS = ("forbids", "parameters")
"""Structure checks that only look at the model's modules and need no trace."""


@dataclass(frozen=True)
class Budget:
    """Limits for checking one contract for one model."""

    paths: int = 64  # traces on symbolic sizes
    seconds: float = 60.0
    memory: int = 4 << 30  # bytes that the activations of one sample may take


@dataclass(frozen=True)
class Artifact:
    """An exported model that must do what the model does.

    ``path`` is relative to the rule file. ``runtime``: the one that runs it; empty for the one of
    its suffix. ``outside``: "refuses" if it must refuse what the model refuses, else "any".
    ``tolerance``: the largest difference of values, relative to the largest value.
    """

    path: str
    runtime: str = ""
    outside: str = "refuses"
    tolerance: float = 0.001
    shapes_only: bool = False


@dataclass(frozen=True)
class ModelRef:
    """A model: its name in the rule file and how to build it."""

    name: str
    target: str
    args: tuple[object, ...] = ()
    kwargs: dict[str, object] = field(default_factory=dict)
    where: Location | None = None


@dataclass(frozen=True)
class Contract:
    """One contract, for each of its models.

    ``structure``: the argument of each structure check by name. ``costs``: limits on what the model
    costs. ``severity_reason``: the reason of the override that set the severity. ``pack``: the name
    of the pack that the contract is from. ``annotated``: input and output are those of the model's
    annotations, which are read where the model is built.
    """

    id: str
    input: Input
    clause: SizeClause
    output: Output | None = None
    models: tuple[ModelRef, ...] = ()
    why: str = ""
    mode: str = "eval"  # or "train"
    samples: int | None = None  # None: archlint chooses
    budget: Budget = Budget()
    where: Location | None = None
    skip: str | None = None  # the reason
    xfail: str | None = None
    xfail_strict: bool = True
    severity: str = "error"  # or "warning" (reported, does not fail the run) or "off" (not run)
    severity_reason: str = ""
    pack: str = ""
    structure: dict[str, object] = field(default_factory=dict)
    artifact: Artifact | None = None
    costs: tuple[CostBudget, ...] = ()
    annotated: bool = False

    @property
    def enabled(self) -> bool:
        """Whether it is checked: neither skipped nor of severity ``off``."""
        return not self.skip and self.severity != "off"

    @property
    def needs_run(self) -> bool:
        """Whether checking it requires traces of the model on symbolic sizes."""
        traced_checks = self.structure.keys() - set(MODULE_CHECKS)
        traced_costs = any(b.kind != "parameters" for b in self.costs)
        return self.clause.kind != "none" or bool((traced_checks or traced_costs) and self.input)


ANNOTATED = Contract("forward", [], ANY_SIZE_CLAUSE, annotated=True)
"""Every size of the annotated input is accepted, and the output has the annotated shape."""


@dataclass(frozen=True)
class Waiver:
    """A known violation of a contract by some models, which does not fail the run.

    ``contract`` and ``model`` are globs over ids and names of the waiver's own rule file. ``until``
    is the last day on which the waiver is valid.
    """

    contract: str
    model: str
    reason: str
    until: date
    where: Location


@dataclass(frozen=True)
class RuleFile:
    """A rule file: its models by name, and its contracts with their models resolved.

    ``packs`` are the pack files that it uses.
    """

    path: Path
    models: dict[str, ModelRef]
    contracts: tuple[Contract, ...]
    packs: tuple[Path, ...] = ()
    waivers: tuple[Waiver, ...] = ()
