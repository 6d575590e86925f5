"""Run a contract's structural checks on what was seen of the model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from archlint.contracts import plugins
from archlint.contracts.suggestions import did_you_mean
from archlint.engine.structure.batch_checks import batch_never_merged, batch_preserved
from archlint.engine.structure.model_view import ModelView
from archlint.engine.structure.module_checks import forbids, parameters
from archlint.engine.structure.pooled_before_linear import pooled_before_linear
from archlint.engine.structure.total_stride import total_stride
from archlint.engine.structure.violation import CannotCheck, Vacuous, Violation
from archlint.errors import ArchlintError
from archlint.runtime.user_frames import described
from archlint.symbolic.formula import disj
from archlint.symbolic.solver.solver import Unsolved

Check = Callable[[ModelView, Any], Iterable[Violation]]

OURS: dict[str, Check] = {
    "pooled_before_linear": pooled_before_linear,
    "batch_preserved": batch_preserved,
    "batch_never_merged": batch_never_merged,
    "total_stride": total_stride,
    "forbids": forbids,
    "parameters": parameters,
}
MODULES_ONLY = (forbids, parameters)


@dataclass(frozen=True)
class Inspected:
    """What the checks of a contract say; ``open`` are those that the solver did not decide."""

    count: int
    violations: tuple[Violation, ...] = ()
    vacuous: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()


def inspect(structure: Mapping[str, object], seen: ModelView) -> Inspected:
    """The answers of all checks, each by itself: one that cannot be made stops no other."""
    violations: list[Violation] = []
    vacuous, unsettled, errors = [], [], []
    for name, asked in structure.items():
        try:
            check = _find(name)
            found = _checked(name, check, seen, asked)
            violations += found
            if not found and check not in MODULES_ONLY and _nothing_accepted(seen):
                if seen.reasons:
                    reasons = "; ".join(seen.reasons)
                    raise CannotCheck(f"{name}: no path was followed to an output: {reasons}")
                raise Vacuous("the model accepts no size that the contract names")
        except Vacuous as e:
            vacuous.append(f"{name}: {e}")
        except Unsolved as e:
            unsettled.append(f"{name}: the solver gave no answer ({e})")
        except ArchlintError as e:
            errors.append(str(e))
    return Inspected(
        len(structure), tuple(violations), tuple(vacuous), tuple(unsettled), tuple(errors)
    )


def _find(name: str) -> Check:
    if name in OURS:
        return OURS[name]
    theirs: Mapping[str, Check] = plugins.checks()
    if name not in theirs:
        known = ", ".join(theirs) or "no plugin has checks"
        hint = (
            did_you_mean(name, list(theirs)) or f"; there are {known}" if theirs else f": {known}"
        )
        raise CannotCheck(f"there is no structural check {name}{hint}")
    return theirs[name]


def _checked(name: str, check: Check, seen: ModelView, asked: object) -> list[Violation]:
    if name in OURS:
        return list(check(seen, asked))
    found: list[Any]
    try:
        found = list(check(seen, asked))
    except (Vacuous, Unsolved, ArchlintError):
        raise
    except Exception as e:
        raise CannotCheck(f"the structural check {name} failed: {described(e)}") from e
    for each in found:
        if not isinstance(each, Violation):
            what = f"the structural check {name} gave {each!r:.80}; expected archlint.Violation"
            raise CannotCheck(what)
    return found


def _nothing_accepted(seen: ModelView) -> bool:
    """Whether the model ran on symbolic sizes and is not known to accept any of them."""
    return seen.explored and seen.smallest(disj(*(w.accepted for w in seen.accepting))) is None
