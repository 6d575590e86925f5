"""The map of a verdict: what its report says of the accepted sizes, and the contract's sizes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from archlint.contracts.accepted_set import AcceptedSet, region
from archlint.contracts.contract import TensorInput
from archlint.contracts.size_map import SizeMap, size_map
from archlint.errors import PhraseError
from archlint.symbolic import symbol
from archlint.symbolic.formula import Bool

if TYPE_CHECKING:
    from archlint.contracts.verdict import Verdict

_ACCEPTS = re.compile(r"(?P<sizes>.+?)   \((?P<how>exact)\)")
_CONTRACT = re.compile(r"accepts (?:any|only) (?P<sizes>.+?)(?:   output .*)?")


def verdict_map(verdict: Verdict) -> SizeMap | None:
    """A map of the sizes that the model of a broken contract accepts.

    Its sizes are those of the counterexample. ``None`` if there is none, or the verdict does not
    say what the model accepts.
    """
    if verdict.entry is not None:
        return size_map(verdict.entry)
    accepts = _ACCEPTS.fullmatch(verdict.details.get("accepts", ""))
    point = verdict.counterexample
    if accepts is None or not point:
        return None
    input = TensorInput(tuple(map(symbol, point)))
    sizes = AcceptedSet(verdict.model, "", input, accepts["sizes"], exact=True)
    return size_map(sizes, contract=_contract_sizes(verdict), mark=point)


def _contract_sizes(verdict: Verdict) -> Bool | None:
    contract = _CONTRACT.fullmatch(verdict.details.get("contract", ""))
    if contract is None:
        return None
    try:
        return region(contract["sizes"])
    except PhraseError:
        return None


__all__ = ["verdict_map"]
