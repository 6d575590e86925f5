"""The verdict on a contract for one model, and the exit code of several verdicts."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from archlint.contracts.verdict_text import block, name
from archlint.errors import one_line
from archlint.runtime.user_frames import shown

if TYPE_CHECKING:
    from archlint.contracts.accepted_set import AcceptedSet

WORDS = ("proved", "tested", "vacuous", "broken", "error")
"""All verdicts, from best to worst."""


@dataclass(frozen=True)
class Proof:
    """What was proved.

    ``paths`` and ``claims``: the numbers of traced paths and of claims on them. ``covered``: the
    paths cover every size of the contract.
    """

    paths: int = 0
    claims: int = 0
    covered: bool = False


@dataclass(frozen=True)
class Samples:
    """How often the real model ran, and on which device."""

    run: int = 0
    device: str = "cpu"


@dataclass(frozen=True)
class At:
    """The failing layer: its module path, operator and the user's source line."""

    module: str
    op: str
    source: str


@dataclass(frozen=True)
class Waived:
    """Why a violation does not fail the run. ``until``: the last day, in ISO format, if any."""

    reason: str
    until: str | None = None


@dataclass(frozen=True, repr=False)
class Verdict:
    """The verdict on one contract for one model. True if it is ``proved`` or ``tested``.

    Its text, ``str(verdict)``, is its part of the text report; its ``repr`` is one line.

    ``counterexample``: the smallest failing sizes; ``confirmed``: whether the real model failed
    there too. ``details``: lines of the text report, label to text, in order. ``entry``: what the
    model accepts, for questions about that. ``note``: the status from a waiver or the baseline.
    ``cached``: read from the cache.
    """

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
    details: dict[str, str] = field(default_factory=dict)
    entry: AcceptedSet | None = None
    severity: str = "error"  # or "warning": reported, does not fail the run
    waived: Waived | None = None
    note: str = ""
    cached: bool = field(default=False, compare=False)

    def __post_init__(self) -> None:
        if self.word not in WORDS:
            raise ValueError(f"{self.word!r} is not a verdict; expected one of {', '.join(WORDS)}")

    def __bool__(self) -> bool:
        return self.word in ("proved", "tested")

    def __str__(self) -> str:
        return "\n".join(block(self))

    def __repr__(self) -> str:
        """One line, which pytest shows for ``assert verdict``."""
        about = " ".join(filter(None, (self.word, name(self))))
        message = f": {one_line(self.message)}" if self.message else ""
        return f"<{about}{message}; str() is the report>"

    def _repr_html_(self) -> str:
        """For notebooks: the report, and a map where it says which sizes are accepted."""
        from archlint.contracts.size_map_svg import notebook_html
        from archlint.contracts.verdict_map import verdict_map

        return notebook_html(str(self), verdict_map(self))

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """For IPython's terminal."""
        printer.text(str(self))

    def to_json(self) -> dict[str, object]:
        """The stable machine-readable form: the keys ``JSON_KEYS``, in this order."""
        data = asdict(replace(self, entry=None))
        del data["details"]
        data["verdict"] = data.pop("word")
        if self.at is not None and self.at.source:
            file, _, line = self.at.source.rpartition(":")
            data["at"]["source"] = f"{shown(file)}:{line}"
        data |= {key: self.details.get(label) for key, label in _JSON_LABELS.items()}
        return {k: data[k] for k in JSON_KEYS}


_JSON_LABELS = {"contract_text": "contract"} | {
    label: label for label in ("why", "needs", "because", "blame", "accepts", "fix")
}
"""Keys of the JSON form that are lines of the text report, each with its label."""

JSON_KEYS = (
    "contract", "model", "verdict", "file", "line", "counterexample", "confirmed", "at",
    "claim", "message", "proof", "samples", "seconds", "severity", "waived", "note",
    "contract_text", "why", "needs", "because", "blame", "accepts", "fix", "cached",
)  # fmt: skip


def exit_code(verdicts: list[Verdict], strict: bool = False) -> int:
    """The exit code: 0 all contracts hold, 1 some are broken or vacuous, 2 some had an error.

    With ``strict``, ``tested`` counts as broken. Verdicts that are waived or of severity
    ``warning`` do not count.
    """
    words = {v.word for v in verdicts if v.severity != "warning" and not v.waived}
    if "error" in words:
        return 2
    return int(bool(words & {"broken", "vacuous"} or (strict and "tested" in words)))
