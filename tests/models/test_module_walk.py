"""The modules of a model, as ``modules()`` gives them."""

import pytest
import torch
from torch import nn

from archlint.models.module_walk import modules_of


def shared():
    layer = nn.Linear(2, 2)
    model = nn.Sequential(layer, nn.Sequential(nn.ReLU(), layer), nn.ModuleDict({"a": nn.ReLU()}))
    model.register_module("nothing", None)
    model[2].back = nn.ModuleList([model[1]])
    return model


class Hiding(nn.Sequential):
    def named_modules(self, *args, **kwargs):
        raise AssertionError("code of the model")


@pytest.mark.filterwarnings("ignore:.torch.jit")
@pytest.mark.parametrize(
    "make", [shared, nn.ReLU, lambda: torch.jit.script(nn.Sequential(nn.ReLU(), nn.ReLU()))]
)
def test_as_torch_walks(make):
    model = make()
    found = modules_of(model)
    assert found[0] is model
    assert sorted(map(id, found)) == sorted(map(id, model.modules()))


def test_no_code_of_the_model_runs():
    model = Hiding(nn.ReLU())
    assert modules_of(model) == [model, model[0]]
