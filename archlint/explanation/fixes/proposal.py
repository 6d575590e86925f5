"""A proposed fix, and the result of trying it: it is applied, proved and run."""

from __future__ import annotations

import difflib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from archlint.contracts.contract import Budget, Contract, TensorInput
from archlint.engine.infer.infer import infer_source
from archlint.engine.pipeline import check_source
from archlint.engine.sampling.real_run import build_input, run_at
from archlint.errors import ArchlintError
from archlint.explanation.fixes.broken_contract import BrokenContract
from archlint.models.snapshot import keep
from archlint.models.targets import ModelSource
from archlint.runtime.process_state import preserve_process_state
from archlint.runtime.user_frames import shown

SAMPLES = 2  # sizes at which a fixed model runs, besides one that failed and one that did not


@dataclass(frozen=True)
class Edit:
    """A file before and after."""

    file: Path
    before: str
    after: str

    def diff(self) -> str:
        """A unified diff, ending in a newline."""
        name = shown(str(self.file)).lstrip("/")
        lines = difflib.unified_diff(
            self.before.splitlines(keepends=True),
            self.after.splitlines(keepends=True),
            f"a/{name}",
            f"b/{name}",
        )
        return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)

    def write(self) -> None:
        """Change the file. ``ArchlintError`` if it has changed since."""
        if self.file.read_text(encoding="utf-8") != self.before:
            raise ArchlintError(f"{shown(str(self.file))} has changed; nothing was written")
        self.file.write_text(self.after, encoding="utf-8")

    @property
    def installed(self) -> bool:
        """Whether the file belongs to an installed package rather than to a project."""
        return "site-packages" in self.file.parts


@dataclass(frozen=True)
class Proposal:
    """A fix that is not tried yet: ``source`` makes the fixed model.

    ``contract`` must then hold. ``edit`` changes the user's lines, ``code`` is to be added; either
    may be missing. ``note`` names side effects. ``narrows``: the contract changes, not the model.
    """

    title: str
    contract: Contract
    source: ModelSource
    edit: Edit | None = None
    code: str = ""
    note: str = ""
    narrows: bool = False


@dataclass(frozen=True)
class Fix:
    """A fix that was applied to a copy of the model, proved, and run.

    ``accepts``: what the fixed model accepts, ``exact``: and nothing else. ``weights``: whether the
    existing weights still fit. ``ran``: the sizes at which the fixed model ran. ``same``: sizes
    accepted before, at which the output still has the same values.
    """

    title: str
    accepts: str
    exact: bool
    weights: str
    ran: tuple[dict[str, int], ...]
    same: dict[str, int] | None
    edit: Edit | None
    code: str
    note: str
    narrows: bool

    def summary(self) -> str:
        """One line, for the report of a violation."""
        if self.narrows:
            return f"{self.title}   (checked)"
        return f"{self.title}: accepts {self.accepts}   (checked)"


def try_fix(proposal: Proposal, broken: BrokenContract, seconds: float) -> Fix | None:
    """Apply the proposal, check its contract, and run it; ``None`` if any of it fails.

    The sizes that were refused must be accepted now, if the contract still includes them.
    ``seconds`` bounds the effort.
    """
    contract, accepted = proposal.contract, broken.accepted_point
    start = time.monotonic()
    try:
        verdict = check_source(contract, proposal.source, samples=SAMPLES)
        if verdict.word != "proved":
            return None
        left = max(1.0, seconds - (time.monotonic() - start))
        budget = Budget(128, left, contract.budget.memory)
        acceptance = infer_source(proposal.source, contract.input, contract.mode, budget)
        fixed = proposal.source.for_running(contract.mode)
        before = broken.source.for_running(contract.mode)
    except ArchlintError:
        return None
    ran = []
    for sizes in (broken.violation.point, accepted):
        if sizes is None or acceptance.accepts(**sizes) is not True:
            continue
        outcome = run_at(fixed, contract.input, sizes, contract.budget.memory)
        if outcome.accepted is False:
            return None
        if outcome.accepted:
            ran.append(dict(sizes))
    if not verdict.samples.run and not ran:
        return None
    fits = _fits(before, fixed)
    same = None
    if accepted is not None and not fits.startswith("no"):
        same = dict(accepted) if _same(before, fixed, contract, accepted) else None
    return Fix(
        proposal.title,
        acceptance.text,
        acceptance.exact,
        fits,
        tuple(ran),
        same,
        proposal.edit,
        proposal.code,
        proposal.note,
        proposal.narrows,
    )


def patched(original: ModelSource, name: str, change: Any) -> ModelSource:
    """The original's models after ``change(model)``, which returns the changed model."""
    return ModelSource(name, lambda: change(original.for_running()))


def _fits(before: nn.Module, fixed: nn.Module) -> str:
    """Whether ``fixed`` can load the weights of ``before``; if it can, it has them afterwards."""
    state = before.state_dict()
    for target, words in ((fixed, "fit"), (getattr(fixed, "model", None), "fit, under `model`")):
        if isinstance(target, nn.Module):
            try:
                target.load_state_dict(state)
            except (RuntimeError, KeyError):
                continue
            return words
    wanted = fixed.state_dict()
    misfits = [k for k in state if k not in wanted or wanted[k].shape != state[k].shape]
    misfits += [k for k in wanted if k not in state]
    return f"no longer fit: {', '.join(misfits[:3])}"


def _same(
    before: nn.Module, fixed: nn.Module, contract: Contract, sizes: Mapping[str, int]
) -> bool:
    """Whether both give the same values. Random layers of training mode would not."""
    outputs = []
    for model in (before.eval(), fixed.eval()):
        inputs = build_input(contract.input, sizes)
        with preserve_process_state(), keep(model), torch.no_grad():
            try:
                made = model(**inputs) if isinstance(inputs, dict) else model(inputs)
            except Exception:
                return False
        outputs.append(list(_tensors(made)))
    one, other = outputs
    return len(one) == len(other) and all(
        a.shape == b.shape and torch.allclose(a, b, atol=1e-5)
        for a, b in zip(one, other, strict=True)
    )


def _tensors(output: Any) -> Iterator[torch.Tensor]:
    if isinstance(output, torch.Tensor):
        yield output
    elif isinstance(output, Mapping):
        for value in output.values():
            yield from _tensors(value)
    elif isinstance(output, (list, tuple)):
        for value in output:
            yield from _tensors(value)


def spatial(contract: Contract) -> int:
    """How many sizes of one image-like input follow its batch and channels; 0 for other inputs."""
    if not isinstance(contract.input, TensorInput) or contract.input.dtype != "float32":
        return 0
    return max(0, len(contract.input.dims) - 2)
