"""Contracts in Python: ``archlint.check(model, input="N 3 H W", accepts="any H, W >= 32")``.

The arguments are the keys of a rule file and mean the same: they are read as a rule file of one
contract.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from archlint.contracts.contract import ANNOTATED
from archlint.contracts.verdict import Verdict
from archlint.engine.python_contracts import contract_of, mistake_in_arguments, source_of
from archlint.errors import ArchlintError, needing_torch

if TYPE_CHECKING:
    from torch import nn

    from archlint.engine.python_contracts import Shapes


def check(
    model: nn.Module | str,
    input: Shapes | None = None,
    *,
    accepts: str | None = None,
    rejects: str | None = None,
    output: Shapes | None = None,
    structure: Mapping[str, object] | None = None,
    costs: Mapping[str, str] | None = None,
    mode: str = "eval",
    samples: int | None = None,
) -> Verdict:
    """Check, for all input sizes at once, whether a contract holds for ``model``.

    ``model`` is an ``nn.Module`` (left unchanged) or a target such as ``"pkg.mod:factory"``. The
    other arguments are the keys of a contract in a rule file; without any, the contract is that of
    the jaxtyping annotations of the model's ``forward``. ``samples`` is the number of sizes at
    which the real model runs (0: never). The verdict is true if the contract holds; an error in the
    model is an ``error`` verdict. Raises ``ArchlintError`` with every mistake in the arguments.
    """
    __tracebackhide__ = mistake_in_arguments
    with needing_torch():
        import torch  # noqa: F401
    words = {"input": input, "accepts": accepts, "rejects": rejects, "output": output,
             "structure": structure, "costs": costs}  # fmt: skip
    if all(value is None for value in words.values()):
        plain = contract_of(input="N", accepts="any size", mode=mode)  # checks the mode
        contract = replace(ANNOTATED, id="", mode=plain.mode)
    else:
        contract = contract_of(**words, mode=mode)
    from archlint.engine.annotated_contract import with_annotations
    from archlint.engine.verdicts import error_verdict
    from archlint.explanation.advice import check_source

    try:
        with source_of(model) as source:
            contract = with_annotations(contract, source)
            return check_source(contract, source, samples=samples)
    except ArchlintError as e:
        name = model if isinstance(model, str) else type(model).__name__
        return replace(error_verdict(contract, str(e)), model=name)
