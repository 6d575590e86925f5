"""Reads the ``costs:`` of a contract: ``flops: <= 20e9 at N=1 H=224 W=224``."""

from __future__ import annotations

import re
from decimal import Decimal

from archlint.contracts.contract import Input
from archlint.contracts.cost_budget import COSTS, CostBudget, unit_factor
from archlint.contracts.region import input_symbols
from archlint.contracts.rulefile.grammar import symbols_of
from archlint.contracts.rulefile.mistake_collector import MistakeCollector
from archlint.contracts.rulefile.phrase_parser import parse_clause
from archlint.contracts.rulefile.yaml_source import Place
from archlint.contracts.suggestions import did_you_mean
from archlint.errors import PhraseError
from archlint.symbolic import symbol
from archlint.symbolic.formula import Bool, conj, eq

_LIMIT = re.compile(
    r"\s*<=\s*([0-9]{1,18}(?:\.[0-9]{1,9})?(?:e[0-9]{1,2})?)\s*((?:[kKMGT]i?)?B\b)?\s*"
)
_UNIT = re.compile(r"(?i)(?:k|m|g|t|kilo|mega|giga|tera)i?(?:b|bytes?|flops?|macs?)?|bytes?|flops?")
_NUMBER = "a number of {} without a unit, such as 20e9"
_SIZE = re.compile(r"(?<!\w)([A-Za-z_]\w*)\s*=\s*([0-9]{1,9})")
_FORMS = "'<= 20e9', '<= 20e9 at N=1 H=224 W=224' or '<= 2 GiB for N <= 16 and H, W <= 1024'"


def read_costs(
    collector: MistakeCollector, place: Place, value: object, inputs: Input | None
) -> tuple[CostBudget, ...]:
    """The budgets at ``place``; those with mistakes are left out."""
    if not isinstance(value, dict):
        return ()
    if not value:
        collector.add(place, "found costs without a budget", f"one of {', '.join(COSTS)}", key=True)
    budgets = []
    for kind, text in value.items():
        if kind not in COSTS or not isinstance(text, str):
            continue  # reported by the schema
        at: Place = (*place, kind)
        try:
            budget = _budget(kind, text, input_symbols(inputs) if inputs else ())
        except PhraseError as e:
            collector.add_phrase(at, text, e)
            continue
        if inputs is None and kind != "parameters":
            collector.add(at, f"found {kind} without an input", "input: such as N 3 H W", key=True)
        budgets.append(budget)
    return tuple(budgets)


def _budget(kind: str, text: str, names: tuple[str, ...]) -> CostBudget:
    match = _LIMIT.match(text)
    if match is None:
        raise PhraseError(f"found {text.strip()!r:.40}", _FORMS, 1)
    number, unit = match.groups()
    if unit and kind != "activations":
        raise PhraseError(f"found the unit {unit!r}", _NUMBER.format(kind), match.start(2) + 1)
    limit = int(Decimal(number) * unit_factor(unit or "B"))
    rest, column = text[match.end() :], match.end() + 1
    word = rest.split(" ", 1)[0]
    if _UNIT.fullmatch(word):
        example = "bytes such as 2 GiB or 512 MB" if kind == "activations" else _NUMBER.format(kind)
        raise PhraseError(f"found the unit {word!r:.40}", example, column)
    if not rest:
        return CostBudget(kind, limit, True, None, text.strip())
    if kind == "parameters" or word not in ("at", "for"):
        expected = "the end" if kind == "parameters" else "'at' sizes, or 'for' a condition"
        raise PhraseError(f"found {word!r:.40}", expected, column)
    after = rest[len(word) :]
    if word == "at":
        point = _point(after, column + len(word), names)
        where: Bool = conj(*(eq(symbol(n), v) for n, v in point))
        return CostBudget(kind, limit, where, point, text.strip())
    try:
        where = parse_clause("any" + after, "accepts").region
    except PhraseError as e:
        raise PhraseError(e.found, e.expected, e.column + column + len(word) - 4) from None
    for name, start in symbols_of(after).items() if names else ():
        if name not in names:
            found = f"found {name!r}, which is not a size of the input{did_you_mean(name, names)}"
            raise PhraseError(found, f"one of {', '.join(names)}", start + column + len(word) - 1)
    return CostBudget(kind, limit, where, None, text.strip())


def _point(text: str, start: int, names: tuple[str, ...]) -> tuple[tuple[str, int], ...]:
    found = _SIZE.findall(text)
    sizes = {name: int(value) for name, value in found}
    left = _SIZE.sub("", text).replace(",", "").strip()
    expected = (
        f"a size for each of {', '.join(names)}, as in '{names[-1]}=224'" if names else "sizes"
    )
    if left or len(sizes) < len(found) or (names and sizes.keys() != set(names)):
        raise PhraseError(f"found {text.strip()!r:.60}", expected, start + 1)
    return tuple((name, sizes[name]) for name in names or sizes)
