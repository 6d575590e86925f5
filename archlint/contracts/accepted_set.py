"""The accepted set of a model as text: the result of ``infer`` and the entry of a lock file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Union

from archlint.contracts.contract import Input, TensorInput
from archlint.contracts.nested import flow_text
from archlint.contracts.recorded_costs import RecordedCosts
from archlint.contracts.size_text import shape_words
from archlint.symbolic.formula import Bool, disj, holds, negate

Words = Union[str, int, list["Words"], dict[str, "Words"]]
"""A shape as YAML data: text or a number, or nested lists and mappings of them."""


@dataclass(frozen=True)
class Refusal:
    """A layer that rejects sizes, and why: "needs …", "raises …".

    ``where``: the rejected sizes as a condition for ``rejects: any``; empty if it would be too
    long.
    """

    where: str
    at: str  # module path
    op: str
    why: str

    def __str__(self) -> str:
        op = f"({self.op})" if self.op and self.at else self.op
        return f"{' '.join(p for p in (self.at, op) if p) or 'the model'} {self.why}"


@dataclass(frozen=True)
class OutputCase:
    """What a model returns at some sizes.

    ``where``: the sizes, as a condition. ``output``: the whole output, as
    :func:`archlint.contracts.output_shape.whole_words` writes it.
    """

    where: str
    output: Words


@dataclass(frozen=True)
class AcceptedSet:
    """The sizes that a model accepts, as text.

    ``accepts``: a condition for ``accepts: only``. ``exact``: all other sizes are rejected.
    Otherwise ``accepts`` is the part that is known, ``undecided`` the part that is not (a condition
    or an example), and ``reasons`` say why. ``output``: the output shapes in the words of a rule
    file; ``None`` if no single formula describes them or a part is not a tensor. ``outputs``: the
    whole output by sizes, where words for these are short; by default ``output``, in float32.
    ``costs``: what it costs at one size, where that is recorded.
    ``minimum``: the smallest accepted sizes. ``ran``: sizes at which the real model ran, and what
    it did there. ``mismatch``: what is probably wrong with the input. ``minimum`` and all after it
    are not stored in lock files.
    """

    model: str
    mode: str
    input: Input
    accepts: str
    exact: bool
    output: Words | None = None
    refusals: tuple[Refusal, ...] = ()
    reasons: tuple[str, ...] = ()
    undecided: str = ""
    outputs: tuple[OutputCase, ...] = ()
    costs: RecordedCosts | None = None
    minimum: dict[str, int] | None = field(default=None, compare=False)
    paths: int = field(default=0, compare=False)
    claims: int = field(default=0, compare=False)
    seconds: float = field(default=0.0, compare=False)
    ran: tuple[str, ...] = field(default=(), compare=False)
    mismatch: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if self.output is not None and not self.outputs:
            whole = (OutputCase("any size", self.output),)
            object.__setattr__(self, "outputs", whole)

    @property
    def clause(self) -> tuple[str, str]:
        """The key (``accepts`` or ``rejects``) and value of a contract that states this set."""
        if self.accepts == "no size":
            return ("rejects", "any size") if self.exact else ("accepts", "")
        return "accepts", clause_words("only" if self.exact else "any", self.accepts)

    def contract(self, id: str, model: str) -> dict[str, Any] | None:
        """The contract that states this set, as data of a rule file; ``None`` if it is too long."""
        key, clause = self.clause
        if not clause or "…" in clause:
            return None
        contract: dict[str, Any] = {"id": id, "models": model, "input": input_as_yaml(self.input)}
        if self.mode != "eval":
            contract["mode"] = self.mode
        contract[key] = clause
        if self.output is not None and key == "accepts":
            contract["output"] = self.output
        return contract

    def accepted(self) -> Bool:
        """The sizes known to be accepted. Raises ``PhraseError`` if the text was shortened."""
        return region(self.accepts)

    def refused(self) -> Bool:
        """The sizes known to be rejected. Raises ``PhraseError`` if the text was shortened."""
        if self.exact:
            return negate(self.accepted())
        return disj(*(region(r.where) for r in self.refusals if r.where))

    def refusal_of(self, point: dict[str, int]) -> Refusal | None:
        """The recorded layer that rejects these sizes, if there is one."""
        for refusal in self.refusals:
            if refusal.where and holds(region(refusal.where), point):
                return refusal
        return None


def clause_words(kind: str, text: str) -> str:
    """A clause that states a set of sizes: ``any size``, or ``any`` or ``only`` before its text."""
    return text if text == "any size" else f"{kind} {text}"


def region(words: str) -> Bool:
    """The set of sizes for a text such as ``any size``, ``no size`` or ``H, W >= 32``."""
    if words in ("any size", "no size"):
        return words == "any size"
    from archlint.contracts.rulefile.phrase_parser import parse_clause  # loads lark

    return parse_clause(f"only {words}", "accepts").region


def input_as_yaml(input: Input) -> Words:
    """The input as YAML data for a rule file."""
    if isinstance(input, dict):
        return {key: input_as_yaml(part) for key, part in input.items()}
    if isinstance(input, list):
        return [_item_as_yaml(part) for part in input]
    return _tensor_words(input)


def _item_as_yaml(input: Input) -> Words:
    """An item of a list. A list of plain sizes would be one shape, so one size is a mapping."""
    words = input_as_yaml(input)
    one_size = isinstance(words, int) or (isinstance(words, str) and len(words.split()) == 1)
    return {"shape": words} if one_size else words


def _tensor_words(tensor: TensorInput) -> Words:
    shape = tensor.text or shape_words(tensor.dims)
    if tensor.dtype == "float32" and tensor.below is None:
        return shape
    words: dict[str, Words] = {"shape": shape, "dtype": tensor.dtype}
    if tensor.below is not None:
        words["below"] = tensor.below if isinstance(tensor.below, int) else str(tensor.below)
    return words


def input_text(input: Input) -> str:
    """The input on one line."""
    return shown(input_as_yaml(input))


def shown(words: Words) -> str:
    """A shape on one line."""
    return flow_text(words, str)
