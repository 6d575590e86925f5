"""The nouns of a rule file: a contract is one promise about one or more models."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Union

from archlint.dims import Size
from archlint.errors import Location
from archlint.formula import Bool


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
class Promise:
    """``accepts: any P`` · ``accepts: only P`` · ``rejects: any P``.

    ``region`` is P as a formula, its ``>= 1`` defaults not included; ``text`` are the author's
    words.
    """

    kind: str  # "any", "only" or "rejects"
    region: Bool
    text: str


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
    promise: Promise
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
