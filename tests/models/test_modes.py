"""Modes of modules that are set without their code, and where that is not possible."""

import pytest
from torch import nn

from archlint.models.modes import have_plain_modes, set_plainly
from archlint.models.module_walk import modules_of


class Overrides(nn.Module):
    def train(self, mode=True):
        return self


class Hides(nn.Module):
    def children(self):
        return iter(())


def frozen():
    layer = nn.ReLU()
    layer.train = lambda mode=True: layer
    return layer


@pytest.mark.parametrize("training", [True, False])
def test_plain_modules_are_set_as_train_sets_them(training):
    model = nn.Sequential(nn.ReLU(), nn.Sequential(nn.Dropout()).train(not training))
    assert set_plainly(modules_of(model), training)
    assert {module.training for module in model.modules()} == {training}


@pytest.mark.parametrize("make", [Overrides, Hides, frozen])
def test_modules_whose_code_would_run_are_not_set(make):
    model = nn.Sequential(nn.ReLU(), make()).train()
    assert not have_plain_modes(modules_of(model))
    assert not set_plainly(modules_of(model), False)
    assert all(module.training for module in model.modules())
