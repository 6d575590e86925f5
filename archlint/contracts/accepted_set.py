"""What was found out about one model, in words: what ``infer`` prints and a lock file keeps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Union

from archlint.contracts.contract import Input, TensorInput
from archlint.contracts.rulefile.phrase_parser import parse_clause
from archlint.symbolic.formula import Bool, disj, holds, negate

Words = Union[str, int, list["Words"], dict[str, "Words"]]
"""A shape as a rule file writes it: text or a number, or lists and mappings of it."""


@dataclass(frozen=True)
class Refusal:
    """A layer that refuses sizes, and why: "needs …", "raises …".

    ``where``: the sizes, as they can stand after ``rejects: any``; empty where the words would be
    too many.
    """

    where: str
    at: str  # module path
    op: str
    why: str

    def __str__(self) -> str:
        op = f"({self.op})" if self.op and self.at else self.op
        return f"{' '.join(p for p in (self.at, op) if p) or 'the model'} {self.why}"


@dataclass(frozen=True)
class AcceptedSet:
    """The sizes that a model accepts, in words.

    ``accepts``: as it can stand after ``accepts: only``. ``exact``: all other sizes are refused;
    otherwise ``accepts`` is the part that is known, ``undecided`` (words, or an example) what is
    not, and ``reasons`` say why.
    """

    model: str
    mode: str
    input: Input
    accepts: str
    exact: bool
    output: Words | None = None  # None: no one formula for it, or no tensors
    refusals: tuple[Refusal, ...] = ()
    reasons: tuple[str, ...] = ()
    undecided: str = ""
    # How it was found; a lock file does not keep it.
    minimum: dict[str, int] | None = field(default=None, compare=False)
    paths: int = field(default=0, compare=False)
    claims: int = field(default=0, compare=False)
    seconds: float = field(default=0.0, compare=False)

    @property
    def clause(self) -> tuple[str, str]:
        """The promise that a rule file can make of it: accepts or rejects, and its words."""
        if self.accepts == "no size":
            return ("rejects", "any size") if self.exact else ("accepts", "")
        if self.accepts == "any size":
            return "accepts", "any size"
        return "accepts", f"{'only' if self.exact else 'any'} {self.accepts}"

    def accepted(self) -> Bool:
        """The sizes known to be accepted. ``PhraseError`` if the words were cut."""
        return region(self.accepts)

    def refused(self) -> Bool:
        """The sizes known to be refused. ``PhraseError`` if the words were cut."""
        if self.exact:
            return negate(self.accepted())
        return disj(*(region(r.where) for r in self.refusals if r.where))

    def refusal_of(self, point: dict[str, int]) -> Refusal | None:
        """The layer that refuses these sizes, where that is on record."""
        for refusal in self.refusals:
            if refusal.where and holds(region(refusal.where), point):
                return refusal
        return None


def region(words: str) -> Bool:
    """The set that words such as ``any size``, ``no size`` and ``H, W >= 32`` stand for."""
    if words in ("any size", "no size"):
        return words == "any size"
    return parse_clause(f"only {words}", "accepts").region


def input_as_yaml(input: Input) -> Words:
    """The input as a rule file writes it."""
    if isinstance(input, dict):
        return {key: input_as_yaml(part) for key, part in input.items()}
    if isinstance(input, list):
        return [input_as_yaml(part) for part in input]
    return _tensor_words(input)


def _tensor_words(tensor: TensorInput) -> Words:
    shape = tensor.text or " ".join(str(d).replace(" ", "") for d in tensor.dims)
    if tensor.dtype == "float32" and tensor.below is None:
        return shape
    words: dict[str, Words] = {"shape": shape, "dtype": tensor.dtype}
    if tensor.below is not None:
        words["below"] = tensor.below if isinstance(tensor.below, int) else str(tensor.below)
    return words


def shown(words: Words) -> str:
    """Words on one line."""
    if isinstance(words, (str, int)):
        return str(words)
    if isinstance(words, list):
        return "[" + ", ".join(map(shown, words)) + "]"
    return "{" + ", ".join(f"{k}: {shown(v)}" for k, v in words.items()) + "}"
