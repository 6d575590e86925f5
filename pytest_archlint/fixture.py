"""Contracts in Python tests: the fixture ``archlint`` and the marker of the same name."""

from __future__ import annotations

import inspect
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from archlint.errors import ArchlintError, Location
from pytest_archlint.options import SETTINGS
from pytest_archlint.outcome import Failed

if TYPE_CHECKING:
    from torch import nn

    from archlint.contracts.verdict import Verdict

    Shapes = str | Mapping[str, Any] | Sequence[Any]


class Checker:
    """The value of the fixture."""

    def __init__(self, item: pytest.Item) -> None:
        self._item = item
        _skip_if_off(item)

    def check(
        self,
        model: nn.Module | str,
        input: Shapes | None = None,
        *,
        accepts: str | None = None,
        rejects: str | None = None,
        output: Shapes | None = None,
        structure: Mapping[str, object] | None = None,
        mode: str = "eval",
        samples: int | None = None,
    ) -> Verdict:
        """Check a contract of the model for all sizes; the test fails if it does not hold.

        The arguments are the keys of a contract in a rule file. Returns the verdict if the contract
        holds. Raises ``ArchlintError`` if an argument does not parse.
        """
        __tracebackhide__ = True
        frame = sys._getframe(1)
        where = Location(frame.f_code.co_filename, frame.f_lineno)
        words = {"input": input, "accepts": accepts, "rejects": rejects, "output": output}
        words |= {"structure": structure, "mode": mode}
        return _check(self._item, where, model, words, samples)


def _skip_if_off(item: pytest.Item) -> None:
    if not item.config.stash[SETTINGS].on:
        pytest.skip("archlint is switched off (--no-archlint)")


def check_returned(item: pytest.Function, marks: Sequence[pytest.Mark]) -> bool:
    """Call a marked function and check its model against the contracts of its marks.

    Returns true, which tells pytest that the function has been called.
    """
    __tracebackhide__ = True
    _skip_if_off(item)
    names = inspect.signature(item.obj).parameters
    model = item.obj(**{name: item.funcargs[name] for name in item.funcargs if name in names})
    if model is None:
        pytest.fail(
            f"{item.name} has the archlint marker with a contract, so it must return a model", False
        )
    path, line, _ = item.reportinfo()
    where = Location(str(path), (line or 0) + 1)
    for mark in marks:
        try:
            bound = inspect.signature(Checker.check).bind(item, model, *mark.args, **mark.kwargs)
        except TypeError as e:
            raise _wrong_mark(item, e) from None
        words = {k: v for k, v in bound.arguments.items() if k not in ("self", "model", "samples")}
        try:
            _check(item, where, model, words, bound.arguments.get("samples"))
        except ArchlintError as e:
            raise _wrong_mark(item, e) from None
    return True


def _wrong_mark(item: pytest.Function, error: Exception) -> BaseException:
    failed: BaseException = Failed(f"@pytest.mark.archlint of {item.name}: {error}", pytrace=False)
    return failed


def _check(
    item: pytest.Item,
    where: Location,
    model: nn.Module | str,
    words: Mapping[str, object],
    samples: int | None,
) -> Verdict:
    __tracebackhide__ = True
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # importing torch must not fail under -W error
        from archlint.engine.python_contracts import contract_of, source_of
        from pytest_archlint.check_item import check_contract

    try:
        contract = contract_of(**words)
    except ArchlintError as e:
        raise ArchlintError(str(e)) from None  # raised here, the traceback ends in the test
    contract = replace(contract, id=item.name, where=where)
    return check_contract(item, contract, lambda: source_of(model), samples)
