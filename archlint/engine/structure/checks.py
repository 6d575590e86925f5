"""Runs the structural checks of a contract."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from archlint.contracts import plugins
from archlint.contracts.suggestions import did_you_mean
from archlint.engine.structure.batch_checks import batch_never_merged, batch_preserved
from archlint.engine.structure.cost_budgets import cost_budgets
from archlint.engine.structure.model_view import ModelView
from archlint.engine.structure.module_checks import forbids, parameters
from archlint.engine.structure.pooled_before_linear import pooled_before_linear
from archlint.engine.structure.reach_check import receptive_field
from archlint.engine.structure.total_stride import total_stride
from archlint.engine.structure.violation import CannotCheck, Vacuous, Violation
from archlint.errors import ArchlintError
from archlint.runtime.user_frames import described
from archlint.symbolic.formula import disj
from archlint.symbolic.solver.solver import Unsolved

Check = Callable[[ModelView, Any], Iterable[Violation]]

BUILT_IN: dict[str, Check] = {
    "pooled_before_linear": pooled_before_linear,
    "batch_preserved": batch_preserved,
    "batch_never_merged": batch_never_merged,
    "total_stride": total_stride,
    "receptive_field": receptive_field,
    "forbids": forbids,
    "parameters": parameters,
    "costs": cost_budgets,
}
MODULES_ONLY = (forbids, parameters)


@dataclass(frozen=True)
class CheckResults:
    """What the checks of a contract found, each as one line.

    ``count``: how many checks there were. ``open``: those that the solver could not prove.
    """

    count: int
    violations: tuple[Violation, ...] = ()
    vacuous: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()


def run_checks(structure: Mapping[str, object], view: ModelView) -> CheckResults:
    """The results of all checks; a check that cannot be made does not stop the others."""
    violations: list[Violation] = []
    vacuous, unproved, errors = [], [], []
    for name, value in structure.items():
        try:
            check = _find(name)
            new = _violations(name, check, view, value)
            violations += new
            if not new and check not in MODULES_ONLY and _nothing_accepted(view):
                if view.reasons:
                    reasons = "; ".join(view.reasons)
                    raise CannotCheck(f"{name}: no path reached an output: {reasons}")
                raise Vacuous("the model accepts no size of the contract")
        except Vacuous as e:
            vacuous.append(f"{name}: {e}")
        except Unsolved as e:
            unproved.append(f"{name}: the solver gave no answer ({e})")
        except ArchlintError as e:
            errors.append(str(e))
    return CheckResults(
        len(structure), tuple(violations), tuple(vacuous), tuple(unproved), tuple(errors)
    )


def _find(name: str) -> Check:
    if name in BUILT_IN:
        return BUILT_IN[name]
    from_plugins: Mapping[str, Check] = plugins.checks()
    if name not in from_plugins:
        known = ", ".join(from_plugins) or "no plugin adds checks"
        hint = (
            did_you_mean(name, list(from_plugins)) or f"; known checks: {known}"
            if from_plugins
            else f": {known}"
        )
        raise CannotCheck(f"there is no structural check {name}{hint}")
    return from_plugins[name]


def _violations(name: str, check: Check, view: ModelView, value: object) -> list[Violation]:
    if name in BUILT_IN:
        return list(check(view, value))
    results: list[Any]
    try:
        results = list(check(view, value))
    except (Vacuous, Unsolved, ArchlintError):
        raise
    except Exception as e:
        raise CannotCheck(f"the structural check {name} failed: {described(e)}") from e
    for each in results:
        if not isinstance(each, Violation):
            what = f"the structural check {name} yielded {each!r:.80}; expected archlint.Violation"
            raise CannotCheck(what)
    return results


def _nothing_accepted(view: ModelView) -> bool:
    """Whether the model was run on symbolic sizes and is not known to accept any of them."""
    return view.explored and view.smallest(disj(*(p.accepted for p in view.accepting))) is None
