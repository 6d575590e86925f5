"""Each kind of values is within the input's bounds, and what its name says."""

import pytest
import torch

from archlint.contracts.contract import TensorInput
from archlint.engine.sampling.input_values import KINDS, build_input, values_of_round
from archlint.symbolic import symbol

T = symbol("T")
SIZES = {"T": 40}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("below", [None, 1, 7, T, T * T])
def test_integers_are_within_their_bound(kind, below):
    made = build_input(TensorInput((T, 2), "int64", below), SIZES, seed=3, values=kind)
    bound = {None: 1, T: 40, T * T: 1600}.get(below, below)
    assert made.shape == (40, 2)
    assert 0 <= int(made.min()) <= int(made.max()) < bound
    different = made.unique().numel()
    if kind == "largest":
        assert int(made.min()) == bound - 1
    elif kind == "least":
        assert int(made.max()) == 0
    elif kind == "equal":
        assert different == 1
    elif kind == "different":
        assert different == min(80, bound)
    else:
        assert int(made.max()) == bound - 1  # one is always the largest


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "complex64", "bool", "uint8"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_type_has_all_kinds(dtype, kind):
    input = [TensorInput((T,), dtype), {"more": TensorInput((), dtype)}]
    made, more = build_input(input, SIZES, seed=1, values=kind)
    assert (made.dtype, made.shape) == (getattr(torch, dtype), (40,))
    assert more["more"].shape == ()
    again, _ = build_input(input, SIZES, seed=1, values=kind)
    assert torch.equal(made, again)
    if kind in ("largest", "least", "equal"):
        assert bool((made == made[0]).all())


def test_the_rounds_begin_with_random_values_and_have_each_kind_once():
    rounds = [values_of_round(n) for n in range(8)]
    assert rounds[0] == "drawn"
    assert sorted(set(rounds)) == sorted(KINDS)
    assert all(rounds.count(k) == 1 for k in KINDS if k != "drawn")


@pytest.mark.parametrize("dtype", ["float32", "float16", "complex64", "int64", "bool"])
@pytest.mark.parametrize("kind", KINDS)
def test_inputs_lie_in_memory_as_new_tensors_do(dtype, kind):
    for shape in [(1, 1), (1, 3, 1), (2, 1, 4)]:
        made = build_input(TensorInput(shape, dtype), SIZES, seed=1, values=kind)
        assert made.stride() == torch.empty(shape).stride()
