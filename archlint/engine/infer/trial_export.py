"""Tries the code that ``export-ranges`` writes for torch.export: exports the model and runs it.

torch.export does not export every model for every range that the model accepts: it may be unable
to prove what the model requires, or add requirements of its own.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

import torch

from archlint.contracts.contract import Contract, Input, ModelRef
from archlint.contracts.nested import input_tensors
from archlint.contracts.size_text import size_text
from archlint.contracts.verdict import Verdict
from archlint.engine.artifact.artifact_points import neighbors
from archlint.engine.artifact.eager_outputs import tensors_of
from archlint.engine.artifact.runtime_process import message_of
from archlint.engine.question import Question
from archlint.engine.sampling.input_values import build_input
from archlint.engine.sampling.sizes import choose_sizes
from archlint.errors import ArchlintError
from archlint.models.targets import resolve
from archlint.runtime.deadline import TimeLimitReached, time_limit
from archlint.runtime.process_state import captured_output
from archlint.symbolic import evaluate
from archlint.symbolic.formula import holds

POINTS = 8  # inside, and as many outside
MAX_ELEMENTS = 4_000_000  # of the inputs of a run


def trial_verdict(
    contract: Contract, ref: ModelRef, *, root: Path, samples: int | None = None
) -> Verdict:
    """For a worker process: export the model and run the programs at and next to their sizes.

    The code is the file of ``contract.clause.declared``; its programs must accept the sizes of the
    clause and no others. The verdict is ``tested``, with what ran as its message, or ``broken``.
    ``details["skipped"]`` is the reason where the code cannot be tried here.
    """
    assert contract.clause.declared is not None
    code = Path(contract.clause.declared.where.file).read_text(encoding="utf-8")
    try:
        with resolve(ref, root) as source, time_limit(contract.budget.seconds), captured_output():
            verdict = _tried(code, source.for_running(contract.mode), contract)
    except TimeLimitReached:
        late = f"torch.export needs more than {contract.budget.seconds:g} s"
        verdict = Verdict("error", message=late, details={"skipped": late})
    except ArchlintError as e:
        verdict = Verdict("error", message=str(e))
    return replace(verdict, contract=contract.id, model=ref.name)


def _tried(code: str, model: torch.nn.Module, contract: Contract) -> Verdict:
    scope: dict[str, Any] = {}
    try:
        exec(code, scope)
    except ImportError as e:
        missing = f"torch {torch.__version__} lacks it ({e})"
        return Verdict("error", message=missing, details={"skipped": missing})
    try:
        made = scope["export"](model)
    except Exception as e:
        return Verdict("broken", message=f"it raises {type(e).__name__}: {message_of(e)}")
    programs = made if isinstance(made, list) else [made]
    calls = [(p.module(), list((p.example_inputs or ((), {}))[1])) for p in programs]
    inside, outside = trial_points(contract)
    for point in (*inside, *outside):
        refusal = _refusal(calls, tensors_of(build_input(contract.input, point)))
        if (refusal is None) is not (point in inside):
            at = size_text(point)
            what = f"accepts {at}" if refusal is None else f"refuses {at} ({refusal})"
            return Verdict("broken", message=f"its program {what}", counterexample=point)
    ran = f"ran at {len(inside)} of these sizes, and refused {len(outside)} outside"
    return Verdict("tested", message=f"Exported with torch {torch.__version__}: {ran}")


def trial_points(contract: Contract) -> tuple[list[dict[str, int]], list[dict[str, int]]]:
    """Sizes of the clause, and sizes next to them that are none of the clause."""
    question = Question.of(contract)
    region, names = question.premise, question.names
    declared = contract.clause.declared
    first = [declared.opt] if declared and len(declared.opt) == len(names) else []
    inside = choose_sizes(
        names, region, question.box, {}, POINTS, points=first,
        admits=lambda p: _elements(contract.input, p) <= MAX_ELEMENTS,
    )  # fmt: skip
    outside: list[dict[str, int]] = []
    for point in neighbors(inside):
        small = _elements(contract.input, point) <= MAX_ELEMENTS
        if min(point.values()) >= 1 and small and not holds(region, point):
            outside += [point] if point not in outside else []
    return inside, list(itertools.islice(outside, POINTS))


def _elements(input: Input, point: Mapping[str, int]) -> int:
    return sum(prod(evaluate(d, point) for d in part.dims) for part in input_tensors(input))


def _refusal(calls: Sequence[tuple[Any, list[str]]], tensors: Sequence[Any]) -> str | None:
    """Why the first program refuses the tensors; ``None`` if one of them accepts these.

    ``calls``: each program with the names of its arguments, none where they have only positions.
    """
    refusals = []
    for program, names in calls:
        try:
            with torch.no_grad():
                if names:
                    program(**dict(zip(names, tensors, strict=True)))
                else:
                    program(*tensors)
        except Exception as e:
            refusals.append(message_of(e))
        else:
            return None
    return refusals[0]
