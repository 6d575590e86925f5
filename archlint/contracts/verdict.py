"""The answer to a contract, and how the answers rank."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archlint.contracts.accepted_set import AcceptedSet

WORDS = ("proved", "tested", "vacuous", "broken", "error")
"""From good to bad: the verdict on several contracts together is the highest of them."""


@dataclass(frozen=True)
class Proof:
    """How far the decision reaches."""

    paths: int = 0
    claims: int = 0
    covered: bool = False  # every size of the region was decided


@dataclass(frozen=True)
class Samples:
    """How often the real model ran, and where."""

    run: int = 0
    device: str = "cpu"


@dataclass(frozen=True)
class At:
    """The layer to blame: module path, operator and the user's source line."""

    module: str
    op: str
    source: str


@dataclass(frozen=True)
class Waived:
    """A breach that is known and fails nothing: why, and the last day (ISO) if there is one."""

    reason: str
    until: str | None = None


@dataclass(frozen=True)
class Verdict:
    """The answer for one contract and one model. True when the contract held."""

    word: str
    contract: str = ""
    model: str = ""
    file: str | None = None
    line: int | None = None
    counterexample: dict[str, int] | None = None
    confirmed: bool | None = None
    at: At | None = None
    claim: str | None = None
    message: str = ""
    proof: Proof = Proof()
    samples: Samples = Samples()
    seconds: float = 0.0
    # What the text report says beyond the machine-readable part: label -> line(s), in order.
    details: dict[str, str] = field(default_factory=dict)
    entry: AcceptedSet | None = None  # what the model accepts, where that was the question
    severity: str = "error"  # or "warning": reported, but fails nothing
    waived: Waived | None = None
    note: str = ""  # what a waiver or the baseline says of it
    cached: bool = field(default=False, compare=False)  # not decided in this run

    def __post_init__(self) -> None:
        if self.word not in WORDS:
            raise ValueError(f"{self.word!r} is no verdict; the words are {', '.join(WORDS)}")

    def __bool__(self) -> bool:
        return self.word in ("proved", "tested")

    def to_json(self) -> dict[str, object]:
        """The stable machine-readable form."""
        data = asdict(replace(self, entry=None))
        del data["details"]
        data["verdict"] = data.pop("word")
        return {k: data[k] for k in JSON_KEYS}


JSON_KEYS = (
    "contract", "model", "verdict", "file", "line", "counterexample", "confirmed", "at",
    "claim", "message", "proof", "samples", "seconds", "severity", "waived", "note",
)  # fmt: skip


def worst(verdicts: list[Verdict]) -> str:
    """The highest word among the verdicts; ``proved`` for none."""
    return max((v.word for v in verdicts), key=WORDS.index, default="proved")


def exit_code(verdicts: list[Verdict], strict: bool = False) -> int:
    """0 all held, 1 broken or vacuous (or tested when ``strict``), 2 could not run.

    What has the severity ``warning``, or is waived, is reported and counts for nothing here.
    """
    words = {v.word for v in verdicts if v.severity != "warning" and not v.waived}
    if "error" in words:
        return 2
    return int(bool(words & {"broken", "vacuous"} or (strict and "tested" in words)))
