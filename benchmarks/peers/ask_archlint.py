"""archlint: its verdict, once as a decision alone and once as ``archlint check`` gives it."""

from __future__ import annotations

from typing import Any

from torch import nn

import archlint
from archlint.contracts.size_text import size_text
from archlint.contracts.verdict import Verdict
from archlint.engine import pipeline
from archlint.engine.python_contracts import contract_of, source_of

from .answer import Answer
from .case import Case


def ask(case: Case, model: nn.Module) -> Answer:
    """The decision: the real model does not run, and a breach comes without advice."""
    contract = contract_of(**_words(case))
    with source_of(model) as source:
        return _answer(pipeline.check_source(contract, source, samples=0))


def ask_in_full(case: Case, model: nn.Module) -> Answer:
    """The real model runs as well, and a breach comes with what is accepted and checked fixes."""
    return _answer(archlint.check(model, **_words(case)))


def _words(case: Case) -> dict[str, Any]:
    """The contract in the words of a rule file."""
    inputs: dict[str, Any] = {
        name: {"shape": text, "dtype": "int64", "below": case.below[name]}
        if name in case.below
        else text
        for name, text in case.inputs.items()
    }
    kind, _, words = case.clause.partition(" ")
    return {
        "input": inputs["x"] if set(inputs) == {"x"} else inputs,
        kind: words,
        "output": case.output,
        "mode": case.mode,
    }


def _answer(verdict: Verdict) -> Answer:
    holds = {"proved": True, "broken": False}.get(verdict.word)
    at = size_text(verdict.counterexample or {})
    told = f"{verdict.word} at {at}" if at else verdict.word
    return Answer(holds, told if holds is not None else f"{told}: {verdict.message:.100}")
