"""Constructors that ask where their weights are, or what values they have, by a build without."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from archlint.models.meta_weights import NeedsValues, build_lean


def caught(read):
    def ask(weight):
        try:
            return read(weight)
        except Exception:
            return False

    return ask


CPU = torch.device("cpu")
WHERE = {
    "is_cpu": lambda w: w.is_cpu,
    "is_meta": lambda w: not w.is_meta,
    "device": lambda w: w.device == CPU,
    "get_device": lambda w: w.get_device() == torch.get_device(w) == -1,
    "made there": lambda w: torch.zeros(3, device=w.device).is_cpu,
    "large": lambda w: torch.zeros(3000, device=w.device).is_cpu,
    "moved there": lambda w: w.to(w.device).is_cpu and w.to("cpu", torch.half).is_cpu,
    "kept there": lambda w: w.to(device="cpu") is w.cpu() is w,
    "new": lambda w: w.new_zeros(3).is_cpu,
}
READ = {
    "address": lambda w: w.data_ptr() != 0,
    "storage": lambda w: w.untyped_storage().data_ptr() != 0,
    "type": lambda w: w.type() == "torch.FloatTensor",
    "text": lambda w: "meta" not in repr(w),
    "numpy": lambda w: w.detach().numpy() is not None,
    "item": lambda w: w.sum().item() > -1e9,
    "caught item": caught(lambda w: w.sum().item() > -1e9),
    "caught bool": caught(lambda w: bool((w > -100).all())),
    "really meta": lambda w: torch.zeros(3, device="meta").is_meta and w.to("meta").is_meta,
}


class Asks(nn.Module):
    """``holds`` tells whether ``ask`` holds for weights, and for what is computed from them."""

    def __init__(self, ask):
        super().__init__()
        self.linear = nn.Linear(3, 2048)
        self.register_buffer("table", torch.zeros(4096))
        weight = self.linear.weight
        self.holds = all(map(ask, (weight, self.table, weight.detach()[:5], weight * 2)))


@pytest.mark.parametrize("name", WHERE)
def test_weights_are_on_the_cpu_for_a_constructor_that_asks(name):
    assert Asks(WHERE[name]).holds
    model, _ = build_lean(partial(Asks, WHERE[name]))
    assert model.holds
    assert model.linear.weight.is_meta


@pytest.mark.parametrize("name", READ)
def test_a_constructor_that_reads_weights_is_run_with_all(name):
    assert Asks(READ[name]).holds
    with pytest.raises((NeedsValues, RuntimeError, TypeError)):
        build_lean(partial(Asks, READ[name]))
