"""Contracts that the jaxtyping annotations of ``forward`` state."""

from __future__ import annotations

from dataclasses import replace

from archlint.contracts.contract import Contract
from archlint.models.annotations.forward import read_annotations
from archlint.models.targets import ModelSource


def with_annotations(contract: Contract, source: ModelSource) -> Contract:
    """The contract; an ``annotated`` one with the input and the output of the model's annotations.

    Raises ``ArchlintError`` if there are none, or if a contract cannot state them.
    """
    if not contract.annotated:
        return contract
    with source.importable():
        stated = read_annotations(source.for_tracing(contract.mode))
    return replace(contract, input=stated.input, output=stated.output, where=stated.where)
