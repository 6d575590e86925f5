"""Fixes as text: what each makes accepted, what it costs, and the lines to change."""

from __future__ import annotations

from archlint.contracts.contract import Contract
from archlint.contracts.size_text import size_text
from archlint.contracts.text_layout import labelled
from archlint.errors import visible
from archlint.explanation.fixes.find_fixes import Search
from archlint.explanation.fixes.proposal import Fix

_LABEL = 11  # columns


def text(contract: Contract, model: str, search: Search, seconds: float) -> str:
    """All fixes for one contract and model, without a final newline.

    ``seconds`` is the time limit of the search.
    A diff has the bytes of its file, as surrogate escapes where they are not UTF-8.
    """
    place = f"{contract.where}  " if contract.where else ""
    head = visible(f"{place}{' · '.join(filter(None, (contract.id, model)))}")
    blocks = ["\n".join(_lines(fix)) for fix in search.fixes]
    if search.unfinished:
        untried = visible(", ".join(search.unfinished))
        limit = f"the time limit of {seconds:g} s ended the search (--seconds)"
        blocks += ["\n".join(labelled({"not tried": f"{untried}\n{limit}"}, _LABEL))]
    if not search.fixes:
        return "\n".join([head, "  no proven fix found", *blocks])
    return "\n\n".join([head, *blocks])


def _lines(fix: Fix) -> list[str]:
    code = fix.proposal.code
    texts = {
        "fix": fix.title,
        "accepts": fix.accepts + ("   (proved, and no other size)" if fix.exact else "   (proved)"),
        "weights": f"the existing weights {fix.weights}",
        "ran at": ", ".join(map(size_text, fix.ran)),
        "same": f"output as before at {', '.join(map(size_text, fix.same))}" if fix.same else "",
        "updates": "; ".join(f"{c.id} to {c.clause.key}: {words}" for c, words in fix.obsolete),
        "note": "; ".join(filter(None, (fix.proposal.note, fix.note))),
    }
    if fix.narrows:
        del texts["weights"], texts["same"]
    lines = labelled({label: visible(words) for label, words in texts.items()}, _LABEL)
    if fix.edit is not None:
        for edit in (fix.edit, *fix.rule_edits):
            lines += ["", *edit.diff().rstrip("\n").split("\n")]
    elif code:
        lines += ["", *(f"    {line}".rstrip() for line in code.rstrip("\n").split("\n"))]
    return lines
