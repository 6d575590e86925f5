"""What one path knows about the sizes: from the region, from its branches and from its claims."""

from __future__ import annotations

from dataclasses import dataclass

from archlint.contracts.region import bounds_of
from archlint.symbolic import Size, Unknown
from archlint.symbolic.equalities import Equalities
from archlint.symbolic.formula import (
    Bool,
    Comparison,
    Formula,
    Junction,
    eq,
    known_truth,
    map_comparisons,
    negate,
    simplify,
)
from archlint.symbolic.intervals import Box
from archlint.symbolic.products import factored
from archlint.symbolic.quantify_unknowns import for_all, unknowns_in


@dataclass(frozen=True)
class SavedFacts:
    """The facts at one point of the path, for :meth:`Facts.restore`."""

    truth: dict[Formula, bool]
    equalities: Equalities
    narrow: Box


class Facts:
    """The formulas that hold on a path, and the sizes that they make equal.

    ``box`` bounds the sizes from the start. ``narrow`` is ``box`` with the bounds learned so far.
    ``unknowns`` is the path's list of unknown numbers: while it is empty, no formula names one.
    """

    def __init__(self, box: Box, unknowns: list[str]) -> None:
        self.box = box
        self.narrow = box
        self.unknowns = unknowns
        self.equalities = Equalities()
        self._truth: dict[Formula, bool] = {}
        self._saved: SavedFacts | None = None  # the facts as they are now, once they were saved
        self._factored: tuple[Box, dict[tuple[Comparison, bool], Bool]] = (box, {})

    def save(self) -> SavedFacts:
        """The facts as they are now."""
        if self._saved is None:
            self._saved = SavedFacts(dict(self._truth), self.equalities.copy(), self.narrow)
        return self._saved

    def restore(self, saved: SavedFacts) -> None:
        """Forget everything learned since ``saved``."""
        self._truth, self.equalities = dict(saved.truth), saved.equalities.copy()
        self.narrow, self._saved = saved.narrow, saved

    def known(self, formula: Bool) -> bool | None:
        """Whether the formula holds for all sizes of the path; ``None`` if that is not known."""
        if isinstance(formula, bool):
            return formula
        known = self._of_part(formula)
        if known is not None:
            return known
        plain = self.rewritten(formula)
        known = known_truth(plain, self._of_part)
        if known is None and isinstance(plain, Junction):  # perhaps the cases of a product
            whole = self._without_cases(formula)
            known = None if whole is plain else known_truth(whole, self._of_part)
        if known is None and self.unknowns and unknowns_in(plain):
            for sufficient, truth in zip(self.for_all_values(plain), (True, False), strict=True):
                if known_truth(self.rewritten(sufficient), self._of_part):
                    return truth
        return known

    def rewritten(self, formula: Bool) -> Bool:
        """The formula in simpler terms, as far as the facts allow them."""
        return map_comparisons(self.equalities.simplify_formula(formula), self._in_factors)

    def _without_cases(self, formula: Bool) -> Bool:
        """As :meth:`rewritten`, but with products whole, not split into cases."""
        return map_comparisons(self.equalities.simplify_formula(formula), self._whole)

    def open_part(self, formula: Bool) -> Bool:
        """The part of the formula that is not known yet, with fewer comparisons where possible."""
        by_cases = simplify(self.rewritten(formula), self._of_part)
        if not isinstance(by_cases, Junction):
            return by_cases
        whole = simplify(self._without_cases(formula), self._of_part)
        return whole if _comparisons(whole) < _comparisons(by_cases) else by_cases

    def for_all_values(self, formula: Bool) -> tuple[Bool, Bool]:
        """Where the formula holds, and where it fails, whatever its unknown numbers are."""
        return for_all(formula, self.narrow), for_all(negate(formula), self.narrow)

    def learn(self, formula: Formula, truth: bool) -> list[Formula]:
        """Add a fact; yields the parts of a conjunction, which the caller must learn in turn."""
        self._saved = None
        self._truth[formula] = truth
        opposite = negate(formula)
        if isinstance(opposite, Formula):
            self._truth[opposite] = not truth
        learned = formula if truth else opposite
        if isinstance(learned, Junction) and learned.op == "and":
            return [part for part in learned.args if isinstance(part, Formula)]
        if self.unknowns and unknowns_in(learned):
            written = self.equalities.simplify_formula(learned)
            if unknowns_in(written) and not _defines_unknown(written):
                return []
        if isinstance(learned, Comparison) and learned.op == ">=":
            if self.box.interval(learned.expr)[1] == 0:
                learned = eq(learned.expr, 0)  # it is at least 0, and never more
            self.narrow = self.narrow.within(bounds_of(learned))
        self.equalities.add(learned)
        return []

    def simplified(self, size: Size) -> Size:
        """The same size, written more simply where the equalities allow that."""
        return self.equalities.simplify_size(size)

    def _of_part(self, formula: Formula) -> bool | None:
        truth = self._truth.get(formula)
        return self.narrow.decide(formula) if truth is None else truth

    def _in_factors(self, comparison: Comparison) -> Bool:
        return self._in_terms(comparison, True)

    def _whole(self, comparison: Comparison) -> Bool:
        return self._in_terms(comparison, False)

    def _in_terms(self, comparison: Comparison, by_cases: bool) -> Bool:
        box, known = self._factored
        if box is not self.narrow:
            box, known = self._factored = self.narrow, {}
        result = known.get((comparison, by_cases))
        if result is None:
            result = factored(comparison, box, by_cases=by_cases)
            if result is not comparison:
                again = self._in_factors if by_cases else self._whole
                result = map_comparisons(result, again)
            known[comparison, by_cases] = result
        return result


def _comparisons(formula: Bool) -> int:
    if isinstance(formula, Junction):
        return sum(map(_comparisons, formula.args))
    return 1 if isinstance(formula, Comparison) else 0


def _defines_unknown(formula: Bool) -> bool:
    """Whether the formula bounds an unknown or gives its value.

    Other formulas with unknowns are no facts about sizes: no size is written with unknowns.
    """
    if not isinstance(formula, Comparison):
        return False
    terms = formula.expr.terms
    if formula.op == "==":
        return any(len(m) == 1 and abs(c) == 1 and isinstance(m[0], Unknown) for m, c in terms)
    return len(terms) == 1
