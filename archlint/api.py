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

    Without ``accepts``, ``rejects``, ``structure`` and ``costs``, ``input`` included, the contract
    is that of the jaxtyping annotations of the model's ``forward``.

    Args:
        model: an ``nn.Module``, which is left unchanged, or a target such as ``"pkg.mod:factory"``.
        input: what ``forward`` gets, as in a rule file: ``"N 3 H W"``, or by argument,
            ``{"ids": {"shape": "N T", "dtype": "int64", "below": 100}}``. A name is a size that may
            vary, from 1.
        accepts: ``"any P"``, all sizes with P are accepted; ``"only P"``, those and no others.
        rejects: ``"any P"``, no size with P is accepted.
        output: the shape that comes out, in the names of ``input``: ``"N 10"``, nested as it is.
        structure: structural checks, ``{"batch_preserved": True}``.
        costs: limits on operations, parameters or bytes of activations, ``{"flops": "<= 20e9"}``.
        mode: ``"eval"`` or ``"train"``.
        samples: at how many sizes the real model runs; 0 for none, by default 8.

    Returns:
        The verdict, which is true if the contract holds; its text is the report. An error in the
        model is a verdict too, with the word ``error``.

    Raises:
        ArchlintError: there are mistakes in the arguments; the message has all of them.
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
