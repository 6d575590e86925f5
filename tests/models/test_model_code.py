"""The code of a model is the same whether its copy tells what it holds, or its modules are read."""

from __future__ import annotations

import copy
from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.parameter import UninitializedParameter

from archlint.contracts.contract import TensorInput
from archlint.errors import TargetError
from archlint.models.code_places import code_places
from archlint.models.meta_weights import lean_copy
from archlint.models.model_code import ModelCode, attributes_of
from archlint.models.signature import check_call
from archlint.models.targets import from_instance
from archlint.symbolic import symbol


def double(x):
    return x * 2


class Scale:
    def __call__(self, x):
        return x * 2


class Bare:
    """Cannot be called."""


class Odd:
    """Makes up its attributes."""

    def __init__(self, own):
        self.own = own

    def __getattr__(self, name):
        raise RuntimeError(name)

    def __getattribute__(self, name):
        return len if name == "__dict__" else object.__getattribute__(self, name)


class Own(nn.Linear):
    """Says itself how it is copied."""

    def __deepcopy__(self, memo):
        other = Own(self.in_features, self.out_features)
        other.act = self.act
        return other


def of(**attributes):
    layer = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    for name, value in attributes.items():
        setattr(layer[0], name, value)
    return layer


def own():
    layer = Own(2, 2)
    layer.act = double
    return nn.Sequential(layer)


MODELS = {
    "nothing": of,
    "a function": lambda: of(act=double),
    "a function of torch": lambda: of(act=F.relu),
    "a partial": lambda: of(act=partial(double)),
    "an object": lambda: of(act=Scale()),
    "objects that cannot be called": lambda: of(a=Bare(), b="text", c=[1], d={"a": torch.ones(1)}),
    "a class": lambda: of(kind=nn.BatchNorm2d),
    "a module that copies itself": own,
}


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_a_copy_tells_what_its_modules_hold(make):
    model, parts = lean_copy(make())
    told, read = ModelCode.of(model, parts), ModelCode.of(model)
    assert told.classes == read.classes >= {nn.Sequential, nn.Module, object}
    assert set(told.held) == set(read.held)
    assert code_places(told) == code_places(read)


def test_what_is_in_containers_counts_for_a_copy():
    model, parts = lean_copy(of(acts=[double], hidden=[nn.Dropout()]))
    code = ModelCode.of(model, parts)
    assert code.held == (double,)
    assert nn.Dropout in code.classes


def test_functions_that_an_object_has_count():
    assert ModelCode.of(of(config=Odd(double))).held == (double,)
    assert ModelCode.of(of(config=Odd(3))).held == ()
    assert attributes_of(3) == {}


def test_a_module_in_a_list_keeps_its_mode():
    made = of(hidden=[nn.Dropout()])
    source = from_instance(made)
    assert source.for_tracing("eval")[0].hidden[0].training
    assert not source.for_tracing("eval")[1].training


def lazy():
    model = nn.Sequential(nn.Linear(2, 2))
    model[0].weight = UninitializedParameter()
    return model


@pytest.mark.parametrize("make", [lazy, lambda: nn.Sequential(nn.LazyConv2d(2, 1))])
def test_lazy_layers_are_found_among_what_a_copy_holds(make):
    model, parts = lean_copy(make())
    assert parts.complete()
    for known in (parts, None):
        with pytest.raises(TargetError, match="lazy layer"):
            check_call(model, TensorInput((symbol("N"), 2)), known)


def test_a_module_that_copies_itself_is_read():
    assert not lean_copy(own())[1].complete()
    assert lean_copy(copy.deepcopy(of()))[1].complete()
