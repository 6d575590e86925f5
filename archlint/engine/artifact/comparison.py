"""An exported model beside the model: where do they differ, and at which sizes first?"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from archlint.contracts.accepted_set import input_text
from archlint.contracts.contract import Artifact, Contract, Input, ModelRef, TensorInput
from archlint.contracts.nested import leaves
from archlint.contracts.settings import shorten
from archlint.contracts.size_text import size_text
from archlint.contracts.text_layout import counted
from archlint.contracts.verdict import Samples, Verdict
from archlint.engine.artifact.artifact_differences import (
    KINDS,
    PLAIN,
    Comparison,
    Difference,
    difference,
    equal,
    percent,
)
from archlint.engine.artifact.artifact_notes import note_on
from archlint.engine.artifact.artifact_points import inside_points, outside_points, refuses_none
from archlint.engine.artifact.artifact_process import ArtifactProcess
from archlint.engine.artifact.eager_outputs import eager_outputs
from archlint.engine.artifact.runtimes import runtime_of
from archlint.engine.check_run import CheckRun, any_size
from archlint.engine.declared_input import input_of_file
from archlint.engine.exploration import Exploration
from archlint.engine.explore import explore_model
from archlint.engine.question import Question
from archlint.engine.verdicts import contract_lines
from archlint.errors import ArchlintError
from archlint.runtime.effort_clock import now, passed

POINTS = 20  # inside, and as many outside
EXAMPLES = 3  # sizes that are listed for a kind
MIN_SECONDS = 60.0  # for a load or a run; half of the contract's limit if that is more
MAX_SHUFFLED = 6  # inputs with other names whose order is found by their shapes


def compare(
    run: CheckRun, exploration: Exploration, artifact: Artifact, deadline: float
) -> Comparison:
    """Run the artifact and the model at sizes inside of the contract, and just outside.

    ``exploration`` is of all sizes; ``run`` has the contract. Each size is run in a fresh request
    and in one that ran at accepted sizes just before. ``deadline`` is a time of
    :mod:`.effort_clock`.

    Raises:
        ArchlintError: the artifact cannot be found or loaded, or takes other inputs.
    """
    path = _located(artifact, run.contract)
    runtime = runtime_of(path, artifact.runtime)
    inside = inside_points(exploration, run.question, POINTS, deadline)
    if not inside:
        raise ArchlintError("the model accepts none of these sizes, so there is nothing to compare")
    outside = outside_points(exploration, inside, POINTS) if artifact.outside == "refuses" else []
    model = run.source.for_running(run.contract.mode)
    input = run.contract.input
    limit = max(MIN_SECONDS, run.contract.budget.seconds / 2)
    with ArtifactProcess(runtime, path, limit) as process:
        process.load()
        order = _order(process, input, path)
        tensors = [tensor for _, tensor in leaves(input)]
        result = Comparison(process.version, inputs=process.inputs, shapes=process.shapes,
                            tensors=[tensors[i] for i in order])  # fmt: skip
        if not outside and artifact.outside == "refuses":
            result.refuses_none = refuses_none(exploration, deadline)
        pair = _Pair(process, artifact, robust=runtime == "torch-export")
        start = now()
        # Accepted sizes first: what runs at refused ones may leave the process damaged.
        for points, end in ((inside, start + (deadline - start) / 2), (outside, deadline)):
            for seed, point in enumerate(points):
                if passed(end):
                    result.stopped = "the time limit was reached"
                    break
                arrays, expected = eager_outputs(model, input, point, seed, process.outputs)
                if isinstance(expected, str) is (points is inside):
                    raise ArchlintError(_disagreement(point, expected))
                arrays = [arrays[i] for i in order]
                wanted = None if isinstance(expected, str) else expected
                result.differences += pair.differences(point, arrays, wanted)
                result.outside += wanted is None
                result.inside += wanted is not None
    return result


@dataclass
class _Pair:
    """A fresh and a reused request of one artifact.

    ``base`` are inputs and the artifact's output at sizes where it returned the model's shapes; the
    reused request runs there before each point. ``robust``: the artifact runs PyTorch's own
    kernels, so a size that the model refuses leaves its process undamaged.
    """

    process: ArtifactProcess
    artifact: Artifact
    robust: bool
    base: tuple[list[Any], Sequence[Any]] | None = None

    def differences(
        self, point: dict[str, int], arrays: list[Any], expected: list[Any] | None
    ) -> Iterator[Difference]:
        """How the artifact differs at these sizes; ``expected`` is ``None`` if the model refuses.

        After refused sizes the reused request must still return what it returned before. If the
        artifact ran there, the next point gets a process of its own.
        """
        limit = float("inf") if self.artifact.shapes_only else self.artifact.tolerance
        answer = self.process.run(arrays, reused=False)
        found = difference(point, answer, expected, (), limit, reused=False)
        agrees = expected is not None and (found is None or found.kind == "values")
        if self.base is None and agrees:
            self.base = (arrays, answer.outputs)
        if found is not None:
            yield found
            if found.kind == "crash":
                return
        previous = self._run_base()
        if self.base is not None and self.base[0] is arrays:
            previous = ()  # the same inputs: the output must be the same
        answer = self.process.run(arrays, reused=True)
        again = difference(point, answer, expected, previous, limit, reused=True)
        if again is not None:
            yield again
        if expected is not None:
            return
        if self.base is not None and not answer.ended:
            after = self.process.run(self.base[0], reused=True)
            if not equal(after.outputs, self.base[1], self.artifact.tolerance):
                what = after.ended or after.error or "the next call returned another output"
                yield Difference("after", point, what, True)
                self.process.restart()
        if not self.robust and (answer.ran or found is not None):
            self.process.restart()

    def _run_base(self) -> Sequence[Any]:
        return () if self.base is None else self.process.run(self.base[0], reused=True).outputs


def _explore_stated_input(run: CheckRun, error: ArchlintError) -> tuple[CheckRun, Exploration]:
    """What the model accepts of the input that its artifact states. Else raises ``error``."""
    assert run.contract.artifact is not None
    if run.contract.input != []:
        raise error
    try:
        path = _located(run.contract.artifact, run.contract)
        stated = run.with_input(input_of_file(path, run.model))
        exploration = explore_model(stated)
    except ArchlintError:
        raise error from None
    if not exploration.accepting:
        raise error
    return stated, exploration


def _disagreement(point: dict[str, int], expected: list[Any] | str) -> str:
    """The model itself does not do what was proved: a bug of archlint."""
    at = size_text(point)
    what = f"refuses {at} ({expected})" if isinstance(expected, str) else f"accepts {at}"
    return f"the model {what}, but the opposite was proved: report this as a bug in archlint"


def _order(process: ArtifactProcess, input: Input, path: Path) -> list[int]:
    """For each input of the artifact, the argument of the model.

    By name; with other names in the model's order, or in the only order in which the shapes fit.
    """
    names, arguments = process.inputs, list(leaves(input))
    known = [name for name, _ in arguments]
    if names and set(names) <= set(known):
        return [known.index(name) for name in names]
    order = list(range(len(arguments)))
    if names and len(names) != len(arguments):
        raise ArchlintError(
            f"{path} has the inputs {', '.join(names)}, and the model "
            f"{', '.join(a or 'one tensor' for a in known)}; use --input with the same names"
        )
    if len(process.shapes) != len(arguments) or len(arguments) > MAX_SHUFFLED:
        return order
    orders = [
        list(o)
        for o in itertools.permutations(order)
        if all(_fits(arguments[i][1], s) for i, s in zip(o, process.shapes, strict=True))
    ]
    return orders[0] if order not in orders and len(orders) == 1 else order  # fmt: skip


def _fits(argument: TensorInput, shape: Sequence[int | None]) -> bool:
    return len(argument.dims) == len(shape) and all(
        wanted is None or not isinstance(dim, int) or dim == wanted
        for dim, wanted in zip(argument.dims, shape, strict=True)
    )


def _located(artifact: Artifact, contract: Contract) -> Path:
    """The artifact, relative to the rule file. ``ArchlintError`` if there is none."""
    folder = Path(contract.where.file).parent if contract.where else Path()
    path = folder / artifact.path
    if not path.is_file():
        raise ArchlintError(f"{path}: this file does not exist")
    return path


def with_artifact(verdict: Verdict, run: CheckRun) -> Verdict:
    """The verdict on sizes, and on the contract's artifact if it has one.

    ``proved`` becomes ``tested`` at best: what a runtime does at other sizes is not known.
    """
    artifact = run.contract.artifact
    if artifact is None or verdict.word not in ("proved", "tested"):
        return verdict
    if run.samples == 0:
        message = "not proved: the artifact was not run (sampling is off)"
        details = contract_lines(run.contract) | {"not proved": message.partition(": ")[2]}
        return replace(verdict, word="tested", message=message, details=details)
    wide = any_size(run.contract)
    exploration = explore_model(replace(run, contract=wide, question=Question.of(wide)))
    return compared_verdict(verdict, run, exploration, artifact)


def compared_verdict(
    verdict: Verdict, run: CheckRun, exploration: Exploration, artifact: Artifact
) -> Verdict:
    """``verdict`` with what the comparison found: ``tested``, ``broken`` or ``error``."""
    try:
        result = compare(run, exploration, artifact, run.deadline)
    except ArchlintError as e:
        return replace(verdict, word="error", message=str(e), details={"reason": str(e)})
    lines = contract_lines(run.contract)
    lines["artifact"] = f"{shorten(Path(artifact.path))}   ({result.version}, a process of its own)"
    compared = f"{result.inside} accepted and {result.outside} refused sizes"
    if result.refuses_none:
        compared = f"{result.inside} accepted sizes (the model refuses none)"
    how = "shapes only" if artifact.shapes_only else f"values to {percent(artifact.tolerance)}"
    compared += f", each in a fresh and in a reused request; {how}"
    if result.stopped:
        compared += f"; {result.stopped}"
    samples = Samples(result.inside + result.outside)
    kinds = [kind for kind in KINDS if result.of_kind(kind)]
    if not kinds:
        message = f"not proved: agrees with the model at {compared}"
        lines |= {"agrees": compared}
        return replace(verdict, word="tested", message=message, details=lines, samples=samples)
    first = result.of_kind(kinds[0])[0]
    lines |= {"fails at": _sizes_text(first)}
    for kind in kinds:
        lines[kind] = _kind_text(result.of_kind(kind), kind)
    note = note_on(result)
    if note:
        lines["note"] = note
    lines["compared"] = compared
    what = first.text if first.kind in PLAIN else f"{KINDS[first.kind]}: {first.text}"
    message = f"{size_text(first.sizes)}: {what}"
    return replace(verdict, word="broken", message=message, details=lines, samples=samples,
                   counterexample=dict(first.sizes), confirmed=True)  # fmt: skip


def _sizes_text(difference: Difference) -> str:
    how = "in a reused request" if difference.reused else "in a fresh request"
    return f"{size_text(difference.sizes)}   (smallest of those run; {difference.text}, {how})"


def _kind_text(differences: Sequence[Difference], kind: str) -> str:
    """One line for the kind, one for each example: the smallest, and the largest or the worst."""
    shown = list(differences[:EXAMPLES])
    last = max(differences, key=lambda d: d.amount) if kind == "values" else differences[-1]
    if last not in shown:
        shown[-1] = last
    lines = [f"{KINDS[kind]}, at {counted(len(differences), 'size')}"]
    for d in shown:
        reused = "   (reused request)" if d.reused else ""
        lines.append(f"{d.text} at {size_text(d.sizes)}{reused}")
    return "\n".join(lines)


def artifact_verdict(
    contract: Contract, ref: ModelRef, *, root: Path, samples: int | None = None
) -> Verdict:
    """For a worker process of ``compare-artifact``: the comparison without a check of the sizes.

    An empty input of the contract is guessed; if the model does not accept the guess, it is the
    one that the artifact states.
    """
    from archlint.engine.input_guess import explore_accepted_input
    from archlint.engine.limited_run import limited_run
    from archlint.models.targets import resolve

    start = time.monotonic()
    assert contract.artifact is not None
    more = contract.budget.seconds
    try:
        with (
            resolve(ref, root) as source,
            limited_run(any_size(contract), source, more) as first,
        ):
            try:
                wide, exploration = explore_accepted_input(first)
            except ArchlintError as e:
                wide, exploration = _explore_stated_input(first, e)
            own = replace(contract, input=wide.contract.input)
            run = replace(wide, contract=own, question=Question.of(own))
            verdict = compared_verdict(Verdict("tested"), run, exploration, contract.artifact)
            if contract.input == []:
                used = {"input": input_text(own.input)}
                verdict = replace(verdict, details=used | verdict.details)
    except ArchlintError as e:
        verdict = Verdict("error", message=str(e), details={"reason": str(e)})
    seconds = round(time.monotonic() - start, 3)
    return replace(verdict, contract=contract.id, model=ref.name, seconds=seconds,
                   severity=contract.severity)  # fmt: skip
