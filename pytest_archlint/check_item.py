"""Deciding one contract inside pytest. The engine, and with it torch, is imported here."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from archlint.contracts.contract import Contract
from archlint.contracts.verdict import Verdict
from archlint.errors import ArchlintError
from pytest_archlint.options import SETTINGS
from pytest_archlint.outcome import ContractBroken, WaivedInVain, settle

if TYPE_CHECKING:
    from archlint.models.targets import ModelSource

Find = Callable[[], "AbstractContextManager[ModelSource]"]


def decide(
    item: pytest.Item, contract: Contract, find: Find, samples: int | None = None
) -> Verdict:
    """The verdict on ``contract`` for the model that ``find`` finds, settled for ``item``."""
    __tracebackhide__ = True
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # importing torch must not fail under -W error
        from archlint.engine.pipeline import check_source
        from archlint.engine.verdicts import error_verdict
        from archlint.explanation.advice import with_advice

    chosen = item.config.stash[SETTINGS].samples
    samples = samples if chosen is None else chosen
    cause: BaseException | None = None
    at_breach: BaseException | None = None
    name = getattr(getattr(item, "ref", None), "name", "")
    try:
        with find() as source:
            verdict = check_source(contract, source, samples=samples)
            name = name or source.name
            if verdict.word == "error":
                cause = _build_error(contract, source, verdict)
            elif verdict.word == "broken":
                ref = getattr(item, "ref", None)
                root = item.root() if ref else None  # type: ignore[attr-defined]
                verdict = with_advice(
                    verdict, contract, source, samples=samples, ref=ref, root=root
                )
                if item.config.get_verbosity() >= 2:
                    from pytest_archlint.violation_chain import with_chain

                    verdict = with_chain(verdict, contract, source)
                if item.config.getoption("usepdb", False):
                    at_breach = _forward_error(contract, source, verdict)
    except ArchlintError as e:
        verdict, cause = error_verdict(contract, str(e)), e.__cause__
    verdict = replace(verdict, model=name)
    adopt = getattr(item, "adopted", None)  # that of a rule file's items
    verdict, stale = adopt(verdict) if adopt else (verdict, [])
    try:
        verdict = settle(item, verdict, cause)
        for vain in stale:
            settle(item, vain, broken=WaivedInVain)
        return verdict
    except ContractBroken as e:
        if at_breach is not None:  # --pdb then opens in the model, where it raised
            raise e.with_traceback(at_breach.__traceback__) from None
        raise


def _build_error(contract: Contract, source: ModelSource, verdict: Verdict) -> BaseException | None:
    """What the model's own code raised as it was built: the verdict has only its text."""
    from archlint.runtime.deadline import TimeLimitReached, time_limit

    try:
        with time_limit(2 * verdict.seconds + 1):
            source.for_running(contract.mode)
    except (TimeLimitReached, ArchlintError) as e:
        return e.__cause__
    return None


def _forward_error(
    contract: Contract, source: ModelSource, verdict: Verdict
) -> BaseException | None:
    """What the real model raises at the counterexample, with its frames."""
    import torch

    from archlint.engine.sampling.real_run import build_input
    from archlint.runtime.process_state import preserve_process_state

    if verdict.counterexample is None:
        return None
    model = source.for_running(contract.mode)
    given: Any = build_input(contract.input, verdict.counterexample)
    try:
        with preserve_process_state(), torch.no_grad():
            model(**given) if isinstance(given, dict) else model(given)
    except Exception as e:
        return e
    return None
