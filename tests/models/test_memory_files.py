"""Arrays and files in memory that a run writes to come back as they were."""

import io
from array import array

import pytest
import torch
from torch import nn

import archlint
from archlint.models.memory_files import memory_of, put_memory

MEMORIES = {
    "array": (lambda: array("i", [0]), lambda m: m.append(1)),
    "item": (lambda: array("f", [float("nan")]), lambda m: m.__setitem__(0, 2.0)),
    "text": (io.StringIO, lambda m: m.write("a")),
    "bytes": (lambda: io.BytesIO(b"abc"), lambda m: m.read(1)),
}


@pytest.mark.parametrize("name", MEMORIES)
def test_memory_is_put_back(name):
    make, change = MEMORIES[name]

    class Writes(nn.Module):
        def __init__(self):
            super().__init__()
            self.memory = make()

        def forward(self, x):
            first = memory_of(self.memory) == memory_of(make())
            change(self.memory)
            return x if first else x.mean(1)

    model = Writes().eval()
    had = memory_of(model.memory)
    assert (
        archlint.check(model, "N T", accepts="any N, T", output="N T", samples=2).word == "proved"
    )
    assert memory_of(model.memory) == had
    model(torch.zeros(2, 3))
    assert memory_of(model.memory) != had
    put_memory(model.memory, had)
    assert memory_of(model.memory) == had


@pytest.mark.parametrize(
    ("memory", "view"),
    [
        (array("i", [1, 2]), lambda m: torch.frombuffer(m, dtype=torch.int32)),
        (io.BytesIO(b"abcd"), lambda m: m.getbuffer()),
    ],
    ids=["array", "bytes"],
)
def test_memory_that_is_shared_stays_where_it_is(memory, view):
    had, shared = memory_of(memory), view(memory)
    for item in (9, 7):
        shared[0] = item
        assert memory_of(memory) != had
        put_memory(memory, had)
        assert memory_of(memory) == had
