"""Checks the receptive field: how much of the input each position of an output depends on."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from typing import Any

from archlint.engine.exploration import ExploredPath
from archlint.engine.reach.receptive_field import EVERYTHING, Field, receptive_fields
from archlint.engine.structure.model_view import ModelView
from archlint.engine.structure.violation import CannotCheck, Vacuous, Violation
from archlint.symbolic.formula import conj, eq, le, negate

_FORM = re.compile(r"\s*(>=|<=|==|>|<)\s*([0-9]{1,9})\s*")
_COMPARE: dict[str, Callable[[int, int], bool]] = {
    ">=": operator.ge, "<=": operator.le, "==": operator.eq, ">": operator.gt, "<": operator.lt,
}  # fmt: skip


def receptive_field(view: ModelView, value: Any) -> Iterator[Violation]:
    """The receptive field of every output compares with a number as ``value`` says: ``>= 224``.

    What depends on everything is as large as the input, and enough for a lower bound.
    """
    match = _FORM.fullmatch(value)
    if match is None:
        raise CannotCheck(f"receptive_field: found {value!r}, expected '>= 224' or '<= 512'")
    sign, limit = match[1], int(match[2])
    reported: set[str] = set()
    any_axis = False
    for path in view.accepting:
        for number, (spec, fields) in enumerate(receptive_fields(path.trace)):
            any_axis = any_axis or bool(fields)
            for field in fields:
                message = _message(number, field, value)
                point = _violated(view, path, field, sign, limit)
                if point is not None and message not in reported:
                    reported.add(message)
                    yield Violation(message, *view.made_at(path, spec), point)
    if view.accepting and not any_axis:
        raise Vacuous("no output depends on a spatial dimension of the input whose size may vary")


def _violated(
    view: ModelView, path: ExploredPath, field: Field, sign: str, limit: int
) -> dict[str, int] | None:
    """The smallest accepted sizes at which that does not hold; ``None`` if there are none."""
    size = field.size
    if size is None:
        raise CannotCheck(f"the receptive field along {field.axis} is not known: {field.unknown}")
    if isinstance(size, int):
        return None if _COMPARE[sign](size, limit) else view.smallest(path.accepted)
    if sign in (">=", ">"):
        return None
    length = field.length
    fits = eq(length, limit) if sign == "==" else le(length, limit - (sign == "<"))
    return view.smallest(conj(path.accepted, negate(fits)))


def _message(number: int, field: Field, value: str) -> str:
    which = "the output" if number == 0 else f"output {number}"
    seen = "the whole input" if field.size == EVERYTHING else f"{field.size} positions"
    return f"{which} depends on {seen} along {field.axis}, expected receptive_field {value.strip()}"
