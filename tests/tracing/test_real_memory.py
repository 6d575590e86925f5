"""Which writes to real tensors a part of a run makes that were there before it."""

from __future__ import annotations

import torch

from archlint.tracing.real_memory import RealMemory
from archlint.tracing.tensors.specs import places_of


def noted(memory, given, result, writes=False):
    memory.note(places_of(given), places_of(result), writes)
    return result


def test_memory_from_before_is_told_from_memory_that_was_made_since():
    memory, outside = RealMemory(), torch.zeros(4)
    early = noted(memory, (), torch.ones(4))
    mark = memory.mark()
    made = noted(memory, (), torch.ones(4))
    view = noted(memory, (made,), made[1:])
    noted(memory, (view, 2.0), view, writes=True)
    assert memory.written_since(mark) == []
    noted(memory, (early[:2],), early, writes=True)
    noted(memory, (outside,), outside, writes=True)
    found = memory.written_since(mark)
    assert [t.data_ptr() for t in found] == [early.data_ptr(), outside.data_ptr()]
    assert memory.written_since(memory.mark()) == []


def test_tensors_without_elements_are_none_of_it():
    memory = RealMemory()
    weight = torch.zeros(4, device="meta")
    mark = memory.mark()
    noted(memory, (weight,), weight, writes=True)
    assert memory.written_since(mark) == []


def test_a_tensor_of_a_transform_may_have_any_memory():
    memory = RealMemory()

    def function(x):
        made = noted(memory, (x,), x * 2)
        mark = memory.mark()
        noted(memory, (made,), made.add_(1), writes=True)
        assert len(memory.written_since(mark)) == 1
        return made

    torch.func.vjp(function, torch.zeros(4))
