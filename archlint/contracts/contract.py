"""The nouns of a rule file: a contract is one promise about one or more models."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Union

from archlint.errors import Location
from archlint.symbolic import Size
from archlint.symbolic.formula import Bool


class Wildcard:
    """``_`` (any one size) and ``...`` (any number of sizes) in an output shape."""

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
    """A tensor argument: its sizes, its dtype, and for integers the bound of their values."""

    dims: tuple[Size, ...]
    dtype: str = "float32"
    below: Size | None = None
    text: str = ""


Input = Union[TensorInput, list["Input"], dict[str, "Input"]]
"""One positional tensor, or keyword arguments by name; lists and mappings may nest."""


@dataclass(frozen=True)
class TensorOutput:
    """The shape a tensor of the output must have; entries may be wildcards."""

    dims: tuple[Union[Size, Wildcard], ...]
    text: str = ""


Output = Union[TensorOutput, list["Output"], dict[str, "Output"]]
"""A tensor, a list (or tuple, named ones too) of outputs, or a mapping (or dataclass) by field."""


@dataclass(frozen=True)
class SizeClause:
    """``accepts: any P`` · ``accepts: only P`` · ``rejects: any P``, or none about sizes.

    ``region`` is P as a formula, its ``>= 1`` defaults not included; ``text`` are the author's
    words.
    """

    kind: str  # "any", "only", "rejects", or "none" where only the structure is promised
    region: Bool
    text: str


NO_SIZE_CLAUSE = SizeClause("none", True, "any size")
"""What a contract about nothing but structure says of the sizes."""

MODULE_CHECKS = ("forbids", "parameters")
"""The structural checks that need no run of the model: its modules tell."""


@dataclass(frozen=True)
class Budget:
    """What deciding one contract may cost, at most."""

    paths: int = 64
    seconds: float = 60.0
    memory: int = 4 << 30  # bytes of activations that a sample may take


@dataclass(frozen=True)
class ModelRef:
    """A model under contract: its name in the rule file and how to make it."""

    name: str
    target: str
    args: tuple[object, ...] = ()
    kwargs: dict[str, object] = field(default_factory=dict)
    where: Location | None = None


@dataclass(frozen=True)
class Contract:
    """One promise, for each of its models."""

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
    severity: str = "error"  # or "warning" (reported, fails nothing) or "off" (not run)
    severity_reason: str = ""  # of the override that set it
    pack: str = ""  # the pack that it comes from, if any
    structure: dict[str, object] = field(default_factory=dict)  # check -> what it asks for

    @property
    def enabled(self) -> bool:
        """Whether anyone asks for it: neither skipped nor switched off."""
        return not self.skip and self.severity != "off"

    @property
    def needs_run(self) -> bool:
        """Whether deciding it takes runs on symbolic sizes."""
        of_runs = self.structure.keys() - set(MODULE_CHECKS)
        return self.clause.kind != "none" or bool(of_runs and self.input)


@dataclass(frozen=True)
class Waiver:
    """Leave for a contract to be broken by some models: why, and the last day of it.

    ``contract`` and ``model`` are globs over ids and names, in the waiver's own rule file.
    """

    contract: str
    model: str
    reason: str
    until: date
    where: Location


@dataclass(frozen=True)
class RuleFile:
    """What a rule file says: its models by name, and its contracts with their models resolved.

    ``packs`` are the files of the packs that it uses.
    """

    path: Path
    models: dict[str, ModelRef]
    contracts: tuple[Contract, ...]
    packs: tuple[Path, ...] = ()
    waivers: tuple[Waiver, ...] = ()
