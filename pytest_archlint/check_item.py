"""Checks one contract inside pytest. The engine, and with it torch, is imported here."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

from archlint.contracts.contract import Contract
from archlint.contracts.verdict import Verdict
from archlint.errors import NEEDS_TORCH, ArchlintError
from pytest_archlint.options import SETTINGS
from pytest_archlint.outcome import ContractBroken, UnusedWaiver, report_verdict

if TYPE_CHECKING:
    from archlint.models.targets import ModelSource

OpenSource = Callable[[], "AbstractContextManager[ModelSource]"]


_REPORTED = pytest.StashKey[bool]()


def require_torch(config: pytest.Config) -> None:
    """Fail the item if PyTorch is not installed, and skip the items after it: one message."""
    __tracebackhide__ = True
    if find_spec("torch") is not None:
        return
    if config.stash.get(_REPORTED, False):
        pytest.skip("archlint needs PyTorch")
    config.stash[_REPORTED] = True
    pytest.fail(NEEDS_TORCH, pytrace=False)


def check_contract(
    item: pytest.Item, contract: Contract, open_source: OpenSource, samples: int | None = None
) -> Verdict:
    """Check ``contract`` for the model of ``open_source``, and report the verdict for ``item``.

    Returns the verdict if the item passes; else raises what pytest is to report.
    """
    __tracebackhide__ = True
    require_torch(item.config)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # importing torch must not fail under -W error
        from archlint.engine.pipeline import check_source
        from archlint.engine.verdicts import error_verdict
        from archlint.explanation.advice import with_advice

    option = item.config.stash[SETTINGS].samples
    samples = samples if option is None else option
    cause: BaseException | None = None
    forward_error: BaseException | None = None
    name = getattr(getattr(item, "ref", None), "name", "")
    try:
        with open_source() as source:
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
                    forward_error = _forward_error(contract, source, verdict)
    except ArchlintError as e:
        verdict, cause = error_verdict(contract, str(e)), e.__cause__
    verdict = replace(verdict, model=name)
    adopt = getattr(item, "apply_adoption", None)  # only items of rule files have it
    verdict, unused = adopt(verdict) if adopt else (verdict, [])
    try:
        verdict = report_verdict(item, verdict, cause)
        for entry in unused:
            report_verdict(item, entry, broken=UnusedWaiver)
        return verdict
    except ContractBroken as e:
        if forward_error is not None:  # --pdb opens in the model, where it raised
            raise e.with_traceback(forward_error.__traceback__) from None
        raise


def _build_error(contract: Contract, source: ModelSource, verdict: Verdict) -> BaseException | None:
    """The exception that building the model raised; the verdict has only its text."""
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
    """The exception that the real model raises at the counterexample, with its traceback."""
    import torch

    from archlint.engine.sampling.input_values import build_input
    from archlint.runtime.process_state import preserve_process_state

    if verdict.counterexample is None:
        return None
    model = source.for_running(contract.mode)
    inputs: Any = build_input(contract.input, verdict.counterexample)
    try:
        with preserve_process_state(), torch.no_grad():
            model(**inputs) if isinstance(inputs, dict) else model(inputs)
    except Exception as e:
        return e
    return None
