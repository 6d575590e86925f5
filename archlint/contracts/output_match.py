"""Compares an output with the shape in a contract: as formulas, or as numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from archlint.contracts.contract import ANY_SIZE, ANY_SIZES, Output, TensorOutput, Wildcard
from archlint.contracts.text_layout import counted
from archlint.symbolic import Size, evaluate
from archlint.symbolic.formula import Bool, conj, eq


class NamedFields(list[Any]):
    """The parts of a named tuple, with their field names."""

    def __init__(self, parts: Iterable[Any], names: tuple[str, ...]) -> None:
        super().__init__(parts)
        self.names = names

    def __reduce__(self) -> tuple[Any, ...]:
        return NamedFields, (list(self), self.names)


def keep_names(parts: Iterable[Any], like: list[Any]) -> list[Any]:
    """``parts`` as a list, with the field names of ``like`` if it has any."""
    return NamedFields(parts, like.names) if isinstance(like, NamedFields) else list(parts)


@dataclass(frozen=True)
class OutputRequirement:
    """One condition on the output.

    ``formula`` is the condition. ``text`` describes it, with any ``{}`` for ``sizes``; of
    a size that differs these are the size of the output and the expected one.
    ``where``: the part of a nested output. ``open``: why it is unknown, if it depends on tensor
    values; ``formula`` is then meaningless.
    """

    formula: Bool
    text: str
    sizes: tuple[Size, ...] = ()
    where: str = ""
    open: str = ""

    def needs(self) -> str:
        """The text with sizes as formulas."""
        return self.text.format(*self.sizes)

    def gets(self, env: Mapping[str, int]) -> str:
        """The text with sizes as numbers, at the sizes ``env``."""
        return self.text.format(*(evaluate(s, env) for s in self.sizes))


def output_requirements(
    expected: Output, actual: Any, where: str = "output"
) -> list[OutputRequirement]:
    """The conditions under which ``actual`` has the shape ``expected``.

    ``actual`` is nested lists and dicts whose leaves are tuples of sizes. A named tuple
    (:class:`NamedFields`) matches a list by position and a mapping by field name.
    """
    if isinstance(expected, TensorOutput):
        return _tensor_requirements(expected, actual, where)
    if isinstance(expected, list):
        if not isinstance(actual, list) or len(actual) != len(expected):
            return [_never(where, f"to be a list of {len(expected)}", _kind(actual))]
        parts = enumerate(zip(expected, actual, strict=True))
        return [d for i, (e, a) in parts for d in output_requirements(e, a, f"{where}[{i}]")]
    if isinstance(actual, NamedFields):
        actual = dict(zip(actual.names, actual, strict=True))
    if not isinstance(actual, dict):
        return [_never(where, "to be a mapping", _kind(actual))]
    found: list[OutputRequirement] = []
    for key, inner in expected.items():
        if key not in actual:
            have = ", ".join(map(str, actual)) or "nothing"
            found.append(_never(where, f"to have the key {key}", have))
        else:
            found += output_requirements(inner, actual[key], f"{where}[{key}]")
    return found


def output_formula(expected: Output | None, actual: Any) -> Bool:
    """The conjunction of all conditions on the output; true if ``expected`` is ``None``."""
    return (
        True
        if expected is None
        else conj(*(d.formula for d in output_requirements(expected, actual)))
    )


def _tensor_requirements(
    expected: TensorOutput, actual: Any, where: str
) -> list[OutputRequirement]:
    if not isinstance(actual, tuple):
        return [_never(where, f"to be one tensor {expected.text}", _kind(actual))]
    want = list(expected.dims)
    shown = _shown(actual)
    least = ""
    if ANY_SIZES in want:
        i = want.index(ANY_SIZES)
        want[i : i + 1] = [ANY_SIZE] * max(0, len(actual) - (len(want) - 1))
        least = "at least "
    clause = f"expected {where} {expected.text or 'a scalar'}"
    if len(want) != len(actual):
        have = f"{shown} ({counted(len(actual), 'size')})" if actual else shown
        wanted = f"{expected.text or 'a scalar'} ({least}{counted(len(want), 'size')})"
        return [_never(where, wanted, have)]
    found = []
    for size, have in zip(want, actual, strict=True):
        if size is not ANY_SIZE:
            assert not isinstance(size, Wildcard)
            if have is ANY_SIZE:
                why = f"{clause}, got {shown}: tensor values determine whether a size is {size}"
                found.append(OutputRequirement(True, "", (), where, why))
                continue
            formula = eq(have, size)
            text = _escaped(f"{clause}, got {shown}")
            found.append(OutputRequirement(formula, text, (have, size), where))
    return found


def _never(where: str, expected: str, actual: str) -> OutputRequirement:
    text = f"expected {where} {expected}, got {actual}"
    return OutputRequirement(False, _escaped(text), (), where)


def _escaped(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _shown(dims: tuple[Size, ...]) -> str:
    return " ".join(map(str, dims)) or "a scalar"


def _kind(actual: Any) -> str:
    if isinstance(actual, tuple):
        return f"one tensor {_shown(actual)}"
    if isinstance(actual, list):
        return f"a list of {len(actual)}"
    if isinstance(actual, dict):
        return "a mapping with " + ", ".join(map(str, actual))
    return "nothing" if actual is None else f"a {actual}"
