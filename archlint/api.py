"""Contracts in Python: ``archlint.check(model, input="N 3 H W", accepts="any H, W >= 32")``.

The words are those of a rule file and mean the same: a check is read as a rule file of one
contract.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from archlint.contracts.verdict import Verdict
from archlint.engine.python_contracts import contract_of, source_of
from archlint.errors import ArchlintError

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
    mode: str = "eval",
    samples: int | None = None,
) -> Verdict:
    """Decide, for all sizes at once, whether ``model`` keeps a promise about its input sizes.

    ``model`` is an ``nn.Module`` (left as it is) or a target such as ``"pkg.mod:factory"``; the
    rest are the words of a rule file. The verdict is true when the contract holds; what goes wrong
    with the model is an ``error`` verdict. A phrase that does not parse raises ``ArchlintError``.
    """
    contract = contract_of(
        input=input, accepts=accepts, rejects=rejects, output=output, structure=structure, mode=mode
    )
    from archlint.engine.verdicts import error_verdict
    from archlint.explanation.advice import check_source

    try:
        with source_of(model) as source:
            return check_source(contract, source, samples=samples)
    except ArchlintError as e:
        name = model if isinstance(model, str) else type(model).__name__
        return replace(error_verdict(contract, str(e)), model=name)
