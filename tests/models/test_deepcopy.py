"""The copy of a module tree: what ``copy.deepcopy`` gives, whatever a module holds."""

from __future__ import annotations

import copy
import subprocess
import sys
from collections import OrderedDict

import pytest
import torch
import torchvision
from torch import nn

import archlint
from archlint.models.deepcopy import HasOwnCode, deep_copy


class Holder(nn.Module):
    """A module with state of every kind in its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 4)
        self.same = self.layer
        self.register_buffer("steps", torch.arange(4), persistent=False)
        self.view = self.steps[1:]
        self.kinds = {"a": [1, (2, [3])], "own": OrderedDict(b=self.layer)}
        self.names = {"x", "y"}
        self.where = [self]
        self.device = torch.device("cpu")
        self.plain = Plain(self.layer)


class Plain:
    def __init__(self, layer: nn.Module) -> None:
        self.layer = layer


class Remade(nn.Module):
    """Made again by a call."""

    def __init__(self, extra: object = None) -> None:
        super().__init__()
        self.extra = extra

    def __reduce__(self):
        return Remade, ("made again",)


class Pickled(nn.Module):
    """Says itself what of it is copied."""

    def __init__(self) -> None:
        super().__init__()
        self.kept, self.dropped = [1], [2]

    def __getstate__(self):
        return {**super().__getstate__(), "dropped": None}


class Refusing(nn.Module):
    def __deepcopy__(self, memo):
        raise RuntimeError("there is one of me")


def test_what_is_shared_is_shared_in_the_copy_and_with_nothing_else():
    model = Holder()
    made = deep_copy(model, {})
    assert made.layer is made.same is made.kinds["own"]["b"] is made.plain.layer
    assert made.layer is not model.layer
    assert made.plain is not model.plain
    assert made.where == [made]
    assert made.kinds["a"] == model.kinds["a"]
    assert made.kinds["a"][1][1] is not model.kinds["a"][1][1]
    assert type(made.kinds["own"]) is OrderedDict
    assert made.names == {"x", "y"}
    assert made.names is not model.names
    made.steps[1] = 9
    assert made.view[0] == 9
    assert model.steps[1] == 1
    with torch.no_grad():
        made.layer.weight.zero_()
    assert model.layer.weight.abs().sum() > 0
    made.register_forward_hook(lambda *a: None)
    assert not model._forward_hooks


@pytest.mark.slow
@pytest.mark.parametrize("name", ["resnet18", "vit_b_32", "swin_t", "googlenet"])
def test_a_copy_answers_as_the_model(name):
    model = torchvision.models.get_model(name, weights=None).eval()
    made, known = deep_copy(model, {}), copy.deepcopy(model)
    assert repr(made) == repr(known)
    assert [k for k, _ in made.named_modules()] == [k for k, _ in known.named_modules()]
    for one, other in zip(made.modules(), known.modules(), strict=True):
        assert type(one) is type(other)
        assert list(one.__dict__) == list(other.__dict__)
        assert all(type(v) is type(other.__dict__[k]) for k, v in one.__dict__.items())
    state = known.state_dict()
    assert made.state_dict().keys() == state.keys()
    assert all(torch.equal(v, state[k]) for k, v in made.state_dict().items())
    assert not {id(t) for t in made.parameters()} & {id(t) for t in model.parameters()}


def test_modules_with_a_protocol_of_their_own_are_copied_by_it():
    model = nn.Sequential(Remade(), Pickled())
    made = deep_copy(model, {})
    assert made[0].extra == "made again"
    assert made[1].kept == [1]
    assert made[1].kept is not model[1].kept
    assert made[1].dropped is None
    with pytest.raises(RuntimeError, match="there is one of me"):
        deep_copy(nn.Sequential(Refusing()), {})


class Keeps(dict):
    """A mapping of one's own."""


def mapped():
    model = nn.Sequential(nn.ReLU())
    model._modules = Keeps(model._modules)
    return model


@pytest.mark.parametrize("make", [Remade, Pickled, Refusing, mapped])
def test_code_of_a_modules_own_does_not_run_where_only_plain_ones_are_wanted(make):
    with pytest.raises(HasOwnCode):
        deep_copy(nn.Sequential(nn.ReLU(), make()), {}, plain=True)


def test_mappings_without_modules_are_copied_where_only_plain_modules_are_wanted():
    model = nn.Sequential(nn.ReLU())
    model.settings = Keeps(a=[1])
    made = deep_copy(model, {}, plain=True)
    assert made.settings == {"a": [1]}
    assert made.settings["a"] is not model.settings["a"]


def test_what_the_memo_names_stands_for_the_original():
    layer, other = nn.Linear(2, 2), nn.Linear(5, 5)
    assert deep_copy(nn.Sequential(layer), {id(layer): other})[0] is other


def test_a_module_that_was_compiled_comes_without_what_was_compiled():
    model = nn.Linear(2, 2)
    model._compiled_call_impl = lambda *a: None
    assert "_compiled_call_impl" not in deep_copy(model, {}).__dict__


class Stashed(nn.Module):
    """A function of its own stores what a layer gives, and ``forward`` reads it there."""

    def __init__(self, attach) -> None:
        super().__init__()
        self.layer, self.stash = nn.Conv1d(3, 4, 3), {}
        attach(self)

    def forward(self, x):
        self.layer(x)
        return self.stash.pop("out")[..., 1:]


def by_the_module(model):
    model.layer.register_forward_hook(lambda m, args, out: model.stash.update(out=out))


def by_the_container(model):
    stash = model.stash
    model.layer.register_forward_hook(lambda m, args, out: stash.update(out=out))


def by_a_default(model):
    def store(m, args, out, stash=model.stash):
        stash.update(out=out)

    model.layer.register_forward_hook(store)


def by_another_function(model):
    def store(out):
        model.stash.update(out=out)

    model.layer.register_forward_pre_hook(lambda m, args: None)
    model.layer.register_forward_hook(lambda m, args, out: store(out))


def by_an_attribute(model):
    convolved = model.layer.forward

    def forward(x):
        model.stash["out"] = convolved(x)

    model.layer.forward = forward


HOOKED = [by_the_module, by_the_container, by_a_default, by_another_function, by_an_attribute]


@pytest.mark.parametrize("attach", HOOKED, ids=lambda f: f.__name__)
def test_functions_that_refer_to_the_model_write_to_the_model_that_runs(attach):
    model = Stashed(attach).eval()
    found = archlint.infer(model, "N 3 T")
    assert found.exact
    assert found.text == "T >= 3"
    assert found.output(N=2, T=9) == (2, 4, 6)
    assert archlint.check(model, "N 3 T", accepts="any T >= 3").word == "proved"
    assert model.stash == {}


def test_functions_that_refer_to_nothing_of_the_model_are_copied():
    model = nn.Linear(3, 4)
    found: list[object] = []
    model.register_forward_hook(lambda m, args, out: found.append(out))
    assert deep_copy(model, {}) is not model


COMPILED = """
import torch
from torch._dynamo.mutation_guard import install_generation_tagging_init

from archlint.models.meta_weights import lean_copy

before = lean_copy(torch.nn.Linear(2, 2))[1].complete()
install_generation_tagging_init()
print(before, lean_copy(torch.nn.Conv2d(2, 2, 1))[1].complete())
"""


def test_modules_are_plain_after_something_was_compiled_in_the_process():
    ran = subprocess.run([sys.executable, "-c", COMPILED], capture_output=True, text=True)
    assert ran.stdout.split() == ["True", "True"], ran.stderr
