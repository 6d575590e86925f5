"""Functions compiled again: also copies of functions under another name."""

from __future__ import annotations

from types import FunctionType

import torch
from torch import nn

import archlint
from archlint.tracing.loops.rewriting import rewritten


class Base(nn.Module):
    def __init_subclass__(cls):
        """Give each class a copy of ``forward`` with a code of its own, as kornia does."""
        old = cls.forward
        code = old.__code__.replace(co_name=f"{cls.__name__}.forward")
        cls.forward = FunctionType(code, old.__globals__, "forward", old.__defaults__)

    def forward(self, x):
        kept = {}
        for t in range(x.shape[1]):
            kept[f"{x.shape[1]}x{4}"] = x[:, t] * 2
        return kept[f"{x.shape[1]}x4"], kept.get(f"{8}x{4}", x)


class Copied(Base):
    pass


def test_a_copy_under_another_name_is_compiled_again():
    code = Copied.forward.__code__
    assert code.co_name == "Copied.forward"
    new = rewritten(code, keys=True)
    assert new is not None
    assert new.code.co_name == "Copied.forward"
    assert new.sites == rewritten(Base.forward.__code__, keys=True).sites


def test_its_keys_and_loops_are_followed():
    found = archlint.infer(Copied(), "N T 4")
    assert found.exact, found.reasons
    for size in (1, 7, 8, 9):
        shapes = [tuple(out.shape) for out in Copied()(torch.zeros(2, size, 4))]
        assert list(map(tuple, found.output(N=2, T=size))) == shapes


class Counted(torch.nn.Module):
    """Asks shapes, and what is no shape, how many elements there are."""

    def forward(self, x):
        count = x.shape[1:].numel()
        rows = torch.Size((x.shape[0], 2)).numel()
        return x.view(x.shape.numel()), x.new_zeros(count * x.numel(), rows), self.numel()

    def numel(self):
        return 3


def test_the_number_of_elements_of_a_shape_is_a_formula():
    found = archlint.infer(Counted(), "N T C")
    assert found.exact
    assert found.text == "any size"
    shapes = found.output(N=2, T=3, C=5)
    assert [list(shape) for shape in shapes[:2]] == [[30], [450, 4]]
