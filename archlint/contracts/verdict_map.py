"""The map of a verdict: what its report says of the accepted sizes, and the contract's sizes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from archlint.contracts.accepted_set import AcceptedSet, Refusal, region
from archlint.contracts.contract import Contract, TensorInput
from archlint.contracts.size_map import SizeMap, size_map
from archlint.errors import PhraseError
from archlint.symbolic import symbol
from archlint.symbolic.formula import Bool

if TYPE_CHECKING:
    from archlint.contracts.verdict import Verdict

_ACCEPTS = re.compile(r"(?P<sizes>.+?)   \((?P<how>exact)\)")
_CONTRACT = re.compile(r"accepts (?:any|only) (?P<sizes>.+?)(?:   output .*)?")


def verdict_map(verdict: Verdict, contract: Contract | None = None) -> SizeMap | None:
    """A map of the sizes that are known to be accepted and refused.

    Of a broken contract: what its model accepts; its sizes are those of the counterexample. Of a
    proved ``contract``: what it states. ``None`` if the verdict says neither.
    """
    if verdict.entry is not None:
        return size_map(verdict.entry)
    if verdict.word == "proved" and contract is not None:
        return _proved_map(verdict, contract)
    accepts = _ACCEPTS.fullmatch(verdict.details.get("accepts", ""))
    point = verdict.counterexample
    if accepts is None or not point:
        return None
    input = TensorInput(tuple(map(symbol, point)))
    sizes = AcceptedSet(verdict.model, "", input, accepts["sizes"], exact=True)
    return size_map(sizes, contract=_contract_sizes(verdict), mark=point)


def _proved_map(verdict: Verdict, contract: Contract) -> SizeMap | None:
    clause = contract.clause
    words = clause.text.removeprefix("any ").removeprefix("only ")
    words = "any size" if words == "size" else words
    refusals: tuple[Refusal, ...] = ()
    if clause.kind == "none":
        return None
    if clause.kind == "rejects":
        refusals, words = (Refusal(words, "", "", ""),), "no size"
    exact = clause.kind == "only"
    reasons = () if exact else ("not in the contract",)
    sizes = AcceptedSet(
        verdict.model, contract.mode, contract.input, words, exact, None, refusals, reasons
    )
    return size_map(sizes)


def _contract_sizes(verdict: Verdict) -> Bool | None:
    contract = _CONTRACT.fullmatch(verdict.details.get("contract", ""))
    if contract is None:
        return None
    try:
        return region(contract["sizes"])
    except PhraseError:
        return None
