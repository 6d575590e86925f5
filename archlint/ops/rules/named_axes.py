"""Elementwise operators on named axes, as in ``einx.subtract("j, i -> i j", a, b)``.

Axes of one name have one size; an operand that lacks an axis of the result is repeated along it.
Covered are names and an ellipsis, without brackets, parentheses or numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from archlint.ops.registry import RULES, NoRule, Path, TensorSpec, named_rule
from archlint.ops.rules.einsum import Labels, arranged
from archlint.ops.shapes.strides import settled
from archlint.ops.traits import Bounds
from archlint.symbolic import Size
from archlint.symbolic.formula import eq


def _register(name: str, function: Callable[..., Any], count: int = 2) -> None:
    """The rule of the operator ``name`` on ``count`` operands, which it gives to ``function``."""

    @named_rule(f"einx::{name}", bounds=Bounds.UNKNOWN)
    def rule(path: Path, description: str, *operands: Any, **settings: Any) -> Any:
        rest = {k: v for k, v in settings.items() if v is not None}
        if len(operands) != count or rest or not isinstance(description, str):
            raise NoRule("settings, or another number of operands")
        return RULES[function](path, *_views(path, description, operands))


def _views(path: Path, description: str, operands: tuple[Any, ...]) -> list[Any]:
    """The operands with the dimensions of the result; numbers as they are."""
    left, arrow, right = description.partition("->")
    texts = [text.split() for text in left.split(",")]
    if len(texts) != len(operands) or "," in right:
        raise NoRule("another number of operands than the description has")
    each = [_labels(text, operand) for text, operand in zip(texts, operands, strict=True)]
    sizes: dict[str, Size] = {}
    for labels, operand in zip(each, operands, strict=True):
        for label, size in zip(labels, getattr(operand, "dims", ()), strict=True):
            have = sizes.setdefault(label, size)
            if have != size:
                text = f"axis {label} of one size, gets {{}} and {{}}"
                path.claim(eq(have, size), text, have, size)
    target = _target(each, right.split() if arrow else None)
    if set(target) != set(sizes):
        raise NoRule("a result with other axes than the operands")
    return [
        arranged(labels, settled(path, operand), target)
        if isinstance(operand, TensorSpec)
        else operand
        for labels, operand in zip(each, operands, strict=True)
    ]


def _labels(names: list[str], operand: Any) -> Labels:
    if not all(name == "..." or name.isidentifier() for name in names):
        raise NoRule(f"axes {' '.join(names)!r}")
    if not isinstance(operand, TensorSpec):
        if names or not isinstance(operand, (int, float)):
            raise NoRule("an operand that is not a tensor")
        return ()
    more = operand.ndim - len(names)
    if "..." in names:
        at = names.index("...")
        dots = [f"...{i}" for i in range(more + 1)]
        names = [*names[:at], *dots, *names[at + 1 :]]
    if len(names) != operand.ndim or len(set(names)) != len(names):
        raise NoRule("axes that are not those of the operand, or are repeated")
    return tuple(names)


def _target(each: list[Labels], names: list[str] | None) -> Labels:
    """The axes of the result; by default those of the one operand that has all."""
    every = {label for labels in each for label in labels}
    if names is None:
        whole = list(dict.fromkeys(labels for labels in each if set(labels) == every))
        if len(whole) != 1:
            raise NoRule("no operand, or several, with all axes")
        return whole[0]
    dots = sorted(label for label in every if label.startswith("..."))
    if len(set(names)) != len(names):
        raise NoRule("repeated axes")
    return tuple(part for name in names for part in (dots if name == "..." else [name]))


for _name, _function in (
    ("add", torch.add),
    ("subtract", torch.subtract),
    ("multiply", torch.multiply),
    ("true_divide", torch.true_divide),
    ("divide", torch.divide),
    ("logical_and", torch.logical_and),
    ("logical_or", torch.logical_or),
    ("maximum", torch.maximum),
    ("minimum", torch.minimum),
    ("less", torch.less),
    ("less_equal", torch.less_equal),
    ("greater", torch.greater),
    ("greater_equal", torch.greater_equal),
    ("equal", torch.eq),
    ("not_equal", torch.not_equal),
):
    _register(_name, _function)
_register("where", torch.where, 3)
