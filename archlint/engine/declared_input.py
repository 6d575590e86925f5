"""The input that a deployment tool's file states, made to fit the model where the file says less.

A profile has the names of an exported model's inputs, which need not be the arguments of the model,
and most forms state no dtype.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from torch import nn

from archlint.contracts.contract import Contract, Input, TensorInput
from archlint.contracts.nested import leaves
from archlint.engine.check_run import CheckRun, any_size
from archlint.engine.explore import explore_model
from archlint.engine.input_guess import required_arguments
from archlint.engine.limited_run import limited_run
from archlint.errors import ArchlintError
from archlint.models.targets import ModelSource

_MOST = 4  # tensors of which any may be indices


def with_declared_input(contract: Contract, source: ModelSource) -> Contract:
    """The contract; one whose input is its file's with names and dtypes that the model takes.

    Tensors whose names are no arguments of the model are its arguments in the file's order. Where
    the model accepts no floats of the file's precision, which is that of an engine, they have the
    precision of its weights. Where the file states no dtype and the model accepts no floats, they
    are indices, all or some of them.
    """
    declared = contract.clause.declared
    if declared is None or declared.untyped is None:
        return contract
    try:
        with limited_run(any_size(contract), source, 0.0) as run:
            input = in_order(run.model, contract.input)
            found = next(_accepted(run, _typed(run.model, input, declared.untyped)), input)
    except ArchlintError:
        return contract  # the check reports it
    words = [f"{name} as {dtype}" for name, dtype in _changed(input, found)]
    if input is not contract.input:
        words.insert(0, "as " + ", ".join(name for name, _ in leaves(found)))
    declared = replace(declared, read_as=", ".join(words))
    return replace(contract, input=found, clause=replace(contract.clause, declared=declared))


def input_of_file(path: Path, model: nn.Module) -> Input:
    """The input that an ``.onnx`` file states, in the model's arguments.

    Raises:
        ArchlintError: it is another file, or cannot be read.
    """
    from archlint.contracts.rulefile.ranges.forms import read_profiles
    from archlint.contracts.rulefile.ranges.range_contract import contract_of_profile
    from archlint.engine.python_contracts import input_of

    if path.suffix != ".onnx":
        raise ArchlintError(f"{path}: only an .onnx file states its input")
    (profile,) = read_profiles(path)
    return in_order(model, input_of(contract_of_profile(profile).input))


def in_order(model: nn.Module, input: Input) -> Input:
    """The tensors as the model's arguments in order, if none of their names is an argument."""
    if not isinstance(input, dict):
        return input
    needed = required_arguments(model)
    if len(needed) != len(input) or set(needed) & set(input):
        return input
    return dict(zip(needed, input.values(), strict=True))


def _typed(model: nn.Module, input: Input, untyped: Sequence[str]) -> Iterator[Input]:
    """The input; with floats as the weights are; with indices: first all of them, then fewer."""
    yield input
    weights = {str(p.dtype)[6:] for p in model.parameters() if p.is_floating_point()}
    if len(weights) == 1:
        (weight,) = weights
        floats = [i for i, (_, t) in enumerate(leaves(input)) if "float" in t.dtype]
        other = _changed_at(input, floats, lambda tensor: replace(tensor, dtype=weight))
        if other != input:
            yield other
    tables = [m.num_embeddings for m in model.modules() if isinstance(m, nn.Embedding)]
    count = len(list(leaves(input)))
    if not tables or len(untyped) < count or count > _MOST:
        return

    def as_index(tensor: TensorInput) -> TensorInput:
        return replace(tensor, dtype="int64")

    for size in range(count, 0, -1):
        for chosen in itertools.combinations(range(count), size):
            yield _changed_at(input, chosen, as_index)


def _changed_at(
    input: Input, chosen: Sequence[int], change: Callable[[TensorInput], TensorInput]
) -> Input:
    """A copy of an input without nested parts, with the tensors of some positions changed."""
    if isinstance(input, TensorInput):
        return change(input)
    parts = [change(t) if i in chosen else t for i, (_, t) in enumerate(leaves(input))]
    assert isinstance(input, dict)  # an input made from a profile
    return dict(zip(input, parts, strict=True))


def _accepted(run: CheckRun, inputs: Iterator[Input]) -> Iterator[Input]:
    for input in inputs:
        try:
            if explore_model(run.with_input(input)).accepting:
                yield input
        except ArchlintError:
            continue


def _changed(before: Input, after: Input) -> Iterator[tuple[str, str]]:
    """The tensors of another dtype, and that dtype."""
    for (name, one), (_, other) in zip(leaves(before), leaves(after), strict=True):
        if one.dtype != other.dtype:
            yield name or "the input", other.dtype
