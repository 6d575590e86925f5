"""The boxes of sizes that a model accepts, for the profiles of deployment tools."""

from __future__ import annotations

import inspect
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from torch import nn

from archlint.contracts.accepted_set import input_as_yaml, input_text
from archlint.contracts.contract import Contract, Input, ModelRef
from archlint.contracts.region import input_symbols, ordinary_sizes
from archlint.contracts.size_text import size_text
from archlint.contracts.suggestions import did_you_mean
from archlint.contracts.verdict import Verdict
from archlint.engine.check_run import CheckRun
from archlint.engine.describe.describe import describe
from archlint.engine.describe.largest_box import GoodBox, largest_box, typical_member
from archlint.engine.describe.restrict import simplified
from archlint.engine.exploration import Exploration
from archlint.engine.explore import explore_model
from archlint.engine.input_guess import likely_inputs
from archlint.engine.limited_run import limited_run
from archlint.errors import ArchlintError
from archlint.models.targets import ModelSource, resolve
from archlint.runtime.effort_clock import now
from archlint.symbolic.formula import Bool, conj, holds, negate
from archlint.symbolic.solver.solver import Unsolved

MAX_PIECES = 8
BOXES = 20.0  # seconds for the boxes, after the exploration
LONGEST = 300  # characters of a description


def boxes_verdict(
    contract: Contract, ref: ModelRef, *, root: Path, samples: int | None = None
) -> Verdict:
    """For a worker process: boxes of accepted sizes inside the contract's clause.

    ``contract.clause.declared.opt``: sizes that the first box is to contain. The result is JSON in
    ``details["boxes"]``, as :func:`boxes_of` returns it. The real model does not run.
    """
    start = time.monotonic()
    try:
        with resolve(ref, root) as source, limited_run(contract, source, BOXES) as run:
            result = _boxes(run, source)
    except ArchlintError as e:
        verdict = Verdict("error", message=str(e))
    else:
        verdict = Verdict("proved", details={"boxes": json.dumps(result)})
    took = round(time.monotonic() - start, 3)
    return replace(verdict, contract=contract.id, model=ref.name, seconds=took)


def _boxes(run: CheckRun, source: ModelSource) -> dict[str, Any]:
    wished = dict(run.contract.clause.declared.opt) if run.contract.clause.declared else {}
    region = run.contract.clause.region
    named = set(wished) | (set() if isinstance(region, bool) else set(region.symbols()))
    inputs = [run.contract.input] if run.contract.input != [] else likely_inputs(run.model)
    tried = []
    for input in inputs:
        unknown = sorted(named - set(input_symbols(input)))
        if unknown:
            near = did_you_mean(unknown[0], input_symbols(input))
            tried.append(f"{unknown[0]!r} is not a size of the input {_shown(input)}{near}")
            continue
        guess = run.with_input(input)
        exploration = explore_model(guess)
        if exploration.accepting or len(inputs) == 1:
            return {"parameters": _parameters(run.model)} | boxes_of(
                exploration, input, wished, now() + BOXES / 2
            )
        tried.append(f"{_shown(input)} is refused ({exploration.paths[0].trace.error})")
    raise ArchlintError(f"{'; '.join(tried)}; --input states another input")


def _shown(input: Input) -> str:
    return input_text(input)


def boxes_of(
    exploration: Exploration, input: Input, wished: Mapping[str, int], deadline: float
) -> dict[str, Any]:
    """The accepted sizes as boxes, JSON data.

    ``accepts`` are the sizes in words, ``exact``: and no others inside the region. ``plain`` and
    ``steps`` are boxes without and with multiples: ``boxes`` are spans by name, ``lost`` are the
    accepted sizes outside of them, in words.

    Raises:
        ArchlintError: no size is known to be accepted, or the wished sizes are refused.
    """
    names, box = exploration.names, exploration.box
    accepted = simplified(conj(exploration.accepted, exploration.region), box)
    words = describe(names, box, accepted, solver_deadline=deadline)
    try:
        point = _start(exploration, accepted, wished, deadline)
        kinds = {
            kind: _pieces(exploration, accepted, point, deadline, steps=kind == "steps")
            for kind in ("plain", "steps")
        }
    except Unsolved as e:
        raise ArchlintError(f"no box of accepted sizes was proved in time ({e})") from None
    return {
        "names": list(names),
        "input": input_as_yaml(input),
        "accepts": words.text if len(words.text) <= LONGEST else "",
        "exact": exploration.covered and words.exact,
        **kinds,
    }


def _start(
    exploration: Exploration, accepted: Bool, wished: Mapping[str, int], deadline: float
) -> dict[str, int]:
    """The wished sizes, completed with typical ones: a batch of 2, images of 224."""
    names, box = exploration.names, exploration.box
    typical = ordinary_sizes(names, exploration.batch, 224)
    for name, (low, high) in box.ranges.items():
        value = max(typical[name], low or 0)
        typical[name] = value if high is None else min(value, high)
    for wish in (typical | dict(wished), dict(wished)):
        point = typical_member(names, box, accepted, wish, deadline)
        if point is not None and all(point[n] == v for n, v in wished.items()):
            return point
    if typical_member(names, box, accepted, {}, deadline) is None:
        raise ArchlintError("the model accepts none of these sizes")
    at = size_text(wished)
    if len(wished) == len(names) and not holds(exploration.region, wished):
        raise ArchlintError(f"opt {at} is outside of the range")
    raise ArchlintError(f"the model refuses opt {at}")


def _pieces(
    exploration: Exploration,
    accepted: Bool,
    point: dict[str, int],
    deadline: float,
    *,
    steps: bool,
) -> dict[str, Any]:
    """Boxes that cover all accepted sizes, or only the first if a few do not."""
    names, box = exploration.names, exploration.box
    first = largest_box(names, box, accepted, point, deadline, steps=steps)
    rest = simplified(conj(accepted, negate(first.formula())), box)
    boxes = [first]
    left = rest
    while len(boxes) <= MAX_PIECES:
        start = typical_member(names, box, left, point, deadline)
        if start is None:
            return {"boxes": list(map(_spans, boxes)), "largest": first.largest, "lost": ""}
        boxes.append(largest_box(names, box, accepted, start, deadline, steps=steps))
        left = conj(left, negate(boxes[-1].formula()))
    words = describe(names, box, rest, solver_deadline=deadline)
    lost = words.text if words.exact and len(words.text) <= LONGEST else ""
    if not lost:
        example = typical_member(names, box, rest, {}, deadline)
        lost = f"sizes such as {size_text(example or {})}"
    return {"boxes": [_spans(first)], "largest": first.largest, "lost": lost}


def _spans(box: GoodBox) -> dict[str, Any]:
    return {name: asdict(span) for name, span in box.spans.items()}


def _parameters(model: nn.Module) -> list[str]:
    """The names of the arguments of ``forward``."""
    try:
        return list(inspect.signature(model.forward).parameters)
    except (TypeError, ValueError):
        return []
